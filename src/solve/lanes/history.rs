//! When each lane reached each fact: what levels and proofs are read off.

use std::cell::{Cell, RefCell};
use std::hint::black_box;

use super::beginning::Begun;
use super::choices::Choices;
use super::mask::{WORDS, has};
use super::{Event, Lanes, NONE};
use crate::rules::{Fact, Gate, RuleGraph};
use crate::solve::Key;
use crate::solve::proof::{self, Derived, Scratch};
use crate::solve::search::GIVEN;

/// The events of a batch by facts. A look-up is about one fact and one lane, so the words in which
/// that lane has its bit stand side by side.
pub(super) struct History {
    spans: Vec<Span>,
    /// For every event of a fact its step.
    steps: Vec<u32>,
    /// For every fact [`WORDS`] runs of one word of each of its events.
    words: Vec<u64>,
}

#[derive(Clone, Copy, Default)]
struct Span {
    start: u32,
    len: u32,
    filled: u32,
}

impl History {
    pub(super) fn new(facts: usize) -> Self {
        Self {
            spans: vec![Span::default(); facts],
            steps: Vec::new(),
            words: Vec::new(),
        }
    }

    pub(super) fn clear(&mut self, reached: &[Fact]) {
        for fact in reached {
            self.spans[fact.index()] = Span::default();
        }
    }

    /// An event of a fact, to be sorted later.
    pub(super) fn count(&mut self, fact: Fact) {
        self.spans[fact.index()].len += 1;
    }

    /// How many events of a fact there are so far.
    pub(super) fn len(&self, fact: Fact) -> u64 {
        u64::from(self.spans[fact.index()].len)
    }

    /// Sorts the events that were counted.
    pub(super) fn sort(&mut self, events: &[Event], reached: &[Fact]) {
        let mut start = 0;
        for fact in reached {
            let span = &mut self.spans[fact.index()];
            span.start = start;
            start += span.len;
        }
        self.steps.resize(events.len(), 0);
        self.words.resize(events.len() * WORDS, 0);
        for event in events {
            let span = &mut self.spans[event.fact.index()];
            let (start, len, at) = (span.start as usize, span.len as usize, span.filled as usize);
            span.filled += 1;
            self.steps[start + at] = event.step;
            for (word, bits) in event.lanes.iter().enumerate() {
                self.words[start * WORDS + word * len + at] = *bits;
            }
        }
    }

    /// The words of a fact's events in which a lane has its bit, and their steps.
    pub(super) fn of(&self, fact: Fact, lane: usize) -> (&[u64], &[u32]) {
        let span = self.spans[fact.index()];
        let (start, len) = (span.start as usize, span.len as usize);
        let first = start * WORDS + lane / 64 * len;
        (
            &self.words[first..first + len],
            &self.steps[start..start + len],
        )
    }

    /// Reads what telling the keys of the gates' inputs will need first, all at a time as far as the
    /// processor can. What it gives must be used, or the reads would be left out.
    pub(super) fn look_at(&self, graph: &RuleGraph, gates: &[Gate], lane: usize) -> u64 {
        /// Inputs that are looked at.
        const MOST: usize = 32;
        let mut inputs = gates.iter().flat_map(|&gate| graph.inputs(gate));
        let mut words = [&[][..]; MOST];
        let mut sum = 0;
        for (words, &input) in words.iter_mut().zip(&mut inputs) {
            let (of_lane, steps) = self.of(input, lane);
            sum ^= steps.len() as u64;
            *words = of_lane;
        }
        let first = words.iter().filter_map(|words| words.first());
        first.fold(sum, |sum, word| sum ^ *word)
    }

    /// The step in which a lane reached a fact.
    fn step(&self, fact: Fact, lane: usize) -> Option<u32> {
        let (words, steps) = self.of(fact, lane);
        let has = |bits: &u64| (bits >> (lane % 64)) & 1 == 1;
        let at = words.iter().position(has)?;
        Some(steps[at])
    }
}

/// Where a lane's beginning holds each fact, and in which step the lane reached the others that were asked
/// for: proofs ask for thousands of them, in no order and again and again.
#[derive(Default)]
pub(super) struct Places {
    /// A place in the beginning, a step and [`ASKED`], or [`NONE`] where nothing is known.
    of: Vec<Cell<u32>>,
    asked: RefCell<Vec<Fact>>,
}

/// Marks a step in [`Places`].
const ASKED: u32 = 1 << 31;
/// A fact that the lane never reaches; more steps than could be kept.
const NEVER: u32 = NONE - 1;

impl Places {
    /// Of a lane over a graph of so many facts.
    pub(super) fn fill(&mut self, begun: &[Begun], facts: usize) {
        self.of.resize(facts, Cell::new(NONE));
        for (begun, at) in begun.iter().zip(0..) {
            self.of[begun.fact.index()].set(at);
        }
    }

    /// Forgets that lane.
    pub(super) fn forget(&mut self, begun: &[Begun]) {
        let asked = self.asked.get_mut().drain(..);
        for fact in begun.iter().map(|begun| begun.fact).chain(asked) {
            self.of[fact.index()].set(NONE);
        }
    }
}

/// One lane as a closure that proofs are read from.
pub(super) struct Lane<'l, 'g> {
    lanes: &'l Lanes<'g>,
    lane: usize,
    begun: &'l [Begun],
    places: &'l Places,
    choices: &'l RefCell<Choices>,
}

impl<'l, 'g> Lane<'l, 'g> {
    /// With the facts of its beginning and their places; neither where it began with its seed.
    pub(super) fn new(
        lanes: &'l Lanes<'g>,
        lane: usize,
        begun: &'l [Begun],
        places: &'l Places,
        choices: &'l RefCell<Choices>,
    ) -> Self {
        Self {
            lanes,
            lane,
            begun,
            places,
            choices,
        }
    }

    fn begun(&self, fact: Fact) -> Option<&Begun> {
        // What is marked as a step is no place: there are not as many facts.
        self.begun.get(self.places.of[fact.index()].get() as usize)
    }

    /// The step in which the lane reached a fact that its beginning does not hold.
    fn step(&self, fact: Fact) -> Option<u32> {
        let place = &self.places.of[fact.index()];
        let known = match place.get() {
            NONE => {
                let step = self.lanes.history.step(fact, self.lane);
                let known = step.map_or(NEVER, |step| step | ASKED);
                place.set(known);
                self.places.asked.borrow_mut().push(fact);
                known
            }
            known => known,
        };
        (known != NEVER).then_some(known & !ASKED)
    }
}

/// Gates of one head that are more than are gone through one by one.
const MANY: usize = if cfg!(test) { 2 } else { 64 };

impl Lane<'_, '_> {
    /// What lanes reached at keys from which a gate leads to this one.
    fn reached_before(&self, key: Key) -> &[Event] {
        let (steps, events) = (&self.lanes.steps, &self.lanes.events);
        // Steps are in the order of their keys, and events in that of their steps.
        let leads = |at: Key| at.after_gate(0) == key || at.after_gate(1) == key;
        let mut leading = (0..).zip(steps).filter(|(_, step)| leads(**step));
        let Some((first, _)) = leading.next() else {
            return &[];
        };
        let last = leading.last().map_or(first, |(last, _)| last);
        let begin = events.partition_point(|event| event.step < first);
        let end = events.partition_point(|event| event.step <= last);
        &events[begin..end]
    }

    /// The lowest of the gates of a head that one of these events has met at its key.
    fn first_from(&self, events: &[Event], head: Fact, key: Key) -> Option<Gate> {
        let graph = self.lanes.graph;
        let own = events.iter().filter(|event| has(&event.lanes, self.lane));
        let uses = own.flat_map(|event| graph.uses(event.fact));
        let gates = uses.filter(|step| step.head == head).map(|step| step.gate);
        let mut first: Option<Gate> = None;
        for gate in gates {
            if first.is_none_or(|first| gate < first) && self.is_met(gate, key) {
                first = Some(gate);
            }
        }
        first
    }

    /// Whether a gate yields its head no later than at its key. Where it has enough inputs that are not too
    /// late for that, it has none too many before them: the head would have a lower key.
    fn is_met(&self, gate: Gate, key: Key) -> bool {
        let graph = self.lanes.graph;
        let (mut lacking, cost) = (graph.need(gate) as usize, graph.cost(gate));
        let inputs = graph.inputs(gate);
        for (at, &input) in inputs.iter().enumerate() {
            if lacking > inputs.len() - at {
                return false;
            }
            lacking -= usize::from(self.key(input).after_gate(cost) <= key);
            if lacking == 0 {
                return true;
            }
        }
        false
    }
}

impl Derived for Lane<'_, '_> {
    fn key(&self, fact: Fact) -> Key {
        if let Some(begun) = self.begun(fact) {
            return Key::new(begun.level, begun.round);
        }
        let Some(step) = self.step(fact) else {
            return Key::NEVER;
        };
        let (level, round) = self.lanes.steps[step as usize].parts();
        let ahead = self.lanes.ahead.get(self.lane);
        Key::new(level + ahead.map_or(0, |ahead| ahead.level), round)
    }

    /// The lowest of the gates that yield the fact at its key. Of very many gates it is looked for from
    /// what was reached just before, where that is less.
    fn why(&self, fact: Fact) -> Option<Gate> {
        if let Some(begun) = self.begun(fact) {
            return (begun.why != GIVEN).then_some(Gate(begun.why));
        }
        let gates = self.lanes.shared.incoming.of(fact);
        black_box(
            self.lanes
                .history
                .look_at(self.lanes.graph, gates, self.lane),
        );
        let key = self.key(fact);
        if key == Key::GIVEN || key == Key::NEVER {
            return None;
        }
        if gates.len() > MANY && self.lanes.ahead.is_empty() {
            let before = self.reached_before(key);
            if before.len() < gates.len() {
                return self.first_from(before, fact, key);
            }
        }
        gates.iter().copied().find(|&gate| self.is_met(gate, key))
    }

    fn choose(
        &self,
        graph: &RuleGraph,
        fact: Fact,
        scratch: &mut Scratch,
        slots: &mut Vec<u32>,
    ) -> Option<(Gate, u32)> {
        let has_many = self.lanes.shared.incoming.of(fact).len() > MANY;
        if has_many || !self.lanes.ahead.is_empty() {
            return proof::choose(graph, self, fact, scratch, slots);
        }
        let mut choices = self.choices.borrow_mut();
        let choice = choices.of(self.lanes, fact, self.lane)?;
        let (gate, level) = (choice.gate, choice.level);
        choices.slots(&choice, self.lane, slots);
        Some((gate, level))
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::{Class, Fact, RuleGraphBuilder};
    use crate::solve::{Question, solve_by_search, solve_in_lanes};

    #[test]
    fn of_very_many_gates_the_lowest_is_found_from_what_leads_to_them() {
        let mut builder = RuleGraphBuilder::new();
        let members: Vec<Fact> = (0..300).map(|_| builder.fact(Class::Account)).collect();
        let [seed, other] = [0, 1].map(|_| builder.fact(Class::Mailbox));
        let (group, system) = (builder.fact(Class::Group), builder.fact(Class::System));
        for cost in [1, 0] {
            for at in 0..members.len() {
                // One gate in three takes two members.
                let inputs = [members[at], members[(at + 7) % members.len()]];
                let count = if at % 3 == 0 { 2 } else { 1 };
                builder.gate(group, count as u32, cost, &inputs[..count]);
            }
        }
        builder.gate(system, 1, 0, &[group]);
        for at in [290, 60, 124, 200, 61] {
            builder.gate(members[at], 1, 1, &[seed]);
        }
        // Later than the others.
        builder.gate(members[2], 1, 1, &[members[290]]);
        for at in [0, 7] {
            builder.gate(members[at], 1, 0, &[other]);
        }
        let graph = builder.finish();
        let (severity, place) = (vec![0; graph.fact_count()], vec![0; graph.fact_count()]);
        let question = Question {
            seeds: &[seed, other],
            assumed: &[],
            severity: &severity,
            place: &place,
        };
        let found = solve_in_lanes(&graph, &question);
        assert!(found == solve_by_search(&graph, &question));
        // By gates that are no recovery: that of member 60 takes 67 as well; that of 0 and 7 is met by both.
        let gate = |at: usize, step: usize| Some(found[at].proof()?.steps.get(step)?.gate.0);
        assert_eq!([gate(0, 1), gate(1, 2)], [Some(300 + 61), Some(300)]);
    }
}
