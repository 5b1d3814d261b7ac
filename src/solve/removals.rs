//! What still follows when one thing or another is taken away: up to 64 closures side by side, a bit
//! each.

use std::collections::VecDeque;

use super::threshold::at_least;
use crate::rules::{Fact, Gate, RuleGraph};

/// One thing taken away, as what no longer works in a rule graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// Families of gates that no longer fire; see [`Removals::new`].
    pub families: Vec<u32>,
    /// Gates that no longer fire.
    pub gates: Vec<Gate>,
    /// Inputs of gates that no longer count, by gate and position.
    pub slots: Vec<(Gate, u32)>,
    /// Facts that nothing yields any more; whoever starts with them has them still.
    pub facts: Vec<Fact>,
}

/// Closures with removals, and their scratch memory: 18 bytes per fact, 13 per gate, reused.
pub struct Removals<'g> {
    graph: &'g RuleGraph,
    family_of: &'g [u32],
    /// For every fact the removals without which it follows.
    follows: Vec<u64>,
    touched: Vec<Fact>,
    family_mask: Vec<u64>,
    gate_mask: Vec<u64>,
    fact_mask: Vec<u64>,
    /// Removals that an input of a gate does not count in.
    slots: Vec<(Gate, u32, u64)>,
    queue: VecDeque<Fact>,
    is_queued: Vec<bool>,
    /// Gates of several inputs that wait until all that is known has spread.
    wide: Vec<Gate>,
    is_wide: Vec<bool>,
}

/// How many removals go side by side.
pub const SIDE_BY_SIDE: usize = 64;

impl<'g> Removals<'g> {
    /// Scratch memory for a graph. `family_of` puts every gate into one family, numbered below
    /// `families`: gates that stand and fall together, as all gates of one policy do.
    #[must_use]
    pub fn new(graph: &'g RuleGraph, family_of: &'g [u32], families: usize) -> Self {
        Self {
            graph,
            family_of,
            follows: vec![0; graph.fact_count()],
            touched: Vec::new(),
            family_mask: vec![u64::MAX; families],
            gate_mask: vec![u64::MAX; graph.gate_count()],
            fact_mask: vec![u64::MAX; graph.fact_count()],
            slots: Vec::new(),
            queue: VecDeque::new(),
            is_queued: vec![false; graph.fact_count()],
            wide: Vec::new(),
            is_wide: vec![false; graph.gate_count()],
        }
    }

    /// Computes the closure of `seed` and `assumed` once per removal, of which there are at most
    /// [`SIDE_BY_SIDE`]. The seed is held whatever is removed; what is assumed is not. Costs about
    /// two searches of the union of the closures.
    pub fn run(&mut self, seed: Option<Fact>, assumed: &[Fact], removals: &[&Removal]) {
        self.run_until(seed, assumed, removals, None);
    }

    /// The same, but ends when a fact follows in these lanes, and says whether it does.
    pub fn run_until(
        &mut self,
        seed: Option<Fact>,
        assumed: &[Fact],
        removals: &[&Removal],
        wanted: Option<(Fact, u64)>,
    ) -> bool {
        for fact in self.touched.drain(..) {
            self.follows[fact.index()] = 0;
        }
        let all = match removals.len() {
            SIDE_BY_SIDE.. => u64::MAX,
            fewer => (1 << fewer) - 1,
        };
        self.mask(removals);
        for &fact in assumed {
            let lanes = all & self.fact_mask[fact.index()];
            self.reach(fact, lanes);
        }
        if let Some(seed) = seed {
            self.reach(seed, all);
        }
        let is_met = loop {
            if wanted.is_some_and(|(fact, lanes)| self.follows(fact) & lanes == lanes) {
                break true;
            }
            if let Some(fact) = self.queue.pop_front() {
                self.is_queued[fact.index()] = false;
                self.follow(fact);
            } else if let Some(gate) = self.wide.pop() {
                self.is_wide[gate.index()] = false;
                let lanes = self.fires(gate);
                self.fire(gate, lanes);
            } else {
                break false;
            }
        };
        for fact in self.queue.drain(..) {
            self.is_queued[fact.index()] = false;
        }
        for gate in self.wide.drain(..) {
            self.is_wide[gate.index()] = false;
        }
        self.unmask(removals);
        is_met
    }

    /// The removals (by bit) after which the fact still follows.
    #[must_use]
    pub fn follows(&self, fact: Fact) -> u64 {
        self.follows[fact.index()]
    }

    fn mask(&mut self, removals: &[&Removal]) {
        for (lane, removal) in removals.iter().enumerate() {
            let lane = 1u64 << lane;
            for &family in &removal.families {
                self.family_mask[family as usize] &= !lane;
            }
            for &gate in &removal.gates {
                self.gate_mask[gate.index()] &= !lane;
            }
            for &fact in &removal.facts {
                self.fact_mask[fact.index()] &= !lane;
            }
            let slots = removal.slots.iter();
            self.slots
                .extend(slots.map(|&(gate, slot)| (gate, slot, lane)));
        }
        self.slots.sort_unstable();
    }

    fn unmask(&mut self, removals: &[&Removal]) {
        for removal in removals {
            for &family in &removal.families {
                self.family_mask[family as usize] = u64::MAX;
            }
            for &gate in &removal.gates {
                self.gate_mask[gate.index()] = u64::MAX;
            }
            for &fact in &removal.facts {
                self.fact_mask[fact.index()] = u64::MAX;
            }
        }
        self.slots.clear();
    }

    fn reach(&mut self, fact: Fact, lanes: u64) {
        let known = &mut self.follows[fact.index()];
        if lanes & !*known == 0 {
            return;
        }
        if *known == 0 {
            self.touched.push(fact);
        }
        *known |= lanes;
        if !std::mem::replace(&mut self.is_queued[fact.index()], true) {
            self.queue.push_back(fact);
        }
    }

    fn follow(&mut self, fact: Fact) {
        let graph = self.graph;
        let lanes = self.follows[fact.index()];
        for step in graph.uses(fact) {
            let gate = step.gate;
            if step.need() > 1 || (!self.slots.is_empty() && self.has_slots(gate)) {
                if !std::mem::replace(&mut self.is_wide[gate.index()], true) {
                    self.wide.push(gate);
                }
            } else {
                self.fire(gate, lanes);
            }
        }
    }

    fn fire(&mut self, gate: Gate, lanes: u64) {
        let head = self.graph.head(gate);
        let family = self.family_of[gate.index()] as usize;
        let lanes = lanes
            & self.gate_mask[gate.index()]
            & self.family_mask[family]
            & self.fact_mask[head.index()];
        self.reach(head, lanes);
    }

    fn has_slots(&self, gate: Gate) -> bool {
        let at = self.slots.partition_point(|(other, ..)| *other < gate);
        self.slots.get(at).is_some_and(|(other, ..)| *other == gate)
    }

    /// The removals with which enough inputs of a gate are there.
    fn fires(&self, gate: Gate) -> u64 {
        let inputs = self.graph.inputs(gate);
        let start = self.slots.partition_point(|(other, ..)| *other < gate);
        let here = self.slots[start..]
            .iter()
            .take_while(|(other, ..)| *other == gate);
        let lanes = inputs.iter().enumerate().map(|(slot, input)| {
            let gone = here.clone().filter(|(_, at, _)| *at as usize == slot);
            let gone = gone.fold(0, |all, (.., lane)| all | lane);
            self.follows[input.index()] & !gone
        });
        at_least(self.graph.need(gate), inputs.len(), lanes)
    }
}
