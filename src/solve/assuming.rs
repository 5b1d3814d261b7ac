//! What falls with each seed where something is assumed.
//!
//! With `B` what the assumptions give by themselves, `C` what they give together with the seed and `C0` what
//! the seed gives alone, the answer is `(C \ B) + C0`: what falls anyway is not the seed's doing, unless the
//! seed gives it without them; its level is then the one without them. `C0` within `B` is asked of the solver
//! for no assumptions, for all seeds together. What lies beyond `B` is searched seed by seed on top of it, as
//! levels of the assumptions do not move with the seed; where many seeds reach much of a graph, side by side.

use rayon::prelude::*;

use super::extension::Extension;
use super::lanes::{LANES, Lanes, Shared};
use super::proof::{Derived, Prover};
use super::tour::{self, Effort};
use super::{Answer, Closure, Question, Spare, Tally, closure};
use crate::rules::{Class, Fact, RuleGraph};

/// Facts that a search by itself may improve before the seed is left to the lanes.
const FEW: usize = if cfg!(test) { 4 } else { 1 << 12 };
/// Seeds that are worth a batch of lanes.
const BATCH: usize = if cfg!(test) { 2 } else { 64 };
/// Facts of the largest graph for which lanes are tried: they keep some hundred bytes per fact and step.
const LARGEST: usize = 1 << 19;

/// What the assumptions give by themselves.
pub(super) struct Base {
    pub closure: Closure,
    /// Accounts and mailboxes of it.
    pub accounts: u32,
    pub mailboxes: u32,
}

impl Base {
    fn new(graph: &RuleGraph, assumed: &[Fact]) -> Self {
        let closure = closure(graph, assumed);
        let count = |class: Class| {
            let facts = graph.facts().filter(|&fact| graph.class(fact) == class);
            facts.filter(|&fact| closure.contains(fact)).count() as u32
        };
        Self {
            accounts: count(Class::Account),
            mailboxes: count(Class::Mailbox),
            closure,
        }
    }
}

/// Answers the question for every seed, and does something else where a thread would be idle.
pub(super) fn solve<T: Send>(
    graph: &RuleGraph,
    question: &Question<'_>,
    beside: impl FnOnce() -> T + Send,
    tick: &(dyn Fn(u64) + Sync),
) -> (Vec<Answer>, T) {
    let base = Base::new(graph, question.assumed);
    let within = graph.only(|fact| base.closure.contains(fact));
    let without = Question {
        assumed: &[],
        ..*question
    };
    let (alone, beside) = tour::solve(&within, &without, Effort::default(), beside, &|_| {});
    drop(within);
    (beyond(graph, question, &base, alone, tick), beside)
}

/// The answers: what each seed gives `alone` within the base, and what lies beyond that.
fn beyond(
    graph: &RuleGraph,
    question: &Question<'_>,
    base: &Base,
    mut alone: Vec<Answer>,
    tick: &(dyn Fn(u64) + Sync),
) -> Vec<Answer> {
    // Those with large closures tend to stand together.
    const CHUNK: usize = 16;
    let may_be_heavy = graph.fact_count() <= LARGEST;
    let spare: Spare<Extender<'_>> = Spare::default();
    let new = || (Extension::new(graph, &base.closure), Prover::default());
    let limit = if may_be_heavy { FEW } else { usize::MAX };
    let parts = alone
        .par_chunks_mut(CHUNK)
        .zip(question.seeds.par_chunks(CHUNK));
    let heavy: Vec<Vec<u32>> = parts
        .enumerate()
        .map(|(part, (answers, seeds))| {
            let heavy: Vec<u32> = spare.lend(new, |extender| {
                let seeds = answers.iter_mut().zip(seeds).enumerate();
                let heavy = seeds.filter_map(|(at, (answer, &seed))| {
                    let is_done = extend(graph, question, base, extender, limit, (answer, seed));
                    (!is_done).then_some((part * CHUNK + at) as u32)
                });
                heavy.collect()
            });
            tick((seeds.len() - heavy.len()) as u64);
            heavy
        })
        .collect();
    let mut heavy = heavy.concat();
    if heavy.len() >= BATCH {
        heavy = in_lanes(graph, question, base, &heavy, &mut alone, tick);
    }
    let rest = heavy.par_iter().with_max_len(1).map(|&at| {
        let (mut answer, seed) = (alone[at as usize].clone(), question.seeds[at as usize]);
        spare.lend(new, |extender| {
            let answer = (&mut answer, seed);
            extend(graph, question, base, extender, usize::MAX, answer)
        });
        tick(1);
        answer
    });
    let rest: Vec<Answer> = rest.collect();
    for (at, answer) in heavy.into_iter().zip(rest) {
        alone[at as usize] = answer;
    }
    alone
}

/// What finds answers beyond a base, one after the other.
type Extender<'g> = (Extension<'g>, Prover);

/// Adds to what a seed gives alone within the base what lies beyond it, unless that takes more facts than
/// the limit; says whether it was done.
fn extend(
    graph: &RuleGraph,
    question: &Question<'_>,
    base: &Base,
    (extension, prover): &mut Extender<'_>,
    limit: usize,
    (answer, seed): (&mut Answer, Fact),
) -> bool {
    // What falls anyway adds nothing.
    if base.closure.contains(seed) {
        return true;
    }
    if !extension.run(seed, limit) {
        return false;
    }
    let mut tally = Tally::default();
    for &fact in extension.improved() {
        if !base.closure.contains(fact) {
            tally.count(graph, seed, fact, extension.key(fact));
        }
    }
    let prove = |worst| prover.prove(graph, extension, worst);
    *answer = joined(question, base, answer, tally, prove);
    true
}

/// What a seed gives alone within the base and what lies beyond it, as one answer.
pub(super) fn joined(
    question: &Question<'_>,
    base: &Base,
    alone: &Answer,
    mut beyond: Tally,
    prove: impl FnOnce(Fact) -> Option<super::Proof>,
) -> Answer {
    beyond.unlocks.extend_from_slice(alone.unlocks());
    beyond.accounts += alone.accounts;
    beyond.mailboxes += alone.mailboxes;
    beyond.answer(question, |worst| {
        if base.closure.contains(worst) {
            alone.proof().cloned()
        } else {
            prove(worst)
        }
    })
}

/// The same for the seeds at these places in batches of lanes; gives those of batches that are no gain.
fn in_lanes(
    graph: &RuleGraph,
    question: &Question<'_>,
    base: &Base,
    places: &[u32],
    answers: &mut [Answer],
    tick: &(dyn Fn(u64) + Sync),
) -> Vec<u32> {
    let shared = Shared::new(graph);
    let spare: Spare<Lanes<'_>> = Spare::default();
    let batches = places.par_chunks(LANES).with_max_len(1);
    let batches = batches.map(|places| {
        let seeds: Vec<Fact> = places
            .iter()
            .map(|&at| question.seeds[at as usize])
            .collect();
        let alone: Vec<&Answer> = places.iter().map(|&at| &answers[at as usize]).collect();
        let found = spare.lend(
            || Lanes::new(graph, &shared),
            |lanes| lanes.answers_beyond(question, &seeds, base, &alone),
        );
        tick(found.as_ref().map_or(0, |found| found.len() as u64));
        found
    });
    let batches: Vec<Option<Vec<Answer>>> = batches.collect();
    let mut left = Vec::new();
    for (places, found) in places.chunks(LANES).zip(batches) {
        match found {
            Some(found) => {
                for (&at, answer) in places.iter().zip(found) {
                    answers[at as usize] = answer;
                }
            }
            None => left.extend_from_slice(places),
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RuleGraphBuilder;
    use crate::solve::Search;

    /// Every seed by two searches from nothing: of it alone, and of it and what is assumed.
    fn plainly(graph: &RuleGraph, question: &Question<'_>) -> Vec<Answer> {
        let base = closure(graph, question.assumed);
        let answers = question.seeds.iter().map(|&seed| {
            let (mut alone, mut both) = (Search::new(graph), Search::new(graph));
            alone.run(&[seed]);
            both.run(&[&[seed], question.assumed].concat());
            let mut tally = Tally::default();
            for fact in graph.facts() {
                let from = if base.contains(fact) { &alone } else { &both };
                if from.contains(fact) {
                    tally.count(graph, seed, fact, from.key(fact));
                }
            }
            tally.answer(question, |worst| {
                let from = if base.contains(worst) { &alone } else { &both };
                Prover::default().prove(graph, from, worst)
            })
        });
        answers.collect()
    }

    fn drawn(random: &mut fastrand::Rng) -> RuleGraph {
        let classes = [
            Class::Account,
            Class::Mailbox,
            Class::Phone,
            Class::Password,
            Class::Account,
            Class::System,
        ];
        let mut builder = RuleGraphBuilder::new();
        let facts: Vec<Fact> = (0..60).map(|at| builder.fact(classes[at % 6])).collect();
        for _ in 0..random.usize(40..140) {
            let mut any = || facts[random.usize(..facts.len())];
            let (head, inputs) = (any(), [any(), any(), any(), any()]);
            let count = random.usize(1..8).min(4);
            let need = match count {
                4 => random.u32(2..4),
                count => random.u32(1..=count as u32),
            };
            let inputs = if random.usize(..3) > 0 {
                &inputs[..1]
            } else {
                &inputs[..count]
            };
            builder.gate(head, need.min(inputs.len() as u32), random.u32(..2), inputs);
        }
        builder.finish()
    }

    #[test]
    fn what_is_assumed_is_not_the_seeds_doing_by_itself_and_side_by_side() {
        let mut random = fastrand::Rng::with_seed(5);
        let (mut falls, mut within) = (0, 0);
        for _ in 0..500 {
            let graph = drawn(&mut random);
            let facts: Vec<Fact> = graph.facts().collect();
            let count = random.usize(1..4);
            let assumed: Vec<Fact> = (0..count).map(|_| facts[random.usize(..60)]).collect();
            let severity: Vec<u8> = facts.iter().map(|_| random.u8(..3)).collect();
            let place: Vec<u32> = facts.iter().map(|fact| fact.0).rev().collect();
            let question = Question {
                seeds: &facts,
                assumed: &assumed,
                severity: &severity,
                place: &place,
            };
            let expected = plainly(&graph, &question);
            assert!(
                solve(&graph, &question, || (), &|_| {}).0 == expected,
                "{graph:?} {assumed:?}"
            );
            let base = Base::new(&graph, &assumed);
            // In lanes, whatever it takes.
            let outside = (0..60).filter(|&at| !base.closure.contains(facts[at as usize]));
            let outside: Vec<u32> = outside.collect();
            let mut answers: Vec<Answer> = Vec::new();
            let without = Question {
                assumed: &[],
                ..question
            };
            let only = graph.only(|fact| base.closure.contains(fact));
            answers.extend(plainly(&only, &without));
            let left = in_lanes(&graph, &question, &base, &outside, &mut answers, &|_| {});
            assert_eq!(left, [0; 0]);
            assert!(answers == expected, "{graph:?} {assumed:?}");
            falls += expected.iter().filter(|one| one.proof().is_some()).count();
            let is_within = |one: &&Answer| {
                let worst = one.unlocks().first();
                worst.is_some_and(|worst| base.closure.contains(worst.system))
            };
            within += expected.iter().filter(is_within).count();
        }
        assert!(falls > 2000 && within > 200, "{falls} {within}");
    }
}
