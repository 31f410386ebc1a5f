//! Floats in hexadecimal: `float.hex` and `float.fromhex`.

use super::ldexp;
use super::parse::parse_prefix;
use crate::object::error::PyResult;
use crate::types::exceptions::{overflow_error, value_error};
use crate::types::int::text::is_c_space;

/// `value.hex()`.
pub(super) fn to_hex(value: f64) -> String {
    if !value.is_finite() {
        return super::repr(value);
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if value == 0.0 {
        return format!("{sign}0x0.0p+0");
    }
    let bits = value.to_bits();
    let biased = (bits >> 52 & 0x7ff) as i32;
    let mantissa = bits & ((1 << 52) - 1);
    let (lead, exponent) = if biased == 0 { (0, -1022) } else { (1, biased - 1023) };
    format!("{sign}0x{lead}.{mantissa:013x}p{exponent:+}")
}

/// The float that a hexadecimal text stands for, rounded half to even.
///
/// # Errors
/// `ValueError` for malformed text, `OverflowError` when the value is too large.
pub(super) fn from_hex(text: &[u8]) -> PyResult<f64> {
    let malformed = || value_error("invalid hexadecimal floating-point string");
    let too_large = || overflow_error("hexadecimal value too large to represent as a float");
    let text = {
        let start = text.iter().take_while(|byte| is_c_space(**byte)).count();
        let end = text.len() - text.iter().rev().take_while(|byte| is_c_space(**byte)).count();
        text.get(start..end).unwrap_or_default()
    };
    let unsigned = match text {
        [b'+' | b'-', rest @ ..] => rest,
        _ => text,
    };
    if !unsigned.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.')
        && let Some((value, end)) = parse_prefix(text)
        && !value.is_finite()
    {
        return if end == text.len() { Ok(value) } else { Err(malformed()) };
    }
    let negative = text.first() == Some(&b'-');
    let body = match unsigned {
        [b'0', b'x' | b'X', rest @ ..] => rest,
        _ => unsigned,
    };
    let whole = body.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let mut end = whole;
    let mut fraction = 0;
    if body.get(end) == Some(&b'.') {
        fraction = body.iter().skip(end + 1).take_while(|byte| byte.is_ascii_hexdigit()).count();
        end += 1 + fraction;
    }
    if whole + fraction == 0 {
        return Err(malformed());
    }
    let mantissa = body.get(..end).unwrap_or_default();
    let mut exponent: i64 = 0;
    if let [b'p' | b'P', rest @ ..] = body.get(end..).unwrap_or_default() {
        let (minus, digits) = match rest {
            [b'-', digits @ ..] => (true, digits),
            [b'+', digits @ ..] => (false, digits),
            digits => (false, digits),
        };
        let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 || count != digits.len() {
            return Err(malformed());
        }
        for byte in digits {
            exponent = exponent.saturating_mul(10).saturating_add(i64::from(byte - b'0'));
        }
        // Far beyond any float, and safe to go on calculating with.
        exponent = exponent.min(i64::MAX / 4) * if minus { -1 } else { 1 };
    } else if end != body.len() {
        return Err(malformed());
    }
    let sign = if negative { -1.0 } else { 1.0 };
    // Sixty significant bits are collected, the rest becomes a sticky bit.
    let mut significand: u64 = 0;
    let mut sticky = false;
    let mut dropped: i64 = 0;
    for byte in mantissa.iter().filter(|byte| **byte != b'.') {
        let digit = u64::from((*byte as char).to_digit(16).unwrap_or(0));
        if significand >> 56 == 0 {
            significand = significand << 4 | digit;
        } else {
            sticky |= digit != 0;
            dropped += 4;
        }
    }
    if significand == 0 {
        return Ok(sign * 0.0);
    }
    let exponent = exponent + dropped - 4 * fraction as i64;
    // The value is significand * 2 ** exponent; `top` is the exponent of its highest bit.
    let top = exponent + 63 - i64::from(significand.leading_zeros());
    if top >= 1024 {
        return Err(too_large());
    }
    if top < -1075 {
        return Ok(sign * 0.0);
    }
    // The lowest bit that a float of this size can hold.
    let lowest = (top - 52).max(-1074);
    let cut = lowest - exponent;
    let rounded = if cut <= 0 {
        ldexp(significand as f64, exponent)
    } else {
        let kept = significand.checked_shr(cut as u32).unwrap_or(0);
        let half = 1u64.checked_shl(cut as u32 - 1).unwrap_or(0);
        let rest = significand & (half.wrapping_mul(2).wrapping_sub(1));
        // Half the smallest float is a tie that goes down to zero. But where the half bit is the highest of the first
        // hexadecimal digit, CPython looks for the next bit in the character before it, which counts as odd.
        let misread = kept == 0 && cut % 4 == 0 && !matches!(mantissa, [b'0', ..] | [b'.', b'0', ..]);
        let up = rest > half || (rest == half && (sticky || kept & 1 == 1 || misread));
        ldexp((kept + u64::from(up)) as f64, lowest)
    };
    if rounded.is_infinite() { Err(too_large()) } else { Ok(sign * rounded) }
}
