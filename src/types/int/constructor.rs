//! `int(...)`.

use super::{INT, Int, exact, is_exact_int, is_int, number, text};
use crate::name;
use crate::object::error::PyResult;
use crate::object::native::{Function, thunk};
use crate::object::value::Value;
use crate::object::{TypeObject, call, number as protocol};
use crate::types::bytearray::Bytearray;
use crate::types::bytes::{Bytes, buffer_or_none};
use crate::types::exceptions::{overflow_error, type_error, value_error};
use crate::types::str::Str;
use num_bigint::BigInt;
use num_traits::FromPrimitive;

static NEW: Function = Function::new("int($type, x=0, /, base=10)", "", thunk(construct));

pub(super) fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    if let ([x], None, Some(ty)) = (args, kwnames, class.downcast::<TypeObject>())
        && std::ptr::eq(ty, &raw const INT)
    {
        return from_number(x);
    }
    let mut all = Vec::with_capacity(args.len() + 1);
    all.push(class.clone());
    all.extend_from_slice(args);
    NEW.call(&all, kwnames)
}

fn construct(class: &TypeObject, x: Option<&Value>, base: Option<&Value>) -> PyResult<Value> {
    let value = match (x, base) {
        (None, None) => Value::int(0),
        (None, Some(_)) => return Err(type_error("int() missing string argument")),
        (Some(x), None) => from_number(x)?,
        (Some(x), Some(base)) => {
            let base = protocol::index_clamped(base)?;
            if base != 0 && !(2..=36).contains(&base) {
                return Err(value_error("int() base must be >= 2 and <= 36, or 0"));
            }
            // Other bytes-like objects are read only without a base.
            let has_text =
                x.downcast::<Str>().is_some() || x.downcast::<Bytes>().is_some() || x.downcast::<Bytearray>().is_some();
            let text = if has_text { from_text(x, base as u32)? } else { None };
            text.ok_or_else(|| type_error("int() can't convert non-string with explicit base"))?
        }
    };
    if std::ptr::eq(class, &raw const INT) {
        return Ok(value);
    }
    Ok(Int::instance_of(class, number(&value)?.big().into_owned()))
}

/// The int that a str or bytes-like object holds; `None` for other types.
fn from_text(x: &Value, base: u32) -> PyResult<Option<Value>> {
    if let Some(string) = x.downcast::<Str>() {
        return match string.as_ascii() {
            Some(ascii) => text::parse_value(ascii.as_bytes(), base, x),
            None => text::parse_value(&text::to_ascii(string), base, x),
        }
        .map(Some);
    }
    let Some(buffer) = buffer_or_none(x) else { return Ok(None) };
    if x.downcast::<Bytes>().is_some() {
        return text::parse_value(&buffer, base, x).map(Some);
    }
    // Other bytes-like objects are shown as bytes when they hold no int.
    text::parse_value(&buffer, base, &Bytes::new_value(&buffer)).map(Some)
}

/// The exact int that `__int__`, `__index__` or `__trunc__` has given.
fn checked(result: Value, method: &str) -> PyResult<Value> {
    crate::object::number::check_int(method, &result)?;
    exact(&result)
}

fn through_slots(x: &Value, int_first: bool) -> PyResult<Option<Value>> {
    let index = x.ty().slot(|slots| slots.index);
    let int = x.ty().slot(|slots| slots.int);
    let (first, second) =
        if int_first { ((int, "__int__"), (index, "__index__")) } else { ((index, "__index__"), (int, "__int__")) };
    for (slot, method) in [first, second] {
        if let Some(slot) = slot {
            return checked(slot(x)?, method).map(Some);
        }
    }
    Ok(None)
}

/// `int(x)`. As `PyNumber_Long`.
///
/// # Errors
/// `TypeError` for objects that are no numbers or text, `ValueError` for invalid literals, what `__int__` raises.
pub fn from_number(x: &Value) -> PyResult<Value> {
    if is_exact_int(x) {
        return Ok(x.clone());
    }
    if let Some(float) = x.as_small_float() {
        return from_f64(float);
    }
    if let Some(int) = through_slots(x, true)? {
        return Ok(int);
    }
    if let Some(result) = call::call_special(x, name!("__trunc__"), &[])? {
        if is_int(&result) {
            return exact(&result);
        }
        return through_slots(&result, false)?
            .ok_or_else(|| type_error(format!("__trunc__ returned non-Integral (type {})", result.ty().name())));
    }
    from_text(x, 10)?.ok_or_else(|| {
        type_error(format!("int() argument must be a string, a bytes-like object or a number, not '{}'", x.ty().name()))
    })
}

/// A float cut to an int.
///
/// # Errors
/// `OverflowError` for infinities, `ValueError` for NaN.
pub fn from_f64(float: f64) -> PyResult<Value> {
    if float.abs() < 4e18 {
        return Ok(Value::int(float as i64));
    }
    match BigInt::from_f64(float) {
        Some(value) => Ok(super::big(value)),
        None if float.is_nan() => Err(value_error("cannot convert float NaN to integer")),
        None => Err(overflow_error("cannot convert float infinity to integer")),
    }
}
