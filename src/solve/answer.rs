//! What falls with a seed.

use super::{Key, Proof, Question};
use crate::rules::{Class, Fact, RuleGraph};

/// An unlocked system and its distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unlocked {
    /// The system.
    pub system: Fact,
    /// Recoveries on the longest branch of the shortest proof.
    pub hops: u32,
}

/// What falls with one seed and would not have fallen without it: 16 bytes for the many that unlock
/// nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Accounts other than the seed.
    pub accounts: u32,
    /// Mailboxes, the seed itself not counted.
    pub mailboxes: u32,
    fall: Option<Box<Fall>>,
}

/// The systems that fall, at least one, and the proof of the worst of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Fall {
    unlocks: Box<[Unlocked]>,
    proof: Option<Proof>,
}

impl Answer {
    /// Systems other than the seed in order of (severity, hops, place); the first is the worst.
    #[must_use]
    pub fn unlocks(&self) -> &[Unlocked] {
        self.fall.as_ref().map_or(&[], |fall| &fall.unlocks)
    }

    /// The same without what is unlocked.
    #[must_use]
    pub fn counts(&self) -> Self {
        Self {
            fall: None,
            ..*self
        }
    }

    /// The proof of the worst system.
    #[must_use]
    pub fn proof(&self) -> Option<&Proof> {
        self.fall.as_ref()?.proof.as_ref()
    }
}

/// An answer in the making.
#[derive(Default)]
pub(super) struct Tally {
    pub unlocks: Vec<Unlocked>,
    pub accounts: u32,
    pub mailboxes: u32,
}

impl Tally {
    /// Counts a fact that falls with the seed.
    pub(super) fn count(&mut self, graph: &RuleGraph, seed: Fact, fact: Fact, key: Key) {
        match graph.class(fact) {
            Class::System if fact != seed => {
                if let Some(hops) = key.level() {
                    self.unlocks.push(Unlocked { system: fact, hops });
                }
            }
            Class::Account if fact != seed => self.accounts += 1,
            Class::Mailbox if fact != seed => self.mailboxes += 1,
            _ => {}
        }
    }

    /// Ranks the systems and proves the worst one.
    pub(super) fn answer(
        mut self,
        question: &Question<'_>,
        prove: impl FnOnce(Fact) -> Option<Proof>,
    ) -> Answer {
        self.unlocks.sort_unstable_by_key(|unlocked| {
            let at = unlocked.system.index();
            (question.severity[at], unlocked.hops, question.place[at])
        });
        let worst = self.unlocks.first().map(|worst| worst.system);
        Answer {
            accounts: self.accounts,
            mailboxes: self.mailboxes,
            fall: worst.map(|worst| {
                Box::new(Fall {
                    proof: prove(worst),
                    unlocks: self.unlocks.into(),
                })
            }),
        }
    }
}
