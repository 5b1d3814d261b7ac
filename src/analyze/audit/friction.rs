//! What resets that took place would have needed, had some tiers been in force.

use std::collections::BTreeMap;

use super::Held;
use super::same::Same;
use crate::analyze::demands::{Ways, is_allowed, ways};
use crate::model::{Organisation, Owner};

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

/// What the resets would have needed under these tiers and demands: O(resets).
#[must_use]
pub fn friction(held: Held<'_>) -> Friction {
    let ways = ways(held.org);
    let same = Same::new(held);
    let mut friction = Friction::default();
    for at in 0..held.org.resets.len() {
        if !same.counts(held.org, at as u32) {
            continue;
        }
        let identity = held.org.resets[at].identity;
        let place = identity.and_then(|identity| held.org.identity_of[identity.index()]);
        let Some((place, tier)) =
            place.and_then(|place| Some((place as usize, held.tiers[place as usize]?)))
        else {
            continue;
        };
        let needs = needs(held, &same, &ways, at, tier);
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

fn needs(held: Held<'_>, same: &Same, ways: &[Ways], at: usize, tier: u8) -> Needs {
    let reset = &held.org.resets[at];
    let demand = &held.policy.demands[usize::from(tier)];
    let process = reset.process.map(|id| {
        let at = id.0 as usize;
        (&held.org.processes[at], &ways[at])
    });
    let level = reset
        .proofing
        .or(process.and_then(|(process, _)| process.proofing));
    let mut needs = Needs {
        resets: 1,
        ..Needs::default()
    };
    if demand
        .proofing
        .is_some_and(|least| level.is_none_or(|level| level < least))
    {
        needs.proofing = 1;
    }
    if process.is_some_and(|(process, ways)| {
        !ways.methods.is_empty() && !is_allowed(process, ways.methods, demand)
    }) {
        needs.process = 1;
    }
    let approved = distinct(held.org, &reset.approvers) as u32;
    needs.approvals = u64::from(demand.approvers.saturating_sub(approved));
    let revoked = same
        .sessions_revoked(held.org, at as u32)
        .or(process.and_then(|(process, _)| process.revokes_sessions));
    needs.sessions = u64::from(demand.revoke_sessions && revoked != Some(true));
    let waited = reset
        .requested
        .map_or(0, |requested| (reset.time - requested).max(0));
    needs.waiting = (i64::from(demand.hold_hours) * 3600 - waited).max(0);
    let is_harder =
        needs.proofing + needs.process + needs.approvals + needs.sessions > 0 || needs.waiting > 0;
    needs.harder = u64::from(is_harder);
    needs
}

fn distinct(org: &Organisation, approvers: &[Owner]) -> usize {
    let mut names: Vec<String> = approvers
        .iter()
        .map(|owner| match owner {
            Owner::Identity(asset) => format!("identity:{}", org.assets.get(*asset).key),
            Owner::Text(text) => crate::model::fold(org.text(*text)).into_owned(),
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names.len()
}
