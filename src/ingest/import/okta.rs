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

mod roles;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use super::keys::{Key, Synchronised};
use super::record::Record;
use super::table::{From, Maker, own_id};
use super::{Document, ExportFile, Form, Head, Importer};
use crate::diag::{Code, Diagnostic, Origin};
use crate::model::Table;

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

/// A user.
#[derive(Default)]
struct User {
    from: Option<Origin>,
    id: String,
    login: String,
    name: String,
    department: String,
    email: String,
    second_email: String,
    status: String,
    provider: String,
    has_question: bool,
    factors: Vec<Factor>,
}

/// An active factor.
struct Factor {
    from: Origin,
    factor: &'static str,
    holder: String,
    /// The word that rules of policies use.
    method: &'static str,
}

/// A role of a user or group.
struct Role {
    from: Origin,
    holder: String,
    kind: String,
    label: String,
    custom: String,
    /// Ids of the groups it is for.
    targets: Vec<String>,
}

/// Everything that was read.
#[derive(Default)]
struct Org {
    origin: Option<Origin>,
    host: String,
    seen: BTreeSet<&'static str>,
    users: BTreeMap<String, User>,
    with_factors: BTreeSet<String>,
    groups: BTreeMap<String, (Origin, String, bool)>,
    members: Vec<(Origin, String, String)>,
    roles: Vec<Role>,
    custom: BTreeMap<String, (String, Vec<String>)>,
    policies: Vec<rules::Policy>,
    rules: Vec<rules::Rule>,
}

/// An id of Okta of this kind in a name or address.
fn id_in(text: &str, kind: &str) -> Option<String> {
    let lower = text.to_lowercase();
    lower
        .match_indices(kind)
        .filter_map(|(at, _)| text.get(at..at + 20))
        .find(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .map(str::to_owned)
}

/// Whom a record is about: a link in it, a field around it, the name of its file.
fn about(file: &ExportFile<'_>, record: &Record<'_>, kind: &str, fields: &[&str]) -> String {
    let said = record.any(fields);
    if !said.is_empty() {
        return said;
    }
    let links = record.record("_links");
    let hrefs = links.iter().flat_map(|links| {
        ["user", "assignee", "self"]
            .into_iter()
            .filter_map(|link| Some(links.record(link)?.text("href")))
    });
    hrefs
        .chain([file.name.clone()])
        .find_map(|text| id_in(&text, kind))
        .unwrap_or_default()
}

impl Org {
    fn label(&self) -> String {
        if self.host.is_empty() {
            "okta".to_owned()
        } else {
            self.host.clone()
        }
    }

    fn read(&mut self, file: &ExportFile<'_>, record: &Record<'_>, maker: &mut Maker<'_>) {
        self.note_host(record);
        match file.document {
            "users" => self.user(record),
            "groupUsers" => {
                let group = about(file, record, "00g", &["groupId"]);
                let group = if group.is_empty() {
                    id_in(&file.name, "00g").unwrap_or_default()
                } else {
                    group
                };
                let mut users = record.records("users");
                if users.is_empty() {
                    users.push(record.clone());
                }
                for user in users {
                    self.user(&user);
                    self.members
                        .push((user.origin, user.text("id"), group.to_lowercase()));
                }
            }
            "factors" => self.factor(file, record, maker),
            "groups" => {
                let name = record.record("profile").map(|profile| profile.text("name"));
                let is_everyone = record.text("type") == "BUILT_IN";
                let group = (record.origin, name.unwrap_or_default(), is_everyone);
                self.groups.insert(record.text("id").to_lowercase(), group);
            }
            "roles" => self.role(file, record),
            "customRoles" => {
                let mut permissions = record.list("permissions");
                permissions.extend(
                    record
                        .records("permissions")
                        .iter()
                        .map(|one| one.text("label")),
                );
                let role = (record.text("label"), permissions);
                self.custom.insert(record.text("id").to_lowercase(), role);
            }
            "policies" => self.policies.push(rules::policy(record)),
            _ => {
                let policy = about(file, record, "00p", &["policyId"]);
                let mut list = record.records("rules");
                if list.is_empty() {
                    list.push(record.clone());
                }
                self.rules
                    .extend(list.iter().map(|rule| rules::rule(rule, &policy)));
            }
        }
    }

    fn note_host(&mut self, record: &Record<'_>) {
        if self.host.is_empty()
            && let Some(links) = record.record("_links")
            && let Some(own) = links.record("self").or_else(|| links.record("user"))
            && let Some((_, rest)) = own.text("href").split_once("://")
        {
            self.host = rest.split('/').next().unwrap_or_default().to_lowercase();
        }
    }

    fn user(&mut self, record: &Record<'_>) {
        let id = record.text("id");
        let Some(profile) = record.record("profile").filter(|_| !id.is_empty()) else {
            return;
        };
        let user = self.users.entry(id.to_lowercase()).or_default();
        user.from.get_or_insert(record.origin);
        user.id = id;
        user.login = profile.text("login");
        user.email = profile.text("email");
        user.second_email = profile.text("secondEmail");
        user.department = profile.text("department");
        user.name = match profile.text("displayName") {
            name if name.is_empty() => {
                format!("{} {}", profile.text("firstName"), profile.text("lastName"))
            }
            name => name,
        };
        user.status = record.text("status");
        if let Some(credentials) = record.record("credentials") {
            // The question alone; answers are never in an answer of the API.
            user.has_question = credentials.has("recovery_question");
            if let Some(provider) = credentials.record("provider") {
                user.provider = provider.text("type");
            }
        }
    }

    fn factor(&mut self, file: &ExportFile<'_>, record: &Record<'_>, maker: &mut Maker<'_>) {
        let id = about(file, record, "00u", &["userId"]).to_lowercase();
        if id.is_empty() {
            maker.leave_out("factors of users that nothing names");
            return;
        }
        self.with_factors.insert(id.clone());
        if record.text("status") != "ACTIVE" {
            maker.leave_out("factors that are not active");
            return;
        }
        let user = self.users.entry(id.clone()).or_default();
        let name = if user.login.is_empty() {
            &id
        } else {
            &user.login
        };
        let profile = record.record("profile");
        let field = |names: &[&str]| {
            profile
                .as_ref()
                .map(|profile| profile.any(names))
                .unwrap_or_default()
                .replace(';', ",")
        };
        let device = |what: &str| match field(&["name", "deviceName", "authenticatorName"]) {
            label if label.is_empty() => format!("device:{what} of {name}"),
            label => format!("device:{label} of {name}"),
        };
        let phone = || format!("phone:{}", field(&["phoneNumber"]));
        let (factor, holder, method) = match record.text("factorType").as_str() {
            "sms" => ("sms", phone(), "sms"),
            "call" => ("voice", phone(), "voice"),
            "email" => (
                "email_otp",
                format!("mailbox:{}", field(&["email"])),
                "email",
            ),
            "push" => ("push", device("Okta Verify"), "push"),
            "signed_nonce" => ("passkey", device("Okta FastPass"), "signed_nonce"),
            "token:software:totp" => ("totp", device("authenticator app"), "otp"),
            "token" | "token:hardware" | "token:hotp" => ("totp", device("token"), "otp"),
            "u2f" | "webauthn" => ("fido2", device("security key"), "webauthn"),
            "question" => {
                user.has_question = true;
                return;
            }
            other => {
                maker.leave_out(format!("factors `{other}`"));
                return;
            }
        };
        // A factor without its number or address has a holder that nothing else names.
        let holder = match holder.as_str() {
            "phone:" | "mailbox:" => format!("{holder}{factor} of {name}"),
            _ => holder,
        };
        user.factors.push(Factor {
            from: record.origin,
            factor,
            holder,
            method,
        });
    }

    fn role(&mut self, file: &ExportFile<'_>, record: &Record<'_>) {
        let mut holder = about(file, record, "00u", &["userId", "groupId"]);
        if holder.is_empty() {
            holder = about(file, record, "00g", &[]);
        }
        let mut list = record.records("roles");
        if list.is_empty() {
            list.push(record.clone());
        }
        for role in list {
            // A role that a group gives is listed again with each of its members.
            if role.text("assignmentType") == "GROUP" && id_in(&holder, "00u").is_some() {
                continue;
            }
            if role.text("status") == "INACTIVE" {
                continue;
            }
            let targets = role
                .record("_embedded")
                .and_then(|embedded| embedded.record("targets"))
                .map(|targets| targets.records("groups"))
                .unwrap_or_default();
            self.roles.push(Role {
                from: role.origin,
                holder: holder.to_lowercase(),
                kind: role.text("type"),
                label: role.text("label"),
                custom: role.text("role").to_lowercase(),
                targets: targets
                    .iter()
                    .map(|group| group.text("id").to_lowercase())
                    .collect(),
            });
        }
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
        format!("group:{what} @ {}", self.label)
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
                let is_shared = self.shared_names.contains(name);
                let name = name.replace(';', ",");
                if is_shared {
                    self.made(&format!("{name} ({id})"))
                } else {
                    self.made(&name)
                }
            }
            None if id.starts_with("00g") => self.made(id),
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
            let member = [("member", &*reference), ("group", &*everyone)];
            self.maker.row(Table::Memberships, from, &member);
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
    }

    fn groups(&mut self) {
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
            self.maker.row(
                Table::Memberships,
                from,
                &[("member", &member), ("group", &group)],
            );
        }
        let everyone = self.made("all accounts");
        for (id, (origin, _, is_everyone)) in &self.org.groups {
            if *is_everyone && !self.org.members.iter().any(|(_, _, group)| group == id) {
                let from = From {
                    origin: *origin,
                    object: id,
                };
                let group = self.principal(id);
                let member = [("member", &*everyone), ("group", &*group)];
                self.maker.row(Table::Memberships, from, &member);
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
                let row = [("member", &*member), ("group", &*without)];
                self.maker.row(Table::Memberships, from, &row);
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
