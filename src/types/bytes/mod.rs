//! The type `bytes`, and what counts as a bytes-like object. The methods that it shares with bytearray are in `methods`.

mod iterator;
pub(crate) mod methods;
mod table;

pub use iterator::BYTES_ITERATOR;

use crate::modules::warnings;
use crate::object::buffer::{Buffer, Exporter, Layout, Request, exporter_of, not_writable};
use crate::object::error::PyResult;
use crate::object::hash::hash_bytes;
use crate::object::header::{Header, new_variable};
use crate::object::length_hint::length_hint;
use crate::object::native::{Function, thunk};
use crate::object::slots::{BINARY_OPS, BinaryFn, BinaryOp, Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, attribute, call, iter, number};
use crate::types::bytearray::Bytearray;
use crate::types::codecs;
use crate::types::exceptions::{
    BYTES_WARNING, TYPE_ERROR, index_error, is_instance, overflow_error, type_error, value_error,
};
use crate::types::slice::{self, Slice};
use crate::types::str::arguments::{check_memory, codec_name, repeat_count};
use crate::types::str::{Str, percent};
use crate::vm::config;
use crate::{name, types};
use std::borrow::Cow;
use std::cell::Cell;

/// The body of a bytes object; the bytes follow it.
#[repr(C)]
pub struct Bytes {
    header: Header,
    /// -1: not computed yet.
    hash: Cell<i64>,
    len: usize,
}

payload!(Bytes, BYTES);

/// The type object of `bytes`.
pub static BYTES: TypeObject = TypeObject::define::<Bytes>("bytes")
    .flags(TypeFlags::BASE.and(TypeFlags::BYTES).and(TypeFlags::SIMPLE_DROP))
    .variable_size(|header| {
        // SAFETY: called for bytes objects only.
        let bytes = unsafe { &*(header as *const Header as *const Bytes) };
        std::mem::size_of::<Bytes>() + bytes.len
    })
    .slots(Slots {
        new: Some(new),
        repr: Some(repr),
        str: Some(str_),
        hash: Some(hash),
        compare: Some(compare),
        getattr: Some(attribute::generic_get),
        length: Some(|this| Ok(body(this)?.len)),
        getitem: Some(getitem),
        item: Some(item),
        contains: Some(methods::contains::<Bytes>),
        iter: Some(iterator::iter),
        concat: Some(concat),
        repeat: Some(repeat),
        binary: {
            let mut binary = [None; BINARY_OPS];
            binary[BinaryOp::Remainder as usize] = Some(remainder as BinaryFn);
            binary
        },
        buffer: Some(&EXPORTER),
        ..Slots::EMPTY
    })
    .methods(table::BYTES_METHODS)
    .doc(
        "bytes(iterable_of_ints) -> bytes\nbytes(string, encoding[, errors]) -> bytes\n\
         bytes(bytes_or_buffer) -> immutable copy of bytes_or_buffer\n\
         bytes(int) -> bytes object of size given by the parameter initialized with null bytes\n\
         bytes() -> empty bytes object\n\n\
         Construct an immutable array of bytes from:\n  - an iterable yielding integers in range(256)\n  \
         - a text string encoded using the specified encoding\n  - any object implementing the buffer API.\n  \
         - an integer",
    );

static EXPORTER: Exporter = Exporter {
    get: |this, request| {
        if request == Request::Writable {
            return Err(not_writable());
        }
        Ok(Layout::bytes(body(this)?.len, true))
    },
    release: |_| (),
    read: |this, read| {
        if let Some(bytes) = this.downcast::<Bytes>() {
            read(bytes.as_slice());
        }
    },
    write: |_, _| (),
};

pub(crate) use table::BYTEARRAY_METHODS;

impl Bytes {
    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: `len` bytes follow the body.
        unsafe { std::slice::from_raw_parts((self as *const Bytes).add(1) as *const u8, self.len) }
    }

    /// A bytes object; the empty one and those of one byte are one object each.
    pub fn new_value(bytes: &[u8]) -> Value {
        match bytes {
            [] => cached(256),
            [byte] => cached(*byte as usize),
            _ => Bytes::instance_of(&BYTES, bytes),
        }
    }

    /// An instance of bytes or a subclass.
    pub fn instance_of(ty: &TypeObject, bytes: &[u8]) -> Value {
        let body = Bytes { header: Header::new(ty), hash: Cell::new(-1), len: bytes.len() };
        // SAFETY: the bytes are copied behind the body.
        unsafe {
            new_variable(ty, body, std::mem::size_of::<Bytes>() + bytes.len(), |object: *mut Bytes| {
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), object.add(1) as *mut u8, bytes.len());
            })
        }
    }

    /// The hash, computed once.
    pub fn hash(&self) -> i64 {
        if self.hash.get() == -1 {
            self.hash.set(hash_bytes(self.as_slice()));
        }
        self.hash.get()
    }
}

fn cached(index: usize) -> Value {
    use crate::object::gil::GilCell;
    use std::cell::OnceCell;
    static CACHE: GilCell<[OnceCell<Value>; 257]> = GilCell::new([const { OnceCell::new() }; 257]);
    let make = || {
        let byte = [index as u8];
        Bytes::instance_of(&BYTES, if index < 256 { &byte } else { &[] })
    };
    CACHE.get().get(index).map_or_else(make, |place| place.get_or_init(make).clone())
}

/// The bytes of a bytes-like object; `None` for other values. As `PyObject_GetBuffer` with `PyBUF_SIMPLE`.
///
/// # Errors
/// `BufferError` for memory that is not in one piece, `ValueError` for a released view.
pub fn lookup_buffer(value: &Value) -> PyResult<Option<Cow<'_, [u8]>>> {
    if let Some(bytes) = value.downcast::<Bytes>() {
        return Ok(Some(Cow::Borrowed(bytes.as_slice())));
    }
    if let Some(array) = value.exact::<Bytearray>() {
        return Ok(Some(Cow::Owned(array.to_vec())));
    }
    Ok(Buffer::get(value, Request::Simple)?.map(|buffer| Cow::Owned(buffer.to_vec())))
}

/// As [`lookup_buffer`], for callers that say of any failure that the value is not bytes-like.
pub fn buffer_or_none(value: &Value) -> Option<Cow<'_, [u8]>> {
    lookup_buffer(value).ok().flatten()
}

/// The bytes of an object's items, whatever their layout; `None` when it shows no memory. As `_PyBytes_FromBuffer`.
///
/// # Errors
/// What the exporter raises.
pub fn lookup_items(value: &Value) -> PyResult<Option<Cow<'_, [u8]>>> {
    if let Some(bytes) = value.downcast::<Bytes>() {
        return Ok(Some(Cow::Borrowed(bytes.as_slice())));
    }
    Ok(Buffer::get(value, Request::Full)?.map(|buffer| Cow::Owned(buffer.to_vec())))
}

/// Whether the value shows its memory. As `PyObject_CheckBuffer`.
pub fn is_buffer(value: &Value) -> bool {
    exporter_of(value).is_some()
}

/// As [`lookup_buffer`].
///
/// # Errors
/// `TypeError` for values that are not bytes-like.
pub fn buffer_of(value: &Value) -> PyResult<Cow<'_, [u8]>> {
    match lookup_buffer(value)? {
        Some(buffer) => Ok(buffer),
        None => Err(type_error(format!("a bytes-like object is required, not '{}'", value.ty().name()))),
    }
}

pub(crate) fn body(value: &Value) -> PyResult<&Bytes> {
    value.downcast::<Bytes>().ok_or_else(|| type_error(format!("expected bytes, not {}", value.ty().name())))
}

static NEW: Function = Function::new("bytes(source=b'', encoding='utf-8', errors='strict')", "", thunk(construct));

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let Some(ty) = class.downcast::<TypeObject>() else { return Err(type_error("expected a type")) };
    let value = NEW.call(args, kwnames)?;
    if std::ptr::eq(ty, &BYTES) {
        return Ok(value);
    }
    Ok(Bytes::instance_of(ty, body(&value)?.as_slice()))
}

/// Refuses encoding and errors where there is no text.
///
/// # Errors
/// `TypeError` when either is given.
pub(crate) fn no_codec(encoding: Option<&str>, errors: Option<&str>) -> PyResult<()> {
    match (encoding, errors) {
        (Some(_), _) => Err(type_error("encoding without a string argument")),
        (None, Some(_)) => Err(type_error("errors without a string argument")),
        (None, None) => Ok(()),
    }
}

/// The count of zero bytes that an int asks for; `None` when the value is no int. `check` judges the size.
///
/// # Errors
/// `ValueError` for negative counts, `OverflowError` and `MemoryError` for those too large.
pub(crate) fn zero_count(value: &Value, check: fn(usize) -> PyResult<()>) -> PyResult<Option<usize>> {
    if !number::is_index(value) {
        return Ok(None);
    }
    let count = match number::index_to_i64(value) {
        Ok(Some(count)) => count,
        Ok(None) => {
            return Err(overflow_error(format!("cannot fit '{}' into an index-sized integer", value.ty().name())));
        }
        Err(raised) if is_instance(&raised, &TYPE_ERROR) => return Ok(None),
        Err(raised) => return Err(raised),
    };
    let Ok(count) = usize::try_from(count) else { return Err(value_error("negative count")) };
    check(count)?;
    Ok(Some(count))
}

/// Whether there can be a bytes object of `len` bytes.
///
/// # Errors
/// `OverflowError` when none can be that long, `MemoryError` when the machine has not that much.
pub(crate) fn check_size(len: usize) -> PyResult<()> {
    const HEADER: usize = 33;
    if len > isize::MAX as usize - HEADER {
        return Err(overflow_error("byte string is too large"));
    }
    check_memory(len.saturating_mul(2))
}

fn construct(source: Option<&Value>, encoding: Option<&Value>, errors: Option<&Value>) -> PyResult<Value> {
    let encoding = codec_name(encoding, "bytes", "2")?;
    let errors = codec_name(errors, "bytes", "3")?;
    let Some(source) = source else {
        no_codec(encoding.as_deref(), errors.as_deref())?;
        return Ok(Bytes::new_value(&[]));
    };
    let is_text = source.downcast::<Str>().is_some();
    if encoding.is_some() && is_text {
        return codecs::encode(source, encoding.as_deref(), errors.as_deref());
    }
    if is_text && errors.is_some() {
        return Err(type_error("string argument without an encoding"));
    }
    no_codec(encoding.as_deref(), errors.as_deref())?;
    if let Some(result) = from_dunder_bytes(source)? {
        return Ok(result);
    }
    if is_text {
        return Err(type_error("string argument without an encoding"));
    }
    if let Some(count) = zero_count(source, check_size)? {
        return Ok(Bytes::new_value(&vec![0; count]));
    }
    from_object(source)
}

/// What the value's `__bytes__` gives, if it has one.
///
/// # Errors
/// `TypeError` when that is no bytes object, or what it raises.
pub fn from_dunder_bytes(value: &Value) -> PyResult<Option<Value>> {
    let Some(result) = call::call_special(value, name!("__bytes__"), &[])? else { return Ok(None) };
    if result.downcast::<Bytes>().is_none() {
        return Err(type_error(format!("__bytes__ returned non-bytes (type {})", result.ty().name())));
    }
    Ok(Some(result))
}

/// Bytes of a buffer or an iterable of ints. As `PyBytes_FromObject`.
///
/// # Errors
/// `TypeError` for other values, `ValueError` for ints that are no bytes, what iterating raises.
pub fn from_object(value: &Value) -> PyResult<Value> {
    if value.is_exact::<Bytes>() {
        return Ok(value.clone());
    }
    if let Some(buffer) = lookup_items(value)? {
        return Ok(Bytes::new_value(&buffer));
    }
    if value.downcast::<Str>().is_some() {
        return Err(inconvertible(value));
    }
    collect_bytes(value).map(|bytes| Bytes::new_value(&bytes))
}

pub(crate) fn inconvertible(value: &Value) -> crate::object::Raised {
    type_error(format!("cannot convert '{}' object to bytes", value.ty().name()))
}

/// The bytes that an iterable of ints gives.
///
/// # Errors
/// `TypeError` for values that are not iterable, `ValueError` for ints that are no bytes, what iterating raises.
pub(crate) fn collect_bytes(value: &Value) -> PyResult<Vec<u8>> {
    let range = "bytes must be in range(0, 256)";
    let mut bytes = Vec::new();
    let mut push = |item: &Value| {
        bytes.push(byte_value(item, range)?);
        PyResult::Ok(())
    };
    if let Some(list) = value.exact::<types::list::List>() {
        let mut index = 0;
        while let Some(item) = list.items().get(index) {
            push(&item)?;
            index += 1;
        }
        return Ok(bytes);
    }
    let iterator = iter::iter(value)
        .map_err(|raised| if is_instance(&raised, &TYPE_ERROR) { inconvertible(value) } else { raised })?;
    // The hint is asked for, as CPython does; whether it is true shows only later.
    length_hint(value, 64)?;
    while let Some(item) = iter::next(&iterator)? {
        push(&item)?;
    }
    Ok(bytes)
}

/// An int in the range of a byte.
///
/// # Errors
/// `TypeError` for values without `__index__`, `ValueError` with `range` for ints that are no bytes.
pub(crate) fn byte_value(value: &Value, range: &str) -> PyResult<u8> {
    match number::index_to_i64(value)?.map(u8::try_from) {
        Some(Ok(byte)) => Ok(byte),
        _ => Err(value_error(range)),
    }
}

fn hash(this: &Value) -> PyResult<i64> {
    Ok(body(this)?.hash())
}

fn compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    match (left.downcast::<Bytes>(), right.downcast::<Bytes>()) {
        (Some(a), Some(b)) => Ok(Value::bool(match op {
            Compare::Eq => a.as_slice() == b.as_slice(),
            Compare::Ne => a.as_slice() != b.as_slice(),
            _ => op.holds(a.as_slice().cmp(b.as_slice())),
        })),
        _ => {
            let other = if left.downcast::<Bytes>().is_some() { right } else { left };
            if matches!(op, Compare::Eq | Compare::Ne) {
                if other.downcast::<Str>().is_some() {
                    warn_bytes("Comparison between bytes and string")?;
                } else if crate::types::int::is_int(other) {
                    warn_bytes("Comparison between bytes and int")?;
                }
            }
            Ok(Value::NOT_IMPLEMENTED)
        }
    }
}

/// Warns of what is likely an error when `-b` asks for that.
pub(crate) fn warn_bytes(message: &str) -> PyResult<()> {
    if config::with(|config| config.bytes_warning) == 0 {
        return Ok(());
    }
    warnings::warn(&BYTES_WARNING, message, 1)
}

fn str_(this: &Value) -> PyResult<Value> {
    warn_bytes("str() on a bytes instance")?;
    repr(this)
}

fn repr(this: &Value) -> PyResult<Value> {
    let bytes = body(this)?.as_slice();
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { b'"' } else { b'\'' };
    check_memory(bytes.len().saturating_mul(4))?;
    let mut out = Vec::with_capacity(bytes.len() + 3);
    out.extend([b'b', quote]);
    for &byte in bytes {
        push_escaped(&mut out, byte, byte == quote);
    }
    out.push(quote);
    Ok(Str::from_latin1(&out))
}

/// Appends a byte as `repr` shows it; `quoted` when it needs a backslash.
pub(crate) fn push_escaped(out: &mut Vec<u8>, byte: u8, quoted: bool) {
    match byte {
        b'\\' => out.extend(b"\\\\"),
        b'\t' => out.extend(b"\\t"),
        b'\n' => out.extend(b"\\n"),
        b'\r' => out.extend(b"\\r"),
        b' '..0x7f => {
            if quoted {
                out.push(b'\\');
            }
            out.push(byte);
        }
        _ => {
            out.extend(b"\\x");
            out.extend([methods::HEX[usize::from(byte >> 4)], methods::HEX[usize::from(byte & 15)]]);
        }
    }
}

fn item(this: &Value, index: isize) -> PyResult<Value> {
    let byte = usize::try_from(index).ok().and_then(|index| body(this).ok()?.as_slice().get(index).copied());
    byte.map(|byte| Value::int(byte.into())).ok_or_else(|| index_error("index out of range"))
}

fn getitem(this: &Value, key: &Value) -> PyResult<Value> {
    let bytes = body(this)?.as_slice();
    if let Some(slice) = key.exact::<Slice>() {
        let adjusted = slice::unpack(slice)?.adjust(bytes.len());
        if adjusted.step == 1 && adjusted.count == bytes.len() && this.is_exact::<Bytes>() {
            return Ok(this.clone());
        }
        return Ok(Bytes::new_value(&select(bytes, adjusted)));
    }
    if !number::is_index(key) {
        return Err(type_error(format!("byte indices must be integers or slices, not {}", key.ty().name())));
    }
    let index = number::index_for_item(key)?;
    let index = if index < 0 { index.saturating_add(bytes.len() as isize) } else { index };
    item(this, index)
}

/// The bytes that a slice selects.
pub(crate) fn select(bytes: &[u8], slice: slice::Adjusted) -> Cow<'_, [u8]> {
    if slice.step == 1 {
        let start = slice.start.max(0) as usize;
        return Cow::Borrowed(bytes.get(start..start + slice.count).unwrap_or_default());
    }
    Cow::Owned(slice.indices().filter_map(|index| bytes.get(index).copied()).collect())
}

/// The error of `+` with something that is not bytes-like.
#[cold]
pub(crate) fn cannot_concat(left: &Value, right: &Value) -> crate::object::Raised {
    type_error(format!("can't concat {} to {}", right.ty().name(), left.ty().name()))
}

fn concat(left: &Value, right: &Value) -> PyResult<Value> {
    let Some(buffer) = buffer_or_none(right) else { return Err(cannot_concat(left, right)) };
    let bytes = body(left)?.as_slice();
    if bytes.is_empty() && right.is_exact::<Bytes>() {
        return Ok(right.clone());
    }
    if buffer.is_empty() && left.is_exact::<Bytes>() {
        return Ok(left.clone());
    }
    check_memory(bytes.len().saturating_add(buffer.len()))?;
    Ok(Bytes::new_value(&[bytes, &buffer].concat()))
}

fn repeat(this: &Value, count: &Value) -> PyResult<Value> {
    let count = repeat_count(count)?;
    let bytes = body(this)?.as_slice();
    let Some(len) = bytes.len().checked_mul(count).filter(|&len| isize::try_from(len).is_ok()) else {
        return Err(overflow_error("repeated bytes are too long"));
    };
    if len == bytes.len() && this.is_exact::<Bytes>() {
        return Ok(this.clone());
    }
    check_memory(len)?;
    // As bytes_repeat: what is empty, too, is a new object.
    Ok(Bytes::instance_of(&BYTES, &bytes.repeat(count)))
}

fn remainder(left: &Value, right: &Value) -> PyResult<Value> {
    match left.downcast::<Bytes>() {
        Some(format) => percent::format_bytes(format.as_slice(), right).map(|bytes| Bytes::new_value(&bytes)),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}
