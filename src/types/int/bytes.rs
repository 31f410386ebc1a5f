//! Ints as bytes: `to_bytes` and `from_bytes`.

use super::{big, number};
use crate::name;
use crate::object::TypeObject;
use crate::object::call;
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::bytes::{Bytes, collect_bytes, inconvertible, lookup_items};
use crate::types::exceptions::{overflow_error, type_error, value_error};
use crate::types::int::INT;
use crate::types::str::Str;
use num_bigint::{BigInt, Sign};

fn is_little(byteorder: &Str) -> PyResult<bool> {
    if byteorder.equals_str("little") {
        Ok(true)
    } else if byteorder.equals_str("big") {
        Ok(false)
    } else {
        Err(value_error("byteorder must be either 'little' or 'big'"))
    }
}

pub(super) fn to_bytes(this: &Value, length: isize, byteorder: &Str, signed: Option<bool>) -> PyResult<Value> {
    let signed = signed.unwrap_or(false);
    let little = is_little(byteorder)?;
    let Ok(length) = usize::try_from(length) else {
        return Err(value_error("length argument must be non-negative"));
    };
    let value = number(this)?.big();
    if !signed && value.sign() == Sign::Minus {
        return Err(overflow_error("can't convert negative int to unsigned"));
    }
    let mut bytes = if signed { value.to_signed_bytes_le() } else { value.magnitude().to_bytes_le() };
    if value.sign() == Sign::NoSign {
        bytes.clear();
    }
    if bytes.len() > length {
        return Err(overflow_error("int too big to convert"));
    }
    super::arithmetic::check_size(length as u128 * 8)?;
    bytes.resize(length, if value.sign() == Sign::Minus { 0xff } else { 0 });
    if !little {
        bytes.reverse();
    }
    Ok(Bytes::new_value(&bytes))
}

/// The bytes of an object. As `PyObject_Bytes`, without copying where that can be avoided.
fn with_bytes<R>(object: &Value, use_bytes: impl FnOnce(&[u8]) -> PyResult<R>) -> PyResult<R> {
    if let Some(bytes) = object.exact::<Bytes>() {
        return use_bytes(bytes.as_slice());
    }
    if let Some(result) = call::call_special(object, name!("__bytes__"), &[])? {
        return match result.downcast::<Bytes>() {
            Some(bytes) => use_bytes(bytes.as_slice()),
            None => Err(type_error(format!("__bytes__ returned non-bytes (type {})", result.ty().name()))),
        };
    }
    if let Some(buffer) = lookup_items(object)? {
        return use_bytes(&buffer);
    }
    if object.downcast::<Str>().is_some() {
        return Err(inconvertible(object));
    }
    use_bytes(&collect_bytes(object)?)
}

pub(super) fn from_bytes(class: &Value, bytes: &Value, byteorder: &Str, signed: Option<bool>) -> PyResult<Value> {
    let little = is_little(byteorder)?;
    let value = with_bytes(bytes, |bytes| {
        Ok(big(match (signed.unwrap_or(false), little) {
            (false, true) => BigInt::from_bytes_le(Sign::Plus, bytes),
            (false, false) => BigInt::from_bytes_be(Sign::Plus, bytes),
            (true, true) => BigInt::from_signed_bytes_le(bytes),
            (true, false) => BigInt::from_signed_bytes_be(bytes),
        }))
    })?;
    match class.downcast::<TypeObject>() {
        Some(ty) if std::ptr::eq(ty, &raw const INT) => Ok(value),
        _ => call::call(class, &[value]),
    }
}
