//! The event loop that runs in a thread.

use super::library;
use crate::name;
use crate::object::call;
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::vm::thread;

/// The running thread's event loop; none in a process forked while it ran.
#[inline]
pub(super) fn get() -> Option<Value> {
    let thread = thread::current();
    if thread.event_loop_is_parents.get() {
        return None;
    }
    thread.event_loop.get().filter(|event_loop| !event_loop.is_none())
}

/// `_set_running_loop(loop)`.
pub(super) fn set(event_loop: &Value) {
    let thread = thread::current();
    thread.event_loop_is_parents.set(false);
    thread.event_loop.set(Some(event_loop.clone()));
}

/// `get_event_loop()`: the running one, else the policy's.
///
/// # Errors
/// What the policy raises.
pub(super) fn get_event_loop() -> PyResult<Value> {
    if let Some(running) = get() {
        return Ok(running);
    }
    let policy = call::call(&library::get()?.get_event_loop_policy, &[])?;
    call::call_method(&policy, name!("get_event_loop"), &[])
}
