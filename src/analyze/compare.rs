//! Two scans side by side: who moved tier, who unlocks what they did not, who came and who went.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use rayon::prelude::*;

use super::{IdentityResult, Scan};
use crate::compile::Program;
use crate::model::{AssetId, Kind, Organisation};

/// A scanned organisation.
#[derive(Clone, Copy)]
pub struct Scanned<'a> {
    /// The organisation.
    pub org: &'a Organisation,
    /// What it was compiled to.
    pub program: &'a Program,
    /// What was found.
    pub scan: &'a Scan,
}

/// What is different.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// Identities that are in both and moved tier, or unlock other systems: the strictest tier
    /// first, then most gained, then by id.
    pub moved: Vec<Move>,
    /// Identities (by position) that are only in the second.
    pub appeared: Vec<u32>,
    /// Identities (by position) that are only in the first.
    pub vanished: Vec<u32>,
    /// Identities of every tier, before and after.
    pub tiers: [[u64; 4]; 2],
    /// Pairs of an identity and a system by criticality, before and after.
    pub pairs: [[u64; 3]; 2],
}

/// An identity that moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Its position before and after.
    pub identity: [u32; 2],
    /// Its tier before and after; none when disabled.
    pub tier: [Option<u8>; 2],
    /// Systems of the second organisation that it unlocks only there, by id.
    pub gained: Vec<AssetId>,
    /// Systems of the first organisation that it unlocks only there, by id.
    pub lost: Vec<AssetId>,
}

impl Move {
    /// Whether its tier is stricter than before.
    #[must_use]
    pub fn is_raise(&self) -> bool {
        matches!(self.tier, [Some(before), Some(after)] if after < before)
    }
}

impl Comparison {
    /// Whether nothing moved.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.moved.is_empty() && self.appeared.is_empty() && self.vanished.is_empty()
    }
}

/// Compares two scans, identities and systems by their names: O(identities and pairs).
#[must_use]
pub fn compare(before: Scanned<'_>, after: Scanned<'_>) -> Comparison {
    let mut found = Comparison::default();
    for (at, side) in [before, after].into_iter().enumerate() {
        for result in &side.scan.identities {
            if let Some(tier) = result.tier {
                found.tiers[at][usize::from(tier.min(3))] += 1;
            }
            for system in unlocked(result) {
                let critical = side.scan.criticality[system.index()].min(2);
                found.pairs[at][usize::from(critical)] += 1;
            }
        }
    }
    let results = |side: Scanned<'_>| {
        let mut results = vec![0usize; side.org.identities.len()];
        for (place, result) in side.scan.identities.iter().enumerate() {
            results[result.identity as usize] = place;
        }
        results
    };
    let before_at = results(before);
    let mut is_met = vec![false; before.org.identities.len()];
    let known: Vec<Option<u32>> = after
        .scan
        .identities
        .par_iter()
        .map(|result| {
            let asset = after.org.identities[result.identity as usize].asset;
            let key = after.org.assets.get(asset).key;
            // Where nothing came before it, an asset has the number that it had.
            let same = asset.index() < before.org.assets.len()
                && before.org.assets.kind(asset) == Kind::Identity
                && before.org.assets.get(asset).key == key;
            let known = match same {
                true => asset,
                false => before.org.assets.find(Kind::Identity, key)?,
            };
            before.org.identity_of[known.index()]
        })
        .collect();
    for (result, known) in after.scan.identities.iter().zip(known) {
        let Some(known) = known.filter(|&at| !is_met[at as usize]) else {
            found.appeared.push(result.identity);
            continue;
        };
        is_met[known as usize] = true;
        let old = &before.scan.identities[before_at[known as usize]];
        let moved = Move {
            identity: [known, result.identity],
            tier: [old.tier, result.tier],
            gained: different(after, result, before, old),
            lost: different(before, old, after, result),
        };
        if moved.tier[0] != moved.tier[1] || !moved.gained.is_empty() || !moved.lost.is_empty() {
            found.moved.push(moved);
        }
    }
    let vanished = (0u32..).zip(&is_met).filter(|(_, is_met)| !**is_met);
    found.vanished = vanished.map(|(at, _)| at).collect();
    let key = |one: &Move| {
        let asset = after.org.identities[one.identity[1] as usize].asset;
        after.org.assets.get(asset).key
    };
    found.moved.sort_by(|one, two| {
        let rank = |one: &Move| {
            let strict = one.tier[1].unwrap_or(u8::MAX);
            (
                !one.is_raise(),
                strict,
                Reverse(one.gained.len()),
                Reverse(one.lost.len()),
            )
        };
        (rank(one), key(one)).cmp(&(rank(two), key(two)))
    });
    found
}

fn unlocked(result: &IdentityResult) -> impl Iterator<Item = AssetId> {
    let unlocks = result.answer.iter().flat_map(|answer| answer.unlocks());
    // Facts of assets have their numbers.
    unlocks.map(|one| AssetId(one.system.0))
}

/// Systems that one side unlocks and the other does not, by id.
fn different(
    side: Scanned<'_>,
    result: &IdentityResult,
    other: Scanned<'_>,
    theirs: &IdentityResult,
) -> Vec<AssetId> {
    if result
        .answer
        .as_ref()
        .is_none_or(|answer| answer.unlocks().is_empty())
    {
        return Vec::new();
    }
    let known: BTreeSet<&str> = unlocked(theirs)
        .map(|system| other.org.assets.get(system).key)
        .collect();
    let key = |system: &AssetId| side.org.assets.get(*system).key;
    let mut only: Vec<AssetId> = unlocked(result)
        .filter(|system| !known.contains(key(system)))
        .collect();
    only.sort_by_key(key);
    only
}
