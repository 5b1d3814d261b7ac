//! What several tests need: scanning through the library, scratch directories.

use std::collections::BTreeMap;
use std::path::Path;

use linchpin::analyze::{self, Scan};
use linchpin::compile::{self, Assumption, Program};
use linchpin::ingest::{self, Ingested};
use linchpin::solve::Answer;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// A scan with everything that it was made of.
pub struct Scanned {
    pub ingested: Ingested,
    pub program: Program,
    pub scan: Scan,
}

/// Runs a property on so many random cases: the same ones every time, so that what passes here passes
/// for the next person; `LINCHPIN_TEST_SEED` (a number) makes other ones.
pub fn runner(cases: u32) -> TestRunner {
    // No file of past failures: the repository's top level stays as it is. A failure prints its
    // smallest case, which then becomes a test.
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let seed = std::env::var("LINCHPIN_TEST_SEED").ok();
    let seed: u64 = seed.map_or(1, |seed| seed.parse().expect("a number"));
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// What an answer says, by names as shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fallen {
    pub unlocks: BTreeMap<String, u32>,
    pub accounts: usize,
    pub mailboxes: usize,
}

/// Scans inputs that must be without errors.
pub fn scan(inputs: &[&Path], assume: &[String], standing_only: bool) -> Scanned {
    let ingested = ingest::read(inputs, ingest::Options::default());
    assert!(!ingested.has_errors(), "{:#?}", ingested.diagnostics);
    let assumptions: Vec<Assumption> = assume.iter().map(|text| text.parse().unwrap()).collect();
    for assumption in &assumptions {
        assumption.check(&ingested.organisation).unwrap();
    }
    let options = compile::Options {
        assumptions,
        standing_only,
        ..compile::Options::default()
    };
    let program = compile::compile(&ingested.organisation, &options);
    let scan = analyze::scan(&ingested.organisation, &program, &|_| {});
    Scanned {
        ingested,
        program,
        scan,
    }
}

impl Scanned {
    /// Tier and answer of every identity by its shown name; no tier when disabled.
    pub fn identities(&self) -> BTreeMap<String, (Option<u8>, Fallen)> {
        let org = &self.ingested.organisation;
        let results = self.scan.identities.iter().map(|result| {
            let asset = org.identities[result.identity as usize].asset;
            let empty = Answer::default();
            let answer = result.answer.as_ref().unwrap_or(&empty);
            (
                org.assets.get(asset).shown.to_string(),
                (result.tier, self.fallen(answer)),
            )
        });
        results.collect()
    }

    /// Footholds by `kind:shown name`.
    pub fn footholds(&self) -> BTreeMap<String, Fallen> {
        let assets = &self.ingested.organisation.assets;
        let results = self.scan.footholds.iter().map(|result| {
            let asset = assets.get(result.asset);
            (
                format!("{}:{}", asset.kind.word(), asset.shown),
                self.fallen(&result.answer),
            )
        });
        results.collect()
    }

    fn fallen(&self, answer: &Answer) -> Fallen {
        let assets = &self.ingested.organisation.assets;
        let shown = |fact| match self.program.atlas.meaning(fact) {
            compile::Meaning::Asset(asset) => assets.get(asset).shown.to_string(),
            other => panic!("{other:?} is no system"),
        };
        Fallen {
            unlocks: answer
                .unlocks()
                .iter()
                .map(|unlocked| (shown(unlocked.system), unlocked.hops))
                .collect(),
            accounts: answer.accounts as usize,
            mailboxes: answer.mailboxes as usize,
        }
    }
}

/// Runs the program; its exit status is for the caller to check.
pub fn linchpin(arguments: &[&str]) -> assert_cmd::assert::Assert {
    command().args(arguments).assert()
}

/// The program, with nothing of the machine's own settings.
pub fn command() -> assert_cmd::Command {
    let mut command = assert_cmd::Command::cargo_bin("linchpin").unwrap();
    command
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .env("TERM", "dumb");
    command
}

/// A JSON string as text.
pub fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A scratch folder of input files.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn str(&self) -> &str {
        self.path().to_str().unwrap()
    }
}
