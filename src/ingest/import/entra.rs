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

mod applications;
mod documents;
pub(super) mod matrix;
mod methods;
mod own;
mod read;
mod recognise;
mod resets;
mod rows;
pub(super) mod tenant;

use super::table::Maker;
use super::{Document, ExportFile, Form, Head, Importer};
use crate::diag::{Code, Diagnostic};
use std::collections::BTreeSet;

use documents::DOCUMENTS;
use read::document;
pub(super) use read::fill_user;
use recognise::claims_json;
pub(super) use rows::{Writer, short};
use tenant::Tenant;

/// The importer.
pub struct Entra;

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

    fn data(&self) -> &'static [(&'static str, &'static str)] {
        &[("data/entra/matrix.toml", matrix::BUILT_IN)]
    }

    fn claims(&self, head: &Head<'_, '_>) -> Option<&'static str> {
        match head.form() {
            Form::Json => claims_json(head),
            Form::Csv if head.has(&["userPrincipalName", "objectId"]) => Some("users"),
            Form::Csv if is_graph_csv(head) => Some("users"),
            Form::Csv if head.has(&["userPrincipalName", "methodsRegistered"]) => {
                Some("registrationDetails")
            }
            Form::Csv | Form::Ldif => None,
        }
    }

    fn import(&self, files: &[ExportFile<'_>], maker: &mut Maker<'_>) {
        several_tenants(files, maker);
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
            // Roles without a list of members say nothing of who holds them.
            let shows = file.document != "directoryRoles"
                || shape
                    .records
                    .iter()
                    .any(|record| record.has("members") || !record.has("roleTemplateId"));
            if shows {
                tenant.seen.insert(file.document);
            } else {
                maker.leave_out_several("roles without their members", shape.records.len() as u64);
            }
            tenant.origin.get_or_insert(file.origin());
            document(&mut tenant, file, &shape.records, &shape.context, maker);
        }
        Writer::new(&tenant, "entra", maker).write();
    }
}

/// `Get-MgUser | Export-Csv`.
fn is_graph_csv(head: &Head<'_, '_>) -> bool {
    let marks = ["accountEnabled", "userType", "otherMails", "displayName"];
    head.has(&["id", "userPrincipalName"]) && marks.iter().any(|mark| head.has(&[mark]))
}

/// Files of one input are one tenant; lists of users in two folders may be two.
fn several_tenants(files: &[ExportFile<'_>], maker: &mut Maker<'_>) {
    let users = files.iter().filter(|file| file.document == "users");
    let folders: BTreeSet<&str> = users
        .filter_map(|file| Some(file.name.rsplit_once('/')?.0))
        .filter(|folder| !folder.split('/').any(recognise::is_guid))
        .collect();
    if folders.len() > 1 {
        let folders: Vec<&str> = folders.into_iter().collect();
        let message = format!(
            "lists of users lie in several folders, which are read as one tenant: {}",
            folders.join(", ")
        );
        maker.say(
            Diagnostic::new(Code::AmbiguousExport, message)
                .help("name the folder of each tenant as an input of its own"),
        );
    }
}
