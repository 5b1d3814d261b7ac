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
    /// The ids by which the exports that were read know accounts: who is who when names change.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    objects: BTreeMap<String, String>,
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
    fn of(
        form: Form,
        name: &str,
        accounts: &[Account],
        made: &Made,
        objects: &BTreeMap<String, String>,
    ) -> Self {
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
            if let Some(object) = objects.get(&account.id) {
                state.objects.insert(account.id.clone(), object.clone());
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

/// The accounts of an export.
struct Accounts {
    /// Ascending by id.
    all: Vec<Account>,
    /// By id, for those who have one: the id by which an export that was read knows it.
    objects: BTreeMap<String, String>,
    /// How many have left a tier that is exported for one that is not.
    unsaid: usize,
}

/// An account of the inputs.
struct Now<'s> {
    at: usize,
    id: String,
    native: Option<String>,
    object: Option<String>,
    aliases: &'s [String],
    told: Option<Told>,
}

/// Every account with its tier before and now, ascending by id.
fn accounts(view: &View<'_>, args: &ExportArgs, before: Option<&State>) -> Accounts {
    let wanted = wanted(args);
    let aliases = report::aliases(view.org);
    let ids = Ids::new(view.org);
    let mut all: Vec<Now<'_>> = Vec::new();
    for (at, result) in view.scan.identities.iter().enumerate() {
        let identity = &view.org.identities[result.identity as usize];
        // Accounts that nothing declares are nobody's to reset here.
        if !identity.declared || (identity.kind == IdentityKind::External && !args.external) {
            continue;
        }
        let names = aliases.get(&identity.asset).map_or(&[][..], Vec::as_slice);
        let object = view.org.provenance(&identity.meta);
        let object = object.map(|from| from.object.to_string());
        let is_native = |name: &&String| {
            reset_tools::is_guid(name) || is_okta(name) || name.starts_with("s-1-")
        };
        let object = object.or_else(|| names.iter().find(is_native).cloned());
        all.push(Now {
            at,
            id: view.shown(identity.asset).to_owned(),
            native: ids.native(args.to, identity, names),
            object: object.filter(|object| !object.is_empty()),
            aliases: names,
            told: None,
        });
    }
    let gone = recognise(&mut all, before);
    let mut accounts = Accounts {
        all: Vec::new(),
        objects: BTreeMap::new(),
        unsaid: 0,
    };
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
        let has_left = was.is_some() && tier.or(kept).is_none();
        let is_strict = result
            .tier
            .is_some_and(|tier| usize::from(tier) + 1 < TIERS);
        accounts.unsaid += usize::from(has_left && is_strict);
        let answer = result.answer.as_ref();
        let proof = answer.and_then(|answer| answer.proof());
        let is_service = matches!(
            identity.kind,
            IdentityKind::Service | IdentityKind::Workload
        );
        if let Some(object) = now.object {
            accounts.objects.insert(now.id.clone(), object);
        }
        accounts.all.push(Account {
            before: was,
            now: tier.or(kept),
            previous: identity.tier,
            unlocks: answer.map_or(0, |answer| answer.unlocks().len()),
            hops: answer
                .and_then(|answer| answer.unlocks().first())
                .map(|one| one.hops),
            chain: proof.map_or_else(String::new, |proof| chain(view, proof).text(view, false)),
            // What the tool took once is a user to it.
            is_user: !is_service || was.is_some() || reset_tools::is_address(&now.id),
            id: now.id,
            native,
        });
    }
    // Those that are gone from the inputs still have a tier in the tool.
    for told in gone {
        accounts.all.push(Account {
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
    accounts.all.sort_by(|one, two| one.id.cmp(&two.id));
    accounts
}

/// Finds out who is who: by the id in the tool, by name, by the id in the exports that were read, by a name
/// that was kept as an alias. A name that somebody else has now, by the id in the tool, is not the same
/// account. Gives those whom nobody is.
fn recognise(all: &mut [Now<'_>], before: Option<&State>) -> Vec<Told> {
    let mut old: BTreeMap<String, Told> = BTreeMap::new();
    let (mut natives, mut objects) = (BTreeMap::new(), BTreeMap::new());
    for before in before.into_iter() {
        for (id, tier) in &before.tiers {
            let key = fold(id).into_owned();
            let [native, object] =
                [&before.native, &before.objects].map(|ids| ids.get(id).cloned());
            for (ids, one) in [(&mut natives, &native), (&mut objects, &object)] {
                if let Some(one) = one {
                    ids.insert(one.to_lowercase(), key.clone());
                }
            }
            let told = Told {
                id: id.clone(),
                tier: *tier,
                native,
            };
            old.insert(key, told);
        }
    }
    let lower = |id: &Option<String>| id.as_ref().map(|id| id.to_lowercase());
    for now in all.iter_mut() {
        let key = lower(&now.native).and_then(|native| natives.get(&native));
        now.told = key.and_then(|key| old.remove(key));
    }
    for now in all.iter_mut().filter(|now| now.told.is_none()) {
        let key = fold(&now.id).into_owned();
        let is_other = |told: &Told| {
            told.native.is_some()
                && now.native.is_some()
                && lower(&told.native) != lower(&now.native)
        };
        if old.get(&key).is_some_and(|told| !is_other(told)) {
            now.told = old.remove(&key);
        }
    }
    for now in all.iter_mut().filter(|now| now.told.is_none()) {
        let by_object = lower(&now.object).and_then(|object| objects.get(&object).cloned());
        let by_object = by_object.filter(|key| old.contains_key(key));
        let mut names = now.aliases.iter().map(|name| fold(name).into_owned());
        let key = by_object.or_else(|| names.find(|name| old.contains_key(name)));
        now.told = key.and_then(|key| old.remove(&key));
    }
    old.into_values().collect()
}

/// Which names of accounts are ids of a tool: every directory has ids, and only the tool's own are meant.
struct Ids<'a> {
    org: &'a Organisation,
    /// By the name of a file: the export that it is part of.
    files: BTreeMap<&'a str, &'a str>,
    /// The directories that the inputs, or the tables that came of them, are exports of.
    sources: BTreeSet<&'a str>,
}

impl<'a> Ids<'a> {
    fn new(org: &'a Organisation) -> Self {
        let inputs = org.inputs.iter();
        let files: BTreeMap<&str, &str> = inputs.map(|one| (&*one.name, &*one.holds)).collect();
        // Tables that were imported say in `coverage` of what.
        let covered = org.coverage.iter().map(|row| &*row.source);
        let sources = files.values().copied().chain(covered).collect();
        Self {
            org,
            files,
            sources,
        }
    }

    /// The name by which the tool itself knows an account: the native id of the row that an export of the
    /// tool's declares it by, else the one alias of that form, where no other directory may have given it.
    fn native(&self, form: Form, identity: &Identity, names: &[String]) -> Option<String> {
        const OTHERS: [&str; 4] = ["keycloak", "activedirectory", "sharphound", "opengraph"];
        let (tools, is_id): (&[&str], fn(&str) -> bool) = match form {
            Form::EntraGroup | Form::EntraAu | Form::EntraAttribute => {
                (&["entra", "azurehound"], reset_tools::is_guid)
            }
            Form::OktaGroup | Form::OktaProfile => (&["okta"], is_okta),
            // Whatever service SCIM is for, its ids are its own.
            _ => return None,
        };
        let from = self.org.provenance(&identity.meta);
        if let Some(from) = from {
            let source = self.files.get(&*from.file).copied();
            let is_known = match source {
                Some(source) => tools.contains(&source),
                None => self.is_alone(tools, &OTHERS),
            };
            if is_known && is_id(&from.object) {
                return Some(from.object.to_string());
            }
            if source.is_some() {
                return None;
            }
        }
        if !self.is_alone(tools, &OTHERS) {
            return None;
        }
        // Names are compared without regard to case, and so kept; ids of Okta are not the same then.
        let mut found = names.iter().filter(|name| is_id(name));
        match (found.next(), found.next()) {
            (Some(one), None) if reset_tools::is_guid(one) => Some(one.clone()),
            _ => None,
        }
    }

    /// Whether no other directory has given ids that look alike.
    fn is_alone(&self, tools: &[&str], others: &[&str]) -> bool {
        !others
            .iter()
            .any(|other| self.sources.contains(other) && !tools.contains(other))
    }
}

fn is_okta(id: &str) -> bool {
    id.starts_with("00u") && !id.contains('@')
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
