//! `--memory-limit`: an error in words instead of a machine that swaps.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use bytesize::ByteSize;
use memory_stats::memory_stats;

use super::console::Console;
use super::{Exit, Failure};
use crate::write::unfinished;

/// Watches the memory of the process until it is dropped.
pub(super) struct Watch {
    _stop: mpsc::Sender<()>,
}

/// Looks at the memory that the process has from now on; when it is more than the limit, says so and
/// ends the process with the status of a refusal. What was being written is removed.
///
/// # Errors
/// When this system does not tell how much memory a process has, or no thread can be started.
pub(super) fn watch(limit: ByteSize, console: &Console) -> Result<Watch, Failure> {
    const LOOKS: Duration = Duration::from_millis(20);
    if memory_stats().is_none() {
        return Err(Failure::Usage(
            "--memory-limit: this system does not say how much memory a process has".to_owned(),
        ));
    }
    let (stop, stopped) = mpsc::channel::<()>();
    let console = console.clone();
    let watch = move || {
        loop {
            let used = memory_stats().map_or(0, |stats| stats.physical_mem as u64);
            if used > limit.as_u64() {
                let failure = Failure::Usage(format!(
                    "the scan has {} of memory, more than --memory-limit {} allows; nothing was written\n\
                     (a scan takes about 4 to 7 times the size of its CSV files: raise the limit, use a larger machine, or fewer --threads)",
                    shown(used),
                    shown(limit.as_u64())
                ));
                unfinished::give_up(Exit::Bad.status(), || console.failure(&failure));
                return;
            }
            if stopped.recv_timeout(LOOKS) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    };
    thread::Builder::new()
        .spawn(watch)
        .map_err(|error| Failure::Usage(format!("cannot start a thread: {error}")))?;
    Ok(Watch { _stop: stop })
}

/// Fine enough to tell a limit from what is just above it.
fn shown(bytes: u64) -> String {
    const MEBIBYTE: u64 = 1 << 20;
    match bytes {
        0..MEBIBYTE => ByteSize(bytes).to_string(),
        _ => format!("{} MiB", bytes.div_ceil(MEBIBYTE)),
    }
}
