//! `linchpin templates`: empty tables with their headers.

use super::args::TemplatesArgs;
use super::console::Console;
use super::{Exit, Failure};
use crate::model::{Table, Word};
use crate::write::{Outputs, write_table_templates};

pub(super) fn run(args: &TemplatesArgs, console: &Console) -> Result<Exit, Failure> {
    let there: Vec<_> = Table::WORDS
        .iter()
        .map(|(word, _)| args.out.join(format!("{word}.csv")))
        .filter(|path| path.exists())
        .map(|path| format!("`{}`", path.display()))
        .collect();
    if !there.is_empty() {
        let verb = if there.len() == 1 { "is" } else { "are" };
        return Err(Failure::Usage(format!(
            "{} {verb} there already; name another folder",
            there.join(", ")
        )));
    }
    let mut outputs = Outputs::new(&args.out)?;
    write_table_templates(&mut outputs)?;
    let written = outputs.place_all()?;
    console.say(&format!(
        "wrote {} empty tables to {}; only identities.csv is required\n",
        written.len(),
        args.out.display()
    ));
    Ok(Exit::Done)
}
