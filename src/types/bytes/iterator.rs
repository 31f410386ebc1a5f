//! The type `bytes_iterator`.

use super::{Bytes, body};
use crate::gc::Visit;
use crate::method;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::Method;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute, builtins};
use crate::types::exceptions::type_error;
use crate::types::str::state_index;
use crate::types::tuple::Tuple;
use std::cell::Cell;

/// The body of a bytes iterator.
#[repr(C)]
pub struct BytesIterator {
    header: Header,
    /// Empty at the end.
    bytes: ValueCell,
    index: Cell<usize>,
}

payload!(BytesIterator, BYTES_ITERATOR, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.bytes.visit(visit);
    }
});

/// The type object of `bytes_iterator`.
pub static BYTES_ITERATOR: TypeObject = TypeObject::define::<BytesIterator>("bytes_iterator")
    .slots(Slots {
        iter: Some(|this| Ok(this.clone())),
        next: Some(next),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(METHODS);

const METHODS: &[Method] = &[
    method!(length_hint, "!__length_hint__($self)", "Private method returning an estimate of len(list(it))."),
    method!(reduce, "!__reduce__($self)", "Return state information for pickling."),
    method!(setstate, "!__setstate__($self, state, /)", "Set state information for unpickling."),
];

/// `iter(bytes)`.
pub(super) fn iter(bytes: &Value) -> PyResult<Value> {
    body(bytes)?;
    Ok(new_object(BytesIterator {
        header: Header::new(&BYTES_ITERATOR),
        bytes: ValueCell::new(Some(bytes.clone())),
        index: Cell::new(0),
    }))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let Some(this) = this.exact::<BytesIterator>() else { return Err(type_error("expected a bytes_iterator")) };
    let Some(bytes) = this.bytes.get() else { return Ok(None) };
    let index = this.index.get();
    match bytes.downcast::<Bytes>().and_then(|bytes| bytes.as_slice().get(index)) {
        Some(&byte) => {
            this.index.set(index + 1);
            Ok(Some(Value::int(byte.into())))
        }
        None => {
            this.bytes.set(None);
            Ok(None)
        }
    }
}

fn len(this: &BytesIterator) -> usize {
    this.bytes.get().and_then(|bytes| bytes.downcast::<Bytes>().map(|bytes| bytes.len)).unwrap_or(0)
}

fn length_hint(this: &BytesIterator) -> isize {
    len(this).saturating_sub(this.index.get()) as isize
}

fn reduce(this: &BytesIterator) -> PyResult<Value> {
    let iter = builtins::get("iter")?;
    Ok(Tuple::from_vec(match this.bytes.get() {
        Some(bytes) => vec![iter, Tuple::from_vec(vec![bytes]), Value::int(this.index.get() as i64)],
        None => vec![iter, Tuple::from_vec(vec![Tuple::empty()])],
    }))
}

fn setstate(this: &BytesIterator, state: &Value) -> PyResult<()> {
    let index = state_index(state)?;
    if this.bytes.is_some() {
        this.index.set(usize::try_from(index).unwrap_or(0).min(len(this)));
    }
    Ok(())
}
