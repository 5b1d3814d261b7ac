//! Who answers for each recovery process, what it reaches, and whether it is what the tiers of its
//! accounts demand.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexSet;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::demands::{Unmet, Ways, unmet};
use super::targets::Targets;
use super::{Judge, Scan};
use crate::compile::{GateOrigin, Program};
use crate::model::{AssetId, Organisation, Owner, Policy, Process};
use crate::rules::Fact;
use crate::solve::{Falls, Spare};

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
pub struct Ground<'a> {
    /// The gates of every process.
    pub ways: Ways,
    whom: Targets<'a>,
    /// By process: owners whose own account falls.
    inside: Vec<Vec<(usize, AssetId)>>,
}

/// What of every process does not depend on tiers: one search of the rule graph per process with an
/// owner who is an account.
#[must_use]
pub fn ground<'a>(org: &'a Organisation, program: &Program, judge: &Judge<'_>) -> Ground<'a> {
    let (ways, whom) = rayon::join(|| Ways::new(org), || Targets::new(org, judge.standing_only));
    let heads = heads(org, program, &ways);
    let spare = Spare::default();
    let inside = heads.par_iter().enumerate().map(|(at, heads)| {
        let accounts = owners(org, at);
        if accounts.is_empty() || heads.is_empty() {
            return Vec::new();
        }
        let new = || Falls::new(&program.graph);
        spare.lend(new, |falls| inside(program, heads, accounts, falls))
    });
    Ground {
        ways,
        whom,
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
    ground: &Ground<'_>,
) -> Vec<Answerable> {
    let mut tiers: Vec<Option<u8>> = vec![None; org.identities.len()];
    for result in &scan.identities {
        tiers[result.identity as usize] = result.tier;
    }
    let chains = chains(org, program, scan, &ground.ways);
    let all = ground.inside.par_iter().enumerate().map(|(at, inside)| {
        let process = at as u32;
        let (targets, unmet) = held(org, ground, &tiers, judge.policy, process);
        Answerable {
            process,
            targets,
            chains: chains[at],
            inside: inside.clone(),
            unmet,
        }
    });
    let mut all: Vec<Answerable> = all.collect();
    all.sort_by_cached_key(|one| one.rank(org));
    all
}

/// How many kept proofs of a system of criticality 0 pass through each process.
fn chains(org: &Organisation, program: &Program, scan: &Scan, ways: &Ways) -> Vec<u32> {
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
                && let Some(process) = ways.process(gate)
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

/// What each process yields by itself.
fn heads(org: &Organisation, program: &Program, ways: &Ways) -> Vec<Vec<Fact>> {
    let mut heads: Vec<Vec<Fact>> = vec![Vec::new(); org.processes.len()];
    for gate in program.graph.gates() {
        if let GateOrigin::Recovery(recovery) = program.atlas.origin(gate)
            && let Some(process) = ways.process(recovery)
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

/// The stages of a process whose owners are accounts, with those.
fn owners(org: &Organisation, process: usize) -> Vec<(usize, AssetId)> {
    let owners = org.processes[process].owners.iter().enumerate();
    let accounts = owners.filter_map(|(stage, owner)| match owner {
        Some(Owner::Identity(asset)) => Some((stage, *asset)),
        _ => None,
    });
    accounts.collect()
}

/// Owners whose account falls with everything that the process yields.
fn inside(
    program: &Program,
    heads: &[Fact],
    mut owners: Vec<(usize, AssetId)>,
    falls: &mut Falls<'_>,
) -> Vec<(usize, AssetId)> {
    let fact = |(_, asset): &(usize, AssetId)| program.atlas.fact(*asset);
    let facts: Vec<Fact> = owners.iter().map(fact).collect();
    // What is assumed is there anyhow.
    falls.run_until(&[heads, &program.assumed].concat(), &facts);
    owners.retain(|owner| falls.contains(fact(owner)));
    owners
}

type Held = ([u32; 4], Vec<(Unmet, [u32; 4])>);

/// A set of things that are not met, by its position among the sets that were met with; 0 is none.
type Set = u32;

/// What a process does not meet. There are few different sets of that, so each is kept once, and what two
/// of them are together is looked up.
struct Sets {
    list: IndexSet<Unmet>,
    sets: IndexSet<Vec<u32>>,
    /// By the way of a gate and the tier of an account.
    known: FxHashMap<u32, [Set; 4]>,
    unions: FxHashMap<(Set, Set), Set>,
}

impl Sets {
    fn new() -> Self {
        Self {
            list: IndexSet::new(),
            sets: IndexSet::from([Vec::new()]),
            known: FxHashMap::default(),
            unions: FxHashMap::default(),
        }
    }

    /// What a gate does not meet, by tier.
    fn of(&mut self, process: &Process, policy: &Policy, way: u32, ways: &Ways) -> [Set; 4] {
        if let Some(known) = self.known.get(&way) {
            return *known;
        }
        let mut sets = [0; 4];
        for (set, demand) in sets.iter_mut().zip(&policy.demands) {
            let all = unmet(process, ways.get(way), demand).into_iter();
            let mut all: Vec<u32> = all.map(|one| self.list.insert_full(one).0 as u32).collect();
            all.sort_unstable();
            *set = self.sets.insert_full(all).0 as Set;
        }
        self.known.insert(way, sets);
        sets
    }

    fn union(&mut self, one: Set, two: Set) -> Set {
        if one == two || two == 0 {
            return one;
        }
        if let Some(&known) = self.unions.get(&(one, two)) {
            return known;
        }
        let mut all = [&*self.sets[one as usize], &*self.sets[two as usize]].concat();
        all.sort_unstable();
        all.dedup();
        let union = self.sets.insert_full(all).0 as Set;
        self.unions.insert((one, two), union);
        union
    }
}

/// An account with a set of things that are not met for it, or without one: a number each, as there is one
/// for every gate of a process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Named(u64);

impl Named {
    fn new(account: u32, set: Option<Set>) -> Self {
        let set = set.map_or(0, |set| u64::from(set) + 1);
        Self(u64::from(account) << 32 | set)
    }

    fn account(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn set(self) -> Option<Set> {
        (self.0 as u32).checked_sub(1)
    }
}

/// The accounts of each tier that a process resets, and what it does not meet for how many of them. An
/// account that several gates restore is counted once and held against all of them.
fn held(
    org: &Organisation,
    ground: &Ground<'_>,
    tiers: &[Option<u8>],
    policy: &Policy,
    at: u32,
) -> Held {
    let process = &org.processes[at as usize];
    let mut sets = Sets::new();
    // Accounts with what is not met for them; nothing for those that are only left out somewhere.
    let mut named: Vec<Named> = Vec::new();
    // Gates for everybody: what they do not meet by tier, and whom they leave out, ascending.
    let mut wide: Vec<([Set; 4], Vec<u32>)> = Vec::new();
    let tier = |account: u32| tiers[account as usize].map(usize::from);
    let mut few = Vec::new();
    for &(gate, way) in ground.ways.of(at) {
        let unmet = sets.of(process, policy, way, &ground.ways);
        few.clear();
        let out = ground.whom.add_few(org.gates[gate as usize], &mut few);
        named.extend(
            few.iter()
                .filter_map(|&at| Some(Named::new(at, Some(unmet[tier(at)?])))),
        );
        wide.extend(out.map(|out| (unmet, out)));
    }
    for &account in wide.iter().flat_map(|(_, out)| out) {
        named.push(Named::new(account, None));
    }
    named.sort_unstable();
    let (mut targets, mut counted) = ([0u32; 4], BTreeMap::<(Set, usize), u32>::new());
    let mut count = |set: Set, tier: usize, how_many: u32| {
        targets[tier] += how_many;
        *counted.entry((set, tier)).or_default() += how_many;
    };
    let mut rest = [0u32; 4];
    if !wide.is_empty() {
        for tier in tiers.iter().flatten() {
            rest[usize::from(*tier)] += 1;
        }
    }
    for same in named.chunk_by(|one, two| one.account() == two.account()) {
        let account = same[0].account();
        let Some(tier) = tier(account) else {
            continue;
        };
        rest[tier] -= u32::from(!wide.is_empty());
        let own = same.iter().filter_map(|one| one.set());
        let around = wide.iter().filter_map(|(unmet, out)| {
            let is_in = out.binary_search(&account).is_err();
            is_in.then_some(unmet[tier])
        });
        let all = own.chain(around);
        if let Some(all) = all.reduce(|all, set| sets.union(all, set)) {
            count(all, tier, 1);
        }
    }
    for (tier, how_many) in rest.into_iter().enumerate() {
        let all = wide.iter().map(|(unmet, _)| unmet[tier]);
        let all = all.reduce(|all, set| sets.union(all, set)).unwrap_or(0);
        count(all, tier, how_many);
    }
    let mut unmet = vec![[0u32; 4]; sets.list.len()];
    for ((set, tier), how_many) in counted {
        for &one in &sets.sets[set as usize] {
            unmet[one as usize][tier] += how_many;
        }
    }
    let mut unmet: Vec<(Unmet, [u32; 4])> = sets.list.into_iter().zip(unmet).collect();
    unmet.retain(|(_, tiers)| *tiers != [0; 4]);
    unmet.sort_by(|(one, of_one), (two, of_two)| of_two.cmp(of_one).then_with(|| one.cmp(two)));
    (targets, unmet)
}
