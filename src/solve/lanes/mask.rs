//! A bit for every lane, and numbers for every lane out of such bits.

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
        let planes = &self.0;
        if need.checked_shr(planes.len() as u32).unwrap_or(0) > 0 {
            *lanes = EMPTY;
            return;
        }
        for (word, lanes) in lanes
            .iter_mut()
            .enumerate()
            .filter(|(_, lanes)| **lanes != 0)
        {
            *lanes &= enough(planes.iter().map(|plane| plane[word]), need);
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

/// The lanes whose number, given by its bits from the lowest up, is at least `need`.
pub(super) fn enough(
    planes: impl DoubleEndedIterator<Item = u64> + ExactSizeIterator,
    need: u32,
) -> u64 {
    // From the highest bit down: larger so far, and equal so far.
    let (mut larger, mut equal) = (0u64, u64::MAX);
    for (at, plane) in planes.enumerate().rev() {
        if (need >> at) & 1 == 1 {
            equal &= plane;
        } else {
            larger |= equal & plane;
        }
    }
    larger | equal
}

pub(super) fn is_empty(mask: &Mask) -> bool {
    mask.iter().fold(0, |all, word| all | word) == 0
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

/// The lanes of a mask.
pub(super) fn each(mask: &Mask) -> impl Iterator<Item = usize> {
    mask.iter().enumerate().flat_map(|(at, &word)| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
            rest &= rest - 1;
            Some(at * 64 + bit)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(lanes: &[usize]) -> Mask {
        let mut mask = EMPTY;
        for lane in lanes {
            mask[lane / 64] |= 1 << (lane % 64);
        }
        mask
    }

    #[test]
    fn lanes_are_counted_by_themselves() {
        let mut counters = Counters::default();
        for _ in 0..5 {
            counters.add(&mask(&[0, 70, 511]));
        }
        counters.add(&mask(&[70]));
        assert_eq!([0, 1, 70, 511].map(|lane| counters.of(lane)), [5, 0, 6, 5]);
        let enough_of = |need| {
            let mut lanes = mask(&[0, 1, 70]);
            counters.keep_at_least(need, &mut lanes);
            each(&lanes).collect::<Vec<_>>()
        };
        assert_eq!(enough_of(1), [0, 70]);
        assert_eq!(enough_of(6), [70]);
        assert!(
            [7, 8, u32::MAX]
                .iter()
                .all(|&need| enough_of(need).is_empty())
        );
    }
}
