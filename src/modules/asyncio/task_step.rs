//! The steps of a task: its coroutine is resumed and what it yields waited for.

use super::future::{self, exact_body};
use super::library::{self, invalid_state, is_cancelled};
use super::task::{self, Task};
use super::task_wrappers::{new_step, new_wakeup};
use super::{call_soon, task_registry};
use crate::name;
use crate::object::error::{PyResult, Raised};
use crate::object::value::Value;
use crate::object::{attribute, call, number, text};
use crate::types::exceptions::{
    BaseException, KEYBOARD_INTERRUPT, RUNTIME_ERROR, SYSTEM_EXIT, instantiate, is_instance, is_stop_iteration,
    runtime_error, stop_iteration_value,
};
use crate::types::generator::{self, COROUTINE, GENERATOR, Resumed};
use crate::types::str::Str;
use crate::types::type_;

/// Has the event loop make the next step, with an exception raised in the coroutine if there is one.
pub(super) fn step_soon(this: &Value, body: &Task, exception: Option<Value>) -> PyResult<()> {
    let step = new_step(this, exception);
    call_soon(&body.future.event_loop()?, &step, None, body.context.get().as_ref())
}

/// Makes a step as the task that the event loop executes. Gives what its `_step` would.
///
/// # Errors
/// `RuntimeError` when the loop executes another task, `InvalidStateError` when the task is done; what the event loop
/// raises; `KeyboardInterrupt` and `SystemExit` of the coroutine.
pub(super) fn step(this: &Value, exception: Option<Value>) -> PyResult<Value> {
    let body = task::body(this)?;
    let event_loop = body.future.event_loop()?;
    task_registry::enter(&event_loop, this)?;
    let result = make_step(this, body, exception);
    // The coroutine may have called `__init__`.
    let event_loop = body.future.event_loop.get().unwrap_or(event_loop);
    let left = task_registry::leave(&event_loop, this);
    match (result, left) {
        (Ok(result), Ok(())) => Ok(result),
        (Ok(_), Err(raised)) | (Err(raised), Ok(())) => Err(raised),
        (Err(first), Err(second)) => {
            if let Some(body) = second.value().downcast::<BaseException>() {
                body.set_context(Some(first.into_value()));
            }
            Err(second)
        }
    }
}

/// Goes on with a task that waited for a future, which is done.
///
/// # Errors
/// As for [`step`].
pub(super) fn wake_up(this: &Value, future: &Value) -> PyResult<Value> {
    let outcome = match exact_body(future) {
        Some(body) => future::outcome(body),
        None => call::call_method(future, name!("result"), &[]).map(Ok),
    };
    match outcome {
        Ok(Ok(_)) => step(this, None),
        Ok(Err(exception)) => step(this, Some(exception)),
        Err(raised) => step(this, Some(raised.into_value())),
    }
}

/// Resumes the coroutine.
fn resume(coroutine: &Value, exception: Option<&Value>) -> PyResult<Resumed> {
    let is_native = std::ptr::eq(coroutine.ty(), &COROUTINE) || std::ptr::eq(coroutine.ty(), &GENERATOR);
    let resumed = match exception {
        None if is_native => generator::step(coroutine),
        Some(exception) if is_native => generator::throw_in(coroutine, true, exception, None, None),
        None => call::call_method(coroutine, name!("send"), &[Value::NONE]).map(Resumed::Yielded),
        Some(exception) => {
            call::call_method(coroutine, name!("throw"), std::slice::from_ref(exception)).map(Resumed::Yielded)
        }
    };
    match resumed {
        Err(raised) if is_stop_iteration(&raised) => Ok(Resumed::Returned(stop_iteration_value(&raised))),
        resumed => resumed,
    }
}

fn make_step(this: &Value, body: &Task, mut exception: Option<Value>) -> PyResult<Value> {
    if !body.future.is_pending() {
        return Err(invalid_state(&format!(
            "_step(): already done: {} {}",
            text::repr_string(this)?,
            text::repr_string(&exception.unwrap_or(Value::NONE))?
        )));
    }
    if body.must_cancel.get() {
        let class = &library::get()?.cancelled_error;
        let cancels = match &exception {
            Some(exception) => type_::is_instance(exception, class)?,
            None => false,
        };
        if !cancels {
            exception = Some(call::call(class, &[])?);
        }
        body.must_cancel.set(false);
    }
    drop(body.waiter.take());
    let Some(coroutine) = body.coroutine.get() else { return Err(runtime_error("uninitialized Task object")) };
    let yielded = match resume(&coroutine, exception.as_ref()) {
        Ok(Resumed::Yielded(value)) => value,
        Ok(Resumed::Returned(result)) => {
            if body.must_cancel.replace(false) {
                future::cancel(this)?;
            } else {
                future::set_result(this, &result)?;
            }
            return Ok(Value::NONE);
        }
        Err(raised) => return end_with(this, raised),
    };
    drop((coroutine, exception));
    if let Some(error) = wait_for(this, body, &yielded)? {
        let error = instantiate(&RUNTIME_ERROR, vec![Str::new_value(&error)]);
        step_soon(this, body, Some(error))?;
    }
    Ok(Value::NONE)
}

/// The coroutine has ended with an exception.
#[cold]
fn end_with(this: &Value, raised: Raised) -> PyResult<Value> {
    if is_cancelled(&raised)? {
        drop(raised);
        return future::cancel(this).map(Value::bool);
    }
    future::set_exception(this, raised.value())?;
    if is_instance(&raised, &KEYBOARD_INTERRUPT) || is_instance(&raised, &SYSTEM_EXIT) {
        return Err(raised);
    }
    Ok(Value::NONE)
}

/// Waits for what the coroutine has yielded: the text of the error when that is nothing to wait for.
fn wait_for(this: &Value, body: &Task, yielded: &Value) -> PyResult<Option<String>> {
    if yielded.is(this) {
        return Ok(Some(format!("Task cannot await on itself: {}", text::repr_string(this)?)));
    }
    if let Some(future) = exact_body(yielded) {
        if future.event_loop.peek_bits() != body.future.event_loop.peek_bits() {
            return different_loop(this, yielded);
        }
        if !future.blocking.replace(false) {
            return plain_yield(this, yielded);
        }
        future::add_done_callback(yielded, &new_wakeup(this), &body.context.get().unwrap_or(Value::NONE))?;
        return started_to_wait(body, yielded);
    }
    if yielded.is_none() {
        // A bare yield gives way for one turn of the event loop.
        step_soon(this, body, None)?;
        return Ok(None);
    }
    if let Some(blocking) = attribute::lookup(yielded, name!("_asyncio_future_blocking"))?
        && !blocking.is_none()
    {
        let blocking = number::truth(&blocking)?;
        if loop_of(yielded)?.bits() != body.future.event_loop.peek_bits() {
            return different_loop(this, yielded);
        }
        if !blocking {
            return plain_yield(this, yielded);
        }
        attribute::set(yielded, name!("_asyncio_future_blocking"), Some(&Value::FALSE))?;
        let wakeup = new_wakeup(this);
        let add = attribute::get(yielded, name!("add_done_callback"))?;
        let args = [wakeup, body.context.get().unwrap_or(Value::NONE)];
        call::call_keywords(&add, &args, Some(&library::get()?.context_name))?;
        return started_to_wait(body, yielded);
    }
    let (task, shown) = (this, yielded);
    Ok(Some(if type_::is_instance(yielded, &GENERATOR.value())? {
        format!(
            "yield was used instead of yield from for generator in task {} with {}",
            text::repr_string(task)?,
            text::repr_string(shown)?
        )
    } else {
        format!("Task got bad yield: {}", text::repr_string(shown)?)
    }))
}

/// Notes the future that the task waits for, and cancels it when the task is to be cancelled.
fn started_to_wait(body: &Task, future: &Value) -> PyResult<Option<String>> {
    body.waiter.set(Some(future.clone()));
    if body.must_cancel.get() && number::truth(&call::call_method(future, name!("cancel"), &[])?)? {
        body.must_cancel.set(false);
    }
    Ok(None)
}

/// The event loop of an object like a future. As `asyncio.futures._get_loop`.
fn loop_of(future: &Value) -> PyResult<Value> {
    match attribute::lookup(future, name!("get_loop"))? {
        Some(get) => call::call(&get, &[]),
        None => attribute::get(future, name!("_loop")),
    }
}

#[cold]
fn different_loop(task: &Value, future: &Value) -> PyResult<Option<String>> {
    let (task, future) = (text::repr_string(task)?, text::repr_string(future)?);
    Ok(Some(format!("Task {task} got Future {future} attached to a different loop")))
}

#[cold]
fn plain_yield(task: &Value, future: &Value) -> PyResult<Option<String>> {
    let (task, future) = (text::repr_string(task)?, text::repr_string(future)?);
    Ok(Some(format!("yield was used instead of yield from in task {task} with {future}")))
}
