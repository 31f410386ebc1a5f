//! The `pycvm` command.

mod cli;

use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: pycvm::object::pool::Pools = pycvm::object::pool::Pools;

/// Loads, shows and executes .pyc files written by CPython 3.8.
#[derive(Parser)]
#[command(name = "pycvm", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Execute a program: bytecode, source or a module
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

/// `pycvm FILE ARGS` and `pycvm -c CODE` stand for `pycvm run ...`: what is no subcommand and no option of pycvm's own is as
/// for `python3.8`.
fn arguments() -> Vec<std::ffi::OsString> {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    let is_run = arguments.get(1).is_some_and(|first| {
        let known = Cli::command().get_subcommands().any(|command| first == command.get_name()) || first == "help";
        !known && !["-h", "--help", "-V", "--version"].iter().any(|option| first == option)
    });
    if is_run {
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
