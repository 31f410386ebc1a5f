//! The type `str`.
//!
//! `storage` says how text is kept, `methods` holds the methods, `search` and `case` their algorithms, `percent` and
//! `format` the two ways of formatting, `properties` what is known of a code point.

pub(crate) mod arguments;
mod case;
pub mod format;
mod iterator;
mod methods;
pub(crate) mod percent;
pub(crate) mod properties;
pub(crate) mod repr;
pub(crate) mod search;
mod storage;
#[cfg(test)]
mod tests;
mod unicode_tables;

pub use iterator::STR_ITERATOR;
pub(crate) use iterator::state_index;
pub use methods::join;
pub use storage::{Chars, Name, Str, StrBuilder, intern, intern_latin1, intern_value};

use crate::object::error::PyResult;
use crate::object::native::{Function, thunk};
use crate::object::slots::{BINARY_OPS, BinaryFn, BinaryOp, Compare, Slots};
use crate::object::value::Value;
use crate::object::{TypeObject, number, text};
use crate::types::exceptions::{index_error, type_error};
use crate::types::slice::{self, Slice, Unpacked};
use crate::types::{bytes, codecs};

/// The type object of `str`.
pub static STR: TypeObject = TypeObject::define::<Str>("str")
    .flags(storage::FLAGS)
    .variable_size(storage::object_size)
    .slots(Slots {
        new: Some(new),
        repr: Some(repr_),
        str: Some(str_),
        hash: Some(hash),
        compare: Some(compare),
        getattr: Some(crate::object::attribute::generic_get),
        length: Some(length),
        getitem: Some(getitem),
        item: Some(item),
        contains: Some(contains),
        iter: Some(iterator::iter),
        concat: Some(concat),
        repeat: Some(repeat),
        binary: {
            let mut binary = [None; BINARY_OPS];
            binary[BinaryOp::Remainder as usize] = Some(remainder as BinaryFn);
            binary
        },
        ..Slots::EMPTY
    })
    .methods(methods::METHODS)
    .doc(
        "str(object='') -> str\nstr(bytes_or_buffer[, encoding[, errors]]) -> str\n\n\
         Create a new string object from the given object. If encoding or\n\
         errors is specified, then the object must expose a data buffer\n\
         that will be decoded using the given encoding and error handler.\n\
         Otherwise, returns the result of object.__str__() (if defined)\n\
         or repr(object).\n\
         encoding defaults to sys.getdefaultencoding().\n\
         errors defaults to 'strict'.",
    );

static NEW: Function = Function::new("str(object='', encoding='utf-8', errors='strict')", "", thunk(construct));

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let Some(ty) = class.downcast::<TypeObject>() else { return Err(type_error("expected a type")) };
    let value = match (args, kwnames) {
        ([only], None) => text::str(only)?,
        _ => NEW.call(args, kwnames)?,
    };
    if std::ptr::eq(ty, &STR) {
        return Ok(value);
    }
    Ok(Str::instance_of(ty, body(&value)?))
}

fn construct(object: Option<&Value>, encoding: Option<&Value>, errors: Option<&Value>) -> PyResult<Value> {
    let encoding = arguments::codec_name(encoding, "str", "2")?;
    let errors = arguments::codec_name(errors, "str", "3")?;
    let Some(object) = object else { return Ok(Str::new_value("")) };
    if encoding.is_none() && errors.is_none() {
        return text::str(object);
    }
    if object.downcast::<Str>().is_some() {
        return Err(type_error("decoding str is not supported"));
    }
    let Some(buffer) = bytes::buffer_or_none(object) else {
        return Err(type_error(format!("decoding to str: need a bytes-like object, {} found", object.ty().name())));
    };
    codecs::decode(&buffer, encoding.as_deref(), errors.as_deref())
}

pub(crate) fn body(value: &Value) -> PyResult<&Str> {
    value.downcast::<Str>().ok_or_else(|| type_error(format!("expected str, not {}", value.ty().name())))
}

fn str_(value: &Value) -> PyResult<Value> {
    if value.is_exact::<Str>() { Ok(value.clone()) } else { Ok(Str::copy(body(value)?)) }
}

fn repr_(value: &Value) -> PyResult<Value> {
    Ok(repr::repr(body(value)?))
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

fn item(value: &Value, index: isize) -> PyResult<Value> {
    let code = usize::try_from(index).ok().and_then(|index| body(value).ok()?.chars().get(index));
    code.map(Str::from_code).ok_or_else(|| index_error("string index out of range"))
}

/// The characters between two bounds, step 1; the str itself when those are all.
pub(crate) fn range_of(value: &Value, text: &Str, bounds: Unpacked) -> Value {
    let adjusted = bounds.adjust(text.len());
    if adjusted.count == 0 {
        return Str::new_value("");
    }
    if adjusted.count == text.len() && value.is_exact::<Str>() {
        return value.clone();
    }
    let start = adjusted.start as usize;
    Str::from_chars(text.chars().slice(start, start + adjusted.count))
}

/// `text[key]`. As `unicode_subscript`.
pub(crate) fn getitem(value: &Value, key: &Value) -> PyResult<Value> {
    let text = body(value)?;
    if let Some(slice) = key.exact::<Slice>() {
        let unpacked = slice::unpack(slice)?;
        if unpacked.step == 1 {
            return Ok(range_of(value, text, unpacked));
        }
        let adjusted = unpacked.adjust(text.len());
        if adjusted.count == 0 {
            return Ok(Str::new_value(""));
        }
        let chars = text.chars();
        let mut builder = StrBuilder::with_capacity(adjusted.count);
        for index in adjusted.indices() {
            builder.push(chars.get(index).unwrap_or_default());
        }
        return Ok(builder.finish());
    }
    if !number::is_index(key) {
        return Err(type_error("string indices must be integers"));
    }
    let index = number::index_for_item(key)?;
    let index = if index < 0 { index.saturating_add(text.len() as isize) } else { index };
    item(value, index)
}

fn contains(value: &Value, sought: &Value) -> PyResult<bool> {
    let text = body(value)?;
    let Some(sought) = sought.downcast::<Str>() else {
        return Err(type_error(format!("'in <string>' requires string as left operand, not {}", sought.ty().name())));
    };
    Ok(search::with_units!(text.chars(), units => match search::fit(sought.chars()) {
        Some(needle) => search::find(units, &needle).is_some(),
        None => false,
    }))
}

fn concat(left: &Value, right: &Value) -> PyResult<Value> {
    let Some(other) = right.downcast::<Str>() else {
        return Err(type_error(format!("can only concatenate str (not \"{}\") to str", right.ty().name())));
    };
    let text = body(left)?;
    if other.is_empty() && left.is_exact::<Str>() {
        return Ok(left.clone());
    }
    if text.is_empty() && right.is_exact::<Str>() {
        return Ok(right.clone());
    }
    arguments::check_memory(text.len().saturating_add(other.len()).saturating_mul(text.width().max(other.width())))?;
    Ok(text.concat(other))
}

fn repeat(value: &Value, count: &Value) -> PyResult<Value> {
    let count = arguments::repeat_count(count)?;
    if count == 1 && value.is_exact::<Str>() {
        return Ok(value.clone());
    }
    body(value)?.repeat(count)
}

fn remainder(left: &Value, right: &Value) -> PyResult<Value> {
    match left.downcast::<Str>() {
        // What has nothing to fill in and gets nothing is the text itself.
        Some(format)
            if left.is_exact::<Str>()
                && right.exact::<crate::types::tuple::Tuple>().is_some_and(|args| args.is_empty())
                && format.chars().iter().all(|code| code != u32::from(b'%')) =>
        {
            Ok(left.clone())
        }
        Some(format) => percent::format_str(format, right),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}
