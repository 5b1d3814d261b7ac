//! Long proofs along the walk: a seed's proof is as a rule its parent's, behind what leads to the parent.
//!
//! What was found of the parent stays true of the seed one step further, unless the step changed a fact
//! that the proof reads: the head of one of its steps or any input of their gates, chosen or not. Where it
//! changed none, the proof of the same goal takes the same gates and slots. Steps stand behind those that
//! yield their inputs, so the first of them starts from the parent alone, and what yields the parent now
//! stands before it. (The parent itself is no nearer to anything than it was, as nothing was before it.)
//! So from seed to seed a chain of ten thousand steps costs what is new in it and what is kept of it, not
//! its length.

use crate::rules::{Fact, Gate, RuleGraph};
use crate::solve::proof::{Derived, Found, Proof, Prover};
use crate::solve::running::Running;

/// Steps from which on a proof is worth being remembered.
const LONG: usize = if cfg!(test) { 2 } else { 64 };

/// Proofs of facts of the path that leads to the seed (4 bytes per fact once there is a long one, and some
/// 32 for every input of its gates).
#[derive(Default)]
pub(super) struct Proofs {
    known: Vec<Known>,
    /// The steps of these proofs, the last of each first.
    steps: Vec<Step>,
    slots: Vec<u32>,
    /// For every fact the number of the proof that reads it; 0 for none.
    read_by: Vec<u32>,
    /// What that was before, latest last.
    before: Vec<(Fact, u32)>,
    numbers: u32,
    prover: Prover,
}

/// A proof of a fact of the path.
struct Known {
    /// How long the path is up to the fact.
    depth: usize,
    goal: Fact,
    /// The same for proofs that grew out of each other.
    number: u32,
    /// Where its steps begin.
    begin: usize,
    /// How many steps, slots and facts read there were before it was known.
    steps: usize,
    slots: usize,
    read: usize,
}

struct Step {
    gate: Gate,
    first: usize,
    end: usize,
}

impl Proofs {
    /// Forgets what is known of facts that are no longer on the path.
    pub(super) fn go_back(&mut self, running: &Running<'_>) {
        self.forget_below(running.depth());
    }

    /// Forgets what is known of facts to which the path is longer.
    fn forget_below(&mut self, depth: usize) {
        while let Some(known) = self.known.pop_if(|known| known.depth > depth) {
            self.steps.truncate(known.steps);
            self.slots.truncate(known.slots);
            for (fact, before) in self.before.drain(known.read..).rev() {
                self.read_by[fact.index()] = before;
            }
        }
    }

    /// Takes what is known of the fact before the seed one step further, where that still holds.
    pub(super) fn go_on(&mut self, graph: &RuleGraph, running: &Running<'_>, parent: Fact) {
        let depth = running.depth();
        let Some(&Known {
            goal,
            number,
            begin,
            ..
        }) = self.known.last().filter(|known| known.depth + 1 == depth)
        else {
            return;
        };
        let is_read = |fact: Fact| fact != parent && self.read_by[fact.index()] == number;
        if running.touched().any(is_read) {
            return;
        }
        let mut prover = std::mem::take(&mut self.prover);
        let found = prover.find(graph, running, parent);
        if let Some(found) = found.filter(|found| found.count() > 0) {
            self.add(graph, depth, goal, (number, begin), found);
        }
        self.prover = prover;
    }

    /// The proof of a fact from the seed. `is_shared` says whether others hang below the seed.
    pub(super) fn prove(
        &mut self,
        graph: &RuleGraph,
        running: &Running<'_>,
        goal: Fact,
        is_shared: bool,
    ) -> Option<Proof> {
        let depth = running.depth();
        let known = self.known.last();
        if let Some(known) = known.filter(|known| known.depth == depth && known.goal == goal) {
            let steps = &self.steps[known.begin..];
            return Some(Proof::kept(steps.len(), |at| {
                let step = &steps[steps.len() - 1 - at];
                let level = running.key(graph.head(step.gate)).level();
                let slots = &self.slots[step.first..step.end];
                (step.gate, level.unwrap_or_default(), slots)
            }));
        }
        let mut prover = std::mem::take(&mut self.prover);
        let found = prover.find(graph, running, goal)?;
        if found.count() >= LONG && is_shared {
            // Another goal than that of the proof that is known.
            self.forget_below(depth - 1);
            self.numbers += 1;
            let begins = (self.numbers, self.steps.len());
            self.read_by.resize(graph.fact_count(), 0);
            self.add(graph, depth, goal, begins, found);
        }
        let proof = found.kept();
        self.prover = prover;
        Some(proof)
    }

    fn add(
        &mut self,
        graph: &RuleGraph,
        depth: usize,
        goal: Fact,
        (number, begin): (u32, usize),
        found: &Found,
    ) {
        self.known.push(Known {
            depth,
            goal,
            number,
            begin,
            steps: self.steps.len(),
            slots: self.slots.len(),
            read: self.before.len(),
        });
        for (gate, slots) in found.steps().rev() {
            let first = self.slots.len();
            self.slots.extend_from_slice(slots);
            let end = self.slots.len();
            self.steps.push(Step { gate, first, end });
            let head = graph.head(gate);
            for fact in graph.inputs(gate).iter().copied().chain([head]) {
                let read_by = &mut self.read_by[fact.index()];
                if *read_by != number {
                    self.before.push((fact, *read_by));
                    *read_by = number;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Class, RuleGraphBuilder};
    use crate::solve::{Effort, Question, solve_by_search, solve_with};

    /// Chains with links of several inputs, forks, ways round and ways back, and systems along them.
    fn tangle(random: &mut fastrand::Rng) -> RuleGraph {
        const FACTS: usize = 150;
        let mut builder = RuleGraphBuilder::new();
        let facts: Vec<Fact> = (0..FACTS)
            .map(|at| match at % 40 {
                39 => builder.fact(Class::System),
                _ => builder.fact(Class::Account),
            })
            .collect();
        let odd = random.usize(..60);
        for at in 0..FACTS - 1 {
            let near = |random: &mut fastrand::Rng| facts[at.saturating_sub(random.usize(..4))];
            let (next, cost) = (facts[at + 1], u32::from(random.usize(..3) > 0));
            match random.usize(..10) {
                0 => continue,
                1 => builder.gate(next, 2, cost, &[facts[at], near(random)]),
                2 => builder.gate(next, 2, cost, &[near(random), facts[at], near(random)]),
                _ => builder.gate(next, 1, cost, &[facts[at]]),
            };
        }
        for _ in 0..odd {
            let mut any = || facts[random.usize(..FACTS)];
            let (head, inputs) = (any(), [any(), any(), any()]);
            let count = random.usize(1..4);
            let need = random.u32(1..=count as u32);
            builder.gate(head, need, random.u32(..2), &inputs[..count]);
        }
        builder.finish()
    }

    #[test]
    fn proofs_that_grow_out_of_each_other_are_those_of_a_search_per_seed() {
        let mut random = fastrand::Rng::with_seed(11);
        let mut long = 0;
        for _ in 0..400 {
            let graph = tangle(&mut random);
            let seeds: Vec<Fact> = graph.facts().filter(|_| random.usize(..4) > 0).collect();
            let severity: Vec<u8> = graph.facts().map(|_| random.u8(..3)).collect();
            let place: Vec<u32> = graph.facts().map(|fact| fact.0).collect();
            let question = Question {
                seeds: &seeds,
                assumed: &[],
                severity: &severity,
                place: &place,
            };
            // No lanes: all of it along the walk, in pieces of different length.
            let effort = Effort {
                free: usize::MAX,
                share: 1,
                together: random.usize(1..64),
                ..Effort::default()
            };
            let found = solve_with(&graph, &question, effort, &|_| {});
            assert!(found == solve_by_search(&graph, &question), "{graph:?}");
            let steps = found
                .iter()
                .filter_map(|one| Some(one.proof()?.steps.len()));
            long += steps.filter(|steps| *steps > 20).count();
        }
        assert!(long > 1000, "{long}");
    }

    #[test]
    fn the_middle_of_a_very_long_chain_is_left_out_as_by_a_search_per_seed() {
        let mut builder = RuleGraphBuilder::new();
        let chain: Vec<Fact> = (0..700).map(|_| builder.fact(Class::Account)).collect();
        for link in chain.windows(2) {
            builder.gate(link[1], 1, 1, &link[..1]);
        }
        let system = builder.fact(Class::System);
        builder.gate(system, 1, 0, &chain[699..]);
        let graph = builder.finish();
        let (severity, place) = (vec![0; graph.fact_count()], vec![0; graph.fact_count()]);
        let question = Question {
            seeds: &chain,
            assumed: &[],
            severity: &severity,
            place: &place,
        };
        let found = solve_with(&graph, &question, Effort::default(), &|_| {});
        assert!(found == solve_by_search(&graph, &question));
        let omitted = |at: usize| found[at].proof().map(|proof| proof.omitted);
        assert_eq!([0, 499, 500, 501].map(omitted), [500, 1, 0, 0].map(Some));
    }
}
