//! `linchpin policy`: the tier policy that is built in, with its comments.

use super::console::Console;
use super::{Exit, Failure};
use crate::ingest::policy;

pub(super) fn run(console: &Console) -> Result<Exit, Failure> {
    console.out(policy::DEFAULT)?;
    Ok(Exit::Done)
}
