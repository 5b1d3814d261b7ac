//! The yardstick and the stages of a scan on the same files, in one run: `cargo bench --bench ratios`.
//!
//! The yardstick reads every table with the csv crate and serde into structs of String, on one
//! thread, and keeps them. Every figure beside it is a ratio to that, the median of some pairs.
//!
//! `LINCHPIN_BENCH_N` (default 100000) is the number of identities, `LINCHPIN_BENCH_PAIRS`
//! (default 5) the number of pairs, `LINCHPIN_BENCH_DIR` a folder that keeps the generated tables.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on should stop, and prints its result"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use linchpin::analyze;
use linchpin::compile;
use linchpin::draw;
use linchpin::generate::{self, Shape};
use linchpin::ingest;
use linchpin::model::Word;
use linchpin::report::View;
use linchpin::write;

fn main() {
    let n = number("LINCHPIN_BENCH_N", 100_000);
    let pairs = number("LINCHPIN_BENCH_PAIRS", 5) as usize;
    let folder = tables(n);
    let mut runs: Vec<Run> = (0..pairs.max(1)).map(|_| run(&folder)).collect();
    println!("{n} identities, median of {} pairs", runs.len());
    let mut show = |what: &str, of: fn(&Run) -> Duration| {
        runs.sort_by_key(of);
        let time = of(&runs[runs.len() / 2]);
        let mut ratios: Vec<f64> = runs
            .iter()
            .map(|run| of(run).as_secs_f64() / run.yardstick.as_secs_f64())
            .collect();
        ratios.sort_by(f64::total_cmp);
        println!(
            "{what:<12} {:>8.3} s  {:>6.2} x",
            time.as_secs_f64(),
            ratios[ratios.len() / 2]
        );
    };
    show("yardstick", |run| run.yardstick);
    show("ingest", |run| run.ingest);
    show("compile", |run| run.compile);
    show("solve", |run| run.solve);
    show("draw", |run| run.draw);
    show("write csv", |run| run.csv);
    show("write json", |run| run.json);
    show("whole scan", |run| run.scan);
}

struct Run {
    yardstick: Duration,
    ingest: Duration,
    compile: Duration,
    solve: Duration,
    draw: Duration,
    csv: Duration,
    json: Duration,
    scan: Duration,
}

fn run(folder: &Path) -> Run {
    let begin = Instant::now();
    let kept = yardstick::read(folder);
    let yardstick = begin.elapsed();
    drop(kept);

    let begin = Instant::now();
    let ingested = ingest::read(&[folder], ingest::Options::default());
    let ingest = begin.elapsed();
    assert!(!ingested.has_errors());
    let begin = Instant::now();
    let options = compile::Options::default();
    let program = compile::compile(&ingested.organisation, &options);
    let compile = begin.elapsed();
    let begin = Instant::now();
    let scan = analyze::scan(&ingested.organisation, &program, &|_| {});
    let solve = begin.elapsed();
    let view = View {
        org: &ingested.organisation,
        sources: &ingested.sources,
        program: &program,
        options: &options,
        scan: &scan,
    };
    let begin = Instant::now();
    let limits = draw::Limits {
        max_nodes: 80,
        focus: None,
    };
    let picture = draw::picture(&view, limits);
    drop((draw::dot(&picture), draw::svg(&picture)));
    let draw = begin.elapsed();
    let begin = Instant::now();
    let file = || std::io::BufWriter::new(tempfile::tempfile().unwrap());
    write::write_tiers(&view, false, &mut file()).unwrap();
    write::write_footholds(&view, false, &mut file()).unwrap();
    let csv = begin.elapsed();
    let begin = Instant::now();
    write::write_json(&view, &mut file()).unwrap();
    let json = begin.elapsed();
    drop((scan, program, ingested));

    let out = tempfile::tempdir().unwrap();
    let begin = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_linchpin"))
        .arg("scan")
        .arg(folder)
        .arg("--quiet")
        .arg("--out")
        .arg(out.path())
        .status();
    let scan = begin.elapsed();
    assert!(status.unwrap().success());
    Run {
        yardstick,
        ingest,
        compile,
        solve,
        draw,
        csv,
        json,
        scan,
    }
}

fn number(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The generated tables, made once per size.
fn tables(n: u64) -> PathBuf {
    let root = std::env::var_os("LINCHPIN_BENCH_DIR").map_or_else(
        || std::env::temp_dir().join("linchpin-bench"),
        PathBuf::from,
    );
    let folder = root.join(n.to_string());
    if folder.join("done").exists() {
        return folder;
    }
    fs::create_dir_all(&folder).unwrap();
    for (table, columns) in generate::tables() {
        let path = folder.join(format!("{}.csv", table.word()));
        let mut out = csv::Writer::from_path(path).unwrap();
        out.write_record(*columns).unwrap();
        generate::rows(&Shape::new(n, 1), *table, &mut |cells| {
            out.write_record(cells)
        })
        .unwrap();
        out.flush().unwrap();
    }
    fs::write(folder.join("done"), "").unwrap();
    folder
}

/// The yardstick.
mod yardstick {
    use std::path::Path;

    use serde::Deserialize;
    use serde::de::DeserializeOwned;

    macro_rules! table {
        ($name:ident { $($field:ident),+ }) => {
            #[derive(Deserialize)]
            #[allow(dead_code, reason = "the point is to keep them")]
            pub struct $name { $($field: String),+ }
        };
    }

    table!(Identity {
        id,
        kind,
        name,
        sign_in,
        owner,
        department,
        tier,
        recovery_mailbox,
        recovery_phone
    });
    table!(Mailbox {
        id,
        owner,
        kind,
        delegates,
        forwards_to
    });
    table!(Binding {
        identity,
        factor,
        holder
    });
    table!(Holding { holder, asset });
    table!(Recovery {
        source,
        target,
        method,
        restores,
        gate,
        need,
        process
    });
    table!(Membership {
        member,
        group,
        access
    });
    table!(System {
        id,
        criticality,
        owner
    });
    table!(Grant {
        principal,
        system,
        role,
        access
    });

    #[allow(dead_code, reason = "the point is to keep them")]
    pub struct Kept {
        identities: Vec<Identity>,
        mailboxes: Vec<Mailbox>,
        bindings: Vec<Binding>,
        holdings: Vec<Holding>,
        recoveries: Vec<Recovery>,
        memberships: Vec<Membership>,
        systems: Vec<System>,
        grants: Vec<Grant>,
    }

    fn rows<T: DeserializeOwned>(folder: &Path, name: &str) -> Vec<T> {
        let mut reader = csv::Reader::from_path(folder.join(name)).unwrap();
        reader.deserialize().map(Result::unwrap).collect()
    }

    pub fn read(folder: &Path) -> Kept {
        Kept {
            identities: rows(folder, "identities.csv"),
            mailboxes: rows(folder, "mailboxes.csv"),
            bindings: rows(folder, "mfa_bindings.csv"),
            holdings: rows(folder, "holdings.csv"),
            recoveries: rows(folder, "recoveries.csv"),
            memberships: rows(folder, "memberships.csv"),
            systems: rows(folder, "systems.csv"),
            grants: rows(folder, "grants.csv"),
        }
    }
}
