//! A domain as its exports describe it.

use std::collections::{BTreeMap, BTreeSet};

use super::SOURCE;
use crate::diag::Origin;
use crate::ingest::import::record::Record;
use crate::ingest::import::table::Maker;

#[derive(Default)]
pub(super) struct User {
    pub(super) from: Option<Origin>,
    pub(super) id: String,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) department: String,
    pub(super) unit: String,
    pub(super) is_super: bool,
    pub(super) is_admin: bool,
    pub(super) enabled: bool,
    pub(super) has_second_step: Option<bool>,
    pub(super) recovery_email: String,
    pub(super) recovery_phone: String,
    pub(super) aliases: Vec<String>,
}

pub(super) struct Admin {
    pub(super) from: Origin,
    pub(super) role: String,
    pub(super) role_id: String,
    pub(super) holder: String,
    pub(super) is_group: bool,
    /// The path of the unit, or nothing for everybody.
    pub(super) unit: String,
    pub(super) is_scoped: bool,
}

pub(super) struct Member {
    pub(super) from: Origin,
    pub(super) group: String,
    pub(super) email: String,
    pub(super) kind: String,
    pub(super) role: String,
    /// The nested group that `recursive` has found the member in.
    pub(super) subgroup: String,
}

#[derive(Default)]
pub(super) struct Domain {
    pub(super) origin: Option<Origin>,
    pub(super) seen: BTreeSet<&'static str>,
    pub(super) users: BTreeMap<String, User>,
    pub(super) admins: Vec<Admin>,
    /// Privileges of roles by id and by name.
    pub(super) privileges: BTreeMap<String, Vec<String>>,
    pub(super) supers: BTreeSet<String>,
    pub(super) delegates: Vec<(Origin, String, String)>,
    pub(super) forwards: BTreeMap<String, Vec<(Origin, String)>>,
    pub(super) members: Vec<Member>,
}

pub(super) fn admin(record: &Record<'_>) -> Admin {
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
    pub(super) fn user(&mut self, record: &Record<'_>) {
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

    pub(super) fn role(&mut self, record: &Record<'_>) {
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

    pub(super) fn delegate(&mut self, record: &Record<'_>, maker: &mut Maker<'_>) {
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

    /// Whoever is given the role is a super administrator, whatever the list of users says.
    pub(super) fn note_supers(&mut self) {
        for admin in &self.admins {
            let is_super = admin.role == "_SEED_ADMIN_ROLE" || self.supers.contains(&admin.role);
            if let Some(user) = self.users.get_mut(&admin.holder.to_lowercase())
                && is_super
            {
                user.is_super = true;
            }
        }
    }

    /// The domain that most addresses end in.
    pub(super) fn label(&self) -> String {
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
