//! The steps of proofs, found for 64 lanes at a time.
//!
//! Which gate yields a fact, and which of its inputs a proof takes, is read off the steps in which these
//! were reached. The bits of 64 lanes stand in one word, so finding it for one of them reads as much as
//! finding it for all that reached the fact in the same step. Inputs are taken in the order of their keys
//! by the lanes that still lack some, which are counted in bit-sliced numbers. Lanes whose proofs go
//! through the same facts share what the first of them asked for.

use std::hint::black_box;

use super::history::History;
use super::mask::is_in;
use super::{Lanes, NONE};
use crate::rules::{Fact, Gate};
use crate::solve::Key;

/// What was found for the lanes of one word (4 bytes per fact, 32 for every choice, of which a fact has 64 at
/// most, and 16 for every input that it takes).
#[derive(Default)]
pub(super) struct Choices {
    word: usize,
    /// For every fact what was found of it last, or [`NONE`].
    last: Vec<u32>,
    /// Facts of which something was found.
    facts: Vec<Fact>,
    choices: Vec<Choice>,
    /// Inputs that a proof takes, those of one choice side by side and ascending.
    taken: Vec<Taken>,
    /// Inputs that were reached soon enough for a gate.
    ready: Vec<Ready>,
}

/// The gate that some lanes take for a fact.
#[derive(Clone, Copy)]
pub(super) struct Choice {
    lanes: u64,
    pub(super) gate: Gate,
    pub(super) level: u32,
    /// What else was found of the fact, or [`NONE`].
    before: u32,
    /// Its inputs among those taken.
    first: u32,
    end: u32,
}

/// An input and the lanes that take it.
#[derive(Clone, Copy)]
struct Taken {
    slot: u32,
    lanes: u64,
}

/// An input that lanes reached in a step.
#[derive(Clone, Copy)]
struct Ready {
    step: u32,
    slot: u32,
    lanes: u64,
}

impl Choices {
    /// Forgets all of them when the lane is of another word than the last one.
    pub(super) fn turn_to(&mut self, lane: usize, facts: usize) {
        if self.last.len() < facts {
            self.last.resize(facts, NONE);
        }
        if self.word != lane / 64 {
            self.word = lane / 64;
            self.clear();
        }
    }

    /// Forgets what was found.
    pub(super) fn clear(&mut self) {
        for fact in self.facts.drain(..) {
            self.last[fact.index()] = NONE;
        }
        self.choices.clear();
        self.taken.clear();
    }

    /// What a lane of this word takes for a fact; nothing where it was given or is never reached.
    pub(super) fn of(
        &mut self,
        batch: &Lanes<'_>,
        history: &History,
        fact: Fact,
        lane: usize,
    ) -> Option<Choice> {
        let known = self.known(fact, lane);
        known.or_else(|| {
            self.find(batch, history, fact, lane);
            self.known(fact, lane)
        })
    }

    /// The inputs that a lane takes for what it chose, added ascending.
    pub(super) fn slots(&self, choice: &Choice, lane: usize, slots: &mut Vec<u32>) {
        let taken = &self.taken[choice.first as usize..choice.end as usize];
        let own = taken.iter().filter(|taken| is_in(taken.lanes, lane));
        slots.extend(own.map(|taken| taken.slot));
    }

    fn known(&self, fact: Fact, lane: usize) -> Option<Choice> {
        let of = |at: u32| self.choices.get(at as usize);
        let last = of(self.last[fact.index()]);
        let mut all = std::iter::successors(last, |choice| of(choice.before));
        all.find(|choice| is_in(choice.lanes, lane)).copied()
    }

    /// Finds what all lanes take that reached the fact when this one did: of the gates that yield it at its
    /// key the lowest.
    fn find(&mut self, batch: &Lanes<'_>, history: &History, fact: Fact, lane: usize) {
        let gates = batch.shared.incoming.of(fact);
        black_box(history.look_at(batch.graph, gates));
        let Some(moment) = history.moment(fact, lane) else {
            return;
        };
        let key = batch.steps[moment.step as usize];
        if key == Key::GIVEN {
            return;
        }
        let mut rest = moment.lanes;
        for &gate in gates {
            let first = self.taken.len() as u32;
            let met = self.meet(batch, history, gate, key, rest);
            if met == 0 {
                continue;
            }
            let last = &mut self.last[fact.index()];
            if *last == NONE {
                self.facts.push(fact);
            }
            self.choices.push(Choice {
                lanes: met,
                gate,
                level: key.level().unwrap_or_default(),
                before: *last,
                first,
                end: self.taken.len() as u32,
            });
            *last = self.choices.len() as u32 - 1;
            rest &= !met;
            if rest == 0 {
                break;
            }
        }
    }

    /// Which of some lanes have as many of a gate's inputs as it needs, soon enough for its head to have this
    /// key; adds the inputs that each of them takes: those with the smallest keys, and of equal ones those
    /// that stand first.
    fn meet(
        &mut self,
        batch: &Lanes<'_>,
        history: &History,
        gate: Gate,
        key: Key,
        mut asked: u64,
    ) -> u64 {
        let graph = batch.graph;
        let (inputs, need, cost) = (graph.inputs(gate), graph.need(gate), graph.cost(gate));
        self.ready.clear();
        // How many inputs more may be lacking to all lanes that are left.
        let Some(mut spare) = inputs.len().checked_sub(need as usize) else {
            return 0;
        };
        for (slot, &input) in (0..).zip(inputs) {
            let mut here = 0;
            for moment in history.of(input) {
                let step = moment.step;
                if batch.steps[step as usize].after_gate(cost) > key {
                    break;
                }
                let lanes = moment.lanes & asked;
                here |= lanes;
                if lanes != 0 {
                    self.ready.push(Ready { step, slot, lanes });
                }
            }
            if spare == 0 {
                // They need every one of these.
                asked &= here;
            } else if here == 0 {
                spare -= 1;
            }
            if asked == 0 {
                return 0;
            }
        }
        let order = |ready: &Ready| (ready.step, ready.slot);
        if !self.ready.is_sorted_by_key(order) {
            self.ready.sort_unstable_by_key(order);
        }
        let first = self.taken.len();
        // How many inputs every lane has taken, a bit of all these numbers in each word.
        let mut counts = [0u64; u32::BITS as usize];
        let counts = &mut counts[..(u32::BITS - need.leading_zeros()) as usize];
        let mut full = 0;
        for ready in &self.ready {
            let lanes = ready.lanes & !full;
            if lanes == 0 {
                continue;
            }
            self.taken.push(Taken {
                slot: ready.slot,
                lanes,
            });
            let (mut carry, mut enough) = (lanes, lanes);
            for (at, bits) in counts.iter_mut().enumerate() {
                let both = *bits & carry;
                *bits ^= carry;
                carry = both;
                enough &= if (need >> at) & 1 == 1 { *bits } else { !*bits };
            }
            full |= enough;
        }
        // Lanes that have too few take none of them.
        let mut left = first;
        for at in first..self.taken.len() {
            let Taken { slot, lanes } = self.taken[at];
            if lanes & full != 0 {
                self.taken[left] = Taken {
                    slot,
                    lanes: lanes & full,
                };
                left += 1;
            }
        }
        self.taken.truncate(left);
        let taken = &mut self.taken[first..];
        if !taken.is_sorted_by_key(|taken| taken.slot) {
            taken.sort_unstable_by_key(|taken| taken.slot);
        }
        full
    }
}
