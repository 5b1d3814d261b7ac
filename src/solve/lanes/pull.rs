//! Going through the heads instead of the inputs, where much of the graph is reached at a time.
//!
//! Following facts looks at every gate that one of them is an input of, and judges it if some lane lacks
//! its head. When lanes reach a good part of all facts in one step it is cheaper to ask every head
//! that some lane still lacks which lanes have enough of its gates' inputs by now.
//!
//! Source: Beamer, Asanović and Patterson, "Direction-optimizing breadth-first search" (SC 2012), here
//! for lanes and thresholds.

use std::hint::black_box;

use rustc_hash::FxHashMap;

use super::Lanes;
use super::mask::{
    Counters, EMPTY, Mask, WORDS, intersect, is_empty, keep_at_least, subtract, unite,
};
use crate::rules::{Fact, Gate, RuleGraph};

/// Inputs of a gate up to which they are counted anew whenever it is judged.
pub(super) const FEW: usize = 15;
/// Heads whose inputs are read together.
const TOGETHER: usize = 8;
/// Gates of a head that are looked at before it is asked.
const GATES: usize = 16;
/// Inputs that are looked at when a fact is followed, for each of its uses.
const LOOKED_AT: usize = 8;

/// What it takes to tell which way is cheaper.
#[derive(Default)]
pub(super) struct Direction {
    /// All lanes of the batch.
    all: Mask,
    /// Facts that all of them have.
    full: usize,
    /// How often the facts of this step are inputs.
    fresh_uses: usize,
    /// Heads that some lane lacks, and perhaps others; empty before the heads were asked.
    open: Vec<Fact>,
}

impl Direction {
    /// For a batch of so many lanes.
    pub(super) fn start(&mut self, lanes: usize) {
        self.all = EMPTY;
        for lane in 0..lanes {
            self.all[lane / 64] |= 1 << (lane % 64);
        }
        self.full = 0;
        self.fresh_uses = 0;
        self.open.clear();
    }

    /// All lanes of the batch.
    pub(super) fn all(&self) -> &Mask {
        &self.all
    }

    /// Lanes that have a fact by now, and how often it is an input.
    pub(super) fn reached(&mut self, have: &Mask, uses: usize) {
        self.fresh_uses += uses;
        self.full += usize::from(*have == self.all);
    }

    /// Whether it is cheaper to ask the heads after this step than to follow its facts.
    pub(super) fn turn(&mut self, graph: &RuleGraph) -> bool {
        let following = std::mem::take(&mut self.fresh_uses) * LOOKED_AT;
        let facts = graph.fact_count();
        let lacking = facts.saturating_sub(self.full);
        // As if all heads had equally many inputs.
        let share = lacking as f64 / facts as f64;
        let asking = lacking + (graph.input_count() as f64 * share) as usize;
        following > asking
    }
}

/// Gates of many inputs: how many of them each lane has.
#[derive(Default)]
pub(super) struct Wide {
    /// Whether there are any.
    exist: bool,
    counts: FxHashMap<Gate, Counters>,
}

impl Wide {
    pub(super) fn new(graph: &RuleGraph) -> Self {
        let is_wide = |gate: Gate| graph.need(gate) > 1 && graph.inputs(gate).len() > FEW;
        Self {
            exist: graph.gates().any(is_wide),
            counts: FxHashMap::default(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.counts.clear();
    }

    /// Lanes have one fact more.
    pub(super) fn count(&mut self, graph: &RuleGraph, fact: Fact, lanes: &Mask) {
        if !self.exist {
            return;
        }
        // Once for every time the fact stands in the gate.
        for step in graph.uses(fact).iter().filter(|step| step.need() > 1) {
            if graph.inputs(step.gate).len() > FEW {
                self.counts.entry(step.gate).or_default().add(lanes);
            }
        }
    }
}

impl Lanes<'_> {
    /// Asks every head that some lane lacks.
    pub(super) fn ask(&mut self) {
        let mut open = std::mem::take(&mut self.direction.open);
        if open.is_empty() {
            let heads = self.graph.facts();
            open.extend(heads.filter(|&fact| !self.shared.incoming.of(fact).is_empty()));
        }
        let all = self.direction.all;
        let (graph, incoming) = (self.graph, &self.shared.incoming);
        let mut left = 0;
        for at in 0..open.len() {
            if at % TOGETHER == 0 {
                self.look_at_inputs(&open[at..open.len().min(at + TOGETHER)]);
            }
            let head = open[at];
            let mut lacking = all;
            subtract(&mut lacking, self.have.of(head));
            if is_empty(&lacking) {
                continue;
            }
            // Behind a recovery a lane has the head later than without, and once is enough.
            let mut lacking = [lacking; 2];
            for &gate in incoming.of(head) {
                let cost = graph.cost(gate);
                let mut fires = lacking[cost as usize];
                if is_empty(&fires) {
                    continue;
                }
                self.judge(gate, graph.need(gate), &mut fires);
                if !is_empty(&fires) {
                    self.add(head, cost, &fires);
                    for lacking in &mut lacking[cost as usize..] {
                        subtract(lacking, &fires);
                    }
                }
            }
            open[left] = head;
            left += 1;
        }
        open.truncate(left);
        self.direction.open = open;
    }

    /// Reads what asking some heads will need, all at a time as far as the processor can.
    fn look_at_inputs(&self, heads: &[Fact]) {
        let of = |&head| self.shared.incoming.of(head).iter().take(GATES);
        let gates = heads.iter().flat_map(of);
        let inputs = gates.flat_map(|&gate| self.graph.inputs(gate).iter().take(FEW));
        let sum = inputs.fold(0, |sum, &input| sum ^ self.have.of(input)[0]);
        // Without a use the reads would be left out.
        black_box(sum);
    }

    /// Leaves the lanes that have as many of a gate's inputs as it needs.
    pub(super) fn judge(&self, gate: Gate, need: u32, lanes: &mut Mask) {
        let inputs = self.graph.inputs(gate);
        match inputs.len() {
            count if count < need as usize => *lanes = EMPTY,
            // Counted already: looking at all of them for each of them would take too long.
            count if count > FEW && need > 1 => match self.wide.counts.get(&gate) {
                Some(counts) => counts.keep_at_least(need, lanes),
                None => *lanes = EMPTY,
            },
            count if count == need as usize => {
                for &input in inputs {
                    intersect(lanes, self.have.of(input));
                }
            }
            _ if need == 1 => {
                let mut any = EMPTY;
                for &input in inputs {
                    unite(&mut any, self.have.of(input));
                }
                intersect(lanes, &any);
            }
            ..=3 => self.at_least::<2>(inputs, need, lanes),
            4..=7 => self.at_least::<3>(inputs, need, lanes),
            _ => self.at_least::<4>(inputs, need, lanes),
        }
    }

    /// The same by numbers of as many bits as that takes.
    fn at_least<const BITS: usize>(&self, inputs: &[Fact], need: u32, lanes: &mut Mask) {
        let mut counts = [EMPTY; BITS];
        for &input in inputs {
            let mut carry = *self.have.of(input);
            for bits in &mut counts {
                for word in 0..WORDS {
                    let both = bits[word] & carry[word];
                    bits[word] ^= carry[word];
                    carry[word] = both;
                }
            }
        }
        keep_at_least(&counts, need, lanes);
    }
}
