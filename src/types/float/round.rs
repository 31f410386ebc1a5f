//! Rounding floats to ints and to decimal digits.

use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::exceptions::overflow_error;
use crate::types::int::{self, divide_near};
use num_bigint::BigInt;
use num_traits::{FromPrimitive, Pow, ToPrimitive};

/// `round(value)`: the nearest int, ties to even.
///
/// # Errors
/// `OverflowError` for infinities, `ValueError` for NaN.
pub fn round_to_int(value: f64) -> PyResult<Value> {
    int::from_f64(value.round_ties_even())
}

/// `round(value, digits)`: the float nearest to `value` rounded to that many decimals, exact ties to even.
///
/// # Errors
/// `OverflowError` when the rounded value is too large.
pub fn round_to_digits(value: f64, digits: isize) -> PyResult<f64> {
    // Beyond these, rounding changes nothing or leaves nothing (NDIGITS_MAX and NDIGITS_MIN of float.__round__).
    const MOST: isize = 323;
    const LEAST: isize = -308;
    if !value.is_finite() || value == 0.0 || digits > MOST {
        return Ok(value);
    }
    if digits < LEAST {
        return Ok(0.0 * value);
    }
    let rounded = if digits >= 0 {
        format!("{value:.*}", digits.unsigned_abs()).parse().unwrap_or(value)
    } else {
        let power = BigInt::from(10).pow(digits.unsigned_abs());
        // A fraction is less than any distance between ints; it only breaks ties upwards. Doubled, with a sticky bit in
        // its place, it takes part in the exact rounding.
        let magnitude = value.abs();
        let whole = BigInt::from_f64(magnitude.trunc()).unwrap_or_default();
        let doubled = whole * 2 + i32::from(magnitude.fract() != 0.0);
        let (quotient, _) = divide_near(&doubled, &(&power * 2));
        (quotient * power).to_f64().unwrap_or(f64::INFINITY)
    };
    if rounded.is_infinite() {
        return Err(overflow_error("rounded value too large to represent"));
    }
    Ok(rounded.copysign(value))
}
