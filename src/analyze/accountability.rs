//! Who answers for each recovery process, what it reaches, and whether it is what the tiers of its
//! accounts demand.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexSet;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::demands::{Methods, Unmet, Ways, unmet, ways};
use super::{Judge, Scan};
use crate::compile::{Edits, GateOrigin, Members, Program};
use crate::model::{
    AssetId, Kind, Organisation, Owner, Policy, Process, RecoveryGate, Restored, Target,
};
use crate::rules::Fact;
use crate::solve::Search;

/// A recovery process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answerable {
    /// Its position among the processes.
    pub process: u32,
    /// How many enabled accounts of each tier it resets.
    pub targets: [u32; 4],
    /// How many chains to a system of criticality 0 (one of each identity, as `tiers.csv` has it) pass
    /// through it.
    pub chains: u32,
    /// Owners (by stage) whose own account falls when the process is abused.
    pub inside: Vec<(usize, AssetId)>,
    /// What it does not meet of what the tiers of its accounts demand, with how many accounts of which
    /// tier, most of the strictest tier first.
    pub unmet: Vec<(Unmet, [u32; 4])>,
}

impl Answerable {
    /// The stages that nobody owns.
    #[must_use]
    pub fn gaps(&self, org: &Organisation) -> Vec<usize> {
        let owners = org.processes[self.process as usize].owners.iter();
        let gaps = owners.enumerate().filter(|(_, owner)| owner.is_none());
        gaps.map(|(stage, _)| stage).collect()
    }

    fn rank(&self, org: &Organisation) -> impl Ord + use<> {
        use std::cmp::Reverse;
        let weak: u32 = self.unmet.iter().map(|(_, tiers)| tiers[0]).sum();
        (
            Reverse(self.chains),
            Reverse(self.targets[0]),
            Reverse(weak),
            Reverse(self.inside.len()),
            Reverse(self.targets),
            Reverse(self.gaps(org).len()),
            org.processes[self.process as usize].key.clone(),
        )
    }
}

/// What of a process does not depend on tiers, so that it can be found beside the solver.
pub struct Ground {
    ways: Vec<Ways>,
    members: Members,
    /// By process: owners whose own account falls.
    inside: Vec<Vec<(usize, AssetId)>>,
}

/// What of every process does not depend on tiers: one search of the rule graph per process with an
/// owner who is an account.
#[must_use]
pub fn ground(org: &Organisation, program: &Program, judge: &Judge<'_>) -> Ground {
    let ((ways, members), heads) = rayon::join(
        || {
            let members = Members::new(org, judge.standing_only, &Edits::default());
            (ways(org), members)
        },
        || heads(org, program),
    );
    let inside = (0..org.processes.len() as u32).into_par_iter().map_init(
        || None,
        |search, at| {
            let search = search.get_or_insert_with(|| Search::new(&program.graph));
            inside(org, program, &heads[at as usize], at, search)
        },
    );
    Ground {
        ways,
        members,
        inside: inside.collect(),
    }
}

/// Every process that recovers something or is declared, the riskiest first: by chains to the worst
/// systems, then accounts of tier 0, then what is unmet for them.
///
/// Costs O(proofs + what the processes restore) beside [`ground`].
#[must_use]
pub fn answerable(
    org: &Organisation,
    program: &Program,
    scan: &Scan,
    judge: &Judge<'_>,
    ground: Ground,
) -> Vec<Answerable> {
    let mut tiers: Vec<Option<u8>> = vec![None; org.identities.len()];
    for result in &scan.identities {
        tiers[result.identity as usize] = result.tier;
    }
    let chains = chains(org, program, scan);
    let all = ground
        .inside
        .into_par_iter()
        .enumerate()
        .map(|(at, inside)| {
            let way = &ground.ways[at];
            let process = at as u32;
            let (targets, unmet) = held(org, &ground.members, &tiers, judge.policy, process, way);
            Answerable {
                process,
                targets,
                chains: chains[at],
                inside,
                unmet,
            }
        });
    let mut all: Vec<Answerable> = all.collect();
    all.sort_by_cached_key(|one| one.rank(org));
    all
}

/// How many kept proofs of a system of criticality 0 pass through each process.
fn chains(org: &Organisation, program: &Program, scan: &Scan) -> Vec<u32> {
    let none = || vec![0; org.processes.len()];
    let counted = scan.identities.par_iter().fold(none, |mut chains, result| {
        let Some(answer) = &result.answer else {
            return chains;
        };
        let worst = answer.unlocks().first();
        let is_worst = worst.is_some_and(|worst| scan.criticality[worst.system.index()] == 0);
        let Some(proof) = answer.proof().filter(|_| is_worst) else {
            return chains;
        };
        let mut met: BTreeSet<u32> = BTreeSet::new();
        for step in &proof.steps {
            if let GateOrigin::Recovery(gate) = program.atlas.origin(step.gate)
                && let Some(process) = process_of(org, org.gates[gate as usize])
            {
                met.insert(process);
            }
        }
        for process in met {
            chains[process as usize] += 1;
        }
        chains
    });
    // Sums are the same in whatever order.
    counted.reduce(none, |mut one, two| {
        for (one, two) in one.iter_mut().zip(two) {
            *one += two;
        }
        one
    })
}

fn process_of(org: &Organisation, gate: RecoveryGate) -> Option<u32> {
    let row = org.recoveries_of(gate).next()?;
    row.process.map(|process| process.0)
}

/// What each process yields by itself.
fn heads(org: &Organisation, program: &Program) -> Vec<Vec<Fact>> {
    let mut heads: Vec<Vec<Fact>> = vec![Vec::new(); org.processes.len()];
    for gate in program.graph.gates() {
        if let GateOrigin::Recovery(recovery) = program.atlas.origin(gate)
            && let Some(process) = process_of(org, org.gates[recovery as usize])
        {
            heads[process as usize].push(program.graph.head(gate));
        }
    }
    for heads in &mut heads {
        heads.sort_unstable();
        heads.dedup();
    }
    heads
}

/// Owners whose account falls with everything that the process yields.
fn inside(
    org: &Organisation,
    program: &Program,
    heads: &[Fact],
    at: u32,
    search: &mut Search<'_>,
) -> Vec<(usize, AssetId)> {
    let owners = org.processes[at as usize].owners.iter().enumerate();
    let accounts = owners.filter_map(|(stage, owner)| match owner {
        Some(Owner::Identity(asset)) => Some((stage, *asset)),
        _ => None,
    });
    let accounts: Vec<(usize, AssetId)> = accounts.collect();
    if accounts.is_empty() || heads.is_empty() {
        return Vec::new();
    }
    search.run(heads);
    let falls = |(_, asset): &(usize, AssetId)| search.contains(program.atlas.fact(*asset));
    accounts.into_iter().filter(falls).collect()
}

type Held = ([u32; 4], Vec<(Unmet, [u32; 4])>);

/// What a process does not meet, a bit each, for accounts of each tier.
struct Bits {
    list: IndexSet<Unmet>,
    known: FxHashMap<(u32, Methods), [u64; 4]>,
}

impl Bits {
    fn of(&mut self, process: &Process, policy: &Policy, need: u32, methods: Methods) -> [u64; 4] {
        if let Some(known) = self.known.get(&(need, methods)) {
            return *known;
        }
        let mut masks = [0; 4];
        for (mask, demand) in masks.iter_mut().zip(&policy.demands) {
            for one in unmet(process, (need, methods), demand) {
                // There are fewer different ones than bits: the kinds, and sets of methods.
                let (bit, _) = self.list.insert_full(one);
                *mask |= 1 << bit.min(63);
            }
        }
        self.known.insert((need, methods), masks);
        masks
    }
}

/// The accounts of each tier that a process resets, and what it does not meet for how many of them. An
/// account that several gates restore is counted once and held against all of them.
fn held(
    org: &Organisation,
    members: &Members,
    tiers: &[Option<u8>],
    policy: &Policy,
    at: u32,
    ways: &Ways,
) -> Held {
    let process = &org.processes[at as usize];
    let mut bits = Bits {
        list: IndexSet::new(),
        known: FxHashMap::default(),
    };
    // Accounts with what is not met for them; nothing for those that are only left out somewhere.
    let mut named: Vec<(u32, Option<u64>)> = Vec::new();
    // Gates for everybody: what they do not meet by tier, and whom they leave out, ascending.
    let mut wide: Vec<([u64; 4], Vec<u32>)> = Vec::new();
    let tier = |account: u32| tiers[account as usize].map(usize::from);
    for &(gate, proofs, methods) in &ways.gates {
        let masks = bits.of(process, policy, proofs, methods);
        let gate = org.gates[gate as usize];
        match accounts(org, members, gate) {
            Some(accounts) => {
                let counted = accounts.into_iter();
                named.extend(counted.filter_map(|at| Some((at, Some(masks[tier(at)?])))));
            }
            None => wide.push((masks, left_out(org, members, gate))),
        }
    }
    for &account in wide.iter().flat_map(|(_, out)| out) {
        named.push((account, None));
    }
    named.sort_unstable();
    let (mut targets, mut masked) = ([0u32; 4], BTreeMap::<(u64, usize), u32>::new());
    let mut count = |mask: u64, tier: usize, how_many: u32| {
        targets[tier] += how_many;
        *masked.entry((mask, tier)).or_default() += how_many;
    };
    let mut rest = [0u32; 4];
    if !wide.is_empty() {
        for tier in tiers.iter().flatten() {
            rest[usize::from(*tier)] += 1;
        }
    }
    for same in named.chunk_by(|one, two| one.0 == two.0) {
        let account = same[0].0;
        let Some(tier) = tier(account) else {
            continue;
        };
        let reaches = |out: &[u32]| out.binary_search(&account).is_err();
        let around: Vec<u64> = wide
            .iter()
            .filter(|(_, out)| reaches(out))
            .map(|(masks, _)| masks[tier])
            .collect();
        rest[tier] -= u32::from(!wide.is_empty());
        let own = same.iter().filter_map(|(_, mask)| *mask);
        let mut all = own.chain(around).peekable();
        if all.peek().is_some() {
            count(all.fold(0, |all, mask| all | mask), tier, 1);
        }
    }
    for (tier, how_many) in rest.into_iter().enumerate() {
        let masks = wide.iter().map(|(masks, _)| masks[tier]);
        count(masks.fold(0, |all, mask| all | mask), tier, how_many);
    }
    let mut unmet: Vec<(Unmet, [u32; 4])> = bits
        .list
        .into_iter()
        .enumerate()
        .map(|(bit, one)| {
            let mut of_tier = [0; 4];
            for (&(mask, tier), &how_many) in &masked {
                of_tier[tier] += how_many * u32::from(mask >> bit.min(63) & 1 == 1);
            }
            (one, of_tier)
        })
        .filter(|(_, tiers)| *tiers != [0; 4])
        .collect();
    unmet.sort_by(|(one, of_one), (two, of_two)| of_two.cmp(of_one).then_with(|| one.cmp(two)));
    (targets, unmet)
}

/// The accounts (by position) that a gate restores; nothing for one for everybody.
fn accounts(org: &Organisation, members: &Members, gate: RecoveryGate) -> Option<Vec<u32>> {
    let place = |asset: AssetId| org.identity_of[asset.index()];
    let Target::Asset(target) = gate.target else {
        return None;
    };
    Some(match org.assets.get(target).kind {
        Kind::Identity => place(target).into_iter().collect(),
        Kind::Group if gate.restores != Restored::Membership => {
            let out = left_out(org, members, gate);
            let inside = members.of(target).into_iter().filter_map(place);
            inside.filter(|at| out.binary_search(at).is_err()).collect()
        }
        _ => Vec::new(),
    })
}

/// The accounts that a gate leaves out, ascending.
fn left_out(org: &Organisation, members: &Members, gate: RecoveryGate) -> Vec<u32> {
    let mut out: Vec<u32> = Vec::new();
    let place = |asset: AssetId| org.identity_of[asset.index()];
    for &asset in org.except_of(gate) {
        match org.assets.get(asset).kind {
            Kind::Group => out.extend(members.standing_of(asset).into_iter().filter_map(place)),
            _ => out.extend(place(asset)),
        }
    }
    out.sort_unstable();
    out.dedup();
    out
}
