//! The type `str`.

mod storage;

pub use storage::{Chars, Name, Str, StrBuilder, intern, intern_value};

use crate::object::error::PyResult;
use crate::object::native::Method;
use crate::object::slots::{Compare, Slots};
use crate::object::value::Value;
use crate::object::{TypeObject, text};
use crate::types::exceptions::type_error;

/// The type object of `str`.
pub static STR: TypeObject = TypeObject::define::<Str>("str")
    .flags(storage::FLAGS)
    .variable_size(storage::object_size)
    .slots(Slots {
        repr: Some(repr),
        str: Some(str_),
        hash: Some(hash),
        compare: Some(compare),
        length: Some(length),
        concat: Some(concat),
        ..Slots::EMPTY
    })
    .methods(METHODS);

const METHODS: &[Method] = &[];

fn body(value: &Value) -> PyResult<&Str> {
    value.downcast::<Str>().ok_or_else(|| type_error(format!("expected str, not {}", value.ty().name())))
}

fn str_(value: &Value) -> PyResult<Value> {
    if value.is_exact::<Str>() { Ok(value.clone()) } else { Ok(Str::from_chars(body(value)?.chars())) }
}

fn repr(value: &Value) -> PyResult<Value> {
    let _ = text::str;
    Ok(Str::new_value(&format!("'{}'", body(value)?.to_string_lossy())))
}

fn hash(value: &Value) -> PyResult<i64> {
    Ok(body(value)?.hash())
}

fn compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    match (left.downcast::<Str>(), right.downcast::<Str>()) {
        (Some(a), Some(b)) => Ok(Value::bool(match op {
            Compare::Eq => a.equals(b),
            Compare::Ne => !a.equals(b),
            _ => op.holds(a.compare(b)),
        })),
        _ => Ok(Value::NOT_IMPLEMENTED),
    }
}

fn length(value: &Value) -> PyResult<usize> {
    Ok(body(value)?.len())
}

fn concat(left: &Value, right: &Value) -> PyResult<Value> {
    let Some(other) = right.downcast::<Str>() else {
        return Err(type_error(format!("can only concatenate str (not \"{}\") to str", right.ty().name())));
    };
    Ok(body(left)?.concat(other))
}
