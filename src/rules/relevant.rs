//! The part of a rule graph that can have a say in whether some goals fall.

use super::{Fact, Gate, Incoming, RuleGraph, RuleGraphBuilder};

/// A smaller rule graph with the same proofs of the goals: whatever takes part in a proof leads to
/// the goal, so facts that lead to none and the gates that yield them are left out.
pub struct Relevant {
    /// The smaller graph; gates keep their order.
    pub graph: RuleGraph,
    /// For every fact of the whole graph its number here, [`Relevant::NONE`] when it is left out.
    facts: Vec<u32>,
    /// For every gate here the one of the whole graph.
    gates: Vec<Gate>,
}

impl Relevant {
    const NONE: u32 = u32::MAX;

    /// Goes back from the goals over everything that could yield them: O(graph).
    #[must_use]
    pub fn new(whole: &RuleGraph, incoming: &Incoming, goals: &[Fact]) -> Self {
        let mut is_in = vec![false; whole.fact_count()];
        let mut stack: Vec<Fact> = goals.to_vec();
        for goal in goals {
            is_in[goal.index()] = true;
        }
        let mut kept: Vec<Gate> = Vec::new();
        while let Some(fact) = stack.pop() {
            for &gate in incoming.of(fact) {
                kept.push(gate);
                for &input in whole.inputs(gate) {
                    if !std::mem::replace(&mut is_in[input.index()], true) {
                        stack.push(input);
                    }
                }
            }
        }
        kept.sort_unstable();
        let mut builder = RuleGraphBuilder::new();
        let mut facts = vec![Self::NONE; whole.fact_count()];
        for fact in whole.facts().filter(|fact| is_in[fact.index()]) {
            facts[fact.index()] = builder.fact(whole.class(fact)).0;
        }
        let here = |fact: Fact| Fact(facts[fact.index()]);
        let mut inputs: Vec<Fact> = Vec::new();
        for &gate in &kept {
            inputs.clear();
            inputs.extend(whole.inputs(gate).iter().map(|&input| here(input)));
            let head = here(whole.head(gate));
            builder.gate(head, whole.need(gate), whole.cost(gate), &inputs);
        }
        Self {
            graph: builder.finish(),
            facts,
            gates: kept,
        }
    }

    /// The number of a fact here, unless it leads to no goal.
    #[must_use]
    pub fn fact(&self, whole: Fact) -> Option<Fact> {
        let here = *self.facts.get(whole.index())?;
        (here != Self::NONE).then_some(Fact(here))
    }

    /// The gate of the whole graph that a gate here is.
    #[must_use]
    pub fn whole_gate(&self, here: Gate) -> Gate {
        self.gates[here.index()]
    }

    /// The number of a gate here, unless it leads to no goal: O(log gates).
    #[must_use]
    pub fn gate(&self, whole: Gate) -> Option<Gate> {
        let at = self.gates.binary_search(&whole).ok()?;
        Some(Gate(at as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Class;

    #[test]
    fn what_leads_nowhere_is_left_out() {
        let mut builder = RuleGraphBuilder::new();
        let (a, b, dead) = (
            builder.fact(Class::Account),
            builder.fact(Class::Account),
            builder.fact(Class::Account),
        );
        let system = builder.fact(Class::System);
        builder.gate(dead, 1, 1, &[a]);
        let grant = builder.gate(system, 2, 0, &[a, b]);
        let whole = builder.finish();
        let relevant = Relevant::new(&whole, &Incoming::new(&whole), &[system]);
        assert_eq!(relevant.fact(dead), None);
        assert_eq!(
            (relevant.graph.fact_count(), relevant.graph.gate_count()),
            (3, 1)
        );
        assert_eq!(relevant.whole_gate(Gate(0)), grant);
        assert_eq!(relevant.gate(grant), Some(Gate(0)));
        assert_eq!(relevant.graph.need(Gate(0)), 2);
    }
}
