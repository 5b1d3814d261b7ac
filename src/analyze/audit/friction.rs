//! What resets that took place would have needed, had some tiers been in force.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::Held;
use super::record::{Gates, Outside, Proven, Record};
use super::same::Same;
use crate::model::AssetId;

/// What resets would have needed beside what was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// How many resets there were.
    pub resets: u64,
    /// How many of them would have needed anything more.
    pub harder: u64,
    /// Stronger proofing of whoever asked.
    pub proofing: u64,
    /// Another process or channel.
    pub process: u64,
    /// Further approvals, one for each person.
    pub approvals: u64,
    /// Sessions revoked that were not.
    pub sessions: u64,
    /// Seconds of waiting beside those that were waited.
    pub waiting: i64,
}

impl Needs {
    fn add(&mut self, other: Self) {
        self.resets += other.resets;
        self.harder += other.harder;
        self.proofing += other.proofing;
        self.process += other.process;
        self.approvals += other.approvals;
        self.sessions += other.sessions;
        self.waiting += other.waiting;
    }
}

/// The needs of all resets, by tier and by department.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Friction {
    /// All of them.
    pub all: Needs,
    /// By the tier of the account.
    pub tiers: [Needs; 4],
    /// By its department as written; empty where none is.
    pub departments: BTreeMap<String, Needs>,
}

/// What the resets would have needed under these tiers and demands, by the same checks as the
/// violations: O(resets), and one closure for every account of which an approver must stand outside.
#[must_use]
pub fn friction(held: Held<'_>) -> Friction {
    let gates = Gates::of_all(held);
    let same = Same::new(held);
    let resets = 0..held.org.resets.len() as u32;
    let each = resets
        .into_par_iter()
        .map_init(Outside::default, |outside, at| {
            if !same.counts(held.org, at) {
                return None;
            }
            let identity = held.org.resets[at as usize].identity?;
            let account = held.org.identity_of[identity.index()]?;
            let place = account as usize;
            let tier = held.tiers[place]?;
            let record = Record::new(held, &gates, at, account, tier);
            let needs = needs(&record, &same, at, |account| {
                outside.is(held, identity, account)
            });
            Some((place, tier, needs))
        });
    let each: Vec<_> = each.collect();
    let mut friction = Friction::default();
    for (place, tier, needs) in each.into_iter().flatten() {
        friction.all.add(needs);
        friction.tiers[usize::from(tier)].add(needs);
        let department = held.org.text(held.org.identities[place].department);
        friction
            .departments
            .entry(department.trim().to_owned())
            .or_default()
            .add(needs);
    }
    friction
}

fn needs(record: &Record<'_>, same: &Same, at: u32, outside: impl FnMut(AssetId) -> bool) -> Needs {
    let Record {
        org,
        reset,
        demand,
        process,
        ..
    } = *record;
    let is_proven = matches!(record.proven(), Proven::Enough);
    let is_allowed = record.is_allowed() && record.forbidden().is_empty();
    // Who approved beyond what is demanded is of no account.
    let counted = match (demand.approvers, reset.identity) {
        (0, _) | (_, None) => 0,
        (_, Some(identity)) => {
            let approvals = record.approvals(identity, outside);
            (approvals.people - approvals.wrong.len()) as u32
        }
    };
    let approvals = u64::from(demand.approvers.saturating_sub(counted));
    let revoked = same
        .sessions_revoked(org, at)
        .or(process.and_then(|process| process.revokes_sessions));
    let sessions = u64::from(demand.revoke_sessions && revoked != Some(true));
    let waited = reset
        .requested
        .map_or(0, |requested| (reset.time - requested).max(0));
    let waiting = (i64::from(demand.hold_hours) * 3600 - waited).max(0);
    let is_harder = !is_proven || !is_allowed || approvals > 0 || sessions > 0 || waiting > 0;
    Needs {
        resets: 1,
        harder: u64::from(is_harder),
        proofing: u64::from(!is_proven),
        process: u64::from(!is_allowed),
        approvals,
        sessions,
        waiting,
    }
}
