//! Decoders and encoders of texts that come in pieces, for the native encodings: what the classes IncrementalDecoder and
//! IncrementalEncoder of the library's `encodings` do.

use super::{Encoding, Order, decode_stateful, encode_native};
use crate::object::buffer::ByteStore;
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::exceptions::{UNICODE_ERROR, raise};
use crate::types::str::Str;
use std::cell::Cell;

/// A decoder of data that comes in pieces.
pub struct IncrementalDecoder {
    encoding: Encoding,
    errors: Option<String>,
    /// The beginning of something that is not complete yet.
    incomplete: ByteStore,
    /// The byte order, once a mark has shown it.
    order: Cell<Option<Order>>,
    /// No byte has been seen: UTF-8's mark may come.
    fresh: Cell<bool>,
}

const MARK: &[u8] = b"\xef\xbb\xbf";

impl IncrementalDecoder {
    /// A decoder at the beginning.
    pub fn new(encoding: Encoding, errors: Option<&str>) -> IncrementalDecoder {
        IncrementalDecoder {
            encoding,
            errors: errors.map(str::to_owned),
            incomplete: ByteStore::default(),
            order: Cell::new(None),
            fresh: Cell::new(true),
        }
    }

    /// The text of the next piece; `last` when no more follows.
    ///
    /// # Errors
    /// `UnicodeDecodeError`, `LookupError` for unknown error handlers, `UnicodeError` without a byte order mark.
    pub fn decode(&self, data: &[u8], last: bool) -> PyResult<Value> {
        if self.incomplete.is_empty() {
            let (text, consumed) = self.step(data, last)?;
            if consumed < data.len() {
                self.incomplete.set(data.get(consumed..).unwrap_or_default().to_vec());
            }
            return Ok(text);
        }
        let kept = self.incomplete.to_vec();
        let data = [kept.as_slice(), data].concat();
        let (text, consumed) = self.step(&data, last)?;
        self.incomplete.set(data.get(consumed..).unwrap_or_default().to_vec());
        Ok(text)
    }

    fn step(&self, data: &[u8], last: bool) -> PyResult<(Value, usize)> {
        let errors = self.errors.as_deref();
        let plain =
            |encoding| decode_stateful(data, encoding, errors, last).map(|decoded| (decoded.text, decoded.consumed));
        match self.encoding {
            Encoding::Utf16(Order::Marked) => self.ordered(data, last, Encoding::Utf16, 2, "UTF-16"),
            Encoding::Utf32(Order::Marked) => self.ordered(data, last, Encoding::Utf32, 4, "UTF-32"),
            Encoding::Utf8Signed if self.fresh.get() => {
                if data.len() < MARK.len() && MARK.starts_with(data) {
                    return Ok((Str::new_value(""), 0));
                }
                self.fresh.set(false);
                let rest = data.strip_prefix(MARK).unwrap_or(data);
                let decoded = decode_stateful(rest, Encoding::Utf8, errors, last)?;
                Ok((decoded.text, decoded.consumed + data.len() - rest.len()))
            }
            Encoding::Utf8Signed => plain(Encoding::Utf8),
            Encoding::UnicodeEscape | Encoding::RawUnicodeEscape => {
                let decoded = decode_stateful(data, self.encoding, errors, true)?;
                Ok((decoded.text, data.len()))
            }
            encoding => plain(encoding),
        }
    }

    fn ordered(
        &self,
        data: &[u8],
        last: bool,
        of: fn(Order) -> Encoding,
        width: usize,
        name: &str,
    ) -> PyResult<(Value, usize)> {
        let decoded =
            decode_stateful(data, of(self.order.get().unwrap_or(Order::Marked)), self.errors.as_deref(), last)?;
        if self.order.get().is_none() {
            match decoded.order {
                Order::Marked if decoded.consumed >= width => {
                    return Err(raise(&UNICODE_ERROR, format!("{name} stream does not start with BOM")));
                }
                Order::Marked => {}
                order => self.order.set(Some(order)),
            }
        }
        Ok((decoded.text, decoded.consumed))
    }

    /// The bytes that are kept and a number that stands for the rest of the state, as the library's decoders give them.
    pub fn state(&self) -> (Vec<u8>, u64) {
        let number = match (self.encoding, self.order.get()) {
            (Encoding::Utf16(Order::Marked) | Encoding::Utf32(Order::Marked), None) => 2,
            (Encoding::Utf16(Order::Marked) | Encoding::Utf32(Order::Marked), Some(order)) => {
                u64::from((order == Order::Big) != cfg!(target_endian = "big"))
            }
            (Encoding::Utf8Signed, _) => self.fresh.get().into(),
            _ => 0,
        };
        (self.incomplete.to_vec(), number)
    }

    /// Goes back to a state.
    pub fn set_state(&self, kept: Vec<u8>, number: u64) {
        self.incomplete.set(kept);
        let (native, other) =
            if cfg!(target_endian = "big") { (Order::Big, Order::Little) } else { (Order::Little, Order::Big) };
        self.order.set(match number {
            0 => Some(native),
            1 => Some(other),
            _ => None,
        });
        self.fresh.set(number != 0);
    }

    /// Back to the beginning.
    pub fn reset(&self) {
        self.incomplete.set(Vec::new());
        self.order.set(None);
        self.fresh.set(true);
    }
}

/// An encoder of text that comes in pieces.
pub struct IncrementalEncoder {
    encoding: Encoding,
    errors: Option<String>,
    /// The mark at the beginning is written, or does not belong there.
    started: Cell<bool>,
}

impl IncrementalEncoder {
    /// An encoder at the beginning.
    pub fn new(encoding: Encoding, errors: Option<&str>) -> IncrementalEncoder {
        IncrementalEncoder { encoding, errors: errors.map(str::to_owned), started: Cell::new(false) }
    }

    /// The encoding.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Appends the bytes of the next piece.
    ///
    /// # Errors
    /// `UnicodeEncodeError`, `LookupError` for unknown error handlers.
    #[inline]
    pub fn encode_to(&self, value: &Value, out: &mut Vec<u8>) -> PyResult<()> {
        if let Some(text) = value.downcast::<Str>()
            && ((text.is_ascii() && matches!(self.encoding, Encoding::Utf8 | Encoding::Ascii | Encoding::Latin1))
                || (text.width() == 1 && self.encoding == Encoding::Latin1))
        {
            out.extend_from_slice(text.storage());
            return Ok(());
        }
        out.append(&mut self.encode(value)?);
        Ok(())
    }

    /// The bytes of the next piece.
    ///
    /// # Errors
    /// As for [`IncrementalEncoder::encode_to`].
    pub fn encode(&self, value: &Value) -> PyResult<Vec<u8>> {
        let native = if cfg!(target_endian = "big") { Order::Big } else { Order::Little };
        let encoding = match self.encoding {
            Encoding::Utf16(Order::Marked) if self.started.get() => Encoding::Utf16(native),
            Encoding::Utf32(Order::Marked) if self.started.get() => Encoding::Utf32(native),
            Encoding::Utf8Signed if self.started.get() => Encoding::Utf8,
            encoding => encoding,
        };
        let bytes = encode_native(value, encoding, self.errors.as_deref())?;
        self.started.set(true);
        Ok(bytes)
    }

    /// Says whether the beginning is over: no mark will be written then.
    pub fn set_started(&self, started: bool) {
        self.started.set(started);
    }
}
