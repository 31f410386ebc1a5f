//! The module `fcntl`: control of descriptors and of the devices behind them, locks on files.

mod system;

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::blocking::retry;
use crate::modules::posix::arguments::OpenFile;
use crate::modules::sys::audit;
use crate::object::buffer::{Buffer, Request};
use crate::object::error::PyResult;
use crate::object::native::c_int;
use crate::object::number;
use crate::object::value::Value;
use crate::types::bytes::{self, Bytes};
use crate::types::exceptions::{os_error, type_error, value_error};
use crate::types::int;
use crate::types::str::Str;
use num_traits::ToPrimitive;
use std::borrow::Cow;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "fcntl",
    doc: "This module performs file control and I/O control on file\ndescriptors.  It is an interface to the fcntl() and ioctl() Unix\nroutines.  File descriptors can be obtained with the fileno() method of\na file or socket object.",
    functions: &[
        method!(
            control,
            "fcntl($module, fd, cmd, arg=0, /)",
            "Perform the operation `cmd` on file descriptor fd.\n\nThe values used for `cmd` are operating system dependent, and are available\nas constants in the fcntl module, using the same names as used in\nthe relevant C header files.  The argument arg is optional, and\ndefaults to 0; it may be an int or a string.  If arg is given as a string,\nthe return value of fcntl is a string of that length, containing the\nresulting value put in the arg buffer by the operating system.  The length\nof the arg string is not allowed to exceed 1024 bytes.  If the arg given\nis an integer or if none is specified, the result value is an integer\ncorresponding to the return value of the fcntl call in the C code."
        ),
        method!(
            flock,
            "flock($module, fd, operation, /)",
            "Perform the lock operation `operation` on file descriptor `fd`.\n\nSee the Unix manual page for flock(2) for details (On some systems, this\nfunction is emulated using fcntl())."
        ),
        method!(
            ioctl,
            "ioctl($module, fd, request, arg=0, mutate_flag=True, /)",
            "Perform the operation `request` on file descriptor `fd`.\n\nThe values used for `request` are operating system dependent, and are available\nas constants in the fcntl or termios library modules, using the same names as\nused in the relevant C header files.\n\nThe argument `arg` is optional, and defaults to 0; it may be an int or a\nbuffer containing character data (most likely a string or an array).\n\nIf the argument is a mutable buffer (such as an array) and if the\nmutate_flag argument (which is only allowed in this case) is true then the\nbuffer is (in effect) passed to the operating system and changes made by\nthe OS will be reflected in the contents of the buffer after the call has\nreturned.  The return value is the integer returned by the ioctl system\ncall.\n\nIf the argument is a mutable buffer and the mutable_flag argument is false,\nthe behavior is as if a string had been passed.\n\nIf the argument is an immutable buffer (most likely a string) then a copy\nof the buffer is passed to the operating system and the return value is a\nstring of the same length containing whatever the operating system put in\nthe buffer.  The length of the arg buffer in this case is not allowed to\nexceed 1024 bytes.\n\nIf the arg given is an integer or if none is specified, the result value is\nan integer corresponding to the return value of the ioctl call in the C\ncode."
        ),
        method!(
            lockf,
            "lockf($module, fd, cmd, len=0, start=0, whence=0, /)",
            "A wrapper around the fcntl() locking calls.\n\n`fd` is the file descriptor of the file to lock or unlock, and operation is one\nof the following values:\n\n    LOCK_UN - unlock\n    LOCK_SH - acquire a shared lock\n    LOCK_EX - acquire an exclusive lock\n\nWhen operation is LOCK_SH or LOCK_EX, it can also be bitwise ORed with\nLOCK_NB to avoid blocking on lock acquisition.  If LOCK_NB is used and the\nlock cannot be acquired, an OSError will be raised and the exception will\nhave an errno attribute set to EACCES or EAGAIN (depending on the operating\nsystem -- for portability, check for either value).\n\n`len` is the number of bytes to lock, with the default meaning to lock to\nEOF.  `start` is the byte offset, relative to `whence`, to that the lock\nstarts.  `whence` is as with fileobj.seek(), specifically:\n\n    0 - relative to the start of the file (SEEK_SET)\n    1 - relative to the current buffer position (SEEK_CUR)\n    2 - relative to the end of the file (SEEK_END)"
        ),
    ],
    fill: |dict| {
        for (name, value) in CONSTANTS {
            dict.set_text(name, Value::int(*value));
        }
        Ok(())
    },
};

const CONSTANTS: &[(&str, i64)] = &[
    ("DN_ACCESS", 1),
    ("DN_ATTRIB", 32),
    ("DN_CREATE", 4),
    ("DN_DELETE", 8),
    ("DN_MODIFY", 2),
    ("DN_MULTISHOT", 2147483648),
    ("DN_RENAME", 16),
    ("FASYNC", 8192),
    ("FD_CLOEXEC", 1),
    ("F_ADD_SEALS", 1033),
    ("F_DUPFD", 0),
    ("F_DUPFD_CLOEXEC", 1030),
    ("F_EXLCK", 4),
    ("F_GETFD", 1),
    ("F_GETFL", 3),
    ("F_GETLEASE", 1025),
    ("F_GETLK", 5),
    ("F_GETLK64", 5),
    ("F_GETOWN", 9),
    ("F_GETSIG", 11),
    ("F_GET_SEALS", 1034),
    ("F_NOTIFY", 1026),
    ("F_RDLCK", 0),
    ("F_SEAL_GROW", 4),
    ("F_SEAL_SEAL", 1),
    ("F_SEAL_SHRINK", 2),
    ("F_SEAL_WRITE", 8),
    ("F_SETFD", 2),
    ("F_SETFL", 4),
    ("F_SETLEASE", 1024),
    ("F_SETLK", 6),
    ("F_SETLK64", 6),
    ("F_SETLKW", 7),
    ("F_SETLKW64", 7),
    ("F_SETOWN", 8),
    ("F_SETSIG", 10),
    ("F_SHLCK", 8),
    ("F_UNLCK", 2),
    ("F_WRLCK", 1),
    ("LOCK_EX", 2),
    ("LOCK_MAND", 32),
    ("LOCK_NB", 4),
    ("LOCK_READ", 64),
    ("LOCK_RW", 192),
    ("LOCK_SH", 1),
    ("LOCK_UN", 8),
    ("LOCK_WRITE", 128),
];

fn done<T>(result: Result<T, i32>) -> PyResult<T> {
    result.map_err(|errno| os_error::from_errno(errno, None))
}

/// The low bits of a number. As the format unit `I`, which does not check.
fn unsigned(value: &Value) -> PyResult<u32> {
    if value.is_small_float() {
        return Err(type_error("integer argument expected, got float"));
    }
    if !number::is_index(value) {
        return Err(type_error(format!("an integer is required (got type {})", value.ty().name())));
    }
    let big = int::to_big(&number::index(value)?).unwrap_or_default();
    Ok((big & num_bigint::BigInt::from(u32::MAX)).to_u32().unwrap_or(0))
}

/// The bytes of a text or of an object that shows its bytes and cannot be changed.
fn text_bytes(value: &Value) -> PyResult<Option<Cow<'_, [u8]>>> {
    if let Some(text) = value.downcast::<Str>() {
        return Ok(Some(Cow::Owned(text.to_string_lossy().into_bytes())));
    }
    if value.downcast::<Bytes>().is_some() {
        return Ok(Some(bytes::buffer_of(value)?));
    }
    Ok(None)
}

fn control(fd: OpenFile, cmd: i32, arg: Option<&Value>) -> PyResult<Value> {
    let shown = arg.cloned().unwrap_or(Value::NONE);
    if audit::is_heard() {
        audit::event("fcntl.fcntl", &[Value::int(fd.0.into()), Value::int(cmd.into()), shown])?;
    }
    let Some(arg) = arg else { return Ok(Value::int(done(retry(|| system::fcntl(fd.0, cmd, 0))?)?.into())) };
    if let Some(given) = text_bytes(arg)? {
        let mut buffer = [0; system::ROOM];
        let Some(place) = buffer.get_mut(..given.len()) else { return Err(value_error("fcntl string arg too long")) };
        place.copy_from_slice(&given);
        done(retry(|| system::fcntl_buffer(fd.0, cmd, &mut buffer))?)?;
        return Ok(Bytes::new_value(buffer.get(..given.len()).unwrap_or_default()));
    }
    let number = unsigned(arg)?;
    Ok(Value::int(done(retry(|| system::fcntl(fd.0, cmd, number.cast_signed().into()))?)?.into()))
}

fn ioctl(fd: OpenFile, request: &Value, arg: Option<&Value>, mutate_flag: Option<bool>) -> PyResult<Value> {
    let request = unsigned(request)?;
    let shown = arg.cloned().unwrap_or(Value::NONE);
    if audit::is_heard() {
        audit::event("fcntl.ioctl", &[Value::int(fd.0.into()), Value::int(request.into()), shown])?;
    }
    let failed = |errno| os_error::from_errno(errno, None);
    let Some(arg) = arg else { return Ok(Value::int(system::ioctl(fd.0, request, 0).map_err(failed)?.into())) };
    let mut buffer = [0; system::ROOM];
    if text_bytes(arg)?.is_none()
        && bytes::is_buffer(arg)
        && let Ok(Some(writable)) = Buffer::get(arg, Request::Writable)
    {
        let len = writable.len();
        let change = mutate_flag.unwrap_or(true);
        if len > system::ROOM {
            if !change {
                return Err(value_error("ioctl string arg too long"));
            }
            let result = writable.with_bytes_mut(|bytes| system::ioctl_buffer(fd.0, request, bytes));
            return Ok(Value::int(result.map_err(failed)?.into()));
        }
        let given = writable.to_vec();
        if let Some(place) = buffer.get_mut(..len) {
            place.copy_from_slice(&given);
        }
        let result = system::ioctl_buffer(fd.0, request, &mut buffer).map_err(failed)?;
        let written = buffer.get(..len).unwrap_or_default();
        if !change {
            return Ok(Bytes::new_value(written));
        }
        writable.with_bytes_mut(|bytes| {
            if bytes.len() == written.len() {
                bytes.copy_from_slice(written);
            }
        });
        return Ok(Value::int(result.into()));
    }
    if let Some(given) = text_bytes(arg)? {
        let Some(place) = buffer.get_mut(..given.len()) else { return Err(value_error("ioctl string arg too long")) };
        place.copy_from_slice(&given);
        system::ioctl_buffer(fd.0, request, &mut buffer).map_err(failed)?;
        return Ok(Bytes::new_value(buffer.get(..given.len()).unwrap_or_default()));
    }
    let number = c_int(arg, true)?;
    Ok(Value::int(system::ioctl(fd.0, request, number).map_err(failed)?.into()))
}

fn flock(fd: OpenFile, operation: i32) -> PyResult<()> {
    if audit::is_heard() {
        audit::event("fcntl.flock", &[Value::int(fd.0.into()), Value::int(operation.into())])?;
    }
    done(retry(|| system::flock(fd.0, operation))?)
}

/// A number of bytes in a file.
fn offset(value: Option<&Value>) -> PyResult<i64> {
    match value {
        None => Ok(0),
        Some(value) if !int::is_int(value) => {
            Err(type_error(format!("an integer is required (got type {})", value.ty().name())))
        }
        Some(value) => number::index_to_i64_or_overflow(value, "Python int too large to convert to C long"),
    }
}

fn lockf(fd: OpenFile, cmd: i32, len: Option<&Value>, start: Option<&Value>, whence: Option<i32>) -> PyResult<()> {
    if audit::is_heard() {
        let shown = |value: Option<&Value>| value.cloned().unwrap_or(Value::NONE);
        let whence = Value::int(whence.unwrap_or(0).into());
        let numbers = [Value::int(fd.0.into()), Value::int(cmd.into()), shown(len), shown(start), whence];
        audit::event("fcntl.lockf", &numbers)?;
    }
    let kind = match cmd {
        libc::LOCK_UN => libc::F_UNLCK,
        shared if shared & libc::LOCK_SH != 0 => libc::F_RDLCK,
        exclusive if exclusive & libc::LOCK_EX != 0 => libc::F_WRLCK,
        _ => return Err(value_error("unrecognized lockf argument")),
    };
    let command = if cmd & libc::LOCK_NB != 0 { libc::F_SETLK } else { libc::F_SETLKW };
    let (start, len, whence) = (offset(start)?, offset(len)?, whence.unwrap_or(0));
    done(retry(|| system::lock(fd.0, command, kind as i16, whence as i16, start, len))?)
}
