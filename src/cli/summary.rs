//! What a scan says when it is done: a screenful for people, one object for scripts.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use indexmap::IndexMap;
use serde_json::json;

use super::complaints::counted;
use super::rulebook;
use crate::analyze::{Change, IdentityResult, WaiverState};
use crate::model::{Effect, Policy};
use crate::report::{self, View, chain, clipped, visible};

/// Columns of a line.
const COLUMNS: usize = 110;
/// Identities and footholds that are named.
const NAMED: usize = 6;
/// Raises whose chains are compared, the furthest first.
const COMPARED: usize = 1000;

/// What was written.
pub(super) struct Written {
    pub files: Vec<PathBuf>,
    pub rows_left_out: u64,
    pub files_cut: u64,
}

/// What bad input cost.
pub(super) fn lost(rows: u64, files: u64) -> String {
    let rows = counted(rows as usize, "bad row");
    match files {
        0 => rows,
        1 => format!("{rows} and what follows in 1 broken file"),
        files => format!("{rows} and what follows in {files} broken files"),
    }
}

/// The identities whose tier must rise, by how far, then in the order of `tiers.csv`.
fn raises<'a>(view: &View<'a>) -> Vec<(&'a IdentityResult, u8, u8)> {
    let mut raises: Vec<_> = view
        .scan
        .identities
        .iter()
        .filter(|result| result.change == Some(Change::Raise))
        .filter_map(|result| {
            let before = view.org.identities[result.identity as usize].tier?;
            Some((result, before, result.tier?))
        })
        .collect();
    raises.sort_by_key(|(_, before, now)| std::cmp::Reverse(before - now));
    raises
}

fn identities(count: u64) -> String {
    if count == 1 {
        "1 identity".to_owned()
    } else {
        format!("{count} identities")
    }
}

/// What puts accounts into a tier: in a few words by the policy that is built in, else by the rules' names.
fn meaning(policy: &Policy, tier: u8) -> String {
    let usual = Policy::default().rules;
    let is_usual = policy.rules.len() == usual.len()
        && policy
            .rules
            .iter()
            .zip(&usual)
            .all(|(one, two)| one.when == two.when && one.effect == two.effect);
    if is_usual && policy.otherwise == 3 {
        return match tier {
            0 => "can bring down a criticality-0 system",
            1 => "criticality 1",
            2 => "criticality 2",
            _ => "nothing privileged",
        }
        .to_owned();
    }
    let mine = policy.rules.iter().filter(|rule| match rule.effect {
        Effect::Tier(one) | Effect::Fixed(one) => one == tier,
        Effect::Stricter(_) => false,
    });
    let mut words: Vec<&str> = mine.map(|rule| &*rule.name).collect();
    if policy.otherwise == tier {
        words.push("no rule");
    }
    words.join(", ")
}

pub(super) fn text(view: &View<'_>, written: &Written) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = summary(&mut text, view, written);
    text
}

fn summary(text: &mut String, view: &View<'_>, written: &Written) -> std::fmt::Result {
    let bold = anstyle::Style::new().bold();
    let dim = anstyle::Style::new().dimmed();
    let counts = view.counts();
    writeln!(
        text,
        "{bold}{} identities{bold:#} ({} enabled), {} mailboxes, {} recoveries, {} privileged systems",
        counts.identities, counts.enabled, counts.mailboxes, counts.recoveries, counts.systems
    )?;
    if view.org.partial {
        writeln!(
            text,
            "{bold}PARTIAL{bold:#}: {} left out; do not enforce this result",
            lost(written.rows_left_out, written.files_cut)
        )?;
    }
    if !view.options.assumptions.is_empty() {
        let assumptions: Vec<_> = view
            .options
            .assumptions
            .iter()
            .map(|assumption| visible(&assumption.to_string()).into_owned())
            .collect();
        let baseline = &view.scan.baseline;
        writeln!(
            text,
            "assuming {}: that alone gives {} systems, {} accounts, {} mailboxes",
            assumptions.join(", "),
            baseline.systems.len(),
            baseline.accounts,
            baseline.mailboxes
        )?;
    }
    writeln!(
        text,
        "{} {} {} (identity, system) {}\n",
        identities(counts.unlocking),
        if counts.unlocking == 1 {
            "unlocks"
        } else {
            "unlock"
        },
        counts.pairs,
        if counts.pairs == 1 { "pair" } else { "pairs" }
    )?;
    if counts.systems == 0 {
        writeln!(
            text,
            "{bold}nothing to unlock{bold:#}: the inputs name no privileged system; add `systems` and `grants` tables,\nor an export that holds roles (`linchpin sources`)\n"
        )?;
    }
    writeln!(text, "{bold}tier     now  before{bold:#}")?;
    for tier in 0..4 {
        let meaning = meaning(view.policy, tier as u8);
        let line = format!(
            "{:>4} {:>7} {:>7}  ",
            tier, counts.tiers[tier], counts.previous_tiers[tier]
        );
        let meaning = clipped(&visible(&meaning), COLUMNS - line.len());
        writeln!(text, "{line}{dim}{meaning}{dim:#}")?;
    }
    let raises = raises(view);
    if !raises.is_empty() {
        writeln!(
            text,
            "\n{bold}must rise{bold:#} ({} in all, the furthest first)",
            raises.len()
        )?;
        let stories = stories(view, &raises);
        let mut told = 0;
        for story in stories.iter().take(NAMED) {
            raise(text, view, story)?;
            told += story.names.len();
        }
        if told < raises.len() {
            writeln!(text, "  and {} more, see tiers.csv", raises.len() - told)?;
        }
    }
    if counts.previous_tiers.iter().sum::<u64>() == 0 {
        strictest(text, view)?;
    }
    let footholds = &view.scan.footholds;
    if !footholds.is_empty() {
        writeln!(
            text,
            "\n{bold}footholds{bold:#} ({} things that are no account and unlock something)",
            footholds.len()
        )?;
        for foothold in footholds.iter().take(NAMED / 2) {
            let asset = view.org.assets.get(foothold.asset);
            let name = format!("{}:{}", asset.kind.word(), asset.shown);
            let told = foothold
                .answer
                .proof()
                .map(|proof| chain(view, proof).text(view, false));
            let told = told.unwrap_or_default();
            // Beside what is assumed the chain does not say which of its beginnings is meant.
            let told = match told.strip_prefix(name.as_str()) {
                Some(rest) if rest.starts_with(" ->") => told,
                _ => format!("{name}: {told}"),
            };
            writeln!(text, "  {}", clipped(&told, COLUMNS - 2))?;
        }
    }
    let mut findings: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in &view.scan.findings {
        *findings.entry(finding.code.word()).or_default() += 1;
    }
    if !findings.is_empty() {
        let findings: Vec<_> = findings
            .iter()
            .map(|(code, count)| format!("{count} {code}"))
            .collect();
        writeln!(text, "\n{bold}findings{bold:#}: {}", findings.join(", "))?;
    }
    processes(text, view)?;
    let waived = &view.scan.waived.list;
    let in_force = waived
        .iter()
        .filter(|(_, state)| matches!(state, WaiverState::InForce(_)));
    for (waiver, _) in in_force {
        let line = format!("waived: {}; {}", waiver.about(), rulebook::text(waiver));
        writeln!(text, "{}", clipped(&visible(&line), COLUMNS))?;
    }
    writeln!(
        text,
        "{bold}not known{bold:#} (absent is not safe): of {} enabled identities {} have no MFA record, {} no mailbox, {} no recovery",
        counts.enabled, counts.without_mfa, counts.without_mailbox, counts.without_recovery
    )?;
    let unknown: Vec<_> = view
        .org
        .coverage
        .iter()
        .filter(|coverage| !coverage.known)
        .collect();
    if !unknown.is_empty() {
        let mut by_source: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for coverage in &unknown {
            let aspects = by_source.entry(&coverage.source).or_default();
            let aspect = visible(&coverage.aspect).into_owned();
            if !aspects.contains(&aspect) {
                aspects.push(aspect);
            }
        }
        for (source, aspects) in by_source {
            let source = visible(source);
            writeln!(text, "  {source} does not show: {}", aspects.join(", "))?;
        }
        writeln!(
            text,
            "  the {} is assumed where it matters; tiers.json says what each one means",
            view.options.unknown.word()
        )?;
    }
    let names: Vec<_> = written
        .files
        .iter()
        .filter_map(|file| file.file_name())
        .map(|name| name.to_string_lossy())
        .collect();
    let directory = written
        .files
        .first()
        .and_then(|file| file.parent())
        .map(|parent| parent.display().to_string());
    writeln!(
        text,
        "\nwrote {} to {}",
        names.join(", "),
        directory.unwrap_or_default()
    )
}

/// Recovery processes that are told.
const PROCESSES: usize = 5;

/// Who answers for the processes that could do most harm, and what those lack.
fn processes(text: &mut String, view: &View<'_>) -> std::fmt::Result {
    let risky: Vec<_> = view
        .scan
        .processes
        .iter()
        .filter(|one| one.chains > 0 || one.targets[0] > 0 || !one.unmet.is_empty())
        .collect();
    if risky.is_empty() {
        return Ok(());
    }
    let bold = anstyle::Style::new().bold();
    writeln!(
        text,
        "\n{bold}recovery processes{bold:#} (chains to criticality 0 through them, accounts of tier 0 to 3 they reset, who answers)"
    )?;
    for one in risky.iter().take(PROCESSES) {
        let entry = report::process_entry(view, one);
        let process = &view.org.processes[one.process as usize];
        let owner = report::accountable(view, process).unwrap_or("nobody");
        let targets: Vec<String> = one.targets.iter().map(u32::to_string).collect();
        let gaps = one.gaps(view.org).len();
        let mut line = format!(
            "  {:>5}  {:<14}  {}: {owner}",
            one.chains,
            targets.join("/"),
            entry.id
        );
        if gaps > 0 {
            line += &format!(", {gaps} of 6 stages without an owner");
        }
        if let Some(inside) = entry.owners_inside.first() {
            let who = inside.owner.as_deref().unwrap_or_default();
            line += &format!(", {who} falls with it");
        }
        writeln!(text, "{}", clipped(&visible(&line), COLUMNS))?;
        if let Some(unmet) = entry.unmet.first() {
            let accounts: u32 = unmet.accounts.iter().sum();
            let more = match entry.unmet.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let plural = if accounts == 1 { "account" } else { "accounts" };
            let line = format!("{:25}{} for {accounts} {plural}{more}", "", unmet.what);
            writeln!(text, "{}", clipped(&visible(&line), COLUMNS))?;
        }
    }
    if risky.len() > PROCESSES {
        writeln!(
            text,
            "  and {} more, see accountability.csv",
            risky.len() - PROCESSES
        )?;
    }
    Ok(())
}

/// Without tiers before there is nothing to rise from: the identities that unlock the worst by a
/// recovery, which nobody has granted.
fn strictest(text: &mut String, view: &View<'_>) -> std::fmt::Result {
    let by_recovery = |result: &&IdentityResult| {
        let worst = result
            .answer
            .as_ref()
            .and_then(|answer| answer.unlocks().first());
        worst.is_some_and(|worst| worst.hops > 0)
    };
    let all: Vec<_> = view.scan.identities.iter().filter(by_recovery).collect();
    if all.is_empty() {
        return Ok(());
    }
    let bold = anstyle::Style::new().bold();
    writeln!(
        text,
        "\n{bold}reach the worst by a recovery{bold:#} ({} in all)",
        all.len()
    )?;
    for result in all.iter().take(NAMED) {
        let name = view.shown(view.org.identities[result.identity as usize].asset);
        writeln!(
            text,
            "  tier {}  {}",
            result.tier.unwrap_or_default(),
            clipped(name, 60)
        )?;
        if let Some(proof) = result.answer.as_ref().and_then(|answer| answer.proof()) {
            writeln!(
                text,
                "          {}",
                clipped(&chain(view, proof).text(view, false), COLUMNS - 10)
            )?;
        }
    }
    Ok(())
}

/// Identities that rise by the same chain.
struct Story<'a> {
    result: &'a IdentityResult,
    before: u8,
    now: u8,
    names: Vec<&'a str>,
    /// The chain without the identity it starts from.
    rest: String,
}

/// Raises told once for all whose chains differ in nothing but whom they start from, in the order
/// of the first of each.
fn stories<'a>(view: &View<'a>, raises: &[(&'a IdentityResult, u8, u8)]) -> Vec<Story<'a>> {
    let mut stories: IndexMap<(u8, u8, String), Story<'a>> = IndexMap::new();
    for &(result, before, now) in raises.iter().take(COMPARED) {
        let name = view.shown(view.org.identities[result.identity as usize].asset);
        let proof = result.answer.as_ref().and_then(|answer| answer.proof());
        let told = proof.map_or_else(String::new, |proof| chain(view, proof).text(view, false));
        let rest = told.strip_prefix(name).unwrap_or(&told).to_owned();
        let story = stories
            .entry((before, now, rest.clone()))
            .or_insert_with(|| Story {
                result,
                before,
                now,
                names: Vec::new(),
                rest,
            });
        story.names.push(name);
    }
    stories.into_values().collect()
}

fn raise(text: &mut String, view: &View<'_>, story: &Story<'_>) -> std::fmt::Result {
    let Story { before, now, .. } = story;
    let first = clipped(story.names.first().copied().unwrap_or_default(), 30);
    let who = match story.names[..] {
        [_] => first.clone(),
        [_, second] => format!("{first} and {}", clipped(second, 30)),
        _ => format!("{first} and {} more", story.names.len() - 1),
    };
    let Some(answer) = &story.result.answer else {
        return Ok(());
    };
    let Some(worst) = answer.unlocks().first() else {
        return writeln!(
            text,
            "  {before} -> {now}  {who}: a signal or its kind makes it stricter"
        );
    };
    let verb = if story.names.len() == 1 {
        "unlocks"
    } else {
        "unlock"
    };
    let more = match answer.unlocks().len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    writeln!(
        text,
        "  {before} -> {now}  {who} {verb} {}{more}, {}",
        clipped(view.system(worst.system), 30),
        counted(worst.hops as usize, "hop")
    )?;
    writeln!(
        text,
        "          {}",
        clipped(&format!("{first}{}", story.rest), COLUMNS - 10)
    )
}

pub(super) fn json(view: &View<'_>, written: &Written, holds: &[String]) -> String {
    let mut findings: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in &view.scan.findings {
        *findings.entry(finding.code.word()).or_default() += 1;
    }
    let raises: Vec<_> = raises(view)
        .into_iter()
        .map(|(result, before, now)| {
            let worst = result
                .answer
                .as_ref()
                .and_then(|answer| answer.unlocks().first());
            json!({
                "identity": view.shown(view.org.identities[result.identity as usize].asset),
                "before": before,
                "now": now,
                "worst_system": worst.map(|worst| view.system(worst.system)),
                "hops": worst.map(|worst| worst.hops),
            })
        })
        .collect();
    let summary = json!({
        "partial": view.org.partial,
        "rows_left_out": written.rows_left_out,
        "files_cut": written.files_cut,
        "assumptions": view.options.assumptions.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "counts": view.counts(),
        "raises": raises,
        "footholds": view.scan.footholds.len(),
        "findings": findings,
        "processes": view
            .scan
            .processes
            .iter()
            .map(|one| report::process_entry(view, one))
            .collect::<Vec<_>>(),
        "fail_on": holds,
        "written": written.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>(),
    });
    format!("{summary:#}\n")
}
