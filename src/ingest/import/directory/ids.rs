//! Names and identifiers of Active Directory in the forms that tools write.

use base64::Engine;

/// The domain of a distinguished name: `DC=corp,DC=example` is `CORP.EXAMPLE`.
pub(super) fn domain_of(dn: &str) -> String {
    let parts = dn.split(',').filter_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        name.eq_ignore_ascii_case("dc")
            .then(|| value.to_uppercase())
    });
    parts.collect::<Vec<_>>().join(".")
}

/// Bytes that a file writes as base64 or as `X'...'`.
pub(super) fn bytes_of(text: &str) -> Option<Vec<u8>> {
    if let Some(encoded) = text.strip_prefix("base64:") {
        return base64::engine::general_purpose::STANDARD
            .decode(encoded)
            .ok();
    }
    let digits = text.strip_prefix("X'")?.strip_suffix('\'')?;
    let pairs = digits.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs.collect()
}

/// A security identifier: text, or its bytes.
pub(super) fn sid_of(text: &str) -> String {
    let Some(bytes) = bytes_of(text) else {
        let is_text = text.to_uppercase().starts_with("S-");
        return if is_text {
            text.to_uppercase()
        } else {
            String::new()
        };
    };
    let [1, count, authority @ ..] = bytes.as_slice() else {
        return String::new();
    };
    if authority.len() != 6 + 4 * usize::from(*count) {
        return String::new();
    }
    let (authority, parts) = authority.split_at(6);
    let authority = authority
        .iter()
        .fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    let parts = parts.chunks_exact(4).map(|part| {
        let part = part
            .iter()
            .rev()
            .fold(0u32, |value, byte| value << 8 | u32::from(*byte));
        format!("-{part}")
    });
    format!("S-1-{authority}{}", parts.collect::<String>())
}

/// The immutable id that a directory synchronises by: the bytes of a GUID in base64. As text the
/// first three parts of a GUID are written in the other order of bytes.
pub(super) fn immutable_of(text: &str) -> String {
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    if let Some(bytes) = bytes_of(text) {
        return encode(&bytes);
    }
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    if digits.len() != 32 {
        return String::new();
    }
    let bytes: Option<Vec<u8>> = (0..16)
        .map(|at| u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok())
        .collect();
    let Some(mut bytes) = bytes else {
        return String::new();
    };
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    encode(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_read_in_every_form() {
        let bytes = "base64:AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAAUQQAAA==";
        assert_eq!(sid_of(bytes), "S-1-5-21-1-2-3-1105");
        assert_eq!(
            sid_of("X'010500000000000515000000010000000200000003000000 51040000'"),
            ""
        );
        assert_eq!(
            sid_of("X'01050000000000051500000001000000020000000300000051040000'"),
            "S-1-5-21-1-2-3-1105"
        );
        assert_eq!(sid_of("s-1-5-21-7"), "S-1-5-21-7");
        // The same GUID as bytes and as text.
        let text = immutable_of("00112233-4455-6677-8899-aabbccddeeff");
        assert_eq!(text, immutable_of("X'33221100554477668899AABBCCDDEEFF'"));
        assert_eq!(
            domain_of("CN=Kim Lee,OU=Staff,DC=corp,DC=example"),
            "CORP.EXAMPLE"
        );
    }
}
