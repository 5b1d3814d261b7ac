//! What is assumed beside the tables: the same for every command that scans.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::compile::{self, Assumption, AssumptionError};
use crate::model::Organisation;

/// What is assumed beside the tables.
#[derive(Debug, Args)]
#[command(next_help_heading = "Scenario")]
pub struct ScenarioArgs {
    /// Give the attacker something for free; repeatable
    #[arg(long, value_name = "WHAT")]
    pub assume: Vec<Assumption>,
    /// Leave eligible (not yet activated) grants and memberships out
    #[arg(long)]
    pub standing_only: bool,
    /// What to take for what the exports could not show
    #[arg(long, value_enum, default_value_t = Unknown::Worst, value_name = "CASE")]
    pub assume_unknown: Unknown,
    /// A TOML file of rules that assign tiers and of what each demands; `linchpin policy` prints the
    /// one that is built in
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// A TOML file of accepted risks; repeatable
    ///
    /// Each is a `[[waiver]]` with what is accepted (`finding = "CODE"`, `row = "KEY"`, or
    /// `identity = "NAME"` with or without `system = "NAME"`; several names in a list are those who
    /// act together), and `why`, `who` and `until`. It is shown as waived and fails no condition;
    /// tiers stay what they are. From `until` on it counts again.
    #[arg(long, value_name = "FILE")]
    pub waivers: Vec<PathBuf>,
    /// What time it is [default: the newest time in the inputs]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub now: Option<i64>,
}

fn time(text: &str) -> Result<i64, String> {
    let time = text.parse::<jiff::Timestamp>();
    time.map(|time| time.as_second())
        .map_err(|_| format!("`{text}` is no time; expected RFC 3339, as in 2026-11-24T00:00:00Z"))
}

impl ScenarioArgs {
    /// How to compile, as it was typed.
    ///
    /// # Errors
    /// When an assumption names what the input does not.
    pub fn options(&self, org: &Organisation) -> Result<compile::Options, AssumptionError> {
        for assumption in &self.assume {
            assumption.check(org)?;
        }
        Ok(compile::Options {
            assumptions: self.assume.clone(),
            standing_only: self.standing_only,
            unknown: match self.assume_unknown {
                Unknown::Worst => compile::Unknown::Worst,
                Unknown::Best => compile::Unknown::Best,
            },
        })
    }
}

/// What is taken for what is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Unknown {
    /// What helps an attacker
    Worst,
    /// What does not
    Best,
}
