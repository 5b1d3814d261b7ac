//! Files that are not yet in their place, for whoever has to end the process while they are written.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

struct Unfinished {
    files: Vec<PathBuf>,
    /// Whether files were put in their places: then it is too late to say that nothing was written.
    is_placed: bool,
}

/// Of the process, as ending it is.
static UNFINISHED: Mutex<Unfinished> = Mutex::new(Unfinished {
    files: Vec::new(),
    is_placed: false,
});

fn unfinished() -> MutexGuard<'static, Unfinished> {
    // Whoever panicked with it in hand has left a list.
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a file and notes it; none once the process is being ended.
pub(super) fn begin(make: impl FnOnce() -> io::Result<NamedTempFile>) -> io::Result<NamedTempFile> {
    let mut unfinished = unfinished();
    let file = make()?;
    unfinished.files.push(file.path().to_owned());
    Ok(file)
}

/// Runs what puts files in their places; nobody ends the process in the middle of it.
pub(super) fn settle<T>(files: &[PathBuf], place: impl FnOnce() -> T) -> T {
    let mut unfinished = unfinished();
    let done = place();
    unfinished.files.retain(|path| !files.contains(path));
    unfinished.is_placed = true;
    done
}

/// Removes what was begun and not put in its place, then ends the process with this status.
pub fn exit(status: u8) -> ! {
    remove_and_exit(&unfinished(), status)
}

/// The same after saying why, unless files are in their places already: then all is written, and there
/// is nothing to give up.
pub fn give_up(status: u8, say: impl FnOnce()) {
    let unfinished = unfinished();
    if !unfinished.is_placed {
        say();
        remove_and_exit(&unfinished, status);
    }
}

/// The list is held until the end: nothing is put in its place any more.
fn remove_and_exit(unfinished: &Unfinished, status: u8) -> ! {
    for path in &unfinished.files {
        // It may be gone by itself, and there is nobody left to tell.
        let _ = fs::remove_file(path);
    }
    std::process::exit(status.into());
}
