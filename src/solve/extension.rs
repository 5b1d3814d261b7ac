//! The closure of one seed on top of a closure that is already known (that of the assumptions).
//!
//! Only facts whose key gets smaller are followed, smallest first, so what a seed costs is what it
//! changes, not the size of the baseline. A gate with `need >= 2` is judged by its need-th smallest
//! input as it stands, in O(inputs), but only once enough of its inputs are there at all; what was found of
//! a wide gate is remembered while it holds.

use super::judged::Judged;
use super::queue::Queue;
use super::search::GIVEN;
use super::{Closure, Key, proof::Derived};
use crate::rules::{Fact, Gate, RuleGraph};

/// An extension and its scratch memory, reused from seed to seed.
pub(super) struct Extension<'g> {
    graph: &'g RuleGraph,
    base: &'g Closure,
    /// For every gate, how many of its inputs the base holds.
    in_base: Vec<u32>,
    /// For every gate, how many further inputs the seed has brought.
    brought: Vec<u32>,
    touched_gates: Vec<Gate>,
    keys: Vec<Key>,
    why: Vec<u32>,
    improved: Vec<Fact>,
    queue: Queue<Key>,
    judged: Judged<Key>,
}

impl<'g> Extension<'g> {
    pub(super) fn new(graph: &'g RuleGraph, base: &'g Closure) -> Self {
        let held = |gate: Gate| {
            let inputs = graph.inputs(gate).iter();
            inputs.filter(|&&input| base.contains(input)).count() as u32
        };
        Self {
            graph,
            base,
            in_base: graph.gates().map(held).collect(),
            brought: vec![0; graph.gate_count()],
            touched_gates: Vec::new(),
            keys: vec![Key::NEVER; graph.fact_count()],
            why: vec![GIVEN; graph.fact_count()],
            improved: Vec::new(),
            queue: Queue::new(),
            judged: Judged::new(),
        }
    }

    /// Facts whose key or gate differs from the base, each once.
    pub(super) fn improved(&self) -> &[Fact] {
        &self.improved
    }

    /// Computes the closure of the base's facts and `seed`, unless more facts than the limit are improved;
    /// says whether it was done.
    pub(super) fn run(&mut self, seed: Fact, limit: usize) -> bool {
        self.reset();
        let mut key = Key::GIVEN;
        if self.key(seed) > key {
            self.improve(seed, key, GIVEN);
            self.queue.now.push(seed);
        }
        loop {
            for at in 0..self.queue.now.len() {
                let fact = self.queue.now[at];
                // What is about to be improved counts too: a hub leads to very many at a time.
                if self.improved.len().max(self.graph.uses(fact).len()) > limit {
                    self.queue.clear();
                    return false;
                }
                // A smaller key was found after this one, and has been followed already.
                if self.keys[fact.index()] == key {
                    self.follow(fact, key);
                }
            }
            match self.queue.turn([key.after_gate(0), key.after_gate(1)]) {
                Some(next) => key = next,
                None => return true,
            }
        }
    }

    fn follow(&mut self, fact: Fact, key: Key) {
        let graph = self.graph;
        let is_new = !self.base.contains(fact);
        let next = [key.after_gate(0), key.after_gate(1)];
        let uses = graph.uses(fact);
        for (at, step) in uses.iter().enumerate() {
            let (gate, head) = (step.gate, step.head);
            if is_new {
                if self.brought[gate.index()] == 0 {
                    self.touched_gates.push(gate);
                }
                self.brought[gate.index()] += 1;
            }
            // A fact that stands in the gate more than once is judged after its last occurrence.
            if uses.get(at + 1).is_some_and(|next| next.gate == gate) {
                continue;
            }
            let need = step.need();
            if self.in_base[gate.index()] + self.brought[gate.index()] < need {
                continue;
            }
            let known = self.key(head);
            let chosen = self.why(head);
            // The need-th smallest input cannot be smaller than this one unless the gate has fired on
            // the others already.
            let soonest = key.after_gate(step.cost());
            if known < soonest || known == soonest && chosen.is_none_or(|chosen| gate >= chosen) {
                continue;
            }
            let found = if need == 1 {
                soonest
            } else {
                self.nth_smallest(gate, need).after_gate(step.cost())
            };
            if found < known {
                self.improve(head, found, gate.0);
                self.queue.add(head, found, next);
            } else if found == known && chosen.is_some_and(|chosen| gate < chosen) {
                self.improve(head, found, gate.0);
            }
        }
    }

    fn nth_smallest(&mut self, gate: Gate, need: u32) -> Key {
        // Not by the method of this name, which would borrow what is judged as well.
        let key = |input: Fact| self.keys[input.index()].min(self.base.key(input));
        let nth = self.judged.nth_smallest(self.graph, gate, need, key);
        nth.unwrap_or(Key::NEVER)
    }

    fn improve(&mut self, fact: Fact, key: Key, gate: u32) {
        if self.keys[fact.index()] == Key::NEVER {
            self.improved.push(fact);
        }
        self.judged.lower(self.graph, fact, self.key(fact), key);
        self.keys[fact.index()] = key;
        self.why[fact.index()] = gate;
    }

    fn reset(&mut self) {
        self.judged.clear();
        for fact in self.improved.drain(..) {
            self.keys[fact.index()] = Key::NEVER;
            self.why[fact.index()] = GIVEN;
        }
        for gate in self.touched_gates.drain(..) {
            self.brought[gate.index()] = 0;
        }
    }
}

impl Derived for Extension<'_> {
    fn key(&self, fact: Fact) -> Key {
        self.keys[fact.index()].min(self.base.key(fact))
    }

    fn why(&self, fact: Fact) -> Option<Gate> {
        if self.keys[fact.index()] == Key::NEVER {
            return self.base.why(fact);
        }
        let gate = self.why[fact.index()];
        (gate != GIVEN).then_some(Gate(gate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Class, RuleGraphBuilder};
    use crate::solve::closure;
    use crate::solve::search::Search;

    #[test]
    fn on_top_of_what_is_assumed_keys_and_gates_are_those_of_one_search() {
        let mut random = fastrand::Rng::with_seed(8);
        for _ in 0..3000 {
            let mut builder = RuleGraphBuilder::new();
            let facts: Vec<Fact> = (0..random.usize(3..12))
                .map(|_| builder.fact(Class::Account))
                .collect();
            let any = |random: &mut fastrand::Rng| facts[random.usize(..facts.len())];
            for _ in 0..random.usize(..25) {
                let head = any(&mut random);
                let inputs: Vec<Fact> = (0..random.usize(1..5)).map(|_| any(&mut random)).collect();
                // More than one way in the same steps is what ties are made of.
                let need = random.u32(1..=inputs.len() as u32);
                builder.gate(head, need, random.u32(..2), &inputs);
            }
            let graph = builder.finish();
            let assumed: Vec<Fact> = (0..random.usize(1..4)).map(|_| any(&mut random)).collect();
            let base = closure(&graph, &assumed);
            let mut extension = Extension::new(&graph, &base);
            let mut search = Search::new(&graph);
            for &seed in &facts {
                extension.run(seed, usize::MAX);
                search.run(&[&assumed[..], &[seed]].concat());
                for &fact in &facts {
                    let found = (extension.key(fact), extension.why(fact));
                    let expected = (search.key(fact), search.why(fact));
                    assert_eq!(found, expected, "{fact:?} from {seed:?}: {graph:?}");
                }
            }
        }
    }
}
