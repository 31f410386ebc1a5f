//! Tracing and profiling: the functions of `sys.settrace` and `sys.setprofile`, and the events they are told.
//!
//! Code that nobody traces pays nothing. A frame entered while a function is set runs another translation of its code
//! (`Flavour::Traced` of `vm::translate`) with a tracing instruction before each instruction of the bytecode. The
//! handlers that enter frames directly check for room on the register stack; while somebody traces they are told that
//! there is none (`Thread::set_use_tracing`), and the slow ways look. Frames that run already change over at the next
//! instruction of the bytecode they come to: the translations they run are patched to make them
//! (`Meta::patch`). A suspended generator changes over when it is resumed.

use crate::modules::sys::audit;
use crate::name;
use crate::object::call;
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::value::Value;
use crate::object::value_vec::ValueVec;
use crate::types::code::Code;
use crate::types::exceptions::{BaseException, stop_iteration};
use crate::types::frame::{self, Frame};
use crate::types::traceback::Traceback;
use crate::types::tuple::Tuple;
use crate::vm::eval::generators::change_over_generator;
use crate::vm::eval::tracing::change_over;
use crate::vm::frame::Place;
use crate::vm::thread::{self, Thread};

/// What a trace or profile function is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    Call,
    Exception,
    Line,
    Return,
    CCall,
    CException,
    CReturn,
    Opcode,
}

impl Event {
    fn name(self) -> Value {
        match self {
            Event::Call => name!("call"),
            Event::Exception => name!("exception"),
            Event::Line => name!("line"),
            Event::Return => name!("return"),
            Event::CCall => name!("c_call"),
            Event::CException => name!("c_exception"),
            Event::CReturn => name!("c_return"),
            Event::Opcode => name!("opcode"),
        }
        .clone()
    }
}

/// The code objects whose translations are patched.
static PATCHED: GilCell<ValueVec> = GilCell::new(ValueVec::new(Vec::new()));

/// Sets or unsets the trace function. As `PyEval_SetTrace`.
///
/// # Errors
/// What an audit hook raises.
pub(crate) fn set_trace(function: Option<Value>) -> PyResult<()> {
    audit::event("sys.settrace", &[])?;
    let vm = thread::current();
    let old = vm.trace_function.replace(function);
    settle(vm);
    drop(old);
    Ok(())
}

/// Sets or unsets the profile function. As `PyEval_SetProfile`.
///
/// # Errors
/// What an audit hook raises.
pub(crate) fn set_profile(function: Option<Value>) -> PyResult<()> {
    audit::event("sys.setprofile", &[])?;
    let vm = thread::current();
    let old = vm.profile_function.replace(function);
    settle(vm);
    drop(old);
    Ok(())
}

/// Whether one of the functions is set.
pub(crate) fn is_set(vm: &Thread) -> bool {
    vm.trace_function.is_some() || vm.profile_function.is_some()
}

/// Makes running frames change over when somebody traces, and leaves them alone when nobody does.
fn settle(vm: &'static Thread) {
    let traces = is_set(vm);
    vm.set_use_tracing(traces);
    if traces {
        let mut place = Place::current(vm);
        while let Some(found) = place {
            // A frame that somebody looks at takes the slow ways.
            drop(found.object());
            let meta = found.meta();
            if !meta.is_traced() && !meta.is_patched() {
                PATCHED.get().push(Value::of(meta.code()));
                meta.patch(change_over);
            }
            place = found.caller();
        }
    } else {
        for code in PATCHED.get().take() {
            if let Some(code) = code.exact::<Code>() {
                code.translations.unpatch();
            }
        }
    }
}

/// Runs `function(*args)` with tracing on, from a trace function. As `_PyEval_CallTracing`.
///
/// # Errors
/// What the call raises.
pub(crate) fn call_tracing(function: &Value, args: &Tuple) -> PyResult<Value> {
    let vm = thread::current();
    let depth = vm.tracing.replace(0);
    let used = vm.use_tracing();
    vm.set_use_tracing(is_set(vm));
    let result = call::call(function, args.as_slice());
    vm.tracing.set(depth);
    vm.set_use_tracing(used && is_set(vm));
    result
}

/// Whose function is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listener {
    Trace,
    Profile,
}

/// Tells the function of `listener` about an event of the frame at `place`; nothing is told while it runs itself. As
/// `call_trace`.
fn tell(vm: &'static Thread, listener: Listener, place: Place, event: Event, argument: &Value) -> PyResult<()> {
    if vm.tracing.get() > 0 {
        return Ok(());
    }
    let set = match listener {
        Listener::Trace => &vm.trace_function,
        Listener::Profile => &vm.profile_function,
    };
    let Some(function) = set.get() else { return Ok(()) };
    let object = place.object();
    let Some(frame) = object.exact::<Frame>() else { return Ok(()) };
    let callback = match (listener, event) {
        (Listener::Profile, _) | (_, Event::Call) => function,
        _ => match frame.trace() {
            Some(local) => local,
            None => return Ok(()),
        },
    };
    vm.tracing.set(vm.tracing.get() + 1);
    vm.set_use_tracing(false);
    let result = call_with_locals(&callback, &object, event, argument);
    let result = match result {
        Ok(local) => {
            if listener == Listener::Trace && !local.is_none() {
                frame.keep_trace(Some(local));
            }
            Ok(())
        }
        Err(raised) => {
            let unset = match listener {
                Listener::Trace => {
                    let unset = set_trace(None);
                    frame.keep_trace(None);
                    unset
                }
                Listener::Profile => set_profile(None),
            };
            // A hook that objects changes nothing about the error that is on its way.
            drop(unset);
            Err(raised)
        }
    };
    vm.set_use_tracing(is_set(vm));
    vm.tracing.set(vm.tracing.get() - 1);
    result
}

/// Calls a trace function: the frame's variables are in `f_locals` before, and taken from there after. As
/// `call_trampoline`.
fn call_with_locals(callback: &Value, object: &Value, event: Event, argument: &Value) -> PyResult<Value> {
    frame::locals_of(object)?;
    let result = call::call(callback, &[object.clone(), event.name(), argument.clone()]);
    frame::locals_to_variables(object);
    result.inspect_err(|raised| add_traceback(object, raised.value()))
}

/// Adds a frame to an exception's traceback. As `PyTraceBack_Here`.
pub(crate) fn add_traceback(object: &Value, exception: &Value) {
    let (Some(body), Some(frame)) = (exception.downcast::<BaseException>(), object.exact::<Frame>()) else { return };
    let traceback = Traceback::new_value(body.traceback(), object.clone(), frame.last_instruction(), frame.line());
    body.set_traceback(Some(traceback));
}

/// A frame is entered, or a generator's goes on; its `f_lasti` is that of the yield still.
///
/// # Errors
/// What the function raises: the frame ends at once then.
pub(crate) fn call_event(vm: &'static Thread, last: i32) -> PyResult<()> {
    if !vm.use_tracing() {
        return Ok(());
    }
    let Some(place) = Place::current(vm) else { return Ok(()) };
    let object = place.object();
    let frame = object.exact::<Frame>();
    if let (Some(frame), Ok(last)) = (frame, u32::try_from(last)) {
        frame.stand_at(Some(last));
    }
    let result = tell(vm, Listener::Trace, place, Event::Call, &Value::NONE)
        .and_then(|()| tell(vm, Listener::Profile, place, Event::Call, &Value::NONE));
    if let Some(frame) = frame {
        frame.stand_at(None);
    }
    result
}

/// A frame hands a value on: it returns, or yields; `yields` is the `f_lasti` of one that yields.
///
/// # Errors
/// What a function raises: the frame ends then, without the value.
pub(crate) fn return_event(vm: &'static Thread, value: &Value, yields: Option<i32>) -> PyResult<()> {
    if !vm.use_tracing() {
        return Ok(());
    }
    let Some(place) = Place::current(vm) else { return Ok(()) };
    let object = place.object();
    if let (Some(last), Some(frame)) = (yields, object.exact::<Frame>()) {
        frame.set_jumpable(true);
        frame.stand_at(u32::try_from(last).ok());
    }
    let first = tell(vm, Listener::Trace, place, Event::Return, value);
    let argument = if first.is_ok() { value } else { &Value::NONE };
    let second = tell(vm, Listener::Profile, place, Event::Return, argument);
    if let Some(frame) = object.exact::<Frame>() {
        frame.set_jumpable(false);
        frame.stand_at(None);
    }
    second.and(first)
}

/// A frame ends with an exception; returns the one that goes on.
pub(crate) fn unwind_event(vm: &'static Thread, exception: Value) -> Value {
    if !vm.use_tracing() {
        return exception;
    }
    let Some(place) = Place::current(vm) else { return exception };
    let mut exception = exception;
    for listener in [Listener::Trace, Listener::Profile] {
        if let Err(raised) = tell(vm, listener, place, Event::Return, &Value::NONE) {
            exception = raised.into_value();
        }
    }
    exception
}

/// An exception has come to the running frame; returns the one that goes on. As `call_exc_trace`.
pub(crate) fn exception_event(vm: &'static Thread, exception: Value) -> Value {
    if !vm.trace_function.is_some() {
        return exception;
    }
    let Some(place) = Place::current(vm) else { return exception };
    let traceback = exception.downcast::<BaseException>().and_then(BaseException::traceback).unwrap_or(Value::NONE);
    let argument = Tuple::from_vec(vec![exception.ty().value(), exception.clone(), traceback]);
    match tell(vm, Listener::Trace, place, Event::Exception, &argument) {
        Ok(()) => exception,
        Err(raised) => raised.into_value(),
    }
}

/// A loop or delegation of a frame that changes over after this instruction has ended: its iterator said so by a
/// `StopIteration` with that value, which nobody has seen. Returns the exception that the trace function raises.
pub(crate) fn stop_event(vm: &'static Thread, value: &Value) -> Option<Value> {
    if !vm.use_tracing() || !vm.trace_function.is_some() {
        return None;
    }
    let value = Some(value.clone()).filter(|value| !value.is_none());
    let stop = stop_iteration(value).into_value();
    let after = exception_event(vm, stop.clone());
    if after.is(&stop) { None } else { Some(after) }
}

/// An instruction of the bytecode is about to be executed. Returns the offset to go on at if the function has set
/// `f_lineno`. As `maybe_call_line_trace`.
///
/// # Errors
/// What the function raises.
pub(crate) fn instruction_event(vm: &'static Thread) -> PyResult<Option<u32>> {
    if !vm.trace_function.is_some() || vm.tracing.get() > 0 {
        return Ok(None);
    }
    let Some(place) = Place::current(vm) else { return Ok(None) };
    let object = place.object();
    let Some(frame) = object.exact::<Frame>() else { return Ok(None) };
    let here = place.last_instruction();
    let is_line = frame.advance(place.meta().code(), here);
    frame.set_jumpable(true);
    let mut result = Ok(());
    if is_line && frame.traces_lines() {
        result = tell(vm, Listener::Trace, place, Event::Line, &Value::NONE);
    }
    if result.is_ok() && frame.traces_opcodes() {
        result = tell(vm, Listener::Trace, place, Event::Opcode, &Value::NONE);
    }
    frame.set_jumpable(false);
    let jump = frame.take_jump();
    frame.set_previous(jump.map_or(here, |offset| offset as i32));
    match result {
        Ok(()) => Ok(jump),
        Err(raised) => Err(raised),
    }
}

/// Calls a native function, telling the profile function. As `C_TRACE`.
///
/// # Errors
/// What the function or the profile function raises.
pub(crate) fn profiled(
    vm: &'static Thread,
    function: &Value,
    call: impl FnOnce() -> PyResult<Value>,
) -> PyResult<Value> {
    let Some(place) = Place::current(vm) else { return call() };
    tell(vm, Listener::Profile, place, Event::CCall, function)?;
    let result = call();
    if !vm.profile_function.is_some() {
        return result;
    }
    match result {
        Ok(value) => {
            tell(vm, Listener::Profile, place, Event::CReturn, function)?;
            Ok(value)
        }
        Err(raised) => match tell(vm, Listener::Profile, place, Event::CException, function) {
            Ok(()) => Err(raised),
            Err(second) => Err(second),
        },
    }
}

/// Whether calls of native functions are told.
pub(crate) fn profiles(vm: &Thread) -> bool {
    vm.use_tracing() && vm.profile_function.is_some()
}

/// A generator is about to be resumed: it changes over when somebody traces.
///
/// # Errors
/// `MemoryError` when the traced translation asks for too many registers.
pub(crate) fn before_resume(vm: &Thread, generator: &crate::types::generator::Generator) -> Result<(), Raised> {
    if vm.use_tracing() { change_over_generator(generator) } else { Ok(()) }
}
