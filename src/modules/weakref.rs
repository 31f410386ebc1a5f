//! The module `_weakref`.

use crate::method;
use crate::modules::ModuleDef;
use crate::object::error::PyResult;
use crate::object::hash;
use crate::object::value::Value;
use crate::types::dict::Dict;
use crate::types::exceptions::type_error;
use crate::types::list::List;
use crate::types::tuple::Tuple;
use crate::types::weakref::{self, CALLABLE_PROXY, PROXY, REF};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_weakref",
    doc: "Weak-reference support module.",
    functions: &[
        method!(
            getweakrefcount,
            "getweakrefcount($module, object, /)",
            "Return the number of weak references to 'object'."
        ),
        method!(
            getweakrefs,
            "getweakrefs(object, /)",
            "getweakrefs(object) -- return a list of all weak reference objects\nthat point to 'object'."
        ),
        method!(
            proxy,
            "proxy(*args)",
            "proxy(object[, callback]) -- create a proxy object that weakly\nreferences 'object'.  'callback', if given, is called with a\nreference to the proxy when 'object' is about to be finalized."
        ),
        method!(
            remove_dead_weakref,
            "_remove_dead_weakref($module, dct, key, /)",
            "Atomically remove key from dict if it points to a dead weakref."
        ),
    ],
    fill,
};

fn fill(dict: &Dict) -> PyResult<()> {
    for (name, ty) in
        [("ref", &REF), ("ReferenceType", &REF), ("ProxyType", &PROXY), ("CallableProxyType", &CALLABLE_PROXY)]
    {
        dict.set_text(name, ty.value());
    }
    Ok(())
}

fn getweakrefcount(object: &Value) -> Value {
    Value::int(weakref::all(object).len() as i64)
}

fn getweakrefs(object: &Value) -> Value {
    List::from_vec(weakref::all(object))
}

fn proxy(args: &Tuple) -> PyResult<Value> {
    match args.as_slice() {
        [object] => weakref::new_proxy(object, None),
        [object, callback] => weakref::new_proxy(object, Some(callback)),
        [] => Err(type_error("proxy expected at least 1 argument, got 0")),
        more => Err(type_error(format!("proxy expected at most 2 arguments, got {}", more.len()))),
    }
}

fn remove_dead_weakref(dict: &Dict, key: &Value) -> PyResult<()> {
    let hash = hash::hash(key)?;
    let Some(value) = dict.table().get(key, hash)? else { return Ok(()) };
    match weakref::is_dead(&value) {
        None => Err(type_error("not a weakref")),
        Some(false) => Ok(()),
        Some(true) => {
            let removed = dict.table().remove(key, hash)?;
            drop(removed);
            Ok(())
        }
    }
}
