//! `pairs`: who brings down together what none of them brings down alone, against trying everybody
//! with everybody.

use std::cell::Cell;
use std::collections::BTreeSet;

use linchpin::analyze::pairs::{Asked, find};
use linchpin::compile::Program;
use linchpin::rules::{Class, Fact, Incoming, RuleGraph, RuleGraphBuilder};
use linchpin::solve::closure;
use proptest::test_runner::TestCaseError;

use crate::properties::write;
use crate::random::quorums;
use crate::support::{Folder, linchpin, runner, scan};
use crate::theory::{DESKS, E2, E5, E6, Example};

type Sets = BTreeSet<BTreeSet<Fact>>;

/// Every minimal set that the search finds for one goal, classes multiplied out.
fn found(graph: &RuleGraph, seeds: &[Fact], assumed: &[Fact], goal: Fact, threes: bool) -> Sets {
    let asked = Asked {
        seeds,
        assumed,
        goals: &[goal],
        threes,
        tries: u64::MAX / 2,
    };
    let found = find(graph, &Incoming::new(graph), asked);
    assert!(!found.is_cut);
    let mut sets = Sets::new();
    for (_, classes) in &found.sets {
        let mut products: Vec<BTreeSet<Fact>> = vec![BTreeSet::new()];
        for &class in classes {
            products = products
                .iter()
                .flat_map(|set| {
                    found.classes[class].iter().map(move |&at| {
                        let mut set = set.clone();
                        set.insert(seeds[at]);
                        set
                    })
                })
                .collect();
        }
        sets.extend(products);
    }
    sets
}

/// The same by trying every set of two, and of three.
fn tried(graph: &RuleGraph, seeds: &[Fact], assumed: &[Fact], goal: Fact, threes: bool) -> Sets {
    let falls = |set: &BTreeSet<Fact>| {
        let given: Vec<Fact> = set.iter().chain(assumed).copied().collect();
        closure(graph, &given).contains(goal)
    };
    let alone: Vec<Fact> = seeds
        .iter()
        .copied()
        .filter(|&seed| !falls(&BTreeSet::from([seed])))
        .collect();
    let mut sets = Sets::new();
    for (at, &one) in alone.iter().enumerate() {
        for &two in &alone[at + 1..] {
            let set = BTreeSet::from([one, two]);
            if falls(&set) {
                sets.insert(set);
            }
        }
    }
    let pairs = sets.clone();
    for (at, &one) in alone.iter().enumerate().filter(|_| threes) {
        for (place, &two) in alone.iter().enumerate().skip(at + 1) {
            for &three in &alone[place + 1..] {
                let set = BTreeSet::from([one, two, three]);
                if !pairs.iter().any(|pair| pair.is_subset(&set)) && falls(&set) {
                    sets.insert(set);
                }
            }
        }
    }
    sets
}

impl Example {
    fn pairs(&self, assumed: &[&str], goal: &str) -> BTreeSet<BTreeSet<&str>> {
        let seeds: Vec<Fact> = self.facts.values().copied().collect();
        let assumed: Vec<Fact> = assumed.iter().map(|name| self.facts[*name]).collect();
        let sets = found(&self.graph, &seeds, &assumed, self.facts[goal], false);
        let name = |fact: &Fact| {
            let named = self.facts.iter().find(|(_, other)| *other == fact);
            named.map(|(name, _)| name.as_str()).unwrap()
        };
        sets.iter()
            .map(|set| set.iter().map(name).collect())
            .collect()
    }
}

#[test]
fn e2_a_locked_device_needs_its_pin() {
    let honan = Example::new(E2);
    let expected = [["PIN", "iPhone_locked"], ["PIN", "iPad_locked"]].map(BTreeSet::from);
    assert_eq!(honan.pairs(&DESKS, "Twitter"), BTreeSet::from(expected));
}

#[test]
fn e5_as_designed_it_takes_two() {
    let cloud = Example::without(E5, "f2");
    let pairs = cloud.pairs(&[], "cust_dns");
    assert!(pairs.contains(&BTreeSet::from(["att_voicemail", "ceo_totp"])));
    assert_eq!(
        pairs.len(),
        2,
        "the mailbox itself with the factor is the other one: {pairs:?}"
    );
}

#[test]
fn e6_a_quorum_has_eleven_pairs() {
    let corp = Example::new(E6);
    let mut expected: BTreeSet<BTreeSet<&str>> = BTreeSet::new();
    for one in ["alice_phone", "alice_corp", "hd_ticket"] {
        for two in ["mgr_ok", "bob_corp", "bob_phone"] {
            expected.insert(BTreeSet::from([one, two]));
        }
    }
    assert_eq!(corp.pairs(&[], "payroll"), expected);
    expected.insert(BTreeSet::from(["bob_corp", "dana_corp"]));
    expected.insert(BTreeSet::from(["bob_phone", "dana_corp"]));
    assert_eq!(expected.len(), 11);
    assert_eq!(corp.pairs(&[], "vault"), expected);
}

#[test]
fn sets_equal_trying_everybody_with_everybody() {
    let mut runner = runner(600);
    let compared = Cell::new(0);
    runner
        .run(&quorums(), |(tables, options)| {
            let folder = Folder::new(&[]);
            write(&tables, true, folder.path());
            let scanned = scan(&[folder.path()], &options.assume, options.standing_only);
            let org = &scanned.ingested.organisation;
            let Program {
                graph,
                atlas,
                assumed,
            } = &scanned.program;
            let enabled = org.identities.iter().filter(|identity| identity.enabled);
            let seeds: Vec<Fact> = enabled.map(|identity| atlas.fact(identity.asset)).collect();
            for goal in graph
                .facts()
                .filter(|&fact| graph.class(fact) == Class::System)
            {
                let [got, expected] =
                    [found, tried].map(|find| find(graph, &seeds, assumed, goal, true));
                if got != expected {
                    return Err(TestCaseError::fail(format!(
                        "{goal:?}: got {got:?}, expected {expected:?}"
                    )));
                }
                compared.set(compared.get() + got.len());
            }
            Ok(())
        })
        .unwrap();
    assert!(
        compared.get() > 500,
        "only {} sets compared",
        compared.get()
    );
}

#[test]
fn sets_of_random_gates_equal_trying_everybody_with_everybody() {
    let mut runner = runner(4000);
    const FACTS: u32 = 12;
    let gate = (0..FACTS, 1..4u32, proptest::collection::vec(0..FACTS, 1..4));
    let gates = proptest::collection::vec(gate, 4..14);
    let compared = Cell::new(0);
    runner
        .run(&(gates, 0..3usize), |(gates, assumed)| {
            let mut builder = RuleGraphBuilder::new();
            let facts: Vec<Fact> = (0..FACTS).map(|_| builder.fact(Class::Account)).collect();
            for (head, need, inputs) in gates {
                let inputs: Vec<Fact> = inputs.iter().map(|&at| facts[at as usize]).collect();
                builder.gate(facts[head as usize], need, 1, &inputs);
            }
            let graph = builder.finish();
            let (assumed, seeds) = facts.split_at(assumed);
            let [got, expected] = [found, tried]
                .map(|find| find(&graph, seeds, assumed, facts[FACTS as usize - 1], true));
            if got != expected {
                return Err(TestCaseError::fail(format!(
                    "got {got:?}, expected {expected:?}"
                )));
            }
            compared.set(compared.get() + got.len());
            Ok(())
        })
        .unwrap();
    assert!(
        compared.get() > 1000,
        "only {} sets compared",
        compared.get()
    );
}

#[test]
fn what_users_see() {
    let output = linchpin(&["pairs", "data/harbour", "--top", "6"]).success();
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    insta::assert_snapshot!("pairs", text);
}

#[test]
fn a_bound_that_is_hit_is_said() {
    let output = linchpin(&["pairs", "data/harbour", "--tries", "1", "--format", "json"]).success();
    let found: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(found["stopped"], true);
    let output = linchpin(&["pairs", "data/harbour", "--format", "json"]).success();
    let found: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(found["stopped"], false);
    assert!(found["count"].as_u64().unwrap() > 0);
}
