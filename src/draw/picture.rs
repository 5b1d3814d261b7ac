//! What is drawn: nodes and edges with everything that SVG and DOT show of them, and nothing of
//! where they are.

/// How a node looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Look {
    /// An account, with its tier; none when disabled.
    Identity(Option<u8>),
    /// A password alone.
    Password,
    /// A second factor alone.
    Mfa,
    /// A mailbox.
    Mailbox,
    /// A phone.
    Phone,
    /// A device.
    Device,
    /// A vault.
    Vault,
    /// A group.
    Group,
    /// A privileged system, with its criticality.
    System(u8),
    /// A gate that needs so many of so many inputs.
    Gate(u32, u32),
    /// Nobody in particular: an assumption.
    Anybody,
}

impl Look {
    /// The word above the name.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Identity(Some(tier)) => format!("tier {tier}"),
            Self::Identity(None) => "disabled".to_owned(),
            Self::Password => "password of".to_owned(),
            Self::Mfa => "factor of".to_owned(),
            Self::Mailbox => "mailbox".to_owned(),
            Self::Phone => "phone".to_owned(),
            Self::Device => "device".to_owned(),
            Self::Vault => "vault".to_owned(),
            Self::Group => "group".to_owned(),
            Self::System(criticality) => format!("system, criticality {criticality}"),
            Self::Gate(need, of) => format!("{need}/{of}"),
            Self::Anybody => "assumed".to_owned(),
        }
    }

    /// Fill and ink. Tiers differ in lightness, so they can be told apart in grey and by readers who
    /// see colours differently; every tier is written out as well.
    #[must_use]
    pub fn colors(self) -> (&'static str, &'static str) {
        match self {
            Self::Identity(Some(0)) | Self::System(0) => ("#7f1d1d", "#ffffff"),
            Self::Identity(Some(1)) | Self::System(1) => ("#d97706", "#000000"),
            Self::Identity(Some(2)) | Self::System(_) => ("#a5c8ea", "#000000"),
            Self::Identity(_) => ("#f3f4f6", "#000000"),
            Self::Gate(..) => ("#ffffff", "#000000"),
            _ => ("#ffffff", "#1f2937"),
        }
    }
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// How it looks.
    pub look: Look,
    /// The name, cut to fit; empty for a gate.
    pub label: String,
    /// Everything there is to say about it.
    pub tooltip: String,
    /// Whether a chain starts here.
    pub is_seed: bool,
}

/// An edge from an input to what it yields, or to the gate in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Position of the node it starts from.
    pub from: usize,
    /// Position of the node it leads to.
    pub to: usize,
    /// The method of a recovery, or the relation.
    pub label: String,
    /// Where it comes from.
    pub tooltip: String,
    /// Whether it is a recovery.
    pub is_recovery: bool,
    /// Whether it is part of one of the worst chains.
    pub is_worst: bool,
}

/// A picture before it is laid out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// The title.
    pub title: String,
    /// What it shows and what it leaves out.
    pub note: String,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The edges.
    pub edges: Vec<Edge>,
}
