//! Which column of a file is which column of its table.

use super::raw::Places;
use super::schema;
use crate::diag::{Code, Diagnostic, Origin, closest};
use crate::model::{Table, Word};

/// The columns of one file, in its order. Of a column that stands twice, which is an error, the first one
/// counts; the others are none.
#[derive(Debug, Default)]
pub(super) struct Header {
    columns: Vec<Option<u8>>,
}

impl Header {
    /// Reads the names of a header row.
    pub(super) fn read<'a>(
        table: Table,
        row: Origin,
        names: impl Iterator<Item = (&'a str, Origin)>,
    ) -> (Self, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let mut columns: Vec<Option<u8>> = Vec::new();
        let mut unknown = Vec::new();
        for (name, origin) in names {
            let name = name.trim();
            let found = schema::find(table, name);
            let is_second = found.is_some() && columns.contains(&found);
            if is_second {
                diagnostics.push(
                    Diagnostic::new(
                        Code::DuplicateColumn,
                        format!("column `{name}` stands twice in the header"),
                    )
                    .at(origin, "the second one"),
                );
            } else if found.is_none() {
                unknown.push((name, origin));
            }
            columns.push(found.filter(|_| !is_second));
        }
        let missing: Vec<_> = schema::all(table)
            .enumerate()
            .filter(|(at, _)| !columns.contains(&Some(*at as u8)))
            .map(|(_, column)| column)
            .collect();
        for column in missing.iter().filter(|column| column.required) {
            let name = column.name;
            let message = format!("`{}` has no column `{name}`", table.word());
            let mut diagnostic = Diagnostic::new(Code::MissingColumn, message).at(
                row,
                format!("expected a column `{name}` ({})", column.about),
            );
            let close = unknown.iter().map(|(unknown, _)| *unknown);
            if let Some(close) = close
                .filter(|unknown| closest(unknown, [name]).is_some())
                .min()
            {
                diagnostic = diagnostic.help(format!("is `{close}` meant to be `{name}`?"));
            }
            diagnostics.push(diagnostic);
        }
        for (name, origin) in unknown {
            if !name.is_empty() {
                diagnostics.push(unknown_column(
                    table,
                    name,
                    origin,
                    missing.iter().map(|column| column.name),
                ));
            }
        }
        (Self { columns }, diagnostics)
    }

    /// The required columns that the file lacks, as bits: that is said once, not for every row.
    pub(super) fn lacks(&self, table: Table) -> u32 {
        let lacking = schema::all(table)
            .enumerate()
            .filter(|(at, column)| column.required && !self.columns.contains(&Some(*at as u8)));
        lacking.fold(0, |bits, (at, _)| bits | 1 << at)
    }

    /// How many fields a row must have.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// The fields of the table's columns.
    pub(super) fn places(&self) -> Places {
        let mut places: Places = Default::default();
        for (place, column) in (1..).zip(&self.columns) {
            let of_column = column.and_then(|column| places.get_mut(usize::from(column)));
            if let Some(of_column) = of_column {
                *of_column = place;
            }
        }
        places
    }

    /// The table's column at this position of the file.
    pub(super) fn column(&self, at: usize) -> Option<u8> {
        self.columns.get(at).copied().flatten()
    }
}

/// A warning about a column that no analysis reads.
pub(super) fn unknown_column<'a>(
    table: Table,
    name: &str,
    origin: Origin,
    missing: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    let message = format!(
        "`{}` has no column `{name}`; it is kept out of the analysis",
        table.word()
    );
    let diagnostic =
        Diagnostic::new(Code::UnknownColumn, message).at(origin, "not a column of this table");
    match closest(name, missing) {
        Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
        None => diagnostic,
    }
}
