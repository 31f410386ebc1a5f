//! Reading floats from text.

use crate::types::int::text::trim;

/// The float at the beginning of `text` (a sign, digits with a point and an exponent, or `inf`, `infinity`, `nan` in any
/// case) and the number of bytes it takes; `None` when there is none. Neither white space nor underscores are allowed.
/// Values too large give infinity. As `PyOS_string_to_double` without an overflow exception.
pub fn parse_prefix(text: &[u8]) -> Option<(f64, usize)> {
    let signed = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let negative = text.first() == Some(&b'-');
    let body = text.get(signed..)?;
    let apply = |magnitude: f64| if negative { -magnitude } else { magnitude };
    for (name, value) in [("infinity", f64::INFINITY), ("inf", f64::INFINITY), ("nan", f64::NAN)] {
        if body.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes())) {
            return Some((apply(value), signed + name.len()));
        }
    }
    let digits = |from: usize| body.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(0);
    let mut end = whole;
    let mut decimals = 0;
    if body.get(end) == Some(&b'.') {
        decimals = digits(end + 1);
        end += 1 + decimals;
    }
    if whole + decimals == 0 {
        return None;
    }
    if matches!(body.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(body.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    let number = std::str::from_utf8(body.get(..end)?).ok()?;
    Some((apply(number.parse().ok()?), signed + end))
}

/// The text without underscores that stand between digits; `None` when one stands elsewhere.
pub fn without_underscores(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut previous = 0u8;
    for &byte in text {
        if byte == b'_' {
            if !previous.is_ascii_digit() {
                return None;
            }
        } else {
            if previous == b'_' && !byte.is_ascii_digit() {
                return None;
            }
            out.push(byte);
        }
        previous = byte;
    }
    if previous == b'_' { None } else { Some(out) }
}

/// A whole text as a float, with white space around it and underscores between digits; `None` when it is none.
pub fn parse(text: &[u8]) -> Option<f64> {
    if text.contains(&b'_') {
        return parse(&without_underscores(text)?);
    }
    let text = trim(text);
    let (value, end) = parse_prefix(text)?;
    if end == text.len() { Some(value) } else { None }
}
