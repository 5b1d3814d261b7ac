//! AzureHound collections, version 5 and newer: a file with `data` and `meta`, or JSON Lines. They
//! describe the same tenant as Microsoft Graph does, without second factors, phones and self-service
//! reset; what comes of it is in [`super::entra`].

use super::entra::tenant::{Application, Assignment, Group, Link, RoleName, Tenant};
use super::entra::{Writer, fill_user};
use super::record::Record;
use super::table::Maker;
use super::{Document, ExportFile, Form, Head, Importer};

/// The importer.
pub struct AzureHound;

impl Importer for AzureHound {
    fn name(&self) -> &'static str {
        "azurehound"
    }

    fn about(&self) -> &'static str {
        "AzureHound collection"
    }

    fn documents(&self) -> &'static [Document] {
        &[Document {
            name: "collection",
            obtain: "`azurehound list -o azure.json`",
            yields: "accounts, groups, owners, roles active and eligible with their scope, applications",
        }]
    }

    fn data(&self) -> &'static [(&'static str, &'static str)] {
        super::entra::Entra.data()
    }

    fn claims(&self, head: &Head<'_, '_>) -> Option<&'static str> {
        if head.form() != Form::Json {
            return None;
        }
        let meta = head.top().and_then(|top| top.record("meta"));
        let is_azure = meta.is_some_and(|meta| meta.text("type").eq_ignore_ascii_case("azure"));
        let is_record = head.has(&["kind", "data"])
            && head.first()?.text("kind").to_uppercase().starts_with("AZ");
        (is_azure || is_record).then_some("collection")
    }

    fn import(&self, files: &[ExportFile<'_>], maker: &mut Maker<'_>) {
        let mut tenant = Tenant::default();
        for file in files {
            tenant.origin.get_or_insert(file.origin());
            let shape = file.read(self, maker);
            let said = shape
                .top
                .as_ref()
                .and_then(|top| top.record("meta")?.number("count"));
            if let Some(said) = said.filter(|&said| said > shape.records.len() as i64) {
                let held = shape.records.len();
                let message = format!(
                    "`{}` says that it holds {said} records and holds {held}",
                    file.name
                );
                maker.say(
                    crate::diag::Diagnostic::new(crate::diag::Code::ShortExport, message)
                        .in_file(file.text.file)
                        .help("a part of the collection may be missing: collect it again"),
                );
            }
            for record in &shape.records {
                let kind = record.text("kind");
                match record.record("data") {
                    Some(data) => one(&mut tenant, &kind, &data, maker),
                    None => maker.leave_out("records without data"),
                }
            }
        }
        Writer::new(&tenant, "azurehound", maker).write();
    }
}

fn one(tenant: &mut Tenant, kind: &str, data: &Record<'_>, maker: &mut Maker<'_>) {
    let from = data.origin;
    let links = |list: &str, member: &str, of: &[&str]| -> Vec<Link> {
        let of = data.any(of);
        let list = data.records(list).into_iter();
        list.filter_map(|item| {
            let principal = match item.record(member) {
                Some(object) => object.text("id"),
                None => item.text("id"),
            };
            (!principal.is_empty()).then(|| Link {
                from: item.origin,
                principal,
                of: of.clone(),
                is_eligible: false,
            })
        })
        .collect()
    };
    match kind.to_lowercase().as_str() {
        "aztenant" => {}
        "azuser" => fill_user(tenant, data, from),
        "azgroup" => {
            let id = data.text("id");
            let group = Group {
                from: Some(from),
                name: data.text("displayName"),
                mail: data.text("mail"),
                sid: data.text("onPremisesSecurityIdentifier"),
                is_role_assignable: data.flag("isAssignableToRole") == Some(true),
                is_dynamic: data
                    .list("groupTypes")
                    .iter()
                    .any(|kind| kind == "DynamicMembership"),
                id: id.clone(),
            };
            tenant.groups.insert(id.to_lowercase(), group);
        }
        "azgroupmember" => {
            tenant.seen.insert("groupMembers");
            let found = links("members", "member", &["groupId"]);
            tenant.members.extend(found);
        }
        "azgroupowner" => {
            let found = links("owners", "owner", &["groupId"]);
            tenant.owners.extend(found);
        }
        "azappowner" => {
            let found = links("owners", "owner", &["appId"]);
            tenant.owners.extend(found);
        }
        "azserviceprincipalowner" => {
            let found = links("owners", "owner", &["servicePrincipalId"]);
            tenant.owners.extend(found);
        }
        "azrole" => {
            let resets = data.records("rolePermissions").iter().any(|permissions| {
                permissions
                    .list("allowedResourceActions")
                    .iter()
                    .any(|action| {
                        action.eq_ignore_ascii_case("microsoft.directory/users/password/update")
                    })
            });
            let name = RoleName {
                template: data.any(&["templateId", "id"]),
                name: data.text("displayName"),
                resets: resets && data.flag("isBuiltIn") == Some(false),
            };
            tenant.roles.insert(data.text("id").to_lowercase(), name);
        }
        "azroleassignment" => {
            tenant.seen.insert("roleAssignments");
            for assignment in data.records("roleAssignments") {
                let role = match assignment.text("roleDefinitionId") {
                    role if role.is_empty() => data.text("roleDefinitionId"),
                    role => role,
                };
                tenant.assignments.push(Assignment {
                    from: assignment.origin,
                    principal: assignment.text("principalId"),
                    role,
                    scope: assignment.text("directoryScopeId"),
                    is_eligible: false,
                });
            }
        }
        "azroleeligibilityscheduleinstance" => {
            tenant.seen.insert("roleEligibilitySchedules");
            tenant.assignments.push(Assignment {
                from,
                principal: data.text("principalId"),
                role: data.text("roleDefinitionId"),
                scope: data.text("directoryScopeId"),
                is_eligible: true,
            });
        }
        "azapp" | "azserviceprincipal" => {
            let is_principal = kind.eq_ignore_ascii_case("AZServicePrincipal");
            if is_principal {
                tenant.seen.insert("servicePrincipals");
            }
            let id = data.text("id");
            let kind = data.text("servicePrincipalType");
            let application = Application {
                from: Some(from),
                app_id: data.text("appId"),
                name: data.text("displayName"),
                is_principal,
                is_managed: kind.eq_ignore_ascii_case("ManagedIdentity"),
                enabled: data.flag("accountEnabled"),
                id: id.clone(),
            };
            // Owners of an application are listed by its application id.
            if !is_principal {
                tenant
                    .applications
                    .insert(application.app_id.to_lowercase(), application.clone());
            }
            tenant.applications.insert(id.to_lowercase(), application);
        }
        "azapproleassignment" => tenant.permissions.push(Link {
            from,
            principal: data.text("principalId"),
            of: data.text("appRoleId"),
            is_eligible: false,
        }),
        _ => maker.leave_out(format!("{kind} records")),
    }
}
