//! Linchpin: what falls when one account's reset is abused.
//!
//! The library is a one-way pipeline; each module has one job:
//! [`ingest`] turns bytes into a [`model::Organisation`], [`compile`] turns that into a
//! [`rules::RuleGraph`] of integers, [`solve`] answers for every seed, [`analyze`] turns answers
//! into tiers and findings, [`report`] says them in words and rows, [`draw`] in pictures, and
//! [`mod@write`] puts them into files. [`diag`] is what any of them has to say about the inputs, and
//! [`cli`] is the command line over all of it.

pub mod analyze;
pub mod cli;
pub mod compile;
pub mod diag;
pub mod draw;
pub mod generate;
pub mod ingest;
pub mod model;
pub mod report;
pub mod rules;
pub mod solve;
pub mod write;
