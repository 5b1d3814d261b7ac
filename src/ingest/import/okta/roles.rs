//! Administrators of Okta: whom they reset. Unlike elsewhere a reset here is of the password and of
//! the factors, so it takes the whole account.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::org::Role;
use super::{Import, SOURCE};
use crate::diag::{Code, Diagnostic};
use crate::ingest::import::table::From;
use crate::model::Table;

pub(super) const BUILT_IN: &str = include_str!("../../../../data/systems/okta.toml");

#[derive(Default, Deserialize)]
struct Roles {
    #[serde(default)]
    role: Vec<Known>,
    #[serde(default)]
    permission: Vec<Permission>,
}

#[derive(Deserialize)]
struct Known {
    r#type: String,
    name: String,
    criticality: Option<u8>,
    #[serde(default)]
    org: bool,
    resets: Option<String>,
}

#[derive(Deserialize)]
struct Permission {
    name: String,
    restores: String,
}

impl Import<'_, '_> {
    pub(super) fn roles(&mut self) {
        let known: Roles = toml::from_str(BUILT_IN).unwrap_or_else(|error| {
            let message = format!("the list of Okta's roles is broken: {error}");
            self.maker.say(Diagnostic::new(Code::BadSyntax, message));
            Roles::default()
        });
        let org = self.org;
        let whole = self.whole;
        let system = format!("system:Okta organisation {}", self.label);
        let supers = self.made("role Super Administrator");
        let admins = self.made("administrators other than super administrators");
        let mut has_supers = false;
        let mut has_admins = false;
        let mut scoped: BTreeMap<(String, Vec<String>), &Role> = BTreeMap::new();
        for role in &org.roles {
            let holder = self.principal(&role.holder);
            let from = of(role);
            let name = role_name(&known, role);
            let group = self.role_group(&name, role);
            self.maker.member(from, &holder, &group);
            if role.kind == "SUPER_ADMIN" {
                has_supers = true;
            } else {
                has_admins = true;
                self.maker.member(from, &group, &admins);
            }
            scoped.entry((group, role.targets.clone())).or_insert(role);
        }
        let mut declared: BTreeSet<String> = BTreeSet::new();
        for ((group, _), role) in &scoped {
            let Some(known) = known.role.iter().find(|known| known.r#type == role.kind) else {
                continue;
            };
            let Some(criticality) = known.criticality else {
                continue;
            };
            let system = if known.org {
                system.clone()
            } else {
                format!("system:{} of {}", known.name, self.label)
            };
            if declared.insert(system.clone()) {
                let row = [
                    ("id", &*system),
                    ("name", system.trim_start_matches("system:")),
                    ("criticality", &criticality.to_string()),
                ];
                self.maker.row(Table::Systems, whole, &row);
            }
            let row = [
                ("principal", &**group),
                ("system", &*system),
                ("role", &*known.name),
            ];
            self.maker.row(Table::Grants, of(role), &row);
        }
        if has_supers {
            let everyone = self.made("all accounts");
            let process = self.process("organisation", "control of the organisation");
            self.reset(whole, &system, &everyone, "account", "", &process);
        }
        let supers = if has_supers { supers } else { String::new() };
        for ((group, targets), role) in &scoped {
            let named = known.role.iter().find(|known| known.r#type == role.kind);
            match named.and_then(|known| known.resets.as_deref()) {
                Some("everyone") => {}
                Some("not-super") => {
                    let everyone = self.made("all accounts");
                    let process = self.process(&format!("reset/{}", role.kind), &role.label);
                    self.reset(of(role), group, &everyone, "account", &supers, &process);
                }
                Some(_) => self.desk(
                    role,
                    group,
                    targets,
                    &supers,
                    has_admins.then_some(&*admins),
                ),
                None if role.kind == "CUSTOM" => self.custom(&known, role, group, &supers),
                None => {}
            }
        }
    }

    fn role_group(&self, name: &str, role: &Role) -> String {
        if role.targets.is_empty() {
            return self.made(&format!("role {name}"));
        }
        let targets: Vec<_> = role
            .targets
            .iter()
            .map(|id| {
                let group = self.principal(id);
                let name = group.trim_start_matches("group:");
                name.split(" @ ").next().unwrap_or(name).to_owned()
            })
            .collect();
        self.made(&format!("role {name} for {}", targets.join(", ")))
    }

    /// Help desks and group administrators: the users of their groups, no super administrator; other
    /// administrators too, unless the user says no.
    fn desk(
        &mut self,
        role: &Role,
        group: &str,
        targets: &[String],
        supers: &str,
        admins: Option<&str>,
    ) {
        let process = self.process(&format!("reset/{}", role.kind), &role.label);
        if !role.shows_targets {
            let detail = "the groups that help desks and group administrators are for are not in the export: they are taken to be for everybody; export roles with ?expand=targets/groups";
            let cells = [SOURCE, "", "role_targets", "unknown", detail];
            self.maker.coverage(of(role), cells);
        }
        let said = self.maker.settings.flag("okta.helpdesk_resets_admins");
        let all: Vec<String> = if targets.is_empty() {
            vec![self.made("all accounts")]
        } else {
            targets.iter().map(|id| self.principal(id)).collect()
        };
        let except: Vec<&str> = [supers, admins.unwrap_or_default()]
            .into_iter()
            .filter(|group| !group.is_empty())
            .collect();
        for target in &all {
            self.reset(
                of(role),
                group,
                target,
                "account",
                &except.join(";"),
                &process,
            );
        }
        let Some(admins) = admins.filter(|_| said != Some(false)) else {
            return;
        };
        let over = self.process(
            "helpdesk-over-administrators",
            "help desks reset other administrators",
        );
        if said.is_none() {
            let scope = format!("process:{over}");
            let detail = "whether help desks reset other administrators is not documented: they are taken to; `--set okta.helpdesk_resets_admins=on|off`";
            let cells = [
                SOURCE,
                &*scope,
                "helpdesk_over_administrators",
                "unknown",
                detail,
            ];
            self.maker.coverage(self.whole, cells);
        }
        // Of administrators, those that are in the groups it is for: all of them where it is for none.
        if targets.is_empty() {
            self.reset(of(role), group, admins, "account", supers, &over);
        } else {
            for target in &all {
                self.reset(of(role), group, target, "account", supers, &over);
            }
        }
    }

    /// Roles of the organisation's own, by their permissions; what they are for is not read, so they
    /// are taken to be for everybody.
    fn custom(&mut self, known: &Roles, role: &Role, group: &str, supers: &str) {
        let everyone = self.made("all accounts");
        let permissions = self
            .org
            .custom
            .get(&role.custom)
            .map(|(_, permissions)| permissions.clone());
        let Some(permissions) = permissions else {
            self.maker
                .leave_out("custom roles whose permissions are not in the export");
            return;
        };
        let scope = "which users a custom role is for is kept in its resource set, which is not read: it is taken to be for everybody";
        let mut said = false;
        for permission in permissions {
            let found = known.permission.iter().find(|one| one.name == permission);
            match found {
                Some(found) => {
                    if !std::mem::replace(&mut said, true) {
                        let cells = [SOURCE, "", "custom_role_scope", "unknown", scope];
                        self.maker.coverage(of(role), cells);
                    }
                    let process = self.process(&format!("permission/{permission}"), &permission);
                    self.reset(
                        of(role),
                        group,
                        &everyone,
                        &found.restores,
                        supers,
                        &process,
                    );
                }
                None if permission.contains("members")
                    || permission.contains("groupMembership") =>
                {
                    self.maker
                        .leave_out("permissions of custom roles to change members of groups");
                }
                None => self
                    .maker
                    .leave_out("permissions of custom roles that reset nothing"),
            }
        }
    }

    fn reset(
        &mut self,
        from: From<'_>,
        source: &str,
        target: &str,
        restores: &str,
        except: &str,
        process: &str,
    ) {
        self.maker.row(
            Table::Recoveries,
            from,
            &[
                ("source", source),
                ("target", target),
                ("method", "admin_reset"),
                ("restores", restores),
                ("except", except),
                ("process", process),
            ],
        );
    }
}

/// Where a role is given.
fn of(role: &Role) -> From<'_> {
    From {
        origin: role.from,
        object: &role.holder,
    }
}

fn role_name(known: &Roles, role: &Role) -> String {
    let known = known.role.iter().find(|known| known.r#type == role.kind);
    match known {
        Some(known) => known.name.clone(),
        None if role.label.is_empty() => role.kind.clone(),
        None => role.label.clone(),
    }
}
