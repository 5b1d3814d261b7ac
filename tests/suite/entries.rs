//! The entries of the long lists of `tiers.json` are written as text: what is written must be what the
//! published types say, byte for byte.

use std::path::{Path, PathBuf};

use linchpin::report::{FindingEntry, FootholdEntry, IdentityEntry};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::support::{Folder, linchpin};

/// Scans, and says how many entries of identities and footholds there were, and which fields were seen
/// that are often left out.
fn checked(input: &Path, more: &[&str]) -> (usize, usize, Vec<&'static str>) {
    let out = tempfile::tempdir().unwrap();
    let mut arguments = vec!["scan", input.to_str().unwrap(), "--quiet", "--out"];
    arguments.push(out.path().to_str().unwrap());
    arguments.extend(more);
    linchpin(&arguments).success();
    let text = std::fs::read_to_string(out.path().join("tiers.json")).unwrap();
    let (identities, footholds) = text
        .split_once("\n  \"identities\": [")
        .unwrap()
        .1
        .split_once("\n  \"footholds\": [")
        .unwrap();
    let fields = findings(&text);
    let entries: Vec<IdentityEntry<'_>> = same(identities);
    let rows = self::rows(&out.path().join("tiers.csv"));
    assert_eq!(entries.len(), rows.len());
    for (entry, row) in entries.iter().zip(rows) {
        let worst = entry.worst.as_ref();
        let told = [
            entry.id.to_string(),
            entry.kind.to_string(),
            entry.enabled.to_string(),
            or_empty(entry.tier),
            or_empty(entry.previous_tier),
            entry.change.as_deref().unwrap_or_default().to_owned(),
            or_empty(worst.map(|worst| &worst.system)),
            or_empty(worst.map(|worst| worst.criticality)),
            or_empty(worst.map(|worst| worst.hops)),
            or_empty(entry.accounts_reached),
            or_empty(entry.mailboxes_reached),
        ];
        let row: Vec<_> = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11]
            .map(|at| &row[at])
            .into();
        assert_eq!(told.iter().map(String::as_str).collect::<Vec<_>>(), row);
    }
    let entries: Vec<FootholdEntry<'_>> = same(footholds);
    let rows = self::rows(&out.path().join("footholds.csv"));
    assert_eq!(entries.len(), rows.len());
    for (entry, row) in entries.iter().zip(rows) {
        let worst = entry.worst.as_ref().unwrap();
        let told = [
            format!("{}:{}", entry.kind, entry.name),
            worst.system.to_string(),
            worst.criticality.to_string(),
            worst.hops.to_string(),
            entry.accounts_reached.to_string(),
            entry.mailboxes_reached.to_string(),
        ];
        let row: Vec<_> = [0, 2, 3, 4, 5, 6].map(|at| &row[at]).into();
        assert_eq!(told.iter().map(String::as_str).collect::<Vec<_>>(), row);
    }
    let counts = (identities.matches("\n    {").count(), entries.len());
    let told = [
        "\"stricter\":",
        "\"omitted_steps\":",
        "\"object\":",
        "\"process\":",
        "\"accountable\":",
    ];
    let seen = told.into_iter().filter(|field| identities.contains(field));
    (counts.0, counts.1, seen.chain(fields).collect())
}

/// The findings, each on a line and each of its rows on one of its own; gives the fields seen in them.
fn findings(text: &str) -> Vec<&'static str> {
    let findings = text.split_once("\n  \"findings\": [").unwrap().1;
    let findings = findings.split_once("],\n  \"processes\": [").unwrap().0;
    let each = findings.split("\n    {").skip(1);
    for (at, written) in each.enumerate() {
        let lines = written.trim_end().trim_end_matches(',');
        let written = format!(
            "{{{}",
            lines.replace("\n      ", "").replace("\n    ]", "]")
        );
        let entry: FindingEntry<'_> = serde_json::from_str(&written).unwrap();
        assert_eq!(serde_json::to_string(&entry).unwrap(), written);
        let rows = lines.lines().filter(|line| line.starts_with("      {"));
        assert_eq!(rows.count(), entry.rows.len(), "{at}");
    }
    let told = ["\"references\":", "\"waived\":", "\"rows\":[]"];
    let seen = told.into_iter().filter(|field| findings.contains(field));
    seen.collect()
}

fn or_empty(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn rows(path: &Path) -> Vec<csv::StringRecord> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.records().map(Result::unwrap).collect()
}

/// What a scan of a folder writes as `tiers.json`.
fn document(folder: &Folder) -> serde_json::Value {
    let out = tempfile::tempdir().unwrap();
    let to = out.path().to_str().unwrap();
    linchpin(&["scan", folder.str(), "--quiet", "--out", to]).success();
    let text = std::fs::read(out.path().join("tiers.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// Every entry of a list, read and written again.
fn same<T: Serialize + DeserializeOwned>(list: &str) -> Vec<T> {
    let lines = list.lines().filter(|line| line.starts_with("    {"));
    let entries = lines.map(|line| {
        let written = line.trim_start().trim_end_matches(',');
        let entry: T = serde_json::from_str(written).unwrap();
        assert_eq!(serde_json::to_string(&entry).unwrap(), written);
        entry
    });
    entries.collect()
}

#[test]
fn entries_are_what_their_types_say() {
    let repository = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut inputs = vec![
        repository.join("data/harbour"),
        repository.join("tests/exports/entra"),
        repository.join("tests/exports/okta"),
    ];
    let cases = std::fs::read_dir(repository.join("tests/cases")).unwrap();
    let cases = cases.map(|case| case.unwrap().path());
    inputs.extend(cases.filter(|case| case.join("identities.csv").is_file()));
    let (mut identities, mut footholds, mut fields) = (0, 0, Vec::new());
    for input in inputs {
        let found = checked(&input, &[]);
        identities += found.0;
        footholds += found.1;
        fields.extend(found.2);
    }
    assert!(
        identities > 100 && footholds > 20,
        "{identities} {footholds}"
    );
    for field in [
        "\"object\":",
        "\"process\":",
        "\"accountable\":",
        "\"references\":",
    ] {
        assert!(fields.contains(&field), "no {field}");
    }
}

#[test]
fn hostile_names_disabled_accounts_long_chains_and_stricter_rules() {
    // Five hundred resets in a row, to a system with a name like no other.
    let mut identities = "id,name,department,enabled\n".to_owned();
    let mut recoveries = "source,target,method\n".to_owned();
    for at in 0..500 {
        identities += &format!("p{at},\"\"\"P\"\" \\ {at}\u{1}\u{2028}\",\"a\tb\u{7f}\",yes\n");
        if at > 0 {
            recoveries += &format!("p{},p{at},admin_reset\n", at - 1);
        }
    }
    identities += "gone,\"<b>\u{1f600}</b>\",,no\n";
    let folder = Folder::new(&[
        ("identities.csv", &identities),
        ("recoveries.csv", &recoveries),
        ("systems.csv", "id,criticality\n\"va\"\"ult\\é\",0\n"),
        (
            "grants.csv",
            "principal,system,role\np499,\"va\"\"ult\\é\",=1+1\n",
        ),
        ("signals.csv", "identity,signal\np3,phishing\n"),
    ]);
    let (identities, _, fields) = checked(folder.path(), &[]);
    assert_eq!(identities, 501);
    assert!(fields.contains(&"\"omitted_steps\":"), "{fields:?}");
    assert!(fields.contains(&"\"stricter\":"), "{fields:?}");
}

#[test]
fn digests_are_those_of_the_files() {
    let folder = Folder::new(&[
        ("identities.csv", "id,name\nann,\"A, B\"\n"),
        ("systems.csv", "\u{feff}id\nvault\n"),
        (
            "grants.json",
            "[{\"principal\":\"ann\",\"system\":\"vault\"}]",
        ),
    ]);
    let document = document(&folder);
    let inputs = document["inputs"].as_array().unwrap();
    assert_eq!(inputs.len(), 3);
    for input in inputs {
        let bytes = std::fs::read(folder.path().join(input["name"].as_str().unwrap())).unwrap();
        assert_eq!(input["sha256"], linchpin::model::sha256(&bytes), "{input}");
    }
}

#[test]
fn a_finding_of_very_many_rows_and_one_that_is_waived_stand_as_the_others_do() {
    // Everybody in the group may reset the account of the worst system, from wherever their mail is read.
    let mut identities = "id,tier\nroot,0\n".to_owned();
    let mut memberships = "member,group\n".to_owned();
    for at in 0..3000 {
        identities += &format!("p{at},3\n");
        memberships += &format!("p{at},desk\n");
    }
    let folder = Folder::new(&[
        ("identities.csv", &identities),
        ("memberships.csv", &memberships),
        ("mailboxes.csv", "id,owner\nm,p7\n"),
        (
            "recoveries.csv",
            "source,target,method\ngroup:desk,root,help_desk\nmailbox:m,p7,email_link\n",
        ),
        ("systems.csv", "id,criticality\nidp,0\n"),
        ("grants.csv", "principal,system\nroot,idp\n"),
    ]);
    let waivers = Folder::new(&[(
        "waivers.toml",
        "[[waiver]]\nfinding = \"foothold-critical\"\nwhy = \"a \\\"test\\\"\"\nwho = \"bo\"\nuntil = 2026-06-30\n",
    )]);
    let waivers = waivers.path().join("waivers.toml");
    let waivers = waivers.to_str().unwrap();
    let more = ["--now", "2026-06-01T00:00:00Z", "--waivers", waivers];
    let (count, _, fields) = checked(folder.path(), &more);
    assert_eq!(count, 3001);
    assert!(fields.contains(&"\"waived\":"), "{fields:?}");
    let document = document(&folder);
    let findings = document["findings"].as_array().unwrap();
    let raised = findings
        .iter()
        .find(|finding| finding["code"] == "tier-raised");
    let rows = raised.unwrap()["rows"].as_array().unwrap();
    let keys: std::collections::BTreeSet<_> = rows
        .iter()
        .map(|row| row["key"].as_str().unwrap())
        .collect();
    assert_eq!((rows.len(), keys.len()), (3000, 3000));
}
