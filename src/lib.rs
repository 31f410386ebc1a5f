//! pycvm loads `.pyc` files written by CPython 3.8, shows what they hold and executes them.
//!
//! Module tour:
//! - [`pyc`]: the file format (header, marshal, code objects, disassembly, dump, verification). Plain data, no VM.

pub mod pyc;

pub mod gc;
pub mod modules;
pub mod object;
pub mod types;
pub mod vm;
