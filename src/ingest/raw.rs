//! Rows as they stand in the files: text with places, nothing understood yet.

use super::schema;
use crate::diag::{FileId, Origin};
use crate::model::{Provenance, Table};

/// Inputs given together on the command line form one source; so does an imported export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// The rows of one table in one file.
#[derive(Clone, Debug)]
pub struct RawTable {
    /// Which table.
    pub table: Table,
    /// The file.
    pub file: FileId,
    /// The source that the file belongs to.
    pub source: SourceId,
    /// The rows in order.
    pub rows: Vec<RawRow>,
    /// The required columns that the file lacks, a bit each by their place in [`schema::all`].
    pub lacks: u32,
}

/// One row; empty cells are not kept.
#[derive(Clone, Debug)]
pub struct RawRow {
    /// The row as a whole.
    pub origin: Origin,
    /// Its cells in the order of the file.
    pub cells: Vec<RawCell>,
    /// Where it was imported from.
    pub provenance: Option<Box<Provenance>>,
}

/// A cell that is not empty.
#[derive(Clone, Debug)]
pub struct RawCell {
    /// The place of its column in [`schema::all`].
    pub column: u8,
    /// Where it stands.
    pub origin: Origin,
    /// What it holds.
    pub value: Value,
}

/// The content of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Trimmed text, not empty.
    Text(Box<str>),
    /// A JSON array: names that may hold a `;`.
    List(Vec<Box<str>>),
}

impl RawRow {
    /// What the row's origin columns say: it was imported, maybe in an earlier run.
    pub(super) fn note_provenance(&mut self, table: Table) {
        let Some(file) = self.cell(table, "origin_file") else {
            return;
        };
        let text = |column: &str| {
            self.cell(table, column)
                .map(RawCell::text)
                .unwrap_or_default()
        };
        let provenance = Provenance {
            file: file.text().into(),
            line: text("origin_line").parse().ok(),
            object: text("origin_object").into(),
        };
        self.provenance = Some(Box::new(provenance));
    }

    /// The cell of a column.
    #[must_use]
    pub fn cell(&self, table: Table, column: &str) -> Option<&RawCell> {
        let at = schema::find(table, column)?;
        self.cells.iter().find(|cell| cell.column == at)
    }
}

impl RawCell {
    /// The content as one text.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.value {
            Value::Text(text) => text.to_string(),
            Value::List(items) => items.join(";"),
        }
    }

    /// The names of a multi-valued cell, trimmed, without empty ones.
    pub fn items(&self) -> impl Iterator<Item = &str> {
        let (text, list) = match &self.value {
            Value::Text(text) => (Some(text), None),
            Value::List(items) => (None, Some(items)),
        };
        let split = text.into_iter().flat_map(|text| text.split(';'));
        let listed = list.into_iter().flatten().map(AsRef::as_ref);
        split
            .chain(listed)
            .map(str::trim)
            .filter(|item| !item.is_empty())
    }
}
