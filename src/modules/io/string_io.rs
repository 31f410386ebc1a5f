//! `_io.StringIO`: a text stream in memory.
//!
//! As long as text is only appended, the stream keeps the pieces; they are joined when somebody looks. Writing into the
//! middle makes the contents an array of code points.

use super::base::{TEXT_IO_BASE, uninitialized};
use super::bytes_io::{Size2, dict_state, position_state, restore_dict};
use super::newline::{Newline, Newlines, line_end, replace_line_feeds};
use super::{Size, call_init};
use crate::gc::Visit;
use crate::method;
use crate::name;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, GetSet, Method, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::{ValueVec, no_memory};
use crate::object::{TypeFlags, TypeObject, call, text};
use crate::types::exceptions::{OS_ERROR, overflow_error, raise, type_error, value_error};
use crate::types::str::{Chars, Str, StrBuilder};
use crate::types::tuple::Tuple;
use std::cell::Cell;

/// The body of a StringIO.
#[repr(C)]
pub struct StringIo {
    header: Header,
    ready: Cell<bool>,
    closed: Cell<bool>,
    /// The contents, when they are pieces.
    pieces: ValueVec,
    /// The contents otherwise.
    codes: Cell<Option<Vec<u32>>>,
    /// Characters in all.
    len: Cell<usize>,
    pos: Cell<usize>,
    newline: Cell<Newline>,
    newlines: Newlines,
}

payload!(StringIo, STRING_IO, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.pieces.for_each(visit);
    }
});

/// The type object of `_io.StringIO`.
pub static STRING_IO: TypeObject = TypeObject::define::<StringIo>("_io.StringIO")
    .base(&TEXT_IO_BASE)
    .flags(TypeFlags::BASE)
    .slots(Slots {
        new: Some(|class, _, _| match class.downcast::<TypeObject>() {
            Some(ty) => Ok(new_instance(
                ty,
                StringIo {
                    header: Header::new(ty),
                    ready: Cell::new(false),
                    closed: Cell::new(false),
                    pieces: ValueVec::new(Vec::new()),
                    codes: Cell::new(None),
                    len: Cell::new(0),
                    pos: Cell::new(0),
                    newline: Cell::new(Newline::Lf),
                    newlines: Newlines::default(),
                },
            )),
            None => Err(type_error("expected a type")),
        }),
        init: Some(|this, args, kwnames| call_init(&INIT, this, args, kwnames)),
        next: Some(next),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(&[
        GetSet::read_only("closed", |this| {
            let body = body(this)?;
            if body.ready.get() { Ok(Value::bool(body.closed.get())) } else { Err(uninitialized()) }
        }),
        GetSet::read_only("newlines", |this| {
            let body = body(this)?;
            body.check()?;
            Ok(if body.newline.get().is_universal() { body.newlines.seen() } else { Value::NONE })
        }),
        GetSet::read_only("line_buffering", |this| body(this)?.check().map(|()| Value::FALSE)),
    ])
    .doc(STRING_IO_DOC);

static INIT: Function = Function::new("StringIO($self, initial_value='', newline='\\n')", "", thunk(init));

const METHODS: &[Method] = &[
    method!(
        close,
        "close($self, /)",
        "Close the IO object.\n\nAttempting any further operation after the object is closed\nwill raise a ValueError.\n\nThis method has no effect if the file is already closed."
    ),
    method!(getvalue, "getvalue($self, /)", "Retrieve the entire contents of the object."),
    method!(
        read,
        "read($self, size=-1, /)",
        "Read at most size characters, returned as a string.\n\nIf the argument is negative or omitted, read until EOF\nis reached. Return an empty string at EOF."
    ),
    method!(
        readline,
        "readline($self, size=-1, /)",
        "Read until newline or EOF.\n\nReturns an empty string if EOF is hit immediately."
    ),
    method!(tell, "tell($self, /)", "Tell the current file position."),
    method!(
        truncate,
        "truncate($self, pos=None, /)",
        "Truncate size to pos.\n\nThe pos argument defaults to the current file position, as\nreturned by tell().  The current file position is unchanged.\nReturns the new absolute position."
    ),
    method!(
        seek,
        "seek($self, pos, whence=0, /)",
        "Change stream position.\n\nSeek to character offset pos relative to position indicated by whence:\n    0  Start of stream (the default).  pos should be >= 0;\n    1  Current position - pos must be 0;\n    2  End of stream - pos must be 0.\nReturns the new absolute position."
    ),
    method!(
        write,
        "write($self, s, /)",
        "Write string to file.\n\nReturns the number of characters written, which is always equal to\nthe length of the string."
    ),
    method!(yes, "seekable($self, /)", "Returns True if the IO object can be seeked."),
    method!(yes, "readable($self, /)", "Returns True if the IO object can be read."),
    method!(yes, "writable($self, /)", "Returns True if the IO object can be written."),
    method!(getstate, "!__getstate__($self, /)", ""),
    method!(setstate, "!__setstate__($self, state, /)", ""),
];
const STRING_IO_DOC: &str = "Text I/O implementation using an in-memory buffer.\n\nThe initial_value argument sets the value of object.  The newline\nargument is like the one of TextIOWrapper's constructor.";

fn body(this: &Value) -> PyResult<&StringIo> {
    this.downcast::<StringIo>().ok_or_else(|| type_error(format!("expected StringIO, not {}", this.ty().name())))
}

impl StringIo {
    fn check(&self) -> PyResult<()> {
        if !self.ready.get() {
            return Err(uninitialized());
        }
        if self.closed.get() { Err(value_error("I/O operation on closed file")) } else { Ok(()) }
    }

    /// The pieces as one.
    fn joined(&self) -> Value {
        match self.pieces.len() {
            0 => Str::new_value(""),
            1 => self.pieces.get(0).unwrap_or(Value::NONE),
            _ => {
                let pieces = self.pieces.snapshot();
                let mut builder = StrBuilder::with_capacity(self.len.get());
                pieces.iter().filter_map(|piece| piece.downcast::<Str>()).for_each(|piece| builder.push_value(piece));
                let joined = builder.finish();
                drop(self.pieces.replace(vec![joined.clone()]));
                joined
            }
        }
    }

    /// Looks at the contents; the closure runs no Python code.
    fn with<R>(&self, look: impl FnOnce(Chars) -> R) -> R {
        match self.codes.take() {
            Some(codes) => {
                let result = look(Chars::Four(&codes));
                self.codes.set(Some(codes));
                result
            }
            None => {
                let joined = self.joined();
                look(joined.downcast::<Str>().map_or(Chars::One(&[]), Str::chars))
            }
        }
    }

    fn is_pieces(&self) -> bool {
        let codes = self.codes.take();
        let pieces = codes.is_none();
        self.codes.set(codes);
        pieces
    }

    /// Takes the contents as code points.
    fn take_codes(&self) -> Vec<u32> {
        match self.codes.take() {
            Some(codes) => codes,
            None => {
                let codes = self.with(|chars| chars.iter().collect());
                drop(self.pieces.take());
                codes
            }
        }
    }

    fn clear(&self) {
        drop(self.pieces.take());
        self.codes.set(None);
        self.len.set(0);
    }

    fn append(&self, text: &Value) -> PyResult<()> {
        let mut decoded = text.clone();
        if self.newline.get().is_universal() {
            decoded = self.newlines.decode(decoded, true)?;
        }
        if let (Some(by), Some(plain)) = (self.newline.get().written(), decoded.downcast::<Str>()) {
            decoded = replace_line_feeds(plain, by);
        }
        let Some(new) = decoded.downcast::<Str>() else { return Ok(()) };
        let start = self.pos.get();
        let Some(end) = start.checked_add(new.len()).filter(|&end| end <= isize::MAX as usize) else {
            return Err(overflow_error("new position too large"));
        };
        // CPython keeps four bytes a character, and some room.
        if end.saturating_add(end >> 3) > usize::MAX / 4 {
            return Err(overflow_error("new buffer size too large"));
        }
        if start == self.len.get() && self.is_pieces() {
            // A class of the program's may be bigger than its text.
            let piece = if decoded.is_exact::<Str>() { decoded.clone() } else { Str::copy(new) };
            self.pieces.push(piece);
        } else {
            let mut codes = self.take_codes();
            if codes.try_reserve(end.saturating_sub(codes.len())).is_err() {
                self.codes.set(Some(codes));
                return Err(no_memory());
            }
            if start > codes.len() {
                codes.resize(start, 0);
            }
            let inside = new.len().min(codes.len() - start);
            for (place, code) in codes.iter_mut().skip(start).zip(new.chars().slice(0, inside).iter()) {
                *place = code;
            }
            codes.extend(new.chars().slice(inside, new.len()).iter());
            self.codes.set(Some(codes));
        }
        self.pos.set(end);
        self.len.set(self.len.get().max(end));
        Ok(())
    }

    fn line(&self, limit: Option<usize>) -> Value {
        let start = self.pos.get();
        let len = self.len.get();
        if start >= len {
            return Str::new_value("");
        }
        let most = limit.map_or(len - start, |limit| limit.min(len - start));
        let line = self.with(|chars| {
            let chars = chars.slice(start, start + most);
            let end = line_end(chars, self.newline.get().ends()).unwrap_or(most);
            Str::from_chars(chars.slice(0, end))
        });
        self.pos.set(start + line.downcast::<Str>().map_or(0, Str::len));
        line
    }
}

fn init(this: &StringIo, initial: Option<&Value>, newline: Option<&Value>) -> PyResult<()> {
    let newline = match newline {
        None => Newline::Lf,
        Some(newline) if newline.is_none() => Newline::Translated,
        Some(newline) => {
            let Some(text) = newline.downcast::<Str>() else {
                return Err(type_error(format!("newline must be str or None, not {}", newline.ty().name())));
            };
            match Newline::parse(Some(text)) {
                Some(newline) => newline,
                None => return Err(value_error(format!("illegal newline value: {}", text::repr_string(newline)?))),
            }
        }
    };
    let initial = initial.filter(|initial| !initial.is_none());
    if let Some(initial) = initial
        && initial.downcast::<Str>().is_none()
    {
        return Err(type_error(format!("initial_value must be str or None, not {}", initial.ty().name())));
    }
    this.ready.set(false);
    this.clear();
    this.pos.set(0);
    this.newline.set(newline);
    this.newlines.restart(newline == Newline::Translated);
    if let Some(initial) = initial {
        this.append(initial)?;
        this.pos.set(0);
    }
    this.closed.set(false);
    this.ready.set(true);
    Ok(())
}

fn close(this: &StringIo) {
    this.closed.set(true);
    this.clear();
}

fn getvalue(this: &StringIo) -> PyResult<Value> {
    this.check()?;
    Ok(if this.is_pieces() { this.joined() } else { this.with(Str::from_chars) })
}

fn read(this: &StringIo, size: Option<Size>) -> PyResult<Value> {
    this.check()?;
    let start = this.pos.get();
    let rest = this.len.get().saturating_sub(start);
    let count = size.and_then(Size::limit).map_or(rest, |size| size.min(rest));
    this.pos.set(start + count);
    if start == 0 && count == this.len.get() && this.is_pieces() {
        return Ok(this.joined());
    }
    Ok(this.with(|chars| Str::from_chars(chars.slice(start, start + count))))
}

fn readline(this: &StringIo, size: Option<Size>) -> PyResult<Value> {
    this.check()?;
    Ok(this.line(size.and_then(Size::limit)))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let body = body(this)?;
    body.check()?;
    let line = if this.is_exact::<StringIo>() {
        body.line(None)
    } else {
        let line = call::call_method(this, name!("readline"), &[])?;
        if line.downcast::<Str>().is_none() {
            return Err(raise(
                &OS_ERROR,
                format!("readline() should have returned a str object, not '{}'", line.ty().name()),
            ));
        }
        line
    };
    Ok(Some(line).filter(|line| line.downcast::<Str>().is_some_and(|line| !line.is_empty())))
}

fn tell(this: &StringIo) -> PyResult<usize> {
    this.check().map(|()| this.pos.get())
}

fn truncate(this: &StringIo, size: Option<Size2>) -> PyResult<usize> {
    this.check()?;
    let size = match size.and_then(|size| size.0) {
        None => this.pos.get(),
        Some(size) => usize::try_from(size).map_err(|_| value_error(format!("Negative size value {size}")))?,
    };
    if size < this.len.get() {
        let mut codes = this.take_codes();
        codes.truncate(size);
        this.codes.set(Some(codes));
        this.len.set(size);
    }
    Ok(size)
}

fn seek(this: &StringIo, pos: isize, whence: Option<i32>) -> PyResult<usize> {
    this.check()?;
    let pos = match (whence.unwrap_or(0), usize::try_from(pos)) {
        (0, Ok(pos)) => pos,
        (0, Err(_)) => return Err(value_error(format!("Negative seek position {pos}"))),
        (1 | 2, _) if pos != 0 => return Err(raise(&OS_ERROR, "Can't do nonzero cur-relative seeks")),
        (1, _) => this.pos.get(),
        (2, _) => this.len.get(),
        (whence, _) => return Err(value_error(format!("Invalid whence ({whence}, should be 0, 1 or 2)"))),
    };
    this.pos.set(pos);
    Ok(pos)
}

fn write(this: &StringIo, data: &Value) -> PyResult<usize> {
    if !this.ready.get() {
        return Err(uninitialized());
    }
    let Some(data_text) = data.downcast::<Str>() else {
        return Err(type_error(format!("string argument expected, got '{}'", data.ty().name())));
    };
    this.check()?;
    if !data_text.is_empty() {
        this.append(data)?;
    }
    Ok(data_text.len())
}

fn yes(this: &StringIo) -> PyResult<bool> {
    this.check().map(|()| true)
}

fn getstate(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let value = getvalue(body)?;
    let newline = body.newline.get().text().map_or(Value::NONE, Str::new_value);
    Ok(Tuple::from_vec(vec![value, newline, Value::int(body.pos.get() as i64), dict_state(this)?]))
}

fn setstate(this: &Value, state: &Value) -> PyResult<()> {
    let body = body(this)?;
    // It may be that `__init__` has not run: it is done here.
    if body.ready.get() {
        body.check()?;
    }
    let items = match state.downcast::<Tuple>().map(Tuple::as_slice) {
        Some(items) if items.len() >= 4 => items,
        _ => {
            return Err(type_error(format!(
                "{}.__setstate__ argument should be 4-tuple, got {}",
                this.ty().name(),
                state.ty().name()
            )));
        }
    };
    init(body, Some(&items[0]), Some(&items[1]))?;
    // The text is as it was: its line ends have been translated before.
    body.clear();
    if let Some(text) = items[0].downcast::<Str>() {
        body.len.set(text.len());
        body.pieces.push(Str::copy(text));
    }
    body.pos.set(position_state(&items[2], "third", "got")?);
    restore_dict(this, &items[3], "fourth")
}
