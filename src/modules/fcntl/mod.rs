//! The module `fcntl`: control of open files.

mod system;

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::binascii::word;
use crate::modules::blocking::retry;
use crate::modules::posix::file_descriptor;
use crate::object::buffer::{Buffer, Request};
use crate::object::error::PyResult;
use crate::object::native::c_int;
use crate::object::number;
use crate::object::value::Value;
use crate::types::bytes::{self, Bytes};
use crate::types::exceptions::{os_error, overflow_error, type_error, value_error};
use crate::types::float::Float;
use crate::types::int;
use crate::types::str::Str;
use system::MOST;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "fcntl",
    doc: "This module performs file control and I/O control on file\ndescriptors.  It is an interface to the fcntl() and ioctl() Unix\nroutines.  File descriptors can be obtained with the fileno() method of\na file or socket object.",
    functions: &[
        method!(
            fcntl,
            "fcntl($module, fd, cmd, arg=0, /)",
            "Perform the operation `cmd` on file descriptor fd.\n\nThe values used for `cmd` are operating system dependent, and are available\nas constants in the fcntl module, using the same names as used in\nthe relevant C header files.  The argument arg is optional, and\ndefaults to 0; it may be an int or a string.  If arg is given as a string,\nthe return value of fcntl is a string of that length, containing the\nresulting value put in the arg buffer by the operating system.  The length\nof the arg string is not allowed to exceed 1024 bytes.  If the arg given\nis an integer or if none is specified, the result value is an integer\ncorresponding to the return value of the fcntl call in the C code."
        ),
        method!(
            ioctl,
            "ioctl($module, fd, request, arg=0, mutate_flag=True, /)",
            "Perform the operation `request` on file descriptor `fd`.\n\nThe values used for `request` are operating system dependent, and are available\nas constants in the fcntl or termios library modules, using the same names as\nused in the relevant C header files.\n\nThe argument `arg` is optional, and defaults to 0; it may be an int or a\nbuffer containing character data (most likely a string or an array).\n\nIf the argument is a mutable buffer (such as an array) and if the\nmutate_flag argument (which is only allowed in this case) is true then the\nbuffer is (in effect) passed to the operating system and changes made by\nthe OS will be reflected in the contents of the buffer after the call has\nreturned.  The return value is the integer returned by the ioctl system\ncall.\n\nIf the argument is a mutable buffer and the mutable_flag argument is false,\nthe behavior is as if a string had been passed.\n\nIf the argument is an immutable buffer (most likely a string) then a copy\nof the buffer is passed to the operating system and the return value is a\nstring of the same length containing whatever the operating system put in\nthe buffer.  The length of the arg buffer in this case is not allowed to\nexceed 1024 bytes.\n\nIf the arg given is an integer or if none is specified, the result value is\nan integer corresponding to the return value of the ioctl call in the C\ncode."
        ),
        method!(
            flock,
            "flock($module, fd, operation, /)",
            "Perform the lock operation `operation` on file descriptor `fd`.\n\nSee the Unix manual page for flock(2) for details (On some systems, this\nfunction is emulated using fcntl())."
        ),
        method!(
            lockf,
            "lockf($module, fd, cmd, len=0, start=0, whence=0, /)",
            "A wrapper around the fcntl() locking calls.\n\n`fd` is the file descriptor of the file to lock or unlock, and operation is one\nof the following values:\n\n    LOCK_UN - unlock\n    LOCK_SH - acquire a shared lock\n    LOCK_EX - acquire an exclusive lock\n\nWhen operation is LOCK_SH or LOCK_EX, it can also be bitwise ORed with\nLOCK_NB to avoid blocking on lock acquisition.  If LOCK_NB is used and the\nlock cannot be acquired, an OSError will be raised and the exception will\nhave an errno attribute set to EACCES or EAGAIN (depending on the operating\nsystem -- for portability, check for either value).\n\n`len` is the number of bytes to lock, with the default meaning to lock to\nEOF.  `start` is the byte offset, relative to `whence`, to that the lock\nstarts.  `whence` is as with fileobj.seek(), specifically:\n\n    0 - relative to the start of the file (SEEK_SET)\n    1 - relative to the current buffer position (SEEK_CUR)\n    2 - relative to the end of the file (SEEK_END)"
        ),
    ],
    fill: |dict| {
        for &(name, value) in CONSTANTS {
            dict.set_text(name, Value::int(value));
        }
        Ok(())
    },
};

const CONSTANTS: &[(&str, i64)] = &[
    ("LOCK_SH", 1),
    ("LOCK_EX", 2),
    ("LOCK_NB", 4),
    ("LOCK_UN", 8),
    ("LOCK_MAND", 32),
    ("LOCK_READ", 64),
    ("LOCK_WRITE", 128),
    ("LOCK_RW", 192),
    ("F_DUPFD", 0),
    ("F_DUPFD_CLOEXEC", 1030),
    ("F_GETFD", 1),
    ("F_SETFD", 2),
    ("F_GETFL", 3),
    ("F_SETFL", 4),
    ("F_GETLK", 5),
    ("F_SETLK", 6),
    ("F_SETLKW", 7),
    ("F_GETOWN", 9),
    ("F_SETOWN", 8),
    ("F_GETSIG", 11),
    ("F_SETSIG", 10),
    ("F_RDLCK", 0),
    ("F_WRLCK", 1),
    ("F_UNLCK", 2),
    ("F_GETLK64", 5),
    ("F_SETLK64", 6),
    ("F_SETLKW64", 7),
    ("FASYNC", 8192),
    ("F_SETLEASE", 1024),
    ("F_GETLEASE", 1025),
    ("F_NOTIFY", 1026),
    ("F_EXLCK", 4),
    ("F_SHLCK", 8),
    ("FD_CLOEXEC", 1),
    ("DN_ACCESS", 1),
    ("DN_MODIFY", 2),
    ("DN_CREATE", 4),
    ("DN_DELETE", 8),
    ("DN_RENAME", 16),
    ("DN_ATTRIB", 32),
    ("DN_MULTISHOT", 2147483648),
    ("F_ADD_SEALS", 1033),
    ("F_GET_SEALS", 1034),
    ("F_SEAL_SEAL", 1),
    ("F_SEAL_SHRINK", 2),
    ("F_SEAL_GROW", 4),
    ("F_SEAL_WRITE", 8),
];

/// The result of a call, made again while signals interrupt it.
fn call(act: impl FnMut() -> Result<i32, i32>) -> PyResult<i32> {
    retry(act)?.map_err(|errno| os_error::from_errno(errno, None))
}

/// A C `unsigned int`, as the format unit `I`.
fn unsigned(value: &Value) -> PyResult<u32> {
    if value.is_small_float() || value.downcast::<Float>().is_some() {
        return Err(type_error("integer argument expected, got float"));
    }
    word(value)
}

/// The bytes of an argument: text in UTF-8, or what shows bytes.
fn bytes_of(value: &Value) -> PyResult<Option<Vec<u8>>> {
    if let Some(text) = value.downcast::<Str>() {
        return Ok(text.to_utf8().map(String::into_bytes));
    }
    if bytes::is_buffer(value) { Ok(Some(Buffer::require(value, Request::Simple)?.to_vec())) } else { Ok(None) }
}

fn room(bytes: &[u8], what: &str) -> PyResult<[u8; MOST]> {
    let mut room = [0; MOST];
    let place = room.get_mut(..bytes.len()).ok_or_else(|| value_error(format!("{what} string arg too long")))?;
    place.copy_from_slice(bytes);
    Ok(room)
}

fn fcntl(fd: &Value, cmd: i32, arg: Option<&Value>) -> PyResult<Value> {
    let fd = file_descriptor(fd)?;
    if let Some(arg) = arg
        && let Some(bytes) = constant_bytes_of(arg)?
    {
        let mut place = room(&bytes, "fcntl")?;
        call(|| system::fcntl_with(fd, cmd, &mut place))?;
        return Ok(Bytes::new_value(place.get(..bytes.len()).unwrap_or_default()));
    }
    let arg = arg.map_or(Ok(0), unsigned)?;
    call(|| system::fcntl(fd, cmd, arg)).map(|result| Value::int(result.into()))
}

fn ioctl(fd: &Value, request: &Value, arg: Option<&Value>, mutate_flag: Option<bool>) -> PyResult<Value> {
    let fd = file_descriptor(fd)?;
    let request = unsigned(request)?;
    if let Some(arg) = arg {
        // Memory that can be changed is, unless the caller does not want that.
        if bytes::is_buffer(arg)
            && arg.downcast::<Bytes>().is_none()
            && let Ok(Some(target)) = Buffer::get(arg, Request::Writable)
        {
            let mut place = target.to_vec();
            if mutate_flag == Some(false) && place.len() > MOST {
                return Err(value_error("ioctl string arg too long"));
            }
            let result = call(|| system::ioctl_with(fd, request, &mut place))?;
            if mutate_flag == Some(false) {
                return Ok(Bytes::new_value(&place));
            }
            target.with_items_mut(|items| {
                if items.len() == place.len() {
                    items.copy_from_slice(&place);
                }
            });
            return Ok(Value::int(result.into()));
        }
        if let Some(bytes) = bytes_of(arg)? {
            let mut place = room(&bytes, "ioctl")?;
            call(|| system::ioctl_with(fd, request, &mut place))?;
            return Ok(Bytes::new_value(place.get(..bytes.len()).unwrap_or_default()));
        }
    }
    let arg = arg.map_or(Ok(0), |arg| c_int(arg, true))?;
    call(|| system::ioctl(fd, request, arg)).map(|result| Value::int(result.into()))
}

fn flock(fd: &Value, operation: i32) -> PyResult<()> {
    let fd = file_descriptor(fd)?;
    call(|| system::flock(fd, operation)).map(drop)
}

/// As [`bytes_of`], but not for bytes that can be changed. As the format unit `s#`.
fn constant_bytes_of(value: &Value) -> PyResult<Option<Vec<u8>>> {
    let changes = bytes::is_buffer(value) && matches!(Buffer::get(value, Request::Writable), Ok(Some(_)));
    if changes { Ok(None) } else { bytes_of(value) }
}

fn lockf(fd: &Value, cmd: i32, len: Option<&Value>, start: Option<&Value>, whence: Option<i32>) -> PyResult<()> {
    let fd = file_descriptor(fd)?;
    let kind = match cmd {
        libc::LOCK_UN => libc::F_UNLCK,
        _ if cmd & libc::LOCK_SH != 0 => libc::F_RDLCK,
        _ if cmd & libc::LOCK_EX != 0 => libc::F_WRLCK,
        _ => return Err(value_error("unrecognized lockf argument")),
    };
    let offset = |value: Option<&Value>| -> PyResult<i64> {
        let Some(value) = value else { return Ok(0) };
        if !number::is_index(value) {
            return Err(type_error(format!("an integer is required (got type {})", value.ty().name())));
        }
        int::to_i64(&number::index(value)?).ok_or_else(|| overflow_error("Python int too large to convert to C long"))
    };
    let (start, len) = (offset(start)?, offset(len)?);
    let command = if cmd & libc::LOCK_NB != 0 { libc::F_SETLK } else { libc::F_SETLKW };
    let whence = whence.unwrap_or(0) as i16;
    call(|| system::lock_part(fd, command, kind as i16, whence, start, len)).map(drop)
}
