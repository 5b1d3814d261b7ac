//! The records of a CSV text and where their fields stand in it.

use std::borrow::Cow;
use std::ops::Range;

use crate::diag::{Code, Diagnostic, FileId, Origin};

/// Goes through the records of a text: the csv crate splits them, and where a record has no quotes
/// the places of its fields follow from their lengths.
pub(super) struct Records<'t> {
    file: FileId,
    text: &'t str,
    begin: usize,
    delimiter: u8,
    reader: csv::Reader<&'t [u8]>,
    record: csv::ByteRecord,
    fields: Fields,
    is_over: bool,
}

/// One record.
pub(super) struct Record<'t, 'r> {
    file: FileId,
    text: &'t str,
    record: &'r csv::ByteRecord,
    fields: &'r Fields,
    pub(super) origin: Origin,
}

impl<'t> Records<'t> {
    /// The records of a part of a text that begins and ends between records.
    pub(super) fn new(file: FileId, text: &'t str, part: Range<usize>, delimiter: u8) -> Self {
        let begin = part.start;
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(1 << 16)
            .from_reader(&text.as_bytes()[part]);
        Self {
            file,
            text,
            begin,
            delimiter,
            reader,
            record: csv::ByteRecord::new(),
            fields: Fields::default(),
            is_over: false,
        }
    }

    /// Where the next record starts.
    pub(super) fn position(&self) -> usize {
        self.begin + self.reader.position().byte() as usize
    }

    pub(super) fn next(&mut self) -> Option<Result<Record<'t, '_>, Diagnostic>> {
        loop {
            if self.is_over {
                return None;
            }
            match self.reader.read_byte_record(&mut self.record) {
                Ok(true) => {}
                Ok(false) => return None,
                // The text is in memory and the reader is flexible, so nothing is left to go wrong;
                // if it does, the rest of the file is lost and that is said.
                Err(error) => {
                    self.is_over = true;
                    let message = format!("the CSV reader gave up: {error}");
                    return Some(Err(
                        Diagnostic::new(Code::BadSyntax, message).in_file(self.file)
                    ));
                }
            }
            let text = self.text;
            let mut begin =
                self.begin + self.record.position().map_or(0, csv::Position::byte) as usize;
            begin += text.as_bytes()[begin..]
                .iter()
                .take_while(|byte| matches!(byte, b'\r' | b'\n'))
                .count();
            let end = self.position().max(begin);
            if text.as_bytes()[begin..end].contains(&b'"') {
                self.fields.scan(text, begin, self.delimiter);
            } else {
                self.fields
                    .follow(begin, self.record.iter().map(<[u8]>::len));
            }
            if let Some(open) = self.fields.unclosed {
                self.is_over = true;
                let at = Origin {
                    file: self.file,
                    start: open as u32,
                    len: 1,
                };
                return Some(Err(Diagnostic::new(
                    Code::BadSyntax,
                    "a quoted field is never closed",
                )
                .at(at, "opened here; the file ends inside it")
                .help("the file may have been cut off: export it again")));
            }
            if self.record.len() == 1 && self.record[0].trim_ascii().is_empty() {
                continue;
            }
            break;
        }
        let begin = self.fields.spans.first().map_or(0, |span| span.0);
        let end = self.fields.spans.last().map_or(begin, |span| span.1);
        Some(Ok(Record {
            file: self.file,
            text: self.text,
            record: &self.record,
            fields: &self.fields,
            origin: Origin {
                file: self.file,
                start: begin as u32,
                len: (end - begin) as u32,
            },
        }))
    }
}

impl<'t> Record<'t, '_> {
    /// How many fields it has.
    pub(super) fn len(&self) -> usize {
        self.record.len()
    }

    pub(super) fn origin_of(&self, at: usize) -> Origin {
        let (start, end) = self.fields.spans.get(at).copied().unwrap_or_default();
        Origin {
            file: self.file,
            start: start as u32,
            len: (end - start) as u32,
        }
    }

    /// A field without the white space around it: a part of the text unless quotes in it were
    /// doubled.
    pub(super) fn value(&self, at: usize) -> Cow<'t, str> {
        let (start, end) = self.fields.spans.get(at).copied().unwrap_or_default();
        let written = self.text.get(start..end).unwrap_or_default();
        let read = &self.record[at];
        if read.len() == written.len() {
            return Cow::Borrowed(written.trim());
        }
        let inside = written
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        match inside {
            Some(inside) if inside.as_bytes() == read => Cow::Borrowed(inside.trim()),
            _ => Cow::Owned(String::from_utf8_lossy(read).trim().to_owned()),
        }
    }
}

/// Where the fields of one record stand in the text.
#[derive(Default)]
struct Fields {
    /// First byte and end of each field, quotes included.
    spans: Vec<(usize, usize)>,
    /// The opening quote of a field that never ends.
    unclosed: Option<usize>,
}

impl Fields {
    /// Fields of these lengths with a delimiter between them.
    fn follow(&mut self, begin: usize, lengths: impl Iterator<Item = usize>) {
        self.spans.clear();
        let mut at = begin;
        for len in lengths {
            self.spans.push((at, at + len));
            at += len + 1;
        }
    }

    /// Follows the quoting rules of the csv crate: a quote counts only at the start of a field.
    fn scan(&mut self, text: &str, begin: usize, delimiter: u8) {
        let bytes = text.as_bytes();
        self.spans.clear();
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
                            self.unclosed = Some(start);
                            self.spans.push((start, at));
                            return;
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
            self.spans.push((start, at));
            if bytes.get(at) != Some(&delimiter) {
                return;
            }
            at += 1;
        }
    }
}
