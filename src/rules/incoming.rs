//! The gates of every fact that they yield, for whoever goes through a graph backwards.

use super::{Fact, Gate, RuleGraph};

/// For every fact the gates that yield it, ascending.
pub struct Incoming {
    starts: Vec<u32>,
    gates: Vec<Gate>,
}

impl Incoming {
    /// Sorts the gates of a graph by their heads: O(facts + gates).
    #[must_use]
    pub fn new(graph: &RuleGraph) -> Self {
        let mut starts = vec![0u32; graph.fact_count() + 1];
        for gate in graph.gates() {
            starts[graph.head(gate).index() + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut gates = vec![Gate(0); graph.gate_count()];
        for gate in graph.gates() {
            let slot = &mut next[graph.head(gate).index()];
            gates[*slot as usize] = gate;
            *slot += 1;
        }
        Self { starts, gates }
    }

    /// The gates that yield a fact, ascending.
    #[must_use]
    pub fn of(&self, fact: Fact) -> &[Gate] {
        let at = fact.index();
        &self.gates[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}
