//! Positions in a text: `tell` works one out from the snapshot, `seek` goes back to it.
//!
//! A position is a number that holds where in the bytes to begin, the decoder's state there, how many bytes to feed it and
//! how many characters to skip then.

use super::super::coder::Decoder;
use super::super::newline::unsigned;
use super::super::{buffered, unsupported};
use super::{TextIo, body, flush_by_method};
use crate::name;
use crate::object::error::PyResult;
use crate::object::slots::Compare;
use crate::object::value::Value;
use crate::object::{call, compare, text as objects};
use crate::types::bytes::Bytes;
use crate::types::exceptions::{OS_ERROR, overflow_error, raise, type_error, value_error};
use crate::types::int;
use crate::types::str::Str;
use num_bigint::BigInt;

/// What a position says: where to begin, the decoder's state there, and how to go on from it.
#[derive(Default)]
struct Cookie {
    position: u64,
    flags: u32,
    bytes_to_feed: u32,
    characters_to_skip: u32,
    needs_end: bool,
}

impl Cookie {
    fn to_value(&self) -> Value {
        if self.flags == 0 && self.bytes_to_feed == 0 && self.characters_to_skip == 0 && !self.needs_end {
            return unsigned(self.position);
        }
        let high = u128::from(self.flags)
            | u128::from(self.bytes_to_feed) << 32
            | u128::from(self.characters_to_skip) << 64
            | u128::from(self.needs_end) << 96;
        int::big(BigInt::from(self.position) + (BigInt::from(high) << 64u32))
    }

    fn parse(value: &Value) -> PyResult<Cookie> {
        let number = match int::to_big(value) {
            Some(number) => number,
            None => int::to_big(&number_of(value)?).unwrap_or_default(),
        };
        let (sign, bytes) = number.to_bytes_le();
        if sign == num_bigint::Sign::Minus {
            return Err(overflow_error("can't convert negative int to unsigned"));
        }
        if bytes.len() > 21 {
            return Err(overflow_error("int too big to convert"));
        }
        let mut all = [0u8; 24];
        for (place, byte) in all.iter_mut().zip(bytes) {
            *place = byte;
        }
        let word = |at: usize| u32::from_le_bytes([all[at], all[at + 1], all[at + 2], all[at + 3]]);
        Ok(Cookie {
            position: u64::from(word(0)) | u64::from(word(4)) << 32,
            flags: word(8),
            bytes_to_feed: word(12),
            characters_to_skip: word(16),
            needs_end: all[20] != 0,
        })
    }
}

/// `int(value)`.
fn number_of(value: &Value) -> PyResult<Value> {
    call::call(&int::INT.value(), std::slice::from_ref(value))
}

pub(super) fn seek(this: &Value, cookie: &Value, whence: Option<i32>) -> PyResult<Value> {
    let body = body(this)?;
    let buffer = body.open_buffer(this)?;
    if !body.seekable.get() {
        return Err(unsupported("underlying stream is not seekable"));
    }
    let mut target = cookie.clone();
    let is_zero = |value: &Value| compare::holds(value, &Value::int(0), Compare::Eq);
    match whence.unwrap_or(0) {
        0 => {}
        1 => {
            if !is_zero(cookie)? {
                return Err(unsupported("can't do nonzero cur-relative seeks"));
            }
            target = call::call_method(this, name!("tell"), &[])?;
        }
        2 => {
            if !is_zero(cookie)? {
                return Err(unsupported("can't do nonzero end-relative seeks"));
            }
            flush_by_method(this)?;
            body.set_decoded(None);
            body.snapshot.set(None);
            if let Some(decoder) = body.decoder.get() {
                decoder.reset()?;
            }
            let position = call::call_method(&buffer, name!("seek"), &[Value::int(0), Value::int(2)])?;
            if let Some(encoder) = body.encoder.get() {
                encoder.set_at_start(is_zero(&position)?)?;
            }
            return Ok(position);
        }
        other => return Err(value_error(format!("invalid whence ({other}, should be 0, 1 or 2)"))),
    }
    if compare::holds(&target, &Value::int(0), Compare::Lt)? {
        return Err(value_error(format!("negative seek position {}", objects::repr_string(&target)?)));
    }
    flush_by_method(this)?;
    let parsed = Cookie::parse(&target)?;
    call::call_method(&buffer, name!("seek"), &[unsigned(parsed.position)])?;
    body.set_decoded(None);
    body.snapshot.set(None);
    let decoder = body.decoder.get();
    if let Some(decoder) = &decoder {
        body.set_decoder_state(decoder, &parsed)?;
    }
    if parsed.characters_to_skip > 0 {
        let piece = call::call_method(&buffer, name!("read"), &[Value::int(parsed.bytes_to_feed.into())])?;
        let Some(bytes) = piece.downcast::<Bytes>() else {
            return Err(type_error(format!(
                "underlying read() should have returned a bytes object, not '{}'",
                piece.ty().name()
            )));
        };
        body.snapshot.set(Some(parsed.flags.into()));
        body.snapshot_bytes.set(bytes.as_slice().to_vec());
        let text = body.reading()?.decode(bytes.as_slice(), parsed.needs_end)?;
        let len = text.downcast::<Str>().map_or(0, Str::len);
        body.set_decoded(Some(text));
        if len < parsed.characters_to_skip as usize {
            return Err(raise(&OS_ERROR, "can't restore logical file position"));
        }
        body.used.set(parsed.characters_to_skip as usize);
    } else {
        body.snapshot.set(Some(parsed.flags.into()));
        body.snapshot_bytes.set(Vec::new());
    }
    if let Some(encoder) = body.encoder.get() {
        encoder.set_at_start(parsed.position == 0 && parsed.flags == 0)?;
    }
    Ok(target)
}

pub(super) fn tell(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let buffer = body.open_buffer(this)?;
    if !body.seekable.get() {
        return Err(unsupported("underlying stream is not seekable"));
    }
    if !body.telling.get() {
        return Err(raise(&OS_ERROR, "telling position disabled by next() call"));
    }
    body.write_pending()?;
    flush_by_method(this)?;
    let position = call::call_method(&buffer, name!("tell"), &[])?;
    let (Some(decoder), Some(flags)) = (body.decoder.get(), body.snapshot.get()) else { return Ok(position) };
    let position = buffered::file_offset(&position)?;
    let input = body.snapshot_bytes.to_vec();
    let mut cookie = Cookie {
        position: u64::try_from(position).unwrap_or(0).wrapping_sub(input.len() as u64),
        flags: flags as u32,
        ..Cookie::default()
    };
    let used = body.used.get();
    if !body.decoded.is_some() || used == 0 {
        return Ok(cookie.to_value());
    }
    let saved = decoder.state()?;
    let found = body.find_position(&decoder, &mut cookie, &input, used);
    let restored = decoder.set_state(&saved.0, saved.1);
    found?;
    restored?;
    Ok(cookie.to_value())
}

impl TextIo {
    fn set_decoder_state(&self, decoder: &Decoder, cookie: &Cookie) -> PyResult<()> {
        // Some decoders have a state of their own at the very beginning.
        if cookie.position == 0 && cookie.flags == 0 {
            decoder.reset()
        } else {
            decoder.set_state(&[], cookie.flags.into())
        }
    }

    /// Finds the last point before the program's position from which a decoder can start, by decoding the snapshot anew.
    /// As `_io_TextIOWrapper_tell_impl`.
    fn find_position(&self, decoder: &Decoder, cookie: &mut Cookie, input: &[u8], used: usize) -> PyResult<()> {
        let decode = |bytes: &[u8], last: bool| {
            decoder.decode(bytes, last).map(|text| text.downcast::<Str>().map_or(0, Str::len))
        };
        let mut to_skip = used;
        let mut skip = ((self.ratio.get() * used as f64) as usize).min(input.len());
        let mut back = 1;
        while skip > 0 {
            self.set_decoder_state(decoder, cookie)?;
            let characters = decode(input.get(..skip).unwrap_or_default(), false)?;
            if characters <= to_skip {
                let (kept, flags) = decoder.state()?;
                if kept.is_empty() {
                    cookie.flags = flags as u32;
                    to_skip -= characters;
                    break;
                }
                skip = skip.saturating_sub(kept.len());
                back = 1;
            } else {
                skip = skip.saturating_sub(back);
                back *= 2;
            }
        }
        if skip == 0 {
            self.set_decoder_state(decoder, cookie)?;
        }
        cookie.position = cookie.position.wrapping_add(skip as u64);
        cookie.characters_to_skip = to_skip as u32;
        if to_skip == 0 {
            return Ok(());
        }
        let mut characters = 0;
        let mut at = skip;
        while let Some(byte) = input.get(at) {
            characters += decode(std::slice::from_ref(byte), false)?;
            cookie.bytes_to_feed += 1;
            let (kept, flags) = decoder.state()?;
            if kept.is_empty() && characters <= to_skip {
                cookie.position = cookie.position.wrapping_add(cookie.bytes_to_feed.into());
                to_skip -= characters;
                cookie.flags = flags as u32;
                cookie.bytes_to_feed = 0;
                characters = 0;
            }
            if characters >= to_skip {
                break;
            }
            at += 1;
        }
        if at >= input.len() {
            // More comes when the decoder is told that this is the end.
            characters += decode(&[], true)?;
            cookie.needs_end = true;
            if characters < to_skip {
                return Err(raise(&OS_ERROR, "can't reconstruct logical file position"));
            }
        }
        cookie.characters_to_skip = to_skip as u32;
        Ok(())
    }
}
