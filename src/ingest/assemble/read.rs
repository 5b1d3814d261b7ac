//! One row's cells as values. What is wrong is collected; a row with an error is left out whole.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use super::Context;
use super::names::{At, Names, Reference, Several};
use crate::diag::{Code, Diagnostic, Origin, Severity, closest};
use crate::ingest::raw::{Cell, RawRow, trimmed};
use crate::ingest::schema::{self, Col};
use crate::model::{Change, Kind, Table, Traits, Word, fold_name};

/// A row that is being read.
pub(super) struct Row<'r, 't> {
    pub raw: &'r RawRow<'r, 't>,
    table: Table,
    lacks: u32,
    diagnostics: Vec<Diagnostic>,
    is_bad: bool,
}

impl<'r, 't> Row<'r, 't> {
    pub(super) fn new(context: Context, raw: &'r RawRow<'r, 't>) -> Self {
        Self {
            raw,
            table: context.table,
            lacks: context.lacks,
            is_bad: false,
            diagnostics: Vec::new(),
        }
    }

    pub(super) fn table(&self) -> Table {
        self.table
    }

    pub(super) fn is_bad(&self) -> bool {
        self.is_bad
    }

    /// What the row says, unless something is wrong with it.
    pub(super) fn good<T>(&self, said: T) -> Option<T> {
        (!self.is_bad).then_some(said)
    }

    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    pub(super) fn say(&mut self, diagnostic: Diagnostic) {
        self.is_bad |= diagnostic.severity == Severity::Error;
        self.diagnostics.push(diagnostic);
    }

    #[inline(always)]
    pub(super) fn cell(&self, column: Col) -> Option<Cell<'r, 't>> {
        self.raw.cell(column).filter(|cell| !cell.is_emptied())
    }

    /// The place of a column's cell, or of the row when the cell is empty.
    pub(super) fn origin(&self, column: Col) -> Origin {
        self.cell(column)
            .map_or(self.raw.origin, |cell| cell.origin)
    }

    /// Free text; empty when there is none.
    pub(super) fn text(&self, column: Col) -> Cow<'t, str> {
        self.cell(column).map(Cell::text).unwrap_or_default()
    }

    /// Says so when the cell is empty.
    #[inline(always)]
    pub(super) fn required(&mut self, column: Col) -> Option<Cell<'r, 't>> {
        let cell = self.cell(column);
        if cell.is_none() {
            self.say_missing(column);
        }
        cell
    }

    fn say_missing(&mut self, column: Col) {
        let is_lacking = self.lacks & 1u32.checked_shl(column.at.into()).unwrap_or(0) != 0;
        if is_lacking {
            // Said of the file already.
            self.is_bad = true;
            return;
        }
        let name = column.name;
        let message = format!("`{name}` is empty");
        self.say(Diagnostic::new(Code::MissingValue, message).at(
            self.raw.origin,
            format!(
                "expected a value for `{name}` in every row of `{}`",
                self.table.word()
            ),
        ));
    }

    /// What a row of a change set does; other rows do nothing of the kind.
    pub(super) fn change(&mut self, is_change: bool) -> Option<Change> {
        let column = schema::change(self.table);
        match (is_change, self.cell(column)) {
            (false, None) => None,
            (false, Some(cell)) => {
                self.say(
                    Diagnostic::new(Code::ChangeRow, "a row of a change set among tables")
                        .at(cell.origin, "a table that is read as it is has no `change`")
                        .help("`linchpin whatif INPUT --change FILE` tries changes out"),
                );
                None
            }
            (true, Some(_)) => self.word(column),
            (true, None) => {
                self.say(
                    Diagnostic::new(Code::ChangeRow, "a change that does not say what it does")
                        .at(self.raw.origin, "expected add, remove or set in `change`"),
                );
                None
            }
        }
    }

    /// A word of a closed list.
    pub(super) fn word<W: Word>(&mut self, column: Col) -> Option<W> {
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
            self.bad_value(column.name, cell.origin, &text, &words);
        }
        parsed
    }

    pub(super) fn boolean(&mut self, column: Col) -> Option<bool> {
        let cell = self.cell(column)?;
        let text = cell.text();
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Some(true),
            "false" | "no" | "0" => Some(false),
            _ => {
                self.bad_value(
                    column.name,
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
        column: Col,
        least: N,
        most: N,
    ) -> Option<N> {
        let cell = self.cell(column)?;
        let text = cell.text();
        let number = Some(&text)
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|text| text.parse::<N>().ok())
            .filter(|number| (&least..=&most).contains(&number));
        if number.is_none() {
            self.say(
                Diagnostic::new(
                    Code::BadNumber,
                    format!("`{text}` is no value of `{}`", column.name),
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
    pub(super) fn time(&mut self, column: Col) -> Option<i64> {
        let cell = self.cell(column)?;
        let text = cell.text();
        let time = Some(&text)
            .filter(|text| is_rfc3339(text))
            .and_then(|text| text.parse::<jiff::Timestamp>().ok())
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
        column: Col,
        default: Kind,
        allowed: &[Kind],
    ) -> Option<Reference<'t>> {
        let cell = self.cell(column)?;
        let text = cell.text();
        if text.contains(';') {
            self.say(
                Diagnostic::new(
                    Code::ListInSingle,
                    format!("`{}` takes one name; `{text}` is taken as one", column.name),
                )
                .at(cell.origin, "the `;` is part of the name")
                .help("one row per name"),
            );
        }
        self.parse_reference(column.name, text, cell.origin, default, allowed)
    }

    /// The same, kept among the others.
    pub(super) fn named(
        &mut self,
        names: &mut Names<'t>,
        column: Col,
        default: Kind,
        allowed: &[Kind],
    ) -> Option<At> {
        let cell = self.cell(column)?;
        let text = cell.written();
        let known = text.and_then(|text| names.recent(column, text, default));
        if known.is_some() {
            return known;
        }
        if let Some(text) = text
            && is_plain(text, default, allowed)
        {
            let at = names.push_plain(default, text, cell.origin);
            names.remember(column, Some(text), default, at);
            return Some(at);
        }
        let said = self.diagnostics.len();
        let reference = self.reference(column, default, allowed)?;
        let at = names.push(reference);
        if self.diagnostics.len() == said {
            names.remember(column, text, default, at);
        }
        Some(at)
    }

    /// References to several things, kept among the others.
    pub(super) fn named_all(
        &mut self,
        names: &mut Names<'t>,
        column: Col,
        default: Kind,
        allowed: &[Kind],
    ) -> Several {
        let Some(cell) = self.cell(column) else {
            return Several::default();
        };
        let items = cell.items().filter_map(|item| {
            self.parse_reference(column.name, item, cell.origin, default, allowed)
        });
        names.extend(items)
    }

    pub(super) fn parse_reference(
        &mut self,
        column: &str,
        text: Cow<'t, str>,
        origin: Origin,
        default: Kind,
        allowed: &[Kind],
    ) -> Option<Reference<'t>> {
        if let Cow::Borrowed(text) = text
            && is_plain(text, default, allowed)
        {
            return Some(Reference::plain(default, text, origin));
        }
        let has_colon = text.contains(':');
        let split = if has_colon { Kind::split(&text) } else { None };
        let (kind, name) = match split {
            None => (default, trimmed(&text)),
            Some((kind, name)) => (kind, part(&text, name.trim())),
        };
        if has_colon && split.is_none() {
            self.warn_near_prefix(&text, origin);
        }
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
        let key = match &name {
            Cow::Borrowed(name) => fold_name(kind, name),
            Cow::Owned(name) => Cow::Owned(fold_name(kind, name).into_owned()),
        };
        if key.is_empty() {
            self.say(
                Diagnostic::new(Code::EmptyName, format!("`{text}` has no name"))
                    .at(origin, format!("expected the name of a {}", kind.word())),
            );
            return None;
        }
        Some(Reference::new(kind, key, name, origin))
    }

    /// A name whose beginning nearly is a prefix: it is a name, and hardly meant as one.
    fn warn_near_prefix(&mut self, text: &str, origin: Origin) {
        let Some((prefix, _)) = text.split_once(':') else {
            return;
        };
        let prefix = prefix.trim().to_ascii_lowercase();
        let is_own = prefix == "own";
        let near = Kind::ALL.into_iter().map(Kind::word).find(|word| {
            prefix.len() > 3 && *word != prefix && strsim::damerau_levenshtein(word, &prefix) <= 2
        });
        if near.is_none() && !is_own {
            return;
        }
        let diagnostic = Diagnostic::new(
            Code::NearPrefix,
            format!("`{text}` is taken as a name; `{prefix}:` is no kind"),
        );
        self.say(match near {
            Some(near) => diagnostic
                .at(origin, "the whole of it is the name")
                .help(format!("did you mean `{near}:`?")),
            None => diagnostic.at(origin, "the whole of it is the name").help(
                "the target's own are own:mailbox, own:phone, own:device and own:owner, as a source",
            ),
        });
    }

    /// The row's own id: its own prefix may stand and is dropped, another kind's is an error.
    pub(super) fn own_id(&mut self, kind: Option<Kind>) -> Option<Reference<'t>> {
        let cell = self.required(schema::ID)?;
        self.own_name("id", cell.text(), cell.origin, kind)
    }

    /// A name in the id column or among the aliases.
    pub(super) fn own_name(
        &mut self,
        column: &str,
        text: Cow<'t, str>,
        origin: Origin,
        kind: Option<Kind>,
    ) -> Option<Reference<'t>> {
        if let Some((found, _)) = Kind::split(&text)
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

/// Whether a name needs no thought, as most do not: no kind stands before it, it is one, and it is
/// compared as it is written.
fn is_plain(text: &str, kind: Kind, allowed: &[Kind]) -> bool {
    let traits = Traits::of(text);
    !traits.has_colon()
        && !traits.has_semicolon()
        && traits.is_compared_as_written(kind, text)
        && !text.is_empty()
        && allowed.contains(&kind)
}

/// A part of a text that borrows from where the text does.
fn part<'t>(text: &Cow<'t, str>, part: &str) -> Cow<'t, str> {
    match text {
        Cow::Owned(_) => Cow::Owned(part.to_owned()),
        Cow::Borrowed(text) => {
            // A part of the text lies inside it, so the distance of the two is its place.
            let start = (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
            let found = text.get(start..start.wrapping_add(part.len()));
            found.map_or_else(|| Cow::Owned(part.to_owned()), Cow::Borrowed)
        }
    }
}

/// Whether a text has the form of an RFC 3339 time; whether there is such a day is for others to say.
fn is_rfc3339(text: &str) -> bool {
    let matches = |text: &str, form: &str| {
        text.len() == form.len()
            && text
                .bytes()
                .zip(form.bytes())
                .all(|(byte, form)| match form {
                    b'0' => byte.is_ascii_digit(),
                    form => byte.eq_ignore_ascii_case(&form),
                })
    };
    let Some((time, rest)) = text.split_at_checked("0000-00-00T00:00:00".len()) else {
        return false;
    };
    let zone = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if zone.len() == fraction.len() {
                return false;
            }
            zone
        }
    };
    matches(time, "0000-00-00T00:00:00")
        && (matches(zone, "Z") || matches(zone, "+00:00") || matches(zone, "-00:00"))
}

#[cfg(test)]
mod tests {
    use super::is_rfc3339;

    #[test]
    fn times_have_one_form() {
        for good in ["2026-01-02T03:04:05Z", "2026-01-02t03:04:05.123+01:00"] {
            assert!(is_rfc3339(good), "{good}");
        }
        for bad in [
            "2026-01-01T00Z",
            "20260101T000000Z",
            "2026-01-02T03:04:05+02:00[Europe/Paris]",
            "-000044-03-15T00:00:00Z",
            "2026-01-02T03:04:05",
            "2026-01-02T03:04:05.Z",
        ] {
            assert!(!is_rfc3339(bad), "{bad}");
        }
    }
}
