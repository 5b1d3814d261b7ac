//! Untrusted names as text that does nothing: no line breaks, no terminal escapes, no characters
//! that turn the reading direction around.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Shows control characters and direction overrides as `\u{..}`; other text stays as it is.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    let is_plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if is_plain || !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_hidden(c) {
            // Writing to a string cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", c as u32);
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    // Joiners belong to emoji and to Persian and Indic words; every other format character only
    // hides or turns around.
    const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}')
        || (c.general_category() == GeneralCategory::Format && !JOINERS.contains(&c))
}

/// At most `columns` columns of a terminal, with an ellipsis where something is cut.
#[must_use]
pub fn clipped(text: &str, columns: usize) -> String {
    let text = visible(text);
    if text.width() <= columns {
        return text.into_owned();
    }
    let mut width = 0;
    let mut cut = String::new();
    for c in text.chars() {
        width += c.width().unwrap_or(0);
        if width + 1 > columns {
            break;
        }
        cut.push(c);
    }
    cut.push('\u{2026}');
    cut
}

/// As code in Markdown, in more backticks than it holds, so that nothing in it is markup.
#[must_use]
pub fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_act_on_a_terminal_is_shown_instead() {
        assert_eq!(visible("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(visible("ab\u{202e}cd\n"), "ab\\u{202e}cd\\u{a}");
        assert_eq!(
            visible("\u{5d0}\u{5d1} \u{1f600} Zo\u{eb}"),
            "\u{5d0}\u{5d1} \u{1f600} Zo\u{eb}"
        );
    }

    #[test]
    fn clipping_counts_columns() {
        assert_eq!(clipped("abcdef", 6), "abcdef");
        assert_eq!(clipped("abcdefg", 6), "abcde\u{2026}");
        assert_eq!(
            clipped("\u{6f22}\u{5b57}\u{6f22}\u{5b57}", 5),
            "\u{6f22}\u{5b57}\u{2026}"
        );
    }
}
