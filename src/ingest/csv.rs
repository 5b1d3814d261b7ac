//! CSV files: `,`, `;` or tab, a leading `sep=` or `#TYPE` line, quotes, any line end.

mod parts;
mod records;

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

use super::raw::{Cells, Found, Places, RawCell, Value};
use super::{header, schema};
use crate::diag::{Code, Diagnostic, FileId, Origin};
use crate::model::Table;
pub(super) use records::Line;
use records::Records;

/// A table as found.
pub(super) struct Read<'t> {
    /// Its rows; nothing when there is not even a header.
    pub body: Option<Body<'t>>,
    /// See [`header::Header::lacks`].
    pub lacks: u32,
    /// What is wrong with the header.
    pub diagnostics: Vec<Diagnostic>,
}

/// The rows of a CSV file below its header. They are parsed whenever they are gone through.
#[derive(Debug)]
pub struct Body<'t> {
    file: FileId,
    text: &'t str,
    header: header::Header,
    /// The fields of the columns.
    places: Places,
    start: usize,
    delimiter: u8,
}

/// Bytes from which on a text is looked through on several threads.
const LONG: usize = 1 << 20;
/// Bytes of a part of a file.
const PART: usize = 1 << 16;

/// Reads the header of a table.
pub(super) fn read(table: Table, file: FileId, text: &str) -> Read<'_> {
    let mut diagnostics = Vec::new();
    let Some((start, declared)) = header_start(text) else {
        if table == Table::Identities {
            let message = "the table `identities` is empty: it has no header".to_owned();
            diagnostics.push(
                Diagnostic::new(Code::MissingColumn, message)
                    .in_file(file)
                    .help("the first line names the columns; `linchpin templates` writes empty tables"),
            );
        }
        return Read {
            body: None,
            lacks: 0,
            diagnostics,
        };
    };
    let delimiter = delimiter(&text[start..], declared);
    let mut records = Records::new(file, text, start..first_end(text, start), delimiter);
    let header = match records.next() {
        Some(Ok(first)) => {
            let names: Vec<_> = (0..first.len())
                .map(|at| (first.value(at), first.origin_of(at)))
                .collect();
            let names = names.iter().map(|(name, origin)| (&**name, *origin));
            let (header, found) = header::Header::read(table, first.origin, names);
            diagnostics.extend(found);
            header
        }
        Some(Err(problem)) => {
            diagnostics.push(problem);
            header::Header::default()
        }
        None => header::Header::default(),
    };
    let start = records.position();
    let lacks = header.lacks(table);
    let body = Body {
        file,
        text,
        places: header.places(),
        header,
        start,
        delimiter,
    };
    Read {
        body: Some(body),
        lacks,
        diagnostics,
    }
}

/// Whether the header names every column that a table needs.
pub(super) fn has_required(table: Table, text: &str) -> bool {
    let mut names: Vec<String> = Vec::new();
    let read = for_each_record(FileId(0), text, |_, cells| {
        names.extend(cells.iter().map(|cell| cell.trim().to_owned()));
        false
    });
    let mut required = schema::columns(table)
        .iter()
        .filter(|column| column.required);
    read.is_err()
        || required.all(|column| {
            names
                .iter()
                .any(|name| name.eq_ignore_ascii_case(column.name))
        })
}

/// Goes through the records of any CSV text, the header first, until `record` says that it has seen
/// enough.
///
/// # Errors
/// Where the text breaks off inside a quoted field.
pub(super) fn for_each_record<'t>(
    file: FileId,
    text: &'t str,
    mut record: impl FnMut(Origin, Vec<Cow<'t, str>>) -> bool,
) -> Result<(), Box<Diagnostic>> {
    let Some((start, declared)) = header_start(text) else {
        return Ok(());
    };
    let delimiter = delimiter(&text[start..], declared);
    let end = first_end(text, start);
    for part in [start..end, end..text.len()] {
        let mut records = Records::new(file, text, part, delimiter);
        while let Some(next) = records.next() {
            let next = next.map_err(Box::new)?;
            let cells = (0..next.len()).map(|at| next.value(at)).collect();
            if !record(next.origin, cells) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Where the first record ends, or the text: a first line without quotes is a record, and whoever wants
/// only that need not look for quotes in all of a long text.
fn first_end(text: &str, start: usize) -> usize {
    let rest = &text.as_bytes()[start..];
    let line = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
    match memchr::memchr(b'"', &rest[..line]) {
        None => start + line,
        Some(_) => text.len(),
    }
}

impl<'t> Body<'t> {
    /// Parts of the text that begin and end between records.
    pub(super) fn parts(&self) -> Vec<Range<usize>> {
        parts::split(self.text, self.start, self.delimiter, PART)
    }

    /// Whether the file has columns behind those of the table itself, as imported tables and change sets do.
    pub(super) fn has_origin(&self, table: Table) -> bool {
        let own = schema::columns(table).len() as u8;
        let mut columns = (0..self.header.len()).filter_map(|at| self.header.column(at));
        columns.any(|column| column >= own)
    }

    /// How many bytes of text there are below the header.
    pub(super) fn bytes(&self) -> u64 {
        (self.text.len() - self.start) as u64
    }

    /// For how many rows to make room, without going through them: as many as lines, unless these are so
    /// short that most can only be blank.
    pub(super) fn expected_rows(&self) -> usize {
        /// Bytes of a row. Rows that are shorter cost a list that grows, blank lines by the gigabyte room
        /// that the machine does not have.
        const SHORT: usize = 16;
        let bytes = &self.text.as_bytes()[self.start..];
        let count = |wanted| {
            let parts = bytes.par_chunks(LONG);
            let counts = parts.map(|part| memchr::memchr_iter(wanted, part).count());
            counts.sum::<usize>()
        };
        // Without a line feed lines may end with a lone carriage return.
        let ends = match count(b'\n') {
            0 => count(b'\r'),
            ends => ends,
        };
        ends.min(bytes.len() / SHORT) + 1
    }

    /// Goes through the rows of a part; those that cannot be read are told of.
    pub(super) fn for_each(
        &self,
        table: Table,
        part: &Range<usize>,
        mut row: impl FnMut(Origin, Cells<'_, 't>),
    ) -> Found {
        let mut found = Found::default();
        let mut places: Places = Default::default();
        let mut cells: Vec<RawCell<'t>> = Vec::with_capacity(self.header.len());
        let mut records = Records::new(self.file, self.text, part.clone(), self.delimiter);
        while let Some(next) = records.advance() {
            if let Err(problem) = next {
                found.diagnostics.push(*problem);
                found.lost.rest = true;
                continue;
            }
            let record = records.record();
            if record.len() != self.header.len() {
                found.diagnostics.push(field_count(
                    record.len(),
                    self.header.len(),
                    record.origin,
                    self.delimiter,
                ));
                // Only a gate loses its meaning with a row.
                if table == Table::Recoveries {
                    let fields = (0..record.len()).map(|at| (&*record.value(at)).into());
                    found.lost.texts.extend(fields);
                }
                continue;
            }
            found.rows += 1;
            if !records.is_quoted() {
                let line = Line {
                    records: &records,
                    places: &self.places,
                };
                row(record.origin, Cells::Fields(line));
                continue;
            }
            cells.clear();
            places.fill(0);
            for at in 0..record.len() {
                let Some(column) = self.header.column(at) else {
                    continue;
                };
                let value = record.value(at);
                if value.is_empty() {
                    continue;
                }
                cells.push(RawCell {
                    column,
                    origin: record.origin_of(at),
                    value: Value::Text(value),
                });
                if let Some(place) = places.get_mut(usize::from(column)) {
                    *place = cells.len() as u32;
                }
            }
            let kept = Cells::Kept {
                cells: &cells,
                places: Some(&places),
            };
            row(record.origin, kept);
        }
        found
    }
}

fn field_count(found: usize, expected: usize, at: Origin, delimiter: u8) -> Diagnostic {
    let message = format!("{found} fields where the header has {expected}");
    let help = if found > expected {
        format!(
            "a field that holds a `{}` must be in quotes",
            shown_delimiter(delimiter)
        )
    } else {
        "the line may have been cut off, or a line break inside a field is not quoted".to_owned()
    };
    Diagnostic::new(Code::FieldCount, message)
        .at(at, format!("expected {expected} fields"))
        .help(help)
}

fn shown_delimiter(delimiter: u8) -> String {
    if delimiter == b'\t' {
        "tab".into()
    } else {
        char::from(delimiter).to_string()
    }
}

/// Where the header starts, after blank lines, a `sep=` line and `#TYPE` lines; and the delimiter
/// that the `sep=` line names. Nothing when no line is left.
fn header_start(text: &str) -> Option<(usize, Option<u8>)> {
    // One mark was taken off with the encoding; some tools write two.
    let mut at = text.len() - text.trim_start_matches('\u{feff}').len();
    let mut declared = None;
    while at < text.len() {
        let line_end = text[at..]
            .find(['\n', '\r'])
            .map_or(text.len(), |end| at + end);
        let line = text[at..line_end].trim();
        let bare = line.trim_matches('"');
        let separator = bare
            .get(..4)
            .filter(|prefix| prefix.eq_ignore_ascii_case("sep="))
            .map(|_| &bare[4..]);
        if let Some(separator) = separator {
            declared = match text[at..line_end]
                .trim_end_matches(['\r', '"'])
                .as_bytes()
                .last()
            {
                Some(b'\t') => Some(b'\t'),
                _ => separator.bytes().next(),
            };
        } else if !line.is_empty() && !line.trim_start_matches('"').starts_with("#TYPE") {
            return Some((at, declared));
        }
        at = line_end + 1;
    }
    None
}

/// The most frequent of `,`, `;` and tab in the header, outside quotes; the declared one wins if it
/// stands there at all.
fn delimiter(text: &str, declared: Option<u8>) -> u8 {
    let header = &text[..text.find(['\n', '\r']).unwrap_or(text.len())];
    let count = |wanted: u8| {
        let mut quoted = false;
        header
            .bytes()
            .filter(|&byte| {
                quoted ^= byte == b'"';
                byte == wanted && !quoted
            })
            .count()
    };
    if let Some(declared) = declared.filter(|&declared| declared.is_ascii() && count(declared) > 0)
    {
        return declared;
    }
    // The first of the most frequent: `max_by_key` would take the last.
    let mut best = b',';
    for candidate in [b';', b'\t'] {
        if count(candidate) > count(best) {
            best = candidate;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::super::raw::RawRow;
    use super::*;

    /// Texts and places of the cells.
    fn cells(text: &str) -> (Vec<Vec<(String, Origin)>>, Vec<Diagnostic>) {
        let read = read(Table::Holdings, FileId(0), text);
        let mut diagnostics = read.diagnostics;
        let mut rows = Vec::new();
        let parts = read.body.iter().flat_map(|body| {
            let parts = body.parts().into_iter();
            parts.map(move |part| (body, part))
        });
        for (body, part) in parts {
            let found = body.for_each(Table::Holdings, &part, |origin, cells| {
                let row = RawRow {
                    origin,
                    cells,
                    provenance: None,
                };
                let cells = row.each().into_iter();
                let cells = cells.map(|cell| (cell.text().into_owned(), cell.origin));
                rows.push(cells.collect());
            });
            diagnostics.extend(found.diagnostics);
        }
        (rows, diagnostics)
    }

    #[test]
    fn room_is_made_for_the_rows_that_lines_can_hold() {
        let expected = |rows: &str| {
            let text = format!("asset,holder\n{rows}");
            let read = read(Table::Holdings, FileId(0), &text);
            read.body.map(|body| body.expected_rows())
        };
        let row = "vault:team-0001,identity:alex@corp.example";
        assert_eq!(expected(""), Some(1));
        // The end of the header's line may be counted too.
        assert_eq!(expected(&format!("{row}\n{row}\n{row}")), Some(4));
        assert_eq!(expected(&"\n".repeat(16_000)), Some(1001));
    }

    fn rows(text: &str) -> Vec<Vec<String>> {
        let (rows, diagnostics) = cells(text);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        rows.into_iter()
            .map(|row| row.into_iter().map(|(text, _)| text).collect())
            .collect()
    }

    #[test]
    fn marks_before_the_header_are_no_part_of_it() {
        assert_eq!(header_start("\u{feff}\u{feff}id\n"), Some((6, None)));
        assert_eq!(
            header_start("\u{feff}sep=;\nid;name\n"),
            Some((9, Some(b';')))
        );
    }

    #[test]
    fn of_a_column_that_stands_often_the_first_cell_counts() {
        // Behind more columns without a name than a short number counts.
        let before = ",".repeat(70_000);
        let (names, cells) = ("asset,".repeat(300), "a,".repeat(300));
        for quote in ["", "\""] {
            let text = format!("{before}{names}holder\n{before}{cells}{quote}b{quote}\n");
            assert_eq!(
                asset_and_holder(&text),
                Some(vec![["a", "b"].map(str::to_owned)])
            );
        }
    }

    fn asset_and_holder(text: &str) -> Option<Vec<[String; 2]>> {
        let at = |name: &str| schema::find(Table::Holdings, name).unwrap_or(u8::MAX);
        let columns = ["asset", "holder"].map(at);
        read(Table::Holdings, FileId(0), text).body.map(|body| {
            let mut seen = Vec::new();
            for part in body.parts() {
                body.for_each(Table::Holdings, &part, |_, cells| {
                    let text = |column: u8| cells.find(column).map(|cell| cell.text().into_owned());
                    seen.push(columns.map(|column| text(column).unwrap_or_default()));
                });
            }
            seen
        })
    }

    #[test]
    fn delimiters_line_ends_and_leading_lines() {
        let expected = [["a", "vault:v"], ["b;c", "d"]]
            .map(|row| row.map(str::to_owned).to_vec())
            .to_vec();
        assert_eq!(rows("holder,asset\na,vault:v\n\n  \nb;c,d\n"), expected);
        assert_eq!(
            rows("sep=;\r\nHolder; ASSET \r\na;vault:v\r\n\"b;c\";d"),
            expected
        );
        assert_eq!(
            rows("#TYPE System.Object\n\"holder\"\t\"asset\"\na\tvault:v\nb;c\td\n"),
            expected
        );
        assert_eq!(rows("holder,asset\ra,vault:v\r\"b;c\",d\r"), expected);
    }

    #[test]
    fn places_are_those_of_the_fields() {
        let text = "holder,asset\r\n\r\n\"a\nb\",\"x \"\"y\"\"\"\r\nc,d\r\n";
        let (rows, _) = cells(text);
        let spans: Vec<_> = rows
            .iter()
            .flatten()
            .map(|(_, at)| &text[at.start as usize..(at.start + at.len) as usize])
            .collect();
        assert_eq!(spans, ["\"a\nb\"", "\"x \"\"y\"\"\"", "c", "d"]);
        assert_eq!(rows[0][1].0, "x \"y\"");
    }

    #[test]
    fn quotes_that_are_none_of_the_fields_own() {
        assert_eq!(rows("holder,asset\na\"b,\"x\"y\"\n"), [["a\"b", "xy\""]]);
    }

    #[test]
    fn a_file_cut_in_half_is_an_error() {
        let (rows, diagnostics) = cells("holder,asset\na,b\nc,\"d");
        assert_eq!(rows.len(), 1);
        assert_eq!(diagnostics[0].code, Code::BadSyntax);
        assert_eq!(diagnostics[0].origin.map(|origin| origin.start), Some(19));
    }

    #[test]
    fn a_wrong_number_of_fields_is_an_error_with_its_place() {
        let (rows, diagnostics) = cells("holder,asset\na,b,c\nd\ne,f\n");
        assert_eq!(rows.len(), 1);
        assert_eq!(
            diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(),
            [Code::FieldCount; 2]
        );
    }
}
