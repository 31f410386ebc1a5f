//! The loop: every instruction is a handler that ends by jumping to the next one.
//!
//! A handler has one signature, [`Handler`], and ends in `next!`, which is a tail call (or, with the feature
//! `loop-dispatch`, a return to a plain loop). What would turn the tail call into a real one (a local whose address
//! escapes, a pending drop) is kept in functions of its own that are never inlined: the slow path of an instruction is a
//! cold handler of the same signature which calls such a function and then goes on.
//!
//! Registers are words: a value that owns its reference, or something that is no pointer. An empty temporary holds a
//! word that is not a pointer, so that whoever drops registers need not know which are in use.

pub mod arithmetic;
pub mod attributes;
pub mod cell;
pub mod control;
pub mod generators;
pub mod handlers;
pub mod registers;
pub mod slicing;
pub mod stack_operations;
pub mod subscripts;
pub mod tracing;
pub mod unpacking;
pub mod unwind;

use crate::object::value::UNBOUND_BITS;
use crate::vm::thread::Thread;
use cell::Cell;

/// What an instruction runs: instruction, registers, thread, constants.
pub type Handler = unsafe fn(*const Cell, *mut u64, &'static Thread, *const u64);

/// Where an operand or a result stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// A temporary: read once, its old content need not be dropped.
    Temp,
    /// A variable.
    Local,
    /// A constant.
    Const,
}

// The places as parameters of handlers.
const TEMP: u8 = Place::Temp as u8;
const LOCAL: u8 = Place::Local as u8;
const CONST: u8 = Place::Const as u8;

/// The operands of a binary operation: register or constant on either side, or a small int on the right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Register and register.
    Rr,
    /// Register and int.
    Ri,
    /// Register and constant.
    Rk,
    /// Constant and register.
    Kr,
}

/// The handler that the others' addresses are counted from.
#[inline(always)]
pub(crate) fn base() -> usize {
    control::halt as Handler as usize
}

/// The handler of an instruction.
///
/// # Safety
/// `word` came from [`cell::encode`].
#[inline(always)]
pub(crate) unsafe fn decode(word: u32) -> Handler {
    // SAFETY: the distance leads back to the handler that was encoded.
    unsafe { std::mem::transmute::<usize, Handler>(base().wrapping_add(word as i32 as isize as usize)) }
}

/// Goes on with the instruction at `$ip`.
macro_rules! next {
    ($ip:expr, $fp:expr, $vm:expr, $k:expr) => {{
        let ip: *const $crate::vm::eval::cell::Cell = $ip;
        #[cfg(not(feature = "loop-dispatch"))]
        {
            let handler = $crate::vm::eval::decode((*ip).handler);
            return handler(ip, $fp, $vm, $k);
        }
        #[cfg(feature = "loop-dispatch")]
        {
            $vm.ip.set(ip);
            $vm.fp.set($fp);
            $vm.k.set($k);
            return;
        }
    }};
}

/// Goes on with another handler for the same instruction.
macro_rules! become_handler {
    ($handler:expr, $ip:expr, $fp:expr, $vm:expr, $k:expr) => {{ return $handler($ip, $fp, $vm, $k) }};
}

/// Jumps by the distance in operand `c`.
macro_rules! jump {
    ($ip:expr, $fp:expr, $vm:expr, $k:expr) => {{
        let target = $ip.offset((*$ip).c as i32 as isize);
        next!(target, $fp, $vm, $k)
    }};
}

pub(crate) use {become_handler, jump, next};

/// Whether a word is a pointer to an object.
#[inline(always)]
pub(crate) fn is_heap(bits: u64) -> bool {
    bits & 7 == 0
}

/// The word of an empty register.
pub(crate) const EMPTY: u64 = UNBOUND_BITS;

/// Runs `handler` for the instruction at `ip`, and on until the native boundary.
///
/// # Safety
/// The frame at `fp` is complete; it returns to the native boundary.
#[inline(never)]
pub(crate) unsafe fn run(handler: Handler, ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) {
    // SAFETY: verified code keeps to its registers and instructions.
    unsafe {
        handler(ip, fp, vm, k);
        #[cfg(feature = "loop-dispatch")]
        while !control::is_boundary(vm.ip.get()) {
            let ip = vm.ip.get();
            decode((*ip).handler)(ip, vm.fp.get(), vm, vm.k.get());
        }
    }
}
