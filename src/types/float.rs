//! The type `float`: immediate in the common exponent range, else on the heap.

use crate::object::header::{Header, new_instance, new_object};
use crate::object::native::Method;
use crate::object::slots::Slots;
use crate::object::value::{Payload, Value};
use crate::object::{TypeFlags, TypeObject};

/// A heap float: extreme, not finite, -0.0, or of a subclass.
#[repr(C)]
pub struct Float {
    header: Header,
    value: f64,
}

// SAFETY: repr(C), header first.
unsafe impl Payload for Float {
    fn type_object() -> &'static TypeObject {
        &FLOAT
    }
}

/// The type object of `float`.
pub static FLOAT: TypeObject = TypeObject::define::<Float>("float")
    .flags(TypeFlags::BASE.and(TypeFlags::SIMPLE_DROP))
    .slots(Slots { ..Slots::EMPTY })
    .methods(METHODS);

const METHODS: &[Method] = &[];

impl Float {
    /// The number.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// An instance of a subclass of float.
    pub fn instance_of(ty: &TypeObject, value: f64) -> Value {
        new_instance(ty, Float { header: Header::new(ty), value })
    }
}

/// A float that has no immediate form.
pub fn heap(value: f64) -> Value {
    new_object(Float { header: Header::new(&FLOAT), value })
}

/// A float's value; `None` for other types.
#[inline]
pub fn to_f64(value: &Value) -> Option<f64> {
    match value.as_small_float() {
        Some(float) => Some(float),
        None => value.downcast::<Float>().map(|float| float.value),
    }
}

/// Mantissa in [0.5, 1) and exponent, as C's `frexp`; zero, infinities and NaN come back with exponent 0.
pub fn frexp(value: f64) -> (f64, i32) {
    if value == 0.0 || !value.is_finite() {
        return (value, 0);
    }
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32;
    if exponent == 0 {
        // Subnormal: scale up first.
        let (mantissa, exponent) = frexp(value * 18_014_398_509_481_984.0);
        return (mantissa, exponent - 54);
    }
    (f64::from_bits((bits & !(0x7ff << 52)) | (1022 << 52)), exponent - 1022)
}
