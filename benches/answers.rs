//! What the answers cost beside the solve stage, after loading: `cargo bench --bench answers`.
//!
//! Every figure is the median of some runs, as a ratio to one scan of the same organisation. The
//! commands scan identities alone, without footholds and findings; that is counted. `LINCHPIN_BENCH_N`, `LINCHPIN_BENCH_PAIRS` and
//! `LINCHPIN_BENCH_DIR` as for `ratios`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on should stop, and prints its result"
)]

mod support;

use linchpin::analyze::compare::{Scanned, compare};
use linchpin::analyze::{self, choke, explain};
use linchpin::compile;
use linchpin::ingest::{self, changes::read_changed};
use linchpin::model::Organisation;
use support::{median, number, tables};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let n = number("LINCHPIN_BENCH_N", 100_000);
    let runs = number("LINCHPIN_BENCH_PAIRS", 5).max(1) as usize;
    let folder = tables(n);
    let changes = tempfile::tempdir().unwrap();
    let first = std::fs::read_to_string(folder.join("identities.csv")).unwrap();
    let first = first
        .lines()
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap()
        .to_owned();
    let row = format!("change,member,group\nadd,{first},console-admins\n");
    std::fs::write(changes.path().join("memberships.csv"), row).unwrap();
    let changed = read_changed(&[&folder], &[changes.path()], &ingest::Options::default());
    assert!(!changed.has_errors());
    let options = compile::Options::default();
    let (before, after) = (&changed.before, &changed.after);
    let program = compile::compile(before, &options);
    let policy = linchpin::model::Policy::default();
    let judge = |org: &Organisation| analyze::Judge::new(&policy, org, false, None);
    let scan = analyze::scan(before, &program, &|_| {});

    let solve = median(runs, || drop(analyze::scan(before, &program, &|_| {})));
    println!("{n} identities, median of {runs} runs; solve stage {solve:.3} s");
    let show = |what: &str, seconds: f64| {
        println!("{what:<24} {seconds:>8.3} s  {:>6.2} x", seconds / solve);
    };
    let asked = choke::Asked {
        top: Some(20),
        ..choke::Asked::default()
    };
    let ranking = median(runs, || {
        let scan = analyze::scan_identities(before, &program, &judge(before));
        drop(choke::choke_points(
            before, &program, &options, &scan, asked,
        ));
    });
    show("chokepoints --top 20", ranking);
    // As the command does: what is and what would be, side by side.
    let whatif = median(runs, || {
        let few = choke::Asked {
            top: Some(5),
            ..choke::Asked::default()
        };
        let answer = |org, program: &compile::Program| {
            let scan = analyze::scan_identities(org, program, &judge(org));
            let points = choke::choke_points(org, program, &options, &scan, few);
            (scan, points)
        };
        let ((old, _), (new, (found, _))) = rayon::join(
            || answer(before, &program),
            || {
                let new = compile::compile(after, &options);
                let answer = answer(after, &new);
                (new, answer)
            },
        );
        let [old, new] = [(before, &program, &old), (after, &new, &found)]
            .map(|(org, program, scan)| Scanned { org, program, scan });
        assert!(!compare(old, new).is_empty());
    });
    show("whatif of one row", whatif);
    let worst = scan.identities.first().unwrap();
    let seed = program
        .atlas
        .fact(before.identities[worst.identity as usize].asset);
    let goal = worst.answer.as_ref().unwrap().unlocks()[0].system;
    let proofs = median(runs, || {
        drop(analyze::scan_identities(before, &program, &judge(before)));
        drop(explain::proofs(&program.graph, &[seed], goal, 5));
    });
    show("explain --all 5", proofs);
}
