//! The `pycvm` command.

mod cli;

use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: pycvm::object::pool::Pools = pycvm::object::pool::Pools;

/// Loads, shows and executes .pyc files of CPython 3.8, and compiles its sources.
#[derive(Parser)]
#[command(name = "pycvm", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Execute a .pyc file, a source file, or source text
    Run(cli::run::Args),
    /// Compile a source file to a .pyc file
    #[cfg(feature = "compile")]
    Compile(cli::compile::Args),
    /// Show the header and the whole code tree
    Dump(cli::dump::Args),
    /// Disassemble as `dis.dis` of CPython 3.8 does
    Dis(cli::dis::Args),
    /// Check code objects without running them
    Verify(cli::verify::Args),
    /// Run fixtures and compare with CPython's recorded results
    Test(cli::test::Args),
}

/// `pycvm FILE.pyc ARGS` stands for `pycvm run FILE.pyc ARGS`.
fn arguments() -> Vec<std::ffi::OsString> {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    let is_file = arguments.get(1).is_some_and(|first| {
        let known = Cli::command().get_subcommands().any(|command| first == command.get_name()) || first == "help";
        !known && !first.to_string_lossy().starts_with('-')
    });
    if is_file {
        arguments.insert(1, "run".into());
    }
    arguments
}

fn main() -> ExitCode {
    match Cli::parse_from(arguments()).command {
        Command::Run(args) => cli::run::main(args),
        #[cfg(feature = "compile")]
        Command::Compile(args) => cli::compile::main(args),
        Command::Dump(args) => cli::dump::main(args),
        Command::Dis(args) => cli::dis::main(args),
        Command::Verify(args) => cli::verify::main(args),
        Command::Test(args) => cli::test::main(args),
    }
}
