//! Ids, declared before anything refers to them. Within one source an id stands once; rows of one
//! id from several sources are merged first.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::identities::IdentityCells;
use super::merge::{Candidate, Claim, change_one, conflict, merge_in};
use super::names::{At, Reference, Several};
use super::read::Row;
use super::things::{MailboxCells, ProcessCells, SystemCells};
use super::waves::{Looked, Said};
use super::{Builder, ByTable, Context};
use crate::diag::Origin;
use crate::ingest::raw::RawTable;
use crate::ingest::schema::column;
use crate::model::{AssetId, Change, Kind, RowMeta, Table};

/// Ids of a table that has one source: what is declared is among the assets already.
#[derive(Default)]
struct Claims<'t> {
    /// Where ids were declared, in the order of their rows, from the first row on.
    ids: Vec<Origin>,
    first_row: usize,
    /// Aliases, and names of rows that declare nothing because something else is wrong with them.
    others: FxHashMap<Cow<'t, str>, (bool, Origin)>,
}

/// A row that declares something: its names, and where it is.
pub(super) struct Own<'n, 't> {
    pub id: &'n Reference<'t>,
    pub aliases: &'n [Reference<'t>],
    pub meta: RowMeta,
}

/// What a row of a declaring table says.
struct Declared<'t> {
    /// Nothing when the names themselves are bad: then the row declares nothing, and its names are
    /// free for other rows.
    names: Option<(At, Several)>,
    cells: Cells<'t>,
}

/// What it says beside its names.
enum Cells<'t> {
    Identity(IdentityCells<'t>),
    Mailbox(MailboxCells),
    System(SystemCells),
    Process(ProcessCells),
}

impl<'t> Cells<'t> {
    fn read(table: Table, row: &mut Row<'_, 't>, looked: &mut Looked<'t>) -> Self {
        let later = &mut looked.later;
        match table {
            Table::Mailboxes => Self::Mailbox(MailboxCells::read(row, later)),
            Table::Systems => Self::System(SystemCells::read(row, later)),
            Table::Processes => Self::Process(ProcessCells::read(row, later)),
            _ => Self::Identity(IdentityCells::read(row, later, &mut looked.own)),
        }
    }
}

impl<'t> Builder<'t> {
    pub(super) fn declare_all(&mut self, tables: &ByTable<'_, 't>) {
        for table in [
            Table::Identities,
            Table::Mailboxes,
            Table::Systems,
            Table::Processes,
        ] {
            let of_table = tables.of(table);
            let first = of_table.first().map(|(context, _)| context.source);
            let is_one = of_table
                .iter()
                .all(|(context, _)| Some(context.source) == first && !context.is_change);
            if is_one && table != Table::Processes {
                self.declare_from_one(&of_table);
            } else {
                self.declare_merged(&of_table, table);
            }
        }
        self.resolve_declared_owners();
    }

    /// One source: an id stands once, so every row is understood as it comes.
    fn declare_from_one(&mut self, tables: &[(Context, &RawTable<'t>)]) {
        let first = tables.first().map(|(context, _)| context.table);
        let mut claims = Claims {
            first_row: first.map_or(0, |table| self.org.rows_in(table)),
            ..Claims::default()
        };
        self.each(tables, understand, |builder, context, said, looked| {
            builder.declare(&mut claims, context, said, looked);
        });
    }

    /// Puts in a row of a table that has one source.
    fn declare(
        &mut self,
        claims: &mut Claims<'t>,
        context: Context,
        mut said: Said<Declared<'t>>,
        looked: &Looked<'t>,
    ) {
        let Some((id, aliases)) = said.row.names else {
            return;
        };
        let names = &looked.own;
        let own = std::iter::once((id, true)).chain(aliases.each().map(|alias| (alias, false)));
        for (at, is_id) in own {
            let name = names.get(at);
            if let Some(claim) = self.claim(claims, name) {
                self.diagnostics
                    .push(conflict(context.table, name, is_id, claim));
                self.rows_left_out += u64::from(!said.is_bad);
                return;
            }
        }
        let meta = self.meta(&mut said);
        let id = names.get(id);
        let aliases = names.several(aliases);
        let others = aliases.iter();
        claims
            .others
            .extend(others.map(|alias| (alias.to_key(), (false, alias.origin))));
        if said.is_bad {
            claims.others.insert(id.to_key(), (true, id.origin));
            return;
        }
        claims.ids.push(id.origin);
        self.put_in(said.row.cells, Own { id, aliases, meta }, looked);
    }

    fn put_in(&mut self, cells: Cells<'t>, own: Own<'_, 't>, looked: &Looked<'t>) {
        match cells {
            Cells::Identity(cells) => self.identity(cells, own, looked),
            Cells::Mailbox(cells) => self.mailbox(cells, own, looked),
            Cells::System(cells) => self.system(cells, own, looked),
            Cells::Process(cells) => self.process(cells, own, looked),
        }
    }

    /// The row that has this name already.
    fn claim(&self, claims: &Claims<'t>, name: &Reference<'t>) -> Option<Claim> {
        let claim = |is_id, origin| Claim {
            at: 0,
            is_id,
            origin,
        };
        if !claims.others.is_empty()
            && let Some(&(is_id, origin)) = claims.others.get(name.key())
        {
            return Some(claim(is_id, origin));
        }
        let asset = self.org.assets.find_hashed(name.wanted())?;
        let place = self.declared_place(name.kind, asset)?;
        let origin = claims.ids.get(place.checked_sub(claims.first_row)?)?;
        Some(claim(true, *origin))
    }

    /// The place of an asset among the rows of its table; while ids are declared there are no others, and
    /// assets are numbered in the order of their rows.
    fn declared_place(&self, kind: Kind, asset: AssetId) -> Option<usize> {
        let org = &self.org;
        let place = match kind {
            Kind::Identity => org.identities.binary_search_by_key(&asset, |row| row.asset),
            Kind::Mailbox => org.mailboxes.binary_search_by_key(&asset, |row| row.asset),
            Kind::System => org.systems.binary_search_by_key(&asset, |row| row.asset),
            _ => return None,
        };
        place.ok()
    }

    /// Several sources: rows of one id are merged first.
    fn declare_merged(&mut self, tables: &[(Context, &RawTable<'t>)], table: Table) {
        let mut candidates: Vec<Candidate<'t>> = Vec::new();
        let mut claims: FxHashMap<Cow<'t, str>, Claim> = FxHashMap::default();
        for &(context, raw) in tables {
            let found = raw.for_each(|row| {
                let mut reader = Row::new(context, &row);
                let id = reader.own_id(kind_of(table));
                let aliases = aliases(&mut reader, table);
                // A row is looked at before it is merged: a bad one spoils no other source's.
                Cells::read(table, &mut reader, &mut Looked::default());
                let change = reader.change(context.is_change);
                let id = id.filter(|_| !reader.is_bad());
                if let (Some(change), Some(id)) = (change, &id) {
                    let known = claims.get(id.key()).map(|claim| claim.at);
                    let known = known.and_then(|at| candidates.get_mut(at));
                    let is_done = change_one(&mut reader, change, id, &aliases, known);
                    if change == Change::Remove
                        && let Some(at) = claims.get(id.key()).map(|claim| claim.at)
                    {
                        // Its names are free for a row that is added.
                        claims.retain(|_, claim| claim.at != at);
                    }
                    if is_done {
                        self.diagnostics.extend(reader.into_diagnostics());
                        return;
                    }
                }
                if let Some(id) = id {
                    merge_in(
                        &mut reader,
                        context,
                        id,
                        aliases,
                        &mut candidates,
                        &mut claims,
                    );
                }
                self.rows_left_out += u64::from(reader.is_bad());
                self.diagnostics.extend(reader.into_diagnostics());
            });
            self.note(context, found);
            if let Some(watch) = self.watch {
                watch(raw.bytes(), self.bytes);
            }
        }
        for candidate in candidates.into_iter().filter(|one| !one.is_removed) {
            // What is wrong with its rows has been said.
            let raw = candidate.row.view();
            let mut row = Row::new(candidate.context, &raw);
            let mut looked = Looked::default();
            let cells = Cells::read(table, &mut row, &mut looked);
            if row.is_bad() {
                self.rows_left_out += 1;
                continue;
            }
            let provenance = candidate.row.provenance.as_deref().cloned();
            let own = Own {
                id: &candidate.id,
                aliases: &candidate.aliases,
                meta: RowMeta {
                    origin: candidate.row.origin,
                    provenance: provenance.and_then(|found| self.org.keep_provenance(found)),
                },
            };
            self.put_in(cells, own, &looked);
        }
    }
}

/// Reads a row of a declaring table.
fn understand<'t>(
    context: Context,
    row: &mut Row<'_, 't>,
    looked: &mut Looked<'t>,
) -> Option<Declared<'t>> {
    let id = row.own_id(kind_of(context.table));
    let aliases = aliases(row, context.table);
    let own = id.filter(|_| !row.is_bad());
    let names = &mut looked.own;
    let own = own.map(|id| (names.push(id), names.extend(aliases.into_iter())));
    // Whatever else is wrong with the row is said too.
    let cells = Cells::read(context.table, row, looked);
    Some(Declared { names: own, cells })
}

/// What the rows of a table declare; processes are no assets.
fn kind_of(table: Table) -> Option<Kind> {
    match table {
        Table::Identities => Some(Kind::Identity),
        Table::Mailboxes => Some(Kind::Mailbox),
        Table::Systems => Some(Kind::System),
        _ => None,
    }
}

fn aliases<'t>(reader: &mut Row<'_, 't>, table: Table) -> Vec<Reference<'t>> {
    if table != Table::Identities {
        return Vec::new();
    }
    let Some(cell) = reader.cell(column!(Identities, "aliases")) else {
        return Vec::new();
    };
    cell.items()
        .filter_map(|item| reader.own_name("aliases", item, cell.origin, Some(Kind::Identity)))
        .collect()
}
