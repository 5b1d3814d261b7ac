//! `linchpin check`: validate the inputs and stop.

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::json;

use super::args::{CheckArgs, Format, ReadArgs};
use super::complaints::{self, counted};
use super::console::Console;
use super::progress::Progress;
use super::{Exit, Failure};
use crate::diag::{Severity, Sources};
use crate::ingest::{self, Ingested};

pub(super) fn run(args: &CheckArgs, console: &Console) -> Result<Exit, Failure> {
    let ingested = read(&args.read, false, console);
    let org = &ingested.organisation;
    let count = |severity| {
        ingested
            .diagnostics
            .iter()
            .filter(|said| said.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let rows: u64 = org.inputs.iter().map(|input| input.rows).sum();
    let text = match args.read.format {
        Format::Json => format!(
            "{}\n",
            json!({
                "errors": errors,
                "warnings": warnings,
                "inputs": org.inputs.len(),
                "rows": rows,
                "identities": org.identities.len(),
                "recoveries": org.gates.len(),
                "systems": org.systems.len(),
            })
        ),
        Format::Text if errors > 0 => String::new(),
        Format::Text => format!(
            "{} with {}: {}, {}, {}; no errors, {}\n",
            counted(org.inputs.len(), "file"),
            counted(rows as usize, "row"),
            if org.identities.len() == 1 {
                "1 identity".to_owned()
            } else {
                format!("{} identities", org.identities.len())
            },
            if org.gates.len() == 1 {
                "1 recovery".to_owned()
            } else {
                format!("{} recoveries", org.gates.len())
            },
            counted(org.systems.len(), "privileged system"),
            counted(warnings, "warning"),
        ),
    };
    if !console.quiet {
        console.out(&text)?;
    }
    Ok(if errors > 0 { Exit::Bad } else { Exit::Done })
}

/// Reads the inputs and prints what there is to say about them.
pub(super) fn read(args: &ReadArgs, keep_going: bool, console: &Console) -> Ingested {
    read_inputs(args, &args.inputs, keep_going, console)
}

/// The same, for whoever finds the digests of the inputs beside something else. A run that is on record
/// has them at once, however it ends.
pub(super) fn read_undigested(args: &ReadArgs, keep_going: bool, console: &Console) -> Ingested {
    if console.keeps_notes() {
        return read(args, keep_going, console);
    }
    let options = ingest::Options {
        digest_later: true,
        ..args.options(keep_going)
    };
    let ingested = read_watched(&args.inputs, options, console);
    print(args, ingested, console)
}

/// The same for some of the inputs.
pub(super) fn read_inputs(
    args: &ReadArgs,
    inputs: &[PathBuf],
    keep_going: bool,
    console: &Console,
) -> Ingested {
    let ingested = read_watched(inputs, args.options(keep_going), console);
    let ingested = print(args, ingested, console);
    console.note(|notes| notes.read(&ingested.organisation.inputs));
    ingested
}

fn read_watched(inputs: &[PathBuf], options: ingest::Options, console: &Console) -> Ingested {
    let progress: OnceLock<Progress> = OnceLock::new();
    let ingested = ingest::read_watched(inputs, options, &|more, all| {
        let progress = progress.get_or_init(|| Progress::new(console, "reading", all));
        progress.tick(more);
    });
    if let Some(progress) = progress.get() {
        progress.finish();
    }
    ingested
}

fn print(args: &ReadArgs, mut ingested: Ingested, console: &Console) -> Ingested {
    let sources = std::mem::take(&mut ingested.sources);
    let mut ingested = judged(args, ingested, &sources, console);
    ingested.sources = sources;
    ingested
}

/// Prints what there is to say about what was read, and notes the inputs.
pub(super) fn said(
    args: &ReadArgs,
    ingested: Ingested,
    sources: &Sources,
    console: &Console,
) -> Ingested {
    let ingested = judged(args, ingested, sources, console);
    console.note(|notes| notes.read(&ingested.organisation.inputs));
    ingested
}

fn judged(
    args: &ReadArgs,
    mut ingested: Ingested,
    sources: &Sources,
    console: &Console,
) -> Ingested {
    if args.strict {
        for diagnostic in &mut ingested.diagnostics {
            if diagnostic.severity == Severity::Warning {
                diagnostic.severity = Severity::Error;
            }
        }
    }
    complaints::print(
        console,
        args.format,
        sources,
        &ingested.diagnostics,
        args.redact,
    );
    ingested
}
