//! How long the stages of a scan take.

use std::time::{Duration, Instant};

use super::args::Format;
use super::console::Console;

/// The stages so far, in their order.
pub(super) struct Stages {
    began: Instant,
    last: Instant,
    took: Vec<(&'static str, Duration)>,
}

impl Stages {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            last: now,
            took: Vec::new(),
        }
    }

    /// What was done since the last call is called this.
    pub(super) fn done(&mut self, what: &'static str) {
        let now = Instant::now();
        self.took.push((what, now - self.last));
        self.last = now;
    }

    /// Says it on standard error: for people, or as one line of JSON with seconds.
    pub(super) fn say(&self, format: Format, console: &Console) {
        let all = ("all", self.last - self.began);
        let took = self.took.iter().copied().chain([all]);
        let text = match format {
            Format::Text => took
                .map(|(what, time)| format!("{what:<10} {:>9.3} s\n", time.as_secs_f64()))
                .collect(),
            Format::Json => {
                let seconds: serde_json::Map<_, _> = took
                    .map(|(what, time)| (what.to_owned(), time.as_secs_f64().into()))
                    .collect();
                format!("{}\n", serde_json::json!({ "timings": seconds }))
            }
        };
        console.err(&text);
    }
}
