//! Proofs of lanes that began by themselves: most of their steps are what a lane found by itself, and the
//! last ones what it reached beside the others.

use super::beginning::{Beginning, Begun};
use super::history::lowest_met;
use super::mask::has;
use super::{Event, Lanes, NONE};
use crate::rules::{Fact, Gate, RuleGraph};
use crate::solve::Key;
use crate::solve::proof::{self, Derived, Slots};
use crate::solve::search::GIVEN;

/// What these proofs are read off (12 bytes per fact, and 4 per event).
#[derive(Default)]
pub(super) struct MixedReading {
    /// The events of a batch by facts, once they are asked for.
    order: Vec<u32>,
    is_sorted: bool,
    /// For every fact where its events begin and end there.
    spans: Vec<[u32; 2]>,
    /// For every fact its place in the beginning of the lane, or [`NONE`].
    places: Vec<u32>,
}

impl MixedReading {
    /// Reads something off a lane of a batch.
    pub(super) fn read<T>(
        &mut self,
        lanes: &Lanes<'_>,
        lane: usize,
        ahead: &Beginning,
        read: impl FnOnce(&Mixed<'_, '_>) -> T,
    ) -> T {
        if !self.is_sorted {
            self.is_sorted = true;
            self.sort(&lanes.events, &lanes.reached, lanes.graph.fact_count());
        }
        self.places.resize(lanes.graph.fact_count(), NONE);
        for (begun, at) in ahead.facts.iter().zip(0..) {
            self.places[begun.fact.index()] = at;
        }
        let read = read(&Mixed {
            lanes,
            lane,
            ahead,
            reading: self,
        });
        for begun in &ahead.facts {
            self.places[begun.fact.index()] = NONE;
        }
        read
    }

    /// Sorts events by their facts; those of one stay in their order.
    fn sort(&mut self, events: &[Event], reached: &[Fact], facts: usize) {
        self.spans.resize(facts, [0; 2]);
        for event in events {
            self.spans[event.fact.index()][1] += 1;
        }
        let mut start = 0;
        for fact in reached {
            let span = &mut self.spans[fact.index()];
            let count = span[1];
            *span = [start; 2];
            start += count;
        }
        self.order.resize(events.len(), 0);
        for (event, at) in events.iter().zip(0..) {
            let end = &mut self.spans[event.fact.index()][1];
            self.order[*end as usize] = at;
            *end += 1;
        }
    }

    /// Forgets a batch that reached these facts.
    pub(super) fn clear(&mut self, reached: &[Fact]) {
        if std::mem::take(&mut self.is_sorted) {
            for fact in reached {
                self.spans[fact.index()] = [0; 2];
            }
            self.order.clear();
        }
    }
}

/// One lane as a closure that proofs are read from.
pub(super) struct Mixed<'l, 'g> {
    lanes: &'l Lanes<'g>,
    lane: usize,
    ahead: &'l Beginning,
    reading: &'l MixedReading,
}

impl Mixed<'_, '_> {
    fn begun(&self, fact: Fact) -> Option<&Begun> {
        let place = self.reading.places[fact.index()];
        self.ahead.facts.get(place as usize)
    }
}

fn key_of(begun: &Begun) -> Key {
    Key::new(begun.level, begun.round)
}

impl Derived for Mixed<'_, '_> {
    fn key(&self, fact: Fact) -> Key {
        if let Some(begun) = self.begun(fact) {
            return key_of(begun);
        }
        let [start, end] = self.reading.spans[fact.index()];
        let order = self.reading.order[start as usize..end as usize].iter();
        let mut events = order.map(|&at| &self.lanes.events[at as usize]);
        let Some(event) = events.find(|event| has(&event.lanes, self.lane)) else {
            return Key::NEVER;
        };
        let (level, round) = self.lanes.steps[event.step as usize].parts();
        Key::new(level + self.ahead.level, round)
    }

    fn why(&self, fact: Fact) -> Option<Gate> {
        if let Some(begun) = self.begun(fact) {
            return (begun.why != GIVEN).then_some(Gate(begun.why));
        }
        let key = self.key(fact);
        if key == Key::NEVER {
            return None;
        }
        let gates = self.lanes.shared.incoming.of(fact);
        lowest_met(self.lanes.graph, self, gates, key)
    }

    fn choose(&self, graph: &RuleGraph, fact: Fact, slots: &mut Slots) -> Option<(Gate, u32)> {
        let Some(begun) = self.begun(fact) else {
            return proof::choose(graph, self, fact, slots);
        };
        let gate = self.why(fact)?;
        // A beginning is whole levels: what it holds follows from nothing else.
        let key = |input: Fact| self.begun(input).map_or(Key::NEVER, key_of);
        slots.choose(graph, gate, key);
        Some((gate, begun.level))
    }
}
