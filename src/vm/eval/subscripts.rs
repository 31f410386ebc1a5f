//! The handlers of `container[index]` and `container[index] = value`.

use super::cell::Cell;
use super::control::{can_enter, enter_above};
use super::handlers::{
    die_drop_next, die_next, drop_next, drop_two_next, handler, operation, operation_generic, store_next,
};
use super::registers::{At, share_bits};
use super::unwind::raise;
use super::{CONST, LOCAL, TEMP};
use super::{EMPTY, Handler, Place, become_handler, is_heap, next};
use crate::modules::array::{self, ARRAY};
use crate::name;
use crate::object::error::PyResult;
use crate::object::header::Header;
use crate::object::value::Value;
use crate::object::{TypeObject, sequence};
use crate::types::function::Function;
use crate::types::list::{LIST, List};
use crate::types::tuple::{TUPLE, Tuple};
use crate::vm::thread::Thread;

handler! {
    /// a := b[c]
    fn subscr<const CONTAINER: u8, const IMMEDIATE: bool, const PLACE: u8>(ip, fp, vm, k) {
        let container = *fp.add((*ip).b as usize);
        let index = if IMMEDIATE { ((*ip).c as i32 as i64) << 1 | 1 } else { *fp.add((*ip).c as usize) as i64 };
        if index & 1 != 0 && is_heap(container) {
            let header = &*(container as *const Header);
            if std::ptr::eq(header.ty(), &LIST) {
                let (items, len) = (*(container as *const List)).items().raw_parts();
                let index = index >> 1;
                let index = if index < 0 { index + len as i64 } else { index } as usize;
                if index < len {
                    let value = *(items.add(index) as *const u64);
                    share_bits(value);
                    if CONTAINER == TEMP {
                        *fp.add((*ip).b as usize) = EMPTY;
                        let slot = fp.add((*ip).a as usize);
                        let old = if PLACE == LOCAL { *slot } else { EMPTY };
                        *slot = value;
                        drop_two_next!(old, container, ip.add(1), fp, vm, k)
                    }
                    store_next!(PLACE, value, ip, 1, fp, vm, k)
                }
            }
        }
        become_handler!((subscr_tuple::<CONTAINER, IMMEDIATE, PLACE>), ip, fp, vm, k)
    }
}

handler! {
    /// `subscr` of a tuple, and of what has machine numbers in it.
    #[inline(never)]
    fn subscr_tuple<const CONTAINER: u8, const IMMEDIATE: bool, const PLACE: u8>(ip, fp, vm, k) {
        let container = *fp.add((*ip).b as usize);
        let index = if IMMEDIATE { ((*ip).c as i32 as i64) << 1 | 1 } else { *fp.add((*ip).c as usize) as i64 };
        if index & 1 != 0 && is_heap(container) {
            let header = &*(container as *const Header);
            let mut value = EMPTY;
            if std::ptr::eq(header.ty(), &TUPLE) {
                let items = (*(container as *const Tuple)).as_slice();
                let index = index >> 1;
                let index = if index < 0 { index + items.len() as i64 } else { index } as usize;
                if index < items.len() {
                    value = items.get_unchecked(index).bits();
                    share_bits(value);
                }
            } else if std::ptr::eq(header.ty(), &ARRAY) {
                value = array::number_at(&*(fp.add((*ip).b as usize) as *const Value), index >> 1)
                    .map_or(EMPTY, Value::into_bits);
            }
            if value != EMPTY {
                if CONTAINER == TEMP {
                    *fp.add((*ip).b as usize) = EMPTY;
                    let slot = fp.add((*ip).a as usize);
                    let old = if PLACE == LOCAL { *slot } else { EMPTY };
                    *slot = value;
                    drop_two_next!(old, container, ip.add(1), fp, vm, k)
                }
                store_next!(PLACE, value, ip, 1, fp, vm, k)
            }
        }
        become_handler!((subscr_class::<CONTAINER, IMMEDIATE>), ip, fp, vm, k)
    }
}

handler! {
    /// `subscr` of an instance of a Python class: enters its `__getitem__`.
    #[inline(never)]
    fn subscr_class<const CONTAINER: u8, const IMMEDIATE: bool>(ip, fp, vm, k) {
        let container = *fp.add((*ip).b as usize);
        if is_heap(container)
            && (*(container as *const Header)).ty().is_heap_type()
            && subscr_class_work::<CONTAINER, IMMEDIATE>(ip, fp, vm, k)
        {
            next!(vm.ip.get(), vm.fp.get(), vm, vm.k.get())
        }
        become_handler!((subscr_slow::<CONTAINER, IMMEDIATE>), ip, fp, vm, k)
    }
}

/// The Python function that is the special method `name` of the instances of a class.
#[inline(always)]
fn special(ty: &TypeObject, name: &'static Value) -> Option<Value> {
    ty.lookup(name).filter(|found| found.is_exact::<Function>())
}

/// True when the frame of `__getitem__` was entered, which returns to the next instruction.
#[inline(never)]
unsafe fn subscr_class_work<const CONTAINER: u8, const IMMEDIATE: bool>(
    ip: *const Cell,
    fp: *mut u64,
    vm: &'static Thread,
    k: *const u64,
) -> bool {
    // SAFETY: the handler's arguments.
    let at = unsafe { At::new(ip, fp, vm, k) };
    let container = at.get(at.b());
    let Some(function) = special(container.ty(), name!("__getitem__")) else { return false };
    if !can_enter(at, &function, 2) {
        return false;
    }
    if CONTAINER == TEMP {
        drop(at.take(at.b()));
    }
    let index = if IMMEDIATE { Value::int((at.c() as i32).into()) } else { at.operand(at.c()) };
    // SAFETY: can_enter() said so; the result's register is named by this instruction.
    unsafe { enter_above(at, function, [container, index], ip.add(1)) };
    true
}

operation_generic! {
    /// The slow path of `subscr`.
    subscr_slow<const CONTAINER: u8, const IMMEDIATE: bool>, 1, |at| {
        let container = if CONTAINER == TEMP { at.take(at.b()) } else { at.get(at.b()) };
        let index = if IMMEDIATE { Value::int((at.c() as i32).into()) } else { at.operand(at.c()) };
        let value = sequence::get_item(&container, &index)?;
        drop((container, index));
        at.set(at.a(), value);
        Ok(())
    }
}

handler! {
    /// a[c] := b
    fn set_subscr<const CONTAINER: u8, const IMMEDIATE: bool, const VALUE: u8>(ip, fp, vm, k) {
        let container = *fp.add((*ip).a as usize);
        let index = if IMMEDIATE { ((*ip).c as i32 as i64) << 1 | 1 } else { *fp.add((*ip).c as usize) as i64 };
        if index & 1 != 0 && is_heap(container) {
            let header = &*(container as *const Header);
            if std::ptr::eq(header.ty(), &LIST) {
                let (items, len) = (*(container as *const List)).items().raw_parts();
                let index = index >> 1;
                let index = if index < 0 { index + len as i64 } else { index } as usize;
                if index < len {
                    let place = items.add(index) as *mut u64;
                    let value = if VALUE == CONST { *k.add((*ip).b as usize) } else { *fp.add((*ip).b as usize) };
                    if VALUE == TEMP {
                        *fp.add((*ip).b as usize) = EMPTY;
                    } else {
                        share_bits(value);
                    }
                    let old = *place;
                    *place = value;
                    if CONTAINER == TEMP {
                        *fp.add((*ip).a as usize) = EMPTY;
                        drop_two_next!(old, container, ip.add(STORE), fp, vm, k)
                    }
                    drop_next!(old, ip.add(STORE), fp, vm, k)
                }
            }
        }
        become_handler!((set_subscr_class::<CONTAINER, IMMEDIATE, VALUE>), ip, fp, vm, k)
    }
}

/// Cells of a store: behind it a cell that names a register for what `__setitem__` returns, and one that drops that.
pub(crate) const STORE: usize = 3;

operation!(
    /// Never executed: the second cell of a store.
    #[cold]
    stored,
    1,
    |_at| Err(crate::types::exceptions::system_error("a store was entered in its midst"))
);

handler! {
    /// `set_subscr` of an array, and of an instance of a Python class: enters its `__setitem__`.
    #[inline(never)]
    fn set_subscr_class<const CONTAINER: u8, const IMMEDIATE: bool, const VALUE: u8>(ip, fp, vm, k) {
        let container = *fp.add((*ip).a as usize);
        if is_heap(container) {
            let ty: *const TypeObject = (*(container as *const Header)).ty();
            if std::ptr::eq(ty, &ARRAY) && CONTAINER == LOCAL {
                let index = if IMMEDIATE { ((*ip).c as i32 as i64) << 1 | 1 } else { *fp.add((*ip).c as usize) as i64 };
                let value = if VALUE == CONST { k.add((*ip).b as usize) } else { fp.add((*ip).b as usize) as *const u64 };
                if index & 1 != 0
                    && !is_heap(*value)
                    && array::set_number_at(
                        &*(fp.add((*ip).a as usize) as *const Value),
                        index >> 1,
                        &*(value as *const Value),
                    )
                {
                    if VALUE == TEMP {
                        *fp.add((*ip).b as usize) = EMPTY;
                    }
                    next!(ip.add(STORE), fp, vm, k)
                }
            } else if (*ty).is_heap_type() && set_subscr_class_work::<CONTAINER, IMMEDIATE, VALUE>(ip, fp, vm, k) {
                next!(vm.ip.get(), vm.fp.get(), vm, vm.k.get())
            }
        }
        become_handler!((set_subscr_slow::<CONTAINER, IMMEDIATE, VALUE>), ip, fp, vm, k)
    }
}

/// True when the frame of `__setitem__` was entered.
#[inline(never)]
unsafe fn set_subscr_class_work<const CONTAINER: u8, const IMMEDIATE: bool, const VALUE: u8>(
    ip: *const Cell,
    fp: *mut u64,
    vm: &'static Thread,
    k: *const u64,
) -> bool {
    // SAFETY: the handler's arguments.
    let at = unsafe { At::new(ip, fp, vm, k) };
    let container = at.get(at.a());
    let Some(function) = special(container.ty(), name!("__setitem__")) else { return false };
    if !can_enter(at, &function, 3) {
        return false;
    }
    if CONTAINER == TEMP {
        drop(at.take(at.a()));
    }
    let index = if IMMEDIATE { Value::int((at.c() as i32).into()) } else { at.operand(at.c()) };
    let value = match VALUE {
        TEMP => at.take(at.b()),
        LOCAL => at.get(at.b()),
        _ => at.constant(at.b()),
    };
    // SAFETY: can_enter() said so; the cell before the one to return to names a register for the result.
    unsafe { enter_above(at, function, [container, index, value], ip.add(2)) };
    true
}

operation_generic! {
    /// The slow path of `set_subscr`.
    set_subscr_slow<const CONTAINER: u8, const IMMEDIATE: bool, const VALUE: u8>, STORE, |at| {
        let container = if CONTAINER == TEMP { at.take(at.a()) } else { at.get(at.a()) };
        let index = if IMMEDIATE { Value::int((at.c() as i32).into()) } else { at.operand(at.c()) };
        let value = match VALUE {
            TEMP => at.take(at.b()),
            LOCAL => at.get(at.b()),
            _ => at.constant(at.b()),
        };
        sequence::set_item(&container, &index, value)
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Choosing handlers

/// `a := b[c]`
pub(crate) fn subscript(container: Place, immediate: bool, place: Place) -> Handler {
    match (container == Place::Local, immediate, place == Place::Local) {
        (true, true, true) => subscr::<LOCAL, true, LOCAL>,
        (true, true, false) => subscr::<LOCAL, true, TEMP>,
        (true, false, true) => subscr::<LOCAL, false, LOCAL>,
        (true, false, false) => subscr::<LOCAL, false, TEMP>,
        (false, true, true) => subscr::<TEMP, true, LOCAL>,
        (false, true, false) => subscr::<TEMP, true, TEMP>,
        (false, false, true) => subscr::<TEMP, false, LOCAL>,
        (false, false, false) => subscr::<TEMP, false, TEMP>,
    }
}

/// `a[c] := b`
pub(crate) fn store_subscript(container: Place, immediate: bool, value: Place) -> Handler {
    match (container == Place::Local, immediate, value) {
        (true, true, Place::Temp) => set_subscr::<LOCAL, true, TEMP>,
        (true, true, Place::Local) => set_subscr::<LOCAL, true, LOCAL>,
        (true, true, Place::Const) => set_subscr::<LOCAL, true, CONST>,
        (true, false, Place::Temp) => set_subscr::<LOCAL, false, TEMP>,
        (true, false, Place::Local) => set_subscr::<LOCAL, false, LOCAL>,
        (true, false, Place::Const) => set_subscr::<LOCAL, false, CONST>,
        (false, true, Place::Temp) => set_subscr::<TEMP, true, TEMP>,
        (false, true, Place::Local) => set_subscr::<TEMP, true, LOCAL>,
        (false, true, Place::Const) => set_subscr::<TEMP, true, CONST>,
        (false, false, Place::Temp) => set_subscr::<TEMP, false, TEMP>,
        (false, false, Place::Local) => set_subscr::<TEMP, false, LOCAL>,
        (false, false, Place::Const) => set_subscr::<TEMP, false, CONST>,
    }
}
