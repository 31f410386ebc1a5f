//! The calls of the operating system on files that `_io` and `posix` need, behind safe functions. All unsafe code of the
//! modules is here. What fails gives the system's error number.

use std::ffi::CStr;
use std::mem::MaybeUninit;

/// A result of a system call: the error is `errno`.
pub type SysResult<T> = Result<T, i32>;

/// `errno` of the call that just failed.
pub fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// What a call returned that gives -1 when it fails.
fn check(result: i32) -> SysResult<i32> {
    if result == -1 { Err(errno()) } else { Ok(result) }
}

fn check_size(result: isize) -> SysResult<usize> {
    usize::try_from(result).map_err(|_| errno())
}

/// Opens a file; the descriptor is not inherited by programs that are executed.
pub fn open(path: &CStr, flags: i32, mode: u32) -> SysResult<i32> {
    // SAFETY: the path ends with a zero byte.
    check(unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC, mode) })
}

/// Closes a descriptor.
pub fn close(fd: i32) -> SysResult<()> {
    // SAFETY: a number goes in.
    check(unsafe { libc::close(fd) }).map(drop)
}

/// Reads into the buffer; the number of bytes read.
pub fn read(fd: i32, buffer: &mut [u8]) -> SysResult<usize> {
    // SAFETY: the system writes at most the buffer's length.
    check_size(unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len().min(MAX_COUNT)) })
}

/// Appends up to `count` bytes to the buffer; their number.
pub fn read_to_vec(fd: i32, buffer: &mut Vec<u8>, count: usize) -> SysResult<usize> {
    if buffer.try_reserve(count).is_err() {
        return Err(libc::ENOMEM);
    }
    let len = buffer.len();
    let count = count.min(MAX_COUNT);
    // SAFETY: there is room for `count` bytes behind the vector's; those that were read are written.
    unsafe {
        let read = check_size(libc::read(fd, buffer.as_mut_ptr().add(len).cast(), count))?;
        buffer.set_len(len + read);
        Ok(read)
    }
}

/// Writes the bytes, or the first of them; their number.
pub fn write(fd: i32, bytes: &[u8]) -> SysResult<usize> {
    // SAFETY: the system reads at most the slice's length.
    check_size(unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len().min(MAX_COUNT)) })
}

/// The most bytes that one call moves: what C's `ssize_t` holds.
const MAX_COUNT: usize = isize::MAX as usize;

/// Moves a descriptor's position.
pub fn lseek(fd: i32, offset: i64, whence: i32) -> SysResult<i64> {
    // SAFETY: numbers go in.
    let position = unsafe { libc::lseek(fd, offset, whence) };
    if position < 0 { Err(errno()) } else { Ok(position) }
}

/// Sets a file's length.
pub fn ftruncate(fd: i32, length: i64) -> SysResult<()> {
    // SAFETY: numbers go in.
    check(unsafe { libc::ftruncate(fd, length) }).map(drop)
}

/// What the system knows of an open file.
pub fn fstat(fd: i32) -> SysResult<libc::stat> {
    let mut status = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the system fills the structure when it succeeds.
    unsafe {
        check(libc::fstat(fd, status.as_mut_ptr()))?;
        Ok(status.assume_init())
    }
}

/// Whether a descriptor is a terminal.
pub fn isatty(fd: i32) -> bool {
    // SAFETY: a number goes in.
    unsafe { libc::isatty(fd) == 1 }
}

/// Whether a descriptor stays open in programs that are executed.
pub fn get_inheritable(fd: i32) -> SysResult<bool> {
    // SAFETY: numbers go in.
    check(unsafe { libc::fcntl(fd, libc::F_GETFD) }).map(|flags| flags & libc::FD_CLOEXEC == 0)
}

/// Says whether a descriptor stays open in programs that are executed.
pub fn set_inheritable(fd: i32, inheritable: bool) -> SysResult<()> {
    // SAFETY: numbers go in.
    unsafe {
        let flags = check(libc::fcntl(fd, libc::F_GETFD))?;
        let new = if inheritable { flags & !libc::FD_CLOEXEC } else { flags | libc::FD_CLOEXEC };
        if new != flags {
            check(libc::fcntl(fd, libc::F_SETFD, new))?;
        }
    }
    Ok(())
}

/// The character set of the environment's locale; `None` when the system does not know that locale.
pub fn locale_charset() -> Option<String> {
    // SAFETY: the empty name asks for the environment's locale; the charset's name is copied before the next call.
    unsafe {
        if libc::setlocale(libc::LC_CTYPE, c"".as_ptr()).is_null() {
            return None;
        }
        let name = libc::nl_langinfo(libc::CODESET);
        if name.is_null() { None } else { Some(CStr::from_ptr(name).to_string_lossy().into_owned()) }
    }
}
