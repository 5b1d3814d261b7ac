//! ServiceNow: requests of Password Reset, and incidents that are about a reset.

use super::super::keys::Key;
use super::super::record::Record;
use super::super::table::{From, Maker};
use super::super::{Document, ExportFile, Head, Importer};
use super::{Log, Logged, SELF_SERVICE, time};
use crate::diag::{Code, Diagnostic};

const REQUESTS: &str = "pwd_reset_request";
const INCIDENTS: &str = "incident";
const DESK: &str = "help_desk";
/// What an export holds at most unless somebody has raised it.
const LIMIT: usize = 10_000;

/// The importer.
pub struct ServiceNowLog;

impl Importer for ServiceNowLog {
    fn name(&self) -> &'static str {
        "servicenow-log"
    }

    fn about(&self) -> &'static str {
        "ServiceNow tickets of resets"
    }

    fn documents(&self) -> &'static [Document] {
        &[
            Document {
                name: REQUESTS,
                obtain: "https://INSTANCE.service-now.com/pwd_reset_request_list.do?CSV&sysparm_fields=sys_id,user,process,type,action_type,status,sys_created_on,sys_created_by,sys_updated_on",
                yields: "resets that Password Reset has carried out",
            },
            Document {
                name: INCIDENTS,
                obtain: "https://INSTANCE.service-now.com/incident_list.do?CSV&sysparm_fields=number,caller_id,opened_at,closed_at,resolved_at,resolved_by,assigned_to,approval,category,subcategory,short_description",
                yields: "incidents that are about a reset, as tickets of it",
            },
        ]
    }

    fn claims(&self, head: &Head<'_, '_>) -> Option<&'static str> {
        if head.has(&["action_type", "status", "user"])
            || head.has(&["Action Type", "Status", "User"])
        {
            return Some(REQUESTS);
        }
        let is_incident = head.has(&["number", "caller_id", "short_description"])
            || head.has(&["Number", "Caller", "Short description"]);
        is_incident.then_some(INCIDENTS)
    }

    fn import(&self, files: &[ExportFile<'_>], maker: &mut Maker<'_>) {
        let mut log = Log::default();
        for file in files {
            let shape = file.read(self, maker);
            if shape.records.len() == LIMIT {
                let message = format!(
                    "exactly {LIMIT} rows of {}: the export may be cut off",
                    file.document
                );
                maker.say(
                    Diagnostic::new(Code::ShortExport, message)
                        .at(file.origin(), "as many as an export holds by default")
                        .help("export a shorter time, or raise glide.csv.export.limit"),
                );
            }
            for record in &shape.records {
                match file.document {
                    REQUESTS => request(record, &mut log, maker),
                    _ => incident(record, &mut log, maker),
                }
            }
            let from = From {
                origin: file.origin(),
                object: "",
            };
            let detail = "exports do not say the time zone: times are taken as UTC";
            maker.coverage(
                from,
                ["servicenow", file.document, "time_zone", "unknown", detail],
            );
        }
        log.write(maker, 0, 0);
    }
}

/// An account by its display name, login or address.
fn who(name: String) -> (Vec<(Key, String)>, String) {
    let keys = vec![(Key::Login, name.clone()), (Key::Address, name.clone())];
    (keys, name)
}

fn request(record: &Record<'_>, log: &mut Log, maker: &mut Maker<'_>) {
    let status = record.any(&["status", "Status"]).to_lowercase();
    if !["1", "completed with success"].contains(&&*status) {
        maker.leave_out("requests that did not succeed");
        return;
    }
    let action = record.any(&["action_type", "Action Type"]).to_lowercase();
    let restored = match action.as_str() {
        "1" | "3" | "reset password" | "reset and unlock account" => "password",
        _ => {
            maker.leave_out("requests that reset nothing");
            return;
        }
    };
    let kind = record.any(&["type", "Type"]).to_lowercase();
    let is_own = kind.contains("self");
    let process = match record.any(&["process", "Process"]) {
        name if !name.is_empty() => name,
        _ if is_own => SELF_SERVICE.to_owned(),
        _ => DESK.to_owned(),
    };
    let created = record.any(&["sys_created_on", "Created"]);
    let agent = record.any(&["sys_created_by", "Created by"]);
    let user = record.any(&["user", "User"]);
    let id = match record.any(&["sys_id", "Sys ID", "number"]) {
        id if id.is_empty() => format!("{user}/{created}"),
        id => id,
    };
    log.resets.push((
        Logged {
            id,
            time: time(&record.any(&["sys_updated_on", "Updated", "sys_created_on", "Created"])),
            target: who(user),
            process,
            agent: if is_own {
                Default::default()
            } else {
                who(agent)
            },
            restored,
            requested: time(&created),
            ..Logged::default()
        },
        record.origin,
    ));
}

fn incident(record: &Record<'_>, log: &mut Log, maker: &mut Maker<'_>) {
    let about = [
        record.any(&["category", "Category"]),
        record.any(&["subcategory", "Subcategory"]),
        record.any(&["short_description", "Short description"]),
    ];
    let about = about.join(" ").to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| about.contains(word));
    // Whole words: "factory settings" are no factor.
    let split: Vec<&str> = about.split(|c: char| !c.is_alphanumeric()).collect();
    let has = |words: &[&str]| words.iter().any(|word| split.contains(word));
    let is_reset = says(&["reset", "unlock", "re-enrol", "new phone", "lost phone"]);
    let is_factor = has(&[
        "mfa",
        "2fa",
        "otp",
        "authenticator",
        "factor",
        "token",
        "tokens",
    ]) || says(&["new phone", "lost phone"]);
    let restored = if is_reset && is_factor {
        "mfa"
    } else if is_reset && says(&["password", "passwort", "credential"]) {
        "password"
    } else {
        maker.leave_out("incidents that are about something else");
        return;
    };
    let done = record.any(&["resolved_at", "Resolved", "closed_at", "Closed"]);
    if done.is_empty() {
        maker.leave_out("incidents that are open");
        return;
    }
    let agent = record.any(&[
        "resolved_by",
        "Resolved by",
        "closed_by",
        "Closed by",
        "assigned_to",
        "Assigned to",
    ]);
    log.resets.push((
        Logged {
            id: record.any(&["number", "Number"]),
            time: time(&done),
            target: who(record.any(&["caller_id", "Caller"])),
            process: DESK.to_owned(),
            agent: who(agent),
            restored,
            requested: time(&record.any(&["opened_at", "Opened"])),
            ..Logged::default()
        },
        record.origin,
    ));
}
