//! Logs of resets: what a directory or a ticket system knows of each becomes a row of `resets`. A log of
//! a directory knows channels, not processes, so `self_service` or `administrator` stands for the process.

mod entra;
mod okta;
mod people;
mod servicenow;
mod windows;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::keys::{Joined, Key};
use super::table::{From, Maker};
use crate::diag::Origin;
use crate::model::Table;

pub use entra::EntraLog;
pub use okta::OktaLog;
pub(super) use people::People;
pub use servicenow::ServiceNowLog;
pub use windows::WindowsLog;

const SELF_SERVICE: &str = "self_service";
const ADMINISTRATOR: &str = "administrator";

/// A reset as a log tells it.
#[derive(Clone, Debug, Default)]
struct Logged {
    id: String,
    time: Option<Timestamp>,
    /// Keys of the account, the strongest first, and what it is called where none is known.
    target: (Vec<(Key, String)>, String),
    process: String,
    agent: (Vec<(Key, String)>, String),
    evidence: Vec<&'static str>,
    restored: &'static str,
    sessions_revoked: Option<bool>,
    requested: Option<Timestamp>,
    /// What one reset writes several records of has in common.
    together: String,
}

/// Resets of one log with their places, and when sessions of whom were revoked.
#[derive(Default)]
struct Log {
    resets: Vec<(Logged, Origin)>,
    /// By account as the log names it.
    revoked: BTreeMap<String, Vec<Timestamp>>,
}

impl Log {
    /// Writes the rows. Records of one reset (the same account, the same thing restored, within so many
    /// seconds) are one row; sessions that were revoked within so many seconds are revoked by it.
    fn write(mut self, maker: &mut Maker<'_>, within: i64, sessions_within: i64) {
        self.resets.sort_by(|(one, at), (two, then)| {
            (one.time, &one.id, at).cmp(&(two.time, &two.id, then))
        });
        // Of a ticket that stands in several exports the last word counts.
        let mut latest: BTreeMap<String, Option<Timestamp>> = BTreeMap::new();
        for (reset, _) in &self.resets {
            let known = latest.entry(reset.id.to_lowercase()).or_default();
            *known = (*known).max(reset.time);
        }
        let count = self.resets.len();
        self.resets
            .retain(|(reset, _)| latest.get(&reset.id.to_lowercase()) == Some(&reset.time));
        for _ in self.resets.len()..count {
            maker.leave_out("tickets that a later export tells again");
        }
        let mut last: BTreeMap<(String, &'static str), Timestamp> = BTreeMap::new();
        for (reset, origin) in &self.resets {
            let Some(time) = reset.time else {
                maker.leave_out("resets without a time that can be read");
                continue;
            };
            let name = reset.target.1.to_lowercase();
            // Where nothing says that records belong together, whoever acted must be the same.
            let (whose, by) = (strongest(&reset.target), strongest(&reset.agent));
            let key = match &*reset.together {
                "" => (format!("{whose}\n{by}\n"), reset.restored),
                together => (format!("{whose}\n\n{together}"), reset.restored),
            };
            let apart = |last: &Timestamp| time.as_second() - last.as_second();
            if last.get(&key).is_some_and(|last| apart(last) <= within) {
                maker.leave_out("further records of one reset");
                continue;
            }
            last.insert(key, time);
            let mine = self.revoked.get(&name).map_or(&[][..], Vec::as_slice);
            let is_revoked = mine
                .iter()
                .any(|revoked| (revoked.as_second() - time.as_second()).abs() <= sessions_within);
            let revoked = if is_revoked {
                Some(true)
            } else {
                reset.sessions_revoked
            };
            let from = From {
                origin: *origin,
                object: &reset.id,
            };
            let cells = [
                ("id", reset.id.clone()),
                ("time", time.to_string()),
                ("identity", account(maker, &reset.target)),
                ("process", reset.process.clone()),
                ("agent", account(maker, &reset.agent)),
                ("evidence", reset.evidence.join(";")),
                ("restored", reset.restored.to_owned()),
                (
                    "sessions_revoked",
                    revoked.map(|is| is.to_string()).unwrap_or_default(),
                ),
                (
                    "requested",
                    reset
                        .requested
                        .map(|time| time.to_string())
                        .unwrap_or_default(),
                ),
            ];
            let cells = cells.each_ref().map(|(name, cell)| (*name, &**cell));
            maker.row(Table::Resets, from, &cells);
        }
    }
}

/// The key that tells an account from others most surely.
fn strongest((keys, name): &(Vec<(Key, String)>, String)) -> String {
    let mut known = keys.iter().map(|(_, value)| value);
    let found = known.find(|value| !value.is_empty()).unwrap_or(name);
    found.to_lowercase()
}

/// The account that some keys lead to, in the exports or in tables that were written before, else its
/// name in the log.
fn account(maker: &Maker<'_>, (keys, name): &(Vec<(Key, String)>, String)) -> String {
    let known: Vec<(Key, &str)> = keys.iter().map(|(key, value)| (*key, &**value)).collect();
    if let Joined::One(id) = maker.keys.find(&known) {
        return id;
    }
    let names = keys.iter().map(|(_, value)| &**value);
    let sid = keys
        .iter()
        .find(|(key, value)| *key == Key::Sid && !value.is_empty());
    let sid = sid.map(|(_, sid)| &**sid);
    let found = maker.people.find(names.chain([&**name]), name, sid);
    found.map_or_else(|| name.replace(';', ","), str::to_owned)
}

/// A time in one of the forms that logs have: RFC 3339, the same with a space and without a zone (taken
/// as UTC), or PowerShell's `/Date(ms)/`.
fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(ms) = text
        .trim_start_matches('\\')
        .strip_prefix("/Date(")
        .and_then(|rest| rest.split(')').next())
    {
        return Timestamp::from_millisecond(ms.parse().ok()?).ok();
    }
    let parsed: Option<Timestamp> = text.parse().ok();
    parsed.or_else(|| {
        let local = text.replacen(' ', "T", 1);
        let local: jiff::civil::DateTime = local.parse().ok()?;
        local
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
            .map(|zoned| zoned.timestamp())
    })
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times_of_logs() {
        let shown = |text: &str| time(text).map(|time| time.to_string()).unwrap_or_default();
        assert_eq!(
            shown("2022-06-27T10:03:43.009984+00:00"),
            "2022-06-27T10:03:43.009984Z"
        );
        assert_eq!(
            shown("2018-01-09T21:20:02.7215374Z"),
            "2018-01-09T21:20:02.7215374Z"
        );
        assert_eq!(shown("2016-01-19 04:49:47"), "2016-01-19T04:49:47Z");
        assert_eq!(shown("/Date(1595374458918)/"), "2020-07-21T23:34:18.918Z");
        assert_eq!(shown("10/7/2016 06:38:24 PM"), "");
    }
}
