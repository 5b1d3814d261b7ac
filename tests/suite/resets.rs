//! `audit` as people ask for it: the tiers of then, another policy, a table, who it is about.

use serde_json::Value;

use crate::support::{Folder, linchpin, text};

const TABLES: [(&str, &str); 6] = [
    (
        "identities.csv",
        "id,kind,department,sign_in\n\
         ana,human,Quay,password\n\
         bo,human,Quay,password\n\
         adm,admin,IT,password\n\
         bot,workload,IT,password\n\
         boss,human,Board,password\n\
         desk,help_desk,IT,password\n",
    ),
    ("systems.csv", "id,criticality\ndirectory,0\n"),
    (
        "grants.csv",
        "principal,system\nadm,directory\nbot,directory\n",
    ),
    (
        "processes.csv",
        "id,policy_owner,proofing_owner,approval_owner,proofing,approvals,revokes_sessions,logged\n\
         desk-call,boss,desk,,ial2,0,true,true\n",
    ),
    (
        "recoveries.csv",
        "source,target,method,restores,process\n\
         ,*,help_desk,password,desk-call\n",
    ),
    (
        "resets.csv",
        "id,time,identity,process,agent,approvers,evidence,proofing,restored,sessions_revoked,requested\n\
         r1,2026-03-01T10:00:00Z,ana,desk-call,desk,,badge,possession,password,true,2026-03-01T09:00:00Z\n\
         r2,2026-03-02T10:00:00Z,adm,desk-call,desk,boss,passport,ial2,password,true,2026-03-01T16:00:00Z\n\
         r3,2026-03-03T10:00:00Z,bot,desk-call,desk,bot;boss,passport,ial2,password,true,2026-03-01T10:00:00Z\n",
    ),
];

fn audit(tables: &Folder, more: &[&str]) -> Value {
    let arguments = ["audit", tables.str(), "--format", "json", "--quiet"];
    let output = linchpin(&[&arguments[..], more].concat()).code(0);
    serde_json::from_slice(&output.get_output().stdout).unwrap()
}

/// Kind, account, who answers, of each violation.
fn told(audit: &Value) -> Vec<String> {
    let violations = audit["violations"].as_array().unwrap().iter();
    let told = violations.map(|one| {
        let of = |key: &str| text(&one[key]);
        format!("{} {} {}", of("kind"), of("identity"), of("accountable"))
    });
    told.collect()
}

#[test]
fn resets_are_held_against_the_tiers_of_then_and_it_is_said() {
    let tables = Folder::new(&TABLES);
    let today = audit(&tables, &[]);
    assert_eq!(today["tiers"], "of today");
    let of_today = [
        "approvals-missing adm boss",
        "hold-cut-short adm boss",
        "approval-by-requester bot boss",
    ];
    assert_eq!(told(&today), of_today);
    // Then `ana` was the one of tier 0, `bot` of tier 3, and nobody knew `adm`.
    let then = Folder::new(&[(
        "tiers.csv",
        "identity,tier,why\nANA,0,\nbo,2,\nbot,3,\ndesk,,\n",
    )]);
    let file = then.path().join("tiers.csv");
    let earlier = audit(&tables, &["--tiers", file.to_str().unwrap()]);
    let of_then = [
        "proofing-too-weak ana desk",
        "approvals-missing ana boss",
        "hold-cut-short ana boss",
    ];
    assert_eq!(told(&earlier), of_then);
    assert!(text(&earlier["tiers"]).ends_with("tiers.csv"));
    assert_eq!(earlier["without_tier"], 1);
    // The forecast is about the tiers of today, whatever was then.
    assert_eq!(earlier["forecast"], today["forecast"]);
}

#[test]
fn both_files_of_an_earlier_scan_are_tiers_of_then() {
    let tables = Folder::new(&TABLES);
    let out = tables.path().join("out");
    linchpin(&[
        "scan",
        tables.str(),
        "--quiet",
        "--out",
        out.to_str().unwrap(),
    ])
    .code(0);
    let today = audit(&tables, &[]);
    for name in ["tiers.csv", "tiers.json"] {
        let file = out.join(name);
        let then = audit(&tables, &["--tiers", file.to_str().unwrap()]);
        assert_eq!(then["violations"], today["violations"], "{name}");
    }
}

#[test]
fn files_that_are_no_tiers_are_told_with_their_place() {
    let tables = Folder::new(&TABLES);
    for (content, said) in [
        (
            "identity,tier\nana,0\nbo,7\n",
            "tiers.csv:3: `7` is no tier, expected 0 to 3",
        ),
        (
            "account,level\nana,0\n",
            "expected the columns `identity` and `tier`",
        ),
        (
            "identity,tier\nzoe,0\n",
            "names none of the identities of the inputs",
        ),
        ("{\"schema\": 1}", "is no tiers.json of this version"),
        ("", "expected the columns `identity` and `tier`"),
    ] {
        let then = Folder::new(&[("tiers.csv", content)]);
        let file = then.path().join("tiers.csv");
        let arguments = [
            "audit",
            tables.str(),
            "--quiet",
            "--tiers",
            file.to_str().unwrap(),
        ];
        let run = linchpin(&arguments).code(2);
        let error = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(error.contains(said), "{content:?}: {error}");
    }
    let arguments = ["audit", tables.str(), "--quiet", "--tiers", "nowhere.csv"];
    let run = linchpin(&arguments).code(2);
    let error = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(error.contains("cannot read `nowhere.csv`"), "{error}");
}

#[test]
fn what_stricter_tiers_would_have_cost_is_added_up_by_department() {
    let tables = Folder::new(&TABLES);
    tables.write(
        "stricter.toml",
        "name = \"stricter\"\notherwise = 1\n\n[tier.1]\nproofing = \"ial2\"\napprovers = 1\nhold_hours = 4\n",
    );
    let policy = tables.path().join("stricter.toml");
    let both = audit(&tables, &["--compare", policy.to_str().unwrap()]);
    let of = |at: usize, which: &str| {
        let needs = match which {
            "" => &both["forecast"][at]["all"],
            name => &both["forecast"][at]["departments"][name],
        };
        let number = |key: &str| needs[key].as_u64().unwrap();
        let keys = [
            "resets",
            "harder",
            "proofing",
            "process",
            "approvals",
            "sessions",
        ];
        (keys.map(number), number("waiting_seconds") / 3600)
    };
    assert_eq!(both["forecast"][0]["policy"], "default");
    // `adm` and `bot` are of tier 0: one more approval each (the bot's own is none), 18 of 24 hours
    // were waited for the one, 48 for the other; `ana` is of tier 3 and needs nothing.
    assert_eq!(of(0, ""), ([3, 2, 0, 0, 2, 0], 6));
    assert_eq!(of(0, "IT"), ([2, 2, 0, 0, 2, 0], 6));
    assert_eq!(of(0, "Quay"), ([1, 0, 0, 0, 0, 0], 0));
    // All are of tier 1: only `ana` was not proven, approved and kept waiting so.
    assert_eq!(both["forecast"][1]["policy"], "stricter");
    assert_eq!(of(1, ""), ([3, 1, 1, 0, 1, 0], 3));
    assert_eq!(of(1, "Quay"), ([1, 1, 1, 0, 1, 0], 3));
    tables.write("bad.toml", "otherwise = 9\n");
    let bad = tables.path().join("bad.toml");
    let arguments = [
        "audit",
        tables.str(),
        "--quiet",
        "--compare",
        bad.to_str().unwrap(),
    ];
    let run = linchpin(&arguments).code(2);
    let error = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(error.contains("bad.toml:1:13"), "{error}");
}

#[test]
fn the_table_of_violations_has_a_row_each_and_no_formula() {
    let tables = Folder::new(&TABLES);
    tables.write(
        "resets.csv",
        "id,time,identity,process,agent,approvers,proofing,requested,sessions_revoked\n\
         r1,2026-03-01T10:00:00Z,adm,desk-call,\"=cmd|' /C calc'!A1\",\"=cmd|' /C calc'!A1;boss\",ial2,2026-02-01T10:00:00Z,true\n",
    );
    let run = |more: &[&str]| {
        let arguments = ["audit", tables.str(), "--quiet", "--as", "csv"];
        let output = linchpin(&[&arguments[..], more].concat()).code(0);
        let text = output.get_output().stdout.clone();
        let mut rows = csv::Reader::from_reader(&text[..]);
        let header: Vec<String> = rows.headers().unwrap().iter().map(str::to_owned).collect();
        let rows: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
        (header, rows)
    };
    let (header, rows) = run(&["--csv-guard"]);
    assert_eq!(
        header.join(","),
        "kind,tier,identity,time,process,agent,stage,accountable,detail,control,references,resets,file,line"
    );
    assert_eq!(rows.len(), 1);
    let cell = |name: &str| &rows[0][header.iter().position(|column| column == name).unwrap()];
    assert_eq!(cell("kind"), "approval-by-agent");
    assert_eq!(cell("agent"), "'=cmd|' /C calc'!A1");
    assert_eq!(cell("detail"), "`=cmd|' /C calc'!A1`");
    assert_eq!(cell("references"), "NIST CSF 2.0 PR.AA-05");
    assert_eq!((cell("resets"), cell("line")), ("r1", "2"));
    assert!(cell("file").ends_with("resets.csv"));
    // Ids come back as they are unless they are guarded on demand.
    let (_, rows) = run(&[]);
    assert_eq!(&rows[0][5], "=cmd|' /C calc'!A1");
}

#[test]
fn references_are_about_the_kind_of_account_that_was_reset() {
    let tables = Folder::new(&TABLES);
    let audit = audit(&tables, &[]);
    let of = |identity: &str, kind: &str| -> Vec<String> {
        let mut all = audit["violations"].as_array().unwrap().iter();
        let is = |one: &&Value| one["identity"] == identity && one["kind"] == kind;
        let found = all.find(is).unwrap()["references"].as_array().unwrap();
        found.iter().map(text).collect()
    };
    assert_eq!(of("adm", "hold-cut-short"), ["NIST CSF 2.0 PR.AA-05"]);
    assert_eq!(
        of("bot", "approval-by-requester"),
        [
            "NIST CSF 2.0 PR.AA-05",
            "OWASP NHI Top 10 NHI10:2025",
            "NIST AI RMF 1.0 GOVERN 2.1"
        ]
    );
}
