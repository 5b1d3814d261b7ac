//! An organisation as its exports describe it.

use std::collections::{BTreeMap, BTreeSet};

use super::rules;
use crate::diag::Origin;
use crate::ingest::import::ExportFile;
use crate::ingest::import::record::Record;
use crate::ingest::import::table::Maker;

/// A user.
#[derive(Default)]
pub(super) struct User {
    pub(super) from: Option<Origin>,
    pub(super) id: String,
    pub(super) login: String,
    pub(super) name: String,
    pub(super) department: String,
    pub(super) email: String,
    pub(super) second_email: String,
    pub(super) status: String,
    pub(super) provider: String,
    pub(super) has_question: bool,
    pub(super) factors: Vec<Factor>,
}

/// An active factor.
pub(super) struct Factor {
    pub(super) from: Origin,
    pub(super) factor: &'static str,
    pub(super) holder: String,
    /// The word that rules of policies use.
    pub(super) method: &'static str,
}

/// A role of a user or group.
pub(super) struct Role {
    pub(super) from: Origin,
    pub(super) holder: String,
    pub(super) kind: String,
    pub(super) label: String,
    pub(super) custom: String,
    /// Ids of the groups it is for.
    pub(super) targets: Vec<String>,
    /// Whether the export says which groups it is for, none included.
    pub(super) shows_targets: bool,
}

/// Everything that was read.
#[derive(Default)]
pub(super) struct Org {
    pub(super) origin: Option<Origin>,
    pub(super) host: String,
    pub(super) seen: BTreeSet<&'static str>,
    pub(super) users: BTreeMap<String, User>,
    pub(super) with_factors: BTreeSet<String>,
    pub(super) groups: BTreeMap<String, (Origin, String, bool)>,
    pub(super) members: Vec<(Origin, String, String)>,
    pub(super) roles: Vec<Role>,
    pub(super) custom: BTreeMap<String, (String, Vec<String>)>,
    pub(super) policies: Vec<rules::Policy>,
    pub(super) rules: Vec<rules::Rule>,
}

/// An id of Okta of this kind in a name or address.
pub(super) fn id_in(text: &str, kind: &str) -> Option<String> {
    let lower = text.to_lowercase();
    lower
        .match_indices(kind)
        .filter_map(|(at, _)| text.get(at..at + 20))
        .find(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .map(str::to_owned)
}

/// Whom a record is about: a link in it, a field around it, the name of its file.
pub(super) fn about(
    file: &ExportFile<'_>,
    record: &Record<'_>,
    kind: &str,
    fields: &[&str],
) -> String {
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
    pub(super) fn label(&self) -> String {
        if self.host.is_empty() {
            "okta".to_owned()
        } else {
            self.host.clone()
        }
    }

    pub(super) fn read(
        &mut self,
        file: &ExportFile<'_>,
        record: &Record<'_>,
        maker: &mut Maker<'_>,
    ) {
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

    pub(super) fn note_host(&mut self, record: &Record<'_>) {
        if self.host.is_empty()
            && let Some(links) = record.record("_links")
            && let Some(own) = links.record("self").or_else(|| links.record("user"))
            && let Some((_, rest)) = own.text("href").split_once("://")
        {
            self.host = rest.split('/').next().unwrap_or_default().to_lowercase();
        }
    }

    pub(super) fn user(&mut self, record: &Record<'_>) {
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

    pub(super) fn factor(
        &mut self,
        file: &ExportFile<'_>,
        record: &Record<'_>,
        maker: &mut Maker<'_>,
    ) {
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

    pub(super) fn role(&mut self, file: &ExportFile<'_>, record: &Record<'_>) {
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
                .map(|targets| targets.records("groups"));
            let shows_targets = targets.is_some();
            let targets = targets.unwrap_or_default();
            self.roles.push(Role {
                shows_targets,
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
