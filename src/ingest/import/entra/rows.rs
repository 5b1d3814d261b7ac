//! From a tenant to tables: accounts, groups, applications. Who resets whom is in `resets`, what
//! people do themselves in `own`.

use std::collections::{BTreeMap, BTreeSet};

use super::matrix::{Matrix, Protection};
use super::tenant::{Link, Tenant, User};
use crate::diag::{Code, Diagnostic, Origin};
use crate::ingest::import::keys::{Key, Synchronised};
use crate::ingest::import::table::{From, Maker, own_id};
use crate::model::Table;

/// Writes a tenant.
pub(in crate::ingest) struct Writer<'a, 's> {
    pub maker: &'a mut Maker<'s>,
    pub tenant: &'a Tenant,
    pub matrix: Matrix,
    /// The importer, for coverage.
    pub source: &'static str,
    /// What the tenant is called.
    pub label: String,
    /// References of users, groups and service principals by object id.
    pub names: BTreeMap<String, String>,
    /// What protects each user, by key.
    pub protections: BTreeMap<String, Protection>,
}

impl<'a, 's> Writer<'a, 's> {
    pub fn new(tenant: &'a Tenant, source: &'static str, maker: &'a mut Maker<'s>) -> Self {
        let matrix = Matrix::load(maker);
        let mut writer = Self {
            maker,
            tenant,
            matrix,
            source,
            label: tenant.label(),
            names: BTreeMap::new(),
            protections: BTreeMap::new(),
        };
        writer.name_all();
        writer.protect();
        writer
    }

    /// Writes everything.
    pub fn write(mut self) {
        self.users();
        self.groups();
        self.roles();
        self.resets();
        self.applications();
        self.self_service();
        self.coverage();
    }

    /// Where to speak of the export as a whole.
    pub fn whole(&self) -> From<'static> {
        From {
            origin: self.tenant.origin.unwrap_or(Origin {
                file: crate::diag::FileId(0),
                start: 0,
                len: 0,
            }),
            object: "",
        }
    }

    /// A group that the importer makes.
    pub fn made(&self, what: &str) -> String {
        format!("group:{}: {what}", self.label)
    }

    fn name_all(&mut self) {
        let mut taken: BTreeSet<String> = BTreeSet::new();
        for (key, user) in &self.tenant.users {
            let login = if user.login.is_empty() {
                &user.id
            } else {
                &user.login
            };
            self.names.insert(key.clone(), format!("identity:{login}"));
        }
        for (key, group) in &self.tenant.groups {
            let name = if group.name.is_empty() {
                &group.id
            } else {
                &group.name
            };
            let mut full = format!("group:{} @ {}", name.replace(';', ","), self.label);
            // What begins as a group that is made here must not be taken for it.
            let is_feigned = name.to_lowercase().starts_with(&format!("{}:", self.label));
            if !taken.insert(full.to_lowercase()) || is_feigned {
                full = format!(
                    "group:{} ({}) @ {}",
                    name.replace(';', ","),
                    group.id,
                    self.label
                );
            }
            let keys = &mut *self.maker.keys;
            keys.add_group(Key::ObjectId, &group.id, &full);
            keys.add_group(Key::Sid, &group.sid, &full);
            keys.add_group(Key::Address, &group.mail, &full);
            keys.add_group(Key::Sam, &group.name, &full);
            self.names.insert(key.clone(), full);
        }
        for (key, application) in &self.tenant.applications {
            if application.is_principal {
                let id = &application.id;
                self.names.insert(key.clone(), format!("identity:{id}"));
            }
        }
    }

    /// The reference of a principal; one that the export does not hold is an account by its id.
    pub fn principal(&self, id: &str) -> String {
        let known = self.names.get(&id.to_lowercase()).cloned();
        known.unwrap_or_else(|| format!("identity:{}", id.to_lowercase()))
    }

    /// What protects each user: active roles, its own and those of its groups, and role-assignable
    /// groups.
    fn protect(&mut self) {
        let tenant = self.tenant;
        let mut up: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for link in tenant.members.iter().filter(|link| !link.is_eligible) {
            let groups = up.entry(link.principal.to_lowercase()).or_default();
            groups.insert(link.of.to_lowercase());
        }
        let mut roles: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut restricted: BTreeSet<String> = BTreeSet::new();
        for assignment in tenant.assignments.iter().filter(|one| !one.is_eligible) {
            let holder = assignment.principal.to_lowercase();
            let name = self.role_name(&assignment.role);
            if unit_of(&assignment.scope).is_some_and(|unit| {
                tenant
                    .units
                    .get(&unit)
                    .is_some_and(|unit| unit.is_restricted)
            }) {
                restricted.insert(holder.clone());
            }
            roles.entry(holder).or_default().insert(name);
        }
        let guarded = |group: &str| {
            let group = tenant.groups.get(group);
            group.is_some_and(|group| group.is_role_assignable)
        };
        let owners: BTreeSet<String> = tenant
            .owners
            .iter()
            .filter(|link| !link.is_eligible && guarded(&link.of.to_lowercase()))
            .map(|link| link.principal.to_lowercase())
            .collect();
        for (key, user) in &tenant.users {
            let mut protection = Protection::default();
            let mut above = vec![key.clone(), user.id.to_lowercase()];
            let mut seen: BTreeSet<String> = BTreeSet::new();
            while let Some(at) = above.pop() {
                if !seen.insert(at.clone()) {
                    continue;
                }
                if let Some(held) = roles.get(&at) {
                    protection.roles.extend(held.iter().cloned());
                }
                protection.is_guarded |=
                    guarded(&at) || owners.contains(&at) || restricted.contains(&at);
                above.extend(up.get(&at).into_iter().flatten().cloned());
            }
            if !protection.roles.is_empty() || protection.is_guarded {
                self.protections.insert(key.clone(), protection);
            }
        }
    }

    /// The name of a role by the id of its definition.
    pub fn role_name(&self, id: &str) -> String {
        let known = self.tenant.roles.get(&id.to_lowercase());
        let template = known.map_or(id, |known| &known.template);
        if let Some(role) = self.matrix.role(template).or_else(|| self.matrix.role(id)) {
            return role.name.clone();
        }
        match known.filter(|known| !known.name.is_empty()) {
            Some(known) => known.name.clone(),
            None => format!("role {}", id.to_lowercase()),
        }
    }

    fn users(&mut self) {
        let accounts = self.made("all accounts");
        let tenant = self.tenant;
        let domains: BTreeSet<String> = tenant
            .users
            .values()
            .filter_map(|user| Some(user.login.rsplit_once('@')?.1.to_lowercase()))
            .collect();
        for (key, user) in &tenant.users {
            let from = self.from(user);
            let reference = self.names[key].clone();
            let id = reference.trim_start_matches("identity:").to_owned();
            let is_admin = self
                .protections
                .get(key)
                .is_some_and(|protection| !protection.roles.is_empty());
            let kind = match (user.is_guest, is_admin) {
                (true, _) => "external",
                (_, true) => "admin",
                _ => "",
            };
            let native = if user.login.is_empty() { "" } else { &user.id };
            let manager = if user.manager.is_empty() {
                String::new()
            } else {
                self.principal(&user.manager)
            };
            let phones: Vec<String> = user
                .phones
                .iter()
                .map(|phone| format!("phone:{phone}"))
                .collect();
            let mails: Vec<String> = user
                .recovery_mail
                .iter()
                .map(|mail| format!("mailbox:{mail}"))
                .collect();
            self.maker.row(
                Table::Identities,
                from,
                &[
                    ("id", &own_id(&id)),
                    ("kind", kind),
                    ("name", &user.name),
                    (
                        "enabled",
                        if user.enabled == Some(false) {
                            "false"
                        } else {
                            ""
                        },
                    ),
                    ("owner", &manager),
                    ("department", &user.department),
                    ("aliases", native),
                    ("recovery_mailbox", &mails.join(";")),
                    ("recovery_phone", &phones.join(";")),
                ],
            );
            if user.contradicts {
                let message = format!(
                    "`{id}` is enabled in one description and not in another: it is taken as enabled"
                );
                self.maker.say(
                    Diagnostic::new(Code::SourceConflict, message)
                        .at(from.origin, "the first description")
                        .help("remove the older export"),
                );
            }
            for mail in &user.recovery_mail {
                let domain = mail
                    .rsplit_once('@')
                    .map(|(_, domain)| domain.to_lowercase());
                // What is not in a domain of the tenant is somebody's own.
                if !domain.is_some_and(|domain| domains.contains(&domain)) {
                    self.maker.personal(from, mail);
                }
            }
            self.join(user, &id, from);
            self.mailboxes(user, &reference, &domains);
            self.maker.member(from, &reference, &accounts);
            for factor in &user.factors {
                let from = From {
                    origin: factor.from.unwrap_or(from.origin),
                    object: &user.id,
                };
                self.maker.row(
                    Table::MfaBindings,
                    from,
                    &[
                        ("identity", &reference),
                        ("factor", factor.factor),
                        ("holder", &factor.holder),
                    ],
                );
            }
        }
    }

    pub fn from<'u>(&self, user: &'u User) -> From<'u> {
        From {
            origin: user.from.unwrap_or_else(|| self.whole().origin),
            object: &user.id,
        }
    }

    /// Notes the keys that other exports know the account by.
    fn join(&mut self, user: &User, id: &str, from: From<'_>) {
        let keys = &mut *self.maker.keys;
        keys.declare(id, self.source);
        keys.add(Key::ObjectId, &user.id, id);
        keys.add(Key::Login, &user.login, id);
        keys.add(Key::Address, &user.mail, id);
        for address in &user.proxies {
            keys.add(Key::Address, address, id);
        }
        let is_known = user.is_synchronised == Some(true) || !user.sid.is_empty();
        if is_known || (user.is_synchronised.is_none() && !user.is_guest) {
            let known = [
                (Key::Sid, &user.sid),
                (Key::ImmutableId, &user.immutable_id),
                (Key::Login, &user.login),
                (Key::Sam, &user.sam),
            ];
            let known = known.into_iter().filter(|(_, value)| !value.is_empty());
            let synchronised = Synchronised {
                identity: id.to_owned(),
                keys: known.map(|(key, value)| (key, value.clone())).collect(),
                origin: from.origin,
                object: user.id.clone(),
                is_known,
            };
            // A tenant that two exports describe has each account once.
            keys.synchronised
                .entry(id.to_owned())
                .or_insert(synchronised);
        }
    }

    fn mailboxes(&mut self, user: &User, reference: &str, domains: &BTreeSet<String>) {
        let from = self.from(user);
        if user.mail.is_empty() || user.mail.contains(';') {
            return;
        }
        let mailbox = format!("mailbox:{}", user.mail);
        let domain = user
            .mail
            .rsplit_once('@')
            .map(|(_, domain)| domain.to_lowercase());
        if user.is_guest && !domain.is_some_and(|domain| domains.contains(&domain)) {
            // A guest is recovered where it comes from: whoever reads that mailbox is the guest.
            self.maker.row(
                Table::Mailboxes,
                from,
                &[("id", &mailbox), ("kind", "personal")],
            );
            let process = self.process("guest-home", "recovery of guests where they come from");
            self.maker.row(
                Table::Recoveries,
                from,
                &[
                    ("source", &mailbox),
                    ("target", reference),
                    ("method", "email_link"),
                    ("restores", "account"),
                    ("process", &process),
                ],
            );
            return;
        }
        self.maker.row(
            Table::Mailboxes,
            from,
            &[("id", &mailbox), ("owner", reference)],
        );
        for address in &user.proxies {
            if !address.eq_ignore_ascii_case(&user.mail) && !address.contains(';') {
                let alias = format!("mailbox:{address}");
                self.maker.row(
                    Table::Mailboxes,
                    from,
                    &[("id", &alias), ("forwards_to", &mailbox)],
                );
            }
        }
    }

    fn groups(&mut self) {
        let tenant = self.tenant;
        for link in &tenant.members {
            let group = self.principal(&link.of);
            let member = self.principal(&link.principal);
            self.membership(link, &member, &group);
        }
        let process = self.process("group-owner", "owners of groups add members");
        for link in &tenant.owners {
            let owned = link.of.to_lowercase();
            let Some(group) = tenant.groups.get(&owned) else {
                continue;
            };
            if group.is_dynamic {
                self.maker.leave_out("owners of dynamic groups");
                continue;
            }
            let (owner, target) = (self.principal(&link.principal), self.principal(&owned));
            // An eligible owner is one after activation: the group of owners says so.
            let source = if link.is_eligible {
                let owners = self.made(&format!("owners of {}", short(&target)));
                self.membership(link, &owner, &owners);
                owners
            } else {
                owner
            };
            let from = From {
                origin: link.from,
                object: &group.id,
            };
            self.maker.row(
                Table::Recoveries,
                from,
                &[
                    ("source", &source),
                    ("target", &target),
                    ("method", "ownership"),
                    ("restores", "membership"),
                    ("process", &process),
                ],
            );
        }
        let dynamic = tenant.groups.values().filter(|group| group.is_dynamic);
        let count = dynamic.count() as u64;
        if count > 0 {
            self.maker
                .leave_out_several("rules of dynamic groups", count);
        }
    }

    pub fn membership(&mut self, link: &Link, member: &str, group: &str) {
        let from = From {
            origin: link.from,
            object: &link.of,
        };
        let access = if link.is_eligible { "eligible" } else { "" };
        self.maker.row(
            Table::Memberships,
            from,
            &[("member", member), ("group", group), ("access", access)],
        );
    }

    /// A process of this tenant.
    pub fn process(&mut self, id: &str, name: &str) -> String {
        let full = format!("entra/{}/{id}", self.label);
        let from = self.whole();
        self.maker
            .process(from, &full, &format!("Entra ID: {name}"));
        full
    }
}

/// A name without its kind.
pub(in crate::ingest) fn short(reference: &str) -> &str {
    reference
        .split_once(':')
        .map_or(reference, |(_, name)| name)
}

/// The administrative unit of a scope, in lower case.
pub(in crate::ingest) fn unit_of(scope: &str) -> Option<String> {
    let lower = scope.to_lowercase();
    lower
        .strip_prefix("/administrativeunits/")
        .map(str::to_owned)
}
