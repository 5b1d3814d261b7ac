//! Going from the facts that were reached to what follows from them.

use std::hint::black_box;

use super::mask::{Mask, is_empty, subtract};
use super::{Event, Lanes};
use crate::rules::Fact;

impl Lanes<'_> {
    /// Follows what was reached in this step: the events from one on.
    pub(super) fn follow_all(&mut self, first: usize) {
        for at in first..self.events.len() {
            if let Some(next) = self.events.get(at + 1) {
                self.look_at(next.fact);
            }
            let Event { fact, lanes, .. } = self.events[at];
            self.follow(fact, &lanes);
        }
        self.judged.clear();
    }

    fn follow(&mut self, fact: Fact, lanes: &Mask) {
        let graph = self.graph;
        for step in graph.uses(fact) {
            // The lanes that have all facts of this step are known, so the first of its inputs judges a gate
            // for all of them. Where it fired before, they have its head or wait for it at the same key.
            let mut fires = if step.need() == 1 {
                *lanes
            } else if self.judged.insert(step.gate.index()) {
                *self.direction.all()
            } else {
                continue;
            };
            // Where the head is known already, which is most often, the gate need not be judged.
            subtract(&mut fires, self.have.of(step.head));
            if step.need() > 1 && !is_empty(&fires) {
                self.judge(step.gate, step.need(), &mut fires);
            }
            if !is_empty(&fires) {
                self.add(step.head, step.cost(), &fires);
            }
        }
    }

    /// Reads what following a fact will need first, all at a time as far as the processor can.
    fn look_at(&self, fact: Fact) {
        let uses = self.graph.uses(fact).iter();
        let sum = uses.fold(0, |sum, step| sum ^ self.have.of(step.head)[0]);
        // Without a use the reads would be left out.
        black_box(sum);
    }
}
