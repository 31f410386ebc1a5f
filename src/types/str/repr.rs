//! `repr()` and `ascii()` of str.

use super::properties::is_printable;
use super::{Chars, Str, StrBuilder};
use crate::object::value::Value;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `\x..`, `\u....` or `\U........`, whichever is the shortest that holds the code point.
pub(crate) fn push_escape(builder: &mut StrBuilder, code: u32) {
    let (letter, digits) = match code {
        0..0x100 => (b'x', 2),
        0x100..0x10000 => (b'u', 4),
        _ => (b'U', 8),
    };
    builder.push(b'\\'.into());
    builder.push(u32::from(letter));
    for digit in (0..digits).rev() {
        builder.push(u32::from(HEX[(code >> (4 * digit) & 0xf) as usize]));
    }
}

/// `repr(text)`.
pub(crate) fn repr(text: &Str) -> Value {
    let chars = text.chars();
    if let Some(ascii) = text.as_ascii()
        && ascii.bytes().all(|byte| (b' '..0x7f).contains(&byte) && byte != b'\\' && byte != b'\'')
    {
        let mut quoted = Vec::with_capacity(ascii.len() + 2);
        quoted.push(b'\'');
        quoted.extend_from_slice(ascii.as_bytes());
        quoted.push(b'\'');
        return Str::from_latin1(&quoted);
    }
    let mut plain = true;
    let (mut single, mut double) = (false, false);
    for code in chars.iter() {
        match code {
            0x27 => single = true,
            0x22 => double = true,
            0x5c => plain = false,
            0x20..0x7f => {}
            _ => plain &= code >= 0x80 && is_printable(code),
        }
    }
    let quote = if single && !double { 0x22 } else { 0x27 };
    let mut builder = StrBuilder::with_capacity(text.len() + 2);
    builder.push(quote);
    if plain && !(single && double) {
        builder.push_chars(chars);
    } else {
        for code in chars.iter() {
            match code {
                0x5c => builder.push_str("\\\\"),
                0x09 => builder.push_str("\\t"),
                0x0a => builder.push_str("\\n"),
                0x0d => builder.push_str("\\r"),
                _ if code == quote => {
                    builder.push(0x5c);
                    builder.push(code);
                }
                0x20..0x7f => builder.push(code),
                _ if code >= 0x80 && is_printable(code) => builder.push(code),
                _ => push_escape(&mut builder, code),
            }
        }
    }
    builder.push(quote);
    builder.finish()
}

/// The text with everything that is not ASCII escaped.
pub(crate) fn escape_non_ascii(chars: Chars) -> Value {
    let mut builder = StrBuilder::with_capacity(chars.len());
    for code in chars.iter() {
        if code < 0x80 { builder.push(code) } else { push_escape(&mut builder, code) }
    }
    builder.finish()
}
