//! The operators of float. Every operand may be an int, too.

use super::number;
use crate::object::error::{PyResult, Raised};
use crate::object::slots::Compare;
use crate::object::value::Value;
use crate::types::complex;
use crate::types::exceptions::{OVERFLOW_ERROR, instantiate, type_error, zero_division_error};
use crate::types::float::to_f64;
use crate::types::int::{self, Num};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use num_bigint::BigInt;
use num_traits::FromPrimitive;
use std::cmp::Ordering;

/// An operand as a float; `None` when it is neither float nor int.
///
/// # Errors
/// `OverflowError` for ints too large.
#[inline]
pub fn operand(value: &Value) -> PyResult<Option<f64>> {
    if let Some(float) = value.as_small_float() {
        return Ok(Some(float));
    }
    if let Some(float) = to_f64(value) {
        return Ok(Some(float));
    }
    match int::num(value) {
        Some(int) => int::int_to_f64(int).map(Some),
        None => Ok(None),
    }
}

macro_rules! operator {
    ($(#[$doc:meta])* $name:ident, |$a:ident, $b:ident| $result:expr) => {
        $(#[$doc])*
        ///
        /// `NotImplemented` is the result when an operand is neither float nor int.
        #[inline]
        pub fn $name(left: &Value, right: &Value) -> PyResult<Value> {
            let (Some($a), Some($b)) = (operand(left)?, operand(right)?) else { return Ok(Value::NOT_IMPLEMENTED) };
            $result
        }
    };
}

operator! {
    /// `left + right`.
    ///
    /// # Errors
    /// `OverflowError` for ints too large.
    add, |a, b| Ok(Value::float(a + b))
}
operator! {
    /// `left - right`.
    ///
    /// # Errors
    /// `OverflowError` for ints too large.
    subtract, |a, b| Ok(Value::float(a - b))
}
operator! {
    /// `left * right`.
    ///
    /// # Errors
    /// `OverflowError` for ints too large.
    multiply, |a, b| Ok(Value::float(a * b))
}
operator! {
    /// `left / right`.
    ///
    /// # Errors
    /// `ZeroDivisionError`; `OverflowError` for ints too large.
    true_divide, |a, b| if b == 0.0 { Err(zero_division_error("float division by zero")) } else { Ok(Value::float(a / b)) }
}
operator! {
    /// `left // right`.
    ///
    /// # Errors
    /// `ZeroDivisionError`; `OverflowError` for ints too large.
    floor_divide, |a, b| {
        if b == 0.0 { Err(zero_division_error("float divmod()")) } else { Ok(Value::float(floor_div(a, b))) }
    }
}
operator! {
    /// `left % right`.
    ///
    /// # Errors
    /// `ZeroDivisionError`; `OverflowError` for ints too large.
    remainder, |a, b| {
        if b == 0.0 { Err(zero_division_error("float modulo")) } else { Ok(Value::float(modulo(a, b))) }
    }
}
operator! {
    /// `divmod(left, right)`.
    ///
    /// # Errors
    /// `ZeroDivisionError`; `OverflowError` for ints too large.
    divmod, |a, b| {
        if b == 0.0 {
            return Err(zero_division_error("float divmod()"));
        }
        let (quotient, remainder) = divide(a, b);
        Ok(Tuple::from_vec(vec![Value::float(quotient), Value::float(remainder)]))
    }
}
operator! {
    /// `left ** right`.
    ///
    /// # Errors
    /// As for [`pow`].
    power, |a, b| pow(a, b)
}

/// The remainder with the sign of `divisor`, which is not 0.
#[inline]
pub fn modulo(dividend: f64, divisor: f64) -> f64 {
    let remainder = dividend % divisor;
    if remainder == 0.0 {
        0f64.copysign(divisor)
    } else if (divisor < 0.0) != (remainder < 0.0) {
        remainder + divisor
    } else {
        remainder
    }
}

/// The quotient rounded down; `divisor` is not 0.
#[inline]
pub fn floor_div(dividend: f64, divisor: f64) -> f64 {
    divide(dividend, divisor).0
}

/// Quotient rounded down and remainder; `divisor` is not 0. As `float_divmod`.
fn divide(dividend: f64, divisor: f64) -> (f64, f64) {
    let mut remainder = dividend % divisor;
    // Nearly a whole number: what fmod leaves is taken off before dividing.
    let mut quotient = (dividend - remainder) / divisor;
    if remainder == 0.0 {
        remainder = 0f64.copysign(divisor);
    } else if (divisor < 0.0) != (remainder < 0.0) {
        remainder += divisor;
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return (0f64.copysign(dividend / divisor), remainder);
    }
    let mut floor = quotient.floor();
    if quotient - floor > 0.5 {
        floor += 1.0;
    }
    (floor, remainder)
}

fn is_odd(value: f64) -> bool {
    value.abs() % 2.0 == 1.0
}

#[cold]
pub(in crate::types) fn out_of_range() -> Raised {
    let text = Str::new_value("Numerical result out of range");
    Raised::new(instantiate(&OVERFLOW_ERROR, vec![Value::int(34), text]))
}

/// `base ** exponent`: complex when a negative base is raised to a fraction. The special cases are C99's, spelled out
/// because platforms differ.
///
/// # Errors
/// `ZeroDivisionError` for a negative power of zero, `OverflowError` when the result is too large.
pub fn pow(base: f64, exponent: f64) -> PyResult<Value> {
    if exponent == 0.0 || base == 1.0 {
        return Ok(Value::float(1.0));
    }
    if base.is_nan() {
        return Ok(Value::float(base));
    }
    if exponent.is_nan() {
        return Ok(Value::float(exponent));
    }
    let odd = is_odd(exponent);
    if exponent.is_infinite() {
        let magnitude = base.abs();
        return Ok(Value::float(if magnitude == 1.0 {
            1.0
        } else if (exponent > 0.0) == (magnitude > 1.0) {
            f64::INFINITY
        } else {
            0.0
        }));
    }
    if base.is_infinite() {
        let magnitude = if exponent > 0.0 { f64::INFINITY } else { 0.0 };
        return Ok(Value::float(if odd { magnitude.copysign(base) } else { magnitude }));
    }
    if base == 0.0 {
        if exponent < 0.0 {
            return Err(zero_division_error("0.0 cannot be raised to a negative power"));
        }
        return Ok(Value::float(if odd { base } else { 0.0 }));
    }
    let mut negate = false;
    let mut magnitude = base;
    if base < 0.0 {
        if exponent != exponent.floor() {
            return complex::pow((base, 0.0), (exponent, 0.0));
        }
        magnitude = -base;
        negate = odd;
    }
    if magnitude == 1.0 {
        return Ok(Value::float(if negate { -1.0 } else { 1.0 }));
    }
    let result = magnitude.powf(exponent);
    if result.is_infinite() {
        return Err(out_of_range());
    }
    Ok(Value::float(if negate { -result } else { result }))
}

/// `pow(base, exponent, modulus)`: floats do not know it.
pub(super) fn pow_mod(base: &Value, exponent: &Value, modulus: &Value) -> PyResult<Value> {
    let _ = (base, exponent, modulus);
    Err(type_error("pow() 3rd argument not allowed unless all arguments are integers"))
}

/// `-value`.
///
/// # Errors
/// `TypeError` when the value is no float.
pub fn negative(value: &Value) -> PyResult<Value> {
    Ok(Value::float(-number(value)?))
}

/// `abs(value)`.
///
/// # Errors
/// `TypeError` when the value is no float.
pub fn absolute(value: &Value) -> PyResult<Value> {
    Ok(Value::float(number(value)?.abs()))
}

/// Order of a float and an int, exactly; `None` for NaN.
pub(in crate::types) fn order_with_int(float: f64, int: Num) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    if let Num::Small(small) = int
        && small.unsigned_abs() <= 1 << 53
    {
        return float.partial_cmp(&(small as f64));
    }
    if float.is_infinite() {
        return Some(if float > 0.0 { Ordering::Greater } else { Ordering::Less });
    }
    let whole = float.trunc();
    let order = BigInt::from_f64(whole)?.cmp(&int.big());
    Some(order.then_with(|| float.partial_cmp(&whole).unwrap_or(Ordering::Equal)))
}

/// Rich comparison of a float with a float or int, exact for ints of any size.
///
/// # Errors
/// None in practice; `NotImplemented` is the result when the other operand is neither float nor int.
#[inline]
pub fn compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    let Some(a) = to_f64(left) else { return Ok(Value::NOT_IMPLEMENTED) };
    let order = if let Some(b) = to_f64(right) {
        a.partial_cmp(&b)
    } else if let Some(b) = int::num(right) {
        order_with_int(a, b)
    } else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    Ok(Value::bool(match order {
        Some(order) => op.holds(order),
        None => op == Compare::Ne,
    }))
}
