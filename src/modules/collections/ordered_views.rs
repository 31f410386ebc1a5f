//! The views of an OrderedDict, which derive from those of dict, and the iterator over it.

use super::ordered_dict::OrderedDict;
use crate::method;
use crate::modules::arguments::body;
use crate::modules::key_order::{End, Place};
use crate::object::builtins;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::iter;
use crate::object::native::Method;
use crate::object::slots::Slots;
use crate::object::value::{Payload, Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute};
use crate::types::dict::{DICT_ITEMS, DICT_KEYS, DICT_VALUES};
use crate::types::exceptions::{key_error, runtime_error};
use crate::types::list::List;
use crate::types::tuple::Tuple;
use std::cell::Cell;

/// What a view or an iterator shows.
pub(super) const KEYS: u8 = 0;
/// See [`KEYS`].
pub(super) const VALUES: u8 = 1;
/// See [`KEYS`].
pub(super) const ITEMS: u8 = 2;

/// The body of a view: that of a view of a dict.
#[repr(C)]
pub struct OrderedView<const KIND: u8> {
    header: Header,
    dict: Value,
}

macro_rules! views {
    ($($kind:ident $static:ident $name:literal $base:ident $function:ident;)*) => {
        $(
            payload!(OrderedView<$kind>, $static, {
                const GC: bool = true;
                fn traverse(&self, visit: crate::gc::Visit<'_>) {
                    visit(&self.dict);
                }
            });

            #[doc = concat!("The type object of `", $name, "`.")]
            pub static $static: TypeObject = TypeObject::define::<OrderedView<$kind>>($name)
                .base(&$base)
                .slots(Slots { iter: Some(view_iterator::<$kind>), ..Slots::EMPTY })
                .methods(&[method!(view_reversed::<$kind>, "!__reversed__($self, /)", "")] as &[Method]);

            #[doc = concat!("An `", $name, "`.")]
            pub(super) fn $function(this: &Value) -> Value {
                new_object(OrderedView::<$kind> { header: Header::new(&$static), dict: this.clone() })
            }
        )*
    };
}

views! {
    KEYS ODICT_KEYS "odict_keys" DICT_KEYS keys;
    VALUES ODICT_VALUES "odict_values" DICT_VALUES values;
    ITEMS ODICT_ITEMS "odict_items" DICT_ITEMS items;
}

fn view_iterator<const KIND: u8>(this: &Value) -> PyResult<Value>
where
    OrderedView<KIND>: Payload,
{
    iterator(&body::<OrderedView<KIND>>(this)?.dict, KIND, End::Last)
}

fn view_reversed<const KIND: u8>(this: &Value) -> PyResult<Value>
where
    OrderedView<KIND>: Payload,
{
    iterator(&body::<OrderedView<KIND>>(this)?.dict, KIND, End::First)
}

/// The body of an iterator.
#[repr(C)]
pub struct OrderedIterator {
    header: Header,
    /// Empty at the end.
    dict: ValueCell,
    /// The place of the next key, good while the order's state is that at first; none at the end.
    place: Cell<Option<Place>>,
    kind: u8,
    towards: End,
    /// Number of items at first; None when it was seen to change.
    size: Cell<Option<usize>>,
    /// The order's state at first.
    state: u64,
}

payload!(OrderedIterator, ODICT_ITERATOR, {
    const GC: bool = true;
    fn traverse(&self, visit: crate::gc::Visit<'_>) {
        self.dict.visit(visit);
    }
});

/// The type object of `odict_iterator`.
pub static ODICT_ITERATOR: TypeObject = TypeObject::define::<OrderedIterator>("odict_iterator")
    .slots(Slots {
        getattr: Some(attribute::generic_get),
        iter: Some(|this| Ok(this.clone())),
        next: Some(next),
        ..Slots::EMPTY
    })
    .methods(&[method!(reduce, "!__reduce__($self, /)", "Return state information for pickling")] as &[Method]);

/// An iterator of a kind over an OrderedDict, towards an end of its order.
pub(super) fn iterator(this: &Value, kind: u8, towards: End) -> PyResult<Value> {
    let dict = body::<OrderedDict>(this)?;
    let begin = match towards {
        End::First => End::Last,
        End::Last => End::First,
    };
    Ok(new_object(OrderedIterator {
        header: Header::new(&ODICT_ITERATOR),
        dict: ValueCell::new(Some(this.clone())),
        place: Cell::new(dict.order().end(begin)),
        kind,
        towards,
        size: Cell::new(Some(dict.table().len())),
        state: dict.order().state(),
    }))
}

impl OrderedIterator {
    /// The next key, and the value if it is wanted.
    fn step(&self) -> PyResult<Option<Value>> {
        let Some(this) = self.dict.get() else { return Ok(None) };
        let dict = body::<OrderedDict>(&this)?;
        let order = dict.order();
        let Some(place) = self.place.get() else {
            self.dict.set(None);
            return Ok(None);
        };
        if order.state() != self.state {
            self.dict.set(None);
            return Err(runtime_error("OrderedDict mutated during iteration"));
        }
        if self.size.get() != Some(dict.table().len()) {
            self.size.set(None);
            return Err(runtime_error("OrderedDict changed size during iteration"));
        }
        let Some((key, hash)) = order.key(place) else { return Ok(None) };
        self.place.set(order.beside(place, self.towards));
        // The dict may have been changed behind the order's back.
        let Some(value) = dict.table().get(&key, hash)? else {
            self.place.set(None);
            return Err(key_error(&key));
        };
        if self.kind == KEYS {
            return Ok(Some(key));
        }
        Ok(Some(if self.kind == VALUES { value } else { Tuple::from_vec(vec![key, value]) }))
    }
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    body::<OrderedIterator>(this)?.step()
}

/// The items still to come are listed by a copy, so that this iterator keeps its place.
fn reduce(this: &OrderedIterator) -> PyResult<Value> {
    let copy = new_object(OrderedIterator {
        header: Header::new(&ODICT_ITERATOR),
        dict: ValueCell::new(this.dict.get()),
        place: Cell::new(this.place.get()),
        kind: this.kind,
        towards: this.towards,
        size: Cell::new(this.size.get()),
        state: this.state,
    });
    let items = List::from_vec(iter::collect(&copy)?);
    Ok(Tuple::from_vec(vec![builtins::get("iter")?, Tuple::from_vec(vec![items])]))
}
