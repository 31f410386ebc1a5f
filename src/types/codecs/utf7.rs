//! UTF-7 (RFC 2152).

use super::Decoder;
use crate::object::error::PyResult;
use crate::types::str::Str;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn digit(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// Whether an encoder writes the character as it is: all of ASCII but controls and `+ \ ~`.
fn is_direct(code: u32) -> bool {
    matches!(code, 9 | 10 | 13 | 32..127) && !matches!(code, 0x2b | 0x5c | 0x7e)
}

/// Encodes. As `_PyUnicode_EncodeUTF7`.
pub(super) fn encode(text: &Str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 2);
    let (mut shifted, mut bits, mut buffer) = (false, 0u32, 0u64);
    for code in text.chars().iter() {
        if shifted && is_direct(code) {
            if bits > 0 {
                push_digit(&mut out, buffer << (6 - bits));
                (bits, buffer) = (0, 0);
            }
            shifted = false;
            // Other characters end the section by themselves.
            if code == u32::from(b'-') || digit(code as u8).is_some() {
                out.push(b'-');
            }
            out.push(code as u8);
            continue;
        }
        if !shifted {
            if code == u32::from(b'+') {
                out.extend(b"+-");
                continue;
            }
            if is_direct(code) {
                out.push(code as u8);
                continue;
            }
            out.push(b'+');
            shifted = true;
        }
        let mut unit = |unit: u32| {
            buffer = buffer << 16 | u64::from(unit);
            bits += 16;
            while bits >= 6 {
                bits -= 6;
                push_digit(&mut out, buffer >> bits);
            }
            buffer &= (1 << bits) - 1;
        };
        if code >= 0x10000 {
            unit(0xd800 | (code - 0x10000) >> 10);
            unit(0xdc00 | (code - 0x10000) & 0x3ff);
        } else {
            unit(code);
        }
    }
    if bits > 0 {
        push_digit(&mut out, buffer << (6 - bits));
    }
    if shifted {
        out.push(b'-');
    }
    out
}

fn push_digit(out: &mut Vec<u8>, bits: u64) {
    out.push(DIGITS[(bits & 63) as usize]);
}

/// Decodes. As `PyUnicode_DecodeUTF7Stateful`.
pub(super) fn decode(decoder: &mut Decoder) -> PyResult<()> {
    let mut out: Vec<u32> = Vec::with_capacity(decoder.data.len());
    let (mut shifted, mut bits, mut buffer, mut high) = (false, 0u32, 0u32, None::<u32>);
    // Where the section began, in the data and in the text.
    let (mut start, mut text_start) = (0, 0);
    loop {
        let Some(&byte) = decoder.data.get(decoder.at) else {
            if !shifted || !decoder.last {
                break;
            }
            shifted = false;
            if high.is_some() || bits >= 6 || (bits > 0 && buffer != 0) {
                let end = decoder.data.len();
                error(decoder, &mut out, start, end, "unterminated shift sequence")?;
                continue;
            }
            break;
        };
        let mut wrong = None;
        if shifted {
            if let Some(value) = digit(byte) {
                buffer = buffer << 6 | value;
                bits += 6;
                decoder.at += 1;
                if bits < 16 {
                    continue;
                }
                bits -= 16;
                let unit = buffer >> bits & 0xffff;
                buffer &= (1 << bits) - 1;
                if let Some(first) = high.take() {
                    if (0xdc00..0xe000).contains(&unit) {
                        out.push(0x10000 + ((first & 0x3ff) << 10 | unit & 0x3ff));
                        continue;
                    }
                    out.push(first);
                }
                if (0xd800..0xdc00).contains(&unit) {
                    high = Some(unit);
                } else {
                    out.push(unit);
                }
                continue;
            }
            shifted = false;
            if bits >= 6 {
                wrong = Some("partial character in shift sequence");
            } else if bits > 0 && buffer != 0 {
                wrong = Some("non-zero padding bits in base64 sequence");
            } else {
                if let Some(first) = high
                    && byte.is_ascii()
                    && byte != b'+'
                {
                    out.push(first);
                }
                high = None;
                if byte == b'-' {
                    decoder.at += 1;
                }
                continue;
            }
        } else if byte == b'+' {
            start = decoder.at;
            decoder.at += 1;
            match decoder.data.get(decoder.at) {
                Some(b'-') => {
                    decoder.at += 1;
                    out.push(b'+'.into());
                }
                Some(&next) if digit(next).is_none() => wrong = Some("ill-formed sequence"),
                _ => {
                    (shifted, bits, buffer, high) = (true, 0, 0, None);
                    text_start = out.len();
                }
            }
        } else if byte.is_ascii() {
            out.push(byte.into());
            decoder.at += 1;
        } else {
            start = decoder.at;
            wrong = Some("unexpected special character");
        }
        if let Some(reason) = wrong {
            let end = decoder.at + 1;
            error(decoder, &mut out, start, end, reason)?;
            (bits, buffer, high) = (0, 0, None);
        }
    }
    if shifted {
        // The section goes on in the next piece: it is read again from its beginning then.
        out.truncate(text_start);
        decoder.at = start;
    }
    for code in out {
        decoder.out.push(code);
    }
    Ok(())
}

fn error(decoder: &mut Decoder, out: &mut Vec<u32>, start: usize, end: usize, reason: &str) -> PyResult<()> {
    for code in out.drain(..) {
        decoder.out.push(code);
    }
    decoder.error("utf7", start, end, reason)
}
