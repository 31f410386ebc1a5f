//! UTF-8.

use super::Decoder;
use super::errors::{Handler, Replacement, escaped_byte};
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::str::{Chars, Str};
use crate::types::unicode_errors::encode_error;

const REASON: &str = "surrogates not allowed";

fn push(out: &mut Vec<u8>, c: char) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Characters that are looked at together: most text that is not ASCII has long runs that are.
const RUN: usize = 8;

/// Encodes a character that is no surrogate.
#[inline(always)]
fn push_unit(out: &mut Vec<u8>, unit: u16) {
    let trail = |shift: u32| 0x80 | (unit >> shift & 0x3f) as u8;
    match unit {
        0..0x80 => out.push(unit as u8),
        0x80..0x800 => out.extend_from_slice(&[0xc0 | (unit >> 6) as u8, trail(0)]),
        _ => out.extend_from_slice(&[0xe0 | (unit >> 12) as u8, trail(6), trail(0)]),
    }
}

/// The characters of a text, which all fit into a `T`.
fn units_of<T: Copy>(text: &str, from_byte: impl Fn(u8) -> T, from_char: impl Fn(char) -> T) -> Vec<T> {
    let mut units = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(run) = rest.as_bytes().first_chunk::<RUN>() {
        if run.is_ascii() {
            units.extend_from_slice(&run.map(&from_byte));
            rest = &rest[RUN..];
        } else {
            let mut chars = rest.chars();
            units.extend(chars.by_ref().take(RUN).map(&from_char));
            rest = chars.as_str();
        }
    }
    units.extend(rest.chars().map(from_char));
    units
}

/// Encodes; lone surrogates go to the error handler. As `utf8_encoder`.
pub(super) fn encode(value: &Value, text: &Str, handler: &Handler) -> PyResult<Vec<u8>> {
    let chars = text.chars();
    if text.is_ascii() {
        return Ok(text.storage().to_vec());
    }
    let mut out = Vec::with_capacity(chars.len() + chars.len() / 2);
    if let Chars::One(bytes) = chars {
        bytes.iter().for_each(|&byte| push(&mut out, byte.into()));
        return Ok(out);
    }
    if let Chars::Two(units) = chars
        && units.iter().all(|unit| !(0xd800..0xe000).contains(unit))
    {
        out.reserve(3 * units.len());
        let (runs, rest) = units.as_chunks::<RUN>();
        for run in runs {
            if run.iter().all(|&unit| unit < 0x80) {
                out.extend_from_slice(&run.map(|unit| unit as u8));
            } else {
                run.iter().for_each(|&unit| push_unit(&mut out, unit));
            }
        }
        rest.iter().for_each(|&unit| push_unit(&mut out, unit));
        return Ok(out);
    }
    let mut at = 0;
    while let Some(code) = chars.get(at) {
        if let Some(c) = char::from_u32(code) {
            push(&mut out, c);
            at += 1;
            continue;
        }
        let rest = chars.slice(at, chars.len());
        let mut start = at;
        let end = rest.iter().position(|code| char::from_u32(code).is_some()).map_or(chars.len(), |len| at + len);
        if *handler == Handler::SurrogateEscape {
            while start < end
                && let Some(byte) = chars.get(start).and_then(escaped_byte)
            {
                out.push(byte);
                start += 1;
            }
            if start == end {
                at = end;
                continue;
            }
        }
        let (replacement, next) = handler.encode_error("utf-8", value, start, end, REASON)?;
        match replacement {
            Replacement::Bytes(bytes) => out.extend(bytes),
            Replacement::Text(codes) => {
                for code in codes {
                    if code >= 0x80 {
                        return Err(encode_error("utf-8", value, start, end, REASON));
                    }
                    out.push(code as u8);
                }
            }
        }
        at = next;
    }
    Ok(out)
}

/// The text of valid UTF-8, in the width that its widest character asks for.
fn text_of(text: &str) -> Value {
    match text.bytes().max().unwrap_or(0) {
        0..0x80 => Str::from_latin1(text.as_bytes()),
        0x80..0xc4 => Str::from_latin1(&units_of(text, |byte| byte, |c| c as u32 as u8)),
        0xc4..0xf0 => Str::from_chars(Chars::Two(&units_of(text, u16::from, |c| c as u32 as u16))),
        _ => Str::from_chars(Chars::Four(&units_of(text, u32::from, u32::from))),
    }
}

/// The text of data that is valid, but for an incomplete character at its end when more follows, and how many bytes that
/// took; `None` for other data.
pub(super) fn decode_valid(data: &[u8], last: bool) -> Option<(Value, usize)> {
    match std::str::from_utf8(data) {
        Ok(text) => Some((text_of(text), data.len())),
        Err(error) if error.error_len().is_none() && !last => {
            let len = error.valid_up_to();
            let text = std::str::from_utf8(data.get(..len)?).ok()?;
            Some((text_of(text), len))
        }
        Err(_) => None,
    }
}

/// Decodes; what the standard forbids goes to the error handler, as many bytes at a time as Unicode recommends.
pub(super) fn decode(decoder: &mut Decoder) -> PyResult<()> {
    loop {
        let at = decoder.at;
        let error = match std::str::from_utf8(decoder.data.get(at..).unwrap_or_default()) {
            Ok(valid) => {
                decoder.out.push_str(valid);
                decoder.at = decoder.data.len();
                return Ok(());
            }
            Err(error) => error,
        };
        let start = at + error.valid_up_to();
        let valid = decoder.data.get(at..start).and_then(|valid| std::str::from_utf8(valid).ok());
        decoder.out.push_str(valid.unwrap_or_default());
        // The beginning of a surrogate is not complete either: an error handler may let the whole of it pass.
        let is_open = matches!(decoder.data.get(start..), Some([0xed, 0xa0..=0xbf]));
        if (error.error_len().is_none() || is_open) && !decoder.last {
            decoder.at = start;
            return Ok(());
        }
        let (end, reason) = match (error.error_len(), decoder.data.get(start)) {
            (None, _) => (decoder.data.len(), "unexpected end of data"),
            (Some(len), Some(0xc2..=0xf4)) => (start + len, "invalid continuation byte"),
            (Some(len), _) => (start + len, "invalid start byte"),
        };
        decoder.error("utf-8", start, end, reason)?;
    }
}
