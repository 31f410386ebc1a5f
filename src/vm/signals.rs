//! What the loop attends to when its breaker is set: a request to stop, a collection that is due. Signals and other
//! threads come with their modules.

use crate::object::error::{PyResult, Raised};
use crate::types::exceptions::{SYSTEM_EXIT, instantiate};
use crate::vm::thread::{self, Thread};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

/// Somebody wants the running program to end.
static STOP: AtomicBool = AtomicBool::new(false);

/// Asks the running program to end, from any thread: at its next backward jump it raises an exception that no `except`
/// and no `finally` of it sees. Native code that loops by itself is not stopped.
pub fn stop() {
    STOP.store(true, Relaxed);
    thread::current().breaker.store(true, Relaxed);
}

/// Takes a request to stop back.
pub fn go_on() {
    STOP.store(false, Relaxed);
    thread::current().breaker.store(false, Relaxed);
}

/// Whether the running program has to end.
pub(crate) fn stopping() -> bool {
    STOP.load(Relaxed)
}

/// For native code at long work that must not run Python code meanwhile.
///
/// # Errors
/// `SystemExit` when the program has to end.
pub(crate) fn check_stop() -> PyResult<()> {
    if stopping() { Err(Raised::new(instantiate(&SYSTEM_EXIT, Vec::new()))) } else { Ok(()) }
}

/// Attends to whatever set the breaker.
///
/// # Errors
/// `SystemExit` when the program has to end; the breaker stays set then.
pub(crate) fn attend(vm: &Thread) -> PyResult<()> {
    check_stop()?;
    vm.breaker.store(false, Relaxed);
    crate::gc::collect_due();
    Ok(())
}
