//! Places that hold values and can change while shared: one value, or a growable array.
//!
//! No method runs foreign code or gives out a reference into the storage: what is removed is returned to the caller, who
//! drops it when the storage is consistent again. So Python code that runs in a destructor can do no harm.

use super::error::{PyResult, Raised};
use super::value::Value;
use crate::types::exceptions::{MEMORY_ERROR, instantiate};
use crate::vm::signals;
use std::cell::UnsafeCell;

/// `MemoryError()`, as `PyErr_NoMemory`.
#[cold]
pub fn no_memory() -> Raised {
    Raised::new(instantiate(&MEMORY_ERROR, Vec::new()))
}

/// An empty vector with room for `count` values.
///
/// # Errors
/// `MemoryError` when there is no such room.
pub fn with_room(count: usize) -> PyResult<Vec<Value>> {
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(|_| no_memory())?;
    Ok(values)
}

/// Appends a value.
///
/// # Errors
/// `MemoryError` when there is no room.
#[inline]
pub fn push(values: &mut Vec<Value>, value: Value) -> PyResult<()> {
    if values.len() == values.capacity() {
        values.try_reserve(1).map_err(|_| no_memory())?;
    }
    values.push(value);
    Ok(())
}

/// `values` repeated `count` times.
///
/// # Errors
/// `MemoryError` when there is no room for the result; `SystemExit` when the program has to end meanwhile.
pub fn repeated(values: &[Value], count: usize) -> PyResult<Vec<Value>> {
    let total = values.len().checked_mul(count).ok_or_else(no_memory)?;
    let mut result = with_room(total)?;
    // So many items at a time that a program which has to end does.
    let mut left = count;
    while left > 0 {
        let some = left.min((1 << 20) / values.len().max(1) + 1);
        match values {
            [only] => result.resize(result.len() + some, only.clone()),
            _ => (0..some).for_each(|_| result.extend_from_slice(values)),
        }
        left -= some;
        signals::check_stop()?;
    }
    Ok(result)
}

/// A place for one value, or none.
pub struct ValueCell(UnsafeCell<Option<Value>>);

impl ValueCell {
    /// Empty.
    #[allow(clippy::declare_interior_mutable_const, reason = "an initial value, copied at each use")]
    pub const EMPTY: ValueCell = ValueCell(UnsafeCell::new(None));

    /// A filled place.
    pub const fn new(value: Option<Value>) -> ValueCell {
        ValueCell(UnsafeCell::new(value))
    }

    /// A new reference to what is there.
    #[inline(always)]
    pub fn get(&self) -> Option<Value> {
        // SAFETY: cloning runs no foreign code, so nothing changes the place meanwhile.
        unsafe { (*self.0.get()).clone() }
    }

    /// Calls `visit` with what is there; it must not run foreign code.
    #[inline]
    pub fn visit(&self, visit: &mut dyn FnMut(&Value)) {
        // SAFETY: as for get.
        unsafe { (*self.0.get()).as_ref() }.map(visit);
    }

    /// Calls `look` with what is there; it must not run foreign code nor change the place.
    #[inline(always)]
    pub fn with<R>(&self, look: impl FnOnce(Option<&Value>) -> R) -> R {
        // SAFETY: as for get.
        look(unsafe { (*self.0.get()).as_ref() })
    }

    /// Whether the place is filled.
    #[inline(always)]
    pub fn is_some(&self) -> bool {
        // SAFETY: as for get.
        unsafe { (*self.0.get()).is_some() }
    }

    /// The word in the place, for identity tests; 0 when empty.
    #[inline(always)]
    pub fn peek_bits(&self) -> u64 {
        // SAFETY: as for get.
        unsafe { (*self.0.get()).as_ref().map_or(0, Value::bits) }
    }

    /// Fills or empties the place, returning what was there.
    #[inline(always)]
    pub fn replace(&self, value: Option<Value>) -> Option<Value> {
        // SAFETY: a move in and out; nothing is dropped here.
        unsafe { std::mem::replace(&mut *self.0.get(), value) }
    }

    /// Fills the place; the old value dies after.
    #[inline]
    pub fn set(&self, value: Option<Value>) {
        drop(self.replace(value));
    }

    /// Empties the place.
    #[inline]
    pub fn take(&self) -> Option<Value> {
        self.replace(None)
    }
}

/// A growable array of values.
#[derive(Default)]
pub struct ValueVec(UnsafeCell<Vec<Value>>);

impl ValueVec {
    /// An array holding `values`.
    pub const fn new(values: Vec<Value>) -> ValueVec {
        ValueVec(UnsafeCell::new(values))
    }

    #[inline(always)]
    fn vec(&self) -> &Vec<Value> {
        // SAFETY: callers within this file end the borrow before anything else runs.
        unsafe { &*self.0.get() }
    }

    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    fn vec_mut(&self) -> &mut Vec<Value> {
        // SAFETY: as for vec; no other borrow is alive within this file's short methods.
        unsafe { &mut *self.0.get() }
    }

    /// Number of values.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.vec().len()
    }

    /// Whether there are none.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of values there is room for.
    pub fn capacity(&self) -> usize {
        self.vec().capacity()
    }

    /// A new reference to the value at `index`.
    #[inline(always)]
    pub fn get(&self, index: usize) -> Option<Value> {
        self.vec().get(index).cloned()
    }

    /// The word at `index`, for identity tests.
    #[inline(always)]
    pub fn peek_bits(&self, index: usize) -> Option<u64> {
        self.vec().get(index).map(Value::bits)
    }

    /// Replaces the value at `index`; gives `value` back as `Err` when the index is past the end.
    #[inline(always)]
    pub fn set(&self, index: usize, value: Value) -> Result<Value, Value> {
        match self.vec_mut().get_mut(index) {
            Some(place) => Ok(std::mem::replace(place, value)),
            None => Err(value),
        }
    }

    /// Appends a value.
    #[inline(always)]
    pub fn push(&self, value: Value) {
        self.vec_mut().push(value);
    }

    /// Takes the last value off.
    #[inline]
    pub fn pop(&self) -> Option<Value> {
        self.vec_mut().pop()
    }

    /// Inserts before `index`, or at the end when the index is past it.
    pub fn insert(&self, index: usize, value: Value) {
        let vec = self.vec_mut();
        let index = index.min(vec.len());
        vec.insert(index, value);
    }

    /// Removes and returns the value at `index`.
    pub fn remove(&self, index: usize) -> Option<Value> {
        let vec = self.vec_mut();
        if index < vec.len() { Some(vec.remove(index)) } else { None }
    }

    /// Appends all of `values`.
    pub fn extend(&self, mut values: Vec<Value>) {
        let vec = self.vec_mut();
        if vec.capacity() == 0 {
            *vec = values;
        } else {
            vec.append(&mut values);
        }
    }

    /// Replaces the values in `start..end` (clamped) by `values`, returning what was there.
    pub fn splice(&self, start: usize, end: usize, mut values: Vec<Value>) -> Vec<Value> {
        let vec = self.vec_mut();
        let start = start.min(vec.len());
        let end = end.clamp(start, vec.len());
        if let Some(places) = vec.get_mut(start..end)
            && places.len() == values.len()
        {
            places.swap_with_slice(&mut values);
            return values;
        }
        vec.splice(start..end, values).collect()
    }

    /// New references to all values.
    pub fn snapshot(&self) -> Vec<Value> {
        self.vec().clone()
    }

    /// New references to the values in `start..end` (clamped).
    pub fn snapshot_range(&self, start: usize, end: usize) -> Vec<Value> {
        let vec = self.vec();
        let start = start.min(vec.len());
        let end = end.clamp(start, vec.len());
        vec.get(start..end).unwrap_or_default().to_vec()
    }

    /// Takes all values out, leaving the array empty.
    pub fn take(&self) -> Vec<Value> {
        std::mem::take(self.vec_mut())
    }

    /// Replaces all values, returning the old ones.
    pub fn replace(&self, values: Vec<Value>) -> Vec<Value> {
        std::mem::replace(self.vec_mut(), values)
    }

    /// Exchanges two values; nothing happens when an index is past the end.
    #[inline]
    pub fn swap(&self, a: usize, b: usize) {
        let vec = self.vec_mut();
        if a < vec.len() && b < vec.len() {
            vec.swap(a, b);
        }
    }

    /// Reverses the order.
    pub fn reverse(&self) {
        self.vec_mut().reverse();
    }

    /// Makes room for `additional` more values.
    pub fn reserve(&self, additional: usize) {
        self.vec_mut().reserve(additional);
    }

    /// Makes room for `additional` more values.
    ///
    /// # Errors
    /// `MemoryError` when there is no such room.
    pub fn try_reserve(&self, additional: usize) -> PyResult<()> {
        self.vec_mut().try_reserve(additional).map_err(|_| no_memory())
    }

    /// Gives room that is more than twice what is needed back.
    pub fn give_back(&self) {
        let vec = self.vec_mut();
        if vec.capacity() / 2 > vec.len() {
            vec.shrink_to_fit();
        }
    }

    /// Removes `count` values, the first at `start` and each `step` behind the last, and returns them.
    pub fn remove_stepped(&self, start: usize, step: usize, count: usize) -> Vec<Value> {
        let vec = self.vec_mut();
        let mut removed = Vec::with_capacity(count.min(vec.len()));
        let mut index = 0;
        let mut next = start;
        vec.retain(|value| {
            let goes = index == next && removed.len() < count;
            if goes {
                removed.push(value.clone());
                next = next.saturating_add(step);
            }
            index += 1;
            !goes
        });
        removed
    }

    /// Calls `visit` for every value; it must not run foreign code.
    pub fn for_each(&self, visit: &mut dyn FnMut(&Value)) {
        self.vec().iter().for_each(visit);
    }

    /// Calls `visit` for every value, the last first; it must not run foreign code.
    pub fn for_each_back(&self, visit: &mut dyn FnMut(&Value)) {
        self.vec().iter().rev().for_each(visit);
    }

    /// Address of the first value and the number of values, for the loop's handlers.
    ///
    /// The pointer is good until the array changes.
    #[inline(always)]
    pub(crate) fn raw_parts(&self) -> (*mut Value, usize) {
        let vec = self.vec_mut();
        (vec.as_mut_ptr(), vec.len())
    }
}
