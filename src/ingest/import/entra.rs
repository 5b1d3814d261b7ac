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
