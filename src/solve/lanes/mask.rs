//! A bit for every lane, and numbers for every lane out of such bits.

use crate::rules::Fact;

/// Words of a mask.
pub(super) const WORDS: usize = 8;
/// Seeds that are searched together.
pub(in crate::solve) const LANES: usize = WORDS * 64;

/// A bit for every lane.
pub(super) type Mask = [u64; WORDS];

pub(super) const EMPTY: Mask = [0; WORDS];

/// A number for every lane, bit-sliced: the n-th mask holds the n-th bits.
#[derive(Default)]
pub(super) struct Counters(Vec<Mask>);

impl Counters {
    /// Makes all of them 0.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds one where a bit is set.
    pub(super) fn add(&mut self, lanes: &Mask) {
        let mut carry = *lanes;
        for plane in &mut self.0 {
            let mut next = EMPTY;
            for word in 0..WORDS {
                next[word] = plane[word] & carry[word];
                plane[word] ^= carry[word];
            }
            carry = next;
            if is_empty(&carry) {
                return;
            }
        }
        if !is_empty(&carry) {
            self.0.push(carry);
        }
    }

    /// Leaves the lanes whose number is at least `need`.
    pub(super) fn keep_at_least(&self, need: u32, lanes: &mut Mask) {
        if need.checked_shr(self.0.len() as u32).unwrap_or(0) > 0 {
            *lanes = EMPTY;
        } else {
            keep_at_least(&self.0, need, lanes);
        }
    }

    /// The number of a lane.
    pub(super) fn of(&self, lane: usize) -> u32 {
        let planes = self.0.iter().enumerate();
        planes
            .map(|(at, plane)| (((plane[lane / 64] >> (lane % 64)) & 1) as u32) << at)
            .sum()
    }
}

/// A mask for every fact, each in one line of the processor's cache. Memory that is asked for as
/// zeros takes none until it is written to.
pub(super) struct Masks {
    words: Vec<u64>,
    first: usize,
}

impl Masks {
    /// Empty ones.
    pub(super) fn new(facts: usize) -> Self {
        let words = vec![0; (facts + 1) * WORDS];
        let first = words.as_ptr().align_offset(size_of::<Mask>());
        // It need not be possible to tell; then they lie as they lie.
        let first = if first < WORDS { first } else { 0 };
        Self { words, first }
    }

    pub(super) fn of(&self, fact: Fact) -> &Mask {
        &self.words[self.first..].as_chunks().0[fact.index()]
    }

    pub(super) fn of_mut(&mut self, fact: Fact) -> &mut Mask {
        &mut self.words[self.first..].as_chunks_mut().0[fact.index()]
    }
}

/// The bit of one lane.
pub(super) fn only(lane: usize) -> Mask {
    let mut lanes = EMPTY;
    lanes[lane / 64] = 1 << (lane % 64);
    lanes
}

pub(super) fn has(mask: &Mask, lane: usize) -> bool {
    is_in(mask[lane / 64], lane)
}

/// Whether the word of a lane has its bit.
pub(super) fn is_in(word: u64, lane: usize) -> bool {
    (word >> (lane % 64)) & 1 == 1
}

pub(super) fn is_empty(mask: &Mask) -> bool {
    mask.iter().fold(0, |all, word| all | word) == 0
}

/// Whether it has more than one lane.
pub(super) fn has_several(mask: &Mask) -> bool {
    let mut all = 0;
    let mut several = 0;
    for &word in mask {
        // One word has two of them, or two words have one.
        several |= word & word.wrapping_sub(1);
        several |= if all == 0 { 0 } else { word };
        all |= word;
    }
    several != 0
}

/// How many lanes it has.
pub(super) fn count(mask: &Mask) -> usize {
    mask.iter().map(|word| word.count_ones() as usize).sum()
}

pub(super) fn unite(mask: &mut Mask, other: &Mask) {
    for word in 0..WORDS {
        mask[word] |= other[word];
    }
}

pub(super) fn subtract(mask: &mut Mask, other: &Mask) {
    for word in 0..WORDS {
        mask[word] &= !other[word];
    }
}

pub(super) fn intersect(mask: &mut Mask, other: &Mask) {
    for word in 0..WORDS {
        mask[word] &= other[word];
    }
}

/// Leaves the lanes whose number, given by its bits from the lowest up, is at least `need`.
pub(super) fn keep_at_least<const WORDS: usize>(
    counts: &[[u64; WORDS]],
    need: u32,
    lanes: &mut [u64; WORDS],
) {
    // From the highest bit down: larger so far, and equal so far.
    let (mut larger, mut equal) = ([0; WORDS], *lanes);
    for (at, bits) in counts.iter().enumerate().rev() {
        for word in 0..WORDS {
            if (need >> at) & 1 == 1 {
                equal[word] &= bits[word];
            } else {
                larger[word] |= equal[word] & bits[word];
                equal[word] &= !bits[word];
            }
        }
    }
    for word in 0..WORDS {
        lanes[word] = larger[word] | equal[word];
    }
}

/// The lanes of a mask.
pub(super) fn each(mask: &Mask) -> impl Iterator<Item = usize> {
    let words = mask.iter().enumerate();
    words.flat_map(|(at, &word)| each_of(word).map(move |lane| at * 64 + lane))
}

/// The lanes of one word.
pub(super) fn each_of(word: u64) -> impl Iterator<Item = usize> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let lane = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
        rest &= rest - 1;
        Some(lane)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_counted_by_themselves() {
        let mut counters = Counters::default();
        let mut lanes = only(0);
        unite(&mut lanes, &only(70));
        unite(&mut lanes, &only(511));
        for _ in 0..5 {
            counters.add(&lanes);
        }
        counters.add(&only(70));
        assert_eq!([0, 1, 70, 511].map(|lane| counters.of(lane)), [5, 0, 6, 5]);
        assert_eq!(each(&lanes).collect::<Vec<_>>(), [0, 70, 511]);
        for (one, two, are_several) in [
            (70, 70, false),
            (0, 63, true),
            (0, 64, true),
            (70, 511, true),
        ] {
            let mut both = only(one);
            unite(&mut both, &only(two));
            assert_eq!(has_several(&both), are_several);
        }
        assert!(!has_several(&EMPTY));
        let enough_of = |need| {
            let mut asked = only(1);
            unite(&mut asked, &lanes);
            counters.keep_at_least(need, &mut asked);
            each(&asked).collect::<Vec<_>>()
        };
        assert_eq!(enough_of(1), [0, 70, 511]);
        assert_eq!(enough_of(6), [70]);
        for need in [7, 8, u32::MAX] {
            assert!(enough_of(need).is_empty());
        }
    }
}
