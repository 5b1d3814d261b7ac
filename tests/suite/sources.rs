//! Several sources, broken files, strangers among the files: what a first reader of this program
//! broke it with.

use std::fs;

use serde_json::Value;

use crate::support::{Folder, Scanned, linchpin, scan};

fn said(scanned: &Scanned) -> Vec<String> {
    let diagnostics = scanned.ingested.diagnostics.iter();
    diagnostics
        .map(|said| format!("{}: {}", said.code.word(), said.message))
        .collect()
}

/// The export of an identity provider, whose native id is an alias.
fn provider() -> Folder {
    Folder::new(&[
        (
            "identities.csv",
            "id,aliases,enabled,origin_file\nbob@corp,S-1-5-21-7,no,users.json\n",
        ),
        ("systems.csv", "id,criticality\ns,0\n"),
        ("grants.csv", "principal,system\nbob@corp,s\n"),
    ])
}

#[test]
fn rows_of_one_identity_are_merged_whichever_source_comes_first() {
    let by_hand = Folder::new(&[("identities.csv", "id,tier\nS-1-5-21-7,2\n")]);
    let provider = provider();
    for inputs in [
        [by_hand.path(), provider.path()],
        [provider.path(), by_hand.path()],
    ] {
        let scanned = scan(&inputs, &[], false);
        let identities = &scanned.ingested.organisation.identities;
        assert_eq!(identities.len(), 1, "{:?}", said(&scanned));
        assert_eq!(
            (identities[0].tier, identities[0].enabled),
            (Some(2), false)
        );
        let found = scanned.identities();
        assert!(found["bob@corp"].0.is_none() && found["bob@corp"].1.unlocks.is_empty());
    }
}

#[test]
fn a_bad_row_of_one_source_spoils_no_other() {
    let bad = Folder::new(&[("identities.csv", "id,kind\nBOB@corp,admn\n")]);
    let (provider, out) = (provider(), tempfile::tempdir().unwrap());
    let path = out.path().to_str().unwrap();
    linchpin(&[
        "scan",
        provider.str(),
        bad.str(),
        "--keep-going",
        "--out",
        path,
    ])
    .success();
    let tiers = fs::read_to_string(out.path().join("tiers.partial.csv")).unwrap();
    assert!(tiers.contains("bob@corp,human,false"), "{tiers}");
}

#[test]
fn rows_of_a_gate_that_count_as_one_must_agree_too() {
    for (one, two, differs) in [
        ("x,,g,", "y,,g,", "target"),
        ("x,mfa,g,", "x,,g,", "restores"),
        ("x,,g,1", "x,,g,2", "need"),
    ] {
        let recoveries = format!(
            "source,method,target,restores,gate,need\n\
             box@x.example,email_link,{one}\nbox@x.example,email_link,{two}\n"
        );
        let folder = Folder::new(&[
            ("identities.csv", "id\nx\ny\n"),
            ("recoveries.csv", &recoveries),
        ]);
        let run = linchpin(&["check", folder.str()]).code(2);
        let said = String::from_utf8(run.get_output().stderr.clone()).unwrap();
        assert!(said.contains(&format!("disagree on `{differs}`")), "{said}");
    }
}

/// A gate of two that lost a row must not fire with the other one.
#[test]
fn a_gate_that_lost_a_row_no_reader_could_read_is_left_out_whole() {
    let identities = ("identities.csv", "id\na\nb\nx\n");
    let grants = ("grants.csv", "principal,system\nx,s\n");
    for recoveries in [
        (
            "recoveries.csv",
            "source,target,method,gate,need\na,x,help_desk,g,\nb,x,help_desk,g\n",
        ),
        (
            "recoveries.csv",
            "source,target,method,gate,need\na,x,help_desk,g,\n\"b,x,help_desk,g,\n",
        ),
        (
            "recoveries.json",
            r#"[{"source":"a","target":"x","method":"help_desk","gate":"G"},
                {"source":["b"],"target":"x","method":"help_desk","gate":"g"}]"#,
        ),
        (
            "recoveries.jsonl",
            "{\"source\":\"a\",\"target\":\"x\",\"method\":\"help_desk\",\"gate\":\"g\"}\n\
             {\"source\":\"b\",\"target\":\"x\",\"method\"\n",
        ),
    ] {
        let folder = Folder::new(&[identities, grants, recoveries]);
        let out = folder.path().join("out");
        let arguments = [
            "scan",
            folder.str(),
            "--keep-going",
            "--out",
            out.to_str().unwrap(),
        ];
        linchpin(&arguments).success();
        let tiers = fs::read_to_string(out.join("tiers.partial.csv")).unwrap();
        assert!(
            tiers.contains("\na,human,true,3,"),
            "{}:\n{tiers}",
            recoveries.0
        );
    }
}

#[test]
fn an_import_overwrites_nobodys_tables() {
    let collection = r#"{"data":[{"ObjectIdentifier":"S-1-5-21-1-2-3-500","Properties":{"name":"U@D"}}],"meta":{"type":"users","version":6,"count":1}}"#;
    let folder = Folder::new(&[
        ("users.json", collection),
        ("holdings.csv", "holder,asset\nprecious,v\n"),
    ]);
    let run = linchpin(&["import", "sharphound", folder.str(), "--out", folder.str()]).code(2);
    let said = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    assert!(
        said.contains("holdings.csv") && said.contains("there already"),
        "{said}"
    );
    assert!(!folder.path().join("identities.csv").exists());
}

#[cfg(unix)]
#[test]
fn a_table_that_cannot_be_opened_is_an_error() {
    let folder = Folder::new(&[("identities.csv", "id\na\n")]);
    std::os::unix::fs::symlink("/nonexistent", folder.path().join("recoveries.csv")).unwrap();
    let run = linchpin(&["check", folder.str()]).code(2);
    let said = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    assert!(said.contains("recoveries.csv"), "{said}");
}

#[test]
fn folders_below_are_named_and_strangers_do_no_harm() {
    let folder = Folder::new(&[
        ("identities.csv", "id\na\n"),
        ("tsconfig.json", "{ // a comment\n \"a\": 1 }"),
    ]);
    fs::create_dir(folder.path().join("grants.csv")).unwrap();
    fs::write(folder.path().join("notes.csv"), b"caf\xe9").unwrap();
    fs::write(folder.path().join("data.json"), b"caf\xe9").unwrap();
    fs::write(folder.path().join("foo.zip"), "no zip").unwrap();
    let run = linchpin(&["check", folder.str()]).success();
    let said = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    for name in [
        "tsconfig.json",
        "grants.csv/",
        "notes.csv",
        "data.json",
        "foo.zip",
    ] {
        assert!(said.contains(name), "{name} in {said}");
    }
    // Given by name each of them is an error.
    for name in ["notes.csv", "data.json", "foo.zip", "tsconfig.json"] {
        let path = folder.path().join(name);
        linchpin(&["check", folder.str(), path.to_str().unwrap()]).code(2);
    }
}

#[test]
fn what_macos_leaves_in_a_zip_is_passed_over() {
    let folder = Folder::new(&[]);
    let path = folder.path().join("export.zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    for (name, bytes) in [
        ("exp/identities.csv", &b"id\na\n"[..]),
        ("__MACOSX/exp/._identities.csv", b"\x00\x05\x16\x07"),
        ("exp/.DS_Store", b"\x00\x00"),
    ] {
        use std::io::Write;
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    linchpin(&["check", path.to_str().unwrap()]).success();
}

#[test]
fn keep_going_says_when_nobody_knows_how_many_rows_are_lost() {
    let folder = Folder::new(&[("identities.csv", "id\na\nb\n")]);
    fs::write(folder.path().join("recoveries.csv"), b"source\xe9").unwrap();
    let out = folder.path().join("out");
    let arguments = [
        "scan",
        folder.str(),
        "--keep-going",
        "--out",
        out.to_str().unwrap(),
    ];
    let run = linchpin(&arguments).success();
    let said = String::from_utf8(run.get_output().stdout.clone()).unwrap();
    assert!(
        said.contains("0 bad rows and what follows in 1 broken file left out"),
        "{said}"
    );
}

#[test]
fn a_misspelt_prefix_is_a_warning() {
    let folder = Folder::new(&[
        ("identities.csv", "id,aliases\nx,urn:corp:x\n"),
        (
            "recoveries.csv",
            "source,target,method\nown:phones,x,sms_code\nmailbx:foo,x,sms_code\nurn:corp:x,x,help_desk\n",
        ),
    ]);
    let scanned = scan(&[folder.path()], &[], false);
    let near: Vec<_> = said(&scanned)
        .into_iter()
        .filter(|said| said.starts_with("near-prefix"))
        .collect();
    assert_eq!(
        near,
        [
            "near-prefix: `own:phones` is taken as a name; `own:` is no kind",
            "near-prefix: `mailbx:foo` is taken as a name; `mailbx:` is no kind"
        ]
    );
    linchpin(&["check", folder.str(), "--strict"]).code(2);
}

#[test]
fn a_collection_says_what_it_could_not_read() {
    let collection = r#"{"data":[
        {"ObjectIdentifier":"S-1-5-21-1-2-3-500","Properties":{"name":"U@D"},"Aces":{"a":1}},
        {"ObjectIdentifier":"S-1-5-21-1-2-3-501","Properties":{"name":"V@D"},
         "Aces":[{"PrincipalSID":5,"RightName":"GenericAll"}]}],
        "meta":{"type":"users","version":6,"count":700}}"#;
    let folder = Folder::new(&[("users.json", collection)]);
    let said = said(&scan(&[folder.path()], &[], false)).join("\n");
    assert!(
        said.contains("says that it holds 700 objects and holds 2"),
        "{said}"
    );
    assert!(said.contains("2 malformed members and rights"), "{said}");
}

#[test]
fn redaction_covers_what_an_export_says_of_itself() {
    let folder = Folder::new(&[
        ("identities.csv", "id\na\n"),
        (
            "coverage.csv",
            "source,scope,aspect,state,detail\nContoso-Src,x,Contoso Bob,unknown,Contoso\n",
        ),
    ]);
    let out = folder.path().join("out");
    let run = linchpin(&[
        "scan",
        folder.str(),
        "--redact",
        "--out",
        out.to_str().unwrap(),
    ])
    .success();
    let mut text = String::from_utf8(run.get_output().stdout.clone()).unwrap();
    text.push_str(&fs::read_to_string(out.join("tiers.json")).unwrap());
    assert!(!text.contains("Contoso"), "{text}");
}

#[test]
fn keys_of_different_rows_differ() {
    let folder = Folder::new(&[
        ("identities.csv", "id\na\nx\n"),
        (
            "recoveries.csv",
            "source,target,method,process\na,x,help_desk,p1\na,x,help_desk,p2\n",
        ),
    ]);
    let scanned = scan(&[folder.path()], &[], false);
    let org = &scanned.ingested.organisation;
    let key = |index| {
        let row = linchpin::model::RowRef {
            table: linchpin::model::Table::Recoveries,
            index,
        };
        linchpin::report::row_key(org, row)
    };
    assert_ne!(key(0), key(1));
}

#[test]
fn entering_tier_0_is_noticed_though_another_leaves() {
    let folder = Folder::new(&[
        ("identities.csv", "id,tier\na,3\nb,0\n"),
        ("systems.csv", "id,criticality\ns,0\n"),
        ("grants.csv", "principal,system\na,s\n"),
    ]);
    let out = folder.path().join("out");
    let arguments = ["scan", folder.str(), "-q", "--out", out.to_str().unwrap()];
    linchpin(&[&arguments[..], &["--fail-on", "tier0-grew"]].concat()).code(1);
    folder.write("identities.csv", "id,tier\na,0\nb,0\n");
    linchpin(&[&arguments[..], &["--fail-on", "tier0-grew"]].concat()).success();
    folder.write("notes.txt", "mine");
    linchpin(&[&arguments[..], &["--fail-on", "unclaimed-file"]].concat()).code(1);
}

/// What took minutes or gigabytes must take neither; a slow machine is given ten times what it needs.
#[test]
fn wide_gates_and_long_lists_are_no_trouble() {
    let mut recoveries = String::from("source,target,method,gate,need\n");
    for at in 0..50_000 {
        recoveries.push_str(&format!("device:d{at},x,authenticator,g,25000\n"));
    }
    let readers: Vec<String> = (0..50_000).map(|at| format!("r{at}")).collect();
    let mailboxes = format!("id,delegates\nbox,{}\n", readers.join(";"));
    let folder = Folder::new(&[
        ("identities.csv", "id\nx\n"),
        ("recoveries.csv", &recoveries),
        ("mailboxes.csv", &mailboxes),
        ("grants.csv", "principal,system\nx,s\n"),
    ]);
    let out = folder.path().join("out");
    let arguments = ["scan", folder.str(), "-q", "--out", out.to_str().unwrap()];
    crate::support::command()
        .args(arguments)
        .timeout(std::time::Duration::from_secs(60))
        .assert()
        .success();
    let json: Value = serde_json::from_slice(&fs::read(out.join("tiers.json")).unwrap()).unwrap();
    assert_eq!(json["counts"]["enabled"], 50_001);
}
