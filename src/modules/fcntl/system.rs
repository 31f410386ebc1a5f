//! `fcntl`, `ioctl` and `flock`, behind safe functions. What fails gives the system's error number.

/// A result of a system call: the error is `errno`.
pub type SysResult<T> = Result<T, i32>;

fn check(result: i32) -> SysResult<i32> {
    if result == -1 { Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)) } else { Ok(result) }
}

/// `fcntl(fd, command, number)`.
pub fn fcntl(fd: i32, command: i32, argument: i64) -> SysResult<i32> {
    // SAFETY: a number goes in. The program that calls this names a command that takes a number, as with CPython.
    check(unsafe { libc::fcntl(fd, command, argument) })
}

/// Room for what a command of the system writes, which says itself how much that is.
pub const ROOM: usize = 1024;

/// `fcntl(fd, command, buffer)`.
pub fn fcntl_buffer(fd: i32, command: i32, buffer: &mut [u8; ROOM]) -> SysResult<i32> {
    // SAFETY: the buffer is its own for the call; the structures of fcntl's commands are far smaller.
    check(unsafe { libc::fcntl(fd, command, buffer.as_mut_ptr()) })
}

/// `ioctl(fd, request, number)`.
pub fn ioctl(fd: i32, request: u32, argument: i32) -> SysResult<i32> {
    // SAFETY: a number goes in. The program that calls this names a request that takes a number, as with CPython.
    check(unsafe { libc::ioctl(fd, request.into(), argument) })
}

/// `ioctl(fd, request, buffer)`.
pub fn ioctl_buffer(fd: i32, request: u32, buffer: &mut [u8]) -> SysResult<i32> {
    // SAFETY: the buffer is its own for the call. It is at least as large as the caller's, who answers for the size that
    // the request asks for, as with CPython.
    check(unsafe { libc::ioctl(fd, request.into(), buffer.as_mut_ptr()) })
}

/// `flock(fd, operation)`.
pub fn flock(fd: i32, operation: i32) -> SysResult<()> {
    // SAFETY: numbers go in.
    check(unsafe { libc::flock(fd, operation) }).map(drop)
}

/// Locks a part of a file: `fcntl` with `F_SETLK` or `F_SETLKW`.
pub fn lock(fd: i32, command: i32, kind: i16, whence: i16, start: i64, len: i64) -> SysResult<()> {
    // SAFETY: plain data, for which all zero bytes are a value.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind;
    lock.l_whence = whence;
    lock.l_start = start;
    lock.l_len = len;
    // SAFETY: the structure is its own for the call.
    check(unsafe { libc::fcntl(fd, command, &lock) }).map(drop)
}
