//! Methods and attributes of float.

use super::{FLOAT, exact, frexp, hex, number, round_to_digits, round_to_int};
use crate::method;
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::native::{GetSet, Method};
use crate::object::value::Value;
use crate::object::{TypeObject, call, number as protocol};
use crate::types::exceptions::{overflow_error, type_error, value_error};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::{format_spec, int};
use num_bigint::BigInt;
use num_traits::FromPrimitive;
use std::cell::Cell;

pub(super) const METHODS: &[Method] = &[
    method!(exact, "conjugate($self, /)", "Return self, the complex conjugate of any float."),
    method!(trunc, "__trunc__($self, /)", "Return the Integral closest to x between 0 and x."),
    method!(
        round,
        "__round__($self, ndigits=None, /)",
        "Return the Integral closest to x, rounding half toward even.\n\n\
         When an argument is passed, work like built-in round(x, ndigits)."
    ),
    method!(
        as_integer_ratio,
        "as_integer_ratio($self, /)",
        "Return integer ratio.\n\n\
         Return a pair of integers, whose ratio is exactly equal to the original float\n\
         and with a positive denominator.\n\n\
         Raise OverflowError on infinities and a ValueError on NaNs.\n\n\
         >>> (10.0).as_integer_ratio()\n(10, 1)\n>>> (0.0).as_integer_ratio()\n(0, 1)\n\
         >>> (-.25).as_integer_ratio()\n(-1, 4)"
    ),
    method!(
        class fromhex,
        "fromhex($type, string, /)",
        "Create a floating-point number from a hexadecimal string.\n\n\
         >>> float.fromhex('0x1.ffffp10')\n2047.984375\n>>> float.fromhex('-0x1p-1074')\n-5e-324"
    ),
    method!(
        to_hex,
        "hex($self, /)",
        "Return a hexadecimal representation of a floating-point number.\n\n\
         >>> (-0.1).hex()\n'-0x1.999999999999ap-4'\n>>> 3.14159.hex()\n'0x1.921f9f01b866ep+1'"
    ),
    method!(is_integer, "is_integer($self, /)", "Return True if the float is an integer."),
    method!(getnewargs, "__getnewargs__($self, /)", ""),
    method!(
        class getformat,
        "__getformat__($type, typestr, /)",
        "You probably don't want to use this function.\n\n\
        \x20 typestr\n\
        \x20   Must be 'double' or 'float'.\n\n\
         It exists mainly to be used in Python's test suite.\n\n\
         This function returns whichever of 'unknown', 'IEEE, big-endian' or 'IEEE,\n\
         little-endian' best describes the format of floating point numbers used by the\n\
         C type named by typestr."
    ),
    method!(
        class set_format,
        "__set_format__($type, typestr, fmt, /)",
        "You probably don't want to use this function.\n\n\
        \x20 typestr\n\
        \x20   Must be 'double' or 'float'.\n\
        \x20 fmt\n\
        \x20   Must be one of 'unknown', 'IEEE, big-endian' or 'IEEE, little-endian',\n\
        \x20   and in addition can only be one of the latter two if it appears to\n\
        \x20   match the underlying C reality.\n\n\
         It exists mainly to be used in Python's test suite.\n\n\
         Override the automatic determination of C-level floating point type.\n\
         This affects how floats are converted to and from binary strings."
    ),
    method!(
        format_spec::format_float,
        "__format__($self, format_spec, /)",
        "Formats the float according to format_spec."
    ),
];

pub(super) const GETSET: &[GetSet] = &[
    GetSet { name: "real", get: exact, set: None, doc: Some("the real part of a complex number"), member: false },
    GetSet {
        name: "imag",
        get: |_| Ok(Value::float(0.0)),
        set: None,
        doc: Some("the imaginary part of a complex number"),
        member: false,
    },
];

fn trunc(this: &Value) -> PyResult<Value> {
    int::from_f64(number(this)?)
}

fn round(this: &Value, ndigits: Option<&Value>) -> PyResult<Value> {
    let value = number(this)?;
    match ndigits.filter(|ndigits| !ndigits.is_none()) {
        None => round_to_int(value),
        Some(ndigits) => {
            let ndigits = protocol::index_clamped(ndigits)?;
            round_to_digits(value, ndigits).map(Value::float)
        }
    }
}

fn as_integer_ratio(this: &Value) -> PyResult<Value> {
    let value = number(this)?;
    if value.is_infinite() {
        return Err(overflow_error("cannot convert Infinity to integer ratio"));
    }
    if value.is_nan() {
        return Err(value_error("cannot convert NaN to integer ratio"));
    }
    let (mut mantissa, mut exponent) = frexp(value);
    // Doubling at most 53 times makes a float whole.
    while mantissa != mantissa.floor() {
        mantissa *= 2.0;
        exponent -= 1;
    }
    let numerator = BigInt::from_f64(mantissa).unwrap_or_default();
    let shift = exponent.unsigned_abs();
    let (numerator, denominator) =
        if exponent > 0 { (numerator << shift, BigInt::from(1)) } else { (numerator, BigInt::from(1) << shift) };
    Ok(Tuple::from_vec(vec![int::big(numerator), int::big(denominator)]))
}

fn fromhex(class: &Value, string: &Value) -> PyResult<Value> {
    let Some(text) = string.downcast::<Str>() else {
        // What PyUnicode_AsUTF8AndSize raises.
        return Err(type_error("bad argument type for built-in operation"));
    };
    let value = match text.as_ascii() {
        Some(ascii) => hex::from_hex(ascii.as_bytes())?,
        None => hex::from_hex(text.to_string_lossy().as_bytes())?,
    };
    let value = Value::float(value);
    match class.downcast::<TypeObject>() {
        Some(ty) if std::ptr::eq(ty, &raw const FLOAT) => Ok(value),
        _ => call::call(class, &[value]),
    }
}

fn to_hex(this: &Value) -> PyResult<String> {
    number(this).map(hex::to_hex)
}

fn is_integer(this: &Value) -> PyResult<bool> {
    let value = number(this)?;
    Ok(value.is_finite() && value == value.floor())
}

fn getnewargs(this: &Value) -> PyResult<Value> {
    Ok(Tuple::from_vec(vec![Value::float(number(this)?)]))
}

/// Whether the format of doubles, of floats was set to 'unknown'.
static UNKNOWN: GilCell<[Cell<bool>; 2]> = GilCell::new([Cell::new(false), Cell::new(false)]);

const DETECTED: &str = if cfg!(target_endian = "little") { "IEEE, little-endian" } else { "IEEE, big-endian" };

fn format_cell(typestr: &Str, function: &str) -> PyResult<&'static Cell<bool>> {
    let [double, float] = UNKNOWN.get();
    if typestr.equals_str("double") {
        Ok(double)
    } else if typestr.equals_str("float") {
        Ok(float)
    } else {
        Err(value_error(format!("{function}() argument 1 must be 'double' or 'float'")))
    }
}

fn getformat(_class: &Value, typestr: &Str) -> PyResult<&'static str> {
    Ok(if format_cell(typestr, "__getformat__")?.get() { "unknown" } else { DETECTED })
}

fn set_format(_class: &Value, typestr: &Str, fmt: &Str) -> PyResult<()> {
    let cell = format_cell(typestr, "__setformat__")?;
    if fmt.equals_str("unknown") {
        cell.set(true);
    } else if fmt.equals_str(DETECTED) {
        cell.set(false);
    } else if fmt.equals_str("IEEE, little-endian") || fmt.equals_str("IEEE, big-endian") {
        return Err(value_error(format!(
            "can only set {} format to 'unknown' or the detected platform value",
            typestr.to_string_lossy()
        )));
    } else {
        return Err(value_error(
            "__setformat__() argument 2 must be 'unknown', 'IEEE, little-endian' or 'IEEE, big-endian'",
        ));
    }
    Ok(())
}
