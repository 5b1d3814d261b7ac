//! Directory roles: who holds them, what they control, whom they reset.
//!
//! Users are sorted into classes by who may reset them, so that the matrix costs a row per role and
//! class instead of one per role and user.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::rows::{Writer, short, unit_of};
use super::tenant::{Assignment, Link};
use crate::ingest::import::table::From;
use crate::model::Table;

impl Writer<'_, '_> {
    /// The group of the holders of a role over a scope.
    pub fn role_group(&self, role: &str, scope: &str) -> String {
        match self.scope_name(scope) {
            None => self.made(&format!("role {role}")),
            Some(scope) => self.made(&format!("role {role} over {scope}")),
        }
    }

    /// Where a role is assigned over a scope, for what follows from it.
    fn of_role(&self, role: &str, scope: &str) -> From<'static> {
        let assigned = self
            .tenant
            .assignments
            .iter()
            .find(|one| scope_of(one) == scope && self.role_name(&one.role) == role);
        From {
            origin: assigned.map_or_else(|| self.whole().origin, |one| one.from),
            object: "",
        }
    }

    /// What a scope is called; nothing for the tenant.
    fn scope_name(&self, scope: &str) -> Option<String> {
        if scope.is_empty() || scope == "/" {
            return None;
        }
        if let Some(unit) = unit_of(scope) {
            let known = self.tenant.units.get(&unit).map(|known| &*known.name);
            let Some(name) = known.filter(|name| !name.is_empty()) else {
                return Some(format!("unit {unit}"));
            };
            let units = self.tenant.units.values();
            let same = units.filter(|other| other.name.eq_ignore_ascii_case(name));
            let name = name.replace(';', ",");
            // Units may have the same name.
            let is_unique = same.count() == 1;
            return Some(if is_unique {
                format!("unit {name}")
            } else {
                format!("unit {name} ({unit})")
            });
        }
        Some(short(&self.principal(scope.trim_start_matches('/'))).to_owned())
    }

    /// Holders of roles, and the systems that roles are.
    pub(super) fn roles(&mut self) {
        let tenant = self.tenant;
        let mut held: BTreeSet<(String, String)> = BTreeSet::new();
        for assignment in &tenant.assignments {
            let role = self.role_name(&assignment.role);
            let group = self.role_group(&role, &assignment.scope);
            let holder = self.principal(&assignment.principal);
            self.membership(&as_link(assignment), &holder, &group);
            held.insert((role, scope_of(assignment)));
        }
        let applies = tenant.permissions.iter().any(|link| !link.of.is_empty());
        if tenant.assignments.is_empty() && !applies {
            return;
        }
        let system = format!("system:Entra tenant {}", self.label);
        let whole = self.whole();
        // A role that nobody holds can still be assigned by an application.
        held.insert(("Global Administrator".to_owned(), "/".to_owned()));
        for (role, scope) in &held {
            if scope != "/" {
                continue;
            }
            let Some((criticality, is_tenant)) = self
                .matrix
                .role(role)
                .and_then(|known| Some((known.criticality?, known.tenant)))
            else {
                continue;
            };
            let system = if is_tenant {
                system.clone()
            } else {
                format!("system:{role} of {}", self.label)
            };
            let group = self.role_group(role, "/");
            let from = self.of_role(role, "/");
            self.maker.row(
                Table::Systems,
                whole,
                &[
                    ("id", &system),
                    ("name", short(&system)),
                    ("criticality", &criticality.to_string()),
                ],
            );
            self.maker.row(
                Table::Grants,
                from,
                &[("principal", &group), ("system", &system), ("role", role)],
            );
        }
        // Control of the tenant takes every account of it.
        let process = self.process("tenant", "control of the tenant");
        let accounts = self.made("all accounts");
        self.maker
            .admin_reset(whole, [&system, &accounts], "account", &process);
        for (role, scope) in held {
            self.powers(&role, &scope);
        }
    }

    /// What holders of a role do beside resetting.
    fn powers(&mut self, role: &str, scope: &str) {
        let Some(known) = self.matrix.role(role) else {
            return;
        };
        let (assigns, applications, mailboxes) = (
            known.assigns && !known.tenant,
            known.applications,
            known.mailboxes,
        );
        let (holders, from) = (self.role_group(role, scope), self.of_role(role, scope));
        if assigns && scope == "/" {
            let process = self.process("assign-role", "assignment of roles");
            let target = self.role_group("Global Administrator", "/");
            self.maker
                .admin_reset(from, [&holders, &target], "membership", &process);
        }
        let has_applications = self
            .tenant
            .applications
            .values()
            .any(|one| one.is_principal);
        if applications && scope == "/" && has_applications {
            let process = self.process("application-credential", "credentials of applications");
            let target = self.made("all applications");
            self.maker
                .admin_reset(from, [&holders, &target], "account", &process);
        }
        if mailboxes && scope == "/" {
            self.all_mailboxes(&holders, from);
        }
    }

    /// Whom each role resets, by the matrix and within its scope.
    pub(super) fn resets(&mut self) {
        let tenant = self.tenant;
        let mut scopes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for assignment in &tenant.assignments {
            let role = self.role_name(&assignment.role);
            let own = tenant.roles.get(&assignment.role.to_lowercase());
            // Control of the tenant is a recovery of every account already.
            let scope = scope_of(assignment);
            let is_tenant = scope == "/" && self.matrix.role(&role).is_some_and(|role| role.tenant);
            if is_tenant {
                let source = self.role_group(&role, &scope);
                let keys: Vec<String> = tenant.users.keys().cloned().collect();
                self.write_back(&keys, &source);
                continue;
            }
            let resets = self
                .matrix
                .role(&role)
                .is_some_and(|role| role.resets.is_some());
            if resets || own.is_some_and(|own| own.resets) {
                scopes.entry(scope_of(assignment)).or_default().insert(role);
            }
        }
        let mut in_unit: BTreeMap<String, Vec<&Link>> = BTreeMap::new();
        for link in &tenant.unit_members {
            in_unit
                .entry(link.of.to_lowercase())
                .or_default()
                .push(link);
        }
        let restricted: BTreeSet<String> = in_unit
            .iter()
            .filter(|(unit, _)| {
                tenant
                    .units
                    .get(*unit)
                    .is_some_and(|unit| unit.is_restricted)
            })
            .flat_map(|(_, links)| links.iter().map(|link| link.principal.to_lowercase()))
            .collect();
        for (scope, roles) in scopes {
            if scope == "/" {
                // Members of restricted units are out of reach of roles over the tenant.
                let keys: Vec<String> = tenant.users.keys().cloned().collect();
                let keys = keys
                    .into_iter()
                    .filter(|key| !restricted.contains(key))
                    .collect();
                self.resets_among(&roles, &scope, keys, "");
            } else if let Some(unit) = unit_of(&scope) {
                let Some(members) = in_unit.get(&unit) else {
                    self.unknown_unit(&roles, &scope, &restricted);
                    continue;
                };
                let keys = members.iter().map(|link| link.principal.to_lowercase());
                let keys = keys.filter(|key| tenant.users.contains_key(key)).collect();
                let of = format!(" of {}", self.scope_name(&scope).unwrap_or_default());
                self.resets_among(&roles, &scope, keys, &of);
            } else {
                let key = scope.trim_start_matches('/').to_lowercase();
                if tenant.users.contains_key(&key) {
                    let of = format!(" of {}", self.scope_name(&scope).unwrap_or_default());
                    self.resets_among(&roles, &scope, vec![key], &of);
                } else {
                    self.maker
                        .leave_out("roles over single groups, applications and devices");
                }
            }
        }
    }

    /// The members of a unit are not in the export: at worst it holds everybody.
    fn unknown_unit(
        &mut self,
        roles: &BTreeSet<String>,
        scope: &str,
        restricted: &BTreeSet<String>,
    ) {
        let process = self.process(
            "unit-members",
            "resets in units whose members are not known",
        );
        let detail = format!(
            "the members of {} are not in the export: its administrators are taken to reset everybody they may; export /directory/administrativeUnits/ID/members",
            self.scope_name(scope).unwrap_or_default()
        );
        let scope_cell = format!("process:{process}");
        let from = self.whole();
        let cells = [
            self.source,
            &*scope_cell,
            "unit_members",
            "unknown",
            &*detail,
        ];
        self.maker.coverage(from, cells);
        let keys = self.tenant.users.keys();
        let keys = keys.filter(|key| !restricted.contains(*key)).cloned();
        self.resets_of(roles, scope, keys.collect(), "", Some(&process));
    }

    fn resets_among(&mut self, roles: &BTreeSet<String>, scope: &str, keys: Vec<String>, of: &str) {
        self.resets_of(roles, scope, keys, of, None);
    }

    fn resets_of(
        &mut self,
        roles: &BTreeSet<String>,
        scope: &str,
        keys: Vec<String>,
        of: &str,
        process: Option<&str>,
    ) {
        let tenant = self.tenant;
        // Who resets whom, by the roles that may.
        let mut classes: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
        let unprotected = super::matrix::Protection::default();
        let keys: BTreeSet<String> = keys.into_iter().collect();
        for key in keys {
            // The password of a guest is kept where it comes from.
            if tenant.users.get(&key).is_none_or(|user| user.is_guest) {
                continue;
            }
            let protection = self.protections.get(&key).unwrap_or(&unprotected);
            let may = |role: &&String| match self.matrix.role(role) {
                Some(known) => known.may_reset(protection),
                // A role of the tenant's own that resets passwords: users without a role.
                None => *protection == unprotected,
            };
            let by: Vec<String> = roles.iter().filter(may).cloned().collect();
            if !by.is_empty() {
                classes.entry(by).or_default().push(key);
            }
        }
        for (by, keys) in classes {
            let target = if keys.len() == tenant.users.len() {
                self.made("all accounts")
            } else {
                let class = self.made(&format!("users{of} whom {} may reset", by.join(", ")));
                for key in &keys {
                    let user = &tenant.users[key];
                    let (from, member) = (self.from(user), self.names[key].clone());
                    self.maker.member(from, &member, &class);
                }
                class
            };
            for role in &by {
                let methods = self.matrix.role(role).is_some_and(|known| known.methods);
                let restores = if methods { "account" } else { "password" };
                let source = self.role_group(role, scope);
                let id = format!("reset/{role}");
                let own = match process {
                    Some(process) => process.to_owned(),
                    None => self.process(&id, &format!("reset by {role}")),
                };
                let from = self.of_role(role, scope);
                self.maker
                    .admin_reset(from, [&source, &target], restores, &own);
                self.write_back(&keys, &source);
            }
        }
    }

    /// A password that is reset in the cloud is reset where the account comes from too, if it is
    /// written back.
    fn write_back(&mut self, keys: &[String], source: &str) {
        let tenant = self.tenant;
        let source: Rc<str> = source.into();
        for key in keys {
            let user = &tenant.users[key];
            if user.is_synchronised == Some(true) || !user.sid.is_empty() {
                let login = short(&self.names[key]);
                let resetters = &mut self.maker.keys.resetters;
                match resetters.get_mut(login) {
                    Some(known) => {
                        known.insert(Rc::clone(&source));
                    }
                    None => {
                        let own = BTreeSet::from([Rc::clone(&source)]);
                        resetters.insert(login.to_owned(), own);
                    }
                }
            }
        }
    }
}

fn scope_of(assignment: &Assignment) -> String {
    let scope = assignment.scope.trim();
    if scope.is_empty() {
        "/".to_owned()
    } else {
        scope.to_lowercase()
    }
}

fn as_link(assignment: &Assignment) -> Link {
    Link {
        from: assignment.from,
        principal: assignment.principal.clone(),
        of: assignment.role.clone(),
        is_eligible: assignment.is_eligible,
    }
}
