//! `_io._IOBase` and the bases of raw, buffered and text streams.

use super::{Size, unsupported};
use crate::gc::Visit;
use crate::method;
use crate::modules::warnings;
use crate::name;
use crate::object::buffer::{Buffer, Request};
use crate::object::error::{PyResult, Raised};
use crate::object::header::{Header, new_instance};
use crate::object::native::{GetSet, Method};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, attribute, call, iter, number, sequence, text};
use crate::types::bytearray::Bytearray;
use crate::types::bytes::Bytes;
use crate::types::exceptions::{
    self, BaseException, OS_ERROR, RESOURCE_WARNING, WARNING, os_error, runtime_error, type_error, value_error,
};
use crate::types::list::List;
use crate::types::tuple::Tuple;
use crate::types::type_;

/// The body of a stream that has no fields of its own: it is there for classes to derive from.
#[repr(C)]
pub struct IoBase {
    header: Header,
}

payload!(IoBase, IO_BASE, {
    const GC: bool = true;
    /// Nothing but attributes, which are not the body's.
    fn traverse(&self, _visit: Visit<'_>) {}
});

/// The type object of `_io._IOBase`.
pub static IO_BASE: TypeObject = TypeObject::define::<IoBase>("_io._IOBase")
    .flags(TypeFlags::BASE)
    .with_attributes()
    .with_weakrefs()
    .slots(Slots {
        new: Some(|class, _, _| match class.downcast::<TypeObject>() {
            Some(ty) => Ok(new_instance(ty, IoBase { header: Header::new(ty) })),
            None => Err(type_error("expected a type")),
        }),
        finalize: Some(finalize),
        iter: Some(|this| {
            check_closed(this)?;
            Ok(this.clone())
        }),
        next: Some(next),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(&[
        GetSet::new("__dict__", type_::object_dict, type_::set_builtin_dict),
        GetSet::read_only("closed", |this| Ok(Value::bool(is_marked_closed(this)?))),
    ])
    .doc(IO_BASE_DOC);

const METHODS: &[Method] = &[
    method!(
        seek,
        "!seek($self, *args)",
        "Change stream position.\n\nChange the stream position to the given byte offset. The offset is\ninterpreted relative to the position indicated by whence.  Values\nfor whence are:\n\n* 0 -- start of stream (the default); offset should be zero or positive\n* 1 -- current stream position; offset may be negative\n* 2 -- end of stream; offset is usually negative\n\nReturn the new absolute position."
    ),
    method!(tell, "tell($self, /)", "Return current stream position."),
    method!(
        truncate,
        "!truncate($self, *args)",
        "Truncate file to size bytes.\n\nFile pointer is left unchanged.  Size defaults to the current IO\nposition as reported by tell().  Returns the new size."
    ),
    method!(
        flush,
        "flush($self, /)",
        "Flush write buffers, if applicable.\n\nThis is not implemented for read-only and non-blocking streams."
    ),
    method!(
        close,
        "close($self, /)",
        "Flush and close the IO object.\n\nThis method has no effect if the file is already closed."
    ),
    method!(
        no,
        "seekable($self, /)",
        "Return whether object supports random access.\n\nIf False, seek(), tell() and truncate() will raise OSError.\nThis method may need to do a test seek()."
    ),
    method!(
        no,
        "readable($self, /)",
        "Return whether object was opened for reading.\n\nIf False, read() will raise OSError."
    ),
    method!(
        no,
        "writable($self, /)",
        "Return whether object was opened for writing.\n\nIf False, write() will raise OSError."
    ),
    method!(check_closed_method, "!_checkClosed($self, *args)", ""),
    method!(check_seekable_method, "!_checkSeekable($self, *args)", ""),
    method!(check_readable_method, "!_checkReadable($self, *args)", ""),
    method!(check_writable_method, "!_checkWritable($self, *args)", ""),
    method!(
        fileno,
        "fileno($self, /)",
        "Returns underlying file descriptor if one exists.\n\nOSError is raised if the IO object does not use a file descriptor."
    ),
    method!(
        isatty,
        "isatty($self, /)",
        "Return whether this is an 'interactive' stream.\n\nReturn False if it can't be determined."
    ),
    method!(enter, "!__enter__($self, /)", ""),
    method!(exit, "!__exit__($self, *args)", ""),
    method!(
        readline,
        "readline($self, size=-1, /)",
        "Read and return a line from the stream.\n\nIf size is specified, at most size bytes will be read.\n\nThe line terminator is always b'\\n' for binary files; for text\nfiles, the newlines argument to open can be used to select the line\nterminator(s) recognized."
    ),
    method!(
        readlines,
        "readlines($self, hint=-1, /)",
        "Return a list of lines from the stream.\n\nhint can be specified to control the number of lines read: no more\nlines will be read if the total size (in bytes/characters) of all\nlines so far exceeds hint."
    ),
    method!(
        writelines,
        "writelines($self, lines, /)",
        "Write a list of lines to stream.\n\nLine separators are not added, so it is usual for each of the\nlines provided to have a line separator at the end."
    ),
];
const IO_BASE_DOC: &str = "The abstract base class for all I/O classes, acting on streams of\nbytes. There is no public constructor.\n\nThis class provides dummy implementations for many methods that\nderived classes can override selectively; the default implementations\nrepresent a file that cannot be read, written or seeked.\n\nEven though IOBase does not declare read, readinto, or write because\ntheir signatures will vary, implementations and clients should\nconsider those methods part of the interface. Also, implementations\nmay raise UnsupportedOperation when operations they do not support are\ncalled.\n\nThe basic type used for binary data read from or written to a file is\nbytes. Other bytes-like objects are accepted as method arguments too.\nIn some cases (such as readinto), a writable object is required. Text\nI/O classes work with str data.\n\nNote that calling any method (except additional calls to close(),\nwhich are ignored) on a closed stream should raise a ValueError.\n\nIOBase (and its subclasses) support the iterator protocol, meaning\nthat an IOBase object can be iterated over yielding the lines in a\nstream.\n\nIOBase also supports the :keyword:`with` statement. In this example,\nfp is closed after the suite of the with statement is complete:\n\nwith open('spam.txt', 'r') as fp:\n    fp.write('Spam and eggs!')\n";

/// The type object of `_io._RawIOBase`.
pub static RAW_IO_BASE: TypeObject = TypeObject::define::<IoBase>("_io._RawIOBase")
    .base(&IO_BASE)
    .flags(TypeFlags::BASE)
    .methods(RAW_METHODS)
    .doc(RAW_IO_BASE_DOC);

const RAW_METHODS: &[Method] = &[
    method!(raw_read, "read($self, size=-1, /)", ""),
    method!(raw_readall, "readall($self, /)", "Read until EOF, using multiple read() call."),
    method!(raw_readinto, "!readinto($self, *args)", ""),
    method!(raw_readinto, "!write($self, *args)", ""),
];
const RAW_IO_BASE_DOC: &str = "Base class for raw binary I/O.";

/// The type object of `_io._BufferedIOBase`.
pub static BUFFERED_IO_BASE: TypeObject = TypeObject::define::<IoBase>("_io._BufferedIOBase")
    .base(&IO_BASE)
    .flags(TypeFlags::BASE)
    .methods(BUFFERED_METHODS)
    .doc(BUFFERED_IO_BASE_DOC);

const BUFFERED_METHODS: &[Method] = &[
    method!(
        buffered_detach,
        "detach($self, /)",
        "Disconnect this buffer from its underlying raw stream and return it.\n\nAfter the raw stream has been detached, the buffer is in an unusable\nstate."
    ),
    method!(
        buffered_read,
        "!read($self, *args)",
        "Read and return up to n bytes.\n\nIf the argument is omitted, None, or negative, reads and\nreturns all data until EOF.\n\nIf the argument is positive, and the underlying raw stream is\nnot 'interactive', multiple raw reads may be issued to satisfy\nthe byte count (unless EOF is reached first).  But for\ninteractive raw streams (as well as sockets and pipes), at most\none raw read will be issued, and a short result does not imply\nthat EOF is imminent.\n\nReturns an empty bytes object on EOF.\n\nReturns None if the underlying raw stream was open in non-blocking\nmode and no data is available at the moment.\n"
    ),
    method!(
        buffered_read1,
        "!read1($self, *args)",
        "Read and return up to n bytes, with at most one read() call\nto the underlying raw stream. A short result does not imply\nthat EOF is imminent.\n\nReturns an empty bytes object on EOF.\n"
    ),
    method!(buffered_readinto, "readinto($self, buffer, /)", ""),
    method!(buffered_readinto1, "readinto1($self, buffer, /)", ""),
    method!(
        buffered_write,
        "!write($self, *args)",
        "Write the given buffer to the IO stream.\n\nReturns the number of bytes written, which is always the length of b\nin bytes.\n\nRaises BlockingIOError if the buffer is full and the\nunderlying raw stream cannot accept more data at the moment.\n"
    ),
];
const BUFFERED_IO_BASE_DOC: &str = "Base class for buffered IO objects.\n\nThe main difference with RawIOBase is that the read() method\nsupports omitting the size argument, and does not have a default\nimplementation that defers to readinto().\n\nIn addition, read(), readinto() and write() may raise\nBlockingIOError if the underlying raw stream is in non-blocking\nmode and not ready; unlike their raw counterparts, they will never\nreturn None.\n\nA typical implementation should not inherit from a RawIOBase\nimplementation, but wrap one.\n";

/// The type object of `_io._TextIOBase`.
pub static TEXT_IO_BASE: TypeObject = TypeObject::define::<IoBase>("_io._TextIOBase")
    .base(&IO_BASE)
    .flags(TypeFlags::BASE)
    .methods(TEXT_METHODS)
    .getset(&[
        GetSet::read_only("encoding", |_| Ok(Value::NONE))
            .with_doc("Encoding of the text stream.\n\nSubclasses should override.\n"),
        GetSet::read_only("newlines", |_| Ok(Value::NONE)).with_doc(
            "Line endings translated so far.\n\nOnly line endings translated during reading are considered.\n\nSubclasses should override.\n",
        ),
        GetSet::read_only("errors", |_| Ok(Value::NONE))
            .with_doc("The error setting of the decoder or encoder.\n\nSubclasses should override.\n"),
    ])
    .doc(TEXT_IO_BASE_DOC);

const TEXT_METHODS: &[Method] = &[
    method!(
        text_unsupported_detach,
        "!detach($self, /)",
        "Separate the underlying buffer from the TextIOBase and return it.\n\nAfter the underlying buffer has been detached, the TextIO is in an\nunusable state.\n"
    ),
    method!(
        buffered_read,
        "!read($self, *args)",
        "Read at most n characters from stream.\n\nRead from underlying buffer until we have n characters or we hit EOF.\nIf n is negative or omitted, read until EOF.\n"
    ),
    method!(
        text_unsupported_readline,
        "!readline($self, *args)",
        "Read until newline or EOF.\n\nReturns an empty string if EOF is hit immediately.\n"
    ),
    method!(
        buffered_write,
        "!write($self, *args)",
        "Write string to stream.\nReturns the number of characters written (which is always equal to\nthe length of the string).\n"
    ),
];
const TEXT_IO_BASE_DOC: &str = "Base class for text I/O.\n\nThis class provides a character and line based interface to stream\nI/O. There is no readinto method because Python's character strings\nare immutable. There is no public constructor.\n";

/// Tells of a file that was never closed. As `fileio_dealloc_warn`.
pub(super) fn warn_unclosed(source: &Value) {
    let Ok(shown) = text::repr_string(source) else { return };
    if let Err(raised) = warnings::warn_about(&RESOURCE_WARNING, &format!("unclosed file {shown}"), 1, source)
        && exceptions::is_instance(&raised, &WARNING)
    {
        crate::vm::thread::report_unraisable(raised, source);
    }
}

/// Closes a stream that dies. As `iobase_finalize`.
fn finalize(this: &Value) {
    let closed = attribute::lookup(this, name!("closed"));
    let closed = match closed {
        Ok(Some(closed)) => number::truth(&closed).unwrap_or(false),
        Ok(None) | Err(_) => return finalize_open(this),
    };
    if !closed {
        finalize_open(this);
    }
}

fn finalize_open(this: &Value) {
    let _streams_without_the_field_go_on = attribute::set(this, name!("_finalizing"), Some(&Value::TRUE));
    // Without development mode, CPython says nothing either.
    let _silent = call::call_method(this, name!("close"), &[]);
}

/// Whether `_IOBase.close` has run.
fn is_marked_closed(this: &Value) -> PyResult<bool> {
    Ok(attribute::lookup(this, name!("__IOBase_closed"))?.is_some())
}

/// The error of an operation on a closed stream.
#[cold]
pub(super) fn closed_error() -> Raised {
    value_error("I/O operation on closed file.")
}

/// Asks the attribute `closed`.
pub(super) fn check_closed(this: &Value) -> PyResult<()> {
    match attribute::lookup(this, name!("closed"))? {
        Some(closed) if number::truth(&closed)? => Err(closed_error()),
        _ => Ok(()),
    }
}

/// As `_PyIOBase_check_readable` and its kin: the stream's own method decides.
fn check_capable(this: &Value, method: &Value, message: &str) -> PyResult<Value> {
    let capable = call::call_method(this, method, &[])?;
    if capable.is_true() { Ok(capable) } else { Err(unsupported(message)) }
}

pub(super) fn check_seekable(this: &Value) -> PyResult<Value> {
    check_capable(this, name!("seekable"), "File or stream is not seekable.")
}

pub(super) fn check_readable(this: &Value) -> PyResult<Value> {
    check_capable(this, name!("readable"), "File or stream is not readable.")
}

pub(super) fn check_writable(this: &Value) -> PyResult<Value> {
    check_capable(this, name!("writable"), "File or stream is not writable.")
}

fn check_closed_method(this: &Value, _args: &Tuple) -> PyResult<()> {
    check_closed(this)
}

fn check_seekable_method(this: &Value, _args: &Tuple) -> PyResult<Value> {
    check_seekable(this)
}

fn check_readable_method(this: &Value, _args: &Tuple) -> PyResult<Value> {
    check_readable(this)
}

fn check_writable_method(this: &Value, _args: &Tuple) -> PyResult<Value> {
    check_writable(this)
}

fn seek(_this: &Value, _args: &Tuple) -> PyResult<()> {
    Err(unsupported("seek"))
}

fn tell(this: &Value) -> PyResult<Value> {
    call::call_method(this, name!("seek"), &[Value::int(0), Value::int(1)])
}

fn truncate(_this: &Value, _args: &Tuple) -> PyResult<()> {
    Err(unsupported("truncate"))
}

fn flush(this: &Value) -> PyResult<()> {
    if is_marked_closed(this)? { Err(closed_error()) } else { Ok(()) }
}

fn close(this: &Value) -> PyResult<()> {
    if is_marked_closed(this)? {
        return Ok(());
    }
    let flushed = call::call_method(this, name!("flush"), &[]);
    let marked = attribute::set(this, name!("__IOBase_closed"), Some(&Value::TRUE));
    chain(flushed.map(drop), marked)
}

/// Both results of two operations in turn: a second error has the first as its context. As `_PyErr_ChainExceptions`.
pub(super) fn chain(first: PyResult<()>, second: PyResult<()>) -> PyResult<()> {
    match (first, second) {
        (Err(first), Err(second)) => {
            if let Some(body) = second.value().downcast::<BaseException>()
                && !second.value().is(first.value())
            {
                body.set_context(Some(first.into_value()));
            }
            Err(second)
        }
        (first, second) => first.and(second),
    }
}

fn no(_this: &Value) -> bool {
    false
}

fn fileno(_this: &Value) -> PyResult<()> {
    Err(unsupported("fileno"))
}

fn isatty(this: &Value) -> PyResult<bool> {
    check_closed(this)?;
    Ok(false)
}

fn enter(this: &Value) -> PyResult<Value> {
    check_closed(this)?;
    Ok(this.clone())
}

fn exit(this: &Value, _args: &Tuple) -> PyResult<Value> {
    call::call_method(this, name!("close"), &[])
}

/// The bytes that a method of a Python stream returned, which has to be bytes.
fn returned_bytes<'a>(value: &'a Value, method: &str) -> PyResult<&'a [u8]> {
    match value.downcast::<Bytes>() {
        Some(bytes) => Ok(bytes.as_slice()),
        None => {
            let found = value.ty().name();
            Err(exceptions::raise(&OS_ERROR, format!("{method}() should have returned a bytes object, not '{found}'")))
        }
    }
}

/// As `_io__IOBase_readline_impl`: by `peek` where there is one, else byte by byte.
fn readline(this: &Value, size: Option<Size>) -> PyResult<Value> {
    let limit = size.and_then(Size::limit);
    let peek = attribute::lookup(this, name!("peek"))?;
    let mut line: Vec<u8> = Vec::new();
    while limit.is_none_or(|limit| line.len() < limit) {
        let mut wanted = 1;
        if let Some(peek) = &peek {
            let ahead = match call::call(peek, &[Value::int(1)]) {
                Ok(ahead) => ahead,
                Err(raised) if is_interrupted(&raised) => continue,
                Err(raised) => return Err(raised),
            };
            let ahead = returned_bytes(&ahead, "peek")?;
            if !ahead.is_empty() {
                let most = limit.map_or(ahead.len(), |limit| ahead.len().min(limit - line.len()));
                let ahead = ahead.get(..most).unwrap_or_default();
                wanted = memchr::memchr(b'\n', ahead).map_or(most, |at| at + 1);
            }
        }
        let piece = match call::call_method(this, name!("read"), &[Value::int(wanted as i64)]) {
            Ok(piece) => piece,
            Err(raised) if is_interrupted(&raised) => continue,
            Err(raised) => return Err(raised),
        };
        let piece = returned_bytes(&piece, "read")?;
        if piece.is_empty() {
            break;
        }
        line.extend_from_slice(piece);
        if line.last() == Some(&b'\n') {
            break;
        }
    }
    Ok(Bytes::new_value(&line))
}

/// Whether a signal interrupted the call: an OSError with EINTR. As `_PyIO_trap_eintr`.
pub(super) fn is_interrupted(raised: &Raised) -> bool {
    raised.value().ty().is_subtype(&OS_ERROR)
        && raised.value().downcast::<BaseException>().and_then(os_error::errno_of) == Some(libc::EINTR.into())
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let line = call::call_method(this, name!("readline"), &[])?;
    Ok(if sequence::len(&line)? == 0 { None } else { Some(line) })
}

fn readlines(this: &Value, hint: Option<Size>) -> PyResult<Value> {
    let hint = hint.and_then(Size::limit).filter(|&hint| hint > 0);
    let mut lines = Vec::new();
    let mut total = 0usize;
    let iterator = iter::iter(this)?;
    while let Some(line) = iter::next(&iterator)? {
        let len = match hint {
            Some(_) => sequence::len(&line)?,
            None => 0,
        };
        lines.push(line);
        total = total.saturating_add(len);
        if hint.is_some_and(|hint| total > hint) {
            break;
        }
    }
    Ok(List::from_vec(lines))
}

fn writelines(this: &Value, lines: &Value) -> PyResult<()> {
    check_closed(this)?;
    let iterator = iter::iter(lines)?;
    while let Some(line) = iter::next(&iterator)? {
        loop {
            match call::call_method(this, name!("write"), std::slice::from_ref(&line)) {
                Ok(_) => break,
                Err(raised) if is_interrupted(&raised) => {}
                Err(raised) => return Err(raised),
            }
        }
    }
    Ok(())
}

fn raw_read(this: &Value, size: Option<isize>) -> PyResult<Value> {
    let size = match usize::try_from(size.unwrap_or(-1)) {
        Ok(size) => size,
        Err(_) => return call::call_method(this, name!("readall"), &[]),
    };
    let mut bytes = Vec::new();
    if bytes.try_reserve_exact(size).is_err() {
        return Err(crate::object::value_vec::no_memory());
    }
    bytes.resize(size, 0);
    let array = Bytearray::new_value(bytes);
    let count = call::call_method(this, name!("readinto"), std::slice::from_ref(&array))?;
    if count.is_none() {
        return Ok(count);
    }
    let count = number::index_to_isize(&count)?;
    let Some(array) = array.downcast::<Bytearray>() else { return Ok(Value::NONE) };
    // As PyByteArray_AsString with PyBytes_FromStringAndSize: what is said to be there has to be.
    match usize::try_from(count) {
        Ok(count) if count <= array.len() => {
            Ok(array.with(|bytes| Bytes::new_value(bytes.get(..count).unwrap_or_default())))
        }
        _ => Err(value_error(format!("readinto returned {count} outside buffer size {size}"))),
    }
}

/// What CPython reads at a time when it reads all.
const CHUNK: i64 = 8192;

fn raw_readall(this: &Value) -> PyResult<Value> {
    let mut all: Vec<u8> = Vec::new();
    let mut any = false;
    loop {
        let piece = match call::call_method(this, name!("read"), &[Value::int(CHUNK)]) {
            Ok(piece) => piece,
            Err(raised) if is_interrupted(&raised) => continue,
            Err(raised) => return Err(raised),
        };
        if piece.is_none() {
            if !any {
                return Ok(piece);
            }
            break;
        }
        let Some(bytes) = piece.downcast::<Bytes>() else { return Err(type_error("read() should return bytes")) };
        if bytes.as_slice().is_empty() {
            break;
        }
        any = true;
        all.extend_from_slice(bytes.as_slice());
    }
    Ok(Bytes::new_value(&all))
}

fn raw_readinto(_this: &Value, _args: &Tuple) -> PyResult<()> {
    Err(Raised::new(exceptions::instantiate(&exceptions::NOT_IMPLEMENTED_ERROR, Vec::new())))
}

fn buffered_detach(_this: &Value) -> PyResult<()> {
    Err(unsupported("detach"))
}

fn buffered_read(_this: &Value, _args: &Tuple) -> PyResult<()> {
    Err(unsupported("read"))
}

fn buffered_read1(_this: &Value, _args: &Tuple) -> PyResult<()> {
    Err(unsupported("read1"))
}

fn buffered_write(_this: &Value, _args: &Tuple) -> PyResult<()> {
    Err(unsupported("write"))
}

fn buffered_readinto(this: &Value, buffer: &Value) -> PyResult<usize> {
    read_into(this, buffer, name!("read"), "readinto")
}

fn buffered_readinto1(this: &Value, buffer: &Value) -> PyResult<usize> {
    read_into(this, buffer, name!("read1"), "readinto1")
}

/// As `_bufferediobase_readinto_generic`.
fn read_into(this: &Value, buffer: &Value, method: &Value, function: &str) -> PyResult<usize> {
    let buffer = writable_buffer(buffer, function)?;
    let data = call::call_method(this, method, &[Value::int(buffer.len() as i64)])?;
    let Some(bytes) = data.downcast::<Bytes>() else { return Err(type_error("read() should return bytes")) };
    let bytes = bytes.as_slice();
    if bytes.len() > buffer.len() {
        return Err(value_error(format!(
            "read() returned too much data: {} bytes requested, {} returned",
            buffer.len(),
            bytes.len()
        )));
    }
    buffer.with_items_mut(|place| {
        if let Some(place) = place.get_mut(..bytes.len()) {
            place.copy_from_slice(bytes);
        }
    });
    Ok(bytes.len())
}

/// The memory of an argument that is to be written to. As the format unit `w*`.
pub(super) fn writable_buffer(value: &Value, function: &str) -> PyResult<Buffer> {
    match Buffer::get(value, Request::Writable) {
        Ok(Some(buffer)) => Ok(buffer),
        _ => Err(type_error(format!(
            "{function}() argument must be read-write bytes-like object, not {}",
            if value.is_none() { "None" } else { value.ty().name() }
        ))),
    }
}

fn text_unsupported_detach(_this: &Value) -> PyResult<()> {
    Err(unsupported("detach"))
}

fn text_unsupported_readline(_this: &Value, _args: &Tuple) -> PyResult<()> {
    Err(unsupported("readline"))
}

/// The error of a buffered or text stream whose `__init__` has not run, or whose stream has been detached.
#[cold]
pub(super) fn uninitialized() -> Raised {
    value_error("I/O operation on uninitialized object")
}

/// The error of a repr that comes back to itself.
#[cold]
pub(super) fn reentrant_repr(this: &Value) -> Raised {
    runtime_error(format!("reentrant call inside {}.__repr__", this.ty().name()))
}
