//! Tables in the input form: empty ones to fill in, and those that an importer made.

use std::io;

use super::{Outputs, OutputsError};
use crate::ingest::{RawTable, schema};
use crate::model::{Table, Word};

/// Writes every table with its header and no row; gives the file names.
///
/// # Errors
/// When a file cannot be written.
pub fn write_table_templates(outputs: &mut Outputs) -> Result<(), OutputsError> {
    for &(word, table) in Table::WORDS {
        outputs.file(&format!("{word}.csv"), |out| {
            let mut out = csv::Writer::from_writer(out);
            out.write_record(schema::columns(table).iter().map(|column| column.name))?;
            out.flush()
        })?;
    }
    Ok(())
}

/// Writes tables as they were imported, byte for byte, with the columns that say where each row
/// comes from; gives the number of rows per table.
///
/// # Errors
/// When a file cannot be written.
pub fn write_tables(
    tables: &[RawTable],
    outputs: &mut Outputs,
) -> Result<Vec<(Table, u64)>, OutputsError> {
    let mut written = Vec::new();
    for &(word, table) in Table::WORDS {
        let rows = || {
            tables
                .iter()
                .filter(|raw| raw.table == table)
                .flat_map(|raw| &raw.rows)
        };
        let count = rows().count() as u64;
        if count == 0 && table != Table::Identities {
            continue;
        }
        outputs.file(&format!("{word}.csv"), |out| -> io::Result<()> {
            let mut out = csv::Writer::from_writer(out);
            out.write_record(schema::all(table).map(|column| column.name))?;
            for row in rows() {
                let provenance = row.provenance.as_deref();
                let cells = schema::all(table).map(|column| match (column.name, provenance) {
                    ("origin_file", Some(found)) => found.file.to_string(),
                    ("origin_line", Some(found)) => {
                        found.line.map(|line| line.to_string()).unwrap_or_default()
                    }
                    ("origin_object", Some(found)) => found.object.to_string(),
                    (name, _) => row
                        .cell(table, name)
                        .map(|cell| cell.text())
                        .unwrap_or_default(),
                });
                out.write_record(cells.collect::<Vec<_>>())?;
            }
            out.flush()
        })?;
        written.push((table, count));
    }
    Ok(written)
}
