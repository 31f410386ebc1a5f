//! `itertools.zip_longest`.

use super::{body, class_or, iterator_slots, next_result, reduced};
use crate::gc::Visit;
use crate::method;
use crate::object::call::split_keywords;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::Method;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, iter};
use crate::types::exceptions::type_error;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::thread;
use std::cell::Cell;

/// The body of a zip_longest object.
#[repr(C)]
pub struct ZipLongest {
    header: Header,
    /// Each is empty at its end.
    iterators: Box<[ValueCell]>,
    /// Iterators that are not at their end.
    active: Cell<usize>,
    fill: ValueCell,
    /// What was given last.
    last: ValueCell,
}

payload!(ZipLongest, ZIP_LONGEST, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.iterators.iter().for_each(|iterator| iterator.visit(visit));
        self.fill.visit(visit);
        self.last.visit(visit);
    }
    fn clear_references(&self) {
        self.iterators.iter().for_each(|iterator| drop(iterator.take()));
        drop(self.fill.take());
        drop(self.last.take());
    }
});

/// The type object of `zip_longest`.
pub static ZIP_LONGEST: TypeObject = TypeObject::define::<ZipLongest>("itertools.zip_longest")
    .flags(TypeFlags::BASE)
    .doc("zip_longest(iter1 [,iter2 [...]], [fillvalue=None]) --> zip_longest object\n\nReturn a zip_longest object whose .__next__() method returns a tuple where\nthe i-th element comes from the i-th iterable argument.  The .__next__()\nmethod continues until the longest iterable in the argument sequence\nis exhausted and then it raises StopIteration.  When the shorter iterables\nare exhausted, the fillvalue is substituted in their place.  The fillvalue\ndefaults to None or can be specified by a keyword argument.\n")
    .slots(iterator_slots(new, next))
    .methods(&[
        method!(reduce, "!__reduce__($self, /)", "Return state information for pickling."),
        method!(set_state, "!__setstate__($self, state, /)", "Set state information for unpickling."),
    ] as &[Method]);

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let ty = class_or(class, &ZIP_LONGEST);
    let (iterables, keywords) = split_keywords(args, kwnames);
    let fill = match keywords.as_slice() {
        [] => Value::NONE,
        [(name, value)] if name.downcast::<Str>().is_some_and(|name| name.equals_str("fillvalue")) => (*value).clone(),
        _ => return Err(type_error("zip_longest() got an unexpected keyword argument")),
    };
    let iterators: Box<[ValueCell]> =
        iterables.iter().map(|iterable| Ok(ValueCell::new(Some(iter::iter(iterable)?)))).collect::<PyResult<_>>()?;
    let active = Cell::new(iterators.len());
    Ok(new_instance(
        ty,
        ZipLongest {
            header: Header::new(ty),
            iterators,
            active,
            fill: ValueCell::new(Some(fill)),
            last: ValueCell::EMPTY,
        },
    ))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    // Iterators over iterators may be nested as deep as memory allows.
    thread::check_native_stack()?;
    let body = body::<ZipLongest>(this)?;
    if body.active.get() == 0 {
        return Ok(None);
    }
    let mut items = Vec::with_capacity(body.iterators.len());
    for place in &body.iterators {
        let mut item = None;
        if let Some(iterator) = place.get() {
            item = iter::next(&iterator).inspect_err(|_| body.active.set(0))?;
            if item.is_none() {
                let active = body.active.get().saturating_sub(1);
                body.active.set(active);
                if active == 0 {
                    return Ok(None);
                }
                place.set(None);
            }
        }
        items.push(item.or_else(|| body.fill.get()).unwrap_or(Value::NONE));
    }
    Ok(Some(next_result(&body.last, items.len(), |index| items.get(index))))
}

fn reduce(this: &Value) -> PyResult<Value> {
    let body = body::<ZipLongest>(this)?;
    let arguments = body.iterators.iter().map(|iterator| iterator.get().unwrap_or_else(Tuple::empty)).collect();
    Ok(reduced(this, vec![Tuple::from_vec(arguments), body.fill.get().unwrap_or(Value::NONE)]))
}

fn set_state(this: &ZipLongest, state: &Value) {
    this.fill.set(Some(state.clone()));
}
