//! The yardstick and the stages of a scan on the same files, in one run: `cargo bench --bench ratios`.
//!
//! The yardstick reads every table with the csv crate and serde into structs of String, on one
//! thread, and keeps them. A pair is that, and the program as people run it with `--timings`, each
//! in a process of its own that has no memory yet; every figure is the median of the ratios of some
//! pairs. Of the yardstick only its reading counts, of the program all from its start to its end.
//! The program's own stage `solve` does more than solve, on the same threads at the same time, so
//! the solver is timed by itself too, in a process that has read and compiled before.
//!
//! `LINCHPIN_BENCH_N` (default 100000) is the number of identities, `LINCHPIN_BENCH_PAIRS`
//! (default 5) the number of pairs, `LINCHPIN_BENCH_DIR` a folder that keeps the generated tables.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on should stop, and prints its result"
)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use linchpin::compile;
use linchpin::ingest;
use linchpin::solve::solve;
use support::{Asked, number, tables};

/// What a process of its own measures, and of which folder.
const ROLE: &str = "LINCHPIN_BENCH_ROLE";
const FOLDER: &str = "LINCHPIN_BENCH_FOLDER";
const YARDSTICK: &str = "yardstick";
const SOLVER: &str = "solver";

fn main() {
    if let (Ok(role), Some(folder)) = (std::env::var(ROLE), std::env::var_os(FOLDER)) {
        let folder = Path::new(&folder);
        println!(
            "{}",
            if role == SOLVER {
                solver(folder)
            } else {
                yardstick(folder)
            }
        );
        return;
    }
    let n = number("LINCHPIN_BENCH_N", 100_000);
    let pairs = number("LINCHPIN_BENCH_PAIRS", 5) as usize;
    let folder = tables(n);
    let runs: Vec<Run> = (0..pairs.max(1)).map(|_| run(&folder)).collect();
    println!("{n} identities, median of {} pairs", runs.len());
    let show = |what: &str, of: &dyn Fn(&Run) -> f64| {
        let median = |of: &dyn Fn(&Run) -> f64| {
            let mut all: Vec<f64> = runs.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        let ratio = median(&|run| of(run) / run.yardstick);
        println!("{what:<12} {:>8.3} s  {ratio:>6.2} x", median(of));
    };
    show("yardstick", &|run| run.yardstick);
    for stage in STAGES {
        show(stage, &|run| run.stages[stage]);
    }
    show("whole scan", &|run| run.scan);
    show("solver alone", &|run| run.solver);
}

/// The stages as `--timings` names them.
const STAGES: [&str; 5] = ["read", "compile", "solve", "tiers", "others"];

/// Seconds of one pair.
struct Run {
    yardstick: f64,
    stages: BTreeMap<String, f64>,
    scan: f64,
    /// All identities and footholds, with hops, counts and proofs, and nothing else.
    solver: f64,
}

/// Seconds that reading takes by the yardstick.
fn yardstick(folder: &Path) -> f64 {
    let begin = Instant::now();
    let kept = yardstick::read(folder);
    let seconds = begin.elapsed().as_secs_f64();
    drop(kept);
    seconds
}

/// Seconds that solving takes once the tables are compiled.
fn solver(folder: &Path) -> f64 {
    let ingested = ingest::read(&[folder], ingest::Options::default());
    let graph = compile::compile(&ingested.organisation, &compile::Options::default()).graph;
    let asked = Asked::with_footholds(&graph);
    let begin = Instant::now();
    let answers = solve(&graph, &asked.question(&asked.seeds), &|_| {});
    let seconds = begin.elapsed().as_secs_f64();
    drop(answers);
    seconds
}

/// The same in a process of its own.
fn apart(role: &str, folder: &Path) -> f64 {
    let done = Command::new(std::env::current_exe().unwrap())
        .env(ROLE, role)
        .env(FOLDER, folder)
        .output()
        .unwrap();
    assert!(done.status.success());
    String::from_utf8(done.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

fn run(folder: &Path) -> Run {
    let yardstick = apart(YARDSTICK, folder);
    // The program as people run it.
    let out = tempfile::tempdir().unwrap();
    let begin = Instant::now();
    let done = Command::new(env!("CARGO_BIN_EXE_linchpin"))
        .arg("scan")
        .arg(folder)
        // Not as JSON: the summary for scripts lists every identity whose tier must rise.
        .args(["--quiet", "--timings", "--out"])
        .arg(out.path())
        .output()
        .unwrap();
    let scan = begin.elapsed().as_secs_f64();
    assert!(done.status.success());
    let said = String::from_utf8(done.stderr).unwrap();
    // A line is the name of a stage, seconds and an `s`.
    let stages = said.lines().filter_map(|line| {
        let (stage, seconds) = line.strip_suffix(" s")?.rsplit_once(' ')?;
        Some((stage.trim().to_owned(), seconds.parse().ok()?))
    });
    let solver = apart(SOLVER, folder);
    Run {
        yardstick,
        stages: stages.collect(),
        scan,
        solver,
    }
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
