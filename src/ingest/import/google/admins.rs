//! Administrator roles: what each resets, within its organizational unit.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Import;
use crate::diag::{Code, Diagnostic};
use crate::ingest::import::table::From;
use crate::model::Table;

pub(super) const ROLES: &str = include_str!("../../../../data/systems/google.toml");

#[derive(Default, Deserialize)]
struct Roles {
    #[serde(default)]
    role: Vec<Known>,
}

#[derive(Deserialize)]
struct Known {
    name: String,
    title: String,
    criticality: Option<u8>,
    #[serde(default)]
    resets: bool,
    #[serde(default)]
    resets_everyone: bool,
}

impl Import<'_, '_> {
    pub(super) fn admins(&mut self) {
        let known: Roles = toml::from_str(ROLES).unwrap_or_else(|error| {
            let message = format!("the list of Google's roles is broken: {error}");
            self.maker.say(Diagnostic::new(Code::BadSyntax, message));
            Roles::default()
        });
        let domain = self.domain;
        let system = format!("system:Google Workspace {}", self.label);
        let super_group = self.made("role Super Admin");
        let mut has_super = false;
        for user in domain.users.values().filter(|user| user.is_super) {
            has_super = true;
            let (from, member) = (self.from(user), format!("identity:{}", user.email));
            self.maker.member(from, &member, &super_group);
        }
        let mut held: BTreeMap<(String, String), bool> = BTreeMap::new();
        for admin in &domain.admins {
            let named = known.role.iter().find(|known| known.name == admin.role);
            let title = named
                .map_or(&*admin.role, |known| &*known.title)
                .replace(';', ",");
            let is_super = named.is_some_and(|known| known.resets_everyone)
                || domain.supers.contains(&admin.role);
            let unit = if admin.is_scoped {
                admin.unit.clone()
            } else {
                String::new()
            };
            let group = if is_super {
                has_super = true;
                super_group.clone()
            } else if unit.is_empty() {
                self.made(&format!("role {title}"))
            } else {
                self.made(&format!("role {title} over {unit}"))
            };
            let kind = if admin.is_group { "group" } else { "identity" };
            let from = From {
                origin: admin.from,
                object: &admin.role_id,
            };
            let member = format!("{kind}:{}", admin.holder);
            self.maker.member(from, &member, &group);
            if is_super {
                continue;
            }
            let privileges = domain
                .privileges
                .get(&admin.role_id)
                .or_else(|| domain.privileges.get(&admin.role));
            let has = |wanted: &[&str]| {
                let mut all = privileges.into_iter().flatten();
                all.any(|privilege| wanted.contains(&&**privilege))
            };
            let is_own = named.is_none();
            let password = named.is_some_and(|known| known.resets)
                || (is_own
                    && has(&[
                        "USERS_RESET_PASSWORD",
                        "USERS_UPDATE",
                        "USERS_ALL",
                        "USER_SECURITY_ALL",
                    ]));
            let factors = is_own && has(&["USER_SECURITY_ALL"]);
            if is_own && privileges.is_none() {
                self.maker.leave_out(
                    "roles of the organisation's own whose privileges are not in the export",
                );
            }
            let criticality = named.map_or(Some(2), |known| known.criticality);
            if let Some(criticality) = criticality.filter(|_| unit.is_empty()) {
                let system = format!("system:{title} of {}", self.label);
                self.system(&system, &criticality.to_string(), &group, &title);
            }
            if password {
                let known = held.entry((group, unit)).or_default();
                *known |= factors;
            }
        }
        for ((group, unit), factors) in held {
            self.desk(&group, &unit, factors);
        }
        if has_super {
            self.system(&system, "0", &super_group, "Super Admin");
            let process = self.process("domain", "super administrators reset everybody");
            let everyone = self.made("all accounts");
            self.recovery(
                self.whole,
                &system,
                &everyone,
                "admin_reset",
                "account",
                &process,
            );
        }
    }

    pub(super) fn system(&mut self, system: &str, criticality: &str, group: &str, role: &str) {
        let name = system.trim_start_matches("system:");
        let row = [("id", system), ("name", name), ("criticality", criticality)];
        self.maker.row(Table::Systems, self.whole, &row);
        let row = [("principal", group), ("system", system), ("role", role)];
        self.maker.row(Table::Grants, self.whole, &row);
    }

    /// Whoever may reset passwords resets users who are no administrators, of the unit and those
    /// below it.
    pub(super) fn desk(&mut self, holders: &str, unit: &str, factors: bool) {
        let domain = self.domain;
        let target = if unit.is_empty() {
            self.made("users who are no administrators")
        } else {
            self.made(&format!("users of {unit} who are no administrators"))
        };
        for user in domain.users.values() {
            let below = unit == "/" || unit.is_empty() || {
                let rest = user.unit.strip_prefix(unit);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            if below && !self.is_admin(user) {
                let (from, member) = (self.from(user), format!("identity:{}", user.email));
                self.maker.member(from, &member, &target);
            }
        }
        let process = self.process("reset", "administrators reset passwords");
        let restores = if factors { "account" } else { "password" };
        self.recovery(
            self.whole,
            holders,
            &target,
            "admin_reset",
            restores,
            &process,
        );
    }
}
