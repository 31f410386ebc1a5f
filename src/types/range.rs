//! The type `range` and its iterators: one for machine ints, one for ints of any size.

use crate::method;
use crate::object::arguments::no_keywords;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::{GetSet, Method};
use crate::object::slots::{BinaryOp, Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, attribute, builtins, compare, hash, number, text};
use crate::types::exceptions::{index_error, overflow_error, type_error, value_error};
use crate::types::int::{self, Num};
use crate::types::slice::{self, Slice};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{One, Zero};
use std::cell::Cell;

/// The body of a range. All four are ints, of a subclass perhaps: `range(True).stop` is `True`.
#[repr(C)]
pub struct Range {
    header: Header,
    start: Value,
    stop: Value,
    step: Value,
    length: Value,
}

payload!(Range, RANGE);

/// The type object of `range`.
pub static RANGE: TypeObject = TypeObject::define::<Range>("range")
    .slots(Slots {
        new: Some(new),
        getattr: Some(attribute::generic_get),
        repr: Some(repr),
        hash: Some(hash_),
        compare: Some(rich_compare),
        iter: Some(iter),
        bool: Some(|this| number::truth(&body(this)?.length)),
        length: Some(length),
        getitem: Some(get_item),
        item: Some(|this, index| body(this)?.item_value(&Value::int(index as i64))),
        contains: Some(contains),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(GETSET)
    .doc(
        "range(stop) -> range object\nrange(start, stop[, step]) -> range object\n\n\
         Return an object that produces a sequence of integers from start (inclusive)\n\
         to stop (exclusive) by step.  range(i, j) produces i, i+1, i+2, ..., j-1.\n\
         start defaults to 0, and stop is omitted!  range(4) produces 0, 1, 2, 3.\n\
         These are exactly the valid indices for a list of 4 elements.\n\
         When step is given, it specifies the increment (or decrement).",
    );

const METHODS: &[Method] = &[
    method!(reversed, "!__reversed__($self, /)", "Return a reverse iterator."),
    method!(reduce, "!__reduce__($self, /)", ""),
    method!(
        count,
        "!count($self, value, /)",
        "rangeobject.count(value) -> integer -- return number of occurrences of value"
    ),
    method!(
        index,
        "!index($self, value, /)",
        "rangeobject.index(value) -> integer -- return index of value.\nRaise ValueError if the value is not present."
    ),
];

const GETSET: &[GetSet] = &[
    GetSet::member("start", |this| Ok(body(this)?.start.clone())),
    GetSet::member("stop", |this| Ok(body(this)?.stop.clone())),
    GetSet::member("step", |this| Ok(body(this)?.step.clone())),
];

/// An int's value. Ranges hold ints only.
fn big(value: &Value) -> BigInt {
    int::to_big(value).unwrap_or_default()
}

/// Number of ints from `start` to `stop`, not included, by `step`, which is not zero.
fn count_between(start: Num, stop: Num, step: Num) -> Value {
    if let (Num::Small(start), Num::Small(stop), Num::Small(step)) = (start, stop, step) {
        let (low, high) = if step > 0 { (start, stop) } else { (stop, start) };
        if low >= high {
            return Value::int(0);
        }
        let distance = (i128::from(high) - i128::from(low) - 1) as u64;
        let count = distance / step.unsigned_abs();
        return match i64::try_from(count).ok().and_then(|count| count.checked_add(1)) {
            Some(count) => Value::int(count),
            None => int::big(BigInt::from(count) + 1),
        };
    }
    let (start, stop, step) = (start.big(), stop.big(), step.big());
    let (distance, step) =
        if step.sign() == Sign::Plus { (&*stop - &*start, step.into_owned()) } else { (&*start - &*stop, -&*step) };
    if distance.sign() != Sign::Plus {
        return Value::int(0);
    }
    int::big((distance - 1u8).div_floor(&step) + 1u8)
}

impl Range {
    /// A range. The parts are ints (perhaps of a subclass).
    ///
    /// # Errors
    /// `ValueError` for a step of zero, `TypeError` for parts that are no ints.
    pub fn new_value(start: Value, stop: Value, step: Value) -> PyResult<Value> {
        let step_number = int::number(&step)?;
        if matches!(step_number, Num::Small(0)) {
            return Err(value_error("range() arg 3 must not be zero"));
        }
        let length = count_between(int::number(&start)?, int::number(&stop)?, step_number);
        Ok(new_object(Range { header: Header::new(&RANGE), start, stop, step, length }))
    }

    fn from_big(start: BigInt, stop: BigInt, step: BigInt) -> PyResult<Value> {
        Range::new_value(int::big(start), int::big(stop), int::big(step))
    }

    /// Start, step and length, when all of them are machine ints.
    fn small(&self) -> Option<(i64, i64, i64)> {
        Some((int::to_i64(&self.start)?, int::to_i64(&self.step)?, int::to_i64(&self.length)?))
    }

    /// `start + index * step`, whether the range has it or not.
    fn nth(&self, index: &BigInt) -> BigInt {
        big(&self.start) + index * big(&self.step)
    }

    /// The item at an index, which is an int; negative ones count from the end.
    fn item_value(&self, index: &Value) -> PyResult<Value> {
        let out_of_range = || index_error("range object index out of range");
        if let (Some((start, step, len)), Some(index)) = (self.small(), int::to_i64(index)) {
            let index = if index < 0 { index.saturating_add(len) } else { index };
            if !(0..len).contains(&index) {
                return Err(out_of_range());
            }
            let item = i128::from(start) + i128::from(index) * i128::from(step);
            return Ok(i64::try_from(item).map_or_else(|_| int::big(item.into()), Value::int));
        }
        let length = big(&self.length);
        let mut index = big(index);
        if index.sign() == Sign::Minus {
            index += &length;
        }
        if index.sign() == Sign::Minus || index >= length {
            return Err(out_of_range());
        }
        Ok(int::big(self.nth(&index)))
    }

    /// The position of an int, if the range has it.
    fn position(&self, item: &Value) -> Option<Value> {
        if let (Some((start, step, len)), Some(item)) = (self.small(), int::to_i64(item)) {
            let offset = i128::from(item) - i128::from(start);
            let index = offset / i128::from(step);
            let found = offset % i128::from(step) == 0 && (0..i128::from(len)).contains(&index);
            return if found { Some(Value::int(index as i64)) } else { None };
        }
        let (index, rest) = (big(item) - big(&self.start)).div_rem(&big(&self.step));
        let found = rest.is_zero() && index.sign() != Sign::Minus && index < big(&self.length);
        if found { Some(int::big(index)) } else { None }
    }
}

fn body(value: &Value) -> PyResult<&Range> {
    value.downcast::<Range>().ok_or_else(|| type_error(format!("expected range, not {}", value.ty().name())))
}

fn new(_class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    no_keywords("range", kwnames)?;
    match args {
        [stop] => Range::new_value(Value::int(0), number::index(stop)?, Value::int(1)),
        [start, stop] => Range::new_value(number::index(start)?, number::index(stop)?, Value::int(1)),
        [start, stop, step] => Range::new_value(number::index(start)?, number::index(stop)?, number::index(step)?),
        [] => Err(type_error("range expected 1 argument, got 0")),
        _ => Err(type_error(format!("range expected at most 3 arguments, got {}", args.len()))),
    }
}

fn repr(this: &Value) -> PyResult<Value> {
    let range = body(this)?;
    let (start, stop) = (text::repr_string(&range.start)?, text::repr_string(&range.stop)?);
    Ok(Str::new_value(&if matches!(int::num(&range.step), Some(Num::Small(1))) {
        format!("range({start}, {stop})")
    } else {
        format!("range({start}, {stop}, {})", text::repr_string(&range.step)?)
    }))
}

/// Ranges are equal when they stand for the same sequence; so only what matters for it is hashed.
fn hash_(this: &Value) -> PyResult<i64> {
    let range = body(this)?;
    let count = int::to_i64(&range.length);
    let start = if count == Some(0) { Value::NONE } else { range.start.clone() };
    let step = if matches!(count, Some(0 | 1)) { Value::NONE } else { range.step.clone() };
    hash::hash(&Tuple::from_vec(vec![range.length.clone(), start, step]))
}

fn rich_compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    let (Some(a), Some(b)) = (left.downcast::<Range>(), right.downcast::<Range>()) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    if !matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let equal = left.is(right)
        || (compare::equal(&a.length, &b.length)?
            && match int::to_i64(&a.length) {
                Some(0) => true,
                Some(1) => compare::equal(&a.start, &b.start)?,
                _ => compare::equal(&a.start, &b.start)? && compare::equal(&a.step, &b.step)?,
            });
    Ok(Value::bool(equal == (op == Compare::Eq)))
}

fn length(this: &Value) -> PyResult<usize> {
    int::to_i64(&body(this)?.length)
        .map(|length| length as usize)
        .ok_or_else(|| overflow_error("Python int too large to convert to C ssize_t"))
}

fn get_item(this: &Value, key: &Value) -> PyResult<Value> {
    let range = body(this)?;
    if number::is_index(key) {
        return range.item_value(&number::index(key)?);
    }
    let Some(selection) = key.downcast::<Slice>() else {
        return Err(type_error(format!("range indices must be integers or slices, not {}", key.ty().name())));
    };
    let (start, stop, step) = slice::long_indices(selection, &big(&range.length))?;
    Range::from_big(range.nth(&start), range.nth(&stop), step * big(&range.step))
}

/// Whether arithmetic may replace comparing with every item.
fn is_plain_int(value: &Value) -> bool {
    int::is_exact_int(value) || value.is_true() || value.is_false()
}

/// Calls `found` with the position of every item that is equal to `value`, until it says false.
fn search(this: &Value, value: &Value, mut found: impl FnMut(i64) -> bool) -> PyResult<()> {
    let iterator = iter(this)?;
    let mut position = 0i64;
    while let Some(item) = crate::object::iter::next(&iterator)? {
        if compare::equal(value, &item)? && !found(position) {
            break;
        }
        position = position.checked_add(1).ok_or_else(|| overflow_error("index exceeds C integer size"))?;
    }
    Ok(())
}

fn contains(this: &Value, value: &Value) -> PyResult<bool> {
    if is_plain_int(value) {
        return Ok(body(this)?.position(value).is_some());
    }
    let mut seen = false;
    search(this, value, |_| {
        seen = true;
        false
    })?;
    Ok(seen)
}

fn count(this: &Value, value: &Value) -> PyResult<i64> {
    if is_plain_int(value) {
        return Ok(i64::from(body(this)?.position(value).is_some()));
    }
    let mut count = 0;
    search(this, value, |_| {
        count += 1;
        true
    })?;
    Ok(count)
}

fn index(this: &Value, value: &Value) -> PyResult<Value> {
    if is_plain_int(value) {
        let position = body(this)?.position(value);
        return match position {
            Some(position) => Ok(position),
            None => Err(value_error(format!("{} is not in range", text::repr_string(value)?))),
        };
    }
    let mut first = None;
    search(this, value, |position| {
        first = Some(position);
        false
    })?;
    first.map(Value::int).ok_or_else(|| value_error("sequence.index(x): x not in sequence"))
}

fn reduce(this: &Range) -> Value {
    let parts = Tuple::from_vec(vec![this.start.clone(), this.stop.clone(), this.step.clone()]);
    Tuple::from_vec(vec![RANGE.value(), parts])
}

fn iter(this: &Value) -> PyResult<Value> {
    let range = body(this)?;
    if let (Some((start, step, len)), Some(_)) = (range.small(), int::to_i64(&range.stop)) {
        return Ok(RangeIterator::new_value(start, step, len));
    }
    LongRangeIterator::new_value(range.start.clone(), range.step.clone(), range.length.clone())
}

fn reversed(this: &Value) -> PyResult<Value> {
    let range = body(this)?;
    if let (Some((start, step, len)), Some(_)) = (range.small(), int::to_i64(&range.stop))
        && let (Some(_), Some(back)) = (start.checked_sub(step), step.checked_neg())
    {
        // The last item lies between start and stop.
        let last = start.wrapping_add(len.wrapping_sub(1).wrapping_mul(step));
        return Ok(RangeIterator::new_value(last, back, len));
    }
    let last = range.nth(&(big(&range.length) - 1u8));
    LongRangeIterator::new_value(int::big(last), int::big(-big(&range.step)), range.length.clone())
}

/// The body of a range iterator over machine ints.
#[repr(C)]
pub struct RangeIterator {
    header: Header,
    /// The next item; past the end it may have wrapped around.
    next: Cell<i64>,
    /// Items still to come.
    remaining: Cell<i64>,
    step: Cell<i64>,
    /// Items in all.
    len: i64,
}

payload!(RangeIterator, RANGE_ITERATOR);

const LENGTH_HINT_DOC: &str = "Private method returning an estimate of len(list(it)).";
const REDUCE_DOC: &str = "Return state information for pickling.";
const SETSTATE_DOC: &str = "Set state information for unpickling.";

/// The type object of range iterators over machine ints.
pub static RANGE_ITERATOR: TypeObject = TypeObject::define::<RangeIterator>("range_iterator")
    .flags(TypeFlags::SIMPLE_DROP)
    .quick_next(|this| iterator(this).ok()?.advance().map(Value::int))
    .slots(Slots {
        iter: Some(|this| Ok(this.clone())),
        next: Some(|this| Ok(iterator(this)?.advance().map(Value::int))),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(length_hint, "!__length_hint__($self, /)", LENGTH_HINT_DOC),
        method!(iterator_reduce, "!__reduce__($self, /)", REDUCE_DOC),
        method!(set_state, "!__setstate__($self, state, /)", SETSTATE_DOC),
    ]);

impl RangeIterator {
    /// An iterator over `len` ints from `start` by `step`.
    #[inline]
    pub fn new_value(start: i64, step: i64, len: i64) -> Value {
        new_object(RangeIterator {
            header: Header::new(&RANGE_ITERATOR),
            next: Cell::new(start),
            remaining: Cell::new(len),
            step: Cell::new(step),
            len,
        })
    }

    /// The next item, moving on.
    #[inline(always)]
    pub fn advance(&self) -> Option<i64> {
        let remaining = self.remaining.get();
        if remaining <= 0 {
            return None;
        }
        let item = self.next.get();
        self.next.set(item.wrapping_add(self.step.get()));
        self.remaining.set(remaining - 1);
        Some(item)
    }

    /// The next item, for the loop's fast path.
    #[inline(always)]
    pub(crate) fn next(&self) -> &Cell<i64> {
        &self.next
    }

    /// Items still to come, for the loop's fast path.
    #[inline(always)]
    pub(crate) fn remaining(&self) -> &Cell<i64> {
        &self.remaining
    }

    /// The distance of items, for the loop's fast path.
    #[inline(always)]
    pub(crate) fn step(&self) -> &Cell<i64> {
        &self.step
    }

    /// Number of items already given, and the first item.
    fn origin(&self) -> (i64, i64) {
        let index = self.len - self.remaining.get();
        (index, self.next.get().wrapping_sub(index.wrapping_mul(self.step.get())))
    }
}

fn iterator(value: &Value) -> PyResult<&RangeIterator> {
    value.downcast::<RangeIterator>().ok_or_else(|| type_error("expected a range_iterator"))
}

fn length_hint(this: &RangeIterator) -> i64 {
    this.remaining().get()
}

/// How an iterator over a range is pickled: `iter(range)` and the number of items already given.
fn pickled(start: BigInt, step: BigInt, len: BigInt, index: Value) -> PyResult<Value> {
    let stop = &start + len * &step;
    let range = Range::from_big(start, stop, step)?;
    Ok(Tuple::from_vec(vec![builtins::get("iter")?, Tuple::from_vec(vec![range]), index]))
}

fn iterator_reduce(this: &RangeIterator) -> PyResult<Value> {
    let (index, start) = this.origin();
    pickled(start.into(), this.step().get().into(), this.len.into(), Value::int(index))
}

fn set_state(this: &RangeIterator, state: &Value) -> PyResult<()> {
    let too_large = "Python int too large to convert to C long";
    let index = int::to_i64(&number::integer(state)?).ok_or_else(|| overflow_error(too_large))?;
    let index = index.clamp(0, this.len.max(0));
    let (_, start) = this.origin();
    this.next().set(start.wrapping_add(index.wrapping_mul(this.step().get())));
    this.remaining().set(this.len - index);
    Ok(())
}

/// The body of a range iterator over ints of any size.
#[repr(C)]
pub struct LongRangeIterator {
    header: Header,
    /// Items already given: an int, unless `__setstate__` was given another number.
    index: ValueCell,
    start: Value,
    step: Value,
    len: Value,
}

payload!(LongRangeIterator, LONG_RANGE_ITERATOR);

/// The type object of range iterators over ints of any size.
pub static LONG_RANGE_ITERATOR: TypeObject = TypeObject::define::<LongRangeIterator>("longrange_iterator")
    .slots(Slots {
        iter: Some(|this| Ok(this.clone())),
        next: Some(long_next),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(long_length_hint, "!__length_hint__($self, /)", LENGTH_HINT_DOC),
        method!(long_reduce, "!__reduce__($self, /)", REDUCE_DOC),
        method!(long_set_state, "!__setstate__($self, state, /)", SETSTATE_DOC),
    ]);

impl LongRangeIterator {
    fn new_value(start: Value, step: Value, len: Value) -> PyResult<Value> {
        Ok(new_object(LongRangeIterator {
            header: Header::new(&LONG_RANGE_ITERATOR),
            index: ValueCell::new(Some(Value::int(0))),
            start: int::exact(&start)?,
            step: int::exact(&step)?,
            len,
        }))
    }

    fn index(&self) -> Value {
        self.index.get().unwrap_or(Value::int(0))
    }
}

fn long_next(this: &Value) -> PyResult<Option<Value>> {
    let Some(iterator) = this.downcast::<LongRangeIterator>() else {
        return Err(type_error("expected a longrange_iterator"));
    };
    let index = iterator.index();
    if int::is_int(&index) {
        let index = big(&index);
        if index >= big(&iterator.len) {
            return Ok(None);
        }
        let item = big(&iterator.start) + &index * big(&iterator.step);
        iterator.index.set(Some(int::big(index + BigInt::one())));
        return Ok(Some(int::big(item)));
    }
    if !compare::holds(&index, &iterator.len, Compare::Lt)? {
        return Ok(None);
    }
    let next = number::binary(BinaryOp::Add, &index, &Value::int(1))?;
    let distance = number::binary(BinaryOp::Multiply, &index, &iterator.step)?;
    let item = number::binary(BinaryOp::Add, &iterator.start, &distance)?;
    iterator.index.set(Some(next));
    Ok(Some(item))
}

fn long_length_hint(this: &LongRangeIterator) -> PyResult<Value> {
    number::binary(BinaryOp::Subtract, &this.len, &this.index())
}

fn long_reduce(this: &LongRangeIterator) -> PyResult<Value> {
    pickled(big(&this.start), big(&this.step), big(&this.len), this.index())
}

fn long_set_state(this: &LongRangeIterator, state: &Value) -> PyResult<()> {
    let index = if compare::holds(state, &Value::int(0), Compare::Lt)? {
        Value::int(0)
    } else if compare::holds(&this.len, state, Compare::Lt)? {
        this.len.clone()
    } else {
        state.clone()
    };
    this.index.set(Some(index));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::runtime;

    fn range(start: i128, stop: i128, step: i128) -> Value {
        Range::from_big(start.into(), stop.into(), step.into()).expect("range")
    }

    #[test]
    fn iterators_give_every_item() {
        // list(range(...)) and list(reversed(range(...))) of CPython 3.8.
        type Case = ((i128, i128, i128), &'static [i128], &'static str);
        const E19: i128 = 10_i128.pow(19);
        const MAX: i128 = i64::MAX as i128;
        let cases: &[Case] = &[
            ((0, 3, 1), &[0, 1, 2], "range_iterator"),
            ((5, -2, -3), &[5, 2, -1], "range_iterator"),
            ((3, 3, 1), &[], "range_iterator"),
            ((0, MAX, MAX / 2 + 1), &[0, MAX / 2 + 1], "range_iterator"),
            ((MAX - 2, MAX, 2), &[MAX - 2], "range_iterator"),
            ((E19, E19 + 5, 2), &[E19, E19 + 2, E19 + 4], "longrange_iterator"),
            ((0, 1, MAX + 1), &[0], "longrange_iterator"),
        ];
        runtime::with(|| {
            for ((start, stop, step), items, name) in cases {
                let value = range(*start, *stop, *step);
                let iterator = iter(&value).expect("iterator");
                assert_eq!(iterator.ty().name(), *name);
                let list = |iterator: &Value| -> Vec<BigInt> {
                    crate::object::iter::collect(iterator).expect("items").iter().map(big).collect()
                };
                let mut expected: Vec<BigInt> = items.iter().map(|item| BigInt::from(*item)).collect();
                assert_eq!(list(&iterator), expected);
                expected.reverse();
                assert_eq!(list(&reversed(&value).expect("reversed")), expected);
            }
        });
    }

    #[test]
    fn state_moves_iterators() {
        runtime::with(|| {
            let value = iter(&range(3, 20, 4)).expect("iterator");
            let iterator = value.exact::<RangeIterator>().expect("range_iterator");
            for (state, next) in [(2, Some(11)), (0, Some(3)), (-7, Some(3)), (4, Some(19)), (99, None), (1, Some(7))] {
                set_state(iterator, &Value::int(state)).expect("state");
                assert_eq!(iterator.advance(), next, "{state}");
            }
            assert_eq!(iterator.origin(), (2, 3));
        });
    }
}
