//! Files by their names: modes, owners, links, directories, times, extended attributes.

use super::arguments::{Accept, DirFd, FsText, Gid, OpenFile, Path, Uid, dir_fd, error};
use super::files::{done, retried};
use super::stat::check_combination;
use super::system::{Directory, Moment, Target};
use super::{constants, path as names, system};
use crate::modules::blocking::blocking;
use crate::modules::sys::audit;
use crate::object::error::PyResult;
use crate::object::number;
use crate::object::value::Value;
use crate::types::bytes::{self, Bytes};
use crate::types::exceptions::{not_implemented_error, overflow_error, type_error, value_error};
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::{float, int};

pub(super) fn access(
    path: &Value,
    mode: i32,
    directory: Option<DirFd>,
    effective: Option<bool>,
    follow: Option<bool>,
) -> PyResult<bool> {
    let path = Path::name(path, "access")?;
    let mut flags = 0;
    if effective.unwrap_or(false) {
        flags |= libc::AT_EACCESS;
    }
    if !follow.unwrap_or(true) {
        flags |= libc::AT_SYMLINK_NOFOLLOW;
    }
    let directory = dir_fd(directory);
    Ok(blocking(|| system::faccessat(directory.0, path.c_str(), mode, flags)).is_ok())
}

pub(super) fn chdir(path: &Value) -> PyResult<()> {
    let path = Path::name_or_fd(path, "chdir")?;
    let result = match path.fd {
        Some(fd) => blocking(|| system::fchdir(fd)),
        None => blocking(|| system::chdir(path.c_str())),
    };
    result.map(drop).map_err(|errno| path.error(errno))
}

pub(super) fn fchdir(fd: OpenFile) -> PyResult<()> {
    retried(|| system::fchdir(fd.0)).map(drop)
}

pub(super) fn chroot(path: &Value) -> PyResult<()> {
    let path = Path::name(path, "chroot")?;
    blocking(|| system::chroot(path.c_str())).map(drop).map_err(|errno| path.error(errno))
}

pub(super) fn chmod(path: &Value, mode: i32, directory: Option<DirFd>, follow: Option<bool>) -> PyResult<()> {
    let path = Path::name_or_fd(path, "chmod")?;
    let directory = dir_fd(directory);
    let follow = follow.unwrap_or(true);
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    let result = match path.fd {
        Some(fd) => blocking(|| system::fchmod(fd, mode as u32)),
        None => blocking(|| system::fchmodat(directory.0, path.c_str(), mode as u32, flags)),
    };
    match result {
        Ok(_) => Ok(()),
        Err(libc::EOPNOTSUPP) if !follow && directory.is_given() => {
            Err(value_error("chmod: cannot use dir_fd and follow_symlinks together"))
        }
        Err(libc::EOPNOTSUPP) if !follow => {
            Err(not_implemented_error("chmod: follow_symlinks unavailable on this platform"))
        }
        Err(errno) => Err(path.error(errno)),
    }
}

pub(super) fn fchmod(fd: i32, mode: i32) -> PyResult<()> {
    retried(|| system::fchmod(fd, mode as u32)).map(drop)
}

pub(super) fn chown(
    path: &Value,
    user: Uid,
    group: Gid,
    directory: Option<DirFd>,
    follow: Option<bool>,
) -> PyResult<()> {
    let path = Path::name_or_fd(path, "chown")?;
    let (directory, follow) = (dir_fd(directory), follow.unwrap_or(true));
    check_combination(&path, directory, follow, "chown")?;
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    let result = match path.fd {
        Some(fd) => blocking(|| system::fchown(fd, user.0, group.0)),
        None => blocking(|| system::fchownat(directory.0, path.c_str(), user.0, group.0, flags)),
    };
    result.map(drop).map_err(|errno| path.error(errno))
}

pub(super) fn fchown(fd: i32, user: Uid, group: Gid) -> PyResult<()> {
    retried(|| system::fchown(fd, user.0, group.0)).map(drop)
}

pub(super) fn lchown(path: &Value, user: Uid, group: Gid) -> PyResult<()> {
    let path = Path::name(path, "lchown")?;
    let flags = libc::AT_SYMLINK_NOFOLLOW;
    blocking(|| system::fchownat(libc::AT_FDCWD, path.c_str(), user.0, group.0, flags))
        .map(drop)
        .map_err(|errno| path.error(errno))
}

pub(super) fn getcwd() -> PyResult<Value> {
    names::decode(&done(blocking(system::getcwd))?)
}

pub(super) fn getcwdb() -> PyResult<Value> {
    Ok(Bytes::new_value(&done(blocking(system::getcwd))?))
}

pub(super) fn link(
    from: &Value,
    to: &Value,
    from_directory: Option<DirFd>,
    to_directory: Option<DirFd>,
    follow: Option<bool>,
) -> PyResult<()> {
    let from = Path::get(Some(from), "link", "src", Accept::Name)?;
    let to = Path::get(Some(to), "link", "dst", Accept::Name)?;
    let (from_directory, to_directory) = (dir_fd(from_directory), dir_fd(to_directory));
    let follow = follow.unwrap_or(true);
    // As CPython: link() itself, which follows nothing here, unless something else is asked for.
    let special = from_directory.is_given() || to_directory.is_given() || !follow;
    let flags = if special && follow { libc::AT_SYMLINK_FOLLOW } else { 0 };
    blocking(|| system::linkat(from_directory.0, from.c_str(), to_directory.0, to.c_str(), flags))
        .map(drop)
        .map_err(|errno| from.error_with(errno, &to))
}

pub(super) fn symlink(
    from: &Value,
    to: &Value,
    _target_is_directory: Option<bool>,
    directory: Option<DirFd>,
) -> PyResult<()> {
    let from = Path::get(Some(from), "symlink", "src", Accept::Name)?;
    let to = Path::get(Some(to), "symlink", "dst", Accept::Name)?;
    let directory = dir_fd(directory);
    blocking(|| system::symlinkat(from.c_str(), directory.0, to.c_str()))
        .map(drop)
        .map_err(|errno| from.error_with(errno, &to))
}

/// A name that the system gave, of the kind that was asked with.
pub(super) fn same_kind(path: &Path, name: &[u8]) -> PyResult<Value> {
    if path.is_bytes { Ok(Bytes::new_value(name)) } else { names::decode(name) }
}

pub(super) fn readlink(path: &Value, directory: Option<DirFd>) -> PyResult<Value> {
    let path = Path::name(path, "readlink")?;
    let directory = dir_fd(directory);
    let target = blocking(|| system::readlinkat(directory.0, path.c_str())).map_err(|errno| path.error(errno))?;
    same_kind(&path, &target)
}

fn move_file(
    from: &Value,
    to: &Value,
    from_directory: Option<DirFd>,
    to_directory: Option<DirFd>,
    function: &str,
) -> PyResult<()> {
    let from = Path::get(Some(from), function, "src", Accept::Name)?;
    let to = Path::get(Some(to), function, "dst", Accept::Name)?;
    let (from_directory, to_directory) = (dir_fd(from_directory), dir_fd(to_directory));
    blocking(|| system::renameat(from_directory.0, from.c_str(), to_directory.0, to.c_str()))
        .map(drop)
        .map_err(|errno| from.error_with(errno, &to))
}

pub(super) fn rename(from: &Value, to: &Value, a: Option<DirFd>, b: Option<DirFd>) -> PyResult<()> {
    move_file(from, to, a, b, "rename")
}

pub(super) fn replace(from: &Value, to: &Value, a: Option<DirFd>, b: Option<DirFd>) -> PyResult<()> {
    move_file(from, to, a, b, "replace")
}

pub(super) fn mkdir(path: &Value, mode: Option<i32>, directory: Option<DirFd>) -> PyResult<()> {
    let path = Path::name(path, "mkdir")?;
    let (mode, directory) = (mode.unwrap_or(0o777) as u32, dir_fd(directory));
    blocking(|| system::mkdirat(directory.0, path.c_str(), mode)).map(drop).map_err(|errno| path.error(errno))
}

pub(super) fn mkfifo(path: &Value, mode: Option<i32>, directory: Option<DirFd>) -> PyResult<()> {
    let path = Path::name(path, "mkfifo")?;
    let (mode, directory) = (mode.unwrap_or(0o666) as u32, dir_fd(directory));
    // The error names no file, as CPython's does not.
    retried(|| system::mkfifoat(directory.0, path.c_str(), mode)).map(drop)
}

pub(super) fn mknod(path: &Value, mode: Option<i32>, device: Option<&Value>, directory: Option<DirFd>) -> PyResult<()> {
    let path = Path::name(path, "mknod")?;
    let (mode, directory) = (mode.unwrap_or(0o600) as u32, dir_fd(directory));
    let device = device.map_or(Ok(0), super::stat::device_number)?;
    retried(|| system::mknodat(directory.0, path.c_str(), mode, device)).map(drop)
}

fn remove_name(path: &Value, directory: Option<DirFd>, flags: i32, function: &str) -> PyResult<()> {
    let path = Path::name(path, function)?;
    let directory = dir_fd(directory);
    blocking(|| system::unlinkat(directory.0, path.c_str(), flags)).map(drop).map_err(|errno| path.error(errno))
}

pub(super) fn rmdir(path: &Value, directory: Option<DirFd>) -> PyResult<()> {
    remove_name(path, directory, libc::AT_REMOVEDIR, "rmdir")
}

pub(super) fn unlink(path: &Value, directory: Option<DirFd>) -> PyResult<()> {
    remove_name(path, directory, 0, "unlink")
}

pub(super) fn remove(path: &Value, directory: Option<DirFd>) -> PyResult<()> {
    remove_name(path, directory, 0, "remove")
}

/// Opens the directory that an argument names.
pub(super) fn open_directory(path: &Path) -> PyResult<Directory> {
    let opened = match path.fd {
        // The directory belongs to the caller: its position is shared, the descriptor is not.
        Some(fd) => system::dup(fd).and_then(|copy| {
            blocking(|| Directory::from_fd(copy)).inspect_err(|_| {
                let _nothing_else_to_do = system::close(copy);
            })
        }),
        None => blocking(|| Directory::open(path.c_str())),
    };
    let mut directory = opened.map_err(|errno| path.error(errno))?;
    if path.fd.is_some() {
        directory.rewind();
    }
    Ok(directory)
}

pub(super) fn listdir(path: Option<&Value>) -> PyResult<Value> {
    let path = Path::get(path, "listdir", "path", Accept::DescriptorOrNone)?;
    if audit::is_heard() {
        audit::event("os.listdir", std::slice::from_ref(&path.object))?;
    }
    let mut directory = open_directory(&path)?;
    let mut names = Vec::new();
    while let Some(entry) = blocking(|| directory.next()).map_err(|errno| path.error(errno))? {
        if entry.name != b"." && entry.name != b".." {
            names.push(same_kind(&path, &entry.name)?);
        }
    }
    if path.fd.is_some() {
        directory.rewind();
    }
    Ok(List::from_vec(names))
}

/// A time in seconds as a moment. As `_PyTime_ObjectToTimespec`, rounding down.
fn moment_of(value: &Value) -> PyResult<Moment> {
    let too_large = || overflow_error("timestamp out of range for platform time_t");
    if let Some(time) = float::to_f64(value) {
        if time.is_nan() {
            return Err(value_error("Invalid value NaN (not a number)"));
        }
        let whole = time.floor();
        let nanos = ((time - whole) * 1e9).floor();
        let (whole, nanos) = if nanos >= 1e9 { (whole + 1.0, nanos - 1e9) } else { (whole, nanos) };
        const LIMIT: f64 = (1u64 << 63) as f64;
        if !(-LIMIT..LIMIT).contains(&whole) {
            return Err(too_large());
        }
        return Ok((whole as i64, nanos as i64));
    }
    if !int::is_int(value) && !number::is_index(value) {
        return Err(type_error(format!("an integer is required (got type {})", value.ty().name())));
    }
    Ok((number::index_to_i64(value)?.ok_or_else(too_large)?, 0))
}

/// Nanoseconds as a moment.
fn split_nanoseconds(value: &Value) -> PyResult<Moment> {
    let parts = number::binary(crate::object::slots::BinaryOp::Divmod, value, &Value::int(1_000_000_000))?;
    let Some([seconds, nanos]) = parts.downcast::<Tuple>().map(Tuple::as_slice) else {
        return Err(type_error(format!(
            "{}.__divmod__() must return a 2-tuple, not {}",
            value.ty().name(),
            parts.ty().name()
        )));
    };
    let seconds =
        number::index_to_i64(seconds)?.ok_or_else(|| overflow_error("timestamp out of range for platform time_t"))?;
    Ok((seconds, number::index_to_i64(nanos)?.unwrap_or(0)))
}

pub(super) fn utime(
    path: &Value,
    times: Option<&Value>,
    ns: Option<&Value>,
    directory: Option<DirFd>,
    follow: Option<bool>,
) -> PyResult<()> {
    let path = Path::name_or_fd(path, "utime")?;
    let (directory, follow) = (dir_fd(directory), follow.unwrap_or(true));
    let times = times.filter(|times| !times.is_none());
    let moments = match (times, ns) {
        (Some(_), Some(_)) => {
            return Err(value_error("utime: you may specify either 'times' or 'ns' but not both"));
        }
        (Some(times), None) => match times.downcast::<Tuple>().map(Tuple::as_slice) {
            Some([access, change]) => Some([moment_of(access)?, moment_of(change)?]),
            _ => return Err(type_error("utime: 'times' must be either a tuple of two ints or None")),
        },
        (None, Some(ns)) => match ns.downcast::<Tuple>().map(Tuple::as_slice) {
            Some([access, change]) => Some([split_nanoseconds(access)?, split_nanoseconds(change)?]),
            _ => return Err(type_error("utime: 'ns' must be a tuple of two ints")),
        },
        (None, None) => None,
    };
    check_combination(&path, directory, follow, "utime")?;
    let result = match path.fd {
        Some(fd) => blocking(|| system::futimens(fd, moments)),
        None => {
            let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
            blocking(|| system::utimensat(directory.0, path.c_str(), moments, flags))
        }
    };
    // Without the name: it may be the time that is wrong.
    done(result)
}

/// The file whose extended attributes are meant.
fn with_target<R>(path: &Path, follow: bool, call: impl FnOnce(Target) -> R) -> R {
    blocking(|| match path.fd {
        Some(fd) => call(Target::Fd(fd)),
        None if follow => call(Target::Path(path.c_str())),
        None => call(Target::Link(path.c_str())),
    })
}

fn attributes_of(path: &Value, follow: Option<bool>, function: &str) -> PyResult<(Path, bool)> {
    let path = Path::name_or_fd(path, function)?;
    let follow = follow.unwrap_or(true);
    check_combination(&path, DirFd::DEFAULT, follow, function)?;
    Ok((path, follow))
}

pub(super) fn getxattr(path: &Value, attribute: &Value, follow: Option<bool>) -> PyResult<Value> {
    let (path, follow) = attributes_of(path, follow, "getxattr")?;
    let attribute = Path::get(Some(attribute), "getxattr", "attribute", Accept::Name)?;
    with_target(&path, follow, |target| system::getxattr(target, attribute.c_str()))
        .map(|value| Bytes::new_value(&value))
        .map_err(|errno| path.error(errno))
}

pub(super) fn setxattr(
    path: &Value,
    attribute: &Value,
    value: &Value,
    flags: Option<i32>,
    follow: Option<bool>,
) -> PyResult<()> {
    let (path, follow) = attributes_of(path, follow, "setxattr")?;
    let attribute = Path::get(Some(attribute), "setxattr", "attribute", Accept::Name)?;
    let value = bytes::buffer_of(value)?;
    with_target(&path, follow, |target| system::setxattr(target, attribute.c_str(), &value, flags.unwrap_or(0)))
        .map_err(|errno| path.error(errno))
}

pub(super) fn removexattr(path: &Value, attribute: &Value, follow: Option<bool>) -> PyResult<()> {
    let (path, follow) = attributes_of(path, follow, "removexattr")?;
    let attribute = Path::get(Some(attribute), "removexattr", "attribute", Accept::Name)?;
    with_target(&path, follow, |target| match target {
        Target::Path(path) => system::removexattr(path, attribute.c_str()),
        Target::Link(path) => system::lremovexattr(path, attribute.c_str()),
        Target::Fd(fd) => system::fremovexattr(fd, attribute.c_str()),
    })
    .map(drop)
    .map_err(|errno| path.error(errno))
}

pub(super) fn listxattr(path: Option<&Value>, follow: Option<bool>) -> PyResult<Value> {
    let path = Path::get(path, "listxattr", "path", Accept::DescriptorOrNone)?;
    let follow = follow.unwrap_or(true);
    check_combination(&path, DirFd::DEFAULT, follow, "listxattr")?;
    let all = with_target(&path, follow, system::listxattr).map_err(|errno| path.error(errno))?;
    let names = all.split(|&byte| byte == 0).filter(|name| !name.is_empty());
    Ok(List::from_vec(names.map(names_decode).collect::<PyResult<Vec<_>>>()?))
}

fn names_decode(name: &[u8]) -> PyResult<Value> {
    names::decode(name)
}

/// The number of a configuration variable. As `conv_confname`.
pub(super) fn configuration(value: &Value, table: &[(&str, i32)]) -> PyResult<i32> {
    if int::is_int(value) {
        return crate::object::native::c_int(value, false);
    }
    let Some(name) = value.downcast::<Str>() else {
        return Err(type_error("configuration names must be strings or integers"));
    };
    let known = table.iter().find(|(known, _)| name.equals_str(known));
    known.map(|&(_, number)| number).ok_or_else(|| value_error("unrecognized configuration name"))
}

pub(super) fn pathconf(path: &Value, name: &Value) -> PyResult<i64> {
    let path = Path::name_or_fd(path, "pathconf")?;
    let name = configuration(name, constants::PATHCONF_NAMES)?;
    let result = match path.fd {
        Some(fd) => system::fpathconf(fd, name),
        None => system::pathconf(path.c_str(), name),
    };
    // Only a wrong file, not a wrong name, shows in the error.
    result.map_err(|errno| if errno == libc::EINVAL { error(errno) } else { path.error(errno) })
}

pub(super) fn fpathconf(fd: i32, name: &Value) -> PyResult<i64> {
    let name = configuration(name, constants::PATHCONF_NAMES)?;
    done(system::fpathconf(fd, name))
}

pub(super) fn fspath(path: &Value) -> PyResult<Value> {
    names::fspath(path)
}

pub(super) fn putenv(name: FsText, value: FsText) -> PyResult<()> {
    if name.0.to_bytes().contains(&b'=') {
        return Err(value_error("illegal environment variable name"));
    }
    if name.0.is_empty() {
        // The C library keeps a variable without a name, which nobody can read.
        return Ok(());
    }
    done(system::setenv(&name.0, &value.0)).map(drop)
}

pub(super) fn unsetenv(name: FsText) -> PyResult<()> {
    done(system::unsetenv(&name.0)).map(drop)
}
