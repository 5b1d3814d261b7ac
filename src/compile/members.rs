//! Who is in a group by the tables, nested membership included.

use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::Dfs;
use rustc_hash::FxHashMap;

use super::Edits;
use crate::model::{Access, AssetId, Kind, Organisation, Table};

/// Groups as a digraph from group to nested group, with their direct members.
pub struct Members {
    /// All memberships that count; nothing where those are the standing ones.
    counted: Option<Nested>,
    /// Standing ones alone: who is in a group without activating anything.
    standing: Nested,
    /// Before any lenient edit.
    unedited: Option<Box<Self>>,
}

#[derive(Default)]
struct Nested {
    graph: DiGraph<Vec<AssetId>, ()>,
    node_of: FxHashMap<AssetId, NodeIndex>,
}

impl Members {
    /// Reads the memberships; `standing_only` leaves eligible ones out.
    #[must_use]
    pub fn new(org: &Organisation, standing_only: bool, edits: &Edits) -> Self {
        let standing = Nested::new(org, edits, |access| access == Access::Standing);
        let mut memberships = org.memberships.iter();
        let are_all_standing =
            standing_only || memberships.all(|one| one.access == Access::Standing);
        let counted = (!are_all_standing).then(|| Nested::new(org, edits, |_| true));
        let none = Edits::default();
        let unedited = edits
            .is_lenient
            .then(|| Box::new(Self::new(org, standing_only, &none)));
        Self {
            counted,
            standing,
            unedited,
        }
    }

    /// The memberships that say who is left out, and what is known of whom.
    #[must_use]
    pub fn speaking(&self) -> &Self {
        self.unedited.as_deref().unwrap_or(self)
    }

    /// Identities in a group, ascending: O(memberships below it).
    #[must_use]
    pub fn of(&self, group: AssetId) -> Vec<AssetId> {
        self.counted.as_ref().unwrap_or(&self.standing).of(group)
    }

    /// Identities in a group by standing memberships alone, ascending.
    #[must_use]
    pub fn standing_of(&self, group: AssetId) -> Vec<AssetId> {
        self.standing.of(group)
    }
}

impl Nested {
    fn new(org: &Organisation, edits: &Edits, counts: impl Fn(Access) -> bool) -> Self {
        let mut nested = Self::default();
        let rows = org.memberships.iter().enumerate();
        // Members of a group mostly follow each other.
        let mut last = None;
        for (_, membership) in rows.filter(|(at, membership)| {
            counts(membership.access) && !edits.is_removed(org, Table::Memberships, *at)
        }) {
            let group = match last {
                Some((group, node)) if group == membership.group => node,
                _ => nested.node(membership.group),
            };
            last = Some((membership.group, group));
            if org.assets.kind(membership.member) == Kind::Group {
                let inner = nested.node(membership.member);
                nested.graph.add_edge(group, inner, ());
            } else {
                nested.graph[group].push(membership.member);
            }
        }
        nested
    }

    fn node(&mut self, group: AssetId) -> NodeIndex {
        let graph = &mut self.graph;
        *self
            .node_of
            .entry(group)
            .or_insert_with(|| graph.add_node(Vec::new()))
    }

    fn of(&self, group: AssetId) -> Vec<AssetId> {
        let mut members = Vec::new();
        if let Some(&node) = self.node_of.get(&group) {
            let mut search = Dfs::new(&self.graph, node);
            while let Some(inner) = search.next(&self.graph) {
                members.extend_from_slice(&self.graph[inner]);
            }
        }
        members.sort_unstable();
        members.dedup();
        members
    }
}
