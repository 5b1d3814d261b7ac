//! The stable key of a row: its table and identifying cells as compared, whatever file, order and
//! line it stands in. Explanations, changes and waivers name rows by it.

use super::RowEntry;
use crate::diag::Sources;
use crate::model::{AssetId, Organisation, RowMeta, RowRef, Source, Table, Target, Word, fold};

/// The key of a row: `table|cell|cell...`, with `|` and `%` inside cells written `%7C` and `%25`.
#[must_use]
pub fn row_key(org: &Organisation, row: RowRef) -> String {
    let asset = |id: AssetId| {
        let asset = org.assets.get(id);
        format!("{}:{}", asset.kind.word(), asset.key)
    };
    let at = row.index as usize;
    let mut cells: Vec<String> = Vec::new();
    match row.table {
        Table::Identities => cells.extend(org.identities.get(at).map(|row| asset(row.asset))),
        Table::Mailboxes => cells.extend(org.mailboxes.get(at).map(|row| asset(row.asset))),
        Table::Systems => cells.extend(org.systems.get(at).map(|row| asset(row.asset))),
        Table::Processes => cells.extend(org.processes.get(at).map(|row| row.key.to_string())),
        Table::MfaBindings => {
            if let Some(row) = org.bindings.get(at) {
                let holder = row.holder.map(asset).unwrap_or_default();
                cells.extend([asset(row.identity), row.factor.word().to_owned(), holder]);
            }
        }
        Table::Holdings => {
            if let Some(row) = org.holdings.get(at) {
                cells.extend([asset(row.holder), asset(row.asset)]);
            }
        }
        Table::Recoveries => {
            if let Some(row) = org.recoveries.get(at) {
                let source = match row.source {
                    Source::Nobody => String::new(),
                    Source::Own(own) => own.word().to_owned(),
                    Source::Asset(id) => asset(id),
                };
                let target = match row.target {
                    Target::Everyone => "*".to_owned(),
                    Target::Asset(id) => asset(id),
                };
                let except: Vec<_> = org.list(row.except).iter().map(|&id| asset(id)).collect();
                let process = row
                    .process
                    .map(|id| org.processes[id.0 as usize].key.to_string());
                cells.extend([
                    source,
                    target,
                    row.method.word().to_owned(),
                    row.restores.word().to_owned(),
                    fold(org.text(row.gate)).into_owned(),
                    sorted(except).join(";"),
                    process.unwrap_or_default(),
                ]);
            }
        }
        Table::Memberships => {
            if let Some(row) = org.memberships.get(at) {
                cells.extend([asset(row.member), asset(row.group)]);
            }
        }
        Table::Grants => {
            if let Some(row) = org.grants.get(at) {
                cells.extend([
                    asset(row.principal),
                    asset(row.system),
                    fold(org.text(row.role)).into_owned(),
                ]);
            }
        }
        Table::Signals => {
            if let Some(row) = org.signals.get(at) {
                let seen = row.seen.map(|seen| seen.to_string()).unwrap_or_default();
                cells.extend([
                    row.identity.map(asset).unwrap_or_default(),
                    row.signal.word().to_owned(),
                    seen,
                ]);
            }
        }
        Table::Resets => cells.extend(org.resets.get(at).map(|row| fold(&row.id).into_owned())),
        Table::Coverage => {
            if let Some(row) = org.coverage.get(at) {
                let cells_of = [&row.source, &row.scope, &row.aspect];
                cells.extend(cells_of.map(|cell| fold(cell).into_owned()));
            }
        }
    }
    let mut key = row.table.word().to_owned();
    for cell in cells {
        key.push('|');
        key.push_str(&cell.replace('%', "%25").replace('|', "%7C"));
    }
    key
}

fn sorted(mut cells: Vec<String>) -> Vec<String> {
    cells.sort_unstable();
    cells
}

/// A row as the outputs name it: its key, and the file and line it comes from. A row that was
/// imported is traced to the export it was made of.
#[must_use]
pub fn row_entry(org: &Organisation, sources: &Sources, row: RowRef) -> RowEntry {
    let key = row_key(org, row);
    let Some(meta) = org.meta(row) else {
        return RowEntry {
            key,
            file: String::new(),
            line: None,
            object: None,
        };
    };
    let (file, line) = place(org, sources, meta);
    let object = org
        .provenance(meta)
        .map(|provenance| provenance.object.to_string());
    RowEntry {
        key,
        file,
        line,
        object: object.filter(|object| !object.is_empty()),
    }
}

/// File and line of a row, in the export when it was imported.
pub(super) fn place(
    org: &Organisation,
    sources: &Sources,
    meta: &RowMeta,
) -> (String, Option<u32>) {
    match org.provenance(meta) {
        Some(provenance) => (provenance.file.to_string(), provenance.line),
        None => {
            let file = sources.file(meta.origin.file);
            (file.name.clone(), Some(file.line(meta.origin.start)))
        }
    }
}
