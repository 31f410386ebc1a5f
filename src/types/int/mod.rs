//! The type `int`: immediate up to 63 bits, else on the heap.

mod arithmetic;
mod bytes;
mod constructor;
mod methods;
mod power;
pub mod text;

pub use arithmetic::{
    absolute, and, divmod, floor_div, floor_divide, int_to_f64, invert, left_shift, modulo, multiply, negative, or,
    remainder, right_shift, subtract, true_divide, xor,
};
pub use arithmetic::{add, compare};
pub use constructor::{from_f64, from_number};
pub use methods::{bit_length, divide_near};
pub use power::{pow, pow_mod};

use crate::object::error::PyResult;
use crate::object::hash::{MODULUS, hash_i64};
use crate::object::header::{Header, new_instance, new_object};
use crate::object::slots::{BINARY_OPS, BinaryFn, BinaryOp, Slots};
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, attribute};
use crate::types::exceptions::type_error;
use num_bigint::{BigInt, Sign};
use num_traits::ToPrimitive;
use std::borrow::Cow;

/// A heap int: beyond 63 bits, or of a subclass.
#[repr(C)]
pub struct Int {
    header: Header,
    value: BigInt,
}

payload!(Int, INT);

/// The type object of `int`.
pub static INT: TypeObject = TypeObject::define::<Int>("int")
    .flags(TypeFlags::BASE.and(TypeFlags::INT).and(TypeFlags::SIMPLE_DROP))
    .slots(Slots {
        new: Some(constructor::new),
        getattr: Some(attribute::generic_get),
        repr: Some(text::repr),
        hash: Some(hash),
        compare: Some(compare),
        negative: Some(negative),
        positive: Some(exact),
        absolute: Some(absolute),
        invert: Some(invert),
        int: Some(exact),
        float: Some(methods::float),
        index: Some(exact),
        bool: Some(|this| Ok(!matches!(number(this)?, Num::Small(0)))),
        power3: Some(pow_mod),
        binary: {
            let mut table = [None; BINARY_OPS];
            table[BinaryOp::Add as usize] = Some(add as BinaryFn);
            table[BinaryOp::Subtract as usize] = Some(subtract as BinaryFn);
            table[BinaryOp::Multiply as usize] = Some(multiply as BinaryFn);
            table[BinaryOp::TrueDivide as usize] = Some(true_divide as BinaryFn);
            table[BinaryOp::FloorDivide as usize] = Some(floor_divide as BinaryFn);
            table[BinaryOp::Remainder as usize] = Some(remainder as BinaryFn);
            table[BinaryOp::Divmod as usize] = Some(divmod as BinaryFn);
            table[BinaryOp::Power as usize] = Some(pow as BinaryFn);
            table[BinaryOp::LeftShift as usize] = Some(left_shift as BinaryFn);
            table[BinaryOp::RightShift as usize] = Some(right_shift as BinaryFn);
            table[BinaryOp::And as usize] = Some(and as BinaryFn);
            table[BinaryOp::Xor as usize] = Some(xor as BinaryFn);
            table[BinaryOp::Or as usize] = Some(or as BinaryFn);
            table
        },
        ..Slots::EMPTY
    })
    .methods(methods::METHODS)
    .getset(methods::GETSET)
    .doc(
        "int([x]) -> integer\nint(x, base=10) -> integer\n\n\
         Convert a number or string to an integer, or return 0 if no arguments\n\
         are given.  If x is a number, return x.__int__().  For floating point\n\
         numbers, this truncates towards zero.\n\n\
         If x is not a number or if base is given, then x must be a string,\n\
         bytes, or bytearray instance representing an integer literal in the\n\
         given base.  The literal can be preceded by '+' or '-' and be surrounded\n\
         by whitespace.  The base defaults to 10.  Valid bases are 0 and 2-36.\n\
         Base 0 means to interpret the base from the string as an integer literal.\n\
         >>> int('0b100', base=0)\n4",
    );

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

/// The number that an int value holds: `Big` only when it does not fit a machine word.
#[derive(Clone, Copy, Debug)]
pub enum Num<'a> {
    /// Fits a machine word.
    Small(i64),
    /// Beyond a machine word.
    Big(&'a BigInt),
}

impl<'a> Num<'a> {
    /// The number in big form.
    pub fn big(self) -> Cow<'a, BigInt> {
        match self {
            Num::Small(small) => Cow::Owned(small.into()),
            Num::Big(big) => Cow::Borrowed(big),
        }
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        match self {
            Num::Small(small) => small < 0,
            Num::Big(big) => big.sign() == Sign::Minus,
        }
    }
}

/// The number of an int, of a subclass perhaps (bool included); `None` for other types.
#[inline]
pub fn num(value: &Value) -> Option<Num<'_>> {
    if let Some(small) = value.as_small_int() {
        return Some(Num::Small(small));
    }
    if value.is_true() {
        return Some(Num::Small(1));
    }
    if value.is_false() {
        return Some(Num::Small(0));
    }
    let big = &value.downcast::<Int>()?.value;
    Some(match big.to_i64() {
        Some(small) => Num::Small(small),
        None => Num::Big(big),
    })
}

/// As [`num`], where the caller has been promised an int.
///
/// # Errors
/// `TypeError` when the value is no int.
pub fn number(value: &Value) -> PyResult<Num<'_>> {
    num(value).ok_or_else(|| type_error(format!("an integer is required (got type {})", value.ty().name())))
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

/// Whether the value is exactly an int: no bool, no subclass.
#[inline]
pub fn is_exact_int(value: &Value) -> bool {
    value.is_small_int() || value.is_exact::<Int>()
}

/// An int's value, when it fits a machine word; `None` also for other types.
#[inline]
pub fn to_i64(value: &Value) -> Option<i64> {
    match num(value)? {
        Num::Small(small) => Some(small),
        Num::Big(_) => None,
    }
}

/// An int's value; `None` for other types.
pub fn to_big(value: &Value) -> Option<BigInt> {
    num(value).map(|num| num.big().into_owned())
}

/// Whether an int is below zero.
pub fn is_negative(value: &Value) -> bool {
    num(value).is_some_and(Num::is_negative)
}

/// The same number as exactly an int.
///
/// # Errors
/// `TypeError` when the value is no int.
pub fn exact(value: &Value) -> PyResult<Value> {
    if is_exact_int(value) {
        return Ok(value.clone());
    }
    Ok(match number(value)? {
        Num::Small(small) => Value::int(small),
        Num::Big(value) => big(value.clone()),
    })
}

/// The hash of an int.
///
/// # Errors
/// `TypeError` when the value is no int.
pub fn hash(value: &Value) -> PyResult<i64> {
    match number(value)? {
        Num::Small(small) => Ok(hash_i64(small)),
        Num::Big(big) => {
            let residue = (big.magnitude() % MODULUS).to_i64().unwrap_or(0);
            let hash = if big.sign() == Sign::Minus { -residue } else { residue };
            Ok(if hash == -1 { -2 } else { hash })
        }
    }
}

#[cfg(test)]
mod tests;
