//! Rows of change sets: which rows they are about, and what becomes of those.

use rustc_hash::FxHashMap;

use super::Builder;
use crate::diag::{Code, Diagnostic, Origin};
use crate::model::{Access, Change, RowRef, Table, Word, fold, row_key};

/// A row of a change set, put into the organisation like any other.
pub(super) struct ChangeRow {
    row: RowRef,
    change: Change,
    origin: Origin,
}

impl Builder<'_> {
    pub(super) fn note_change(
        &mut self,
        table: Table,
        index: usize,
        change: Change,
        origin: Origin,
    ) {
        let row = RowRef {
            table,
            index: index as u32,
        };
        self.changes.push(ChangeRow {
            row,
            change,
            origin,
        });
    }

    /// Does what the rows of change sets say to the rows of a table, which have been read.
    pub(super) fn change(&mut self, table: Table) {
        let (mine, others) = std::mem::take(&mut self.changes)
            .into_iter()
            .partition(|change| change.row.table == table);
        self.changes = others;
        let mine: Vec<ChangeRow> = mine;
        if mine.is_empty() {
            return;
        }
        let mut rows_of: FxHashMap<String, Vec<u32>> = FxHashMap::default();
        let first = mine.iter().map(|change| change.row.index).min();
        for index in 0..first.unwrap_or_default() {
            let key = row_key(&self.org, RowRef { table, index });
            rows_of.entry(key).or_default().push(index);
        }
        for change in mine {
            let key = row_key(&self.org, change.row);
            let rows = rows_of.get(&key).cloned().unwrap_or_default();
            if self.change_row(&change, &key, &rows) {
                rows_of.insert(key, vec![change.row.index]);
            }
        }
    }

    /// Whether the row is one that counts from now on.
    fn change_row(&mut self, change: &ChangeRow, key: &str, rows: &[u32]) -> bool {
        let table = change.row.table;
        let counting = |builder: &Self| -> Vec<u32> {
            let rows = rows.iter().copied();
            rows.filter(|&row| builder.org.counts(table, row as usize))
                .collect()
        };
        let there = counting(self);
        if change.change == Change::Add {
            if !there.is_empty() {
                let first = self.org.meta(RowRef {
                    table,
                    index: there[0],
                });
                let first = first.map(|meta| meta.origin);
                let mut said = Diagnostic::new(
                    Code::RowExists,
                    format!("a row of `{}` that is there already", table.word()),
                )
                .at(change.origin, "added here")
                .help(format!("its key is {key}"));
                if let Some(first) = first {
                    said = said.related(first, "the row that is there");
                }
                self.reject(change, said);
                return false;
            }
            if rows.is_empty() {
                if table == Table::Recoveries {
                    return self.join_gate(change);
                }
                return true;
            }
            // It was taken back before: it counts again, and says what the added row says.
            for &index in rows {
                self.org.withdrawn.remove(&RowRef { table, index });
            }
            self.say_again(change, rows);
            self.forget(change.row);
            return false;
        }
        if there.is_empty() {
            let said = Diagnostic::new(
                Code::NoSuchRow,
                format!(
                    "no row of `{}` is the one to {}",
                    table.word(),
                    change.change.word()
                ),
            )
            .at(
                change.origin,
                "expected the identifying cells of a row that is there",
            )
            .help(format!("its key would be {key}"));
            self.reject(change, said);
            return false;
        }
        match change.change {
            Change::Remove => {
                let rows = there.iter().map(|&index| RowRef { table, index });
                self.org.withdrawn.extend(rows);
            }
            _ => self.set_row(change, &there),
        }
        self.forget(change.row);
        false
    }

    /// A row of a change set that is no row of its table.
    fn forget(&mut self, row: RowRef) {
        self.org.withdrawn.insert(row);
        if row.table == Table::Recoveries {
            self.gates.no_row(row.index);
        }
    }

    fn reject(&mut self, change: &ChangeRow, said: Diagnostic) {
        self.diagnostics.push(said);
        self.rows_left_out += 1;
        self.forget(change.row);
    }

    /// What an added row says beside its key becomes that of the rows that count again for it.
    fn say_again(&mut self, change: &ChangeRow, rows: &[u32]) {
        let mine = change.row.index as usize;
        match change.row.table {
            Table::Memberships | Table::Grants => self.set_row(change, rows),
            Table::Recoveries if self.org.recoveries[mine].need.is_some() => {
                self.set_row(change, rows);
            }
            _ => {}
        }
    }

    fn set_row(&mut self, change: &ChangeRow, rows: &[u32]) {
        let mine = change.row.index as usize;
        match change.row.table {
            Table::Memberships => {
                let access: Access = self.org.memberships[mine].access;
                for &row in rows {
                    self.org.memberships[row as usize].access = access;
                }
            }
            Table::Grants => {
                let access: Access = self.org.grants[mine].access;
                for &row in rows {
                    self.org.grants[row as usize].access = access;
                }
            }
            Table::Recoveries if self.org.recoveries[mine].need.is_some() => {
                let need = self.org.recoveries[mine].need;
                for &row in rows {
                    for other in self.rows_of_gate(self.gates.of(row)) {
                        self.org.recoveries[other as usize].need = need;
                    }
                }
            }
            table => {
                let can = match table {
                    Table::Recoveries => "`need`",
                    _ => "nothing: every cell is part of what makes it that row",
                };
                let said = Diagnostic::new(
                    Code::ChangeRow,
                    format!("a change that sets nothing in `{}`", table.word()),
                )
                .at(
                    change.origin,
                    format!("what can be set of such a row is {can}"),
                )
                .help("remove the row and add another one");
                self.diagnostics.push(said);
            }
        }
    }

    fn rows_of_gate(&self, gate: u32) -> Vec<u32> {
        let rows = 0..self.org.recoveries.len() as u32;
        rows.filter(|&row| self.gates.of(row) == gate).collect()
    }

    /// An added row of a gate that is there is one more of its rows; the gate needs as many as
    /// before, unless the row says otherwise.
    fn join_gate(&mut self, change: &ChangeRow) -> bool {
        let mine = change.row.index;
        let added = &self.org.recoveries[mine as usize];
        let name = fold(self.org.text(added.gate));
        if name.is_empty() {
            return true;
        }
        let is_same = |row: u32| {
            let other = &self.org.recoveries[row as usize];
            fold(self.org.text(other.gate)) == name
                && (other.target, other.restores, other.process)
                    == (added.target, added.restores, added.process)
                && self.org.list(other.except) == self.org.list(added.except)
        };
        let mut gates: Vec<u32> = (0..mine)
            .filter(|&row| is_same(row))
            .map(|row| self.gates.of(row))
            .filter(|&gate| gate != self.gates.of(mine))
            .collect();
        gates.sort_unstable();
        gates.dedup();
        // Files may hold gates of the same name that are otherwise alike: each gets the row.
        for (at, gate) in gates.into_iter().enumerate() {
            let row = if at == 0 {
                mine
            } else {
                let copy = self.org.recoveries[mine as usize].clone();
                self.org.recoveries.push(copy);
                self.gates.add(None, change.origin);
                self.org.recoveries.len() as u32 - 1
            };
            self.join_one(row, gate);
        }
        true
    }

    /// Puts a row into a gate, which needs as many as before unless the row says otherwise.
    fn join_one(&mut self, mine: u32, gate: u32) {
        let rows = self.rows_of_gate(gate);
        let written = rows
            .iter()
            .find_map(|&row| self.org.recoveries[row as usize].need);
        let mut distinct: Vec<_> = rows
            .iter()
            .map(|&row| &self.org.recoveries[row as usize])
            .map(|row| (row.source, row.method))
            .collect();
        distinct.sort_unstable();
        distinct.dedup();
        let before = written.or(std::num::NonZeroU32::new(distinct.len() as u32));
        let need = self.org.recoveries[mine as usize].need.or(before);
        for row in rows.into_iter().chain([mine]) {
            self.org.recoveries[row as usize].need = need;
        }
        self.gates.join(mine, gate);
    }
}
