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

/// The exit status of the process.
pub type Status = u8;

/// All went well.
pub const SUCCESS: Status = 0;
/// Something is wrong with what was looked at.
pub const FAILURE: Status = 1;
