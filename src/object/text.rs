//! `repr()`, `str()`, `ascii()` and `format()`.

use super::call;
use super::error::PyResult;
use super::value::Value;
use crate::name;
use crate::types::exceptions::type_error;
use crate::types::str::Str;
use crate::vm::thread;

/// `repr(value)`, always a str.
///
/// # Errors
/// `TypeError` when `__repr__` gives no str, or what it raises.
pub fn repr(value: &Value) -> PyResult<Value> {
    let _depth = thread::enter_recursion(" while getting the repr of an object")?;
    let result = match value.ty().slot(|slots| slots.repr) {
        Some(slot) => slot(value)?,
        None => crate::types::object::default_repr(value)?,
    };
    if result.downcast::<Str>().is_none() {
        return Err(type_error(format!("__repr__ returned non-string (type {})", result.ty().name())));
    }
    Ok(result)
}

/// `str(value)`, always a str.
///
/// # Errors
/// `TypeError` when `__str__` gives no str, or what it raises.
pub fn str(value: &Value) -> PyResult<Value> {
    if value.is_exact::<Str>() {
        return Ok(value.clone());
    }
    let Some(slot) = value.ty().slot(|slots| slots.str) else { return repr(value) };
    let _depth = thread::enter_recursion(" while getting the str of an object")?;
    let result = slot(value)?;
    if result.downcast::<Str>().is_none() {
        return Err(type_error(format!("__str__ returned non-string (type {})", result.ty().name())));
    }
    Ok(result)
}

/// `ascii(value)`: the repr with everything that is not ASCII escaped.
///
/// # Errors
/// As for [`repr`].
pub fn ascii(value: &Value) -> PyResult<Value> {
    let result = repr(value)?;
    match result.downcast::<Str>() {
        Some(text) if !text.is_ascii() => Ok(crate::types::str::repr::escape_non_ascii(text.chars())),
        _ => Ok(result),
    }
}

/// `repr(value)` as Rust text; lone surrogates become U+FFFD.
///
/// # Errors
/// As for [`repr`].
pub fn repr_string(value: &Value) -> PyResult<String> {
    Ok(repr(value)?.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default())
}

/// `str(value)` as Rust text; lone surrogates become U+FFFD.
///
/// # Errors
/// As for [`str()`].
pub fn str_string(value: &Value) -> PyResult<String> {
    Ok(str(value)?.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default())
}

/// `format(value, spec)`.
///
/// # Errors
/// `TypeError` when `__format__` gives no str, or what it raises.
pub fn format(value: &Value, spec: &Value) -> PyResult<Value> {
    if spec.downcast::<Str>().is_some_and(|spec| spec.is_empty()) {
        if value.is_exact::<Str>() {
            return Ok(value.clone());
        }
        if value.is_small_int() {
            return str(value);
        }
    }
    let Some(result) = call::call_special(value, name!("__format__"), std::slice::from_ref(spec))? else {
        return Err(type_error(format!("Type {} doesn't define __format__", value.ty().name())));
    };
    if result.downcast::<Str>().is_none() {
        return Err(type_error(format!("__format__ must return a str, not {}", result.ty().name())));
    }
    Ok(result)
}
