//! Where published frameworks speak of what is found: one dated data file, for findings, violations,
//! processes, and for the steps of a chain.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::model::{IdentityKind, Word};

const FILE: &str = include_str!("../../data/frameworks/frameworks.toml");
/// The framework whose controls are techniques.
const ATTACK: &str = "attack";

/// The data file.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Frameworks {
    /// Frameworks with their versions.
    #[serde(rename(deserialize = "framework"))]
    pub frameworks: Vec<Framework>,
    /// What of them fits something.
    #[serde(rename(deserialize = "control"))]
    pub controls: Vec<Control>,
    /// Numbers that sources get wrong.
    pub misnumbered: Vec<Misnumbered>,
}

/// A framework.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Framework {
    /// What the data file calls it.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where its text is.
    pub source: String,
}

/// A control, section or technique of a framework.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// The framework, by its key.
    pub framework: String,
    /// Its number there.
    pub id: String,
    /// What it says.
    pub name: String,
    /// The words of what it fits.
    pub of: Vec<String>,
    /// The kinds of accounts that it is about; all when there are none.
    #[serde(default)]
    pub only: Vec<String>,
    /// What sources get wrong about its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A number that sources write for a control that has another one.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Misnumbered {
    /// What is written.
    pub written: String,
    /// The framework, by its key.
    pub framework: String,
    /// The correct number.
    pub is: String,
    /// Why.
    pub why: String,
}

/// The data file.
#[must_use]
pub fn frameworks() -> &'static Frameworks {
    static KNOWN: OnceLock<Frameworks> = OnceLock::new();
    // The file is part of the program; a test reads it.
    KNOWN.get_or_init(|| toml::from_str(FILE).unwrap_or_default())
}

impl Frameworks {
    /// The framework of a control.
    #[must_use]
    pub fn of(&self, control: &Control) -> Option<&Framework> {
        let mut all = self.frameworks.iter();
        all.find(|framework| framework.key == control.framework)
    }

    /// A control as it is cited: framework, version and number.
    #[must_use]
    pub fn cited(&self, control: &Control) -> String {
        match self.of(control) {
            Some(framework) if framework.key == "800-63B" => {
                format!("{}-{} {}", framework.name, framework.version, control.id)
            }
            Some(framework) => {
                // OWASP's numbers hold the year.
                let version = format!(" {}", framework.version);
                let version = match control.id.ends_with(&framework.version) {
                    true => "",
                    false => &version,
                };
                format!("{}{version} {}", framework.name, control.id)
            }
            None => control.id.clone(),
        }
    }
}

/// The controls that fit a word: of a finding, a violation or a process. Those that are about some kinds
/// of accounts fit where the account is known to be of such a kind.
pub fn controls(word: &str, kind: Option<IdentityKind>) -> impl Iterator<Item = &'static Control> {
    frameworks().controls.iter().filter(move |control| {
        control.framework != ATTACK
            && control.of.iter().any(|of| of == word)
            && (control.only.is_empty()
                || kind.is_some_and(|kind| control.only.iter().any(|only| only == kind.word())))
    })
}

/// The same, as they are cited.
#[must_use]
pub fn references(word: &str, kind: Option<IdentityKind>) -> Vec<String> {
    let cited = controls(word, kind).map(|control| frameworks().cited(control));
    cited.collect()
}

/// The technique of MITRE ATT&CK that fits a method of a recovery, or the relation that a row states.
#[must_use]
pub fn technique(how: &str) -> Option<&'static Control> {
    let mut all = frameworks().controls.iter();
    all.find(|control| control.framework == ATTACK && control.of.iter().any(|of| of == how))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::analyze::audit::Wrong;
    use crate::diag::Code;
    use crate::model::Method;

    #[test]
    fn every_method_has_a_technique() {
        for (word, _) in Method::WORDS {
            assert!(technique(word).is_some(), "{word}");
        }
        let swap = technique("carrier").map(|found| &*found.id);
        assert_eq!(swap, Some("T1451"));
        assert_eq!(technique("owner"), None);
    }

    #[test]
    fn every_word_is_known_and_every_violation_has_a_reference() {
        let known: Frameworks = toml::from_str(FILE).unwrap();
        for control in &known.controls {
            assert!(known.of(control).is_some(), "{}", control.id);
            for kind in &control.only {
                assert!(IdentityKind::parse(kind).is_some(), "{kind}");
            }
            for word in control.of.iter().filter(|_| control.framework != ATTACK) {
                let is_own = ["unlocks-critical", "no-owner", "owner-inside", "unmet"];
                let is_known = is_own.contains(&&**word)
                    || Code::parse(word).is_some()
                    || Wrong::parse(word).is_some();
                assert!(is_known, "{}: {word}", control.id);
            }
        }
        for (kind, word, _) in Wrong::ALL {
            assert!(!references(kind.word(), None).is_empty(), "{word}");
        }
        let ids: BTreeSet<&String> = known.controls.iter().map(|control| &control.id).collect();
        assert_eq!(ids.len(), known.controls.len(), "each once");
    }

    #[test]
    fn wrong_numbers_lead_to_right_ones() {
        let known = frameworks();
        for wrong in &known.misnumbered {
            let is =
                |control: &&Control| control.framework == wrong.framework && control.id == wrong.is;
            assert!(
                known.controls.iter().any(|control| is(&control)),
                "{}",
                wrong.written
            );
            let is_valid = known
                .controls
                .iter()
                .any(|control| control.id == wrong.written);
            assert!(!is_valid, "{}", wrong.written);
        }
    }

    #[test]
    fn what_is_about_services_is_not_said_of_people() {
        let cited = |kind| references("unlocks-critical", kind);
        assert_eq!(
            cited(None),
            ["NIST CSF 2.0 PR.AA-01", "NIST CSF 2.0 PR.AA-05"]
        );
        assert_eq!(cited(Some(IdentityKind::Human)), cited(None));
        assert!(
            cited(Some(IdentityKind::Service)).contains(&"OWASP NHI Top 10 NHI5:2025".to_owned())
        );
        assert!(
            cited(Some(IdentityKind::Workload)).contains(&"NIST AI RMF 1.0 GOVERN 2.3".to_owned())
        );
        assert!(references("open-signal", None).contains(&"NIST SP 800-63B-4 4.3".to_owned()));
    }
}
