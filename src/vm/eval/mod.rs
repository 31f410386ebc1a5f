//! The loop.
pub mod cell;
