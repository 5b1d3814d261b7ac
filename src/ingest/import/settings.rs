//! What an export does not say and the user knows: `--set NAME=VALUE`.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// One thing that can be said.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name: the importer's, a dot, and what it is about.
    pub name: &'static str,
    /// The values it takes; empty for a path.
    pub values: &'static [&'static str],
    /// What it says.
    pub about: &'static str,
}

/// Every setting.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "entra.sspr",
        values: &["off", "1", "2"],
        about: "self-service password reset of users: off, or how many methods it asks for",
    },
    Setting {
        name: "entra.matrix",
        values: &[],
        about: "a file in place of the built-in reset matrix (data/entra/matrix.toml)",
    },
    Setting {
        name: "hybrid.writeback",
        values: &["on", "off"],
        about: "whether password changes in the cloud are written back to Active Directory",
    },
    Setting {
        name: "opengraph.edges",
        values: &[],
        about: "a file that says what further edge kinds give, as data/opengraph/edges.toml does",
    },
    Setting {
        name: "okta.helpdesk_resets_admins",
        values: &["on", "off"],
        about: "whether help-desk administrators reset holders of other administrator roles",
    },
    Setting {
        name: "google.user_recovery",
        values: &["on", "off"],
        about: "whether users recover their accounts themselves",
    },
    Setting {
        name: "google.superadmin_recovery",
        values: &["on", "off"],
        about: "whether super administrators recover their accounts themselves",
    },
    Setting {
        name: "bitwarden.recovery_resets_two_factor",
        values: &["on", "off"],
        about: "whether account recovery of an organisation also clears two-step login",
    },
];

/// What the user said.
#[derive(Clone, Debug, Default)]
pub struct Settings(BTreeMap<&'static str, String>);

impl Settings {
    /// Notes `NAME=VALUE`.
    ///
    /// # Errors
    /// When there is no such setting, or it does not take the value.
    pub fn set(&mut self, text: &str) -> Result<(), String> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| format!("`{text}` says no value; expected NAME=VALUE"))?;
        let name = name.trim();
        let Some(setting) = SETTINGS
            .iter()
            .find(|setting| setting.name.eq_ignore_ascii_case(name))
        else {
            let names = || SETTINGS.iter().map(|setting| setting.name);
            let hint = crate::diag::closest(name, names())
                .map(|close| format!("; did you mean `{close}`?"))
                .unwrap_or_else(|| {
                    format!("; known are {}", names().collect::<Vec<_>>().join(", "))
                });
            return Err(format!("no setting `{name}`{hint}"));
        };
        let value = value.trim();
        let known = setting
            .values
            .iter()
            .find(|known| known.eq_ignore_ascii_case(value));
        let value = match known {
            Some(known) => (*known).to_owned(),
            None if setting.values.is_empty() && !value.is_empty() => value.to_owned(),
            None => {
                return Err(format!(
                    "`{name}` is one of {}, not `{value}`",
                    setting.values.join(", ")
                ));
            }
        };
        self.0.insert(setting.name, value);
        Ok(())
    }

    /// What was said of a setting.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Yes or no, where it was said.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.get(name).map(|value| value == "on")
    }
}

/// A file or folder whose kind the user named.
#[derive(Clone, Debug)]
pub struct From {
    /// The position of the importer in [`super::IMPORTERS`].
    pub importer: usize,
    /// Where it lies.
    pub path: PathBuf,
}

impl std::str::FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, path) = text
            .split_once('=')
            .filter(|(_, path)| !path.is_empty())
            .ok_or_else(|| format!("`{text}` names no file; expected KIND=PATH"))?;
        let importer = super::by_name(kind.trim()).ok_or_else(|| {
            let names = super::IMPORTERS.iter().map(|importer| importer.name());
            format!(
                "no kind of export `{kind}`; known are {}",
                names.collect::<Vec<_>>().join(", ")
            )
        })?;
        Ok(Self {
            importer,
            path: path.into(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn settings_take_what_they_say_and_nothing_else() {
        let mut settings = Settings::default();
        settings.set("Entra.SSPR = 2").unwrap();
        assert_eq!(settings.get("entra.sspr"), Some("2"));
        settings.set("hybrid.writeback=OFF").unwrap();
        assert_eq!(settings.flag("hybrid.writeback"), Some(false));
        assert!(
            settings
                .set("entra.sspr=3")
                .unwrap_err()
                .contains("off, 1, 2")
        );
        assert!(
            settings
                .set("entra.ssp=1")
                .unwrap_err()
                .contains("did you mean")
        );
        assert!(settings.set("entra.sspr").is_err());
    }
}
