//! Checks that constructors and operators make by hand, with CPython's texts.

use super::error::PyResult;
use super::number;
use super::value::Value;
use crate::types::exceptions::{overflow_error, type_error};
use crate::types::tuple::Tuple;

/// Number of keyword values at the end of a vectorcall's arguments.
pub fn keyword_count(kwnames: Option<&Value>) -> usize {
    kwnames.and_then(|names| names.exact::<Tuple>()).map_or(0, Tuple::len)
}

/// The positional arguments of a vectorcall.
pub fn positional<'a>(args: &'a [Value], kwnames: Option<&Value>) -> &'a [Value] {
    args.get(..args.len().saturating_sub(keyword_count(kwnames))).unwrap_or_default()
}

/// Refuses keywords, as `_PyArg_NoKeywords`.
///
/// # Errors
/// `TypeError` when there are some.
pub fn no_keywords(name: &str, kwnames: Option<&Value>) -> PyResult<()> {
    if keyword_count(kwnames) == 0 {
        return Ok(());
    }
    Err(type_error(format!("{name}() takes no keyword arguments")))
}

/// Checks a number of positional arguments, as `PyArg_UnpackTuple`.
///
/// # Errors
/// `TypeError` when there are fewer than `min` or more than `max`.
pub fn check_count(name: &str, given: usize, min: usize, max: usize) -> PyResult<()> {
    if (min..=max).contains(&given) {
        return Ok(());
    }
    let (word, bound) = match (min == max, given < min) {
        (true, _) => ("", min),
        (false, true) => ("at least ", min),
        (false, false) => ("at most ", max),
    };
    let plural = if bound == 1 { "" } else { "s" };
    Err(type_error(format!("{name} expected {word}{bound} argument{plural}, got {given}")))
}

/// The count by which a sequence is repeated; negative counts are zero. As `PyNumber_AsSsize_t(count, OverflowError)`.
///
/// # Errors
/// `TypeError` for values without `__index__`, `OverflowError` for those that do not fit.
pub fn repeat_count(count: &Value) -> PyResult<usize> {
    match number::index_to_i64(count)? {
        Some(count) => Ok(usize::try_from(count).unwrap_or(0)),
        None => Err(overflow_error(format!("cannot fit '{}' into an index-sized integer", count.ty().name()))),
    }
}

/// An optional bound of `index(value, start, stop)`, as `_PyEval_SliceIndexNotNone`.
///
/// # Errors
/// `TypeError` for values without `__index__`, or what that raises.
pub fn search_bound(bound: Option<&Value>, default: isize) -> PyResult<isize> {
    match bound {
        None => Ok(default),
        Some(bound) if number::is_index(bound) => number::index_clamped(bound),
        Some(_) => Err(type_error("slice indices must be integers or have an __index__ method")),
    }
}

/// Fits a search bound to a sequence of `len` items: negative ones count from the end.
pub fn fit_bound(bound: isize, len: usize) -> usize {
    if bound < 0 { len.saturating_sub(bound.unsigned_abs()) } else { bound as usize }
}
