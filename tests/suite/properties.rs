//! The program against the naive reference on random organisations, and every proof replayed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use linchpin::rules::{Fact, Gate};
use linchpin::solve::Proof;
use proptest::test_runner::{TestCaseError, TestCaseResult, TestRunner};

use crate::naive::{self, Options, Tables};
use crate::random::organisations;
use crate::support::{Scanned, runner, scan};

/// Writes the tables as CSV files, or as one JSON object.
pub fn write(tables: &Tables, as_csv: bool, folder: &std::path::Path) {
    if !as_csv {
        let tables: BTreeMap<_, Vec<BTreeMap<_, _>>> = tables
            .0
            .iter()
            .map(|(name, rows)| {
                let rows = rows
                    .iter()
                    .map(|row| row.iter().map(|(column, cell)| (*column, cell)).collect());
                (*name, rows.collect())
            })
            .collect();
        fs::write(
            folder.join("organisation.json"),
            serde_json::to_vec(&tables).unwrap(),
        )
        .unwrap();
        return;
    }
    for (name, rows) in &tables.0 {
        let Some(first) = rows.first() else { continue };
        let mut out = csv::Writer::from_path(folder.join(format!("{name}.csv"))).unwrap();
        out.write_record(first.iter().map(|(column, _)| column))
            .unwrap();
        for row in rows {
            out.write_record(row.iter().map(|(_, cell)| cell)).unwrap();
        }
        out.flush().unwrap();
    }
}

fn agree(tables: &Tables, options: &Options, as_csv: bool) -> TestCaseResult {
    let folder = tempfile::tempdir().unwrap();
    write(tables, as_csv, folder.path());
    let scanned = scan(&[folder.path()], &options.assume, options.standing_only);
    let expected = naive::evaluate(tables, options);
    if scanned.identities() != expected.identities {
        return Err(differ(
            "identities",
            &scanned.identities(),
            &expected.identities,
            &scanned,
        ));
    }
    if scanned.footholds() != expected.footholds {
        return Err(differ(
            "footholds",
            &scanned.footholds(),
            &expected.footholds,
            &scanned,
        ));
    }
    for result in &scanned.scan.identities {
        let Some(answer) = &result.answer else {
            continue;
        };
        let seed = scanned.ingested.organisation.identities[result.identity as usize].asset;
        if let (Some(worst), Some(proof)) = (answer.unlocks().first(), answer.proof()) {
            replay(&scanned, Fact(seed.0), proof, worst.system, worst.hops)?;
        }
    }
    Ok(())
}

fn differ<T: std::fmt::Debug + PartialEq>(
    what: &str,
    got: &BTreeMap<String, T>,
    expected: &BTreeMap<String, T>,
    scanned: &Scanned,
) -> TestCaseError {
    let names: BTreeSet<_> = got.keys().chain(expected.keys()).collect();
    let lines: Vec<_> = names
        .into_iter()
        .filter(|name| got.get(*name) != expected.get(*name))
        .map(|name| {
            format!(
                "{name}: got {:?}, expected {:?}",
                got.get(name),
                expected.get(name)
            )
        })
        .collect();
    TestCaseError::fail(format!(
        "{what}:\n{}\n{:?}",
        lines.join("\n"),
        scanned.ingested.diagnostics.len()
    ))
}

/// Every step fires from what is given or was reached before, none repeats, and the longest branch
/// has as many recoveries as the scan says.
fn replay(scanned: &Scanned, seed: Fact, proof: &Proof, goal: Fact, hops: u32) -> TestCaseResult {
    let graph = &scanned.program.graph;
    let mut levels: BTreeMap<Fact, u32> = scanned
        .program
        .assumed
        .iter()
        .map(|&fact| (fact, 0))
        .collect();
    levels.insert(seed, 0);
    let mut fired: BTreeSet<Gate> = BTreeSet::new();
    for step in &proof.steps {
        let slots = proof.slots(step);
        let inputs: Option<Vec<u32>> = slots
            .iter()
            .map(|&slot| levels.get(&graph.inputs(step.gate)[slot as usize]).copied())
            .collect();
        let inputs = inputs
            .ok_or_else(|| TestCaseError::fail(format!("a step before its inputs: {proof:?}")))?;
        let level = inputs.iter().max().copied().unwrap_or(0) + graph.cost(step.gate);
        let distinct: BTreeSet<_> = slots.iter().collect();
        if distinct.len() != graph.need(step.gate) as usize
            || level != step.level
            || !fired.insert(step.gate)
        {
            return Err(TestCaseError::fail(format!(
                "a step that does not hold: {step:?} in {proof:?}"
            )));
        }
        levels.insert(graph.head(step.gate), level);
    }
    if levels.get(&goal) != Some(&hops) {
        return Err(TestCaseError::fail(format!(
            "{hops} hops are not {:?}",
            levels.get(&goal)
        )));
    }
    Ok(())
}

fn run(cases: u32) {
    let mut runner = runner(cases);
    let counter = std::cell::Cell::new(0u32);
    let result = runner.run(&organisations(), |(tables, options)| {
        counter.set(counter.get() + 1);
        agree(&tables, &options, counter.get().is_multiple_of(8))
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn ten_thousand_random_organisations_agree_with_the_naive_reference() {
    run(10_000);
}

/// `cargo test --release -- --ignored random_organisations`
#[test]
#[ignore = "takes some minutes"]
fn two_hundred_thousand_random_organisations_agree() {
    run(200_000);
}

/// A property test that reaches nothing proves nothing: the generator must meet every rule often.
#[test]
fn the_random_organisations_are_interesting() {
    use proptest::strategy::{Strategy, ValueTree};
    let mut runner = TestRunner::deterministic();
    let strategy = organisations();
    let total = 600;
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let mut note = |what, holds: bool| *seen.entry(what).or_default() += u32::from(holds);
    for _ in 0..total {
        let (tables, options) = strategy.new_tree(&mut runner).unwrap().current();
        let full = naive::evaluate(&tables, &options);
        let hops = full
            .identities
            .values()
            .flat_map(|(_, fallen)| fallen.unlocks.values())
            .copied()
            .max();
        note("somebody unlocks by a recovery", hops >= Some(1));
        note("two recoveries deep", hops >= Some(2));
        note("a foothold", !full.footholds.is_empty());
        let plain = naive::evaluate(&tables, &Options::default());
        note("options matter", plain != full);
        let changed = |edit: &dyn Fn(&mut Tables)| {
            let mut edited = tables.clone();
            edit(&mut edited);
            naive::evaluate(&edited, &options) != full
        };
        let drop_rows =
            |table: &'static str, column: &'static str, holds: &dyn Fn(&str) -> bool| {
                changed(&|tables: &mut Tables| {
                    if let Some(rows) = tables.0.get_mut(table) {
                        rows.retain(|row| {
                            !row.iter()
                                .any(|(name, cell)| *name == column && holds(&cell.to_lowercase()))
                        });
                    }
                })
            };
        for own in ["own:mailbox", "own:phone", "own:device", "own:owner"] {
            note(own, drop_rows("recoveries", "source", &|cell| cell == own));
        }
        note(
            "membership",
            drop_rows("recoveries", "restores", &|cell| cell == "membership"),
        );
        note(
            "everyone",
            drop_rows("recoveries", "target", &|cell| cell == "*"),
        );
        note(
            "group target",
            drop_rows("recoveries", "target", &|cell| cell.starts_with("group:")),
        );
        note(
            "need 2",
            changed(&|tables: &mut Tables| {
                for row in tables.0.get_mut("recoveries").into_iter().flatten() {
                    row.iter_mut()
                        .filter(|(name, cell)| *name == "need" && cell == "2")
                        .for_each(|(_, cell)| *cell = "1".into());
                }
            }),
        );
        note(
            "except",
            changed(&|tables: &mut Tables| {
                for row in tables.0.get_mut("recoveries").into_iter().flatten() {
                    row.iter_mut()
                        .filter(|(name, _)| *name == "except")
                        .for_each(|(_, cell)| cell.clear());
                }
            }),
        );
        note(
            "forwards",
            changed(&|tables: &mut Tables| {
                for row in tables.0.get_mut("mailboxes").into_iter().flatten() {
                    row.iter_mut()
                        .filter(|(name, _)| *name == "forwards_to")
                        .for_each(|(_, cell)| cell.clear());
                }
            }),
        );
    }
    for (what, count) in &seen {
        assert!(
            *count >= total / 200,
            "`{what}` matters in {count} of {total} only: {seen:#?}"
        );
    }
}
