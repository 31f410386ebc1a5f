//! The module `mmap`: files in memory.

mod system;

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::arguments::Data;
use crate::modules::arguments::{body, class_or, nameless};
use crate::modules::blocking::blocking;
use crate::modules::posix::system as files;
use crate::modules::sys::audit;
use crate::name;
use crate::object::buffer::{Buffer, Exporter, Layout, Request, not_writable};
use crate::object::error::{PyResult, Raised};
use crate::object::header::{Header, new_instance};
use crate::object::native::{At, FromArg, GetSet, Method, c_int, ssize};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, attribute, call, number};
use crate::types::bytes::Bytes;
use crate::types::exceptions::{
    OS_ERROR, buffer_error, index_error, os_error, overflow_error, type_error, value_error,
};
use crate::types::int;
use crate::types::slice::{self, Slice};
use crate::types::tuple::Tuple;
use memchr::memmem;
use std::cell::Cell;
use std::ops::Deref;
use system::Map;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "mmap",
    doc: "",
    functions: &[],
    fill: |dict| {
        for &(name, value) in CONSTANTS {
            dict.set_text(name, Value::int(value));
        }
        let page = Value::int(system::page_size() as i64);
        dict.set_text("PAGESIZE", page.clone());
        dict.set_text("ALLOCATIONGRANULARITY", page);
        dict.set_text("error", OS_ERROR.value());
        dict.set_text("mmap", MMAP.value());
        Ok(())
    },
};

const CONSTANTS: &[(&str, i64)] = &[
    ("ACCESS_COPY", 3),
    ("ACCESS_DEFAULT", 0),
    ("ACCESS_READ", 1),
    ("ACCESS_WRITE", 2),
    ("MADV_DODUMP", 17),
    ("MADV_DOFORK", 11),
    ("MADV_DONTDUMP", 16),
    ("MADV_DONTFORK", 10),
    ("MADV_DONTNEED", 4),
    ("MADV_FREE", 8),
    ("MADV_HUGEPAGE", 14),
    ("MADV_HWPOISON", 100),
    ("MADV_MERGEABLE", 12),
    ("MADV_NOHUGEPAGE", 15),
    ("MADV_NORMAL", 0),
    ("MADV_RANDOM", 1),
    ("MADV_REMOVE", 9),
    ("MADV_SEQUENTIAL", 2),
    ("MADV_UNMERGEABLE", 13),
    ("MADV_WILLNEED", 3),
    ("MAP_ANON", 32),
    ("MAP_ANONYMOUS", 32),
    ("MAP_DENYWRITE", 2048),
    ("MAP_EXECUTABLE", 4096),
    ("MAP_PRIVATE", 2),
    ("MAP_SHARED", 1),
    ("PROT_EXEC", 4),
    ("PROT_READ", 1),
    ("PROT_WRITE", 2),
];

/// What a program may do with the bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Default,
    Read,
    Write,
    Copy,
}

/// The body of an mmap object.
#[repr(C)]
pub struct Mmap {
    header: Header,
    /// Empty when closed, and while the bytes are looked at.
    map: Cell<Option<Map>>,
    is_open: Cell<bool>,
    size: Cell<usize>,
    position: Cell<usize>,
    /// Views of the bytes; while there are any, they stay where they are.
    exports: Cell<usize>,
    /// A descriptor of the file; -1 for none.
    fd: Cell<i32>,
    offset: i64,
    access: Access,
}

payload!(Mmap, MMAP);

impl Drop for Mmap {
    fn drop(&mut self) {
        self.close_file();
    }
}

/// The type object of `mmap.mmap`.
pub static MMAP: TypeObject = TypeObject::define::<Mmap>("mmap.mmap")
    .flags(TypeFlags::BASE)
    .with_weakrefs()
    .slots(Slots {
        new: Some(new),
        getattr: Some(attribute::generic_get),
        length: Some(|this| Ok(open(this)?.size.get())),
        getitem: Some(getitem),
        setitem: Some(setitem),
        item: Some(item),
        buffer: Some(&EXPORTER),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(&[GetSet::read_only("closed", |this| Ok(Value::bool(!body::<Mmap>(this)?.is_open.get())))])
    .doc("Windows: mmap(fileno, length[, tagname[, access[, offset]]])\n\nMaps length bytes from the file specified by the file handle fileno,\nand returns a mmap object.  If length is larger than the current size\nof the file, the file is extended to contain length bytes.  If length\nis 0, the maximum length of the map is the current size of the file,\nexcept that if the file is empty Windows raises an exception (you cannot\ncreate an empty mapping on Windows).\n\nUnix: mmap(fileno, length[, flags[, prot[, access[, offset]]]])\n\nMaps length bytes from the file specified by the file descriptor fileno,\nand returns a mmap object.  If length is 0, the maximum length of the map\nwill be the current size of the file when mmap is called.\nflags specifies the nature of the mapping. MAP_PRIVATE creates a\nprivate copy-on-write mapping, so changes to the contents of the mmap\nobject will be private to this process, and MAP_SHARED creates a mapping\nthat's shared with all other processes mapping the same areas of the file.\nThe default value is MAP_SHARED.\n\nTo map anonymous memory, pass -1 as the fileno (both versions).");

const METHODS: &[Method] = &[
    method!(close, "!close($self)", ""),
    method!(find, "%find($self, sub, start=0, end=0, /)", ""),
    method!(rfind, "%rfind($self, sub, start=0, end=0, /)", ""),
    method!(flush, "%flush($self, offset=0, size=0, /)", ""),
    method!(madvise, "%madvise($self, option, start=0, length=0, /)", ""),
    method!(move_, "%move($self, dest, src, count, /)", ""),
    method!(read, "%read($self, n=None, /)", ""),
    method!(read_byte, "!read_byte($self)", ""),
    method!(readline, "!readline($self)", ""),
    method!(resize, "%resize($self, newsize, /)", ""),
    method!(seek, "%seek($self, pos, whence=0, /)", ""),
    method!(size, "!size($self)", ""),
    method!(tell, "!tell($self)", ""),
    method!(write, "%write($self, bytes, /)", ""),
    method!(write_byte, "%write_byte($self, byte, /)", ""),
    method!(enter, "!__enter__($self)", ""),
    method!(exit, "!__exit__($self, /, *args)", ""),
];

#[cold]
fn closed() -> Raised {
    value_error("mmap closed or invalid")
}

/// The body of an object that is open. As `CHECK_VALID`.
fn open(this: &Value) -> PyResult<Open<'_>> {
    let body = body::<Mmap>(this)?;
    if body.is_open.get() { Ok(Open(body)) } else { Err(closed()) }
}

/// An object that was open when the arguments were looked at.
struct Open<'b>(&'b Mmap);

impl Deref for Open<'_> {
    type Target = Mmap;
    fn deref(&self) -> &Mmap {
        self.0
    }
}

impl FromArg for Open<'_> {
    type Out<'a> = Open<'a>;
    fn from_arg(value: &Value, at: At) -> PyResult<Open<'_>> {
        let body = <&Mmap as FromArg>::from_arg(value, at)?;
        if body.is_open.get() { Ok(Open(body)) } else { Err(closed()) }
    }
}

/// A byte given as an argument: the format unit `b`.
struct Byte(u8);

impl FromArg for Byte {
    type Out<'a> = Byte;
    fn from_arg(value: &Value, _at: At) -> PyResult<Byte> {
        if crate::types::float::to_f64(value).is_some() {
            return Err(type_error("integer argument expected, got float"));
        }
        let number = int::to_i64(&number::integer(value)?)
            .ok_or_else(|| overflow_error("Python int too large to convert to C long"))?;
        u8::try_from(number).map(Byte).map_err(|_| {
            let bound = if number < 0 { "less than minimum" } else { "greater than maximum" };
            overflow_error(format!("unsigned byte integer is {bound}"))
        })
    }
}

/// A number of bytes, or None: as `_Py_convert_optional_to_ssize_t`.
struct Count(Option<isize>);

impl FromArg for Count {
    type Out<'a> = Count;
    fn from_arg(value: &Value, _at: At) -> PyResult<Count> {
        if value.is_none() {
            return Ok(Count(None));
        }
        if !number::is_index(value) {
            return Err(type_error(format!("argument should be integer or None, not '{}'", value.ty().name())));
        }
        let index = number::index(value)?;
        let count = int::to_i64(&index).and_then(|count| isize::try_from(count).ok());
        count
            .map(|count| Count(Some(count)))
            .ok_or_else(|| overflow_error("cannot fit 'int' into an index-sized integer"))
    }
}

fn system_error(errno: i32) -> Raised {
    os_error::from_errno(errno, None)
}

impl Mmap {
    /// Uses the map; nothing when it is closed. The closure runs no Python code.
    fn with_map<R>(&self, act: impl FnOnce(&mut Map) -> R) -> Option<R> {
        let mut map = self.map.take()?;
        let result = act(&mut map);
        self.map.set(Some(map));
        Some(result)
    }

    /// Reads the bytes; none when it is closed.
    fn with_bytes<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        let Some(map) = self.map.take() else { return read(&[]) };
        let result = map.read(read);
        self.map.set(Some(map));
        result
    }

    /// Changes the bytes; none when it is closed.
    fn with_bytes_mut<R>(&self, write: impl FnOnce(&mut [u8]) -> R) -> R {
        let Some(mut map) = self.map.take() else { return write(&mut []) };
        let result = map.write(write);
        self.map.set(Some(map));
        result
    }

    /// Checks that the bytes are there to be read.
    fn check_readable(&self) -> PyResult<()> {
        match self.with_map(|map| (map.is_readable(), map.is_here())) {
            Some((true, true)) => Ok(()),
            Some((false, _)) => Err(system_error(libc::EACCES)),
            Some((_, false)) | None => Err(closed()),
        }
    }

    fn check_writable(&self) -> PyResult<()> {
        if self.access == Access::Read {
            return Err(type_error("mmap can't modify a readonly memory map."));
        }
        self.check_readable()
    }

    /// The part of the bytes from the position on.
    fn rest(&self) -> std::ops::Range<usize> {
        let size = self.size.get();
        self.position.get().min(size)..size
    }

    /// Reads bytes, and sets the position behind them.
    fn take(&self, range: std::ops::Range<usize>) -> PyResult<Value> {
        self.check_readable()?;
        self.position.set(self.position.get().saturating_add(range.len()));
        Ok(self.with_bytes(|bytes| Bytes::new_value(bytes.get(range).unwrap_or_default())))
    }

    fn close_file(&self) {
        let fd = self.fd.replace(-1);
        if fd >= 0 {
            // As CPython, which does not look at the result.
            let _ = files::close(fd);
        }
    }
}

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    const DEFAULT_PROT: i32 = libc::PROT_READ | libc::PROT_WRITE;
    const DEFAULT_FLAGS: i32 = libc::MAP_SHARED;
    let names = ["fileno", "length", "flags", "prot", "access", "offset"];
    let [fd, length, flags, prot, access, offset] = nameless(names, 2, args, kwnames)?;
    let number = |value: &Option<Value>, default: i32| value.as_ref().map_or(Ok(default), |value| c_int(value, true));
    let fd = number(&fd, -1)?;
    let length = length.as_ref().map_or(Ok(0), ssize)?;
    let mut flags = number(&flags, DEFAULT_FLAGS)?;
    let mut prot = number(&prot, DEFAULT_PROT)?;
    let access = number(&access, 0)?;
    let offset = offset.as_ref().map_or(Ok(0), file_offset)?;
    let mut length = usize::try_from(length).map_err(|_| overflow_error("memory mapped length must be positive"))?;
    if offset < 0 {
        return Err(overflow_error("memory mapped offset must be positive"));
    }
    if access != 0 && (flags != DEFAULT_FLAGS || prot != DEFAULT_PROT) {
        return Err(value_error("mmap can't specify both access and flags, prot."));
    }
    let kind = match access {
        0 if prot & DEFAULT_PROT == DEFAULT_PROT => Access::Default,
        0 if prot & libc::PROT_WRITE != 0 => Access::Write,
        0 => Access::Read,
        1 => {
            prot = libc::PROT_READ;
            Access::Read
        }
        2 => Access::Write,
        3 => {
            flags = libc::MAP_PRIVATE;
            Access::Copy
        }
        _ => return Err(value_error("mmap invalid access parameter.")),
    };
    if audit::is_heard() {
        let numbers = [i64::from(fd), length as i64, i64::from(access), offset];
        audit::event("mmap.__new__", &numbers.map(Value::int))?;
    }
    if fd != -1
        && let Ok(status) = files::fstat(fd)
        && status.st_mode & libc::S_IFMT == libc::S_IFREG
    {
        if length == 0 {
            if status.st_size == 0 {
                return Err(value_error("cannot mmap an empty file"));
            }
            if offset >= status.st_size {
                return Err(value_error("mmap offset is greater than file size"));
            }
            length = usize::try_from(status.st_size - offset).unwrap_or(0);
        } else if offset > status.st_size || i64::try_from(length).is_ok_and(|len| status.st_size - offset < len) {
            return Err(value_error("mmap length is greater than file size"));
        }
    }
    let file = if fd == -1 {
        // Memory without a file.
        flags |= libc::MAP_ANONYMOUS;
        -1
    } else {
        files::dup(fd).map_err(system_error)?
    };
    let ty = class_or(class, &MMAP);
    let body = Mmap {
        header: Header::new(ty),
        map: Cell::new(None),
        is_open: Cell::new(true),
        size: Cell::new(length),
        position: Cell::new(0),
        exports: Cell::new(0),
        fd: Cell::new(file),
        offset,
        access: kind,
    };
    body.map.set(Some(Map::new(length, prot, flags, fd, offset).map_err(system_error)?));
    Ok(new_instance(ty, body))
}

/// An offset in a file: the format unit `l`.
fn file_offset(value: &Value) -> PyResult<i64> {
    if crate::types::float::to_f64(value).is_some() {
        return Err(type_error("integer argument expected, got float"));
    }
    int::to_i64(&number::integer(value)?).ok_or_else(|| overflow_error("Python int too large to convert to C long"))
}

static EXPORTER: Exporter = Exporter {
    get: |this, request| {
        let this = open(this)?;
        this.check_readable()?;
        let readonly = this.access == Access::Read;
        if readonly && request == Request::Writable {
            return Err(not_writable());
        }
        this.exports.set(this.exports.get() + 1);
        Ok(Layout::bytes(this.size.get(), readonly))
    },
    release: |this| {
        if let Some(this) = this.downcast::<Mmap>() {
            this.exports.set(this.exports.get().saturating_sub(1));
        }
    },
    read: |this, read| {
        if let Some(this) = this.downcast::<Mmap>() {
            this.with_bytes(read);
        }
    },
    write: |this, write| {
        if let Some(this) = this.downcast::<Mmap>().filter(|this| this.access != Access::Read) {
            this.with_bytes_mut(write);
        }
    },
};

fn close(this: &Mmap) -> PyResult<()> {
    if this.exports.get() > 0 {
        return Err(buffer_error("cannot close exported pointers exist"));
    }
    this.is_open.set(false);
    this.size.set(0);
    this.close_file();
    drop(this.map.take());
    Ok(())
}

fn enter(this: Open) -> Value {
    Value::of(this.0)
}

fn exit(this: &Value, _args: &Tuple) -> PyResult<Value> {
    call::call_method(this, name!("close"), &[])
}

/// The place of a part in the bytes, searched from one end.
fn search(this: &Mmap, part: &[u8], bounds: [Option<isize>; 2], backwards: bool) -> PyResult<Value> {
    if !this.is_open.get() {
        return Err(closed());
    }
    this.check_readable()?;
    let size = this.size.get();
    let place = |bound: Option<isize>, default: usize| match bound {
        None => default,
        Some(bound) if bound < 0 => size.saturating_sub(bound.unsigned_abs()),
        Some(bound) => (bound as usize).min(size),
    };
    let [start, end] = bounds;
    let (start, end) = (place(start, this.position.get().min(size)), place(end, size));
    let found = this.with_bytes(|bytes| {
        let bytes = bytes.get(start..end)?;
        if backwards { memmem::rfind(bytes, part) } else { memmem::find(bytes, part) }
    });
    Ok(Value::int(found.map_or(-1, |at| (start + at) as i64)))
}

fn find(this: Open, part: Data, start: Option<isize>, end: Option<isize>) -> PyResult<Value> {
    search(&this, &part.0, [start, end], false)
}

fn rfind(this: Open, part: Data, start: Option<isize>, end: Option<isize>) -> PyResult<Value> {
    search(&this, &part.0, [start, end], true)
}

fn flush(this: Open, offset: Option<isize>, size: Option<isize>) -> PyResult<()> {
    let all = this.size.get();
    let (offset, size) = (usize::try_from(offset.unwrap_or(0)), size.map_or(Ok(all), usize::try_from));
    let (Ok(offset), Ok(size)) = (offset, size) else { return Err(value_error("flush values out of range")) };
    if all.checked_sub(offset).is_none_or(|rest| rest < size) {
        return Err(value_error("flush values out of range"));
    }
    if matches!(this.access, Access::Read | Access::Copy) {
        return Ok(());
    }
    let sync = this.with_map(|map| map.sync(offset, size)).ok_or_else(closed)?;
    blocking(sync).map_err(system_error)
}

fn madvise(this: Open, option: i32, start: Option<isize>, length: Option<isize>) -> PyResult<()> {
    let size = this.size.get();
    let start = usize::try_from(start.unwrap_or(0)).ok().filter(|&start| start < size);
    let start = start.ok_or_else(|| value_error("madvise start out of bounds"))?;
    let length = length.map_or(Ok(size), usize::try_from).map_err(|_| value_error("madvise length invalid"))?;
    if start.checked_add(length).is_none_or(|end| isize::try_from(end).is_err()) {
        return Err(overflow_error("madvise length too large"));
    }
    this.with_map(|map| map.advise(option, start, length)).ok_or_else(closed)?.map_err(system_error)
}

fn move_(this: Open, to: isize, from: isize, count: isize) -> PyResult<()> {
    this.check_writable()?;
    let out_of_range = || value_error("source, destination, or count out of range");
    let (Ok(to), Ok(from), Ok(count)) = (usize::try_from(to), usize::try_from(from), usize::try_from(count)) else {
        return Err(out_of_range());
    };
    let size = this.size.get();
    let fits = |start: usize| size.checked_sub(start).is_some_and(|rest| rest >= count);
    if !fits(to) || !fits(from) {
        return Err(out_of_range());
    }
    this.with_bytes_mut(|bytes| {
        if from.saturating_add(count) <= bytes.len() && to.saturating_add(count) <= bytes.len() {
            bytes.copy_within(from..from + count, to);
        }
    });
    Ok(())
}

fn read(this: Open, count: Option<Count>) -> PyResult<Value> {
    let mut range = this.rest();
    if let Some(Count(Some(count))) = count
        && let Ok(count) = usize::try_from(count)
        && count < range.len()
    {
        range.end = range.start + count;
    }
    if !this.is_open.get() {
        return Err(closed());
    }
    this.take(range)
}

fn read_byte(this: Open) -> PyResult<Value> {
    let position = this.position.get();
    if position >= this.size.get() {
        return Err(value_error("read byte out of range"));
    }
    this.check_readable()?;
    this.position.set(position + 1);
    Ok(Value::int(this.with_bytes(|bytes| bytes.get(position).copied().unwrap_or(0)).into()))
}

fn readline(this: Open) -> PyResult<Value> {
    let rest = this.rest();
    if rest.is_empty() {
        return Ok(Bytes::new_value(&[]));
    }
    let len = this.with_bytes(|bytes| memchr::memchr(b'\n', bytes.get(rest.clone())?));
    let end = len.map_or(rest.end, |len| rest.start + len + 1);
    this.take(rest.start..end)
}

fn resize(this: Open, size: isize) -> PyResult<()> {
    if !this.is_open.get() {
        return Err(closed());
    }
    if this.exports.get() > 0 {
        return Err(buffer_error("mmap can't resize with extant buffers exported."));
    }
    if !matches!(this.access, Access::Write | Access::Default) {
        return Err(type_error("mmap can't resize a readonly or copy-on-write memory map."));
    }
    let out_of_range = || value_error("new size out of range");
    let size = usize::try_from(size).map_err(|_| out_of_range())?;
    let end = this.offset.checked_add(i64::try_from(size).map_err(|_| out_of_range())?).ok_or_else(out_of_range)?;
    if this.fd.get() != -1 {
        files::ftruncate(this.fd.get(), end).map_err(system_error)?;
    }
    this.with_map(|map| map.resize(size)).ok_or_else(closed)?.map_err(system_error)?;
    this.size.set(size);
    Ok(())
}

fn seek(this: Open, distance: isize, whence: Option<i32>) -> PyResult<()> {
    let size = this.size.get();
    let from = match whence.unwrap_or(0) {
        0 => 0,
        1 => this.position.get(),
        2 => size,
        _ => return Err(value_error("unknown seek type")),
    };
    let position = from.checked_add_signed(distance).filter(|&position| position <= size);
    this.position.set(position.ok_or_else(|| value_error("seek out of range"))?);
    Ok(())
}

fn size(this: Open) -> PyResult<Value> {
    let status = files::fstat(this.fd.get()).map_err(system_error)?;
    Ok(Value::int(status.st_size))
}

fn tell(this: Open) -> usize {
    this.position.get()
}

fn write(this: Open, data: Data) -> PyResult<usize> {
    let data = data.0;
    this.check_writable()?;
    let start = this.position.get();
    if this.size.get().checked_sub(start).is_none_or(|rest| rest < data.len()) {
        return Err(value_error("data out of range"));
    }
    this.with_bytes_mut(|bytes| {
        if let Some(place) = bytes.get_mut(start..start.saturating_add(data.len())) {
            place.copy_from_slice(&data);
        }
    });
    this.position.set(start + data.len());
    Ok(data.len())
}

fn write_byte(this: Open, byte: Byte) -> PyResult<()> {
    this.check_writable()?;
    let position = this.position.get();
    if position >= this.size.get() {
        return Err(value_error("write byte out of range"));
    }
    this.put(position, byte.0);
    this.position.set(position + 1);
    Ok(())
}

impl Mmap {
    fn put(&self, index: usize, byte: u8) {
        self.with_bytes_mut(|bytes| {
            if let Some(place) = bytes.get_mut(index) {
                *place = byte;
            }
        });
    }

    /// The place of a machine index.
    fn place(&self, index: isize) -> PyResult<usize> {
        let size = self.size.get();
        let place = if index < 0 { size.checked_add_signed(index) } else { Some(index as usize) };
        place.filter(|&place| place < size).ok_or_else(|| index_error("mmap index out of range"))
    }
}

/// By machine index, as iteration asks: one byte as bytes.
fn item(this: &Value, index: isize) -> PyResult<Value> {
    let this = open(this)?;
    let size = this.size.get();
    let index = usize::try_from(index).ok().filter(|&index| index < size);
    let index = index.ok_or_else(|| index_error("mmap index out of range"))?;
    this.check_readable()?;
    Ok(this.with_bytes(|bytes| Bytes::new_value(bytes.get(index..index + 1).unwrap_or_default())))
}

fn getitem(this: &Value, key: &Value) -> PyResult<Value> {
    let this = open(this)?;
    if number::is_index(key) {
        let index = this.place(number::index_for_item(key)?)?;
        this.check_readable()?;
        return Ok(Value::int(this.with_bytes(|bytes| bytes.get(index).copied().unwrap_or(0)).into()));
    }
    let Some(slice) = key.exact::<Slice>() else { return Err(type_error("mmap indices must be integers")) };
    let adjusted = slice::unpack(slice)?.adjust(this.size.get());
    if !this.is_open.get() {
        return Err(closed());
    }
    this.check_readable()?;
    Ok(this.with_bytes(|bytes| {
        if adjusted.step == 1 {
            let start = usize::try_from(adjusted.start).unwrap_or(0);
            return Bytes::new_value(bytes.get(start..start + adjusted.count).unwrap_or_default());
        }
        let chosen: Vec<u8> = adjusted.indices().filter_map(|index| bytes.get(index).copied()).collect();
        Bytes::new_value(&chosen)
    }))
}

fn setitem(this: &Value, key: &Value, value: Option<&Value>) -> PyResult<()> {
    let this = open(this)?;
    this.check_writable()?;
    if number::is_index(key) {
        let index = this.place(number::index_for_item(key)?)?;
        let Some(value) = value else { return Err(type_error("mmap doesn't support item deletion")) };
        if !number::is_index(value) {
            return Err(type_error("mmap item value must be an int"));
        }
        let byte = number::index_to_i64(value)?
            .ok_or_else(|| type_error(format!("cannot fit '{}' into an index-sized integer", value.ty().name())))?;
        let byte = u8::try_from(byte).map_err(|_| value_error("mmap item value must be in range(0, 256)"))?;
        if !this.is_open.get() {
            return Err(closed());
        }
        this.put(index, byte);
        return Ok(());
    }
    let Some(slice) = key.exact::<Slice>() else { return Err(type_error("mmap indices must be integer")) };
    let unpacked = slice::unpack(slice)?;
    let Some(value) = value else { return Err(type_error("mmap object doesn't support slice deletion")) };
    let data = Buffer::require(value, Request::Simple)?.to_vec();
    if !this.is_open.get() {
        return Err(closed());
    }
    let adjusted = unpacked.adjust(this.size.get());
    if data.len() != adjusted.count {
        return Err(index_error("mmap slice assignment is wrong size"));
    }
    this.with_bytes_mut(|bytes| {
        for (index, byte) in adjusted.indices().zip(data) {
            if let Some(place) = bytes.get_mut(index) {
                *place = byte;
            }
        }
    });
    Ok(())
}
