//! Accepted risks: what somebody has decided to live with, why, and until when.

use crate::diag::{Code, Origin};

/// An accepted risk. What it names must all hold of what it is applied to.
#[derive(Clone, Debug)]
pub struct Waiver {
    /// The code of a finding.
    pub finding: Option<Code>,
    /// The key of a row that the finding rests on.
    pub row: Option<String>,
    /// Whose chain is accepted, as written; several are accepted as a set that acts together.
    pub identities: Vec<String>,
    /// The system at its end, as written; any when there is none.
    pub system: Option<String>,
    /// Why.
    pub why: String,
    /// Who has decided it.
    pub who: String,
    /// Until when it is in force, in seconds since 1970 (UTC): from then on it is not.
    pub until: i64,
    /// The same as written.
    pub until_text: String,
    /// Where it stands.
    pub origin: Origin,
}

impl Waiver {
    /// What it is about, in a few words.
    #[must_use]
    pub fn about(&self) -> String {
        let who = (!self.identities.is_empty()).then(|| self.identities.join(" + "));
        let parts = [
            self.finding.map(|code| code.word().to_owned()),
            self.row.clone(),
            who,
            self.system.clone(),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.join(", ")
    }
}
