//! `itertools.starmap`.

use super::{body, by_position, class_or, iterator_slots, reduced};
use crate::gc::Visit;
use crate::method;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::Method;
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, call, iter};
use crate::types::tuple::{self, Tuple};
use crate::vm::thread;

/// The body of a starmap object.
#[repr(C)]
pub struct StarMap {
    header: Header,
    function: Value,
    iterator: Value,
}

payload!(StarMap, STARMAP, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.iterator);
        visit(&self.function);
    }
});

/// The type object of `starmap`.
pub static STARMAP: TypeObject = TypeObject::define::<StarMap>("itertools.starmap")
    .flags(TypeFlags::BASE)
    .doc("Return an iterator whose values are returned from the function evaluated with an argument tuple taken from the given sequence.")
    .slots(iterator_slots(new, next))
    .methods(&[method!(reduce, "!__reduce__($self, /)", "Return state information for pickling.")] as &[Method]);

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let ty = class_or(class, &STARMAP);
    let [function, iterable] = by_position(&STARMAP, class, args, kwnames, 2)? else { return Ok(Value::NONE) };
    let iterator = iter::iter(iterable)?;
    Ok(new_instance(ty, StarMap { header: Header::new(ty), function: function.clone(), iterator }))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    // Iterators over iterators may be nested as deep as memory allows.
    thread::check_native_stack()?;
    let body = body::<StarMap>(this)?;
    let Some(item) = iter::next(&body.iterator)? else { return Ok(None) };
    let arguments = tuple::from_iterable(&item)?;
    let arguments = arguments.downcast::<Tuple>().map_or(&[] as &[Value], Tuple::as_slice);
    call::call(&body.function, arguments).map(Some)
}

fn reduce(this: &Value) -> PyResult<Value> {
    let body = body::<StarMap>(this)?;
    Ok(reduced(this, vec![Tuple::from_vec(vec![body.function.clone(), body.iterator.clone()])]))
}
