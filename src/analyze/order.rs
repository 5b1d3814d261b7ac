//! The order of the outputs: by tier, disabled identities last, then by unlocks falling, then by id as
//! compared.

use std::cmp::Reverse;
use std::ops::Range;

use rayon::prelude::*;

use super::{Change, IdentityResult, Judge, Verdict};
use crate::model::{Organisation, TIERS};
use crate::solve::Answer;

/// The identities of an organisation in the order of their ids as compared, by position.
#[derive(Debug)]
pub struct IdOrder(Vec<u32>);

/// An identity with the beginning of its id. Most comparisons are settled by that, and it lies beside
/// the others'; the ids themselves lie all over the memory.
struct Begun {
    first: [u64; 3],
    at: u32,
}

impl IdOrder {
    /// Sorts them: O(n log n) on the threads of the current rayon pool.
    #[must_use]
    pub fn of(org: &Organisation) -> Self {
        let key = |at: u32| org.assets.get(org.identities[at as usize].asset).key;
        let all = (0..org.identities.len() as u32).into_par_iter();
        let mut begun: Vec<Begun> = all
            .map(|at| Begun {
                first: first_bytes(key(at)),
                at,
            })
            .collect();
        begun.par_sort_unstable_by(|a, b| {
            let whole = || key(a.at).cmp(key(b.at));
            a.first.cmp(&b.first).then_with(whole)
        });
        Self(begun.par_iter().map(|begun| begun.at).collect())
    }
}

/// The first bytes of a text as numbers of the same order; a shorter text goes on with zeroes.
fn first_bytes(text: &str) -> [u64; 3] {
    let mut words = text.as_bytes().chunks(size_of::<u64>());
    std::array::from_fn(|_| {
        let mut word = [0; size_of::<u64>()];
        if let Some(bytes) = words.next() {
            word[..bytes.len()].copy_from_slice(bytes);
        }
        u64::from_be_bytes(word)
    })
}

/// Identities with their tiers, in the order of the outputs. `answers` are those of the enabled ones,
/// whose positions ascend.
pub(super) fn ranked(
    org: &Organisation,
    judge: &Judge<'_>,
    severity: &[u8],
    ids: IdOrder,
    enabled: &[u32],
    answers: &mut [Answer],
) -> Vec<IdentityResult> {
    let judged = enabled.par_iter().zip(&*answers);
    let verdicts: Vec<Verdict> = judged
        .map(|(&at, answer)| judge.verdict(org, at, answer, severity))
        .collect();
    // Where an identity stands among the enabled ones.
    let mut place_of = vec![u32::MAX; org.identities.len()];
    for (&at, place) in enabled.iter().zip(0..) {
        place_of[at as usize] = place;
    }
    let rank = |place: usize| {
        let unlocks = answers[place].unlocks().len() as u32;
        (verdicts[place].tier, unlocks)
    };
    let order = Order::of(&ids, &place_of, rank);
    let ordered = order.places.par_iter().map(|&place| {
        let place = place as usize;
        let (identity, verdict) = (enabled[place], verdicts[place]);
        let before = org.identities[identity as usize].tier;
        IdentityResult {
            identity,
            answer: Some(answers[place].counts()),
            tier: Some(verdict.tier),
            rules: verdict.rules,
            change: Some(Change::of(before, verdict.tier)),
        }
    });
    let mut results = Vec::with_capacity(org.identities.len());
    results.par_extend(ordered);
    // Answers with systems are few: they are moved to their places, the counts of the others were copied.
    for unlocking in order.unlocking {
        let places = &order.places[unlocking.clone()];
        for (result, &place) in results[unlocking].iter_mut().zip(places) {
            result.answer = Some(std::mem::take(&mut answers[place as usize]));
        }
    }
    let disabled = ids.0.into_iter();
    let disabled = disabled.filter(|&at| place_of[at as usize] == u32::MAX);
    results.extend(disabled.map(|identity| IdentityResult {
        identity,
        ..IdentityResult::default()
    }));
    results
}

/// Enabled identities in the order of the outputs, by their places among each other.
struct Order {
    places: Vec<u32>,
    /// Where those stand that unlock something, tier by tier.
    unlocking: [Range<usize>; TIERS],
}

impl Order {
    /// By tier, then by unlocks falling, then as in `ids`. `rank` gives tier and unlocks. Only those that
    /// unlock something are compared; the others, who are most, stay in the order of their ids.
    fn of(ids: &IdOrder, place_of: &[u32], rank: impl Fn(usize) -> (u8, u32) + Sync) -> Self {
        /// Identities that are looked at together.
        const TOGETHER: usize = 1 << 14;
        #[derive(Default)]
        struct Part {
            some: [Vec<(u32, u32)>; TIERS],
            nothing: [Vec<u32>; TIERS],
        }
        let parts = ids.0.par_chunks(TOGETHER).map(|ids| {
            let mut part = Part::default();
            let places = ids.iter().map(|&at| place_of[at as usize]);
            for place in places.filter(|&place| place != u32::MAX) {
                let (tier, unlocks) = rank(place as usize);
                let tier = usize::from(tier);
                match unlocks {
                    0 => part.nothing[tier].push(place),
                    _ => part.some[tier].push((unlocks, place)),
                }
            }
            part
        });
        let parts: Vec<Part> = parts.collect();
        let mut places = Vec::with_capacity(place_of.len());
        let unlocking = std::array::from_fn(|tier| {
            let some = parts.iter().flat_map(|part| &part.some[tier]);
            let mut some: Vec<(u32, u32)> = some.copied().collect();
            // A stable sort: of equal ones the order is that of the ids.
            some.par_sort_by_key(|&(unlocks, _)| Reverse(unlocks));
            let first = places.len();
            places.extend(some.into_iter().map(|(_, place)| place));
            let unlocking = first..places.len();
            for part in &parts {
                places.extend_from_slice(&part.nothing[tier]);
            }
            unlocking
        });
        Self { places, unlocking }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;

    use super::{IdOrder, Order, first_bytes};

    #[test]
    fn tiers_then_unlocks_falling_then_ids() {
        let mut random = fastrand::Rng::with_seed(2);
        for size in [0, 1, 7, 60, 40_000] {
            // Some are disabled; ids are in another order than the identities.
            let mut ids: Vec<u32> = (0..size).collect();
            random.shuffle(&mut ids);
            let mut count = 0;
            let place_of: Vec<u32> = (0..size)
                .map(|_| match random.u32(..9) {
                    0 => u32::MAX,
                    _ => {
                        count += 1;
                        count - 1
                    }
                })
                .collect();
            let ranks: Vec<(u8, u32)> = (0..count)
                .map(|_| (random.u8(..4), random.u32(..3) * random.u32(..3)))
                .collect();
            let mut expected: Vec<u32> = ids.iter().map(|&at| place_of[at as usize]).collect();
            expected.retain(|&place| place != u32::MAX);
            expected.sort_by_key(|&place| {
                let (tier, unlocks) = ranks[place as usize];
                (tier, Reverse(unlocks))
            });
            let order = Order::of(&IdOrder(ids), &place_of, |place| ranks[place]);
            assert_eq!(order.places, expected);
            let unlocking = order.unlocking.into_iter().flatten();
            let unlocking: Vec<usize> = unlocking.collect();
            let told = (0..expected.len()).filter(|&at| ranks[expected[at] as usize].1 > 0);
            assert_eq!(unlocking, told.collect::<Vec<_>>());
        }
    }

    #[test]
    fn first_bytes_are_of_the_order_of_their_texts() {
        let mut random = fastrand::Rng::with_seed(9);
        let mut texts: Vec<String> = (0..400)
            .map(|_| {
                let letters = ['\0', 'a', 'b', '\u{e9}', '\u{1f600}'];
                (0..random.usize(..30))
                    .map(|_| letters[random.usize(..5)])
                    .collect()
            })
            .collect();
        texts.sort_unstable();
        for pair in texts.windows(2) {
            assert!(first_bytes(&pair[0]) <= first_bytes(&pair[1]), "{pair:?}");
        }
        // What differs within the first 24 bytes is told apart there.
        assert!(first_bytes("helpdesk/calder132374") < first_bytes("helpdesk/calder133372"));
    }
}
