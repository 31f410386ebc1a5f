//! The type `callable_iterator`: what `iter(callable, sentinel)` gives.

use crate::gc::Visit;
use crate::method;
use crate::object::builtins;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::Method;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute, call, compare};
use crate::types::exceptions::{is_stop_iteration, type_error};
use crate::types::list::exhausted;
use crate::types::tuple::Tuple;

/// The body of a callable iterator.
#[repr(C)]
pub struct CallableIterator {
    header: Header,
    /// Empty at the end.
    callable: ValueCell,
    /// Empty at the end.
    sentinel: ValueCell,
}

payload!(CallableIterator, CALLABLE_ITERATOR, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.callable.visit(visit);
        self.sentinel.visit(visit);
    }
});

/// The type object of callable iterators.
pub static CALLABLE_ITERATOR: TypeObject = TypeObject::define::<CallableIterator>("callable_iterator")
    .slots(Slots {
        iter: Some(|this| Ok(this.clone())),
        next: Some(next),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[method!(reduce, "!__reduce__($self, /)", "Return state information for pickling.")] as &[Method]);

/// `iter(callable, sentinel)`: calls until the result equals the sentinel.
///
/// # Errors
/// `TypeError` when `callable` cannot be called.
pub fn new(callable: &Value, sentinel: &Value) -> PyResult<Value> {
    if !call::is_callable(callable) {
        return Err(type_error("iter(v, w): v must be callable"));
    }
    Ok(new_object(CallableIterator {
        header: Header::new(&CALLABLE_ITERATOR),
        callable: ValueCell::new(Some(callable.clone())),
        sentinel: ValueCell::new(Some(sentinel.clone())),
    }))
}

impl CallableIterator {
    fn end(&self) {
        self.callable.set(None);
        self.sentinel.set(None);
    }
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let Some(body) = this.exact::<CallableIterator>() else { return Err(type_error("expected a callable_iterator")) };
    let Some(callable) = body.callable.get() else { return Ok(None) };
    match call::call(&callable, &[]) {
        Ok(result) => {
            // The call may have ended this iterator.
            let Some(sentinel) = body.sentinel.get() else { return Ok(None) };
            if compare::equal(&sentinel, &result)? {
                body.end();
                return Ok(None);
            }
            Ok(Some(result))
        }
        Err(raised) if is_stop_iteration(&raised) => {
            body.end();
            Ok(None)
        }
        Err(raised) => Err(raised),
    }
}

fn reduce(this: &CallableIterator) -> PyResult<Value> {
    match (this.callable.get(), this.sentinel.get()) {
        (Some(callable), Some(sentinel)) => {
            Ok(Tuple::from_vec(vec![builtins::get("iter")?, Tuple::from_vec(vec![callable, sentinel])]))
        }
        _ => exhausted(Tuple::empty()),
    }
}
