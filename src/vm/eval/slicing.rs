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
            return list::assign_range(&container, list, bounds, &value);
        }
        sequence::set_item(&container, &Slice::new_value(low, high, Value::NONE), value)
    }
);
