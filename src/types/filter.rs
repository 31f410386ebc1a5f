//! The type `filter`.

use crate::gc::Visit;
use crate::method;
use crate::object::arguments::{check_count, no_keywords, positional};
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::Method;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, attribute, call, iter, number};
use crate::types::bool::BOOL;
use crate::types::exceptions::type_error;
use crate::types::tuple::Tuple;
use crate::vm::thread;

/// The body of a filter object.
#[repr(C)]
pub struct Filter {
    header: Header,
    function: Value,
    iterator: Value,
}

payload!(Filter, FILTER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.function);
        visit(&self.iterator);
    }
});

/// The type object of `filter`.
pub static FILTER: TypeObject = TypeObject::define::<Filter>("filter")
    .flags(TypeFlags::BASE)
    .doc("filter(function or None, iterable) --> filter object\n\nReturn an iterator yielding those items of iterable for which function(item)\nis true. If function is None, return the items that are true.")
    .slots(Slots {
        new: Some(new),
        getattr: Some(attribute::generic_get),
        iter: Some(|this| Ok(this.clone())),
        next: Some(next),
        ..Slots::EMPTY
    })
    .methods(&[method!(reduce, "!__reduce__($self, /)", "Return state information for pickling.")] as &[Method]);

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let ty = class.downcast::<TypeObject>().unwrap_or(&FILTER);
    if std::ptr::eq(ty, &FILTER) {
        no_keywords("filter", kwnames)?;
    }
    let args = positional(args, kwnames);
    check_count("filter", args.len(), 2, 2)?;
    let [function, iterable] = args else { return Ok(Value::NONE) };
    let iterator = iter::iter(iterable)?;
    Ok(new_instance(ty, Filter { header: Header::new(ty), function: function.clone(), iterator }))
}

fn body(value: &Value) -> PyResult<&Filter> {
    value.downcast::<Filter>().ok_or_else(|| type_error("expected a filter object"))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    // Iterators over iterators may be nested as deep as memory allows.
    thread::check_native_stack()?;
    let body = body(this)?;
    let by_truth = body.function.is_none() || body.function.is(&BOOL.value());
    while let Some(item) = iter::next(&body.iterator)? {
        let passes = if by_truth {
            number::truth(&item)?
        } else {
            number::truth(&call::call(&body.function, std::slice::from_ref(&item))?)?
        };
        if passes {
            return Ok(Some(item));
        }
    }
    Ok(None)
}

fn reduce(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let arguments = Tuple::from_vec(vec![body.function.clone(), body.iterator.clone()]);
    Ok(Tuple::from_vec(vec![this.ty().value(), arguments]))
}
