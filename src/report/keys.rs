//! Rows as the outputs name them: by their key, and by file and line.

use super::RowEntry;
use crate::diag::Sources;
use crate::model::{Organisation, RowMeta, RowRef, row_key};

/// A row as the outputs name it: its key, and the file and line it comes from. A row that was
/// imported is traced to the export it was made of.
#[must_use]
pub fn row_entry<'a>(org: &'a Organisation, sources: &'a Sources, row: RowRef) -> RowEntry<'a> {
    let key = row_key(org, row);
    let Some(meta) = org.meta(row) else {
        return RowEntry {
            key,
            file: "".into(),
            line: None,
            object: None,
        };
    };
    let (file, line) = place(org, sources, meta);
    let object = org.provenance(meta).map(|provenance| &*provenance.object);
    RowEntry {
        key,
        file: file.into(),
        line,
        object: object.filter(|object| !object.is_empty()).map(Into::into),
    }
}

/// File and line of a row, in the export when it was imported.
#[must_use]
pub fn place<'a>(
    org: &'a Organisation,
    sources: &'a Sources,
    meta: &RowMeta,
) -> (&'a str, Option<u32>) {
    match org.provenance(meta) {
        Some(provenance) => (&provenance.file, provenance.line),
        None => {
            let file = sources.file(meta.origin.file);
            (&file.name, Some(file.line(meta.origin.start)))
        }
    }
}
