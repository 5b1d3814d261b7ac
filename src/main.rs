//! The binary: arguments in, exit status out. Everything else is in the library.

use std::process::ExitCode;

#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    linchpin::cli::run(std::env::args_os()).into()
}
