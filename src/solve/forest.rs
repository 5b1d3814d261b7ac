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

use rustc_hash::{FxHashMap, FxHashSet};

use super::tour::Size;
use crate::rules::{Fact, RuleGraph};
use components::{Components, LEAVES};
pub(super) use edges::Shift;
use edges::{Edge, Edges};

/// No fact.
const NONE: u32 = u32::MAX;

/// A fact that was found to follow from another one, and how far away it is at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meeting {
    pub fact: Fact,
    pub shift: Shift,
}

/// A forest over the seeds and all that lies between them and their roots.
pub(super) struct Forest {
    /// For every fact, its parent and how far that is; none for roots.
    parents: Vec<Option<Edge>>,
    /// Every fact of the forest, parents before children and children together.
    order: Vec<Fact>,
    /// For every fact of the forest its place in that order.
    place: FxHashMap<Fact, u32>,
    /// For every place the one behind all that hangs below its fact.
    ends: Vec<u32>,
    /// For every place how many recoveries its fact is from its root.
    depths: Vec<u32>,
    components: Components,
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
            ends: Vec::new(),
            depths: Vec::new(),
            components,
        };
        forest.narrow(seeds);
        forest
    }

    /// Leaves these seeds and what lies between them and their roots.
    pub(super) fn narrow(&mut self, seeds: &[Fact]) {
        let Self {
            parents,
            order,
            place,
            ends,
            depths,
            ..
        } = self;
        *order = preorder(parents, seeds);
        place.clear();
        place.extend(order.iter().copied().zip(0u32..));
        *ends = (1..=order.len() as u32).collect();
        for at in (0..order.len()).rev() {
            if let Some(parent) = parents[order[at].index()] {
                let parent = place[&parent.to()] as usize;
                ends[parent] = ends[parent].max(ends[at]);
            }
        }
        depths.clear();
        for fact in order.iter() {
            let depth = parents[fact.index()].map_or(0, |parent| {
                let above: u32 = depths[place[&parent.to()] as usize];
                above.saturating_add(u32::from(parent.shift.level))
            });
            depths.push(depth);
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
                above = self.parent(next).map(|(parent, _)| parent);
            }
            if above.is_none() {
                self.parents[fact.index()] = Some(Edge::new(to, shift));
            }
            waiting.remove(fact);
        }
    }

    /// How many recoveries a fact of the forest is from its root.
    pub(super) fn depth(&self, fact: Fact) -> u32 {
        self.depths[self.place[&fact] as usize]
    }

    /// The place in the order behind all that hangs below a fact of the forest.
    pub(super) fn end(&self, fact: Fact) -> usize {
        self.ends[self.place[&fact] as usize] as usize
    }

    /// How many facts hang below a fact of the forest, itself among them.
    pub(super) fn below(&self, fact: Fact) -> usize {
        self.end(fact) - self.place[&fact] as usize
    }

    /// Every fact of the forest, parents before children and children together.
    pub(super) fn order(&self) -> &[Fact] {
        &self.order
    }

    /// The parent of a fact, and how far it is.
    pub(super) fn parent(&self, fact: Fact) -> Option<(Fact, Shift)> {
        self.parents[fact.index()].map(|edge| (edge.to(), edge.shift))
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

/// The seeds and their ancestors, in the order of a walk from the roots. As a rule they are few beside all
/// facts, so they are numbered anew: arrays as long as the graph cost more to touch than to fill.
fn preorder(parents: &[Option<Edge>], seeds: &[Fact]) -> Vec<Fact> {
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
    let mut order = Vec::with_capacity(wanted.len());
    while let Some(number) = stack.pop() {
        order.push(wanted[number as usize]);
        let (from, to) = (starts[number as usize], starts[number as usize + 1]);
        stack.extend(below[from as usize..to as usize].iter().rev());
    }
    order
}
