//! Length, subscripts and membership.

use super::compare;
use super::error::PyResult;
use super::iter;
use super::number;
use super::value::Value;
use crate::types::exceptions::{TYPE_ERROR, is_instance, type_error};
use crate::vm::thread::check_native_stack;

/// `len(value)`.
///
/// # Errors
/// `TypeError`, or what `__len__` raises.
pub fn len(value: &Value) -> PyResult<usize> {
    check_native_stack()?;
    match value.ty().slot(|slots| slots.length) {
        Some(slot) => slot(value),
        None => Err(type_error(format!("object of type '{}' has no len()", value.ty().name()))),
    }
}

/// `container[key]`. As `PyObject_GetItem`.
///
/// # Errors
/// `TypeError`, or what `__getitem__` raises.
pub fn get_item(container: &Value, key: &Value) -> PyResult<Value> {
    check_native_stack()?;
    let ty = container.ty();
    if let Some(slot) = ty.slot(|slots| slots.getitem) {
        return slot(container, key);
    }
    if let Some(slot) = ty.slot(|slots| slots.item) {
        if !number::is_index(key) {
            return Err(type_error(format!("sequence index must be integer, not '{}'", key.ty().name())));
        }
        return slot(container, number::index_for_item(key)?);
    }
    crate::types::type_::class_getitem(container, key)
}

/// `container[key] = value`.
///
/// # Errors
/// `TypeError`, or what `__setitem__` raises.
pub fn set_item(container: &Value, key: &Value, value: Value) -> PyResult<()> {
    check_native_stack()?;
    match container.ty().slot(|slots| slots.setitem) {
        Some(slot) => slot(container, key, Some(&value)),
        None => Err(type_error(format!("'{}' object does not support item assignment", container.ty().name()))),
    }
}

/// `del container[key]`.
///
/// # Errors
/// `TypeError`, or what `__delitem__` raises.
pub fn delete_item(container: &Value, key: &Value) -> PyResult<()> {
    check_native_stack()?;
    match container.ty().slot(|slots| slots.setitem) {
        Some(slot) => slot(container, key, None),
        None => {
            // As PySequence_DelItem, which an index reaches, and PyObject_DelItem.
            let slots = container.ty().all_slots();
            let has_protocol = slots.item.is_some() || slots.contains.is_some() || container.ty().is_heap_type();
            let sequence = has_protocol && number::is_index(key);
            let verb = if sequence { "doesn't" } else { "does not" };
            Err(type_error(format!("'{}' object {verb} support item deletion", container.ty().name())))
        }
    }
}

/// `item in container`. As `PySequence_Contains`.
///
/// # Errors
/// `TypeError` when the container is not iterable, or what comparing raises.
pub fn contains(container: &Value, item: &Value) -> PyResult<bool> {
    check_native_stack()?;
    if let Some(slot) = container.ty().slot(|slots| slots.contains) {
        return slot(container, item);
    }
    contains_by_iterating(container, item)
}

/// `item in container` for a container that does not answer itself. As `_PySequence_IterSearch`.
///
/// # Errors
/// As for [`contains`].
pub fn contains_by_iterating(container: &Value, item: &Value) -> PyResult<bool> {
    let iterator = searched(container)?;
    while let Some(candidate) = iter::next(&iterator)? {
        if compare::equal(&candidate, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The iterator of a container that is searched.
///
/// # Errors
/// What `iter()` raises; any `TypeError` has the text of the search.
pub fn searched(container: &Value) -> PyResult<Value> {
    iter::iter(container).map_err(|raised| {
        if is_instance(&raised, &TYPE_ERROR) {
            return type_error(format!("argument of type '{}' is not iterable", container.ty().name()));
        }
        raised
    })
}
