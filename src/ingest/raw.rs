//! Rows as they stand in the files: text with places, nothing understood yet. Cells borrow from the
//! texts of the files wherever a file writes them as they are.

use std::borrow::Cow;

use super::csv;
use super::schema::{self, Col};
use crate::diag::{FileId, Origin};
use crate::model::{Provenance, Table};

/// Inputs given together on the command line form one source; so does an imported export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// The rows of one table in one file.
#[derive(Debug)]
pub struct RawTable<'t> {
    /// Which table.
    pub table: Table,
    /// The file.
    pub file: FileId,
    /// The source that the file belongs to.
    pub source: SourceId,
    /// The rows in order.
    pub rows: Rows<'t>,
    /// The required columns that the file lacks, a bit each by their place in [`schema::all`].
    pub lacks: u32,
    /// What is known of rows that could not be read.
    pub lost: Lost,
}

/// Rows that could not be read at all: a gate that one of them was part of would ask for less
/// without it.
#[derive(Clone, Debug, Default)]
pub struct Lost {
    /// Every text that stands in such a row: one of them may name a gate.
    pub texts: Vec<Box<str>>,
    /// Whether the file breaks off, so that nothing is known of what would follow.
    pub rest: bool,
}

/// Where rows come from.
#[derive(Debug)]
pub enum Rows<'t> {
    /// A CSV file, parsed again whenever it is gone through: that is cheaper than keeping cells.
    Csv(csv::Body<'t>),
    /// Rows of JSON or of an importer.
    Kept(Vec<KeptRow<'t>>),
}

/// A row that is kept.
#[derive(Clone, Debug)]
pub struct KeptRow<'t> {
    /// The row as a whole.
    pub origin: Origin,
    /// Its cells that are not empty, in the order of the file.
    pub cells: Vec<RawCell<'t>>,
    /// Where it was imported from.
    pub provenance: Option<Box<Provenance>>,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct RawRow<'r, 't> {
    /// The row as a whole.
    pub origin: Origin,
    /// Its cells that are not empty, in the order of the file.
    pub cells: &'r [RawCell<'t>],
    /// Where it was imported from.
    pub provenance: Option<&'r Provenance>,
}

/// A cell that is not empty.
#[derive(Clone, Debug)]
pub struct RawCell<'t> {
    /// The place of its column in [`schema::all`].
    pub column: u8,
    /// Where it stands.
    pub origin: Origin,
    /// What it holds.
    pub value: Value<'t>,
}

/// The content of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'t> {
    /// Trimmed text, not empty.
    Text(Cow<'t, str>),
    /// A JSON array: names that may hold a `;`.
    List(Vec<Cow<'t, str>>),
}

impl<'t> RawTable<'t> {
    /// Goes through the rows in order.
    pub fn for_each(&self, mut row: impl FnMut(RawRow<'_, 't>)) {
        match &self.rows {
            Rows::Csv(body) => body.for_each(|origin, cells| {
                let found = imported(self.table, cells);
                row(RawRow {
                    origin,
                    cells,
                    provenance: found.as_ref(),
                });
            }),
            Rows::Kept(rows) => rows.iter().for_each(|kept| row(kept.view())),
        }
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.rows {
            Rows::Csv(body) => body.len(),
            Rows::Kept(rows) => rows.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether its rows were imported.
    #[must_use]
    pub fn is_imported(&self) -> bool {
        let mut is_imported = false;
        self.for_each(|row| is_imported |= row.provenance.is_some());
        is_imported
    }
}

impl<'t> KeptRow<'t> {
    /// The row as others see it.
    #[must_use]
    pub fn view(&self) -> RawRow<'_, 't> {
        RawRow {
            origin: self.origin,
            cells: &self.cells,
            provenance: self.provenance.as_deref(),
        }
    }

    /// Notes what the row's origin columns say: it was imported, maybe in an earlier run.
    pub(super) fn note_provenance(&mut self, table: Table) {
        self.provenance = imported(table, &self.cells).map(Box::new);
    }
}

/// What the origin columns of a row say.
fn imported(table: Table, cells: &[RawCell<'_>]) -> Option<Provenance> {
    // The origin columns come last, so rows without them are told by one look at each cell.
    let first = schema::columns(table).len() as u8;
    if cells.iter().all(|cell| cell.column < first) {
        return None;
    }
    let text = |at: u8| {
        let cell = cells.iter().find(|cell| cell.column == first + at);
        cell.map(RawCell::text)
    };
    Some(Provenance {
        file: (*text(0)?).into(),
        line: text(1).and_then(|line| line.parse().ok()),
        object: text(2).as_deref().unwrap_or_default().into(),
    })
}

impl<'r, 't> RawRow<'r, 't> {
    /// The cell of a column.
    #[must_use]
    pub fn cell(self, column: Col) -> Option<&'r RawCell<'t>> {
        self.cells.iter().find(|cell| cell.column == column.at)
    }

    /// The row, kept.
    #[must_use]
    pub fn kept(self) -> KeptRow<'t> {
        KeptRow {
            origin: self.origin,
            cells: self.cells.to_vec(),
            provenance: self.provenance.cloned().map(Box::new),
        }
    }
}

impl<'t> RawCell<'t> {
    /// The content as one text.
    #[must_use]
    pub fn text(&self) -> Cow<'t, str> {
        match &self.value {
            Value::Text(text) => text.clone(),
            Value::List(items) => Cow::Owned(items.join(";")),
        }
    }

    /// The names of a multi-valued cell, trimmed, without empty ones.
    pub fn items(&self) -> impl Iterator<Item = Cow<'t, str>> {
        let (text, list) = match &self.value {
            Value::Text(text) => (Some(text), None),
            Value::List(items) => (None, Some(items)),
        };
        let split = text.into_iter().flat_map(split);
        let listed = list.into_iter().flatten().map(trimmed);
        split.chain(listed).filter(|item| !item.is_empty())
    }
}

/// The parts between `;`.
fn split<'t>(text: &Cow<'t, str>) -> Vec<Cow<'t, str>> {
    match text {
        Cow::Borrowed(text) => text
            .split(';')
            .map(|part| Cow::Borrowed(part.trim()))
            .collect(),
        Cow::Owned(text) => text
            .split(';')
            .map(|part| Cow::Owned(part.trim().to_owned()))
            .collect(),
    }
}

/// A text without the white space around it.
pub(super) fn trimmed<'t>(text: &Cow<'t, str>) -> Cow<'t, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}
