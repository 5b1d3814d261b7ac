//! `audit` as people ask for it: the tiers of then, another policy, a table, who it is about.

use serde_json::Value;

use crate::support::{Folder, linchpin, text};

pub const TABLES: [(&str, &str); 6] = [
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

pub fn audit(tables: &Folder, more: &[&str]) -> Value {
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

/// Tables in which `boss` answers for all, with these recoveries and resets.
pub fn organisation(recoveries: &str, resets: &str) -> Folder {
    let tables = Folder::new(&TABLES);
    tables.write(
        "recoveries.csv",
        &format!("source,target,method,restores,gate,need,process\n{recoveries}"),
    );
    tables.write(
        "processes.csv",
        "id,policy_owner,proofing,approvals,hold_hours,revokes_sessions,logged,escalation\n\
         way,boss,possession,2,24,true,true,boss\n",
    );
    tables.write(
        "resets.csv",
        &format!(
            "id,time,identity,process,agent,approvers,evidence,proofing,restored,requested\n{resets}"
        ),
    );
    tables
}

fn unmet(tables: &Folder, more: &[&str]) -> Value {
    let out = tables.path().join("out");
    let arguments = [
        "scan",
        tables.str(),
        "--quiet",
        "--out",
        out.to_str().unwrap(),
    ];
    linchpin(&[&arguments[..], more].concat()).code(0);
    let text = std::fs::read(out.join("tiers.json")).unwrap();
    let mut document: Value = serde_json::from_slice(&text).unwrap();
    document["processes"][0].take()
}

#[test]
fn only_gates_for_the_account_count_in_audits_and_in_the_table_of_processes() {
    // The one way for `adm` asks for two proofs, that for `bo` for one; `boss` has a link alone.
    let policy = "name = \"two\"\notherwise = 1\n[tier.1]\nproofing = \"ial2\"\nor_methods = 2\n\
                  channels = [\"self_service\"]\n";
    let recoveries = "phone:1,adm,sms_code,password,g,2,way\n\
                      device:k,adm,security_key,password,g,2,way\n\
                      phone:2,bo,sms_code,password,,,way\n\
                      ,boss,help_desk,password,,,way\n";
    let tables = organisation(
        recoveries,
        "r1,2026-03-01T10:00:00Z,adm,way,desk,,,possession,password,\n\
         r2,2026-03-01T10:00:00Z,bo,way,desk,,,possession,password,\n\
         r3,2026-03-01T10:00:00Z,boss,way,desk,,,ial2,password,\n",
    );
    tables.write("p.toml", policy);
    let policy = tables.path().join("p.toml");
    let more = ["--policy", policy.to_str().unwrap()];
    let found = audit(&tables, &more);
    let violations = found["violations"].as_array().unwrap();
    let told: Vec<String> = violations
        .iter()
        .map(|one| format!("{} {}", text(&one["kind"]), text(&one["detail"])))
        .collect();
    assert_eq!(
        told,
        [
            "proofing-too-weak proofing `possession`, needs `ial2` or 2 methods (1 by the process)",
            "evidence-contradictory the record says proofing `ial2`, the process proves `possession`",
            "process-not-allowed `way` may not reset accounts of tier 1",
        ]
    );
    let way = unmet(&tables, &more);
    let count = |what: &str| -> Value {
        let mut all = way["unmet"].as_array().unwrap().iter();
        let found = all.find(|one| text(&one["what"]).starts_with(what));
        found.map_or(Value::Null, |one| one["accounts"][1].clone())
    };
    assert_eq!(count("proofing"), 2, "{way:#}");
    assert_eq!(count("not allowed"), 1, "{way:#}");
}

#[test]
fn a_way_around_the_channel_is_no_channel() {
    let tables = organisation(
        "phone:1,adm,sms_code,password,g,1,way\n,adm,help_desk,password,g,1,way\n",
        "",
    );
    let told = |way: &Value| way["unmet"].to_string().contains("not allowed");
    let way = unmet(&tables, &[]);
    assert!(told(&way), "{way:#}");
    let both = organisation(
        "phone:1,adm,sms_code,password,g,2,way\n,adm,help_desk,password,g,2,way\n",
        "",
    );
    let way = unmet(&both, &[]);
    assert!(!told(&way), "{way:#}");
}

#[test]
fn whoever_has_not_what_a_recovery_asks_for_is_not_reset_by_it() {
    let tables = organisation("own:phone,*,sms_code,password,,,way\n", "");
    tables.write(
        "identities.csv",
        "id,kind,sign_in,recovery_phone\nana,,password,1\nbo,,password,\nadm,admin,password+mfa,\nbot,workload,password,\nboss,,password,\n",
    );
    tables.write(
        "mfa_bindings.csv",
        "identity,factor,holder\nadm,sms,phone:2\n",
    );
    let way = unmet(&tables, &[]);
    assert_eq!(way["targets"], serde_json::json!([1, 0, 0, 1]), "{way:#}");
}

#[test]
fn what_is_not_met_is_counted_for_any_number_of_different_gates() {
    let methods = [
        "email_link",
        "sms_code",
        "voice_call",
        "authenticator",
        "security_key",
        "recovery_code",
        "recovery_contact",
    ];
    let (mut identities, mut recoveries) = (String::from("id\n"), String::new());
    for set in 1..128 {
        identities += &format!("u{set}\n");
        for (bit, method) in methods
            .iter()
            .enumerate()
            .filter(|(bit, _)| set >> bit & 1 == 1)
        {
            recoveries += &format!("phone:{bit},u{set},{method},password,g{set},1,way\n");
        }
    }
    let tables = organisation(&recoveries, "");
    tables.write("identities.csv", &identities);
    tables.write("grants.csv", "principal,system\n");
    tables.write("p.toml", "otherwise = 0\n[tier.0]\nmethods = []\n");
    let policy = tables.path().join("p.toml");
    let way = unmet(&tables, &["--policy", policy.to_str().unwrap()]);
    let counts = way["unmet"].as_array().unwrap().iter();
    let counts: Vec<u64> = counts
        .map(|one| one["accounts"][0].as_u64().unwrap())
        .collect();
    assert_eq!(counts, [1; 127]);
}

#[test]
fn what_is_assumed_brings_approvers_and_owners_inside() {
    let tables = organisation(
        ",adm,help_desk,password,,,way\nphone:9,boss,sms_code,password,,,elsewhere\n",
        "r1,2026-03-02T10:00:00Z,adm,way,desk,boss;ana,passport,ial2,password,2026-03-01T10:00:00Z\n",
    );
    assert_eq!(
        told(&audit(&tables, &[])),
        ["evidence-contradictory adm boss"]
    );
    let assumed = audit(&tables, &["--assume", "sim-swap"]);
    assert_eq!(
        told(&assumed),
        [
            "evidence-contradictory adm boss",
            "approver-in-chain adm boss"
        ]
    );
    let processes = |more: &[&str]| {
        let _ = unmet(&tables, more);
        let text = std::fs::read_to_string(tables.path().join("out/accountability.csv")).unwrap();
        text.lines()
            .find(|line| line.starts_with("way,"))
            .unwrap()
            .to_owned()
    };
    assert!(!processes(&[]).contains("boss (policy)"));
    assert!(processes(&["--assume", "sim-swap"]).contains("boss (policy)"));
}

#[test]
fn what_was_held_against_nothing_did_not_obey() {
    let tables = organisation("", "r1,2026-03-02T10:00:00Z,nobody,way,desk,,,,password,\n");
    let arguments = ["audit", tables.str(), "--quiet", "--fail-on"];
    let run = |condition: &str, code: i32| {
        let output = linchpin(&[&arguments[..], &[condition]].concat()).code(code);
        String::from_utf8_lossy(&output.get_output().stdout).into_owned()
    };
    assert!(run("not-held", 1).contains("nothing can be said"));
    assert!(!run("any", 0).contains("obeyed"));
    // A quiet month is no error.
    let quiet = organisation("", "");
    let output = linchpin(&["audit", quiet.str(), "--quiet"]).code(0);
    let told = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
    assert!(
        told.starts_with("0 resets") && told.contains("there was no reset"),
        "{told}"
    );
}

#[test]
fn pseudonyms_change_no_result_and_rules_say_what_tiers_mean() {
    let tables = organisation(",*,help_desk,password,,,way\n", "");
    tables.write(
        "p.toml",
        "name = \"of ours\"\notherwise = 2\n[[rule]]\nname = \"people of the quay\"\ndepartment = [\"Quay\"]\ntier = 1\n\
         [tier.1]\nprocesses = [\" WAY \"]\n[tier.2]\nprocesses = [\"way\", \"gone\"]\n",
    );
    let policy = tables.path().join("p.toml");
    let more = ["--policy", policy.to_str().unwrap()];
    let plain = unmet(&tables, &more);
    let redacted = unmet(&tables, &[&more[..], &["--redact"]].concat());
    assert_eq!(plain["unmet"], serde_json::json!([]), "{plain:#}");
    assert_eq!(plain["unmet"], redacted["unmet"], "{redacted:#}");
    let written = std::fs::read_to_string(tables.path().join("out/tiers.json")).unwrap();
    assert!(
        !written.contains("of ours") && !written.contains("quay"),
        "{written}"
    );
    let out = tables.path().join("out");
    let arguments = ["scan", tables.str(), "--out", out.to_str().unwrap()];
    let run = linchpin(&[&arguments[..], &more].concat()).code(0);
    let told = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    assert!(
        told.contains("people of the quay\n") && told.contains("no rule\n"),
        "{told}"
    );
    assert!(!told.contains("nothing privileged"), "{told}");
    let said = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(
        said.contains("the process `gone`, which nothing else names"),
        "{said}"
    );
}

#[test]
fn a_gate_for_the_factor_says_nothing_of_the_password() {
    let policy = "otherwise = 1\n[tier.1]\nchannels = [\"help_desk\"]\n";
    let tables = organisation(
        "own:mailbox,*,email_link,password,,,way\n,*,help_desk,mfa,,,way\n",
        "r1,2026-03-01T10:00:00Z,ana,way,desk,,,ial2,password,\n\
         r2,2026-03-01T10:00:00Z,bo,way,desk,,,possession,mfa,\n\
         r3,2026-03-01T10:00:00Z,boss,way,desk,,,possession,,\n",
    );
    tables.write(
        "identities.csv",
        "id,recovery_mailbox\nana,a@x.example\nbo,b@x.example\nboss,c@x.example\ndesk,\nadm,\nbot,\n",
    );
    tables.write("p.toml", policy);
    let policy = tables.path().join("p.toml");
    let found = audit(&tables, &["--policy", policy.to_str().unwrap()]);
    let not_allowed = told(&found);
    let not_allowed = not_allowed.iter().filter(|one| one.starts_with("process"));
    assert_eq!(
        not_allowed.collect::<Vec<_>>(),
        ["process-not-allowed ana boss"]
    );
}
