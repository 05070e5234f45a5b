//! The `archsmith` command.
//!
//! The only crate that prints, reads environment variables, reads the clock and exits. It wires the parts together and shows what
//! they do; it decides nothing that a result depends on.
//!
//! With `--json` one object a line goes to standard output and everything else to standard error. Exit codes: 0 done, 1 the answer
//! is no, 2 wrong use, 3 it could not run.

mod args;
mod commands;
mod output;
mod wiring;

use clap::Parser;
use std::process::ExitCode;

/// How a command ended, apart from errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// Done.
    Done,
    /// Done, and the answer is no.
    No,
}

fn main() -> ExitCode {
    let args = args::Args::parse();
    output::configure(&args.global);
    match commands::dispatch(args) {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::No) => ExitCode::from(1),
        Err(e) if output::is_closed_pipe(&e) => ExitCode::SUCCESS,
        Err(e) => {
            output::error(&e);
            ExitCode::from(if e.is::<commands::WrongUse>() { 2 } else { 3 })
        }
    }
}
