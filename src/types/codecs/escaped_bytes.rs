//! The escapes of bytes literals: `codecs.escape_encode` and `escape_decode`.

use crate::object::error::PyResult;
use crate::types::exceptions::value_error;

/// As the inside of a bytes literal in single quotes.
pub fn encode(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    for &byte in data {
        match byte {
            b'\'' | b'\\' => out.extend([b'\\', byte]),
            b'\t' => out.extend(b"\\t"),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b' '..=b'~' => out.push(byte),
            _ => out.extend(format!("\\x{byte:02x}").bytes()),
        }
    }
    out
}

/// What the inside of a bytes literal means. As `_PyBytes_DecodeEscape`.
///
/// # Errors
/// `ValueError` for a backslash at the end and, unless `errors` is `replace` or `ignore`, for wrong hexadecimal digits.
pub fn decode(data: &[u8], errors: Option<&str>) -> PyResult<Vec<u8>> {
    let mut out = Vec::with_capacity(data.len());
    let mut invalid = None;
    let mut at = 0;
    while let Some(&byte) = data.get(at) {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some(&letter) = data.get(at) else { return Err(value_error("Trailing \\ in string")) };
        at += 1;
        match letter {
            b'\n' => {}
            b'\\' | b'\'' | b'"' => out.push(letter),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b't' => out.push(b'\t'),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b'v' => out.push(11),
            b'a' => out.push(7),
            b'0'..=b'7' => {
                let mut number = u32::from(letter - b'0');
                for _ in 0..2 {
                    match data.get(at) {
                        Some(digit @ b'0'..=b'7') => {
                            number = number << 3 | u32::from(digit - b'0');
                            at += 1;
                        }
                        _ => break,
                    }
                }
                out.push(number as u8);
            }
            b'x' => {
                let digit = |index: usize| data.get(index).and_then(|&byte| char::from(byte).to_digit(16));
                match (digit(at), digit(at + 1)) {
                    (Some(high), Some(low)) => {
                        out.push((high << 4 | low) as u8);
                        at += 2;
                    }
                    (high, _) => {
                        match errors {
                            None | Some("strict") => {
                                return Err(value_error(format!("invalid \\x escape at position {}", at - 2)));
                            }
                            Some("replace") => out.push(b'?'),
                            Some("ignore") => {}
                            Some(other) => {
                                return Err(value_error(format!(
                                    "decoding error; unknown error handling code: {other}"
                                )));
                            }
                        }
                        // One digit is skipped with the escape.
                        at += usize::from(high.is_some());
                    }
                }
            }
            _ => {
                invalid.get_or_insert(letter);
                out.extend([b'\\', letter]);
            }
        }
    }
    match invalid {
        Some(letter) => super::escape::warn_invalid(letter).map(|()| out),
        None => Ok(out),
    }
}
