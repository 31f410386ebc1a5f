//! Hooks and settings of `sys` that programs set: for `breakpoint()`, async generators, coroutines, intervals, flags.

use super::info::ASYNCGEN_HOOKS;
use crate::modules::warnings;
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::value::Value;
use crate::object::value_vec::ValueCell;
use crate::object::{attribute, call};
use crate::types::builtin_function::BUILTIN_FUNCTION;
use crate::types::dict::{DICT, Dict};
use crate::types::exceptions::{ATTRIBUTE_ERROR, IMPORT_ERROR, RUNTIME_WARNING, is_instance, type_error, value_error};
use crate::types::float::FLOAT;
use crate::types::frame::FRAME;
use crate::types::list::LIST;
use crate::types::method::METHOD;
use crate::types::str::Str;
use crate::types::tuple::{TUPLE, Tuple};
use crate::types::{layout, struct_sequence};
use crate::vm::{import, thread};
use std::cell::Cell;
use std::fmt::Write;

static FIRST_ITERATION: GilCell<ValueCell> = GilCell::new(ValueCell::EMPTY);
static FINALIZER: GilCell<ValueCell> = GilCell::new(ValueCell::EMPTY);
static CHECK_INTERVAL: GilCell<Cell<i32>> = GilCell::new(Cell::new(100));
static DLOPEN_FLAGS: GilCell<Cell<i32>> = GilCell::new(Cell::new(libc::RTLD_NOW));

/// The hook for async generators that are iterated for the first time.
pub(crate) fn asyncgen_first_iteration() -> Option<Value> {
    FIRST_ITERATION.get().get()
}

/// The hook for async generators that die before their end.
pub(crate) fn asyncgen_finalizer() -> Option<Value> {
    FINALIZER.get().get()
}

pub(super) fn get_asyncgen_hooks() -> Value {
    let hook = |hook: Option<Value>| hook.unwrap_or(Value::NONE);
    struct_sequence::new_value(&ASYNCGEN_HOOKS, vec![hook(asyncgen_first_iteration()), hook(asyncgen_finalizer())])
}

/// As `sys_set_asyncgen_hooks`: what is not given stays, `None` unsets. The errors do not name the function.
pub(super) fn set_asyncgen_hooks(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let (positional, keywords) = call::split_keywords(args, kwnames);
    let given = args.len();
    if given > 2 {
        return Err(type_error(format!("function takes at most 2 arguments ({given} given)")));
    }
    let mut hooks = [positional.first(), positional.get(1)];
    for (name, value) in keywords {
        let text = name.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default();
        let Some(index) = ["firstiter", "finalizer"].iter().position(|known| *known == text) else {
            return Err(type_error(format!("'{text}' is an invalid keyword argument for this function")));
        };
        if hooks[index].is_some() {
            let place = index + 1;
            return Err(type_error(format!("argument for function given by name ('{text}') and position ({place})")));
        }
        hooks[index] = Some(value);
    }
    let [first, finalizer] = hooks;
    let set = |hook: Option<&Value>, kind: &str, place: &ValueCell| match hook {
        None => Ok(()),
        Some(hook) if hook.is_none() => {
            place.set(None);
            Ok(())
        }
        Some(hook) if call::is_callable(hook) => {
            place.set(Some(hook.clone()));
            Ok(())
        }
        Some(hook) => Err(type_error(format!("callable {kind} expected, got {}", hook.ty().name()))),
    };
    set(finalizer, "finalizer", FINALIZER.get())?;
    set(first, "firstiter", FIRST_ITERATION.get())?;
    Ok(Value::NONE)
}

pub(super) fn get_coroutine_origin_tracking_depth() -> i64 {
    thread::current().origin_depth.get().into()
}

pub(super) fn set_coroutine_origin_tracking_depth(depth: i32) -> PyResult<()> {
    if depth < 0 {
        return Err(value_error("depth must be >= 0"));
    }
    thread::current().origin_depth.set(depth);
    Ok(())
}

/// Blocks of memory in use, as the allocator counts them.
pub(super) fn getallocatedblocks() -> usize {
    crate::object::pool::blocks_in_use()
}

/// What CPython tells of its allocator, as far as there is something of it here: blocks, and the lists of freed objects that it
/// keeps by type, which are empty because freed objects go back to the pools. To the process's standard error.
pub(super) fn debugmallocstats() {
    let mut out = format!("{:<35}={:>21}\n\n", "# blocks in use", crate::object::pool::blocks_in_use());
    let lists = [
        ("PyCFunctionObject", &BUILTIN_FUNCTION),
        ("PyDictObject", &DICT),
        ("PyFloatObject", &FLOAT),
        ("PyFrameObject", &FRAME),
        ("PyListObject", &LIST),
        ("PyMethodObject", &METHOD),
        ("PyTupleObject", &TUPLE),
    ];
    for (name, ty) in lists {
        let what = format!("0 free {name}s * {} bytes each", layout::of(ty).basic_size);
        let _infallible = writeln!(out, "{what:>48} ={:>21}", 0);
    }
    eprint!("{out}");
}

pub(super) fn getcheckinterval() -> i64 {
    CHECK_INTERVAL.get().get().into()
}

pub(super) fn setcheckinterval(n: i32) {
    CHECK_INTERVAL.get().set(n);
}

pub(super) fn getdlopenflags() -> i64 {
    DLOPEN_FLAGS.get().get().into()
}

pub(super) fn setdlopenflags(flags: i32) {
    DLOPEN_FLAGS.get().set(flags);
}

/// As `sys_breakpointhook`: the function that `PYTHONBREAKPOINT` names, else `pdb.set_trace`.
pub(super) fn breakpointhook(args: &Tuple, kwargs: &Dict) -> PyResult<Value> {
    let path = std::env::var("PYTHONBREAKPOINT").unwrap_or_default();
    let path = if path.is_empty() { "pdb.set_trace" } else { &path };
    if path == "0" {
        return Ok(Value::NONE);
    }
    let (module, name) = match path.rsplit_once('.') {
        Some((module, name)) => (module, name),
        None => ("builtins", path),
    };
    let unimportable = || {
        let text = format!("Ignoring unimportable $PYTHONBREAKPOINT: \"{path}\"");
        warnings::warn(&RUNTIME_WARNING, &text, 0).map(|()| Value::NONE)
    };
    let module = match import::import_text(module) {
        Ok(module) => module,
        Err(raised) if is_instance(&raised, &IMPORT_ERROR) || module.is_empty() => return unimportable(),
        Err(raised) => return Err(raised),
    };
    match attribute::get(&module, &Str::new_value(name)) {
        Ok(hook) => call::call_dict(&hook, args.as_slice(), Some(kwargs)),
        Err(raised) if is_instance(&raised, &ATTRIBUTE_ERROR) => unimportable(),
        Err(raised) => Err(raised),
    }
}
