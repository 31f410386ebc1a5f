//! The iterators over dicts and their views, forwards and backwards.

use super::Dict;
use crate::gc::Visit;
use crate::method;
use crate::object::builtins;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::iter;
use crate::object::native::Method;
use crate::object::slots::Slots;
use crate::object::value::{Payload, Value};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute};
use crate::types::exceptions::{runtime_error, type_error};
use crate::types::list::List;
use crate::types::tuple::{LastPair, Tuple};
use std::cell::Cell;

/// Kinds of iterators and views: what they show.
pub const KEYS: u8 = 0;
/// See [`KEYS`].
pub const VALUES: u8 = 1;
/// See [`KEYS`].
pub const ITEMS: u8 = 2;
/// The same backwards: this added to the kind.
const REVERSE: u8 = 3;
/// See [`KEYS`].
pub const REVERSE_KEYS: u8 = KEYS + REVERSE;
/// See [`KEYS`].
pub const REVERSE_VALUES: u8 = VALUES + REVERSE;
/// See [`KEYS`].
pub const REVERSE_ITEMS: u8 = ITEMS + REVERSE;

/// The number of items that says that the dict was seen to change: no dict has it.
const CHANGED: usize = usize::MAX;

/// The body of an iterator over a dict, of one of the kinds.
#[repr(C)]
pub struct DictIterator<const KIND: u8> {
    header: Header,
    /// Empty at the end.
    pub(crate) dict: ValueCell,
    /// Number of items that the dict had at first.
    pub(crate) used: Cell<usize>,
    /// Position in the table to look at next; backwards, one past it.
    pub(crate) position: Cell<usize>,
    /// Items still to come.
    pub(crate) left: Cell<usize>,
    /// For items.
    pub(crate) last: LastPair,
}

// SAFETY: repr(C), header first.
unsafe impl<const KIND: u8> Payload for DictIterator<KIND> {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.dict.visit(visit);
        self.last.visit(visit);
    }
    fn type_object() -> &'static TypeObject {
        match KIND {
            KEYS => &KEY_ITERATOR,
            VALUES => &VALUE_ITERATOR,
            ITEMS => &ITEM_ITERATOR,
            REVERSE_KEYS => &REVERSE_KEY_ITERATOR,
            REVERSE_VALUES => &REVERSE_VALUE_ITERATOR,
            _ => &REVERSE_ITEM_ITERATOR,
        }
    }
}

/// An iterator of a kind over a dict (or an instance of a subclass).
pub fn new<const KIND: u8>(dict: Value) -> Value {
    let (used, positions) = dict.downcast::<Dict>().map_or((0, 0), |d| (d.len(), d.table().positions()));
    new_object(DictIterator::<KIND> {
        header: Header::new(DictIterator::<KIND>::type_object()),
        dict: ValueCell::new(Some(dict)),
        used: Cell::new(used),
        position: Cell::new(if KIND >= REVERSE { positions } else { 0 }),
        left: Cell::new(used),
        last: LastPair::new(),
    })
}

impl<const KIND: u8> DictIterator<KIND> {
    fn step(&self) -> PyResult<Option<Value>> {
        let Some(value) = self.dict.get() else { return Ok(None) };
        let Some(dict) = value.downcast::<Dict>() else { return Ok(None) };
        let table = dict.table();
        if self.used.get() != table.len() {
            self.used.set(CHANGED);
            return Err(runtime_error("dictionary changed size during iteration"));
        }
        let position = self.position.get();
        let found = if KIND >= REVERSE {
            position.checked_sub(1).and_then(|last| table.previous_item(last))
        } else {
            table.next_item(position)
        };
        let Some((at, key, item)) = found else {
            self.dict.set(None);
            return Ok(None);
        };
        if KIND < REVERSE && self.left.get() == 0 {
            // As many items as there were have been seen, and here is another.
            self.dict.set(None);
            return Err(runtime_error("dictionary keys changed during iteration"));
        }
        self.position.set(if KIND >= REVERSE { at } else { at + 1 });
        self.left.set(self.left.get().wrapping_sub(1));
        Ok(Some(match KIND % REVERSE {
            KEYS => key,
            VALUES => item,
            _ => self.last.fill(key, item),
        }))
    }

    fn quick_step(&self) -> Option<Value> {
        let position = self.position.get();
        let (at, key, item) = self.dict.with(|dict| {
            let table = dict?.downcast::<Dict>()?.table();
            if self.used.get() != table.len() || self.left.get() == 0 || KIND >= REVERSE {
                return None;
            }
            table.next_item(position)
        })?;
        self.position.set(at + 1);
        self.left.set(self.left.get() - 1);
        Some(match KIND {
            KEYS => key,
            VALUES => item,
            _ => self.last.fill(key, item),
        })
    }

    fn copy(&self) -> Value {
        new_object(DictIterator::<KIND> {
            header: Header::new(DictIterator::<KIND>::type_object()),
            dict: ValueCell::new(self.dict.get()),
            used: Cell::new(self.used.get()),
            position: Cell::new(self.position.get()),
            left: Cell::new(self.left.get()),
            last: LastPair::new(),
        })
    }
}

fn next<const KIND: u8>(this: &Value) -> PyResult<Option<Value>> {
    match this.exact::<DictIterator<KIND>>() {
        Some(body) => body.step(),
        None => Err(type_error("expected a dict iterator")),
    }
}

fn length_hint<const KIND: u8>(this: &DictIterator<KIND>) -> usize {
    match this.dict.get() {
        Some(dict) if dict.downcast::<Dict>().is_some_and(|dict| dict.len() == this.used.get()) => this.left.get(),
        _ => 0,
    }
}

/// The items still to come are listed by a copy, so that this iterator keeps its place.
fn reduce<const KIND: u8>(this: &DictIterator<KIND>) -> PyResult<Value> {
    let items = iter::collect(&this.copy())?;
    Ok(Tuple::from_vec(vec![builtins::get("iter")?, Tuple::from_vec(vec![List::from_vec(items)])]))
}

macro_rules! iterators {
    ($($static:ident $name:literal $kind:ident $methods:ident $getattr:expr;)*) => {
        $(
            const $methods: &[Method] = &[
                method!(
                    length_hint::<$kind>,
                    "!__length_hint__($self, /)",
                    "Private method returning an estimate of len(list(it))."
                ),
                method!(reduce::<$kind>, "!__reduce__($self, /)", "Return state information for pickling."),
            ];

            #[doc = concat!("The type object of `", $name, "`.")]
            pub static $static: TypeObject = TypeObject::define::<DictIterator<$kind>>($name)
                .quick_next(|this| this.exact::<DictIterator<$kind>>()?.quick_step())
                .slots(Slots {
                    iter: Some(|this| Ok(this.clone())),
                    next: Some(next::<$kind>),
                    getattr: $getattr,
                    ..Slots::EMPTY
                })
                .methods($methods);
        )*
    };
}

iterators! {
    KEY_ITERATOR "dict_keyiterator" KEYS KEY_METHODS Some(attribute::generic_get);
    VALUE_ITERATOR "dict_valueiterator" VALUES VALUE_METHODS Some(attribute::generic_get);
    ITEM_ITERATOR "dict_itemiterator" ITEMS ITEM_METHODS Some(attribute::generic_get);
    REVERSE_KEY_ITERATOR "dict_reversekeyiterator" REVERSE_KEYS REVERSE_KEY_METHODS None;
    REVERSE_VALUE_ITERATOR "dict_reversevalueiterator" REVERSE_VALUES REVERSE_VALUE_METHODS None;
    REVERSE_ITEM_ITERATOR "dict_reverseitemiterator" REVERSE_ITEMS REVERSE_ITEM_METHODS None;
}
