//! The rule graph: the integer program the solver runs. It knows no names, no rows and no files.
//!
//! A *fact* is "the attacker controls this". A *gate* `head <- need of {inputs}` says that when at
//! least `need` of the inputs are controlled, so is the head. Inputs are a multiset: a fact that
//! stands in a gate twice counts twice. A gate costs 1 when it is a recovery and 0 otherwise.
//!
//! What a gate means to people (its row, its method, its owner) is kept outside, by gate number.

mod graph;
mod incoming;
mod relevant;

pub use graph::{RuleGraph, RuleGraphBuilder, Use};
pub use incoming::Incoming;
pub use relevant::Relevant;

/// A fact of one rule graph, numbered from 0 in the order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fact(pub u32);

/// A gate of one rule graph, numbered from 0 in the order of creation, which is the order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gate(pub u32);

impl Fact {
    /// The position of this fact in an array with one entry per fact.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Gate {
    /// The position of this gate in an array with one entry per gate.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What kind of thing a fact is about. The solver counts by it; it derives nothing from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// An identity's account as a whole.
    Account,
    /// An identity's password alone.
    Password,
    /// An identity's second factor alone.
    Mfa,
    /// A mailbox.
    Mailbox,
    /// A phone number.
    Phone,
    /// A device or another thing one holds.
    Device,
    /// A vault of stored secrets.
    Vault,
    /// Membership of a group.
    Group,
    /// A privileged system.
    System,
    /// A fact in between, which stands for nothing that people know: never counted, never shown.
    Helper,
}
