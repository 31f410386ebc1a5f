//! Error handlers: what becomes of text that cannot be encoded and bytes that cannot be decoded.

use super::Order;
use crate::object::attribute;
use crate::object::call;
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::native::{Function, thunk};
use crate::object::value::Value;
use crate::object::value_vec::ValueCell;
use crate::types::builtin_function::BuiltinFunction;
use crate::types::bytes::Bytes;
use crate::types::dict::Dict;
use crate::types::exceptions::{
    BaseException, UNICODE_DECODE_ERROR, UNICODE_ENCODE_ERROR, UNICODE_ERROR, UNICODE_TRANSLATE_ERROR, index_error,
    lookup_error, type_error,
};
use crate::types::int;
use crate::types::str::properties::name;
use crate::types::str::repr::push_escape;
use crate::types::str::{Chars, Str, StrBuilder};
use crate::types::tuple::Tuple;
use crate::types::unicode_errors::{decode_error, encode_error};

/// An error handler by name; a name that nobody knows is an error only when it is needed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Handler {
    Strict,
    Ignore,
    Replace,
    BackslashReplace,
    XmlCharRefReplace,
    NameReplace,
    SurrogateEscape,
    SurrogatePass,
    Other(String),
}

/// What stands for text that cannot be encoded.
pub(crate) enum Replacement {
    /// Text, to be encoded in turn.
    Text(Vec<u32>),
    /// Bytes, as they are.
    Bytes(Vec<u8>),
}

static REGISTERED: GilCell<ValueCell> = GilCell::new(ValueCell::EMPTY);

/// `codecs.register_error(name, handler)`.
///
/// # Errors
/// None in practice: the name is a str.
pub fn register(name: &Value, handler: Value) -> PyResult<()> {
    let table = REGISTERED.get().get().unwrap_or_else(|| {
        let table = Dict::new_value();
        REGISTERED.get().set(Some(table.clone()));
        table
    });
    match table.downcast::<Dict>() {
        Some(table) => table.set(name, handler),
        None => Ok(()),
    }
}

/// The handler that was registered under a name.
pub fn registered(name: &str) -> Option<Value> {
    REGISTERED.get().get()?.downcast::<Dict>()?.get_text(name)
}

fn unknown(name: &str) -> Raised {
    lookup_error(format!("unknown error handler name '{name}'"))
}

impl Handler {
    /// The handler of a name; strict without one.
    pub(crate) fn new(name: Option<&str>) -> Handler {
        let Some(name) = name else { return Handler::Strict };
        // A registered handler takes the place of a builtin one, but not where CPython has a shortcut for those.
        match name {
            "strict" => Handler::Strict,
            "ignore" => Handler::Ignore,
            "replace" => Handler::Replace,
            "backslashreplace" => Handler::BackslashReplace,
            "xmlcharrefreplace" => Handler::XmlCharRefReplace,
            "namereplace" => Handler::NameReplace,
            "surrogateescape" => Handler::SurrogateEscape,
            "surrogatepass" => Handler::SurrogatePass,
            other => Handler::Other(other.to_owned()),
        }
    }

    /// What stands for the characters `start..end` that `encoding` cannot encode, and where to go on.
    ///
    /// # Errors
    /// `UnicodeEncodeError`; `LookupError` for an unknown handler, what a registered one raises.
    pub(crate) fn encode_error(
        &self,
        encoding: &str,
        value: &Value,
        start: usize,
        end: usize,
        reason: &str,
    ) -> PyResult<(Replacement, usize)> {
        let strict = || encode_error(encoding, value, start, end, reason);
        let chars = value.downcast::<Str>().map_or(Chars::One(&[]), Str::chars);
        let bad = chars.slice(start, end);
        let replacement = match self {
            Handler::Strict => return Err(strict()),
            Handler::Ignore => Replacement::Text(Vec::new()),
            Handler::Replace => Replacement::Text(vec![u32::from(b'?'); end - start]),
            Handler::BackslashReplace | Handler::NameReplace => {
                let mut escaped = StrBuilder::new();
                for code in bad.iter() {
                    match name(code).filter(|_| *self == Handler::NameReplace) {
                        Some(name) => escaped.push_str(&format!("\\N{{{name}}}")),
                        None => push_escape(&mut escaped, code),
                    }
                }
                let escaped = escaped.finish();
                Replacement::Text(escaped.downcast::<Str>().map_or(Vec::new(), |text| text.chars().iter().collect()))
            }
            Handler::XmlCharRefReplace => {
                let text: String = bad.iter().map(|code| format!("&#{code};")).collect();
                Replacement::Text(text.chars().map(u32::from).collect())
            }
            Handler::SurrogateEscape => {
                let escaped = bad.iter().map(escaped_byte).collect::<Option<Vec<u8>>>();
                Replacement::Bytes(escaped.ok_or_else(strict)?)
            }
            Handler::SurrogatePass => {
                let mut bytes = Vec::new();
                for code in bad.iter() {
                    let passed = matches!(code, 0xd800..0xe000) && push_surrogate(&mut bytes, encoding, code);
                    if !passed {
                        return Err(strict());
                    }
                }
                Replacement::Bytes(bytes)
            }
            Handler::Other(name) => {
                let handler = registered(name).ok_or_else(|| unknown(name))?;
                let exception = strict().into_value();
                let result = call::call(&handler, std::slice::from_ref(&exception))?;
                let (replaced, next) =
                    handler_result(&result, chars.len(), "encoding error handler must return (str/bytes, int) tuple")?;
                let replacement = if let Some(text) = replaced.downcast::<Str>() {
                    Replacement::Text(text.chars().iter().collect())
                } else if let Some(bytes) = replaced.downcast::<Bytes>() {
                    Replacement::Bytes(bytes.as_slice().to_vec())
                } else {
                    return Err(type_error("encoding error handler must return (str/bytes, int) tuple"));
                };
                return Ok((replacement, next));
            }
        };
        Ok((replacement, end))
    }

    /// The text that stands for the bytes `start..end` that `encoding` cannot decode, where to go on, and the data to go
    /// on with when a registered handler changed them.
    ///
    /// # Errors
    /// `UnicodeDecodeError`; `LookupError` for an unknown handler, what a registered one raises.
    pub(crate) fn decode_error(
        &self,
        encoding: &str,
        data: &[u8],
        start: usize,
        end: usize,
        reason: &str,
    ) -> PyResult<(Value, usize, Option<Vec<u8>>)> {
        let strict = || decode_error(encoding, data, start, end, reason);
        let bad = data.get(start..end).unwrap_or_default();
        let (text, next) = match self {
            Handler::Strict => return Err(strict()),
            Handler::Ignore => (Str::new_value(""), end),
            Handler::Replace => (Str::from_code(0xfffd), end),
            Handler::BackslashReplace => {
                (Str::new_value(&bad.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>()), end)
            }
            Handler::XmlCharRefReplace | Handler::NameReplace => {
                return Err(type_error("don't know how to handle UnicodeDecodeError in error callback"));
            }
            Handler::SurrogateEscape => {
                // At most four bytes at a time, and never an ASCII one.
                let escaped: Vec<u32> =
                    bad.iter().take(4).take_while(|byte| !byte.is_ascii()).map(|&b| 0xdc00 + u32::from(b)).collect();
                if escaped.is_empty() {
                    return Err(strict());
                }
                (Str::from_codes(&escaped), start + escaped.len())
            }
            Handler::SurrogatePass => match passed_surrogate(encoding, data.get(start..).unwrap_or_default()) {
                Some((code, len)) => (Str::from_code(code), start + len),
                None => return Err(strict()),
            },
            Handler::Other(name) => {
                let handler = registered(name).ok_or_else(|| unknown(name))?;
                let exception = strict().into_value();
                let result = call::call(&handler, std::slice::from_ref(&exception))?;
                // The handler may have replaced the object that is decoded.
                let message = "decoding error handler must return (str, int) tuple";
                let Some([text, _]) = result.downcast::<Tuple>().map(Tuple::as_slice) else {
                    return Err(type_error(message));
                };
                if text.downcast::<Str>().is_none() {
                    return Err(type_error(message));
                }
                let object = exception.downcast::<BaseException>().and_then(|body| body.field(1));
                let Some(object) = object else { return Err(type_error("object attribute not set")) };
                let Some(now) = object.downcast::<Bytes>().map(Bytes::as_slice) else {
                    return Err(type_error("object attribute must be bytes"));
                };
                let (text, next) = handler_result(&result, now.len(), message)?;
                let changed = (now != data).then(|| now.to_vec());
                return Ok((text, next, changed));
            }
        };
        Ok((text, next, None))
    }
}

/// The byte that a surrogate escape stands for.
pub(crate) fn escaped_byte(code: u32) -> Option<u8> {
    if (0xdc80..0xdd00).contains(&code) { Some((code & 0xff) as u8) } else { None }
}

/// What a registered handler returned: a replacement and a position, negative ones counted from the end.
fn handler_result(result: &Value, len: usize, message: &str) -> PyResult<(Value, usize)> {
    let Some([replacement, position]) = result.downcast::<Tuple>().map(Tuple::as_slice) else {
        return Err(type_error(message));
    };
    let position = crate::object::native::ssize(position)?;
    let fitted = if position < 0 { position.saturating_add(len as isize) } else { position };
    match usize::try_from(fitted) {
        Ok(fitted) if fitted <= len => Ok((replacement.clone(), fitted)),
        _ => Err(index_error(format!("position {fitted} from error handler out of bounds"))),
    }
}

/// The Unicode transformation format of an encoding's name: bytes a unit and byte order. As `get_standard_encoding`.
fn transformation(encoding: &str) -> Option<(usize, Order)> {
    let name: String = encoding.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect();
    Some(match name.as_str() {
        "utf8" | "cputf8" => (1, Order::Little),
        "utf16" | "utf16le" => (2, Order::Little),
        "utf16be" => (2, Order::Big),
        "utf32" | "utf32le" => (4, Order::Little),
        "utf32be" => (4, Order::Big),
        _ => return None,
    })
}

fn push_surrogate(bytes: &mut Vec<u8>, encoding: &str, code: u32) -> bool {
    let Some((width, order)) = transformation(encoding) else { return false };
    let ordered = |little: &[u8]| -> Vec<u8> {
        if order == Order::Big { little.iter().rev().copied().collect() } else { little.to_vec() }
    };
    match width {
        1 => bytes.extend([0xe0 | (code >> 12) as u8, 0x80 | (code >> 6 & 0x3f) as u8, 0x80 | (code & 0x3f) as u8]),
        2 => bytes.extend(ordered(&(code as u16).to_le_bytes())),
        _ => bytes.extend(ordered(&code.to_le_bytes())),
    }
    true
}

/// The surrogate at the beginning of the bytes and how many it takes.
fn passed_surrogate(encoding: &str, bytes: &[u8]) -> Option<(u32, usize)> {
    let (width, order) = transformation(encoding)?;
    let (code, len) = match (width, order, bytes) {
        (1, _, &[a @ 0xe0..=0xef, b @ 0x80..=0xbf, c @ 0x80..=0xbf, ..]) => {
            (u32::from(a & 15) << 12 | u32::from(b & 0x3f) << 6 | u32::from(c & 0x3f), 3)
        }
        (2, Order::Big, &[a, b, ..]) => (u16::from_be_bytes([a, b]).into(), 2),
        (2, _, &[a, b, ..]) => (u16::from_le_bytes([a, b]).into(), 2),
        (4, Order::Big, &[a, b, c, d, ..]) => (u32::from_be_bytes([a, b, c, d]), 4),
        (4, _, &[a, b, c, d, ..]) => (u32::from_le_bytes([a, b, c, d]), 4),
        _ => return None,
    };
    if (0xd800..0xe000).contains(&code) { Some((code, len)) } else { None }
}

/// What an exception of a codec says: the object, and the part of it that is wrong.
struct Trouble {
    object: Value,
    encoding: String,
    start: usize,
    end: usize,
    /// The object was empty: CPython counts one character before its beginning as wrong, the null that stands there.
    was_empty: bool,
}

impl Trouble {
    fn or_null(self, null: &Value) -> Trouble {
        if self.was_empty { Trouble { object: null.clone(), start: 0, end: 1, ..self } } else { self }
    }

    /// Where to go on in the object as it was.
    fn end_for_caller(&self) -> usize {
        if self.was_empty { 0 } else { self.end }
    }
}

/// What an exception says, its numbers brought into the object's bounds. As `PyUnicodeEncodeError_GetStart` and its like.
fn trouble(exception: &Value, len: impl Fn(&Value) -> PyResult<usize>) -> PyResult<Trouble> {
    let field = |name: &str| attribute::get_str(exception, name);
    let object = field("object")?;
    let len = len(&object)?;
    let number = |name: &str| -> PyResult<i64> { Ok(int::to_i64(&field(name)?).unwrap_or(0)) };
    let start = usize::try_from(number("start")?).unwrap_or(0).min(len.saturating_sub(1));
    let end = usize::try_from(number("end")?).unwrap_or(0).max(1).min(len);
    let encoding = match attribute::lookup_str(exception, "encoding")? {
        Some(encoding) => encoding.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default(),
        None => String::new(),
    };
    Ok(Trouble { object, encoding, start, end: end.max(start), was_empty: len == 0 })
}

fn do_not_know(exception: &Value) -> Raised {
    type_error(format!("don't know how to handle {} in error callback", exception.ty().name()))
}

/// Handles an exception by a builtin handler, as the functions do that `codecs.lookup_error` gives.
fn handle(handler: &Handler, exception: &Value) -> PyResult<Value> {
    let ty = exception.ty();
    if *handler == Handler::Strict {
        return Err(match crate::types::exceptions::is_exception(exception) {
            true => Raised::new(exception.clone()),
            false => type_error("codec must pass exception instance"),
        });
    }
    let text_len = |object: &Value| {
        object.downcast::<Str>().map(Str::len).ok_or_else(|| type_error("object attribute must be unicode"))
    };
    let data_len = |object: &Value| {
        let bytes = object.downcast::<Bytes>().map(Bytes::as_slice);
        bytes.map(<[u8]>::len).ok_or_else(|| type_error("object attribute must be bytes"))
    };
    // What the handler refuses is raised as it came.
    let same = |raised: Raised| {
        if raised.value().ty().is_subtype(&UNICODE_ERROR) { Raised::new(exception.clone()) } else { raised }
    };
    let pair = |replacement: Value, end: usize| Tuple::from_vec(vec![replacement, Value::int(end as i64)]);
    if ty.is_subtype(&UNICODE_ENCODE_ERROR) {
        let found = trouble(exception, text_len)?.or_null(&Str::new_value("\0"));
        let (replacement, _) =
            handler.encode_error(&found.encoding, &found.object, found.start, found.end, "").map_err(same)?;
        let end = found.end_for_caller();
        return Ok(match replacement {
            Replacement::Text(codes) => pair(Str::from_codes(&codes), end),
            Replacement::Bytes(bytes) => pair(Bytes::new_value(&bytes), end),
        });
    }
    if ty.is_subtype(&UNICODE_DECODE_ERROR) && !matches!(handler, Handler::XmlCharRefReplace | Handler::NameReplace) {
        let found = trouble(exception, data_len)?.or_null(&Bytes::new_value(b"\0"));
        let data = found.object.downcast::<Bytes>().map_or(&[][..], Bytes::as_slice);
        let (text, end, _) = handler.decode_error(&found.encoding, data, found.start, found.end, "").map_err(same)?;
        // What is passed through may be more than what the exception calls wrong.
        return Ok(pair(text, if found.was_empty { 0 } else { end }));
    }
    if ty.is_subtype(&UNICODE_TRANSLATE_ERROR) {
        let found = trouble(exception, text_len)?.or_null(&Str::new_value("\0"));
        let text = match handler {
            Handler::Ignore => Str::new_value(""),
            Handler::Replace => Str::from_codes(&vec![0xfffd; found.end - found.start]),
            Handler::BackslashReplace => {
                let (replacement, _) = handler.encode_error("", &found.object, found.start, found.end, "")?;
                match replacement {
                    Replacement::Text(codes) => Str::from_codes(&codes),
                    Replacement::Bytes(bytes) => Str::from_latin1(&bytes),
                }
            }
            _ => return Err(do_not_know(exception)),
        };
        return Ok(pair(text, found.end_for_caller()));
    }
    Err(do_not_know(exception))
}

macro_rules! builtin_handlers {
    ($($name:literal $signature:literal $handler:ident $doc:literal;)*) => {
        /// The function that is the builtin handler of a name.
        fn builtin(name: &str) -> Option<&'static Function> {
            Some(match name {
                $($name => {
                    static FUNCTION: Function =
                        Function::new($signature, $doc, thunk(|exception: &Value| handle(&Handler::$handler, exception)));
                    &FUNCTION
                })*
                _ => return None,
            })
        }
    };
}

builtin_handlers! {
    "strict" "!strict_errors(exception, /)" Strict "Implements the 'strict' error handling, which raises a UnicodeError on coding errors.";
    "ignore" "!ignore_errors(exception, /)" Ignore "Implements the 'ignore' error handling, which ignores malformed data and continues.";
    "replace" "!replace_errors(exception, /)" Replace "Implements the 'replace' error handling, which replaces malformed data with a replacement marker.";
    "xmlcharrefreplace" "!xmlcharrefreplace_errors(exception, /)" XmlCharRefReplace "Implements the 'xmlcharrefreplace' error handling, which replaces an unencodable character with the appropriate XML character reference.";
    "backslashreplace" "!backslashreplace_errors(exception, /)" BackslashReplace "Implements the 'backslashreplace' error handling, which replaces malformed data with a backslashed escape sequence.";
    "namereplace" "!namereplace_errors(exception, /)" NameReplace "Implements the 'namereplace' error handling, which replaces an unencodable character with a \\N{...} escape sequence.";
    "surrogatepass" "!surrogatepass(exception, /)" SurrogatePass "";
    "surrogateescape" "!surrogateescape(exception, /)" SurrogateEscape "";
}

/// `codecs.lookup_error(name)`: the handler that was registered, else the builtin one.
///
/// # Errors
/// `LookupError` when there is none.
pub fn lookup(name: &str) -> PyResult<Value> {
    if let Some(handler) = registered(name) {
        return Ok(handler);
    }
    match builtin(name) {
        Some(function) => {
            let object = BuiltinFunction::new_value(function, None, None);
            // One object a name, as in CPython.
            register(&Str::new_value(name), object.clone())?;
            Ok(object)
        }
        None => Err(unknown(name)),
    }
}
