//! The module `copyreg`, which `object.__reduce_ex__` needs: it does what the library's `copyreg.py` does where that cannot
//! be imported.

use crate::modules::ModuleDef;
use crate::object::arguments::no_keywords;
use crate::object::error::{PyResult, Raised};
use crate::object::value::Value;
use crate::object::{BinaryOp, Compare, TypeFlags, attribute, call, compare, iter, number, sequence, text};
use crate::types::complex::{COMPLEX, Complex};
use crate::types::dict::Dict;
use crate::types::exceptions::{
    ASSERTION_ERROR, BaseException, instantiate, is_attribute_error, type_error, value_error,
};
use crate::types::int;
use crate::types::list::List;
use crate::types::object::OBJECT;
use crate::types::str::{Str, intern};
use crate::types::tuple::Tuple;
use crate::vm::import;
use crate::{method, name};

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "copyreg",
    doc: "Helper to provide extensibility for pickle.\n\nThis is only useful to add pickle support for extension types defined in\nC, not for instances of user-defined classes.\n",
    functions: &[
        method!(pickle, "pickle($module, /, ob_type, pickle_function, constructor_ob=None)", ""),
        method!(constructor, "constructor($module, /, object)", ""),
        method!(pickle_complex, "pickle_complex($module, /, c)", ""),
        method!(reconstructor, "_reconstructor($module, /, cls, base, state)", ""),
        method!(reduce_ex, "_reduce_ex($module, /, self, proto)", ""),
        method!(raw newobj, "__newobj__($module, cls, /, *args)", ""),
        method!(
            newobj_ex,
            "__newobj_ex__($module, /, cls, args, kwargs)",
            "Used by pickle protocol 4, instead of __newobj__ to allow classes with\n    keyword-only arguments to be pickled correctly.\n    "
        ),
        method!(
            slotnames,
            "_slotnames($module, /, cls)",
            "Return a list of slot names for a given class.\n\n    This needs to find slots defined by the class and its bases, so we\n    can't simply return the __slots__ attribute.  We must walk down\n    the Method Resolution Order and concatenate the __slots__ of each\n    class found there.  (This assumes classes don't modify their\n    __slots__ attribute to misrepresent their slots after the class is\n    defined.)\n    "
        ),
        method!(add_extension, "add_extension($module, /, module, name, code)", "Register an extension code."),
        method!(
            remove_extension,
            "remove_extension($module, /, module, name, code)",
            "Unregister an extension code.  For testing only."
        ),
        method!(clear_extension_cache, "clear_extension_cache($module, /)", ""),
    ],
    fill,
};

/// Of the flags of a type: made by a class statement.
const HEAP_TYPE: i64 = TypeFlags::HEAP.0 as i64;

fn fill(dict: &Dict) -> PyResult<()> {
    let public = ["pickle", "constructor", "add_extension", "remove_extension", "clear_extension_cache"];
    dict.set_text("__all__", List::from_vec(public.iter().map(|name| Str::new_value(name)).collect()));
    let dispatch = Dict::new_value();
    if let Some(table) = dispatch.exact::<Dict>()
        && let Some(function) = dict.get_text("pickle_complex")
    {
        table.set(&COMPLEX.value(), function)?;
    }
    dict.set_text("dispatch_table", dispatch);
    dict.set_text("_HEAPTYPE", Value::int(HEAP_TYPE));
    for name in ["_extension_registry", "_inverted_registry", "_extension_cache"] {
        dict.set_text(name, Dict::new_value());
    }
    Ok(())
}

/// The module that programs see under the name: this one, or the library's.
///
/// # Errors
/// What importing raises.
pub(crate) fn module() -> PyResult<Value> {
    import::import_text("copyreg")
}

/// A name of the module.
fn global(name: &str) -> PyResult<Value> {
    attribute::get_str(&module()?, name)
}

fn pickle(class: &Value, reduce: &Value, constructor_ob: Option<&Value>) -> PyResult<()> {
    if !call::is_callable(reduce) {
        return Err(type_error("reduction functions must be callable"));
    }
    sequence::set_item(&global("dispatch_table")?, class, reduce.clone())?;
    match constructor_ob.filter(|ob| !ob.is_none()) {
        Some(ob) => constructor(ob),
        None => Ok(()),
    }
}

fn constructor(object: &Value) -> PyResult<()> {
    if call::is_callable(object) { Ok(()) } else { Err(type_error("constructors must be callable")) }
}

fn pickle_complex(c: &Value) -> PyResult<Value> {
    let parts = match c.downcast::<Complex>() {
        Some(complex) => {
            let (real, imag) = complex.parts();
            vec![Value::float(real), Value::float(imag)]
        }
        None => vec![attribute::get_str(c, "real")?, attribute::get_str(c, "imag")?],
    };
    Ok(Tuple::from_vec(vec![COMPLEX.value(), Tuple::from_vec(parts)]))
}

fn reconstructor(class: &Value, base: &Value, state: &Value) -> PyResult<Value> {
    let new = attribute::get_interned(base, name!("__new__"))?;
    if base.is(&OBJECT.value()) {
        return call::call(&new, std::slice::from_ref(class));
    }
    let object = call::call(&new, &[class.clone(), state.clone()])?;
    let init = attribute::get_interned(base, name!("__init__"))?;
    let plain = attribute::get_interned(&OBJECT.value(), name!("__init__"))?;
    if !compare::equal(&init, &plain)? {
        call::call(&init, &[object.clone(), state.clone()])?;
    }
    Ok(object)
}

/// `repr(class.__name__)`, for messages.
fn shown_name(class: &Value) -> PyResult<String> {
    text::repr_string(&attribute::get_interned(class, name!("__name__"))?)
}

fn reduce_ex(this: &Value, protocol: &Value) -> PyResult<Value> {
    if !compare::holds(protocol, &Value::int(2), Compare::Lt)? {
        return Err(Raised::new(instantiate(&ASSERTION_ERROR, Vec::new())));
    }
    let class = attribute::get_interned(this, name!("__class__"))?;
    let mut base = OBJECT.value();
    iter::for_each(&attribute::get_interned(&class, name!("__mro__"))?, |candidate| {
        let Some(flags) = attribute::lookup(&candidate, name!("__flags__"))? else { return Ok(true) };
        let is_heap = number::truth(&number::binary(BinaryOp::And, &flags, &Value::int(HEAP_TYPE))?)?;
        if !is_heap {
            base = candidate;
        }
        Ok(is_heap)
    })?;
    let state = if base.is(&OBJECT.value()) {
        Value::NONE
    } else if base.is(&class) {
        return Err(type_error(format!("cannot pickle {} object", shown_name(&class)?)));
    } else {
        call::call(&base, std::slice::from_ref(this))?
    };
    let attributes = match attribute::get_interned(this, name!("__getstate__")) {
        Ok(getstate) => call::call(&getstate, &[])?,
        Err(raised) if is_attribute_error(&raised) => {
            if let Some(slots) = attribute::lookup(this, name!("__slots__"))?
                && number::truth(&slots)?
            {
                let error = type_error(format!(
                    "cannot pickle {} object: a class that defines __slots__ without defining __getstate__ cannot be pickled with protocol {}",
                    shown_name(&class)?,
                    text::str_string(protocol)?
                ));
                // `raise ... from None`
                if let Some(body) = error.value().downcast::<BaseException>() {
                    body.set_context(Some(raised.into_value()));
                    body.set_cause(None);
                }
                return Err(error);
            }
            attribute::lookup(this, name!("__dict__"))?.unwrap_or(Value::NONE)
        }
        Err(raised) => return Err(raised),
    };
    let mut result = vec![global("_reconstructor")?, Tuple::from_vec(vec![class, base, state])];
    if number::truth(&attributes)? {
        result.push(attributes);
    }
    Ok(Tuple::from_vec(result))
}

fn newobj(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    no_keywords("__newobj__", kwnames)?;
    let Some(class) = args.first() else {
        return Err(type_error("__newobj__() missing 1 required positional argument: 'cls'"));
    };
    call::call(&attribute::get_interned(class, name!("__new__"))?, args)
}

fn newobj_ex(class: &Value, args: &Value, keywords: &Value) -> PyResult<Value> {
    let new = attribute::get_interned(class, name!("__new__"))?;
    let mut all = vec![class.clone()];
    all.extend(iter::collect(args)?);
    let given = Dict::new_value();
    if let Some(given) = given.exact::<Dict>() {
        given.update(keywords)?;
    }
    call::call_dict(&new, &all, given.exact::<Dict>())
}

/// The names of the `__slots__` of a class and its bases, kept in the class.
fn slotnames(class: &Value) -> PyResult<Value> {
    let namespace = |class: &Value| attribute::get_interned(class, name!("__dict__"));
    let get = |namespace: &Value, key: &Value| call::call_method(namespace, name!("get"), std::slice::from_ref(key));
    let known = get(&namespace(class)?, name!("__slotnames__"))?;
    if !known.is_none() {
        return Ok(known);
    }
    let mut names = Vec::new();
    if attribute::lookup(class, name!("__slots__"))?.is_some() {
        for base in iter::collect(&attribute::get_interned(class, name!("__mro__"))?)? {
            let own = namespace(&base)?;
            if !sequence::contains(&own, name!("__slots__"))? {
                continue;
            }
            let slots = sequence::get_item(&own, name!("__slots__"))?;
            let listed = match slots.downcast::<Str>() {
                Some(_) => vec![slots.clone()],
                None => iter::collect(&slots)?,
            };
            for name in listed {
                if let Some(name) = visible_slot(&base, name)? {
                    names.push(name);
                }
            }
        }
    }
    let names = List::from_vec(names);
    // A class that takes no attributes is asked again.
    let _not_kept = attribute::set(class, name!("__slotnames__"), Some(&names));
    Ok(names)
}

/// The name that a slot has as an attribute: none for those that are no slots, mangled when it is private.
fn visible_slot(class: &Value, name: Value) -> PyResult<Option<Value>> {
    let Some(text) = name.downcast::<Str>() else { return Ok(Some(name)) };
    let text = text.to_string_lossy();
    if text == "__dict__" || text == "__weakref__" {
        return Ok(None);
    }
    if text.starts_with("__") && !text.ends_with("__") {
        let class_name = text::str_string(&attribute::get_interned(class, name!("__name__"))?)?;
        let stripped = class_name.trim_start_matches('_');
        if !stripped.is_empty() {
            return Ok(Some(intern(&format!("_{stripped}{text}"))));
        }
    }
    Ok(Some(name))
}

/// The two registries: codes by key, keys by code.
fn registries() -> PyResult<(Value, Value)> {
    Ok((global("_extension_registry")?, global("_inverted_registry")?))
}

fn find(registry: &Value, key: &Value) -> PyResult<Value> {
    call::call_method(registry, name!("get"), std::slice::from_ref(key))
}

fn add_extension(module: &Value, name: &Value, code: &Value) -> PyResult<()> {
    let code = call::call(&int::INT.value(), std::slice::from_ref(code))?;
    if !int::to_i64(&code).is_some_and(|code| (1..=0x7fff_ffff).contains(&code)) {
        return Err(value_error("code out of range"));
    }
    let key = Tuple::from_vec(vec![module.clone(), name.clone()]);
    let (codes, keys) = registries()?;
    if compare::equal(&find(&codes, &key)?, &code)? && compare::equal(&find(&keys, &code)?, &key)? {
        return Ok(());
    }
    if sequence::contains(&codes, &key)? {
        let old = sequence::get_item(&codes, &key)?;
        return Err(value_error(format!(
            "key {} is already registered with code {}",
            text::str_string(&key)?,
            text::str_string(&old)?
        )));
    }
    if sequence::contains(&keys, &code)? {
        let old = sequence::get_item(&keys, &code)?;
        return Err(value_error(format!(
            "code {} is already in use for key {}",
            text::str_string(&code)?,
            text::str_string(&old)?
        )));
    }
    sequence::set_item(&codes, &key, code.clone())?;
    sequence::set_item(&keys, &code, key)
}

fn remove_extension(module: &Value, name: &Value, code: &Value) -> PyResult<()> {
    let key = Tuple::from_vec(vec![module.clone(), name.clone()]);
    let (codes, keys) = registries()?;
    if !compare::equal(&find(&codes, &key)?, code)? || !compare::equal(&find(&keys, code)?, &key)? {
        return Err(value_error(format!(
            "key {} is not registered with code {}",
            text::str_string(&key)?,
            text::str_string(code)?
        )));
    }
    sequence::delete_item(&codes, &key)?;
    sequence::delete_item(&keys, code)?;
    let cache = global("_extension_cache")?;
    if sequence::contains(&cache, code)? {
        sequence::delete_item(&cache, code)?;
    }
    Ok(())
}

fn clear_extension_cache() -> PyResult<()> {
    call::call_method(&global("_extension_cache")?, name!("clear"), &[]).map(drop)
}
