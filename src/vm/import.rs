//! The import statement: `sys.modules` first, then the native modules, then the library's import system (`importlib`).

use crate::modules::{builtins, warnings};
use crate::name;
use crate::object::error::{PyResult, Raised};
use crate::object::value::Value;
use crate::object::{attribute, call, compare, number, text};
use crate::types::dict::Dict;
use crate::types::exceptions::{
    self, BaseException, IMPORT_ERROR, KEY_ERROR, MODULE_NOT_FOUND_ERROR, type_error, value_error,
};
use crate::types::int;
use crate::types::list::List;
use crate::types::str::{Str, intern};
use crate::types::tuple::Tuple;
use crate::vm::{importlib, runtime};

fn text_of(value: &Value) -> String {
    value.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default()
}

fn raise(ty: &crate::object::TypeObject, message: String, module: Value) -> Raised {
    let raised = exceptions::raise(ty, message.clone());
    if let Some(body) = raised.value().downcast::<BaseException>() {
        body.set_field(0, Str::new_value(&message));
        body.set_field(1, module);
        body.set_field(2, Value::NONE);
    }
    raised
}

/// `import name`, `from name import names`: through `__import__` of the builtins.
///
/// # Errors
/// `ImportError`, or what `__import__` raises.
pub(crate) fn import_name(name: &Value, globals: &Value, names: &Value, level: &Value) -> PyResult<Value> {
    let import = match globals.downcast::<Dict>().and_then(runtime::builtins_of) {
        Some(builtins) => match builtins.downcast::<Dict>() {
            Some(builtins) => builtins.get(name!("__import__"))?,
            None => None,
        },
        None => None,
    };
    let Some(import) = import else {
        return Err(exceptions::import_error("__import__ not found"));
    };
    if builtins::is_import(&import) {
        return import_level(name, globals, names, int::to_i64(level).unwrap_or(0));
    }
    let args = [name.clone(), globals.clone(), Value::NONE, names.clone(), level.clone()];
    call::call(&import, &args)
}

/// `__import__(name, globals, locals, fromlist, level)`. As `PyImport_ImportModuleLevelObject`.
///
/// # Errors
/// `TypeError` and `ValueError` for unfit arguments, `ImportError`, and what the module raises.
pub(crate) fn import_level(name: &Value, globals: &Value, names: &Value, level: i64) -> PyResult<Value> {
    let Some(text) = name.downcast::<Str>() else { return Err(type_error("module name must be a string")) };
    if level < 0 {
        return Err(value_error("level must be >= 0"));
    }
    let absolute = if level > 0 {
        resolve(text, globals, level)?
    } else if text.is_empty() {
        return Err(value_error("Empty module name"));
    } else {
        name.clone()
    };
    let module = find_or_load(&absolute).map_err(importlib::trim)?;
    if !names.is_none() && number::truth(names)? {
        // What is named may be a submodule that is not there yet: the import system looks.
        return match (attribute::lookup(&module, name!("__path__"))?, importlib::if_set_up()) {
            (Some(_), Some(importlib)) => {
                let import = builtins_import()?;
                call::call_method(&importlib, name!("_handle_fromlist"), &[module, names.clone(), import])
                    .map_err(importlib::trim)
            }
            _ => Ok(module),
        };
    }
    if level > 0 && text.is_empty() {
        return Ok(module);
    }
    let chars = text.chars();
    let Some(dot) = (0..chars.len()).find(|&index| chars.get(index) == Some('.'.into())) else { return Ok(module) };
    if level == 0 {
        return import_level(&Str::from_chars(chars.slice(0, dot)), &Value::NONE, &Value::NONE, 0);
    }
    // Of a relative import of `a.b`, the package that `a` is.
    let cut = chars.len() - dot;
    let Some(absolute) = absolute.downcast::<Str>() else { return Ok(module) };
    let front = Str::from_chars(absolute.chars().slice(0, absolute.len().saturating_sub(cut)));
    match modules_get(&front)? {
        Some(module) => Ok(module),
        None => Err(exceptions::raise_value(
            &KEY_ERROR,
            Str::new_value(&format!("{} not in sys.modules as expected", text::repr_string(&front)?)),
        )),
    }
}

/// What `sys.modules` has under a name.
fn modules_get(name: &Value) -> PyResult<Option<Value>> {
    // The dict that `sys.modules` was at the start, as in CPython.
    match runtime::modules_dict().downcast::<Dict>() {
        Some(modules) => modules.get(name),
        None => Ok(None),
    }
}

/// `builtins.__import__`.
fn builtins_import() -> PyResult<Value> {
    let builtins = runtime::builtins();
    let import = builtins.as_ref().and_then(|builtins| builtins.downcast::<Dict>()?.get_str(name!("__import__")));
    import.ok_or_else(|| exceptions::import_error("__import__ not found"))
}

/// Whether the module of that spec is being imported. As `_PyModuleSpec_IsInitializing`: errors count as no.
pub(crate) fn is_initializing(module: &Value) -> bool {
    let found = || -> PyResult<bool> {
        let Some(spec) = attribute::lookup(module, name!("__spec__"))? else { return Ok(false) };
        match attribute::lookup(&spec, name!("_initializing"))? {
            Some(value) => number::truth(&value),
            None => Ok(false),
        }
    };
    found().unwrap_or(false)
}

/// The module of an absolute name.
fn find_or_load(name: &Value) -> PyResult<Value> {
    let known = modules_get(name)?;
    if let Some(module) = known.clone().filter(|module| !module.is_none()) {
        if let Some(importlib) = importlib::if_set_up()
            && is_initializing(&module)
        {
            // Another thread may be at it: its end is waited for.
            call::call_method(&importlib, name!("_lock_unlock_module"), std::slice::from_ref(name))?;
        }
        return Ok(module);
    }
    if importlib::if_set_up().is_none() && nobody_looks() {
        // What is native needs no import system.
        if known.is_none()
            && let Some(def) = crate::modules::find(&text_of(name))
        {
            audit(name)?;
            return importlib::load_native(def);
        }
    }
    let Some(importlib) = importlib::importlib()? else { return without_library(name) };
    audit(name)?;
    let import = builtins_import()?;
    call::call_method(&importlib, name!("_find_and_load"), &[name.clone(), import])
}

/// Whether the finders are those that the import system begins with.
fn nobody_looks() -> bool {
    let path = crate::modules::sys::get("meta_path");
    path.is_none_or(|path| path.exact::<List>().is_some_and(|path| path.items().is_empty()))
}

fn audit(name: &Value) -> PyResult<()> {
    let get = |name| crate::modules::sys::get(name).unwrap_or(Value::NONE);
    let args = [name.clone(), Value::NONE, get("path"), get("meta_path"), get("path_hooks")];
    crate::modules::sys::audit::event("import", &args)
}

/// The modules that programs may use where there is no library; else why there is none.
fn without_library(name: &Value) -> PyResult<Value> {
    let text = text_of(name);
    if modules_get(name)?.is_some() {
        let message = format!("import of {text} halted; None in sys.modules");
        return Err(raise(&MODULE_NOT_FOUND_ERROR, message, name.clone()));
    }
    if let Some(def) = crate::modules::find_substitute(&text) {
        audit(name)?;
        return importlib::load_native(def);
    }
    let message = format!(
        "No module named '{text}' (there is no standard library: give CPython 3.8's with --stdlib DIR or PYCVM_STDLIB)"
    );
    Err(raise(&MODULE_NOT_FOUND_ERROR, message, name.clone()))
}

/// The absolute name of a relative one. As `resolve_name`.
fn resolve(name: &Str, globals: &Value, level: i64) -> PyResult<Value> {
    let Some(dict) = globals.downcast::<Dict>() else {
        return Err(if globals.is_none() {
            exceptions::raise(&KEY_ERROR, "'__name__' not in globals")
        } else {
            type_error("globals must be a dict")
        });
    };
    let package = dict.get(name!("__package__"))?.filter(|package| !package.is_none());
    let spec = dict.get(name!("__spec__"))?.filter(|spec| !spec.is_none());
    let package = match (package, spec) {
        (Some(package), spec) => {
            if package.downcast::<Str>().is_none() {
                return Err(type_error("package must be a string"));
            }
            if let Some(spec) = spec {
                let parent = attribute::get(&spec, name!("parent"))?;
                if !compare::equal(&package, &parent)? {
                    warnings::warn(&exceptions::IMPORT_WARNING, "__package__ != __spec__.parent", 1)?;
                }
            }
            package
        }
        (None, Some(spec)) => {
            let parent = attribute::get(&spec, name!("parent"))?;
            if parent.downcast::<Str>().is_none() {
                return Err(type_error("__spec__.parent must be a string"));
            }
            parent
        }
        (None, None) => {
            let message = "can't resolve package from __spec__ or __package__, falling back on __name__ and __path__";
            warnings::warn(&exceptions::IMPORT_WARNING, message, 1)?;
            let Some(own) = dict.get(name!("__name__"))? else {
                return Err(exceptions::raise(&KEY_ERROR, "'__name__' not in globals"));
            };
            let Some(text) = own.downcast::<Str>() else { return Err(type_error("__name__ must be a string")) };
            if dict.get(name!("__path__"))?.is_some() {
                own
            } else {
                let chars = text.chars();
                match (0..chars.len()).rfind(|&index| chars.get(index) == Some('.'.into())) {
                    Some(dot) => Str::from_chars(chars.slice(0, dot)),
                    None => {
                        return Err(exceptions::import_error("attempted relative import with no known parent package"));
                    }
                }
            }
        }
    };
    let Some(package) = package.downcast::<Str>() else { return Err(type_error("package must be a string")) };
    if package.is_empty() {
        return Err(exceptions::import_error("attempted relative import with no known parent package"));
    }
    let chars = package.chars();
    let mut end = chars.len();
    for _ in 1..level {
        match (0..end).rfind(|&index| chars.get(index) == Some('.'.into())) {
            Some(dot) => end = dot,
            None => return Err(value_error("attempted relative import beyond top-level package")),
        }
    }
    let base = Str::from_chars(chars.slice(0, end));
    if name.is_empty() {
        return Ok(base);
    }
    Ok(Str::new_value(&format!("{}.{}", text_of(&base), name.to_string_lossy())))
}

/// The module of an absolute name, as native code imports it: `a.b` gives `b`. As `PyImport_ImportModule`.
///
/// # Errors
/// As for [`import_level`].
pub(crate) fn import_text(name: &str) -> PyResult<Value> {
    let names = Tuple::from_vec(vec![intern("*")]);
    import_level(&intern(name), &Value::NONE, &names, 0)
}

/// `from module import name`. As `import_from`.
///
/// # Errors
/// `ImportError` when the module has no such attribute and no such submodule.
pub(crate) fn import_from(module: &Value, name: &Value) -> PyResult<Value> {
    if let Some(value) = attribute::lookup(module, name)? {
        return Ok(value);
    }
    let package = attribute::lookup(module, name!("__name__"))?.filter(|package| package.downcast::<Str>().is_some());
    if let Some(package) = package.as_ref().map(text_of)
        && let Some(found) = modules_get(&intern(&format!("{package}.{}", text_of(name))))?
    {
        return Ok(found);
    }
    let shown = match &package {
        Some(package) => text::repr_string(package)?,
        None => "'<unknown module name>'".to_owned(),
    };
    let what = text::repr_string(name)?;
    let file = attribute::lookup(module, name!("__file__"))?.filter(|file| file.downcast::<Str>().is_some());
    let message = match &file {
        None => format!("cannot import name {what} from {shown} (unknown location)"),
        Some(file) if is_initializing(module) => format!(
            "cannot import name {what} from partially initialized module {shown} (most likely due to a circular import) ({})",
            text_of(file)
        ),
        Some(file) => format!("cannot import name {what} from {shown} ({})", text_of(file)),
    };
    let raised = raise(&IMPORT_ERROR, message, package.unwrap_or(Value::NONE));
    if let Some(body) = raised.value().downcast::<BaseException>() {
        body.set_field(2, file.unwrap_or(Value::NONE));
    }
    Err(raised)
}

/// `from module import *`. As `import_all_from`.
///
/// # Errors
/// `ImportError`, or what looking attributes up raises.
pub(crate) fn import_star(module: &Value, namespace: &Value) -> PyResult<()> {
    let (names, skip_private) = match attribute::lookup(module, name!("__all__"))? {
        Some(all) => (all, false),
        None => match attribute::lookup(module, name!("__dict__"))? {
            Some(dict) => (dict, true),
            None => {
                return Err(exceptions::import_error("from-import-* object has no __dict__ and no __all__"));
            }
        },
    };
    for name in crate::object::iter::collect(&names)? {
        let Some(text) = name.downcast::<Str>() else {
            return Err(exceptions::type_error(format!(
                "{} in {}.{} must be str, not {}",
                if skip_private { "Key" } else { "Item" },
                attribute::lookup(module, name!("__name__"))?.map(|name| text_of(&name)).unwrap_or_default(),
                if skip_private { "__dict__" } else { "__all__" },
                name.ty().name()
            )));
        };
        if skip_private && text.chars().get(0) == Some('_'.into()) {
            continue;
        }
        let value = attribute::get(module, &name)?;
        match namespace.exact::<Dict>() {
            Some(dict) => dict.set(&name, value)?,
            None => crate::object::sequence::set_item(namespace, &name, value)?,
        }
    }
    Ok(())
}
