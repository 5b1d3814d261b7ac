//! The dated data file about Microsoft Entra ID: who may reset whom, what permissions give.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::diag::{Code, Diagnostic};
use crate::ingest::import::table::Maker;

pub(in crate::ingest) const BUILT_IN: &str = include_str!("../../../../data/entra/matrix.toml");

/// The reset matrix.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::ingest) struct Matrix {
    pub date: String,
    #[serde(rename = "role")]
    pub roles: Vec<Role>,
    #[serde(default, rename = "permission")]
    pub permissions: Vec<Permission>,
}

/// What a directory role can do.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::ingest) struct Role {
    pub id: String,
    pub name: String,
    pub criticality: Option<u8>,
    #[serde(default)]
    pub tenant: bool,
    pub resets: Option<Targets>,
    #[serde(default)]
    pub methods: bool,
    #[serde(default)]
    pub assigns: bool,
    #[serde(default)]
    pub applications: bool,
    #[serde(default)]
    pub mailboxes: bool,
    #[serde(default)]
    pub two_gate: bool,
}

/// Whom a role resets.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(in crate::ingest) enum Targets {
    /// `everyone`.
    Word(String),
    /// Users whose roles are all among these; users without a role always.
    Roles(BTreeSet<String>),
}

/// How an account is protected from being reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::ingest) struct Protection {
    /// Its active roles, by name.
    pub roles: BTreeSet<String>,
    /// Whether it is a member or owner of a role-assignable group, or holds a role over a restricted
    /// unit.
    pub is_guarded: bool,
}

impl Matrix {
    /// The built-in matrix, or the user's.
    pub fn load(maker: &mut Maker<'_>) -> Self {
        let own = maker.settings.get("entra.matrix").map(str::to_owned);
        let (name, text) = match &own {
            None => ("the built-in reset matrix", Ok(BUILT_IN.to_owned())),
            Some(path) => (&**path, std::fs::read_to_string(path)),
        };
        let parsed = text
            .map_err(|error| error.to_string())
            .and_then(|text| toml::from_str(&text).map_err(|error| error.to_string()));
        parsed.unwrap_or_else(|error| {
            maker.say(
                Diagnostic::new(
                    Code::UnreadableFile,
                    format!("{name} cannot be read: {error}"),
                )
                .help("`linchpin sources entra --data` prints the built-in one, to begin with"),
            );
            Self::default()
        })
    }

    /// The role with this template id or name.
    pub fn role(&self, id_or_name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| {
            role.id.eq_ignore_ascii_case(id_or_name) || role.name.eq_ignore_ascii_case(id_or_name)
        })
    }
}

impl Role {
    /// Whether a holder may reset the password of an account, by the published matrix.
    pub fn may_reset(&self, target: &Protection) -> bool {
        match &self.resets {
            None => false,
            Some(Targets::Word(word)) => word == "everyone",
            Some(Targets::Roles(roles)) => !target.is_guarded && target.roles.is_subset(roles),
        }
    }
}

/// An application permission of Microsoft Graph.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::ingest) struct Permission {
    pub id: String,
    pub name: String,
    /// What it gives: accounts, passwords, roles, applications, groups or mailboxes.
    pub gives: String,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    const READERS: [&str; 5] = [
        "Message Center Reader",
        "Reports Reader",
        "User Experience Success Manager",
        "Usage Summary Reports Reader",
        "Helpdesk Administrator",
    ];

    fn matrix() -> Matrix {
        toml::from_str(BUILT_IN).unwrap()
    }

    /// Every cell of the published matrix, written out by hand: rows are the target's role, columns
    /// Password, Helpdesk, Authentication, User, Privileged Authentication, Global Administrator.
    const CELLS: [(&str, [bool; 6]); 20] = [
        ("", [true, true, true, true, true, true]),
        (
            "Authentication Administrator",
            [false, false, true, false, true, true],
        ),
        ("Directory Readers", [true, true, true, true, true, true]),
        (
            "Global Administrator",
            [false, false, false, false, true, true],
        ),
        (
            "Groups Administrator",
            [false, false, false, true, true, true],
        ),
        ("Guest Inviter", [true, true, true, true, true, true]),
        (
            "Helpdesk Administrator",
            [false, true, false, true, true, true],
        ),
        (
            "Message Center Reader",
            [false, true, true, true, true, true],
        ),
        (
            "Password Administrator",
            [true, true, true, true, true, true],
        ),
        (
            "Privileged Authentication Administrator",
            [false, false, false, false, true, true],
        ),
        (
            "Privileged Role Administrator",
            [false, false, false, false, true, true],
        ),
        ("Reports Reader", [false, true, true, true, true, true]),
        (
            "User Administrator",
            [false, false, false, true, true, true],
        ),
        (
            "User Experience Success Manager",
            [false, true, true, true, true, true],
        ),
        (
            "Usage Summary Reports Reader",
            [false, true, true, true, true, true],
        ),
        (
            "Exchange Administrator",
            [false, false, false, false, true, true],
        ),
        (
            "Security Administrator",
            [false, false, false, false, true, true],
        ),
        ("Global Reader", [false, false, false, false, true, true]),
        (
            "Application Administrator",
            [false, false, false, false, true, true],
        ),
        (
            "a role of our own",
            [false, false, false, false, true, true],
        ),
    ];

    const COLUMNS: [&str; 6] = [
        "Password Administrator",
        "Helpdesk Administrator",
        "Authentication Administrator",
        "User Administrator",
        "Privileged Authentication Administrator",
        "Global Administrator",
    ];

    #[test]
    fn every_cell_of_the_published_matrix() {
        let matrix = matrix();
        for (target, cells) in CELLS {
            let roles = (!target.is_empty())
                .then(|| target.to_owned())
                .into_iter()
                .collect();
            let target = Protection {
                roles,
                is_guarded: false,
            };
            for (column, expected) in COLUMNS.into_iter().zip(cells) {
                let role = matrix.role(column).unwrap();
                assert_eq!(role.may_reset(&target), expected, "{column} of {target:?}");
            }
        }
    }

    #[test]
    fn one_role_outside_the_set_protects() {
        let matrix = matrix();
        for reader in READERS {
            let roles = [reader.to_owned(), "Security Administrator".to_owned()];
            let target = Protection {
                roles: roles.into_iter().collect(),
                is_guarded: false,
            };
            assert!(
                !matrix
                    .role("Helpdesk Administrator")
                    .unwrap()
                    .may_reset(&target)
            );
        }
    }

    #[test]
    fn role_assignable_groups_protect_from_all_but_the_two_highest() {
        let matrix = matrix();
        let target = Protection {
            roles: BTreeSet::new(),
            is_guarded: true,
        };
        let may = COLUMNS.map(|column| matrix.role(column).unwrap().may_reset(&target));
        assert_eq!(may, [false, false, false, false, true, true]);
    }

    #[test]
    fn who_resets_factors_beside_passwords() {
        let matrix = matrix();
        let methods = COLUMNS.map(|column| matrix.role(column).unwrap().methods);
        assert_eq!(methods, [false, false, true, false, true, true]);
        assert!(
            matrix
                .role("62e90394-69F5-4237-9190-012177145e10")
                .unwrap()
                .tenant
        );
        let names: BTreeSet<_> = matrix.roles.iter().map(|role| &role.id).collect();
        assert_eq!(names.len(), matrix.roles.len(), "an id twice");
    }

    #[test]
    fn names_in_the_sets_are_roles() {
        let matrix = matrix();
        for role in &matrix.roles {
            if let Some(Targets::Roles(names)) = &role.resets {
                for name in names {
                    assert!(matrix.role(name).is_some(), "{name}");
                }
            }
        }
    }
}
