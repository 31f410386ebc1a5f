//! The type `reversed`.

use crate::gc::Visit;
use crate::method;
use crate::name;
use crate::object::arguments::{check_count, no_keywords, positional};
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::Method;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, attribute, call, sequence};
use crate::types::exceptions::{INDEX_ERROR, is_instance, is_stop_iteration, type_error};
use crate::types::list::state_index;
use crate::types::tuple::Tuple;
use std::cell::Cell;

/// The body of a reversed object.
#[repr(C)]
pub struct Reversed {
    header: Header,
    /// Empty at the end.
    sequence: ValueCell,
    /// Position of the next item; -1 at the end.
    index: Cell<isize>,
}

payload!(Reversed, REVERSED, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.sequence.visit(visit);
    }
});

/// The type object of `reversed`.
pub static REVERSED: TypeObject = TypeObject::define::<Reversed>("reversed")
    .flags(TypeFlags::BASE)
    .doc("Return a reverse iterator over the values of the given sequence.")
    .slots(Slots {
        new: Some(new),
        getattr: Some(attribute::generic_get),
        iter: Some(|this| Ok(this.clone())),
        next: Some(next),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(length_hint, "!__length_hint__($self, /)", "Private method returning an estimate of len(list(it))."),
        method!(reduce, "!__reduce__($self, /)", "Return state information for pickling."),
        method!(set_state, "!__setstate__($self, state, /)", "Set state information for unpickling."),
    ] as &[Method]);

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let ty = class.downcast::<TypeObject>().unwrap_or(&REVERSED);
    if std::ptr::eq(ty, &REVERSED) {
        no_keywords("reversed", kwnames)?;
    }
    let args = positional(args, kwnames);
    check_count("reversed", args.len(), 1, 1)?;
    let [sequence] = args else { return Ok(Value::NONE) };
    let irreversible = || type_error(format!("'{}' object is not reversible", sequence.ty().name()));
    if sequence.ty().lookup(name!("__reversed__")).is_some_and(|found| found.is_none()) {
        return Err(irreversible());
    }
    if let Some(result) = call::call_special(sequence, name!("__reversed__"), &[])? {
        return Ok(result);
    }
    // What is no sequence, though it has `__getitem__`: dicts.
    if sequence.ty().slot(|slots| slots.item).is_none() || sequence.ty().has_flag(TypeFlags::DICT) {
        return Err(irreversible());
    }
    let last = isize::try_from(sequence::len(sequence)?).unwrap_or(isize::MAX) - 1;
    Ok(new_instance(
        ty,
        Reversed { header: Header::new(ty), sequence: ValueCell::new(Some(sequence.clone())), index: Cell::new(last) },
    ))
}

fn body(value: &Value) -> PyResult<&Reversed> {
    value.downcast::<Reversed>().ok_or_else(|| type_error("expected a reversed object"))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let body = body(this)?;
    let index = body.index.get();
    if let Some(sequence) = body.sequence.get()
        && index >= 0
        && let Some(item) = sequence.ty().slot(|slots| slots.item)
    {
        match item(&sequence, index) {
            Ok(value) => {
                // Not what it was: the sequence's code may have moved this iterator.
                body.index.set(body.index.get() - 1);
                return Ok(Some(value));
            }
            Err(raised) if is_instance(&raised, &INDEX_ERROR) || is_stop_iteration(&raised) => {}
            Err(raised) => {
                body.index.set(-1);
                body.sequence.set(None);
                return Err(raised);
            }
        }
    }
    body.index.set(-1);
    body.sequence.set(None);
    Ok(None)
}

fn length_hint(this: &Value) -> PyResult<usize> {
    let body = body(this)?;
    let Some(sequence) = body.sequence.get() else { return Ok(0) };
    let len = sequence::len(&sequence)?;
    let left = usize::try_from(body.index.get().saturating_add(1)).unwrap_or(0);
    Ok(if len < left { 0 } else { left })
}

fn reduce(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let mut parts = vec![this.ty().value()];
    match body.sequence.get() {
        Some(sequence) => {
            parts.push(Tuple::from_vec(vec![sequence]));
            parts.push(Value::int(body.index.get() as i64));
        }
        None => parts.push(Tuple::from_vec(vec![Tuple::empty()])),
    }
    Ok(Tuple::from_vec(parts))
}

fn set_state(this: &Value, state: &Value) -> PyResult<()> {
    let index = state_index(state)?;
    let body = body(this)?;
    if let Some(sequence) = body.sequence.get() {
        let last = isize::try_from(sequence::len(&sequence)?).unwrap_or(isize::MAX) - 1;
        body.index.set(index.clamp(-1, last.max(-1)));
    }
    Ok(())
}
