//! The solver: rule graph in, answers out. Pure, total, and the same at any number of threads.
//!
//! The closure of a set of facts is the least fixpoint of the gates. Beside *whether* a fact
//! follows, the solver finds its level (the least number of recoveries on the longest branch of a
//! proof) and one proof of it. Among proofs of fewest hops each fact takes the gate with the
//! lowest (hops, round of derivation, gate number), so a proof is well-founded and does not depend
//! on the order of the search.
//!
//! Methods. One closure is a search over the gates with one counter per gate, in the order of
//! (level, round): Dowling and Gallier's counting with Knuth's order of superior functions. All of
//! them together: small ones without a system by a search of a few facts (`small`); the others walk a
//! forest in which each closure grows out of its parent's (`tour`, `forest`, `running`): what a seed
//! costs is what it adds to its parent or brings nearer. Seeds for which that is much go through the
//! gates side by side, a bit each (`lanes`), from the seeds on or from where each has found a part by
//! itself. Under assumptions, which have level 0 wherever the seed stands, what lies beyond their closure
//! is searched from there, and only what the seed improves is followed (`assuming`, `extension`), or in
//! lanes.

mod answer;
mod assuming;
mod batches;
mod extension;
mod falls;
mod forest;
mod judged;
mod key;
mod lanes;
mod marks;
mod proof;
mod queue;
mod removals;
mod running;
mod search;
mod small;
mod spare;
mod threshold;
mod tour;

use rayon::prelude::*;

use crate::rules::{Fact, RuleGraph};
use answer::Tally;
pub use answer::{Answer, Unlocked};
pub use falls::Falls;
pub use key::Key;
use lanes::{Hanging, Patience};
use proof::{Derived, Prover};
pub use proof::{Proof, ProofStep};
pub use removals::{Removal, Removals, SIDE_BY_SIDE};
pub use search::Search;
pub use spare::Spare;
pub use tour::Effort;

/// What is asked of a rule graph.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// One answer each, in this order.
    pub seeds: &'a [Fact],
    /// Given to the attacker for free, beside the seed.
    pub assumed: &'a [Fact],
    /// For every fact the order in which unlocked systems are preferred for the proof before hops
    /// (smallest first); its criticality. Indexed by fact, only entries of systems are read.
    pub severity: &'a [u8],
    /// For every fact its place among equals (by id). Indexed by fact.
    pub place: &'a [u32],
}

/// The closure of a set of facts.
#[derive(Clone, Debug)]
pub struct Closure {
    keys: Vec<Key>,
    why: Vec<u32>,
}

impl Closure {
    /// The level of a fact, if it is in the closure. The given facts have level 0.
    #[must_use]
    pub fn level(&self, fact: Fact) -> Option<u32> {
        self.keys[fact.index()].level()
    }

    /// Whether the fact is in the closure.
    #[must_use]
    pub fn contains(&self, fact: Fact) -> bool {
        self.level(fact).is_some()
    }

    /// The chosen proof of a fact, if it is in the closure.
    #[must_use]
    pub fn proof(&self, graph: &RuleGraph, fact: Fact) -> Option<Proof> {
        proof::prove(graph, self, fact)
    }
}

/// The closure of `given`, with levels: O(facts + gate inputs).
#[must_use]
pub fn closure(graph: &RuleGraph, given: &[Fact]) -> Closure {
    let mut search = Search::new(graph);
    search.run(given);
    search.into_closure()
}

/// Answers the question for every seed, on the threads of the current rayon pool. `tick` is called
/// with the number of seeds done since the last call.
pub fn solve(
    graph: &RuleGraph,
    question: &Question<'_>,
    tick: &(dyn Fn(u64) + Sync),
) -> Vec<Answer> {
    solve_with(graph, question, Effort::default(), tick)
}

/// The same, and beside it something that does not wait for the answers: where parts of the search go
/// one after the other, threads are idle.
pub fn solve_beside<T: Send>(
    graph: &RuleGraph,
    question: &Question<'_>,
    beside: impl FnOnce() -> T + Send,
    tick: &(dyn Fn(u64) + Sync),
) -> (Vec<Answer>, T) {
    if question.assumed.is_empty() {
        tour::solve(graph, question, Effort::default(), beside, tick)
    } else {
        assuming::solve(graph, question, beside, tick)
    }
}

/// The answers with other thresholds between the methods; they do not depend on them.
pub fn solve_with(
    graph: &RuleGraph,
    question: &Question<'_>,
    effort: Effort,
    tick: &(dyn Fn(u64) + Sync),
) -> Vec<Answer> {
    if question.assumed.is_empty() {
        tour::solve(graph, question, effort, || (), tick).0
    } else {
        assuming::solve(graph, question, || (), tick).0
    }
}

/// Answers the question for every seed in batches of lanes, without assumptions.
#[must_use]
pub fn solve_in_lanes(graph: &RuleGraph, question: &Question<'_>) -> Vec<Answer> {
    let alone = |&seed: &Fact| Hanging {
        seed,
        below: seed,
        depth: 0,
    };
    let seeds: Vec<Hanging> = question.seeds.iter().map(alone).collect();
    batches::all_in_lanes(graph, &seeds, |lanes, seeds| {
        lanes.answers(question, seeds, Patience::Endless)
    })
}

/// The same, but every lane begins by itself, or with others as if they hung below the same few facts.
#[must_use]
pub fn solve_in_lanes_from_ahead(graph: &RuleGraph, question: &Question<'_>) -> Vec<Answer> {
    let hanging = |&seed: &Fact| Hanging {
        seed,
        below: Fact(seed.0 % 4),
        depth: seed.0 % 8,
    };
    let seeds: Vec<Hanging> = question.seeds.iter().map(hanging).collect();
    batches::all_in_lanes(graph, &seeds, |lanes, seeds| {
        let ahead = lanes.answers_from_ahead(question, seeds, Patience::Endless);
        ahead.or_else(|| lanes.answers(question, seeds, Patience::Endless))
    })
}

/// Answers the question for every seed by a search of its own, without assumptions: slow, plain, and
/// what the fast way is held against in tests and benchmarks.
#[must_use]
pub fn solve_by_search(graph: &RuleGraph, question: &Question<'_>) -> Vec<Answer> {
    /// Seeds that a thread takes at a time: few, or one thread would wait for the other in the end.
    const TOGETHER: usize = 64;
    let spare: Spare<(Search<'_>, Prover)> = Spare::default();
    let parts = question.seeds.par_chunks(TOGETHER).with_max_len(1);
    let answers = parts.flat_map_iter(|seeds| {
        let all = |(search, prover): &mut (Search<'_>, Prover)| -> Vec<Answer> {
            let answers = seeds.iter().map(|&seed| {
                search.run(&[seed]);
                answer_alone(graph, question, search, prover, seed)
            });
            answers.collect()
        };
        spare.lend(|| (Search::new(graph), Prover::default()), all)
    });
    answers.collect()
}

/// Without assumptions the baseline is empty: everything reached is the seed's doing.
fn answer_alone(
    graph: &RuleGraph,
    question: &Question<'_>,
    alone: &Search<'_>,
    prover: &mut Prover,
    seed: Fact,
) -> Answer {
    let mut tally = Tally::default();
    for &fact in alone.reached() {
        tally.count(graph, seed, fact, alone.key(fact));
    }
    tally.answer(question, |worst| prover.prove(graph, alone, worst))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Class, RuleGraphBuilder};

    /// phone -> password(a) [recovery]; {password, mfa} -> account; device -> mfa; account -> system.
    fn sign_in() -> (RuleGraph, [Fact; 6]) {
        let mut builder = RuleGraphBuilder::new();
        let phone = builder.fact(Class::Phone);
        let device = builder.fact(Class::Device);
        let password = builder.fact(Class::Password);
        let mfa = builder.fact(Class::Mfa);
        let account = builder.fact(Class::Account);
        let system = builder.fact(Class::System);
        builder.gate(password, 1, 1, &[phone]);
        builder.gate(account, 2, 0, &[password, mfa]);
        builder.gate(mfa, 1, 0, &[device]);
        builder.gate(system, 1, 0, &[account]);
        (
            builder.finish(),
            [phone, device, password, mfa, account, system],
        )
    }

    fn ask<'a>(
        seeds: &'a [Fact],
        assumed: &'a [Fact],
        zeros: &'a [u32],
        none: &'a [u8],
    ) -> Question<'a> {
        Question {
            seeds,
            assumed,
            severity: none,
            place: zeros,
        }
    }

    #[test]
    fn an_and_gate_holds_until_every_input_is_there() {
        let (graph, [phone, device, _, _, account, system]) = sign_in();
        assert_eq!(closure(&graph, &[phone]).level(account), None);
        let both = closure(&graph, &[phone, device]);
        assert_eq!(both.level(account), Some(1));
        assert_eq!(both.level(system), Some(1));
    }

    #[test]
    fn what_assumptions_give_to_anybody_is_not_the_seeds_doing() {
        let (graph, [phone, device, password, mfa, account, system]) = sign_in();
        let zeros = vec![0; graph.fact_count()];
        let none = vec![0; graph.fact_count()];
        // The phone is assumed: its password fact falls anyway, the device completes the gate.
        let seeds = [device, phone, account];
        let answers = solve(&graph, &ask(&seeds, &[phone], &zeros, &none), &|_| {});
        assert_eq!(answers[0].unlocks(), [Unlocked { system, hops: 1 }]);
        assert_eq!(answers[0].accounts, 1);
        assert!(answers[1].unlocks().is_empty());
        assert_eq!(answers[2].unlocks(), [Unlocked { system, hops: 0 }]);
        // Everything assumed: the account still gives the system by itself.
        let all = [phone, device, password, mfa];
        let answers = solve(
            &graph,
            &ask(&[account, device], &all, &zeros, &none),
            &|_| {},
        );
        assert_eq!(answers[0].unlocks(), [Unlocked { system, hops: 0 }]);
        assert!(
            answers[1].unlocks().is_empty(),
            "the device alone gives only the factor"
        );
    }

    #[test]
    fn a_proof_takes_the_lowest_gate_among_equals_and_no_step_supports_itself() {
        let mut builder = RuleGraphBuilder::new();
        let seed = builder.fact(Class::Account);
        let (a, b) = (builder.fact(Class::Group), builder.fact(Class::Group));
        let system = builder.fact(Class::System);
        // Groups that contain each other, and two ways from the seed into them.
        let cycle = [builder.gate(a, 1, 0, &[b]), builder.gate(b, 1, 0, &[a])];
        let into_b = builder.gate(b, 1, 0, &[seed]);
        let into_a = builder.gate(a, 1, 0, &[seed]);
        let grant = builder.gate(system, 1, 0, &[a]);
        let graph = builder.finish();
        let proof = closure(&graph, &[seed])
            .proof(&graph, system)
            .unwrap_or_default();
        let gates: Vec<_> = proof.steps.iter().map(|step| step.gate).collect();
        assert_eq!(gates, [into_a, grant], "not {cycle:?} nor {into_b:?}");
    }

    #[test]
    fn a_seed_that_lowers_levels_inside_the_baseline_is_followed() {
        // assumed -> x -> y (two recoveries); seed -> y at no cost; 2 of {y, z} -> s, seed -> z.
        let mut builder = RuleGraphBuilder::new();
        let assumed = builder.fact(Class::Phone);
        let (x, y, z) = (
            builder.fact(Class::Device),
            builder.fact(Class::Device),
            builder.fact(Class::Device),
        );
        let seed = builder.fact(Class::Account);
        let system = builder.fact(Class::System);
        builder.gate(x, 1, 1, &[assumed]);
        builder.gate(y, 1, 1, &[x]);
        builder.gate(y, 1, 0, &[seed]);
        builder.gate(z, 1, 0, &[seed]);
        builder.gate(system, 2, 1, &[y, z]);
        let graph = builder.finish();
        let (zeros, none) = (vec![0; graph.fact_count()], vec![0; graph.fact_count()]);
        let answers = solve(&graph, &ask(&[seed], &[assumed], &zeros, &none), &|_| {});
        assert_eq!(answers[0].unlocks(), [Unlocked { system, hops: 1 }]);
    }

    #[test]
    fn a_search_ends_with_the_last_of_the_facts_it_looks_for() {
        let mut builder = RuleGraphBuilder::new();
        let chain: Vec<Fact> = (0..5).map(|_| builder.fact(Class::Account)).collect();
        for link in chain.windows(2) {
            builder.gate(link[1], 1, 1, &link[..1]);
        }
        let apart = builder.fact(Class::Account);
        let graph = builder.finish();
        let mut search = Search::new(&graph);
        let mut reached = |wanted: &[Fact]| {
            let is_met = search.run_until(&chain[..1], wanted);
            (is_met, search.reached().len())
        };
        assert_eq!(reached(&[chain[0]]), (true, 1));
        assert_eq!(reached(&[chain[2], chain[1]]), (true, 3));
        assert_eq!(reached(&[chain[4]]), (true, 5));
        assert_eq!(reached(&[chain[1], apart]), (false, 5));
        assert_eq!(reached(&[]), (false, 5));
    }

    #[test]
    fn wide_gates_fire_as_in_a_search_per_seed() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut answered = 0;
        for _ in 0..60 {
            let mut builder = RuleGraphBuilder::new();
            let facts: Vec<Fact> = (0..400)
                .map(|at| {
                    builder.fact(match at % 8 {
                        0 => Class::System,
                        _ => Class::Account,
                    })
                })
                .collect();
            let any = |random: &mut fastrand::Rng| facts[random.usize(..facts.len())];
            for _ in 0..450 {
                let input = any(&mut random);
                builder.gate(any(&mut random), 1, random.u32(..2), &[input]);
            }
            for _ in 0..12 {
                let width = random.usize(33..150);
                let need = random.u32(2..=width as u32 / 3);
                let inputs: Vec<Fact> = (0..width).map(|_| any(&mut random)).collect();
                builder.gate(any(&mut random), need, random.u32(..2), &inputs);
            }
            let graph = builder.finish();
            let place: Vec<u32> = (0..facts.len() as u32).collect();
            let severity = vec![0; facts.len()];
            let question = ask(&facts, &[], &place, &severity);
            let found = solve(&graph, &question, &|_| {});
            assert!(found == solve_by_search(&graph, &question), "{graph:?}");
            answered += found.iter().filter(|one| one.unlocks().len() > 9).count();
        }
        assert!(answered > 100, "{answered}");
    }
}
