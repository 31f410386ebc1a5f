//! `itertools.groupby` and the iterators over its groups.

use super::{bind, body, by_position, check_parsed_count, class_or, iterator_slots, reduced, state_tuple};
use crate::gc::Visit;
use crate::method;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance, new_object};
use crate::object::native::{Function, Method, thunk};
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, builtins, call, compare, iter};
use crate::types::exceptions::type_error;
use crate::types::tuple::Tuple;
use crate::vm::thread;
use std::cell::Cell;

/// The body of a groupby object.
#[repr(C)]
pub struct GroupBy {
    header: Header,
    iterator: Value,
    /// Unbound: an item is its own key.
    function: Value,
    /// The key of the group given last.
    target: ValueCell,
    /// The key of the item taken last.
    key: ValueCell,
    /// The item taken last, until a group gives it.
    item: ValueCell,
    /// The word of the group given last: the only one that goes on.
    group: Cell<u64>,
}

payload!(GroupBy, GROUPBY, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.iterator);
        visit(&self.function);
        self.target.visit(visit);
        self.key.visit(visit);
        self.item.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.target.take());
        drop(self.key.take());
        drop(self.item.take());
    }
});

/// The type object of `groupby`.
pub static GROUPBY: TypeObject = TypeObject::define::<GroupBy>("itertools.groupby")
    .flags(TypeFlags::BASE)
    .doc("make an iterator that returns consecutive keys and groups from the iterable\n\n  iterable\n    Elements to divide into groups according to the key function.\n  key\n    A function for computing the group category for each element.\n    If the key function is not specified or is None, the element itself\n    is used for grouping.")
    .slots(iterator_slots(new, next))
    .methods(&[
        method!(reduce, "!__reduce__($self, /)", "Return state information for pickling."),
        method!(set_state, "!__setstate__($self, state, /)", "Set state information for unpickling."),
    ] as &[Method]);

static NEW: Function = Function::new("groupby($type, iterable, key=None)", "", thunk(make));

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    bind(&NEW, class, args, kwnames)
}

fn make(class: &Value, iterable: &Value, key: Option<&Value>) -> PyResult<Value> {
    let ty = class_or(class, &GROUPBY);
    let function = key.filter(|key| !key.is_none()).cloned().unwrap_or(Value::UNBOUND);
    let iterator = iter::iter(iterable)?;
    Ok(new_instance(
        ty,
        GroupBy {
            header: Header::new(ty),
            iterator,
            function,
            target: ValueCell::EMPTY,
            key: ValueCell::EMPTY,
            item: ValueCell::EMPTY,
            group: Cell::new(0),
        },
    ))
}

impl GroupBy {
    /// Takes the next item; false at the end.
    fn step(&self) -> PyResult<bool> {
        let Some(item) = iter::next(&self.iterator)? else { return Ok(false) };
        let key = match self.function.bound() {
            Some(function) => call::call(function, std::slice::from_ref(&item))?,
            None => item.clone(),
        };
        self.item.set(Some(item));
        self.key.set(Some(key));
        Ok(true)
    }
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    // Iterators over iterators may be nested as deep as memory allows.
    thread::check_native_stack()?;
    let body = body::<GroupBy>(this)?;
    body.group.set(0);
    let key = loop {
        if let Some(key) = body.key.get() {
            let same = match body.target.get() {
                Some(target) => compare::equal(&target, &key)?,
                None => false,
            };
            if !same {
                break key;
            }
        }
        if !body.step()? {
            return Ok(None);
        }
    };
    body.target.set(Some(key.clone()));
    let group = group(this.clone(), key.clone());
    Ok(Some(Tuple::from_vec(vec![key, group])))
}

fn reduce(this: &Value) -> PyResult<Value> {
    let body = body::<GroupBy>(this)?;
    let function = body.function.bound().cloned().unwrap_or(Value::NONE);
    let arguments = Tuple::from_vec(vec![body.iterator.clone(), function]);
    let (key, item, target) = (body.key.get(), body.item.get(), body.target.get());
    if let (Some(key), Some(item), Some(target)) = (key, item, target) {
        return Ok(reduced(this, vec![arguments, Tuple::from_vec(vec![key, item, target])]));
    }
    Ok(reduced(this, vec![arguments]))
}

fn set_state(this: &GroupBy, state: &Value) -> PyResult<()> {
    let state = state_tuple(state)?.as_slice();
    check_parsed_count(state.len(), 3, 3)?;
    if let [key, item, target] = state {
        this.key.set(Some(key.clone()));
        this.item.set(Some(item.clone()));
        this.target.set(Some(target.clone()));
    }
    Ok(())
}

/// The body of an iterator over a group.
#[repr(C)]
pub struct Grouper {
    header: Header,
    /// The groupby object.
    parent: Value,
    /// The group's key.
    key: Value,
}

payload!(Grouper, GROUPER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.parent);
        visit(&self.key);
    }
});

/// The type object of `_grouper`.
pub static GROUPER: TypeObject = TypeObject::define::<Grouper>("itertools._grouper")
    .slots(iterator_slots(new_group, next_in_group))
    .methods(&[method!(reduce_group, "!__reduce__($self, /)", "Return state information for pickling.")] as &[Method]);

fn group(parent: Value, key: Value) -> Value {
    let group = new_object(Grouper { header: Header::new(&GROUPER), parent: parent.clone(), key });
    if let Some(parent) = parent.downcast::<GroupBy>() {
        parent.group.set(group.bits());
    }
    group
}

fn new_group(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let [parent, key] = by_position(&GROUPER, class, args, kwnames, 2)? else { return Ok(Value::NONE) };
    if parent.downcast::<GroupBy>().is_none() {
        let found = if parent.is_none() { "None" } else { parent.ty().name() };
        return Err(type_error(format!("_grouper() argument 1 must be itertools.groupby, not {found}")));
    }
    Ok(group(parent.clone(), key.clone()))
}

fn next_in_group(this: &Value) -> PyResult<Option<Value>> {
    thread::check_native_stack()?;
    let body = body::<Grouper>(this)?;
    let parent = super::body::<GroupBy>(&body.parent)?;
    if parent.group.get() != this.bits() {
        return Ok(None);
    }
    if !parent.item.is_some() && !parent.step()? {
        return Ok(None);
    }
    let Some(key) = parent.key.get() else { return Ok(None) };
    if !compare::equal(&body.key, &key)? {
        return Ok(None);
    }
    let item = parent.item.take();
    parent.key.set(None);
    Ok(item)
}

fn reduce_group(this: &Value) -> PyResult<Value> {
    let body = body::<Grouper>(this)?;
    let parent = super::body::<GroupBy>(&body.parent)?;
    if parent.group.get() != this.bits() {
        // Another group has begun: this one is at its end.
        return Ok(Tuple::from_vec(vec![builtins::get("iter")?, Tuple::from_vec(vec![Tuple::empty()])]));
    }
    Ok(reduced(this, vec![Tuple::from_vec(vec![body.parent.clone(), body.key.clone()])]))
}
