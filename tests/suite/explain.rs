//! `explain`: every proof replayed by a checker of its own, all ways found, what is missing named.

use std::collections::{BTreeMap, BTreeSet};

use linchpin::analyze::explain;
use linchpin::rules::{Class, Fact, Gate, RuleGraph};
use linchpin::solve::{self, Proof};
use proptest::test_runner::{TestCaseError, TestCaseResult};
use serde_json::Value;

use crate::properties::write;
use crate::random::organisations;
use crate::support::{Folder, command, linchpin, runner, scan};

/// The levels that some gates alone give: rounds until nothing changes.
fn levels(graph: &RuleGraph, given: &[Fact], gates: &BTreeSet<Gate>) -> BTreeMap<Fact, u32> {
    let mut levels: BTreeMap<Fact, u32> = given.iter().map(|&fact| (fact, 0)).collect();
    loop {
        let before = levels.clone();
        for &gate in gates {
            let known = |fact: &Fact| levels.get(fact).copied();
            let mut inputs: Vec<u32> = graph.inputs(gate).iter().filter_map(known).collect();
            inputs.sort_unstable();
            if let Some(level) = inputs.get(graph.need(gate) as usize - 1) {
                let level = level + graph.cost(gate);
                let head = levels.entry(graph.head(gate)).or_insert(level);
                *head = level.min(*head);
            }
        }
        if levels == before {
            return levels;
        }
    }
}

fn fail(what: &str, proof: &Proof) -> TestCaseError {
    TestCaseError::fail(format!("{what}: {proof:?}"))
}

/// Every step fires from what is given or was reached; the hops are the scan's; nothing can be left
/// out.
fn check(
    graph: &RuleGraph,
    given: &[Fact],
    goal: Fact,
    hops: u32,
    proof: &Proof,
) -> TestCaseResult {
    let mut reached: BTreeMap<Fact, u32> = given.iter().map(|&fact| (fact, 0)).collect();
    for step in &proof.steps {
        let inputs = graph.inputs(step.gate);
        let used = proof.slots(step);
        let slots: BTreeSet<u32> = used.iter().copied().collect();
        if slots.len() != used.len() || slots.len() != graph.need(step.gate) as usize {
            return Err(fail("a step does not use what its gate needs", proof));
        }
        let used = used
            .iter()
            .map(|&slot| reached.get(&inputs[slot as usize]).copied());
        let Some(used) = used.collect::<Option<Vec<u32>>>() else {
            return Err(fail("a step uses what is not there yet", proof));
        };
        let level = used.into_iter().max().unwrap_or(0) + graph.cost(step.gate);
        if level != step.level || reached.insert(graph.head(step.gate), level).is_some() {
            return Err(fail("a level is wrong, or a fact is derived twice", proof));
        }
    }
    if reached.get(&goal) != Some(&hops) {
        return Err(fail(
            "the goal is not reached in as many hops as said",
            proof,
        ));
    }
    let gates: BTreeSet<Gate> = proof.steps.iter().map(|step| step.gate).collect();
    for gate in &gates {
        let mut fewer = gates.clone();
        fewer.remove(gate);
        if levels(graph, given, &fewer).get(&goal) == Some(&hops) {
            return Err(fail("a step can be left out", proof));
        }
    }
    Ok(())
}

#[test]
fn every_unlocked_pair_is_explained_by_proofs_that_hold() {
    const WAYS: usize = 6;
    let mut runner = runner(2000);
    let outcome = runner.run(&organisations(), |(tables, options)| {
        let folder = tempfile::tempdir().unwrap();
        write(&tables, true, folder.path());
        let scanned = scan(&[folder.path()], &options.assume, options.standing_only);
        let graph = &scanned.program.graph;
        let base = solve::closure(graph, &scanned.program.assumed);
        for result in &scanned.scan.identities {
            let Some(answer) = &result.answer else {
                continue;
            };
            let asset = scanned.ingested.organisation.identities[result.identity as usize].asset;
            let seed = scanned.program.atlas.fact(asset);
            for unlocked in answer.unlocks() {
                let mut given = vec![seed];
                if !base.contains(unlocked.system) {
                    given.extend(&scanned.program.assumed);
                }
                let found = explain::proofs(graph, &given, unlocked.system, WAYS);
                let Some(first) = found.proofs.first() else {
                    return Err(TestCaseError::fail("no proof"));
                };
                check(graph, &given, unlocked.system, unlocked.hops, first)?;
                let mut sets: BTreeSet<Vec<Gate>> = BTreeSet::new();
                for proof in &found.proofs {
                    let hops = proof.steps.last().map_or(0, |step| step.level);
                    check(graph, &given, unlocked.system, hops, proof)?;
                    let mut gates: Vec<Gate> = proof.steps.iter().map(|step| step.gate).collect();
                    gates.sort_unstable();
                    if !sets.insert(gates) || hops < unlocked.hops {
                        return Err(fail("a proof twice, or shorter than the shortest", proof));
                    }
                }
                if !found.is_cut {
                    // All ways are known: without a gate of each nothing is left.
                    let last: BTreeSet<Gate> =
                        sets.iter().map(|gates| gates[gates.len() - 1]).collect();
                    let first: BTreeSet<Gate> = sets.iter().map(|gates| gates[0]).collect();
                    for hit in [last, first] {
                        let others = graph.gates().filter(|gate| !hit.contains(gate)).collect();
                        if levels(graph, &given, &others).contains_key(&unlocked.system) {
                            return Err(TestCaseError::fail("a way was missed"));
                        }
                    }
                }
            }
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// What is named as missing suffices, and nothing that would suffice is left out.
#[test]
fn what_is_missing_is_exactly_what_would_do() {
    let mut runner = runner(300);
    let outcome = runner.run(&organisations(), |(tables, options)| {
        let folder = tempfile::tempdir().unwrap();
        write(&tables, true, folder.path());
        let scanned = scan(&[folder.path()], &options.assume, options.standing_only);
        let graph = &scanned.program.graph;
        let all: BTreeSet<Gate> = graph.gates().collect();
        let org = &scanned.ingested.organisation;
        for identity in org
            .identities
            .iter()
            .filter(|identity| identity.enabled)
            .take(3)
        {
            let mut given = scanned.program.assumed.clone();
            given.push(scanned.program.atlas.fact(identity.asset));
            let closure = solve::closure(graph, &given);
            for system in &org.systems {
                let goal = scanned.program.atlas.fact(system.asset);
                if closure.contains(goal) {
                    continue;
                }
                let misses = explain::misses(graph, &closure, &given, goal);
                let found: BTreeSet<Fact> = misses.any_of.iter().copied().collect();
                let mut expected = BTreeSet::new();
                for fact in graph.facts() {
                    let can_be_held = !matches!(
                        graph.class(fact),
                        Class::System | Class::Helper | Class::Password | Class::Mfa
                    );
                    let mut more = given.clone();
                    more.push(fact);
                    if can_be_held && fact != goal && levels(graph, &more, &all).contains_key(&goal)
                    {
                        expected.insert(fact);
                    }
                }
                if found != expected {
                    return Err(TestCaseError::fail(format!(
                        "{found:?}, expected {expected:?}"
                    )));
                }
            }
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn told(arguments: &[&str]) -> String {
    let run = linchpin(&[arguments, &["--quiet"]].concat()).success();
    String::from_utf8(run.get_output().stdout.clone()).unwrap()
}

#[test]
fn a_proof_is_told_with_owners_techniques_and_rows() {
    let harbour = ["explain", "data/harbour", "--identity"];
    let of = |more: &[&str]| told(&[&harbour[..], more].concat());
    insta::assert_snapshot!("explain", of(&["k.lowe"]));
    insta::assert_snapshot!(
        "explain-missing",
        of(&["d.lindqvist", "--system", "tenant"])
    );
    insta::assert_snapshot!("explain-reverse", of(&["adm-lindqvist", "--reverse"]));
    let document: Value = serde_json::from_str(&of(&["k.lowe", "--as", "json"])).unwrap();
    let steps = document["proofs"][0]["steps"].as_array().unwrap();
    assert_eq!(steps[2]["accountable"], "d.lindqvist");
    assert_eq!(steps[2]["techniques"][0]["id"], "T1114.002");
    assert_eq!(steps[2]["rows"][0]["file"], "recoveries.csv");
    assert!(
        of(&["k.lowe", "--as", "svg"]).starts_with("<svg")
            || of(&["k.lowe", "--as", "svg"]).starts_with("<?xml")
    );
    assert!(of(&["k.lowe", "--as", "dot"]).contains("digraph"));
}

#[test]
fn one_path_does_not_hide_the_next() {
    let folder = Folder::new(&[
        ("identities.csv", "id\na\nb\n"),
        ("mailboxes.csv", "id,owner\nm1@x,a\nm2@x,a\n"),
        (
            "recoveries.csv",
            "source,target,method\nm1@x,b,email_link\nm2@x,b,email_link\na,b,admin_reset\n",
        ),
        ("grants.csv", "principal,system\nb,s\n"),
        ("systems.csv", "id\ns\n"),
    ]);
    let of = |all: &str| {
        told(&[
            "explain",
            folder.str(),
            "--identity",
            "a",
            "--system",
            "s",
            "--all",
            all,
        ])
    };
    let three = of("3");
    assert!(
        three.contains("proof 3 of 3") && !three.contains("there may be more"),
        "{three}"
    );
    assert!(of("2").contains("there may be more ways"));
    for via in [
        "mailbox:m1@x -> password(b)",
        "mailbox:m2@x -> password(b)",
        "a -> password(b)",
    ] {
        assert!(three.contains(via), "{via}: {three}");
    }
}

#[test]
fn questions_that_cannot_be_asked_are_refused() {
    let ask = |more: &[&str]| {
        let run = command()
            .args(["explain", "data/harbour"])
            .args(more)
            .assert()
            .code(2);
        String::from_utf8(run.get_output().stderr.clone()).unwrap()
    };
    let said = ask(&["--identity", "k.low"]);
    assert!(
        said.contains("no identity is named `k.low`; did you mean `k.lowe`?"),
        "{said}"
    );
    let said = ask(&["--identity", "k.lowe", "--system", "tenants"]);
    assert!(said.contains("did you mean `tenant`?"), "{said}");
    let said = ask(&["--identity", "k.lowe", "--reverse", "--all", "3"]);
    assert!(said.contains("cannot be used with"), "{said}");
}

#[test]
fn what_is_said_twice_is_one_way() {
    let tables = crate::support::Folder::new(&[
        ("identities.csv", "id\nana\nadm\n"),
        ("mailboxes.csv", "id,owner,delegates\nm,ana,ana\n"),
        (
            "recoveries.csv",
            "source,target,method\nm,adm,email_link\nm,adm,email_link\n",
        ),
        ("systems.csv", "id,criticality\ns,0\n"),
        ("grants.csv", "principal,system\nadm,s\n"),
    ]);
    let arguments = [
        "explain",
        tables.str(),
        "--identity",
        "ana",
        "--all",
        "20",
        "--format",
        "json",
    ];
    let output = linchpin(&arguments).success();
    let told: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(told["proofs"].as_array().unwrap().len(), 1, "{told:#}");
}
