//! The order in which facts are derived.

/// (level, round): recoveries on the longest branch, then rounds of gates that cost nothing since
/// the last recovery. Every gate's chosen inputs have smaller keys than its head, which is what
/// makes a proof read off these keys well-founded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u64);

impl Key {
    /// A fact that is given.
    pub const GIVEN: Self = Self(0);
    /// A fact that is not in the closure.
    pub const NEVER: Self = Self(u64::MAX);

    /// A key of this level and round.
    #[must_use]
    pub(super) fn new(level: u32, round: u32) -> Self {
        Self(u64::from(level) << 32 | u64::from(round))
    }

    /// The number of recoveries, or nothing for a fact that is not in the closure.
    #[must_use]
    pub fn level(self) -> Option<u32> {
        (self != Self::NEVER).then_some((self.0 >> 32) as u32)
    }

    /// The level and the round.
    #[must_use]
    pub(super) fn parts(self) -> (u32, u32) {
        ((self.0 >> 32) as u32, self.0 as u32)
    }

    /// The key of a head whose need-th smallest input has this key.
    #[must_use]
    pub fn after_gate(self, cost: u32) -> Self {
        if self == Self::NEVER {
            self
        } else if cost > 0 {
            Self(((self.0 >> 32) + 1) << 32)
        } else {
            Self(self.0 + 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_starts_a_new_level_and_a_free_gate_a_new_round() {
        let free = Key::GIVEN.after_gate(0);
        assert!(Key::GIVEN < free && free < free.after_gate(0));
        assert!(free.after_gate(0) < Key::GIVEN.after_gate(1));
        assert_eq!(free.after_gate(1), Key::GIVEN.after_gate(1));
        assert_eq!(free.after_gate(1).level(), Some(1));
        assert_eq!(Key::NEVER.after_gate(1).level(), None);
    }
}
