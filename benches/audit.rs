//! A year of resets held against the tiers, as people run it: `cargo bench --bench audit`.
//!
//! `linchpin audit` in a process of its own over generated tables and 50,000 resets, then with a
//! record of the directory beside each ticket; it reads, solves and judges. Medians, and ratios to
//! `linchpin scan` of the same tables. `LINCHPIN_BENCH_N` (10,000 here) is the number of identities,
//! `LINCHPIN_BENCH_PAIRS` and `LINCHPIN_BENCH_DIR` are as for `ratios`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on should stop, and prints its result"
)]

mod support;

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use support::{median, number, tables};

/// Resets of the year.
const RESETS: usize = 50_000;
/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600;

fn main() {
    let n = number("LINCHPIN_BENCH_N", 10_000);
    let runs = number("LINCHPIN_BENCH_PAIRS", 5).max(1) as usize;
    let folder = tables(n);
    let year = tempfile::tempdir().unwrap();
    let log = year.path().join("resets.csv");
    let scan = median(runs, || {
        run(&["scan", "--out"], &[year.path(), &folder]);
    });
    println!("{n} identities, median of {runs} runs; whole scan {scan:.3} s");
    for (what, is_doubled) in [("tickets", false), ("tickets and records", true)] {
        std::fs::write(&log, resets(&folder, is_doubled)).unwrap();
        let mut told = String::new();
        let seconds = median(runs, || told = run(&["audit"], &[&folder, &log]));
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        let found = told["violations"].as_array().unwrap().len();
        println!(
            "audit, {what:<20} {seconds:>8.3} s  {:>6.2} x  ({} resets, {found} violations)",
            seconds / scan,
            told["resets"],
        );
    }
}

fn run(command: &[&str], paths: &[&Path]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_linchpin"))
        .args(command)
        .args(paths)
        .args(["--quiet", "--format", "json"])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap()
}

/// A reset every ten minutes: of all accounts in turn, by the processes in turn, well proven by one
/// in two, approved by one or two.
fn resets(folder: &Path, is_doubled: bool) -> String {
    let first = |table: &str| -> Vec<String> {
        let mut rows = csv::Reader::from_path(folder.join(table)).unwrap();
        rows.records()
            .map(|row| row.unwrap()[0].to_owned())
            .collect()
    };
    let (accounts, processes) = (first("identities.csv"), first("processes.csv"));
    let time = |seconds: i64| jiff::Timestamp::from_second(START + seconds).unwrap();
    let mut text = String::from(
        "id,time,identity,process,agent,approvers,evidence,proofing,restored,sessions_revoked,requested\n",
    );
    for at in 0..RESETS {
        let account = &accounts[at * 7919 % accounts.len()];
        let by = |step: usize| &accounts[(at / 3 + step) % accounts.len()];
        let when = at as i64 * 600;
        let _ = writeln!(
            text,
            "R{at},{},{account},{},{},{};{},passport,{},{},true,{}",
            time(when),
            processes[at % processes.len()],
            by(1),
            by(2),
            by(3 + at % 2),
            ["possession", "ial2"][at % 2],
            ["password", "mfa"][at / 5 % 2],
            time(when - 3600 * (at as i64 % 48)),
        );
        if is_doubled {
            let _ = writeln!(
                text,
                "D{at},{},{account},administrator,{},,,,{},,",
                time(when + 60),
                by(1),
                ["password", "mfa"][at / 5 % 2],
            );
        }
    }
    text
}
