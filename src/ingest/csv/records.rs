//! The records of a CSV text and where their fields stand in it.

use std::borrow::Cow;
use std::ops::Range;

use crate::diag::{Code, Diagnostic, FileId, Origin};
use crate::ingest::raw::{Cell, Places, RawCell, Value, trim};

/// Goes through the records of a part of a text. Where there is no quote in it, fields are what lies
/// between delimiters and line ends; else the csv crate splits them, and their places are found
/// beside that.
#[derive(Debug)]
pub(in crate::ingest) struct Records<'t> {
    file: FileId,
    text: &'t str,
    delimiter: u8,
    /// Where to go on.
    at: usize,
    end: usize,
    quoted: Option<Quoted<'t>>,
    marks: Marks,
    fields: Fields,
}

/// A part with quotes.
#[derive(Debug)]
struct Quoted<'t> {
    begin: usize,
    reader: csv::Reader<&'t [u8]>,
    record: csv::ByteRecord,
}

/// One record.
pub(super) struct Record<'t, 'r> {
    file: FileId,
    text: &'t str,
    /// The fields as the csv crate read them; none in a part without quotes.
    read: Option<&'r csv::ByteRecord>,
    fields: &'r Fields,
    pub(super) origin: Origin,
}

impl<'t> Records<'t> {
    /// The records of a part of a text that begins and ends between records.
    pub(super) fn new(file: FileId, text: &'t str, part: Range<usize>, delimiter: u8) -> Self {
        let (begin, end) = (part.start, part.end);
        let bytes = &text.as_bytes()[part];
        let quoted = memchr::memchr(b'"', bytes).map(|_| Quoted {
            begin,
            reader: csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .delimiter(delimiter)
                .buffer_capacity(1 << 16)
                .from_reader(bytes),
            record: csv::ByteRecord::new(),
        });
        Self {
            file,
            text,
            delimiter,
            at: begin,
            end,
            quoted,
            marks: Marks::new(begin, delimiter),
            fields: Fields::default(),
        }
    }

    /// Where the next record starts, or the line ends before it.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn next(&mut self) -> Option<Result<Record<'t, '_>, Diagnostic>> {
        match self.advance()? {
            Ok(()) => Some(Ok(self.record())),
            Err(problem) => Some(Err(*problem)),
        }
    }

    /// The record that [`Records::advance`] found.
    #[inline(always)]
    pub(super) fn record(&self) -> Record<'t, '_> {
        let spans = &self.fields.spans;
        let begin = spans.first().map_or(0, |span| span.0);
        let end = spans.last().map_or(begin, |span| span.1);
        Record {
            file: self.file,
            text: self.text,
            read: self.quoted.as_ref().map(|quoted| &quoted.record),
            fields: &self.fields,
            origin: Origin {
                file: self.file,
                start: begin as u32,
                len: (end - begin) as u32,
            },
        }
    }

    /// Whether there are quotes in the part, so that fields are not what stands between delimiters.
    pub(super) fn is_quoted(&self) -> bool {
        self.quoted.is_some()
    }

    /// Goes to the next record, if there is one.
    pub(super) fn advance(&mut self) -> Option<Result<(), Box<Diagnostic>>> {
        loop {
            let bytes = self.text.as_bytes();
            while self.at < self.end && matches!(bytes[self.at], b'\r' | b'\n') {
                self.at += 1;
            }
            if self.at >= self.end {
                return None;
            }
            let begin = self.at;
            match &mut self.quoted {
                None => {
                    let plain = &bytes[..self.end];
                    self.at = self
                        .fields
                        .split(plain, begin, self.delimiter, &mut self.marks);
                }
                Some(quoted) => match quoted.reader.read_byte_record(&mut quoted.record) {
                    Ok(true) => {
                        let read = quoted.reader.position().byte() as usize;
                        self.at = (quoted.begin + read).max(begin);
                        self.fields.scan(self.text, begin, self.delimiter);
                    }
                    Ok(false) => return None,
                    // The text is in memory and the reader is flexible, so nothing is left to go
                    // wrong; if it does, the rest of the file is lost and that is said.
                    Err(error) => {
                        self.at = self.end;
                        let message = format!("the CSV reader gave up: {error}");
                        let problem = Diagnostic::new(Code::BadSyntax, message).in_file(self.file);
                        return Some(Err(Box::new(problem)));
                    }
                },
            }
            if let Some(open) = self.fields.unclosed {
                self.at = self.end;
                let at = Origin {
                    file: self.file,
                    start: open as u32,
                    len: 1,
                };
                let problem = Diagnostic::new(Code::BadSyntax, "a quoted field is never closed")
                    .at(at, "opened here; the file ends inside it")
                    .help("the file may have been cut off: export it again");
                return Some(Err(Box::new(problem)));
            }
            // A line of nothing but white space.
            let is_blank = match self.fields.spans[..] {
                [(start, end)] => bytes[start..end].trim_ascii().is_empty(),
                _ => false,
            };
            if !is_blank {
                break;
            }
        }
        Some(Ok(()))
    }
}

impl<'t> Record<'t, '_> {
    /// How many fields it has.
    pub(super) fn len(&self) -> usize {
        self.fields.spans.len()
    }

    pub(super) fn origin_of(&self, at: usize) -> Origin {
        let (start, end) = self.fields.spans.get(at).copied().unwrap_or_default();
        Origin {
            file: self.file,
            start: start as u32,
            len: (end - start) as u32,
        }
    }

    fn written(&self, at: usize) -> &'t str {
        let (start, end) = self.fields.spans.get(at).copied().unwrap_or_default();
        self.text.get(start..end).unwrap_or_default()
    }

    /// A field without the white space around it: a part of the text unless quotes in it were
    /// doubled.
    pub(super) fn value(&self, at: usize) -> Cow<'t, str> {
        let written = self.written(at);
        let read = match self.read.and_then(|read| read.get(at)) {
            Some(read) if read.len() != written.len() => read,
            _ => return Cow::Borrowed(trim(written)),
        };
        let inside = written
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        match inside {
            Some(inside) if inside.as_bytes() == read => Cow::Borrowed(trim(inside)),
            _ => Cow::Owned(String::from_utf8_lossy(read).trim().to_owned()),
        }
    }
}

/// The fields of a record without quotes, which become cells when they are asked for.
///
/// Whoever asks is to have this inlined: a cell that is returned through memory is written piece by piece
/// and read as a whole at once, for which the processor has to wait.
#[derive(Clone, Copy, Debug)]
pub(in crate::ingest) struct Line<'r, 't> {
    pub(super) records: &'r Records<'t>,
    /// The fields of the columns.
    pub(super) places: &'r Places,
}

impl<'r, 't> Line<'r, 't> {
    /// The cell of the column at this place of the table's, unless it is empty.
    #[inline(always)]
    pub(in crate::ingest) fn cell(self, column: u8) -> Option<Cell<'r, 't>> {
        let Records {
            file, text, fields, ..
        } = self.records;
        let place = *self.places.get(usize::from(column))?;
        let &(start, end) = fields.spans.get((place as usize).checked_sub(1)?)?;
        let text = trim(text.get(start..end)?);
        let origin = Origin {
            file: *file,
            start: start as u32,
            len: (end - start) as u32,
        };
        (!text.is_empty()).then(|| Cell::plain(text, origin))
    }

    /// Its cells that are not empty, in the order of the file.
    pub(in crate::ingest) fn each(self) -> Vec<RawCell<'t>> {
        let columns = (0u8..).zip(self.places).filter(|(_, place)| **place > 0);
        let mut columns: Vec<(u32, u8)> = columns.map(|(at, &place)| (place, at)).collect();
        columns.sort_unstable();
        let cells = columns.into_iter().filter_map(|(_, column)| {
            let cell = self.cell(column)?;
            Some(RawCell {
                column,
                origin: cell.origin,
                value: Value::Text(cell.text()),
            })
        });
        cells.collect()
    }
}

/// Delimiters and line ends, one after the other. Fields are short, so looking for each anew costs more
/// than finding those of eight bytes at a time.
#[derive(Debug)]
struct Marks {
    /// The three bytes that are looked for, each in all bytes of a word.
    wanted: [u64; 3],
    /// Where to go on when the marks of the last word are used up.
    next: usize,
    /// The marks of that word that are left: the highest bit of each byte.
    left: u64,
}

impl Marks {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    const WORD: usize = size_of::<u64>();

    fn new(begin: usize, delimiter: u8) -> Self {
        let everywhere = |byte| u64::from_le_bytes([byte; Self::WORD]);
        Self {
            wanted: [delimiter, b'\n', b'\r'].map(everywhere),
            next: begin,
            left: 0,
        }
    }

    /// The place of the next one.
    fn next(&mut self, bytes: &[u8]) -> Option<usize> {
        while self.left == 0 {
            let rest = bytes.get(self.next..).filter(|rest| !rest.is_empty())?;
            let word = match rest.first_chunk() {
                Some(word) => u64::from_le_bytes(*word),
                None => {
                    let mut word = [0; Self::WORD];
                    word[..rest.len()].copy_from_slice(rest);
                    u64::from_le_bytes(word)
                }
            };
            // A byte that is equal leaves 0; then adding 127 to its lower bits does not reach the highest.
            let marks = self.wanted.map(|wanted| {
                let rest = word ^ wanted;
                !(((rest & Self::LOW) + Self::LOW) | rest | Self::LOW)
            });
            self.left = marks[0] | marks[1] | marks[2];
            self.next += Self::WORD;
        }
        let at = self.next - Self::WORD + self.left.trailing_zeros() as usize / 8;
        self.left &= self.left - 1;
        Some(at)
    }
}

/// Where the fields of one record stand in the text.
#[derive(Debug, Default)]
struct Fields {
    /// First byte and end of each field, quotes included.
    spans: Vec<(usize, usize)>,
    /// The opening quote of a field that never ends.
    unclosed: Option<usize>,
}

impl Fields {
    /// The fields of a record without quotes; gives where it ends.
    fn split(&mut self, bytes: &[u8], begin: usize, delimiter: u8, marks: &mut Marks) -> usize {
        self.spans.clear();
        let mut start = begin;
        while let Some(at) = marks.next(bytes) {
            // Line ends that were skipped before the record.
            if at < begin {
                continue;
            }
            self.spans.push((start, at));
            if bytes[at] != delimiter {
                return at;
            }
            start = at + 1;
        }
        self.spans.push((start, bytes.len()));
        bytes.len()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_delimiter_and_line_end_is_found_once() {
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..2000 {
            // The wanted ones among their neighbours, and bytes with the highest bit.
            let alphabet = b",\n\r-+.\x0b\x0c\x0e\x8a\x8d\xac\x00\xffab";
            let bytes: Vec<u8> = (0..random.usize(..60))
                .map(|_| alphabet[random.usize(..alphabet.len())])
                .collect();
            let begin = random.usize(..=bytes.len());
            let mut marks = Marks::new(begin, b',');
            let found: Vec<usize> = std::iter::from_fn(|| marks.next(&bytes)).collect();
            let expected: Vec<usize> = (begin..bytes.len())
                .filter(|&at| matches!(bytes[at], b',' | b'\n' | b'\r'))
                .collect();
            assert_eq!(found, expected, "{bytes:?} from {begin}");
        }
    }

    #[test]
    fn cells_are_the_same_with_quotes_and_without() {
        // Of three fields one is no column of the table, and the others stand in another order.
        let mut places: Places = Default::default();
        (places[0], places[2]) = (3, 1);
        let cells = |text: &str| -> Vec<[Option<String>; 3]> {
            let mut records = Records::new(FileId(0), text, 0..text.len(), b',');
            let mut all = Vec::new();
            while let Some(next) = records.advance() {
                assert!(next.is_ok());
                let line = Line {
                    records: &records,
                    places: &places,
                };
                let record = records.record();
                all.push([0u8, 1, 2].map(|column| {
                    if !records.is_quoted() {
                        return line.cell(column).map(|cell| cell.text().into_owned());
                    }
                    let field = (places[usize::from(column)] as usize).checked_sub(1)?;
                    let value = record.value(field).into_owned();
                    (!value.is_empty()).then_some(value)
                }));
            }
            all
        };
        let mut random = fastrand::Rng::with_seed(11);
        let values = ["", " ", "a", " b ", "\u{fc}", "x y", "\u{a0}z", "=1;2"];
        for _ in 0..500 {
            let rows: Vec<[&str; 3]> = (0..random.usize(1..6))
                .map(|_| std::array::from_fn(|_| values[random.usize(..values.len())]))
                .collect();
            let end = ["\n", "\r\n", "\r"][random.usize(..3)];
            let written = |quote: &str| -> String {
                let rows = rows.iter().map(|row| {
                    let fields = row.map(|field| format!("{quote}{field}{quote}"));
                    fields.join(",") + end
                });
                rows.collect()
            };
            let expected: Vec<[Option<String>; 3]> = rows
                .iter()
                .map(|row| [row[2], "", row[0]].map(|text| Some(text.trim().to_owned())))
                .map(|row| row.map(|text| text.filter(|text| !text.is_empty())))
                .collect();
            assert_eq!(cells(&written("")), expected);
            assert_eq!(cells(&written("\"")), expected);
        }
    }
}
