//! The `dis` subcommand: the disassembly of a file, or of one function in it.

use super::input;
use super::{FAILURE, SUCCESS, Status};
use pycvm::pyc::code::Constant;
use pycvm::pyc::{self, dis, repr};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// Arguments of `pycvm dis`.
#[derive(clap::Args)]
pub struct Args {
    /// The .pyc file
    file: PathBuf,
    /// Only the code with this qualified name, such as Class.method or f.<locals>.g, and what is nested in it
    #[arg(long, value_name = "QUALNAME")]
    code: Option<String>,
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
    let written = match &args.code {
        None => dis::disassemble(pyc.code(), &mut out),
        Some(qualname) => match named(&pyc, qualname, &mut out) {
            Ok(true) => Ok(()),
            Ok(false) => return input::fail(&args.file, &format_args!("no code object is named {qualname}")),
            Err(error) => Err(error),
        },
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

/// Lists the code of that name; whether there is any. If there are several (a property's functions, say), each has a
/// line before it as nested code has.
fn named(pyc: &pyc::Pyc, qualname: &str, out: &mut impl Write) -> io::Result<bool> {
    let found: Vec<_> = pyc.code().walk().filter(|nested| nested.qualname == qualname).collect();
    for (index, nested) in found.iter().enumerate() {
        if found.len() > 1 {
            let lead = if index > 0 { "\n" } else { "" };
            let title = repr::repr(Constant::Code(nested.code), 1 << 16);
            writeln!(out, "{lead}Disassembly of {title}:")?;
        }
        dis::disassemble(nested.code, out)?;
    }
    Ok(!found.is_empty())
}
