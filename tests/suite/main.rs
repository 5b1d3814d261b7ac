//! Whole-organisation and whole-command tests, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on should say so and stop"
)]

mod cases;
mod hostile;
mod naive;
mod phantom;
mod properties;
mod random;
mod support;
mod theory;
