//! Reading and writing registers, for what is not a hot path.

use super::cell::Cell;
use super::{EMPTY, is_heap};
use crate::object::value::Value;
use crate::types::code::Code;
use crate::types::generator;
use crate::vm::thread::Thread;
use crate::vm::translate::Meta;

/// A frame at an instruction.
#[derive(Clone, Copy)]
pub(crate) struct At {
    pub ip: *const Cell,
    pub fp: *mut u64,
    pub vm: &'static Thread,
    pub k: *const u64,
}

impl At {
    /// The frame, its state written down for whoever looks.
    ///
    /// # Safety
    /// The arguments are those of a running handler.
    #[inline(always)]
    pub unsafe fn new(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) -> At {
        vm.ip.set(ip);
        vm.fp.set(fp);
        vm.k.set(k);
        At { ip, fp, vm, k }
    }

    // The contract of `new` makes what follows sound: registers, constants and operands come from verified code, and
    // whatever is taken is replaced by an empty word.

    #[inline(always)]
    pub fn a(self) -> u32 {
        // SAFETY: see above.
        unsafe { (*self.ip).a }
    }

    #[inline(always)]
    pub fn b(self) -> u32 {
        // SAFETY: see above.
        unsafe { (*self.ip).b }
    }

    #[inline(always)]
    pub fn c(self) -> u32 {
        // SAFETY: see above.
        unsafe { (*self.ip).c }
    }

    #[inline(always)]
    pub fn meta(self) -> &'static Meta {
        // SAFETY: see above; the frame keeps its code alive.
        unsafe { Meta::of(self.k) }
    }

    #[inline(always)]
    pub fn code(self) -> &'static Code {
        self.meta().code()
    }

    /// The name in operand `c`.
    #[inline(always)]
    pub fn name(self) -> &'static Value {
        &self.code().names()[self.c() as usize]
    }

    #[inline(always)]
    pub fn slot(self, register: u32) -> *mut u64 {
        // SAFETY: see above.
        unsafe { self.fp.add(register as usize) }
    }

    #[inline(always)]
    pub fn bits(self, register: u32) -> u64 {
        // SAFETY: see above.
        unsafe { *self.slot(register) }
    }

    /// Moves a register's value out.
    #[inline(always)]
    pub fn take(self, register: u32) -> Value {
        // SAFETY: see above.
        unsafe {
            let bits = *self.slot(register);
            *self.slot(register) = EMPTY;
            Value::from_bits(bits)
        }
    }

    /// Empties a register whose value was moved elsewhere.
    #[inline(always)]
    pub fn forget(self, register: u32) {
        // SAFETY: see above.
        unsafe { *self.slot(register) = EMPTY }
    }

    /// A new reference to a register's value.
    #[inline(always)]
    pub fn get(self, register: u32) -> Value {
        // SAFETY: see above.
        unsafe {
            let value = std::mem::ManuallyDrop::new(Value::from_bits(self.bits(register)));
            (*value).clone()
        }
    }

    /// The value of an operand: a variable's is copied, a temporary's moved out.
    #[inline(always)]
    pub fn operand(self, register: u32) -> Value {
        if register < self.meta().named { self.get(register) } else { self.take(register) }
    }

    /// A new reference to a constant.
    #[inline(always)]
    pub fn constant(self, index: u32) -> Value {
        // SAFETY: see above.
        unsafe {
            let value = std::mem::ManuallyDrop::new(Value::from_bits(*self.k.add(index as usize)));
            (*value).clone()
        }
    }

    /// Writes an empty temporary.
    #[inline(always)]
    pub fn put(self, register: u32, value: Value) {
        // SAFETY: see above.
        unsafe { *self.slot(register) = value.into_bits() }
    }

    /// Writes any register; the old value dies after.
    #[inline(always)]
    pub fn set(self, register: u32, value: Value) {
        // SAFETY: see above.
        unsafe {
            let old = *self.slot(register);
            *self.slot(register) = value.into_bits();
            drop_bits(old);
        }
    }

    /// Moves the values of `count` registers out.
    pub fn take_many(self, first: u32, count: u32) -> Vec<Value> {
        (first..first + count).map(|register| self.take(register)).collect()
    }

    /// The values of `count` registers as a slice.
    ///
    /// # Safety
    /// The registers are not written while the slice is used.
    #[inline(always)]
    pub unsafe fn slice<'a>(self, first: u32, count: u32) -> &'a [Value] {
        // SAFETY: a word is a value, owned by the register.
        unsafe { std::slice::from_raw_parts(self.slot(first) as *const Value, count as usize) }
    }

    /// The first free register of the stack: where frames that this one calls go when its own registers do not hold the
    /// arguments in place.
    #[inline(always)]
    pub fn top(self) -> *mut u64 {
        // SAFETY: a running frame.
        unsafe { top_of(self.fp, self.k) }
    }

    /// Whether the frame runs in a generator's object, not on the stack.
    #[inline(always)]
    pub fn in_object(self) -> bool {
        self.meta().in_object && generator::of(self.callee()).is_some()
    }

    /// The function that the frame runs: what stands before its first register.
    #[inline]
    pub fn callee(self) -> &'static Value {
        // SAFETY: the frame owns it while it runs.
        unsafe { &*(self.fp.sub(1) as *const Value) }
    }
}

/// The first register of the stack that no frame uses, given the running one.
///
/// # Safety
/// The arguments are those of a running handler.
#[inline(always)]
pub(crate) unsafe fn top_of(fp: *mut u64, k: *const u64) -> *mut u64 {
    // SAFETY: the caller's; what stands before the registers is the function or generator that runs.
    unsafe {
        let meta = Meta::of(k);
        if meta.in_object
            && let Some(generator) = generator::of(&*(fp.sub(1) as *const Value))
        {
            return generator.top();
        }
        fp.add(meta.frame_size as usize)
    }
}

/// Counts down the reference in a word, if it is one.
///
/// # Safety
/// The word owned its reference.
#[inline(always)]
pub(crate) unsafe fn drop_bits(bits: u64) {
    if is_heap(bits) {
        // SAFETY: the caller's.
        drop(unsafe { Value::from_bits(bits) });
    }
}

/// Counts up the reference in a word, if it is one.
///
/// # Safety
/// The word is a value that somebody else owns.
#[inline(always)]
pub(crate) unsafe fn share_bits(bits: u64) {
    if is_heap(bits) {
        // SAFETY: a live object.
        unsafe { (*(bits as *const crate::object::header::Header)).increment() }
    }
}

/// Empties registers, dropping what they hold.
///
/// # Safety
/// The registers belong to the caller.
pub(crate) unsafe fn clear(first: *mut u64, count: usize) {
    for index in 0..count {
        // SAFETY: the caller's.
        unsafe {
            let slot = first.add(index);
            let bits = *slot;
            *slot = EMPTY;
            drop_bits(bits);
        }
    }
}
