//! ASCII and Latin-1.

use super::Decoder;
use super::errors::{Handler, Replacement, escaped_byte};
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::str::Str;
use crate::types::unicode_errors::encode_error;

/// Encodes characters below `limit` (128 or 256). As `unicode_encode_ucs1`.
pub(super) fn encode(value: &Value, text: &Str, handler: &Handler, limit: u32) -> PyResult<Vec<u8>> {
    if text.is_ascii() || (limit == 0x100 && text.width() == 1) {
        return Ok(text.storage().to_vec());
    }
    let (encoding, reason) = match limit {
        0x80 => ("ascii", "ordinal not in range(128)"),
        _ => ("latin-1", "ordinal not in range(256)"),
    };
    let chars = text.chars();
    let mut out = Vec::with_capacity(chars.len());
    let mut at = 0;
    while let Some(code) = chars.get(at) {
        if code < limit {
            out.push(code as u8);
            at += 1;
            continue;
        }
        let rest = chars.slice(at, chars.len());
        let mut start = at;
        let end = rest.iter().position(|code| code < limit).map_or(chars.len(), |len| at + len);
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
        let (replacement, next) = handler.encode_error(encoding, value, start, end, reason)?;
        match replacement {
            Replacement::Bytes(bytes) => out.extend(bytes),
            Replacement::Text(codes) => {
                for code in codes {
                    if code >= limit {
                        return Err(encode_error(encoding, value, start, end, reason));
                    }
                    out.push(code as u8);
                }
            }
        }
        at = next;
    }
    Ok(out)
}

/// Decodes ASCII.
pub(super) fn decode(decoder: &mut Decoder) -> PyResult<()> {
    while let Some(&byte) = decoder.data.get(decoder.at) {
        if byte.is_ascii() {
            decoder.out.push(byte.into());
            decoder.at += 1;
        } else {
            let at = decoder.at;
            decoder.error("ascii", at, at + 1, "ordinal not in range(128)")?;
        }
    }
    Ok(())
}
