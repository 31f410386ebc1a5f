//! What the loop attends to when its breaker is set. Signals and other threads come with their modules; until then
//! nothing sets it.

use crate::object::error::PyResult;

/// Attends to whatever set the breaker.
///
/// # Errors
/// What a signal handler raises.
pub(crate) fn attend() -> PyResult<()> {
    Ok(())
}
