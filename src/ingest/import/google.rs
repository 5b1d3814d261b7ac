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

mod admins;
mod domain;

use std::collections::{BTreeMap, BTreeSet};

use super::keys::Key;
use super::table::{From, Maker, own_id};
use super::{Document, ExportFile, Head, Importer};
use crate::diag::{Code, Diagnostic};
use crate::model::Table;
use domain::{Domain, Member, User, admin};

const SOURCE: &str = "google";

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

    fn data(&self) -> &'static [(&'static str, &'static str)] {
        &[("data/systems/google.toml", admins::ROLES)]
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
                        subgroup: record.text("subgroup"),
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
            domain.note_supers();
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
        format!("group:{}: {what}", self.label)
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
            self.maker.member(from, &reference, &everyone);
            if user.has_second_step == Some(true) {
                // Which factor it is no export says; what is not held by anything only a recovery
                // restores.
                let row = [("identity", &*reference), ("factor", "push")];
                self.maker.row(Table::MfaBindings, from, &row);
            }
        }
        let users = &self.domain.users;
        let strangers = self
            .domain
            .forwards
            .keys()
            .filter(|key| !users.contains_key(*key));
        let strangers = strangers.count() as u64;
        if strangers > 0 {
            self.maker
                .leave_out_several("forwards of mailboxes that are no user's", strangers);
        }
        for delegates in delegates.into_values() {
            self.maker.leave_out_several(
                "delegates of mailboxes that are no user's",
                delegates.len() as u64,
            );
        }
    }

    fn members(&mut self) {
        let everyone = self.made("all accounts");
        let process = self.process("group-owner", "owners and managers of groups add members");
        let mut groups: BTreeSet<String> = BTreeSet::new();
        for member in &self.domain.members {
            groups.insert(member.group.to_lowercase());
            groups.insert(member.subgroup.to_lowercase());
            for group in [&member.group, &member.subgroup] {
                let reference = format!("group:{group}");
                self.maker.keys.add_group(Key::Address, group, &reference);
            }
        }
        for member in &self.domain.members {
            let from = From {
                origin: member.from,
                object: &member.group,
            };
            // With `recursive` the row is of the group that it was found in.
            let own = if member.subgroup.is_empty() {
                &member.group
            } else {
                &member.subgroup
            };
            let group = format!("group:{own}");
            let is_group = member.kind.eq_ignore_ascii_case("GROUP")
                || groups.contains(&member.email.to_lowercase());
            let who = if member.kind.eq_ignore_ascii_case("CUSTOMER") {
                everyone.clone()
            } else if is_group {
                format!("group:{}", member.email)
            } else {
                format!("identity:{}", member.email)
            };
            self.maker.member(from, &who, &group);
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
                    self.maker.personal(from, &user.recovery_email);
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
            self.maker.member(from, &member, &without);
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
