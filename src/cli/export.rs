//! `linchpin export`: the tiers in the form that a reset tool takes, whole or as what changed since the
//! last export.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::args::{ExportArgs, Format};
use super::complaints::{self, counted};
use super::console::Console;
use super::evidence;
use super::loaded::Loaded;
use super::{Exit, Failure};
use crate::model::{IdentityKind, TIERS, Word, fold};
use crate::report::{self, View, chain};
use crate::write::Outputs;
use crate::write::reset_tools::{self, Account, Form, Names};

/// The file that says what an export left the tool with.
const STATE: &str = "export.json";

/// What an export leaves the tool with.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    /// The form.
    to: String,
    /// The files beside this one.
    files: Vec<String>,
    /// The tier of every account, by its id.
    tiers: BTreeMap<String, u8>,
    /// The ids by which the tool knows accounts that have others than their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    native: BTreeMap<String, String>,
}

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
        .map(|path| last(path, form))
        .transpose()?;
    let mut state = State {
        to: form.word().to_owned(),
        ..State::default()
    };
    let accounts = accounts(&view, args, before.as_ref(), &mut state);
    let names = names(&view, args, &loaded)?;
    let made = reset_tools::make(form, &accounts, &names);
    let text = reset_tools::runbook(form, &accounts, &made, &names, before.is_some());
    // What an earlier export left in the folder and this one does not write belongs to neither.
    let old = read_state(&args.out.join(STATE)).unwrap_or_default();
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
    for name in old.files.iter().filter(|name| !state.files.contains(name)) {
        // A name of ours, never a path.
        if !name.contains(['/', '\\']) {
            let _ = std::fs::remove_file(args.out.join(name));
        }
    }
    let changed = accounts
        .iter()
        .filter(|account| account.is_changed())
        .count();
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
    if !made.left_out.is_empty() {
        let said = format!(
            "{} cannot be told to this tool; RUNBOOK.md names them",
            counted(made.left_out.len(), "account")
        );
        complaints::remark(console, format, &said);
    }
    Ok(Exit::Done)
}

/// The tiers that are exported.
fn wanted(args: &ExportArgs) -> Vec<u8> {
    match (&args.tier[..], args.to.is_by_group()) {
        ([], true) => vec![0, 1, 2],
        ([], false) => (0..TIERS as u8).collect(),
        (some, _) => some.to_vec(),
    }
}

/// Every account with its tier before and now, ascending by id; what is to be is noted.
fn accounts(
    view: &View<'_>,
    args: &ExportArgs,
    before: Option<&State>,
    state: &mut State,
) -> Vec<Account> {
    let wanted = wanted(args);
    let aliases = report::aliases(view.org);
    let mut old: BTreeMap<String, (&String, u8)> = before
        .into_iter()
        .flat_map(|before| &before.tiers)
        .map(|(id, tier)| (fold(id).into_owned(), (id, *tier)))
        .collect();
    let mut accounts: Vec<Account> = Vec::new();
    for result in &view.scan.identities {
        let identity = &view.org.identities[result.identity as usize];
        // Accounts that nothing declares are nobody's to reset here.
        if !identity.declared || (identity.kind == IdentityKind::External && !args.external) {
            continue;
        }
        let id = view.shown(identity.asset).to_owned();
        let now = result.tier.filter(|tier| wanted.contains(tier));
        let names = aliases.get(&identity.asset).map_or(&[][..], Vec::as_slice);
        let native = native(args.to, names);
        let was = old.remove(&*fold(&id)).map(|(_, tier)| tier);
        if let Some(tier) = now {
            state.tiers.insert(id.clone(), tier);
            if let Some(native) = &native {
                state.native.insert(id.clone(), native.clone());
            }
        }
        let answer = result.answer.as_ref();
        let proof = answer.and_then(|answer| answer.proof());
        accounts.push(Account {
            before: was,
            now,
            previous: identity.tier,
            unlocks: answer.map_or(0, |answer| answer.unlocks().len()),
            hops: answer
                .and_then(|answer| answer.unlocks().first())
                .map(|one| one.hops),
            chain: proof.map_or_else(String::new, |proof| chain(view, proof).text(view, false)),
            id,
            native,
        });
    }
    // Those that are gone from the inputs still have a tier in the tool.
    for (id, tier) in old.into_values() {
        accounts.push(Account {
            id: id.clone(),
            native: before.and_then(|before| before.native.get(id).cloned()),
            before: Some(tier),
            now: None,
            previous: None,
            unlocks: 0,
            hops: None,
            chain: String::new(),
        });
    }
    accounts.sort_by(|one, two| one.id.cmp(&two.id));
    accounts
}

/// The name by which the tool itself knows an account, among its further names.
fn native(form: Form, names: &[String]) -> Option<String> {
    let is_guid = |name: &&String| reset_tools::is_guid(name);
    let is_okta = |name: &&String| name.starts_with("00u") && !name.contains('@');
    let mut names = names.iter();
    let found = match form {
        Form::EntraGroup | Form::EntraAu | Form::EntraAttribute => names.find(is_guid),
        Form::OktaGroup | Form::OktaProfile => names.find(is_okta),
        Form::Scim => names.find(|name| is_guid(name) || is_okta(name)),
        _ => None,
    };
    found.cloned()
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

/// What the last export left the tool with.
fn last(path: &Path, form: Form) -> Result<State, Failure> {
    let file = if path.is_dir() {
        path.join(STATE)
    } else {
        path.to_owned()
    };
    let state = read_state(&file).map_err(|what| Failure::Usage(format!("--since: {what}")))?;
    if state.to != form.word() {
        return Err(Failure::Usage(format!(
            "--since: `{}` is an export to {}, not to {}",
            file.display(),
            state.to,
            form.word()
        )));
    }
    Ok(state)
}

fn read_state(file: &Path) -> Result<State, String> {
    let shown = file.display();
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("cannot read `{shown}`: {error}"))?;
    let state: State =
        serde_json::from_str(&text).map_err(|error| format!("`{shown}` is no export: {error}"))?;
    match state
        .tiers
        .iter()
        .find(|(_, tier)| usize::from(**tier) >= TIERS)
    {
        Some((id, tier)) => Err(format!("`{shown}` gives `{id}` the tier {tier}")),
        None => Ok(state),
    }
}
