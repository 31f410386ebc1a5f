//! The `pycvm` command.

// See `main`.
#![cfg_attr(all(target_os = "linux", target_env = "gnu", not(test)), no_main)]

mod cli;

use clap::{CommandFactory, Parser, Subcommand};
use std::ffi::OsString;
use std::io::IsTerminal;

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

/// The words for `pycvm run`, if that is what is asked for. `pycvm FILE ARGS` and `pycvm -c CODE` stand for
/// `pycvm run ...`: what is no subcommand and no option of pycvm's own is as for `python3.8`.
///
/// The parser of the other subcommands is set up only where a word may be one of them: that takes longer than to start.
fn words_to_run() -> Option<Vec<OsString>> {
    let mut words = std::env::args_os().skip(1).peekable();
    let Some(first) = words.peek() else {
        // As for `python3.8`, what comes by standard input is the program; nobody at a terminal expects that.
        return (!std::io::stdin().is_terminal()).then(Vec::new);
    };
    if first == "run" {
        words.next();
        let wants_help = words.peek().is_some_and(|second| second == "-h" || second == "--help");
        return (!wants_help).then(|| words.collect());
    }
    let is_own = match first.to_str() {
        Some("-h" | "--help" | "-V" | "--version" | "help") => true,
        Some(word) if word.starts_with('-') || word.contains(['.', '/']) => false,
        _ => Cli::command().get_subcommands().any(|command| first == command.get_name()),
    };
    (!is_own).then(|| words.collect())
}

/// Where the process begins. Not by way of Rust's own beginning, which opens descriptors 0 to 2 when they are closed: programs
/// see whether they are.
#[cfg(all(target_os = "linux", target_env = "gnu", not(test)))]
#[unsafe(no_mangle)]
pub extern "C" fn main() -> i32 {
    pycvm::vm::signals::ignore_broken_pipes();
    // What was printed goes out.
    std::process::exit(run().into())
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", not(test))))]
fn main() -> std::process::ExitCode {
    run().into()
}

/// Runs the command; the exit status.
fn run() -> cli::Status {
    pycvm::object::pool::share_system_heap();
    if let Some(words) = words_to_run() {
        return cli::run::main(words);
    }
    match Cli::parse().command {
        Command::Run(args) => cli::run::main(args.words),
        #[cfg(feature = "compile")]
        Command::Compile(args) => cli::compile::main(args),
        Command::Dump(args) => cli::dump::main(args),
        Command::Dis(args) => cli::dis::main(args),
        Command::Verify(args) => cli::verify::main(args),
        Command::Test(args) => cli::test::main(args),
    }
}
