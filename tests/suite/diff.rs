//! `diff`: what moved between two exports, and the rows that explain it.

use std::cell::Cell;

use linchpin::analyze::causes::{self, Search};
use linchpin::analyze::compare::{Scanned, compare};
use linchpin::analyze::{self, Scan};
use linchpin::compile::{self, Program};
use linchpin::ingest::{self, changes::read_kept};
use linchpin::model::Organisation;
use linchpin::report::row_changes;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestCaseResult};

use crate::naive::{Options, Tables};
use crate::properties::write;
use crate::random::organisations;
use crate::support::{Folder, linchpin, runner};

struct Side {
    org: Organisation,
    program: Program,
    scan: Scan,
}

impl Side {
    fn new(org: Organisation, options: &Options) -> Self {
        let options = compile::Options {
            assumptions: options
                .assume
                .iter()
                .map(|text| text.parse::<compile::Assumption>().unwrap())
                .filter(|assumption| assumption.check(&org).is_ok())
                .collect(),
            standing_only: options.standing_only,
            ..compile::Options::default()
        };
        let program = compile::compile(&org, &options);
        let scan = analyze::scan(&org, &program, &|_| {});
        Self { org, program, scan }
    }

    fn scanned(&self) -> Scanned<'_> {
        Scanned {
            org: &self.org,
            program: &self.program,
            scan: &self.scan,
        }
    }
}

/// The second organisation: the first without some rows, and with some of another.
fn edited(one: &Tables, other: &Tables, picks: &[(usize, usize, bool)]) -> Tables {
    let mut tables = one.clone();
    for &(table, row, is_removal) in picks {
        let names: Vec<&'static str> = tables.0.keys().copied().collect();
        let name = names[table % names.len()];
        let rows = tables.0.get_mut(name).unwrap();
        if is_removal {
            let least = usize::from(name == "identities");
            if rows.len() > least {
                rows.remove(row % rows.len());
            }
        } else if let Some(more) = other.0.get(name).filter(|rows| !rows.is_empty()) {
            let more = more[row % more.len()].clone();
            let id = |row: &crate::naive::Row| {
                let id = row.iter().find(|(column, _)| *column == "id");
                id.map(|(_, id)| crate::naive::fold(id))
            };
            match rows
                .iter()
                .position(|known| id(known).is_some() && id(known) == id(&more))
            {
                Some(at) => rows[at] = more,
                None => rows.push(more),
            }
        }
    }
    tables
}

#[test]
fn causes_undo_the_moves_that_they_explain() {
    let mut runner = runner(1500);
    let explained = Cell::new(0);
    let picks = prop::collection::vec((0..12usize, 0..8usize, any::<bool>()), 1..5);
    runner
        .run(
            &(organisations(), organisations(), picks),
            |((one, options), (other, _), picks)| {
                let second = edited(&one, &other, &picks);
                let [old, new] = [(); 2].map(|()| Folder::new(&[]));
                write(&one, true, old.path());
                write(&second, true, new.path());
                let first = ingest::read(&[old.path()], ingest::Options::default());
                let old = Side::new(first.organisation, &options);
                let read = ingest::Options::default();
                read_kept(&[new.path()], &read, |ingested, kept| {
                    if ingested.has_errors() {
                        // Rows of two organisations need not fit together.
                        return Ok(());
                    }
                    let new = Side::new(ingested.organisation, &options);
                    let undo = |rows: &[usize]| {
                        let changes = row_changes(&old.org, &new.org);
                        let made: Vec<_> = rows
                            .iter()
                            .flat_map(|&at| changes[at].undo_cells())
                            .collect();
                        Side::new(kept.changed(&made), &options)
                    };
                    check(&old, &new, &undo, &explained)
                })
            },
        )
        .unwrap();
    assert!(
        explained.get() > 300,
        "only {} moves explained",
        explained.get()
    );
}

fn check(
    old: &Side,
    new: &Side,
    undo: &dyn Fn(&[usize]) -> Side,
    explained: &Cell<usize>,
) -> TestCaseResult {
    let found = compare(old.scanned(), new.scanned());
    let count = row_changes(&old.org, &new.org).len();
    let all: Vec<usize> = (0..count).collect();
    let mut undone = |set: &[usize]| {
        let without = undo(set);
        let left = compare(old.scanned(), without.scanned());
        let is_back = |one: &analyze::compare::Move| {
            let there = |other: &analyze::compare::Move| other.identity[0] == one.identity[0];
            !left.moved.iter().any(there) && !left.vanished.contains(&one.identity[0])
        };
        found.moved.iter().map(is_back).collect::<Vec<bool>>()
    };
    if let Some(at) = undone(&all).iter().position(|is_back| !is_back) {
        let moved = &found.moved[at];
        let without = undo(&all);
        let left = compare(old.scanned(), without.scanned());
        return Err(TestCaseError::fail(format!(
            "undoing everything leaves {moved:?} as {:?}; changes {:#?}",
            left.moved,
            row_changes(&old.org, &new.org)
        )));
    }
    let touching = vec![all; found.moved.len()];
    let causes = causes::causes(Search {
        changes: count,
        touching: &touching,
        undone: &mut undone,
        budget: 5000,
    });
    for (at, cause) in causes.iter().enumerate() {
        if cause.changes.is_empty() || !undone(&cause.changes)[at] {
            return Err(TestCaseError::fail(format!(
                "{cause:?} does not undo {:?}",
                found.moved[at]
            )));
        }
        // Nothing smaller does.
        for left_out in 0..cause.changes.len() {
            let mut fewer = cause.changes.clone();
            fewer.remove(left_out);
            if undone(&fewer)[at] {
                return Err(TestCaseError::fail(format!(
                    "{fewer:?} is enough, not {cause:?}"
                )));
            }
        }
        explained.set(explained.get() + 1);
    }
    Ok(())
}

/// The personal mailbox of the chief recovers the account beside the factor; in the second month the
/// recovery that skips the factor is gone.
fn incident(with_bypass: bool) -> Folder {
    let bypass = if with_bypass {
        "gmail@personal,ceo,email_link,account,\n"
    } else {
        ""
    };
    let recoveries = format!(
        "source,target,method,restores,gate\n\
         identity:att-voicemail,mailbox:gmail@personal,voice_call,,\n{bypass}\
         gmail@personal,ceo,email_link,account,designed\n\
         device:totp,ceo,authenticator,account,designed\n\
         identity:ceo,cloud-admin,admin_reset,account,\n"
    );
    Folder::new(&[
        (
            "identities.csv",
            "id\natt-voicemail\ntotp-thief\nceo\ncloud-admin\n",
        ),
        ("holdings.csv", "holder,asset\ntotp-thief,device:totp\n"),
        ("recoveries.csv", &recoveries),
        ("systems.csv", "id,criticality\ncust-dns,0\n"),
        ("grants.csv", "principal,system\ncloud-admin,cust-dns\n"),
    ])
}

#[test]
fn e5_one_recovery_dropped_closes_the_chain() {
    let (old, new) = (incident(true), incident(false));
    let output = linchpin(&["diff", old.str(), new.str()]).success();
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    insta::assert_snapshot!("diff", text);
    let output = linchpin(&[
        "diff",
        new.str(),
        old.str(),
        "--fail-on",
        "unlocks-gained",
        "--format",
        "json",
    ])
    .code(1);
    let found: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    let moved = &found["moved"][0];
    assert_eq!(moved["identity"], "att-voicemail");
    assert_eq!(moved["gained"][0], "cust-dns");
    assert_eq!(moved["causes"]["smallest"], true);
    assert_eq!(
        moved["causes"]["changes"][0]["new"][0]["key"],
        "recoveries|mailbox:gmail@personal|identity:ceo|email_link|account|||"
    );
}

/// The scan of some tables, with further arguments.
fn scan_of(tables: &Folder, more: &[&str]) -> tempfile::TempDir {
    let out = tempfile::tempdir().unwrap();
    let arguments = [
        "scan",
        tables.str(),
        "--quiet",
        "--out",
        out.path().to_str().unwrap(),
    ];
    linchpin(&[&arguments[..], more].concat()).success();
    out
}

#[test]
fn two_scans_are_compared_without_their_tables() {
    let (old, new) = (incident(false), incident(true));
    new.write("signals.csv", "identity,signal\nceo,phishing\n");
    let scans = [&old, &new].map(|tables| scan_of(tables, &[]));
    let [before, after] = [0, 1].map(|at| scans[at].path().to_str().unwrap());
    let output = linchpin(&["diff", before, after]).success();
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    insta::assert_snapshot!("diff-scans", text);
    let file = format!("{before}/tiers.json");
    let output = linchpin(&[
        "diff",
        after,
        &file,
        "--format",
        "json",
        "--fail-on",
        "moved",
    ])
    .code(1);
    let found: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    let moved = &found["moved"][0];
    assert_eq!(moved["identity"], "att-voicemail");
    assert_eq!(moved["lost"][0], "cust-dns");
    let gone =
        "recoveries|mailbox:gmail@personal|identity:ceo|email_link|account||| (recoveries.csv:3)";
    let rows = moved["rows"].as_array().unwrap();
    assert!(rows.iter().any(|row| row == gone), "{rows:?}");
    // The same identities move, the same way, as by the exports.
    let output = linchpin(&["diff", new.str(), old.str(), "--format", "json"]).success();
    let exports: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    for key in ["tiers", "vanished"] {
        assert_eq!(found[key], exports[key], "{key}");
    }
    let moves = |found: &serde_json::Value| -> Vec<[serde_json::Value; 4]> {
        let moved = found["moved"].as_array().unwrap().iter();
        moved
            .map(|one| ["identity", "tier", "gained", "lost"].map(|key| one[key].clone()))
            .collect()
    };
    assert_eq!(moves(&found), moves(&exports));
}

#[test]
fn scans_that_are_not_alike_or_not_scans_are_told() {
    let tables = incident(true);
    let (plain, assumed) = (
        scan_of(&tables, &[]),
        scan_of(&tables, &["--assume", "sim-swap"]),
    );
    let [plain, assumed] = [&plain, &assumed].map(|folder| folder.path().to_str().unwrap());
    let output = linchpin(&["diff", plain, assumed]).success();
    let said = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(
        said.contains("assumed: nothing before, sim-swap after"),
        "{said}"
    );
    let output = linchpin(&["diff", plain, tables.str()]).code(2);
    let said = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(said.contains("OLD is a scan and NEW an export"), "{said}");
    let cut = Folder::new(&[("tiers.json", "{\n  \"schema_version\": 1,\n  \"linchpin\"")]);
    let output = linchpin(&["diff", plain, cut.str()]).code(2);
    let said = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(
        said.contains("line 3 column 12") && said.contains("scan the export again"),
        "{said}"
    );
}

#[test]
fn a_page_in_markdown_takes_names_for_names() {
    let old = Folder::new(&[
        ("identities.csv", "id\na`*x*`\n"),
        ("systems.csv", "id,criticality\ns,0\n"),
    ]);
    let new = Folder::new(&[
        ("identities.csv", "id\na`*x*`\nnew\n"),
        ("systems.csv", "id,criticality\ns,0\n"),
        ("grants.csv", "principal,system\na`*x*`,s\n"),
    ]);
    let output = linchpin(&["diff", old.str(), new.str(), "--as", "markdown"]).success();
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    insta::assert_snapshot!("diff-markdown", text);
}

#[test]
fn a_factor_that_was_enrolled_is_the_cause() {
    let tables = |sign_in: &str, bindings: &str| {
        Folder::new(&[
            (
                "identities.csv",
                &format!("id,sign_in\nana,\nadm,{sign_in}\n"),
            ),
            (
                "mfa_bindings.csv",
                &format!("identity,factor,holder\n{bindings}"),
            ),
            (
                "recoveries.csv",
                "source,target,method\nidentity:ana,adm,help_desk\n",
            ),
            ("systems.csv", "id,criticality\ns,0\n"),
            ("grants.csv", "principal,system\nadm,s\n"),
        ])
    };
    for sign_in in ["password+mfa", ""] {
        let (old, new) = (tables(sign_in, ""), tables(sign_in, "adm,fido2,\n"));
        for [one, two] in [[&old, &new], [&new, &old]] {
            let output = linchpin(&["diff", one.str(), two.str()]).success();
            let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
            assert!(text.starts_with("1 changed row"), "{sign_in}: {text}");
            assert!(
                text.contains("d mfa_bindings|identity:adm|fido2| (mfa_bindings.csv:2)"),
                "{text}"
            );
        }
    }
}

#[test]
fn whoever_is_new_is_told_with_the_chain_and_its_new_rows() {
    let old = Folder::new(&[
        ("identities.csv", "id\nana\n"),
        ("systems.csv", "id,criticality\ns,0\n"),
    ]);
    let new = Folder::new(&[
        ("identities.csv", "id\nana\nnew\nplain\n"),
        ("systems.csv", "id,criticality\ns,0\n"),
        ("grants.csv", "principal,system\nnew,s\n"),
    ]);
    let arguments = ["diff", old.str(), new.str(), "--fail-on", "unlocks-gained"];
    let output = linchpin(&arguments).code(1);
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    insta::assert_snapshot!("diff-new", text);
}

#[test]
fn nothing_moved_is_said_and_two_inputs_are_asked_for() {
    let output =
        linchpin(&["diff", "data/harbour", "data/harbour", "--fail-on", "moved"]).success();
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    assert!(
        text.contains("nothing moves") && text.starts_with("0 changed"),
        "{text}"
    );
    let output = linchpin(&["diff", "data/harbour"]).code(2);
    let text = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(text.contains("linchpin diff OLD NEW"), "{text}");
}
