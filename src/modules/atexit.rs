//! The module `atexit`: functions that run when the interpreter ends.

use crate::method;
use crate::modules::{ModuleDef, sys};
use crate::object::arguments::keyword_count;
use crate::object::error::{PyResult, Raised};
use crate::object::gil::GilCell;
use crate::object::value::Value;
use crate::object::value_vec::ValueVec;
use crate::object::{call, compare};
use crate::types::dict::Dict;
use crate::types::exceptions::{SYSTEM_EXIT, is_instance, type_error};
use crate::types::tuple::Tuple;
use crate::vm::report;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "atexit",
    doc: "allow programmer to define multiple exit functions to be executedupon normal program termination.\n\nTwo public functions, register and unregister, are defined.\n",
    functions: &[
        method!(
            raw register,
            "!register(func, *args, **kwargs)",
            "register(func, *args, **kwargs) -> func\n\nRegister a function to be executed upon normal program termination\n\n    func - function to be called at exit\n    args - optional arguments to pass to func\n    kwargs - optional keyword arguments to pass to func\n\n    func is returned to facilitate usage as a decorator."
        ),
        method!(clear, "!_clear()", "_clear() -> None\n\nClear the list of previously registered exit functions."),
        method!(
            unregister,
            "!unregister(func, /)",
            "unregister(func) -> None\n\nUnregister an exit function which was previously registered using\natexit.register\n\n    func - function to be unregistered"
        ),
        method!(run_exitfuncs, "!_run_exitfuncs()", "_run_exitfuncs() -> None\n\nRun all registered exit functions."),
        method!(
            ncallbacks,
            "!_ncallbacks()",
            "_ncallbacks() -> int\n\nReturn the number of registered exit functions."
        ),
    ],
    fill: |_| Ok(()),
};

/// What is registered, in order: a tuple of function, arguments and keywords, or None for one that was taken back.
static CALLBACKS: GilCell<ValueVec> = GilCell::new(ValueVec::new(Vec::new()));

fn register(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let positional = args.len() - keyword_count(kwnames).min(args.len());
    let Some(function) = args[..positional].first() else {
        return Err(type_error("register() takes at least 1 argument (0 given)"));
    };
    if !call::is_callable(function) {
        return Err(type_error("the first argument must be callable"));
    }
    let (arguments, keywords) = call::keywords_to_dict(&args[1..], kwnames)?;
    let entry = vec![function.clone(), Tuple::from_slice(arguments), keywords.unwrap_or(Value::NONE)];
    CALLBACKS.get().push(Tuple::from_vec(entry));
    Ok(function.clone())
}

fn clear() {
    drop(CALLBACKS.get().take());
}

fn unregister(function: &Value) -> PyResult<()> {
    let callbacks = CALLBACKS.get();
    let mut index = 0;
    // Comparing may register or clear.
    while let Some(entry) = callbacks.get(index) {
        if let Some([registered, ..]) = entry.downcast::<Tuple>().map(Tuple::as_slice)
            && compare::equal(registered, function)?
        {
            drop(callbacks.set(index, Value::NONE));
        }
        index += 1;
    }
    Ok(())
}

fn ncallbacks() -> usize {
    CALLBACKS.get().len()
}

/// Calls what is registered, last first; the last error, each but SystemExit reported. As `atexit_callfuncs`.
fn run_all() -> PyResult<()> {
    let callbacks = CALLBACKS.get();
    let mut result = Ok(());
    // What is registered meanwhile is not called.
    for index in (0..callbacks.len()).rev() {
        let Some(entry) = callbacks.get(index) else { continue };
        let Some([function, arguments, keywords]) = entry.downcast::<Tuple>().map(Tuple::as_slice) else { continue };
        let arguments = arguments.downcast::<Tuple>().map(Tuple::as_slice).unwrap_or_default();
        if let Err(raised) = call::call_dict(function, arguments, keywords.downcast::<Dict>()) {
            report(&raised);
            result = Err(raised);
        }
    }
    clear();
    result
}

fn report(raised: &Raised) {
    if !is_instance(raised, &SYSTEM_EXIT) {
        sys::write_stderr("Error in atexit._run_exitfuncs:\n");
        sys::write_stderr(&report::describe(raised.value()));
    }
}

fn run_exitfuncs() -> PyResult<()> {
    run_all()
}

/// Runs what is registered at the end of the interpreter.
pub(crate) fn run_at_exit() {
    let _reported = run_all();
}
