//! The type `list`.

mod iterator;
mod sort;

pub use iterator::{LIST_ITERATOR, LIST_REVERSE_ITERATOR, ListIterator, ListReverseIterator};
pub(crate) use iterator::{exhausted, reduced, state_index};

use crate::gc::Visit;
use crate::method;
use crate::object::arguments::{check_count, fit_bound, no_keywords, positional, repeat_count, search_bound};
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance, new_object};
use crate::object::length_hint::{length_hint, own_length};
use crate::object::native::Method;
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::value_vec::{self, ValueVec, no_memory, repeated, with_room};
use crate::object::{TypeFlags, TypeObject, attribute, compare, iter, number, repr_guard, text};
use crate::types::exceptions::{
    TYPE_ERROR, VALUE_ERROR, index_error, is_instance, overflow_error, raise_value, system_error, type_error,
    value_error,
};
use crate::types::int;
use crate::types::slice::{self, Slice, Unpacked};
use crate::types::str::{Str, StrBuilder};
use crate::types::tuple::Tuple;
use std::cell::Cell;

/// The body of a list.
#[repr(C)]
pub struct List {
    header: Header,
    items: ValueVec,
    /// `sort` has taken the items out.
    sorting: Cell<bool>,
}

/// Drops items in CPython's order: from the end. As `list_dealloc`, `list_clear` and `list_ass_slice`.
fn release(mut items: Vec<Value>) {
    while let Some(item) = items.pop() {
        drop(item);
    }
}

impl Drop for List {
    fn drop(&mut self) {
        release(self.items.take());
    }
}

payload!(List, LIST, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.items.for_each_back(visit);
    }
    fn clear_references(&self) {
        release(self.items.take());
    }
});

/// The type object of `list`.
pub static LIST: TypeObject = TypeObject::define::<List>("list")
    .flags(TypeFlags::BASE.and(TypeFlags::LIST))
    .doc("Built-in mutable sequence.\n\nIf no argument is given, the constructor creates a new empty list.\nThe argument must be an iterable if specified.")
    .slots(Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        getattr: Some(attribute::generic_get),
        compare: Some(rich_compare),
        iter: Some(|this| Ok(iterator::new(this.clone()))),
        length: Some(|this| Ok(body(this)?.items.len())),
        getitem: Some(getitem),
        setitem: Some(setitem),
        item: Some(|this, index| item_at(body(this)?, index)),
        contains: Some(contains),
        concat: Some(concat),
        repeat: Some(repeat),
        inplace_concat: Some(inplace_concat),
        inplace_repeat: Some(inplace_repeat),
        ..Slots::EMPTY
    })
    .methods(METHODS);

const METHODS: &[Method] = &[
    method!(getitem, "!__getitem__($self, index, /)", "x.__getitem__(y) <==> x[y]"),
    method!(reversed, "__reversed__($self, /)", "Return a reverse iterator over the list."),
    method!(sizeof, "__sizeof__($self, /)", "Return the size of the list in memory, in bytes."),
    method!(clear, "clear($self, /)", "Remove all items from list."),
    method!(copy, "copy($self, /)", "Return a shallow copy of the list."),
    method!(append, "append($self, object, /)", "Append object to the end of the list."),
    method!(insert, "insert($self, index, object, /)", "Insert object before index."),
    method!(extend, "extend($self, iterable, /)", "Extend list by appending elements from the iterable."),
    method!(
        pop,
        "pop($self, index=-1, /)",
        "Remove and return item at index (default last).\n\nRaises IndexError if list is empty or index is out of range."
    ),
    method!(
        remove,
        "remove($self, value, /)",
        "Remove first occurrence of value.\n\nRaises ValueError if the value is not present."
    ),
    method!(
        index,
        "index($self, value, start=0, stop=sys.maxsize, /)",
        "Return first index of value.\n\nRaises ValueError if the value is not present."
    ),
    method!(count, "count($self, value, /)", "Return number of occurrences of value."),
    method!(reverse, "reverse($self, /)", "Reverse *IN PLACE*."),
    method!(
        sort_,
        "sort($self, /, *, key=None, reverse=False)",
        "Sort the list in ascending order and return None.\n\nThe sort is in-place (i.e. the list itself is modified) and stable (i.e. the\norder of two equal elements is maintained).\n\nIf a key function is given, apply it once to each list item and sort them,\nascending or descending, according to their function values.\n\nThe reverse flag can be set to sort in descending order."
    ),
];

impl List {
    /// A list of the items.
    #[inline]
    pub fn from_vec(items: Vec<Value>) -> Value {
        new_object(List { header: Header::new(&LIST), items: ValueVec::new(items), sorting: Cell::new(false) })
    }

    /// An instance of list or a subclass.
    pub fn instance_of(ty: &TypeObject, items: Vec<Value>) -> Value {
        new_instance(ty, List { header: Header::new(ty), items: ValueVec::new(items), sorting: Cell::new(false) })
    }

    /// The items.
    #[inline(always)]
    pub fn items(&self) -> &ValueVec {
        &self.items
    }

    /// Takes all items out.
    pub fn take_all(&self) -> Vec<Value> {
        let taken = self.items.take();
        if self.sorting.get() && taken.capacity() > 0 {
            // Room is what tells `sort` that the list was changed.
            self.items.reserve(1);
        }
        taken
    }

    /// Appends the items of an iterable. As `list_extend`.
    ///
    /// # Errors
    /// What iterating raises; items seen before stay appended.
    pub fn extend(&self, iterable: &Value) -> PyResult<()> {
        if let Some(other) = iterable.downcast::<List>()
            && (iterable.is_exact::<List>() || std::ptr::eq(other, self))
        {
            self.items.extend(other.items.snapshot());
            return Ok(());
        }
        if let Some(tuple) = iterable.exact::<Tuple>() {
            self.items.extend(tuple.to_vec());
            return Ok(());
        }
        let iterator = iter::iter(iterable)?;
        // A hint that overflows the length is mistaken.
        let hint = length_hint(iterable, 8)?;
        if self.items.len().saturating_add(hint) < isize::MAX as usize {
            self.items.try_reserve(hint)?;
        }
        while let Some(item) = iter::next(&iterator)? {
            if self.items.len() == self.items.capacity() {
                self.items.try_reserve(1)?;
            }
            self.items.push(item);
        }
        self.items.give_back();
        Ok(())
    }

    /// Sorts the items, as `list.sort` does.
    ///
    /// # Errors
    /// What the key function or comparing raises; `ValueError` when the list is changed meanwhile.
    pub fn sort(&self, key: Option<&Value>, reverse: bool) -> PyResult<()> {
        sort::sort(self, key.filter(|key| !key.is_none()), reverse)
    }
}

#[inline]
fn body(value: &Value) -> PyResult<&List> {
    match value.downcast::<List>() {
        Some(list) => Ok(list),
        None => Err(system_error(format!("expected list, not {}", value.ty().name()))),
    }
}

/// The items of an iterable; what is not iterable is a `TypeError` with `message`. As `PySequence_Fast`.
///
/// # Errors
/// See above, and what iterating raises.
pub(crate) fn collect_or(iterable: &Value, message: &str) -> PyResult<Vec<Value>> {
    if let Some(list) = iterable.exact::<List>() {
        return Ok(list.items.snapshot());
    }
    if let Some(tuple) = iterable.exact::<Tuple>() {
        return Ok(tuple.to_vec());
    }
    let iterator = match iter::iter(iterable) {
        Ok(iterator) => iterator,
        Err(raised) if is_instance(&raised, &TYPE_ERROR) => return Err(type_error(message)),
        Err(raised) => return Err(raised),
    };
    collect(&iterator)
}

/// The items of an iterable, as `list(iterable)` collects them: its length hint is asked for.
///
/// # Errors
/// What iterating raises; `MemoryError` for a hint that is too large.
pub(crate) fn collect(iterable: &Value) -> PyResult<Vec<Value>> {
    if let Some(list) = iterable.exact::<List>() {
        return Ok(list.items.snapshot());
    }
    if let Some(tuple) = iterable.exact::<Tuple>() {
        return Ok(tuple.to_vec());
    }
    let iterator = iter::iter(iterable)?;
    let mut items = with_room(length_hint(iterable, 8)?)?;
    while let Some(item) = iter::next(&iterator)? {
        value_vec::push(&mut items, item)?;
    }
    if items.capacity() / 2 > items.len() {
        items.shrink_to_fit();
    }
    Ok(items)
}

fn new(class: &Value, _args: &[Value], _kwnames: Option<&Value>) -> PyResult<Value> {
    match class.downcast::<TypeObject>() {
        Some(ty) if !std::ptr::eq(ty, &LIST) => Ok(List::instance_of(ty, Vec::new())),
        _ => Ok(List::from_vec(Vec::new())),
    }
}

fn init(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    let list = body(this)?;
    if this.is_exact::<List>() {
        no_keywords("list", kwnames)?;
    }
    let args = positional(args, kwnames);
    check_count("list", args.len(), 0, 1)?;
    if list.items.capacity() > 0 {
        release(list.take_all());
    }
    let Some(iterable) = args.first() else { return Ok(()) };
    if !iterable.is_exact::<List>() && !iterable.is_exact::<Tuple>() {
        // CPython asks here, to allocate exactly, and again for the hint.
        if let Some(length) = own_length(iterable)?
            && list.items.capacity() == 0
        {
            drop(list.items.replace(with_room(length)?));
        }
    }
    list.extend(iterable)
}

fn repr(this: &Value) -> PyResult<Value> {
    let list = body(this)?;
    if list.items.is_empty() {
        return Ok(Str::new_value("[]"));
    }
    let Some(_guard) = repr_guard::enter(this) else { return Ok(Str::new_value("[...]")) };
    let mut builder = StrBuilder::new();
    let mut index = 0;
    builder.push_str("[");
    // The list may change meanwhile.
    while let Some(item) = list.items.get(index) {
        if index > 0 {
            builder.push_str(", ");
        }
        if let Some(text) = text::repr(&item)?.downcast::<Str>() {
            builder.push_value(text);
        }
        index += 1;
    }
    builder.push_str("]");
    Ok(builder.finish())
}

fn rich_compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    let (Some(a), Some(b)) = (left.downcast::<List>(), right.downcast::<List>()) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    let (a, b) = (&a.items, &b.items);
    if a.len() != b.len() && matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::bool(op == Compare::Ne));
    }
    let mut index = 0;
    while let (Some(x), Some(y)) = (a.get(index), b.get(index)) {
        if !compare::equal(&x, &y)? {
            // Comparing may have changed the lists: look again.
            let (Some(x), Some(y)) = (a.get(index), b.get(index)) else { break };
            return match op {
                Compare::Eq => Ok(Value::FALSE),
                Compare::Ne => Ok(Value::TRUE),
                _ => compare::rich(&x, &y, op),
            };
        }
        index += 1;
    }
    Ok(Value::bool(op.holds(a.len().cmp(&b.len()))))
}

/// The index that `key` means in a list of `len` items; `None` when it is out of range.
fn fit_index(index: isize, len: usize) -> Option<usize> {
    let index = if index < 0 { index.checked_add_unsigned(len)? } else { index };
    usize::try_from(index).ok().filter(|&index| index < len)
}

fn wrong_index_type(key: &Value) -> crate::object::Raised {
    type_error(format!("list indices must be integers or slices, not {}", key.ty().name()))
}

fn item_at(list: &List, index: isize) -> PyResult<Value> {
    let item = usize::try_from(index).ok().and_then(|index| list.items.get(index));
    item.ok_or_else(|| index_error("list index out of range"))
}

fn getitem(this: &Value, key: &Value) -> PyResult<Value> {
    let list = body(this)?;
    if let Some(slice) = key.exact::<Slice>() {
        let unpacked = slice::unpack(slice)?;
        if unpacked.step == 1 {
            return Ok(range_of(list, unpacked));
        }
        return Ok(stepped_range_of(list, unpacked));
    }
    if !number::is_index(key) {
        return Err(wrong_index_type(key));
    }
    let index = number::index_for_item(key)?;
    let item = fit_index(index, list.items.len()).and_then(|index| list.items.get(index));
    item.ok_or_else(|| index_error("list index out of range"))
}

/// The items between two bounds, step 1.
pub(crate) fn range_of(list: &List, bounds: Unpacked) -> Value {
    let selected = bounds.adjust(list.items.len());
    let start = selected.start as usize;
    List::from_vec(list.items.snapshot_range(start, start + selected.count))
}

/// The items between two bounds with a step other than 1.
pub(crate) fn stepped_range_of(list: &List, bounds: Unpacked) -> Value {
    let selected = bounds.adjust(list.items.len());
    let mut items = Vec::with_capacity(selected.count);
    let mut index = selected.start;
    for _ in 0..selected.count {
        items.extend(usize::try_from(index).ok().and_then(|index| list.items.get(index)));
        index = index.wrapping_add(selected.step);
    }
    List::from_vec(items)
}

/// The items of what is assigned to a slice of `list`.
///
/// # Errors
/// `TypeError` when `value` is not iterable, or what iterating raises.
pub(crate) fn assignable(this: &Value, list: &List, value: &Value) -> PyResult<Vec<Value>> {
    if value.is(this) { Ok(list.items.snapshot()) } else { collect_or(value, "can only assign an iterable") }
}

/// Replaces the items between two bounds, step 1.
pub(crate) fn assign_range(list: &List, bounds: Unpacked, values: Vec<Value>) {
    let selected = bounds.adjust(list.items.len());
    let start = selected.start.max(0) as usize;
    let end = start + selected.count;
    let old = if start == 0 && end >= list.items.len() && values.is_empty() {
        list.take_all()
    } else {
        list.items.splice(start, end, values)
    };
    release(old);
}

fn setitem(this: &Value, key: &Value, value: Option<&Value>) -> PyResult<()> {
    let list = body(this)?;
    if let Some(slice) = key.exact::<Slice>() {
        return match value {
            Some(value) => assign_slice(this, list, slice, value),
            None => delete_slice(list, slice),
        };
    }
    if !number::is_index(key) {
        return Err(wrong_index_type(key));
    }
    let index = fit_index(number::index_for_item(key)?, list.items.len());
    let old = match (index, value) {
        (Some(index), Some(value)) => list.items.set(index, value.clone()).ok(),
        (Some(_), None) if list.items.len() == 1 => list.take_all().pop(),
        (Some(index), None) => list.items.remove(index),
        (None, _) => None,
    };
    match old {
        Some(old) => {
            drop(old);
            Ok(())
        }
        None => Err(index_error("list assignment index out of range")),
    }
}

/// `list[slice] = value`.
fn assign_slice(this: &Value, list: &List, slice: &Slice, value: &Value) -> PyResult<()> {
    let unpacked = slice::unpack(slice)?;
    if unpacked.step == 1 {
        // As list_ass_slice: the bounds are fitted before the items are collected, which may change the list.
        let selected = unpacked.adjust(list.items.len());
        let values = assignable(this, list, value)?;
        let bounds = Unpacked { start: selected.start, stop: selected.stop, step: 1 };
        assign_range(list, bounds, values);
        return Ok(());
    }
    let selected = unpacked.adjust(list.items.len());
    let values = if value.is(this) {
        list.items.snapshot()
    } else {
        collect_or(value, "must assign iterable to extended slice")?
    };
    if values.len() != selected.count {
        return Err(value_error(format!(
            "attempt to assign sequence of size {} to extended slice of size {}",
            values.len(),
            selected.count
        )));
    }
    let mut old = Vec::with_capacity(values.len());
    for (index, value) in selected.indices().zip(values) {
        old.push(list.items.set(index, value));
    }
    drop(old);
    Ok(())
}

fn delete_slice(list: &List, slice: &Slice) -> PyResult<()> {
    let selected = slice::unpack(slice)?.adjust(list.items.len());
    if selected.count == 0 {
        return Ok(());
    }
    let removed = if selected.count == list.items.len() {
        list.take_all()
    } else if selected.step == 1 {
        let start = selected.start.max(0) as usize;
        list.items.splice(start, start + selected.count, Vec::new())
    } else {
        // The same items from the left.
        let step = selected.step.unsigned_abs();
        let first = if selected.step > 0 {
            selected.start.max(0) as usize
        } else {
            (selected.start.max(0) as usize).saturating_sub(step * (selected.count - 1))
        };
        list.items.remove_stepped(first, step, selected.count)
    };
    if !list.sorting.get() {
        list.items.give_back();
    }
    if selected.step == 1 {
        release(removed);
    }
    Ok(())
}

fn contains(this: &Value, item: &Value) -> PyResult<bool> {
    let list = body(this)?;
    let mut index = 0;
    while let Some(candidate) = list.items.get(index) {
        if compare::equal(item, &candidate)? {
            return Ok(true);
        }
        index += 1;
    }
    Ok(false)
}

fn concat(left: &Value, right: &Value) -> PyResult<Value> {
    let Some(other) = right.downcast::<List>() else {
        return Err(type_error(format!("can only concatenate list (not \"{}\") to list", right.ty().name())));
    };
    let list = body(left)?;
    let mut items = with_room(list.items.len() + other.items.len())?;
    for source in [list, other] {
        source.items.for_each(&mut |item| items.push(item.clone()));
    }
    Ok(List::from_vec(items))
}

fn repeat(this: &Value, count: &Value) -> PyResult<Value> {
    let list = body(this)?;
    let count = repeat_count(count)?;
    Ok(List::from_vec(repeated(&list.items.snapshot(), count)?))
}

fn inplace_concat(this: &Value, other: &Value) -> PyResult<Value> {
    body(this)?.extend(other)?;
    Ok(this.clone())
}

fn inplace_repeat(this: &Value, count: &Value) -> PyResult<Value> {
    let list = body(this)?;
    let count = repeat_count(count)?;
    if list.items.is_empty() || count == 1 {
        return Ok(this.clone());
    }
    if count == 0 {
        release(list.take_all());
        return Ok(this.clone());
    }
    let total = list.items.len().checked_mul(count).ok_or_else(no_memory)?;
    let snapshot = list.items.snapshot();
    list.items.try_reserve(total - snapshot.len())?;
    list.items.extend(repeated(&snapshot, count - 1)?);
    Ok(this.clone())
}

fn reversed(this: &Value) -> Value {
    iterator::new_reverse(this.clone())
}

/// The header of CPython's list is 40 bytes.
fn sizeof(this: &Value) -> usize {
    let capacity = this.downcast::<List>().map_or(0, |list| list.items.capacity());
    crate::types::layout::of(this.ty()).basic_size as usize + 8 * capacity
}

fn clear(this: &List) {
    release(this.take_all());
}

fn copy(this: &List) -> Value {
    List::from_vec(this.items.snapshot())
}

fn append(this: &List, object: &Value) {
    this.items.push(object.clone());
}

fn insert(this: &List, index: isize, object: &Value) {
    this.items.insert(fit_bound(index, this.items.len()), object.clone());
}

fn extend(this: &List, iterable: &Value) -> PyResult<()> {
    this.extend(iterable)
}

fn pop(this: &List, index: Option<isize>) -> PyResult<Value> {
    let len = this.items.len();
    if len == 0 {
        return Err(index_error("pop from empty list"));
    }
    let popped = match index {
        None | Some(-1) => this.items.pop(),
        Some(index) => fit_index(index, len).and_then(|index| this.items.remove(index)),
    };
    popped.ok_or_else(|| index_error("pop index out of range"))
}

fn remove(this: &List, value: &Value) -> PyResult<()> {
    let mut index = 0;
    while let Some(item) = this.items.get(index) {
        if compare::equal(&item, value)? {
            drop(this.items.remove(index));
            return Ok(());
        }
        index += 1;
    }
    Err(value_error("list.remove(x): x not in list"))
}

fn index(this: &List, value: &Value, start: Option<&Value>, stop: Option<&Value>) -> PyResult<usize> {
    let start = search_bound(start, 0)?;
    let stop = search_bound(stop, isize::MAX)?;
    let mut at = fit_bound(start, this.items.len());
    let stop = fit_bound(stop, this.items.len());
    while at < stop {
        let Some(item) = this.items.get(at) else { break };
        if compare::equal(&item, value)? {
            return Ok(at);
        }
        at += 1;
    }
    let mut message = StrBuilder::new();
    if let Some(text) = text::repr(value)?.downcast::<Str>() {
        message.push_value(text);
    }
    message.push_str(" is not in list");
    Err(raise_value(&VALUE_ERROR, message.finish()))
}

fn count(this: &List, value: &Value) -> PyResult<usize> {
    let (mut index, mut found) = (0, 0);
    while let Some(item) = this.items.get(index) {
        found += usize::from(compare::equal(&item, value)?);
        index += 1;
    }
    Ok(found)
}

fn reverse(this: &List) {
    this.items.reverse();
}

fn sort_(this: &List, key: Option<&Value>, reverse: Option<&Value>) -> PyResult<()> {
    let reverse = reverse.map_or(Ok(false), flag)?;
    this.sort(key, reverse)
}

/// A truth value that must be an int, as the `int` converter of CPython's argument parser reads it.
pub(crate) fn flag(value: &Value) -> PyResult<bool> {
    if value.ty().is_subtype(&crate::types::float::FLOAT) {
        return Err(type_error("integer argument expected, got float"));
    }
    let int = number::integer(value)?;
    match int::to_i64(&int).and_then(|int| i32::try_from(int).ok()) {
        Some(int) => Ok(int != 0),
        None => Err(overflow_error("Python int too large to convert to C int")),
    }
}
