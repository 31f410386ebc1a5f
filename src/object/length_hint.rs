//! `operator.length_hint()`: how many items an iterable promises.

use super::call;
use super::error::PyResult;
use super::value::Value;
use crate::name;
use crate::types::exceptions::{TYPE_ERROR, is_instance, overflow_error, type_error, value_error};
use crate::types::int;

/// The length of `value`, else what its `__length_hint__` says, else `default`. As `PyObject_LengthHint`.
///
/// # Errors
/// What `__len__` and `__length_hint__` raise, `TypeError` excepted; `TypeError`, `ValueError` or `OverflowError` for a
/// hint that is no length.
pub fn length_hint(value: &Value, default: usize) -> PyResult<usize> {
    if let Some(length) = own_length(value)? {
        return Ok(length);
    }
    let hint = match call::call_special(value, name!("__length_hint__"), &[]) {
        Ok(Some(hint)) => hint,
        Ok(None) => return Ok(default),
        Err(raised) if is_instance(&raised, &TYPE_ERROR) => return Ok(default),
        Err(raised) => return Err(raised),
    };
    if hint.is_not_implemented() {
        return Ok(default);
    }
    if !int::is_int(&hint) {
        return Err(type_error(format!("__length_hint__ must be an integer, not {}", hint.ty().name())));
    }
    let Some(hint) = int::to_i64(&hint) else {
        return Err(overflow_error("Python int too large to convert to C ssize_t"));
    };
    usize::try_from(hint).map_err(|_| value_error("__length_hint__() should return >= 0"))
}

/// The length, when the type has one and finding it raises no `TypeError`.
///
/// # Errors
/// What `__len__` raises, `TypeError` excepted.
pub fn own_length(value: &Value) -> PyResult<Option<usize>> {
    let Some(length) = value.ty().slot(|slots| slots.length) else { return Ok(None) };
    match length(value) {
        Ok(length) => Ok(Some(length)),
        Err(raised) if is_instance(&raised, &TYPE_ERROR) => Ok(None),
        Err(raised) => Err(raised),
    }
}
