//! Rows of `recoveries` put together to gates.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::{Builder, Context};
use crate::diag::{Code, Diagnostic, FileId, Origin};
use crate::ingest::raw::{RawRow, SourceId};
use crate::model::{Recovery, fold};

/// The name of a gate within its scope: a file, or for imported rows their source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum GateName<'t> {
    File(FileId, Cow<'t, str>),
    Source(SourceId, Cow<'t, str>),
}

impl<'t> GateName<'t> {
    pub(super) fn of(context: Context, row: RawRow<'_, 't>, gate: &Cow<'t, str>) -> Option<Self> {
        let name = match gate {
            Cow::Borrowed(gate) => fold(gate),
            Cow::Owned(gate) => Cow::Owned(fold(gate).into_owned()),
        };
        if name.is_empty() {
            None
        } else if row.provenance.is_some() {
            Some(Self::Source(context.source, name))
        } else {
            Some(Self::File(context.file, name))
        }
    }
}

/// What making a gate needs to know of a row beside the row itself.
pub(super) struct GateRow<'t> {
    pub name: Option<GateName<'t>>,
    /// Where `need` stands.
    pub need: Origin,
}

impl<'t> Builder<'t> {
    pub(super) fn make_gates(&mut self) {
        const LEFT_OUT: u32 = u32::MAX;
        let infos = std::mem::take(&mut self.gate_rows);
        // Which gate each row is of, gates numbered by their first rows.
        let mut gates = 0u32;
        let mut by_name: FxHashMap<&GateName<'t>, u32> = FxHashMap::default();
        let mut gate_of = Vec::with_capacity(infos.len());
        // Rows of a gate mostly follow each other.
        let mut last: Option<(&GateName<'t>, u32)> = None;
        for info in &infos {
            let next = gates;
            let gate = match &info.name {
                None => next,
                Some(name) if last.is_some_and(|(known, _)| known == name) => {
                    last.map_or(next, |(_, gate)| gate)
                }
                Some(name) if self.broken_gates.contains(name) => {
                    self.rows_left_out += 1;
                    LEFT_OUT
                }
                Some(name) => {
                    let gate = *by_name.entry(name).or_insert(next);
                    last = Some((name, gate));
                    gate
                }
            };
            gates += u32::from(gate == next);
            gate_of.push(gate);
        }
        drop(by_name);
        // The rows of each gate together, in their order: a counting sort.
        let mut starts = vec![0u32; gates as usize + 1];
        for &gate in gate_of.iter().filter(|&&gate| gate != LEFT_OUT) {
            starts[gate as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut sorted = vec![0u32; starts.last().copied().unwrap_or_default() as usize];
        for (row, &gate) in gate_of.iter().enumerate() {
            if gate != LEFT_OUT {
                let place = &mut next[gate as usize];
                sorted[*place as usize] = row as u32;
                *place += 1;
            }
        }
        drop((gate_of, next));
        self.org.gates.reserve_exact(gates as usize);
        self.org.gate_rows.reserve(sorted.len());
        for gate in 0..gates as usize {
            let rows = &sorted[starts[gate] as usize..starts[gate + 1] as usize];
            let distinct;
            let rows = if rows.len() < 2 {
                rows
            } else {
                distinct = self.distinct_rows(rows);
                &distinct
            };
            if let Some(need) = self.agreed_need(rows, &infos) {
                self.org.push_gate(rows, need);
            } else {
                self.rows_left_out += rows.len() as u64;
            }
        }
    }

    /// Rows with the same source and method count once.
    fn distinct_rows(&mut self, rows: &[u32]) -> Vec<u32> {
        let mut seen = FxHashMap::default();
        let mut distinct = Vec::with_capacity(rows.len());
        for &row in rows {
            let recovery = &self.org.recoveries[row as usize];
            match seen.insert((recovery.source, recovery.method), row) {
                None => distinct.push(row),
                Some(first) => {
                    seen.insert((recovery.source, recovery.method), first);
                    let message = format!(
                        "gate `{}` has two rows with the same source and method; they count as one",
                        self.org.texts.get(recovery.gate)
                    );
                    let first = self.org.recoveries[first as usize].meta.origin;
                    self.diagnostics.push(
                        Diagnostic::new(Code::DuplicateGateRow, message)
                            .at(recovery.meta.origin, "the same source and method again")
                            .related(first, "the first one"),
                    );
                }
            }
        }
        distinct
    }

    /// The gate of these rows, if they agree.
    fn agreed_need(&mut self, rows: &[u32], infos: &[GateRow<'t>]) -> Option<u32> {
        let recoveries = &self.org.recoveries;
        let first = &recoveries[*rows.first()? as usize];
        let name = self.org.texts.get(first.gate);
        let count = rows.len() as u32;
        let need_of = |recovery: &Recovery| recovery.need.unwrap_or(count);
        let mut said = Vec::new();
        for &row in rows {
            let recovery = &recoveries[row as usize];
            let differ = [
                ("target", recovery.target != first.target),
                ("restores", recovery.restores != first.restores),
                ("except", recovery.except != first.except),
                ("need", need_of(recovery) != need_of(first)),
                ("process", recovery.process != first.process),
            ];
            let columns: Vec<_> = differ
                .iter()
                .filter(|(_, differs)| *differs)
                .map(|(column, _)| format!("`{column}`"))
                .collect();
            if !columns.is_empty() {
                said.push(
                    Diagnostic::new(Code::GateConflict, format!("rows of gate `{name}` disagree on {}", columns.join(", ")))
                        .at(recovery.meta.origin, "expected the same as in the gate's first row; an empty cell counts as its default")
                        .related(first.meta.origin, "the gate's first row"),
                );
            }
        }
        let need = need_of(first);
        if said.is_empty() && !(1..=count).contains(&need) {
            let rows_word = if count == 1 { "row" } else { "distinct rows" };
            said.push(
                Diagnostic::new(
                    Code::BadNeed,
                    format!("`need` is {need} in a gate of {count} {rows_word}"),
                )
                .at(
                    infos[rows[0] as usize].need,
                    if count == 1 {
                        "expected 1".to_owned()
                    } else {
                        format!("expected 1 to {count}")
                    },
                )
                .help("rows form one gate when they have the same `gate` in the same file"),
            );
        }
        if !said.is_empty() {
            self.diagnostics.extend(said);
            return None;
        }
        Some(need)
    }
}
