//! The rows of the tables with their references resolved. Units and meanings are those of the
//! tables; `meta` says where a row comes from, and is empty for what a reference created.

use std::num::NonZeroU32;

use super::{
    Access, AssetId, Factor, IdentityKind, MailboxKind, Method, ProcessId, Proofing, Restored,
    RowMeta, RowRef, SignIn, SignalKind, Text,
};

/// Assets that a row lists, kept by [`Organisation::keep_list`](super::Organisation::keep_list).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AssetList {
    pub(super) start: u32,
    pub(super) len: u32,
}

impl AssetList {
    /// Whether nothing is listed.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len == 0
    }
}

/// A person or role that answers for something: an identity, or text that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// An identity, declared or created.
    Identity(AssetId),
    /// A name that is no identity, as it was written.
    Text(Text),
}

/// An identity, declared by its row or created by the first row that names it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its asset.
    pub asset: AssetId,
    /// What it is.
    pub kind: IdentityKind,
    /// The display name; empty when unknown.
    pub name: Text,
    /// Whether it can sign in at all.
    pub enabled: bool,
    /// What signing in takes, with the default applied.
    pub sign_in: SignIn,
    /// Whether `sign_in` was written in the row.
    pub sign_in_stated: bool,
    /// Whether it has a row in `mfa_bindings`.
    pub has_binding: bool,
    /// Manager or responsible person.
    pub owner: Option<Owner>,
    /// The department; empty when unknown.
    pub department: Text,
    /// Today's reset tier.
    pub tier: Option<u8>,
    /// Mailboxes that a self-service reset may write to.
    pub recovery_mailboxes: AssetList,
    /// Phones that a self-service reset may call.
    pub recovery_phones: AssetList,
    /// The row that declares it, or the first that names it.
    pub row: RowRef,
    /// Where that row is.
    pub meta: RowMeta,
    /// Whether a row of `identities` declares it.
    pub declared: bool,
}

/// A mailbox.
#[derive(Clone, Debug)]
pub struct Mailbox {
    /// Its asset.
    pub asset: AssetId,
    /// Who reads it.
    pub owner: Option<AssetId>,
    /// Whose it is.
    pub kind: MailboxKind,
    /// Who else reads it: identities and groups.
    pub delegates: AssetList,
    /// Mailboxes that get a copy.
    pub forwards_to: AssetList,
    /// The row that declares it, or the first that names it.
    pub row: RowRef,
    /// Where that row is.
    pub meta: RowMeta,
    /// Whether a row of `mailboxes` declares it.
    pub declared: bool,
}

/// A second factor of an identity.
#[derive(Clone, Debug)]
pub struct Binding {
    /// Whose factor it is.
    pub identity: AssetId,
    /// What kind of factor.
    pub factor: Factor,
    /// What one must hold to answer it; without a holder only a recovery can restore it.
    pub holder: Option<AssetId>,
    /// Where the row is.
    pub meta: RowMeta,
}

/// Who can simply use an asset.
#[derive(Clone, Debug)]
pub struct Holding {
    /// Whoever controls this ...
    pub holder: AssetId,
    /// ... can use this.
    pub asset: AssetId,
    /// Where the row is.
    pub meta: RowMeta,
}

/// One of the target's own assets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnAsset {
    /// Its recovery mailboxes.
    Mailbox,
    /// Its recovery phones and the phones that hold its bindings.
    Phone,
    /// The devices that hold its bindings.
    Device,
    /// Its owner's account.
    Owner,
}

impl OwnAsset {
    /// How many there are.
    pub const COUNT: usize = Self::Owner as usize + 1;

    /// As the tables write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Mailbox => "own:mailbox",
            Self::Phone => "own:phone",
            Self::Device => "own:device",
            Self::Owner => "own:owner",
        }
    }
}

/// What a row of `recoveries` starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Nobody in particular: only an assumption satisfies it.
    Nobody,
    /// Something of the target's own.
    Own(OwnAsset),
    /// Whoever controls this.
    Asset(AssetId),
}

/// What a recovery is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Every identity.
    Everyone,
    /// One asset; a group stands for its members unless membership is restored.
    Asset(AssetId),
}

/// A row of `recoveries`.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// What it starts from.
    pub source: Source,
    /// What it is for.
    pub target: Target,
    /// How.
    pub method: Method,
    /// What it restores.
    pub restores: Restored,
    /// Identities and groups left out of a group or `*` target, ascending.
    pub except: AssetList,
    /// The name of its gate as written; empty for a gate of its own.
    pub gate: Text,
    /// How many rows of the gate must be satisfied, as written.
    pub need: Option<NonZeroU32>,
    /// The organisation's procedure.
    pub process: Option<ProcessId>,
    /// Where the row is.
    pub meta: RowMeta,
}

/// A member of a group.
#[derive(Clone, Debug)]
pub struct Membership {
    /// An identity or a group.
    pub member: AssetId,
    /// The group.
    pub group: AssetId,
    /// Now, or after activation.
    pub access: Access,
    /// Where the row is.
    pub meta: RowMeta,
}

/// A privileged system.
#[derive(Clone, Debug)]
pub struct System {
    /// Its asset.
    pub asset: AssetId,
    /// The display name; empty when unknown.
    pub name: Box<str>,
    /// 0 is worst, 2 the default.
    pub criticality: u8,
    /// Who answers for it.
    pub owner: Option<Owner>,
    /// The row that declares it, or the first that names it.
    pub row: RowRef,
    /// Where that row is.
    pub meta: RowMeta,
    /// Whether a row of `systems` declares it.
    pub declared: bool,
}

/// Access to a system.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Who: an identity, a group or a system.
    pub principal: AssetId,
    /// The system.
    pub system: AssetId,
    /// As what, in the organisation's words.
    pub role: Text,
    /// Now, or after activation.
    pub access: Access,
    /// Where the row is.
    pub meta: RowMeta,
}

/// The stages that a process has an owner for, as the columns name them without `_owner`.
pub const PROCESS_STAGES: [&str; 6] = [
    "policy",
    "proofing",
    "approval",
    "execution",
    "logging",
    "review",
];

/// A recovery process and the owners who answer for it.
#[derive(Clone, Debug)]
pub struct Process {
    /// The id as shown.
    pub id: Box<str>,
    /// The id as compared.
    pub key: Box<str>,
    /// The display name; empty when unknown.
    pub name: Box<str>,
    /// Who runs it.
    pub operator: Box<str>,
    /// One per stage of [`PROCESS_STAGES`].
    pub owners: [Option<Owner>; 6],
    /// How it proves who is asking; unknown when empty.
    pub proofing: Option<Proofing>,
    /// How many people must approve, by its own description.
    pub approvals: Option<u32>,
    /// How long a reset is held, in hours, by its own description.
    pub hold_hours: Option<u32>,
    /// Whether sessions are revoked.
    pub revokes_sessions: Option<bool>,
    /// Whether resets are logged.
    pub logged: Option<bool>,
    /// What happens when evidence is missing.
    pub escalation: Box<str>,
    /// The row that declares it, or the first that names it.
    pub row: RowRef,
    /// Where that row is.
    pub meta: RowMeta,
    /// Whether a row of `processes` declares it.
    pub declared: bool,
}

/// A threat signal.
#[derive(Clone, Debug)]
pub struct Signal {
    /// On whom; none when no identity has this name.
    pub identity: Option<AssetId>,
    /// What was seen.
    pub signal: SignalKind,
    /// When, in seconds since 1970 (UTC).
    pub seen: Option<i64>,
    /// Where the row is.
    pub meta: RowMeta,
}

/// A reset that took place.
#[derive(Clone, Debug)]
pub struct Reset {
    /// The id as shown.
    pub id: Box<str>,
    /// Whose account; none when no identity has this name.
    pub identity: Option<AssetId>,
    /// The name of the account as written.
    pub name: Text,
    /// When, in seconds since 1970 (UTC).
    pub time: i64,
    /// The process; none when the tables know none of this name.
    pub process: Option<ProcessId>,
    /// The process as written.
    pub process_name: Text,
    /// Who carried it out.
    pub agent: Option<Owner>,
    /// Who approved it.
    pub approvers: Box<[Owner]>,
    /// What was shown, in the organisation's words; methods of `recoveries` count as such.
    pub evidence: Box<[Box<str>]>,
    /// How well whoever asked was proven.
    pub proofing: Option<Proofing>,
    /// What was restored; a password when it is not said.
    pub restored: Option<Restored>,
    /// Whether sessions were revoked.
    pub sessions_revoked: Option<bool>,
    /// When it was asked for, in seconds since 1970 (UTC).
    pub requested: Option<i64>,
    /// Where the row is.
    pub meta: RowMeta,
}

/// What an export could or could not show.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Coverage {
    /// The export.
    pub source: Box<str>,
    /// The part of it: a domain, a tenant, a file.
    pub scope: Box<str>,
    /// What it is about: `mfa`, `self_service_reset`, ...
    pub aspect: Box<str>,
    /// Whether the export shows it.
    pub known: bool,
    /// In words.
    pub detail: Box<str>,
}
