//! Tier policies applied: how hard it must be to reset an account.

use crate::compile::{Edits, Members};
use crate::model::{Effect, Kind, Organisation, Policy, Signal, Table, When, Word, fold};
use crate::solve::Answer;

/// How a tier compares with the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Stricter than before.
    Raise,
    /// Less strict than before.
    Lower,
    /// As before.
    Same,
    /// There was none before.
    New,
}

impl Word for Change {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("raise", Self::Raise),
        ("lower", Self::Lower),
        ("same", Self::Same),
        ("new", Self::New),
    ];
}

impl Change {
    /// From the tier before to the tier now; 0 is strictest.
    #[must_use]
    pub fn of(before: Option<u8>, now: u8) -> Self {
        match before {
            None => Self::New,
            Some(before) if now < before => Self::Raise,
            Some(before) if now > before => Self::Lower,
            Some(_) => Self::Same,
        }
    }
}

/// What a policy makes of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Its tier.
    pub tier: u8,
    /// The rule that assigned it, by position (the first that did; none when no rule did), and the
    /// one that made it stricter.
    pub rules: [Option<u16>; 2],
}

/// A policy applied to one organisation at one time.
pub struct Judge<'p> {
    pub(super) policy: &'p Policy,
    /// Whether eligible memberships are left out.
    pub(super) standing_only: bool,
    /// For every rule the identities (by position) of which its conditions on groups, departments and
    /// signals hold; all of them when there is no list.
    holds: Vec<Option<Vec<bool>>>,
}

impl<'p> Judge<'p> {
    /// Looks up what rules name. `now` is the time at which signals are counted, in seconds since 1970
    /// (UTC); without a time all of them count. Costs O(identities) per rule that asks for more than
    /// the answer and the kind.
    #[must_use]
    pub fn new(
        policy: &'p Policy,
        org: &Organisation,
        standing_only: bool,
        now: Option<i64>,
    ) -> Self {
        let mut members: Option<Members> = None;
        let holds = policy.rules.iter().map(|rule| {
            let when = &rule.when;
            if when.groups.is_empty() && when.departments.is_empty() && when.signals.is_empty() {
                return None;
            }
            let mut holds = vec![true; org.identities.len()];
            if !when.groups.is_empty() {
                let members = members
                    .get_or_insert_with(|| Members::new(org, standing_only, &Edits::default()));
                let groups = when.groups.iter().filter_map(|name| {
                    let bare = Kind::split(name).map_or(&**name, |(_, bare)| bare);
                    org.assets.find_spelled(Kind::Group, bare)
                });
                let mut is_in = vec![false; org.identities.len()];
                for asset in groups.flat_map(|group| members.of(group)) {
                    if let Some(at) = org.identity_of[asset.index()] {
                        is_in[at as usize] = true;
                    }
                }
                narrow(&mut holds, |at| is_in[at]);
            }
            if !when.departments.is_empty() {
                narrow(&mut holds, |at| {
                    let department = fold(org.text(org.identities[at].department));
                    when.departments.iter().any(|one| **one == *department)
                });
            }
            if !when.signals.is_empty() {
                let has = signalled(org, |signal| {
                    when.signals.contains(&signal.signal) && is_open(signal.seen, when.within, now)
                });
                narrow(&mut holds, |at| has[at]);
            }
            Some(holds)
        });
        Self {
            holds: holds.collect(),
            policy,
            standing_only,
        }
    }

    /// The tier of an enabled identity (by position) that unlocks these systems.
    #[must_use]
    pub fn verdict(
        &self,
        org: &Organisation,
        at: u32,
        answer: &Answer,
        severity: &[u8],
    ) -> Verdict {
        let unlocks = answer.unlocks().iter();
        let unlocks = unlocks.map(|one| (severity[one.system.index()], one.hops));
        self.verdict_on(org, at, [answer.accounts, answer.mailboxes], unlocks)
    }

    /// The tier that an enabled identity would have if all that it unlocked were one system of this
    /// criticality, or nothing. Of use only where [`Judge::is_by_criticality`].
    #[must_use]
    pub fn verdict_if(&self, org: &Organisation, at: u32, worst: Option<u8>) -> Verdict {
        self.verdict_on(org, at, [0, 0], worst.iter().map(|&worst| (worst, 0)))
    }

    /// Whether no rule asks how many systems fall, how far they are, or what else does.
    #[must_use]
    pub fn is_by_criticality(&self) -> bool {
        self.policy.rules.iter().all(|rule| {
            let when = &rule.when;
            when.systems_at_least.is_none_or(|least| least == 1)
                && when.hops_at_most.is_none()
                && when.accounts_at_least.is_none()
                && when.mailboxes_at_least.is_none()
        })
    }

    fn verdict_on(
        &self,
        org: &Organisation,
        at: u32,
        reached: [u32; 2],
        unlocks: impl Iterator<Item = (u8, u32)> + Clone,
    ) -> Verdict {
        let kind = org.identities[at as usize].kind;
        let mut verdict = Verdict {
            tier: u8::MAX,
            rules: [None; 2],
        };
        let mut by = 0;
        for ((place, rule), holds) in (0u16..).zip(&self.policy.rules).zip(&self.holds) {
            let is_here = holds.as_ref().is_none_or(|holds| holds[at as usize]);
            let when = &rule.when;
            let is_kind = when.kinds.is_empty() || when.kinds.contains(&kind);
            if !is_here || !is_kind || !reaches(when, reached, unlocks.clone()) {
                continue;
            }
            match rule.effect {
                Effect::Fixed(tier) => {
                    return Verdict {
                        tier,
                        rules: [Some(place), None],
                    };
                }
                Effect::Tier(tier) if tier < verdict.tier => {
                    (verdict.tier, verdict.rules[0]) = (tier, Some(place));
                }
                Effect::Stricter(more) if more > by => {
                    (by, verdict.rules[1]) = (more, Some(place));
                }
                Effect::Tier(_) | Effect::Stricter(_) => {}
            }
        }
        if verdict.rules[0].is_none() {
            verdict.tier = self.policy.otherwise;
        }
        verdict.tier = verdict.tier.saturating_sub(by);
        verdict
    }
}

fn narrow(holds: &mut [bool], also: impl Fn(usize) -> bool) {
    for (at, holds) in holds.iter_mut().enumerate() {
        *holds = *holds && also(at);
    }
}

/// Whether the conditions on accounts and mailboxes reached and on systems (criticality, hops) hold.
fn reaches(
    when: &When,
    [accounts, mailboxes]: [u32; 2],
    unlocks: impl Iterator<Item = (u8, u32)>,
) -> bool {
    if when.accounts_at_least.is_some_and(|least| accounts < least)
        || when
            .mailboxes_at_least
            .is_some_and(|least| mailboxes < least)
    {
        return false;
    }
    if when.criticality.is_none() && when.systems_at_least.is_none() && when.hops_at_most.is_none()
    {
        return true;
    }
    let counted = unlocks.filter(|&(criticality, hops)| {
        when.criticality.is_none_or(|worst| criticality <= worst)
            && when.hops_at_most.is_none_or(|most| hops <= most)
    });
    let least = when.systems_at_least.unwrap_or(1) as usize;
    counted.take(least).count() == least
}

/// Whether a signal counts at some time: from the second in which it was seen until so many seconds
/// have gone by. One of an unknown time, and any where nobody knows what time it is, counts.
#[must_use]
pub fn is_open(seen: Option<i64>, within: Option<i64>, now: Option<i64>) -> bool {
    let (Some(seen), Some(now)) = (seen, now) else {
        return true;
    };
    seen <= now && within.is_none_or(|within| now - seen < within)
}

/// For every identity (by position) whether it has a signal that counts.
pub(super) fn signalled(org: &Organisation, counts: impl Fn(&Signal) -> bool) -> Vec<bool> {
    let mut signalled = vec![false; org.identities.len()];
    let rows = org.signals.iter().enumerate();
    let counted = rows.filter(|(at, signal)| org.counts(Table::Signals, *at) && counts(signal));
    for asset in counted.filter_map(|(_, signal)| signal.identity) {
        if let Some(at) = org.identity_of[asset.index()] {
            signalled[at as usize] = true;
        }
    }
    signalled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stricter_is_a_raise() {
        assert_eq!(Change::of(Some(3), 1), Change::Raise);
        assert_eq!(Change::of(Some(0), 1), Change::Lower);
        assert_eq!(Change::of(Some(2), 2), Change::Same);
        assert_eq!(Change::of(None, 2), Change::New);
    }
}
