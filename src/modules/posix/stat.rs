//! `stat` and `statvfs`: what the system knows of files and file systems.

use super::arguments::{DirFd, Path, dir_fd, id_value};
use super::files::done;
use super::system;
use crate::modules::blocking::{blocking, retry};
use crate::object::error::PyResult;
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::Value;
use crate::object::{TypeFlags, TypeObject, number};
use crate::struct_sequence;
use crate::types::dict::Dict;
use crate::types::exceptions::{overflow_error, type_error, value_error};
use crate::types::int;
use crate::types::struct_sequence::{self, Field};
use crate::types::tuple::{self, Tuple};

/// Items that have no attribute of their own: the times in whole seconds.
const UNNAMED: std::ops::Range<usize> = 7..10;
const VISIBLE: usize = 10;

/// The fields in order, as `repr` and creating name them.
static FIELDS: [Field; 19] = [
    ("st_mode", "protection bits"),
    ("st_ino", "inode"),
    ("st_dev", "device"),
    ("st_nlink", "number of hard links"),
    ("st_uid", "user ID of owner"),
    ("st_gid", "group ID of owner"),
    ("st_size", "total size, in bytes"),
    ("st_atime", ""),
    ("st_mtime", ""),
    ("st_ctime", ""),
    ("st_atime", "time of last access"),
    ("st_mtime", "time of last modification"),
    ("st_ctime", "time of last change"),
    ("st_atime_ns", "time of last access in nanoseconds"),
    ("st_mtime_ns", "time of last modification in nanoseconds"),
    ("st_ctime_ns", "time of last change in nanoseconds"),
    ("st_blksize", "blocksize for filesystem I/O"),
    ("st_blocks", "number of blocks allocated"),
    ("st_rdev", "device type (if inode device)"),
];

const fn member<const I: usize>() -> GetSet {
    let mut member = GetSet::member(FIELDS[I].0, |this| Ok(struct_sequence::field(this, I)));
    member.doc = Some(FIELDS[I].1);
    member
}

/// The type object of `os.stat_result`.
pub static STAT_RESULT: TypeObject = TypeObject::define::<Tuple>("os.stat_result")
    .base(&tuple::TUPLE)
    .flags(TypeFlags::TUPLE)
    .variable_size(tuple::size)
    .hidden_values(9)
    .doc("stat_result: Result from stat, fstat, or lstat.\n\nThis object may be accessed either as a tuple of\n  (mode, ino, dev, nlink, uid, gid, size, atime, mtime, ctime)\nor via the attributes st_mode, st_ino, st_dev, st_nlink, st_uid, and so on.\n\nPosix/windows: If your platform supports st_blksize, st_blocks, st_rdev,\nor st_flags, they are available as attributes only.\n\nSee os.stat for more information.")
    .slots(Slots {
        new: Some(|class, args, kwnames| {
            let made = struct_sequence::new(class, args, kwnames, &FIELDS, VISIBLE)?;
            // As statresult_new: times that were not given are those of the items.
            for item in UNNAMED {
                if let Some(cell) = crate::object::instance::slot_cell(&made, item - UNNAMED.start)
                    && cell.get().is_none_or(|time| time.is_none())
                {
                    cell.set(Some(struct_sequence::field(&made, item)));
                }
            }
            Ok(made)
        }),
        repr: Some(|this| struct_sequence::repr(this, &FIELDS)),
        ..Slots::EMPTY
    })
    .methods(&[crate::method!(reduce, "!__reduce__($self, /)", "")])
    .getset(&[
        member::<0>(),
        member::<1>(),
        member::<2>(),
        member::<3>(),
        member::<4>(),
        member::<5>(),
        member::<6>(),
        member::<10>(),
        member::<11>(),
        member::<12>(),
        member::<13>(),
        member::<14>(),
        member::<15>(),
        member::<16>(),
        member::<17>(),
        member::<18>(),
    ]);

fn reduce(this: &Tuple) -> Value {
    let value = Value::of(this);
    let hidden = Dict::new_value();
    if let Some(hidden) = hidden.exact::<Dict>() {
        for (index, (name, _)) in FIELDS.iter().enumerate().skip(VISIBLE) {
            hidden.set_text(name, struct_sequence::field(&value, index));
        }
    }
    let items = Tuple::from_slice(this.as_slice());
    Tuple::from_vec(vec![value.ty().value(), Tuple::from_vec(vec![items, hidden])])
}

struct_sequence!(
    /// The type object of `os.statvfs_result`.
    STATVFS_RESULT "os.statvfs_result" "statvfs_result: Result from statvfs or fstatvfs.\n\nThis object may be accessed either as a tuple of\n  (bsize, frsize, blocks, bfree, bavail, files, ffree, favail, flag, namemax),\nor via the attributes f_bsize, f_frsize, f_blocks, f_bfree, and so on.\n\nSee os.statvfs for more information.",
    [
        ("f_bsize", ""),
        ("f_frsize", ""),
        ("f_blocks", ""),
        ("f_bfree", ""),
        ("f_bavail", ""),
        ("f_files", ""),
        ("f_ffree", ""),
        ("f_favail", ""),
        ("f_flag", ""),
        ("f_namemax", ""),
    ],
    hidden [("f_fsid", "")]
);

/// An unsigned number.
fn unsigned(number: u64) -> Value {
    i64::try_from(number).map_or_else(|_| int::big(number.into()), Value::int)
}

/// A stat_result of what the system says.
pub(super) fn result(status: &libc::stat) -> Value {
    let times = [
        (status.st_atime, status.st_atime_nsec),
        (status.st_mtime, status.st_mtime_nsec),
        (status.st_ctime, status.st_ctime_nsec),
    ];
    let mut items = vec![
        Value::int(status.st_mode.into()),
        unsigned(status.st_ino),
        unsigned(status.st_dev),
        unsigned(status.st_nlink),
        id_value(status.st_uid),
        id_value(status.st_gid),
        Value::int(status.st_size),
    ];
    items.extend(times.iter().map(|&(seconds, _)| Value::int(seconds)));
    items.extend(times.iter().map(|&(seconds, nanos)| Value::float(seconds as f64 + 1e-9 * nanos as f64)));
    items.extend(times.iter().map(|&(seconds, nanos)| {
        let big = num_bigint::BigInt::from(seconds) * 1_000_000_000 + nanos;
        i64::try_from(&big).map_or_else(|_| int::big(big), Value::int)
    }));
    items.push(Value::int(status.st_blksize));
    items.push(Value::int(status.st_blocks));
    items.push(unsigned(status.st_rdev));
    struct_sequence::new_value(&STAT_RESULT, items)
}

/// What the system says of a file.
fn look(path: &Path, directory: DirFd, follow: bool, function: &str) -> PyResult<libc::stat> {
    check_combination(path, directory, follow, function)?;
    let status = match path.fd {
        // In CPython, -1 stands for no descriptor, and there is no name either.
        Some(-1) => Err(libc::EFAULT),
        Some(fd) => blocking(|| system::fstat(fd)),
        None => {
            let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
            blocking(|| system::fstatat(directory.0, path.c_str(), flags))
        }
    };
    status.map_err(|errno| path.error(errno))
}

/// Refuses arguments that do not go together.
pub(super) fn check_combination(path: &Path, directory: DirFd, follow: bool, function: &str) -> PyResult<()> {
    if path.fd.is_some() && directory.is_given() {
        return Err(value_error(format!("{function}: can't specify dir_fd without matching path")));
    }
    if path.fd.is_some() && !follow {
        return Err(value_error(format!("{function}: cannot use fd and follow_symlinks together")));
    }
    Ok(())
}

pub(super) fn stat(path: &Value, directory: Option<DirFd>, follow: Option<bool>) -> PyResult<Value> {
    let path = Path::name_or_fd(path, "stat")?;
    look(&path, dir_fd(directory), follow.unwrap_or(true), "stat").map(|status| result(&status))
}

pub(super) fn lstat(path: &Value, directory: Option<DirFd>) -> PyResult<Value> {
    let path = Path::name(path, "lstat")?;
    look(&path, dir_fd(directory), false, "stat").map(|status| result(&status))
}

pub(super) fn fstat(fd: i32) -> PyResult<Value> {
    done(retry(|| system::fstat(fd))?).map(|status| result(&status))
}

fn vfs_result(status: &libc::statvfs) -> Value {
    let numbers = [
        status.f_bsize,
        status.f_frsize,
        status.f_blocks,
        status.f_bfree,
        status.f_bavail,
        status.f_files,
        status.f_ffree,
        status.f_favail,
        status.f_flag,
        status.f_namemax,
        status.f_fsid,
    ];
    struct_sequence::new_value(&STATVFS_RESULT, numbers.iter().map(|&number| unsigned(number)).collect())
}

pub(super) fn statvfs(path: &Value) -> PyResult<Value> {
    let path = Path::name_or_fd(path, "statvfs")?;
    let status = match path.fd {
        Some(fd) => blocking(|| system::fstatvfs(fd)),
        None => blocking(|| system::statvfs(path.c_str())),
    };
    status.map(|status| vfs_result(&status)).map_err(|errno| path.error(errno))
}

pub(super) fn fstatvfs(fd: i32) -> PyResult<Value> {
    done(retry(|| system::fstatvfs(fd))?).map(|status| vfs_result(&status))
}

/// A device's number. As `_Py_Dev_Converter`.
pub(super) fn device_number(value: &Value) -> PyResult<u64> {
    if !int::is_int(value) && !number::is_index(value) {
        return Err(type_error(format!("an integer is required (got type {})", value.ty().name())));
    }
    let number = int::to_big(&number::index(value)?).unwrap_or_default();
    match u64::try_from(&number) {
        Ok(device) => Ok(device),
        Err(_) if number.sign() == num_bigint::Sign::Minus => {
            Err(overflow_error("can't convert negative int to unsigned"))
        }
        Err(_) => Err(overflow_error("int too big to convert")),
    }
}
