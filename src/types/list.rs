//! The type `list`.

use crate::method;
use crate::object::header::{Header, new_instance, new_object};
use crate::object::native::Method;
use crate::object::slots::Slots;
use crate::object::value::{Payload, Value};
use crate::object::value_vec::ValueVec;
use crate::object::{TypeFlags, TypeObject};

/// The body of a list.
#[repr(C)]
pub struct List {
    header: Header,
    items: ValueVec,
}

// SAFETY: repr(C), header first.
unsafe impl Payload for List {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &LIST
    }
}

/// The type object of `list`.
pub static LIST: TypeObject = TypeObject::define::<List>("list")
    .flags(TypeFlags::BASE.and(TypeFlags::LIST))
    .slots(Slots { length: Some(|this| Ok(this.downcast::<List>().map_or(0, |l| l.items.len()))), ..Slots::EMPTY })
    .methods(METHODS);

const METHODS: &[Method] = &[method!(append, "append($self, object, /)", "Append object to the end of the list.")];

impl List {
    /// A list of the items.
    #[inline]
    pub fn from_vec(items: Vec<Value>) -> Value {
        new_object(List { header: Header::new(&LIST), items: ValueVec::new(items) })
    }

    /// An instance of list or a subclass.
    pub fn instance_of(ty: &TypeObject, items: Vec<Value>) -> Value {
        new_instance(ty, List { header: Header::new(ty), items: ValueVec::new(items) })
    }

    /// The items.
    #[inline(always)]
    pub fn items(&self) -> &ValueVec {
        &self.items
    }
}

fn append(this: &List, object: &Value) {
    this.items.push(object.clone());
}
