//! Rows that tell of one reset: a ticket and the record of a directory, or the records of two
//! directories of which one takes over from the other.

use std::collections::{BTreeMap, BTreeSet};

use super::Held;
use crate::model::{
    AssetId, IdentityKind, Method, Organisation, Owner, Reset, Restored, Source, Table, Target,
    fold,
};

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
    /// Tickets of which a directory says that somebody else did it, with its record.
    by_another: BTreeMap<u32, u32>,
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
        let twins = twins(org);
        let mut tickets: Option<(i64, i64)> = None;
        for at in 0..org.resets.len() as u32 {
            let reset = &org.resets[at as usize];
            if !org.counts(Table::Resets, at as usize) {
                continue;
            }
            if let Some(identity) = reset.identity {
                let one = twins.get(&identity).copied().unwrap_or(identity);
                accounts.entry(one).or_default().push(at);
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

    /// The record of a directory by which somebody else did what a ticket tells.
    pub(super) fn by_another(&self, at: u32) -> Option<u32> {
        self.by_another.get(&at).copied()
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
    /// those by one agent find each other first, then the others, each in the order of their times, which
    /// leaves as few alone as can be.
    fn tickets(&mut self, held: Held<'_>, rows: &[u32], all: Option<(i64, i64)>) {
        let Some((first, last)) = all else {
            return;
        };
        let org = held.org;
        let within = held.policy.watch.same_within;
        let reset = |at: u32| &org.resets[at as usize];
        for which in [Restored::Password, Restored::Mfa, Restored::Account] {
            let is_record = |at: &u32| {
                native(org, reset(*at)) == Some(Native::Administrator)
                    && !self.repeats[*at as usize]
                    && restored(reset(*at)) == which
            };
            let records: Vec<u32> = rows.iter().copied().filter(is_record).collect();
            let tickets = rows.iter().copied().filter(|&at| {
                native(org, reset(at)).is_none()
                    && [which, Restored::Account].contains(&restored(reset(at)))
            });
            let tickets: Vec<u32> = tickets.collect();
            let mut found: BTreeMap<u32, u32> = BTreeMap::new();
            let mut told: BTreeSet<u32> = BTreeSet::new();
            for by_one in [true, false] {
                for &ticket in &tickets {
                    if told.contains(&ticket) {
                        continue;
                    }
                    let time = reset(ticket).time;
                    let from = records.partition_point(|&at| reset(at).time < time - within);
                    let near = records[from..].iter();
                    let mut near = near.take_while(|at| reset(**at).time <= time + within);
                    let fits = |record: &&u32| {
                        !found.contains_key(record)
                            && (!by_one || is_one_agent(org, reset(ticket), reset(**record)))
                    };
                    if let Some(&record) = near.find(fits) {
                        found.insert(record, ticket);
                        told.insert(ticket);
                    }
                }
            }
            for (&record, &ticket) in &found {
                self.repeats[record as usize] = true;
                if self.sessions_revoked(org, record) == Some(true) {
                    self.revoked.insert(ticket);
                }
                if is_by_another(org, reset(ticket), reset(record)) {
                    self.by_another.insert(ticket, record);
                }
            }
            // Tickets of another time say nothing of a record.
            let is_of_then = |at: &u32| (first - within..=last + within).contains(&reset(*at).time);
            let alone = records.into_iter().filter(|at| !found.contains_key(at));
            self.unticketed.extend(alone.filter(is_of_then));
        }
    }
}

/// Processes by which two directories keep one password, as imports name them.
const HYBRID: [&str; 3] = [
    "hybrid/password-sync",
    "hybrid/unknown-sync",
    "hybrid/password-writeback",
];

/// Accounts of two directories with one password: each of them to the first of the two.
fn twins(org: &Organisation) -> BTreeMap<AssetId, AssetId> {
    let mut twins = BTreeMap::new();
    for &gate in &org.gates {
        let mut rows = org.recoveries_of(gate);
        let (Some(row), None) = (rows.next(), rows.next()) else {
            continue;
        };
        let process = row.process.map(|id| &*org.processes[id.0 as usize].key);
        let is_hybrid = process.is_some_and(|key| HYBRID.contains(&key));
        let (Target::Asset(to), Source::Asset(from)) = (gate.target, row.source) else {
            continue;
        };
        if is_hybrid && row.method == Method::Ownership {
            let first = from.min(to);
            let first = twins.get(&first).copied().unwrap_or(first);
            twins.extend([(from, first), (to, first)]);
        }
    }
    twins
}

/// Whether two people who are known, and are not one with two accounts, are on record for one doing.
fn is_by_another(org: &Organisation, ticket: &Reset, record: &Reset) -> bool {
    let (Some(Owner::Identity(one)), Some(Owner::Identity(two))) = (ticket.agent, record.agent)
    else {
        return false;
    };
    let owner = |asset: AssetId| {
        let place = org.identity_of[asset.index()];
        let owner = place.and_then(|at| org.identities[at as usize].owner);
        match owner {
            Some(Owner::Identity(owner)) => owner,
            _ => asset,
        }
    };
    let is_one_person =
        one == two || owner(one) == owner(two) || owner(one) == two || one == owner(two);
    !is_one_person && !is_by_service(org, ticket) && !is_by_service(org, record)
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
    let is_named = |name: &str| {
        let name = fold(name);
        let bare = name.rsplit('\\').next().unwrap_or(&name);
        SERVICES.iter().any(|service| bare.starts_with(service))
    };
    match reset.agent {
        None => true,
        Some(Owner::Text(name)) => is_named(org.text(name)),
        Some(Owner::Identity(agent)) => {
            let place = org.identity_of[agent.index()];
            let kind = place.map(|at| org.identities[at as usize].kind);
            matches!(kind, Some(IdentityKind::Service | IdentityKind::Workload))
                || is_named(org.assets.get(agent).shown)
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
