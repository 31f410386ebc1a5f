//! The type `_asyncio.Task`.

use super::future::{
    self, ADD_DONE_CALLBACK, CANCELLED, COMMON_GETSET, DONE, EXCEPTION, FUTURE, Fields, REMOVE_DONE_CALLBACK, RESULT,
    flag,
};
use super::{future_iter, keyword_values, library, running_loop, task_registry, task_step};
use crate::gc::Visit;
use crate::modules::arguments::class_or;
use crate::modules::{contextvars, warnings};
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, GetSet, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, call, number, text};
use crate::types::exceptions::{DEPRECATION_WARNING, runtime_error, type_error};
use crate::types::generator::COROUTINE;
use crate::types::str::Str;
use crate::{method, name};
use std::cell::Cell;

/// The body of a task: that of a future, and the coroutine.
#[repr(C)]
pub struct Task {
    header: Header,
    pub(super) future: Fields,
    /// The future that it waits for.
    pub(super) waiter: ValueCell,
    /// None before `__init__`.
    pub(super) coroutine: ValueCell,
    name: ValueCell,
    pub(super) context: ValueCell,
    /// The next step raises `CancelledError` in the coroutine.
    pub(super) must_cancel: Cell<bool>,
    /// Its end is reported if it comes while the task is pending.
    log_destroy_pending: Cell<bool>,
}

payload!(Task, TASK, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        for cell in self.cells() {
            cell.visit(visit);
        }
        self.future.traverse(visit);
    }
    fn clear_references(&self) {
        self.future.clear();
        for cell in self.cells() {
            drop(cell.take());
        }
    }
});

impl Task {
    fn cells(&self) -> [&ValueCell; 4] {
        [&self.context, &self.coroutine, &self.name, &self.waiter]
    }
}

/// The type object of tasks.
pub static TASK: TypeObject = TypeObject::define::<Task>("_asyncio.Task")
    .base(&FUTURE)
    .flags(TypeFlags::BASE)
    .with_attributes()
    .with_weakrefs()
    .doc("A coroutine wrapped in a Future.")
    .slots(Slots {
        new: Some(|class, _, _| {
            let ty = class_or(class, &TASK);
            let task = Task {
                header: Header::new(ty),
                future: Fields::new(),
                waiter: ValueCell::EMPTY,
                coroutine: ValueCell::EMPTY,
                name: ValueCell::EMPTY,
                context: ValueCell::EMPTY,
                must_cancel: Cell::new(false),
                log_destroy_pending: Cell::new(false),
            };
            Ok(new_instance(ty, task))
        }),
        init: Some(|this, args, kwnames| {
            if let Some([event_loop, name]) = keyword_values(args, kwnames, 1, [name!("loop"), name!("name")])
                && let Some(coroutine) = args.first()
            {
                return init(this, coroutine, event_loop, name);
            }
            static INIT: Function = Function::new("Task($self, /, coro, *, loop=None, name=None)", "", thunk(init));
            super::bind_init(&INIT, this, args, kwnames)
        }),
        finalize: Some(finalize),
        repr: Some(future::repr),
        iter: Some(future_iter::new_value),
        await_: Some(future_iter::new_value),
        ..Slots::EMPTY
    })
    .methods(&[
        RESULT,
        EXCEPTION,
        ADD_DONE_CALLBACK,
        REMOVE_DONE_CALLBACK,
        CANCELLED,
        DONE,
        method!(
            |_: &Value, _: &Value| -> PyResult<()> { Err(runtime_error("Task does not support set_result operation")) },
            "set_result($self, result, /)",
            ""
        ),
        method!(
            |_: &Value, _: &Value| -> PyResult<()> {
                Err(runtime_error("Task does not support set_exception operation"))
            },
            "set_exception($self, exception, /)",
            ""
        ),
        method!(
            class current_task,
            "current_task($type, /, loop=None)",
            "Return the currently running task in an event loop or None.\n\nBy default the current task for the current event loop is returned.\n\nNone is returned when called not in the context of a Task."
        ),
        method!(
            class all_tasks,
            "all_tasks($type, /, loop=None)",
            "Return a set of all tasks for an event loop.\n\nBy default all tasks for the current event loop are returned."
        ),
        method!(
            cancel,
            "cancel($self, /)",
            "Request that this task cancel itself.\n\nThis arranges for a CancelledError to be thrown into the\nwrapped coroutine on the next cycle through the event loop.\nThe coroutine then has a chance to clean up or even deny\nthe request using try/except/finally.\n\nUnlike Future.cancel, this does not guarantee that the\ntask will be cancelled: the exception might be caught and\nacted upon, delaying cancellation of the task or preventing\ncancellation completely.  The task may also return a value or\nraise a different exception.\n\nImmediately after this method is called, Task.cancelled() will\nnot return True (unless the task was already cancelled).  A\ntask will be marked as cancelled when the wrapped coroutine\nterminates with a CancelledError exception (even if cancel()\nwas not called)."
        ),
        method!(
            |this: &Value, limit: Option<&Value>| {
                let limit = limit.cloned().unwrap_or(Value::NONE);
                call::call(&library::get()?.task_get_stack, &[this.clone(), limit])
            },
            "get_stack($self, /, *, limit=None)",
            "Return the list of stack frames for this task's coroutine.\n\nIf the coroutine is not done, this returns the stack where it is\nsuspended.  If the coroutine has completed successfully or was\ncancelled, this returns an empty list.  If the coroutine was\nterminated by an exception, this returns the list of traceback\nframes.\n\nThe frames are always ordered from oldest to newest.\n\nThe optional limit gives the maximum number of frames to\nreturn; by default all available frames are returned.  Its\nmeaning differs depending on whether a stack or a traceback is\nreturned: the newest frames of a stack are returned, but the\noldest frames of a traceback are returned.  (This matches the\nbehavior of the traceback module.)\n\nFor reasons beyond our control, only one stack frame is\nreturned for a suspended coroutine."
        ),
        method!(
            |this: &Value, limit: Option<&Value>, file: Option<&Value>| {
                let [limit, file] = [limit, file].map(|given| given.cloned().unwrap_or(Value::NONE));
                call::call(&library::get()?.task_print_stack, &[this.clone(), limit, file])
            },
            "print_stack($self, /, *, limit=None, file=None)",
            "Print the stack or traceback for this task's coroutine.\n\nThis produces output similar to that of the traceback module,\nfor the frames retrieved by get_stack().  The limit argument\nis passed to get_stack().  The file argument is an I/O stream\nto which the output is written; by default output is written\nto sys.stderr."
        ),
        method!(
            |this: &Value| call::call(&library::get()?.task_repr_info, std::slice::from_ref(this)),
            "_repr_info($self, /)",
            ""
        ),
        method!(|this: &Task| this.name.get().unwrap_or(Value::NONE), "get_name($self, /)", ""),
        method!(
            |this: &Task, value: &Value| -> PyResult<()> {
                this.name.set(Some(name_of(value)?));
                Ok(())
            },
            "set_name($self, value, /)",
            ""
        ),
        method!(|this: &Task| this.coroutine.get().unwrap_or(Value::NONE), "get_coro($self, /)", ""),
    ])
    .getset(&GETSET);

static GETSET: [GetSet; 12] = {
    let [state, blocking, event_loop, callbacks, result, exception, log_traceback, source_traceback] = COMMON_GETSET;
    [
        state,
        blocking,
        event_loop,
        callbacks,
        result,
        exception,
        log_traceback,
        source_traceback,
        GetSet::new(
            "_log_destroy_pending",
            |this| Ok(Value::bool(body(this)?.log_destroy_pending.get())),
            |this, value| {
                body(this)?.log_destroy_pending.set(flag(value)?);
                Ok(())
            },
        ),
        GetSet::read_only("_must_cancel", |this| Ok(Value::bool(body(this)?.must_cancel.get()))),
        GetSet::read_only("_coro", |this| Ok(body(this)?.coroutine.get().unwrap_or(Value::NONE))),
        GetSet::read_only("_fut_waiter", |this| Ok(body(this)?.waiter.get().unwrap_or(Value::NONE))),
    ]
};

/// The body of a task or an instance of a derived class.
#[inline]
pub(super) fn body(value: &Value) -> PyResult<&Task> {
    value.downcast::<Task>().ok_or_else(|| type_error(format!("expected a task, got {}", value.ty().name())))
}

/// The number in the last name that was made up.
static NAMES: GilCell<Cell<u64>> = GilCell::new(Cell::new(0));

/// `Task.__init__`, which may be called again.
fn init(this: &Value, coroutine: &Value, event_loop: Option<&Value>, name: Option<&Value>) -> PyResult<()> {
    future::init(this, event_loop)?;
    let body = body(this)?;
    if !is_coroutine(coroutine)? {
        body.log_destroy_pending.set(false);
        return Err(type_error(format!("a coroutine was expected, got {}", text::repr_string(coroutine)?)));
    }
    body.context.set(Some(contextvars::copy_context()?));
    body.waiter.set(None);
    body.must_cancel.set(false);
    body.log_destroy_pending.set(true);
    body.coroutine.set(Some(coroutine.clone()));
    let name = match name {
        Some(name) if !name.is_none() => name_of(name)?,
        _ => {
            let number = NAMES.get().get() + 1;
            NAMES.get().set(number);
            Str::new_value(&format!("Task-{number}"))
        }
    };
    body.name.set(Some(name));
    task_step::step_soon(this, body, None)?;
    task_registry::register(this)
}

fn name_of(value: &Value) -> PyResult<Value> {
    if value.is_exact::<Str>() { Ok(value.clone()) } else { text::str(value) }
}

/// Whether it is a coroutine, native or by what `asyncio.iscoroutine` says, which is asked once for a type.
fn is_coroutine(value: &Value) -> PyResult<bool> {
    const MOST_TYPES: usize = 100;
    if std::ptr::eq(value.ty(), &COROUTINE) {
        return Ok(true);
    }
    let library = library::get()?;
    let ty = value.ty().value();
    let types = &library.coroutine_types;
    if (0..types.len()).any(|index| types.peek_bits(index) == Some(ty.bits())) {
        return Ok(true);
    }
    let answer = call::call(&library.iscoroutine, std::slice::from_ref(value))?;
    if !number::truth(&answer)? {
        return Ok(false);
    }
    if types.len() < MOST_TYPES {
        types.push(ty);
    }
    Ok(true)
}

fn current_task(_class: &Value, event_loop: Option<&Value>) -> PyResult<Value> {
    let message = "Task.current_task() is deprecated, use asyncio.current_task() instead";
    warnings::warn(&DEPRECATION_WARNING, message, 1)?;
    let event_loop = match event_loop.filter(|event_loop| !event_loop.is_none()) {
        Some(event_loop) => event_loop.clone(),
        None => running_loop::get_event_loop()?,
    };
    Ok(task_registry::current(&event_loop)?.unwrap_or(Value::NONE))
}

fn all_tasks(_class: &Value, event_loop: Option<&Value>) -> PyResult<Value> {
    let message = "Task.all_tasks() is deprecated, use asyncio.all_tasks() instead";
    warnings::warn(&DEPRECATION_WARNING, message, 1)?;
    let event_loop = event_loop.cloned().unwrap_or(Value::NONE);
    call::call_method(&library::get()?.asyncio, name!("_all_tasks_compat"), &[event_loop])
}

fn cancel(this: &Task) -> PyResult<bool> {
    this.future.log_traceback.set(false);
    if !this.future.is_pending() {
        return Ok(false);
    }
    if let Some(waiter) = this.waiter.get()
        && number::truth(&call::call_method(&waiter, name!("cancel"), &[])?)?
    {
        // The waiter stays: it may be a task that ignores this, and be cancelled again.
        return Ok(true);
    }
    this.must_cancel.set(true);
    Ok(true)
}

/// Tells the event loop of a task that dies before its end.
fn finalize(this: &Value) {
    if let Ok(body) = body(this)
        && body.future.is_pending()
        && body.log_destroy_pending.get()
    {
        let message = Str::new_value("Task was destroyed but it is pending!");
        future::tell_event_loop(&body.future, &[("message", message), ("task", this.clone())]);
    }
    future::finalize(this);
}
