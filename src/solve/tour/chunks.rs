//! The parts of the forest's order that threads walk along.

use std::cmp::Reverse;
use std::ops::Range;

use crate::solve::forest::Forest;

/// A part of the forest's order that is walked along at a time.
pub(super) struct Chunk {
    pub(super) order: Range<usize>,
    /// The largest closure of a root that something of it hangs below, in facts as the forest tells it.
    pub(super) reach: u64,
}

/// Parts of the forest's order of about so many facts each. What hangs below one root is not cut for a few
/// facts, as the closure of the root would be found for both parts; and a part ends with what hangs below a
/// root of very large closure, which is as dear to forget as to find. Below such a one some facts stay
/// together even where parts are smaller, as long as each of the threads has its share of them.
pub(super) fn chunks(forest: &Forest, about: usize, facts: usize, threads: usize) -> Vec<Chunk> {
    /// A closure of more than one in so many facts is very large.
    const LARGE: u64 = 16;
    /// Facts below one that stay together at least and at most.
    const FEWEST: usize = 8;
    const MOST: usize = 64;
    let count = forest.order().len();
    let share = count.div_ceil(threads);
    let together = share.clamp(FEWEST, MOST);
    let mut chunks = Vec::new();
    let mut start = 0;
    // Of the root that the last fact hangs below, and of all roots of the part so far.
    let (mut reach, mut largest) = (0, 0);
    for (at, &fact) in forest.order().iter().enumerate() {
        let is_root = forest.parent(fact).is_none();
        let is_large = reach > facts as u64 / LARGE;
        let so_far = at - start;
        let most = (2 * about).max(if is_large { together } else { 1 });
        if so_far > 0 && (so_far >= most || is_root && (so_far >= about || is_large)) {
            chunks.push(Chunk {
                order: start..at,
                reach: largest,
            });
            start = at;
            largest = if is_root { 0 } else { reach };
        }
        if is_root {
            reach = forest.reach(fact);
            largest = largest.max(reach);
        }
    }
    if start < count {
        chunks.push(Chunk {
            order: start..count,
            reach: largest,
        });
    }
    chunks
}

/// The dearest first, as far as one can tell: whoever has the last one is waited for by all. But what hangs
/// below the dearest root goes last if every thread has a part of it: then nobody has to forget its closure.
pub(super) fn in_good_order(chunks: &mut [Chunk], threads: usize) {
    chunks.sort_by_key(|chunk| Reverse(chunk.reach));
    let dearest = chunks.first().map_or(0, |chunk| chunk.reach);
    let below_it = chunks.partition_point(|chunk| chunk.reach == dearest);
    if below_it >= threads {
        chunks.rotate_left(below_it);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Class, RuleGraphBuilder};
    use crate::solve::tour::Size;

    /// How the order is cut on two threads, for ways of so many facts each; the last fact of a way yields
    /// some facts that yield nothing and are not asked for.
    fn chunks_of(ways: &[(usize, usize)], about: usize, facts: usize) -> Vec<Chunk> {
        let mut builder = RuleGraphBuilder::new();
        let mut seeds = Vec::new();
        for &(length, yields) in ways {
            let mut next = builder.fact(Class::Account);
            seeds.push(next);
            for _ in 0..yields {
                let fact = builder.fact(Class::Account);
                builder.gate(fact, 1, 1, &[next]);
            }
            for _ in 1..length {
                let fact = builder.fact(Class::Account);
                builder.gate(next, 1, 1, &[fact]);
                next = fact;
                seeds.push(fact);
            }
        }
        let graph = builder.finish();
        let sizes = vec![Size::Large; graph.fact_count()];
        let forest = Forest::new(&graph, &seeds, &sizes);
        chunks(&forest, about, facts, 2)
    }

    fn cut(lengths: &[usize], about: usize, facts: usize) -> Vec<Range<usize>> {
        let ways: Vec<(usize, usize)> = lengths.iter().map(|&length| (length, 0)).collect();
        let chunks = chunks_of(&ways, about, facts).into_iter();
        chunks.map(|chunk| chunk.order).collect()
    }

    #[test]
    fn parts_of_the_forest_end_with_roots_and_cover_it() {
        assert!(cut(&[], 3, 0).is_empty());
        // The first fact of a way leads nowhere and is a root of its own, and so is the second one.
        assert_eq!(cut(&[3; 5], 5, 1000), [0..6, 6..12, 12..15]);
        // Nothing follows a root of large closure in its part.
        assert_eq!(cut(&[5, 1, 1, 1], 20, 1000).len(), 1);
        assert_eq!(cut(&[5, 1, 1, 1], 20, 16), [0..5, 5..8]);
        // What hangs below one root is cut where it is twice as long as a part.
        assert_eq!(cut(&[5, 9, 1], 3, 1000), [0..5, 5..11, 11..14, 14..15]);
    }

    #[test]
    fn below_a_root_of_large_closure_facts_stay_together_but_leave_each_thread_its_share() {
        assert_eq!(cut(&[40], 2, 1000).len(), 10);
        // A few are not worth finding the closure of the root twice.
        assert_eq!(cut(&[8, 1], 2, 16), [0..8, 8..9]);
        assert_eq!(cut(&[40], 2, 16), [0..20, 20..40]);
        assert_eq!(cut(&[400], 2, 16).len(), 7);
    }

    #[test]
    fn the_dearest_goes_first_or_last_where_every_thread_has_a_part_of_it() {
        let ordered = |reaches: &[u64]| -> Vec<(u64, usize)> {
            let chunks = reaches.iter().enumerate().map(|(at, &reach)| Chunk {
                order: at..at + 1,
                reach,
            });
            let mut chunks: Vec<Chunk> = chunks.collect();
            in_good_order(&mut chunks, 2);
            let chunks = chunks.into_iter();
            chunks
                .map(|chunk| (chunk.reach, chunk.order.start))
                .collect()
        };
        assert!(ordered(&[]).is_empty());
        assert_eq!(ordered(&[3, 9, 4]), [(9, 1), (4, 2), (3, 0)]);
        assert_eq!(ordered(&[3, 9, 4, 9]), [(4, 2), (3, 0), (9, 1), (9, 3)]);
        assert_eq!(ordered(&[9, 9]), [(9, 0), (9, 1)]);
    }

    #[test]
    fn a_part_is_as_dear_as_the_dearest_root_above_it() {
        let cut = |ways: &[(usize, usize)]| -> Vec<(Range<usize>, u64)> {
            let chunks = chunks_of(ways, 2, 1000).into_iter();
            chunks.map(|chunk| (chunk.order, chunk.reach)).collect()
        };
        // However far from its root, until another one is above it.
        let parts = cut(&[(9, 50), (9, 5), (2, 7)]);
        let reach: Vec<u64> = parts.iter().map(|(_, reach)| *reach).collect();
        assert_eq!(reach, [51, 51, 51, 6, 6, 8], "{parts:?}");
    }
}
