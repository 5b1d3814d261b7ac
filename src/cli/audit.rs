//! `linchpin audit`: did the resets that took place obey, and what would stricter tiers have cost.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::args::{AuditArgs, AuditCondition, AuditForm, Format, NOT_HELD};
use super::complaints;
use super::console::Console;
use super::evidence;
use super::loaded::Loaded;
use super::rulebook::Rulebook;
use super::{Exit, Failure};
use crate::analyze::audit::{self, Friction, Held, Needs, Violation, Wrong};
use crate::diag::Sources;
use crate::ingest::policy;
use crate::model::{Kind, Organisation, Policy};
use crate::report::{self, Document, View, ViolationEntry, clipped, visible};
use crate::write;

/// Columns of a line.
const COLUMNS: usize = 118;
/// Who answers where the process has no owner for it.
const GAP: &str = "nobody (a gap)";
/// And where the tables do not know the process.
const UNKNOWN: &str = "unknown (no process of theirs is declared)";
/// Departments, and owners, that are told before the rest is counted.
const DEPARTMENTS: usize = 8;

pub(super) fn run(args: &AuditArgs, console: &Console) -> Result<Exit, Failure> {
    let format = args.read.format;
    let Some(loaded) = Loaded::new(&args.read, &args.scenario, console)? else {
        return Ok(Exit::Bad);
    };
    let view = loaded.view();
    // A quiet month has a table without rows.
    let is_log =
        |holds: &str| holds.contains("-log") || holds.split(", ").any(|one| one == "resets");
    let has_log = view.org.inputs.iter().any(|input| is_log(&input.holds));
    if view.org.resets.is_empty() && !has_log {
        return Err(Failure::Usage(
            "the inputs hold no reset: add a table `resets` or a log; `linchpin sources` lists those that are understood".to_owned(),
        ));
    }
    let today = tiers_of_today(&view);
    let (tiers, whose) = match &args.tiers {
        None => (today.clone(), "of today".to_owned()),
        Some(path) => {
            console.note(|notes| notes.inputs.push(evidence::named("tiers", path)));
            let tiers = tiers_of_file(path, view.org)?;
            (tiers, format!("of {}", path.display()))
        }
    };
    let held = Held {
        org: view.org,
        program: view.program,
        policy: view.policy,
        standing_only: view.options.standing_only,
        tiers: &tiers,
    };
    let audit::Audited {
        violations,
        repeats,
    } = audit::audit(held);
    let forecast = audit::friction(Held {
        tiers: &today,
        ..held
    });
    let other = args
        .compare
        .as_deref()
        .map(|path| compared(path, &loaded, &view, format, console))
        .transpose()?;
    let told = Told {
        view: &view,
        violations: &violations,
        repeats,
        whose,
        without_tier: without_tier(view.org, &tiers),
        forecasts: std::iter::once((view.policy.name.to_string(), forecast))
            .chain(other)
            .collect(),
    };
    let form = match (args.form, format) {
        (AuditForm::Text, Format::Json) => AuditForm::Json,
        (form, _) => form,
    };
    let holds = conditions(&violations, told.without_tier, &args.fail_on);
    match form {
        AuditForm::Text => console.out(&told.text(args.top as usize))?,
        AuditForm::Json => console.out(&told.json(&holds))?,
        AuditForm::Csv => {
            let entries: Vec<ViolationEntry<'_>> = told.entries().collect();
            let mut csv = Vec::new();
            write::write_violations(&entries, args.csv_guard, &mut csv)?;
            console.out(&String::from_utf8_lossy(&csv))?;
        }
    }
    for condition in &holds {
        complaints::remark(console, format, &format!("--fail-on {condition} holds"));
    }
    Ok(if holds.is_empty() {
        Exit::Done
    } else {
        Exit::Condition
    })
}

fn tiers_of_today(view: &View<'_>) -> Vec<Option<u8>> {
    let mut tiers = vec![None; view.org.identities.len()];
    for result in &view.scan.identities {
        tiers[result.identity as usize] = result.tier;
    }
    tiers
}

/// How many resets are of accounts that had no tier, or that nobody knows.
fn without_tier(org: &Organisation, tiers: &[Option<u8>]) -> usize {
    let resets = org.resets.iter().filter(|reset| {
        let place = reset
            .identity
            .and_then(|asset| org.identity_of[asset.index()]);
        place.is_none_or(|at| tiers[at as usize].is_none())
    });
    resets.count()
}

/// The forecast of another policy, with its tiers.
fn compared(
    path: &Path,
    loaded: &Loaded,
    view: &View<'_>,
    format: Format,
    console: &Console,
) -> Result<(String, Friction), Failure> {
    console.note(|notes| notes.rules.push(evidence::named("policy", path)));
    let mut sources = Sources::default();
    let policy = policy::read(path, &mut sources).map_err(|said| {
        complaints::print(console, format, &sources, &said, false);
        Failure::Usage("the policy of --compare cannot be applied".to_owned())
    })?;
    let rulebook: &Rulebook = &loaded.rulebook;
    let judge = rulebook.judge_by(&policy, view.org, view.options);
    let mut tiers = vec![None; view.org.identities.len()];
    for result in &view.scan.identities {
        let verdict = result
            .answer
            .as_ref()
            .map(|answer| judge.verdict(view.org, result.identity, answer, &view.scan.criticality));
        tiers[result.identity as usize] = verdict.map(|verdict| verdict.tier);
    }
    let held = Held {
        org: view.org,
        program: view.program,
        policy: &policy,
        standing_only: view.options.standing_only,
        tiers: &tiers,
    };
    let name = match name_of(&policy, path) {
        name if *name == *view.policy.name => path.display().to_string(),
        name => name,
    };
    Ok((name, audit::friction(held)))
}

fn name_of(policy: &Policy, path: &Path) -> String {
    match &*policy.name {
        "unnamed" => path.display().to_string(),
        name => name.to_owned(),
    }
}

/// The tiers of an earlier scan, by `tiers.csv` or `tiers.json`.
fn tiers_of_file(path: &Path, org: &Organisation) -> Result<Vec<Option<u8>>, Failure> {
    let shown = path.display();
    let usage = |what: String| Failure::Usage(format!("--tiers: {what}"));
    let text = std::fs::read_to_string(path)
        .map_err(|error| usage(format!("cannot read `{shown}`: {error}")))?;
    let text = text.trim_start_matches('\u{feff}');
    let mut known: Vec<(String, Option<u8>)> = Vec::new();
    if text.trim_start().starts_with('{') {
        let document: Document<'_> = serde_json::from_str(text).map_err(|error| {
            usage(format!(
                "`{shown}` is no tiers.json of this version: {error}"
            ))
        })?;
        let identities = document.identities.iter();
        known.extend(identities.map(|one| (one.id.to_string(), one.tier)));
    } else {
        let mut rows = csv::Reader::from_reader(text.as_bytes());
        let header = rows.headers().cloned();
        let header = header.map_err(|error| usage(format!("`{shown}`: {error}")))?;
        let column = |name: &str| header.iter().position(|column| column == name);
        let (Some(identity), Some(tier)) = (column("identity"), column("tier")) else {
            let what = "expected the columns `identity` and `tier`, as in tiers.csv";
            return Err(usage(format!("`{shown}`: {what}")));
        };
        for row in rows.records() {
            let row = row.map_err(|error| usage(format!("`{shown}`: {error}")))?;
            let text = row.get(tier).unwrap_or_default().trim();
            let level = match text {
                "" => None,
                text => Some(text.parse().ok().filter(|tier| *tier < 4).ok_or_else(|| {
                    let line = row.position().map_or(0, csv::Position::line);
                    usage(format!(
                        "{shown}:{line}: `{text}` is no tier, expected 0 to 3"
                    ))
                })?),
            };
            known.push((row.get(identity).unwrap_or_default().to_owned(), level));
        }
    }
    let mut tiers = vec![None; org.identities.len()];
    let mut met = 0;
    for (name, tier) in known {
        let asset = org.assets.find_spelled(Kind::Identity, &name);
        if let Some(at) = asset.and_then(|asset| org.identity_of[asset.index()]) {
            tiers[at as usize] = tier;
            met += 1;
        }
    }
    if met == 0 {
        let what = "names none of the identities of the inputs";
        return Err(usage(format!("`{shown}` {what}")));
    }
    Ok(tiers)
}

fn conditions(violations: &[Violation], not_held: usize, asked: &[AuditCondition]) -> Vec<String> {
    let count = |kind: Option<Wrong>| {
        let mine = violations.iter();
        mine.filter(|one| kind.is_none_or(|kind| kind == one.kind))
            .count()
    };
    let counted = asked.iter().map(|condition| match condition {
        AuditCondition::Any => ("any", count(None)),
        AuditCondition::Kind(kind) => (kind.word(), count(Some(*kind))),
        AuditCondition::NotHeld => (NOT_HELD, not_held),
    });
    counted
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| format!("{word} ({count})"))
        .collect()
}

struct Told<'v, 'a> {
    view: &'v View<'a>,
    violations: &'v [Violation],
    repeats: usize,
    whose: String,
    without_tier: usize,
    /// By the name of the policy.
    forecasts: Vec<(String, Friction)>,
}

impl<'a> Told<'_, 'a> {
    fn entries(&self) -> impl Iterator<Item = ViolationEntry<'a>> {
        self.violations
            .iter()
            .map(|one| report::violation_entry(self.view, one))
    }

    fn text(&self, top: usize) -> String {
        let mut text = String::new();
        let resets = self.view.org.resets.len();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{} held against the tiers {} by the policy `{}`",
            complaints::counted(resets, "reset"),
            visible(&self.whose),
            visible(&self.view.policy.name)
        );
        if self.repeats > 0 {
            let _ = writeln!(
                text,
                "{} of them repeat another one: a ticket and the record of a directory of one reset",
                self.repeats
            );
        }
        if self.without_tier > 0 {
            let _ = writeln!(
                text,
                "{} of them are of accounts that have no tier there: held against nothing",
                self.without_tier
            );
        }
        let mut kinds: BTreeMap<Wrong, usize> = BTreeMap::new();
        for one in self.violations {
            *kinds.entry(one.kind).or_default() += 1;
        }
        if kinds.is_empty() {
            let held = resets - self.without_tier;
            text.push_str(match (resets, held) {
                (0, _) => "\nthere was no reset\n",
                (_, 0) => "\nnothing can be said: none of them was held against anything\n",
                (_, held) if held < resets => "\nevery reset that was held against a tier obeyed\n",
                _ => "\nevery reset obeyed\n",
            });
        } else {
            let count = complaints::counted(self.violations.len(), "violation");
            let _ = writeln!(text, "\n{count}");
            for (kind, count) in &kinds {
                let line = format!("{count:>7}  {:<24}{}", kind.word(), kind.control());
                let _ = writeln!(text, "{}", clipped(&line, COLUMNS));
            }
            self.by_owner(&mut text);
            self.worst(&mut text, top);
        }
        self.forecast(&mut text);
        text
    }

    /// Who answers for how many.
    fn by_owner(&self, text: &mut String) {
        let mut owners: BTreeMap<String, usize> = BTreeMap::new();
        for entry in self.entries() {
            let nobody = if entry.is_gap { GAP } else { UNKNOWN };
            let owner = entry.accountable.unwrap_or_else(|| nobody.to_owned());
            *owners.entry(owner).or_default() += 1;
        }
        let mut owners: Vec<(String, usize)> = owners.into_iter().collect();
        owners.sort_by(|one, two| two.1.cmp(&one.1).then_with(|| one.0.cmp(&two.0)));
        let told = owners.iter().take(DEPARTMENTS);
        let told = told.map(|(owner, count)| format!("{owner} {count}"));
        let mut line = format!("answered for by: {}", told.collect::<Vec<_>>().join(", "));
        if owners.len() > DEPARTMENTS {
            let _ = write!(line, ", and {} others", owners.len() - DEPARTMENTS);
        }
        let _ = writeln!(text, "\n{}", clipped(&visible(&line), COLUMNS));
    }

    fn worst(&self, text: &mut String, top: usize) {
        let mut entries: Vec<ViolationEntry<'_>> = self.entries().collect();
        // By tier, then in the order of the rows.
        entries.sort_by_key(|entry| entry.tier);
        let _ = writeln!(text, "\nthe strictest tiers first");
        for entry in entries.iter().take(top) {
            let tier = entry.tier.map_or("-".to_owned(), |tier| tier.to_string());
            let line = format!(
                "  tier {tier}  {}  {}: {}",
                entry.kind, entry.identity, entry.detail
            );
            let _ = writeln!(text, "{}", clipped(&visible(&line), COLUMNS));
            let place = entry.rows.last().map_or_else(String::new, |row| {
                let line = row.line.map_or_else(String::new, |line| format!(":{line}"));
                format!("{}{line}", row.file)
            });
            let accountable = match (&entry.accountable, entry.is_gap) {
                (Some(owner), false) => owner.clone(),
                (Some(owner), true) => format!("{owner} (nobody owns the stage)"),
                (None, true) => GAP.to_owned(),
                (None, false) => UNKNOWN.to_owned(),
            };
            let line = format!(
                "          {place}  {} by {}, {}; {} stage, accountable {accountable}",
                entry.process,
                entry.agent.as_deref().unwrap_or("nobody on record"),
                entry.time,
                entry.stage,
            );
            let _ = writeln!(text, "{}", clipped(&visible(&line), COLUMNS));
        }
        if entries.len() > top {
            let _ = writeln!(
                text,
                "  and {} more; --top tells more of them, --as csv all",
                entries.len() - top
            );
        }
    }

    fn forecast(&self, text: &mut String) {
        text.push_str(
            "\nhad these tiers been in force, the same resets would have needed\n  policy                    harder  proofing  process  approvals  sessions  waiting (hours)\n",
        );
        for (name, found) in &self.forecasts {
            let _ = writeln!(text, "  {}", needs_line(name, &found.all));
        }
        if let Some((_, found)) = self.forecasts.first() {
            let mut departments: Vec<(&String, &Needs)> = found.departments.iter().collect();
            departments.sort_by(|one, two| {
                (two.1.waiting, two.1.harder, one.0).cmp(&(one.1.waiting, one.1.harder, two.0))
            });
            for (name, needs) in departments.iter().take(DEPARTMENTS) {
                let name = if name.is_empty() {
                    "(no department)"
                } else {
                    name
                };
                let _ = writeln!(text, "    {}", needs_line(name, needs));
            }
            if departments.len() > DEPARTMENTS {
                let more = departments.len() - DEPARTMENTS;
                let _ = writeln!(
                    text,
                    "    and {more} departments more; --format json has all"
                );
            }
        }
    }

    fn json(&self, holds: &[String]) -> String {
        let forecasts = self.forecasts.iter().map(|(name, found)| {
            let departments: BTreeMap<&String, Value> = found
                .departments
                .iter()
                .map(|(name, needs)| (name, needs_json(needs)))
                .collect();
            json!({
                "policy": name,
                "all": needs_json(&found.all),
                "tiers": found.tiers.iter().map(needs_json).collect::<Vec<_>>(),
                "departments": departments,
            })
        });
        let entries: Vec<ViolationEntry<'_>> = self.entries().collect();
        format!(
            "{:#}\n",
            json!({
                "resets": self.view.org.resets.len(),
                "tiers": self.whose,
                "policy": self.view.policy.name,
                "repeats": self.repeats,
                "without_tier": self.without_tier,
                "violations": entries,
                "forecast": forecasts.collect::<Vec<_>>(),
                "conditions": holds,
            })
        )
    }
}

fn needs_line(name: &str, needs: &Needs) -> String {
    format!(
        "{:<24}{:>8}{:>10}{:>9}{:>11}{:>10}{:>17}",
        clipped(&visible(name), 23),
        needs.harder,
        needs.proofing,
        needs.process,
        needs.approvals,
        needs.sessions,
        needs.waiting / 3600
    )
}

fn needs_json(needs: &Needs) -> Value {
    json!({
        "resets": needs.resets,
        "harder": needs.harder,
        "proofing": needs.proofing,
        "process": needs.process,
        "approvals": needs.approvals,
        "sessions": needs.sessions,
        "waiting_seconds": needs.waiting,
    })
}
