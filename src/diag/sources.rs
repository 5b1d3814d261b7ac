//! The texts of the input files, so that every row can be traced to a line.

use std::ops::Range;
use std::sync::OnceLock;

use rayon::prelude::*;

use super::Origin;

/// A file of this run, numbered in the order of reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A file that was read.
#[derive(Debug, Default)]
pub struct SourceFile {
    /// The path as the user would type it: for messages.
    pub path: String,
    /// The name relative to its input: for outputs, the same on every machine.
    pub name: String,
    /// The decoded text, without a byte order mark; empty when the file was too large to keep, and when
    /// it was given back (see [`Sources::keep_lines`]).
    pub text: String,
    /// Whether the text is not kept: places in it are lines, from 1.
    is_large: bool,
    lines: OnceLock<Lines>,
}

/// A line and column, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place<'a> {
    /// The path as the user would type it.
    pub path: &'a str,
    /// The name relative to its input.
    pub name: &'a str,
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// All files of a run.
#[derive(Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// Adds a file.
    pub fn add(&mut self, path: String, name: String, text: String) -> FileId {
        let id = FileId(self.files.len() as u32);
        self.files.push(SourceFile {
            path,
            name,
            text,
            is_large: false,
            lines: OnceLock::new(),
        });
        id
    }

    /// Adds a file whose text is not kept.
    pub fn add_large(&mut self, path: String, name: String) -> FileId {
        let id = self.add(path, name, String::new());
        if let Some(file) = self.files.last_mut() {
            file.is_large = true;
        }
        id
    }

    /// The file with this number.
    #[must_use]
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// All files in the order of reading.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files
            .iter()
            .enumerate()
            .map(|(at, file)| (FileId(at as u32), file))
    }

    /// Finds where the lines of all files start, on all threads, and gives the texts back: from now on the
    /// line of a row is known, and no longer its column or what stands there.
    pub fn keep_lines(&mut self) {
        let files = self.files.par_iter_mut().with_max_len(1);
        files.for_each(|file| {
            file.find_lines();
            file.text = String::new();
        });
    }

    /// Gives files other names in the outputs.
    pub fn rename(&mut self, mut name_of: impl FnMut(&str) -> String) {
        for file in &mut self.files {
            file.name = name_of(&file.name);
        }
    }

    /// Brings what it takes to find the lines of some places into the caches, each step towards them for
    /// all at a time.
    pub fn read_ahead<const N: usize>(&self, places: &[Origin; N]) {
        let near = places.map(|place| {
            let file = self.files.get(place.file.0 as usize);
            file.and_then(|file| file.first_line_near(place.start))
        });
        let starts = near.iter().flatten();
        let sum = starts.fold(0, |sum, (lines, at)| {
            sum ^ lines.starts.get(*at).copied().unwrap_or(0)
        });
        // Without a use the reads would be left out.
        std::hint::black_box(sum);
    }

    /// The line and column of an origin: O(log lines) after the first call for a file.
    #[must_use]
    pub fn place(&self, origin: Origin) -> Place<'_> {
        let file = self.file(origin.file);
        let (line, start) = file.line_of(origin.start);
        let before = file
            .text
            .get(start as usize..origin.start as usize)
            .unwrap_or("");
        Place {
            path: &file.path,
            name: &file.name,
            line,
            column: before.chars().count() as u32 + 1,
        }
    }
}

impl SourceFile {
    /// The line of a byte of the text, from 1: cheaper than its place.
    #[must_use]
    pub fn line(&self, at: u32) -> u32 {
        self.line_of(at).0
    }

    /// Finds where the lines start, which else is done when the first line is asked for.
    fn find_lines(&self) {
        if !self.is_large {
            self.lines.get_or_init(|| Lines::new(&self.text));
        }
    }

    /// Where among the starts of lines that of a byte is looked for.
    fn first_line_near(&self, at: u32) -> Option<(&Lines, usize)> {
        let lines = self.lines.get()?;
        Some((lines, lines.near(at).start))
    }

    /// The line number (from 1) that holds a byte, and where that line starts.
    fn line_of(&self, at: u32) -> (u32, u32) {
        if self.is_large {
            return (at.max(1), at);
        }
        self.lines.get_or_init(|| Lines::new(&self.text)).of(at)
    }

    /// The text of the line that holds a byte, without its end, and where it starts.
    #[must_use]
    pub fn line_text(&self, at: u32) -> (&str, u32) {
        let (_, start) = self.line_of(at);
        let rest = self.text.get(start as usize..).unwrap_or("");
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        (&rest[..end], start)
    }
}

/// Where the lines of a text start.
#[derive(Debug)]
struct Lines {
    starts: Vec<u32>,
    /// For every [`BLOCK`] of the text how many lines start before its end: a place is searched for
    /// among the lines of its block only, which lie side by side in memory.
    before: Vec<u32>,
}

/// Bytes of a block.
const BLOCK: usize = 1 << 8;

impl Lines {
    /// A line ends with LF, CR LF or a lone CR.
    fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            if bytes[at] == b'\n' || bytes.get(at + 1) != Some(&b'\n') {
                starts.push(at as u32 + 1);
            }
        }
        let mut before = Vec::with_capacity(bytes.len() / BLOCK + 1);
        let mut line = 0;
        for block in 0..=bytes.len() / BLOCK {
            let end = (block + 1) * BLOCK;
            while starts
                .get(line)
                .is_some_and(|&start| (start as usize) < end)
            {
                line += 1;
            }
            before.push(line as u32);
        }
        Self { starts, before }
    }

    /// The lines that start in the block of a byte, from 0.
    fn near(&self, at: u32) -> Range<usize> {
        let block = at as usize / BLOCK;
        let lines = self.starts.len();
        let to = self.before.get(block).map_or(lines, |&line| line as usize);
        let from = block
            .checked_sub(1)
            .and_then(|block| self.before.get(block));
        from.map_or(0, |&line| line as usize).min(to)..to
    }

    /// The number of the line that holds a byte, from 1, and where it starts.
    fn of(&self, at: u32) -> (u32, u32) {
        let Range {
            start: from,
            end: to,
        } = self.near(at);
        let lines = self.starts.len();
        let line = from + self.starts[from..to].partition_point(|&start| start <= at);
        let line = line.clamp(1, lines);
        (line as u32, self.starts[line - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_long_texts_are_counted_as_one_would() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..50 {
            let pieces = [
                "a",
                "bc\n",
                "\r\n",
                "\r",
                "long enough to matter, again and again ",
            ];
            let mut text = String::new();
            for _ in 0..random.usize(..3000) {
                text.push_str(pieces[random.usize(..pieces.len())]);
            }
            let lines = Lines::new(&text);
            let (mut line, mut start) = (1, 0);
            for (at, byte) in text.bytes().enumerate() {
                assert_eq!(lines.of(at as u32), (line, start), "byte {at} of {text:?}");
                if byte == b'\n' || (byte == b'\r' && text.as_bytes().get(at + 1) != Some(&b'\n')) {
                    (line, start) = (line + 1, at as u32 + 1);
                }
            }
            assert_eq!(lines.of(text.len() as u32), (line, start));
        }
    }

    #[test]
    fn places_count_lines_of_every_kind_and_columns_in_characters() {
        let mut sources = Sources::default();
        let file = sources.add(
            "x/a.csv".into(),
            "a.csv".into(),
            "id\r\nz\u{eb},b\rc\n\n".into(),
        );
        let place = |start| {
            let place = sources.place(Origin {
                file,
                start,
                len: 1,
            });
            (place.line, place.column)
        };
        assert_eq!(place(0), (1, 1));
        assert_eq!(place(4), (2, 1));
        assert_eq!(place(8), (2, 4));
        assert_eq!(place(10), (3, 1));
        assert_eq!(place(12), (4, 1));
        assert_eq!(sources.file(file).line_text(8), ("z\u{eb},b", 4));
    }
}
