//! The one place that prints. Data goes to standard output, talk to standard error; a reader that
//! goes away (a closed pipe) is no error.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use anstream::{AutoStream, ColorChoice};
use indicatif::ProgressBar;

use super::Failure;
use super::args::Color;
use super::evidence::Notes;

/// Where the program talks.
#[derive(Clone)]
pub(super) struct Console {
    choice: ColorChoice,
    pub quiet: bool,
    /// What the run does, where that is put on record.
    notes: Option<Arc<Mutex<Notes>>>,
    /// The bar that stands on standard error, if any.
    bar: Arc<Mutex<Option<ProgressBar>>>,
}

impl Console {
    pub(super) fn new(color: Color, quiet: bool) -> Self {
        let choice = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self {
            choice,
            quiet,
            notes: None,
            bar: Arc::default(),
        }
    }

    /// Whether what the run does is noted.
    pub(super) fn keeps_notes(&self) -> bool {
        self.notes.is_some()
    }

    /// From now on it is.
    pub(super) fn keep_notes(&mut self) {
        self.notes = Some(Arc::default());
    }

    /// Notes something, where that is done at all.
    pub(super) fn note(&self, what: impl FnOnce(&mut Notes)) {
        if let Some(notes) = &self.notes {
            // A thread that panicked with it in hand has left it as it was.
            what(&mut notes.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// What was noted.
    pub(super) fn take_notes(&self) -> Option<Notes> {
        let mut taken = None;
        self.note(|notes| taken = Some(std::mem::take(notes)));
        taken
    }

    /// Writes to standard output, colours taken away where they do not belong.
    pub(super) fn out(&self, text: &str) -> Result<(), Failure> {
        self.note(|notes| notes.printed(&anstream::adapter::strip_str(text).to_string()));
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

    /// The bar that is to make room for what went wrong.
    pub(super) fn set_bar(&self, bar: &ProgressBar) {
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
    }

    pub(super) fn failure(&self, failure: &Failure) {
        let bar = self
            .bar
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        let style = anstyle::AnsiColor::BrightRed.on_default().bold();
        self.err(&format!("{style}error{style:#}: {failure}\n"));
    }

    /// Whether somebody watches standard error.
    pub(super) fn is_watched(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }
}
