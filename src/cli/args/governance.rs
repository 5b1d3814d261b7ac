//! Arguments of the commands that hold resets and processes to what was decided.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ReadArgs, ScenarioArgs};
use crate::analyze::audit::Wrong;

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
    /// Exit with status 1 when there is a violation of this kind, or `any`; repeatable
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
}

fn wrong(text: &str) -> Result<AuditCondition, String> {
    if text.eq_ignore_ascii_case("any") {
        return Ok(AuditCondition::Any);
    }
    Wrong::parse(text).map(AuditCondition::Kind).ok_or_else(|| {
        let words = || Wrong::ALL.iter().map(|(_, word, _)| *word);
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
