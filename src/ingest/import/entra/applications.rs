//! Applications: their identities, who adds credentials to them, what their permissions take over.

use std::collections::BTreeMap;

use super::matrix::Permission;
use super::rows::Writer;
use super::tenant::Application;
use crate::ingest::import::table::{From, own_id};
use crate::model::Table;

impl Writer<'_, '_> {
    pub(super) fn applications(&mut self) {
        let tenant = self.tenant;
        let all = self.made("all applications");
        let mut principals: BTreeMap<String, Vec<&Application>> = BTreeMap::new();
        for application in tenant.applications.values() {
            if application.is_principal {
                let same = principals
                    .entry(application.app_id.to_lowercase())
                    .or_default();
                same.push(application);
            }
        }
        for application in tenant.applications.values().filter(|one| one.is_principal) {
            let from = From {
                origin: application.from.unwrap_or_else(|| self.whole().origin),
                object: &application.id,
            };
            let reference = self.principal(&application.id);
            self.maker.row(
                Table::Identities,
                from,
                &[
                    ("id", &own_id(&application.id)),
                    (
                        "kind",
                        if application.is_managed {
                            "workload"
                        } else {
                            "service"
                        },
                    ),
                    ("name", &application.name),
                    (
                        "enabled",
                        if application.enabled == Some(false) {
                            "false"
                        } else {
                            ""
                        },
                    ),
                ],
            );
            if !application.is_managed {
                self.maker.member(from, &reference, &all);
            }
        }
        let process = self.process(
            "application-owner",
            "owners add credentials to applications",
        );
        for link in &tenant.owners {
            let owned = link.of.to_lowercase();
            let Some(application) = tenant.applications.get(&owned) else {
                continue;
            };
            let owner = self.principal(&link.principal);
            let same_app = principals.get(&application.app_id.to_lowercase());
            let targets: Vec<String> = match same_app {
                Some(principals) if !application.app_id.is_empty() => {
                    principals.iter().map(|one| one.id.clone()).collect()
                }
                _ if application.is_principal => vec![application.id.clone()],
                _ => Vec::new(),
            };
            for target in targets {
                let from = From {
                    origin: link.from,
                    object: &application.id,
                };
                let target = self.principal(&target);
                self.maker.row(
                    Table::Recoveries,
                    from,
                    &[
                        ("source", &owner),
                        ("target", &target),
                        ("method", "ownership"),
                        ("restores", "account"),
                        ("process", &process),
                    ],
                );
            }
        }
        self.permissions(&all);
    }

    /// What application permissions take over.
    pub(super) fn permissions(&mut self, applications: &str) {
        let known: BTreeMap<String, Permission> = self
            .matrix
            .permissions
            .iter()
            .map(|one| (one.id.to_lowercase(), one.clone()))
            .collect();
        let accounts = self.made("all accounts");
        let groups = self.made("managers of all groups");
        let tenant = self.tenant;
        for link in &tenant.permissions {
            let Some(Permission { name, gives, .. }) = known.get(&link.of.to_lowercase()) else {
                self.maker
                    .leave_out("application permissions that take nothing over");
                continue;
            };
            if gives == "policy" {
                let name = format!("application permissions {name}");
                self.maker.leave_out(name);
                continue;
            }
            let holder = self.principal(&link.principal);
            let process =
                self.process(&format!("permission/{name}"), &format!("permission {name}"));
            let from = From {
                origin: link.from,
                object: &link.principal,
            };
            let (target, restores) = match gives.as_str() {
                "accounts" => (accounts.clone(), "account"),
                "passwords" => (accounts.clone(), "password"),
                "applications" => (applications.to_owned(), "account"),
                "roles" => (self.role_group("Global Administrator", "/"), "membership"),
                "groups" => {
                    self.groups_of_tenant(&groups, &holder, from, &process);
                    continue;
                }
                _ => {
                    self.all_mailboxes(&holder, from);
                    continue;
                }
            };
            self.maker
                .admin_reset(from, [&holder, &target], restores, &process);
        }
    }

    /// Whoever manages groups adds members to each that is not role-assignable.
    pub(super) fn groups_of_tenant(
        &mut self,
        all: &str,
        source: &str,
        from: From<'_>,
        process: &str,
    ) {
        // The managers are one group, so that this is linear in groups.
        self.maker.member(from, source, all);
        let tenant = self.tenant;
        for (key, group) in &tenant.groups {
            if group.is_role_assignable || group.is_dynamic {
                continue;
            }
            let target = self.names[key].clone();
            let from = From {
                origin: group.from.unwrap_or(from.origin),
                object: &group.id,
            };
            self.maker
                .admin_reset(from, [all, &target], "membership", process);
        }
    }

    /// Whoever reads every mailbox: one group, a delegate of each.
    pub(super) fn all_mailboxes(&mut self, source: &str, from: From<'_>) {
        let readers = self.made("readers of every mailbox");
        self.maker.member(from, source, &readers);
        let tenant = self.tenant;
        for user in tenant.users.values() {
            if user.mail.is_empty() || user.mail.contains(';') || user.is_guest {
                continue;
            }
            let from = self.from(user);
            self.maker.row(
                Table::Holdings,
                from,
                &[
                    ("holder", &readers),
                    ("asset", &format!("mailbox:{}", user.mail)),
                ],
            );
        }
    }
}
