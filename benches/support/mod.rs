//! What the benchmarks share: settings by environment variables, and generated organisations.

#![allow(dead_code, reason = "no benchmark uses all of it")]

pub mod plain;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use linchpin::compile;
use linchpin::generate::{self, Shape};
use linchpin::ingest;
use linchpin::model::Word;
use linchpin::rules::{Class, Fact, RuleGraph};
use linchpin::solve::Question;

/// A number from the environment.
pub fn number(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The median of some runs, in seconds.
pub fn median(runs: usize, mut run: impl FnMut()) -> f64 {
    let mut seconds: Vec<f64> = (0..runs)
        .map(|_| {
            let begin = Instant::now();
            run();
            begin.elapsed().as_secs_f64()
        })
        .collect();
    middle(&mut seconds)
}

/// The median of some values.
pub fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A part of the names of what is to run; everything by default.
pub fn only() -> String {
    std::env::var("LINCHPIN_BENCH_ONLY").unwrap_or_default()
}

/// The generated tables of so many identities, made once per size.
pub fn tables(n: u64) -> PathBuf {
    let root = std::env::var_os("LINCHPIN_BENCH_DIR").map_or_else(
        || std::env::temp_dir().join("linchpin-bench"),
        PathBuf::from,
    );
    let folder = root.join(n.to_string());
    // Beside the folder, where a scan of it does not meet it.
    let done = root.join(format!("{n}.done"));
    if !done.exists() {
        fs::create_dir_all(&folder).unwrap();
        write_tables(&Shape::new(n, 1), &folder);
        fs::write(done, "").unwrap();
    }
    folder
}

fn write_tables(shape: &Shape, folder: &Path) {
    for (table, columns) in generate::tables() {
        let path = folder.join(format!("{}.csv", table.word()));
        let mut out = csv::Writer::from_path(path).unwrap();
        out.write_record(*columns).unwrap();
        generate::rows(shape, *table, &mut |cells| out.write_record(cells)).unwrap();
        out.flush().unwrap();
    }
}

/// A generated organisation, read and compiled.
pub fn organisation(shape: &Shape) -> RuleGraph {
    let folder = tempfile::tempdir().unwrap();
    write_tables(shape, folder.path());
    let ingested = ingest::read(&[folder.path()], ingest::Options::default());
    compile::compile(&ingested.organisation, &compile::Options::default()).graph
}

/// All accounts as seeds, with every system as severe as the next.
pub struct Asked {
    pub seeds: Vec<Fact>,
    severity: Vec<u8>,
    place: Vec<u32>,
}

impl Asked {
    pub fn of(graph: &RuleGraph) -> Self {
        Self::about(graph, &[Class::Account])
    }

    /// And all mailboxes, phones, devices and vaults: whatever a scan answers for.
    pub fn with_footholds(graph: &RuleGraph) -> Self {
        let footholds = [Class::Mailbox, Class::Phone, Class::Device, Class::Vault];
        let mut asked = Self::of(graph);
        asked.seeds.extend(Self::about(graph, &footholds).seeds);
        asked
    }

    fn about(graph: &RuleGraph, classes: &[Class]) -> Self {
        let is_asked = |fact: &Fact| classes.contains(&graph.class(*fact));
        Self {
            seeds: graph.facts().filter(is_asked).collect(),
            severity: vec![0; graph.fact_count()],
            place: (0..graph.fact_count() as u32).collect(),
        }
    }

    pub fn question<'a>(&'a self, seeds: &'a [Fact]) -> Question<'a> {
        Question {
            seeds,
            assumed: &[],
            severity: &self.severity,
            place: &self.place,
        }
    }
}
