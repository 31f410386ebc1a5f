//! `_io.FileIO`: a raw stream over a descriptor.

use super::base::{RAW_IO_BASE, chain, warn_unclosed, writable_buffer};
use super::{Size, call_init, unsupported};
use crate::gc::Visit;
use crate::method;
use crate::modules::blocking::retry;
use crate::modules::posix::{path, system};
use crate::modules::sys::audit;
use crate::name;
use crate::object::error::{PyResult, Raised};
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, GetSet, Method, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::no_memory;
use crate::object::{TypeFlags, TypeObject, attribute, call, number, repr_guard, text};
use crate::types::bytes::Bytes;
use crate::types::exceptions::{os_error, overflow_error, type_error, value_error};
use crate::types::str::Str;
use crate::types::{bytes, int};
use std::cell::Cell;

/// The body of a raw file.
#[repr(C)]
pub struct FileIo {
    header: Header,
    /// -1: closed, or not open yet.
    fd: Cell<i32>,
    created: Cell<bool>,
    readable: Cell<bool>,
    writable: Cell<bool>,
    appending: Cell<bool>,
    /// What `seekable` found out.
    seekable: Cell<Option<bool>>,
    close_fd: Cell<bool>,
    finalizing: Cell<bool>,
    block_size: Cell<u32>,
}

payload!(FileIo, FILE_IO, {
    const GC: bool = true;
    /// Nothing but attributes, which are not the body's.
    fn traverse(&self, _visit: Visit<'_>) {}
});

/// The type object of `_io.FileIO`.
pub static FILE_IO: TypeObject = TypeObject::define::<FileIo>("_io.FileIO")
    .base(&RAW_IO_BASE)
    .flags(TypeFlags::BASE)
    .slots(Slots {
        new: Some(|class, _, _| match class.downcast::<TypeObject>() {
            Some(ty) => Ok(allocate(ty)),
            None => Err(type_error("expected a type")),
        }),
        init: Some(|this, args, kwnames| call_init(&INIT, this, args, kwnames)),
        repr: Some(repr),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(&[
        GetSet::read_only("closed", |this| Ok(Value::bool(body(this)?.fd.get() < 0)))
            .with_doc("True if the file is closed"),
        GetSet::read_only("closefd", |this| Ok(Value::bool(body(this)?.close_fd.get())))
            .with_doc("True if the file descriptor will be closed by close()."),
        GetSet::read_only("mode", |this| Ok(Str::new_value(body(this)?.mode())))
            .with_doc("String giving the file mode"),
        GetSet::new("_blksize", |this| Ok(Value::int(body(this)?.block_size.get().into())), set_block_size).as_member(),
        GetSet::new("_finalizing", |this| Ok(Value::bool(body(this)?.finalizing.get())), set_finalizing).as_member(),
    ])
    .doc(FILE_IO_DOC);

static INIT: Function = Function::new("FileIO($self, file, mode='r', closefd=True, opener=None)", "", thunk(init));

const METHODS: &[Method] = &[
    method!(
        read,
        "read($self, size=-1, /)",
        "Read at most size bytes, returned as bytes.\n\nOnly makes one system call, so less data may be returned than requested.\nIn non-blocking mode, returns None if no data is available.\nReturn an empty bytes object at EOF."
    ),
    method!(
        readall,
        "readall($self, /)",
        "Read all data from the file, returned as bytes.\n\nIn non-blocking mode, returns as much as is immediately available,\nor None if no data is available.  Return an empty bytes object at EOF."
    ),
    method!(readinto, "readinto($self, buffer, /)", "Same as RawIOBase.readinto()."),
    method!(
        write,
        "write($self, b, /)",
        "Write buffer b to file, return number of bytes written.\n\nOnly makes one system call, so not all of the data may be written.\nThe number of bytes actually written is returned.  In non-blocking mode,\nreturns None if the write would block."
    ),
    method!(
        seek,
        "seek($self, pos, whence=0, /)",
        "Move to new file position and return the file position.\n\nArgument offset is a byte count.  Optional argument whence defaults to\nSEEK_SET or 0 (offset from start of file, offset should be >= 0); other values\nare SEEK_CUR or 1 (move relative to current position, positive or negative),\nand SEEK_END or 2 (move relative to end of file, usually negative, although\nmany platforms allow seeking beyond the end of a file).\n\nNote that not all file objects are seekable."
    ),
    method!(tell, "tell($self, /)", "Current file position.\n\nCan raise OSError for non seekable files."),
    method!(
        truncate,
        "truncate($self, size=None, /)",
        "Truncate the file to at most size bytes and return the truncated size.\n\nSize defaults to the current file position, as returned by tell().\nThe current file position is changed to the value of size."
    ),
    method!(
        close,
        "close($self, /)",
        "Close the file.\n\nA closed file cannot be used for further I/O operations.  close() may be\ncalled more than once without error."
    ),
    method!(seekable, "seekable($self, /)", "True if file supports random-access."),
    method!(readable, "readable($self, /)", "True if file was opened in a read mode."),
    method!(writable, "writable($self, /)", "True if file was opened in a write mode."),
    method!(fileno, "fileno($self, /)", "Return the underlying file descriptor (an integer)."),
    method!(isatty, "isatty($self, /)", "True if the file is connected to a TTY device."),
    method!(dealloc_warn, "!_dealloc_warn($self, source, /)", ""),
];
const FILE_IO_DOC: &str = "Open a file.\n\nThe mode can be 'r' (default), 'w', 'x' or 'a' for reading,\nwriting, exclusive creation or appending.  The file will be created if it\ndoesn't exist when opened for writing or appending; it will be truncated\nwhen opened for writing.  A FileExistsError will be raised if it already\nexists when opened for creating. Opening a file for creating implies\nwriting so this mode behaves in a similar way to 'w'.Add a '+' to the mode\nto allow simultaneous reading and writing. A custom opener can be used by\npassing a callable as *opener*. The underlying file descriptor for the file\nobject is then obtained by calling opener with (*name*, *flags*).\n*opener* must return an open file descriptor (passing os.open as *opener*\nresults in functionality similar to passing None).";

fn allocate(ty: &TypeObject) -> Value {
    new_instance(
        ty,
        FileIo {
            header: Header::new(ty),
            fd: Cell::new(-1),
            created: Cell::new(false),
            readable: Cell::new(false),
            writable: Cell::new(false),
            appending: Cell::new(false),
            seekable: Cell::new(None),
            close_fd: Cell::new(true),
            finalizing: Cell::new(false),
            block_size: Cell::new(0),
        },
    )
}

fn body(this: &Value) -> PyResult<&FileIo> {
    this.downcast::<FileIo>().ok_or_else(|| type_error(format!("expected FileIO, not {}", this.ty().name())))
}

/// A field that only bools can be put into. As a member of CPython's kind `T_BOOL`.
pub(super) fn bool_field(value: Option<&Value>) -> PyResult<bool> {
    match value {
        None => Err(type_error("can't delete numeric/char attribute")),
        Some(value) if value.is_true() || value.is_false() => Ok(value.is_true()),
        Some(_) => Err(type_error("attribute value type must be bool")),
    }
}

fn set_finalizing(this: &Value, value: Option<&Value>) -> PyResult<()> {
    body(this)?.finalizing.set(bool_field(value)?);
    Ok(())
}

fn set_block_size(this: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(value) = value else { return Err(type_error("can't delete numeric/char attribute")) };
    let size = number::index_to_i64_or_overflow(value, "Python int too large to convert to C long")?;
    body(this)?.block_size.set(size as u32);
    Ok(())
}

#[cold]
fn closed() -> Raised {
    value_error("I/O operation on closed file")
}

/// A raw file of the exact type over a descriptor: what [`open`] does for the standard streams.
pub(super) fn over_descriptor(fd: i32, writing: bool, name: &Value) -> PyResult<Value> {
    let file = allocate(&FILE_IO);
    let this = body(&file)?;
    this.fd.set(fd);
    this.readable.set(!writing);
    this.writable.set(writing);
    this.close_fd.set(false);
    let status = system::fstat(fd).map_err(|errno| os_error::from_errno(errno, None))?;
    this.block_size.set(block_size_of(&status));
    attribute::set(&file, name!("name"), Some(name))?;
    Ok(file)
}

fn block_size_of(status: &libc::stat) -> u32 {
    if status.st_blksize > 1 { status.st_blksize as u32 } else { super::BUFFER_SIZE as u32 }
}

/// What a mode asks for.
#[derive(Default)]
struct Mode {
    flags: i32,
    created: bool,
    readable: bool,
    writable: bool,
    appending: bool,
}

fn parse_mode(text: &str) -> PyResult<Mode> {
    let bad = || value_error("Must have exactly one of create/read/write/append mode and at most one plus");
    let mut mode = Mode::default();
    let (mut kind, mut plus) = (false, false);
    for letter in text.chars() {
        match letter {
            'x' | 'r' | 'w' | 'a' if kind => return Err(bad()),
            'x' => {
                mode.created = true;
                mode.writable = true;
                mode.flags |= libc::O_EXCL | libc::O_CREAT;
            }
            'r' => mode.readable = true,
            'w' => {
                mode.writable = true;
                mode.flags |= libc::O_CREAT | libc::O_TRUNC;
            }
            'a' => {
                mode.writable = true;
                mode.appending = true;
                mode.flags |= libc::O_APPEND | libc::O_CREAT;
            }
            'b' => continue,
            '+' if plus => return Err(bad()),
            '+' => {
                mode.readable = true;
                mode.writable = true;
                plus = true;
                continue;
            }
            _ => return Err(value_error(format!("invalid mode: {text}"))),
        }
        kind = true;
    }
    if !kind {
        return Err(bad());
    }
    mode.flags |= match (mode.readable, mode.writable) {
        (true, true) => libc::O_RDWR,
        (true, false) => libc::O_RDONLY,
        _ => libc::O_WRONLY,
    };
    mode.flags |= libc::O_CLOEXEC;
    Ok(mode)
}

/// An argument that may be a descriptor: its number, if it is an int.
fn descriptor(file: &Value) -> PyResult<Option<i32>> {
    if file.is_small_float() || file.downcast::<crate::types::float::Float>().is_some() {
        return Err(type_error("integer argument expected, got float"));
    }
    if !int::is_int(file) && !number::is_index(file) {
        return Ok(None);
    }
    match number::index_to_i64(file) {
        Ok(Some(fd)) => match i32::try_from(fd) {
            Ok(fd) if fd >= 0 => Ok(Some(fd)),
            Ok(_) => Err(value_error("negative file descriptor")),
            Err(_) => Ok(None),
        },
        _ => Ok(None),
    }
}

fn init(
    this: &Value,
    file: &Value,
    mode: Option<&Str>,
    close_fd: Option<bool>,
    opener: Option<&Value>,
) -> PyResult<()> {
    let mode = mode.map_or_else(|| "r".to_owned(), Str::to_string_lossy);
    initialize(this, file, &mode, close_fd.unwrap_or(true), opener)
}

/// As `_io_FileIO___init___impl`.
fn initialize(this: &Value, file: &Value, mode_text: &str, close_fd: bool, opener: Option<&Value>) -> PyResult<()> {
    let body = body(this)?;
    if body.fd.get() >= 0 {
        if body.close_fd.get() {
            body.close_descriptor()?;
        } else {
            body.fd.set(-1);
        }
    }
    let fd = descriptor(file)?;
    let path = match fd {
        None => Some(path::to_c_string(file)?),
        Some(_) => None,
    };
    body.created.set(false);
    body.readable.set(false);
    body.writable.set(false);
    body.appending.set(false);
    body.seekable.set(None);
    body.close_fd.set(true);
    let mode = parse_mode(mode_text)?;
    body.created.set(mode.created);
    body.readable.set(mode.readable);
    body.writable.set(mode.writable);
    body.appending.set(mode.appending);
    if audit::is_heard() {
        audit::event("open", &[file.clone(), Str::new_value(mode_text), Value::int(mode.flags.into())])?;
    }
    let owned = fd.is_none();
    match (fd, path) {
        (Some(fd), _) => {
            body.fd.set(fd);
            body.close_fd.set(close_fd);
        }
        (None, path) => {
            if !close_fd {
                return Err(value_error("Cannot use closefd=False with file name"));
            }
            let opened = match opener.filter(|opener| !opener.is_none()) {
                Some(opener) => by_opener(opener, file, mode.flags)?,
                None => {
                    let path = path.unwrap_or_default();
                    retry(|| system::open(&path, mode.flags, 0o666))?
                        .map_err(|errno| os_error::from_errno(errno, Some(file)))?
                }
            };
            body.fd.set(opened);
        }
    }
    let finished = finish_opening(this, body, file);
    if finished.is_err() {
        if !owned {
            body.fd.set(-1);
        } else if body.fd.get() >= 0 {
            let _the_first_error_stays = body.close_descriptor();
        }
    }
    finished
}

fn by_opener(opener: &Value, file: &Value, flags: i32) -> PyResult<i32> {
    let result = call::call(opener, &[file.clone(), Value::int(flags.into())])?;
    if !int::is_int(&result) {
        return Err(type_error("expected integer from opener"));
    }
    let fd = int::to_i64(&result).and_then(|fd| i32::try_from(fd).ok());
    let Some(fd) = fd else { return Err(overflow_error("Python int too large to convert to C int")) };
    if fd < 0 {
        return Err(value_error(format!("opener returned {fd}")));
    }
    system::set_inheritable(fd, false).map_err(|errno| os_error::from_errno(errno, None))?;
    Ok(fd)
}

fn finish_opening(this: &Value, body: &FileIo, file: &Value) -> PyResult<()> {
    body.block_size.set(super::BUFFER_SIZE as u32);
    match system::fstat(body.fd.get()) {
        Ok(status) => {
            if status.st_mode & libc::S_IFMT == libc::S_IFDIR {
                return Err(os_error::from_errno(libc::EISDIR, Some(file)));
            }
            body.block_size.set(block_size_of(&status));
        }
        Err(libc::EBADF) => return Err(os_error::from_errno(libc::EBADF, None)),
        Err(_) => {}
    }
    attribute::set(this, name!("name"), Some(file))?;
    if body.appending.get() {
        // As in CPython, the position is the file's end from the beginning.
        match system::lseek(body.fd.get(), 0, libc::SEEK_END) {
            Ok(_) => body.seekable.set(Some(true)),
            Err(libc::ESPIPE) => body.seekable.set(Some(false)),
            Err(errno) => return Err(os_error::from_errno(errno, None)),
        }
    }
    Ok(())
}

/// Opens a file as `FileIO(file, mode, closefd, opener)`.
pub(super) fn open(file: &Value, mode: &str, close_fd: bool, opener: Option<&Value>) -> PyResult<Value> {
    let raw = allocate(&FILE_IO);
    initialize(&raw, file, mode, close_fd, opener)?;
    Ok(raw)
}

impl FileIo {
    /// The descriptor of an open file.
    pub(super) fn open_fd(&self) -> PyResult<i32> {
        match self.fd.get() {
            fd if fd >= 0 => Ok(fd),
            _ => Err(closed()),
        }
    }

    /// Whether the file is closed.
    pub(super) fn is_closed(&self) -> bool {
        self.fd.get() < 0
    }

    /// The best size of a buffer.
    pub(super) fn block_size(&self) -> usize {
        self.block_size.get() as usize
    }

    /// Whether it can be read.
    pub(super) fn is_readable(&self) -> bool {
        self.readable.get()
    }

    /// Whether it can be written.
    pub(super) fn is_writable(&self) -> bool {
        self.writable.get()
    }

    fn mode(&self) -> &'static str {
        match (self.created.get(), self.appending.get(), self.readable.get(), self.writable.get()) {
            (true, _, true, _) => "xb+",
            (true, _, false, _) => "xb",
            (_, true, true, _) => "ab+",
            (_, true, false, _) => "ab",
            (_, _, true, true) => "rb+",
            (_, _, true, false) => "rb",
            _ => "wb",
        }
    }

    fn close_descriptor(&self) -> PyResult<()> {
        let fd = self.fd.replace(-1);
        if fd < 0 {
            return Ok(());
        }
        // Closing is not tried again: the descriptor is gone whatever the system says.
        match crate::modules::blocking::blocking(|| system::close(fd)) {
            Ok(()) => Ok(()),
            Err(errno) => Err(os_error::from_errno(errno, None)),
        }
    }

    /// Appends up to `count` bytes; their number, `None` when none are there yet.
    pub(super) fn read_to(&self, buffer: &mut Vec<u8>, count: usize) -> PyResult<Option<usize>> {
        let fd = self.open_fd()?;
        if !self.readable.get() {
            return Err(unsupported("File not open for reading"));
        }
        match retry(|| system::read_to_vec(fd, buffer, count))? {
            Ok(read) => Ok(Some(read)),
            Err(libc::EAGAIN) => Ok(None),
            Err(libc::ENOMEM) => Err(no_memory()),
            Err(errno) => Err(os_error::from_errno(errno, None)),
        }
    }

    /// Writes bytes; how many, `None` when none can be written yet.
    pub(super) fn write_bytes(&self, bytes: &[u8]) -> PyResult<Option<usize>> {
        let fd = self.open_fd()?;
        if !self.writable.get() {
            return Err(unsupported("File not open for writing"));
        }
        match retry(|| system::write(fd, bytes))? {
            Ok(written) => Ok(Some(written)),
            Err(libc::EAGAIN) => Ok(None),
            Err(errno) => Err(os_error::from_errno(errno, None)),
        }
    }

    /// Moves the position.
    pub(super) fn seek_to(&self, offset: i64, whence: i32) -> PyResult<i64> {
        let fd = self.open_fd()?;
        let result = crate::modules::blocking::blocking(|| system::lseek(fd, offset, whence));
        if self.seekable.get().is_none() {
            self.seekable.set(Some(result.is_ok()));
        }
        result.map_err(|errno| os_error::from_errno(errno, None))
    }

    /// Whether the position can be moved.
    pub(super) fn is_seekable(&self) -> PyResult<bool> {
        let fd = self.open_fd()?;
        Ok(match self.seekable.get() {
            Some(seekable) => seekable,
            None => {
                let seekable = system::lseek(fd, 0, libc::SEEK_CUR).is_ok();
                self.seekable.set(Some(seekable));
                seekable
            }
        })
    }

    /// Appends all that is left; `None` when there is nothing yet. As `_io_FileIO_readall_impl`.
    pub(super) fn read_all_to(&self, all: &mut Vec<u8>) -> PyResult<Option<usize>> {
        let fd = self.open_fd()?;
        if !self.readable.get() {
            return Err(unsupported("File not open for reading"));
        }
        let start = all.len();
        let position = system::lseek(fd, 0, libc::SEEK_CUR);
        let end = system::fstat(fd).map(|status| status.st_size);
        let mut room = match (position, end) {
            (Ok(position), Ok(end)) if end >= position => {
                usize::try_from(end - position).unwrap_or(0).saturating_add(1)
            }
            _ => super::BUFFER_SIZE,
        };
        loop {
            match retry(|| system::read_to_vec(fd, all, room))? {
                Ok(0) => return Ok(Some(all.len() - start)),
                Ok(read) => room = room.saturating_sub(read).max(new_room(all.len() - start)),
                Err(libc::EAGAIN) if all.len() == start => return Ok(None),
                Err(libc::EAGAIN) => return Ok(Some(all.len() - start)),
                Err(libc::ENOMEM) => return Err(no_memory()),
                Err(errno) => return Err(os_error::from_errno(errno, None)),
            }
        }
    }
}

/// How much more to read at a time after so much: growing with it, at most 256 KiB.
fn new_room(len: usize) -> usize {
    len.clamp(super::BUFFER_SIZE, 256 << 10)
}

fn read(this: &FileIo, size: Option<Size>) -> PyResult<Value> {
    let mut bytes = Vec::new();
    let read = match size.and_then(Size::limit) {
        None => this.read_all_to(&mut bytes)?,
        Some(size) => this.read_to(&mut bytes, size)?,
    };
    Ok(read.map_or(Value::NONE, |_| Bytes::new_value(&bytes)))
}

fn readall(this: &FileIo) -> PyResult<Value> {
    read(this, None)
}

fn readinto(this: &FileIo, buffer: &Value) -> PyResult<Value> {
    let fd = this.open_fd()?;
    if !this.readable.get() {
        return Err(unsupported("File not open for reading"));
    }
    let buffer = writable_buffer(buffer, "readinto")?;
    // The memory belongs to an object that others may use while this waits: what is read goes there by way of a copy.
    let mut bytes = Vec::new();
    match retry(|| system::read_to_vec(fd, &mut bytes, buffer.len()))? {
        Ok(read) => {
            buffer.with_items_mut(|place| {
                if let Some(place) = place.get_mut(..bytes.len()) {
                    place.copy_from_slice(&bytes);
                }
            });
            Ok(Value::int(read as i64))
        }
        Err(libc::EAGAIN) => Ok(Value::NONE),
        Err(libc::ENOMEM) => Err(no_memory()),
        Err(errno) => Err(os_error::from_errno(errno, None)),
    }
}

fn write(this: &FileIo, data: &Value) -> PyResult<Value> {
    this.open_fd()?;
    if !this.writable.get() {
        return Err(unsupported("File not open for writing"));
    }
    let data = bytes::buffer_of(data)?;
    Ok(this.write_bytes(&data)?.map_or(Value::NONE, |written| Value::int(written as i64)))
}

/// An offset of this type's methods. As `PyLong_AsOff_t`.
fn file_offset(value: &Value) -> PyResult<i64> {
    if value.is_small_float() || value.downcast::<crate::types::float::Float>().is_some() {
        return Err(type_error("an integer is required"));
    }
    if !number::is_index(value) {
        return Err(type_error(format!("an integer is required (got type {})", value.ty().name())));
    }
    super::offset(value)
}

fn seek(this: &FileIo, position: &Value, whence: Option<i32>) -> PyResult<i64> {
    this.open_fd()?;
    let offset = file_offset(position)?;
    this.seek_to(offset, whence.unwrap_or(0))
}

fn tell(this: &FileIo) -> PyResult<i64> {
    this.seek_to(0, libc::SEEK_CUR)
}

fn truncate(this: &FileIo, size: Option<&Value>) -> PyResult<Value> {
    let fd = this.open_fd()?;
    if !this.writable.get() {
        return Err(unsupported("File not open for writing"));
    }
    let size = match size.filter(|size| !size.is_none()) {
        Some(size) => size.clone(),
        None => Value::int(this.seek_to(0, libc::SEEK_CUR)?),
    };
    let length = match size.as_small_float() {
        // CPython still takes a float here.
        Some(length) => length as i64,
        None => file_offset(&size)?,
    };
    match retry(|| system::ftruncate(fd, length))? {
        Ok(()) => Ok(size),
        Err(errno) => Err(os_error::from_errno(errno, None)),
    }
}

/// As `_io_FileIO_close_impl`.
fn close(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let closed_base = call_base_close(this);
    if !body.close_fd.get() {
        body.fd.set(-1);
        return closed_base;
    }
    if body.finalizing.get() && body.fd.get() >= 0 {
        warn_unclosed(this);
    }
    let result = closed_base.as_ref().map(Value::clone).unwrap_or(Value::NONE);
    chain(closed_base.map(drop), body.close_descriptor())?;
    Ok(result)
}

/// `_RawIOBase.close(self)`.
fn call_base_close(this: &Value) -> PyResult<Value> {
    let method = attribute::get_interned(&RAW_IO_BASE.value(), name!("close"))?;
    call::call(&method, std::slice::from_ref(this))
}

fn seekable(this: &FileIo) -> PyResult<bool> {
    this.is_seekable()
}

fn readable(this: &FileIo) -> PyResult<bool> {
    this.open_fd().map(|_| this.readable.get())
}

fn writable(this: &FileIo) -> PyResult<bool> {
    this.open_fd().map(|_| this.writable.get())
}

fn fileno(this: &FileIo) -> PyResult<i64> {
    this.open_fd().map(i64::from)
}

fn isatty(this: &FileIo) -> PyResult<bool> {
    let fd = this.open_fd()?;
    Ok(crate::modules::blocking::blocking(|| system::isatty(fd)))
}

fn dealloc_warn(this: &FileIo, source: &Value) {
    if this.fd.get() >= 0 && this.close_fd.get() {
        warn_unclosed(source);
    }
}

fn repr(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    if body.fd.get() < 0 {
        return Ok(Str::new_value("<_io.FileIO [closed]>"));
    }
    let close_fd = if body.close_fd.get() { "True" } else { "False" };
    let Some(name) = attribute::lookup(this, name!("name"))? else {
        return Ok(Str::new_value(&format!(
            "<_io.FileIO fd={} mode='{}' closefd={close_fd}>",
            body.fd.get(),
            body.mode()
        )));
    };
    let Some(_guard) = repr_guard::enter(this) else { return Err(super::base::reentrant_repr(this)) };
    let name = text::repr_string(&name)?;
    Ok(Str::new_value(&format!("<_io.FileIO name={name} mode='{}' closefd={close_fd}>", body.mode())))
}
