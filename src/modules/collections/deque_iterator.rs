//! The iterators over deques, forwards and backwards.

use super::deque::Deque;
use crate::method;
use crate::modules::arguments::{body, check_parsed_count, wrong_parsed};
use crate::object::arguments::positional;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::{At, FromArg, Function, Method, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Payload, Value, payload};
use crate::object::{TypeObject, attribute};
use crate::types::exceptions::{runtime_error, system_error};
use crate::types::tuple::Tuple;
use std::cell::Cell;

/// The body of an iterator over a deque.
#[repr(C)]
pub struct DequeIterator<const REVERSE: bool> {
    header: Header,
    deque: Value,
    /// The deque's state at first.
    state: u64,
    /// Index of the next item; backwards, one more than that.
    position: Cell<usize>,
    /// Items still to come.
    left: Cell<usize>,
}

payload!(DequeIterator<false>, DEQUE_ITERATOR, {
    const GC: bool = true;
    fn traverse(&self, visit: crate::gc::Visit<'_>) {
        visit(&self.deque);
    }
});

payload!(DequeIterator<true>, DEQUE_REVERSE_ITERATOR, {
    const GC: bool = true;
    fn traverse(&self, visit: crate::gc::Visit<'_>) {
        visit(&self.deque);
    }
});

/// The type object of `_deque_iterator`.
pub static DEQUE_ITERATOR: TypeObject = TypeObject::define::<DequeIterator<false>>("_collections._deque_iterator")
    .slots(Slots {
        new: Some(make::<false>),
        getattr: Some(attribute::generic_get),
        iter: Some(|this| Ok(this.clone())),
        next: Some(next::<false>),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(
            length_hint::<false>,
            "!__length_hint__($self, /)",
            "Private method returning an estimate of len(list(it))."
        ),
        method!(reduce::<false>, "!__reduce__($self, /)", "Return state information for pickling."),
    ] as &[Method]);

/// The type object of `_deque_reverse_iterator`.
pub static DEQUE_REVERSE_ITERATOR: TypeObject =
    TypeObject::define::<DequeIterator<true>>("_collections._deque_reverse_iterator")
        .slots(Slots {
            new: Some(make::<true>),
            getattr: Some(attribute::generic_get),
            iter: Some(|this| Ok(this.clone())),
            next: Some(next::<true>),
            ..Slots::EMPTY
        })
        .methods(&[
            method!(
                length_hint::<true>,
                "!__length_hint__($self, /)",
                "Private method returning an estimate of len(list(it))."
            ),
            method!(reduce::<true>, "!__reduce__($self, /)", "Return state information for pickling."),
        ] as &[Method]);

/// An iterator over a deque.
pub(super) fn new<const REVERSE: bool>(deque: &Value) -> Value
where
    DequeIterator<REVERSE>: Payload,
{
    let (state, len) = deque.downcast::<Deque>().map_or((0, 0), |deque| (deque.state(), deque.items().len()));
    new_object(DequeIterator::<REVERSE> {
        header: Header::new(DequeIterator::<REVERSE>::type_object()),
        deque: deque.clone(),
        state,
        position: Cell::new(if REVERSE { len } else { 0 }),
        left: Cell::new(len),
    })
}

/// For the conversion of the index that a constructor is given.
static INDEX: Function = Function::new("%_deque_iterator(index=0, /)", "", thunk(index));

fn index(index: Option<isize>) -> isize {
    index.unwrap_or(0)
}

/// `_deque_iterator(deque, index=0)`; keywords are not looked at.
fn make<const REVERSE: bool>(_class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value>
where
    DequeIterator<REVERSE>: Payload,
{
    let args = positional(args, kwnames);
    check_parsed_count(args.len(), 1, 2)?;
    let Some(deque) = args.first() else { return Ok(Value::NONE) };
    if deque.downcast::<Deque>().is_none() {
        return Err(wrong_parsed(1, "collections.deque", deque));
    }
    let skip = match args.get(1) {
        Some(value) => isize::from_arg(value, At::new(&INDEX, 0))?,
        None => 0,
    };
    let iterator = new::<REVERSE>(deque);
    for _ in 0..skip {
        if next::<REVERSE>(&iterator)?.is_none() {
            break;
        }
    }
    Ok(iterator)
}

fn next<const REVERSE: bool>(this: &Value) -> PyResult<Option<Value>>
where
    DequeIterator<REVERSE>: Payload,
{
    let body = body::<DequeIterator<REVERSE>>(this)?;
    let deque = body.deque.downcast::<Deque>().ok_or_else(|| system_error("expected a deque"))?;
    if REVERSE && body.left.get() == 0 {
        return Ok(None);
    }
    if deque.state() != body.state {
        body.left.set(0);
        return Err(runtime_error("deque mutated during iteration"));
    }
    let Some(left) = body.left.get().checked_sub(1) else { return Ok(None) };
    body.left.set(left);
    let position = body.position.get();
    let index = if REVERSE { position.saturating_sub(1) } else { position };
    body.position.set(if REVERSE { index } else { position + 1 });
    Ok(deque.items().get(index))
}

fn length_hint<const REVERSE: bool>(this: &Value) -> PyResult<usize>
where
    DequeIterator<REVERSE>: Payload,
{
    Ok(body::<DequeIterator<REVERSE>>(this)?.left.get())
}

fn reduce<const REVERSE: bool>(this: &Value) -> PyResult<Value>
where
    DequeIterator<REVERSE>: Payload,
{
    let body = body::<DequeIterator<REVERSE>>(this)?;
    let len = body.deque.downcast::<Deque>().map_or(0, |deque| deque.items().len());
    let index = Value::int(len as i64 - body.left.get() as i64);
    Ok(Tuple::from_vec(vec![this.ty().value(), Tuple::from_vec(vec![body.deque.clone(), index])]))
}
