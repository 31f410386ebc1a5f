//! The `.pyc` file format: header, marshal data, code objects, and what can be said of them without running them.
//!
//! Plain Rust data; no unsafe code and no knowledge of the virtual machine.
//!
//! ```no_run
//! use pycvm::pyc::lnotab::line_starts;
//!
//! // Prints the line table of every code object in a file.
//! let file = std::fs::read("fixtures/programs/nqueens.pyc")?;
//! let pyc = pycvm::pyc::read(&file)?;
//! for nested in pyc.code().walk() {
//!     let code = nested.code;
//!     println!("{}", nested.qualname);
//!     for (offset, line) in line_starts(code.lnotab(), code.firstlineno(), code.code().len()) {
//!         println!("  offset {offset}: line {line}");
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod code;
pub mod dis;
pub mod dump;
pub mod flags;
pub mod header;
pub mod lnotab;
pub mod marshal;
pub mod opcode;
pub mod repr;
pub mod verify;

use code::Code;
use header::Header;
use marshal::Tree;
use std::fmt;

/// A `.pyc` file: its header and its tree of objects, the outermost of which is a code object.
#[derive(Clone, Debug)]
pub struct Pyc<'a> {
    /// The header.
    pub header: Header,
    tree: Tree<'a>,
}

impl<'a> Pyc<'a> {
    /// All objects of the file. Offsets count from the start of the file.
    pub fn tree(&self) -> &Tree<'a> {
        &self.tree
    }

    /// The module's code object.
    pub fn code(&self) -> Code<'_, 'a> {
        match self.tree.code() {
            Some(code) => code,
            // `read` makes no Pyc without one.
            None => unreachable!("a Pyc whose outermost object is no code object"),
        }
    }
}

/// Reads a `.pyc` file of CPython 3.8.
///
/// Nothing is copied: the answer borrows the file's bytes.
///
/// # Errors
/// If the header is not one of 3.8's, the marshal data is not what CPython's reader accepts, or the object in it is
/// not a code object.
pub fn read(file: &[u8]) -> Result<Pyc<'_>, Error> {
    let header = Header::read(file).map_err(Error::Header)?;
    let tree = marshal::read_at(file, header::LEN).map_err(Error::Marshal)?;
    match tree.code() {
        Some(_) => Ok(Pyc { header, tree }),
        None => Err(Error::NotCode(tree.root().constant().type_name())),
    }
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The header is wrong.
    Header(header::Error),
    /// The marshal data is wrong.
    Marshal(marshal::Error),
    /// The outermost object is not a code object. Holds the name of its type.
    NotCode(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Header(error) => error.fmt(f),
            Error::Marshal(error) => error.fmt(f),
            Error::NotCode(name) => write!(f, "Non-code object in the file: {name}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Header(error) => Some(error),
            Error::Marshal(error) => Some(error),
            Error::NotCode(_) => None,
        }
    }
}
