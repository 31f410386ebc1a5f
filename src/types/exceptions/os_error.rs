//! `OSError`: the subclass that an errno chooses, the fields, `__str__` and `__reduce__`.

use super::{BLOCKING_IO_ERROR, BaseException, OS_ERROR, body, type_error};
use crate::method;
use crate::object::call;
use crate::object::error::{PyResult, Raised};
use crate::object::native::{GetSet, Method};
use crate::object::slots::Slots;
use crate::object::value::Value;
use crate::object::{TypeObject, number, text};
use crate::types::exceptions::{self, attribute_error, value_error};
use crate::types::int;
use crate::types::str::Str;
use crate::types::tuple::Tuple;

const ERRNO: usize = 0;
const STRERROR: usize = 1;
const FILENAME: usize = 2;
const FILENAME2: usize = 3;
const WRITTEN: usize = 4;

/// Of subclasses, which have an `__init__` entry of their own.
pub(super) const INIT: Slots = Slots { init: Some(init), ..Slots::EMPTY };

pub(super) const SLOTS: Slots = Slots { new: Some(new), init: Some(init), str: Some(str_), ..Slots::EMPTY };

pub(super) const METHODS: &[Method] = &[method!(reduce, "!__reduce__($self, /)", "")];

pub(super) const FIELDS: &[GetSet] = &[
    super::object_field::<ERRNO>("errno", "POSIX exception code"),
    super::object_field::<STRERROR>("strerror", "exception strerror"),
    super::object_field::<FILENAME>("filename", "exception filename"),
    super::object_field::<FILENAME2>("filename2", "second exception filename"),
    GetSet::new("characters_written", written, set_written),
];

/// The class for an errno. The numbers are Linux's.
fn class_of(errno: i64) -> Option<&'static TypeObject> {
    Some(match errno {
        11 | 114 | 115 => &BLOCKING_IO_ERROR,
        32 | 108 => &exceptions::BROKEN_PIPE_ERROR,
        10 => &exceptions::CHILD_PROCESS_ERROR,
        103 => &exceptions::CONNECTION_ABORTED_ERROR,
        111 => &exceptions::CONNECTION_REFUSED_ERROR,
        104 => &exceptions::CONNECTION_RESET_ERROR,
        17 => &exceptions::FILE_EXISTS_ERROR,
        2 => &exceptions::FILE_NOT_FOUND_ERROR,
        21 => &exceptions::IS_A_DIRECTORY_ERROR,
        20 => &exceptions::NOT_A_DIRECTORY_ERROR,
        4 => &exceptions::INTERRUPTED_ERROR,
        1 | 13 => &exceptions::PERMISSION_ERROR,
        3 => &exceptions::PROCESS_LOOKUP_ERROR,
        110 => &exceptions::TIMEOUT_ERROR,
        _ => return None,
    })
}

/// As `oserror_use_init`: a class that overrides `__init__` alone gets its fields from `OSError.__init__`, all others
/// from `__new__`.
fn uses_init(ty: &TypeObject) -> bool {
    let slots = ty.all_slots();
    slots.init.is_some_and(|f| f as usize != init as *const () as usize)
        && slots.new.is_some_and(|f| f as usize == new as *const () as usize)
}

fn no_keywords(name: &str, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    match call::split_keywords(args, kwnames).1.is_empty() {
        true => Ok(()),
        false => Err(type_error(format!("{name}() takes no keyword arguments"))),
    }
}

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let Some(mut ty) = class.downcast::<TypeObject>() else { return Err(type_error("expected a type")) };
    if uses_init(ty) {
        return Ok(super::instantiate(ty, Vec::new()));
    }
    no_keywords(ty.name(), args, kwnames)?;
    let args = call::split_keywords(args, kwnames).0;
    if (2..=5).contains(&args.len())
        && std::ptr::eq(ty, &OS_ERROR)
        && let Some(errno) = args.first().filter(|errno| int::is_int(errno)).and_then(int::to_i64)
        && let Some(subclass) = class_of(errno)
    {
        ty = subclass;
    }
    let this = super::instantiate(ty, Vec::new());
    fill(&this, args)?;
    Ok(this)
}

fn init(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    let ty = this.ty();
    if !uses_init(ty) {
        return Ok(());
    }
    no_keywords(ty.name(), args, kwnames)?;
    fill(this, call::split_keywords(args, kwnames).0)
}

/// As `oserror_init`.
fn fill(this: &Value, args: &[Value]) -> PyResult<()> {
    let body = body(this)?;
    let mut kept = args;
    if (2..=5).contains(&args.len()) {
        let filename = args.get(2).filter(|filename| !filename.is_none());
        if let Some(filename) = filename {
            if std::ptr::eq(this.ty(), &BLOCKING_IO_ERROR) && is_number(filename) {
                // The third argument may be the number of characters written.
                body.set_field(WRITTEN, Value::int(number_written(filename)? as i64));
            } else {
                body.set_field(FILENAME, filename.clone());
                if let Some(second) = args.get(4).filter(|second| !second.is_none()) {
                    body.set_field(FILENAME2, second.clone());
                }
                kept = &args[..2];
            }
        }
        body.set_field(ERRNO, args[0].clone());
        body.set_field(STRERROR, args[1].clone());
    }
    body.args.set(Some(Tuple::from_slice(kept)));
    Ok(())
}

/// As `PyNumber_Check`.
fn is_number(value: &Value) -> bool {
    int::is_int(value)
        || number::is_index(value)
        || value.ty().slot(|slots| slots.float).is_some()
        || value.ty().slot(|slots| slots.int).is_some()
}

fn number_written(value: &Value) -> PyResult<isize> {
    let index = number::index(value)?;
    int::to_i64(&index)
        .and_then(|count| isize::try_from(count).ok())
        .ok_or_else(|| value_error(format!("cannot fit '{}' into an index-sized integer", value.ty().name())))
}

fn str_(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let shown = |index: usize| text::str_string(&body.field(index).unwrap_or(Value::NONE));
    if let Some(filename) = body.field(FILENAME) {
        let head = format!("[Errno {}] {}", shown(ERRNO)?, shown(STRERROR)?);
        let first = text::repr_string(&filename)?;
        return Ok(Str::new_value(&match body.field(FILENAME2) {
            Some(second) => format!("{head}: {first} -> {}", text::repr_string(&second)?),
            None => format!("{head}: {first}"),
        }));
    }
    if body.field(ERRNO).is_some() && body.field(STRERROR).is_some() {
        return Ok(Str::new_value(&format!("[Errno {}] {}", shown(ERRNO)?, shown(STRERROR)?)));
    }
    super::str_(this)
}

/// The arguments that `__new__` took away come back.
fn reduce(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let mut args = body.args();
    if let (Some([errno, message]), Some(filename)) =
        (args.downcast::<Tuple>().map(Tuple::as_slice), body.field(FILENAME))
    {
        let mut all = vec![errno.clone(), message.clone(), filename];
        if let Some(second) = body.field(FILENAME2) {
            all.extend([Value::NONE, second]);
        }
        args = Tuple::from_vec(all);
    }
    let mut parts = vec![this.ty().value(), args];
    parts.extend(super::own_dict(this));
    Ok(Tuple::from_vec(parts))
}

fn written(this: &Value) -> PyResult<Value> {
    body(this)?.field(WRITTEN).ok_or_else(|| attribute_error("characters_written"))
}

fn set_written(this: &Value, value: Option<&Value>) -> PyResult<()> {
    let body = body(this)?;
    match value {
        None if body.field(WRITTEN).is_none() => Err(attribute_error("characters_written")),
        None => {
            body.set_field(WRITTEN, Value::UNBOUND);
            Ok(())
        }
        Some(value) => {
            let count = number_written(value)?;
            // -1 is how CPython marks that there is none.
            body.set_field(WRITTEN, if count == -1 { Value::UNBOUND } else { Value::int(count as i64) });
            Ok(())
        }
    }
}

/// The exception for a failed system call. As `PyErr_SetFromErrnoWithFilenameObject`.
#[cold]
pub fn from_errno(errno: i32, filename: Option<&Value>) -> Raised {
    let message = std::io::Error::from_raw_os_error(errno).to_string();
    // What the system says, without the number that the Rust library adds.
    let message = message.split(" (os error").next().unwrap_or_default().to_owned();
    let mut args = vec![Value::int(errno.into()), Str::new_value(&message)];
    args.extend(filename.cloned());
    match call::call(&OS_ERROR.value(), &args) {
        Ok(exception) => Raised::new(exception),
        Err(raised) => raised,
    }
}

/// As [`from_errno`] for an error of the Rust library.
#[cold]
pub fn from_io(error: &std::io::Error, filename: Option<&Value>) -> Raised {
    match error.raw_os_error() {
        Some(errno) => from_errno(errno, filename),
        None => exceptions::raise(&OS_ERROR, error.to_string()),
    }
}

/// `errno` of an exception that is an `OSError`.
pub fn errno_of(exception: &BaseException) -> Option<i64> {
    exception.field(ERRNO).and_then(|errno| int::to_i64(&errno))
}
