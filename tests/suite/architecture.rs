//! The pipeline runs one way.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What each module may name. `cli` and `main` may name everything and are not listed.
const ARROWS: [(&str, &[&str]); 11] = [
    ("diag", &[]),
    ("model", &["diag"]),
    ("generate", &["model"]),
    ("ingest", &["model", "diag"]),
    ("rules", &[]),
    ("compile", &["model", "rules", "diag"]),
    ("solve", &["rules"]),
    ("analyze", &["compile", "solve", "rules", "model", "diag"]),
    (
        "report",
        &["analyze", "compile", "solve", "rules", "model", "diag"],
    ),
    ("draw", &["report", "analyze", "solve", "rules", "model"]),
    ("write", &["report", "ingest", "solve", "model"]),
];

/// Words that would mean input or output, or a format, inside the core.
const NOT_IN_THE_CORE: [&str; 8] = [
    "std::fs",
    "std::io",
    "std::net",
    "std::env",
    "serde",
    "csv::",
    "println!",
    "std::time",
];

fn sources(module: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let file = root.join(format!("{module}.rs"));
    let mut found: Vec<_> = walkdir::WalkDir::new(root.join(module))
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .map(|entry| entry.into_path())
        .chain(file.exists().then_some(file))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            (
                path.display().to_string(),
                fs::read_to_string(path).unwrap(),
            )
        })
        .collect();
    assert!(!found.is_empty(), "no source of `{module}`");
    found.sort();
    found
}

/// The modules of this crate that a source names, comments aside.
fn named(source: &str) -> BTreeSet<String> {
    let code: Vec<&str> = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let code = code.join("\n");
    code.split("crate::")
        .skip(1)
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_');
            rest[..end.unwrap_or(rest.len())].to_owned()
        })
        .collect()
}

#[test]
fn arrows_run_one_way() {
    for (module, allowed) in ARROWS {
        for (path, source) in sources(module) {
            for name in named(&source) {
                assert!(
                    name == module || allowed.contains(&name.as_str()),
                    "{path} names `{name}`, which `{module}` may not"
                );
            }
        }
    }
}

/// An arrow to a later module would make the table above a licence for circles.
#[test]
fn the_table_of_arrows_has_no_circle() {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    while done.len() < ARROWS.len() {
        let before = done.len();
        for (module, allowed) in ARROWS {
            if allowed.iter().all(|name| done.contains(name)) {
                done.insert(module);
            }
        }
        assert!(done.len() > before, "a circle among {ARROWS:?}");
    }
}

#[test]
fn every_module_of_the_library_is_in_the_table() {
    let library = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"));
    let modules: BTreeSet<String> = library
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod "))
        .map(|rest| rest.trim_end_matches(';').to_owned())
        .filter(|module| module != "cli")
        .collect();
    let listed: BTreeSet<String> = ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(modules, listed);
}

#[test]
fn the_core_does_no_input_or_output_and_knows_no_format() {
    for module in ["rules", "compile", "solve", "analyze"] {
        for (path, source) in sources(module) {
            for word in NOT_IN_THE_CORE {
                assert!(!source.contains(word), "{path} names `{word}`");
            }
        }
    }
}
