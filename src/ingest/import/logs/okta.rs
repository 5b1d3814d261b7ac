//! Okta: the System Log (API and Admin Console).

use super::super::keys::Key;
use super::super::record::Record;
use super::super::table::Maker;
use super::super::{Document, ExportFile, Head, Importer};
use super::{ADMINISTRATOR, Log, Logged, SELF_SERVICE, time};

/// A reset of all factors writes one record for each.
const TOGETHER: i64 = 120;
const SESSIONS: i64 = 300;
const EVENTS: &str = "systemLog";

/// The importer.
pub struct OktaLog;

impl Importer for OktaLog {
    fn name(&self) -> &'static str {
        "okta-log"
    }

    fn about(&self) -> &'static str {
        "Okta System Log"
    }

    fn documents(&self) -> &'static [Document] {
        &[Document {
            name: EVENTS,
            obtain: "GET /api/v1/logs?filter=eventType sw \"user.\" with every page of the Link header, or Reports > System Log > Download CSV",
            yields: "resets of passwords and factors, by administrators and by people themselves",
        }]
    }

    fn claims(&self, head: &Head<'_, '_>) -> Option<&'static str> {
        let is_api = head.has(&["eventType", "published", "actor"]);
        let is_csv = head.has(&["event_type", "actor.alternate_id", "timestamp"]);
        (is_api || is_csv).then_some(EVENTS)
    }

    fn import(&self, files: &[ExportFile<'_>], maker: &mut Maker<'_>) {
        let mut log = Log::default();
        for file in files {
            let shape = file.read(self, maker);
            for record in &shape.records {
                one(record, &mut log, maker);
            }
        }
        log.write(maker, TOGETHER, SESSIONS);
    }
}

/// Somebody of an event.
#[derive(Default)]
struct Who {
    id: String,
    login: String,
    kind: String,
}

impl Who {
    fn keys(&self) -> (Vec<(Key, String)>, String) {
        let keys = vec![
            (Key::ObjectId, self.id.clone()),
            (Key::Login, self.login.clone()),
        ];
        let shown = if self.login.is_empty() {
            &self.id
        } else {
            &self.login
        };
        (keys, shown.clone())
    }
}

fn one(record: &Record<'_>, log: &mut Log, maker: &mut Maker<'_>) {
    let event = record.any(&["eventType", "event_type"]).to_lowercase();
    let outcome = record.record("outcome");
    let result = match &outcome {
        Some(outcome) => outcome.text("result"),
        None => record.text("outcome.result"),
    };
    let (actor, target) = (actor(record), target(record));
    let at = time(&record.any(&["published", "timestamp"]));
    let is_success = ["SUCCESS", "ALLOW"]
        .iter()
        .any(|word| result.eq_ignore_ascii_case(word));
    // The organisation itself acts where somebody recovers the own account.
    let is_own = actor.kind.eq_ignore_ascii_case("SystemPrincipal")
        || (!actor.id.is_empty() && actor.id == target.id);
    let (restored, process) = match (event.as_str(), is_own) {
        ("user.session.clear", _) => {
            if let Some(at) = at.filter(|_| is_success) {
                log.revoked
                    .entry(target.keys().1.to_lowercase())
                    .or_default()
                    .push(at);
            }
            return;
        }
        ("user.account.reset_password", true) => ("password", SELF_SERVICE),
        ("user.account.reset_password", false) => ("password", ADMINISTRATOR),
        // Set by an administrator, a temporary one included; one's own is a change, no reset.
        ("user.account.update_password" | "user.account.expire_password", false) => {
            ("password", ADMINISTRATOR)
        }
        ("user.mfa.factor.reset_all" | "user.mfa.factor.deactivate", false) => {
            ("mfa", ADMINISTRATOR)
        }
        _ => {
            maker.leave_out("events that are no reset");
            return;
        }
    };
    if !is_success {
        maker.leave_out("resets that failed");
        return;
    }
    log.resets.push((
        Logged {
            id: record.text("uuid"),
            time: at,
            target: target.keys(),
            process: process.to_owned(),
            agent: if process == SELF_SERVICE {
                Default::default()
            } else {
                actor.keys()
            },
            restored,
            ..Logged::default()
        },
        record.origin,
    ));
}

fn actor(record: &Record<'_>) -> Who {
    match record.record("actor") {
        Some(actor) => who(&actor),
        None => Who {
            id: record.text("actor.id"),
            login: record.text("actor.alternate_id"),
            kind: record.text("actor.type"),
        },
    }
}

fn who(one: &Record<'_>) -> Who {
    Who {
        id: one.text("id"),
        login: one.text("alternateId"),
        kind: one.text("type"),
    }
}

/// The first target that is a user, wherever it stands.
fn target(record: &Record<'_>) -> Who {
    let is_user = |one: &Who| one.kind.eq_ignore_ascii_case("user");
    let targets = record.records("target");
    let found = targets.iter().map(who).find(is_user);
    found.unwrap_or_else(|| {
        let columns = (0..4).map(|at| Who {
            id: record.text(&format!("target{at}.id")),
            login: record.text(&format!("target{at}.alternate_id")),
            kind: record.text(&format!("target{at}.type")),
        });
        columns.into_iter().find(is_user).unwrap_or_default()
    })
}
