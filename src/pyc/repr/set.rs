//! The order in which CPython 3.8 iterates over a set that was filled in the order of the file.

use super::hash::{Known, equal, hash};
use crate::pyc::code::{Constant, Items};

/// `PySet_MINSIZE`
const MIN_SIZE: usize = 8;
const LINEAR_PROBES: usize = 9;
const PERTURB_SHIFT: u32 = 5;

/// Comparisons of elements with equal hashes that are made for one set, so that hostile input cannot keep it busy.
const MAX_COMPARISONS: u64 = 1 << 20;

/// The open-addressed table: indexes of elements, with their hashes.
struct Table {
    slots: Vec<Option<(usize, i64)>>,
    used: usize,
}

/// The set's elements as indexes into `items`, in CPython's order; of equal ones the first.
pub(super) fn order(items: Items, known: &mut Known) -> Vec<usize> {
    let constants: Vec<Constant> = items.iter().collect();
    let mut table = Table { slots: vec![None; MIN_SIZE], used: 0 };
    let mut steps = MAX_COMPARISONS;
    for (index, &constant) in constants.iter().enumerate() {
        let hash = hash(constant, known);
        table.add(index, hash, |other| constants.get(other).is_some_and(|&other| equal(constant, other, &mut steps)));
    }
    table.slots.into_iter().flatten().map(|(index, _)| index).collect()
}

impl Table {
    fn mask(&self) -> usize {
        self.slots.len() - 1
    }

    /// As `set_add_entry`.
    fn add(&mut self, index: usize, hash: i64, mut is_equal: impl FnMut(usize) -> bool) {
        let mut taken = false;
        let free = self.probe(hash, |&(other, other_hash)| {
            taken = other_hash == hash && is_equal(other);
            taken
        });
        if taken {
            return;
        }
        self.slots[free] = Some((index, hash));
        self.used += 1;
        if self.used * 5 >= self.mask() * 3 {
            self.grow();
        }
    }

    /// The slots of `hash`'s probe sequence, until one is free or `stop` says so.
    fn probe(&self, hash: i64, mut stop: impl FnMut(&(usize, i64)) -> bool) -> usize {
        let mask = self.mask();
        let mut perturb = hash.cast_unsigned();
        let mut start = perturb as usize & mask;
        loop {
            // Neighbours are tried only if all of them lie inside the table.
            let last = if start + LINEAR_PROBES <= mask { start + LINEAR_PROBES } else { start };
            for at in start..=last {
                match &self.slots[at] {
                    None => return at,
                    Some(entry) if stop(entry) => return at,
                    Some(_) => {}
                }
            }
            perturb >>= PERTURB_SHIFT;
            start = start.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & mask;
        }
    }

    /// As `set_table_resize`.
    fn grow(&mut self) {
        let wanted = if self.used > 50_000 { self.used * 2 } else { self.used * 4 };
        let mut size = MIN_SIZE;
        while size <= wanted {
            size *= 2;
        }
        let old = std::mem::replace(&mut self.slots, vec![None; size]);
        for (index, hash) in old.into_iter().flatten() {
            let free = self.probe(hash, |_| false);
            self.slots[free] = Some((index, hash));
        }
    }
}
