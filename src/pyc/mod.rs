//! The `.pyc` file format: header, marshal data, code objects, and what can be said of them without running them.
//!
//! Plain Rust data; no unsafe code and no knowledge of the virtual machine.
#![forbid(unsafe_code)]

pub mod code;
pub mod dis;
pub mod flags;
pub mod lnotab;
pub mod marshal;
pub mod opcode;
pub mod repr;
pub mod verify;
