//! Recovery processes and violations as CSV.

use std::io;

use super::guarded;
use crate::model::PROCESS_STAGES;
use crate::report::{ProcessEntry, ViolationEntry};

/// `accountability.csv`: a row per process, the riskiest first.
///
/// # Errors
/// When it cannot be written.
pub fn write_accountability(
    entries: &[ProcessEntry<'_>],
    guard: bool,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut out = csv::Writer::from_writer(out);
    let stages = PROCESS_STAGES.iter().map(|stage| format!("{stage}_owner"));
    let header = ["process", "name", "operator"].map(str::to_owned);
    let tail = [
        "gaps",
        "owners_inside",
        "tier0",
        "tier1",
        "tier2",
        "tier3",
        "critical_chains",
        "unmet",
    ];
    out.write_record(
        header
            .into_iter()
            .chain(stages)
            .chain(tail.map(str::to_owned)),
    )?;
    for entry in entries {
        let id = if guard {
            guarded(&entry.id)
        } else {
            (&*entry.id).into()
        };
        let owner = |owner: &Option<String>| owner.clone().unwrap_or_default();
        let gaps = entry.owners.iter().filter(|one| one.owner.is_none());
        let gaps: Vec<&str> = gaps.map(|one| &*one.stage).collect();
        let inside = entry.owners_inside.iter();
        let inside: Vec<String> = inside
            .map(|one| format!("{} ({})", owner(&one.owner), one.stage))
            .collect();
        let unmet = entry.unmet.iter().map(|one| {
            let accounts: u32 = one.accounts.iter().sum();
            let plural = if accounts == 1 { "account" } else { "accounts" };
            format!("{} for {accounts} {plural}", one.what)
        });
        let mut row: Vec<String> = vec![
            id.into_owned(),
            guarded(&entry.name).into_owned(),
            guarded(&entry.operator).into_owned(),
        ];
        row.extend(entry.owners.iter().map(|one| {
            let owner = owner(&one.owner);
            guarded(&owner).into_owned()
        }));
        row.push(gaps.join("; "));
        row.push(guarded(&inside.join("; ")).into_owned());
        row.extend(entry.targets.iter().map(u32::to_string));
        row.push(entry.critical_chains.to_string());
        row.push(unmet.collect::<Vec<_>>().join("; "));
        out.write_record(row)?;
    }
    out.flush()
}

/// Violations, a row each.
///
/// # Errors
/// When it cannot be written.
pub fn write_violations(
    entries: &[ViolationEntry<'_>],
    guard: bool,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut out = csv::Writer::from_writer(out);
    out.write_record([
        "kind",
        "tier",
        "identity",
        "time",
        "process",
        "agent",
        "stage",
        "accountable",
        "detail",
        "control",
        "references",
        "resets",
        "file",
        "line",
    ])?;
    for entry in entries {
        let raw = |text: &str| -> String {
            if guard {
                guarded(text).into_owned()
            } else {
                text.to_owned()
            }
        };
        let free = |text: &str| guarded(text).into_owned();
        let last = entry.rows.last();
        let line = last.and_then(|row| row.line);
        out.write_record([
            entry.kind.to_owned(),
            entry.tier.map(|tier| tier.to_string()).unwrap_or_default(),
            raw(&entry.identity),
            entry.time.clone(),
            raw(&entry.process),
            raw(entry.agent.as_deref().unwrap_or_default()),
            entry.stage.to_owned(),
            free(entry.accountable.as_deref().unwrap_or_default()),
            free(&entry.detail),
            entry.control.to_owned(),
            entry.references.join("; "),
            raw(&entry.resets.join("; ")),
            last.map(|row| free(&row.file)).unwrap_or_default(),
            line.map(|line| line.to_string()).unwrap_or_default(),
        ])?;
    }
    out.flush()
}
