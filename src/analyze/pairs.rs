//! Collusion: sets of two or three seeds that bring down together what none of them, and no fewer of
//! them, brings down.
//!
//! If the closures of two seeds together are not closed, some gate has enough inputs in both of them
//! and too few in each. So only seeds that touch a common gate which neither fires can have anything
//! to do with each other, and what a seed has to do with others is told by the inputs of such gates
//! that it controls: seeds that agree in that are one class, and one of each class is tried.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use crate::rules::{Fact, Gate, Incoming, Relevant, RuleGraph};
use crate::solve::Search;

/// What is asked.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Who may act together.
    pub seeds: &'a [Fact],
    /// What everybody has for free.
    pub assumed: &'a [Fact],
    /// What they bring down.
    pub goals: &'a [Fact],
    /// Whether sets of three are looked for too.
    pub threes: bool,
    /// How many closures are computed at most.
    pub tries: u64,
}

/// Sets of classes, and the classes.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Positions of seeds that are interchangeable, ascending; in the order of their first seeds.
    pub classes: Vec<Vec<usize>>,
    /// For every goal (by position) sets of two or three classes, ascending: any seeds of them, one
    /// of each, bring it down, and no fewer of those do.
    pub sets: Vec<(usize, Vec<usize>)>,
    /// Whether the search ended at its bound: then there may be more.
    pub is_cut: bool,
}

impl Found {
    /// How many sets of seeds a set of classes stands for.
    #[must_use]
    pub fn count(&self, set: &[usize]) -> u64 {
        set.iter()
            .map(|&class| self.classes[class].len() as u64)
            .product()
    }
}

/// What the closure of a class, or of several together, controls of gates that it does not fire.
type Touched = BTreeMap<Gate, Vec<u32>>;

struct Class {
    seed: Fact,
    /// Goals (by position) that it brings down by itself.
    alone: BTreeSet<usize>,
    touched: Touched,
}

/// Finds all minimal sets of two, and of three if they are asked for.
///
/// Costs one closure per seed on the part of the graph that leads to a goal, and one per pair of
/// classes with a gate that they fire together.
#[must_use]
pub fn find(graph: &RuleGraph, incoming: &Incoming, asked: Asked<'_>) -> Found {
    let relevant = Relevant::new(graph, incoming, asked.goals);
    let here = |facts: &[Fact]| -> Vec<Fact> {
        facts
            .iter()
            .filter_map(|&fact| relevant.fact(fact))
            .collect()
    };
    let mut finder = Finder {
        search: Search::new(&relevant.graph),
        graph: &relevant.graph,
        assumed: here(asked.assumed),
        goals: asked
            .goals
            .iter()
            .map(|&goal| relevant.fact(goal))
            .collect(),
        classes: Vec::new(),
        left: asked.tries,
        found: Found::default(),
    };
    finder.classify(&relevant, asked.seeds);
    let pairs = finder.pairs(asked.threes);
    if asked.threes {
        finder.threes(&pairs);
    }
    let mut found = finder.found;
    found.sets.sort_unstable();
    found.sets.dedup();
    found
}

struct Finder<'g> {
    search: Search<'g>,
    graph: &'g RuleGraph,
    assumed: Vec<Fact>,
    goals: Vec<Option<Fact>>,
    classes: Vec<Class>,
    left: u64,
    found: Found,
}

impl Finder<'_> {
    /// The closure of some seeds: goals that they bring down, and what they touch.
    fn closure(&mut self, seeds: &[Fact]) -> Option<(BTreeSet<usize>, Touched)> {
        if self.left == 0 {
            self.found.is_cut = true;
            return None;
        }
        self.left -= 1;
        let given: Vec<Fact> = seeds.iter().chain(&self.assumed).copied().collect();
        self.search.run(&given);
        let goals = self.goals.iter().enumerate();
        let goals = goals
            .filter(|(_, goal)| goal.is_some_and(|goal| self.search.contains(goal)))
            .map(|(at, _)| at)
            .collect();
        let mut touched = Touched::new();
        for &fact in self.search.reached() {
            for step in self.graph.uses(fact) {
                if step.need() > 1 && !self.search.contains(step.head) {
                    touched.entry(step.gate).or_default();
                }
            }
        }
        for (gate, slots) in &mut touched {
            let inputs = (0u32..).zip(self.graph.inputs(*gate));
            let had = inputs.filter(|(_, input)| self.search.contains(**input));
            slots.extend(had.map(|(slot, _)| slot));
        }
        Some((goals, touched))
    }

    fn classify(&mut self, relevant: &Relevant, seeds: &[Fact]) {
        let mut known: FxHashMap<(BTreeSet<usize>, Touched), usize> = FxHashMap::default();
        for (at, &seed) in seeds.iter().enumerate() {
            let Some(seed) = relevant.fact(seed) else {
                continue;
            };
            // Every seed has its own closure, whatever the bound.
            self.left += 1;
            let Some((alone, touched)) = self.closure(&[seed]) else {
                continue;
            };
            let class = *known
                .entry((alone, touched))
                .or_insert_with_key(|(alone, touched)| {
                    self.classes.push(Class {
                        seed,
                        alone: alone.clone(),
                        touched: touched.clone(),
                    });
                    self.found.classes.push(Vec::new());
                    self.classes.len() - 1
                });
            self.found.classes[class].push(at);
        }
    }

    /// For every gate the classes that touch it.
    fn by_gate(&self) -> BTreeMap<Gate, Vec<usize>> {
        let mut by_gate: BTreeMap<Gate, Vec<usize>> = BTreeMap::new();
        for (at, class) in self.classes.iter().enumerate() {
            for gate in class.touched.keys() {
                by_gate.entry(*gate).or_default().push(at);
            }
        }
        by_gate
    }

    fn fires(&self, gate: Gate, one: &[u32], two: &[u32]) -> bool {
        let all: BTreeSet<u32> = one.iter().chain(two).copied().collect();
        all.len() >= self.graph.need(gate) as usize
    }

    /// Tries pairs of classes; gives those that share a gate, for sets of three.
    fn pairs(&mut self, all: bool) -> BTreeSet<(usize, usize)> {
        let mut tried: BTreeSet<(usize, usize)> = BTreeSet::new();
        let mut shared: BTreeSet<(usize, usize)> = BTreeSet::new();
        for (gate, classes) in self.by_gate() {
            for (place, &one) in classes.iter().enumerate() {
                for &two in &classes[place + 1..] {
                    if all {
                        shared.insert((one, two));
                    }
                    let [a, b] = [one, two].map(|class| self.classes[class].touched[&gate].clone());
                    if !self.fires(gate, &a, &b) || !tried.insert((one, two)) {
                        continue;
                    }
                    let seeds = [one, two].map(|class| self.classes[class].seed);
                    let Some((goals, _)) = self.closure(&seeds) else {
                        return shared;
                    };
                    for goal in goals {
                        if ![one, two]
                            .iter()
                            .any(|&class| self.classes[class].alone.contains(&goal))
                        {
                            self.found.sets.push((goal, vec![one, two]));
                        }
                    }
                }
            }
        }
        shared
    }

    /// Tries a third class with every pair that shares a gate: of three that need each other, two
    /// touch the first gate that fires for none of them alone.
    fn threes(&mut self, pairs: &BTreeSet<(usize, usize)>) {
        let by_gate = self.by_gate();
        let of_two: BTreeSet<(usize, Vec<usize>)> = self.found.sets.iter().cloned().collect();
        let mut tried: BTreeSet<[usize; 3]> = BTreeSet::new();
        for &(one, two) in pairs {
            let seeds = [one, two].map(|class| self.classes[class].seed);
            let Some((_, touched)) = self.closure(&seeds) else {
                return;
            };
            for (gate, slots) in touched {
                for &three in by_gate.get(&gate).into_iter().flatten() {
                    let mut set = [one, two, three];
                    set.sort_unstable();
                    let is_new = three != one && three != two && !tried.contains(&set);
                    if !is_new || !self.fires(gate, &slots, &self.classes[three].touched[&gate]) {
                        continue;
                    }
                    tried.insert(set);
                    let seeds = set.map(|class| self.classes[class].seed);
                    let Some((goals, _)) = self.closure(&seeds) else {
                        return;
                    };
                    for goal in goals {
                        let alone = set
                            .iter()
                            .any(|&class| self.classes[class].alone.contains(&goal));
                        let [a, b, c] = set;
                        let fewer = [[a, b], [a, c], [b, c]];
                        let by_two = fewer
                            .iter()
                            .any(|two| of_two.contains(&(goal, two.to_vec())));
                        if !alone && !by_two {
                            self.found.sets.push((goal, set.to_vec()));
                        }
                    }
                }
            }
        }
    }
}
