//! Handlers that enter and leave frames: calls, returns, generators; and what variables beyond the frame need.

use super::cell::{Cell, encode};
use super::handlers::{die_next, drop_next, handler, operation};
use super::registers::{At, clear, share_bits, top_of};
use super::unwind::raise;
use super::{EMPTY, become_handler, is_heap, next};
use super::{LOCAL, TEMP};
use crate::object::dict_table::watch_epoch;
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::header::{Header, dealloc};
use crate::object::value::Value;
use crate::object::{TypeObject, call as call_protocol};
use crate::pyc::opcode::Opcode;
use crate::types::builtin_function::BuiltinFunction;
use crate::types::cell::Cell as PyCell;
use crate::types::descriptor::MethodDescriptor;
use crate::types::dict::Dict;
use crate::types::exceptions::{name_error, type_error};
use crate::types::function::{FUNCTION, Function};
use crate::types::method::Method;
use crate::types::object as object_type;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::call::{bind, push_header};
use crate::vm::frame::{self, CALLER_FP, CALLER_K, HEADER_WORDS, OBJECT, RETURN_IP};
use crate::vm::thread::Thread;
use crate::vm::translate::Meta;
use crate::{name, vm};
use std::cell::UnsafeCell;
use std::sync::atomic::Ordering::Relaxed;

// ---------------------------------------------------------------------------------------------------------------------
// The native boundary

/// The instructions at which a frame called from native code returns: the first says where the result goes.
static BOUNDARY: GilCell<UnsafeCell<[Cell; 2]>> = GilCell::new(UnsafeCell::new([Cell::EMPTY; 2]));

/// Where frames called from native code return to.
pub(crate) fn boundary() -> *const Cell {
    BOUNDARY.get().get() as *const Cell
}

/// Sets the boundary up; before the loop runs for the first time.
pub(crate) fn init() {
    // SAFETY: nothing runs yet.
    unsafe { *BOUNDARY.get().get() = [Cell::new(halt, 0, 0, 0), Cell::new(halt, 0, 0, 0)] };
    debug_assert_eq!(encode(halt), 0);
}

/// The return address of frames called from native code.
pub(crate) fn boundary_return() -> *const Cell {
    boundary().wrapping_add(1)
}

/// Whether a return address is the native boundary.
#[inline(always)]
pub(crate) fn is_boundary(ip: *const Cell) -> bool {
    std::ptr::eq(ip, boundary_return())
}

handler! {
    /// Leaves the loop.
    fn halt(_ip, _fp, _vm, _k) {}
}

operation!(
    /// What follows the last instruction.
    #[cold]
    off_the_end,
    1,
    |_at| Err(crate::types::exceptions::system_error("control ran off the end of the code"))
);

operation!(
    /// Signals, other threads, tracing: whatever set the breaker. The instruction is tried again after.
    #[cold]
    attend,
    0,
    |at| vm::signals::attend(at.vm)
);

// ---------------------------------------------------------------------------------------------------------------------
// Calls

/// Enters the frame of a function that takes as many arguments as stand behind it, or falls through. From a frame in a
/// generator's object callee and arguments move to where the stack ends; from others they are in place.
macro_rules! enter_direct {
    ($in_object:literal, $register:expr, $count:expr, $return_ip:expr, $fp:expr, $vm:expr, $k:expr) => {{
        let from = $fp.add($register as usize);
        let callee: u64 = *from;
        if is_heap(callee) && std::ptr::eq((*(callee as *const Header)).ty(), &FUNCTION) {
            let function = &*(callee as *const Function);
            if function.direct.get() == $count {
                let new_k = function.constants.get().0;
                let meta = Meta::of(new_k);
                let new_fp = if $in_object { top_of($fp, $k) } else { from }.add(1);
                let named = meta.named as usize;
                let remaining = $vm.remaining.get();
                if new_fp.add(meta.frame_size as usize) <= $vm.stack_limit.load(Relaxed) && remaining > 0 {
                    $vm.remaining.set(remaining - 1);
                    let count = $count as usize;
                    let mut index = 0;
                    while $in_object && index <= count {
                        let slot = from.add(index);
                        *new_fp.sub(1).add(index) = *slot;
                        *slot = EMPTY;
                        index += 1;
                    }
                    index = count;
                    while index < named {
                        *new_fp.add(index) = EMPTY;
                        index += 1;
                    }
                    let header = new_fp.add(named);
                    *header.add(RETURN_IP) = $return_ip as u64;
                    *header.add(CALLER_FP) = $fp as u64;
                    *header.add(CALLER_K) = $k as u64;
                    *header.add(OBJECT) = EMPTY;
                    next!(meta.entry, new_fp, $vm, new_k)
                }
            }
        }
    }};
}

handler! {
    /// (ip+1).a := call of b with c arguments behind it
    fn call(ip, fp, vm, k) {
        let register = (*ip).b;
        enter_direct!(false, register, (*ip).c, ip.add(2), fp, vm, k);
        become_handler!(call_slow, ip, fp, vm, k)
    }
}

handler! {
    /// As `call`, of what `load_method` put at b: a function and the object, or nothing and a callable
    fn call_method(ip, fp, vm, k) {
        let register = (*ip).b;
        enter_direct!(false, register, (*ip).c + 1, ip.add(2), fp, vm, k);
        become_handler!(call_method_slow, ip, fp, vm, k)
    }
}

handler! {
    /// `call` in a generator
    fn call_from_object(ip, fp, vm, k) {
        let register = (*ip).b;
        enter_direct!(true, register, (*ip).c, ip.add(2), fp, vm, k);
        become_handler!(call_slow, ip, fp, vm, k)
    }
}

handler! {
    /// `call_method` in a generator
    fn call_method_from_object(ip, fp, vm, k) {
        let register = (*ip).b;
        enter_direct!(true, register, (*ip).c + 1, ip.add(2), fp, vm, k);
        become_handler!(call_method_slow, ip, fp, vm, k)
    }
}

/// How a call went on.
const DONE: u8 = 0;
const ENTERED: u8 = 1;
const RAISED: u8 = 2;

handler! {
    #[inline(never)]
    fn call_slow(ip, fp, vm, k) {
        match call_work(ip, fp, vm, k, (*ip).b, (*ip).c) {
            DONE => next!(ip.add(2), fp, vm, k),
            ENTERED => next!(vm.ip.get(), vm.fp.get(), vm, vm.k.get()),
            _ => become_handler!(raise, ip, fp, vm, k),
        }
    }
}

handler! {
    #[inline(never)]
    fn call_method_slow(ip, fp, vm, k) {
        let bound = *fp.add((*ip).b as usize) == EMPTY;
        let register = (*ip).b + bound as u32;
        let count = (*ip).c + !bound as u32;
        match call_work(ip, fp, vm, k, register, count) {
            DONE => next!(ip.add(2), fp, vm, k),
            ENTERED => next!(vm.ip.get(), vm.fp.get(), vm, vm.k.get()),
            _ => become_handler!(raise, ip, fp, vm, k),
        }
    }
}

/// Calls what is in `register` with the `count` arguments behind it: natively, or by entering its frame.
#[inline(never)]
unsafe fn call_work(
    ip: *const Cell,
    fp: *mut u64,
    vm: &'static Thread,
    k: *const u64,
    register: u32,
    count: u32,
) -> u8 {
    // SAFETY: the handler's arguments.
    let at = unsafe { At::new(ip, fp, vm, k) };
    if let Some(result) = call_native(at, register, count) {
        return match result.and_then(|result| finish_native(at, register, count, result)) {
            Ok(()) => DONE,
            Err(raised) => {
                vm.set_raised(raised);
                RAISED
            }
        };
    }
    match call_any(at, register, count) {
        Ok(entered) => {
            if entered {
                ENTERED
            } else {
                DONE
            }
        }
        Err(raised) => {
            vm.set_raised(raised);
            RAISED
        }
    }
}

/// The call of a native function that takes just as many arguments, if it is one. Callee and arguments stay in their
/// registers meanwhile, which nobody else touches.
#[inline(always)]
fn call_native(at: At, register: u32, count: u32) -> Option<PyResult<Value>> {
    // SAFETY: a word of the frame; the frame owns what it refers to during the call.
    let callee = unsafe { &*(at.slot(register) as *const Value) };
    if let Some(method) = callee.exact::<MethodDescriptor>() {
        // SAFETY: as above.
        let args = unsafe { at.slice(register + 1, count) };
        let (function, owner, this) = (method.function(), method.owner()?, args.first()?);
        if function.exact == count && (std::ptr::eq(this.ty(), owner) || this.ty().is_subtype(owner)) {
            return Some((function.thunk)(function, args));
        }
        return None;
    }
    let builtin = callee.exact::<BuiltinFunction>()?;
    let function = builtin.function()?;
    if builtin.this().is_none() && function.exact == count {
        // SAFETY: as above.
        return Some((function.thunk)(function, unsafe { at.slice(register + 1, count) }));
    }
    None
}

/// The register for the result of the call at `at`.
fn result_register(at: At) -> u32 {
    // SAFETY: a second cell follows a call.
    unsafe { (*at.ip.add(1)).a }
}

fn call_any(at: At, register: u32, mut count: u32) -> PyResult<bool> {
    let mut expanded = false;
    loop {
        let callee = at.get(register);
        if let Some(function) = callee.exact::<Function>() {
            // SAFETY: the arguments stand behind the function.
            return unsafe { enter_function(at, function, register, count, at.ip.add(2)) };
        }
        if let Some(method) = callee.exact::<MethodDescriptor>() {
            // SAFETY: the registers stay as they are during the call.
            let args = unsafe { at.slice(register + 1, count) };
            let fits = args.first().is_some_and(|this| {
                method.owner().is_some_and(|owner| std::ptr::eq(this.ty(), owner) || this.ty().is_subtype(owner))
            });
            let result = if fits { method.function().call(args, None)? } else { call_protocol::call(&callee, args)? };
            return finish_native(at, register, count, result).map(|()| false);
        }
        if let Some(builtin) = callee.exact::<BuiltinFunction>()
            && let Some(function) = builtin.function()
        {
            // SAFETY: the registers stay as they are during the call; the function itself is held by `callee`.
            let result = match builtin.this() {
                None => unsafe { function.call(at.slice(register + 1, count), None)? },
                Some(this) => {
                    at.set(register, this.clone());
                    unsafe { function.call(at.slice(register, count + 1), None)? }
                }
            };
            return finish_native(at, register, count, result).map(|()| false);
        }
        // A method of a method would need more room than the frame has.
        if let Some(method) = callee.exact::<Method>().filter(|_| !expanded) {
            // The object takes the first argument's place; the others move up.
            for index in (0..count).rev() {
                let value = at.take(register + 1 + index);
                at.put(register + 2 + index, value);
            }
            at.set(register, method.function().clone());
            at.put(register + 1, method.this().clone());
            count += 1;
            expanded = true;
            continue;
        }
        if let Some(ty) = callee.downcast::<TypeObject>()
            && let Some(entered) = construct(at, &callee, ty, register, count)?
        {
            return Ok(entered);
        }
        // SAFETY: the registers stay as they are during the call.
        let result = call_protocol::call(&callee, unsafe { at.slice(register + 1, count) })?;
        return finish_native(at, register, count, result).map(|()| false);
    }
}

/// Attends to what came up during the native call, then drops callee and arguments and stores the result.
#[inline(always)]
fn finish_native(at: At, register: u32, count: u32, result: Value) -> PyResult<()> {
    attend_after_native(at)?;
    // SAFETY: the registers of the call.
    unsafe { clear(at.slot(register), count as usize + 1) };
    at.set(result_register(at), result);
    Ok(())
}

/// Attends to what came up during a native call: a signal that did not keep it from success has its handler run before the
/// program goes on.
///
/// # Errors
/// What a handler of a signal raises.
#[inline(always)]
pub(super) fn attend_after_native(at: At) -> PyResult<()> {
    if at.vm.breaker.load(Relaxed) { attend_unless_guarded(at) } else { Ok(()) }
}

/// As `_PyEval_EvalFrameDefault`: nothing comes between a call and the entry of the block that will undo it.
#[cold]
#[inline(never)]
fn attend_unless_guarded(at: At) -> PyResult<()> {
    let next = usize::try_from(at.meta().offset_of(at.ip)).unwrap_or(0) + 2;
    let guards = at.code().bytecode().get(next).and_then(|&byte| Opcode::from_byte(byte)).is_some_and(|opcode| {
        matches!(opcode, Opcode::SetupFinally | Opcode::SetupWith | Opcode::BeforeAsyncWith | Opcode::YieldFrom)
    });
    if guards { Ok(()) } else { vm::signals::attend(at.vm) }
}

/// Enters the frame of a function whose `count` positional arguments stand behind it.
unsafe fn enter_function(
    at: At,
    function: &Function,
    register: u32,
    count: u32,
    return_ip: *const Cell,
) -> PyResult<bool> {
    // SAFETY: the caller's.
    unsafe { enter_named(at, function, register, count, &[], return_ip)? };
    Ok(true)
}

/// Enters the frame of a function whose `count` arguments stand behind it, the last of them named.
unsafe fn enter_named(
    at: At,
    function: &Function,
    register: u32,
    count: u32,
    names: &[Value],
    return_ip: *const Cell,
) -> PyResult<()> {
    // SAFETY: the arguments are in place; bind() completes or clears the frame.
    unsafe {
        if at.vm.breaker.load(Relaxed) {
            vm::signals::attend(at.vm)?;
        }
        let count = count as usize;
        let mut new_fp = at.slot(register).add(1);
        if at.in_object() {
            let top = at.top();
            let end = top.add(1 + count);
            if end > at.vm.stack_limit.load(Relaxed) && !frame::prepare_registers(at.vm, end) {
                return Err(vm::thread::recursion_exceeded(""));
            }
            for index in 0..=count {
                *top.add(index) = std::mem::replace(&mut *at.slot(register).add(index), EMPTY);
            }
            new_fp = top.add(1);
        }
        let k = bind(at.vm, function, new_fp, count, names)?;
        push_header(new_fp, k, return_ip, at.fp, at.k);
        at.vm.ip.set(Meta::of(k).entry);
        at.vm.fp.set(new_fp);
        at.vm.k.set(k);
    }
    Ok(())
}

/// Whether a Python function that takes `count` positional arguments can be entered behind the frame.
#[inline(always)]
pub(crate) fn can_enter(at: At, function: &Value, count: u32) -> bool {
    let Some(function) = function.exact::<Function>() else { return false };
    if function.direct.get() != count || at.vm.remaining.get() <= 0 {
        return false;
    }
    // SAFETY: a direct function is translated; the address is compared only.
    unsafe {
        let size = 1 + Meta::of(function.constants.get().0).frame_size as usize;
        at.top().wrapping_add(size) <= at.vm.stack_limit.load(Relaxed)
    }
}

/// Enters the frame of a function behind the running frame. The result goes to operand `a` of the cell before `return_ip`.
///
/// # Safety
/// [`can_enter`] has said so for as many arguments; `return_ip` is an instruction of the running frame.
pub(crate) unsafe fn enter_above<const N: usize>(at: At, function: Value, args: [Value; N], return_ip: *const Cell) {
    let Some(body) = function.exact::<Function>() else { return };
    // SAFETY: the caller's; the registers behind the frame are free.
    unsafe {
        let k = body.constants.get().0;
        let meta = Meta::of(k);
        let fp = at.top().add(1);
        for (index, arg) in args.into_iter().enumerate() {
            *fp.add(index) = arg.into_bits();
        }
        for index in N..meta.named as usize {
            *fp.add(index) = EMPTY;
        }
        push_header(fp, k, return_ip, at.fp, at.k);
        *fp.sub(1) = function.into_bits();
        at.vm.remaining.set(at.vm.remaining.get() - 1);
        at.vm.ip.set(meta.entry);
        at.vm.fp.set(fp);
        at.vm.k.set(k);
    }
}

/// An instance of a class without a `__new__` of its own whose `__init__` is a Python function: its frame is entered, and
/// `construct_done` goes on. `None` for other classes.
fn construct(at: At, class: &Value, ty: &TypeObject, register: u32, count: u32) -> PyResult<Option<bool>> {
    if !std::ptr::eq(class.ty(), &crate::types::type_::TYPE)
        || !ty.is_heap_type()
        || !std::ptr::eq(native_base(ty), &object_type::OBJECT)
        || !object_type::is_plainly_made(ty)
    {
        return Ok(None);
    }
    let Some(init) = ty.lookup(name!("__init__")) else { return Ok(None) };
    let Some(function) = init.exact::<Function>() else { return Ok(None) };
    // The call's first register: `a` is the one behind it.
    let first = at.a() - 1;
    let instance = object_type::new_plain(ty);
    for index in (0..count).rev() {
        let value = at.take(register + 1 + index);
        at.put(first + 3 + index, value);
    }
    drop(at.take(register));
    at.put(first, instance.clone());
    at.put(first + 2, instance);
    at.put(first + 1, init.clone());
    // SAFETY: the arguments stand behind the function.
    unsafe { enter_function(at, function, first + 1, count + 1, at.ip.add(1)).map(Some) }
}

fn native_base(ty: &TypeObject) -> &TypeObject {
    let mut ty = ty;
    while ty.is_heap_type() {
        match ty.base_type() {
            Some(base) => ty = base,
            None => break,
        }
    }
    ty
}

operation!(
    /// The second cell of a call: `__init__` has returned, the instance is the result.
    construct_done,
    1,
    |at| {
        // SAFETY: the call stands before this cell.
        let scratch = unsafe { (*at.ip.sub(1)).a };
        let result = at.take(scratch);
        let instance = at.take(scratch - 1);
        if !result.is_none() {
            return Err(type_error(format!("__init__() should return None, not '{}'", result.ty().name())));
        }
        at.set(at.a(), instance);
        Ok(())
    }
);

handler! {
    /// a := call of a with b values behind it, the last named by the tuple behind those
    fn call_keywords(ip, fp, vm, k) {
        match call_keywords_work(ip, fp, vm, k) {
            DONE => next!(ip.add(1), fp, vm, k),
            ENTERED => next!(vm.ip.get(), vm.fp.get(), vm, vm.k.get()),
            _ => become_handler!(raise, ip, fp, vm, k),
        }
    }
}

#[inline(never)]
unsafe fn call_keywords_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) -> u8 {
    // SAFETY: the handler's arguments.
    match call_named(unsafe { At::new(ip, fp, vm, k) }) {
        Ok(true) => ENTERED,
        Ok(false) => DONE,
        Err(raised) => {
            vm.set_raised(raised);
            RAISED
        }
    }
}

/// A call with keywords: true when a frame was entered.
fn call_named(at: At) -> PyResult<bool> {
    let (first, mut count) = (at.a(), at.b());
    let names = at.take(first + 1 + count);
    let Some(names_tuple) = names
        .downcast::<Tuple>()
        .filter(|names| names.len() <= count as usize && names.iter().all(|name| name.downcast::<Str>().is_some()))
    else {
        return Err(crate::types::exceptions::system_error("bad keyword names"));
    };
    let mut callee = at.get(first);
    if let Some(method) = callee.exact::<Method>().filter(|method| method.function().is_exact::<Function>()) {
        // The object takes the first argument's place; the others move up to where the names stood.
        for index in (0..count).rev() {
            let value = at.take(first + 1 + index);
            at.put(first + 2 + index, value);
        }
        at.put(first + 1, method.this().clone());
        at.set(first, method.function().clone());
        count += 1;
        callee = at.get(first);
    }
    if let Some(function) = callee.exact::<Function>() {
        // SAFETY: the arguments stand behind the function.
        unsafe { enter_named(at, function, first, count, names_tuple.as_slice(), at.ip.add(1))? };
        return Ok(true);
    }
    // SAFETY: the registers stay as they are during the call.
    let result = unsafe { call_protocol::call_keywords(&callee, at.slice(first + 1, count), Some(&names))? };
    attend_after_native(at)?;
    // SAFETY: the registers of the call.
    unsafe { clear(at.slot(first), count as usize + 1) };
    at.put(first, result);
    Ok(false)
}

operation!(
    /// a := call of a with the arguments in a+1 and, when b is 1, the keywords in a+2
    call_ex,
    1,
    |at| {
        let callee = at.take(at.a());
        let args = at.take(at.a() + 1);
        let kwargs = if at.b() != 0 { Some(at.take(at.a() + 2)) } else { None };
        let result = vm::call::call_with_containers(&callee, args, kwargs.as_ref())?;
        drop((callee, kwargs));
        attend_after_native(at)?;
        at.put(at.a(), result);
        Ok(())
    }
);

// ---------------------------------------------------------------------------------------------------------------------
// Return

/// The rest of a return once the variables are dropped: back to the caller with the result.
macro_rules! return_to_caller {
    ($result:expr, $fp:expr, $named:expr, $vm:expr) => {{
        let result: u64 = $result;
        let header = $fp.add($named);
        let ip = *header.add(RETURN_IP) as *const Cell;
        let caller_fp = *header.add(CALLER_FP) as *mut u64;
        let caller_k = *header.add(CALLER_K) as *const u64;
        *header.add(RETURN_IP) = EMPTY;
        *header.add(CALLER_FP) = EMPTY;
        *header.add(CALLER_K) = EMPTY;
        $vm.remaining.set($vm.remaining.get() + 1);
        let slot = caller_fp.add((*ip.sub(1)).a as usize);
        let old = *slot;
        *slot = result;
        drop_next!(old, ip, caller_fp, $vm, caller_k)
    }};
}

handler! {
    /// returns a; b variables die
    fn return_from<const PLACE: u8>(ip, fp, vm, k) {
        let result = if PLACE == TEMP {
            let slot = fp.add((*ip).a as usize);
            let value = *slot;
            *slot = EMPTY;
            value
        } else if PLACE == LOCAL {
            let value = *fp.add((*ip).a as usize);
            share_bits(value);
            value
        } else {
            let value = *k.add((*ip).a as usize);
            share_bits(value);
            value
        };
        let named = (*ip).b as usize;
        if *fp.add(named + OBJECT) != EMPTY {
            return return_slow(ip, fp, vm, k, 0, result);
        }
        let mut index = 0;
        while index < named {
            let slot = fp.add(index);
            let value = *slot;
            if is_heap(value) && (*(value as *const Header)).count() == 1 {
                return return_slow(ip, fp, vm, k, index, result);
            }
            *slot = EMPTY;
            if is_heap(value) {
                (*(value as *const Header)).decrement();
            }
            index += 1;
        }
        let callee = fp.sub(1);
        let function = *callee;
        if (*(function as *const Header)).count() == 1 {
            return return_slow(ip, fp, vm, k, index, result);
        }
        *callee = EMPTY;
        (*(function as *const Header)).decrement();
        return_to_caller!(result, fp, named, vm)
    }
}

/// Drops the variables from `index` on and the function.
#[inline(never)]
unsafe fn return_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64, index: usize) {
    // SAFETY: the returning frame.
    unsafe {
        At::new(ip, fp, vm, k);
        let named = (*ip).b as usize;
        if *fp.add(named + OBJECT) != EMPTY
            && let Some(place) = frame::Place::current(vm)
        {
            frame::detach(place);
        }
        // What dies with the variables runs in the caller's name: the frame has ended. With the function its code may go.
        let floor = stand_in_caller(vm, fp.add(named), fp.add(named + HEADER_WORDS));
        clear(fp.add(index), named - index);
        let callee = std::mem::replace(&mut *fp.sub(1), EMPTY);
        if (*(callee as *const Header)).decrement() {
            dealloc(callee as *mut Header);
        }
        vm.floor.set(floor);
    }
}

/// Makes the caller the running frame, given the header of the one that ends. Its registers up to `end` stay out of the
/// way of native activations until the floor, whose old value is returned, is set back.
///
/// # Safety
/// The header is complete.
pub(crate) unsafe fn stand_in_caller(vm: &'static Thread, header: *const u64, end: *mut u64) -> *mut u64 {
    // SAFETY: the caller's; activations live while the code above them runs.
    unsafe {
        let return_ip = *header.add(RETURN_IP) as *const Cell;
        if is_boundary(return_ip) {
            if let Some(activation) = vm.activation.get().as_ref() {
                vm.ip.set(activation.ip);
                vm.fp.set(activation.fp);
                vm.k.set(activation.k);
                vm.activation.set(activation.previous);
            }
        } else {
            vm.ip.set(return_ip.sub(1));
            vm.fp.set(*header.add(CALLER_FP) as *mut u64);
            vm.k.set(*header.add(CALLER_K) as *const u64);
        }
        vm.raise_floor(end)
    }
}

#[cold]
#[inline(never)]
unsafe fn return_slow(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64, index: usize, result: u64) {
    // SAFETY: the returning frame; a function's code outlives the call as its caller's constants do.
    unsafe {
        let named = (*ip).b as usize;
        return_work(ip, fp, vm, k, index);
        return_to_caller!(result, fp, named, vm)
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Variables beyond the frame

/// What a global load has learned: the address of the value while the epoch stands.
#[repr(C)]
struct GlobalCache {
    epoch: u64,
    value: *const u64,
}

handler! {
    /// temporary a := global c
    fn load_global(ip, fp, vm, k) {
        let cache = &*(ip.add(1) as *const GlobalCache);
        if cache.epoch == watch_epoch() {
            let value = *cache.value;
            share_bits(value);
            *fp.add((*ip).a as usize) = value;
            next!(ip.add(2), fp, vm, k)
        }
        become_handler!(load_global_slow, ip, fp, vm, k)
    }
}

operation!(
    /// Looks a global up and remembers where its value stands.
    #[cold]
    load_global_slow,
    2,
    |at| {
        let function = frame::function_of(at.callee());
        let Some(function) = function.exact::<Function>() else { return Err(name_error("no globals")) };
        let name = at.name();
        if let (Some(globals), Some(text)) = (function.globals().exact::<Dict>(), name.exact::<Str>()) {
            let mut found = globals.table().watch_str(name, text);
            if found.is_none()
                && globals.table().watch()
                && let Some(builtins) = vm::runtime::builtins_of(globals)
                && let Some(builtins) = builtins.exact::<Dict>()
            {
                found = builtins.table().watch_str(name, text);
            }
            if let Some(value) = found {
                // SAFETY: the second cell; the address is good at this epoch.
                unsafe {
                    *(at.ip.add(1) as *mut GlobalCache) =
                        GlobalCache { epoch: watch_epoch(), value: value as *const u64 };
                    at.put(at.a(), (*value).clone());
                }
                return Ok(());
            }
        }
        let value = global(function, name)?;
        at.put(at.a(), value);
        Ok(())
    }
);

operation!(
    /// temporary a := global c, in code that runs with several globals
    load_global_uncached,
    2,
    |at| {
        let function = frame::function_of(at.callee());
        let Some(function) = function.exact::<Function>() else { return Err(name_error("no globals")) };
        let value = global(function, at.name())?;
        at.put(at.a(), value);
        Ok(())
    }
);

/// The value of a global or builtin name.
pub(crate) fn global(function: &Function, name: &Value) -> PyResult<Value> {
    if let Some(globals) = function.globals().downcast::<Dict>() {
        if let Some(value) = globals.get(name)? {
            return Ok(value);
        }
        if let Some(builtins) = vm::runtime::builtins_of(globals) {
            match builtins.downcast::<Dict>() {
                Some(builtins) => {
                    if let Some(value) = builtins.get(name)? {
                        return Ok(value);
                    }
                }
                None => {
                    match crate::object::sequence::get_item(&builtins, name) {
                        Ok(value) => return Ok(value),
                        Err(raised)
                            if crate::types::exceptions::is_instance(&raised, &crate::types::exceptions::KEY_ERROR) => {
                        }
                        Err(raised) => return Err(raised),
                    };
                }
            }
        }
    }
    Err(undefined(name))
}

/// The error for a name that is nowhere.
pub(crate) fn undefined(name: &Value) -> crate::object::Raised {
    let text = name.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default();
    name_error(format!("name '{text}' is not defined"))
}

handler! {
    /// a := contents of cell b; c is its name
    fn load_cell<const PLACE: u8>(ip, fp, vm, k) {
        let cell = *fp.add((*ip).b as usize);
        let contents = (*(cell as *const PyCell)).peek();
        if contents == 0 {
            become_handler!(raise_unbound_cell, ip, fp, vm, k)
        }
        share_bits(contents);
        let slot = fp.add((*ip).a as usize);
        let old = *slot;
        *slot = contents;
        if PLACE == LOCAL {
            drop_next!(old, ip.add(1), fp, vm, k)
        }
        next!(ip.add(1), fp, vm, k)
    }
}

operation!(
    #[cold]
    raise_unbound_cell,
    1,
    |at| Err(unbound_cell(at, at.b()))
);

/// The error for an empty cell: a local variable here, a free one of a function around.
pub(crate) fn unbound_cell(at: At, register: u32) -> crate::object::Raised {
    let code = at.code();
    let index = (register - code.fields.nlocals) as usize;
    let cells = code.cellvars().len();
    let text = |name: Option<&Value>| {
        name.and_then(|name| name.downcast::<Str>()).map(Str::to_string_lossy).unwrap_or_default()
    };
    if index < cells {
        crate::types::exceptions::unbound_local_error(format!(
            "local variable '{}' referenced before assignment",
            text(code.cellvars().get(index))
        ))
    } else {
        name_error(format!(
            "free variable '{}' referenced before assignment in enclosing scope",
            text(code.freevars().get(index - cells))
        ))
    }
}

operation!(
    /// a := a new cell, with the value of parameter b moved into it
    make_cell,
    1,
    |at| {
        let contents = if at.b() == u32::MAX { None } else { at.take(at.b()).bound().cloned() };
        at.set(at.a(), PyCell::new_value(contents));
        Ok(())
    }
);

operation!(
    /// a... := the b cells of the function's closure
    copy_free,
    1,
    |at| {
        let function = frame::function_of(at.callee());
        let closure = function.exact::<Function>().and_then(|function| function.closure.clone());
        let cells = closure.as_ref().and_then(|closure| closure.downcast::<Tuple>()).map_or(&[][..], Tuple::as_slice);
        if cells.len() < at.b() as usize || !cells.iter().all(|cell| cell.is_exact::<PyCell>()) {
            // Every register of a free variable holds a cell, whatever happens.
            for index in 0..at.b() {
                at.set(at.a() + index, PyCell::new_value(None));
            }
            return Err(crate::types::exceptions::system_error("function without its closure"));
        }
        for (index, cell) in (0..at.b()).zip(cells) {
            at.set(at.a() + index, cell.clone());
        }
        Ok(())
    }
);
