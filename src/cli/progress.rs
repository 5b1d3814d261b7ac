//! A bar on a terminal, for work that takes longer than a second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::console::Console;

/// Progress through a known number of things.
pub(super) struct Progress {
    bar: ProgressBar,
    started: Instant,
    total: u64,
    done: AtomicU64,
}

impl Progress {
    /// Nothing shows until a second has passed.
    pub(super) fn new(console: &Console, what: &'static str, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        if console.is_watched() {
            let style =
                ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} {eta}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_message(what);
            console.set_bar(&bar);
        }
        let progress = Self {
            bar,
            started: Instant::now(),
            total,
            done: AtomicU64::new(0),
        };
        if !console.is_watched() {
            progress.bar.finish_and_clear();
        }
        progress
    }

    /// Says that so many more are done.
    pub(super) fn tick(&self, more: u64) {
        const QUIET: Duration = Duration::from_secs(1);
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        if self.bar.is_finished() {
            return;
        }
        if self.bar.is_hidden() && self.started.elapsed() > QUIET && done < self.total {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(more);
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// What went wrong is said on a line of its own.
impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}
