//! The end of a program: what is still alive dies in CPython's order, and the exit status.

use crate::modules::sys;
use crate::object::gil::GilCell;
use crate::object::header::finalize_now;
use crate::object::value::Value;
use crate::object::{TypeFlags, TypeObject};
use crate::types::dict::Dict;
use crate::types::function::Function;
use crate::types::module::Module;
use crate::types::str::Str;
use crate::vm::runtime;
use std::cell::Cell;

static FINALIZING: GilCell<Cell<bool>> = GilCell::new(Cell::new(false));

/// `sys.is_finalizing()`.
pub fn is_finalizing() -> bool {
    FINALIZING.get().get()
}

/// Takes the interpreter down after the program ended: as `PyImport_Cleanup`. `__del__` of what the modules held runs
/// here, in the order of the modules' names.
pub fn finalize() {
    FINALIZING.get().set(true);
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
    // Modules that nobody else holds die first, with their dicts: the rest are kept to be cleared below.
    let mut dicts = Vec::new();
    for (name, module) in modules.items() {
        let is_native =
            name.downcast::<Str>().is_some_and(|name| name.equals_str("sys") || name.equals_str("builtins"));
        if let Some(body) = module.downcast::<Module>()
            && !is_native
        {
            dicts.push(body.dict().clone());
        }
        if !is_native {
            let _replaced = modules.set(&name, Value::NONE);
        }
    }
    // What the collector would find unreachable: a module's dict that a hook in `sys` still holds is not, and stays.
    dicts.retain(|dict| !is_held_by_sys(dict));
    // Finalizers run while all names still stand.
    for dict in &dicts {
        if let Some(dict) = dict.downcast::<Dict>() {
            for (_, value) in dict.items() {
                finalize_now(&value);
            }
        }
    }
    for dict in dicts.into_iter().rev() {
        if let Some(dict) = dict.downcast::<Dict>() {
            clear_module_dict(dict);
        }
    }
}

/// Whether a function in `sys`, a hook that the program set, has this dict as its globals.
fn is_held_by_sys(globals: &Value) -> bool {
    ["excepthook", "displayhook", "unraisablehook", "breakpointhook"].into_iter().any(|name| {
        sys::get(name).is_some_and(|hook| hook.exact::<Function>().is_some_and(|hook| hook.globals().is(globals)))
    })
}

/// Empties a module's dict: containers and instances first, then functions, classes, modules and plain
/// values, which destructors may need. Names
/// become None rather than disappear, as `_PyModule_ClearDict` does it.
fn clear_module_dict(dict: &Dict) {
    // Numbers and strs stay to the end, too: destructors may look at them, and they hold nothing.
    let is_needed = |value: &Value| {
        value.is_exact::<Function>()
            || value.downcast::<TypeObject>().is_some()
            || value.downcast::<Module>().is_some()
            || !value.ty().has_flag(TypeFlags::GC)
    };
    for data in [true, false] {
        for (name, value) in dict.items() {
            let keeps = name.downcast::<Str>().is_none_or(|name| name.equals_str("__builtins__"));
            if !keeps && !value.is_none() && is_needed(&value) != data {
                drop(value);
                let _replaced = dict.set(&name, Value::NONE);
            }
        }
    }
}
