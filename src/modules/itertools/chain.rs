//! `itertools.chain`.

use super::{body, check_parsed_count, class_or, iterator_slots, reduced, state_tuple};
use crate::gc::Visit;
use crate::method;
use crate::object::arguments::{no_keywords, positional};
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::Method;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, iter};
use crate::types::exceptions::type_error;
use crate::types::tuple::{self, Tuple};
use crate::vm::thread;

/// The body of a chain object.
#[repr(C)]
pub struct Chain {
    header: Header,
    /// An iterator over the iterables; empty at the end.
    source: ValueCell,
    /// The iterator over the present iterable, if there is one.
    active: ValueCell,
}

payload!(Chain, CHAIN, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.active.visit(visit);
        self.source.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.active.take());
        drop(self.source.take());
    }
});

/// The type object of `chain`.
pub static CHAIN: TypeObject = TypeObject::define::<Chain>("itertools.chain")
    .flags(TypeFlags::BASE)
    .doc("chain(*iterables) --> chain object\n\nReturn a chain object whose .__next__() method returns elements from the\nfirst iterable until it is exhausted, then elements from the next\niterable, until all of the iterables are exhausted.")
    .slots(iterator_slots(new, next))
    .methods(&[
        method!(class from_iterable, "from_iterable($type, iterable, /)", "Alternative chain() constructor taking a single iterable argument that evaluates lazily."),
        method!(reduce, "!__reduce__($self, /)", "Return state information for pickling."),
        method!(set_state, "!__setstate__($self, state, /)", "Set state information for unpickling."),
    ] as &[Method]);

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let ty = class_or(class, &CHAIN);
    if std::ptr::eq(ty, &CHAIN) {
        no_keywords("chain", kwnames)?;
    }
    Ok(over(ty, tuple::new_iterator(Tuple::from_slice(positional(args, kwnames)))))
}

fn over(ty: &TypeObject, source: Value) -> Value {
    let body = Chain { header: Header::new(ty), source: ValueCell::new(Some(source)), active: ValueCell::EMPTY };
    new_instance(ty, body)
}

fn from_iterable(class: &Value, iterable: &Value) -> PyResult<Value> {
    Ok(over(class_or(class, &CHAIN), iter::iter(iterable)?))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    // Iterators over iterators may be nested as deep as memory allows.
    thread::check_native_stack()?;
    let body = body::<Chain>(this)?;
    loop {
        if let Some(active) = body.active.get() {
            if let Some(item) = iter::next(&active)? {
                return Ok(Some(item));
            }
            body.active.set(None);
        }
        let Some(source) = body.source.get() else { return Ok(None) };
        match iter::next(&source).and_then(|iterable| iterable.as_ref().map(iter::iter).transpose()) {
            Ok(Some(iterator)) => body.active.set(Some(iterator)),
            result => {
                body.source.set(None);
                return result;
            }
        }
    }
}

fn reduce(this: &Value) -> PyResult<Value> {
    let body = body::<Chain>(this)?;
    let Some(source) = body.source.get() else { return Ok(reduced(this, vec![Tuple::empty()])) };
    let mut state = vec![source];
    state.extend(body.active.get());
    Ok(reduced(this, vec![Tuple::empty(), Tuple::from_vec(state)]))
}

fn set_state(this: &Chain, state: &Value) -> PyResult<()> {
    let state = state_tuple(state)?.as_slice();
    check_parsed_count(state.len(), 1, 2)?;
    if state.iter().any(|item| item.ty().slot(|slots| slots.next).is_none()) {
        return Err(type_error("Arguments must be iterators."));
    }
    this.source.set(state.first().cloned());
    this.active.set(state.get(1).cloned());
    Ok(())
}
