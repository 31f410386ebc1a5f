//! The functions of `math` over ints of any size.

use crate::object::error::PyResult;
use crate::object::number;
use crate::object::value::Value;
use crate::types::exceptions::{overflow_error, value_error};
use crate::types::float;
use crate::types::int::{self, Num};
use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_traits::{One, ToPrimitive, Zero};
use std::cmp::Ordering;

/// The index form of an argument, and its number.
fn index(value: &Value) -> PyResult<Value> {
    number::index(value)
}

/// `math.gcd(x, y)`.
///
/// # Errors
/// `TypeError` for what is no integer.
pub fn gcd(x: &Value, y: &Value) -> PyResult<Value> {
    let (x, y) = (index(x)?, index(y)?);
    if let (Some(Num::Small(a)), Some(Num::Small(b))) = (int::num(&x), int::num(&y)) {
        return Ok(int::big(a.unsigned_abs().gcd(&b.unsigned_abs()).into()));
    }
    let (a, b) = (int::number(&x)?.big(), int::number(&y)?.big());
    Ok(int::big(gcd_big(a.into_owned(), b.into_owned())))
}

/// The bits of a number from `shift` on, of which there are at most 64.
fn top_bits(number: &BigUint, shift: u64) -> i128 {
    let mut digits = number.iter_u64_digits().skip((shift / 64) as usize);
    let (low, high) = (digits.next().unwrap_or(0), digits.next().unwrap_or(0));
    let both = u128::from(high) << 64 | u128::from(low);
    ((both >> (shift % 64)) as u64).into()
}

/// Lehmer's algorithm: Euclid's on the leading bits, as long as those decide the quotients; what that does to them is then
/// done to the numbers at once.
fn gcd_big(a: BigInt, b: BigInt) -> BigInt {
    let (mut a, mut b) = (a.into_parts().1, b.into_parts().1);
    if a < b {
        std::mem::swap(&mut a, &mut b);
    }
    while b.bits() > 64 {
        let shift = a.bits() - 62;
        let (mut x, mut y) = (top_bits(&a, shift), top_bits(&b, shift));
        // The numbers are now x = p*a - q*b and y = s*b - r*a, the signs turning with each step.
        let (mut p, mut q, mut r, mut s) = (1i128, 0i128, 0i128, 1i128);
        let mut even = true;
        while y != r {
            // The least and the largest quotient that the bits cut off allow are the same until `cofactor` is too large.
            let quotient = (x + (p - 1)) / (y - r);
            let cofactor = q + quotient * s;
            let rest = x - quotient * y;
            if cofactor > rest {
                break;
            }
            (x, y) = (y, rest);
            (p, q, r, s) = (s, r, cofactor, p + quotient * r);
            even = !even;
        }
        if q == 0 {
            let rest = &a % &b;
            a = std::mem::replace(&mut b, rest);
            continue;
        }
        // The cofactors have less than half of the leading bits.
        let times = |number: &BigUint, factor: i128| number * factor as u64;
        (a, b) = if even {
            (times(&a, p) - times(&b, q), times(&b, s) - times(&a, r))
        } else {
            (times(&b, p) - times(&a, q), times(&a, s) - times(&b, r))
        };
    }
    if b.is_zero() {
        return a.into();
    }
    let small = b.to_u64().unwrap_or(1);
    let rest = (&a % small).to_u64().unwrap_or(0);
    BigInt::from(small.gcd(&rest))
}

/// `math.isqrt(n)`.
///
/// # Errors
/// `TypeError` for what is no integer, `ValueError` below zero.
pub fn isqrt(n: &Value) -> PyResult<Value> {
    let n = index(n)?;
    match int::number(&n)? {
        number if number.is_negative() => Err(value_error("isqrt() argument must be nonnegative")),
        Num::Small(small) => Ok(Value::int(small.isqrt())),
        Num::Big(big) => Ok(int::big(big.sqrt())),
    }
}

/// The product of `from..=to`, by halves so that the factors are of like size.
fn product(from: u64, to: u64) -> BigUint {
    if from > to {
        return BigUint::one();
    }
    if to - from < 24 {
        let mut result = BigUint::one();
        let mut word = 1u64;
        for factor in from..=to {
            match word.checked_mul(factor) {
                Some(next) => word = next,
                None => {
                    result *= word;
                    word = factor;
                }
            }
        }
        return result * word;
    }
    let middle = from + (to - from) / 2;
    product(from, middle) * product(middle + 1, to)
}

/// The product of the odd numbers in `from..=to`.
fn odd_product(from: u64, to: u64) -> BigUint {
    if to < from {
        return BigUint::one();
    }
    if to - from < 48 {
        let mut result = BigUint::one();
        let mut word = 1u64;
        for factor in (from..=to).filter(|factor| factor % 2 == 1) {
            match word.checked_mul(factor) {
                Some(next) => word = next,
                None => {
                    result *= word;
                    word = factor;
                }
            }
        }
        return result * word;
    }
    let middle = from + (to - from) / 2;
    odd_product(from, middle) * odd_product(middle + 1, to)
}

/// n!: the product of the odd parts of all factors, shifted by the twos that are in them.
fn factorial_of(n: u64) -> BigUint {
    if n <= 20 {
        return BigUint::from((2..=n).product::<u64>());
    }
    // The odd numbers up to n / 2^i are odd parts i + 1 times: what the next level adds is multiplied in each time.
    let mut inner = BigUint::one();
    let mut outer = BigUint::one();
    let mut below = 1;
    for shift in (0..n.ilog2()).rev() {
        let upper = n >> shift;
        inner *= odd_product(below + 1, upper);
        outer *= &inner;
        below = upper;
    }
    outer << (n - u64::from(n.count_ones()))
}

/// `math.factorial(x)`.
///
/// # Errors
/// `ValueError` for a negative or fractional argument, `OverflowError` for one too large.
pub fn factorial(x: &Value) -> PyResult<Value> {
    let whole = match float::to_f64(x) {
        Some(float) if float.is_finite() && float == float.floor() => int::from_f64(float)?,
        Some(_) => return Err(value_error("factorial() only accepts integral values")),
        None => index(x)?,
    };
    let number = int::number(&whole)?;
    if number.is_negative() {
        return Err(value_error("factorial() not defined for negative values"));
    }
    match number {
        Num::Small(n) => Ok(int::big(factorial_of(n.unsigned_abs()).into())),
        Num::Big(_) => Err(overflow_error(format!("factorial() argument should not exceed {}", i64::MAX))),
    }
}

/// Checks the arguments of `perm` and `comb`.
fn check_signs(n: &BigInt, k: &BigInt) -> PyResult<()> {
    for (name, number) in [("n", n), ("k", k)] {
        if number.sign() == num_bigint::Sign::Minus {
            return Err(value_error(format!("{name} must be a non-negative integer")));
        }
    }
    Ok(())
}

/// n * (n - 1) * ... of `count` factors.
fn falling(n: &BigInt, count: u64) -> BigInt {
    if let Some(small) = n.to_u64() {
        return product((small - count) + 1, small).into();
    }
    fn part(top: &BigInt, count: u64) -> BigInt {
        if count < 8 {
            return (0..count).fold(BigInt::one(), |product, i| product * (top - i));
        }
        let half = count / 2;
        part(top, half) * part(&(top - half), count - half)
    }
    part(n, count)
}

/// `math.perm(n, k=None)`.
///
/// # Errors
/// `TypeError` for what is no integer, `ValueError` below zero, `OverflowError` for too many factors.
pub fn perm(n: &Value, k: Option<&Value>) -> PyResult<Value> {
    let Some(k) = k.filter(|k| !k.is_none()) else { return factorial(n) };
    let n_value = index(n)?;
    let k_value = index(k)?;
    let (n, k) = (int::number(&n_value)?.big(), int::number(&k_value)?.big());
    check_signs(&n, &k)?;
    if n < k {
        return Ok(Value::int(0));
    }
    match k.to_i64() {
        None => Err(overflow_error(format!("k must not exceed {}", i64::MAX))),
        Some(0) => Ok(Value::int(1)),
        Some(1) => int::exact(&n_value),
        Some(k) => Ok(int::big(falling(&n, k.unsigned_abs()))),
    }
}

/// `math.comb(n, k)`.
///
/// # Errors
/// As for [`perm`].
pub fn comb(n: &Value, k: &Value) -> PyResult<Value> {
    let n_value = index(n)?;
    let k_value = index(k)?;
    let (n, k) = (int::number(&n_value)?.big(), int::number(&k_value)?.big());
    check_signs(&n, &k)?;
    let rest = &*n - &*k;
    if rest.sign() == num_bigint::Sign::Minus {
        return Ok(Value::int(0));
    }
    let count = if rest.cmp(&k) == Ordering::Less { rest } else { k.into_owned() };
    let count = match count.to_i64() {
        None => return Err(overflow_error(format!("min(n - k, k) must not exceed {}", i64::MAX))),
        Some(0) => return Ok(Value::int(1)),
        Some(1) => return int::exact(&n_value),
        Some(count) => count.unsigned_abs(),
    };
    // Each step is whole: the product of i + 1 consecutive numbers divides by (i + 1)!.
    if let Some(small) = n.to_u64() {
        let mut result = 1u64;
        let mut exact = true;
        for i in 0..count {
            match result.checked_mul(small - i) {
                Some(next) => result = next / (i + 1),
                None => {
                    exact = false;
                    break;
                }
            }
        }
        if exact {
            return Ok(int::big(result.into()));
        }
    }
    Ok(int::big(falling(&n, count) / BigInt::from(factorial_of(count))))
}

/// The mantissa in [0.5, 1), rounded half to even, and the exponent of a positive int. As `_PyLong_Frexp`.
pub fn frexp(number: &BigInt) -> (f64, u64) {
    let bits = number.bits();
    let mantissa = match bits.checked_sub(64) {
        None | Some(0) => number.to_u64().unwrap_or(0) as f64,
        Some(shift) => {
            // The last bit stands for all that are cut off.
            let top = (number >> shift).to_u64().unwrap_or(0);
            let cut = number.trailing_zeros().is_some_and(|zeros| zeros < shift);
            (top | u64::from(cut)) as f64
        }
    };
    let kept = bits.min(64) as i64;
    let mantissa = float::ldexp(mantissa, -kept);
    if mantissa >= 1.0 { (mantissa / 2.0, bits + 1) } else { (mantissa, bits) }
}
