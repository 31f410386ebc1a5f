//! `itertools.accumulate`.

use super::chain::CHAIN;
use super::islice::ISLICE;
use super::{bind, body, class_or, iterator_slots, reduced};
use crate::gc::Visit;
use crate::method;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, Method, thunk};
use crate::object::slots::BinaryOp;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, call, iter, number};
use crate::types::tuple::Tuple;
use crate::vm::thread;

/// The body of an accumulate object.
#[repr(C)]
pub struct Accumulate {
    header: Header,
    /// Empty before the first item.
    total: ValueCell,
    iterator: Value,
    /// Unbound: addition.
    function: Value,
    /// What comes before the first item, if it is still to come.
    initial: ValueCell,
}

payload!(Accumulate, ACCUMULATE, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.function);
        visit(&self.iterator);
        self.total.visit(visit);
        self.initial.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.total.take());
        drop(self.initial.take());
    }
});

/// The type object of `accumulate`.
pub static ACCUMULATE: TypeObject = TypeObject::define::<Accumulate>("itertools.accumulate")
    .flags(TypeFlags::BASE)
    .doc("Return series of accumulated sums (or other binary function results).")
    .slots(iterator_slots(new, next))
    .methods(&[
        method!(reduce, "!__reduce__($self, /)", "Return state information for pickling."),
        method!(set_state, "!__setstate__($self, state, /)", "Set state information for unpickling."),
    ] as &[Method]);

static NEW: Function = Function::new("accumulate($type, iterable, func=None, *, initial=None)", "", thunk(make));

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    bind(&NEW, class, args, kwnames)
}

fn make(class: &Value, iterable: &Value, function: Option<&Value>, initial: Option<&Value>) -> PyResult<Value> {
    let ty = class_or(class, &ACCUMULATE);
    let iterator = iter::iter(iterable)?;
    let function = function.filter(|function| !function.is_none()).cloned().unwrap_or(Value::UNBOUND);
    let initial = ValueCell::new(initial.filter(|initial| !initial.is_none()).cloned());
    Ok(new_instance(ty, Accumulate { header: Header::new(ty), total: ValueCell::EMPTY, iterator, function, initial }))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    // Iterators over iterators may be nested as deep as memory allows.
    thread::check_native_stack()?;
    let body = body::<Accumulate>(this)?;
    if let Some(initial) = body.initial.take() {
        body.total.set(Some(initial.clone()));
        return Ok(Some(initial));
    }
    let Some(item) = iter::next(&body.iterator)? else { return Ok(None) };
    let total = match (body.total.get(), body.function.bound()) {
        (None, _) => item,
        (Some(total), None) => number::binary(BinaryOp::Add, &total, &item)?,
        (Some(total), Some(function)) => call::call(function, &[total, item])?,
    };
    body.total.set(Some(total.clone()));
    Ok(Some(total))
}

fn reduce(this: &Value) -> PyResult<Value> {
    let body = body::<Accumulate>(this)?;
    let function = body.function.bound().cloned().unwrap_or(Value::NONE);
    let before = |value: Value| call::call(&CHAIN.value(), &[Tuple::from_vec(vec![value]), body.iterator.clone()]);
    if let Some(initial) = body.initial.get() {
        let arguments = Tuple::from_vec(vec![before(initial)?, function]);
        return Ok(reduced(this, vec![arguments, Value::NONE]));
    }
    match body.total.get() {
        // A total of None looks like no total in a state: the same items are had by skipping one.
        Some(total) if total.is_none() => {
            let whole = call::call(&this.ty().value(), &[before(total)?, function])?;
            let arguments = Tuple::from_vec(vec![whole, Value::int(1), Value::NONE]);
            Ok(Tuple::from_vec(vec![ISLICE.value(), arguments]))
        }
        total => {
            let arguments = Tuple::from_vec(vec![body.iterator.clone(), function]);
            Ok(reduced(this, vec![arguments, total.unwrap_or(Value::NONE)]))
        }
    }
}

fn set_state(this: &Accumulate, state: &Value) {
    this.total.set(Some(state.clone()));
}
