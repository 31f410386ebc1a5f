//! Rich comparison.

use super::error::PyResult;
use super::number::truth;
use super::slots::{Compare, CompareFn};
use super::value::Value;
use crate::types::exceptions::type_error;
use crate::types::str::Str;
use crate::vm::thread;

/// `left OP right`, any result. As `do_richcompare`.
///
/// # Errors
/// `TypeError` for an ordering that neither operand knows, or what the operands raise.
pub fn rich(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    let _depth = thread::enter_recursion(" in comparison")?;
    let slot = |value: &Value| -> Option<CompareFn> { value.ty().slot(|slots| slots.compare) };
    let mut reflected_tried = false;
    if !std::ptr::eq(left.ty(), right.ty())
        && right.ty().is_subtype(left.ty())
        && let Some(compare) = slot(right)
    {
        reflected_tried = true;
        let result = compare(right, left, op.swapped())?;
        if !result.is_not_implemented() {
            return Ok(result);
        }
    }
    if let Some(compare) = slot(left) {
        let result = compare(left, right, op)?;
        if !result.is_not_implemented() {
            return Ok(result);
        }
    }
    if !reflected_tried && let Some(compare) = slot(right) {
        let result = compare(right, left, op.swapped())?;
        if !result.is_not_implemented() {
            return Ok(result);
        }
    }
    match op {
        Compare::Eq => Ok(Value::bool(left.is(right))),
        Compare::Ne => Ok(Value::bool(!left.is(right))),
        _ => Err(type_error(format!(
            "'{}' not supported between instances of '{}' and '{}'",
            op.symbol(),
            left.ty().name(),
            right.ty().name()
        ))),
    }
}

/// The truth of `left OP right`; identity implies equality, as in containers (`PyObject_RichCompareBool`).
///
/// # Errors
/// As for [`rich`].
pub fn holds(left: &Value, right: &Value, op: Compare) -> PyResult<bool> {
    if left.is(right) {
        match op {
            Compare::Eq => return Ok(true),
            Compare::Ne => return Ok(false),
            _ => {}
        }
    }
    if let (Some(a), Some(b)) = (left.as_small_int(), right.as_small_int()) {
        return Ok(op.holds(a.cmp(&b)));
    }
    if matches!(op, Compare::Eq | Compare::Ne)
        && let (Some(a), Some(b)) = (left.exact::<Str>(), right.exact::<Str>())
    {
        return Ok(a.equals(b) == (op == Compare::Eq));
    }
    truth(&rich(left, right, op)?)
}

/// Equality as containers see it.
///
/// # Errors
/// As for [`rich`].
#[inline]
pub fn equal(left: &Value, right: &Value) -> PyResult<bool> {
    holds(left, right, Compare::Eq)
}
