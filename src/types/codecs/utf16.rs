//! UTF-16.

use super::errors::{Handler, Replacement};
use super::{Decoder, Order};
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::str::Str;
use crate::types::unicode_errors::encode_error;

const REASON: &str = "surrogates not allowed";

/// Encodes; lone surrogates go to the error handler one by one. As `_PyUnicode_EncodeUTF16`.
pub(super) fn encode(value: &Value, text: &Str, handler: &Handler, order: Order) -> PyResult<Vec<u8>> {
    let encoding = match order {
        Order::Marked => "utf-16",
        Order::Little => "utf-16-le",
        Order::Big => "utf-16-be",
    };
    let chars = text.chars();
    let mut out = Vec::with_capacity(2 * chars.len() + 2);
    let unit = |out: &mut Vec<u8>, unit: u32| {
        let unit = unit as u16;
        out.extend(if order == Order::Big { unit.to_be_bytes() } else { unit.to_le_bytes() });
    };
    if order == Order::Marked {
        unit(&mut out, 0xfeff);
    }
    let mut at = 0;
    while let Some(code) = chars.get(at) {
        match code {
            0xd800..0xe000 => {
                let (replacement, next) = handler.encode_error(encoding, value, at, at + 1, REASON)?;
                match replacement {
                    Replacement::Bytes(bytes) if bytes.len().is_multiple_of(2) => out.extend(bytes),
                    Replacement::Text(codes) if codes.iter().all(|&code| code < 0x80) => {
                        codes.into_iter().for_each(|code| unit(&mut out, code));
                    }
                    _ => return Err(encode_error(encoding, value, at, at + 1, REASON)),
                }
                at = next;
                continue;
            }
            0..0x10000 => unit(&mut out, code),
            _ => {
                let offset = code - 0x10000;
                unit(&mut out, 0xd800 | offset >> 10);
                unit(&mut out, 0xdc00 | offset & 0x3ff);
            }
        }
        at += 1;
    }
    Ok(out)
}

/// Decodes; a byte order mark at the beginning decides when the order is open. As `PyUnicode_DecodeUTF16Stateful`.
///
/// Gives the byte order when it was given or a mark told it.
pub(super) fn decode(decoder: &mut Decoder, order: Order) -> PyResult<Order> {
    let mut shown = order;
    let mut big = order == Order::Big;
    if order == Order::Marked {
        match decoder.rest() {
            [0xff, 0xfe, ..] => (decoder.at, shown) = (2, Order::Little),
            [0xfe, 0xff, ..] => (decoder.at, shown, big) = (2, Order::Big, true),
            _ => {}
        }
    }
    let encoding = if big { "utf-16-be" } else { "utf-16-le" };
    let unit = |bytes: &[u8]| match *bytes {
        [a, b, ..] if big => Some(u32::from(u16::from_be_bytes([a, b]))),
        [a, b, ..] => Some(u32::from(u16::from_le_bytes([a, b]))),
        _ => None,
    };
    loop {
        let (at, len) = (decoder.at, decoder.data.len());
        let rest = decoder.rest();
        let Some(first) = unit(rest) else {
            if rest.is_empty() || !decoder.last {
                return Ok(shown);
            }
            decoder.error(encoding, at, len, "truncated data")?;
            continue;
        };
        let second = rest.get(2..).and_then(unit);
        match (first, second) {
            (0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) => {
                decoder.out.push(0x10000 + ((first & 0x3ff) << 10 | low & 0x3ff));
                decoder.at += 4;
            }
            (0xd800..0xdc00, None) if !decoder.last => return Ok(shown),
            (0xd800..0xdc00, None) => decoder.error(encoding, at, len, "unexpected end of data")?,
            (0xd800..0xdc00, Some(_)) => decoder.error(encoding, at, at + 2, "illegal UTF-16 surrogate")?,
            (0xdc00..0xe000, _) => decoder.error(encoding, at, at + 2, "illegal encoding")?,
            _ => {
                decoder.out.push(first);
                decoder.at += 2;
            }
        }
    }
}
