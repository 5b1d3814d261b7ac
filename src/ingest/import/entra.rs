//! Microsoft Entra ID from Microsoft Graph: pages, arrays of pages, JSON Lines, the objects of the
//! PowerShell SDK, the folders of EntraExporter, the portal's CSV of users.
//!
//! | in the export | becomes |
//! |---|---|
//! | user | identity, named by its user principal name, its object id an alias; its mail address a mailbox |
//! | registered method | MFA binding; phones, addresses and apps that self-service reset takes are inputs of its gate |
//! | guest | recovery of the account through its home mailbox |
//! | member, owner, eligible member | membership, recovery that restores membership, eligible membership |
//! | role assignment | membership in the group of the role's holders over that scope; the role a system if the matrix says so |
//! | reset matrix | a recovery per role and class of users that it may reset: the password, or the account where the role also resets factors |
//! | control of the tenant | admin reset of the tenant's own accounts |
//! | application, its owner, its takeover-grade permission | identity, recovery of it by the owner, recovery by the application |
//! | self-service reset | a k-of-n gate per user; administrators by their own two-gate policy |

pub(super) mod matrix;
mod own;
mod resets;
mod rows;
pub(super) mod tenant;

use super::record::Record;
use super::table::Maker;
use super::{Document, ExportFile, Form, Head, Importer};
use crate::diag::{Code, Diagnostic, Origin};
pub(super) use rows::{Writer, short};
use tenant::{
    Application, Assignment, Factor, Group, Link, ResetPolicy, RoleName, Tenant, Unit, User,
};

/// The importer.
pub struct Entra;

const DOCUMENTS: &[Document] = &[
    Document {
        name: "users",
        obtain: "`az rest --method get --url 'https://graph.microsoft.com/v1.0/users?$top=999&$select=id,userPrincipalName,displayName,department,mail,otherMails,proxyAddresses,mobilePhone,businessPhones,accountEnabled,userType,onPremisesSyncEnabled,onPremisesImmutableId,onPremisesSecurityIdentifier,onPremisesSamAccountName'` until no nextLink is left, or the portal: Users, Download users",
        yields: "accounts, mailboxes, recovery addresses and phones, what is synchronised",
    },
    Document {
        name: "registrationDetails",
        obtain: "GET /v1.0/reports/authenticationMethods/userRegistrationDetails",
        yields: "second factors, who may reset the own password",
    },
    Document {
        name: "methods",
        obtain: "GET /v1.0/users/ID/authentication/methods, one file per user with the id in its name",
        yields: "numbers, addresses and devices of second factors",
    },
    Document {
        name: "groups",
        obtain: "GET /v1.0/groups?$select=id,displayName,isAssignableToRole,securityEnabled,groupTypes,membershipRule",
        yields: "groups",
    },
    Document {
        name: "groupMembers",
        obtain: "GET /v1.0/groups/ID/members, one file per group with the id in its name",
        yields: "memberships",
    },
    Document {
        name: "groupOwners",
        obtain: "GET /v1.0/groups/ID/owners, one file per group with the id in its name",
        yields: "who adds members",
    },
    Document {
        name: "roleDefinitions",
        obtain: "GET /v1.0/roleManagement/directory/roleDefinitions",
        yields: "names of roles, roles of the tenant's own that reset passwords",
    },
    Document {
        name: "roleAssignments",
        obtain: "GET /v1.0/roleManagement/directory/roleAssignments",
        yields: "active roles with their scope",
    },
    Document {
        name: "roleEligibilitySchedules",
        obtain: "GET /v1.0/roleManagement/directory/roleEligibilityScheduleInstances",
        yields: "eligible roles with their scope",
    },
    Document {
        name: "directoryRoles",
        obtain: "GET /v1.0/directoryRoles?$expand=members",
        yields: "active roles over the tenant",
    },
    Document {
        name: "groupEligibilitySchedules",
        obtain: "GET /v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances?$filter=groupId eq 'ID'",
        yields: "eligible members and owners of groups",
    },
    Document {
        name: "administrativeUnits",
        obtain: "GET /v1.0/directory/administrativeUnits",
        yields: "units and whether they are restricted",
    },
    Document {
        name: "unitMembers",
        obtain: "GET /v1.0/directory/administrativeUnits/ID/members, one file per unit with the id in its name",
        yields: "whom roles over a unit reset",
    },
    Document {
        name: "scopedRoleMembers",
        obtain: "GET /v1.0/directory/administrativeUnits/ID/scopedRoleMembers",
        yields: "roles over a unit",
    },
    Document {
        name: "authorizationPolicy",
        obtain: "GET /v1.0/policies/authorizationPolicy",
        yields: "whether administrators reset their own passwords",
    },
    Document {
        name: "passwordResetPolicies",
        obtain: "the portal's GET https://main.iam.ad.ext.azure.com/api/PasswordReset/PasswordResetPolicies",
        yields: "how many methods users need, and which",
    },
    Document {
        name: "applications",
        obtain: "GET /v1.0/applications?$select=id,appId,displayName",
        yields: "which service principals an application's owners control",
    },
    Document {
        name: "applicationOwners",
        obtain: "GET /v1.0/applications/ID/owners, one file per application with the id in its name",
        yields: "who adds credentials to it",
    },
    Document {
        name: "servicePrincipals",
        obtain: "GET /v1.0/servicePrincipals?$select=id,appId,displayName,servicePrincipalType,accountEnabled",
        yields: "service identities",
    },
    Document {
        name: "servicePrincipalOwners",
        obtain: "GET /v1.0/servicePrincipals/ID/owners, one file per principal with the id in its name",
        yields: "who adds credentials to it",
    },
    Document {
        name: "appRoleAssignments",
        obtain: "GET /v1.0/servicePrincipals/ID/appRoleAssignments",
        yields: "takeover-grade permissions",
    },
    Document {
        name: "authenticationMethodsPolicy",
        obtain: "GET /v1.0/policies/authenticationMethodsPolicy",
        yields: "methods that are switched off and reset nothing",
    },
];

impl Importer for Entra {
    fn name(&self) -> &'static str {
        "entra"
    }

    fn about(&self) -> &'static str {
        "Microsoft Entra ID export (Graph JSON, EntraExporter, the portal's users CSV)"
    }

    fn documents(&self) -> &'static [Document] {
        DOCUMENTS
    }

    fn claims(&self, head: &Head<'_, '_>) -> Option<&'static str> {
        match head.form() {
            Form::Json => claims_json(head),
            Form::Csv if head.has(&["userPrincipalName", "objectId"]) => Some("users"),
            Form::Csv if head.has(&["userPrincipalName", "methodsRegistered"]) => {
                Some("registrationDetails")
            }
            Form::Csv | Form::Ldif => None,
        }
    }

    fn import(&self, files: &[ExportFile<'_>], maker: &mut Maker<'_>) {
        let mut tenant = Tenant::default();
        let mut read: Vec<_> = files
            .iter()
            .map(|file| (file, file.read(self, maker)))
            .collect();
        // Users first: other documents name them by login. Values of methods replace what the report
        // says of them.
        read.sort_by_key(|(file, _)| match file.document {
            "users" => 0,
            "registrationDetails" => 1,
            _ => 2,
        });
        for (file, shape) in &read {
            tenant.seen.insert(file.document);
            tenant.origin.get_or_insert(file.origin());
            if let Some(wrapper) = shape.top.as_ref().filter(|_| shape.records.is_empty()) {
                document(
                    &mut tenant,
                    file,
                    std::slice::from_ref(wrapper),
                    &shape.context,
                    maker,
                );
            } else {
                document(&mut tenant, file, &shape.records, &shape.context, maker);
            }
        }
        Writer::new(&tenant, "entra", maker).write();
    }
}

fn claims_json(head: &Head<'_, '_>) -> Option<&'static str> {
    if let Some(document) = by_folder(&head.name) {
        return head.has(&["id"]).then_some(document);
    }
    let context = head.context();
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
fn links(head: &Head<'_, '_>, context: &str) -> Option<&'static str> {
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

/// What a file of EntraExporter is: `Groups/ID/Members/ID/ID.json`.
fn by_folder(name: &str) -> Option<&'static str> {
    let parts: Vec<&str> = name.split('/').collect();
    let at = parts
        .windows(3)
        .position(|part| is_guid(part[1]) && !is_guid(part[2]))?;
    match (parts[at], parts[at + 2]) {
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

fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The first id in a name.
fn guid_in(text: &str) -> Option<&str> {
    (0..text.len().saturating_sub(35))
        .find_map(|at| text.get(at..at + 36).filter(|part| is_guid(part)))
}

/// Whom or what a file is about: a field of a record around it, its context, its name.
fn parent(file: &ExportFile<'_>, context: &str, record: &Record<'_>, fields: &[&str]) -> String {
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
    guid_in(&file.name).map(str::to_owned).unwrap_or_else(|| {
        let last = file.name.rsplit('/').next().unwrap_or_default();
        let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
        let login = stem.split(['_', ' ']).find(|part| part.contains('@'));
        login.unwrap_or_default().to_owned()
    })
}

fn document(
    tenant: &mut Tenant,
    file: &ExportFile<'_>,
    records: &[Record<'_>],
    context: &str,
    maker: &mut Maker<'_>,
) {
    for record in records {
        match file.document {
            "users" => user(tenant, record),
            "registrationDetails" => registration(tenant, record, maker),
            "methods" => methods(tenant, file, context, record, maker),
            "groups" => group(tenant, record, maker),
            "groupMembers"
            | "groupOwners"
            | "unitMembers"
            | "applicationOwners"
            | "servicePrincipalOwners" => link(tenant, file, context, record, maker),
            "roleDefinitions" => role(tenant, record),
            "roleAssignments" => assignment(tenant, record, false),
            "roleEligibilitySchedules" => assignment(tenant, record, true),
            "directoryRoles" => directory_role(tenant, file, context, record),
            "groupEligibilitySchedules" => eligible_in_group(tenant, record),
            "administrativeUnits" => {
                let unit = Unit {
                    name: record.text("displayName"),
                    is_restricted: record.flag("isMemberManagementRestricted") == Some(true),
                };
                tenant.units.insert(record.text("id").to_lowercase(), unit);
            }
            "scopedRoleMembers" => {
                if let Some(holder) = record.record("roleMemberInfo") {
                    tenant.assignments.push(Assignment {
                        from: record.origin,
                        principal: holder.text("id"),
                        role: record.text("roleId"),
                        scope: format!(
                            "/administrativeUnits/{}",
                            record.text("administrativeUnitId")
                        ),
                        is_eligible: false,
                    });
                }
            }
            "authorizationPolicy" => tenant.admins_reset = record.flag("allowedToUseSSPR"),
            "passwordResetPolicies" => tenant.policy = Some(policy(record)),
            "applications" | "servicePrincipals" => {
                application(tenant, record, file.document == "servicePrincipals");
            }
            "appRoleAssignments" => tenant.permissions.push(Link {
                from: record.origin,
                principal: record.text("principalId"),
                of: record.text("appRoleId"),
                is_eligible: false,
            }),
            _ => {
                let mut methods = record.records("authenticationMethodConfigurations");
                methods.push(record.clone());
                for method in methods {
                    if method.text("state").eq_ignore_ascii_case("disabled") {
                        tenant.switched_off.insert(method.text("id").to_lowercase());
                    }
                }
            }
        }
    }
}

fn user(tenant: &mut Tenant, record: &Record<'_>) {
    let id = record.any(&["id", "objectId"]);
    let login = record.text("userPrincipalName");
    if id.is_empty() && login.is_empty() {
        return;
    }
    let user = tenant.user(&id, &login);
    fill(user, record);
}

/// Takes over what a record says of a user; what it does not say stays.
fn fill(user: &mut User, record: &Record<'_>) {
    user.from.get_or_insert(record.origin);
    let take = |known: &mut String, keys: &[&str]| {
        let text = record.any(keys);
        if !text.is_empty() {
            *known = text;
        }
    };
    take(&mut user.login, &["userPrincipalName"]);
    take(&mut user.name, &["displayName"]);
    take(&mut user.department, &["department"]);
    take(&mut user.mail, &["mail"]);
    take(&mut user.immutable_id, &["onPremisesImmutableId"]);
    take(&mut user.sid, &["onPremisesSecurityIdentifier"]);
    take(&mut user.sam, &["onPremisesSamAccountName"]);
    if let Some(manager) = record.record("manager") {
        user.manager = manager.text("id");
    }
    user.enabled = record.flag("accountEnabled").or(user.enabled);
    user.is_synchronised = record
        .flag("onPremisesSyncEnabled")
        .or(user.is_synchronised);
    let is_external = user.login.to_uppercase().contains("#EXT#");
    user.is_guest |= is_external || record.text("userType").eq_ignore_ascii_case("guest");
    for address in record.list("proxyAddresses") {
        let smtp = address
            .get(..5)
            .is_some_and(|kind| kind.eq_ignore_ascii_case("smtp:"));
        if smtp {
            push(&mut user.proxies, address[5..].to_owned());
        }
    }
    let mut mails = record.list("otherMails");
    mails.extend(record.list("alternateEmailAddress"));
    mails.extend(record.list("authenticationEmail"));
    for address in mails.into_iter().filter(|address| address.contains('@')) {
        push(&mut user.recovery_mail, address);
    }
    for key in [
        "mobilePhone",
        "mobile",
        "authenticationPhoneNumber",
        "authenticationAlternativePhoneNumber",
    ] {
        phone(&mut user.phones, &record.text(key));
    }
    let mut office = record.list("businessPhones");
    office.extend(record.list("telephoneNumber"));
    for number in office {
        phone(&mut user.office_phones, &number);
    }
}

fn push(list: &mut Vec<String>, text: String) {
    if !text.contains(';') && !list.iter().any(|known| known.eq_ignore_ascii_case(&text)) {
        list.push(text);
    }
}

/// A number without its extension. A masked one is nobody's.
fn phone(list: &mut Vec<String>, number: &str) {
    let number = number.split(['x', 'X']).next().unwrap_or_default().trim();
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    if digits >= 5 && !number.contains('*') {
        push(list, number.to_owned());
    }
}

fn registration(tenant: &mut Tenant, record: &Record<'_>, maker: &mut Maker<'_>) {
    let login = record.text("userPrincipalName");
    let id = record.text("id");
    if id.is_empty() && login.is_empty() {
        return;
    }
    let user = tenant.user(&id, &login);
    user.from.get_or_insert(record.origin);
    if user.login.is_empty() {
        user.login.clone_from(&login);
    }
    if user.name.is_empty() {
        user.name = record.any(&["userDisplayName", "name"]);
    }
    user.is_guest |= record.text("userType").eq_ignore_ascii_case("guest");
    user.sspr_enabled = record
        .any_flag(&["isSsprEnabled", "ssprEnabled"])
        .or(user.sspr_enabled);
    user.factors_known = true;
    let mut methods = record.list("methodsRegistered");
    if methods.len() == 1 && record.is_row() {
        methods = methods[0]
            .split(',')
            .map(|part| part.trim().to_owned())
            .collect();
    }
    let name = user.login.clone();
    for method in methods {
        let device = |what: &str| format!("device:{what} of {name}");
        let number = |phones: &[String], what: &str| match phones.first() {
            Some(phone) => format!("phone:{phone}"),
            None => format!("phone:{what} of {name}"),
        };
        let letters: String = method.chars().filter(|c| c.is_alphanumeric()).collect();
        let (factor, holder, resets) = match letters.to_lowercase().as_str() {
            "mobilephone" => ("sms", number(&user.phones, "mobile phone"), true),
            "alternatemobilephone" => ("voice", number(&[], "alternate phone"), false),
            "microsoftauthenticatorpush" | "microsoftauthenticatorpasswordless" => {
                ("push", device("authenticator"), true)
            }
            "softwareonetimepasscode" => ("totp", device("authenticator"), true),
            "hardwareonetimepasscode" => ("totp", device("token"), true),
            "fido2" | "fido2securitykey" => ("fido2", device("security key"), false),
            "passkeydevicebound"
            | "passkeydeviceboundauthenticator"
            | "passkeysynced"
            | "passkeydeviceboundwindowshello" => ("passkey", device("passkey"), false),
            "windowshelloforbusiness" | "macossecureenclavekey" => {
                ("passkey", device("computer"), false)
            }
            "certificate" | "x509certificate" => ("smart_card", device("certificate"), false),
            "temporaryaccesspass" => ("temporary_pass", String::new(), false),
            "securityquestion" | "securityquestions" => {
                user.has_questions = true;
                continue;
            }
            // These reset the password and never answer a sign-in.
            "email" | "officephone" => continue,
            _ => {
                maker.leave_out(format!("registered methods `{method}`"));
                continue;
            }
        };
        let known = user
            .factors
            .iter()
            .any(|known| known.factor == factor && !known.holder.is_empty());
        if !known {
            user.factors.push(Factor {
                factor,
                holder,
                resets,
                is_value: false,
                from: Some(record.origin),
            });
        }
    }
}

/// Values of registered methods; secrets among them are not read.
fn methods(
    tenant: &mut Tenant,
    file: &ExportFile<'_>,
    context: &str,
    record: &Record<'_>,
    maker: &mut Maker<'_>,
) {
    let mut list = record.records("methods");
    list.extend(record.records("authenticationMethods"));
    let owner = if list.is_empty() {
        list.push(record.clone());
        parent(file, context, record, &["userId", "userPrincipalName"])
    } else {
        parent(
            file,
            context,
            record,
            &["userPrincipalName", "userId", "id"],
        )
    };
    let Some(user) = tenant.named_user(&owner) else {
        maker.leave_out("methods of users that the file does not name");
        return;
    };
    user.factors_known = true;
    let name = user.login.clone();
    // Values say more than the report, which only names methods.
    user.factors.retain(|known| known.is_value);
    for method in list {
        if !method.text("temporaryAccessPass").is_empty() {
            let message = format!(
                "`{}` holds a temporary access pass; it is not read",
                file.name
            );
            maker.say(Diagnostic::new(Code::LiveSecret, message).in_file(file.text.file));
        }
        let kind = method.text("@odata.type").to_lowercase();
        let kind = kind
            .trim_start_matches("#microsoft.graph.")
            .trim_end_matches("authenticationmethod");
        let label = method.any(&["displayName", "deviceTag"]).replace(';', ",");
        let device = |what: &str| match label.as_str() {
            "" => format!("device:{what} of {name}"),
            label => format!("device:{what} {label} of {name}"),
        };
        let (factor, holder, resets) = match kind {
            "phone" => {
                let number = method.text("phoneNumber");
                let is_office = method.text("phoneType").eq_ignore_ascii_case("office");
                let mut numbers = Vec::new();
                phone(
                    &mut numbers,
                    if number.contains(['X', 'x', '*']) {
                        ""
                    } else {
                        &number
                    },
                );
                if is_office {
                    user.office_phones.append(&mut numbers);
                    continue;
                }
                let holder = match numbers.first() {
                    Some(number) => format!("phone:{number}"),
                    // A masked number cannot be told from others: it is a phone of its own.
                    None => format!("phone:{} of {name}", method.any(&["phoneType", "id"])),
                };
                for number in numbers {
                    push(&mut user.phones, number);
                }
                let is_mobile = method.text("phoneType").eq_ignore_ascii_case("mobile");
                (if is_mobile { "sms" } else { "voice" }, holder, is_mobile)
            }
            "email" => {
                push(&mut user.recovery_mail, method.text("emailAddress"));
                continue;
            }
            "microsoftauthenticator" | "passwordlessmicrosoftauthenticator" => {
                ("push", device("authenticator"), true)
            }
            "softwareoath" => ("totp", device("authenticator"), true),
            "hardwareoath" => ("totp", device("token"), true),
            "fido2" => ("fido2", device("security key"), false),
            "windowshelloforbusiness" | "platformcredential" => {
                ("passkey", device("computer"), false)
            }
            "temporaryaccesspass" => ("temporary_pass", String::new(), false),
            "x509certificate" | "certificate" => ("smart_card", device("certificate"), false),
            "securityquestion" | "securityquestions" => {
                user.has_questions = true;
                continue;
            }
            "password" => continue,
            other => {
                maker.leave_out(format!("registered methods `{other}`"));
                continue;
            }
        };
        let found = Factor {
            factor,
            holder,
            resets,
            is_value: true,
            from: Some(method.origin),
        };
        if !user
            .factors
            .iter()
            .any(|known| known.factor == found.factor && known.holder == found.holder)
        {
            user.factors.push(found);
        }
    }
}

fn group(tenant: &mut Tenant, record: &Record<'_>, maker: &mut Maker<'_>) {
    let id = record.text("id");
    if id.is_empty() {
        return;
    }
    let members = record.records("members");
    if members.len() == 20 {
        let message = format!(
            "group `{}` lists 20 members, which is where `$expand=members` stops",
            record.text("displayName")
        );
        maker.say(
            Diagnostic::new(Code::ShortExport, message)
                .at(record.origin, "others are missing")
                .help("export /groups/ID/members"),
        );
    }
    for (list, links) in [
        (members, &mut tenant.members),
        (record.records("owners"), &mut tenant.owners),
    ] {
        links.extend(list.into_iter().map(|member| Link {
            from: member.origin,
            principal: member.text("id"),
            of: id.clone(),
            is_eligible: false,
        }));
    }
    let group = Group {
        from: Some(record.origin),
        name: record.text("displayName"),
        is_role_assignable: record.flag("isAssignableToRole") == Some(true),
        is_dynamic: record
            .list("groupTypes")
            .iter()
            .any(|kind| kind == "DynamicMembership"),
        id: id.clone(),
    };
    tenant.groups.insert(id.to_lowercase(), group);
}

fn link(
    tenant: &mut Tenant,
    file: &ExportFile<'_>,
    context: &str,
    record: &Record<'_>,
    maker: &mut Maker<'_>,
) {
    let of = parent(
        file,
        context,
        record,
        &[
            "groupId",
            "administrativeUnitId",
            "applicationId",
            "servicePrincipalId",
        ],
    );
    if of.is_empty() {
        let message = format!(
            "`{}` does not say whose {} it lists",
            file.name, file.document
        );
        maker.say(
            Diagnostic::new(Code::ShortExport, message)
                .in_file(file.text.file)
                .help("put the id into the name of the file, or wrap the list: {\"groupId\": ..., \"members\": [...]}"),
        );
        return;
    }
    let mut list = record.records("members");
    list.extend(record.records("owners"));
    if list.is_empty() && !record.text("id").is_empty() {
        list.push(record.clone());
    }
    let links = match file.document {
        "groupMembers" => &mut tenant.members,
        "unitMembers" => &mut tenant.unit_members,
        _ => &mut tenant.owners,
    };
    for member in list {
        links.push(Link {
            from: member.origin,
            principal: member.text("id"),
            of: of.clone(),
            is_eligible: false,
        });
    }
}

fn role(tenant: &mut Tenant, record: &Record<'_>) {
    let resets = record.records("rolePermissions").iter().any(|permissions| {
        permissions
            .list("allowedResourceActions")
            .iter()
            .any(|action| action.eq_ignore_ascii_case("microsoft.directory/users/password/update"))
    });
    let name = RoleName {
        template: record.any(&["templateId", "id"]),
        name: record.text("displayName"),
        resets: resets && record.flag("isBuiltIn") == Some(false),
    };
    tenant.roles.insert(record.text("id").to_lowercase(), name);
}

fn assignment(tenant: &mut Tenant, record: &Record<'_>, is_eligible: bool) {
    if let Some(definition) = record.record("roleDefinition")
        && !definition.text("displayName").is_empty()
    {
        role(tenant, &definition);
    }
    // An activated role is an eligible one in use for hours.
    let is_activated = record
        .text("assignmentType")
        .eq_ignore_ascii_case("activated");
    tenant.assignments.push(Assignment {
        from: record.origin,
        principal: record.text("principalId"),
        role: record.text("roleDefinitionId"),
        scope: record.any(&["directoryScopeId", "resourceScope"]),
        is_eligible: is_eligible || is_activated,
    });
}

fn directory_role(tenant: &mut Tenant, file: &ExportFile<'_>, context: &str, record: &Record<'_>) {
    let template = record.text("roleTemplateId");
    let (id, members) = if template.is_empty() {
        (
            parent(file, context, record, &["directoryRoleId"]),
            vec![record.clone()],
        )
    } else {
        let id = record.text("id");
        let name = RoleName {
            template,
            name: record.text("displayName"),
            resets: false,
        };
        tenant.roles.insert(id.to_lowercase(), name);
        (id, record.records("members"))
    };
    for member in members {
        let principal = member.text("id");
        let is_known = tenant.assignments.iter().any(|one| {
            one.principal.eq_ignore_ascii_case(&principal) && one.role.eq_ignore_ascii_case(&id)
        });
        if !is_known {
            tenant.assignments.push(Assignment {
                from: member.origin,
                principal,
                role: id.clone(),
                scope: "/".to_owned(),
                is_eligible: false,
            });
        }
    }
}

fn eligible_in_group(tenant: &mut Tenant, record: &Record<'_>) {
    let link = Link {
        from: record.origin,
        principal: record.text("principalId"),
        of: record.text("groupId"),
        is_eligible: true,
    };
    if record.text("accessId").eq_ignore_ascii_case("owner") {
        tenant.owners.push(link);
    } else {
        tenant.members.push(link);
    }
}

fn policy(record: &Record<'_>) -> ResetPolicy {
    let is = |key: &str| record.flag(key) == Some(true);
    ResetPolicy {
        enablement: record.number("enablementType").unwrap_or(2),
        methods: record
            .number("numberOfAuthenticationMethodsRequired")
            .unwrap_or(1),
        groups: record.list("passwordResetEnabledGroupIds"),
        email: is("emailOptionEnabled"),
        mobile: is("mobilePhoneOptionEnabled"),
        office: is("officePhoneOptionEnabled"),
        app: is("mobileAppNotificationEnabled") || is("mobileAppCodeEnabled"),
        questions: is("securityQuestionsOptionEnabled"),
    }
}

fn application(tenant: &mut Tenant, record: &Record<'_>, is_principal: bool) {
    let id = record.text("id");
    if id.is_empty() {
        return;
    }
    for owner in record.records("owners") {
        tenant.owners.push(Link {
            from: owner.origin,
            principal: owner.text("id"),
            of: id.clone(),
            is_eligible: false,
        });
    }
    for granted in record.records("appRoleAssignments") {
        tenant.permissions.push(Link {
            from: granted.origin,
            principal: id.clone(),
            of: granted.text("appRoleId"),
            is_eligible: false,
        });
    }
    let kind = record.text("servicePrincipalType");
    let application = Application {
        from: Some(record.origin),
        app_id: record.text("appId"),
        name: record.text("displayName"),
        is_principal,
        is_managed: kind.eq_ignore_ascii_case("ManagedIdentity"),
        enabled: record.flag("accountEnabled"),
        id: id.clone(),
    };
    tenant.applications.insert(id.to_lowercase(), application);
}

/// For importers that read another tool's records of the same directory.
pub(super) fn fill_user(tenant: &mut Tenant, record: &Record<'_>, origin: Origin) {
    let id = record.any(&["id", "objectId"]);
    let login = record.text("userPrincipalName");
    if !id.is_empty() || !login.is_empty() {
        let user = tenant.user(&id, &login);
        user.from.get_or_insert(origin);
        fill(user, record);
    }
}
