//! Records of CSV put together in memory.

use std::io;

/// Adds a record of two fields or more and the end of its line.
///
/// # Errors
/// Those of the csv crate, which has none for a text in memory.
pub(super) fn add_record<'f>(
    out: &mut Vec<u8>,
    fields: impl IntoIterator<Item = &'f str>,
) -> io::Result<()> {
    for (at, field) in fields.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        add_field(out, field)?;
    }
    out.push(b'\n');
    Ok(())
}

/// Nearly all fields stand as they are; the csv crate quotes the others. Its way of finding that out, a
/// byte after the other, takes longer than all else that is done for a row.
fn add_field(out: &mut Vec<u8>, field: &str) -> io::Result<()> {
    let is_special = |byte: u8| matches!(byte, b',' | b'"' | b'\n' | b'\r');
    // Without a way out of the loop it is done on many bytes at a time.
    let is_any_special = field
        .bytes()
        .fold(false, |found, byte| found | is_special(byte));
    if !is_any_special {
        out.extend_from_slice(field.as_bytes());
        return Ok(());
    }
    let mut quoting = csv::WriterBuilder::new()
        .buffer_capacity(2 * field.len() + 3)
        .from_writer(&mut *out);
    quoting.write_record([field])?;
    quoting.flush()?;
    drop(quoting);
    // The end of a line of its own.
    out.pop();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::add_record;

    #[test]
    fn records_are_those_of_the_csv_crate() {
        let mut random = fastrand::Rng::with_seed(7);
        let letters = [
            'a',
            '0',
            ' ',
            ',',
            '"',
            '\n',
            '\r',
            '\t',
            ';',
            '\'',
            '#',
            '\0',
            '\u{e9}',
            '\u{1f600}',
        ];
        for _ in 0..3000 {
            let fields: Vec<String> = (0..random.usize(2..6))
                .map(|_| {
                    let length = random.usize(..40);
                    (0..length)
                        .map(|_| letters[random.usize(..letters.len())])
                        .collect()
                })
                .collect();
            let mut expected = csv::Writer::from_writer(Vec::new());
            let mut made = Vec::new();
            let told = add_record(&mut made, fields.iter().map(String::as_str));
            assert!(told.is_ok() && expected.write_record(&fields).is_ok());
            let expected = expected.into_inner().unwrap_or_default();
            assert_eq!(
                String::from_utf8_lossy(&made),
                String::from_utf8_lossy(&expected)
            );
        }
    }
}
