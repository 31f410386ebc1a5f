//! Starting the virtual machine: one interpreter a process, entered under the GIL; and what every part of it shares.

use crate::modules;
use crate::name;
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::value::Value;
use crate::object::value_vec::ValueCell;
use crate::object::{self, call};
use crate::types::dict::Dict;
use crate::types::exceptions::runtime_error;
use crate::types::module::Module;
use crate::types::{self, set};
use crate::vm::eval::control;
use crate::vm::{gil, thread};
use std::sync::{Mutex, Once, PoisonError};

static GIL: Mutex<()> = Mutex::new(());
static INIT: Once = Once::new();

/// Bytes of native stack that [`with`] gives to what it runs.
pub const NATIVE_STACK: usize = 512 << 20;

/// Runs `f` with the GIL, on a thread with a native stack of [`NATIVE_STACK`] bytes; sets the interpreter up before the
/// first time.
///
/// # Panics
/// When the system gives no thread, or `f` panics.
pub fn with<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    with_stack(NATIVE_STACK, f)
}

/// As [`with`], with a native stack of `bytes` bytes. Deep recursion through native code raises `RecursionError` sooner on
/// a small one.
///
/// # Panics
/// As for [`with`].
pub fn with_stack<R: Send>(bytes: usize, f: impl FnOnce() -> R + Send) -> R {
    let gil = GIL.lock().unwrap_or_else(PoisonError::into_inner);
    let result = std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().name("python".to_owned()).stack_size(bytes);
        let thread = builder.spawn_scoped(scope, || {
            gil::acquire(thread::main());
            thread::prepare(bytes);
            INIT.call_once(|| init().expect("builtin types and modules are consistent"));
            let result = f();
            gil::release();
            result
        });
        let thread = thread.expect("a thread");
        // Signals interrupt what Python's main thread waits for, not this wait.
        super::signals::without(|| thread.join())
    });
    drop(gil);
    match result {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn init() -> PyResult<()> {
    control::init();
    types::init()?;
    modules::init()
}

static MODULES: GilCell<ValueCell> = GilCell::new(ValueCell::EMPTY);

/// `sys.modules`.
pub fn modules_dict() -> Value {
    match MODULES.get().get() {
        Some(modules) => modules,
        None => {
            let modules = Dict::new_value();
            MODULES.get().set(Some(modules.clone()));
            modules
        }
    }
}

/// The module `builtins`'s dict.
pub fn builtins() -> Option<Value> {
    object::builtins::namespace()
}

/// The builtins that code with these globals sees: what `__builtins__` says, a module or a dict.
pub fn builtins_of(globals: &Dict) -> Option<Value> {
    match globals.get_str(name!("__builtins__")) {
        Some(value) => match value.downcast::<Module>() {
            Some(module) => Some(module.dict().clone()),
            None => Some(value),
        },
        None => builtins(),
    }
}

/// A frozenset constant.
pub(crate) fn frozen_set(items: Vec<Value>) -> Result<Value, String> {
    set::frozenset_of(&items).map_err(|_| "a frozenset of unhashable items".to_owned())
}

/// A complex constant.
pub(crate) fn complex(real: f64, imag: f64) -> Result<Value, String> {
    Ok(types::complex::Complex::new_value(real, imag))
}

/// `sys.displayhook(value)`.
///
/// # Errors
/// What the hook raises.
pub(crate) fn display(value: &Value) -> PyResult<()> {
    let hook = modules::sys::get("displayhook").ok_or_else(|| runtime_error("lost sys.displayhook"))?;
    call::call(&hook, std::slice::from_ref(value)).map(drop)
}

/// Runs a code object as `__main__`.
///
/// # Errors
/// What the program raises, `SystemExit` included.
pub fn run_main(code: &Value, globals: &Value) -> Result<Value, Raised> {
    let function = types::function::Function::new_value(code, globals, None, None);
    crate::vm::call::call_in_namespace(&function, &[], None, Some(globals))
}

#[cfg(test)]
mod tests {
    use crate::object::{Value, call, text};
    use crate::types::list::List;
    use crate::types::str::intern;

    #[test]
    fn native_methods_check_their_arguments() {
        super::with(|| {
            let list = List::from_vec(vec![]);
            call::call_method(&list, &intern("append"), &[Value::int(7)]).expect("append");
            assert_eq!(list.exact::<List>().map(|l| l.items().len()), Some(1));
            let error = call::call_method(&list, &intern("append"), &[]).expect_err("no argument");
            let message = text::str_string(error.value()).expect("str");
            assert_eq!(message, "append() takes exactly one argument (0 given)");
            let missing = call::call_method(&list, &intern("nope"), &[]).expect_err("missing");
            assert_eq!(text::str_string(missing.value()).expect("str"), "'list' object has no attribute 'nope'");
        });
    }
}
