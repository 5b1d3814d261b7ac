//! Rows that tell of one reset: a ticket and the record of a directory, or the records of two
//! directories of which one takes over from the other.

use std::collections::{BTreeMap, BTreeSet};

use super::Held;
use crate::model::{AssetId, Organisation, Reset, Restored, Table, fold};

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

    /// Records of directories close to each other are one. The one of a reset by oneself stands for it:
    /// the other directory sees a service carry it out.
    fn directories(&mut self, org: &Organisation, rows: &[u32]) {
        for which in [Restored::Password, Restored::Mfa] {
            let mine = rows.iter().copied().filter(|&at| {
                let reset = &org.resets[at as usize];
                native(org, reset).is_some() && restored(reset) == which
            });
            let mine: Vec<u32> = mine.collect();
            let time = |at: u32| org.resets[at as usize].time;
            let mut start = 0;
            while start < mine.len() {
                let close = |&&at: &&u32| time(at) - time(mine[start]) <= DIRECTORIES_APART;
                let count = mine[start..].iter().take_while(close).count();
                let group = &mine[start..start + count];
                let is_own = |&&at: &&u32| {
                    native(org, &org.resets[at as usize]) == Some(Native::SelfService)
                };
                let stands = group.iter().find(is_own).unwrap_or(&group[0]);
                for at in group.iter().filter(|at| *at != stands) {
                    self.repeats[*at as usize] = true;
                }
                if group
                    .iter()
                    .any(|&at| org.resets[at as usize].sessions_revoked == Some(true))
                {
                    self.revoked.insert(*stands);
                }
                start += count;
            }
        }
    }

    /// The nearest ticket of what an administrator did tells more of it than the directory.
    fn tickets(&mut self, held: Held<'_>, rows: &[u32], all: Option<(i64, i64)>) {
        let Some((first, last)) = all else {
            return;
        };
        let org = held.org;
        let within = held.policy.watch.same_within;
        for &at in rows {
            let reset = &org.resets[at as usize];
            if native(org, reset) != Some(Native::Administrator) || self.repeats[at as usize] {
                continue;
            }
            let apart = |other: u32| (org.resets[other as usize].time - reset.time).abs();
            let near = rows.iter().copied().filter(|&other| {
                let other_reset = &org.resets[other as usize];
                native(org, other_reset).is_none()
                    && [restored(reset), Restored::Account].contains(&restored(other_reset))
                    && apart(other) <= within
            });
            match near.min_by_key(|&other| (apart(other), other)) {
                Some(ticket) => {
                    self.repeats[at as usize] = true;
                    if self.sessions_revoked(org, at) == Some(true) {
                        self.revoked.insert(ticket);
                    }
                }
                // Tickets of another time say nothing of this one.
                None if (first - within..=last + within).contains(&reset.time) => {
                    self.unticketed.insert(at);
                }
                None => {}
            }
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
