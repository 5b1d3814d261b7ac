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

use std::num::NonZeroU32;

use super::{Key, tour::Size};
use crate::rules::{Fact, RuleGraph, Use};
use rayon::prelude::*;
use rustc_hash::FxHashSet;

/// No fact, no gate.
const NONE: u32 = u32::MAX;
/// The number that all leaves share as components.
const LEAVES: u32 = 0;

/// How far a fact stands from its parent: what the parent's key is, or a bound above it. Never very
/// far, and there is one for every fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shift {
    /// Recoveries.
    pub level: u16,
    /// Rounds since the last of them.
    pub round: u16,
}

impl Shift {
    const HERE: Self = Self { level: 0, round: 0 };

    /// The distance of a key; nothing when it is very far.
    pub(super) fn of(key: Key) -> Option<Self> {
        let (level, round) = key.parts();
        Some(Self {
            level: level.try_into().ok()?,
            round: round.try_into().ok()?,
        })
    }

    /// One gate further, for the few gates that an edge stands for.
    fn after(self, cost: u32) -> Self {
        if cost > 0 {
            Self {
                level: self.level + 1,
                round: 0,
            }
        } else {
            Self {
                level: self.level,
                round: self.round + 1,
            }
        }
    }
}

/// A fact that was found to follow from another one, and how far away it is at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meeting {
    pub fact: Fact,
    pub shift: Shift,
}

/// A fact that follows from another one alone, in 8 bytes with or without an `Option`.
#[derive(Clone, Copy, Debug)]
struct Edge {
    /// The fact's number plus one.
    number: NonZeroU32,
    shift: Shift,
}

impl Edge {
    fn new(to: Fact, shift: Shift) -> Self {
        Self {
            number: NonZeroU32::MIN.saturating_add(to.0),
            shift,
        }
    }

    fn to(self) -> Fact {
        Fact(self.number.get() - 1)
    }
}

/// The rule graph with what follows from one fact alone by a gate of several inputs.
struct Edges<'g> {
    graph: &'g RuleGraph,
    /// For every fact one such fact, if there is any.
    joined: Vec<Option<Edge>>,
    /// Whether a fact is a leaf.
    leaf: Vec<bool>,
}

impl<'g> Edges<'g> {
    fn new(graph: &'g RuleGraph, sizes: &[Size]) -> Self {
        let facts = || (0..graph.fact_count() as u32).into_par_iter().map(Fact);
        // Nothing follows from it, or so little that nobody gains by hanging below it. No fact of a
        // large closure follows from a small one.
        let bare = |fact: Fact| sizes[fact.index()] == Size::Small || graph.uses(fact).is_empty();
        let joined: Vec<Option<Edge>> = facts()
            .map(|fact| (!bare(fact)).then(|| joined(graph, fact)).flatten())
            .collect();
        let leads_on = |fact: Fact, leaf: &(dyn Fn(Fact) -> bool + Sync)| {
            joined[fact.index()].is_some_and(|edge| !leaf(edge.to()))
                || graph
                    .uses(fact)
                    .iter()
                    .any(|step| step.need() == 1 && !leaf(step.head))
        };
        // A seed of a large closure is worth hanging below whatever its edges lead to.
        let is_large = |fact: Fact| sizes[fact.index()] == Size::Large;
        // Twice, because the password of an account that is bare leads to it alone.
        let once: Vec<bool> = facts()
            .map(|fact| bare(fact) || !(is_large(fact) || leads_on(fact, &bare)))
            .collect();
        let seen = |fact: Fact| once[fact.index()];
        let leaf: Vec<bool> = facts()
            .map(|fact| seen(fact) || !(is_large(fact) || leads_on(fact, &seen)))
            .collect();
        Self {
            graph,
            joined,
            leaf,
        }
    }

    /// Whether there is nothing to share with a fact: no edge leads from it to a fact that is none.
    fn is_leaf(&self, fact: Fact) -> bool {
        self.leaf[fact.index()]
    }

    /// The edge at a place among a fact's uses, the joined one behind them.
    fn at(&self, fact: Fact, at: usize) -> Option<Edge> {
        match self.graph.uses(fact).get(at) {
            Some(&step) => (step.need() == 1).then(|| single(step)),
            None => self.joined[fact.index()],
        }
    }

    fn of(&self, fact: Fact) -> impl Iterator<Item = Edge> {
        (0..=self.graph.uses(fact).len()).filter_map(move |at| self.at(fact, at))
    }
}

fn single(step: Use) -> Edge {
    Edge::new(step.head, Shift::HERE.after(step.cost()))
}

/// The first gate of several inputs that a fact satisfies together with what follows from it by one
/// gate. Facts of very many gates are hubs, and other facts hang below them anyway.
fn joined(graph: &RuleGraph, fact: Fact) -> Option<Edge> {
    const LOOKED_AT: usize = 16;
    let uses = graph.uses(fact);
    if uses.is_empty() || uses.len() > LOOKED_AT {
        return None;
    }
    let near: Vec<Edge> = uses
        .iter()
        .filter(|step| step.need() == 1)
        .map(|&step| single(step))
        .collect();
    let shift_of = |input: Fact| {
        let near = near.iter().filter(|edge| edge.to() == input);
        let near = near.map(|edge| edge.shift).min();
        if input == fact {
            Some(Shift::HERE)
        } else {
            near
        }
    };
    let from = std::iter::once(fact).chain(near.iter().map(|edge| edge.to()));
    for step in from.flat_map(|from| graph.uses(from).iter().take(LOOKED_AT)) {
        let need = step.need() as usize;
        if need < 2 || graph.uses(step.head).is_empty() {
            continue;
        }
        let inputs = graph.inputs(step.gate);
        if inputs.len() > LOOKED_AT {
            continue;
        }
        let mut shifts: Vec<Shift> = inputs.iter().filter_map(|&input| shift_of(input)).collect();
        if shifts.len() >= need {
            shifts.sort_unstable();
            let shift = shifts[need - 1].after(step.cost());
            return Some(Edge::new(step.head, shift));
        }
    }
    None
}

/// A forest over the seeds and all that lies between them and their roots.
pub(super) struct Forest {
    /// For every fact, its parent and how far that is; none for roots.
    parents: Vec<Option<Edge>>,
    /// Every fact of the forest, parents before children and children together.
    order: Vec<Fact>,
    /// For every fact of the forest its place in that order.
    place: Vec<u32>,
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
            place: vec![NONE; graph.fact_count()],
            ends: Vec::new(),
            depths: Vec::new(),
            components,
        };
        forest.narrow(graph, seeds);
        forest
    }

    /// Leaves these seeds and what lies between them and their roots.
    pub(super) fn narrow(&mut self, graph: &RuleGraph, seeds: &[Fact]) {
        let Self {
            parents,
            order,
            place,
            ends,
            depths,
            ..
        } = self;
        *order = preorder(graph, parents, seeds);
        for (at, fact) in order.iter().enumerate() {
            place[fact.index()] = at as u32;
        }
        *ends = (1..=order.len() as u32).collect();
        for at in (0..order.len()).rev() {
            if let Some(parent) = parents[order[at].index()] {
                let parent = place[parent.to().index()] as usize;
                ends[parent] = ends[parent].max(ends[at]);
            }
        }
        depths.clear();
        for fact in order.iter() {
            let depth = parents[fact.index()].map_or(0, |parent| {
                let above: u32 = depths[place[parent.to().index()] as usize];
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
        self.depths[self.place[fact.index()] as usize]
    }

    /// The place in the order behind all that hangs below a fact of the forest.
    pub(super) fn end(&self, fact: Fact) -> usize {
        self.ends[self.place[fact.index()] as usize] as usize
    }

    /// How many facts hang below a fact of the forest, itself among them.
    pub(super) fn below(&self, fact: Fact) -> usize {
        self.end(fact) - self.place[fact.index()] as usize
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

/// Strongly connected components of the edges, with how much each reaches.
struct Components {
    /// For every fact that follows from a seed by edges, its component; components are numbered
    /// successors first.
    of: Vec<u32>,
    /// For every component, an estimate of its closure's size: its own facts and those of its
    /// successors, what two of them share counted twice.
    reach: Vec<u64>,
    /// For every component, the fact that the others hang below: the one with the most uses.
    root: Vec<u32>,
    /// For every component, whether it has several facts.
    is_circle: Vec<bool>,
    /// Every fact that follows from a seed by edges and is no leaf.
    walked: Vec<Fact>,
}

impl Components {
    /// Tarjan's algorithm (1972) with its own stack.
    fn new(edges: &Edges<'_>, seeds: &[Fact]) -> Self {
        let graph = edges.graph;
        let facts = graph.fact_count();
        let mut found = Self {
            of: vec![NONE; facts],
            reach: vec![1],
            root: vec![NONE],
            is_circle: vec![false],
            walked: Vec::new(),
        };
        // Number of discovery, then the lowest number reachable; 0 is undiscovered.
        let mut low = vec![0u32; facts];
        let mut number = 0u32;
        let mut path: Vec<u32> = Vec::new();
        let mut calls: Vec<(Fact, u32, u32)> = Vec::new();
        for &start in seeds {
            if low[start.index()] != 0 {
                continue;
            }
            if edges.is_leaf(start) {
                found.close_leaf(&mut low, start);
                continue;
            }
            number += 1;
            low[start.index()] = number;
            path.push(start.0);
            calls.push((start, number, 0));
            while let Some((fact, mine, next)) = calls.pop() {
                let last = graph.uses(fact).len();
                let mut at = next as usize;
                let mut descended = false;
                while at <= last {
                    at += 1;
                    let Some(edge) = edges.at(fact, at - 1) else {
                        continue;
                    };
                    let head = edge.to();
                    if low[head.index()] == 0 && edges.is_leaf(head) {
                        found.close_leaf(&mut low, head);
                    } else if low[head.index()] == 0 {
                        calls.push((fact, mine, at as u32 - 1));
                        number += 1;
                        low[head.index()] = number;
                        path.push(head.0);
                        calls.push((head, number, 0));
                        descended = true;
                        break;
                    }
                    if found.of[head.index()] == NONE {
                        low[fact.index()] = low[fact.index()].min(low[head.index()]);
                    }
                }
                if !descended && low[fact.index()] == mine {
                    found.close(edges, &mut path, fact);
                }
            }
        }
        found
    }

    /// Leaves are counted by those who reach them, and else never looked at again.
    fn close_leaf(&mut self, low: &mut [u32], fact: Fact) {
        low[fact.index()] = u32::MAX;
        self.of[fact.index()] = LEAVES;
    }

    /// Takes the component of `first` off the path.
    fn close(&mut self, edges: &Edges<'_>, path: &mut Vec<u32>, first: Fact) {
        let graph = edges.graph;
        let component = self.reach.len() as u32;
        let start = path.iter().rposition(|&fact| fact == first.0).unwrap_or(0);
        let members = &path[start..];
        for &member in members {
            self.of[member as usize] = component;
            self.walked.push(Fact(member));
        }
        let mut reach = members.len() as u64;
        let mut root = first.0;
        for &member in members {
            let member = Fact(member);
            if graph.uses(member).len() > graph.uses(Fact(root)).len() {
                root = member.0;
            }
            for edge in edges.of(member) {
                if edges.is_leaf(edge.to()) {
                    reach += 1;
                    continue;
                }
                let other = self.of[edge.to().index()];
                if other != component && other != NONE {
                    reach = reach.saturating_add(self.reach[other as usize]);
                }
            }
        }
        self.is_circle.push(members.len() > 1);
        path.truncate(start);
        self.reach.push(reach.min(graph.fact_count() as u64));
        self.root.push(root);
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

/// The seeds and their ancestors, in the order of a walk from the roots.
fn preorder(graph: &RuleGraph, parents: &[Option<Edge>], seeds: &[Fact]) -> Vec<Fact> {
    let facts = graph.fact_count();
    let parent_of = |fact: u32| parents[fact as usize].map_or(NONE, |edge| edge.to().0);
    let mut wanted = vec![false; facts];
    let mut count = 0;
    for &seed in seeds {
        let mut fact = seed.0;
        while fact != NONE && !wanted[fact as usize] {
            wanted[fact as usize] = true;
            count += 1;
            fact = parent_of(fact);
        }
    }
    // Children by parent: a counting sort.
    let mut starts = vec![0u32; facts + 1];
    let children = || (0..facts as u32).filter(|&fact| wanted[fact as usize]);
    for fact in children() {
        let parent = parent_of(fact);
        if parent != NONE {
            starts[parent as usize + 1] += 1;
        }
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut next = starts.clone();
    let mut below = vec![0u32; starts[facts] as usize];
    let mut order = Vec::with_capacity(count);
    let mut stack = Vec::new();
    for fact in children() {
        let parent = parent_of(fact);
        if parent == NONE {
            stack.push(fact);
        } else {
            let slot = &mut next[parent as usize];
            below[*slot as usize] = fact;
            *slot += 1;
        }
    }
    stack.reverse();
    while let Some(fact) = stack.pop() {
        order.push(Fact(fact));
        let (from, to) = (starts[fact as usize], starts[fact as usize + 1]);
        stack.extend(below[from as usize..to as usize].iter().rev());
    }
    order
}
