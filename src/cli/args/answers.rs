//! What can be typed to the commands that turn a scan into decisions.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ReadArgs, ScenarioArgs};

/// Arguments of `chokepoints`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    linchpin chokepoints data/harbour\n  \
    linchpin chokepoints data/harbour --kind recovery --kind membership --top 5\n  \
    linchpin chokepoints data/harbour --system tenant --format json\n\n\
    A pair is an identity and a system that it unlocks. The numbers are exact: each thing is taken away\n\
    and what is left is solved again. An identity's own pairs do not count for the loss of the identity.")]
pub struct ChokePointsArgs {
    /// What to read.
    #[command(flatten)]
    pub read: ReadArgs,
    /// How many are listed
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub top: u32,
    /// Rank only things of this kind; repeatable
    #[arg(long, value_enum, value_name = "KIND")]
    pub kind: Vec<ThingKind>,
    /// Count only pairs with this system; repeatable
    #[arg(long, value_name = "NAME")]
    pub system: Vec<String>,
    /// What is assumed.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
}

/// What can be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ThingKind {
    /// A recovery with all its rows
    Recovery,
    /// A row of `mfa_bindings`
    Binding,
    /// A row of `memberships`
    Membership,
    /// A row of `holdings`
    Holding,
    /// A row of `grants`
    Grant,
    /// What an owner, a delegate or a forwarding mailbox has of a mailbox
    Reader,
    /// An account, mailbox, phone, device, vault or group
    Asset,
}

impl ThingKind {
    /// As the analysis calls it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Recovery => "recovery",
            Self::Binding => "binding",
            Self::Membership => "membership",
            Self::Holding => "holding",
            Self::Grant => "grant",
            Self::Reader => "reader",
            Self::Asset => "asset",
        }
    }
}

/// Arguments of `whatif`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    linchpin whatif data/harbour --change less-desk/\n  \
    linchpin whatif data/harbour --change recoveries.csv --fail-on unlocks-gained\n\n\
    A change set is tables in the input form with one column more, `change`: `add` for rows that are not\n\
    there yet, `remove` and `set` for the row that has the same identifying cells. Removing a row of a gate\n\
    keeps what the gate needs; adding one does too, unless the row says `need`. Removing a binding takes\n\
    the holder away: whoever had a factor still has to sign in with one.")]
pub struct WhatIfArgs {
    /// What to read.
    #[command(flatten)]
    pub read: ReadArgs,
    /// A table of changes, or a folder of them; repeatable
    #[arg(long, value_name = "PATH", required = true)]
    pub change: Vec<PathBuf>,
    /// How the moves are told.
    #[command(flatten)]
    pub moves: MovesArgs,
    /// What is assumed.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
}

/// How moves are told.
#[derive(Debug, Args)]
pub struct MovesArgs {
    /// Exit with status 1 when this holds; repeatable
    #[arg(long, value_enum, value_name = "WHAT")]
    pub fail_on: Vec<MoveKind>,
    /// How many moves are told
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub top: u32,
}

/// What may fail a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MoveKind {
    /// An identity's tier is stricter than before
    TierRaised,
    /// An identity is in tier 0 that was not
    Tier0Grew,
    /// An identity unlocks a system that it did not
    UnlocksGained,
    /// Anything moved at all
    Moved,
}
