//! The type `bytes`.

use crate::object::error::PyResult;
use crate::object::hash::hash_bytes;
use crate::object::header::{Header, new_variable};
use crate::object::native::Method;
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Payload, Value};
use crate::object::{TypeFlags, TypeObject};
use crate::types::bytearray::Bytearray;
use crate::types::exceptions::type_error;
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

// SAFETY: repr(C), header first.
unsafe impl Payload for Bytes {
    fn type_object() -> &'static TypeObject {
        &BYTES
    }
}

/// The type object of `bytes`.
pub static BYTES: TypeObject = TypeObject::define::<Bytes>("bytes")
    .flags(TypeFlags::BASE.and(TypeFlags::BYTES).and(TypeFlags::SIMPLE_DROP))
    .variable_size(|header| {
        // SAFETY: called for bytes objects only.
        let bytes = unsafe { &*(header as *const Header as *const Bytes) };
        std::mem::size_of::<Bytes>() + bytes.len
    })
    .slots(Slots { hash: Some(hash), compare: Some(compare), ..Slots::EMPTY })
    .methods(METHODS);

const METHODS: &[Method] = &[];

impl Bytes {
    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: `len` bytes follow the body.
        unsafe { std::slice::from_raw_parts((self as *const Bytes).add(1) as *const u8, self.len) }
    }

    /// A bytes object.
    pub fn new_value(bytes: &[u8]) -> Value {
        Bytes::instance_of(&BYTES, bytes)
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

fn hash(this: &Value) -> PyResult<i64> {
    this.downcast::<Bytes>().map(Bytes::hash).ok_or_else(|| type_error("expected bytes"))
}

fn compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    match (left.downcast::<Bytes>(), right.downcast::<Bytes>()) {
        (Some(a), Some(b)) => Ok(Value::bool(op.holds(a.as_slice().cmp(b.as_slice())))),
        _ => Ok(Value::NOT_IMPLEMENTED),
    }
}

/// The bytes of a bytes-like object; `None` for other values. The one place that knows which those are.
///
/// # Errors
/// None yet: for buffers that can be released.
pub fn lookup_buffer(value: &Value) -> PyResult<Option<Cow<'_, [u8]>>> {
    if let Some(bytes) = value.downcast::<Bytes>() {
        return Ok(Some(Cow::Borrowed(bytes.as_slice())));
    }
    Ok(value.downcast::<Bytearray>().map(|array| Cow::Owned(array.to_vec())))
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
