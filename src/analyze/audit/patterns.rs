//! What several resets together do not obey, and resets under a threat.

use std::collections::BTreeMap;

use super::checks::{EXECUTION, POLICY, REVIEW, span};
use super::same::Same;
use super::{Held, Violation, Wrong};
use crate::analyze::is_open;
use crate::model::{AssetId, Owner, Restored, SignIn, Table, Word, fold};

/// Positions of the resets that count, by time.
pub(super) fn by_time(held: Held<'_>, same: &Same) -> Vec<u32> {
    let org = held.org;
    let all = 0..org.resets.len() as u32;
    let mut all: Vec<u32> = all.filter(|&at| same.counts(org, at)).collect();
    all.sort_by_key(|&at| org.resets[at as usize].time);
    all
}

fn tier(held: Held<'_>, identity: AssetId) -> Option<u8> {
    let at = held.org.identity_of[identity.index()]?;
    held.tiers[at as usize]
}

/// Password and factor of one account within the window: whoever obtained both needs neither.
pub(super) fn both(held: Held<'_>, by_time: &[u32]) -> Vec<Violation> {
    let org = held.org;
    let window = held.policy.watch.both_within;
    // For every account the last reset of its password, and of its factor.
    let mut last: BTreeMap<AssetId, [Option<u32>; 2]> = BTreeMap::new();
    let mut found = Vec::new();
    for &at in by_time {
        let reset = &org.resets[at as usize];
        let Some(identity) = reset.identity else {
            continue;
        };
        let signs_in =
            org.identity_of[identity.index()].map(|place| org.identities[place as usize].sign_in);
        if signs_in != Some(SignIn::PasswordAndMfa) {
            continue;
        }
        let which = match reset.restored.unwrap_or(Restored::Password) {
            Restored::Password => 0,
            Restored::Mfa => 1,
            _ => continue,
        };
        let known = last.entry(identity).or_default();
        known[which] = Some(at);
        let Some(other) = known[1 - which] else {
            continue;
        };
        let apart = reset.time - org.resets[other as usize].time;
        if apart < window {
            // The pair is told once; the next pair needs both anew.
            known[1 - which] = None;
            known[which] = None;
            found.push(Violation {
                kind: Wrong::PasswordAndFactor,
                resets: vec![other, at],
                stage: EXECUTION,
                tier: tier(held, identity),
                detail: format!("{} apart, within {}", span(apart), span(window)),
            });
        }
    }
    found
}

/// As many resets by one agent within the window as make a burst; each burst once, whole.
pub(super) fn bursts(held: Held<'_>, by_time: &[u32]) -> Vec<Violation> {
    let org = held.org;
    let watch = &held.policy.watch;
    let mut by_agent: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for &at in by_time {
        let name = match org.resets[at as usize].agent {
            Some(Owner::Identity(asset)) => org.assets.get(asset).key.to_owned(),
            Some(Owner::Text(text)) => fold(org.text(text)).into_owned(),
            None => continue,
        };
        by_agent.entry(name).or_default().push(at);
    }
    let time = |at: u32| org.resets[at as usize].time;
    let mut found = Vec::new();
    for (name, resets) in by_agent {
        let least = watch.burst as usize;
        let mut start = 0;
        // For every last reset of a window the first; windows that overlap are one burst.
        let mut open: Option<(usize, usize)> = None;
        let mut bursts: Vec<(usize, usize)> = Vec::new();
        for end in 0..resets.len() {
            while time(resets[end]) - time(resets[start]) >= watch.burst_within {
                start += 1;
            }
            if end - start + 1 < least {
                continue;
            }
            open = match open {
                Some((first, last)) if start <= last => Some((first, end)),
                Some(done) => {
                    bursts.push(done);
                    Some((start, end))
                }
                None => Some((start, end)),
            };
        }
        bursts.extend(open);
        for (first, last) in bursts {
            let mine = &resets[first..=last];
            let tiers = mine
                .iter()
                .filter_map(|&at| org.resets[at as usize].identity);
            let tiers = tiers.filter_map(|identity| tier(held, identity));
            found.push(Violation {
                kind: Wrong::Burst,
                resets: mine.to_vec(),
                stage: REVIEW,
                tier: tiers.min(),
                detail: format!(
                    "{} resets by `{name}` in {}",
                    mine.len(),
                    span(time(mine[mine.len() - 1]) - time(mine[0]))
                ),
            });
        }
    }
    found
}

/// Resets of accounts with a threat signal that was open then.
pub(super) fn signals(held: Held<'_>, by_time: &[u32]) -> Vec<Violation> {
    let org = held.org;
    let within = held.policy.watch.signal_within;
    let mut of: BTreeMap<AssetId, Vec<usize>> = BTreeMap::new();
    for (at, signal) in org.signals.iter().enumerate() {
        if let Some(identity) = signal.identity.filter(|_| org.counts(Table::Signals, at)) {
            of.entry(identity).or_default().push(at);
        }
    }
    let mut found = Vec::new();
    for &at in by_time {
        let reset = &org.resets[at as usize];
        let Some(identity) = reset.identity else {
            continue;
        };
        let mine = of.get(&identity).into_iter().flatten();
        let open = mine.map(|&at| &org.signals[at]).filter(|signal| {
            signal.seen.is_some() && is_open(signal.seen, within, Some(reset.time))
        });
        // The newest one.
        let Some(signal) = open.max_by_key(|signal| signal.seen) else {
            continue;
        };
        let ago = reset.time - signal.seen.unwrap_or(reset.time);
        found.push(Violation {
            kind: Wrong::OpenSignal,
            resets: vec![at],
            stage: POLICY,
            tier: tier(held, identity),
            detail: format!("`{}` was seen {} before", signal.signal.word(), span(ago)),
        });
    }
    found
}
