//! The closure of a few facts from nothing: one counter per gate, facts in the order of their keys.

use std::hint::black_box;

use super::proof::{Derived, Proof, steps};
use super::{Closure, Key};
use crate::rules::{Fact, Gate, RuleGraph};

/// No gate: the fact was given.
pub(super) const GIVEN: u32 = u32::MAX;

/// The first levels of a closure.
pub(super) struct Beginning {
    /// The last of them.
    pub level: u32,
    /// What they hold, by fact.
    pub facts: Vec<Begun>,
    /// Facts that the next level begins with; none where the closure is whole.
    pub coming: Vec<Fact>,
}

impl Beginning {
    /// What is known of a fact, if it is in these levels.
    pub(super) fn of(&self, fact: Fact) -> Option<&Begun> {
        let at = self.facts.binary_search_by_key(&fact, |begun| begun.fact);
        at.ok().map(|at| &self.facts[at])
    }
}

/// A fact of the first levels of a closure.
pub(super) struct Begun {
    pub fact: Fact,
    pub level: u32,
    pub round: u32,
    /// The chosen gate, or [`GIVEN`].
    pub why: u32,
}

/// A search and its scratch memory (16 bytes per fact, 4 to 8 per gate), reused from seed to seed.
pub struct Search<'g> {
    graph: &'g RuleGraph,
    keys: Vec<Key>,
    why: Vec<u32>,
    /// How many inputs of each gate are controlled so far.
    counts: Vec<u32>,
    counted: Vec<Gate>,
    reached: Vec<Fact>,
    now: Vec<Fact>,
    next_round: Vec<Fact>,
    next_level: Vec<Fact>,
}

impl<'g> Search<'g> {
    /// Scratch memory for a graph.
    #[must_use]
    pub fn new(graph: &'g RuleGraph) -> Self {
        Self {
            graph,
            keys: vec![Key::NEVER; graph.fact_count()],
            why: vec![GIVEN; graph.fact_count()],
            counts: vec![0; graph.gate_count()],
            counted: Vec::new(),
            // Room for all, without moving to memory that is new each time.
            reached: Vec::with_capacity(graph.fact_count()),
            now: Vec::new(),
            next_round: Vec::new(),
            next_level: Vec::new(),
        }
    }

    /// Facts of the last run, each once.
    #[must_use]
    pub fn reached(&self) -> &[Fact] {
        &self.reached
    }

    /// Leaves gates out of every run to come: their counters stand where no need is ever met.
    pub fn forbid(&mut self, gates: &[Gate]) {
        // What the last run counted would else be set back when the next one begins.
        self.reset();
        for gate in gates {
            self.counts[gate.index()] = u32::MAX / 2;
        }
    }

    /// Takes gates in again that were left out.
    pub fn allow(&mut self, gates: &[Gate]) {
        for gate in gates {
            self.counts[gate.index()] = 0;
        }
    }

    /// The proof that the last run gives, with every step.
    #[must_use]
    pub fn whole_proof(&self, goal: Fact) -> Option<Proof> {
        let steps = steps(self.graph, self, goal)?;
        Some(Proof { steps, omitted: 0 })
    }

    /// Whether a fact is in the closure of the last run.
    #[must_use]
    pub fn contains(&self, fact: Fact) -> bool {
        self.keys[fact.index()] != Key::NEVER
    }

    /// Computes the closure of `given`; what an earlier run left is forgotten.
    pub fn run(&mut self, given: &[Fact]) {
        self.run_until(given, None);
    }

    /// The same, but ends when a fact is met, and says whether it was. What was reached until then
    /// has proofs, of fewest recoveries but for those of the last round.
    pub fn run_until(&mut self, given: &[Fact], wanted: Option<Fact>) -> bool {
        self.start(given);
        let mut key = Key::GIVEN;
        loop {
            let next = self.step(key);
            if wanted.is_some_and(|fact| self.contains(fact)) {
                self.now.clear();
                self.next_round.clear();
                self.next_level.clear();
                return true;
            }
            match next {
                Some(next) => key = next,
                None => return false,
            }
        }
    }

    /// The first levels of the closure of `seed`, as many as it takes to have `enough` facts, or fewer
    /// where those have more than `most`; nothing where the very first level has.
    pub(super) fn begin(&mut self, seed: Fact, enough: usize, most: usize) -> Option<Beginning> {
        self.start(&[seed]);
        let mut key = Key::GIVEN;
        let mut next = self.step(key);
        // The last key of the last level that is whole.
        let mut whole = None;
        while let Some(coming) = next {
            if coming.level() > key.level() {
                let found = self.reached.len() - self.now.len();
                if found > most {
                    break;
                }
                whole = Some(key);
                if found >= enough {
                    break;
                }
            }
            if self.reached.len() > most {
                break;
            }
            key = coming;
            self.read_ahead();
            next = self.step(key);
        }
        let is_all = next.is_none() && self.reached.len() <= most;
        let beginning = match (is_all, whole) {
            (true, _) => Some(self.beginning(key, None)),
            (false, Some(end)) => Some(self.beginning(end, Some(end.after_gate(1)))),
            (false, None) => None,
        };
        self.now.clear();
        self.next_round.clear();
        self.next_level.clear();
        beginning
    }

    /// What was found up to one key, and what then comes at another.
    fn beginning(&self, end: Key, then: Option<Key>) -> Beginning {
        let mut facts = Vec::new();
        let mut coming = Vec::new();
        for &fact in &self.reached {
            let key = self.keys[fact.index()];
            if key <= end {
                let (level, round) = key.parts();
                let why = self.why[fact.index()];
                facts.push(Begun {
                    fact,
                    level,
                    round,
                    why,
                });
            } else if Some(key) == then {
                coming.push(fact);
            }
        }
        facts.shrink_to_fit();
        facts.sort_unstable_by_key(|begun| begun.fact);
        Beginning {
            level: end.level().unwrap_or_default(),
            facts,
            coming,
        }
    }

    fn start(&mut self, given: &[Fact]) {
        self.reset();
        for &fact in given {
            if self.keys[fact.index()] == Key::NEVER {
                self.keys[fact.index()] = Key::GIVEN;
                self.why[fact.index()] = GIVEN;
                self.reached.push(fact);
                self.now.push(fact);
            }
        }
    }

    /// Follows the facts of this key; gives the key of those that come next.
    fn step(&mut self, key: Key) -> Option<Key> {
        // All facts of one key together: the gates they complete give heads of one key too.
        for at in 0..self.now.len() {
            let fact = self.now[at];
            // A fact found first behind a recovery may have been found again without it.
            if self.keys[fact.index()] == key {
                self.follow(fact, key);
            }
        }
        self.now.clear();
        if !self.next_round.is_empty() {
            std::mem::swap(&mut self.now, &mut self.next_round);
            Some(key.after_gate(0))
        } else if !self.next_level.is_empty() {
            std::mem::swap(&mut self.now, &mut self.next_level);
            Some(key.after_gate(1))
        } else {
            None
        }
    }

    /// Reads what following the next facts will need, all at a time as far as the processor can: a
    /// search of few facts waits for little else.
    fn read_ahead(&self) {
        const MOST: usize = 256;
        /// And uses of each of them.
        const USES: usize = 64;
        let facts = &self.now[..self.now.len().min(MOST)];
        let starts = facts.iter().map(|&fact| self.graph.uses(fact).len());
        let mut sum = starts.sum::<usize>() as u32;
        for &fact in facts {
            // Uses stand side by side, a few to each line of the processor's cache.
            let uses = self.graph.uses(fact).iter().take(USES).step_by(4);
            sum = uses.fold(sum, |sum, step| sum ^ step.head.0);
        }
        for &fact in facts {
            let uses = self.graph.uses(fact).iter().take(USES);
            sum = uses.fold(sum, |sum, step| sum ^ self.counts[step.gate.index()]);
        }
        // Without a use the reads would be left out.
        black_box(sum);
    }

    fn follow(&mut self, fact: Fact, key: Key) {
        let graph = self.graph;
        for step in graph.uses(fact) {
            let (gate, head) = (step.gate, step.head);
            let count = &mut self.counts[gate.index()];
            if *count == 0 {
                self.counted.push(gate);
            }
            *count += 1;
            if *count != step.need() {
                continue;
            }
            let cost = step.cost();
            let found = key.after_gate(cost);
            let known = &mut self.keys[head.index()];
            if found < *known {
                if *known == Key::NEVER {
                    self.reached.push(head);
                }
                *known = found;
                self.why[head.index()] = gate.0;
                if cost > 0 {
                    self.next_level.push(head);
                } else {
                    self.next_round.push(head);
                }
            } else if found == *known
                && gate.0 < self.why[head.index()]
                && self.why[head.index()] != GIVEN
            {
                self.why[head.index()] = gate.0;
            }
        }
    }

    fn reset(&mut self) {
        for fact in self.reached.drain(..) {
            self.keys[fact.index()] = Key::NEVER;
            self.why[fact.index()] = GIVEN;
        }
        for gate in self.counted.drain(..) {
            self.counts[gate.index()] = 0;
        }
    }

    pub(super) fn into_closure(self) -> Closure {
        Closure {
            keys: self.keys,
            why: self.why,
        }
    }
}

impl Derived for Search<'_> {
    fn key(&self, fact: Fact) -> Key {
        self.keys[fact.index()]
    }

    fn why(&self, fact: Fact) -> Option<Gate> {
        let gate = self.why[fact.index()];
        (gate != GIVEN).then_some(Gate(gate))
    }
}

impl Derived for Closure {
    fn key(&self, fact: Fact) -> Key {
        self.keys[fact.index()]
    }

    fn why(&self, fact: Fact) -> Option<Gate> {
        let gate = self.why[fact.index()];
        (gate != GIVEN).then_some(Gate(gate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Class, RuleGraphBuilder};

    #[test]
    fn a_beginning_is_whole_levels_of_no_more_facts_than_asked() {
        // seed -> reset; reset = ten accounts; the first of them -> last.
        let mut builder = RuleGraphBuilder::new();
        let mut fact = || builder.fact(Class::Account);
        let (seed, reset, last) = (fact(), fact(), fact());
        let accounts: Vec<Fact> = (0..10).map(|_| fact()).collect();
        builder.gate(reset, 1, 1, &[seed]);
        for &account in &accounts {
            builder.gate(account, 1, 0, &[reset]);
        }
        builder.gate(last, 1, 1, &accounts[..1]);
        let graph = builder.finish();
        let mut search = Search::new(&graph);
        let mut begin = |seed, enough, most| {
            let beginning = search.begin(seed, enough, most)?;
            let rounds = beginning.facts.iter().map(|begun| begun.round);
            let rounds: u32 = rounds.sum();
            Some((
                beginning.level,
                beginning.facts.len(),
                rounds,
                beginning.coming,
            ))
        };
        assert_eq!(begin(seed, 1, 99), Some((0, 1, 0, vec![reset])));
        assert_eq!(begin(seed, 2, 99), Some((1, 12, 10, vec![last])));
        assert_eq!(begin(seed, 99, 99), Some((2, 13, 10, vec![])));
        // The second level is too much, though more than the first was wanted.
        assert_eq!(begin(seed, 2, 5), Some((0, 1, 0, vec![reset])));
        assert_eq!(begin(seed, 99, 12), Some((1, 12, 10, vec![last])));
        // So is the first.
        assert_eq!(begin(reset, 2, 5), None);
    }
}
