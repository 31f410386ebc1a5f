//! The module `_asyncio`: futures and tasks, which task runs in which event loop, and the running loop of a thread.
//!
//! What it needs of the library's `asyncio` (error classes, the functions behind `repr`) it imports when it is first made.

pub mod future;
pub mod future_iter;
mod library;
mod running_loop;
pub mod task;
mod task_registry;
mod task_step;
pub mod task_wrappers;

use crate::method;
use crate::modules::ModuleDef;
use crate::object::attribute::{self, MethodLookup};
use crate::object::call;
use crate::object::error::PyResult;
use crate::object::native::Function;
use crate::object::value::Value;
use crate::types::tuple::Tuple;
use crate::{name, types::exceptions::runtime_error};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_asyncio",
    doc: "Accelerator module for asyncio",
    functions: &[
        method!(
            running_loop::get_event_loop,
            "get_event_loop($module, /)",
            "Return an asyncio event loop.\n\nWhen called from a coroutine or a callback (e.g. scheduled with\ncall_soon or similar API), this function will always return the\nrunning event loop.\n\nIf there is no running event loop set, the function will return\nthe result of `get_event_loop_policy().get_event_loop()` call."
        ),
        method!(
            || running_loop::get().ok_or_else(|| runtime_error("no running event loop")),
            "get_running_loop($module, /)",
            "Return the running event loop.  Raise a RuntimeError if there is none.\n\nThis function is thread-specific."
        ),
        method!(
            || running_loop::get().unwrap_or(Value::NONE),
            "_get_running_loop($module, /)",
            "Return the running event loop or None.\n\nThis is a low-level function intended to be used by event loops.\nThis function is thread-specific."
        ),
        method!(
            running_loop::set,
            "_set_running_loop($module, loop, /)",
            "Set the running event loop.\n\nThis is a low-level function intended to be used by event loops.\nThis function is thread-specific."
        ),
        method!(
            task_registry::register,
            "_register_task($module, /, task)",
            "Register a new task in asyncio as executed by loop.\n\nReturns None."
        ),
        method!(task_registry::unregister, "_unregister_task($module, /, task)", "Unregister a task.\n\nReturns None."),
        method!(
            task_registry::enter,
            "_enter_task($module, /, loop, task)",
            "Enter into task execution or resume suspended task.\n\nTask belongs to loop.\n\nReturns None."
        ),
        method!(
            task_registry::leave,
            "_leave_task($module, /, loop, task)",
            "Leave task execution or suspend a task.\n\nTask belongs to loop.\n\nReturns None."
        ),
    ],
    fill: |dict| {
        let library = library::load()?;
        dict.set_text("Future", future::FUTURE.value());
        dict.set_text("Task", task::TASK.value());
        dict.set_text("_all_tasks", library.all_tasks.clone());
        dict.set_text("_current_tasks", library.current_tasks.clone());
        Ok(())
    },
};

/// `loop.call_soon(callback, *argument, context=context)`, without the context where there is none.
fn call_soon(event_loop: &Value, callback: &Value, argument: Option<&Value>, context: Option<&Value>) -> PyResult<()> {
    let (method, bound) = match attribute::get_method(event_loop, name!("call_soon"))? {
        MethodLookup::Unbound(function) => (function, false),
        MethodLookup::Bound(callable) => (callable, true),
    };
    let mut args = [const { Value::NONE }; 4];
    let given = [Some(event_loop).filter(|_| !bound), Some(callback), argument, context];
    let mut count = 0;
    for (place, value) in args.iter_mut().zip(given.into_iter().flatten()) {
        *place = value.clone();
        count += 1;
    }
    let names = match context {
        Some(_) => Some(&library::get()?.context_name),
        None => None,
    };
    debug_assert!(names.is_none_or(Value::is_exact::<Tuple>));
    call::call_keywords(&method, args.get(..count).unwrap_or_default(), names)?;
    Ok(())
}

/// The values of keywords, which are among `names` (interned strs) and follow so many positional arguments: the common way
/// of a call. `None` when it is called otherwise.
fn keyword_values<'a, const N: usize>(
    args: &'a [Value],
    kwnames: Option<&Value>,
    positional: usize,
    names: [&Value; N],
) -> Option<[Option<&'a Value>; N]> {
    let given = kwnames.and_then(|given| given.exact::<Tuple>())?.as_slice();
    let values = args.get(positional..)?;
    if values.len() != given.len() {
        return None;
    }
    let mut found = [None; N];
    for (keyword, value) in given.iter().zip(values) {
        let place = found.get_mut(names.iter().position(|name| name.is(keyword))?)?;
        if place.replace(value).is_some() {
            return None;
        }
    }
    Some(found)
}

/// Calls an `__init__` declared by its signature.
fn bind_init(function: &'static Function, this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    let all: Vec<Value> = std::iter::once(this).chain(args).cloned().collect();
    function.call(&all, kwnames).map(drop)
}
