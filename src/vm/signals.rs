//! What the loop attends to when its breaker is set: a collection that is due. Signals and other threads come with their
//! modules.

use crate::object::error::PyResult;

/// Attends to whatever set the breaker.
///
/// # Errors
/// What a signal handler raises.
pub(crate) fn attend() -> PyResult<()> {
    crate::gc::collect_due();
    Ok(())
}
