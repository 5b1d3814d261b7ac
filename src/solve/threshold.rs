//! Whether at least so many of some bits are set, for 64 lanes at once.

/// The lanes in which at least `need` of `count` masks have their bit: by counters of one bit plane
/// per binary digit, O(count times log count).
pub(super) fn at_least(need: u32, count: usize, masks: impl Iterator<Item = u64>) -> u64 {
    if need as usize == count {
        return masks.fold(u64::MAX, |all, mask| all & mask);
    }
    if need == 1 {
        return masks.fold(0, |any, mask| any | mask);
    }
    if need as usize > count {
        return 0;
    }
    let mut planes = [0u64; 32];
    for mask in masks {
        let mut carry = mask;
        for plane in &mut planes {
            if carry == 0 {
                break;
            }
            let both = *plane & carry;
            *plane ^= carry;
            carry = both;
        }
    }
    // From the highest digit: larger where a digit is set that the need lacks, while equal so far.
    let (mut larger, mut equal) = (0, u64::MAX);
    for (digit, plane) in planes.iter().enumerate().rev() {
        if need >> digit & 1 == 0 {
            larger |= equal & plane;
            equal &= !plane;
        } else {
            equal &= plane;
        }
    }
    larger | equal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_every_lane_by_itself() {
        // Lane l has its bit in the first l of 64 masks.
        for count in [1usize, 2, 3, 7, 8, 63, 64] {
            let masks: Vec<u64> = (0..count)
                .map(|at| {
                    (0..64)
                        .filter(|lane| at < *lane)
                        .fold(0, |all, lane| all | 1 << lane)
                })
                .collect();
            for need in 1..=count as u32 + 1 {
                let found = at_least(need, count, masks.iter().copied());
                for lane in 0..64usize {
                    let expected = lane.min(count) >= need as usize;
                    assert_eq!(
                        found >> lane & 1 == 1,
                        expected,
                        "{need} of {count}, lane {lane}"
                    );
                }
            }
        }
    }
}
