//! What the attacker is given for free in a scenario.

use std::fmt;
use std::str::FromStr;

use super::Atlas;
use crate::model::{Kind, MailboxKind, Organisation, Proofing, Word, fold_name};
use crate::rules::Fact;

/// An assumption, as `--assume` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assumption {
    /// Every phone.
    SimSwap,
    /// The password of every enabled identity.
    PhishedPasswords,
    /// Every personal mailbox.
    MailboxBreach,
    /// Every security question is answered.
    PublicAnswers,
    /// Every desk of this proofing or weaker, or unknown, can be talked into it.
    WeakProofing(Proofing),
    /// One asset.
    Reference(Kind, String),
}

/// Why an assumption is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AssumptionError {
    /// Not a known word and not a reference with its kind.
    Unknown(String),
    /// A proofing level that does not exist.
    Level(String),
    /// A reference that the input does not name.
    Unnamed(String),
}

const WORDS: [&str; 5] = [
    "sim-swap",
    "phished-passwords",
    "mailbox-breach",
    "public-answers",
    "weak-proofing",
];

impl fmt::Display for AssumptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(text) => {
                write!(
                    f,
                    "`{text}` is no assumption; expected {}, or a reference with its kind such as `phone:+15550100`",
                    WORDS.join(", ")
                )?;
                match crate::diag::closest(text, WORDS) {
                    Some(close) => write!(f, "; did you mean `{close}`?"),
                    None => Ok(()),
                }
            }
            Self::Level(text) => {
                let levels: Vec<_> = Proofing::WORDS.iter().map(|(word, _)| *word).collect();
                write!(
                    f,
                    "`{text}` is no level of proofing; expected {}",
                    levels.join(", ")
                )
            }
            Self::Unnamed(text) => write!(
                f,
                "the input names no `{text}`; an assumption must name something it holds"
            ),
        }
    }
}

impl std::error::Error for AssumptionError {}

impl FromStr for Assumption {
    type Err = AssumptionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let folded = text.to_ascii_lowercase();
        if let Some(level) = folded.strip_prefix("weak-proofing") {
            return match level.strip_prefix(':') {
                None if level.is_empty() => Ok(Self::WeakProofing(Proofing::Knowledge)),
                Some(level) => Proofing::parse(level.trim())
                    .map(Self::WeakProofing)
                    .ok_or_else(|| AssumptionError::Level(level.to_owned())),
                None => Err(AssumptionError::Unknown(text.to_owned())),
            };
        }
        match folded.as_str() {
            "sim-swap" => Ok(Self::SimSwap),
            "phished-passwords" => Ok(Self::PhishedPasswords),
            "mailbox-breach" => Ok(Self::MailboxBreach),
            "public-answers" => Ok(Self::PublicAnswers),
            _ => match Kind::split(text) {
                Some((kind, name)) if !fold_name(kind, name).is_empty() => {
                    Ok(Self::Reference(kind, name.trim().to_owned()))
                }
                _ => Err(AssumptionError::Unknown(text.to_owned())),
            },
        }
    }
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SimSwap => f.write_str("sim-swap"),
            Self::PhishedPasswords => f.write_str("phished-passwords"),
            Self::MailboxBreach => f.write_str("mailbox-breach"),
            Self::PublicAnswers => f.write_str("public-answers"),
            Self::WeakProofing(level) => write!(f, "weak-proofing:{}", level.word()),
            Self::Reference(kind, name) => write!(f, "{}:{name}", kind.word()),
        }
    }
}

impl Assumption {
    /// Checks that the input names what a reference refers to.
    ///
    /// # Errors
    /// [`AssumptionError::Unnamed`] when it does not.
    pub fn check(&self, org: &Organisation) -> Result<(), AssumptionError> {
        match self {
            Self::Reference(kind, name) if org.assets.find_spelled(*kind, name).is_none() => {
                Err(AssumptionError::Unnamed(self.to_string()))
            }
            _ => Ok(()),
        }
    }
}

/// The facts that the assumptions give, apart from rows that they satisfy.
pub(super) fn facts(org: &Organisation, assumptions: &[Assumption], atlas: &Atlas) -> Vec<Fact> {
    let mut facts = Vec::new();
    for assumption in assumptions {
        match assumption {
            Assumption::SimSwap => {
                let phones = org
                    .assets
                    .iter()
                    .filter(|(_, asset)| asset.kind == Kind::Phone);
                facts.extend(phones.map(|(id, _)| atlas.fact(id)));
            }
            Assumption::PhishedPasswords => {
                let enabled = org
                    .identities
                    .iter()
                    .enumerate()
                    .filter(|(_, identity)| identity.enabled);
                facts.extend(enabled.map(|(at, _)| atlas.factors(at)[0]));
            }
            Assumption::MailboxBreach => {
                let personal = org
                    .mailboxes
                    .iter()
                    .filter(|mailbox| mailbox.kind == MailboxKind::Personal);
                facts.extend(personal.map(|mailbox| atlas.fact(mailbox.asset)));
            }
            Assumption::PublicAnswers | Assumption::WeakProofing(_) => {}
            Assumption::Reference(kind, name) => {
                let fact = org
                    .assets
                    .find_spelled(*kind, name)
                    .map(|asset| atlas.fact(asset));
                facts.extend(fact.filter(|&fact| !atlas.is_disabled_account(fact)));
            }
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assumptions_are_read_as_they_are_written() {
        for text in [
            "sim-swap",
            "weak-proofing:ial1",
            "device:Billing address",
            "identity:a:b",
        ] {
            assert_eq!(
                text.parse::<Assumption>()
                    .map(|found| found.to_string())
                    .as_deref(),
                Ok(text)
            );
        }
        assert_eq!(
            "Weak-Proofing".parse(),
            Ok(Assumption::WeakProofing(Proofing::Knowledge))
        );
        assert!("weak-proofing:strong".parse::<Assumption>().is_err());
        assert!(
            "sim-swop"
                .parse::<Assumption>()
                .is_err_and(|error| error.to_string().contains("did you mean `sim-swap`"))
        );
        assert!("phone:".parse::<Assumption>().is_err());
        assert!("alice".parse::<Assumption>().is_err());
    }
}
