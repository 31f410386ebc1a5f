//! What a child of a fork does before it becomes another program, behind safe functions. Between fork and exec only system
//! calls are made: nothing is allocated or locked, since another thread may have held the lock when the process was split.

use crate::modules::posix::system::errno;
use std::ffi::{CStr, CString, c_char};

/// Pointers to texts, ended by null, as `execve` wants them.
pub struct Texts {
    _texts: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl Texts {
    /// Keeps the texts.
    pub fn new(texts: Vec<CString>) -> Texts {
        let mut pointers: Vec<*const c_char> = texts.iter().map(|text| text.as_ptr()).collect();
        pointers.push(std::ptr::null());
        Texts { _texts: texts, pointers }
    }
}

/// `fork()`: 0 in the child.
pub fn fork() -> Result<i32, i32> {
    // SAFETY: no argument; what the child may do is the caller's care.
    let pid = unsafe { libc::fork() };
    if pid == -1 { Err(errno()) } else { Ok(pid) }
}

/// Closes a descriptor if it is one.
pub fn close(fd: i32) {
    if fd >= 0 {
        // SAFETY: a number goes in.
        unsafe { libc::close(fd) };
    }
}

/// `dup(fd)`.
pub fn dup(fd: i32) -> Result<i32, i32> {
    // SAFETY: a number goes in.
    let new = unsafe { libc::dup(fd) };
    if new == -1 { Err(errno()) } else { Ok(new) }
}

/// `dup2(fd, wanted)`.
pub fn dup2(fd: i32, wanted: i32) -> Result<(), i32> {
    // SAFETY: numbers go in.
    if unsafe { libc::dup2(fd, wanted) } == -1 { Err(errno()) } else { Ok(()) }
}

/// Keeps a descriptor open in the program that is executed.
pub fn keep(fd: i32) -> Result<(), i32> {
    // SAFETY: numbers go in.
    unsafe {
        let flags = libc::fcntl(fd, libc::F_GETFD);
        if flags == -1 || libc::fcntl(fd, libc::F_SETFD, flags & !libc::FD_CLOEXEC) == -1 {
            return Err(errno());
        }
    }
    Ok(())
}

/// `chdir(path)`.
pub fn chdir(path: &CStr) -> Result<(), i32> {
    // SAFETY: the path ends with a zero byte.
    if unsafe { libc::chdir(path.as_ptr()) } == -1 { Err(errno()) } else { Ok(()) }
}

/// Gives the signals that Python ignores their default actions back.
pub fn restore_signals() {
    for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
        // SAFETY: no handler is set.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// `setsid()`.
pub fn setsid() {
    // SAFETY: no argument.
    unsafe { libc::setsid() };
}

/// Closes the descriptors from `first` to `last`.
fn close_range(first: i32, last: i32) {
    if first > last {
        return;
    }
    // SAFETY: numbers go in.
    unsafe {
        if libc::syscall(libc::SYS_close_range, first, last, 0) == 0 {
            return;
        }
        let limit = i32::try_from(libc::sysconf(libc::_SC_OPEN_MAX)).unwrap_or(i32::MAX);
        let limit = if limit < 0 { 256 } else { limit };
        for fd in first..=last.min(limit) {
            libc::close(fd);
        }
    }
}

/// Closes all descriptors from 3 on but those, which ascend.
pub fn close_others(kept: &[i32]) {
    let mut first = 3;
    for &fd in kept.iter().filter(|fd| **fd >= 3) {
        close_range(first, fd - 1);
        first = fd.saturating_add(1);
    }
    close_range(first, i32::MAX);
}

/// Becomes the program; the error's number if that fails.
pub fn execute(program: &CStr, arguments: &Texts, environment: Option<&Texts>) -> i32 {
    // SAFETY: the texts live as long as the lists of pointers to them, which end with null.
    unsafe {
        match environment {
            Some(environment) => {
                libc::execve(program.as_ptr(), arguments.pointers.as_ptr(), environment.pointers.as_ptr());
            }
            None => {
                libc::execv(program.as_ptr(), arguments.pointers.as_ptr());
            }
        }
    }
    errno()
}

/// Writes bytes; nobody can be told when that fails.
pub fn report(fd: i32, bytes: &[u8]) {
    // SAFETY: the system reads at most the slice's length.
    unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
}

/// Ends the process at once.
pub fn exit(status: i32) -> ! {
    // SAFETY: no condition.
    unsafe { libc::_exit(status) }
}
