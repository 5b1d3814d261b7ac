//! Files of tier policies: TOML.

use std::path::Path;

use jiff::{Span, SpanRelativeTo, Unit};
use serde::Deserialize;
use toml::Spanned;

use crate::diag::{Code, Diagnostic, FileId, Origin, Sources, closest};
use crate::model::{Demand, Effect, Policy, Rule, TIERS, Watch, When, Word, fold, sha256};

/// The policy that is built in, with its comments.
pub const DEFAULT: &str = include_str!("../../data/policy/default.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Option<String>,
    otherwise: Option<Spanned<i64>>,
    #[serde(default)]
    rule: Vec<Spanned<RuleText>>,
    #[serde(default)]
    tier: Tiers,
    #[serde(default)]
    audit: AuditText,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tiers {
    #[serde(rename = "0", default)]
    zero: DemandText,
    #[serde(rename = "1", default)]
    one: DemandText,
    #[serde(rename = "2", default)]
    two: DemandText,
    #[serde(rename = "3", default)]
    three: DemandText,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    name: Option<String>,
    criticality: Option<Spanned<i64>>,
    systems_at_least: Option<Spanned<i64>>,
    hops_at_most: Option<Spanned<i64>>,
    accounts_at_least: Option<Spanned<i64>>,
    mailboxes_at_least: Option<Spanned<i64>>,
    #[serde(default)]
    kind: Vec<Spanned<String>>,
    #[serde(default)]
    group: Vec<String>,
    #[serde(default)]
    department: Vec<String>,
    #[serde(default)]
    signal: Vec<Spanned<String>>,
    within: Option<Spanned<String>>,
    tier: Option<Spanned<i64>>,
    fixed: Option<Spanned<i64>>,
    stricter: Option<Spanned<i64>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DemandText {
    proofing: Option<Spanned<String>>,
    or_methods: Option<Spanned<i64>>,
    methods: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    forbidden_methods: Vec<Spanned<String>>,
    channels: Option<Vec<Spanned<String>>>,
    processes: Option<Vec<String>>,
    approvers: Option<Spanned<i64>>,
    #[serde(default)]
    approver_kinds: Vec<Spanned<String>>,
    #[serde(default)]
    approvers_outside: bool,
    hold_hours: Option<Spanned<i64>>,
    #[serde(default)]
    revoke_sessions: bool,
    #[serde(default)]
    logged: bool,
    #[serde(default)]
    notify: Vec<String>,
    #[serde(default)]
    escalation: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditText {
    both_within: Option<Spanned<String>>,
    burst: Option<Spanned<i64>>,
    burst_within: Option<Spanned<String>>,
    signal_within: Option<Spanned<String>>,
    same_within: Option<Spanned<String>>,
}

/// The policy that is built in.
#[must_use]
pub fn built_in() -> Policy {
    let mut sources = Sources::default();
    let file = sources.add("default".to_owned(), "default".to_owned(), String::new());
    // It is part of the program, and a test reads it.
    parse(DEFAULT, file).unwrap_or_else(|_| Policy::empty())
}

/// Reads a policy; what is wrong with it is said with its place.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn read(path: &Path, sources: &mut Sources) -> Result<Policy, Vec<Diagnostic>> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot read `{shown}`: {error}");
        vec![Diagnostic::new(Code::UnreadableFile, message)]
    })?;
    let file = sources.add(shown.clone(), shown, text.clone());
    parse(&text, file)
}

fn parse(text: &str, file: FileId) -> Result<Policy, Vec<Diagnostic>> {
    let mut reader = Reader {
        file,
        said: Vec::new(),
    };
    let written: File = toml::from_str(text).map_err(|error| {
        let message = format!("this is no policy: {}", error.message());
        let origin = reader.at(error.span().unwrap_or(0..0));
        let help = "`linchpin policy` prints one with all there is to say";
        vec![
            Diagnostic::new(Code::BadSyntax, message)
                .at(origin, "here")
                .help(help),
        ]
    })?;
    let rules = written
        .rule
        .into_iter()
        .filter_map(|rule| reader.rule(rule));
    let rules: Vec<Rule> = rules.collect();
    let Tiers {
        zero,
        one,
        two,
        three,
    } = written.tier;
    let policy = Policy {
        name: written.name.unwrap_or_else(|| "unnamed".to_owned()).into(),
        rules,
        otherwise: reader
            .number(written.otherwise, 0..=TIERS as i64 - 1)
            .unwrap_or(TIERS as u32 - 1) as u8,
        demands: [zero, one, two, three].map(|demand| reader.demand(demand)),
        watch: reader.watch(written.audit),
        sha256: sha256(text.as_bytes()).into(),
    };
    if reader.said.is_empty() {
        Ok(policy)
    } else {
        Err(reader.said)
    }
}

struct Reader {
    file: FileId,
    said: Vec<Diagnostic>,
}

impl Reader {
    fn at(&self, span: std::ops::Range<usize>) -> Origin {
        Origin {
            file: self.file,
            start: span.start as u32,
            len: span.len() as u32,
        }
    }

    fn bad(&mut self, message: String, span: std::ops::Range<usize>, expected: impl Into<String>) {
        let origin = self.at(span);
        let said = Diagnostic::new(Code::BadValue, message).at(origin, expected);
        self.said.push(said);
    }

    fn rule(&mut self, rule: Spanned<RuleText>) -> Option<Rule> {
        let span = rule.span();
        let rule = rule.into_inner();
        let tiers = 0..=TIERS as i64 - 1;
        let has_signal = !rule.signal.is_empty();
        let effects = [
            self.number(rule.tier, tiers.clone())
                .map(|tier| Effect::Tier(tier as u8)),
            self.number(rule.fixed, tiers)
                .map(|tier| Effect::Fixed(tier as u8)),
            self.number(rule.stricter, 1..=TIERS as i64 - 1)
                .map(|by| Effect::Stricter(by as u8)),
        ];
        let name: Box<str> = rule
            .name
            .unwrap_or_else(|| "unnamed rule".to_owned())
            .into();
        let mut effects = effects.into_iter().flatten();
        let effect = match (effects.next(), effects.next()) {
            (Some(effect), None) => Some(effect),
            _ => {
                // A bad number has been told already.
                if self.said.is_empty() {
                    let message = format!("the rule `{name}` does not do one thing");
                    let expected = "expected one of tier, fixed, stricter";
                    self.bad(message, span.clone(), expected);
                }
                None
            }
        };
        let within = rule.within.and_then(|text| {
            if !has_signal {
                let message = "`within` without `signal`".to_owned();
                self.bad(message, text.span(), "expected beside signal = [\"any\"]");
                return None;
            }
            self.seconds(text)
        });
        let any = |word: &Spanned<String>| word.get_ref().eq_ignore_ascii_case("any");
        let signals = if rule.signal.iter().any(any) {
            crate::model::SignalKind::WORDS
                .iter()
                .map(|(_, kind)| *kind)
                .collect()
        } else {
            self.words("signal", rule.signal)
        };
        let small = 0..=i64::from(u32::MAX);
        let when = When {
            criticality: self
                .number(rule.criticality, 0..=2)
                .map(|level| level as u8),
            systems_at_least: self.number(rule.systems_at_least, 1..=*small.end()),
            hops_at_most: self.number(rule.hops_at_most, small.clone()),
            accounts_at_least: self.number(rule.accounts_at_least, small.clone()),
            mailboxes_at_least: self.number(rule.mailboxes_at_least, small),
            kinds: self.words("kind", rule.kind),
            groups: rule.group.into_iter().map(Into::into).collect(),
            departments: rule
                .department
                .iter()
                .map(|name| fold(name.trim()).into())
                .collect(),
            signals,
            within,
        };
        Some(Rule {
            name,
            when,
            effect: effect?,
        })
    }

    fn demand(&mut self, demand: DemandText) -> Demand {
        let few = 0..=1000;
        Demand {
            proofing: demand
                .proofing
                .and_then(|word| self.word("proofing", &word)),
            or_methods: self.number(demand.or_methods, 1..=20),
            methods: demand.methods.map(|words| self.words("methods", words)),
            forbidden_methods: self.words("forbidden_methods", demand.forbidden_methods),
            channels: demand.channels.map(|words| self.words("channels", words)),
            processes: demand
                .processes
                .map(|names| names.into_iter().map(Into::into).collect()),
            approvers: self.number(demand.approvers, few.clone()).unwrap_or(0),
            approver_kinds: self.words("approver_kinds", demand.approver_kinds),
            approvers_outside: demand.approvers_outside,
            hold_hours: self.number(demand.hold_hours, 0..=100_000).unwrap_or(0),
            revoke_sessions: demand.revoke_sessions,
            logged: demand.logged,
            notify: demand.notify.into_iter().map(Into::into).collect(),
            escalation: demand.escalation,
        }
    }

    fn watch(&mut self, audit: AuditText) -> Watch {
        let mut seconds = |text: Option<Spanned<String>>| text.and_then(|text| self.seconds(text));
        const HOUR: i64 = 3600;
        Watch {
            both_within: seconds(audit.both_within).unwrap_or(24 * HOUR),
            burst_within: seconds(audit.burst_within).unwrap_or(HOUR),
            signal_within: seconds(audit.signal_within),
            same_within: seconds(audit.same_within).unwrap_or(2 * HOUR),
            burst: self.number(audit.burst, 2..=1_000_000).unwrap_or(10),
        }
    }

    fn number(
        &mut self,
        number: Option<Spanned<i64>>,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<u32> {
        let number = number?;
        let value = *number.get_ref();
        if range.contains(&value) {
            return Some(value as u32);
        }
        let message = format!("{value} is out of range");
        let expected = format!(
            "expected a number from {} to {}",
            range.start(),
            range.end()
        );
        self.bad(message, number.span(), expected);
        None
    }

    fn words<W: Word>(&mut self, what: &str, words: Vec<Spanned<String>>) -> Vec<W> {
        let words = words.iter().filter_map(|word| self.word(what, word));
        words.collect()
    }

    fn word<W: Word>(&mut self, what: &str, word: &Spanned<String>) -> Option<W> {
        let text = word.get_ref().trim();
        let known = W::parse(text);
        if known.is_none() {
            let words = W::WORDS.iter().map(|(word, _)| *word);
            let hint = closest(text, words.clone());
            let expected = hint.map_or_else(
                || format!("expected one of {}", words.collect::<Vec<_>>().join(", ")),
                |close| format!("did you mean `{close}`?"),
            );
            let message = format!("`{text}` is no word of `{what}`");
            self.bad(message, word.span(), expected);
        }
        known
    }

    /// A time like `90 days` or `36 hours` in seconds; days have 24 hours.
    fn seconds(&mut self, text: Spanned<String>) -> Option<i64> {
        let span = text.get_ref().trim().parse::<Span>();
        let total =
            span.and_then(|span| span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())));
        match total {
            Ok(seconds) if seconds >= 0.0 => Some(seconds as i64),
            _ => {
                let message = format!("`{}` is no length of time", text.get_ref());
                let expected = "expected one as `90 days`, `36 hours` or `2 weeks`";
                self.bad(message, text.span(), expected);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IdentityKind, Proofing, SignalKind};

    fn told(text: &str) -> Vec<(String, u32)> {
        let mut sources = Sources::default();
        let file = sources.add("p".to_owned(), "p".to_owned(), text.to_owned());
        let said = parse(text, file).err().unwrap_or_default();
        said.iter()
            .map(|said| (said.message.clone(), said.origin.map_or(0, |at| at.start)))
            .collect()
    }

    #[test]
    fn the_one_that_is_built_in_is_read_whole() {
        let policy = built_in();
        assert_eq!(&*policy.name, "default");
        assert_eq!(policy.rules, Policy::default().rules);
        assert_eq!(policy.otherwise, 3);
        assert_eq!(policy.rules[3].when.kinds, [IdentityKind::BreakGlass]);
        assert_eq!(policy.rules[4].when.signals.len(), SignalKind::WORDS.len());
        assert_eq!(policy.rules[4].when.within, None);
        assert_eq!(policy.demands[0].proofing, Some(Proofing::Ial2));
        assert_eq!(policy.demands[0].approvers, 2);
        assert_eq!(policy.watch.both_within, 86_400);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let text = "[[rule]]\ntier = 4\n\n[tier.0]\nproofing = \"ial9\"\nhold_hours = -1\n";
        assert_eq!(
            told(text),
            [
                ("4 is out of range".to_owned(), 16),
                ("`ial9` is no word of `proofing`".to_owned(), 39),
                ("-1 is out of range".to_owned(), 59),
            ]
        );
        let both = told("[[rule]]\nname = \"x\"\ntier = 0\nfixed = 1\n");
        assert_eq!(both[0].0, "the rule `x` does not do one thing");
        let none = told("[[rule]]\nname = \"x\"\nkind = [\"admin\"]\n");
        assert_eq!(none[0].0, "the rule `x` does not do one thing");
        let within = told("[[rule]]\ntier = 0\nwithin = \"90 days\"\n");
        assert_eq!(within[0], ("`within` without `signal`".to_owned(), 27));
        let soon = told("[[rule]]\nstricter = 1\nsignal = [\"any\"]\nwithin = \"soon\"\n");
        assert_eq!(soon[0].0, "`soon` is no length of time");
        let other = told("[[rule]]\ntier = 0\ncolour = \"red\"\n");
        assert!(other[0].0.contains("unknown field `colour`"), "{other:?}");
    }
}
