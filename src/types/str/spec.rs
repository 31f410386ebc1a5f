//! `str.__format__`: the format specification as strings understand it.

use super::arguments::check_memory;
use super::properties::decimal_value;
use super::{Str, StrBuilder};
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::exceptions::value_error;

fn is_align(code: Option<u32>) -> Option<char> {
    code.and_then(char::from_u32).filter(|align| matches!(align, '<' | '>' | '=' | '^'))
}

/// Digits from `at` on: their value if there are any, and where they end.
fn digits(codes: &[u32], mut at: usize) -> PyResult<(Option<usize>, usize)> {
    let mut number: Option<usize> = None;
    while let Some(digit) = codes.get(at).and_then(|&code| decimal_value(code)) {
        let grown = number.unwrap_or(0).checked_mul(10).and_then(|number| number.checked_add(digit as usize));
        match grown.filter(|&grown| isize::try_from(grown).is_ok()) {
            Some(grown) => number = Some(grown),
            None => return Err(value_error("Too many decimal digits in format string")),
        }
        at += 1;
    }
    Ok((number, at))
}

/// Formats text by a specification. As `format_string_internal`.
///
/// # Errors
/// `ValueError` for specifications that are malformed or not for strings.
pub(super) fn format_str(text: &Str, spec: &Str) -> PyResult<Value> {
    let codes: Vec<u32> = spec.chars().iter().collect();
    let get = |at: usize| codes.get(at).copied();
    let is = |at: usize, c: char| get(at) == Some(c.into());
    let mut at = 0;
    let (mut fill, mut align, mut filled) = (0x20, None, false);
    if let Some(found) = is_align(get(1)) {
        (fill, align, filled, at) = (get(0).unwrap_or(0x20), Some(found), true, 2);
    } else if let Some(found) = is_align(get(0)) {
        (align, at) = (Some(found), 1);
    }
    let sign = is(at, ' ') || is(at, '+') || is(at, '-');
    at += usize::from(sign);
    let alternate = is(at, '#');
    at += usize::from(alternate);
    if !filled && is(at, '0') {
        fill = 0x30;
        align = align.or(Some('='));
        at += 1;
    }
    let (width, after) = digits(&codes, at)?;
    at = after;
    let mut thousands = None;
    if is(at, ',') {
        thousands = Some(',');
        at += 1;
    }
    if is(at, '_') {
        if thousands.is_some() {
            return Err(value_error("Cannot specify both ',' and '_'."));
        }
        thousands = Some('_');
        at += 1;
    }
    if is(at, ',') && thousands == Some('_') {
        return Err(value_error("Cannot specify both ',' and '_'."));
    }
    let mut precision = None;
    if is(at, '.') {
        (precision, at) = digits(&codes, at + 1)?;
        if precision.is_none() {
            return Err(value_error("Format specifier missing precision"));
        }
    }
    let kind = match codes.get(at..) {
        None | Some([]) => 's'.into(),
        Some([kind]) => *kind,
        Some(_) => return Err(value_error("Invalid format specifier")),
    };
    let shown = match kind {
        0x21..0x80 => char::from_u32(kind).map(String::from).unwrap_or_default(),
        _ => format!("\\x{kind:x}"),
    };
    if let Some(thousands) = thousands {
        let known = ['d', 'e', 'f', 'g', 'E', 'G', '%', 'F'].iter().any(|&c| kind == c.into());
        let radix = ['b', 'o', 'x', 'X'].iter().any(|&c| kind == c.into());
        if !known && !(radix && thousands == '_') {
            return Err(value_error(format!("Cannot specify '{thousands}' with '{shown}'.")));
        }
    }
    if kind != u32::from(b's') {
        return Err(value_error(format!("Unknown format code '{shown}' for object of type 'str'")));
    }
    if sign {
        return Err(value_error("Sign not allowed in string format specifier"));
    }
    if alternate {
        return Err(value_error("Alternate form (#) not allowed in string format specifier"));
    }
    if align == Some('=') {
        return Err(value_error("'=' alignment not allowed in string format specifier"));
    }
    let len = precision.unwrap_or(usize::MAX).min(text.len());
    let padding = width.unwrap_or(0).saturating_sub(len);
    check_memory(padding.saturating_add(len).saturating_mul(4))?;
    let left = match align {
        Some('>') => padding,
        Some('^') => padding / 2,
        _ => 0,
    };
    let mut builder = StrBuilder::with_capacity(len + padding);
    builder.push_repeated(fill, left);
    builder.push_chars(text.chars().slice(0, len));
    builder.push_repeated(fill, padding - left);
    Ok(builder.finish())
}
