//! What goes with each thing: for every seed the things that its proofs rest on are taken away side by
//! side, a bit each.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::rests::Seed;
use super::{Ground, Thing, criticality, shared_out};
use crate::compile::{Options, compile_edited};
use crate::model::Organisation;
use crate::rules::Fact;
use crate::solve::{self, Removal, Removals, SIDE_BY_SIDE, Search};

/// What a thing is found to take away.
#[derive(Clone, Copy, Default)]
pub(super) struct Loss {
    pub(super) pairs: [u32; 3],
    pub(super) freed: u32,
}

impl Loss {
    fn add(&mut self, other: Self) {
        for (to, from) in self.pairs.iter_mut().zip(other.pairs) {
            *to += from;
        }
        self.freed += other.freed;
    }
}

/// Things with their places among those that are tried.
type Tried<'r> = [(u32, &'r Removal)];

/// What a seed loses with each of some things (by place), and which of the seeds that it stands in
/// for (by their order) follow from it without that thing.
type HubLosses = FxHashMap<u32, (Loss, Vec<bool>)>;

/// Closures of one seed: of it alone and, where something is assumed, with that and of that alone.
struct Runs<'g> {
    alone: Removals<'g>,
    assuming: Option<[Removals<'g>; 2]>,
}

/// A hub as one of those sees it that it stands in for.
struct Hub<'a> {
    seed: usize,
    fact: Fact,
    losses: &'a HubLosses,
    order: usize,
}

impl Hub<'_> {
    /// Adds what is lost with a thing by whoever follows the hub without it, if that can be told: the
    /// hub loses nothing, or each follows from the other and both have one closure.
    fn settles(&self, place: u32, losses: &mut [Loss]) -> bool {
        match self.losses.get(&place) {
            None => true,
            Some((loss, follows)) if follows[self.order] => {
                losses[place as usize].add(*loss);
                true
            }
            Some(_) => false,
        }
    }
}

impl Ground<'_> {
    /// What each of some things takes away, tried on every seed that may need it.
    ///
    /// Two seeds that follow from each other have one closure. So a seed that still meets its hub
    /// when something is gone is not gone through: it loses nothing where the hub loses nothing, and
    /// what the hub loses where it follows from the hub in turn. The second hub is for when the first
    /// one is what goes.
    pub(super) fn losses(
        &self,
        seeds: &[Seed],
        things: &[Thing],
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
        let tried_on = |seed: usize| -> Vec<(u32, &Removal)> {
            let mine = of_seed[seed].iter();
            mine.filter_map(|&place| Some((place, removals[place as usize].as_ref()?)))
                .collect()
        };
        let asking: Vec<usize> = (0..seeds.len())
            .filter(|&seed| !of_seed[seed].is_empty())
            .collect();
        // For every hub the seeds that it stands in for; what is assumed would have to be told apart.
        let mut members: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        for &seed in asking.iter().filter(|_| self.assumed.is_empty()) {
            let hubs = [seeds[seed].hub, seeds[seed].second_hub];
            for hub in hubs.into_iter().flatten() {
                members.entry(hub as usize).or_default().push(seed);
            }
        }
        let is_hub = |seed: &usize| members.contains_key(seed);
        let (hubs, others): (Vec<usize>, Vec<usize>) = asking.iter().partition(|seed| is_hub(seed));
        let mut all = vec![Loss::default(); tried.len()];
        let found = shared_out(hubs.len(), |mine| {
            let mut runs = self.runs();
            let mine = mine.map(|at| hubs[at]);
            mine.map(|hub| {
                let members: Vec<Option<Fact>> = members[&hub]
                    .iter()
                    .map(|&seed| self.relevant.fact(self.start(&seeds[seed])))
                    .collect();
                let mut found = HubLosses::default();
                for batch in tried_on(hub).chunks(SIDE_BY_SIDE) {
                    let losses = self.batch(&mut runs, &seeds[hub], batch, severity);
                    for (lane, (&(place, _), loss)) in batch.iter().zip(losses).enumerate() {
                        let follows = |fact: &Option<Fact>| {
                            fact.is_some_and(|fact| runs.alone.follows(fact) >> lane & 1 == 1)
                        };
                        found.insert(place, (loss, members.iter().map(follows).collect()));
                    }
                }
                (hub, found)
            })
            .collect::<Vec<_>>()
        });
        let found: FxHashMap<usize, HubLosses> = found.into_iter().flatten().collect();
        for hub in &hubs {
            for &place in &of_seed[*hub] {
                all[place as usize].add(found[hub][&place].0);
            }
        }
        let done = shared_out(others.len(), |mine| {
            let mut runs = self.runs();
            let mut losses = vec![Loss::default(); tried.len()];
            for seed in mine.map(|at| others[at]) {
                let hub = |at: Option<u32>| {
                    let at = at? as usize;
                    Some(Hub {
                        seed: at,
                        fact: self.relevant.fact(self.start(&seeds[at]))?,
                        losses: found.get(&at)?,
                        order: members[&at].iter().position(|&one| one == seed)?,
                    })
                };
                let mut rest = tried_on(seed);
                if let Some(first) = hub(seeds[seed].hub) {
                    let second = hub(seeds[seed].second_hub);
                    let itself = Thing::Asset(seeds[first.seed].asset);
                    rest.retain(|&(place, removal)| {
                        let thing = things[tried[place as usize] as usize];
                        let mut meets =
                            |hub: &Hub<'_>| self.meets(&mut runs, &seeds[seed], removal, hub.fact);
                        // The way to the hub is still there without a thing that is not on it.
                        let meets_first =
                            thing != itself && (!seeds[seed].way.contains(&thing) || meets(&first));
                        let is_settled = (meets_first && first.settles(place, &mut losses))
                            || second
                                .as_ref()
                                .is_some_and(|hub| meets(hub) && hub.settles(place, &mut losses));
                        !is_settled
                    });
                }
                for batch in rest.chunks(SIDE_BY_SIDE) {
                    let found = self.batch(&mut runs, &seeds[seed], batch, severity);
                    for (&(place, _), loss) in batch.iter().zip(found) {
                        losses[place as usize].add(loss);
                    }
                }
            }
            losses
        });
        for some in done {
            for (to, from) in all.iter_mut().zip(some) {
                to.add(from);
            }
        }
        all
    }

    fn runs(&self) -> Runs<'_> {
        let new = || Removals::new(&self.relevant.graph, &self.family_of, self.families);
        Runs {
            alone: new(),
            assuming: (!self.assumed.is_empty()).then(|| [new(), new()]),
        }
    }

    /// Whether a hub follows from a seed without a thing. One at a time: where it does, that is soon
    /// seen, and where it does not, little else follows either.
    fn meets(&self, runs: &mut Runs<'_>, seed: &Seed, without: &Removal, hub: Fact) -> bool {
        let start = self.relevant.fact(self.start(seed));
        runs.alone.run_until(start, &[], &[without], Some((hub, 1)))
    }

    /// What a seed loses with each of at most [`SIDE_BY_SIDE`] things.
    fn batch(
        &self,
        Runs { alone, assuming }: &mut Runs<'_>,
        seed: &Seed,
        batch: &Tried<'_>,
        severity: &[u8],
    ) -> Vec<Loss> {
        let removals: Vec<&Removal> = batch.iter().map(|(_, removal)| *removal).collect();
        let start = self.relevant.fact(self.start(seed));
        let some_in_base = seed.goals.iter().any(|(_, in_base)| *in_base);
        if assuming.is_none() || some_in_base {
            alone.run(start, &[], &removals);
        }
        if let Some([all, base]) = assuming {
            all.run(start, &self.assumed, &removals);
            if some_in_base {
                base.run(None, &self.assumed, &removals);
            }
        }
        let kept = |goal: Fact, in_base: bool| {
            let Some(goal) = self.relevant.fact(goal) else {
                return 0;
            };
            match (&*assuming, in_base) {
                (None, _) => alone.follows(goal),
                (Some([all, _]), false) => all.follows(goal),
                // What the assumptions no longer give is the seed's doing after all.
                (Some([all, base]), true) => {
                    alone.follows(goal) | (all.follows(goal) & !base.follows(goal))
                }
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
        let losses = gone.into_iter().enumerate().map(|(lane, pairs)| Loss {
            pairs,
            freed: u32::from(had_worst && worst_left >> lane & 1 == 0),
        });
        losses.collect()
    }
}

/// The same for one thing by compiling the organisation without it.
pub(super) fn anew<'s>(
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
