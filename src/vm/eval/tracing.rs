//! The handlers of traced code: what tells trace and profile functions, and how a running frame comes to be traced.

use super::cell::Cell;
use super::control::{attend_after_native, call_ex, call_keywords, call_method_slow, call_slow};
use super::generators::{DELEGATION, change_over_return_address, yield_work};
use super::handlers::{for_iter, handler, operation};
use super::registers::{At, clear};
use super::unwind::{raise, raise_out};
use super::{EMPTY, Place, become_handler, is_heap, jump, next};
use crate::object::call as call_protocol;
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::builtin_function::BuiltinFunction;
use crate::types::descriptor::MethodDescriptor;
use crate::types::exceptions::{STOP_ITERATION, is_instance, stop_iteration, stop_iteration_value};
use crate::types::generator::{self, State};
use crate::types::tuple::Tuple;
use crate::vm;
use crate::vm::frame;
use crate::vm::thread::Thread;
use crate::vm::trace;
use crate::vm::translate::{Entry, Meta};

/// What a handler's work has come to.
const GO_ON: u8 = 0;
const ELSEWHERE: u8 = 1;
const RAISED: u8 = 2;
const LEAVE: u8 = 3;
const PLAIN: u8 = 4;

// ---------------------------------------------------------------------------------------------------------------------
// Events

#[inline(never)]
unsafe fn trace_entry_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) -> bool {
    // SAFETY: the handler's arguments.
    unsafe { At::new(ip, fp, vm, k) };
    match trace::call_event(vm, -1) {
        Ok(()) => true,
        Err(raised) => {
            vm.set_raised(raised);
            false
        }
    }
}

handler! {
    /// The frame has been entered. b: it is a generator's, whose resumption has told so.
    fn trace_entry(ip, fp, vm, k) {
        if vm.use_tracing() && (*ip).b == 0 && !trace_entry_work(ip, fp, vm, k) {
            become_handler!(raise_out, ip, fp, vm, k)
        }
        next!(ip.add(1), fp, vm, k)
    }
}

handler! {
    /// An instruction of the bytecode begins.
    fn trace_instruction(ip, fp, vm, k) {
        if vm.use_tracing() {
            become_handler!(trace_instruction_slow, ip, fp, vm, k)
        }
        next!(ip.add(1), fp, vm, k)
    }
}

#[inline(never)]
unsafe fn trace_instruction_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) -> u8 {
    // SAFETY: the handler's arguments.
    let at = unsafe { At::new(ip, fp, vm, k) };
    match trace::instruction_event(vm) {
        Ok(None) => GO_ON,
        Ok(Some(offset)) => {
            let meta = at.meta();
            let Some(cell) = meta.find(trace_instruction, offset) else { return GO_ON };
            let depth = vm::trace_jump::depth(at.code(), offset).unwrap_or(0);
            let first = meta.temporaries() + depth;
            // SAFETY: temporaries of this frame; what lies above the new depth dies.
            unsafe { clear(at.slot(first), meta.frame_size.saturating_sub(first) as usize) };
            // The instruction itself is not told again.
            vm.ip.set(meta.cell(cell + 1));
            ELSEWHERE
        }
        Err(raised) => {
            vm.set_raised(raised);
            RAISED
        }
    }
}

handler! {
    #[inline(never)]
    fn trace_instruction_slow(ip, fp, vm, k) {
        match trace_instruction_work(ip, fp, vm, k) {
            GO_ON => next!(ip.add(1), fp, vm, k),
            ELSEWHERE => next!(vm.ip.get(), fp, vm, k),
            _ => become_handler!(raise, ip, fp, vm, k),
        }
    }
}

#[inline(never)]
unsafe fn trace_return_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) -> bool {
    // SAFETY: the handler's arguments; a yield stands behind where one was translated.
    let (at, yields) = unsafe { (At::new(ip, fp, vm, k), (*ip).c != 0) };
    if at.b() != 0 {
        let value = at.take(at.a());
        at.put(at.a(), crate::types::async_generator::wrap(value));
    }
    if !vm.use_tracing() {
        return true;
    }
    let value = at.get(at.a());
    if let Err(raised) = trace::return_event(vm, &value, yields.then(|| at.meta().offset_of(ip))) {
        drop(at.take(at.a()));
        vm.set_raised(raised);
        return false;
    }
    true
}

handler! {
    /// a is about to be returned or, when c is 1, yielded; b: it is wrapped first, for async generators
    fn trace_return(ip, fp, vm, k) {
        if (vm.use_tracing() || (*ip).b != 0) && !trace_return_work(ip, fp, vm, k) {
            become_handler!(raise_out, ip, fp, vm, k)
        }
        next!(ip.add(1), fp, vm, k)
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Calls

/// What the profile function is shown for a native callee, and whether it takes the first argument with it.
fn shown(callee: &Value, args: &[Value]) -> PyResult<Option<(Value, bool)>> {
    if callee.is_exact::<BuiltinFunction>() {
        return Ok(Some((callee.clone(), false)));
    }
    if callee.is_exact::<MethodDescriptor>()
        && let Some(this) = args.first()
        && let Some(get) = callee.ty().slot(|slots| slots.descr_get)
    {
        return get(callee, Some(this), &this.ty().value()).map(|bound| Some((bound, true)));
    }
    Ok(None)
}

/// Calls a native function in `register` with the `count` arguments behind it, telling the profile function. `None` when it
/// is none.
fn call_native(at: At, register: u32, count: u32, names: Option<&Value>) -> PyResult<Option<Value>> {
    let callee = at.get(register);
    // SAFETY: the registers stay as they are during the call.
    let args = unsafe { at.slice(register + 1, count) };
    let Some((function, bound)) = shown(&callee, args)? else { return Ok(None) };
    let args = &args[usize::from(bound)..];
    let result = trace::profiled(at.vm, &function, || match names {
        Some(names) => call_protocol::call_keywords(&function, args, Some(names)),
        None => call_protocol::call(&function, args),
    })?;
    attend_after_native(at)?;
    // SAFETY: the registers of the call.
    unsafe { clear(at.slot(register), count as usize + 1) };
    Ok(Some(result))
}

/// A call whose result goes where the second cell says.
#[inline(never)]
unsafe fn traced_call_work(
    ip: *const Cell,
    fp: *mut u64,
    vm: &'static Thread,
    k: *const u64,
    register: u32,
    count: u32,
) -> u8 {
    // SAFETY: the handler's arguments; a second cell follows a call.
    unsafe {
        let at = At::new(ip, fp, vm, k);
        match call_native(at, register, count, None) {
            Ok(Some(result)) => {
                at.set((*ip.add(1)).a, result);
                GO_ON
            }
            Ok(None) => PLAIN,
            Err(raised) => {
                vm.set_raised(raised);
                RAISED
            }
        }
    }
}

handler! {
    /// `call` in traced code
    fn traced_call(ip, fp, vm, k) {
        if trace::profiles(vm) {
            match traced_call_work(ip, fp, vm, k, (*ip).b, (*ip).c) {
                GO_ON => next!(ip.add(2), fp, vm, k),
                RAISED => become_handler!(raise, ip, fp, vm, k),
                _ => {}
            }
        }
        become_handler!(call_slow, ip, fp, vm, k)
    }
}

handler! {
    /// `call_method` in traced code
    fn traced_call_method(ip, fp, vm, k) {
        if trace::profiles(vm) {
            let bound = *fp.add((*ip).b as usize) == EMPTY;
            match traced_call_work(ip, fp, vm, k, (*ip).b + bound as u32, (*ip).c + !bound as u32) {
                GO_ON => next!(ip.add(2), fp, vm, k),
                RAISED => become_handler!(raise, ip, fp, vm, k),
                _ => {}
            }
        }
        become_handler!(call_method_slow, ip, fp, vm, k)
    }
}

#[inline(never)]
unsafe fn traced_call_keywords_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) -> u8 {
    // SAFETY: the handler's arguments.
    let at = unsafe { At::new(ip, fp, vm, k) };
    let count = at.b();
    let names = at.get(at.a() + 1 + count);
    if names.downcast::<Tuple>().is_none_or(|names| names.len() > count as usize) {
        return PLAIN;
    }
    match call_native(at, at.a(), count, Some(&names)) {
        Ok(Some(result)) => {
            drop(at.take(at.a() + 1 + count));
            at.put(at.a(), result);
            GO_ON
        }
        Ok(None) => PLAIN,
        Err(raised) => {
            vm.set_raised(raised);
            RAISED
        }
    }
}

handler! {
    /// `call_keywords` in traced code
    fn traced_call_keywords(ip, fp, vm, k) {
        if trace::profiles(vm) {
            match traced_call_keywords_work(ip, fp, vm, k) {
                GO_ON => next!(ip.add(1), fp, vm, k),
                RAISED => become_handler!(raise, ip, fp, vm, k),
                _ => {}
            }
        }
        become_handler!(call_keywords, ip, fp, vm, k)
    }
}

operation!(
    /// `call_ex` of a native function while the profile function is told.
    profiled_call_ex,
    1,
    |at| {
        let callee = at.take(at.a());
        let args = at.take(at.a() + 1);
        let kwargs = if at.b() != 0 { Some(at.take(at.a() + 2)) } else { None };
        let (args, kwargs) = vm::call::containers(&callee, &args, kwargs.as_ref())?;
        let kwargs = kwargs.as_ref().and_then(|kwargs| kwargs.exact());
        let result = match shown(&callee, &args)? {
            Some((function, bound)) => {
                let args = args.get(usize::from(bound)..).unwrap_or_default();
                trace::profiled(at.vm, &function, || call_protocol::call_dict(&function, args, kwargs))?
            }
            None => call_protocol::call_dict(&callee, &args, kwargs)?,
        };
        drop((callee, args));
        attend_after_native(at)?;
        at.put(at.a(), result);
        Ok(())
    }
);

handler! {
    /// `call_ex` in traced code
    fn traced_call_ex(ip, fp, vm, k) {
        if trace::profiles(vm) {
            become_handler!(profiled_call_ex, ip, fp, vm, k)
        }
        become_handler!(call_ex, ip, fp, vm, k)
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Iteration

/// The next item of an iterator: 0 it is there, 1 the end, 2 an exception. A `StopIteration` that was raised is told.
#[inline(never)]
unsafe fn traced_for_iter_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) -> u8 {
    // SAFETY: the handler's arguments.
    let at = unsafe { At::new(ip, fp, vm, k) };
    let iterator = at.get(at.b());
    let Some(next) = iterator.ty().slot(|slots| slots.next) else { return PLAIN };
    // A generator that comes to its end says so by an exception, one that has ended before does not.
    let ends_by_exception = generator::of(&iterator).is_some_and(|generator| generator.state() != State::Finished);
    let item = match crate::object::slot_functions::next_or_stop(&iterator, next) {
        Ok(None) if ends_by_exception => Err(stop_iteration(None)),
        item => item,
    };
    match item {
        Ok(Some(item)) => {
            at.set(at.a(), item);
            GO_ON
        }
        Err(raised) if !is_instance(&raised, &STOP_ITERATION) => {
            vm.set_raised(raised);
            RAISED
        }
        ended => {
            if let Err(raised) = ended {
                // What the trace function raises here is forgotten, as in CPython.
                drop(trace::exception_event(vm, raised.into_value()));
            }
            drop(iterator);
            drop(at.take(at.b()));
            ELSEWHERE
        }
    }
}

handler! {
    /// `for_next` in traced code
    fn traced_for_iter(ip, fp, vm, k) {
        if vm.use_tracing() {
            match traced_for_iter_work(ip, fp, vm, k) {
                GO_ON => next!(ip.add(1), fp, vm, k),
                ELSEWHERE => jump!(ip, fp, vm, k),
                RAISED => become_handler!(raise, ip, fp, vm, k),
                _ => {}
            }
        }
        let handler = for_iter(Place::Temp);
        become_handler!(handler, ip, fp, vm, k)
    }
}

/// One step of `yield from`, telling what happens.
#[inline(never)]
unsafe fn traced_yield_from_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) -> u8 {
    // SAFETY: the handler's arguments; the tracing instruction stands before, the generator goes on there.
    unsafe {
        let at = At::new(ip, fp, vm, k);
        let receiver = at.get(at.a());
        let sent = at.take(at.a() + 1);
        match generator::delegate_or_stop(&receiver, &sent) {
            Ok(Ok(value)) => {
                drop(receiver);
                if let Err(raised) = trace::return_event(vm, &value, Some(at.meta().offset_of(ip) - 2)) {
                    drop(value);
                    vm.set_raised(raised);
                    return LEAVE;
                }
                yield_work(at, value, ip.sub(1), at.a() + 1);
                ELSEWHERE
            }
            Ok(Err(())) => {
                drop(receiver);
                at.set(at.a(), Value::NONE);
                GO_ON
            }
            Err(raised) if is_instance(&raised, &STOP_ITERATION) => {
                let raised = if vm.use_tracing() {
                    trace::exception_event(vm, raised.into_value())
                } else {
                    raised.into_value()
                };
                let raised = crate::object::Raised::new(raised);
                if !is_instance(&raised, &STOP_ITERATION) {
                    vm.set_raised(raised);
                    return RAISED;
                }
                drop(receiver);
                at.set(at.a(), stop_iteration_value(&raised));
                GO_ON
            }
            Err(raised) => {
                vm.set_raised(raised);
                RAISED
            }
        }
    }
}

handler! {
    /// `yield_from` in traced code; its second and third cell are not used
    #[inline(never)]
    fn traced_yield_from(ip, fp, vm, k) {
        match traced_yield_from_work(ip, fp, vm, k) {
            GO_ON => next!(ip.add(DELEGATION), fp, vm, k),
            ELSEWHERE => next!(vm.ip.get(), vm.fp.get(), vm, vm.k.get()),
            LEAVE => become_handler!(raise_out, ip, fp, vm, k),
            _ => become_handler!(raise, ip, fp, vm, k),
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Changing over

/// Moves a frame to the traced translation of its code, at the bytecode instruction that begins at its cell. False when
/// it stays where it is.
#[inline(never)]
unsafe fn change_over_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) -> bool {
    if !vm.use_tracing() {
        return false;
    }
    // SAFETY: the handler's arguments.
    unsafe {
        let from = Meta::of(k);
        let here = from.index_of(ip) as u32;
        // Instructions that emit nothing begin where the next one does: whoever comes from before does them too, whoever
        // jumps here does not.
        let came_from = from.index_of(vm.ip.get()) as u32;
        let jumped = std::ptr::eq(vm.k.get(), k)
            && came_from.wrapping_add(1) != here
            && came_from != here
            && (*from.cell(came_from)).c == here.wrapping_sub(came_from);
        let at = At::new(ip, fp, vm, k);
        let mut found = from.boundaries(Some(here)).into_iter().filter(|boundary| boundary.cell == here);
        let boundary = if jumped { found.rfind(|boundary| boundary.target) } else { found.next() };
        let Some(boundary) = boundary else { return false };
        let code = from.code();
        let Ok(traced) = code.translations.traced(code) else { return false };
        let to = Meta::of(traced.0);
        let Some(cell) = to.find(trace_instruction, boundary.offset) else { return false };
        if at.in_object() {
            if generator::of(at.callee()).is_some_and(|generator| generator.room() < to.frame_size as usize) {
                return false;
            }
        } else {
            let end = fp.add(to.frame_size as usize);
            if end > vm.prepared.get() && !frame::prepare_registers(vm, end) {
                return false;
            }
        }
        let values: Vec<Value> = boundary
            .stack
            .iter()
            .map(|entry| match *entry {
                Entry::Local(register) => at.get(register),
                Entry::Const(index) => at.constant(index),
                Entry::Temp(register) => at.take(register),
            })
            .collect();
        for (register, value) in (from.temporaries()..).zip(values) {
            let value = match value.as_return_address() {
                Some(index) => Value::return_address(change_over_return_address(from, to, index)),
                None => value,
            };
            at.put(register, value);
        }
        if let Some(generator) = generator::of(at.callee()) {
            generator.set_constants(traced.0);
        }
        let object = *fp.add(from.named as usize + frame::OBJECT);
        if is_heap(object) {
            crate::types::frame::set_code(&std::mem::ManuallyDrop::new(Value::from_bits(object)), traced.0);
        }
        vm.ip.set(to.cell(cell));
        vm.k.set(traced.0);
    }
    true
}

handler! {
    /// Stands for the first instruction of a bytecode instruction in code that is patched: a frame that runs it while
    /// somebody traces goes on in traced code.
    #[inline(never)]
    fn change_over(ip, fp, vm, k) {
        if change_over_work(ip, fp, vm, k) {
            next!(vm.ip.get(), fp, vm, vm.k.get())
        }
        let handler = super::decode(Meta::of(k).handler_at(ip));
        become_handler!(handler, ip, fp, vm, k)
    }
}
