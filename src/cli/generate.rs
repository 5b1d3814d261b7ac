//! `linchpin generate`: a believable organisation of any size.

use super::args::GenerateArgs;
use super::complaints::counted;
use super::console::Console;
use super::templates::refuse_tables_in;
use super::{Exit, Failure};
use crate::generate::{self, Shape};
use crate::model::Word;
use crate::write::Outputs;

pub(super) fn run(args: &GenerateArgs, console: &Console) -> Result<Exit, Failure> {
    let shape = Shape {
        help_desk_share: args.help_desk_share,
        sspr_one_method: args.sspr_one_method,
        admin_mail_recovery: args.admin_mail_recovery,
        depth: args.depth,
        hubs: !args.no_hubs,
        ..Shape::new(args.identities, args.seed)
    };
    let names: Vec<_> = generate::tables()
        .iter()
        .map(|(table, columns)| (format!("{}.csv", table.word()), *table, *columns))
        .collect();
    refuse_tables_in(&args.out)?;
    let mut outputs = Outputs::new(&args.out)?;
    let mut count = 0;
    for (name, table, columns) in names {
        count += outputs.file(&name, |out| {
            let mut out = csv::Writer::from_writer(out);
            out.write_record(columns)?;
            let mut count = 0usize;
            generate::rows(&shape, table, &mut |cells| {
                count += 1;
                out.write_record(cells)
            })?;
            out.flush()?;
            Ok(count)
        })?;
    }
    let written = outputs.place_all()?;
    console.note(|notes| notes.written.clone_from(&written));
    console.say(&format!(
        "wrote {} in {} tables to {}\n",
        counted(count, "row"),
        written.len(),
        args.out.display()
    ));
    Ok(Exit::Done)
}
