//! The handlers of generators and coroutines: their making, resumption, suspension and end.
//!
//! A generator's frame runs where it stands, in its object; the frames that it calls go where the stack of whoever resumed
//! it ends. So a step moves nothing, and a chain of generators that delegate to each other is resumed at its last
//! (`types::generator::step_into`).

use super::cell::{Cell, encode};
use super::control::{is_boundary, stand_in_caller};
use super::handlers::{die_next, drop_next, handler, operation};
use super::registers::{At, clear, drop_bits, share_bits, top_of};
use super::unwind::{raise, raise_out};
use super::{CONST, LOCAL, TEMP};
use super::{EMPTY, Handler, Place, become_handler, is_heap, jump, next};
use crate::object::error::PyResult;
use crate::object::header::Header;
use crate::object::value::Value;
use crate::types::async_generator::ASYNC_GENERATOR;
use crate::types::generator::{self, COROUTINE, GENERATOR, Generator, State, delegate_to, step_into};
use crate::vm;
use crate::vm::frame::{self, CALLER_FP, CALLER_K, OBJECT, RETURN_IP};
use crate::vm::thread::Thread;
use crate::vm::translate::Meta;
use std::sync::atomic::Ordering::Relaxed;

/// The generator object of a call: takes the frame's registers over and returns to the caller.
#[inline(never)]
unsafe fn return_generator_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) {
    // SAFETY: the frame has just been entered: variables and header are complete, no temporary is in use.
    unsafe {
        let at = At::new(ip, fp, vm, k);
        let function = Value::from_bits(std::mem::replace(&mut *fp.sub(1), EMPTY));
        let header = fp.add(at.meta().named as usize);
        let return_ip = *header.add(RETURN_IP) as *const Cell;
        let caller_fp = *header.add(CALLER_FP) as *mut u64;
        let caller_k = *header.add(CALLER_K) as *const u64;
        let place = if vm.origin_depth.get() > 0 { frame::Place::current(vm) } else { None };
        let object = std::mem::replace(&mut *header.add(OBJECT), EMPTY);
        let generator = Generator::new_value(function, ip.add(1), k, fp);
        if object != EMPTY {
            vm::frame::hand_namespace_on(Value::from_bits(object), &generator);
        }
        if place.is_some()
            && let Some(generator) = generator::of(&generator)
        {
            generator.note_origin(vm, place);
        }
        for word in 0..3 {
            *header.add(word) = EMPTY;
        }
        vm.remaining.set(vm.remaining.get() + 1);
        let slot = caller_fp.add((*return_ip.sub(1)).a as usize);
        vm.ip.set(return_ip);
        vm.fp.set(caller_fp);
        vm.k.set(caller_k);
        let old = std::mem::replace(&mut *slot, generator.into_bits());
        drop_bits(old);
        vm.ip.set(return_ip);
        vm.fp.set(caller_fp);
        vm.k.set(caller_k);
    }
}

handler! {
    /// returns the generator that this frame becomes
    fn return_generator(ip, fp, vm, k) {
        return_generator_work(ip, fp, vm, k);
        next!(vm.ip.get(), vm.fp.get(), vm, vm.k.get())
    }
}

/// Makes a suspended generator's frame the running one, whatever there is to heed. The value sent goes to the register that
/// waits for it.
///
/// # Safety
/// `top` is the first free register of the stack; the generator is suspended or has not begun, and held by the caller.
pub(crate) unsafe fn resume_frame(
    vm: &'static Thread,
    generator: &Generator,
    top: *mut u64,
    return_ip: *const Cell,
    caller_fp: *mut u64,
    caller_k: *const u64,
    sent: Value,
) -> PyResult<()> {
    // SAFETY: the caller's.
    unsafe {
        let last = if vm.use_tracing() { generator.last_instruction() } else { -1 };
        vm::trace::before_resume(vm, generator)?;
        let room = top.add(1);
        if room > vm.stack_limit.load(Relaxed) {
            vm.check_depth("")?;
            if !frame::prepare_registers(vm, room) {
                return Err(vm::thread::recursion_exceeded(""));
            }
        }
        if vm.remaining.get() <= 0 {
            vm.check_depth("")?;
        }
        vm.remaining.set(vm.remaining.get() - 1);
        generator.run_alone(vm, top, return_ip, caller_fp, caller_k, sent);
        let (fp, k) = (generator.fp(), generator.constants());
        vm.ip.set(generator.ip());
        vm.fp.set(fp);
        vm.k.set(k);
        if vm.use_tracing()
            && let Err(raised) = vm::trace::call_event(vm, last)
        {
            let (return_ip, caller_fp, caller_k) = finish_generator_frame(At::new(vm.ip.get(), fp, vm, k));
            vm.ip.set(return_ip.sub(1));
            vm.fp.set(caller_fp);
            vm.k.set(caller_k);
            return Err(raised);
        }
    }
    Ok(())
}

/// Makes a suspended generator go on in the traced translation of its code.
pub(crate) fn change_over_generator(generator: &Generator) -> PyResult<()> {
    // SAFETY: the constants of the generator's code.
    let meta = unsafe { Meta::of(generator.constants()) };
    if meta.is_traced() {
        return Ok(());
    }
    let code = meta.code();
    let traced = code.translations.traced(code)?;
    // SAFETY: just translated, or before.
    let new_meta = unsafe { Meta::of(traced.0) };
    let cell = if generator.state() == State::Created {
        new_meta.find_entry(super::tracing::trace_entry)
    } else {
        let offset = meta.offset_of(generator.ip()).max(0) as u32;
        new_meta.find(super::tracing::trace_instruction, offset)
    };
    if let Some(cell) = cell {
        generator.change_over(traced.0, new_meta.cell(cell), |index| change_over_return_address(meta, new_meta, index));
    }
    Ok(())
}

/// The return address of a `finally` body in other code than the one it was made for.
pub(crate) fn change_over_return_address(from: &Meta, to: &Meta, index: u32) -> u32 {
    let call = from.cell(index).wrapping_sub(1);
    let offset = from.offset_of(call).max(0) as u32;
    to.find(super::stack_operations::call_finally, offset).map_or(index, |cell| cell + 1)
}

/// Suspends a generator's frame: the level of handled exceptions ends. Returns where to go on.
///
/// # Safety
/// The frame at `at` is that of `generator`, which runs.
unsafe fn suspend_frame(
    at: At,
    generator: &Generator,
    resume_ip: *const Cell,
    value_register: u32,
) -> (*const Cell, *mut u64, *const u64) {
    generator.separate();
    // SAFETY: the caller's.
    unsafe {
        let header = generator.frame_header();
        let object = std::mem::replace(&mut *header.add(OBJECT), EMPTY);
        generator.suspend_at(resume_ip, value_register);
        if object != EMPTY {
            let object = Value::from_bits(object);
            let last = generator.last_instruction();
            crate::types::frame::set_suspended(&object, generator, last);
            generator.keep_frame_object(object);
        }
        at.vm.handled.set(generator.handled().previous.get());
        at.vm.remaining.set(at.vm.remaining.get() + 1);
        (*header.add(RETURN_IP) as *const Cell, *header.add(CALLER_FP) as *mut u64, *header.add(CALLER_K) as *const u64)
    }
}

/// Hands a yielded value to whoever resumed the generator.
#[inline(never)]
pub(crate) unsafe fn yield_work(at: At, value: Value, resume_ip: *const Cell, value_register: u32) {
    // SAFETY: the frame is a generator's: what stands before its registers is the generator.
    unsafe {
        let Some(generator) = generator::of(at.callee()) else { return };
        let (return_ip, caller_fp, caller_k) = suspend_frame(at, generator, resume_ip, value_register);
        let slot = caller_fp.add((*return_ip.sub(1)).a as usize);
        let old = std::mem::replace(&mut *slot, value.into_bits());
        at.vm.ip.set(return_ip);
        at.vm.fp.set(caller_fp);
        at.vm.k.set(caller_k);
        drop_bits(old);
        at.vm.ip.set(return_ip);
        at.vm.fp.set(caller_fp);
        at.vm.k.set(caller_k);
    }
}

#[inline(never)]
unsafe fn yield_value_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) {
    // SAFETY: the handler's arguments.
    unsafe {
        let at = At::new(ip, fp, vm, k);
        let value = at.take(at.a());
        let value = if at.b() != 0 { crate::types::async_generator::wrap(value) } else { value };
        yield_work(at, value, ip.add(1), at.a());
    }
}

/// Suspends the running frame, handing the value of `$a` on, or falls through.
macro_rules! suspend {
    ($plain:expr, $resume_ip:expr, $ip:ident, $fp:ident, $vm:ident, $k:ident) => {{
        let callee = *$fp.sub(1) as *const Header;
        // Whoever holds a frame object has to be told.
        if $plain(callee) && *$fp.add(Meta::of($k).named as usize + OBJECT) == EMPTY {
            let generator = &*(callee as *const Generator);
            let register = (*$ip).a;
            let value = *$fp.add(register as usize);
            *$fp.add(register as usize) = EMPTY;
            let (outermost, levels) = generator.outermost();
            generator.suspend_at($resume_ip, register);
            $vm.handled.set(outermost.handled().previous.get());
            $vm.remaining.set($vm.remaining.get() + levels);
            let header = outermost.frame_header();
            let return_ip = *header.add(RETURN_IP) as *const Cell;
            let caller_fp = *header.add(CALLER_FP) as *mut u64;
            let caller_k = *header.add(CALLER_K) as *const u64;
            let slot = caller_fp.add((*return_ip.sub(1)).a as usize);
            let old = *slot;
            *slot = value;
            drop_next!(old, return_ip, caller_fp, $vm, caller_k)
        }
    }};
}

/// Whether what stands before a frame's registers yields its values as they are: async generators wrap them.
#[inline(always)]
unsafe fn yields_plainly(callee: *const Header) -> bool {
    // SAFETY: a live object.
    let ty = unsafe { (*callee).ty() };
    std::ptr::eq(ty, &GENERATOR) || std::ptr::eq(ty, &COROUTINE)
}

/// Whether what stands before a frame's registers is a generator of any kind.
#[inline(always)]
unsafe fn yields(callee: *const Header) -> bool {
    // SAFETY: a live object.
    unsafe { yields_plainly(callee) || std::ptr::eq((*callee).ty(), &ASYNC_GENERATOR) }
}

handler! {
    /// yields a; the value sent goes there
    fn yield_value(ip, fp, vm, k) {
        suspend!(yields_plainly, ip.add(1), ip, fp, vm, k);
        become_handler!(yield_slow, ip, fp, vm, k)
    }
}

handler! {
    #[inline(never)]
    fn yield_slow(ip, fp, vm, k) {
        yield_value_work(ip, fp, vm, k);
        next!(vm.ip.get(), vm.fp.get(), vm, vm.k.get())
    }
}

/// One step of `yield from`: 0 it has ended and its value is in a, 1 suspended, 2 an exception, 3 one that ends the frame.
#[inline(never)]
unsafe fn yield_from_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) -> u8 {
    // SAFETY: the handler's arguments.
    unsafe {
        let at = At::new(ip, fp, vm, k);
        let receiver = at.get(at.a());
        let sent = at.take(at.a() + 1);
        match crate::types::generator::delegate(&receiver, &sent) {
            Ok(Ok(value)) => {
                drop(receiver);
                if !tell_yield(at, &value) {
                    return 3;
                }
                yield_work(at, value, ip, at.a() + 1);
                1
            }
            Ok(Err(result)) => {
                drop(receiver);
                if let Some(exception) = vm::trace::stop_event(vm, &result) {
                    vm.raised.set(Some(exception));
                    return 2;
                }
                at.set(at.a(), result);
                0
            }
            Err(raised) => {
                vm.set_raised(raised);
                2
            }
        }
    }
}

handler! {
    /// yields from iterator a, the value sent to it in a+1. Two cells follow: where a generator that
    /// is delegated to hands its values over, and what it goes on with.
    fn yield_from(ip, fp, vm, k) {
        let iterator = *fp.add((*ip).a as usize);
        let sent = fp.add((*ip).a as usize + 1);
        if is_heap(iterator) && yields_plainly(iterator as *const Header) {
            let generator = &*(iterator as *const Generator);
            let value = *sent;
            if generator.takes(value == Value::NONE.bits()) {
                *sent = EMPTY;
                let outer = &*(*fp.sub(1) as *const Generator);
                if let Some(inner) = delegate_to(vm, outer, generator, ip, (*ip).a + 1, value) {
                    next!(inner.ip(), inner.fp(), vm, inner.constants())
                }
                *sent = value;
            }
        }
        become_handler!(yield_from_slow, ip, fp, vm, k)
    }
}

handler! {
    #[inline(never)]
    fn yield_from_slow(ip, fp, vm, k) {
        match yield_from_work(ip, fp, vm, k) {
            0 => next!(ip.add(DELEGATION), fp, vm, k),
            1 => next!(vm.ip.get(), vm.fp.get(), vm, vm.k.get()),
            3 => become_handler!(raise_out, ip, fp, vm, k),
            _ => become_handler!(raise, ip, fp, vm, k),
        }
    }
}

/// Cells of a `yield from`.
pub(crate) const DELEGATION: usize = 3;

operation!(
    /// Never executed: the second cell of a `yield from`. a takes the values of the generator delegated to, b its result.
    #[cold]
    delegation,
    1,
    |_at| Err(crate::types::exceptions::system_error("a yield from was entered in its midst"))
);

handler! {
    /// The third cell of a `yield from`: yields a, which the generator delegated to has yielded.
    fn yield_on(ip, fp, vm, k) {
        suspend!(yields, ip.sub(2), ip, fp, vm, k);
        become_handler!(yield_on_slow, ip, fp, vm, k)
    }
}

handler! {
    #[inline(never)]
    fn yield_on_slow(ip, fp, vm, k) {
        if !yield_on_work(ip, fp, vm, k) {
            become_handler!(raise_out, ip, fp, vm, k)
        }
        next!(vm.ip.get(), vm.fp.get(), vm, vm.k.get())
    }
}

/// Tells a trace function, which has come while the frame delegates, that it yields. False when it raises.
fn tell_yield(at: At, value: &Value) -> bool {
    if at.vm.use_tracing()
        && let Err(raised) = vm::trace::return_event(at.vm, value, Some(at.meta().offset_of(at.ip) - 2))
    {
        at.vm.set_raised(raised);
        return false;
    }
    true
}

#[inline(never)]
unsafe fn yield_on_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) -> bool {
    // SAFETY: the handler's arguments; the `yield from` stands two cells before.
    unsafe {
        let at = At::new(ip, fp, vm, k);
        let value = at.take(at.a());
        if !tell_yield(at, &value) {
            return false;
        }
        yield_work(at, value, ip.sub(2), at.a());
        true
    }
}

/// Enters a generator for its next item: 0 its frame runs, 1 it is exhausted, 2 an exception.
#[inline(never)]
unsafe fn for_generator_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) -> u8 {
    // SAFETY: the handler's arguments; the iterator is a generator.
    unsafe {
        let at = At::new(ip, fp, vm, k);
        let iterator = at.get(at.b());
        let Some(generator) = iterator.exact::<Generator>() else { return 1 };
        let result = match generator.state() {
            State::Created | State::Suspended => {
                resume_frame(vm, generator, at.top(), ip.add(1), fp, k, Value::NONE).map(|()| 0)
            }
            State::Running => Err(crate::types::exceptions::value_error("generator already executing")),
            State::Finished => {
                drop(at.take(at.b()));
                Ok(1)
            }
        };
        match result {
            Ok(code) => code,
            Err(raised) => {
                vm.set_raised(raised);
                2
            }
        }
    }
}

handler! {
    /// `for_next` of a generator
    #[inline(never)]
    fn for_generator(ip, fp, vm, k) {
        let iterator = *fp.add((*ip).b as usize);
        let generator = &*(iterator as *const Generator);
        let none = Value::NONE.bits();
        if let Some(inner) = step_into(vm, generator, top_of(fp, k), ip.add(1), fp, k, none) {
            next!(inner.ip(), inner.fp(), vm, inner.constants())
        }
        become_handler!(for_generator_slow, ip, fp, vm, k)
    }
}

handler! {
    #[inline(never)]
    fn for_generator_slow(ip, fp, vm, k) {
        match for_generator_work(ip, fp, vm, k) {
            0 => next!(vm.ip.get(), vm.fp.get(), vm, vm.k.get()),
            1 => jump!(ip, fp, vm, k),
            _ => become_handler!(raise, ip, fp, vm, k),
        }
    }
}

/// Ends a generator that returns `result`. True when the loop that resumed it is over.
#[inline(never)]
unsafe fn return_from_generator_work(
    ip: *const Cell,
    fp: *mut u64,
    vm: &'static Thread,
    k: *const u64,
    result: u64,
) -> bool {
    // SAFETY: the frame of a running generator; the result is owned.
    unsafe {
        let at = At::new(ip, fp, vm, k);
        let result = Value::from_bits(result);
        let (return_ip, caller_fp, caller_k) = finish_generator_frame(at);
        vm.ip.set(return_ip);
        vm.fp.set(caller_fp);
        vm.k.set(caller_k);
        if is_boundary(return_ip) {
            let slot = caller_fp.add((*return_ip.sub(1)).a as usize);
            let old = std::mem::replace(&mut *slot, result.into_bits());
            drop_bits(old);
            return false;
        }
        if vm.use_tracing() {
            // Whoever goes over it may have begun before it was traced. What the trace function raises is forgotten.
            vm.ip.set(return_ip.sub(1));
            drop(vm::trace::stop_event(vm, &result));
        }
        let before = &*return_ip.sub(1);
        if before.handler == encode(delegation) {
            vm.ip.set(return_ip.add(1));
            At { ip: return_ip, fp: caller_fp, vm, k: caller_k }.set(before.b, result);
            vm.ip.set(return_ip.add(1));
            vm.fp.set(caller_fp);
            vm.k.set(caller_k);
            return false;
        }
        drop(result);
        let loop_ip = return_ip.sub(1);
        vm.ip.set(loop_ip);
        drop(At { ip: loop_ip, fp: caller_fp, vm, k: caller_k }.take((*loop_ip).b));
        vm.ip.set(loop_ip);
        vm.fp.set(caller_fp);
        vm.k.set(caller_k);
        true
    }
}

/// Takes the frame of a generator that has ended off the stack. Returns where to go on.
///
/// # Safety
/// The frame at `at` is that of a running generator.
pub(crate) unsafe fn finish_generator_frame(at: At) -> (*const Cell, *mut u64, *const u64) {
    // SAFETY: the caller's.
    unsafe {
        let meta = at.meta();
        if *at.fp.add(meta.named as usize + OBJECT) != EMPTY
            && let Some(place) = frame::Place::current(at.vm)
        {
            frame::detach(place);
        }
        // It may die with what it holds.
        let callee = at.callee().clone();
        let header = at.fp.add(meta.named as usize);
        let return_ip = *header.add(RETURN_IP) as *const Cell;
        let caller_fp = *header.add(CALLER_FP) as *mut u64;
        let caller_k = *header.add(CALLER_K) as *const u64;
        // The frame has ended: what dies with its registers runs in the caller's name and finds the generator finished.
        let floor = stand_in_caller(at.vm, header, at.top());
        *header.add(OBJECT) = EMPTY;
        let mut handled = None;
        if let Some(generator) = generator::of(&callee) {
            generator.leave_chain();
            generator.set_state(State::Finished);
            at.vm.handled.set(generator.handled().previous.get());
            handled = generator.handled().exception.take();
        }
        at.vm.remaining.set(at.vm.remaining.get() + 1);
        clear(at.fp, meta.named as usize);
        clear(at.fp.add(meta.temporaries() as usize), (meta.frame_size - meta.temporaries()) as usize);
        drop(handled);
        drop(callee);
        at.vm.floor.set(floor);
        (return_ip, caller_fp, caller_k)
    }
}

handler! {
    /// returns a from a generator
    fn return_from_generator<const PLACE: u8>(ip, fp, vm, k) {
        let result = if PLACE == TEMP {
            let slot = fp.add((*ip).a as usize);
            let value = *slot;
            *slot = EMPTY;
            value
        } else {
            let value = if PLACE == LOCAL { *fp.add((*ip).a as usize) } else { *k.add((*ip).a as usize) };
            share_bits(value);
            value
        };
        let callee = *fp.sub(1) as *const Header;
        let named = (*ip).b as usize;
        let header = fp.add(named);
        let return_ip = *header.add(RETURN_IP) as *const Cell;
        if yields_plainly(callee)
            && *header.add(OBJECT) == EMPTY
            && !(*(callee as *const Generator)).handled().exception.is_some()
        {
            // The variables die here unless one of them is the last reference to something.
            let mut index = 0;
            while index < named && !(is_heap(*fp.add(index)) && (*(*fp.add(index) as *const Header)).count() == 1) {
                let value = *fp.add(index);
                *fp.add(index) = EMPTY;
                if is_heap(value) {
                    (*(value as *const Header)).decrement();
                }
                index += 1;
            }
            let before = &*return_ip.sub(1);
            let delegated = before.handler == encode(delegation);
            let to_native = is_boundary(return_ip);
            if index == named && (delegated || to_native || !is_heap(result)) {
                let caller_fp = *header.add(CALLER_FP) as *mut u64;
                let caller_k = *header.add(CALLER_K) as *const u64;
                let generator = &*(callee as *const Generator);
                generator.leave_chain();
                generator.set_state(State::Finished);
                vm.handled.set(generator.handled().previous.get());
                vm.remaining.set(vm.remaining.get() + 1);
                if to_native {
                    *caller_fp.add(before.a as usize) = result;
                    next!(return_ip, caller_fp, vm, caller_k)
                }
                let register = before.b as usize;
                let iterator = *caller_fp.add(register);
                // A loop over the generator ends; a delegation has its result where the generator stood.
                let next_ip = if delegated {
                    *caller_fp.add(register) = result;
                    return_ip.add(1)
                } else {
                    *caller_fp.add(register) = EMPTY;
                    return_ip.sub(1).offset(before.c as i32 as isize)
                };
                drop_next!(iterator, next_ip, caller_fp, vm, caller_k)
            }
        }
        if return_from_generator_work(ip, fp, vm, k, result) {
            let ip = vm.ip.get();
            let fp = vm.fp.get();
            let k = vm.k.get();
            jump!(ip, fp, vm, k)
        }
        next!(vm.ip.get(), vm.fp.get(), vm, vm.k.get())
    }
}

/// `return a`
pub(crate) fn generator_return(place: Place) -> Handler {
    match place {
        Place::Temp => return_from_generator::<TEMP>,
        Place::Local => return_from_generator::<LOCAL>,
        Place::Const => return_from_generator::<CONST>,
    }
}
