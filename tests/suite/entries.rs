//! The entries of the long lists of `tiers.json` are written as text: what is written must be what the
//! published types say, byte for byte.

use std::path::{Path, PathBuf};

use linchpin::report::{FootholdEntry, IdentityEntry};
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
    let counts = (
        same::<IdentityEntry<'_>>(identities),
        same::<FootholdEntry<'_>>(footholds),
    );
    let fields = [
        "\"stricter\":",
        "\"omitted_steps\":",
        "\"object\":",
        "\"process\":",
        "\"accountable\":",
    ];
    let seen = fields
        .into_iter()
        .filter(|field| identities.contains(field));
    (counts.0, counts.1, seen.collect())
}

/// Every entry of a list, read and written again.
fn same<T: Serialize + DeserializeOwned>(list: &str) -> usize {
    let lines = list.lines().filter(|line| line.starts_with("    {"));
    let mut count = 0;
    for line in lines {
        let written = line.trim_start().trim_end_matches(',');
        let entry: T = serde_json::from_str(written).unwrap();
        assert_eq!(serde_json::to_string(&entry).unwrap(), written);
        count += 1;
    }
    count
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
    for field in ["\"object\":", "\"process\":", "\"accountable\":"] {
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
