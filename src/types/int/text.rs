//! Ints as text: parsing literals in any base, decimal and radix output.

use super::{Num, big, number};
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::text as protocol;
use crate::object::value::Value;
use crate::types::exceptions::value_error;
use crate::types::str::properties::{decimal_value, is_space};
use crate::types::str::{Chars, Str};
use num_bigint::{BigInt, BigUint, Sign};
use num_traits::Zero;
use std::cell::Cell;

/// Numbers of up to this many digits are never refused.
pub const DIGITS_THRESHOLD: usize = 640;

static MAX_STR_DIGITS: GilCell<Cell<usize>> = GilCell::new(Cell::new(4300));

/// `sys.get_int_max_str_digits()`: the most decimal digits that are converted to or from text; 0: no limit.
pub fn max_str_digits() -> usize {
    MAX_STR_DIGITS.get().get()
}

/// `sys.set_int_max_str_digits(digits)`; the caller has checked that `digits` is 0 or at least 640.
pub fn set_max_str_digits(digits: usize) {
    MAX_STR_DIGITS.get().set(digits);
}

/// What numbers are parsed from: white space beyond ASCII as blanks, digits of all scripts as ASCII digits, ending after
/// the first other character beyond ASCII (as `?`). As `_PyUnicode_TransformDecimalAndSpaceToASCII`.
pub fn to_ascii(text: &Str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for code in text.chars().iter() {
        if code < 127 {
            out.push(code as u8);
        } else if is_space(code) {
            out.push(b' ');
        } else if let Some(digit) = decimal_value(code) {
            out.push(b'0' + digit as u8);
        } else {
            out.push(b'?');
            break;
        }
    }
    out
}

/// Whether a byte is white space to C's `isspace`.
pub fn is_c_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The bytes without white space at both ends.
pub fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_c_space(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_c_space(*last)
    {
        text = rest;
    }
    text
}

/// What was wrong with a literal.
pub enum Invalid {
    /// It is no int in that base.
    Syntax,
    /// Too many digits; the number of them.
    TooLong(usize),
}

/// Parses an int literal, white space around it allowed. `base` is 0 or 2 to 36. As `PyLong_FromString`.
///
/// # Errors
/// See [`Invalid`].
pub fn parse(text: &[u8], base: u32) -> Result<BigInt, Invalid> {
    let text = trim(text);
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let prefixed = match text {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => 0,
    };
    // In base 0, a leading 0 without a prefix is allowed for zero alone: `010` is the octal literal of Python 2.
    let only_zero = base == 0 && prefixed == 0 && text.first() == Some(&b'0');
    let base = match base {
        0 if prefixed != 0 => prefixed,
        0 => 10,
        base => base,
    };
    let mut digits = text;
    if prefixed != 0 && prefixed == base {
        digits = &text[2..];
        if let [b'_', rest @ ..] = digits {
            digits = rest;
        }
    }
    let value = parse_digits(digits, base)?;
    if only_zero && !value.is_zero() {
        return Err(Invalid::Syntax);
    }
    Ok(BigInt::from_biguint(if negative { Sign::Minus } else { Sign::Plus }, value))
}

/// Parses digits with single underscores between them.
fn parse_digits(text: &[u8], base: u32) -> Result<BigUint, Invalid> {
    let mut digits = Vec::with_capacity(text.len());
    let mut after_digit = false;
    for &byte in text {
        if byte == b'_' {
            if !after_digit {
                return Err(Invalid::Syntax);
            }
            after_digit = false;
            continue;
        }
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'z' => byte - b'a' + 10,
            b'A'..=b'Z' => byte - b'A' + 10,
            _ => return Err(Invalid::Syntax),
        };
        if u32::from(digit) >= base {
            return Err(Invalid::Syntax);
        }
        digits.push(digit);
        after_digit = true;
    }
    if !after_digit {
        return Err(Invalid::Syntax);
    }
    let limit = max_str_digits();
    if !base.is_power_of_two() && digits.len() > DIGITS_THRESHOLD && limit != 0 && digits.len() > limit {
        return Err(Invalid::TooLong(digits.len()));
    }
    Ok(from_digits(&digits, base))
}

/// The number that digits stand for; halves are joined by multiplication, which is faster than digit by digit.
fn from_digits(digits: &[u8], base: u32) -> BigUint {
    const CHUNK: usize = 256;
    if digits.len() <= CHUNK || base.is_power_of_two() {
        return BigUint::from_radix_be(digits, base).unwrap_or_default();
    }
    // powers[i] is base ** (CHUNK << i).
    let mut powers = vec![BigUint::from(base).pow(CHUNK as u32)];
    while CHUNK << powers.len() < digits.len() {
        if let Some(last) = powers.last() {
            powers.push(last * last);
        }
    }
    join(digits, base, CHUNK, &powers)
}

fn join(digits: &[u8], base: u32, chunk: usize, powers: &[BigUint]) -> BigUint {
    if digits.len() <= chunk {
        return BigUint::from_radix_be(digits, base).unwrap_or_default();
    }
    let level = (0..powers.len()).rev().find(|&level| chunk << level < digits.len()).unwrap_or(0);
    let (high, low) = digits.split_at(digits.len() - (chunk << level));
    join(high, base, chunk, powers) * &powers[level] + join(low, base, chunk, powers)
}

/// The int that a literal stands for, or CPython's error with the repr of `source`.
///
/// # Errors
/// `ValueError`.
pub fn parse_value(text: &[u8], base: u32, source: &Value) -> PyResult<Value> {
    match parse(text, base) {
        Ok(value) => Ok(big(value)),
        Err(Invalid::TooLong(digits)) => Err(value_error(format!(
            "Exceeds the limit ({}) for integer string conversion: value has {digits} digits; \
             use sys.set_int_max_str_digits() to increase the limit",
            max_str_digits()
        ))),
        Err(Invalid::Syntax) => {
            let repr: String = protocol::repr_string(source)?.chars().take(200).collect();
            Err(value_error(format!("invalid literal for int() with base {base}: {repr}")))
        }
    }
}

/// Whether an int is too long for decimal output.
fn check_decimal_length(value: &BigInt, digits: Option<usize>) -> PyResult<()> {
    let limit = max_str_digits();
    if limit == 0 {
        return Ok(());
    }
    let too_long = match digits {
        // Before the work is done: three bits at least and four at most make a digit.
        None => value.bits() / 4 > limit.max(DIGITS_THRESHOLD) as u64,
        Some(digits) => digits > limit.max(DIGITS_THRESHOLD),
    };
    if too_long {
        return Err(value_error(format!(
            "Exceeds the limit ({limit}) for integer string conversion; \
             use sys.set_int_max_str_digits() to increase the limit"
        )));
    }
    Ok(())
}

/// Decimal text of a number.
///
/// # Errors
/// `ValueError` when it has more digits than `sys.get_int_max_str_digits()`.
pub fn to_decimal(value: Num) -> PyResult<String> {
    match value {
        Num::Small(small) => Ok(small.to_string()),
        Num::Big(value) => {
            check_decimal_length(value, None)?;
            let text = value.to_str_radix(10);
            check_decimal_length(value, Some(text.len() - usize::from(value.sign() == Sign::Minus)))?;
            Ok(text)
        }
    }
}

/// Text in base 2, 8 or 16, lower case, without prefix, with a minus sign where needed.
pub fn to_radix(value: Num, radix: u32) -> String {
    match (value, radix) {
        (Num::Small(small), 2..=36) => {
            let text = match radix {
                2 => format!("{:b}", small.unsigned_abs()),
                8 => format!("{:o}", small.unsigned_abs()),
                16 => format!("{:x}", small.unsigned_abs()),
                _ => BigInt::from(small.unsigned_abs()).to_str_radix(radix),
            };
            if small < 0 { format!("-{text}") } else { text }
        }
        (value, radix) => value.big().to_str_radix(radix.clamp(2, 36)),
    }
}

/// `repr` of an int.
///
/// # Errors
/// As for [`to_decimal`].
pub(super) fn repr(value: &Value) -> PyResult<Value> {
    match number(value)? {
        Num::Small(small) => {
            let mut buffer = [0u8; 20];
            Ok(Str::from_latin1(write_i64(small, &mut buffer)))
        }
        other => Ok(Str::from_chars(Chars::One(to_decimal(other)?.as_bytes()))),
    }
}

/// Decimal digits written from the end of `buffer`.
fn write_i64(value: i64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut rest = value.unsigned_abs();
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    &buffer[at..]
}
