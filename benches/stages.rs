//! The stages of a scan by themselves, with divan: `cargo bench --bench stages`.
//!
//! Organisations of `linchpin generate --seed 1`, of 10,000, 100,000 and 1,000,000 identities.
//! `cargo bench --bench stages -- 100000` runs one size, `-- solve` one stage. What a stage starts
//! from is made once per size and kept. `benches/ratios.rs` compares the stages of the program as
//! people run it with the yardstick.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark that cannot go on should stop"
)]

mod support;

use std::io;
use std::sync::OnceLock;

use divan::Bencher;
use linchpin::analyze::{self, Scan};
use linchpin::compile::{self, Program};
use linchpin::ingest::{self, Ingested};
use linchpin::report::View;
use linchpin::write;

/// That of the program.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SIZES: [u64; 3] = [10_000, 100_000, 1_000_000];

fn main() {
    divan::main();
}

/// What the stages start from.
struct Made {
    ingested: Ingested,
    options: compile::Options,
    program: Program,
    scan: Scan,
}

fn read(n: u64) -> Ingested {
    ingest::read(&[support::tables(n)], ingest::Options::default())
}

fn made(n: u64) -> &'static Made {
    static MADE: [OnceLock<Made>; SIZES.len()] = [const { OnceLock::new() }; SIZES.len()];
    let at = SIZES.iter().position(|&size| size == n).unwrap();
    MADE[at].get_or_init(|| {
        let ingested = read(n);
        let options = compile::Options::default();
        let program = compile::compile(&ingested.organisation, &options);
        let scan = analyze::scan(&ingested.organisation, &program, &|_| {});
        Made {
            ingested,
            options,
            program,
            scan,
        }
    })
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn ingest(bencher: Bencher<'_, '_>, n: u64) {
    support::tables(n);
    bencher.bench(|| read(n));
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn compile(bencher: Bencher<'_, '_>, n: u64) {
    let made = made(n);
    bencher.bench(|| compile::compile(&made.ingested.organisation, &made.options));
}

/// All identities and footholds, hops, counts, proofs, findings, order.
#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn solve(bencher: Bencher<'_, '_>, n: u64) {
    let made = made(n);
    bencher.bench(|| analyze::scan(&made.ingested.organisation, &made.program, &|_| {}));
}

/// `tiers.csv`, `tiers.json` and `footholds.csv`, to nowhere.
#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn write(bencher: Bencher<'_, '_>, n: u64) {
    let made = made(n);
    let view = View {
        org: &made.ingested.organisation,
        sources: &made.ingested.sources,
        program: &made.program,
        options: &made.options,
        scan: &made.scan,
        policy: &linchpin::model::Policy::default(),
    };
    bencher.bench(|| {
        let files = write::TierFiles {
            tiers: &mut io::sink(),
            document: &mut io::sink(),
            footholds: &mut io::sink(),
        };
        write::write_tiers(&view, false, files, &|_| {}).unwrap();
    });
}
