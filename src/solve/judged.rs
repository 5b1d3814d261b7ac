//! The need-th smallest key among the inputs of a gate, remembered where finding it is dear.

use rustc_hash::FxHashMap;

use crate::rules::{Fact, Gate, RuleGraph};

/// A gate of more inputs is wide, and its need-th smallest one is remembered: it is asked for whenever an
/// input is followed, until the gate fires no later than that. Few in unit tests, whose graphs are small.
const WIDE: usize = if cfg!(test) { 2 } else { 32 };

/// Gates as they were judged last, while keys only get smaller.
pub(super) struct Judged<K> {
    wide: FxHashMap<Gate, Nth<K>>,
    /// How many look-ups [`Judged::lower`] may make before it would have been cheaper to judge again: an
    /// input that was judged pays for one.
    paid: usize,
    sorted: Vec<K>,
}

/// The need-th smallest key among the inputs of a gate: it holds as long as fewer than `need` are below it.
struct Nth<K> {
    key: K,
    /// How many are below it by now.
    below: u32,
}

impl<K: Copy + Ord> Judged<K> {
    pub(super) fn new() -> Self {
        Self {
            wide: FxHashMap::default(),
            paid: 0,
            sorted: Vec::new(),
        }
    }

    /// Forgets everything: keys have grown, or it is cheaper to begin again.
    pub(super) fn clear(&mut self) {
        self.wide.clear();
        self.paid = 0;
    }

    /// Notes that the key of a fact gets smaller: O(its uses), but never more in all than judging took.
    /// What a fact of very many uses would take, whose key falls again and again, is saved by forgetting.
    #[inline]
    pub(super) fn lower(&mut self, graph: &RuleGraph, fact: Fact, before: K, key: K) {
        if self.wide.is_empty() {
            return;
        }
        let uses = graph.uses(fact);
        let Some(left) = self.paid.checked_sub(uses.len()) else {
            return self.clear();
        };
        self.paid = left;
        for step in uses {
            if let Some(nth) = self.wide.get_mut(&step.gate)
                && key < nth.key
                && nth.key <= before
            {
                nth.below += 1;
            }
        }
    }

    /// The need-th smallest key among the inputs of a gate; nothing when it has fewer. O(inputs), but O(1)
    /// for a wide gate whose answer has not changed.
    pub(super) fn nth_smallest(
        &mut self,
        graph: &RuleGraph,
        gate: Gate,
        need: u32,
        key: impl Fn(Fact) -> K,
    ) -> Option<K> {
        if let Some(nth) = self.wide.get(&gate)
            && nth.below < need
        {
            return Some(nth.key);
        }
        let inputs = graph.inputs(gate);
        if need as usize > inputs.len() {
            return None;
        }
        self.sorted.clear();
        self.sorted.extend(inputs.iter().map(|&input| key(input)));
        let at = need as usize - 1;
        let (smaller, &mut nth, _) = self.sorted.select_nth_unstable(at);
        if inputs.len() > WIDE {
            let below = smaller.iter().filter(|key| **key < nth).count() as u32;
            self.paid += inputs.len();
            self.wide.insert(gate, Nth { key: nth, below });
        }
        Some(nth)
    }
}
