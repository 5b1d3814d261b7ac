//! When each lane reached each fact: what levels and proofs are read off.

use std::cell::RefCell;

use super::choices::Choices;
use super::mask::{has, is_in};
use super::{Event, Lanes, NONE};
use crate::rules::{Fact, Gate, RuleGraph};
use crate::solve::Key;
use crate::solve::proof::{self, Derived, Slots};

/// The steps in which 64 lanes at a time reached each fact (16 bytes per fact, and as many for every
/// further step in which one of them did). A look-up reads one place, or few, where the events of all
/// lanes would be spread over all of memory.
#[derive(Default)]
pub(super) struct History {
    /// Which lanes, as the place of their word in a mask; none when nothing stands here.
    word: Option<usize>,
    /// For every fact its first moment.
    first: Vec<Moment>,
    later: Vec<Moment>,
}

/// Lanes that reached a fact in one step.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) lanes: u64,
    pub(super) step: u32,
    /// The next moment of the fact, or [`NONE`].
    later: u32,
}

impl Moment {
    const NEVER: Self = Self {
        lanes: 0,
        step: 0,
        later: NONE,
    };
}

impl History {
    /// Turns to the 64 lanes that a lane is one of, over a graph of so many facts; `reached` are those that
    /// have events.
    pub(super) fn turn_to(
        &mut self,
        lane: usize,
        facts: usize,
        events: &[Event],
        reached: &[Fact],
    ) {
        let word = lane / 64;
        if self.word == Some(word) {
            return;
        }
        self.clear(reached);
        self.word = Some(word);
        self.first.resize(facts, Moment::NEVER);
        // From the last to the first, so that the first one of a fact stands first.
        for event in events.iter().rev() {
            let (lanes, step) = (event.lanes[word], event.step);
            if lanes == 0 {
                continue;
            }
            let first = &mut self.first[event.fact.index()];
            let mut later = NONE;
            if first.lanes != 0 {
                later = self.later.len() as u32;
                self.later.push(*first);
            }
            *first = Moment { lanes, step, later };
        }
    }

    /// Forgets what these facts were reached by.
    pub(super) fn clear(&mut self, reached: &[Fact]) {
        if self.word.take().is_some() {
            for fact in reached {
                self.first[fact.index()] = Moment::NEVER;
            }
            self.later.clear();
        }
    }

    /// The moments of a fact, in their order.
    pub(super) fn of(&self, fact: Fact) -> impl Iterator<Item = Moment> {
        let first = self.first[fact.index()];
        let first = (first.lanes != 0).then_some(first);
        let later = |moment: &Moment| self.later.get(moment.later as usize).copied();
        std::iter::successors(first, later)
    }

    /// That of a lane.
    pub(super) fn moment(&self, fact: Fact, lane: usize) -> Option<Moment> {
        self.of(fact).find(|moment| is_in(moment.lanes, lane))
    }

    /// Reads what telling the keys of the gates' inputs will need first, all at a time as far as the
    /// processor can. What it gives must be used, or the reads would be left out.
    pub(super) fn look_at(&self, graph: &RuleGraph, gates: &[Gate]) -> u64 {
        /// Inputs that are looked at.
        const MOST: usize = 32;
        let inputs = gates.iter().flat_map(|&gate| graph.inputs(gate));
        let first = inputs.take(MOST).map(|input| self.first[input.index()]);
        first.fold(0, |sum, moment| sum ^ moment.lanes)
    }
}

/// What the proofs of lanes that began with their seeds are read off.
#[derive(Default)]
pub(super) struct Reading {
    history: History,
    choices: RefCell<Choices>,
}

impl Reading {
    /// A lane of a batch, to be read now.
    pub(super) fn turn_to<'l, 'g>(&'l mut self, lanes: &'l Lanes<'g>, lane: usize) -> Lane<'l, 'g> {
        let facts = lanes.graph.fact_count();
        self.history
            .turn_to(lane, facts, &lanes.events, &lanes.reached);
        self.choices.get_mut().turn_to(lane, facts);
        Lane {
            lanes,
            lane,
            reading: self,
        }
    }

    /// Forgets a batch that reached these facts.
    pub(super) fn clear(&mut self, reached: &[Fact]) {
        self.history.clear(reached);
        self.choices.get_mut().clear();
    }
}

/// One lane as a closure that proofs are read from.
pub(super) struct Lane<'l, 'g> {
    lanes: &'l Lanes<'g>,
    lane: usize,
    /// Turned to it.
    reading: &'l Reading,
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
            if first.is_none_or(|first| gate < first) && is_met(graph, self, gate, key) {
                first = Some(gate);
            }
        }
        first
    }
}

impl Derived for Lane<'_, '_> {
    fn key(&self, fact: Fact) -> Key {
        let moment = self.reading.history.moment(fact, self.lane);
        moment.map_or(Key::NEVER, |moment| self.lanes.steps[moment.step as usize])
    }

    /// The lowest of the gates that yield the fact at its key. Of very many gates it is looked for from
    /// what was reached just before, where that is less.
    fn why(&self, fact: Fact) -> Option<Gate> {
        let graph = self.lanes.graph;
        let gates = self.lanes.shared.incoming.of(fact);
        let key = self.key(fact);
        if key == Key::GIVEN || key == Key::NEVER {
            return None;
        }
        if gates.len() > MANY {
            let before = self.reached_before(key);
            if before.len() < gates.len() {
                return self.first_from(before, fact, key);
            }
        }
        lowest_met(graph, self, gates, key)
    }

    fn choose(&self, graph: &RuleGraph, fact: Fact, slots: &mut Slots) -> Option<(Gate, u32)> {
        if self.lanes.shared.incoming.of(fact).len() > MANY {
            return proof::choose(graph, self, fact, slots);
        }
        let mut choices = self.reading.choices.borrow_mut();
        let choice = choices.of(self.lanes, &self.reading.history, fact, self.lane)?;
        let (gate, level) = (choice.gate, choice.level);
        choices.slots(&choice, self.lane, &mut slots.all);
        Some((gate, level))
    }
}

/// The first of a head's gates that yields it no later than at its key.
pub(super) fn lowest_met(
    graph: &RuleGraph,
    derived: &impl Derived,
    gates: &[Gate],
    key: Key,
) -> Option<Gate> {
    let mut gates = gates.iter().copied();
    gates.find(|&gate| is_met(graph, derived, gate, key))
}

/// Whether a gate yields its head no later than at its key. Where it has enough inputs that are not too
/// late for that, it has none too many before them: the head would have a lower key.
fn is_met(graph: &RuleGraph, derived: &impl Derived, gate: Gate, key: Key) -> bool {
    let (mut lacking, cost) = (graph.need(gate) as usize, graph.cost(gate));
    let inputs = graph.inputs(gate);
    for (at, &input) in inputs.iter().enumerate() {
        if lacking > inputs.len() - at {
            return false;
        }
        lacking -= usize::from(derived.key(input).after_gate(cost) <= key);
        if lacking == 0 {
            return true;
        }
    }
    false
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
