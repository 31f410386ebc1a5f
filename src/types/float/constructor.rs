//! `float(...)`.

use super::parse::parse;
use super::{FLOAT, Float, exact, is_exact_float, number};
use crate::object::arguments::{no_keywords, positional};
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::object::{TypeObject, number as protocol, text};
use crate::types::bytes::buffer_or_none;
use crate::types::exceptions::{type_error, value_error};
use crate::types::int::text::{to_ascii, trim};
use crate::types::str::Str;

pub(super) fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let Some(ty) = class.downcast::<TypeObject>() else {
        return Err(type_error("float.__new__(X): X is not a type object"));
    };
    let is_float = std::ptr::eq(ty, &raw const FLOAT);
    if is_float {
        no_keywords("float", kwnames)?;
    }
    // A subclass may take keywords for its own `__init__`.
    let value = match positional(args, kwnames) {
        [] => Value::float(0.0),
        [x] => from_number(x)?,
        more => return Err(type_error(format!("float expected at most 1 argument, got {}", more.len()))),
    };
    if is_float { Ok(value) } else { Ok(Float::instance_of(ty, number(&value)?)) }
}

/// `float(x)`. As `PyNumber_Float`.
///
/// # Errors
/// `TypeError` for objects that are no numbers or text, `ValueError` for text that is no float, `OverflowError` for ints
/// too large, what `__float__` raises.
pub fn from_number(x: &Value) -> PyResult<Value> {
    if is_exact_float(x) {
        return Ok(x.clone());
    }
    if let Some(slot) = x.ty().slot(|slots| slots.float) {
        let result = slot(x)?;
        protocol::check_float(x, &result)?;
        return exact(&result);
    }
    if protocol::is_index(x) {
        return Ok(Value::float(protocol::int_to_f64(&protocol::index(x)?)?));
    }
    let parsed = if let Some(string) = x.downcast::<Str>() {
        match string.as_ascii() {
            Some(ascii) => parse_or_blank(ascii.as_bytes()),
            None => parse_or_blank(&to_ascii(string)),
        }
    } else if let Some(buffer) = buffer_or_none(x) {
        parse_or_blank(&buffer)
    } else {
        return Err(type_error(format!("float() argument must be a string or a number, not '{}'", x.ty().name())));
    };
    match parsed {
        Ok(value) => Ok(Value::float(value)),
        // An empty text is shown without the white space that was around it.
        Err(true) => Err(value_error("could not convert string to float: ''")),
        Err(false) => Err(value_error(format!("could not convert string to float: {}", text::repr_string(x)?))),
    }
}

/// The float, or whether there was only white space.
fn parse_or_blank(text: &[u8]) -> Result<f64, bool> {
    parse(text).ok_or_else(|| trim(text).is_empty())
}
