//! Ids, declared before anything refers to them. Within one source an id stands once; rows of one
//! id from several sources are merged cell by cell.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::identities::IdentityCells;
use super::names::{At, Names, Reference, Several};
use super::read::Row;
use super::things::{MailboxCells, ProcessCells, SystemCells};
use super::waves::{Later, Looked, Said};
use super::{Builder, ByTable, Context};
use crate::diag::{Code, Diagnostic, Origin};
use crate::ingest::raw::{KeptRow, RawCell, RawRow, RawTable, SourceId, Value};
use crate::ingest::schema::{self, column};
use crate::model::{AssetId, Change, Kind, RowMeta, Table, fold};

/// Rows of one id as they come in from several sources, merged so far.
struct Candidate<'t> {
    context: Context,
    id: Reference<'t>,
    aliases: Vec<Reference<'t>>,
    row: KeptRow<'t>,
    sources: Vec<SourceId>,
    /// Whether a change set takes it back.
    is_removed: bool,
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
    fn read(table: Table, row: &mut Row<'_, 't>, names: &mut Names<'t>) -> Self {
        match table {
            Table::Mailboxes => Self::Mailbox(MailboxCells::read(row, names)),
            Table::Systems => Self::System(SystemCells::read(row, names)),
            Table::Processes => Self::Process(ProcessCells::read(row, names)),
            _ => Self::Identity(IdentityCells::read(row, names)),
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
        let mut claims = Claims {
            first_asset: self.org.assets.len(),
            ..Claims::default()
        };
        self.each(tables, understand, &mut |builder, context, said, looked| {
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
        let names = &looked.names;
        let own = std::iter::once((id, true)).chain(aliases.each().map(|alias| (alias, false)));
        for (at, is_id) in own {
            let name = names.get(at);
            if let Some(claim) = self.claim(claims, name, looked.found[at.index()]) {
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
        self.put_in(said.row.cells, Own { id, aliases, meta }, &looked.later());
    }

    fn put_in(&mut self, cells: Cells<'t>, own: Own<'_, 't>, later: &Later<'_, 't>) {
        match cells {
            Cells::Identity(cells) => self.identity(cells, own, later),
            Cells::Mailbox(cells) => self.mailbox(cells, own, later),
            Cells::System(cells) => self.system(cells, own, later),
            Cells::Process(cells) => self.process(cells, own, later),
        }
    }

    /// The row that has this name already.
    fn claim(
        &self,
        claims: &Claims<'t>,
        name: &Reference<'t>,
        found: Option<AssetId>,
    ) -> Option<Claim> {
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
        let asset = found.or_else(|| self.org.assets.find_hashed(name.wanted()))?;
        let origin = claims
            .ids
            .get(asset.index().checked_sub(claims.first_asset)?)?;
        Some(claim(true, *origin))
    }

    /// Several sources: rows of one id are merged first.
    fn declare_merged(&mut self, tables: &[(Context, &RawTable<'t>)], table: Table) {
        let mut candidates: Vec<Candidate<'t>> = Vec::new();
        let mut claims: FxHashMap<Cow<'t, str>, Claim> = FxHashMap::default();
        for &(context, raw) in tables {
            let found = raw.for_each(|row| {
                let mut reader = Row::new(context, row);
                let id = reader.own_id(kind_of(table));
                let aliases = aliases(&mut reader, table);
                // A row is looked at before it is merged: a bad one spoils no other source's.
                Cells::read(table, &mut reader, &mut Names::default());
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
            let mut row = Row::new(candidate.context, candidate.row.view());
            let mut names = Names::default();
            let cells = Cells::read(table, &mut row, &mut names);
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
            self.put_in(cells, own, &Later::unknown(&names));
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
    let names = &mut looked.names;
    let own = own.map(|id| (names.push(id), names.extend(aliases.into_iter())));
    // Whatever else is wrong with the row is said too.
    let cells = Cells::read(context.table, row, &mut looked.later);
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
        let Some(&claim) = claims.get(name.key()) else {
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
        claims.entry(name.to_key()).or_insert(Claim {
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
            is_removed: false,
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
    if aliases
        .iter()
        .any(|alias| alias.key() == candidate.id.key())
    {
        std::mem::swap(&mut candidate.id, &mut id);
    }
    // The id of a row that was merged in is a further name, unless it is the same one.
    let further = std::iter::once(id).chain(aliases);
    for name in further {
        let is_known = candidate.id.key() == name.key()
            || candidate
                .aliases
                .iter()
                .any(|alias| alias.key() == name.key());
        if !is_known {
            candidate.aliases.push(name);
        }
    }
}

/// Does what a row of a change set says to the row with its id; an added one is a row like others.
fn change_one<'t>(
    reader: &mut Row<'_, 't>,
    change: Change,
    id: &Reference<'t>,
    aliases: &[Reference<'t>],
    known: Option<&mut Candidate<'t>>,
) -> bool {
    let known = known.filter(|candidate| !candidate.is_removed);
    match (change, known) {
        (Change::Add, None) => return false,
        (Change::Add, Some(candidate)) => {
            let message = format!("`{}` is there already", id.shown());
            reader.say(
                Diagnostic::new(Code::RowExists, message)
                    .at(id.origin, "added here")
                    .related(candidate.id.origin, "it is declared here")
                    .help("`set` changes the other cells of a row"),
            );
        }
        (Change::Remove | Change::Set, None) => {
            let message = format!("`{}` is not there", id.shown());
            reader.say(
                Diagnostic::new(Code::NoSuchRow, message)
                    .at(id.origin, "no row has this id")
                    .help("`add` is for rows that are not there yet"),
            );
        }
        (Change::Remove, Some(candidate)) => candidate.is_removed = true,
        (Change::Set, Some(candidate)) => {
            let says_aliases = reader.table() == Table::Identities
                && reader.raw.cell(column!(Identities, "aliases")).is_some();
            if says_aliases {
                candidate.aliases = aliases.to_vec();
            }
            let not_set = [schema::ID.at, schema::change(reader.table()).at];
            let cells = reader.raw.cells.iter();
            let set = cells.filter(|cell| !not_set.contains(&cell.column));
            if set.clone().next().is_none() {
                let message = format!("a change of `{}` that sets nothing", id.shown());
                reader.say(
                    Diagnostic::new(Code::ChangeRow, message)
                        .at(id.origin, "every other cell is empty")
                        .help("an empty cell stays as it is; to empty one, remove the row and add it without"),
                );
            }
            for cell in set {
                let mine = &mut candidate.row.cells;
                mine.retain(|mine| mine.column != cell.column);
                // A file cannot say that a cell becomes empty; one who undoes changes can.
                if !cell.text().is_empty() {
                    mine.push(cell.clone());
                }
            }
        }
    }
    true
}

fn conflict(table: Table, name: &Reference<'_>, is_id: bool, claim: Claim) -> Diagnostic {
    let shown = name.shown();
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
                candidate.id.shown(),
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
