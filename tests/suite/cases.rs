//! Golden cases: a folder with tables and its expected results, one file per assumption. A new case
//! is a new folder and no code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Fallen, scan};

fn folders(root: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// The tables alone: the expected results beside them are no input.
fn tables(case: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(case)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            !name.starts_with("expected") && !name.ends_with(".md")
        })
        .collect();
    files.sort();
    files
}

/// The scan that an expected file is of: `expected.NAME.json` is that of `--assume NAME`, unless
/// `expected.NAME.args` says more.
fn arguments(expected: &Path) -> (Vec<String>, bool) {
    let name = expected.file_name().unwrap().to_string_lossy().into_owned();
    let name = name
        .trim_start_matches("expected")
        .trim_end_matches(".json")
        .trim_start_matches('.');
    let written = fs::read_to_string(expected.with_extension("args"));
    let text = match (name, written) {
        (_, Ok(arguments)) => arguments,
        ("", _) => String::new(),
        ("standing-only", _) => "--standing-only".to_owned(),
        ("device-billing-address", _) => "--assume device:billing-address".to_owned(),
        (name, _) => format!("--assume {name}"),
    };
    let mut assume = Vec::new();
    let mut standing_only = false;
    let mut words = text.lines().flat_map(|line| {
        // One argument a line, or words apart.
        if line.starts_with("--") {
            line.splitn(2, ' ').collect::<Vec<_>>()
        } else {
            vec![line]
        }
    });
    while let Some(word) = words.next() {
        match word.trim() {
            "" => {}
            "--standing-only" => standing_only = true,
            "--assume" => assume.push(words.next().unwrap().trim().to_owned()),
            other => panic!("unknown argument {other} in {}", expected.display()),
        }
    }
    (assume, standing_only)
}

fn fallen(value: &Value) -> Fallen {
    let unlocks = value["unlocks"].as_object().unwrap();
    Fallen {
        unlocks: unlocks
            .iter()
            .map(|(system, hops)| (system.clone(), hops.as_u64().unwrap() as u32))
            .collect(),
        accounts: value["accounts"].as_u64().unwrap() as usize,
        mailboxes: value["mailboxes"].as_u64().unwrap() as usize,
    }
}

/// What differs from an expected result, in words.
fn check(expected_file: &Path) -> Vec<String> {
    let text = fs::read_to_string(expected_file).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let (assume, standing_only) = arguments(expected_file);
    // One folder, so that its files are of one source.
    let folder = tempfile::tempdir().unwrap();
    for table in tables(expected_file.parent().unwrap()) {
        fs::copy(&table, folder.path().join(table.file_name().unwrap())).unwrap();
    }
    let scanned = scan(&[folder.path()], &assume, standing_only);
    let identities = expected.get("identities").unwrap_or(&expected);
    let wanted: BTreeMap<String, _> = identities
        .as_object()
        .unwrap()
        .iter()
        .map(|(id, value)| {
            let tier = value["tier"].as_u64().map(|tier| tier as u8);
            (id.clone(), (tier, fallen(value)))
        })
        .collect();
    let mut differences = differences(&scanned.identities(), &wanted);
    if let Some(footholds) = expected.get("footholds").and_then(Value::as_object) {
        let wanted: BTreeMap<String, _> = footholds
            .iter()
            .map(|(asset, value)| (asset.clone(), fallen(value)))
            .collect();
        differences.extend(self::differences(&scanned.footholds(), &wanted));
    }
    differences
        .into_iter()
        .map(|difference| format!("{}: {difference}", expected_file.display()))
        .collect()
}

fn differences<T: PartialEq + std::fmt::Debug>(
    got: &BTreeMap<String, T>,
    wanted: &BTreeMap<String, T>,
) -> Vec<String> {
    let names: BTreeSet<&String> = got.keys().chain(wanted.keys()).collect();
    names
        .into_iter()
        .filter(|name| got.get(*name) != wanted.get(*name))
        .map(|name| {
            let (got, wanted) = (got.get(name), wanted.get(name));
            format!("{name}\n   got {got:?}\n  want {wanted:?}")
        })
        .collect()
}

/// Checks every case, and returns how many expected results there were.
fn check_all(root: &Path) -> usize {
    let mut checked = 0;
    let mut differences = Vec::new();
    for case in folders(root) {
        let mut files: Vec<_> = fs::read_dir(&case)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        for file in files {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with("expected") && name.ends_with(".json") {
                differences.extend(check(&file));
                checked += 1;
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    checked
}

#[test]
fn every_case_has_its_expected_result() {
    let checked = check_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"));
    assert!(checked >= 80, "only {checked} expected results found");
}

/// The cases that this project was given, in place, when they are there.
#[test]
fn the_given_cases_agree_too() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases");
    if !root.is_dir() {
        eprintln!("skipped: {} is not here", root.display());
        return;
    }
    assert!(check_all(&root) >= 25);
}
