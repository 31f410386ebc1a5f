//! The decoder and encoder of a text stream: a native one, or what a registered codec made.

use super::newline::{Newline, Newlines, split_state, unsigned};
use crate::name;
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::object::{attribute, call};
use crate::types::bytes::Bytes;
use crate::types::codecs::{self, Encoding, IncrementalDecoder, IncrementalEncoder, Order, registry};
use crate::types::exceptions::type_error;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use std::cell::Cell;
use std::rc::Rc;

/// A place for something that is used while Python code may replace it: who takes it out holds it.
pub(super) struct Slot<T>(Cell<Option<Rc<T>>>);

impl<T> Slot<T> {
    /// Empty.
    pub fn new() -> Slot<T> {
        Slot(Cell::new(None))
    }

    /// What is there.
    #[inline]
    pub fn get(&self) -> Option<Rc<T>> {
        let there = self.0.take();
        let copy = there.clone();
        self.0.set(there);
        copy
    }

    /// Fills or empties the place.
    pub fn set(&self, new: Option<T>) {
        drop(self.0.replace(new.map(Rc::new)));
    }
}

/// How a stream's text is encoded.
pub(super) enum Codec {
    /// By a native encoding.
    Native(Encoding),
    /// As a registered codec says.
    Registered(Value),
}

impl Codec {
    /// The codec of a name.
    ///
    /// # Errors
    /// `LookupError` when there is none, or it is not for text.
    pub fn find(name: &str) -> PyResult<Codec> {
        match codecs::find(name) {
            Some(encoding) => Ok(Codec::Native(encoding)),
            None => registry::lookup_text(name, "codecs.open()").map(Codec::Registered),
        }
    }
}

enum Source {
    Native(IncrementalDecoder),
    Object(Value),
}

/// The decoder of a text stream.
pub(super) struct Decoder {
    source: Source,
    /// Of streams that know all line ends.
    newlines: Option<Newlines>,
}

fn made(codec: &Value, name: &Value, errors: &str) -> PyResult<Value> {
    let make = attribute::get_interned(codec, name)?;
    call::call(&make, &[Str::new_value(errors)])
}

impl Decoder {
    /// A decoder at the beginning.
    ///
    /// # Errors
    /// What a registered codec raises.
    pub fn new(codec: &Codec, errors: &str, newline: Newline) -> PyResult<Decoder> {
        let source = match codec {
            Codec::Native(encoding) => Source::Native(IncrementalDecoder::new(*encoding, Some(errors))),
            Codec::Registered(codec) => Source::Object(made(codec, name!("incrementaldecoder"), errors)?),
        };
        let newlines = newline.is_universal().then(|| Newlines::new(newline == Newline::Translated));
        Ok(Decoder { source, newlines })
    }

    /// Calls `visit` with the object, for the collector.
    pub fn visit(&self, visit: crate::gc::Visit<'_>) {
        if let Source::Object(object) = &self.source {
            visit(object);
        }
    }

    /// The text of the next piece; `last` when no more follows.
    ///
    /// # Errors
    /// What the decoder raises; `TypeError` when it gives no str.
    pub fn decode(&self, data: &[u8], last: bool) -> PyResult<Value> {
        let text = match &self.source {
            Source::Native(decoder) => decoder.decode(data, last)?,
            Source::Object(decoder) => {
                let args = [Bytes::new_value(data), Value::bool(last)];
                let text = call::call_method(decoder, name!("decode"), &args)?;
                if text.downcast::<Str>().is_none() {
                    return Err(type_error(format!(
                        "decoder should return a string result, not '{}'",
                        text.ty().name()
                    )));
                }
                text
            }
        };
        match &self.newlines {
            Some(newlines) => newlines.decode(text, last),
            None => Ok(text),
        }
    }

    /// The bytes that are kept, and the rest of the state as a number.
    ///
    /// # Errors
    /// What the decoder raises; `TypeError` when its state is none.
    pub fn state(&self) -> PyResult<(Vec<u8>, u64)> {
        let (kept, flags) = match &self.source {
            Source::Native(decoder) => decoder.state(),
            Source::Object(decoder) => {
                let state = call::call_method(decoder, name!("getstate"), &[])?;
                let (kept, flags) = split_state(&state, "illegal decoder state", "illegal decoder state")?;
                let Some(bytes) = kept.downcast::<Bytes>() else {
                    return Err(type_error(format!(
                        "illegal decoder state: the first item should be a bytes object, not '{}'",
                        kept.ty().name()
                    )));
                };
                (bytes.as_slice().to_vec(), flags)
            }
        };
        Ok(match &self.newlines {
            Some(newlines) => (kept, flags << 1 | newlines.state()),
            None => (kept, flags),
        })
    }

    /// Goes back to a state.
    ///
    /// # Errors
    /// What the decoder raises.
    pub fn set_state(&self, kept: &[u8], mut flags: u64) -> PyResult<()> {
        if let Some(newlines) = &self.newlines {
            newlines.set_state(flags);
            flags >>= 1;
        }
        match &self.source {
            Source::Native(decoder) => decoder.set_state(kept.to_vec(), flags),
            Source::Object(decoder) => {
                let state = Tuple::from_vec(vec![Bytes::new_value(kept), unsigned(flags)]);
                call::call_method(decoder, name!("setstate"), &[state])?;
            }
        }
        Ok(())
    }

    /// Back to the beginning.
    ///
    /// # Errors
    /// What the decoder raises.
    pub fn reset(&self) -> PyResult<()> {
        if let Some(newlines) = &self.newlines {
            newlines.reset();
        }
        match &self.source {
            Source::Native(decoder) => decoder.reset(),
            Source::Object(decoder) => drop(call::call_method(decoder, name!("reset"), &[])?),
        }
        Ok(())
    }

    /// The line ends seen so far.
    ///
    /// # Errors
    /// What the decoder's attribute raises.
    pub fn newlines(&self) -> PyResult<Value> {
        match (&self.newlines, &self.source) {
            (Some(newlines), _) => Ok(newlines.seen()),
            (None, Source::Object(decoder)) => {
                Ok(attribute::lookup(decoder, name!("newlines"))?.unwrap_or(Value::NONE))
            }
            (None, Source::Native(_)) => Ok(Value::NONE),
        }
    }
}

/// The encoder of a text stream.
pub(super) enum Encoder {
    /// Of a native encoding.
    Native(IncrementalEncoder),
    /// Of a registered codec.
    Object(Value),
}

impl Encoder {
    /// An encoder at the beginning.
    ///
    /// # Errors
    /// What a registered codec raises.
    pub fn new(codec: &Codec, errors: &str) -> PyResult<Encoder> {
        Ok(match codec {
            Codec::Native(encoding) => {
                let encoder = IncrementalEncoder::new(*encoding, Some(errors));
                // As in CPython, the mark is written only where the beginning is known to be the beginning.
                encoder
                    .set_started(matches!(encoding, Encoding::Utf16(Order::Marked) | Encoding::Utf32(Order::Marked)));
                Encoder::Native(encoder)
            }
            Codec::Registered(codec) => Encoder::Object(made(codec, name!("incrementalencoder"), errors)?),
        })
    }

    /// Calls `visit` with the object, for the collector.
    pub fn visit(&self, visit: crate::gc::Visit<'_>) {
        if let Encoder::Object(object) = self {
            visit(object);
        }
    }

    /// Appends the bytes of the next piece.
    ///
    /// # Errors
    /// What the encoder raises; `TypeError` when it gives no bytes.
    #[inline]
    pub fn encode_to(&self, text: &Value, out: &mut Vec<u8>) -> PyResult<()> {
        match self {
            Encoder::Native(encoder) => encoder.encode_to(text, out),
            Encoder::Object(encoder) => {
                let bytes = call::call_method(encoder, name!("encode"), std::slice::from_ref(text))?;
                match bytes.downcast::<Bytes>() {
                    Some(bytes) => {
                        out.extend_from_slice(bytes.as_slice());
                        Ok(())
                    }
                    None => {
                        Err(type_error(format!("encoder should return a bytes object, not '{}'", bytes.ty().name())))
                    }
                }
            }
        }
    }

    /// The bytes of a text that needs no work: its characters as they are stored.
    #[inline]
    pub fn plain<'a>(&self, text: &'a Str) -> Option<&'a [u8]> {
        match self {
            Encoder::Native(encoder) => match encoder.encoding() {
                Encoding::Utf8 | Encoding::Ascii | Encoding::Latin1 if text.is_ascii() => Some(text.storage()),
                Encoding::Latin1 if text.width() == 1 => Some(text.storage()),
                _ => None,
            },
            Encoder::Object(_) => None,
        }
    }

    /// Says whether the stream stands at its beginning.
    ///
    /// # Errors
    /// What the encoder raises.
    pub fn set_at_start(&self, at_start: bool) -> PyResult<()> {
        match (self, at_start) {
            (Encoder::Native(encoder), _) => encoder.set_started(!at_start),
            (Encoder::Object(encoder), true) => drop(call::call_method(encoder, name!("reset"), &[])?),
            (Encoder::Object(encoder), false) => {
                call::call_method(encoder, name!("setstate"), &[Value::int(0)])?;
            }
        }
        Ok(())
    }
}
