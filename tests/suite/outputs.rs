//! What a scan writes: the same bytes every time, valid by its schema, private, and safe to open.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Folder, command, linchpin, text};

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn case(name: &str) -> String {
    let path = repository().join("tests/cases").join(name);
    path.to_str().unwrap().to_owned()
}

/// Every file of a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap())
        })
        .collect()
}

/// Scans quietly and returns what was written.
fn written(input: &str, more: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let out = tempfile::tempdir().unwrap();
    let mut arguments = vec!["scan", input, "--quiet", "--out"];
    arguments.push(out.path().to_str().unwrap());
    arguments.extend(more);
    linchpin(&arguments).success();
    files(out.path())
}

fn json(files: &BTreeMap<String, Vec<u8>>) -> Value {
    serde_json::from_slice(&files["tiers.json"]).unwrap()
}

#[test]
fn the_same_bytes_with_one_thread_and_with_eight() {
    let mut inputs = vec![
        repository().join("data/harbour"),
        repository().join("tests/cases/policy-rows"),
    ];
    let sample = repository().join("../shared/samples/phantom-ad");
    if sample.is_dir() {
        inputs.push(sample);
    }
    // Large enough to be cut into many parts, by thread.
    let made = tempfile::tempdir().unwrap();
    let tables = made.path().join("tables");
    linchpin(&[
        "generate",
        "--identities",
        "6000",
        "--help-desk-share",
        "0.1",
        "--out",
        tables.to_str().unwrap(),
    ])
    .success();
    inputs.push(tables);
    let assumed = [&["--assume", "weak-proofing"][..], &[]];
    for (input, assumed) in inputs
        .iter()
        .flat_map(|input| assumed.map(|it| (input, it)))
    {
        let input = input.to_str().unwrap();
        let scan = |threads| {
            written(
                input,
                &[assumed, &["--pairs", "--threads", threads]].concat(),
            )
        };
        let first = scan("1");
        assert_eq!(
            first.keys().map(String::as_str).collect::<Vec<_>>(),
            [
                "accountability.csv",
                "footholds.csv",
                "graph.dot",
                "graph.svg",
                "tiers.csv",
                "tiers.json",
                "unlocks.csv"
            ]
        );
        for threads in ["8", "1", "8"] {
            assert!(first == scan(threads), "{input} with {threads} threads");
        }
    }
}

#[test]
fn tiers_json_is_valid_by_its_schema() {
    let schema = linchpin(&["schema"]).success();
    let schema: Value = serde_json::from_slice(&schema.get_output().stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut seen = 0;
    let mut folders: Vec<_> = fs::read_dir(repository().join("tests/cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.extend([
        repository().join("data/harbour"),
        repository().join("data/honan-2012"),
    ]);
    for folder in folders {
        for more in [
            &[][..],
            &["--assume", "weak-proofing", "--standing-only"],
            &["--redact"],
        ] {
            let document = json(&written(folder.to_str().unwrap(), more));
            let errors: Vec<_> = validator
                .iter_errors(&document)
                .map(|e| e.to_string())
                .collect();
            assert!(errors.is_empty(), "{}: {errors:#?}", folder.display());
            seen += 1;
        }
    }
    assert!(seen > 100);

    // The schema is one that can say no.
    let good = json(&written(&case("two-of-three"), &[]));
    for (at, bad) in [
        ("/identities/0/id", Value::Null),
        ("/counts", Value::Bool(true)),
        ("/schema_version", "one".into()),
        ("/unlock_sets", Value::Null),
    ] {
        let mut document = good.clone();
        *document
            .pointer_mut(at)
            .unwrap_or_else(|| panic!("no {at}")) = bad;
        assert!(!validator.is_valid(&document), "{at}");
    }
    let mut document = good.clone();
    document.as_object_mut().unwrap().remove("findings");
    assert!(!validator.is_valid(&document));
}

#[test]
fn pairs_are_those_of_tiers_json() {
    let files = written(&case("policy-rows"), &["--pairs"]);
    let document = json(&files);
    let mut expected = BTreeSet::new();
    for identity in document["identities"].as_array().unwrap() {
        let Some(set) = identity["unlock_set"].as_u64() else {
            continue;
        };
        for pair in document["unlock_sets"][set as usize].as_array().unwrap() {
            expected.insert((
                text(&identity["id"]),
                text(&pair["system"]),
                pair["hops"].to_string(),
            ));
        }
    }
    let mut reader = csv::Reader::from_reader(&files["unlocks.csv"][..]);
    assert_eq!(
        reader.headers().unwrap(),
        vec!["identity", "system", "criticality", "hops"]
    );
    let pairs: BTreeSet<_> = reader
        .records()
        .map(|row| row.unwrap())
        .map(|row| (row[0].to_owned(), row[1].to_owned(), row[3].to_owned()))
        .collect();
    assert_eq!(pairs, expected);
    assert_eq!(pairs.len(), 8);
}

#[test]
fn tiers_csv_is_ordered_and_disabled_identities_are_last_and_empty() {
    let files = written(&case("disabled"), &[]);
    let rows: Vec<String> = String::from_utf8(files["tiers.csv"].clone())
        .unwrap()
        .lines()
        .map(ToOwned::to_owned)
        .collect();
    assert!(rows[0].starts_with("identity,kind,enabled,tier,previous_tier,change,unlocks,"));
    assert!(
        rows[1].starts_with("ann,human,true,2,,new,1,s-ops,2,1,1,0,"),
        "{rows:?}"
    );
    assert_eq!(rows.last().unwrap(), "gone,human,false,,,,,,,,,,");
}

#[cfg(unix)]
#[test]
fn files_are_readable_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("new/out");
    linchpin(&[
        "scan",
        &case("honan-2012"),
        "-q",
        "--out",
        out.to_str().unwrap(),
    ])
    .success();
    for name in files(&out).keys() {
        let mode = fs::metadata(out.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(
        fs::metadata(&out).unwrap().permissions().mode() & 0o777,
        0o700
    );
}

#[test]
fn an_earlier_result_is_replaced_whole_and_other_files_stay() {
    let out = tempfile::tempdir().unwrap();
    let path = out.path().to_str().unwrap();
    fs::write(out.path().join("notes.txt"), "mine").unwrap();
    fs::write(out.path().join("graph.partial.svg"), "old").unwrap();
    linchpin(&[
        "scan",
        &case("honan-2012"),
        "-q",
        "--out",
        path,
        "--pairs",
        "--redact",
    ])
    .success();
    let before = files(out.path());
    assert!(before.contains_key("unlocks.csv") && !before.contains_key("graph.partial.svg"));
    linchpin(&["scan", &case("two-of-three"), "-q", "--out", path]).success();
    let after = files(out.path());
    assert!(!after.contains_key("unlocks.csv"));
    assert_eq!(after["notes.txt"], b"mine");
    assert_ne!(before["tiers.csv"], after["tiers.csv"]);
    // A run that fails changes nothing.
    let bad = Folder::new(&[("identities.csv", "id,kind\nann,wizard\n")]);
    linchpin(&["scan", bad.str(), "-q", "--out", path]).code(2);
    assert_eq!(files(out.path()), after);
}

/// Every name and every free text of the policy-rows case that stands for somebody or something.
const REAL_NAMES: [&str; 16] = [
    "noor",
    "iris",
    "omar",
    "glass",
    "desk1",
    "svc-backup",
    "idp",
    "backup",
    "7946",
    "home.example",
    "old.example",
    "team-vault",
    "omar-app",
    "Outsourced",
    "IAM team",
    "assistants",
];

#[test]
fn redaction_leaves_no_name_in_any_output() {
    let plain = written(&case("policy-rows"), &["--pairs"]);
    let all = plain.values().flatten().copied().collect::<Vec<u8>>();
    let all = String::from_utf8(all).unwrap();
    let named: Vec<_> = REAL_NAMES
        .iter()
        .filter(|name| all.contains(**name))
        .collect();
    assert!(named.len() > 10, "only {named:?} stand in a plain result");

    for format in ["text", "json"] {
        let out = tempfile::tempdir().unwrap();
        let path = out.path().to_str().unwrap();
        let arguments = ["--redact", "--pairs", "--format", format, "--out", path];
        let run = command()
            .current_dir(repository().join("tests/cases"))
            .args(["scan", "policy-rows"])
            .args(arguments)
            .assert()
            .success();
        let mut texts = files(out.path());
        texts.insert("standard output".into(), run.get_output().stdout.clone());
        texts.insert("standard error".into(), run.get_output().stderr.clone());
        for (file, bytes) in &texts {
            // The folder's random name may hold three letters of somebody's.
            let text = String::from_utf8(bytes.clone()).unwrap().replace(path, "");
            let text = text.to_lowercase();
            for name in REAL_NAMES {
                // Words that are no name: a kind, a column, a level of the summary.
                let text = text.replace("break_glass", "");
                assert!(
                    !text.contains(&name.to_lowercase()),
                    "{file} ({format}) holds {name}:\n{text}"
                );
            }
        }
    }
}

#[test]
fn pseudonyms_are_stable_and_depend_on_the_key() {
    let input = case("policy-rows");
    let one = written(&input, &["--redact"]);
    assert_eq!(one, written(&input, &["--redact"]));
    let keyed = written(&input, &["--redact", "--redact-key", "pepper"]);
    assert_ne!(one["tiers.csv"], keyed["tiers.csv"]);
    let ids = |files: &BTreeMap<String, Vec<u8>>| -> BTreeSet<String> {
        let mut reader = csv::Reader::from_reader(&files["tiers.csv"][..]);
        reader
            .records()
            .map(|row| row.unwrap()[0].to_owned())
            .collect()
    };
    assert!(ids(&one).is_disjoint(&ids(&keyed)));
}

const HOSTILE: &str = "id,name\n\
    \"=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\",<script>alert(1)</script>\n\
    \"\"\"]; evil [label=\"\"x\",\"a\u{1b}[31mred\"\n\
    </svg><script>&amp;,+1\n";

/// Formulas, markup, quotes and escapes as names, each on the way to a system.
fn hostile() -> Folder {
    let mut grants = String::from("principal,system,role\n");
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut reader = csv::Reader::from_reader(HOSTILE.as_bytes());
    for row in reader.records() {
        let id = format!("identity:{}", &row.unwrap()[0]);
        writer
            .write_record([
                id.as_str(),
                "<b>idp</b> \"x\" \\N @SUM(1)",
                "=1+1\u{1b}]0;t\u{7}",
            ])
            .unwrap();
    }
    grants.push_str(&String::from_utf8(writer.into_inner().unwrap()).unwrap());
    Folder::new(&[("identities.csv", HOSTILE), ("grants.csv", &grants)])
}

#[test]
fn markup_quotes_and_escapes_stay_text() {
    let folder = hostile();
    let files = written(folder.str(), &[]);
    let svg = String::from_utf8(files["graph.svg"].clone()).unwrap();
    let picture = roxmltree::Document::parse(&svg).unwrap();
    assert!(
        !picture
            .descendants()
            .any(|node| node.has_tag_name("script") || node.has_tag_name("b"))
    );
    let titles: Vec<_> = picture
        .descendants()
        .filter(|node| node.tag_name().name() == "title")
        .filter_map(|node| node.text())
        .collect();
    assert!(
        titles
            .iter()
            .any(|title| title.contains("</svg><script>&amp;")),
        "{titles:?}"
    );
    let dot = String::from_utf8(files["graph.dot"].clone()).unwrap();
    let parsed = graphviz_rust::parse(&dot).unwrap();
    assert!(!format!("{parsed:?}").contains("Plain(\"evil\")"));
    for (name, bytes) in &files {
        assert!(
            !bytes
                .iter()
                .any(|&byte| byte == 0x1b || byte == 0x07 || byte == 0),
            "{name}"
        );
    }
}

#[test]
fn free_text_is_guarded_against_spreadsheets_and_ids_only_when_asked() {
    let folder = hostile();
    let cells = |more: &[&str]| -> Vec<(String, String)> {
        let files = written(folder.str(), more);
        let mut reader = csv::Reader::from_reader(&files["tiers.csv"][..]);
        reader
            .records()
            .map(|row| row.unwrap())
            .map(|row| (row[0].to_owned(), row[12].to_owned()))
            .collect()
    };
    let formula = "=HYPERLINK(\"http://x\",\"y\")";
    let plain = cells(&[]);
    let (_, chain) = plain.iter().find(|(id, _)| id == formula).unwrap();
    assert!(chain.starts_with('\''), "{chain}");
    let guarded = cells(&["--csv-guard"]);
    assert!(
        guarded.iter().any(|(id, _)| *id == format!("'{formula}")),
        "{guarded:?}"
    );
}

/// How many things are drawn.
fn nodes(svg: &str) -> usize {
    let picture = roxmltree::Document::parse(svg).unwrap();
    let drawn = picture
        .descendants()
        .filter(|node| node.attribute("class") == Some("thing"));
    drawn.count()
}

#[test]
fn the_picture_holds_no_more_than_asked_and_says_what_it_left_out() {
    let input = repository().join("data/harbour");
    let input = input.to_str().unwrap();
    let all = written(input, &["--max-nodes", "1000"]);
    let few = written(input, &["--max-nodes", "20"]);
    let (all, few) = (
        String::from_utf8(all["graph.svg"].clone()).unwrap(),
        String::from_utf8(few["graph.svg"].clone()).unwrap(),
    );
    assert!(nodes(&all) > 40, "{}", nodes(&all));
    assert!((5..=20).contains(&nodes(&few)), "{}", nodes(&few));
    assert!(few.contains("left out"), "{few}");
}

#[test]
fn the_focus_is_one_blast_radius() {
    let input = case("policy-rows");
    let svg =
        |more: &[&str]| String::from_utf8(written(&input, more)["graph.svg"].clone()).unwrap();
    let focused = svg(&["--focus", "DESK1"]);
    assert!(focused.contains("svc-backup") && !focused.contains("glass"));
    assert_ne!(focused, svg(&[]));
    let out = tempfile::tempdir().unwrap();
    let run = linchpin(&[
        "scan",
        &input,
        "--focus",
        "desk2",
        "--out",
        out.path().to_str().unwrap(),
    ])
    .code(2);
    let said = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    assert!(
        said.contains("desk2") && said.contains("did you mean `desk1`"),
        "{said}"
    );
}

#[test]
fn without_graphviz_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new");
    let mut scan = command();
    scan.env("PATH", "");
    scan.args(["scan", &case("sign-in"), "--layout", "graphviz", "--out"]);
    scan.arg(&out).assert().code(2);
    assert!(!out.exists());
}

#[test]
fn graphviz_accepts_the_dot_when_it_is_there() {
    if std::process::Command::new("dot")
        .arg("-V")
        .output()
        .is_err()
    {
        eprintln!("skipped: `dot` is not here");
        return;
    }
    for folder in [hostile().str(), &case("policy-rows"), &case("hops")] {
        let files = written(folder, &[]);
        let out = tempfile::tempdir().unwrap();
        let path = out.path().join("graph.dot");
        fs::write(&path, &files["graph.dot"]).unwrap();
        let run = std::process::Command::new("dot")
            .arg("-Tsvg")
            .arg(&path)
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&run.stderr);
        assert!(
            run.status.success() && !complaint.contains("syntax"),
            "{complaint}"
        );
        let drawn = String::from_utf8(run.stdout).unwrap();
        assert!(!drawn.contains("<script>") && drawn.contains("<svg"));
    }
}

/// Every member of a deep nesting has a chain as long as it is deep: told whole, they would fill a disk.
#[test]
fn a_very_long_chain_is_told_by_its_ends() {
    let mut memberships = String::from("member,group\n");
    for at in 0..50 {
        memberships.push_str(&format!("m{at},g0\n"));
    }
    for at in 1..1000 {
        memberships.push_str(&format!("group:g{},g{at}\n", at - 1));
    }
    let folder = Folder::new(&[
        ("identities.csv", "id\nm0\n"),
        ("memberships.csv", &memberships),
        ("grants.csv", "principal,system\ngroup:g999,s\n"),
    ]);
    let files = written(folder.str(), &[]);
    let document = json(&files);
    let worst = &document["identities"][0]["worst"];
    assert_eq!(worst["omitted_steps"], 801);
    assert_eq!(worst["chain"].as_array().unwrap().len(), 200);
    assert!(files["tiers.json"].len() < 5_000_000);
    let tiers = String::from_utf8(files["tiers.csv"].clone()).unwrap();
    let first = tiers.lines().nth(1).unwrap();
    assert!(
        first.contains("(801 steps not told)") && first.contains("-> system:s"),
        "{first}"
    );
}
