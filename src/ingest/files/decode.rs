//! Bytes to text, as Windows tools write it.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

pub(super) struct Undecodable {
    /// The text up to the first bad byte.
    pub(super) text: String,
    pub(super) at: u32,
    pub(super) what: String,
}

/// Whether bytes are taken as the text that they are, without another encoding or a mark.
pub(super) fn is_text(bytes: &[u8], encoding: Option<&'static Encoding>) -> bool {
    Encoding::for_bom(bytes).is_none() && encoding.is_none_or(|encoding| encoding == UTF_8)
}

/// A byte order mark wins; then the encoding the user named; then UTF-8, strictly.
pub(super) fn decode(
    bytes: Vec<u8>,
    encoding: Option<&'static Encoding>,
) -> Result<String, Undecodable> {
    let (encoding, skip) = match Encoding::for_bom(&bytes) {
        Some((encoding, length)) => (encoding, length),
        None => (encoding.unwrap_or(UTF_8), 0),
    };
    if encoding == UTF_8 {
        let text = if skip > 0 {
            String::from_utf8(bytes[skip..].to_vec())
        } else {
            String::from_utf8(bytes)
        };
        return match text {
            Ok(text) => no_nul(text),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let bytes = error.into_bytes();
                let byte = bytes.get(at).copied().unwrap_or_default();
                let what = format!("byte 0x{byte:02X} is not UTF-8 text");
                let text = String::from_utf8_lossy(&bytes[..at]).into_owned();
                Err(Undecodable {
                    text,
                    at: at as u32,
                    what,
                })
            }
        };
    }
    let bytes = &bytes[skip..];
    if (encoding == UTF_16LE || encoding == UTF_16BE) && bytes.len() % 2 == 1 {
        let what = "the UTF-16 text ends in half a character: the file was cut off".to_owned();
        return Err(Undecodable {
            text: String::new(),
            at: 0,
            what,
        });
    }
    match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => no_nul(text.into_owned()),
        None => {
            let text = encoding.decode_without_bom_handling(bytes).0.into_owned();
            let at = text.find('\u{fffd}').unwrap_or(0);
            let what = format!("the bytes here are not {} text", encoding.name());
            Err(Undecodable {
                text,
                at: at as u32,
                what,
            })
        }
    }
}

/// No table holds a NUL; UTF-16 without a mark is full of them.
pub(super) fn no_nul(text: String) -> Result<String, Undecodable> {
    match memchr::memchr(0, text.as_bytes()) {
        None => Ok(text),
        Some(at) => {
            let what = "a NUL byte: this is not text, or UTF-16 without a byte order mark (`--encoding utf-16le`)";
            Err(Undecodable {
                text,
                at: at as u32,
                what: what.to_owned(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], encoding: Option<&'static Encoding>) -> Option<String> {
        decode(bytes.to_vec(), encoding).ok()
    }

    #[test]
    fn byte_order_marks_win() {
        assert_eq!(decoded(b"\xef\xbb\xbfid", None).as_deref(), Some("id"));
        assert_eq!(decoded(b"\xff\xfei\0d\0", None).as_deref(), Some("id"));
        assert_eq!(
            decoded(b"\xfe\xff\0i\0d", Some(encoding_rs::WINDOWS_1252)).as_deref(),
            Some("id")
        );
        assert_eq!(
            decoded(b"J\xf6rg", Some(encoding_rs::WINDOWS_1252)).as_deref(),
            Some("J\u{f6}rg")
        );
    }

    #[test]
    fn what_is_not_text_is_refused() {
        assert_eq!(decoded(b"J\xf6rg", None), None);
        assert_eq!(decoded(b"i\0d\0", None), None);
        assert_eq!(decoded(b"\xff\xfei\0d", None), None);
        assert_eq!(
            decoded(b"\xff\xfe\x00\xd8i\0", None),
            None,
            "a lone surrogate"
        );
    }
}
