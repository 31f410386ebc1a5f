//! From a raised exception to its handler.

use super::cell::Cell;
use super::control::{boundary_return, is_boundary};
use super::generators::finish_generator_frame;
use super::registers::{At, clear};
use super::{EMPTY, next};
use crate::object::error::Raised;
use crate::object::value::Value;
use crate::pyc::verify::NO_BLOCK;
use crate::types::code::flags;
use crate::types::exceptions::{self, BaseException, STOP_ASYNC_ITERATION, STOP_ITERATION, runtime_error};
use crate::types::frame::Frame;
use crate::types::generator;
use crate::types::traceback::Traceback;
use crate::vm::frame::{self, CALLER_FP, CALLER_K, HEADER_WORDS, OBJECT, Place, RETURN_IP};
use crate::vm::signals;
use crate::vm::thread::Thread;
use crate::vm::trace;
use crate::vm::translate::RegionKind;

/// Goes on where the exception on its way is handled. The traceback gets an entry for this frame.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raise(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) {
    // SAFETY: the handler's arguments.
    unsafe {
        unwind(ip, fp, vm, k, Stage::Raised);
        next!(vm.ip.get(), vm.fp.get(), vm, vm.k.get())
    }
}

/// As [`raise`] for an exception that this frame has raised before: its traceback stays as it is.
#[cold]
#[inline(never)]
pub(crate) unsafe fn reraise(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) {
    // SAFETY: the handler's arguments.
    unsafe {
        unwind(ip, fp, vm, k, Stage::Reraised);
        next!(vm.ip.get(), vm.fp.get(), vm, vm.k.get())
    }
}

/// As [`raise`] for an exception that ends this frame, handlers or not: a trace function raised it at a call or return.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raise_out(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) {
    // SAFETY: the handler's arguments.
    unsafe {
        unwind(ip, fp, vm, k, Stage::Leaving);
        next!(vm.ip.get(), vm.fp.get(), vm, vm.k.get())
    }
}

/// As [`raise`] for an exception thrown into a generator, which gets no context: whoever made it has seen to that.
#[cold]
#[inline(never)]
pub(crate) unsafe fn raise_thrown(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) {
    // SAFETY: the handler's arguments.
    unsafe {
        unwind(ip, fp, vm, k, Stage::Thrown);
        next!(vm.ip.get(), vm.fp.get(), vm, vm.k.get())
    }
}

/// How far an exception has come in a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It has just been raised: the traceback gets an entry.
    Raised,
    /// As `Raised`, without a context.
    Thrown,
    /// The frame has raised it before.
    Reraised,
    /// The frame ends by it.
    Leaving,
}

/// Finds the handler of the exception on its way, dropping registers and frames down to it, and makes the thread stand
/// there: at the handler, or at the native boundary with the exception still on its way.
#[inline(never)]
unsafe fn unwind(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64, mut stage: Stage) {
    // SAFETY: the handler's arguments.
    let mut at = unsafe { At::new(ip, fp, vm, k) };
    let mut exception = match vm.raised.take() {
        Some(exception) => exception,
        None => exceptions::system_error("error return without exception set").into_value(),
    };
    // As _PyErr_SetObject, which what only passes through does not meet again.
    let is_new = exception.downcast::<BaseException>().is_some_and(|body| body.traceback().is_none());
    if !matches!(stage, Stage::Reraised | Stage::Thrown) && is_new {
        chain_context(vm, &exception);
    }
    loop {
        if matches!(stage, Stage::Raised | Stage::Thrown) {
            add_traceback(at, &exception);
            if vm.trace_function.is_some() {
                exception = trace::exception_event(vm, exception);
            }
        }
        let meta = at.meta();
        let mut region = meta.region_of.get(meta.index_of(at.ip)).copied().unwrap_or(NO_BLOCK);
        let leaving = stage == Stage::Leaving;
        if leaving {
            region = NO_BLOCK;
        }
        stage = Stage::Raised;
        while let Some(found) = meta.regions.get(region as usize) {
            match found.kind {
                // A program that has to end gets no more say.
                RegionKind::Setup { .. } if signals::stopping() => {}
                RegionKind::Setup { handler } => {
                    drop_registers(at, found.register);
                    enter_handler(at, found.register, exception);
                    vm.ip.set(meta.cell(handler));
                    vm.fp.set(at.fp);
                    vm.k.set(at.k);
                    return;
                }
                RegionKind::Except => restore_handled(at, found.register),
                RegionKind::Finally => {
                    let top = at.bits(found.register + 5);
                    // SAFETY: a word that its register owns.
                    let top = std::mem::ManuallyDrop::new(unsafe { Value::from_bits(top) });
                    if !top.is_unbound() && top.as_return_address().is_none() {
                        restore_handled(at, found.register);
                    }
                }
            }
            drop_registers(at, found.register);
            region = found.parent.unwrap_or(NO_BLOCK);
        }
        if vm.use_tracing() && !leaving {
            drop_registers(at, meta.temporaries());
            exception = trace::unwind_event(vm, exception);
        }
        // SAFETY: the frame at `at` is complete and ends here.
        unsafe {
            let is_generator = generator::of(at.callee()).is_some();
            let (return_ip, caller_fp, caller_k) = if is_generator {
                exception = outside_generator(at, exception);
                finish_generator_frame(at)
            } else {
                drop_frame(at)
            };
            if is_boundary(return_ip) {
                vm.raised.set(Some(exception));
                vm.ip.set(boundary_return());
                vm.fp.set(caller_fp);
                vm.k.set(caller_k);
                return;
            }
            at = At::new(return_ip.sub(1), caller_fp, vm, caller_k);
        }
    }
}

/// Drops the temporaries from a register on.
fn drop_registers(at: At, first: u32) {
    let meta = at.meta();
    // SAFETY: temporaries of this frame; empty ones hold no pointer.
    unsafe { clear(at.slot(first), (meta.frame_size - first) as usize) }
}

/// Drops a frame's registers and returns where it was called.
///
/// # Safety
/// The frame is complete and ends here.
unsafe fn drop_frame(at: At) -> (*const Cell, *mut u64, *const u64) {
    let meta = at.meta();
    // SAFETY: the caller's.
    unsafe {
        if *at.fp.add(meta.named as usize + OBJECT) != EMPTY
            && let Some(place) = Place::current(at.vm)
        {
            frame::detach(place);
        }
        let header = at.fp.add(meta.named as usize);
        let return_ip = *header.add(RETURN_IP) as *const Cell;
        let caller_fp = *header.add(CALLER_FP) as *mut u64;
        let caller_k = *header.add(CALLER_K) as *const u64;
        // The frame has ended: what dies with its registers runs in the caller's name.
        let floor = super::control::stand_in_caller(at.vm, header, at.fp.add(meta.frame_size as usize));
        for word in 0..HEADER_WORDS {
            *header.add(word) = EMPTY;
        }
        at.vm.remaining.set(at.vm.remaining.get() + 1);
        drop_registers(at, meta.temporaries());
        clear(at.fp, meta.named as usize);
        clear(at.fp.sub(1), 1);
        at.vm.floor.set(floor);
        (return_ip, caller_fp, caller_k)
    }
}

/// Adds this frame to the exception's traceback.
fn add_traceback(at: At, exception: &Value) {
    let Some(body) = exception.downcast::<BaseException>() else { return };
    let Some(place) = Place::current(at.vm) else { return };
    let object = place.object();
    let offset = place.last_instruction();
    // A frame that is traced says itself where it is.
    let line = match object.exact::<Frame>().and_then(Frame::traced_line) {
        Some(line) => line,
        None => at.code().line_of(offset),
    };
    let traceback = Traceback::new_value(body.traceback(), object, offset, line);
    body.set_traceback(Some(traceback));
}

/// The exception being handled becomes the context of a new one. As `_PyErr_SetObject`: cycles are cut.
pub(crate) fn chain_context(vm: &Thread, exception: &Value) {
    let Some(handled) = vm.handled_exception() else { return };
    let Some(body) = exception.downcast::<BaseException>() else { return };
    if handled.is(exception) || body.context().is_some() {
        return;
    }
    let mut at = handled.clone();
    while let Some(context) = at.downcast::<BaseException>().and_then(BaseException::context) {
        if context.is(exception) {
            if let Some(body) = at.downcast::<BaseException>() {
                body.set_context(None);
            }
            break;
        }
        at = context;
    }
    body.set_context(Some(handled));
}

/// The six slots of a handler: the exception handled so far, then this one; each as traceback, value, type.
fn enter_handler(at: At, register: u32, exception: Value) {
    let vm = at.vm;
    let saved = vm.own_handled();
    put_exception(at, register, saved);
    put_exception(at, register + 3, Some(exception.clone()));
    vm.set_handled(Some(exception));
}

/// Three slots for an exception: traceback, value, type; None three times when there is none.
pub(crate) fn put_exception(at: At, register: u32, exception: Option<Value>) {
    let Some(exception) = exception else {
        for index in 0..3 {
            at.set(register + index, Value::NONE);
        }
        return;
    };
    let traceback = exception.downcast::<BaseException>().and_then(BaseException::traceback);
    at.set(register, traceback.unwrap_or(Value::NONE));
    at.set(register + 2, exception.ty().value());
    at.set(register + 1, exception);
}

/// Ends the handling of an exception: the one saved in the three slots is handled again.
pub(crate) fn restore_handled(at: At, register: u32) {
    let traceback = at.take(register);
    let value = at.take(register + 1);
    let ty = at.take(register + 2);
    at.vm.set_handled(if exceptions::is_exception(&value) { Some(value) } else { None });
    drop((traceback, ty));
}

/// What leaves a generator: a StopIteration would end the loop over it unseen (PEP 479).
fn outside_generator(at: At, exception: Value) -> Value {
    let code = at.code();
    let stop = exception.ty().is_subtype(&STOP_ITERATION);
    let stop_async = code.has_flag(flags::ASYNC_GENERATOR) && exception.ty().is_subtype(&STOP_ASYNC_ITERATION);
    if !stop && !stop_async {
        return exception;
    }
    let kind = if code.has_flag(flags::ASYNC_GENERATOR) {
        "async generator"
    } else if code.has_flag(flags::COROUTINE) {
        "coroutine"
    } else {
        "generator"
    };
    let name = if stop { "StopIteration" } else { "StopAsyncIteration" };
    let raised: Raised = runtime_error(format!("{kind} raised {name}"));
    let replacement = raised.into_value();
    if let Some(body) = replacement.downcast::<BaseException>() {
        body.set_cause(Some(exception.clone()));
        body.set_context(Some(exception));
    }
    replacement
}
