//! Line ends of text: translating them, remembering which were seen, finding them; and `_io.IncrementalNewlineDecoder`.

use super::call_init;
use crate::gc::Visit;
use crate::method;
use crate::name;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, GetSet, Method, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, call};
use crate::types::bytes::Bytes;
use crate::types::exceptions::{type_error, value_error};
use crate::types::int;
use crate::types::str::{Chars, Str, StrBuilder};
use crate::types::tuple::Tuple;
use std::cell::Cell;

const CR: u8 = 1;
const LF: u8 = 2;
const CRLF: u8 = 4;

/// A decoder of line ends.
#[derive(Default)]
pub(super) struct Newlines {
    /// Whether all become `\n`.
    translate: Cell<bool>,
    /// A `\r` at the end of the last piece, which may be the first half of `\r\n`.
    pending: Cell<bool>,
    seen: Cell<u8>,
}

impl Newlines {
    /// A decoder at the beginning of a text.
    pub fn new(translate: bool) -> Newlines {
        Newlines { translate: Cell::new(translate), ..Newlines::default() }
    }

    /// The next piece of text as it reads; `last` when no more follows.
    pub fn decode(&self, text: Value, last: bool) -> PyResult<Value> {
        let Some(mut body) = text.downcast::<Str>() else {
            return Err(type_error(format!("decoder should return a string result, not '{}'", text.ty().name())));
        };
        // The usual case: nothing to do but look.
        if !self.pending.get() && !has(body.chars(), '\r') {
            if self.seen.get() & LF == 0 && has(body.chars(), '\n') {
                self.seen.set(self.seen.get() | LF);
            }
            return Ok(text);
        }
        let mut joined = Value::NONE;
        if self.pending.get() && (last || !body.is_empty()) {
            let mut builder = StrBuilder::with_capacity(body.len() + 1);
            builder.push('\r'.into());
            builder.push_value(body);
            joined = builder.finish();
            self.pending.set(false);
            if let Some(joined) = joined.downcast::<Str>() {
                body = joined;
            }
        }
        let chars = body.chars();
        let mut len = chars.len();
        if !last && len > 0 && chars.get(len - 1) == Some('\r'.into()) {
            len -= 1;
            self.pending.set(true);
        }
        let kept = chars.slice(0, len);
        let mut seen = 0;
        let mut out = if self.translate.get() { Some(StrBuilder::with_capacity(len)) } else { None };
        let mut at = 0;
        while at < len {
            let rest = kept.slice(at, len);
            let next = find_either(rest).unwrap_or(len - at);
            if let Some(out) = &mut out {
                out.push_chars(rest.slice(0, next));
            }
            at += next;
            let Some(code) = kept.get(at) else { break };
            if let Some(out) = &mut out {
                out.push('\n'.into());
            }
            if code == u32::from('\n') {
                seen |= LF;
                at += 1;
            } else if kept.get(at + 1) == Some('\n'.into()) {
                seen |= CRLF;
                at += 2;
            } else {
                seen |= CR;
                at += 1;
            }
        }
        self.seen.set(self.seen.get() | seen);
        Ok(match out {
            Some(out) => out.finish(),
            None if len == chars.len() && joined.is_none() => text,
            None if len == chars.len() => joined,
            None => Str::from_chars(kept),
        })
    }

    /// Begins another text.
    pub fn restart(&self, translate: bool) {
        self.translate.set(translate);
        self.reset();
    }

    /// Back to the beginning.
    pub fn reset(&self) {
        self.seen.set(0);
        self.pending.set(false);
    }

    /// The bit that joins a decoder's state.
    pub fn state(&self) -> u64 {
        self.pending.get().into()
    }

    /// Sets what [`Newlines::state`] gave.
    pub fn set_state(&self, state: u64) {
        self.pending.set(state & 1 != 0);
    }

    /// `newlines`: what was seen.
    pub fn seen(&self) -> Value {
        let mut kinds: Vec<Value> = [(CR, "\r"), (LF, "\n"), (CRLF, "\r\n")]
            .into_iter()
            .filter(|(bit, _)| self.seen.get() & bit != 0)
            .map(|(_, text)| Str::new_value(text))
            .collect();
        match (kinds.len(), kinds.pop()) {
            (1, Some(only)) => only,
            (_, None) => Value::NONE,
            (_, Some(last)) => {
                kinds.push(last);
                Tuple::from_vec(kinds)
            }
        }
    }
}

fn has(chars: Chars, letter: char) -> bool {
    find(chars, letter).is_some()
}

/// Where an ASCII character is.
pub(super) fn find(chars: Chars, letter: char) -> Option<usize> {
    match chars {
        Chars::One(bytes) => memchr::memchr(letter as u8, bytes),
        Chars::Two(units) => units.iter().position(|&unit| unit == letter as u16),
        Chars::Four(codes) => codes.iter().position(|&code| code == letter as u32),
    }
}

/// Where a `\n` or `\r` is.
fn find_either(chars: Chars) -> Option<usize> {
    match chars {
        Chars::One(bytes) => memchr::memchr2(b'\n', b'\r', bytes),
        Chars::Two(units) => units.iter().position(|&unit| unit == 10 || unit == 13),
        Chars::Four(codes) => codes.iter().position(|&code| code == 10 || code == 13),
    }
}

/// Which line ends end lines when reading.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ends {
    /// `\n`: the others have been translated, or do not count.
    Lf,
    /// `\r`.
    Cr,
    /// `\r\n`.
    CrLf,
    /// Any.
    Any,
}

/// The end of the first line, behind its line end; `Err` when there is none: how many characters cannot be part of one
/// that goes on in the next piece.
pub(super) fn line_end(chars: Chars, ends: Ends) -> Result<usize, usize> {
    match ends {
        Ends::Lf => find(chars, '\n').map(|at| at + 1).ok_or(chars.len()),
        Ends::Cr => find(chars, '\r').map(|at| at + 1).ok_or(chars.len()),
        Ends::Any => match find_either(chars) {
            None => Err(chars.len()),
            Some(at) => {
                let both = chars.get(at) == Some('\r'.into()) && chars.get(at + 1) == Some('\n'.into());
                Ok(at + 1 + usize::from(both))
            }
        },
        Ends::CrLf => {
            let mut at = 0;
            loop {
                let Some(found) = find(chars.slice(at, chars.len()), '\r') else { return Err(chars.len()) };
                at += found;
                match chars.get(at + 1) {
                    Some(10) => return Ok(at + 2),
                    Some(_) => at += 1,
                    None => return Err(at),
                }
            }
        }
    }
}

/// A `newline` argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Newline {
    /// None: any when reading, all become `\n`; the system's when writing.
    Translated,
    /// "": any when reading; none is changed.
    Any,
    /// "\n".
    Lf,
    /// "\r".
    Cr,
    /// "\r\n".
    CrLf,
}

impl Newline {
    /// The argument's meaning.
    pub fn parse(text: Option<&Str>) -> Option<Newline> {
        let Some(text) = text else { return Some(Newline::Translated) };
        Some(match text.as_ascii()? {
            "" => Newline::Any,
            "\n" => Newline::Lf,
            "\r" => Newline::Cr,
            "\r\n" => Newline::CrLf,
            _ => return None,
        })
    }

    /// The argument.
    pub fn text(self) -> Option<&'static str> {
        match self {
            Newline::Translated => None,
            Newline::Any => Some(""),
            Newline::Lf => Some("\n"),
            Newline::Cr => Some("\r"),
            Newline::CrLf => Some("\r\n"),
        }
    }

    /// Whether a [`Newlines`] decodes what is read.
    pub fn is_universal(self) -> bool {
        matches!(self, Newline::Translated | Newline::Any)
    }

    /// What ends lines when reading.
    pub fn ends(self) -> Ends {
        match self {
            Newline::Translated | Newline::Lf => Ends::Lf,
            Newline::Any => Ends::Any,
            Newline::Cr => Ends::Cr,
            Newline::CrLf => Ends::CrLf,
        }
    }

    /// What `\n` becomes when writing.
    pub fn written(self) -> Option<&'static str> {
        match self {
            Newline::Cr => Some("\r"),
            Newline::CrLf => Some("\r\n"),
            _ => None,
        }
    }
}

/// The text with every `\n` replaced.
pub(super) fn replace_line_feeds(text: &Str, by: &str) -> Value {
    let chars = text.chars();
    let mut out = StrBuilder::with_capacity(chars.len() + 8);
    let mut at = 0;
    while let Some(found) = find(chars.slice(at, chars.len()), '\n') {
        out.push_chars(chars.slice(at, at + found));
        out.push_str(by);
        at += found + 1;
    }
    out.push_chars(chars.slice(at, chars.len()));
    out.finish()
}

/// The body of an IncrementalNewlineDecoder.
#[repr(C)]
pub struct NewlineDecoder {
    header: Header,
    /// Empty before `__init__`.
    decoder: ValueCell,
    newlines: Newlines,
}

payload!(NewlineDecoder, INCREMENTAL_NEWLINE_DECODER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.decoder.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.decoder.take());
    }
});

/// The type object of `_io.IncrementalNewlineDecoder`.
pub static INCREMENTAL_NEWLINE_DECODER: TypeObject =
    TypeObject::define::<NewlineDecoder>("_io.IncrementalNewlineDecoder")
        .flags(TypeFlags::BASE)
        .slots(Slots {
            new: Some(|class, _, _| match class.downcast::<TypeObject>() {
                Some(ty) => Ok(new_instance(
                    ty,
                    NewlineDecoder {
                        header: Header::new(ty),
                        decoder: ValueCell::EMPTY,
                        newlines: Newlines::default(),
                    },
                )),
                None => Err(type_error("expected a type")),
            }),
            init: Some(|this, args, kwnames| call_init(&INIT, this, args, kwnames)),
            ..Slots::EMPTY
        })
        .methods(METHODS)
        .getset(&[GetSet::read_only("newlines", |this| {
            let this = this.downcast::<NewlineDecoder>();
            Ok(this.map_or(Value::NONE, |this| this.newlines.seen()))
        })])
        .doc(INCREMENTAL_NEWLINE_DECODER_DOC);

static INIT: Function =
    Function::new("IncrementalNewlineDecoder($self, decoder, translate, errors='strict')", "", thunk(init));

const METHODS: &[Method] = &[
    method!(decode, "decode($self, /, input, final=False)", ""),
    method!(getstate, "getstate($self, /)", ""),
    method!(setstate, "setstate($self, state, /)", ""),
    method!(reset, "reset($self, /)", ""),
];
const INCREMENTAL_NEWLINE_DECODER_DOC: &str = "Codec used when reading a file in universal newlines mode.\n\nIt wraps another incremental decoder, translating \\r\\n and \\r into \\n.\nIt also records the types of newlines encountered.  When used with\ntranslate=False, it ensures that the newline sequence is returned in\none piece. When used with decoder=None, it expects unicode strings as\ndecode input and translates newlines without first invoking an external\ndecoder.";

fn init(this: &NewlineDecoder, decoder: &Value, translate: i32, _errors: Option<&Value>) {
    this.decoder.set(Some(decoder.clone()));
    this.newlines.translate.set(translate != 0);
    this.newlines.reset();
}

impl NewlineDecoder {
    fn decoder(&self) -> PyResult<Value> {
        self.decoder.get().ok_or_else(|| value_error("IncrementalNewlineDecoder.__init__ not called"))
    }
}

fn decode(this: &NewlineDecoder, input: &Value, last: Option<i32>) -> PyResult<Value> {
    let last = last.unwrap_or(0) != 0;
    let decoder = this.decoder()?;
    let text = if decoder.is_none() {
        input.clone()
    } else {
        call::call_method(&decoder, name!("decode"), &[input.clone(), Value::bool(last)])?
    };
    this.newlines.decode(text, last)
}

/// A decoder's state: a buffer and a number.
pub(super) fn split_state(state: &Value, not_tuple: &str, illegal: &str) -> PyResult<(Value, u64)> {
    let Some(items) = state.downcast::<Tuple>() else { return Err(type_error(not_tuple)) };
    match items.as_slice() {
        [buffer, flag] if int::is_int(flag) => {
            let flag = int::to_big(flag).unwrap_or_default();
            // As PyLong_AsUnsignedLongLongMask: what does not fit goes.
            let mask: num_bigint::BigInt = u64::MAX.into();
            Ok((buffer.clone(), u64::try_from(flag & mask).unwrap_or(0)))
        }
        _ => Err(type_error(illegal)),
    }
}

/// An unsigned number of 64 bits as an int.
pub(super) fn unsigned(number: u64) -> Value {
    i64::try_from(number).map_or_else(|_| int::big(number.into()), Value::int)
}

fn getstate(this: &NewlineDecoder) -> PyResult<Value> {
    let decoder = this.decoder()?;
    let (buffer, flag) = if decoder.is_none() {
        (Bytes::new_value(b""), 0)
    } else {
        let state = call::call_method(&decoder, name!("getstate"), &[])?;
        split_state(&state, "illegal decoder state", "illegal decoder state")?
    };
    Ok(Tuple::from_vec(vec![buffer, unsigned(flag << 1 | this.newlines.state())]))
}

fn setstate(this: &NewlineDecoder, state: &Value) -> PyResult<Value> {
    let (buffer, flag) = split_state(state, "state argument must be a tuple", "setstate(): illegal state argument")?;
    this.newlines.set_state(flag);
    let decoder = this.decoder()?;
    if decoder.is_none() {
        return Ok(Value::NONE);
    }
    call::call_method(&decoder, name!("setstate"), &[Tuple::from_vec(vec![buffer, unsigned(flag >> 1)])])
}

fn reset(this: &NewlineDecoder) -> PyResult<Value> {
    this.newlines.reset();
    let decoder = this.decoder()?;
    if decoder.is_none() { Ok(Value::NONE) } else { call::call_method(&decoder, name!("reset"), &[]) }
}
