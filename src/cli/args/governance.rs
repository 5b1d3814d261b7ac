//! Arguments of the commands that hold resets and processes to what was decided.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ReadArgs, ScenarioArgs};
use crate::analyze::audit::Wrong;
use crate::model::Word;
use crate::write::reset_tools::Form;

/// Arguments of `audit`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    linchpin audit data/harbour\n  \
    linchpin audit exports/ --tiers out-october/tiers.csv --fail-on approval-by-agent\n  \
    linchpin audit exports/ --compare stricter.toml --format json\n\n\
    Resets are read from the table `resets` and from logs among the inputs (`linchpin sources` lists those\n\
    that are understood). Without --tiers the tiers are those of today, by the policy. The forecast says\n\
    what the same resets would have needed had today's tiers been in force.")]
pub struct AuditArgs {
    /// What to read.
    #[command(flatten)]
    pub read: ReadArgs,
    /// The tiers that were in force: tiers.csv or tiers.json of an earlier scan
    #[arg(long, value_name = "FILE")]
    pub tiers: Option<PathBuf>,
    /// Forecast the friction of this policy too
    #[arg(long, value_name = "FILE")]
    pub compare: Option<PathBuf>,
    /// How it is told
    #[arg(long = "as", value_enum, default_value_t = AuditForm::Text, value_name = "FORM")]
    pub form: AuditForm,
    /// How many violations are told
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub top: u32,
    /// Exit with status 1 when there is a violation of this kind, or `any`, or a reset that is `not-held`
    /// against anything; repeatable
    #[arg(long, value_name = "KIND", value_parser = wrong)]
    pub fail_on: Vec<AuditCondition>,
    /// Guard every cell of the CSV against spreadsheets, ids included
    #[arg(long)]
    pub csv_guard: bool,
    /// What is assumed.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
}

/// How an audit is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuditForm {
    /// For people
    Text,
    /// For scripts
    Json,
    /// Every violation, a row each
    Csv,
}

/// What may fail a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditCondition {
    /// Any violation.
    Any,
    /// One of this kind.
    Kind(Wrong),
    /// A reset that is held against nothing.
    NotHeld,
}

/// The word for resets that are held against nothing.
pub const NOT_HELD: &str = "not-held";

fn wrong(text: &str) -> Result<AuditCondition, String> {
    if text.eq_ignore_ascii_case("any") {
        return Ok(AuditCondition::Any);
    }
    if text.eq_ignore_ascii_case(NOT_HELD) {
        return Ok(AuditCondition::NotHeld);
    }
    Wrong::parse(text).map(AuditCondition::Kind).ok_or_else(|| {
        let kinds = || Wrong::ALL.iter().map(|(_, word, _)| *word);
        let words = || kinds().chain([NOT_HELD]);
        let hint = crate::diag::closest(text, words());
        hint.map_or_else(
            || {
                format!(
                    "no such kind; known are any, {}",
                    words().collect::<Vec<_>>().join(", ")
                )
            },
            |close| format!("no such kind; did you mean `{close}`?"),
        )
    })
}

/// Arguments of `export`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    linchpin export data/harbour --to servicenow --out reset-tools\n  \
    linchpin export exports/ --to okta-group --since reset-tools --out reset-tools-november\n  \
    linchpin export exports/ --to entra-au --group-id 0=6ea91a8d-e32e-41a1-b7bd-d2d185eed0e0 --out units\n\n\
    Nothing is sent anywhere: the files are for you to send, and RUNBOOK.md says how, in which order, with\n\
    which rights, and how to take it back. With --since only what changed is written, those who lose a\n\
    tier among it.")]
pub struct ExportArgs {
    /// What to read.
    #[command(flatten)]
    pub read: ReadArgs,
    /// The tool and the form: entra-group, entra-au, entra-attribute, okta-group, okta-profile,
    /// servicenow, google-ou, google-group, scim, csv
    #[arg(long, value_name = "FORM", value_parser = form)]
    pub to: Form,
    /// Where the files go; made if it is not there
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// Write only what changed since this export
    #[arg(long, value_name = "DIR")]
    pub since: Option<PathBuf>,
    /// Export this tier, and leave those of others in the tool as they are; repeatable [default: 0, 1
    /// and 2 for groups and units, else all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..4))]
    pub tier: Vec<u8>,
    /// What groups and units are called
    #[arg(long, value_name = "TEXT", default_value = "Reset tier {tier}")]
    pub name: String,
    /// The id that the tool gave the group or unit of a tier; repeatable
    #[arg(long, value_name = "N=ID", value_parser = group_id)]
    pub group_id: Vec<(u8, String)>,
    /// Export external accounts too
    #[arg(long)]
    pub external: bool,
    /// What is assumed.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
}

fn form(text: &str) -> Result<Form, String> {
    Form::parse(text).ok_or_else(|| {
        let words = || Form::WORDS.iter().map(|(word, _)| *word);
        let hint = crate::diag::closest(text, words());
        hint.map_or_else(
            || {
                format!(
                    "no such form; known are {}",
                    words().collect::<Vec<_>>().join(", ")
                )
            },
            |close| format!("no such form; did you mean `{close}`?"),
        )
    })
}

fn group_id(text: &str) -> Result<(u8, String), String> {
    let expected = || format!("`{text}` names no group; expected a tier and an id, 0=6ea91a8d-...");
    let (tier, id) = text.split_once('=').ok_or_else(expected)?;
    let tier = tier
        .trim()
        .parse()
        .ok()
        .filter(|tier| *tier < 4)
        .ok_or_else(expected)?;
    match id.trim() {
        "" => Err(expected()),
        id => Ok((tier, id.to_owned())),
    }
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    linchpin scan exports/ --out out --evidence evidence.jsonl\n  \
    linchpin verify evidence.jsonl --head 3f0c...\n\n\
    Every run with --evidence adds a record and prints its hash, the head: keep it somewhere else. The last\n\
    record is run again, from the same folder and the same inputs. Exit status 1 when it does not hold.")]
pub struct VerifyArgs {
    /// The file of evidence
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The hash that the last run printed
    #[arg(long, value_name = "HASH")]
    pub head: Option<String>,
    /// Run this record again instead of the last one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "no_rerun")]
    pub record: Option<u32>,
    /// The --redact-key of the run, which is not on record
    #[arg(long, value_name = "TEXT")]
    pub redact_key: Option<String>,
    /// Look at the chain alone
    #[arg(long)]
    pub no_rerun: bool,
    /// For people or for scripts
    #[arg(long, value_enum, default_value_t = super::Format::Text, value_name = "FORMAT")]
    pub format: super::Format,
}
