//! Why something falls, in every minimal way, and what is missing where it does not.

use std::collections::{BTreeSet, VecDeque};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::compile::Program;
use crate::model::Organisation;
use crate::rules::{Class, Fact, Gate, Incoming, RuleGraph};
use crate::solve::{self, Closure, Proof};

/// Minimal proofs of one fact.
#[derive(Debug, Default)]
pub struct Proofs {
    /// Distinct sets of gates, none of which can be left out, fewest hops first.
    pub proofs: Vec<Proof>,
    /// Whether there may be more than were asked for, or than were looked for.
    pub is_cut: bool,
}

/// Closures that are computed at most, for each proof that is asked for.
const CLOSURES: usize = 200;

/// Up to `limit` minimal proofs of `goal` from what is given, the one of fewest hops first.
///
/// A tree of hitting sets (Reiter, 1987, with the correction of Greiner and others, 1989): every
/// proof that is not known yet avoids at least one gate of each known one, so each gate of a proof is
/// forbidden in its turn and the closure computed again. Each costs O(closure); at most
/// two hundred per proof.
#[must_use]
pub fn proofs(graph: &RuleGraph, given: &[Fact], goal: Fact, limit: usize) -> Proofs {
    let mut found = Proofs::default();
    let mut known: Vec<BTreeSet<Gate>> = Vec::new();
    let mut seen: FxHashSet<Vec<Gate>> = FxHashSet::default();
    let mut open: VecDeque<Vec<Gate>> = VecDeque::from([Vec::new()]);
    let mut closures = 0;
    let mut search = solve::Search::new(graph);
    while let Some(forbidden) = open.pop_front() {
        // A known proof that none of these is part of stands for this branch too.
        let usual = known
            .iter()
            .find(|proof| forbidden.iter().all(|gate| !proof.contains(gate)))
            .cloned();
        let gates = match usual {
            Some(gates) => gates,
            None => {
                closures += 1;
                if closures > limit.saturating_mul(CLOSURES) {
                    found.is_cut = true;
                    break;
                }
                search.forbid(&forbidden);
                search.run(given);
                let proof = search.whole_proof(goal);
                search.allow(&forbidden);
                let Some(proof) = proof else {
                    continue;
                };
                let proof = minimal(graph, given, goal, proof);
                let gates: BTreeSet<Gate> = proof.steps.iter().map(|step| step.gate).collect();
                if !known.contains(&gates) {
                    // One more than asked for, to know whether there is one.
                    if found.proofs.len() == limit {
                        found.is_cut = true;
                        break;
                    }
                    known.push(gates.clone());
                    found.proofs.push(proof);
                }
                gates
            }
        };
        // Each gate of it would be forbidden in its turn.
        if gates.len() > LOOKED_THROUGH {
            found.is_cut = true;
            break;
        }
        for gate in gates {
            let mut more = forbidden.clone();
            more.push(gate);
            more.sort_unstable();
            if seen.insert(more.clone()) {
                open.push_back(more);
            }
        }
    }
    let rank = |proof: &Proof| {
        let hops = proof.steps.last().map_or(0, |step| step.level);
        let gates: Vec<Gate> = proof.steps.iter().map(|step| step.gate).collect();
        (hops, proof.steps.len(), gates)
    };
    found.proofs.sort_by_cached_key(rank);
    found
}

/// Steps beyond which a proof is not looked through for what can be left out, and inputs that its
/// gates may have together: the time is quadratic in the one and linear in the other.
const LOOKED_THROUGH: usize = 400;
const INPUTS: usize = 10_000;

/// The proof without the steps that it does not need: a gate of k among n may use an input that
/// another step has to yield anyway. The number of hops stays what it is.
#[must_use]
pub fn minimal(graph: &RuleGraph, given: &[Fact], goal: Fact, proof: Proof) -> Proof {
    let inputs = proof.steps.iter().map(|step| graph.inputs(step.gate).len());
    if proof.steps.len() > LOOKED_THROUGH || inputs.sum::<usize>() > INPUTS {
        return proof;
    }
    let mut gates: Vec<Gate> = proof.steps.iter().map(|step| step.gate).collect();
    let Some(hops) = Levels::of(graph, given, &gates).get(goal) else {
        return proof;
    };
    let mut at = 0;
    while at < gates.len() {
        let mut fewer = gates.clone();
        fewer.remove(at);
        if Levels::of(graph, given, &fewer).get(goal) == Some(hops) {
            gates = fewer;
        } else {
            at += 1;
        }
    }
    Levels::of(graph, given, &gates).proof(graph, goal, &gates)
}

/// The levels that a few gates give: small enough for rounds over all of them.
struct Levels(FxHashMap<Fact, u32>);

impl Levels {
    fn of(graph: &RuleGraph, given: &[Fact], gates: &[Gate]) -> Self {
        let mut levels: FxHashMap<Fact, u32> = given.iter().map(|&fact| (fact, 0)).collect();
        loop {
            let mut changed = false;
            for &gate in gates {
                let mut inputs: Vec<u32> = graph
                    .inputs(gate)
                    .iter()
                    .filter_map(|input| levels.get(input).copied())
                    .collect();
                inputs.sort_unstable();
                let need = graph.need(gate) as usize;
                let Some(&level) = inputs.get(need - 1) else {
                    continue;
                };
                let level = level + graph.cost(gate);
                let known = levels.entry(graph.head(gate)).or_insert(u32::MAX);
                if level < *known {
                    *known = level;
                    changed = true;
                }
            }
            if !changed {
                return Self(levels);
            }
        }
    }

    fn get(&self, fact: Fact) -> Option<u32> {
        self.0.get(&fact).copied()
    }

    /// The proof that these gates are: inputs before heads, the nearest inputs of each gate.
    fn proof(&self, graph: &RuleGraph, goal: Fact, gates: &[Gate]) -> Proof {
        let by_head: FxHashMap<Fact, Gate> =
            gates.iter().map(|&gate| (graph.head(gate), gate)).collect();
        let mut proof = Proof::default();
        let mut done = FxHashSet::default();
        let mut stack = vec![(goal, None::<(Gate, u32, Vec<u32>)>)];
        while let Some((fact, ready)) = stack.pop() {
            if let Some((gate, level, slots)) = ready {
                proof.add(gate, level, &slots);
                continue;
            }
            let Some(&gate) = by_head.get(&fact).filter(|_| done.insert(fact)) else {
                continue;
            };
            let inputs = graph.inputs(gate);
            let mut slots: Vec<u32> = (0..inputs.len() as u32)
                .filter(|&slot| self.0.contains_key(&inputs[slot as usize]))
                .collect();
            slots.sort_by_key(|&slot| (self.get(inputs[slot as usize]), slot));
            slots.truncate(graph.need(gate) as usize);
            slots.sort_unstable();
            let used: Vec<Fact> = slots.iter().map(|&slot| inputs[slot as usize]).collect();
            let level = self.get(fact).unwrap_or_default();
            stack.push((fact, Some((gate, level, slots))));
            stack.extend(used.into_iter().rev().map(|input| (input, None)));
        }
        proof
    }
}

/// What keeps something from falling.
#[derive(Debug, Default)]
pub struct Misses {
    /// Things of which any one would do, the nearest to the goal first.
    pub any_of: Vec<Fact>,
    /// Gates on the way that hold although something of them is controlled, the nearest first.
    pub held: Vec<Held>,
    /// Whether not everything was looked at.
    pub is_cut: bool,
}

/// A gate that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The gate.
    pub gate: Gate,
    /// Positions of its inputs that are controlled.
    pub has: Vec<u32>,
    /// Positions of those that are not.
    pub lacks: Vec<u32>,
}

/// Facts that are looked at on the way back from the goal.
const LOOKED_AT: usize = 2000;

/// Why `goal` does not fall with what is given: a search back from it over everything that could
/// yield it, O(facts looked at times closure) at most.
#[must_use]
pub fn misses(graph: &RuleGraph, closure: &Closure, given: &[Fact], goal: Fact) -> Misses {
    let mut found = Misses::default();
    let incoming = Incoming::new(graph);
    let mut seen: FxHashSet<Fact> = FxHashSet::from_iter([goal]);
    let mut queue: VecDeque<Fact> = VecDeque::from([goal]);
    let mut candidates: Vec<Fact> = Vec::new();
    while let Some(fact) = queue.pop_front() {
        if seen.len() > LOOKED_AT {
            found.is_cut = true;
            break;
        }
        if fact != goal && can_be_held(graph.class(fact)) {
            candidates.push(fact);
        }
        for &gate in incoming.of(fact) {
            let inputs = graph.inputs(gate);
            let slots = || 0..inputs.len() as u32;
            let has: Vec<u32> = slots()
                .filter(|&slot| closure.contains(inputs[slot as usize]))
                .collect();
            let lacks: Vec<u32> = slots()
                .filter(|&slot| !closure.contains(inputs[slot as usize]))
                .collect();
            for &slot in &lacks {
                let input = inputs[slot as usize];
                if seen.insert(input) {
                    queue.push_back(input);
                }
            }
            if !has.is_empty() {
                found.held.push(Held { gate, has, lacks });
            }
        }
    }
    let mut more = given.to_vec();
    let mut search = solve::Search::new(graph);
    for candidate in candidates {
        more.truncate(given.len());
        more.push(candidate);
        search.run(&more);
        if search.contains(goal) {
            found.any_of.push(candidate);
        }
    }
    found
}

fn can_be_held(class: Class) -> bool {
    matches!(
        class,
        Class::Account
            | Class::Mailbox
            | Class::Phone
            | Class::Device
            | Class::Vault
            | Class::Group
    )
}

/// Who reaches something, and in how many hops.
#[derive(Debug, Default)]
pub struct Exposure {
    /// Positions of identities with the recoveries between, the nearest first.
    pub identities: Vec<(u32, u32)>,
}

/// Every enabled identity in whose closure `goal` is: all closures at once, as a scan finds them.
#[must_use]
pub fn exposure(org: &Organisation, program: &Program, goal: Fact) -> Exposure {
    let graph = program.graph.watching(goal);
    let (seeds, positions): (Vec<Fact>, Vec<u32>) = (0u32..)
        .zip(&org.identities)
        .filter(|(_, identity)| identity.enabled)
        .map(|(at, identity)| (program.atlas.fact(identity.asset), at))
        .filter(|(fact, _)| *fact != goal)
        .unzip();
    let none = vec![0; graph.fact_count()];
    let equal = vec![0; graph.fact_count()];
    let question = solve::Question {
        seeds: &seeds,
        assumed: &program.assumed,
        severity: &none,
        place: &equal,
    };
    let answers = solve::solve(&graph, &question, &|_| {});
    let mut identities: Vec<(u32, u32)> = answers
        .iter()
        .zip(positions)
        .filter_map(|(answer, at)| Some((at, answer.unlocks().first()?.hops)))
        .collect();
    identities.sort_by_key(|(at, hops)| (*hops, *at));
    Exposure { identities }
}
