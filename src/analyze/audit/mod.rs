//! Resets that took place, held against what the tier of each account demands.

mod checks;
mod friction;
mod patterns;
mod record;
mod same;

use crate::compile::Program;
use crate::model::{Organisation, Policy};

pub use friction::{Friction, Needs, friction};

/// What a reset, or several together, did not obey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What it is.
    pub kind: Wrong,
    /// The rows of `resets`, by position, in the order of their times.
    pub resets: Vec<u32>,
    /// The stage of the process that should have kept it, as a position in
    /// [`PROCESS_STAGES`](crate::model::PROCESS_STAGES).
    pub stage: usize,
    /// The tier of the account; of several the strictest.
    pub tier: Option<u8>,
    /// What was found and what was demanded, in words.
    pub detail: String,
}

/// Kinds of violations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(
    missing_docs,
    reason = "the words and their descriptions say what they mean"
)]
pub enum Wrong {
    ProofingTooWeak,
    EvidenceMissing,
    EvidenceContradictory,
    ApprovalsMissing,
    ApprovalByAgent,
    ApprovalByRequester,
    ApproverOfWrongKind,
    ApproverInChain,
    HoldCutShort,
    SessionsNotRevoked,
    NotLogged,
    ProcessNotAllowed,
    PasswordAndFactor,
    Burst,
    OpenSignal,
}

impl Wrong {
    /// Every kind with its word and the control that failed.
    pub const ALL: [(Self, &'static str, &'static str); 15] = [
        (
            Self::ProofingTooWeak,
            "proofing-too-weak",
            "whoever asked was not proven as the tier demands",
        ),
        (
            Self::EvidenceMissing,
            "evidence-missing",
            "nothing shows that what the tier demands was done, and nobody escalated it",
        ),
        (
            Self::EvidenceContradictory,
            "evidence-contradictory",
            "the record says what cannot be, and nobody escalated it",
        ),
        (
            Self::ApprovalsMissing,
            "approvals-missing",
            "fewer people approved than the tier demands",
        ),
        (
            Self::ApprovalByAgent,
            "approval-by-agent",
            "the one who carried it out approved it",
        ),
        (
            Self::ApprovalByRequester,
            "approval-by-requester",
            "the one whose account it is approved it",
        ),
        (
            Self::ApproverOfWrongKind,
            "approver-of-wrong-kind",
            "somebody approved it who may not",
        ),
        (
            Self::ApproverInChain,
            "approver-in-chain",
            "an approver's own account falls with the account that was reset",
        ),
        (
            Self::HoldCutShort,
            "hold-cut-short",
            "it did not wait as long as the tier demands",
        ),
        (
            Self::SessionsNotRevoked,
            "sessions-not-revoked",
            "sessions and tokens stayed valid",
        ),
        (
            Self::NotLogged,
            "not-logged",
            "it was not logged, or the directory knows of it and no ticket does",
        ),
        (
            Self::ProcessNotAllowed,
            "process-not-allowed",
            "a process, channel or method that the tier does not allow",
        ),
        (
            Self::PasswordAndFactor,
            "password-and-factor",
            "password and factor of one account were reset within the window: the AND completed",
        ),
        (
            Self::Burst,
            "burst",
            "many resets by one agent within the window",
        ),
        (
            Self::OpenSignal,
            "open-signal",
            "an account with an open threat signal was reset",
        ),
    ];

    /// In one word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The control that failed, in a sentence.
    #[must_use]
    pub fn control(self) -> &'static str {
        Self::ALL[self as usize].2
    }

    /// The kind with this word, without regard to case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        let found = all.find(|(_, word, _)| word.eq_ignore_ascii_case(text));
        found.map(|(kind, ..)| *kind)
    }
}

/// What resets are held against.
#[derive(Clone, Copy)]
pub struct Held<'a> {
    /// The organisation.
    pub org: &'a Organisation,
    /// What it was compiled to.
    pub program: &'a Program,
    /// What is demanded.
    pub policy: &'a Policy,
    /// Whether eligible memberships are left out.
    pub standing_only: bool,
    /// The tier that every identity (by position) had; none where it had none.
    pub tiers: &'a [Option<u8>],
}

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audited {
    /// What was not obeyed, by the positions of the resets, then by kind.
    pub violations: Vec<Violation>,
    /// How many rows only repeat what another row tells of the same reset.
    pub repeats: usize,
}

/// Everything that resets did not obey, by their positions, then by kind.
///
/// A ticket and the record that a directory has of the same reset are held against it once, by the
/// ticket. Costs O(resets log resets), and one closure for every account of which an approver must stand
/// outside.
#[must_use]
pub fn audit(held: Held<'_>) -> Audited {
    let same = same::Same::new(held);
    let mut found = checks::each(held, &same);
    let by_time = patterns::by_time(held, &same);
    found.extend(patterns::both(held, &by_time));
    found.extend(patterns::bursts(held, &by_time));
    found.extend(patterns::signals(held, &by_time));
    found.sort_by(|one, two| (&one.resets, one.kind).cmp(&(&two.resets, two.kind)));
    Audited {
        violations: found,
        repeats: same.repeats(),
    }
}

#[cfg(test)]
mod tests {
    use super::Wrong;

    #[test]
    fn words_stand_in_the_order_of_the_kinds() {
        for (at, (kind, word, control)) in Wrong::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, at);
            assert_eq!(Wrong::parse(&word.to_uppercase()), Some(*kind));
            assert!(control.len() > 10);
        }
    }
}
