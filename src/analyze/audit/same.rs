//! Rows that tell of one reset: a ticket and the record of a directory, or the records of two
//! directories of which one takes over from the other.

use std::collections::{BTreeMap, BTreeSet};

use super::Held;
use crate::model::{AssetId, IdentityKind, Organisation, Owner, Reset, Restored, Table, fold};

/// How far the records of two directories of one reset are apart, in seconds: password writeback and
/// synchronisation of password hashes take seconds to two minutes.
const DIRECTORIES_APART: i64 = 120;

/// What a directory calls resets that people carry out on themselves.
const SELF_SERVICE: &str = "self_service";
/// What it calls all others.
const ADMINISTRATOR: &str = "administrator";

/// Which rows stand for a reset, and which only tell of one that another row tells of better.
#[derive(Clone, Debug, Default)]
pub(super) struct Same {
    /// By position: the row only repeats what another one tells.
    repeats: Vec<bool>,
    /// Records of a directory of which no ticket tells, although there are tickets of that time.
    unticketed: BTreeSet<u32>,
    /// Tickets of which a directory says that sessions were revoked.
    revoked: BTreeSet<u32>,
}

impl Same {
    /// Finds them: O(resets log resets).
    pub(super) fn new(held: Held<'_>) -> Self {
        let org = held.org;
        let mut same = Self {
            repeats: vec![false; org.resets.len()],
            ..Self::default()
        };
        // By account: its rows, the earliest first.
        let mut accounts: BTreeMap<AssetId, Vec<u32>> = BTreeMap::new();
        let mut tickets: Option<(i64, i64)> = None;
        for at in 0..org.resets.len() as u32 {
            let reset = &org.resets[at as usize];
            if !org.counts(Table::Resets, at as usize) {
                continue;
            }
            if let Some(identity) = reset.identity {
                accounts.entry(identity).or_default().push(at);
            }
            if native(org, reset).is_none() {
                let (first, last) = tickets.unwrap_or((reset.time, reset.time));
                tickets = Some((first.min(reset.time), last.max(reset.time)));
            }
        }
        for rows in accounts.values_mut() {
            rows.sort_by_key(|&at| org.resets[at as usize].time);
            same.directories(org, rows);
            same.tickets(held, rows, tickets);
        }
        same
    }

    /// Whether a row stands for a reset.
    pub(super) fn counts(&self, org: &Organisation, at: u32) -> bool {
        org.counts(Table::Resets, at as usize) && !self.repeats[at as usize]
    }

    /// How many rows stand for no reset of their own.
    pub(super) fn repeats(&self) -> usize {
        self.repeats.iter().filter(|repeats| **repeats).count()
    }

    /// Whether a ticket should tell of it and none does.
    pub(super) fn is_unticketed(&self, at: u32) -> bool {
        self.unticketed.contains(&at)
    }

    /// What the records say of sessions that a ticket was silent on.
    pub(super) fn sessions_revoked(&self, org: &Organisation, at: u32) -> Option<bool> {
        let told = org.resets[at as usize].sessions_revoked;
        told.or_else(|| self.revoked.contains(&at).then_some(true))
    }

    /// Records of directories close to each other, by the same agent or by a service, are one. The one of
    /// a reset by oneself stands for it: the other directory sees a service carry it out.
    fn directories(&mut self, org: &Organisation, rows: &[u32]) {
        for which in [Restored::Password, Restored::Mfa] {
            let mine = rows.iter().copied().filter(|&at| {
                let reset = &org.resets[at as usize];
                native(org, reset).is_some() && restored(reset) == which
            });
            let time = |at: u32| org.resets[at as usize].time;
            let mut groups: Vec<Vec<u32>> = Vec::new();
            for at in mine {
                // Rows come by their times, so groups that are over are behind.
                let mut open = groups.iter_mut().rev();
                let found = open.find(|group| {
                    time(at) - time(group[0]) <= DIRECTORIES_APART
                        && group.iter().all(|&other| is_one_doing(org, at, other))
                });
                match found {
                    Some(group) => group.push(at),
                    None => groups.push(vec![at]),
                }
            }
            for group in groups {
                let is_own = |&&at: &&u32| {
                    native(org, &org.resets[at as usize]) == Some(Native::SelfService)
                };
                // Else somebody's rather than a service's.
                let is_by_somebody = |&&at: &&u32| !is_by_service(org, &org.resets[at as usize]);
                let stands = group.iter().find(is_own);
                let stands = stands.or_else(|| group.iter().find(is_by_somebody));
                let stands = *stands.unwrap_or(&group[0]);
                for &at in group.iter().filter(|at| **at != stands) {
                    self.repeats[at as usize] = true;
                }
                let revoked = |at: &u32| org.resets[*at as usize].sessions_revoked == Some(true);
                if group.iter().any(revoked) {
                    self.revoked.insert(stands);
                }
            }
        }
    }

    /// A ticket of what an administrator did tells more of it than the directory. Each tells of one reset:
    /// those by one agent find each other first, then the nearest.
    fn tickets(&mut self, held: Held<'_>, rows: &[u32], all: Option<(i64, i64)>) {
        let Some((first, last)) = all else {
            return;
        };
        let org = held.org;
        let within = held.policy.watch.same_within;
        let reset = |at: u32| &org.resets[at as usize];
        let is_record = |at: u32| {
            native(org, reset(at)) == Some(Native::Administrator) && !self.repeats[at as usize]
        };
        let records: Vec<u32> = rows.iter().copied().filter(|&at| is_record(at)).collect();
        let tickets = rows
            .iter()
            .copied()
            .filter(|&at| native(org, reset(at)).is_none());
        let mut near: Vec<(bool, i64, u32, u32)> = Vec::new();
        for ticket in tickets {
            let time = reset(ticket).time;
            let from = records.partition_point(|&at| reset(at).time < time - within);
            for &record in &records[from..] {
                let apart = (reset(record).time - time).abs();
                if reset(record).time > time + within {
                    break;
                }
                if [restored(reset(record)), Restored::Account].contains(&restored(reset(ticket))) {
                    let is_other = !is_one_agent(org, reset(ticket), reset(record));
                    near.push((is_other, apart, ticket, record));
                }
            }
        }
        near.sort_unstable();
        let mut told: BTreeSet<(u32, Restored)> = BTreeSet::new();
        let mut found: BTreeSet<u32> = BTreeSet::new();
        for (_, _, ticket, record) in near {
            let which = (ticket, restored(reset(record)));
            if found.contains(&record) || told.contains(&which) {
                continue;
            }
            found.insert(record);
            told.insert(which);
            self.repeats[record as usize] = true;
            if self.sessions_revoked(org, record) == Some(true) {
                self.revoked.insert(ticket);
            }
        }
        // Tickets of another time say nothing of a record.
        let is_of_then = |at: &u32| (first - within..=last + within).contains(&reset(*at).time);
        let alone = records.into_iter().filter(|at| !found.contains(at));
        self.unticketed.extend(alone.filter(is_of_then));
    }
}

/// Whether one doing may be behind two records of directories.
fn is_one_doing(org: &Organisation, one: u32, two: u32) -> bool {
    let (one, two) = (&org.resets[one as usize], &org.resets[two as usize]);
    let is_own = |reset: &Reset| native(org, reset) == Some(Native::SelfService);
    match (is_own(one), is_own(two)) {
        (true, true) => true,
        // An agent who is somebody did something else.
        (true, false) => is_by_service(org, two),
        (false, true) => is_by_service(org, one),
        (false, false) => {
            is_one_agent(org, one, two) || is_by_service(org, one) || is_by_service(org, two)
        }
    }
}

fn is_one_agent(org: &Organisation, one: &Reset, two: &Reset) -> bool {
    match (one.agent, two.agent) {
        (Some(Owner::Text(one)), Some(Owner::Text(two))) => {
            fold(org.text(one)) == fold(org.text(two))
        }
        (one, two) => one.is_some() && one == two,
    }
}

/// Accounts by which directories write into each other, where no table knows them.
const SERVICES: [&str; 5] = [
    "msol_",
    "aad_",
    "sync_",
    "fim_password_service",
    "microsoft password reset service",
];

/// Whether nobody is on record as the agent, or a service.
fn is_by_service(org: &Organisation, reset: &Reset) -> bool {
    match reset.agent {
        None => true,
        Some(Owner::Text(name)) => {
            let name = fold(org.text(name));
            let bare = name.rsplit('\\').next().unwrap_or(&name);
            SERVICES.iter().any(|service| bare.starts_with(service))
        }
        Some(Owner::Identity(agent)) => {
            let place = org.identity_of[agent.index()];
            let kind = place.map(|at| org.identities[at as usize].kind);
            matches!(kind, Some(IdentityKind::Service | IdentityKind::Workload))
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Native {
    SelfService,
    Administrator,
}

/// Whose record it is: the log of a directory names a channel where a ticket names a process.
fn native(org: &Organisation, reset: &Reset) -> Option<Native> {
    if reset.process.is_some() {
        return None;
    }
    match &*fold(org.text(reset.process_name)) {
        SELF_SERVICE => Some(Native::SelfService),
        ADMINISTRATOR => Some(Native::Administrator),
        _ => None,
    }
}

fn restored(reset: &Reset) -> Restored {
    reset.restored.unwrap_or(Restored::Password)
}
