//! `itertools.islice`.

use super::{body, class_or, iterator_slots, reduced};
use crate::gc::Visit;
use crate::method;
use crate::object::arguments::{check_count, no_keywords, positional};
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::Method;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, iter, number};
use crate::types::exceptions::value_error;
use crate::types::list::{List, state_index};
use crate::types::tuple::Tuple;
use crate::vm::thread;
use std::cell::Cell;

/// The body of an islice object.
#[repr(C)]
pub struct ISlice {
    header: Header,
    /// Empty at the end.
    iterator: ValueCell,
    /// Index of the next item to give.
    next: Cell<usize>,
    stop: Option<usize>,
    step: usize,
    /// Items taken from the iterator.
    taken: Cell<usize>,
}

payload!(ISlice, ISLICE, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.iterator.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.iterator.take());
    }
});

/// The type object of `islice`.
pub static ISLICE: TypeObject = TypeObject::define::<ISlice>("itertools.islice")
    .flags(TypeFlags::BASE)
    .doc("islice(iterable, stop) --> islice object\nislice(iterable, start, stop[, step]) --> islice object\n\nReturn an iterator whose next() method returns selected values from an\niterable.  If start is specified, will skip all preceding elements;\notherwise, start defaults to zero.  Step defaults to one.  If\nspecified as another value, step determines how many values are\nskipped between successive calls.  Works like a slice() on a list\nbut returns an iterator.")
    .slots(iterator_slots(new, next))
    .methods(&[
        method!(reduce, "!__reduce__($self, /)", "Return state information for pickling."),
        method!(set_state, "!__setstate__($self, state, /)", "Set state information for unpickling."),
    ] as &[Method]);

/// An index given, or `default` for None; -1 for what is no index at all.
fn bound(value: Option<&Value>, default: isize) -> isize {
    match value.filter(|value| !value.is_none()) {
        Some(value) => number::index_to_isize(value).unwrap_or(-1),
        None => default,
    }
}

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let ty = class_or(class, &ISLICE);
    if std::ptr::eq(ty, &ISLICE) {
        no_keywords("islice", kwnames)?;
    }
    let args = positional(args, kwnames);
    check_count("islice", args.len(), 2, 4)?;
    let (start, stop) = match args {
        [_, stop] => (0, stop),
        [_, start, stop, ..] => (bound(Some(start), 0), stop),
        _ => return Ok(Value::NONE),
    };
    // The largest isize is a stop; None is more.
    let end = bound(Some(stop), isize::MAX);
    if end == -1 {
        return Err(value_error("Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize."));
    }
    let (Ok(start), Ok(end)) = (usize::try_from(start), usize::try_from(end)) else {
        return Err(value_error("Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize."));
    };
    let step = bound(args.get(3), 1);
    if step < 1 {
        return Err(value_error("Step for islice() must be a positive integer or None."));
    }
    let iterator = match args.first() {
        Some(iterable) => ValueCell::new(Some(iter::iter(iterable)?)),
        None => ValueCell::EMPTY,
    };
    let stop = if stop.is_none() { None } else { Some(end) };
    let (next, taken) = (Cell::new(start), Cell::new(0));
    Ok(new_instance(ty, ISlice { header: Header::new(ty), iterator, next, stop, step: step as usize, taken }))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    // Iterators over iterators may be nested as deep as memory allows.
    thread::check_native_stack()?;
    let body = body::<ISlice>(this)?;
    let Some(iterator) = body.iterator.get() else { return Ok(None) };
    let result = body.step(&iterator);
    if !matches!(result, Ok(Some(_))) {
        body.iterator.set(None);
    }
    result
}

impl ISlice {
    fn step(&self, iterator: &Value) -> PyResult<Option<Value>> {
        while self.taken.get() < self.next.get() {
            if iter::next(iterator)?.is_none() {
                return Ok(None);
            }
            self.taken.set(self.taken.get() + 1);
        }
        if self.stop.is_some_and(|stop| self.taken.get() >= stop) {
            return Ok(None);
        }
        let Some(item) = iter::next(iterator)? else { return Ok(None) };
        self.taken.set(self.taken.get() + 1);
        let following = self.next.get().saturating_add(self.step);
        self.next.set(self.stop.map_or(following, |stop| following.min(stop)));
        Ok(Some(item))
    }
}

fn reduce(this: &Value) -> PyResult<Value> {
    let body = body::<ISlice>(this)?;
    let int = |number: usize| Value::int(number as i64);
    let Some(iterator) = body.iterator.get() else {
        let empty = iter::iter(&List::from_vec(Vec::new()))?;
        return Ok(reduced(this, vec![Tuple::from_vec(vec![empty, int(0)]), int(0)]));
    };
    let stop = body.stop.map_or(Value::NONE, int);
    let arguments = Tuple::from_vec(vec![iterator, int(body.next.get()), stop, int(body.step)]);
    Ok(reduced(this, vec![arguments, int(body.taken.get())]))
}

fn set_state(this: &ISlice, state: &Value) -> PyResult<()> {
    this.taken.set(state_index(state)? as usize);
    Ok(())
}
