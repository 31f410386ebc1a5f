//! The import statement over `sys.modules` and the native modules; finding others comes with the import system.

use crate::name;
use crate::object::attribute;
use crate::object::error::{PyResult, Raised};
use crate::object::value::Value;
use crate::types::dict::Dict;
use crate::types::exceptions::{self, BaseException, IMPORT_ERROR, MODULE_NOT_FOUND_ERROR, value_error};
use crate::types::int;
use crate::types::str::{Str, intern};
use crate::vm::runtime;

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
    let args = [name.clone(), globals.clone(), Value::NONE, names.clone(), level.clone()];
    crate::object::call::call(&import, &args)
}

/// `__import__(name, globals, locals, fromlist, level)`.
///
/// # Errors
/// `ModuleNotFoundError`, `ValueError` for a negative level.
pub(crate) fn import(name: &Str, level: &Value) -> PyResult<Value> {
    let level = int::to_i64(level).unwrap_or(0);
    if level < 0 {
        return Err(value_error("level must be >= 0"));
    }
    import_text(&name.to_string_lossy(), level)
}

/// The module of that name.
///
/// # Errors
/// As for [`import`].
pub(crate) fn import_text(text: &str, level: i64) -> PyResult<Value> {
    if text.is_empty() && level == 0 {
        return Err(value_error("Empty module name"));
    }
    let modules = runtime::modules_dict();
    let found = match modules.downcast::<Dict>() {
        Some(modules) => modules.get(&intern(text))?,
        None => None,
    };
    match found {
        Some(module) if !module.is_none() => Ok(module),
        Some(_) => Err(raise(
            &MODULE_NOT_FOUND_ERROR,
            format!("import of {text} halted; None in sys.modules"),
            Str::new_value(text),
        )),
        None => match crate::modules::find(text) {
            Some(def) => {
                let module = def.load()?;
                if let Some(modules) = modules.downcast::<Dict>() {
                    modules.set(&intern(text), module.clone())?;
                }
                Ok(module)
            }
            None => Err(raise(&MODULE_NOT_FOUND_ERROR, format!("No module named '{text}'"), Str::new_value(text))),
        },
    }
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
    let package_text = package.as_ref().map(text_of);
    if let Some(package) = &package_text
        && let Some(modules) = runtime::modules_dict().downcast::<Dict>()
        && let Some(found) = modules.get(&intern(&format!("{package}.{}", text_of(name))))?
    {
        return Ok(found);
    }
    let shown = package_text.unwrap_or_else(|| "<unknown module name>".to_owned());
    let file = attribute::lookup(module, name!("__file__"))?.filter(|file| file.downcast::<Str>().is_some());
    let place = file.as_ref().map_or_else(|| "unknown location".to_owned(), text_of);
    Err(raise(
        &IMPORT_ERROR,
        format!("cannot import name '{}' from '{shown}' ({place})", text_of(name)),
        package.unwrap_or(Value::NONE),
    ))
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
