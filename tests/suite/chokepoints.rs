//! `chokepoints`: the published examples by hand, and every number of random organisations against
//! taking the thing away and scanning again.

use std::collections::{BTreeMap, BTreeSet};

use linchpin::analyze::choke::{self, Thing};
use linchpin::analyze::{self, Scan};
use linchpin::compile::{self, Program};
use linchpin::model::{Kind, Organisation, RowRef, Table};
use linchpin::rules::Fact;
use linchpin::solve::{Removal, Removals};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::properties::write;
use crate::random::{organisations, quorums};
use crate::support::{Folder, linchpin, runner};
use crate::theory::{DESKS, E2, E4, E5, E6, Example, M5};

impl Example {
    /// For every seed and goal the rules without any one of which the goal does not fall.
    fn critical(&self, seed: &str, assumed: &[&str], goal: &str) -> BTreeSet<&str> {
        let family_of: Vec<u32> = (0..self.rules.len() as u32).collect();
        let mut runs = Removals::new(&self.graph, &family_of, self.rules.len());
        let removals: Vec<Removal> = family_of
            .iter()
            .map(|&rule| Removal {
                families: vec![rule],
                ..Removal::default()
            })
            .collect();
        let all: Vec<&Removal> = removals.iter().collect();
        let assumed: Vec<Fact> = assumed.iter().map(|name| self.facts[*name]).collect();
        runs.run(Some(self.facts[seed]), &assumed, &all);
        let follows = runs.follows(self.facts[goal]);
        let rules = self.rules.iter().enumerate();
        rules
            .filter(|(at, _)| follows >> at & 1 == 0)
            .map(|(_, rule)| rule.as_str())
            .collect()
    }

    /// How many pairs of a seed and a goal that it reaches each rule is critical for.
    fn protects(&self, goals: &[&str]) -> BTreeMap<&str, usize> {
        let mut protects: BTreeMap<&str, usize> = BTreeMap::new();
        for goal in goals {
            for seed in self.seeds_of(&[], goal) {
                if goals.contains(&seed) {
                    continue;
                }
                for rule in self.critical(seed, &[], goal) {
                    *protects.entry(rule).or_default() += 1;
                }
            }
        }
        protects
    }
}

#[test]
fn e2_every_rule_of_the_one_proof_is_critical() {
    let honan = Example::new(E2);
    let critical = honan.critical("billing_addr", &DESKS, "Twitter");
    assert_eq!(critical, BTreeSet::from(["r5", "r6", "r7", "r9", "r10"]));
}

#[test]
fn e4_the_entry_is_not_the_best_place_to_cut() {
    let croll = Example::new(E4);
    let of = |goal| croll.critical("hotmail_expired", &[], goal);
    assert_eq!(
        of("godaddy_domains"),
        BTreeSet::from(["c1", "c2", "c3", "c5", "c11"])
    );
    let both: BTreeSet<_> = of("corp_docs")
        .intersection(&of("godaddy_domains"))
        .copied()
        .collect();
    assert_eq!(both, BTreeSet::from(["c1", "c2", "c3"]));
    let protects = croll.protects(&["corp_docs", "godaddy_domains"]);
    let expected = [
        ("c3", 6),
        ("c11", 5),
        ("c2", 4),
        ("c4", 4),
        ("c5", 4),
        ("c1", 2),
    ];
    assert_eq!(protects, BTreeMap::from(expected));
}

#[test]
fn e5_everything_on_the_way_is_critical_but_not_the_way_that_was_designed() {
    let critical = Example::new(E5);
    let critical = critical.critical("att_voicemail", &[], "cust_dns");
    assert_eq!(
        critical,
        BTreeSet::from(["f1", "f2", "f3", "f4", "f5", "f6"])
    );
}

#[test]
fn e6_what_protects_a_quorum() {
    let corp = Example::new(E6);
    let critical = corp.critical("carrier", &[], "vault");
    let expected = [
        "k1", "k2", "k3", "k4", "k5", "k6", "k8", "k10", "k10.2", "k11", "k12", "k13",
    ];
    assert_eq!(critical, BTreeSet::from(expected));
    let protects = corp.protects(&["vault", "payroll"]);
    let expected = BTreeMap::from([
        ("k6", 6),
        ("k5", 4),
        ("k8", 4),
        ("k9", 4),
        ("k7.2", 3),
        ("k1", 2),
        ("k2", 2),
        ("k3", 2),
        ("k4", 2),
        ("k10", 2),
        ("k10.2", 2),
        ("k11", 2),
        ("k12", 2),
        ("k13", 2),
    ]);
    assert_eq!(protects, expected);
}

#[test]
fn m5_one_of_two_branches_dominates_a_gate() {
    let graph = Example::new(M5);
    let family_of: Vec<u32> = (0..graph.rules.len() as u32).collect();
    let mut runs = Removals::new(&graph.graph, &family_of, family_of.len());
    let without = |fact: &str| Removal {
        facts: vec![graph.facts[fact]],
        ..Removal::default()
    };
    let (x, y) = (without("x"), without("y"));
    runs.run(Some(graph.facts["s"]), &[], &[&x, &y]);
    assert_eq!(
        runs.follows(graph.facts["g"]),
        0b10,
        "without y, not without x"
    );
}

/// What every identity unlocks.
fn unlocks(org: &Organisation, scan: &Scan) -> BTreeMap<u32, BTreeSet<Fact>> {
    let results = scan.identities.iter().map(|result| {
        let unlocks = result.answer.iter().flat_map(|answer| answer.unlocks());
        let systems = unlocks.map(|one| one.system).collect();
        (org.identities[result.identity as usize].asset.0, systems)
    });
    results.collect()
}

/// Everything that could be taken away from an organisation.
fn all_things(org: &Organisation) -> Vec<Thing> {
    let mut things: Vec<Thing> = (0..org.gates.len() as u32).map(Thing::Recovery).collect();
    for (table, count) in [
        (Table::MfaBindings, org.bindings.len()),
        (Table::Holdings, org.holdings.len()),
        (Table::Memberships, org.memberships.len()),
        (Table::Grants, org.grants.len()),
    ] {
        things.extend((0..count as u32).map(|index| Thing::Row(RowRef { table, index })));
    }
    for (at, mailbox) in (0u32..).zip(&org.mailboxes) {
        let mut readers: BTreeSet<_> = mailbox.owner.into_iter().collect();
        readers.extend(org.list(mailbox.delegates));
        readers.extend(org.list(mailbox.forwards_to));
        things.extend(readers.into_iter().map(|reader| Thing::Reader(at, reader)));
    }
    let assets = org
        .assets
        .iter()
        .filter(|(_, asset)| asset.kind != Kind::System);
    things.extend(assets.map(|(id, _)| Thing::Asset(id)));
    things
}

/// The pairs that disappear with a thing, by scanning again.
fn by_scanning(
    org: &Organisation,
    options: &compile::Options,
    before: &BTreeMap<u32, BTreeSet<Fact>>,
    severity: &[u8],
    thing: Thing,
) -> ([u32; 3], u32) {
    let program = compile::compile_edited(org, options, &thing.edits(org));
    let scan = analyze::scan(org, &program, &|_| {});
    let after = unlocks(org, &scan);
    let (mut pairs, mut freed) = ([0; 3], 0);
    for (seed, systems) in before {
        if thing == Thing::Asset(linchpin::model::AssetId(*seed)) {
            continue;
        }
        let is_worst = |system: &&Fact| severity[system.index()] == 0;
        for lost in systems.difference(&after[seed]) {
            pairs[usize::from(severity[lost.index()])] += 1;
        }
        let had = systems.iter().any(|system| is_worst(&system));
        freed += u32::from(had && !systems.intersection(&after[seed]).any(|one| is_worst(&one)));
    }
    (pairs, freed)
}

#[test]
fn numbers_equal_taking_away_and_scanning_again() {
    let mut runner = runner(1500);
    let compared = std::cell::Cell::new(0);
    let strategy = prop_oneof![2 => organisations(), 1 => quorums()];
    runner
        .run(&strategy, |(tables, options)| {
            let folder = Folder::new(&[]);
            write(&tables, true, folder.path());
            let scanned =
                crate::support::scan(&[folder.path()], &options.assume, options.standing_only);
            let org = &scanned.ingested.organisation;
            let compiled = compile::Options {
                assumptions: options
                    .assume
                    .iter()
                    .map(|text| text.parse().unwrap())
                    .collect(),
                standing_only: options.standing_only,
                ..compile::Options::default()
            };
            let count = check(org, &scanned.program, &compiled, &scanned.scan)?;
            compared.set(compared.get() + count);
            Ok(())
        })
        .unwrap();
    // Organisations in which nothing falls would show nothing.
    assert!(
        compared.get() > 1000,
        "only {} things compared",
        compared.get()
    );
}

fn check(
    org: &Organisation,
    program: &Program,
    options: &compile::Options,
    scan: &Scan,
) -> Result<usize, TestCaseError> {
    let before = unlocks(org, scan);
    let mut expected: Vec<(Thing, [u32; 3], u32)> = all_things(org)
        .into_iter()
        .map(|thing| {
            let (pairs, freed) = by_scanning(org, options, &before, &scan.criticality, thing);
            (thing, pairs, freed)
        })
        .filter(|(_, pairs, _)| *pairs != [0; 3])
        .collect();
    expected.sort_by_key(|&(thing, pairs, _)| (std::cmp::Reverse(pairs), thing));
    let mut ranking = choke::Ranking::default();
    // Whether seeds stand in for others changes nothing.
    for hubs_from in [None, Some(0), Some(2)] {
        let asked = choke::Asked {
            hubs_from,
            ..choke::Asked::default()
        };
        let found = choke::choke_points(org, program, options, scan, asked);
        if hubs_from.is_some() && found.points != ranking.points {
            return Err(TestCaseError::fail(format!(
                "hubs from {hubs_from:?}: got {:?}\nexpected {:?}",
                found.points, ranking.points
            )));
        }
        ranking = found;
    }
    let got: Vec<_> = ranking
        .points
        .iter()
        .map(|point| (point.thing, point.pairs, point.freed))
        .collect();
    if got != expected {
        return Err(TestCaseError::fail(format!(
            "got {got:?}\nexpected {expected:?}"
        )));
    }
    // A few wanted are the first few of all.
    for top in [1, 3] {
        let asked = choke::Asked {
            top: Some(top),
            hubs_from: Some(0),
            ..choke::Asked::default()
        };
        let few = choke::choke_points(org, program, options, scan, asked);
        if few.points[..] != ranking.points[..top.min(ranking.points.len())] {
            return Err(TestCaseError::fail(format!("the first {top} differ")));
        }
    }
    Ok(expected.len())
}

#[test]
fn what_users_see() {
    let output = linchpin(&["chokepoints", "data/harbour", "--top", "8"]).success();
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    insta::assert_snapshot!("chokepoints", text);
}

#[test]
fn scripts_get_rows_and_owners() {
    let arguments = [
        "chokepoints",
        "data/harbour",
        "--kind",
        "recovery",
        "--system",
        "tenant",
    ];
    let output = linchpin(&[&arguments[..], &["--format", "json"]].concat()).success();
    let found: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(found["pairs"]["1"], 0, "the tenant has criticality 0");
    let first = &found["choke_points"][0];
    assert_eq!(first["kind"], "recovery");
    assert!(
        first["rows"][0]["key"]
            .as_str()
            .unwrap()
            .starts_with("recoveries|")
    );
    assert!(first["pairs"]["0"].as_u64().unwrap() > 0);
}

#[test]
fn a_name_that_is_no_system_is_refused() {
    let output = linchpin(&["chokepoints", "data/harbour", "--system", "tenent"]).code(2);
    let text = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(text.contains("did you mean `tenant`"), "{text}");
}

#[test]
fn nothing_to_unlock_is_said() {
    let folder = Folder::new(&[("identities.csv", "id\nana\n")]);
    let output = linchpin(&["chokepoints", folder.str()]).success();
    let text = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    assert!(text.contains("nothing to take away"), "{text}");
}
