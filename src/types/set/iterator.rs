//! The type `set_iterator`.

use crate::gc::Visit;
use crate::method;
use crate::object::builtins;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::iter;
use crate::object::native::Method;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute};
use crate::types::exceptions::{runtime_error, type_error};
use crate::types::list::List;
use crate::types::set::{SetTable, table_of};
use crate::types::tuple::Tuple;
use std::cell::Cell;

/// The number of keys that says that the set was seen to change: no set has it.
const CHANGED: usize = usize::MAX;

/// The body of a `set_iterator`.
#[repr(C)]
pub struct SetIterator {
    header: Header,
    /// Empty at the end.
    set: ValueCell,
    /// Number of keys that the set had at first.
    used: Cell<usize>,
    /// Place in the table to look at next.
    position: Cell<usize>,
    /// Keys still to come.
    left: Cell<usize>,
}

payload!(SetIterator, SET_ITERATOR, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.set.visit(visit);
    }
});

/// The type object of `set_iterator`.
pub static SET_ITERATOR: TypeObject = TypeObject::define::<SetIterator>("set_iterator")
    .quick_next(|this| {
        let body = this.exact::<SetIterator>()?;
        let (at, key, _) = body.set.with(|set| {
            let table = table_of(set?)?;
            if body.used.get() == table.len() { table.next_key(body.position.get()) } else { None }
        })?;
        body.position.set(at + 1);
        body.left.set(body.left.get().wrapping_sub(1));
        Some(key)
    })
    .slots(Slots {
        iter: Some(|this| Ok(this.clone())),
        next: Some(next),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(length_hint, "!__length_hint__($self, /)", "Private method returning an estimate of len(list(it))."),
        method!(reduce, "!__reduce__($self, /)", "Return state information for pickling."),
    ] as &[Method]);

/// An iterator over a set or frozenset.
pub fn new(set: Value) -> Value {
    let used = table_of(&set).map_or(0, SetTable::len);
    new_object(SetIterator {
        header: Header::new(&SET_ITERATOR),
        set: ValueCell::new(Some(set)),
        used: Cell::new(used),
        position: Cell::new(0),
        left: Cell::new(used),
    })
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let Some(body) = this.exact::<SetIterator>() else { return Err(type_error("expected a set_iterator")) };
    let step = body.set.with(|set| {
        let Some(table) = set.and_then(table_of) else { return Ok(None) };
        if body.used.get() != table.len() {
            body.used.set(CHANGED);
            return Err(());
        }
        Ok(table.next_key(body.position.get()))
    });
    match step {
        Ok(Some((at, key, _))) => {
            body.position.set(at + 1);
            body.left.set(body.left.get().wrapping_sub(1));
            Ok(Some(key))
        }
        Ok(None) => {
            body.set.set(None);
            Ok(None)
        }
        Err(()) => Err(runtime_error("Set changed size during iteration")),
    }
}

fn length_hint(this: &SetIterator) -> usize {
    match this.set.get() {
        Some(set) if table_of(&set).is_some_and(|table| table.len() == this.used.get()) => this.left.get(),
        _ => 0,
    }
}

/// The keys still to come are listed by a copy, so that this iterator keeps its place.
fn reduce(this: &SetIterator) -> PyResult<Value> {
    let copy = new_object(SetIterator {
        header: Header::new(&SET_ITERATOR),
        set: ValueCell::new(this.set.get()),
        used: Cell::new(this.used.get()),
        position: Cell::new(this.position.get()),
        left: Cell::new(this.left.get()),
    });
    let keys = List::from_vec(iter::collect(&copy)?);
    Ok(Tuple::from_vec(vec![builtins::get("iter")?, Tuple::from_vec(vec![keys])]))
}
