//! `itertools.compress`.

use super::{bind, body, class_or, iterator_slots, reduced};
use crate::gc::Visit;
use crate::method;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, Method, thunk};
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, iter, number};
use crate::types::tuple::Tuple;
use crate::vm::thread;

/// The body of a compress object.
#[repr(C)]
pub struct Compress {
    header: Header,
    data: Value,
    selectors: Value,
}

payload!(Compress, COMPRESS, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.data);
        visit(&self.selectors);
    }
});

/// The type object of `compress`.
pub static COMPRESS: TypeObject = TypeObject::define::<Compress>("itertools.compress")
    .flags(TypeFlags::BASE)
    .doc("Return data elements corresponding to true selector elements.\n\nForms a shorter iterator from selected data elements using the selectors to\nchoose the data elements.")
    .slots(iterator_slots(new, next))
    .methods(&[method!(reduce, "!__reduce__($self, /)", "Return state information for pickling.")] as &[Method]);

static NEW: Function = Function::new("compress($type, data, selectors)", "", thunk(make));

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    bind(&NEW, class, args, kwnames)
}

fn make(class: &Value, data: &Value, selectors: &Value) -> PyResult<Value> {
    let ty = class_or(class, &COMPRESS);
    let data = iter::iter(data)?;
    let selectors = iter::iter(selectors)?;
    Ok(new_instance(ty, Compress { header: Header::new(ty), data, selectors }))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    // Iterators over iterators may be nested as deep as memory allows.
    thread::check_native_stack()?;
    let body = body::<Compress>(this)?;
    loop {
        let Some(item) = iter::next(&body.data)? else { return Ok(None) };
        let Some(selector) = iter::next(&body.selectors)? else { return Ok(None) };
        if number::truth(&selector)? {
            return Ok(Some(item));
        }
    }
}

fn reduce(this: &Value) -> PyResult<Value> {
    let body = body::<Compress>(this)?;
    Ok(reduced(this, vec![Tuple::from_vec(vec![body.data.clone(), body.selectors.clone()])]))
}
