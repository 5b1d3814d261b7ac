//! `linchpin export`: the tiers in the form that a reset tool takes, whole or as what changed since the
//! last export.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::args::{ExportArgs, Format};
use super::complaints::{self, counted};
use super::console::Console;
use super::evidence;
use super::loaded::Loaded;
use super::{Exit, Failure};
use crate::model::{Identity, IdentityKind, Organisation, TIERS, Word, fold};
use crate::report::{self, View, chain};
use crate::write::Outputs;
use crate::write::reset_tools::{self, Account, Form, Made, Names};

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
    /// What groups and units are called; empty in forms that name none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    name: String,
    /// The tier of every account that the tool was told of, by its id.
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
        .map(|path| last(path, form, &args.name))
        .transpose()?;
    let old = there(args, console)?;
    let accounts = accounts(&view, args, before.as_ref());
    let names = names(&view, args, &loaded)?;
    let made = reset_tools::make(form, &accounts, &names);
    let mut state = State::of(form, &args.name, &accounts, &made);
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

impl State {
    /// What an export leaves the tool with: whoever cannot be told to it stays there as before.
    fn of(form: Form, name: &str, accounts: &[Account], made: &Made) -> Self {
        let names_groups = form.is_by_group() || form == Form::Servicenow;
        let mut state = Self {
            to: form.word().to_owned(),
            name: if names_groups {
                name.to_owned()
            } else {
                String::new()
            },
            ..Self::default()
        };
        let left_out: BTreeSet<&str> = made.left_out.iter().map(|(id, _)| &**id).collect();
        for account in accounts {
            let is_told = !left_out.contains(&*account.id);
            let Some(tier) = (if is_told { account.now } else { account.before }) else {
                continue;
            };
            state.tiers.insert(account.id.clone(), tier);
            if let Some(native) = &account.native {
                state.native.insert(account.id.clone(), native.clone());
            }
        }
        state
    }
}

/// The export that is in the folder already; one to another tool is not replaced.
fn there(args: &ExportArgs, console: &Console) -> Result<State, Failure> {
    let Ok(old) = read_state(&args.out.join(STATE)) else {
        return Ok(State::default());
    };
    let shown = args.out.display();
    if old.to != args.to.word() {
        return Err(Failure::Usage(format!(
            "`{shown}` holds an export to {}, which the next one to it goes on from; give --out another folder",
            old.to
        )));
    }
    if args.since.is_none() && !old.tiers.is_empty() {
        let said = format!(
            "the export in `{shown}` is replaced by a whole one: whoever has lost a tier since is not taken out of it; --since `{shown}` does that"
        );
        complaints::remark(console, args.read.format, &said);
    }
    Ok(old)
}

/// What an earlier export told of an account.
struct Told {
    id: String,
    tier: u8,
    native: Option<String>,
}

/// Every account with its tier before and now, ascending by id.
fn accounts(view: &View<'_>, args: &ExportArgs, before: Option<&State>) -> Vec<Account> {
    let wanted = wanted(args);
    let aliases = report::aliases(view.org);
    let ids = Ids::new(view.org);
    let mut old: BTreeMap<String, Told> = BTreeMap::new();
    for (id, tier) in before.into_iter().flat_map(|before| &before.tiers) {
        let told = Told {
            id: id.clone(),
            tier: *tier,
            native: before.and_then(|before| before.native.get(id).cloned()),
        };
        old.insert(fold(id).into_owned(), told);
    }
    struct Now<'s> {
        at: usize,
        id: String,
        native: Option<String>,
        aliases: &'s [String],
        told: Option<Told>,
    }
    let mut all: Vec<Now<'_>> = Vec::new();
    for (at, result) in view.scan.identities.iter().enumerate() {
        let identity = &view.org.identities[result.identity as usize];
        // Accounts that nothing declares are nobody's to reset here.
        if !identity.declared || (identity.kind == IdentityKind::External && !args.external) {
            continue;
        }
        let id = view.shown(identity.asset).to_owned();
        let names = aliases.get(&identity.asset).map_or(&[][..], Vec::as_slice);
        let told = old.remove(&*fold(&id));
        all.push(Now {
            at,
            native: ids.native(args.to, identity, names),
            id,
            aliases: names,
            told,
        });
    }
    // Whoever has another name now is still the same account: by its id in the tool, else by a name that
    // it has kept as an alias.
    let mut natives: BTreeMap<String, String> = BTreeMap::new();
    for (key, told) in &old {
        if let Some(native) = &told.native {
            natives.insert(native.to_lowercase(), key.clone());
        }
    }
    for now in all.iter_mut().filter(|now| now.told.is_none()) {
        let native = now.native.as_ref().map(|native| native.to_lowercase());
        let by_native = native.and_then(|native| natives.get(&native).cloned());
        let mut names = now.aliases.iter().map(|name| fold(name).into_owned());
        let key = by_native.or_else(|| names.find(|name| old.contains_key(name)));
        now.told = key.and_then(|key| old.remove(&key));
    }
    let mut accounts: Vec<Account> = Vec::new();
    for now in all {
        let result = &view.scan.identities[now.at];
        let identity = &view.org.identities[result.identity as usize];
        let (was, native) = match now.told {
            Some(told) => (Some(told.tier), now.native.or(told.native)),
            None => (None, now.native),
        };
        let tier = result.tier.filter(|tier| wanted.contains(tier));
        // A tier that is not exported this time stays what it is in the tool.
        let kept = was.filter(|tier| !wanted.contains(tier));
        let answer = result.answer.as_ref();
        let proof = answer.and_then(|answer| answer.proof());
        let is_service = matches!(
            identity.kind,
            IdentityKind::Service | IdentityKind::Workload
        );
        accounts.push(Account {
            before: was,
            now: tier.or(kept),
            previous: identity.tier,
            unlocks: answer.map_or(0, |answer| answer.unlocks().len()),
            hops: answer
                .and_then(|answer| answer.unlocks().first())
                .map(|one| one.hops),
            chain: proof.map_or_else(String::new, |proof| chain(view, proof).text(view, false)),
            is_user: !is_service || reset_tools::is_address(&now.id),
            id: now.id,
            native,
        });
    }
    // Those that are gone from the inputs still have a tier in the tool.
    for told in old.into_values() {
        accounts.push(Account {
            id: told.id,
            native: told.native,
            is_user: true,
            before: Some(told.tier),
            now: Some(told.tier).filter(|tier| !wanted.contains(tier)),
            previous: None,
            unlocks: 0,
            hops: None,
            chain: String::new(),
        });
    }
    accounts.sort_by(|one, two| one.id.cmp(&two.id));
    accounts
}

/// Which names of accounts are ids of a tool: any directory has UUIDs, and only Entra's are object ids.
struct Ids<'a> {
    org: &'a Organisation,
    /// By the name of a file: whether it is of Entra's family.
    files: BTreeMap<&'a str, bool>,
    /// Whether ids in tables, which do not say where they are from, are taken as Entra's.
    is_entra: bool,
}

impl<'a> Ids<'a> {
    fn new(org: &'a Organisation) -> Self {
        const ENTRA: [&str; 2] = ["entra", "azurehound"];
        const OTHERS: [&str; 4] = ["keycloak", "activedirectory", "sharphound", "opengraph"];
        let source = |holds: &'a str| holds.split(':').next().unwrap_or_default();
        let sources: BTreeSet<&str> = org.inputs.iter().map(|one| source(&one.holds)).collect();
        let has = |words: &[&str]| words.iter().any(|word| sources.contains(word));
        let known = org.inputs.iter().filter_map(|input| {
            let source = source(&input.holds);
            let is_export = input.holds.contains(':');
            is_export.then(|| (&*input.name, ENTRA.contains(&source)))
        });
        Self {
            org,
            files: known.collect(),
            is_entra: has(&ENTRA) || !has(&OTHERS),
        }
    }

    /// The name by which the tool itself knows an account, among its further names.
    fn native(&self, form: Form, identity: &Identity, names: &[String]) -> Option<String> {
        let mut names = names.iter();
        let found = match form {
            Form::EntraGroup | Form::EntraAu | Form::EntraAttribute => {
                let from = self.org.provenance(&identity.meta);
                let from = from.and_then(|from| self.files.get(&*from.file));
                let is_entra = from.copied().unwrap_or(self.is_entra);
                names.find(|name| is_entra && reset_tools::is_guid(name))
            }
            Form::OktaGroup | Form::OktaProfile => {
                names.find(|name| name.starts_with("00u") && !name.contains('@'))
            }
            // Whatever service it is, its ids are its own.
            Form::Scim => None,
            _ => None,
        };
        found.cloned()
    }
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
fn last(path: &Path, form: Form, name: &str) -> Result<State, Failure> {
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
    if !state.name.is_empty() && state.name != name {
        return Err(Failure::Usage(format!(
            "--since: `{}` calls the groups `{}`, not `{name}`: people would stay in the old ones; give --name '{}'",
            file.display(),
            state.name,
            state.name
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
