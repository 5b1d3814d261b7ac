//! Many closures side by side, a bit each: for closures that overlap without one holding the other,
//! and for large ones that only cascades of gates with several inputs reach.
//!
//! Up to [`LANES`] seeds are searched together. All lanes go through the same keys (level, round) in
//! the same order, so the key at which a lane reaches a fact is the key of the step in which its bit
//! is set, and the levels are exact. A gate is judged for all lanes at a time by counting its inputs
//! in bit-sliced numbers. For every fact the steps are kept in which bits were set; proofs are read
//! off them, for 64 lanes at a time as far as they go through the same facts.
//!
//! Lanes that reach the same facts one after the other gain nothing from this. Closures that grow
//! alike once they are large do so from some seeds sooner than from others, so lanes that are
//! apart are tried from where each has found much by itself: the level of a fact is then
//! that of the lane's own beginning and the common one added up. Lanes that hang below the same fact find
//! much of that together.
//!
//! Source: bit-parallel multi-source breadth-first search (Then et al., "The more the merrier", VLDB
//! 2014), here with thresholds, levels, rounds and beginnings of different length. Cost: O(W) words
//! for every use of every fact in every step in which some lane reaches it, W = [`LANES`] / 64, and as
//! many for every input of a gate of several that is judged; never more in a step than for every input
//! of every gate, give or take a constant.

mod ahead;
mod beginning;
mod choices;
mod family;
mod follow;
mod history;
mod mask;
mod mixed;
mod pull;
mod uses;

use std::hint::black_box;
use std::sync::OnceLock;

use super::assuming::{Base, joined};
use super::marks::Marks;
use super::proof::Prover;
use super::{Answer, Key, Question, Tally, Unlocked};
use crate::rules::{Class, Fact, Incoming, RuleGraph};
use beginning::{Beginning, Beginnings};
use family::Families;
pub(super) use family::Hanging;
use history::Reading;
pub(super) use mask::LANES;
use mask::{Counters, EMPTY, Mask, Masks, each, has_several, is_empty, only, subtract, unite};
use mixed::MixedReading;
use pull::{Direction, Wide};
use uses::Uses;

/// Nothing.
const NONE: u32 = u32::MAX;
/// How many facts before it is reached one is looked at.
const LOOK_AT: usize = 8;

/// Steps in which a fact is reached on average beyond which going side by side is no gain: from the
/// seeds on, when others may be nearer to each other, and from where each lane has found much.
#[derive(Clone, Copy)]
pub(super) enum Patience {
    Endless,
    Steps(usize),
}

impl Patience {
    pub(super) const FROM_SEEDS: Self = Self::Steps(8);
    pub(super) const FROM_AHEAD: Self = Self::Steps(32);
}

/// What all batches over one graph read.
pub(super) struct Shared {
    incoming: Incoming,
    /// Made when the first lane begins by itself.
    uses: OnceLock<Uses>,
}

impl Shared {
    pub(super) fn new(graph: &RuleGraph) -> Self {
        Self {
            incoming: Incoming::new(graph),
            uses: OnceLock::new(),
        }
    }

    fn uses(&self, graph: &RuleGraph) -> &Uses {
        self.uses.get_or_init(|| Uses::new(graph))
    }
}

/// A batch of searches (72 bytes per fact, 64 of them only where lanes get to it, as many per fact and step
/// in which it is reached, and 220 per fact of the widest step; to read proofs 20 more bytes per fact, and
/// some 80 per step of a proof that lanes share; where lanes began by themselves, the searches for that, 12
/// more bytes per fact, 4 per step in which one is reached, 16 per lane and fact of its beginning and 4 per
/// lane and fact that comes after it).
pub(super) struct Lanes<'g> {
    graph: &'g RuleGraph,
    shared: &'g Shared,
    /// The lanes that have a fact.
    have: Masks,
    /// Facts that some lane has, each once.
    reached: Vec<Fact>,
    direction: Direction,
    wide: Wide,
    events: Vec<Event>,
    /// How many of them several lanes have in common.
    shared_events: usize,
    /// The keys of the steps so far.
    steps: Vec<Key>,
    next_round: Coming,
    next_level: Coming,
    /// Gates of several inputs that were judged in this step.
    judged: Marks,
    accounts: Counters,
    mailboxes: Counters,
    systems: Vec<(u32, Fact, u32)>,
    reading: Reading,
    mixed_reading: MixedReading,
    prover: Prover,
    beginnings: Option<Beginnings<'g>>,
    families: Option<Families<'g>>,
    /// What each lane found by itself; empty when all began with their seeds.
    ahead: Vec<Beginning>,
}

/// Lanes that reached a fact in one step.
#[derive(Clone, Copy)]
struct Event {
    lanes: Mask,
    fact: Fact,
    step: u32,
}

/// Facts that will be reached in a later step, each once.
struct Coming {
    place: Vec<u32>,
    list: Vec<(Fact, Mask)>,
}

impl Coming {
    fn new(facts: usize) -> Self {
        Self {
            place: vec![NONE; facts],
            list: Vec::new(),
        }
    }

    fn add(&mut self, fact: Fact, lanes: &Mask) {
        let place = &mut self.place[fact.index()];
        match self.list.get_mut(*place as usize) {
            Some((_, known)) => unite(known, lanes),
            None => {
                *place = self.list.len() as u32;
                self.list.push((fact, *lanes));
            }
        }
    }

    /// The facts in the order in which they were found; `list` is emptied and kept.
    fn take(&mut self, list: &mut Vec<(Fact, Mask)>) {
        list.clear();
        std::mem::swap(&mut self.list, list);
        for (fact, _) in list {
            self.place[fact.index()] = NONE;
        }
    }

    fn clear(&mut self) {
        for (fact, _) in self.list.drain(..) {
            self.place[fact.index()] = NONE;
        }
    }
}

impl<'g> Lanes<'g> {
    pub(super) fn new(graph: &'g RuleGraph, shared: &'g Shared) -> Self {
        let facts = graph.fact_count();
        Self {
            graph,
            shared,
            have: Masks::new(facts),
            reached: Vec::new(),
            direction: Direction::default(),
            wide: Wide::new(graph),
            events: Vec::new(),
            shared_events: 0,
            steps: Vec::new(),
            next_round: Coming::new(facts),
            next_level: Coming::new(facts),
            judged: Marks::new(graph.gate_count()),
            accounts: Counters::default(),
            mailboxes: Counters::default(),
            systems: Vec::new(),
            reading: Reading::default(),
            mixed_reading: MixedReading::default(),
            prover: Prover::default(),
            beginnings: None,
            families: None,
            ahead: Vec::new(),
        }
    }

    /// The answers for some seeds, at most [`LANES`] of them; nothing when so few of them reach facts in the
    /// same steps that going side by side from the seeds on is no gain.
    pub(super) fn answers(
        &mut self,
        question: &Question<'_>,
        hanging: &[Hanging],
        patience: Patience,
    ) -> Option<Vec<Answer>> {
        let seeds = seeds_of(hanging);
        let is_done = self.go_from_seeds(&seeds, patience);
        is_done.then(|| self.read_off(question, &seeds, None))
    }

    /// The same from where each lane has found much by itself; nothing either when that is too much to keep.
    pub(super) fn answers_from_ahead(
        &mut self,
        question: &Question<'_>,
        hanging: &[Hanging],
        patience: Patience,
    ) -> Option<Vec<Answer>> {
        let is_done = self.go_from_ahead(hanging, patience);
        is_done.then(|| self.read_off(question, &seeds_of(hanging), None))
    }

    /// The answers for seeds beyond a base, under the assumptions that give it, each joined with what the
    /// seed gives alone within it; nothing when going side by side is no gain. No seed is in the base.
    pub(super) fn answers_beyond(
        &mut self,
        question: &Question<'_>,
        seeds: &[Fact],
        base: &Base,
        alone: &[&Answer],
    ) -> Option<Vec<Answer>> {
        self.reset(seeds.len());
        let mut all = EMPTY;
        for (lane, &seed) in seeds.iter().take(LANES).enumerate() {
            self.next_round.add(seed, &only(lane));
            unite(&mut all, &only(lane));
        }
        for &fact in question.assumed {
            self.next_round.add(fact, &all);
        }
        let is_done = self.go(Patience::FROM_AHEAD);
        is_done.then(|| self.read_off(question, seeds, Some((base, alone))))
    }

    /// The answers that the lanes hold; beyond a base, if there is one.
    fn read_off(
        &mut self,
        question: &Question<'_>,
        seeds: &[Fact],
        beyond: Option<(&Base, &[&Answer])>,
    ) -> Vec<Answer> {
        let (base_accounts, base_mailboxes) =
            beyond.map_or((0, 0), |(base, _)| (base.accounts, base.mailboxes));
        let is_in_base = |fact: Fact| beyond.is_some_and(|(base, _)| base.closure.contains(fact));
        let mut tallies: Vec<Tally> = seeds
            .iter()
            .enumerate()
            .map(|(lane, &seed)| {
                let own = self.graph.class(seed);
                Tally {
                    unlocks: Vec::new(),
                    accounts: self.accounts.of(lane)
                        - base_accounts
                        - u32::from(own == Class::Account),
                    mailboxes: self.mailboxes.of(lane)
                        - base_mailboxes
                        - u32::from(own == Class::Mailbox),
                }
            })
            .collect();
        for &(lane, system, hops) in &self.systems {
            if seeds[lane as usize] != system && !is_in_base(system) {
                tallies[lane as usize]
                    .unlocks
                    .push(Unlocked { system, hops });
            }
        }
        let mut reading = std::mem::take(&mut self.reading);
        let mut mixed_reading = std::mem::take(&mut self.mixed_reading);
        let mut prover = std::mem::take(&mut self.prover);
        let answers = tallies.into_iter().enumerate().map(|(lane, tally)| {
            let graph = self.graph;
            let prove = |worst| match self.ahead.get(lane) {
                None => prover.prove(graph, &reading.turn_to(self, lane), worst),
                Some(ahead) => {
                    mixed_reading.read(self, lane, ahead, |view| prover.prove(graph, view, worst))
                }
            };
            match beyond {
                Some((base, alone)) => joined(question, base, alone[lane], tally, prove),
                None => tally.answer(question, prove),
            }
        });
        let answers = answers.collect();
        self.reading = reading;
        self.mixed_reading = mixed_reading;
        self.prover = prover;
        answers
    }

    /// Whether the lanes have hardly anything in common.
    fn is_apart(&self, patience: Patience) -> bool {
        /// Events from which on one can tell.
        const EARLY: usize = 1 << 13;
        /// Events that are more than memory should hold of one batch.
        const MOST: usize = 1 << 24;
        match patience {
            Patience::Endless => false,
            Patience::Steps(steps) => {
                let (events, facts) = (self.events.len(), self.reached.len());
                // One lane after the other comes to the same facts. That will be so for long.
                let is_one_by_one =
                    self.ahead.is_empty() && events > facts * 2 && self.shared_events < events / 8;
                let is_late = is_one_by_one || events > facts * steps;
                events > MOST || (events > EARLY && is_late)
            }
        }
    }

    fn reset(&mut self, lanes: usize) {
        self.direction.start(lanes);
        self.reading.clear(&self.reached);
        self.mixed_reading.clear(&self.reached);
        for fact in self.reached.drain(..) {
            *self.have.of_mut(fact) = EMPTY;
        }
        self.wide.clear();
        self.events.clear();
        self.shared_events = 0;
        self.steps.clear();
        self.accounts.clear();
        self.mailboxes.clear();
        self.systems.clear();
        self.ahead.clear();
        self.next_round.clear();
        self.next_level.clear();
    }

    /// All lanes from their seeds; says whether it was finished.
    fn go_from_seeds(&mut self, seeds: &[Fact], patience: Patience) -> bool {
        self.reset(seeds.len());
        for (lane, &seed) in seeds.iter().take(LANES).enumerate() {
            self.next_round.add(seed, &only(lane));
        }
        self.go(patience)
    }

    /// Goes through the keys until nothing is reached any more; says whether it came to that.
    fn go(&mut self, patience: Patience) -> bool {
        let mut key = Key::GIVEN;
        let mut now = Vec::new();
        self.next_round.take(&mut now);
        loop {
            // Facts of one key are all reached before any gate is judged.
            self.steps.push(key);
            let first = self.events.len();
            for (at, (fact, lanes)) in now.iter().enumerate() {
                if let Some((next, _)) = now.get(at + LOOK_AT) {
                    black_box(self.have.of(*next)[0]);
                }
                self.reach(*fact, lanes, key);
            }
            if self.direction.turn(self.graph) {
                self.ask();
            } else {
                self.follow_all(first);
            }
            if !self.next_round.list.is_empty() {
                self.next_round.take(&mut now);
                key = key.after_gate(0);
            } else if !self.next_level.list.is_empty() {
                self.next_level.take(&mut now);
                key = key.after_gate(1);
            } else {
                return true;
            }
            if self.is_apart(patience) {
                return false;
            }
        }
    }

    /// Sets the bits of the lanes that did not have the fact.
    fn reach(&mut self, fact: Fact, lanes: &Mask, key: Key) {
        let have = self.have.of_mut(fact);
        let mut lanes = *lanes;
        subtract(&mut lanes, have);
        if is_empty(&lanes) {
            return;
        }
        if is_empty(have) {
            self.reached.push(fact);
        }
        unite(have, &lanes);
        let uses = self.graph.uses(fact).len();
        self.direction.reached(have, uses);
        self.wide.count(self.graph, fact, &lanes);
        self.shared_events += usize::from(has_several(&lanes));
        self.events.push(Event {
            lanes,
            fact,
            step: self.steps.len() as u32 - 1,
        });
        match self.graph.class(fact) {
            Class::Account => self.accounts.add(&lanes),
            Class::Mailbox => self.mailboxes.add(&lanes),
            Class::System => {
                let level = key.level().unwrap_or_default();
                let ahead = &self.ahead;
                let of = |lane: usize| level + ahead.get(lane).map_or(0, |ahead| ahead.level);
                let found = each(&lanes).map(|lane| (lane as u32, fact, of(lane)));
                self.systems.extend(found);
            }
            _ => {}
        }
    }

    /// Lanes for which a gate fires.
    fn add(&mut self, head: Fact, cost: u32, lanes: &Mask) {
        if cost > 0 {
            self.next_level.add(head, lanes);
        } else {
            self.next_round.add(head, lanes);
        }
    }
}

fn seeds_of(hanging: &[Hanging]) -> Vec<Fact> {
    hanging.iter().map(|one| one.seed).collect()
}
