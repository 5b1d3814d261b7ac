//! A collection that is too large to keep: gone through on the disk, one object at a time.

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::collection::Meta;

/// Bytes of the beginning and of the end in which the collector says what it wrote.
const LOOKED_AT: u64 = 64 << 10;

/// What a collection says of itself; the member stands behind the data, as a rule.
pub(super) fn meta(path: &Path) -> Option<Meta> {
    let mut file = File::open(path).ok()?;
    let size = file.metadata().ok()?.len();
    [0, size.saturating_sub(LOOKED_AT)]
        .into_iter()
        .find_map(|from| {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(from)).ok()?;
            file.by_ref().take(LOOKED_AT).read_to_end(&mut bytes).ok()?;
            meta_in(&String::from_utf8_lossy(&bytes))
        })
}

/// The member `meta` in a part of a collection.
pub(super) fn meta_in(part: &str) -> Option<Meta> {
    let found = part
        .match_indices("\"meta\"")
        .map(|(at, key)| &part[at + key.len()..]);
    found
        .filter_map(|rest| rest.trim_start().strip_prefix(':'))
        .find_map(|rest| {
            serde_json::Deserializer::from_str(rest)
                .into_iter()
                .next()?
                .ok()
        })
}

/// Goes through the objects of the member with one of these names. `each` is given the object and the
/// line it begins in.
///
/// # Errors
/// When the file cannot be read or is no JSON.
pub(super) fn each(
    path: &Path,
    names: &[&str],
    each: &mut dyn FnMut(&RawValue, u32),
) -> Result<(), serde_json::Error> {
    let lines = Cell::new(1);
    let mut file = File::open(path).map_err(serde_json::Error::io)?;
    skip_mark(&mut file).map_err(serde_json::Error::io)?;
    let reader = Counting {
        inner: BufReader::with_capacity(1 << 20, file),
        lines: &lines,
    };
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let top = Top {
        names,
        each,
        lines: &lines,
    };
    top.deserialize(&mut deserializer)?;
    deserializer.end()
}

fn skip_mark(file: &mut File) -> io::Result<()> {
    let mut mark = [0; 3];
    if file.read_exact(&mut mark).is_err() || mark != *b"\xef\xbb\xbf" {
        file.seek(SeekFrom::Start(0))?;
    }
    Ok(())
}

/// Counts the lines that went through.
struct Counting<'l, R> {
    inner: R,
    lines: &'l Cell<u32>,
}

impl<R: BufRead> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // serde_json asks for one byte at a time.
        if let [byte] = buffer {
            let Some(&next) = self.inner.fill_buf()?.first() else {
                return Ok(0);
            };
            *byte = next;
            self.inner.consume(1);
            if next == b'\n' {
                self.lines.set(self.lines.get().saturating_add(1));
            }
            return Ok(1);
        }
        let read = self.inner.read(buffer)?;
        let ends = memchr::memchr_iter(b'\n', &buffer[..read]).count();
        self.lines.set(self.lines.get().saturating_add(ends as u32));
        Ok(read)
    }
}

struct Top<'e> {
    names: &'e [&'e str],
    each: &'e mut dyn FnMut(&RawValue, u32),
    lines: &'e Cell<u32>,
}

impl<'de> DeserializeSeed<'de> for Top<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a collection")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if self
                .names
                .iter()
                .any(|name| name.eq_ignore_ascii_case(&key))
            {
                map.next_value_seed(List {
                    each: &mut *self.each,
                    lines: self.lines,
                })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct List<'e> {
    each: &'e mut dyn FnMut(&RawValue, u32),
    lines: &'e Cell<u32>,
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(item) = list.next_element::<Box<RawValue>>()? {
            // serde_json reads byte by byte, so what was counted ends with this object.
            let inside = memchr::memchr_iter(b'\n', item.get().as_bytes()).count() as u32;
            (self.each)(&item, self.lines.get().saturating_sub(inside).max(1));
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn objects_are_gone_through_with_their_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.json");
        let text = "\u{feff}{\n\"data\": [\n {\"a\": 1,\n  \"b\": 2},\n {\"a\": 2}],\n\"meta\": {\"type\": \"users\", \"version\": 6, \"count\": 2}}";
        std::fs::write(&path, text).unwrap();
        let mut seen = Vec::new();
        each(&path, &["data"], &mut |item, line| {
            seen.push((item.get().len(), line));
        })
        .unwrap();
        assert_eq!(seen, [(18, 3), (8, 5)]);
        let meta = meta(&path).unwrap();
        assert_eq!((meta.r#type.as_str(), meta.count), ("users", Some(2)));
    }

    #[test]
    fn a_file_that_breaks_off_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.json");
        std::fs::write(&path, "{\"data\": [{\"a\": 1}, {\"a\"").unwrap();
        let mut seen = 0;
        assert!(each(&path, &["data"], &mut |_, _| seen += 1).is_err());
        assert_eq!(seen, 1);
    }
}
