//! Shows what a `.pyc` file holds: [`text`](mod@text) for people, [`json`](mod@json) for tools.
//!
//! Both write as they go, and neither follows a reference without bound: output and time are linear in the input, also
//! when the input shares or contains itself.

pub mod json;
pub mod text;
