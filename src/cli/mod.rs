//! The command line: one file per command, one place that prints.

mod appeared;
mod args;
mod audit;
mod check;
mod chokepoints;
mod complaints;
mod completions;
mod console;
mod diff;
mod evidence;
mod exit;
mod explain;
mod export;
mod frameworks;
mod generate;
mod harden;
mod import;
mod loaded;
mod memory;
mod moves;
mod pairs;
mod policy;
mod progress;
mod rulebook;
mod scan;
mod schema;
mod sources;
mod stages;
mod summary;
mod templates;
mod verify;
mod whatif;

use std::ffi::OsString;
use std::path::Path;

use clap::{CommandFactory, FromArgMatches};

pub use args::Cli;
use console::Console;
pub use exit::Exit;

/// Runs the program with these arguments and gives its exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let matches = match Cli::command().try_get_matches_from(&arguments) {
        Ok(matches) => matches,
        Err(error) => {
            // Help and version are errors to clap, and go to standard output. When even printing
            // fails there is nobody left to tell.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Bad
            } else {
                Exit::Done
            };
        }
    };
    let mut cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return Exit::Bad;
        }
    };
    if let Some(folder) = &cli.elsewhere {
        cli.command.redirect(folder);
    }
    let mut console = Console::new(cli.color, cli.quiet);
    remove_unfinished_when_ended();
    let result = match &cli.evidence {
        None => command(cli.command, &console),
        Some(path) => {
            console.keep_notes();
            recorded(path, &arguments, cli.command, &console)
        }
    };
    match result {
        Ok(exit) => exit,
        Err(failure) => {
            console.failure(&failure);
            Exit::Bad
        }
    }
}

/// Whoever presses Ctrl-C, or ends the process otherwise where it can tell, leaves no half-written files.
fn remove_unfinished_when_ended() {
    /// What shells say of a program that Ctrl-C has ended.
    const INTERRUPTED: u8 = 130;
    // Not where any of the signals is ignored, as under nohup and in the background of a script: the crate
    // takes all of them or none. Without it the files stay, and that is all.
    let _ = ctrlc::try_set_handler(|| crate::write::unfinished::exit(INTERRUPTED));
}

/// Runs a command and puts it on record, unless it could not do what it was asked.
fn recorded(
    path: &Path,
    arguments: &[OsString],
    asked: args::Command,
    console: &Console,
) -> Result<Exit, Failure> {
    let arguments = evidence::typed(arguments)?;
    // Better before a long run than after it.
    crate::write::evidence::look(path)?;
    let exit = command(asked, console)?;
    if exit == Exit::Bad {
        return Ok(exit);
    }
    let notes = console.take_notes().unwrap_or_default();
    let record = notes.record(arguments, exit.status())?;
    let record = crate::write::evidence::append(path, record)?;
    let (number, hash) = (record.number, &record.hash);
    console.err(&format!(
        "evidence: record {number} in {}, head {hash}\n",
        path.display()
    ));
    Ok(exit)
}

fn command(command: args::Command, console: &Console) -> Result<Exit, Failure> {
    match command {
        args::Command::Scan(args) => scan::run(&args, console),
        args::Command::Check(args) => check::run(&args, console),
        args::Command::Explain(args) => explain::run(&args, console),
        args::Command::Chokepoints(args) => chokepoints::run(&args, console),
        args::Command::Audit(args) => audit::run(&args, console),
        args::Command::Export(args) => export::run(&args, console),
        args::Command::Verify(args) => verify::run(&args, console),
        args::Command::Whatif(args) => whatif::run(&args, console),
        args::Command::Harden(args) => harden::run(&args, console),
        args::Command::Diff(args) => diff::run(&args, console),
        args::Command::Pairs(args) => pairs::run(&args, console),
        args::Command::Import(args) => import::run(&args, console),
        args::Command::Sources(args) => sources::run(&args, console),
        args::Command::Generate(args) => generate::run(&args, console),
        args::Command::Templates(args) => templates::run(&args, console),
        args::Command::Policy => policy::run(console),
        args::Command::Frameworks(args) => frameworks::run(&args, console),
        args::Command::Schema => schema::run(console),
        args::Command::Completions(args) => completions::completions(&args, console),
        args::Command::Man => completions::man(console),
    }
}

/// Why a command could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// An output could not be written.
    #[error(transparent)]
    Output(#[from] crate::write::OutputsError),
    /// Standard output could not be written.
    #[error("cannot write to standard output: {0}")]
    Stdout(#[from] std::io::Error),
    /// Evidence could not be added.
    #[error(transparent)]
    Evidence(#[from] crate::write::evidence::EvidenceError),
    /// Usage that clap cannot check.
    #[error("{0}")]
    Usage(String),
}
