//! Which document a file is, and whom or what it is about: by its fields, its context, the folder of
//! EntraExporter or the id in its name.

use crate::ingest::import::record::Record;
use crate::ingest::import::{ExportFile, Head};

pub(super) fn claims_json(head: &Head<'_, '_>) -> Option<&'static str> {
    if let Some(document) = by_folder(&head.name) {
        return head.has(&["id"]).then_some(document);
    }
    let context = head.context();
    if head.is_empty() {
        return empty(&context);
    }
    let is = |part: &str| context.contains(part);
    if head.has(&["kind", "data"]) || head.top_has("graph") {
        return None;
    }
    if head.has(&["numberOfAuthenticationMethodsRequired"]) {
        return Some("passwordResetPolicies");
    }
    if head.has(&["allowedToUseSSPR"]) {
        return Some("authorizationPolicy");
    }
    let kind = head.first()?.text("@odata.type");
    if head.has(&["authenticationMethodConfigurations"])
        || kind.ends_with("AuthenticationMethodConfiguration")
    {
        return Some("authenticationMethodsPolicy");
    }
    if is("/authentication/")
        || head
            .first()?
            .text("@odata.type")
            .contains("AuthenticationMethod")
        || head.has(&["authenticationMethods"])
        || head.has(&["methods", "userPrincipalName"])
    {
        return Some("methods");
    }
    if head.has(&["methodsRegistered"]) || head.has(&["isMfaRegistered", "userPrincipalName"]) {
        return Some("registrationDetails");
    }
    if head.has(&["principalId", "groupId", "accessId"]) {
        return Some("groupEligibilitySchedules");
    }
    if head.has(&["principalId", "roleDefinitionId"]) {
        let is_eligible = is("roleeligibility")
            || head.has(&["roleEligibilityScheduleId"])
            || head.name.contains("eligib");
        return Some(if is_eligible {
            "roleEligibilitySchedules"
        } else {
            "roleAssignments"
        });
    }
    if head.has(&["roleId", "roleMemberInfo"]) {
        return Some("scopedRoleMembers");
    }
    if head.has(&["appRoleId", "principalId", "resourceId"]) {
        return Some("appRoleAssignments");
    }
    if head.has(&["id", "roleTemplateId"]) {
        return Some("directoryRoles");
    }
    if head.has(&["id", "rolePermissions"]) || is("rolemanagement/directory/roledefinitions") {
        return Some("roleDefinitions");
    }
    if let Some(document) = links(head, &context) {
        return Some(document);
    }
    if is("administrativeunits") || head.has(&["id", "isMemberManagementRestricted"]) {
        return Some("administrativeUnits");
    }
    if head.has(&["id", "servicePrincipalType"]) || context.starts_with("serviceprincipals") {
        return Some("servicePrincipals");
    }
    let is_application = head.has(&["id", "appId"])
        && (context.starts_with("applications")
            || head.some("signInAudience")
            || head.some("requiredResourceAccess")
            || head.some("publisherDomain"));
    if is_application {
        return Some("applications");
    }
    if head.has(&["id", "userPrincipalName"]) {
        return Some("users");
    }
    let is_group = [
        "isAssignableToRole",
        "securityEnabled",
        "groupTypes",
        "mailEnabled",
        "membershipRule",
    ]
    .iter()
    .any(|key| head.some(key));
    (context.starts_with("groups") || (head.has(&["id", "displayName"]) && is_group))
        .then_some("groups")
}

/// Members and owners say by a wrapper, their context or the name of the file whose they are.
pub(super) fn links(head: &Head<'_, '_>, context: &str) -> Option<&'static str> {
    let wrapped = |of: &[&str]| head.has(of);
    if wrapped(&["groupId", "members"]) {
        return Some("groupMembers");
    }
    if wrapped(&["groupId", "owners"]) {
        return Some("groupOwners");
    }
    if wrapped(&["administrativeUnitId", "members"]) {
        return Some("unitMembers");
    }
    if wrapped(&["applicationId", "owners"]) {
        return Some("applicationOwners");
    }
    if wrapped(&["servicePrincipalId", "owners"]) {
        return Some("servicePrincipalOwners");
    }
    let is_list = context.starts_with("directoryobjects")
        || context.contains("/members")
        || context.contains("/owners")
        || head
            .first()?
            .text("@odata.type")
            .starts_with("#microsoft.graph.");
    if !is_list || !head.has(&["id"]) {
        return None;
    }
    let text = format!("{} {context}", head.name);
    let is_owner = text.contains("owner");
    if !is_owner && !text.contains("member") {
        return None;
    }
    Some(
        match (
            text.contains("unit") || text.contains("au_"),
            text.contains("serviceprincipal"),
            text.contains("application"),
        ) {
            (true, ..) => "unitMembers",
            (_, true, _) if is_owner => "servicePrincipalOwners",
            (.., true) if is_owner => "applicationOwners",
            _ if is_owner => "groupOwners",
            _ if text.contains("directoryrole") => "directoryRoles",
            _ => "groupMembers",
        },
    )
}

/// Folders of EntraExporter that hold a folder per object.
const FOLDERS: [&str; 6] = [
    "groups",
    "applications",
    "serviceprincipals",
    "directoryroles",
    "administrativeunits",
    "users",
];

/// The object that a file of EntraExporter is about, and what is said of it:
/// `Groups/ID/Members/ID/ID.json`, below whatever folders.
fn in_folder(name: &str) -> Option<(String, String, String)> {
    let parts: Vec<String> = name.split('/').map(str::to_lowercase).collect();
    parts.windows(3).find_map(|part| match part {
        [folder, id, what] if FOLDERS.contains(&&**folder) && is_guid(id) && !is_guid(what) => {
            Some((folder.clone(), id.clone(), what.clone()))
        }
        _ => None,
    })
}

/// What a file of EntraExporter is.
pub(super) fn by_folder(name: &str) -> Option<&'static str> {
    let (folder, _, what) = in_folder(name)?;
    match (&*folder, &*what) {
        ("groups", "members") => Some("groupMembers"),
        ("groups", "owners") => Some("groupOwners"),
        ("applications", "owners") => Some("applicationOwners"),
        ("serviceprincipals", "owners") => Some("servicePrincipalOwners"),
        ("serviceprincipals", "approleassignments") => Some("appRoleAssignments"),
        ("directoryroles", "members") => Some("directoryRoles"),
        ("administrativeunits", "members") => Some("unitMembers"),
        ("administrativeunits", "scopedrolemembers") => Some("scopedRoleMembers"),
        ("users", "authentication" | "methods") => Some("methods"),
        _ => None,
    }
}

pub(super) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The first id in a name.
pub(super) fn guid_in(text: &str) -> Option<&str> {
    (0..text.len().saturating_sub(35))
        .find_map(|at| text.get(at..at + 36).filter(|part| is_guid(part)))
}

/// Whom or what a file is about: a field of a record around it, its context, its name.
pub(super) fn parent(
    file: &ExportFile<'_>,
    context: &str,
    record: &Record<'_>,
    fields: &[&str],
) -> String {
    let said = record.any(fields);
    if !said.is_empty() {
        return said;
    }
    let quoted = context
        .split_once("('")
        .and_then(|(_, rest)| rest.split_once("')"));
    if let Some((id, _)) = quoted {
        return id.replace("%40", "@");
    }
    if let Some((_, id, _)) = in_folder(&file.name) {
        return id;
    }
    let last = file.name.rsplit('/').next().unwrap_or_default();
    let guid = guid_in(last).or_else(|| guid_in(&file.name));
    guid.map(str::to_owned).unwrap_or_else(|| {
        let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
        let login = stem.split(['_', ' ']).find(|part| part.contains('@'));
        login.unwrap_or_default().to_owned()
    })
}

/// What a list without an item would hold, by its context: that there is nothing is known then.
fn empty(context: &str) -> Option<&'static str> {
    const LISTS: [(&str, &str); 9] = [
        (
            "roleeligibilityscheduleinstances",
            "roleEligibilitySchedules",
        ),
        ("roleassignment", "roleAssignments"),
        ("roledefinitions", "roleDefinitions"),
        ("eligibilityscheduleinstances", "groupEligibilitySchedules"),
        ("directoryroles", "directoryRoles"),
        ("administrativeunits", "administrativeUnits"),
        ("serviceprincipals", "servicePrincipals"),
        ("applications", "applications"),
        ("groups", "groups"),
    ];
    let found = LISTS.iter().find(|(part, _)| context.contains(part));
    found.map(|(_, document)| *document)
}
