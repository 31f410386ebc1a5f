//! `_io.BytesIO`: a binary stream in memory.
//!
//! The contents are a bytes object as long as nobody writes (it may be the one the program gave, or the one it got from
//! `getvalue`), and memory of the stream's own from then on.

use super::base::{BUFFERED_IO_BASE, closed_error, writable_buffer};
use super::{Size, call_init};
use crate::gc::Visit;
use crate::method;
use crate::object::buffer::{ByteStore, Exporter, Layout, cannot_resize};
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance, new_object};
use crate::object::instance::Attrs;
use crate::object::native::{Function, GetSet, Method, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::{ValueCell, no_memory};
use crate::object::{TypeFlags, TypeObject, attribute, call, iter, number};
use crate::types::bytes::{self, Bytes};
use crate::types::dict::Dict;
use crate::types::exceptions::{overflow_error, type_error, value_error};
use crate::types::list::List;
use crate::types::memoryview::MEMORY_VIEW;
use crate::types::tuple::Tuple;
use crate::types::{int, layout};
use std::cell::Cell;

/// The body of a BytesIO.
#[repr(C)]
pub struct BytesIo {
    header: Header,
    /// The contents, when they are a bytes object.
    shared: ValueCell,
    /// The contents otherwise.
    own: ByteStore,
    pos: Cell<usize>,
    closed: Cell<bool>,
    /// Views of the contents.
    exports: Cell<usize>,
}

payload!(BytesIo, BYTES_IO, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.shared.visit(visit);
    }
});

/// The type object of `_io.BytesIO`.
pub static BYTES_IO: TypeObject = TypeObject::define::<BytesIo>("_io.BytesIO")
    .base(&BUFFERED_IO_BASE)
    .flags(TypeFlags::BASE)
    .slots(Slots {
        new: Some(|class, _, _| match class.downcast::<TypeObject>() {
            Some(ty) => Ok(new_instance(
                ty,
                BytesIo {
                    header: Header::new(ty),
                    shared: ValueCell::EMPTY,
                    own: ByteStore::default(),
                    pos: Cell::new(0),
                    closed: Cell::new(false),
                    exports: Cell::new(0),
                },
            )),
            None => Err(type_error("expected a type")),
        }),
        init: Some(|this, args, kwnames| call_init(&INIT, this, args, kwnames)),
        iter: Some(|this| {
            body(this)?.check_open()?;
            Ok(this.clone())
        }),
        next: Some(|this| {
            let this = body(this)?;
            this.check_open()?;
            let line = this.take(this.line_len(None));
            Ok(Some(line).filter(|line| line.downcast::<Bytes>().is_some_and(|line| !line.as_slice().is_empty())))
        }),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(&[GetSet::read_only("closed", |this| Ok(Value::bool(body(this)?.closed.get())))
        .with_doc("True if the file is closed.")])
    .doc(BYTES_IO_DOC);

static INIT: Function = Function::new("BytesIO($self, initial_bytes=b'')", "", thunk(init));

const METHODS: &[Method] = &[
    method!(readable, "readable($self, /)", "Returns True if the IO object can be read."),
    method!(seekable, "seekable($self, /)", "Returns True if the IO object can be seeked."),
    method!(writable, "writable($self, /)", "Returns True if the IO object can be written."),
    method!(close, "close($self, /)", "Disable all I/O operations."),
    method!(flush, "flush($self, /)", "Does nothing."),
    method!(
        isatty,
        "isatty($self, /)",
        "Always returns False.\n\nBytesIO objects are not connected to a TTY-like device."
    ),
    method!(tell, "tell($self, /)", "Current file position, an integer."),
    method!(write, "write($self, b, /)", "Write bytes to file.\n\nReturn the number of bytes written."),
    method!(
        writelines,
        "writelines($self, lines, /)",
        "Write lines to the file.\n\nNote that newlines are not added.  lines can be any iterable object\nproducing bytes-like objects. This is equivalent to calling write() for\neach element."
    ),
    method!(
        read1,
        "read1($self, size=-1, /)",
        "Read at most size bytes, returned as a bytes object.\n\nIf the size argument is negative or omitted, read until EOF is reached.\nReturn an empty bytes object at EOF."
    ),
    method!(
        readinto,
        "readinto($self, buffer, /)",
        "Read bytes into buffer.\n\nReturns number of bytes read (0 for EOF), or None if the object\nis set not to block and has no data to read."
    ),
    method!(
        readline,
        "readline($self, size=-1, /)",
        "Next line from the file, as a bytes object.\n\nRetain newline.  A non-negative size argument limits the maximum\nnumber of bytes to return (an incomplete line may be returned then).\nReturn an empty bytes object at EOF."
    ),
    method!(
        readlines,
        "readlines($self, size=None, /)",
        "List of bytes objects, each a line from the file.\n\nCall readline() repeatedly and return a list of the lines so read.\nThe optional size argument, if given, is an approximate bound on the\ntotal number of bytes in the lines returned."
    ),
    method!(
        read,
        "read($self, size=-1, /)",
        "Read at most size bytes, returned as a bytes object.\n\nIf the size argument is negative, read until EOF is reached.\nReturn an empty bytes object at EOF."
    ),
    method!(getbuffer, "getbuffer($self, /)", "Get a read-write view over the contents of the BytesIO object."),
    method!(getvalue, "getvalue($self, /)", "Retrieve the entire contents of the BytesIO object."),
    method!(
        seek,
        "seek($self, pos, whence=0, /)",
        "Change stream position.\n\nSeek to byte offset pos relative to position indicated by whence:\n     0  Start of stream (the default).  pos should be >= 0;\n     1  Current position - pos may be negative;\n     2  End of stream - pos usually negative.\nReturns the new absolute position."
    ),
    method!(
        truncate,
        "truncate($self, size=None, /)",
        "Truncate the file to at most size bytes.\n\nSize defaults to the current file position, as returned by tell().\nThe current file position is unchanged.  Returns the new size."
    ),
    method!(getstate, "!__getstate__($self, /)", ""),
    method!(setstate, "!__setstate__($self, state, /)", ""),
    method!(sizeof, "!__sizeof__($self, /)", ""),
];
const BYTES_IO_DOC: &str = "Buffered I/O implementation using an in-memory bytes buffer.";

/// The body of what `getbuffer` makes a view of.
#[repr(C)]
pub struct BytesIoBuffer {
    header: Header,
    source: ValueCell,
}

payload!(BytesIoBuffer, BYTES_IO_BUFFER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.source.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.source.take());
    }
});

/// The type object of `_io._BytesIOBuffer`.
pub static BYTES_IO_BUFFER: TypeObject =
    TypeObject::define::<BytesIoBuffer>("_io._BytesIOBuffer").slots(Slots { buffer: Some(&EXPORTER), ..Slots::EMPTY });

/// Calls `look` with the stream whose contents an exporter shows.
fn with_source<R>(exporter: &Value, look: impl FnOnce(&BytesIo) -> R) -> Option<R> {
    let source = exporter.downcast::<BytesIoBuffer>()?.source.get()?;
    source.downcast::<BytesIo>().map(look)
}

static EXPORTER: Exporter = Exporter {
    get: |this, _| {
        let layout = with_source(this, |source| {
            source.own_contents();
            source.exports.set(source.exports.get() + 1);
            Layout::bytes(source.own.len(), false)
        });
        layout.ok_or_else(|| value_error("I/O operation on closed file."))
    },
    release: |this| {
        let _released = with_source(this, |source| source.exports.set(source.exports.get().saturating_sub(1)));
    },
    read: |this, read| {
        let _shown = with_source(this, |source| source.own.with(read));
    },
    write: |this, write| {
        let _shown = with_source(this, |source| source.own.with_mut(|bytes| write(bytes)));
    },
};

fn body(this: &Value) -> PyResult<&BytesIo> {
    this.downcast::<BytesIo>().ok_or_else(|| type_error(format!("expected BytesIO, not {}", this.ty().name())))
}

impl BytesIo {
    fn check_open(&self) -> PyResult<()> {
        if self.closed.get() { Err(closed_error()) } else { Ok(()) }
    }

    fn check_exports(&self) -> PyResult<()> {
        if self.exports.get() > 0 { Err(cannot_resize()) } else { Ok(()) }
    }

    fn with<R>(&self, look: impl FnOnce(&[u8]) -> R) -> R {
        match self.shared.get() {
            Some(shared) => look(shared.downcast::<Bytes>().map_or(&[], Bytes::as_slice)),
            None => self.own.with(look),
        }
    }

    fn len(&self) -> usize {
        self.with(<[u8]>::len)
    }

    /// Makes the contents memory of the stream's own.
    fn own_contents(&self) {
        if let Some(shared) = self.shared.take() {
            self.own.set(shared.downcast::<Bytes>().map_or(Vec::new(), |bytes| bytes.as_slice().to_vec()));
        }
    }

    fn write(&self, data: &[u8]) -> PyResult<usize> {
        self.check_open()?;
        self.check_exports()?;
        if data.is_empty() {
            return Ok(0);
        }
        self.own_contents();
        let start = self.pos.get();
        let end = start.checked_add(data.len()).ok_or_else(no_memory)?;
        let written = self.own.with_mut(|bytes| {
            if end > bytes.len() && bytes.try_reserve(end - bytes.len()).is_err() {
                return false;
            }
            if start >= bytes.len() {
                bytes.resize(start, 0);
                bytes.extend_from_slice(data);
            } else {
                let overlap = data.len().min(bytes.len() - start);
                let (inside, behind) = data.split_at(overlap);
                if let Some(place) = bytes.get_mut(start..start + overlap) {
                    place.copy_from_slice(inside);
                }
                bytes.extend_from_slice(behind);
            }
            true
        });
        if !written {
            return Err(no_memory());
        }
        self.pos.set(end);
        Ok(data.len())
    }

    /// What is left behind the position.
    fn rest(&self) -> usize {
        self.len().saturating_sub(self.pos.get())
    }

    /// The next `count` bytes, which are there.
    fn take(&self, count: usize) -> Value {
        let start = self.pos.get();
        self.pos.set(start + count);
        if start == 0
            && let Some(shared) = self.shared.get()
            && shared.is_exact::<Bytes>()
            && shared.downcast::<Bytes>().is_some_and(|bytes| bytes.as_slice().len() == count)
        {
            return shared;
        }
        self.with(|bytes| Bytes::new_value(bytes.get(start..start + count).unwrap_or_default()))
    }

    /// The length of the next line, or as much of it as the limit allows.
    fn line_len(&self, limit: Option<usize>) -> usize {
        let start = self.pos.get();
        let rest = self.rest();
        let most = limit.map_or(rest, |limit| limit.min(rest));
        self.with(|bytes| {
            let bytes = bytes.get(start..start + most).unwrap_or_default();
            memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1)
        })
    }

    fn value(&self) -> Value {
        match self.shared.get() {
            Some(shared) => shared,
            None => {
                let value = self.own.with(Bytes::new_value);
                if self.exports.get() == 0 {
                    self.own.set(Vec::new());
                    self.shared.set(Some(value.clone()));
                }
                value
            }
        }
    }
}

fn init(this: &BytesIo, initial: Option<&Value>) -> PyResult<()> {
    this.check_exports()?;
    this.closed.set(false);
    this.pos.set(0);
    this.own.set(Vec::new());
    this.shared.set(None);
    match initial.filter(|initial| !initial.is_none()) {
        Some(initial) if initial.is_exact::<Bytes>() => this.shared.set(Some(initial.clone())),
        Some(initial) => {
            this.write(&bytes::buffer_of(initial)?)?;
            this.pos.set(0);
        }
        None => {}
    }
    Ok(())
}

fn readable(this: &BytesIo) -> PyResult<bool> {
    this.check_open().map(|()| true)
}

fn seekable(this: &BytesIo) -> PyResult<bool> {
    this.check_open().map(|()| true)
}

fn writable(this: &BytesIo) -> PyResult<bool> {
    this.check_open().map(|()| true)
}

fn isatty(this: &BytesIo) -> PyResult<bool> {
    this.check_open().map(|()| false)
}

fn flush(this: &BytesIo) -> PyResult<()> {
    this.check_open()
}

fn close(this: &BytesIo) -> PyResult<()> {
    this.check_exports()?;
    this.closed.set(true);
    this.own.set(Vec::new());
    this.shared.set(None);
    Ok(())
}

fn tell(this: &BytesIo) -> PyResult<usize> {
    this.check_open().map(|()| this.pos.get())
}

fn write(this: &BytesIo, data: &Value) -> PyResult<usize> {
    this.check_open()?;
    this.check_exports()?;
    this.write(&bytes::buffer_of(data)?)
}

fn writelines(this: &BytesIo, lines: &Value) -> PyResult<()> {
    this.check_open()?;
    iter::for_each(lines, |line| write(this, &line).map(|_| true))
}

fn read(this: &BytesIo, size: Option<Size>) -> PyResult<Value> {
    this.check_open()?;
    let rest = this.rest();
    let count = size.and_then(Size::limit).map_or(rest, |size| size.min(rest));
    Ok(this.take(count))
}

fn read1(this: &BytesIo, size: Option<Size>) -> PyResult<Value> {
    read(this, size)
}

fn readline(this: &BytesIo, size: Option<Size>) -> PyResult<Value> {
    this.check_open()?;
    Ok(this.take(this.line_len(size.and_then(Size::limit))))
}

fn readlines(this: &BytesIo, size: Option<&Value>) -> PyResult<Value> {
    this.check_open()?;
    let limit = match size.filter(|size| !size.is_none()) {
        None => 0,
        Some(size) if int::is_int(size) => number::index_to_isize(size)?,
        Some(size) => {
            return Err(type_error(format!("integer argument expected, got '{}'", size.ty().name())));
        }
    };
    let mut lines = Vec::new();
    let mut total = 0;
    loop {
        let len = this.line_len(None);
        if len == 0 {
            break;
        }
        lines.push(this.take(len));
        total += len;
        if limit > 0 && total >= limit as usize {
            break;
        }
    }
    Ok(List::from_vec(lines))
}

fn readinto(this: &BytesIo, buffer: &Value) -> PyResult<usize> {
    let target = writable_buffer(buffer, "readinto")?;
    this.check_open()?;
    let count = target.len().min(this.rest());
    let start = this.pos.get();
    // By way of a copy: the target may be a view of these very contents.
    let bytes = this.with(|bytes| bytes.get(start..start + count).unwrap_or_default().to_vec());
    target.with_items_mut(|place| {
        if let Some(place) = place.get_mut(..bytes.len()) {
            place.copy_from_slice(&bytes);
        }
    });
    this.pos.set(start + count);
    Ok(count)
}

fn getbuffer(this: &Value) -> PyResult<Value> {
    body(this)?.check_open()?;
    let exporter =
        new_object(BytesIoBuffer { header: Header::new(&BYTES_IO_BUFFER), source: ValueCell::new(Some(this.clone())) });
    call::call(&MEMORY_VIEW.value(), &[exporter])
}

fn getvalue(this: &BytesIo) -> PyResult<Value> {
    this.check_open()?;
    Ok(this.value())
}

/// A position, for a type whose positions are `Py_ssize_t`.
fn seek(this: &BytesIo, pos: isize, whence: Option<i32>) -> PyResult<usize> {
    this.check_open()?;
    let whence = whence.unwrap_or(0);
    if pos < 0 && whence == 0 {
        return Err(value_error(format!("negative seek value {pos}")));
    }
    let from = match whence {
        0 => 0,
        1 => this.pos.get(),
        2 => this.len(),
        _ => return Err(value_error(format!("invalid whence ({whence}, should be 0, 1 or 2)"))),
    };
    let Some(sum) = (from as isize).checked_add(pos) else { return Err(overflow_error("new position too large")) };
    let pos = sum.max(0) as usize;
    this.pos.set(pos);
    Ok(pos)
}

fn truncate(this: &BytesIo, size: Option<Size2>) -> PyResult<usize> {
    this.check_open()?;
    this.check_exports()?;
    let size = match size.and_then(|size| size.0) {
        None => this.pos.get(),
        Some(size) => usize::try_from(size).map_err(|_| value_error(format!("negative size value {size}")))?,
    };
    if size < this.len() {
        this.own_contents();
        this.own.with_mut(|bytes| bytes.truncate(size));
    }
    Ok(size)
}

/// A size that may be None, negative ones being errors.
pub(super) struct Size2(pub Option<isize>);

impl crate::object::native::FromArg for Size2 {
    type Out<'a> = Size2;
    fn from_arg(value: &Value, at: crate::object::native::At) -> PyResult<Size2> {
        if value.is_none() { Ok(Size2(None)) } else { Size::from_arg(value, at).map(|size| Size2(Some(size.0))) }
    }
}

/// An object's `__dict__`, when it was ever used.
pub(super) fn own_dict(this: &Value) -> Option<Value> {
    let attrs = Attrs::of(this)?;
    attrs.dict().or_else(|| (attrs.raw_parts().1 > 0).then(|| attrs.make_dict(this.ty())))
}

/// The last item of a pickled state: a copy of the dict, or None.
pub(super) fn dict_state(this: &Value) -> PyResult<Value> {
    own_dict(this).and_then(|dict| dict.downcast::<Dict>().map(Dict::copied)).unwrap_or(Ok(Value::NONE))
}

/// Puts the attributes of a pickled state back.
pub(super) fn restore_dict(this: &Value, state: &Value, item: &str) -> PyResult<()> {
    if state.is_none() {
        return Ok(());
    }
    let Some(state) = state.downcast::<Dict>() else {
        return Err(type_error(format!("{item} item of state should be a dict, got a {}", state.ty().name())));
    };
    for (key, value) in state.items() {
        attribute::set(this, &key, Some(&value))?;
    }
    Ok(())
}

/// A position of a pickled state.
pub(super) fn position_state(state: &Value, item: &str, verb: &str) -> PyResult<usize> {
    if !int::is_int(state) {
        return Err(type_error(format!("{item} item of state must be an integer, {verb} {}", state.ty().name())));
    }
    usize::try_from(number::index_to_isize(state)?).map_err(|_| value_error("position value cannot be negative"))
}

fn getstate(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    body.check_open()?;
    Ok(Tuple::from_vec(vec![body.value(), Value::int(body.pos.get() as i64), dict_state(this)?]))
}

fn setstate(this: &Value, state: &Value) -> PyResult<()> {
    let body = body(this)?;
    let items = match state.downcast::<Tuple>().map(Tuple::as_slice) {
        Some(items) if items.len() >= 3 => items,
        _ => {
            return Err(type_error(format!(
                "{}.__setstate__ argument should be 3-tuple, got {}",
                this.ty().name(),
                state.ty().name()
            )));
        }
    };
    body.check_exports()?;
    body.check_open()?;
    body.own.set(Vec::new());
    body.shared.set(None);
    body.pos.set(0);
    write(body, &items[0])?;
    body.pos.set(position_state(&items[1], "second", "not")?);
    restore_dict(this, &items[2], "third")
}

fn sizeof(this: &Value) -> PyResult<i64> {
    let body = body(this)?;
    // The contents are a bytes object in CPython, 33 bytes more than they are long; the empty one is shared.
    let is_shared = body.shared.is_some() || body.closed.get() || body.own.is_empty();
    let contents = if is_shared { 0 } else { body.own.len() as i64 + 33 };
    Ok(layout::of(this.ty()).basic_size + contents)
}
