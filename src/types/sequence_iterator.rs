//! The type `iterator`: what `iter()` makes of a sequence that has only `__getitem__`.

use crate::gc::Visit;
use crate::method;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::Method;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute};
use crate::types::exceptions::{INDEX_ERROR, is_instance, is_stop_iteration, overflow_error, type_error};
use crate::types::list::{exhausted, reduced, state_index};
use crate::types::tuple::Tuple;
use std::cell::Cell;

/// The body of a sequence iterator.
#[repr(C)]
pub struct SequenceIterator {
    header: Header,
    /// Empty at the end.
    sequence: ValueCell,
    index: Cell<isize>,
}

payload!(SequenceIterator, SEQUENCE_ITERATOR, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.sequence.visit(visit);
    }
});

/// The type object of sequence iterators.
pub static SEQUENCE_ITERATOR: TypeObject = TypeObject::define::<SequenceIterator>("iterator")
    .slots(Slots {
        iter: Some(|this| Ok(this.clone())),
        next: Some(next),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(length_hint, "!__length_hint__($self, /)", "Private method returning an estimate of len(list(it))."),
        method!(reduce, "!__reduce__($self, /)", "Return state information for pickling."),
        method!(set_state, "!__setstate__($self, state, /)", "Set state information for unpickling."),
    ] as &[Method]);

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
    if index == isize::MAX {
        return Err(overflow_error("iter index too large"));
    }
    let Some(item) = sequence.ty().slot(|slots| slots.item) else { return Ok(None) };
    match item(&sequence, index) {
        Ok(value) => {
            // Not what it was: the sequence's code may have moved this iterator.
            body.index.set(body.index.get().saturating_add(1));
            Ok(Some(value))
        }
        Err(raised) if is_instance(&raised, &INDEX_ERROR) || is_stop_iteration(&raised) => {
            body.sequence.set(None);
            Ok(None)
        }
        Err(raised) => Err(raised),
    }
}

fn length_hint(this: &SequenceIterator) -> PyResult<Value> {
    let Some(sequence) = this.sequence.get() else { return Ok(Value::int(0)) };
    let Some(length) = sequence.ty().slot(|slots| slots.length) else { return Ok(Value::NOT_IMPLEMENTED) };
    let length = isize::try_from(length(&sequence)?).unwrap_or(isize::MAX);
    Ok(Value::int((length - this.index.get()).max(0) as i64))
}

fn reduce(this: &SequenceIterator) -> PyResult<Value> {
    match this.sequence.get() {
        Some(sequence) => reduced("iter", sequence, this.index.get()),
        None => exhausted(Tuple::empty()),
    }
}

fn set_state(this: &SequenceIterator, state: &Value) -> PyResult<()> {
    let index = state_index(state)?;
    if this.sequence.is_some() {
        this.index.set(index.max(0));
    }
    Ok(())
}
