//! The hash table behind `set` and `frozenset`, probed and resized exactly as CPython 3.8 does, so that iteration order is
//! the same.
//!
//! No method gives out a reference into the table. Comparing keys may run Python code, which may change the table: a
//! probe copies the key out, compares, and starts again when the table was replaced or the entry changed.

use crate::object::compare;
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::object::value_vec::no_memory;
use crate::types::str::Str;
use std::cell::{Cell, UnsafeCell};

const MIN_SIZE: usize = 8;
/// Neighbours looked at before the probe jumps.
const LINEAR_PROBES: usize = 9;
const PERTURB_SHIFT: u32 = 5;
/// The hash of a place whose key was removed; no key has it.
const DUMMY: i64 = -1;

struct Entry {
    hash: i64,
    /// Also empty where a key was removed.
    key: Option<Value>,
}

impl Entry {
    const EMPTY: Entry = Entry { hash: 0, key: None };
}

struct Inner {
    /// A power of two of places, or none at all, which stands for [`MIN_SIZE`] unused ones.
    places: Box<[Entry]>,
    /// The places that are used, a bit each, while there are no more than 64.
    occupied: u64,
    /// Places that are or were used.
    fill: usize,
    /// Places that are used.
    used: usize,
    /// Where `pop` goes on searching.
    finger: usize,
    /// Changes whenever the places are replaced by others at another address (in CPython: the small table within the
    /// object stays where it is).
    generation: u32,
}

impl Inner {
    fn size(&self) -> usize {
        self.places.len().max(MIN_SIZE)
    }

    fn mask(&self) -> usize {
        self.size() - 1
    }

    /// Fills a place.
    #[inline(always)]
    fn put(&mut self, at: usize, hash: i64, key: Value) {
        self.occupied |= 1u64.wrapping_shl(at as u32);
        self.places[at] = Entry { hash, key: Some(key) };
    }

    /// Empties a place, leaving the mark of a removed key.
    #[inline(always)]
    fn take(&mut self, at: usize) -> Option<Value> {
        self.occupied &= !1u64.wrapping_shl(at as u32);
        std::mem::replace(&mut self.places[at], Entry { hash: DUMMY, key: None }).key
    }

    /// The first used place at or behind `from`.
    #[inline(always)]
    fn next_used(&self, from: usize) -> Option<(usize, &Entry)> {
        if self.places.len() <= 64 {
            let rest = self.occupied.checked_shr(from as u32)?;
            if rest == 0 {
                return None;
            }
            let at = from + rest.trailing_zeros() as usize;
            return self.places.get(at).map(|entry| (at, entry));
        }
        let (offset, entry) = self.places.get(from..)?.iter().enumerate().find(|(_, entry)| entry.key.is_some())?;
        Some((from + offset, entry))
    }

    /// The used places from `from` on: position, key and hash.
    #[inline(always)]
    fn keys_from(&self, mut from: usize) -> impl Iterator<Item = (usize, &Value, i64)> {
        std::iter::from_fn(move || {
            let (at, entry) = self.next_used(from)?;
            from = at + 1;
            entry.key.as_ref().map(|key| (at, key, entry.hash))
        })
    }

    /// Puts a key that is known to be missing into a table without removed keys.
    fn insert_clean(&mut self, key: Value, hash: i64) {
        let mask = self.mask();
        let mut perturb = hash as u64;
        let mut start = hash as usize & mask;
        loop {
            let end = if start + LINEAR_PROBES <= mask { start + LINEAR_PROBES } else { start };
            if let Some(offset) = self.places[start..=end].iter().position(|place| place.key.is_none()) {
                self.put(start + offset, hash, key);
                return;
            }
            perturb >>= PERTURB_SHIFT;
            start = start.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & mask;
        }
    }

    /// Rebuilds with the least number of places above `minimum`; unchanged when there is no room.
    fn resize(&mut self, minimum: usize) -> PyResult<()> {
        let mut size = MIN_SIZE;
        while size <= minimum {
            size <<= 1;
        }
        let stays_small = size == MIN_SIZE && self.size() == MIN_SIZE;
        if stays_small && self.fill == self.used {
            return Ok(());
        }
        let places = empty_places(size)?;
        if !stays_small {
            self.generation = self.generation.wrapping_add(1);
        }
        let old = std::mem::replace(&mut self.places, places);
        self.fill = self.used;
        self.occupied = 0;
        for entry in old {
            if let Some(key) = entry.key {
                self.insert_clean(key, entry.hash);
            }
        }
        Ok(())
    }

    /// Grows when the table is three fifths full.
    fn resize_if_full(&mut self) -> PyResult<()> {
        if self.fill * 5 >= self.mask() * 3 {
            self.resize(if self.used > 50_000 { self.used * 2 } else { self.used * 4 })?;
        }
        Ok(())
    }
}

fn empty_places(size: usize) -> PyResult<Box<[Entry]>> {
    let mut places = Vec::new();
    places.try_reserve_exact(size).map_err(|_| no_memory())?;
    places.resize_with(size, || Entry::EMPTY);
    Ok(places.into())
}

/// Where a probe ends.
enum Found {
    /// The key is there.
    Key(usize),
    /// It is not; the first unused place, and the last one passed whose key was removed.
    Nothing(usize, Option<usize>),
}

/// A hash table of values.
pub struct SetTable {
    inner: UnsafeCell<Inner>,
    /// The hash of a frozenset, once it is known.
    pub(super) cached_hash: Cell<Option<i64>>,
}

impl Default for SetTable {
    fn default() -> SetTable {
        SetTable::new()
    }
}

impl SetTable {
    /// An empty table.
    pub fn new() -> SetTable {
        SetTable {
            inner: UnsafeCell::new(Inner {
                places: Box::default(),
                occupied: 0,
                fill: 0,
                used: 0,
                finger: 0,
                generation: 0,
            }),
            cached_hash: Cell::new(None),
        }
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

    /// Number of keys.
    #[inline]
    pub fn len(&self) -> usize {
        self.inner().used
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Places in the table.
    pub fn size(&self) -> usize {
        self.inner().size()
    }

    /// Places used now or before.
    pub(super) fn fill(&self) -> usize {
        self.inner().fill
    }

    /// Looks for a key where no comparison can run Python code; `None` when one would be needed.
    #[inline]
    fn quick(&self, key: &Value, hash: i64) -> Option<Found> {
        let inner = self.inner();
        let mask = inner.mask();
        let mut perturb = hash as u64;
        let mut start = hash as usize & mask;
        let mut removed = None;
        if inner.places.is_empty() {
            return Some(Found::Nothing(start, None));
        }
        let is_int = key.is_small_int();
        loop {
            let end = if start + LINEAR_PROBES <= mask { start + LINEAR_PROBES } else { start };
            for (at, entry) in inner.places.get(start..=end)?.iter().enumerate() {
                let at = start + at;
                let Some(known) = &entry.key else {
                    if entry.hash == DUMMY {
                        removed = Some(at);
                        continue;
                    }
                    return Some(Found::Nothing(at, removed));
                };
                if entry.hash != hash {
                    continue;
                }
                if known.is(key) {
                    return Some(Found::Key(at));
                }
                if is_int && known.is_small_int() {
                    continue;
                }
                if !known.exact::<Str>()?.equals(key.exact::<Str>()?) {
                    continue;
                }
                return Some(Found::Key(at));
            }
            perturb >>= PERTURB_SHIFT;
            start = start.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & mask;
        }
    }

    /// Whether all keys of this table are in `other`; `None` when only comparing can tell.
    pub fn quick_is_contained(&self, other: &SetTable) -> Option<bool> {
        for (_, key, hash) in self.inner().keys_from(0) {
            if matches!(other.quick(key, hash)?, Found::Nothing(..)) {
                return Some(false);
            }
        }
        Some(true)
    }

    /// Adds the keys whose presence in `other` is `present` to `result`, a new table; `None` when only comparing can tell,
    /// with nothing added.
    pub fn quick_select(&self, other: &SetTable, present: bool, result: &SetTable) -> PyResult<Option<()>> {
        for (_, key, hash) in self.inner().keys_from(0) {
            let Some(found) = other.quick(key, hash) else {
                drop(result.clear());
                return Ok(None);
            };
            if matches!(found, Found::Key(_)) == present {
                let inner = result.inner_mut();
                if inner.places.is_empty() {
                    inner.places = empty_places(MIN_SIZE)?;
                }
                inner.used += 1;
                inner.fill += 1;
                inner.insert_clean(key.clone(), hash);
                inner.resize_if_full()?;
            }
        }
        Ok(Some(()))
    }

    /// Looks for a key. When a comparison says that it is there but has changed the table, a search starts again; adding
    /// takes the answer as it is.
    fn probe(&self, key: &Value, hash: i64, adding: bool) -> PyResult<Found> {
        match self.quick(key, hash) {
            Some(found) => Ok(found),
            None => self.probe_comparing(key, hash, adding),
        }
    }

    #[inline(never)]
    fn probe_comparing(&self, key: &Value, hash: i64, adding: bool) -> PyResult<Found> {
        let text = key.exact::<Str>();
        'restart: loop {
            let inner = self.inner();
            let mask = inner.mask();
            let generation = inner.generation;
            let mut perturb = hash as u64;
            let mut start = hash as usize & mask;
            let mut removed = None;
            if inner.places.is_empty() {
                return Ok(Found::Nothing(start, None));
            }
            loop {
                let end = if start + LINEAR_PROBES <= mask { start + LINEAR_PROBES } else { start };
                for at in start..=end {
                    // Looked up anew each time: a comparison may have emptied the table.
                    let Some(entry) = self.inner().places.get(at) else { continue 'restart };
                    let Some(known) = &entry.key else {
                        if entry.hash == DUMMY {
                            removed = Some(at);
                            continue;
                        }
                        return Ok(Found::Nothing(at, removed));
                    };
                    if entry.hash != hash {
                        continue;
                    }
                    if known.is(key) {
                        return Ok(Found::Key(at));
                    }
                    if let (Some(text), Some(other)) = (text, known.exact::<Str>()) {
                        if other.equals(text) {
                            return Ok(Found::Key(at));
                        }
                        continue;
                    }
                    let known = known.clone();
                    let equal = compare::equal(&known, key)?;
                    if equal && adding {
                        return Ok(Found::Key(at));
                    }
                    let inner = self.inner();
                    let same = inner.generation == generation
                        && inner.places.get(at).is_some_and(|entry| entry.key.as_ref().is_some_and(|k| k.is(&known)));
                    if !same {
                        continue 'restart;
                    }
                    if equal {
                        return Ok(Found::Key(at));
                    }
                }
                perturb >>= PERTURB_SHIFT;
                start = start.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & mask;
            }
        }
    }

    /// Whether `key`, whose hash is `hash`, is in the table.
    ///
    /// # Errors
    /// What comparing keys raises.
    pub fn contains(&self, key: &Value, hash: i64) -> PyResult<bool> {
        Ok(matches!(self.probe(key, hash, false)?, Found::Key(_)))
    }

    /// Adds a key, unless it is there.
    ///
    /// # Errors
    /// What comparing keys raises, `MemoryError` when there is no room; the table is unchanged then.
    pub fn add(&self, key: &Value, hash: i64) -> PyResult<()> {
        let Found::Nothing(unused, removed) = self.probe(key, hash, true)? else { return Ok(()) };
        let inner = self.inner_mut();
        if inner.places.is_empty() {
            inner.places = empty_places(MIN_SIZE)?;
        }
        inner.used += 1;
        inner.put(removed.unwrap_or(unused), hash, key.clone());
        if removed.is_none() {
            inner.fill += 1;
            if let Err(raised) = inner.resize_if_full() {
                // A table that fills up without growing would be searched for ever.
                inner.occupied &= !1u64.wrapping_shl(unused as u32);
                inner.places[unused] = Entry::EMPTY;
                inner.used -= 1;
                inner.fill -= 1;
                return Err(raised);
            }
        }
        Ok(())
    }

    /// Removes a key and returns the one that was stored; `None` when it is not there.
    ///
    /// # Errors
    /// What comparing keys raises.
    pub fn remove(&self, key: &Value, hash: i64) -> PyResult<Option<Value>> {
        let Found::Key(at) = self.probe(key, hash, false)? else { return Ok(None) };
        let inner = self.inner_mut();
        inner.used -= 1;
        Ok(inner.take(at))
    }

    /// Removes and returns some key: the first at or behind where the last search ended.
    pub fn pop(&self) -> Option<Value> {
        let inner = self.inner_mut();
        if inner.used == 0 {
            return None;
        }
        let size = inner.size();
        let start = inner.finger & inner.mask();
        let at = (start..size).chain(0..start).find(|&at| inner.places[at].key.is_some())?;
        inner.used -= 1;
        inner.finger = at + 1;
        inner.take(at)
    }

    /// The key at or behind position `from`: its position, itself and its hash.
    #[inline]
    pub fn next_key(&self, from: usize) -> Option<(usize, Value, i64)> {
        let (at, entry) = self.inner().next_used(from)?;
        Some((at, entry.key.clone()?, entry.hash))
    }

    /// Calls `visit` for every key and its hash; it must not run foreign code.
    pub fn for_each(&self, visit: &mut dyn FnMut(&Value, i64)) {
        for (_, key, hash) in self.inner().keys_from(0) {
            visit(key, hash);
        }
    }

    /// New references to the keys, in order.
    pub fn keys(&self) -> Vec<Value> {
        let mut keys = Vec::with_capacity(self.len());
        self.for_each(&mut |key, _| keys.push(key.clone()));
        keys
    }

    /// Removes everything; what was there is returned to be dropped by the caller.
    pub fn clear(&self) -> Removed {
        let inner = self.inner_mut();
        if inner.size() > MIN_SIZE {
            inner.generation = inner.generation.wrapping_add(1);
        }
        inner.fill = 0;
        inner.used = 0;
        inner.occupied = 0;
        self.cached_hash.set(None);
        Removed { _places: std::mem::take(&mut inner.places) }
    }

    /// Exchanges the contents of two tables.
    pub fn swap(&self, other: &SetTable) {
        if std::ptr::eq(self, other) {
            return;
        }
        let (a, b) = (self.inner_mut(), other.inner_mut());
        std::mem::swap(&mut a.places, &mut b.places);
        std::mem::swap(&mut a.occupied, &mut b.occupied);
        std::mem::swap(&mut a.fill, &mut b.fill);
        std::mem::swap(&mut a.used, &mut b.used);
        for inner in [a, b] {
            inner.generation = inner.generation.wrapping_add(1);
        }
        self.cached_hash.set(None);
        other.cached_hash.set(None);
    }

    /// Grows once for `count` more keys, as merging does.
    ///
    /// # Errors
    /// `MemoryError` when there is no such room.
    pub fn reserve_for_merge(&self, count: usize) -> PyResult<()> {
        let inner = self.inner_mut();
        if (inner.fill + count) * 5 >= inner.mask() * 3 {
            inner.resize((inner.used + count) * 2)?;
        }
        Ok(())
    }

    /// Closes the places of removed keys when they are more than a quarter.
    ///
    /// # Errors
    /// `MemoryError` when there is no room.
    pub fn tidy(&self) -> PyResult<()> {
        let inner = self.inner_mut();
        if inner.fill - inner.used > inner.mask() / 4 {
            inner.resize(if inner.used > 50_000 { inner.used * 2 } else { inner.used * 4 })?;
        }
        Ok(())
    }

    /// Adds all keys of another table. As `set_merge`.
    ///
    /// # Errors
    /// What comparing keys raises; keys seen before stay added.
    pub fn merge(&self, other: &SetTable) -> PyResult<()> {
        if std::ptr::eq(self, other) || other.is_empty() {
            return Ok(());
        }
        self.reserve_for_merge(other.len())?;
        let (inner, source) = (self.inner_mut(), other.inner());
        if inner.fill == 0 {
            if inner.places.is_empty() {
                inner.places = empty_places(MIN_SIZE)?;
            }
            inner.fill = source.used;
            inner.used = source.used;
            if inner.size() == source.size() && source.fill == source.used {
                for (at, key, hash) in source.keys_from(0) {
                    inner.put(at, hash, key.clone());
                }
            } else {
                for (_, key, hash) in source.keys_from(0) {
                    inner.insert_clean(key.clone(), hash);
                }
            }
            return Ok(());
        }
        let mut position = 0;
        while let Some((at, key, hash)) = other.next_key(position) {
            self.add(&key, hash)?;
            position = at + 1;
        }
        Ok(())
    }
}

/// What [`SetTable::clear`] took out; dropping it drops the keys.
pub struct Removed {
    _places: Box<[Entry]>,
}
