//! One proof of a fact, read off the keys and the chosen gates of a closure.

use rustc_hash::FxHashSet;

use super::Key;
use crate::rules::{Fact, Gate, RuleGraph};

/// A closure that proofs can be read from.
pub(super) trait Derived {
    /// The key of a fact, [`Key::NEVER`] when it is not in the closure.
    fn key(&self, fact: Fact) -> Key;
    /// The chosen gate of a fact; none when it was given or is not in the closure.
    fn why(&self, fact: Fact) -> Option<Gate>;
}

/// A derivation: every step's inputs are given or are heads of earlier steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// The steps, inputs before heads; the last one yields the fact that was asked for. Empty when
    /// that fact was given.
    pub steps: Vec<ProofStep>,
    /// How many steps are left out in the middle of a very long proof, after the first
    /// [`Proof::KEPT`] of `steps`: an organisation of long chains would fill any memory with them.
    pub omitted: u32,
}

impl Proof {
    /// Steps of a proof that are kept at either end.
    pub const KEPT: usize = 100;

    fn new(mut steps: Vec<ProofStep>) -> Self {
        let omitted = steps.len().saturating_sub(2 * Self::KEPT);
        if omitted > 0 {
            steps.drain(Self::KEPT..Self::KEPT + omitted);
            steps.shrink_to_fit();
        }
        Self {
            steps,
            omitted: omitted as u32,
        }
    }
}

/// One gate that fires in a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofStep {
    /// The gate.
    pub gate: Gate,
    /// Recoveries on the longest branch up to and including this step.
    pub level: u32,
    /// Which of the gate's inputs are used, as positions among its inputs: exactly `need` of them,
    /// those with the smallest keys.
    pub slots: Vec<u32>,
}

/// The chosen proof of `goal`, its middle left out where it is very long.
pub(super) fn prove(graph: &RuleGraph, derived: &impl Derived, goal: Fact) -> Option<Proof> {
    steps(graph, derived, goal).map(Proof::new)
}

/// The steps of the chosen proof of `goal`: O(they and their gates' inputs).
pub(super) fn steps(
    graph: &RuleGraph,
    derived: &impl Derived,
    goal: Fact,
) -> Option<Vec<ProofStep>> {
    derived.key(goal).level()?;
    let mut done = FxHashSet::default();
    let mut steps = Vec::new();
    // An explicit stack: a chain may be ten thousand steps deep. The second visit emits the step.
    let mut stack = vec![(goal, None)];
    while let Some((fact, ready)) = stack.pop() {
        if let Some(step) = ready {
            steps.push(step);
            continue;
        }
        if !done.insert(fact) {
            continue;
        }
        let Some(gate) = derived.why(fact) else {
            continue;
        };
        let slots = chosen_slots(graph, derived, gate);
        let inputs: Vec<Fact> = slots
            .iter()
            .map(|&slot| graph.inputs(gate)[slot as usize])
            .collect();
        let level = derived.key(fact).level().unwrap_or_default();
        stack.push((fact, Some(ProofStep { gate, level, slots })));
        stack.extend(inputs.into_iter().rev().map(|input| (input, None)));
    }
    Some(steps)
}

fn chosen_slots(graph: &RuleGraph, derived: &impl Derived, gate: Gate) -> Vec<u32> {
    let need = graph.need(gate) as usize;
    let mut slots: Vec<u32> = (0..graph.inputs(gate).len() as u32).collect();
    if slots.len() == need {
        return slots;
    }
    slots.sort_by_cached_key(|&slot| (derived.key(graph.inputs(gate)[slot as usize]), slot));
    slots.truncate(need);
    slots.sort_unstable();
    slots
}
