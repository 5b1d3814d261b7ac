//! Facts and gates in words, where no proof speaks of them.

use super::{RowEntry, Term, View, row_entry};
use crate::compile::{GateOrigin, Meaning};
use crate::model::{Owner, Process, RowRef, Table};
use crate::rules::{Fact, Gate};

/// A fact as a chain writes it; a helper is what a recovery for many has in between.
#[must_use]
pub fn fact_text(view: &View<'_>, fact: Fact) -> String {
    let identity = |at: u32| view.org.identities[at as usize].asset;
    let term = match view.program.atlas.meaning(fact) {
        Meaning::Asset(asset) => Term::Asset(asset),
        Meaning::Password(at) => Term::Password(identity(at)),
        Meaning::Mfa(at) => Term::Mfa(identity(at)),
        Meaning::Helper => return "a recovery for many".to_owned(),
    };
    term.text(view)
}

/// The rows that a gate is made of, used or not.
#[must_use]
pub fn gate_rows<'a>(view: &View<'a>, gate: Gate) -> Vec<RowEntry<'a>> {
    let org = view.org;
    let rows: Vec<RowRef> = match view.program.atlas.origin(gate) {
        GateOrigin::SignIn(identity) => vec![org.identities[identity as usize].row],
        GateOrigin::Row(row) => vec![row],
        GateOrigin::Recovery(gate) => {
            let rows = org.rows_of(org.gates[gate as usize]).iter();
            rows.map(|&index| RowRef {
                table: Table::Recoveries,
                index,
            })
            .collect()
        }
        GateOrigin::Shared | GateOrigin::AnyOf => Vec::new(),
    };
    let entries = rows.into_iter();
    entries
        .map(|row| row_entry(org, view.sources, row))
        .collect()
}

/// Who answers for a process: the owner of its policy, else of the first stage that has one.
#[must_use]
pub fn accountable<'a>(view: &View<'a>, process: &Process) -> Option<&'a str> {
    match process.owners.iter().flatten().copied().next() {
        Some(Owner::Identity(asset)) => Some(view.shown(asset)),
        Some(Owner::Text(text)) => Some(view.org.text(text)),
        None => None,
    }
}
