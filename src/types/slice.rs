//! The type `slice`, and what a slice means for a sequence of a given length.

use crate::gc::Visit;
use crate::method;
use crate::object::arguments::no_keywords;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::{GetSet, Method};
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::{TypeObject, attribute, compare, number, text};
use crate::types::exceptions::{type_error, value_error};
use crate::types::int;
use crate::types::str::StrBuilder;
use crate::types::tuple::Tuple;
use num_bigint::{BigInt, Sign};

/// The body of a slice.
#[repr(C)]
pub struct Slice {
    header: Header,
    start: Value,
    stop: Value,
    step: Value,
}

payload!(Slice, SLICE, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.start);
        visit(&self.stop);
        visit(&self.step);
    }
});

/// The type object of `slice`.
pub static SLICE: TypeObject = TypeObject::define::<Slice>("slice")
    .slots(Slots {
        new: Some(new),
        getattr: Some(attribute::generic_get),
        repr: Some(repr),
        compare: Some(rich_compare),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(GETSET)
    .doc(
        "slice(stop)\nslice(start, stop[, step])\n\n\
         Create a slice object.  This is used for extended slicing (e.g. a[0:10:2]).",
    );

const METHODS: &[Method] = &[
    method!(
        indices,
        "!indices($self, length, /)",
        "S.indices(len) -> (start, stop, stride)\n\n\
         Assuming a sequence of length len, calculate the start and stop\n\
         indices, and the stride length of the extended slice described by\n\
         S. Out of bounds indices are clipped in a manner consistent with the\n\
         handling of normal slices."
    ),
    method!(reduce, "!__reduce__($self, /)", "Return state information for pickling."),
];

const GETSET: &[GetSet] = &[
    GetSet::member("start", |this| Ok(body(this)?.start.clone())),
    GetSet::member("stop", |this| Ok(body(this)?.stop.clone())),
    GetSet::member("step", |this| Ok(body(this)?.step.clone())),
];

const NOT_AN_INDEX: &str = "slice indices must be integers or None or have an __index__ method";
const ZERO_STEP: &str = "slice step cannot be zero";

impl Slice {
    /// A slice object; absent parts are `None` values.
    pub fn new_value(start: Value, stop: Value, step: Value) -> Value {
        new_object(Slice { header: Header::new(&SLICE), start, stop, step })
    }

    /// `slice.start`.
    pub fn start(&self) -> &Value {
        &self.start
    }

    /// `slice.stop`.
    pub fn stop(&self) -> &Value {
        &self.stop
    }

    /// `slice.step`.
    pub fn step(&self) -> &Value {
        &self.step
    }
}

/// The parts of a slice as machine ints, clamped to the machine's range; not yet fitted to a length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unpacked {
    /// First index.
    pub start: isize,
    /// End, not included.
    pub stop: isize,
    /// Never 0, never `isize::MIN`.
    pub step: isize,
}

/// A slice fitted to a sequence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Adjusted {
    /// First index; with a negative step it may be -1 when nothing is selected.
    pub start: isize,
    /// End, not included; -1 when a negative step runs to the beginning.
    pub stop: isize,
    /// Never 0.
    pub step: isize,
    /// Number of items selected.
    pub count: usize,
}

impl Unpacked {
    /// Fits the slice to a sequence of `len` items. As `PySlice_AdjustIndices`.
    pub fn adjust(self, len: usize) -> Adjusted {
        let len = isize::try_from(len).unwrap_or(isize::MAX);
        let backwards = self.step < 0;
        let fit = |index: isize| {
            if index < 0 {
                let index = index.saturating_add(len);
                if index >= 0 {
                    index
                } else if backwards {
                    -1
                } else {
                    0
                }
            } else if index >= len {
                if backwards { len - 1 } else { len }
            } else {
                index
            }
        };
        let start = fit(self.start);
        let stop = fit(self.stop);
        let count = if backwards {
            if stop < start { (start - stop - 1) as usize / self.step.unsigned_abs() + 1 } else { 0 }
        } else if start < stop {
            (stop - start - 1) as usize / self.step.unsigned_abs() + 1
        } else {
            0
        };
        Adjusted { start, stop, step: self.step, count }
    }
}

impl Adjusted {
    /// The selected indices in order.
    pub fn indices(self) -> impl ExactSizeIterator<Item = usize> {
        (0..self.count).map(move |at| (self.start as i128 + at as i128 * self.step as i128) as usize)
    }
}

/// A part of a slice as a machine index. As `_PyEval_SliceIndex`.
fn part(value: &Value) -> PyResult<isize> {
    if number::is_index(value) { number::index_clamped(value) } else { Err(type_error(NOT_AN_INDEX)) }
}

/// The parts of a slice as machine ints. As `PySlice_Unpack`. Runs Python code (`__index__`), so a mutable sequence asks
/// for its length only afterwards and goes on with [`Unpacked::adjust`].
///
/// # Errors
/// `TypeError` for parts that are no indices, `ValueError` for a step of zero, what `__index__` raises.
pub fn unpack(slice: &Slice) -> PyResult<Unpacked> {
    let step = if slice.step.is_none() { 1 } else { part(&slice.step)? };
    if step == 0 {
        return Err(value_error(ZERO_STEP));
    }
    // So that the step can be negated.
    let step = step.max(-isize::MAX);
    let start = match slice.start.is_none() {
        true if step < 0 => isize::MAX,
        true => 0,
        false => part(&slice.start)?,
    };
    let stop = match slice.stop.is_none() {
        true if step < 0 => isize::MIN,
        true => isize::MAX,
        false => part(&slice.stop)?,
    };
    Ok(Unpacked { start, stop, step })
}

/// Unpacks a slice and fits it to an immutable sequence of `len` items: `(start, stop, step, count)`.
///
/// # Errors
/// As for [`unpack`].
pub fn adjust(slice: &Slice, len: usize) -> PyResult<(isize, isize, isize, usize)> {
    let Adjusted { start, stop, step, count } = unpack(slice)?.adjust(len);
    Ok((start, stop, step, count))
}

/// A part of a slice as what `__index__` makes of it (a bool stays one), and as an int of any size.
fn long_part(value: &Value) -> PyResult<(Value, BigInt)> {
    if !number::is_index(value) {
        return Err(type_error(NOT_AN_INDEX));
    }
    let index = number::index(value)?;
    let big = int::to_big(&index).ok_or_else(|| type_error(NOT_AN_INDEX))?;
    Ok((index, big))
}

/// `(start, stop, step)` fitted to a sequence of `len` items, without any limit of size. As `_PySlice_GetLongIndices`.
///
/// # Errors
/// As for [`unpack`].
pub fn long_indices(slice: &Slice, len: &BigInt) -> PyResult<(BigInt, BigInt, BigInt)> {
    let [start, stop, step] = long_values(slice, len)?.map(|value| int::to_big(&value).unwrap_or_default());
    Ok((start, stop, step))
}

/// [`long_indices`] as objects: those parts that need no fitting are what the slice holds.
fn long_values(slice: &Slice, len: &BigInt) -> PyResult<[Value; 3]> {
    let (step, big_step) =
        if slice.step.is_none() { (Value::int(1), BigInt::from(1)) } else { long_part(&slice.step)? };
    if big_step.sign() == Sign::NoSign {
        return Err(value_error(ZERO_STEP));
    }
    let backwards = big_step.sign() == Sign::Minus;
    let (lower, upper) = if backwards { (BigInt::from(-1), len - 1) } else { (BigInt::ZERO, len.clone()) };
    let fit = |value: &Value, absent: &BigInt| -> PyResult<Value> {
        if value.is_none() {
            return Ok(int::big(absent.clone()));
        }
        let (index, big) = long_part(value)?;
        Ok(if big.sign() == Sign::Minus {
            int::big((big + len).max(lower.clone()))
        } else if big > upper {
            int::big(upper.clone())
        } else {
            index
        })
    };
    let start = fit(&slice.start, if backwards { &upper } else { &lower })?;
    let stop = fit(&slice.stop, if backwards { &lower } else { &upper })?;
    Ok([start, stop, step])
}

fn body(value: &Value) -> PyResult<&Slice> {
    value.downcast::<Slice>().ok_or_else(|| type_error(format!("expected slice, not {}", value.ty().name())))
}

fn new(_class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    no_keywords("slice", kwnames)?;
    match args {
        [] => Err(type_error("slice expected at least 1 argument, got 0")),
        [stop] => Ok(Slice::new_value(Value::NONE, stop.clone(), Value::NONE)),
        [start, stop] => Ok(Slice::new_value(start.clone(), stop.clone(), Value::NONE)),
        [start, stop, step] => Ok(Slice::new_value(start.clone(), stop.clone(), step.clone())),
        _ => Err(type_error(format!("slice expected at most 3 arguments, got {}", args.len()))),
    }
}

fn repr(this: &Value) -> PyResult<Value> {
    let slice = body(this)?;
    let mut builder = StrBuilder::new();
    builder.push_str("slice(");
    for (index, part) in [&slice.start, &slice.stop, &slice.step].into_iter().enumerate() {
        if index > 0 {
            builder.push_str(", ");
        }
        if let Some(part) = text::repr(part)?.downcast() {
            builder.push_value(part);
        }
    }
    builder.push_str(")");
    Ok(builder.finish())
}

/// Compares as the tuples `(start, stop, step)`.
fn rich_compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    let (Some(a), Some(b)) = (left.downcast::<Slice>(), right.downcast::<Slice>()) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    if left.is(right) {
        return Ok(Value::bool(matches!(op, Compare::Eq | Compare::Le | Compare::Ge)));
    }
    compare::rich(&a.parts(), &b.parts(), op)
}

impl Slice {
    fn parts(&self) -> Value {
        Tuple::from_vec(vec![self.start.clone(), self.stop.clone(), self.step.clone()])
    }
}

fn indices(this: &Slice, length: &Value) -> PyResult<Value> {
    let length = number::index(length)?;
    if int::is_negative(&length) {
        return Err(value_error("length should not be negative"));
    }
    let length = int::to_big(&length).unwrap_or_default();
    Ok(Tuple::from_vec(long_values(this, &length)?.to_vec()))
}

fn reduce(this: &Slice) -> Value {
    Tuple::from_vec(vec![SLICE.value(), this.parts()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::runtime;

    fn make(parts: [Option<i64>; 3]) -> Value {
        let [start, stop, step] = parts.map(|part| part.map_or(Value::NONE, Value::int));
        Slice::new_value(start, stop, step)
    }

    #[test]
    fn slices_fit_lengths() {
        // slice(...).indices(len) and len(range(...)) of CPython 3.8.
        type Case = ([Option<i64>; 3], usize, (isize, isize, isize, usize));
        let cases: &[Case] = &[
            ([None, None, None], 10, (0, 10, 1, 10)),
            ([None, None, Some(-1)], 10, (9, -1, -1, 10)),
            ([None, None, Some(-3)], 10, (9, -1, -3, 4)),
            ([Some(2), Some(-1), Some(2)], 10, (2, 9, 2, 4)),
            ([Some(-100), Some(100), Some(7)], 10, (0, 10, 7, 2)),
            ([Some(100), Some(-100), Some(-7)], 10, (9, -1, -7, 2)),
            ([Some(5), Some(2), None], 10, (5, 2, 1, 0)),
            ([Some(3), Some(5), None], 0, (0, 0, 1, 0)),
            ([Some(3), None, Some(-1)], 0, (-1, -1, -1, 0)),
            ([Some(i64::MAX), Some(i64::MIN), Some(i64::MIN)], 5, (4, -1, -isize::MAX, 1)),
        ];
        runtime::with(|| {
            for (parts, len, expected) in cases {
                let value = make(*parts);
                let slice = value.exact::<Slice>().expect("slice");
                assert_eq!(adjust(slice, *len).expect("fits"), *expected, "{parts:?} {len}");
            }
        });
    }

    #[test]
    fn slices_describe_themselves() {
        runtime::with(|| {
            let value = make([Some(1), None, Some(-2)]);
            assert_eq!(text::repr_string(&value).expect("repr"), "slice(1, None, -2)");
            let error = unpack(make([None, None, Some(0)]).exact::<Slice>().expect("slice")).expect_err("zero");
            assert_eq!(text::str_string(error.value()).expect("str"), "slice step cannot be zero");
            let huge =
                Slice::new_value(int::big(BigInt::from(10).pow(30)), Value::NONE, int::big(-BigInt::from(10).pow(40)));
            let slice = huge.exact::<Slice>().expect("slice");
            let (start, stop, step) = long_indices(slice, &BigInt::from(10).pow(25)).expect("indices");
            assert_eq!(
                format!("{start} {stop} {step}"),
                "9999999999999999999999999 -1 -10000000000000000000000000000000000000000"
            );
        });
    }
}
