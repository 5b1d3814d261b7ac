//! From records of Microsoft Graph to a tenant.

use super::methods::{methods, registration};
use super::recognise::parent;
use super::tenant::{
    Application, Assignment, Factor, Group, Link, ResetPolicy, RoleName, Tenant, Unit, User,
};
use crate::diag::{Code, Diagnostic, Origin};
use crate::ingest::import::ExportFile;
use crate::ingest::import::record::Record;
use crate::ingest::import::shape::is_eaten;
use crate::ingest::import::table::Maker;

pub(super) fn document(
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

pub(super) fn user(tenant: &mut Tenant, record: &Record<'_>) {
    let id = record.any(&["id", "objectId"]);
    let login = record.text("userPrincipalName");
    if id.is_empty() && login.is_empty() {
        return;
    }
    let user = tenant.user(&id, &login);
    fill(user, record);
}

/// Takes over what a record says of a user; what it does not say stays.
pub(super) fn fill(user: &mut User, record: &Record<'_>) {
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
    let enabled = record.flag("accountEnabled");
    if let (Some(known), Some(said)) = (user.enabled, enabled)
        && known != said
    {
        user.contradicts = true;
    }
    // Two descriptions that differ: at worst it is in use.
    user.enabled = match (user.enabled, enabled) {
        (Some(known), Some(said)) => Some(known || said),
        (known, said) => said.or(known),
    };
    // Graph answers null for what was never synchronised.
    let is_synchronised = record.flag("onPremisesSyncEnabled");
    let says_never = record.has("onPremisesSyncEnabled") && is_synchronised.is_none();
    user.is_synchronised = is_synchronised
        .or(user.is_synchronised)
        .or(says_never.then_some(false));
    user.shows_recovery |= ["otherMails", "alternateEmailAddress", "authenticationEmail"]
        .iter()
        .any(|key| record.has(key));
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
    for key in ["mobilePhone", "mobile", "authenticationPhoneNumber"] {
        phone(&mut user.phones, &record.text(key));
    }
    let mut alternate = Vec::new();
    phone(
        &mut alternate,
        &record.text("authenticationAlternativePhoneNumber"),
    );
    // It answers sign-ins and resets nothing.
    user.factors
        .extend(alternate.into_iter().map(|number| Factor {
            factor: "voice",
            holder: format!("phone:{number}"),
            resets: false,
            is_value: true,
            from: Some(record.origin),
        }));
    let mut office = record.list("businessPhones");
    office.extend(record.list("telephoneNumber"));
    for number in office {
        phone(&mut user.office_phones, &number);
    }
}

pub(super) fn push(list: &mut Vec<String>, text: String) {
    if !text.contains(';') && !list.iter().any(|known| known.eq_ignore_ascii_case(&text)) {
        list.push(text);
    }
}

/// A number without its extension.
pub(super) fn phone(list: &mut Vec<String>, number: &str) {
    let number = number.split(['x', 'X']).next().unwrap_or_default().trim();
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    // A masked number, or one that a spreadsheet has rounded, is nobody's.
    if digits >= 5 && !number.contains('*') && !is_eaten(number) {
        push(list, number.to_owned());
    }
}

pub(super) fn group(tenant: &mut Tenant, record: &Record<'_>, maker: &mut Maker<'_>) {
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
        mail: record.text("mail"),
        sid: record.text("onPremisesSecurityIdentifier"),
        is_role_assignable: record.flag("isAssignableToRole") == Some(true),
        is_dynamic: record
            .list("groupTypes")
            .iter()
            .any(|kind| kind == "DynamicMembership"),
        id: id.clone(),
    };
    tenant.groups.insert(id.to_lowercase(), group);
}

pub(super) fn link(
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

pub(super) fn role(tenant: &mut Tenant, record: &Record<'_>) {
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

pub(super) fn assignment(tenant: &mut Tenant, record: &Record<'_>, is_eligible: bool) {
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

pub(super) fn directory_role(
    tenant: &mut Tenant,
    file: &ExportFile<'_>,
    context: &str,
    record: &Record<'_>,
) {
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
            one.principal.eq_ignore_ascii_case(&principal)
                && one.role.eq_ignore_ascii_case(&id)
                && one.scope == "/"
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

pub(super) fn eligible_in_group(tenant: &mut Tenant, record: &Record<'_>) {
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

pub(super) fn policy(record: &Record<'_>) -> ResetPolicy {
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

pub(super) fn application(tenant: &mut Tenant, record: &Record<'_>, is_principal: bool) {
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
pub(in crate::ingest) fn fill_user(tenant: &mut Tenant, record: &Record<'_>, origin: Origin) {
    let id = record.any(&["id", "objectId"]);
    let login = record.text("userPrincipalName");
    if !id.is_empty() || !login.is_empty() {
        let user = tenant.user(&id, &login);
        user.from.get_or_insert(origin);
        fill(user, record);
    }
}
