//! `%` formatting of str and bytes.

use super::arguments::{check_memory, no_memory};
use super::{Chars, Str, StrBuilder};
use crate::name;
use crate::object::call;
use crate::object::error::{PyResult, Raised};
use crate::object::value::Value;
use crate::object::{number, sequence, text};
use crate::types::bytes::{self, Bytes};
use crate::types::exceptions::{
    TYPE_ERROR, VALUE_ERROR, instantiate, is_instance, overflow_error, type_error, value_error,
};
use crate::types::float::text::{Style, format_double};
use crate::types::tuple::Tuple;
use crate::types::{float, int};
use num_bigint::{BigInt, Sign};
use num_traits::FromPrimitive;

/// A parsed conversion specification.
#[derive(Default)]
struct Spec {
    left: bool,
    sign: bool,
    blank: bool,
    alternate: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
    /// The conversion character.
    conversion: u32,
}

/// The arguments: a tuple's items in turn, or one value.
struct Operands<'a> {
    args: Value,
    /// A tuple's items are taken one by one.
    tuple: bool,
    next: usize,
    /// A single value was taken already.
    taken: bool,
    mapping: Option<&'a Value>,
}

impl<'a> Operands<'a> {
    fn new(args: &'a Value) -> Operands<'a> {
        let tuple = args.downcast::<Tuple>().is_some();
        let is_mapping = !tuple && args.downcast::<Str>().is_none() && args.ty().slot(|slots| slots.getitem).is_some();
        Operands { args: args.clone(), tuple, next: 0, taken: false, mapping: is_mapping.then_some(args) }
    }

    fn next(&mut self) -> PyResult<Value> {
        if self.tuple {
            if let Some(value) = self.args.downcast::<Tuple>().and_then(|tuple| tuple.get(self.next)) {
                self.next += 1;
                return Ok(value.clone());
            }
        } else if !self.taken {
            self.taken = true;
            return Ok(self.args.clone());
        }
        Err(type_error("not enough arguments for format string"))
    }

    /// The value of a mapping key takes the place of the arguments.
    fn replace(&mut self, value: Value) {
        self.args = value;
        self.tuple = false;
        self.taken = false;
    }

    fn all_taken(&self) -> bool {
        if self.tuple { self.args.downcast::<Tuple>().is_none_or(|tuple| self.next >= tuple.len()) } else { self.taken }
    }
}

/// The format string being read.
struct Reader<'a> {
    chars: Chars<'a>,
    at: usize,
    bytes: bool,
}

impl Reader<'_> {
    /// The next character.
    fn take(&mut self) -> PyResult<char> {
        match self.chars.get(self.at) {
            Some(code) => {
                self.at += 1;
                // Surrogates are no conversion characters; what shows of them is their number.
                Ok(char::from_u32(code).unwrap_or('\u{fffd}'))
            }
            None => Err(value_error("incomplete format")),
        }
    }

    /// Parses what follows a percent sign, taking widths and precisions that are arguments.
    fn spec(&mut self, operands: &mut Operands) -> PyResult<Spec> {
        let mut spec = Spec::default();
        if self.chars.get(self.at) == Some(u32::from(b'(')) {
            self.key(operands)?;
        }
        let mut code = loop {
            match self.take()? {
                '-' => spec.left = true,
                '+' => spec.sign = true,
                ' ' => spec.blank = true,
                '#' => spec.alternate = true,
                '0' => spec.zero = true,
                other => break other,
            }
        };
        if code == '*' {
            let width = number::index_to_isize(&star(operands)?)?;
            spec.left |= width < 0;
            spec.width = Some(width.unsigned_abs());
            code = self.take()?;
        } else if code.is_ascii_digit() {
            let width;
            (width, code) = self.digits(code, isize::MAX as usize, "width too big")?;
            spec.width = Some(width);
        }
        if code == '.' {
            spec.precision = Some(0);
            code = self.take()?;
            if code == '*' {
                let precision = star(operands)?;
                let precision = number::index_to_i64(&precision)?.and_then(|wide| i32::try_from(wide).ok());
                let Some(precision) = precision else {
                    return Err(overflow_error("Python int too large to convert to C int"));
                };
                spec.precision = Some(usize::try_from(precision).unwrap_or(0));
                code = self.take()?;
            } else if code.is_ascii_digit() {
                let message = if self.bytes { "prec too big" } else { "precision too big" };
                let precision;
                (precision, code) = self.digits(code, i32::MAX as usize, message)?;
                spec.precision = Some(precision);
            }
        }
        if matches!(code, 'h' | 'l' | 'L') {
            self.take()?;
        }
        spec.conversion = self.chars.get(self.at - 1).unwrap_or_default();
        if self.bytes && spec.conversion == u32::from(b'i') {
            // As _PyBytes_FormatEx, whose messages then say so.
            spec.conversion = b'd'.into();
        }
        Ok(spec)
    }

    fn digits(&mut self, first: char, max: usize, message: &str) -> PyResult<(usize, char)> {
        let mut number = first.to_digit(10).unwrap_or(0) as usize;
        loop {
            let code = self.take()?;
            let Some(digit) = code.to_digit(10) else { return Ok((number, code)) };
            if number > (max - digit as usize) / 10 {
                return Err(value_error(message));
            }
            number = number * 10 + digit as usize;
        }
    }

    /// `(key)`: looks the key up.
    fn key(&mut self, operands: &mut Operands) -> PyResult<()> {
        let Some(mapping) = operands.mapping else { return Err(type_error("format requires a mapping")) };
        self.at += 1;
        let start = self.at;
        let mut depth = 1;
        while depth > 0 {
            match self.chars.get(self.at) {
                Some(code) if code == u32::from(b')') => depth -= 1,
                Some(code) if code == u32::from(b'(') => depth += 1,
                Some(_) => {}
                None => return Err(value_error("incomplete format key")),
            }
            self.at += 1;
        }
        let key = self.chars.slice(start, self.at - 1);
        let key = match key {
            Chars::One(bytes) if self.bytes => Bytes::new_value(bytes),
            chars => Str::from_chars(chars),
        };
        operands.replace(sequence::get_item(mapping, &key)?);
        Ok(())
    }

    #[cold]
    fn unsupported(&self, spec: &Spec) -> Raised {
        let code = spec.conversion;
        if self.bytes && code >= 0x80 {
            // As PyErr_Format fails over the signed character: an error without a message.
            return Raised::new(instantiate(&VALUE_ERROR, Vec::new()));
        }
        let shown = match char::from_u32(code) {
            Some(shown) if self.bytes || (0x1f..0x7f).contains(&code) => shown,
            _ => '?',
        };
        value_error(format!("unsupported format character '{shown}' (0x{code:x}) at index {}", self.at - 1))
    }
}

/// The argument for a `*`.
fn star(operands: &mut Operands) -> PyResult<Value> {
    let value = operands.next()?;
    if int::is_int(&value) { Ok(value) } else { Err(type_error("* wants int")) }
}

/// Where the result goes.
trait Output {
    fn reserve(&mut self, count: usize) -> PyResult<()>;
    fn fill(&mut self, byte: u8, count: usize);
    fn push_ascii(&mut self, text: &str);
    fn push_part(&mut self, chars: Chars);
}

impl Output for StrBuilder {
    fn reserve(&mut self, count: usize) -> PyResult<()> {
        self.try_reserve(count)?;
        check_memory(self.len().saturating_add(count))
    }
    fn fill(&mut self, byte: u8, count: usize) {
        self.push_repeated(byte.into(), count);
    }
    fn push_ascii(&mut self, text: &str) {
        self.push_str(text);
    }
    fn push_part(&mut self, chars: Chars) {
        self.push_chars(chars);
    }
}

impl Output for Vec<u8> {
    fn reserve(&mut self, count: usize) -> PyResult<()> {
        self.try_reserve(count).map_err(|_| no_memory())?;
        check_memory(self.len().saturating_add(count))
    }
    fn fill(&mut self, byte: u8, count: usize) {
        self.resize(self.len().saturating_add(count), byte);
    }
    fn push_ascii(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }
    fn push_part(&mut self, chars: Chars) {
        if let Chars::One(bytes) = chars {
            self.extend_from_slice(bytes);
        }
    }
}

impl Spec {
    /// Writes text, padded with spaces; cut at the precision when `cut`.
    fn write_text(&self, out: &mut impl Output, chars: Chars, cut: bool) -> PyResult<()> {
        let len = match self.precision {
            Some(precision) if cut => precision.min(chars.len()),
            _ => chars.len(),
        };
        let padding = self.width.unwrap_or(0).saturating_sub(len);
        out.reserve(len.saturating_add(padding))?;
        if !self.left {
            out.fill(b' ', padding);
        }
        out.push_part(chars.slice(0, len));
        if self.left {
            out.fill(b' ', padding);
        }
        Ok(())
    }

    /// Writes a number with its sign, prefix and padding.
    fn write_number(&self, out: &mut impl Output, number: &Number) -> PyResult<()> {
        let sign = if number.negative {
            "-"
        } else if self.sign {
            "+"
        } else if self.blank {
            " "
        } else {
            ""
        };
        let digits = number.digits.len() + number.suffix.len();
        let zeros = number.leading_zeros.saturating_add(number.trailing_zeros);
        let len = sign.len().saturating_add(number.prefix.len()).saturating_add(digits).saturating_add(zeros);
        let padding = self.width.unwrap_or(0).saturating_sub(len);
        out.reserve(padding.saturating_add(len))?;
        if !self.left && !self.zero {
            out.fill(b' ', padding);
        }
        out.push_ascii(sign);
        out.push_ascii(number.prefix);
        if !self.left && self.zero {
            out.fill(b'0', padding);
        }
        out.fill(b'0', number.leading_zeros);
        out.push_ascii(number.digits);
        out.fill(b'0', number.trailing_zeros);
        out.push_ascii(number.suffix);
        if self.left {
            out.fill(b' ', padding);
        }
        Ok(())
    }

    /// `%d`, `%x`, ... As `mainformatlong` and `_PyUnicode_FormatLong`.
    fn write_int(&self, out: &mut impl Output, value: &Value) -> PyResult<()> {
        let letter = char::from_u32(self.conversion).unwrap_or('d');
        let radix = match letter {
            'o' => 8,
            'x' | 'X' => 16,
            _ => 10,
        };
        if radix == 10
            && let Some(small) = value.as_small_int()
            && self.precision.is_none()
        {
            let digits = itoa(small.unsigned_abs());
            return self.write_number(out, &Number::new(small < 0, digits.as_text()));
        }
        let number = integer(value, radix != 10).map_err(|raised| {
            if raised.as_ref().is_none_or(|raised| is_instance(raised, &TYPE_ERROR)) {
                let what = if radix == 10 { "a number" } else { "an integer" };
                type_error(format!("%{letter} format: {what} is required, not {}", value.ty().name()))
            } else {
                raised.unwrap_or_else(no_memory)
            }
        })?;
        let precision = self.precision.unwrap_or(0);
        if precision > (i32::MAX - 3) as usize {
            return Err(overflow_error("precision too large"));
        }
        let digits = number.magnitude().to_str_radix(radix);
        if digits.len() + precision > (i32::MAX - 3) as usize {
            return Err(overflow_error("precision too large"));
        }
        let digits = if letter == 'X' { digits.to_ascii_uppercase() } else { digits };
        let prefix = match letter {
            _ if !self.alternate => "",
            'o' => "0o",
            'x' => "0x",
            'X' => "0X",
            _ => "",
        };
        let leading_zeros = precision.saturating_sub(digits.len());
        let negative = number.sign() == Sign::Minus;
        self.write_number(out, &Number { prefix, leading_zeros, ..Number::new(negative, &digits) })
    }

    /// `%e`, `%f`, `%g`.
    fn write_float(&self, out: &mut impl Output, value: &Value, bytes: bool) -> PyResult<()> {
        let number = number::to_f64(value).map_err(|raised| {
            if bytes && is_instance(&raised, &TYPE_ERROR) {
                type_error(format!("float argument required, not {}", value.ty().name()))
            } else {
                raised
            }
        })?;
        let code = u8::try_from(self.conversion).unwrap_or(b'f');
        let precision = self.precision.unwrap_or(6);
        let style = Style { alternate: self.alternate, ..Style::default() };
        let general = code.eq_ignore_ascii_case(&b'g');
        // More decimals than any float has are zeros, which are written without being built first.
        let exact = if general { precision } else { precision.min(MAX_DECIMALS) };
        check_memory(exact.saturating_mul(4))?;
        let text = format_double(number, code, exact, style);
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.as_str()),
        };
        let trailing_zeros = if number.is_finite() { precision - exact } else { 0 };
        let (digits, suffix) = match text.find(['e', 'E']).filter(|_| number.is_finite()) {
            Some(at) => text.split_at_checked(at).unwrap_or((text, "")),
            None => (text, ""),
        };
        self.write_number(out, &Number { trailing_zeros, suffix, ..Number::new(negative, digits) })
    }
}

/// No float has more decimals that are not zero.
const MAX_DECIMALS: usize = 1100;

/// A number's text, in parts.
struct Number<'a> {
    negative: bool,
    /// `0x` and the like.
    prefix: &'a str,
    leading_zeros: usize,
    digits: &'a str,
    trailing_zeros: usize,
    /// The exponent.
    suffix: &'a str,
}

impl<'a> Number<'a> {
    fn new(negative: bool, digits: &'a str) -> Number<'a> {
        Number { negative, prefix: "", leading_zeros: 0, digits, trailing_zeros: 0, suffix: "" }
    }
}

/// Decimal digits of a small int, without a detour over the heap.
struct Itoa {
    buffer: [u8; 20],
    start: usize,
}

fn itoa(mut value: u64) -> Itoa {
    let mut text = Itoa { buffer: [0; 20], start: 20 };
    loop {
        text.start -= 1;
        text.buffer[text.start] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            return text;
        }
    }
}

/// Appends the decimal digits of a small int.
pub(super) fn push_small_int(out: &mut StrBuilder, value: i64) {
    if value < 0 {
        out.push(b'-'.into());
    }
    out.push_chars(Chars::One(itoa(value.unsigned_abs()).as_text().as_bytes()));
}

impl Itoa {
    fn as_text(&self) -> &str {
        self.buffer.get(self.start..).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or("")
    }
}

/// The int that `%d` (or, when `exact`, `%x`) shows. `Err(None)`: the value is no number.
fn integer(value: &Value, exact: bool) -> Result<BigInt, Option<Raised>> {
    if let Some(number) = int::to_big(value) {
        return Ok(number);
    }
    let as_int = |value: Value| int::to_big(&value).ok_or(None);
    if exact {
        return number::index(value).map_err(Some).and_then(as_int);
    }
    if let Some(float) = float::to_f64(value).filter(|_| value.is_small_float() || value.is_exact::<float::Float>()) {
        return match BigInt::from_f64(float.trunc()) {
            Some(number) => Ok(number),
            None if float.is_nan() => Err(Some(value_error("cannot convert float NaN to integer"))),
            None => Err(Some(overflow_error("cannot convert float infinity to integer"))),
        };
    }
    if let Some(slot) = value.ty().slot(|slots| slots.int) {
        let result = slot(value).map_err(Some)?;
        number::check_int("__int__", &result).map_err(Some)?;
        return int::to_big(&result).ok_or(None);
    }
    if number::is_index(value) {
        return number::index(value).map_err(Some).and_then(as_int);
    }
    Err(None)
}

/// `format % args` of str.
///
/// # Errors
/// `TypeError`, `ValueError`, `OverflowError`, `KeyError` as CPython raises them, what the arguments' methods raise.
pub fn format_str(format: &Str, args: &Value) -> PyResult<Value> {
    let chars = format.chars();
    let mut out = StrBuilder::with_capacity(chars.len() + 16);
    let mut operands = Operands::new(args);
    let mut reader = Reader { chars, at: 0, bytes: false };
    while let Some(percent) = next_percent(&mut reader, &mut out) {
        if !percent {
            continue;
        }
        let spec = reader.spec(&mut operands)?;
        let value = operands.next()?;
        match char::from_u32(spec.conversion) {
            Some('s') => {
                let shown = text::str(&value)?;
                let text = super::body(&shown)?;
                let fits = |limit: Option<usize>| limit.is_none_or(|limit| limit >= text.len());
                if reader.at == chars.len()
                    && out.is_empty()
                    && fits(spec.precision)
                    && spec.width.is_none_or(|width| width <= text.len())
                    && number::is_exact_str(&shown)
                    && (operands.mapping.is_some() || operands.all_taken())
                {
                    // All there is: the text itself.
                    return Ok(shown);
                }
                spec.write_text(&mut out, text.chars(), true)?;
            }
            Some('r') => {
                let shown = text::repr(&value)?;
                spec.write_text(&mut out, super::body(&shown)?.chars(), true)?;
            }
            Some('a') => {
                let shown = text::ascii(&value)?;
                spec.write_text(&mut out, super::body(&shown)?.chars(), true)?;
            }
            Some('d' | 'i' | 'u' | 'o' | 'x' | 'X') => spec.write_int(&mut out, &value)?,
            Some('e' | 'E' | 'f' | 'F' | 'g' | 'G') => spec.write_float(&mut out, &value, false)?,
            Some('c') => {
                let character = character(&value)?;
                spec.write_text(&mut out, super::body(&character)?.chars(), false)?;
            }
            _ => return Err(reader.unsupported(&spec)),
        }
    }
    if operands.mapping.is_none() && !operands.all_taken() {
        return Err(type_error("not all arguments converted during string formatting"));
    }
    Ok(out.finish())
}

/// Copies literal text up to the next specification; `None` at the end, false for an escaped percent sign.
fn next_percent(reader: &mut Reader, out: &mut impl Output) -> Option<bool> {
    let rest = reader.chars.slice(reader.at, reader.chars.len());
    if rest.is_empty() {
        return None;
    }
    let percent = u32::from(b'%');
    let literal = match rest {
        Chars::One(bytes) => memchr::memchr(b'%', bytes),
        rest => rest.iter().position(|code| code == percent),
    };
    let Some(literal) = literal else {
        out.push_part(rest);
        reader.at = reader.chars.len();
        return None;
    };
    out.push_part(rest.slice(0, literal));
    reader.at += literal + 1;
    if rest.get(literal + 1) == Some(percent) {
        reader.at += 1;
        out.push_ascii("%");
        return Some(false);
    }
    Some(true)
}

/// What `%c` of str shows. As `formatchar`.
fn character(value: &Value) -> PyResult<Value> {
    let wrong = || type_error("%c requires int or char");
    if let Some(text) = value.downcast::<Str>() {
        return if text.len() == 1 { Ok(value.clone()) } else { Err(wrong()) };
    }
    let index = match number::index(value) {
        Ok(index) => index,
        Err(_) => return Err(wrong()),
    };
    match int::to_i64(&index) {
        Some(code @ 0..0x11_0000) => Ok(Str::from_code(code as u32)),
        Some(_) => Err(overflow_error("%c arg not in range(0x110000)")),
        None => Err(wrong()),
    }
}

/// `format % args` of bytes and bytearray: the bytes of the result.
///
/// # Errors
/// As for [`format_str`].
pub(crate) fn format_bytes(format: &[u8], args: &Value) -> PyResult<Vec<u8>> {
    let mut out: Vec<u8> = Vec::with_capacity(format.len() + 16);
    let mut operands = Operands::new(args);
    // As PyBytes_Check and PyByteArray_Check in _PyBytes_FormatEx; a str may be a mapping there.
    let is_bytes =
        args.downcast::<Bytes>().is_some() || args.downcast::<crate::types::bytearray::Bytearray>().is_some();
    if is_bytes || operands.tuple {
        operands.mapping = None;
    }
    let mut reader = Reader { chars: Chars::One(format), at: 0, bytes: true };
    while let Some(percent) = next_percent(&mut reader, &mut out) {
        if !percent {
            continue;
        }
        let spec = reader.spec(&mut operands)?;
        let value = operands.next()?;
        match char::from_u32(spec.conversion) {
            Some('s' | 'b') => match bytes_of(&value)? {
                Some(data) => spec.write_text(&mut out, Chars::One(&data), true)?,
                None => {
                    return Err(type_error(format!(
                        "%b requires a bytes-like object, or an object that implements __bytes__, not '{}'",
                        value.ty().name()
                    )));
                }
            },
            Some('r' | 'a') => {
                let shown = text::ascii(&value)?;
                spec.write_text(&mut out, super::body(&shown)?.chars(), true)?;
            }
            Some('d' | 'i' | 'u' | 'o' | 'x' | 'X') => spec.write_int(&mut out, &value)?,
            Some('e' | 'E' | 'f' | 'F' | 'g' | 'G') => spec.write_float(&mut out, &value, true)?,
            Some('c') => {
                let byte = single_byte(&value)?;
                spec.write_text(&mut out, Chars::One(&[byte]), false)?;
            }
            _ => return Err(reader.unsupported(&spec)),
        }
    }
    if operands.mapping.is_none() && !operands.all_taken() {
        return Err(type_error("not all arguments converted during bytes formatting"));
    }
    Ok(out)
}

/// What `%b` shows: the buffer of the value, or what its `__bytes__` gives.
fn bytes_of(value: &Value) -> PyResult<Option<Vec<u8>>> {
    if let Some(body) = value.exact::<Bytes>() {
        return Ok(Some(body.as_slice().to_vec()));
    }
    if value.downcast::<crate::types::bytearray::Bytearray>().is_none()
        && let Some(result) = call::call_special(value, name!("__bytes__"), &[])?
    {
        return match result.downcast::<Bytes>() {
            Some(body) => Ok(Some(body.as_slice().to_vec())),
            None => Err(type_error(format!("__bytes__ returned non-bytes (type {})", result.ty().name()))),
        };
    }
    Ok(bytes::lookup_items(value)?.map(|buffer| buffer.to_vec()))
}

/// What `%c` of bytes shows. As `byte_converter`.
fn single_byte(value: &Value) -> PyResult<u8> {
    let wrong = || type_error("%c requires an integer in range(256) or a single byte");
    if value.downcast::<Bytes>().is_some() || value.downcast::<crate::types::bytearray::Bytearray>().is_some() {
        let buffer = bytes::lookup_buffer(value)?;
        return match buffer.as_deref() {
            Some([byte]) => Ok(*byte),
            _ => Err(wrong()),
        };
    }
    match number::index(value) {
        Ok(index) => match int::to_i64(&index).map(u8::try_from) {
            Some(Ok(byte)) => Ok(byte),
            _ => Err(overflow_error("%c arg not in range(256)")),
        },
        Err(raised) if is_instance(&raised, &TYPE_ERROR) => Err(wrong()),
        Err(raised) => Err(raised),
    }
}
