//! The operators of int but for powers, on immediate and big operands.

use super::{Num, big, exact, num, number};
use crate::object::error::PyResult;
use crate::object::error::Raised;
use crate::object::slots::Compare;
use crate::object::value::Value;
use crate::types::exceptions::{MEMORY_ERROR, instantiate, overflow_error, value_error, zero_division_error};
use crate::types::float::ldexp;
use crate::types::tuple::Tuple;
use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::cmp::Ordering;

/// Results up to this many bytes are simply attempted; beyond it, the allocation is tried first.
const MODEST_SIZE: u64 = 16 << 20;

/// Bits of the largest int that CPython can describe: its count of 30-bit digits is a `Py_ssize_t`.
const MOST_BITS: u128 = (i64::MAX as u128 - 24) / 4 * 30;

#[cold]
fn out_of_memory() -> Raised {
    Raised::new(instantiate(&MEMORY_ERROR, Vec::new()))
}

/// Checks that an int of `bits` bits can be held in memory.
///
/// # Errors
/// `OverflowError` where CPython cannot even name the size, else `MemoryError`.
pub(super) fn check_size(bits: u128) -> PyResult<()> {
    if bits > MOST_BITS {
        return Err(overflow_error("too many digits in integer"));
    }
    let Ok(bytes) = u64::try_from(bits / 8) else { return Err(out_of_memory()) };
    if bytes <= MODEST_SIZE {
        return Ok(());
    }
    // The algorithms need the result about three times over.
    let fits = usize::try_from(bytes).ok().and_then(|bytes| bytes.checked_mul(3));
    match fits.map(|bytes| Vec::<u8>::new().try_reserve_exact(bytes)) {
        Some(Ok(())) => Ok(()),
        _ => Err(out_of_memory()),
    }
}

macro_rules! operator {
    ($(#[$doc:meta])* $name:ident, $checked:ident, $op:tt) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// None in practice; `NotImplemented` is the result when an operand is no int.
        #[inline]
        pub fn $name(left: &Value, right: &Value) -> PyResult<Value> {
            if let (Some(a), Some(b)) = (left.as_small_int(), right.as_small_int())
                && let Some(result) = a.$checked(b)
            {
                return Ok(Value::int(result));
            }
            #[inline(never)]
            fn slow(left: &Value, right: &Value) -> PyResult<Value> {
                let (Some(a), Some(b)) = (num(left), num(right)) else { return Ok(Value::NOT_IMPLEMENTED) };
                Ok(match (a, b) {
                    (Num::Small(a), Num::Small(b)) => match a.$checked(b) {
                        Some(result) => Value::int(result),
                        None => big(BigInt::from(a) $op b),
                    },
                    (Num::Big(a), Num::Small(b)) => big(a $op b),
                    (Num::Small(a), Num::Big(b)) => big(a $op b),
                    (Num::Big(a), Num::Big(b)) => big(a $op b),
                })
            }
            slow(left, right)
        }
    };
}

operator! {
    /// `left + right`.
    add, checked_add, +
}
operator! {
    /// `left - right`.
    subtract, checked_sub, -
}
operator! {
    /// `left * right`.
    multiply, checked_mul, *
}

macro_rules! bit_operator {
    ($(#[$doc:meta])* $name:ident, $op:tt) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// None in practice; `NotImplemented` is the result when an operand is no int.
        #[inline]
        pub fn $name(left: &Value, right: &Value) -> PyResult<Value> {
            if let (Some(a), Some(b)) = (left.as_small_int(), right.as_small_int()) {
                return Ok(Value::int(a $op b));
            }
            let (Some(a), Some(b)) = (num(left), num(right)) else { return Ok(Value::NOT_IMPLEMENTED) };
            Ok(match (a, b) {
                (Num::Small(a), Num::Small(b)) => Value::int(a $op b),
                (a, b) => big(&*a.big() $op &*b.big()),
            })
        }
    };
}

bit_operator! {
    /// `left & right`.
    and, &
}
bit_operator! {
    /// `left | right`.
    or, |
}
bit_operator! {
    /// `left ^ right`.
    xor, ^
}

/// The quotient rounded down; `divisor` is not 0. Wraps at `i64::MIN / -1`, which immediate ints never reach.
#[inline(always)]
pub fn floor_div(dividend: i64, divisor: i64) -> i64 {
    let quotient = dividend.wrapping_div(divisor);
    if dividend.wrapping_rem(divisor) != 0 && (dividend ^ divisor) < 0 { quotient - 1 } else { quotient }
}

/// The remainder with the sign of `divisor`, which is not 0.
#[inline(always)]
pub fn modulo(dividend: i64, divisor: i64) -> i64 {
    let remainder = dividend.wrapping_rem(divisor);
    if remainder != 0 && (remainder ^ divisor) < 0 { remainder + divisor } else { remainder }
}

#[cold]
fn division_by_zero() -> Raised {
    zero_division_error("integer division or modulo by zero")
}

/// Quotient and remainder of operands not both immediate.
fn divide_slow(left: &Value, right: &Value) -> PyResult<Option<(Value, Value)>> {
    let (Some(a), Some(b)) = (num(left), num(right)) else { return Ok(None) };
    match (a, b) {
        (_, Num::Small(0)) => Err(division_by_zero()),
        (Num::Small(a), Num::Small(b)) if !(a == i64::MIN && b == -1) => {
            Ok(Some((Value::int(floor_div(a, b)), Value::int(modulo(a, b)))))
        }
        (a, b) => {
            let (quotient, remainder) = divide(&a.big(), &b.big());
            Ok(Some((big(quotient), big(remainder))))
        }
    }
}

/// `left // right`.
///
/// # Errors
/// `ZeroDivisionError`; `NotImplemented` is the result when an operand is no int.
#[inline]
pub fn floor_divide(left: &Value, right: &Value) -> PyResult<Value> {
    if let (Some(a), Some(b)) = (left.as_small_int(), right.as_small_int())
        && b != 0
    {
        return Ok(Value::int(floor_div(a, b)));
    }
    Ok(divide_slow(left, right)?.map_or(Value::NOT_IMPLEMENTED, |(quotient, _)| quotient))
}

/// `left % right`.
///
/// # Errors
/// As for [`floor_divide`].
#[inline]
pub fn remainder(left: &Value, right: &Value) -> PyResult<Value> {
    if let (Some(a), Some(b)) = (left.as_small_int(), right.as_small_int())
        && b != 0
    {
        return Ok(Value::int(modulo(a, b)));
    }
    Ok(divide_slow(left, right)?.map_or(Value::NOT_IMPLEMENTED, |(_, remainder)| remainder))
}

/// `divmod(left, right)`.
///
/// # Errors
/// As for [`floor_divide`].
pub fn divmod(left: &Value, right: &Value) -> PyResult<Value> {
    Ok(divide_slow(left, right)?
        .map_or(Value::NOT_IMPLEMENTED, |(quotient, remainder)| Tuple::from_vec(vec![quotient, remainder])))
}

/// Ints up to this size convert to float without rounding.
const EXACT: u64 = 1 << 53;

/// `left / right`, correctly rounded.
///
/// # Errors
/// `ZeroDivisionError`; `OverflowError` when the quotient is too large; `NotImplemented` is the result when an operand is
/// no int.
#[inline]
pub fn true_divide(left: &Value, right: &Value) -> PyResult<Value> {
    let (Some(a), Some(b)) = (num(left), num(right)) else { return Ok(Value::NOT_IMPLEMENTED) };
    if matches!(b, Num::Small(0)) {
        return Err(zero_division_error("division by zero"));
    }
    if let (Num::Small(a), Num::Small(b)) = (a, b)
        && a.unsigned_abs() <= EXACT
        && b.unsigned_abs() <= EXACT
    {
        return Ok(Value::float(a as f64 / b as f64));
    }
    let (a, b) = (a.big(), b.big());
    let quotient = quotient_to_f64(a.magnitude(), b.magnitude())?;
    // As in CPython, 0 divided by a negative int is -0.0.
    Ok(Value::float(if a.is_negative() == b.is_negative() { quotient } else { -quotient }))
}

/// The quotient of `a` and `b` (not 0), rounded to nearest even once.
fn quotient_to_f64(a: &BigUint, b: &BigUint) -> PyResult<f64> {
    const MANTISSA: i128 = 53;
    const MIN_EXPONENT: i128 = -1021;
    const MAX_EXPONENT: i128 = 1024;
    if a.is_zero() {
        return Ok(0.0);
    }
    let too_large = || overflow_error("integer division result too large for a float");
    let difference = i128::from(a.bits()) - i128::from(b.bits());
    if difference > MAX_EXPONENT {
        return Err(too_large());
    }
    if difference < MIN_EXPONENT - MANTISSA - 1 {
        return Ok(0.0);
    }
    // Scale so that the integer quotient has at least two bits more than fit, and remember whether anything was cut off
    // in a sticky lowest bit.
    let shift = difference.max(MIN_EXPONENT) - MANTISSA - 2;
    let distance = shift.unsigned_abs() as u64;
    let (quotient, inexact) = if shift <= 0 {
        let (quotient, remainder) = (a << distance).div_rem(b);
        (quotient, !remainder.is_zero())
    } else {
        let cut = a.trailing_zeros().unwrap_or(0) < distance;
        let (quotient, remainder) = (a >> distance).div_rem(b);
        (quotient, cut || !remainder.is_zero())
    };
    let Some(quotient) = quotient.to_u64() else { return Err(too_large()) };
    let mut quotient = quotient | u64::from(inexact);
    let bits = i128::from(64 - quotient.leading_zeros());
    let extra = bits.max(MIN_EXPONENT - shift) - MANTISSA;
    // Round half to even on the bit of weight `half`.
    let half = 1u64 << (extra - 1);
    if quotient & half != 0 && quotient & (3 * half - 1) != 0 {
        quotient += half;
    }
    quotient &= !(2 * half - 1);
    let result = ldexp(quotient as f64, shift as i64);
    if result.is_finite() { Ok(result) } else { Err(too_large()) }
}

/// An int as a float, rounded to nearest even.
///
/// # Errors
/// `OverflowError` when it is too large.
pub fn int_to_f64(value: Num) -> PyResult<f64> {
    match value {
        Num::Small(small) => Ok(small as f64),
        Num::Big(value) => match value.to_f64() {
            Some(float) if float.is_finite() => Ok(float),
            _ => Err(overflow_error("int too large to convert to float")),
        },
    }
}

#[cold]
fn negative_shift() -> Raised {
    value_error("negative shift count")
}

/// `left << right`.
///
/// # Errors
/// `ValueError` for a negative count, `OverflowError` and `MemoryError` for a huge one; `NotImplemented` is the result
/// when an operand is no int.
pub fn left_shift(left: &Value, right: &Value) -> PyResult<Value> {
    let (Some(a), Some(b)) = (num(left), num(right)) else { return Ok(Value::NOT_IMPLEMENTED) };
    if b.is_negative() {
        return Err(negative_shift());
    }
    if let Num::Small(0) = a {
        return Ok(Value::int(0));
    }
    if let (Num::Small(a), Num::Small(count @ 0..64)) = (a, b)
        && let Ok(small) = i64::try_from(i128::from(a) << count)
    {
        return Ok(Value::int(small));
    }
    let a = a.big();
    let count = b.big().to_u128().unwrap_or(u128::MAX);
    check_size(count.saturating_add(a.bits().into()))?;
    Ok(big(&*a << count))
}

/// `left >> right`.
///
/// # Errors
/// `ValueError` for a negative count; `NotImplemented` is the result when an operand is no int.
pub fn right_shift(left: &Value, right: &Value) -> PyResult<Value> {
    let (Some(a), Some(b)) = (num(left), num(right)) else { return Ok(Value::NOT_IMPLEMENTED) };
    if b.is_negative() {
        return Err(negative_shift());
    }
    Ok(match (a, b) {
        (Num::Small(a), Num::Small(count)) => Value::int(a >> count.min(63)),
        (Num::Big(a), Num::Small(count)) => big(a >> count as u64),
        (a, Num::Big(_)) => Value::int(if a.is_negative() { -1 } else { 0 }),
    })
}

/// `-value`.
///
/// # Errors
/// `TypeError` when the value is no int.
pub fn negative(value: &Value) -> PyResult<Value> {
    Ok(match number(value)? {
        Num::Small(small) if small != i64::MIN => Value::int(-small),
        other => big(-other.big().into_owned()),
    })
}

/// `~value`.
///
/// # Errors
/// `TypeError` when the value is no int.
pub fn invert(value: &Value) -> PyResult<Value> {
    Ok(match number(value)? {
        Num::Small(small) => Value::int(!small),
        Num::Big(value) => big(-(value + BigInt::one())),
    })
}

/// `abs(value)`.
///
/// # Errors
/// `TypeError` when the value is no int.
pub fn absolute(value: &Value) -> PyResult<Value> {
    if number(value)?.is_negative() { negative(value) } else { exact(value) }
}

/// Order of two numbers.
pub(super) fn order(a: Num, b: Num) -> Ordering {
    match (a, b) {
        (Num::Small(a), Num::Small(b)) => a.cmp(&b),
        (Num::Big(a), Num::Big(b)) => a.cmp(b),
        // A big number is beyond every small one.
        (Num::Big(a), Num::Small(_)) => {
            if a.sign() == Sign::Minus {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        (Num::Small(_), Num::Big(b)) => {
            if b.sign() == Sign::Minus {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
    }
}

/// Rich comparison of ints.
///
/// # Errors
/// None in practice; `NotImplemented` is the result when an operand is no int.
#[inline]
pub fn compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    if let (Some(a), Some(b)) = (left.as_small_int(), right.as_small_int()) {
        return Ok(Value::bool(op.holds(a.cmp(&b))));
    }
    match (num(left), num(right)) {
        (Some(a), Some(b)) => Ok(Value::bool(op.holds(order(a, b)))),
        _ => Ok(Value::NOT_IMPLEMENTED),
    }
}

/// Quotient and remainder, rounded down.
fn divide(a: &BigInt, b: &BigInt) -> (BigInt, BigInt) {
    let Some((quotient, remainder)) = divide_short(a.magnitude(), b.magnitude()) else { return a.div_mod_floor(b) };
    let differ = a.sign() != b.sign();
    let (quotient, remainder) = match differ && !remainder.is_zero() {
        true => (quotient + 1, b.magnitude() - remainder),
        false => (quotient, remainder),
    };
    let sign = if differ { Sign::Minus } else { Sign::Plus };
    (BigInt::from_biguint(sign, quotient.into()), BigInt::from_biguint(b.sign(), remainder))
}

/// Quotient and remainder of numbers of more than one word whose quotient is below 2^62, by one multiplication: dividing
/// general numbers takes several times as long. None for others.
///
/// The quotient of the leading bits, the divisor's being 64, is not smaller than the true one and at most 2 larger (as
/// in step D3 of Knuth's algorithm D).
fn divide_short(a: &BigUint, b: &BigUint) -> Option<(u64, BigUint)> {
    let (a_bits, b_bits) = (a.bits(), b.bits());
    if b_bits <= 64 || a_bits < b_bits || a_bits > b_bits + 61 {
        return None;
    }
    let shift = b_bits - 64;
    let leading = |number: &BigUint| -> u128 {
        let (skip, part) = ((shift / 64) as usize, shift % 64);
        let mut words = number.iter_u64_digits().skip(skip);
        let mut word = || u128::from(words.next().unwrap_or(0));
        let (low, middle, high) = (word(), word(), word());
        let low_two = middle << 64 | low;
        if part == 0 { low_two } else { low_two >> part | high << (128 - part) }
    };
    let mut quotient = u64::try_from(leading(a) / leading(b)).ok()?;
    let mut product = b * quotient;
    while &product > a {
        quotient -= 1;
        product -= b;
    }
    Some((quotient, a - product))
}
