//! The calls of the operating system on files that `_io` and `posix` need, behind safe functions. All unsafe code of the
//! modules is here and in `process`. What fails gives the system's error number.

mod process;

pub use process::*;

use std::ffi::CStr;
use std::mem::MaybeUninit;

/// A result of a system call: the error is `errno`.
pub type SysResult<T> = Result<T, i32>;

/// `errno` of the call that just failed.
pub fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// What a call returned that gives -1 when it fails.
pub(crate) fn check(result: i32) -> SysResult<i32> {
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

/// What the system says of an error number.
pub fn message(errno: i32) -> String {
    let message = std::io::Error::from_raw_os_error(errno).to_string();
    // Without the number that the Rust library adds.
    message.split(" (os error").next().unwrap_or_default().to_owned()
}

/// Calls that take numbers and names, and give -1 when they fail.
macro_rules! calls {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $ty:ty),*) = $call:expr;)*) => {
        $(
            $(#[$doc])*
            pub fn $name($($arg: $ty),*) -> SysResult<i32> {
                // SAFETY: numbers go in, and names that end with a zero byte.
                check(unsafe { $call })
            }
        )*
    };
}

calls! {
    /// Opens a file, named from a directory.
    fn openat(directory: i32, path: &CStr, flags: i32, mode: u32) = libc::openat(directory, path.as_ptr(), flags, mode);
    /// Another descriptor of the same file, not inherited.
    fn dup(fd: i32) = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0);
    /// The same file under a given descriptor.
    fn dup2(fd: i32, target: i32) = libc::dup2(fd, target);
    /// As [`dup2`], with flags.
    fn dup3(fd: i32, target: i32, flags: i32) = libc::dup3(fd, target, flags);
    /// Locks part of a file.
    fn lockf(fd: i32, command: i32, length: i64) = libc::lockf(fd, command, length);
    /// Sets a file's length by name.
    fn truncate(path: &CStr, length: i64) = libc::truncate(path.as_ptr(), length);
    /// Writes what the system holds of a file to the disk.
    fn fsync(fd: i32) = libc::fsync(fd);
    /// As [`fsync`], without the times.
    fn fdatasync(fd: i32) = libc::fdatasync(fd);
    /// The flags of an open file.
    fn status_flags(fd: i32) = libc::fcntl(fd, libc::F_GETFL);
    /// Sets the flags of an open file.
    fn set_status_flags(fd: i32, flags: i32) = libc::fcntl(fd, libc::F_SETFL, flags);
    /// A file in memory.
    fn memfd_create(name: &CStr, flags: u32) = libc::memfd_create(name.as_ptr(), flags);
    /// The process group in the foreground of a terminal.
    fn tcgetpgrp(fd: i32) = libc::tcgetpgrp(fd);
    /// Sets the process group in the foreground of a terminal.
    fn tcsetpgrp(fd: i32, group: i32) = libc::tcsetpgrp(fd, group);
    /// Whether a file may be used.
    fn faccessat(directory: i32, path: &CStr, mode: i32, flags: i32) =
        libc::faccessat(directory, path.as_ptr(), mode, flags);
    /// Enters a directory.
    fn chdir(path: &CStr) = libc::chdir(path.as_ptr());
    /// Enters an open directory.
    fn fchdir(fd: i32) = libc::fchdir(fd);
    /// Makes a directory the root.
    fn chroot(path: &CStr) = libc::chroot(path.as_ptr());
    /// Sets a file's mode.
    fn fchmodat(directory: i32, path: &CStr, mode: u32, flags: i32) =
        libc::fchmodat(directory, path.as_ptr(), mode, flags);
    /// Sets an open file's mode.
    fn fchmod(fd: i32, mode: u32) = libc::fchmod(fd, mode);
    /// Sets a file's owner.
    fn fchownat(directory: i32, path: &CStr, user: u32, group: u32, flags: i32) =
        libc::fchownat(directory, path.as_ptr(), user, group, flags);
    /// Sets an open file's owner.
    fn fchown(fd: i32, user: u32, group: u32) = libc::fchown(fd, user, group);
    /// Makes another name of a file.
    fn linkat(from: i32, old: &CStr, to: i32, new: &CStr, flags: i32) =
        libc::linkat(from, old.as_ptr(), to, new.as_ptr(), flags);
    /// Makes a directory.
    fn mkdirat(directory: i32, path: &CStr, mode: u32) = libc::mkdirat(directory, path.as_ptr(), mode);
    /// Makes a named pipe.
    fn mkfifoat(directory: i32, path: &CStr, mode: u32) = libc::mkfifoat(directory, path.as_ptr(), mode);
    /// Makes a file or device.
    fn mknodat(directory: i32, path: &CStr, mode: u32, device: u64) =
        libc::mknodat(directory, path.as_ptr(), mode, device);
    /// Renames a file.
    fn renameat(from: i32, old: &CStr, to: i32, new: &CStr) = libc::renameat(from, old.as_ptr(), to, new.as_ptr());
    /// Removes a name.
    fn unlinkat(directory: i32, path: &CStr, flags: i32) = libc::unlinkat(directory, path.as_ptr(), flags);
    /// Makes a symbolic link.
    fn symlinkat(target: &CStr, directory: i32, path: &CStr) =
        libc::symlinkat(target.as_ptr(), directory, path.as_ptr());
    /// Removes an extended attribute.
    fn removexattr(path: &CStr, name: &CStr) = libc::removexattr(path.as_ptr(), name.as_ptr());
    /// As [`removexattr`], of a link itself.
    fn lremovexattr(path: &CStr, name: &CStr) = libc::lremovexattr(path.as_ptr(), name.as_ptr());
    /// As [`removexattr`], of an open file.
    fn fremovexattr(fd: i32, name: &CStr) = libc::fremovexattr(fd, name.as_ptr());
    /// Sends a signal.
    fn kill(pid: i32, signal: i32) = libc::kill(pid, signal);
    /// Sends a signal to a group.
    fn killpg(group: i32, signal: i32) = libc::killpg(group, signal);
    /// A process's group.
    fn getpgid(pid: i32) = libc::getpgid(pid);
    /// A process's session.
    fn getsid(pid: i32) = libc::getsid(pid);
    /// Begins a session.
    fn setsid() = libc::setsid();
    /// Puts a process into a group.
    fn setpgid(pid: i32, group: i32) = libc::setpgid(pid, group);
    /// Sets the user.
    fn setuid(user: u32) = libc::setuid(user);
    /// Sets the effective user.
    fn seteuid(user: u32) = libc::seteuid(user);
    /// Sets user and effective user.
    fn setreuid(real: u32, effective: u32) = libc::setreuid(real, effective);
    /// Sets all three users.
    fn setresuid(real: u32, effective: u32, saved: u32) = libc::setresuid(real, effective, saved);
    /// Sets the group.
    fn setgid(group: u32) = libc::setgid(group);
    /// Sets the effective group.
    fn setegid(group: u32) = libc::setegid(group);
    /// Sets group and effective group.
    fn setregid(real: u32, effective: u32) = libc::setregid(real, effective);
    /// Sets all three groups.
    fn setresgid(real: u32, effective: u32, saved: u32) = libc::setresgid(real, effective, saved);
    /// Sets the groups from the system's tables.
    fn initgroups(user: &CStr, group: u32) = libc::initgroups(user.as_ptr(), group);
    /// Sets a priority.
    fn setpriority(which: i32, who: u32, priority: i32) = libc::setpriority(which as _, who, priority);
    /// The highest priority of a policy.
    fn sched_get_priority_max(policy: i32) = libc::sched_get_priority_max(policy);
    /// The lowest priority of a policy.
    fn sched_get_priority_min(policy: i32) = libc::sched_get_priority_min(policy);
    /// A process's policy.
    fn sched_getscheduler(pid: i32) = libc::sched_getscheduler(pid);
    /// Lets others run.
    fn sched_yield() = libc::sched_yield();
    /// Sets an environment variable of the C library's.
    fn setenv(name: &CStr, value: &CStr) = libc::setenv(name.as_ptr(), value.as_ptr(), 1);
    /// Removes an environment variable of the C library's.
    fn unsetenv(name: &CStr) = libc::unsetenv(name.as_ptr());
    /// Splits the process: 0 in the child.
    fn fork() = libc::fork();
}

/// Writes everything that the system holds to the disks.
pub fn sync() {
    // SAFETY: nothing goes in.
    unsafe { libc::sync() }
}

/// Reads at a position; the number of bytes.
pub fn pread(fd: i32, buffer: &mut [u8], offset: i64) -> SysResult<usize> {
    // SAFETY: the system writes at most the buffer's length.
    check_size(unsafe { libc::pread(fd, buffer.as_mut_ptr().cast(), buffer.len().min(MAX_COUNT), offset) })
}

/// Writes at a position; the number of bytes.
pub fn pwrite(fd: i32, bytes: &[u8], offset: i64) -> SysResult<usize> {
    // SAFETY: the system reads at most the slice's length.
    check_size(unsafe { libc::pwrite(fd, bytes.as_ptr().cast(), bytes.len().min(MAX_COUNT), offset) })
}

/// As [`pread`], with flags.
pub fn preadv2(fd: i32, buffer: &mut [u8], offset: i64, flags: i32) -> SysResult<usize> {
    let vector = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len().min(MAX_COUNT) };
    // SAFETY: the vector describes the buffer.
    check_size(unsafe { libc::preadv2(fd, &vector, 1, offset, flags) })
}

/// As [`pwrite`], with flags.
pub fn pwritev2(fd: i32, bytes: &[u8], offset: i64, flags: i32) -> SysResult<usize> {
    let vector = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len().min(MAX_COUNT) };
    // SAFETY: the vector describes the bytes, which are only read.
    check_size(unsafe { libc::pwritev2(fd, &vector, 1, offset, flags) })
}

/// Copies from one descriptor to another.
pub fn sendfile(out: i32, from: i32, offset: Option<i64>, count: usize) -> SysResult<usize> {
    let mut offset = offset;
    let place = offset.as_mut().map_or(std::ptr::null_mut(), |offset| offset as *mut i64);
    // SAFETY: the place is null or that of a number that lives on.
    check_size(unsafe { libc::sendfile(out, from, place, count) })
}

/// Copies from one file to another.
pub fn copy_file_range(
    from: i32,
    offset_from: Option<i64>,
    to: i32,
    offset_to: Option<i64>,
    count: usize,
) -> SysResult<usize> {
    let (mut offset_from, mut offset_to) = (offset_from, offset_to);
    let place = |offset: &mut Option<i64>| offset.as_mut().map_or(std::ptr::null_mut(), |offset| offset as *mut i64);
    let (from_place, to_place) = (place(&mut offset_from), place(&mut offset_to));
    // SAFETY: the places are null or those of numbers that live on.
    check_size(unsafe { libc::copy_file_range(from, from_place, to, to_place, count, 0) })
}

/// A pipe: the descriptors to read and to write.
pub fn pipe(flags: i32) -> SysResult<(i32, i32)> {
    let mut ends = [0; 2];
    // SAFETY: there is room for two descriptors.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), flags) })?;
    Ok((ends[0], ends[1]))
}

/// Makes room for part of a file.
pub fn posix_fallocate(fd: i32, offset: i64, length: i64) -> SysResult<()> {
    // SAFETY: numbers go in.
    match unsafe { libc::posix_fallocate(fd, offset, length) } {
        0 => Ok(()),
        errno => Err(errno),
    }
}

/// Tells the system how a file will be used.
pub fn posix_fadvise(fd: i32, offset: i64, length: i64, advice: i32) -> SysResult<()> {
    // SAFETY: numbers go in.
    match unsafe { libc::posix_fadvise(fd, offset, length, advice) } {
        0 => Ok(()),
        errno => Err(errno),
    }
}

/// A text that a call writes into a buffer, which grows as long as the call says that it is too small.
fn grown(mut call: impl FnMut(&mut [u8]) -> SysResult<usize>) -> SysResult<Vec<u8>> {
    let mut buffer = vec![0u8; 256];
    loop {
        match call(&mut buffer) {
            Ok(len) if len < buffer.len() => {
                buffer.truncate(len);
                return Ok(buffer);
            }
            Ok(_) | Err(libc::ERANGE) if buffer.len() < 1 << 20 => buffer.resize(buffer.len() * 2, 0),
            Ok(_) => return Err(libc::ERANGE),
            Err(errno) => return Err(errno),
        }
    }
}

/// The length of a text that ends with a zero byte.
fn text_len(buffer: &[u8]) -> usize {
    memchr::memchr(0, buffer).unwrap_or(buffer.len())
}

/// The name of a terminal.
pub fn ttyname(fd: i32) -> SysResult<Vec<u8>> {
    grown(|buffer| {
        // SAFETY: the library writes at most the buffer's length.
        match unsafe { libc::ttyname_r(fd, buffer.as_mut_ptr().cast(), buffer.len()) } {
            0 => Ok(text_len(buffer)),
            errno => Err(errno),
        }
    })
}

/// The directory that the process is in.
pub fn getcwd() -> SysResult<Vec<u8>> {
    grown(|buffer| {
        // SAFETY: the library writes at most the buffer's length.
        let result = unsafe { libc::getcwd(buffer.as_mut_ptr().cast(), buffer.len()) };
        if result.is_null() { Err(errno()) } else { Ok(text_len(buffer)) }
    })
}

/// The name of the user who logged in.
pub fn getlogin() -> SysResult<Vec<u8>> {
    set_errno(0);
    // SAFETY: the library's text is copied at once.
    unsafe {
        let name = libc::getlogin();
        if name.is_null() { Err(errno()) } else { Ok(CStr::from_ptr(name).to_bytes().to_vec()) }
    }
}

/// What a symbolic link points to.
pub fn readlinkat(directory: i32, path: &CStr) -> SysResult<Vec<u8>> {
    grown(|buffer| {
        // SAFETY: the system writes at most the buffer's length.
        check_size(unsafe { libc::readlinkat(directory, path.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) })
    })
}

/// A terminal of one's own: master and slave.
pub fn openpty() -> SysResult<(i32, i32)> {
    let (mut master, mut slave) = (0, 0);
    let (name, termios, size) = (std::ptr::null_mut(), std::ptr::null(), std::ptr::null());
    // SAFETY: the library writes two descriptors; the rest is not asked for.
    check(unsafe { libc::openpty(&mut master, &mut slave, name, termios, size) })?;
    Ok((master, slave))
}

/// Splits the process, the child on a terminal of its own: the child's number (0 in the child) and the master.
pub fn forkpty() -> SysResult<(i32, i32)> {
    let mut master = -1;
    let (name, termios, size) = (std::ptr::null_mut(), std::ptr::null(), std::ptr::null());
    // SAFETY: the library writes a descriptor; the rest is not asked for.
    let pid = check(unsafe { libc::forkpty(&mut master, name, termios, size) })?;
    Ok((pid, master))
}

/// Appends random bytes; their number.
pub fn getrandom(buffer: &mut Vec<u8>, count: usize, flags: u32) -> SysResult<usize> {
    let start = buffer.len();
    buffer.resize(start + count, 0);
    let place = buffer.get_mut(start..).unwrap_or_default();
    // SAFETY: the system writes at most the slice's length.
    let read = check_size(unsafe { libc::getrandom(place.as_mut_ptr().cast(), place.len(), flags) });
    buffer.truncate(start + *read.as_ref().unwrap_or(&0));
    read
}

/// Sets the mask of modes; the old one.
pub fn umask(mask: u32) -> u32 {
    // SAFETY: a number goes in.
    unsafe { libc::umask(mask) }
}

/// The kind of a device.
pub fn major(device: u64) -> u32 {
    libc::major(device)
}

/// The number of a device of its kind.
pub fn minor(device: u64) -> u32 {
    libc::minor(device)
}

/// A device's number.
pub fn makedev(major: u32, minor: u32) -> u64 {
    libc::makedev(major, minor)
}

/// A structure that a call fills.
fn filled<T>(call: impl FnOnce(*mut T) -> i32) -> SysResult<T> {
    let mut place = MaybeUninit::<T>::zeroed();
    check(call(place.as_mut_ptr()))?;
    // SAFETY: only structures of C go through here, for which zero bytes are valid, and the call has filled them.
    Ok(unsafe { place.assume_init() })
}

/// What the system knows of a file.
pub fn fstatat(directory: i32, path: &CStr, flags: i32) -> SysResult<libc::stat> {
    // SAFETY: the system fills the structure.
    filled(|place| unsafe { libc::fstatat(directory, path.as_ptr(), place, flags) })
}

/// What the system knows of a file system.
pub fn statvfs(path: &CStr) -> SysResult<libc::statvfs> {
    // SAFETY: the system fills the structure.
    filled(|place| unsafe { libc::statvfs(path.as_ptr(), place) })
}

/// As [`statvfs`], by an open file.
pub fn fstatvfs(fd: i32) -> SysResult<libc::statvfs> {
    // SAFETY: the system fills the structure.
    filled(|place| unsafe { libc::fstatvfs(fd, place) })
}

/// A moment: seconds and nanoseconds.
pub type Moment = (i64, i64);

/// Sets the times of access and change; without times, to now.
pub fn utimensat(directory: i32, path: &CStr, times: Option<[Moment; 2]>, flags: i32) -> SysResult<()> {
    with_times(times, |times| {
        // SAFETY: two times or none go in.
        unsafe { libc::utimensat(directory, path.as_ptr(), times, flags) }
    })
}

/// As [`utimensat`], of an open file.
pub fn futimens(fd: i32, times: Option<[Moment; 2]>) -> SysResult<()> {
    // SAFETY: two times or none go in.
    with_times(times, |times| unsafe { libc::futimens(fd, times) })
}

fn with_times(times: Option<[Moment; 2]>, call: impl FnOnce(*const libc::timespec) -> i32) -> SysResult<()> {
    let times = times.map(|times| times.map(|(seconds, nanos)| libc::timespec { tv_sec: seconds, tv_nsec: nanos }));
    check(call(times.as_ref().map_or(std::ptr::null(), |times| times.as_ptr()))).map(drop)
}

/// The number of a configuration variable of a file; `None` when there is no limit.
pub fn pathconf(path: &CStr, name: i32) -> SysResult<i64> {
    // SAFETY: a name and a number go in.
    limit(|| unsafe { libc::pathconf(path.as_ptr(), name) })
}

/// As [`pathconf`], of an open file.
pub fn fpathconf(fd: i32, name: i32) -> SysResult<i64> {
    // SAFETY: numbers go in.
    limit(|| unsafe { libc::fpathconf(fd, name) })
}

/// A number of the system's configuration; -1 when there is none.
pub fn sysconf(name: i32) -> SysResult<i64> {
    // SAFETY: a number goes in.
    limit(|| unsafe { libc::sysconf(name) })
}

fn set_errno(value: i32) {
    // SAFETY: the place of errno is the thread's own.
    unsafe { *libc::__errno_location() = value }
}

/// -1 is an error only with an error number.
fn limit(call: impl FnOnce() -> i64) -> SysResult<i64> {
    set_errno(0);
    let result = call();
    match errno() {
        errno if result == -1 && errno != 0 => Err(errno),
        _ => Ok(result),
    }
}

/// A text of the system's configuration; `None` when it has none.
pub fn confstr(name: i32) -> SysResult<Option<Vec<u8>>> {
    set_errno(0);
    // SAFETY: without room, the library only says how much is needed.
    let len = unsafe { libc::confstr(name, std::ptr::null_mut(), 0) };
    if len == 0 {
        return if errno() != 0 { Err(errno()) } else { Ok(None) };
    }
    let mut buffer = vec![0u8; len];
    // SAFETY: the library writes at most the buffer's length.
    unsafe { libc::confstr(name, buffer.as_mut_ptr().cast(), buffer.len()) };
    buffer.truncate(text_len(&buffer));
    Ok(Some(buffer))
}

/// Where an extended attribute is.
#[derive(Clone, Copy)]
pub enum Target<'a> {
    /// Of a file.
    Path(&'a CStr),
    /// Of a link itself.
    Link(&'a CStr),
    /// Of an open file.
    Fd(i32),
}

/// An extended attribute.
pub fn getxattr(target: Target, name: &CStr) -> SysResult<Vec<u8>> {
    sized(|buffer, len| {
        // SAFETY: the system writes at most `len` bytes.
        unsafe {
            match target {
                Target::Path(path) => libc::getxattr(path.as_ptr(), name.as_ptr(), buffer.cast(), len),
                Target::Link(path) => libc::lgetxattr(path.as_ptr(), name.as_ptr(), buffer.cast(), len),
                Target::Fd(fd) => libc::fgetxattr(fd, name.as_ptr(), buffer.cast(), len),
            }
        }
    })
}

/// The names of a file's extended attributes, each ending with a zero byte.
pub fn listxattr(target: Target) -> SysResult<Vec<u8>> {
    sized(|buffer, len| {
        // SAFETY: the system writes at most `len` bytes.
        unsafe {
            match target {
                Target::Path(path) => libc::listxattr(path.as_ptr(), buffer.cast(), len),
                Target::Link(path) => libc::llistxattr(path.as_ptr(), buffer.cast(), len),
                Target::Fd(fd) => libc::flistxattr(fd, buffer.cast(), len),
            }
        }
    })
}

/// What a call writes that says how much room it needs.
fn sized(call: impl Fn(*mut u8, usize) -> isize) -> SysResult<Vec<u8>> {
    loop {
        let needed = check_size(call(std::ptr::null_mut(), 0))?;
        let mut buffer = vec![0u8; needed.max(1)];
        match check_size(call(buffer.as_mut_ptr(), buffer.len())) {
            // It has grown meanwhile.
            Err(libc::ERANGE) => {}
            Err(errno) => return Err(errno),
            Ok(len) => {
                buffer.truncate(len);
                return Ok(buffer);
            }
        }
    }
}

/// Sets an extended attribute.
pub fn setxattr(target: Target, name: &CStr, value: &[u8], flags: i32) -> SysResult<()> {
    let (data, len) = (value.as_ptr().cast(), value.len());
    // SAFETY: the system reads at most the slice's length.
    let result = unsafe {
        match target {
            Target::Path(path) => libc::setxattr(path.as_ptr(), name.as_ptr(), data, len, flags),
            Target::Link(path) => libc::lsetxattr(path.as_ptr(), name.as_ptr(), data, len, flags),
            Target::Fd(fd) => libc::fsetxattr(fd, name.as_ptr(), data, len, flags),
        }
    };
    check(result).map(drop)
}

/// An open directory; closed when dropped.
pub struct Directory(std::ptr::NonNull<libc::DIR>);

/// An entry of a directory.
pub struct Entry {
    /// Its name.
    pub name: Vec<u8>,
    /// Its number.
    pub inode: u64,
    /// Its kind, `DT_UNKNOWN` when the file system does not tell.
    pub kind: u8,
}

impl Directory {
    /// Opens a directory.
    pub fn open(path: &CStr) -> SysResult<Directory> {
        // SAFETY: the name ends with a zero byte.
        std::ptr::NonNull::new(unsafe { libc::opendir(path.as_ptr()) }).map(Directory).ok_or_else(errno)
    }

    /// An open directory by a descriptor, which it takes over.
    pub fn from_fd(fd: i32) -> SysResult<Directory> {
        // SAFETY: a number goes in.
        std::ptr::NonNull::new(unsafe { libc::fdopendir(fd) }).map(Directory).ok_or_else(errno)
    }

    /// The next entry; `None` at the end.
    pub fn next(&mut self) -> SysResult<Option<Entry>> {
        set_errno(0);
        // SAFETY: the directory is open; the entry is copied before the next call.
        unsafe {
            let entry = libc::readdir(self.0.as_ptr());
            let Some(entry) = entry.as_ref() else {
                return match errno() {
                    0 => Ok(None),
                    errno => Err(errno),
                };
            };
            let name = CStr::from_ptr(entry.d_name.as_ptr()).to_bytes().to_vec();
            Ok(Some(Entry { name, inode: entry.d_ino, kind: entry.d_type }))
        }
    }

    /// Back to the first entry.
    pub fn rewind(&mut self) {
        // SAFETY: the directory is open.
        unsafe { libc::rewinddir(self.0.as_ptr()) }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // SAFETY: the directory is open and not used any more.
        unsafe { libc::closedir(self.0.as_ptr()) };
    }
}
