//! `linchpin verify`: whether a file of evidence holds, and whether a run of it gives the same bytes again.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use super::args::{Format, VerifyArgs};
use super::console::Console;
use super::{Exit, Failure};
use crate::write::evidence::{Broken, Named, Record, check};

pub(super) fn run(args: &VerifyArgs, console: &Console) -> Result<Exit, Failure> {
    let shown = args.file.display();
    let text = std::fs::read_to_string(&args.file)
        .map_err(|error| Failure::Usage(format!("cannot read `{shown}`: {error}")))?;
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
        "{} records, each follows the one before",
        records.len()
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
        let differences = again(record)?;
        if differences.is_empty() {
            said.push(format!(
                "record {} was run again and gives the same bytes",
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
fn again(record: &Record) -> Result<Vec<String>, Failure> {
    let program = std::env::current_exe()?;
    let scratch = tempfile::tempdir()?;
    let notes = scratch.path().join("evidence.jsonl");
    let output = Command::new(program)
        .args(elsewhere(&record.arguments, scratch.path()))
        .arg("--evidence")
        .arg(&notes)
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

fn different(what: &str, old: &[Named], new: &[Named]) -> Vec<String> {
    let mut found = Vec::new();
    for one in old {
        match new.iter().find(|other| other.name == one.name) {
            None => found.push(format!("{what} `{}` is gone", one.name)),
            Some(other) if other.sha256 != one.sha256 => {
                found.push(format!("{what} `{}` is another one", one.name));
            }
            Some(_) => {}
        }
    }
    let is_new = |one: &&Named| !old.iter().any(|other| other.name == one.name);
    found.extend(
        new.iter()
            .filter(is_new)
            .map(|one| format!("{what} `{}` is new", one.name)),
    );
    found
}

/// Arguments with another place for what is written.
fn elsewhere(arguments: &[String], folder: &Path) -> Vec<String> {
    let place = |old: &str| -> String {
        // A change set is a file, everything else a folder.
        let name = Path::new(old).file_name().unwrap_or_default();
        let is_file = old.to_lowercase().ends_with(".json");
        let new = if is_file {
            folder.join("file").join(name)
        } else {
            folder.join("out")
        };
        new.to_string_lossy().into_owned()
    };
    let mut changed = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--out" || argument == "-o" {
            changed.push(argument.clone());
            changed.extend(rest.next().map(|old| place(old)));
        } else if let Some(old) = argument.strip_prefix("--out=") {
            changed.push(format!("--out={}", place(old)));
        } else if let Some(old) = argument
            .strip_prefix("-o")
            .filter(|_| !argument.starts_with("--"))
        {
            changed.push(format!("-o{}", place(old.trim_start_matches('='))));
        } else {
            changed.push(argument.clone());
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_goes_elsewhere() {
        let arguments = [
            "scan",
            "in",
            "--out",
            "here",
            "-o",
            "there",
            "--out=x.json",
            "-oy",
        ];
        let arguments = arguments.map(str::to_owned);
        let folder = Path::new("tmp");
        let out = folder.join("out").to_string_lossy().into_owned();
        let file = folder
            .join("file")
            .join("x.json")
            .to_string_lossy()
            .into_owned();
        assert_eq!(
            elsewhere(&arguments, folder),
            [
                "scan",
                "in",
                "--out",
                &out,
                "-o",
                &out,
                &format!("--out={file}"),
                &format!("-o{out}")
            ]
        );
    }
}
