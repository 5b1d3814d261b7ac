//! One proof of a fact, read off the keys and the chosen gates of a closure.

use super::Key;
use super::marks::Marks;
use crate::rules::{Fact, Gate, RuleGraph};

/// A closure that proofs can be read from.
pub(super) trait Derived {
    /// The key of a fact, [`Key::NEVER`] when it is not in the closure.
    fn key(&self, fact: Fact) -> Key;
    /// The chosen gate of a fact; none when it was given or is not in the closure.
    fn why(&self, fact: Fact) -> Option<Gate>;
    /// The chosen gate of a fact and its level, nothing when it was given or is not in the closure; adds the
    /// inputs that a proof takes as places among the gate's, ascending.
    fn choose(&self, graph: &RuleGraph, fact: Fact, slots: &mut Slots) -> Option<(Gate, u32)> {
        choose(graph, self, fact, slots)
    }
}

/// The inputs that the steps of a proof take, as places among those of their gates, in the order in which
/// the steps were found.
#[derive(Default)]
pub(super) struct Slots {
    pub(super) all: Vec<u32>,
    /// The keys of one gate's inputs, while they are chosen from.
    keys: Vec<(Key, u32)>,
}

impl Slots {
    /// Adds the places of a gate's inputs with the smallest keys, as many as it needs, ascending.
    pub(super) fn choose(&mut self, graph: &RuleGraph, gate: Gate, key: impl Fn(Fact) -> Key) {
        let (inputs, need) = (graph.inputs(gate), graph.need(gate) as usize);
        if inputs.len() == need {
            self.all.extend(0..need as u32);
            return;
        }
        self.keys.clear();
        self.keys
            .extend(inputs.iter().map(|&input| key(input)).zip(0..));
        if need < self.keys.len() {
            self.keys.select_nth_unstable(need);
            self.keys.truncate(need);
        }
        let first = self.all.len();
        self.all.extend(self.keys.iter().map(|(_, slot)| *slot));
        self.all[first..].sort_unstable();
    }
}

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
    let mut proof = Proof::with_room(found.count(), found.slots.all.len());
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
        } = self;
        found.steps.clear();
        found.slots.all.clear();
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
            let first = found.slots.all.len();
            let chosen = derived.choose(graph, fact, &mut found.slots);
            let Some((gate, level)) = chosen else {
                continue;
            };
            let end = found.slots.all.len();
            let step = FoundStep {
                gate,
                level,
                first,
                end,
            };
            stack.push((fact, Some(step)));
            let inputs = graph.inputs(gate);
            let slots = found.slots.all[first..].iter().rev();
            stack.extend(slots.map(|&slot| (inputs[slot as usize], None)));
        }
        Some(found)
    }
}

/// The steps of a proof, in their order.
#[derive(Default)]
pub(super) struct Found {
    steps: Vec<FoundStep>,
    slots: Slots,
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
        &self.slots.all[step.first..step.end]
    }
}

/// Facts that were visited: as a rule few, which are looked through one by one.
#[derive(Default)]
struct Visited {
    few: Vec<Fact>,
    /// All of them when there are more.
    many: Marks,
}

impl Visited {
    fn clear(&mut self) {
        self.few.clear();
        self.many.clear();
    }

    /// Whether a fact, one of so many, is new.
    fn insert(&mut self, fact: Fact, count: usize) -> bool {
        const FEW: usize = if cfg!(test) { 2 } else { 32 };
        if self.few.len() == FEW {
            return self.many.insert(fact.index());
        }
        let is_new = !self.few.contains(&fact);
        if is_new {
            self.few.push(fact);
            if self.few.len() == FEW {
                self.many.make_room(count);
                for fact in &self.few {
                    self.many.insert(fact.index());
                }
            }
        }
        is_new
    }
}

/// The gate that was chosen for a fact and its level, and of its inputs those with the smallest keys, as many
/// as it needs.
pub(super) fn choose(
    graph: &RuleGraph,
    derived: &(impl Derived + ?Sized),
    fact: Fact,
    slots: &mut Slots,
) -> Option<(Gate, u32)> {
    let gate = derived.why(fact)?;
    let level = derived.key(fact).level().unwrap_or_default();
    slots.choose(graph, gate, |input| derived.key(input));
    Some((gate, level))
}
