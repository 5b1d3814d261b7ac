//! A scan as the document that `tiers.json` is.

use indexmap::IndexMap;

use super::document::SCHEMA_VERSION;
use super::{
    BaselineEntry, Chain, ChainStep, Counts, CoverageEntry, Document, FactName, FindingEntry,
    FootholdEntry, IdentityEntry, InputEntry, SystemEntry, Term, UnlockEntry, View, WaiverEntry,
    WorstEntry, accountable, chain, policy_entry, process_entry, references, row_entry,
};
use crate::analyze::{FootholdResult, IdentityResult, WaiverState};
use crate::model::{AssetId, Waiver, Word};
use crate::solve::{Answer, Unlocked};

/// The document of a scan, its long lists still empty: see [`UnlockSets`], [`identity_entry`] and
/// [`foothold_entry`].
#[must_use]
pub fn document<'a>(view: &View<'a>) -> Document<'a, [(); 0], [(); 0], [(); 0]> {
    let org = view.org;
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
        policy: policy_entry(view.policy),
        assumptions: view
            .options
            .assumptions
            .iter()
            .map(ToString::to_string)
            .collect(),
        standing_only: view.options.standing_only,
        assume_unknown: view.options.unknown.word().to_owned(),
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
            .enumerate()
            .map(|(at, finding)| FindingEntry {
                waived: view
                    .scan
                    .waived
                    .finding(at)
                    .map(|one| waiver(one, "in force")),
                code: finding.code.word().to_owned(),
                severity: finding.code.severity().word().to_owned(),
                message: finding.message.clone(),
                references: references(finding.code.word(), None),
                rows: finding
                    .rows
                    .iter()
                    .map(|&row| row_entry(org, view.sources, row))
                    .collect(),
            })
            .collect(),
        processes: view
            .scan
            .processes
            .iter()
            .map(|one| process_entry(view, one))
            .collect(),
        waivers: waivers(view),
        systems: systems(view),
        unlock_sets: [],
        identities: [],
        footholds: [],
    }
}

fn waiver(waiver: &Waiver, state: &str) -> WaiverEntry {
    WaiverEntry {
        what: waiver.about(),
        why: waiver.why.clone(),
        who: waiver.who.clone(),
        until: waiver.until_text.clone(),
        state: state.to_owned(),
    }
}

fn waivers(view: &View<'_>) -> Vec<WaiverEntry> {
    let all = view.scan.waived.list.iter();
    all.map(|(one, state)| {
        let state = match state {
            WaiverState::InForce(_) | WaiverState::NotSought => "in force",
            WaiverState::Unused => "unused",
            WaiverState::Expired => "expired",
        };
        waiver(one, state)
    })
    .collect()
}

/// Distinct lists of unlocked systems in the order in which the outputs need them.
#[derive(Debug)]
pub struct UnlockSets<'a>(IndexMap<&'a [Unlocked], u32>);

impl<'a> UnlockSets<'a> {
    /// Those of a scan.
    #[must_use]
    pub fn new(view: &View<'a>) -> Self {
        let mut sets = IndexMap::new();
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
        Self(sets)
    }

    /// The entries of every set, in the order of their positions.
    pub fn entries(&self, view: &View<'a>) -> impl Iterator<Item = Vec<UnlockEntry<'a>>> {
        self.0.keys().map(|set| unlocks(view, set))
    }

    fn position(&self, answer: &Answer) -> Option<u32> {
        self.0.get(answer.unlocks()).copied()
    }
}

fn unlocks<'a>(view: &View<'a>, set: &[Unlocked]) -> Vec<UnlockEntry<'a>> {
    set.iter()
        .map(|unlocked| UnlockEntry {
            system: view.system(unlocked.system).into(),
            hops: unlocked.hops,
        })
        .collect()
}

/// An identity as the document tells it.
#[must_use]
pub fn identity_entry<'a>(
    view: &View<'a>,
    sets: &UnlockSets<'_>,
    result: &'a IdentityResult,
) -> IdentityEntry<'a> {
    let identity = &view.org.identities[result.identity as usize];
    let answer = result.answer.as_ref();
    IdentityEntry {
        id: view.shown(identity.asset).into(),
        kind: identity.kind.word().into(),
        name: view.org.text(identity.name).into(),
        department: view.org.text(identity.department).into(),
        enabled: identity.enabled,
        declared: identity.declared,
        tier: result.tier,
        rule: result.rules[0],
        stricter: result.rules[1],
        previous_tier: identity.tier,
        change: result.change.map(|change| change.word().into()),
        unlock_set: answer.and_then(|answer| sets.position(answer)),
        accounts_reached: answer.map(|answer| answer.accounts),
        mailboxes_reached: answer.map(|answer| answer.mailboxes),
        worst: answer.and_then(|answer| worst(view, answer)),
        row: row_entry(view.org, view.sources, identity.row),
    }
}

/// A foothold as the document tells it.
#[must_use]
pub fn foothold_entry<'a>(
    view: &View<'a>,
    sets: &UnlockSets<'_>,
    result: &'a FootholdResult,
) -> FootholdEntry<'a> {
    let asset = view.org.assets.get(result.asset);
    FootholdEntry {
        kind: asset.kind.word().into(),
        name: asset.shown.into(),
        unlock_set: sets.position(&result.answer).unwrap_or_default(),
        accounts_reached: result.answer.accounts,
        mailboxes_reached: result.answer.mailboxes,
        worst: worst(view, &result.answer),
    }
}

/// The steps of a chain as the document tells them.
#[must_use]
pub fn chain_entries<'a>(view: &View<'a>, chain: Chain<'a>) -> Vec<ChainStep<'a>> {
    let name = |term: Term| FactName {
        kind: term.word(view).into(),
        name: term.name(view).into(),
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
            process: process.map(|process| (&*process.id).into()),
            accountable: process
                .and_then(|process| accountable(view, process))
                .map(Into::into),
            rows: step
                .rows
                .into_iter()
                .map(|row| row_entry(view.org, view.sources, row))
                .collect(),
        }
    });
    steps.collect()
}

fn worst<'a>(view: &View<'a>, answer: &Answer) -> Option<WorstEntry<'a>> {
    let worst = answer.unlocks().first()?;
    let chain = chain(view, answer.proof()?);
    let omitted_steps = chain.omitted.map(|(count, _)| count);
    Some(WorstEntry {
        system: view.system(worst.system).into(),
        criticality: view.criticality(worst.system),
        hops: worst.hops,
        chain: chain_entries(view, chain),
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
