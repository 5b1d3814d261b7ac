//! One proof of a fact, read off the keys and the chosen gates of a closure.

use super::Key;
use crate::rules::{Fact, Gate, RuleGraph};

/// A closure that proofs can be read from.
pub(super) trait Derived {
    /// The key of a fact, [`Key::NEVER`] when it is not in the closure.
    fn key(&self, fact: Fact) -> Key;
    /// The chosen gate of a fact; none when it was given or is not in the closure.
    fn why(&self, fact: Fact) -> Option<Gate>;
    /// The chosen gate of a fact and its level, nothing when it was given or is not in the closure; adds the
    /// inputs that a proof takes as places among the gate's, ascending.
    fn choose(
        &self,
        graph: &RuleGraph,
        fact: Fact,
        scratch: &mut Scratch,
        slots: &mut Vec<u32>,
    ) -> Option<(Gate, u32)> {
        choose(graph, self, fact, scratch, slots)
    }
}

/// Room that is used again for every step of a proof.
pub(super) type Scratch = Vec<(Key, u32)>;

/// A derivation: every step's inputs are given or are heads of earlier steps. There is one for every seed
/// that unlocks something, so it is kept in two pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// The steps, inputs before heads; the last one yields the fact that was asked for. Empty when
    /// that fact was given.
    pub steps: Vec<ProofStep>,
    /// The slots of all steps, in their order.
    slots: Vec<u32>,
    /// How many steps are left out in the middle of a very long proof, after the first
    /// [`Proof::KEPT`] of `steps`: an organisation of long chains would fill any memory with them.
    pub omitted: u32,
}

impl Proof {
    /// Steps of a proof that are kept at either end.
    pub const KEPT: usize = 100;

    /// A proof without steps so far, with room for so many.
    #[must_use]
    pub fn with_room(steps: usize, slots: usize) -> Self {
        Self {
            steps: Vec::with_capacity(steps),
            slots: Vec::with_capacity(slots),
            omitted: 0,
        }
    }

    /// A proof of so many steps, its middle left out where they are very many: `step` gives the gate, level
    /// and slots at a place.
    pub(super) fn kept<'s>(count: usize, step: impl Fn(usize) -> (Gate, u32, &'s [u32])) -> Self {
        let omitted = count.saturating_sub(2 * Self::KEPT);
        let middle = if omitted > 0 { Self::KEPT } else { count };
        let places = (0..middle).chain(middle + omitted..count);
        let steps: Vec<_> = places.map(step).collect();
        let slots = steps.iter().map(|(.., slots)| slots.len()).sum();
        let mut proof = Self::with_room(steps.len(), slots);
        proof.omitted = omitted as u32;
        for (gate, level, slots) in steps {
            proof.add(gate, level, slots);
        }
        proof
    }

    /// Adds a step behind those that yield its inputs.
    pub fn add(&mut self, gate: Gate, level: u32, slots: &[u32]) {
        self.steps.push(ProofStep {
            gate,
            level,
            first: self.slots.len() as u32,
            count: slots.len() as u32,
        });
        self.slots.extend_from_slice(slots);
    }

    /// Which of the gate's inputs a step of this proof uses, as positions among its inputs: exactly `need`
    /// of them, those with the smallest keys.
    #[must_use]
    pub fn slots(&self, step: &ProofStep) -> &[u32] {
        let first = step.first as usize;
        &self.slots[first..first + step.count as usize]
    }
}

/// One gate that fires in a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofStep {
    /// The gate.
    pub gate: Gate,
    /// Recoveries on the longest branch up to and including this step.
    pub level: u32,
    /// Where its slots stand among those of the proof.
    first: u32,
    count: u32,
}

/// The chosen proof of `goal`, its middle left out where it is very long.
pub(super) fn prove(graph: &RuleGraph, derived: &impl Derived, goal: Fact) -> Option<Proof> {
    Prover::default().prove(graph, derived, goal)
}

/// The same with every step.
pub(super) fn prove_whole(graph: &RuleGraph, derived: &impl Derived, goal: Fact) -> Option<Proof> {
    let mut prover = Prover::default();
    let found = prover.find(graph, derived, goal)?;
    let mut proof = Proof::with_room(found.count(), found.slots.len());
    for step in &found.steps {
        proof.add(step.gate, step.level, found.slots(step));
    }
    Some(proof)
}

/// Finds proofs, one after the other in the same memory.
#[derive(Default)]
pub(super) struct Prover {
    found: Found,
    /// Facts that are still to be proved, and steps that stand behind those that yield their inputs.
    stack: Vec<(Fact, Option<FoundStep>)>,
    visited: Visited,
    scratch: Scratch,
}

impl Prover {
    /// The chosen proof of `goal`, its middle left out where it is very long.
    pub(super) fn prove(
        &mut self,
        graph: &RuleGraph,
        derived: &impl Derived,
        goal: Fact,
    ) -> Option<Proof> {
        Some(self.find(graph, derived, goal)?.kept())
    }

    /// The whole proof of `goal`: O(the steps and their gates' inputs).
    pub(super) fn find(
        &mut self,
        graph: &RuleGraph,
        derived: &impl Derived,
        goal: Fact,
    ) -> Option<&Found> {
        derived.key(goal).level()?;
        let Self {
            found,
            stack,
            visited,
            scratch,
        } = self;
        found.steps.clear();
        found.slots.clear();
        visited.clear();
        // An explicit stack: a chain may be ten thousand steps deep. The second visit emits the step.
        stack.clear();
        stack.push((goal, None));
        while let Some((fact, ready)) = stack.pop() {
            if let Some(step) = ready {
                found.steps.push(step);
                continue;
            }
            if !visited.insert(fact, graph.fact_count()) {
                continue;
            }
            let first = found.slots.len();
            let chosen = derived.choose(graph, fact, scratch, &mut found.slots);
            let Some((gate, level)) = chosen else {
                continue;
            };
            let end = found.slots.len();
            let step = FoundStep {
                gate,
                level,
                first,
                end,
            };
            stack.push((fact, Some(step)));
            let inputs = graph.inputs(gate);
            let slots = found.slots[first..].iter().rev();
            stack.extend(slots.map(|&slot| (inputs[slot as usize], None)));
        }
        Some(found)
    }
}

/// The steps of a proof, in their order, and the slots of all of them in the order in which they were
/// found.
#[derive(Default)]
pub(super) struct Found {
    steps: Vec<FoundStep>,
    slots: Vec<u32>,
}

#[derive(Clone, Copy)]
struct FoundStep {
    gate: Gate,
    level: u32,
    first: usize,
    end: usize,
}

impl Found {
    /// How many steps there are.
    pub(super) fn count(&self) -> usize {
        self.steps.len()
    }

    /// The gates and slots of all steps, in their order.
    pub(super) fn steps(&self) -> impl DoubleEndedIterator<Item = (Gate, &[u32])> {
        self.steps.iter().map(|step| (step.gate, self.slots(step)))
    }

    /// The proof, its middle left out where it is very long.
    pub(super) fn kept(&self) -> Proof {
        Proof::kept(self.count(), |at| {
            let step = &self.steps[at];
            (step.gate, step.level, self.slots(step))
        })
    }

    fn slots(&self, step: &FoundStep) -> &[u32] {
        &self.slots[step.first..step.end]
    }
}

/// Facts that were visited: as a rule few, which are looked through one by one.
#[derive(Default)]
struct Visited {
    facts: Vec<Fact>,
    /// A bit for each of them among all facts, when there are more than [`FEW`].
    bits: Vec<u64>,
}

/// Facts that are looked through one by one.
const FEW: usize = if cfg!(test) { 2 } else { 32 };

impl Visited {
    fn clear(&mut self) {
        if self.facts.len() > FEW {
            for fact in &self.facts {
                self.bits[fact.index() / 64] = 0;
            }
        }
        self.facts.clear();
    }

    /// Whether a fact, one of so many, is new.
    fn insert(&mut self, fact: Fact, count: usize) -> bool {
        let is_new = if self.facts.len() <= FEW {
            !self.facts.contains(&fact)
        } else {
            self.mark(fact)
        };
        if is_new {
            self.facts.push(fact);
            if self.facts.len() == FEW + 1 {
                self.bits.resize(count.div_ceil(64), 0);
                for at in 0..self.facts.len() {
                    self.mark(self.facts[at]);
                }
            }
        }
        is_new
    }

    /// Sets the bit of a fact; says whether it was not set.
    fn mark(&mut self, fact: Fact) -> bool {
        let (word, bit) = (&mut self.bits[fact.index() / 64], 1 << (fact.index() % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

/// The gate that was chosen for a fact and its level, and of its inputs those with the smallest keys, as many
/// as it needs.
pub(super) fn choose(
    graph: &RuleGraph,
    derived: &(impl Derived + ?Sized),
    fact: Fact,
    scratch: &mut Scratch,
    slots: &mut Vec<u32>,
) -> Option<(Gate, u32)> {
    let gate = derived.why(fact)?;
    let level = derived.key(fact).level().unwrap_or_default();
    choose_slots(graph, gate, |input| derived.key(input), scratch, slots);
    Some((gate, level))
}

/// Adds the places of a gate's inputs with the smallest keys, as many as it needs, ascending.
pub(super) fn choose_slots(
    graph: &RuleGraph,
    gate: Gate,
    key: impl Fn(Fact) -> Key,
    scratch: &mut Scratch,
    slots: &mut Vec<u32>,
) {
    let (inputs, need) = (graph.inputs(gate), graph.need(gate) as usize);
    if inputs.len() == need {
        slots.extend(0..need as u32);
        return;
    }
    scratch.clear();
    scratch.extend(inputs.iter().map(|&input| key(input)).zip(0..));
    if need < scratch.len() {
        scratch.select_nth_unstable(need);
        scratch.truncate(need);
    }
    let first = slots.len();
    slots.extend(scratch.iter().map(|(_, slot)| *slot));
    slots[first..].sort_unstable();
}
