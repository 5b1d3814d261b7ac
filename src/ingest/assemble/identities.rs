//! Identities and their references.

use super::declare::Declared;
use super::read::{Reference, Row};
use super::{Builder, created_identity};
use crate::diag::{Code, Diagnostic, Origin};
use crate::ingest::raw::RawRow;
use crate::model::{AssetId, IdentityKind, Kind, Owner, ProcessId, RowRef, SignIn, Table};

/// An owner column: it creates no name, so it is looked up when every name is known.
pub(super) struct PendingOwner {
    pub of: Owned,
    pub name: Reference,
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
pub(super) struct IdentityCells {
    kind: IdentityKind,
    enabled: bool,
    sign_in: Option<SignIn>,
    tier: Option<u8>,
    owner: Option<Reference>,
    recovery_mailboxes: Vec<Reference>,
    recovery_phones: Vec<Reference>,
    name: Box<str>,
    department: Box<str>,
}

impl IdentityCells {
    pub(super) fn read(row: &mut Row<'_>) -> Self {
        Self {
            kind: row.word("kind").unwrap_or(IdentityKind::Human),
            enabled: row.boolean("enabled").unwrap_or(true),
            sign_in: row.word("sign_in"),
            tier: row.number("tier", 0, 3),
            owner: row.reference("owner", Kind::Identity, &[Kind::Identity]),
            recovery_mailboxes: row.references("recovery_mailbox", Kind::Mailbox, &[Kind::Mailbox]),
            recovery_phones: row.references("recovery_phone", Kind::Phone, &[Kind::Phone]),
            name: row.text("name"),
            department: row.text("department"),
        }
    }
}

impl Builder {
    pub(super) fn declare_identities(&mut self, declared: Vec<Declared>) {
        for Declared { context, id, row } in declared {
            let at = self.org.identities.len() as u32;
            let row_ref = RowRef {
                table: Table::Identities,
                index: at,
            };
            let mut reader = Row::new(context, &row);
            let cells = IdentityCells::read(&mut reader);
            let aliases = alias_names(&row);
            if !self.keep(reader) {
                continue;
            }
            let asset = self.org.assets.insert(Kind::Identity, id.key, &id.shown);
            for alias in &aliases {
                let key = crate::model::fold(Kind::split(alias).map_or(&**alias, |(_, name)| name));
                self.org.assets.alias(asset, key);
            }
            let mut identity = created_identity(asset, row_ref, self.meta(&row));
            identity.kind = cells.kind;
            identity.enabled = cells.enabled;
            identity.sign_in_stated = cells.sign_in.is_some();
            identity.sign_in = cells.sign_in.unwrap_or(SignIn::Password);
            identity.name = cells.name;
            identity.department = cells.department;
            identity.tier = cells.tier;
            identity.aliases = aliases;
            identity.declared = true;
            self.org.identities.push(identity);
            if let Some(name) = cells.owner {
                self.pending_owners.push(PendingOwner {
                    of: Owned::Identity(at),
                    name,
                });
            }
            self.identity_references
                .push((cells.recovery_mailboxes, cells.recovery_phones));
        }
    }

    /// Recovery mailboxes and phones, in the order of the rows.
    pub(super) fn identity_references(&mut self) {
        for (at, (mailboxes, phones)) in std::mem::take(&mut self.identity_references)
            .into_iter()
            .enumerate()
        {
            let row = self.org.identities[at].row;
            let meta = self.org.identities[at].meta.clone();
            let mailboxes = self.resolve_all(&mailboxes, row, &meta);
            let phones = self.resolve_all(&phones, row, &meta);
            self.org.identities[at].recovery_mailboxes = mailboxes;
            self.org.identities[at].recovery_phones = phones;
        }
    }

    /// Distinct assets in the order in which they are named.
    pub(super) fn resolve_all(
        &mut self,
        names: &[Reference],
        row: RowRef,
        meta: &crate::model::RowMeta,
    ) -> Vec<AssetId> {
        let mut assets = Vec::with_capacity(names.len());
        for name in names {
            let asset = self.resolve(name, row, meta);
            if !assets.contains(&asset) {
                assets.push(asset);
            }
        }
        assets
    }

    pub(super) fn resolve_owners(&mut self) {
        for PendingOwner { of, name } in std::mem::take(&mut self.pending_owners) {
            let owner = match self.org.assets.find(Kind::Identity, &name.key) {
                Some(asset) => Owner::Identity(asset),
                None => {
                    self.unknown_owner(&name.shown, name.origin);
                    Owner::Text(name.shown.into())
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

fn alias_names(row: &RawRow) -> Vec<Box<str>> {
    row.cell(Table::Identities, "aliases")
        .map(|cell| cell.items().map(Into::into).collect())
        .unwrap_or_default()
}
