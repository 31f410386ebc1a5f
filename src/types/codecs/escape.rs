//! The encodings unicode_escape and raw_unicode_escape.

use super::Decoder;
use crate::object::error::{PyResult, Raised};
use crate::types::exceptions::{DEPRECATION_WARNING, UNICODE_ERROR, instantiate};
use crate::types::str::{Str, properties};
use crate::vm::import;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

fn push_escape(out: &mut Vec<u8>, code: u32) {
    let text = match code {
        0..0x100 => format!("\\x{code:02x}"),
        0x100..0x10000 => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    };
    out.extend_from_slice(text.as_bytes());
}

/// Encodes as a string literal without quotes.
pub(super) fn encode(text: &Str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for code in text.chars().iter() {
        match code {
            0x5c => out.extend(b"\\\\"),
            0x09 => out.extend(b"\\t"),
            0x0a => out.extend(b"\\n"),
            0x0d => out.extend(b"\\r"),
            0x20..0x7f => out.push(code as u8),
            _ => push_escape(&mut out, code),
        }
    }
    out
}

/// Encodes Latin-1 as it is, the rest as `\u` and `\U`.
pub(super) fn encode_raw(text: &Str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for code in text.chars().iter() {
        match u8::try_from(code) {
            Ok(byte) => out.push(byte),
            Err(_) => push_escape(&mut out, code),
        }
    }
    out
}

/// The number of the hexadecimal digits at `at`, `count` of them; else where they end.
fn hexadecimal(data: &[u8], at: usize, count: usize) -> Result<u32, usize> {
    let mut number = 0;
    for index in at..at + count {
        match data.get(index).and_then(|&byte| char::from(byte).to_digit(16)) {
            Some(digit) => number = number << 4 | digit,
            None => return Err(index),
        }
    }
    Ok(number)
}

/// Tells of the first escape sequence that stands for nothing and is kept as it is.
pub(super) fn warn_invalid(letter: u8) -> PyResult<()> {
    let message = format!("invalid escape sequence '\\{}'", char::from(letter));
    crate::modules::warnings::warn(&DEPRECATION_WARNING, &message, 1)
}

const TRUNCATED: [&str; 3] = ["truncated \\xXX escape", "truncated \\uXXXX escape", "truncated \\UXXXXXXXX escape"];

/// Decodes the escapes of string literals. As `_PyUnicode_DecodeUnicodeEscape`.
pub(super) fn decode(decoder: &mut Decoder) -> PyResult<()> {
    const NAME: &str = "unicodeescape";
    let mut invalid = None;
    while let Some(&byte) = decoder.data.get(decoder.at) {
        let start = decoder.at;
        if byte != b'\\' {
            decoder.out.push(byte.into());
            decoder.at += 1;
            continue;
        }
        let Some(&letter) = decoder.data.get(start + 1) else {
            decoder.error(NAME, start, start + 1, "\\ at end of string")?;
            continue;
        };
        decoder.at = start + 2;
        let simple = match letter {
            b'\n' => continue,
            b'\\' | b'\'' | b'"' => letter,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'r' => b'\r',
            b'f' => 12,
            b'v' => 11,
            b'a' => 7,
            b'0'..=b'7' => {
                let digits = decoder.data.get(start + 1..).unwrap_or_default();
                let digits = digits.iter().take(3).take_while(|&&digit| matches!(digit, b'0'..=b'7'));
                let (mut number, mut len) = (0, 0);
                for &digit in digits {
                    number = number << 3 | u32::from(digit - b'0');
                    len += 1;
                }
                decoder.out.push(number);
                decoder.at = start + 1 + len;
                continue;
            }
            b'x' | b'u' | b'U' => {
                let (count, message) = match letter {
                    b'x' => (2, TRUNCATED[0]),
                    b'u' => (4, TRUNCATED[1]),
                    _ => (8, TRUNCATED[2]),
                };
                match hexadecimal(&decoder.data, start + 2, count) {
                    Ok(code @ 0..0x11_0000) => {
                        decoder.out.push(code);
                        decoder.at = start + 2 + count;
                    }
                    Ok(_) => decoder.error(NAME, start, start + 10, "illegal Unicode character")?,
                    Err(end) => decoder.error(NAME, start, end, message)?,
                }
                continue;
            }
            b'N' => {
                named(decoder, start)?;
                continue;
            }
            _ => {
                invalid.get_or_insert(letter);
                decoder.out.push(b'\\'.into());
                decoder.out.push(letter.into());
                continue;
            }
        };
        decoder.out.push(simple.into());
    }
    invalid.map_or(Ok(()), warn_invalid)
}

/// Whether the names of characters can be had: from the module `unicodedata`, which is imported for the first of them and never
/// asked for again then.
pub(crate) fn has_character_names() -> bool {
    static LOADED: AtomicBool = AtomicBool::new(false);
    if !LOADED.load(Relaxed) && import::import_text("unicodedata").is_ok() {
        LOADED.store(true, Relaxed);
    }
    LOADED.load(Relaxed)
}

/// `\N{name}`.
fn named(decoder: &mut Decoder, start: usize) -> PyResult<()> {
    if !has_character_names() {
        let message = Str::new_value("\\N escapes not supported (can't load unicodedata module)");
        return Err(Raised::new(instantiate(&UNICODE_ERROR, vec![message])));
    }
    let mut end = start + 2;
    let mut reason = "malformed \\N character escape";
    if decoder.data.get(end) == Some(&b'{') {
        end += 1;
        let rest = decoder.data.get(end..).unwrap_or_default();
        match memchr::memchr(b'}', rest) {
            Some(0) => {}
            Some(len) => {
                let name = rest.get(..len).and_then(|name| std::str::from_utf8(name).ok());
                end += len + 1;
                if let Some(code) = name.and_then(properties::named) {
                    decoder.out.push(code);
                    decoder.at = end;
                    return Ok(());
                }
                reason = "unknown Unicode character name";
            }
            None => end = decoder.data.len(),
        }
    }
    decoder.error("unicodeescape", start, end, reason)
}

/// Decodes `\u` and `\U` behind an odd number of backslashes. As `PyUnicode_DecodeRawUnicodeEscape`.
pub(super) fn decode_raw(decoder: &mut Decoder) -> PyResult<()> {
    const NAME: &str = "rawunicodeescape";
    while let Some(&byte) = decoder.data.get(decoder.at) {
        let start = decoder.at;
        let letter = decoder.data.get(start + 1).copied();
        let (count, message) = match (byte, letter) {
            (b'\\', Some(b'u')) => (4, TRUNCATED[1]),
            (b'\\', Some(b'U')) => (8, TRUNCATED[2]),
            (b'\\', Some(letter)) => {
                decoder.out.push(byte.into());
                decoder.out.push(letter.into());
                decoder.at += 2;
                continue;
            }
            _ => {
                decoder.out.push(byte.into());
                decoder.at += 1;
                continue;
            }
        };
        match hexadecimal(&decoder.data, start + 2, count) {
            Ok(code @ 0..0x11_0000) => {
                decoder.out.push(code);
                decoder.at = start + 2 + count;
            }
            Ok(_) => decoder.error(NAME, start, start + 10, "\\Uxxxxxxxx out of range")?,
            Err(end) => decoder.error(NAME, start, end, message)?,
        }
    }
    Ok(())
}
