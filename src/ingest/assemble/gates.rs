//! Rows of `recoveries` put together to gates.

use rustc_hash::FxHashMap;

use super::{Builder, Context};
use crate::diag::{Code, Diagnostic, FileId, Origin};
use crate::ingest::raw::{RawRow, SourceId};
use crate::model::{Recovery, RecoveryGate, fold};

/// The name of a gate within its scope: a file, or for imported rows their source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum GateName {
    File(FileId, String),
    Source(SourceId, String),
}

impl GateName {
    pub(super) fn of(context: Context, row: &RawRow, gate: &str) -> Option<Self> {
        let name = fold(gate);
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
pub(super) struct GateRow {
    pub name: Option<GateName>,
    /// Where `need` stands.
    pub need: Origin,
}

impl Builder {
    pub(super) fn make_gates(&mut self) {
        let infos = std::mem::take(&mut self.gate_rows);
        let mut gates: Vec<Vec<u32>> = Vec::new();
        let mut by_name: FxHashMap<&GateName, usize> = FxHashMap::default();
        for (at, info) in infos.iter().enumerate() {
            let row = at as u32;
            match &info.name {
                None => gates.push(vec![row]),
                Some(name) if self.broken_gates.contains(name) => self.rows_left_out += 1,
                Some(name) => match by_name.get(name) {
                    Some(&gate) => gates[gate].push(row),
                    None => {
                        by_name.insert(name, gates.len());
                        gates.push(vec![row]);
                    }
                },
            }
        }
        for rows in gates {
            let rows = self.distinct_rows(rows);
            if let Some(gate) = self.agreed_gate(&rows, &infos) {
                self.org.gates.push(gate);
            } else {
                self.rows_left_out += rows.len() as u64;
            }
        }
    }

    /// Rows with the same source and method count once.
    fn distinct_rows(&mut self, rows: Vec<u32>) -> Vec<u32> {
        if rows.len() < 2 {
            return rows;
        }
        let mut seen = FxHashMap::default();
        let mut distinct = Vec::with_capacity(rows.len());
        for row in rows {
            let recovery = &self.org.recoveries[row as usize];
            match seen.insert((recovery.source, recovery.method), row) {
                None => distinct.push(row),
                Some(first) => {
                    seen.insert((recovery.source, recovery.method), first);
                    let message = format!(
                        "gate `{}` has two rows with the same source and method; they count as one",
                        recovery.gate
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
    fn agreed_gate(&mut self, rows: &[u32], infos: &[GateRow]) -> Option<RecoveryGate> {
        let recoveries = &self.org.recoveries;
        let first = &recoveries[rows[0] as usize];
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
                    Diagnostic::new(Code::GateConflict, format!("rows of gate `{}` disagree on {}", first.gate, columns.join(", ")))
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
        Some(RecoveryGate {
            rows: rows.to_vec(),
            need,
            target: first.target,
            restores: first.restores,
            except: first.except.clone(),
        })
    }
}
