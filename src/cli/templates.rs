//! `linchpin templates`: empty tables with their headers.

use std::path::Path;

use super::args::TemplatesArgs;
use super::console::Console;
use super::{Exit, Failure};
use crate::model::{Table, Word};
use crate::write::{Outputs, write_table_templates};

pub(super) fn run(args: &TemplatesArgs, console: &Console) -> Result<Exit, Failure> {
    refuse_tables_in(&args.out)?;
    let mut outputs = Outputs::new(&args.out)?;
    write_table_templates(&mut outputs)?;
    let written = outputs.place_all()?;
    console.note(|notes| notes.written.clone_from(&written));
    console.say(&format!(
        "wrote {} empty tables to {}; only identities.csv is required\n",
        written.len(),
        args.out.display()
    ));
    Ok(Exit::Done)
}

/// Nobody's tables are overwritten, and none lies beside those that are written: a scan would read
/// both.
pub(super) fn refuse_tables_in(folder: &Path) -> Result<(), Failure> {
    let names = Table::WORDS
        .iter()
        .flat_map(|(word, _)| ["csv", "json", "jsonl"].map(|kind| format!("{word}.{kind}")));
    let there: Vec<_> = names
        .map(|name| folder.join(name))
        .filter(|path| path.exists())
        .map(|path| format!("`{}`", path.display()))
        .collect();
    if there.is_empty() {
        return Ok(());
    }
    let verb = if there.len() == 1 { "is" } else { "are" };
    Err(Failure::Usage(format!(
        "{} {verb} there already; name another folder",
        there.join(", ")
    )))
}
