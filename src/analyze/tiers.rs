//! The default tier policy: how hard it must be to reset an account.

use crate::model::{Identity, IdentityKind, Word};

/// The tier of an identity that unlocks nothing.
pub const NO_TIER: u8 = 3;

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

/// The tier of an enabled identity: the smallest criticality it unlocks, else [`NO_TIER`];
/// break-glass accounts have tier 0; signals, whatever their number, make it one stricter.
pub(super) fn tier(identity: &Identity, smallest_criticality: Option<u8>, has_signal: bool) -> u8 {
    if identity.kind == IdentityKind::BreakGlass {
        return 0;
    }
    let tier = smallest_criticality.unwrap_or(NO_TIER);
    if has_signal {
        tier.saturating_sub(1)
    } else {
        tier
    }
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
