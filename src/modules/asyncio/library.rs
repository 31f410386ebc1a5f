//! What the module takes from the library: classes and functions of `asyncio`, `traceback` and `weakref`.

use crate::object::attribute;
use crate::object::call;
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::ty::TypeObject;
use crate::object::value::Value;
use crate::object::value_vec::ValueVec;
use crate::types::dict::Dict;
use crate::types::exceptions::system_error;
use crate::types::str::{Str, intern};
use crate::types::tuple::Tuple;
use crate::vm::import::import_text;
use std::cell::OnceCell;

/// What was imported, and the module's own containers.
pub(super) struct Library {
    /// The package `asyncio`.
    pub asyncio: Value,
    /// `asyncio.events.get_event_loop_policy`.
    pub get_event_loop_policy: Value,
    /// `asyncio.base_futures._future_repr_info`.
    pub future_repr_info: Value,
    /// `asyncio.exceptions.InvalidStateError`.
    pub invalid_state_error: Value,
    /// `asyncio.exceptions.CancelledError`.
    pub cancelled_error: Value,
    /// `asyncio.base_tasks._task_repr_info`.
    pub task_repr_info: Value,
    /// `asyncio.base_tasks._task_get_stack`.
    pub task_get_stack: Value,
    /// `asyncio.base_tasks._task_print_stack`.
    pub task_print_stack: Value,
    /// `asyncio.coroutines.iscoroutine`.
    pub iscoroutine: Value,
    /// `traceback.extract_stack`.
    pub extract_stack: Value,
    /// A `WeakSet` of all tasks alive.
    pub all_tasks: Value,
    /// The task that each event loop executes: a dict.
    pub current_tasks: Value,
    /// Types of objects that `iscoroutine` has said yes to.
    pub coroutine_types: ValueVec,
    /// `("context",)`
    pub context_name: Value,
}

static LIBRARY: GilCell<OnceCell<Library>> = GilCell::new(OnceCell::new());

/// Imports what is needed, the first time.
///
/// # Errors
/// What importing raises.
pub(super) fn load() -> PyResult<&'static Library> {
    if let Some(library) = LIBRARY.get().get() {
        return Ok(library);
    }
    let take = |module: &str, name: &str| attribute::get_str(&import_text(module)?, name);
    let library = Library {
        asyncio: import_text("asyncio")?,
        get_event_loop_policy: take("asyncio.events", "get_event_loop_policy")?,
        future_repr_info: take("asyncio.base_futures", "_future_repr_info")?,
        invalid_state_error: take("asyncio.exceptions", "InvalidStateError")?,
        cancelled_error: take("asyncio.exceptions", "CancelledError")?,
        task_repr_info: take("asyncio.base_tasks", "_task_repr_info")?,
        task_get_stack: take("asyncio.base_tasks", "_task_get_stack")?,
        task_print_stack: take("asyncio.base_tasks", "_task_print_stack")?,
        iscoroutine: take("asyncio.coroutines", "iscoroutine")?,
        extract_stack: take("traceback", "extract_stack")?,
        all_tasks: call::call(&take("weakref", "WeakSet")?, &[])?,
        current_tasks: Dict::new_value(),
        coroutine_types: ValueVec::new(Vec::new()),
        context_name: Tuple::from_vec(vec![intern("context")]),
    };
    // The imports may have made the module already, from within `asyncio`.
    Ok(LIBRARY.get().get_or_init(|| library))
}

/// What [`load`] has imported.
///
/// # Errors
/// `SystemError` when the module has never been made.
#[inline]
pub(super) fn get() -> PyResult<&'static Library> {
    LIBRARY.get().get().ok_or_else(|| system_error("_asyncio has not been imported"))
}

/// Raises `InvalidStateError` with a message.
#[cold]
pub(super) fn invalid_state(message: &str) -> Raised {
    raise(|library| &library.invalid_state_error, &[Str::new_value(message)])
}

/// Raises `CancelledError()`.
#[cold]
pub(super) fn cancelled() -> Raised {
    raise(|library| &library.cancelled_error, &[])
}

fn raise(class: fn(&Library) -> &Value, args: &[Value]) -> Raised {
    match get().and_then(|library| call::call(class(library), args)) {
        Ok(exception) => Raised::new(exception),
        Err(raised) => raised,
    }
}

/// Whether an exception is a `CancelledError`. As `PyErr_ExceptionMatches`.
pub(super) fn is_cancelled(raised: &Raised) -> PyResult<bool> {
    let class = get()?.cancelled_error.downcast::<TypeObject>();
    Ok(class.is_some_and(|class| raised.value().ty().is_subtype(class)))
}
