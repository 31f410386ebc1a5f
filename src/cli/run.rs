//! The `run` subcommand.

use std::process::ExitCode;

/// Arguments of `pycvm run`.
#[derive(clap::Args)]
pub struct Args {}

/// Runs the subcommand; the exit code is the process's.
pub fn main(_args: Args) -> ExitCode {
    eprintln!("pycvm: run: not built yet");
    ExitCode::from(2)
}
