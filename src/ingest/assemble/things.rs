//! Mailboxes, systems and processes.

use super::Builder;
use super::declare::Declared;
use super::identities::{Owned, PendingOwner};
use super::read::{Reference, Row};
use crate::model::{
    Kind, Mailbox, MailboxKind, PROCESS_STAGES, Process, ProcessId, Proofing, RowRef, System,
    Table, fold,
};

/// Whoever reads a mailbox.
const READERS: [Kind; 2] = [Kind::Identity, Kind::Group];

/// What a row says of a mailbox besides its id.
pub(super) struct MailboxCells {
    kind: MailboxKind,
    owner: Option<Reference>,
    delegates: Vec<Reference>,
    forwards_to: Vec<Reference>,
}

impl MailboxCells {
    pub(super) fn read(row: &mut Row<'_>) -> Self {
        Self {
            kind: row.word("kind").unwrap_or(MailboxKind::User),
            owner: row.reference("owner", Kind::Identity, &READERS),
            delegates: row.references("delegates", Kind::Identity, &READERS),
            forwards_to: row.references("forwards_to", Kind::Mailbox, &[Kind::Mailbox]),
        }
    }
}

/// What a row says of a system besides its id.
pub(super) struct SystemCells {
    criticality: u8,
    owner: Option<Reference>,
    name: Box<str>,
}

impl SystemCells {
    pub(super) fn read(row: &mut Row<'_>) -> Self {
        Self {
            criticality: row.number("criticality", 0, 2).unwrap_or(2),
            owner: row.reference("owner", Kind::Identity, &[Kind::Identity]),
            name: row.text("name"),
        }
    }
}

/// What a row says of a process besides its id.
pub(super) struct ProcessCells {
    owners: [Option<Reference>; PROCESS_STAGES.len()],
    proofing: Option<Proofing>,
    approvals: Option<u32>,
    hold_hours: Option<u32>,
    revokes_sessions: Option<bool>,
    logged: Option<bool>,
    /// Name, operator, escalation.
    text: [Box<str>; 3],
}

impl ProcessCells {
    pub(super) fn read(row: &mut Row<'_>) -> Self {
        Self {
            owners: PROCESS_STAGES.map(|stage| {
                row.reference(&format!("{stage}_owner"), Kind::Identity, &[Kind::Identity])
            }),
            proofing: row.word("proofing"),
            approvals: row.number("approvals", 0, 1000),
            hold_hours: row.number("hold_hours", 0, 100_000),
            revokes_sessions: row.boolean("revokes_sessions"),
            logged: row.boolean("logged"),
            text: ["name", "operator", "escalation"].map(|column| row.text(column)),
        }
    }
}

impl Builder {
    pub(super) fn declare_mailboxes(&mut self, declared: Vec<Declared>) {
        for Declared { context, id, row } in declared {
            let mut reader = Row::new(context, &row);
            let MailboxCells {
                kind,
                owner,
                delegates,
                forwards_to,
            } = MailboxCells::read(&mut reader);
            if !self.keep(reader) {
                continue;
            }
            let at = self.org.mailboxes.len() as u32;
            let asset = self.org.assets.insert(Kind::Mailbox, id.key, &id.shown);
            self.mailbox_of.insert(asset, at);
            let meta = self.meta(&row);
            self.org.mailboxes.push(Mailbox {
                asset,
                owner: None,
                kind,
                delegates: Vec::new(),
                forwards_to: Vec::new(),
                row: RowRef {
                    table: Table::Mailboxes,
                    index: at,
                },
                meta,
                declared: true,
            });
            self.mailbox_references
                .push((owner, delegates, forwards_to));
        }
    }

    pub(super) fn mailbox_references(&mut self) {
        for (at, (owner, delegates, forwards)) in std::mem::take(&mut self.mailbox_references)
            .into_iter()
            .enumerate()
        {
            let row = self.org.mailboxes[at].row;
            let meta = self.org.mailboxes[at].meta.clone();
            let owner = owner.map(|owner| self.resolve(&owner, row, &meta));
            let delegates = self.resolve_all(&delegates, row, &meta);
            let forwards_to = self.resolve_all(&forwards, row, &meta);
            let mailbox = &mut self.org.mailboxes[at];
            mailbox.owner = owner;
            mailbox.delegates = delegates;
            mailbox.forwards_to = forwards_to;
        }
    }

    pub(super) fn declare_systems(&mut self, declared: Vec<Declared>) {
        for Declared { context, id, row } in declared {
            let mut reader = Row::new(context, &row);
            let SystemCells {
                criticality,
                owner,
                name,
            } = SystemCells::read(&mut reader);
            if !self.keep(reader) {
                continue;
            }
            let at = self.org.systems.len() as u32;
            let asset = self.org.assets.insert(Kind::System, id.key, &id.shown);
            self.system_of.insert(asset, at);
            let meta = self.meta(&row);
            self.org.systems.push(System {
                asset,
                name,
                criticality,
                owner: None,
                row: RowRef {
                    table: Table::Systems,
                    index: at,
                },
                meta,
                declared: true,
            });
            if let Some(name) = owner {
                self.pending_owners.push(PendingOwner {
                    of: Owned::System(at),
                    name,
                });
            }
        }
    }

    pub(super) fn declare_processes(&mut self, declared: Vec<Declared>) {
        for Declared { context, id, row } in declared {
            let mut reader = Row::new(context, &row);
            let cells = ProcessCells::read(&mut reader);
            if !self.keep(reader) {
                continue;
            }
            let process = ProcessId(self.org.processes.len() as u32);
            let [name, operator, escalation] = cells.text;
            let meta = self.meta(&row);
            let key = fold(&id.shown);
            self.org.processes.push(Process {
                id: id.shown.as_str().into(),
                key: key.as_str().into(),
                name,
                operator,
                owners: [const { None }; 6],
                proofing: cells.proofing,
                approvals: cells.approvals,
                hold_hours: cells.hold_hours,
                revokes_sessions: cells.revokes_sessions,
                logged: cells.logged,
                escalation,
                row: RowRef {
                    table: Table::Processes,
                    index: process.0,
                },
                meta,
                declared: true,
            });
            self.processes.insert(key, process);
            for (stage, owner) in cells.owners.into_iter().enumerate() {
                if let Some(name) = owner {
                    self.pending_owners.push(PendingOwner {
                        of: Owned::Process(process, stage),
                        name,
                    });
                }
            }
        }
    }
}
