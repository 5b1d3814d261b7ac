//! The closure of a few facts from nothing: one counter per gate, facts in the order of their keys.

use super::proof::{Derived, Proof, prove_whole};
use super::{Closure, Key};
use crate::rules::{Fact, Gate, RuleGraph};

/// No gate: the fact was given.
pub(super) const GIVEN: u32 = u32::MAX;

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
        prove_whole(self.graph, self, goal)
    }

    /// Whether a fact is in the closure of the last run.
    #[must_use]
    pub fn contains(&self, fact: Fact) -> bool {
        self.keys[fact.index()] != Key::NEVER
    }

    /// Computes the closure of `given`; what an earlier run left is forgotten.
    pub fn run(&mut self, given: &[Fact]) {
        self.run_until(given, &[]);
    }

    /// The same, but ends when all of some facts are met, and says whether they were. What was reached
    /// until then has proofs; not always of fewest recoveries, as a longer way with fewer of them may not
    /// have been gone yet. Of no facts it finds all.
    pub fn run_until(&mut self, given: &[Fact], wanted: &[Fact]) -> bool {
        self.start(given);
        let is_met =
            |search: &Self| !wanted.is_empty() && wanted.iter().all(|&fact| search.contains(fact));
        let mut key = Key::GIVEN;
        while !is_met(self) {
            match self.step(key) {
                Some(next) => key = next,
                None => return is_met(self),
            }
        }
        self.now.clear();
        self.next_round.clear();
        self.next_level.clear();
        true
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
