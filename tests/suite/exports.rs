//! Exports of other tools: the tables made of each fixture, what is said of it, and what a scan of
//! several together finds.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Folder, command, linchpin, text};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/exports")
        .join(name)
}

/// Standard error without the paths of this machine.
fn said(run: &assert_cmd::assert::Assert) -> String {
    let said = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    let root = fixture("");
    said.replace(&*root.to_string_lossy(), "")
}

/// The tables of a folder, without columns that are empty throughout.
fn tables(folder: &Path) -> String {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut all = String::new();
    for file in files {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_path(&file)
            .unwrap();
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let full: Vec<usize> = (0..rows[0].len())
            .filter(|&at| rows[1..].iter().any(|row| !row[at].is_empty()))
            .collect();
        writeln!(all, "# {}", file.file_stem().unwrap().to_string_lossy()).unwrap();
        for row in &rows {
            let cells: Vec<&str> = full.iter().map(|&at| &row[at]).collect();
            writeln!(all, "{}", cells.join(" | ")).unwrap();
        }
        all.push('\n');
    }
    all
}

/// Every fixture: its folder, its importer, further arguments.
const FIXTURES: [(&str, &str, &[&str]); 23] = [
    ("entra", "entra", &[]),
    ("entra-portal", "entra", &["--set", "entra.sspr=off"]),
    ("entra-exporter", "entra", &[]),
    ("azurehound", "azurehound", &[]),
    ("sharphound-v3", "sharphound", &[]),
    ("opengraph", "opengraph", &[]),
    (
        "okta",
        "okta",
        &["--set", "okta.helpdesk_resets_admins=off"],
    ),
    (
        "google",
        "google",
        &["--set", "google.superadmin_recovery=off"],
    ),
    ("google-console", "google", &[]),
    ("google-api", "google", &[]),
    ("exchange", "exchange", &[]),
    ("ldif", "activedirectory", &[]),
    ("csvde", "activedirectory", &[]),
    ("get-aduser", "activedirectory", &[]),
    ("keycloak", "keycloak", &[]),
    ("bitwarden", "bitwarden", &[]),
    ("1password", "1password", &[]),
    ("crossing/entra", "entra", &["--set", "entra.sspr=2"]),
    ("crossing/okta", "okta", &[]),
    ("entra-log", "entra-log", &[]),
    ("okta-log", "okta-log", &[]),
    ("windows-log", "windows-log", &[]),
    ("servicenow-log", "servicenow-log", &[]),
];

fn import(folder: &str, source: &str, more: &[&str], out: &Path) -> assert_cmd::assert::Assert {
    let folder = fixture(folder);
    let mut arguments = vec![
        "import",
        source,
        folder.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    arguments.extend(more);
    linchpin(&arguments)
}

#[test]
fn the_tables_of_every_export() {
    for (folder, source, more) in FIXTURES {
        let out = tempfile::tempdir().unwrap();
        let run = import(folder, source, more, out.path()).success();
        let said = said(&run).replace(&*out.path().to_string_lossy(), "OUT");
        let shown = format!("{}\n{said}", tables(out.path()));
        insta::assert_snapshot!(format!("export-{}", folder.replace('/', "-")), shown);
    }
}

/// `import` then `scan` gives the tables of scanning the export.
#[test]
fn an_import_scans_as_its_export_does() {
    let all = FIXTURES
        .into_iter()
        .map(|(folder, source, more)| (folder, source, more.to_vec()));
    let crossing = [("crossing", "entra", Vec::new())];
    for (folder, source, more) in all.chain(crossing) {
        let out = tempfile::tempdir().unwrap();
        let path = |name: &str| out.path().join(name).to_str().unwrap().to_owned();
        import(folder, source, &more, &out.path().join("tables")).success();
        for case in ["worst", "best"] {
            let common = ["--pairs", "--assume-unknown", case, "--quiet", "--out"];
            let direct = fixture(folder);
            let mut arguments = vec!["scan", direct.to_str().unwrap()];
            arguments.extend(&more);
            arguments.extend(common);
            let (one, two) = (
                path(&format!("direct-{case}")),
                path(&format!("tables-{case}")),
            );
            linchpin(&[&arguments[..], &[&one]].concat()).success();
            let imported = path("tables");
            linchpin(&[&["scan", &imported][..], &common, &[&two]].concat()).success();
            for file in ["tiers.csv", "footholds.csv", "unlocks.csv", "graph.dot"] {
                let [one, two] = [&one, &two]
                    .map(|from| fs::read_to_string(Path::new(from).join(file)).unwrap());
                assert_eq!(one, two, "{folder}, {case}: {file}");
            }
        }
    }
}

#[test]
fn secrets_in_use_are_never_written() {
    for (folder, source) in [
        ("entra", "entra"),
        ("keycloak", "keycloak"),
        ("google", "google"),
    ] {
        let out = tempfile::tempdir().unwrap();
        let run = import(folder, source, &[], out.path()).success();
        let mut written = format!("{}{}", tables(out.path()), said(&run));
        let results = out.path().join("results");
        let export = fixture(folder);
        let arguments = [
            "scan",
            export.to_str().unwrap(),
            "--out",
            results.to_str().unwrap(),
        ];
        let run = linchpin(&arguments).success();
        written += &said(&run);
        for file in fs::read_dir(&results).unwrap() {
            written += &fs::read_to_string(file.unwrap().path()).unwrap();
        }
        for secret in [
            "LIVE-PASS-VALUE",
            "HASH-VALUE",
            "OTP-SEED",
            "12345678",
            "87654321",
        ] {
            assert!(!written.contains(secret), "{folder}: {secret}");
        }
    }
}

/// The identities of a scan of the fixture: tier, number of systems, chain.
fn tiers(arguments: &[&str]) -> BTreeMap<String, (String, String, String)> {
    let out = tempfile::tempdir().unwrap();
    let path = out.path().to_str().unwrap();
    linchpin(&[&["scan"][..], arguments, &["--quiet", "--out", path]].concat()).success();
    let mut reader = csv::Reader::from_path(out.path().join("tiers.csv")).unwrap();
    let rows = reader.records().map(Result::unwrap);
    rows.map(|row| {
        (
            row[0].to_owned(),
            (row[3].to_owned(), row[6].to_owned(), row[12].to_owned()),
        )
    })
    .collect()
}

#[test]
fn a_chain_crosses_four_exports_and_is_explained() {
    let crossing = fixture("crossing");
    let found = tiers(&[crossing.to_str().unwrap()]);
    let (tier, _, chain) = &found["DESK1@CORP.LOCAL"];
    assert_eq!(tier, "0");
    let order = [
        "password(KIM@CORP.LOCAL) (admin_reset by ad:ForceChangePassword, sharphound/users.json:",
        "password(kim@contoso.com) (ownership by hybrid/password-sync, entra/users.json:",
        "mailbox:lee@contoso.com (holder, exchange/permissions.csv:2)",
        "password(okta.admin@contoso.com) (email_link by okta/corp.okta.com/self-service-reset, okta/users.json:",
        "group:corp.okta.com: role Super Administrator (member, okta/users_",
        "system:Okta organisation corp.okta.com",
    ];
    let places: Vec<_> = order.iter().map(|step| chain.find(step)).collect();
    assert!(places.iter().all(Option::is_some), "{places:?}\n{chain}");
    assert!(places.is_sorted(), "{chain}");
    // The same exports one by one, in any order.
    let parts = ["okta", "sharphound", "exchange", "entra"].map(|part| crossing.join(part));
    let parts: Vec<&str> = parts.iter().map(|part| part.to_str().unwrap()).collect();
    assert_eq!(tiers(&parts)["DESK1@CORP.LOCAL"].0, "0");
}

#[test]
fn what_is_unknown_is_kept_apart_from_no() {
    let crossing = fixture("crossing");
    let crossing = crossing.to_str().unwrap();
    // At best kim has a factor that nobody knows, and the chain ends there.
    let best = tiers(&[crossing, "--assume-unknown", "best"]);
    assert_eq!(best["DESK1@CORP.LOCAL"].0, "3");
    assert_eq!(best["okta.admin@contoso.com"].0, "0");
    let out = tempfile::tempdir().unwrap();
    let path = out.path().to_str().unwrap();
    let run = linchpin(&["scan", crossing, "--assume-unknown", "best", "--out", path]).success();
    let summary = String::from_utf8(run.get_output().stdout.clone()).unwrap();
    assert!(
        summary.contains("hybrid does not show: password_writeback"),
        "{summary}"
    );
    assert!(summary.contains("the best is assumed"), "{summary}");
    let document: Value =
        serde_json::from_slice(&fs::read(out.path().join("tiers.json")).unwrap()).unwrap();
    assert_eq!(document["assume_unknown"], "best");
    let unknown: Vec<_> = document["coverage"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["state"] == "unknown")
        .collect();
    assert!(
        unknown
            .iter()
            .any(|one| text(&one["scope"]) == "process:hybrid/password-writeback")
    );
}

/// kim's account of the directory falls with the one in the cloud only where passwords are written
/// back.
#[test]
fn write_back_is_a_setting_with_an_honest_unknown() {
    let crossing = fixture("crossing");
    let crossing = crossing.to_str().unwrap();
    let grants = Folder::new(&[
        ("systems.csv", "id,criticality\ndomain,0\n"),
        ("grants.csv", "principal,system\nKIM@CORP.LOCAL,domain\n"),
    ]);
    let of = |more: &[&str]| {
        let arguments = [&[crossing, grants.str()], more].concat();
        tiers(&arguments)["kim@contoso.com"].2.clone()
    };
    let through = "password(KIM@CORP.LOCAL) (ownership by hybrid/password-writeback";
    assert!(of(&["--set", "hybrid.writeback=on"]).contains(through));
    assert!(of(&[]).contains(through), "unknown is taken for the worst");
    assert!(!of(&["--set", "hybrid.writeback=off"]).contains(through));
    assert!(!of(&["--assume-unknown", "best"]).contains(through));
}

/// A help desk over a unit resets that unit and nobody else.
#[test]
fn scope_is_honoured() {
    let export = fixture("entra");
    let export = export.to_str().unwrap();
    let reached = |seed: &str, what: &str, more: &[&str]| {
        let grants = Folder::new(&[
            ("systems.csv", "id,criticality\nprize,0\n"),
            ("grants.csv", &format!("principal,system\n{what},prize\n")),
        ]);
        let out = tempfile::tempdir().unwrap();
        let path = out.path().to_str().unwrap();
        let arguments = ["scan", export, grants.str(), "--pairs", "--out", path];
        linchpin(&[&arguments[..], more].concat()).success();
        let pairs = fs::read_to_string(out.path().join("unlocks.csv")).unwrap();
        pairs.contains(&format!("\n{seed},prize,"))
    };
    let best = ["--assume-unknown", "best"];
    // Una, over the unit Branch, whose members are kim and a Global Administrator.
    assert!(reached("una@contoso.com", "kim@contoso.com", &best));
    assert!(!reached("una@contoso.com", "eli@contoso.com", &best));
    // Hal, Authentication Administrator of a unit whose members nobody exported: everybody at worst,
    // but for the restricted unit, which only an eligible administrator of roles leads to.
    assert!(reached("hal@contoso.com", "eli@contoso.com", &[]));
    assert!(!reached("hal@contoso.com", "eli@contoso.com", &best));
    assert!(reached("hal@contoso.com", "res@contoso.com", &[]));
    assert!(!reached(
        "hal@contoso.com",
        "res@contoso.com",
        &["--standing-only"]
    ));
}

#[test]
fn a_kind_can_be_said_and_is_checked() {
    let out = tempfile::tempdir().unwrap();
    let path = out.path().to_str().unwrap();
    let users = fixture("okta/users.json");
    let from = |kind: &str| format!("{kind}={}", users.display());
    linchpin(&["scan", "--from", &from("okta"), "--out", path]).success();
    let run = linchpin(&["scan", "--from", &from("google"), "--out", path]).code(2);
    let said = said(&run);
    assert!(
        said.contains("is no Google Workspace export") && said.contains("linchpin sources google"),
        "{said}"
    );
    let run = linchpin(&["scan", "--from", &from("gogle"), "--out", path]).code(2);
    assert!(
        String::from_utf8_lossy(&run.get_output().stderr).contains("no kind of export `gogle`")
    );
    let run = linchpin(&["scan", path, "--set", "okta.helpdesk=on", "--out", path]).code(2);
    assert!(
        String::from_utf8_lossy(&run.get_output().stderr).contains("no setting `okta.helpdesk`")
    );
}

#[test]
fn a_zip_is_read_in_place() {
    let out = tempfile::tempdir().unwrap();
    let archive = out.path().join("all.zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&archive).unwrap());
    for part in ["entra", "okta", "exchange", "sharphound"] {
        let folder = fixture("crossing").join(part);
        for file in fs::read_dir(folder).unwrap() {
            let file = file.unwrap().path();
            let name = format!("{part}/{}", file.file_name().unwrap().to_string_lossy());
            let options = zip::write::SimpleFileOptions::default();
            zip.start_file(name, options).unwrap();
            zip.write_all(&fs::read(&file).unwrap()).unwrap();
        }
    }
    zip.finish().unwrap();
    let zipped = tiers(&[archive.to_str().unwrap()]);
    let folder = tiers(&[fixture("crossing").to_str().unwrap()]);
    let short = |found: BTreeMap<String, (String, String, String)>| {
        let short = found
            .into_iter()
            .map(|(id, (tier, systems, _))| (id, tier, systems));
        short.collect::<Vec<_>>()
    };
    assert_eq!(short(zipped), short(folder));
}

#[test]
fn lists_of_any_form_by_a_map() {
    let (list, map) = (fixture("map"), fixture("map.toml"));
    let (list, map) = (list.to_str().unwrap(), map.to_str().unwrap());
    let out = tempfile::tempdir().unwrap();
    let tables_of = out.path().join("tables");
    let arguments = [
        "import",
        "map",
        list,
        "--map",
        map,
        "--out",
        tables_of.to_str().unwrap(),
    ];
    linchpin(&arguments).success();
    insta::assert_snapshot!("export-map", tables(&tables_of));
    let bad = Folder::new(&[
        ("hr.csv", "Login\na\n"),
        (
            "bad.toml",
            "[[file]]\nmatch = \"hr.csv\"\ntable = \"identities\"\ncolumns = { id = \"Log in name\" }\n",
        ),
        (
            "worse.toml",
            "[[file]]\nmatch = \"hr.csv\"\ntabel = \"identities\"\n",
        ),
    ]);
    for (map, expected) in [
        ("bad.toml", "no column `Log in name`"),
        ("worse.toml", "worse.toml:"),
    ] {
        let map = bad.path().join(map);
        let run = linchpin(&["check", bad.str(), "--map", map.to_str().unwrap()]).code(2);
        let said = said(&run);
        assert!(said.contains(expected), "{said}");
    }
}

/// A collection that is gone through on the disk gives the tables of one that is kept.
#[test]
fn a_large_collection_gives_the_same_tables() {
    let small = fixture("crossing/sharphound/users.json");
    let text = fs::read_to_string(&small).unwrap();
    let out = tempfile::tempdir().unwrap();
    let large = out.path().join("users.json");
    let padding = " ".repeat(1 << 20);
    let mut file = fs::File::create(&large).unwrap();
    // The white space of pretty-printing, very much of it, after the list and within an object.
    let (before, after) = text.split_once("\"Aces\": []").unwrap();
    file.write_all(before.as_bytes()).unwrap();
    for _ in 0..65 {
        file.write_all(padding.as_bytes()).unwrap();
    }
    file.write_all(b"\"Aces\": []").unwrap();
    file.write_all(after.as_bytes()).unwrap();
    drop(file);
    assert!(fs::metadata(&large).unwrap().len() > 64 << 20);
    let tables_of = |from: &Path, to: &str| {
        let to = out.path().join(to);
        let arguments = [
            "import",
            "sharphound",
            from.to_str().unwrap(),
            "--out",
            to.to_str().unwrap(),
        ];
        linchpin(&arguments).success();
        tables(&to)
    };
    assert_eq!(tables_of(&large, "large"), tables_of(&small, "small"));
}

#[test]
fn further_edge_kinds_can_be_explained() {
    let graph = fixture("opengraph");
    let kinds = format!(
        "opengraph.edges={}",
        fixture("opengraph-kinds.toml").display()
    );
    let out = tempfile::tempdir().unwrap();
    let run = import(
        "opengraph",
        "opengraph",
        &["--set", &kinds],
        &out.path().join("tables"),
    )
    .success();
    let all = tables(&out.path().join("tables"));
    assert!(all.contains("opengraph/Our_OwnKind"), "{all}");
    assert!(!said(&run).contains("Our_OwnKind"));
    let missing = [
        "scan",
        graph.to_str().unwrap(),
        "--set",
        "opengraph.edges=/nowhere",
        "--out",
        "x",
    ];
    assert!(said(&linchpin(&missing).code(2)).contains("/nowhere cannot be read"));
}

/// Counts by kind, held against the raw JSON.
#[test]
fn a_real_graph_has_no_systems_and_says_so() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples/entra-policy");
    if !sample.is_dir() {
        eprintln!("skipped: {} is not here", sample.display());
        return;
    }
    let raw = fs::read_to_string(sample.join("AuthenticationPolicyData_Sample.json")).unwrap();
    let raw: Value = serde_json::from_str(raw.trim_start_matches('\u{feff}')).unwrap();
    let mut kinds: BTreeMap<String, std::collections::BTreeSet<(String, String)>> = BTreeMap::new();
    for edge in raw["graph"]["edges"].as_array().unwrap() {
        let ends = (text(&edge["start"]["value"]), text(&edge["end"]["value"]));
        kinds.entry(text(&edge["kind"])).or_default().insert(ends);
    }
    let users = raw["graph"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|node| {
            node["kinds"]
                .as_array()
                .unwrap()
                .iter()
                .any(|kind| kind == "AZUser")
        });
    let out = tempfile::tempdir().unwrap();
    let tables_of = out.path().join("tables");
    linchpin(&[
        "import",
        "opengraph",
        sample.to_str().unwrap(),
        "--out",
        tables_of.to_str().unwrap(),
    ])
    .success();
    let all = |name: &str| {
        let mut reader = csv::Reader::from_path(tables_of.join(name)).unwrap();
        reader.records().map(Result::unwrap).collect::<Vec<_>>()
    };
    assert_eq!(all("identities.csv").len(), users.count());
    let recoveries = all("recoveries.csv");
    let mut expected = 0;
    for (kind, edges) in &kinds {
        let of = format!("opengraph/{kind}");
        let found = recoveries
            .iter()
            .filter(|row| row.iter().any(|cell| cell == of))
            .count();
        let yields = ["AZCreateTAP", "AZRegisterPasskey"].contains(&&**kind);
        assert_eq!(found, if yields { edges.len() } else { 0 }, "{kind}");
        expected += found;
    }
    assert_eq!(recoveries.len(), expected);
    let results = out.path().join("results");
    let run = linchpin(&[
        "scan",
        sample.to_str().unwrap(),
        "--out",
        results.to_str().unwrap(),
    ])
    .success();
    let summary = String::from_utf8(run.get_output().stdout.clone()).unwrap();
    assert!(
        summary.contains("nothing to unlock: the inputs name no privileged system"),
        "{summary}"
    );
}

/// What is printed can be put back in, changed.
#[test]
fn the_reset_matrix_can_be_replaced() {
    let run = linchpin(&["sources", "entra", "--data"]).success();
    let built_in = String::from_utf8(run.get_output().stdout.clone()).unwrap();
    let out = tempfile::tempdir().unwrap();
    let recoveries = |text: &str, name: &str| {
        let (file, to) = (
            out.path().join(format!("{name}.toml")),
            out.path().join(name),
        );
        fs::write(&file, text).unwrap();
        let setting = format!("entra.matrix={}", file.display());
        import("entra", "entra", &["--set", &setting], &to).success();
        fs::read_to_string(to.join("recoveries.csv")).unwrap()
    };
    let same = recoveries(&built_in, "same");
    let helpdesk = "group:contoso.com: role Helpdesk Administrator,";
    assert!(same.contains(helpdesk), "{same}");
    let without: String = built_in
        .split_inclusive("[[role]]")
        .filter(|role| !role.contains("name = \"Helpdesk Administrator\""))
        .collect();
    assert!(!recoveries(&without, "without").contains(helpdesk));
    let broken = out.path().join("broken.toml");
    fs::write(&broken, "date = 7").unwrap();
    let setting = format!("entra.matrix={}", broken.display());
    let run = import(
        "entra",
        "entra",
        &["--set", &setting],
        &out.path().join("x"),
    )
    .code(2);
    assert!(
        said(&run).contains("broken.toml cannot be read"),
        "{}",
        said(&run)
    );
}

#[test]
fn sources_are_listed_with_their_commands() {
    let run = linchpin(&["sources"]).success();
    let all = String::from_utf8(run.get_output().stdout.clone()).unwrap();
    insta::assert_snapshot!("sources", all);
    let run = command()
        .args(["sources", "okta", "--format", "json"])
        .assert()
        .success();
    let one: Value = serde_json::from_slice(&run.get_output().stdout).unwrap();
    let documents = one["sources"][0]["documents"].as_array().unwrap();
    assert!(
        documents
            .iter()
            .all(|document| text(&document["obtain"]).contains("/api/v1/"))
    );
}
