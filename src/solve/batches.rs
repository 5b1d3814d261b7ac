//! Seeds in batches of lanes, on all threads.

use rayon::prelude::*;

use super::lanes::{Hanging, LANES, Lanes, Patience, Shared};
use super::{Answer, Question, Spare};
use crate::rules::{Fact, RuleGraph};

/// Seeds below one fact on average from which on a family is large.
const FAMILY: usize = 32;

/// Adds answers in batches of lanes; gives the seeds of batches that are no gain. Seeds are given in the order
/// of the forest.
pub(super) fn in_lanes(
    graph: &RuleGraph,
    question: &Question<'_>,
    mut seeds: Vec<Hanging>,
    answers: &mut Vec<(Fact, Answer)>,
    tick: &(dyn Fn(u64) + Sync),
) -> Vec<Hanging> {
    let shared = Shared::new(graph);
    let mut batches = Batches {
        spare: Spare::default(),
        shared: &shared,
        graph,
        answers,
        tick,
    };
    let by_depth = |one: &Hanging| one.depth;
    if !are_long_rows(&seeds) {
        // Seeds equally far from the roots tend to reach a fact in the same step, those that stand beside each
        // other in the forest most of all.
        seeds.sort_by_key(by_depth);
        seeds = batches.answer(&seeds, GiveUp::WithFirst, |lanes, seeds| {
            lanes.answers(question, seeds, Patience::FROM_SEEDS)
        });
    }
    // Those below one fact tend to reach a fact in the same step once they are lined up by their depths.
    seeds.sort_by_key(|one| (one.below, one.depth));
    seeds = batches.answer(&seeds, GiveUp::WithFirst, |lanes, seeds| {
        lanes.answers_from_ahead(question, seeds, Patience::FROM_AHEAD)
    });
    // Some may have been left only because others gained nothing.
    seeds.sort_by_key(by_depth);
    batches.answer(&seeds, GiveUp::Each, |lanes, seeds| {
        lanes.answers(question, seeds, Patience::FROM_SEEDS)
    })
}

/// Whether many seeds hang below each of a few facts, and most of them one behind the other: those reach
/// things one after the other.
fn are_long_rows(seeds: &[Hanging]) -> bool {
    let mut places: Vec<(Fact, u32)> = seeds.iter().map(|one| (one.below, one.depth)).collect();
    places.sort_unstable();
    places.dedup();
    let families = places.chunk_by(|one, next| one.0 == next.0).count();
    seeds.len() >= families * FAMILY && places.len() >= seeds.len() / 2
}

/// Answers for all seeds in batches, whether that is a gain or not.
pub(super) fn all_in_lanes(
    graph: &RuleGraph,
    seeds: &[Hanging],
    answer: impl Fn(&mut Lanes<'_>, &[Hanging]) -> Option<Vec<Answer>> + Sync,
) -> Vec<Answer> {
    let mut answers = Vec::new();
    let shared = Shared::new(graph);
    let mut batches = Batches {
        spare: Spare::default(),
        shared: &shared,
        graph,
        answers: &mut answers,
        tick: &|_| {},
    };
    batches.answer(seeds, GiveUp::Each, answer);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// What a batch without an answer says of those that its thread would take next.
#[derive(Clone, Copy, PartialEq)]
enum GiveUp {
    /// They would have none either, so they are not tried.
    WithFirst,
    /// Nothing.
    Each,
}

/// Memory for batches, and whether the last one had no answer.
type Worker<'g> = (Lanes<'g>, bool);

/// What batches over one graph share, and what they have found.
struct Batches<'a, 'g> {
    spare: Spare<Worker<'g>>,
    shared: &'g Shared,
    graph: &'g RuleGraph,
    answers: &'a mut Vec<(Fact, Answer)>,
    tick: &'a (dyn Fn(u64) + Sync),
}

impl<'g> Batches<'_, 'g> {
    /// Answers for some seeds as they stand; gives those of batches without an answer.
    fn answer(
        &mut self,
        seeds: &[Hanging],
        give_up: GiveUp,
        answer: impl Fn(&mut Lanes<'g>, &[Hanging]) -> Option<Vec<Answer>> + Sync,
    ) -> Vec<Hanging> {
        /// Fewer lanes than this have too little to share to be split between threads.
        const FEWEST: usize = 64;
        // Batches of equal size, as many for each thread.
        let count = seeds.len().div_ceil(LANES);
        let count = count.next_multiple_of(rayon::current_num_threads());
        let together = seeds.len().div_ceil(count.max(1)).max(FEWEST);
        let (graph, shared) = (self.graph, self.shared);
        for (_, has_given_up) in self.spare.all() {
            *has_given_up = false;
        }
        // Whoever is free takes the next one: what they cost differs by half.
        let batches = seeds.chunks(together).enumerate().par_bridge();
        let batches = batches.map(|(at, seeds)| {
            let new = || (Lanes::new(graph, shared), false);
            let found = self.spare.lend(new, |(lanes, has_given_up)| {
                if *has_given_up && give_up == GiveUp::WithFirst {
                    return None;
                }
                let found = answer(lanes, seeds);
                *has_given_up = found.is_none();
                found
            });
            (self.tick)(found.as_ref().map_or(0, |found| found.len() as u64));
            (at, found)
        });
        let mut batches: Vec<(usize, Option<Vec<Answer>>)> = batches.collect();
        batches.sort_unstable_by_key(|(at, _)| *at);
        let mut left = Vec::new();
        for (seeds, (_, found)) in seeds.chunks(together).zip(batches) {
            match found {
                Some(found) => {
                    let seeds = seeds.iter().map(|one| one.seed);
                    self.answers.extend(seeds.zip(found));
                }
                None => left.extend_from_slice(seeds),
            }
        }
        left
    }
}
