//! What follows from one fact alone: the edges along which closures hold each other.

use std::num::NonZeroU32;

use rayon::prelude::*;

use crate::rules::{Fact, RuleGraph, Use};
use crate::solve::{Key, tour::Size};

/// How far a fact stands from its parent: what the parent's key is, or a bound above it. Never very
/// far, and there is one for every fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::solve) struct Shift {
    /// Recoveries.
    pub level: u16,
    /// Rounds since the last of them.
    pub round: u16,
}

impl Shift {
    const HERE: Self = Self { level: 0, round: 0 };

    /// The distance of a key; nothing when it is very far.
    pub(in crate::solve) fn of(key: Key) -> Option<Self> {
        let (level, round) = key.parts();
        Some(Self {
            level: level.try_into().ok()?,
            round: round.try_into().ok()?,
        })
    }

    /// This far and then so far; nothing when that is very far.
    fn then(self, further: Self) -> Option<Self> {
        // Rounds start again behind every recovery.
        let round = match further.level {
            0 => self.round.checked_add(further.round)?,
            _ => further.round,
        };
        let level = self.level.checked_add(further.level)?;
        Some(Self { level, round })
    }

    /// One gate further, for the few gates that an edge stands for.
    pub(super) fn after(self, cost: u32) -> Self {
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

/// A fact that follows from another one alone, in 8 bytes with or without an `Option`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    /// The fact's number plus one.
    number: NonZeroU32,
    pub(super) shift: Shift,
}

impl Edge {
    pub(super) fn new(to: Fact, shift: Shift) -> Self {
        Self {
            number: NonZeroU32::MIN.saturating_add(to.0),
            shift,
        }
    }

    pub(super) fn to(self) -> Fact {
        Fact(self.number.get() - 1)
    }

    /// This edge and one that goes on from where it leads; nothing when that is very far.
    pub(super) fn then(self, next: Self) -> Option<Self> {
        let shift = self.shift.then(next.shift)?;
        Some(Self { shift, ..next })
    }
}

/// The rule graph with what follows from one fact alone by a gate of several inputs.
pub(super) struct Edges<'g> {
    pub(super) graph: &'g RuleGraph,
    /// For every fact one such fact, if there is any.
    joined: Vec<Option<Edge>>,
    /// Whether a fact is a leaf.
    leaf: Vec<bool>,
}

impl<'g> Edges<'g> {
    pub(super) fn new(graph: &'g RuleGraph, sizes: &[Size]) -> Self {
        let facts = || (0..graph.fact_count() as u32).into_par_iter().map(Fact);
        /// A fact of more uses is worth hanging below although nothing follows from its heads: each
        /// seed would do and undo all of them by itself, as for a group that reads very many mailboxes.
        const MANY: usize = 64;
        // Nothing follows from it, or so little that nobody gains by hanging below it. A large closure
        // follows from a small one only where the small one is of a system, and then has little beyond it.
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
        let is_trunk =
            |fact: Fact| sizes[fact.index()] == Size::Large || graph.uses(fact).len() > MANY;
        // Twice, because a password leads to its account alone, which may be bare.
        let once: Vec<bool> = facts()
            .map(|fact| bare(fact) || !(is_trunk(fact) || leads_on(fact, &bare)))
            .collect();
        let seen = |fact: Fact| once[fact.index()];
        let leaf: Vec<bool> = facts()
            .map(|fact| seen(fact) || !(is_trunk(fact) || leads_on(fact, &seen)))
            .collect();
        Self {
            graph,
            joined,
            leaf,
        }
    }

    /// Whether there is too little to share with a fact: its closure is small, or it has few uses and no
    /// edge to a fact that is no leaf.
    pub(super) fn is_leaf(&self, fact: Fact) -> bool {
        self.leaf[fact.index()]
    }

    /// The edge at a place among a fact's uses, the joined one behind them.
    pub(super) fn at(&self, fact: Fact, at: usize) -> Option<Edge> {
        match self.graph.uses(fact).get(at) {
            Some(&step) => (step.need() == 1).then(|| single(step)),
            None => self.joined[fact.index()],
        }
    }

    pub(super) fn of(&self, fact: Fact) -> impl Iterator<Item = Edge> {
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
