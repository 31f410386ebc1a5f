//! One str for all equal keys of a document.

use super::string::Unit;
use crate::object::value::Value;
use crate::types::str::{Chars, Str};
use hashbrown::HashTable;

/// So many keys are looked through one by one.
const FEW: usize = 8;

/// The keys of a document that is being read.
#[derive(Default)]
pub(super) struct KeyMemo {
    keys: Vec<Entry>,
    table: HashTable<u32>,
    /// The key that was found last.
    last: usize,
}

struct Entry {
    key: Value,
    /// The key that followed this one: objects of a document tend to have the same keys in the same order.
    next: usize,
}

impl Entry {
    /// The hash of the key: one that nobody can foresee, for a document may be made to slow its reader down.
    fn hash(&self) -> u64 {
        self.key.exact::<Str>().map_or(0, |key| key.hash() as u64)
    }
}

impl KeyMemo {
    fn is_key<U: Unit>(&self, index: usize, units: &[U]) -> bool {
        let text = self.keys.get(index).and_then(|entry| entry.key.exact::<Str>());
        text.is_some_and(|text| match text.chars() {
            Chars::One(chars) => U::equals(units, chars),
            chars => chars.len() == units.len() && chars.iter().eq(units.iter().map(|&unit| unit.into())),
        })
    }

    /// The one key with these characters.
    #[inline]
    pub(super) fn get<U: Unit>(&mut self, units: &[U]) -> Value {
        if let Some(next) = self.keys.get(self.last).map(|entry| entry.next)
            && self.is_key(next, units)
            && let Some(entry) = self.keys.get(next)
        {
            self.last = next;
            return entry.key.clone();
        }
        self.look_up(units)
    }

    fn look_up<U: Unit>(&mut self, units: &[U]) -> Value {
        let found = if self.keys.len() <= FEW {
            (0..self.keys.len()).find(|&index| self.is_key(index, units))
        } else {
            let found = self.table.find(U::hash(units), |&index| self.is_key(index as usize, units));
            found.map(|&index| index as usize)
        };
        let index = match found {
            Some(index) => index,
            None => self.add(U::text(units)),
        };
        if let Some(last) = self.keys.get_mut(self.last) {
            last.next = index;
        }
        self.last = index;
        self.keys.get(index).map_or(Value::NONE, |entry| entry.key.clone())
    }

    fn add(&mut self, key: Value) -> usize {
        let index = self.keys.len();
        self.keys.push(Entry { key, next: 0 });
        // The table is filled when the few are no more.
        let first = match index {
            ..FEW => return index,
            FEW => 0,
            _ => index,
        };
        let keys = &self.keys;
        for (index, entry) in keys.iter().enumerate().skip(first) {
            let hash_of = |&index: &u32| keys.get(index as usize).map_or(0, Entry::hash);
            self.table.insert_unique(entry.hash(), index as u32, hash_of);
        }
        index
    }
}
