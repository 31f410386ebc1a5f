//! Which tasks there are, and which one each event loop executes.

use super::library;
use crate::name;
use crate::object::call;
use crate::object::error::PyResult;
use crate::object::text;
use crate::object::value::Value;
use crate::types::dict::Dict;
use crate::types::exceptions::{runtime_error, system_error};

/// `_register_task(task)`.
pub(super) fn register(task: &Value) -> PyResult<()> {
    call::call_method(&library::get()?.all_tasks, name!("add"), std::slice::from_ref(task)).map(drop)
}

/// `_unregister_task(task)`.
pub(super) fn unregister(task: &Value) -> PyResult<()> {
    call::call_method(&library::get()?.all_tasks, name!("discard"), std::slice::from_ref(task)).map(drop)
}

fn current_tasks() -> PyResult<&'static Dict> {
    library::get()?.current_tasks.exact::<Dict>().ok_or_else(|| system_error("the current tasks are not in a dict"))
}

/// The task that an event loop executes.
///
/// # Errors
/// What hashing or comparing loops raises.
pub(super) fn current(event_loop: &Value) -> PyResult<Option<Value>> {
    current_tasks()?.get(event_loop)
}

/// `_enter_task(loop, task)`.
///
/// # Errors
/// `RuntimeError` when the loop executes a task.
pub(super) fn enter(event_loop: &Value, task: &Value) -> PyResult<()> {
    let tasks = current_tasks()?;
    match tasks.get(event_loop)? {
        Some(other) => Err(runtime_error(format!(
            "Cannot enter into task {} while another task {} is being executed.",
            text::repr_string(task)?,
            text::repr_string(&other)?
        ))),
        None => tasks.set(event_loop, task.clone()).map(drop),
    }
}

/// `_leave_task(loop, task)`.
///
/// # Errors
/// `RuntimeError` when the loop does not execute that task.
pub(super) fn leave(event_loop: &Value, task: &Value) -> PyResult<()> {
    let tasks = current_tasks()?;
    let current = tasks.get(event_loop)?;
    if !current.as_ref().is_some_and(|current| current.is(task)) {
        return Err(runtime_error(format!(
            "Leaving task {} does not match the current task {}.",
            text::repr_string(task)?,
            text::repr_string(&current.unwrap_or(Value::NONE))?
        )));
    }
    tasks.remove(event_loop).map(drop)
}
