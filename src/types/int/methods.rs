//! Methods and attributes of int.

use super::bytes::{from_bytes, to_bytes};
use super::{Num, big, exact, int_to_f64, number};
use crate::method;
use crate::object::error::PyResult;
use crate::object::native::{GetSet, Method};
use crate::object::number as protocol;
use crate::object::value::Value;
use crate::types::exceptions::type_error;
use crate::types::format_spec;
use crate::types::tuple::Tuple;
use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::Signed;
use std::cmp::Ordering;

pub(super) const METHODS: &[Method] = &[
    method!(exact, "!conjugate($self, /)", "Returns self, the complex conjugate of any int."),
    method!(
        bit_length,
        "bit_length($self, /)",
        "Number of bits necessary to represent self in binary.\n\n>>> bin(37)\n'0b100101'\n>>> (37).bit_length()\n6"
    ),
    method!(
        to_bytes,
        "to_bytes($self, /, length, byteorder, *, signed=False)",
        "Return an array of bytes representing an integer.\n\n\
        \x20 length\n\
        \x20   Length of bytes object to use.  An OverflowError is raised if the\n\
        \x20   integer is not representable with the given number of bytes.\n\
        \x20 byteorder\n\
        \x20   The byte order used to represent the integer.  If byteorder is 'big',\n\
        \x20   the most significant byte is at the beginning of the byte array.  If\n\
        \x20   byteorder is 'little', the most significant byte is at the end of the\n\
        \x20   byte array.  To request the native byte order of the host system, use\n\
        \x20   `sys.byteorder' as the byte order value.\n\
        \x20 signed\n\
        \x20   Determines whether two's complement is used to represent the integer.\n\
        \x20   If signed is False and a negative integer is given, an OverflowError\n\
        \x20   is raised."
    ),
    method!(
        class from_bytes,
        "from_bytes($type, /, bytes, byteorder, *, signed=False)",
        "Return the integer represented by the given array of bytes.\n\n\
        \x20 bytes\n\
        \x20   Holds the array of bytes to convert.  The argument must either\n\
        \x20   support the buffer protocol or be an iterable object producing bytes.\n\
        \x20   Bytes and bytearray are examples of built-in objects that support the\n\
        \x20   buffer protocol.\n\
        \x20 byteorder\n\
        \x20   The byte order used to represent the integer.  If byteorder is 'big',\n\
        \x20   the most significant byte is at the beginning of the byte array.  If\n\
        \x20   byteorder is 'little', the most significant byte is at the end of the\n\
        \x20   byte array.  To request the native byte order of the host system, use\n\
        \x20   `sys.byteorder' as the byte order value.\n\
        \x20 signed\n\
        \x20   Indicates whether two's complement is used to represent the integer."
    ),
    method!(
        as_integer_ratio,
        "as_integer_ratio($self, /)",
        "Return integer ratio.\n\n\
         Return a pair of integers, whose ratio is exactly equal to the original int\n\
         and with a positive denominator.\n\n\
         >>> (10).as_integer_ratio()\n(10, 1)\n>>> (-10).as_integer_ratio()\n(-10, 1)\n\
         >>> (0).as_integer_ratio()\n(0, 1)"
    ),
    method!(exact, "!__trunc__($self, /)", "Truncating an Integral returns itself."),
    method!(exact, "!__floor__($self, /)", "Flooring an Integral returns itself."),
    method!(exact, "!__ceil__($self, /)", "Ceiling of an Integral returns itself."),
    method!(
        round,
        "!__round__($self, *args)",
        "Rounding an Integral returns itself.\nRounding with an ndigits argument also returns an integer."
    ),
    method!(getnewargs, "__getnewargs__($self, /)", ""),
    method!(format_spec::format_int, "__format__($self, format_spec, /)", ""),
    method!(sizeof, "__sizeof__($self, /)", "Returns size in memory, in bytes."),
];

const fn attribute(name: &'static str, get: fn(&Value) -> PyResult<Value>, doc: &'static str) -> GetSet {
    GetSet { name, get, set: None, doc: Some(doc), member: false }
}

pub(super) const GETSET: &[GetSet] = &[
    attribute("real", exact, "the real part of a complex number"),
    attribute("imag", |_| Ok(Value::int(0)), "the imaginary part of a complex number"),
    attribute("numerator", exact, "the numerator of a rational number in lowest terms"),
    attribute("denominator", |_| Ok(Value::int(1)), "the denominator of a rational number in lowest terms"),
];

/// `float(value)`.
pub(super) fn float(value: &Value) -> PyResult<Value> {
    Ok(Value::float(int_to_f64(number(value)?)?))
}

/// `value.bit_length()`.
///
/// # Errors
/// `TypeError` when the value is no int.
pub fn bit_length(value: &Value) -> PyResult<i64> {
    Ok(match number(value)? {
        Num::Small(small) => 64 - i64::from(small.unsigned_abs().leading_zeros()),
        Num::Big(value) => value.bits() as i64,
    })
}

fn as_integer_ratio(value: &Value) -> PyResult<Value> {
    Ok(Tuple::from_vec(vec![exact(value)?, Value::int(1)]))
}

fn getnewargs(value: &Value) -> PyResult<Value> {
    Ok(Tuple::from_vec(vec![exact(value)?]))
}

/// CPython's size: a header of three words and digits of 30 bits in four bytes each.
fn sizeof(value: &Value) -> PyResult<i64> {
    Ok(24 + (bit_length(value)? as u64).div_ceil(30) as i64 * 4)
}

fn round(value: &Value, args: &Tuple) -> PyResult<Value> {
    let ndigits = match args.as_slice() {
        [] => return exact(value),
        [ndigits] => protocol::index(ndigits)?,
        _ => {
            return Err(type_error(format!("function takes at most 1 argument ({} given)", args.len())));
        }
    };
    let digits = number(&ndigits)?;
    if !digits.is_negative() {
        return exact(value);
    }
    let this = number(value)?.big();
    // A power of ten beyond twice the number rounds to zero; three bits and a bit make a digit.
    let Num::Small(digits) = digits else { return Ok(Value::int(0)) };
    let digits = digits.unsigned_abs();
    if digits > this.bits() / 3 + 2 {
        return Ok(Value::int(0));
    }
    let power = num_traits::Pow::pow(BigInt::from(10), digits);
    let (quotient, _) = divide_near(&this, &power);
    Ok(big(quotient * power))
}

/// The quotient rounded to nearest, ties to even, and the remainder that belongs to it. `divisor` is not 0. As
/// `_PyLong_DivmodNear`.
pub fn divide_near(dividend: &BigInt, divisor: &BigInt) -> (BigInt, BigInt) {
    let (mut quotient, mut remainder) = dividend.div_mod_floor(divisor);
    // The remainder has the divisor's sign here.
    let up = match (remainder.abs() * 2u8).cmp(&divisor.abs()) {
        Ordering::Greater => true,
        Ordering::Equal => quotient.is_odd(),
        Ordering::Less => false,
    };
    if up && remainder.sign() != Sign::NoSign {
        quotient += 1;
        remainder -= divisor;
    }
    (quotient, remainder)
}
