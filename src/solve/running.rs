//! One closure that moves from fact to fact along the forest.
//!
//! When the closure of a parent `p` is known and `p` follows from `i` alone, that of `i` is the same
//! one step further away: every level one higher when the step is a recovery, every round of the
//! first level one higher when it is not; then what `i` gives beside `p`, or sooner, is added. So the
//! keys are not rewritten on a step. They are kept in a frame whose zero moves: the seed stands at
//! the zero, and on the way back what a step added is undone.
//!
//! A key in the frame is `level * 2^32 + round`. Levels count down from the root of the tree to the
//! seed. Rounds start again at every level, at the zero that the level had when it was the seed's.

use std::hint::black_box;

use super::{Key, forest::Shift, judged::Judged, proof::Derived, queue::Queue};
use crate::rules::{Class, Fact, Gate, RuleGraph, Use};

/// A fact that is not in the closure.
const NEVER: u64 = u64::MAX;
/// No gate.
const GIVEN: u32 = u32::MAX;

/// How much a step of the running closure may change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    /// So many changes are always allowed.
    pub free: usize,
    /// And one for every so many facts of the closure, when that is more.
    pub share: usize,
}

impl Limit {
    fn is_over(self, changes: usize, size: usize) -> bool {
        changes > self.free && changes > size / self.share
    }
}

/// How many facts are followed between two looks ahead.
const WARM: usize = 16;
/// Where levels and rounds of a tree start, with room below for its depth.
const ORIGIN: u64 = 1 << 31;

/// The key of a fact and the gate that it was derived by, side by side because they are read together.
#[derive(Clone, Copy)]
struct State {
    level: u32,
    round: u32,
    why: u32,
}

impl State {
    const NEVER: Self = Self {
        level: u32::MAX,
        round: u32::MAX,
        why: GIVEN,
    };

    fn new(key: u64, why: u32) -> Self {
        Self {
            level: (key >> 32) as u32,
            round: key as u32,
            why,
        }
    }

    fn key(self) -> u64 {
        (u64::from(self.level) << 32) | u64::from(self.round)
    }
}

/// The closure of one seed at a time, with what it takes to go back (12 bytes per fact, 4 per gate,
/// 4 per fact that the path added and 16 per change of one).
pub(super) struct Running<'g> {
    graph: &'g RuleGraph,
    states: Vec<State>,
    /// How many inputs of each gate are in the closure, for gates that need more than one.
    present: Vec<u32>,
    /// What the path added, latest last: it is to be forgotten.
    added: Vec<Fact>,
    /// What the path changed, latest last, as it was before. A fact that a step adds and changes is
    /// restored first and forgotten then, so the two lists need no order between them; and nearly all
    /// of a closure of millions is only added.
    changed: Vec<(Fact, State)>,
    path: Vec<Step>,
    /// Zero rounds of the levels from the tree's first one downwards.
    zeros: Vec<u64>,
    systems: Vec<Fact>,
    accounts: u32,
    mailboxes: u32,
    queue: Queue<u64>,
    judged: Judged<u64>,
}

struct Step {
    fact: Fact,
    added: usize,
    changed: usize,
    systems: usize,
    /// How many levels there were, and the zero round of the last of them.
    levels: usize,
    zero: Option<u64>,
}

impl<'g> Running<'g> {
    pub(super) fn new(graph: &'g RuleGraph) -> Self {
        Self {
            graph,
            states: vec![State::NEVER; graph.fact_count()],
            present: vec![0; graph.gate_count()],
            // Room for large closures, without moving to memory that is new each time.
            added: Vec::with_capacity(graph.fact_count()),
            changed: Vec::new(),
            path: Vec::new(),
            zeros: Vec::new(),
            systems: Vec::new(),
            accounts: 0,
            mailboxes: 0,
            queue: Queue::new(),
            judged: Judged::new(),
        }
    }

    /// The fact whose closure this is.
    pub(super) fn seed(&self) -> Option<Fact> {
        self.path.last().map(|step| step.fact)
    }

    /// How many steps there were to the seed, the root's among them.
    pub(super) fn depth(&self) -> usize {
        self.path.len()
    }

    /// The fact before the seed on the path.
    pub(super) fn parent(&self) -> Option<Fact> {
        let above = self.path.len().checked_sub(2)?;
        self.path.get(above).map(|step| step.fact)
    }

    /// Facts that the last step added to the closure or changed, some of them more than once.
    pub(super) fn touched(&self) -> impl Iterator<Item = Fact> {
        let last = self.path.last();
        let (added, changed) = last.map_or((0, 0), |step| (step.added, step.changed));
        let changed = self.changed[changed..].iter();
        self.added[added..]
            .iter()
            .copied()
            .chain(changed.map(|(fact, _)| *fact))
    }

    /// Systems of the closure, in no order that means something.
    pub(super) fn systems(&self) -> &[Fact] {
        &self.systems
    }

    /// Accounts in the closure, the seed's own among them.
    pub(super) fn accounts(&self) -> u32 {
        self.accounts
    }

    /// Mailboxes in the closure, the seed's own among them.
    pub(super) fn mailboxes(&self) -> u32 {
        self.mailboxes
    }

    /// Goes one step further: to a root, or to a fact from which the present seed follows, this far
    /// away or nearer. When that takes more work than the limit allows, it is left half done and
    /// `false` is given: the caller may look at what was found, and goes back by [`Running::pop`].
    pub(super) fn push(&mut self, fact: Fact, shift: Option<Shift>, limit: Limit) -> bool {
        let step = Step {
            fact,
            added: self.added.len(),
            changed: self.changed.len(),
            systems: self.systems.len(),
            levels: self.zeros.len(),
            zero: self.zeros.last().copied(),
        };
        let (level, round) = shift.map_or((1, 0), |shift| (shift.level, shift.round));
        if let Some(zero) = self.zeros.last_mut() {
            *zero -= u64::from(round);
        }
        self.zeros.extend((0..level).map(|_| ORIGIN));
        self.path.push(step);
        let zero = self.zero();
        self.set(fact, zero, GIVEN);
        self.queue.now.push(fact);
        let is_done = self.search(zero, limit);
        if !is_done {
            self.queue.clear();
        }
        is_done
    }

    /// What the last step added, in the order in which it was found, with how far each is from the
    /// seed at most.
    pub(super) fn added(&self) -> impl Iterator<Item = (Fact, Key)> {
        let begin = self.path.last().map_or(0, |step| step.added);
        let added = self.added[begin..].iter();
        added.map(|&fact| (fact, self.key(fact)))
    }

    /// Goes back one step.
    pub(super) fn pop(&mut self) {
        let Some(step) = self.path.pop() else {
            return;
        };
        self.judged.clear();
        let graph = self.graph;
        for (fact, before) in self.changed.drain(step.changed..).rev() {
            self.states[fact.index()] = before;
        }
        for fact in self.added.drain(step.added..).rev() {
            for step in graph.uses(fact).iter().filter(|step| step.need() > 1) {
                self.present[step.gate.index()] -= 1;
            }
            match graph.class(fact) {
                Class::Account => self.accounts -= 1,
                Class::Mailbox => self.mailboxes -= 1,
                _ => {}
            }
            self.states[fact.index()] = State::NEVER;
        }
        self.systems.truncate(step.systems);
        self.zeros.truncate(step.levels);
        if let (Some(last), Some(zero)) = (self.zeros.last_mut(), step.zero) {
            *last = zero;
        }
    }

    /// The seed's level in the frame.
    fn level(&self) -> u64 {
        ORIGIN - self.zeros.len() as u64
    }

    /// The seed's key in the frame.
    fn zero(&self) -> u64 {
        (self.level() << 32) | self.zeros.last().copied().unwrap_or(ORIGIN)
    }

    /// The round that is the first of a level.
    fn first_round(&self, level: u64) -> u64 {
        // Levels from the origin on were never a seed's.
        let above = ORIGIN.checked_sub(level + 1);
        above
            .and_then(|at| self.zeros.get(at as usize).copied())
            .unwrap_or(ORIGIN)
    }

    fn after(&self, key: u64, cost: u32) -> u64 {
        if key == NEVER {
            NEVER
        } else if cost == 0 {
            key + 1
        } else {
            let level = (key >> 32) + 1;
            (level << 32) | self.first_round(level)
        }
    }

    /// Notes what a fact of the closure was like.
    fn log(&mut self, fact: Fact) {
        self.changed.push((fact, self.states[fact.index()]));
    }

    fn set(&mut self, fact: Fact, key: u64, why: u32) {
        let before = self.states[fact.index()].key();
        self.judged.lower(self.graph, fact, before, key);
        if before != NEVER {
            self.log(fact);
        } else {
            self.added.push(fact);
            match self.graph.class(fact) {
                Class::Account => self.accounts += 1,
                Class::Mailbox => self.mailboxes += 1,
                Class::System => self.systems.push(fact),
                _ => {}
            }
            // Counted at once: a gate is judged by keys, and an input that waits in a queue has one.
            let uses = self.graph.uses(fact).iter();
            for step in uses.filter(|step| step.need() > 1) {
                self.present[step.gate.index()] += 1;
            }
        }
        self.states[fact.index()] = State::new(key, why);
    }

    /// How much the path has changed.
    fn changes(&self) -> usize {
        self.added.len() + self.changed.len()
    }

    /// Follows what is queued, smallest keys first, up to the limit.
    fn search(&mut self, start: u64, limit: Limit) -> bool {
        let step = self.path.last();
        let begin = step.map_or(0, |step| step.added + step.changed);
        let mut key = start;
        loop {
            for at in 0..self.queue.now.len() {
                if at % WARM == 0 {
                    // A level may be many times as large as the one before.
                    if limit.is_over(self.changes() - begin, self.added.len()) {
                        return false;
                    }
                    if self.queue.now.len() >= WARM {
                        self.warm(at);
                    }
                }
                let fact = self.queue.now[at];
                // A fact found first at a later key may have been found again at a sooner one.
                if self.states[fact.index()].key() == key {
                    self.follow(fact, key);
                }
            }
            match self.queue.turn([self.after(key, 0), self.after(key, 1)]) {
                Some(next) => key = next,
                None => return true,
            }
        }
    }

    /// Brings what following the next [`WARM`] facts will read into the caches, each step towards it for
    /// all of them at a time, so that the processor waits for many places in memory together: in a
    /// closure of millions that is where the time goes.
    fn warm(&self, at: usize) {
        let facts = &self.queue.now[at..self.queue.now.len().min(at + WARM)];
        let mut heads = [Fact(0); WARM];
        let mut sum = 0;
        for (head, &fact) in heads.iter_mut().zip(facts) {
            *head = self.graph.uses(fact).first().map_or(fact, |step| step.head);
        }
        let mut gates = [Gate(0); WARM];
        for (gate, &head) in gates.iter_mut().zip(&heads[..facts.len()]) {
            sum ^= self.states[head.index()].why ^ self.graph.class(head) as u32;
            *gate = self
                .graph
                .uses(head)
                .first()
                .map_or(*gate, |step| step.gate);
        }
        if let Some(present) = self.present.first() {
            sum ^= gates[..facts.len()]
                .iter()
                .fold(*present, |sum, gate| sum ^ self.present[gate.index()]);
        }
        // Without a use the reads would be left out.
        black_box(sum);
    }

    fn follow(&mut self, fact: Fact, key: u64) {
        let graph = self.graph;
        let next @ [next_round, next_level] = [self.after(key, 0), self.after(key, 1)];
        for &step in graph.uses(fact) {
            let Use { gate, head, .. } = step;
            let (need, cost) = (step.need(), step.cost());
            if need > 1 && self.present[gate.index()] < need {
                continue;
            }
            let State { why: chosen, .. } = self.states[head.index()];
            let known = self.states[head.index()].key();
            // The need-th smallest input cannot be smaller than this one unless the gate has fired
            // on the others already.
            let soonest = if cost > 0 { next_level } else { next_round };
            if known < soonest || (known == soonest && gate.0 >= chosen) {
                continue;
            }
            let found = if need == 1 {
                soonest
            } else {
                let last = self.nth_smallest(gate, need);
                self.after(last, cost)
            };
            if found < known {
                self.set(head, found, gate.0);
                self.queue.add(head, found, next);
            } else if found == known && gate.0 < chosen {
                self.log(head);
                self.states[head.index()].why = gate.0;
            }
        }
    }

    fn nth_smallest(&mut self, gate: Gate, need: u32) -> u64 {
        let key = |input: Fact| self.states[input.index()].key();
        let nth = self.judged.nth_smallest(self.graph, gate, need, key);
        nth.unwrap_or(NEVER)
    }
}

impl Derived for Running<'_> {
    fn key(&self, fact: Fact) -> Key {
        let key = self.states[fact.index()].key();
        if key == NEVER {
            return Key::NEVER;
        }
        let level = key >> 32;
        let round = (key & 0xffff_ffff) - self.first_round(level);
        Key::new((level - self.level()) as u32, round as u32)
    }

    fn why(&self, fact: Fact) -> Option<Gate> {
        let gate = self.states[fact.index()].why;
        (gate != GIVEN).then_some(Gate(gate))
    }
}
