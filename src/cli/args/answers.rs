//! What can be typed to the commands that turn a scan into decisions.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ReadArgs, ScenarioArgs};
use crate::analyze::harden::{FixKind, Goal};
use crate::model::{IdentityKind, Word};

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
    there yet, `remove` and `set` for the row that has the same identifying cells; empty cells stay as they\n\
    are. Removing a row of a gate keeps what the gate needs; adding one does too, unless the row says `need`. Removing a binding takes\n\
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

/// Arguments of `harden`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    linchpin harden data/harbour\n  \
    linchpin harden data/harbour --goal 'tier0<=5' --out changes.json\n  \
    linchpin harden data/harbour --goal no-any-unlocks:0 --allow grant --keep process:night-desk --cost recovery=3\n  \
    linchpin whatif data/harbour --change changes.json\n\n\
    Goals: tierN<=K (at most K identities of tier N or stricter), no-KIND-unlocks:C (no identity of a kind,\n\
    or `any`, unlocks a system of criticality C or worse). Every number is found by solving with the changes\n\
    made. `at least` is what no plan of the allowed kinds can undercut; where the plan meets it, it is optimal.")]
pub struct HardenArgs {
    /// What to read.
    #[command(flatten)]
    pub read: ReadArgs,
    /// What is to be reached
    #[arg(long, value_name = "GOAL", default_value = "no-human-unlocks:0", value_parser = goal)]
    pub goal: Goal,
    /// Make no more than this cost; the changes of most gain first
    #[arg(long, value_name = "N")]
    pub budget: Option<u32>,
    /// Leave this as it is: a row key, process:NAME, or an asset with its kind; repeatable
    #[arg(long, value_name = "WHAT")]
    pub keep: Vec<String>,
    /// Changes that may be made besides the usual ones; repeatable
    #[arg(long, value_name = "KIND", value_parser = kind)]
    pub allow: Vec<FixKind>,
    /// Kinds of changes that may not be made; repeatable
    #[arg(long, value_name = "KIND", value_parser = kind)]
    pub forbid: Vec<FixKind>,
    /// What a change of a kind costs (1): factor, proofing, membership, recovery, holding, reader, binding,
    /// grant; repeatable
    #[arg(long, value_name = "KIND=N", value_parser = cost)]
    pub cost: Vec<(FixKind, u32)>,
    /// Write the changes here, as a change set that `whatif` takes
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// What is assumed.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
}

fn kind(text: &str) -> Result<FixKind, String> {
    let known = FixKind::WORDS.iter();
    let found = known
        .clone()
        .find(|(word, _)| word.eq_ignore_ascii_case(text));
    found.map(|(_, kind)| *kind).ok_or_else(|| {
        let words: Vec<&str> = known.map(|(word, _)| *word).collect();
        format!(
            "`{text}` is no kind of change; expected {}",
            words.join(", ")
        )
    })
}

fn cost(text: &str) -> Result<(FixKind, u32), String> {
    let (word, number) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is no cost; expected KIND=N, as in recovery=3"))?;
    let number = number
        .parse()
        .ok()
        .filter(|&number| (1..=1000).contains(&number));
    let number = number.ok_or_else(|| format!("`{text}`: expected a number from 1 to 1000"))?;
    Ok((kind(word)?, number))
}

fn goal(text: &str) -> Result<Goal, String> {
    let expected = || {
        format!(
            "`{text}` is no goal; expected tierN<=K, as in tier0<=5, or no-KIND-unlocks:C, as in no-human-unlocks:0"
        )
    };
    let lower = text.to_ascii_lowercase();
    if let Some(rest) = lower.strip_prefix("tier") {
        let (tier, at_most) = rest.split_once("<=").ok_or_else(expected)?;
        let tier = tier
            .trim()
            .parse()
            .ok()
            .filter(|tier| *tier < 3)
            .ok_or_else(expected)?;
        let at_most = at_most.trim().parse().map_err(|_| expected())?;
        return Ok(Goal::Tier { tier, at_most });
    }
    let rest = lower.strip_prefix("no-").ok_or_else(expected)?;
    let (kind, criticality) = rest.split_once("-unlocks:").ok_or_else(expected)?;
    let criticality = criticality
        .parse()
        .ok()
        .filter(|level| *level < 3)
        .ok_or_else(expected)?;
    let kind = match kind {
        "any" => None,
        kind => Some(IdentityKind::parse(&kind.replace('-', "_")).ok_or_else(|| {
            let words: Vec<&str> = IdentityKind::WORDS.iter().map(|(word, _)| *word).collect();
            format!(
                "`{kind}` is no kind of identity; expected any, {}",
                words.join(", ")
            )
        })?),
    };
    Ok(Goal::NoUnlocks { kind, criticality })
}

/// Arguments of `diff`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    linchpin diff exports-october/ exports-november/\n  \
    linchpin diff old/ new/ --fail-on tier-raised --as markdown > moved.md\n  \
    linchpin diff out-october/tiers.json out-november/tiers.json\n\n\
    A cause is the smallest set of changed rows that explains a move: with those rows as they were, the\n\
    identity is where it was. Rows of one gate change together. Of two scans, whose tables may be gone, the\n\
    rows are told that are new on the opened chain.")]
pub struct DiffArgs {
    /// What to read: the old export, then the new one.
    #[command(flatten)]
    pub read: ReadArgs,
    /// How the moves are told.
    #[command(flatten)]
    pub moves: MovesArgs,
    /// How it is told
    #[arg(long = "as", value_enum, default_value_t = DiffForm::Text, value_name = "FORM")]
    pub form: DiffForm,
    /// What is assumed.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
}

/// How a comparison is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffForm {
    /// For people
    Text,
    /// For scripts
    Json,
    /// For a ticket or a wiki
    Markdown,
}

/// Arguments of `pairs`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    linchpin pairs data/harbour\n  \
    linchpin pairs data/harbour --threes --system tenant --format json\n\n\
    A pair is minimal: neither of the two unlocks the system alone. Identities that are interchangeable\n\
    (they control the same inputs of the same gates) are told together.")]
pub struct PairsArgs {
    /// What to read.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Look for sets of three too
    #[arg(long)]
    pub threes: bool,
    /// Only what brings this system down, of whatever criticality; repeatable [default: criticality 0]
    #[arg(long, value_name = "NAME")]
    pub system: Vec<String>,
    /// Stop after so many combinations were tried, and say so
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub tries: u64,
    /// How many sets are listed
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub top: u32,
    /// What is assumed.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
}
