//! The command line: one file a subcommand.

#[cfg(feature = "compile")]
pub mod compile;
pub mod dis;
pub mod dump;
pub mod input;
pub mod options;
pub mod run;
pub mod test;
pub mod verify;
