//! Text encodings: what `str.encode`, `bytes.decode` and `str(bytes, encoding)` do.
//!
//! The encodings that CPython writes in C are here; others are found through the search functions that
//! `codecs.register` gave: see `registry`. `errors` holds the error handlers, `incremental` decoders and encoders of texts
//! that come in pieces.

mod ascii;
pub mod charmap;
pub mod errors;
mod escape;
pub mod escaped_bytes;
mod incremental;
pub mod registry;
mod utf16;
mod utf32;
mod utf7;
mod utf8;

pub use incremental::{IncrementalDecoder, IncrementalEncoder};

use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::bytes::Bytes;
use crate::types::exceptions::{DEPRECATION_WARNING, type_error, value_error};
use crate::types::str::{Str, StrBuilder, body};
use errors::Handler;
#[cfg(feature = "compile")]
pub(crate) use escape::has_character_names;
use std::borrow::Cow;

/// Byte order of UTF-16 and UTF-32.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// The machine's, with a byte order mark.
    Marked,
    /// Little endian.
    Little,
    /// Big endian.
    Big,
}

/// An encoding that is native here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// US-ASCII.
    Ascii,
    /// ISO 8859-1.
    Latin1,
    /// UTF-7.
    Utf7,
    /// UTF-8.
    Utf8,
    /// UTF-8 with a byte order mark.
    Utf8Signed,
    /// UTF-16.
    Utf16(Order),
    /// UTF-32.
    Utf32(Order),
    /// The escapes of string literals.
    UnicodeEscape,
    /// The escapes of raw string literals of Python 2: `\u` and `\U`.
    RawUnicodeEscape,
}

impl Encoding {
    /// Whether CPython encodes and decodes it without its codec registry, which wraps errors. As `PyUnicode_Decode`.
    fn has_shortcut(self) -> bool {
        use Encoding::{Ascii, Latin1, Utf8, Utf16, Utf32};
        matches!(self, Utf8 | Ascii | Latin1 | Utf16(Order::Marked) | Utf32(Order::Marked))
    }
}

/// The encoding of a name, by CPython's normalisation and aliases.
pub fn find(name: &str) -> Option<Encoding> {
    // The names that most programs use.
    match name {
        "utf-8" | "utf8" | "UTF-8" => return Some(Encoding::Utf8),
        "ascii" => return Some(Encoding::Ascii),
        "latin-1" | "latin1" | "iso-8859-1" => return Some(Encoding::Latin1),
        _ => {}
    }
    // As encodings.normalize_encoding: runs of other characters are one underscore.
    let mut normal = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || c == '.' {
            normal.push(c.to_ascii_lowercase());
        } else if !normal.is_empty() && !normal.ends_with('_') {
            normal.push('_');
        }
    }
    Some(match normal.trim_end_matches('_') {
        "utf_8" | "u8" | "utf" | "utf8" | "utf8_ucs2" | "utf8_ucs4" | "cp65001" => Encoding::Utf8,
        "utf_7" | "u7" | "utf7" | "unicode_1_1_utf_7" => Encoding::Utf7,
        "utf_8_sig" => Encoding::Utf8Signed,
        "ascii" | "646" | "ansi_x3.4_1968" | "ansi_x3_4_1968" | "ansi_x3.4_1986" | "cp367" | "csascii" | "ibm367"
        | "iso646_us" | "iso_646.irv_1991" | "iso_ir_6" | "us" | "us_ascii" => Encoding::Ascii,
        "latin_1" | "8859" | "cp819" | "csisolatin1" | "ibm819" | "iso8859" | "iso8859_1" | "iso_8859_1"
        | "iso_8859_1_1987" | "iso_ir_100" | "l1" | "latin" | "latin1" => Encoding::Latin1,
        "utf_16" | "u16" | "utf16" => Encoding::Utf16(Order::Marked),
        "utf_16_le" | "unicodelittleunmarked" | "utf_16le" => Encoding::Utf16(Order::Little),
        "utf_16_be" | "unicodebigunmarked" | "utf_16be" => Encoding::Utf16(Order::Big),
        "utf_32" | "u32" | "utf32" => Encoding::Utf32(Order::Marked),
        "utf_32_le" | "utf_32le" => Encoding::Utf32(Order::Little),
        "utf_32_be" | "utf_32be" => Encoding::Utf32(Order::Big),
        "unicode_escape" => Encoding::UnicodeEscape,
        "raw_unicode_escape" => Encoding::RawUnicodeEscape,
        _ => return None,
    })
}

/// `text.encode(encoding, errors)`.
///
/// # Errors
/// `LookupError` for unknown encodings and error handlers, `UnicodeEncodeError`.
pub fn encode(text: &Value, name: Option<&str>, errors: Option<&str>) -> PyResult<Value> {
    let encoding = match name {
        None => Encoding::Utf8,
        Some(name) => match find(name) {
            Some(encoding) => encoding,
            None => return registry::encode_text(text, name, errors),
        },
    };
    if encoding == Encoding::Utf8
        && let Some(ascii) = body(text)?.ascii_bytes()
    {
        return Ok(Bytes::new_value(ascii));
    }
    let encoded = encode_native(text, encoding, errors).map(|bytes| Bytes::new_value(&bytes));
    match name {
        Some(name) if !encoding.has_shortcut() => encoded.map_err(|raised| registry::wrapped(raised, "encoding", name)),
        _ => encoded,
    }
}

/// Encodes with a native encoding.
///
/// # Errors
/// `LookupError` for unknown error handlers, `UnicodeEncodeError`.
pub fn encode_native(value: &Value, encoding: Encoding, errors: Option<&str>) -> PyResult<Vec<u8>> {
    let text = body(value)?;
    let handler = Handler::new(errors);
    match encoding {
        Encoding::Utf8 => utf8::encode(value, text, &handler),
        Encoding::Utf8Signed => {
            let mut bytes = b"\xef\xbb\xbf".to_vec();
            bytes.append(&mut utf8::encode(value, text, &handler)?);
            Ok(bytes)
        }
        Encoding::Utf7 => Ok(utf7::encode(text)),
        Encoding::Ascii => ascii::encode(value, text, &handler, 0x80),
        Encoding::Latin1 => ascii::encode(value, text, &handler, 0x100),
        Encoding::Utf16(order) => utf16::encode(value, text, &handler, order),
        Encoding::Utf32(order) => utf32::encode(value, text, &handler, order),
        Encoding::UnicodeEscape => Ok(escape::encode(text)),
        Encoding::RawUnicodeEscape => Ok(escape::encode_raw(text)),
    }
}

/// `str(data, encoding, errors)`.
///
/// # Errors
/// `LookupError` for unknown encodings and error handlers, `UnicodeDecodeError`.
pub fn decode(data: &[u8], encoding: Option<&str>, errors: Option<&str>) -> PyResult<Value> {
    // As PyUnicode_FromEncodedObject: nothing is asked about no data.
    if data.is_empty() {
        return Ok(Str::new_value(""));
    }
    match encoding {
        None => decode_native(data, Encoding::Utf8, errors),
        Some(name) => match find(name) {
            Some(encoding) if encoding.has_shortcut() => decode_native(data, encoding, errors),
            Some(encoding) => {
                decode_native(data, encoding, errors).map_err(|raised| registry::wrapped(raised, "decoding", name))
            }
            None => registry::decode_text(&Bytes::new_value(data), name, errors),
        },
    }
}

/// Decodes with a native encoding.
///
/// # Errors
/// `LookupError` for unknown error handlers, `UnicodeDecodeError`.
pub fn decode_native(data: &[u8], encoding: Encoding, errors: Option<&str>) -> PyResult<Value> {
    decode_stateful(data, encoding, errors, true).map(|decoded| decoded.text)
}

/// What became of a piece of data.
pub struct Decoded {
    /// The text.
    pub text: Value,
    /// How many bytes were used up; the others are the beginning of something.
    pub consumed: usize,
    /// The byte order, when a mark has shown it.
    pub order: Order,
}

/// Decodes a piece of data with a native encoding; without `last`, more may follow, and what is incomplete stays.
///
/// # Errors
/// As for [`decode_native`].
pub fn decode_stateful(data: &[u8], encoding: Encoding, errors: Option<&str>, last: bool) -> PyResult<Decoded> {
    let all = |text: Value| Ok(Decoded { text, consumed: data.len(), order: Order::Marked });
    if matches!(encoding, Encoding::Utf8 | Encoding::Utf8Signed | Encoding::Ascii | Encoding::Latin1) && data.is_ascii()
    {
        return all(Str::from_latin1(data));
    }
    if encoding == Encoding::Utf8
        && let Some((text, consumed)) = utf8::decode_valid(data, last)
    {
        return Ok(Decoded { text, consumed, order: Order::Marked });
    }
    let handler = Handler::new(errors);
    let mut decoder =
        Decoder { data: Cow::Borrowed(data), at: 0, out: StrBuilder::with_capacity(data.len()), handler, last };
    let mut order = Order::Marked;
    match encoding {
        Encoding::Latin1 => return all(Str::from_latin1(data)),
        Encoding::Utf7 => utf7::decode(&mut decoder)?,
        Encoding::Utf8 => utf8::decode(&mut decoder)?,
        Encoding::Utf8Signed => {
            if let Some(rest) = data.strip_prefix(b"\xef\xbb\xbf") {
                decoder.data = Cow::Borrowed(rest);
            }
            utf8::decode(&mut decoder)?;
        }
        Encoding::Ascii => ascii::decode(&mut decoder)?,
        Encoding::Utf16(given) => order = utf16::decode(&mut decoder, given)?,
        Encoding::Utf32(given) => order = utf32::decode(&mut decoder, given)?,
        Encoding::UnicodeEscape => escape::decode(&mut decoder)?,
        Encoding::RawUnicodeEscape => escape::decode_raw(&mut decoder)?,
    }
    Ok(Decoded { consumed: decoder.at, text: decoder.out.finish(), order })
}

/// A decoding on its way.
struct Decoder<'a> {
    /// What is decoded; an error handler may replace it.
    data: Cow<'a, [u8]>,
    at: usize,
    out: StrBuilder,
    handler: Handler,
    /// No more data follows: what is incomplete is wrong.
    last: bool,
}

impl Decoder<'_> {
    /// What is left.
    fn rest(&self) -> &[u8] {
        self.data.get(self.at..).unwrap_or_default()
    }

    /// Lets the error handler deal with the bytes `start..end` and goes on where it says.
    fn error(&mut self, encoding: &str, start: usize, end: usize, reason: &str) -> PyResult<()> {
        let end = end.min(self.data.len());
        let (text, next, data) = self.handler.decode_error(encoding, &self.data, start, end, reason)?;
        if let Some(text) = text.downcast::<Str>() {
            self.out.push_value(text);
        }
        if let Some(data) = data {
            self.data = Cow::Owned(data);
        }
        self.at = next;
        Ok(())
    }
}

/// A file's name: a str, bytes, or what `__fspath__` gives. As `PyUnicode_FSDecoder`.
///
/// # Errors
/// `TypeError` for anything else, `ValueError` for null characters.
pub fn file_name(value: &Value) -> PyResult<Value> {
    let mut path = value.clone();
    if path.downcast::<Str>().is_none() && path.downcast::<Bytes>().is_none() {
        let wrong = || format!("expected str, bytes or os.PathLike object, not {}", value.ty().name());
        match crate::object::call::call_special(value, crate::name!("__fspath__"), &[])? {
            Some(given) => {
                if given.downcast::<Str>().is_none() && given.downcast::<Bytes>().is_none() {
                    return Err(type_error(format!(
                        "expected {}.__fspath__() to return str or bytes, not {}",
                        value.ty().name(),
                        given.ty().name()
                    )));
                }
                path = given;
            }
            None if crate::types::bytes::is_buffer(value) => {
                let text = format!("path should be string, bytes, or os.PathLike, not {}", value.ty().name());
                crate::modules::warnings::warn(&DEPRECATION_WARNING, &text, 1)?;
                path = Bytes::new_value(&crate::types::bytes::buffer_of(value)?)
            }
            None => return Err(type_error(wrong())),
        }
    }
    if let Some(bytes) = path.downcast::<Bytes>() {
        path = crate::modules::posix::path::decode(bytes.as_slice())?;
    }
    match path.downcast::<Str>() {
        Some(text) if text.chars().iter().any(|point| point == 0) => Err(value_error("embedded null character")),
        _ => Ok(path),
    }
}
