//! `_io.BufferedReader`, `BufferedWriter` and `BufferedRandom`: a buffer before a raw stream.
//!
//! One buffer serves reading and writing. `pos` is where the program stands in it, `raw_pos` where the raw stream stands;
//! `read_end` is the end of what was read, `write_pos..write_end` what waits to be written. The raw stream may be any
//! object: it is used through its methods, unless it is exactly a FileIO. `state` holds the work on the buffer.

mod state;

use super::base::{
    BUFFERED_IO_BASE, chain, check_readable, check_seekable, check_writable, reentrant_repr, uninitialized,
    writable_buffer,
};
use super::file_io::{FileIo, bool_field};
use super::lock::Lock;
use super::{BUFFER_SIZE, Size, call_init, unsupported};
use crate::gc::Visit;
use crate::method;
use crate::name;
use crate::object::buffer::ByteStore;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, GetSet, Method, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Payload, Value, payload};
use crate::object::value_vec::{ValueCell, no_memory};
use crate::object::{TypeFlags, TypeObject, attribute, call, number, repr_guard, text};
use crate::types::bytes::{self, Bytes};
use crate::types::exceptions::{OS_ERROR, VALUE_ERROR, is_instance, raise, type_error, value_error};
use crate::types::layout;
use crate::types::str::Str;
use std::cell::Cell;

/// What the three types have in common.
pub(super) struct Buffered {
    /// Empty before `__init__` and after `detach`.
    raw: ValueCell,
    ready: Cell<bool>,
    detached: Cell<bool>,
    readable: Cell<bool>,
    writable: Cell<bool>,
    finalizing: Cell<bool>,
    /// The raw stream is exactly a FileIO.
    direct: Cell<bool>,
    /// Whether the buffer is there: not after `close`.
    has_buffer: Cell<bool>,
    buffer: ByteStore,
    size: Cell<usize>,
    /// The raw stream's position, -1 when it is not known.
    raw_offset: Cell<i64>,
    pos: Cell<usize>,
    raw_pos: Cell<isize>,
    read_end: Cell<Option<usize>>,
    write_pos: Cell<usize>,
    write_end: Cell<Option<usize>>,
    lock: Lock,
}

macro_rules! buffered_types {
    ($($(#[$doc:meta])* $body:ident $static:ident;)*) => {
        $(
            $(#[$doc])*
            #[repr(C)]
            pub struct $body {
                header: Header,
                inner: Buffered,
            }

            payload!($body, $static, {
                const GC: bool = true;
                fn traverse(&self, visit: Visit<'_>) {
                    self.inner.raw.visit(visit);
                }
                fn clear_references(&self) {
                    self.inner.ready.set(false);
                    drop(self.inner.raw.take());
                }
            });
        )*
    };
}

buffered_types! {
    /// The body of a BufferedReader.
    Reader BUFFERED_READER;
    /// The body of a BufferedWriter.
    Writer BUFFERED_WRITER;
    /// The body of a BufferedRandom.
    Random BUFFERED_RANDOM;
}

macro_rules! new_slot {
    ($body:ident) => {
        Some(|class: &Value, _: &[Value], _: Option<&Value>| match class.downcast::<TypeObject>() {
            Some(ty) => Ok(new_instance(ty, $body { header: Header::new(ty), inner: Buffered::new() })),
            None => Err(type_error("expected a type")),
        })
    };
}

/// The type object of `_io.BufferedReader`.
pub static BUFFERED_READER: TypeObject = TypeObject::define::<Reader>("_io.BufferedReader")
    .base(&BUFFERED_IO_BASE)
    .flags(TypeFlags::BASE)
    .slots(Slots {
        new: new_slot!(Reader),
        init: Some(|this, args, kwnames| call_init(&READER_INIT, this, args, kwnames)),
        repr: Some(repr),
        next: Some(next),
        ..Slots::EMPTY
    })
    .methods(READER_METHODS)
    .getset(GETSET)
    .doc(BUFFERED_READER_DOC);

/// The type object of `_io.BufferedWriter`.
pub static BUFFERED_WRITER: TypeObject = TypeObject::define::<Writer>("_io.BufferedWriter")
    .base(&BUFFERED_IO_BASE)
    .flags(TypeFlags::BASE)
    .slots(Slots {
        new: new_slot!(Writer),
        init: Some(|this, args, kwnames| call_init(&WRITER_INIT, this, args, kwnames)),
        repr: Some(repr),
        ..Slots::EMPTY
    })
    .methods(WRITER_METHODS)
    .getset(GETSET)
    .doc(BUFFERED_WRITER_DOC);

/// The type object of `_io.BufferedRandom`.
pub static BUFFERED_RANDOM: TypeObject = TypeObject::define::<Random>("_io.BufferedRandom")
    .base(&BUFFERED_IO_BASE)
    .flags(TypeFlags::BASE)
    .slots(Slots {
        new: new_slot!(Random),
        init: Some(|this, args, kwnames| call_init(&RANDOM_INIT, this, args, kwnames)),
        repr: Some(repr),
        next: Some(next),
        ..Slots::EMPTY
    })
    .methods(RANDOM_METHODS)
    .getset(GETSET)
    .doc(BUFFERED_RANDOM_DOC);

static READER_INIT: Function = Function::new("BufferedReader($self, raw, buffer_size=8192)", "", thunk(reader_init));
static WRITER_INIT: Function = Function::new("BufferedWriter($self, raw, buffer_size=8192)", "", thunk(writer_init));
static RANDOM_INIT: Function = Function::new("BufferedRandom($self, raw, buffer_size=8192)", "", thunk(random_init));

const GETSET: &[GetSet] = &[
    GetSet::member("raw", |this| Ok(body(this)?.raw.get().unwrap_or(Value::NONE))),
    GetSet::new(
        "_finalizing",
        |this| Ok(Value::bool(body(this)?.finalizing.get())),
        |this, value| {
            body(this)?.finalizing.set(bool_field(value)?);
            Ok(())
        },
    )
    .as_member(),
    GetSet::read_only("closed", |this| attribute::get_interned(&body(this)?.raw()?, name!("closed"))),
    GetSet::read_only("name", |this| attribute::get_interned(&body(this)?.raw()?, name!("name"))),
    GetSet::read_only("mode", |this| attribute::get_interned(&body(this)?.raw()?, name!("mode"))),
];

const READER_METHODS: &[Method] = &[
    method!(detach, "!detach($self, /)", ""),
    method!(simple_flush, "!flush($self, /)", ""),
    method!(close, "!close($self, /)", ""),
    method!(seekable, "!seekable($self, /)", ""),
    method!(readable, "!readable($self, /)", ""),
    method!(fileno, "!fileno($self, /)", ""),
    method!(isatty, "!isatty($self, /)", ""),
    method!(dealloc_warn, "!_dealloc_warn($self, source, /)", ""),
    method!(read, "read($self, size=-1, /)", ""),
    method!(peek, "peek($self, size=0, /)", ""),
    method!(read1, "read1($self, size=-1, /)", ""),
    method!(readinto, "readinto($self, buffer, /)", ""),
    method!(readinto1, "readinto1($self, buffer, /)", ""),
    method!(readline, "readline($self, size=-1, /)", ""),
    method!(seek, "seek($self, target, whence=0, /)", ""),
    method!(tell, "!tell($self, /)", ""),
    method!(truncate, "truncate($self, pos=None, /)", ""),
    method!(sizeof, "!__sizeof__($self, /)", ""),
];
const BUFFERED_READER_DOC: &str = "Create a new buffered reader using the given readable raw IO object.";

const WRITER_METHODS: &[Method] = &[
    method!(close, "!close($self, /)", ""),
    method!(detach, "!detach($self, /)", ""),
    method!(seekable, "!seekable($self, /)", ""),
    method!(writable, "!writable($self, /)", ""),
    method!(fileno, "!fileno($self, /)", ""),
    method!(isatty, "!isatty($self, /)", ""),
    method!(dealloc_warn, "!_dealloc_warn($self, source, /)", ""),
    method!(write, "write($self, buffer, /)", ""),
    method!(truncate, "truncate($self, pos=None, /)", ""),
    method!(flush, "!flush($self, /)", ""),
    method!(seek, "seek($self, target, whence=0, /)", ""),
    method!(tell, "!tell($self, /)", ""),
    method!(sizeof, "!__sizeof__($self, /)", ""),
];
const BUFFERED_WRITER_DOC: &str = "A buffer for a writeable sequential RawIO object.\n\nThe constructor creates a BufferedWriter for the given writeable raw\nstream. If the buffer_size is not given, it defaults to\nDEFAULT_BUFFER_SIZE.";

const RANDOM_METHODS: &[Method] = &[
    method!(close, "!close($self, /)", ""),
    method!(detach, "!detach($self, /)", ""),
    method!(seekable, "!seekable($self, /)", ""),
    method!(readable, "!readable($self, /)", ""),
    method!(writable, "!writable($self, /)", ""),
    method!(fileno, "!fileno($self, /)", ""),
    method!(isatty, "!isatty($self, /)", ""),
    method!(dealloc_warn, "!_dealloc_warn($self, source, /)", ""),
    method!(flush, "!flush($self, /)", ""),
    method!(seek, "seek($self, target, whence=0, /)", ""),
    method!(tell, "!tell($self, /)", ""),
    method!(truncate, "truncate($self, pos=None, /)", ""),
    method!(read, "read($self, size=-1, /)", ""),
    method!(read1, "read1($self, size=-1, /)", ""),
    method!(readinto, "readinto($self, buffer, /)", ""),
    method!(readinto1, "readinto1($self, buffer, /)", ""),
    method!(readline, "readline($self, size=-1, /)", ""),
    method!(peek, "peek($self, size=0, /)", ""),
    method!(write, "write($self, buffer, /)", ""),
    method!(sizeof, "!__sizeof__($self, /)", ""),
];
const BUFFERED_RANDOM_DOC: &str = "A buffered interface to random access streams.\n\nThe constructor creates a reader and writer for a seekable stream,\nraw, given in the first argument. If the buffer_size is omitted it\ndefaults to DEFAULT_BUFFER_SIZE.";

/// What the three types have in common, of an instance of one of them.
pub(super) fn body(this: &Value) -> PyResult<&Buffered> {
    if let Some(reader) = this.downcast::<Reader>() {
        Ok(&reader.inner)
    } else if let Some(writer) = this.downcast::<Writer>() {
        Ok(&writer.inner)
    } else if let Some(random) = this.downcast::<Random>() {
        Ok(&random.inner)
    } else {
        Err(type_error(format!("expected a buffered stream, not {}", this.ty().name())))
    }
}

/// The same, when the type is exactly one of the three: its methods are those here.
pub(super) fn exact(this: &Value) -> Option<&Buffered> {
    if let Some(reader) = this.exact::<Reader>() {
        Some(&reader.inner)
    } else if let Some(writer) = this.exact::<Writer>() {
        Some(&writer.inner)
    } else {
        this.exact::<Random>().map(|random| &random.inner)
    }
}

/// A new stream over a raw one: `BufferedReader(raw, size)` or one of the others.
pub(super) fn over(raw: &Value, reading: bool, writing: bool, size: usize) -> PyResult<Value> {
    let (readable, writable) = (reading, writing);
    let this = match (reading, writing) {
        (true, true) => new_exact(|header| Random { header, inner: Buffered::new() }),
        (true, false) => new_exact(|header| Reader { header, inner: Buffered::new() }),
        _ => new_exact(|header| Writer { header, inner: Buffered::new() }),
    };
    initialize(&this, raw, size as isize, readable, writable)?;
    Ok(this)
}

fn new_exact<T: Payload>(make: impl FnOnce(Header) -> T) -> Value {
    new_instance(T::type_object(), make(Header::new(T::type_object())))
}

fn reader_init(this: &Value, raw: &Value, size: Option<isize>) -> PyResult<()> {
    initialize(this, raw, size.unwrap_or(BUFFER_SIZE as isize), true, false)
}

fn writer_init(this: &Value, raw: &Value, size: Option<isize>) -> PyResult<()> {
    initialize(this, raw, size.unwrap_or(BUFFER_SIZE as isize), false, true)
}

fn random_init(this: &Value, raw: &Value, size: Option<isize>) -> PyResult<()> {
    initialize(this, raw, size.unwrap_or(BUFFER_SIZE as isize), true, true)
}

fn initialize(this: &Value, raw: &Value, size: isize, readable: bool, writable: bool) -> PyResult<()> {
    let body = body(this)?;
    body.ready.set(false);
    body.detached.set(false);
    if let Some(file) = raw.exact::<FileIo>() {
        file.open_fd()?;
        if readable && writable && !file.is_seekable()? {
            return Err(unsupported("File or stream is not seekable."));
        }
        if readable && !file.is_readable() {
            return Err(unsupported("File or stream is not readable."));
        }
        if writable && !file.is_writable() {
            return Err(unsupported("File or stream is not writable."));
        }
    } else {
        if readable && writable {
            check_seekable(raw)?;
        }
        if readable {
            check_readable(raw)?;
        }
        if writable {
            check_writable(raw)?;
        }
    }
    body.raw.set(Some(raw.clone()));
    body.direct.set(raw.is_exact::<FileIo>());
    body.readable.set(readable);
    body.writable.set(writable);
    let size = match usize::try_from(size) {
        Ok(size) if size > 0 => size,
        _ => return Err(value_error("buffer size must be strictly positive")),
    };
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(size).map_err(|_| no_memory())?;
    buffer.resize(size, 0);
    body.buffer.set(buffer);
    body.has_buffer.set(true);
    body.size.set(size);
    body.raw_offset.set(-1);
    // A stream that does not know its position is none the worse for it.
    let _unknown = body.raw_tell();
    body.pos.set(0);
    body.raw_pos.set(0);
    body.reset_read();
    body.reset_write();
    body.ready.set(true);
    Ok(())
}

/// An offset that an object's method returned or a program gave. As `PyNumber_AsOff_t` with ValueError.
pub(super) fn file_offset(value: &Value) -> PyResult<i64> {
    number::index_to_i64(value)?
        .ok_or_else(|| value_error(format!("cannot fit '{}' into an offset-sized integer", value.ty().name())))
}

fn read(this: &Value, size: Option<Size>) -> PyResult<Value> {
    let body = body(this)?;
    let size = size.map_or(-1, |size| size.0);
    body.raw()?;
    if size < -1 {
        return Err(value_error("read length must be non-negative or -1"));
    }
    body.check_open("read")?;
    let Ok(count) = usize::try_from(size) else {
        let _held = body.lock.enter(this)?;
        return body.read_all();
    };
    if body.lock.is_free() && count <= body.ahead() {
        return Ok(body.take_ahead(count));
    }
    let _held = body.lock.enter(this)?;
    body.read_count(count)
}

fn read1(this: &Value, size: Option<isize>) -> PyResult<Value> {
    let body = body(this)?;
    body.raw()?;
    let count = usize::try_from(size.unwrap_or(-1)).unwrap_or(body.size.get());
    body.check_open("read")?;
    if count == 0 {
        return Ok(Bytes::new_value(b""));
    }
    let mut out = Vec::new();
    body.read1_to(this, &mut out, count)?;
    Ok(Bytes::new_value(&out))
}

fn readinto(this: &Value, buffer: &Value) -> PyResult<Value> {
    read_into(this, buffer, false, "readinto")
}

fn readinto1(this: &Value, buffer: &Value) -> PyResult<Value> {
    read_into(this, buffer, true, "readinto1")
}

/// As `_buffered_readinto_generic`.
fn read_into(this: &Value, buffer: &Value, once: bool, function: &str) -> PyResult<Value> {
    let target = writable_buffer(buffer, function)?;
    let body = body(this)?;
    body.check_open("readinto")?;
    let wanted = target.len();
    let store = |at: usize, bytes: &[u8]| {
        target.with_items_mut(|place| {
            if let Some(place) = place.get_mut(at..at + bytes.len()) {
                place.copy_from_slice(bytes);
            }
        });
    };
    if !body.lock.is_free() {
        drop(body.lock.enter(this)?);
    }
    let ahead = body.ahead();
    let mut written = ahead.min(wanted);
    // What is there is kept even when nothing is wanted.
    if ahead > 0 {
        let mut bytes = Vec::with_capacity(written);
        body.append_ahead(&mut bytes, written);
        store(0, &bytes);
        if written == wanted {
            return Ok(Value::int(written as i64));
        }
    }
    let _held = body.lock.enter(this)?;
    body.flush_before_reading()?;
    body.reset_read();
    body.pos.set(0);
    while written < wanted {
        let left = wanted - written;
        let mut bytes = Vec::new();
        let moved = if left > body.size.get() {
            body.raw_read(&mut bytes, left)?
        } else if once && written > 0 {
            Some(0)
        } else {
            let moved = body.fill()?;
            if let Some(read @ 1..) = moved {
                body.append_ahead(&mut bytes, read.min(left));
                store(written, &bytes);
                written += bytes.len();
                continue;
            }
            moved
        };
        match moved {
            Some(0) => break,
            None if written > 0 => break,
            None => return Ok(Value::NONE),
            Some(_) => {
                store(written, &bytes);
                written += bytes.len();
                if once {
                    break;
                }
            }
        }
    }
    Ok(Value::int(written as i64))
}

fn peek(this: &Value, _size: Option<isize>) -> PyResult<Value> {
    let body = body(this)?;
    body.check_open("peek")?;
    let _held = body.lock.enter(this)?;
    body.flush_before_reading()?;
    let ahead = body.ahead();
    if ahead > 0 {
        return Ok(body.copy(body.pos.get(), ahead));
    }
    body.reset_read();
    let read = body.fill()?.unwrap_or(0);
    body.pos.set(0);
    Ok(body.copy(0, read))
}

fn readline(this: &Value, size: Option<Size>) -> PyResult<Value> {
    line_of(this, body(this)?, size.and_then(Size::limit))
}

/// As `_buffered_readline`.
fn line_of(this: &Value, body: &Buffered, limit: Option<usize>) -> PyResult<Value> {
    body.check_open("readline")?;
    if !body.lock.is_free() {
        // Somebody else has the buffer: wait, or find that it is this very thread.
        drop(body.lock.enter(this)?);
    }
    let ahead = limit.map_or(body.ahead(), |limit| limit.min(body.ahead()));
    let pos = body.pos.get();
    if ahead > 0 {
        // The usual case: the line is in the buffer.
        let line = body.buffer.with(|buffer| {
            let there = buffer.get(pos..pos + ahead).unwrap_or_default();
            memchr::memchr(b'\n', there).map(|at| there.get(..=at).unwrap_or_default()).map(Bytes::new_value)
        });
        if let Some(line) = line {
            body.pos.set(pos + line.downcast::<Bytes>().map_or(0, |line| line.as_slice().len()));
            return Ok(line);
        }
    }
    if Some(ahead) == limit {
        return Ok(body.take_ahead(ahead));
    }
    let _held = body.lock.enter(this)?;
    let mut line = Vec::new();
    if ahead > 0 {
        body.append_ahead(&mut line, ahead);
    }
    body.flush_before_reading()?;
    loop {
        body.reset_read();
        let Some(read @ 1..) = body.fill()? else { break };
        body.pos.set(0);
        let usable = limit.map_or(read, |limit| read.min(limit - line.len()));
        let end = body.buffer.with(|buffer| memchr::memchr(b'\n', buffer.get(..usable).unwrap_or_default()));
        if let Some(at) = end {
            body.append_ahead(&mut line, at + 1);
            break;
        }
        body.append_ahead(&mut line, usable);
        if Some(line.len()) == limit {
            break;
        }
    }
    Ok(Bytes::new_value(&line))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let line = if let Some(body) = exact(this) {
        line_of(this, body, None)?
    } else {
        body(this)?.raw()?;
        let line = call::call_method(this, name!("readline"), &[])?;
        if line.downcast::<Bytes>().is_none() {
            return Err(raise(
                &OS_ERROR,
                format!("readline() should have returned a bytes object, not '{}'", line.ty().name()),
            ));
        }
        line
    };
    Ok(Some(line).filter(|line| line.downcast::<Bytes>().is_some_and(|line| !line.as_slice().is_empty())))
}

fn write(this: &Value, data: &Value) -> PyResult<usize> {
    let data = bytes::buffer_of(data)?;
    body(this)?.write_bytes(this, &data)
}

fn flush(this: &Value) -> PyResult<()> {
    let body = body(this)?;
    body.check_open("flush")?;
    let _held = body.lock.enter(this)?;
    body.flush_and_rewind()
}

fn simple_flush(this: &Value) -> PyResult<Value> {
    call::call_method(&body(this)?.raw()?, name!("flush"), &[])
}

fn seek(this: &Value, target: &Value, whence: Option<i32>) -> PyResult<i64> {
    let body = body(this)?;
    let whence = whence.unwrap_or(0);
    let raw = body.raw()?;
    if ![libc::SEEK_SET, libc::SEEK_CUR, libc::SEEK_END, libc::SEEK_DATA, libc::SEEK_HOLE].contains(&whence) {
        return Err(value_error(format!("whence value {whence} unsupported")));
    }
    body.check_open("seek")?;
    match raw.exact::<FileIo>() {
        Some(file) if file.is_seekable()? => {}
        _ => drop(check_seekable(&raw)?),
    }
    let mut target = file_offset(target)?;
    if (whence == 0 || whence == 1) && body.readable.get() {
        let current = if body.raw_offset.get() != -1 { body.raw_offset.get() } else { body.raw_tell()? };
        let ahead = body.ahead() as i64;
        if ahead > 0 {
            let offset = if whence == 0 { target.wrapping_sub(current - body.raw_lead()) } else { target };
            if offset >= -(body.pos.get() as i64) && offset <= ahead {
                body.pos.set((body.pos.get() as i64 + offset) as usize);
                return Ok(current - ahead + offset);
            }
        }
    }
    let _held = body.lock.enter(this)?;
    if body.writable.get() {
        body.flush_writes()?;
    }
    if whence == 1 {
        target = target.wrapping_sub(body.raw_lead());
    }
    let position = body.raw_seek(target, whence)?;
    body.raw_pos.set(-1);
    if body.readable.get() {
        body.reset_read();
    }
    Ok(position)
}

fn tell(this: &Value) -> PyResult<i64> {
    let body = body(this)?;
    body.raw()?;
    Ok(body.raw_tell()? - body.raw_lead())
}

fn truncate(this: &Value, position: Option<&Value>) -> PyResult<Value> {
    let body = body(this)?;
    let raw = body.raw()?;
    body.check_open("truncate")?;
    let _held = body.lock.enter(this)?;
    body.flush_before_reading()?;
    let result = call::call_method(&raw, name!("truncate"), &[position.cloned().unwrap_or(Value::NONE)])?;
    // The position that is remembered may be wrong now.
    let _unknown = body.raw_tell();
    Ok(result)
}

fn close(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let raw = body.raw()?;
    {
        let _held = body.lock.enter(this)?;
        if body.is_closed()? {
            return Ok(Value::NONE);
        }
        if body.finalizing.get() {
            dealloc_warn(this, this);
        }
    }
    // A class, or the object itself, may have a flush of its own, which takes the lock.
    let flushed = call::call_method(this, name!("flush"), &[]).map(drop);
    let _held = body.lock.enter(this)?;
    let closed = call::call_method(&raw, name!("close"), &[]);
    body.has_buffer.set(false);
    body.buffer.set(Vec::new());
    let result = closed.as_ref().map(Value::clone).unwrap_or(Value::NONE);
    chain(flushed, closed.map(drop))?;
    Ok(result)
}

fn detach(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    body.raw()?;
    call::call_method(this, name!("flush"), &[])?;
    let raw = body.raw.take();
    body.detached.set(true);
    body.ready.set(false);
    raw.ok_or_else(uninitialized)
}

fn seekable(this: &Value) -> PyResult<Value> {
    call::call_method(&body(this)?.raw()?, name!("seekable"), &[])
}

fn readable(this: &Value) -> PyResult<Value> {
    call::call_method(&body(this)?.raw()?, name!("readable"), &[])
}

fn writable(this: &Value) -> PyResult<Value> {
    call::call_method(&body(this)?.raw()?, name!("writable"), &[])
}

fn fileno(this: &Value) -> PyResult<Value> {
    call::call_method(&body(this)?.raw()?, name!("fileno"), &[])
}

fn isatty(this: &Value) -> PyResult<Value> {
    call::call_method(&body(this)?.raw()?, name!("isatty"), &[])
}

fn dealloc_warn(this: &Value, source: &Value) {
    if let Ok(raw) = body(this).and_then(Buffered::raw) {
        let _unheard = call::call_method(&raw, name!("_dealloc_warn"), std::slice::from_ref(source));
    }
}

fn sizeof(this: &Value) -> PyResult<i64> {
    let body = body(this)?;
    let buffer = if body.has_buffer.get() { body.size.get() as i64 } else { 0 };
    Ok(layout::of(this.ty()).basic_size + buffer)
}

fn repr(this: &Value) -> PyResult<Value> {
    let name = match attribute::lookup(this, name!("name")) {
        Ok(name) => name,
        // Of a stream that has been detached.
        Err(raised) if is_instance(&raised, &VALUE_ERROR) => None,
        Err(raised) => return Err(raised),
    };
    let class = this.ty().name();
    let Some(name) = name else { return Ok(Str::new_value(&format!("<{class}>"))) };
    let Some(_guard) = repr_guard::enter(this) else { return Err(reentrant_repr(this)) };
    Ok(Str::new_value(&format!("<{class} name={}>", text::repr_string(&name)?)))
}
