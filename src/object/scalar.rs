//! Machine numbers as bytes: the items of arrays, memory views and structs.

use super::value::Value;
use crate::types::bytes::Bytes;
use crate::types::int;
use num_bigint::BigInt;
use num_traits::ToPrimitive;

/// A kind of machine number, in the machine's byte order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scalar {
    /// One byte, as a bytes object.
    Char,
    /// A truth value.
    Bool,
    /// `signed char`
    I8,
    /// `unsigned char`
    U8,
    /// `short`
    I16,
    /// `unsigned short`
    U16,
    /// `int`
    I32,
    /// `unsigned int`
    U32,
    /// `long`, `long long` and `ssize_t`
    I64,
    /// `unsigned long`, `unsigned long long`, `size_t` and addresses
    U64,
    /// IEEE 754 binary16
    F16,
    /// `float`
    F32,
    /// `double`
    F64,
}

impl Scalar {
    /// Bytes of one.
    pub const fn size(self) -> usize {
        match self {
            Scalar::Char | Scalar::Bool | Scalar::I8 | Scalar::U8 => 1,
            Scalar::I16 | Scalar::U16 | Scalar::F16 => 2,
            Scalar::I32 | Scalar::U32 | Scalar::F32 => 4,
            Scalar::I64 | Scalar::U64 | Scalar::F64 => 8,
        }
    }

    /// The smallest and the largest value of an integer kind.
    pub const fn range(self) -> Option<(i128, i128)> {
        Some(match self {
            Scalar::I8 => (i8::MIN as i128, i8::MAX as i128),
            Scalar::U8 => (0, u8::MAX as i128),
            Scalar::I16 => (i16::MIN as i128, i16::MAX as i128),
            Scalar::U16 => (0, u16::MAX as i128),
            Scalar::I32 => (i32::MIN as i128, i32::MAX as i128),
            Scalar::U32 => (0, u32::MAX as i128),
            Scalar::I64 => (i64::MIN as i128, i64::MAX as i128),
            Scalar::U64 => (0, u64::MAX as i128),
            _ => return None,
        })
    }

    /// The value of the first bytes; those that are missing are zero.
    #[inline]
    pub fn read(self, bytes: &[u8]) -> Value {
        fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
            bytes.first_chunk::<N>().copied().unwrap_or([0; N])
        }
        match self {
            Scalar::Char => Bytes::new_value(&first::<1>(bytes)),
            Scalar::Bool => Value::bool(first::<1>(bytes) != [0]),
            Scalar::I8 => Value::int(i8::from_ne_bytes(first(bytes)).into()),
            Scalar::U8 => Value::int(u8::from_ne_bytes(first(bytes)).into()),
            Scalar::I16 => Value::int(i16::from_ne_bytes(first(bytes)).into()),
            Scalar::U16 => Value::int(u16::from_ne_bytes(first(bytes)).into()),
            Scalar::I32 => Value::int(i32::from_ne_bytes(first(bytes)).into()),
            Scalar::U32 => Value::int(u32::from_ne_bytes(first(bytes)).into()),
            Scalar::I64 => Value::int(i64::from_ne_bytes(first(bytes))),
            Scalar::U64 => unsigned(u64::from_ne_bytes(first(bytes))),
            Scalar::F16 => Value::float(half_to_f64(u16::from_ne_bytes(first(bytes)))),
            Scalar::F32 => Value::float(f32::from_ne_bytes(first(bytes)).into()),
            Scalar::F64 => Value::float(f64::from_ne_bytes(first(bytes))),
        }
    }
}

/// An int of 64 bits without a sign.
#[inline]
pub fn unsigned(value: u64) -> Value {
    match i64::try_from(value) {
        Ok(value) => Value::int(value),
        Err(_) => int::big(value.into()),
    }
}

/// An int's value, when it fits 128 bits; `None` also for other types.
pub fn wide(value: &Value) -> Option<i128> {
    match int::num(value)? {
        int::Num::Small(small) => Some(small.into()),
        int::Num::Big(big) => BigInt::to_i128(big),
    }
}

/// The number that 16 bits stand for.
pub fn half_to_f64(bits: u16) -> f64 {
    let sign = u64::from(bits >> 15) << 63;
    let exponent = u64::from(bits >> 10 & 0x1f);
    let fraction = u64::from(bits & 0x3ff);
    let magnitude = match (exponent, fraction) {
        (0x1f, 0) => f64::INFINITY,
        // As _PyFloat_Unpack2: what a NaN carries is not kept.
        (0x1f, _) => f64::NAN,
        (0, _) => fraction as f64 / f64::from(1u32 << 24),
        _ => f64::from_bits((exponent + 1008) << 52 | fraction << 42),
    };
    f64::from_bits(magnitude.to_bits() | sign)
}

/// The 16 bits nearest to a number, ties to even; `None` when it is too large.
pub fn f64_to_half(value: f64) -> Option<u16> {
    let sign = (value.to_bits() >> 63 << 15) as u16;
    if value.is_nan() {
        return Some(sign | 0x7e00);
    }
    let magnitude = value.abs();
    if magnitude.is_infinite() {
        return Some(sign | 0x7c00);
    }
    // Steps of 2 ** -24 below 2 ** -14, then 10 bits of fraction in each power of two.
    let exponent = ((magnitude.to_bits() >> 52) as i32 - 1023).max(-14);
    if exponent > 15 {
        return None;
    }
    let steps = (magnitude * 2f64.powi(10 - exponent)).round_ties_even() as u32;
    // A carry moves into the next exponent by itself; a subnormal has no leading one to take away.
    let bits = steps + (((exponent + 14) as u32) << 10);
    if bits >= 0x7c00 { None } else { Some(sign | bits as u16) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_trip() {
        for bits in 0..=0xffffu16 {
            let value = half_to_f64(bits);
            if !value.is_nan() {
                assert_eq!(f64_to_half(value), Some(bits), "{bits:#x} {value}");
            }
        }
        assert_eq!((f64_to_half(65519.9), f64_to_half(65520.0)), (Some(0x7bff), None));
        assert_eq!((f64_to_half(2f64.powi(-25)), f64_to_half(2f64.powi(-25) * 1.01)), (Some(0), Some(1)));
    }
}
