//! Change sets: tables in the input form with a column `change`, applied to inputs without touching
//! them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use rustc_hash::FxHashSet;

use super::raw::{KeptRow, Lost, RawCell, RawTable, Rows, SourceId, Value};
use super::{Ingested, Options, Tables, assemble, put_together, read_files, read_tables, schema};
use crate::diag::{Code, Diagnostic, FileId, Origin, Severity, Sources};
use crate::model::{Change, Organisation, SignIn, Table, Word};

/// Inputs as they are and as they would be.
#[derive(Debug, Default)]
pub struct Changed {
    /// The organisation as it is; meaningless when there are errors.
    pub before: Organisation,
    /// The organisation with the changes made.
    pub after: Organisation,
    /// The texts of inputs and changes.
    pub sources: Sources,
    /// What there is to say about the inputs, then about the changes and what comes of them.
    pub diagnostics: Vec<Diagnostic>,
    /// How many rows of changes there are.
    pub changes: u64,
}

impl Changed {
    /// Whether anything was wrong with the inputs or the changes.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// The source of change sets: none of the inputs'.
const SOURCE: SourceId = SourceId(u32::MAX);

/// Reads inputs and change sets.
#[must_use]
pub fn read_changed(
    inputs: &[impl AsRef<Path>],
    changes: &[impl AsRef<Path>],
    options: &Options,
) -> Changed {
    let mut sources = Sources::default();
    let files = read_files(inputs, options, &mut sources);
    let change_options = Options {
        encoding: options.encoding,
        ..Options::default()
    };
    let change_files = read_files(changes, &change_options, &mut sources);
    let mut tables = read_tables(files, &sources, options);
    let before = assemble::assemble(&tables.tables, &|_, _| {});
    let Ingested {
        organisation: before,
        mut diagnostics,
        ..
    } = put_together(&mut tables, before, false);
    let mut said = read_tables(change_files, &sources, &change_options);
    let count = tables.tables.len();
    diagnostics.append(&mut said.diagnostics);
    diagnostics.extend(add(&mut tables, said));
    let after = assemble::assemble(&tables.tables, &|_, _| {});
    let known: FxHashSet<_> = diagnostics.iter().map(about).collect();
    let new: Vec<Diagnostic> = after
        .diagnostics
        .into_iter()
        .filter(|one| !known.contains(&about(one)))
        .collect();
    diagnostics.extend(new);
    let changes = after.gone_through[count..].iter().map(|found| found.rows);
    let changes = changes.sum();
    drop(tables);
    Changed {
        before,
        after: after.organisation,
        sources,
        diagnostics,
        changes,
    }
}

/// Inputs that are kept, to be put together with one change set after another.
pub struct Kept<'t> {
    sources: &'t Sources,
    tables: Tables<'t>,
    /// Where rows that stand in no file are said to be.
    file: FileId,
}

/// A row of a change set that stands in no file: its table and its cells by column, `change` among
/// them; a cell that is empty makes a cell empty.
pub type MadeRow = (Table, Vec<(String, Vec<String>)>);

/// Reads inputs and keeps them for `then`, which is given what was read too.
pub fn read_kept<R>(
    inputs: &[impl AsRef<Path>],
    options: &Options,
    then: impl FnOnce(Ingested, &Kept<'_>) -> R,
) -> R {
    let mut sources = Sources::default();
    let files = read_files(inputs, options, &mut sources);
    let file = sources.add("changes".to_owned(), "changes".to_owned(), String::new());
    let mut tables = read_tables(files, &sources, options);
    let assembled = assemble::assemble(&tables.tables, &|_, _| {});
    let ingested = put_together(&mut tables, assembled, false);
    let kept = Kept {
        sources: &sources,
        tables,
        file,
    };
    then(ingested, &kept)
}

impl<'t> Kept<'t> {
    /// The texts of the inputs.
    #[must_use]
    pub fn sources(&self) -> &'t Sources {
        self.sources
    }

    /// The organisation with some changes made; a change that does not fit changes nothing.
    #[must_use]
    pub fn changed(&self, rows: &[MadeRow]) -> Organisation {
        let mut made: BTreeMap<Table, Vec<KeptRow<'_>>> = BTreeMap::new();
        let origin = Origin {
            file: self.file,
            start: 0,
            len: 0,
        };
        // What is taken away comes first: what the new rows name as one thing may be what the old ones
        // name as another, and then the row that is added back is the row that was taken away.
        let takes_away = |(_, cells): &&MadeRow| {
            let mut cells = cells.iter();
            cells.any(|(name, values)| {
                name == "change" && values.iter().any(|value| value == Change::Remove.word())
            })
        };
        let (first, then): (Vec<&MadeRow>, Vec<&MadeRow>) = rows.iter().partition(takes_away);
        for (table, cells) in first.into_iter().chain(then) {
            let cells = cells.iter().filter_map(|(name, values)| {
                let values = values.iter().map(|value| Cow::Borrowed(value.as_str()));
                Some(RawCell {
                    column: schema::find(*table, name)?,
                    origin,
                    value: Value::List(values.collect()),
                })
            });
            made.entry(*table).or_default().push(KeptRow {
                origin,
                cells: cells.collect(),
                provenance: None,
            });
        }
        let changes: Vec<RawTable<'_>> = made
            .into_iter()
            .map(|(table, rows)| RawTable {
                table,
                file: self.file,
                source: SOURCE,
                rows: Rows::Kept(rows),
                lacks: 0,
                is_change: true,
                lost: Lost::default(),
            })
            .collect();
        let all: Vec<&RawTable<'_>> = self.tables.tables.iter().chain(&changes).collect();
        let mut org = assemble::assemble_all(&all, &|_, _| {}).organisation;
        forget_factors(&mut org);
        org
    }
}

/// A factor that is taken away by somebody is still asked for; one that is taken back with its row
/// was never there.
fn forget_factors(org: &mut Organisation) {
    let mut has_binding = vec![false; org.identities.len()];
    for (at, binding) in org.bindings.iter().enumerate() {
        if org.counts(Table::MfaBindings, at)
            && let Some(identity) = org.identity_of[binding.identity.index()]
        {
            has_binding[identity as usize] = true;
        }
    }
    for (identity, has_binding) in org.identities.iter_mut().zip(has_binding) {
        if identity.has_binding && !has_binding {
            identity.has_binding = false;
            if !identity.sign_in_stated {
                identity.sign_in = SignIn::Password;
            }
        }
    }
}

/// What tells one diagnostic from another.
fn about(said: &Diagnostic) -> (Code, Option<Origin>, String) {
    (said.code, said.origin, said.message.clone())
}

/// Adds tables of changes to those that they change.
fn add<'t>(tables: &mut Tables<'t>, changes: Tables<'t>) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    for mut table in changes.tables {
        if matches!(table.rows, Rows::Made(_)) {
            said.push(
                Diagnostic::new(Code::ChangeRow, "an export where a change set is expected")
                    .in_file(table.file)
                    .help("a change set is tables with a column `change`: add, remove or set"),
            );
            continue;
        }
        table.is_change = true;
        table.source = SOURCE;
        tables.tables.push(table);
    }
    said
}
