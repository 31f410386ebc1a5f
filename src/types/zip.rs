//! The type `zip`.

use crate::gc::Visit;
use crate::method;
use crate::object::arguments::{no_keywords, positional};
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::Method;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, attribute, iter};
use crate::types::exceptions::type_error;
use crate::types::tuple::Tuple;
use crate::vm::thread;

/// The body of a zip object.
#[repr(C)]
pub struct Zip {
    header: Header,
    /// A tuple.
    iterators: Value,
    /// The tuple to give, while nobody else has it.
    result: ValueCell,
}

payload!(Zip, ZIP, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.iterators);
        self.result.visit(visit);
    }
});

/// The type object of `zip`.
pub static ZIP: TypeObject = TypeObject::define::<Zip>("zip")
    .flags(TypeFlags::BASE)
    .doc("zip(*iterables) --> A zip object yielding tuples until an input is exhausted.\n\n   >>> list(zip('abcdefg', range(3), range(4)))\n   [('a', 0, 0), ('b', 1, 1), ('c', 2, 2)]\n\nThe zip object yields n-length tuples, where n is the number of iterables\npassed as positional arguments to zip().  The i-th element in every tuple\ncomes from the i-th iterable argument to zip().  This continues until the\nshortest argument is exhausted.")
    .slots(Slots {
        new: Some(new),
        getattr: Some(attribute::generic_get),
        iter: Some(|this| Ok(this.clone())),
        next: Some(next),
        ..Slots::EMPTY
    })
    .methods(&[method!(reduce, "!__reduce__($self, /)", "Return state information for pickling.")] as &[Method]);

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let ty = class.downcast::<TypeObject>().unwrap_or(&ZIP);
    if std::ptr::eq(ty, &ZIP) {
        no_keywords("zip", kwnames)?;
    }
    let iterators = positional(args, kwnames).iter().map(iter::iter).collect::<PyResult<Vec<Value>>>()?;
    let result = ValueCell::new(Some(Tuple::from_vec(vec![Value::NONE; iterators.len()])));
    Ok(new_instance(ty, Zip { header: Header::new(ty), iterators: Tuple::from_vec(iterators), result }))
}

/// The iterators of a zip object.
fn iterators(this: &Value) -> PyResult<&Tuple> {
    let body = this.downcast::<Zip>().and_then(|zip| zip.iterators.exact::<Tuple>());
    body.ok_or_else(|| type_error("expected a zip object"))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    // Iterators over iterators may be nested as deep as memory allows.
    thread::check_native_stack()?;
    let iterators = iterators(this)?;
    if iterators.is_empty() {
        return Ok(None);
    }
    let Some(body) = this.downcast::<Zip>() else { return Ok(None) };
    // As CPython: always the same tuple is filled, item by item, when nobody else refers to it. It is held here meanwhile,
    // so that whoever comes in between gets a new one.
    if let Some(result) = body.result.get()
        && let Some(filled) = Tuple::refill_in_turn(&result, |index| iterators.get(index).map_or(Ok(None), iter::next))
    {
        return Ok(filled?.then_some(result));
    }
    let mut items = Vec::with_capacity(iterators.len());
    for iterator in iterators.iter() {
        match iter::next(iterator)? {
            Some(item) => items.push(item),
            None => return Ok(None),
        }
    }
    Ok(Some(Tuple::from_vec(items)))
}

fn reduce(this: &Value) -> PyResult<Value> {
    Ok(Tuple::from_vec(vec![this.ty().value(), Tuple::from_slice(iterators(this)?.as_slice())]))
}
