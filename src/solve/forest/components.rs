//! Facts that follow from each other, by Tarjan's algorithm.

use super::NONE;
use super::edges::Edges;
use crate::rules::Fact;

/// The number that all leaves share as components.
pub(super) const LEAVES: u32 = 0;

/// Strongly connected components of the edges, with how much each reaches.
pub(super) struct Components {
    /// For every fact that follows from a seed by edges, its component; components are numbered
    /// successors first.
    pub(super) of: Vec<u32>,
    /// For every component, an estimate of its closure's size: its own facts and those of its
    /// successors, what two of them share counted twice.
    pub(super) reach: Vec<u64>,
    /// For every component, the fact that the others hang below: the one with the most uses.
    pub(super) root: Vec<u32>,
    /// For every component, whether it has several facts.
    pub(super) is_circle: Vec<bool>,
    /// Every fact that follows from a seed by edges and is no leaf.
    pub(super) walked: Vec<Fact>,
}

impl Components {
    /// Tarjan's algorithm (1972) with its own stack.
    pub(super) fn new(edges: &Edges<'_>, seeds: &[Fact]) -> Self {
        let graph = edges.graph;
        let facts = graph.fact_count();
        let mut found = Self {
            of: vec![NONE; facts],
            reach: vec![1],
            root: vec![NONE],
            is_circle: vec![false],
            walked: Vec::new(),
        };
        // Number of discovery, then the lowest number reachable; 0 is undiscovered.
        let mut low = vec![0u32; facts];
        let mut number = 0u32;
        let mut path: Vec<u32> = Vec::new();
        let mut calls: Vec<(Fact, u32, u32)> = Vec::new();
        for &start in seeds {
            if low[start.index()] != 0 {
                continue;
            }
            if edges.is_leaf(start) {
                found.close_leaf(&mut low, start);
                continue;
            }
            number += 1;
            low[start.index()] = number;
            path.push(start.0);
            calls.push((start, number, 0));
            while let Some((fact, mine, next)) = calls.pop() {
                let last = graph.uses(fact).len();
                let mut at = next as usize;
                let mut descended = false;
                while at <= last {
                    at += 1;
                    let Some(edge) = edges.at(fact, at - 1) else {
                        continue;
                    };
                    let head = edge.to();
                    if low[head.index()] == 0 && edges.is_leaf(head) {
                        found.close_leaf(&mut low, head);
                    } else if low[head.index()] == 0 {
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
                    found.close(edges, &mut path, fact);
                }
            }
        }
        found
    }

    /// Leaves are counted by those who reach them, and else never looked at again.
    fn close_leaf(&mut self, low: &mut [u32], fact: Fact) {
        low[fact.index()] = u32::MAX;
        self.of[fact.index()] = LEAVES;
    }

    /// Takes the component of `first` off the path.
    fn close(&mut self, edges: &Edges<'_>, path: &mut Vec<u32>, first: Fact) {
        let graph = edges.graph;
        let component = self.reach.len() as u32;
        let start = path.iter().rposition(|&fact| fact == first.0).unwrap_or(0);
        let members = &path[start..];
        for &member in members {
            self.of[member as usize] = component;
            self.walked.push(Fact(member));
        }
        let mut reach = members.len() as u64;
        let mut root = first.0;
        for &member in members {
            let member = Fact(member);
            if graph.uses(member).len() > graph.uses(Fact(root)).len() {
                root = member.0;
            }
            for edge in edges.of(member) {
                if edges.is_leaf(edge.to()) {
                    reach += 1;
                    continue;
                }
                let other = self.of[edge.to().index()];
                if other != component && other != NONE {
                    reach = reach.saturating_add(self.reach[other as usize]);
                }
            }
        }
        self.is_circle.push(members.len() > 1);
        path.truncate(start);
        self.reach.push(reach.min(graph.fact_count() as u64));
        self.root.push(root);
    }
}
