//! The virtual machine: translation of bytecode to register form, frames, the loop, calls, exceptions.

pub mod call;
#[cfg(feature = "compile")]
pub mod compile;
pub mod eval;
pub mod finalize;
pub mod frame;
pub mod import;
pub mod load;
pub mod report;
pub mod runtime;
pub mod signals;
pub mod thread;
pub mod trace;
pub mod trace_jump;
pub mod translate;
