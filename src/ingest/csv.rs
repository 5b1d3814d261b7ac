//! CSV files: `,`, `;` or tab, a leading `sep=` or `#TYPE` line, quotes, any line end.

use super::raw::{RawCell, RawRow, Value};
use super::{header, schema};
use crate::diag::{Code, Diagnostic, FileId, Origin};
use crate::model::Table;

/// A table as read.
pub(super) struct Read {
    /// Its rows.
    pub rows: Vec<RawRow>,
    /// See [`header::Header::lacks`].
    pub lacks: u32,
    /// What is wrong with the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the rows of a table. Rows that cannot be read are left out and reported.
pub(super) fn read(table: Table, file: FileId, text: &str) -> Read {
    let mut diagnostics = Vec::new();
    let Some((start, declared)) = header_start(text) else {
        if schema::columns(table).iter().any(|column| column.required) && table == Table::Identities
        {
            let message = "the table `identities` is empty: it has no header".to_owned();
            diagnostics.push(
                Diagnostic::new(Code::MissingColumn, message)
                    .in_file(file)
                    .help("the first line names the columns; `linchpin templates` writes empty tables"),
            );
        }
        return Read {
            rows: Vec::new(),
            lacks: 0,
            diagnostics,
        };
    };
    let delimiter = delimiter(&text[start..], declared);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(&text.as_bytes()[start..]);
    let mut record = csv::StringRecord::new();
    let mut columns: Option<header::Header> = None;
    let mut rows = Vec::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            // The text is UTF-8 and the reader is flexible, so nothing is left to go wrong; if it
            // does, the rest of the file is lost and that is said.
            Err(error) => {
                let message = format!("the CSV reader gave up: {error}");
                diagnostics.push(Diagnostic::new(Code::BadSyntax, message).in_file(file));
                break;
            }
        }
        let begin = record.position().map_or(0, csv::Position::byte) as usize + start;
        let begin = begin
            + text[begin..]
                .bytes()
                .take_while(|byte| matches!(byte, b'\r' | b'\n'))
                .count();
        let fields = Fields::scan(text, begin, delimiter);
        if let Some(open) = fields.unclosed {
            let at = Origin {
                file,
                start: open as u32,
                len: 1,
            };
            diagnostics.push(
                Diagnostic::new(Code::BadSyntax, "a quoted field is never closed")
                    .at(at, "opened here; the file ends inside it")
                    .help("the file may have been cut off: export it again"),
            );
            break;
        }
        if record.len() == 1 && record[0].trim().is_empty() {
            continue;
        }
        let origin = |at: usize| {
            let (start, end) = fields.spans[at];
            Origin {
                file,
                start: start as u32,
                len: (end - start) as u32,
            }
        };
        let row_origin = Origin {
            file,
            start: begin as u32,
            len: fields.spans.last().map_or(0, |span| span.1 - begin) as u32,
        };
        let Some(header) = &columns else {
            let names = record
                .iter()
                .enumerate()
                .map(|(at, name)| (name, origin(at)));
            let (header, found) = header::Header::read(table, row_origin, names);
            diagnostics.extend(found);
            columns = Some(header);
            continue;
        };
        if record.len() != header.len() {
            diagnostics.push(field_count(&record, header.len(), row_origin, delimiter));
            continue;
        }
        let cells = record.iter().enumerate().filter_map(|(at, field)| {
            let field = field.trim();
            let column = header.column(at)?;
            (!field.is_empty()).then(|| RawCell {
                column,
                origin: origin(at),
                value: Value::Text(field.into()),
            })
        });
        rows.push(RawRow {
            origin: row_origin,
            cells: cells.collect(),
            provenance: None,
        });
    }
    Read {
        rows,
        lacks: columns.map_or(0, |header| header.lacks(table)),
        diagnostics,
    }
}

fn field_count(
    record: &csv::StringRecord,
    expected: usize,
    at: Origin,
    delimiter: u8,
) -> Diagnostic {
    let found = record.len();
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
    let mut at = 0;
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

/// Where the fields of one record stand in the text.
struct Fields {
    /// First byte and end of each field, quotes included.
    spans: Vec<(usize, usize)>,
    /// The opening quote of a field that never ends.
    unclosed: Option<usize>,
}

impl Fields {
    /// Follows the quoting rules of the csv crate: a quote counts only at the start of a field.
    fn scan(text: &str, begin: usize, delimiter: u8) -> Self {
        let bytes = text.as_bytes();
        let mut fields = Self {
            spans: Vec::new(),
            unclosed: None,
        };
        let mut at = begin;
        loop {
            let start = at;
            if bytes.get(at) == Some(&b'"') {
                at += 1;
                loop {
                    match (bytes.get(at), bytes.get(at + 1)) {
                        (Some(b'"'), Some(b'"')) => at += 2,
                        (Some(b'"'), _) => break at += 1,
                        (Some(_), _) => at += 1,
                        (None, _) => {
                            fields.unclosed = Some(start);
                            fields.spans.push((start, at));
                            return fields;
                        }
                    }
                }
            }
            while bytes
                .get(at)
                .is_some_and(|&byte| byte != delimiter && byte != b'\n' && byte != b'\r')
            {
                at += 1;
            }
            fields.spans.push((start, at));
            if bytes.get(at) != Some(&delimiter) {
                return fields;
            }
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        let Read {
            rows, diagnostics, ..
        } = read(Table::Holdings, FileId(0), text);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        rows.iter()
            .map(|row| row.cells.iter().map(RawCell::text).collect())
            .collect()
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
        let Read { rows, .. } = read(Table::Holdings, FileId(0), text);
        let spans: Vec<_> = rows
            .iter()
            .flat_map(|row| &row.cells)
            .map(|cell| {
                &text[cell.origin.start as usize..(cell.origin.start + cell.origin.len) as usize]
            })
            .collect();
        assert_eq!(spans, ["\"a\nb\"", "\"x \"\"y\"\"\"", "c", "d"]);
        assert_eq!(rows[0].cells[1].text(), "x \"y\"");
    }

    #[test]
    fn a_file_cut_in_half_is_an_error() {
        let Read {
            rows, diagnostics, ..
        } = read(Table::Holdings, FileId(0), "holder,asset\na,b\nc,\"d");
        assert_eq!(rows.len(), 1);
        assert_eq!(diagnostics[0].code, Code::BadSyntax);
        assert_eq!(diagnostics[0].origin.map(|origin| origin.start), Some(19));
    }

    #[test]
    fn a_wrong_number_of_fields_is_an_error_with_its_place() {
        let Read {
            rows, diagnostics, ..
        } = read(Table::Holdings, FileId(0), "holder,asset\na,b,c\nd\ne,f\n");
        assert_eq!(rows.len(), 1);
        assert_eq!(
            diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(),
            [Code::FieldCount; 2]
        );
    }
}
