//! The module `_json`: the fast parts of the library's `json`.

mod encoder;
mod escape;
mod key_memo;
mod scanner;
mod string;

pub use encoder::ENCODER;
pub use scanner::SCANNER;

use crate::method;
use crate::modules::ModuleDef;
use crate::object::error::{PyResult, Raised};
use crate::object::value::Value;
use crate::object::{attribute, call};
use crate::types::exceptions::type_error;
use crate::types::str::Str;
use crate::vm::import;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_json",
    doc: "json speedups\n",
    functions: &[
        method!(
            escape::encode_basestring_ascii,
            "!encode_basestring_ascii(string, /)",
            "encode_basestring_ascii(string) -> string\n\nReturn an ASCII-only JSON representation of a Python string"
        ),
        method!(
            escape::encode_basestring,
            "!encode_basestring(string, /)",
            "encode_basestring(string) -> string\n\nReturn a JSON representation of a Python string"
        ),
        method!(
            string::scanstring,
            "%scanstring(string, end, strict=True, /)",
            "scanstring(string, end, strict=True) -> (string, end)\n\nScan the string s for a JSON string. End is the index of the\ncharacter in s after the quote that started the JSON string.\nUnescapes all valid JSON string escape sequences and raises ValueError\non attempt to decode an invalid string. If strict is False then literal\ncontrol characters are allowed in the string.\n\nReturns a tuple of the decoded string and the index of the character in s\nafter the end quote."
        ),
    ],
    fill: |dict| {
        dict.set_text("make_scanner", SCANNER.value());
        dict.set_text("make_encoder", ENCODER.value());
        Ok(())
    },
};

/// The text that a function was given.
fn text_of(value: &Value) -> PyResult<&Str> {
    value
        .downcast::<Str>()
        .ok_or_else(|| type_error(format!("first argument must be a string, not {}", value.ty().name())))
}

/// `json.decoder.JSONDecodeError(message, document, position)`.
#[cold]
fn decode_error(message: &str, document: &Value, position: usize) -> Raised {
    let made = import::import_text("json.decoder").and_then(|decoder| {
        let class = attribute::get_str(&decoder, "JSONDecodeError")?;
        call::call(&class, &[Str::new_value(message), document.clone(), Value::int(position as i64)])
    });
    match made {
        Ok(exception) => Raised::new(exception),
        Err(raised) => raised,
    }
}
