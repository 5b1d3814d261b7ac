//! Mailboxes, systems and processes.

use super::Builder;
use super::declare::Own;
use super::identities::{Owned, once_each};
use super::names::{At, Names, Several};
use super::read::Row;
use super::waves::Looked;
use crate::ingest::schema::{Col, column};
use crate::model::{
    AssetList, Kind, Mailbox, MailboxKind, PROCESS_STAGES, Process, ProcessId, Proofing, RowRef,
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
pub(super) struct MailboxCells {
    kind: MailboxKind,
    owner: Option<At>,
    delegates: Several,
    forwards_to: Several,
}

impl MailboxCells {
    pub(super) fn read<'t>(row: &mut Row<'_, 't>, names: &mut Names<'t>) -> Self {
        Self {
            kind: row
                .word(column!(Mailboxes, "kind"))
                .unwrap_or(MailboxKind::User),
            owner: row.named(names, column!(Mailboxes, "owner"), Kind::Identity, &READERS),
            delegates: row.named_all(
                names,
                column!(Mailboxes, "delegates"),
                Kind::Identity,
                &READERS,
            ),
            forwards_to: row.named_all(
                names,
                column!(Mailboxes, "forwards_to"),
                Kind::Mailbox,
                &[Kind::Mailbox],
            ),
        }
    }
}

/// What a row says of a system besides its id.
pub(super) struct SystemCells {
    criticality: u8,
    owner: Option<At>,
    name: Box<str>,
}

impl SystemCells {
    pub(super) fn read<'t>(row: &mut Row<'_, 't>, names: &mut Names<'t>) -> Self {
        Self {
            criticality: row
                .number(column!(Systems, "criticality"), 0, 2)
                .unwrap_or(2),
            owner: row.named(
                names,
                column!(Systems, "owner"),
                Kind::Identity,
                &[Kind::Identity],
            ),
            name: (&*row.text(column!(Systems, "name"))).into(),
        }
    }
}

/// What a row says of a process besides its id.
pub(super) struct ProcessCells {
    owners: [Option<At>; PROCESS_STAGES.len()],
    proofing: Option<Proofing>,
    approvals: Option<u32>,
    hold_hours: Option<u32>,
    revokes_sessions: Option<bool>,
    logged: Option<bool>,
    /// Name, operator, escalation.
    text: [Box<str>; 3],
}

impl ProcessCells {
    pub(super) fn read<'t>(row: &mut Row<'_, 't>, names: &mut Names<'t>) -> Self {
        Self {
            owners: OWNERS
                .map(|column| row.named(names, column, Kind::Identity, &[Kind::Identity])),
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
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Owner,
    Delegate,
    Forward,
}

impl<'t> Builder<'t> {
    pub(super) fn mailbox(&mut self, cells: MailboxCells, own: Own<'_, 't>, looked: &Looked<'t>) {
        let Own { id, meta, .. } = own;
        let at = self.org.mailboxes.len() as u32;
        let asset = self.org.assets.insert_hashed(id.wanted(), id.shown());
        let found = |name| looked.found_already(name);
        // What a cell lists is kept together: all of it is known, or waits.
        let mut delegates = std::mem::take(&mut self.found);
        delegates.extend(cells.delegates.each().map_while(found));
        let mut waiting = Several::default();
        if delegates.len() < cells.delegates.each().count() {
            waiting = cells.delegates;
            delegates.clear();
        }
        let delegates = self.keep_found(delegates);
        self.org.mailboxes.push(Mailbox {
            asset,
            owner: cells.owner.and_then(found),
            kind: cells.kind,
            delegates,
            forwards_to: AssetList::default(),
            row: RowRef {
                table: Table::Mailboxes,
                index: at,
            },
            meta,
            declared: true,
        });
        let owner = cells.owner.filter(|&owner| found(owner).is_none());
        let owner = owner.into_iter().map(|name| (Reader::Owner, name));
        let delegates = waiting.each().map(|name| (Reader::Delegate, name));
        let forwards = cells.forwards_to.each().map(|name| (Reader::Forward, name));
        let all = owner.chain(delegates).chain(forwards);
        self.mailbox_references
            .extend(all.map(|(reader, name)| (at, reader, looked.later.get(name).clone())));
    }

    /// Owners, delegates and forwards, in the order of the rows.
    pub(super) fn mailbox_references(&mut self) {
        let references = std::mem::take(&mut self.mailbox_references);
        let found = self.look_up(&references, |(_, _, name)| name);
        let mut assets = Vec::new();
        let mut found = found.into_iter();
        // What one cell lists stands together.
        for cell in references.chunk_by(|one, two| (one.0, one.1) == (two.0, two.1)) {
            let (at, reader) = (cell[0].0 as usize, cell[0].1);
            let (row, meta) = (self.org.mailboxes[at].row, self.org.mailboxes[at].meta);
            assets.clear();
            for (_, _, name) in cell {
                let known = found.next().flatten();
                assets.push(known.unwrap_or_else(|| self.find_or_create(name, row, meta)));
            }
            once_each(&mut assets);
            match reader {
                Reader::Owner => self.org.mailboxes[at].owner = assets.first().copied(),
                Reader::Delegate => {
                    self.org.mailboxes[at].delegates = self.org.keep_list(&assets);
                }
                Reader::Forward => {
                    self.org.mailboxes[at].forwards_to = self.org.keep_list(&assets);
                }
            }
        }
    }

    pub(super) fn system(&mut self, cells: SystemCells, own: Own<'_, 't>, looked: &Looked<'t>) {
        let Own { id, meta, .. } = own;
        let at = self.org.systems.len() as u32;
        let asset = self.org.assets.insert_hashed(id.wanted(), id.shown());
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
        self.owner(Owned::System(at), cells.owner, looked);
    }

    pub(super) fn process(&mut self, cells: ProcessCells, own: Own<'_, 't>, looked: &Looked<'t>) {
        let Own { id, meta, .. } = own;
        let process = ProcessId(self.org.processes.len() as u32);
        let [name, operator, escalation] = cells.text;
        let key = fold(id.shown()).into_owned();
        self.org.processes.push(Process {
            id: (id.shown()).into(),
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
            self.owner(Owned::Process(process, stage), owner, looked);
        }
    }
}
