//! The handlers of generators and coroutines: their making, resumption, suspension and end.
//!
//! A generator's registers lie on the stack while it runs and in its object else. The common steps, a `for` loop's next
//! item and a plain `yield`, move them word by word (a wide copy would stall on words just stored) without leaving the
//! handler. The writes are volatile to keep the compiler from making wide copies of the few words there are.

use super::cell::{Cell, encode};
use super::control::{is_boundary, stand_in_caller};
use super::handlers::{die_next, drop_next, handler, operation};
use super::registers::{At, clear, drop_bits, share_bits};
use super::unwind::{raise, raise_out};
use super::{EMPTY, Handler, Place, become_handler, is_heap, jump, next};
use crate::object::error::PyResult;
use crate::object::header::Header;
use crate::object::value::Value;
use crate::types::async_generator::ASYNC_GENERATOR;
use crate::types::generator::{self, COROUTINE, GENERATOR, Generator, State};
use crate::vm;
use crate::vm::frame::{self, CALLER_FP, CALLER_K, HEADER_WORDS, OBJECT, RETURN_IP};
use crate::vm::thread::Thread;
use crate::vm::translate::Meta;

const TEMP: u8 = 0;
const LOCAL: u8 = 1;
const CONST: u8 = 2;

/// The generator object of a call: takes the frame's registers over and returns to the caller.
#[inline(never)]
unsafe fn return_generator_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) {
    // SAFETY: the frame has just been entered: variables and header are complete, no temporary is in use.
    unsafe {
        let at = At::new(ip, fp, vm, k);
        let named = at.meta().named as usize;
        let function = Value::from_bits(std::mem::replace(&mut *fp.sub(1), EMPTY));
        let mut registers = Vec::with_capacity(at.meta().frame_size as usize);
        for index in 0..named {
            registers.push(std::mem::replace(&mut *fp.add(index), EMPTY));
        }
        let header = fp.add(named);
        let return_ip = *header.add(RETURN_IP) as *const Cell;
        let caller_fp = *header.add(CALLER_FP) as *mut u64;
        let caller_k = *header.add(CALLER_K) as *const u64;
        let place = if vm.origin_depth.get() > 0 { frame::Place::current(vm) } else { None };
        let generator = Generator::new_value(function, ip.add(1), k, registers);
        if place.is_some()
            && let Some(generator) = generator::of(&generator)
        {
            generator.note_origin(vm, place);
        }
        for word in 0..3 {
            *header.add(word) = EMPTY;
        }
        vm.remaining.set(vm.remaining.get() + 1);
        vm.ip.set(return_ip);
        vm.fp.set(caller_fp);
        vm.k.set(caller_k);
        let slot = caller_fp.add((*return_ip.sub(1)).a as usize);
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

/// Puts a suspended generator's registers on the stack at `new_fp` and completes its frame. The value sent goes to the
/// register that waits for it.
///
/// # Safety
/// `new_fp` lies above every frame in use; the generator is suspended or has not begun.
pub(crate) unsafe fn resume_frame(
    vm: &'static Thread,
    generator: &Generator,
    new_fp: *mut u64,
    return_ip: *const Cell,
    caller_fp: *mut u64,
    caller_k: *const u64,
    sent: Value,
) -> PyResult<()> {
    // SAFETY: the caller's; the registers are moved in.
    unsafe {
        let last = if vm.use_tracing() { generator.last_instruction() } else { -1 };
        vm::trace::before_resume(vm, generator)?;
        let k = generator.constants();
        let meta = Meta::of(k);
        let end = new_fp.add(meta.frame_size as usize);
        if (end > vm.stack_limit.get() && !frame::prepare_registers(vm, end)) || vm.remaining.get() <= 0 {
            return Err(vm::thread::recursion_exceeded(""));
        }
        vm.remaining.set(vm.remaining.get() - 1);
        *new_fp.sub(1) = Value::of(generator).into_bits();
        generator.move_registers_out(new_fp, meta.named as usize);
        let header = new_fp.add(meta.named as usize);
        *header.add(RETURN_IP) = return_ip as u64;
        *header.add(CALLER_FP) = caller_fp as u64;
        *header.add(CALLER_K) = caller_k as u64;
        *header.add(OBJECT) = match generator.take_frame_object() {
            Some(object) => {
                crate::types::frame::set_running(&object, new_fp);
                object.into_bits()
            }
            None => EMPTY,
        };
        match generator.value_register() {
            Some(register) => *new_fp.add(register as usize) = sent.into_bits(),
            None => drop(sent),
        }
        generator.set_state(State::Running);
        generator.handled().previous.set(vm.handled.get());
        vm.handled.set(generator.handled());
        vm.ip.set(generator.ip());
        vm.fp.set(new_fp);
        vm.k.set(k);
        if vm.use_tracing()
            && let Err(raised) = vm::trace::call_event(vm, last)
        {
            let (return_ip, caller_fp, caller_k) = finish_generator_frame(At::new(vm.ip.get(), new_fp, vm, k));
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

/// Takes a generator's frame off the stack again: the first `saved` registers go back into the object, the header is
/// cleared, the level of handled exceptions ends. Returns where to go on.
///
/// # Safety
/// The frame at `at` is that of `generator`, which runs.
unsafe fn suspend_frame(
    at: At,
    generator: &Generator,
    saved: usize,
    resume_ip: *const Cell,
    value_register: u32,
) -> (*const Cell, *mut u64, *const u64) {
    // SAFETY: the caller's.
    unsafe {
        let meta = at.meta();
        let header = at.fp.add(meta.named as usize);
        let return_ip = *header.add(RETURN_IP) as *const Cell;
        let caller_fp = *header.add(CALLER_FP) as *mut u64;
        let caller_k = *header.add(CALLER_K) as *const u64;
        let object = *header.add(OBJECT);
        for word in 0..HEADER_WORDS {
            *header.add(word) = EMPTY;
        }
        generator.move_registers_in(at.fp, meta.named as usize, saved);
        generator.suspend_at(resume_ip, value_register);
        if object != EMPTY {
            let object = Value::from_bits(object);
            let last = generator.last_instruction();
            crate::types::frame::set_suspended(&object, generator, last);
            generator.keep_frame_object(object);
        }
        at.vm.handled.set(generator.handled().previous.get());
        at.vm.remaining.set(at.vm.remaining.get() + 1);
        (return_ip, caller_fp, caller_k)
    }
}

/// Hands a yielded value to whoever resumed the generator.
#[inline(never)]
pub(crate) unsafe fn yield_work(at: At, value: Value, saved: usize, resume_ip: *const Cell, value_register: u32) {
    // SAFETY: the frame is a generator's: what stands before its registers is the generator.
    unsafe {
        let callee = Value::from_bits(std::mem::replace(&mut *at.fp.sub(1), EMPTY));
        let Some(generator) = generator::of(&callee) else { return };
        let (return_ip, caller_fp, caller_k) = suspend_frame(at, generator, saved, resume_ip, value_register);
        let slot = caller_fp.add((*return_ip.sub(1)).a as usize);
        let old = std::mem::replace(&mut *slot, value.into_bits());
        at.vm.ip.set(return_ip);
        at.vm.fp.set(caller_fp);
        at.vm.k.set(caller_k);
        drop_bits(old);
        drop(callee);
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
        yield_work(at, value, at.c() as usize, ip.add(1), at.a());
    }
}

/// Suspends the running frame, handing the value of `$a` on, or falls through.
macro_rules! suspend {
    ($plain:expr, $resume_ip:expr, $ip:ident, $fp:ident, $vm:ident, $k:ident) => {{
        let callee = *$fp.sub(1) as *const Header;
        let header = $fp.add(Meta::of($k).named as usize);
        // Whoever holds a frame object has to be told.
        if $plain(callee) && (*callee).count() > 1 && *header.add(OBJECT) == EMPTY {
            let generator = &*(callee as *const Generator);
            let named = Meta::of($k).named as usize;
            let saved = (*$ip).c as usize;
            let registers = generator.registers_for(saved - HEADER_WORDS);
            if !registers.is_null() {
                let value = *$fp.add((*$ip).a as usize);
                *$fp.add((*$ip).a as usize) = EMPTY;
                let return_ip = *header.add(RETURN_IP) as *const Cell;
                let caller_fp = *header.add(CALLER_FP) as *mut u64;
                let caller_k = *header.add(CALLER_K) as *const u64;
                *header.add(RETURN_IP) = EMPTY;
                *header.add(CALLER_FP) = EMPTY;
                *header.add(CALLER_K) = EMPTY;
                let mut index = 0;
                while index < named {
                    *registers.add(index) = *$fp.add(index);
                    $fp.add(index).write_volatile(EMPTY);
                    index += 1;
                }
                index += HEADER_WORDS;
                while index < saved {
                    *registers.add(index - HEADER_WORDS) = *$fp.add(index);
                    $fp.add(index).write_volatile(EMPTY);
                    index += 1;
                }
                *$fp.sub(1) = EMPTY;
                (*callee).decrement();
                generator.suspend_at($resume_ip, (*$ip).a);
                $vm.handled.set(generator.handled().previous.get());
                $vm.remaining.set($vm.remaining.get() + 1);
                let slot = caller_fp.add((*return_ip.sub(1)).a as usize);
                let old = *slot;
                *slot = value;
                drop_next!(old, return_ip, caller_fp, $vm, caller_k)
            }
        }
    }};
}

/// Goes on in a generator's frame, or falls through.
macro_rules! enter {
    ($iterator:expr, $generator:expr, $return_ip:expr, $sent:expr, $fp:ident, $vm:ident, $k:ident) => {{
        let generator: &Generator = $generator;
        let new_fp = $fp.add(Meta::of($k).frame_size as usize + 1);
        let new_k = generator.constants();
        let meta = Meta::of(new_k);
        let remaining = $vm.remaining.get();
        if !generator.has_frame_object()
            && new_fp.add(meta.frame_size as usize) <= $vm.stack_limit.get()
            && remaining > 0
        {
            $vm.remaining.set(remaining - 1);
            (*($iterator as *const Header)).increment();
            *new_fp.sub(1) = $iterator;
            let (registers, count) = generator.take_registers();
            let named = meta.named as usize;
            let mut index = 0;
            while index < named {
                new_fp.add(index).write_volatile(*registers.add(index));
                index += 1;
            }
            while index < count {
                new_fp.add(index + HEADER_WORDS).write_volatile(*registers.add(index));
                index += 1;
            }
            let header = new_fp.add(named);
            *header.add(RETURN_IP) = $return_ip as u64;
            *header.add(CALLER_FP) = $fp as u64;
            *header.add(CALLER_K) = $k as u64;
            *header.add(OBJECT) = EMPTY;
            if let Some(register) = generator.value_register() {
                *new_fp.add(register as usize) = $sent;
            }
            generator.set_state(State::Running);
            generator.handled().previous.set($vm.handled.get());
            $vm.handled.set(generator.handled());
            next!(generator.ip(), new_fp, $vm, new_k)
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
    /// yields a; the value sent goes there; c registers are kept
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
                yield_work(at, value, at.c() as usize, ip, at.a() + 1);
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
    /// yields from iterator a, the value sent to it in a+1; c registers are kept. Two cells follow: where a generator that
    /// is delegated to hands its values over, and what it goes on with.
    fn yield_from(ip, fp, vm, k) {
        let iterator = *fp.add((*ip).a as usize);
        let sent = fp.add((*ip).a as usize + 1);
        if is_heap(iterator) && yields_plainly(iterator as *const Header) {
            let generator = &*(iterator as *const Generator);
            let state = generator.state();
            if state == State::Suspended || (state == State::Created && *sent == Value::NONE.bits()) {
                let value = std::mem::replace(&mut *sent, EMPTY);
                enter!(iterator, generator, ip.add(2), value, fp, vm, k);
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
        yield_work(at, value, at.c() as usize, ip.sub(2), at.a());
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
                let new_fp = fp.add(at.meta().frame_size as usize + 1);
                resume_frame(vm, generator, new_fp, ip.add(1), fp, k, Value::NONE).map(|()| 0)
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
        if matches!(generator.state(), State::Suspended | State::Created) {
            enter!(iterator, generator, ip.add(1), Value::NONE.bits(), fp, vm, k);
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
        let callee = Value::from_bits(std::mem::replace(&mut *at.fp.sub(1), EMPTY));
        let header = at.fp.add(meta.named as usize);
        let return_ip = *header.add(RETURN_IP) as *const Cell;
        let caller_fp = *header.add(CALLER_FP) as *mut u64;
        let caller_k = *header.add(CALLER_K) as *const u64;
        // The frame has ended: what dies with its registers runs in the caller's name and finds the generator finished.
        let floor = stand_in_caller(at.vm, header, at.fp.add(meta.frame_size as usize));
        for word in 0..HEADER_WORDS {
            *header.add(word) = EMPTY;
        }
        let mut handled = None;
        if let Some(generator) = generator::of(&callee) {
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
            && (*callee).count() > 1
            && *header.add(OBJECT) == EMPTY
            && !is_boundary(return_ip)
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
            if index == named && (delegated || !is_heap(result)) {
                let caller_fp = *header.add(CALLER_FP) as *mut u64;
                let caller_k = *header.add(CALLER_K) as *const u64;
                *header.add(RETURN_IP) = EMPTY;
                *header.add(CALLER_FP) = EMPTY;
                *header.add(CALLER_K) = EMPTY;
                *fp.sub(1) = EMPTY;
                (*callee).decrement();
                let generator = &*(callee as *const Generator);
                generator.set_state(State::Finished);
                vm.handled.set(generator.handled().previous.get());
                vm.remaining.set(vm.remaining.get() + 1);
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
