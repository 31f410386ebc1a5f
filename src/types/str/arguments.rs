//! Conversions of arguments that text types share, with CPython's texts.

use super::Str;
use crate::object::error::{PyResult, Raised};
use crate::object::number;
use crate::object::value::Value;
use crate::types::exceptions::{MEMORY_ERROR, instantiate, overflow_error, type_error, value_error};
use crate::types::int;
use crate::types::tuple::Tuple;
use std::borrow::Cow;

/// `MemoryError()`.
#[cold]
pub(crate) fn no_memory() -> Raised {
    Raised::new(instantiate(&MEMORY_ERROR, Vec::new()))
}

/// Whether the machine can give `bytes` bytes.
///
/// # Errors
/// `MemoryError`.
#[inline]
pub(crate) fn check_memory(bytes: usize) -> PyResult<()> {
    if bytes < 1 << 24 { Ok(()) } else { check_much_memory(bytes) }
}

#[cold]
fn check_much_memory(bytes: usize) -> PyResult<()> {
    // Asked for and given back untouched: what follows allocates the same.
    let mut probe: Vec<u8> = Vec::new();
    match bytes.checked_add(1 << 12) {
        Some(bytes) if probe.try_reserve_exact(bytes).is_ok() => Ok(()),
        _ => Err(no_memory()),
    }
}

/// A C int argument: no floats, `__index__` or `__int__`.
///
/// # Errors
/// `TypeError`, `OverflowError`, or what the conversion raises.
pub(crate) fn c_int(value: &Value) -> PyResult<i32> {
    if let Some(small) = value.as_small_int() {
        return i32::try_from(small).map_err(|_| overflow_error("Python int too large to convert to C int"));
    }
    if value.downcast::<crate::types::float::Float>().is_some() || value.is_small_float() {
        return Err(type_error("integer argument expected, got float"));
    }
    let int = number::integer(value)?;
    match int::to_i64(&int).map(i32::try_from) {
        Some(Ok(small)) => Ok(small),
        _ => Err(overflow_error("Python int too large to convert to C int")),
    }
}

/// The count by which text is repeated; negative ones are zero.
///
/// # Errors
/// `TypeError` for values without `__index__`, `OverflowError` for those that do not fit.
pub(crate) fn repeat_count(count: &Value) -> PyResult<usize> {
    match number::index_to_i64(count)? {
        Some(count) => Ok(usize::try_from(count).unwrap_or(0)),
        None => Err(overflow_error(format!("cannot fit '{}' into an index-sized integer", count.ty().name()))),
    }
}

/// A limit of splits or replacements: negative means none.
pub(crate) fn limit(count: Option<isize>) -> usize {
    usize::try_from(count.unwrap_or(-1)).unwrap_or(usize::MAX)
}

/// The arguments of `find` and its family: what is sought, start and end. As `_ParseTupleFinds`.
///
/// # Errors
/// `TypeError` for a wrong number of arguments or bounds that are no indices.
pub(crate) fn find_arguments<'a>(name: &str, args: &'a Tuple) -> PyResult<(&'a Value, isize, isize)> {
    let (sought, bounds) = match args.as_slice() {
        [] => return Err(type_error(format!("{name}() takes at least 1 argument (0 given)"))),
        [sought, bounds @ ..] if bounds.len() <= 2 => (sought, bounds),
        all => return Err(type_error(format!("{name}() takes at most 3 arguments ({} given)", all.len()))),
    };
    let bound = |value: Option<&Value>, absent: isize| match value {
        None => Ok(absent),
        Some(value) if value.is_none() => Ok(absent),
        Some(value) if number::is_index(value) => number::index_clamped(value),
        Some(_) => Err(type_error("slice indices must be integers or None or have an __index__ method")),
    };
    Ok((sought, bound(bounds.first(), 0)?, bound(bounds.get(1), isize::MAX)?))
}

/// Fits bounds to a length; `None` when start lies behind end. As `ADJUST_INDICES`.
pub(crate) fn adjust(start: isize, end: isize, len: usize) -> Option<std::ops::Range<usize>> {
    let fit = |bound: isize| if bound < 0 { len.saturating_sub(bound.unsigned_abs()) } else { bound as usize };
    let (start, end) = (fit(start), fit(end).min(len));
    if start <= end { Some(start..end) } else { None }
}

/// The name of an encoding or error handler.
///
/// # Errors
/// `TypeError` when it is no str, `ValueError` for a null character, `UnicodeEncodeError` for lone surrogates.
pub(crate) fn codec_name<'a>(
    value: Option<&'a Value>,
    function: &str,
    parameter: &str,
) -> PyResult<Option<Cow<'a, str>>> {
    let Some(value) = value else { return Ok(None) };
    let Some(text) = value.downcast::<Str>() else {
        let found = if value.is_none() { "None" } else { value.ty().name() };
        return Err(type_error(format!("{function}() argument {parameter} must be str, not {found}")));
    };
    let Some(name) = text.as_ascii().map(Cow::Borrowed).or_else(|| text.to_utf8().map(Cow::Owned)) else {
        return crate::types::codecs::encode(value, Some("utf-8"), None).map(|_| None);
    };
    if name.contains('\0') {
        return Err(value_error("embedded null character"));
    }
    Ok(Some(name))
}
