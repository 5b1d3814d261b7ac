//! What can be typed to the commands that turn a scan into decisions.

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
