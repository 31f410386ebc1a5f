//! `itertools.permutations`.

use super::{
    Counters, bind, body, check_parsed_count, class_or, counters, counters_tuple, iterator_slots, picked, reduced,
    size_with, state_tuple, wrong_parsed,
};
use crate::gc::Visit;
use crate::method;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, Method, thunk};
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject};
use crate::types::exceptions::{system_error, type_error, value_error};
use crate::types::int;
use crate::types::list::state_index;
use crate::types::tuple::{self, Tuple};
use std::cell::Cell;

/// The body of a permutations object.
#[repr(C)]
pub struct Permutations {
    header: Header,
    /// A tuple.
    pool: Value,
    /// Items of a permutation.
    length: usize,
    /// An order of all positions: the first `length` are the present permutation.
    order: Counters,
    /// For each place of a permutation, how many items it has still to take before the place to its left changes; none at
    /// all when there are no permutations.
    cycles: Counters,
    started: Cell<bool>,
    stopped: Cell<bool>,
    /// What was given last.
    last: ValueCell,
}

payload!(Permutations, PERMUTATIONS, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.pool);
        self.last.visit(visit);
    }
});

/// The type object of `permutations`.
pub static PERMUTATIONS: TypeObject = TypeObject::define::<Permutations>("itertools.permutations")
    .flags(TypeFlags::BASE)
    .doc("Return successive r-length permutations of elements in the iterable.\n\npermutations(range(3), 2) --> (0,1), (0,2), (1,0), (1,2), (2,0), (2,1)")
    .slots(iterator_slots(new, next))
    .methods(&[
        method!(reduce, "!__reduce__($self, /)", "Return state information for pickling."),
        method!(set_state, "!__setstate__($self, state, /)", "Set state information for unpickling."),
        method!(sizeof, "!__sizeof__($self, /)", "Returns size in memory, in bytes."),
    ] as &[Method]);

static NEW: Function = Function::new("permutations($type, iterable, r=None)", "", thunk(make));

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    bind(&NEW, class, args, kwnames)
}

fn make(class: &Value, iterable: &Value, length: Option<&Value>) -> PyResult<Value> {
    let ty = class_or(class, &PERMUTATIONS);
    let pool = tuple::from_iterable(iterable)?;
    let available = pool.downcast::<Tuple>().map_or(0, Tuple::len);
    let length = match length.filter(|length| !length.is_none()) {
        None => available,
        Some(length) if !int::is_int(length) => return Err(type_error("Expected int as r")),
        Some(length) => usize::try_from(state_index(length)?).map_err(|_| value_error("r must be non-negative"))?,
    };
    let stopped = length > available;
    Ok(new_instance(
        ty,
        Permutations {
            header: Header::new(ty),
            pool,
            length,
            order: counters(available, |index| index)?,
            cycles: counters(if stopped { 0 } else { length }, |index| available - index)?,
            started: Cell::new(false),
            stopped: Cell::new(stopped),
            last: ValueCell::EMPTY,
        },
    ))
}

impl Permutations {
    fn pool(&self) -> PyResult<&Tuple> {
        self.pool.downcast::<Tuple>().ok_or_else(|| system_error("the pool is no tuple"))
    }

    /// Positions of the present permutation.
    fn positions(&self) -> &[Cell<usize>] {
        self.order.get(..self.length).unwrap_or_default()
    }

    /// Goes on to the next permutation; false when there is none.
    fn advance(&self) -> bool {
        let available = self.order.len();
        for (index, cycle) in self.cycles.iter().enumerate().rev() {
            let left = cycle.get() - 1;
            if left > 0 {
                cycle.set(left);
                if let (Some(a), Some(b)) = (self.order.get(index), self.order.get(available - left)) {
                    a.swap(b);
                }
                return true;
            }
            // This place has had every item: the order of what is left is as it was at first.
            cycle.set(available - index);
            if let Some(rest @ [first, ..]) = self.order.get(index..) {
                let first = first.get();
                for pair in rest.windows(2) {
                    if let [to, from] = pair {
                        to.set(from.get());
                    }
                }
                if let Some(last) = rest.last() {
                    last.set(first);
                }
            }
        }
        false
    }
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let body = body::<Permutations>(this)?;
    let pool = body.pool()?;
    if body.stopped.get() {
        return Ok(None);
    }
    if body.started.replace(true) && !body.advance() {
        body.stopped.set(true);
        body.last.set(None);
        return Ok(None);
    }
    Ok(Some(picked(&body.last, pool, body.positions())))
}

fn reduce(this: &Value) -> PyResult<Value> {
    let body = body::<Permutations>(this)?;
    let length = Value::int(body.length as i64);
    if !body.started.get() {
        return Ok(reduced(this, vec![Tuple::from_vec(vec![body.pool.clone(), length])]));
    }
    if body.stopped.get() {
        return Ok(reduced(this, vec![Tuple::from_vec(vec![Tuple::empty(), length])]));
    }
    let state = Tuple::from_vec(vec![counters_tuple(&body.order), counters_tuple(&body.cycles)]);
    Ok(reduced(this, vec![Tuple::from_vec(vec![body.pool.clone(), length]), state]))
}

fn set_state(this: &Permutations, state: &Value) -> PyResult<()> {
    let state = state_tuple(state)?.as_slice();
    check_parsed_count(state.len(), 2, 2)?;
    let [order, cycles] = state else { return Ok(()) };
    let Some(order) = order.downcast::<Tuple>() else { return Err(wrong_parsed(1, "tuple", order)) };
    let Some(cycles) = cycles.downcast::<Tuple>() else { return Err(wrong_parsed(2, "tuple", cycles)) };
    let available = this.order.len();
    if order.len() != available || cycles.len() != this.length {
        return Err(value_error("invalid arguments"));
    }
    for (counter, item) in this.order.iter().zip(order.iter()) {
        let position = usize::try_from(state_index(item)?).unwrap_or(0);
        counter.set(position.min(available.saturating_sub(1)));
    }
    for (index, item) in cycles.iter().enumerate() {
        let left = usize::try_from(state_index(item)?).unwrap_or(0);
        if let Some(counter) = this.cycles.get(index) {
            counter.set(left.clamp(1, available - index));
        }
    }
    this.started.set(true);
    Ok(())
}

fn sizeof(this: &Value) -> PyResult<i64> {
    let body = body::<Permutations>(this)?;
    Ok(size_with(this, body.order.len() + body.length))
}
