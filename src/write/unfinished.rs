//! Files that are not yet in their place, for whoever has to end the process while they are written.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Of the process, as ending it is.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    // Whoever panicked with it in hand has left a list.
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes a file that was begun.
pub(super) fn begin(path: &Path) {
    unfinished().push(path.to_owned());
}

/// Runs what puts files in their places, or drops them; nobody ends the process in the middle of it.
pub(super) fn settle<T>(files: &[PathBuf], place: impl FnOnce() -> T) -> T {
    let mut unfinished = unfinished();
    let done = place();
    unfinished.retain(|path| !files.contains(path));
    done
}

/// Removes what was begun and not put in its place, then ends the process with this status.
pub fn exit(status: u8) -> ! {
    // Held until the end: nothing is put in its place any more.
    let unfinished = unfinished();
    for path in &*unfinished {
        // It may be gone by itself, and there is nobody left to tell.
        let _ = fs::remove_file(path);
    }
    std::process::exit(status.into());
}
