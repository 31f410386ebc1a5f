//! Calls of the operating system that may take long: the one place that lets other threads run meanwhile, and the rule for
//! calls that a signal interrupted (PEP 475).

use crate::object::error::PyResult;
use crate::vm::{gil, signals, thread};
use std::sync::atomic::Ordering::Relaxed;

/// Runs a call that may block and touches no Python object. Everything in src/modules that waits for the outside world
/// goes through here.
#[inline]
pub(crate) fn blocking<R>(call: impl FnOnce() -> R) -> R {
    gil::without(call)
}

/// Runs the handlers of signals that have arrived. As `PyErr_CheckSignals`.
///
/// # Errors
/// What a handler raises.
pub(crate) fn check_signals() -> PyResult<()> {
    let thread = thread::current();
    if thread.breaker.load(Relaxed) { signals::attend(thread) } else { Ok(()) }
}

/// Makes a call that may block, again and again while signals interrupt it. Fails inside with the system's error number.
///
/// # Errors
/// What a signal handler raises.
pub(crate) fn retry<T>(mut call: impl FnMut() -> Result<T, i32>) -> PyResult<Result<T, i32>> {
    loop {
        match blocking(&mut call) {
            Err(libc::EINTR) => check_signals()?,
            done => return Ok(done),
        }
    }
}
