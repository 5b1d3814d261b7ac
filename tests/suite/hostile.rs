//! Inputs as Windows tools, spreadsheets and attackers write them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Folder, linchpin, scan};

const IDENTITIES: &str =
    "id,kind,name,sign_in\nana,human,Ana Lim,password\nroot,admin,Root,password\n";
const RECOVERIES: &str = "source,target,method\nidentity:ana,root,admin_reset\n";
const SYSTEMS: &str = "id,criticality\nidp,0\n";
const GRANTS: &str = "principal,system\nroot,idp\n";

/// Two identities: ana resets root, root holds the identity provider.
fn small() -> Folder {
    Folder::new(&[
        ("identities.csv", IDENTITIES),
        ("recoveries.csv", RECOVERIES),
        ("systems.csv", SYSTEMS),
        ("grants.csv", GRANTS),
    ])
}

fn unlocked(folder: &Folder) -> Vec<String> {
    let scanned = scan(&[folder.path()], &[], false);
    let unlocking = scanned
        .identities()
        .into_iter()
        .filter(|(_, (_, fallen))| !fallen.unlocks.is_empty());
    unlocking.map(|(id, _)| id).collect()
}

fn utf16(text: &str) -> Vec<u8> {
    [0xff, 0xfe]
        .into_iter()
        .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
        .collect()
}

#[test]
fn utf_16_with_a_mark() {
    let folder = small();
    for (name, text) in [
        ("identities.csv", IDENTITIES),
        ("recoveries.csv", RECOVERIES),
    ] {
        fs::write(folder.path().join(name), utf16(text)).unwrap();
    }
    assert_eq!(unlocked(&folder), ["ana", "root"]);
}

#[test]
fn semicolons_with_a_sep_line() {
    let folder = small();
    let text = format!(
        "sep=;\r\n{}",
        IDENTITIES.replace(',', ";").replace('\n', "\r\n")
    );
    folder.write("identities.csv", &text);
    assert_eq!(unlocked(&folder), ["ana", "root"]);
}

#[test]
fn carriage_returns_and_a_type_line() {
    let folder = small();
    folder.write(
        "identities.csv",
        &format!(
            "#TYPE Selected.User\r\n{}",
            IDENTITIES.replace('\n', "\r\n")
        ),
    );
    folder.write("recoveries.csv", &RECOVERIES.replace('\n', "\r\n"));
    assert_eq!(unlocked(&folder), ["ana", "root"]);
}

#[test]
fn names_that_are_long_or_strange() {
    let long = "x".repeat(200);
    let rtl = "\u{5d3}\u{5d5}\u{5d3} \u{202e}gpj.exe";
    let emoji = "\u{1f511} key holder";
    let folder = small();
    folder.write(
        "identities.json",
        &serde_json::json!([
            { "id": "long", "name": long },
            { "id": rtl, "name": rtl },
            { "id": emoji, "name": emoji },
            { "id": "=HYPERLINK(\"http://evil.example\")", "name": "<script>alert(1)</script>" },
            { "id": "a\"b'c;d", "aliases": ["x;y"] },
        ])
        .to_string(),
    );
    folder.write(
        "more.json",
        &serde_json::json!({ "grants": [
            { "principal": "identity:=HYPERLINK(\"http://evil.example\")", "system": "idp" },
            { "principal": rtl, "system": "idp" },
            { "principal": emoji, "system": "idp" },
            { "principal": "long", "system": "idp", "role": "<b>\u{1b}[31mred" },
        ] })
        .to_string(),
    );
    let out = folder.path().join("out");
    let run = linchpin(&[
        "scan",
        folder.str(),
        "--out",
        out.to_str().unwrap(),
        "--color",
        "always",
    ])
    .success();
    for stream in [&run.get_output().stdout, &run.get_output().stderr] {
        let text = String::from_utf8(stream.clone()).unwrap();
        assert!(
            !text.contains('\u{202e}') && !text.contains("\u{1b}[31mred"),
            "{text}"
        );
    }
    let csv = fs::read_to_string(out.join("tiers.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let formula = rows
        .iter()
        .find(|row| row[0].starts_with("=HYPERLINK"))
        .expect("ids are raw");
    assert!(
        formula[12].starts_with("'="),
        "the chain is guarded: {}",
        &formula[12]
    );
    assert!(
        rows.iter().any(|row| &row[0] == rtl),
        "ids are written byte for byte"
    );
    let svg = fs::read_to_string(out.join("graph.svg")).unwrap();
    assert!(!svg.contains("<script>") && !svg.contains('\u{1b}') && !svg.contains('\u{202e}'));
    let guarded = folder.path().join("guarded");
    linchpin(&[
        "scan",
        folder.str(),
        "--out",
        guarded.to_str().unwrap(),
        "--csv-guard",
        "-q",
    ])
    .success();
    let csv = fs::read_to_string(guarded.join("tiers.csv")).unwrap();
    assert!(csv.contains("'=HYPERLINK") && !csv.contains("\n\"=HYPERLINK"));
}

#[test]
fn an_empty_optional_table_and_identities_without_rows() {
    let folder = Folder::new(&[
        ("identities.csv", "id,kind\n"),
        ("signals.csv", ""),
        ("resets.json", "[]"),
        ("holdings.jsonl", "\n"),
    ]);
    let out = folder.path().join("out");
    linchpin(&["scan", folder.str(), "--out", out.to_str().unwrap()]).success();
    let csv = fs::read_to_string(out.join("tiers.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1);
    assert!(
        fs::read_to_string(out.join("graph.svg"))
            .unwrap()
            .contains("No identity unlocks")
    );
}

#[test]
fn identities_without_a_header_or_at_all() {
    for files in [
        &[("identities.csv", "")][..],
        &[("systems.csv", "id\nidp\n")],
    ] {
        let folder = Folder::new(files);
        let out = folder.path().join("out");
        linchpin(&["scan", folder.str(), "--out", out.to_str().unwrap()]).code(2);
        assert!(!out.exists());
    }
}

/// Fifty rows, each wrong in its own way or place; every one is reported with line and column.
fn fifty_errors() -> (Folder, usize) {
    let mut recoveries = "source,target,method,restores,except,gate,need,process\n".to_owned();
    let wrong = [
        ",ana,email_link,,,,,",
        "x,,email_link,,,,,",
        "x,ana,,,,,,",
        "x,ana,mail,,,,,",
        "x,ana,email_link,passwort,,,,",
        "x,ana,email_link,,,g,two,",
        "x,ana,email_link,,,,2,",
        "x,ana,email_link,membership,,,,",
        "x,phone:+1,email_link,password,,,,",
        "own:phone,phone:+1,sms_code,,,,,",
        "x,ana,email_link,,root,,,",
        "phone:(),ana,sms_code,,,,,",
        "x,ana",
        "x,ana,email_link,,,,,,,",
        "x,*,email_link,membership,,,,",
        "x,group:g,email_link,,mailbox:m,,,",
        "own:owner,group:g,manager_approval,membership,,,,",
    ];
    for row in wrong {
        recoveries.push_str(row);
        recoveries.push('\n');
    }
    let identities = "id,kind,enabled,sign_in,tier,owner,aliases,recovery_mailbox\n\
        ana,human,,,,,,\nAna,human,,,,,,\nb,robot,,,,,,\nc,,maybe,,,,,\nd,,,secret,,,,\ne,,,,4,,,\nf,,,,x,,,\n\
        g,,,,,mailbox:x,,\nh,,,,,,ana,\ni,,,,,,,phone:+1\nmailbox:j,,,,,,,\n,,,,,,,\nk,,,,,,phone:+2,\nl,,,,,,,mailbox:\n";
    let folder = Folder::new(&[
        ("identities.csv", identities),
        ("recoveries.csv", &recoveries),
        (
            "systems.csv",
            "id,criticality\nidp,0\nidp,1\ns2,3\ns3,high\n",
        ),
        (
            "grants.csv",
            "principal,system,access\nmailbox:m,idp,\nana,group:g,\nana,,\n,idp,\nana,idp,sometimes\n",
        ),
        (
            "memberships.csv",
            "member,group,access\nphone:+1,g,\nana,identity:g,\nana,g,maybe\n",
        ),
        (
            "mfa_bindings.csv",
            "identity,factor,holder\nana,palm,\nana,sms,group:g\n,sms,+1\n",
        ),
        (
            "processes.csv",
            "id,proofing,approvals,hold_hours,logged\np,strong,,,\nq,,some,,\nr,,,-1,\ns,,,,perhaps\n",
        ),
        (
            "signals.csv",
            "identity,signal,seen\nana,phish,\nana,phishing,yesterday\n",
        ),
        (
            "resets.csv",
            "id,time,identity,process\n1,2026-01-01,ana,p\n2,,ana,p\n",
        ),
    ]);
    (folder, 50)
}

#[test]
fn fifty_errors_are_reported_in_one_run_and_nothing_is_written() {
    let (folder, at_least) = fifty_errors();
    let out = folder.path().join("out");
    let run = linchpin(&[
        "scan",
        folder.str(),
        "--out",
        out.to_str().unwrap(),
        "--format",
        "json",
    ])
    .code(2);
    let lines = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    let errors: Vec<Value> = lines
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &Value| line["severity"] == "error")
        .collect();
    assert!(
        errors.len() >= at_least,
        "{} errors:\n{lines}",
        errors.len()
    );
    for error in &errors {
        assert!(
            error["line"].as_u64().unwrap() > 1 && error["column"].as_u64().unwrap() > 0,
            "{error}"
        );
        assert!(error["file"].as_str().unwrap().ends_with(".csv"), "{error}");
    }
    let mut places: Vec<_> = errors
        .iter()
        .map(|error| (error["file"].to_string(), error["line"].as_u64()))
        .collect();
    places.sort();
    places.dedup();
    assert!(places.len() >= at_least - 2, "{} places", places.len());
    assert!(!out.exists());
    // People see all of them too, each with its place.
    let run = linchpin(&["check", folder.str()]).code(2);
    let text = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    assert_eq!(text.matches("error[").count(), errors.len());
}

#[test]
fn keep_going_leaves_bad_rows_out_and_never_writes_a_whole_result() {
    let folder = small();
    folder.write("grants.csv", "principal,system\nroot,idp\nroot,group:x\n");
    let out = folder.path().join("out");
    let arguments = [
        "scan",
        folder.str(),
        "--out",
        out.to_str().unwrap(),
        "--keep-going",
    ];
    let run = linchpin(&arguments).success();
    let said = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    assert!(
        said.contains("grants.csv:3:6") && said.contains("1 bad row left out"),
        "{said}"
    );
    assert!(!out.join("tiers.csv").exists());
    let json: Value =
        serde_json::from_slice(&fs::read(out.join("tiers.partial.json")).unwrap()).unwrap();
    assert_eq!(json["partial"], true);
    assert!(
        fs::read_to_string(out.join("tiers.partial.csv"))
            .unwrap()
            .contains("ana")
    );
    // Repaired, the whole result takes the partial one's place.
    folder.write("grants.csv", GRANTS);
    linchpin(&arguments).success();
    assert!(out.join("tiers.csv").exists() && !out.join("tiers.partial.csv").exists());
}

#[test]
fn a_gate_that_loses_a_row_is_left_out_whole() {
    let folder = small();
    folder.write(
        "recoveries.csv",
        "source,target,method,gate\nidentity:ana,root,admin_reset,g\nphone:+1,root,sms_cod,g\n",
    );
    let out = folder.path().join("out");
    linchpin(&[
        "scan",
        folder.str(),
        "--out",
        out.to_str().unwrap(),
        "--keep-going",
        "-q",
    ])
    .success();
    let csv = fs::read_to_string(out.join("tiers.partial.csv")).unwrap();
    let ana = csv.lines().find(|line| line.starts_with("ana,")).unwrap();
    assert!(
        ana.starts_with("ana,human,true,3"),
        "half a gate is no gate: {ana}"
    );
}

#[test]
fn strict_takes_warnings_for_errors() {
    let folder = small();
    folder.write(
        "grants.csv",
        "principal,system\nroot,idp\nnobody-knows,idp\n",
    );
    let out = folder.path().join("out");
    linchpin(&["check", folder.str()]).success();
    linchpin(&[
        "scan",
        folder.str(),
        "--out",
        out.to_str().unwrap(),
        "--strict",
    ])
    .code(2);
    assert!(!out.exists());
}

#[test]
fn bytes_that_are_not_text_name_the_option_that_helps() {
    let folder = small();
    fs::write(
        folder.path().join("identities.csv"),
        b"id,name\nana,J\xf6rg\nroot,Root\n",
    )
    .unwrap();
    let run = linchpin(&["check", folder.str()]).code(2);
    let said = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    assert!(
        said.contains("identities.csv:2:6") && said.contains("--encoding windows-1252"),
        "{said}"
    );
    linchpin(&["check", folder.str(), "--encoding", "windows-1252"]).success();
}

#[test]
fn a_zip_bomb_is_refused() {
    let folder = Folder::new(&[]);
    let path = folder.path().join("bomb.zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    zip.start_file("identities.csv", zip::write::SimpleFileOptions::default())
        .unwrap();
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..64 {
        std::io::Write::write_all(&mut zip, &zeros).unwrap();
    }
    zip.finish().unwrap();
    let run = linchpin(&["check", path.to_str().unwrap()]).code(2);
    let said = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    assert!(said.contains("zip bomb"), "{said}");
}

#[test]
fn a_file_given_by_name_must_be_readable_and_known() {
    let folder = Folder::new(&[
        ("notes.txt", "x"),
        ("other.csv", "a\n1\n"),
        ("cut.json", "{\"data\": ["),
    ]);
    for name in ["notes.txt", "other.csv", "missing.csv", "cut.json"] {
        let path = folder.path().join(name);
        linchpin(&["check", path.to_str().unwrap()]).code(2);
    }
    // In a folder they are named in a note, but for the one that cannot be told from an export.
    fs::remove_file(folder.path().join("cut.json")).unwrap();
    folder.write("identities.csv", "id\nana\n");
    let run = linchpin(&["check", folder.str()]).success();
    let said = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    assert!(
        said.contains("notes.txt") && said.contains("other.csv"),
        "{said}"
    );
}

#[test]
fn a_chain_of_ten_thousand_groups_and_a_gate_of_many_rows() {
    let mut memberships = "member,group\nana,g0\n".to_owned();
    for at in 1..10_000 {
        memberships.push_str(&format!("group:g{},g{at}\n", at - 1));
    }
    let mut recoveries = "source,target,method,gate\n".to_owned();
    for at in 0..10_000 {
        recoveries.push_str(&format!("group:g{at},root,admin_reset,all of them\n"));
    }
    let folder = small();
    folder.write("memberships.csv", &memberships);
    folder.write("recoveries.csv", &recoveries);
    assert_eq!(unlocked(&folder), ["ana", "root"]);
}

#[test]
fn several_inputs_are_merged_and_conflicts_are_named() {
    let base = small();
    let more = Folder::new(&[(
        "identities.csv",
        "id,tier,name\nANA,2,Ana Lima\nroot,,\nnew,1,\n",
    )]);
    let run = linchpin(&["check", base.str(), more.str()]).success();
    let said = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    assert!(
        said.contains(
            "two sources differ in `name` of `ana`: `Ana Lim` stands, `Ana Lima` does not"
        ),
        "{said}"
    );
    let scanned = scan(&[base.path(), more.path()], &[], false);
    let org = &scanned.ingested.organisation;
    assert_eq!(org.identities.len(), 3);
    assert_eq!(
        (org.identities[0].tier, org.text(org.identities[0].name)),
        (Some(2), "Ana Lim")
    );
    let _: &Path = base.path();
}
