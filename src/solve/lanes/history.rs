//! When each lane reached each fact: what levels and proofs are read off.

use std::cell::{Cell, RefCell};
use std::hint::black_box;

use super::beginning::Begun;
use super::mask::WORDS;
use super::{Event, Lanes, NONE};
use crate::rules::{Fact, Gate};
use crate::solve::search::GIVEN;
use crate::solve::{Key, proof::Derived};

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
    fn of(&self, fact: Fact, lane: usize) -> (&[u64], &[u32]) {
        let span = self.spans[fact.index()];
        let (start, len) = (span.start as usize, span.len as usize);
        let first = start * WORDS + lane / 64 * len;
        (
            &self.words[first..first + len],
            &self.steps[start..start + len],
        )
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
}

impl<'l, 'g> Lane<'l, 'g> {
    /// With the facts of its beginning and their places; neither where it began with its seed.
    pub(super) fn new(
        lanes: &'l Lanes<'g>,
        lane: usize,
        begun: &'l [Begun],
        places: &'l Places,
    ) -> Self {
        Self {
            lanes,
            lane,
            begun,
            places,
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

    /// Reads what telling the keys of the gates' inputs will need first, all at a time as far as the
    /// processor can.
    fn look_at(&self, gates: &[Gate]) {
        /// Inputs that are looked at.
        const MOST: usize = 32;
        let graph = self.lanes.graph;
        let mut inputs = gates.iter().flat_map(|&gate| graph.inputs(gate));
        let mut words = [&[][..]; MOST];
        let mut sum = 0;
        for (words, &input) in words.iter_mut().zip(&mut inputs) {
            let (of_lane, steps) = self.lanes.history.of(input, self.lane);
            sum ^= self.places.of[input.index()].get() ^ steps.len() as u32;
            *words = of_lane;
        }
        let first = words.iter().filter_map(|words| words.first());
        sum ^= first.fold(0, |sum, word| sum ^ *word as u32);
        // Without a use the reads would be left out.
        black_box(sum);
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

    /// The lowest of the gates that yield the fact at its key.
    fn why(&self, fact: Fact) -> Option<Gate> {
        if let Some(begun) = self.begun(fact) {
            return (begun.why != GIVEN).then_some(Gate(begun.why));
        }
        let gates = self.lanes.shared.incoming.of(fact);
        self.look_at(gates);
        let key = self.key(fact);
        if key == Key::GIVEN || key == Key::NEVER {
            return None;
        }
        let graph = self.lanes.graph;
        // Where it has enough inputs that are not too late for the fact, it has none too many before them:
        // the fact would have a lower key.
        let mut gates = gates.iter().copied();
        gates.find(|&gate| {
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
        })
    }
}
