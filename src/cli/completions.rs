//! `linchpin completions` and `linchpin man`, both from the definition of the arguments.

use clap::CommandFactory;

use super::args::{Cli, CompletionsArgs};
use super::console::Console;
use super::{Exit, Failure};

pub(super) fn completions(args: &CompletionsArgs, console: &Console) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "linchpin", &mut script);
    console.out(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

/// The page of the program, then one section per command.
pub(super) fn man(console: &Console) -> Result<Exit, Failure> {
    let mut page = Vec::new();
    let mut command = Cli::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for inner in command
        .get_subcommands()
        .filter(|inner| inner.get_name() != "help")
    {
        let man = clap_mangen::Man::new(inner.clone());
        page.extend_from_slice(
            format!(".SH \"LINCHPIN {}\"\n", inner.get_name().to_uppercase()).as_bytes(),
        );
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    console.out(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Done)
}
