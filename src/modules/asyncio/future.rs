//! The type `_asyncio.Future`.

use super::library::{self, cancelled, invalid_state};
use super::task::Task;
use super::{call_soon, future_iter, keyword_values, running_loop};
use crate::gc::Visit;
use crate::modules::arguments::class_or;
use crate::modules::contextvars;
use crate::object::error::{PyResult, Raised};
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, GetSet, Method, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, attribute, call, compare, number, text};
use crate::types::dict::Dict;
use crate::types::exceptions::{
    self, STOP_ITERATION, attribute_error, is_exception, runtime_error, system_error, type_error, value_error,
};
use crate::types::list::List;
use crate::types::str::{Str, intern};
use crate::types::tuple::Tuple;
use crate::vm::finalize::is_finalizing;
use crate::vm::thread::report_unraisable;
use crate::{method, name};
use std::cell::Cell;

/// How far a future is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Pending,
    Cancelled,
    Finished,
}

/// What futures and tasks have.
#[repr(C)]
pub struct Fields {
    /// None before `__init__`.
    pub(super) event_loop: ValueCell,
    /// The first callback and its context: most futures have no other.
    callback: ValueCell,
    context: ValueCell,
    /// The others: a list of tuples of a callback and its context.
    callbacks: ValueCell,
    exception: ValueCell,
    result: ValueCell,
    pub(super) source_traceback: ValueCell,
    pub(super) state: Cell<State>,
    /// The exception has not been retrieved.
    pub(super) log_traceback: Cell<bool>,
    /// An `await` has yielded the future: the task that gets it is to wait for it.
    pub(super) blocking: Cell<bool>,
}

/// The body of a future.
#[repr(C)]
pub struct Future {
    header: Header,
    fields: Fields,
}

payload!(Future, FUTURE, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.fields.traverse(visit);
    }
    fn clear_references(&self) {
        self.fields.clear();
    }
});

const INIT_DOC: &str = "This class is *almost* compatible with concurrent.futures.Future.\n\n    Differences:\n\n    - result() and exception() do not take a timeout argument and\n      raise an exception when the future isn't done yet.\n\n    - Callbacks registered with add_done_callback() are always called\n      via the event loop's call_soon_threadsafe().\n\n    - This class is not compatible with the wait() and as_completed()\n      methods in the concurrent.futures package.";

/// The type object of futures.
pub static FUTURE: TypeObject = TypeObject::define::<Future>("_asyncio.Future")
    .flags(TypeFlags::BASE)
    .with_attributes()
    .with_weakrefs()
    .doc(INIT_DOC)
    .slots(Slots {
        new: Some(|class, _, _| {
            let ty = class_or(class, &FUTURE);
            Ok(new_instance(ty, Future { header: Header::new(ty), fields: Fields::new() }))
        }),
        init: Some(|this, args, kwnames| {
            if let Some([event_loop]) = keyword_values(args, kwnames, 0, [name!("loop")]) {
                return init(this, event_loop);
            }
            static INIT: Function = Function::new("Future($self, /, *, loop=None)", "", thunk(init));
            super::bind_init(&INIT, this, args, kwnames)
        }),
        finalize: Some(finalize),
        repr: Some(repr),
        iter: Some(future_iter::new_value),
        await_: Some(future_iter::new_value),
        ..Slots::EMPTY
    })
    .methods(&[
        RESULT,
        EXCEPTION,
        method!(
            set_result,
            "set_result($self, result, /)",
            "Mark the future done and set its result.\n\nIf the future is already done when this method is called, raises\nInvalidStateError."
        ),
        method!(
            |this: &Value, exception: &Value| {
                body(this)?.event_loop()?;
                set_exception(this, exception)
            },
            "set_exception($self, exception, /)",
            "Mark the future done and set an exception.\n\nIf the future is already done when this method is called, raises\nInvalidStateError."
        ),
        ADD_DONE_CALLBACK,
        REMOVE_DONE_CALLBACK,
        method!(
            |this: &Value| {
                body(this)?.event_loop()?;
                cancel(this)
            },
            "cancel($self, /)",
            "Cancel the future and schedule callbacks.\n\nIf the future is already done or cancelled, return False.  Otherwise,\nchange the future's state to cancelled, schedule the callbacks and\nreturn True."
        ),
        CANCELLED,
        DONE,
        method!(
            |this: &Value| body(this)?.event_loop(),
            "get_loop($self, /)",
            "Return the event loop the Future is bound to."
        ),
        method!(
            |this: &Value| call::call(&library::get()?.future_repr_info, std::slice::from_ref(this)),
            "_repr_info($self, /)",
            ""
        ),
    ])
    .getset(&COMMON_GETSET);

/// Methods that the type of tasks lists as its own.
pub(super) const RESULT: Method = method!(
    result,
    "result($self, /)",
    "Return the result this future represents.\n\nIf the future has been cancelled, raises CancelledError.  If the\nfuture's result isn't yet available, raises InvalidStateError.  If\nthe future is done and has an exception set, this exception is raised."
);
pub(super) const EXCEPTION: Method = method!(
    exception,
    "exception($self, /)",
    "Return the exception that was set on this future.\n\nThe exception (or None if no exception was set) is returned only if\nthe future is done.  If the future has been cancelled, raises\nCancelledError.  If the future isn't done yet, raises\nInvalidStateError."
);
pub(super) const ADD_DONE_CALLBACK: Method = method!(
    |this: &Value, callback: &Value, context: Option<&Value>| match context {
        Some(context) => add_done_callback(this, callback, context),
        None => add_done_callback(this, callback, &contextvars::copy_context()?),
    },
    "add_done_callback($self, fn, /, *, context=<unrepresentable>)",
    "Add a callback to be run when the future becomes done.\n\nThe callback is called with a single argument - the future object. If\nthe future is already done when this is called, the callback is\nscheduled with call_soon."
);
pub(super) const REMOVE_DONE_CALLBACK: Method = method!(
    remove_done_callback,
    "remove_done_callback($self, fn, /)",
    "Remove all instances of a callback from the \"call when done\" list.\n\nReturns the number of callbacks removed."
);
pub(super) const CANCELLED: Method = method!(
    |this: &Value| body(this).map(|body| body.is_alive() && body.state.get() == State::Cancelled),
    "cancelled($self, /)",
    "Return True if the future was cancelled."
);
pub(super) const DONE: Method = method!(
    |this: &Value| body(this).map(|body| body.is_alive() && !body.is_pending()),
    "done($self, /)",
    "Return True if the future is done.\n\nDone means either that a result / exception are available, or that the\nfuture was cancelled."
);

/// Attributes that the type of tasks lists as its own.
pub(super) const COMMON_GETSET: [GetSet; 8] = [
    GetSet::read_only("_state", |this| {
        let body = body(this)?;
        body.event_loop()?;
        Ok(match body.state.get() {
            State::Pending => name!("PENDING"),
            State::Cancelled => name!("CANCELLED"),
            State::Finished => name!("FINISHED"),
        }
        .clone())
    }),
    GetSet::new(
        "_asyncio_future_blocking",
        |this| body(this).map(|body| Value::bool(body.is_alive() && body.blocking.get())),
        |this, value| {
            let body = body(this)?;
            body.event_loop()?;
            body.blocking.set(flag(value)?);
            Ok(())
        },
    ),
    GetSet::read_only("_loop", |this| Ok(body(this)?.event_loop.get().unwrap_or(Value::NONE))),
    GetSet::read_only("_callbacks", callbacks),
    GetSet::read_only("_result", |this| {
        let body = body(this)?;
        body.event_loop()?;
        Ok(body.result.get().unwrap_or(Value::NONE))
    }),
    GetSet::read_only("_exception", |this| {
        let body = body(this)?;
        body.event_loop()?;
        Ok(body.exception.get().unwrap_or(Value::NONE))
    }),
    GetSet::new(
        "_log_traceback",
        |this| {
            let body = body(this)?;
            body.event_loop()?;
            Ok(Value::bool(body.log_traceback.get()))
        },
        |this, value| {
            if flag(value)? {
                return Err(value_error("_log_traceback can only be set to False"));
            }
            body(this)?.log_traceback.set(false);
            Ok(())
        },
    ),
    GetSet::read_only("_source_traceback", |this| {
        let body = body(this)?;
        Ok(body.source_traceback.get().filter(|_| body.is_alive()).unwrap_or(Value::NONE))
    }),
];

/// The truth of a value that an attribute is set to.
pub(super) fn flag(value: Option<&Value>) -> PyResult<bool> {
    number::truth(value.ok_or_else(|| attribute_error("cannot delete attribute"))?)
}

/// What a future or task, or an instance of a derived class, has.
#[inline]
pub(super) fn body(value: &Value) -> PyResult<&Fields> {
    if let Some(body) = exact_body(value) {
        return Ok(body);
    }
    match value.downcast::<Future>() {
        Some(future) => Ok(&future.fields),
        None => Err(type_error(format!("expected a future, got {}", value.ty().name()))),
    }
}

/// As [`body`], for neither an instance of a derived class. As `Future_CheckExact || Task_CheckExact`.
#[inline]
pub(super) fn exact_body(value: &Value) -> Option<&Fields> {
    match value.exact::<Future>() {
        Some(future) => Some(&future.fields),
        None => value.exact::<Task>().map(|task| &task.future),
    }
}

impl Fields {
    pub(super) fn new() -> Fields {
        Fields {
            event_loop: ValueCell::EMPTY,
            callback: ValueCell::EMPTY,
            context: ValueCell::EMPTY,
            callbacks: ValueCell::EMPTY,
            exception: ValueCell::EMPTY,
            result: ValueCell::EMPTY,
            source_traceback: ValueCell::EMPTY,
            state: Cell::new(State::Pending),
            log_traceback: Cell::new(false),
            blocking: Cell::new(false),
        }
    }

    fn cells(&self) -> [&ValueCell; 7] {
        [
            &self.event_loop,
            &self.callback,
            &self.context,
            &self.callbacks,
            &self.result,
            &self.exception,
            &self.source_traceback,
        ]
    }

    pub(super) fn traverse(&self, visit: Visit<'_>) {
        for cell in self.cells() {
            cell.visit(visit);
        }
    }

    pub(super) fn clear(&self) {
        for cell in self.cells() {
            if cell.is_some() {
                drop(cell.take());
            }
        }
    }

    #[inline]
    pub(super) fn is_alive(&self) -> bool {
        self.event_loop.is_some()
    }

    #[inline]
    pub(super) fn is_pending(&self) -> bool {
        self.state.get() == State::Pending
    }

    /// Its event loop.
    #[inline]
    pub(super) fn event_loop(&self) -> PyResult<Value> {
        self.event_loop.get().ok_or_else(|| runtime_error("Future object is not initialized."))
    }
}

/// `Future.__init__`, which may be called again.
pub(super) fn init(this: &Value, event_loop: Option<&Value>) -> PyResult<()> {
    let body = body(this)?;
    body.clear();
    body.state.set(State::Pending);
    body.log_traceback.set(false);
    body.blocking.set(false);
    let event_loop = match event_loop {
        Some(event_loop) if !event_loop.is_none() => event_loop.clone(),
        _ => running_loop::get_event_loop()?,
    };
    body.event_loop.set(Some(event_loop.clone()));
    let debug = call::call_method(&event_loop, name!("get_debug"), &[])?;
    // At the end of the program the module `traceback` may be gone.
    if number::truth(&debug)? && !is_finalizing() {
        let stack = call::call(&library::get()?.extract_stack, &[])?;
        body.source_traceback.set(Some(stack));
    }
    Ok(())
}

/// Hands the callbacks to the event loop.
fn schedule_callbacks(this: &Value, body: &Fields) -> PyResult<()> {
    if let Some(callback) = body.callback.get() {
        let scheduled = call_soon(&body.event_loop()?, &callback, Some(this), body.context.get().as_ref());
        drop((body.callback.take(), body.context.take()));
        if let Err(raised) = scheduled {
            drop(body.callbacks.take());
            return Err(raised);
        }
    }
    let Some(callbacks) = body.callbacks.get() else { return Ok(()) };
    let result = schedule_list(this, body, &callbacks);
    drop(body.callbacks.take());
    result
}

fn schedule_list(this: &Value, body: &Fields, callbacks: &Value) -> PyResult<()> {
    let items = items_of(callbacks)?.items();
    for index in 0..items.len() {
        let Some(item) = items.get(index) else { break };
        let (callback, context) = pair(&item)?;
        call_soon(&body.event_loop()?, callback, Some(this), Some(context))?;
    }
    Ok(())
}

fn items_of(callbacks: &Value) -> PyResult<&List> {
    callbacks.exact::<List>().ok_or_else(|| system_error("the callbacks of a future are not in a list"))
}

/// A callback and its context. Programs can put other things into the list, at which CPython crashes.
fn pair(item: &Value) -> PyResult<(&Value, &Value)> {
    match item.downcast::<Tuple>().map(Tuple::as_slice) {
        Some([callback, context]) => Ok((callback, context)),
        _ => Err(system_error("a callback of a future is not a tuple of two")),
    }
}

/// `Future.set_result(result)`.
pub(super) fn set_result(this: &Value, result: &Value) -> PyResult<()> {
    let body = body(this)?;
    body.event_loop()?;
    if !body.is_pending() {
        return Err(invalid_state("invalid state"));
    }
    body.result.set(Some(result.clone()));
    body.state.set(State::Finished);
    schedule_callbacks(this, body)
}

/// `Future.set_exception(exception)`.
pub(super) fn set_exception(this: &Value, exception: &Value) -> PyResult<()> {
    let body = body(this)?;
    if !body.is_pending() {
        return Err(invalid_state("invalid state"));
    }
    let mut exception = exception.clone();
    if exceptions::as_exception_class(&exception).is_some() {
        exception = call::call(&exception, &[])?;
        if !body.is_pending() {
            return Err(invalid_state("invalid state"));
        }
    }
    if !is_exception(&exception) {
        return Err(type_error("invalid exception object"));
    }
    if std::ptr::eq(exception.ty(), &STOP_ITERATION) {
        return Err(type_error("StopIteration interacts badly with generators and cannot be raised into a Future"));
    }
    body.exception.set(Some(exception));
    body.state.set(State::Finished);
    schedule_callbacks(this, body)?;
    body.log_traceback.set(true);
    Ok(())
}

/// The result of a future that is done as `Ok(Ok(_))`, its exception as `Ok(Err(_))`.
pub(super) fn outcome(body: &Fields) -> PyResult<Result<Value, Value>> {
    match body.state.get() {
        State::Cancelled => return Err(cancelled()),
        State::Pending => return Err(invalid_state("Result is not set.")),
        State::Finished => {}
    }
    body.log_traceback.set(false);
    Ok(match body.exception.get() {
        Some(exception) => Err(exception),
        None => Ok(body.result.get().unwrap_or(Value::NONE)),
    })
}

/// `Future.result()`.
pub(super) fn result(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    if !body.is_alive() {
        return Err(invalid_state("Future object is not initialized."));
    }
    outcome(body)?.map_err(Raised::new)
}

fn exception(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    if !body.is_alive() {
        return Err(invalid_state("Future object is not initialized."));
    }
    match body.state.get() {
        State::Cancelled => return Err(cancelled()),
        State::Pending => return Err(invalid_state("Exception is not set.")),
        State::Finished => {}
    }
    let exception = body.exception.get();
    if exception.is_some() {
        body.log_traceback.set(false);
    }
    Ok(exception.unwrap_or(Value::NONE))
}

/// `Future.add_done_callback(callback, context=context)`.
pub(super) fn add_done_callback(this: &Value, callback: &Value, context: &Value) -> PyResult<()> {
    let body = body(this)?;
    let event_loop = body.event_loop.get().ok_or_else(|| runtime_error("uninitialized Future object"))?;
    if !body.is_pending() {
        return call_soon(&event_loop, callback, Some(this), Some(context));
    }
    if !body.callbacks.is_some() && !body.callback.is_some() {
        body.callback.set(Some(callback.clone()));
        body.context.set(Some(context.clone()));
        return Ok(());
    }
    let item = Tuple::from_array([callback.clone(), context.clone()]);
    match body.callbacks.get() {
        Some(callbacks) => items_of(&callbacks)?.items().push(item),
        None => body.callbacks.set(Some(List::from_vec(vec![item]))),
    }
    Ok(())
}

fn remove_done_callback(this: &Value, callback: &Value) -> PyResult<Value> {
    let body = body(this)?;
    body.event_loop()?;
    let mut removed = 0;
    if let Some(first) = body.callback.get()
        && compare::equal(&first, callback)?
    {
        drop((body.callback.take(), body.context.take()));
        removed = 1;
    }
    let Some(callbacks) = body.callbacks.get() else { return Ok(Value::int(removed)) };
    let items = items_of(&callbacks)?.items();
    let mut kept = Vec::with_capacity(items.len());
    let mut index = 0;
    // Comparing may run code that changes the list.
    while let Some(item) = items.get(index) {
        if !compare::equal(pair(&item)?.0, callback)? {
            kept.push(item);
        }
        index += 1;
    }
    let (before, left) = (items.len(), kept.len());
    if left == 0 {
        if body.callbacks.peek_bits() == callbacks.bits() {
            drop(body.callbacks.take());
        }
        return Ok(Value::int(removed + before as i64));
    }
    if left != before {
        drop(items.replace(kept));
    }
    Ok(Value::int(removed + before as i64 - left as i64))
}

/// `Future.cancel()` without the check for an event loop.
pub(super) fn cancel(this: &Value) -> PyResult<bool> {
    let body = body(this)?;
    body.log_traceback.set(false);
    if !body.is_pending() {
        return Ok(false);
    }
    body.state.set(State::Cancelled);
    schedule_callbacks(this, body)?;
    Ok(true)
}

fn callbacks(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    body.event_loop()?;
    let others = body.callbacks.get();
    let Some(first) = body.callback.get() else { return Ok(others.unwrap_or(Value::NONE)) };
    let mut all = vec![Tuple::from_array([first, body.context.get().unwrap_or(Value::NONE)])];
    if let Some(others) = others {
        all.append(&mut items_of(&others)?.items().snapshot());
    }
    Ok(List::from_vec(all))
}

/// `repr` of futures and tasks.
pub(super) fn repr(this: &Value) -> PyResult<Value> {
    body(this)?.event_loop()?;
    let info = call::call_method(this, name!("_repr_info"), &[])?;
    let info = crate::types::str::join(&intern(" "), &info)?;
    Ok(Str::new_value(&format!("<{} {}>", this.ty().short_name(), text::str_string(&info)?)))
}

/// Calls the event loop's `call_exception_handler`; what that raises is reported.
pub(super) fn tell_event_loop(body: &Fields, context: &[(&str, Value)]) {
    let Some(event_loop) = body.event_loop.get() else { return };
    let entries = Dict::new_value();
    if let Some(entries) = entries.exact::<Dict>() {
        for (key, value) in context {
            entries.set_text(key, value.clone());
        }
        if let Some(stack) = body.source_traceback.get() {
            entries.set_text("source_traceback", stack);
        }
    }
    let Ok(handler) = attribute::get(&event_loop, name!("call_exception_handler")) else { return };
    if let Err(raised) = call::call(&handler, &[entries]) {
        report_unraisable(raised, &handler);
    }
}

/// Tells the event loop of an exception that nobody has asked for.
pub(super) fn finalize(this: &Value) {
    let Ok(body) = body(this) else { return };
    if !body.log_traceback.replace(false) {
        return;
    }
    let message = format!("{} exception was never retrieved", this.ty().short_name());
    let exception = body.exception.get().unwrap_or(Value::NONE);
    tell_event_loop(body, &[("message", Str::new_value(&message)), ("exception", exception), ("future", this.clone())]);
}

const _: () = assert!(std::mem::offset_of!(Future, fields) == std::mem::offset_of!(Task, future));
