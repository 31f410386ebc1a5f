//! The type `str_iterator`.

use super::{Str, body};
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
use crate::types::int;
use crate::types::tuple::Tuple;
use std::cell::Cell;

/// The body of a str iterator.
#[repr(C)]
pub struct StrIterator {
    header: Header,
    /// Empty at the end.
    text: ValueCell,
    index: Cell<usize>,
}

payload!(StrIterator, STR_ITERATOR, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.text.visit(visit);
    }
});

/// The type object of `str_iterator`.
pub static STR_ITERATOR: TypeObject = TypeObject::define::<StrIterator>("str_iterator")
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

/// `iter(text)`.
pub(super) fn iter(text: &Value) -> PyResult<Value> {
    body(text)?;
    Ok(new_object(StrIterator {
        header: Header::new(&STR_ITERATOR),
        text: ValueCell::new(Some(text.clone())),
        index: Cell::new(0),
    }))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let Some(this) = this.exact::<StrIterator>() else { return Err(type_error("expected a str_iterator")) };
    let Some(text) = this.text.get() else { return Ok(None) };
    let index = this.index.get();
    match text.downcast::<Str>().and_then(|text| text.chars().get(index)) {
        Some(code) => {
            this.index.set(index + 1);
            Ok(Some(Str::from_code(code)))
        }
        None => {
            this.text.set(None);
            Ok(None)
        }
    }
}

fn remaining(this: &StrIterator) -> Option<Value> {
    this.text.get()
}

fn length_hint(this: &StrIterator) -> isize {
    let len = remaining(this).and_then(|text| text.downcast::<Str>().map(Str::len)).unwrap_or(0);
    len.saturating_sub(this.index.get()) as isize
}

fn reduce(this: &StrIterator) -> PyResult<Value> {
    let iter = builtins::get("iter")?;
    Ok(Tuple::from_vec(match remaining(this) {
        Some(text) => {
            vec![iter, Tuple::from_vec(vec![text]), Value::int(this.index.get() as i64)]
        }
        None => vec![iter, Tuple::from_vec(vec![Str::new_value("")])],
    }))
}

fn setstate(this: &StrIterator, state: &Value) -> PyResult<()> {
    let index = state_index(state)?;
    if let Some(text) = this.text.get() {
        let len = text.downcast::<Str>().map_or(0, Str::len);
        this.index.set(usize::try_from(index).unwrap_or(0).min(len));
    }
    Ok(())
}

/// The index that `__setstate__` of an iterator is given. As `PyLong_AsSsize_t`.
pub(crate) fn state_index(state: &Value) -> PyResult<isize> {
    if !int::is_int(state) {
        return Err(type_error("an integer is required"));
    }
    crate::object::number::index_to_isize(state)
}
