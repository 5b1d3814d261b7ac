//! Change sets: tables in the input form with a column `change`, applied to inputs without touching
//! them.

use std::path::Path;

use rustc_hash::FxHashSet;

use super::raw::{Rows, SourceId};
use super::{Ingested, Options, Tables, assemble, put_together, read_files, read_tables};
use crate::diag::{Code, Diagnostic, Severity, Sources};
use crate::model::Organisation;

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

/// What tells one diagnostic from another.
fn about(said: &Diagnostic) -> (Code, Option<crate::diag::Origin>, String) {
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
