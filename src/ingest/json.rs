//! JSON tables: an array of objects, JSON Lines, or one object of tables. Every value keeps its
//! place: `RawValue` borrows from the text, so an offset is a difference of two addresses.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::raw::{KeptRow, Lost, RawCell, Value, trimmed};
use super::{header, schema};
use crate::diag::{Code, Diagnostic, FileId, Origin};
use crate::model::{Table, Word};

/// The members of an object in their order; a repeated key is kept.
pub(super) struct Members<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Ordered;
        impl<'de> Visitor<'de> for Ordered {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    members.push((key.0, value));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Ordered).map(Members)
    }
}

/// A key that borrows when it holds no escape.
#[derive(Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// A JSON text and the file it is in.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub file: FileId,
    pub text: &'a str,
    /// The line it begins in, when it is a part of a file that is not kept.
    line: Option<u32>,
}

impl<'a> Text<'a> {
    pub(super) fn new(file: FileId, text: &'a str) -> Self {
        Self {
            file,
            text,
            line: None,
        }
    }

    /// A part of a file that is not kept: all that is known of its place is the line.
    pub(super) fn part(file: FileId, text: &'a str, line: u32) -> Self {
        Self {
            file,
            text,
            line: Some(line),
        }
    }

    /// Where a value that was borrowed from this text stands.
    pub(super) fn origin(&self, value: &RawValue) -> Origin {
        self.origin_of(value.get())
    }

    fn origin_of(&self, part: &str) -> Origin {
        if let Some(line) = self.line {
            // An object of usual size is looked through for the line; in a very large one counting for
            // each of its parts would be quadratic, so its own line stands for all of them.
            const LOOKED_THROUGH: usize = 1 << 16;
            let offset = (part.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
            let before = self.text.as_bytes().get(..offset);
            let before = before.filter(|before| before.len() < LOOKED_THROUGH);
            let ends = before.map_or(0, |before| memchr::memchr_iter(b'\n', before).count());
            return Origin {
                file: self.file,
                start: line.saturating_add(ends as u32),
                len: 0,
            };
        }
        let start = (part.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        Origin {
            file: self.file,
            start: start.min(self.text.len()) as u32,
            len: part.len() as u32,
        }
    }

    /// Parses a part of this text.
    pub(super) fn parse<T: Deserialize<'a>>(&self, part: &'a str) -> Result<T, Box<Diagnostic>> {
        serde_json::from_str(part).map_err(|error| {
            let base = self.origin_of(part).start as usize;
            let line_start = part
                .split_inclusive('\n')
                .take(error.line().saturating_sub(1))
                .map(str::len)
                .sum::<usize>();
            let start = (base + line_start + error.column().saturating_sub(1)).min(self.text.len());
            let start = (0..=start)
                .rev()
                .find(|&at| self.text.is_char_boundary(at))
                .unwrap_or(0);
            let said = error.to_string();
            let said = said
                .split(" at line ")
                .next()
                .unwrap_or_default()
                .to_owned();
            Box::new(
                Diagnostic::new(
                    Code::BadSyntax,
                    format!("this is not well-formed JSON: {said}"),
                )
                .at(
                    Origin {
                        file: self.file,
                        start: start as u32,
                        len: 1,
                    },
                    "the JSON breaks here",
                )
                .help("if the file was cut off, export it again"),
            )
        })
    }
}

/// Whether a JSON text is one object (and not JSON Lines), with its members.
pub(super) fn top_object<'a>(text: Text<'a>) -> Option<Members<'a>> {
    serde_json::from_str(text.text).ok()
}

/// The rows of a table.
#[derive(Default)]
pub(super) struct Read<'t> {
    /// Those that can be read.
    pub rows: Vec<KeptRow<'t>>,
    /// What is known of the others.
    pub lost: Lost,
    /// What is wrong with them.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the rows of a table from an array or from JSON Lines.
pub(super) fn read(table: Table, text: Text<'_>) -> Read<'_> {
    let trimmed = text.text.trim_start();
    if trimmed.is_empty() {
        let mut read = Read::default();
        if table == Table::Identities {
            let message = "the table `identities` is empty: it has no rows";
            read.diagnostics.push(
                Diagnostic::new(Code::MissingColumn, message)
                    .in_file(text.file)
                    .help("expected an array of objects; `[]` if there are none"),
            );
        }
        return read;
    }
    if trimmed.starts_with('[') {
        return match text.parse::<Vec<&RawValue>>(text.text) {
            Ok(items) => read_items(table, text, items),
            Err(error) => {
                let mut read = Read::default();
                read.lost.rest = true;
                read.diagnostics.push(*error);
                read
            }
        };
    }
    let mut items = Vec::new();
    let mut diagnostics = Vec::new();
    for line in text
        .text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        match text.parse::<&RawValue>(line) {
            Ok(item) => items.push(item),
            Err(error) => {
                diagnostics.push(*error);
                // One object over many lines would otherwise be an error on each of them.
                if items.is_empty() && trimmed.starts_with('{') {
                    break;
                }
            }
        }
    }
    let mut read = read_items(table, text, items);
    read.lost.rest |= !diagnostics.is_empty();
    diagnostics.append(&mut read.diagnostics);
    read.diagnostics = diagnostics;
    read
}

/// Reads the rows of a table from the items of an array.
pub(super) fn read_items<'t>(table: Table, text: Text<'t>, items: Vec<&'t RawValue>) -> Read<'t> {
    let mut diagnostics = Vec::new();
    let mut lost = Lost::default();
    let mut warned: Vec<String> = Vec::new();
    let mut rows = Vec::with_capacity(items.len());
    for item in items {
        let origin = text.origin(item);
        let Ok(Members(members)) = serde_json::from_str::<Members<'t>>(item.get()) else {
            diagnostics.push(
                Diagnostic::new(
                    Code::BadSyntax,
                    format!("{} where a row is expected", kind_of(item)),
                )
                .at(origin, "expected an object with the columns of the table"),
            );
            continue;
        };
        let mut cells: Vec<RawCell<'t>> = Vec::with_capacity(members.len());
        let mut bad = false;
        for (key, value) in &members {
            let origin = text.origin(value);
            let Some(column) = schema::find(table, key.trim()) else {
                if !warned.iter().any(|known| known == key) {
                    let names = schema::columns(table).iter().map(|column| column.name);
                    diagnostics.push(header::unknown_column(table, key, origin, names));
                    warned.push(key.clone().into_owned());
                }
                continue;
            };
            if cells.iter().any(|cell| cell.column == column) {
                let message = format!("column `{}` stands twice in one object", key.trim());
                diagnostics.push(
                    Diagnostic::new(Code::DuplicateColumn, message).at(origin, "the second one"),
                );
                bad = true;
                continue;
            }
            let multi = schema::all(table)
                .nth(usize::from(column))
                .is_some_and(|column| column.multi);
            match cell_value(value, multi) {
                Ok(Some(value)) => cells.push(RawCell {
                    column,
                    origin,
                    value,
                }),
                Ok(None) => {}
                Err(expected) => {
                    let message = format!("{} in column `{}`", kind_of(value), key.trim());
                    diagnostics.push(Diagnostic::new(Code::BadValue, message).at(origin, expected));
                    bad = true;
                }
            }
        }
        if bad {
            let texts = members.iter().filter_map(|(_, value)| scalar(value));
            lost.texts.extend(texts.map(|text| Box::from(&*text)));
        } else {
            let mut row = KeptRow {
                origin,
                cells,
                provenance: None,
            };
            row.note_provenance(table);
            rows.push(row);
        }
    }
    Read {
        rows,
        lost,
        diagnostics,
    }
}

fn cell_value(value: &RawValue, multi: bool) -> Result<Option<Value<'_>>, &'static str> {
    if value.get().starts_with('[') {
        if !multi {
            return Err("expected one value, not an array");
        }
        let items: Vec<&RawValue> =
            serde_json::from_str(value.get()).map_err(|_| "expected an array of names")?;
        let items: Option<Vec<Cow<'_, str>>> = items.into_iter().map(scalar).collect();
        let items = items.ok_or("expected an array of names")?;
        let items: Vec<_> = items
            .into_iter()
            .filter(|item| !item.trim().is_empty())
            .collect();
        return Ok((!items.is_empty()).then_some(Value::List(items)));
    }
    let text = scalar(value).ok_or("expected text, a number, true, false or null")?;
    let text = trimmed(&text);
    Ok((!text.is_empty()).then_some(Value::Text(text)))
}

/// Text, a number, a boolean or null as text; nothing for an array or object.
pub(super) fn scalar(value: &RawValue) -> Option<Cow<'_, str>> {
    let raw = value.get();
    match raw.as_bytes().first()? {
        b'"' => serde_json::from_str::<Key<'_>>(raw).ok().map(|text| text.0),
        b'n' => Some(Cow::Borrowed("")),
        b'[' | b'{' => None,
        _ => Some(Cow::Borrowed(raw)),
    }
}

fn kind_of(value: &RawValue) -> &'static str {
    match value.get().as_bytes().first() {
        Some(b'"') => "text",
        Some(b'[') => "an array",
        Some(b'{') => "an object",
        Some(b'n') => "null",
        Some(b't' | b'f') => "a boolean",
        _ => "a number",
    }
}

/// Reads one object whose keys are table names; a key that is none is reported.
pub(super) fn read_tables<'a>(
    text: Text<'a>,
    members: Members<'a>,
) -> (Vec<(Table, Read<'a>)>, Vec<Diagnostic>) {
    let mut tables = Vec::new();
    let mut diagnostics = Vec::new();
    for (key, value) in members.0 {
        let Some(table) = Table::parse(key.trim()) else {
            if !key.starts_with('$') {
                let message = format!("`{key}` is no table; it is left out");
                let words = Table::WORDS.iter().map(|(word, _)| *word);
                let mut diagnostic = Diagnostic::new(Code::UnknownColumn, message)
                    .at(text.origin(value), "not a table name");
                if let Some(close) = crate::diag::closest(&key, words) {
                    diagnostic = diagnostic.help(format!("did you mean `{close}`?"));
                }
                diagnostics.push(diagnostic);
            }
            continue;
        };
        match serde_json::from_str::<Vec<&RawValue>>(value.get()) {
            Ok(items) => {
                tables.push((table, read_items(table, text, items)));
            }
            Err(_) => diagnostics.push(
                Diagnostic::new(
                    Code::BadSyntax,
                    format!("{} where the rows of `{key}` are expected", kind_of(value)),
                )
                .at(text.origin(value), "expected an array of objects"),
            ),
        }
    }
    (tables, diagnostics)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Text<'_> {
        Text::new(FileId(0), text)
    }

    #[test]
    fn arrays_and_lines_give_the_same_rows_with_their_places() {
        let array = "[\n {\"holder\": \"a\\u0301\", \"asset\": \"v\"},\n {\"asset\": 7, \"holder\": null}\n]";
        let Read {
            rows, diagnostics, ..
        } = read(Table::Holdings, text(array));
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        assert_eq!(rows[0].cells[0].text(), "a\u{301}");
        assert_eq!(&array[rows[1].cells[0].origin.start as usize..][..1], "7");
        assert_eq!(rows[1].cells.len(), 1, "null is an empty cell");
        let lines = "{\"holder\": \"a\\u0301\", \"asset\": \"v\"}\n\n {\"asset\": 7}\n";
        let Read { rows: lines, .. } = read(Table::Holdings, text(lines));
        assert_eq!(lines[0].cells[0].text(), rows[0].cells[0].text());
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn errors_point_into_the_line() {
        let broken = "{\"holder\": \"a\", \"asset\": \"v\"}\n{\"holder\": }\n";
        let Read {
            rows, diagnostics, ..
        } = read(Table::Holdings, text(broken));
        assert_eq!(rows.len(), 1);
        let at = diagnostics[0].origin.map(|origin| origin.start as usize);
        assert_eq!(at.map(|at| &broken[at..at + 1]), Some("}"));
    }

    #[test]
    fn what_is_no_cell_is_an_error() {
        let Read {
            rows, diagnostics, ..
        } = read(
            Table::Holdings,
            text(
                "[{\"holder\": [\"a\"], \"asset\": {\"x\": 1}}, 3, {\"holder\":\"a\",\"HOLDER\":\"b\"}]",
            ),
        );
        assert!(rows.is_empty());
        let codes: Vec<_> = diagnostics
            .iter()
            .map(|diagnostic| diagnostic.code)
            .collect();
        assert_eq!(
            codes,
            [
                Code::BadValue,
                Code::BadValue,
                Code::BadSyntax,
                Code::DuplicateColumn
            ]
        );
    }

    #[test]
    fn a_list_may_hold_a_semicolon() {
        let Read { rows, .. } = read(
            Table::Identities,
            text("[{\"id\":\"a\",\"aliases\":[\"x;y\",\" z \",\"\"]}]"),
        );
        assert_eq!(rows[0].cells[1].items().collect::<Vec<_>>(), ["x;y", "z"]);
    }
}
