//! Descriptors: opening, reading, writing, and what the system knows of them.

use super::arguments::{DirFd, FsText, Offset, OpenFile, Path, dir_fd, error};
use super::system;
use crate::modules::blocking::{blocking, retry};
use crate::modules::io;
use crate::modules::sys::audit;
use crate::object::buffer::{Buffer, Request};
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::object::value_vec::no_memory;
use crate::object::{iter, native};
use crate::types::bytes::{self, Bytes};
use crate::types::exceptions::{type_error, value_error};
use crate::types::str::Str;
use crate::types::tuple::Tuple;

/// The result of a call, its error an OSError.
pub(super) fn done<T>(result: Result<T, i32>) -> PyResult<T> {
    result.map_err(error)
}

/// The result of a call that may block and is made again when a signal interrupts it.
pub(super) fn retried<T>(call: impl FnMut() -> Result<T, i32>) -> PyResult<T> {
    done(retry(call)?)
}

pub(super) fn open(path: &Value, flags: i32, mode: Option<i32>, directory: Option<DirFd>) -> PyResult<i64> {
    let path = Path::name(path, "open")?;
    let directory = dir_fd(directory);
    if audit::is_heard() {
        audit::event("open", &[path.object.clone(), Value::NONE, Value::int(flags.into())])?;
    }
    let mode = mode.unwrap_or(0o777) as u32;
    match retry(|| system::openat(directory.0, path.c_str(), flags | libc::O_CLOEXEC, mode))? {
        Ok(fd) => Ok(fd.into()),
        Err(errno) => Err(path.error(errno)),
    }
}

pub(super) fn close(fd: i32) -> PyResult<()> {
    done(blocking(|| system::close(fd)))
}

pub(super) fn closerange(low: i32, high: i32) {
    blocking(|| {
        for fd in low..high {
            let _others_are_closed_all_the_same = system::close(fd);
        }
    });
}

pub(super) fn dup(fd: i32) -> PyResult<I32> {
    done(system::dup(fd)).map(I32)
}

/// A C int that is returned.
pub(super) struct I32(pub i32);

impl native::IntoValue for I32 {
    fn into_value(self) -> Value {
        Value::int(self.0.into())
    }
}

pub(super) fn dup2(fd: i32, target: i32, inheritable: Option<bool>) -> PyResult<I32> {
    if fd < 0 || target < 0 {
        return Err(error(libc::EBADF));
    }
    let result = if inheritable.unwrap_or(true) {
        blocking(|| system::dup2(fd, target))
    } else {
        blocking(|| system::dup3(fd, target, libc::O_CLOEXEC))
    };
    done(result).map(I32)
}

pub(super) fn lockf(fd: i32, command: i32, length: Offset) -> PyResult<()> {
    done(blocking(|| system::lockf(fd, command, length.0))).map(drop)
}

pub(super) fn lseek(fd: i32, position: Offset, how: i32) -> PyResult<i64> {
    done(blocking(|| system::lseek(fd, position.0, how)))
}

fn room(length: isize) -> PyResult<Vec<u8>> {
    let Ok(length) = usize::try_from(length) else { return Err(error(libc::EINVAL)) };
    let mut room = Vec::new();
    room.try_reserve_exact(length).map_err(|_| no_memory())?;
    Ok(room)
}

pub(super) fn read(fd: i32, length: isize) -> PyResult<Value> {
    let mut bytes = room(length)?;
    retried(|| system::read_to_vec(fd, &mut bytes, length as usize))?;
    Ok(Bytes::new_value(&bytes))
}

pub(super) fn pread(fd: i32, length: i32, offset: Offset) -> PyResult<Value> {
    let mut bytes = room(length as isize)?;
    bytes.resize(length as usize, 0);
    let count = retried(|| system::pread(fd, &mut bytes, offset.0))?;
    Ok(Bytes::new_value(bytes.get(..count).unwrap_or_default()))
}

pub(super) fn write(fd: i32, data: &Value) -> PyResult<usize> {
    let data = bytes::buffer_of(data)?;
    retried(|| system::write(fd, &data))
}

pub(super) fn pwrite(fd: i32, data: &Value, offset: Offset) -> PyResult<usize> {
    let data = bytes::buffer_of(data)?;
    retried(|| system::pwrite(fd, &data, offset.0))
}

/// The items of an argument that has to be a sequence.
fn sequence(value: &Value, function: &str) -> PyResult<Vec<Value>> {
    let slots = value.ty().all_slots();
    if slots.item.is_none() && (slots.getitem.is_none() || value.downcast::<crate::types::dict::Dict>().is_some()) {
        return Err(type_error(format!("{function}() arg 2 must be a sequence")));
    }
    iter::collect(value)
}

/// Reads into several buffers, one after the other, by way of one piece of memory.
fn scatter(
    buffers: &Value,
    function: &str,
    mut read: impl FnMut(&mut Vec<u8>, usize) -> PyResult<usize>,
) -> PyResult<usize> {
    let buffers = sequence(buffers, function)?;
    let targets =
        buffers.iter().map(|buffer| Buffer::require(buffer, Request::Writable)).collect::<PyResult<Vec<_>>>()?;
    let total = targets.iter().map(Buffer::len).sum();
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(total).map_err(|_| no_memory())?;
    let count = read(&mut bytes, total)?;
    let mut rest = bytes.get(..count).unwrap_or_default();
    for target in &targets {
        let (now, later) = rest.split_at(rest.len().min(target.len()));
        target.with_items_mut(|place| {
            if let Some(place) = place.get_mut(..now.len()) {
                place.copy_from_slice(now);
            }
        });
        rest = later;
    }
    Ok(count)
}

/// The bytes of several buffers as one.
fn gather(buffers: &Value, function: &str) -> PyResult<Vec<u8>> {
    let mut all = Vec::new();
    for buffer in sequence(buffers, function)? {
        all.extend_from_slice(&bytes::buffer_of(&buffer)?);
    }
    Ok(all)
}

pub(super) fn readv(fd: i32, buffers: &Value) -> PyResult<usize> {
    scatter(buffers, "readv", |bytes, total| retried(|| system::read_to_vec(fd, bytes, total)))
}

pub(super) fn preadv(fd: i32, buffers: &Value, offset: Offset, flags: Option<i32>) -> PyResult<usize> {
    scatter(buffers, "preadv", |bytes, total| {
        bytes.resize(total, 0);
        retried(|| system::preadv2(fd, bytes, offset.0, flags.unwrap_or(0)))
    })
}

pub(super) fn writev(fd: i32, buffers: &Value) -> PyResult<usize> {
    let all = gather(buffers, "writev")?;
    retried(|| system::write(fd, &all))
}

pub(super) fn pwritev(fd: i32, buffers: &Value, offset: Offset, flags: Option<i32>) -> PyResult<usize> {
    let all = gather(buffers, "pwritev")?;
    retried(|| system::pwritev2(fd, &all, offset.0, flags.unwrap_or(0)))
}

pub(super) fn sendfile(out: i32, from: i32, offset: &Value, count: isize) -> PyResult<usize> {
    let offset = if offset.is_none() { None } else { Some(io::offset(offset)?) };
    retried(|| system::sendfile(out, from, offset, count as usize))
}

pub(super) fn copy_file_range(
    from: i32,
    to: i32,
    count: isize,
    offset_from: Option<&Value>,
    offset_to: Option<&Value>,
) -> PyResult<usize> {
    let Ok(count) = usize::try_from(count) else {
        return Err(value_error("negative value for 'count' not allowed"));
    };
    let offset = |given: Option<&Value>| given.filter(|given| !given.is_none()).map(io::offset).transpose();
    let (offset_from, offset_to) = (offset(offset_from)?, offset(offset_to)?);
    retried(|| system::copy_file_range(from, offset_from, to, offset_to, count))
}

pub(super) fn isatty(fd: i32) -> bool {
    system::isatty(fd)
}

fn pair(first: i32, second: i32) -> Value {
    Tuple::from_vec(vec![Value::int(first.into()), Value::int(second.into())])
}

pub(super) fn pipe() -> PyResult<Value> {
    done(system::pipe(libc::O_CLOEXEC)).map(|(read, write)| pair(read, write))
}

pub(super) fn pipe2(flags: i32) -> PyResult<Value> {
    done(system::pipe(flags)).map(|(read, write)| pair(read, write))
}

pub(super) fn ftruncate(fd: i32, length: Offset) -> PyResult<()> {
    if audit::is_heard() {
        audit::event("os.truncate", &[Value::int(fd.into()), Value::int(length.0)])?;
    }
    retried(|| system::ftruncate(fd, length.0))
}

pub(super) fn truncate(path: &Value, length: Offset) -> PyResult<()> {
    let path = Path::name_or_fd(path, "truncate")?;
    if let Some(fd) = path.fd {
        return ftruncate(fd, length);
    }
    blocking(|| system::truncate(path.c_str(), length.0)).map(drop).map_err(|errno| path.error(errno))
}

pub(super) fn posix_fallocate(fd: i32, offset: Offset, length: Offset) -> PyResult<()> {
    retried(|| system::posix_fallocate(fd, offset.0, length.0))
}

pub(super) fn posix_fadvise(fd: i32, offset: Offset, length: Offset, advice: i32) -> PyResult<()> {
    retried(|| system::posix_fadvise(fd, offset.0, length.0, advice))
}

pub(super) fn fsync(fd: OpenFile) -> PyResult<()> {
    retried(|| system::fsync(fd.0)).map(drop)
}

pub(super) fn fdatasync(fd: OpenFile) -> PyResult<()> {
    retried(|| system::fdatasync(fd.0)).map(drop)
}

pub(super) fn sync() {
    blocking(system::sync);
}

pub(super) fn get_inheritable(fd: i32) -> PyResult<bool> {
    done(system::get_inheritable(fd))
}

pub(super) fn set_inheritable(fd: i32, inheritable: i32) -> PyResult<()> {
    done(system::set_inheritable(fd, inheritable != 0))
}

pub(super) fn get_blocking(fd: i32) -> PyResult<bool> {
    done(system::status_flags(fd)).map(|flags| flags & libc::O_NONBLOCK == 0)
}

pub(super) fn set_blocking(fd: i32, blocks: bool) -> PyResult<()> {
    let flags = done(system::status_flags(fd))?;
    let new = if blocks { flags & !libc::O_NONBLOCK } else { flags | libc::O_NONBLOCK };
    done(system::set_status_flags(fd, new)).map(drop)
}

pub(super) fn memfd_create(name: FsText, flags: Option<isize>) -> PyResult<I32> {
    let flags = flags.unwrap_or(libc::MFD_CLOEXEC as isize) as u32;
    done(system::memfd_create(&name.0, flags)).map(I32)
}

pub(super) fn device_encoding(fd: i32) -> Value {
    if system::fstat(fd).is_ok() && system::isatty(fd) {
        Str::new_value(&io::standard::preferred_encoding())
    } else {
        Value::NONE
    }
}

pub(super) fn ttyname(fd: i32) -> PyResult<Value> {
    super::path::decode(&done(system::ttyname(fd))?)
}

pub(super) fn ctermid() -> Value {
    Str::new_value("/dev/tty")
}

pub(super) fn openpty() -> PyResult<Value> {
    let (master, slave) = done(system::openpty())?;
    done(system::set_inheritable(master, false))?;
    done(system::set_inheritable(slave, false))?;
    Ok(pair(master, slave))
}

pub(super) fn tcgetpgrp(fd: i32) -> PyResult<I32> {
    done(system::tcgetpgrp(fd)).map(I32)
}

pub(super) fn tcsetpgrp(fd: i32, group: i32) -> PyResult<()> {
    done(system::tcsetpgrp(fd, group)).map(drop)
}

pub(super) fn urandom(size: isize) -> PyResult<Value> {
    let Ok(size) = usize::try_from(size) else { return Err(value_error("negative argument not allowed")) };
    let mut bytes = room(size as isize)?;
    while bytes.len() < size {
        let left = size - bytes.len();
        retried(|| system::getrandom(&mut bytes, left, 0))?;
    }
    Ok(Bytes::new_value(&bytes))
}

pub(super) fn getrandom(size: isize, flags: Option<i32>) -> PyResult<Value> {
    let mut bytes = room(size)?;
    retried(|| system::getrandom(&mut bytes, size as usize, flags.unwrap_or(0) as u32))?;
    Ok(Bytes::new_value(&bytes))
}

pub(super) fn umask(mask: i32) -> I32 {
    I32(system::umask(mask as u32) as i32)
}

pub(super) fn major(device: &Value) -> PyResult<i64> {
    Ok(system::major(super::stat::device_number(device)?).into())
}

pub(super) fn minor(device: &Value) -> PyResult<i64> {
    Ok(system::minor(super::stat::device_number(device)?).into())
}

pub(super) fn makedev(major: i32, minor: i32) -> i64 {
    system::makedev(major as u32, minor as u32) as i64
}
