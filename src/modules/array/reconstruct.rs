//! `_array_reconstructor`: arrays from pickles, which may come from machines with other sizes and byte orders.

use super::item::{self, Kind, TYPE_CODES};
use super::{ARRAY, make};
use crate::object::TypeObject;
use crate::object::call;
use crate::object::error::PyResult;
use crate::object::native::c_int;
use crate::object::scalar::Scalar;
use crate::object::value::Value;
use crate::types::bytes::Bytes;
use crate::types::codecs;
use crate::types::exceptions::{type_error, value_error};
use crate::types::list::List;
use crate::types::str::Str;

/// The layouts of machine format codes, in pairs: little-endian, big-endian.
const NUMBERS: [Scalar; 16] = [
    Scalar::U16,
    Scalar::U16,
    Scalar::I16,
    Scalar::I16,
    Scalar::U32,
    Scalar::U32,
    Scalar::I32,
    Scalar::I32,
    Scalar::U64,
    Scalar::U64,
    Scalar::I64,
    Scalar::I64,
    Scalar::F32,
    Scalar::F32,
    Scalar::F64,
    Scalar::F64,
];

fn format_of(code: i32) -> Option<Format> {
    Some(match code {
        0 => Format::Number(Scalar::U8),
        1 => Format::Number(Scalar::I8),
        2..=17 => Format::Number(*NUMBERS.get(code as usize - 2)?),
        18 => Format::Text("utf-16-le", 2),
        19 => Format::Text("utf-16-be", 2),
        20 => Format::Text("utf-32-le", 4),
        21 => Format::Text("utf-32-be", 4),
        _ => return None,
    })
}

/// What the bytes of a pickled array are.
enum Format {
    Number(Scalar),
    /// Encoding and bytes of a unit.
    Text(&'static str, usize),
}

/// `_array_reconstructor(arraytype, typecode, mformat_code, items)`.
///
/// # Errors
/// `TypeError` and `ValueError` for arguments that describe no array.
pub(super) fn reconstruct(
    array_type: &Value,
    type_code: &Value,
    format_code: &Value,
    items: &Value,
) -> PyResult<Value> {
    let code = type_code.downcast::<Str>().filter(|code| code.len() == 1).and_then(|code| code.chars().get(0));
    let Some(code) = code else {
        let found = if type_code.is_none() { "None" } else { type_code.ty().name() };
        return Err(type_error(format!("_array_reconstructor() argument 2 must be a unicode character, not {found}")));
    };
    let format_code = c_int(format_code, false)?;
    let Some(ty) = array_type.downcast::<TypeObject>() else {
        return Err(type_error(format!("first argument must be a type object, not {}", array_type.ty().name())));
    };
    if !ty.is_subtype(&ARRAY) {
        return Err(type_error(format!("{} is not a subtype of {}", ty.name(), ARRAY.name())));
    }
    let Some(known) = item::find(code) else {
        return Err(value_error("second argument must be a valid type code"));
    };
    let Some(format) = format_of(format_code) else {
        return Err(value_error("third argument must be a valid machine format code."));
    };
    let Some(bytes) = items.downcast::<Bytes>().map(Bytes::as_slice) else {
        return Err(type_error(format!("fourth argument should be bytes, not {}", items.ty().name())));
    };
    if i32::from(known.machine_format) == format_code {
        return build(ty, known.code, items);
    }
    let unit = match format {
        Format::Number(scalar) => scalar.size(),
        Format::Text(_, unit) => unit,
    };
    if !bytes.len().is_multiple_of(unit) {
        return Err(value_error("string length not a multiple of item size"));
    }
    match format {
        Format::Text(encoding, _) => build(ty, known.code, &codecs::decode(bytes, Some(encoding), None)?),
        Format::Number(scalar) => {
            let big = format_code > 1 && format_code % 2 == 1;
            let mut values = Vec::with_capacity(bytes.len() / unit);
            for chunk in bytes.chunks_exact(unit) {
                let mut number = [0; 8];
                for (place, byte) in number.iter_mut().zip(chunk) {
                    *place = *byte;
                }
                if let Some(number) = number.get_mut(..unit)
                    && big
                {
                    number.reverse();
                }
                values.push(scalar.read(&number));
            }
            // The code whose items have just that size, whatever the code was where the pickle was made.
            let fitting = TYPE_CODES.iter().rfind(|code| code.kind == Kind::Number(scalar) && scalar.range().is_some());
            build(ty, fitting.map_or(known.code, |code| code.code), &List::from_vec(values))
        }
    }
}

/// `ty(typecode, items)`. As `make_array`.
fn build(ty: &TypeObject, code: u8, items: &Value) -> PyResult<Value> {
    if std::ptr::eq(ty, &raw const ARRAY) {
        return make(ty, code.into(), Some(items));
    }
    call::call(&ty.value(), &[Str::from_latin1(&[code]), items.clone()])
}
