//! The type `iterator`: what `iter()` makes of a sequence that has only `__getitem__`.

use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::slots::Slots;
use crate::object::value::{Payload, Value};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute};
use crate::types::exceptions::{INDEX_ERROR, is_instance, is_stop_iteration, type_error};
use std::cell::Cell;

/// The body of a sequence iterator.
#[repr(C)]
pub struct SequenceIterator {
    header: Header,
    /// Empty at the end.
    sequence: ValueCell,
    index: Cell<isize>,
}

// SAFETY: repr(C), header first.
unsafe impl Payload for SequenceIterator {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &SEQUENCE_ITERATOR
    }
}

/// The type object of sequence iterators.
pub static SEQUENCE_ITERATOR: TypeObject = TypeObject::define::<SequenceIterator>("iterator").slots(Slots {
    iter: Some(|this| Ok(this.clone())),
    next: Some(next),
    getattr: Some(attribute::generic_get),
    ..Slots::EMPTY
});

/// An iterator over `sequence[0]`, `sequence[1]`, ...
pub fn new(sequence: Value) -> Value {
    new_object(SequenceIterator {
        header: Header::new(&SEQUENCE_ITERATOR),
        sequence: ValueCell::new(Some(sequence)),
        index: Cell::new(0),
    })
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let Some(body) = this.exact::<SequenceIterator>() else { return Err(type_error("expected an iterator")) };
    let Some(sequence) = body.sequence.get() else { return Ok(None) };
    let index = body.index.get();
    let Some(item) = sequence.ty().slot(|slots| slots.item) else { return Ok(None) };
    match item(&sequence, index) {
        Ok(value) => {
            body.index.set(index.saturating_add(1));
            Ok(Some(value))
        }
        Err(raised) if is_instance(&raised, &INDEX_ERROR) || is_stop_iteration(&raised) => {
            body.sequence.set(None);
            Ok(None)
        }
        Err(raised) => Err(raised),
    }
}
