//! Frames: registers on the thread's stack, and the frame objects made when somebody looks.

use crate::object::value::Value;
use crate::types::cell::Cell as PyCell;
use crate::types::code::flags;
use crate::types::frame::Frame;
use crate::types::function::Function;
use crate::types::generator;
use crate::types::tuple::Tuple;
use crate::vm::eval::cell::Cell;
use crate::vm::eval::{EMPTY, registers};
use crate::vm::thread::{self, Thread};
use crate::vm::translate::Meta;

/// A native activation of the loop: where the code below it stands.
pub struct Activation {
    pub(crate) previous: *const Activation,
    pub(crate) ip: *const Cell,
    pub(crate) fp: *mut u64,
    pub(crate) k: *const u64,
}

/// Offsets of the header words behind a frame's variables.
pub(crate) const RETURN_IP: usize = 0;
/// See [`RETURN_IP`].
pub(crate) const CALLER_FP: usize = 1;
/// See [`RETURN_IP`].
pub(crate) const CALLER_K: usize = 2;
/// The frame object, once there is one.
pub(crate) const OBJECT: usize = 3;

/// Number of header words.
pub(crate) const HEADER_WORDS: usize = crate::vm::translate::FRAME_WORDS as usize;

/// Reserves registers; the system gives memory as they are touched.
///
/// # Panics
/// When the system has no address space left.
pub(crate) fn reserve_registers(words: usize) -> *mut u64 {
    // SAFETY: an anonymous private mapping.
    let start = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            words * 8,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    assert!(start != libc::MAP_FAILED, "no address space for registers");
    start as *mut u64
}

/// Gives registers back to the system.
pub(crate) fn give_registers_back(start: *mut u64, end: *mut u64) {
    // SAFETY: what reserve_registers() gave; the thread that used it has ended.
    unsafe {
        libc::munmap(start.cast(), end.byte_offset_from_unsigned(start));
    }
}

/// Words prepared at a time.
const STEP: usize = 1 << 13;

/// Prepares registers up to `end` and beyond: fills them with empty words. False when the stack is used up.
///
/// # Safety
/// Called by the thread that holds the GIL.
#[cold]
pub(crate) unsafe fn prepare_registers(vm: &Thread, end: *mut u64) -> bool {
    let mut limit = vm.prepared.get();
    // SAFETY: within the reserved words.
    unsafe {
        while limit < end {
            if limit.add(STEP) > vm.stack_end.get() {
                return false;
            }
            for index in 0..STEP {
                *limit.add(index) = EMPTY;
            }
            limit = limit.add(STEP);
        }
    }
    vm.prepared.set(limit);
    vm.settle_stack_limit();
    true
}

/// The first register that no frame uses.
pub(crate) fn top(vm: &Thread) -> *mut u64 {
    if vm.k.get().is_null() {
        return vm.stack_start.get().max(vm.floor.get());
    }
    // SAFETY: the running frame's constants.
    unsafe { registers::top_of(vm.fp.get(), vm.k.get()).max(vm.floor.get()) }
}

/// A frame on the stack: where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub ip: *const Cell,
    pub fp: *mut u64,
    pub k: *const u64,
    pub activation: *const Activation,
}

impl Place {
    /// The running frame.
    pub fn current(vm: &Thread) -> Option<Place> {
        let place = Place { ip: vm.ip.get(), fp: vm.fp.get(), k: vm.k.get(), activation: vm.activation.get() };
        if place.k.is_null() { None } else { Some(place) }
    }

    /// The frame that a running generator has on the stack.
    pub fn of_generator(generator: &Value) -> Option<Place> {
        let mut place = Place::current(thread::current());
        while let Some(found) = place {
            if found.callee().is(generator) {
                return Some(found);
            }
            place = found.caller();
        }
        None
    }

    /// What is known of its code.
    pub fn meta(self) -> &'static Meta {
        // SAFETY: a frame on the stack keeps its code alive.
        unsafe { Meta::of(self.k) }
    }

    /// A header word.
    pub fn word(self, index: usize) -> *mut u64 {
        // SAFETY: the header lies behind the variables.
        unsafe { self.fp.add(self.meta().named as usize + index) }
    }

    /// The frame that called this one.
    pub fn caller(self) -> Option<Place> {
        // SAFETY: the header of a complete frame; activations live while the code above them runs.
        unsafe {
            let return_ip = *self.word(RETURN_IP) as *const Cell;
            if crate::vm::eval::control::is_boundary(return_ip) {
                let activation = self.activation.as_ref()?;
                let place =
                    Place { ip: activation.ip, fp: activation.fp, k: activation.k, activation: activation.previous };
                return if place.k.is_null() { None } else { Some(place) };
            }
            Some(Place {
                ip: return_ip.sub(1),
                fp: *self.word(CALLER_FP) as *mut u64,
                k: *self.word(CALLER_K) as *const u64,
                activation: self.activation,
            })
        }
    }

    /// A variable by register, as far as it is bound.
    fn variable(self, register: usize) -> Option<Value> {
        // SAFETY: a variable of the frame, which owns what it holds.
        let value = std::mem::ManuallyDrop::new(unsafe { Value::from_bits(*self.fp.add(register)) });
        if value.is_unbound() { None } else { Some((*value).clone()) }
    }

    /// How many references to `object` CPython's caller of this frame would hold for the arguments it has passed: here they
    /// move into the callee's variables, and only what these hold still can be counted.
    pub fn held_by_caller(self, object: &Value) -> usize {
        // SAFETY: the header of a complete frame.
        let return_ip = unsafe { *self.word(RETURN_IP) as *const Cell };
        if crate::vm::eval::control::is_boundary(return_ip) || generator::of(self.callee()).is_some() {
            return 0;
        }
        let Some(caller) = self.caller() else { return 0 };
        let (given, constructs) = caller.meta().arguments_before(return_ip);
        let code = self.meta().code();
        let positional = (code.fields.argcount as usize).min(code.varnames().len());
        let locals = code.fields.nlocals as usize;
        let mut held = 0;
        for index in 0..given.min(positional) {
            let name = &code.varnames()[index];
            let found = self.variable(index).or_else(|| {
                let cell = code.cellvars().iter().position(|cell| cell.is(name))?;
                self.variable(locals + cell)?.exact::<PyCell>()?.get()
            });
            if found.is_some_and(|found| found.is(object)) {
                // A constructor's arguments are in a tuple too, but for the instance.
                held += match (constructs, index) {
                    (true, 0) => 0,
                    (true, _) => 2,
                    _ => 1,
                };
            }
        }
        if code.has_flag(flags::VARARGS)
            && let Some(rest) = self.variable(positional + code.fields.kwonlyargcount as usize)
            && let Some(rest) = rest.exact::<Tuple>()
        {
            held += rest.as_slice().iter().filter(|value| value.is(object)).count();
        }
        held
    }

    /// What it runs: a function, or a generator.
    pub fn callee(self) -> &'static Value {
        // SAFETY: the frame owns it.
        unsafe { &*(self.fp.sub(1) as *const Value) }
    }

    /// The function it runs.
    pub fn function(self) -> Value {
        function_of(self.callee())
    }

    /// The offset of its instruction.
    pub fn last_instruction(self) -> i32 {
        self.meta().offset_of(self.ip)
    }

    /// Its frame object, made if there is none.
    pub fn object(self) -> Value {
        // SAFETY: the header word holds nothing or an owned reference.
        unsafe {
            let slot = self.word(OBJECT);
            if *slot != EMPTY {
                registers::share_bits(*slot);
                return Value::from_bits(*slot);
            }
            if let Some(generator) = generator::of(self.callee()) {
                generator.separate();
            }
            let object = Frame::new_value(self.function(), self.fp, self.k);
            *slot = object.clone().into_bits();
            object
        }
    }
}

/// The function behind what a frame runs.
pub(crate) fn function_of(callee: &Value) -> Value {
    match generator::of(callee) {
        Some(generator) => generator.function().clone(),
        None => callee.clone(),
    }
}

/// The globals of the running function.
pub fn current_globals() -> Option<Value> {
    let place = Place::current(thread::current())?;
    place.function().exact::<Function>().map(|function| function.globals().clone())
}

/// Gives the namespace that a frame was made with to the generator that the frame becomes; its object has no frame any more.
#[cold]
pub(crate) fn hand_namespace_on(object: Value, generator: &Value) {
    let Some(frame) = object.exact::<Frame>() else { return };
    let namespace = crate::types::frame::locals(&object);
    frame.finish(Vec::new(), None, -1);
    if let Some(namespace) = namespace
        && let Ok(own) = generator::frame(generator)
    {
        crate::types::frame::set_locals(&own, namespace);
    }
}

/// Lets the frame object of a dying frame live on by itself: it takes the variables over.
///
/// # Safety
/// The frame is complete and about to be dropped.
#[cold]
#[inline(never)]
pub(crate) unsafe fn detach(place: Place) {
    let meta = place.meta();
    // SAFETY: the header word holds nothing or an owned reference; the frame's variables are moved out once.
    unsafe {
        let slot = place.word(OBJECT);
        let bits = std::mem::replace(&mut *slot, EMPTY);
        if bits == EMPTY {
            return;
        }
        let object = Value::from_bits(bits);
        if let Some(frame) = object.exact::<Frame>() {
            let shared = object.header().is_some_and(|header| header.count() > 1);
            let mut variables = Vec::new();
            if shared {
                for index in 0..meta.named as usize {
                    let slot = place.fp.add(index);
                    variables.push(Value::from_bits(std::mem::replace(&mut *slot, EMPTY)));
                }
                // A generator's frame belongs under whoever resumes it, while that lasts.
                let is_generator = generator::of(place.callee()).is_some();
                let back = if is_generator { None } else { place.caller().map(Place::object) };
                frame.finish(variables, back, place.last_instruction());
            } else {
                frame.finish(variables, None, place.last_instruction());
            }
        }
        drop(object);
    }
}
