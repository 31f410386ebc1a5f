//! The types `dict_keys`, `dict_values` and `dict_items`.

use super::Dict;
use super::iterator::{self, ITEMS, KEYS, VALUES};
use crate::gc::Visit;
use crate::method;
use crate::name;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::Method;
use crate::object::slots::{BINARY_OPS, BinaryFn, BinaryOp, Compare, Slots};
use crate::object::value::{Payload, Value};
use crate::object::{TypeObject, attribute, call, compare, hash, iter, repr_guard, sequence, text};
use crate::types::exceptions::system_error;
use crate::types::list::List;
use crate::types::set;
use crate::types::str::{Str, StrBuilder};
use crate::types::tuple::Tuple;

/// The body of a view of a dict, of one of the kinds of `iterator`.
#[repr(C)]
pub struct DictView<const KIND: u8> {
    header: Header,
    dict: Value,
}

// SAFETY: repr(C), header first.
unsafe impl<const KIND: u8> Payload for DictView<KIND> {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.dict);
    }
    fn type_object() -> &'static TypeObject {
        match KIND {
            KEYS => &DICT_KEYS,
            VALUES => &DICT_VALUES,
            _ => &DICT_ITEMS,
        }
    }
}

impl<const KIND: u8> DictView<KIND> {
    /// The dict.
    pub fn dict(&self) -> &Value {
        &self.dict
    }
}

/// A view of a kind of a dict (or an instance of a subclass).
pub fn new<const KIND: u8>(dict: Value) -> Value {
    new_object(DictView::<KIND> { header: Header::new(DictView::<KIND>::type_object()), dict })
}

const SET_OPERATORS: [Option<BinaryFn>; BINARY_OPS] = {
    let mut operators = [None; BINARY_OPS];
    operators[BinaryOp::Subtract as usize] = Some(subtract as BinaryFn);
    operators[BinaryOp::And as usize] = Some(intersect as BinaryFn);
    operators[BinaryOp::Xor as usize] = Some(symmetric as BinaryFn);
    operators[BinaryOp::Or as usize] = Some(unite as BinaryFn);
    operators
};

/// The type object of `dict_keys`.
pub static DICT_KEYS: TypeObject = TypeObject::define::<DictView<KEYS>>("dict_keys")
    .slots(Slots {
        repr: Some(repr::<KEYS>),
        getattr: Some(attribute::generic_get),
        compare: Some(rich_compare),
        iter: Some(iter_::<KEYS>),
        length: Some(length::<KEYS>),
        contains: Some(keys_contain),
        binary: SET_OPERATORS,
        ..Slots::EMPTY
    })
    .methods(&[
        method!(
            is_disjoint,
            "!isdisjoint($self, other, /)",
            "Return True if the view and the given iterable have a null intersection."
        ),
        method!(reversed_keys, "!__reversed__($self, /)", "Return a reverse iterator over the dict keys."),
    ] as &[Method]);

/// The type object of `dict_values`.
pub static DICT_VALUES: TypeObject = TypeObject::define::<DictView<VALUES>>("dict_values")
    .slots(Slots {
        repr: Some(repr::<VALUES>),
        getattr: Some(attribute::generic_get),
        iter: Some(iter_::<VALUES>),
        length: Some(length::<VALUES>),
        ..Slots::EMPTY
    })
    .methods(&[method!(reversed_values, "!__reversed__($self, /)", "Return a reverse iterator over the dict values.")]
        as &[Method]);

/// The type object of `dict_items`.
pub static DICT_ITEMS: TypeObject = TypeObject::define::<DictView<ITEMS>>("dict_items")
    .slots(Slots {
        repr: Some(repr::<ITEMS>),
        getattr: Some(attribute::generic_get),
        compare: Some(rich_compare),
        iter: Some(iter_::<ITEMS>),
        length: Some(length::<ITEMS>),
        contains: Some(items_contain),
        binary: SET_OPERATORS,
        ..Slots::EMPTY
    })
    .methods(&[
        method!(
            is_disjoint,
            "!isdisjoint($self, other, /)",
            "Return True if the view and the given iterable have a null intersection."
        ),
        method!(reversed_items, "!__reversed__($self, /)", "Return a reverse iterator over the dict items."),
    ] as &[Method]);

fn dict_of<const KIND: u8>(view: &Value) -> PyResult<&Dict> {
    let dict = view.downcast::<DictView<KIND>>().and_then(|view| view.dict.downcast::<Dict>());
    dict.ok_or_else(|| system_error("expected a view of a dict"))
}

/// Whether the value is a `dict_keys` or a `dict_items`, or derives from one (`odict_keys`, `odict_items`).
pub(crate) fn is_set_view(value: &Value) -> bool {
    value.downcast::<DictView<KEYS>>().is_some() || value.downcast::<DictView<ITEMS>>().is_some()
}

fn length<const KIND: u8>(this: &Value) -> PyResult<usize> {
    Ok(dict_of::<KIND>(this)?.len())
}

fn iter_<const KIND: u8>(this: &Value) -> PyResult<Value> {
    match this.downcast::<DictView<KIND>>() {
        Some(view) => Ok(iterator::new::<KIND>(view.dict.clone())),
        None => Err(system_error("expected a view of a dict")),
    }
}

fn repr<const KIND: u8>(this: &Value) -> PyResult<Value> {
    let Some(_guard) = repr_guard::enter(this) else { return Ok(Str::new_value("...")) };
    let items = List::from_vec(iter::collect(this)?);
    let mut builder = StrBuilder::new();
    builder.push_str(this.ty().name());
    builder.push_str("(");
    if let Some(text) = text::repr(&items)?.downcast::<Str>() {
        builder.push_value(text);
    }
    builder.push_str(")");
    Ok(builder.finish())
}

fn keys_contain(this: &Value, key: &Value) -> PyResult<bool> {
    Ok(dict_of::<KEYS>(this)?.table().find(key, hash::hash(key)?)?.is_some())
}

fn items_contain(this: &Value, item: &Value) -> PyResult<bool> {
    let dict = dict_of::<ITEMS>(this)?;
    let Some([key, value]) = item.downcast::<Tuple>().map(Tuple::as_slice) else { return Ok(false) };
    match dict.get(key)? {
        Some(found) => compare::equal(value, &found),
        None => Ok(false),
    }
}

/// Whether every item of `a` is in `b`.
fn all_contained(a: &Value, b: &Value) -> PyResult<bool> {
    let iterator = iter::iter(a)?;
    while let Some(item) = iter::next(&iterator)? {
        if !sequence::contains(b, &item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn rich_compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    if !set::is_any_set(right) && !is_set_view(right) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let (own, other) = (sequence::len(left)?, sequence::len(right)?);
    let holds = match op {
        Compare::Eq => own == other && all_contained(left, right)?,
        Compare::Ne => !(own == other && all_contained(left, right)?),
        Compare::Lt => own < other && all_contained(left, right)?,
        Compare::Le => own <= other && all_contained(left, right)?,
        Compare::Gt => own > other && all_contained(right, left)?,
        Compare::Ge => own >= other && all_contained(right, left)?,
    };
    Ok(Value::bool(holds))
}

/// `set(left)`, updated by one of its methods.
fn updated_set(left: &Value, method: &Value, right: &Value) -> PyResult<Value> {
    let result = set::from_iterable(left)?;
    call::call_method(&result, method, std::slice::from_ref(right))?;
    Ok(result)
}

fn subtract(left: &Value, right: &Value) -> PyResult<Value> {
    updated_set(left, name!("difference_update"), right)
}

fn intersect(left: &Value, right: &Value) -> PyResult<Value> {
    updated_set(left, name!("intersection_update"), right)
}

fn unite(left: &Value, right: &Value) -> PyResult<Value> {
    updated_set(left, name!("update"), right)
}

fn symmetric(left: &Value, right: &Value) -> PyResult<Value> {
    updated_set(left, name!("symmetric_difference_update"), right)
}

/// As `dictviews_isdisjoint`: the shorter of two sets is searched in the longer.
fn is_disjoint(this: &Value, other: &Value) -> PyResult<bool> {
    if this.is(other) {
        return Ok(sequence::len(this)? == 0);
    }
    let (mut container, mut candidates) = (this, other);
    if (set::is_any_set(other) || is_set_view(other)) && sequence::len(other)? > sequence::len(this)? {
        (container, candidates) = (other, this);
    }
    let iterator = iter::iter(candidates)?;
    while let Some(item) = iter::next(&iterator)? {
        if sequence::contains(container, &item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn reversed_keys(this: &DictView<KEYS>) -> Value {
    iterator::new::<{ iterator::REVERSE_KEYS }>(this.dict.clone())
}

fn reversed_values(this: &DictView<VALUES>) -> Value {
    iterator::new::<{ iterator::REVERSE_VALUES }>(this.dict.clone())
}

fn reversed_items(this: &DictView<ITEMS>) -> Value {
    iterator::new::<{ iterator::REVERSE_ITEMS }>(this.dict.clone())
}
