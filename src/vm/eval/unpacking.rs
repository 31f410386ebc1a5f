//! Unpacking: `a, b = value` and `a, *b = value`.

use super::cell::Cell;
use super::handlers::{die_next, drop_next, handler, operation};
use super::registers::{At, share_bits};
use super::unwind::raise;
use super::{CONST, LOCAL, TEMP};
use super::{EMPTY, Handler, Place, become_handler, is_heap, next};
use crate::object::TypeObject;
use crate::object::error::PyResult;
use crate::object::header::Header;
use crate::object::iter;
use crate::object::value::Value;
use crate::types::exceptions::{type_error, value_error};
use crate::types::list::{LIST, List};
use crate::types::tuple::{TUPLE, Tuple};
use crate::vm::thread::Thread;

fn check_iterable(value: &Value) -> PyResult<()> {
    if value.ty().slot(|slots| slots.iter).is_none() && value.ty().slot(|slots| slots.item).is_none() {
        return Err(type_error(format!("cannot unpack non-iterable {} object", value.ty().name())));
    }
    Ok(())
}

operation!(
    /// a... := the b items of a, the first one last in evaluation order: CPython pushes them in reverse
    unpack_sequence,
    1,
    |at| {
        let value = at.take(at.a());
        unpack(at, &value, at.a(), at.b())
    }
);

/// The `count` items of an iterable, the first in the register furthest from `first`.
#[inline(always)]
fn unpack(at: At, value: &Value, first: u32, count: u32) -> PyResult<()> {
    if let Some(tuple) = value.exact::<Tuple>()
        && tuple.len() == count as usize
    {
        for (index, item) in tuple.as_slice().iter().enumerate() {
            at.put(first + count - 1 - index as u32, item.clone());
        }
        return Ok(());
    }
    if let Some(list) = value.exact::<List>()
        && list.items().len() == count as usize
    {
        for index in 0..count {
            if let Some(item) = list.items().get(index as usize) {
                at.put(first + count - 1 - index, item);
            }
        }
        return Ok(());
    }
    unpack_any(at, value, first, count as usize)
}

#[inline(never)]
fn unpack_any(at: At, value: &Value, first: u32, count: usize) -> PyResult<()> {
    check_iterable(value)?;
    let iterator = iter::iter(value)?;
    let mut items = Vec::new();
    while items.len() < count {
        match iter::next(&iterator)? {
            Some(item) => items.push(item),
            None => {
                return Err(value_error(format!(
                    "not enough values to unpack (expected {count}, got {})",
                    items.len()
                )));
            }
        }
    }
    if iter::next(&iterator)?.is_some() {
        return Err(value_error(format!("too many values to unpack (expected {count})")));
    }
    for (index, item) in items.into_iter().rev().enumerate() {
        at.put(first + index as u32, item);
    }
    Ok(())
}

/// Registers that one cell names.
const NAMED: u32 = 4;

/// The variables named by the cells behind an instruction.
#[inline(always)]
fn targets(at: At) -> *const u32 {
    at.ip.wrapping_add(1).cast()
}

/// The cells that name `variables`.
pub(crate) fn target_cells(variables: &[u32]) -> Vec<Cell> {
    let word = |group: &[u32], index: usize| group.get(index).copied().unwrap_or(0);
    variables
        .chunks(NAMED as usize)
        .map(|group| Cell { handler: word(group, 0), a: word(group, 1), b: word(group, 2), c: word(group, 3) })
        .collect()
}

const _: () = assert!(size_of::<Cell>() == size_of::<u32>() * NAMED as usize);

/// Unpacks into variables. False when an exception is raised.
#[inline(never)]
unsafe fn unpack_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64, value: Value) -> bool {
    // SAFETY: the handler's arguments.
    let at = unsafe { At::new(ip, fp, vm, k) };
    let count = at.b();
    let targets = targets(at);
    if let Err(raised) = unpack(at, &value, at.c(), count) {
        vm.set_raised(raised);
        return false;
    }
    drop(value);
    for index in 0..count {
        let item = at.take(at.c() + count - 1 - index);
        // SAFETY: translation named a variable for each item.
        at.set(unsafe { *targets.add(index as usize) }, item);
    }
    true
}

/// Where the items of a tuple or list stand and how many there are; more than there can be for anything else.
///
/// # Safety
/// A heap object. The items are there until code runs that can change a list.
#[inline(always)]
unsafe fn raw_items(container: u64) -> (*const u64, usize) {
    // SAFETY: the type says what the body is.
    unsafe {
        let ty: *const TypeObject = (*(container as *const Header)).ty();
        if std::ptr::eq(ty, &TUPLE) {
            let items = (*(container as *const Tuple)).as_slice();
            (items.as_ptr() as *const u64, items.len())
        } else if std::ptr::eq(ty, &LIST) {
            let (items, len) = (*(container as *const List)).items().raw_parts();
            (items as *const u64, len)
        } else {
            (std::ptr::null(), usize::MAX)
        }
    }
}

handler! {
    /// the b variables that the next cells name := the items of a; c is the first of b temporaries
    #[inline(never)]
    fn unpack_to_variables<const PLACE: u8>(ip, fp, vm, k) {
        let container = if PLACE == CONST { *k.add((*ip).a as usize) } else { *fp.add((*ip).a as usize) };
        if is_heap(container) {
            let count = (*ip).b as usize;
            let (items, len) = raw_items(container);
            if len == count {
                let targets = ip.add(1) as *const u32;
                let mut index = 0;
                while index < count {
                    let slot = fp.add(*targets.add(index) as usize);
                    let old = *slot;
                    if is_heap(old) && (*(old as *const Header)).count() == 1 {
                        return unpack_rest::<PLACE>(ip, fp, vm, k, index, container);
                    }
                    let item = *items.add(index);
                    share_bits(item);
                    *slot = item;
                    if is_heap(old) {
                        (*(old as *const Header)).decrement();
                    }
                    index += 1;
                }
                let next_ip = ip.add(1 + (*ip).b.div_ceil(NAMED) as usize);
                if PLACE == TEMP {
                    *fp.add((*ip).a as usize) = EMPTY;
                    drop_next!(container, next_ip, fp, vm, k)
                }
                next!(next_ip, fp, vm, k)
            }
        }
        become_handler!((unpack_to_variables_slow::<PLACE>), ip, fp, vm, k)
    }
}

/// From how many variables on it pays to look at all of them first.
const ROW: usize = 4;

/// Whether neither of two words is a heap object: the answer is in bit 3, for an AND over many.
#[inline(always)]
fn both_immediate(left: u64, right: u64) -> u64 {
    ((left & 7) + 7) & ((right & 7) + 7)
}

handler! {
    /// `unpack_to_variables` for variables that follow each other: when nothing has to be counted, they are copied in one go
    #[inline(never)]
    fn unpack_to_row<const PLACE: u8>(ip, fp, vm, k) {
        let container = if PLACE == CONST { *k.add((*ip).a as usize) } else { *fp.add((*ip).a as usize) };
        if is_heap(container) {
            let count = (*ip).b as usize;
            let (items, len) = raw_items(container);
            if len == count {
                let row = fp.add(*(ip.add(1) as *const u32) as usize);
                let mut immediate = 8;
                let mut index = 0;
                while index < count {
                    immediate &= both_immediate(*row.add(index), *items.add(index));
                    index += 1;
                }
                if immediate != 0 {
                    index = 0;
                    while index < count {
                        *row.add(index) = *items.add(index);
                        index += 1;
                    }
                    next!(ip.add(1 + (*ip).b.div_ceil(NAMED) as usize), fp, vm, k)
                }
            }
        }
        become_handler!((unpack_to_variables::<PLACE>), ip, fp, vm, k)
    }
}

/// Goes on with `unpack_to_variables` from an item on whose variable holds the last reference to something.
#[inline(never)]
unsafe fn unpack_rest<const PLACE: u8>(
    ip: *const Cell,
    fp: *mut u64,
    vm: &'static Thread,
    k: *const u64,
    index: usize,
    container: u64,
) {
    // SAFETY: the handler's arguments; the container is a tuple or list of as many items as there are variables.
    unsafe {
        unpack_rest_work::<PLACE>(ip, fp, vm, k, index, container);
        next!(ip.add(1 + (*ip).b.div_ceil(NAMED) as usize), fp, vm, k)
    }
}

#[inline(never)]
unsafe fn unpack_rest_work<const PLACE: u8>(
    ip: *const Cell,
    fp: *mut u64,
    vm: &'static Thread,
    k: *const u64,
    index: usize,
    container: u64,
) {
    // SAFETY: as for unpack_rest.
    unsafe {
        let at = At::new(ip, fp, vm, k);
        let targets = targets(at);
        // What dies may change a list, or be the container.
        let rest: Vec<Value> = {
            let value = std::mem::ManuallyDrop::new(Value::from_bits(container));
            match (value.exact::<Tuple>(), value.exact::<List>()) {
                (Some(tuple), _) => tuple.as_slice().get(index..).unwrap_or_default().to_vec(),
                (None, Some(list)) => list.items().snapshot_range(index, list.items().len()),
                (None, None) => Vec::new(),
            }
        };
        if PLACE == TEMP {
            drop(at.take(at.a()));
        }
        for (offset, item) in rest.into_iter().enumerate() {
            at.set(*targets.add(index + offset), item);
        }
    }
}

handler! {
    #[inline(never)]
    fn unpack_to_variables_slow<const PLACE: u8>(ip, fp, vm, k) {
        let bits = if PLACE == CONST { *k.add((*ip).a as usize) } else { *fp.add((*ip).a as usize) };
        if PLACE == TEMP {
            *fp.add((*ip).a as usize) = EMPTY;
        } else {
            share_bits(bits);
        }
        if unpack_work(ip, fp, vm, k, Value::from_bits(bits)) {
            next!(ip.add(1 + (*ip).b.div_ceil(NAMED) as usize), fp, vm, k)
        }
        become_handler!(raise, ip, fp, vm, k)
    }
}

/// `a, b, .. = value`
pub(crate) fn unpack_variables(place: Place, variables: &[u32]) -> Handler {
    let in_row = variables.len() >= ROW && variables.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
    match place {
        Place::Local if in_row => unpack_to_row::<LOCAL>,
        Place::Const if in_row => unpack_to_row::<CONST>,
        Place::Temp => unpack_to_variables::<TEMP>,
        Place::Local => unpack_to_variables::<LOCAL>,
        Place::Const => unpack_to_variables::<CONST>,
    }
}

operation!(
    /// as `unpack_sequence` with a starred target: b & 0xff items before it, b >> 8 behind
    unpack_ex,
    1,
    |at| {
        let value = at.take(at.a());
        let (before, after) = ((at.b() & 0xff) as usize, (at.b() >> 8) as usize);
        check_iterable(&value)?;
        let iterator = iter::iter(&value)?;
        let mut items = Vec::new();
        while items.len() < before {
            match iter::next(&iterator)? {
                Some(item) => items.push(item),
                None => {
                    let expected = if after == 0 { format!("at least {before}") } else { format!("at least {}", before + after) };
                    return Err(value_error(format!(
                        "not enough values to unpack (expected {expected}, got {})",
                        items.len()
                    )));
                }
            }
        }
        let mut rest = iter::collect(&iterator)?;
        if rest.len() < after {
            return Err(value_error(format!(
                "not enough values to unpack (expected at least {}, got {})",
                before + after,
                before + rest.len()
            )));
        }
        let tail = rest.split_off(rest.len() - after);
        items.push(List::from_vec(rest));
        items.extend(tail);
        for (index, item) in items.into_iter().rev().enumerate() {
            at.put(at.a() + index as u32, item);
        }
        Ok(())
    }
);
