//! All seeds without assumptions: small closures by themselves, the others along the forest, and in
//! lanes what would change too much of the closure before it.

mod chunks;
mod proofs;
mod trials;

use std::cmp::Reverse;
use std::ops::Range;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use self::chunks::{Chunk, chunks, in_good_order};
use self::proofs::Proofs;
use self::trials::Trials;
use super::batches::in_lanes;
use super::forest::{Forest, Meeting, Shift};
use super::lanes::Hanging;
use super::proof::Derived;
use super::running::{Limit, Running};
use super::small::Small;
use super::{Answer, Question, Spare, Tally, Unlocked};
use crate::rules::{Class, Fact, RuleGraph};

/// What is known of a fact's closure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// It was not asked for.
    Unknown,
    /// Small, and answered.
    Small,
    /// Large or with a system: to be answered along the forest.
    Large,
}

/// Answers the question for every seed, and does something else where a thread would be idle: while the
/// forest is built and its largest closure is found.
pub(super) fn solve<T: Send>(
    graph: &RuleGraph,
    question: &Question<'_>,
    effort: Effort,
    beside: impl FnOnce() -> T + Send,
    tick: &(dyn Fn(u64) + Sync),
) -> (Vec<Answer>, T) {
    let (mut answers, unanswered) = small(graph, question.seeds, tick);
    // The seeds that are left, each once.
    let mut sizes = vec![Size::Unknown; graph.fact_count()];
    for seed in question.seeds {
        sizes[seed.index()] = Size::Small;
    }
    let mut left = Vec::with_capacity(unanswered.len());
    for &at in &unanswered {
        let seed = question.seeds[at as usize];
        if sizes[seed.index()] != Size::Large {
            sizes[seed.index()] = Size::Large;
            left.push(seed);
        }
    }
    let (solved, beside) = rayon::join(
        || large(graph, question, effort, &left, &sizes, tick),
        beside,
    );
    drop(sizes);
    let mut solved: FxHashMap<Fact, Answer> = solved.into_iter().collect();
    let asked_twice = unanswered.len() > left.len();
    for &at in &unanswered {
        let seed = question.seeds[at as usize];
        let found = match asked_twice {
            true => solved.get(&seed).cloned(),
            false => solved.remove(&seed),
        };
        answers[at as usize] = found.unwrap_or_default();
    }
    (answers, beside)
}

/// Answers for the seeds whose closures are small and hold no system, and the places of the other seeds.
fn small(
    graph: &RuleGraph,
    seeds: &[Fact],
    tick: &(dyn Fn(u64) + Sync),
) -> (Vec<Answer>, Vec<u32>) {
    const TOGETHER: usize = 1 << 12;
    let mut answers: Vec<Answer> = rayon::iter::repeat_n(Answer::default(), seeds.len()).collect();
    let parts = answers
        .par_chunks_mut(TOGETHER)
        .zip(seeds.par_chunks(TOGETHER))
        .enumerate();
    let unanswered = parts.map_init(
        || Small::new(graph),
        |small, (part, (answers, seeds))| {
            let mut left = Vec::new();
            for (at, (answer, &seed)) in answers.iter_mut().zip(seeds).enumerate() {
                match small.answer(seed) {
                    Some(found) => *answer = found,
                    None => left.push((part * TOGETHER + at) as u32),
                }
            }
            tick((seeds.len() - left.len()) as u64);
            left
        },
    );
    let unanswered: Vec<Vec<u32>> = unanswered.collect();
    (answers, unanswered.concat())
}

/// When a seed is left to the lanes.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Changes of the running closure that a seed may cost, for each fact that hangs below it.
    pub free: usize,
    /// One change for so many facts of the closure is allowed too.
    pub share: usize,
    /// Fewer seeds than this are not worth a batch ...
    pub least: usize,
    /// ... nor is less than one in so many.
    pub part: usize,
    /// Facts that are walked along together at least.
    pub together: usize,
}

impl Effort {
    /// Everything along the forest.
    const NO_LANES: Self = Self {
        free: usize::MAX,
        share: 1,
        least: usize::MAX,
        part: 1,
        together: 1,
    };
}

impl Default for Effort {
    /// Found with `benches/shapes.rs`: a change costs about as much as fifty facts of a full batch.
    fn default() -> Self {
        Self {
            free: 192,
            share: 64,
            least: 64,
            part: 16,
            together: 256,
        }
    }
}

/// Answers for the other seeds: in the order of the forest, and what is too dear there in lanes.
fn large(
    graph: &RuleGraph,
    question: &Question<'_>,
    effort: Effort,
    seeds: &[Fact],
    sizes: &[Size],
    tick: &(dyn Fn(u64) + Sync),
) -> Vec<(Fact, Answer)> {
    let mut forest = Forest::new(graph, seeds, sizes);
    let spare = Spare::default();
    let Toured {
        mut answers,
        mut heavy,
        tops,
    } = tour(graph, question, effort, &forest, sizes, &spare, tick);
    if heavy.len() >= effort.least.max(seeds.len() / effort.part) {
        heavy = in_lanes(graph, question, heavy, &mut answers, tick);
    }
    if !heavy.is_empty() {
        // Nothing else is left for these, whatever it costs. It costs less below what they meet.
        forest.hang(&tops);
        let seeds: Vec<Fact> = heavy.iter().map(|one| one.seed).collect();
        forest.narrow(&seeds);
        let mut sizes = vec![Size::Unknown; graph.fact_count()];
        for seed in seeds {
            sizes[seed.index()] = Size::Large;
        }
        let rest = tour(
            graph,
            question,
            Effort::NO_LANES,
            &forest,
            &sizes,
            &spare,
            tick,
        );
        answers.extend(rest.answers);
    }
    answers
}

/// Walks along the forest on all threads.
fn tour<'g>(
    graph: &'g RuleGraph,
    question: &Question<'_>,
    effort: Effort,
    forest: &Forest,
    sizes: &[Size],
    spare: &Spare<Walker<'g>>,
    tick: &(dyn Fn(u64) + Sync),
) -> Toured {
    let count = forest.order().len();
    // A chunk begins with the way from its root to its first fact, which its neighbour goes too.
    let threads = rayon::current_num_threads();
    let chunk = count.div_ceil(threads * 16);
    let chunk = chunk.clamp(effort.together, 1 << 16);
    let mut chunks = chunks(forest, chunk, graph.fact_count(), threads);
    in_good_order(&mut chunks, threads);
    let mut parts: Vec<(usize, Toured)> = chunks
        .into_iter()
        .par_bridge()
        .map(|Chunk { order, .. }| {
            let Range { start, end } = order;
            // The next chunk on this closure may hang below the same facts.
            let go = |(running, proofs): &mut Walker<'g>| {
                let mut tour = Tour {
                    graph,
                    question,
                    effort,
                    forest,
                    sizes,
                    running,
                    proofs,
                    trials: Trials::default(),
                    toured: Toured::default(),
                };
                tour.go(start, end);
                tour.toured
            };
            let toured = spare.lend(|| (Running::new(graph), Proofs::default()), go);
            tick(toured.answers.len() as u64);
            (start, toured)
        })
        .collect();
    // Which part was done first is up to the threads; equal tops must stand side by side.
    parts.sort_unstable_by_key(|(start, _)| *start);
    let mut toured = Toured::default();
    for (_, part) in parts {
        toured.answers.extend(part.answers);
        toured.heavy.extend(part.heavy);
        toured.tops.extend(part.tops);
    }
    // One that is cut in two by a chunk's end is found by both.
    toured.tops.dedup_by_key(|(fact, _)| *fact);
    toured
}

/// What a walk along a part of the forest found.
#[derive(Default)]
struct Toured {
    answers: Vec<(Fact, Answer)>,
    /// Seeds that would change too much of the closure before them.
    heavy: Vec<Hanging>,
    /// The facts that they hang below, themselves too dear, each with the largest closure that it
    /// was seen to meet.
    tops: Vec<(Fact, Option<Meeting>)>,
}

/// A walk along a part of the forest.
struct Tour<'a, 'g> {
    graph: &'g RuleGraph,
    question: &'a Question<'a>,
    effort: Effort,
    forest: &'a Forest,
    sizes: &'a [Size],
    running: &'a mut Running<'g>,
    proofs: &'a mut Proofs,
    trials: Trials,
    toured: Toured,
}

/// What a walk takes along.
type Walker<'g> = (Running<'g>, Proofs);

impl Tour<'_, '_> {
    /// Answers the seeds at these places of the forest's order.
    fn go(&mut self, start: usize, end: usize) {
        let mut at = start;
        while at < end {
            let fact = self.forest.order()[at];
            let parent = self.forest.parent(fact);
            let parent_fact = parent.map(|(parent, _)| parent);
            while self.running.seed().is_some() && self.running.seed() != parent_fact {
                self.pop();
            }
            let too_dear = if self.running.seed().is_none() {
                self.go_to(parent_fact).err()
            } else {
                None
            };
            let too_dear = match too_dear {
                Some(ancestor) => Some(ancestor),
                None => (!self.push(fact)).then_some(fact),
            };
            if let Some(ancestor) = too_dear {
                self.toured.tops.push((ancestor, self.largest_met()));
                self.pop();
                // So is what hangs below it.
                let next = self.forest.end(ancestor).min(end);
                let below = &self.forest.order()[at..next];
                let sizes = self.sizes;
                let seeds = below
                    .iter()
                    .filter(|fact| sizes[fact.index()] == Size::Large);
                let forest = self.forest;
                let heavy = seeds.map(|&seed| Hanging {
                    seed,
                    below: ancestor,
                    depth: forest.depth(seed),
                });
                self.toured.heavy.extend(heavy);
                at = next;
                continue;
            }
            if self.sizes[fact.index()] == Size::Large {
                let answer = self.answer(fact, self.forest.end(fact) > at + 1);
                self.toured.answers.push((fact, answer));
            }
            at += 1;
        }
    }

    fn push(&mut self, fact: Fact) -> bool {
        let parent = self.forest.parent(fact);
        let part = self.trials.part();
        // What hangs below a fact shares what it costs.
        let limit = Limit {
            free: self.effort.free.saturating_mul(self.forest.below(fact)) / part,
            share: self.effort.share * part,
        };
        let shift = parent.map(|(_, shift)| shift);
        let is_done = self.running.push(fact, shift, limit);
        self.trials.note(is_done, self.running.touched().count());
        if is_done && let Some(parent) = self.running.parent() {
            self.proofs.go_on(self.graph, self.running, parent);
        }
        is_done
    }

    fn pop(&mut self) {
        self.running.pop();
        self.proofs.go_back(self.running);
    }

    /// What the running closure says of its seed, below which others hang or not.
    fn answer(&mut self, seed: Fact, is_shared: bool) -> Answer {
        let (graph, running) = (self.graph, &*self.running);
        let own = graph.class(seed);
        let systems = running.systems().iter().filter(|&&system| system != seed);
        let tally = Tally {
            unlocks: systems
                .map(|&system| Unlocked {
                    system,
                    hops: running.key(system).level().unwrap_or_default(),
                })
                .collect(),
            accounts: running.accounts() - u32::from(own == Class::Account),
            mailboxes: running.mailboxes() - u32::from(own == Class::Mailbox),
        };
        let proofs = &mut *self.proofs;
        tally.answer(self.question, |worst| {
            proofs.prove(graph, running, worst, is_shared)
        })
    }

    /// The fact with the most behind it among the first that a step which was too dear has added.
    fn largest_met(&self) -> Option<Meeting> {
        const LOOKED_AT: usize = 1 << 12;
        let seed = self.running.seed();
        let met = self.running.added().take(LOOKED_AT);
        let met = met.filter(|(fact, _)| Some(*fact) != seed);
        let met = met.filter_map(|(fact, key)| {
            let shift = Shift::of(key)?;
            Some((self.forest.reach(fact), Reverse((shift, fact))))
        });
        let met = met.filter(|(reach, _)| *reach > 0).max();
        met.map(|(_, Reverse((shift, fact)))| Meeting { fact, shift })
    }

    /// Goes from nowhere to a fact along its ancestors; stops at one that is too dear.
    fn go_to(&mut self, fact: Option<Fact>) -> Result<(), Fact> {
        let mut way = Vec::new();
        let mut next = fact;
        while let Some(fact) = next {
            way.push(fact);
            next = self.forest.parent(fact).map(|(parent, _)| parent);
        }
        for fact in way.into_iter().rev() {
            if !self.push(fact) {
                return Err(fact);
            }
        }
        Ok(())
    }
}
