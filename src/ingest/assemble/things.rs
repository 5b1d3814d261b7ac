//! Mailboxes, systems and processes.

use super::Builder;
use super::identities::{Owned, PendingOwner, once_each};
use super::read::{Reference, Row};
use crate::ingest::schema::{Col, column};
use crate::model::{
    AssetId, Kind, Mailbox, MailboxKind, PROCESS_STAGES, Process, ProcessId, Proofing, RowRef,
    System, Table, fold,
};

/// The owners of a process, in the order of its stages.
const OWNERS: [Col; PROCESS_STAGES.len()] = [
    column!(Processes, "policy_owner"),
    column!(Processes, "proofing_owner"),
    column!(Processes, "approval_owner"),
    column!(Processes, "execution_owner"),
    column!(Processes, "logging_owner"),
    column!(Processes, "review_owner"),
];
/// The texts of a process.
const TEXTS: [Col; 3] = [
    column!(Processes, "name"),
    column!(Processes, "operator"),
    column!(Processes, "escalation"),
];
/// Whoever reads a mailbox.
const READERS: [Kind; 2] = [Kind::Identity, Kind::Group];

/// What a row says of a mailbox besides its id.
pub(super) struct MailboxCells<'t> {
    kind: MailboxKind,
    owner: Option<Reference<'t>>,
    delegates: Vec<Reference<'t>>,
    forwards_to: Vec<Reference<'t>>,
}

impl<'t> MailboxCells<'t> {
    pub(super) fn read(row: &mut Row<'_, 't>) -> Self {
        Self {
            kind: row
                .word(column!(Mailboxes, "kind"))
                .unwrap_or(MailboxKind::User),
            owner: row.reference(column!(Mailboxes, "owner"), Kind::Identity, &READERS),
            delegates: row.references(column!(Mailboxes, "delegates"), Kind::Identity, &READERS),
            forwards_to: row.references(
                column!(Mailboxes, "forwards_to"),
                Kind::Mailbox,
                &[Kind::Mailbox],
            ),
        }
    }
}

/// What a row says of a system besides its id.
pub(super) struct SystemCells<'t> {
    criticality: u8,
    owner: Option<Reference<'t>>,
    name: Box<str>,
}

impl<'t> SystemCells<'t> {
    pub(super) fn read(row: &mut Row<'_, 't>) -> Self {
        Self {
            criticality: row
                .number(column!(Systems, "criticality"), 0, 2)
                .unwrap_or(2),
            owner: row.reference(column!(Systems, "owner"), Kind::Identity, &[Kind::Identity]),
            name: (&*row.text(column!(Systems, "name"))).into(),
        }
    }
}

/// What a row says of a process besides its id.
pub(super) struct ProcessCells<'t> {
    owners: [Option<Reference<'t>>; PROCESS_STAGES.len()],
    proofing: Option<Proofing>,
    approvals: Option<u32>,
    hold_hours: Option<u32>,
    revokes_sessions: Option<bool>,
    logged: Option<bool>,
    /// Name, operator, escalation.
    text: [Box<str>; 3],
}

impl<'t> ProcessCells<'t> {
    pub(super) fn read(row: &mut Row<'_, 't>) -> Self {
        Self {
            owners: OWNERS.map(|column| row.reference(column, Kind::Identity, &[Kind::Identity])),
            proofing: row.word(column!(Processes, "proofing")),
            approvals: row.number(column!(Processes, "approvals"), 0, 1000),
            hold_hours: row.number(column!(Processes, "hold_hours"), 0, 100_000),
            revokes_sessions: row.boolean(column!(Processes, "revokes_sessions")),
            logged: row.boolean(column!(Processes, "logged")),
            text: TEXTS.map(|column| (&*row.text(column)).into()),
        }
    }
}

/// What refers to a mailbox's readers.
#[derive(Clone, Copy)]
pub(super) enum Reader {
    Owner,
    Delegate,
    Forward,
}

impl<'t> Builder<'t> {
    pub(super) fn mailbox(&mut self, mut row: Row<'_, 't>, id: &Reference<'t>) -> Option<AssetId> {
        let cells = MailboxCells::read(&mut row);
        let meta = Self::meta(row.raw);
        if !self.keep(row) {
            return None;
        }
        let at = self.org.mailboxes.len() as u32;
        let asset = self.org.assets.insert(Kind::Mailbox, &id.key, &id.shown);
        self.org.mailboxes.push(Mailbox {
            asset,
            owner: None,
            kind: cells.kind,
            delegates: Vec::new(),
            forwards_to: Vec::new(),
            row: RowRef {
                table: Table::Mailboxes,
                index: at,
            },
            meta,
            declared: true,
        });
        let owner = cells.owner.into_iter().map(|name| (Reader::Owner, name));
        let delegates = cells
            .delegates
            .into_iter()
            .map(|name| (Reader::Delegate, name));
        let forwards = cells
            .forwards_to
            .into_iter()
            .map(|name| (Reader::Forward, name));
        let all = owner.chain(delegates).chain(forwards);
        self.mailbox_references
            .extend(all.map(|(reader, name)| (at, reader, name)));
        Some(asset)
    }

    /// Owners, delegates and forwards, in the order of the rows.
    pub(super) fn mailbox_references(&mut self) {
        for (at, reader, name) in std::mem::take(&mut self.mailbox_references) {
            let mailbox = &self.org.mailboxes[at as usize];
            let (row, meta) = (mailbox.row, mailbox.meta.clone());
            let asset = self.resolve(&name, row, &meta);
            let mailbox = &mut self.org.mailboxes[at as usize];
            let list = match reader {
                Reader::Owner => {
                    mailbox.owner = Some(asset);
                    continue;
                }
                Reader::Delegate => &mut mailbox.delegates,
                Reader::Forward => &mut mailbox.forwards_to,
            };
            list.push(asset);
        }
        for mailbox in &mut self.org.mailboxes {
            once_each(&mut mailbox.delegates);
            once_each(&mut mailbox.forwards_to);
        }
    }

    pub(super) fn system(&mut self, mut row: Row<'_, 't>, id: &Reference<'t>) -> Option<AssetId> {
        let cells = SystemCells::read(&mut row);
        let meta = Self::meta(row.raw);
        if !self.keep(row) {
            return None;
        }
        let at = self.org.systems.len() as u32;
        let asset = self.org.assets.insert(Kind::System, &id.key, &id.shown);
        self.org.systems.push(System {
            asset,
            name: cells.name,
            criticality: cells.criticality,
            owner: None,
            row: RowRef {
                table: Table::Systems,
                index: at,
            },
            meta,
            declared: true,
        });
        let owner = cells.owner.map(|name| PendingOwner {
            of: Owned::System(at),
            name,
        });
        self.pending_owners.extend(owner);
        Some(asset)
    }

    pub(super) fn process(&mut self, mut row: Row<'_, 't>, id: &Reference<'t>) {
        let cells = ProcessCells::read(&mut row);
        let meta = Self::meta(row.raw);
        if !self.keep(row) {
            return;
        }
        let process = ProcessId(self.org.processes.len() as u32);
        let [name, operator, escalation] = cells.text;
        let key = fold(&id.shown).into_owned();
        self.org.processes.push(Process {
            id: (&*id.shown).into(),
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
            let owner = owner.map(|name| PendingOwner {
                of: Owned::Process(process, stage),
                name,
            });
            self.pending_owners.extend(owner);
        }
    }
}
