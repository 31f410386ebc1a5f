//! The type `float`: immediate in the common exponent range, else on the heap.

mod arithmetic;
mod constructor;
mod hex;
mod methods;
pub mod parse;
mod round;
pub mod text;

pub(in crate::types) use arithmetic::order_with_int;
pub use arithmetic::{
    absolute, add, compare, divmod, floor_div, floor_divide, modulo, multiply, negative, operand, pow, power,
    remainder, subtract, true_divide,
};
pub use constructor::from_number;
pub use round::{round_to_digits, round_to_int};
pub use text::repr;

use crate::object::error::PyResult;
use crate::object::hash::hash_f64;
use crate::object::header::{Header, new_instance, new_object};
use crate::object::slots::{BINARY_OPS, BinaryFn, BinaryOp, Slots};
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, attribute};
use crate::types::exceptions::type_error;

/// A heap float: extreme, not finite, -0.0, or of a subclass.
#[repr(C)]
pub struct Float {
    header: Header,
    value: f64,
}

payload!(Float, FLOAT);

/// The type object of `float`.
pub static FLOAT: TypeObject = TypeObject::define::<Float>("float")
    .flags(TypeFlags::BASE.and(TypeFlags::SIMPLE_DROP))
    .slots(Slots {
        new: Some(constructor::new),
        getattr: Some(attribute::generic_get),
        repr: Some(|this| Ok(crate::types::str::Str::from_latin1(repr(number(this)?).as_bytes()))),
        hash: Some(|this| Ok(hash_f64(number(this)?))),
        compare: Some(compare),
        negative: Some(negative),
        positive: Some(exact),
        absolute: Some(absolute),
        int: Some(|this| crate::types::int::from_f64(number(this)?)),
        float: Some(exact),
        bool: Some(|this| Ok(number(this)? != 0.0)),
        power3: Some(arithmetic::pow_mod),
        binary: {
            let mut table = [None; BINARY_OPS];
            table[BinaryOp::Add as usize] = Some(add as BinaryFn);
            table[BinaryOp::Subtract as usize] = Some(subtract as BinaryFn);
            table[BinaryOp::Multiply as usize] = Some(multiply as BinaryFn);
            table[BinaryOp::TrueDivide as usize] = Some(true_divide as BinaryFn);
            table[BinaryOp::FloorDivide as usize] = Some(floor_divide as BinaryFn);
            table[BinaryOp::Remainder as usize] = Some(remainder as BinaryFn);
            table[BinaryOp::Divmod as usize] = Some(divmod as BinaryFn);
            table[BinaryOp::Power as usize] = Some(power as BinaryFn);
            table
        },
        ..Slots::EMPTY
    })
    .methods(methods::METHODS)
    .getset(methods::GETSET)
    .doc("Convert a string or number to a floating point number, if possible.");

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

/// As [`to_f64`], where the caller has been promised a float.
///
/// # Errors
/// `TypeError` when the value is no float.
pub fn number(value: &Value) -> PyResult<f64> {
    to_f64(value).ok_or_else(|| type_error(format!("must be real number, not {}", value.ty().name())))
}

/// Whether the value is exactly a float: no subclass.
#[inline]
pub fn is_exact_float(value: &Value) -> bool {
    value.is_small_float() || value.is_exact::<Float>()
}

/// The same number as exactly a float.
///
/// # Errors
/// `TypeError` when the value is no float.
pub fn exact(value: &Value) -> PyResult<Value> {
    if is_exact_float(value) { Ok(value.clone()) } else { number(value).map(Value::float) }
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

/// `value * 2 ** exponent`, rounded once, as C's `ldexp`; infinite when too large.
pub fn ldexp(value: f64, exponent: i64) -> f64 {
    /// A power of two that is a normal float.
    fn power(exponent: i32) -> f64 {
        f64::from_bits(((exponent + 1023) as u64) << 52)
    }
    let (mantissa, own) = frexp(value);
    if mantissa == 0.0 || !mantissa.is_finite() {
        return value;
    }
    // The result is mantissa * 2 ** exponent with mantissa in [0.5, 1).
    let exponent = exponent.clamp(-10_000, 10_000) as i32 + own;
    match exponent {
        1025.. => f64::INFINITY.copysign(value),
        -1021.. => mantissa * 2.0 * power(exponent - 1),
        // Subnormal: one multiplication rounds once.
        -1080.. => mantissa * power(exponent + 1000 - 1) * 2.0 * power(-1000),
        _ => 0f64.copysign(value),
    }
}
