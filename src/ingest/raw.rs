//! Rows as they stand in the files: text with places, nothing understood yet. Cells borrow from the
//! texts of the files wherever a file writes them as they are.

use std::borrow::Cow;
use std::ops::Range;

use super::csv::{self, Line};
use super::made::Made;
use super::schema::{self, Col};
use crate::diag::{Diagnostic, FileId, Origin};
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
    /// Whether its rows are changes of others.
    pub is_change: bool,
    /// What is known of rows that were found to be unreadable already; a CSV file is gone through
    /// later.
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

/// What going through rows showed beside the rows.
#[derive(Debug, Default)]
pub struct Found {
    /// How many rows could be read.
    pub rows: u64,
    /// What is known of those that could not.
    pub lost: Lost,
    /// What is wrong with those.
    pub diagnostics: Vec<Diagnostic>,
}

/// A part of a table that can be gone through by itself.
#[derive(Clone, Debug)]
pub struct Part<'a, 't> {
    /// The table.
    pub table: &'a RawTable<'t>,
    /// Bytes of a CSV text, else rows.
    range: Range<usize>,
}

/// Where rows come from.
#[derive(Debug)]
pub enum Rows<'t> {
    /// A CSV file, parsed again whenever it is gone through: that is cheaper than keeping cells.
    Csv(csv::Body<'t>),
    /// Rows of JSON.
    Kept(Vec<KeptRow<'t>>),
    /// Rows of an importer.
    Made(Made),
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
    pub(super) cells: Cells<'r, 't>,
    /// Where it was imported from.
    pub provenance: Option<&'r Provenance>,
}

/// Where the cells of a row are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cells<'r, 't> {
    /// Those that are not empty, in the order of the file.
    Kept {
        cells: &'r [RawCell<'t>],
        /// Which of them that of a column is; for rows that somebody indexed.
        places: Option<&'r Places>,
    },
    /// Fields of a text. They become cells when they are asked for: to make them all costs more than to
    /// split the text.
    Fields(Line<'r, 't>),
}

/// For every column of a table its place in something, plus one; 0 where it has none.
pub(super) type Places = [u32; schema::MOST_COLUMNS];

/// A cell that is not empty, as one sees it who asks for it.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'r, 't> {
    /// Where it stands.
    pub origin: Origin,
    value: Seen<'r, 't>,
}

#[derive(Clone, Copy, Debug)]
enum Seen<'r, 't> {
    /// Trimmed text of a file, not empty.
    Plain(&'t str),
    Kept(&'r Value<'t>),
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
    /// Its parts in order: some dozen kilobytes of text or some thousand rows each, so that
    /// threads can share the work.
    #[must_use]
    pub fn parts(&self) -> Vec<Part<'_, 't>> {
        const ROWS: usize = 4096;
        let by_rows = |count: usize| {
            let starts = (0..count).step_by(ROWS);
            starts
                .map(|start| start..(start + ROWS).min(count))
                .collect()
        };
        let ranges = match &self.rows {
            Rows::Csv(body) => body.parts(),
            Rows::Kept(rows) => by_rows(rows.len()),
            Rows::Made(rows) => by_rows(rows.len()),
        };
        let part = |range| Part { table: self, range };
        ranges.into_iter().map(part).collect()
    }

    /// Goes through the rows in order.
    pub fn for_each(&self, mut row: impl FnMut(RawRow<'_, 't>)) -> Found {
        let mut found = Found::default();
        for part in self.parts() {
            found.add(part.for_each(&mut row));
        }
        found
    }

    /// How many bytes of text there are to go through.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match &self.rows {
            Rows::Csv(body) => body.bytes(),
            Rows::Kept(_) | Rows::Made(_) => 0,
        }
    }

    /// For how many rows to make room, without going through them.
    #[must_use]
    pub fn expected_rows(&self) -> usize {
        match &self.rows {
            Rows::Csv(body) => body.expected_rows(),
            Rows::Kept(rows) => rows.len(),
            Rows::Made(rows) => rows.len(),
        }
    }

    /// How many rows were read already.
    #[must_use]
    pub fn kept(&self) -> u64 {
        match &self.rows {
            Rows::Csv(_) => 0,
            Rows::Kept(rows) => rows.len() as u64,
            Rows::Made(rows) => rows.len() as u64,
        }
    }

    /// Whether its rows were imported.
    #[must_use]
    pub fn is_imported(&self) -> bool {
        if matches!(self.rows, Rows::Made(_)) {
            return true;
        }
        let mut is_imported = false;
        self.for_each(|row| is_imported |= row.provenance.is_some());
        is_imported
    }
}

impl<'t> Part<'_, 't> {
    /// How many bytes of text it has; nothing for rows that were read already.
    pub fn bytes(&self) -> u64 {
        match &self.table.rows {
            Rows::Csv(_) => self.range.len() as u64,
            Rows::Kept(_) | Rows::Made(_) => 0,
        }
    }

    /// Goes through the rows of the part in order.
    pub fn for_each(&self, mut row: impl FnMut(RawRow<'_, 't>)) -> Found {
        match &self.table.rows {
            Rows::Csv(body) => {
                let table = self.table.table;
                let may_be_imported = body.has_origin(table);
                body.for_each(table, &self.range, |origin, cells| {
                    let found = may_be_imported.then(|| imported(table, cells)).flatten();
                    row(RawRow {
                        origin,
                        cells,
                        provenance: found.as_ref(),
                    });
                })
            }
            Rows::Made(rows) => Found {
                rows: rows.for_each(self.range.clone(), &mut |one| row(one)),
                ..Found::default()
            },
            Rows::Kept(rows) => {
                let rows = &rows[self.range.clone()];
                rows.iter().for_each(|kept| row(kept.view()));
                Found {
                    rows: rows.len() as u64,
                    ..Found::default()
                }
            }
        }
    }
}

impl Found {
    /// Adds what another part showed.
    pub fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.lost.rest |= other.lost.rest;
        self.lost.texts.extend(other.lost.texts);
        self.diagnostics.extend(other.diagnostics);
    }
}

impl<'t> KeptRow<'t> {
    /// The row as others see it.
    #[must_use]
    pub fn view(&self) -> RawRow<'_, 't> {
        RawRow {
            origin: self.origin,
            cells: Cells::kept(&self.cells),
            provenance: self.provenance.as_deref(),
        }
    }

    /// Notes what the row's origin columns say: it was imported, maybe in an earlier run.
    pub(super) fn note_provenance(&mut self, table: Table) {
        self.provenance = imported(table, Cells::kept(&self.cells)).map(Box::new);
    }
}

/// What the origin columns of a row say.
fn imported(table: Table, cells: Cells<'_, '_>) -> Option<Provenance> {
    let first = schema::columns(table).len() as u8;
    let text = |at: u8| cells.find(first + at).map(Cell::text);
    Some(Provenance {
        file: (*text(0)?).into(),
        line: text(1).and_then(|line| line.parse().ok()),
        object: text(2).as_deref().unwrap_or_default().into(),
    })
}

impl<'r, 't> RawRow<'r, 't> {
    /// The cell of a column.
    #[must_use]
    #[inline(always)]
    pub fn cell(&self, column: Col) -> Option<Cell<'r, 't>> {
        self.cells.find(column.at)
    }

    /// Its cells that are not empty, in the order of the file.
    #[must_use]
    pub fn each(&self) -> Vec<RawCell<'t>> {
        match self.cells {
            Cells::Kept { cells, .. } => cells.to_vec(),
            Cells::Fields(line) => line.each(),
        }
    }

    /// The row, kept.
    #[must_use]
    pub fn kept(&self) -> KeptRow<'t> {
        KeptRow {
            origin: self.origin,
            cells: self.each(),
            provenance: self.provenance.cloned().map(Box::new),
        }
    }
}

impl<'r, 't> Cells<'r, 't> {
    /// Cells that nobody indexed.
    pub(super) fn kept(cells: &'r [RawCell<'t>]) -> Self {
        Self::Kept {
            cells,
            places: None,
        }
    }

    /// The cell of the column at this place in [`schema::all`].
    #[inline(always)]
    pub(super) fn find(self, column: u8) -> Option<Cell<'r, 't>> {
        match self {
            Self::Fields(line) => line.cell(column),
            Self::Kept { cells, places } => find_kept(cells, places, column).map(RawCell::seen),
        }
    }
}

fn find_kept<'r, 't>(
    cells: &'r [RawCell<'t>],
    places: Option<&Places>,
    column: u8,
) -> Option<&'r RawCell<'t>> {
    match places {
        Some(places) => {
            let place = places.get(usize::from(column)).copied()?;
            cells.get((place as usize).checked_sub(1)?)
        }
        None => cells.iter().find(|cell| cell.column == column),
    }
}

impl<'t> RawCell<'t> {
    #[inline(always)]
    fn seen(&self) -> Cell<'_, 't> {
        Cell {
            origin: self.origin,
            value: Seen::Kept(&self.value),
        }
    }

    /// See [`Cell::text`].
    #[must_use]
    pub fn text(&self) -> Cow<'t, str> {
        self.seen().text()
    }

    /// See [`Cell::items`].
    pub fn items(&self) -> impl Iterator<Item = Cow<'t, str>> {
        self.seen().items()
    }
}

impl<'r, 't> Cell<'r, 't> {
    /// A field of a text.
    #[inline(always)]
    pub(super) fn plain(text: &'t str, origin: Origin) -> Self {
        Self {
            origin,
            value: Seen::Plain(text),
        }
    }

    /// The content where it stands in a file as it is.
    #[must_use]
    #[inline(always)]
    pub fn written(self) -> Option<&'t str> {
        match self.value {
            Seen::Plain(text) => Some(text),
            Seen::Kept(Value::Text(Cow::Borrowed(text))) => Some(*text),
            Seen::Kept(_) => None,
        }
    }

    /// Whether it is a list of nothing, by which changes that stand in no file say that a cell is to be
    /// empty.
    #[must_use]
    #[inline(always)]
    pub fn is_emptied(self) -> bool {
        matches!(self.value, Seen::Kept(Value::List(items)) if items.is_empty())
    }

    /// The content as one text.
    #[must_use]
    #[inline(always)]
    pub fn text(self) -> Cow<'t, str> {
        match self.value {
            Seen::Plain(text) => Cow::Borrowed(text),
            Seen::Kept(Value::Text(text)) => text.clone(),
            Seen::Kept(Value::List(items)) => Cow::Owned(items.join(";")),
        }
    }

    /// The names of a multi-valued cell, trimmed, without empty ones.
    pub fn items(self) -> impl Iterator<Item = Cow<'t, str>> + use<'r, 't> {
        let (mut owned, mut list) = (None, None);
        match self.value {
            Seen::Plain(_) | Seen::Kept(Value::Text(Cow::Borrowed(_))) => {}
            Seen::Kept(Value::Text(Cow::Owned(text))) => owned = Some(text),
            Seen::Kept(Value::List(items)) => list = Some(items),
        }
        let borrowed = self.written().into_iter();
        let borrowed = borrowed.flat_map(|text| text.split(';'));
        let owned = owned.into_iter().flat_map(|text| text.split(';'));
        borrowed
            .map(|part| Cow::Borrowed(trim(part)))
            .chain(owned.map(|part| Cow::Owned(part.trim().to_owned())))
            .chain(list.into_iter().flatten().map(trimmed))
            .filter(|item| !item.is_empty())
    }
}

/// A text without the white space around it.
pub(super) fn trimmed<'t>(text: &Cow<'t, str>) -> Cow<'t, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(trim(text)),
        Cow::Owned(text) => Cow::Owned(trim(text).to_owned()),
    }
}

/// The same as `trim`, with a short way for the usual text: the whole table of Unicode white space
/// need not be asked when both ends are visible ASCII.
#[inline]
pub(super) fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [] => text,
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        [only] if only.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}
