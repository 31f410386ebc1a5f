//! The hot handlers: moves, arithmetic, comparison, jumps, attributes, subscripts, iteration; and the table that
//! translation picks handlers from.

use super::arithmetic;
use super::cell::Cell;
use super::registers::{At, share_bits};
use super::unwind::raise;
use super::{CONST, LOCAL, TEMP};
use super::{EMPTY, Handler, Place, Shape, become_handler, is_heap, jump, next};
use crate::object::error::PyResult;
use crate::object::header::{Header, dealloc};
use crate::object::slots::{BINARY_OPS, BinaryOp, Compare};
use crate::object::value::Value;
use crate::object::{TypeObject, compare as compare_protocol, iter, number};
use crate::types::exceptions::unbound_local_error;
use crate::types::generator::GENERATOR;
use crate::types::list::{LIST_ITERATOR, List, ListIterator};
use crate::types::range::{RANGE_ITERATOR, RangeIterator};
use crate::types::str::Str;
use crate::types::tuple::{TUPLE_ITERATOR, Tuple, TupleIterator};
use crate::vm::thread::Thread;
use crate::vm::translate::Meta;
use std::sync::atomic::Ordering::Relaxed;

pub(crate) use super::attributes::*;
pub(crate) use super::control::*;
pub(crate) use super::generators::*;
pub(crate) use super::slicing::*;
pub(crate) use super::stack_operations::*;
pub(crate) use super::subscripts::*;
pub(crate) use super::tracing::*;
pub(crate) use super::unpacking::*;

const RR: u8 = 0;
const RI: u8 = 1;
const RK: u8 = 2;
const KR: u8 = 3;

/// Declares a handler whose work is done by a function that may fail, then goes on `$size` cells further.
macro_rules! operation {
    ($(#[$meta:meta])* $name:ident, $size:expr, |$at:ident| $work:expr) => {
        $(#[$meta])*
        #[inline(never)]
        pub(crate) unsafe fn $name(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) {
            #[inline(never)]
            unsafe fn work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) -> bool {
                // SAFETY: called by the handler below with its own arguments.
                let $at = unsafe { At::new(ip, fp, vm, k) };
                #[allow(clippy::redundant_closure_call, reason = "the work may return early")]
                let result: PyResult<()> = (|| $work)();
                match result {
                    Ok(()) => true,
                    Err(raised) => {
                        vm.set_raised(raised);
                        false
                    }
                }
            }
            // SAFETY: verified code keeps to its registers and instructions.
            unsafe {
                if work(ip, fp, vm, k) {
                    next!(ip.add($size), fp, vm, k)
                }
                become_handler!(raise, ip, fp, vm, k)
            }
        }
    };
}
pub(crate) use operation;

/// As [`operation!`] for a generic handler.
macro_rules! operation_generic {
    ($(#[$meta:meta])* $name:ident<$(const $p:ident: $t:ty),*>, $size:expr, |$at:ident| $work:expr) => {
        $(#[$meta])*
        #[inline(never)]
        pub(crate) unsafe fn $name<$(const $p: $t),*>(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) {
            #[inline(never)]
            unsafe fn work<$(const $p: $t),*>(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) -> bool {
                // SAFETY: called by the handler below with its own arguments.
                let $at = unsafe { At::new(ip, fp, vm, k) };
                #[allow(clippy::redundant_closure_call, reason = "the work may return early")]
                let result: PyResult<()> = (|| $work)();
                match result {
                    Ok(()) => true,
                    Err(raised) => {
                        vm.set_raised(raised);
                        false
                    }
                }
            }
            // SAFETY: verified code keeps to its registers and instructions.
            unsafe {
                if work::<$($p),*>(ip, fp, vm, k) {
                    next!(ip.add($size), fp, vm, k)
                }
                become_handler!(raise, ip, fp, vm, k)
            }
        }
    };
}
pub(crate) use operation_generic;

/// Declares a generic handler whose work says whether to jump.
macro_rules! branch_generic {
    ($(#[$meta:meta])* $name:ident<$(const $p:ident: $t:ty),*>, |$at:ident| $work:expr) => {
        $(#[$meta])*
        #[inline(never)]
        pub(crate) unsafe fn $name<$(const $p: $t),*>(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) {
            #[inline(never)]
            unsafe fn work<$(const $p: $t),*>(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) -> u8 {
                // SAFETY: called by the handler below with its own arguments.
                let $at = unsafe { At::new(ip, fp, vm, k) };
                #[allow(clippy::redundant_closure_call, reason = "the work may return early")]
                let result: PyResult<bool> = (|| $work)();
                match result {
                    Ok(jumps) => jumps as u8,
                    Err(raised) => {
                        vm.set_raised(raised);
                        2
                    }
                }
            }
            // SAFETY: verified code keeps to its registers and instructions.
            unsafe {
                match work::<$($p),*>(ip, fp, vm, k) {
                    0 => next!(ip.add(1), fp, vm, k),
                    1 => jump!(ip, fp, vm, k),
                    _ => become_handler!(raise, ip, fp, vm, k),
                }
            }
        }
    };
}

// ---------------------------------------------------------------------------------------------------------------------
// Dropping

/// Goes on after counting down `$bits`; if the object has to die, through a cold handler.
macro_rules! drop_next {
    ($bits:expr, $ip:expr, $fp:expr, $vm:expr, $k:expr) => {{
        let bits: u64 = $bits;
        let ip: *const Cell = $ip;
        if is_heap(bits) && (*(bits as *const Header)).decrement() {
            return die_next(ip, $fp, $vm, $k, bits);
        }
        next!(ip, $fp, $vm, $k)
    }};
}
pub(crate) use drop_next;

/// As `drop_next` for two words.
macro_rules! drop_two_next {
    ($first:expr, $second:expr, $ip:expr, $fp:expr, $vm:expr, $k:expr) => {{
        let first: u64 = $first;
        let second: u64 = $second;
        let ip: *const Cell = $ip;
        if is_heap(first) && (*(first as *const Header)).decrement() {
            return die_drop_next(ip, $fp, $vm, $k, first, second);
        }
        drop_next!(second, ip, $fp, $vm, $k)
    }};
}
pub(crate) use drop_two_next;

#[inline(never)]
unsafe fn die(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64, bits: u64) {
    // SAFETY: the count of `bits` is zero; the frame stands before the instruction at `ip`.
    unsafe {
        At::new(ip.sub(1), fp, vm, k);
        dealloc(bits as *mut Header);
    }
}

#[cold]
#[inline(never)]
pub(crate) unsafe fn die_next(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64, bits: u64) {
    // SAFETY: as for die.
    unsafe {
        die(ip, fp, vm, k, bits);
        next!(ip, fp, vm, k)
    }
}

#[cold]
#[inline(never)]
pub(crate) unsafe fn die_drop_next(
    ip: *const Cell,
    fp: *mut u64,
    vm: &'static Thread,
    k: *const u64,
    first: u64,
    second: u64,
) {
    // SAFETY: as for die; `second` owned its reference.
    unsafe {
        die(ip, fp, vm, k, first);
        drop_next!(second, ip, fp, vm, k)
    }
}

/// Writes a result and goes on: a variable's old value is dropped.
macro_rules! store_next {
    ($place:expr, $value:expr, $ip:expr, $size:expr, $fp:expr, $vm:expr, $k:expr) => {{
        let slot = $fp.add((*$ip).a as usize);
        if $place == LOCAL {
            let old = *slot;
            *slot = $value;
            drop_next!(old, $ip.add($size), $fp, $vm, $k)
        } else {
            *slot = $value;
            next!($ip.add($size), $fp, $vm, $k)
        }
    }};
}
pub(crate) use store_next;

macro_rules! handler {
    ($(#[$meta:meta])* fn $name:ident $(<$(const $p:ident: $t:ty),*>)? ($ip:ident, $fp:ident, $vm:ident, $k:ident) $body:block) => {
        $(#[$meta])*
        pub(crate) unsafe fn $name $(<$(const $p: $t),*>)? ($ip: *const Cell, $fp: *mut u64, $vm: &'static Thread, $k: *const u64) {
            // SAFETY: verified code keeps to its registers, constants and instructions.
            #[allow(unused_unsafe)]
            unsafe { $body }
        }
    };
}
pub(crate) use handler;

// ---------------------------------------------------------------------------------------------------------------------
// Moves

handler! {
    /// temporary a := variable b
    fn move_lt(ip, fp, vm, k) {
        let value = *fp.add((*ip).b as usize);
        share_bits(value);
        *fp.add((*ip).a as usize) = value;
        next!(ip.add(1), fp, vm, k)
    }
}

handler! {
    /// variable a := variable b
    fn move_ll(ip, fp, vm, k) {
        let value = *fp.add((*ip).b as usize);
        share_bits(value);
        store_next!(LOCAL, value, ip, 1, fp, vm, k)
    }
}

handler! {
    /// variable a := temporary b, moved
    fn move_tl(ip, fp, vm, k) {
        let from = fp.add((*ip).b as usize);
        let value = *from;
        *from = EMPTY;
        store_next!(LOCAL, value, ip, 1, fp, vm, k)
    }
}

handler! {
    /// temporary a := temporary b, moved
    fn move_tt(ip, fp, vm, k) {
        let from = fp.add((*ip).b as usize);
        let value = *from;
        *from = EMPTY;
        *fp.add((*ip).a as usize) = value;
        next!(ip.add(1), fp, vm, k)
    }
}

handler! {
    /// temporary a := temporary b, copied
    fn copy_tt(ip, fp, vm, k) {
        let value = *fp.add((*ip).b as usize);
        share_bits(value);
        *fp.add((*ip).a as usize) = value;
        next!(ip.add(1), fp, vm, k)
    }
}

handler! {
    /// temporary a := constant b
    fn load_const_t(ip, fp, vm, k) {
        let value = *k.add((*ip).b as usize);
        share_bits(value);
        *fp.add((*ip).a as usize) = value;
        next!(ip.add(1), fp, vm, k)
    }
}

handler! {
    /// variable a := constant b
    fn load_const_l(ip, fp, vm, k) {
        let value = *k.add((*ip).b as usize);
        share_bits(value);
        store_next!(LOCAL, value, ip, 1, fp, vm, k)
    }
}

handler! {
    /// drops temporary a
    fn drop_t(ip, fp, vm, k) {
        let slot = fp.add((*ip).a as usize);
        let old = *slot;
        *slot = EMPTY;
        drop_next!(old, ip.add(1), fp, vm, k)
    }
}

handler! {
    /// raises UnboundLocalError unless variable a is bound
    fn check_bound(ip, fp, vm, k) {
        if *fp.add((*ip).a as usize) == EMPTY {
            become_handler!(raise_unbound, ip, fp, vm, k)
        }
        next!(ip.add(1), fp, vm, k)
    }
}

handler! {
    /// unbinds variable a
    fn delete_fast(ip, fp, vm, k) {
        let slot = fp.add((*ip).a as usize);
        let old = *slot;
        if old == EMPTY {
            become_handler!(raise_unbound, ip, fp, vm, k)
        }
        *slot = EMPTY;
        drop_next!(old, ip.add(1), fp, vm, k)
    }
}

operation!(
    #[cold]
    raise_unbound,
    1,
    |at| {
        let name = at.code().varnames().get(at.a() as usize).and_then(|name| name.downcast::<Str>());
        Err(unbound_local_error(format!(
            "local variable '{}' referenced before assignment",
            name.map(Str::to_string_lossy).unwrap_or_default()
        )))
    }
);

// ---------------------------------------------------------------------------------------------------------------------
// Arithmetic

#[inline(always)]
unsafe fn operand_pair<const SHAPE: u8>(b: u32, c: u32, fp: *mut u64, k: *const u64) -> (u64, u64) {
    // SAFETY: verified operands.
    unsafe {
        match SHAPE {
            RR => (*fp.add(b as usize), *fp.add(c as usize)),
            RI => (*fp.add(b as usize), ((c as i32 as i64) << 1) as u64 | 1),
            RK => (*fp.add(b as usize), *k.add(c as usize)),
            _ => (*k.add(b as usize), *fp.add(c as usize)),
        }
    }
}

/// Both operands as owned values, for slow paths: temporaries are moved out.
fn operand_values<const SHAPE: u8>(at: At, b: u32, c: u32) -> (Value, Value) {
    match SHAPE {
        RR => (at.operand(b), at.operand(c)),
        RI => (at.operand(b), Value::int((c as i32).into())),
        RK => (at.operand(b), at.constant(c)),
        _ => (at.constant(b), at.operand(c)),
    }
}

handler! {
    /// a := b OP c
    fn binary_op<const OP: u8, const INPLACE: bool, const SHAPE: u8, const PLACE: u8>(ip, fp, vm, k) {
        let (left, right) = operand_pair::<SHAPE>((*ip).b, (*ip).c, fp, k);
        let result = arithmetic::binary::<OP>(left, right);
        if result != 0 {
            store_next!(PLACE, result, ip, 1, fp, vm, k)
        }
        become_handler!((binary_mixed::<OP, INPLACE, SHAPE, PLACE>), ip, fp, vm, k)
    }
}

handler! {
    /// `binary_op` of an int and a float.
    #[inline(never)]
    fn binary_mixed<const OP: u8, const INPLACE: bool, const SHAPE: u8, const PLACE: u8>(ip, fp, vm, k) {
        if arithmetic::has_mixed(OP) {
            let (left, right) = operand_pair::<SHAPE>((*ip).b, (*ip).c, fp, k);
            let result = arithmetic::binary_mixed::<OP>(left, right);
            if result != 0 {
                store_next!(PLACE, result, ip, 1, fp, vm, k)
            }
        }
        become_handler!((binary_slow::<OP, INPLACE, SHAPE>), ip, fp, vm, k)
    }
}

operation_generic! {
    /// The slow path of `binary_op`.
    binary_slow<const OP: u8, const INPLACE: bool, const SHAPE: u8>, 1, |at| {
        let op = BinaryOp::ALL[OP as usize];
        // SAFETY: verified operands.
        let (left, right) = unsafe { operand_pair::<SHAPE>(at.b(), at.c(), at.fp, at.k) };
        let mixed = arithmetic::binary_extreme(op, left, right);
        if mixed != 0 {
            // SAFETY: a new value; the operands were immediate.
            at.set(at.a(), unsafe { Value::from_bits(mixed) });
            return Ok(());
        }
        if OP == BinaryOp::Add as u8 && (SHAPE == RR || SHAPE == RK) && at.a() == at.b() && append_str::<SHAPE>(at) {
            return Ok(());
        }
        let (left, right) = operand_values::<SHAPE>(at, at.b(), at.c());
        let result = if INPLACE { number::inplace(op, &left, &right)? } else { number::binary(op, &left, &right)? };
        drop((left, right));
        at.set(at.a(), result);
        Ok(())
    }
}

/// `s = s + t` with strs, `s` being referred to by its variable alone: the text grows where it is. As
/// `unicode_concatenate`.
fn append_str<const SHAPE: u8>(at: At) -> bool {
    let right = if SHAPE == RK { at.constant(at.c()) } else { at.get(at.c()) };
    let Some(tail) = right.exact::<Str>() else { return false };
    let left = at.take(at.b());
    match Str::append(left, tail) {
        Ok(joined) => {
            if SHAPE == RR && at.c() >= at.meta().named {
                drop(at.take(at.c()));
            }
            at.put(at.a(), joined);
            true
        }
        Err(left) => {
            at.put(at.b(), left);
            false
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Comparison

handler! {
    /// a := b OP c
    fn compare_value<const OP: u8, const SHAPE: u8, const PLACE: u8>(ip, fp, vm, k) {
        let (left, right) = operand_pair::<SHAPE>((*ip).b, (*ip).c, fp, k);
        let holds = arithmetic::compare::<OP>(left, right);
        if holds != 2 {
            let result = Value::bool(holds != 0).into_bits();
            store_next!(PLACE, result, ip, 1, fp, vm, k)
        }
        become_handler!((compare_value_slow::<OP, SHAPE>), ip, fp, vm, k)
    }
}

operation_generic! {
    /// The slow path of `compare_value`.
    compare_value_slow<const OP: u8, const SHAPE: u8>, 1, |at| {
        let (left, right) = operand_values::<SHAPE>(at, at.b(), at.c());
        let op = Compare::ALL[OP as usize];
        let result = match quick_compare(&left, &right, op) {
            Some(holds) => Value::bool(holds),
            None => compare_protocol::rich(&left, &right, op)?,
        };
        drop((left, right));
        at.set(at.a(), result);
        Ok(())
    }
}

/// Equality of exact strs without the protocol.
#[inline]
fn quick_compare(left: &Value, right: &Value, op: Compare) -> Option<bool> {
    if !matches!(op, Compare::Eq | Compare::Ne) {
        return None;
    }
    let (a, b) = (left.exact::<Str>()?, right.exact::<Str>()?);
    Some((left.is(right) || a.equals(b)) == (op == Compare::Eq))
}

handler! {
    /// jumps by c when the truth of a OP b is WHEN
    fn compare_and_jump<const OP: u8, const SHAPE: u8, const WHEN: bool>(ip, fp, vm, k) {
        let (left, right) = operand_pair::<SHAPE>((*ip).a, (*ip).b, fp, k);
        let holds = arithmetic::compare::<OP>(left, right);
        if holds != 2 {
            if (holds != 0) == WHEN {
                jump!(ip, fp, vm, k)
            }
            next!(ip.add(1), fp, vm, k)
        }
        become_handler!((compare_and_jump_slow::<OP, SHAPE, WHEN>), ip, fp, vm, k)
    }
}

branch_generic! {
    /// The slow path of `compare_and_jump`.
    compare_and_jump_slow<const OP: u8, const SHAPE: u8, const WHEN: bool>, |at| {
        let (left, right) = operand_values::<SHAPE>(at, at.a(), at.b());
        let op = Compare::ALL[OP as usize];
        let holds = match quick_compare(&left, &right, op) {
            Some(holds) => holds,
            None => number::truth(&compare_protocol::rich(&left, &right, op)?)?,
        };
        Ok(holds == WHEN)
    }
}

handler! {
    /// jumps by c when (a is b) is WHEN
    fn identity_and_jump<const SHAPE: u8, const WHEN: bool>(ip, fp, vm, k) {
        let (left, right) = operand_pair::<SHAPE>((*ip).a, (*ip).b, fp, k);
        let next_ip = if (left == right) == WHEN { ip.offset((*ip).c as i32 as isize) } else { ip.add(1) };
        // Temporaries are used up.
        let named = Meta::of(k).named;
        let (mut first, mut second) = (EMPTY, EMPTY);
        if (*ip).a >= named {
            *fp.add((*ip).a as usize) = EMPTY;
            first = left;
        }
        if SHAPE == RR && (*ip).b >= named {
            *fp.add((*ip).b as usize) = EMPTY;
            second = right;
        }
        drop_two_next!(first, second, next_ip, fp, vm, k)
    }
}

/// The truth of small ints, bools and None.
#[inline(always)]
fn plain_truth(bits: u64) -> Option<bool> {
    if bits & 1 != 0 {
        Some(bits != 1)
    } else if bits == TRUE_WORD {
        Some(true)
    } else if bits == FALSE_WORD || bits == NONE_WORD {
        Some(false)
    } else {
        None
    }
}

handler! {
    /// a := not a
    fn unary_not(ip, fp, vm, k) {
        let slot = fp.add((*ip).a as usize);
        let bits = *slot;
        let Some(truth) = plain_truth(bits) else { become_handler!(unary_not_slow, ip, fp, vm, k) };
        *slot = if truth { FALSE_WORD } else { TRUE_WORD };
        next!(ip.add(1), fp, vm, k)
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Jumps

handler! {
    /// jumps by c
    fn jump(ip, fp, vm, k) {
        jump!(ip, fp, vm, k)
    }
}

handler! {
    /// jumps back by c; whoever wants attention gets it here
    fn jump_back(ip, fp, vm, k) {
        if vm.breaker.load(Relaxed) {
            become_handler!(attend, ip, fp, vm, k)
        }
        jump!(ip, fp, vm, k)
    }
}

handler! {
    /// jumps by c when the truth of a is WHEN
    fn truth_and_jump<const PLACE: u8, const WHEN: bool>(ip, fp, vm, k) {
        let bits = *fp.add((*ip).a as usize);
        let Some(truth) = plain_truth(bits) else { become_handler!((truth_and_jump_slow::<PLACE, WHEN>), ip, fp, vm, k) };
        if truth == WHEN {
            jump!(ip, fp, vm, k)
        }
        next!(ip.add(1), fp, vm, k)
    }
}

const NONE_WORD: u64 = 0x0c;
const FALSE_WORD: u64 = 0x14;
const TRUE_WORD: u64 = 0x1c;

branch_generic! {
    /// The slow path of `truth_and_jump`.
    truth_and_jump_slow<const PLACE: u8, const WHEN: bool>, |at| {
        let value = if PLACE == TEMP { at.take(at.a()) } else { at.get(at.a()) };
        Ok(number::truth(&value)? == WHEN)
    }
}

handler! {
    /// jumps by c when the truth of temporary a is WHEN, else drops it
    fn truth_or_pop<const WHEN: bool>(ip, fp, vm, k) {
        let bits = *fp.add((*ip).a as usize);
        if is_heap(bits) || bits & 3 == 2 {
            become_handler!((truth_or_pop_slow::<WHEN>), ip, fp, vm, k)
        }
        let truth = if bits & 1 != 0 { bits != 1 } else { !(bits == FALSE_WORD || bits == NONE_WORD) };
        if truth == WHEN {
            jump!(ip, fp, vm, k)
        }
        next!(ip.add(1), fp, vm, k)
    }
}

branch_generic! {
    /// The slow path of `truth_or_pop`.
    truth_or_pop_slow<const WHEN: bool>, |at| {
        let value = at.get(at.a());
        let jumps = number::truth(&value)? == WHEN;
        if !jumps {
            drop(at.take(at.a()));
        }
        Ok(jumps)
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Iteration

handler! {
    /// a := the next item of iterator b, or drops the iterator and jumps by c
    fn for_next<const PLACE: u8>(ip, fp, vm, k) {
        let iterator = *fp.add((*ip).b as usize);
        if is_heap(iterator) {
            let ty: *const TypeObject = (*(iterator as *const Header)).ty();
            if std::ptr::eq(ty, &RANGE_ITERATOR) {
                let range = &*(iterator as *const RangeIterator);
                let remaining = range.remaining().get();
                let item = range.next().get();
                let word = (item << 1) as u64 | 1;
                if remaining > 0 && word as i64 >> 1 == item {
                    range.next().set(item.wrapping_add(range.step().get()));
                    range.remaining().set(remaining - 1);
                    store_next!(PLACE, word, ip, 1, fp, vm, k)
                }
            } else if std::ptr::eq(ty, &LIST_ITERATOR) {
                let position = &*(iterator as *const ListIterator);
                let list = position.list.peek_bits();
                if list != 0 {
                    let (items, len) = (*(list as *const List)).items().raw_parts();
                    let index = position.index.get();
                    if index < len {
                        position.index.set(index + 1);
                        let value = *(items.add(index) as *const u64);
                        share_bits(value);
                        store_next!(PLACE, value, ip, 1, fp, vm, k)
                    }
                }
            } else if std::ptr::eq(ty, &TUPLE_ITERATOR) {
                let position = &*(iterator as *const TupleIterator);
                let tuple = position.tuple.peek_bits();
                if tuple != 0 {
                    let items = (*(tuple as *const Tuple)).as_slice();
                    let index = position.index.get();
                    if index < items.len() {
                        position.index.set(index + 1);
                        let value = items.get_unchecked(index).bits();
                        share_bits(value);
                        store_next!(PLACE, value, ip, 1, fp, vm, k)
                    }
                }
            } else if std::ptr::eq(ty, &GENERATOR) {
                become_handler!(for_generator, ip, fp, vm, k)
            }
        }
        become_handler!((for_next_quick::<PLACE>), ip, fp, vm, k)
    }
}

handler! {
    /// `for_next` of an iterator that has a quick way.
    #[inline(never)]
    fn for_next_quick<const PLACE: u8>(ip, fp, vm, k) {
        let iterator = fp.add((*ip).b as usize);
        if is_heap(*iterator)
            && let Some(quick) = (*(*iterator as *const Header)).ty().get_quick_next()
        {
            At::new(ip, fp, vm, k);
            if let Some(item) = quick(&*(iterator as *const Value)) {
                let item = item.into_bits();
                store_next!(PLACE, item, ip, 1, fp, vm, k)
            }
        }
        become_handler!(for_next_slow, ip, fp, vm, k)
    }
}

/// The general `for_next`: 0 an item is there, 1 the end, 2 an exception.
#[inline(never)]
unsafe fn for_next_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) -> u8 {
    // SAFETY: the handler's arguments.
    let at = unsafe { At::new(ip, fp, vm, k) };
    let iterator = at.get(at.b());
    match iter::next(&iterator) {
        Ok(Some(item)) => {
            at.set(at.a(), item);
            0
        }
        Ok(None) => {
            if vm.use_tracing() && crate::object::slot_functions::stops_by_exception(&iterator) {
                drop(crate::vm::trace::stop_event(vm, &Value::NONE));
            }
            drop(iterator);
            drop(at.take(at.b()));
            1
        }
        Err(raised) => {
            vm.set_raised(raised);
            2
        }
    }
}

handler! {
    #[inline(never)]
    fn for_next_slow(ip, fp, vm, k) {
        match for_next_work(ip, fp, vm, k) {
            0 => next!(ip.add(1), fp, vm, k),
            1 => jump!(ip, fp, vm, k),
            _ => become_handler!(raise, ip, fp, vm, k),
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Choosing handlers

macro_rules! by_shape {
    ($f:ident, $op:expr, $inplace:expr) => {
        [
            [$f::<{ $op }, $inplace, RR, TEMP> as Handler, $f::<{ $op }, $inplace, RR, LOCAL>],
            [$f::<{ $op }, $inplace, RI, TEMP>, $f::<{ $op }, $inplace, RI, LOCAL>],
            [$f::<{ $op }, $inplace, RK, TEMP>, $f::<{ $op }, $inplace, RK, LOCAL>],
            [$f::<{ $op }, $inplace, KR, TEMP>, $f::<{ $op }, $inplace, KR, LOCAL>],
        ]
    };
}

macro_rules! by_op {
    ($inplace:expr) => {
        [
            by_shape!(binary_op, 0, $inplace),
            by_shape!(binary_op, 1, $inplace),
            by_shape!(binary_op, 2, $inplace),
            by_shape!(binary_op, 3, $inplace),
            by_shape!(binary_op, 4, $inplace),
            by_shape!(binary_op, 5, $inplace),
            by_shape!(binary_op, 6, $inplace),
            by_shape!(binary_op, 7, $inplace),
            by_shape!(binary_op, 8, $inplace),
            by_shape!(binary_op, 9, $inplace),
            by_shape!(binary_op, 10, $inplace),
            by_shape!(binary_op, 11, $inplace),
            by_shape!(binary_op, 12, $inplace),
            by_shape!(binary_op, 13, $inplace),
        ]
    };
}

static BINARY: [[[Handler; 2]; 4]; BINARY_OPS] = by_op!(false);
static INPLACE: [[[Handler; 2]; 4]; BINARY_OPS] = by_op!(true);

/// `a := b OP c`
pub(crate) fn binary(op: BinaryOp, inplace: bool, shape: Shape, place: Place) -> Handler {
    let table = if inplace { &INPLACE } else { &BINARY };
    table[op as usize][shape as usize][usize::from(place == Place::Local)]
}

macro_rules! compare_table {
    ($f:ident, $x:expr, $y:expr) => {
        [
            compare_table!(@op $f, 0, $x, $y),
            compare_table!(@op $f, 1, $x, $y),
            compare_table!(@op $f, 2, $x, $y),
            compare_table!(@op $f, 3, $x, $y),
            compare_table!(@op $f, 4, $x, $y),
            compare_table!(@op $f, 5, $x, $y),
        ]
    };
    (@op $f:ident, $op:expr, $x:expr, $y:expr) => {
        [
            [$f::<{ $op }, RR, $x> as Handler, $f::<{ $op }, RR, $y>],
            [$f::<{ $op }, RI, $x>, $f::<{ $op }, RI, $y>],
            [$f::<{ $op }, RK, $x>, $f::<{ $op }, RK, $y>],
        ]
    };
}

static COMPARE: [[[Handler; 2]; 3]; 6] = compare_table!(compare_value, TEMP, LOCAL);
static COMPARE_JUMP: [[[Handler; 2]; 3]; 6] = compare_table!(compare_and_jump, false, true);

/// `a := b OP c`
pub(crate) fn compare(op: Compare, shape: Shape, place: Place) -> Handler {
    COMPARE[op as usize][shape as usize][usize::from(place == Place::Local)]
}

/// `if (a OP b) == when: jump`
pub(crate) fn compare_jump(op: Compare, shape: Shape, when: bool) -> Handler {
    COMPARE_JUMP[op as usize][shape as usize][usize::from(when)]
}

/// `if (a is b) == when: jump`
pub(crate) fn identity_jump(shape: Shape, when: bool) -> Handler {
    match (shape, when) {
        (Shape::Rk, false) => identity_and_jump::<RK, false>,
        (Shape::Rk, true) => identity_and_jump::<RK, true>,
        (_, false) => identity_and_jump::<RR, false>,
        (_, true) => identity_and_jump::<RR, true>,
    }
}

/// `if bool(a) == when: jump`
pub(crate) fn jump_if(when: bool, place: Place) -> Handler {
    match (place, when) {
        (Place::Local, false) => truth_and_jump::<LOCAL, false>,
        (Place::Local, true) => truth_and_jump::<LOCAL, true>,
        (_, false) => truth_and_jump::<TEMP, false>,
        (_, true) => truth_and_jump::<TEMP, true>,
    }
}

/// `if bool(a) == when: jump, else drop a`
pub(crate) fn jump_or_pop(when: bool) -> Handler {
    if when { truth_or_pop::<true> } else { truth_or_pop::<false> }
}

/// `a := next(b), or jump`
pub(crate) fn for_iter(place: Place) -> Handler {
    if place == Place::Local { for_next::<LOCAL> } else { for_next::<TEMP> }
}

/// `return a`
pub(crate) fn return_value(place: Place) -> Handler {
    match place {
        Place::Temp => return_from::<TEMP>,
        Place::Local => return_from::<LOCAL>,
        Place::Const => return_from::<CONST>,
    }
}

/// `a := contents of cell b`
pub(crate) fn load_deref(place: Place) -> Handler {
    if place == Place::Local { load_cell::<LOCAL> } else { load_cell::<TEMP> }
}
