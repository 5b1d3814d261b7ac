//! Everything that was read, with names resolved and gates put together.

use std::num::NonZeroU32;

use rustc_hash::FxHashSet;

use super::{
    AssetId, AssetList, Assets, Binding, Coverage, Grant, Holding, Identity, Mailbox, Membership,
    Process, Recovery, Reset, Restored, Signal, System, Table, Target, Text, Texts,
};
use crate::diag::Origin;

/// A process of one organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u32);

/// Where an imported row comes from in the export it was made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The file of the export.
    pub file: Box<str>,
    /// The line there, from 1.
    pub line: Option<u32>,
    /// The object there, by its native id.
    pub object: Box<str>,
}

/// A provenance of one organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProvenanceId(NonZeroU32);

/// Where a row is, and where it came from if it was imported.
#[derive(Clone, Copy, Debug)]
pub struct RowMeta {
    /// Its place in the files that were read.
    pub origin: Origin,
    /// Its place in the export that it was imported from.
    pub provenance: Option<ProvenanceId>,
}

/// A row by table and position among the rows of that table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowRef {
    /// The table.
    pub table: Table,
    /// The position in the organisation's list of that table's rows.
    pub index: u32,
}

/// Gates of an organisation that are put together apart, so that threads can share the work.
#[derive(Debug, Default)]
pub struct MadeGates {
    gates: Vec<RecoveryGate>,
    rows: Vec<u32>,
}

impl MadeGates {
    /// Adds a gate of these rows of `recoveries`, which agree on what they are for.
    pub fn push(&mut self, recoveries: &[Recovery], rows: &[u32], need: u32) {
        let Some(first) = rows.first().map(|&row| &recoveries[row as usize]) else {
            return;
        };
        self.gates.push(RecoveryGate {
            start: self.rows.len() as u32,
            count: rows.len() as u32,
            need,
            target: first.target,
            restores: first.restores,
        });
        self.rows.extend_from_slice(rows);
    }
}

/// Rows of `recoveries` that form one gate.
#[derive(Clone, Copy, Debug)]
pub struct RecoveryGate {
    /// Where its rows start in [`Organisation::gate_rows`].
    start: u32,
    /// How many distinct rows it has, at least one.
    pub count: u32,
    /// How many of them must be satisfied.
    pub need: u32,
    /// What it is for.
    pub target: Target,
    /// What it restores.
    pub restores: Restored,
}

/// An input file that took part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name, relative to the input it was found in.
    pub name: String,
    /// What it holds, in words: a table's name or the kind of export.
    pub holds: String,
    /// Rows or objects read from it.
    pub rows: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// An organisation: immutable once built.
#[derive(Clone, Debug, Default)]
pub struct Organisation {
    /// Every name.
    pub assets: Assets,
    /// Free text of the rows.
    pub texts: Texts,
    /// Declared identities in the order of their rows, then created ones.
    pub identities: Vec<Identity>,
    /// Declared mailboxes in the order of their rows, then created ones.
    pub mailboxes: Vec<Mailbox>,
    /// Rows of `mfa_bindings`.
    pub bindings: Vec<Binding>,
    /// Rows of `holdings`.
    pub holdings: Vec<Holding>,
    /// Rows of `recoveries`.
    pub recoveries: Vec<Recovery>,
    /// The gates that those rows form, in the order of their first rows.
    pub gates: Vec<RecoveryGate>,
    /// The rows of the gates, gate by gate, as positions in `recoveries`.
    pub gate_rows: Vec<u32>,
    /// Rows of `memberships`.
    pub memberships: Vec<Membership>,
    /// Declared systems in the order of their rows, then created ones.
    pub systems: Vec<System>,
    /// Rows of `grants`.
    pub grants: Vec<Grant>,
    /// Declared processes in the order of their rows, then created ones.
    pub processes: Vec<Process>,
    /// Rows of `signals`.
    pub signals: Vec<Signal>,
    /// Rows of `resets`.
    pub resets: Vec<Reset>,
    /// What the exports could not show.
    pub coverage: Vec<Coverage>,
    /// What rows list, in one piece.
    lists: Vec<AssetId>,
    /// Where imported rows come from.
    provenances: Vec<Provenance>,
    /// The files that took part.
    pub inputs: Vec<Input>,
    /// Whether bad rows were left out.
    pub partial: bool,
    /// Rows that a change set takes back: they are listed and do not count.
    pub withdrawn: FxHashSet<RowRef>,
    /// For every asset the position of its identity in `identities`.
    pub identity_of: Vec<Option<u32>>,
}

impl Organisation {
    /// Keeps the assets that a row lists.
    pub fn keep_list(&mut self, assets: &[AssetId]) -> AssetList {
        if assets.is_empty() {
            return AssetList::default();
        }
        let start = self.lists.len() as u32;
        self.lists.extend_from_slice(assets);
        AssetList {
            start,
            len: assets.len() as u32,
        }
    }

    /// The assets that a row lists.
    #[must_use]
    pub fn list(&self, list: AssetList) -> &[AssetId] {
        &self.lists[list.start as usize..(list.start + list.len) as usize]
    }

    /// Keeps where an imported row comes from.
    pub fn keep_provenance(&mut self, provenance: Provenance) -> Option<ProvenanceId> {
        self.provenances.push(provenance);
        NonZeroU32::new(self.provenances.len() as u32).map(ProvenanceId)
    }

    /// Where a row comes from, if it was imported.
    #[must_use]
    pub fn provenance(&self, meta: &RowMeta) -> Option<&Provenance> {
        let at = meta.provenance?.0.get() as usize - 1;
        self.provenances.get(at)
    }

    /// Where all imported rows come from.
    pub fn provenances_mut(&mut self) -> impl Iterator<Item = &mut Provenance> {
        self.provenances.iter_mut()
    }

    /// Adds gates that were put together apart.
    pub fn add_gates(&mut self, made: &MadeGates) {
        let behind = self.gate_rows.len() as u32;
        let gates = made.gates.iter().map(|gate| RecoveryGate {
            start: gate.start + behind,
            ..*gate
        });
        self.gates.extend(gates);
        self.gate_rows.extend_from_slice(&made.rows);
    }

    /// The distinct rows of a gate, as positions in `recoveries`, ascending.
    #[must_use]
    pub fn rows_of(&self, gate: RecoveryGate) -> &[u32] {
        &self.gate_rows[gate.start as usize..(gate.start + gate.count) as usize]
    }

    /// The recoveries of a gate, in the order of their rows.
    pub fn recoveries_of(&self, gate: RecoveryGate) -> impl Iterator<Item = &Recovery> {
        let rows = self.rows_of(gate).iter();
        rows.map(|&row| &self.recoveries[row as usize])
    }

    /// Who is left out of a gate's target, ascending.
    #[must_use]
    pub fn except_of(&self, gate: RecoveryGate) -> &[AssetId] {
        let first = self.rows_of(gate).first();
        first.map_or(&[], |&row| self.list(self.recoveries[row as usize].except))
    }

    /// Whether a row counts; a change set may have taken it back.
    #[must_use]
    pub fn counts(&self, table: Table, index: usize) -> bool {
        self.withdrawn.is_empty()
            || !self.withdrawn.contains(&RowRef {
                table,
                index: index as u32,
            })
    }

    /// How many rows there are of a table, created ones included.
    #[must_use]
    pub fn rows_in(&self, table: Table) -> usize {
        match table {
            Table::Identities => self.identities.len(),
            Table::Mailboxes => self.mailboxes.len(),
            Table::MfaBindings => self.bindings.len(),
            Table::Holdings => self.holdings.len(),
            Table::Recoveries => self.recoveries.len(),
            Table::Memberships => self.memberships.len(),
            Table::Systems => self.systems.len(),
            Table::Grants => self.grants.len(),
            Table::Processes => self.processes.len(),
            Table::Signals => self.signals.len(),
            Table::Resets => self.resets.len(),
            Table::Coverage => self.coverage.len(),
        }
    }

    /// A text of a row.
    #[must_use]
    pub fn text(&self, text: Text) -> &str {
        self.texts.get(text)
    }

    /// The identity that an asset is.
    #[must_use]
    pub fn identity(&self, asset: AssetId) -> Option<&Identity> {
        let at = self.identity_of.get(asset.index()).copied().flatten()?;
        self.identities.get(at as usize)
    }

    /// Where a row is. Tables without rows of their own to point at have none.
    #[must_use]
    pub fn meta(&self, row: RowRef) -> Option<&RowMeta> {
        let at = row.index as usize;
        match row.table {
            Table::Identities => self.identities.get(at).map(|row| &row.meta),
            Table::Mailboxes => self.mailboxes.get(at).map(|row| &row.meta),
            Table::MfaBindings => self.bindings.get(at).map(|row| &row.meta),
            Table::Holdings => self.holdings.get(at).map(|row| &row.meta),
            Table::Recoveries => self.recoveries.get(at).map(|row| &row.meta),
            Table::Memberships => self.memberships.get(at).map(|row| &row.meta),
            Table::Systems => self.systems.get(at).map(|row| &row.meta),
            Table::Grants => self.grants.get(at).map(|row| &row.meta),
            Table::Processes => self.processes.get(at).map(|row| &row.meta),
            Table::Signals => self.signals.get(at).map(|row| &row.meta),
            Table::Resets => self.resets.get(at).map(|row| &row.meta),
            Table::Coverage => None,
        }
    }
}
