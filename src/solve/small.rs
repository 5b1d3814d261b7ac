//! Closures of a few facts in which no system is: most seeds of an organisation have one, and where
//! nothing is unlocked nobody asks for hops or a proof.

use super::Answer;
use crate::rules::{Class, Fact, RuleGraph};

/// Facts that a closure may have to be small.
const FACTS: usize = 64;
/// Uses of one fact that are looked at: what has more is a hub.
const USES: usize = 64;
/// Slots of the tables: a power of two, with room for twice what is put in.
const SLOTS: usize = 256;

/// A search of a few facts that touches nothing but the graph and some kilobytes of its own.
pub(super) struct Small<'g> {
    graph: &'g RuleGraph,
    reached: Vec<Fact>,
    facts: Table,
    gates: Table,
}

impl<'g> Small<'g> {
    pub(super) fn new(graph: &'g RuleGraph) -> Self {
        Self {
            graph,
            reached: Vec::with_capacity(FACTS),
            facts: Table::new(),
            gates: Table::new(),
        }
    }

    /// The answer for a seed whose closure is small and holds no other system; else nothing.
    pub(super) fn answer(&mut self, seed: Fact) -> Option<Answer> {
        let graph = self.graph;
        // Half of the seeds of an organisation give nothing at all.
        if graph.uses(seed).is_empty() {
            return Some(Answer::default());
        }
        self.reached.clear();
        self.facts.clear();
        self.gates.clear();
        self.facts.count(seed.0)?;
        self.reached.push(seed);
        let mut answer = Answer::default();
        let mut at = 0;
        while let Some(&fact) = self.reached.get(at) {
            at += 1;
            let uses = graph.uses(fact);
            if uses.len() > USES {
                return None;
            }
            for step in uses {
                let need = step.need();
                if need > 1 && self.gates.count(step.gate.0)? != need {
                    continue;
                }
                if self.facts.count(step.head.0)? > 1 {
                    continue;
                }
                match graph.class(step.head) {
                    Class::System => return None,
                    Class::Account => answer.accounts += 1,
                    Class::Mailbox => answer.mailboxes += 1,
                    _ => {}
                }
                if self.reached.len() == FACTS {
                    return None;
                }
                self.reached.push(step.head);
            }
        }
        Some(answer)
    }
}

/// Counts numbers; forgets them all at once.
struct Table {
    /// Number, count and the round in which it was counted.
    slots: Box<[(u32, u32, u32)]>,
    round: u32,
    taken: usize,
}

impl Table {
    fn new() -> Self {
        Self {
            slots: vec![(0, 0, 0); SLOTS].into(),
            round: 0,
            taken: 0,
        }
    }

    fn clear(&mut self) {
        self.taken = 0;
        self.round = match self.round.checked_add(1) {
            Some(round) => round,
            None => {
                self.slots.fill((0, 0, 0));
                1
            }
        };
    }

    /// How often a number was counted, this time included; nothing when there is no room for it.
    fn count(&mut self, number: u32) -> Option<u32> {
        // Fibonacci hashing (Knuth): the upper bits of the product are well mixed.
        let mut at = (number.wrapping_mul(0x9e37_79b9) >> 24) as usize % SLOTS;
        loop {
            let slot = &mut self.slots[at];
            if slot.2 != self.round {
                if self.taken == SLOTS / 2 {
                    return None;
                }
                self.taken += 1;
                *slot = (number, 1, self.round);
                return Some(1);
            }
            if slot.0 == number {
                slot.1 += 1;
                return Some(slot.1);
            }
            at = (at + 1) % SLOTS;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_counted_and_forgotten() {
        let mut table = Table::new();
        for round in 0..3 {
            table.clear();
            for number in 0..SLOTS as u32 / 2 {
                assert_eq!(table.count(number * 256 + round), Some(1));
            }
            assert_eq!(table.count(round), Some(2));
            assert_eq!(table.count(7_777_777), None);
        }
        table.round = u32::MAX;
        table.clear();
        assert_eq!((table.round, table.count(0)), (1, Some(1)));
    }
}
