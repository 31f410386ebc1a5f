//! The types `set` and `frozenset`.

mod iterator;
mod table;

pub use iterator::{SET_ITERATOR, SetIterator};
pub use table::SetTable;

use crate::gc::Visit;
use crate::method;
use crate::name;
use crate::object::arguments::{check_count, no_keywords, positional};
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::header::{Header, new_instance};
use crate::object::native::Method;
use crate::object::slots::{BINARY_OPS, BinaryFn, BinaryOp, Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::{TypeObject, attribute, hash, iter, repr_guard, text};
use crate::types::dict::Dict;
use crate::types::exceptions::{KEY_ERROR, TYPE_ERROR, is_instance, key_error, raise, system_error};
use crate::types::list::List;
use crate::types::str::{Str, StrBuilder};
use crate::types::tuple::Tuple;
use std::cell::OnceCell;

/// The body of a set.
#[repr(C)]
pub struct Set {
    header: Header,
    table: SetTable,
}

payload!(Set, SET, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.table.for_each(&mut |key, _| visit(key));
    }
    fn clear_references(&self) {
        drop(self.table.clear());
    }
});

/// The body of a frozenset.
#[repr(C)]
pub struct FrozenSet {
    header: Header,
    table: SetTable,
}

payload!(FrozenSet, FROZENSET, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.table.for_each(&mut |key, _| visit(key));
    }
});

const OPERATORS: [Option<BinaryFn>; BINARY_OPS] = {
    let mut operators = [None; BINARY_OPS];
    operators[BinaryOp::Subtract as usize] = Some(subtract as BinaryFn);
    operators[BinaryOp::And as usize] = Some(and as BinaryFn);
    operators[BinaryOp::Xor as usize] = Some(xor as BinaryFn);
    operators[BinaryOp::Or as usize] = Some(or as BinaryFn);
    operators
};

const INPLACE_OPERATORS: [Option<BinaryFn>; BINARY_OPS] = {
    let mut operators = [None; BINARY_OPS];
    operators[BinaryOp::Subtract as usize] = Some(inplace_subtract as BinaryFn);
    operators[BinaryOp::And as usize] = Some(inplace_and as BinaryFn);
    operators[BinaryOp::Xor as usize] = Some(inplace_xor as BinaryFn);
    operators[BinaryOp::Or as usize] = Some(inplace_or as BinaryFn);
    operators
};

/// The type object of `set`.
pub static SET: TypeObject = TypeObject::define::<Set>("set")
    .flags(crate::object::TypeFlags::BASE)
    .with_weakrefs()
    .doc("set() -> new empty set object\nset(iterable) -> new set object\n\nBuild an unordered collection of unique elements.")
    .slots(Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        getattr: Some(attribute::generic_get),
        compare: Some(rich_compare),
        iter: Some(|this| Ok(iterator::new(this.clone()))),
        length: Some(|this| Ok(body(this)?.len())),
        contains: Some(contains),
        binary: OPERATORS,
        inplace: INPLACE_OPERATORS,
        ..Slots::EMPTY
    })
    .methods(METHODS);

/// The type object of `frozenset`.
pub static FROZENSET: TypeObject = TypeObject::define::<FrozenSet>("frozenset")
    .flags(crate::object::TypeFlags::BASE)
    .with_weakrefs()
    .doc("frozenset() -> empty frozenset object\nfrozenset(iterable) -> frozenset object\n\nBuild an immutable unordered collection of unique elements.")
    .slots(Slots {
        new: Some(frozen_new),
        repr: Some(repr),
        hash: Some(frozen_hash),
        getattr: Some(attribute::generic_get),
        compare: Some(rich_compare),
        iter: Some(|this| Ok(iterator::new(this.clone()))),
        length: Some(|this| Ok(body(this)?.len())),
        contains: Some(contains),
        binary: OPERATORS,
        ..Slots::EMPTY
    })
    .methods(FROZEN_METHODS);

const CONTAINS: Method = method!(contains, "!__contains__($self, object, /)", "x.__contains__(y) <==> y in x.");
const DIFFERENCE: Method = method!(
    difference_of,
    "!difference($self, /, *others)",
    "Return the difference of two or more sets as a new set.\n\n(i.e. all elements that are in this set but not the others.)"
);
const INTERSECTION: Method = method!(
    intersection_of,
    "!intersection($self, /, *others)",
    "Return the intersection of two sets as a new set.\n\n(i.e. all elements that are in both sets.)"
);
const IS_DISJOINT: Method =
    method!(is_disjoint, "!isdisjoint($self, other, /)", "Return True if two sets have a null intersection.");
const IS_SUBSET: Method =
    method!(is_subset, "!issubset($self, other, /)", "Report whether another set contains this set.");
const IS_SUPERSET: Method =
    method!(is_superset, "!issuperset($self, other, /)", "Report whether this set contains another set.");
const REDUCE: Method = method!(reduce, "!__reduce__($self, /)", "Return state information for pickling.");
const SIZEOF: Method = method!(sizeof, "!__sizeof__($self, /)", "S.__sizeof__() -> size of S in memory, in bytes");
const SYMMETRIC_DIFFERENCE: Method = method!(
    symmetric_difference,
    "!symmetric_difference($self, other, /)",
    "Return the symmetric difference of two sets as a new set.\n\n(i.e. all elements that are in exactly one of the sets.)"
);
const UNION: Method = method!(
    union_of,
    "!union($self, /, *others)",
    "Return the union of sets as a new set.\n\n(i.e. all elements that are in either set.)"
);

const METHODS: &[Method] = &[
    CONTAINS,
    method!(
        add,
        "!add($self, object, /)",
        "Add an element to a set.\n\nThis has no effect if the element is already present."
    ),
    method!(clear, "!clear($self, /)", "Remove all elements from this set."),
    method!(copy, "!copy($self, /)", "Return a shallow copy of a set."),
    method!(
        discard,
        "!discard($self, object, /)",
        "Remove an element from a set if it is a member.\n\nIf the element is not a member, do nothing."
    ),
    DIFFERENCE,
    method!(
        difference_update,
        "!difference_update($self, /, *others)",
        "Remove all elements of another set from this set."
    ),
    INTERSECTION,
    method!(
        intersection_update,
        "!intersection_update($self, /, *others)",
        "Update a set with the intersection of itself and another."
    ),
    IS_DISJOINT,
    IS_SUBSET,
    IS_SUPERSET,
    method!(pop, "!pop($self, /)", "Remove and return an arbitrary set element.\nRaises KeyError if the set is empty."),
    REDUCE,
    method!(
        remove,
        "!remove($self, object, /)",
        "Remove an element from a set; it must be a member.\n\nIf the element is not a member, raise a KeyError."
    ),
    SIZEOF,
    SYMMETRIC_DIFFERENCE,
    method!(
        symmetric_difference_update,
        "!symmetric_difference_update($self, other, /)",
        "Update a set with the symmetric difference of itself and another."
    ),
    UNION,
    method!(update_all, "!update($self, /, *others)", "Update a set with the union of itself and others."),
];

const FROZEN_METHODS: &[Method] = &[
    CONTAINS,
    method!(frozen_copy, "!copy($self, /)", "Return a shallow copy of a set."),
    DIFFERENCE,
    INTERSECTION,
    IS_DISJOINT,
    IS_SUBSET,
    IS_SUPERSET,
    REDUCE,
    SIZEOF,
    SYMMETRIC_DIFFERENCE,
    UNION,
];

// ---------------------------------------------------------------------------------------------------------------------
// Making and filling sets

/// The table of a set or frozenset (of a subclass perhaps).
#[inline]
pub fn table_of(value: &Value) -> Option<&SetTable> {
    match value.downcast::<Set>() {
        Some(set) => Some(&set.table),
        None => value.downcast::<FrozenSet>().map(|set| &set.table),
    }
}

fn body(value: &Value) -> PyResult<&SetTable> {
    match table_of(value) {
        Some(table) => Ok(table),
        None => Err(system_error(format!("expected a set, not {}", value.ty().name()))),
    }
}

/// Whether the value is a set or frozenset (of a subclass perhaps).
pub fn is_any_set(value: &Value) -> bool {
    table_of(value).is_some()
}

/// The table of a set or frozenset that is of no subclass.
pub(crate) fn exact_table(value: &Value) -> Option<&SetTable> {
    match value.exact::<Set>() {
        Some(set) => Some(&set.table),
        None => value.exact::<FrozenSet>().map(|set| &set.table),
    }
}

/// An empty set.
pub fn new_set() -> Value {
    empty_of(&SET)
}

/// The empty frozenset: one object.
pub fn empty_frozenset() -> Value {
    static EMPTY: GilCell<OnceCell<Value>> = GilCell::new(OnceCell::new());
    EMPTY.get().get_or_init(|| empty_of(&FROZENSET)).clone()
}

/// An empty instance of set, frozenset or a subclass.
fn empty_of(ty: &TypeObject) -> Value {
    if ty.has_layout_of(&SET) {
        new_instance(ty, Set { header: Header::new(ty), table: SetTable::new() })
    } else {
        new_instance(ty, FrozenSet { header: Header::new(ty), table: SetTable::new() })
    }
}

/// `set(iterable)`.
///
/// # Errors
/// What iterating, hashing or comparing raises.
pub fn from_iterable(iterable: &Value) -> PyResult<Value> {
    make(&SET, Some(iterable))
}

/// A new frozenset of the values, added in order.
///
/// # Errors
/// What hashing or comparing raises.
pub fn frozenset_of(values: &[Value]) -> PyResult<Value> {
    if values.is_empty() {
        return Ok(empty_frozenset());
    }
    let result = empty_of(&FROZENSET);
    for value in values {
        add_to(body(&result)?, value)?;
    }
    Ok(result)
}

/// `set.add(key)`, for code that builds sets.
///
/// # Errors
/// What hashing or comparing raises; `SystemError` when the value is no set.
pub fn add_key(set: &Value, key: &Value) -> PyResult<()> {
    add_to(body(set)?, key)
}

/// An instance of `ty` with the items of an iterable. As `make_new_set`.
fn make(ty: &TypeObject, iterable: Option<&Value>) -> PyResult<Value> {
    let result = empty_of(ty);
    if let Some(iterable) = iterable {
        update(body(&result)?, iterable)?;
    }
    Ok(result)
}

/// `set` for sets and what derives from it, else `frozenset`.
fn base_type(value: &Value) -> &'static TypeObject {
    if value.downcast::<Set>().is_some() { &SET } else { &FROZENSET }
}

#[inline]
fn hash_of(key: &Value) -> PyResult<i64> {
    match key.exact::<Str>() {
        Some(text) => Ok(text.hash()),
        None => hash::hash(key),
    }
}

fn add_to(table: &SetTable, key: &Value) -> PyResult<()> {
    table.add(key, hash_of(key)?)
}

/// Calls `each` for every key and hash of a table, which may change meanwhile, until it says false.
fn for_each_key(table: &SetTable, mut each: impl FnMut(Value, i64) -> PyResult<bool>) -> PyResult<()> {
    let mut position = 0;
    while let Some((at, key, hash)) = table.next_key(position) {
        if !each(key, hash)? {
            break;
        }
        position = at + 1;
    }
    Ok(())
}

/// Calls `each` for every key and hash of a dict, which may change meanwhile.
fn for_each_dict_key(dict: &Dict, mut each: impl FnMut(Value, i64) -> PyResult<()>) -> PyResult<()> {
    let mut position = 0;
    while position < dict.table().positions() {
        if let Some((key, _, hash)) = dict.table().entry_at(position) {
            each(key, hash)?;
        }
        position += 1;
    }
    Ok(())
}

/// Adds the items of an iterable. As `set_update_internal`.
fn update(table: &SetTable, other: &Value) -> PyResult<()> {
    if let Some(other) = table_of(other) {
        return table.merge(other);
    }
    if let Some(dict) = other.exact::<Dict>() {
        table.reserve_for_merge(dict.len())?;
        return for_each_dict_key(dict, |key, hash| table.add(&key, hash));
    }
    iter::for_each(other, |key| add_to(table, &key).map(|()| true))
}

fn new(class: &Value, _args: &[Value], _kwnames: Option<&Value>) -> PyResult<Value> {
    Ok(empty_of(class.downcast::<TypeObject>().unwrap_or(&SET)))
}

fn init(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    let table = body(this)?;
    no_keywords("set", kwnames)?;
    check_count(this.ty().name(), args.len(), 0, 1)?;
    if table.fill() > 0 {
        drop(table.clear());
    }
    match args.first() {
        Some(iterable) => update(table, iterable),
        None => Ok(()),
    }
}

fn frozen_new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let ty = class.downcast::<TypeObject>().unwrap_or(&FROZENSET);
    let exact = std::ptr::eq(ty, &FROZENSET);
    if exact {
        no_keywords("frozenset", kwnames)?;
    }
    let args = positional(args, kwnames);
    check_count(ty.name(), args.len(), 0, 1)?;
    match args.first() {
        iterable if !exact => make(ty, iterable),
        Some(iterable) if iterable.is_exact::<FrozenSet>() => Ok(iterable.clone()),
        Some(iterable) => {
            let result = make(ty, Some(iterable))?;
            Ok(if body(&result)?.is_empty() { empty_frozenset() } else { result })
        }
        None => Ok(empty_frozenset()),
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// What sets and frozensets share

fn repr(this: &Value) -> PyResult<Value> {
    let table = body(this)?;
    let name = this.ty().name();
    let Some(_guard) = repr_guard::enter(this) else { return Ok(Str::new_value(&format!("{name}(...)"))) };
    if table.is_empty() {
        return Ok(Str::new_value(&format!("{name}()")));
    }
    let plain = this.is_exact::<Set>();
    let mut builder = StrBuilder::new();
    if !plain {
        builder.push_str(name);
        builder.push_str("(");
    }
    builder.push_str("{");
    for (index, key) in table.keys().iter().enumerate() {
        if index > 0 {
            builder.push_str(", ");
        }
        if let Some(text) = text::repr(key)?.downcast::<Str>() {
            builder.push_value(text);
        }
    }
    builder.push_str(if plain { "}" } else { "})" });
    Ok(builder.finish())
}

fn rich_compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    let (a, Some(b)) = (body(left)?, table_of(right)) else { return Ok(Value::NOT_IMPLEMENTED) };
    let equal = || -> PyResult<bool> {
        let known_to_differ = matches!((a.cached_hash.get(), b.cached_hash.get()), (Some(x), Some(y)) if x != y);
        Ok(a.len() == b.len() && !known_to_differ && is_contained(a, b)?)
    };
    Ok(Value::bool(match op {
        Compare::Eq => equal()?,
        Compare::Ne => !equal()?,
        Compare::Le => is_contained(a, b)?,
        Compare::Ge => is_contained(b, a)?,
        Compare::Lt => a.len() < b.len() && is_contained(a, b)?,
        Compare::Gt => a.len() > b.len() && is_contained(b, a)?,
    }))
}

/// Whether all keys of `a` are in `b`.
fn is_contained(a: &SetTable, b: &SetTable) -> PyResult<bool> {
    if a.len() > b.len() {
        return Ok(false);
    }
    if let Some(contained) = a.quick_is_contained(b) {
        return Ok(contained);
    }
    let mut all = true;
    for_each_key(a, |key, hash| {
        all = b.contains(&key, hash)?;
        Ok(all)
    })?;
    Ok(all)
}

/// The hash of a frozenset: the same whatever the order of its keys.
fn frozen_hash(this: &Value) -> PyResult<i64> {
    let table = body(this)?;
    if let Some(hash) = table.cached_hash.get() {
        return Ok(hash);
    }
    let mut mixed: u64 = 0;
    table.for_each(&mut |_, hash| {
        let hash = hash as u64;
        mixed ^= (hash ^ 89_869_747 ^ hash << 16).wrapping_mul(3_644_798_167);
    });
    mixed ^= (table.len() as u64 + 1).wrapping_mul(1_927_868_237);
    mixed ^= mixed >> 11 ^ mixed >> 25;
    mixed = mixed.wrapping_mul(69_069).wrapping_add(907_133_923);
    let hash = if mixed == u64::MAX { 590_923_713 } else { mixed as i64 };
    table.cached_hash.set(Some(hash));
    Ok(hash)
}

/// Does something with a key and its hash; a set, which is unhashable, stands for the frozenset of its items.
fn with_key<R>(key: &Value, act: impl Fn(&Value, i64) -> PyResult<R>) -> PyResult<R> {
    match hash_of(key).and_then(|hash| act(key, hash)) {
        Err(raised) if key.downcast::<Set>().is_some() && is_instance(&raised, &TYPE_ERROR) => {
            let frozen = make(&FROZENSET, Some(key))?;
            act(&frozen, hash::hash(&frozen)?)
        }
        result => result,
    }
}

fn contains(this: &Value, key: &Value) -> PyResult<bool> {
    let table = body(this)?;
    with_key(key, |key, hash| table.contains(key, hash))
}

fn copy(this: &Value) -> PyResult<Value> {
    make(base_type(this), Some(this))
}

fn frozen_copy(this: &Value) -> PyResult<Value> {
    if this.is_exact::<FrozenSet>() { Ok(this.clone()) } else { copy(this) }
}

/// The header of CPython's set, with a small table in it, is 200 bytes.
fn sizeof(this: &Value) -> PyResult<usize> {
    let size = body(this)?.size();
    let basic_size = crate::types::layout::of(this.ty()).basic_size as usize;
    Ok(basic_size + if size > 8 { 16 * size } else { 0 })
}

fn reduce(this: &Value) -> PyResult<Value> {
    let keys = List::from_vec(body(this)?.keys());
    let dict = attribute::lookup(this, name!("__dict__"))?.unwrap_or(Value::NONE);
    Ok(Tuple::from_vec(vec![this.ty().value(), Tuple::from_vec(vec![keys]), dict]))
}

fn union_of(this: &Value, others: &Tuple) -> PyResult<Value> {
    let result = copy(this)?;
    let table = body(&result)?;
    for other in others.iter().filter(|other| !other.is(this)) {
        update(table, other)?;
    }
    Ok(result)
}

/// As `set_intersection`.
fn intersection(this: &Value, other: &Value) -> PyResult<Value> {
    if this.is(other) {
        return copy(this);
    }
    let result = empty_of(base_type(this));
    let table = body(&result)?;
    let mut container = body(this)?;
    if let Some(mut source) = table_of(other) {
        if source.len() > container.len() {
            (container, source) = (source, container);
        }
        if source.quick_select(container, true, table)?.is_some() {
            return Ok(result);
        }
        for_each_key(source, |key, hash| {
            if container.contains(&key, hash)? {
                table.add(&key, hash)?;
            }
            Ok(true)
        })?;
        return Ok(result);
    }
    iter::for_each(other, |key| {
        let hash = hash::hash(&key)?;
        if container.contains(&key, hash)? {
            table.add(&key, hash)?;
        }
        Ok(true)
    })?;
    Ok(result)
}

fn intersection_of(this: &Value, others: &Tuple) -> PyResult<Value> {
    if others.is_empty() {
        return copy(this);
    }
    let mut result = this.clone();
    for other in others.iter() {
        result = intersection(&result, other)?;
    }
    Ok(result)
}

/// As `set_difference`.
fn difference(this: &Value, other: &Value) -> PyResult<Value> {
    let own = body(this)?;
    let dict = other.exact::<Dict>();
    let set = table_of(other);
    let size = set.map(SetTable::len).or(dict.map(Dict::len));
    // A copy without a few items is cheaper than looking for all the others.
    if size.is_none_or(|size| own.len() >> 2 > size) {
        let result = copy(this)?;
        subtract_from(&result, body(&result)?, other)?;
        return Ok(result);
    }
    let result = empty_of(base_type(this));
    let table = body(&result)?;
    if let Some(set) = set
        && own.quick_select(set, false, table)?.is_some()
    {
        return Ok(result);
    }
    for_each_key(own, |key, hash| {
        let found = match (set, dict) {
            (Some(set), _) => set.contains(&key, hash)?,
            (None, Some(dict)) => dict.table().find(&key, hash)?.is_some(),
            (None, None) => false,
        };
        if !found {
            table.add(&key, hash)?;
        }
        Ok(true)
    })?;
    Ok(result)
}

fn difference_of(this: &Value, others: &Tuple) -> PyResult<Value> {
    let Some((first, rest)) = others.as_slice().split_first() else { return copy(this) };
    let result = difference(this, first)?;
    let table = body(&result)?;
    for other in rest {
        subtract_from(&result, table, other)?;
    }
    Ok(result)
}

/// Removes the items of an iterable. As `set_difference_update_internal`.
fn subtract_from(this: &Value, table: &SetTable, other: &Value) -> PyResult<()> {
    if this.is(other) {
        drop(table.clear());
        return Ok(());
    }
    match table_of(other) {
        Some(source) => for_each_key(source, |key, hash| table.remove(&key, hash).map(|_removed| true))?,
        None => iter::for_each(other, |key| table.remove(&key, hash_of(&key)?).map(|_removed| true))?,
    }
    table.tidy()?;
    Ok(())
}

fn symmetric_difference(this: &Value, other: &Value) -> PyResult<Value> {
    let result = make(base_type(this), Some(other))?;
    toggle(&result, body(&result)?, this)?;
    Ok(result)
}

/// Removes the items that are there and adds those that are not. As `set_symmetric_difference_update`.
fn toggle(this: &Value, table: &SetTable, other: &Value) -> PyResult<()> {
    if this.is(other) {
        drop(table.clear());
        return Ok(());
    }
    let flip = |key: Value, hash: i64| -> PyResult<()> {
        if table.remove(&key, hash)?.is_none() {
            table.add(&key, hash)?;
        }
        Ok(())
    };
    if let Some(dict) = other.exact::<Dict>() {
        return for_each_dict_key(dict, flip);
    }
    let source = if is_any_set(other) { other.clone() } else { make(base_type(this), Some(other))? };
    for_each_key(body(&source)?, |key, hash| flip(key, hash).map(|()| true))
}

fn is_disjoint(this: &Value, other: &Value) -> PyResult<bool> {
    let mut container = body(this)?;
    if this.is(other) {
        return Ok(container.is_empty());
    }
    let mut disjoint = true;
    if let Some(mut source) = exact_table(other) {
        if source.len() > container.len() {
            (container, source) = (source, container);
        }
        for_each_key(source, |key, hash| {
            disjoint = !container.contains(&key, hash)?;
            Ok(disjoint)
        })?;
    } else {
        iter::for_each(other, |key| {
            disjoint = !container.contains(&key, hash::hash(&key)?)?;
            Ok(disjoint)
        })?;
    }
    Ok(disjoint)
}

/// The value itself, when it is a set, else the set of its items.
fn as_set(value: &Value) -> PyResult<Value> {
    if is_any_set(value) { Ok(value.clone()) } else { from_iterable(value) }
}

fn is_subset(this: &Value, other: &Value) -> PyResult<bool> {
    let other = as_set(other)?;
    is_contained(body(this)?, body(&other)?)
}

fn is_superset(this: &Value, other: &Value) -> PyResult<bool> {
    let other = as_set(other)?;
    is_contained(body(&other)?, body(this)?)
}

fn or(left: &Value, right: &Value) -> PyResult<Value> {
    if !is_any_set(left) || !is_any_set(right) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let result = copy(left)?;
    if !left.is(right) {
        update(body(&result)?, right)?;
    }
    Ok(result)
}

/// An operator of two sets.
fn of_sets(left: &Value, right: &Value, operate: fn(&Value, &Value) -> PyResult<Value>) -> PyResult<Value> {
    if is_any_set(left) && is_any_set(right) { operate(left, right) } else { Ok(Value::NOT_IMPLEMENTED) }
}

fn and(left: &Value, right: &Value) -> PyResult<Value> {
    of_sets(left, right, intersection)
}

fn subtract(left: &Value, right: &Value) -> PyResult<Value> {
    of_sets(left, right, difference)
}

fn xor(left: &Value, right: &Value) -> PyResult<Value> {
    of_sets(left, right, symmetric_difference)
}

// ---------------------------------------------------------------------------------------------------------------------
// What changes a set

/// An in-place operator: `change` applied to a set by another set.
fn change_by_set(this: &Value, other: &Value, change: impl FnOnce(&SetTable) -> PyResult<()>) -> PyResult<Value> {
    if !is_any_set(other) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    change(body(this)?)?;
    Ok(this.clone())
}

fn inplace_or(this: &Value, other: &Value) -> PyResult<Value> {
    change_by_set(this, other, |table| update(table, other))
}

fn inplace_and(this: &Value, other: &Value) -> PyResult<Value> {
    change_by_set(this, other, |table| {
        let result = intersection(this, other)?;
        table.swap(body(&result)?);
        Ok(())
    })
}

fn inplace_subtract(this: &Value, other: &Value) -> PyResult<Value> {
    change_by_set(this, other, |table| subtract_from(this, table, other))
}

fn inplace_xor(this: &Value, other: &Value) -> PyResult<Value> {
    change_by_set(this, other, |table| toggle(this, table, other))
}

fn add(this: &Set, key: &Value) -> PyResult<()> {
    add_to(&this.table, key)
}

fn clear(this: &Set) {
    drop(this.table.clear());
}

fn discard(this: &Set, key: &Value) -> PyResult<()> {
    with_key(key, |key, hash| this.table.remove(key, hash).map(drop))
}

fn remove(this: &Set, key: &Value) -> PyResult<()> {
    match with_key(key, |key, hash| this.table.remove(key, hash))? {
        Some(removed) => {
            drop(removed);
            Ok(())
        }
        None => Err(key_error(key)),
    }
}

fn pop(this: &Set) -> PyResult<Value> {
    this.table.pop().ok_or_else(|| raise(&KEY_ERROR, "pop from an empty set"))
}

fn update_all(this: &Set, others: &Tuple) -> PyResult<()> {
    others.iter().try_for_each(|other| update(&this.table, other))
}

fn difference_update(this: &Value, others: &Tuple) -> PyResult<()> {
    let table = body(this)?;
    others.iter().try_for_each(|other| subtract_from(this, table, other))
}

fn intersection_update(this: &Value, others: &Tuple) -> PyResult<()> {
    let result = intersection_of(this, others)?;
    body(this)?.swap(body(&result)?);
    Ok(())
}

fn symmetric_difference_update(this: &Value, other: &Value) -> PyResult<()> {
    toggle(this, body(this)?, other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::number;
    use crate::object::slots::BinaryOp;

    /// The generator of `tools/record_orders.py`.
    struct Lcg(u64);

    impl Lcg {
        fn below(&mut self, n: i64) -> i64 {
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((self.0 >> 33) % n as u64) as i64
        }
    }

    fn mix(hash: u64, value: i64) -> u64 {
        (hash ^ value as u64).wrapping_mul(0x0100_0000_01b3)
    }

    fn range(start: i64, stop: i64, step: i64) -> Value {
        let step = usize::try_from(step).expect("positive");
        List::from_vec((start..stop).step_by(step).map(Value::int).collect())
    }

    /// Random operations on a set; the checksum of its order after each.
    fn run(seed: u64) -> PyResult<(usize, u64)> {
        let mut random = Lcg(seed * 77 + 5);
        let span = [20, 64, 300, 5000, 100_000, 8][seed as usize % 6];
        let scale = [1, 8, 37][seed as usize % 3];
        let mut set = new_set();
        let mut hash = 0xcbf2_9ce4_8422_2325;
        for step in 0..400 {
            let op = random.below(12);
            let a = random.below(span) * scale;
            let n = random.below(40);
            let some = range(a, a + n * scale, scale);
            let table = body(&set)?;
            match op {
                0..4 => add_to(table, &Value::int(a))?,
                4..6 => drop(table.remove(&Value::int(a), hash::hash(&Value::int(a))?)?),
                6 => update(table, &some)?,
                7 => {
                    if let Some(key) = table.pop() {
                        hash = mix(hash, key.as_small_int().expect("int"));
                    }
                }
                8 => subtract_from(&set, table, &some)?,
                9 => set = number::binary(BinaryOp::Xor, &set, &from_iterable(&some)?)?,
                10 => set = copy(&set)?,
                _ => {
                    let other = from_iterable(&range(0, a, scale))?;
                    let op = match (step % 7, step % 50) {
                        (0, _) => Some(BinaryOp::And),
                        (1, _) => Some(BinaryOp::Subtract),
                        (_, 3) => Some(BinaryOp::Or),
                        _ => None,
                    };
                    if let Some(op) = op {
                        set = number::binary(op, &set, &other)?;
                    }
                }
            }
            let table = body(&set)?;
            hash = mix(hash, table.len() as i64);
            for key in table.keys() {
                hash = mix(hash, key.as_small_int().expect("int"));
            }
            hash = mix(hash, sizeof(&set)? as i64);
        }
        Ok((body(&set)?.len(), hash))
    }

    #[test]
    fn order_is_cpythons_after_any_operations() {
        crate::vm::runtime::with(|| {
            for line in include_str!("order_cases.txt").lines().filter(|line| !line.starts_with('#')) {
                let fields: Vec<u64> = line.split(' ').map(|field| field.parse().expect("a number")).collect();
                let (len, hash) = run(fields[0]).expect("no error");
                assert_eq!((len as u64, hash), (fields[1], fields[2]), "seed {}", fields[0]);
            }
        });
    }
}
