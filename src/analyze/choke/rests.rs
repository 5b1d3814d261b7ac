//! What the pairs of a seed and a system rest on: for each of them the things of one proof, without
//! which none of them can go.

use rustc_hash::{FxHashMap, FxHashSet};

use super::things::Thing;
use super::{Asked, Ground, criticality, shared_out};
use crate::analyze::Scan;
use crate::model::AssetId;
use crate::rules::{Fact, Gate};
use crate::solve::{Proof, Search};

/// A seed, what it unlocks and what the proofs of that rest on.
pub(super) struct Seed {
    pub(super) asset: AssetId,
    /// Systems, and whether the assumptions alone give them too.
    pub(super) goals: Vec<(Fact, bool)>,
    /// Positions in the list of things.
    pub(super) things: Vec<u32>,
    /// How many accounts fall with it.
    accounts: u32,
    /// Another seed that unlocks the same and is likely to be met from this one, by position.
    pub(super) hub: Option<u32>,
    /// The next one like it.
    pub(super) second_hub: Option<u32>,
    /// What the proof of the hub rests on, ascending.
    pub(super) way: Vec<Thing>,
}

/// For a goal of a seed what one proof of it rests on, ascending.
type Rests = Vec<(Fact, Vec<Thing>)>;

/// Things with how many pairs rest on each, by criticality; ascending.
type Counted = Vec<(Thing, [u32; 3])>;

fn count(rests: &Rests, severity: &[u8]) -> Counted {
    let each = rests.iter().flat_map(|(goal, things)| {
        let critical = criticality(severity, *goal);
        things.iter().map(move |&thing| (thing, critical))
    });
    let mut each: Vec<(Thing, usize)> = each.collect();
    each.sort_unstable();
    let mut counted = Counted::new();
    for (thing, critical) in each {
        match counted.last_mut() {
            Some((last, pairs)) if *last == thing => pairs[critical] += 1,
            _ => {
                let mut pairs = [0; 3];
                pairs[critical] = 1;
                counted.push((thing, pairs));
            }
        }
    }
    counted
}

/// From how many accounts on a seed is worth waiting for another that meets it.
const HUBS_FROM: u32 = 200;

/// Of seeds that others meet what their goals rest on, by position. A proof of theirs and one of how
/// they are met make a proof, so whoever meets one that unlocks the same need not go on: of the seeds
/// from which nearly everything falls only one goes through all of it.
type Hubs = FxHashMap<usize, Rests>;

impl Ground<'_> {
    /// The seeds that unlock something, all things that their proofs rest on, and for each thing at
    /// most how many pairs it can take away.
    pub(super) fn seeds(
        &self,
        scan: &Scan,
        asked: Asked<'_>,
    ) -> (Vec<Seed>, Vec<Thing>, Vec<[u32; 3]>) {
        let base: FxHashSet<Fact> = scan.baseline.systems.iter().map(|one| one.system).collect();
        let wanted: FxHashSet<Fact> = asked.systems.iter().copied().collect();
        let asking = scan.identities.iter().filter_map(|result| {
            let answer = result.answer.as_ref()?;
            let asset = self.things.org.identities[result.identity as usize].asset;
            let counts = |system: &Fact| {
                (wanted.is_empty() || wanted.contains(system))
                    && scan.waived.pair(asset, AssetId(system.0)).is_none()
            };
            let goals: Vec<(Fact, bool)> = answer
                .unlocks()
                .iter()
                .map(|one| (one.system, base.contains(&one.system)))
                .filter(|(system, _)| counts(system))
                .collect();
            (!goals.is_empty()).then_some(Seed {
                asset,
                goals,
                things: Vec::new(),
                accounts: answer.accounts,
                hub: None,
                second_hub: None,
                way: Vec::new(),
            })
        });
        let mut seeds: Vec<Seed> = asking.collect();
        find_hubs(&mut seeds, asked.hubs_from.unwrap_or(HUBS_FROM));
        let counted = self.counted(&mut seeds, &scan.criticality);
        let mut number: FxHashMap<Thing, u32> = FxHashMap::default();
        let mut things: Vec<Thing> = Vec::new();
        let mut bounds: Vec<[u32; 3]> = Vec::new();
        for (seed, counted) in seeds.iter_mut().zip(counted) {
            for (thing, pairs) in counted {
                if !asked.kinds.is_empty() && !asked.kinds.contains(&thing.word()) {
                    continue;
                }
                let at = *number.entry(thing).or_insert_with(|| {
                    things.push(thing);
                    bounds.push([0; 3]);
                    things.len() as u32 - 1
                });
                for (to, from) in bounds[at as usize].iter_mut().zip(pairs) {
                    *to += from;
                }
                seed.things.push(at);
            }
        }
        (seeds, things, bounds)
    }

    /// For every seed the things that its pairs rest on, with how many do, by criticality.
    fn counted(&self, seeds: &mut [Seed], severity: &[u8]) -> Vec<Counted> {
        let hubs = seeds.iter().filter_map(|seed| seed.hub);
        let mut hubs: Hubs = hubs.map(|hub| (hub as usize, Rests::new())).collect();
        let (first, then): (Vec<usize>, Vec<usize>) =
            (0..seeds.len()).partition(|at| hubs.contains_key(at));
        let mut all: Vec<Counted> = vec![Counted::new(); seeds.len()];
        for round in [first, then] {
            let done = shared_out(round.len(), |mine| {
                let mut search = Search::new(&self.relevant.graph);
                let done = mine.map(|place| round[place]).map(|at| {
                    let (rests, way) = self.rests_on(&mut search, seeds, at, &hubs);
                    let counted = count(&rests, severity);
                    (at, counted, hubs.contains_key(&at).then_some(rests), way)
                });
                done.collect::<Vec<_>>()
            });
            for (at, counted, rests, way) in done.into_iter().flatten() {
                if let Some(rests) = rests {
                    hubs.insert(at, rests);
                }
                let seed = &mut seeds[at];
                if way.is_none() {
                    (seed.hub, seed.second_hub) = (None, None);
                }
                seed.way = way.unwrap_or_default();
                all[at] = counted;
            }
        }
        all
    }

    pub(super) fn start(&self, seed: &Seed) -> Fact {
        self.program.atlas.fact(seed.asset)
    }

    /// What the proofs of a seed's goals rest on, and that of its hub where it is met.
    fn rests_on(
        &self,
        search: &mut Search<'_>,
        seeds: &[Seed],
        at: usize,
        hubs: &Hubs,
    ) -> (Rests, Option<Vec<Thing>>) {
        let seed = &seeds[at];
        let (mut rests, mut on_the_way) = (Rests::new(), None);
        let start = self.relevant.fact(self.start(seed));
        for in_base in [false, true] {
            let goals = seed.goals.iter().filter(|(_, base)| *base == in_base);
            let mut goals = goals.map(|(goal, _)| *goal).peekable();
            if goals.peek().is_none() {
                continue;
            }
            let mut given: Vec<Fact> = start.into_iter().collect();
            if !in_base {
                given.extend(&self.assumed);
            }
            let hub = seed.hub.filter(|_| !in_base).map(|hub| hub as usize);
            let met = hub.and_then(|hub| self.relevant.fact(self.start(&seeds[hub])));
            if search.run_until(&given, met.as_slice())
                && let Some(met) = met
                && let Some(known) = hub.and_then(|hub| hubs.get(&hub))
                && let Some(way) = search.whole_proof(met)
            {
                let way = self.things_of(&way, seed.asset);
                let goals: FxHashSet<Fact> = goals.collect();
                let known = known.iter().filter(|(goal, _)| goals.contains(goal));
                rests.extend(known.map(|(goal, things)| {
                    // Whoever starts with an asset keeps it.
                    let things = things
                        .iter()
                        .filter(|thing| **thing != Thing::Asset(seed.asset));
                    let mut all: Vec<Thing> = things.chain(&way).copied().collect();
                    all.sort_unstable();
                    all.dedup();
                    (*goal, all)
                }));
                on_the_way = Some(way);
                continue;
            }
            for goal in goals {
                let here = self.relevant.fact(goal);
                let proof = here.and_then(|goal| search.whole_proof(goal));
                if let Some(proof) = proof {
                    rests.push((goal, self.things_of(&proof, seed.asset)));
                }
            }
        }
        (rests, on_the_way)
    }

    fn things_of(&self, proof: &Proof, seed: AssetId) -> Vec<Thing> {
        let mut found = Vec::new();
        let whole = |gate: Gate| self.relevant.whole_gate(gate);
        self.things.of_proof(proof, whole, seed, &mut found);
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Of the seeds from which at least so many accounts fall and which unlock the same, the one from
/// which least falls is likely to be met by the others.
fn find_hubs(seeds: &mut [Seed], from: u32) {
    // The order of the goals is that of their hops, which differ.
    let sorted = seeds.iter().map(|seed| {
        let mut goals = seed.goals.clone();
        goals.sort_unstable();
        (seed.accounts >= from).then_some(goals)
    });
    let sorted: Vec<Option<Vec<(Fact, bool)>>> = sorted.collect();
    let mut alike: FxHashMap<&[(Fact, bool)], Vec<u32>> = FxHashMap::default();
    for (at, goals) in (0u32..).zip(&sorted) {
        if let Some(goals) = goals {
            alike.entry(goals).or_default().push(at);
        }
    }
    for goals in sorted.iter().flatten() {
        let Some(mut group) = alike.remove(&**goals) else {
            continue;
        };
        group.sort_by_key(|&at| seeds[at as usize].accounts);
        if let [first, second, others @ ..] = &group[..] {
            for &at in others {
                let seed = &mut seeds[at as usize];
                (seed.hub, seed.second_hub) = (Some(*first), Some(*second));
            }
        }
    }
}
