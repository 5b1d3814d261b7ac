//! `linchpin export`: the tiers in the form that a reset tool takes, whole or as what changed since the
//! last export.

mod accounts;
mod ids;
mod state;

use super::args::{ExportArgs, Format};
use super::complaints::{self, counted};
use super::console::Console;
use super::evidence;
use super::loaded::Loaded;
use super::{Exit, Failure};
use crate::model::Word;
use crate::report::{self, View};
use crate::write::Outputs;
use crate::write::reset_tools::{self, Names};
use accounts::{Accounts, accounts};
use state::{STATE, State, last, there};

pub(super) fn run(args: &ExportArgs, console: &Console) -> Result<Exit, Failure> {
    let format = args.read.format;
    let Some(loaded) = Loaded::new(&args.read, &args.scenario, console)? else {
        return Ok(Exit::Bad);
    };
    let view = loaded.view();
    let form = args.to;
    if let Some(since) = &args.since {
        let file = if since.is_dir() {
            since.join(STATE)
        } else {
            since.clone()
        };
        let state = args.out.join(STATE).canonicalize();
        let is_replaced =
            state.is_ok_and(|state| file.canonicalize().is_ok_and(|file| file == state));
        if is_replaced && console.keeps_notes() {
            let what = "--evidence: this run would replace the export that it goes on from, so nobody could verify it; give --out another folder";
            return Err(Failure::Usage(what.to_owned()));
        }
        console.note(|notes| notes.inputs.push(evidence::named("export", &file)));
    }
    let before = args
        .since
        .as_deref()
        .map(|path| last(path, form, &args.name))
        .transpose()?;
    let old = there(args, console)?;
    let Accounts {
        all: accounts,
        objects,
        unsaid,
    } = accounts(&view, args, before.as_ref());
    let names = names(&view, args, &loaded)?;
    let made = reset_tools::make(form, &accounts, &names);
    let mut state = State::of(form, &args.name, &accounts, &made, &objects);
    let text = reset_tools::runbook(form, &accounts, &made, &names, before.is_some());
    let mut outputs = Outputs::new(&args.out)?;
    for file in &made.files {
        outputs.file(&file.name, |out| out.write_all(file.text.as_bytes()))?;
        state.files.push(file.name.clone());
    }
    outputs.file("RUNBOOK.md", |out| out.write_all(text.as_bytes()))?;
    outputs.file(STATE, |out| {
        serde_json::to_writer_pretty(&mut *out, &state)?;
        writeln!(out)
    })?;
    let written = outputs.place_all()?;
    console.note(|notes| notes.written = written);
    // What an earlier export left in the folder and this one does not write belongs to neither.
    for name in old.files.iter().filter(|name| !state.files.contains(name)) {
        // Whatever the file says: a name of ours, never a path.
        if reset_tools::is_own_file(name) {
            let _ = std::fs::remove_file(args.out.join(name));
        }
    }
    let changed = accounts.iter().filter(|account| account.is_changed());
    let changed = changed.count() - made.left_out.len();
    let told = match format {
        Format::Text => {
            let left_out = match made.left_out.len() {
                0 => String::new(),
                count => format!(", {} left out", counted(count, "account")),
            };
            format!(
                "{} of {} to change{left_out}; see {}\n",
                changed,
                counted(accounts.len(), "account"),
                args.out.join("RUNBOOK.md").display()
            )
        }
        Format::Json => format!(
            "{:#}\n",
            serde_json::json!({
                "to": form.word(),
                "accounts": accounts.len(),
                "changed": changed,
                "left_out": made.left_out.len(),
                "files": state.files,
            })
        ),
    };
    if !console.quiet || format == Format::Json {
        console.out(&told)?;
    }
    if unsaid > 0 {
        let said = format!(
            "{} left a tier that is exported for one that --tier leaves out, and is in none until that is exported too",
            counted(unsaid, "account")
        );
        complaints::remark(console, format, &said);
    }
    if !made.left_out.is_empty() {
        let said = format!(
            "{} cannot be told to this tool; RUNBOOK.md names them",
            counted(made.left_out.len(), "account")
        );
        complaints::remark(console, format, &said);
    }
    Ok(Exit::Done)
}

fn names(view: &View<'_>, args: &ExportArgs, loaded: &Loaded) -> Result<Names, Failure> {
    if !args.name.contains("{tier}") {
        return Err(Failure::Usage(format!(
            "--name: `{}` would be one group for all tiers; put {{tier}} where the number goes",
            args.name
        )));
    }
    let date = loaded.rulebook.now(view.org).map(report::time);
    Ok(Names {
        group: args.name.clone(),
        date: date.unwrap_or_default(),
        ids: args.group_id.iter().cloned().collect(),
    })
}
