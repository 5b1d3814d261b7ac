//! Techniques of MITRE ATT&CK for the steps of a chain, from a dated data file.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

const FILE: &str = include_str!("../../data/frameworks/attack.toml");

/// A technique.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Technique {
    /// `T1098.002`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The methods and relations that it fits.
    #[serde(skip_serializing)]
    of: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Techniques {
    technique: Vec<Technique>,
}

/// The technique that fits a method of a recovery, or the relation that a row states.
#[must_use]
pub fn technique(how: &str) -> Option<&'static Technique> {
    static KNOWN: OnceLock<Techniques> = OnceLock::new();
    // The file is part of the program; a test reads it.
    let known = KNOWN.get_or_init(|| toml::from_str(FILE).unwrap_or_default());
    let fits = |technique: &&Technique| technique.of.iter().any(|of| of == how);
    known.technique.iter().find(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Method, Word};

    #[test]
    fn every_method_has_a_technique() {
        for (word, _) in Method::WORDS {
            assert!(technique(word).is_some(), "{word}");
        }
        let swap = technique("carrier").map(|found| &*found.id);
        assert_eq!(swap, Some("T1451"));
        assert_eq!(technique("owner"), None);
    }
}
