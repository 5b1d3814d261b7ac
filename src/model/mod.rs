//! The organisation as people speak of it: identities, assets, recoveries and the processes behind
//! them. Names are resolved and gates are checked here; nothing is computed and nothing is read.

mod assets;
mod change;
mod digest;
mod keys;
mod kinds;
mod name;
mod organisation;
mod policy;
mod redact;
mod rows;
mod slots;
mod span;
mod texts;
mod waiver;
mod wanted;
mod words;

pub use assets::{Asset, AssetId, Assets};
pub use change::Change;
pub use digest::{hexadecimal, sha256};
pub use keys::{add_row_key, row_key};
pub use kinds::Kind;
pub use name::{Traits, fold, fold_name, fold_phone};
pub use organisation::{
    Input, MadeGates, Organisation, ProcessId, Provenance, ProvenanceId, RecoveryGate, RowMeta,
    RowRef,
};
pub use policy::{Channel, Demand, Effect, Policy, Rule, TIERS, Watch, When};
pub use redact::{pseudonym, redacted_file};
pub use rows::{
    AssetList, Binding, Coverage, Grant, Holding, Identity, Mailbox, Membership, OwnAsset, Owner,
    PROCESS_STAGES, Process, Recovery, Reset, Signal, Source, System, Target,
};
pub use slots::{READ_AHEAD, Slots};
pub use texts::{Text, Texts};
pub use waiver::Waiver;
pub use wanted::{NameHash, Wanted};
pub use words::{
    Access, Factor, IdentityKind, MailboxKind, Method, Proofing, Restored, SignIn, SignalKind,
    Table, Word,
};
