//! Opening the file a subcommand works on, and saying in one line what is wrong with it.

use super::Status;
use memmap2::Mmap;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Deref;
use std::path::Path;

/// The exit status for input that cannot be used.
pub const BAD_INPUT: u8 = 2;

/// Files from this size on are mapped, smaller ones read: for them a copy costs less than a mapping.
const MAP_FROM: u64 = 64 * 1024;

/// What is read of something that is not a file, such as a pipe, at the most.
const MAX_STREAM: u64 = 1 << 30;

/// The bytes of a file.
pub enum Input {
    /// Mapped into memory.
    Mapped(Mmap),
    /// Copied.
    Read(Vec<u8>),
}

impl Deref for Input {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Input::Mapped(map) => map,
            Input::Read(bytes) => bytes,
        }
    }
}

/// As [`open`], with CPython's words for a program that cannot be opened.
pub fn open_program(path: &Path) -> Result<Input, Status> {
    read(path).map_err(|error| {
        let text = error.to_string();
        let text = text.split(" (os error").next().unwrap_or_default();
        let number = error.raw_os_error().map(|number| format!("[Errno {number}] ")).unwrap_or_default();
        eprintln!("pycvm: can't open file '{}': {number}{text}", path.display());
        BAD_INPUT
    })
}

/// Opens a file; if that fails, says so on stderr and gives the exit code.
pub fn open(path: &Path) -> Result<Input, Status> {
    read(path).map_err(|error| {
        // Without Rust's " (os error N)".
        let text = error.to_string();
        fail(path, &text.split(" (os error").next().unwrap_or_default())
    })
}

/// Says on stderr, in one line, what is wrong with a file. The exit code for it.
pub fn fail(path: &Path, error: &dyn Display) -> Status {
    eprintln!("pycvm: {}: {error}", path.display());
    BAD_INPUT
}

fn read(path: &Path) -> io::Result<Input> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if metadata.is_file() && metadata.len() >= MAP_FROM {
        // SAFETY: the mapping is read-only and private, and is exposed as plain bytes only while `Input` lives. What
        // remains is the contract of every mapping: nobody changes or truncates the file meanwhile. A writer that
        // changes it makes the parsers see different bytes, which they check anew on each access; one that truncates
        // it kills the process with SIGBUS, as it does any reader of a mapping. CPython replaces .pyc files by renaming
        // and never writes into an existing one; pipes, devices and small files are read, not mapped.
        return unsafe { Mmap::map(&file) }.map(Input::Mapped);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len().min(MAP_FROM)).unwrap_or_default());
    (&mut file).take(MAX_STREAM + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_STREAM {
        return Err(io::Error::other("more than 1 GiB from something that is not a file"));
    }
    Ok(Input::Read(bytes))
}
