//! The end of a program: what is still alive dies in CPython's order, and the exit status.

use crate::modules::sys;
use crate::object::gil::GilCell;
use crate::object::value::Value;
use crate::types::dict::Dict;
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
/// here; what stands in reference cycles that nobody collected is not finalized, as in CPython.
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
    for dict in dicts.into_iter().rev() {
        if let Some(dict) = dict.downcast::<Dict>() {
            clear_module_dict(dict);
        }
    }
}

/// As `_PyModule_ClearDict`: names with one underscore first, then all others but `__builtins__`; each becomes None, so
/// that functions that still run find it.
fn clear_module_dict(dict: &Dict) {
    let is =
        |name: &Value, test: fn(&str) -> bool| name.downcast::<Str>().is_some_and(|name| test(&name.to_string_lossy()));
    for (name, value) in dict.items() {
        if !value.is_none() && is(&name, |name| name.starts_with('_') && !name[1..].starts_with('_')) {
            drop(value);
            let _replaced = dict.set(&name, Value::NONE);
        }
    }
    for (name, value) in dict.items() {
        if !value.is_none()
            && is(&name, |name| !name.starts_with('_') || (name.starts_with("__") && name != "__builtins__"))
        {
            drop(value);
            let _replaced = dict.set(&name, Value::NONE);
        }
    }
}
