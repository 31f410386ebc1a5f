//! The virtual machine: translation of bytecode to register form, frames, the loop, calls, exceptions.

pub mod call;
#[cfg(feature = "compile")]
pub mod compile;
pub mod config;
pub mod eval;
pub mod finalize;
pub mod frame;
pub(crate) mod gil;
pub mod import;
pub mod importlib;
#[cfg(feature = "compile")]
pub mod interactive;
pub mod load;
pub mod report;
pub mod runtime;
pub mod signals;
pub mod startup;
pub mod stdlib;
pub mod thread;
pub mod trace;
pub mod trace_jump;
pub mod translate;
