//! The module `_thread`: threads of the system that run Python code, one at a time under the GIL, and their locks.

mod docs;
mod local;
mod lock;
mod rlock;

pub use local::LOCAL;
pub use lock::LOCK;
pub(crate) use lock::RawLock;
pub(crate) use lock::force_free as free_lock;
pub use rlock::RLOCK;

use crate::method;
use crate::modules::{ModuleDef, sys};
use crate::name;
use crate::object::error::{PyResult, Raised};
use crate::object::value::Value;
use crate::object::{attribute, call, text};
use crate::struct_sequence;
use crate::types::dict::Dict;
use crate::types::exceptions::{
    self, BaseException, RUNTIME_ERROR, SYSTEM_EXIT, is_instance, runtime_error, type_error, value_error,
};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::{gil, report, signals, thread};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_thread",
    doc: docs::MODULE,
    functions: &[
        method!(start_new_thread, "!start_new_thread(*args)", docs::START_NEW_THREAD),
        method!(start_new_thread, "!start_new(*args)", docs::START_NEW_THREAD),
        method!(lock::allocate, "!allocate_lock()", docs::ALLOCATE_LOCK),
        method!(lock::allocate, "!allocate()", docs::ALLOCATE_LOCK),
        method!(exit, "!exit_thread()", docs::EXIT),
        method!(exit, "!exit()", docs::EXIT),
        method!(interrupt_main, "!interrupt_main()", docs::INTERRUPT_MAIN),
        method!(get_ident, "!get_ident()", docs::GET_IDENT),
        method!(get_native_id, "!get_native_id()", docs::GET_NATIVE_ID),
        method!(count, "!_count()", docs::COUNT),
        method!(stack_size, "!stack_size(size=0, /)", docs::STACK_SIZE),
        method!(set_sentinel, "!_set_sentinel()", docs::SET_SENTINEL),
        method!(excepthook, "!_excepthook(args, /)", docs::EXCEPTHOOK),
    ],
    fill,
};

struct_sequence!(
    /// What `threading.excepthook` gets.
    EXCEPT_HOOK_ARGS "_thread.ExceptHookArgs" "ExceptHookArgs\n\nType used to pass arguments to threading.excepthook.", [
        ("exc_type", "Exception type"),
        ("exc_value", "Exception value"),
        ("exc_traceback", "Exception traceback"),
        ("thread", "Thread"),
    ]
);

fn fill(dict: &Dict) -> PyResult<()> {
    crate::types::struct_sequence::complete(&EXCEPT_HOOK_ARGS, 4, true);
    dict.set_text("_ExceptHookArgs", EXCEPT_HOOK_ARGS.value());
    dict.set_text("LockType", LOCK.value());
    dict.set_text("RLock", RLOCK.value());
    dict.set_text("_local", LOCAL.value());
    dict.set_text("TIMEOUT_MAX", Value::float(lock::TIMEOUT_MAX));
    dict.set_text("error", RUNTIME_ERROR.value());
    Ok(())
}

/// What `stack_size` was set to; 0 for the default.
static STACK_SIZE: AtomicUsize = AtomicUsize::new(0);

/// Native stack of a thread by default: address space, given out as it is touched.
const DEFAULT_STACK: usize = 64 << 20;

/// The least that native code needs to raise a `RecursionError` in time.
const LEAST_STACK: usize = 2 << 20;

fn start_new_thread(args: &Tuple) -> PyResult<Value> {
    let (function, arguments, keywords) = match args.as_slice() {
        [function, arguments] => (function, arguments, None),
        [function, arguments, keywords] => (function, arguments, Some(keywords)),
        other => {
            let (bound, limit) = if other.len() < 2 { ("at least", 2) } else { ("at most", 3) };
            return Err(type_error(format!(
                "start_new_thread expected {bound} {limit} arguments, got {}",
                other.len()
            )));
        }
    };
    if !call::is_callable(function) {
        return Err(type_error("first arg must be callable"));
    }
    if arguments.downcast::<Tuple>().is_none() {
        return Err(type_error("2nd arg must be a tuple"));
    }
    if keywords.is_some_and(|keywords| keywords.downcast::<Dict>().is_none()) {
        return Err(type_error("optional 3rd arg must be a dictionary"));
    }
    sys::audit::event("_thread.start_new_thread", args.as_slice())?;
    let (function, arguments, keywords) = (function.clone(), arguments.clone(), keywords.cloned());
    let asked = STACK_SIZE.load(Relaxed);
    let stack = if asked == 0 { DEFAULT_STACK } else { asked.max(LEAST_STACK) };
    let new = thread::Thread::started();
    // Its identity is known once it runs: it says so before it waits for the GIL.
    let started = gil::spawn(new, stack, move || run(function, arguments, keywords));
    if started.is_err() {
        new.retire();
        return Err(runtime_error("can't start new thread"));
    }
    Ok(Value::int(gil::without(|| new.wait_for_ident()).cast_signed()))
}

/// A thread's life. As `t_bootstrap`.
fn run(function: Value, arguments: Value, keywords: Option<Value>) {
    let args = arguments.downcast::<Tuple>().map_or(&[][..], Tuple::as_slice);
    let names = keywords.as_ref().and_then(|keywords| keywords.downcast::<Dict>());
    if let Err(raised) = call::call_dict(&function, args, names)
        && !is_instance(&raised, &SYSTEM_EXIT)
    {
        report::unraisable_in_thread(raised, &function);
    }
    drop((function, arguments, keywords));
    local::forget_thread();
    thread::current().retire();
}

fn exit() -> PyResult<Value> {
    Err(Raised::new(exceptions::instantiate(&SYSTEM_EXIT, Vec::new())))
}

/// As `PyErr_SetInterrupt`: the default action and ignored signals stay what they are.
fn interrupt_main() {
    if signals::handler(libc::SIGINT).is_some_and(|handler| call::is_callable(&handler)) {
        signals::trip(libc::SIGINT);
    }
}

fn get_ident() -> Value {
    Value::int(thread::ident().cast_signed())
}

fn get_native_id() -> Value {
    Value::int(thread::native_id())
}

fn count() -> Value {
    Value::int(gil::others() as i64)
}

fn stack_size(size: Option<isize>) -> PyResult<Value> {
    let old = STACK_SIZE.load(Relaxed);
    if let Some(size) = size {
        if size < 0 {
            return Err(value_error("size must be 0 or a positive value"));
        }
        if size != 0 && size < 32768 {
            return Err(value_error(format!("size not valid: {size} bytes")));
        }
        STACK_SIZE.store(size.cast_unsigned(), Relaxed);
    }
    Ok(Value::int(old as i64))
}

/// A lock that is released when the running thread ends.
fn set_sentinel() -> Value {
    let lock = lock::allocate();
    thread::current().set_sentinel(Some(lock.clone()));
    lock
}

/// As `thread_excepthook`.
fn excepthook(args: &Value) -> PyResult<()> {
    if !std::ptr::eq(args.ty(), &EXCEPT_HOOK_ARGS) {
        return Err(type_error("_thread.excepthook argument type must be ExceptHookArgs"));
    }
    let Some([class, exception, traceback, thread]) = args.downcast::<Tuple>().map(Tuple::as_slice) else {
        return Ok(());
    };
    if class.is(&SYSTEM_EXIT.value()) {
        return Ok(());
    }
    let stream = match sys::get("stderr").filter(|stream| !stream.is_none()) {
        Some(stream) => stream,
        None => {
            if thread.is_none() {
                return Ok(());
            }
            let stream = attribute::get_str(thread, "_stderr")?;
            if stream.is_none() {
                return Ok(());
            }
            stream
        }
    };
    let name = match attribute::lookup(thread, name!("name"))? {
        Some(name) if !thread.is_none() => text::str_string(&name)?,
        _ => thread::ident().to_string(),
    };
    if let (Some(body), true) = (exception.downcast::<BaseException>(), !traceback.is_none())
        && body.traceback().is_none()
    {
        body.set_traceback(Some(traceback.clone()));
    }
    let report = format!("Exception in thread {name}:\n{}", report::describe(exception));
    call::call_method(&stream, name!("write"), &[Str::new_value(&report)])?;
    if let Some(flush) = attribute::lookup(&stream, name!("flush"))? {
        call::call(&flush, &[])?;
    }
    Ok(())
}
