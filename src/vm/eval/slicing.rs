//! `container[low:high]` and `container[low:high] = value` without a slice object, where the container is of a builtin
//! type.

use super::cell::Cell;
use super::handlers::operation;
use super::registers::At;
use super::unwind::raise;
use super::{become_handler, next};
use crate::object::error::PyResult;
use crate::object::sequence;
use crate::object::value::Value;
use crate::types::list::{self, List};
use crate::types::slice::{Slice, Unpacked};
use crate::types::str::{self, Str};
use crate::types::tuple::{self, Tuple};
use crate::vm::thread::Thread;

/// The bounds, when both are small ints or None.
#[inline(always)]
fn bounds(low: &Value, high: &Value) -> Option<Unpacked> {
    let bound = |value: &Value, default: isize| match value.as_small_int() {
        Some(int) => Some(int as isize),
        None if value.is_none() => Some(default),
        None => None,
    };
    Some(Unpacked { start: bound(low, 0)?, stop: bound(high, isize::MAX)?, step: 1 })
}

operation!(
    /// a := a[a+1 : a+2]
    slice_load,
    1,
    |at| {
        let container = at.take(at.a());
        let (low, high) = (at.take(at.a() + 1), at.take(at.a() + 2));
        let value = load(&container, low, high)?;
        drop(container);
        at.put(at.a(), value);
        Ok(())
    }
);

fn load(container: &Value, low: Value, high: Value) -> PyResult<Value> {
    if let Some(bounds) = bounds(&low, &high) {
        if let Some(list) = container.exact::<List>() {
            return Ok(list::range_of(list, bounds));
        }
        if let Some(tuple) = container.exact::<Tuple>() {
            return Ok(tuple::range_of(container, tuple, bounds));
        }
        if let Some(text) = container.exact::<Str>() {
            return Ok(str::range_of(container, text, bounds));
        }
    }
    sequence::get_item(container, &Slice::new_value(low, high, Value::NONE))
}

operation!(
    /// a := a[a+1 : a+2 : a+3]
    slice_load_stepped,
    1,
    |at| {
        let container = at.take(at.a());
        let (low, high, step) = (at.take(at.a() + 1), at.take(at.a() + 2), at.take(at.a() + 3));
        let value = match (container.exact::<List>(), stepped(&low, &high, &step)) {
            (Some(list), Some(bounds)) => list::stepped_range_of(list, bounds),
            _ => sequence::get_item(&container, &Slice::new_value(low, high, step))?,
        };
        drop(container);
        at.put(at.a(), value);
        Ok(())
    }
);

/// The bounds for a small step other than 0, when all are small ints or None.
fn stepped(low: &Value, high: &Value, step: &Value) -> Option<Unpacked> {
    let step = step.as_small_int().filter(|&step| step != 0)? as isize;
    let bound = |value: &Value, default: isize| match value.as_small_int() {
        Some(int) => Some(int as isize),
        None if value.is_none() => Some(default),
        None => None,
    };
    let (first, last) = if step < 0 { (isize::MAX, isize::MIN) } else { (0, isize::MAX) };
    Some(Unpacked { start: bound(low, first)?, stop: bound(high, last)?, step })
}

operation!(
    /// (a+1)[a+2 : a+3] := a
    slice_store,
    1,
    |at| {
        let value = at.take(at.a());
        let container = at.take(at.a() + 1);
        let (low, high) = (at.take(at.a() + 2), at.take(at.a() + 3));
        if let Some(bounds) = bounds(&low, &high)
            && let Some(list) = container.exact::<List>()
        {
            // As list_ass_slice: the bounds are fitted before the items are collected, which may change the list.
            let selected = bounds.adjust(list.items().len());
            let bounds = Unpacked { start: selected.start, stop: selected.stop, step: 1 };
            // The items of a list that nobody else has can be taken.
            let values = match value.exact::<List>() {
                Some(items) if value.is_unshared() && !value.is(&container) => items.items().take(),
                _ => list::assignable(&container, list, &value)?,
            };
            list::assign_range(list, bounds, values);
            return Ok(());
        }
        sequence::set_item(&container, &Slice::new_value(low, high, Value::NONE), value)
    }
);
