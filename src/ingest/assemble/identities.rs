//! Identities and their references.

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use super::read::{Reference, Row};
use super::{Builder, created_identity};
use crate::diag::{Code, Diagnostic, Origin};
use crate::ingest::schema::column;
use crate::model::{AssetId, IdentityKind, Kind, Owner, ProcessId, RowRef, SignIn, Table};

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
    owner: Option<Reference<'t>>,
    recovery_mailboxes: Vec<Reference<'t>>,
    recovery_phones: Vec<Reference<'t>>,
    name: Cow<'t, str>,
    department: Cow<'t, str>,
}

impl<'t> IdentityCells<'t> {
    pub(super) fn read(row: &mut Row<'_, 't>) -> Self {
        Self {
            kind: row
                .word(column!(Identities, "kind"))
                .unwrap_or(IdentityKind::Human),
            enabled: row.boolean(column!(Identities, "enabled")).unwrap_or(true),
            sign_in: row.word(column!(Identities, "sign_in")),
            tier: row.number(column!(Identities, "tier"), 0, 3),
            owner: row.reference(
                column!(Identities, "owner"),
                Kind::Identity,
                &[Kind::Identity],
            ),
            recovery_mailboxes: row.references(
                column!(Identities, "recovery_mailbox"),
                Kind::Mailbox,
                &[Kind::Mailbox],
            ),
            recovery_phones: row.references(
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
        mut row: Row<'_, 't>,
        id: &Reference<'t>,
        aliases: &[Reference<'t>],
    ) -> Option<AssetId> {
        let cells = IdentityCells::read(&mut row);
        let meta = Self::meta(row.raw);
        if !self.keep(row) {
            return None;
        }
        let at = self.org.identities.len() as u32;
        let row = RowRef {
            table: Table::Identities,
            index: at,
        };
        let asset = self.org.assets.insert(Kind::Identity, &id.key, &id.shown);
        for alias in aliases {
            self.org.assets.alias(asset, &alias.key);
        }
        let mut identity = created_identity(asset, row, meta);
        identity.kind = cells.kind;
        identity.enabled = cells.enabled;
        identity.sign_in_stated = cells.sign_in.is_some();
        identity.sign_in = cells.sign_in.unwrap_or(SignIn::Password);
        identity.name = self.org.texts.keep(&cells.name);
        identity.department = self.intern(&cells.department);
        identity.tier = cells.tier;
        identity.aliases = aliases.iter().map(|alias| (&*alias.shown).into()).collect();
        identity.declared = true;
        self.org.identities.push(identity);
        let owner = cells.owner.map(|name| PendingOwner {
            of: Owned::Identity(at),
            name,
        });
        self.pending_owners.extend(owner);
        let mailboxes = cells.recovery_mailboxes.into_iter();
        let phones = cells.recovery_phones.into_iter();
        self.identity_references
            .extend(mailboxes.chain(phones).map(|name| (at, name)));
        Some(asset)
    }

    /// Recovery mailboxes and phones, in the order of the rows.
    pub(super) fn identity_references(&mut self) {
        for (at, name) in std::mem::take(&mut self.identity_references) {
            let identity = &self.org.identities[at as usize];
            let (row, meta) = (identity.row, identity.meta.clone());
            let asset = self.resolve(&name, row, &meta);
            let identity = &mut self.org.identities[at as usize];
            let list = if name.kind == Kind::Phone {
                &mut identity.recovery_phones
            } else {
                &mut identity.recovery_mailboxes
            };
            list.push(asset);
        }
        for identity in &mut self.org.identities {
            once_each(&mut identity.recovery_mailboxes);
            once_each(&mut identity.recovery_phones);
        }
    }

    /// Distinct assets in the order in which they are named.
    pub(super) fn resolve_all(
        &mut self,
        names: &[Reference<'t>],
        row: RowRef,
        meta: &crate::model::RowMeta,
    ) -> Vec<AssetId> {
        let resolved = names.iter().map(|name| self.resolve(name, row, meta));
        let mut assets = resolved.collect();
        once_each(&mut assets);
        assets
    }

    pub(super) fn resolve_owners(&mut self) {
        for PendingOwner { of, name } in std::mem::take(&mut self.pending_owners) {
            let owner = match self.org.assets.find(Kind::Identity, &name.key) {
                Some(asset) => Owner::Identity(asset),
                None => {
                    self.unknown_owner(&name.shown, name.origin);
                    Owner::Text((&*name.shown).into())
                }
            };
            match of {
                Owned::Identity(at) => self.org.identities[at as usize].owner = Some(owner),
                Owned::System(at) => self.org.systems[at as usize].owner = Some(owner),
                Owned::Process(id, stage) => {
                    self.org.processes[id.0 as usize].owners[stage] = Some(owner)
                }
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
