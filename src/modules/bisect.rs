//! The module `_bisect`.

use crate::modules::ModuleDef;
use crate::object::error::PyResult;
use crate::object::slots::Compare;
use crate::object::value::Value;
use crate::object::{call, compare, sequence};
use crate::types::exceptions::{type_error, value_error};
use crate::types::list::List;
use crate::{method, name};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_bisect",
    doc: "Bisection algorithms.\n\nThis module provides support for maintaining a list in sorted order without\nhaving to sort the list after each insertion. For long lists of items with\nexpensive comparison operations, this can be an improvement over the more\ncommon approach.\n",
    functions: &[
        method!(
            bisect_right,
            "%bisect_right(a, x, lo=0, hi=None)",
            "bisect_right(a, x[, lo[, hi]]) -> index\n\nReturn the index where to insert item x in list a, assuming a is sorted.\n\nThe return value i is such that all e in a[:i] have e <= x, and all e in\na[i:] have e > x.  So if x already appears in the list, i points just\nbeyond the rightmost x already there\n\nOptional args lo (default 0) and hi (default len(a)) bound the\nslice of a to be searched.\n"
        ),
        method!(
            insort_right,
            "%insort_right(a, x, lo=0, hi=None)",
            "insort_right(a, x[, lo[, hi]])\n\nInsert item x in list a, and keep it sorted assuming a is sorted.\n\nIf x is already in a, insert it to the right of the rightmost x.\n\nOptional args lo (default 0) and hi (default len(a)) bound the\nslice of a to be searched.\n"
        ),
        method!(
            bisect_left,
            "%bisect_left(a, x, lo=0, hi=None)",
            "bisect_left(a, x[, lo[, hi]]) -> index\n\nReturn the index where to insert item x in list a, assuming a is sorted.\n\nThe return value i is such that all e in a[:i] have e < x, and all e in\na[i:] have e >= x.  So if x already appears in the list, i points just\nbefore the leftmost x already there.\n\nOptional args lo (default 0) and hi (default len(a)) bound the\nslice of a to be searched.\n"
        ),
        method!(
            insort_left,
            "%insort_left(a, x, lo=0, hi=None)",
            "insort_left(a, x[, lo[, hi]])\n\nInsert item x in list a, and keep it sorted assuming a is sorted.\n\nIf x is already in a, insert it to the left of the leftmost x.\n\nOptional args lo (default 0) and hi (default len(a)) bound the\nslice of a to be searched.\n"
        ),
    ],
    fill: |_| Ok(()),
};

/// `len(sequence)`, as `PySequence_Size`: mappings have none.
fn length(sequence: &Value) -> PyResult<usize> {
    let ty = sequence.ty();
    if ty.slot(|slots| slots.item).is_none() && ty.slot(|slots| slots.getitem).is_some() {
        return Err(type_error(format!("{} is not a sequence", ty.name())));
    }
    sequence::len(sequence)
}

/// As `PySequence_GetItem`.
fn item(sequence: &Value, index: usize) -> PyResult<Value> {
    if let Some(list) = sequence.exact::<List>()
        && let Some(item) = list.items().get(index)
    {
        return Ok(item);
    }
    let ty = sequence.ty();
    match ty.slot(|slots| slots.item) {
        Some(slot) => slot(sequence, index as isize),
        None if ty.slot(|slots| slots.getitem).is_some() => Err(type_error(format!("{} is not a sequence", ty.name()))),
        None => Err(type_error(format!("'{}' object does not support indexing", ty.name()))),
    }
}

/// The first position of `lo..hi` where `goes_left` holds for the item there; it must hold for all behind too.
fn search(
    sequence: &Value,
    lo: Option<isize>,
    hi: Option<isize>,
    goes_left: impl Fn(&Value) -> PyResult<bool>,
) -> PyResult<usize> {
    let mut low = usize::try_from(lo.unwrap_or(0)).map_err(|_| value_error("lo must be non-negative"))?;
    let mut high = match hi {
        None | Some(-1) => length(sequence)?,
        Some(hi) => usize::try_from(hi).unwrap_or(0),
    };
    while low < high {
        let middle = low + (high - low) / 2;
        if goes_left(&item(sequence, middle)?)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

fn bisect_left(a: &Value, x: &Value, lo: Option<isize>, hi: Option<isize>) -> PyResult<usize> {
    search(a, lo, hi, |item| Ok(!compare::holds(item, x, Compare::Lt)?))
}

fn bisect_right(a: &Value, x: &Value, lo: Option<isize>, hi: Option<isize>) -> PyResult<usize> {
    search(a, lo, hi, |item| compare::holds(x, item, Compare::Lt))
}

fn insert(sequence: &Value, index: usize, x: &Value) -> PyResult<()> {
    match sequence.exact::<List>() {
        Some(list) => list.items().insert(index, x.clone()),
        None => drop(call::call_method(sequence, name!("insert"), &[Value::int(index as i64), x.clone()])?),
    }
    Ok(())
}

fn insort_left(a: &Value, x: &Value, lo: Option<isize>, hi: Option<isize>) -> PyResult<()> {
    insert(a, bisect_left(a, x, lo, hi)?, x)
}

fn insort_right(a: &Value, x: &Value, lo: Option<isize>, hi: Option<isize>) -> PyResult<()> {
    insert(a, bisect_right(a, x, lo, hi)?, x)
}
