//! The type `tuple`.

use crate::gc::Visit;
use crate::method;
use crate::object::arguments::{check_count, fit_bound, no_keywords, positional, repeat_count, search_bound};
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object, new_variable};
use crate::object::native::Method;
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::value_vec::{ValueCell, repeated};
use crate::object::{TypeFlags, TypeObject, attribute, compare, hash, number, repr_guard, text};
use crate::types::exceptions::{index_error, system_error, type_error, value_error};
use crate::types::list::{self, exhausted, reduced, state_index};
use crate::types::slice::{self, Slice, Unpacked};
use crate::types::str::{Str, StrBuilder};
use crate::vm::thread;
use std::cell::Cell;

/// The body of a tuple; the items follow it.
#[repr(C)]
pub struct Tuple {
    header: Header,
    len: usize,
}

payload!(Tuple, TUPLE, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.as_slice().iter().rev().for_each(visit);
    }
});

/// Bytes of a tuple, header included.
pub(crate) fn size(header: &Header) -> usize {
    // SAFETY: called for tuples only.
    let tuple = unsafe { &*(header as *const Header as *const Tuple) };
    std::mem::size_of::<Tuple>() + 8 * tuple.len
}

/// The type object of `tuple`.
pub static TUPLE: TypeObject = TypeObject::define::<Tuple>("tuple")
    .flags(TypeFlags::BASE.and(TypeFlags::TUPLE))
    .variable_size(size)
    .doc("Built-in immutable sequence.\n\nIf no argument is given, the constructor returns an empty tuple.\nIf iterable is specified the tuple is initialized from iterable's items.\n\nIf the argument is a tuple, the return value is the same object.")
    .slots(Slots {
        new: Some(new),
        repr: Some(repr),
        hash: Some(hash_),
        getattr: Some(attribute::generic_get),
        compare: Some(rich_compare),
        iter: Some(|this| Ok(new_iterator(this.clone()))),
        length: Some(|this| Ok(body(this)?.len())),
        getitem: Some(getitem),
        item: Some(|this, index| item_at(body(this)?, index)),
        contains: Some(contains),
        concat: Some(concat),
        repeat: Some(repeat),
        ..Slots::EMPTY
    })
    .methods(METHODS);

const METHODS: &[Method] = &[
    method!(new_arguments, "__getnewargs__($self, /)", ""),
    method!(
        index,
        "index($self, value, start=0, stop=sys.maxsize, /)",
        "Return first index of value.\n\nRaises ValueError if the value is not present."
    ),
    method!(count, "count($self, value, /)", "Return number of occurrences of value."),
];

impl Tuple {
    /// The items.
    #[inline(always)]
    pub fn as_slice(&self) -> &[Value] {
        // SAFETY: `len` items follow the body; a tuple does not change while it is shared.
        unsafe { std::slice::from_raw_parts((self as *const Tuple).add(1) as *const Value, self.len) }
    }

    /// The items in order.
    #[inline]
    pub fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.as_slice().iter()
    }

    /// Number of items.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item at `index`.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&Value> {
        self.as_slice().get(index)
    }

    /// A tuple of the last items of a list, from `start` on, which the list loses.
    pub(crate) fn split_off(items: &mut Vec<Value>, start: usize) -> Value {
        let count = items.len().saturating_sub(start);
        let start = items.len() - count;
        // SAFETY: the items behind `start` are moved: the list does not hold them any more.
        unsafe {
            items.set_len(start);
            Tuple::moved_from(items.as_ptr().add(start), count)
        }
    }

    /// New references to the items.
    pub fn to_vec(&self) -> Vec<Value> {
        self.as_slice().to_vec()
    }

    /// A tuple of the items.
    pub fn from_vec(items: Vec<Value>) -> Value {
        if items.is_empty() { Tuple::empty() } else { Tuple::instance_of(&TUPLE, items) }
    }

    /// A tuple of new references to the items.
    #[inline]
    pub fn from_slice(items: &[Value]) -> Value {
        for item in items {
            std::mem::forget(item.clone());
        }
        // SAFETY: the references counted just now are moved.
        unsafe { Tuple::moved_from(items.as_ptr(), items.len()) }
    }

    /// A tuple of the items.
    #[inline]
    pub fn from_array<const N: usize>(items: [Value; N]) -> Value {
        let items = std::mem::ManuallyDrop::new(items);
        // SAFETY: the items are moved.
        unsafe { Tuple::moved_from(items.as_ptr(), N) }
    }

    /// Puts what `item` gives for each index into a tuple that nobody else refers to, for iterators that use the tuple given
    /// last again when it was dropped; gives the tuple back as `Err` when somebody refers to it.
    pub(crate) fn refill<'a>(tuple: Value, item: impl Fn(usize) -> Option<&'a Value>) -> Result<Value, Value> {
        if Tuple::refill_held(&tuple, 1, item) { Ok(tuple) } else { Err(tuple) }
    }

    /// As [`Tuple::refill`] for a tuple with as many `holders`, which all know of this. False when there are others.
    #[inline]
    fn refill_held<'a>(tuple: &Value, holders: usize, item: impl Fn(usize) -> Option<&'a Value>) -> bool {
        let Some(body) = tuple.exact::<Tuple>().filter(|body| body.header.count() == holders) else { return false };
        let (items, len) = ((body as *const Tuple).wrapping_add(1) as *mut Value, body.len);
        for index in 0..len {
            // SAFETY: `index` is that of an item. No slice of the items is borrowed: who borrows one holds a reference, and
            // the only one is here. Each place holds a value at all times, whatever the end of an old item runs.
            let place = unsafe { &mut *items.wrapping_add(index) };
            if let Some(item) = item(index)
                && !place.is(item)
            {
                let old = std::mem::replace(place, item.clone());
                drop(old);
            }
        }
        body.track_again();
        true
    }

    /// The collector has perhaps found that the items of a tuple are of no interest to it: they are others now.
    #[inline]
    fn track_again(&self) {
        if let Some(link) = crate::gc::link_of(&self.header)
            && !link.is_tracked()
            && self.len > 0
        {
            // SAFETY: tuples are collected; this one is in no list.
            unsafe { crate::gc::track(&self.header) }
        }
    }

    /// As [`Tuple::refill`] for a tuple that an iterator and the caller hold, getting each item just before it takes its
    /// place: `Some(Ok(false))` when there is none, `None` when somebody else refers to the tuple.
    pub(crate) fn refill_in_turn(
        tuple: &Value,
        mut item: impl FnMut(usize) -> PyResult<Option<Value>>,
    ) -> Option<PyResult<bool>> {
        let body = tuple.exact::<Tuple>().filter(|body| body.header.count() == 2)?;
        let (items, len) = ((body as *const Tuple).wrapping_add(1) as *mut Value, body.len);
        for index in 0..len {
            match item(index) {
                // SAFETY: as in refill(); the place is written in one go.
                Ok(Some(item)) => drop(unsafe { std::mem::replace(&mut *items.wrapping_add(index), item) }),
                Ok(None) => return Some(Ok(false)),
                Err(raised) => return Some(Err(raised)),
            }
        }
        body.track_again();
        Some(Ok(true))
    }

    /// The empty tuple: one object.
    pub fn empty() -> Value {
        use crate::object::gil::GilCell;
        static EMPTY: GilCell<std::cell::OnceCell<Value>> = GilCell::new(std::cell::OnceCell::new());
        EMPTY.get().get_or_init(|| Tuple::instance_of(&TUPLE, Vec::new())).clone()
    }

    /// An exact tuple of `len` values, moved out of where they are.
    ///
    /// # Safety
    /// `items` points to as many values, which the caller owns and does not drop.
    pub(crate) unsafe fn moved_from(items: *const Value, len: usize) -> Value {
        if len == 0 {
            return Tuple::empty();
        }
        let body = Tuple { header: Header::new(&TUPLE), len };
        // SAFETY: the items are moved behind the body.
        unsafe {
            new_variable(&TUPLE, body, std::mem::size_of::<Tuple>() + 8 * len, |tuple: *mut Tuple| {
                std::ptr::copy_nonoverlapping(items, tuple.add(1) as *mut Value, len);
            })
        }
    }

    /// An instance of tuple or a subclass.
    pub fn instance_of(ty: &TypeObject, mut items: Vec<Value>) -> Value {
        let len = items.len();
        let body = Tuple { header: Header::new(ty), len };
        // SAFETY: the items are moved behind the body; the vector gives up its claim on them.
        unsafe {
            new_variable(ty, body, std::mem::size_of::<Tuple>() + 8 * len, |tuple: *mut Tuple| {
                std::ptr::copy_nonoverlapping(items.as_ptr(), tuple.add(1) as *mut Value, len);
                items.set_len(0);
            })
        }
    }
}

impl Drop for Tuple {
    fn drop(&mut self) {
        let items = (self as *mut Tuple).wrapping_add(1) as *mut Value;
        // As tupledealloc: from the end.
        for index in (0..self.len).rev() {
            // SAFETY: the items are dropped once, with the tuple.
            unsafe { std::ptr::drop_in_place(items.wrapping_add(index)) }
        }
    }
}

#[inline]
fn body(value: &Value) -> PyResult<&Tuple> {
    match value.downcast::<Tuple>() {
        Some(tuple) => Ok(tuple),
        None => Err(system_error(format!("expected tuple, not {}", value.ty().name()))),
    }
}

/// `tuple(iterable)`. As `PySequence_Tuple`.
///
/// # Errors
/// What iterating raises.
pub fn from_iterable(iterable: &Value) -> PyResult<Value> {
    if iterable.is_exact::<Tuple>() {
        return Ok(iterable.clone());
    }
    Ok(Tuple::from_vec(list::collect(iterable)?))
}

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let subclass = class.downcast::<TypeObject>().filter(|ty| !std::ptr::eq(*ty, &TUPLE));
    if subclass.is_none() {
        no_keywords("tuple", kwnames)?;
    }
    let args = positional(args, kwnames);
    check_count("tuple", args.len(), 0, 1)?;
    let tuple = args.first().map_or_else(|| Ok(Tuple::empty()), from_iterable)?;
    match subclass {
        Some(ty) => Ok(Tuple::instance_of(ty, body(&tuple)?.to_vec())),
        None => Ok(tuple),
    }
}

fn repr(this: &Value) -> PyResult<Value> {
    let items = body(this)?.as_slice();
    if items.is_empty() {
        return Ok(Str::new_value("()"));
    }
    let Some(_guard) = repr_guard::enter(this) else { return Ok(Str::new_value("(...)")) };
    let mut builder = StrBuilder::new();
    builder.push_str("(");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            builder.push_str(", ");
        }
        if let Some(text) = text::repr(item)?.downcast::<Str>() {
            builder.push_value(text);
        }
    }
    builder.push_str(if items.len() == 1 { ",)" } else { ")" });
    Ok(builder.finish())
}

fn hash_(value: &Value) -> PyResult<i64> {
    // Tuples in tuples may be nested as deep as memory allows.
    thread::check_native_stack()?;
    hash::combine_tuple(body(value)?.iter().map(hash::hash))
}

fn rich_compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    let (Some(a), Some(b)) = (left.downcast::<Tuple>(), right.downcast::<Tuple>()) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    for (x, y) in a.iter().zip(b.iter()) {
        if !compare::equal(x, y)? {
            return match op {
                Compare::Eq => Ok(Value::FALSE),
                Compare::Ne => Ok(Value::TRUE),
                _ => compare::rich(x, y, op),
            };
        }
    }
    Ok(Value::bool(op.holds(a.len().cmp(&b.len()))))
}

fn item_at(tuple: &Tuple, index: isize) -> PyResult<Value> {
    let item = usize::try_from(index).ok().and_then(|index| tuple.get(index));
    item.cloned().ok_or_else(|| index_error("tuple index out of range"))
}

fn getitem(this: &Value, key: &Value) -> PyResult<Value> {
    let tuple = body(this)?;
    if number::is_index(key) {
        let index = number::index_for_item(key)?;
        return item_at(tuple, if index < 0 { index.saturating_add_unsigned(tuple.len()) } else { index });
    }
    let Some(slice) = key.exact::<Slice>() else {
        return Err(type_error(format!("tuple indices must be integers or slices, not {}", key.ty().name())));
    };
    let unpacked = slice::unpack(slice)?;
    if unpacked.step == 1 {
        return Ok(range_of(this, tuple, unpacked));
    }
    let selected = unpacked.adjust(tuple.len());
    Ok(Tuple::from_vec(selected.indices().filter_map(|index| tuple.get(index).cloned()).collect()))
}

/// The items between two bounds, step 1; the tuple itself when those are all.
pub(crate) fn range_of(this: &Value, tuple: &Tuple, bounds: Unpacked) -> Value {
    let selected = bounds.adjust(tuple.len());
    if selected.count == tuple.len() && this.is_exact::<Tuple>() {
        return this.clone();
    }
    let start = selected.start as usize;
    Tuple::from_slice(tuple.as_slice().get(start..start + selected.count).unwrap_or_default())
}

fn contains(this: &Value, item: &Value) -> PyResult<bool> {
    for candidate in body(this)?.iter() {
        if compare::equal(item, candidate)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn concat(left: &Value, right: &Value) -> PyResult<Value> {
    let a = body(left)?;
    if a.is_empty() && right.is_exact::<Tuple>() {
        return Ok(right.clone());
    }
    let Some(b) = right.downcast::<Tuple>() else {
        return Err(type_error(format!("can only concatenate tuple (not \"{}\") to tuple", right.ty().name())));
    };
    if b.is_empty() && left.is_exact::<Tuple>() {
        return Ok(left.clone());
    }
    Ok(Tuple::from_vec([a.as_slice(), b.as_slice()].concat()))
}

fn repeat(this: &Value, count: &Value) -> PyResult<Value> {
    let tuple = body(this)?;
    let count = repeat_count(count)?;
    if this.is_exact::<Tuple>() && (tuple.is_empty() || count == 1) {
        return Ok(this.clone());
    }
    Ok(Tuple::from_vec(repeated(tuple.as_slice(), count)?))
}

fn new_arguments(this: &Value) -> PyResult<Value> {
    let items = if this.is_exact::<Tuple>() { this.clone() } else { Tuple::from_slice(body(this)?.as_slice()) };
    Ok(Tuple::from_vec(vec![items]))
}

fn index(this: &Tuple, value: &Value, start: Option<&Value>, stop: Option<&Value>) -> PyResult<usize> {
    let start = fit_bound(search_bound(start, 0)?, this.len());
    let stop = fit_bound(search_bound(stop, isize::MAX)?, this.len()).min(this.len());
    for (at, item) in this.iter().enumerate().take(stop).skip(start) {
        if compare::equal(item, value)? {
            return Ok(at);
        }
    }
    Err(value_error("tuple.index(x): x not in tuple"))
}

fn count(this: &Tuple, value: &Value) -> PyResult<usize> {
    let mut found = 0;
    for item in this.iter() {
        found += usize::from(compare::equal(item, value)?);
    }
    Ok(found)
}

/// The pair that an iterator gave last, which it fills anew when nobody else refers to it, as CPython's do.
pub(crate) struct LastPair(ValueCell);

impl LastPair {
    /// Nothing given yet.
    pub(crate) const fn new() -> LastPair {
        LastPair(ValueCell::EMPTY)
    }

    /// A tuple of two.
    pub(crate) fn fill(&self, first: Value, second: Value) -> Value {
        // As CPython: always the first pair, which is held here while it is filled, so that whoever comes meanwhile gets a
        // new one.
        if let Some(pair) = self.0.get() {
            if Tuple::refill_held(&pair, 2, |index| Some(if index == 0 { &first } else { &second })) {
                return pair;
            }
            return Tuple::from_array([first, second]);
        }
        let pair = Tuple::from_array([first, second]);
        self.0.set(Some(pair.clone()));
        pair
    }

    /// Calls `visit` with the pair.
    pub(crate) fn visit(&self, visit: Visit<'_>) {
        self.0.visit(visit);
    }
}

/// The body of a `tuple_iterator`.
#[repr(C)]
pub struct TupleIterator {
    header: Header,
    /// Empty at the end.
    pub tuple: ValueCell,
    /// Position of the next item.
    pub index: Cell<usize>,
}

payload!(TupleIterator, TUPLE_ITERATOR, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.tuple.visit(visit);
    }
});

/// The type object of `tuple_iterator`.
pub static TUPLE_ITERATOR: TypeObject = TypeObject::define::<TupleIterator>("tuple_iterator")
    .quick_next(|this| {
        let body = this.exact::<TupleIterator>()?;
        let index = body.index.get();
        let item = body.tuple.with(|tuple| tuple?.downcast::<Tuple>()?.get(index).cloned())?;
        body.index.set(index + 1);
        Some(item)
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
        method!(set_state, "!__setstate__($self, state, /)", "Set state information for unpickling."),
    ] as &[Method]);

/// An iterator over a tuple.
#[inline]
pub fn new_iterator(tuple: Value) -> Value {
    new_object(TupleIterator {
        header: Header::new(&TUPLE_ITERATOR),
        tuple: ValueCell::new(Some(tuple)),
        index: Cell::new(0),
    })
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let Some(body) = this.exact::<TupleIterator>() else { return Err(type_error("expected a tuple_iterator")) };
    let Some(value) = body.tuple.get() else { return Ok(None) };
    let index = body.index.get();
    match value.downcast::<Tuple>().and_then(|tuple| tuple.get(index)) {
        Some(item) => {
            body.index.set(index + 1);
            Ok(Some(item.clone()))
        }
        None => {
            body.tuple.set(None);
            Ok(None)
        }
    }
}

fn len_of(tuple: &Value) -> usize {
    tuple.downcast::<Tuple>().map_or(0, Tuple::len)
}

fn length_hint(this: &TupleIterator) -> usize {
    this.tuple.get().map_or(0, |tuple| len_of(&tuple).saturating_sub(this.index.get()))
}

fn reduce(this: &TupleIterator) -> PyResult<Value> {
    match this.tuple.get() {
        Some(tuple) => reduced("iter", tuple, this.index.get() as isize),
        None => exhausted(Tuple::empty()),
    }
}

fn set_state(this: &TupleIterator, state: &Value) -> PyResult<()> {
    let index = state_index(state)?;
    if let Some(tuple) = this.tuple.get() {
        this.index.set(usize::try_from(index).unwrap_or(0).min(len_of(&tuple)));
    }
    Ok(())
}
