//! The iterator protocol.

use super::error::PyResult;
use super::value::Value;
use crate::types::exceptions::{is_stop_iteration, type_error};
use crate::types::generator::{self, GENERATOR};
use crate::types::list;
use crate::types::sequence_iterator;
use crate::vm::signals;
use crate::vm::thread::{self, check_native_stack};
use std::sync::atomic::Ordering::Relaxed;

/// `iter(value)`. As `PyObject_GetIter`.
///
/// # Errors
/// `TypeError` when the value is not iterable, or what `__iter__` raises.
pub fn iter(value: &Value) -> PyResult<Value> {
    check_native_stack()?;
    let ty = value.ty();
    if let Some(slot) = ty.slot(|slots| slots.iter) {
        let iterator = slot(value)?;
        if iterator.ty().slot(|slots| slots.next).is_none() {
            return Err(type_error(format!("iter() returned non-iterator of type '{}'", iterator.ty().name())));
        }
        return Ok(iterator);
    }
    if ty.slot(|slots| slots.item).is_some() {
        return Ok(sequence_iterator::new(value.clone()));
    }
    Err(type_error(format!("'{}' object is not iterable", ty.name())))
}

/// The next item of an iterator where that takes no more than looking. See [`QuickNext`](super::ty::QuickNext).
#[inline(always)]
pub(crate) fn quick_next(iterator: &Value) -> Option<Value> {
    iterator.ty().get_quick_next()?(iterator)
}

/// The next item of an iterator; `None` at its end.
///
/// # Errors
/// `TypeError` when the value is not an iterator, or what `__next__` raises, `StopIteration` excepted.
#[inline]
pub fn next(iterator: &Value) -> PyResult<Option<Value>> {
    if let Some(item) = quick_next(iterator) {
        return Ok(Some(item));
    }
    // Native code may go over an endless native iterator. Other threads wait until it is done, as in CPython: to programs
    // `list(d.items())` is one step.
    if thread::current().breaker.load(Relaxed) {
        signals::check_stop()?;
    }
    if std::ptr::eq(iterator.ty(), &GENERATOR) {
        return match generator::next_item(iterator) {
            Err(raised) if is_stop_iteration(&raised) => Ok(None),
            result => result,
        };
    }
    match iterator.ty().slot(|slots| slots.next) {
        Some(slot) => match slot(iterator) {
            // A generator's value ends the iteration as its plain end does.
            Err(raised) if is_stop_iteration(&raised) => Ok(None),
            result => result,
        },
        None => Err(type_error(format!("'{}' object is not an iterator", iterator.ty().name()))),
    }
}

/// All items of an iterable. As `PySequence_List`.
///
/// # Errors
/// What iterating raises.
pub fn collect(iterable: &Value) -> PyResult<Vec<Value>> {
    list::collect(iterable)
}

/// Calls `each` for every item until it says false.
///
/// # Errors
/// What iterating or `each` raises.
pub fn for_each(iterable: &Value, mut each: impl FnMut(Value) -> PyResult<bool>) -> PyResult<()> {
    let iterator = iter(iterable)?;
    while let Some(item) = next(&iterator)? {
        if !each(item)? {
            break;
        }
    }
    Ok(())
}
