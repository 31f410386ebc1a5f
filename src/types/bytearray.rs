//! The type `bytearray`.

use crate::object::TypeObject;
use crate::object::header::{Header, new_instance};
use crate::object::value::{Payload, Value};
use std::cell::UnsafeCell;

/// The body of a bytearray.
#[repr(C)]
pub struct Bytearray {
    header: Header,
    data: UnsafeCell<Vec<u8>>,
}

// SAFETY: repr(C), header first.
unsafe impl Payload for Bytearray {
    fn type_object() -> &'static TypeObject {
        &BYTEARRAY
    }
}

/// The type object of `bytearray`.
pub static BYTEARRAY: TypeObject = TypeObject::define::<Bytearray>("bytearray");

impl Bytearray {
    /// An instance of bytearray or a subclass.
    pub fn instance_of(ty: &TypeObject, data: Vec<u8>) -> Value {
        new_instance(ty, Bytearray { header: Header::new(ty), data: UnsafeCell::new(data) })
    }

    /// A copy of the bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        // SAFETY: copied at once; nothing else runs meanwhile.
        unsafe { (*self.data.get()).clone() }
    }
}
