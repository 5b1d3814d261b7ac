//! All seeds without assumptions: small closures by themselves, the others along the forest, and in
//! lanes what would change too much of the closure before it.

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::forest::{Forest, Meeting, Shift};
use super::lanes::{LANES, Lanes};
use super::proof::{self, Derived};
use super::running::{Limit, Running};
use super::small::Small;
use super::{Answer, Question, Tally, Unlocked};
use crate::rules::{Class, Fact, Incoming, RuleGraph};

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

/// Answers the question for every seed.
pub(super) fn solve(
    graph: &RuleGraph,
    question: &Question<'_>,
    effort: Effort,
    tick: &(dyn Fn(u64) + Sync),
) -> Vec<Answer> {
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
    let solved = large(graph, question, effort, &left, &sizes, tick);
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
    answers
}

/// Answers for the seeds whose closures are small and hold no system, and the places of the other seeds.
fn small(
    graph: &RuleGraph,
    seeds: &[Fact],
    tick: &(dyn Fn(u64) + Sync),
) -> (Vec<Answer>, Vec<u32>) {
    const TOGETHER: usize = 1 << 12;
    let mut answers = vec![Answer::default(); seeds.len()];
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
        // Seeds equally far from the roots tend to reach a fact in the same step.
        heavy.sort_by_key(|&fact| forest.depth(fact));
        heavy = in_lanes(graph, question, &heavy, false, &mut answers, tick);
    }
    if !heavy.is_empty() {
        // Nothing else is left for these, whatever it costs. It costs less below what they meet.
        forest.hang(&tops);
        forest.narrow(&heavy);
        let mut sizes = vec![Size::Unknown; graph.fact_count()];
        for seed in &heavy {
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

/// Running closures that no thread uses. They are large, so there are no more of them than threads.
type Spare<'g> = Mutex<Vec<Running<'g>>>;

/// Walks along the forest on all threads.
fn tour<'g>(
    graph: &'g RuleGraph,
    question: &Question<'_>,
    effort: Effort,
    forest: &Forest,
    sizes: &[Size],
    spare: &Spare<'g>,
    tick: &(dyn Fn(u64) + Sync),
) -> Toured {
    let count = forest.order().len();
    // A chunk begins with the way from its root to its first fact, which its neighbour goes too.
    let chunk = count.div_ceil(rayon::current_num_threads() * 16);
    let chunk = chunk.clamp(effort.together, 1 << 16);
    let mut chunks = chunks(forest, chunk, graph.fact_count());
    // The dearest first, as far as one can tell: whoever has the last one is waited for by all.
    let reach = |chunk: &Range<usize>| {
        let facts = forest.order()[chunk.clone()].iter();
        let roots = facts.filter(|fact| forest.parent(**fact).is_none());
        roots.map(|fact| forest.reach(*fact)).max()
    };
    chunks.sort_by_cached_key(|chunk| Reverse(reach(chunk)));
    let mut parts: Vec<(usize, Toured)> = chunks
        .into_iter()
        .par_bridge()
        .map(|Range { start, end }| {
            let found = spare.lock().ok().and_then(|mut spare| spare.pop());
            let mut tour = Tour {
                graph,
                question,
                effort,
                forest,
                sizes,
                running: found.unwrap_or_else(|| Running::new(graph)),
                toured: Toured::default(),
            };
            tour.go(start, end);
            let Tour {
                running, toured, ..
            } = tour;
            // The next chunk on this closure may hang below the same facts.
            if let Ok(mut spare) = spare.lock() {
                spare.push(running);
            }
            tick(toured.answers.len() as u64);
            (start, toured)
        })
        .collect();
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

/// Parts of the forest's order of about so many facts each. What hangs below one root is not cut for a few
/// facts, as the closure of the root would be found for both parts; and a part ends with what hangs below a
/// root of very large closure, which is as dear to forget as to find. Below such a one some dozen facts
/// stay together even where parts are smaller.
fn chunks(forest: &Forest, about: usize, facts: usize) -> Vec<Range<usize>> {
    /// A closure of more than one in so many facts is very large.
    const LARGE: u64 = 16;
    const TOGETHER: usize = 64;
    let mut chunks = Vec::new();
    let mut start = 0;
    let mut is_large = false;
    for (at, &fact) in forest.order().iter().enumerate() {
        let is_root = forest.parent(fact).is_none();
        let so_far = at - start;
        let most = (2 * about).max(if is_large { TOGETHER } else { 1 });
        if so_far > 0 && (so_far >= most || is_root && (so_far >= about || is_large)) {
            chunks.push(start..at);
            start = at;
        }
        if is_root {
            is_large = forest.reach(fact) > facts as u64 / LARGE;
        }
    }
    if start < forest.order().len() {
        chunks.push(start..forest.order().len());
    }
    chunks
}

/// Adds answers in batches of lanes; gives the seeds of batches that are no gain.
pub(super) fn in_lanes(
    graph: &RuleGraph,
    question: &Question<'_>,
    seeds: &[Fact],
    have_to: bool,
    answers: &mut Vec<(Fact, Answer)>,
    tick: &(dyn Fn(u64) + Sync),
) -> Vec<Fact> {
    let incoming = Incoming::new(graph);
    let spare: Mutex<Vec<Lanes<'_>>> = Mutex::default();
    /// Fewer lanes than this have too little to share to be split between threads.
    const FEWEST: usize = 64;
    // Batches of equal size, as many for each thread.
    let batches = seeds.len().div_ceil(LANES);
    let batches = batches.next_multiple_of(rayon::current_num_threads());
    let together = seeds.len().div_ceil(batches.max(1)).max(FEWEST);
    let batches = seeds.par_chunks(together).map(|seeds| {
        let found = spare.lock().ok().and_then(|mut spare| spare.pop());
        let mut lanes = found.unwrap_or_else(|| Lanes::new(graph, &incoming));
        let answers = lanes.answers(question, seeds, have_to);
        if let Ok(mut spare) = spare.lock() {
            spare.push(lanes);
        }
        tick(answers.as_ref().map_or(0, |answers| answers.len() as u64));
        answers
    });
    let batches: Vec<Option<Vec<Answer>>> = batches.collect();
    let mut left = Vec::new();
    for (seeds, found) in seeds.chunks(together).zip(batches) {
        match found {
            Some(found) => answers.extend(seeds.iter().copied().zip(found)),
            None => left.extend_from_slice(seeds),
        }
    }
    left
}

/// What a walk along a part of the forest found.
#[derive(Default)]
struct Toured {
    answers: Vec<(Fact, Answer)>,
    /// Seeds that would change too much of the closure before them.
    heavy: Vec<Fact>,
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
    running: Running<'g>,
    toured: Toured,
}

impl Tour<'_, '_> {
    /// Answers the seeds at these places of the forest's order.
    fn go(&mut self, start: usize, end: usize) {
        let mut at = start;
        while at < end {
            let fact = self.forest.order()[at];
            let parent = self.forest.parent(fact);
            let parent_fact = parent.map(|(parent, _)| parent);
            while self.running.seed().is_some() && self.running.seed() != parent_fact {
                self.running.pop();
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
                self.running.pop();
                // So is what hangs below it.
                let next = self.forest.end(ancestor).min(end);
                let below = &self.forest.order()[at..next];
                let sizes = self.sizes;
                let seeds = below
                    .iter()
                    .filter(|fact| sizes[fact.index()] == Size::Large);
                self.toured.heavy.extend(seeds.copied());
                at = next;
                continue;
            }
            if self.sizes[fact.index()] == Size::Large {
                let answer = answer_running(self.graph, self.question, &self.running, fact);
                self.toured.answers.push((fact, answer));
            }
            at += 1;
        }
    }

    fn push(&mut self, fact: Fact) -> bool {
        let parent = self.forest.parent(fact);
        // What hangs below a fact shares what it costs.
        let limit = Limit {
            free: self.effort.free.saturating_mul(self.forest.below(fact)),
            share: self.effort.share,
        };
        self.running
            .push(fact, parent.map(|(_, shift)| shift), limit)
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

/// What the running closure says of its seed.
fn answer_running(
    graph: &RuleGraph,
    question: &Question<'_>,
    running: &Running<'_>,
    seed: Fact,
) -> Answer {
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
    tally.answer(question, |worst| proof::prove(graph, running, worst))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RuleGraphBuilder;

    /// Where the order is cut, for ways of so many facts each to roots of their own.
    fn cut(lengths: &[usize], about: usize, facts: usize) -> Vec<Range<usize>> {
        let mut builder = RuleGraphBuilder::new();
        for &length in lengths {
            let mut next = builder.fact(Class::Account);
            for _ in 1..length {
                let fact = builder.fact(Class::Account);
                builder.gate(next, 1, 1, &[fact]);
                next = fact;
            }
        }
        let graph = builder.finish();
        let seeds: Vec<Fact> = graph.facts().collect();
        let sizes = vec![Size::Large; seeds.len()];
        chunks(&Forest::new(&graph, &seeds, &sizes), about, facts)
    }

    #[test]
    fn parts_of_the_forest_end_with_roots_and_cover_it() {
        assert!(cut(&[], 3, 0).is_empty());
        // The first fact of a way leads nowhere and is a root of its own, and so is the second one.
        assert_eq!(cut(&[3; 5], 5, 1000), [0..6, 6..12, 12..15]);
        // Nothing follows a root of large closure in its part.
        assert_eq!(cut(&[5, 1, 1, 1], 20, 1000).len(), 1);
        assert_eq!(cut(&[5, 1, 1, 1], 20, 16), [0..5, 5..8]);
        // What hangs below it stays together, up to a point.
        assert_eq!(cut(&[40], 2, 1000).len(), 10);
        assert_eq!(cut(&[40, 1], 2, 16), [0..40, 40..41]);
        assert_eq!(cut(&[400], 2, 16).len(), 7);
        // What hangs below one root is cut where it is twice as long as a part.
        assert_eq!(cut(&[5, 9, 1], 3, 1000), [0..5, 5..11, 11..14, 14..15]);
    }
}
