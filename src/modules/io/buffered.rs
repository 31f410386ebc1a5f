//! `_io.BufferedReader`, `BufferedWriter` and `BufferedRandom`: a buffer before a raw stream.
//!
//! One buffer serves reading and writing. `pos` is where the program stands in it, `raw_pos` where the raw stream stands;
//! `read_end` is the end of what was read, `write_pos..write_end` what waits to be written. The raw stream may be any
//! object: it is used through its methods, unless it is exactly a FileIO.

use super::base::{
    BUFFERED_IO_BASE, chain, check_readable, check_seekable, check_writable, is_interrupted, reentrant_repr,
    uninitialized, writable_buffer,
};
use super::file_io::{FileIo, bool_field};
use super::lock::Lock;
use super::{BUFFER_SIZE, Size, blocking_error, call_init, unsupported};
use crate::gc::Visit;
use crate::method;
use crate::modules::blocking::check_signals;
use crate::name;
use crate::object::buffer::ByteStore;
use crate::object::error::{PyResult, Raised};
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, GetSet, Method, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Payload, Value, payload};
use crate::object::value_vec::{ValueCell, no_memory};
use crate::object::{TypeFlags, TypeObject, attribute, call, number, repr_guard, text};
use crate::types::bytearray::Bytearray;
use crate::types::bytes::{self, Bytes};
use crate::types::exceptions::{BLOCKING_IO_ERROR, OS_ERROR, VALUE_ERROR, is_instance, raise, type_error, value_error};
use crate::types::layout;
use crate::types::memoryview::MEMORY_VIEW;
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

/// What a raw read or write came to: a number of bytes, or nothing because it would have to wait.
type Moved = Option<usize>;

impl Buffered {
    fn new() -> Buffered {
        Buffered {
            raw: ValueCell::EMPTY,
            ready: Cell::new(false),
            detached: Cell::new(false),
            readable: Cell::new(false),
            writable: Cell::new(false),
            finalizing: Cell::new(false),
            direct: Cell::new(false),
            has_buffer: Cell::new(false),
            buffer: ByteStore::new(Vec::new()),
            size: Cell::new(0),
            raw_offset: Cell::new(-1),
            pos: Cell::new(0),
            raw_pos: Cell::new(0),
            read_end: Cell::new(None),
            write_pos: Cell::new(0),
            write_end: Cell::new(None),
            lock: Lock::default(),
        }
    }

    /// The raw stream of an object that is set up.
    pub(super) fn raw(&self) -> PyResult<Value> {
        match self.raw.get() {
            Some(raw) if self.ready.get() => Ok(raw),
            _ if self.detached.get() => Err(value_error("raw stream has been detached")),
            _ => Err(uninitialized()),
        }
    }

    /// Whether the raw stream is exactly a FileIO.
    pub(super) fn is_direct(&self) -> bool {
        self.direct.get()
    }

    /// Whether the stream is closed.
    #[inline]
    pub(super) fn is_closed(&self) -> PyResult<bool> {
        if self.direct.get() && self.ready.get() {
            return Ok(self.raw.with(|raw| raw.and_then(|raw| raw.exact::<FileIo>()).is_none_or(FileIo::is_closed)));
        }
        let raw = self.raw()?;
        if let Some(file) = raw.exact::<FileIo>() {
            return Ok(file.is_closed());
        }
        number::truth(&attribute::get_interned(&raw, name!("closed"))?)
    }

    #[inline]
    fn check_open(&self, operation: &str) -> PyResult<()> {
        if !self.ready.get() {
            self.raw()?;
        }
        if !self.has_buffer.get() || self.is_closed()? {
            return Err(value_error(format!("{operation} of closed file")));
        }
        Ok(())
    }

    fn has_read(&self) -> Option<usize> {
        self.read_end.get().filter(|_| self.readable.get())
    }

    fn has_written(&self) -> Option<usize> {
        self.write_end.get().filter(|_| self.writable.get())
    }

    fn move_to(&self, pos: usize) {
        self.pos.set(pos);
        if let Some(end) = self.has_read()
            && end < pos
        {
            self.read_end.set(Some(pos));
        }
    }

    /// Bytes that were read and not given out yet.
    fn ahead(&self) -> usize {
        self.has_read().map_or(0, |end| end.saturating_sub(self.pos.get()))
    }

    /// How far the raw stream is ahead of the program.
    fn raw_lead(&self) -> i64 {
        if (self.has_read().is_some() || self.has_written().is_some()) && self.raw_pos.get() >= 0 {
            self.raw_pos.get() as i64 - self.pos.get() as i64
        } else {
            0
        }
    }

    fn reset_read(&self) {
        self.read_end.set(None);
    }

    fn reset_write(&self) {
        self.write_pos.set(0);
        self.write_end.set(None);
    }

    fn advance_raw(&self, moved: usize) {
        if moved > 0 && self.raw_offset.get() != -1 {
            self.raw_offset.set(self.raw_offset.get() + moved as i64);
        }
    }

    fn position_from(value: &Value) -> PyResult<i64> {
        let position = file_offset(value)?;
        if position < 0 {
            return Err(raise(&OS_ERROR, format!("Raw stream returned invalid position {position}")));
        }
        Ok(position)
    }

    fn raw_tell(&self) -> PyResult<i64> {
        let Some(raw) = self.raw.get() else { return Err(uninitialized()) };
        let position = match raw.exact::<FileIo>() {
            Some(file) => file.seek_to(0, libc::SEEK_CUR)?,
            None => Buffered::position_from(&call::call_method(&raw, name!("tell"), &[])?)?,
        };
        self.raw_offset.set(position);
        Ok(position)
    }

    fn raw_seek(&self, target: i64, whence: i32) -> PyResult<i64> {
        let raw = self.raw()?;
        let position = match raw.exact::<FileIo>() {
            Some(file) => file.seek_to(target, whence)?,
            None => {
                let args = [Value::int(target), Value::int(whence.into())];
                Buffered::position_from(&call::call_method(&raw, name!("seek"), &args)?)?
            }
        };
        self.raw_offset.set(position);
        Ok(position)
    }

    /// Reads up to `count` bytes from the raw stream to the end of `out`.
    fn raw_read(&self, out: &mut Vec<u8>, count: usize) -> PyResult<Moved> {
        let raw = self.raw()?;
        let moved = match raw.exact::<FileIo>() {
            Some(file) => file.read_to(out, count)?,
            None => read_by_method(&raw, out, count)?,
        };
        if let Some(moved) = moved {
            self.advance_raw(moved);
        }
        Ok(moved)
    }

    /// Reads into the buffer behind what is there.
    fn fill(&self) -> PyResult<Moved> {
        let start = self.has_read().unwrap_or(0);
        let mut room = self.buffer.take();
        let size = self.size.get();
        room.truncate(start);
        let moved = self.raw_read(&mut room, size.saturating_sub(start));
        room.resize(size, 0);
        self.buffer.set(room);
        let moved = moved?;
        if let Some(read @ 1..) = moved {
            self.read_end.set(Some(start + read));
            self.raw_pos.set((start + read) as isize);
        }
        Ok(moved)
    }

    /// Writes bytes to the raw stream.
    fn raw_write(&self, data: &[u8]) -> PyResult<Moved> {
        let raw = self.raw()?;
        let moved = match raw.exact::<FileIo>() {
            Some(file) => file.write_bytes(data)?,
            None => write_by_method(&raw, data)?,
        };
        if let Some(moved) = moved {
            self.advance_raw(moved);
        }
        Ok(moved)
    }

    /// A copy of part of the buffer.
    fn copy(&self, start: usize, len: usize) -> Value {
        self.buffer.with(|buffer| Bytes::new_value(buffer.get(start..start.saturating_add(len)).unwrap_or_default()))
    }

    /// Takes bytes that were read before.
    fn take_ahead(&self, len: usize) -> Value {
        let start = self.pos.get();
        self.pos.set(start + len);
        self.copy(start, len)
    }

    fn append_ahead(&self, out: &mut Vec<u8>, len: usize) {
        let start = self.pos.get();
        self.pos.set(start + len);
        self.buffer
            .with(|buffer| out.extend_from_slice(buffer.get(start..start.saturating_add(len)).unwrap_or_default()));
    }

    /// Writes out what waits. As `_bufferedwriter_flush_unlocked`.
    fn flush_writes(&self) -> PyResult<()> {
        if let Some(end) = self.has_written().filter(|&end| end != self.write_pos.get()) {
            let back = self.raw_lead() + (self.pos.get() as i64 - self.write_pos.get() as i64);
            if back != 0 {
                self.raw_seek(-back, libc::SEEK_CUR)?;
                self.raw_pos.set(self.raw_pos.get() - back as isize);
            }
            while self.write_pos.get() < end {
                let buffer = self.buffer.take();
                let moved = self.raw_write(buffer.get(self.write_pos.get()..end).unwrap_or_default());
                self.buffer.set(buffer);
                let Some(moved) = moved? else {
                    return Err(self.would_block(0));
                };
                self.write_pos.set(self.write_pos.get() + moved);
                self.raw_pos.set(self.write_pos.get() as isize);
                check_signals()?;
            }
        }
        self.reset_write();
        Ok(())
    }

    /// Brings the raw stream to where the program stands.
    fn flush_and_rewind(&self) -> PyResult<()> {
        self.flush_writes()?;
        if self.readable.get() {
            let sought = self.raw_seek(-self.raw_lead(), libc::SEEK_CUR);
            self.reset_read();
            sought?;
        }
        Ok(())
    }

    fn flush_before_reading(&self) -> PyResult<()> {
        if self.writable.get() { self.flush_and_rewind() } else { Ok(()) }
    }

    /// Appends all that is left; `None` when nothing is there yet. The caller holds the lock.
    fn read_all(&self) -> PyResult<Value> {
        let mut all = Vec::new();
        let had = self.ahead();
        if had > 0 {
            self.append_ahead(&mut all, had);
        }
        self.flush_before_reading()?;
        self.reset_read();
        // The raw stream moves without telling.
        self.raw_offset.set(-1);
        let raw = self.raw()?;
        if let Some(file) = raw.exact::<FileIo>() {
            let read = file.read_all_to(&mut all)?;
            return Ok(if had == 0 && read.is_none() { Value::NONE } else { Bytes::new_value(&all) });
        }
        if let Some(readall) = attribute::lookup(&raw, name!("readall"))? {
            let rest = call::call(&readall, &[])?;
            if !rest.is_none() {
                let Some(rest) = rest.downcast::<Bytes>() else {
                    return Err(type_error("readall() should return bytes"));
                };
                all.extend_from_slice(rest.as_slice());
            }
            return Ok(if had == 0 { rest } else { Bytes::new_value(&all) });
        }
        loop {
            let piece = call::call_method(&raw, name!("read"), &[])?;
            let bytes = match piece.downcast::<Bytes>() {
                Some(bytes) => bytes.as_slice(),
                None if piece.is_none() => &[],
                None => return Err(type_error("read() should return bytes")),
            };
            if bytes.is_empty() {
                return Ok(if all.is_empty() { piece } else { Bytes::new_value(&all) });
            }
            all.extend_from_slice(bytes);
        }
    }

    /// Reads `count` bytes or up to the end. The caller holds the lock. As `_bufferedreader_read_generic`.
    fn read_count(&self, count: usize) -> PyResult<Value> {
        let ahead = self.ahead();
        if count <= ahead {
            return Ok(self.take_ahead(count));
        }
        let mut out = Vec::new();
        out.try_reserve_exact(count).map_err(|_| no_memory())?;
        if ahead > 0 {
            self.append_ahead(&mut out, ahead);
        }
        self.flush_before_reading()?;
        self.reset_read();
        let ended = |out: &Vec<u8>, moved: Moved| match moved {
            None if out.is_empty() => Value::NONE,
            _ => Bytes::new_value(out),
        };
        // Whole blocks go past the buffer.
        loop {
            let left = count - out.len();
            let blocks = left - left % self.size.get().max(1);
            if blocks == 0 {
                break;
            }
            match self.raw_read(&mut out, blocks)? {
                Some(1..) => {}
                moved => return Ok(ended(&out, moved)),
            }
        }
        self.pos.set(0);
        self.raw_pos.set(0);
        self.read_end.set(Some(0));
        while out.len() < count && self.read_end.get().is_some_and(|end| end < self.size.get()) {
            match self.fill()? {
                Some(read @ 1..) => {
                    let left = count - out.len();
                    self.append_ahead(&mut out, read.min(left));
                }
                moved => return Ok(ended(&out, moved)),
            }
        }
        Ok(Bytes::new_value(&out))
    }

    /// `read1(count)` for the text layer: appends to `out`.
    pub(super) fn read1_to(&self, this: &Value, out: &mut Vec<u8>, count: usize) -> PyResult<()> {
        self.check_open("read")?;
        let ahead = self.ahead();
        if ahead > 0 {
            self.append_ahead(out, ahead.min(count));
            return Ok(());
        }
        let _held = self.lock.enter(this)?;
        self.reset_read();
        self.raw_read(out, count).map(drop)
    }

    /// `write(data)` for the text layer too. As `_io_BufferedWriter_write_impl`.
    pub(super) fn write_bytes(&self, this: &Value, data: &[u8]) -> PyResult<usize> {
        self.raw()?;
        let _held = self.lock.enter(this)?;
        if !self.has_buffer.get() || self.is_closed()? {
            return Err(value_error("write to closed file"));
        }
        if self.has_read().is_none() && self.has_written().is_none() {
            self.pos.set(0);
            self.raw_pos.set(0);
        }
        let pos = self.pos.get();
        let size = self.size.get();
        if data.len() <= size.saturating_sub(pos) {
            self.place(pos, data);
            if self.has_written().is_none() || self.write_pos.get() > pos {
                self.write_pos.set(pos);
            }
            self.move_to(pos + data.len());
            if self.write_end.get().is_none_or(|end| end < self.pos.get()) {
                self.write_end.set(Some(self.pos.get()));
            }
            return Ok(data.len());
        }
        if let Err(raised) = self.flush_writes() {
            if !is_instance(&raised, &BLOCKING_IO_ERROR) {
                return Err(raised);
            }
            return self.keep_blocked(data);
        }
        let lead = self.raw_lead();
        if lead != 0 {
            self.raw_seek(-lead, libc::SEEK_CUR)?;
            self.raw_pos.set(self.raw_pos.get() - lead as isize);
        }
        let mut written = 0;
        while data.len() - written > size {
            match self.raw_write(data.get(written..).unwrap_or_default())? {
                Some(moved) => written += moved.min(data.len() - written),
                None => {
                    // As much as there is room for is kept.
                    self.place(0, data.get(written..written + size).unwrap_or_default());
                    self.raw_pos.set(0);
                    self.move_to(size);
                    self.write_end.set(Some(size));
                    return Err(self.would_block(written + size));
                }
            }
            check_signals()?;
        }
        if self.readable.get() {
            self.reset_read();
        }
        let rest = data.get(written..).unwrap_or_default();
        self.place(0, rest);
        self.write_pos.set(0);
        self.write_end.set(Some(rest.len()));
        self.move_to(rest.len());
        self.raw_pos.set(0);
        Ok(data.len())
    }

    /// The error of a write that has to wait. Only calls of the system leave an error number.
    #[cold]
    fn would_block(&self, written: usize) -> Raised {
        let errno = if self.direct.get() { libc::EAGAIN } else { 0 };
        blocking_error(errno, "write could not complete without blocking", written)
    }

    fn place(&self, at: usize, data: &[u8]) {
        self.buffer.with_mut(|buffer| {
            if let Some(place) = buffer.get_mut(at..at + data.len()) {
                place.copy_from_slice(data);
            }
        });
    }

    /// Keeps what fits when the raw stream takes nothing at present.
    fn keep_blocked(&self, data: &[u8]) -> PyResult<usize> {
        if self.readable.get() {
            self.reset_read();
        }
        let start = self.write_pos.get();
        let end = self.write_end.get().unwrap_or(start);
        let room = self.buffer.with_mut(|buffer| {
            let len = buffer.len();
            buffer.copy_within(start..end.min(len), 0);
            buffer.len() - (end - start)
        });
        self.write_pos.set(0);
        self.raw_pos.set(self.raw_pos.get() - start as isize);
        let kept = room.min(data.len());
        self.place(end - start, data.get(..kept).unwrap_or_default());
        self.write_end.set(Some(end - start + kept));
        self.pos.set(self.pos.get().saturating_sub(start) + kept);
        if kept == data.len() {
            return Ok(kept);
        }
        Err(self.would_block(kept))
    }
}

/// An offset that an object's method returned or a program gave. As `PyNumber_AsOff_t` with ValueError.
pub(super) fn file_offset(value: &Value) -> PyResult<i64> {
    number::index_to_i64(value)?
        .ok_or_else(|| value_error(format!("cannot fit '{}' into an offset-sized integer", value.ty().name())))
}

fn invalid_length(method: &str, returned: isize, len: usize) -> Raised {
    raise(
        &OS_ERROR,
        format!("raw {method}() returned invalid length {returned} (should have been between 0 and {len})"),
    )
}

/// The number that a raw stream's method returned.
fn moved_length(result: &Value, method: &str, len: usize) -> PyResult<Moved> {
    if result.is_none() {
        return Ok(None);
    }
    let count = number::index_to_i64(result)?
        .ok_or_else(|| value_error(format!("cannot fit '{}' into an index-sized integer", result.ty().name())))?;
    match usize::try_from(count) {
        Ok(count) if count <= len => Ok(Some(count)),
        _ => Err(invalid_length(method, count as isize, len)),
    }
}

/// Calls a method again while signals interrupt it.
fn call_uninterrupted(object: &Value, name: &Value, args: &[Value]) -> PyResult<Value> {
    loop {
        match call::call_method(object, name, args) {
            Err(raised) if is_interrupted(&raised) => {}
            result => return result,
        }
    }
}

/// `raw.readinto(memory)`.
fn read_by_method(raw: &Value, out: &mut Vec<u8>, count: usize) -> PyResult<Moved> {
    let mut room = Vec::new();
    room.try_reserve_exact(count).map_err(|_| no_memory())?;
    room.resize(count, 0);
    let memory = Bytearray::new_value(room);
    let view = call::call(&MEMORY_VIEW.value(), std::slice::from_ref(&memory))?;
    let result = call_uninterrupted(raw, name!("readinto"), &[view])?;
    // What is no number is an invalid length like any other.
    let moved = match moved_length(&result, "readinto", count) {
        Err(raised) if !is_instance(&raised, &OS_ERROR) => return Err(invalid_length("readinto", -1, count)),
        moved => moved?,
    };
    if let (Some(moved), Some(memory)) = (moved, memory.downcast::<Bytearray>()) {
        memory.with(|bytes| out.extend_from_slice(bytes.get(..moved).unwrap_or_default()));
    }
    Ok(moved)
}

/// `raw.write(memory)`.
fn write_by_method(raw: &Value, data: &[u8]) -> PyResult<Moved> {
    let view = call::call(&MEMORY_VIEW.value(), &[Bytes::new_value(data)])?;
    let result = call_uninterrupted(raw, name!("write"), &[view])?;
    moved_length(&result, "write", data.len())
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
    if count <= body.ahead() {
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
    let mut written = body.ahead().min(wanted);
    if written > 0 {
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
    // A class may have a flush of its own, which takes the lock.
    let flushed = match (exact(this), this.is_exact::<Reader>()) {
        (Some(_), false) => flush(this),
        _ => call::call_method(this, name!("flush"), &[]).map(drop),
    };
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
