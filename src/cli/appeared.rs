//! Identities that are only in the second of two organisations, and what they can bring down.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::moves::proof;
use crate::model::{AssetId, RowRef, Table, Word, row_key};
use crate::report::{self, View};

/// An identity that was not there before and unlocks something.
pub(super) struct New {
    pub asset: AssetId,
    pub tier: Option<u8>,
    /// What it unlocks, the worst first.
    pub systems: Vec<AssetId>,
    /// The proof of the worst, in one line.
    pub chain: Option<String>,
    /// The rows of it that were not there before either, with their places.
    pub rows: Vec<String>,
}

/// Those that unlock something, the strictest tier first, then most systems, then by id; chains and rows
/// of the first so many.
pub(super) fn appeared(before: &View<'_>, after: &View<'_>, list: &[u32], top: usize) -> Vec<New> {
    let wanted: BTreeSet<u32> = list.iter().copied().collect();
    let results = after.scan.identities.iter();
    let mut found: Vec<(u32, New)> = results
        .filter(|result| wanted.contains(&result.identity))
        .filter_map(|result| {
            let unlocks = result.answer.as_ref()?.unlocks().iter();
            let systems: Vec<AssetId> = unlocks.map(|one| AssetId(one.system.0)).collect();
            let new = New {
                asset: after.org.identities[result.identity as usize].asset,
                tier: result.tier,
                systems,
                chain: None,
                rows: Vec::new(),
            };
            (!new.systems.is_empty()).then_some((result.identity, new))
        })
        .collect();
    found.sort_by_key(|(_, new)| {
        let key = after.org.assets.get(new.asset).key;
        (new.tier, Reverse(new.systems.len()), key)
    });
    let mut rows: Vec<Vec<RowRef>> = Vec::new();
    for (identity, new) in found.iter_mut().take(top) {
        let proof = new
            .systems
            .first()
            .and_then(|&goal| proof(after, *identity, goal));
        let chain = proof.map(|proof| report::chain(after, &proof));
        new.chain = chain.as_ref().map(|chain| chain.text(after, false));
        let steps = chain.iter().flat_map(report::Chain::steps);
        rows.push(steps.flat_map(|step| step.rows).copied().collect());
    }
    let is_known = known(before, after, rows.iter().flatten());
    for ((_, new), rows) in found.iter_mut().zip(rows) {
        for row in rows {
            let entry = report::row_entry(after.org, after.sources, row);
            if is_known.contains(&entry.key) {
                continue;
            }
            let told = match entry.line {
                Some(line) => format!("{} ({}:{line})", entry.key, entry.file),
                None => format!("{} ({})", entry.key, entry.file),
            };
            if !new.rows.contains(&told) {
                new.rows.push(told);
            }
        }
    }
    found.into_iter().map(|(_, new)| new).collect()
}

/// Which of some rows the first organisation has too, by their keys: O(rows of their tables).
fn known<'r>(
    before: &View<'_>,
    after: &View<'_>,
    rows: impl Iterator<Item = &'r RowRef>,
) -> BTreeSet<String> {
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    let mut tables: Vec<Table> = Vec::new();
    for &row in rows {
        wanted.insert(row_key(after.org, row));
        if !tables.contains(&row.table) {
            tables.push(row.table);
        }
    }
    tables.sort_by_key(|table| table.word());
    let old = tables.into_iter().flat_map(|table| {
        (0..before.org.rows_in(table) as u32).map(move |index| RowRef { table, index })
    });
    old.map(|row| row_key(before.org, row))
        .filter(|key| wanted.contains(key))
        .collect()
}
