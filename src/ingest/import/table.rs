//! What importers write with: rows of tables that remember the object they come from.

use std::collections::BTreeMap;

use super::Importer;
use super::keys::{Joined, Key, Keys};
use super::logs::People;
use super::settings::Settings;
use crate::diag::{Code, Diagnostic, FileId, Origin, Sources};
use crate::ingest::made::Made;
use crate::ingest::raw::{Lost, RawTable, Rows, SourceId};
use crate::ingest::schema;
use crate::model::{Kind, Table, Word};
use rustc_hash::FxHashSet;
use sha2::{Digest, Sha256};

/// Where an imported row comes from.
#[derive(Clone, Copy)]
pub struct From<'a> {
    pub origin: Origin,
    /// The native id of the object.
    pub object: &'a str,
}

/// An id for the table that declares it. A name that looks like a reference of another kind is still
/// this identity's.
pub(super) fn own_id(id: &str) -> String {
    if Kind::split(id).is_some() {
        format!("identity:{id}")
    } else {
        id.to_owned()
    }
}

/// What tells a row from others: half a SHA-256 of its cells, because millions of rows as text would
/// be as large as the rows themselves.
fn fingerprint(table: Table, cells: &[(u8, &str)]) -> [u8; 16] {
    let mut digest = Sha256::new();
    digest.update(table.word());
    for (column, text) in cells {
        digest.update([*column]);
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    }
    let whole: [u8; 32] = digest.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}

/// Collects the tables of one export.
pub struct Maker<'s> {
    sources: &'s Sources,
    pub(super) settings: &'s Settings,
    pub(super) keys: &'s mut Keys,
    /// The accounts of tables and of exports that were read before; for logs alone.
    pub(super) people: People,
    source: SourceId,
    rows: BTreeMap<Table, Made>,
    /// Fingerprints of the rows that are there.
    seen: FxHashSet<[u8; 16]>,
    /// Fingerprints of ids that a row has declared, in lower case.
    declared: FxHashSet<[u8; 16]>,
    processes: std::collections::BTreeSet<String>,
    diagnostics: Vec<Diagnostic>,
    objects: BTreeMap<FileId, u64>,
    left_out: BTreeMap<String, u64>,
    /// Pages of each document, with whether each names a next one.
    pages: BTreeMap<&'static str, Vec<(bool, FileId)>>,
}

impl<'s> Maker<'s> {
    pub(super) fn new(
        sources: &'s Sources,
        settings: &'s Settings,
        keys: &'s mut Keys,
        source: SourceId,
    ) -> Self {
        Self {
            sources,
            settings,
            keys,
            people: People::default(),
            source,
            pages: BTreeMap::new(),
            rows: BTreeMap::new(),
            seen: FxHashSet::default(),
            declared: FxHashSet::default(),
            processes: std::collections::BTreeSet::new(),
            diagnostics: Vec::new(),
            objects: BTreeMap::new(),
            left_out: BTreeMap::new(),
        }
    }

    /// Adds a row unless one with the same cells is there. Empty cells are not kept.
    pub(super) fn row(&mut self, table: Table, from: From<'_>, cells: &[(&str, &str)]) {
        let cells: Vec<(u8, &str)> = cells
            .iter()
            .filter_map(|(column, text)| {
                let text = text.trim();
                let column = schema::find(table, column).filter(|_| !text.is_empty())?;
                Some((column, text))
            })
            .collect();
        if !self.seen.insert(fingerprint(table, &cells)) || self.is_again(table, from, &cells) {
            return;
        }
        // The line alone: a column is counted from the start of the line, which may be the file's.
        let file = self.sources.file(from.origin.file);
        let made = self.rows.entry(table).or_default();
        let origin = (&*file.name, file.line(from.origin.start), from.object);
        made.push(from.origin, origin, cells.into_iter());
    }

    /// Whether the row declares what an earlier row of a table that declares has declared. Directories
    /// do that: an administrator's mail may go to the mailbox of the person. Of accounts the first
    /// description stands; whoever else owns or reads a mailbox is one who can use it.
    fn is_again(&mut self, table: Table, from: From<'_>, cells: &[(u8, &str)]) -> bool {
        let declares = matches!(
            table,
            Table::Identities | Table::Mailboxes | Table::Systems | Table::Processes
        );
        let Some(&(_, id)) = cells.iter().find(|(column, _)| declares && *column == 0) else {
            return false;
        };
        if table == Table::Mailboxes {
            let owner = schema::find(table, "owner");
            let owner = cells.iter().find(|(column, _)| Some(*column) == owner);
            let owner = owner.map_or("", |(_, owner)| *owner);
            if self.keys.owns_mailbox(id, owner) && self.declares(table, id) {
                return false;
            }
            let id = id.to_owned();
            let readers: Vec<String> = cells
                .iter()
                .filter(|(column, _)| {
                    ["owner", "delegates", "forwards_to"]
                        .iter()
                        .any(|name| schema::find(table, name) == Some(*column))
                })
                .flat_map(|(_, cell)| cell.split(';').map(str::to_owned).collect::<Vec<_>>())
                .collect();
            for reader in readers {
                let row = [("holder", &*reader), ("asset", &*id)];
                self.row(Table::Holdings, from, &row);
            }
            return true;
        }
        let is_new = self.declares(table, id);
        if !is_new {
            self.leave_out("second descriptions of one thing");
        }
        !is_new
    }

    /// Adds a standing membership.
    pub(super) fn member(&mut self, from: From<'_>, member: &str, group: &str) {
        let row = [("member", member), ("group", group)];
        self.row(Table::Memberships, from, &row);
    }

    /// Adds an administrator's reset: whoever is the source restores this of the target.
    pub(super) fn admin_reset(
        &mut self,
        from: From<'_>,
        [source, target]: [&str; 2],
        restores: &str,
        process: &str,
    ) {
        self.row(
            Table::Recoveries,
            from,
            &[
                ("source", source),
                ("target", target),
                ("method", "admin_reset"),
                ("restores", restores),
                ("process", process),
            ],
        );
    }

    /// Whether nothing has declared this id before.
    fn declares(&mut self, table: Table, id: &str) -> bool {
        let id = id.to_lowercase();
        self.declared.insert(fingerprint(table, &[(0, &id)]))
    }

    /// Adds an address that a recovery goes to as somebody's personal mailbox, unless an account is known
    /// to have it.
    pub(super) fn personal(&mut self, from: From<'_>, address: &str) {
        let is_known = self.keys.find(&[(Key::Address, address)]) != Joined::Nothing;
        if !is_known && !address.is_empty() && !address.contains(';') {
            let mailbox = format!("mailbox:{address}");
            let row = [("id", &*mailbox), ("kind", "personal")];
            self.row(Table::Mailboxes, from, &row);
        }
    }

    /// Adds a process once, whatever names it first.
    pub(super) fn process(&mut self, from: From<'_>, id: &str, name: &str) {
        if self.processes.insert(id.to_owned()) {
            self.row(Table::Processes, from, &[("id", id), ("name", name)]);
        }
    }

    /// Counts an object that was read.
    pub(super) fn object(&mut self, file: FileId) {
        *self.objects.entry(file).or_default() += 1;
    }

    /// Notes a page of a document and whether it names a next one.
    pub(super) fn page(&mut self, document: &'static str, has_next: bool, file: FileId) {
        self.pages
            .entry(document)
            .or_default()
            .push((has_next, file));
    }

    /// Counts something that the tables have no place for.
    pub(super) fn leave_out(&mut self, what: impl Into<String>) {
        self.leave_out_several(what, 1);
    }

    /// Counts several of them.
    pub(super) fn leave_out_several(&mut self, what: impl Into<String>, count: u64) {
        *self.left_out.entry(what.into()).or_default() += count;
    }

    pub(super) fn say(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Says what the export shows or does not show.
    pub(super) fn coverage(&mut self, from: From<'_>, cells: [&str; 5]) {
        let [source, scope, aspect, state, detail] = cells;
        let cells = [
            ("source", source),
            ("scope", scope),
            ("aspect", aspect),
            ("state", state),
            ("detail", detail),
        ];
        self.row(Table::Coverage, from, &cells);
    }

    pub(super) fn finish(
        mut self,
        importer: Option<&dyn Importer>,
    ) -> (
        Vec<RawTable<'static>>,
        Vec<Diagnostic>,
        BTreeMap<FileId, u64>,
    ) {
        // Every page but the last names the next one; pages may lie in files of any name.
        for (document, pages) in std::mem::take(&mut self.pages) {
            let Some(&(_, file)) = pages.last().filter(|_| pages.iter().all(|(next, _)| *next))
            else {
                continue;
            };
            let message = format!(
                "the export of {document} is cut off: its last page names a next one that is not there"
            );
            let help = importer.map_or("", |importer| super::obtain(importer, document));
            let help = format!("export it whole: {help}");
            self.say(
                Diagnostic::new(Code::ShortExport, message)
                    .in_file(file)
                    .help(help),
            );
        }
        if !self.left_out.is_empty() {
            let what: Vec<_> = self
                .left_out
                .iter()
                .map(|(what, count)| format!("{count} {what}"))
                .collect();
            self.diagnostics.push(Diagnostic::new(
                Code::LeftOut,
                format!(
                    "{}: left out: {}",
                    importer.map_or("hybrid", |importer| importer.name()),
                    what.join(", ")
                ),
            ));
        }
        let source = self.source;
        let tables = Table::WORDS
            .iter()
            .filter_map(|&(_, table)| {
                let rows = self.rows.remove(&table)?;
                let file = rows.first()?.file;
                Some(RawTable {
                    table,
                    file,
                    source,
                    rows: Rows::Made(rows),
                    lacks: 0,
                    is_change: false,
                    lost: Lost::default(),
                })
            })
            .collect();
        (tables, self.diagnostics, self.objects)
    }
}
