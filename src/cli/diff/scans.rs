//! `linchpin diff` of two scans: what `tiers.json` tells, without the tables behind it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::super::args::{DiffArgs, DiffForm, Format, MoveKind};
use super::super::complaints;
use super::super::console::Console;
use super::super::evidence;
use super::super::moves::{COLUMNS, signed, tier};
use super::super::{Exit, Failure};
use crate::report::{Document, Shift, Shifts, clipped, code, shifts, visible};

/// Names of a list that are told before the rest is counted.
const LISTED: usize = 5;

/// The file of a scan that an input is or holds, if it is one.
pub(super) fn scan_in(input: &Path) -> Option<PathBuf> {
    let named = ["tiers.json", "tiers.partial.json"];
    if input.is_dir() {
        // A folder of tables may hold the scan that was made of it; then the tables say more.
        let holds_tables = std::fs::read_dir(input).ok()?.flatten().any(|entry| {
            let name = entry.file_name().to_string_lossy().to_lowercase();
            name.starts_with("identities.")
        });
        let files = named.iter().map(|name| input.join(name));
        return files
            .into_iter()
            .find(|file| file.is_file() && !holds_tables);
    }
    let name = input.file_name()?.to_string_lossy().to_lowercase();
    let is_named = named.contains(&&*name) && input.is_file();
    (is_named || (name.ends_with(".json") && is_scan(input))).then(|| input.to_path_buf())
}

/// Whether a file begins as a scan does: it may be large, and is read whole only if it is one.
fn is_scan(file: &Path) -> bool {
    use std::io::Read;
    let mut start = Vec::new();
    let read = std::fs::File::open(file).and_then(|file| file.take(4096).read_to_end(&mut start));
    let start = String::from_utf8_lossy(&start);
    read.is_ok()
        && start
            .trim_start_matches(['{', ' ', '\n', '\r', '\t'])
            .starts_with("\"schema_version\"")
}

pub(super) fn run(
    args: &DiffArgs,
    console: &Console,
    [old, new]: [&Path; 2],
) -> Result<Exit, Failure> {
    let scenario = &args.scenario;
    if !scenario.waivers.is_empty()
        || scenario.policy.is_some()
        || !scenario.assume.is_empty()
        || scenario.standing_only
    {
        return Err(Failure::Usage(
            "--assume, --standing-only, --policy and --waivers apply to exports; scans were made with or without them".to_owned(),
        ));
    }
    let texts = [read(old)?, read(new)?];
    console.note(|notes| {
        let files = [("old", old), ("new", new)];
        let files = files.map(|(what, file)| evidence::named(what, file));
        notes.inputs.extend(files);
    });
    let [before, after] =
        [(old, &texts[0]), (new, &texts[1])].map(|(file, text)| parse(file, text));
    let found = shifts(&before?, &after?);
    for unlike in &found.unlike {
        let said = format!("the scans are not alike, so a move may come from that: {unlike}");
        complaints::remark(console, args.read.format, &said);
    }
    let holds = conditions(&found, &args.moves.fail_on);
    let top = args.moves.top as usize;
    let form = match (args.form, args.read.format) {
        (DiffForm::Text, Format::Json) => DiffForm::Json,
        (form, _) => form,
    };
    let text = match form {
        DiffForm::Text => text(&found, top),
        DiffForm::Markdown => markdown(&found, top),
        DiffForm::Json => {
            let mut all = as_json(&found);
            all["conditions"] = json!(holds);
            format!("{all:#}\n")
        }
    };
    console.out(&text)?;
    for condition in &holds {
        complaints::remark(
            console,
            args.read.format,
            &format!("--fail-on {condition} holds"),
        );
    }
    Ok(if holds.is_empty() {
        Exit::Done
    } else {
        Exit::Condition
    })
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file)
        .map_err(|error| Failure::Usage(format!("cannot read `{}`: {error}", file.display())))
}

fn parse<'t>(file: &Path, text: &'t str) -> Result<Document<'t>, Failure> {
    serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
        Failure::Usage(format!(
            "`{}` is no tiers.json of this version: {error}; scan the export again",
            file.display()
        ))
    })
}

fn conditions(found: &Shifts, asked: &[MoveKind]) -> Vec<String> {
    let all = || found.moved.iter().chain(&found.appeared);
    let is_raise = |one: &&Shift| matches!(one.tier, [Some(old), Some(new)] if new < old);
    let holds = asked.iter().filter_map(|kind| {
        let (word, count) = match kind {
            MoveKind::TierRaised => ("tier-raised", found.moved.iter().filter(is_raise).count()),
            MoveKind::Tier0Grew => (
                "tier0-grew",
                all()
                    .filter(|one| one.tier[1] == Some(0) && one.tier[0] != Some(0))
                    .count(),
            ),
            MoveKind::UnlocksGained => (
                "unlocks-gained",
                all().filter(|one| !one.gained.is_empty()).count(),
            ),
            MoveKind::Moved => (
                "moved",
                found.moved.len() + found.appeared.len() + found.vanished.len(),
            ),
        };
        (count > 0).then(|| format!("{word} ({count})"))
    });
    holds.collect()
}

fn listed(names: &[String]) -> String {
    let more = match names.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", names[..names.len().min(LISTED)].join(", "))
}

/// What moved of one identity: a headline, then what is told below it.
fn lines(one: &Shift) -> (String, Vec<String>) {
    let [before, after] = one.tier.map(tier);
    let mut line = format!("{before} -> {after}  {}", one.identity);
    // Writing to a string cannot fail.
    if !one.gained.is_empty() {
        let _ = write!(line, ", now unlocks {}", listed(&one.gained));
    }
    if !one.lost.is_empty() {
        let _ = write!(line, ", no longer {}", listed(&one.lost));
    }
    let mut below: Vec<String> = Vec::new();
    let is_opening = !one.gained.is_empty() || one.lost.is_empty();
    below.extend(
        one.opened
            .iter()
            .filter(|_| is_opening)
            .map(|chain| format!("opened: {chain}")),
    );
    below.extend(
        one.closed
            .iter()
            .filter(|_| !one.lost.is_empty())
            .map(|chain| format!("closed: {chain}")),
    );
    let word = if is_opening {
        "new on it"
    } else {
        "gone with it"
    };
    below.extend(one.rows.iter().map(|row| format!("{word}: {row}")));
    (line, below)
}

fn text(found: &Shifts, top: usize) -> String {
    let mut text = String::new();
    if found.moved.is_empty() && found.appeared.is_empty() && found.vanished.is_empty() {
        text.push_str("nothing moves: every tier and every unlocked system stays\n");
        return text;
    }
    // Writing to a string cannot fail.
    let _ = writeln!(text, "tier     before      after");
    for tier in 0..4 {
        let [before, after] = [0, 1].map(|side| found.tiers[side][tier]);
        let _ = writeln!(
            text,
            "{tier:>4} {before:>10} {after:>10}{}",
            signed(before, after)
        );
    }
    let [before, after] = found.pairs.map(|pairs| pairs.iter().sum());
    let _ = writeln!(
        text,
        "pairs{before:>10} {after:>10}{}",
        signed(before, after)
    );
    let appeared: Vec<String> = found
        .appeared
        .iter()
        .map(|one| one.identity.clone())
        .collect();
    for (word, names) in [("appeared", &appeared), ("vanished", &found.vanished)] {
        if !names.is_empty() {
            let line = format!("{word}: {}", visible(&listed(names)));
            let _ = writeln!(text, "\n{}", clipped(&line, COLUMNS));
        }
    }
    let told: Vec<&Shift> = told(found).collect();
    if !told.is_empty() {
        let _ = writeln!(text, "\nmoved ({} in all, the worst first)", told.len());
    }
    for one in told.iter().take(top) {
        let (line, below) = lines(one);
        let _ = writeln!(text, "  {}", clipped(&visible(&line), COLUMNS - 2));
        for line in below {
            let _ = writeln!(text, "          {}", clipped(&visible(&line), COLUMNS - 10));
        }
    }
    if told.len() > top {
        let _ = writeln!(
            text,
            "  and {} more; --top tells more of them",
            told.len() - top
        );
    }
    if !told.is_empty() {
        text.push_str(
            "\nwhich changed rows explain a move is found from the exports: linchpin diff OLD-EXPORT NEW-EXPORT\n",
        );
    }
    text
}

/// Those that moved, then those that are new and unlock something.
fn told(found: &Shifts) -> impl Iterator<Item = &Shift> {
    let new = found.appeared.iter().filter(|one| !one.gained.is_empty());
    found.moved.iter().chain(new)
}

fn markdown(found: &Shifts, top: usize) -> String {
    let mut text = String::from("# What moved\n\n| tier | before | after |\n|---:|---:|---:|\n");
    // Writing to a string cannot fail.
    for tier in 0..4 {
        let [before, after] = [0, 1].map(|side| found.tiers[side][tier]);
        let _ = writeln!(text, "| {tier} | {before} | {after} |");
    }
    let appeared: Vec<String> = found
        .appeared
        .iter()
        .map(|one| one.identity.clone())
        .collect();
    for (word, names) in [("Appeared", &appeared), ("Vanished", &found.vanished)] {
        if !names.is_empty() {
            let _ = writeln!(text, "\n{word}: {}", code(&visible(&listed(names))));
        }
    }
    let told: Vec<&Shift> = told(found).collect();
    for one in told.iter().take(top) {
        let (line, below) = lines(one);
        let _ = writeln!(text, "\n- {}", code(&visible(&line)));
        for line in below {
            let _ = writeln!(text, "  - {}", code(&visible(&line)));
        }
    }
    if told.len() > top {
        let _ = writeln!(text, "\nand {} more", told.len() - top);
    }
    text
}

fn as_json(found: &Shifts) -> Value {
    let entry = |one: &Shift| {
        json!({
            "identity": one.identity,
            "tier": { "before": one.tier[0], "after": one.tier[1] },
            "gained": one.gained,
            "lost": one.lost,
            "opened": one.opened,
            "closed": one.closed,
            "rows": one.rows,
        })
    };
    let entries = |list: &[Shift]| list.iter().map(entry).collect::<Vec<_>>();
    json!({
        "tiers": { "before": found.tiers[0], "after": found.tiers[1] },
        "pairs": { "before": found.pairs[0], "after": found.pairs[1] },
        "appeared": found.appeared.iter().map(|one| &one.identity).collect::<Vec<_>>(),
        "new": found.appeared.iter().filter(|one| !one.gained.is_empty()).map(entry).collect::<Vec<_>>(),
        "vanished": found.vanished,
        "moved": entries(&found.moved),
        "unlike": found.unlike,
    })
}
