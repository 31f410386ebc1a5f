//! Text encodings: what `str.encode` and `bytes.decode` do.

use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::bytes::Bytes;
use crate::types::exceptions::lookup_error;
use crate::types::str::{Str, body};

/// `text.encode(encoding, errors)`.
///
/// # Errors
/// `LookupError` for unknown encodings and error handlers, `UnicodeEncodeError`.
pub fn encode(text: &Value, encoding: Option<&str>, _errors: Option<&str>) -> PyResult<Value> {
    let name = encoding.unwrap_or("utf-8");
    match (name, body(text)?.to_utf8()) {
        ("utf-8", Some(utf8)) => Ok(Bytes::new_value(utf8.as_bytes())),
        _ => Err(lookup_error(format!("unknown encoding: {name}"))),
    }
}

/// `str(data, encoding, errors)`.
///
/// # Errors
/// `LookupError` for unknown encodings and error handlers, `UnicodeDecodeError`.
pub fn decode(data: &[u8], encoding: Option<&str>, _errors: Option<&str>) -> PyResult<Value> {
    let name = encoding.unwrap_or("utf-8");
    match (name, std::str::from_utf8(data)) {
        ("utf-8", Ok(text)) => Ok(Str::new_value(text)),
        _ => Err(lookup_error(format!("unknown encoding: {name}"))),
    }
}
