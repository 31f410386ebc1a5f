//! Powers of ints, also modulo an int.

use super::arithmetic::{check_size, int_to_f64};
use super::{Num, big, num};
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::exceptions::value_error;
use crate::types::float;
use num_bigint::{BigInt, Sign};
use num_traits::{One, Pow, Signed, ToPrimitive, Zero};

/// `left ** right`; a float when `right` is negative.
///
/// # Errors
/// `MemoryError` for results too large; what a power of floats raises; `NotImplemented` is the result when an operand
/// is no int.
pub fn pow(left: &Value, right: &Value) -> PyResult<Value> {
    let (Some(a), Some(b)) = (num(left), num(right)) else { return Ok(Value::NOT_IMPLEMENTED) };
    if b.is_negative() {
        return float::pow(int_to_f64(a)?, int_to_f64(b)?);
    }
    if let (Num::Small(a), Num::Small(b)) = (a, b)
        && let Some(result) = small_pow(a, b)
    {
        return Ok(Value::int(result));
    }
    let base = a.big();
    let odd_exponent = match b {
        Num::Small(b) => b & 1 == 1,
        Num::Big(b) => b.bit(0),
    };
    if base.magnitude().is_one() {
        return Ok(Value::int(if base.is_negative() && odd_exponent { -1 } else { 1 }));
    }
    if base.is_zero() {
        // The exponent 0 was dealt with above.
        return Ok(Value::int(0));
    }
    let exponent = b.big().to_u128().unwrap_or(u128::MAX);
    check_size(exponent.saturating_mul(u128::from(base.bits() - 1)))?;
    let Ok(exponent) = u64::try_from(exponent) else { return check_size(u128::MAX).map(|()| Value::NONE) };
    // Powers of two are shifted in at the end: `10 ** n` is `5 ** n << n`.
    let twos = base.trailing_zeros().unwrap_or(0);
    let odd = &*base >> twos;
    Ok(big(power_of(odd, exponent)? << (u128::from(twos) * u128::from(exponent))))
}

/// `base ** exponent`, an int. A program that has to end does between two multiplications.
fn power_of(base: BigInt, exponent: u64) -> PyResult<BigInt> {
    if exponent.saturating_mul(base.bits()) < 1 << 16 {
        return Ok(Pow::pow(base, exponent));
    }
    let mut result = BigInt::from(1);
    for bit in (0..u64::BITS - exponent.leading_zeros()).rev() {
        crate::vm::signals::check_stop()?;
        result = &result * &result;
        if exponent >> bit & 1 == 1 {
            result *= &base;
        }
    }
    Ok(result)
}

/// The power when it fits a machine word; the exponent is not negative.
fn small_pow(mut base: i64, mut exponent: i64) -> Option<i64> {
    let mut result = 1i64;
    loop {
        if exponent & 1 != 0 {
            result = result.checked_mul(base)?;
        }
        exponent >>= 1;
        if exponent == 0 {
            return Some(result);
        }
        base = base.checked_mul(base)?;
    }
}

/// `pow(base, exponent, modulus)`.
///
/// # Errors
/// `ValueError` for a modulus of 0, or a negative exponent when there is no inverse; `NotImplemented` is the result when
/// an operand is no int.
pub fn pow_mod(base: &Value, exponent: &Value, modulus: &Value) -> PyResult<Value> {
    let (Some(a), Some(b), Some(c)) = (num(base), num(exponent), num(modulus)) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    if let Num::Small(0) = c {
        return Err(value_error("pow() 3rd argument cannot be 0"));
    }
    let modulus = c.big().abs();
    if modulus.is_one() {
        return Ok(Value::int(0));
    }
    let result = match (a, b, modulus.to_u64()) {
        (Num::Small(a), Num::Small(b @ 0..), Some(modulus)) => BigInt::from(small_pow_mod(a, b as u64, modulus)),
        _ => {
            let mut base = a.big().into_owned();
            if b.is_negative() {
                base =
                    base.modinv(&modulus).ok_or_else(|| value_error("base is not invertible for the given modulus"))?;
            }
            base.modpow(&b.big().abs(), &modulus)
        }
    };
    let negative = c.is_negative() && result.sign() != Sign::NoSign;
    Ok(big(if negative { result - modulus } else { result }))
}

fn small_pow_mod(base: i64, mut exponent: u64, modulus: u64) -> u64 {
    let wide = u128::from(modulus);
    let mut base = i128::from(base).rem_euclid(i128::from(modulus)) as u64;
    let mut result = 1u64;
    while exponent != 0 {
        if exponent & 1 != 0 {
            result = (u128::from(result) * u128::from(base) % wide) as u64;
        }
        base = (u128::from(base) * u128::from(base) % wide) as u64;
        exponent >>= 1;
    }
    result
}
