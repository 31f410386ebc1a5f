//! The type `int`: immediate up to 63 bits, else on the heap.

use crate::object::error::PyResult;
use crate::object::hash::{MODULUS, hash_i64};
use crate::object::header::{Header, new_instance, new_object};
use crate::object::native::Method;
use crate::object::slots::Slots;
use crate::object::value::{Payload, Value};
use crate::object::{TypeFlags, TypeObject};
use crate::types::exceptions::type_error;
use num_bigint::{BigInt, Sign};
use num_traits::ToPrimitive;

/// A heap int: beyond 63 bits, or of a subclass.
#[repr(C)]
pub struct Int {
    header: Header,
    value: BigInt,
}

// SAFETY: repr(C), header first.
unsafe impl Payload for Int {
    fn type_object() -> &'static TypeObject {
        &INT
    }
}

/// The type object of `int`.
pub static INT: TypeObject = TypeObject::define::<Int>("int")
    .flags(TypeFlags::BASE.and(TypeFlags::INT).and(TypeFlags::SIMPLE_DROP))
    .slots(Slots { hash: Some(hash), index: Some(index), ..Slots::EMPTY })
    .methods(METHODS);

const METHODS: &[Method] = &[];

impl Int {
    /// The number.
    pub fn to_big(&self) -> &BigInt {
        &self.value
    }

    /// An instance of a subclass of int.
    pub fn instance_of(ty: &TypeObject, value: BigInt) -> Value {
        new_instance(ty, Int { header: Header::new(ty), value })
    }
}

/// An int of any size, immediate where it fits.
pub fn big(value: BigInt) -> Value {
    if let Some(small) = value.to_i64()
        && let Some(small) = Value::small_int(small)
    {
        return small;
    }
    new_object(Int { header: Header::new(&INT), value })
}

/// Whether the value is an int, of a subclass perhaps (bool included).
#[inline]
pub fn is_int(value: &Value) -> bool {
    value.is_small_int() || value.is_true() || value.is_false() || value.downcast::<Int>().is_some()
}

/// An int's value, when it fits a machine word; `None` also for other types.
#[inline]
pub fn to_i64(value: &Value) -> Option<i64> {
    if let Some(small) = value.as_small_int() {
        return Some(small);
    }
    if value.is_true() {
        return Some(1);
    }
    if value.is_false() {
        return Some(0);
    }
    value.downcast::<Int>()?.value.to_i64()
}

/// An int's value; `None` for other types.
pub fn to_big(value: &Value) -> Option<BigInt> {
    match to_i64(value) {
        Some(small) => Some(small.into()),
        None => value.downcast::<Int>().map(|int| int.value.clone()),
    }
}

/// Whether an int is below zero.
pub fn is_negative(value: &Value) -> bool {
    match to_i64(value) {
        Some(small) => small < 0,
        None => value.downcast::<Int>().is_some_and(|int| int.value.sign() == Sign::Minus),
    }
}

/// The hash of an int.
///
/// # Errors
/// `TypeError` when the value is no int.
pub fn hash(value: &Value) -> PyResult<i64> {
    if let Some(small) = to_i64(value) {
        return Ok(hash_i64(small));
    }
    let Some(int) = value.downcast::<Int>() else {
        return Err(type_error(format!("expected int, not {}", value.ty().name())));
    };
    let residue = (int.value.magnitude() % MODULUS).to_i64().unwrap_or(0);
    let hash = if int.value.sign() == Sign::Minus { -residue } else { residue };
    Ok(if hash == -1 { -2 } else { hash })
}

fn index(value: &Value) -> PyResult<Value> {
    if value.is_small_int() {
        return Ok(value.clone());
    }
    to_big(value).map(big).ok_or_else(|| type_error("expected int"))
}
