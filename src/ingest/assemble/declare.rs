//! Ids, declared before anything refers to them. Within one source an id stands once; rows of one
//! id from several sources are merged cell by cell.

use rustc_hash::FxHashMap;

use super::identities::IdentityCells;
use super::read::{Reference, Row};
use super::things::{MailboxCells, ProcessCells, SystemCells};
use super::{Builder, Context};
use crate::diag::{Code, Diagnostic, Origin};
use crate::ingest::raw::{RawCell, RawRow, RawTable, SourceId, Value};
use crate::ingest::schema;
use crate::model::{Kind, Table, fold};

/// An id with its merged row.
pub(super) struct Declared {
    pub context: Context,
    pub id: Reference,
    pub row: RawRow,
}

/// Rows of one id as they come in.
struct Candidate {
    declared: Declared,
    sources: Vec<SourceId>,
    /// Whether the cells so far come from tables that people wrote.
    by_hand: bool,
    aliases: Vec<String>,
}

/// Which identity a name stands for, as an id or as an alias.
#[derive(Clone, Copy)]
struct Claim {
    at: usize,
    is_id: bool,
    origin: Origin,
}

impl Builder {
    pub(super) fn declare_all(&mut self, tables: &[RawTable]) {
        let identities = self.declare(tables, Table::Identities, Some(Kind::Identity));
        self.declare_identities(identities);
        let mailboxes = self.declare(tables, Table::Mailboxes, Some(Kind::Mailbox));
        self.declare_mailboxes(mailboxes);
        let systems = self.declare(tables, Table::Systems, Some(Kind::System));
        self.declare_systems(systems);
        let processes = self.declare(tables, Table::Processes, None);
        self.declare_processes(processes);
    }

    /// The ids of a table in the order of their first rows.
    fn declare(&mut self, tables: &[RawTable], table: Table, kind: Option<Kind>) -> Vec<Declared> {
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut claims: FxHashMap<String, Claim> = FxHashMap::default();
        for raw in tables.iter().filter(|raw| raw.table == table) {
            let context = Context::of(raw);
            for row in &raw.rows {
                let mut reader = Row::new(context, row);
                let id = reader.own_id(kind);
                let aliases = self.aliases(&mut reader, table);
                if let Some(id) = id.filter(|_| !reader.is_bad()) {
                    self.claim(
                        &mut reader,
                        context,
                        id,
                        aliases,
                        &mut candidates,
                        &mut claims,
                    );
                }
                if reader.is_bad() {
                    // It declares nothing, but whatever else is wrong with it is said too.
                    check_cells(&mut reader, table);
                }
                self.keep(reader);
            }
        }
        candidates
            .into_iter()
            .map(|candidate| candidate.declared)
            .collect()
    }

    fn aliases(&mut self, reader: &mut Row<'_>, table: Table) -> Vec<Reference> {
        if table != Table::Identities {
            return Vec::new();
        }
        let Some(cell) = reader.cell("aliases") else {
            return Vec::new();
        };
        cell.items()
            .filter_map(|item| reader.own_name("aliases", item, cell.origin, Some(Kind::Identity)))
            .collect()
    }

    fn claim(
        &mut self,
        reader: &mut Row<'_>,
        context: Context,
        id: Reference,
        aliases: Vec<Reference>,
        candidates: &mut Vec<Candidate>,
        claims: &mut FxHashMap<String, Claim>,
    ) {
        let names = std::iter::once((&id, true)).chain(aliases.iter().map(|alias| (alias, false)));
        let mut known: Option<Claim> = None;
        for (name, is_id) in names {
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
        let at = match known {
            Some(claim) => {
                let candidate = &mut candidates[claim.at];
                candidate.sources.push(context.source);
                let said = merge(context.table, candidate, row, by_hand);
                for diagnostic in said {
                    reader.say(diagnostic);
                }
                candidate.by_hand |= by_hand;
                claim.at
            }
            None => {
                candidates.push(Candidate {
                    declared: Declared {
                        context,
                        id: id.clone(),
                        row: row.clone(),
                    },
                    sources: vec![context.source],
                    by_hand,
                    aliases: Vec::new(),
                });
                candidates.len() - 1
            }
        };
        for (name, is_id) in
            std::iter::once((&id, true)).chain(aliases.iter().map(|alias| (alias, false)))
        {
            candidates[at].aliases.push(name.key.clone());
            claims.entry(name.key.clone()).or_insert(Claim {
                at,
                is_id,
                origin: name.origin,
            });
        }
    }
}

/// Reads the other cells of a row for what is wrong with them.
fn check_cells(row: &mut Row<'_>, table: Table) {
    match table {
        Table::Identities => drop(IdentityCells::read(row)),
        Table::Mailboxes => drop(MailboxCells::read(row)),
        Table::Systems => drop(SystemCells::read(row)),
        Table::Processes => drop(ProcessCells::read(row)),
        _ => {}
    }
}

fn conflict(table: Table, name: &Reference, is_id: bool, claim: Claim) -> Diagnostic {
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
fn merge(table: Table, candidate: &mut Candidate, row: &RawRow, by_hand: bool) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    let known = &mut candidate.declared.row;
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
                candidate.declared.id.shown,
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
        known.provenance.clone_from(&row.provenance);
    }
    said
}

fn add_items(mine: &mut RawCell, other: &RawCell) {
    let mut items: Vec<Box<str>> = mine.items().map(Into::into).collect();
    for item in other.items() {
        if !items.iter().any(|known| fold(known) == fold(item)) {
            items.push(item.into());
        }
    }
    mine.value = Value::List(items);
}
