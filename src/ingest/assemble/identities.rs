//! Identities and their references.

use std::borrow::Cow;

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use super::declare::Own;
use super::names::{At, Names, Reference, Several};
use super::read::Row;
use super::waves::Looked;
use super::{Builder, created_identity};
use crate::diag::{Code, Diagnostic, Origin};
use crate::ingest::schema::column;
use crate::model::{
    AssetId, AssetList, IdentityKind, Kind, Owner, ProcessId, READ_AHEAD, RowRef, SignIn, Table,
};

/// An owner column: it creates no name, so it is looked up when every name is known.
pub(super) struct PendingOwner<'t> {
    pub of: Owned,
    pub name: Reference<'t>,
}

/// What has the owner.
#[derive(Clone, Copy)]
pub(super) enum Owned {
    Identity(u32),
    System(u32),
    /// A process and one of its stages.
    Process(ProcessId, usize),
}

/// What a row says of an identity besides its names.
pub(super) struct IdentityCells<'t> {
    kind: IdentityKind,
    enabled: bool,
    sign_in: Option<SignIn>,
    tier: Option<u8>,
    owner: Option<At>,
    recovery_mailboxes: Several,
    recovery_phones: Several,
    name: Cow<'t, str>,
    department: Cow<'t, str>,
}

impl<'t> IdentityCells<'t> {
    pub(super) fn read(row: &mut Row<'_, 't>, later: &mut Names<'t>, own: &mut Names<'t>) -> Self {
        Self {
            kind: row
                .word(column!(Identities, "kind"))
                .unwrap_or(IdentityKind::Human),
            enabled: row.boolean(column!(Identities, "enabled")).unwrap_or(true),
            sign_in: row.word(column!(Identities, "sign_in")),
            tier: row.number(column!(Identities, "tier"), 0, 3),
            owner: row.named(
                later,
                column!(Identities, "owner"),
                Kind::Identity,
                &[Kind::Identity],
            ),
            recovery_mailboxes: row.named_all(
                later,
                column!(Identities, "recovery_mailbox"),
                Kind::Mailbox,
                &[Kind::Mailbox],
            ),
            // No table declares phones, so nothing has to be waited for.
            recovery_phones: row.named_all(
                own,
                column!(Identities, "recovery_phone"),
                Kind::Phone,
                &[Kind::Phone],
            ),
            name: row.text(column!(Identities, "name")),
            department: row.text(column!(Identities, "department")),
        }
    }
}

impl<'t> Builder<'t> {
    pub(super) fn identity(
        &mut self,
        cells: IdentityCells<'t>,
        own: Own<'_, 't>,
        looked: &Looked<'t>,
    ) {
        let at = self.org.identities.len() as u32;
        let row = RowRef {
            table: Table::Identities,
            index: at,
        };
        let Own { id, aliases, meta } = own;
        let asset = self.org.assets.insert_hashed(id.wanted(), id.shown());
        for alias in aliases {
            self.org.assets.alias(asset, alias.key());
        }
        let mut identity = created_identity(asset, row, meta);
        identity.kind = cells.kind;
        identity.enabled = cells.enabled;
        identity.sign_in_stated = cells.sign_in.is_some();
        identity.sign_in = cells.sign_in.unwrap_or(SignIn::Password);
        identity.name = self.org.texts.keep(&cells.name);
        identity.department = self.intern(&cells.department);
        identity.tier = cells.tier;
        identity.declared = true;
        self.org.identities.push(identity);
        self.owner(Owned::Identity(at), cells.owner, looked);
        let mailboxes = looked.later.several(cells.recovery_mailboxes).iter();
        self.identity_references
            .extend(mailboxes.map(|name| (at, name.clone())));
        if !cells.recovery_phones.is_empty() {
            let phones = looked.own.several(cells.recovery_phones).iter();
            let mut found = std::mem::take(&mut self.found);
            found.extend(phones.map(|name| self.find_or_create(name, row, meta)));
            self.org.identities[at as usize].recovery_phones = self.keep_found(found);
        }
    }

    /// Keeps a list that was made in [`Builder::found`], and gives back its room.
    pub(super) fn keep_found(&mut self, mut found: Vec<AssetId>) -> AssetList {
        once_each(&mut found);
        let list = self.org.keep_list(&found);
        found.clear();
        self.found = found;
        list
    }

    /// Recovery mailboxes, in the order of the rows.
    pub(super) fn identity_references(&mut self) {
        let references = std::mem::take(&mut self.identity_references);
        let found = self.look_up(&references, |(_, name)| name);
        let mut assets = Vec::new();
        let mut place = 0;
        // What one cell lists stands together.
        for cell in references.chunk_by(|one, two| one.0 == two.0) {
            let at = cell[0].0 as usize;
            let (row, meta) = (self.org.identities[at].row, self.org.identities[at].meta);
            assets.clear();
            for (_, name) in cell {
                if place % READ_AHEAD == 0 {
                    let next = references[place..].iter().zip(&found[place..]);
                    let next = next.take(READ_AHEAD).filter(|(_, found)| found.is_none());
                    let assets = &self.org.assets;
                    assets.make_ready(next.map(|((_, name), _)| name.hash()));
                }
                let known = found[place];
                place += 1;
                assets.push(known.unwrap_or_else(|| self.find_or_create(name, row, meta)));
            }
            once_each(&mut assets);
            self.org.identities[at].recovery_mailboxes = self.org.keep_list(&assets);
        }
    }

    /// Notes an owner: at once when the name is known, else when every name is.
    pub(super) fn owner(&mut self, of: Owned, owner: Option<At>, looked: &Looked<'t>) {
        let Some(at) = owner else {
            return;
        };
        match looked.found_already(at) {
            Some(asset) => self.set_owner(of, Owner::Identity(asset)),
            None => self.pending_owners.push(PendingOwner {
                of,
                name: looked.later.get(at).clone(),
            }),
        }
    }

    /// The assets that have these names by now.
    pub(super) fn look_up<T: Sync>(
        &self,
        list: &[T],
        name: impl Fn(&T) -> &Reference<'t> + Sync,
    ) -> Vec<Option<AssetId>> {
        const PART: usize = 1 << 13;
        let assets = &self.org.assets;
        let found = list.par_chunks(PART).flat_map_iter(|part| {
            let mut found = Vec::with_capacity(part.len());
            assets.find_all(part.iter().map(|item| name(item).wanted()), &mut found);
            found
        });
        found.collect()
    }

    /// Owners whose names are declared. The others may be created by rows to come.
    pub(super) fn resolve_declared_owners(&mut self) {
        let pending = std::mem::take(&mut self.pending_owners);
        let found = self.look_up(&pending, |owner| &owner.name);
        for (owner, found) in pending.into_iter().zip(found) {
            match found {
                Some(asset) => self.set_owner(owner.of, Owner::Identity(asset)),
                None => self.pending_owners.push(owner),
            }
        }
    }

    pub(super) fn resolve_owners(&mut self) {
        for PendingOwner { of, name } in std::mem::take(&mut self.pending_owners) {
            let owner = match self.org.assets.find_hashed(name.wanted()) {
                Some(asset) => Owner::Identity(asset),
                None => {
                    self.unknown_owner(name.shown(), name.origin);
                    Owner::Text(self.org.texts.keep(name.shown()))
                }
            };
            self.set_owner(of, owner);
        }
    }

    fn set_owner(&mut self, of: Owned, owner: Owner) {
        match of {
            Owned::Identity(at) => self.org.identities[at as usize].owner = Some(owner),
            Owned::System(at) => self.org.systems[at as usize].owner = Some(owner),
            Owned::Process(id, stage) => {
                self.org.processes[id.0 as usize].owners[stage] = Some(owner)
            }
        }
    }

    fn unknown_owner(&mut self, shown: &str, origin: Origin) {
        self.diagnostics.push(
            Diagnostic::new(
                Code::UnknownOwner,
                format!("the owner `{shown}` is no identity; it stays text"),
            )
            .at(origin, "no identity has this name"),
        );
    }
}

/// Keeps the first of equal assets.
pub(super) fn once_each(assets: &mut Vec<AssetId>) {
    if assets.len() > 1 {
        let mut seen = FxHashSet::default();
        assets.retain(|&asset| seen.insert(asset));
    }
}
