//! `linchpin schema`.

use super::console::Console;
use super::{Exit, Failure};

pub(super) fn run(console: &Console) -> Result<Exit, Failure> {
    let text = format!("{:#}\n", crate::report::schema());
    console.out(&text)?;
    Ok(Exit::Done)
}
