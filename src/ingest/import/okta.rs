//! Okta: what its API answers, saved page by page. Files are bare arrays, so nothing in them says
//! whether a page is missing, and lists of members, factors and roles are named by their file.
//!
//! | in the export | becomes |
//! |---|---|
//! | user | identity, named by its login, its id an alias; its address a mailbox |
//! | active factor | MFA binding |
//! | group, role of a user or group | memberships, the role a system if the data file says so |
//! | administrators | recovery of the whole account: they reset the password and the factors |
//! | password policy and its rules | a gate per way through: one of the primary methods, and a step-up |

mod org;
mod roles;
mod rules;

use std::collections::BTreeSet;

use super::keys::{Key, Synchronised};
use super::table::{From, Maker, own_id};
use super::{Document, ExportFile, Form, Head, Importer};
use crate::diag::{Code, Diagnostic};
use crate::model::Table;
use org::{Org, User, id_in};

const SOURCE: &str = "okta";

/// The importer.
pub struct Okta;

const DOCUMENTS: &[Document] = &[
    Document {
        name: "users",
        obtain: "`curl -H \"Authorization: SSWS $TOKEN\" 'https://ORG.okta.com/api/v1/users?limit=200'`, every page by its Link header",
        yields: "accounts, mailboxes, second addresses",
    },
    Document {
        name: "factors",
        obtain: "/api/v1/users/ID/factors, one file per user or all in one array",
        yields: "second factors with their numbers and devices",
    },
    Document {
        name: "groups",
        obtain: "/api/v1/groups?limit=200",
        yields: "groups",
    },
    Document {
        name: "groupUsers",
        obtain: "/api/v1/groups/ID/users, one file per group with the id in its name",
        yields: "memberships",
    },
    Document {
        name: "roles",
        obtain: "/api/v1/users/ID/roles and /api/v1/groups/ID/roles with ?expand=targets/groups, one file each with the id in its name",
        yields: "administrators and the groups they are for",
    },
    Document {
        name: "customRoles",
        obtain: "/api/v1/iam/roles with the permissions of each",
        yields: "what roles of the organisation's own reset",
    },
    Document {
        name: "policies",
        obtain: "/api/v1/policies?type=PASSWORD",
        yields: "whose self-service reset follows which rules",
    },
    Document {
        name: "policyRules",
        obtain: "/api/v1/policies/ID/rules, one file per policy with the id in its name",
        yields: "what a self-service reset asks for",
    },
];

impl Importer for Okta {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn about(&self) -> &'static str {
        "Okta API export"
    }

    fn documents(&self) -> &'static [Document] {
        DOCUMENTS
    }

    fn data(&self) -> &'static [(&'static str, &'static str)] {
        &[("data/systems/okta.toml", roles::BUILT_IN)]
    }

    fn claims(&self, head: &Head<'_, '_>) -> Option<&'static str> {
        if head.form() != Form::Json {
            return None;
        }
        let first = head.first()?;
        let kind = first.text("type");
        if head.has(&["factorType", "provider"]) {
            return Some("factors");
        }
        if head.has(&["groupId", "users"]) {
            return Some("groupUsers");
        }
        if head.has(&["policyId", "rules"]) || (kind == "PASSWORD" && head.has(&["actions"])) {
            return Some("policyRules");
        }
        if kind == "PASSWORD" && head.has(&["settings", "conditions"]) {
            return Some("policies");
        }
        if head.has(&["label", "type", "assignmentType"])
            || head.has(&["roles", "userId"])
            || head.has(&["roles", "groupId"])
        {
            return Some("roles");
        }
        if head.has(&["id", "label", "permissions"]) {
            return Some("customRoles");
        }
        let profile = first.record("profile")?;
        if kind.ends_with("_GROUP") || kind == "BUILT_IN" {
            return Some("groups");
        }
        if head.has(&["id", "status"]) && profile.has("login") {
            return Some(if id_in(&head.name, "00g").is_some() {
                "groupUsers"
            } else {
                "users"
            });
        }
        None
    }

    fn import(&self, files: &[ExportFile<'_>], maker: &mut Maker<'_>) {
        let mut org = Org::default();
        // Users first: factors are named after their logins.
        let mut files: Vec<_> = files.iter().collect();
        files.sort_by_key(|file| file.document != "users");
        for file in files {
            let shape = file.read(self, maker);
            org.origin.get_or_insert(file.origin());
            org.seen.insert(file.document);
            for record in &shape.records {
                org.read(file, record, maker);
            }
        }
        let Some(origin) = org.origin else {
            return;
        };
        let mut seen = BTreeSet::new();
        let names = org.groups.values().map(|(_, name, _)| name);
        let shared_names = names.filter(|name| !seen.insert(*name)).cloned().collect();
        let mut import = Import {
            shared_names,
            label: org.label(),
            org: &org,
            maker,
            whole: From { origin, object: "" },
        };
        import.users();
        import.groups();
        import.roles();
        import.self_service();
        import.coverage();
    }
}

struct Import<'a, 's> {
    org: &'a Org,
    maker: &'a mut Maker<'s>,
    label: String,
    whole: From<'a>,
    /// Names that two groups have.
    shared_names: BTreeSet<String>,
}

impl<'a> Import<'a, '_> {
    fn made(&self, what: &str) -> String {
        format!("group:{}: {what}", self.label)
    }

    fn process(&mut self, id: &str, name: &str) -> String {
        let full = format!("okta/{}/{id}", self.label);
        self.maker
            .process(self.whole, &full, &format!("Okta: {name}"));
        full
    }

    fn reference(&self, user: &User) -> String {
        let name = if user.login.is_empty() {
            &user.id
        } else {
            &user.login
        };
        format!("identity:{name}")
    }

    /// A user or group by its id.
    fn principal(&self, id: &str) -> String {
        if let Some(user) = self.org.users.get(id) {
            return self.reference(user);
        }
        match self.org.groups.get(id) {
            Some((_, name, _)) => {
                // What begins as a group that is made here must not be taken for it.
                let is_feigned = name.to_lowercase().starts_with(&format!("{}:", self.label));
                let is_shared = self.shared_names.contains(name);
                let name = name.replace(';', ",");
                if is_shared || is_feigned {
                    format!("group:{name} ({id}) @ {}", self.label)
                } else {
                    format!("group:{name} @ {}", self.label)
                }
            }
            None if id.starts_with("00g") => format!("group:{id} @ {}", self.label),
            None => format!("identity:{id}"),
        }
    }

    fn from(&self, user: &'a User) -> From<'a> {
        From {
            origin: user.from.unwrap_or(self.whole.origin),
            object: &user.id,
        }
    }

    fn users(&mut self) {
        let everyone = self.made("all accounts");
        let admins: BTreeSet<&str> = self.org.roles.iter().map(|role| &*role.holder).collect();
        // After the mailboxes that have an owner: those are nobody's personal ones.
        let mut second = Vec::new();
        for (key, user) in &self.org.users {
            if user.id.is_empty() {
                self.maker
                    .leave_out("factors of users that are not in the export");
                continue;
            }
            let from = self.from(user);
            let reference = self.reference(user);
            let id = reference.trim_start_matches("identity:").to_owned();
            let is_enabled = !["DEPROVISIONED", "SUSPENDED", "STAGED"].contains(&&*user.status);
            let alias = if user.login.is_empty() { "" } else { &user.id };
            self.maker.row(
                Table::Identities,
                from,
                &[
                    ("id", &own_id(&id)),
                    ("kind", if admins.contains(&**key) { "admin" } else { "" }),
                    ("name", &user.name),
                    ("enabled", if is_enabled { "" } else { "false" }),
                    ("department", &user.department),
                    ("aliases", alias),
                ],
            );
            let keys = &mut *self.maker.keys;
            keys.declare(&id, SOURCE);
            keys.add(Key::ObjectId, &user.id, &id);
            keys.add(Key::Login, &user.login, &id);
            keys.add(Key::Address, &user.email, &id);
            if user.provider == "ACTIVE_DIRECTORY" {
                let synchronised = Synchronised {
                    identity: id.clone(),
                    keys: vec![
                        (Key::Login, user.login.clone()),
                        (Key::Address, user.email.clone()),
                    ],
                    origin: from.origin,
                    object: user.id.clone(),
                    is_known: true,
                };
                keys.synchronised.entry(id.clone()).or_insert(synchronised);
            }
            if !user.email.is_empty() && !user.email.contains(';') {
                let mailbox = format!("mailbox:{}", user.email);
                self.maker.row(
                    Table::Mailboxes,
                    from,
                    &[("id", &mailbox), ("owner", &reference)],
                );
            }
            second.push((from, &user.second_email));
            self.maker.member(from, &reference, &everyone);
            for factor in &user.factors {
                let from = From {
                    origin: factor.from,
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
        for (from, address) in second {
            self.maker.personal(from, address);
        }
    }

    fn groups(&mut self) {
        for (id, (_, name, _)) in &self.org.groups {
            let group = self.principal(id);
            self.maker.keys.add_group(Key::ObjectId, id, &group);
            self.maker.keys.add_group(Key::Sam, name, &group);
        }
        for (origin, member, group) in &self.org.members {
            let from = From {
                origin: *origin,
                object: group,
            };
            let member = self.principal(&member.to_lowercase());
            let group = if group.is_empty() {
                String::new()
            } else {
                self.principal(group)
            };
            if group.is_empty() {
                self.maker
                    .leave_out("members of groups that the file does not name");
                continue;
            }
            self.maker.member(from, &member, &group);
        }
        let everyone = self.made("all accounts");
        for (id, (origin, _, is_everyone)) in &self.org.groups {
            if *is_everyone && !self.org.members.iter().any(|(_, _, group)| group == id) {
                let from = From {
                    origin: *origin,
                    object: id,
                };
                let group = self.principal(id);
                self.maker.member(from, &everyone, &group);
            }
        }
    }

    fn coverage(&mut self) {
        let without = self.made("accounts whose factors are not in the export");
        let mut unknown = 0;
        for (key, user) in &self.org.users {
            if !self.org.with_factors.contains(key) && !user.id.is_empty() {
                unknown += 1;
                let member = self.reference(user);
                let from = self.from(user);
                self.maker.member(from, &member, &without);
            }
        }
        let (from, maker) = (self.whole, &mut *self.maker);
        if unknown > 0 {
            let detail = format!(
                "no factors of {unknown} accounts are in the export: they are taken to sign in with a password alone; export /users/ID/factors"
            );
            maker.coverage(from, [SOURCE, &*without, "mfa", "unknown", &*detail]);
        } else {
            maker.coverage(
                from,
                [SOURCE, "", "mfa", "known", "second factors as enrolled"],
            );
        }
        for (document, aspect, detail) in [
            (
                "roles",
                "roles",
                "no roles: administrators are not seen; export /users/ID/roles and /groups/ID/roles",
            ),
            (
                "groupUsers",
                "group_members",
                "no members of groups: policies and roles by group are not seen",
            ),
        ] {
            if !self.org.seen.contains(document) {
                maker.coverage(from, [SOURCE, "", aspect, "unknown", detail]);
            }
        }
        let detail = "a page that is missing cannot be seen: the API says so outside the file; compare the number of users with the console's";
        maker.coverage(from, [SOURCE, "", "pages", "unknown", detail]);
        if self.org.users.len() == 200 {
            let message = "the export holds 200 users, which is where a page of Okta ends";
            maker.say(
                Diagnostic::new(Code::ShortExport, message)
                    .in_file(from.origin.file)
                    .help("follow the Link header until there is no next page"),
            );
        }
    }
}
