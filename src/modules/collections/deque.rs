//! The type `collections.deque`.

use super::deque_iterator;
use crate::gc::Visit;
use crate::method;
use crate::modules::arguments::class_or;
use crate::name;
use crate::object::arguments::{fit_bound, repeat_count, search_bound};
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, GetSet, Method, thunk};
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::value_deque::ValueDeque;
use crate::object::value_vec::no_memory;
use crate::object::{TypeFlags, TypeObject, attribute, call, compare, iter, number, repr_guard, text};
use crate::types::exceptions::{index_error, runtime_error, type_error, value_error};
use crate::types::layout;
use crate::types::list::{List, state_index};
use crate::types::str::{Str, StrBuilder};
use crate::types::tuple::Tuple;
use std::cell::Cell;

/// Items in a block of CPython's deque.
const BLOCK: usize = 64;
/// Bytes of a block.
const BLOCK_BYTES: i64 = 528;
/// Where an empty deque of CPython's begins in its block.
const CENTER: usize = 32;

/// The body of a deque.
#[repr(C)]
pub struct Deque {
    header: Header,
    items: ValueDeque,
    /// Changes whenever an item is added, removed or moved.
    state: Cell<u64>,
    /// None: no limit.
    max_length: Cell<Option<usize>>,
    /// Where the first item would lie in a block of CPython's: `__sizeof__` counts those.
    left: Cell<usize>,
}

payload!(Deque, DEQUE, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.items.for_each(visit);
    }
    fn clear_references(&self) {
        self.clear();
    }
});

/// The type object of `deque`.
pub static DEQUE: TypeObject = TypeObject::define::<Deque>("collections.deque")
    .flags(TypeFlags::BASE)
    .with_weakrefs()
    .doc("deque([iterable[, maxlen]]) --> deque object\n\nA list-like sequence optimized for data accesses near its endpoints.")
    .slots(Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        getattr: Some(attribute::generic_get),
        compare: Some(rich_compare),
        iter: Some(|this| Ok(deque_iterator::new::<false>(this))),
        bool: Some(|this| Ok(!body(this)?.items.is_empty())),
        length: Some(|this| Ok(body(this)?.items.len())),
        item: Some(item),
        setitem: Some(setitem),
        contains: Some(contains),
        concat: Some(concat),
        repeat: Some(repeat),
        inplace_concat: Some(inplace_concat),
        inplace_repeat: Some(inplace_repeat),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(&[GetSet {
        name: "maxlen",
        get: |this| Ok(body(this)?.max_length.get().map_or(Value::NONE, |length| Value::int(length as i64))),
        set: None,
        doc: Some("maximum size of a deque or None if unbounded"),
        member: false,
    }]);

const METHODS: &[Method] = &[
    method!(append, "!append($self, object, /)", "Add an element to the right side of the deque."),
    method!(append_left, "!appendleft($self, object, /)", "Add an element to the left side of the deque."),
    method!(clear, "!clear($self, /)", "Remove all elements from the deque."),
    method!(copy, "!__copy__($self, /)", "Return a shallow copy of a deque."),
    method!(copy, "!copy($self, /)", "Return a shallow copy of a deque."),
    method!(count, "!count($self, value, /)", "D.count(value) -> integer -- return number of occurrences of value"),
    method!(
        extend,
        "!extend($self, iterable, /)",
        "Extend the right side of the deque with elements from the iterable"
    ),
    method!(
        extend_left,
        "!extendleft($self, iterable, /)",
        "Extend the left side of the deque with elements from the iterable"
    ),
    method!(
        index,
        "%index($self, value, start=0, stop=0, /)",
        "D.index(value, [start, [stop]]) -> integer -- return first index of value.\nRaises ValueError if the value is not present."
    ),
    method!(insert, "%insert($self, index, object, /)", "D.insert(index, object) -- insert object before index"),
    method!(pop, "!pop($self, /)", "Remove and return the rightmost element."),
    method!(pop_left, "!popleft($self, /)", "Remove and return the leftmost element."),
    method!(reduce, "!__reduce__($self, /)", "Return state information for pickling."),
    method!(remove, "!remove($self, value, /)", "D.remove(value) -- remove first occurrence of value."),
    method!(reversed, "!__reversed__($self, /)", "D.__reversed__() -- return a reverse iterator over the deque"),
    method!(reverse, "!reverse($self, /)", "D.reverse() -- reverse *IN PLACE*"),
    method!(
        rotate,
        "%rotate($self, n=1, /)",
        "Rotate the deque n steps to the right (default n=1).  If n is negative, rotates left."
    ),
    method!(sizeof, "!__sizeof__($self, /)", "D.__sizeof__() -- size of D in memory, in bytes"),
];

impl Deque {
    /// The items.
    pub(super) fn items(&self) -> &ValueDeque {
        &self.items
    }

    /// A number that differs after any item was added, removed or moved.
    pub(super) fn state(&self) -> u64 {
        self.state.get()
    }

    #[inline(always)]
    fn changed(&self) {
        self.state.set(self.state.get().wrapping_add(1));
    }

    /// Goes with `steps` to the right (modulo a block) with the place of the first item.
    #[inline(always)]
    fn shift(&self, steps: usize) {
        self.left.set(self.left.get().wrapping_add(steps) % BLOCK);
    }

    fn append(&self, item: Value, limit: Option<usize>) {
        self.items.push_back(item);
        if limit.is_some_and(|limit| self.items.len() > limit) {
            drop(self.pop_left());
        } else {
            self.changed();
        }
    }

    fn append_left(&self, item: Value) {
        self.items.push_front(item);
        self.shift(BLOCK - 1);
        if self.max_length.get().is_some_and(|limit| self.items.len() > limit) {
            drop(self.pop());
        } else {
            self.changed();
        }
    }

    fn pop(&self) -> Option<Value> {
        let item = self.items.pop_back()?;
        self.changed();
        if self.items.is_empty() && self.left.get() == 0 {
            self.left.set(CENTER);
        }
        Some(item)
    }

    fn pop_left(&self) -> Option<Value> {
        let item = self.items.pop_front()?;
        self.changed();
        self.shift(1);
        if self.items.is_empty() && self.left.get() == 0 {
            self.left.set(CENTER);
        }
        Some(item)
    }

    fn clear(&self) {
        if !self.items.is_empty() {
            let items = self.items.take();
            self.left.set(CENTER);
            self.changed();
            drop(items);
        }
    }

    /// The shortest rotation that does the same; for a deque of two items at least.
    fn shortest(&self, steps: isize) -> isize {
        let len = self.items.len() as isize;
        let half = len >> 1;
        if (-half..=half).contains(&steps) || len == 0 {
            return steps;
        }
        match steps % len {
            rest if rest > half => rest - len,
            rest if rest < -half => rest + len,
            rest => rest,
        }
    }

    /// Notes that CPython has rotated the deque, whether or not the items are moved here.
    fn note_rotation(&self, steps: isize) {
        if self.items.len() > 1 {
            self.changed();
            self.shift(self.shortest(steps).wrapping_neg().rem_euclid(BLOCK as isize) as usize);
        }
    }

    fn rotate(&self, steps: isize) {
        if self.items.len() > 1 {
            self.note_rotation(steps);
            match self.shortest(steps) {
                right @ 0.. => self.items.rotate_right(right as usize),
                left => self.items.rotate_left(left.unsigned_abs()),
            }
        }
    }

    /// Appends the items of an iterable.
    fn extend(&self, this: &Value, iterable: &Value) -> PyResult<()> {
        if this.is(iterable) {
            return self.extend(this, &List::from_vec(self.items.snapshot()));
        }
        let limit = self.max_length.get();
        if limit.is_none()
            && let Some(items) = iterable
                .exact::<List>()
                .map(|list| list.items().snapshot())
                .or_else(|| iterable.exact::<Tuple>().map(Tuple::to_vec))
        {
            self.begin_at(1);
            if !items.is_empty() {
                self.items.extend(items);
                self.changed();
            }
            return Ok(());
        }
        let iterator = iter::iter(iterable)?;
        if limit == Some(0) {
            return consume(&iterator);
        }
        self.begin_at(1);
        while let Some(item) = iter::next(&iterator)? {
            self.append(item, limit);
        }
        Ok(())
    }

    fn extend_left(&self, this: &Value, iterable: &Value) -> PyResult<()> {
        if this.is(iterable) {
            return self.extend_left(this, &List::from_vec(self.items.snapshot()));
        }
        let iterator = iter::iter(iterable)?;
        if self.max_length.get() == Some(0) {
            return consume(&iterator);
        }
        self.begin_at(BLOCK - 1);
        while let Some(item) = iter::next(&iterator)? {
            self.append_left(item);
        }
        Ok(())
    }

    /// An empty deque of CPython's is filled from one end of its block.
    fn begin_at(&self, left: usize) {
        if self.items.is_empty() {
            self.left.set(left);
        }
    }

    /// The index that a subscript stands for.
    fn position(&self, index: isize) -> PyResult<usize> {
        let len = self.items.len();
        let index = if index < 0 { index.saturating_add_unsigned(len) } else { index };
        usize::try_from(index).ok().filter(|&index| index < len).ok_or_else(|| index_error("deque index out of range"))
    }

    /// Repeats the items `count` times in all.
    fn repeat(&self, this: &Value, count: usize) -> PyResult<()> {
        let size = self.items.len();
        if size == 0 || count == 1 {
            return Ok(());
        }
        if count == 0 {
            self.clear();
            return Ok(());
        }
        let limit = self.max_length.get();
        if size == 1 {
            let count = limit.map_or(count, |limit| count.min(limit));
            let Some(item) = self.items.get(0) else { return Ok(()) };
            let more = count.saturating_sub(1);
            self.items.try_reserve(more)?;
            self.changed();
            self.items.extend(vec![item; more]);
            return Ok(());
        }
        let total = size.checked_mul(count).filter(|&total| total <= isize::MAX as usize).ok_or_else(no_memory)?;
        let count = match limit {
            Some(limit) if total > limit => limit.div_ceil(size),
            _ => count,
        };
        self.items.try_reserve(size * (count.saturating_sub(1)))?;
        let items = List::from_vec(self.items.snapshot());
        for _ in 1..count {
            self.extend(this, &items)?;
        }
        Ok(())
    }
}

#[inline]
fn body(value: &Value) -> PyResult<&Deque> {
    value.downcast::<Deque>().ok_or_else(|| type_error("expected a deque"))
}

/// Runs an iterator to its end.
fn consume(iterator: &Value) -> PyResult<()> {
    while iter::next(iterator)?.is_some() {}
    Ok(())
}

fn mutated() -> crate::object::Raised {
    runtime_error("deque mutated during iteration")
}

fn new(class: &Value, _args: &[Value], _kwnames: Option<&Value>) -> PyResult<Value> {
    Ok(empty(class_or(class, &DEQUE), None))
}

fn empty(ty: &TypeObject, max_length: Option<usize>) -> Value {
    new_instance(
        ty,
        Deque {
            header: Header::new(ty),
            items: ValueDeque::new(),
            state: Cell::new(0),
            max_length: Cell::new(max_length),
            left: Cell::new(CENTER),
        },
    )
}

static INIT: Function = Function::new("%deque($self, iterable=None, maxlen=None)", "", thunk(initialize));

fn init(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    match (args, kwnames) {
        ([], None) => initialize(this, None, None),
        ([iterable], None) => initialize(this, Some(iterable), None),
        ([iterable, length], None) => initialize(this, Some(iterable), Some(length)),
        _ => {
            let mut all = vec![this.clone()];
            all.extend_from_slice(args);
            INIT.call(&all, kwnames).map(drop)
        }
    }
}

fn initialize(this: &Value, iterable: Option<&Value>, length: Option<&Value>) -> PyResult<()> {
    let deque = body(this)?;
    let length = match length.filter(|length| !length.is_none()) {
        Some(length) => {
            let length = state_index(length)?;
            Some(usize::try_from(length).map_err(|_| value_error("maxlen must be non-negative"))?)
        }
        None => None,
    };
    deque.max_length.set(length);
    deque.clear();
    iterable.map_or(Ok(()), |iterable| deque.extend(this, iterable))
}

fn append(this: &Deque, object: &Value) {
    this.append(object.clone(), this.max_length.get());
}

fn append_left(this: &Deque, object: &Value) {
    this.append_left(object.clone());
}

fn pop(this: &Deque) -> PyResult<Value> {
    this.pop().ok_or_else(|| index_error("pop from an empty deque"))
}

fn pop_left(this: &Deque) -> PyResult<Value> {
    this.pop_left().ok_or_else(|| index_error("pop from an empty deque"))
}

fn clear(this: &Deque) {
    this.clear();
}

fn extend(this: &Value, iterable: &Value) -> PyResult<()> {
    body(this)?.extend(this, iterable)
}

fn extend_left(this: &Value, iterable: &Value) -> PyResult<()> {
    body(this)?.extend_left(this, iterable)
}

fn copy(this: &Value) -> PyResult<Value> {
    let deque = body(this)?;
    let length = deque.max_length.get();
    if this.is_exact::<Deque>() {
        let copy = empty(&DEQUE, length);
        let target = body(&copy)?;
        if deque.items.len() != 1 {
            target.begin_at(1);
        }
        target.items.extend(deque.items.snapshot());
        return Ok(copy);
    }
    let mut arguments = vec![this.clone()];
    arguments.extend(length.map(|length| Value::int(length as i64)));
    let copy = call::call(&this.ty().value(), &arguments)?;
    if copy.downcast::<Deque>().is_none() {
        return Err(type_error(format!("{}() must return a deque, not {}", this.ty().name(), copy.ty().name())));
    }
    Ok(copy)
}

fn concat(this: &Value, other: &Value) -> PyResult<Value> {
    if other.downcast::<Deque>().is_none() {
        return Err(type_error(format!("can only concatenate deque (not \"{}\") to deque", other.ty().name())));
    }
    let result = copy(this)?;
    body(&result)?.extend(&result, other)?;
    Ok(result)
}

fn inplace_concat(this: &Value, other: &Value) -> PyResult<Value> {
    body(this)?.extend(this, other)?;
    Ok(this.clone())
}

fn repeat(this: &Value, count: &Value) -> PyResult<Value> {
    let count = repeat_count(count)?;
    let result = copy(this)?;
    body(&result)?.repeat(&result, count)?;
    Ok(result)
}

fn inplace_repeat(this: &Value, count: &Value) -> PyResult<Value> {
    body(this)?.repeat(this, repeat_count(count)?)?;
    Ok(this.clone())
}

fn rotate(this: &Deque, steps: Option<isize>) {
    this.rotate(steps.unwrap_or(1));
}

fn reverse(this: &Deque) {
    this.items.reverse();
}

fn reversed(this: &Value) -> Value {
    deque_iterator::new::<true>(this)
}

fn count(this: &Deque, value: &Value) -> PyResult<usize> {
    let state = this.state.get();
    let mut found = 0;
    for index in 0..this.items.len() {
        let Some(item) = this.items.get(index) else { break };
        found += usize::from(compare::equal(&item, value)?);
        if this.state.get() != state {
            return Err(mutated());
        }
    }
    Ok(found)
}

fn contains(this: &Value, value: &Value) -> PyResult<bool> {
    let deque = body(this)?;
    Ok(find(deque, value, 0, deque.items.len())?.is_some())
}

/// Index of the first item in `start..stop` that is equal to `value`.
fn find(deque: &Deque, value: &Value, start: usize, stop: usize) -> PyResult<Option<usize>> {
    let state = deque.state.get();
    for index in start..stop {
        let Some(item) = deque.items.get(index) else { break };
        if compare::equal(&item, value)? {
            return Ok(Some(index));
        }
        if deque.state.get() != state {
            return Err(mutated());
        }
    }
    Ok(None)
}

fn index(this: &Deque, value: &Value, start: Option<&Value>, stop: Option<&Value>) -> PyResult<usize> {
    let start = search_bound(start, 0)?;
    let stop = search_bound(stop, isize::MAX)?;
    let len = this.items.len();
    match find(this, value, fit_bound(start, len), fit_bound(stop, len).min(len))? {
        Some(index) => Ok(index),
        None => Err(value_error(format!("{} is not in deque", text::repr_string(value)?))),
    }
}

fn insert(this: &Deque, index: isize, object: &Value) -> PyResult<()> {
    let len = this.items.len();
    if this.max_length.get() == Some(len) {
        return Err(index_error("deque already at its maximum size"));
    }
    let object = object.clone();
    if index >= len as isize {
        this.append(object, this.max_length.get());
    } else if index <= -(len as isize) || index == 0 {
        this.append_left(object);
    } else {
        this.rotate(-index);
        if index < 0 {
            this.append(object, this.max_length.get());
        } else {
            this.append_left(object);
        }
        this.rotate(index);
    }
    Ok(())
}

/// Takes the item at an index out, which CPython brings to the left end first.
fn take(this: &Deque, index: usize) -> Option<Value> {
    this.rotate(-(index as isize));
    let item = this.pop_left();
    this.rotate(index as isize);
    item
}

fn remove(this: &Deque, value: &Value) -> PyResult<()> {
    let len = this.items.len();
    for index in 0..len {
        let Some(item) = this.items.get(index) else { break };
        let equal = compare::equal(&item, value);
        if this.items.len() != len {
            return Err(index_error("deque mutated during remove()."));
        }
        // CPython looks at the first item and rotates, until the first is the one sought.
        match equal {
            Ok(false) => this.note_rotation(-1),
            Ok(true) => {
                this.items.rotate_left(index);
                let removed = this.pop_left();
                this.rotate(index as isize);
                drop(removed);
                return Ok(());
            }
            Err(raised) => {
                this.note_rotation(index as isize);
                return Err(raised);
            }
        }
    }
    Err(value_error("deque.remove(x): x not in deque"))
}

fn item(this: &Value, index: isize) -> PyResult<Value> {
    let deque = body(this)?;
    let position = deque.position(index)?;
    deque.items.get(position).ok_or_else(|| index_error("deque index out of range"))
}

fn setitem(this: &Value, key: &Value, value: Option<&Value>) -> PyResult<()> {
    if !number::is_index(key) {
        return Err(type_error(format!("sequence index must be integer, not '{}'", key.ty().name())));
    }
    let index = number::index_for_item(key)?;
    let deque = body(this)?;
    let position = deque.position(index)?;
    match value {
        Some(value) => drop(deque.items.set(position, value.clone())),
        None => drop(take(deque, position)),
    }
    Ok(())
}

fn reduce(this: &Value) -> PyResult<Value> {
    let dict = attribute::lookup(this, name!("__dict__"))?.unwrap_or(Value::NONE);
    let iterator = iter::iter(this)?;
    let arguments = match body(this)?.max_length.get() {
        None => Tuple::empty(),
        Some(length) => Tuple::from_vec(vec![Tuple::empty(), Value::int(length as i64)]),
    };
    Ok(Tuple::from_vec(vec![this.ty().value(), arguments, dict, iterator]))
}

fn repr(this: &Value) -> PyResult<Value> {
    let Some(_guard) = repr_guard::enter(this) else { return Ok(Str::new_value("[...]")) };
    let items = List::from_vec(iter::collect(this)?);
    let mut builder = StrBuilder::new();
    builder.push_str(this.ty().short_name());
    builder.push_str("(");
    if let Some(text) = text::repr(&items)?.downcast::<Str>() {
        builder.push_value(text);
    }
    if let Some(length) = body(this)?.max_length.get() {
        builder.push_str(&format!(", maxlen={length}"));
    }
    builder.push_str(")");
    Ok(builder.finish())
}

fn rich_compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    let (Some(a), Some(b)) = (left.downcast::<Deque>(), right.downcast::<Deque>()) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    if matches!(op, Compare::Eq | Compare::Ne) {
        let equal = op == Compare::Eq;
        if left.is(right) {
            return Ok(Value::bool(equal));
        }
        if a.items.len() != b.items.len() {
            return Ok(Value::bool(!equal));
        }
    }
    let (a, b) = (iter::iter(left)?, iter::iter(right)?);
    loop {
        let (x, y) = (iter::next(&a)?, iter::next(&b)?);
        let (Some(x), Some(y)) = (&x, &y) else {
            return Ok(Value::bool(op.holds(x.is_some().cmp(&y.is_some()))));
        };
        if !compare::equal(x, y)? {
            return compare::holds(x, y, op).map(Value::bool);
        }
    }
}

fn sizeof(this: &Value) -> PyResult<i64> {
    let deque = body(this)?;
    let blocks = (deque.left.get() + deque.items.len()).div_ceil(BLOCK);
    Ok(layout::of(this.ty()).basic_size + blocks as i64 * BLOCK_BYTES)
}
