//! The tagged word that every Python value is, and its reference counting.
//!
//! | low bits | meaning |
//! | --- | --- |
//! | `1` | a small int, 63-bit two's complement |
//! | `10` | a float: `(bits + 2^60).rotate_left(3)`; the code 2 stands for 0.0 |
//! | `100` | a constant: None, True, False, Ellipsis, NotImplemented and two internal ones |
//! | `000` | a pointer to a reference-counted heap object |
//!
//! A [`Value`] owns its reference: `Clone` counts up, `Drop` counts down; `&Value` is the borrowed form.

use super::header::{Header, dealloc};
use super::ty::TypeObject;
use crate::types;
use std::num::NonZeroU64;

/// Smallest and largest int that is immediate.
pub const SMALL_MIN: i64 = -(1 << 62);
/// See [`SMALL_MIN`].
pub const SMALL_MAX: i64 = (1 << 62) - 1;

/// Bits of the constants.
pub const UNBOUND_BITS: u64 = 0x04;
const NONE_BITS: u64 = 0x0c;
const FALSE_BITS: u64 = 0x14;
const TRUE_BITS: u64 = 0x1c;
const ELLIPSIS_BITS: u64 = 0x24;
const NOT_IMPLEMENTED_BITS: u64 = 0x2c;
const RETURN_ADDRESS_BITS: u64 = 0x34;
const ZERO_FLOAT_BITS: u64 = 2;

/// A Python value: one word, never zero.
#[repr(transparent)]
pub struct Value(NonZeroU64);

/// A Rust struct that is the body of a heap object: `#[repr(C)]`, its first field a [`Header`].
///
/// # Safety
/// The implementor is `#[repr(C)]` with a `Header` as first field, and every object whose type is `type_object()` or
/// derives from it (by `__base__`) begins with this layout.
pub unsafe trait Payload: Sized + 'static {
    /// Whether instances carry a collector link.
    const GC: bool = false;
    /// Calls `visit` once for every reference that the body owns. As `tp_traverse`.
    fn traverse(&self, _visit: crate::gc::Visit<'_>) {}
    /// Drops references that may close a cycle, leaving the object usable. As `tp_clear`; called on garbage.
    fn clear_references(&self) {}
    /// The type object of exact instances.
    fn type_object() -> &'static TypeObject;
}

/// Makes a struct the body of a heap object: the one way to implement [`Payload`] outside this file.
///
/// `payload!(Body, TYPE)` or `payload!(Body, TYPE, { const GC: bool = true; fn traverse(..) {..} fn clear_references(..) {..} })`.
/// `Body` has a field `header: Header`; that it is the first one is checked when the crate is compiled. Writing `repr(C)`
/// on the struct is what makes the check pass.
macro_rules! payload {
    ($body:ty, $static:path) => { $crate::object::value::payload!($body, $static, {}); };
    ($body:ty, $static:path, { $($item:tt)* }) => {
        const _: () = {
            assert!(::core::mem::offset_of!($body, header) == 0, "the header comes first");
            let _: fn(&$body) -> &$crate::object::header::Header = |body| &body.header;
        };
        // SAFETY: a header comes first (just checked); a type derives only from types whose layout its own begins with
        // (`types::layout`), so every object of a derived type begins with this body.
        unsafe impl $crate::object::value::Payload for $body {
            $($item)*
            fn type_object() -> &'static $crate::object::ty::TypeObject {
                &$static
            }
        }
    };
}
pub(crate) use payload;

const fn word(bits: u64) -> Value {
    match NonZeroU64::new(bits) {
        Some(word) => Value(word),
        None => panic!("a value is never zero"),
    }
}

impl Value {
    /// `None`.
    pub const NONE: Value = word(NONE_BITS);
    /// `False`.
    pub const FALSE: Value = word(FALSE_BITS);
    /// `True`.
    pub const TRUE: Value = word(TRUE_BITS);
    /// `Ellipsis`.
    pub const ELLIPSIS: Value = word(ELLIPSIS_BITS);
    /// `NotImplemented`.
    pub const NOT_IMPLEMENTED: Value = word(NOT_IMPLEMENTED_BITS);
    /// Internal: an empty register, an argument that was not given. Never seen by Python code.
    pub const UNBOUND: Value = word(UNBOUND_BITS);

    /// Whether this is the only reference to a heap object.
    #[inline]
    pub fn is_unshared(&self) -> bool {
        self.header().is_some_and(|header| header.count() == 1)
    }

    /// The word itself.
    #[inline(always)]
    pub fn bits(&self) -> u64 {
        self.0.get()
    }

    /// Gives up ownership without counting down.
    #[inline(always)]
    pub fn into_bits(self) -> u64 {
        let bits = self.0.get();
        std::mem::forget(self);
        bits
    }

    /// Takes over the reference that `bits` stands for.
    ///
    /// # Safety
    /// `bits` came from [`Value::into_bits`] (whose reference is taken over here) or is an immediate.
    #[inline(always)]
    pub unsafe fn from_bits(bits: u64) -> Value {
        // SAFETY: into_bits never yields zero.
        Value(unsafe { NonZeroU64::new_unchecked(bits) })
    }

    /// Takes over one reference to a heap object.
    ///
    /// # Safety
    /// `header` points to a live object, and the caller gives one of its references away.
    #[inline(always)]
    pub unsafe fn from_header(header: *const Header) -> Value {
        // SAFETY: as for from_bits; heap objects are 8-aligned and not null.
        unsafe { Value::from_bits(header as u64) }
    }

    /// A new reference to the object that `body` is the body of.
    #[inline]
    pub fn of<T: Payload>(body: &T) -> Value {
        let header = body as *const T as *const Header;
        // SAFETY: a `&T` of a Payload borrows a live heap object; it is counted up here.
        unsafe {
            (*header).increment();
            Value::from_header(header)
        }
    }

    /// Whether this is a heap object.
    #[inline(always)]
    pub fn is_heap(&self) -> bool {
        self.bits() & 7 == 0
    }

    /// The heap object's header.
    #[inline(always)]
    pub fn header(&self) -> Option<&Header> {
        // SAFETY: a word with low bits 000 points to an object that this reference keeps alive.
        if self.is_heap() { Some(unsafe { &*(self.bits() as *const Header) }) } else { None }
    }

    /// Whether this is the internal empty value.
    #[inline(always)]
    pub fn is_unbound(&self) -> bool {
        self.bits() == UNBOUND_BITS
    }

    /// `None` when this is the internal empty value.
    #[inline(always)]
    pub fn bound(&self) -> Option<&Value> {
        if self.is_unbound() { None } else { Some(self) }
    }

    /// Whether this is Python's `None`.
    #[inline(always)]
    pub fn is_none(&self) -> bool {
        self.bits() == NONE_BITS
    }

    /// Whether this is `True`.
    #[inline(always)]
    pub fn is_true(&self) -> bool {
        self.bits() == TRUE_BITS
    }

    /// Whether this is `False`.
    #[inline(always)]
    pub fn is_false(&self) -> bool {
        self.bits() == FALSE_BITS
    }

    /// Whether this is `NotImplemented`.
    #[inline(always)]
    pub fn is_not_implemented(&self) -> bool {
        self.bits() == NOT_IMPLEMENTED_BITS
    }

    /// Identity, as Python's `is`.
    #[inline(always)]
    pub fn is(&self, other: &Value) -> bool {
        self.bits() == other.bits()
    }

    /// `True` or `False`.
    #[inline(always)]
    pub fn bool(value: bool) -> Value {
        if value { Value::TRUE } else { Value::FALSE }
    }

    /// An immediate int, when it fits 63 bits.
    #[inline(always)]
    pub fn small_int(value: i64) -> Option<Value> {
        if (SMALL_MIN..=SMALL_MAX).contains(&value) { Some(Value::small_int_unchecked(value)) } else { None }
    }

    #[inline(always)]
    pub(crate) fn small_int_unchecked(value: i64) -> Value {
        word(((value as u64) << 1) | 1)
    }

    /// An int of any machine size.
    #[inline]
    pub fn int(value: i64) -> Value {
        Value::small_int(value).unwrap_or_else(|| types::int::big(value.into()))
    }

    /// Whether this is an immediate int.
    #[inline(always)]
    pub fn is_small_int(&self) -> bool {
        self.bits() & 1 != 0
    }

    /// The immediate int's value.
    #[inline(always)]
    pub fn as_small_int(&self) -> Option<i64> {
        if self.is_small_int() { Some(self.bits() as i64 >> 1) } else { None }
    }

    /// A float.
    #[inline(always)]
    pub fn float(value: f64) -> Value {
        let bits = value.to_bits().wrapping_add(1 << 60).rotate_left(3);
        if bits & 3 == 2 && bits != ZERO_FLOAT_BITS { word(bits) } else { float_rare(value) }
    }

    /// An immediate float, when there is one of that value.
    #[inline(always)]
    pub fn small_float(value: f64) -> Option<Value> {
        let bits = value.to_bits().wrapping_add(1 << 60).rotate_left(3);
        if bits & 3 == 2 && bits != ZERO_FLOAT_BITS {
            Some(word(bits))
        } else if value.to_bits() == 0 {
            Some(word(ZERO_FLOAT_BITS))
        } else {
            None
        }
    }

    /// Whether this is an immediate float.
    #[inline(always)]
    pub fn is_small_float(&self) -> bool {
        self.bits() & 3 == 2
    }

    /// The immediate float's value.
    #[inline(always)]
    pub fn as_small_float(&self) -> Option<f64> {
        if self.is_small_float() { Some(decode_float(self.bits())) } else { None }
    }

    /// Internal: the address a `finally` block returns to, an index of a cell. Never seen by Python code.
    pub(crate) fn return_address(cell: u32) -> Value {
        word(RETURN_ADDRESS_BITS | (u64::from(cell) << 8))
    }

    /// The index that [`Value::return_address`] holds.
    pub(crate) fn as_return_address(&self) -> Option<u32> {
        if self.bits() & 0xff == RETURN_ADDRESS_BITS { Some((self.bits() >> 8) as u32) } else { None }
    }

    /// The value's type.
    #[inline]
    pub fn ty(&self) -> &TypeObject {
        match self.header() {
            Some(header) => header.ty(),
            None => immediate_type(self.bits()),
        }
    }

    /// Whether the type is exactly `T`'s.
    #[inline(always)]
    pub fn is_exact<T: Payload>(&self) -> bool {
        match self.header() {
            Some(header) => std::ptr::eq(header.ty(), T::type_object()),
            None => false,
        }
    }

    /// The body, when the type is exactly `T`'s.
    #[inline(always)]
    pub fn exact<T: Payload>(&self) -> Option<&T> {
        // SAFETY: Payload's contract: an object of that type begins with T's layout.
        if self.is_exact::<T>() { Some(unsafe { &*(self.bits() as *const T) }) } else { None }
    }

    /// The body, when the type is `T`'s or derives from it.
    #[inline]
    pub fn downcast<T: Payload>(&self) -> Option<&T> {
        let header = self.header()?;
        if std::ptr::eq(header.ty(), T::type_object()) || header.ty().has_layout_of(T::type_object()) {
            // SAFETY: Payload's contract: derived types keep the base's layout as their beginning.
            Some(unsafe { &*(self.bits() as *const T) })
        } else {
            None
        }
    }
}

/// Decodes an immediate float.
#[inline(always)]
fn decode_float(bits: u64) -> f64 {
    if bits == ZERO_FLOAT_BITS { 0.0 } else { f64::from_bits(bits.rotate_right(3).wrapping_sub(1 << 60)) }
}

#[cold]
#[inline(never)]
fn float_rare(value: f64) -> Value {
    if value.to_bits() == 0 { word(ZERO_FLOAT_BITS) } else { types::float::heap(value) }
}

fn immediate_type(bits: u64) -> &'static TypeObject {
    if bits & 1 != 0 {
        &types::int::INT
    } else if bits & 3 == 2 {
        &types::float::FLOAT
    } else {
        match bits {
            TRUE_BITS | FALSE_BITS => &types::bool::BOOL,
            ELLIPSIS_BITS => &types::singletons::ELLIPSIS,
            NOT_IMPLEMENTED_BITS => &types::singletons::NOT_IMPLEMENTED,
            _ => &types::singletons::NONE,
        }
    }
}

impl Clone for Value {
    #[inline(always)]
    fn clone(&self) -> Value {
        if let Some(header) = self.header() {
            header.increment();
        }
        Value(self.0)
    }
}

impl Drop for Value {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(header) = self.header()
            && header.decrement()
        {
            // SAFETY: the count is zero and this was the last reference.
            unsafe { dealloc(header as *const Header as *mut Header) }
        }
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(int) = self.as_small_int() {
            write!(f, "{int}")
        } else if let Some(float) = self.as_small_float() {
            write!(f, "{float:?}")
        } else {
            write!(f, "<{} {:#x}>", self.ty().name(), self.bits())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn immediate_floats_round_trip() {
        for value in [0.0, 1.0, -1.0, 0.1, 1e70, -1e-70, 12345.678, f64::from_bits(0x3ff0_0000_0000_0001)] {
            let word = Value::float(value);
            assert!(word.is_small_float(), "{value}");
            assert_eq!(word.as_small_float().map(f64::to_bits), Some(value.to_bits()));
        }
    }

    #[test]
    fn small_ints_round_trip() {
        for value in [0, 1, -1, SMALL_MIN, SMALL_MAX, 1 << 40] {
            assert_eq!(Value::small_int(value).and_then(|v| v.as_small_int()), Some(value));
        }
        assert!(Value::small_int(SMALL_MAX + 1).is_none() && Value::small_int(SMALL_MIN - 1).is_none());
    }
}
