//! The hash table behind `dict`: compact, insertion-ordered, probed exactly as CPython 3.8 probes.
//!
//! An index table points into an array of entries; a deleted entry leaves a hole that the next resize closes. Comparing
//! keys may run Python code, which may change the table: a probe copies the key out, compares, and starts again when the
//! table's stamp has moved.

use super::compare;
use super::error::PyResult;
use super::gil::GilCell;
use super::value::Value;
use super::value_vec::no_memory;
use crate::gc;
use crate::types::str::Str;
use std::cell::{Cell, UnsafeCell};

/// Counts changes that can move or remove an entry of a watched table; global-variable caches compare it.
static WATCH_EPOCH: GilCell<Cell<u64>> = GilCell::new(Cell::new(1));

/// The present epoch of watched tables.
#[inline(always)]
pub(crate) fn watch_epoch() -> u64 {
    WATCH_EPOCH.get().get()
}

struct Entry {
    hash: i64,
    /// None: a hole.
    key: Option<Value>,
    value: Option<Value>,
}

#[derive(Clone)]
enum Indices {
    None,
    Byte(Box<[u8]>),
    Short(Box<[u16]>),
    Word(Box<[u32]>),
}

const EMPTY: u32 = u32::MAX;
const DUMMY: u32 = u32::MAX - 1;
const MIN_SIZE: usize = 8;
/// The largest index table that is made before there are items for it.
const MAX_PRESIZE: usize = 128 * 1024;

impl Indices {
    /// `None` when there is no room for one.
    fn with_size(size: usize) -> Option<Indices> {
        fn filled<T: Copy>(empty: T, size: usize) -> Option<Box<[T]>> {
            let mut table = Vec::new();
            table.try_reserve_exact(size).ok()?;
            table.resize(size, empty);
            Some(table.into())
        }
        Some(if size <= 0x80 {
            Indices::Byte(filled(u8::MAX, size)?)
        } else if size <= 0x8000 {
            Indices::Short(filled(u16::MAX, size)?)
        } else {
            Indices::Word(filled(u32::MAX, size)?)
        })
    }

    #[inline(always)]
    fn size(&self) -> usize {
        match self {
            Indices::None => 0,
            Indices::Byte(table) => table.len(),
            Indices::Short(table) => table.len(),
            Indices::Word(table) => table.len(),
        }
    }

    #[inline(always)]
    fn get(&self, slot: usize) -> u32 {
        match self {
            Indices::None => EMPTY,
            Indices::Byte(table) => match table[slot] {
                u8::MAX => EMPTY,
                254 => DUMMY,
                index => index.into(),
            },
            Indices::Short(table) => match table[slot] {
                u16::MAX => EMPTY,
                65534 => DUMMY,
                index => index.into(),
            },
            Indices::Word(table) => table[slot],
        }
    }

    #[inline(always)]
    fn set(&mut self, slot: usize, index: u32) {
        match self {
            Indices::None => {}
            Indices::Byte(table) => table[slot] = index as u8,
            Indices::Short(table) => table[slot] = index as u16,
            Indices::Word(table) => table[slot] = index,
        }
    }
}

/// Size of an index table for `count` items, before it is rounded up to a power of two.
fn estimated_size(count: usize) -> usize {
    (count * 3).div_ceil(2)
}

/// Number of entries that an index table of `size` slots serves before it grows.
fn usable(size: usize) -> usize {
    (size << 1) / 3
}

struct Inner {
    indices: Indices,
    entries: Vec<Entry>,
    /// Entries that are not holes.
    used: usize,
    /// Entries that may be added before the index table has to be rebuilt (CPython's `dk_usable`). Taking the last entry
    /// off gives no room back: its place in the index table stays marked.
    room: usize,
    /// Changes whenever the index table is replaced.
    generation: u32,
}

impl Inner {
    const fn new() -> Inner {
        Inner { indices: Indices::None, entries: Vec::new(), used: 0, room: 0, generation: 0 }
    }
}

/// An insertion-ordered hash table from values to values.
pub struct DictTable {
    inner: UnsafeCell<Inner>,
    /// Changes whenever an entry is added, removed or moved.
    stamp: Cell<u64>,
    /// Every key so far was exactly a str: comparing runs no Python code.
    str_keys: Cell<bool>,
    /// Some cache holds the address of a value in this table.
    watched: Cell<bool>,
    /// A key or value was put in that the collector may have to look at, since the last look at all of them.
    tracked: Cell<bool>,
}

impl Default for DictTable {
    fn default() -> DictTable {
        DictTable::new()
    }
}

impl DictTable {
    /// An empty table; it allocates nothing.
    pub const fn new() -> DictTable {
        DictTable {
            inner: UnsafeCell::new(Inner::new()),
            stamp: Cell::new(0),
            str_keys: Cell::new(true),
            watched: Cell::new(false),
            tracked: Cell::new(false),
        }
    }

    /// An empty table with an index table of the least size, as `dict()` makes it.
    pub fn allocated() -> DictTable {
        let table = DictTable::new();
        // One of this size is made in small blocks, whose lack ends the process anyway.
        let _made = Self::resize(table.inner_mut(), MIN_SIZE);
        table
    }

    /// An empty table with room for `count` items, as a dict display makes it (`_PyDict_NewPresized`).
    pub fn with_room(count: usize) -> DictTable {
        let table = DictTable::new();
        if count > usable(MIN_SIZE) {
            let wanted = if count > usable(MAX_PRESIZE) { MAX_PRESIZE } else { estimated_size(count) };
            // Else it grows as it is filled.
            let _made = Self::resize(table.inner_mut(), wanted.max(2 * MIN_SIZE));
        }
        table
    }

    /// Grows once for `count` more items, as merging does.
    ///
    /// # Errors
    /// `MemoryError` when there is no such room.
    pub fn reserve_for_merge(&self, count: usize) -> PyResult<()> {
        if usable(self.table_size()) < count {
            self.changed();
            let inner = self.inner_mut();
            Self::resize(inner, estimated_size(inner.used + count))?;
        }
        Ok(())
    }

    /// As [`DictTable::reserve_for_merge`] for a new dict that gets `count` keys (`dict.fromkeys`).
    ///
    /// # Errors
    /// `MemoryError` when there is no such room.
    pub fn reserve_for_keys(&self, count: usize) -> PyResult<()> {
        self.changed();
        Self::resize(self.inner_mut(), estimated_size(count))
    }

    /// Sees to it that one more item can be added.
    ///
    /// # Errors
    /// `MemoryError` when there is no room.
    pub fn reserve_one(&self) -> PyResult<()> {
        let inner = self.inner_mut();
        if inner.room == 0 {
            self.changed();
            // As insertion_resize: GROWTH_RATE is three times what is used.
            Self::resize(inner, inner.used * 3)?;
        }
        Ok(())
    }

    /// Bytes that CPython needs for the table; 0 for one that was never allocated.
    pub fn table_bytes(&self) -> usize {
        let size = self.table_size();
        if size == 0 {
            return 0;
        }
        let index = if size <= 0xff {
            1
        } else if size <= 0xffff {
            2
        } else {
            4
        };
        40 + index * size + 24 * usable(size)
    }

    #[inline(always)]
    fn inner(&self) -> &Inner {
        // SAFETY: every borrow in this file ends before foreign code can run.
        unsafe { &*self.inner.get() }
    }

    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    fn inner_mut(&self) -> &mut Inner {
        // SAFETY: as for inner, and no other borrow is alive where this is called.
        unsafe { &mut *self.inner.get() }
    }

    #[inline]
    fn changed(&self) {
        self.stamp.set(self.stamp.get().wrapping_add(1));
        if self.watched.get() {
            self.watched.set(false);
            WATCH_EPOCH.get().set(WATCH_EPOCH.get().get() + 1);
        }
    }

    /// As MAINTAIN_TRACKING.
    #[inline]
    fn note_tracked(&self, value: &Value) {
        if !self.tracked.get() && gc::may_be_tracked(value) {
            self.tracked.set(true);
        }
    }

    /// Whether CPython's collector would look at the dict: it has held something that may be part of a cycle.
    pub fn is_tracked(&self) -> bool {
        self.tracked.get()
    }

    /// Looks whether anything in the table may be part of a cycle still. As `_PyDict_MaybeUntrack`.
    pub(crate) fn untrack_if_atomic(&self) {
        if self.tracked.get() {
            let mut tracked = false;
            self.for_each(&mut |value| tracked |= gc::may_be_tracked(value));
            self.tracked.set(tracked);
        }
    }

    /// Number of items.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.inner().used
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A number that differs after any insertion or removal.
    pub fn stamp(&self) -> u64 {
        self.stamp.get()
    }

    /// Slots in the index table, for `sys.getsizeof`.
    pub fn table_size(&self) -> usize {
        self.inner().indices.size()
    }

    /// Whether all keys are exact strs.
    pub fn has_only_str_keys(&self) -> bool {
        self.str_keys.get()
    }

    /// Position of an exact str key in a table of exact str keys.
    #[inline]
    fn find_str(&self, key: &Value, text: &Str) -> Option<usize> {
        let inner = self.inner();
        let size = inner.indices.size();
        if size == 0 {
            return None;
        }
        let mask = size - 1;
        let hash = text.hash();
        let mut perturb = hash as u64;
        let mut slot = hash as usize & mask;
        loop {
            match inner.indices.get(slot) {
                EMPTY => return None,
                DUMMY => {}
                index => {
                    let entry = &inner.entries[index as usize];
                    if let Some(known) = &entry.key
                        && (known.is(key)
                            || (entry.hash == hash && known.exact::<Str>().is_some_and(|known| known.equals(text))))
                    {
                        return Some(index as usize);
                    }
                }
            }
            perturb >>= 5;
            slot = (slot.wrapping_mul(5).wrapping_add(perturb as usize).wrapping_add(1)) & mask;
        }
    }

    /// Position of `key`, whose hash is `hash`.
    ///
    /// # Errors
    /// What comparing keys raises.
    pub fn find(&self, key: &Value, hash: i64) -> PyResult<Option<usize>> {
        if self.str_keys.get()
            && let Some(text) = key.exact::<Str>()
        {
            return Ok(self.find_str(key, text));
        }
        'restart: loop {
            let size = self.inner().indices.size();
            if size == 0 {
                return Ok(None);
            }
            let mask = size - 1;
            let generation = self.inner().generation;
            let mut perturb = hash as u64;
            let mut slot = hash as usize & mask;
            loop {
                match self.inner().indices.get(slot) {
                    EMPTY => return Ok(None),
                    DUMMY => {}
                    index => {
                        let entry = &self.inner().entries[index as usize];
                        if let Some(known) = &entry.key {
                            if known.is(key) {
                                return Ok(Some(index as usize));
                            }
                            if entry.hash == hash {
                                let known = known.clone();
                                let equal = compare::equal(&known, key)?;
                                // As lookdict: from the start when the table was replaced or this entry changed.
                                let inner = self.inner();
                                let same = inner.generation == generation
                                    && inner
                                        .entries
                                        .get(index as usize)
                                        .is_some_and(|entry| entry.key.as_ref().is_some_and(|key| key.is(&known)));
                                if !same {
                                    continue 'restart;
                                }
                                if equal {
                                    return Ok(Some(index as usize));
                                }
                            }
                        }
                    }
                }
                perturb >>= 5;
                slot = (slot.wrapping_mul(5).wrapping_add(perturb as usize).wrapping_add(1)) & mask;
            }
        }
    }

    /// The value of an exact str key.
    #[inline]
    pub fn get_str(&self, key: &Value, text: &Str) -> Option<Value> {
        if self.str_keys.get() {
            let index = self.find_str(key, text)?;
            return self.inner().entries[index].value.clone();
        }
        self.get(key, text.hash()).ok().flatten()
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// What comparing keys raises.
    pub fn get(&self, key: &Value, hash: i64) -> PyResult<Option<Value>> {
        let Some(index) = self.find(key, hash)? else { return Ok(None) };
        Ok(self.inner().entries.get(index).and_then(|entry| entry.value.clone()))
    }

    /// Sets the value of `key`, returning the old one.
    ///
    /// # Errors
    /// What comparing keys raises, `MemoryError` when there is no room; the table is unchanged then.
    pub fn insert(&self, key: &Value, hash: i64, value: Value) -> PyResult<Option<Value>> {
        if let Some(index) = self.find(key, hash)? {
            self.note_tracked(&value);
            return Ok(self.inner_mut().entries[index].value.replace(value));
        }
        self.insert_new(key, hash, value)?;
        Ok(None)
    }

    /// Adds a key that is known to be missing.
    ///
    /// # Errors
    /// `MemoryError` when there is no room; the table is unchanged then.
    pub fn insert_new(&self, key: &Value, hash: i64, value: Value) -> PyResult<()> {
        if self.inner().room == 0 {
            self.reserve_one()?;
        }
        if !key.is_exact::<Str>() {
            self.str_keys.set(false);
            self.note_tracked(key);
        }
        self.note_tracked(&value);
        self.changed();
        let inner = self.inner_mut();
        let index = inner.entries.len() as u32;
        let slot = Self::free_slot(&inner.indices, hash);
        inner.indices.set(slot, index);
        inner.entries.push(Entry { hash, key: Some(key.clone()), value: Some(value) });
        inner.used += 1;
        inner.room -= 1;
        Ok(())
    }

    fn free_slot(indices: &Indices, hash: i64) -> usize {
        let mask = indices.size() - 1;
        let mut perturb = hash as u64;
        let mut slot = hash as usize & mask;
        while indices.get(slot) < DUMMY {
            perturb >>= 5;
            slot = (slot.wrapping_mul(5).wrapping_add(perturb as usize).wrapping_add(1)) & mask;
        }
        slot
    }

    /// Rebuilds with an index table for more than `minimum` slots, closing the holes; unchanged when there is no room.
    fn resize(inner: &mut Inner, minimum: usize) -> PyResult<()> {
        let mut size = MIN_SIZE;
        while size < minimum {
            size <<= 1;
        }
        let indices = Indices::with_size(size).ok_or_else(no_memory)?;
        let more = usable(size).saturating_sub(inner.entries.len());
        inner.entries.try_reserve_exact(more).map_err(|_| no_memory())?;
        inner.entries.retain(|entry| entry.key.is_some());
        inner.indices = indices;
        inner.generation = inner.generation.wrapping_add(1);
        inner.room = usable(size).saturating_sub(inner.entries.len());
        for (index, entry) in inner.entries.iter().enumerate() {
            let slot = Self::free_slot(&inner.indices, entry.hash);
            inner.indices.set(slot, index as u32);
        }
        Ok(())
    }

    /// Removes `key`, returning the key and value that were stored.
    ///
    /// # Errors
    /// What comparing keys raises.
    pub fn remove(&self, key: &Value, hash: i64) -> PyResult<Option<(Value, Value)>> {
        match self.find(key, hash)? {
            Some(index) => Ok(self.remove_at(index)),
            None => Ok(None),
        }
    }

    /// Removes the entry at a position.
    pub fn remove_at(&self, index: usize) -> Option<(Value, Value)> {
        let inner = self.inner_mut();
        let entry = inner.entries.get_mut(index)?;
        let hash = entry.hash;
        let key = entry.key.take()?;
        let value = entry.value.take();
        self.changed();
        let inner = self.inner_mut();
        let mask = inner.indices.size() - 1;
        let mut perturb = hash as u64;
        let mut slot = hash as usize & mask;
        while inner.indices.get(slot) != index as u32 {
            perturb >>= 5;
            slot = (slot.wrapping_mul(5).wrapping_add(perturb as usize).wrapping_add(1)) & mask;
        }
        inner.indices.set(slot, DUMMY);
        inner.used -= 1;
        Some((key, value?))
    }

    /// Removes the item inserted last.
    pub fn pop_last(&self) -> Option<(Value, Value)> {
        let index = self.inner().entries.iter().rposition(|entry| entry.key.is_some())?;
        let item = self.remove_at(index);
        self.inner_mut().entries.truncate(index);
        item
    }

    /// The key, value and hash stored at a position.
    pub fn entry_at(&self, index: usize) -> Option<(Value, Value, i64)> {
        let entry = self.inner().entries.get(index)?;
        Some((entry.key.clone()?, entry.value.clone()?, entry.hash))
    }

    /// Calls `visit` for every value and key but exact strs, which are in no cycle; it must not run foreign code. As
    /// `dict_traverse`.
    pub fn for_each(&self, visit: &mut dyn FnMut(&Value)) {
        let all_strs = self.str_keys.get();
        for entry in &self.inner().entries {
            entry.value.iter().for_each(&mut *visit);
            if !all_strs {
                entry.key.iter().for_each(&mut *visit);
            }
        }
    }

    /// Removes everything; what was there is returned to be dropped by the caller.
    pub fn clear(&self) -> Removed {
        self.changed();
        self.str_keys.set(true);
        let inner = self.inner_mut();
        inner.indices = Indices::None;
        inner.used = 0;
        inner.room = 0;
        inner.generation = inner.generation.wrapping_add(1);
        Removed { _entries: std::mem::take(&mut inner.entries) }
    }

    /// The item at or after position `from`: its position, key and value.
    #[inline]
    pub fn next_item(&self, from: usize) -> Option<(usize, Value, Value)> {
        let entries = &self.inner().entries;
        let mut index = from;
        while let Some(entry) = entries.get(index) {
            if let (Some(key), Some(value)) = (&entry.key, &entry.value) {
                return Some((index, key.clone(), value.clone()));
            }
            index += 1;
        }
        None
    }

    /// The item at or before position `from`, as [`DictTable::next_item`].
    pub fn previous_item(&self, from: usize) -> Option<(usize, Value, Value)> {
        let entries = &self.inner().entries;
        let end = from.checked_add(1)?.min(entries.len());
        entries[..end].iter().enumerate().rev().find_map(|(index, entry)| match (&entry.key, &entry.value) {
            (Some(key), Some(value)) => Some((index, key.clone(), value.clone())),
            _ => None,
        })
    }

    /// Positions in use, holes included: the end for [`DictTable::previous_item`].
    pub fn positions(&self) -> usize {
        self.inner().entries.len()
    }

    /// The hash stored at a position.
    pub fn hash_at(&self, index: usize) -> Option<i64> {
        self.inner().entries.get(index).filter(|entry| entry.key.is_some()).map(|entry| entry.hash)
    }

    /// A copy with the same items in the same order. As `PyDict_Copy`: with the same holes, unless they are many.
    ///
    /// # Errors
    /// `MemoryError` when there is no room.
    pub fn copy(&self) -> PyResult<DictTable> {
        let inner = self.inner();
        let copy = DictTable::new();
        copy.str_keys.set(self.str_keys.get());
        copy.tracked.set(self.tracked.get());
        if inner.used == 0 {
            return Ok(copy);
        }
        let duplicate = |entry: &Entry| Entry { hash: entry.hash, key: entry.key.clone(), value: entry.value.clone() };
        let target = copy.inner_mut();
        if inner.used >= inner.entries.len() * 2 / 3 {
            let room = usable(inner.indices.size()).max(inner.entries.len());
            target.indices = Indices::with_size(inner.indices.size()).ok_or_else(no_memory)?;
            target.entries.try_reserve_exact(room).map_err(|_| no_memory())?;
            target.entries.extend(inner.entries.iter().map(duplicate));
            target.indices.clone_from(&inner.indices);
            target.room = inner.room;
        } else {
            let wanted = if inner.used > usable(MIN_SIZE) { estimated_size(inner.used) } else { MIN_SIZE };
            target.entries.try_reserve_exact(inner.used).map_err(|_| no_memory())?;
            target.entries.extend(inner.entries.iter().filter(|entry| entry.key.is_some()).map(duplicate));
            Self::resize(target, wanted)?;
        }
        target.used = inner.used;
        Ok(copy)
    }

    /// Makes insertions and removals end the present epoch; false when keys are not all exact strs.
    pub(crate) fn watch(&self) -> bool {
        self.watched.set(true);
        self.str_keys.get()
    }

    /// The address of the value of an exact str key, good while [`watch_epoch`] stands still.
    pub(crate) fn watch_str(&self, key: &Value, text: &Str) -> Option<*const Value> {
        if !self.str_keys.get() {
            return None;
        }
        let index = self.find_str(key, text)?;
        self.watched.set(true);
        let entry = &self.inner().entries[index];
        entry.value.as_ref().map(|value| value as *const Value)
    }
}

impl Drop for DictTable {
    fn drop(&mut self) {
        self.changed();
    }
}

/// What [`DictTable::clear`] took out; dropping it drops the items.
pub struct Removed {
    _entries: Vec<Entry>,
}
