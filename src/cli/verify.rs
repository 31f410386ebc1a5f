//! The `verify` subcommand: what is wrong with the code objects of files, one finding a line.

use super::input;
use super::{FAILURE, Status};
use pycvm::pyc::{self, repr, verify};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Arguments of `pycvm verify`.
#[derive(clap::Args)]
pub struct Args {
    /// The .pyc files
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Runs the subcommand. The exit code is 0 without findings, 1 with some, 2 if a file cannot be read.
pub fn main(args: Args) -> Status {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let (mut unreadable, mut wrong) = (None, false);
    for path in &args.files {
        let file = match input::open(path) {
            Ok(file) => file,
            Err(code) => {
                unreadable = Some(code);
                continue;
            }
        };
        let pyc = match pyc::read(&file) {
            Ok(pyc) => pyc,
            Err(error) => {
                unreadable = Some(input::fail(path, &error));
                continue;
            }
        };
        match report(path, &pyc, &mut out) {
            Ok(found) => wrong |= found,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            Err(error) => {
                eprintln!("pycvm: standard output: {error}");
                return FAILURE;
            }
        }
    }
    match unreadable {
        Some(code) => code,
        None => u8::from(wrong),
    }
}

/// Writes the findings in one file; whether there are any.
fn report(path: &Path, pyc: &pyc::Pyc, out: &mut impl Write) -> io::Result<bool> {
    let findings = verify::verify(pyc.code());
    for located in &findings {
        // A hostile name may hold line breaks.
        let mut qualname = String::new();
        for char in located.nested.qualname.chars() {
            if repr::is_printable(char.into()) { qualname.push(char) } else { qualname.extend(char.escape_unicode()) }
        }
        let verify::Finding { offset, reason } = located.finding;
        writeln!(out, "{}: {qualname}: offset {offset}: {reason}", path.display())?;
    }
    if findings.len() >= verify::MAX_FINDINGS {
        writeln!(out, "{}: there may be more findings than these {}", path.display(), findings.len())?;
    }
    out.flush()?;
    Ok(!findings.is_empty())
}
