//! Names of files: the text of Python and the bytes of the system (PEP 383), and `os.PathLike`.

use crate::modules::io::standard;
use crate::name;
use crate::object::call;
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::bytes::Bytes;
use crate::types::codecs;
use crate::types::exceptions::{type_error, value_error};
use crate::types::str::Str;
use std::ffi::CString;

/// The error handler of names of files.
pub(crate) const ERRORS: &str = "surrogateescape";

/// A name of the system as text. As `PyUnicode_DecodeFSDefault`.
///
/// # Errors
/// None in practice: every byte has its escape.
pub(crate) fn decode(bytes: &[u8]) -> PyResult<Value> {
    codecs::decode_native(bytes, standard::filesystem_encoding(), Some(ERRORS))
}

/// Text as a name of the system. As `PyUnicode_EncodeFSDefault`.
///
/// # Errors
/// `UnicodeEncodeError` for surrogates that stand for no byte.
pub(crate) fn encode(text: &Value) -> PyResult<Vec<u8>> {
    codecs::encode_native(text, standard::filesystem_encoding(), Some(ERRORS))
}

/// `os.fspath(path)`: a str or bytes. As `PyOS_FSPath`.
///
/// # Errors
/// `TypeError` for what is no path, what `__fspath__` raises.
pub(crate) fn fspath(path: &Value) -> PyResult<Value> {
    if path.downcast::<Str>().is_some() || path.downcast::<Bytes>().is_some() {
        return Ok(path.clone());
    }
    let Some(result) = call::call_special(path, name!("__fspath__"), &[])? else {
        return Err(type_error(format!("expected str, bytes or os.PathLike object, not {}", path.ty().name())));
    };
    if result.downcast::<Str>().is_some() || result.downcast::<Bytes>().is_some() {
        return Ok(result);
    }
    Err(type_error(format!(
        "expected {}.__fspath__() to return str or bytes, not {}",
        path.ty().name(),
        result.ty().name()
    )))
}

/// The system's name of a path. As `PyUnicode_FSConverter`.
///
/// # Errors
/// As for [`fspath`]; `ValueError` for a zero byte.
pub(crate) fn to_c_string(path: &Value) -> PyResult<CString> {
    let path = fspath(path)?;
    let bytes = match path.downcast::<Bytes>() {
        Some(bytes) => bytes.as_slice().to_vec(),
        None => encode(&path)?,
    };
    CString::new(bytes).map_err(|_| value_error("embedded null byte"))
}
