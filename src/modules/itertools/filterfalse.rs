//! `itertools.filterfalse`.

use super::{body, by_position, class_or, iterator_slots, reduced};
use crate::gc::Visit;
use crate::method;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::Method;
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, call, iter, number};
use crate::types::bool::BOOL;
use crate::types::tuple::Tuple;
use crate::vm::thread;

/// The body of a filterfalse object.
#[repr(C)]
pub struct FilterFalse {
    header: Header,
    function: Value,
    iterator: Value,
}

payload!(FilterFalse, FILTERFALSE, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.iterator);
        visit(&self.function);
    }
});

/// The type object of `filterfalse`.
pub static FILTERFALSE: TypeObject = TypeObject::define::<FilterFalse>("itertools.filterfalse")
    .flags(TypeFlags::BASE)
    .doc("Return those items of iterable for which function(item) is false.\n\nIf function is None, return the items that are false.")
    .slots(iterator_slots(new, next))
    .methods(&[method!(reduce, "!__reduce__($self, /)", "Return state information for pickling.")] as &[Method]);

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let ty = class_or(class, &FILTERFALSE);
    let [function, iterable] = by_position(&FILTERFALSE, class, args, kwnames, 2)? else { return Ok(Value::NONE) };
    let iterator = iter::iter(iterable)?;
    Ok(new_instance(ty, FilterFalse { header: Header::new(ty), function: function.clone(), iterator }))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    // Iterators over iterators may be nested as deep as memory allows.
    thread::check_native_stack()?;
    let body = body::<FilterFalse>(this)?;
    let plain = body.function.is_none() || body.function.is(&BOOL.value());
    loop {
        let Some(item) = iter::next(&body.iterator)? else { return Ok(None) };
        let good = if plain {
            number::truth(&item)?
        } else {
            number::truth(&call::call(&body.function, std::slice::from_ref(&item))?)?
        };
        if !good {
            return Ok(Some(item));
        }
    }
}

fn reduce(this: &Value) -> PyResult<Value> {
    let body = body::<FilterFalse>(this)?;
    Ok(reduced(this, vec![Tuple::from_vec(vec![body.function.clone(), body.iterator.clone()])]))
}
