//! What an export could not show, and what is taken for it. Importers write the worst case as rows;
//! the scope of an unknown aspect names them, so that the best case can leave them out again:
//!
//! | scope | rows | at best |
//! |---|---|---|
//! | `process:ID` | recoveries of this process | there are none |
//! | `group:NAME` | accounts in this group whose factors are not known | each has a factor that nobody holds |

use rustc_hash::FxHashSet;

use super::members::Members;
use crate::model::{AssetId, Kind, Organisation, ProcessId, fold};

/// What is taken for what an export could not show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unknown {
    /// What helps the attacker.
    #[default]
    Worst,
    /// What does not.
    Best,
}

impl Unknown {
    /// As it is typed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Worst => "worst",
            Self::Best => "best",
        }
    }
}

/// The rows that stand for something unknown; none when the worst is assumed.
#[derive(Default)]
pub(super) struct Unknowns {
    processes: FxHashSet<ProcessId>,
    accounts: FxHashSet<AssetId>,
}

impl Unknowns {
    pub(super) fn new(org: &Organisation, unknown: Unknown, members: &Members) -> Self {
        let mut unknowns = Self::default();
        if unknown == Unknown::Worst {
            return unknowns;
        }
        for coverage in org.coverage.iter().filter(|coverage| !coverage.known) {
            let Some((kind, name)) = coverage.scope.split_once(':') else {
                continue;
            };
            match kind {
                "process" => {
                    let key = fold(name);
                    let found = org
                        .processes
                        .iter()
                        .position(|process| *process.key == *key);
                    let found = found.map(|at| ProcessId(at as u32));
                    unknowns.processes.extend(found);
                }
                "group" => {
                    if let Some(group) = org.assets.find_spelled(Kind::Group, name) {
                        unknowns.accounts.extend(members.speaking().of(group));
                    }
                }
                _ => {}
            }
        }
        unknowns
    }

    /// Whether a recovery of this process is assumed away.
    pub(super) fn is_absent(&self, process: Option<ProcessId>) -> bool {
        process.is_some_and(|process| self.processes.contains(&process))
    }

    /// Whether an account is taken to have a factor that no row shows.
    pub(super) fn has_factor(&self, account: AssetId) -> bool {
        self.accounts.contains(&account)
    }
}
