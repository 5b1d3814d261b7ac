//! How names are compared.

use std::borrow::Cow;

use super::Kind;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// What is in a name, found in one pass over it: most names are compared as they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits(u8);

impl Traits {
    const FOLDED: u8 = 1;
    const COLON: u8 = 2;
    const SEMICOLON: u8 = 4;
    const DRESSED: u8 = 8;

    /// The traits of every byte.
    const OF: [u8; 256] = {
        let mut of = [0; 256];
        let mut at = 0;
        while at < 256 {
            let byte = at as u8;
            if !byte.is_ascii_graphic() || byte.is_ascii_uppercase() {
                of[at] |= Self::FOLDED;
            }
            if byte == b':' {
                of[at] |= Self::COLON;
            }
            if byte == b';' {
                of[at] |= Self::SEMICOLON;
            }
            if !byte.is_ascii_alphanumeric() && byte != b'+' {
                of[at] |= Self::DRESSED;
            }
            at += 1;
        }
        of
    };

    /// Those of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let found = text.bytes();
        Self(found.fold(0, |found, byte| found | Self::OF[usize::from(byte)]))
    }

    /// Whether it is visible ASCII in lower case, so that its compared form is itself.
    #[must_use]
    pub fn is_plain(self) -> bool {
        self.0 & Self::FOLDED == 0
    }

    /// Whether a colon is in it.
    #[must_use]
    pub fn has_colon(self) -> bool {
        self.0 & Self::COLON != 0
    }

    /// Whether a semicolon is in it.
    #[must_use]
    pub fn has_semicolon(self) -> bool {
        self.0 & Self::SEMICOLON != 0
    }

    /// Whether a text of these traits is compared as it is written, as a name of this kind.
    #[must_use]
    pub fn is_compared_as_written(self, kind: Kind, text: &str) -> bool {
        let is_dressed = || self.0 & Self::DRESSED != 0 || text.starts_with("00");
        self.is_plain() && !(kind == Kind::Phone && is_dressed())
    }
}

/// Trims, composes (NFC) and lowers the case: the form in which names are compared.
#[must_use]
pub fn fold(text: &str) -> Cow<'_, str> {
    if Traits::of(text).is_plain() {
        return Cow::Borrowed(text);
    }
    let text = text.trim();
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    if text.is_ascii() {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    if is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Owned(text.to_lowercase());
    }
    Cow::Owned(text.nfc().collect::<String>().to_lowercase())
}

/// A phone number as it is compared: white space, dashes, dots and parentheses do not count, and a
/// leading `00` is `+`.
#[must_use]
pub fn fold_phone(text: &str) -> Cow<'_, str> {
    let folded = fold(text);
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+';
    if folded.bytes().all(is_bare) && !folded.starts_with("00") {
        return folded;
    }
    let digits: String = folded.chars().filter(|&c| !is_phone_filler(c)).collect();
    Cow::Owned(match digits.strip_prefix("00") {
        Some(rest) => format!("+{rest}"),
        None => digits,
    })
}

/// The compared form of a name of this kind. Empty when nothing is left of it.
#[must_use]
pub fn fold_name(kind: Kind, text: &str) -> Cow<'_, str> {
    if kind == Kind::Phone {
        fold_phone(text)
    } else {
        fold(text)
    }
}

fn is_phone_filler(c: char) -> bool {
    const MINUS_SIGN: char = '\u{2212}';
    matches!(c, '.' | '(' | ')' | MINUS_SIGN)
        || c.is_whitespace()
        || c.general_category() == GeneralCategory::DashPunctuation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_are_compared_without_their_dress() {
        let plain = "+442079460001";
        for spelling in [
            "+44 20 7946 0001",
            "0044 (20) 7946.0001",
            "+44\u{a0}20\u{2011}7946\u{2013}0001",
            "+44\u{2212}2079460001",
            "+44-2079-460001\t",
        ] {
            assert_eq!(fold_phone(spelling), plain, "{spelling}");
        }
        assert_eq!(fold_phone(" ( ) - "), "");
        assert_eq!(fold_phone("0800 12"), "080012");
    }

    #[test]
    fn names_are_composed_and_lowered() {
        assert_eq!(fold(" Zoe\u{308}@Corp.Example "), "zo\u{eb}@corp.example");
        assert_eq!(fold("\u{c9}MILE"), "\u{e9}mile");
    }
}
