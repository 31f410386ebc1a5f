//! The module `_collections`.

mod defaultdict;
mod deque;
mod deque_iterator;
mod ordered_dict;
mod ordered_views;
mod tuplegetter;

use crate::method;
use crate::modules::ModuleDef;
use crate::name;
use crate::object::error::PyResult;
use crate::object::slots::BinaryOp;
use crate::object::value::Value;
use crate::object::{TypeObject, attribute, call, hash, iter, number, sequence};
use crate::types::dict::{DICT, Dict};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_collections",
    doc: "High performance data structures.\n- deque:        ordered collection accessible from endpoints only\n- defaultdict:  dict subclass with a default value factory\n",
    functions: &[method!(
        count_elements,
        "_count_elements($module, mapping, iterable, /)",
        "Count elements in the iterable, updating the mapping"
    )],
    fill,
};

static TYPES: &[&TypeObject] = &[
    &deque::DEQUE,
    &defaultdict::DEFAULT_DICT,
    &ordered_dict::ORDERED_DICT,
    &deque_iterator::DEQUE_ITERATOR,
    &deque_iterator::DEQUE_REVERSE_ITERATOR,
    &tuplegetter::TUPLEGETTER,
];

/// Types that have no name in the module.
static HIDDEN: &[&TypeObject] = &[
    &ordered_views::ODICT_KEYS,
    &ordered_views::ODICT_VALUES,
    &ordered_views::ODICT_ITEMS,
    &ordered_views::ODICT_ITERATOR,
];

fn fill(dict: &Dict) -> PyResult<()> {
    for ty in TYPES {
        ty.ready()?;
        dict.set_text(ty.short_name(), ty.value());
    }
    HIDDEN.iter().try_for_each(|ty| ty.ready())
}

/// Whether the attribute `name` of the type of `mapping` is that of dict.
fn is_as_in_dict(mapping: &Value, name: &Value) -> bool {
    match (mapping.ty().lookup(name), DICT.lookup(name)) {
        (Some(own), Some(of_dict)) => own.is(&of_dict),
        _ => false,
    }
}

fn one_more(count: &Value) -> PyResult<Value> {
    number::binary(BinaryOp::Add, count, &Value::int(1))
}

fn count_elements(mapping: &Value, iterable: &Value) -> PyResult<()> {
    let iterator = iter::iter(iterable)?;
    if let Some(dict) = mapping.downcast::<Dict>()
        && is_as_in_dict(mapping, name!("get"))
        && is_as_in_dict(mapping, name!("__setitem__"))
    {
        let table = dict.table();
        while let Some(key) = iter::next(&iterator)? {
            let hash = hash::hash(&key)?;
            let count = match table.get(&key, hash)? {
                Some(count) => one_more(&count)?,
                None => Value::int(1),
            };
            drop(table.insert(&key, hash, count)?);
        }
        return Ok(());
    }
    let get = attribute::get(mapping, name!("get"))?;
    while let Some(key) = iter::next(&iterator)? {
        let count = call::call(&get, &[key.clone(), Value::int(0)])?;
        sequence::set_item(mapping, &key, one_more(&count)?)?;
    }
    Ok(())
}
