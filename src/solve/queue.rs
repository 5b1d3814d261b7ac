//! Facts that wait to be followed, smallest keys first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::rules::Fact;

/// Nearly all of them come next in the same level or first in the next one, so these are lists; the few
/// that a gate's other inputs put off are in a heap. A fact may wait at several keys: whoever follows it
/// asks whether it still has the one that is followed.
pub(super) struct Queue<K> {
    /// What is followed now.
    pub now: Vec<Fact>,
    next_round: Vec<Fact>,
    next_level: Vec<Fact>,
    later: BinaryHeap<Reverse<(K, Fact)>>,
}

impl<K: Copy + Ord> Queue<K> {
    pub(super) fn new() -> Self {
        Self {
            now: Vec::new(),
            next_round: Vec::new(),
            next_level: Vec::new(),
            later: BinaryHeap::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.now.clear();
        self.next_round.clear();
        self.next_level.clear();
        self.later.clear();
    }

    /// Puts a fact where its key belongs, beside the keys of the next round and level.
    #[inline]
    pub(super) fn add(&mut self, fact: Fact, key: K, [round, level]: [K; 2]) {
        if key == round {
            self.next_round.push(fact);
        } else if key == level {
            self.next_level.push(fact);
        } else {
            self.later.push(Reverse((key, fact)));
        }
    }

    /// Forgets what was followed and turns to what waits at the smallest key, which is given; nothing when
    /// nothing waits.
    pub(super) fn turn(&mut self, [round, level]: [K; 2]) -> Option<K> {
        self.now.clear();
        let later = self.later.peek().map(|Reverse((key, _))| *key);
        let key = match later {
            _ if !self.next_round.is_empty() => {
                std::mem::swap(&mut self.now, &mut self.next_round);
                round
            }
            Some(later) if later < level || self.next_level.is_empty() => later,
            _ if !self.next_level.is_empty() => {
                std::mem::swap(&mut self.now, &mut self.next_level);
                level
            }
            _ => return None,
        };
        while let Some(&Reverse((found, fact))) = self.later.peek() {
            if found != key {
                break;
            }
            self.later.pop();
            self.now.push(fact);
        }
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_by_key_whatever_list_they_are_in() {
        let mut queue: Queue<u32> = Queue::new();
        let next = [1, 10];
        for (fact, key) in [(0, 10), (1, 3), (2, 1), (3, 20), (4, 10)] {
            queue.add(Fact(fact), key, next);
        }
        let mut seen = Vec::new();
        let mut keys = next;
        while let Some(key) = queue.turn(keys) {
            queue.now.sort_unstable();
            seen.extend(queue.now.iter().map(|fact| (key, fact.0)));
            if key == 10 {
                // One waits at a key that was not the next one when it came.
                queue.add(Fact(5), 20, [11, 20]);
            }
            keys = [key + 1, if key < 10 { 10 } else { 20 }];
        }
        assert_eq!(seen, [(1, 2), (3, 1), (10, 0), (10, 4), (20, 3), (20, 5)]);
    }
}
