//! What people see: the summary, the messages, the help.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Folder, command, linchpin};

/// What a run printed, with the scratch folder's name taken out.
struct Said {
    status: i32,
    out: String,
    err: String,
}

/// Runs the program inside a folder, so that paths in its messages are the same everywhere.
fn say(inside: PathBuf, arguments: &[&str]) -> Said {
    let run = command()
        .current_dir(inside)
        .args(arguments)
        .output()
        .unwrap();
    // Windows writes paths with the other slash and the program with its extension.
    let plain = |bytes: Vec<u8>| {
        String::from_utf8(bytes)
            .unwrap()
            .replace("linchpin.exe", "linchpin")
            .replace('\\', "/")
            .replace("\r\n", "\n")
    };
    Said {
        status: run.status.code().unwrap(),
        out: plain(run.stdout),
        err: plain(run.stderr),
    }
}

fn cases() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// Only the tables of a case, in a scratch folder with room for the results.
fn copied(case: &str) -> Folder {
    let folder = Folder::new(&[]);
    for entry in std::fs::read_dir(cases().join(case)).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    folder
}

#[test]
fn the_summary_of_a_scan() {
    let folder = copied("policy-rows");
    let said = say(
        folder.path().into(),
        &["scan", ".", "--out", "out", "--pairs"],
    );
    assert_eq!(said.status, 0);
    insta::assert_snapshot!("summary", said.out);
    insta::assert_snapshot!("warnings", said.err);
    let longest = said.out.lines().map(|line| line.chars().count()).max();
    assert!(said.out.lines().count() <= 40 && longest.unwrap() <= 110);
}

#[test]
fn the_summary_under_an_assumption() {
    let folder = copied("honan-2012");
    let arguments = [
        "scan",
        ".",
        "--out",
        "out",
        "--assume",
        "device:billing-address",
    ];
    let said = say(folder.path().into(), &arguments);
    insta::assert_snapshot!("summary-assumption", said.out);
}

#[test]
fn the_summary_for_scripts() {
    let folder = copied("policy-rows");
    let said = say(
        folder.path().into(),
        &["scan", ".", "--out", "out", "--format", "json"],
    );
    let summary: Value = serde_json::from_str(&said.out).unwrap();
    insta::assert_snapshot!(
        "summary-json",
        serde_json::to_string_pretty(&summary).unwrap()
    );
    let diagnostics: Vec<Value> = said
        .err
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        diagnostics
            .iter()
            .any(|line| line["code"] == "open-enrolment"
                && line["file"] == "./identities.csv"
                && line["line"] == 6),
        "{diagnostics:#?}"
    );
}

#[test]
fn quiet_says_nothing_but_errors() {
    let folder = copied("policy-rows");
    let said = say(folder.path().into(), &["scan", ".", "--out", "out", "-q"]);
    assert_eq!(
        (said.status, said.out.as_str(), said.err.as_str()),
        (0, "", "")
    );
    folder.write("systems.csv", "id,criticality\nidp,worst\n");
    let said = say(folder.path().into(), &["scan", ".", "--out", "out", "-q"]);
    assert_eq!((said.status, said.out.as_str()), (2, ""));
    assert!(
        said.err.contains("systems.csv:2:5") && !said.err.contains("warning"),
        "{}",
        said.err
    );
}

#[test]
fn errors_point_at_what_is_wrong_and_say_what_to_do() {
    let folder = Folder::new(&[
        (
            "identities.csv",
            "id,kind,tier,recovery_phone,aliases\n\
             ana,humen,3,+1 555 0100,\n\
             root,admin,7,(),ana\n\
             ana,human,,,\n",
        ),
        (
            "recoveries.csv",
            "source,target,methd\nana,root,admin_reset\n",
        ),
        (
            "mfa_bindings.csv",
            "identity,factor,holder\nana,sms,group:x\nroot,carrier-pigeon\n",
        ),
        (
            "grants.json",
            "[\n  {\"principal\": \"root\",\n   \"system\": \"mailbox:x\"},\n  {\"principal\": \"root\" \"system\": \"idp\"}\n]\n",
        ),
    ]);
    let said = say(folder.path().into(), &["scan", ".", "--out", "out"]);
    assert_eq!(said.status, 2);
    insta::assert_snapshot!("errors", said.err);
}

#[test]
fn an_id_that_stands_twice_points_at_its_first_row_whatever_was_named_between() {
    let rows: String = (0..300)
        .map(|at| format!("p{at},+1{at};+2{at}\n"))
        .collect();
    let table = format!("id,recovery_phone\n{rows}p123,+9\n");
    let folder = Folder::new(&[("identities.csv", &table)]);
    let said = say(folder.path().into(), &["check", "."]);
    assert_eq!(said.status, 2);
    let lines = said.err.lines().map(str::trim_start);
    let places: Vec<&str> = lines.filter_map(|line| line.strip_prefix("--> ")).collect();
    assert_eq!(places, ["./identities.csv:302:1", "./identities.csv:125:1"]);
}

#[test]
fn gates_that_do_not_fit_together() {
    let folder = Folder::new(&[
        ("identities.csv", "id\nana\nben\nroot\n"),
        (
            "recoveries.csv",
            "source,target,method,restores,except,gate,need\n\
             ana,root,recovery_contact,,,g,2\n\
             ben,root,recovery_contact,mfa,,g,2\n\
             ana,ben,admin_reset,,,,3\n\
             ana,ben,admin_reset,membership,,,\n\
             own:mailbox,phone:1,email_link,,,,\n\
             ana,phone:1,carrier,password,,,\n\
             ana,root,admin_reset,,ben,,\n\
             ,root,email_link,,,,\n\
             ana,root,recovery_contact,,,twice,3\n\
             ANA,root,recovery_contact,,,twice,3\n\
             ben,root,recovery_contact,,,twice,3\n",
        ),
    ]);
    let said = say(folder.path().into(), &["check", "."]);
    assert_eq!(said.status, 2);
    insta::assert_snapshot!("errors-gates", said.err);
}

#[test]
fn a_check_of_good_input() {
    let said = say(copied("two-of-three").path().into(), &["check", "."]);
    assert_eq!(said.status, 0);
    insta::assert_snapshot!("check", said.out);
}

#[test]
fn conditions_asked_for_set_the_exit_status() {
    let folder = copied("policy-rows");
    let status = |condition: &str| {
        let arguments = ["scan", ".", "-q", "--out", "out", "--fail-on", condition];
        say(folder.path().into(), &arguments).status
    };
    assert_eq!(status("tier-raised"), 1);
    assert_eq!(status("tier0-grew"), 1);
    assert_eq!(status("open-enrolment"), 1);
    assert_eq!(status("foothold-critical"), 1);
    // The result is written whatever the condition says.
    assert!(folder.path().join("out/tiers.csv").exists());
    assert_eq!(status("baseline-loss"), 0);
    let said = say(
        folder.path().into(),
        &["scan", ".", "-q", "--out", "out", "--fail-on", "tier-raise"],
    );
    assert_eq!(said.status, 2);
    assert!(said.err.contains("tier-raised"), "{}", said.err);
}

#[test]
fn bad_usage_says_what_was_expected() {
    let folder = copied("policy-rows");
    for (name, arguments) in [
        ("usage-assume", &["--assume", "sim-swop"][..]),
        ("usage-unnamed", &["--assume", "phone:+1"]),
        ("usage-threads", &["--threads", "0"]),
    ] {
        let said = say(
            folder.path().into(),
            &[&["scan", ".", "--quiet", "--out", "out"], arguments].concat(),
        );
        assert_eq!(said.status, 2, "{name}");
        insta::assert_snapshot!(name, said.err);
    }
    let said = say(folder.path().into(), &["scan", "nowhere", "--out", "out"]);
    assert_eq!(said.status, 2);
    assert!(said.err.contains("nowhere"), "{}", said.err);
    assert!(!folder.path().join("out").exists());
}

#[test]
fn help_has_examples() {
    insta::assert_snapshot!("help", say(cases(), &["--help"]).out);
    insta::assert_snapshot!("help-scan", say(cases(), &["scan", "--help"]).out);
    for command in [
        "check",
        "import",
        "templates",
        "schema",
        "completions",
        "man",
    ] {
        let said = say(cases(), &[command, "--help"]);
        assert_eq!(said.status, 0);
        assert!(said.out.contains("Usage: linchpin"), "{command}");
    }
}

#[test]
fn templates_are_tables_that_can_be_checked() {
    let folder = Folder::new(&[]);
    let said = say(folder.path().into(), &["templates", "--out", "tables"]);
    assert_eq!(said.status, 0, "{}", said.err);
    let tables = folder.path().join("tables");
    let header = std::fs::read_to_string(tables.join("recoveries.csv")).unwrap();
    assert_eq!(
        header.trim_end(),
        "source,target,method,restores,except,gate,need,process"
    );
    assert_eq!(std::fs::read_dir(&tables).unwrap().count(), 12);
    let said = say(folder.path().into(), &["check", "tables"]);
    assert_eq!(said.status, 0, "{}", said.err);
    // Nobody's filled-in tables are overwritten.
    let said = say(folder.path().into(), &["templates", "--out", "tables"]);
    assert_eq!(said.status, 2);
    assert!(said.err.contains("identities.csv"), "{}", said.err);
}

#[test]
fn completions_and_a_manual_page() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let said = say(cases(), &["completions", shell]);
        assert!(
            said.status == 0 && said.out.contains("standing-only"),
            "{shell}"
        );
    }
    let page = say(cases(), &["man"]).out;
    assert!(page.starts_with(".ie") || page.starts_with(".TH") || page.contains(".TH linchpin"));
}

#[test]
fn colour_only_where_it_is_wanted() {
    let folder = copied("policy-rows");
    let run = |more: &[&str]| {
        let arguments = [&["scan", ".", "--out", "out"], more].concat();
        let said = say(folder.path().into(), &arguments);
        said.out + &said.err
    };
    assert!(!run(&[]).contains('\u{1b}'));
    assert!(run(&["--color", "always"]).contains("\u{1b}["));
    let forced = command()
        .current_dir(folder.path())
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1")
        .args(["scan", ".", "--out", "out", "--color", "never"])
        .output()
        .unwrap();
    assert!(!forced.stdout.contains(&0x1b) && !forced.stderr.contains(&0x1b));
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    use std::process::{Command, Stdio};

    let mut run = Command::new(assert_cmd::cargo::cargo_bin!("linchpin"))
        .arg("schema")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(run.stdout.take());
    let done = run.wait_with_output().unwrap();
    assert!(done.status.success(), "{done:?}");
    assert!(done.stderr.is_empty());
}

#[test]
fn the_version_is_the_crates() {
    linchpin(&["--version"])
        .success()
        .stdout(format!("linchpin {}\n", env!("CARGO_PKG_VERSION")));
}

/// What the README shows is what the program does.
#[test]
fn the_readme_shows_real_output() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md"))
        .unwrap()
        .replace("\r\n", "\n");
    let out = tempfile::tempdir().unwrap();
    let path = out.path().to_str().unwrap().to_owned();
    let said = say(root.clone(), &["scan", "data/harbour", "--out", &path]);
    let summary = said.out.replace(&path.replace('\\', "/"), "out");
    let shown: Vec<String> = summary
        .trim_end()
        .lines()
        .map(|line| format!("    {line}").trim_end().to_owned())
        .collect();
    assert!(
        readme.contains(&shown.join("\n")),
        "the README does not show this:\n{summary}"
    );
    let mut commands = 0;
    let lines: Vec<&str> = readme.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let Some(command) = line.strip_prefix("    $ linchpin ") else {
            continue;
        };
        let (command, count) = command.split_once(" | head -").unwrap();
        let words: Vec<&str> = command.split(' ').collect();
        let said = say(root.clone(), &words).out;
        let count: usize = count.parse().unwrap();
        for (said, shown) in said.lines().take(count).zip(&lines[at + 1..]) {
            assert_eq!(format!("    {said}").trim_end(), *shown, "of `{command}`");
        }
        commands += 1;
    }
    assert!(commands >= 2);
    say(
        root.clone(),
        &["scan", "data/harbour", "--out", &path, "--focus", "k.lowe"],
    );
    assert!(
        std::fs::read(out.path().join("graph.svg")).unwrap()
            == std::fs::read(root.join("data/harbour.svg")).unwrap(),
        "data/harbour.svg is not what `--focus k.lowe` draws"
    );
}

#[test]
fn frameworks_are_told_by_number_word_and_wrong_number() {
    let say = |arguments: &[&str]| say(cases(), &[&["frameworks"], arguments].concat());
    let all = say(&[]);
    assert_eq!(all.status, 0);
    insta::assert_snapshot!("frameworks", all.out);
    for (asked, told) in [
        ("PR.AC-6", "PR.AA-02"),
        ("pr.aa-02", "PR.AA-02"),
        ("NIST SP 800-63B-4 4.3", "4.3"),
        ("NHI-05", "NHI5:2025"),
        ("GV.2", "GOVERN 2.1"),
        ("approver-in-chain", "PR.AA-05"),
    ] {
        let found: Value = serde_json::from_str(&say(&[asked, "--format", "json"]).out).unwrap();
        let found = found["controls"].as_array().unwrap();
        assert_eq!(found.len(), 1, "{asked}");
        assert_eq!(found[0]["id"], told, "{asked}");
    }
    let none = say(&["PR.XX-99"]);
    assert_eq!(none.status, 2);
    insta::assert_snapshot!("frameworks-none", none.err);
}

#[test]
fn an_audit_of_the_shipped_organisation() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let said = say(root, &["audit", "data/harbour", "--quiet"]);
    assert_eq!(said.status, 0);
    insta::assert_snapshot!("audit", said.out);
    assert!(said.out.lines().all(|line| line.chars().count() <= 118));
}
