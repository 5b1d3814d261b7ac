//! What can be typed.

mod answers;
mod governance;
mod redirect;
mod scenario;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::diag::Code;
use crate::ingest::Options;
use crate::ingest::import::settings::{From, Settings};
pub use answers::{
    ChokePointsArgs, DiffArgs, DiffForm, HardenArgs, MoveKind, PairsArgs, WhatIfArgs,
};
pub use governance::{AuditArgs, AuditCondition, AuditForm, ExportArgs, NOT_HELD, VerifyArgs};
pub use scenario::ScenarioArgs;

/// What falls when one account's reset is abused.
#[derive(Debug, Parser)]
#[command(
    name = "linchpin",
    version,
    propagate_version = true,
    about = "What falls when one account's reset is abused, and how hard each reset must be",
    long_about = "Linchpin reads the exports an organisation has (identities, mailboxes, second factors, who may \
                  reset whom), computes for every identity what falls if its reset is abused, and writes reset \
                  tiers with the chain that proves each of them. It never sends anything anywhere.",
    after_help = "Examples:\n  \
        linchpin scan data/harbour --out out        scan the tables in a folder\n  \
        linchpin scan collection.zip --out out      scan a SharpHound collection\n  \
        linchpin scan graph/ okta/ --out out        scan exports of Entra ID and Okta together\n  \
        linchpin sources entra                      how to obtain an export\n  \
        linchpin check exports/                     validate the inputs and stop\n  \
        linchpin templates --out tables             empty tables to fill in\n\n\
        Exit status: 0 done, 1 a condition of --fail-on holds, 2 bad usage or bad input."
)]
pub struct Cli {
    /// Colour on the terminal
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true, value_name = "WHEN")]
    pub color: Color,
    /// Say nothing but errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Add a record of the run to this file: what was read, applied and written, by SHA-256
    #[arg(long, global = true, value_name = "FILE")]
    pub evidence: Option<PathBuf>,
    /// Where `verify` lets a run write instead of where it wrote.
    #[arg(long, global = true, hide = true, value_name = "DIR")]
    pub elsewhere: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compute reset tiers and the chains that prove them
    Scan(Box<ScanArgs>),
    /// Say why something falls, in every way, or what keeps it from falling
    Explain(Box<ExplainArgs>),
    /// Rank what holds most of the danger together: what disappears when one thing goes
    Chokepoints(Box<ChokePointsArgs>),
    /// Hold the resets that took place against the tiers, and forecast what stricter ones cost
    Audit(Box<AuditArgs>),
    /// Write the tiers as the files and requests that a reset tool takes, with a run-book
    Export(Box<ExportArgs>),
    /// Check a file of evidence, and run a record of it again
    Verify(VerifyArgs),
    /// Say what moved between two exports, and which changed rows explain it
    Diff(Box<DiffArgs>),
    /// Find who brings down together what none of them brings down alone
    Pairs(Box<PairsArgs>),
    /// Plan the fewest changes that reach a goal, and prove how few they could be
    Harden(Box<HardenArgs>),
    /// Say what moves when some rows change, before they do
    Whatif(Box<WhatIfArgs>),
    /// Validate the inputs and stop
    Check(CheckArgs),
    /// Turn a directory export into tables that can be read, edited and scanned
    Import(ImportArgs),
    /// List the exports that are understood, how to obtain each, and what comes of it
    Sources(SourcesArgs),
    /// Write empty tables with their headers
    Templates(TemplatesArgs),
    /// Make up an organisation of any size, to try things out and to measure
    Generate(GenerateArgs),
    /// Print the tier policy that is built in, with its comments
    Policy,
    /// Tell which control of which framework speaks of what, and the right number for a wrong one
    Frameworks(FrameworksArgs),
    /// Print the JSON Schema of tiers.json
    Schema,
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}

/// How inputs are read.
#[derive(Debug, Args)]
pub struct ReadArgs {
    /// Folders, tables (.csv, .json, .jsonl), exports or .zip files; several are merged
    #[arg(required_unless_present = "from", value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Read this as one kind of export, whatever it looks like, e.g. okta=users.json; repeatable
    #[arg(long, value_name = "KIND=PATH")]
    pub from: Vec<From>,
    /// A TOML file that says which columns of other lists (HR, tickets) are which columns of a table;
    /// repeatable
    #[arg(long, value_name = "FILE")]
    pub map: Vec<PathBuf>,
    /// Say what an export does not show, e.g. entra.sspr=2; `linchpin sources` lists what can be said
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub set: Vec<String>,
    /// Encoding of files without a byte order mark, e.g. windows-1252 [default: utf-8]
    #[arg(long, value_name = "LABEL", value_parser = encoding)]
    pub encoding: Option<&'static encoding_rs::Encoding>,
    /// Turn warnings into errors
    #[arg(long)]
    pub strict: bool,
    /// How diagnostics and the summary are printed
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub format: Format,
    /// Put stable pseudonyms in place of names in every output
    #[arg(long)]
    pub redact: bool,
    /// Make the pseudonyms of --redact depend on a secret, so that names cannot be guessed from them
    #[arg(
        long,
        value_name = "TEXT",
        requires = "redact",
        default_value = "",
        hide_default_value = true
    )]
    pub redact_key: String,
}

impl ReadArgs {
    /// How to read, as it was typed.
    #[must_use]
    pub fn options(&self, keep_going: bool) -> Options {
        let mut settings = Settings::default();
        for text in &self.set {
            // Each was looked at when it was typed.
            let _ = settings.set(text);
        }
        Options {
            encoding: self.encoding,
            keep_going,
            from: self.from.clone(),
            settings,
            maps: self.map.clone(),
            digest_later: false,
        }
    }
}

fn setting(text: &str) -> Result<String, String> {
    Settings::default().set(text).map(|()| text.to_owned())
}

/// For people or for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// The summary as one JSON object on standard output, diagnostics as JSON Lines on standard error
    Json,
}

/// Arguments of `scan`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    linchpin scan data/harbour --out out\n  \
    linchpin scan exports/ overrides/ --out out --assume sim-swap --fail-on tier-raised\n  \
    linchpin scan collection.zip --out out --focus 'BOB@CORP.EXAMPLE'\n\n\
    Assumptions: sim-swap, phished-passwords, mailbox-breach, public-answers, weak-proofing[:LEVEL],\n\
    or something the input names, with its kind: device:billing-address, identity:alice.")]
pub struct ScanArgs {
    /// What to read.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Where the results go; made if it is not there
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// What is assumed.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// Leave bad rows out instead of refusing everything; writes *.partial.* files
    #[arg(long, conflicts_with = "strict")]
    pub keep_going: bool,
    /// Exit with status 1 when this holds: a finding's code, tier-raised or tier0-grew; repeatable
    #[arg(long, value_name = "CODE", value_parser = condition)]
    pub fail_on: Vec<Condition>,
    /// Also write unlocks.csv with every pair of an identity and a system
    #[arg(long, help_heading = "Outputs")]
    pub pairs: bool,
    /// Also write findings.sarif, graph.graphml or linchpin.opengraph.json; repeatable
    #[arg(long, value_enum, value_name = "FORM", help_heading = "Outputs")]
    pub also: Vec<Also>,
    /// Guard every cell of the CSV files against spreadsheets, ids included
    #[arg(long, help_heading = "Outputs")]
    pub csv_guard: bool,
    /// Draw at most this many nodes
    #[arg(long, value_name = "N", default_value_t = 80, value_parser = clap::value_parser!(u32).range(2..=2000), help_heading = "Outputs")]
    pub max_nodes: u32,
    /// Draw what falls with one identity instead of the worst chains
    #[arg(long, value_name = "IDENTITY", help_heading = "Outputs")]
    pub focus: Option<String>,
    /// Who lays out graph.svg
    #[arg(long, value_enum, default_value_t = Layout::Own, value_name = "WHO", help_heading = "Outputs")]
    pub layout: Layout,
    /// Stop with an error when the scan takes more memory than this, e.g. 8GiB
    #[arg(long, value_name = "SIZE")]
    pub memory_limit: Option<bytesize::ByteSize>,
    /// Say on standard error how long each stage took
    #[arg(long)]
    pub timings: bool,
    /// Threads to work on [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    linchpin explain data/harbour --identity k.lowe\n  \
    linchpin explain data/harbour --identity k.lowe --system tenant --all 5\n  \
    linchpin explain data/harbour --identity adm-lindqvist --reverse\n  \
    linchpin explain data/harbour --identity k.lowe --as svg > k.lowe.svg\n\n\
    Without --system the worst system that falls is explained. When it does not fall, what is missing is named.")]
pub struct ExplainArgs {
    /// What to read.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Whose reset is abused: an identity, or something else with its kind, phone:+1555...
    #[arg(long, value_name = "NAME")]
    pub identity: String,
    /// The system to explain, or anything else with its kind, identity:adm-silva
    #[arg(long, value_name = "NAME", conflicts_with = "reverse")]
    pub system: Option<String>,
    /// Explain it in up to this many ways: one path hides the next
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000), conflicts_with = "reverse")]
    pub all: u32,
    /// Who can reach the identity, instead of what it reaches
    #[arg(long)]
    pub reverse: bool,
    /// How the proof is told
    #[arg(long = "as", value_enum, default_value_t = Telling::Text, value_name = "FORM")]
    pub telling: Telling,
    /// What is assumed.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
}

/// How a proof is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Telling {
    /// For people
    Text,
    /// For scripts
    Json,
    /// For Graphviz
    Dot,
    /// As a picture
    Svg,
}

/// Further forms of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Also {
    /// Findings for dashboards of code scanners
    Sarif,
    /// The drawn graph for graph tools
    Graphml,
    /// The whole rule graph for BloodHound
    Opengraph,
}

/// Who lays out the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Layout {
    /// Linchpin: the same bytes on every machine
    Own,
    /// Graphviz's `dot`, which must be installed
    Graphviz,
}

/// A condition of `--fail-on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A finding or diagnostic with this code.
    Code(Code),
    /// More identities of tier 0 than before.
    TierZeroGrew,
}

impl Condition {
    /// As it is typed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Code(code) => code.word(),
            Self::TierZeroGrew => "tier0-grew",
        }
    }
}

fn condition(text: &str) -> Result<Condition, String> {
    if text.eq_ignore_ascii_case("tier0-grew") {
        return Ok(Condition::TierZeroGrew);
    }
    if let Some(code) = Code::parse(text) {
        return Ok(Condition::Code(code));
    }
    let words = || {
        Code::ALL
            .iter()
            .map(|code| code.word())
            .chain(["tier0-grew"])
    };
    let hint =
        crate::diag::closest(text, words()).map(|close| format!("; did you mean `{close}`?"));
    Err(format!(
        "no such condition{}",
        hint.unwrap_or_else(|| format!("; known are {}", words().collect::<Vec<_>>().join(", ")))
    ))
}

fn encoding(label: &str) -> Result<&'static encoding_rs::Encoding, String> {
    encoding_rs::Encoding::for_label(label.as_bytes()).ok_or_else(|| {
        "no such encoding; try windows-1252, iso-8859-15, utf-16le or shift_jis".to_owned()
    })
}

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  linchpin check exports/\n  linchpin check exports/ --strict --format json 2> problems.jsonl"
)]
pub struct CheckArgs {
    /// What to read.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  linchpin import sharphound collection.zip --out tables\n  \
                  linchpin import entra graph/ --set entra.sspr=2 --out tables\n  linchpin scan tables --out out"
)]
pub struct ImportArgs {
    /// The kind of export; `linchpin sources` lists them
    #[arg(value_name = "SOURCE", value_parser = importer)]
    pub source: &'static str,
    /// What to read.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Where the tables go; made if it is not there
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
}

fn importer(text: &str) -> Result<&'static str, String> {
    let names: Vec<_> = crate::ingest::import::IMPORTERS
        .iter()
        .map(|importer| importer.name())
        .chain([crate::ingest::import::MAP])
        .collect();
    names
        .iter()
        .find(|name| name.eq_ignore_ascii_case(text))
        .copied()
        .ok_or_else(|| format!("no such source; known are {}", names.join(", ")))
}

/// Arguments of `sources`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  linchpin sources\n  linchpin sources entra\n  linchpin sources --format json"
)]
pub struct SourcesArgs {
    /// One kind of export, with everything about it
    #[arg(value_name = "SOURCE", value_parser = importer)]
    pub source: Option<&'static str>,
    /// Print the dated data files behind it: who may reset whom, which roles are privileged
    #[arg(long, requires = "source")]
    pub data: bool,
    /// For people or for scripts
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub format: Format,
}

/// Arguments of `frameworks`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    linchpin frameworks\n  \
    linchpin frameworks PR.AC-6\n  \
    linchpin frameworks proofing-too-weak")]
pub struct FrameworksArgs {
    /// A number of a control, or the word of a finding or violation
    #[arg(value_name = "NUMBER")]
    pub number: Option<String>,
    /// For people or for scripts
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub format: Format,
}

/// Arguments of `generate`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    linchpin generate --identities 20000 --out big\n  \
    linchpin generate --identities 100000 --seed 7 --help-desk-share 0.3 --out desks")]
pub struct GenerateArgs {
    /// How many identities
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=100_000_000))]
    pub identities: u64,
    /// The same seed gives the same bytes
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Where the tables go; made if it is not there
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// Share of people who are help-desk agents of their site
    #[arg(long, value_name = "SHARE", default_value_t = 0.0024, value_parser = share, help_heading = "Shape")]
    pub help_desk_share: f64,
    /// Share of people who reset their password with one method instead of two
    #[arg(long, value_name = "SHARE", default_value_t = 0.15, value_parser = share, help_heading = "Shape")]
    pub sspr_one_method: f64,
    /// Share of administrators whose password is reset through their mailbox
    #[arg(long, value_name = "SHARE", default_value_t = 0.3, value_parser = share, help_heading = "Shape")]
    pub admin_mail_recovery: f64,
    /// How many accounts elsewhere recover each through the one before
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Shape")]
    pub depth: u64,
    /// Leave help desks and the console out, from which very many accounts fall
    #[arg(long, help_heading = "Shape")]
    pub no_hubs: bool,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok();
    share
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| format!("`{text}` is no share; expected a number from 0 to 1"))
}

/// Arguments of `templates`.
#[derive(Debug, Args)]
pub struct TemplatesArgs {
    /// Where the tables go; files that are there already are left alone
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}
