//! The first levels of many closures at a time, for lanes whose seeds hang below one fact: far from it
//! they are alike, each as many levels later as its seed is farther away.
//!
//! A family is searched side by side in one word, a bit for each of its lanes. The farther one's seed is,
//! the sooner it starts, so that what follows from the fact above them all is reached by all of them in
//! the same steps. The levels of a lane count from its own start; rounds begin again behind every recovery
//! and so are the same for all. Each ends with its own last level, as if it had begun alone.
//!
//! Cost: for every step in which some lanes reach a fact O(its uses), and O(inputs) for each of its gates of
//! which inputs were reached as often as it needs some; in place of O(uses) for every lane. Where lanes have
//! little in common that is more, and the family is given up.

mod ends;

use std::hint::black_box;

use super::beginning::Beginning;
use super::mask::{each_of, keep_at_least};
use super::pull::FEW;
use super::uses::{TOGETHER, Uses, of_single};
use crate::rules::{Fact, Gate, RuleGraph};
use crate::solve::search::GIVEN;
use ends::Lane;

/// Lanes of a family at most.
pub(super) const MEMBERS: usize = 64;
/// Events from which on one can tell whether its lanes have anything in common ...
const EARLY: usize = 1 << 10;
/// ... which is when this many of them share an event on average.
const SHARED: usize = 4;

/// A seed and the fact that it hangs below, itself where that is not known.
#[derive(Clone, Copy, Debug)]
pub(in crate::solve) struct Hanging {
    pub seed: Fact,
    pub below: Fact,
    /// Recoveries from what is above both of them.
    pub depth: u32,
}

/// Lanes that reached a fact in one step by one gate.
#[derive(Clone, Copy)]
struct Event {
    fact: Fact,
    /// The chosen gate, or [`GIVEN`].
    why: u32,
    lanes: u64,
    /// Levels since the first lane started.
    level: u32,
    round: u32,
}

/// Lanes that will reach a fact in a later step by one gate.
#[derive(Clone, Copy)]
struct Coming {
    fact: Fact,
    why: u32,
    lanes: u64,
}

/// A search for families and its scratch memory (8 bytes per fact, 1 per gate, 24 for every fact, gate that
/// yields it and step in which it is reached, and 16 for every gate that fires in a step), reused from one to
/// the next.
pub(super) struct Families<'g> {
    graph: &'g RuleGraph,
    uses: &'g Uses,
    /// The lanes that have a fact.
    have: Vec<u64>,
    events: Vec<Event>,
    /// How many of them were followed.
    followed: usize,
    /// What this step begins with, and what later ones do: without a recovery, and with one.
    now: Vec<Coming>,
    coming: [Vec<Coming>; 2],
    /// How often inputs of a gate must still be reached, by whatever lanes, until it may fire, as far as a byte
    /// can tell.
    left: Vec<u8>,
    /// How often that was counted down.
    counted: usize,
    /// Gates of which nothing is left.
    met: Vec<u32>,
    lanes: Vec<Lane>,
    /// The lanes that have started and not ended.
    active: u64,
}

impl<'g> Families<'g> {
    /// Of the same graph as its uses.
    pub(super) fn new(graph: &'g RuleGraph, uses: &'g Uses) -> Self {
        Self {
            graph,
            uses,
            have: vec![0; graph.fact_count()],
            events: Vec::new(),
            followed: 0,
            now: Vec::new(),
            coming: Default::default(),
            left: uses.needs().to_vec(),
            counted: 0,
            met: Vec::new(),
            lanes: Vec::new(),
            active: 0,
        }
    }

    /// The first levels of the closures of some seeds, at most [`MEMBERS`] of them: as many as it takes to have
    /// `enough` facts, or fewer where those have more than `most`. Nothing when the seeds have too little in
    /// common, when the first level of one or what its next one begins with is more than `most` facts, or
    /// where a gate of very many inputs would be counted again and again.
    pub(super) fn of(
        &mut self,
        members: &[Hanging],
        enough: usize,
        most: usize,
    ) -> Option<Vec<Beginning>> {
        let done = self.go(members, enough, most);
        let followed = self.events[..self.followed].iter();
        let followed = followed.map(|event| event.fact);
        self.uses.set_back(&mut self.left, self.counted, followed);
        for event in &self.events {
            self.have[event.fact.index()] = 0;
        }
        let beginnings = done.map(|()| self.beginnings());
        self.events.clear();
        self.followed = 0;
        self.counted = 0;
        self.now.clear();
        for coming in &mut self.coming {
            coming.clear();
        }
        self.met.clear();
        self.lanes.clear();
        self.active = 0;
        beginnings
    }

    /// Goes through the keys until every lane has ended; nothing if the family is given up.
    fn go(&mut self, members: &[Hanging], enough: usize, most: usize) -> Option<()> {
        let members = &members[..members.len().min(MEMBERS)];
        // Farther away than this none is, and levels can be counted.
        let depth = |member: &Hanging| member.depth.min(u32::MAX / 2);
        let farthest = members.iter().map(depth).max().unwrap_or_default();
        let starts = members.iter().map(|member| farthest - depth(member));
        self.lanes.extend(starts.map(Lane::starting_at));
        let (mut level, mut round) = (0, 0);
        loop {
            if round == 0 {
                self.start(members, level);
            }
            self.reach(level, round);
            self.end_large(level, most)?;
            if self.is_apart() {
                return None;
            }
            self.follow()?;
            let [free, recoveries] = &mut self.coming;
            if !free.is_empty() {
                std::mem::swap(free, &mut self.now);
                round += 1;
                continue;
            }
            std::mem::swap(recoveries, &mut self.now);
            self.end_level(level, enough, most)?;
            (level, round) = (level + 1, 0);
            if self.active == 0 {
                // Levels until the next one starts are empty.
                let left = self.lanes.iter().filter(|lane| lane.end.is_none());
                match left.map(|lane| lane.start).min() {
                    Some(start) => level = start,
                    None => return Some(()),
                }
            }
        }
    }

    /// The lanes that start at this level.
    fn start(&mut self, members: &[Hanging], level: u32) {
        for (lane, (state, member)) in self.lanes.iter().zip(members).enumerate() {
            if state.start == level {
                self.active |= 1 << lane;
                self.now.push(Coming {
                    fact: member.seed,
                    why: GIVEN,
                    lanes: 1 << lane,
                });
            }
        }
    }

    /// Notes who reaches what came, each by the first of the gates that fired.
    fn reach(&mut self, level: u32, round: u32) {
        let now = &mut self.now;
        let key = |coming: &Coming| (coming.fact, coming.why);
        now.sort_unstable_by_key(key);
        now.dedup_by(|next, one| {
            let is_same = key(next) == key(one);
            one.lanes |= if is_same { next.lanes } else { 0 };
            is_same
        });
        for coming in now.drain(..) {
            let have = &mut self.have[coming.fact.index()];
            let lanes = coming.lanes & self.active & !*have;
            if lanes == 0 {
                continue;
            }
            *have |= lanes;
            for lane in each_of(lanes) {
                self.lanes[lane].count += 1;
            }
            self.events.push(Event {
                fact: coming.fact,
                why: coming.why,
                lanes,
                level,
                round,
            });
        }
    }

    /// Finds what follows from the events of this step; nothing where that is a very wide gate.
    fn follow(&mut self) -> Option<()> {
        let uses = self.uses;
        let first = self.followed;
        self.followed = self.events.len();
        let mut at = first;
        let mut looked_at = first;
        while let Some(&Event { fact, .. }) = self.events.get(at) {
            if at >= looked_at {
                let next = self.events[at..].iter().take(TOGETHER);
                uses.look_at(next.map(|event| event.fact));
                looked_at = at + TOGETHER;
            }
            // A fact that several gates yielded stands there once for each, and is followed once.
            let same = self.events[at..].iter();
            let same = same.take_while(|event| event.fact == fact);
            let (count, lanes) = same.fold((0, 0), |(count, lanes), event| {
                (count + 1, lanes | event.lanes)
            });
            at += count;
            let lanes = lanes & self.active;
            if lanes == 0 {
                continue;
            }
            for (coming, singles) in self.coming.iter_mut().zip(uses.singles(fact)) {
                for (head, gate) in singles.iter().copied().map(of_single) {
                    let lanes = lanes & !self.have[head.index()];
                    if lanes != 0 {
                        coming.push(Coming {
                            fact: head,
                            why: gate.0,
                            lanes,
                        });
                    }
                }
            }
            self.counted += uses.counted(fact).len();
            // As a beginning counts, but for all lanes together: before as many steps as a gate needs inputs
            // no lane has them.
            let down = |left: u8| left.saturating_sub(1);
            uses.count_down(fact, &mut self.left, &mut self.met, down);
        }
        self.judge_all()
    }

    /// Judges the gates that may fire after this step; nothing where there is a very wide one.
    fn judge_all(&mut self) -> Option<()> {
        let graph = self.graph;
        let mut met = std::mem::take(&mut self.met);
        met.sort_unstable();
        met.dedup();
        for gates in met.chunks(TOGETHER) {
            self.look_at(gates);
            for gate in gates.iter().copied().map(Gate) {
                let head = graph.head(gate);
                let lacking = self.active & !self.have[head.index()];
                let (need, inputs) = (graph.need(gate), graph.inputs(gate).len());
                if lacking == 0 || need as usize > inputs {
                    continue;
                }
                if inputs > FEW {
                    return None;
                }
                let lanes = self.judge(gate, need, lacking);
                if lanes != 0 {
                    self.coming[graph.cost(gate) as usize].push(Coming {
                        fact: head,
                        why: gate.0,
                        lanes,
                    });
                }
            }
        }
        met.clear();
        self.met = met;
        Some(())
    }

    /// Reads what judging some gates will need, all at a time as far as the processor can.
    fn look_at(&self, gates: &[u32]) {
        let mut heads = [Fact(0); TOGETHER];
        let mut inputs = [Fact(0); TOGETHER];
        for (at, &gate) in gates.iter().enumerate() {
            heads[at] = self.graph.head(Gate(gate));
            let first = self.graph.inputs(Gate(gate)).first();
            inputs[at] = first.copied().unwrap_or(heads[at]);
        }
        let facts = heads.iter().chain(&inputs);
        // Without a use the reads would be left out.
        black_box(facts.fold(0, |sum, fact| sum ^ self.have[fact.index()]));
    }

    /// Those of some lanes that have as many inputs as it needs of a gate that has at most [`FEW`].
    fn judge(&self, gate: Gate, need: u32, lanes: u64) -> u64 {
        const BITS: usize = FEW.ilog2() as usize + 1;
        let mut counts = [[0; 1]; BITS];
        for &input in self.graph.inputs(gate) {
            let mut carry = self.have[input.index()];
            for [bits] in &mut counts {
                let both = *bits & carry;
                *bits ^= carry;
                carry = both;
            }
        }
        let mut lanes = [lanes];
        keep_at_least(&counts, need, &mut lanes);
        lanes[0]
    }

    /// Whether the lanes have hardly anything in common.
    fn is_apart(&self) -> bool {
        let events = self.events.len();
        events > EARLY && {
            let counts = self.lanes.iter().map(|lane| lane.count);
            counts.sum::<usize>() < events * SHARED
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Class, RuleGraphBuilder};
    use crate::solve::Search;
    use crate::solve::lanes::beginning::tests::{drawn, is_cut, limits};

    #[test]
    fn families_begin_as_each_of_their_lanes_alone() {
        let mut random = fastrand::Rng::with_seed(11);
        let (mut found, mut given_up, mut cut) = (0, 0, 0);
        for _ in 0..300 {
            let graph = drawn(&mut random);
            let uses = Uses::new(&graph);
            let mut families = Families::new(&graph, &uses);
            let mut search = Search::new(&graph);
            for _ in 0..6 {
                // The same seed more than once, and depths that say nothing, are right as well.
                let members: Vec<Hanging> = (0..random.usize(0..=MEMBERS))
                    .map(|_| Hanging {
                        seed: Fact(random.u32(..graph.fact_count() as u32)),
                        below: Fact(0),
                        depth: random.u32(..20) << random.u32(0..8),
                    })
                    .collect();
                let (enough, most) = limits(&mut random, &graph);
                let beginnings = families.of(&members, enough, most);
                // What one search leaves behind would be counted by the next.
                assert!(families.left == uses.needs(), "{graph:?}");
                assert!(families.have.iter().all(|&lanes| lanes == 0));
                assert!(families.now.is_empty() && families.events.is_empty());
                assert!(families.coming.iter().all(Vec::is_empty));
                assert!(families.met.is_empty() && families.active == 0);
                let Some(beginnings) = beginnings else {
                    given_up += 1;
                    continue;
                };
                assert_eq!(beginnings.len(), members.len());
                for (member, beginning) in members.iter().zip(&beginnings) {
                    search.run(&[member.seed]);
                    cut += usize::from(is_cut(&search, beginning, enough, most));
                    found += 1;
                }
            }
        }
        assert!(
            found > 1000 && given_up > 100 && cut > 50,
            "{found} {given_up} {cut}"
        );
    }

    /// Accounts of which each resets the one before, and much that follows from the first one step by step.
    fn path_to_much(length: usize) -> (RuleGraph, Vec<Hanging>) {
        let mut builder = RuleGraphBuilder::new();
        let mut fact = || builder.fact(Class::Account);
        let path: Vec<Fact> = (0..length).map(|_| fact()).collect();
        let below: Vec<Fact> = (0..3000).map(|_| fact()).collect();
        for link in path.windows(2) {
            builder.gate(link[0], 1, 1, &link[1..]);
        }
        for three in below.windows(3) {
            builder.gate(three[2], 2, 1, &[three[0], three[1], path[0]]);
        }
        builder.gate(below[0], 1, 1, &path[..1]);
        let members = path.iter().zip(0..).map(|(&seed, depth)| Hanging {
            seed,
            below: path[0],
            depth,
        });
        let members = members.collect();
        (builder.finish(), members)
    }

    #[test]
    fn lanes_lined_up_by_their_depths_have_what_follows_in_common() {
        let (graph, mut members) = path_to_much(40);
        let uses = Uses::new(&graph);
        let mut families = Families::new(&graph, &uses);
        let found = families.of(&members, 2000, usize::MAX);
        let found = found.unwrap_or_default();
        assert_eq!(found.len(), 40);
        assert!(
            found
                .iter()
                .all(|lane| (2000..2010).contains(&lane.facts.len()))
        );
        // Lined up the wrong way round they come one after the other.
        for member in &mut members {
            member.depth = 40 - member.depth;
        }
        assert!(families.of(&members, 2000, usize::MAX).is_none());
    }

    #[test]
    fn what_every_lane_reaches_by_a_gate_of_its_own_is_followed_once() {
        let mut builder = RuleGraphBuilder::new();
        let mut fact = || builder.fact(Class::Account);
        let seeds: Vec<Fact> = (0..MEMBERS).map(|_| fact()).collect();
        let hub = fact();
        let below: Vec<Fact> = (0..1000).map(|_| fact()).collect();
        for seed in &seeds {
            builder.gate(hub, 1, 1, std::slice::from_ref(seed));
        }
        for &account in &below {
            builder.gate(account, 1, 1, &[hub]);
        }
        let graph = builder.finish();
        let uses = Uses::new(&graph);
        let mut families = Families::new(&graph, &uses);
        let members: Vec<Hanging> = seeds
            .into_iter()
            .map(|seed| Hanging {
                seed,
                below: hub,
                depth: 1,
            })
            .collect();
        let found = families.of(&members, 1002, usize::MAX).unwrap_or_default();
        assert!(found.iter().all(|lane| lane.facts.len() == 1002));
        assert_eq!(found.len(), MEMBERS);
        let room = families.now.capacity().max(families.coming[1].capacity());
        assert!(room < 3000, "{room}");
        // What the next level begins with would be kept for each of them.
        assert!(families.of(&members, 2, 999).is_none());
        assert!(families.of(&members, 2, 1000).is_some());
    }
}
