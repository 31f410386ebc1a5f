//! The module `_stat`.

use crate::method;
use crate::modules::ModuleDef;
use crate::object::error::PyResult;
use crate::object::native::At;
use crate::object::native::FromArg;
use crate::object::value::Value;
use crate::types::dict::Dict;
use crate::types::exceptions::{overflow_error, type_error};
use crate::types::int::{self, Num};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_stat",
    doc: "S_IFMT_: file type bits\nS_IFDIR: directory\nS_IFCHR: character device\nS_IFBLK: block device\nS_IFREG: regular file\nS_IFIFO: fifo (named pipe)\nS_IFLNK: symbolic link\nS_IFSOCK: socket file\nS_IFDOOR: door\nS_IFPORT: event port\nS_IFWHT: whiteout\n\nS_ISUID: set UID bit\nS_ISGID: set GID bit\nS_ENFMT: file locking enforcement\nS_ISVTX: sticky bit\nS_IREAD: Unix V7 synonym for S_IRUSR\nS_IWRITE: Unix V7 synonym for S_IWUSR\nS_IEXEC: Unix V7 synonym for S_IXUSR\nS_IRWXU: mask for owner permissions\nS_IRUSR: read by owner\nS_IWUSR: write by owner\nS_IXUSR: execute by owner\nS_IRWXG: mask for group permissions\nS_IRGRP: read by group\nS_IWGRP: write by group\nS_IXGRP: execute by group\nS_IRWXO: mask for others (not in group) permissions\nS_IROTH: read by others\nS_IWOTH: write by others\nS_IXOTH: execute by others\n\nUF_NODUMP: do not dump file\nUF_IMMUTABLE: file may not be changed\nUF_APPEND: file may only be appended to\nUF_OPAQUE: directory is opaque when viewed through a union stack\nUF_NOUNLINK: file may not be renamed or deleted\nUF_COMPRESSED: OS X: file is hfs-compressed\nUF_HIDDEN: OS X: file should not be displayed\nSF_ARCHIVED: file may be archived\nSF_IMMUTABLE: file may not be changed\nSF_APPEND: file may only be appended to\nSF_NOUNLINK: file may not be renamed or deleted\nSF_SNAPSHOT: file is a snapshot file\n\nST_MODE\nST_INO\nST_DEV\nST_NLINK\nST_UID\nST_GID\nST_SIZE\nST_ATIME\nST_MTIME\nST_CTIME\n\nFILE_ATTRIBUTE_*: Windows file attribute constants\n                   (only present on Windows)\n",
    functions: &[
        method!(s_isdir, "!S_ISDIR(mode, /)", "S_ISDIR(mode) -> bool\n\nReturn True if mode is from a directory."),
        method!(
            s_ischr,
            "!S_ISCHR(mode, /)",
            "S_ISCHR(mode) -> bool\n\nReturn True if mode is from a character special device file."
        ),
        method!(
            s_isblk,
            "!S_ISBLK(mode, /)",
            "S_ISBLK(mode) -> bool\n\nReturn True if mode is from a block special device file."
        ),
        method!(s_isreg, "!S_ISREG(mode, /)", "S_ISREG(mode) -> bool\n\nReturn True if mode is from a regular file."),
        method!(
            s_isfifo,
            "!S_ISFIFO(mode, /)",
            "S_ISFIFO(mode) -> bool\n\nReturn True if mode is from a FIFO (named pipe)."
        ),
        method!(s_islnk, "!S_ISLNK(mode, /)", "S_ISLNK(mode) -> bool\n\nReturn True if mode is from a symbolic link."),
        method!(s_issock, "!S_ISSOCK(mode, /)", "S_ISSOCK(mode) -> bool\n\nReturn True if mode is from a socket."),
        method!(s_isdoor, "!S_ISDOOR(mode, /)", "S_ISDOOR(mode) -> bool\n\nReturn True if mode is from a door."),
        method!(s_isport, "!S_ISPORT(mode, /)", "S_ISPORT(mode) -> bool\n\nReturn True if mode is from an event port."),
        method!(s_iswht, "!S_ISWHT(mode, /)", "S_ISWHT(mode) -> bool\n\nReturn True if mode is from a whiteout."),
        method!(s_imode, "!S_IMODE(mode, /)", "Return the portion of the file's mode that can be set by os.chmod()."),
        method!(s_ifmt, "!S_IFMT(mode, /)", "Return the portion of the file's mode that describes the file type."),
        method!(filemode, "!filemode(mode, /)", "Convert a file's mode to a string of the form '-rwxrwxrwx'"),
    ],
    fill,
};

const CONSTANTS: &[(&str, i64)] = &[
    ("S_IFDIR", 0o40000),
    ("S_IFCHR", 0o20000),
    ("S_IFBLK", 0o60000),
    ("S_IFREG", 0o100000),
    ("S_IFIFO", 0o10000),
    ("S_IFLNK", 0o120000),
    ("S_IFSOCK", 0o140000),
    ("S_IFDOOR", 0),
    ("S_IFPORT", 0),
    ("S_IFWHT", 0),
    ("S_ISUID", 0o4000),
    ("S_ISGID", 0o2000),
    ("S_ISVTX", 0o1000),
    ("S_ENFMT", 0o2000),
    ("S_IREAD", 0o400),
    ("S_IWRITE", 0o200),
    ("S_IEXEC", 0o100),
    ("S_IRWXU", 0o700),
    ("S_IRUSR", 0o400),
    ("S_IWUSR", 0o200),
    ("S_IXUSR", 0o100),
    ("S_IRWXG", 0o70),
    ("S_IRGRP", 0o40),
    ("S_IWGRP", 0o20),
    ("S_IXGRP", 0o10),
    ("S_IRWXO", 0o7),
    ("S_IROTH", 0o4),
    ("S_IWOTH", 0o2),
    ("S_IXOTH", 0o1),
    ("UF_NODUMP", 0x1),
    ("UF_IMMUTABLE", 0x2),
    ("UF_APPEND", 0x4),
    ("UF_OPAQUE", 0x8),
    ("UF_NOUNLINK", 0x10),
    ("UF_COMPRESSED", 0x20),
    ("UF_HIDDEN", 0x8000),
    ("SF_ARCHIVED", 0x10000),
    ("SF_IMMUTABLE", 0x20000),
    ("SF_APPEND", 0x40000),
    ("SF_NOUNLINK", 0x100000),
    ("SF_SNAPSHOT", 0x200000),
    ("ST_MODE", 0),
    ("ST_INO", 1),
    ("ST_DEV", 2),
    ("ST_NLINK", 3),
    ("ST_UID", 4),
    ("ST_GID", 5),
    ("ST_SIZE", 6),
    ("ST_ATIME", 7),
    ("ST_MTIME", 8),
    ("ST_CTIME", 9),
];

fn fill(dict: &Dict) -> PyResult<()> {
    for &(name, value) in CONSTANTS {
        dict.set_text(name, Value::int(value));
    }
    Ok(())
}

/// A file's mode as an argument. As `_PyLong_AsMode_t`.
#[derive(Clone, Copy)]
struct Mode(u32);

impl FromArg for Mode {
    type Out<'a> = Mode;
    fn from_arg(value: &Value, _at: At) -> PyResult<Mode> {
        match int::num(value) {
            None => Err(type_error("an integer is required")),
            Some(number) if number.is_negative() => Err(overflow_error("can't convert negative value to unsigned int")),
            Some(Num::Small(small)) => u32::try_from(small).map(Mode).map_err(|_| overflow_error("mode out of range")),
            Some(Num::Big(big)) if big.bits() <= 64 => Err(overflow_error("mode out of range")),
            Some(Num::Big(_)) => Err(overflow_error("Python int too large to convert to C unsigned long")),
        }
    }
}

impl Mode {
    fn kind(self) -> u32 {
        self.0 & libc::S_IFMT
    }

    fn has(self, bits: u32) -> bool {
        self.0 & bits != 0
    }
}

fn s_ifmt(mode: Mode) -> i64 {
    mode.kind().into()
}

fn s_imode(mode: Mode) -> i64 {
    (mode.0 & 0o7777).into()
}

fn s_isblk(mode: Mode) -> bool {
    mode.kind() == libc::S_IFBLK
}

fn s_ischr(mode: Mode) -> bool {
    mode.kind() == libc::S_IFCHR
}

fn s_isdir(mode: Mode) -> bool {
    mode.kind() == libc::S_IFDIR
}

fn s_isfifo(mode: Mode) -> bool {
    mode.kind() == libc::S_IFIFO
}

fn s_islnk(mode: Mode) -> bool {
    mode.kind() == libc::S_IFLNK
}

fn s_isreg(mode: Mode) -> bool {
    mode.kind() == libc::S_IFREG
}

fn s_issock(mode: Mode) -> bool {
    mode.kind() == libc::S_IFSOCK
}

// Kinds of files that Linux has not.

fn s_isdoor(_mode: Mode) -> bool {
    false
}

fn s_isport(_mode: Mode) -> bool {
    false
}

fn s_iswht(_mode: Mode) -> bool {
    false
}

fn filemode(mode: Mode) -> String {
    let mut text = String::with_capacity(10);
    text.push(match mode.kind() {
        libc::S_IFREG => '-',
        libc::S_IFDIR => 'd',
        libc::S_IFLNK => 'l',
        libc::S_IFBLK => 'b',
        libc::S_IFCHR => 'c',
        libc::S_IFIFO => 'p',
        libc::S_IFSOCK => 's',
        _ => '?',
    });
    for (shift, special, mark) in [(6, libc::S_ISUID, 's'), (3, libc::S_ISGID, 's'), (0, libc::S_ISVTX, 't')] {
        text.push(if mode.has(4 << shift) { 'r' } else { '-' });
        text.push(if mode.has(2 << shift) { 'w' } else { '-' });
        text.push(match (mode.has(1 << shift), mode.has(special)) {
            (true, true) => mark,
            (false, true) => mark.to_ascii_uppercase(),
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}
