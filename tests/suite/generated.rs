//! Generated organisations: of any size they are read without a word, and the same seed gives the
//! same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use linchpin::ingest;

fn generate(dir: &Path, args: &[&str]) {
    let mut command = Command::cargo_bin("linchpin").unwrap();
    command.arg("generate").args(args).arg("--out").arg(dir);
    command.assert().success();
}

fn bytes(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(dir).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    });
    files.collect()
}

#[test]
fn organisations_of_any_size_are_whole() {
    let small = (0..40).chain([
        49, 50, 66, 67, 99, 100, 149, 150, 151, 333, 999, 1500, 12_600,
    ]);
    for size in small {
        for knobs in [
            &[][..],
            &["--no-hubs"],
            &["--help-desk-share", "0.3", "--depth", "7"],
            &["--help-desk-share", "0", "--sspr-one-method", "1"],
        ] {
            if size > 1500 && !knobs.is_empty() {
                continue;
            }
            let dir = tempfile::tempdir().unwrap();
            let size = size.to_string();
            let mut args = vec!["--identities", &size, "--seed", "3"];
            args.extend(knobs);
            let tables = dir.path().join("tables");
            generate(&tables, &args);
            let read = ingest::read(&[tables], ingest::Options::default());
            assert!(
                read.diagnostics.is_empty(),
                "{args:?}: {:#?}",
                read.diagnostics
            );
            assert_eq!(read.organisation.identities.len().to_string(), size);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    let dir = tempfile::tempdir().unwrap();
    let tables = |name: &str, seed: &str| {
        let out = dir.path().join(name);
        generate(&out, &["--identities", "700", "--seed", seed]);
        bytes(&out)
    };
    let first = tables("first", "1");
    assert_eq!(first, tables("again", "1"));
    assert_ne!(first, tables("other", "2"));
}

#[test]
fn facts_gates_and_unlocked_pairs_are_those_that_the_goals_were_set_on() {
    // Identities, and facts, gates and pairs of an identity and a system of the organisation that the goals
    // for speed were set on.
    for (size, goals) in [
        ("2000", [7_875, 11_831, 1_105]),
        ("20000", [78_805, 117_757, 4_914]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let tables = dir.path().join("tables");
        generate(&tables, &["--identities", size]);
        let mut command = Command::cargo_bin("linchpin").unwrap();
        command.arg("scan").arg(&tables).args(["--format", "json"]);
        command.arg("--out").arg(dir.path().join("out"));
        let said = command.assert().success().get_output().stdout.clone();
        let said: serde_json::Value = serde_json::from_slice(&said).unwrap();
        for (what, goal) in ["facts", "gates", "pairs"].iter().zip(goals) {
            let seen = said["counts"][what].as_f64().unwrap();
            let off = (seen / f64::from(goal) - 1.0).abs();
            assert!(off < 0.15, "{size}: {seen} {what} for {goal}");
        }
    }
}

#[test]
fn too_little_memory_is_an_error_in_words_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let tables = dir.path().join("tables");
    generate(&tables, &["--identities", "30000", "--seed", "1"]);
    let out = dir.path().join("out");
    let scan = |limit: &str| {
        let mut command = Command::cargo_bin("linchpin").unwrap();
        command.arg("scan").arg(&tables).arg("--out").arg(&out);
        command.args(["--quiet", "--memory-limit", limit]).assert()
    };
    let refused = scan("12MiB").code(2).get_output().stderr.clone();
    let said = String::from_utf8(refused).unwrap();
    assert!(
        said.contains("more than --memory-limit 12 MiB allows"),
        "{said}"
    );
    assert!(!out.exists());
    // Looked at before anything is done: what is over before the next look is refused too.
    scan("1").code(2);
    scan("lots").code(2);
    scan("4GiB").success();
    assert!(out.join("tiers.csv").exists());
}

/// Ended by a signal while it writes, a scan takes what it had written with it. Signals may be ignored
/// where the tests run, as under nohup; `env` of Linux puts that right for the scan.
#[cfg(target_os = "linux")]
#[test]
fn what_is_half_written_goes_with_the_process() {
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    let dir = tempfile::tempdir().unwrap();
    let tables = dir.path().join("tables");
    generate(&tables, &["--identities", "60000", "--seed", "1"]);
    let out = dir.path().join("out");
    let mut scan = std::process::Command::new("env")
        .arg("--default-signal=HUP,INT,TERM")
        .arg(env!("CARGO_BIN_EXE_linchpin"))
        .args(["scan", "--quiet", "--out"])
        .args([&out, &tables])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let files = || fs::read_dir(&out).map_or(0, Iterator::count);
    let begun = Instant::now();
    while files() == 0 && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(files() > 0, "nothing was begun");
    let pid = scan.id().to_string();
    let ended = std::process::Command::new("kill").arg(pid).status();
    assert!(ended.unwrap().success());
    assert_eq!(scan.wait().unwrap().code(), Some(130));
    assert_eq!(
        files(),
        0,
        "{:?}",
        fs::read_dir(&out).unwrap().collect::<Vec<_>>()
    );
}
