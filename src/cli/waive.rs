//! `--waivers`: accepted risks read once and applied to every scan of a command.

use super::Failure;
use super::args::{Format, ScenarioArgs};
use super::complaints;
use super::console::Console;
use crate::analyze::{Accepted, Scan, Waived, WaiverState};
use crate::diag::Sources;
use crate::ingest::waivers;
use crate::model::{Organisation, Waiver};

/// Waivers as they were read.
#[derive(Default)]
pub(super) struct Waivers {
    list: Vec<Waiver>,
    now: Option<i64>,
}

impl Waivers {
    /// Reads the files that were named; what is wrong with them is printed.
    pub(super) fn load(
        scenario: &ScenarioArgs,
        format: Format,
        console: &Console,
    ) -> Result<Self, Failure> {
        let mut sources = Sources::default();
        let (list, said) = waivers::read(&scenario.waivers, &mut sources);
        if !said.is_empty() {
            complaints::print(console, format, &sources, &said, false);
            return Err(Failure::Usage("the waivers cannot be applied".to_owned()));
        }
        Ok(Self {
            list,
            now: scenario.now,
        })
    }

    /// Applies them to a scan.
    pub(super) fn apply(&self, org: &Organisation, scan: &mut Scan) -> Result<(), Failure> {
        self.apply_found(org, scan, self.find(org))
    }

    /// What they name in an organisation.
    pub(super) fn find(&self, org: &Organisation) -> Vec<Accepted> {
        Accepted::find(org, &self.list)
    }

    /// Applies them to a scan, found before. The clock is `--now`, else the newest time in the inputs.
    pub(super) fn apply_found(
        &self,
        org: &Organisation,
        scan: &mut Scan,
        found: Vec<Accepted>,
    ) -> Result<(), Failure> {
        if found.is_empty() {
            return Ok(());
        }
        let seen = org.signals.iter().filter_map(|signal| signal.seen);
        let newest = seen.chain(org.resets.iter().map(|reset| reset.time)).max();
        let Some(now) = self.now.or(newest) else {
            return Err(Failure::Usage(
                "nothing in the inputs says what time it is, so nobody knows which waivers are in force: give --now, e.g. --now 2026-11-24T00:00:00Z".to_owned(),
            ));
        };
        scan.waived = Waived::new(org, scan, found, now);
        Ok(())
    }
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
