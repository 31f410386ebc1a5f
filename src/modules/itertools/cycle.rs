//! `itertools.cycle`.

use super::{body, by_position, check_parsed_count, class_or, iterator_slots, reduced, state_tuple, wrong_parsed};
use crate::gc::Visit;
use crate::method;
use crate::name;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Method, c_int};
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, call, iter};
use crate::types::list::List;
use crate::types::tuple::Tuple;
use crate::vm::thread;
use std::cell::Cell;

/// The body of a cycle object.
#[repr(C)]
pub struct Cycle {
    header: Header,
    /// Empty when the iterable has been seen whole.
    iterator: ValueCell,
    /// A list of the items seen.
    saved: ValueCell,
    /// Position in `saved` of the next item.
    index: Cell<usize>,
    /// The items of the iterator are saved already.
    complete: Cell<bool>,
}

payload!(Cycle, CYCLE, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.iterator.visit(visit);
        self.saved.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.iterator.take());
        drop(self.saved.take());
    }
});

/// The type object of `cycle`.
pub static CYCLE: TypeObject = TypeObject::define::<Cycle>("itertools.cycle")
    .flags(TypeFlags::BASE)
    .doc("Return elements from the iterable until it is exhausted. Then repeat the sequence indefinitely.")
    .slots(iterator_slots(new, next))
    .methods(&[
        method!(reduce, "!__reduce__($self, /)", "Return state information for pickling."),
        method!(set_state, "!__setstate__($self, state, /)", "Set state information for unpickling."),
    ] as &[Method]);

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let ty = class_or(class, &CYCLE);
    let [iterable] = by_position(&CYCLE, class, args, kwnames, 1)? else { return Ok(Value::NONE) };
    let iterator = ValueCell::new(Some(iter::iter(iterable)?));
    let saved = ValueCell::new(Some(List::from_vec(Vec::new())));
    let (index, complete) = (Cell::new(0), Cell::new(false));
    Ok(new_instance(ty, Cycle { header: Header::new(ty), iterator, saved, index, complete }))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    // Iterators over iterators may be nested as deep as memory allows.
    thread::check_native_stack()?;
    let body = body::<Cycle>(this)?;
    if let Some(iterator) = body.iterator.get() {
        if let Some(item) = iter::next(&iterator)? {
            if !body.complete.get()
                && let Some(saved) = body.saved.get()
                && let Some(saved) = saved.downcast::<List>()
            {
                saved.items().push(item.clone());
            }
            return Ok(Some(item));
        }
        body.iterator.set(None);
    }
    let Some(saved) = body.saved.get() else { return Ok(None) };
    let Some(items) = saved.downcast::<List>().map(List::items) else { return Ok(None) };
    // The list can be had from __reduce__, and made shorter.
    let index = if body.index.get() < items.len() { body.index.get() } else { 0 };
    let item = items.get(index);
    body.index.set(if index + 1 < items.len() { index + 1 } else { 0 });
    Ok(item)
}

fn reduce(this: &Value) -> PyResult<Value> {
    let body = body::<Cycle>(this)?;
    let saved = body.saved.get().unwrap_or_else(|| List::from_vec(Vec::new()));
    if let Some(iterator) = body.iterator.get() {
        let state = Tuple::from_vec(vec![saved, Value::int(i64::from(body.complete.get()))]);
        return Ok(reduced(this, vec![Tuple::from_vec(vec![iterator]), state]));
    }
    let iterator = iter::iter(&saved)?;
    if body.index.get() != 0 {
        call::call_method(&iterator, name!("__setstate__"), &[Value::int(body.index.get() as i64)])?;
    }
    let state = Tuple::from_vec(vec![saved, Value::int(1)]);
    Ok(reduced(this, vec![Tuple::from_vec(vec![iterator]), state]))
}

fn set_state(this: &Cycle, state: &Value) -> PyResult<()> {
    let state = state_tuple(state)?.as_slice();
    check_parsed_count(state.len(), 2, 2)?;
    let [saved, complete] = state else { return Ok(()) };
    if saved.downcast::<List>().is_none() {
        return Err(wrong_parsed(1, "list", saved));
    }
    let complete = c_int(complete, true)? != 0;
    this.saved.set(Some(saved.clone()));
    this.complete.set(complete);
    this.index.set(0);
    Ok(())
}
