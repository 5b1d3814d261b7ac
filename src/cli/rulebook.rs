//! `--policy`, `--waivers` and `--now`: what was decided outside of the tables, read once and applied to
//! every scan of a command.

use super::Failure;
use super::args::{Format, ScenarioArgs};
use super::complaints;
use super::console::Console;
use super::evidence;
use crate::analyze::{Accepted, Judge, Scan, Waived, WaiverState};
use crate::compile::Options;
use crate::diag::Sources;
use crate::ingest::{policy, waivers};
use crate::model::{Identity, Kind, Organisation, Policy, Waiver, fold};
use crate::report;
use crate::write::evidence::Named;

/// Policy and waivers as they were read.
pub(super) struct Rulebook {
    pub(super) policy: Policy,
    waivers: Vec<Waiver>,
    now: Option<i64>,
}

impl Rulebook {
    /// Reads the files that were named; what is wrong with them is printed.
    pub(super) fn load(
        scenario: &ScenarioArgs,
        format: Format,
        console: &Console,
    ) -> Result<Self, Failure> {
        let mut sources = Sources::default();
        let (waivers, said) = waivers::read(&scenario.waivers, &mut sources);
        if !said.is_empty() {
            complaints::print(console, format, &sources, &said, false);
            return Err(Failure::Usage("the waivers cannot be applied".to_owned()));
        }
        let policy = match &scenario.policy {
            None => policy::built_in(),
            Some(path) => policy::read(path, &mut sources).map_err(|said| {
                complaints::print(console, format, &sources, &said, false);
                Failure::Usage("the policy cannot be applied".to_owned())
            })?,
        };
        console.note(|notes| {
            let named = |name: &str, sha256: &str| Named {
                name: name.to_owned(),
                sha256: sha256.to_owned(),
            };
            notes.rules = vec![named(&format!("policy {}", policy.name), &policy.sha256)];
            for path in &scenario.waivers {
                notes.rules.push(evidence::named("waivers", path));
            }
            let assumed = scenario.assume.iter().map(ToString::to_string);
            notes.assumptions = assumed.collect();
        });
        Ok(Self {
            policy,
            waivers,
            now: scenario.now,
        })
    }

    /// What time it is: `--now`, else the newest time in the inputs, in seconds since 1970 (UTC).
    pub(super) fn now(&self, org: &Organisation) -> Option<i64> {
        self.now.or(newest(org))
    }

    /// From now on it is one time for several organisations: `--now`, else the newest in any.
    pub(super) fn set_clock(&mut self, orgs: &[&Organisation]) {
        let times = orgs.iter().filter_map(|org| newest(org));
        self.now = self.now.or(times.max());
    }

    /// The policy, bound to an organisation.
    pub(super) fn judge(&self, org: &Organisation, options: &Options) -> Judge<'_> {
        self.judge_by(&self.policy, org, options)
    }

    /// Another policy, bound to an organisation at the same time.
    pub(super) fn judge_by<'p>(
        &self,
        policy: &'p Policy,
        org: &Organisation,
        options: &Options,
    ) -> Judge<'p> {
        Judge::new(policy, org, options.standing_only, self.now(org))
    }

    /// Says which groups of the policy nobody is a member of, and notes what time it is.
    pub(super) fn begin(&self, org: &Organisation, format: Format, console: &Console) {
        console.note(|notes| notes.time = self.now(org).map(report::time));
        for rule in &self.policy.rules {
            for name in &rule.when.groups {
                let bare = Kind::split(name).map_or(&**name, |(_, bare)| bare);
                if org.assets.find_spelled(Kind::Group, bare).is_none() {
                    let said = format!(
                        "the policy's rule `{}` names the group `{name}`, which nothing else names",
                        rule.name
                    );
                    complaints::remark(console, format, &said);
                }
            }
            for name in &rule.when.departments {
                let is = |identity: &Identity| fold(org.text(identity.department).trim()) == **name;
                if !org.identities.iter().any(is) {
                    let said = format!(
                        "the policy's rule `{}` names the department `{name}`, in which nobody is",
                        rule.name
                    );
                    complaints::remark(console, format, &said);
                }
            }
        }
        for (tier, demand) in self.policy.demands.iter().enumerate() {
            for name in demand.processes.iter().flatten() {
                let key = fold(name.trim());
                if !org.processes.iter().any(|process| *process.key == *key) {
                    let said = format!(
                        "the policy lets tier {tier} use the process `{name}`, which nothing else names"
                    );
                    complaints::remark(console, format, &said);
                }
            }
        }
    }

    /// Applies the waivers to a scan.
    pub(super) fn waive(&self, org: &Organisation, scan: &mut Scan) -> Result<(), Failure> {
        self.waive_found(org, scan, self.find(org))
    }

    /// What the waivers name in an organisation.
    pub(super) fn find(&self, org: &Organisation) -> Vec<Accepted> {
        Accepted::find(org, &self.waivers)
    }

    /// Applies waivers that were looked up before to a scan.
    pub(super) fn waive_found(
        &self,
        org: &Organisation,
        scan: &mut Scan,
        found: Vec<Accepted>,
    ) -> Result<(), Failure> {
        if found.is_empty() {
            return Ok(());
        }
        let Some(now) = self.now(org) else {
            return Err(Failure::Usage(
                "nothing in the inputs says what time it is, so nobody knows which waivers are in force: give --now, e.g. --now 2026-11-24T00:00:00Z".to_owned(),
            ));
        };
        scan.waived = Waived::new(org, scan, found, now);
        Ok(())
    }
}

/// The newest time in the tables.
fn newest(org: &Organisation) -> Option<i64> {
    let seen = org.signals.iter().filter_map(|signal| signal.seen);
    seen.chain(org.resets.iter().map(|reset| reset.time)).max()
}

/// Says which waivers were of no use.
pub(super) fn remark(scan: &Scan, format: Format, console: &Console) {
    for (waiver, state) in &scan.waived.list {
        let about = waiver.about();
        let until = &waiver.until_text;
        match state {
            WaiverState::InForce(_) | WaiverState::NotSought => {}
            WaiverState::Unused => unused(waiver, format, console),
            WaiverState::Expired => {
                let said = format!("waiver of {about} was in force until {until}: it counts again");
                complaints::remark(console, format, &said);
            }
        }
    }
}

/// Says that a waiver was of no use.
pub(super) fn unused(waiver: &Waiver, format: Format, console: &Console) {
    let about = waiver.about();
    let said = format!("waiver of {about}: nothing that was found is what it names");
    complaints::remark(console, format, &said);
}

/// A waiver that is in force, in one line.
pub(super) fn text(waiver: &Waiver) -> String {
    format!(
        "waived by {} until {}: {}",
        waiver.who, waiver.until_text, waiver.why
    )
}
