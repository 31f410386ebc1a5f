//! Floats as text, digit for digit as CPython writes them.

use std::fmt::Write;

/// No float has more significant digits or decimals; what follows is zeros.
const MAX_DIGITS: usize = 1100;

/// How [`format_double`] writes. As the `Py_DTSF_*` flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Style {
    /// `#`: keep the decimal point and trailing zeros.
    pub alternate: bool,
    /// Finite numbers without exponent get `.0` when they would look like an int.
    pub dot_zero: bool,
    /// A plus sign before numbers that are not negative.
    pub plus: bool,
}

/// `repr(value)`: the shortest text that reads back as the same float.
pub fn repr(value: f64) -> String {
    format_double(value, b'r', 0, Style { dot_zero: true, ..Style::default() })
}

/// Formats a float as `PyOS_double_to_string` does. `code` is one of `e f g r` (`r`: shortest round trip, precision
/// ignored) or upper case `E F G`; other codes count as `r`.
pub fn format_double(value: f64, code: u8, precision: usize, style: Style) -> String {
    let mut out = String::new();
    let sign = if value.is_nan() { false } else { value.is_sign_negative() };
    if sign {
        out.push('-');
    } else if style.plus {
        out.push('+');
    }
    let start = out.len();
    let magnitude = value.abs();
    if value.is_nan() {
        out.push_str("nan");
    } else if value.is_infinite() {
        out.push_str("inf");
    } else {
        match code.to_ascii_lowercase() {
            b'e' => exponent_form(&mut out, magnitude, precision, style),
            b'f' => fixed_form(&mut out, magnitude, precision, style),
            b'g' => {
                let precision = precision.max(1);
                let (digits, point) = significant(magnitude, precision);
                let use_exponent = point <= -4 || i64::from(point) > precision as i64 - i64::from(style.dot_zero);
                let end = if style.alternate { precision } else { digits.len() };
                general_form(&mut out, &digits, point, use_exponent, end, style);
            }
            _ => {
                let (digits, point) = shortest(magnitude);
                general_form(&mut out, &digits, point, point <= -4 || point > 16, digits.len(), style);
            }
        }
    }
    if code.is_ascii_uppercase() {
        out[start..].make_ascii_uppercase();
    }
    out
}

/// Splits what `{:e}` wrote into digits and the position of the decimal point: the value is `0.DIGITS * 10 ** point`.
fn split(text: &str) -> (String, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    (digits, exponent.parse().unwrap_or(0) + 1)
}

/// The fewest digits that read back as the same float; of two choices equally near, the even one.
pub fn shortest(magnitude: f64) -> (String, i32) {
    let (digits, point) = split(&format!("{magnitude:e}"));
    match even_choice(magnitude, &digits) {
        Some(even) => (even, point),
        None => (digits, point),
    }
}

/// The even one of two digit strings of the length of `digits` that are equally near to the value; `None` when there is
/// but one nearest. Rust's formatting rounds such ties up.
fn even_choice(magnitude: f64, digits: &str) -> Option<String> {
    let bits = magnitude.to_bits();
    let biased = (bits >> 52) as i32;
    if biased == 0 {
        return None;
    }
    // The value is `odd / 2 ** places`, so its exact decimal digits are those of `odd * 5 ** places`.
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    let zeros = mantissa.trailing_zeros();
    let places = u32::try_from(1075 - biased).ok()?.checked_sub(zeros)?;
    if places == 0 || places > 27 {
        return None;
    }
    let exact = (mantissa >> zeros).checked_mul(5u64.checked_pow(places)?)?;
    if exact.to_string().len() != digits.len() + 1 {
        return None;
    }
    let below = exact / 10;
    let even = (below + (below & 1)).to_string();
    // Next to a power of two, only one of them may read back.
    let scale = places - 1;
    let same = even.len() == digits.len() && format!("{even}e-{scale}").parse() == Ok(magnitude);
    if same && even != digits { Some(even.trim_end_matches('0').to_owned()) } else { None }
}

/// At most `count` (1 at least) significant digits, rounded half to even, without trailing zeros.
fn significant(magnitude: f64, count: usize) -> (String, i32) {
    let (mut digits, point) = split(&format!("{:.*e}", count.min(MAX_DIGITS) - 1, magnitude));
    let kept = digits.trim_end_matches('0').len().max(1);
    digits.truncate(kept);
    (digits, point)
}

fn push_zeros(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n('0', count));
}

fn push_exponent(out: &mut String, exponent: i32) {
    let sign = if exponent < 0 { '-' } else { '+' };
    // Writing to a String cannot fail.
    let _ = write!(out, "e{sign}{:02}", exponent.unsigned_abs());
}

fn exponent_form(out: &mut String, magnitude: f64, precision: usize, style: Style) {
    let text = format!("{:.*e}", precision.min(MAX_DIGITS), magnitude);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    out.push_str(mantissa);
    push_zeros(out, precision.saturating_sub(MAX_DIGITS));
    if precision == 0 && style.alternate {
        out.push('.');
    }
    push_exponent(out, exponent.parse().unwrap_or(0));
}

fn fixed_form(out: &mut String, magnitude: f64, precision: usize, style: Style) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{:.*}", precision.min(MAX_DIGITS), magnitude);
    push_zeros(out, precision.saturating_sub(MAX_DIGITS));
    if precision == 0 && style.alternate {
        out.push('.');
    }
}

/// Writes the digits, of which `end` are wanted, with the decimal point at `point` or in exponent form.
fn general_form(out: &mut String, digits: &str, mut point: i32, use_exponent: bool, end: usize, style: Style) {
    let exponent = point - 1;
    if use_exponent {
        point = 1;
    }
    let mut end = i64::try_from(end).unwrap_or(i64::MAX);
    let least = i64::from(point) + i64::from(!use_exponent && style.dot_zero);
    end = end.max(least);
    if point <= 0 {
        out.push_str("0.");
        push_zeros(out, point.unsigned_abs() as usize);
        out.push_str(digits);
        push_zeros(out, (end.unsigned_abs() as usize).saturating_sub(digits.len()));
    } else {
        let whole = point as usize;
        let (before, after) = digits.split_at(whole.min(digits.len()));
        out.push_str(before);
        push_zeros(out, whole - before.len());
        let decimals = (end.unsigned_abs() as usize).saturating_sub(whole);
        if decimals > 0 || style.alternate {
            out.push('.');
        }
        out.push_str(after);
        push_zeros(out, decimals.saturating_sub(after.len()));
    }
    if use_exponent {
        push_exponent(out, exponent);
    }
}
