//! Things that could be taken away or changed, in words, with their rows and who answers for them.

use super::{RowEntry, View, accountable, row_entry};
use crate::analyze::choke::Thing;
use crate::model::{
    AssetId, Kind, Organisation, Owner, Restored, RowRef, Source, Table, Target, Word,
};

/// A thing in one line, names as shown: not yet escaped for any output.
#[must_use]
pub fn thing_text(view: &View<'_>, thing: Thing) -> String {
    let org = view.org;
    match thing {
        Thing::Recovery(gate) => recovery_text(org, gate),
        Thing::Asset(asset) => named(org, asset),
        Thing::Reader(mailbox, reader) => {
            let mailbox = &org.mailboxes[mailbox as usize];
            format!("{} reads {}", named(org, reader), named(org, mailbox.asset))
        }
        Thing::Row(row) => {
            let at = row.index as usize;
            match row.table {
                Table::MfaBindings => {
                    let binding = &org.bindings[at];
                    let holder = binding.holder.map(|holder| named(org, holder));
                    format!(
                        "{} of {} held by {}",
                        binding.factor.word(),
                        named(org, binding.identity),
                        holder.as_deref().unwrap_or("nobody")
                    )
                }
                Table::Holdings => {
                    let holding = &org.holdings[at];
                    format!(
                        "{} uses {}",
                        named(org, holding.holder),
                        named(org, holding.asset)
                    )
                }
                Table::Memberships => {
                    let row = &org.memberships[at];
                    format!("{} in {}", named(org, row.member), named(org, row.group))
                }
                _ => {
                    let grant = &org.grants[at];
                    let role = match org.text(grant.role) {
                        "" => String::new(),
                        role => format!(" as {role}"),
                    };
                    format!(
                        "{} has {}{role}",
                        named(org, grant.principal),
                        named(org, grant.system)
                    )
                }
            }
        }
    }
}

/// Sources that are told of a recovery with very many.
const TOLD: usize = 3;

/// A recovery in one line: what is restored, by what, from where.
#[must_use]
pub fn recovery_text(org: &Organisation, gate: u32) -> String {
    let gate = org.gates[gate as usize];
    let restored = match gate.restores {
        Restored::Asset => String::new(),
        restored => format!("{} of ", restored.word()),
    };
    let target = match gate.target {
        Target::Everyone => "everybody".to_owned(),
        Target::Asset(asset) => named(org, asset),
    };
    let rows = org.recoveries_of(gate);
    let mut by: Vec<String> = rows
        .take(TOLD)
        .map(|row| {
            let source = match row.source {
                Source::Nobody => return row.method.word().to_owned(),
                Source::Own(own) => own.word().to_owned(),
                Source::Asset(asset) => named(org, asset),
            };
            format!("{} of {source}", row.method.word())
        })
        .collect();
    if gate.count as usize > TOLD {
        by.push(format!("{} more", gate.count as usize - TOLD));
    }
    let need = if gate.count > 1 {
        format!("{} of {}: ", gate.need, gate.count)
    } else {
        String::new()
    };
    let process = org
        .recoveries_of(gate)
        .find_map(|row| row.process)
        .map(|process| format!(" ({})", org.processes[process.0 as usize].id));
    format!(
        "{restored}{target} by {need}{}{}",
        by.join(", "),
        process.unwrap_or_default()
    )
}

/// The rows that a thing is made of.
#[must_use]
pub fn thing_rows<'a>(view: &View<'a>, thing: Thing) -> Vec<RowEntry<'a>> {
    let rows = row_refs(view.org, thing).into_iter();
    rows.map(|row| row_entry(view.org, view.sources, row))
        .collect()
}

fn row_refs(org: &Organisation, thing: Thing) -> Vec<RowRef> {
    match thing {
        Thing::Recovery(gate) => {
            let rows = org.rows_of(org.gates[gate as usize]).iter();
            rows.map(|&index| RowRef {
                table: Table::Recoveries,
                index,
            })
            .collect()
        }
        Thing::Row(row) => vec![row],
        Thing::Reader(mailbox, _) => vec![org.mailboxes[mailbox as usize].row],
        Thing::Asset(asset) => match org.identity_of.get(asset.index()).copied().flatten() {
            Some(at) => vec![org.identities[at as usize].row],
            None => {
                let mailbox = org.mailboxes.iter().find(|row| row.asset == asset);
                mailbox.map(|mailbox| mailbox.row).into_iter().collect()
            }
        },
    }
}

/// Who answers for a thing, as shown: the owner of a recovery's process, of an identity, of the
/// identity that a row is about, of a system.
#[must_use]
pub fn thing_owner<'a>(view: &View<'a>, thing: Thing) -> Option<&'a str> {
    let org = view.org;
    match thing {
        Thing::Recovery(gate) => {
            let process = org.recoveries_of(org.gates[gate as usize]);
            let process = process.into_iter().find_map(|row| row.process)?;
            accountable(view, &org.processes[process.0 as usize])
        }
        Thing::Asset(asset) => owner_of(view, asset),
        Thing::Reader(mailbox, _) => {
            let mailbox = &org.mailboxes[mailbox as usize];
            mailbox.owner.map(|owner| view.shown(owner))
        }
        Thing::Row(row) => {
            let at = row.index as usize;
            match row.table {
                Table::MfaBindings => owner_of(view, org.bindings[at].identity),
                Table::Memberships => owner_of(view, org.memberships[at].member),
                Table::Grants => {
                    let system = org.grants[at].system;
                    let system = org.systems.iter().find(|row| row.asset == system)?;
                    owner_text(view, system.owner.as_ref())
                }
                _ => None,
            }
        }
    }
}

fn owner_of<'a>(view: &View<'a>, asset: AssetId) -> Option<&'a str> {
    owner_text(view, view.org.identity(asset)?.owner.as_ref())
}

fn owner_text<'a>(view: &View<'a>, owner: Option<&Owner>) -> Option<&'a str> {
    match owner? {
        Owner::Identity(asset) => Some(view.shown(*asset)),
        Owner::Text(text) => Some(view.org.text(*text)),
    }
}

fn named(org: &Organisation, asset: AssetId) -> String {
    let found = org.assets.get(asset);
    match found.kind {
        Kind::Identity => found.shown.to_owned(),
        kind => format!("{}:{}", kind.word(), found.shown),
    }
}
