//! The forms in which tools write lists of objects: a page with `value` or `data`, an array of pages,
//! a bare array, one object, JSON Lines; rows of CSV; entries of LDIF.

use std::borrow::Cow;
use std::rc::Rc;

use base64::Engine;
use serde_json::value::RawValue;

use super::super::csv;
use super::super::json::{Members, Text};
use super::record::Record;
use crate::diag::{Code, Diagnostic, Origin};

/// What a file holds, before anybody knows whose export it is.
pub(in crate::ingest) struct Shape<'a> {
    /// How it is written.
    pub form: Form,
    /// `@odata.context` of the first page, or nothing.
    pub context: String,
    /// The object around the records, if there is one.
    pub top: Option<Record<'a>>,
    /// The records in order.
    pub records: Vec<Record<'a>>,
    /// Whether the last page names a next one.
    pub has_next: bool,
    /// Values where a record should be.
    pub strangers: u64,
    /// Where the text breaks off or is not well-formed: what is before it is read.
    pub broken: Option<Box<Diagnostic>>,
}

impl Shape<'_> {
    pub fn new(form: Form) -> Self {
        Self {
            form,
            context: String::new(),
            top: None,
            records: Vec::new(),
            has_next: false,
            strangers: 0,
            broken: None,
        }
    }
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ingest) enum Form {
    Json,
    Csv,
    Ldif,
}

/// Records to look at before all are read.
const LOOKED_AT: usize = 20;

/// Reads a text. With `look`, only the first records: enough to see whose it is.
pub(in crate::ingest) fn read<'a>(
    form: Form,
    text: Text<'a>,
    look: bool,
) -> Result<Shape<'a>, Box<Diagnostic>> {
    match form {
        Form::Json => json(text, look),
        Form::Csv => rows(text, look),
        Form::Ldif => ldif(text, look),
    }
}

fn json<'a>(text: Text<'a>, look: bool) -> Result<Shape<'a>, Box<Diagnostic>> {
    let mut shape = Shape::new(Form::Json);
    let trimmed = text.text.trim();
    let items: Vec<&'a RawValue> = if trimmed.starts_with('[') {
        text.parse(text.text)?
    } else {
        match serde_json::from_str::<&'a RawValue>(trimmed) {
            Ok(whole) => vec![whole],
            Err(_) => {
                let mut lines = trimmed.lines().map(str::trim);
                let mut items = Vec::new();
                let is_lines = lines
                    .next()
                    .is_some_and(|line| serde_json::from_str::<&RawValue>(line).is_ok());
                if !is_lines {
                    return Err(text
                        .parse::<&RawValue>(trimmed)
                        .err()
                        .unwrap_or_else(|| Box::new(Diagnostic::new(Code::BadSyntax, "no JSON"))));
                }
                let lines = trimmed.lines().map(str::trim);
                for line in lines.filter(|line| !line.is_empty()) {
                    items.push(text.parse(line)?);
                    if look && items.len() >= LOOKED_AT {
                        break;
                    }
                }
                items
            }
        }
    };
    for (at, &item) in items.iter().enumerate() {
        if look && shape.records.len() >= LOOKED_AT {
            break;
        }
        let Some(record) = Record::object(text, item) else {
            shape.strangers += 1;
            continue;
        };
        let list = ["value", "data"]
            .into_iter()
            .find(|list| raw(item, list).is_some_and(|value| value.get().starts_with('[')));
        let Some(list) = list else {
            shape.has_next = !record.text("nextPageToken").is_empty();
            if items.len() == 1 {
                shape.top = Some(record.clone());
            }
            shape.records.push(record);
            continue;
        };
        let next = record.any(&["@odata.nextLink", "odata.nextLink", "continuationToken"]);
        shape.has_next = !next.is_empty();
        if at == 0 {
            shape.context = record.text("@odata.context");
        }
        let (records, strangers) = record.records_and_strangers(list);
        shape.records.extend(records);
        shape.strangers += strangers;
        shape.top.get_or_insert(record);
    }
    Ok(shape)
}

/// A member of an object by its exact name.
fn raw<'a>(value: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    let Members(members) = serde_json::from_str(value.get()).ok()?;
    let found = members
        .into_iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

fn rows<'a>(text: Text<'a>, look: bool) -> Result<Shape<'a>, Box<Diagnostic>> {
    let mut shape = Shape::new(Form::Csv);
    let mut header: Option<Rc<Vec<String>>> = None;
    let read = csv::for_each_record(
        text.file,
        text.text,
        |origin: Origin, cells: Vec<Cow<'a, str>>| {
            match &header {
                None => {
                    let names = cells.iter().map(|cell| cell.trim().to_owned());
                    header = Some(Rc::new(names.collect()));
                }
                Some(header) => {
                    let record = Record::row(text, origin, header, cells);
                    shape.records.push(record);
                }
            }
            !look || shape.records.len() < LOOKED_AT
        },
    );
    shape.broken = read.err();
    if let (Some(header), true) = (&header, shape.records.is_empty()) {
        // A header alone says what the file would hold.
        let origin = Origin {
            file: text.file,
            start: 0,
            len: 0,
        };
        shape.top = Some(Record::row(text, origin, header, Vec::new()));
    }
    Ok(shape)
}

/// `dn: ...`, `name: text`, `name:: base64`, `name:< file`; a line that begins with a space goes on
/// with the one before; an empty line ends the entry; `#` begins a remark.
fn ldif<'a>(text: Text<'a>, look: bool) -> Result<Shape<'a>, Box<Diagnostic>> {
    let mut shape = Shape::new(Form::Ldif);
    let records = &mut shape.records;
    let mut entry: Vec<(String, String)> = Vec::new();
    let mut started = 0;
    let mut at = 0;
    let mut logical: Option<(usize, String)> = None;
    let lines = text.text.split_inclusive('\n').chain(["\n", "\n"]);
    for line in lines {
        let start = at.min(text.text.len());
        at += line.len();
        let line = line.trim_end_matches(['\n', '\r']);
        if let (Some(more), Some((_, whole))) = (line.strip_prefix(' '), logical.as_mut()) {
            whole.push_str(more);
            continue;
        }
        if let Some((begun, whole)) = logical.take()
            && !whole.starts_with('#')
        {
            let Some((name, value)) = attribute(&whole) else {
                let origin = Origin {
                    file: text.file,
                    start: begun as u32,
                    len: whole.len().min(80) as u32,
                };
                let said = Diagnostic::new(Code::BadSyntax, "this is not well-formed LDIF")
                    .at(origin, "expected `name: value` or `name:: base64`")
                    .help("if the file was cut off, export it again");
                shape.broken.get_or_insert(Box::new(said));
                continue;
            };
            if entry.is_empty() {
                started = begun;
            }
            if !(name.eq_ignore_ascii_case("version") && entry.is_empty()) {
                entry.push((name, value));
            }
        }
        if line.trim().is_empty() {
            if !entry.is_empty() {
                let origin = Origin {
                    file: text.file,
                    start: started as u32,
                    len: (start - started) as u32,
                };
                records.push(Record::entry(text, origin, std::mem::take(&mut entry)));
                if look && records.len() >= LOOKED_AT {
                    break;
                }
            }
        } else {
            logical = Some((start, line.to_owned()));
        }
    }
    Ok(shape)
}

/// A line of LDIF. What is binary stays in base64.
fn attribute(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    let name = name.trim();
    if name.is_empty() || name.contains(char::is_whitespace) {
        return None;
    }
    if let Some(encoded) = value.strip_prefix(':') {
        let encoded = encoded.trim();
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(encoded)
            .ok()?;
        let text = match String::from_utf8(bytes) {
            Ok(text) if !text.contains(|c: char| c.is_control()) => text,
            _ => format!("base64:{encoded}"),
        };
        // An id of sixteen bytes may happen to be text.
        let is_binary = ["objectsid", "objectguid", "ms-ds-consistencyguid"]
            .iter()
            .any(|binary| name.eq_ignore_ascii_case(binary));
        let value = if is_binary {
            format!("base64:{encoded}")
        } else {
            text
        };
        return Some((name.to_owned(), value));
    }
    // What stands in another file is not fetched.
    if value.starts_with('<') {
        return Some((name.to_owned(), String::new()));
    }
    Some((name.to_owned(), value.trim().to_owned()))
}

/// A value that a tool wrote instead of what it holds: lists as the name of their type, nested
/// objects as `@{...}`.
pub(in crate::ingest) fn is_lossy(text: &str) -> bool {
    const MARKS: [&str; 7] = [
        "System.String[]",
        "System.Object[]",
        "System.Collections.",
        "Microsoft.Graph.PowerShell.Models.",
        "Microsoft.Exchange.Data.",
        "Deserialized.",
        "@{",
    ];
    MARKS.iter().any(|mark| text.starts_with(mark))
}

/// A number that a spreadsheet has eaten: `1.4255E+10`.
pub(in crate::ingest) fn is_eaten(text: &str) -> bool {
    let Some((digits, exponent)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let is_number = |text: &str, also: char| {
        text.bytes().filter(u8::is_ascii_digit).count() > 0
            && text
                .chars()
                .all(|c| c.is_ascii_digit() || c == also || c == ',')
    };
    exponent.starts_with('+') && is_number(&exponent[1..], '+') && is_number(digits, '.')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::diag::FileId;

    fn ids(text: &str) -> (Vec<String>, bool) {
        let shape = json(Text::new(FileId(0), text), false).unwrap();
        let ids = shape.records.iter().map(|record| record.text("id"));
        (ids.collect(), shape.has_next)
    }

    #[test]
    fn every_form_of_json_gives_the_same_records() {
        let expected = vec!["a".to_owned(), "b".to_owned()];
        for text in [
            r#"{"value":[{"id":"a"},{"id":"b"}]}"#,
            r#"[{"value":[{"id":"a"}],"@odata.nextLink":"x"},{"value":[{"id":"b"}]}]"#,
            r#"[{"id":"a"},{"id":"b"}]"#,
            "{\"id\":\"a\"}\n{\"id\":\"b\"}\n",
            "{\"value\":[{\"id\":\"a\"}],\"@odata.nextLink\":\"x\"}\n{\"value\":[{\"id\":\"b\"}]}",
        ] {
            assert_eq!(ids(text), (expected.clone(), false), "{text}");
        }
        assert!(ids(r#"{"value":[{"id":"a"}],"@odata.nextLink":"x"}"#).1);
        assert!(json(Text::new(FileId(0), "{\"value\":[{\"id\""), false).is_err());
    }

    #[test]
    fn ldif_folds_lines_and_decodes() {
        let text = "version: 1\n# note\n goes on\ndn: CN=Kim Lee,\n OU=Staff\nmail:: a8O8QHg=\nobjectSid:: AQUAAAAAAAU=\nmemberOf: a\nmemberOf: b\n\ndn: two\n";
        let shape = ldif(Text::new(FileId(0), text), false).unwrap();
        assert_eq!(shape.records.len(), 2);
        let kim = &shape.records[0];
        assert_eq!(kim.text("dn"), "CN=Kim Lee,OU=Staff");
        assert_eq!(kim.text("mail"), "k\u{fc}@x");
        assert_eq!(kim.text("objectSid"), "base64:AQUAAAAAAAU=");
        assert_eq!(kim.list("memberOf"), ["a", "b"]);
        let broken = ldif(Text::new(FileId(0), "dn: x\nno colon\n"), false).unwrap();
        assert!(broken.broken.is_some() && broken.records.len() == 1);
    }

    #[test]
    fn damage_is_recognised() {
        assert!(is_lossy("System.String[]") && !is_lossy("a System.String[]"));
        assert!(is_eaten("1.42555E+10") && !is_eaten("1E10") && !is_eaten("E+1"));
    }
}
