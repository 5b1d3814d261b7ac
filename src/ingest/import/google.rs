//! Google Workspace: the CSV files of GAM, the admin console's list of users, the Directory API.
//!
//! | in the export | becomes |
//! |---|---|
//! | user | identity, named by its primary address; mailbox; aliases forwarded to it |
//! | two-step verification | MFA binding without a holder: the export does not say which factor |
//! | delegate, forward | delegate and forward of the mailbox |
//! | member, owner and manager of a group | membership, recovery that restores membership |
//! | administrator role, within its organizational unit | recovery of users who are no administrators |
//! | recovery address and phone | self-service recovery, where it is allowed |

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::keys::Key;
use super::record::Record;
use super::table::{From, Maker, own_id};
use super::{Document, ExportFile, Head, Importer};
use crate::diag::{Code, Diagnostic, Origin};
use crate::model::Table;

const SOURCE: &str = "google";
const ROLES: &str = include_str!("../../../data/systems/google.toml");

/// The importer.
pub struct Google;

const DOCUMENTS: &[Document] = &[
    Document {
        name: "users",
        obtain: "`gam redirect csv users.csv print users fields primaryemail,id,name,suspended,archived,isadmin,isdelegatedadmin,is2svenrolled,is2svenforced,recoveryemail,recoveryphone,ou,aliases`, or the admin console: Users, Download users",
        yields: "accounts, mailboxes, recovery addresses and phones",
    },
    Document {
        name: "admins",
        obtain: "`gam redirect csv admins.csv print admins`",
        yields: "administrator roles with their organizational unit",
    },
    Document {
        name: "adminRoles",
        obtain: "`gam redirect csv roles.csv print adminroles privileges`",
        yields: "what roles of the organisation's own reset",
    },
    Document {
        name: "delegates",
        obtain: "`gam redirect csv delegates.csv all users print delegates`",
        yields: "who reads whose mailbox",
    },
    Document {
        name: "forwards",
        obtain: "`gam redirect csv forwards.csv all users print forwards enabledonly`",
        yields: "where mail is forwarded",
    },
    Document {
        name: "groupMembers",
        obtain: "`gam redirect csv members.csv print group-members`",
        yields: "memberships, owners and managers of groups",
    },
    Document {
        name: "backupCodes",
        obtain: "`gam all users print backupcodes countsonly`",
        yields: "nothing; codes in it are not read",
    },
];

impl Importer for Google {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn about(&self) -> &'static str {
        "Google Workspace export (GAM, admin console, Directory API)"
    }

    fn documents(&self) -> &'static [Document] {
        DOCUMENTS
    }

    fn claims(&self, head: &Head<'_, '_>) -> Option<&'static str> {
        if head
            .top()
            .is_some_and(|top| top.text("kind") == "admin#directory#users")
            || head.has(&["primaryEmail", "isAdmin"])
            || head.has(&["primaryEmail", "orgUnitPath"])
            || head.has(&["primaryEmail", "suspended"])
            || head.has(&["primaryEmail", "JSON"])
            || head.has(&["emailAddress", "orgUnitPath", "status"])
        {
            return Some("users");
        }
        if head.has(&["roleAssignmentId", "role"]) {
            return Some("admins");
        }
        if head.has(&["roleId", "roleName"]) {
            return Some("adminRoles");
        }
        if head.has(&["User", "delegateAddress"]) {
            return Some("delegates");
        }
        if head.has(&["User", "forwardTo"]) {
            return Some("forwards");
        }
        if head.has(&["User", "verificationCodesCount"]) {
            return Some("backupCodes");
        }
        (head.has(&["group", "email", "type"]) || head.has(&["group", "email", "role"]))
            .then_some("groupMembers")
    }

    fn import(&self, files: &[ExportFile<'_>], maker: &mut Maker<'_>) {
        let mut domain = Domain::default();
        for file in files {
            domain.origin.get_or_insert(file.origin());
            domain.seen.insert(file.document);
            let shape = file.read(self, maker);
            for record in &shape.records {
                match file.document {
                    "users" if record.has("users") => {
                        for user in record.records("users") {
                            domain.user(&user);
                        }
                    }
                    "users" => domain.user(record),
                    "admins" => domain.admins.push(admin(record)),
                    "adminRoles" => domain.role(record),
                    "delegates" => domain.delegate(record, maker),
                    "forwards" if record.flag("forwardEnabled") != Some(false) => {
                        let to = (record.origin, record.text("forwardTo"));
                        domain
                            .forwards
                            .entry(record.text("User").to_lowercase())
                            .or_default()
                            .push(to);
                    }
                    "groupMembers" => domain.members.push(Member {
                        from: record.origin,
                        group: record.text("group"),
                        email: record.text("email"),
                        kind: record.text("type"),
                        role: record.text("role"),
                        is_nested: !record.text("subgroup").is_empty(),
                    }),
                    "backupCodes"
                        if !record.text("verificationCodes").is_empty()
                            && domain.seen.insert("live codes") =>
                    {
                        let message = format!(
                            "`{}` holds backup codes in use; they are not read",
                            file.name
                        );
                        maker.say(
                            Diagnostic::new(Code::LiveSecret, message)
                                .in_file(file.text.file)
                                .help("export them with `countsonly`, and delete this file"),
                        );
                    }
                    _ => {}
                }
            }
        }
        if let Some(origin) = domain.origin {
            let whole = From { origin, object: "" };
            let label = domain.label();
            let admins = domain
                .admins
                .iter()
                .map(|admin| admin.holder.to_lowercase());
            Import {
                admins: admins.collect(),
                domain: &domain,
                maker,
                whole,
                label,
            }
            .write();
        }
    }
}

#[derive(Default)]
struct User {
    from: Option<Origin>,
    id: String,
    email: String,
    name: String,
    department: String,
    unit: String,
    is_super: bool,
    is_admin: bool,
    enabled: bool,
    has_second_step: Option<bool>,
    recovery_email: String,
    recovery_phone: String,
    aliases: Vec<String>,
}

struct Admin {
    from: Origin,
    role: String,
    role_id: String,
    holder: String,
    is_group: bool,
    /// The path of the unit, or nothing for everybody.
    unit: String,
    is_scoped: bool,
}

struct Member {
    from: Origin,
    group: String,
    email: String,
    kind: String,
    role: String,
    /// Whether the row is of a nested group that `recursive` has expanded.
    is_nested: bool,
}

#[derive(Default)]
struct Domain {
    origin: Option<Origin>,
    seen: BTreeSet<&'static str>,
    users: BTreeMap<String, User>,
    admins: Vec<Admin>,
    /// Privileges of roles by id and by name.
    privileges: BTreeMap<String, Vec<String>>,
    supers: BTreeSet<String>,
    delegates: Vec<(Origin, String, String)>,
    forwards: BTreeMap<String, Vec<(Origin, String)>>,
    members: Vec<Member>,
}

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

fn admin(record: &Record<'_>) -> Admin {
    let user = record.any(&["assignedToUser", "assignedToServiceAccount"]);
    let group = record.text("assignedToGroup");
    let is_group = user.is_empty() && !group.is_empty();
    let holder = match (user.is_empty(), group.is_empty()) {
        (false, _) => user,
        (_, false) => group,
        _ => record.text("assignedTo"),
    };
    Admin {
        from: record.origin,
        role: record.text("role"),
        role_id: record.text("roleId"),
        holder,
        is_group,
        unit: record.any(&["orgUnit", "orgUnitPath"]),
        is_scoped: record.text("scopeType").eq_ignore_ascii_case("ORG_UNIT"),
    }
}

impl Domain {
    fn user(&mut self, record: &Record<'_>) {
        let email = record.any(&["primaryEmail", "emailAddress"]);
        if email.is_empty() {
            return;
        }
        let whole = record.text("JSON");
        let user = self.users.entry(email.to_lowercase()).or_default();
        user.from.get_or_insert(record.origin);
        user.email = email;
        if let Ok(serde_json::Value::Object(object)) = serde_json::from_str(&whole) {
            // `formatjson`: one cell holds the object.
            let text = |key: &str| match object.get(key) {
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(serde_json::Value::Bool(is)) => is.to_string(),
                _ => String::new(),
            };
            let is = |key: &str| text(key) == "true";
            user.id = text("id");
            user.unit = text("orgUnitPath");
            user.is_super = is("isAdmin");
            user.is_admin = is("isDelegatedAdmin");
            user.enabled = !is("suspended") && !is("archived");
            user.has_second_step = text("isEnrolledIn2Sv").parse().ok();
            user.recovery_email = text("recoveryEmail");
            user.recovery_phone = text("recoveryPhone");
            return;
        }
        let name = record.any(&["name.fullName", "fullName"]);
        user.name = match record.record("name") {
            Some(parts) if name.is_empty() => parts.text("fullName"),
            _ if name.is_empty() => {
                let parts = [record.text("firstName"), record.text("lastName")];
                parts.join(" ").trim().to_owned()
            }
            _ => name,
        };
        user.id = record.text("id");
        user.department = record.any(&["department", "organizations.0.department"]);
        user.unit = record.text("orgUnitPath");
        user.is_super = record.flag("isAdmin") == Some(true);
        user.is_admin = record.flag("isDelegatedAdmin") == Some(true);
        let status = record.text("status");
        user.enabled = record.flag("suspended") != Some(true)
            && record.flag("archived") != Some(true)
            && !status.eq_ignore_ascii_case("suspended")
            && !status.eq_ignore_ascii_case("archived");
        user.has_second_step = record.any_flag(&["isEnrolledIn2Sv", "2svEnrolled"]);
        user.recovery_email = record.text("recoveryEmail");
        user.recovery_phone = record.text("recoveryPhone");
        let numbered = (0..50).map(|at| record.text(&format!("aliases.{at}")));
        let joined: Vec<String> = record
            .list("aliases")
            .iter()
            .flat_map(|cell| {
                cell.split_whitespace()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
            .collect();
        user.aliases = numbered
            .take_while(|alias| !alias.is_empty())
            .chain(joined)
            .filter(|alias| alias.contains('@') && !alias.contains(';'))
            .collect();
    }

    fn role(&mut self, record: &Record<'_>) {
        let named = record.keys().into_iter().filter(|key| {
            let key = key.to_lowercase();
            key.starts_with("roleprivileges") && key.ends_with("privilegename")
        });
        let mut privileges: Vec<String> = named.map(|key| record.text(key)).collect();
        privileges.extend(
            record
                .records("rolePrivileges")
                .iter()
                .map(|one| one.text("privilegeName")),
        );
        privileges.retain(|privilege| !privilege.is_empty());
        let name = record.text("roleName");
        if record.flag("isSuperAdminRole") == Some(true) {
            self.supers.insert(name.clone());
        }
        for key in [record.text("roleId"), name] {
            self.privileges.insert(key, privileges.clone());
        }
    }

    fn delegate(&mut self, record: &Record<'_>, maker: &mut Maker<'_>) {
        let status = record.text("delegationStatus");
        if !status.is_empty() && !status.eq_ignore_ascii_case("accepted") {
            maker.leave_out("delegates who have not accepted");
            return;
        }
        self.delegates.push((
            record.origin,
            record.text("User"),
            record.text("delegateAddress"),
        ));
    }

    /// The domain that most addresses end in.
    fn label(&self) -> String {
        let mut domains: BTreeMap<&str, usize> = BTreeMap::new();
        for email in self.users.keys() {
            if let Some((_, domain)) = email.rsplit_once('@') {
                *domains.entry(domain).or_default() += 1;
            }
        }
        let most = domains
            .into_iter()
            .max_by(|one, two| one.1.cmp(&two.1).then_with(|| two.0.cmp(one.0)));
        most.map_or_else(|| SOURCE.to_owned(), |(domain, _)| domain.to_owned())
    }
}

struct Import<'a, 's> {
    domain: &'a Domain,
    maker: &'a mut Maker<'s>,
    whole: From<'a>,
    label: String,
    /// Addresses of holders of administrator roles, in lower case.
    admins: BTreeSet<String>,
}

impl<'a> Import<'a, '_> {
    fn write(&mut self) {
        self.users();
        self.members();
        self.admins();
        self.own();
        self.coverage();
    }

    fn made(&self, what: &str) -> String {
        format!("group:{what} @ {}", self.label)
    }

    fn process(&mut self, id: &str, name: &str) -> String {
        let full = format!("google/{}/{id}", self.label);
        self.maker
            .process(self.whole, &full, &format!("Google Workspace: {name}"));
        full
    }

    fn from(&self, user: &'a User) -> From<'a> {
        From {
            origin: user.from.unwrap_or(self.whole.origin),
            object: &user.id,
        }
    }

    fn is_admin(&self, user: &User) -> bool {
        user.is_super || user.is_admin || self.admins.contains(&user.email.to_lowercase())
    }

    fn users(&mut self) {
        let everyone = self.made("all accounts");
        let mut delegates: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (_, user, delegate) in &self.domain.delegates {
            delegates
                .entry(user.to_lowercase())
                .or_default()
                .push(format!("identity:{delegate}"));
        }
        for (key, user) in &self.domain.users {
            let from = self.from(user);
            let reference = format!("identity:{}", user.email);
            let kind = if self.is_admin(user) { "admin" } else { "" };
            self.maker.row(
                Table::Identities,
                from,
                &[
                    ("id", &own_id(&user.email)),
                    ("kind", kind),
                    ("name", &user.name),
                    ("enabled", if user.enabled { "" } else { "false" }),
                    ("department", &user.department),
                    ("aliases", &user.id),
                ],
            );
            let keys = &mut *self.maker.keys;
            keys.declare(&user.email, SOURCE);
            keys.add(Key::ObjectId, &user.id, &user.email);
            keys.add(Key::Login, &user.email, &user.email);
            for address in std::iter::once(&user.email).chain(&user.aliases) {
                keys.add(Key::Address, address, &user.email);
            }
            let forwards = self.domain.forwards.get(key);
            let forwards: Vec<String> = forwards
                .into_iter()
                .flatten()
                .filter(|(_, to)| !to.is_empty())
                .map(|(_, to)| format!("mailbox:{to}"))
                .collect();
            let mailbox = format!("mailbox:{}", user.email);
            let delegates = delegates.remove(key).unwrap_or_default();
            self.maker.row(
                Table::Mailboxes,
                from,
                &[
                    ("id", &mailbox),
                    ("owner", &reference),
                    ("delegates", &delegates.join(";")),
                    ("forwards_to", &forwards.join(";")),
                ],
            );
            for alias in &user.aliases {
                let alias = format!("mailbox:{alias}");
                let row = [("id", &*alias), ("forwards_to", &*mailbox)];
                self.maker.row(Table::Mailboxes, from, &row);
            }
            let row = [("member", &*reference), ("group", &*everyone)];
            self.maker.row(Table::Memberships, from, &row);
            if user.has_second_step == Some(true) {
                // Which factor it is no export says; what is not held by anything only a recovery
                // restores.
                let row = [("identity", &*reference), ("factor", "push")];
                self.maker.row(Table::MfaBindings, from, &row);
            }
        }
        for (user, delegates) in delegates {
            self.maker.leave_out_several(
                "delegates of mailboxes that are no user's",
                delegates.len() as u64,
            );
            let _ = user;
        }
    }

    fn members(&mut self) {
        let everyone = self.made("all accounts");
        let process = self.process("group-owner", "owners and managers of groups add members");
        let mut groups: BTreeSet<String> = BTreeSet::new();
        for member in &self.domain.members {
            groups.insert(member.group.to_lowercase());
        }
        for member in &self.domain.members {
            if member.is_nested {
                self.maker
                    .leave_out("rows of nested groups that are expanded");
                continue;
            }
            let from = From {
                origin: member.from,
                object: &member.group,
            };
            let group = format!("group:{}", member.group);
            let is_group = member.kind.eq_ignore_ascii_case("GROUP")
                || groups.contains(&member.email.to_lowercase());
            let who = if member.kind.eq_ignore_ascii_case("CUSTOMER") {
                everyone.clone()
            } else if is_group {
                format!("group:{}", member.email)
            } else {
                format!("identity:{}", member.email)
            };
            let row = [("member", &*who), ("group", &*group)];
            self.maker.row(Table::Memberships, from, &row);
            if member.role.eq_ignore_ascii_case("OWNER")
                || member.role.eq_ignore_ascii_case("MANAGER")
            {
                self.recovery(from, &who, &group, "ownership", "membership", &process);
            }
        }
    }

    fn recovery(
        &mut self,
        from: From<'_>,
        source: &str,
        target: &str,
        method: &str,
        restores: &str,
        process: &str,
    ) {
        self.maker.row(
            Table::Recoveries,
            from,
            &[
                ("source", source),
                ("target", target),
                ("method", method),
                ("restores", restores),
                ("process", process),
            ],
        );
    }

    fn admins(&mut self) {
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
            let row = [("member", &*member), ("group", &*super_group)];
            self.maker.row(Table::Memberships, from, &row);
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
            let row = [("member", &*member), ("group", &*group)];
            self.maker.row(Table::Memberships, from, &row);
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

    fn system(&mut self, system: &str, criticality: &str, group: &str, role: &str) {
        let name = system.trim_start_matches("system:");
        let row = [("id", system), ("name", name), ("criticality", criticality)];
        self.maker.row(Table::Systems, self.whole, &row);
        let row = [("principal", group), ("system", system), ("role", role)];
        self.maker.row(Table::Grants, self.whole, &row);
    }

    /// Whoever may reset passwords resets users who are no administrators, of the unit and those
    /// below it.
    fn desk(&mut self, holders: &str, unit: &str, factors: bool) {
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
                let row = [("member", &*member), ("group", &*target)];
                self.maker.row(Table::Memberships, from, &row);
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

    /// What users recover themselves.
    fn own(&mut self) {
        let domain = self.domain;
        for (setting, aspect, supers, name) in [
            (
                "google.user_recovery",
                "user_recovery",
                false,
                "users recover their accounts",
            ),
            (
                "google.superadmin_recovery",
                "superadmin_recovery",
                true,
                "super administrators recover their accounts",
            ),
        ] {
            let said = self.maker.settings.flag(setting);
            let process = self.process(aspect, name);
            match said {
                None => {
                    let scope = format!("process:{process}");
                    let detail = format!(
                        "no export says whether {name}: they are taken to; `--set {setting}=on|off`"
                    );
                    let cells = [SOURCE, &*scope, aspect, "unknown", &*detail];
                    self.maker.coverage(self.whole, cells);
                }
                Some(false) => continue,
                Some(true) => {}
            }
            for user in domain.users.values().filter(|user| user.is_super == supers) {
                let (from, target) = (self.from(user), format!("identity:{}", user.email));
                if !user.recovery_email.is_empty() {
                    let source = format!("mailbox:{}", user.recovery_email);
                    self.recovery(from, &source, &target, "email_link", "password", &process);
                }
                // With two-step verification only the address is offered.
                if !user.recovery_phone.is_empty() && user.has_second_step != Some(true) {
                    let source = format!("phone:{}", user.recovery_phone);
                    self.recovery(from, &source, &target, "sms_code", "password", &process);
                }
            }
        }
    }

    fn coverage(&mut self) {
        let domain = self.domain;
        let unknown: Vec<&User> = domain
            .users
            .values()
            .filter(|user| user.has_second_step.is_none())
            .collect();
        let without = self.made("accounts whose second step is not in the export");
        for user in &unknown {
            let (from, member) = (self.from(user), format!("identity:{}", user.email));
            let row = [("member", &*member), ("group", &*without)];
            self.maker.row(Table::Memberships, from, &row);
        }
        let (from, maker) = (self.whole, &mut *self.maker);
        if unknown.is_empty() {
            let detail = "whether two-step verification is on; not with which factor";
            maker.coverage(from, [SOURCE, "", "mfa", "known", detail]);
        } else {
            let detail = format!(
                "two-step verification of {} accounts is not in the export: they are taken to sign in with a password alone; add the field is2svenrolled",
                unknown.len()
            );
            maker.coverage(from, [SOURCE, &*without, "mfa", "unknown", &*detail]);
        }
        let detail = "which factors accounts have is not in the export: none can be traced to a phone or device";
        maker.coverage(from, [SOURCE, "", "mfa_holders", "unknown", detail]);
        for (document, aspect, detail) in [
            (
                "admins",
                "roles",
                "no administrator roles: help desks are not seen; `gam print admins`",
            ),
            (
                "delegates",
                "delegates",
                "no delegates of mailboxes; `gam all users print delegates`",
            ),
            (
                "forwards",
                "forwards",
                "no forwards of mailboxes; `gam all users print forwards`",
            ),
            (
                "groupMembers",
                "group_members",
                "no members of groups; `gam print group-members`",
            ),
        ] {
            if !domain.seen.contains(document) {
                maker.coverage(from, [SOURCE, "", aspect, "unknown", detail]);
            }
        }
    }
}
