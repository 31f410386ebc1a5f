//! The module `_imp`: what `importlib` asks of the interpreter.

use crate::method;
use crate::modules::{self, ModuleDef};
use crate::name;
use crate::object::attribute;
use crate::object::buffer::{Buffer, Request};
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::hash;
use crate::object::value::Value;
use crate::types::bytes::Bytes;
use crate::types::code::Code;
use crate::types::dict::Dict;
use crate::types::exceptions::{import_error, runtime_error, type_error};
use crate::types::list::List;
use crate::types::str::{Str, intern};
use crate::vm::{config, gil, importlib, runtime, thread};
use std::cell::Cell;
use std::sync::{Condvar, Mutex, PoisonError};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_imp",
    doc: "(Extremely) low-level import machinery bits as used by importlib and imp.",
    functions: &[
        method!(
            extension_suffixes,
            "extension_suffixes($module, /)",
            "Returns the list of file suffixes used to identify extension modules."
        ),
        method!(
            lock_held,
            "lock_held($module, /)",
            "Return True if the import lock is currently held, else False.\n\nOn platforms without threads, return False."
        ),
        method!(
            acquire_lock,
            "acquire_lock($module, /)",
            "Acquires the interpreter's import lock for the current thread.\n\nThis lock should be used by import hooks to ensure thread-safety when importing\nmodules. On platforms without threads, this function does nothing."
        ),
        method!(
            release_lock,
            "release_lock($module, /)",
            "Release the interpreter's import lock.\n\nOn platforms without threads, this function does nothing."
        ),
        method!(get_frozen_object, "get_frozen_object($module, name, /)", "Create a code object for a frozen module."),
        method!(
            is_frozen_package,
            "is_frozen_package($module, name, /)",
            "Returns True if the module name is of a frozen package."
        ),
        method!(create_builtin, "create_builtin($module, spec, /)", "Create an extension module."),
        method!(init_frozen, "init_frozen($module, name, /)", "Initializes a frozen module."),
        method!(
            is_builtin,
            "is_builtin($module, name, /)",
            "Returns True if the module name corresponds to a built-in module."
        ),
        method!(
            is_frozen,
            "is_frozen($module, name, /)",
            "Returns True if the module name corresponds to a frozen module."
        ),
        method!(exec_builtin, "exec_builtin($module, mod, /)", "Initialize a built-in module."),
        method!(
            fix_co_filename,
            "_fix_co_filename($module, code, path, /)",
            "Changes code.co_filename to specify the passed-in file path.\n\n  code\n    Code object to change.\n  path\n    File path to use."
        ),
        method!(source_hash, "source_hash($module, /, key, source)", ""),
    ],
    fill,
};

fn fill(dict: &Dict) -> PyResult<()> {
    let check = config::with(|config| config.check_hash_pycs.clone());
    dict.set_text("check_hash_based_pycs", Str::new_value(check.as_deref().unwrap_or("default")));
    Ok(())
}

/// Extension modules are machine code for CPython: none can be loaded.
fn extension_suffixes() -> Value {
    List::from_vec(Vec::new())
}

/// The import lock: the thread that holds it, and how often. The GIL guards it.
static LOCK: GilCell<Cell<(u64, u32)>> = GilCell::new(Cell::new((0, 0)));
/// How often it has been given up by all that held it, and how many threads wait for that.
static RELEASES: Mutex<(u64, u32)> = Mutex::new((0, 0));
static RELEASED: Condvar = Condvar::new();

fn lock_held() -> bool {
    LOCK.get().get().1 > 0
}

/// `acquire_lock()`: waits for it without the GIL.
pub(crate) fn acquire_lock() {
    let this = thread::ident();
    loop {
        let (owner, held) = LOCK.get().get();
        if held == 0 || owner == this {
            LOCK.get().set((this, held + 1));
            return;
        }
        let mut releases = RELEASES.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = releases.0;
        releases.1 += 1;
        drop(releases);
        gil::without(|| {
            let releases = RELEASES.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = RELEASED.wait_while(releases, |releases| releases.0 == seen);
            waited.unwrap_or_else(PoisonError::into_inner).1 -= 1;
        });
    }
}

/// In a forked child: the thread that forked took the lock once more for that, perhaps as a side effect of an import. As
/// `_PyImport_ReInitLock`.
pub(crate) fn after_fork() {
    let (owner, held) = LOCK.get().get();
    LOCK.get().set(if held > 1 { (owner, held - 1) } else { (0, 0) });
}

/// `release_lock()`.
///
/// # Errors
/// `RuntimeError` when this thread does not hold it.
pub(crate) fn release_lock() -> PyResult<()> {
    match LOCK.get().get() {
        (owner, held @ 1..) if owner == thread::ident() => {
            LOCK.get().set((owner, held - 1));
            if held == 1 {
                let mut releases = RELEASES.lock().unwrap_or_else(PoisonError::into_inner);
                releases.0 += 1;
                let is_awaited = releases.1 > 0;
                drop(releases);
                if is_awaited {
                    RELEASED.notify_all();
                }
            }
            Ok(())
        }
        _ => Err(runtime_error("not holding the import lock")),
    }
}

fn get_frozen_object(name: &Str) -> PyResult<Value> {
    importlib::frozen_code(&name.to_string_lossy())
}

fn is_frozen_package(name: &Str) -> PyResult<bool> {
    let text = name.to_string_lossy();
    if importlib::is_frozen(&text) {
        Ok(importlib::is_frozen_package(&text))
    } else {
        let shown = crate::object::text::repr_string(&Str::new_value(&text))?;
        Err(import_error(format!("No such frozen object named {shown}")))
    }
}

fn init_frozen(name: &Str) -> PyResult<Value> {
    let text = name.to_string_lossy();
    if importlib::is_frozen(&text) { importlib::frozen_module(&text) } else { Ok(Value::NONE) }
}

fn is_frozen(name: &Str) -> bool {
    importlib::is_frozen(&name.to_string_lossy())
}

/// 1 for a native module, -1 for one that cannot be made anew, 0 for others.
fn is_builtin(name: &Str) -> Value {
    Value::int(match modules::find(&name.to_string_lossy()) {
        Some(def) if modules::lasting(def.name).is_some() => -1,
        Some(_) => 1,
        None => 0,
    })
}

/// As `_imp_create_builtin`: a module that was made before is made anew, but for those that cannot be.
fn create_builtin(spec: &Value) -> PyResult<Value> {
    let name = attribute::get(spec, name!("name"))?;
    let Some(text) = name.downcast::<Str>().map(Str::to_string_lossy) else {
        return Err(type_error(format!("name must be str, not {}", name.ty().name())));
    };
    let Some(def) = modules::find(&text) else { return Ok(Value::NONE) };
    match modules::lasting(&text) {
        Some(module) => {
            if let Some(modules) = runtime::modules_dict().downcast::<Dict>() {
                modules.set(&intern(&text), module.clone())?;
            }
            Ok(module)
        }
        None => def.load(),
    }
}

fn exec_builtin(_module: &Value) -> Value {
    Value::int(0)
}

fn fix_co_filename(code: &Value, path: &Value) -> PyResult<()> {
    let Some(body) = code.exact::<Code>() else {
        return Err(type_error(format!("_fix_co_filename() argument 1 must be code, not {}", code.ty().name())));
    };
    if path.downcast::<Str>().is_none() {
        return Err(type_error(format!("_fix_co_filename() argument 2 must be str, not {}", path.ty().name())));
    }
    let old = body.file();
    if let (Some(old), Some(new)) = (old.downcast::<Str>(), path.downcast::<Str>())
        && !old.equals(new)
    {
        body.move_file(old, path);
    }
    Ok(())
}

fn source_hash(key: isize, source: &Value) -> PyResult<Value> {
    let buffer = Buffer::require(source, Request::Simple)?;
    Ok(Bytes::new_value(&buffer.with_bytes(|bytes| hash::keyed(key as u64, bytes)).to_le_bytes()))
}
