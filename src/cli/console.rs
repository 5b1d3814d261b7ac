//! The one place that prints. Data goes to standard output, talk to standard error; a reader that
//! goes away (a closed pipe) is no error.

use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};

use super::Failure;
use super::args::Color;

/// Where the program talks.
#[derive(Clone)]
pub(super) struct Console {
    choice: ColorChoice,
    pub quiet: bool,
}

impl Console {
    pub(super) fn new(color: Color, quiet: bool) -> Self {
        let choice = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self { choice, quiet }
    }

    /// Writes to standard output, colours taken away where they do not belong.
    pub(super) fn out(&self, text: &str) -> Result<(), Failure> {
        let mut stream = AutoStream::new(io::stdout().lock(), self.choice);
        match stream
            .write_all(text.as_bytes())
            .and_then(|()| stream.flush())
        {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Writes to standard error. When that is gone there is nobody left to tell.
    pub(super) fn err(&self, text: &str) {
        let mut stream = AutoStream::new(io::stderr().lock(), self.choice);
        let _ = stream.write_all(text.as_bytes());
    }

    /// Says something unless it is to be quiet.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet {
            self.err(text);
        }
    }

    pub(super) fn failure(&self, failure: &Failure) {
        let style = anstyle::AnsiColor::BrightRed.on_default().bold();
        self.err(&format!("{style}error{style:#}: {failure}\n"));
    }

    /// Whether somebody watches standard error.
    pub(super) fn is_watched(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }
}
