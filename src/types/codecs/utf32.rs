//! UTF-32.

use super::errors::{Handler, Replacement};
use super::{Decoder, Order};
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::str::Str;
use crate::types::unicode_errors::encode_error;

const REASON: &str = "surrogates not allowed";

/// Encodes; lone surrogates go to the error handler one by one. As `_PyUnicode_EncodeUTF32`.
pub(super) fn encode(value: &Value, text: &Str, handler: &Handler, order: Order) -> PyResult<Vec<u8>> {
    let encoding = match order {
        Order::Marked => "utf-32",
        Order::Little => "utf-32-le",
        Order::Big => "utf-32-be",
    };
    let chars = text.chars();
    let mut out = Vec::with_capacity(4 * chars.len() + 4);
    let unit = |out: &mut Vec<u8>, code: u32| {
        out.extend(if order == Order::Big { code.to_be_bytes() } else { code.to_le_bytes() });
    };
    if order == Order::Marked {
        unit(&mut out, 0xfeff);
    }
    let mut at = 0;
    while let Some(code) = chars.get(at) {
        if !(0xd800..0xe000).contains(&code) {
            unit(&mut out, code);
            at += 1;
            continue;
        }
        let (replacement, next) = handler.encode_error(encoding, value, at, at + 1, REASON)?;
        match replacement {
            Replacement::Bytes(bytes) if bytes.len().is_multiple_of(4) => out.extend(bytes),
            Replacement::Text(codes) if codes.iter().all(|&code| code < 0x80) => {
                codes.into_iter().for_each(|code| unit(&mut out, code));
            }
            _ => return Err(encode_error(encoding, value, at, at + 1, REASON)),
        }
        at = next;
    }
    Ok(out)
}

/// Decodes; a byte order mark at the beginning decides when the order is open. As `PyUnicode_DecodeUTF32Stateful`.
///
/// Gives the byte order when it was given or a mark told it.
pub(super) fn decode(decoder: &mut Decoder, order: Order) -> PyResult<Order> {
    let mut shown = order;
    let mut big = order == Order::Big;
    if order == Order::Marked {
        match decoder.rest() {
            [0xff, 0xfe, 0, 0, ..] => (decoder.at, shown) = (4, Order::Little),
            [0, 0, 0xfe, 0xff, ..] => (decoder.at, shown, big) = (4, Order::Big, true),
            _ => {}
        }
    }
    let encoding = if big { "utf-32-be" } else { "utf-32-le" };
    loop {
        let (at, len) = (decoder.at, decoder.data.len());
        let code = match *decoder.rest() {
            [] => return Ok(shown),
            [a, b, c, d, ..] if big => u32::from_be_bytes([a, b, c, d]),
            [a, b, c, d, ..] => u32::from_le_bytes([a, b, c, d]),
            _ if !decoder.last => return Ok(shown),
            _ => {
                decoder.error(encoding, at, len, "truncated data")?;
                continue;
            }
        };
        match code {
            0xd800..0xe000 => {
                let reason = "code point in surrogate code point range(0xd800, 0xe000)";
                decoder.error(encoding, at, at + 4, reason)?;
            }
            0..0x11_0000 => {
                decoder.out.push(code);
                decoder.at += 4;
            }
            _ => decoder.error(encoding, at, at + 4, "code point not in range(0x110000)")?,
        }
    }
}
