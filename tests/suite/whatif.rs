//! `whatif`: changes give what the edited tables give, and say so when they do not fit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use linchpin::analyze;
use linchpin::compile;
use linchpin::ingest::{self, changes::read_changed};
use linchpin::model::Organisation;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::naive::{Options, Row, Tables};
use crate::properties::write;
use crate::random::organisations;
use crate::support::{Folder, linchpin, runner};

type Unlocks = BTreeMap<String, (Option<u8>, BTreeMap<String, u32>)>;

/// Tier and unlocked systems of everybody.
fn unlocks(org: &Organisation, options: &Options) -> Unlocks {
    let options = compile::Options {
        // One may be about something that is no longer named: it gives nothing then.
        assumptions: options
            .assume
            .iter()
            .map(|text| text.parse::<compile::Assumption>().unwrap())
            .filter(|assumption| assumption.check(org).is_ok())
            .collect(),
        standing_only: options.standing_only,
        ..compile::Options::default()
    };
    let program = compile::compile(org, &options);
    let scan = analyze::scan(org, &program, &|_| {});
    let shown = |at: u32| {
        org.assets
            .get(linchpin::model::AssetId(at))
            .shown
            .to_lowercase()
    };
    let results = scan.identities.iter().map(|result| {
        let asset = org.identities[result.identity as usize].asset;
        let unlocks = result.answer.iter().flat_map(|answer| answer.unlocks());
        let unlocks = unlocks.map(|one| (shown(one.system.0), one.hops)).collect();
        (shown(asset.0), (result.tier, unlocks))
    });
    results.collect()
}

fn after(folder: &Path, changes: &Path) -> Result<Organisation, TestCaseError> {
    let changed = read_changed(&[folder], &[changes], &ingest::Options::default());
    if changed.has_errors() {
        return Err(TestCaseError::fail(format!("{:#?}", changed.diagnostics)));
    }
    Ok(changed.after)
}

/// Rows as changes.
fn as_changes(rows: &BTreeMap<&'static str, Vec<Row>>, word: &str) -> Tables {
    let mut tables = Tables::default();
    for (table, rows) in rows {
        let rows = rows.iter().map(|row| {
            let mut row = row.clone();
            row.push(("change", word.to_owned()));
            row
        });
        tables.0.insert(table, rows.collect());
    }
    tables
}

/// The cells by which a row of these tables is known, roughly: rows that are surely different.
fn is_plain(table: &str, row: &Row) -> bool {
    let cell = |name: &str| {
        row.iter()
            .find(|(column, _)| *column == name)
            .map_or("", |(_, cell)| cell)
    };
    match table {
        "memberships" | "holdings" | "grants" | "systems" | "identities" | "mailboxes" => true,
        // A row of a gate that goes leaves its gate with a need that nothing meets; and a source that
        // is left empty may be satisfied by what is assumed.
        "recoveries" => cell("gate").is_empty(),
        _ => false,
    }
}

fn key(table: &str, org_key: &BTreeMap<(String, usize), String>, at: usize) -> String {
    org_key
        .get(&(table.to_owned(), at))
        .cloned()
        .unwrap_or_default()
}

/// The keys of the rows of tables that name nothing but by themselves.
fn keys(tables: &Tables) -> BTreeMap<(String, usize), String> {
    let mut keys = BTreeMap::new();
    for (table, rows) in &tables.0 {
        for (at, _) in rows.iter().enumerate() {
            // Each row by itself, beside all identities, so that aliases are known.
            let mut alone = Tables::default();
            alone.0.insert("identities", tables.0["identities"].clone());
            if *table != "identities" {
                alone.0.insert(table, vec![rows[at].clone()]);
            }
            let folder = Folder::new(&[]);
            write(&alone, true, folder.path());
            let org = ingest::read(&[folder.path()], ingest::Options::default()).organisation;
            let of = match *table {
                "memberships" => linchpin::model::Table::Memberships,
                "holdings" => linchpin::model::Table::Holdings,
                "grants" => linchpin::model::Table::Grants,
                "systems" => linchpin::model::Table::Systems,
                "mailboxes" => linchpin::model::Table::Mailboxes,
                "identities" => linchpin::model::Table::Identities,
                "recoveries" => linchpin::model::Table::Recoveries,
                _ => continue,
            };
            let index = if *table == "identities" { at as u32 } else { 0 };
            let row = linchpin::model::RowRef { table: of, index };
            keys.insert(
                ((*table).to_owned(), at),
                linchpin::model::row_key(&org, row),
            );
        }
    }
    keys
}

#[test]
fn rows_taken_away_and_added_give_what_the_edited_tables_give() {
    let mut runner = runner(150);
    let moved = std::cell::Cell::new(0);
    runner
        .run(
            &(organisations(), prop::collection::vec(0..64usize, 1..4)),
            |((tables, options), picks)| {
                let keys = keys(&tables);
                let plain: Vec<(&'static str, usize)> = tables
                    .0
                    .iter()
                    .flat_map(|(table, rows)| {
                        rows.iter()
                            .enumerate()
                            .map(move |(at, row)| (*table, at, row))
                    })
                    .filter(|(table, _, row)| is_plain(table, row))
                    // Something must be left to scan.
                    .filter(|(table, at, _)| *table != "identities" || *at > 0)
                    .map(|(table, at, _)| (table, at))
                    .collect();
                if plain.is_empty() {
                    return Ok(());
                }
                let picked: BTreeSet<String> = picks
                    .iter()
                    .map(|pick| plain[pick % plain.len()])
                    .map(|(table, at)| key(table, &keys, at))
                    .collect();
                // Rows of one key go together: those that are written twice, too.
                let (mut fewer, mut gone) = (Tables::default(), BTreeMap::new());
                for (table, rows) in &tables.0 {
                    let is_gone = |at: usize| {
                        is_plain(table, &rows[at]) && picked.contains(&key(table, &keys, at))
                    };
                    let (out, stay): (Vec<usize>, Vec<usize>) =
                        (0..rows.len()).partition(|&at| is_gone(at));
                    fewer
                        .0
                        .insert(table, stay.into_iter().map(|at| rows[at].clone()).collect());
                    let mut seen = BTreeSet::new();
                    // Of rows that differ in their access alone the standing one says more.
                    let is_eligible = |at: &usize| {
                        let mut cells = rows[*at].iter();
                        cells.any(|(_, cell)| cell.eq_ignore_ascii_case("eligible"))
                    };
                    let mut out = out;
                    out.sort_by_key(is_eligible);
                    let once = out
                        .into_iter()
                        .filter(|&at| seen.insert(key(table, &keys, at)));
                    let once: Vec<Row> = once.map(|at| rows[at].clone()).collect();
                    if !once.is_empty() {
                        gone.insert(*table, once);
                    }
                }
                let [all, less, removed, added] = [(); 4].map(|()| Folder::new(&[]));
                write(&tables, true, all.path());
                write(&fewer, true, less.path());
                write(&as_changes(&gone, "remove"), true, removed.path());
                write(&as_changes(&gone, "add"), true, added.path());
                let read = |folder: &Folder| {
                    ingest::read(&[folder.path()], ingest::Options::default()).organisation
                };
                let whole = unlocks(&read(&all), &options);
                let edited = unlocks(&read(&less), &options);
                let removed = unlocks(&after(all.path(), removed.path())?, &options);
                for (name, expected) in &edited {
                    if removed.get(name) != Some(expected) {
                        return Err(TestCaseError::fail(format!(
                            "{name} without {gone:?}: got {:?}, expected {expected:?}",
                            removed.get(name)
                        )));
                    }
                }
                // Rows written twice were added once.
                let added = unlocks(&after(less.path(), added.path())?, &options);
                if added != whole {
                    return Err(TestCaseError::fail(format!(
                        "with {gone:?} again: got {added:?}, expected {whole:?}"
                    )));
                }
                moved.set(moved.get() + usize::from(edited != whole));
                Ok(())
            },
        )
        .unwrap();
    assert!(
        moved.get() > 30,
        "only {} of 150 changes move anything",
        moved.get()
    );
}

/// What `ana` unlocks after a change.
fn ana_after(base: &[(&str, &str)], changes: &[(&str, &str)]) -> usize {
    let (base, changes) = (Folder::new(base), Folder::new(changes));
    let org = after(base.path(), changes.path()).unwrap();
    unlocks(&org, &Options::default())["ana"].1.len()
}

/// Ana holds two of the three things that reset bo, who has the system.
const GATE: [(&str, &str); 4] = [
    ("identities.csv", "id,sign_in\nana,\nbo,password\n"),
    (
        "holdings.csv",
        "holder,asset\nana,phone:1\nana,device:key\n",
    ),
    (
        "recoveries.csv",
        "source,target,method,gate,need\nphone:1,bo,sms_code,g,2\ndevice:key,bo,authenticator,g,2\nm@x,bo,email_link,g,2\n",
    ),
    ("grants.csv", "principal,system\nbo,idp\n"),
];

#[test]
fn a_gate_that_loses_a_row_needs_as_many_as_before() {
    assert_eq!(
        ana_after(
            &GATE,
            &[("memberships.csv", "change,member,group\nadd,ana,x\n")]
        ),
        1
    );
    let without = "change,source,target,method,gate\nremove,phone:1,bo,sms_code,g\n";
    assert_eq!(ana_after(&GATE, &[("recoveries.csv", without)]), 0);
    let other = "change,source,target,method,gate\nremove,m@x,bo,email_link,g\n";
    assert_eq!(ana_after(&GATE, &[("recoveries.csv", other)]), 1);
}

#[test]
fn a_gate_that_wins_a_row_needs_more_only_if_the_row_says_so() {
    let more = "change,source,target,method,gate\nadd,phone:2,bo,voice_call,g\n";
    assert_eq!(ana_after(&GATE, &[("recoveries.csv", more)]), 1);
    let three = "change,source,target,method,gate,need\nadd,phone:2,bo,voice_call,g,3\n";
    assert_eq!(ana_after(&GATE, &[("recoveries.csv", three)]), 0);
    let set = "change,source,target,method,gate,need\nset,m@x,bo,email_link,g,3\n";
    assert_eq!(ana_after(&GATE, &[("recoveries.csv", set)]), 0);
    // All of two is still two when a third comes in.
    let mut all = GATE;
    all[2].1 = "source,target,method,gate\nphone:1,bo,sms_code,g\ndevice:key,bo,authenticator,g\n";
    assert_eq!(ana_after(&all, &[("recoveries.csv", more)]), 1);
}

#[test]
fn a_factor_that_goes_is_still_asked_for() {
    let base = [
        ("identities.csv", "id\nana\nbo\n"),
        (
            "mfa_bindings.csv",
            "identity,factor,holder\nbo,push,device:p\n",
        ),
        ("recoveries.csv", "source,target,method\nana,bo,help_desk\n"),
        ("holdings.csv", "holder,asset\nana,device:p\n"),
        ("grants.csv", "principal,system\nbo,idp\n"),
    ];
    let nothing = [("memberships.csv", "change,member,group\nadd,ana,x\n")];
    assert_eq!(ana_after(&base, &nothing), 1);
    let gone = "change,identity,factor,holder\nremove,bo,push,device:p\n";
    assert_eq!(ana_after(&base, &[("mfa_bindings.csv", gone)]), 0);
    let weaker = "id,sign_in,change\nbo,password,set\n";
    let both = [("mfa_bindings.csv", gone), ("identities.csv", weaker)];
    assert_eq!(ana_after(&base, &both), 1, "a password alone was asked for");
}

#[test]
fn cells_are_set_and_empty_ones_stay() {
    let disabled = [(
        "identities.json",
        r#"[{"id":"bo","enabled":false,"change":"set"}]"#,
    )];
    assert_eq!(ana_after(&GATE, &disabled), 0);
    let (base, changes) = (
        Folder::new(&[("identities.csv", "id,department,kind\nana,IT,admin\n")]),
        Folder::new(&[(
            "identities.csv",
            "change,id,department,kind\nset,ANA,,service\n",
        )]),
    );
    let org = after(base.path(), changes.path()).unwrap();
    assert_eq!(org.text(org.identities[0].department), "IT");
    assert_eq!(
        org.identities[0].kind,
        linchpin::model::IdentityKind::Service
    );
}

#[test]
fn changes_that_do_not_fit_are_errors() {
    let base = Folder::new(&GATE);
    let changes = Folder::new(&[
        (
            "identities.csv",
            "change,id,owner\nadd,ana,\nremove,eve,\nset,bo,\n",
        ),
        (
            "holdings.csv",
            "change,holder,asset\nadd,ana,phone:1\nremove,bo,phone:1\nset,ana,phone:1\n",
        ),
    ]);
    let output = linchpin(&["whatif", base.str(), "--change", changes.str()]).code(2);
    let text = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    for expected in [
        "`ana` is there already",
        "`eve` is not there",
        "a row of `holdings` that is there already",
        "no row of `holdings` is the one to remove",
        "a change that sets nothing in `holdings`",
        "a change of `bo` that sets nothing",
        "6 errors",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let scanned = linchpin(&["check", changes.str()]).code(2);
    let text = String::from_utf8_lossy(&scanned.get_output().stderr).into_owned();
    assert!(
        text.contains("linchpin whatif INPUT --change FILE"),
        "{text}"
    );
}

#[test]
fn a_row_that_is_taken_back_and_added_again_says_what_it_says_now() {
    let base = [
        ("identities.csv", "id\nana\nbo\n"),
        ("memberships.csv", "member,group\nana,grp\n"),
        (
            "recoveries.csv",
            "source,target,method,gate,need\nphone:1,bo,sms_code,g,2\ndevice:key,bo,authenticator,g,2\n",
        ),
        ("holdings.csv", "holder,asset\nana,phone:1\n"),
        ("systems.csv", "id\nidp\nbox\n"),
        ("grants.csv", "principal,system\ngroup:grp,box\nbo,idp\n"),
    ];
    let again = "change,member,group,access\nremove,ana,grp,\nadd,ana,grp,eligible\n";
    let (folder, changes) = (
        Folder::new(&base),
        Folder::new(&[("memberships.csv", again)]),
    );
    let org = after(folder.path(), changes.path()).unwrap();
    let standing = Options {
        standing_only: true,
        ..Options::default()
    };
    assert_eq!(unlocks(&org, &standing)["ana"].1.len(), 0);
    let fewer = "change,source,target,method,gate,need\nremove,phone:1,bo,sms_code,g,\nremove,device:key,bo,authenticator,g,\nadd,phone:1,bo,sms_code,g,1\n";
    assert_eq!(ana_after(&base, &[("recoveries.csv", fewer)]), 2);
}

#[test]
fn gates_of_one_name_in_two_files_all_get_an_added_row() {
    let tables = Folder::new(&[
        ("identities.csv", "id,sign_in\nana,\nbo,password\n"),
        ("systems.csv", "id\nidp\n"),
        ("grants.csv", "principal,system\nbo,idp\n"),
        (
            "recoveries.csv",
            "source,target,method,gate\nana,bo,help_desk,g\n",
        ),
    ]);
    let more = Folder::new(&[(
        "recoveries.csv",
        "source,target,method,gate\nana,bo,manager_approval,g\n",
    )]);
    let changes = Folder::new(&[(
        "recoveries.csv",
        "change,source,target,method,gate,need\nadd,device:new,bo,security_key,g,2\n",
    )]);
    let arguments = [
        "whatif",
        tables.str(),
        more.str(),
        "--change",
        changes.str(),
    ];
    let output = linchpin(&arguments).success();
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    assert!(text.contains("ana, no longer idp"), "{text}");
}

#[test]
fn what_users_see() {
    let changes = Folder::new(&[
        (
            "recoveries.csv",
            "change,source,target,method,process\nremove,it-team,svc-backup,stored_secret,stored-secrets\n",
        ),
        (
            "memberships.csv",
            "change,member,group\nadd,k.lowe,terminal-admins\n",
        ),
    ]);
    let arguments = ["whatif", "data/harbour", "--change", changes.str()];
    let output = linchpin(&[&arguments[..], &["--fail-on", "unlocks-gained"]].concat()).code(1);
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    insta::assert_snapshot!("whatif", text);
    let output = linchpin(&[&arguments[..], &["--fail-on", "tier-raised"]].concat()).success();
    let said = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(
        !said.contains("--fail-on"),
        "nobody's tier is stricter: {said}"
    );
    let output = linchpin(&[&arguments[..], &["--format", "json"]].concat()).success();
    let found: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(found["moved"][0]["identity"], "k.lowe");
    assert_eq!(found["moved"][0]["gained"][0], "terminal-control");
}
