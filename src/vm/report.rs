//! Printing of exceptions.
use crate::object::error::Raised;
use crate::object::value::Value;

/// Reports.
pub fn unraisable(_raised: Raised, _source: &Value) {}
