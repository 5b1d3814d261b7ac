//! Who answers for what, in words: recovery processes, and resets that did not obey.

use serde::{Deserialize, Serialize};

use schemars::JsonSchema;

use super::{RowEntry, View, accountable, references, row_entry};
use crate::analyze::accountability::Answerable;
use crate::analyze::audit::Violation;
use crate::analyze::demands::Unmet;
use crate::model::{Demand, Owner, PROCESS_STAGES, Process, RowRef, Table, Word};

/// A recovery process and who answers for it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ProcessEntry<'a> {
    /// Its id as shown.
    pub id: String,
    /// Its display name; empty when unknown.
    pub name: String,
    /// Who runs it; empty when unknown.
    pub operator: String,
    /// The owner of each stage, from policy to review; nobody where there is a gap.
    pub owners: Vec<StageEntry>,
    /// Stages whose owner's own account falls when the process is abused.
    pub owners_inside: Vec<StageEntry>,
    /// How many enabled accounts of each tier it resets, from 0 to 3.
    pub targets: [u32; 4],
    /// How many chains to a system of criticality 0 pass through it, one of each identity.
    pub critical_chains: u32,
    /// What it does not do, or does not say, of what the tiers of its accounts demand.
    pub unmet: Vec<UnmetEntry>,
    /// Where published frameworks speak of its gaps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// The row that declares it, or the first that names it.
    pub row: RowEntry<'a>,
}

/// A stage of a recovery process.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct StageEntry {
    /// `policy`, `proofing`, `approval`, `execution`, `logging` or `review`.
    pub stage: String,
    /// Who owns it.
    pub owner: Option<String>,
}

/// A demand that a process does not meet.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct UnmetEntry {
    /// What is, and what is needed.
    pub what: String,
    /// For how many accounts of each tier, from 0 to 3.
    pub accounts: [u32; 4],
}

/// An owner as shown.
#[must_use]
pub fn owner_text<'a>(view: &View<'a>, owner: Owner) -> &'a str {
    match owner {
        Owner::Identity(asset) => view.shown(asset),
        Owner::Text(text) => view.org.text(text),
    }
}

/// A process as the outputs tell it.
#[must_use]
pub fn process_entry<'a>(view: &View<'a>, one: &Answerable) -> ProcessEntry<'a> {
    let process = &view.org.processes[one.process as usize];
    let owners = PROCESS_STAGES.iter().zip(&process.owners);
    let stage = |stage: &str, owner: Option<&str>| StageEntry {
        stage: stage.to_owned(),
        owner: owner.map(str::to_owned),
    };
    ProcessEntry {
        id: process.id.to_string(),
        name: process.name.to_string(),
        operator: process.operator.to_string(),
        owners: owners
            .map(|(name, owner)| stage(name, owner.map(|owner| owner_text(view, owner))))
            .collect(),
        owners_inside: one
            .inside
            .iter()
            .map(|&(at, asset)| stage(PROCESS_STAGES[at], Some(view.shown(asset))))
            .collect(),
        targets: one.targets,
        critical_chains: one.chains,
        unmet: one
            .unmet
            .iter()
            .flat_map(|(what, accounts)| unmet_entries(view, what, *accounts))
            .collect(),
        references: {
            let gap = process.owners.iter().any(Option::is_none);
            let words = [
                ("no-owner", gap),
                ("owner-inside", !one.inside.is_empty()),
                ("unmet", !one.unmet.is_empty()),
            ];
            let fit = words.into_iter().filter(|(_, is)| *is);
            let mut cited: Vec<String> = fit.flat_map(|(word, _)| references(word, None)).collect();
            cited.sort_unstable();
            cited.dedup();
            cited
        },
        row: row_entry(view.org, view.sources, process.row),
    }
}

/// One demand that is not met, apart for tiers that ask for different things.
fn unmet_entries(view: &View<'_>, unmet: &Unmet, accounts: [u32; 4]) -> Vec<UnmetEntry> {
    let mut entries: Vec<UnmetEntry> = Vec::new();
    for (tier, &count) in accounts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let what = unmet_text(unmet, &view.policy.demands[tier]);
        match entries.iter_mut().find(|entry| entry.what == what) {
            Some(entry) => entry.accounts[tier] = count,
            None => {
                let mut accounts = [0; 4];
                accounts[tier] = count;
                entries.push(UnmetEntry { what, accounts });
            }
        }
    }
    entries
}

/// What is, and what is needed.
fn unmet_text(unmet: &Unmet, demand: &Demand) -> String {
    let count = |count: Option<u32>| count.map_or("unknown".to_owned(), |count| count.to_string());
    match unmet {
        Unmet::Proofing(level) => {
            let is = level.map_or("unknown", Word::word);
            let needs = demand.proofing.map_or("", Word::word);
            let or = demand.or_methods.map_or(String::new(), |count| {
                let methods = if count == 1 { "method" } else { "methods" };
                format!(" or {count} {methods}")
            });
            format!("proofing `{is}`, needs `{needs}`{or}")
        }
        Unmet::NotAllowed => match &demand.channels {
            Some(channels) => {
                let words = channels.iter().map(|channel| channel.word());
                let words = words.collect::<Vec<_>>().join(" or ");
                format!("not allowed, needs {words}")
            }
            None => "not allowed".to_owned(),
        },
        Unmet::Methods(methods) => {
            let words = methods.iter().map(|method| method.word());
            format!(
                "by {}, not allowed",
                words.collect::<Vec<_>>().join(" and ")
            )
        }
        Unmet::Approvals(is) => format!("approvals {}, needs {}", count(*is), demand.approvers),
        Unmet::Hold(is) => format!("hold {} hours, needs {}", count(*is), demand.hold_hours),
        Unmet::Sessions(is) => format!("revokes sessions: {}, needs yes", yes_no(*is)),
        Unmet::Logged(is) => format!("logged: {}, needs yes", yes_no(*is)),
        Unmet::Escalation => "no escalation, needs one".to_owned(),
    }
}

fn yes_no(is: Option<bool>) -> &'static str {
    match is {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    }
}

/// A violation as the outputs tell it.
#[derive(Debug, Serialize)]
pub struct ViolationEntry<'a> {
    /// What it is, in one word.
    pub kind: &'static str,
    /// The control that failed.
    pub control: &'static str,
    /// The stage of the process that should have kept it.
    pub stage: &'static str,
    /// Who answers for that stage, else for the process; nobody where there is a gap.
    pub accountable: Option<String>,
    /// Whether nobody owns that stage of the process.
    #[serde(rename = "gap")]
    pub is_gap: bool,
    /// The account.
    pub identity: String,
    /// Its tier.
    pub tier: Option<u8>,
    /// The process.
    pub process: String,
    /// Who carried it out.
    pub agent: Option<String>,
    /// When, RFC 3339.
    pub time: String,
    /// What was found and what was demanded.
    pub detail: String,
    /// Where published frameworks speak of the control.
    pub references: Vec<String>,
    /// The ids of the resets.
    pub resets: Vec<String>,
    /// Their rows.
    pub rows: Vec<RowEntry<'a>>,
}

/// A violation in words; of several resets the last one is told.
#[must_use]
pub fn violation_entry<'a>(view: &View<'a>, violation: &Violation) -> ViolationEntry<'a> {
    let org = view.org;
    let last = violation.resets.last().copied().unwrap_or_default();
    let reset = &org.resets[last as usize];
    let process = reset.process.map(|id| &org.processes[id.0 as usize]);
    let identity = reset.identity.and_then(|one| org.identity_of[one.index()]);
    let kind = identity.map(|at| org.identities[at as usize].kind);
    ViolationEntry {
        kind: violation.kind.word(),
        control: violation.kind.control(),
        stage: PROCESS_STAGES[violation.stage],
        accountable: process
            .and_then(|process| stage_owner(view, process, violation.stage))
            .map(str::to_owned),
        is_gap: process.is_some_and(|process| process.owners[violation.stage].is_none()),
        identity: org.text(reset.name).to_owned(),
        tier: violation.tier,
        process: org.text(reset.process_name).to_owned(),
        agent: reset.agent.map(|agent| owner_text(view, agent).to_owned()),
        time: time(reset.time),
        detail: violation.detail.clone(),
        references: references(violation.kind.word(), kind),
        resets: violation
            .resets
            .iter()
            .map(|&at| org.resets[at as usize].id.to_string())
            .collect(),
        rows: violation
            .resets
            .iter()
            .map(|&index| RowRef {
                table: Table::Resets,
                index,
            })
            .map(|row| row_entry(org, view.sources, row))
            .collect(),
    }
}

/// Who owns a stage, else who answers for the process.
#[must_use]
pub fn stage_owner<'a>(view: &View<'a>, process: &Process, stage: usize) -> Option<&'a str> {
    let own = process.owners.get(stage).copied().flatten();
    own.map(|owner| owner_text(view, owner))
        .or_else(|| accountable(view, process))
}

/// A time as the tables write it.
#[must_use]
pub fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| String::new(), |time| time.to_string())
}
