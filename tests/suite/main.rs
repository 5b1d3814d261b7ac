//! Whole-organisation and whole-command tests, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on should say so and stop"
)]

mod accountability;
mod architecture;
mod audit;
mod cases;
mod chokepoints;
mod deltas;
mod diff;
mod entries;
mod evidence;
mod explain;
mod exports;
mod findings;
mod formats;
mod generated;
mod harden;
mod hostile;
mod importers;
mod naive;
mod outputs;
mod pairs;
mod phantom;
mod policy;
mod properties;
mod random;
mod reset_logs;
mod reset_tools;
mod resets;
mod solver;
mod sources;
mod story;
mod support;
mod terminal;
mod theory;
mod waivers;
mod whatif;
