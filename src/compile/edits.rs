//! Changes that are tried out without touching a row: what a scan would say if they were made.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::model::{AssetId, Organisation, Proofing, RowRef, Table};
use crate::rules::Fact;

/// What is different from the rows of an organisation. Nothing here makes the attacker stronger, but
/// for a membership of a group that recoveries leave out: whoever leaves it is no longer left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// Rows of `mfa_bindings`, `holdings`, `memberships`, `grants` that are as if they were not
    /// there, and rows of `recoveries` that nothing satisfies any more: a gate keeps its need, and
    /// whoever loses a factor still has to sign in with one.
    pub removed: FxHashSet<RowRef>,
    /// Readers whom a mailbox (by position) loses: owner, delegate or forwarding mailbox.
    pub cut: FxHashSet<(u32, AssetId)>,
    /// Assets that nobody comes to control but who starts with them.
    pub gone: FxHashSet<AssetId>,
    /// Recoveries (by position of their gate) that ask for one thing more, which nobody has but the
    /// one it is for.
    pub guarded: FxHashSet<u32>,
    /// Identities (by position) that signed in with a password alone and now have a factor beside it,
    /// which nobody holds but they.
    pub enrolled: FxHashSet<u32>,
    /// Proofing of processes (by position).
    pub proofing: FxHashMap<u32, Proofing>,
    /// Whoever leaves a group is still kept out of the recoveries that leave the group out, and known
    /// for what is known of its members. No organisation is like that, but with it no edit makes the
    /// attacker stronger, so that what all edits of some kind cannot reach can be told.
    pub is_lenient: bool,
}

impl Edits {
    /// Whether a row does not count: removed here, or by the change set that was read.
    #[must_use]
    pub fn is_removed(&self, org: &Organisation, table: Table, index: usize) -> bool {
        !org.counts(table, index)
            || (!self.removed.is_empty()
                && self.removed.contains(&RowRef {
                    table,
                    index: index as u32,
                }))
    }

    /// Whether nothing yields a fact any more.
    #[must_use]
    pub fn is_gone(&self, fact: Fact) -> bool {
        !self.gone.is_empty() && self.gone.contains(&AssetId(fact.0))
    }
}
