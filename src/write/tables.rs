//! Tables in the input form: empty ones to fill in, and those that an importer made.

use std::io;

use super::{Outputs, OutputsError};
use crate::ingest::{RawRow, RawTable, schema};
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
    tables: &[RawTable<'_>],
    outputs: &mut Outputs,
) -> Result<Vec<(Table, u64)>, OutputsError> {
    let mut written = Vec::new();
    for &(word, table) in Table::WORDS {
        let of_table = || tables.iter().filter(|raw| raw.table == table);
        if of_table().next().is_none() && table != Table::Identities {
            continue;
        }
        let count = outputs.file(&format!("{word}.csv"), |out| -> io::Result<u64> {
            let mut out = csv::Writer::from_writer(out);
            out.write_record(schema::all(table).map(|column| column.name))?;
            let mut result = Ok(());
            let mut count = 0;
            for raw in of_table() {
                let found = raw.for_each(|row| {
                    if result.is_ok() {
                        result = out.write_record(cells(table, row));
                    }
                });
                count += found.rows;
            }
            result?;
            out.flush()?;
            Ok(count)
        })?;
        written.push((table, count));
    }
    Ok(written)
}

/// Every cell of a row, empty ones included, in the order of the table's columns.
fn cells(table: Table, row: RawRow<'_, '_>) -> Vec<String> {
    let cells = row.each();
    let columns = schema::all(table).zip(0u8..);
    columns
        .map(|(column, at)| match (column.name, row.provenance) {
            ("origin_file", Some(found)) => found.file.to_string(),
            ("origin_line", Some(found)) => {
                found.line.map(|line| line.to_string()).unwrap_or_default()
            }
            ("origin_object", Some(found)) => found.object.to_string(),
            _ => {
                let cell = cells.iter().find(|cell| cell.column == at);
                cell.map(|cell| cell.text().into_owned())
                    .unwrap_or_default()
            }
        })
        .collect()
}
