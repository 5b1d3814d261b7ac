//! `linchpin import`: the tables that an importer makes of an export.

use serde_json::json;

use super::args::{Format, ImportArgs};
use super::complaints;
use super::console::Console;
use super::templates::refuse_tables_in;
use super::{Exit, Failure};
use crate::diag::{Severity, Sources};
use crate::ingest::{self, RawTable, import};
use crate::model::Word;
use crate::write::{Outputs, write_tables};

pub(super) fn run(args: &ImportArgs, console: &Console) -> Result<Exit, Failure> {
    if args.read.redact {
        return Err(Failure::Usage(
            "`import` writes tables as they are; use --redact with `scan`".to_owned(),
        ));
    }
    refuse_tables_in(&args.out)?;
    let mut sources = Sources::default();
    let options = args.read.options(false);
    let files = ingest::read_files(&args.read.inputs, &options, &mut sources);
    let mut read = ingest::read_tables(files, &sources, &options);
    read.check();
    if args.read.strict {
        for diagnostic in read
            .diagnostics
            .iter_mut()
            .filter(|said| said.severity == Severity::Warning)
        {
            diagnostic.severity = Severity::Error;
        }
    }
    complaints::print(
        console,
        args.read.format,
        &sources,
        &read.diagnostics,
        false,
    );
    if read
        .diagnostics
        .iter()
        .any(|said| said.severity == Severity::Error)
    {
        return Ok(Exit::Bad);
    }
    let tables: Vec<_> = read
        .tables
        .into_iter()
        .filter(RawTable::is_imported)
        .collect();
    let holds = |holds: &str| holds.split(':').next() == Some(args.source);
    if !read.inputs.iter().any(|input| holds(&input.holds)) {
        let about = import::IMPORTERS
            .iter()
            .find(|importer| importer.name() == args.source)
            .map_or("list that a --map is for", |importer| importer.about());
        return Err(Failure::Usage(format!("the inputs hold no {about}")));
    }
    let mut outputs = Outputs::new(&args.out)?;
    let written = write_tables(&tables, &mut outputs)?;
    let files = outputs.place_all()?;
    console.note(|notes| notes.written = files);
    let rows: Vec<_> = written
        .iter()
        .map(|(table, rows)| format!("{} {rows}", table.word()))
        .collect();
    match args.read.format {
        Format::Text => console.say(&format!(
            "wrote to {}: rows of {}\n",
            args.out.display(),
            rows.join(", ")
        )),
        Format::Json => {
            let rows: serde_json::Map<_, _> = written
                .iter()
                .map(|(table, rows)| (table.word().to_owned(), json!(rows)))
                .collect();
            console.out(&format!(
                "{}\n",
                json!({ "rows": rows, "out": args.out.display().to_string() })
            ))?;
        }
    }
    Ok(Exit::Done)
}
