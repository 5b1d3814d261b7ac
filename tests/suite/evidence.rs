//! `--evidence` and `verify`: records of runs, chained, run again, and what was done to them found.

use std::path::Path;

use serde_json::Value;

use crate::support::{Folder, command};

/// Runs the program in a folder; standard output and error.
fn run(folder: &Path, arguments: &[&str], code: i32) -> (String, String) {
    let assert = command().current_dir(folder).args(arguments).assert();
    let output = assert.get_output().clone();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {out}{err}"
    );
    (out, err)
}

/// A folder with tables in `in`, in which three runs are on record.
fn recorded() -> (Folder, String) {
    let folder = Folder::new(&[]);
    let tables = folder.path().join("in");
    std::fs::create_dir(&tables).unwrap();
    for (name, text) in [
        ("identities.csv", "id,kind\nana,\nadm,admin\n"),
        (
            "recoveries.csv",
            "source,target,method\nidentity:ana,adm,help_desk\n",
        ),
        ("systems.csv", "id,criticality\nidp,0\n"),
        ("grants.csv", "principal,system\nadm,idp\n"),
        (
            "signals.csv",
            "identity,signal,seen\nana,other,2026-11-01T00:00:00Z\n",
        ),
    ] {
        std::fs::write(tables.join(name), text).unwrap();
    }
    let evidence = ["--evidence", "evidence.jsonl"];
    let mut head = String::new();
    for arguments in [
        &["scan", "in", "--out", "out", "--quiet"][..],
        &["explain", "in", "--identity", "ana"],
        &[
            "harden",
            "in",
            "--out",
            "changes.json",
            "--assume",
            "sim-swap",
        ],
    ] {
        let (_, err) = run(folder.path(), &[arguments, &evidence].concat(), 0);
        let line = err.lines().last().unwrap();
        head = line.split("head ").nth(1).unwrap().to_owned();
    }
    (folder, head)
}

fn lines(folder: &Folder) -> Vec<String> {
    let text = std::fs::read_to_string(folder.path().join("evidence.jsonl")).unwrap();
    text.split_inclusive('\n').map(str::to_owned).collect()
}

fn verify(folder: &Folder, lines: &[String], more: &[&str], code: i32) -> String {
    std::fs::write(folder.path().join("other.jsonl"), lines.concat()).unwrap();
    run(
        folder.path(),
        &[&["verify", "other.jsonl"][..], more].concat(),
        code,
    )
    .0
}

#[test]
fn a_record_names_everything_by_its_hash() {
    let (folder, head) = recorded();
    let records: Vec<Value> = lines(&folder)
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(records.len(), 3);
    let first = &records[0];
    assert_eq!(
        first["arguments"],
        serde_json::json!(["scan", "in", "--out", "out", "--quiet"])
    );
    assert_eq!(first["time"], "2026-11-01T00:00:00Z");
    let named = |list: &Value, name: &str| -> String {
        let mut list = list.as_array().unwrap().iter();
        let found = list.find(|one| one["name"] == name).unwrap();
        found["sha256"].as_str().unwrap().to_owned()
    };
    let sha256 =
        |file: &str| linchpin::model::sha256(&std::fs::read(folder.path().join(file)).unwrap());
    assert_eq!(
        named(&first["inputs"], "identities.csv"),
        sha256("in/identities.csv")
    );
    assert_eq!(
        named(&first["results"], "tiers.csv"),
        sha256("out/tiers.csv")
    );
    assert_eq!(first["rules"][0]["name"], "policy default");
    assert_eq!(records[1]["results"][0]["name"], "standard output");
    assert_eq!(records[2]["results"][0]["name"], "changes.json");
    assert_eq!(records[2]["assumptions"], serde_json::json!(["sim-swap"]));
    assert_eq!(records[2]["hash"], head.as_str());
    for record in &records {
        assert!(!record.to_string().contains("evidence"), "{record}");
    }
}

#[test]
fn a_chain_that_holds_is_run_again_to_the_same_bytes() {
    let (folder, head) = recorded();
    let all = lines(&folder);
    for number in ["1", "2", "3"] {
        let told = verify(&folder, &all, &["--record", number, "--head", &head], 0);
        assert!(
            told.contains(&format!(
                "record {number} was run again and gives the same bytes"
            )),
            "{told}"
        );
        assert!(
            told.contains("nothing was cut off or chained anew"),
            "{told}"
        );
    }
    let told = verify(&folder, &all, &[], 0);
    assert!(
        told.contains("only --head HASH can tell") && told.ends_with("it holds\n"),
        "{told}"
    );
    // Nothing of it was written where the first run wrote.
    std::fs::write(folder.path().join("out/tiers.csv"), "mine").unwrap();
    verify(&folder, &all, &["--record", "1"], 0);
    assert_eq!(
        std::fs::read(folder.path().join("out/tiers.csv")).unwrap(),
        b"mine"
    );
}

#[test]
fn what_was_done_to_it_is_told_with_its_place() {
    let (folder, head) = recorded();
    let all = lines(&folder);
    let at = |lines: &[String], more: &[&str]| {
        verify(&folder, lines, &[&["--no-rerun"][..], more].concat(), 1)
    };
    let mut tampered = all.clone();
    tampered[1] = tampered[1].replace("ana", "adm");
    assert!(at(&tampered, &[]).contains("other.jsonl:2: the record was changed"));
    let turned = [all[1].clone(), all[0].clone(), all[2].clone()];
    assert!(at(&turned, &[]).contains("other.jsonl:1: record 2 stands where record 1 should"));
    let mut cut = all.clone();
    cut[2].truncate(100);
    assert!(at(&cut, &[]).contains("other.jsonl:3: the record is cut off"));
    // Cut off between records, or all of it hashed anew: only the head tells.
    let short = &all[..2];
    assert!(verify(&folder, short, &["--no-rerun"], 0).contains("it holds"));
    assert!(
        at(short, &["--head", &head]).contains("records were cut off at the end, or chained anew")
    );
    let mut record: linchpin::write::evidence::Record = serde_json::from_str(&all[2]).unwrap();
    record.arguments.push("--quiet".to_owned());
    record.hash = record.own_hash();
    let mut anew = all.clone();
    anew[2] = serde_json::to_string(&record).unwrap() + "\n";
    assert!(verify(&folder, &anew, &["--no-rerun"], 0).contains("it holds"));
    assert!(at(&anew, &["--head", &head]).contains("chained anew"));
    assert!(at(&[], &[]).contains("there is no record"));
    // A head from before is told for what it is.
    let first: Value = serde_json::from_str(&all[0]).unwrap();
    let told = verify(
        &folder,
        &all,
        &["--no-rerun", "--head", first["hash"].as_str().unwrap()],
        0,
    );
    assert!(
        told.contains("that of record 1: nothing up to it was changed; 2 came after it"),
        "{told}"
    );
}

#[test]
fn other_inputs_or_results_do_not_hold() {
    let (folder, _) = recorded();
    let all = lines(&folder);
    std::fs::write(folder.path().join("in/grants.csv"), "principal,system\n").unwrap();
    let told = verify(&folder, &all, &["--record", "1"], 1);
    assert!(
        told.contains("other.jsonl:1: record 1 run again: input `grants.csv` is another one"),
        "{told}"
    );
    assert!(told.contains("result `tiers.csv` is another one"), "{told}");
    std::fs::remove_dir_all(folder.path().join("in")).unwrap();
    let told = verify(&folder, &all, &["--record", "1"], 1);
    assert!(told.contains("it does not come to an end"), "{told}");
}

#[test]
fn nothing_is_added_to_a_broken_chain_nor_for_a_run_that_failed() {
    let (folder, _) = recorded();
    let before = lines(&folder);
    run(
        folder.path(),
        &[
            "scan",
            "nowhere",
            "--out",
            "out",
            "--evidence",
            "evidence.jsonl",
        ],
        2,
    );
    assert_eq!(lines(&folder), before);
    let broken = before.concat().replace("explain", "explein");
    std::fs::write(folder.path().join("evidence.jsonl"), &broken).unwrap();
    let (_, err) = run(
        folder.path(),
        &["scan", "in", "--out", "new", "--evidence", "evidence.jsonl"],
        2,
    );
    assert!(err.contains("is broken at line 2"), "{err}");
    assert!(!folder.path().join("new").exists(), "nothing was done");
    assert_eq!(lines(&folder).concat(), broken);
}

#[test]
fn a_run_on_record_writes_nowhere_else_however_it_was_typed() {
    let (folder, _) = recorded();
    for (at, place) in [&["-qo", "two"][..], &["-qothree"], &["-q", "-o=four"]]
        .iter()
        .enumerate()
    {
        let file = format!("{at}.jsonl");
        let scan = [&["scan", "in"][..], place, &["--evidence", &file]].concat();
        run(folder.path(), &scan, 0);
        let out = ["two", "three", "four"][at];
        let written = folder.path().join(out).join("tiers.csv");
        std::fs::write(&written, "mine").unwrap();
        let (told, _) = run(folder.path(), &["verify", &file], 0);
        assert!(told.contains("gives the same bytes"), "{told}");
        assert_eq!(std::fs::read(&written).unwrap(), b"mine", "{place:?}");
    }
}

/// A chain of one record with these arguments, as somebody else might make it.
fn forged(folder: &Folder, arguments: &[&str]) {
    let mut record = linchpin::write::evidence::Record {
        number: 1,
        previous: linchpin::write::evidence::START.to_owned(),
        arguments: arguments.iter().map(|text| (*text).to_owned()).collect(),
        ..Default::default()
    };
    record.hash = record.own_hash();
    let line = serde_json::to_string(&record).unwrap() + "\n";
    std::fs::write(folder.path().join("forged.jsonl"), line).unwrap();
}

#[test]
fn a_forged_record_is_not_run_to_harm() {
    let (folder, _) = recorded();
    for (arguments, why) in [
        (&["verify", "forged.jsonl"][..], "it is a run of `verify`"),
        (
            &["scan", "in", "-o", "x", "--elsewhere", "."],
            "no run is put on record",
        ),
        (
            &["policy", "--evidence", "in/grants.csv"],
            "no run is put on record",
        ),
        (&["no-such-command"], "does not understand its arguments"),
        (
            &["generate", "-n", "10"],
            "does not understand its arguments",
        ),
    ] {
        forged(&folder, arguments);
        let (_, err) = run(folder.path(), &["verify", "forged.jsonl"], 2);
        assert!(err.contains(why), "{arguments:?}: {err}");
        run(folder.path(), &["verify", "forged.jsonl", "--no-rerun"], 0);
    }
    // What writes, writes into a folder that is thrown away.
    for arguments in [
        &["generate", "-n", "10", "-o", "in"][..],
        &["templates", "--out=in"],
        &["harden", "in", "--out", "in/grants.csv"],
        // Options after these two dashes would be inputs.
        &["scan", "in", "--out", "in", "--keep-going", "--"],
        &["generate", "-n", "10", "-o", "in", "--"],
    ] {
        let before = std::fs::read(folder.path().join("in/grants.csv")).unwrap();
        forged(&folder, arguments);
        run(folder.path(), &["verify", "forged.jsonl"], 1);
        let after = std::fs::read(folder.path().join("in/grants.csv")).unwrap();
        assert_eq!(before, after, "{arguments:?}");
        assert!(
            !folder.path().join("in/resets.csv").exists(),
            "{arguments:?}"
        );
    }
}

#[test]
fn the_key_of_pseudonyms_is_not_on_record() {
    let (folder, _) = recorded();
    let scan = [
        "scan",
        "in",
        "-o",
        "red",
        "--redact",
        "--quiet",
        "--evidence",
        "r.jsonl",
    ];
    for key in [&["--redact-key", "sesame"][..], &["--redact-key=sesame"]] {
        run(folder.path(), &[&scan[..], key].concat(), 0);
        let text = std::fs::read_to_string(folder.path().join("r.jsonl")).unwrap();
        assert!(!text.contains("sesame"), "{text}");
        let (_, err) = run(folder.path(), &["verify", "r.jsonl"], 2);
        assert!(err.contains("its --redact-key is not on record"), "{err}");
        let with = |key: &str, code: i32| {
            run(
                folder.path(),
                &["verify", "r.jsonl", "--redact-key", key],
                code,
            )
            .0
        };
        assert!(with("sesame", 0).contains("gives the same bytes"));
        assert!(with("other", 1).contains("result `tiers.csv` is another one"));
    }
}

#[test]
fn a_file_that_is_cut_inside_a_letter_is_told_with_its_place() {
    let (folder, _) = recorded();
    run(
        folder.path(),
        &[
            "explain",
            "in",
            "--identity",
            "ana",
            "--system",
            "idp",
            "--evidence",
            "u.jsonl",
        ],
        0,
    );
    let mut bytes = std::fs::read(folder.path().join("u.jsonl")).unwrap();
    bytes.extend("{\"number\":2,\"x\":\"é".as_bytes());
    bytes.pop();
    std::fs::write(folder.path().join("u.jsonl"), &bytes).unwrap();
    let (told, _) = run(folder.path(), &["verify", "u.jsonl"], 1);
    assert!(
        told.contains("u.jsonl:2: the record is cut off") && told.contains("NOT hold"),
        "{told}"
    );
}

#[test]
fn what_could_not_be_verified_is_refused_before_the_run() {
    let (folder, _) = recorded();
    let export = ["export", "in", "--to", "csv", "--quiet", "-o", "tool"];
    run(folder.path(), &export, 0);
    let again = [&export[..], &["--since", "tool", "--evidence", "e.jsonl"]].concat();
    let (_, err) = run(folder.path(), &again, 2);
    assert!(err.contains("give --out another folder"), "{err}");
    assert!(!folder.path().join("e.jsonl").exists());
    // A file that cannot be added to is told before anything is written.
    let scan = ["scan", "in", "-o", "unwritten", "--evidence", "in"];
    run(folder.path(), &scan, 2);
    assert!(!folder.path().join("unwritten").exists());
}

#[test]
fn inputs_after_two_dashes_and_folders_with_the_same_tables_are_verified() {
    let (folder, _) = recorded();
    std::fs::create_dir(folder.path().join("new")).unwrap();
    for entry in std::fs::read_dir(folder.path().join("in")).unwrap() {
        let path = entry.unwrap().path();
        let copy = folder.path().join("new").join(path.file_name().unwrap());
        std::fs::copy(&path, copy).unwrap();
    }
    std::fs::write(
        folder.path().join("new/grants.csv"),
        "principal,system\nadm,idp\nana,idp\n",
    )
    .unwrap();
    for arguments in [
        &["diff", "in", "new"][..],
        &["diff", "--", "in", "new"],
        &["check", "--", "in"],
    ] {
        let _ = std::fs::remove_file(folder.path().join("d.jsonl"));
        let (options, rest) = arguments.split_at(1);
        let typed = [options, &["--evidence", "d.jsonl"], rest].concat();
        run(folder.path(), &typed, 0);
        let (told, _) = run(folder.path(), &["verify", "d.jsonl"], 0);
        assert!(
            told.contains("gives the same bytes"),
            "{arguments:?}: {told}"
        );
    }
    let _ = std::fs::remove_file(folder.path().join("d.jsonl"));
    run(
        folder.path(),
        &["diff", "in", "new", "--evidence", "d.jsonl"],
        0,
    );
    // The second of two inputs with one name.
    std::fs::write(
        folder.path().join("new/recoveries.csv"),
        "source,target,method\nidentity:ana,adm,help_desk\n\n",
    )
    .unwrap();
    let (told, _) = run(folder.path(), &["verify", "d.jsonl"], 1);
    assert!(
        told.contains("input `recoveries.csv` is another one"),
        "{told}"
    );
}
