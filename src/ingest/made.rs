//! Rows that an importer made: the texts of all cells in one piece, because an export of a gigabyte
//! makes millions of them. A row is unpacked when it is gone through.

use std::borrow::Cow;
use std::ops::Range;

use super::raw::{Cells, RawCell, RawRow, Value};
use crate::diag::Origin;
use crate::model::Provenance;

/// The rows of one table.
#[derive(Debug, Default)]
pub struct Made {
    texts: String,
    cells: Vec<Cell>,
    rows: Vec<Row>,
    files: Vec<Box<str>>,
}

/// A cell: its column, and where its text lies.
#[derive(Clone, Copy, Debug)]
struct Cell {
    start: u64,
    len: u32,
    column: u8,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    origin: Origin,
    file: u32,
    line: u32,
    object: u64,
    object_len: u32,
    /// Its cells end here; they begin where those of the row before end.
    cells: u32,
}

impl Made {
    /// Adds a row with the cells that are not empty.
    pub(super) fn push<'a>(
        &mut self,
        origin: Origin,
        (file, line, object): (&str, u32, &str),
        cells: impl Iterator<Item = (u8, &'a str)>,
    ) {
        for (column, text) in cells {
            let start = self.keep(text);
            self.cells.push(Cell {
                start,
                len: text.len() as u32,
                column,
            });
        }
        // Rows of one file follow each other.
        let at = self.files.iter().rposition(|known| **known == *file);
        let file = at.unwrap_or_else(|| {
            self.files.push(file.into());
            self.files.len() - 1
        });
        let row = Row {
            origin,
            file: file as u32,
            line,
            object: self.keep(object),
            object_len: object.len() as u32,
            cells: self.cells.len() as u32,
        };
        self.rows.push(row);
    }

    fn keep(&mut self, text: &str) -> u64 {
        let start = self.texts.len() as u64;
        self.texts.push_str(text);
        start
    }

    fn text(&self, start: u64, len: u32) -> &str {
        let start = start as usize;
        self.texts.get(start..start + len as usize).unwrap_or("")
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The file of the first one.
    pub(super) fn first(&self) -> Option<Origin> {
        self.rows.first().map(|row| row.origin)
    }

    /// Goes through some of them in order.
    pub(super) fn for_each(
        &self,
        range: Range<usize>,
        row: &mut dyn FnMut(RawRow<'_, 'static>),
    ) -> u64 {
        let mut cells: Vec<RawCell<'static>> = Vec::new();
        let mut count = 0;
        for at in range {
            let Some(made) = self.rows.get(at) else {
                break;
            };
            let before = at.checked_sub(1).and_then(|at| self.rows.get(at));
            let begin = before.map_or(0, |before| before.cells as usize);
            let own = self.cells.get(begin..made.cells as usize);
            cells.clear();
            cells.extend(own.unwrap_or_default().iter().map(|cell| RawCell {
                column: cell.column,
                origin: made.origin,
                value: Value::Text(Cow::Owned(self.text(cell.start, cell.len).to_owned())),
            }));
            let file = self.files.get(made.file as usize);
            let provenance = Provenance {
                file: file.cloned().unwrap_or_default(),
                line: Some(made.line),
                object: self.text(made.object, made.object_len).into(),
            };
            row(RawRow {
                origin: made.origin,
                cells: Cells::kept(&cells),
                provenance: Some(&provenance),
            });
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::FileId;

    #[test]
    fn rows_come_back_as_they_were_made() {
        let mut made = Made::default();
        let origin = |start| Origin {
            file: FileId(0),
            start,
            len: 1,
        };
        made.push(
            origin(1),
            ("a", 1, "x"),
            [(0, "id"), (2, "\u{fc}")].into_iter(),
        );
        made.push(origin(2), ("b", 7, ""), std::iter::empty());
        made.push(origin(3), ("a", 9, "y"), [(1, "z")].into_iter());
        let mut seen = Vec::new();
        let count = made.for_each(0..5, &mut |row| {
            let cells = row.each().into_iter();
            let cells = cells.map(|cell| (cell.column, cell.text().into_owned()));
            let from = row
                .provenance
                .map(|from| (from.file.to_string(), from.line));
            seen.push((row.origin.start, cells.collect::<Vec<_>>(), from));
        });
        assert_eq!((count, made.len()), (3, 3));
        let from = |file: &str, line| Some((file.to_owned(), Some(line)));
        assert_eq!(
            seen,
            [
                (
                    1,
                    vec![(0, "id".to_owned()), (2, "\u{fc}".to_owned())],
                    from("a", 1)
                ),
                (2, Vec::new(), from("b", 7)),
                (3, vec![(1, "z".to_owned())], from("a", 9)),
            ]
        );
    }
}
