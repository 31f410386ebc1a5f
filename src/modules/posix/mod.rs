//! The module `posix`: what the operating system offers to programs.

pub(crate) mod path;
pub(crate) mod system;
