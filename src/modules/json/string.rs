//! Strings in a JSON document.

use super::{decode_error, text_of};
use crate::object::error::{PyResult, Raised};
use crate::object::hash::hash_bytes;
use crate::object::native::{At, FromArg, ssize};
use crate::object::number;
use crate::object::value::Value;
use crate::types::exceptions::value_error;
use crate::types::str::{Chars, Str, StrBuilder};
use crate::types::tuple::Tuple;
use std::borrow::Cow;

/// A character as a str stores it.
pub(super) trait Unit: Copy + Into<u32> {
    /// A str of characters.
    fn text(units: &[Self]) -> Value;
    /// The characters.
    fn chars(units: &[Self]) -> Chars<'_>;
    /// Whether the characters are those of a str stored in bytes.
    fn equals(units: &[Self], bytes: &[u8]) -> bool;
    /// The hash of a str of the characters.
    fn hash(units: &[Self]) -> u64 {
        Self::text(units).exact::<Str>().map_or(0, |text| text.hash() as u64)
    }
    /// Characters that are ASCII, as bytes.
    fn ascii(units: &[Self]) -> Cow<'_, [u8]>;
    /// Number of characters at the beginning that stand for themselves: no quote, backslash or control character.
    #[inline]
    fn plain(units: &[Self]) -> usize {
        units.iter().take_while(|&&unit| is_plain(unit.into())).count()
    }
}

#[inline]
pub(super) fn is_plain(code: u32) -> bool {
    code != u32::from(b'"') && code != u32::from(b'\\') && code > 0x1f
}

/// The bytes of a word that are zero, each as its high bit; exact up to the first one.
#[inline]
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080
}

const fn all(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// As [`Unit::plain`] for bytes, eight at a time.
#[inline]
pub(super) fn plain_bytes(bytes: &[u8]) -> usize {
    let mut done = 0;
    let (words, rest) = bytes.as_chunks::<8>();
    for chunk in words {
        let word = u64::from_le_bytes(*chunk);
        // A byte below 0x20 has no bit of 0xe0.
        let special = zeros(word ^ all(b'"')) | zeros(word ^ all(b'\\')) | zeros(word & all(0xe0));
        if special != 0 {
            return done + special.trailing_zeros() as usize / 8;
        }
        done += 8;
    }
    done + rest.iter().take_while(|&&byte| is_plain(byte.into())).count()
}

impl Unit for u8 {
    #[inline]
    fn text(units: &[u8]) -> Value {
        Str::from_latin1(units)
    }
    fn chars(units: &[u8]) -> Chars<'_> {
        Chars::One(units)
    }
    #[inline]
    fn equals(units: &[u8], bytes: &[u8]) -> bool {
        units == bytes
    }
    fn hash(units: &[u8]) -> u64 {
        hash_bytes(units) as u64
    }
    fn ascii(units: &[u8]) -> Cow<'_, [u8]> {
        Cow::Borrowed(units)
    }
    #[inline]
    fn plain(units: &[u8]) -> usize {
        plain_bytes(units)
    }
}

macro_rules! wide_unit {
    ($unit:ty, $variant:ident) => {
        impl Unit for $unit {
            fn text(units: &[$unit]) -> Value {
                Str::from_chars(Chars::$variant(units))
            }
            fn chars(units: &[$unit]) -> Chars<'_> {
                Chars::$variant(units)
            }
            fn equals(units: &[$unit], bytes: &[u8]) -> bool {
                units.len() == bytes.len() && units.iter().zip(bytes).all(|(&unit, &byte)| unit == byte.into())
            }
            fn ascii(units: &[$unit]) -> Cow<'_, [u8]> {
                Cow::Owned(units.iter().map(|&unit| u8::try_from(unit).unwrap_or(b'?')).collect())
            }
        }
    };
}

wide_unit!(u16, Two);
wide_unit!(u32, Four);

/// A string that was read: its characters, where it is a part of the document, else a new str.
pub(super) enum Scanned<'a, U> {
    /// As it stands in the document.
    Part(&'a [U]),
    /// With escapes resolved.
    Built(Value),
}

/// Reads a string whose opening quote is before `start`; also the index behind its closing quote.
///
/// # Errors
/// `JSONDecodeError` about `document`.
#[inline]
pub(super) fn scan<'a, U: Unit>(
    units: &'a [U],
    start: usize,
    strict: bool,
    document: &Value,
) -> PyResult<(Scanned<'a, U>, usize)> {
    let rest = units.get(start..).unwrap_or_default();
    let plain = U::plain(rest);
    if let Some(&unit) = rest.get(plain)
        && unit.into() == u32::from(b'"')
    {
        return Ok((Scanned::Part(rest.get(..plain).unwrap_or_default()), start + plain + 1));
    }
    let (text, end) = scan_escaped(units, start, strict, document)?;
    Ok((Scanned::Built(text), end))
}

/// A string with escapes, control characters, or without end.
#[cold]
fn scan_escaped<U: Unit>(units: &[U], start: usize, strict: bool, document: &Value) -> PyResult<(Value, usize)> {
    let unterminated = || decode_error("Unterminated string starting at", document, start.saturating_sub(1));
    let mut text = StrBuilder::new();
    let mut at = start;
    loop {
        let rest = units.get(at..).unwrap_or_default();
        let plain = U::plain(rest);
        text.push_chars(U::chars(rest.get(..plain).unwrap_or_default()));
        at += plain;
        let Some(&unit) = units.get(at) else { return Err(unterminated()) };
        let code: u32 = unit.into();
        if code == u32::from(b'"') {
            return Ok((text.finish(), at + 1));
        }
        if code != u32::from(b'\\') {
            if strict {
                return Err(decode_error("Invalid control character at", document, at));
            }
            text.push(code);
            at += 1;
            continue;
        }
        let Some(&escaped) = units.get(at + 1) else { return Err(unterminated()) };
        let code = match u8::try_from(escaped.into()) {
            Ok(byte @ (b'"' | b'\\' | b'/')) => byte.into(),
            Ok(b'b') => 8,
            Ok(b'f') => 12,
            Ok(b'n') => 10,
            Ok(b'r') => 13,
            Ok(b't') => 9,
            Ok(b'u') => {
                let (code, end) = scan_code(units, at, document)?;
                text.push(code);
                at = end;
                continue;
            }
            _ => return Err(decode_error("Invalid \\escape", document, at)),
        };
        text.push(code);
        at += 2;
    }
}

/// Four hexadecimal digits at `at`; none where there are others.
fn hex<U: Unit>(units: &[U], at: usize) -> Option<u32> {
    units.get(at..at + 4)?.iter().try_fold(0, |code, &unit| {
        let digit = char::from_u32(unit.into()).and_then(|c| c.to_digit(16))?;
        Some(code << 4 | digit)
    })
}

/// The code point of an escape `\uXXXX` at `at`, of two for a surrogate pair, and the index behind.
fn scan_code<U: Unit>(units: &[U], at: usize, document: &Value) -> PyResult<(u32, usize)> {
    let invalid = |at: usize| -> Raised { decode_error("Invalid \\uXXXX escape", document, at + 1) };
    let is = |index: usize, byte: u8| units.get(index).is_some_and(|&unit| unit.into() == u32::from(byte));
    let end = at + 6;
    // Something must follow, the closing quote at least.
    if end >= units.len() {
        return Err(invalid(at));
    }
    let code = hex(units, at + 2).ok_or_else(|| invalid(at))?;
    if (0xd800..0xdc00).contains(&code) && end + 6 < units.len() && is(end, b'\\') && is(end + 1, b'u') {
        let low = hex(units, end + 2).ok_or_else(|| invalid(end))?;
        if (0xdc00..0xe000).contains(&low) {
            return Ok((0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00), end + 6));
        }
    }
    Ok((code, end))
}

/// An index given as an argument.
pub(super) struct Index(pub isize);

impl FromArg for Index {
    type Out<'a> = Index;
    fn from_arg(value: &Value, _at: At) -> PyResult<Index> {
        ssize(value).map(Index)
    }
}

pub(super) fn scanstring(string: &Value, end: Index, strict: Option<&Value>) -> PyResult<Value> {
    let strict = strict.map_or(Ok(true), number::truth)?;
    let text = text_of(string)?;
    let start = usize::try_from(end.0).ok().filter(|&start| start <= text.len());
    let start = start.ok_or_else(|| value_error("end is out of bounds"))?;
    fn run<U: Unit>(units: &[U], start: usize, strict: bool, document: &Value) -> PyResult<Value> {
        let (scanned, end) = scan(units, start, strict, document)?;
        let text = match scanned {
            Scanned::Part(units) => U::text(units),
            Scanned::Built(text) => text,
        };
        Ok(Tuple::from_array([text, Value::int(end as i64)]))
    }
    match text.chars() {
        Chars::One(units) => run(units, start, strict, string),
        Chars::Two(units) => run(units, start, strict, string),
        Chars::Four(units) => run(units, start, strict, string),
    }
}
