//! All seeds without assumptions: small closures by themselves, the others along the forest.

use std::sync::Mutex;

use rayon::prelude::*;

use super::forest::Forest;
use super::proof;
use super::running::Running;
use super::small::Small;
use super::{Answer, Question, Tally, Unlocked};
use crate::rules::{Class, Fact, RuleGraph};
use crate::solve::proof::Derived;

/// What is known of a fact's closure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// It was not asked for.
    Unknown,
    /// Small, and answered.
    Small,
    /// Large or with a system: to be answered along the forest.
    Large,
}

/// Answers the question for every seed.
pub(super) fn solve(
    graph: &RuleGraph,
    question: &Question<'_>,
    tick: &(dyn Fn(u64) + Sync),
) -> Vec<Answer> {
    let mut answers = small(graph, question.seeds, tick);
    // The seeds that are left, each once.
    let mut sizes = vec![Size::Unknown; graph.fact_count()];
    let mut left = Vec::new();
    for (seed, answer) in question.seeds.iter().zip(&answers) {
        let size = &mut sizes[seed.index()];
        match answer {
            Some(_) => *size = Size::Small,
            None if *size == Size::Unknown => {
                *size = Size::Large;
                left.push(*seed);
            }
            None => {}
        }
    }
    let solved = along_the_forest(graph, question, &left, &sizes, tick);
    drop(sizes);
    let mut place = vec![u32::MAX; graph.fact_count()];
    for (at, (fact, _)) in solved.iter().enumerate() {
        place[fact.index()] = at as u32;
    }
    for (seed, answer) in question.seeds.iter().zip(&mut answers) {
        if answer.is_none() {
            let found = solved.get(place[seed.index()] as usize);
            *answer = found.map(|(_, answer)| answer.clone());
        }
    }
    answers.into_iter().map(Option::unwrap_or_default).collect()
}

/// Answers for the seeds whose closures are small and hold no system.
fn small(graph: &RuleGraph, seeds: &[Fact], tick: &(dyn Fn(u64) + Sync)) -> Vec<Option<Answer>> {
    const TOGETHER: usize = 1 << 12;
    let mut answers = vec![None; seeds.len()];
    let parts = answers
        .par_chunks_mut(TOGETHER)
        .zip(seeds.par_chunks(TOGETHER));
    parts.for_each_init(
        || Small::new(graph),
        |small, (answers, seeds)| {
            let mut found = 0;
            for (answer, &seed) in answers.iter_mut().zip(seeds) {
                *answer = small.answer(seed);
                found += u64::from(answer.is_some());
            }
            tick(found);
        },
    );
    answers
}

/// Answers for the other seeds, in the order of the forest.
fn along_the_forest(
    graph: &RuleGraph,
    question: &Question<'_>,
    seeds: &[Fact],
    sizes: &[Size],
    tick: &(dyn Fn(u64) + Sync),
) -> Vec<(Fact, Answer)> {
    let forest = Forest::new(graph, seeds, sizes);
    let order = forest.order();
    // Closures that run are large, so there are no more of them than threads.
    let spare: Mutex<Vec<Running<'_>>> = Mutex::default();
    // A chunk begins with the way from its root to its first fact, which its neighbour goes too.
    let chunk = (order.len() / (rayon::current_num_threads() * 16)).clamp(256, 1 << 16);
    let solved: Vec<Vec<(Fact, Answer)>> = order
        .par_chunks(chunk)
        .map(|facts| {
            let found = spare.lock().ok().and_then(|mut spare| spare.pop());
            let mut running = found.unwrap_or_else(|| Running::new(graph));
            let mut answers = Vec::new();
            for &fact in facts {
                let parent = forest.parent(fact);
                let parent_fact = parent.map(|(parent, _)| parent);
                while running.seed().is_some() && running.seed() != parent_fact {
                    running.pop();
                }
                if running.seed().is_none() {
                    go_to(&mut running, &forest, parent_fact);
                }
                running.push(fact, parent.map(|(_, shift)| shift));
                if sizes[fact.index()] == Size::Large {
                    answers.push((fact, answer_running(graph, question, &running, fact)));
                }
            }
            // The next chunk on this closure may hang below the same facts.
            if let Ok(mut spare) = spare.lock() {
                spare.push(running);
            }
            tick(answers.len() as u64);
            answers
        })
        .collect();
    solved.into_iter().flatten().collect()
}

/// Goes from nowhere to a fact along its ancestors.
fn go_to(running: &mut Running<'_>, forest: &Forest, fact: Option<Fact>) {
    let mut way = Vec::new();
    let mut next = fact;
    while let Some(fact) = next {
        let parent = forest.parent(fact);
        way.push((fact, parent.map(|(_, shift)| shift)));
        next = parent.map(|(parent, _)| parent);
    }
    for (fact, shift) in way.into_iter().rev() {
        running.push(fact, shift);
    }
}

/// What the running closure says of its seed.
fn answer_running(
    graph: &RuleGraph,
    question: &Question<'_>,
    running: &Running<'_>,
    seed: Fact,
) -> Answer {
    let own = graph.class(seed);
    let systems = running.systems().iter().filter(|&&system| system != seed);
    let tally = Tally {
        unlocks: systems
            .map(|&system| Unlocked {
                system,
                hops: running.key(system).level().unwrap_or_default(),
            })
            .collect(),
        accounts: running.accounts() - u32::from(own == Class::Account),
        mailboxes: running.mailboxes() - u32::from(own == Class::Mailbox),
    };
    tally.answer(question, |worst| proof::prove(graph, running, worst))
}
