//! `itertools.tee`, its iterators, and the links of the list of items that they share.

use super::{body, by_position, check_parsed_count, iterator_slots, reduced, state_tuple, wrong_parsed};
use crate::gc::Visit;
use crate::method;
use crate::name;
use crate::object::arguments::{check_count, no_keywords, positional};
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::{Method, c_int};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::{ValueCell, ValueVec, with_room};
use crate::object::{TypeObject, attribute, call, iter};
use crate::types::exceptions::{runtime_error, type_error, value_error};
use crate::types::list::List;
use crate::types::tuple::Tuple;
use crate::vm::thread;
use std::cell::Cell;

/// Items of a link.
const LINK_ITEMS: usize = 57;

/// `tee(iterable, n=2)`.
pub(super) fn tee(iterable: &Value, count: Option<isize>) -> PyResult<Value> {
    let Ok(count) = usize::try_from(count.unwrap_or(2)) else { return Err(value_error("n must be >= 0")) };
    if count == 0 {
        return Ok(Tuple::empty());
    }
    let mut copies = with_room(count)?;
    let mut first = iter::iter(iterable)?;
    let copy = match attribute::lookup(&first, name!("__copy__"))? {
        Some(copy) => copy,
        None => {
            first = over(&first)?;
            attribute::get(&first, name!("__copy__"))?
        }
    };
    copies.push(first);
    for _ in 1..count {
        copies.push(call::call(&copy, &[])?);
    }
    Ok(Tuple::from_vec(copies))
}

/// The body of a link: some of the items, shared by the iterators.
#[repr(C)]
pub struct TeeData {
    header: Header,
    iterator: ValueCell,
    items: ValueVec,
    /// The link after this one, if this one is full.
    next: ValueCell,
    running: Cell<bool>,
}

payload!(TeeData, TEE_DATA, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.iterator.visit(visit);
        self.items.for_each(visit);
        self.next.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.iterator.take());
        drop(self.items.take());
        drop(self.next.take());
    }
});

/// The type object of `_tee_dataobject`.
pub static TEE_DATA: TypeObject = TypeObject::define::<TeeData>("itertools._tee_dataobject")
    .doc("teedataobject(iterable, values, next, /)\n--\n\nData container common to multiple tee objects.")
    .slots(Slots { new: Some(new_data), getattr: Some(attribute::generic_get), ..Slots::EMPTY })
    .methods(&[method!(reduce_data, "!__reduce__($self, /)", "Return state information for pickling.")] as &[Method]);

fn data(iterator: Value, items: Vec<Value>, next: Option<Value>) -> Value {
    new_object(TeeData {
        header: Header::new(&TEE_DATA),
        iterator: ValueCell::new(Some(iterator)),
        items: ValueVec::new(items),
        next: ValueCell::new(next),
        running: Cell::new(false),
    })
}

fn new_data(_class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    no_keywords("teedataobject", kwnames)?;
    let args = positional(args, kwnames);
    check_count("teedataobject", args.len(), 3, 3)?;
    let [iterator, items, next] = args else { return Ok(Value::NONE) };
    let Some(items) = items.downcast::<List>() else {
        let found = if items.is_none() { "None" } else { items.ty().name() };
        return Err(type_error(format!("teedataobject() argument 2 must be list, not {found}")));
    };
    let items = items.items().snapshot();
    let next = Some(next).filter(|next| !next.is_none());
    if items.len() > LINK_ITEMS || next.is_some_and(|next| items.len() < LINK_ITEMS || !next.is_exact::<TeeData>()) {
        return Err(value_error("Invalid arguments"));
    }
    Ok(data(iterator.clone(), items, next.cloned()))
}

impl TeeData {
    /// The item at an index that is not beyond the next one to come.
    fn item(&self, index: usize) -> PyResult<Option<Value>> {
        if let Some(item) = self.items.get(index) {
            return Ok(Some(item));
        }
        let Some(iterator) = self.iterator.get() else { return Ok(None) };
        if self.running.replace(true) {
            return Err(runtime_error("cannot re-enter the tee iterator"));
        }
        let item = iter::next(&iterator);
        self.running.set(false);
        let Some(item) = item? else { return Ok(None) };
        self.items.push(item.clone());
        Ok(Some(item))
    }

    fn next_link(&self) -> Option<Value> {
        if !self.next.is_some() {
            self.next.set(Some(data(self.iterator.get()?, Vec::new(), None)));
        }
        self.next.get()
    }
}

fn reduce_data(this: &Value) -> PyResult<Value> {
    let body = body::<TeeData>(this)?;
    let arguments = vec![
        body.iterator.get().unwrap_or(Value::NONE),
        List::from_vec(body.items.snapshot()),
        body.next.get().unwrap_or(Value::NONE),
    ];
    Ok(reduced(this, vec![Tuple::from_vec(arguments)]))
}

/// The body of one of the iterators.
#[repr(C)]
pub struct Tee {
    header: Header,
    /// The link that has the next item.
    data: ValueCell,
    /// The next item's index in it.
    index: Cell<usize>,
}

payload!(Tee, TEE, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.data.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.data.take());
    }
});

/// The type object of `_tee`.
pub static TEE: TypeObject = TypeObject::define::<Tee>("itertools._tee")
    .with_weakrefs()
    .doc("Iterator wrapped to make it copyable.")
    .slots(Slots { getattr: None, ..iterator_slots(new, next) })
    .methods(&[
        method!(copy, "!__copy__($self, /)", "Returns an independent iterator."),
        method!(reduce, "!__reduce__($self, /)", "Return state information for pickling."),
        method!(set_state, "!__setstate__($self, state, /)", "Set state information for unpickling."),
    ] as &[Method]);

fn at(data: Option<Value>, index: usize) -> Value {
    new_object(Tee { header: Header::new(&TEE), data: ValueCell::new(data), index: Cell::new(index) })
}

/// An iterator that can be copied over the items of an iterable.
fn over(iterable: &Value) -> PyResult<Value> {
    let iterator = iter::iter(iterable)?;
    if let Some(tee) = iterator.exact::<Tee>() {
        return Ok(copy(tee));
    }
    Ok(at(Some(data(iterator, Vec::new(), None)), 0))
}

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    match by_position(&TEE, class, args, kwnames, 1)? {
        [iterable] => over(iterable),
        _ => Ok(Value::NONE),
    }
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    // Iterators over iterators may be nested as deep as memory allows.
    thread::check_native_stack()?;
    let body = body::<Tee>(this)?;
    let Some(mut link) = body.data.get() else { return Ok(None) };
    if body.index.get() >= LINK_ITEMS {
        let Some(following) = super::body::<TeeData>(&link)?.next_link() else { return Ok(None) };
        body.data.set(Some(following.clone()));
        body.index.set(0);
        link = following;
    }
    let item = super::body::<TeeData>(&link)?.item(body.index.get())?;
    if item.is_some() {
        body.index.set(body.index.get() + 1);
    }
    Ok(item)
}

fn copy(this: &Tee) -> Value {
    at(this.data.get(), this.index.get())
}

fn reduce(this: &Value) -> PyResult<Value> {
    let body = body::<Tee>(this)?;
    let state = vec![body.data.get().unwrap_or(Value::NONE), Value::int(body.index.get() as i64)];
    let arguments = Tuple::from_vec(vec![Tuple::empty()]);
    Ok(reduced(this, vec![arguments, Tuple::from_vec(state)]))
}

fn set_state(this: &Tee, state: &Value) -> PyResult<()> {
    let state = state_tuple(state)?.as_slice();
    check_parsed_count(state.len(), 2, 2)?;
    let [data, index] = state else { return Ok(()) };
    if !data.is_exact::<TeeData>() {
        return Err(wrong_parsed(1, "itertools._tee_dataobject", data));
    }
    let index = usize::try_from(c_int(index, true)?).ok().filter(|&index| index <= LINK_ITEMS);
    let Some(index) = index else { return Err(value_error("Index out of range")) };
    this.data.set(Some(data.clone()));
    this.index.set(index);
    Ok(())
}
