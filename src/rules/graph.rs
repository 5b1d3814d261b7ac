//! Flat arrays: gates with their inputs, and for every fact the gates it is an input of.

use super::{Class, Fact, Gate};

/// An immutable rule graph in compressed rows (about 18 bytes per gate and 8 per input).
#[derive(Clone, Debug, Default)]
pub struct RuleGraph {
    classes: Vec<Class>,
    heads: Vec<Fact>,
    needs: Vec<u32>,
    costs: Vec<u8>,
    /// `inputs[input_starts[g]..input_starts[g + 1]]` are the inputs of gate `g`.
    input_starts: Vec<u32>,
    inputs: Vec<Fact>,
    /// `uses[use_starts[f]..use_starts[f + 1]]` are the gates that fact `f` is an input of.
    use_starts: Vec<u32>,
    uses: Vec<Gate>,
}

impl RuleGraph {
    /// How many facts there are.
    #[must_use]
    pub fn fact_count(&self) -> usize {
        self.classes.len()
    }

    /// How many gates there are.
    #[must_use]
    pub fn gate_count(&self) -> usize {
        self.heads.len()
    }

    /// How many inputs all gates have together.
    #[must_use]
    pub fn input_count(&self) -> usize {
        self.inputs.len()
    }

    /// What a fact is about.
    #[must_use]
    pub fn class(&self, fact: Fact) -> Class {
        self.classes[fact.index()]
    }

    /// What follows when the gate fires.
    #[must_use]
    pub fn head(&self, gate: Gate) -> Fact {
        self.heads[gate.index()]
    }

    /// How many inputs must be controlled, at least 1.
    #[must_use]
    pub fn need(&self, gate: Gate) -> u32 {
        self.needs[gate.index()]
    }

    /// 1 for a recovery, 0 otherwise.
    #[must_use]
    pub fn cost(&self, gate: Gate) -> u32 {
        u32::from(self.costs[gate.index()])
    }

    /// The inputs of a gate in the order of its rows; a fact may stand there more than once.
    #[must_use]
    pub fn inputs(&self, gate: Gate) -> &[Fact] {
        let at = gate.index();
        &self.inputs[self.input_starts[at] as usize..self.input_starts[at + 1] as usize]
    }

    /// The gates a fact is an input of, ascending; a gate stands there once per occurrence.
    #[must_use]
    pub fn uses(&self, fact: Fact) -> &[Gate] {
        let at = fact.index();
        &self.uses[self.use_starts[at] as usize..self.use_starts[at + 1] as usize]
    }

    /// All facts in order.
    pub fn facts(&self) -> impl Iterator<Item = Fact> + use<> {
        (0..self.classes.len() as u32).map(Fact)
    }

    /// All gates in order.
    pub fn gates(&self) -> impl Iterator<Item = Gate> + use<> {
        (0..self.heads.len() as u32).map(Gate)
    }
}

/// Collects facts and gates, then freezes them.
#[derive(Clone, Debug, Default)]
pub struct RuleGraphBuilder {
    graph: RuleGraph,
}

impl RuleGraphBuilder {
    /// An empty graph.
    #[must_use]
    pub fn new() -> Self {
        let mut graph = RuleGraph::default();
        graph.input_starts.push(0);
        Self { graph }
    }

    /// Adds a fact.
    pub fn fact(&mut self, class: Class) -> Fact {
        let fact = Fact(self.graph.classes.len() as u32);
        self.graph.classes.push(class);
        fact
    }

    /// Adds `head <- need of inputs`; `cost` is 1 for a recovery and 0 otherwise. A `need` of 0
    /// would make the head free for everybody, so it is taken as 1; a `need` above the number of
    /// inputs is kept and never fires.
    pub fn gate(&mut self, head: Fact, need: u32, cost: u32, inputs: &[Fact]) -> Gate {
        let gate = Gate(self.graph.heads.len() as u32);
        self.graph.heads.push(head);
        self.graph.needs.push(need.max(1));
        self.graph.costs.push(u8::from(cost > 0));
        self.graph.inputs.extend_from_slice(inputs);
        self.graph.input_starts.push(self.graph.inputs.len() as u32);
        gate
    }

    /// How many gates there are so far.
    #[must_use]
    pub fn gate_count(&self) -> usize {
        self.graph.heads.len()
    }

    /// Freezes the graph and indexes the uses of every fact by a counting sort: O(facts + inputs).
    #[must_use]
    pub fn finish(self) -> RuleGraph {
        let mut graph = self.graph;
        let mut starts = vec![0u32; graph.classes.len() + 1];
        for fact in &graph.inputs {
            starts[fact.index() + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut uses = vec![Gate(0); graph.inputs.len()];
        for gate in graph.gates() {
            for input in graph.inputs(gate) {
                let slot = &mut next[input.index()];
                uses[*slot as usize] = gate;
                *slot += 1;
            }
        }
        graph.use_starts = starts;
        graph.uses = uses;
        graph
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_hold_a_gate_once_per_occurrence() {
        let mut builder = RuleGraphBuilder::new();
        let phone = builder.fact(Class::Phone);
        let other = builder.fact(Class::Mailbox);
        let head = builder.fact(Class::Password);
        let twice = builder.gate(head, 2, 1, &[phone, other, phone]);
        let once = builder.gate(other, 1, 0, &[phone]);
        let graph = builder.finish();
        assert_eq!(graph.uses(phone), [twice, twice, once]);
        assert_eq!(graph.uses(other), [twice]);
        assert_eq!(graph.inputs(twice), [phone, other, phone]);
        assert!(graph.uses(head).is_empty());
    }

    #[test]
    fn an_empty_graph_is_a_graph() {
        let graph = RuleGraphBuilder::new().finish();
        assert_eq!((graph.fact_count(), graph.gate_count()), (0, 0));
    }
}
