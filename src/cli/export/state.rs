//! What an export leaves the tool with, kept beside it, for the next one to go on from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::cli::Failure;
use crate::cli::args::ExportArgs;
use crate::cli::complaints;
use crate::cli::console::Console;
use crate::model::{TIERS, Word};
use crate::write::reset_tools::{Account, Form, Made};

/// The file that says what an export left the tool with.
pub(super) const STATE: &str = "export.json";

/// What an export leaves the tool with.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// The form.
    pub(super) to: String,
    /// The files beside this one.
    pub(super) files: Vec<String>,
    /// What groups and units are called; empty in forms that name none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) name: String,
    /// The tier of every account that the tool was told of, by its id.
    pub(super) tiers: BTreeMap<String, u8>,
    /// The ids by which the tool knows accounts that have others than their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) native: BTreeMap<String, String>,
    /// The ids by which the exports that were read know accounts: who is who when names change.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) objects: BTreeMap<String, String>,
}

impl State {
    /// What an export leaves the tool with: whoever cannot be told to it stays there as before.
    pub(super) fn of(
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
pub(super) fn there(args: &ExportArgs, console: &Console) -> Result<State, Failure> {
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

/// What the last export left the tool with.
pub(super) fn last(path: &Path, form: Form, name: &str) -> Result<State, Failure> {
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

pub(super) fn read_state(file: &Path) -> Result<State, String> {
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
