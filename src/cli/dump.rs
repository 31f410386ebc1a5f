//! The `dump` subcommand: the header and the whole code tree of a file.

use super::input;
use super::{FAILURE, SUCCESS, Status};
use pycvm::pyc::{self, dump};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// Arguments of `pycvm dump`.
#[derive(clap::Args)]
pub struct Args {
    /// The .pyc file
    file: PathBuf,
    /// For people, or (lossless) for tools
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Runs the subcommand; the exit code is the process's.
pub fn main(args: Args) -> Status {
    let file = match input::open(&args.file) {
        Ok(file) => file,
        Err(code) => return code,
    };
    let pyc = match pyc::read(&file) {
        Ok(pyc) => pyc,
        Err(error) => return input::fail(&args.file, &error),
    };
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let written = match args.format {
        Format::Text => dump::text::dump(&pyc, &mut out),
        Format::Json => dump::json::dump(&pyc, &mut out),
    };
    match written.and_then(|()| out.flush()) {
        Ok(()) => SUCCESS,
        // Whoever reads our output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => SUCCESS,
        Err(error) => {
            eprintln!("pycvm: standard output: {error}");
            FAILURE
        }
    }
}
