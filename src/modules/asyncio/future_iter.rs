//! The type `_asyncio.FutureIter`: what `await future` goes over.

use super::future;
use crate::gc::Visit;
use crate::method;
use crate::modules::arguments::{body, check_parsed_count};
use crate::object::arguments::no_keywords;
use crate::object::error::{PyResult, Raised};
use crate::object::header::{Header, new_object};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute, call};
use crate::types::exceptions::{self, BaseException, runtime_error, system_error, type_error};
use crate::types::generator::Resumed;
use crate::types::traceback::Traceback;
use crate::types::tuple::Tuple;

/// The body of an iterator over a future.
#[repr(C)]
pub struct FutureIter {
    header: Header,
    /// None at the end.
    future: ValueCell,
}

payload!(FutureIter, FUTURE_ITER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.future.visit(visit);
    }
});

/// The type object of iterators over futures.
pub static FUTURE_ITER: TypeObject = TypeObject::define::<FutureIter>("_asyncio.FutureIter")
    .slots(Slots {
        iter: Some(|this| Ok(this.clone())),
        next: Some(next),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(send, "!send($self, value, /)", ""),
        method!(raw throw, "!throw($self, typ, val=None, tb=None, /)", ""),
        method!(|this: &FutureIter| drop(this.future.take()), "!close($self, /)", ""),
    ]);

/// `Future.__await__` and `Future.__iter__`.
///
/// # Errors
/// `RuntimeError` for a future without an event loop.
pub(super) fn new_value(this: &Value) -> PyResult<Value> {
    future::body(this)?.event_loop()?;
    Ok(new_object(FutureIter { header: Header::new(&FUTURE_ITER), future: ValueCell::new(Some(this.clone())) }))
}

/// Yields the future while it is pending, for the task to wait on, then returns its result.
///
/// # Errors
/// The exception of the future; `RuntimeError` when the future that was yielded is not waited for.
pub(crate) fn step(this: &Value) -> PyResult<Resumed> {
    let ended = || Ok(Resumed::Returned(Value::NONE));
    let Some(this) = this.exact::<FutureIter>() else { return ended() };
    let Some(future) = this.future.get() else { return ended() };
    let body = future::body(&future)?;
    if body.is_pending() {
        if body.blocking.replace(true) {
            return Err(runtime_error("await wasn't used with future"));
        }
        return Ok(Resumed::Yielded(future));
    }
    drop(this.future.take());
    future::result(&future).map(Resumed::Returned)
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    match step(this)? {
        Resumed::Yielded(future) => Ok(Some(future)),
        Resumed::Returned(result) if result.is_none() => Ok(None),
        Resumed::Returned(result) => Err(exceptions::stop_iteration(Some(result))),
    }
}

/// The value sent is of no interest: the future's result counts. CPython forgets to raise anything at the end.
fn send(this: &FutureIter, _value: &Value) -> PyResult<Value> {
    if !this.future.is_some() {
        return Err(system_error(
            "<method 'send' of '_asyncio.FutureIter' objects> returned NULL without setting an error",
        ));
    }
    next(&Value::of(this))?.ok_or_else(|| exceptions::stop_iteration(None))
}

fn throw(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    no_keywords("throw", kwnames)?;
    let Some((this, args)) = args.split_first() else {
        return Err(type_error("descriptor 'throw' of '_asyncio.FutureIter' object needs an argument"));
    };
    check_parsed_count(args.len(), 1, 3)?;
    let this = body::<FutureIter>(this)?;
    let [ty, rest @ ..] = args else { return Ok(Value::NONE) };
    let (value, traceback) = (rest.first(), rest.get(1));
    let value = value.filter(|value| !value.is_none());
    let traceback = traceback.filter(|traceback| !traceback.is_none());
    if traceback.is_some_and(|traceback| !traceback.is_exact::<Traceback>()) {
        return Err(type_error("throw() third argument must be a traceback"));
    }
    let exception = if exceptions::as_exception_class(ty).is_some() {
        normalized(ty, value)
    } else if !exceptions::is_exception(ty) {
        return Err(type_error("exceptions must be classes deriving BaseException or instances of such a class"));
    } else if value.is_some() {
        return Err(type_error("instance exception may not have a separate value"));
    } else {
        Ok(ty.clone())
    };
    drop(this.future.take());
    let exception = exception?;
    if let (Some(body), Some(traceback)) = (exception.downcast::<BaseException>(), traceback) {
        body.set_traceback(Some(traceback.clone()));
    }
    Err(Raised::new(exception))
}

/// The exception that a class and a value mean. As `PyErr_NormalizeException`.
fn normalized(class: &Value, value: Option<&Value>) -> PyResult<Value> {
    let Some(value) = value else { return call::call(class, &[]) };
    if exceptions::is_exception(value)
        && class.downcast::<TypeObject>().is_some_and(|class| value.ty().is_subtype(class))
    {
        return Ok(value.clone());
    }
    match value.downcast::<Tuple>() {
        Some(args) => call::call(class, args.as_slice()),
        None => call::call(class, std::slice::from_ref(value)),
    }
}
