//! The registry of codecs: the search functions of programs and of the library's package `encodings`, and what they found.
//! As `Python/codecs.c`.

use crate::name;
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::value::Value;
use crate::object::value_vec::{ValueCell, ValueVec};
use crate::object::{attribute, call, number, text};
use crate::types::bytearray::Bytearray;
use crate::types::bytes::Bytes;
use crate::types::dict::Dict;
use crate::types::exceptions::{
    self, BASE_EXCEPTION, BaseException, IMPORT_ERROR, is_instance, lookup_error, type_error,
};
use crate::types::layout;
use crate::types::str::{Str, intern_value};
use crate::types::tuple::Tuple;
use std::cell::Cell;

static SEARCH_PATH: GilCell<ValueVec> = GilCell::new(ValueVec::new(Vec::new()));
static CACHE: GilCell<ValueCell> = GilCell::new(ValueCell::EMPTY);
/// Whether the package `encodings` has been asked for.
static ASKED: GilCell<Cell<bool>> = GilCell::new(Cell::new(false));

/// `codecs.register(search)`.
///
/// # Errors
/// `TypeError` for what cannot be called.
pub fn register(search: &Value) -> PyResult<()> {
    if !call::is_callable(search) {
        return Err(type_error("argument must be callable"));
    }
    SEARCH_PATH.get().push(search.clone());
    Ok(())
}

fn cache() -> Value {
    CACHE.get().get().unwrap_or_else(|| {
        let cache = Dict::new_value();
        CACHE.get().set(Some(cache.clone()));
        cache
    })
}

/// The name under which codecs are kept: ASCII letters small, blanks hyphens.
fn normalized(name: &str) -> Value {
    let normal: String = name.chars().map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect();
    let value = Str::new_value(&normal);
    match value.exact::<Str>() {
        Some(text) => intern_value(&value, text),
        None => value,
    }
}

/// Has the library's package `encodings` register its search function: CPython does so when it starts, here it happens
/// when a codec is first looked up. Without a library there is none.
fn import_encodings() -> PyResult<()> {
    if ASKED.get().replace(true) {
        return Ok(());
    }
    match crate::vm::import::import_text("encodings") {
        Ok(_) => Ok(()),
        Err(raised) if is_instance(&raised, &IMPORT_ERROR) => Ok(()),
        Err(raised) => {
            ASKED.get().set(false);
            Err(raised)
        }
    }
}

/// `codecs.lookup(name)`: a tuple of four functions.
///
/// # Errors
/// `LookupError` for unknown encodings, what search functions raise.
pub fn lookup(name: &str) -> PyResult<Value> {
    let key = normalized(name);
    let cache = cache();
    let Some(cache) = cache.downcast::<Dict>() else { return Err(lookup_error("no codec cache")) };
    if let Some(found) = cache.get_str(&key) {
        return Ok(found);
    }
    import_encodings()?;
    let mut at = 0;
    while let Some(search) = SEARCH_PATH.get().get(at) {
        at += 1;
        let found = call::call(&search, std::slice::from_ref(&key))?;
        if found.is_none() {
            continue;
        }
        if found.downcast::<Tuple>().is_none_or(|tuple| tuple.len() != 4) {
            return Err(type_error("codec search functions must return 4-tuples"));
        }
        cache.set(&key, found.clone())?;
        return Ok(found);
    }
    Err(lookup_error(format!("unknown encoding: {name}")))
}

/// `codecs._forget_codec(name)`.
///
/// # Errors
/// `KeyError` when the codec is not kept.
pub fn forget(name: &str) -> PyResult<()> {
    let key = normalized(name);
    let cache = cache();
    let removed = match cache.downcast::<Dict>() {
        Some(cache) => cache.remove(&key)?,
        None => None,
    };
    removed.map(drop).ok_or_else(|| exceptions::key_error(&key))
}

/// A codec for text. As `_PyCodec_LookupTextEncoding`.
///
/// # Errors
/// `LookupError` also for codecs that say they are not for text.
pub fn lookup_text(name: &str, alternative: &str) -> PyResult<Value> {
    let codec = lookup(name)?;
    if !codec.is_exact::<Tuple>()
        && let Some(is_text) = attribute::lookup(&codec, name!("_is_text_encoding"))?
        && !number::truth(&is_text)?
    {
        return Err(lookup_error(format!(
            "'{name}' is not a text encoding; use {alternative} to handle arbitrary codecs"
        )));
    }
    Ok(codec)
}

/// Calls the function of a codec that encodes or decodes.
fn run(codec: &Value, object: &Value, name: &str, errors: Option<&str>, encoding: bool) -> PyResult<Value> {
    let functions = codec.downcast::<Tuple>();
    let Some(function) = functions.and_then(|tuple| tuple.get(usize::from(!encoding))) else {
        return Err(type_error("codec search functions must return 4-tuples"));
    };
    let mut args = vec![object.clone()];
    args.extend(errors.map(Str::new_value));
    let operation = if encoding { "encoding" } else { "decoding" };
    let result = call::call(function, &args).map_err(|raised| wrapped(raised, operation, name))?;
    match result.downcast::<Tuple>().map(Tuple::as_slice) {
        Some([object, _]) => Ok(object.clone()),
        _ if encoding => Err(type_error("encoder must return a tuple (object, integer)")),
        _ => Err(type_error("decoder must return a tuple (object,integer)")),
    }
}

/// The error of a codec with the codec's name, when it is of a kind that can be made anew. As `_PyErr_TrySetFromCause`.
pub(super) fn wrapped(raised: Raised, operation: &str, name: &str) -> Raised {
    let exception = raised.value();
    let ty = exception.ty();
    let (slots, base) = (ty.all_slots(), BASE_EXCEPTION.all_slots());
    let same = slots.init.map(|f| f as usize) == base.init.map(|f| f as usize)
        && slots.new.map(|f| f as usize) == base.new.map(|f| f as usize);
    let (size, base_size) = (layout::of(ty).basic_size, layout::of(&BASE_EXCEPTION).basic_size);
    // A class of the program's adds the list of weak references at most.
    if !same || !(base_size..=base_size + 8).contains(&size) {
        return raised;
    }
    let Some(body) = exception.downcast::<BaseException>() else { return raised };
    let args = body.args();
    let simple = match args.downcast::<Tuple>().map(Tuple::as_slice) {
        Some([]) => true,
        Some([only]) => only.is_exact::<Str>(),
        _ => false,
    };
    let has_dict = crate::object::instance::Attrs::of(exception)
        .is_some_and(|attrs| attrs.dict().is_some() || attrs.raw_parts().1 > 0);
    if !simple || has_dict {
        return raised;
    }
    let shown = text::str_string(exception).unwrap_or_default();
    let message = format!("{operation} with '{name}' codec failed ({}: {shown})", ty.name());
    match call::call(&ty.value(), &[Str::new_value(&message)]) {
        Ok(new) => {
            if let Some(body) = new.downcast::<BaseException>() {
                body.set_context(Some(exception.clone()));
                body.set_cause(Some(exception.clone()));
            }
            Raised::new(new)
        }
        Err(second) => second,
    }
}

/// `codecs.encode(object, name, errors)`.
///
/// # Errors
/// As for [`lookup`]; what the codec raises.
pub fn encode(object: &Value, name: &str, errors: Option<&str>) -> PyResult<Value> {
    run(&lookup(name)?, object, name, errors, true)
}

/// `codecs.decode(object, name, errors)`.
///
/// # Errors
/// As for [`encode`].
pub fn decode(object: &Value, name: &str, errors: Option<&str>) -> PyResult<Value> {
    run(&lookup(name)?, object, name, errors, false)
}

/// `text.encode(name, errors)` by a codec that is not native.
///
/// # Errors
/// As for [`encode`]; `TypeError` when the codec gives no bytes.
pub fn encode_text(text: &Value, name: &str, errors: Option<&str>) -> PyResult<Value> {
    let codec = lookup_text(name, "codecs.encode()")?;
    let result = run(&codec, text, name, errors, true)?;
    if result.downcast::<Bytes>().is_some() {
        return Ok(result);
    }
    if let Some(array) = result.downcast::<Bytearray>() {
        return Ok(Bytes::new_value(&array.to_vec()));
    }
    Err(type_error(format!(
        "'{name}' encoder returned '{}' instead of 'bytes'; use codecs.encode() to encode to arbitrary types",
        result.ty().name()
    )))
}

/// `data.decode(name, errors)` by a codec that is not native.
///
/// # Errors
/// As for [`encode_text`].
pub fn decode_text(data: &Value, name: &str, errors: Option<&str>) -> PyResult<Value> {
    let codec = lookup_text(name, "codecs.decode()")?;
    let result = run(&codec, data, name, errors, false)?;
    if result.downcast::<Str>().is_some() {
        return Ok(result);
    }
    Err(type_error(format!(
        "'{name}' decoder returned '{}' instead of 'str'; use codecs.decode() to decode to arbitrary types",
        result.ty().name()
    )))
}
