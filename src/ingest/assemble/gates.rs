//! Rows of `recoveries` put together to gates.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::{Builder, Context};
use crate::diag::{Code, Diagnostic, FileId, Origin, Severity};
use crate::ingest::raw::{Lost, RawRow, SourceId};
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
        for &gate in &gate_of {
            starts[gate as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut sorted = vec![0u32; starts.last().copied().unwrap_or_default() as usize];
        for (row, &gate) in gate_of.iter().enumerate() {
            let place = &mut next[gate as usize];
            sorted[*place as usize] = row as u32;
            *place += 1;
        }
        drop((gate_of, next));
        self.org.gates.reserve_exact(gates as usize);
        self.org.gate_rows.reserve(sorted.len());
        for gate in 0..gates as usize {
            let rows = &sorted[starts[gate] as usize..starts[gate + 1] as usize];
            let (distinct, repeated) = self.distinct_rows(rows);
            // What the rows must agree on is not part of what makes two of them one, so all are
            // asked, those that count once included.
            let name = rows
                .first()
                .and_then(|&row| infos[row as usize].name.as_ref());
            let is_broken = name.is_some_and(|name| self.is_broken(name));
            let count = distinct.len() as u32;
            let need = self.agreed_need(rows, count, repeated, is_broken, &infos);
            if let Some(need) = need.filter(|_| !is_broken) {
                self.org.push_gate(&distinct, need);
            } else {
                self.rows_left_out += rows.len() as u64;
            }
        }
    }

    /// Whether a row of this gate is lost, so that the others would mean something else.
    fn is_broken(&self, name: &GateName<'t>) -> bool {
        self.broken_gates.contains(name)
            || matches!(name, GateName::File(file, _) if self.broken_files.contains(file))
    }

    /// What rows that could not be read may have been part of.
    pub(super) fn note_lost(&mut self, context: Context, lost: &Lost) {
        if lost.rest {
            self.broken_files.insert(context.file);
        }
        for text in &lost.texts {
            let name = Cow::Owned(fold(text).into_owned());
            self.broken_gates.insert(GateName::File(context.file, name));
        }
    }

    /// Rows with the same source and method are one: the first ones, and what to say of the others.
    fn distinct_rows<'r>(&self, rows: &'r [u32]) -> (Cow<'r, [u32]>, Vec<Diagnostic>) {
        if rows.len() < 2 {
            return (Cow::Borrowed(rows), Vec::new());
        }
        let mut seen = FxHashMap::default();
        let mut distinct = Vec::with_capacity(rows.len());
        let mut said = Vec::new();
        for &row in rows {
            let recovery = &self.org.recoveries[row as usize];
            let first = *seen
                .entry((recovery.source, recovery.method))
                .or_insert(row);
            if first == row {
                distinct.push(row);
                continue;
            }
            let message = format!(
                "gate `{}` has two rows with the same source and method; they count as one",
                self.org.texts.get(recovery.gate)
            );
            let first = self.org.recoveries[first as usize].meta.origin;
            said.push(
                Diagnostic::new(Code::DuplicateGateRow, message)
                    .at(recovery.meta.origin, "the same source and method again")
                    .related(first, "the first one"),
            );
        }
        (Cow::Owned(distinct), said)
    }

    /// The gate of these rows, if they agree.
    fn agreed_need(
        &mut self,
        rows: &[u32],
        count: u32,
        repeated: Vec<Diagnostic>,
        is_broken: bool,
        infos: &[GateRow<'t>],
    ) -> Option<u32> {
        let recoveries = &self.org.recoveries;
        let first = &recoveries[*rows.first()? as usize];
        let name = self.org.texts.get(first.gate);
        // With a row lost nobody knows how many there are, and what an empty cell would mean.
        let need_of = |recovery: &Recovery| recovery.need.or((!is_broken).then_some(count));
        let needs_differ = |one: &Recovery, two: &Recovery| match (need_of(one), need_of(two)) {
            (Some(one), Some(two)) => one != two,
            _ => false,
        };
        let mut said = Vec::new();
        for &row in rows {
            let recovery = &recoveries[row as usize];
            let differ = [
                ("target", recovery.target != first.target),
                ("restores", recovery.restores != first.restores),
                ("except", recovery.except != first.except),
                ("need", needs_differ(recovery, first)),
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
        if said.is_empty() {
            said.extend(repeated);
        }
        let need = need_of(first).unwrap_or(count);
        let is_good = !said
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error);
        if is_good && !is_broken && !(1..=count).contains(&need) {
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
        let is_good = !said
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error);
        self.diagnostics.extend(said);
        is_good.then_some(need)
    }
}
