//! The format mini-language `[[fill]align][sign][#][0][width][grouping][.precision][type]`: parsed once, and the
//! `__format__` of str, int, float and complex.

use crate::object::error::{PyResult, Raised};
use crate::object::text;
use crate::object::value::Value;
use crate::types::complex::Complex;
use crate::types::exceptions::{MEMORY_ERROR, instantiate, overflow_error, type_error, value_error};
use crate::types::float::text::{Style, format_double};
use crate::types::str::properties::decimal_value;
use crate::types::str::{Chars, Str, StrBuilder};
use crate::types::{float, int};
use num_traits::ToPrimitive;

/// Where padding goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Align {
    /// `<`
    Left,
    /// `>`
    Right,
    /// `^`
    Center,
    /// `=`: between sign and digits.
    AfterSign,
}

/// How digits are grouped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grouping {
    /// Not at all.
    None,
    /// `,` every three digits.
    Comma,
    /// `_` every three digits.
    Underscore,
    /// `_` every four digits, for bases 2, 8 and 16.
    UnderscoreFour,
}

/// A parsed format specification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FormatSpec {
    /// The padding, a code point.
    pub fill: u32,
    /// Where padding goes.
    pub align: Align,
    /// `#`.
    pub alternate: bool,
    /// `+`, `-` or a blank.
    pub sign: Option<u8>,
    /// The least number of characters.
    pub width: usize,
    /// How digits are grouped.
    pub grouping: Grouping,
    /// After the dot.
    pub precision: Option<usize>,
    /// The presentation type, a code point; 0: none given and no default.
    pub ty: u32,
}

fn align_of(code: Option<u32>) -> Option<Align> {
    match char::from_u32(code?)? {
        '<' => Some(Align::Left),
        '>' => Some(Align::Right),
        '^' => Some(Align::Center),
        '=' => Some(Align::AfterSign),
        _ => None,
    }
}

const fn is(code: Option<u32>, wanted: char) -> bool {
    matches!(code, Some(code) if code == wanted as u32)
}

impl FormatSpec {
    /// Parses a specification; `default_type` (0: none) and `default_align` hold where it names none. As
    /// `parse_internal_render_format_spec`.
    ///
    /// # Errors
    /// `ValueError`.
    pub fn parse(text: Chars, default_type: u32, default_align: Align) -> PyResult<FormatSpec> {
        let mut spec = FormatSpec {
            fill: ' '.into(),
            align: default_align,
            alternate: false,
            sign: None,
            width: 0,
            grouping: Grouping::None,
            precision: None,
            ty: default_type,
        };
        let mut at = 0;
        let mut fill_given = false;
        let mut align_given = false;
        if let (Some(align), Some(fill)) = (align_of(text.get(1)), text.get(0)) {
            spec.align = align;
            spec.fill = fill;
            fill_given = true;
            align_given = true;
            at = 2;
        } else if let Some(align) = align_of(text.get(0)) {
            spec.align = align;
            align_given = true;
            at = 1;
        }
        if let Some(sign) = text.get(at).and_then(|code| u8::try_from(code).ok())
            && matches!(sign, b'+' | b'-' | b' ')
        {
            spec.sign = Some(sign);
            at += 1;
        }
        if is(text.get(at), '#') {
            spec.alternate = true;
            at += 1;
        }
        if !fill_given && is(text.get(at), '0') {
            spec.fill = '0'.into();
            if !align_given {
                spec.align = Align::AfterSign;
            }
            at += 1;
        }
        if let Some(width) = number(text, &mut at)? {
            spec.width = width;
        }
        if is(text.get(at), ',') {
            spec.grouping = Grouping::Comma;
            at += 1;
        }
        let both = || value_error("Cannot specify both ',' and '_'.");
        if is(text.get(at), '_') {
            if spec.grouping != Grouping::None {
                return Err(both());
            }
            spec.grouping = Grouping::Underscore;
            at += 1;
        }
        if is(text.get(at), ',') && spec.grouping != Grouping::None {
            return Err(both());
        }
        if is(text.get(at), '.') {
            at += 1;
            spec.precision =
                Some(number(text, &mut at)?.ok_or_else(|| value_error("Format specifier missing precision"))?);
        }
        match text.len() - at.min(text.len()) {
            0 => {}
            1 => spec.ty = text.get(at).unwrap_or(default_type),
            _ => return Err(value_error("Invalid format specifier")),
        }
        spec.check_grouping()?;
        Ok(spec)
    }

    fn check_grouping(&mut self) -> PyResult<()> {
        let separator = match self.grouping {
            Grouping::None => return Ok(()),
            Grouping::Comma => ',',
            _ => '_',
        };
        match u8::try_from(self.ty).unwrap_or(0xff) {
            b'd' | b'e' | b'f' | b'g' | b'E' | b'G' | b'%' | b'F' | 0 => Ok(()),
            b'b' | b'o' | b'x' | b'X' if separator == '_' => {
                self.grouping = Grouping::UnderscoreFour;
                Ok(())
            }
            _ => Err(value_error(format!("Cannot specify '{separator}' with '{}'.", shown(self.ty)))),
        }
    }

    /// How many fill characters go to the left and right of `len` characters. `Align::AfterSign` counts as right.
    fn padding(&self, len: usize) -> (usize, usize) {
        let total = self.width.saturating_sub(len);
        match self.align {
            Align::Left => (0, total),
            Align::Right | Align::AfterSign => (total, 0),
            Align::Center => (total / 2, total - total / 2),
        }
    }

    /// The sign to write, if any.
    fn sign_of(&self, negative: bool) -> &'static str {
        match (negative, self.sign) {
            (true, _) => "-",
            (false, Some(b'+')) => "+",
            (false, Some(b' ')) => " ",
            (false, _) => "",
        }
    }

    /// Checks that a text of the wanted width can be held in memory.
    fn check_width(&self) -> PyResult<()> {
        check_room(self.width)
    }
}

/// Checks that a text of `len` characters can be held in memory.
fn check_room(len: usize) -> PyResult<()> {
    const MODEST: usize = 1 << 20;
    if len > MODEST && Vec::<u8>::new().try_reserve_exact(len.saturating_mul(4)).is_err() {
        return Err(Raised::new(instantiate(&MEMORY_ERROR, Vec::new())));
    }
    Ok(())
}

/// Decimal digits, of any script, at `at`.
fn number(text: Chars, at: &mut usize) -> PyResult<Option<usize>> {
    let mut value: Option<usize> = None;
    while let Some(digit) = text.get(*at).and_then(decimal_value) {
        *at += 1;
        let next = value.unwrap_or(0).checked_mul(10).and_then(|value| value.checked_add(digit as usize));
        match next.filter(|value| isize::try_from(*value).is_ok()) {
            Some(next) => value = Some(next),
            None => return Err(value_error("Too many decimal digits in format string")),
        }
    }
    Ok(value)
}

/// A type character as error messages show it.
fn shown(code: u32) -> String {
    match char::from_u32(code) {
        Some(c @ '!'..='\x7f') => c.to_string(),
        _ => format!("\\x{code:x}"),
    }
}

fn unknown_type(spec: &FormatSpec, value: &Value) -> Raised {
    value_error(format!("Unknown format code '{}' for object of type '{}'", shown(spec.ty), value.ty().name()))
}

/// A number taken apart for layout.
struct Parts<'a> {
    sign: &'a str,
    prefix: &'a str,
    /// The digits that are grouped.
    digits: &'a str,
    /// Point, decimals, exponent, or `inf` and the like.
    rest: &'a str,
}

/// Digits with separators, with leading zeros up to `min_width` characters. As `_PyUnicode_InsertThousandsGrouping`.
fn group(digits: &str, min_width: usize, grouping: Grouping) -> String {
    let (separator, size) = match grouping {
        Grouping::None => return format!("{digits:0>min_width$}"),
        Grouping::Comma => (',', 3),
        Grouping::Underscore => ('_', 3),
        Grouping::UnderscoreFour => ('_', 4),
    };
    // Built backwards.
    let mut out = Vec::new();
    let mut source = digits.bytes().rev();
    let mut remaining = digits.len() as i64;
    let mut width = i64::try_from(min_width).unwrap_or(i64::MAX);
    let mut first = true;
    loop {
        let count = size.min(remaining.max(width).max(1));
        if !first {
            out.push(separator as u8);
        }
        first = false;
        for _ in 0..count {
            out.push(source.next().unwrap_or(b'0'));
        }
        remaining -= count;
        width -= count;
        if remaining <= 0 && width <= 0 {
            break;
        }
        width -= 1;
    }
    out.reverse();
    out.into_iter().map(char::from).collect()
}

/// Lays a number out. As `calc_number_widths` and `fill_number`.
fn push_number(out: &mut StrBuilder, spec: &FormatSpec, parts: &Parts) {
    let around = parts.sign.len() + parts.prefix.len() + parts.rest.chars().count();
    let zeros = spec.fill == u32::from('0') && spec.align == Align::AfterSign;
    let min_width = if zeros { spec.width.saturating_sub(around) } else { 0 };
    let digits = if parts.digits.is_empty() { String::new() } else { group(parts.digits, min_width, spec.grouping) };
    let (left, right) = spec.padding(around + digits.len());
    let inside = spec.align == Align::AfterSign;
    if !inside {
        out.push_repeated(spec.fill, left);
    }
    out.push_str(parts.sign);
    out.push_str(parts.prefix);
    if inside {
        out.push_repeated(spec.fill, left);
    }
    out.push_str(&digits);
    out.push_str(parts.rest);
    out.push_repeated(spec.fill, right);
}

/// `str.__format__`.
///
/// # Errors
/// `ValueError`.
pub fn format_str(this: &Value, spec: &Str) -> PyResult<Value> {
    if spec.is_empty() {
        return text::str(this);
    }
    let Some(value) = this.downcast::<Str>() else { return Err(type_error("expected str")) };
    let spec = FormatSpec::parse(spec.chars(), 's'.into(), Align::Left)?;
    if spec.ty != u32::from('s') {
        return Err(unknown_type(&spec, this));
    }
    if spec.sign.is_some() {
        return Err(value_error("Sign not allowed in string format specifier"));
    }
    if spec.alternate {
        return Err(value_error("Alternate form (#) not allowed in string format specifier"));
    }
    if spec.align == Align::AfterSign {
        return Err(value_error("'=' alignment not allowed in string format specifier"));
    }
    spec.check_width()?;
    let chars = value.chars().slice(0, spec.precision.unwrap_or(usize::MAX));
    let (left, right) = spec.padding(chars.len());
    if left + right == 0 && chars.len() == value.len() && this.is_exact::<Str>() {
        return Ok(this.clone());
    }
    let mut out = StrBuilder::with_capacity(chars.len() + left + right);
    out.push_repeated(spec.fill, left);
    out.push_chars(chars);
    out.push_repeated(spec.fill, right);
    Ok(out.finish())
}

/// `int.__format__`.
///
/// # Errors
/// `ValueError`; `OverflowError` for `c` out of range, and for ints too large for a float type.
pub fn format_int(this: &Value, spec: &Str) -> PyResult<Value> {
    if spec.is_empty() {
        return text::str(this);
    }
    let spec = FormatSpec::parse(spec.chars(), 'd'.into(), Align::Right)?;
    let value = int::number(this)?;
    let mut out = StrBuilder::new();
    match u8::try_from(spec.ty).unwrap_or(0) {
        b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'%' => {
            spec.check_width()?;
            push_float(&mut out, int::int_to_f64(value)?, &spec)?;
            return Ok(out.finish());
        }
        b'b' | b'c' | b'd' | b'o' | b'x' | b'X' | b'n' => {}
        _ => return Err(unknown_type(&spec, this)),
    }
    if spec.precision.is_some() {
        return Err(value_error("Precision not allowed in integer format specifier"));
    }
    spec.check_width()?;
    let ty = spec.ty as u8;
    if ty == b'c' {
        if spec.sign.is_some() {
            return Err(value_error("Sign not allowed with integer format specifier 'c'"));
        }
        if spec.alternate {
            return Err(value_error("Alternate form (#) not allowed with integer format specifier 'c'"));
        }
        let int::Num::Small(code) = value else {
            return Err(overflow_error("Python int too large to convert to C long"));
        };
        if !(0..0x11_0000).contains(&code) {
            return Err(overflow_error("%c arg not in range(0x110000)"));
        }
        let (left, right) = spec.padding(1);
        out.push_repeated(spec.fill, left);
        out.push(code as u32);
        out.push_repeated(spec.fill, right);
        return Ok(out.finish());
    }
    let (mut digits, prefix) = match ty {
        b'b' => (int::text::to_radix(value, 2), "0b"),
        b'o' => (int::text::to_radix(value, 8), "0o"),
        b'x' => (int::text::to_radix(value, 16), "0x"),
        b'X' => (int::text::to_radix(value, 16).to_ascii_uppercase(), "0X"),
        _ => (int::text::to_decimal(value)?, ""),
    };
    let negative = digits.starts_with('-');
    if negative {
        digits.remove(0);
    }
    let prefix = if spec.alternate { prefix } else { "" };
    push_number(&mut out, &spec, &Parts { sign: spec.sign_of(negative), prefix, digits: &digits, rest: "" });
    Ok(out.finish())
}

/// `float.__format__`.
///
/// # Errors
/// `ValueError`.
pub fn format_float(this: &Value, spec: &Str) -> PyResult<Value> {
    if spec.is_empty() {
        return text::str(this);
    }
    let spec = FormatSpec::parse(spec.chars(), 0, Align::Right)?;
    match u8::try_from(spec.ty) {
        Ok(0 | b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'n' | b'%') => {}
        _ => return Err(unknown_type(&spec, this)),
    }
    spec.check_width()?;
    let mut out = StrBuilder::new();
    push_float(&mut out, float::number(this)?, &spec)?;
    Ok(out.finish())
}

/// The precision, checked as C's `int`.
fn precision_of(spec: &FormatSpec) -> PyResult<Option<usize>> {
    match spec.precision {
        Some(precision) if precision.to_i32().is_none() => Err(value_error("precision too big")),
        Some(precision) => check_room(precision).map(|()| Some(precision)),
        None => Ok(None),
    }
}

/// Takes what [`format_double`] wrote apart: sign, digits before the point, the rest.
fn split_float(text: &str) -> (bool, &str, &str) {
    let (negative, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (digits, rest) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    (negative, digits, rest)
}

fn push_float(out: &mut StrBuilder, value: f64, spec: &FormatSpec) -> PyResult<()> {
    let given = precision_of(spec)?;
    let mut style = Style { alternate: spec.alternate, ..Style::default() };
    let mut value = value;
    let mut code = spec.ty as u8;
    let mut default_precision = 6;
    let mut percent = false;
    match code {
        0 => {
            // As repr, or as 'g' with one decimal at least when there is a precision.
            style.dot_zero = true;
            code = if given.is_some() { b'g' } else { b'r' };
            default_precision = 0;
        }
        b'n' => code = b'g',
        b'%' => {
            code = b'f';
            value *= 100.0;
            percent = true;
        }
        _ => {}
    }
    let mut text = format_double(value, code, given.unwrap_or(default_precision), style);
    if percent {
        text.push('%');
    }
    let (negative, digits, rest) = split_float(&text);
    push_number(out, spec, &Parts { sign: spec.sign_of(negative), prefix: "", digits, rest });
    Ok(())
}

/// `complex.__format__`.
///
/// # Errors
/// `ValueError`.
pub fn format_complex(this: &Value, spec: &Str) -> PyResult<Value> {
    if spec.is_empty() {
        return text::str(this);
    }
    let Some(value) = this.downcast::<Complex>() else { return Err(type_error("expected complex")) };
    let spec = FormatSpec::parse(spec.chars(), 0, Align::Right)?;
    match u8::try_from(spec.ty) {
        Ok(0 | b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'n') => {}
        _ => return Err(unknown_type(&spec, this)),
    }
    let given = precision_of(&spec)?;
    if spec.fill == u32::from('0') {
        return Err(value_error("Zero padding is not allowed in complex format specifier"));
    }
    if spec.align == Align::AfterSign {
        return Err(value_error("'=' alignment flag is not allowed in complex format specifier"));
    }
    spec.check_width()?;
    let (re, im) = value.parts();
    let style = Style { alternate: spec.alternate, ..Style::default() };
    let plain = spec.ty == 0;
    let skip_real = plain && re == 0.0 && re.is_sign_positive();
    let (code, default_precision) = match spec.ty as u8 {
        0 if given.is_some() => (b'g', 0),
        0 => (b'r', 0),
        b'n' => (b'g', 6),
        code => (code, 6),
    };
    let precision = given.unwrap_or(default_precision);
    let part = |value: f64, sign: Option<u8>| {
        let text = format_double(value, code, precision, style);
        let (negative, digits, rest) = split_float(&text);
        let digits = if digits.is_empty() { String::new() } else { group(digits, 0, spec.grouping) };
        let sign = FormatSpec { sign, ..spec }.sign_of(negative);
        format!("{sign}{digits}{rest}")
    };
    let mut text = if skip_real { part(im, spec.sign) } else { part(re, spec.sign) + &part(im, Some(b'+')) };
    text.push('j');
    if plain && !skip_real {
        text = format!("({text})");
    }
    let (left, right) = spec.padding(text.len());
    let mut out = StrBuilder::with_capacity(text.len() + left + right);
    out.push_repeated(spec.fill, left);
    out.push_str(&text);
    out.push_repeated(spec.fill, right);
    Ok(out.finish())
}
