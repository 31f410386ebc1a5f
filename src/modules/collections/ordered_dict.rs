//! The type `collections.OrderedDict`.
//!
//! The order of the keys is kept apart from the dict's own, as CPython does it: what changes the dict behind its back
//! (`dict.__setitem__(od, ..)`) does not change the order.

use super::ordered_views;
use crate::gc::Visit;
use crate::method;
use crate::modules::arguments::{body, class_or};
use crate::modules::key_order::{End, KeyOrder, Place};
use crate::name;
use crate::object::dict_table::DictTable;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::{GetSet, Method};
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, attribute, call, compare, hash, iter, repr_guard, sequence, text};
use crate::types::dict::{DICT, Dict};
use crate::types::exceptions::{KEY_ERROR, key_error, raise, type_error, value_error};
use crate::types::list::List;
use crate::types::str::{Str, StrBuilder};
use crate::types::tuple::Tuple;
use crate::types::{layout, type_};
use std::cell::Cell;

/// The body of an OrderedDict: that of a dict, and the order of the keys.
#[repr(C)]
pub struct OrderedDict {
    header: Header,
    table: DictTable,
    order: KeyOrder,
    /// Slots of the table that CPython keeps beside the dict's: `__sizeof__` counts them.
    fast_size: Cell<usize>,
}

payload!(OrderedDict, ORDERED_DICT, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.order.for_each(visit);
        self.table.for_each(visit);
    }
    fn clear_references(&self) {
        drop(self.table.clear());
        drop(self.order.clear());
    }
});

/// The type object of `OrderedDict`.
pub static ORDERED_DICT: TypeObject = TypeObject::define::<OrderedDict>("collections.OrderedDict")
    .base(&DICT)
    .flags(TypeFlags::BASE)
    .with_attributes()
    .with_weakrefs()
    .doc("Dictionary that remembers insertion order")
    .slots(Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        compare: Some(rich_compare),
        iter: Some(|this| ordered_views::iterator(this, ordered_views::KEYS, End::Last)),
        setitem: Some(setitem),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(&[GetSet::new("__dict__", type_::object_dict, type_::set_builtin_dict)]);

const METHODS: &[Method] = &[
    method!(
        class from_keys,
        "fromkeys($type, /, iterable, value=None)",
        "Create a new ordered dictionary with keys from iterable and values set to value."
    ),
    method!(sizeof, "!__sizeof__($self, /)", ""),
    method!(reduce, "!__reduce__($self, /)", "Return state information for pickling"),
    method!(
        setdefault,
        "setdefault($self, /, key, default=None)",
        "Insert key with a value of default if key is not in the dictionary.\n\nReturn the value for key if key is in the dictionary, else default."
    ),
    method!(
        pop,
        "%pop($self, key, default=None)",
        "od.pop(k[,d]) -> v, remove specified key and return the corresponding\n        value.  If key is not found, d is returned if given, otherwise KeyError\n        is raised.\n\n        "
    ),
    method!(
        pop_item,
        "popitem($self, /, last=True)",
        "Remove and return a (key, value) pair from the dictionary.\n\nPairs are returned in LIFO order if last is true or FIFO order if false."
    ),
    method!(ordered_views::keys, "!keys($self, /)", ""),
    method!(ordered_views::values, "!values($self, /)", ""),
    method!(ordered_views::items, "!items($self, /)", ""),
    method!(update, "!update($self, /, *args, **kwargs)", ""),
    method!(clear, "!clear($self, /)", "od.clear() -> None.  Remove all items from od."),
    method!(copy, "!copy($self, /)", "od.copy() -> a shallow copy of od"),
    method!(reversed, "!__reversed__($self, /)", "od.__reversed__() <==> reversed(od)"),
    method!(
        move_to_end,
        "move_to_end($self, /, key, last=True)",
        "Move an existing element to the end (or beginning if last is false).\n\nRaise KeyError if the element does not exist."
    ),
];

impl OrderedDict {
    /// The items.
    pub(super) fn table(&self) -> &DictTable {
        &self.table
    }

    /// The order of the keys.
    pub(super) fn order(&self) -> &KeyOrder {
        &self.order
    }

    /// CPython brings its own table to the size of the dict's when it looks a key up.
    fn synchronize(&self) {
        self.fast_size.set(self.table.table_size());
    }

    /// The place of a key that is in the dict, too.
    ///
    /// # Errors
    /// What comparing keys raises.
    pub(super) fn find(&self, key: &Value, hash: i64) -> PyResult<Option<Place>> {
        if self.order.is_empty() {
            return Ok(None);
        }
        self.synchronize();
        if self.table.find(key, hash)?.is_none() {
            return Ok(None);
        }
        self.order.find(key, hash)
    }

    fn set(&self, key: &Value, hash: i64, value: Value) -> PyResult<()> {
        let old = self.table.insert(key, hash, value)?;
        self.synchronize();
        if let Err(raised) = self.order.add(key, hash) {
            // As the value has no place, it cannot stay.
            drop(self.table.remove(key, hash));
            return Err(raised);
        }
        drop(old);
        Ok(())
    }

    fn clear(&self) {
        drop(self.table.clear());
        self.fast_size.set(0);
        drop(self.order.clear());
    }

    /// The keys in order, each with its hash.
    fn keys(&self) -> Vec<(Value, i64)> {
        let mut keys = Vec::with_capacity(self.table.len());
        let mut place = self.order.end(End::First);
        while let Some(at) = place {
            keys.extend(self.order.key(at));
            place = self.order.beside(at, End::Last);
        }
        keys
    }

    /// The value of a key that has a place.
    fn value(&self, key: &Value, hash: i64) -> PyResult<Value> {
        self.table.get(key, hash)?.ok_or_else(|| key_error(key))
    }
}

fn new(class: &Value, _args: &[Value], _kwnames: Option<&Value>) -> PyResult<Value> {
    Ok(empty(class_or(class, &ORDERED_DICT)))
}

fn empty(ty: &TypeObject) -> Value {
    new_instance(
        ty,
        OrderedDict {
            header: Header::new(ty),
            table: DictTable::allocated(),
            order: KeyOrder::default(),
            fast_size: Cell::new(0),
        },
    )
}

fn init(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    let (given, keywords) = call::split_keywords(args, kwnames);
    if given.len() > 1 {
        return Err(type_error(format!("expected at most 1 arguments, got {}", given.len())));
    }
    if let Some(source) = given.first() {
        update_from(this, source)?;
    }
    for (name, value) in keywords {
        sequence::set_item(this, name, value.clone())?;
    }
    Ok(())
}

fn update(this: &Value, args: &Tuple, keywords: &Dict) -> PyResult<()> {
    if args.len() > 1 {
        return Err(type_error(format!("update() takes at most 1 positional argument ({} given)", args.len())));
    }
    if let Some(source) = args.get(0) {
        update_from(this, source)?;
    }
    for (name, value) in keywords.items() {
        sequence::set_item(this, &name, value)?;
    }
    Ok(())
}

/// As `MutableMapping.update` with a mapping or an iterable of pairs.
fn update_from(this: &Value, source: &Value) -> PyResult<()> {
    if let Some(dict) = source.exact::<Dict>() {
        for (key, value) in dict.items() {
            sequence::set_item(this, &key, value)?;
        }
        return Ok(());
    }
    if let Some(keys) = attribute::lookup(source, name!("keys"))? {
        return iter::for_each(&call::call(&keys, &[])?, |key| {
            let value = sequence::get_item(source, &key)?;
            sequence::set_item(this, &key, value)?;
            Ok(true)
        });
    }
    match attribute::lookup(source, name!("items"))? {
        Some(items) => set_pairs(this, &call::call(&items, &[])?),
        None => set_pairs(this, source),
    }
}

fn set_pairs(this: &Value, pairs: &Value) -> PyResult<()> {
    iter::for_each(pairs, |pair| {
        let parts = iter::iter(&pair)?;
        let Some(key) = iter::next(&parts)? else { return Err(value_error("need more than 0 values to unpack")) };
        let Some(value) = iter::next(&parts)? else { return Err(value_error("need more than 1 value to unpack")) };
        if iter::next(&parts)?.is_some() {
            return Err(value_error("too many values to unpack (expected 2)"));
        }
        sequence::set_item(this, &key, value)?;
        Ok(true)
    })
}

fn setitem(this: &Value, key: &Value, value: Option<&Value>) -> PyResult<()> {
    let body = body::<OrderedDict>(this)?;
    let hash = hash::hash(key)?;
    if let Some(value) = value {
        return body.set(key, hash, value.clone());
    }
    let _node = if body.find(key, hash)?.is_some() { body.order.remove(key, hash)? } else { None };
    match body.table.remove(key, hash)? {
        Some(removed) => {
            drop(removed);
            Ok(())
        }
        None => Err(key_error(key)),
    }
}

fn from_keys(class: &Value, iterable: &Value, value: Option<&Value>) -> PyResult<Value> {
    let result = call::call(class, &[])?;
    iter::for_each(iterable, |key| {
        sequence::set_item(&result, &key, value.cloned().unwrap_or(Value::NONE))?;
        Ok(true)
    })?;
    Ok(result)
}

fn setdefault(this: &Value, key: &Value, default: Option<&Value>) -> PyResult<Value> {
    let default = default.cloned().unwrap_or(Value::NONE);
    if let Some(body) = this.exact::<OrderedDict>() {
        let hash = hash::hash(key)?;
        if let Some(value) = body.table.get(key, hash)? {
            return Ok(value);
        }
        body.set(key, hash, default.clone())?;
        return Ok(default);
    }
    if sequence::contains(this, key)? {
        return sequence::get_item(this, key);
    }
    sequence::set_item(this, key, default.clone())?;
    Ok(default)
}

fn pop(this: &Value, key: &Value, default: Option<&Value>) -> PyResult<Value> {
    pop_key(this, key, hash::hash(key)?, default)
}

/// Takes a key out; of an instance of a subclass by its own methods. The order comes first, as what follows may run
/// Python code.
fn pop_key(this: &Value, key: &Value, hash: i64, default: Option<&Value>) -> PyResult<Value> {
    let body = body::<OrderedDict>(this)?;
    let placed = body.find(key, hash)?.is_some();
    let _node = if placed { body.order.remove(key, hash)? } else { None };
    let mut value = None;
    if this.is_exact::<OrderedDict>() {
        if placed {
            value = body.table.remove(key, hash)?;
        }
    } else if sequence::contains(this, key)? {
        let found = sequence::get_item(this, key)?;
        sequence::delete_item(this, key)?;
        value = Some((Value::NONE, found));
    }
    match (value, default) {
        (Some((_key, value)), _) => Ok(value),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Err(key_error(key)),
    }
}

fn end_of(last: Option<bool>) -> End {
    if last.unwrap_or(true) { End::Last } else { End::First }
}

fn pop_item(this: &Value, last: Option<bool>) -> PyResult<Value> {
    let order = &body::<OrderedDict>(this)?.order;
    let Some((key, hash)) = order.end(end_of(last)).and_then(|place| order.key(place)) else {
        return Err(raise(&KEY_ERROR, "dictionary is empty"));
    };
    let value = pop_key(this, &key, hash, None)?;
    Ok(Tuple::from_vec(vec![key, value]))
}

fn clear(this: &OrderedDict) {
    this.clear();
}

fn copy(this: &Value) -> PyResult<Value> {
    let body = body::<OrderedDict>(this)?;
    if this.is_exact::<OrderedDict>() {
        let copy = empty(&ORDERED_DICT);
        if let Some(target) = copy.exact::<OrderedDict>() {
            for (key, hash) in body.keys() {
                target.set(&key, hash, body.value(&key, hash)?)?;
            }
        }
        return Ok(copy);
    }
    let copy = call::call(&this.ty().value(), &[])?;
    for (key, _) in body.keys() {
        sequence::set_item(&copy, &key, sequence::get_item(this, &key)?)?;
    }
    Ok(copy)
}

fn reversed(this: &Value) -> PyResult<Value> {
    ordered_views::iterator(this, ordered_views::KEYS, End::First)
}

fn move_to_end(this: &OrderedDict, key: &Value, last: Option<bool>) -> PyResult<()> {
    let end = end_of(last);
    let Some((at_end, _)) = this.order.end(end).and_then(|place| this.order.key(place)) else {
        return Err(key_error(key));
    };
    if at_end.is(key) {
        return Ok(());
    }
    match this.find(key, hash::hash(key)?)? {
        Some(place) => {
            this.order.move_to(place, end);
            Ok(())
        }
        None => Err(key_error(key)),
    }
}

fn reduce(this: &Value) -> PyResult<Value> {
    let dict = attribute::get(this, name!("__dict__"))?;
    let dict = if sequence::len(&dict)? == 0 { Value::NONE } else { dict };
    let items = iter::iter(&call::call_method(this, name!("items"), &[])?)?;
    Ok(Tuple::from_vec(vec![this.ty().value(), Tuple::empty(), dict, Value::NONE, items]))
}

fn repr(this: &Value) -> PyResult<Value> {
    let body = body::<OrderedDict>(this)?;
    let name = this.ty().short_name();
    if body.table.is_empty() {
        return Ok(Str::new_value(&format!("{name}()")));
    }
    let Some(_guard) = repr_guard::enter(this) else { return Ok(Str::new_value("...")) };
    let pairs = if this.is_exact::<OrderedDict>() {
        let mut pairs = Vec::with_capacity(body.table.len());
        for (key, hash) in body.keys() {
            let value = body.value(&key, hash)?;
            pairs.push(Tuple::from_vec(vec![key, value]));
        }
        pairs
    } else {
        iter::collect(&call::call_method(this, name!("items"), &[])?)?
    };
    let mut builder = StrBuilder::new();
    builder.push_str(name);
    builder.push_str("(");
    if let Some(text) = text::repr(&List::from_vec(pairs))?.downcast::<Str>() {
        builder.push_value(text);
    }
    builder.push_str(")");
    Ok(builder.finish())
}

fn rich_compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    if left.downcast::<OrderedDict>().is_none() || !matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let Some(of_dict) = DICT.slot(|slots| slots.compare) else { return Ok(Value::NOT_IMPLEMENTED) };
    let result = of_dict(left, right, op)?;
    let (Some(a), Some(b)) = (left.downcast::<OrderedDict>(), right.downcast::<OrderedDict>()) else {
        return Ok(result);
    };
    if !result.is(&Value::bool(op == Compare::Eq)) {
        return Ok(result);
    }
    Ok(Value::bool(same_keys(a, b)? == (op == Compare::Eq)))
}

/// Whether the keys are equal, each to the one at the same place.
fn same_keys(a: &OrderedDict, b: &OrderedDict) -> PyResult<bool> {
    let (a, b) = (a.keys(), b.keys());
    if a.len() != b.len() {
        return Ok(false);
    }
    for ((x, _), (y, _)) in a.iter().zip(&b) {
        if !compare::equal(x, y)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// As CPython counts: the dict, a table of the size of the dict's, and a node of 32 bytes for each item.
fn sizeof(this: &Value) -> PyResult<i64> {
    let body = body::<OrderedDict>(this)?;
    let nodes = if body.order.is_empty() { 0 } else { 32 * body.table.len() };
    Ok(layout::of(this.ty()).basic_size + (body.table.table_bytes() + 8 * body.fast_size.get() + nodes) as i64)
}
