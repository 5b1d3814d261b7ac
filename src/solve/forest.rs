//! In which order the seeds are solved: a forest in which every fact's parent follows from it alone.
//!
//! If a gate `p <- 1 of {i}` is there, the closure of `i` holds that of `p`, so what is known of `p`
//! need not be found again for `i`. Of the facts that follow from `i` alone, the parent is the one
//! with the largest closure, as far as one can tell cheaply. Facts that follow from each other share
//! their closure; they hang below one of them along the shortest way.
//!
//! Source: "closure(i) contains closure(p)" is Tarjan's condensation used as a schedule; the tree of
//! single-input gates with one running state is this project's. Cost: O(facts + gates).

use crate::rules::{Fact, Gate, RuleGraph};

/// No fact, no gate.
const NONE: u32 = u32::MAX;

/// A forest over the seeds and all that lies between them and their roots.
pub(super) struct Forest {
    /// For every fact, its parent and the gate that leads there; [`NONE`] for roots.
    parents: Vec<(u32, u32)>,
    /// Every fact of the forest, parents before children and children together.
    order: Vec<Fact>,
}

impl Forest {
    /// The forest over `seeds`.
    pub(super) fn new(graph: &RuleGraph, seeds: &[Fact]) -> Self {
        let components = Components::new(graph);
        let parents = parents(graph, &components);
        let order = preorder(graph, &parents, seeds);
        Self { parents, order }
    }

    /// Every fact of the forest, parents before children and children together.
    pub(super) fn order(&self) -> &[Fact] {
        &self.order
    }

    /// The parent of a fact, and the gate that yields it from that fact.
    pub(super) fn parent(&self, fact: Fact) -> Option<(Fact, Gate)> {
        let (parent, gate) = self.parents[fact.index()];
        (parent != NONE).then_some((Fact(parent), Gate(gate)))
    }
}

/// The facts that follow from a fact alone by one gate.
fn successors(graph: &RuleGraph, fact: Fact) -> impl Iterator<Item = (Fact, Gate)> {
    let gates = graph.uses(fact).iter().copied();
    gates
        .filter(|&gate| graph.need(gate) == 1)
        .map(|gate| (graph.head(gate), gate))
}

/// Strongly connected components of the single-input gates, with how much each reaches.
struct Components {
    /// For every fact, its component; components are numbered successors first.
    of: Vec<u32>,
    /// For every component, an estimate of its closure's size: its own facts and those of its
    /// successors, what two of them share counted twice.
    reach: Vec<u64>,
    /// For every component, the fact that the others hang below: the one with the most uses.
    root: Vec<u32>,
}

impl Components {
    /// Tarjan's algorithm (1972) with its own stack.
    fn new(graph: &RuleGraph) -> Self {
        let facts = graph.fact_count();
        let mut found = Self {
            of: vec![NONE; facts],
            reach: Vec::new(),
            root: Vec::new(),
        };
        // Number of discovery, then the lowest number reachable; 0 is undiscovered.
        let mut low = vec![0u32; facts];
        let mut number = 0u32;
        let mut path: Vec<u32> = Vec::new();
        let mut calls: Vec<(Fact, u32, u32)> = Vec::new();
        for start in graph.facts() {
            if low[start.index()] != 0 {
                continue;
            }
            number += 1;
            low[start.index()] = number;
            path.push(start.0);
            calls.push((start, number, 0));
            while let Some((fact, mine, next)) = calls.pop() {
                let uses = graph.uses(fact);
                let mut at = next as usize;
                let mut descended = false;
                while let Some(&gate) = uses.get(at) {
                    at += 1;
                    if graph.need(gate) != 1 {
                        continue;
                    }
                    let head = graph.head(gate);
                    if low[head.index()] == 0 {
                        calls.push((fact, mine, at as u32 - 1));
                        number += 1;
                        low[head.index()] = number;
                        path.push(head.0);
                        calls.push((head, number, 0));
                        descended = true;
                        break;
                    }
                    if found.of[head.index()] == NONE {
                        low[fact.index()] = low[fact.index()].min(low[head.index()]);
                    }
                }
                if !descended && low[fact.index()] == mine {
                    found.close(graph, &mut path, fact);
                }
            }
        }
        found
    }

    /// Takes the component of `first` off the path.
    fn close(&mut self, graph: &RuleGraph, path: &mut Vec<u32>, first: Fact) {
        let component = self.reach.len() as u32;
        let start = path.iter().rposition(|&fact| fact == first.0).unwrap_or(0);
        let members = &path[start..];
        for &member in members {
            self.of[member as usize] = component;
        }
        let mut reach = members.len() as u64;
        let mut root = first.0;
        for &member in members {
            let member = Fact(member);
            if graph.uses(member).len() > graph.uses(Fact(root)).len() {
                root = member.0;
            }
            for (head, _) in successors(graph, member) {
                let other = self.of[head.index()];
                if other != component && other != NONE {
                    reach = reach.saturating_add(self.reach[other as usize]);
                }
            }
        }
        path.truncate(start);
        self.reach.push(reach.min(graph.fact_count() as u64));
        self.root.push(root);
    }
}

/// Every fact's parent: within its component one step nearer to the component's root, and for a root
/// the successor that reaches most.
fn parents(graph: &RuleGraph, components: &Components) -> Vec<(u32, u32)> {
    let mut parents = vec![(NONE, NONE); graph.fact_count()];
    for fact in graph.facts() {
        let own = components.of[fact.index()];
        if components.root[own as usize] != fact.0 {
            continue;
        }
        let best = successors(graph, fact)
            .filter(|(head, _)| components.of[head.index()] != own)
            // Nothing grows out of a fact from which nothing follows.
            .filter(|(head, _)| !graph.uses(*head).is_empty())
            .max_by_key(|&(head, gate)| {
                let reach = components.reach[components.of[head.index()] as usize];
                (reach, std::cmp::Reverse(gate))
            });
        if let Some((head, gate)) = best {
            parents[fact.index()] = (head.0, gate.0);
        }
    }
    // Members hang along the fewest gates: breadth first from the roots against the gates. The
    // gates into a fact are not indexed, so the components of more than one fact are turned round
    // here.
    let mut incoming: Vec<(u32, u32, u32)> = Vec::new();
    for fact in graph.facts() {
        let own = components.of[fact.index()];
        for (head, gate) in successors(graph, fact) {
            if components.of[head.index()] == own && head != fact {
                incoming.push((head.0, fact.0, gate.0));
            }
        }
    }
    incoming.sort_unstable();
    let mut queue: Vec<u32> = components.root.clone();
    let mut at = 0;
    while let Some(&head) = queue.get(at) {
        at += 1;
        let first = incoming.partition_point(|&(to, ..)| to < head);
        for &(to, fact, gate) in &incoming[first..] {
            if to != head {
                break;
            }
            let own = components.of[fact as usize];
            let is_root = components.root[own as usize] == fact;
            if !is_root && parents[fact as usize].0 == NONE {
                parents[fact as usize] = (head, gate);
                queue.push(fact);
            }
        }
    }
    parents
}

/// The seeds and their ancestors, in the order of a walk from the roots.
fn preorder(graph: &RuleGraph, parents: &[(u32, u32)], seeds: &[Fact]) -> Vec<Fact> {
    let facts = graph.fact_count();
    let mut wanted = vec![false; facts];
    let mut count = 0;
    for &seed in seeds {
        let mut fact = seed.0;
        while fact != NONE && !wanted[fact as usize] {
            wanted[fact as usize] = true;
            count += 1;
            fact = parents[fact as usize].0;
        }
    }
    // Children by parent: a counting sort.
    let mut starts = vec![0u32; facts + 1];
    let children = || (0..facts as u32).filter(|&fact| wanted[fact as usize]);
    for fact in children() {
        let parent = parents[fact as usize].0;
        if parent != NONE {
            starts[parent as usize + 1] += 1;
        }
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut next = starts.clone();
    let mut below = vec![0u32; starts[facts] as usize];
    let mut order = Vec::with_capacity(count);
    let mut stack = Vec::new();
    for fact in children() {
        let parent = parents[fact as usize].0;
        if parent == NONE {
            stack.push(fact);
        } else {
            let slot = &mut next[parent as usize];
            below[*slot as usize] = fact;
            *slot += 1;
        }
    }
    stack.reverse();
    while let Some(fact) = stack.pop() {
        order.push(Fact(fact));
        let (from, to) = (starts[fact as usize], starts[fact as usize + 1]);
        stack.extend(below[from as usize..to as usize].iter().rev());
    }
    order
}
