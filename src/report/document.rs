//! `tiers.json` as types: what is published, with its schema.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ProcessEntry;

/// The version of this document's form. It changes when a reader could break.
pub const SCHEMA_VERSION: u32 = 1;

/// The result of a scan.
///
/// Lists that grow with the organisation stand at the end and are written as they are made, so `I`,
/// `F` and `U` may be anything that serializes as a list of entries.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Linchpin tiers")]
pub struct Document<
    'a,
    I = Vec<IdentityEntry<'a>>,
    F = Vec<FootholdEntry<'a>>,
    U = Vec<Vec<UnlockEntry<'a>>>,
> {
    /// The version of this document's form.
    pub schema_version: u32,
    /// The version of the program that wrote it.
    pub linchpin: String,
    /// Whether bad rows were left out. Such a result must not be enforced.
    pub partial: bool,
    /// The files that were read, in the order of reading.
    pub inputs: Vec<InputEntry>,
    /// The tier policy.
    pub policy: PolicyEntry,
    /// What was assumed, as `--assume` names it.
    pub assumptions: Vec<AssumptionText>,
    /// Whether eligible grants and memberships were left out.
    pub standing_only: bool,
    /// What was taken for what the exports could not show: `worst` or `best`.
    pub assume_unknown: String,
    /// What the assumptions alone give to anybody.
    pub baseline: BaselineEntry<'a>,
    /// Totals.
    pub counts: Counts,
    /// What the exports could and could not show.
    pub coverage: Vec<CoverageEntry>,
    /// What deserves a look.
    pub findings: Vec<FindingEntry<'a>>,
    /// Recovery processes and who answers for them, the riskiest first.
    #[serde(default)]
    pub processes: Vec<ProcessEntry<'a>>,
    /// Accepted risks, those that are not in force included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<WaiverEntry>,
    /// Privileged systems by id.
    pub systems: Vec<SystemEntry>,
    /// Distinct lists of unlocked systems, the worst first. Identities and footholds name them by
    /// their position.
    pub unlock_sets: U,
    /// Identities in the order of `tiers.csv`.
    pub identities: I,
    /// Mailboxes, phones, devices and vaults that unlock something.
    pub footholds: F,
}

/// An assumption.
pub type AssumptionText = String;

/// A file that was read.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct InputEntry {
    /// Its name, relative to the input it was found in.
    pub name: String,
    /// The tables in it, or the kind of export.
    pub holds: String,
    /// Rows or objects read.
    pub rows: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// A tier policy.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct PolicyEntry {
    /// Its name.
    pub name: String,
    /// SHA-256 of its text, in hexadecimal.
    #[serde(default)]
    pub sha256: String,
    /// The names of its rules; identities name them by their position.
    #[serde(default)]
    pub rules: Vec<String>,
    /// The tier of an account that no rule assigns one.
    #[serde(default)]
    pub otherwise: u8,
    /// What a reset demands, by tier from 0 to 3.
    #[serde(default)]
    pub demands: Vec<DemandEntry>,
}

/// What a reset of an account of some tier demands.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DemandEntry {
    /// The least proofing, in a word of the tables.
    pub proofing: Option<String>,
    /// So many different methods of one recovery are enough instead.
    pub or_methods: Option<u32>,
    /// The methods that may be used; any when there is no list.
    pub methods: Option<Vec<String>>,
    /// The methods that may not be used.
    pub forbidden_methods: Vec<String>,
    /// The channels that may be used; any when there is no list.
    pub channels: Option<Vec<String>>,
    /// The processes that may be used; any when there is no list.
    pub processes: Option<Vec<String>>,
    /// How many people must approve.
    pub approvers: u32,
    /// What they must be; anything when there is none.
    pub approver_kinds: Vec<String>,
    /// Whether an approver's own account must not fall with the account.
    pub approvers_outside: bool,
    /// How long a reset must wait, in hours.
    pub hold_hours: u32,
    /// Whether sessions and tokens must be revoked.
    pub revoke_sessions: bool,
    /// Whether it must be logged.
    pub logged: bool,
    /// Who must be told.
    pub notify: Vec<String>,
    /// Whether the process must say what happens when evidence is missing or contradictory.
    pub escalation: bool,
}

/// What the assumptions alone give.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct BaselineEntry<'a> {
    /// Systems, the worst first.
    pub unlocks: Vec<UnlockEntry<'a>>,
    /// How many accounts.
    pub accounts: u32,
    /// How many mailboxes.
    pub mailboxes: u32,
}

/// Totals of a scan.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// All identities.
    pub identities: u64,
    /// Enabled ones.
    pub enabled: u32,
    /// Mailboxes.
    pub mailboxes: u64,
    /// Recovery gates.
    pub recoveries: u64,
    /// Privileged systems.
    pub systems: u64,
    /// Facts of the rule graph.
    pub facts: u64,
    /// Gates of the rule graph.
    pub gates: u64,
    /// Enabled identities per tier now, from 0 to 3.
    pub tiers: [u64; 4],
    /// Enabled identities per tier before, from 0 to 3.
    pub previous_tiers: [u64; 4],
    /// Enabled identities that unlock something.
    pub unlocking: u64,
    /// Pairs of an identity and a system that it unlocks.
    pub pairs: u64,
    /// Enabled identities without a row in `mfa_bindings`: unknown, not safe.
    pub without_mfa: u32,
    /// Enabled identities that own no mailbox and name no recovery mailbox.
    pub without_mailbox: u32,
    /// Enabled identities that no recovery restores.
    pub without_recovery: u32,
}

/// What an export could or could not show.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct CoverageEntry {
    /// The export.
    pub source: String,
    /// The part of it.
    pub scope: String,
    /// What it is about.
    pub aspect: String,
    /// `known` or `unknown`.
    pub state: String,
    /// In words.
    pub detail: String,
}

/// A finding.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct FindingEntry<'a> {
    /// What kind of finding.
    pub code: String,
    /// `error`, `warning` or `note`.
    pub severity: String,
    /// In one sentence.
    pub message: String,
    /// Where published frameworks speak of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// The rows it rests on.
    pub rows: Vec<RowEntry<'a>>,
    /// The accepted risk that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waived: Option<WaiverEntry>,
}

/// An accepted risk.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WaiverEntry {
    /// What it is about.
    pub what: String,
    /// Why.
    pub why: String,
    /// Who has decided it.
    pub who: String,
    /// Until when it is in force.
    pub until: String,
    /// `in force`, `unused` or `expired`.
    pub state: String,
}

/// A row that something rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowEntry<'a> {
    /// Its stable key: table and identifying cells.
    pub key: String,
    /// The file it comes from; that of the export when it was imported.
    pub file: Cow<'a, str>,
    /// The line there.
    pub line: Option<u32>,
    /// The object in the export.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<Cow<'a, str>>,
}

/// A privileged system.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SystemEntry {
    /// Its id as shown.
    pub id: String,
    /// Its display name.
    pub name: String,
    /// 0 is worst.
    pub criticality: u8,
    /// How many identities unlock it.
    pub unlocked_by: u64,
}

/// An unlocked system and its distance.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct UnlockEntry<'a> {
    /// The system's id.
    pub system: Cow<'a, str>,
    /// Recoveries on the longest branch of the shortest proof.
    pub hops: u32,
}

/// An identity.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct IdentityEntry<'a> {
    /// Its id as shown.
    pub id: Cow<'a, str>,
    /// What it is.
    pub kind: Cow<'a, str>,
    /// Its display name; empty when unknown.
    pub name: Cow<'a, str>,
    /// Its department; empty when unknown.
    pub department: Cow<'a, str>,
    /// Whether it can sign in.
    pub enabled: bool,
    /// Whether a row of `identities` declares it.
    pub declared: bool,
    /// Its reset tier; none when disabled.
    pub tier: Option<u8>,
    /// The rule of the policy that assigned it, by position; none when no rule did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<u16>,
    /// The rule that made it stricter, by position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stricter: Option<u16>,
    /// The tier before.
    pub previous_tier: Option<u8>,
    /// `raise`, `lower`, `same` or `new`; none when disabled.
    pub change: Option<Cow<'a, str>>,
    /// What it unlocks, as a position in `unlock_sets`; none when disabled.
    pub unlock_set: Option<u32>,
    /// How many other accounts it reaches; none when disabled.
    pub accounts_reached: Option<u32>,
    /// How many mailboxes it reaches; none when disabled.
    pub mailboxes_reached: Option<u32>,
    /// The worst of what it unlocks.
    pub worst: Option<WorstEntry<'a>>,
    /// The row that declares it, or the first that names it.
    pub row: RowEntry<'a>,
}

/// The worst system that something unlocks.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct WorstEntry<'a> {
    /// Its id.
    pub system: Cow<'a, str>,
    /// Its criticality.
    pub criticality: u8,
    /// Its distance in recoveries.
    pub hops: u32,
    /// The proof, inputs before heads.
    pub chain: Vec<ChainStep<'a>>,
    /// How many steps in the middle of a very long proof are not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub omitted_steps: Option<u32>,
}

/// One step of a proof: these together yield that.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ChainStep<'a> {
    /// What it yields.
    pub yields: FactName<'a>,
    /// What it uses.
    pub inputs: Vec<FactName<'a>>,
    /// How many inputs the gate needs.
    pub need: u32,
    /// How many inputs the gate has.
    pub of: u32,
    /// Methods of a recovery, one per input; else the relation that the row states.
    pub how: Vec<Cow<'a, str>>,
    /// Whether it is a recovery, which costs a hop.
    pub recovery: bool,
    /// Recoveries on the longest branch so far.
    pub hops: u32,
    /// The recovery process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<Cow<'a, str>>,
    /// Who answers for the process: the owner of its policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accountable: Option<Cow<'a, str>>,
    /// The rows it rests on.
    pub rows: Vec<RowEntry<'a>>,
}

/// What a step speaks of.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct FactName<'a> {
    /// `identity`, `password`, `mfa`, `mailbox`, `phone`, `device`, `vault`, `group`, `system` or
    /// `anybody`.
    pub kind: Cow<'a, str>,
    /// Its name as shown; the identity's for `password` and `mfa`.
    pub name: Cow<'a, str>,
}

/// Something that is no identity and unlocks something.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct FootholdEntry<'a> {
    /// `mailbox`, `phone`, `device` or `vault`.
    pub kind: Cow<'a, str>,
    /// Its name as shown.
    pub name: Cow<'a, str>,
    /// What it unlocks, as a position in `unlock_sets`.
    pub unlock_set: u32,
    /// How many accounts it reaches.
    pub accounts_reached: u32,
    /// How many mailboxes it reaches, itself not counted.
    pub mailboxes_reached: u32,
    /// The worst of what it unlocks.
    pub worst: Option<WorstEntry<'a>>,
}

/// The JSON Schema of [`Document`].
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Document).to_value()
}
