//! The type `arrayiterator`.

use super::Array;
use crate::gc::Visit;
use crate::method;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute, builtins};
use crate::types::exceptions::type_error;
use crate::types::str::state_index;
use crate::types::tuple::Tuple;
use std::cell::Cell;

/// The body of an array iterator.
#[repr(C)]
pub struct ArrayIterator {
    header: Header,
    /// Empty at the end.
    array: ValueCell,
    index: Cell<usize>,
}

payload!(ArrayIterator, ARRAY_ITERATOR, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.array.visit(visit);
    }
});

/// The type object of `arrayiterator`.
pub static ARRAY_ITERATOR: TypeObject = TypeObject::define::<ArrayIterator>("arrayiterator")
    .slots(Slots {
        iter: Some(|this| Ok(this.clone())),
        next: Some(next),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(reduce, "__reduce__($self, /)", "Return state information for pickling."),
        method!(set_state, "__setstate__($self, state, /)", "Set state information for unpickling."),
    ]);

/// `iter(array)`.
pub(super) fn iter(array: &Value) -> PyResult<Value> {
    super::body(array)?;
    Ok(new_object(ArrayIterator {
        header: Header::new(&ARRAY_ITERATOR),
        array: ValueCell::new(Some(array.clone())),
        index: Cell::new(0),
    }))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let Some(this) = this.exact::<ArrayIterator>() else { return Err(type_error("expected an arrayiterator")) };
    let Some(array) = this.array.get() else { return Ok(None) };
    let index = this.index.get();
    if let Some(body) = array.downcast::<Array>()
        && index < body.len()
    {
        this.index.set(index + 1);
        return body.get(index);
    }
    drop(array);
    this.array.set(None);
    Ok(None)
}

fn reduce(this: &ArrayIterator) -> PyResult<Value> {
    let iter = builtins::get("iter")?;
    Ok(Tuple::from_vec(match this.array.get() {
        Some(array) => vec![iter, Tuple::from_vec(vec![array]), Value::int(this.index.get() as i64)],
        None => vec![iter, Tuple::from_vec(vec![Tuple::empty()])],
    }))
}

fn set_state(this: &ArrayIterator, state: &Value) -> PyResult<()> {
    let index = state_index(state)?;
    if let Some(array) = this.array.get() {
        let len = array.downcast::<Array>().map_or(0, Array::len);
        this.index.set(usize::try_from(index).unwrap_or(0).min(len));
    }
    Ok(())
}
