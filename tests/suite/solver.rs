//! The fast solver against a search per seed, answer by answer and proof by proof.

use linchpin::rules::{Class, Fact, RuleGraph, RuleGraphBuilder};
use linchpin::solve::{
    Effort, Question, solve, solve_by_search, solve_in_lanes, solve_in_lanes_from_ahead, solve_with,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::runner;

/// A gate as drawn: head, need, whether it is a recovery, inputs.
type Drawn = (usize, u32, bool, Vec<usize>);

const CLASSES: [Class; 8] = [
    Class::Account,
    Class::Password,
    Class::Mailbox,
    Class::Group,
    Class::System,
    Class::Helper,
    Class::Account,
    Class::Phone,
];

/// Graphs of `facts` facts: mostly edges, some gates of several inputs, few wide ones.
fn graphs(facts: usize, gates: usize, widest: usize) -> impl Strategy<Value = (usize, Vec<Drawn>)> {
    let inputs = prop_oneof![
        6 => vec(0..facts, 1),
        4 => vec(0..facts, 2..4),
        1 => vec(0..facts, 2..widest + 3),
    ];
    let gate = (0..facts, 1u32..4, any::<bool>(), inputs);
    vec(gate, 0..gates).prop_map(move |gates| (facts, gates))
}

fn build(facts: usize, gates: &[Drawn]) -> RuleGraph {
    let mut builder = RuleGraphBuilder::new();
    let facts: Vec<Fact> = (0..facts)
        .map(|at| builder.fact(CLASSES[at % CLASSES.len()]))
        .collect();
    for (head, need, recovery, inputs) in gates {
        let inputs: Vec<Fact> = inputs.iter().map(|&at| facts[at]).collect();
        // Wide gates ask for many, and a few for more than there are.
        let need = if inputs.len() > 8 && *need < 4 {
            need * inputs.len() as u32 / 4
        } else {
            *need
        };
        builder.gate(facts[*head], need, u32::from(*recovery), &inputs);
    }
    builder.finish()
}

fn agree(facts: usize, gates: &[Drawn]) -> Result<(), TestCaseError> {
    let graph = build(facts, gates);
    let severity: Vec<u8> = (0..facts).map(|at| (at / 8 % 3) as u8).collect();
    let place: Vec<u32> = (0..facts as u32).rev().collect();
    // Every fact, some of them twice and in another order.
    let all: Vec<Fact> = (0..facts as u32)
        .chain((0..facts as u32).rev().step_by(3))
        .map(Fact)
        .collect();
    // So few that most of what lies on their ways is none of them.
    let few: Vec<Fact> = all.iter().copied().step_by(5).collect();
    for seeds in [all, few] {
        agree_for(&graph, &seeds, &severity, &place)?;
    }
    Ok(())
}

fn agree_for(
    graph: &RuleGraph,
    seeds: &[Fact],
    severity: &[u8],
    place: &[u32],
) -> Result<(), TestCaseError> {
    let question = Question {
        seeds,
        assumed: &[],
        severity,
        place,
    };
    let plain = solve_by_search(graph, &question);
    // As it comes; with seeds handed on to the lanes early, and to the forest again when there are few
    // of them; to the forest again always; everything in lanes.
    let early = Effort {
        free: 3,
        share: 2,
        least: 4,
        part: 3,
        together: 5,
    };
    // Never enough seeds for a batch: those that are too dear hang below what they meet.
    let hung = Effort {
        least: usize::MAX,
        ..early
    };
    let ways = [
        ("usual", solve(graph, &question, &|_| {})),
        ("early", solve_with(graph, &question, early, &|_| {})),
        ("hung", solve_with(graph, &question, hung, &|_| {})),
        ("lanes", solve_in_lanes(graph, &question)),
        ("ahead", solve_in_lanes_from_ahead(graph, &question)),
    ];
    for (way, answers) in &ways {
        prop_assert_eq!(answers.len(), seeds.len());
        for ((seed, answer), plain) in seeds.iter().zip(answers).zip(&plain) {
            prop_assert_eq!(answer, plain, "{}: seed {:?}", way, seed);
        }
    }
    Ok(())
}

fn run(cases: u32, strategy: &impl Strategy<Value = (usize, Vec<Drawn>)>) {
    let result = runner(cases).run(strategy, |(facts, gates)| agree(facts, &gates));
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn small_graphs_of_every_shape() {
    run(20_000, &graphs(12, 24, 6));
}

#[test]
fn sparse_graphs_with_long_ways() {
    run(3_000, &graphs(40, 50, 6));
}

#[test]
fn gates_wider_than_a_word_and_more_seeds_than_a_batch() {
    // 534 seeds: a batch of 512 lanes and one that is not full.
    run(60, &graphs(400, 700, 150));
}

/// Closures of more than the few facts that are searched by themselves.
#[test]
fn middling_graphs_in_which_much_follows() {
    run(150, &graphs(150, 600, 20));
}

/// A way of recoveries with free steps and circles in it: what is shared along it is not counted or
/// levelled twice.
#[test]
fn a_long_way_there_and_back() {
    let facts = 3000;
    let mut gates: Vec<Drawn> = Vec::new();
    for at in 1..facts {
        gates.push((at, 1, at % 3 == 0, vec![at - 1]));
        if at % 10 == 0 {
            gates.push((at - 7, 1, at % 4 == 0, vec![at]));
        }
        if at % 50 == 0 {
            gates.push((at, 2, true, vec![at - 1, at - 9, at - 20]));
        }
    }
    agree(facts, &gates).unwrap();
}

/// Gates of three of six and one of one for every fact.
fn cascades(facts: usize, is_recovery: impl Fn(usize) -> bool) -> Vec<Drawn> {
    let mut random = fastrand::Rng::with_seed(1);
    let mut gates = Vec::new();
    for head in 0..facts {
        let mut inputs = |count| (0..count).map(|_| random.usize(..facts)).collect();
        gates.push((head, 3, is_recovery(head), inputs(6)));
        gates.push((head, 3, is_recovery(head + 1), inputs(6)));
        gates.push((head, 1, is_recovery(head), inputs(1)));
    }
    gates
}

/// Lanes reach most of it, each at another time, so those that began with their seeds are given up
/// for some that begin by themselves.
#[test]
fn cascades_that_every_seed_begins_at_another_time() {
    agree(2_000, &cascades(2_000, |_| true)).unwrap();
    agree(600, &cascades(600, |head| head % 5 > 0)).unwrap();
}

/// Without recoveries everything is of one level: what a lane finds by itself is all of it.
#[test]
fn cascades_of_one_level() {
    agree(600, &cascades(600, |_| false)).unwrap();
}

/// A gate that needs all of very many inputs, which cascades yield in few steps.
#[test]
fn a_wide_gate_that_needs_every_input() {
    let mut gates = cascades(400, |head| head % 2 > 0);
    gates.push((4, 1, true, (0..400).collect()));
    gates.push((12, 1, false, (100..400).collect()));
    for (_, need, _, inputs) in gates.iter_mut().rev().take(2) {
        *need = inputs.len() as u32;
    }
    agree(400, &gates).unwrap();
}

#[test]
fn ways_to_a_seed_that_are_longer_than_one_step_may_be() {
    // Levels and rounds of a step have sixteen bits each.
    const LONG: u32 = 150_000;
    for cost in [0, 1] {
        let mut builder = RuleGraphBuilder::new();
        let facts: Vec<Fact> = (0..LONG).map(|_| builder.fact(Class::Account)).collect();
        let system = builder.fact(Class::System);
        for pair in facts.windows(2) {
            builder.gate(pair[1], 1, cost, &pair[..1]);
        }
        builder.gate(system, 1, 0, &facts[LONG as usize - 1..]);
        let graph = builder.finish();
        let severity = vec![0; graph.fact_count()];
        let place = vec![0; graph.fact_count()];
        // The first, one on the way, and two that end a way of their own.
        let seeds = [0, 1, 70_000, LONG as usize - 1].map(|at| facts[at]);
        agree_for(&graph, &seeds, &severity, &place).unwrap();
    }
}
