//! The first levels of a closure, for a lane that begins by itself.
//!
//! The same search as [`Search`](crate::solve::Search) with less memory to touch: thousands of them are
//! made, each over a few thousand facts at random places, and the time is waiting for memory. A gate's
//! counter is a byte, and what is known of a fact stands in the order in which facts are found. Cost:
//! O(uses of the facts found + facts of the graph / 64), or where they have many uses O(gates) bytes copied
//! instead of setting counters back one by one.

use std::hint::black_box;

use rustc_hash::FxHashMap;

use super::uses::{MOST, TOGETHER, Uses, of_single};
use crate::rules::{Fact, Gate, RuleGraph};
use crate::solve::Key;
use crate::solve::search::GIVEN;

/// The first levels of a closure.
pub(super) struct Beginning {
    /// The last of them.
    pub level: u32,
    /// What they hold, in the order of facts.
    pub facts: Vec<Begun>,
    /// Facts that the next level begins with; none where the closure is whole.
    pub coming: Vec<Fact>,
}

/// A fact of the first levels of a closure.
#[derive(Clone, Copy)]
pub(super) struct Begun {
    pub fact: Fact,
    pub level: u32,
    pub round: u32,
    /// The chosen gate, or [`GIVEN`].
    pub why: u32,
}

/// A search for beginnings and its scratch memory (4 bytes per fact, 1 per gate, and some 32 for every
/// fact that is found and 8 for every gate that fires at a time), reused from seed to seed.
pub(super) struct Beginnings<'g> {
    graph: &'g RuleGraph,
    uses: &'g Uses,
    /// What every gate still needs of that.
    left: Vec<u8>,
    /// What a gate that needs more than that needs beyond it.
    beyond: FxHashMap<Gate, u32>,
    /// A bit for every fact that was found.
    known: Vec<u64>,
    /// For those their place among the found ones.
    place: Vec<u32>,
    found: Vec<Found>,
    /// How often the facts that were followed are inputs of gates that count.
    counted: usize,
    followed: Vec<Fact>,
    /// Gates of which nothing is left, whose heads are to be looked up.
    met: Vec<u32>,
    /// Gates that fired, whose heads are to be found: without a recovery, and with one.
    fired: [Vec<(Fact, Gate)>; 2],
    now: Vec<u32>,
    next_round: Vec<u32>,
    next_level: Vec<u32>,
}

struct Found {
    fact: Fact,
    why: u32,
    key: Key,
}

impl<'g> Beginnings<'g> {
    /// Of the same graph as its uses.
    pub(super) fn new(graph: &'g RuleGraph, uses: &'g Uses) -> Self {
        Self {
            graph,
            uses,
            left: uses.needs().to_vec(),
            beyond: FxHashMap::default(),
            known: vec![0; graph.fact_count().div_ceil(64)],
            place: vec![0; graph.fact_count()],
            found: Vec::new(),
            counted: 0,
            followed: Vec::new(),
            met: Vec::new(),
            fired: Default::default(),
            now: Vec::new(),
            next_round: Vec::new(),
            next_level: Vec::new(),
        }
    }

    /// The first levels of the closure of `seed`, as many as it takes to have `enough` facts, or fewer
    /// where those have more than `most`; nothing where the very first level has, with what was found behind it
    /// by then.
    pub(super) fn of(&mut self, seed: Fact, enough: usize, most: usize) -> Option<Beginning> {
        self.find(seed, GIVEN, Key::GIVEN);
        std::mem::swap(&mut self.now, &mut self.next_round);
        let mut key = Key::GIVEN;
        let mut next = self.step(key);
        // The last key of the last level that is whole.
        let mut whole = None;
        while let Some(coming) = next {
            if coming.level() > key.level() {
                let count = self.followed.len();
                if count > most {
                    break;
                }
                whole = Some(key);
                if count >= enough {
                    break;
                }
            }
            if self.found.len() > most {
                break;
            }
            key = coming;
            next = self.step(key);
        }
        let is_all = next.is_none() && self.found.len() <= most;
        let beginning = match (is_all, whole) {
            (true, _) => Some(self.beginning(key, None)),
            (false, Some(end)) => Some(self.beginning(end, Some(end.after_gate(1)))),
            (false, None) => None,
        };
        self.reset();
        beginning
    }

    /// What was found up to one key, and what then comes at another.
    fn beginning(&self, end: Key, then: Option<Key>) -> Beginning {
        let mut facts = Vec::with_capacity(self.found.len());
        let mut coming = Vec::new();
        // In the order of facts.
        for (at, &word) in self.known.iter().enumerate() {
            let mut rest = word;
            while rest != 0 {
                let fact = at * 64 + rest.trailing_zeros() as usize;
                rest &= rest - 1;
                let Found { fact, why, key } = self.found[self.place[fact] as usize];
                if key <= end {
                    let (level, round) = key.parts();
                    facts.push(Begun {
                        fact,
                        level,
                        round,
                        why,
                    });
                } else if Some(key) == then {
                    coming.push(fact);
                }
            }
        }
        facts.shrink_to_fit();
        Beginning {
            level: end.level().unwrap_or_default(),
            facts,
            coming,
        }
    }

    /// Follows the facts of this key; gives the key of those that come next.
    fn step(&mut self, key: Key) -> Option<Key> {
        // All facts of one key together: the gates they complete give heads of one key too.
        for at in 0..self.now.len() {
            if at % TOGETHER == 0 {
                self.conclude(key);
                let next = self.now[at..].iter();
                let next = next.map(|&place| self.found[place as usize].fact);
                self.uses.look_at(next);
            }
            let found = &self.found[self.now[at] as usize];
            // A fact found first behind a recovery may have been found again without it.
            if found.key == key {
                let fact = found.fact;
                self.follow(fact);
            }
        }
        self.conclude(key);
        self.now.clear();
        if !self.next_round.is_empty() {
            std::mem::swap(&mut self.now, &mut self.next_round);
            Some(key.after_gate(0))
        } else if !self.next_level.is_empty() {
            std::mem::swap(&mut self.now, &mut self.next_level);
            Some(key.after_gate(1))
        } else {
            None
        }
    }

    fn follow(&mut self, fact: Fact) {
        let uses = self.uses;
        for (fired, singles) in self.fired.iter_mut().zip(uses.singles(fact)) {
            fired.extend(singles.iter().copied().map(of_single));
        }
        let gates = uses.counted(fact);
        self.counted += gates.len();
        self.followed.push(fact);
        // A gate that has fired may come to it again after another 256 inputs, no sooner than it did.
        if uses.are_beyond() {
            for &gate in gates {
                let left = &mut self.left[gate as usize];
                *left = left.wrapping_sub(1);
                if *left == 0 && self.is_met(Gate(gate)) {
                    self.met.push(gate);
                }
            }
            return;
        }
        let down = |left: u8| left.wrapping_sub(1);
        uses.count_down(fact, &mut self.left, &mut self.met, down);
    }

    /// Finds the heads of the gates that fired, whose places are read all at a time too.
    fn conclude(&mut self, key: Key) {
        for &gate in &self.met {
            let (gate, graph) = (Gate(gate), self.graph);
            self.fired[graph.cost(gate) as usize].push((graph.head(gate), gate));
        }
        self.met.clear();
        let mut fired = std::mem::take(&mut self.fired);
        let heads = fired.iter().flatten();
        // Without a use the reads would be left out.
        black_box(heads.fold(0, |sum, (head, _)| sum ^ self.place[head.index()]));
        for (cost, fired) in (0..).zip(&mut fired) {
            let key = key.after_gate(cost);
            for (head, gate) in fired.drain(..) {
                self.find(head, gate.0, key);
            }
        }
        self.fired = fired;
    }

    /// Whether nothing is left of the need of a gate; if there is, it is counted on.
    fn is_met(&mut self, gate: Gate) -> bool {
        let beyond = self.graph.need(gate).saturating_sub(MOST);
        if beyond == 0 {
            return true;
        }
        let beyond = self.beyond.entry(gate).or_insert(beyond);
        let next = (*beyond).min(MOST);
        *beyond -= next;
        self.left[gate.index()] = next as u8;
        next == 0
    }

    fn find(&mut self, head: Fact, why: u32, key: Key) {
        let (word, bit) = (head.index() / 64, 1 << (head.index() % 64));
        let place = if self.known[word] & bit == 0 {
            self.known[word] |= bit;
            let place = self.found.len() as u32;
            self.place[head.index()] = place;
            self.found.push(Found {
                fact: head,
                why,
                key,
            });
            place
        } else {
            let place = self.place[head.index()];
            let known = &mut self.found[place as usize];
            if key == known.key && why < known.why {
                known.why = why;
            }
            if key >= known.key {
                return;
            }
            (known.key, known.why) = (key, why);
            place
        };
        if key.parts().1 == 0 && key != Key::GIVEN {
            self.next_level.push(place);
        } else {
            self.next_round.push(place);
        }
    }

    fn reset(&mut self) {
        for found in self.found.drain(..) {
            self.known[found.fact.index() / 64] = 0;
        }
        let followed = self.followed.iter().copied();
        self.uses.set_back(&mut self.left, self.counted, followed);
        self.counted = 0;
        self.followed.clear();
        self.beyond.clear();
        self.met.clear();
        self.now.clear();
        self.next_round.clear();
        self.next_level.clear();
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::rules::{Class, RuleGraphBuilder};
    use crate::solve::Search;
    use crate::solve::proof::Derived;

    #[test]
    fn a_beginning_is_whole_levels_of_no_more_facts_than_asked() {
        // seed -> reset; reset = ten accounts; the first of them -> last.
        let mut builder = RuleGraphBuilder::new();
        let mut fact = || builder.fact(Class::Account);
        let (seed, reset, last) = (fact(), fact(), fact());
        let accounts: Vec<Fact> = (0..10).map(|_| fact()).collect();
        builder.gate(reset, 1, 1, &[seed]);
        for &account in &accounts {
            builder.gate(account, 1, 0, &[reset]);
        }
        builder.gate(last, 1, 1, &accounts[..1]);
        let graph = builder.finish();
        let uses = Uses::new(&graph);
        let mut beginnings = Beginnings::new(&graph, &uses);
        let mut begin = |seed, enough, most| {
            let beginning = beginnings.of(seed, enough, most)?;
            let rounds = beginning.facts.iter().map(|begun| begun.round);
            let rounds: u32 = rounds.sum();
            Some((
                beginning.level,
                beginning.facts.len(),
                rounds,
                beginning.coming,
            ))
        };
        assert_eq!(begin(seed, 1, 99), Some((0, 1, 0, vec![reset])));
        assert_eq!(begin(seed, 2, 99), Some((1, 12, 10, vec![last])));
        assert_eq!(begin(seed, 99, 99), Some((2, 13, 10, vec![])));
        // The second level is too much, though more than the first was wanted.
        assert_eq!(begin(seed, 2, 5), Some((0, 1, 0, vec![reset])));
        assert_eq!(begin(seed, 99, 12), Some((1, 12, 10, vec![last])));
        // So is the first.
        assert_eq!(begin(reset, 2, 5), None);
    }

    #[test]
    fn a_level_that_is_too_large_is_not_gone_through_to_its_end() {
        let mut builder = RuleGraphBuilder::new();
        let facts: Vec<Fact> = (0..1000).map(|_| builder.fact(Class::Account)).collect();
        for link in facts.windows(2) {
            builder.gate(link[1], 1, 0, &link[..1]);
        }
        let graph = builder.finish();
        let uses = Uses::new(&graph);
        let mut beginnings = Beginnings::new(&graph, &uses);
        assert!(beginnings.of(facts[0], 1, 10).is_none());
        let room = beginnings.found.capacity();
        assert!(room < 100, "{room}");
    }

    /// Gates of all widths, some of which need more inputs than a byte can tell, and some of which get so
    /// many more than they need that it comes round.
    pub(in crate::solve::lanes) fn drawn(random: &mut fastrand::Rng) -> RuleGraph {
        let mut builder = RuleGraphBuilder::new();
        let facts: Vec<Fact> = (0..random.usize(1..700))
            .map(|_| builder.fact(Class::Account))
            .collect();
        // Narrow gates alone as well: one fact is then an input of few of them.
        let widths = &[1, 1, 1, 2, 6, 40, 1500][..random.usize(1..=7)];
        // The more single ones, the more is reached.
        for _ in 0..facts.len() * random.usize(1..4) {
            let any = |random: &mut fastrand::Rng| facts[random.usize(..facts.len())];
            let head = any(random);
            let most = widths[random.usize(..widths.len())];
            let count = random.usize(1..=most);
            let need = random.usize(1..=count) as u32;
            let inputs: Vec<Fact> = (0..count).map(|_| any(random)).collect();
            builder.gate(head, need, random.u32(0..2), &inputs);
        }
        builder.finish()
    }

    /// Facts that are enough for a beginning, and the most that it may have. Small ones as well: counters are
    /// then set back one by one.
    pub(in crate::solve::lanes) fn limits(
        random: &mut fastrand::Rng,
        graph: &RuleGraph,
    ) -> (usize, usize) {
        let enough = random.usize(..graph.fact_count() * 2) >> random.u32(0..12);
        let most = match random.bool() {
            true => usize::MAX,
            false => random.usize(..graph.fact_count()),
        };
        (enough, most)
    }

    /// Holds a beginning against the last run of a search from its seed: whole levels, as many as it takes
    /// to have enough facts, or fewer where the next ones have too many, which it says.
    pub(in crate::solve::lanes) fn is_cut(
        search: &Search<'_>,
        beginning: &Beginning,
        enough: usize,
        most: usize,
    ) -> bool {
        let reached = search.reached().iter();
        let mut reached: Vec<(Fact, u32, u32)> = reached
            .map(|&fact| {
                let (level, round) = search.key(fact).parts();
                (fact, level, round)
            })
            .collect();
        reached.sort_unstable();
        let reached = &reached;
        let up_to = |last: u32| reached.iter().filter(move |(_, level, _)| *level <= last);
        let level = beginning.level;
        let expected = up_to(level).map(|&(fact, level, round)| {
            let why = search.why(fact);
            (fact, level, round, why.map_or(GIVEN, |gate| gate.0))
        });
        let facts = beginning.facts.iter();
        let found = facts.map(|begun| (begun.fact, begun.level, begun.round, begun.why));
        assert!(found.eq(expected));
        let coming = beginning.coming.iter().map(|&fact| (fact, level + 1, 0));
        let next = reached.iter().copied();
        let next = next.filter(|(_, at, round)| (*at, *round) == (level + 1, 0));
        assert!(next.eq(coming));
        // As many levels as wanted, and no more.
        let count = up_to(level).count();
        assert!(count <= most);
        assert!(level == 0 || up_to(level - 1).count() < enough);
        let is_cut = count < enough && up_to(level + 2).count() > most;
        assert!(count >= enough || count == reached.len() || is_cut);
        is_cut
    }

    #[test]
    fn beginnings_are_those_of_the_plain_search() {
        let mut random = fastrand::Rng::with_seed(7);
        let (mut beyond_a_byte, mut none, mut cut) = (0, 0, 0);
        for _ in 0..300 {
            let graph = drawn(&mut random);
            let mut search = Search::new(&graph);
            let uses = Uses::new(&graph);
            let mut beginnings = Beginnings::new(&graph, &uses);
            for _ in 0..12 {
                let seed = Fact(random.u32(..graph.fact_count() as u32));
                let (enough, most) = limits(&mut random, &graph);
                let beginning = beginnings.of(seed, enough, most);
                // What one search leaves behind would be counted by the next.
                assert!(
                    beginnings.left == beginnings.uses.needs(),
                    "{graph:?} from {seed:?}"
                );
                assert!(beginnings.known.iter().all(|&word| word == 0));
                assert!(beginnings.beyond.is_empty());

                search.run(&[seed]);
                let Some(beginning) = beginning else {
                    // What the next level begins with is found with the first.
                    let first = search.reached().iter();
                    let first = first.filter(|&&fact| search.key(fact).level() <= Some(1));
                    assert!(first.count() > most);
                    none += 1;
                    continue;
                };
                let whys = beginning.facts.iter().filter(|begun| begun.why != GIVEN);
                let needs = whys.map(|begun| graph.need(Gate(begun.why)));
                beyond_a_byte += needs.filter(|&need| need > MOST).count();
                cut += usize::from(is_cut(&search, &beginning, enough, most));
            }
        }
        assert!(beyond_a_byte > 10, "{beyond_a_byte}");
        assert!(none > 100 && cut > 100, "{none} {cut}");
    }
}
