//! The type `bool`: the two constants `True` and `False`.

use crate::object::arguments::no_keywords;
use crate::object::error::PyResult;
use crate::object::slots::{BINARY_OPS, BinaryFn, BinaryOp, Slots};
use crate::object::value::Value;
use crate::object::{TypeFlags, TypeObject, number};
use crate::types::exceptions::type_error;
use crate::types::int::{self, INT, Int};
use crate::types::str::Str;

/// The type object of `bool`.
pub static BOOL: TypeObject = TypeObject::define::<Int>("bool")
    .base(&INT)
    .flags(TypeFlags::INT)
    .slots(Slots {
        new: Some(new),
        repr: Some(|this| Ok(Str::new_value(if this.is_true() { "True" } else { "False" }))),
        binary: {
            let mut table = [None; BINARY_OPS];
            table[BinaryOp::And as usize] = Some(and as BinaryFn);
            table[BinaryOp::Xor as usize] = Some(xor as BinaryFn);
            table[BinaryOp::Or as usize] = Some(or as BinaryFn);
            table
        },
        ..Slots::EMPTY
    })
    .doc(
        "bool(x) -> bool\n\n\
         Returns True when the argument x is true, False otherwise.\n\
         The builtins True and False are the only two instances of the class bool.\n\
         The class bool is a subclass of the class int, and cannot be subclassed.",
    );

fn new(_class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    no_keywords("bool", kwnames)?;
    match args {
        [] => Ok(Value::FALSE),
        [x] => number::truth(x).map(Value::bool),
        _ => Err(type_error(format!("bool expected at most 1 argument, got {}", args.len()))),
    }
}

fn as_bool(value: &Value) -> Option<bool> {
    if value.is_true() {
        Some(true)
    } else if value.is_false() {
        Some(false)
    } else {
        None
    }
}

fn and(left: &Value, right: &Value) -> PyResult<Value> {
    match (as_bool(left), as_bool(right)) {
        (Some(a), Some(b)) => Ok(Value::bool(a && b)),
        _ => int::and(left, right),
    }
}

fn xor(left: &Value, right: &Value) -> PyResult<Value> {
    match (as_bool(left), as_bool(right)) {
        (Some(a), Some(b)) => Ok(Value::bool(a != b)),
        _ => int::xor(left, right),
    }
}

fn or(left: &Value, right: &Value) -> PyResult<Value> {
    match (as_bool(left), as_bool(right)) {
        (Some(a), Some(b)) => Ok(Value::bool(a || b)),
        _ => int::or(left, right),
    }
}
