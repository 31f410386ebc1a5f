//! The builtin types, one file or folder each, named as Python names them.

pub mod bool;
pub mod builtin_function;
pub mod bytearray;
pub mod bytes;
pub mod cell;
pub mod class_method;
pub mod code;
pub mod codecs;
pub mod descriptor;
pub mod dict;
pub mod exceptions;
pub mod float;
pub mod function;
pub mod int;
pub mod list;
pub mod mapping_proxy;
pub mod method;
pub mod object;
pub mod sequence_iterator;
pub mod singletons;
pub mod slice;
pub mod str;
pub mod traceback;
pub mod tuple;
pub mod type_;
pub mod unicode_errors;
pub mod weakref;

use crate::object::TypeObject;
use crate::object::error::PyResult;

/// Every builtin type but the exceptions, bases before those that derive from them.
static ALL: &[&TypeObject] = &[
    &object::OBJECT,
    &type_::TYPE,
    &int::INT,
    &bool::BOOL,
    &float::FLOAT,
    &str::STR,
    &str::STR_ITERATOR,
    &bytes::BYTES,
    &bytes::BYTES_ITERATOR,
    &bytearray::BYTEARRAY,
    &bytearray::BYTEARRAY_ITERATOR,
    &tuple::TUPLE,
    &tuple::TUPLE_ITERATOR,
    &list::LIST,
    &list::LIST_ITERATOR,
    &list::LIST_REVERSE_ITERATOR,
    &dict::DICT,
    &singletons::NONE,
    &singletons::ELLIPSIS,
    &singletons::NOT_IMPLEMENTED,
    &builtin_function::BUILTIN_FUNCTION,
    &cell::CELL,
    &class_method::CLASS_METHOD,
    &class_method::STATIC_METHOD,
    &code::CODE,
    &descriptor::METHOD_DESCRIPTOR,
    &descriptor::CLASS_METHOD_DESCRIPTOR,
    &descriptor::WRAPPER_DESCRIPTOR,
    &descriptor::METHOD_WRAPPER,
    &descriptor::GETSET_DESCRIPTOR,
    &descriptor::MEMBER_DESCRIPTOR,
    &function::FUNCTION,
    &mapping_proxy::MAPPING_PROXY,
    &method::METHOD,
    &sequence_iterator::SEQUENCE_ITERATOR,
    &slice::SLICE,
    &traceback::TRACEBACK,
];

/// Sets up every builtin type.
///
/// # Errors
/// None in practice: builtin definitions are consistent.
pub(crate) fn init() -> PyResult<()> {
    for ty in ALL.iter().chain(exceptions::ALL) {
        ty.ready()?;
    }
    Ok(())
}
