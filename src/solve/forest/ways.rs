//! The ways from seeds to their roots, and where they meet.

use rustc_hash::FxHashMap;

use super::NONE;
use super::edges::Edge;
use crate::rules::Fact;

/// What a fact of the ways is in the forest.
pub(super) struct Link {
    /// The next fact above that stays, and how far that is.
    pub(super) above: Option<Edge>,
    /// For each fact on the way from that one, itself among them, how many hang below it.
    pub(super) below: u64,
    /// The place behind all that hangs below the fact.
    pub(super) end: u32,
    /// Whether it is a step of the forest: a seed, or where ways meet.
    pub(super) stays: bool,
}

/// The seeds and their ancestors, in the order of a walk from the roots.
pub(super) struct Ways {
    pub(super) facts: Vec<Fact>,
    /// For each the place of its parent; none for roots.
    above: Vec<u32>,
    is_seed: Vec<bool>,
}

impl Ways {
    /// As a rule they are few beside all facts, so they are numbered anew: arrays as long as the graph cost
    /// more to touch than to fill.
    pub(super) fn new(parents: &[Option<Edge>], seeds: &[Fact]) -> Self {
        let parent_of = |fact: Fact| parents[fact.index()].map(|edge| edge.to());
        let mut known: FxHashMap<Fact, u32> = FxHashMap::default();
        let mut wanted = Vec::with_capacity(seeds.len());
        for &seed in seeds {
            let mut next = Some(seed);
            while let Some(fact) = next.filter(|&fact| known.insert(fact, 0).is_none()) {
                wanted.push(fact);
                next = parent_of(fact);
            }
        }
        wanted.sort_unstable();
        for (number, fact) in (0u32..).zip(&wanted) {
            known.insert(*fact, number);
        }
        let above: Vec<u32> = wanted
            .iter()
            .map(|&fact| parent_of(fact).map_or(NONE, |parent| known[&parent]))
            .collect();
        // Children by parent: a counting sort.
        let mut starts = vec![0u32; wanted.len() + 1];
        for &parent in above.iter().filter(|parent| **parent != NONE) {
            starts[parent as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut below = vec![0u32; starts[wanted.len()] as usize];
        let mut stack = Vec::new();
        for (number, &parent) in (0u32..).zip(&above) {
            if parent == NONE {
                stack.push(number);
            } else {
                let slot = &mut next[parent as usize];
                below[*slot as usize] = number;
                *slot += 1;
            }
        }
        stack.reverse();
        // By number the place in the order.
        let mut places = vec![NONE; wanted.len()];
        let mut ways = Self {
            facts: Vec::with_capacity(wanted.len()),
            above: Vec::with_capacity(wanted.len()),
            is_seed: vec![false; wanted.len()],
        };
        while let Some(number) = stack.pop() {
            let at = number as usize;
            places[at] = ways.facts.len() as u32;
            ways.facts.push(wanted[at]);
            let parent = above[at];
            ways.above.push(match parent {
                NONE => NONE,
                parent => places[parent as usize],
            });
            let (from, to) = (starts[at], starts[at + 1]);
            stack.extend(below[from as usize..to as usize].iter().rev());
        }
        for seed in seeds {
            ways.is_seed[places[known[seed] as usize] as usize] = true;
        }
        ways
    }

    /// For every fact of the ways what it is in the forest.
    pub(super) fn links(&self, parents: &[Option<Edge>]) -> Vec<Link> {
        let count = self.facts.len();
        let mut children = vec![0u32; count];
        let mut ends: Vec<u32> = (1..=count as u32).collect();
        for at in (0..count).rev() {
            if self.above[at] != NONE {
                let parent = self.above[at] as usize;
                ends[parent] = ends[parent].max(ends[at]);
                children[parent] += 1;
            }
        }
        let edge = |at: usize| parents[self.facts.get(at)?.index()];
        let mut links: Vec<Link> = Vec::with_capacity(count);
        for at in 0..count {
            let own = u64::from(ends[at]) - at as u64;
            let (above, below) = match edge(at) {
                None => (None, own),
                Some(edge) => {
                    let parent = &links[self.above[at] as usize];
                    match parent.above {
                        _ if parent.stays => (Some(edge), own),
                        None => (None, own + parent.below),
                        // The parent stayed if this would be too far.
                        Some(above) => (edge.then(above), own + parent.below),
                    }
                }
            };
            // The only child of a fact is the next one on the ways.
            let is_near = |above| edge(at + 1).is_some_and(|child| child.then(above).is_some());
            let is_passed = children[at] == 1 && !self.is_seed[at] && above.is_none_or(is_near);
            links.push(Link {
                above,
                below,
                end: ends[at],
                stays: !is_passed,
            });
        }
        links
    }
}
