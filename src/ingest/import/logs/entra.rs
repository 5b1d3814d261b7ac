//! Entra ID: directory audits (Graph, Azure Monitor, the portal's CSV and JSON).

use std::collections::BTreeMap;

use super::super::keys::Key;
use super::super::record::Record;
use super::super::table::Maker;
use super::super::{Document, ExportFile, Form, Head, Importer};
use super::{ADMINISTRATOR, Log, Logged, SELF_SERVICE, time};

/// Two services write a record of one reset.
const TOGETHER: i64 = 120;
/// How long after a reset the sessions may be revoked.
const SESSIONS: i64 = 15 * 60;
const AUDITS: &str = "directoryAudits";

/// The importer.
pub struct EntraLog;

impl Importer for EntraLog {
    fn name(&self) -> &'static str {
        "entra-log"
    }

    fn about(&self) -> &'static str {
        "Entra ID audit log"
    }

    fn documents(&self) -> &'static [Document] {
        &[Document {
            name: AUDITS,
            obtain: "GET /v1.0/auditLogs/directoryAudits?$filter=category eq 'UserManagement', or the portal's Audit logs > Download",
            yields: "resets of passwords and factors, by administrators and by people themselves",
        }]
    }

    fn claims(&self, head: &Head<'_, '_>) -> Option<&'static str> {
        let is_graph = head.has(&["activityDisplayName", "targetResources"]);
        let is_monitor = head.has(&["operationName", "properties"])
            && head
                .first()
                .and_then(|first| first.record("properties"))
                .is_some_and(|inner| inner.has("activityDisplayName"));
        let is_portal = head.form() == Form::Csv
            && head.has(&["Activity", "Target1ObjectId", "ActorUserPrincipalName"]);
        (is_graph || is_monitor || is_portal).then_some(AUDITS)
    }

    fn import(&self, files: &[ExportFile<'_>], maker: &mut Maker<'_>) {
        let mut log = Log::default();
        // The methods that a flow of self-service went through, by its correlation.
        let mut steps: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
        for file in files {
            let shape = file.read(self, maker);
            for record in &shape.records {
                let inner = record.record("properties");
                one(
                    inner.as_ref().unwrap_or(record),
                    &mut log,
                    &mut steps,
                    maker,
                );
            }
        }
        for (reset, _) in &mut log.resets {
            if reset.process == SELF_SERVICE {
                let known = steps.get(&reset.together);
                reset.evidence = known.cloned().unwrap_or_default();
            }
            reset.together.clear();
        }
        log.write(maker, TOGETHER, SESSIONS);
    }
}

/// Somebody of a record: object id and user principal name.
#[derive(Default)]
struct Who {
    id: String,
    name: String,
}

impl Who {
    fn keys(&self) -> (Vec<(Key, String)>, String) {
        let keys = vec![
            (Key::ObjectId, self.id.clone()),
            (Key::Login, self.name.clone()),
        ];
        let shown = if self.name.is_empty() {
            &self.id
        } else {
            &self.name
        };
        (keys, shown.clone())
    }

    fn is(&self, other: &Self) -> bool {
        (!self.id.is_empty() && self.id.eq_ignore_ascii_case(&other.id))
            || (!self.name.is_empty() && self.name.eq_ignore_ascii_case(&other.name))
    }
}

fn one(
    record: &Record<'_>,
    log: &mut Log,
    steps: &mut BTreeMap<String, Vec<&'static str>>,
    maker: &mut Maker<'_>,
) {
    let activity = record
        .any(&["activityDisplayName", "Activity"])
        .to_lowercase();
    let activity = activity.trim_end_matches('.');
    let correlation = record.text("correlationId");
    let reason = record.any(&["resultReason", "resultDescription"]);
    let (target, changed) = target(record);
    let actor = actor(record);
    let at = time(&record.any(&["activityDateTime", "Date (UTC)", "Date"]));
    let is_success = record.text("result").eq_ignore_ascii_case("success");
    let (restored, process) = match activity {
        "self-service password reset flow activity progress" => {
            steps
                .entry(correlation)
                .or_default()
                .extend(method(&reason));
            return;
        }
        "update stsrefreshtokenvalidfrom timestamp" => {
            if let Some(at) = at.filter(|_| is_success) {
                log.revoked
                    .entry(target.keys().1.to_lowercase())
                    .or_default()
                    .push(at);
            }
            return;
        }
        "reset password (self-service)" => ("password", SELF_SERVICE),
        "reset password (by admin)" | "reset user password" | "reset password" => {
            ("password", ADMINISTRATOR)
        }
        "admin registered security info"
        | "admin updated security info"
        | "admin deleted security info"
        | "disable strong authentication" => ("mfa", ADMINISTRATOR),
        "update user" if changed && !actor.is(&target) => ("mfa", ADMINISTRATOR),
        _ => {
            maker.leave_out("records that are no reset");
            return;
        }
    };
    if !is_success {
        maker.leave_out("resets that failed");
        return;
    }
    let id = match record.text("id") {
        id if id.is_empty() => {
            let at = at.map(|at| at.to_string()).unwrap_or_default();
            format!("{correlation}/{activity}/{}/{at}", target.keys().1)
        }
        id => id,
    };
    log.resets.push((
        Logged {
            id,
            time: at,
            target: target.keys(),
            process: process.to_owned(),
            agent: if process == SELF_SERVICE {
                Default::default()
            } else {
                actor.keys()
            },
            restored,
            together: correlation,
            ..Logged::default()
        },
        record.origin,
    ));
}

/// The first user that was acted on, and whether the methods of strong authentication were changed.
fn target(record: &Record<'_>) -> (Who, bool) {
    if record.has("Target1ObjectId") {
        let names = (1..=5).map(|at| record.text(&format!("Target1ModifiedProperty{at}Name")));
        let changed = names.into_iter().any(|name| is_strong(&name));
        let who = Who {
            id: record.text("Target1ObjectId"),
            name: record.text("Target1UserPrincipalName"),
        };
        return (who, changed);
    }
    let targets = record.records("targetResources");
    let is_user = |one: &&Record<'_>| one.text("type").eq_ignore_ascii_case("user");
    let Some(user) = targets.iter().find(is_user).or(targets.first()) else {
        return Default::default();
    };
    let changes = user.records("modifiedProperties");
    let changed = changes
        .iter()
        .any(|one| is_strong(&one.text("displayName")));
    let who = Who {
        id: user.text("id"),
        name: user.text("userPrincipalName"),
    };
    (who, changed)
}

fn is_strong(property: &str) -> bool {
    property.starts_with("StrongAuthentication")
}

fn actor(record: &Record<'_>) -> Who {
    if record.has("ActorObjectId") {
        return Who {
            id: record.text("ActorObjectId"),
            name: record.any(&["ActorUserPrincipalName", "ActorDisplayName"]),
        };
    }
    let by = record.record("initiatedBy");
    let user = by.as_ref().and_then(|by| by.record("user"));
    if let Some(user) = user {
        return Who {
            id: user.text("id"),
            name: user.text("userPrincipalName"),
        };
    }
    let app = by.and_then(|by| by.record("app"));
    app.map_or_else(Who::default, |app| Who {
        id: app.any(&["servicePrincipalId", "appId"]),
        name: app.text("displayName"),
    })
}

/// The method that a step of a flow says was gone through.
fn method(reason: &str) -> Option<&'static str> {
    let reason = reason.to_lowercase();
    if !reason.contains("completed") {
        return None;
    }
    let words = [
        ("sms", "sms_code"),
        ("voice", "voice_call"),
        ("email", "email_link"),
        ("security questions", "security_questions"),
        ("mobile app", "authenticator"),
    ];
    let found = words.iter().find(|(word, _)| reason.contains(word));
    found.map(|(_, method)| *method)
}
