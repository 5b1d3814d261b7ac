//! Rows that are written twice: a change of one is a change of all of them.

use rustc_hash::FxHashMap;

use super::Fix;
use crate::compile::Edits;
use crate::model::{Organisation, RowRef, Table, fold};

/// Rows and gates that say the same as others.
#[derive(Debug, Default)]
pub struct Twins {
    /// For every row with twins all of them, itself included, ascending.
    rows: FxHashMap<RowRef, Vec<u32>>,
    /// The same for gates of recoveries.
    gates: FxHashMap<u32, Vec<u32>>,
}

impl Twins {
    /// Finds them: O(rows).
    #[must_use]
    pub fn new(org: &Organisation) -> Self {
        let mut twins = Self::default();
        let memberships = org.memberships.iter().map(|row| (row.member, row.group));
        twins.add(Table::Memberships, memberships);
        let holdings = org.holdings.iter().map(|row| (row.holder, row.asset));
        twins.add(Table::Holdings, holdings);
        let bindings = org.bindings.iter();
        let bindings = bindings.map(|row| (row.identity, row.factor, row.holder));
        twins.add(Table::MfaBindings, bindings);
        let grants = org.grants.iter();
        let grants = grants.map(|row| (row.principal, row.system, fold(org.text(row.role))));
        twins.add(Table::Grants, grants);
        let gates = org.gates.iter().map(|&gate| {
            let mut rows: Vec<_> = org
                .recoveries_of(gate)
                .map(|row| {
                    (
                        row.source,
                        row.method,
                        row.process,
                        fold(org.text(row.gate)),
                    )
                })
                .collect();
            rows.sort_unstable();
            (gate.target, gate.restores, org.except_of(gate), rows)
        });
        let mut groups: FxHashMap<_, Vec<u32>> = FxHashMap::default();
        for (at, key) in (0u32..).zip(gates) {
            groups.entry(key).or_default().push(at);
        }
        #[allow(
            clippy::iter_over_hash_type,
            reason = "the order does not matter: another map is made"
        )]
        for group in groups.into_values().filter(|group| group.len() > 1) {
            for &gate in &group {
                twins.gates.insert(gate, group.clone());
            }
        }
        twins
    }

    fn add<K: Eq + std::hash::Hash>(&mut self, table: Table, keys: impl Iterator<Item = K>) {
        let mut groups: FxHashMap<K, Vec<u32>> = FxHashMap::default();
        for (at, key) in (0u32..).zip(keys) {
            groups.entry(key).or_default().push(at);
        }
        #[allow(
            clippy::iter_over_hash_type,
            reason = "the order does not matter: another map is made"
        )]
        for group in groups.into_values().filter(|group| group.len() > 1) {
            for &index in &group {
                self.rows.insert(RowRef { table, index }, group.clone());
            }
        }
    }

    /// The change that stands for this one and its twins.
    #[must_use]
    pub fn first(&self, fix: Fix) -> Fix {
        let first = |table, index| {
            let row = RowRef { table, index };
            self.rows
                .get(&row)
                .and_then(|rows| rows.first())
                .copied()
                .unwrap_or(index)
        };
        let gate = |gate: u32| {
            let gates = self.gates.get(&gate);
            gates
                .and_then(|gates| gates.first())
                .copied()
                .unwrap_or(gate)
        };
        match fix {
            Fix::Leave(row) => Fix::Leave(first(Table::Memberships, row)),
            Fix::Release(row) => Fix::Release(first(Table::Holdings, row)),
            Fix::Unbind(row) => Fix::Unbind(first(Table::MfaBindings, row)),
            Fix::Revoke(row) => Fix::Revoke(first(Table::Grants, row)),
            Fix::Remove(at) => Fix::Remove(gate(at)),
            Fix::Guard(at) => Fix::Guard(gate(at)),
            other => other,
        }
    }

    /// Makes a change, and the same of the twins.
    pub fn apply(&self, org: &Organisation, fix: Fix, edits: &mut Edits) {
        let rows = |table, index| {
            let twins = self.rows.get(&RowRef { table, index }).cloned();
            twins.unwrap_or_else(|| vec![index])
        };
        let gates = |gate| self.gates.get(&gate).cloned().unwrap_or_else(|| vec![gate]);
        let all: Vec<Fix> = match fix {
            Fix::Leave(row) => rows(Table::Memberships, row)
                .into_iter()
                .map(Fix::Leave)
                .collect(),
            Fix::Release(row) => rows(Table::Holdings, row)
                .into_iter()
                .map(Fix::Release)
                .collect(),
            Fix::Unbind(row) => rows(Table::MfaBindings, row)
                .into_iter()
                .map(Fix::Unbind)
                .collect(),
            Fix::Revoke(row) => rows(Table::Grants, row)
                .into_iter()
                .map(Fix::Revoke)
                .collect(),
            Fix::Remove(at) => gates(at).into_iter().map(Fix::Remove).collect(),
            Fix::Guard(at) => gates(at).into_iter().map(Fix::Guard).collect(),
            other => vec![other],
        };
        for fix in all {
            fix.apply(org, edits);
        }
    }
}
