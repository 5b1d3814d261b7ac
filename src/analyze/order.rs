//! The order of the outputs: by tier, disabled identities last, then by unlocks falling, then by id as
//! compared.

use rayon::prelude::*;

use super::{Change, IdentityResult, Judge, Verdict};
use crate::model::Organisation;
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
    let judged = enabled.par_iter().zip(&*answers).map(|(&at, answer)| {
        let verdict = judge.verdict(org, at, answer, severity);
        let unlocks = answer.unlocks().len() as u32;
        // Tier and unlocks falling in one number.
        let rank = u64::from(verdict.tier) << 32 | u64::from(u32::MAX - unlocks);
        (verdict, rank)
    });
    let (verdicts, ranks): (Vec<Verdict>, Vec<u64>) = judged.unzip();
    // Where an identity stands among the enabled ones.
    let mut place_of = vec![u32::MAX; org.identities.len()];
    for (&at, place) in enabled.iter().zip(0..) {
        place_of[at as usize] = place;
    }
    let places = ids.0.par_iter().map(|&at| place_of[at as usize]);
    let enabled_places = places.filter(|&place| place != u32::MAX);
    let mut order: Vec<(u64, u32)> = enabled_places
        .map(|place| (ranks[place as usize], place))
        .collect();
    sort_by_rank(&mut order);
    let ordered = order.par_iter().map(|&(_, place)| {
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
    let by_rank = results.iter_mut().zip(&order);
    let unlocking = by_rank.filter(|(_, (rank, _))| *rank as u32 != u32::MAX);
    for (result, &(_, place)) in unlocking {
        result.answer = Some(std::mem::take(&mut answers[place as usize]));
    }
    let disabled = ids.0.into_iter();
    let disabled = disabled.filter(|&at| place_of[at as usize] == u32::MAX);
    results.extend(disabled.map(|identity| IdentityResult {
        identity,
        ..IdentityResult::default()
    }));
    results
}

/// Puts ranks in order; of one rank they stay as they are. Most identities unlock nothing and have one of
/// four ranks: they are counted, and only the others are compared.
fn sort_by_rank(order: &mut Vec<(u64, u32)>) {
    let unlocks_nothing = |rank: u64| rank as u32 == u32::MAX;
    let (mut some, nothing): (Vec<_>, Vec<_>) = order
        .drain(..)
        .partition(|&(rank, _)| !unlocks_nothing(rank));
    some.par_sort_by_key(|&(rank, _)| rank);
    let mut tiers: Vec<u64> = nothing.iter().map(|&(rank, _)| rank).collect();
    tiers.sort_unstable();
    tiers.dedup();
    let mut some = some.into_iter().peekable();
    for tier in tiers {
        while let Some(before) = some.next_if(|&(rank, _)| rank < tier) {
            order.push(before);
        }
        order.extend(nothing.iter().filter(|&&(rank, _)| rank == tier));
    }
    order.extend(some);
}

#[cfg(test)]
mod tests {
    use super::{first_bytes, sort_by_rank};

    #[test]
    fn ranks_are_put_in_order_and_equal_ones_stay() {
        let mut random = fastrand::Rng::with_seed(2);
        for _ in 0..300 {
            let mut order: Vec<(u64, u32)> = (0..random.u32(..60))
                .map(|place| {
                    let unlocks = random.u32(..4);
                    (random.u64(..4) << 32 | u64::from(u32::MAX - unlocks), place)
                })
                .collect();
            let mut expected = order.clone();
            expected.sort_by_key(|&(rank, _)| rank);
            sort_by_rank(&mut order);
            assert_eq!(order, expected);
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
