//! The end of a program: what is still alive dies in CPython's order, and the exit status.

use crate::gc;
use crate::modules::{atexit, sys, warnings};
use crate::object;
use crate::object::gil::GilCell;
use crate::object::text;
use crate::object::value::Value;
use crate::types::dict::Dict;
use crate::types::exceptions::RESOURCE_WARNING;
use crate::types::list::List;
use crate::types::module::Module;
use crate::types::str::Str;
use crate::types::weakref;
use crate::vm::{gil, runtime, thread};
use std::cell::Cell;

static FINALIZING: GilCell<Cell<bool>> = GilCell::new(Cell::new(false));

/// `sys.is_finalizing()`.
pub fn is_finalizing() -> bool {
    FINALIZING.get().get()
}

/// Runs the functions that programs registered for the end (`atexit`): the first thing that happens there.
pub fn run_exit_functions() {
    atexit::run_at_exit();
}

/// Takes the interpreter down after the program ended: as `PyImport_Cleanup`. `__del__` of what the modules held runs
/// here, in the order of the modules' names.
pub fn finalize() {
    FINALIZING.get().set(true);
    if thread::is_main() {
        gil::close();
    }
    let builtins = runtime::builtins();
    if let Some(builtins) = builtins.as_ref().and_then(|builtins| builtins.downcast::<Dict>()) {
        builtins.set_text("_", Value::NONE);
    }
    // What programs put into sys goes, the original streams come back.
    for name in [
        "path",
        "argv",
        "ps1",
        "ps2",
        "last_type",
        "last_value",
        "last_traceback",
        "path_hooks",
        "path_importer_cache",
        "meta_path",
        "__interactivehook__",
    ] {
        if sys::get(name).is_some() {
            sys::set(name, Value::NONE);
        }
    }
    for name in ["stdin", "stdout", "stderr"] {
        if let Some(original) = sys::get(&format!("__{name}__")) {
            sys::set(name, original);
        }
    }
    let modules = runtime::modules_dict();
    let Some(modules) = modules.downcast::<Dict>() else { return };
    // Modules that nobody else holds die now, those that the garbage holds with it; the rest is emptied below.
    let mut watched = Vec::new();
    for (name, module) in modules.items() {
        if module.downcast::<Module>().is_some() {
            watched.extend(weakref::new_reference(&module));
            drop(module);
            let _replaced = modules.set(&name, Value::NONE);
        }
    }
    drop(modules.table().clear());
    object::builtins::restore_original();
    gc::collect_quietly();
    tell_of_garbage();
    let builtins = runtime::builtins();
    let sys_dict = sys::namespace();
    let is_last = |dict: &Value| [&builtins, &sys_dict].into_iter().flatten().any(|last| last.is(dict));
    // Those imported last go first.
    for reference in watched.iter().rev() {
        if let Some(module) = weakref::referent_of(reference)
            && let Some(module) = module.downcast::<Module>()
            && !is_last(module.dict())
        {
            clear_module_dict(module.dict());
        }
    }
    drop(watched);
    for dict in [&sys_dict, &builtins].into_iter().flatten() {
        clear_module_dict(dict);
    }
    gc::collect_quietly();
    object::alloc_trace::stop();
}

/// Warns of what is in `gc.garbage` at the end. As `_PyGC_DumpShutdownStats`.
fn tell_of_garbage() {
    let garbage = gc::garbage();
    let count = garbage.downcast::<List>().map_or(0, |garbage| garbage.items().len());
    let debug = gc::state().debug.get();
    if count == 0 || debug & gc::DEBUG_SAVEALL != 0 {
        return;
    }
    let shows = debug & gc::DEBUG_UNCOLLECTABLE != 0;
    let hint = if shows { "" } else { "; use gc.set_debug(gc.DEBUG_UNCOLLECTABLE) to list them" };
    let message = format!("gc: {count} uncollectable objects at shutdown{hint}");
    if let Err(raised) = warnings::warn_at_end(&RESOURCE_WARNING, &message, "gc") {
        thread::report_unraisable(raised, &Value::NONE);
    }
    if shows {
        match text::repr_string(&garbage) {
            Ok(shown) => sys::write_stderr(&format!("      {shown}\n")),
            Err(raised) => thread::report_unraisable(raised, &garbage),
        }
    }
}

/// As `_PyModule_ClearDict`: names with one underscore first, then all others but `__builtins__`. Each becomes None, so
/// that functions that still run find it.
fn clear_module_dict(dict: &Value) {
    let Some(dict) = dict.downcast::<Dict>() else { return };
    for private in [true, false] {
        for (name, value) in dict.items() {
            let Some(text) = name.downcast::<Str>() else { continue };
            let begins = |index: usize| text.chars().get(index) == Some('_'.into());
            let goes = if private { begins(0) && !begins(1) } else { !text.equals_str("__builtins__") };
            if goes && !value.is_none() {
                drop(value);
                let _replaced = dict.set(&name, Value::NONE);
            }
        }
    }
}
