//! The types `list_iterator` and `list_reverseiterator`.

use super::List;
use crate::gc::Visit;
use crate::method;
use crate::object::builtins;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::Method;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute};
use crate::types::exceptions::{overflow_error, type_error};
use crate::types::int;
use crate::types::tuple::Tuple;
use std::cell::Cell;

/// The body of a `list_iterator`.
#[repr(C)]
pub struct ListIterator {
    header: Header,
    /// Empty at the end.
    pub list: ValueCell,
    /// Position of the next item.
    pub index: Cell<usize>,
}

payload!(ListIterator, LIST_ITERATOR, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.list.visit(visit);
    }
});

/// The body of a `list_reverseiterator`.
#[repr(C)]
pub struct ListReverseIterator {
    header: Header,
    /// Empty at the end.
    list: ValueCell,
    /// Position of the next item; -1 at the end.
    index: Cell<isize>,
}

payload!(ListReverseIterator, LIST_REVERSE_ITERATOR, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.list.visit(visit);
    }
});

/// The type object of `list_iterator`.
pub static LIST_ITERATOR: TypeObject = TypeObject::define::<ListIterator>("list_iterator")
    .quick_next(|this| {
        let body = this.exact::<ListIterator>()?;
        let index = body.index.get();
        let item = body.list.with(|list| list?.downcast::<List>()?.items().get(index))?;
        body.index.set(index + 1);
        Some(item)
    })
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

/// The type object of `list_reverseiterator`.
pub static LIST_REVERSE_ITERATOR: TypeObject = TypeObject::define::<ListReverseIterator>("list_reverseiterator")
    .quick_next(|this| {
        let body = this.exact::<ListReverseIterator>()?;
        let index = usize::try_from(body.index.get()).ok()?;
        let item = body.list.with(|list| list?.downcast::<List>()?.items().get(index))?;
        body.index.set(index as isize - 1);
        Some(item)
    })
    .slots(Slots {
        iter: Some(|this| Ok(this.clone())),
        next: Some(reverse_next),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(
            reverse_length_hint,
            "!__length_hint__($self, /)",
            "Private method returning an estimate of len(list(it))."
        ),
        method!(reverse_reduce, "!__reduce__($self, /)", "Return state information for pickling."),
        method!(set_reverse_state, "!__setstate__($self, state, /)", "Set state information for unpickling."),
    ] as &[Method]);

/// An iterator over a list.
#[inline]
pub fn new(list: Value) -> Value {
    new_object(ListIterator {
        header: Header::new(&LIST_ITERATOR),
        list: ValueCell::new(Some(list)),
        index: Cell::new(0),
    })
}

/// An iterator over a list from its end.
pub fn new_reverse(list: Value) -> Value {
    let last = items_len(&list) as isize - 1;
    new_object(ListReverseIterator {
        header: Header::new(&LIST_REVERSE_ITERATOR),
        list: ValueCell::new(Some(list)),
        index: Cell::new(last),
    })
}

fn items_len(list: &Value) -> usize {
    list.downcast::<List>().map_or(0, |list| list.items().len())
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let Some(body) = this.exact::<ListIterator>() else { return Err(type_error("expected a list_iterator")) };
    let Some(value) = body.list.get() else { return Ok(None) };
    let index = body.index.get();
    match value.downcast::<List>().and_then(|list| list.items().get(index)) {
        Some(item) => {
            body.index.set(index + 1);
            Ok(Some(item))
        }
        None => {
            body.list.set(None);
            Ok(None)
        }
    }
}

fn length_hint(this: &ListIterator) -> usize {
    this.list.get().map_or(0, |list| items_len(&list).saturating_sub(this.index.get()))
}

fn reduce(this: &ListIterator) -> PyResult<Value> {
    match this.list.get() {
        Some(list) => reduced("iter", list, this.index.get() as isize),
        None => exhausted(super::List::from_vec(Vec::new())),
    }
}

/// What an iterator's `__reduce__` gives: a builtin function, its argument, a state.
///
/// # Errors
/// None in practice: the builtin exists.
pub(crate) fn reduced(function: &str, sequence: Value, index: isize) -> PyResult<Value> {
    let arguments = Tuple::from_vec(vec![sequence]);
    Ok(Tuple::from_vec(vec![builtins::get(function)?, arguments, Value::int(index as i64)]))
}

/// What the `__reduce__` of an iterator at its end gives: an iterator over an empty sequence.
///
/// # Errors
/// As for [`reduced`].
pub(crate) fn exhausted(empty: Value) -> PyResult<Value> {
    Ok(Tuple::from_vec(vec![builtins::get("iter")?, Tuple::from_vec(vec![empty])]))
}

/// The index in a `__setstate__`. As `PyLong_AsSsize_t`.
///
/// # Errors
/// `TypeError` for what is no int, `OverflowError` for what does not fit.
pub(crate) fn state_index(state: &Value) -> PyResult<isize> {
    if !int::is_int(state) {
        return Err(type_error("an integer is required"));
    }
    match int::to_i64(state) {
        Some(index) => Ok(index as isize),
        None => Err(overflow_error("Python int too large to convert to C ssize_t")),
    }
}

fn set_state(this: &ListIterator, state: &Value) -> PyResult<()> {
    let index = state_index(state)?;
    if let Some(list) = this.list.get() {
        this.index.set(usize::try_from(index).unwrap_or(0).min(items_len(&list)));
    }
    Ok(())
}

fn reverse_next(this: &Value) -> PyResult<Option<Value>> {
    let Some(body) = this.exact::<ListReverseIterator>() else {
        return Err(type_error("expected a list_reverseiterator"));
    };
    let Some(value) = body.list.get() else { return Ok(None) };
    let index = body.index.get();
    let item = usize::try_from(index).ok().and_then(|index| value.downcast::<List>()?.items().get(index));
    match item {
        Some(item) => {
            body.index.set(index - 1);
            Ok(Some(item))
        }
        None => {
            body.index.set(-1);
            body.list.set(None);
            Ok(None)
        }
    }
}

fn reverse_length_hint(this: &ListReverseIterator) -> usize {
    let left = usize::try_from(this.index.get() + 1).unwrap_or(0);
    this.list.get().map_or(0, |list| if items_len(&list) < left { 0 } else { left })
}

fn reverse_reduce(this: &ListReverseIterator) -> PyResult<Value> {
    match this.list.get() {
        Some(list) => reduced("reversed", list, this.index.get()),
        None => exhausted(super::List::from_vec(Vec::new())),
    }
}

fn set_reverse_state(this: &ListReverseIterator, state: &Value) -> PyResult<()> {
    let index = state_index(state)?;
    if let Some(list) = this.list.get() {
        this.index.set(index.clamp(-1, items_len(&list) as isize - 1));
    }
    Ok(())
}
