//! 1Password: users, and who may recover accounts. A recovery needs two things at once: somebody who
//! begins and confirms it, and the mailbox that the link goes to.

use std::collections::BTreeSet;

use super::table::{From, Maker};
use super::vaults::{account, vault};
use super::{Document, ExportFile, Form, Head, Importer};
use crate::model::Table;

const SOURCE: &str = "1password";
/// Owners and administrators; members of groups that may be allowed to recover accounts.
const RECOVERERS: [(&str, &str); 2] = [
    (
        "group:1password: owners and administrators",
        "1password/account-recovery",
    ),
    (
        "group:1password: members of other exported groups",
        "1password/account-recovery-by-groups",
    ),
];

/// The importer.
pub struct OnePassword;

impl Importer for OnePassword {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn about(&self) -> &'static str {
        "1Password users and groups"
    }

    fn documents(&self) -> &'static [Document] {
        &[
            Document {
                name: "users",
                obtain: "`op user list --format json > op-users.json`",
                yields: "vaults of users",
            },
            Document {
                name: "groupUsers",
                obtain: "`op group user list Owners --format json > op-group-Owners.json`, and the same for Administrators and groups that may recover accounts",
                yields: "who recovers vaults, together with the user's mailbox",
            },
        ]
    }

    fn claims(&self, head: &Head<'_, '_>) -> Option<&'static str> {
        let first = head.first()?;
        if head.form() != Form::Json || !head.has(&["id", "email", "state", "type"]) {
            return None;
        }
        const STATES: [&str; 6] = [
            "ACTIVE",
            "RECOVERY_STARTED",
            "RECOVERY_ACCEPTED",
            "SUSPENDED",
            "TRANSFER_STARTED",
            "TRANSFER_SUSPENDED",
        ];
        if !STATES.contains(&&*first.text("state")) {
            return None;
        }
        let is_group = head.has(&["role"]) || head.name.contains("group");
        Some(if is_group { "groupUsers" } else { "users" })
    }

    fn import(&self, files: &[ExportFile<'_>], maker: &mut Maker<'_>) {
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let groups = files.iter().filter(|file| file.document == "groupUsers");
        let own: BTreeSet<usize> = groups.map(of_group).collect();
        for file in files {
            let shape = file.read(self, maker);
            for user in &shape.records {
                let (id, email) = (user.text("id"), user.text("email"));
                let Some(holder) = account(&email, user.origin, maker) else {
                    continue;
                };
                let from = From {
                    origin: user.origin,
                    object: &id,
                };
                if file.document == "groupUsers" {
                    let (group, _) = RECOVERERS[of_group(file)];
                    maker.member(from, &holder, group);
                    continue;
                }
                if user.text("state").contains("SUSPENDED") {
                    maker.leave_out("suspended users");
                    continue;
                }
                if !seen.insert(email.to_lowercase()) {
                    continue;
                }
                let vault = vault(SOURCE, &email);
                maker.row(
                    Table::Holdings,
                    from,
                    &[("holder", &holder), ("asset", &vault)],
                );
                for &at in &own {
                    recovery(from, at, &email, &vault, maker);
                }
            }
        }
        if let Some(file) = files.first() {
            let from = From {
                origin: file.origin(),
                object: "",
            };
            let detail = "what lies in which vault is not in an export: say it with `holdings` and `stored_secret` rows";
            maker.coverage(from, [SOURCE, "", "vault_contents", "unknown", detail]);
            if own.contains(&1) {
                let (_, process) = RECOVERERS[1];
                let scope = format!("process:{process}");
                let detail = "whether a group may recover accounts is not in an export: members of groups other than Owners and Administrators are taken to";
                maker.coverage(
                    from,
                    [SOURCE, &*scope, "group_permissions", "unknown", detail],
                );
            }
            if own.is_empty() {
                let detail = "no members of groups: who recovers accounts is not seen; `op group user list Owners --format json`";
                maker.coverage(from, [SOURCE, "", "recoverers", "unknown", detail]);
            }
        }
    }
}

/// Which of the recoverers the members of a file are, by its name.
fn of_group(file: &ExportFile<'_>) -> usize {
    let name = file.name.to_lowercase();
    usize::from(!(name.contains("owner") || name.contains("admin")))
}

/// A recovery needs somebody who begins and confirms it, and the mailbox that the link goes to.
fn recovery(from: From<'_>, at: usize, email: &str, vault: &str, maker: &mut Maker<'_>) {
    let (group, process) = RECOVERERS[at];
    maker.process(
        from,
        process,
        "1Password: recovery begun by an administrator, link by mail",
    );
    let gate = format!("{process} of {email}");
    let mailbox = format!("mailbox:{email}");
    for (source, method) in [(group, "admin_reset"), (&*mailbox, "email_link")] {
        maker.row(
            Table::Recoveries,
            from,
            &[
                ("source", source),
                ("target", vault),
                ("method", method),
                ("gate", &gate),
                ("process", process),
            ],
        );
    }
}
