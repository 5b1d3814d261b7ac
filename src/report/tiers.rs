//! A scan as the document that `tiers.json` is.

use indexmap::IndexSet;
use rayon::prelude::*;
use rustc_hash::FxBuildHasher;

use super::document::SCHEMA_VERSION;
use super::{
    BaselineEntry, Chain, ChainStep, Counts, CoverageEntry, Document, FactName, InputEntry,
    SystemEntry, Term, UnlockEntry, View, WaiverEntry, accountable, policy_entry, process_entry,
    row_entry,
};
use crate::analyze::{IdentityResult, WaiverState};
use crate::model::{AssetId, Identity, TIERS, Waiver};
use crate::solve::{Answer, Unlocked};

/// The document of a scan, its long lists still empty, those of findings, unlock sets, identities and
/// footholds: they are written entry by entry.
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
        findings: Vec::new(),
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

/// The accepted risk that the finding at a place of the scan is.
#[must_use]
pub fn finding_waiver(view: &View<'_>, at: usize) -> Option<WaiverEntry> {
    let accepted = view.scan.waived.finding(at);
    accepted.map(|one| waiver(one, "in force"))
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
pub struct UnlockSets<'a> {
    all: Vec<&'a [Unlocked]>,
    /// For every identity, in the order of the scan, the position of its list; none for disabled ones.
    identities: Vec<Option<u32>>,
    /// The same for every foothold.
    footholds: Vec<u32>,
}

impl<'a> UnlockSets<'a> {
    /// Those of a scan.
    #[must_use]
    pub fn new(view: &View<'a>) -> Self {
        let mut sets: IndexSet<&'a [Unlocked], FxBuildHasher> = IndexSet::default();
        let mut nothing = None;
        let mut position = |answer: &'a Answer| match answer.unlocks() {
            // Most of them, so that they are not looked for each time.
            [] => *nothing.get_or_insert_with(|| sets.insert_full(&[]).0 as u32),
            some => sets.insert_full(some).0 as u32,
        };
        let identities = view.scan.identities.iter();
        let identities = identities.map(|result| result.answer.as_ref().map(&mut position));
        let identities = identities.collect();
        let footholds = view.scan.footholds.iter();
        let footholds = footholds.map(|result| position(&result.answer)).collect();
        Self {
            all: sets.into_iter().collect(),
            identities,
            footholds,
        }
    }

    /// Every set, in the order of their positions.
    #[must_use]
    pub fn all(&self) -> &[&'a [Unlocked]] {
        &self.all
    }

    /// The position of what an identity unlocks, by its place in the scan; none when it is disabled.
    #[must_use]
    pub fn of_identity(&self, at: usize) -> Option<u32> {
        self.identities.get(at).copied().flatten()
    }

    /// The position of what a foothold unlocks, by its place in the scan.
    #[must_use]
    pub fn of_foothold(&self, at: usize) -> u32 {
        self.footholds.get(at).copied().unwrap_or_default()
    }
}

/// Unlocked systems as the document tells them.
#[must_use]
pub fn unlocks<'a>(view: &View<'a>, set: &[Unlocked]) -> Vec<UnlockEntry<'a>> {
    set.iter()
        .map(|unlocked| UnlockEntry {
            system: view.system(unlocked.system).into(),
            hops: unlocked.hops,
        })
        .collect()
}

/// The steps of a chain as the document tells them.
#[must_use]
pub fn chain_entries<'a>(view: &View<'a>, chain: &Chain<'a>) -> Vec<ChainStep<'a>> {
    let name = |term: Term| FactName {
        kind: term.word(view).into(),
        name: term.name(view).into(),
    };
    let steps = chain.steps().map(|step| {
        let process = step.process.map(|at| &view.org.processes[at as usize]);
        ChainStep {
            yields: name(step.yields),
            inputs: step.inputs.iter().copied().map(name).collect(),
            need: step.need,
            of: step.of,
            how: step.how.to_vec(),
            recovery: step.is_recovery,
            hops: step.hops,
            process: process.map(|process| (&*process.id).into()),
            accountable: process
                .and_then(|process| accountable(view, process))
                .map(Into::into),
            rows: step
                .rows
                .iter()
                .map(|&row| row_entry(view.org, view.sources, row))
                .collect(),
        }
    });
    steps.collect()
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

/// Identities that are counted together.
const TOGETHER: usize = 1 << 13;

/// Totals, as the summary and the document give them.
pub(super) fn counts(view: &View<'_>) -> Counts {
    let org = view.org;
    let totals = view.scan.identities.par_chunks(TOGETHER).map(Totals::of);
    let Totals {
        tiers,
        unlocking,
        pairs,
    } = totals.reduce(Totals::default, Totals::add);
    // In the order of the organisation, where what is asked for lies side by side.
    let identities = org.identities.par_chunks(TOGETHER).map(tiers_before);
    let previous_tiers = identities.reduce(|| [0; TIERS], each_sum);
    Counts {
        identities: org.identities.len() as u64,
        enabled: view.scan.coverage.enabled,
        mailboxes: org.mailboxes.len() as u64,
        recoveries: org.gates.len() as u64,
        systems: org.systems.len() as u64,
        facts: view.program.graph.fact_count() as u64,
        gates: view.program.graph.gate_count() as u64,
        tiers,
        previous_tiers,
        unlocking,
        pairs,
        without_mfa: view.scan.coverage.without_mfa,
        without_mailbox: view.scan.coverage.without_mailbox,
        without_recovery: view.scan.coverage.without_recovery,
    }
}

/// Totals of some identities.
#[derive(Default)]
struct Totals {
    tiers: [u64; TIERS],
    unlocking: u64,
    pairs: u64,
}

impl Totals {
    fn of(results: &[IdentityResult]) -> Self {
        let mut totals = Self::default();
        for result in results {
            let (Some(tier), Some(answer)) = (result.tier, &result.answer) else {
                continue;
            };
            totals.tiers[usize::from(tier)] += 1;
            totals.unlocking += u64::from(!answer.unlocks().is_empty());
            totals.pairs += answer.unlocks().len() as u64;
        }
        totals
    }

    fn add(self, other: Self) -> Self {
        Self {
            tiers: each_sum(self.tiers, other.tiers),
            unlocking: self.unlocking + other.unlocking,
            pairs: self.pairs + other.pairs,
        }
    }
}

/// How many of these that are enabled have each tier today.
fn tiers_before(identities: &[Identity]) -> [u64; TIERS] {
    let mut tiers = [0; TIERS];
    let enabled = identities.iter().filter(|identity| identity.enabled);
    for tier in enabled.filter_map(|identity| identity.tier) {
        tiers[usize::from(tier)] += 1;
    }
    tiers
}

fn each_sum(one: [u64; TIERS], other: [u64; TIERS]) -> [u64; TIERS] {
    std::array::from_fn(|tier| one[tier] + other[tier])
}

impl View<'_> {
    /// Totals of the scan.
    #[must_use]
    pub fn counts(&self) -> Counts {
        counts(self)
    }
}
