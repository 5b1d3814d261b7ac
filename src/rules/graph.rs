//! Flat arrays: gates with their inputs, and for every fact the gates it is an input of.

use super::{Class, Fact, Gate};

/// A gate as the facts see it that it starts from: what solvers need of most gates stands here, in
/// the order in which they go through it, and not all over the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// The gate.
    pub gate: Gate,
    /// What follows when it fires.
    pub head: Fact,
    terms: Terms,
}

impl Use {
    /// How many inputs of the gate must be controlled, at least 1.
    #[must_use]
    pub fn need(self) -> u32 {
        self.terms.0 >> 1
    }

    /// 1 for a recovery, 0 otherwise.
    #[must_use]
    pub fn cost(self) -> u32 {
        self.terms.0 & 1
    }
}

/// Twice the need, plus the cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Terms(u32);

impl Terms {
    fn new(need: u32, cost: u32) -> Self {
        // No gate has two thousand million inputs: a larger need never fires either.
        Self((need.clamp(1, u32::MAX >> 1) << 1) | u32::from(cost > 0))
    }
}

/// An immutable rule graph in compressed rows (about 16 bytes per gate and 16 per input).
#[derive(Clone, Debug, Default)]
pub struct RuleGraph {
    classes: Vec<Class>,
    heads: Vec<Fact>,
    terms: Vec<Terms>,
    /// `inputs[input_starts[g]..input_starts[g + 1]]` are the inputs of gate `g`.
    input_starts: Vec<u32>,
    inputs: Vec<Fact>,
    /// `uses[use_starts[f]..use_starts[f + 1]]` are the gates that fact `f` is an input of.
    use_starts: Vec<u32>,
    uses: Vec<Use>,
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

    /// The same graph where this fact alone counts as a system: who reaches it is then what solvers
    /// answer of every seed.
    #[must_use]
    pub fn watching(&self, watched: Fact) -> Self {
        let mut graph = self.clone();
        for (at, class) in graph.classes.iter_mut().enumerate() {
            if at == watched.index() {
                *class = Class::System;
            } else if *class == Class::System {
                *class = Class::Helper;
            }
        }
        graph
    }

    /// The same graph where only these facts are about something: solvers neither count nor name others.
    #[must_use]
    pub fn only(&self, is_kept: impl Fn(Fact) -> bool) -> Self {
        let mut graph = self.clone();
        for (fact, class) in (0..).map(Fact).zip(&mut graph.classes) {
            if !is_kept(fact) {
                *class = Class::Helper;
            }
        }
        graph
    }

    /// What follows when the gate fires.
    #[must_use]
    pub fn head(&self, gate: Gate) -> Fact {
        self.heads[gate.index()]
    }

    /// How many inputs must be controlled, at least 1.
    #[must_use]
    pub fn need(&self, gate: Gate) -> u32 {
        self.terms[gate.index()].0 >> 1
    }

    /// 1 for a recovery, 0 otherwise.
    #[must_use]
    pub fn cost(&self, gate: Gate) -> u32 {
        self.terms[gate.index()].0 & 1
    }

    /// The inputs of a gate in the order of its rows; a fact may stand there more than once.
    #[must_use]
    pub fn inputs(&self, gate: Gate) -> &[Fact] {
        let at = gate.index();
        &self.inputs[self.input_starts[at] as usize..self.input_starts[at + 1] as usize]
    }

    /// The gates a fact is an input of, ascending; a gate stands there once per occurrence.
    #[must_use]
    pub fn uses(&self, fact: Fact) -> &[Use] {
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

    /// Makes room for about so many facts, gates and inputs of gates: what grows step by step is copied
    /// step by step, into memory that is new each time.
    pub fn reserve(&mut self, facts: usize, gates: usize, inputs: usize) {
        self.graph.classes.reserve(facts);
        self.graph.heads.reserve(gates);
        self.graph.terms.reserve(gates);
        self.graph.input_starts.reserve(gates);
        self.graph.inputs.reserve(inputs);
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
        self.graph.terms.push(Terms::new(need, cost));
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
        let none = Use {
            gate: Gate(0),
            head: Fact(0),
            terms: Terms(0),
        };
        let mut uses = vec![none; graph.inputs.len()];
        for gate in graph.gates() {
            let entry = Use {
                gate,
                head: graph.head(gate),
                terms: graph.terms[gate.index()],
            };
            for input in graph.inputs(gate) {
                let slot = &mut next[input.index()];
                uses[*slot as usize] = entry;
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
        let uses = |fact| {
            graph
                .uses(fact)
                .iter()
                .map(|one| one.gate)
                .collect::<Vec<_>>()
        };
        assert_eq!(uses(phone), [twice, twice, once]);
        assert_eq!(uses(other), [twice]);
        let terms = graph.uses(phone).iter();
        let terms: Vec<_> = terms
            .map(|one| (one.head, one.need(), one.cost()))
            .collect();
        assert_eq!(terms, [(head, 2, 1), (head, 2, 1), (other, 1, 0)]);
        assert_eq!(graph.inputs(twice), [phone, other, phone]);
        assert!(graph.uses(head).is_empty());
    }

    #[test]
    fn an_empty_graph_is_a_graph() {
        let graph = RuleGraphBuilder::new().finish();
        assert_eq!((graph.fact_count(), graph.gate_count()), (0, 0));
    }
}
