//! Where a CSV text can be cut so that every part can be parsed by itself.

use std::ops::Range;

use rayon::prelude::*;

/// Cuts the text from `start` on into parts of about `size` bytes that begin and end between records.
///
/// A line end lies between records unless it is inside quotes, and quotes open only at the start of
/// a field, as the csv crate has it. Texts without quotes are cut at the next line end; in others the
/// quotes are followed from the start on. Cost: O(bytes), at the speed of `memchr`.
pub(super) fn split(text: &str, start: usize, delimiter: u8, size: usize) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut cuts = Cuts {
        bytes,
        start,
        delimiter,
        at: start,
        quote: first_quote(bytes, start),
    };
    let mut parts = Vec::new();
    let mut begin = start;
    while bytes.len() - begin > size {
        let Some(cut) = cuts.after(begin + size) else {
            break;
        };
        parts.push(begin..cut);
        begin = cut;
    }
    if begin < bytes.len() || parts.is_empty() {
        parts.push(begin..bytes.len());
    }
    parts
}

/// Goes along a text from cut to cut.
struct Cuts<'t> {
    bytes: &'t [u8],
    start: usize,
    delimiter: u8,
    /// A place outside quotes.
    at: usize,
    /// The next quote from there on.
    quote: Option<usize>,
}

impl Cuts<'_> {
    /// The first place after `wanted` where a record begins.
    fn after(&mut self, wanted: usize) -> Option<usize> {
        let bytes = self.bytes;
        loop {
            // Up to the next quote that opens a field every line end is between records.
            let outside = self.quote.unwrap_or(bytes.len());
            let from = wanted.max(self.at);
            if from < outside
                && let Some(found) = memchr::memchr2(b'\n', b'\r', &bytes[from..outside])
            {
                let end = from + found;
                let is_pair = bytes[end] == b'\r' && bytes.get(end + 1) == Some(&b'\n');
                let cut = end + 1 + usize::from(is_pair);
                self.at = cut;
                return (cut < bytes.len()).then_some(cut);
            }
            let quote = self.quote?;
            let before = [self.delimiter, b'\n', b'\r'];
            let opens = quote == self.start || before.contains(&bytes[quote - 1]);
            self.at = if opens {
                closing(bytes, quote)? + 1
            } else {
                quote + 1
            };
            self.quote = next_quote(bytes, self.at);
        }
    }
}

/// [`next_quote`] on all threads: most texts have none.
fn first_quote(bytes: &[u8], from: usize) -> Option<usize> {
    let parts = bytes[from..].par_chunks(super::LONG).enumerate();
    parts.find_map_first(|(at, part)| {
        let found = memchr::memchr(b'"', part)?;
        Some(from + at * super::LONG + found)
    })
}

fn next_quote(bytes: &[u8], from: usize) -> Option<usize> {
    memchr::memchr(b'"', &bytes[from..]).map(|found| from + found)
}

/// Where the quote closes that opens here; two quotes in a row stand for one.
fn closing(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        let quote = at + memchr::memchr(b'"', &bytes[at..])?;
        if bytes.get(quote + 1) != Some(&b'"') {
            return Some(quote);
        }
        at = quote + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The records of a text, as the csv crate splits it.
    fn records(text: &str) -> Vec<csv::StringRecord> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        reader.records().map(Result::unwrap).collect()
    }

    #[test]
    fn the_first_quote_is_found_wherever_it_stands_in_a_long_text() {
        let long = super::super::LONG;
        let mut text = "x".repeat(3 * long + 5).into_bytes();
        assert_eq!(first_quote(&text, 7), None);
        for quote in [3 * long + 4, 2 * long, 2 * long - 1, long + 7, long + 6, 7] {
            text[quote] = b'"';
            assert_eq!(first_quote(&text, 7), Some(quote));
            assert_eq!(first_quote(&text, quote), Some(quote));
        }
    }

    #[test]
    fn parts_hold_whole_records() {
        let pieces = [
            "a,b\n",
            "\"x\ny\",z\r\n",
            "c\"d,e\r",
            "\"\"\"\",\"\n\"\n",
            "\n",
            "\"q\"r\"s\",t\r\n",
            ",\n",
            "\"\",\"a\"\"\r\n\"\n",
            " \"u\n",
        ];
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..2000 {
            let count = random.usize(..12);
            let text: String = (0..count)
                .map(|_| pieces[random.usize(..pieces.len())])
                .collect();
            let expected = records(&text);
            for size in 1..text.len().min(12) {
                let parts = split(&text, 0, b',', size);
                let found: Vec<_> = parts
                    .iter()
                    .flat_map(|part| records(&text[part.clone()]))
                    .collect();
                assert_eq!(found, expected, "{text:?} by {size}: {parts:?}");
                let ends: Vec<_> = parts
                    .windows(2)
                    .map(|two| (two[0].end, two[1].start))
                    .collect();
                assert!(ends.iter().all(|(end, start)| end == start));
            }
        }
    }
}
