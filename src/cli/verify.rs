//! `linchpin verify`: whether a file of evidence holds, and whether a run of it gives the same bytes again.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};

use clap::Parser;
use serde_json::json;

use super::args::{Cli, Command as Asked, Format, VerifyArgs};
use super::complaints::counted;
use super::console::Console;
use super::evidence::{KEPT, KEY};
use super::{Exit, Failure};
use crate::write::evidence::{Broken, Named, Record, check};

pub(super) fn run(args: &VerifyArgs, console: &Console) -> Result<Exit, Failure> {
    let shown = args.file.display();
    let bytes = std::fs::read(&args.file)
        .map_err(|error| Failure::Usage(format!("cannot read `{shown}`: {error}")))?;
    // What is no text is no record either, and told with its line.
    let text = String::from_utf8_lossy(&bytes);
    let records = match check(&text) {
        Ok(records) => records,
        Err(Broken { line, what }) => {
            return tell(
                args,
                console,
                false,
                None,
                &[format!("{shown}:{line}: {what}")],
            );
        }
    };
    let Some(last) = records.last() else {
        let said = format!("{shown}: there is no record in it");
        return tell(args, console, false, None, &[said]);
    };
    let mut said = vec![format!(
        "{}, each follows the one before",
        counted(records.len(), "record")
    )];
    let mut holds = true;
    match &args.head {
        None => said.push(
            "whether records were cut off at the end, or all of it was chained anew, only --head HASH can tell".to_owned(),
        ),
        Some(head) => match records.iter().position(|one| one.hash.eq_ignore_ascii_case(head)) {
            Some(at) if at + 1 == records.len() => {
                said.push("the head is that of the last record: nothing was cut off or chained anew".to_owned());
            }
            Some(at) => said.push(format!(
                "the head is that of record {}: nothing up to it was changed; {} came after it",
                at + 1,
                records.len() - at - 1
            )),
            None => {
                holds = false;
                said.push(format!(
                    "{shown}: the head is that of no record: records were cut off at the end, or chained anew"
                ));
            }
        },
    }
    if holds && !args.no_rerun {
        let record = match args.record {
            None => last,
            Some(number) => records.get(number as usize - 1).ok_or_else(|| {
                Failure::Usage(format!("--record: there are {} records", records.len()))
            })?,
        };
        let differences = again(record, args)?;
        if differences.is_empty() {
            said.push(format!(
                "record {} was run again and gives the same bytes; files that it wrote then were not looked at, their SHA-256 stand in the record",
                record.number
            ));
        } else {
            holds = false;
            said.extend(differences.into_iter().map(|what| {
                format!(
                    "{shown}:{}: record {} run again: {what}",
                    record.number, record.number
                )
            }));
        }
    }
    tell(args, console, holds, Some(last), &said)
}

fn tell(
    args: &VerifyArgs,
    console: &Console,
    holds: bool,
    last: Option<&Record>,
    said: &[String],
) -> Result<Exit, Failure> {
    let text = match args.format {
        Format::Json => format!(
            "{:#}\n",
            json!({ "holds": holds, "head": last.map(|last| &last.hash), "said": said })
        ),
        Format::Text => {
            let mut lines: Vec<String> = said.to_vec();
            lines.extend(last.map(|last| format!("head {}", last.hash)));
            lines.push(
                if holds {
                    "it holds"
                } else {
                    "it does NOT hold"
                }
                .to_owned(),
            );
            lines.join("\n") + "\n"
        }
    };
    console.out(&text)?;
    Ok(if holds { Exit::Done } else { Exit::Condition })
}

/// Runs a record again into a folder that is thrown away, and says what comes out differently.
///
/// Whoever made the file chose the arguments: a run may read what it names, and writes nowhere else.
fn again(record: &Record, args: &VerifyArgs) -> Result<Vec<String>, Failure> {
    let refused = |what: &str| {
        Failure::Usage(format!(
            "record {} cannot be run again: {what}; --record picks another one, --no-rerun none",
            record.number
        ))
    };
    let arguments = with_key(&record.arguments, args).map_err(|what| refused(&what))?;
    let words = std::iter::once("linchpin").chain(arguments.iter().map(String::as_str));
    let asked = Cli::try_parse_from(words)
        .map_err(|_| refused("this version does not understand its arguments"))?;
    if asked.evidence.is_some() || asked.elsewhere.is_some() {
        return Err(refused("no run is put on record with such arguments"));
    }
    if matches!(asked.command, Asked::Verify(_)) {
        return Err(refused("it is a run of `verify`"));
    }
    let program = std::env::current_exe()?;
    let scratch = tempfile::tempdir()?;
    let notes = scratch.path().join("evidence.jsonl");
    // Before the arguments: after a `--` among them these would be inputs.
    let output = Command::new(program)
        .arg("--elsewhere")
        .arg(scratch.path())
        .arg("--evidence")
        .arg(&notes)
        .args(&arguments)
        .stdin(Stdio::null())
        .output()?;
    let text = std::fs::read_to_string(&notes).unwrap_or_default();
    let Some(new) = check(&text)
        .ok()
        .and_then(|records| records.into_iter().next_back())
    else {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let said = said.lines().next().unwrap_or("it says nothing").to_owned();
        return Ok(vec![format!("it does not come to an end: {said}")]);
    };
    let mut found = Vec::new();
    if new.linchpin != record.linchpin {
        found.push(format!(
            "by version {} instead of {}",
            new.linchpin, record.linchpin
        ));
    }
    for (what, old, new) in [
        ("input", &record.inputs, &new.inputs),
        ("policy or waivers", &record.rules, &new.rules),
        ("result", &record.results, &new.results),
    ] {
        found.extend(different(what, old, new));
    }
    if new.status != record.status {
        found.push(format!(
            "status {} instead of {}",
            new.status, record.status
        ));
    }
    Ok(found)
}

/// The arguments with the key of pseudonyms, which no record holds.
fn with_key(arguments: &[String], args: &VerifyArgs) -> Result<Vec<String>, String> {
    let kept = format!("{KEY}={KEPT}");
    let put = |argument: &String| match (*argument == kept, &args.redact_key) {
        (false, _) => Ok(argument.clone()),
        (true, Some(key)) => Ok(format!("{KEY}={key}")),
        (true, None) => Err(format!("its {KEY} is not on record, give it with {KEY}")),
    };
    arguments.iter().map(put).collect()
}

/// What is another one, by names; several of one name (the tables of two folders) by their order.
fn different(what: &str, old: &[Named], new: &[Named]) -> Vec<String> {
    let by_name = |list: &[Named]| {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for one in list {
            let hashes = all.entry(one.name.clone()).or_default();
            hashes.push(one.sha256.clone());
        }
        all
    };
    let (old, new) = (by_name(old), by_name(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let found = names.into_iter().filter_map(|name| {
        let how = match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) if old == new => return None,
            (Some(_), Some(_)) => "is another one",
            (Some(_), None) => "is gone",
            (None, _) => "is new",
        };
        Some(format!("{what} `{name}` {how}"))
    });
    found.collect()
}
