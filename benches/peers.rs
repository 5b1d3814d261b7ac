//! The solver against what else there is, on the same generated organisation: `cargo bench --bench
//! peers`.
//!
//! petgraph answers an easier question: every gate is read as OR, so that its search can follow it,
//! and it gives neither hops nor proofs. ascent (Datalog) is asked for the exact closures: gates of
//! one input, and of two inputs or two of three as pairs; it materialises every (seed, fact) pair.
//! Times are of the solve stage alone: the solver's on all threads that the process may use, the peers'
//! on one, as they come.
//!
//! The solver and a peer take turns; shown are the medians of the times and of the ratios of turns.
//! The solver's first call is the dearest, as all its memory is new to the process then.
//!
//! `LINCHPIN_BENCH_N` (default 100000) is the number of identities, `LINCHPIN_BENCH_TURNS` (3) that
//! of turns, `LINCHPIN_BENCH_ONLY` a part of the names of the peers to run.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on should stop, and prints its result"
)]

mod support;

use std::time::Instant;

use ascent::ascent;
use linchpin::generate::Shape;
use linchpin::rules::{Class, Fact, RuleGraph};
use linchpin::solve::solve;
use petgraph::algo::condensation;
use petgraph::csr::Csr;
use petgraph::graph::DiGraph;
use petgraph::visit::{Dfs, VisitMap, Visitable};
use support::{Asked, middle, number, only, organisation};

fn main() {
    let n = number("LINCHPIN_BENCH_N", 100_000);
    let only = only();
    let graph = organisation(&Shape::new(n, 1));
    let asked = Asked::of(&graph);
    let seeds = &asked.seeds;
    let mut peers: Vec<(&str, Peer)> = vec![
        ("petgraph Csr, search per seed, OR-relaxed", csr),
        ("ascent, exact closures", datalog),
    ];
    if n <= 20_000 {
        peers.push(("petgraph condensation and bitsets, OR-relaxed", condensed));
    }
    peers.retain(|(name, _)| name.contains(&only));
    let mut solver = Vec::new();
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); peers.len()];
    let mut ratios = times.clone();
    for turn in 0..number("LINCHPIN_BENCH_TURNS", 3) {
        for (at, (name, peer)) in peers.iter().enumerate() {
            // Right before each peer: the machine may be faster or slower a minute later.
            let begin = Instant::now();
            let answers = solve(&graph, &asked.question(seeds), &|_| {});
            let own = begin.elapsed().as_secs_f64();
            let systems: usize = answers.iter().map(|answer| answer.unlocks().len()).sum();
            let accounts: u64 = answers
                .iter()
                .map(|answer| u64::from(answer.accounts))
                .sum();
            drop(answers);
            if (turn, at) == (0, 0) {
                println!("{n} identities: {systems} pairs unlocked, {accounts} accounts reached");
            }
            let begin = Instant::now();
            let found = peer(&graph, seeds);
            let time = begin.elapsed().as_secs_f64();
            println!(
                "turn {turn}: {name:<46} {time:>8.3} s to {own:.4} s: {:>6.1} x",
                time / own
            );
            if name.contains("exact") {
                assert_eq!(found, (systems, accounts), "{name} says otherwise");
            } else {
                // With AND read as OR nothing is missed, and much is too much.
                assert!(found.0 >= systems && found.1 >= accounts);
            }
            solver.push(own);
            times[at].push(time);
            ratios[at].push(time / own);
        }
    }
    println!("medians:");
    println!(
        "{:<46} {:>9.3} s",
        "linchpin, exact, with hops and proofs",
        middle(&mut solver)
    );
    for ((name, _), (times, ratios)) in peers.iter().zip(times.iter_mut().zip(&mut ratios)) {
        println!(
            "{name:<46} {:>9.3} s {:>8.1} x",
            middle(times),
            middle(ratios)
        );
    }
}

/// Systems and accounts that all seeds together reach.
type Peer = fn(&RuleGraph, &[Fact]) -> (usize, u64);

/// Every input yields the head: what a plain digraph can say.
fn relaxed(graph: &RuleGraph) -> Vec<(u32, u32)> {
    let edges = graph.gates().flat_map(|gate| {
        let head = graph.head(gate).0;
        graph.inputs(gate).iter().map(move |input| (input.0, head))
    });
    let mut edges: Vec<_> = edges.collect();
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// Systems and accounts among the facts, the seed not counted.
fn count(graph: &RuleGraph, seed: Fact, fact: Fact, found: &mut (usize, u64)) {
    match graph.class(fact) {
        _ if fact == seed => {}
        Class::System => found.0 += 1,
        Class::Account => found.1 += 1,
        _ => {}
    }
}

fn csr(graph: &RuleGraph, seeds: &[Fact]) -> (usize, u64) {
    let mut digraph: Csr<(), ()> = Csr::from_sorted_edges(&relaxed(graph)).unwrap();
    while digraph.node_count() < graph.fact_count() {
        digraph.add_node(());
    }
    let mut found = (0, 0);
    let mut dfs = Dfs::from_parts(Vec::new(), digraph.visit_map());
    for &seed in seeds {
        let mut reached = Vec::new();
        dfs.move_to(seed.0);
        while let Some(fact) = dfs.next(&digraph) {
            reached.push(fact);
            count(graph, seed, Fact(fact), &mut found);
        }
        // Only what was visited is forgotten: clearing the map would cost more than the search.
        for fact in reached {
            dfs.discovered.unvisit(fact as usize);
        }
    }
    found
}

fn condensed(graph: &RuleGraph, seeds: &[Fact]) -> (usize, u64) {
    let mut digraph: DiGraph<u32, ()> = DiGraph::new();
    let nodes: Vec<_> = graph.facts().map(|fact| digraph.add_node(fact.0)).collect();
    for (from, to) in relaxed(graph) {
        digraph.add_edge(nodes[from as usize], nodes[to as usize], ());
    }
    let components = condensation(digraph, true);
    // Components come successors first; each has the union of its successors' bits.
    let words = graph.fact_count().div_ceil(64);
    let mut of = vec![0; graph.fact_count()];
    let mut reach: Vec<Vec<u64>> = vec![Vec::new(); components.node_count()];
    for component in components.node_indices() {
        let mut bits = vec![0u64; words];
        for &fact in &components[component] {
            of[fact as usize] = component.index();
            bits[fact as usize / 64] |= 1 << (fact % 64);
        }
        for next in components.neighbors(component) {
            for (bits, next) in bits.iter_mut().zip(&reach[next.index()]) {
                *bits |= next;
            }
        }
        reach[component.index()] = bits;
    }
    let mut found = (0, 0);
    for &seed in seeds {
        for (word, &bits) in reach[of[seed.index()]].iter().enumerate() {
            let mut rest = bits;
            while rest != 0 {
                let fact = Fact((word * 64) as u32 + rest.trailing_zeros());
                count(graph, seed, fact, &mut found);
                rest &= rest - 1;
            }
        }
    }
    found
}

ascent! {
    struct Closures;
    relation seed(u32);
    relation single(u32, u32);
    relation pair(u32, u32, u32);
    relation holds(u32, u32);
    holds(s, s) <-- seed(s);
    holds(s, head) <-- holds(s, input), single(input, head);
    holds(s, head) <-- holds(s, one), pair(one, other, head), holds(s, other);
}

fn datalog(graph: &RuleGraph, seeds: &[Fact]) -> (usize, u64) {
    let mut program = Closures {
        seed: seeds.iter().map(|seed| (seed.0,)).collect(),
        ..Closures::default()
    };
    for gate in graph.gates() {
        let (head, need, inputs) = (graph.head(gate).0, graph.need(gate), graph.inputs(gate));
        match need {
            1 => program
                .single
                .extend(inputs.iter().map(|input| (input.0, head))),
            2 => {
                for (at, one) in inputs.iter().enumerate() {
                    let others = inputs.iter().enumerate().filter(|(other, _)| *other != at);
                    program
                        .pair
                        .extend(others.map(|(_, other)| (one.0, other.0, head)));
                }
            }
            // The generated organisation has no others that could ever fire.
            _ => assert!(
                inputs.len() < need as usize,
                "a gate of {need} of {inputs:?}"
            ),
        }
    }
    program.run();
    let mut found = (0, 0);
    for (seed, fact) in program.holds {
        count(graph, Fact(seed), Fact(fact), &mut found);
    }
    found
}
