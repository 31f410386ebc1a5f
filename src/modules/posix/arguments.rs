//! Arguments of the module's functions: paths that may be descriptors, directories' descriptors, ids.

use super::path;
use crate::modules::warnings;
use crate::name;
use crate::object::error::{PyResult, Raised};
use crate::object::native::{At, FromArg};
use crate::object::value::Value;
use crate::object::{call, number};
use crate::types::bytes::Bytes;
use crate::types::exceptions::{DEPRECATION_WARNING, OS_ERROR, os_error, overflow_error, type_error, value_error};
use crate::types::str::Str;
use crate::types::{bytes, int};
use std::ffi::{CStr, CString};

/// A file as an argument names it. As CPython's `path_t`.
pub(super) struct Path {
    /// The name; empty for a descriptor.
    name: CString,
    /// The descriptor, if the argument is one.
    pub fd: Option<i32>,
    /// What errors show.
    pub object: Value,
    /// Whether names read from there are bytes.
    pub is_bytes: bool,
    /// No argument, or None.
    pub is_default: bool,
}

/// What else than a name is accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Accept {
    Name,
    Descriptor,
    DescriptorOrNone,
}

impl Path {
    /// Converts an argument that has to be a name.
    pub fn name(value: &Value, function: &str) -> PyResult<Path> {
        Path::get(Some(value), function, "path", Accept::Name)
    }

    /// Converts an argument that may be a descriptor.
    pub fn name_or_fd(value: &Value, function: &str) -> PyResult<Path> {
        Path::get(Some(value), function, "path", Accept::Descriptor)
    }

    /// Converts an argument.
    pub fn get(value: Option<&Value>, function: &str, argument: &str, accept: Accept) -> PyResult<Path> {
        let nullable = accept == Accept::DescriptorOrNone;
        let allow_fd = matches!(accept, Accept::Descriptor | Accept::DescriptorOrNone);
        let Some(value) = value.filter(|value| !(nullable && value.is_none())) else {
            return Ok(Path {
                name: c".".to_owned(),
                fd: None,
                object: Value::NONE,
                is_bytes: false,
                is_default: true,
            });
        };
        let wrong = |value: &Value| {
            let expected = match accept {
                Accept::DescriptorOrNone => "string, bytes, os.PathLike, integer or None",
                Accept::Descriptor => "string, bytes, os.PathLike or integer",
                Accept::Name => "string, bytes or os.PathLike",
            };
            format!("{function}: {argument} should be {expected}, not {}", value.ty().name())
        };
        let is_text = |value: &Value| value.downcast::<Str>().is_some() || value.downcast::<Bytes>().is_some();
        let mut object = value.clone();
        if !is_text(&object) && !bytes::is_buffer(&object) {
            if allow_fd && number::is_index(&object) {
                return Ok(Path {
                    name: CString::default(),
                    fd: Some(descriptor(&object)?),
                    object,
                    is_bytes: false,
                    is_default: false,
                });
            }
            object = call::call_special(value, name!("__fspath__"), &[])?.ok_or_else(|| type_error(wrong(value)))?;
            if !is_text(&object) {
                return Err(type_error(format!(
                    "expected {}.__fspath__() to return str or bytes, not {}",
                    value.ty().name(),
                    object.ty().name()
                )));
            }
        }
        let (name, is_bytes) = if object.downcast::<Str>().is_some() {
            (CString::new(path::encode(&object)?).map_err(|_| value_error("embedded null byte"))?, false)
        } else {
            if object.downcast::<Bytes>().is_none() {
                warnings::warn(&DEPRECATION_WARNING, &wrong(&object), 1)?;
            }
            let name = bytes::buffer_of(&object)?.into_owned();
            let null = |_| value_error(format!("{function}: embedded null character in {argument}"));
            (CString::new(name).map_err(null)?, true)
        };
        Ok(Path { name, fd: None, object, is_bytes, is_default: false })
    }

    /// The name for the system.
    pub fn c_str(&self) -> &CStr {
        &self.name
    }

    /// The error of a call on the file.
    #[cold]
    pub fn error(&self, errno: i32) -> Raised {
        os_error::from_errno(errno, if self.is_default { None } else { Some(&self.object) })
    }

    /// The error of a call on two files.
    #[cold]
    pub fn error_with(&self, errno: i32, other: &Path) -> Raised {
        let message = super::system::message(errno);
        let args = [
            Value::int(errno.into()),
            Str::new_value(&message),
            self.object.clone(),
            Value::NONE,
            other.object.clone(),
        ];
        match call::call(&OS_ERROR.value(), &args) {
            Ok(exception) => Raised::new(exception),
            Err(raised) => raised,
        }
    }
}

/// A number that is a descriptor. As `_fd_converter`.
fn descriptor(value: &Value) -> PyResult<i32> {
    let number = int::to_big(&number::index(value)?).unwrap_or_default();
    match i32::try_from(&number) {
        Ok(fd) => Ok(fd),
        Err(_) if number.sign() == num_bigint::Sign::Minus => Err(overflow_error("fd is less than minimum")),
        Err(_) => Err(overflow_error("fd is greater than maximum")),
    }
}

/// The descriptor of the directory that names are relative to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct DirFd(pub i32);

impl DirFd {
    /// The directory that the process is in.
    pub const DEFAULT: DirFd = DirFd(libc::AT_FDCWD);

    /// Whether another directory was given.
    pub fn is_given(self) -> bool {
        self != DirFd::DEFAULT
    }
}

impl FromArg for DirFd {
    type Out<'a> = DirFd;
    fn from_arg(value: &Value, _at: At) -> PyResult<DirFd> {
        if value.is_none() {
            return Ok(DirFd::DEFAULT);
        }
        if number::is_index(value) {
            return descriptor(value).map(DirFd);
        }
        Err(type_error(format!("argument should be integer or None, not {}", value.ty().name())))
    }
}

/// The given directory, or the default.
pub(super) fn dir_fd(given: Option<DirFd>) -> DirFd {
    given.unwrap_or(DirFd::DEFAULT)
}

/// A number with the text of errors that its kind has: user and group ids.
fn id(value: &Value, kind: &str) -> PyResult<u32> {
    if !number::is_index(value) {
        return Err(type_error(format!("{kind} should be integer, not {}", value.ty().name())));
    }
    let number = int::to_big(&number::index(value)?).unwrap_or_default();
    if number == (-1).into() {
        return Ok(u32::MAX);
    }
    u32::try_from(&number).map_err(|_| {
        // What fits a long is said to be too small, however large it is.
        let small = i64::try_from(&number).is_ok() || number.sign() == num_bigint::Sign::Minus;
        let bound = if small { "less than minimum" } else { "greater than maximum" };
        overflow_error(format!("{kind} is {bound}"))
    })
}

/// A user's number. As `_Py_Uid_Converter`.
#[derive(Clone, Copy)]
pub(super) struct Uid(pub u32);

impl FromArg for Uid {
    type Out<'a> = Uid;
    fn from_arg(value: &Value, _at: At) -> PyResult<Uid> {
        id(value, "uid").map(Uid)
    }
}

/// A group's number. As `_Py_Gid_Converter`.
#[derive(Clone, Copy)]
pub(super) struct Gid(pub u32);

impl FromArg for Gid {
    type Out<'a> = Gid;
    fn from_arg(value: &Value, _at: At) -> PyResult<Gid> {
        id(value, "gid").map(Gid)
    }
}

/// An id as Python shows it: -1 stands for none.
pub(super) fn id_value(id: u32) -> Value {
    if id == u32::MAX { Value::int(-1) } else { Value::int(id.into()) }
}

/// An offset in a file. As `Py_off_t`.
#[derive(Clone, Copy)]
pub(super) struct Offset(pub i64);

impl FromArg for Offset {
    type Out<'a> = Offset;
    fn from_arg(value: &Value, _at: At) -> PyResult<Offset> {
        if value.is_small_float() {
            return Err(type_error("integer argument expected, got float"));
        }
        if !number::is_index(value) {
            return Err(type_error(format!("an integer is required (got type {})", value.ty().name())));
        }
        number::index_to_i64_or_overflow(value, "int too big to convert").map(Offset)
    }
}

/// A file that is open: a descriptor, or an object with `fileno()`. As `PyObject_AsFileDescriptor`.
#[derive(Clone, Copy)]
pub(super) struct OpenFile(pub i32);

impl FromArg for OpenFile {
    type Out<'a> = OpenFile;
    fn from_arg(value: &Value, _at: At) -> PyResult<OpenFile> {
        file_descriptor(value).map(OpenFile)
    }
}

/// The descriptor of an int, or of what has a `fileno`. As `PyObject_AsFileDescriptor`.
///
/// # Errors
/// `TypeError`, `ValueError`, what `fileno` raises.
pub(crate) fn file_descriptor(value: &Value) -> PyResult<i32> {
    let number = if int::is_int(value) {
        value.clone()
    } else {
        match crate::object::attribute::lookup(value, name!("fileno"))? {
            Some(fileno) => {
                let number = call::call(&fileno, &[])?;
                if !int::is_int(&number) {
                    return Err(type_error("fileno() returned a non-integer"));
                }
                number
            }
            None => return Err(type_error("argument must be an int, or have a fileno() method.")),
        }
    };
    let fd = int::to_i64(&number)
        .and_then(|fd| i32::try_from(fd).ok())
        .ok_or_else(|| overflow_error("Python int too large to convert to C int"))?;
    if fd < 0 {
        return Err(value_error(format!("file descriptor cannot be a negative integer ({fd})")));
    }
    Ok(fd)
}

/// A name or text for the system, bytes or str. As `PyUnicode_FSConverter`.
pub(super) struct FsText(pub CString);

impl FromArg for FsText {
    type Out<'a> = FsText;
    fn from_arg(value: &Value, _at: At) -> PyResult<FsText> {
        path::to_c_string(value).map(FsText)
    }
}

/// The error of a call that names no file.
#[cold]
pub(super) fn error(errno: i32) -> Raised {
    os_error::from_errno(errno, None)
}
