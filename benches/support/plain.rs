//! The plainest worklist: which facts fall from each seed, without levels, hops, systems or proofs.

use linchpin::rules::{Class, Fact, RuleGraph};
use rayon::prelude::*;

/// Seeds that a thread takes at a time.
const TOGETHER: usize = 64;

/// How many accounts fall with each seed, itself not counted; on all threads.
pub fn accounts(graph: &RuleGraph, seeds: &[Fact]) -> Vec<u32> {
    let parts = seeds.par_chunks(TOGETHER).map_init(
        || Plain::new(graph),
        |plain, seeds| {
            let counts = seeds.iter().map(|&seed| plain.accounts(seed));
            counts.collect::<Vec<u32>>()
        },
    );
    parts.flatten_iter().collect()
}

/// One counter per gate and one mark per fact, both forgotten by counting seeds.
struct Plain<'g> {
    graph: &'g RuleGraph,
    seed: u32,
    /// The last seed with which a fact fell.
    fell: Vec<u32>,
    /// The last seed with which inputs of a gate fell, and how many.
    counts: Vec<(u32, u32)>,
    list: Vec<Fact>,
}

impl<'g> Plain<'g> {
    fn new(graph: &'g RuleGraph) -> Self {
        Self {
            graph,
            seed: 0,
            fell: vec![0; graph.fact_count()],
            counts: vec![(0, 0); graph.gate_count()],
            list: Vec::with_capacity(graph.fact_count()),
        }
    }

    fn accounts(&mut self, seed: Fact) -> u32 {
        self.seed += 1;
        self.list.clear();
        self.list.push(seed);
        self.fell[seed.index()] = self.seed;
        let mut accounts = 0;
        let mut at = 0;
        while let Some(&fact) = self.list.get(at) {
            at += 1;
            for step in self.graph.uses(fact) {
                if step.need() > 1 {
                    let (last, count) = &mut self.counts[step.gate.index()];
                    if *last != self.seed {
                        (*last, *count) = (self.seed, 0);
                    }
                    *count += 1;
                    if *count != step.need() {
                        continue;
                    }
                }
                let fell = &mut self.fell[step.head.index()];
                if *fell != self.seed {
                    *fell = self.seed;
                    self.list.push(step.head);
                    accounts += u32::from(self.graph.class(step.head) == Class::Account);
                }
            }
        }
        accounts
    }
}
