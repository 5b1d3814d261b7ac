//! Files: one per format, all of them there or none.

mod entries;
pub mod evidence;
mod governance;
mod opengraph;
mod outputs;
mod records;
pub mod reset_tools;
mod tables;
mod tiers;
pub mod unfinished;

pub use governance::{write_accountability, write_violations};
pub use opengraph::write_opengraph;
pub use outputs::{Outputs, OutputsError};
pub use tables::{write_table_templates, write_tables};
pub use tiers::{TierFiles, write_tiers, write_unlocks};

/// Guards a cell against spreadsheets that take text for a formula: a leading `=`, `+`, `-`, `@`,
/// tab or line break, or a full-width form of the signs, gets an apostrophe before it (the list of
/// OWASP's page on CSV injection).
#[must_use]
pub fn guarded(text: &str) -> std::borrow::Cow<'_, str> {
    const SIGNS: [char; 11] = [
        '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ];
    if text.starts_with(SIGNS) {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn formulas_become_text() {
        assert_eq!(guarded("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        assert_eq!(guarded("\u{ff1d}1+1"), "'\u{ff1d}1+1");
        assert_eq!(guarded("a=b"), "a=b");
    }
}
