//! In which order the seeds are solved: a forest in which every fact's parent follows from it alone.
//!
//! If a gate `p <- 1 of {i}` is there, the closure of `i` holds that of `p`, so what is known of `p`
//! need not be found again for `i`. The same holds of a gate of several inputs that `i` and what
//! follows from it by one gate satisfy: a sign-in whose password and factor hang on one mailbox. Of
//! the facts that follow from `i` in these ways, the parent is the one with the largest closure, as
//! far as one can tell cheaply. Facts that follow from each other share their closure; they hang
//! below one of them along the shortest way.
//!
//! Source: "closure(i) contains closure(p)" is Tarjan's condensation used as a schedule; the tree of
//! single-input gates with one running state is this project's. Cost: O(facts + gates).

mod components;
mod edges;
mod ways;

use rustc_hash::{FxHashMap, FxHashSet};

use super::tour::Size;
use crate::rules::{Fact, RuleGraph};
use components::{Components, LEAVES};
pub(super) use edges::Shift;
use edges::{Edge, Edges};
use ways::Ways;

/// No fact.
const NONE: u32 = u32::MAX;

/// A fact that was found to follow from another one, and how far away it is at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meeting {
    pub fact: Fact,
    pub shift: Shift,
}

/// A forest over the seeds and where their ways to their roots meet: what lies between two of these is no
/// step of its own.
pub(super) struct Forest {
    /// For every fact, what it hangs below and how far that is; none for roots.
    parents: Vec<Option<Edge>>,
    /// Every fact of the forest, parents before children and children together.
    order: Vec<Fact>,
    /// For every fact of the forest its place in that order.
    place: FxHashMap<Fact, u32>,
    /// What the steps of the forest are, by place.
    steps: Vec<Step>,
    components: Components,
}

/// A fact of the forest.
#[derive(Clone, Copy)]
struct Step {
    /// The next fact of the forest on the way to its root, and how far that is.
    above: Option<Edge>,
    /// The place behind all that hangs below the fact.
    end: u32,
    /// How many recoveries it is from its root.
    depth: u32,
    /// For each fact on the way from the one above, itself among them, how many hang below that.
    below: u64,
}

impl Forest {
    /// The forest over `seeds`.
    pub(super) fn new(graph: &RuleGraph, seeds: &[Fact], sizes: &[Size]) -> Self {
        let edges = Edges::new(graph, sizes);
        let components = Components::new(&edges, seeds);
        let parents = parents(&edges, &components);
        let mut forest = Self {
            parents,
            order: Vec::new(),
            place: FxHashMap::default(),
            steps: Vec::new(),
            components,
        };
        forest.narrow(seeds);
        forest
    }

    /// Leaves these seeds and where their ways to their roots meet.
    pub(super) fn narrow(&mut self, seeds: &[Fact]) {
        let ways = Ways::new(&self.parents, seeds);
        let links = ways.links(&self.parents);
        // How many stay before each place on the ways.
        let mut before: Vec<u32> = Vec::with_capacity(links.len() + 1);
        let mut count = 0;
        before.push(count);
        before.extend(links.iter().map(|link| {
            count += u32::from(link.stays);
            count
        }));
        self.order.clear();
        self.steps.clear();
        self.place.clear();
        let staying = ways.facts.iter().zip(&links).filter(|(_, link)| link.stays);
        for (&fact, link) in staying {
            let depth = link.above.map_or(0, |above| {
                let depth = self.step(above.to()).depth;
                depth.saturating_add(u32::from(above.shift.level))
            });
            self.place.insert(fact, self.order.len() as u32);
            self.order.push(fact);
            self.steps.push(Step {
                above: link.above,
                end: before[link.end as usize],
                depth,
                below: link.below,
            });
        }
    }

    /// An estimate of what follows from a fact by edges, 0 where little or nothing is known.
    pub(super) fn reach(&self, fact: Fact) -> u64 {
        match self.components.of[fact.index()] {
            NONE | LEAVES => 0,
            component => self.components.reach[component as usize],
        }
    }

    /// Hangs facts below others that were found to follow from them, this far away or nearer. In the
    /// order given; where a fact would hang below itself, or below one further down the list, it
    /// stays where it is. Call [`Forest::narrow`] afterwards.
    pub(super) fn hang(&mut self, found: &[(Fact, Option<Meeting>)]) {
        let mut waiting: FxHashSet<Fact> = found.iter().map(|(fact, _)| *fact).collect();
        for (fact, meeting) in found {
            let Some(Meeting { fact: to, shift }) = *meeting else {
                waiting.remove(fact);
                continue;
            };
            let mut above = Some(to);
            while let Some(next) = above.filter(|next| !waiting.contains(next)) {
                above = self.parents[next.index()].map(|edge| edge.to());
            }
            if above.is_none() {
                self.parents[fact.index()] = Some(Edge::new(to, shift));
            }
            waiting.remove(fact);
        }
    }

    fn step(&self, fact: Fact) -> Step {
        self.steps[self.place[&fact] as usize]
    }

    /// How many recoveries a fact of the forest is from its root.
    pub(super) fn depth(&self, fact: Fact) -> u32 {
        self.step(fact).depth
    }

    /// The place in the order behind all that hangs below a fact of the forest.
    pub(super) fn end(&self, fact: Fact) -> usize {
        self.step(fact).end as usize
    }

    /// How many facts hang below a fact of the forest, itself among them, and below each of those on the way
    /// to it from the one above: as often as its step is of use.
    pub(super) fn below(&self, fact: Fact) -> usize {
        usize::try_from(self.step(fact).below).unwrap_or(usize::MAX)
    }

    /// Every fact of the forest, parents before children and children together.
    pub(super) fn order(&self) -> &[Fact] {
        &self.order
    }

    /// The fact of the forest above one of it, and how far that is.
    pub(super) fn parent(&self, fact: Fact) -> Option<(Fact, Shift)> {
        self.step(fact).above.map(|edge| (edge.to(), edge.shift))
    }
}

/// Every fact's parent: within its component one step nearer to the component's root, and for a root
/// the successor that reaches most.
fn parents(edges: &Edges<'_>, components: &Components) -> Vec<Option<Edge>> {
    let graph = edges.graph;
    let mut parents = vec![None; graph.fact_count()];
    for &fact in &components.walked {
        let own = components.of[fact.index()];
        if components.root[own as usize] != fact.0 {
            continue;
        }
        parents[fact.index()] = edges
            .of(fact)
            .filter(|edge| !edges.is_leaf(edge.to()))
            .filter(|edge| components.of[edge.to().index()] != own)
            .max_by_key(|edge| {
                let reach = components.reach[components.of[edge.to().index()] as usize];
                (reach, std::cmp::Reverse((edge.shift, edge.to())))
            });
    }
    // Members hang along the fewest edges: breadth first from the roots against them. What leads
    // into a fact is not indexed, so the components of more than one fact are turned round here.
    let mut incoming: Vec<(Fact, Fact, Shift)> = Vec::new();
    for &fact in &components.walked {
        let own = components.of[fact.index()];
        if !components.is_circle[own as usize] {
            continue;
        }
        let inside = edges
            .of(fact)
            .filter(|edge| components.of[edge.to().index()] == own && edge.to() != fact);
        incoming.extend(inside.map(|edge| (edge.to(), fact, edge.shift)));
    }
    incoming.sort_unstable();
    let roots = components.root.iter().zip(&components.is_circle);
    let mut queue: Vec<Fact> = roots
        .filter(|(_, is_circle)| **is_circle)
        .map(|(&root, _)| Fact(root))
        .collect();
    let mut at = 0;
    while let Some(&head) = queue.get(at) {
        at += 1;
        let first = incoming.partition_point(|&(to, ..)| to < head);
        for &(to, fact, shift) in &incoming[first..] {
            if to != head {
                break;
            }
            let own = components.of[fact.index()];
            let is_root = components.root[own as usize] == fact.0;
            if !is_root && parents[fact.index()].is_none() {
                parents[fact.index()] = Some(Edge::new(head, shift));
                queue.push(fact);
            }
        }
    }
    parents
}
