//! Entries of the long lists of `tiers.json`, written as text without values in between: at a million
//! identities making strings and lists only to write them out takes longer than the solver. Their form
//! is that of [`report::IdentityEntry`], [`report::FootholdEntry`] and [`report::FindingEntry`]; a test
//! reads what is written into those types and back.

use std::io;

use crate::model::{RowRef, Word, add_row_key};
use crate::report::{self, Chain, Step, Term, UnlockSets, View};
use crate::solve::Answer;

/// Text of a JSON document in the making.
pub(super) struct Json<'t> {
    out: &'t mut Vec<u8>,
    /// Where the key of a row is put together.
    key: String,
}

impl<'t> Json<'t> {
    pub(super) fn new(out: &'t mut Vec<u8>) -> Self {
        Self {
            out,
            key: String::new(),
        }
    }

    /// Punctuation and names of fields.
    pub(super) fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// A string.
    fn text(&mut self, text: &str) {
        add_text(self.out, text);
    }

    /// Words of the tables need no escapes.
    fn word(&mut self, word: &str) {
        self.raw("\"");
        self.raw(word);
        self.raw("\"");
    }

    fn number(&mut self, number: impl itoa::Integer) {
        let mut digits = itoa::Buffer::new();
        self.raw(digits.format(number));
    }

    fn number_or_null(&mut self, number: Option<impl itoa::Integer>) {
        match number {
            Some(number) => self.number(number),
            None => self.raw("null"),
        }
    }

    fn is(&mut self, is: bool) {
        self.raw(if is { "true" } else { "false" });
    }

    /// The items of a list with commas between them.
    fn list<T>(&mut self, items: impl IntoIterator<Item = T>, mut item: impl FnMut(&mut Self, T)) {
        self.raw("[");
        for (at, one) in items.into_iter().enumerate() {
            if at > 0 {
                self.raw(",");
            }
            item(self, one);
        }
        self.raw("]");
    }

    /// The identity at a place of the scan.
    pub(super) fn identity(
        &mut self,
        view: &View<'_>,
        sets: &UnlockSets<'_>,
        at: usize,
        chain: Option<&Chain<'_>>,
    ) {
        let result = &view.scan.identities[at];
        let identity = &view.org.identities[result.identity as usize];
        let answer = result.answer.as_ref();
        self.raw("{\"id\":");
        self.text(view.shown(identity.asset));
        self.raw(",\"kind\":");
        self.word(identity.kind.word());
        self.raw(",\"name\":");
        self.text(view.org.text(identity.name));
        self.raw(",\"department\":");
        self.text(view.org.text(identity.department));
        self.raw(",\"enabled\":");
        self.is(identity.enabled);
        self.raw(",\"declared\":");
        self.is(identity.declared);
        self.raw(",\"tier\":");
        self.number_or_null(result.tier);
        for (name, rule) in [",\"rule\":", ",\"stricter\":"].iter().zip(result.rules) {
            if let Some(rule) = rule {
                self.raw(name);
                self.number(rule);
            }
        }
        self.raw(",\"previous_tier\":");
        self.number_or_null(identity.tier);
        self.raw(",\"change\":");
        match result.change {
            Some(change) => self.word(change.word()),
            None => self.raw("null"),
        }
        self.raw(",\"unlock_set\":");
        self.number_or_null(sets.of_identity(at));
        self.raw(",\"accounts_reached\":");
        self.number_or_null(answer.map(|answer| answer.accounts));
        self.raw(",\"mailboxes_reached\":");
        self.number_or_null(answer.map(|answer| answer.mailboxes));
        self.raw(",\"worst\":");
        self.worst(view, answer, chain);
        self.raw(",\"row\":");
        self.row(view, identity.row);
        self.raw("}");
    }

    /// The foothold at a place of the scan.
    pub(super) fn foothold(
        &mut self,
        view: &View<'_>,
        sets: &UnlockSets<'_>,
        at: usize,
        chain: Option<&Chain<'_>>,
    ) {
        let result = &view.scan.footholds[at];
        let asset = view.org.assets.get(result.asset);
        self.raw("{\"kind\":");
        self.word(asset.kind.word());
        self.raw(",\"name\":");
        self.text(asset.shown);
        self.raw(",\"unlock_set\":");
        self.number(sets.of_foothold(at));
        self.raw(",\"accounts_reached\":");
        self.number(result.answer.accounts);
        self.raw(",\"mailboxes_reached\":");
        self.number(result.answer.mailboxes);
        self.raw(",\"worst\":");
        self.worst(view, Some(&result.answer), chain);
        self.raw("}");
    }

    /// A row of the finding at a place of the scan, on a line of its own, as there may be one for every
    /// identity; with the first one what stands before them, with the last one (or where there is none)
    /// what stands behind.
    pub(super) fn finding_row(
        &mut self,
        view: &View<'_>,
        at: usize,
        row_at: usize,
    ) -> io::Result<()> {
        let finding = &view.scan.findings[at];
        if row_at == 0 {
            self.finding_begins(view, at);
        }
        if let Some(&row) = finding.rows.get(row_at) {
            self.raw(if row_at > 0 { ",\n      " } else { "\n      " });
            self.row(view, row);
        }
        if row_at + 1 < finding.rows.len() {
            return Ok(());
        }
        self.raw(if finding.rows.is_empty() {
            "]"
        } else {
            "\n    ]"
        });
        if let Some(waiver) = report::finding_waiver(view, at) {
            self.raw(",\"waived\":");
            serde_json::to_writer(&mut *self.out, &waiver)?;
        }
        self.raw("}");
        Ok(())
    }

    fn finding_begins(&mut self, view: &View<'_>, at: usize) {
        let finding = &view.scan.findings[at];
        self.raw("{\"code\":");
        self.word(finding.code.word());
        self.raw(",\"severity\":");
        self.word(finding.code.severity().word());
        self.raw(",\"message\":");
        self.text(&finding.message);
        let references = report::references(finding.code.word(), None);
        if !references.is_empty() {
            self.raw(",\"references\":");
            self.list(references, |json, reference| json.text(&reference));
        }
        self.raw(",\"rows\":[");
    }

    fn worst(&mut self, view: &View<'_>, answer: Option<&Answer>, chain: Option<&Chain<'_>>) {
        let worst = answer.and_then(|answer| answer.unlocks().first());
        let (Some(worst), Some(chain)) = (worst, chain) else {
            return self.raw("null");
        };
        self.raw("{\"system\":");
        self.text(view.system(worst.system));
        self.raw(",\"criticality\":");
        self.number(view.criticality(worst.system));
        self.raw(",\"hops\":");
        self.number(worst.hops);
        self.raw(",\"chain\":");
        self.list(chain.steps(), |json, step| json.step(view, step));
        if let Some((count, _)) = chain.omitted {
            self.raw(",\"omitted_steps\":");
            self.number(count);
        }
        self.raw("}");
    }

    fn step(&mut self, view: &View<'_>, step: Step<'_, '_>) {
        self.raw("{\"yields\":");
        self.term(view, step.yields);
        self.raw(",\"inputs\":");
        self.list(step.inputs, |json, &input| json.term(view, input));
        self.raw(",\"need\":");
        self.number(step.need);
        self.raw(",\"of\":");
        self.number(step.of);
        self.raw(",\"how\":");
        self.list(step.how, |json, how| json.text(how));
        self.raw(",\"recovery\":");
        self.is(step.is_recovery);
        self.raw(",\"hops\":");
        self.number(step.hops);
        if let Some(at) = step.process {
            let process = &view.org.processes[at as usize];
            self.raw(",\"process\":");
            self.text(&process.id);
            if let Some(accountable) = report::accountable(view, process) {
                self.raw(",\"accountable\":");
                self.text(accountable);
            }
        }
        self.raw(",\"rows\":");
        self.list(step.rows, |json, &row| json.row(view, row));
        self.raw("}");
    }

    fn term(&mut self, view: &View<'_>, term: Term) {
        self.raw("{\"kind\":");
        self.word(term.word(view));
        self.raw(",\"name\":");
        self.text(term.name(view));
        self.raw("}");
    }

    fn row(&mut self, view: &View<'_>, row: RowRef) {
        self.key.clear();
        add_row_key(view.org, row, &mut self.key);
        self.raw("{\"key\":");
        add_text(self.out, &self.key);
        let meta = view.org.meta(row);
        let (file, line) = meta.map_or(("", None), |meta| {
            report::place(view.org, view.sources, meta)
        });
        self.raw(",\"file\":");
        self.text(file);
        self.raw(",\"line\":");
        self.number_or_null(line);
        let provenance = meta.and_then(|meta| view.org.provenance(meta));
        let object = provenance.map_or("", |provenance| &provenance.object);
        if !object.is_empty() {
            self.raw(",\"object\":");
            self.text(object);
        }
        self.raw("}");
    }
}

/// Adds a JSON string. Nearly all names go between quotes as they are; `serde_json` escapes the others.
fn add_text(out: &mut Vec<u8>, text: &str) {
    let is_special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    // Without a way out of the loop it is done on many bytes at a time.
    let is_any_special = text
        .bytes()
        .fold(false, |found, byte| found | is_special(byte));
    if is_any_special && serde_json::to_writer(&mut *out, text).is_ok() {
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::add_text;

    #[test]
    fn strings_are_those_of_serde_json() {
        let all: String = (0..0x180).filter_map(char::from_u32).collect();
        let texts = [
            "",
            "plain",
            "a \"quoted\" name",
            "back\\slash",
            "\u{1f600}\u{2028}",
            &all,
        ];
        for text in texts {
            let mut out = Vec::new();
            add_text(&mut out, text);
            assert_eq!(
                String::from_utf8_lossy(&out),
                serde_json::to_string(text).unwrap_or_default()
            );
        }
    }
}
