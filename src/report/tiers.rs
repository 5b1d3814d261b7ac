//! A scan as the document that `tiers.json` is.

use std::sync::Arc;

use indexmap::IndexMap;
use rayon::prelude::*;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::document::SCHEMA_VERSION;
use super::{
    BaselineEntry, ChainStep, Counts, CoverageEntry, Document, FactName, FindingEntry,
    FootholdEntry, IdentityEntry, InputEntry, PolicyEntry, Streamed, SystemEntry, Term,
    UnlockEntry, View, WorstEntry, chain, row_entry,
};
use crate::model::{AssetId, Owner, Word};
use crate::solve::{Answer, Unlocked};

/// The document of a scan. Lists that grow with the organisation are made while they are written.
#[must_use]
pub fn document<'a>(
    view: &'a View<'a>,
) -> Document<impl Serialize, impl Serialize, impl Serialize> {
    let org = view.org;
    let sets = Arc::new(unlock_sets(view));
    let in_order: Vec<&'a [Unlocked]> = sets.keys().copied().collect();
    let for_footholds = Arc::clone(&sets);
    Document {
        schema_version: SCHEMA_VERSION,
        linchpin: env!("CARGO_PKG_VERSION").to_owned(),
        partial: org.partial,
        inputs: org
            .inputs
            .iter()
            .map(|input| InputEntry {
                name: input.name.clone(),
                holds: input.holds.clone(),
                rows: input.rows,
                sha256: input.sha256.clone(),
            })
            .collect(),
        policy: PolicyEntry {
            name: "default".to_owned(),
        },
        assumptions: view
            .options
            .assumptions
            .iter()
            .map(ToString::to_string)
            .collect(),
        standing_only: view.options.standing_only,
        baseline: BaselineEntry {
            unlocks: unlocks(view, &view.scan.baseline.systems),
            accounts: view.scan.baseline.accounts,
            mailboxes: view.scan.baseline.mailboxes,
        },
        counts: counts(view),
        coverage: org
            .coverage
            .iter()
            .map(|coverage| CoverageEntry {
                source: coverage.source.to_string(),
                scope: coverage.scope.to_string(),
                aspect: coverage.aspect.to_string(),
                state: if coverage.known { "known" } else { "unknown" }.to_owned(),
                detail: coverage.detail.to_string(),
            })
            .collect(),
        findings: view
            .scan
            .findings
            .iter()
            .map(|finding| FindingEntry {
                code: finding.code.word().to_owned(),
                severity: finding.code.severity().word().to_owned(),
                message: finding.message.clone(),
                rows: finding
                    .rows
                    .iter()
                    .map(|&row| row_entry(org, view.sources, row))
                    .collect(),
            })
            .collect(),
        systems: systems(view),
        unlock_sets: Streamed(move || {
            let sets = in_order.clone().into_iter();
            sets.filter_map(|set| to_raw_value(&unlocks(view, set)).ok())
        }),
        identities: Streamed(move || identities(view, Arc::clone(&sets))),
        footholds: Streamed(move || footholds(view, Arc::clone(&for_footholds))),
    }
}

type Sets<'a> = IndexMap<&'a [Unlocked], u32>;

/// Distinct lists of unlocked systems in the order in which the outputs need them.
fn unlock_sets<'a>(view: &'a View<'a>) -> Sets<'a> {
    let mut sets = Sets::new();
    let identities = view
        .scan
        .identities
        .iter()
        .filter_map(|result| result.answer.as_ref());
    let footholds = view.scan.footholds.iter().map(|result| &result.answer);
    for answer in identities.chain(footholds) {
        let next = sets.len() as u32;
        sets.entry(answer.unlocks()).or_insert(next);
    }
    sets
}

fn unlocks(view: &View<'_>, set: &[Unlocked]) -> Vec<UnlockEntry> {
    set.iter()
        .map(|unlocked| UnlockEntry {
            system: view.system(unlocked.system).to_owned(),
            hops: unlocked.hops,
        })
        .collect()
}

/// Entries as compact JSON, one line each. They are made on all threads, some thousands at a time, so
/// that what is in memory does not grow with the organisation.
fn lines<'a, T: Sync, E: Serialize>(
    items: &'a [T],
    entry: impl Fn(&'a T) -> E + Sync + 'a,
) -> impl Iterator<Item = Box<RawValue>> + 'a {
    const AT_ONCE: usize = 1 << 14;
    items.chunks(AT_ONCE).flat_map(move |items| {
        // Structs of texts and numbers always have a JSON form.
        let lines = items.par_iter().map(|item| to_raw_value(&entry(item)).ok());
        lines.collect::<Vec<_>>().into_iter().flatten()
    })
}

fn identities<'a>(
    view: &'a View<'a>,
    sets: Arc<Sets<'a>>,
) -> impl Iterator<Item = Box<RawValue>> + 'a {
    lines(&view.scan.identities, move |result| {
        let identity = &view.org.identities[result.identity as usize];
        let answer = result.answer.as_ref();
        IdentityEntry {
            id: view.shown(identity.asset).to_owned(),
            kind: identity.kind.word().to_owned(),
            name: view.org.text(identity.name).to_owned(),
            department: view.org.text(identity.department).to_owned(),
            enabled: identity.enabled,
            declared: identity.declared,
            tier: result.tier,
            previous_tier: identity.tier,
            change: result.change.map(|change| change.word().to_owned()),
            unlock_set: answer.and_then(|answer| sets.get(answer.unlocks()).copied()),
            accounts_reached: answer.map(|answer| answer.accounts),
            mailboxes_reached: answer.map(|answer| answer.mailboxes),
            worst: answer.and_then(|answer| worst(view, answer)),
            row: row_entry(view.org, view.sources, identity.row),
        }
    })
}

fn footholds<'a>(
    view: &'a View<'a>,
    sets: Arc<Sets<'a>>,
) -> impl Iterator<Item = Box<RawValue>> + 'a {
    lines(&view.scan.footholds, move |result| {
        let asset = view.org.assets.get(result.asset);
        FootholdEntry {
            kind: asset.kind.word().to_owned(),
            name: asset.shown.to_string(),
            unlock_set: sets
                .get(result.answer.unlocks())
                .copied()
                .unwrap_or_default(),
            accounts_reached: result.answer.accounts,
            mailboxes_reached: result.answer.mailboxes,
            worst: worst(view, &result.answer),
        }
    })
}

fn worst(view: &View<'_>, answer: &Answer) -> Option<WorstEntry> {
    let worst = answer.unlocks().first()?;
    let chain = chain(view, answer.proof()?);
    let omitted_steps = chain.omitted.map(|(count, _)| count);
    let name = |term: Term| FactName {
        kind: term.word(view).to_owned(),
        name: term.name(view).to_owned(),
    };
    let steps = chain.steps.into_iter().map(|step| {
        let process = step.process.map(|at| &view.org.processes[at as usize]);
        ChainStep {
            yields: name(step.yields),
            inputs: step.inputs.into_iter().map(name).collect(),
            need: step.need,
            of: step.of,
            how: step.how,
            recovery: step.is_recovery,
            hops: step.hops,
            process: process.map(|process| process.id.to_string()),
            accountable: process.and_then(|process| match &process.owners[0] {
                Some(Owner::Identity(asset)) => Some(view.shown(*asset).to_owned()),
                Some(Owner::Text(text)) => Some(view.org.text(*text).to_owned()),
                None => None,
            }),
            rows: step
                .rows
                .into_iter()
                .map(|row| row_entry(view.org, view.sources, row))
                .collect(),
        }
    });
    Some(WorstEntry {
        system: view.system(worst.system).to_owned(),
        criticality: view.criticality(worst.system),
        hops: worst.hops,
        chain: steps.collect(),
        omitted_steps,
    })
}

fn systems(view: &View<'_>) -> Vec<SystemEntry> {
    let mut unlocked_by = vec![0u64; view.org.assets.len()];
    for answer in view
        .scan
        .identities
        .iter()
        .filter_map(|result| result.answer.as_ref())
    {
        for unlocked in answer.unlocks() {
            unlocked_by[unlocked.system.index()] += 1;
        }
    }
    let mut systems: Vec<_> = view.org.systems.iter().collect();
    let key = |asset: AssetId| view.org.assets.get(asset).key;
    systems.sort_by(|a, b| (a.criticality, key(a.asset)).cmp(&(b.criticality, key(b.asset))));
    systems
        .into_iter()
        .map(|system| SystemEntry {
            id: view.shown(system.asset).to_owned(),
            name: system.name.to_string(),
            criticality: system.criticality,
            unlocked_by: unlocked_by[system.asset.index()],
        })
        .collect()
}

/// Totals, as the summary and the document give them.
pub(super) fn counts(view: &View<'_>) -> Counts {
    let org = view.org;
    let mut counts = Counts {
        identities: org.identities.len() as u64,
        enabled: view.scan.coverage.enabled,
        mailboxes: org.mailboxes.len() as u64,
        recoveries: org.gates.len() as u64,
        systems: org.systems.len() as u64,
        facts: view.program.graph.fact_count() as u64,
        gates: view.program.graph.gate_count() as u64,
        tiers: [0; 4],
        previous_tiers: [0; 4],
        unlocking: 0,
        pairs: 0,
        without_mfa: view.scan.coverage.without_mfa,
        without_mailbox: view.scan.coverage.without_mailbox,
        without_recovery: view.scan.coverage.without_recovery,
    };
    for result in &view.scan.identities {
        let (Some(tier), Some(answer)) = (result.tier, &result.answer) else {
            continue;
        };
        counts.tiers[usize::from(tier)] += 1;
        if let Some(previous) = org.identities[result.identity as usize].tier {
            counts.previous_tiers[usize::from(previous)] += 1;
        }
        counts.unlocking += u64::from(!answer.unlocks().is_empty());
        counts.pairs += answer.unlocks().len() as u64;
    }
    counts
}

impl View<'_> {
    /// Totals of the scan.
    #[must_use]
    pub fn counts(&self) -> Counts {
        counts(self)
    }
}
