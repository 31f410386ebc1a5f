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
use crate::modules::arguments::{bind, body, by_position, check_parsed_count, class_or, state_tuple, wrong_parsed};
use crate::object::error::PyResult;
use crate::object::slots::{CallFn, NextFn, Slots};
use crate::object::value::Value;
use crate::object::value_vec::{ValueCell, no_memory};
use crate::object::{TypeObject, attribute};
use crate::types::dict::Dict;
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

/// A tuple of what `item` gives for each index below `len`: the one given last, if nobody else refers to it any more.
fn next_result<'a>(last: &ValueCell, len: usize, item: impl Fn(usize) -> Option<&'a Value>) -> Value {
    let result = match last.take().map(|last| Tuple::refill(last, &item)) {
        Some(Ok(result)) => result,
        _ => Tuple::from_vec((0..len).filter_map(|index| item(index).cloned()).collect()),
    };
    last.set(Some(result.clone()));
    result
}

/// What `pool` has at the positions.
fn picked(last: &ValueCell, pool: &Tuple, positions: &[Cell<usize>]) -> Value {
    let pool = pool.as_slice();
    next_result(last, positions.len(), |index| pool.get(positions.get(index)?.get()))
}

/// `__sizeof__`: CPython's size of the type's instances, and a word for each counter.
fn size_with(this: &Value, counters: usize) -> i64 {
    layout::of(this.ty()).basic_size + 8 * counters as i64
}
