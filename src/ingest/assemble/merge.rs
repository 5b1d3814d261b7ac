//! Rows of one id from several sources, merged cell by cell, and names that two of them claim.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use super::Context;
use super::names::Reference;
use super::read::Row;
use crate::diag::{Code, Diagnostic, Origin};
use crate::ingest::raw::{KeptRow, RawCell, RawRow, SourceId, Value};
use crate::ingest::schema::{self, column};
use crate::model::{Change, Table, fold};

/// Rows of one id as they come in from several sources, merged so far.
pub(super) struct Candidate<'t> {
    pub context: Context,
    pub id: Reference<'t>,
    pub aliases: Vec<Reference<'t>>,
    pub row: KeptRow<'t>,
    pub sources: Vec<SourceId>,
    /// Whether a change set takes it back.
    pub is_removed: bool,
    /// Whether the cells so far come from tables that people wrote.
    pub by_hand: bool,
}

/// Which row of a table a name stands for, as its id or as an alias.
#[derive(Clone, Copy)]
pub(super) struct Claim {
    pub at: usize,
    pub is_id: bool,
    pub origin: Origin,
}

/// Adds a row to the candidate that has one of its names, or makes it a candidate.
pub(super) fn merge_in<'t>(
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
pub(super) fn change_one<'t>(
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
            let mut set = reader.raw.each();
            set.retain(|cell| !not_set.contains(&cell.column));
            if set.is_empty() {
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
                    mine.push(cell);
                }
            }
        }
    }
    true
}

/// Says that a name is claimed again.
pub(super) fn conflict(
    table: Table,
    name: &Reference<'_>,
    is_id: bool,
    claim: Claim,
) -> Diagnostic {
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
    row: &RawRow<'_, 't>,
    by_hand: bool,
) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    let known = &mut candidate.row;
    let id = schema::find(table, "id");
    let cells = row.each().into_iter();
    for cell in cells.filter(|cell| Some(cell.column) != id) {
        let Some(mine) = known
            .cells
            .iter_mut()
            .find(|mine| mine.column == cell.column)
        else {
            known.cells.push(cell);
            continue;
        };
        let column = schema::all(table).nth(usize::from(cell.column));
        let multi = column.is_some_and(|column| column.multi);
        let is_alias = column.is_some_and(|column| column.name == "aliases");
        if is_alias || (multi && by_hand == candidate.by_hand) {
            add_items(mine, &cell);
        } else if by_hand && !candidate.by_hand {
            *mine = cell;
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
