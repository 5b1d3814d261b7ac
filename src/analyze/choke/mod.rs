//! Choke points: how many pairs of an identity and a system disappear when one thing goes.
//!
//! A thing that a proof of a pair does not rest on cannot take the pair away, so one proof of each
//! pair says which things are worth trying; for every seed all of them are then taken away side by
//! side, a bit each, on the part of the rule graph that leads to a system at all. The numbers are
//! exact. What a removal would change beyond gates that no longer fire (a membership that keeps
//! somebody out of a recovery) is compiled anew and solved again.

mod effects;
mod groups;
mod losses;
mod rests;
mod things;

use rayon::prelude::*;

use super::Scan;
use crate::compile::{GateOrigin, Options, Program, Unknown};
use crate::model::Organisation;
use crate::rules::{Class, Fact, Incoming, Relevant};
use crate::solve::{Removal, SIDE_BY_SIDE};
use effects::Effects;
pub(super) use groups::Groups;
use losses::anew;
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
    /// From how many accounts on a seed may stand in for others that meet it, which saves time and
    /// changes no number; 200 when there is none.
    pub hubs_from: Option<u32>,
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
        let losses = ground.losses(&seeds, &things, tried, &of_thing, &removals, severity);
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
        let systems: Vec<Fact> = if asked.systems.is_empty() {
            let systems = graph.facts();
            systems
                .filter(|&fact| graph.class(fact) == Class::System)
                .collect()
        } else {
            asked.systems.to_vec()
        };
        let ((incoming, relevant), things) = rayon::join(
            || {
                let incoming = Incoming::new(graph);
                let relevant = Relevant::new(graph, &incoming, &systems);
                (incoming, relevant)
            },
            || {
                let mut things = Things::new(org, program, options.standing_only);
                things.groups.note_targets(org, program);
                things
            },
        );
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
}
