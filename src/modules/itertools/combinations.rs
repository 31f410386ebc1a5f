//! `itertools.combinations` and `itertools.combinations_with_replacement`.

use super::{Counters, bind, body, class_or, counters, counters_tuple, iterator_slots, picked, reduced, size_with};
use crate::method;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, Method, thunk};
use crate::object::value::{Payload, Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject};
use crate::types::exceptions::{system_error, value_error};
use crate::types::list::state_index;
use crate::types::tuple::{self, Tuple};
use std::cell::Cell;

/// The body of an iterator over combinations; `AGAIN`: an item may be taken again.
#[repr(C)]
pub struct Combinations<const AGAIN: bool> {
    header: Header,
    /// A tuple.
    pool: Value,
    /// Items of a combination.
    length: usize,
    /// Positions of the present combination; none at all when there are no combinations.
    positions: Counters,
    started: Cell<bool>,
    stopped: Cell<bool>,
    /// What was given last.
    last: ValueCell,
}

payload!(Combinations<false>, COMBINATIONS, {
    const GC: bool = true;
    fn traverse(&self, visit: crate::gc::Visit<'_>) {
        visit(&self.pool);
        self.last.visit(visit);
    }
});

payload!(Combinations<true>, WITH_REPLACEMENT, {
    const GC: bool = true;
    fn traverse(&self, visit: crate::gc::Visit<'_>) {
        visit(&self.pool);
        self.last.visit(visit);
    }
});

/// The type object of `combinations`.
pub static COMBINATIONS: TypeObject = TypeObject::define::<Combinations<false>>("itertools.combinations")
    .flags(TypeFlags::BASE)
    .doc("Return successive r-length combinations of elements in the iterable.\n\ncombinations(range(4), 3) --> (0,1,2), (0,1,3), (0,2,3), (1,2,3)")
    .slots(iterator_slots(
        |class, args, kwnames| bind(&NEW, class, args, kwnames),
        next::<false>,
    ))
    .methods(&[
        method!(reduce::<false>, "!__reduce__($self, /)", "Return state information for pickling."),
        method!(set_state::<false>, "!__setstate__($self, state, /)", "Set state information for unpickling."),
        method!(sizeof::<false>, "!__sizeof__($self, /)", "Returns size in memory, in bytes."),
    ] as &[Method]);

/// The type object of `combinations_with_replacement`.
pub static WITH_REPLACEMENT: TypeObject =
    TypeObject::define::<Combinations<true>>("itertools.combinations_with_replacement")
        .flags(TypeFlags::BASE)
        .doc("Return successive r-length combinations of elements in the iterable allowing individual elements to have successive repeats.\n\ncombinations_with_replacement('ABC', 2) --> AA AB AC BB BC CC\"")
        .slots(iterator_slots(
            |class, args, kwnames| bind(&NEW_WITH_REPLACEMENT, class, args, kwnames),
            next::<true>,
        ))
        .methods(&[
            method!(reduce::<true>, "!__reduce__($self, /)", "Return state information for pickling."),
            method!(set_state::<true>, "!__setstate__($self, state, /)", "Set state information for unpickling."),
            method!(sizeof::<true>, "!__sizeof__($self, /)", "Returns size in memory, in bytes."),
        ] as &[Method]);

static NEW: Function = Function::new("combinations($type, iterable, r)", "", thunk(make::<false>));
static NEW_WITH_REPLACEMENT: Function =
    Function::new("combinations_with_replacement($type, iterable, r)", "", thunk(make::<true>));

fn make<const AGAIN: bool>(class: &Value, iterable: &Value, length: isize) -> PyResult<Value>
where
    Combinations<AGAIN>: Payload,
{
    let ty = class_or(class, Combinations::<AGAIN>::type_object());
    let pool = tuple::from_iterable(iterable)?;
    let Ok(length) = usize::try_from(length) else { return Err(value_error("r must be non-negative")) };
    let available = pool.downcast::<Tuple>().map_or(0, Tuple::len);
    let stopped = if AGAIN { available == 0 && length > 0 } else { length > available };
    let positions = counters(if stopped { 0 } else { length }, |index| if AGAIN { 0 } else { index })?;
    Ok(new_instance(
        ty,
        Combinations::<AGAIN> {
            header: Header::new(ty),
            pool,
            length,
            positions,
            started: Cell::new(false),
            stopped: Cell::new(stopped),
            last: ValueCell::EMPTY,
        },
    ))
}

impl<const AGAIN: bool> Combinations<AGAIN> {
    fn pool(&self) -> PyResult<&Tuple> {
        self.pool.downcast::<Tuple>().ok_or_else(|| system_error("the pool is no tuple"))
    }

    /// The last position that the counter at `index` takes.
    fn last(&self, index: usize, available: usize) -> usize {
        if AGAIN { available.saturating_sub(1) } else { (available + index).saturating_sub(self.length) }
    }

    /// Goes on to the next combination; false when there is none.
    fn advance(&self, available: usize) -> bool {
        let found = self.positions.iter().enumerate().rposition(|(index, at)| at.get() < self.last(index, available));
        let Some(found) = found else { return false };
        let mut position = self.positions.get(found).map_or(0, Cell::get) + 1;
        for counter in self.positions.iter().skip(found) {
            counter.set(position);
            position += usize::from(!AGAIN);
        }
        true
    }
}

fn next<const AGAIN: bool>(this: &Value) -> PyResult<Option<Value>>
where
    Combinations<AGAIN>: Payload,
{
    let body = body::<Combinations<AGAIN>>(this)?;
    let pool = body.pool()?;
    if body.stopped.get() {
        return Ok(None);
    }
    if body.started.replace(true) && !body.advance(pool.len()) {
        body.stopped.set(true);
        body.last.set(None);
        return Ok(None);
    }
    Ok(Some(picked(&body.last, pool, &body.positions)))
}

fn reduce<const AGAIN: bool>(this: &Value) -> PyResult<Value>
where
    Combinations<AGAIN>: Payload,
{
    let body = body::<Combinations<AGAIN>>(this)?;
    let length = Value::int(body.length as i64);
    if !body.started.get() {
        return Ok(reduced(this, vec![Tuple::from_vec(vec![body.pool.clone(), length])]));
    }
    if body.stopped.get() {
        return Ok(reduced(this, vec![Tuple::from_vec(vec![Tuple::empty(), length])]));
    }
    let arguments = Tuple::from_vec(vec![body.pool.clone(), length]);
    Ok(reduced(this, vec![arguments, counters_tuple(&body.positions)]))
}

fn set_state<const AGAIN: bool>(this: &Value, state: &Value) -> PyResult<()>
where
    Combinations<AGAIN>: Payload,
{
    let body = body::<Combinations<AGAIN>>(this)?;
    let available = body.pool()?.len();
    let Some(state) = state.downcast::<Tuple>().filter(|state| state.len() == body.length) else {
        return Err(value_error("invalid arguments"));
    };
    for (index, item) in state.iter().enumerate() {
        let position = usize::try_from(state_index(item)?).unwrap_or(0);
        if let Some(counter) = body.positions.get(index) {
            counter.set(position.min(body.last(index, available)));
        }
    }
    body.started.set(true);
    Ok(())
}

fn sizeof<const AGAIN: bool>(this: &Value) -> PyResult<i64>
where
    Combinations<AGAIN>: Payload,
{
    let body = body::<Combinations<AGAIN>>(this)?;
    Ok(size_with(this, body.length))
}
