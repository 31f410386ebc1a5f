//! `list.sort`: timsort, making the same comparisons in the same order as CPython 3.8, since Python code sees them.
//!
//! The algorithm (Tim Peters, `Objects/listsort.txt`) sorts positions: the keys stay where they are, so a comparison that
//! raises leaves a permutation at every moment. Keys that are all small ints, all plain floats or all strs compare unseen;
//! for them any stable sort gives the same result.

use super::List;
use crate::object::call;
use crate::object::compare;
use crate::object::error::PyResult;
use crate::object::number::truth;
use crate::object::slots::Compare;
use crate::object::value::Value;
use crate::types::exceptions::value_error;
use crate::types::float;
use crate::types::str::{Chars, Str};
use crate::types::tuple::Tuple;

/// Sorts `list` by the results of `key`, or by the items themselves. The list is empty meanwhile.
///
/// # Errors
/// What `key` or comparing raises (the list then holds all its items in some order); `ValueError` when the list was
/// changed meanwhile.
pub fn sort(list: &List, key: Option<&Value>, reverse: bool) -> PyResult<()> {
    let values = list.items.take();
    let outer = list.sorting.replace(true);
    let (values, result) = sort_values(values, key, reverse);
    list.sorting.set(outer);
    let touched = list.items.capacity() != 0;
    let meanwhile = list.items.replace(values);
    drop(meanwhile);
    result?;
    if touched {
        return Err(value_error("list modified during sort"));
    }
    Ok(())
}

/// Sorts values as `sorted()` does; on an error they come back in some order.
fn sort_values(values: Vec<Value>, key: Option<&Value>, reverse: bool) -> (Vec<Value>, PyResult<()>) {
    let Some(key) = key else {
        if let Some(order) = unseen_order(&values, reverse) {
            return (permute(values, &order), Ok(()));
        }
        if values.iter().all(Value::is_small_int) {
            return (sort_small_ints(values, reverse), Ok(()));
        }
        let (order, result) = seen_order(&values, reverse);
        return (permute(values, &order), result);
    };
    let mut keys = Vec::with_capacity(values.len());
    for value in &values {
        match call::call(key, std::slice::from_ref(value)) {
            Ok(key) => keys.push(key),
            Err(raised) => return (values, Err(raised)),
        }
    }
    if keys.iter().all(Value::is_small_int) {
        return (sort_by_small_ints(&keys, values, reverse), Ok(()));
    }
    let (order, result) = match unseen_order(&keys, reverse) {
        Some(order) => (order, Ok(())),
        None => seen_order(&keys, reverse),
    };
    (permute(values, &order), result)
}

/// Moves the values into the order given by their positions.
fn permute(values: Vec<Value>, order: &[usize]) -> Vec<Value> {
    let mut places: Vec<Option<Value>> = values.into_iter().map(Some).collect();
    order.iter().filter_map(|&index| places.get_mut(index).and_then(Option::take)).collect()
}

/// Small ints order as the words that they are.
fn sort_small_ints(mut values: Vec<Value>, reverse: bool) -> Vec<Value> {
    if reverse {
        values.sort_by_key(|value| std::cmp::Reverse(value.bits() as i64));
    } else {
        values.sort_by_key(|value| value.bits() as i64);
    }
    values
}

fn sort_by_small_ints(keys: &[Value], values: Vec<Value>, reverse: bool) -> Vec<Value> {
    let mut pairs: Vec<(i64, Value)> = keys.iter().map(|key| key.bits() as i64).zip(values).collect();
    if reverse {
        pairs.sort_by_key(|(key, _)| std::cmp::Reverse(*key));
    } else {
        pairs.sort_by_key(|(key, _)| *key);
    }
    pairs.into_iter().map(|(_, value)| value).collect()
}

/// The order of keys whose comparison nobody sees and which are totally ordered: immediate floats (neither NaN nor -0.0
/// is immediate), exact strs.
fn unseen_order(keys: &[Value], reverse: bool) -> Option<Vec<usize>> {
    let first = keys.first()?;
    if first.is_small_float() {
        let mut pairs = Vec::with_capacity(keys.len());
        for (index, key) in keys.iter().enumerate() {
            pairs.push((key.as_small_float()?, index));
        }
        if reverse {
            pairs.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        } else {
            pairs.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        }
        return Some(pairs.into_iter().map(|(_, index)| index).collect());
    }
    let mut narrow = Vec::with_capacity(if first.is_exact::<Str>() { keys.len() } else { 0 });
    for (index, key) in keys.iter().enumerate() {
        let Chars::One(text) = key.exact::<Str>()?.chars() else { return wide_text_order(keys, reverse) };
        narrow.push((prefix(text), text, index));
    }
    if reverse {
        narrow.sort_by(|(p, a, _), (q, b, _)| (q, b).cmp(&(p, a)));
    } else {
        narrow.sort_by(|(p, a, _), (q, b, _)| (p, a).cmp(&(q, b)));
    }
    Some(narrow.into_iter().map(|(_, _, index)| index).collect())
}

/// The first eight bytes as a number: where they differ, the texts are ordered as the numbers are.
fn prefix(text: &[u8]) -> u64 {
    text.iter().take(8).enumerate().fold(0, |word, (at, byte)| word | u64::from(*byte) << (56 - 8 * at))
}

fn wide_text_order(keys: &[Value], reverse: bool) -> Option<Vec<usize>> {
    let mut texts = Vec::with_capacity(keys.len());
    for (index, key) in keys.iter().enumerate() {
        texts.push((key.exact::<Str>()?, index));
    }
    if reverse {
        texts.sort_by(|(a, _), (b, _)| b.compare(a));
    } else {
        texts.sort_by(|(a, _), (b, _)| a.compare(b));
    }
    Some(texts.into_iter().map(|(_, index)| index).collect())
}

/// The order of any keys, by timsort.
fn seen_order(keys: &[Value], reverse: bool) -> (Vec<usize>, PyResult<()>) {
    if keys.iter().all(|key| key.is_small_float() || key.is_exact::<float::Float>()) {
        let floats: Vec<f64> = keys.iter().map(|key| float::to_f64(key).unwrap_or(0.0)).collect();
        return timsort(keys.len(), reverse, |a, b| Ok(floats[a] < floats[b]));
    }
    let tuples: Option<Vec<&Tuple>> = keys.iter().map(|key| key.exact::<Tuple>().filter(|t| !t.is_empty())).collect();
    if let Some(tuples) = tuples {
        let alike = are_alike(tuples.iter().filter_map(|tuple| tuple.get(0)));
        return timsort(keys.len(), reverse, |a, b| tuple_less(tuples[a], tuples[b], alike));
    }
    if are_alike(keys.iter()) {
        return timsort(keys.len(), reverse, |a, b| alike_less(&keys[a], &keys[b]));
    }
    timsort(keys.len(), reverse, |a, b| compare::holds(&keys[a], &keys[b], Compare::Lt))
}

/// Whether all values have one type.
fn are_alike<'a>(mut values: impl Iterator<Item = &'a Value>) -> bool {
    let Some(first) = values.next() else { return true };
    values.all(|value| std::ptr::eq(value.ty(), first.ty()))
}

/// `a < b` for values of one type: that type's comparison is asked straight, and once more by the general protocol when
/// it answers `NotImplemented`. As `unsafe_object_compare`.
fn alike_less(a: &Value, b: &Value) -> PyResult<bool> {
    if let Some(slot) = a.ty().slot(|slots| slots.compare)
        && std::ptr::eq(a.ty(), b.ty())
    {
        let result = slot(a, b, Compare::Lt)?;
        if !result.is_not_implemented() {
            return truth(&result);
        }
    }
    compare::holds(a, b, Compare::Lt)
}

/// `a < b` for tuples; `alike` tells that all first items have one type.
fn tuple_less(a: &Tuple, b: &Tuple, alike: bool) -> PyResult<bool> {
    for (index, (x, y)) in a.iter().zip(b.iter()).enumerate() {
        if !compare::equal(x, y)? {
            return if alike && index == 0 { alike_less(x, y) } else { compare::holds(x, y, Compare::Lt) };
        }
    }
    Ok(a.len() < b.len())
}

/// Wins in a row after which merging gallops.
const MIN_GALLOP: usize = 7;

/// A sorted stretch of the order.
#[derive(Clone, Copy)]
struct Run {
    base: usize,
    len: usize,
}

struct Sorter<F> {
    /// Whether the key at one position is less than the key at another.
    less: F,
    order: Vec<usize>,
    scratch: Vec<usize>,
    pending: Vec<Run>,
    min_gallop: usize,
}

fn timsort(len: usize, reverse: bool, less: impl FnMut(usize, usize) -> PyResult<bool>) -> (Vec<usize>, PyResult<()>) {
    let mut order: Vec<usize> = (0..len).collect();
    // Reversed before and after, equal items keep their order.
    if reverse {
        order.reverse();
    }
    let mut sorter = Sorter { less, order, scratch: Vec::new(), pending: Vec::new(), min_gallop: MIN_GALLOP };
    let result = sorter.run();
    if reverse {
        sorter.order.reverse();
    }
    (sorter.order, result)
}

/// The least length of runs: `len` over a power of two, such that the number of runs is close to a power of two.
fn min_run(mut len: usize) -> usize {
    let mut rest = 0;
    while len >= 64 {
        rest |= len & 1;
        len >>= 1;
    }
    len + rest
}

impl<F: FnMut(usize, usize) -> PyResult<bool>> Sorter<F> {
    fn run(&mut self) -> PyResult<()> {
        let total = self.order.len();
        if total < 2 {
            return Ok(());
        }
        let min_run = min_run(total);
        let mut low = 0;
        while low < total {
            let (mut len, descending) = self.count_run(low)?;
            if descending {
                self.order[low..low + len].reverse();
            }
            if len < min_run {
                let forced = min_run.min(total - low);
                self.binary_sort(low, low + forced, low + len)?;
                len = forced;
            }
            self.pending.push(Run { base: low, len });
            self.collapse()?;
            low += len;
        }
        while self.pending.len() > 1 {
            let mut n = self.pending.len() - 2;
            if n > 0 && self.pending[n - 1].len < self.pending[n + 1].len {
                n -= 1;
            }
            self.merge_at(n)?;
        }
        Ok(())
    }

    /// Length of the run at `low`, and whether it is strictly descending.
    fn count_run(&mut self, low: usize) -> PyResult<(usize, bool)> {
        let high = self.order.len();
        let mut at = low + 1;
        if at == high {
            return Ok((1, false));
        }
        let descending = (self.less)(self.order[at], self.order[at - 1])?;
        at += 1;
        while at < high && (self.less)(self.order[at], self.order[at - 1])? == descending {
            at += 1;
        }
        Ok((at - low, descending))
    }

    /// Sorts `low..high`, of which `low..start` is sorted.
    fn binary_sort(&mut self, low: usize, high: usize, start: usize) -> PyResult<()> {
        for at in start.max(low + 1)..high {
            let pivot = self.order[at];
            let (mut left, mut right) = (low, at);
            while left < right {
                let middle = left + ((right - left) >> 1);
                if (self.less)(pivot, self.order[middle])? {
                    right = middle;
                } else {
                    left = middle + 1;
                }
            }
            self.order[left..=at].rotate_right(1);
        }
        Ok(())
    }

    /// Merges until the lengths of the pending runs grow fast enough.
    fn collapse(&mut self) -> PyResult<()> {
        while self.pending.len() > 1 {
            let p = &self.pending;
            let mut n = p.len() - 2;
            if (n > 0 && p[n - 1].len <= p[n].len + p[n + 1].len) || (n > 1 && p[n - 2].len <= p[n - 1].len + p[n].len)
            {
                if p[n - 1].len < p[n + 1].len {
                    n -= 1;
                }
                self.merge_at(n)?;
            } else if p[n].len <= p[n + 1].len {
                self.merge_at(n)?;
            } else {
                break;
            }
        }
        Ok(())
    }

    /// Merges pending runs `n` and `n + 1`.
    fn merge_at(&mut self, n: usize) -> PyResult<()> {
        let (a, b) = (self.pending[n], self.pending[n + 1]);
        self.pending[n].len = a.len + b.len;
        self.pending.remove(n + 1);
        let first = self.order[b.base];
        let skip = gallop_right(&mut self.less, first, &self.order[a.base..a.base + a.len], 0)?;
        let (base_a, len_a) = (a.base + skip, a.len - skip);
        if len_a == 0 {
            return Ok(());
        }
        let last = self.order[base_a + len_a - 1];
        let len_b = gallop_left(&mut self.less, last, &self.order[b.base..b.base + b.len], b.len - 1)?;
        if len_b == 0 {
            return Ok(());
        }
        if len_a <= len_b {
            self.merge_low(base_a, len_a, b.base, len_b)
        } else {
            self.merge_high(base_a, len_a, b.base, len_b)
        }
    }

    /// Merges adjacent runs from the left, the first of them copied out.
    fn merge_low(&mut self, base_a: usize, len_a: usize, base_b: usize, len_b: usize) -> PyResult<()> {
        let Sorter { less, order, scratch, min_gallop, .. } = self;
        scratch.clear();
        scratch.extend_from_slice(&order[base_a..base_a + len_a]);
        let (mut dest, mut at_a, mut at_b) = (base_a, 0, base_b);
        let end_b = base_b + len_b;
        let mut merge = || -> PyResult<()> {
            order[dest] = order[at_b];
            dest += 1;
            at_b += 1;
            if at_b == end_b || len_a == 1 {
                return Ok(());
            }
            let mut gallop = *min_gallop;
            loop {
                let (mut wins_a, mut wins_b) = (0, 0);
                loop {
                    if less(order[at_b], scratch[at_a])? {
                        order[dest] = order[at_b];
                        dest += 1;
                        at_b += 1;
                        wins_b += 1;
                        wins_a = 0;
                        if at_b == end_b {
                            return Ok(());
                        }
                        if wins_b >= gallop {
                            break;
                        }
                    } else {
                        order[dest] = scratch[at_a];
                        dest += 1;
                        at_a += 1;
                        wins_a += 1;
                        wins_b = 0;
                        if len_a - at_a == 1 {
                            return Ok(());
                        }
                        if wins_a >= gallop {
                            break;
                        }
                    }
                }
                gallop += 1;
                loop {
                    gallop -= usize::from(gallop > 1);
                    *min_gallop = gallop;
                    wins_a = gallop_right(less, order[at_b], &scratch[at_a..], 0)?;
                    if wins_a > 0 {
                        order[dest..dest + wins_a].copy_from_slice(&scratch[at_a..at_a + wins_a]);
                        dest += wins_a;
                        at_a += wins_a;
                        // None left is possible only when comparisons contradict each other.
                        if len_a - at_a <= 1 {
                            return Ok(());
                        }
                    }
                    order[dest] = order[at_b];
                    dest += 1;
                    at_b += 1;
                    if at_b == end_b {
                        return Ok(());
                    }
                    wins_b = gallop_left(less, scratch[at_a], &order[at_b..end_b], 0)?;
                    if wins_b > 0 {
                        order.copy_within(at_b..at_b + wins_b, dest);
                        dest += wins_b;
                        at_b += wins_b;
                        if at_b == end_b {
                            return Ok(());
                        }
                    }
                    order[dest] = scratch[at_a];
                    dest += 1;
                    at_a += 1;
                    if len_a - at_a == 1 {
                        return Ok(());
                    }
                    if wins_a < MIN_GALLOP && wins_b < MIN_GALLOP {
                        break;
                    }
                }
                gallop += 1;
                *min_gallop = gallop;
            }
        };
        let result = merge();
        let left = len_a - at_a;
        if result.is_ok() && left == 1 && at_b < end_b {
            // The last of the first run belongs at the very end.
            order.copy_within(at_b..end_b, dest);
            dest += end_b - at_b;
        }
        order[dest..dest + left].copy_from_slice(&scratch[at_a..]);
        result
    }

    /// Merges adjacent runs from the right, the second of them copied out.
    fn merge_high(&mut self, base_a: usize, len_a: usize, base_b: usize, len_b: usize) -> PyResult<()> {
        let Sorter { less, order, scratch, min_gallop, .. } = self;
        scratch.clear();
        scratch.extend_from_slice(&order[base_b..base_b + len_b]);
        // What is left of both runs, and one past the place that is filled next: always `base_a + left_a + left_b`.
        let (mut left_a, mut left_b) = (len_a, len_b);
        let mut merge = || -> PyResult<()> {
            order[base_a + left_a + left_b - 1] = order[base_a + left_a - 1];
            left_a -= 1;
            if left_a == 0 || left_b == 1 {
                return Ok(());
            }
            let mut gallop = *min_gallop;
            loop {
                let (mut wins_a, mut wins_b) = (0, 0);
                loop {
                    let dest = base_a + left_a + left_b - 1;
                    if less(scratch[left_b - 1], order[base_a + left_a - 1])? {
                        order[dest] = order[base_a + left_a - 1];
                        left_a -= 1;
                        wins_a += 1;
                        wins_b = 0;
                        if left_a == 0 {
                            return Ok(());
                        }
                        if wins_a >= gallop {
                            break;
                        }
                    } else {
                        order[dest] = scratch[left_b - 1];
                        left_b -= 1;
                        wins_b += 1;
                        wins_a = 0;
                        if left_b == 1 {
                            return Ok(());
                        }
                        if wins_b >= gallop {
                            break;
                        }
                    }
                }
                gallop += 1;
                loop {
                    gallop -= usize::from(gallop > 1);
                    *min_gallop = gallop;
                    let keep = gallop_right(less, scratch[left_b - 1], &order[base_a..base_a + left_a], left_a - 1)?;
                    wins_a = left_a - keep;
                    if wins_a > 0 {
                        order.copy_within(base_a + keep..base_a + left_a, base_a + keep + left_b);
                        left_a = keep;
                        if left_a == 0 {
                            return Ok(());
                        }
                    }
                    order[base_a + left_a + left_b - 1] = scratch[left_b - 1];
                    left_b -= 1;
                    if left_b == 1 {
                        return Ok(());
                    }
                    let keep = gallop_left(less, order[base_a + left_a - 1], &scratch[..left_b], left_b - 1)?;
                    wins_b = left_b - keep;
                    if wins_b > 0 {
                        let dest = base_a + left_a + keep;
                        order[dest..dest + wins_b].copy_from_slice(&scratch[keep..left_b]);
                        left_b = keep;
                        // None left is possible only when comparisons contradict each other.
                        if left_b <= 1 {
                            return Ok(());
                        }
                    }
                    order[base_a + left_a + left_b - 1] = order[base_a + left_a - 1];
                    left_a -= 1;
                    if left_a == 0 {
                        return Ok(());
                    }
                    if wins_a < MIN_GALLOP && wins_b < MIN_GALLOP {
                        break;
                    }
                }
                gallop += 1;
                *min_gallop = gallop;
            }
        };
        let result = merge();
        if result.is_ok() && left_b == 1 && left_a > 0 {
            // The first of the second run belongs at the very front.
            order.copy_within(base_a..base_a + left_a, base_a + 1);
            order[base_a] = scratch[0];
        } else {
            order[base_a + left_a..base_a + left_a + left_b].copy_from_slice(&scratch[..left_b]);
        }
        result
    }
}

/// Where `key` belongs in the sorted `run`, before equal ones; the search begins at `hint`.
fn gallop_left(
    less: &mut impl FnMut(usize, usize) -> PyResult<bool>,
    key: usize,
    run: &[usize],
    hint: usize,
) -> PyResult<usize> {
    let (mut low, mut high);
    let (mut last, mut offset) = (0, 1);
    if less(run[hint], key)? {
        let max = run.len() - hint;
        while offset < max && less(run[hint + offset], key)? {
            last = offset;
            offset = (offset << 1) + 1;
        }
        low = hint + last + 1;
        high = hint + offset.min(max);
    } else {
        let max = hint + 1;
        while offset < max && !less(run[hint - offset], key)? {
            last = offset;
            offset = (offset << 1) + 1;
        }
        low = max - offset.min(max);
        high = hint - last;
    }
    while low < high {
        let middle = low + ((high - low) >> 1);
        if less(run[middle], key)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(high)
}

/// Where `key` belongs in the sorted `run`, behind equal ones; the search begins at `hint`.
fn gallop_right(
    less: &mut impl FnMut(usize, usize) -> PyResult<bool>,
    key: usize,
    run: &[usize],
    hint: usize,
) -> PyResult<usize> {
    let (mut low, mut high);
    let (mut last, mut offset) = (0, 1);
    if less(key, run[hint])? {
        let max = hint + 1;
        while offset < max && less(key, run[hint - offset])? {
            last = offset;
            offset = (offset << 1) + 1;
        }
        low = max - offset.min(max);
        high = hint - last;
    } else {
        let max = run.len() - hint;
        while offset < max && !less(key, run[hint + offset])? {
            last = offset;
            offset = (offset << 1) + 1;
        }
        low = hint + last + 1;
        high = hint + offset.min(max);
    }
    while low < high {
        let middle = low + ((high - low) >> 1);
        if less(key, run[middle])? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The generator of `tools/record_orders.py`.
    pub struct Lcg(u64);

    impl Lcg {
        fn below(&mut self, n: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (self.0 >> 33) % n
        }
    }

    fn keys(pattern: u64, n: u64, random: &mut Lcg) -> Vec<f64> {
        (0..n)
            .map(|i| match pattern {
                0 => random.below(1_000_000) as f64,
                1 => random.below(5) as f64,
                2 => {
                    let hit = random.below(100) == 0;
                    (i + u64::from(hit) * random.below(n + 1)) as f64
                }
                3 => (n - i) as f64,
                4 => ((i * i) % (n / 3 + 1)) as f64,
                5 => (i % (n / 4 + 1) + random.below(3)) as f64,
                _ if random.below(3) == 0 => f64::NAN,
                _ => random.below(50) as f64,
            })
            .collect()
    }

    fn mix(hash: u64, value: usize) -> u64 {
        (hash ^ value as u64).wrapping_mul(0x0100_0000_01b3)
    }

    #[test]
    fn comparisons_are_cpythons_in_number_and_order() {
        const START: u64 = 0xcbf2_9ce4_8422_2325;
        for line in include_str!("sort_cases.txt").lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<u64> = line.split(' ').map(|field| field.parse().expect("a number")).collect();
            let [pattern, n, reverse, comparisons, compared, ordered] = fields[..] else {
                panic!("six fields: {line}")
            };
            let keys = keys(pattern, n, &mut Lcg(pattern * 1000 + n));
            let (mut count, mut seen) = (0, START);
            let (order, result) = timsort(keys.len(), reverse == 1, |a, b| {
                count += 1;
                seen = mix(mix(seen, a), b);
                Ok(keys[a] < keys[b])
            });
            assert!(result.is_ok());
            let shown = order.iter().fold(START, |hash, &at| mix(hash, at));
            assert_eq!((count, seen, shown), (comparisons, compared, ordered), "{line}");
        }
    }

    #[test]
    fn an_error_leaves_all_items() {
        crate::vm::runtime::with(|| {
            let keys: Vec<u64> = (0..500u64).map(|i| i * 7919 % 501).collect();
            for fail_at in 0..3000 {
                let mut count = 0;
                let (mut order, result) = timsort(keys.len(), false, |a, b| {
                    count += 1;
                    if count > fail_at { Err(value_error("")) } else { Ok(keys[a] < keys[b]) }
                });
                assert!(result.is_err());
                order.sort_unstable();
                assert!(order.iter().copied().eq(0..500), "after {fail_at} comparisons");
            }
        });
    }
}
