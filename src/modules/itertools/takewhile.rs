//! `itertools.dropwhile` and `itertools.takewhile`.

use super::{body, by_position, class_or, iterator_slots, reduced};
use crate::method;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::Method;
use crate::object::value::{Payload, Value, payload};
use crate::object::{TypeFlags, TypeObject, call, iter, number};
use crate::types::tuple::Tuple;
use crate::vm::thread;
use std::cell::Cell;

/// The body of a takewhile object, or of a dropwhile object.
#[repr(C)]
pub struct While<const TAKE: bool> {
    header: Header,
    predicate: Value,
    iterator: Value,
    /// The predicate has been false once.
    over: Cell<bool>,
}

payload!(While<false>, DROPWHILE, {
    const GC: bool = true;
    fn traverse(&self, visit: crate::gc::Visit<'_>) {
        visit(&self.iterator);
        visit(&self.predicate);
    }
});

payload!(While<true>, TAKEWHILE, {
    const GC: bool = true;
    fn traverse(&self, visit: crate::gc::Visit<'_>) {
        visit(&self.iterator);
        visit(&self.predicate);
    }
});

/// The type object of `dropwhile`.
pub static DROPWHILE: TypeObject = TypeObject::define::<While<false>>("itertools.dropwhile")
    .flags(TypeFlags::BASE)
    .doc("Drop items from the iterable while predicate(item) is true.\n\nAfterwards, return every element until the iterable is exhausted.")
    .slots(iterator_slots(new::<false>, drop_next))
    .methods(&[
        method!(reduce::<false>, "!__reduce__($self, /)", "Return state information for pickling."),
        method!(set_state::<false>, "!__setstate__($self, state, /)", "Set state information for unpickling."),
    ] as &[Method]);

/// The type object of `takewhile`.
pub static TAKEWHILE: TypeObject = TypeObject::define::<While<true>>("itertools.takewhile")
    .flags(TypeFlags::BASE)
    .doc("Return successive entries from an iterable as long as the predicate evaluates to true for each entry.")
    .slots(iterator_slots(new::<true>, take_next))
    .methods(&[
        method!(reduce::<true>, "!__reduce__($self, /)", "Return state information for pickling."),
        method!(set_state::<true>, "!__setstate__($self, state, /)", "Set state information for unpickling."),
    ] as &[Method]);

fn new<const TAKE: bool>(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value>
where
    While<TAKE>: Payload,
{
    let own = While::<TAKE>::type_object();
    let ty = class_or(class, own);
    let [predicate, iterable] = by_position(own, class, args, kwnames, 2)? else { return Ok(Value::NONE) };
    let iterator = iter::iter(iterable)?;
    let (predicate, over) = (predicate.clone(), Cell::new(false));
    Ok(new_instance(ty, While::<TAKE> { header: Header::new(ty), predicate, iterator, over }))
}

impl<const TAKE: bool> While<TAKE> {
    fn holds(&self, item: &Value) -> PyResult<bool> {
        number::truth(&call::call(&self.predicate, std::slice::from_ref(item))?)
    }
}

fn drop_next(this: &Value) -> PyResult<Option<Value>> {
    // Iterators over iterators may be nested as deep as memory allows.
    thread::check_native_stack()?;
    let body = body::<While<false>>(this)?;
    loop {
        let Some(item) = iter::next(&body.iterator)? else { return Ok(None) };
        if body.over.get() {
            return Ok(Some(item));
        }
        if !body.holds(&item)? {
            body.over.set(true);
            return Ok(Some(item));
        }
    }
}

fn take_next(this: &Value) -> PyResult<Option<Value>> {
    thread::check_native_stack()?;
    let body = body::<While<true>>(this)?;
    if body.over.get() {
        return Ok(None);
    }
    let Some(item) = iter::next(&body.iterator)? else { return Ok(None) };
    if body.holds(&item)? {
        return Ok(Some(item));
    }
    body.over.set(true);
    Ok(None)
}

fn reduce<const TAKE: bool>(this: &Value) -> PyResult<Value>
where
    While<TAKE>: Payload,
{
    let body = body::<While<TAKE>>(this)?;
    let arguments = Tuple::from_vec(vec![body.predicate.clone(), body.iterator.clone()]);
    Ok(reduced(this, vec![arguments, Value::int(i64::from(body.over.get()))]))
}

fn set_state<const TAKE: bool>(this: &Value, state: bool) -> PyResult<()>
where
    While<TAKE>: Payload,
{
    body::<While<TAKE>>(this)?.over.set(state);
    Ok(())
}
