//! Groups and roles: who holds what by which, and the roles that take every account.

use super::Realm;
use crate::ingest::import::record::Record;
use crate::ingest::import::table::{From, Maker};
use crate::model::Table;

impl Realm<'_> {
    pub(super) fn group(&self, path: &str) -> String {
        format!("group:{} @ {}", path.replace(';', ","), self.name)
    }

    pub(super) fn role(&self, client: &str, role: &str) -> String {
        let role = role.replace(';', ",");
        if client.is_empty() {
            self.made(&format!("role {role}"))
        } else {
            self.made(&format!("role {client}/{role}"))
        }
    }

    pub(super) fn holds(
        &self,
        from: From<'_>,
        holder: &str,
        client: &str,
        role: &str,
        maker: &mut Maker<'_>,
    ) {
        let role = self.role(client, role);
        self.held.borrow_mut().insert(role.clone());
        maker.member(from, holder, &role);
    }

    /// Members of a group have its roles and those of the groups above it.
    pub(super) fn groups(&self, groups: &[Record<'_>], above: Option<&str>, maker: &mut Maker<'_>) {
        for group in groups {
            let path = match (group.text("path"), above) {
                (path, _) if !path.is_empty() => path,
                (_, above) => format!("{}/{}", above.unwrap_or_default(), group.text("name")),
            };
            let name = self.group(&path);
            let id = group.text("id");
            let from = From {
                origin: group.origin,
                object: &id,
            };
            if let Some(above) = above {
                let above = self.group(above);
                maker.member(from, &name, &above);
            }
            for role in group.list("realmRoles") {
                self.holds(from, &name, "", &role, maker);
            }
            for (client, roles) in group.named_lists("clientRoles") {
                for role in roles {
                    self.holds(from, &name, &client, &role, maker);
                }
            }
            self.groups(&group.records("subGroups"), Some(&path), maker);
        }
    }

    /// A composite role is a member of the roles it is made of.
    pub(super) fn roles(&self, top: &Record<'_>, maker: &mut Maker<'_>) {
        let Some(roles) = top.record("roles") else {
            return;
        };
        let mut all: Vec<(String, Record<'_>)> = Vec::new();
        all.extend(
            roles
                .records("realm")
                .into_iter()
                .map(|role| (String::new(), role)),
        );
        if let Some(clients) = roles.record("client") {
            let names: Vec<String> = clients.keys().into_iter().map(str::to_owned).collect();
            for client in names {
                let of = clients.records(&client).into_iter();
                all.extend(of.map(|role| (client.clone(), role)));
            }
        }
        for (client, role) in all {
            let name = self.role(&client, &role.text("name"));
            let id = role.text("id");
            let from = From {
                origin: role.origin,
                object: &id,
            };
            let Some(parts) = role.record("composites") else {
                continue;
            };
            for part in parts.list("realm") {
                self.holds(from, &name, "", &part, maker);
            }
            for (client, parts) in parts.named_lists("client") {
                for part in parts {
                    self.holds(from, &name, &client, &part, maker);
                }
            }
        }
    }

    /// Roles that take every account of the realm: its own, and those of the realm `master` for it.
    pub(super) fn powers(&self, master: &Self, maker: &mut Maker<'_>) {
        let whole = self.whole();
        let accounts = self.made("all accounts");
        let system = format!("system:Keycloak realm {}", self.name);
        let of_master = format!("{}-realm", self.name);
        let criticality = if self.name == "master" { "0" } else { "1" };
        let row = [
            ("id", &*system),
            ("name", system.trim_start_matches("system:")),
            ("criticality", criticality),
        ];
        maker.row(Table::Systems, whole, &row);
        for (realm, client) in [(self, "realm-management"), (master, &*of_master)] {
            for (role, name) in [
                (
                    "manage-users",
                    "manage-users sets passwords and removes factors",
                ),
                ("impersonation", "impersonation of users"),
            ] {
                let source = realm.role(client, role);
                if !realm.held.borrow().contains(&source) {
                    continue;
                }
                let process = self.process(role, name, maker);
                maker.admin_reset(whole, [&source, &accounts], "account", &process);
            }
            for role in ["realm-admin", "manage-realm"] {
                realm.grant(client, role, &system, maker);
            }
        }
        if master.name == "master" {
            master.grant("", "admin", &system, maker);
        }
        let process = self.process("realm", "control of the realm", maker);
        maker.admin_reset(whole, [&system, &accounts], "account", &process);
    }

    fn grant(&self, client: &str, role: &str, system: &str, maker: &mut Maker<'_>) {
        let principal = self.role(client, role);
        if self.held.borrow().contains(&principal) {
            let row = [
                ("principal", &*principal),
                ("system", system),
                ("role", role),
            ];
            maker.row(Table::Grants, self.whole(), &row);
        }
    }
}
