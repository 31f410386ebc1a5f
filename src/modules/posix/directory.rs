//! `scandir`: the entries of a directory one by one, with what the directory says of them.

use super::arguments::{Accept, Path};
use super::system::{self, Directory};
use super::tree::{open_directory, same_kind};
use super::{path as names, stat};
use crate::gc::Visit;
use crate::method;
use crate::modules::blocking::blocking;
use crate::modules::sys::audit;
use crate::modules::warnings;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute, text};
use crate::types::bytes::Bytes;
use crate::types::exceptions::{FILE_NOT_FOUND_ERROR, RESOURCE_WARNING, WARNING, is_instance, type_error};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::{exceptions, int};
use crate::vm::thread;
use std::cell::Cell;

/// The body of what `scandir` gives.
#[repr(C)]
pub struct ScandirIterator {
    header: Header,
    path: Path,
    /// Empty when it has come to its end, or was closed.
    directory: Cell<Option<Directory>>,
}

payload!(ScandirIterator, SCANDIR_ITERATOR, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.path.object);
    }
});

/// The type object of `posix.ScandirIterator`.
pub static SCANDIR_ITERATOR: TypeObject = TypeObject::define::<ScandirIterator>("posix.ScandirIterator")
    .slots(Slots { iter: Some(|this| Ok(this.clone())), next: Some(next), finalize: Some(finalize), ..Slots::EMPTY })
    .methods(&[
        method!(enter, "!__enter__($self, /)", ""),
        method!(exit, "!__exit__($self, *args)", ""),
        method!(close, "!close($self, /)", ""),
    ]);

pub(super) fn scandir(path: Option<&Value>) -> PyResult<Value> {
    let path = Path::get(path, "scandir", "path", Accept::DescriptorOrNone)?;
    if audit::is_heard() {
        audit::event("os.scandir", std::slice::from_ref(&path.object))?;
    }
    let directory = open_directory(&path)?;
    Ok(new_object(ScandirIterator {
        header: Header::new(&SCANDIR_ITERATOR),
        path,
        directory: Cell::new(Some(directory)),
    }))
}

fn enter(this: &Value) -> Value {
    this.clone()
}

fn exit(this: &ScandirIterator, _args: &Tuple) {
    close(this);
}

fn close(this: &ScandirIterator) {
    drop(this.directory.take());
}

/// Tells of an iterator that was neither exhausted nor closed. As `ScandirIterator_finalize`.
fn finalize(this: &Value) {
    let Some(iterator) = this.downcast::<ScandirIterator>() else { return };
    let Some(directory) = iterator.directory.take() else { return };
    drop(directory);
    let Ok(shown) = text::repr_string(this) else { return };
    let message = format!("unclosed scandir iterator {shown}");
    if let Err(raised) = warnings::warn_about(&RESOURCE_WARNING, &message, 1, this)
        && is_instance(&raised, &WARNING)
    {
        thread::report_unraisable(raised, this);
    }
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let Some(iterator) = this.downcast::<ScandirIterator>() else { return Ok(None) };
    loop {
        let Some(mut directory) = iterator.directory.take() else { return Ok(None) };
        let entry = blocking(|| directory.next()).map_err(|errno| iterator.path.error(errno))?;
        let Some(entry) = entry else {
            if iterator.path.fd.is_some() {
                directory.rewind();
            }
            return Ok(None);
        };
        iterator.directory.set(Some(directory));
        if entry.name != b"." && entry.name != b".." {
            return new_entry(&iterator.path, &entry).map(Some);
        }
    }
}

/// The body of an entry.
#[repr(C)]
pub struct DirEntry {
    header: Header,
    name: Value,
    path: Value,
    /// The directory's descriptor, if it was given by one: names are relative to it.
    directory: i32,
    inode: u64,
    kind: u8,
    /// What stat said, once it was asked.
    stat: ValueCell,
    /// What lstat said, once it was asked.
    lstat: ValueCell,
}

payload!(DirEntry, DIR_ENTRY, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.stat.visit(visit);
        self.lstat.visit(visit);
    }
});

/// The type object of `posix.DirEntry`.
pub static DIR_ENTRY: TypeObject = TypeObject::define::<DirEntry>("posix.DirEntry")
    .slots(Slots { repr: Some(repr), ..Slots::EMPTY })
    .methods(&[
        method!(
            is_dir,
            "is_dir($self, /, *, follow_symlinks=True)",
            "Return True if the entry is a directory; cached per entry."
        ),
        method!(
            is_file,
            "is_file($self, /, *, follow_symlinks=True)",
            "Return True if the entry is a file; cached per entry."
        ),
        method!(is_symlink, "is_symlink($self, /)", "Return True if the entry is a symbolic link; cached per entry."),
        method!(
            stat_,
            "stat($self, /, *, follow_symlinks=True)",
            "Return stat_result object for the entry; cached per entry."
        ),
        method!(inode, "inode($self, /)", "Return inode of the entry; cached per entry."),
        method!(fspath, "__fspath__($self, /)", "Returns the path for the entry."),
    ])
    .getset(&[
        GetSet::member("name", |this| Ok(body(this)?.name.clone()))
            .with_doc("the entry's base filename, relative to scandir() \"path\" argument"),
        GetSet::member("path", |this| Ok(body(this)?.path.clone()))
            .with_doc("the entry's full path name; equivalent to os.path.join(scandir_path, entry.name)"),
    ]);

fn body(this: &Value) -> PyResult<&DirEntry> {
    this.downcast::<DirEntry>().ok_or_else(|| type_error(format!("expected DirEntry, not {}", this.ty().name())))
}

fn new_entry(directory: &Path, entry: &system::Entry) -> PyResult<Value> {
    let name = same_kind(directory, &entry.name)?;
    let path = match (directory.fd, directory.is_default) {
        (Some(_), _) => name.clone(),
        (None, is_default) => {
            let mut joined = directory.c_str().to_bytes().to_vec();
            if !joined.ends_with(b"/") && (is_default || !joined.is_empty()) {
                joined.push(b'/');
            }
            joined.extend_from_slice(&entry.name);
            same_kind(directory, &joined)?
        }
    };
    Ok(new_object(DirEntry {
        header: Header::new(&DIR_ENTRY),
        name,
        path,
        directory: directory.fd.unwrap_or(libc::AT_FDCWD),
        inode: entry.inode,
        kind: entry.kind,
        stat: ValueCell::EMPTY,
        lstat: ValueCell::EMPTY,
    }))
}

impl DirEntry {
    fn is_link(&self) -> PyResult<bool> {
        if self.kind != libc::DT_UNKNOWN {
            return Ok(self.kind == libc::DT_LNK);
        }
        self.is_of_kind(false, libc::S_IFLNK)
    }

    /// Asks the system, once.
    fn ask(&self, follow: bool) -> PyResult<Value> {
        let place = if follow { &self.stat } else { &self.lstat };
        if let Some(known) = place.get() {
            return Ok(known);
        }
        if follow && !self.is_link()? {
            let known = self.ask(false)?;
            self.stat.set(Some(known.clone()));
            return Ok(known);
        }
        let path = names::to_c_string(&self.path)?;
        let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
        let status = blocking(|| system::fstatat(self.directory, &path, flags))
            .map_err(|errno| exceptions::os_error::from_errno(errno, Some(&self.path)))?;
        let known = stat::result(&status);
        place.set(Some(known.clone()));
        Ok(known)
    }

    /// As `DirEntry_test_mode`.
    fn is_of_kind(&self, follow: bool, kind: u32) -> PyResult<bool> {
        let is_link = self.kind == libc::DT_LNK;
        if self.kind == libc::DT_UNKNOWN || (follow && is_link) {
            let status = match self.ask(follow) {
                Ok(status) => status,
                // A file that is gone is of no kind.
                Err(raised) if is_instance(&raised, &FILE_NOT_FOUND_ERROR) => return Ok(false),
                Err(raised) => return Err(raised),
            };
            let mode = attribute::get_str(&status, "st_mode")?;
            return Ok(int::to_i64(&mode).unwrap_or(0) as u32 & libc::S_IFMT == kind);
        }
        Ok(match kind {
            libc::S_IFDIR => self.kind == libc::DT_DIR,
            libc::S_IFLNK => is_link,
            _ => self.kind == libc::DT_REG,
        })
    }
}

fn is_dir(this: &DirEntry, follow: Option<bool>) -> PyResult<bool> {
    this.is_of_kind(follow.unwrap_or(true), libc::S_IFDIR)
}

fn is_file(this: &DirEntry, follow: Option<bool>) -> PyResult<bool> {
    this.is_of_kind(follow.unwrap_or(true), libc::S_IFREG)
}

fn is_symlink(this: &DirEntry) -> PyResult<bool> {
    this.is_link()
}

fn stat_(this: &DirEntry, follow: Option<bool>) -> PyResult<Value> {
    this.ask(follow.unwrap_or(true))
}

fn inode(this: &DirEntry) -> Value {
    i64::try_from(this.inode).map_or_else(|_| int::big(this.inode.into()), Value::int)
}

fn fspath(this: &DirEntry) -> Value {
    this.path.clone()
}

fn repr(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    debug_assert!(body.name.downcast::<Str>().is_some() || body.name.downcast::<Bytes>().is_some());
    Ok(Str::new_value(&format!("<DirEntry {}>", text::repr_string(&body.name)?)))
}
