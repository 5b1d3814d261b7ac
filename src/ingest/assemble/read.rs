//! One row's cells as values. What is wrong is collected; a row with an error is left out whole.

use std::fmt::Display;
use std::str::FromStr;

use super::Context;
use crate::diag::{Code, Diagnostic, Origin, Severity, closest};
use crate::ingest::raw::{RawCell, RawRow};
use crate::ingest::schema;
use crate::model::{Kind, Table, Word, fold_name};

/// A name with its kind, not looked up yet.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    pub kind: Kind,
    /// As compared.
    pub key: String,
    /// As written.
    pub shown: String,
    pub origin: Origin,
}

/// A row that is being read.
pub(super) struct Row<'a> {
    pub raw: &'a RawRow,
    table: Table,
    lacks: u32,
    diagnostics: Vec<Diagnostic>,
    is_bad: bool,
}

impl<'a> Row<'a> {
    pub(super) fn new(context: Context, raw: &'a RawRow) -> Self {
        Self {
            raw,
            table: context.table,
            lacks: context.lacks,
            is_bad: false,
            diagnostics: Vec::new(),
        }
    }

    pub(super) fn is_bad(&self) -> bool {
        self.is_bad
    }

    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    pub(super) fn say(&mut self, diagnostic: Diagnostic) {
        self.is_bad |= diagnostic.severity == Severity::Error;
        self.diagnostics.push(diagnostic);
    }

    pub(super) fn cell(&self, column: &str) -> Option<&'a RawCell> {
        self.raw.cell(self.table, column)
    }

    /// The place of a column's cell, or of the row when the cell is empty.
    pub(super) fn origin(&self, column: &str) -> Origin {
        self.cell(column)
            .map_or(self.raw.origin, |cell| cell.origin)
    }

    /// Free text; empty when there is none.
    pub(super) fn text(&self, column: &str) -> Box<str> {
        self.cell(column)
            .map(|cell| cell.text().into())
            .unwrap_or_default()
    }

    /// Says so when the cell is empty.
    pub(super) fn required(&mut self, column: &str) -> Option<&'a RawCell> {
        let cell = self.cell(column);
        let is_lacking = schema::find(self.table, column)
            .is_some_and(|at| self.lacks & 1u32.checked_shl(at.into()).unwrap_or(0) != 0);
        if cell.is_none() && is_lacking {
            // Said of the file already.
            self.is_bad = true;
        } else if cell.is_none() {
            let message = format!("`{column}` is empty");
            self.say(Diagnostic::new(Code::MissingValue, message).at(
                self.raw.origin,
                format!(
                    "expected a value for `{column}` in every row of `{}`",
                    self.table.word()
                ),
            ));
        }
        cell
    }

    /// A word of a closed list.
    pub(super) fn word<W: Word>(&mut self, column: &str) -> Option<W> {
        let cell = self.cell(column)?;
        let text = cell.text();
        let parsed = if text.is_empty() {
            None
        } else {
            W::parse(&text)
        };
        if parsed.is_none() {
            let words: Vec<_> = W::WORDS
                .iter()
                .map(|(word, _)| *word)
                .filter(|word| !word.is_empty())
                .collect();
            self.bad_value(column, cell.origin, &text, &words);
        }
        parsed
    }

    pub(super) fn boolean(&mut self, column: &str) -> Option<bool> {
        let cell = self.cell(column)?;
        let text = cell.text();
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Some(true),
            "false" | "no" | "0" => Some(false),
            _ => {
                self.bad_value(
                    column,
                    cell.origin,
                    &text,
                    &["true", "false", "yes", "no", "1", "0"],
                );
                None
            }
        }
    }

    fn bad_value(&mut self, column: &str, origin: Origin, found: &str, words: &[&str]) {
        let mut diagnostic = Diagnostic::new(
            Code::BadValue,
            format!("`{found}` is no value of `{column}`"),
        )
        .at(origin, format!("expected {}", words.join(", ")));
        if let Some(close) = closest(found, words.iter().copied()) {
            diagnostic = diagnostic.help(format!("did you mean `{close}`?"));
        }
        self.say(diagnostic);
    }

    /// A whole number in a range.
    pub(super) fn number<N: FromStr + PartialOrd + Display>(
        &mut self,
        column: &str,
        least: N,
        most: N,
    ) -> Option<N> {
        let cell = self.cell(column)?;
        let text = cell.text();
        let number = text
            .parse::<N>()
            .ok()
            .filter(|number| (&least..=&most).contains(&number));
        if number.is_none() {
            self.say(
                Diagnostic::new(
                    Code::BadNumber,
                    format!("`{text}` is no value of `{column}`"),
                )
                .at(
                    cell.origin,
                    format!("expected a whole number from {least} to {most}"),
                ),
            );
        }
        number
    }

    /// A time, in seconds since 1970 (UTC).
    pub(super) fn time(&mut self, column: &str) -> Option<i64> {
        let cell = self.cell(column)?;
        let text = cell.text();
        let time = text
            .parse::<jiff::Timestamp>()
            .ok()
            .map(jiff::Timestamp::as_second);
        if time.is_none() {
            self.say(
                Diagnostic::new(Code::BadTime, format!("`{text}` is no time"))
                    .at(cell.origin, "expected RFC 3339, as in 2026-10-02T08:00:00Z"),
            );
        }
        time
    }

    /// A reference to one thing. `default` is the kind of a bare name.
    pub(super) fn reference(
        &mut self,
        column: &str,
        default: Kind,
        allowed: &[Kind],
    ) -> Option<Reference> {
        let cell = self.cell(column)?;
        let text = cell.text();
        if text.contains(';') {
            self.say(
                Diagnostic::new(
                    Code::ListInSingle,
                    format!("`{column}` takes one name; `{text}` is taken as one"),
                )
                .at(cell.origin, "the `;` is part of the name")
                .help("one row per name"),
            );
        }
        self.parse_reference(column, &text, cell.origin, default, allowed)
    }

    /// References to several things.
    pub(super) fn references(
        &mut self,
        column: &str,
        default: Kind,
        allowed: &[Kind],
    ) -> Vec<Reference> {
        let Some(cell) = self.cell(column) else {
            return Vec::new();
        };
        cell.items()
            .filter_map(|item| self.parse_reference(column, item, cell.origin, default, allowed))
            .collect()
    }

    pub(super) fn parse_reference(
        &mut self,
        column: &str,
        text: &str,
        origin: Origin,
        default: Kind,
        allowed: &[Kind],
    ) -> Option<Reference> {
        let (kind, name) = Kind::split(text).unwrap_or((default, text));
        if !allowed.contains(&kind) {
            let words: Vec<_> = allowed
                .iter()
                .map(|kind| format!("{}:", kind.word()))
                .collect();
            self.say(
                Diagnostic::new(
                    Code::WrongKind,
                    format!(
                        "`{text}` is a {}, which `{column}` does not take",
                        kind.word()
                    ),
                )
                .at(origin, format!("expected {}", words.join(", "))),
            );
            return None;
        }
        let key = fold_name(kind, name);
        if key.is_empty() {
            self.say(
                Diagnostic::new(Code::EmptyName, format!("`{text}` has no name"))
                    .at(origin, format!("expected the name of a {}", kind.word())),
            );
            return None;
        }
        Some(Reference {
            kind,
            key,
            shown: name.trim().to_owned(),
            origin,
        })
    }

    /// The row's own id: its own prefix may stand and is dropped, another kind's is an error.
    pub(super) fn own_id(&mut self, kind: Option<Kind>) -> Option<Reference> {
        let cell = self.required("id")?;
        let text = cell.text();
        self.own_name("id", &text, cell.origin, kind)
    }

    /// A name in the id column or among the aliases.
    pub(super) fn own_name(
        &mut self,
        column: &str,
        text: &str,
        origin: Origin,
        kind: Option<Kind>,
    ) -> Option<Reference> {
        if let Some((found, _)) = Kind::split(text)
            && Some(found) != kind
        {
            self.say(
                Diagnostic::new(
                    Code::WrongKind,
                    format!(
                        "`{text}` in `{column}` of `{}` is a {}",
                        self.table.word(),
                        found.word()
                    ),
                )
                .at(origin, "expected a name without a prefix"),
            );
            return None;
        }
        let kind = kind.unwrap_or(Kind::Identity);
        self.parse_reference(column, text, origin, kind, &[kind])
    }
}
