//! Windows: security events 4724 (a password was reset), 4723 and 4738, in the forms that tools write:
//! `Get-WinEvent | ConvertTo-Json`, evtx_dump and Chainsaw, EvtxECmd, Elastic, NXLog, and CSV with the
//! English message.

use super::super::keys::Key;
use super::super::record::Record;
use super::super::table::Maker;
use super::super::{Document, ExportFile, Head, Importer};
use super::{ADMINISTRATOR, Log, Logged, time};

const EVENTS: &str = "securityEvents";
/// An attempt to reset a password; 4723 is somebody's own change, 4738 what comes with either.
const RESET: &str = "4724";
const OTHERS: [&str; 2] = ["4723", "4738"];
/// Names of the fields of 4724 in their order.
const FIELDS: [&str; 6] = [
    "TargetUserName",
    "TargetDomainName",
    "TargetSid",
    "SubjectUserSid",
    "SubjectUserName",
    "SubjectDomainName",
];
/// The bit of `Keywords` that says that it succeeded.
const SUCCESS: i64 = 0x0020_0000_0000_0000;

/// The importer.
pub struct WindowsLog;

impl Importer for WindowsLog {
    fn name(&self) -> &'static str {
        "windows-log"
    }

    fn about(&self) -> &'static str {
        "Windows security events"
    }

    fn documents(&self) -> &'static [Document] {
        &[Document {
            name: EVENTS,
            obtain: "on every domain controller: `Get-WinEvent -FilterHashtable @{LogName='Security';Id=4724,4723,4738} | ConvertTo-Json -Depth 4 > resets.json`",
            yields: "resets of passwords by administrators (event 4724)",
        }]
    }

    fn claims(&self, head: &Head<'_, '_>) -> Option<&'static str> {
        let first = head.first()?;
        let id = event_id(first);
        let is_event = id == RESET || OTHERS.contains(&&*id);
        let is_log = is_event || fields(first).is_some() || first.has("Keywords");
        (is_log && is_event).then_some(EVENTS)
    }

    fn import(&self, files: &[ExportFile<'_>], maker: &mut Maker<'_>) {
        let mut log = Log::default();
        for file in files {
            let shape = file.read(self, maker);
            for record in &shape.records {
                one(record, &mut log, maker);
            }
        }
        log.write(maker, 0, 0);
    }
}

/// The `System` part, whatever surrounds it.
fn system<'a>(record: &Record<'a>) -> Option<Record<'a>> {
    let event = record.record("Event").or_else(|| {
        let data = record.record("document")?.record("data")?;
        data.record("Event")
    })?;
    event.record("System")
}

fn event_id(record: &Record<'_>) -> String {
    if let Some(system) = system(record) {
        let nested = system.record("EventID").map(|id| id.text("#text"));
        return nested.unwrap_or_else(|| system.text("EventID"));
    }
    if let Some(winlog) = record.record("winlog") {
        return winlog.text("event_id");
    }
    record.any(&[
        "EventID",
        "Id",
        "EventId",
        "Event ID",
        "EventCode",
        "winlog.event_id",
    ])
}

fn one(record: &Record<'_>, log: &mut Log, maker: &mut Maker<'_>) {
    match event_id(record) {
        id if id == RESET => {}
        id if OTHERS.contains(&&*id) => {
            maker.leave_out("events that are no reset");
            return;
        }
        _ => {
            maker.leave_out("other events");
            return;
        }
    }
    let Some([user, domain, sid, by_sid, by, by_domain]) = fields(record) else {
        maker.leave_out("resets that do not say whose (export with -Depth 4, or in English)");
        return;
    };
    // Accounts of computers change their passwords all the time.
    if user.ends_with('$') {
        maker.leave_out("resets of computers");
        return;
    }
    if is_failure(record) {
        maker.leave_out("resets that failed");
        return;
    }
    let (at, id) = place(record);
    log.resets.push((
        Logged {
            id: if id.is_empty() {
                format!("{domain}\\{user}/{at}")
            } else {
                id
            },
            time: time(&at),
            target: who(&user, &domain, &sid),
            process: ADMINISTRATOR.to_owned(),
            agent: who(&by, &by_domain, &by_sid),
            restored: "password",
            ..Logged::default()
        },
        record.origin,
    ));
}

fn who(user: &str, domain: &str, sid: &str) -> (Vec<(Key, String)>, String) {
    // A name alone would be found in whatever domain.
    let full = match domain {
        "" => user.to_owned(),
        domain => format!("{domain}\\{user}"),
    };
    let keys = vec![
        (Key::Sid, sid.to_owned()),
        (Key::Sam, full.clone()),
        (Key::Sam, user.to_owned()),
    ];
    (keys, full)
}

/// When it was written, and by which log as which record.
fn place(record: &Record<'_>) -> (String, String) {
    let named = |computer: String, number: String| match number.is_empty() {
        true => String::new(),
        false => format!("{computer}/{number}"),
    };
    if let Some(system) = system(record) {
        let created = system.record("TimeCreated");
        let nested = created.and_then(|one| one.record("#attributes"));
        let separate = system.record("TimeCreated_attributes");
        let at = nested.or(separate).map(|one| one.text("SystemTime"));
        let id = named(system.text("Computer"), system.text("EventRecordID"));
        return (at.unwrap_or_default(), id);
    }
    if let Some(winlog) = record.record("winlog") {
        let id = named(winlog.text("computer_name"), winlog.text("record_id"));
        return (record.text("@timestamp"), id);
    }
    let at = record.any(&["TimeCreated", "@timestamp", "EventTime", "Date and Time"]);
    let computer = record.any(&["MachineName", "Computer", "Hostname"]);
    let number = record.any(&["RecordId", "EventRecordId", "RecordNumber"]);
    (at, named(computer, number))
}

/// Whose password, and by whom: the fields in the order of [`FIELDS`].
fn fields(record: &Record<'_>) -> Option<[String; 6]> {
    let event = record.record("Event").or_else(|| {
        let data = record.record("document")?.record("data")?;
        data.record("Event")
    });
    let data = event.and_then(|event| event.record("EventData"));
    let elastic = record
        .record("winlog")
        .and_then(|winlog| winlog.record("event_data"));
    let named = data.or(elastic);
    let flat = named.as_ref().unwrap_or(record);
    if !flat.text(FIELDS[0]).is_empty() {
        return Some(FIELDS.map(|name| flat.text(name)));
    }
    let properties = record.records("Properties");
    if properties.len() >= FIELDS.len() {
        let mut found = FIELDS.map(|_| String::new());
        for (cell, property) in found.iter_mut().zip(&properties) {
            let nested = property.record("Value").map(|sid| sid.text("Value"));
            *cell = nested.unwrap_or_else(|| property.text("Value"));
        }
        return Some(found).filter(|found| !found[0].is_empty());
    }
    evtxecmd(record).or_else(|| message(&record.any(&["Message", "message"])))
}

/// EvtxECmd: the actor as `DOMAIN\name (SID)`, the target behind `Target: ` in the same form.
fn evtxecmd(record: &Record<'_>) -> Option<[String; 6]> {
    let target = record.text("PayloadData1");
    let (user, domain, sid) = account(target.strip_prefix("Target: ")?)?;
    let (by, by_domain, by_sid) = account(&record.text("UserName")).unwrap_or_default();
    Some([user, domain, sid, by_sid, by, by_domain])
}

fn account(text: &str) -> Option<(String, String, String)> {
    let (name, sid) = text.split_once(" (").unwrap_or((text, ""));
    let (domain, user) = name.trim().split_once('\\')?;
    let sid = sid.trim_end_matches(')');
    Some((user.to_owned(), domain.to_owned(), sid.to_owned()))
}

/// The English message: two parts with the same labels, the actor's first.
fn message(text: &str) -> Option<[String; 6]> {
    let (subject, target) = text.split_once("Target Account:")?;
    let label = |part: &str, label: &str| -> String {
        let lines = part.lines().map(str::trim);
        let mut values = lines.filter_map(|line| line.strip_prefix(label));
        values.next().unwrap_or_default().trim().to_owned()
    };
    let name = |part: &str| label(part, "Account Name:");
    let domain = |part: &str| label(part, "Account Domain:");
    let sid = |part: &str| {
        let id = label(part, "Security ID:");
        if id.starts_with("S-1-") {
            id
        } else {
            String::new()
        }
    };
    let found = [
        name(target),
        domain(target),
        sid(target),
        sid(subject),
        name(subject),
        domain(subject),
    ];
    Some(found).filter(|found| !found[0].is_empty())
}

/// Whether the event says that it failed; most forms hold successes alone or say nothing of it.
fn is_failure(record: &Record<'_>) -> bool {
    let keywords = system(record).map_or_else(
        || record.any(&["Keywords", "event.outcome", "KeywordsDisplayNames"]),
        |system| system.text("Keywords"),
    );
    let outcome = record.record("event").map(|event| event.text("outcome"));
    let words = format!("{keywords} {}", outcome.unwrap_or_default()).to_lowercase();
    if words.contains("failure") {
        return true;
    }
    let bits = match keywords.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok().map(|bits| bits as i64),
        None => keywords.parse::<i64>().ok(),
    };
    bits.is_some_and(|bits| bits != 0 && bits & SUCCESS == 0)
}
