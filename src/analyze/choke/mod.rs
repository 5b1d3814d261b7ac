//! Choke points: how many pairs of an identity and a system disappear when one thing goes.
//!
//! A thing that a proof of a pair does not rest on cannot take the pair away, so one proof of each
//! pair says which things are worth trying; for every seed all of them are then taken away side by
//! side, a bit each, on the part of the rule graph that leads to a system at all. The numbers are
//! exact. What a removal would change beyond gates that no longer fire (a membership that keeps
//! somebody out of a recovery) is compiled anew and solved again.

mod effects;
mod groups;
mod things;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::Scan;
use crate::compile::{GateOrigin, Options, Program, Unknown, compile_edited};
use crate::model::{AssetId, Organisation};
use crate::rules::{Class, Fact, Gate, Incoming, Relevant};
use crate::solve::{self, Removal, Removals, SIDE_BY_SIDE, Search};
use effects::Effects;
pub(super) use groups::Groups;
pub use things::Thing;
use things::Things;

/// What is asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// How many things are wanted; all when there is no number.
    pub top: Option<usize>,
    /// The systems that count; all when empty.
    pub systems: &'a [Fact],
    /// The words of the things that count ([`Thing::word`]); all when empty.
    pub kinds: &'a [&'a str],
}

/// What disappears with one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChokePoint {
    /// The thing.
    pub thing: Thing,
    /// Pairs of an identity and a system that disappear, by criticality of the system.
    pub pairs: [u32; 3],
    /// Identities that unlock nothing of criticality 0 any more.
    pub freed: u32,
}

impl ChokePoint {
    /// Pairs of any criticality.
    #[must_use]
    pub fn all(&self) -> u32 {
        self.pairs.iter().sum()
    }

    fn rank(&self) -> (std::cmp::Reverse<[u32; 3]>, Thing) {
        (std::cmp::Reverse(self.pairs), self.thing)
    }
}

/// The things that matter most.
#[derive(Clone, Debug, Default)]
pub struct Ranking {
    /// Those that take at least one pair with them: most pairs of criticality 0 first, then 1, then 2.
    pub points: Vec<ChokePoint>,
    /// How many things some proof rests on, so that they might have taken a pair with them.
    pub tried: usize,
    /// Pairs that there are, by criticality.
    pub pairs: [u32; 3],
}

/// A seed, what it unlocks and what the proofs of that rest on.
struct Seed {
    asset: AssetId,
    /// Systems, and whether the assumptions alone give them too.
    goals: Vec<(Fact, bool)>,
    /// Positions in the list of things.
    things: Vec<u32>,
}

/// What proofs rest on, and how many pairs have such a proof.
type Rests = Vec<(Thing, [u32; 3])>;

/// Shares positions out to the threads, two parts each, every part with scratch memory of its own;
/// neighbours go to different parts, for the dearest ones stand side by side.
fn shared_out<R: Send>(
    count: usize,
    work: impl Fn(std::iter::StepBy<std::ops::Range<usize>>) -> R + Sync,
) -> Vec<R> {
    let parts = (2 * rayon::current_num_threads()).min(count.max(1));
    let parts = (0..parts)
        .into_par_iter()
        .map(|part| work((part..count).step_by(parts)));
    parts.collect()
}

/// What a thing is found to take away.
#[derive(Clone, Copy, Default)]
struct Loss {
    pairs: [u32; 3],
    freed: u32,
}

impl Loss {
    fn add(&mut self, other: Self) {
        for (to, from) in self.pairs.iter_mut().zip(other.pairs) {
            *to += from;
        }
        self.freed += other.freed;
    }
}

/// Ranks the things of a scanned organisation.
///
/// Costs one search per identity that unlocks something, of the facts that lead to a system, and
/// about two more for each 64 things that its proofs rest on.
#[must_use]
pub fn choke_points(
    org: &Organisation,
    program: &Program,
    options: &Options,
    scan: &Scan,
    asked: Asked<'_>,
) -> Ranking {
    let ground = Ground::new(org, program, options, asked);
    let severity = &scan.criticality;
    let (seeds, things, bounds) = ground.seeds(scan, asked);
    let mut ranking = Ranking::default();
    for seed in &seeds {
        for (goal, _) in &seed.goals {
            ranking.pairs[criticality(severity, *goal)] += 1;
        }
    }
    ranking.tried = things.len();
    let effects = ground.effects();
    let mut order: Vec<u32> = (0..things.len() as u32).collect();
    order.sort_unstable_by_key(|&at| {
        let at = at as usize;
        (std::cmp::Reverse(bounds[at]), things[at])
    });
    let mut of_thing: Vec<Vec<u32>> = vec![Vec::new(); things.len()];
    for (at, seed) in (0u32..).zip(&seeds) {
        for &thing in &seed.things {
            of_thing[thing as usize].push(at);
        }
    }
    // Those that could take most away are tried first; the rest cannot be among the first any more.
    let round = asked
        .top
        .map_or(things.len(), |top| 2 * top.max(SIDE_BY_SIDE / 2));
    let mut points: Vec<ChokePoint> = Vec::new();
    for tried in order.chunks(round.max(1)) {
        let last = asked.top.and_then(|top| points.get(top.checked_sub(1)?));
        let bound = tried.first().map(|&at| bounds[at as usize]);
        if last.is_some_and(|last| Some(last.pairs) > bound) {
            break;
        }
        let removals = tried.par_iter().map(|&at| effects.of(things[at as usize]));
        let removals: Vec<Option<Removal>> = removals.collect();
        let losses = ground.losses(&seeds, tried, &of_thing, &removals, severity);
        for ((&at, removal), loss) in tried.iter().zip(&removals).zip(losses) {
            let thing = things[at as usize];
            let loss = match removal {
                Some(_) => loss,
                None => {
                    let last = asked.top.and_then(|top| points.get(top.checked_sub(1)?));
                    if last.is_some_and(|last| last.pairs > bounds[at as usize]) {
                        continue;
                    }
                    let mine = of_thing[at as usize]
                        .iter()
                        .map(|&seed| &seeds[seed as usize]);
                    anew(org, options, thing, mine, severity)
                }
            };
            if loss.pairs != [0; 3] {
                let point = ChokePoint {
                    thing,
                    pairs: loss.pairs,
                    freed: loss.freed,
                };
                let place = points.partition_point(|other| other.rank() < point.rank());
                points.insert(place, point);
            }
        }
    }
    if let Some(top) = asked.top {
        points.truncate(top);
    }
    ranking.points = points;
    ranking
}

fn criticality(severity: &[u8], system: Fact) -> usize {
    usize::from(severity[system.index()].min(2))
}

/// The part of a rule graph that leads to a system, and what its gates and facts mean.
struct Ground<'a> {
    program: &'a Program,
    things: Things<'a>,
    relevant: Relevant,
    incoming: Incoming,
    assumed: Vec<Fact>,
    family_of: Vec<u32>,
    families: usize,
    groups_speak: bool,
}

impl<'a> Ground<'a> {
    fn new(
        org: &'a Organisation,
        program: &'a Program,
        options: &Options,
        asked: Asked<'_>,
    ) -> Self {
        let graph = &program.graph;
        let incoming = Incoming::new(graph);
        let systems: Vec<Fact> = if asked.systems.is_empty() {
            let systems = graph.facts();
            systems
                .filter(|&fact| graph.class(fact) == Class::System)
                .collect()
        } else {
            asked.systems.to_vec()
        };
        let relevant = Relevant::new(graph, &incoming, &systems);
        let mut things = Things::new(org, program, options.standing_only);
        things.groups.note_targets(org, program);
        let recoveries = org.gates.len() as u32;
        let family_of: Vec<u32> = relevant
            .graph
            .gates()
            .map(
                |gate| match program.atlas.origin(relevant.whole_gate(gate)) {
                    GateOrigin::Recovery(recovery) => recovery,
                    _ => recoveries + gate.0,
                },
            )
            .collect();
        let assumed = program.assumed.iter();
        Self {
            assumed: assumed.filter_map(|&fact| relevant.fact(fact)).collect(),
            families: recoveries as usize + relevant.graph.gate_count(),
            family_of,
            program,
            things,
            relevant,
            incoming,
            groups_speak: options.unknown == Unknown::Best,
        }
    }

    fn effects(&self) -> Effects<'_> {
        Effects::new(
            &self.things,
            &self.relevant,
            &self.incoming,
            self.groups_speak,
        )
    }

    /// The seeds that unlock something, all things that their proofs rest on, and for each thing at
    /// most how many pairs it can take away.
    fn seeds(&self, scan: &Scan, asked: Asked<'_>) -> (Vec<Seed>, Vec<Thing>, Vec<[u32; 3]>) {
        let base: FxHashSet<Fact> = scan.baseline.systems.iter().map(|one| one.system).collect();
        let wanted: FxHashSet<Fact> = asked.systems.iter().copied().collect();
        let asking = scan.identities.iter().filter_map(|result| {
            let unlocks = result.answer.as_ref()?.unlocks().iter();
            let asset = self.things.org.identities[result.identity as usize].asset;
            let counts = |system: &Fact| {
                (wanted.is_empty() || wanted.contains(system))
                    && scan.waived.pair(asset, AssetId(system.0)).is_none()
            };
            let goals: Vec<(Fact, bool)> = unlocks
                .map(|one| (one.system, base.contains(&one.system)))
                .filter(|(system, _)| counts(system))
                .collect();
            (!goals.is_empty()).then_some(Seed {
                asset,
                goals,
                things: Vec::new(),
            })
        });
        let mut seeds: Vec<Seed> = asking.collect();
        let rests = shared_out(seeds.len(), |mine| {
            let mut search = Search::new(&self.relevant.graph);
            mine.map(|at| {
                let seed = &seeds[at];
                (
                    at,
                    self.rests_on(&mut search, seed, &scan.criticality, asked.kinds),
                )
            })
            .collect::<Vec<_>>()
        });
        let mut rests: Vec<(usize, Rests)> = rests.into_iter().flatten().collect();
        rests.sort_unstable_by_key(|(at, _)| *at);
        let mut number: FxHashMap<Thing, u32> = FxHashMap::default();
        let mut things: Vec<Thing> = Vec::new();
        let mut bounds: Vec<[u32; 3]> = Vec::new();
        for (seed, (_, rests)) in seeds.iter_mut().zip(rests) {
            for (thing, pairs) in rests {
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

    /// What the proofs of a seed's goals rest on, with the pairs of each.
    fn rests_on(
        &self,
        search: &mut Search<'_>,
        seed: &Seed,
        severity: &[u8],
        kinds: &[&str],
    ) -> Rests {
        let mut order: Vec<Thing> = Vec::new();
        let mut pairs: FxHashMap<Thing, [u32; 3]> = FxHashMap::default();
        let start = self.relevant.fact(self.program.atlas.fact(seed.asset));
        for in_base in [false, true] {
            let mut goals = seed
                .goals
                .iter()
                .filter(|(_, base)| *base == in_base)
                .peekable();
            if goals.peek().is_none() {
                continue;
            }
            let mut given: Vec<Fact> = start.into_iter().collect();
            if !in_base {
                given.extend(&self.assumed);
            }
            search.run(&given);
            for &(goal, _) in goals {
                let Some(proof) = self
                    .relevant
                    .fact(goal)
                    .and_then(|goal| search.whole_proof(goal))
                else {
                    continue;
                };
                let mut found = FxHashSet::default();
                let whole = |gate: Gate| self.relevant.whole_gate(gate);
                self.things.of_proof(&proof, whole, seed.asset, &mut found);
                let mut found: Vec<Thing> = found.into_iter().collect();
                found.retain(|thing| kinds.is_empty() || kinds.contains(&thing.word()));
                found.sort_unstable();
                for thing in found {
                    let entry = pairs.entry(thing).or_insert_with(|| {
                        order.push(thing);
                        [0; 3]
                    });
                    entry[criticality(severity, goal)] += 1;
                }
            }
        }
        order
            .into_iter()
            .map(|thing| (thing, pairs.get(&thing).copied().unwrap_or_default()))
            .collect()
    }

    /// What each of some things takes away, tried on every seed that may need it.
    fn losses(
        &self,
        seeds: &[Seed],
        tried: &[u32],
        of_thing: &[Vec<u32>],
        removals: &[Option<Removal>],
        severity: &[u8],
    ) -> Vec<Loss> {
        let mut of_seed: Vec<Vec<u32>> = vec![Vec::new(); seeds.len()];
        for (place, (&at, removal)) in (0u32..).zip(tried.iter().zip(removals)) {
            for &seed in of_thing[at as usize].iter().filter(|_| removal.is_some()) {
                of_seed[seed as usize].push(place);
            }
        }
        let asking: Vec<usize> = (0..seeds.len())
            .filter(|&seed| !of_seed[seed].is_empty())
            .collect();
        let graph = &self.relevant.graph;
        let done = shared_out(asking.len(), |mine| {
            let mut runs = [(); 3].map(|()| Removals::new(graph, &self.family_of, self.families));
            let mut losses = vec![Loss::default(); tried.len()];
            for seed in mine.map(|at| asking[at]) {
                let mine = of_seed[seed].iter();
                let tried: Vec<(u32, &Removal)> = mine
                    .filter_map(|&place| Some((place, removals[place as usize].as_ref()?)))
                    .collect();
                for batch in tried.chunks(SIDE_BY_SIDE) {
                    self.batch(&mut runs, &seeds[seed], batch, severity, &mut losses);
                }
            }
            losses
        });
        let mut all = vec![Loss::default(); tried.len()];
        for some in done {
            for (to, from) in all.iter_mut().zip(some) {
                to.add(from);
            }
        }
        all
    }

    fn batch(
        &self,
        [alone, all, base]: &mut [Removals<'_>; 3],
        seed: &Seed,
        batch: &[(u32, &Removal)],
        severity: &[u8],
        losses: &mut [Loss],
    ) {
        let removals: Vec<&Removal> = batch.iter().map(|(_, removal)| *removal).collect();
        let start = self.relevant.fact(self.program.atlas.fact(seed.asset));
        let is_assuming = !self.assumed.is_empty();
        let some_in_base = seed.goals.iter().any(|(_, in_base)| *in_base);
        if !is_assuming || some_in_base {
            alone.run(start, &[], &removals);
        }
        if is_assuming {
            all.run(start, &self.assumed, &removals);
            if some_in_base {
                base.run(None, &self.assumed, &removals);
            }
        }
        let kept = |goal: Fact, in_base: bool| {
            let Some(goal) = self.relevant.fact(goal) else {
                return 0;
            };
            match (is_assuming, in_base) {
                (false, _) => alone.follows(goal),
                (true, false) => all.follows(goal),
                // What the assumptions no longer give is the seed's doing after all.
                (true, true) => alone.follows(goal) | (all.follows(goal) & !base.follows(goal)),
            }
        };
        let mut had_worst = false;
        let mut worst_left = 0u64;
        let mut gone = vec![[0u32; 3]; batch.len()];
        for &(goal, in_base) in &seed.goals {
            let kept = kept(goal, in_base);
            let critical = criticality(severity, goal);
            if critical == 0 {
                had_worst = true;
                worst_left |= kept;
            }
            for (lane, gone) in gone.iter_mut().enumerate() {
                gone[critical] += u32::from(kept >> lane & 1 == 0);
            }
        }
        for (lane, (&(at, _), pairs)) in batch.iter().zip(gone).enumerate() {
            let freed = u32::from(had_worst && worst_left >> lane & 1 == 0);
            losses[at as usize].add(Loss { pairs, freed });
        }
    }
}

/// The same for one thing by compiling the organisation without it.
fn anew<'s>(
    org: &Organisation,
    options: &Options,
    thing: Thing,
    seeds: impl Iterator<Item = &'s Seed>,
    severity: &[u8],
) -> Loss {
    let program = compile_edited(org, options, &thing.edits(org));
    let graph = &program.graph;
    let base = solve::closure(graph, &program.assumed);
    let seeds: Vec<&Seed> = seeds.collect();
    let losses = seeds.par_iter().map_init(
        || (Search::new(graph), Search::new(graph)),
        |(alone, all), seed| {
            let start = program.atlas.fact(seed.asset);
            alone.run(&[start]);
            let mut given = program.assumed.clone();
            given.push(start);
            all.run(&given);
            let mut loss = Loss::default();
            let (mut had_worst, mut worst_left) = (false, false);
            for &(goal, _) in &seed.goals {
                let kept = alone.contains(goal) || (all.contains(goal) && !base.contains(goal));
                let critical = criticality(severity, goal);
                loss.pairs[critical] += u32::from(!kept);
                had_worst |= critical == 0;
                worst_left |= critical == 0 && kept;
            }
            loss.freed = u32::from(had_worst && !worst_left);
            loss
        },
    );
    losses.reduce(Loss::default, |mut all, one| {
        all.add(one);
        all
    })
}
