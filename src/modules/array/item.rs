//! The items of arrays: type codes, and values to and from machine numbers.

use crate::object::buffer::ByteStore;
use crate::object::error::{PyResult, Raised};
use crate::object::number;
use crate::object::scalar::{Scalar, unsigned, wide};
use crate::object::value::Value;
use crate::types::exceptions::{overflow_error, type_error, value_error};
use crate::types::float;
use crate::types::int;
use crate::types::str::Str;

/// What an item is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Number(Scalar),
    /// A character of 32 bits.
    Character,
}

/// A type code.
#[derive(Debug)]
pub(super) struct TypeCode {
    pub code: u8,
    pub kind: Kind,
    /// log2 of the bytes of an item.
    pub shift: u32,
    /// The code that pickles carry: kind, size and byte order. As `enum machine_format_code`, little-endian.
    pub machine_format: u8,
}

const fn number(code: u8, scalar: Scalar, machine_format: u8) -> TypeCode {
    TypeCode { code, kind: Kind::Number(scalar), shift: scalar.size().trailing_zeros(), machine_format }
}

/// All type codes, in the order of `array.typecodes`.
pub(super) static TYPE_CODES: [TypeCode; 13] = [
    number(b'b', Scalar::I8, 1),
    number(b'B', Scalar::U8, 0),
    TypeCode { code: b'u', kind: Kind::Character, shift: 2, machine_format: 20 },
    number(b'h', Scalar::I16, 4),
    number(b'H', Scalar::U16, 2),
    number(b'i', Scalar::I32, 8),
    number(b'I', Scalar::U32, 6),
    number(b'l', Scalar::I64, 12),
    number(b'L', Scalar::U64, 10),
    number(b'q', Scalar::I64, 12),
    number(b'Q', Scalar::U64, 10),
    number(b'f', Scalar::F32, 14),
    number(b'd', Scalar::F64, 16),
];

/// The description of a type code.
pub(super) fn find(code: u32) -> Option<&'static TypeCode> {
    TYPE_CODES.iter().find(|known| u32::from(known.code) == code)
}

/// A value ready to be stored: the low bytes of a word.
pub(super) type Bits = u64;

impl TypeCode {
    /// Bytes of an item.
    #[inline(always)]
    pub fn size(&self) -> usize {
        1 << self.shift
    }

    /// The item at `index`; `None` past the end.
    ///
    /// # Errors
    /// `ValueError` for a number that is no character.
    #[inline]
    pub fn get(&self, items: &ByteStore, index: usize) -> PyResult<Option<Value>> {
        macro_rules! read {
            ($number:ty) => {
                match items.read(index << self.shift) {
                    Some(bytes) => <$number>::from_ne_bytes(bytes),
                    None => return Ok(None),
                }
            };
        }
        Ok(Some(match self.kind {
            Kind::Number(Scalar::F64) => Value::float(read!(f64)),
            Kind::Number(Scalar::I32) => Value::int(read!(i32).into()),
            Kind::Number(Scalar::I64) => Value::int(read!(i64)),
            Kind::Number(Scalar::U8 | Scalar::Char | Scalar::Bool) => Value::int(read!(u8).into()),
            Kind::Number(Scalar::I8) => Value::int(read!(i8).into()),
            Kind::Number(Scalar::I16) => Value::int(read!(i16).into()),
            Kind::Number(Scalar::U16 | Scalar::F16) => Value::int(read!(u16).into()),
            Kind::Number(Scalar::U32) => Value::int(read!(u32).into()),
            Kind::Number(Scalar::U64) => unsigned(read!(u64)),
            Kind::Number(Scalar::F32) => Value::float(read!(f32).into()),
            Kind::Character => {
                let code = read!(u32);
                if code > 0x10_ffff {
                    return Err(value_error("chr() arg not in range(0x110000)"));
                }
                Str::from_code(code)
            }
        }))
    }

    /// As [`TypeCode::get`] for what is no object: nothing is allocated.
    #[inline]
    pub fn quick_number(&self, items: &ByteStore, index: usize) -> Option<Value> {
        macro_rules! read {
            ($number:ty) => {
                <$number>::from_ne_bytes(items.read(index << self.shift)?)
            };
        }
        match self.kind {
            Kind::Number(Scalar::F64) => Value::small_float(read!(f64)),
            Kind::Number(Scalar::I32) => Value::small_int(read!(i32).into()),
            Kind::Number(Scalar::I64) => Value::small_int(read!(i64)),
            Kind::Number(Scalar::U8 | Scalar::Char | Scalar::Bool) => Value::small_int(read!(u8).into()),
            Kind::Number(Scalar::I8) => Value::small_int(read!(i8).into()),
            Kind::Number(Scalar::I16) => Value::small_int(read!(i16).into()),
            Kind::Number(Scalar::U16 | Scalar::F16) => Value::small_int(read!(u16).into()),
            Kind::Number(Scalar::U32) => Value::small_int(read!(u32).into()),
            Kind::Number(Scalar::U64) => Value::small_int(i64::try_from(read!(u64)).ok()?),
            Kind::Number(Scalar::F32) => Value::small_float(read!(f32).into()),
            Kind::Character => None,
        }
    }

    /// Stores an item; false past the end.
    #[inline]
    pub fn set(&self, items: &ByteStore, index: usize, bits: Bits) -> bool {
        let offset = index << self.shift;
        match self.shift {
            0 => items.write(offset, (bits as u8).to_ne_bytes()),
            1 => items.write(offset, (bits as u16).to_ne_bytes()),
            2 => items.write(offset, (bits as u32).to_ne_bytes()),
            _ => items.write(offset, bits.to_ne_bytes()),
        }
    }

    /// Appends an item's bytes.
    pub fn push(&self, bytes: &mut Vec<u8>, bits: Bits) {
        match self.shift {
            0 => bytes.push(bits as u8),
            1 => bytes.extend_from_slice(&(bits as u16).to_ne_bytes()),
            2 => bytes.extend_from_slice(&(bits as u32).to_ne_bytes()),
            _ => bytes.extend_from_slice(&bits.to_ne_bytes()),
        }
    }

    /// A value as an item. Runs Python code for values that are no numbers themselves.
    ///
    /// # Errors
    /// `TypeError` for values of other types, `OverflowError` for numbers that do not fit.
    #[inline]
    pub fn bits(&self, value: &Value) -> PyResult<Bits> {
        match self.kind {
            Kind::Number(Scalar::F64) => Ok(number::to_f64(value)?.to_bits()),
            Kind::Number(Scalar::F32) => Ok((number::to_f64(value)? as f32).to_bits().into()),
            Kind::Character => character(value),
            Kind::Number(scalar) => match value.as_small_int() {
                Some(int) if fits(scalar, int) => Ok(int as u64),
                _ => self.int_bits(value),
            },
        }
    }

    /// As [`TypeCode::bits`] for what is stored as it is.
    #[inline]
    pub fn quick_bits(&self, value: &Value) -> Option<Bits> {
        match self.kind {
            Kind::Number(Scalar::F64) if !value.is_small_int() => Some(value.as_small_float()?.to_bits()),
            Kind::Number(Scalar::F64 | Scalar::F32) | Kind::Character => None,
            Kind::Number(scalar) => value.as_small_int().filter(|&int| fits(scalar, int)).map(|int| int as u64),
        }
    }

    /// An int item by the long way, with the texts of the conversion that CPython uses for the code.
    #[cold]
    fn int_bits(&self, value: &Value) -> PyResult<Bits> {
        let bounded = |int: i64, min: i64, max: i64, what: &str| {
            if int < min {
                Err(overflow_error(format!("{what} is less than minimum")))
            } else if int > max {
                Err(overflow_error(format!("{what} is greater than maximum")))
            } else {
                Ok(int)
            }
        };
        Ok(match self.code {
            b'b' => {
                let int = bounded(long(value)?, i16::MIN.into(), i16::MAX.into(), "signed short integer")?;
                bounded(int, i8::MIN.into(), i8::MAX.into(), "signed char")? as u64
            }
            b'B' => bounded(long(value)?, 0, u8::MAX.into(), "unsigned byte integer")? as u64,
            b'h' => bounded(long(value)?, i16::MIN.into(), i16::MAX.into(), "signed short integer")? as u64,
            b'H' => {
                let int = bounded(long(value)?, i32::MIN.into(), i32::MAX.into(), "signed integer")?;
                bounded(int, 0, u16::MAX.into(), "unsigned short")? as u64
            }
            b'i' => bounded(long(value)?, i32::MIN.into(), i32::MAX.into(), "signed integer")? as u64,
            b'l' => long(value)? as u64,
            b'q' => {
                let int = wide(&integer(value, FLOAT_GIVEN)?);
                let int = int.and_then(|int| i64::try_from(int).ok());
                int.ok_or_else(|| overflow_error("int too big to convert"))? as u64
            }
            b'Q' => {
                let int = integer(value, NO_INTEGER)?;
                if int::is_negative(&int) {
                    return Err(overflow_error("can't convert negative int to unsigned"));
                }
                let int = wide(&int).and_then(|int| u64::try_from(int).ok());
                int.ok_or_else(|| overflow_error("int too big to convert"))?
            }
            _ => {
                let int = integer(value, NO_INTEGER)?;
                if int::is_negative(&int) {
                    return Err(overflow_error("can't convert negative value to unsigned int"));
                }
                let int = wide(&int).and_then(|int| u64::try_from(int).ok());
                let int = int.ok_or_else(|| overflow_error("Python int too large to convert to C unsigned long"))?;
                if self.code == b'I' && int > u32::MAX.into() {
                    return Err(overflow_error("unsigned int is greater than maximum"));
                }
                int
            }
        })
    }
}

const FLOAT_GIVEN: &str = "integer argument expected, got float";
const NO_INTEGER: &str = "array item must be integer";

#[inline]
fn fits(scalar: Scalar, int: i64) -> bool {
    match scalar {
        Scalar::I32 => i32::try_from(int).is_ok(),
        Scalar::U8 => u8::try_from(int).is_ok(),
        Scalar::I64 => true,
        Scalar::I8 => i8::try_from(int).is_ok(),
        Scalar::I16 => i16::try_from(int).is_ok(),
        Scalar::U16 => u16::try_from(int).is_ok(),
        Scalar::U32 => u32::try_from(int).is_ok(),
        Scalar::U64 => int >= 0,
        _ => false,
    }
}

/// An int from a value with `__index__` or `__int__`; `float_text` refuses floats.
fn integer(value: &Value, float_text: &str) -> PyResult<Value> {
    if float::to_f64(value).is_some() {
        return Err(type_error(float_text));
    }
    number::integer(value)
}

/// As `PyLong_AsLong`.
fn long(value: &Value) -> PyResult<i64> {
    let int = integer(value, FLOAT_GIVEN)?;
    int::to_i64(&int).ok_or_else(|| overflow_error("Python int too large to convert to C long"))
}

fn character(value: &Value) -> PyResult<Bits> {
    match value.downcast::<Str>() {
        Some(text) if text.len() == 1 => Ok(text.chars().get(0).unwrap_or(0).into()),
        _ => Err(type_error("array item must be unicode character")),
    }
}

/// The text of characters.
///
/// # Errors
/// `ValueError` for a number that is no character.
pub(super) fn text(bytes: &[u8]) -> PyResult<Value> {
    let mut codes = Vec::with_capacity(bytes.len() / 4);
    for chunk in bytes.chunks_exact(4) {
        codes.push(u32::from_ne_bytes(chunk.first_chunk().copied().unwrap_or_default()));
    }
    match codes.iter().find(|&&code| code > 0x10_ffff) {
        Some(&code) => Err(no_character(code)),
        None => Ok(Str::from_codes(&codes)),
    }
}

#[cold]
fn no_character(code: u32) -> Raised {
    value_error(format!("character U+{code:x} is not in range [U+0000; U+10ffff]"))
}
