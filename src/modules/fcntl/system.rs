//! The system's calls on open files: all unsafe code of the module. What fails gives the error number.

use crate::modules::posix::system::{SysResult, errno};

fn check(result: i32) -> SysResult<i32> {
    if result < 0 { Err(errno()) } else { Ok(result) }
}

/// Most bytes that an argument may have; the system's structures are smaller.
pub(super) const MOST: usize = 1024;

/// `fcntl` with a number.
pub(super) fn fcntl(fd: i32, command: i32, arg: u32) -> SysResult<i32> {
    // SAFETY: numbers go in. A command that wants an address gets a number that is none, and fails.
    check(unsafe { libc::fcntl(fd, command, arg) })
}

/// `fcntl` with a structure, which it may change.
pub(super) fn fcntl_with(fd: i32, command: i32, arg: &mut [u8; MOST]) -> SysResult<i32> {
    // SAFETY: there is more room than any of the system's structures has.
    check(unsafe { libc::fcntl(fd, command, arg.as_mut_ptr()) })
}

/// `ioctl` with a number.
pub(super) fn ioctl(fd: i32, request: u32, arg: i32) -> SysResult<i32> {
    // SAFETY: as for fcntl.
    check(unsafe { libc::ioctl(fd, request.into(), arg) })
}

/// `ioctl` with a structure, which it may change.
pub(super) fn ioctl_with(fd: i32, request: u32, arg: &mut [u8]) -> SysResult<i32> {
    let mut room = [0; MOST];
    if arg.len() > MOST {
        // SAFETY: memory that is larger than any of the system's structures.
        return check(unsafe { libc::ioctl(fd, request.into(), arg.as_mut_ptr()) });
    }
    for (place, &byte) in room.iter_mut().zip(arg.iter()) {
        *place = byte;
    }
    // SAFETY: there is more room than any of the system's structures has, whatever the argument's length.
    let result = check(unsafe { libc::ioctl(fd, request.into(), room.as_mut_ptr()) });
    arg.copy_from_slice(room.get(..arg.len()).unwrap_or_default());
    result
}

/// Locks a file.
pub(super) fn flock(fd: i32, operation: i32) -> SysResult<i32> {
    // SAFETY: numbers go in.
    check(unsafe { libc::flock(fd, operation) })
}

/// Locks part of a file, or frees it.
pub(super) fn lock_part(fd: i32, command: i32, kind: i16, whence: i16, start: i64, len: i64) -> SysResult<i32> {
    // SAFETY: a flock is numbers only; it is alive while the call runs.
    unsafe {
        let mut lock: libc::flock = std::mem::zeroed();
        lock.l_type = kind;
        lock.l_whence = whence;
        lock.l_start = start;
        lock.l_len = len;
        check(libc::fcntl(fd, command, &lock))
    }
}
