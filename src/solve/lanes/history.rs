//! When each lane reached each fact: what levels and proofs are read off.

use super::mask::{Mask, WORDS};
use super::{Event, Lanes};
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

    /// The step in which a lane reached a fact.
    fn step(&self, fact: Fact, lane: usize) -> Option<u32> {
        let span = self.spans[fact.index()];
        let (start, len) = (span.start as usize, span.len as usize);
        let first = start * WORDS + lane / 64 * len;
        let has = |bits: &u64| (bits >> (lane % 64)) & 1 == 1;
        let at = self.words[first..first + len].iter().position(has)?;
        Some(self.steps[start + at])
    }
}

/// One lane as a closure that proofs are read from.
pub(super) struct Lane<'l, 'g> {
    lanes: &'l Lanes<'g>,
    lane: usize,
}

impl<'l, 'g> Lane<'l, 'g> {
    pub(super) fn new(lanes: &'l Lanes<'g>, lane: usize) -> Self {
        Self { lanes, lane }
    }

    fn has(&self, fact: Fact) -> bool {
        let have: &Mask = self.lanes.have.of(fact);
        (have[self.lane / 64] >> (self.lane % 64)) & 1 == 1
    }
}

impl Derived for Lane<'_, '_> {
    fn key(&self, fact: Fact) -> Key {
        if !self.has(fact) {
            return Key::NEVER;
        }
        let ahead = self.lanes.ahead.get(self.lane);
        if let Some(step) = self.lanes.history.step(fact, self.lane) {
            let (level, round) = self.lanes.steps[step as usize].parts();
            return Key::new(level + ahead.map_or(0, |ahead| ahead.level), round);
        }
        let begun = ahead.and_then(|ahead| ahead.of(fact));
        begun.map_or(Key::NEVER, |begun| Key::new(begun.level, begun.round))
    }

    /// The lowest of the gates that yield the fact at its key.
    fn why(&self, fact: Fact) -> Option<Gate> {
        if let Some(begun) = self
            .lanes
            .ahead
            .get(self.lane)
            .and_then(|ahead| ahead.of(fact))
        {
            return (begun.why != GIVEN).then_some(Gate(begun.why));
        }
        let key = self.key(fact);
        if key == Key::GIVEN || key == Key::NEVER {
            return None;
        }
        let graph = self.lanes.graph;
        let mut gates = self.lanes.shared.incoming.of(fact).iter().copied();
        // Where it has enough inputs that are not too late for the fact, it has none too many before them:
        // the fact would have a lower key.
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
