//! Bitwarden organisations: members, and emergency access as declared rows. The vault of a member
//! falls with the member's account, with whoever recovers it, with whoever was given access in an
//! emergency.

use std::collections::BTreeSet;

use super::record::Record;
use super::table::{From, Maker};
use super::vaults::{account, vault};
use super::{Document, ExportFile, Form, Head, Importer};
use crate::model::Table;

const SOURCE: &str = "bitwarden";

/// The importer.
pub struct Bitwarden;

impl Importer for Bitwarden {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn about(&self) -> &'static str {
        "Bitwarden organisation"
    }

    fn documents(&self) -> &'static [Document] {
        &[
            Document {
                name: "members",
                obtain: "the public API's GET /public/members, or `bw list org-members --organizationid ID`",
                yields: "vaults of members, who recovers them",
            },
            Document {
                name: "emergencyAccess",
                obtain: "each user's own GET /emergency-access/trusted; there is no export for administrators, so rows may be written by hand: grantorId, granteeId, type, status, waitTimeDays",
                yields: "who takes a vault over after a wait",
            },
        ]
    }

    fn claims(&self, head: &Head<'_, '_>) -> Option<&'static str> {
        if head.form() != Form::Json {
            return None;
        }
        if head.has(&["granteeId", "waitTimeDays"]) || head.has(&["grantorId", "granteeId"]) {
            return Some("emergencyAccess");
        }
        let is_member = head.has(&["email", "status", "type", "twoFactorEnabled"]);
        (is_member && head.first()?.number("status").is_some()).then_some("members")
    }

    fn import(&self, files: &[ExportFile<'_>], maker: &mut Maker<'_>) {
        let mut members: Vec<(Record<'_>, String)> = Vec::new();
        let mut grants = Vec::new();
        for file in files {
            let shape = file.read(self, maker);
            for record in shape.records {
                if file.document == "members" {
                    // Invited members have no vault yet, revoked ones no access.
                    match record.number("status") {
                        Some(-1) => maker.leave_out("revoked members"),
                        Some(0) => maker.leave_out("invited members"),
                        _ => {
                            let holder = account(&record.text("email"), record.origin, maker);
                            if let Some(holder) = holder {
                                members.push((record, holder));
                            }
                        }
                    }
                } else {
                    grants.push(record);
                }
            }
        }
        let mut recoverers: BTreeSet<&str> = BTreeSet::new();
        for (member, _) in &members {
            recoverers.extend(groups_of(member).iter().map(|kind| self::recoverers(*kind)));
        }
        for (member, holder) in &members {
            one(member, holder, &recoverers, maker);
        }
        for grant in &grants {
            emergency(grant, &members, maker);
        }
        if let Some(file) = files.first() {
            let from = From {
                origin: file.origin(),
                object: "",
            };
            let detail = "what lies in which vault is not in an export: say it with `holdings` and `stored_secret` rows";
            maker.coverage(from, [SOURCE, "", "vault_contents", "unknown", detail]);
            let custom = members.iter().filter(|(member, _)| {
                member.number("type") == Some(4) && member.record("permissions").is_none()
            });
            let custom = custom.count();
            if custom > 0 {
                let detail = format!(
                    "permissions of {custom} members with custom ones are not in the export: they are taken to recover others"
                );
                let cells = [SOURCE, "", "custom_permissions", "unknown", &*detail];
                maker.coverage(from, cells);
            }
            if grants.is_empty() {
                let detail =
                    "emergency access is each member's own: no export for administrators holds it";
                maker.coverage(from, [SOURCE, "", "emergency_access", "unknown", detail]);
            }
        }
    }
}

/// The group of those who may recover members of this type: 0 owner, 1 administrator, 2 user, 4
/// custom.
fn recoverers(kind: i64) -> &'static str {
    match kind {
        0 => "group:owners @ bitwarden",
        1 => "group:owners and administrators @ bitwarden",
        _ => "group:whoever recovers members @ bitwarden",
    }
}

/// Members of which types somebody recovers: an owner everybody, an administrator all but owners.
fn groups_of(member: &Record<'_>) -> &'static [i64] {
    // Without permissions in the export a member with custom ones may recover others.
    let recovers = member
        .record("permissions")
        .is_none_or(|permissions| permissions.flag("manageResetPassword") == Some(true));
    match member.number("type").unwrap_or(2) {
        0 => &[0, 1, 2],
        1 => &[1, 2],
        4 if recovers => &[2],
        _ => &[],
    }
}

fn one(member: &Record<'_>, holder: &str, recovering: &BTreeSet<&str>, maker: &mut Maker<'_>) {
    let (id, email) = (member.text("id"), member.text("email"));
    let from = From {
        origin: member.origin,
        object: &id,
    };
    let vault = vault(SOURCE, &email);
    maker.row(
        Table::Holdings,
        from,
        &[("holder", holder), ("asset", &vault)],
    );
    let kind = member.number("type").unwrap_or(2);
    for kind in groups_of(member) {
        maker.member(from, holder, recoverers(*kind));
    }
    let is_enrolled = member.flag("resetPasswordEnrolled") == Some(true);
    if !is_enrolled || !recovering.contains(recoverers(kind)) {
        return;
    }
    let process = "bitwarden/account-recovery";
    maker.process(
        from,
        process,
        "Bitwarden: account recovery by the organisation",
    );
    // Where recovery leaves two-step login alone, the vault asks for it still.
    let clears = maker.settings.flag("bitwarden.recovery_resets_two_factor");
    if clears == Some(false) && member.flag("twoFactorEnabled") == Some(true) {
        maker.leave_out("recoveries that two-step login stops");
        return;
    }
    maker.admin_reset(from, [recoverers(kind), &vault], "", process);
}

/// Whoever was given emergency access takes the vault, its two-step login included, after the wait.
fn emergency(grant: &Record<'_>, members: &[(Record<'_>, String)], maker: &mut Maker<'_>) {
    let status = grant.number("status").unwrap_or(2);
    if status < 2 {
        return maker.leave_out("emergency access that is not confirmed");
    }
    let find = |ids: &[&str]| {
        let wanted = grant.any(ids);
        members.iter().find(|(member, _)| {
            !wanted.is_empty()
                && ["userId", "id", "email"]
                    .iter()
                    .any(|key| member.text(key).eq_ignore_ascii_case(&wanted))
        })
    };
    let (Some((grantor, _)), Some((_, grantee))) = (
        find(&["grantorId", "grantorEmail"]),
        find(&["granteeId", "granteeEmail"]),
    ) else {
        return maker.leave_out("emergency access of accounts that are no members");
    };
    let id = grant.text("id");
    let from = From {
        origin: grant.origin,
        object: &id,
    };
    let days = grant.number("waitTimeDays").unwrap_or(0);
    let process = format!("bitwarden/emergency-access/{days}");
    let name = format!("Bitwarden: emergency access after {days} days");
    let row = [
        ("id", &*process),
        ("name", &*name),
        ("hold_hours", &*(24 * days.clamp(0, 3650)).to_string()),
    ];
    maker.row(Table::Processes, from, &row);
    maker.row(
        Table::Recoveries,
        from,
        &[
            ("source", grantee),
            ("target", &vault(SOURCE, &grantor.text("email"))),
            ("method", "recovery_contact"),
            ("process", &process),
        ],
    );
}
