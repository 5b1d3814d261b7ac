//! The first levels of many closures at a time, for lanes whose seeds hang below one fact: far from it
//! they are alike, each as many levels later as its seed is farther away.
//!
//! A family is searched side by side in one word, a bit for each of its lanes. The farther one's seed is,
//! the sooner it starts, so that what follows from the fact above them all is reached by all of them in
//! the same steps. The levels of a lane count from its own start; rounds begin again behind every recovery
//! and so are the same for all. Each ends with its own last level, as if it had begun alone.
//!
//! Cost: for every step in which some lane reaches a fact O(its uses), and O(inputs) for each of its gates
//! that has seen as many of these as it needs inputs; in place of O(uses) for every lane. Where lanes have
//! little in common that is more, and the family is given up.

use std::hint::black_box;

use super::beginning::{Beginning, Begun};
use super::mask::{each_of, keep_at_least};
use super::pull::FEW;
use super::uses::{TOGETHER, Uses, of_single};
use crate::rules::{Fact, Gate, RuleGraph};
use crate::solve::search::GIVEN;

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

/// Where a lane is.
#[derive(Clone, Default)]
struct Lane {
    /// The level at which it starts.
    start: u32,
    /// How many facts it has, and how many of them with its last whole level.
    count: usize,
    whole: usize,
    /// That level, and facts that the next one begins with.
    end: Option<(u32, Vec<Fact>)>,
}

/// A search for families and its scratch memory (8 bytes per fact, 1 per gate, and 24 for every fact and
/// step in which it is reached), reused from one to the next.
pub(super) struct Families<'g> {
    graph: &'g RuleGraph,
    uses: &'g Uses,
    /// The lanes that have a fact.
    have: Vec<u64>,
    events: Vec<Event>,
    /// Without a recovery, and with one.
    coming: [Vec<Coming>; 2],
    /// How many events it takes until a gate may fire, as far as a byte can tell.
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
            coming: Default::default(),
            left: uses.needs().to_vec(),
            counted: 0,
            met: Vec::new(),
            lanes: Vec::new(),
            active: 0,
        }
    }

    /// What [`Beginnings::of`](super::beginning::Beginnings::of) gives for each of some seeds, at most
    /// [`MEMBERS`] of them; nothing when they have too little in common, when the first level of one has
    /// more facts than `most`, or where a gate of very many inputs would be counted again and again.
    pub(super) fn of(
        &mut self,
        members: &[Hanging],
        enough: usize,
        most: usize,
    ) -> Option<Vec<Beginning>> {
        let is_done = self.go(members, enough, most);
        let beginnings = is_done.then(|| self.beginnings());
        let followed = self.events.iter().map(|event| event.fact);
        self.uses.set_back(&mut self.left, self.counted, followed);
        self.counted = 0;
        for event in self.events.drain(..) {
            self.have[event.fact.index()] = 0;
        }
        for coming in &mut self.coming {
            coming.clear();
        }
        self.lanes.clear();
        self.active = 0;
        beginnings
    }

    /// Goes through the keys until every lane has ended; says whether it came to that.
    fn go(&mut self, members: &[Hanging], enough: usize, most: usize) -> bool {
        let members = &members[..members.len().min(MEMBERS)];
        let farthest = members.iter().map(|member| member.depth).max();
        let farthest = farthest.unwrap_or_default();
        self.lanes.extend(members.iter().map(|member| Lane {
            start: farthest - member.depth,
            ..Lane::default()
        }));
        let (mut level, mut round) = (0, 0);
        let mut now = Vec::new();
        loop {
            if round == 0 {
                self.start(members, level, &mut now);
            }
            let first = self.events.len();
            self.reach_of(&mut now, level, round);
            if !self.end_large(level, most) || self.is_apart() {
                return false;
            }
            if !self.follow(first) {
                return false;
            }
            let [free, recoveries] = &mut self.coming;
            if !free.is_empty() {
                std::mem::swap(free, &mut now);
                round += 1;
                continue;
            }
            std::mem::swap(recoveries, &mut now);
            self.end_level(level, enough, &now);
            (level, round) = (level + 1, 0);
            if self.active == 0 {
                // Levels until the next one starts are empty.
                let left = self.lanes.iter().filter(|lane| lane.end.is_none());
                match left.map(|lane| lane.start).min() {
                    Some(start) => level = start,
                    None => return true,
                }
            }
        }
    }

    /// The lanes that start at this level.
    fn start(&mut self, members: &[Hanging], level: u32, now: &mut Vec<Coming>) {
        for (lane, (state, member)) in self.lanes.iter().zip(members).enumerate() {
            if state.start == level {
                self.active |= 1 << lane;
                now.push(Coming {
                    fact: member.seed,
                    why: GIVEN,
                    lanes: 1 << lane,
                });
            }
        }
    }

    /// Notes who reaches what came, each by the first of the gates that fired.
    fn reach_of(&mut self, now: &mut Vec<Coming>, level: u32, round: u32) {
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

    /// Finds what follows from the events of a step; says whether that was no very wide gate.
    fn follow(&mut self, first: usize) -> bool {
        let uses = self.uses;
        for at in first..self.events.len() {
            if (at - first).is_multiple_of(TOGETHER) {
                let next = self.events[at..].iter().take(TOGETHER);
                uses.look_at(next.map(|event| event.fact));
            }
            let Event { fact, lanes, .. } = self.events[at];
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
            let gates = uses.counted(fact);
            self.counted += gates.len();
            // As a beginning counts, but for all lanes together: before as many events as a gate needs inputs
            // no lane has them. Without branches, as there.
            let mut count = self.met.len();
            self.met.resize(count + gates.len(), 0);
            for &gate in gates {
                let left = &mut self.left[gate as usize];
                *left = left.saturating_sub(1);
                self.met[count] = gate;
                count += usize::from(*left == 0);
            }
            self.met.truncate(count);
        }
        self.judge_all()
    }

    /// Judges the gates that may fire after this step; says whether there is no very wide one.
    fn judge_all(&mut self) -> bool {
        let graph = self.graph;
        let mut met = std::mem::take(&mut self.met);
        met.sort_unstable();
        met.dedup();
        let mut are_narrow = true;
        'all: for gates in met.chunks(TOGETHER) {
            self.look_at(gates);
            for gate in gates.iter().copied().map(Gate) {
                let head = graph.head(gate);
                let lacking = self.active & !self.have[head.index()];
                if lacking == 0 {
                    continue;
                }
                if graph.inputs(gate).len() > FEW {
                    are_narrow = false;
                    break 'all;
                }
                let lanes = self.judge(gate, graph.need(gate), lacking);
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
        are_narrow
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

    /// Those of some lanes that have as many of a gate's inputs as it needs.
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
        // Of no more inputs than that no lane has as many.
        if need > FEW as u32 {
            return 0;
        }
        let mut lanes = [lanes];
        keep_at_least(&counts, need, &mut lanes);
        lanes[0]
    }

    /// Ends lanes that have more facts than they may with the level before; says whether there is one.
    fn end_large(&mut self, level: u32, most: usize) -> bool {
        for lane in each_of(self.active) {
            let state = &mut self.lanes[lane];
            if state.count > most {
                if state.start == level {
                    return false;
                }
                state.end = Some((level - 1, Vec::new()));
                self.active &= !(1 << lane);
            }
        }
        true
    }

    /// Ends lanes that have enough facts with this level, or all there are.
    fn end_level(&mut self, level: u32, enough: usize, next: &[Coming]) {
        let mut go_on = 0;
        for coming in next {
            go_on |= coming.lanes & !self.have[coming.fact.index()];
        }
        let mut ending = 0;
        for lane in each_of(self.active) {
            let state = &mut self.lanes[lane];
            state.whole = state.count;
            if state.count >= enough || go_on & (1 << lane) == 0 {
                state.end = Some((level, Vec::new()));
                ending |= 1 << lane;
            }
        }
        if ending & go_on != 0 {
            for coming in next {
                let lanes = coming.lanes & ending & !self.have[coming.fact.index()];
                for lane in each_of(lanes) {
                    if let Some((_, next)) = &mut self.lanes[lane].end {
                        next.push(coming.fact);
                    }
                }
            }
        }
        self.active &= !ending;
    }

    /// Whether the lanes have hardly anything in common.
    fn is_apart(&self) -> bool {
        let events = self.events.len();
        events > EARLY && {
            let counts = self.lanes.iter().map(|lane| lane.count);
            counts.sum::<usize>() < events * SHARED
        }
    }

    /// What each lane found, in the order of facts.
    fn beginnings(&mut self) -> Vec<Beginning> {
        self.events.sort_unstable_by_key(|event| event.fact);
        let mut found: Vec<Beginning> = Vec::with_capacity(self.lanes.len());
        let mut ends = Vec::with_capacity(self.lanes.len());
        for lane in &mut self.lanes {
            let (end, mut coming) = lane.end.take().unwrap_or_default();
            coming.sort_unstable();
            coming.dedup();
            ends.push((lane.start, end));
            found.push(Beginning {
                level: end - lane.start,
                facts: Vec::with_capacity(lane.whole),
                coming,
            });
        }
        for event in &self.events {
            for lane in each_of(event.lanes) {
                let ((start, end), beginning) = (ends[lane], &mut found[lane]);
                if event.level <= end {
                    beginning.facts.push(Begun {
                        fact: event.fact,
                        level: event.level - start,
                        round: event.round,
                        why: event.why,
                    });
                } else if event.round == 0 {
                    beginning.coming.push(event.fact);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Class, RuleGraphBuilder};
    use crate::solve::Search;
    use crate::solve::lanes::beginning::tests::{drawn, is_cut};

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
                let enough = random.usize(..graph.fact_count() * 2) >> random.u32(0..12);
                let most = match random.bool() {
                    true => usize::MAX,
                    false => random.usize(..graph.fact_count()),
                };
                let beginnings = families.of(&members, enough, most);
                // What one search leaves behind would be counted by the next.
                assert!(families.left == uses.needs(), "{graph:?}");
                assert!(families.have.iter().all(|&lanes| lanes == 0));
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
}
