//! The module `_codecs`: the registry of codecs, and the native encodings function by function.

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::io::Text;
use crate::object::call;
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::bytes::{self, Bytes};
use crate::types::codecs::{self, Encoding, Order, charmap, errors, escaped_bytes, registry};
use crate::types::dict::Dict;
use crate::types::exceptions::{LOOKUP_ERROR, is_instance, type_error, value_error};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use std::borrow::Cow;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_codecs",
    doc: "",
    functions: &[
        method!(
            register,
            "register($module, search_function, /)",
            "Register a codec search function.\n\nSearch functions are expected to take one argument, the encoding name in\nall lower case letters, and either return None, or a tuple of functions\n(encoder, decoder, stream_reader, stream_writer) (or a CodecInfo object)."
        ),
        method!(
            lookup,
            "lookup($module, encoding, /)",
            "Looks up a codec tuple in the Python codec registry and returns a CodecInfo object."
        ),
        method!(
            encode,
            "encode($module, /, obj, encoding='utf-8', errors='strict')",
            "Encodes obj using the codec registered for encoding.\n\nThe default encoding is 'utf-8'.  errors may be given to set a\ndifferent error handling scheme.  Default is 'strict' meaning that encoding\nerrors raise a ValueError.  Other possible values are 'ignore', 'replace'\nand 'backslashreplace' as well as any other name registered with\ncodecs.register_error that can handle ValueErrors."
        ),
        method!(
            decode,
            "decode($module, /, obj, encoding='utf-8', errors='strict')",
            "Decodes obj using the codec registered for encoding.\n\nDefault encoding is 'utf-8'.  errors may be given to set a\ndifferent error handling scheme.  Default is 'strict' meaning that encoding\nerrors raise a ValueError.  Other possible values are 'ignore', 'replace'\nand 'backslashreplace' as well as any other name registered with\ncodecs.register_error that can handle ValueErrors."
        ),
        method!(escape_decode, "escape_decode($module, data, errors=None, /)", ""),
        method!(escape_encode, "escape_encode($module, data, errors=None, /)", ""),
        method!(utf_7_decode, "utf_7_decode($module, data, errors=None, final=False, /)", ""),
        method!(utf_7_encode, "utf_7_encode($module, str, errors=None, /)", ""),
        method!(utf_8_decode, "utf_8_decode($module, data, errors=None, final=False, /)", ""),
        method!(utf_8_encode, "utf_8_encode($module, str, errors=None, /)", ""),
        method!(utf_16_decode, "utf_16_decode($module, data, errors=None, final=False, /)", ""),
        method!(utf_16_le_decode, "utf_16_le_decode($module, data, errors=None, final=False, /)", ""),
        method!(utf_16_be_decode, "utf_16_be_decode($module, data, errors=None, final=False, /)", ""),
        method!(
            utf_16_ex_decode,
            "utf_16_ex_decode($module, data, errors=None, byteorder=0, final=False,\n                 /)",
            ""
        ),
        method!(utf_16_encode, "utf_16_encode($module, str, errors=None, byteorder=0, /)", ""),
        method!(utf_16_le_encode, "utf_16_le_encode($module, str, errors=None, /)", ""),
        method!(utf_16_be_encode, "utf_16_be_encode($module, str, errors=None, /)", ""),
        method!(utf_32_decode, "utf_32_decode($module, data, errors=None, final=False, /)", ""),
        method!(utf_32_le_decode, "utf_32_le_decode($module, data, errors=None, final=False, /)", ""),
        method!(utf_32_be_decode, "utf_32_be_decode($module, data, errors=None, final=False, /)", ""),
        method!(
            utf_32_ex_decode,
            "utf_32_ex_decode($module, data, errors=None, byteorder=0, final=False,\n                 /)",
            ""
        ),
        method!(utf_32_encode, "utf_32_encode($module, str, errors=None, byteorder=0, /)", ""),
        method!(utf_32_le_encode, "utf_32_le_encode($module, str, errors=None, /)", ""),
        method!(utf_32_be_encode, "utf_32_be_encode($module, str, errors=None, /)", ""),
        method!(unicode_escape_decode, "unicode_escape_decode($module, data, errors=None, /)", ""),
        method!(unicode_escape_encode, "unicode_escape_encode($module, str, errors=None, /)", ""),
        method!(raw_unicode_escape_decode, "raw_unicode_escape_decode($module, data, errors=None, /)", ""),
        method!(raw_unicode_escape_encode, "raw_unicode_escape_encode($module, str, errors=None, /)", ""),
        method!(latin_1_decode, "latin_1_decode($module, data, errors=None, /)", ""),
        method!(latin_1_encode, "latin_1_encode($module, str, errors=None, /)", ""),
        method!(ascii_decode, "ascii_decode($module, data, errors=None, /)", ""),
        method!(ascii_encode, "ascii_encode($module, str, errors=None, /)", ""),
        method!(charmap_decode, "charmap_decode($module, data, errors=None, mapping=None, /)", ""),
        method!(charmap_encode, "charmap_encode($module, str, errors=None, mapping=None, /)", ""),
        method!(charmap_build, "charmap_build($module, map, /)", ""),
        method!(readbuffer_encode, "readbuffer_encode($module, data, errors=None, /)", ""),
        method!(
            register_error,
            "register_error($module, errors, handler, /)",
            "Register the specified error handler under the name errors.\n\nhandler must be a callable object, that will be called with an exception\ninstance containing information about the location of the encoding/decoding\nerror and must return a (replacement, new position) tuple."
        ),
        method!(
            lookup_error,
            "lookup_error($module, name, /)",
            "lookup_error(errors) -> handler\n\nReturn the error handler for the specified error handling name or raise a\nLookupError, if no handler exists under this name."
        ),
        method!(
            forget_codec,
            "_forget_codec($module, encoding, /)",
            "Purge the named codec from the internal codec lookup cache"
        ),
    ],
    fill: |dict: &Dict| {
        dict.set_text("__doc__", Value::NONE);
        charmap::ENCODING_MAP.ready()
    },
};

/// A name, which holds no zero character.
fn name(text: &Str) -> PyResult<String> {
    if text.chars().iter().any(|code| code == 0) {
        return Err(value_error("embedded null character"));
    }
    Ok(text.to_string_lossy())
}

fn handler(errors: Option<Text>) -> Option<String> {
    errors.and_then(|errors| errors.0).map(Str::to_string_lossy)
}

fn register(search: &Value) -> PyResult<()> {
    registry::register(search)
}

fn lookup(encoding: &Str) -> PyResult<Value> {
    registry::lookup(&name(encoding)?)
}

fn forget_codec(encoding: &Str) -> PyResult<()> {
    registry::forget(&name(encoding)?)
}

/// The encoding of a call: UTF-8 when none is given.
fn encoding_name(encoding: Option<&Str>) -> PyResult<String> {
    encoding.map_or_else(|| Ok("utf-8".to_owned()), name)
}

fn encode(object: &Value, encoding: Option<&Str>, errors: Option<&Str>) -> PyResult<Value> {
    let (encoding, errors) = (encoding_name(encoding)?, errors.map(name).transpose()?);
    match registry::encode(object, &encoding, errors.as_deref()) {
        // Without the library, the native encodings are there all the same.
        Err(raised)
            if is_instance(&raised, &LOOKUP_ERROR)
                && codecs::find(&encoding).is_some()
                && registry::lookup(&encoding).is_err()
                && object.downcast::<Str>().is_some() =>
        {
            codecs::encode(object, Some(&encoding), errors.as_deref())
        }
        result => result,
    }
}

fn decode(object: &Value, encoding: Option<&Str>, errors: Option<&Str>) -> PyResult<Value> {
    let (encoding, errors) = (encoding_name(encoding)?, errors.map(name).transpose()?);
    match registry::decode(object, &encoding, errors.as_deref()) {
        Err(raised)
            if is_instance(&raised, &LOOKUP_ERROR)
                && codecs::find(&encoding).is_some()
                && registry::lookup(&encoding).is_err() =>
        {
            codecs::decode(&bytes::buffer_of(object)?, Some(&encoding), errors.as_deref())
        }
        result => result,
    }
}

fn register_error(errors: &Str, handler: &Value) -> PyResult<()> {
    name(errors)?;
    if !call::is_callable(handler) {
        return Err(type_error("handler must be callable"));
    }
    errors::register(&Value::of(errors), handler.clone())
}

fn lookup_error(errors: &Str) -> PyResult<Value> {
    errors::lookup(&name(errors)?)
}

fn pair(result: Value, count: usize) -> Value {
    Tuple::from_vec(vec![result, Value::int(count as i64)])
}

/// The bytes of an argument that may be text too. As the format unit `s*`.
fn text_or_bytes(data: &Value) -> PyResult<Cow<'_, [u8]>> {
    match data.downcast::<Str>() {
        Some(_) => codecs::encode_native(data, Encoding::Utf8, None).map(Cow::Owned),
        None => bytes::buffer_of(data),
    }
}

fn encode_with(text: &Str, errors: Option<Text>, encoding: Encoding) -> PyResult<Value> {
    let encoded = codecs::encode_native(&Value::of(text), encoding, handler(errors).as_deref())?;
    Ok(pair(Bytes::new_value(&encoded), text.len()))
}

fn decode_with(data: &[u8], errors: Option<Text>, encoding: Encoding, last: bool) -> PyResult<Value> {
    let decoded = codecs::decode_stateful(data, encoding, handler(errors).as_deref(), last)?;
    Ok(pair(decoded.text, decoded.consumed))
}

macro_rules! encoders {
    ($($function:ident $encoding:expr;)*) => {
        $(fn $function(text: &Str, errors: Option<Text>) -> PyResult<Value> {
            encode_with(text, errors, $encoding)
        })*
    };
}

encoders! {
    utf_7_encode Encoding::Utf7;
    utf_8_encode Encoding::Utf8;
    utf_16_le_encode Encoding::Utf16(Order::Little);
    utf_16_be_encode Encoding::Utf16(Order::Big);
    utf_32_le_encode Encoding::Utf32(Order::Little);
    utf_32_be_encode Encoding::Utf32(Order::Big);
    unicode_escape_encode Encoding::UnicodeEscape;
    raw_unicode_escape_encode Encoding::RawUnicodeEscape;
    latin_1_encode Encoding::Latin1;
    ascii_encode Encoding::Ascii;
}

macro_rules! decoders {
    ($($function:ident $encoding:expr;)*) => {
        $(fn $function(data: &Value, errors: Option<Text>, last: Option<i32>) -> PyResult<Value> {
            decode_with(&bytes::buffer_of(data)?, errors, $encoding, last.unwrap_or(0) != 0)
        })*
    };
}

decoders! {
    utf_7_decode Encoding::Utf7;
    utf_8_decode Encoding::Utf8;
    utf_16_decode Encoding::Utf16(Order::Marked);
    utf_16_le_decode Encoding::Utf16(Order::Little);
    utf_16_be_decode Encoding::Utf16(Order::Big);
    utf_32_decode Encoding::Utf32(Order::Marked);
    utf_32_le_decode Encoding::Utf32(Order::Little);
    utf_32_be_decode Encoding::Utf32(Order::Big);
}

/// A byte order as a number: negative little, positive big, zero as a mark says.
fn order_of(number: Option<i32>) -> Order {
    match number.unwrap_or(0) {
        0 => Order::Marked,
        ..0 => Order::Little,
        _ => Order::Big,
    }
}

fn utf_16_encode(text: &Str, errors: Option<Text>, order: Option<i32>) -> PyResult<Value> {
    encode_with(text, errors, Encoding::Utf16(order_of(order)))
}

fn utf_32_encode(text: &Str, errors: Option<Text>, order: Option<i32>) -> PyResult<Value> {
    encode_with(text, errors, Encoding::Utf32(order_of(order)))
}

fn decode_ex(data: &Value, errors: Option<Text>, encoding: Encoding, last: Option<i32>) -> PyResult<Value> {
    let data = bytes::buffer_of(data)?;
    let decoded = codecs::decode_stateful(&data, encoding, handler(errors).as_deref(), last.unwrap_or(0) != 0)?;
    let order = match decoded.order {
        Order::Marked => 0,
        Order::Little => -1,
        Order::Big => 1,
    };
    Ok(Tuple::from_vec(vec![decoded.text, Value::int(decoded.consumed as i64), Value::int(order)]))
}

fn utf_16_ex_decode(data: &Value, errors: Option<Text>, order: Option<i32>, last: Option<i32>) -> PyResult<Value> {
    decode_ex(data, errors, Encoding::Utf16(order_of(order)), last)
}

fn utf_32_ex_decode(data: &Value, errors: Option<Text>, order: Option<i32>, last: Option<i32>) -> PyResult<Value> {
    decode_ex(data, errors, Encoding::Utf32(order_of(order)), last)
}

fn latin_1_decode(data: &Value, errors: Option<Text>) -> PyResult<Value> {
    decode_with(&bytes::buffer_of(data)?, errors, Encoding::Latin1, true)
}

fn ascii_decode(data: &Value, errors: Option<Text>) -> PyResult<Value> {
    let data = bytes::buffer_of(data)?;
    let text = codecs::decode_native(&data, Encoding::Ascii, handler(errors).as_deref())?;
    Ok(pair(text, data.len()))
}

fn unicode_escape_decode(data: &Value, errors: Option<Text>) -> PyResult<Value> {
    let data = text_or_bytes(data)?;
    let text = codecs::decode_native(&data, Encoding::UnicodeEscape, handler(errors).as_deref())?;
    Ok(pair(text, data.len()))
}

fn raw_unicode_escape_decode(data: &Value, errors: Option<Text>) -> PyResult<Value> {
    let data = text_or_bytes(data)?;
    let text = codecs::decode_native(&data, Encoding::RawUnicodeEscape, handler(errors).as_deref())?;
    Ok(pair(text, data.len()))
}

fn escape_decode(data: &Value, errors: Option<Text>) -> PyResult<Value> {
    let data = text_or_bytes(data)?;
    let decoded = escaped_bytes::decode(&data, handler(errors).as_deref())?;
    Ok(pair(Bytes::new_value(&decoded), data.len()))
}

fn escape_encode(data: &Bytes, _errors: Option<Text>) -> Value {
    pair(Bytes::new_value(&escaped_bytes::encode(data.as_slice())), data.as_slice().len())
}

fn readbuffer_encode(data: &Value, _errors: Option<Text>) -> PyResult<Value> {
    let data = text_or_bytes(data)?;
    Ok(pair(Bytes::new_value(&data), data.len()))
}

fn charmap_decode(data: &Value, errors: Option<Text>, mapping: Option<&Value>) -> PyResult<Value> {
    let data = bytes::buffer_of(data)?;
    let text = match mapping.filter(|mapping| !mapping.is_none()) {
        Some(mapping) => charmap::decode(&data, handler(errors).as_deref(), mapping)?,
        None => Str::from_latin1(&data),
    };
    Ok(pair(text, data.len()))
}

fn charmap_encode(text: &Str, errors: Option<Text>, mapping: Option<&Value>) -> PyResult<Value> {
    match mapping.filter(|mapping| !mapping.is_none()) {
        Some(mapping) => {
            let encoded = charmap::encode(&Value::of(text), text, handler(errors).as_deref(), mapping)?;
            Ok(pair(Bytes::new_value(&encoded), text.len()))
        }
        None => encode_with(text, errors, Encoding::Latin1),
    }
}

fn charmap_build(table: &Str) -> PyResult<Value> {
    charmap::build(table)
}
