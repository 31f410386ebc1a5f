//! The module `itertools`.

mod accumulate;
mod chain;
mod combinations;
mod compress;
mod count;
mod cycle;
mod filterfalse;
mod groupby;
mod islice;
mod permutations;
mod product;
mod repeat;
mod starmap;
mod takewhile;
mod tee;
mod zip_longest;

use crate::method;
use crate::modules::ModuleDef;
use crate::object::arguments::{check_count, no_keywords, positional};
use crate::object::error::{PyResult, Raised};
use crate::object::native::Function;
use crate::object::slots::{CallFn, NextFn, Slots};
use crate::object::value::{Payload, Value};
use crate::object::value_vec::no_memory;
use crate::object::{TypeObject, attribute};
use crate::types::dict::Dict;
use crate::types::exceptions::type_error;
use crate::types::layout;
use crate::types::tuple::Tuple;
use std::cell::Cell;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "itertools",
    doc: "Functional tools for creating and using iterators.\n\nInfinite iterators:\ncount(start=0, step=1) --> start, start+step, start+2*step, ...\ncycle(p) --> p0, p1, ... plast, p0, p1, ...\nrepeat(elem [,n]) --> elem, elem, elem, ... endlessly or up to n times\n\nIterators terminating on the shortest input sequence:\naccumulate(p[, func]) --> p0, p0+p1, p0+p1+p2\nchain(p, q, ...) --> p0, p1, ... plast, q0, q1, ...\nchain.from_iterable([p, q, ...]) --> p0, p1, ... plast, q0, q1, ...\ncompress(data, selectors) --> (d[0] if s[0]), (d[1] if s[1]), ...\ndropwhile(pred, seq) --> seq[n], seq[n+1], starting when pred fails\ngroupby(iterable[, keyfunc]) --> sub-iterators grouped by value of keyfunc(v)\nfilterfalse(pred, seq) --> elements of seq where pred(elem) is False\nislice(seq, [start,] stop [, step]) --> elements from\n       seq[start:stop:step]\nstarmap(fun, seq) --> fun(*seq[0]), fun(*seq[1]), ...\ntee(it, n=2) --> (it1, it2 , ... itn) splits one iterator into n\ntakewhile(pred, seq) --> seq[0], seq[1], until pred fails\nzip_longest(p, q, ...) --> (p[0], q[0]), (p[1], q[1]), ...\n\nCombinatoric generators:\nproduct(p, q, ... [repeat=1]) --> cartesian product\npermutations(p[, r])\ncombinations(p, r)\ncombinations_with_replacement(p, r)\n",
    functions: &[method!(tee::tee, "tee($module, iterable, n=2, /)", "Returns a tuple of n independent iterators.")],
    fill,
};

static TYPES: &[&TypeObject] = &[
    &accumulate::ACCUMULATE,
    &combinations::COMBINATIONS,
    &combinations::WITH_REPLACEMENT,
    &cycle::CYCLE,
    &takewhile::DROPWHILE,
    &takewhile::TAKEWHILE,
    &islice::ISLICE,
    &starmap::STARMAP,
    &chain::CHAIN,
    &compress::COMPRESS,
    &filterfalse::FILTERFALSE,
    &count::COUNT,
    &zip_longest::ZIP_LONGEST,
    &permutations::PERMUTATIONS,
    &product::PRODUCT,
    &repeat::REPEAT,
    &groupby::GROUPBY,
    &groupby::GROUPER,
    &tee::TEE,
    &tee::TEE_DATA,
];

fn fill(dict: &Dict) -> PyResult<()> {
    for ty in TYPES {
        ty.ready()?;
        dict.set_text(ty.short_name(), ty.value());
    }
    Ok(())
}

/// The slots of an iterator that can be made by calling its type.
const fn iterator_slots(new: CallFn, next: NextFn) -> Slots {
    Slots {
        new: Some(new),
        getattr: Some(attribute::generic_get),
        iter: Some(itself),
        next: Some(next),
        ..Slots::EMPTY
    }
}

fn itself(this: &Value) -> PyResult<Value> {
    Ok(this.clone())
}

/// The body of an object of the type of `T`.
#[inline]
fn body<T: Payload>(value: &Value) -> PyResult<&T> {
    value.downcast::<T>().ok_or_else(|| type_error(format!("expected {}", T::type_object().name())))
}

/// The class that a `__new__` was called with.
fn class_or<'a>(class: &'a Value, own: &'static TypeObject) -> &'a TypeObject {
    class.downcast::<TypeObject>().unwrap_or(own)
}

/// Calls a `__new__` declared by its signature.
fn bind(function: &'static Function, class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let mut all = Vec::with_capacity(args.len() + 1);
    all.push(class.clone());
    all.extend_from_slice(args);
    function.call(&all, kwnames)
}

/// The arguments of a `__new__` that takes `count` of them by position. Only the type itself refuses keywords: a subclass
/// may give them to its `__init__`.
fn by_position<'a>(
    own: &'static TypeObject,
    class: &Value,
    args: &'a [Value],
    kwnames: Option<&Value>,
    count: usize,
) -> PyResult<&'a [Value]> {
    if std::ptr::eq(class_or(class, own), own) {
        no_keywords(own.short_name(), kwnames)?;
    }
    let args = positional(args, kwnames);
    check_count(own.short_name(), args.len(), count, count)?;
    Ok(args)
}

/// The tuple that a `__setstate__` wants.
fn state_tuple(state: &Value) -> PyResult<&Tuple> {
    state.downcast::<Tuple>().ok_or_else(|| type_error("state is not a tuple"))
}

/// Checks the number of items of a state, as `PyArg_ParseTuple` without a function name.
fn check_state_count(given: usize, min: usize, max: usize) -> PyResult<()> {
    let (word, bound) = match (given < min, given > max) {
        (false, false) => return Ok(()),
        _ if min == max => ("exactly", min),
        (true, _) => ("at least", min),
        (false, _) => ("at most", max),
    };
    let plural = if bound == 1 { "" } else { "s" };
    Err(type_error(format!("function takes {word} {bound} argument{plural} ({given} given)")))
}

/// An item of a state that is not of the type wanted, as `PyArg_ParseTuple` without a function name.
fn wrong_item(number: usize, expected: &str, value: &Value) -> Raised {
    let found = if value.is_none() { "None" } else { value.ty().name() };
    type_error(format!("argument {number} must be {expected}, not {found}"))
}

/// What a `__reduce__` gives: `(class, *rest)`.
fn reduced(this: &Value, rest: Vec<Value>) -> Value {
    let mut items = Vec::with_capacity(rest.len() + 1);
    items.push(this.ty().value());
    items.extend(rest);
    Tuple::from_vec(items)
}

/// Positions in a pool, or counters: an array that does not change its size.
type Counters = Box<[Cell<usize>]>;

/// `count` counters, the one at `index` set to `start(index)`.
///
/// # Errors
/// `MemoryError` when there is no room.
fn counters(count: usize, start: impl Fn(usize) -> usize) -> PyResult<Counters> {
    let mut all = Vec::new();
    all.try_reserve_exact(count).map_err(|_| no_memory())?;
    all.extend((0..count).map(|index| Cell::new(start(index))));
    Ok(all.into_boxed_slice())
}

/// The counters as a tuple of ints.
fn counters_tuple(counters: &[Cell<usize>]) -> Value {
    Tuple::from_vec(counters.iter().map(|counter| Value::int(counter.get() as i64)).collect())
}

/// What `pool` has at the positions.
fn picked(pool: &Tuple, positions: &[Cell<usize>]) -> Value {
    let pool = pool.as_slice();
    Tuple::from_vec(positions.iter().filter_map(|position| pool.get(position.get()).cloned()).collect())
}

/// `__sizeof__`: CPython's size of the type's instances, what a subclass adds, and a word for each counter.
fn size_with(this: &Value, own: &'static TypeObject, basic: i64, counters: usize) -> i64 {
    let above = layout::of(this.ty()).basic_size - layout::of(own).basic_size;
    basic + above + 8 * counters as i64
}
