//! The type `map`.

use crate::gc::Visit;
use crate::method;
use crate::object::arguments::{no_keywords, positional};
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::Method;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, attribute, call, iter};
use crate::types::exceptions::type_error;
use crate::types::tuple::Tuple;
use crate::vm::thread;

/// The body of a map object.
#[repr(C)]
pub struct Map {
    header: Header,
    function: Value,
    /// A tuple.
    iterators: Value,
}

payload!(Map, MAP, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.function);
        visit(&self.iterators);
    }
});

/// The type object of `map`.
pub static MAP: TypeObject = TypeObject::define::<Map>("map")
    .flags(TypeFlags::BASE)
    .doc("map(func, *iterables) --> map object\n\nMake an iterator that computes the function using arguments from\neach of the iterables.  Stops when the shortest iterable is exhausted.")
    .slots(Slots {
        new: Some(new),
        getattr: Some(attribute::generic_get),
        iter: Some(|this| Ok(this.clone())),
        next: Some(next),
        ..Slots::EMPTY
    })
    .methods(&[method!(reduce, "!__reduce__($self, /)", "Return state information for pickling.")] as &[Method]);

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let ty = class.downcast::<TypeObject>().unwrap_or(&MAP);
    if std::ptr::eq(ty, &MAP) {
        no_keywords("map", kwnames)?;
    }
    let Some((function, iterables)) = positional(args, kwnames).split_first().filter(|(_, rest)| !rest.is_empty())
    else {
        return Err(type_error("map() must have at least two arguments."));
    };
    let iterators = iterables.iter().map(iter::iter).collect::<PyResult<Vec<Value>>>()?;
    let body = Map { header: Header::new(ty), function: function.clone(), iterators: Tuple::from_vec(iterators) };
    Ok(new_instance(ty, body))
}

/// The function and the iterators of a map object.
fn parts(this: &Value) -> PyResult<(&Value, &Tuple)> {
    let parts = this.downcast::<Map>().and_then(|map| Some((&map.function, map.iterators.exact::<Tuple>()?)));
    parts.ok_or_else(|| type_error("expected a map object"))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    // Iterators over iterators may be nested as deep as memory allows.
    thread::check_native_stack()?;
    let (function, iterators) = parts(this)?;
    if let [iterator] = iterators.as_slice() {
        return match iter::next(iterator)? {
            Some(item) => call::call(function, &[item]).map(Some),
            None => Ok(None),
        };
    }
    let mut items = Vec::with_capacity(iterators.len());
    for iterator in iterators.iter() {
        match iter::next(iterator)? {
            Some(item) => items.push(item),
            None => return Ok(None),
        }
    }
    call::call(function, &items).map(Some)
}

fn reduce(this: &Value) -> PyResult<Value> {
    let (function, iterators) = parts(this)?;
    let mut arguments = vec![function.clone()];
    arguments.extend_from_slice(iterators.as_slice());
    Ok(Tuple::from_vec(vec![this.ty().value(), Tuple::from_vec(arguments)]))
}
