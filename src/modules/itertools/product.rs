//! `itertools.product`.

use super::{Counters, body, class_or, counters, counters_tuple, iterator_slots, next_result, reduced, size_with};
use crate::gc::Visit;
use crate::method;
use crate::object::arguments::positional;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, Method, thunk};
use crate::object::value::{Value, payload};
use crate::object::value_vec::{ValueCell, repeated};
use crate::object::{TypeFlags, TypeObject};
use crate::types::exceptions::{overflow_error, system_error, value_error};
use crate::types::list::state_index;
use crate::types::tuple::{self, Tuple};
use std::cell::Cell;

/// The body of a product object.
#[repr(C)]
pub struct Product {
    header: Header,
    /// A tuple of tuples.
    pools: Value,
    /// A position in each pool.
    positions: Counters,
    started: Cell<bool>,
    stopped: Cell<bool>,
    /// What was given last.
    last: ValueCell,
}

payload!(Product, PRODUCT, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.pools);
        self.last.visit(visit);
    }
});

/// The type object of `product`.
pub static PRODUCT: TypeObject = TypeObject::define::<Product>("itertools.product")
    .flags(TypeFlags::BASE)
    .doc("product(*iterables, repeat=1) --> product object\n\nCartesian product of input iterables.  Equivalent to nested for-loops.\n\nFor example, product(A, B) returns the same as:  ((x,y) for x in A for y in B).\nThe leftmost iterators are in the outermost for-loop, so the output tuples\ncycle in a manner similar to an odometer (with the rightmost element changing\non every iteration).\n\nTo compute the product of an iterable with itself, specify the number\nof repetitions with the optional repeat keyword argument. For example,\nproduct(A, repeat=4) means the same as product(A, A, A, A).\n\nproduct('ab', range(3)) --> ('a',0) ('a',1) ('a',2) ('b',0) ('b',1) ('b',2)\nproduct((0,1), (0,1), (0,1)) --> (0,0,0) (0,0,1) (0,1,0) (0,1,1) (1,0,0) ...")
    .slots(iterator_slots(new, next))
    .methods(&[
        method!(reduce, "!__reduce__($self, /)", "Return state information for pickling."),
        method!(set_state, "!__setstate__($self, state, /)", "Set state information for unpickling."),
        method!(sizeof, "!__sizeof__($self, /)", "Returns size in memory, in bytes."),
    ] as &[Method]);

/// Reads the keywords.
static KEYWORDS: Function = Function::new("%product(repeat=1)", "", thunk(repeat_keyword));

fn repeat_keyword(repeat: Option<isize>) -> isize {
    repeat.unwrap_or(1)
}

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let ty = class_or(class, &PRODUCT);
    let iterables = positional(args, kwnames);
    let mut repeat = 1;
    if kwnames.is_some() {
        let given = KEYWORDS.call(args.get(iterables.len()..).unwrap_or_default(), kwnames)?;
        let Ok(count) = usize::try_from(state_index(&given)?) else {
            return Err(value_error("repeat argument cannot be negative"));
        };
        repeat = count;
    }
    let given = if repeat == 0 { &[] } else { iterables };
    if given.len().checked_mul(repeat).and_then(|all| all.checked_mul(8)).is_none_or(|all| all > isize::MAX as usize) {
        return Err(overflow_error("repeat argument too large"));
    }
    let pools = given.iter().map(tuple::from_iterable).collect::<PyResult<Vec<Value>>>()?;
    let pools = if repeat == 1 { pools } else { repeated(&pools, repeat)? };
    let positions = counters(pools.len(), |_| 0)?;
    let pools = Tuple::from_vec(pools);
    let (started, stopped) = (Cell::new(false), Cell::new(false));
    Ok(new_instance(
        ty,
        Product { header: Header::new(ty), pools, positions, started, stopped, last: ValueCell::EMPTY },
    ))
}

impl Product {
    /// The pools with the present position in each.
    fn places(&self) -> PyResult<impl DoubleEndedIterator<Item = (&[Value], &Cell<usize>)>> {
        let pools = self.pools.exact::<Tuple>().ok_or_else(|| system_error("the pools are no tuple"))?;
        let pools =
            pools.as_slice().iter().map(|pool| pool.downcast::<Tuple>().map_or(&[] as &[Value], Tuple::as_slice));
        Ok(pools.zip(self.positions.iter()))
    }

    /// Goes on to the next items; false when there are none.
    fn advance(&self) -> PyResult<bool> {
        for (pool, position) in self.places()?.rev() {
            let next = position.get() + 1;
            if next < pool.len() {
                position.set(next);
                return Ok(true);
            }
            position.set(0);
        }
        Ok(false)
    }
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let body = body::<Product>(this)?;
    if body.stopped.get() {
        return Ok(None);
    }
    if body.started.replace(true) && !body.advance()? {
        body.stopped.set(true);
        body.last.set(None);
        return Ok(None);
    }
    let pools = body.pools.exact::<Tuple>().map_or(&[] as &[Value], Tuple::as_slice);
    if pools.iter().any(|pool| pool.exact::<Tuple>().is_none_or(Tuple::is_empty)) {
        body.stopped.set(true);
        body.last.set(None);
        return Ok(None);
    }
    Ok(Some(next_result(&body.last, pools.len(), |index| {
        pools.get(index)?.exact::<Tuple>()?.get(body.positions.get(index)?.get())
    })))
}

fn reduce(this: &Value) -> PyResult<Value> {
    let body = body::<Product>(this)?;
    if body.stopped.get() {
        return Ok(reduced(this, vec![Tuple::from_vec(vec![Tuple::empty()])]));
    }
    if !body.started.get() {
        return Ok(reduced(this, vec![body.pools.clone()]));
    }
    Ok(reduced(this, vec![body.pools.clone(), counters_tuple(&body.positions)]))
}

fn set_state(this: &Product, state: &Value) -> PyResult<()> {
    let Some(state) = state.downcast::<Tuple>().filter(|state| state.len() == this.positions.len()) else {
        return Err(value_error("invalid arguments"));
    };
    for ((pool, position), item) in this.places()?.zip(state.iter()) {
        let index = usize::try_from(state_index(item)?).unwrap_or(0);
        let Some(last) = pool.len().checked_sub(1) else {
            this.stopped.set(true);
            return Ok(());
        };
        position.set(index.min(last));
    }
    this.started.set(true);
    Ok(())
}

fn sizeof(this: &Value) -> PyResult<i64> {
    let body = body::<Product>(this)?;
    Ok(size_with(this, body.positions.len()))
}
