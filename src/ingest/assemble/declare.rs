//! Ids, declared before anything refers to them. Within one source an id stands once; rows of one
//! id from several sources are merged cell by cell.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::identities::IdentityCells;
use super::read::{Reference, Row};
use super::things::{MailboxCells, ProcessCells, SystemCells};
use super::{Builder, Context};
use crate::diag::{Code, Diagnostic, Origin};
use crate::ingest::raw::{KeptRow, RawCell, RawRow, RawTable, SourceId, Value};
use crate::ingest::schema::{self, column};
use crate::model::{Kind, Table, fold};

/// Rows of one id as they come in from several sources, merged so far.
struct Candidate<'t> {
    context: Context,
    id: Reference<'t>,
    aliases: Vec<Reference<'t>>,
    row: KeptRow<'t>,
    sources: Vec<SourceId>,
    /// Whether the cells so far come from tables that people wrote.
    by_hand: bool,
}

/// Which row of a table a name stands for, as its id or as an alias.
#[derive(Clone, Copy)]
struct Claim {
    at: usize,
    is_id: bool,
    origin: Origin,
}

/// Ids of a table that has one source: what is declared is among the assets already.
#[derive(Default)]
struct Claims<'t> {
    /// Where ids were declared, in the order of their assets, from the first asset on.
    ids: Vec<Origin>,
    first_asset: usize,
    /// Aliases, and names of rows that declare nothing because something else is wrong with them.
    others: FxHashMap<Cow<'t, str>, (bool, Origin)>,
}

impl<'t> Builder<'t> {
    pub(super) fn declare_all(&mut self, tables: &[RawTable<'t>]) {
        for (table, kind) in [
            (Table::Identities, Some(Kind::Identity)),
            (Table::Mailboxes, Some(Kind::Mailbox)),
            (Table::Systems, Some(Kind::System)),
            (Table::Processes, None),
        ] {
            let of_table: Vec<_> = tables.iter().filter(|raw| raw.table == table).collect();
            let first = of_table.first().map(|raw| raw.source);
            match kind {
                Some(kind) if of_table.iter().all(|raw| Some(raw.source) == first) => {
                    self.declare_from_one(&of_table, kind);
                }
                _ => self.declare_merged(&of_table, table, kind),
            }
        }
    }

    /// One source: an id stands once, so every row is understood as it comes.
    fn declare_from_one(&mut self, tables: &[&RawTable<'t>], kind: Kind) {
        let mut claims = Claims {
            first_asset: self.org.assets.len(),
            ..Claims::default()
        };
        for raw in tables {
            let context = Context::of(raw);
            raw.for_each(|row| {
                let mut reader = Row::new(context, row);
                let id = reader.own_id(Some(kind));
                let aliases = self.aliases(&mut reader, context.table);
                let id = id.filter(|_| !reader.is_bad());
                if let Some(id) = &id {
                    let names = std::iter::once((id, true))
                        .chain(aliases.iter().map(|alias| (alias, false)));
                    let taken = names
                        .filter_map(|(name, is_id)| Some((name, is_id, self.claim(&claims, name)?)))
                        .next();
                    if let Some((name, is_id, claim)) = taken {
                        reader.say(conflict(context.table, name, is_id, claim));
                    }
                }
                let Some(id) = id.filter(|_| !reader.is_bad()) else {
                    // It declares nothing, but whatever else is wrong with it is said too.
                    check_cells(&mut reader, context.table);
                    self.keep(reader);
                    return;
                };
                let asset = match kind {
                    Kind::Identity => self.identity(reader, &id, &aliases),
                    Kind::Mailbox => self.mailbox(reader, &id),
                    _ => self.system(reader, &id),
                };
                let others = aliases
                    .into_iter()
                    .map(|alias| (alias.key, (false, alias.origin)));
                claims.others.extend(others);
                match asset {
                    Some(_) => claims.ids.push(id.origin),
                    None => {
                        claims.others.insert(id.key, (true, id.origin));
                    }
                }
            });
        }
    }

    /// The row that has this name already.
    fn claim(&self, claims: &Claims<'t>, name: &Reference<'t>) -> Option<Claim> {
        let claim = |is_id, origin| Claim {
            at: 0,
            is_id,
            origin,
        };
        if let Some(&(is_id, origin)) = claims.others.get(&name.key) {
            return Some(claim(is_id, origin));
        }
        let asset = self.org.assets.find(name.kind, &name.key)?;
        let origin = claims
            .ids
            .get(asset.index().checked_sub(claims.first_asset)?)?;
        Some(claim(true, *origin))
    }

    /// Several sources: rows of one id are merged first.
    fn declare_merged(&mut self, tables: &[&RawTable<'t>], table: Table, kind: Option<Kind>) {
        let mut candidates: Vec<Candidate<'t>> = Vec::new();
        let mut claims: FxHashMap<Cow<'t, str>, Claim> = FxHashMap::default();
        for raw in tables {
            let context = Context::of(raw);
            raw.for_each(|row| {
                let mut reader = Row::new(context, row);
                let id = reader.own_id(kind);
                let aliases = self.aliases(&mut reader, table);
                // A row is looked at before it is merged: a bad one spoils no other source's.
                check_cells(&mut reader, table);
                if let Some(id) = id.filter(|_| !reader.is_bad()) {
                    merge_in(
                        &mut reader,
                        context,
                        id,
                        aliases,
                        &mut candidates,
                        &mut claims,
                    );
                }
                self.keep(reader);
            });
        }
        for candidate in candidates {
            let Candidate { id, aliases, .. } = &candidate;
            let reader = Row::read_before(candidate.context, candidate.row.view());
            match kind {
                Some(Kind::Identity) => drop(self.identity(reader, id, aliases)),
                Some(Kind::Mailbox) => drop(self.mailbox(reader, id)),
                Some(_) => drop(self.system(reader, id)),
                None => self.process(reader, id),
            }
        }
    }

    fn aliases(&mut self, reader: &mut Row<'_, 't>, table: Table) -> Vec<Reference<'t>> {
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
}

/// Adds a row to the candidate that has one of its names, or makes it a candidate.
fn merge_in<'t>(
    reader: &mut Row<'_, 't>,
    context: Context,
    id: Reference<'t>,
    aliases: Vec<Reference<'t>>,
    candidates: &mut Vec<Candidate<'t>>,
    claims: &mut FxHashMap<Cow<'t, str>, Claim>,
) {
    let names = || std::iter::once((&id, true)).chain(aliases.iter().map(|alias| (alias, false)));
    let mut known: Option<Claim> = None;
    for (name, is_id) in names() {
        let Some(&claim) = claims.get(&name.key) else {
            continue;
        };
        let same_source = candidates[claim.at].sources.contains(&context.source);
        if same_source || known.is_some_and(|known| known.at != claim.at) {
            reader.say(conflict(context.table, name, is_id, claim));
            return;
        }
        known = known.or(Some(claim));
    }
    let row = reader.raw;
    let by_hand = row.provenance.is_none();
    let at = known.map_or(candidates.len(), |claim| claim.at);
    for (name, is_id) in names() {
        claims.entry(name.key.clone()).or_insert(Claim {
            at,
            is_id,
            origin: name.origin,
        });
    }
    if known.is_none() {
        candidates.push(Candidate {
            context,
            id,
            aliases,
            row: row.kept(),
            sources: vec![context.source],
            by_hand,
        });
        return;
    }
    let candidate = &mut candidates[at];
    candidate.sources.push(context.source);
    for diagnostic in merge(context.table, candidate, row, by_hand) {
        reader.say(diagnostic);
    }
    candidate.by_hand |= by_hand;
    // The login is the id: where another row lists this one's id among its aliases, that row's id is
    // the login and this one was its native id.
    let mut id = id;
    if aliases.iter().any(|alias| alias.key == candidate.id.key) {
        std::mem::swap(&mut candidate.id, &mut id);
    }
    // The id of a row that was merged in is a further name, unless it is the same one.
    let further = std::iter::once(id).chain(aliases);
    for name in further {
        let is_known = candidate.id.key == name.key
            || candidate.aliases.iter().any(|alias| alias.key == name.key);
        if !is_known {
            candidate.aliases.push(name);
        }
    }
}

/// Reads the other cells of a row for what is wrong with them.
fn check_cells(row: &mut Row<'_, '_>, table: Table) {
    match table {
        Table::Identities => drop(IdentityCells::read(row)),
        Table::Mailboxes => drop(MailboxCells::read(row)),
        Table::Systems => drop(SystemCells::read(row)),
        Table::Processes => drop(ProcessCells::read(row)),
        _ => {}
    }
}

fn conflict(table: Table, name: &Reference<'_>, is_id: bool, claim: Claim) -> Diagnostic {
    let shown = &name.shown;
    if is_id && claim.is_id {
        let table = crate::model::Word::word(table);
        return Diagnostic::new(
            Code::DuplicateId,
            format!("`{shown}` is declared twice in `{table}`"),
        )
        .at(name.origin, "declared again here")
        .related(claim.origin, "first declared here")
        .help("keep one row; ids are compared without regard to case");
    }
    let message = match (is_id, claim.is_id) {
        (true, false) => format!("the id `{shown}` is another identity's alias"),
        (false, true) => format!("the alias `{shown}` is another identity's id"),
        _ => format!("the alias `{shown}` belongs to two identities"),
    };
    Diagnostic::new(Code::AliasConflict, message)
        .at(name.origin, "an alias belongs to one identity")
        .related(claim.origin, "the other one")
}

/// Cell by cell: an empty cell takes the other row's, hand-written tables win over imported ones,
/// names in multi-valued cells add up, and any other conflict is said while the first row stands.
fn merge<'t>(
    table: Table,
    candidate: &mut Candidate<'t>,
    row: RawRow<'_, 't>,
    by_hand: bool,
) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    let known = &mut candidate.row;
    let id = schema::find(table, "id");
    for cell in row.cells.iter().filter(|cell| Some(cell.column) != id) {
        let Some(mine) = known
            .cells
            .iter_mut()
            .find(|mine| mine.column == cell.column)
        else {
            known.cells.push(cell.clone());
            continue;
        };
        let column = schema::all(table).nth(usize::from(cell.column));
        let multi = column.is_some_and(|column| column.multi);
        let is_alias = column.is_some_and(|column| column.name == "aliases");
        if is_alias || (multi && by_hand == candidate.by_hand) {
            add_items(mine, cell);
        } else if by_hand && !candidate.by_hand {
            *mine = cell.clone();
        } else if by_hand == candidate.by_hand && fold(&mine.text()) != fold(&cell.text()) {
            let name = column.map_or("", |column| column.name);
            let message = format!(
                "two sources differ in `{name}` of `{}`: `{}` stands, `{}` does not",
                candidate.id.shown,
                mine.text(),
                cell.text()
            );
            said.push(
                Diagnostic::new(Code::SourceConflict, message)
                    .at(cell.origin, "this one is left out")
                    .related(mine.origin, "this one stands"),
            );
        }
    }
    if by_hand && !candidate.by_hand {
        known.origin = row.origin;
        known.provenance = row.provenance.cloned().map(Box::new);
    }
    said
}

fn add_items<'t>(mine: &mut RawCell<'t>, other: &RawCell<'t>) {
    let mut items: Vec<Cow<'t, str>> = mine.items().collect();
    for item in other.items() {
        if !items.iter().any(|known| fold(known) == fold(&item)) {
            items.push(item);
        }
    }
    mine.value = Value::List(items);
}
