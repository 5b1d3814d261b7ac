//! Whether facts fall with others, and nothing else: without levels and proofs it takes a fraction of the
//! memory of a [`Search`](super::Search), and may end as soon as it is known.

use crate::rules::{Fact, Gate, RuleGraph};

/// A closure in the making and its scratch memory (1 byte per fact, 4 per gate of which only those are
/// touched that need more than one input), reused from run to run.
pub struct Falls<'g> {
    graph: &'g RuleGraph,
    is_met: Vec<bool>,
    /// The facts that were met, in that order; those further down are still to be followed.
    met: Vec<Fact>,
    /// How many inputs of each gate were met, for gates that need more than one.
    counts: Vec<u32>,
    counted: Vec<Gate>,
}

impl<'g> Falls<'g> {
    /// Scratch memory for a graph.
    #[must_use]
    pub fn new(graph: &'g RuleGraph) -> Self {
        Self {
            graph,
            is_met: vec![false; graph.fact_count()],
            met: Vec::new(),
            counts: vec![0; graph.gate_count()],
            counted: Vec::new(),
        }
    }

    /// Follows what is given until all of some facts are met, and says whether they were: O(facts + gate
    /// inputs) of the closure. What an earlier run left is forgotten.
    pub fn run_until(&mut self, given: &[Fact], wanted: &[Fact]) -> bool {
        self.reset();
        let graph = self.graph;
        for &fact in given {
            self.meet(fact);
        }
        let is_missing = |falls: &Self| wanted.iter().any(|&fact| !falls.contains(fact));
        let mut at = 0;
        let mut missing = is_missing(self);
        while missing && let Some(&fact) = self.met.get(at) {
            at += 1;
            for step in graph.uses(fact) {
                if step.need() > 1 && self.count(step.gate) < step.need() {
                    continue;
                }
                if self.meet(step.head) && wanted.contains(&step.head) {
                    missing = is_missing(self);
                }
            }
        }
        !missing
    }

    /// Whether a fact was met in the last run.
    #[must_use]
    pub fn contains(&self, fact: Fact) -> bool {
        self.is_met[fact.index()]
    }

    fn meet(&mut self, fact: Fact) -> bool {
        let is_new = !std::mem::replace(&mut self.is_met[fact.index()], true);
        if is_new {
            self.met.push(fact);
        }
        is_new
    }

    /// How many inputs of a gate were met, one more than before.
    fn count(&mut self, gate: Gate) -> u32 {
        let count = &mut self.counts[gate.index()];
        if *count == 0 {
            self.counted.push(gate);
        }
        *count += 1;
        *count
    }

    fn reset(&mut self) {
        for fact in self.met.drain(..) {
            self.is_met[fact.index()] = false;
        }
        for gate in self.counted.drain(..) {
            self.counts[gate.index()] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Class, RuleGraphBuilder};
    use crate::solve::closure;

    #[test]
    fn what_falls_is_what_is_in_the_closure() {
        let mut random = fastrand::Rng::with_seed(11);
        let (mut fallen, mut spared) = (0, 0);
        for _ in 0..200 {
            let mut builder = RuleGraphBuilder::new();
            let facts: Vec<Fact> = (0..40).map(|_| builder.fact(Class::Account)).collect();
            let any = |random: &mut fastrand::Rng| facts[random.usize(..facts.len())];
            for _ in 0..60 {
                let inputs: Vec<Fact> = (0..random.usize(1..5)).map(|_| any(&mut random)).collect();
                let need = random.u32(1..=inputs.len() as u32 + 1);
                builder.gate(any(&mut random), need, random.u32(..2), &inputs);
            }
            let graph = builder.finish();
            let mut falls = Falls::new(&graph);
            for _ in 0..10 {
                let some = |random: &mut fastrand::Rng, most: usize| -> Vec<Fact> {
                    let count = random.usize(..most);
                    (0..count).map(|_| any(random)).collect()
                };
                let (given, wanted) = (some(&mut random, 12), some(&mut random, 4));
                let closure = closure(&graph, &given);
                let all = wanted.iter().all(|&fact| closure.contains(fact));
                assert_eq!(falls.run_until(&given, &wanted), all);
                for fact in graph.facts() {
                    // One that ended early has not met all, but nothing else.
                    assert!(!falls.contains(fact) || closure.contains(fact));
                    assert!(all || falls.contains(fact) == closure.contains(fact));
                }
                fallen += usize::from(all && !wanted.is_empty());
                spared += usize::from(!all);
            }
        }
        assert!(fallen > 100 && spared > 100, "{fallen} {spared}");
    }
}
