//! What is different between the rows of two organisations, and the change sets that undo it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::cells::{Aliases, aliases, cells};
use super::changes::{ChangeRow, recovery_cells};
use crate::model::{Change, Organisation, RowRef, Table, Target, Word, fold, row_key};

/// One difference: a row, or the rows of a gate, which mean something only together.
#[derive(Clone, Debug)]
pub struct RowChange {
    /// What happened from the old rows to the new ones.
    pub change: Change,
    /// The table.
    pub table: Table,
    /// The rows that are only in the old organisation, or are different there.
    pub old: Vec<RowRef>,
    /// The rows that are only in the new organisation, or are different there.
    pub new: Vec<RowRef>,
    /// The rows of a change set that undo it in the new organisation.
    pub undo: Vec<ChangeRow>,
}

/// A row of a change set: its table and its cells by column.
type Cells = (Table, Vec<(String, Vec<String>)>);

impl RowChange {
    /// The change set that undoes it, as texts; an empty cell is said too.
    #[must_use]
    pub fn undo_cells(&self) -> Vec<Cells> {
        let texts = |value: &Value| match value {
            Value::String(text) if text.is_empty() => Vec::new(),
            Value::String(text) => vec![text.clone()],
            Value::Array(items) => {
                let texts = items.iter().filter_map(|item| item.as_str());
                texts.map(str::to_owned).collect()
            }
            other => vec![other.to_string()],
        };
        let rows = self.undo.iter();
        rows.map(|(table, cells)| {
            let cells = cells
                .iter()
                .map(|(name, value)| (name.clone(), texts(value)));
            (*table, cells.collect())
        })
        .collect()
    }
}

/// Rows of one organisation by their keys.
type Keyed = BTreeMap<String, Vec<RowRef>>;

/// Tables whose rows are compared one by one.
const SINGLE: [Table; 9] = [
    Table::Identities,
    Table::Mailboxes,
    Table::MfaBindings,
    Table::Holdings,
    Table::Memberships,
    Table::Systems,
    Table::Grants,
    Table::Processes,
    Table::Signals,
];

/// Every difference that may matter, in the order of the tables, then by key: O(rows).
#[must_use]
pub fn row_changes(old: &Organisation, new: &Organisation) -> Vec<RowChange> {
    let mut found = Vec::new();
    let known = [old, new].map(aliases);
    for table in SINGLE {
        let keyed = [old, new].map(|org| keyed(org, table));
        let mut keys: Vec<&String> = keyed[0].keys().chain(keyed[1].keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let rows = [0, 1].map(|side| keyed[side].get(key).map_or(&[][..], Vec::as_slice));
            found.extend(one([old, new], &known, table, rows));
        }
        if table == Table::Holdings {
            found.extend(gate_changes(old, new));
        }
    }
    found
}

fn keyed(org: &Organisation, table: Table) -> Keyed {
    let mut keyed = Keyed::new();
    for index in 0..org.rows_in(table) as u32 {
        let row = RowRef { table, index };
        let at = index as usize;
        let is_declared = match table {
            Table::Identities => org.identities[at].declared,
            Table::Mailboxes => org.mailboxes[at].declared,
            Table::Systems => org.systems[at].declared,
            Table::Processes => org.processes[at].declared,
            // A signal of nobody says nothing.
            Table::Signals => org.signals[at].identity.is_some(),
            _ => true,
        };
        if is_declared && org.counts(table, at) {
            keyed.entry(row_key(org, row)).or_default().push(row);
        }
    }
    keyed
}

fn one(
    [old, new]: [&Organisation; 2],
    known: &[Aliases; 2],
    table: Table,
    [before, after]: [&[RowRef]; 2],
) -> Option<RowChange> {
    let all = |org: &Organisation, known: &Aliases, rows: &[RowRef]| -> Vec<Map<String, Value>> {
        let rows = rows.iter();
        let mut all: Vec<_> = rows.filter_map(|&row| cells(org, known, row)).collect();
        all.sort_by_key(|cells| Value::Object(cells.clone()).to_string());
        all.dedup();
        all
    };
    let (was, is) = (all(old, &known[0], before), all(new, &known[1], after));
    if folded(&was) == folded(&is) {
        return None;
    }
    let with = |cells: &Map<String, Value>, change: Change| {
        let mut cells = cells.clone();
        cells.insert("change".to_owned(), change.word().into());
        (table, cells)
    };
    let (change, undo) = match (was.last(), is.last()) {
        (None, Some(is)) => (Change::Add, vec![with(is, Change::Remove)]),
        (Some(_), None) => {
            let back = was.iter().take(1);
            (
                Change::Remove,
                back.map(|was| with(was, Change::Add)).collect(),
            )
        }
        (Some(was), Some(_)) => (Change::Set, vec![with(was, Change::Set)]),
        (None, None) => return None,
    };
    Some(RowChange {
        change,
        table,
        old: before.to_vec(),
        new: after.to_vec(),
        undo,
    })
}

/// As compared: names differ in their spelling alone.
fn folded(rows: &[Map<String, Value>]) -> Vec<String> {
    let rows = rows
        .iter()
        .map(|cells| Value::Object(cells.clone()).to_string());
    rows.map(|text| fold(&text).into_owned()).collect()
}

/// What the rows of a gate have in common.
type GateKey = (String, String, String, String, String);

/// For every gate, by what its rows have in common (and its one row, if it has no name): need and
/// rows of each gate of that kind.
type Gates = BTreeMap<(GateKey, String), Vec<(u32, Vec<RowRef>)>>;

/// The need and the rows of every gate; a gate without a name is known by its row.
fn gates(org: &Organisation) -> Gates {
    let mut gates = Gates::new();
    let shown = |asset| {
        let asset = org.assets.get(asset);
        format!("{}:{}", asset.kind.word(), asset.key)
    };
    for &gate in &org.gates {
        let Some(first) = org.recoveries_of(gate).next() else {
            continue;
        };
        let target = match gate.target {
            Target::Everyone => "*".to_owned(),
            Target::Asset(asset) => shown(asset),
        };
        let mut except: Vec<String> = org
            .except_of(gate)
            .iter()
            .map(|&asset| shown(asset))
            .collect();
        except.sort_unstable();
        let name = fold(org.text(first.gate)).into_owned();
        let process = first
            .process
            .map(|process| org.processes[process.0 as usize].key.to_string());
        let rows: Vec<RowRef> = org
            .rows_of(gate)
            .iter()
            .filter(|&&index| org.counts(Table::Recoveries, index as usize))
            .map(|&index| RowRef {
                table: Table::Recoveries,
                index,
            })
            .collect();
        let alone = match (name.is_empty(), rows.first()) {
            (true, Some(&row)) => row_key(org, row),
            _ => String::new(),
        };
        let key = (
            name,
            target,
            gate.restores.word().to_owned(),
            except.join(";"),
            process.unwrap_or_default(),
        );
        gates
            .entry((key, alone))
            .or_default()
            .push((gate.need, rows));
    }
    gates
}

fn gate_changes(old: &Organisation, new: &Organisation) -> Vec<RowChange> {
    let (was, is) = (gates(old), gates(new));
    let mut keys: Vec<_> = was.keys().chain(is.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut found = Vec::new();
    for key in keys {
        let none = Vec::new();
        let [before, after] = [was.get(key), is.get(key)].map(|gates| gates.unwrap_or(&none));
        let rows = |gates: &[(u32, Vec<RowRef>)]| -> Vec<RowRef> {
            gates
                .iter()
                .flat_map(|(_, rows)| rows.iter().copied())
                .collect()
        };
        let (old_rows, new_rows) = (rows(before), rows(after));
        let keys = |org: &Organisation, rows: &[RowRef]| -> Vec<String> {
            let mut keys: Vec<String> = rows.iter().map(|&row| row_key(org, row)).collect();
            keys.sort_unstable();
            keys.dedup();
            keys
        };
        let (old_keys, new_keys) = (keys(old, &old_rows), keys(new, &new_rows));
        let need = |gates: &[(u32, Vec<RowRef>)]| gates.first().map(|(need, _)| *need);
        if old_keys == new_keys && need(before) == need(after) {
            continue;
        }
        let only = |org: &Organisation, rows: &[RowRef], others: &[String]| -> Vec<RowRef> {
            let mut seen: Vec<String> = Vec::new();
            let only = rows.iter().filter(|&&row| {
                let key = row_key(org, row);
                let is_new = !others.contains(&key) && !seen.contains(&key);
                seen.push(key);
                is_new
            });
            only.copied().collect()
        };
        let (gone, come) = (
            only(old, &old_rows, &new_keys),
            only(new, &new_rows, &old_keys),
        );
        let mut undo: Vec<ChangeRow> = Vec::new();
        let row = |org: &Organisation, row: RowRef, change: Change, need: Option<u32>| {
            let mut cells = recovery_cells(org, row.index);
            cells.insert("change".to_owned(), change.word().into());
            if let Some(need) = need {
                cells.insert("need".to_owned(), need.to_string().into());
            }
            (Table::Recoveries, cells)
        };
        let stays = new_rows
            .iter()
            .find(|&&row| old_keys.contains(&row_key(new, row)));
        undo.extend(come.iter().map(|&one| row(new, one, Change::Remove, None)));
        undo.extend(
            gone.iter()
                .map(|&one| row(old, one, Change::Add, need(before))),
        );
        if let (Some(&stays), true) = (stays, need(before).is_some()) {
            undo.push(row(new, stays, Change::Set, need(before)));
        }
        let change = match (before.is_empty(), after.is_empty()) {
            (true, _) => Change::Add,
            (_, true) => Change::Remove,
            _ => Change::Set,
        };
        let told = |only: Vec<RowRef>, all: Vec<RowRef>| if only.is_empty() { all } else { only };
        let is_set = change == Change::Set && gone.is_empty() && come.is_empty();
        found.push(RowChange {
            change,
            table: Table::Recoveries,
            old: if is_set { told(gone, old_rows) } else { gone },
            new: if is_set { told(come, new_rows) } else { come },
            undo,
        });
    }
    found
}
