//! Many closures side by side, a bit each: for closures that overlap without one holding the other,
//! and for large ones that only cascades of gates with several inputs reach.
//!
//! Up to [`LANES`] seeds are searched together. All lanes go through the same keys (level, round) in
//! the same order, so the key at which a lane reaches a fact is the key of the step in which its bit
//! is set, and the levels are exact. A gate is judged for all lanes at a time by counting its inputs
//! in bit-sliced numbers. For every fact the steps are kept in which bits were set; proofs are read
//! off them.
//!
//! Source: bit-parallel multi-source breadth-first search (Then et al., "The more the merrier", VLDB
//! 2014), here with thresholds, levels and rounds. Cost: O(W) words for every use of every fact in
//! every step in which some lane reaches it, W = [`LANES`] / 64.

mod mask;

use super::proof::{self, Derived};
use super::{Answer, Key, Question, Tally, Unlocked};
use crate::rules::{Class, Fact, Gate, Incoming, RuleGraph};
pub(super) use mask::LANES;
use mask::{Counters, EMPTY, Mask, each, enough, is_empty, subtract, unite};
use rustc_hash::FxHashMap;

/// Inputs of a gate up to which they are counted anew whenever one of them is reached.
const FEW: usize = 15;
/// Nothing.
const NONE: u32 = u32::MAX;

/// A batch of searches (12 bytes per fact, and some 70 per fact and step in which it is reached).
pub(super) struct Lanes<'g> {
    graph: &'g RuleGraph,
    incoming: &'g Incoming,
    /// For every fact its place among `rows`.
    row_of: Vec<u32>,
    rows: Vec<Row>,
    reached: Vec<Fact>,
    events: Vec<Event>,
    /// The keys of the steps so far.
    steps: Vec<Key>,
    next_round: Coming,
    next_level: Coming,
    fresh: Vec<(Fact, Mask)>,
    /// Gates of many inputs: how many of them each lane has.
    wide: FxHashMap<Gate, Counters>,
    accounts: Counters,
    mailboxes: Counters,
    systems: Vec<(u32, Fact, u32)>,
}

/// The lanes that have a fact, and the last step in which there were more of them.
struct Row {
    have: Mask,
    last: u32,
}

/// Lanes that reached a fact in one step.
struct Event {
    lanes: Mask,
    step: u32,
    /// The event before of the same fact.
    before: u32,
}

/// Facts that will be reached in a later step, each once.
struct Coming {
    place: Vec<u32>,
    list: Vec<(Fact, Mask)>,
}

impl Coming {
    fn new(facts: usize) -> Self {
        Self {
            place: vec![NONE; facts],
            list: Vec::new(),
        }
    }

    fn add(&mut self, fact: Fact, lanes: &Mask) {
        let place = &mut self.place[fact.index()];
        match self.list.get_mut(*place as usize) {
            Some((_, known)) => unite(known, lanes),
            None => {
                *place = self.list.len() as u32;
                self.list.push((fact, *lanes));
            }
        }
    }

    fn take(&mut self) -> Vec<(Fact, Mask)> {
        for (fact, _) in &self.list {
            self.place[fact.index()] = NONE;
        }
        std::mem::take(&mut self.list)
    }
}

impl<'g> Lanes<'g> {
    pub(super) fn new(graph: &'g RuleGraph, incoming: &'g Incoming) -> Self {
        let facts = graph.fact_count();
        Self {
            graph,
            incoming,
            row_of: vec![NONE; facts],
            rows: Vec::new(),
            reached: Vec::new(),
            events: Vec::new(),
            steps: Vec::new(),
            next_round: Coming::new(facts),
            next_level: Coming::new(facts),
            fresh: Vec::new(),
            wide: FxHashMap::default(),
            accounts: Counters::default(),
            mailboxes: Counters::default(),
            systems: Vec::new(),
        }
    }

    /// The answers for some seeds, at most [`LANES`] of them; nothing when so few of them reach facts
    /// in the same steps that going side by side is no gain, unless it has to be.
    pub(super) fn answers(
        &mut self,
        question: &Question<'_>,
        seeds: &[Fact],
        has_to: bool,
    ) -> Option<Vec<Answer>> {
        if !self.run(seeds, has_to) {
            return None;
        }
        let mut tallies: Vec<Tally> = seeds
            .iter()
            .enumerate()
            .map(|(lane, &seed)| {
                let own = self.graph.class(seed);
                Tally {
                    unlocks: Vec::new(),
                    accounts: self.accounts.of(lane) - u32::from(own == Class::Account),
                    mailboxes: self.mailboxes.of(lane) - u32::from(own == Class::Mailbox),
                }
            })
            .collect();
        for &(lane, system, hops) in &self.systems {
            if seeds[lane as usize] != system {
                tallies[lane as usize]
                    .unlocks
                    .push(Unlocked { system, hops });
            }
        }
        let lanes = &*self;
        let answers = tallies.into_iter().enumerate().map(|(lane, tally)| {
            let view = Lane { lanes, lane };
            tally.answer(question, |worst| proof::prove(lanes.graph, &view, worst))
        });
        Some(answers.collect())
    }

    /// Whether the lanes have hardly anything in common.
    fn is_apart(&self) -> bool {
        /// Steps in which a fact may be reached on average, and events from which on one can tell.
        const STEPS: usize = 8;
        const EARLY: usize = 1 << 14;
        self.events.len() > EARLY && self.events.len() > self.rows.len() * STEPS
    }

    fn reset(&mut self) {
        for fact in self.reached.drain(..) {
            self.row_of[fact.index()] = NONE;
        }
        self.rows.clear();
        self.events.clear();
        self.steps.clear();
        self.wide.clear();
        self.accounts.clear();
        self.mailboxes.clear();
        self.systems.clear();
        drop((self.next_round.take(), self.next_level.take()));
    }

    /// Whether the search was finished.
    fn run(&mut self, seeds: &[Fact], has_to: bool) -> bool {
        self.reset();
        for (lane, &seed) in seeds.iter().take(LANES).enumerate() {
            let mut lanes = EMPTY;
            lanes[lane / 64] = 1 << (lane % 64);
            self.next_round.add(seed, &lanes);
        }
        let mut key = Key::GIVEN;
        let mut now = self.next_round.take();
        loop {
            // Facts of one key are all reached before any gate is judged.
            self.steps.push(key);
            for (fact, lanes) in now {
                self.reach(fact, lanes, key);
            }
            let fresh = std::mem::take(&mut self.fresh);
            for (fact, lanes) in &fresh {
                self.follow(*fact, lanes);
            }
            self.fresh = fresh;
            self.fresh.clear();
            if !self.next_round.list.is_empty() {
                now = self.next_round.take();
                key = key.after_gate(0);
            } else if !self.next_level.list.is_empty() {
                now = self.next_level.take();
                key = key.after_gate(1);
            } else {
                return true;
            }
            if !has_to && self.is_apart() {
                return false;
            }
        }
    }

    /// Sets the bits of the lanes that did not have the fact.
    fn reach(&mut self, fact: Fact, mut lanes: Mask, key: Key) {
        let row = &mut self.row_of[fact.index()];
        if *row == NONE {
            *row = self.rows.len() as u32;
            self.reached.push(fact);
            self.rows.push(Row {
                have: EMPTY,
                last: NONE,
            });
        }
        let row = &mut self.rows[*row as usize];
        subtract(&mut lanes, &row.have);
        if is_empty(&lanes) {
            return;
        }
        unite(&mut row.have, &lanes);
        let before = std::mem::replace(&mut row.last, self.events.len() as u32);
        self.events.push(Event {
            lanes,
            step: self.steps.len() as u32 - 1,
            before,
        });
        match self.graph.class(fact) {
            Class::Account => self.accounts.add(&lanes),
            Class::Mailbox => self.mailboxes.add(&lanes),
            Class::System => {
                let level = key.level().unwrap_or_default();
                let found = each(&lanes).map(|lane| (lane as u32, fact, level));
                self.systems.extend(found);
            }
            _ => {}
        }
        // Once for every time the fact stands in the gate.
        for step in self.graph.uses(fact).iter().filter(|step| step.need() > 1) {
            if self.graph.inputs(step.gate).len() > FEW {
                self.wide.entry(step.gate).or_default().add(&lanes);
            }
        }
        self.fresh.push((fact, lanes));
    }

    fn follow(&mut self, fact: Fact, lanes: &Mask) {
        let graph = self.graph;
        for step in graph.uses(fact) {
            let mut fires = *lanes;
            // Where the head is known already, which is most often, the gate need not be judged.
            if let Some(row) = self.row(step.head) {
                subtract(&mut fires, &row.have);
            }
            if is_empty(&fires) {
                continue;
            }
            if step.need() > 1 {
                self.judge(step.gate, step.need(), &mut fires);
                if is_empty(&fires) {
                    continue;
                }
            }
            if step.cost() > 0 {
                self.next_level.add(step.head, &fires);
            } else {
                self.next_round.add(step.head, &fires);
            }
        }
    }

    fn row(&self, fact: Fact) -> Option<&Row> {
        self.rows.get(self.row_of[fact.index()] as usize)
    }

    /// Leaves the lanes that have `need` of a gate's inputs.
    fn judge(&self, gate: Gate, need: u32, fires: &mut Mask) {
        let inputs = self.graph.inputs(gate);
        if inputs.len() > FEW {
            match self.wide.get(&gate) {
                Some(counters) => counters.keep_at_least(need, fires),
                None => *fires = EMPTY,
            }
            return;
        }
        const PLANES: usize = (FEW + 1).ilog2() as usize;
        let mut have = [&EMPTY; FEW];
        let mut count = 0;
        for row in inputs.iter().filter_map(|&input| self.row(input)) {
            have[count] = &row.have;
            count += 1;
        }
        let have = &have[..count];
        if (count as u32) < need {
            *fires = EMPTY;
            return;
        }
        // Most often few words are asked for.
        for (word, fires) in fires
            .iter_mut()
            .enumerate()
            .filter(|(_, fires)| **fires != 0)
        {
            if count as u32 == need {
                *fires = have.iter().fold(*fires, |all, have| all & have[word]);
                continue;
            }
            let mut planes = [0u64; PLANES];
            for have in have {
                let mut carry = have[word];
                for plane in &mut planes {
                    (*plane, carry) = (*plane ^ carry, *plane & carry);
                }
            }
            *fires &= enough(planes.into_iter(), need);
        }
    }
}

/// One lane as a closure that proofs are read from.
struct Lane<'l, 'g> {
    lanes: &'l Lanes<'g>,
    lane: usize,
}

impl Derived for Lane<'_, '_> {
    fn key(&self, fact: Fact) -> Key {
        let has = |mask: &Mask| (mask[self.lane / 64] >> (self.lane % 64)) & 1 == 1;
        let Some(row) = self.lanes.row(fact).filter(|row| has(&row.have)) else {
            return Key::NEVER;
        };
        let mut at = row.last;
        while let Some(event) = self.lanes.events.get(at as usize) {
            if has(&event.lanes) {
                return self.lanes.steps[event.step as usize];
            }
            at = event.before;
        }
        Key::NEVER
    }

    /// The lowest of the gates that yield the fact at its key.
    fn why(&self, fact: Fact) -> Option<Gate> {
        let key = self.key(fact);
        if key == Key::GIVEN || key == Key::NEVER {
            return None;
        }
        let graph = self.lanes.graph;
        let mut keys = Vec::new();
        let gates = self.lanes.incoming.of(fact).iter().copied();
        let mut gates = gates.filter(|&gate| {
            let need = graph.need(gate) as usize;
            keys.clear();
            keys.extend(graph.inputs(gate).iter().map(|&input| self.key(input)));
            if need > keys.len() {
                return false;
            }
            let last = *keys.select_nth_unstable(need - 1).1;
            last.after_gate(graph.cost(gate)) == key
        });
        gates.next()
    }
}
