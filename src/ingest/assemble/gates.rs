//! Rows of `recoveries` put together to gates.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hash, Hasher};
use std::num::NonZeroU32;
use std::ops::Range;

use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::names::Spelling;
use super::{Builder, Context};
use crate::diag::{Code, Diagnostic, FileId, Origin, Severity};
use crate::ingest::raw::{Lost, SourceId};
use crate::model::{MadeGates, Organisation, Recovery, Slots, Table, fold};

/// The name of a gate within its scope.
#[derive(Clone, Debug)]
pub(super) struct GateName<'t> {
    /// Of scope and name: found where rows are understood, on all threads.
    hash: u64,
    scope: Scope,
    name: Spelling<'t>,
}

/// Where a name means one gate: a file, or for imported rows their source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Scope {
    File(FileId),
    Source(SourceId),
}

impl Hash for GateName<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

impl PartialEq for GateName<'_> {
    fn eq(&self, other: &Self) -> bool {
        let name = |one: &Self| (one.hash, one.scope);
        name(self) == name(other) && self.name.key() == other.name.key()
    }
}

impl Eq for GateName<'_> {}

impl<'t> GateName<'t> {
    fn new(scope: Scope, name: Spelling<'t>) -> Self {
        Self {
            hash: FxBuildHasher.hash_one((scope, name.key())),
            scope,
            name,
        }
    }

    /// As it is written.
    pub(super) fn shown(&self) -> &str {
        self.name.shown()
    }
}

/// The names of gates in the rows of a part. Rows of a gate mostly follow each other, so there are fewer
/// than rows.
#[derive(Default)]
pub(super) struct GateNames<'t>(Vec<GateName<'t>>);

impl<'t> GateNames<'t> {
    /// The place of the name that a cell says; nothing for a gate of its own.
    pub(super) fn add(
        &mut self,
        context: Context,
        is_imported: bool,
        gate: Cow<'t, str>,
    ) -> Option<u32> {
        let scope = if is_imported {
            Scope::Source(context.source)
        } else {
            Scope::File(context.file)
        };
        let last = self.0.last();
        if last.is_none_or(|last| last.scope != scope || last.shown() != gate) {
            let name = match &gate {
                Cow::Borrowed(gate) => fold(gate),
                Cow::Owned(gate) => Cow::Owned(fold(gate).into_owned()),
            };
            if name.is_empty() {
                return None;
            }
            self.0.push(GateName::new(scope, Spelling::new(name, gate)));
        }
        Some(self.0.len() as u32 - 1)
    }

    pub(super) fn get(&self, place: u32) -> &GateName<'t> {
        &self.0[place as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The hashes of the names at these places.
    pub(super) fn hashes(&self, places: Range<usize>) -> impl Iterator<Item = u64> {
        let names = self.0.get(places).unwrap_or_default();
        names.iter().map(|name| name.hash)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Which gate each row of `recoveries` is of, gates numbered by their first rows.
#[derive(Default)]
pub(super) struct Gates<'t> {
    of: Vec<u32>,
    count: u32,
    /// The gates that have names, and which they are.
    names: Vec<(GateName<'t>, u32)>,
    /// Places among `names`.
    by_name: Slots,
    /// Rows of a gate mostly follow each other.
    last: Option<(GateName<'t>, u32)>,
    /// Where each row writes its `need`: start and length.
    needs: Vec<(u32, u32)>,
    /// Gates that lost a row: the rest of the gate would mean something else.
    broken: FxHashSet<GateName<'t>>,
    broken_files: FxHashSet<FileId>,
    /// Rows that say what becomes of others.
    no_rows: FxHashSet<u32>,
}

impl<'t> Gates<'t> {
    pub(super) fn reserve(&mut self, rows: usize) {
        self.of.reserve_exact(rows);
        self.needs.reserve_exact(rows);
    }

    /// Brings the places into the caches where gates of these hashes will be looked for.
    pub(super) fn make_ready(&self, hashes: impl Iterator<Item = u64>) {
        self.by_name.read_ahead(hashes);
    }

    /// The next row is of the gate with this name, or a gate of its own.
    pub(super) fn add(&mut self, name: Option<&GateName<'t>>, need: Origin) {
        let next = self.count;
        let gate = match (name, &self.last) {
            (None, _) => next,
            (Some(name), Some((last, gate))) if last == name => *gate,
            (Some(name), _) => {
                let gate = match self.find(name) {
                    Some(gate) => gate,
                    None => {
                        let place = self.names.len() as u32;
                        let names = &self.names;
                        let hash_of = |place: u32| names[place as usize].0.hash;
                        self.by_name.insert(name.hash, place, hash_of);
                        self.names.push((name.clone(), next));
                        next
                    }
                };
                self.last = Some((name.clone(), gate));
                gate
            }
        };
        self.count += u32::from(gate == next);
        self.of.push(gate);
        self.needs.push((need.start, need.len));
    }

    /// The gate with this name.
    fn find(&self, name: &GateName<'_>) -> Option<u32> {
        let is_it = |place: u32| self.names[place as usize].0 == *name;
        let place = self.by_name.find(name.hash, is_it)?;
        Some(self.names[place as usize].1)
    }

    /// The gate that a row was put into.
    pub(super) fn of(&self, row: u32) -> u32 {
        self.of[row as usize]
    }

    /// Puts a row into another gate.
    pub(super) fn join(&mut self, row: u32, gate: u32) {
        self.of[row as usize] = gate;
    }

    /// A row of a change set that is no row of a gate.
    pub(super) fn no_row(&mut self, row: u32) {
        self.of[row as usize] = self.count;
        self.count += 1;
        self.no_rows.insert(row);
    }

    /// A row of this gate is left out.
    pub(super) fn break_one(&mut self, name: Option<&GateName<'t>>) {
        self.broken.extend(name.cloned());
    }
}

/// The rows of every gate, as positions in `recoveries`.
struct GateRows {
    starts: Vec<u32>,
    rows: Vec<u32>,
    needs: Vec<(u32, u32)>,
}

impl GateRows {
    /// The rows of each gate together, in their order: a counting sort.
    fn new(gates: u32, of: &[u32], needs: Vec<(u32, u32)>) -> Self {
        let mut starts = vec![0u32; gates as usize + 1];
        for &gate in of {
            starts[gate as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut rows = vec![0u32; of.len()];
        for (row, &gate) in of.iter().enumerate() {
            let place = &mut next[gate as usize];
            rows[*place as usize] = row as u32;
            *place += 1;
        }
        Self {
            starts,
            rows,
            needs,
        }
    }

    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn of(&self, gate: usize) -> &[u32] {
        &self.rows[self.starts[gate] as usize..self.starts[gate + 1] as usize]
    }

    /// Where a row writes its `need`.
    fn need(&self, row: u32, org: &Organisation) -> Origin {
        let (start, len) = self.needs[row as usize];
        Origin {
            start,
            len,
            ..org.recoveries[row as usize].meta.origin
        }
    }
}

/// What became of the rows of a gate.
struct Judged<'r> {
    rows: Cow<'r, [u32]>,
    /// How many rows are needed; nothing when the gate is left out.
    need: Option<u32>,
    said: Vec<Diagnostic>,
}

/// What became of the rows of many gates.
#[derive(Default)]
struct JudgedPart {
    made: MadeGates,
    left_out: u64,
    said: Vec<Diagnostic>,
}

impl JudgedPart {
    fn add(&mut self, org: &Organisation, judged: Judged<'_>) {
        self.said.extend(judged.said);
        match judged.need {
            Some(need) => self.made.push(&org.recoveries, &judged.rows, need),
            None => self.left_out += judged.rows.len() as u64,
        }
    }
}

impl<'t> Builder<'t> {
    pub(super) fn make_gates(&mut self) {
        const PART: usize = 1 << 12;
        let mut gates = std::mem::take(&mut self.gates);
        let needs = std::mem::take(&mut gates.needs);
        let rows = GateRows::new(gates.count, &gates.of, needs);
        let broken: FxHashSet<u32> = gates
            .broken
            .iter()
            .filter_map(|name| gates.find(name))
            .collect();
        drop((gates.of, gates.names, gates.by_name));
        self.org.gates.reserve_exact(rows.len());
        self.org.gate_rows.reserve_exact(rows.rows.len());
        let org = &self.org;
        let numbers: Vec<usize> = (0..rows.len()).step_by(PART).collect();
        let parts = numbers.into_par_iter().map(|first| {
            let mut part = JudgedPart::default();
            for gate in first..(first + PART).min(rows.len()) {
                // A row that left its gate for another one may have been the only one in it.
                let first = rows.of(gate).first();
                if first.is_none_or(|first| gates.no_rows.contains(first)) {
                    continue;
                }
                let is_broken = broken.contains(&(gate as u32))
                    || is_of_broken_file(org, rows.of(gate), &gates.broken_files);
                part.add(org, judge(org, &rows, gate, is_broken));
            }
            part
        });
        let parts: Vec<JudgedPart> = parts.collect();
        for part in parts {
            self.diagnostics.extend(part.said);
            self.rows_left_out += part.left_out;
            self.org.add_gates(&part.made);
        }
    }

    /// What rows that could not be read may have been part of.
    pub(super) fn note_lost(&mut self, context: Context, lost: &Lost) {
        if context.table != Table::Recoveries {
            return;
        }
        if lost.rest {
            self.gates.broken_files.insert(context.file);
        }
        for text in &lost.texts {
            let name = || Cow::Owned(fold(text).into_owned());
            let scope = Scope::File(context.file);
            let name = GateName::new(scope, Spelling::new(name(), name()));
            self.gates.broken.insert(name);
        }
    }
}

/// Whether the file breaks off in which a named gate stands.
fn is_of_broken_file(org: &Organisation, rows: &[u32], files: &FxHashSet<FileId>) -> bool {
    if files.is_empty() {
        return false;
    }
    let first = rows.first().map(|&row| &org.recoveries[row as usize]);
    first.is_some_and(|first| {
        let is_named = !fold(org.texts.get(first.gate)).is_empty();
        is_named && first.meta.provenance.is_none() && files.contains(&first.meta.origin.file)
    })
}

/// Whether the rows of a gate agree, and how many of them are needed.
fn judge<'r>(org: &Organisation, gates: &'r GateRows, gate: usize, is_broken: bool) -> Judged<'r> {
    let rows = gates.of(gate);
    let (distinct, repeated) = distinct_rows(org, rows);
    // What the rows must agree on is not part of what makes two of them one, so all are asked, those
    // that count once included.
    let count = distinct.len() as u32;
    let (need, said) = agreed_need(org, gates, gate, count, repeated, is_broken);
    let need = need.filter(|_| !is_broken);
    Judged {
        rows: if need.is_some() {
            distinct
        } else {
            Cow::Borrowed(rows)
        },
        need,
        said,
    }
}

/// Rows with the same source and method are one: the first ones, and what to say of the others.
fn distinct_rows<'r>(org: &Organisation, rows: &'r [u32]) -> (Cow<'r, [u32]>, Vec<Diagnostic>) {
    /// With so few, comparing each with each is cheaper than a table.
    const FEW: usize = 8;
    let key = |row: u32| {
        let recovery = &org.recoveries[row as usize];
        (recovery.source, recovery.method)
    };
    let is_repeated = |at: usize| rows[..at].iter().any(|&row| key(row) == key(rows[at]));
    if rows.len() <= FEW && !(1..rows.len()).any(is_repeated) {
        return (Cow::Borrowed(rows), Vec::new());
    }
    let mut seen = FxHashMap::default();
    let mut distinct = Vec::with_capacity(rows.len());
    let mut said = Vec::new();
    for &row in rows {
        let recovery = &org.recoveries[row as usize];
        let first = *seen
            .entry((recovery.source, recovery.method))
            .or_insert(row);
        if first == row {
            distinct.push(row);
            continue;
        }
        let message = format!(
            "gate `{}` has two rows with the same source and method; they count as one",
            org.texts.get(recovery.gate)
        );
        let first = org.recoveries[first as usize].meta.origin;
        said.push(
            Diagnostic::new(Code::DuplicateGateRow, message)
                .at(recovery.meta.origin, "the same source and method again")
                .related(first, "the first one"),
        );
    }
    (Cow::Owned(distinct), said)
}

/// How many rows of a gate are needed, if they agree.
fn agreed_need(
    org: &Organisation,
    gates: &GateRows,
    gate: usize,
    count: u32,
    repeated: Vec<Diagnostic>,
    is_broken: bool,
) -> (Option<u32>, Vec<Diagnostic>) {
    let rows = gates.of(gate);
    let recoveries = &org.recoveries;
    let Some(first) = rows.first().map(|&row| &recoveries[row as usize]) else {
        return (None, repeated);
    };
    let name = org.texts.get(first.gate);
    // With a row lost nobody knows how many there are, and what an empty cell would mean.
    let need_of = |recovery: &Recovery| {
        let written = recovery.need.map(NonZeroU32::get);
        written.or((!is_broken).then_some(count))
    };
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
            (
                "except",
                org.list(recovery.except) != org.list(first.except),
            ),
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
                gates.need(rows[0], org),
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
    (is_good.then_some(need), said)
}
