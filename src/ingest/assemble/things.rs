//! Mailboxes, systems and processes.

use super::Builder;
use super::declare::Declared;
use super::identities::{Owned, PendingOwner};
use super::read::Row;
use crate::model::{
    Kind, Mailbox, MailboxKind, PROCESS_STAGES, Process, ProcessId, Proofing, RowRef, System,
    Table, fold,
};

/// Whoever reads a mailbox.
const READERS: [Kind; 2] = [Kind::Identity, Kind::Group];

impl Builder {
    pub(super) fn declare_mailboxes(&mut self, declared: Vec<Declared>) {
        for Declared { context, id, row } in declared {
            let mut reader = Row::new(context, &row);
            let kind = reader
                .word::<MailboxKind>("kind")
                .unwrap_or(MailboxKind::User);
            let owner = reader.reference("owner", Kind::Identity, &READERS);
            let delegates = reader.references("delegates", Kind::Identity, &READERS);
            let forwards = reader.references("forwards_to", Kind::Mailbox, &[Kind::Mailbox]);
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
            self.mailbox_references.push((owner, delegates, forwards));
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
            let criticality = reader.number::<u8>("criticality", 0, 2).unwrap_or(2);
            let owner = reader.reference("owner", Kind::Identity, &[Kind::Identity]);
            let name = reader.text("name");
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
            let owners = PROCESS_STAGES.map(|stage| {
                reader.reference(&format!("{stage}_owner"), Kind::Identity, &[Kind::Identity])
            });
            let proofing = reader.word::<Proofing>("proofing");
            let approvals = reader.number::<u32>("approvals", 0, 1000);
            let hold_hours = reader.number::<u32>("hold_hours", 0, 100_000);
            let revokes_sessions = reader.boolean("revokes_sessions");
            let logged = reader.boolean("logged");
            let text = ["name", "operator", "escalation"].map(|column| reader.text(column));
            if !self.keep(reader) {
                continue;
            }
            let process = ProcessId(self.org.processes.len() as u32);
            let [name, operator, escalation] = text;
            let meta = self.meta(&row);
            let key = fold(&id.shown);
            self.org.processes.push(Process {
                id: id.shown.as_str().into(),
                key: key.as_str().into(),
                name,
                operator,
                owners: [const { None }; 6],
                proofing,
                approvals,
                hold_hours,
                revokes_sessions,
                logged,
                escalation,
                row: RowRef {
                    table: Table::Processes,
                    index: process.0,
                },
                meta,
                declared: true,
            });
            self.processes.insert(key, process);
            for (stage, owner) in owners.into_iter().enumerate() {
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
