//! What the tables know about the identities. Absent data is unknown, not safe.

use crate::compile::{Meaning, Program};
use crate::model::Organisation;

/// Counts of enabled identities about which something is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Enabled identities.
    pub enabled: u32,
    /// Without a row in `mfa_bindings`.
    pub without_mfa: u32,
    /// That own no mailbox and name no recovery mailbox.
    pub without_mailbox: u32,
    /// That no recovery restores.
    pub without_recovery: u32,
}

pub(super) fn coverage(org: &Organisation, program: &Program) -> Coverage {
    let mut has_mailbox = vec![false; org.identities.len()];
    for owner in org.mailboxes.iter().filter_map(|mailbox| mailbox.owner) {
        if let Some(at) = org.identity_of[owner.index()] {
            has_mailbox[at as usize] = true;
        }
    }
    let mut has_recovery = vec![false; org.identities.len()];
    for gate in program
        .graph
        .gates()
        .filter(|&gate| program.graph.cost(gate) > 0)
    {
        let identity = match program.atlas.meaning(program.graph.head(gate)) {
            Meaning::Password(at) | Meaning::Mfa(at) => Some(at),
            Meaning::Asset(asset) => org.identity_of[asset.index()],
            Meaning::Helper => None,
        };
        if let Some(at) = identity {
            has_recovery[at as usize] = true;
        }
    }
    let mut coverage = Coverage::default();
    for (at, identity) in org
        .identities
        .iter()
        .enumerate()
        .filter(|(_, identity)| identity.enabled)
    {
        coverage.enabled += 1;
        coverage.without_mfa += u32::from(!identity.has_binding);
        coverage.without_mailbox +=
            u32::from(!has_mailbox[at] && identity.recovery_mailboxes.is_empty());
        coverage.without_recovery += u32::from(!has_recovery[at]);
    }
    coverage
}
