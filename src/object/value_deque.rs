//! A double-ended queue of values that can change while shared.
//!
//! As [`super::value_vec`]: no method runs foreign code or gives out a reference into the storage, and what is removed is
//! returned to the caller, who drops it when the storage is consistent again.

use super::error::PyResult;
use super::value::Value;
use super::value_vec::no_memory;
use std::cell::UnsafeCell;
use std::collections::VecDeque;

/// A growable ring of values.
#[derive(Default)]
pub struct ValueDeque(UnsafeCell<VecDeque<Value>>);

impl ValueDeque {
    /// An empty ring; it allocates nothing.
    pub const fn new() -> ValueDeque {
        ValueDeque(UnsafeCell::new(VecDeque::new()))
    }

    #[inline(always)]
    fn ring(&self) -> &VecDeque<Value> {
        // SAFETY: callers within this file end the borrow before anything else runs.
        unsafe { &*self.0.get() }
    }

    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    fn ring_mut(&self) -> &mut VecDeque<Value> {
        // SAFETY: as for ring; no other borrow is alive within this file's short methods.
        unsafe { &mut *self.0.get() }
    }

    /// Number of values.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.ring().len()
    }

    /// Whether there are none.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.ring().is_empty()
    }

    /// A new reference to the value at `index`.
    #[inline(always)]
    pub fn get(&self, index: usize) -> Option<Value> {
        self.ring().get(index).cloned()
    }

    /// Replaces the value at `index`, returning the old one; gives `value` back as `Err` when the index is past the end.
    #[inline]
    pub fn set(&self, index: usize, value: Value) -> Result<Value, Value> {
        match self.ring_mut().get_mut(index) {
            Some(place) => Ok(std::mem::replace(place, value)),
            None => Err(value),
        }
    }

    /// Appends a value on the right.
    #[inline(always)]
    pub fn push_back(&self, value: Value) {
        self.ring_mut().push_back(value);
    }

    /// Appends a value on the left.
    #[inline(always)]
    pub fn push_front(&self, value: Value) {
        self.ring_mut().push_front(value);
    }

    /// Takes the rightmost value off.
    #[inline(always)]
    pub fn pop_back(&self) -> Option<Value> {
        let ring = self.ring_mut();
        let value = ring.pop_back();
        Self::give_back(ring);
        value
    }

    /// Takes the leftmost value off.
    #[inline(always)]
    pub fn pop_front(&self) -> Option<Value> {
        let ring = self.ring_mut();
        let value = ring.pop_front();
        Self::give_back(ring);
        value
    }

    /// Gives room back that a queue which was long once does not need any more.
    #[inline(always)]
    fn give_back(ring: &mut VecDeque<Value>) {
        if ring.capacity() > 1024 && ring.len() < ring.capacity() / 8 {
            ring.shrink_to(ring.capacity() / 4);
        }
    }

    /// Appends all of `values` on the right.
    pub fn extend(&self, values: Vec<Value>) {
        self.ring_mut().extend(values);
    }

    /// Makes room for `additional` more values.
    ///
    /// # Errors
    /// `MemoryError` when there is no such room.
    pub fn try_reserve(&self, additional: usize) -> PyResult<()> {
        self.ring_mut().try_reserve(additional).map_err(|_| no_memory())
    }

    /// Moves the last `count` values before the first; `count` is at most the length.
    pub fn rotate_right(&self, count: usize) {
        let ring = self.ring_mut();
        ring.rotate_right(count.min(ring.len()));
    }

    /// Moves the first `count` values behind the last; `count` is at most the length.
    pub fn rotate_left(&self, count: usize) {
        let ring = self.ring_mut();
        ring.rotate_left(count.min(ring.len()));
    }

    /// Reverses the order.
    pub fn reverse(&self) {
        self.ring_mut().make_contiguous().reverse();
    }

    /// New references to all values.
    pub fn snapshot(&self) -> Vec<Value> {
        self.ring().iter().cloned().collect()
    }

    /// Takes all values out, leaving the ring empty.
    pub fn take(&self) -> VecDeque<Value> {
        std::mem::take(self.ring_mut())
    }

    /// Calls `visit` for every value; it must not run foreign code.
    pub fn for_each(&self, visit: &mut dyn FnMut(&Value)) {
        self.ring().iter().for_each(visit);
    }
}
