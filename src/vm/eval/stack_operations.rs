//! Instructions that are not hot: each works on temporaries in their canonical places through a function that may fail.

use super::cell::Cell;
use super::control::{unbound_cell, undefined};
use super::handlers::operation;
use super::registers::At;
use super::unwind::{self, put_exception, raise, reraise, restore_handled};
use super::{become_handler, next};
use crate::name;
use crate::object::attribute;
use crate::object::call;
use crate::object::error::PyResult;
use crate::object::iter;
use crate::object::number;
use crate::object::sequence;
use crate::object::text;
use crate::object::value::Value;
use crate::types::cell::Cell as PyCell;
use crate::types::code::Code;
use crate::types::dict::Dict;
use crate::types::exceptions::{
    self, ATTRIBUTE_ERROR, BaseException, KEY_ERROR, STOP_ASYNC_ITERATION, as_exception_class, attribute_error,
    is_instance, name_error, runtime_error, system_error, type_error,
};
use crate::types::frame;
use crate::types::function::Function;
use crate::types::generator;
use crate::types::list::List;
use crate::types::method::Method;
use crate::types::set;
use crate::types::str::{Str, StrBuilder};
use crate::types::tuple::Tuple;
use crate::vm::frame::{Place, function_of};
use crate::vm::runtime;
use crate::vm::thread::Thread;

// ---------------------------------------------------------------------------------------------------------------------
// Operators

operation!(unary_not_slow, 1, |at| {
    let value = at.take(at.a());
    at.put(at.a(), Value::bool(!number::truth(&value)?));
    Ok(())
});

operation!(unary_negative, 1, |at| {
    let value = at.take(at.a());
    at.put(at.a(), number::negative(&value)?);
    Ok(())
});

operation!(unary_positive, 1, |at| {
    let value = at.take(at.a());
    at.put(at.a(), number::positive(&value)?);
    Ok(())
});

operation!(unary_invert, 1, |at| {
    let value = at.take(at.a());
    at.put(at.a(), number::invert(&value)?);
    Ok(())
});

operation!(
    /// a := a in a+1, or its opposite when b is 1
    contains_op,
    1,
    |at| {
        let item = at.take(at.a());
        let container = at.take(at.a() + 1);
        let found = sequence::contains(&container, &item)?;
        at.put(at.a(), Value::bool(found != (at.b() == 1)));
        Ok(())
    }
);

operation!(
    /// a := a is a+1, or its opposite when b is 1
    identity,
    1,
    |at| {
        let left = at.take(at.a());
        let right = at.take(at.a() + 1);
        at.put(at.a(), Value::bool(left.is(&right) != (at.b() == 1)));
        Ok(())
    }
);

operation!(
    /// a := the exception class a is a subclass of a+1, or of one of the tuple a+1
    exception_match,
    1,
    |at| {
        let left = at.take(at.a());
        let right = at.take(at.a() + 1);
        let check = |class: &Value| -> PyResult<()> {
            if as_exception_class(class).is_some() {
                Ok(())
            } else {
                Err(type_error("catching classes that do not inherit from BaseException is not allowed"))
            }
        };
        match right.downcast::<Tuple>() {
            Some(tuple) => tuple.iter().try_for_each(check)?,
            None => check(&right)?,
        }
        let matches = match left.downcast::<crate::object::TypeObject>() {
            Some(class) => {
                let is_below = |other: &Value| {
                    other.downcast::<crate::object::TypeObject>().is_some_and(|other| class.is_subtype(other))
                };
                match right.downcast::<Tuple>() {
                    Some(tuple) => tuple.iter().any(is_below),
                    None => is_below(&right),
                }
            }
            None => left.is(&right),
        };
        at.put(at.a(), Value::bool(matches));
        Ok(())
    }
);

// ---------------------------------------------------------------------------------------------------------------------
// Names

/// The namespace of a module or class body, which is wanted for something.
fn namespace(at: At, what: impl FnOnce(At) -> PyResult<String>) -> PyResult<Value> {
    match Place::current(at.vm).and_then(|place| frame::locals(&place.object())) {
        Some(namespace) => Ok(namespace),
        None => Err(system_error(format!("no locals {}", what(at)?))),
    }
}

/// What was wanted of a name.
fn about_name(at: At, what: &str) -> PyResult<String> {
    Ok(format!("{what} {}", text::repr_string(at.name())?))
}

fn from_namespace(namespace: &Value, name: &Value) -> PyResult<Option<Value>> {
    if let Some(dict) = namespace.exact::<Dict>() {
        return dict.get(name);
    }
    match sequence::get_item(namespace, name) {
        Ok(value) => Ok(Some(value)),
        Err(raised) if is_instance(&raised, &KEY_ERROR) => Ok(None),
        Err(raised) => Err(raised),
    }
}

operation!(load_name, 1, |at| {
    let name = at.name();
    let value = match from_namespace(&namespace(at, |at| about_name(at, "when loading"))?, name)? {
        Some(value) => value,
        None => {
            let function = function_of(at.callee());
            match function.exact::<Function>() {
                Some(function) => super::control::global(function, name)?,
                None => return Err(undefined(name)),
            }
        }
    };
    at.put(at.a(), value);
    Ok(())
});

operation!(store_name, 1, |at| {
    let value = at.take(at.a());
    let namespace = namespace(at, |at| about_name(at, "found when storing"))?;
    match namespace.exact::<Dict>() {
        Some(dict) => dict.set(at.name(), value),
        None => sequence::set_item(&namespace, at.name(), value),
    }
});

operation!(delete_name, 1, |at| {
    let namespace = namespace(at, |at| about_name(at, "when deleting"))?;
    let result = match namespace.exact::<Dict>() {
        Some(dict) => match dict.remove(at.name())? {
            Some(_) => return Ok(()),
            None => Err(undefined(at.name())),
        },
        None => sequence::delete_item(&namespace, at.name()),
    };
    result.map_err(|raised| if is_instance(&raised, &KEY_ERROR) { undefined(at.name()) } else { raised })
});

fn globals(at: At) -> PyResult<Value> {
    match function_of(at.callee()).exact::<Function>() {
        Some(function) => Ok(function.globals().clone()),
        None => Err(system_error("no globals")),
    }
}

operation!(store_global, 1, |at| {
    let value = at.take(at.a());
    let globals = globals(at)?;
    match globals.downcast::<Dict>() {
        Some(globals) => globals.set(at.name(), value),
        None => Err(system_error("no globals")),
    }
});

operation!(delete_global, 1, |at| {
    let globals = globals(at)?;
    match globals.downcast::<Dict>() {
        Some(globals) => match globals.remove(at.name())? {
            Some(_) => Ok(()),
            None => Err(undefined(at.name())),
        },
        None => Err(system_error("no globals")),
    }
});

operation!(
    /// a := the name of free variable c in the class body's namespace, or the contents of cell b
    load_class_deref,
    1,
    |at| {
        let code = at.code();
        let index = at.c() as usize;
        let cells = code.cellvars().len();
        let name = if index < cells { code.cellvars().get(index) } else { code.freevars().get(index - cells) };
        let namespace = namespace(at, |_| Ok("when loading a variable of a class body".to_owned()))?;
        if let Some(name) = name
            && let Some(value) = from_namespace(&namespace, name)?
        {
            at.put(at.a(), value);
            return Ok(());
        }
        let cell = at.get(at.b());
        match cell.exact::<PyCell>().and_then(PyCell::get) {
            Some(value) => {
                at.put(at.a(), value);
                Ok(())
            }
            None => Err(unbound_cell(at, at.b())),
        }
    }
);

operation!(store_deref, 1, |at| {
    let value = at.take(at.a());
    let cell = at.get(at.b());
    if let Some(cell) = cell.exact::<PyCell>() {
        cell.set(Some(value));
    }
    Ok(())
});

operation!(delete_deref, 1, |at| {
    let cell = at.get(at.b());
    match cell.exact::<PyCell>().and_then(|cell| cell.replace(None)) {
        Some(_) => Ok(()),
        None => Err(unbound_cell(at, at.b())),
    }
});

operation!(delete_attr, 1, |at| {
    let object = at.take(at.a());
    attribute::set(&object, at.name(), None)
});

operation!(delete_subscript, 1, |at| {
    let container = at.take(at.a());
    let key = at.take(at.a() + 1);
    sequence::delete_item(&container, &key)
});

// ---------------------------------------------------------------------------------------------------------------------
// Iteration

operation!(get_iter, 1, |at| {
    let iterable = at.take(at.a());
    let iterator = iter::iter(&iterable)?;
    drop(iterable);
    at.put(at.a(), iterator);
    Ok(())
});

operation!(get_yield_from_iter, 1, |at| {
    let iterable = at.take(at.a());
    let iterator = generator::yield_from_iterator(iterable, at.code())?;
    at.put(at.a(), iterator);
    Ok(())
});

operation!(get_awaitable, 1, |at| {
    let object = at.take(at.a());
    if at.b() != 0 && object.ty().slot(|slots| slots.await_).is_none() && generator::of(&object).is_none() {
        return Err(type_error(format!(
            "'async with' received an object from {} that does not implement __await__: {}",
            if at.b() == 1 { "__aenter__" } else { "__aexit__" },
            object.ty().name()
        )));
    }
    let iterator = generator::awaitable_iterator(&object)?;
    at.put(at.a(), iterator);
    Ok(())
});

operation!(get_aiter, 1, |at| {
    let object = at.take(at.a());
    let Some(slot) = object.ty().slot(|slots| slots.aiter) else {
        return Err(type_error(format!(
            "'async for' requires an object with __aiter__ method, got {}",
            object.ty().name()
        )));
    };
    let iterator = slot(&object)?;
    if iterator.ty().slot(|slots| slots.anext).is_none() {
        return Err(type_error(format!(
            "'async for' received an object from __aiter__ that does not implement __anext__: {}",
            iterator.ty().name()
        )));
    }
    at.put(at.a(), iterator);
    Ok(())
});

operation!(
    /// a := an awaitable for the next item of b
    get_anext,
    1,
    |at| {
        let iterator = at.get(at.b());
        let Some(slot) = iterator.ty().slot(|slots| slots.anext) else {
            return Err(type_error(format!(
                "'async for' requires an iterator with __anext__ method, got {}",
                iterator.ty().name()
            )));
        };
        let next = slot(&iterator)?;
        if std::ptr::eq(iterator.ty(), &crate::types::async_generator::ASYNC_GENERATOR) {
            at.put(at.a(), next);
            return Ok(());
        }
        let awaitable = generator::awaitable_iterator(&next).map_err(|cause| {
            let raised = type_error(format!(
                "'async for' received an invalid object from __anext__: {}",
                next.ty().name()
            ));
            if let Some(body) = raised.value().downcast::<BaseException>() {
                body.set_cause(Some(cause.value().clone()));
                body.set_context(Some(cause.into_value()));
            }
            raised
        })?;
        at.put(at.a(), awaitable);
        Ok(())
    }
);

/// A special method of a context manager's type; `AttributeError` names the one that is missing.
fn unbound_manager_method(manager: &Value, name: &Value) -> PyResult<Value> {
    let missing = || attribute_error(name.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default());
    manager.ty().lookup(name).ok_or_else(missing)
}

/// `__enter__`/`__aenter__` and `__exit__`/`__aexit__` of a context manager, bound.
fn manager_method(manager: &Value, name: &Value) -> PyResult<Value> {
    let found = unbound_manager_method(manager, name)?;
    match found.ty().slot(|slots| slots.descr_get) {
        Some(get) => get(&found, Some(manager), &manager.ty().value()),
        None => Ok(found),
    }
}

operation!(
    /// a, a+1 := `__aexit__` of a, and what its `__aenter__` gives
    before_async_with,
    1,
    |at| {
        let manager = at.take(at.a());
        // Unlike SETUP_WITH, CPython 3.8 looks for the exit first.
        let exit = manager_method(&manager, name!("__aexit__"))?;
        let enter = manager_method(&manager, name!("__aenter__"))?;
        drop(manager);
        at.put(at.a(), exit);
        let awaitable = call::call(&enter, &[])?;
        at.put(at.a() + 1, awaitable);
        Ok(())
    }
);

/// 0: the loop is over; 1: the exception goes on.
#[inline(never)]
unsafe fn end_async_for_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) -> bool {
    // SAFETY: the handler's arguments.
    let at = unsafe { At::new(ip, fp, vm, k) };
    // The iterator in a, the six slots above.
    let slots = at.a() + 1;
    let value = at.get(slots + 4);
    if value.ty().is_subtype(&STOP_ASYNC_ITERATION) {
        for register in slots + 3..slots + 6 {
            drop(at.take(register));
        }
        restore_handled(at, slots);
        drop(at.take(at.a()));
        return true;
    }
    vm.raised.set(Some(value));
    false
}

/// Ends `async for` when the exception says so.
#[inline(never)]
pub(crate) unsafe fn end_async_for(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) {
    // SAFETY: the handler's arguments.
    unsafe {
        if end_async_for_work(ip, fp, vm, k) {
            next!(ip.add(1), fp, vm, k)
        }
        become_handler!(reraise, ip, fp, vm, k)
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Building

operation!(build_tuple, 1, |at| {
    // SAFETY: the registers are moved into the tuple.
    let tuple = unsafe { Tuple::moved_from(at.slot(at.a()) as *mut Value, at.b() as usize) };
    for register in at.a()..at.a() + at.b() {
        at.forget(register);
    }
    at.put(at.a(), tuple);
    Ok(())
});

operation!(build_list, 1, |at| {
    let items = at.take_many(at.a(), at.b());
    at.put(at.a(), List::from_vec(items));
    Ok(())
});

operation!(build_set, 1, |at| {
    let items = at.take_many(at.a(), at.b());
    let set = set::new_set();
    for item in items {
        set::add_key(&set, &item)?;
    }
    at.put(at.a(), set);
    Ok(())
});

operation!(build_map, 1, |at| {
    let items = at.take_many(at.a(), 2 * at.b());
    let map = Dict::new_value();
    if let Some(dict) = map.exact::<Dict>() {
        for pair in items.chunks_exact(2) {
            dict.set(&pair[0], pair[1].clone())?;
        }
    }
    at.put(at.a(), map);
    Ok(())
});

operation!(build_const_key_map, 1, |at| {
    let values = at.take_many(at.a(), at.b());
    let keys = at.take(at.a() + at.b());
    let Some(keys) = keys.downcast::<Tuple>().filter(|keys| keys.len() == values.len()) else {
        return Err(system_error("bad BUILD_CONST_KEY_MAP keys argument"));
    };
    let map = Dict::new_value();
    if let Some(dict) = map.exact::<Dict>() {
        for (key, value) in keys.iter().zip(values) {
            dict.set(key, value)?;
        }
    }
    at.put(at.a(), map);
    Ok(())
});

operation!(build_string, 1, |at| {
    let parts = at.take_many(at.a(), at.b());
    let length = parts.iter().filter_map(|part| part.downcast::<Str>()).map(Str::len).sum();
    let mut builder = StrBuilder::with_capacity(length);
    for part in &parts {
        let Some(text) = part.downcast::<Str>() else { return Err(system_error("BUILD_STRING of something else")) };
        builder.push_value(text);
    }
    at.put(at.a(), builder.finish());
    Ok(())
});

operation!(build_slice, 1, |at| {
    let mut parts = at.take_many(at.a(), at.b());
    if parts.len() == 2 {
        parts.push(Value::NONE);
    }
    if let [start, stop, step] = &parts[..] {
        at.put(at.a(), crate::types::slice::Slice::new_value(start.clone(), stop.clone(), step.clone()));
    }
    Ok(())
});

operation!(build_tuple_unpack, 1, |at| {
    let parts = at.take_many(at.a(), at.b());
    let mut items = Vec::new();
    for part in &parts {
        if at.c() == 1 && part.ty().slot(|slots| slots.iter).is_none() && part.ty().slot(|slots| slots.item).is_none() {
            // The function of the call stands right below.
            let callee = at.get(at.a() - 1);
            let (name, suffix) = describe(&callee);
            return Err(type_error(format!(
                "{name}{suffix} argument after * must be an iterable, not {}",
                part.ty().name()
            )));
        }
        items.extend(iter::collect(part)?);
    }
    at.put(at.a(), Tuple::from_vec(items));
    Ok(())
});

operation!(build_list_unpack, 1, |at| {
    let parts = at.take_many(at.a(), at.b());
    let mut items = Vec::new();
    for part in &parts {
        items.extend(iter::collect(part)?);
    }
    at.put(at.a(), List::from_vec(items));
    Ok(())
});

operation!(build_set_unpack, 1, |at| {
    let parts = at.take_many(at.a(), at.b());
    let set = set::new_set();
    for part in &parts {
        // As _PySet_Update: item by item, without asking for a length.
        iter::for_each(part, |item| set::add_key(&set, &item).map(|_| true))?;
    }
    at.put(at.a(), set);
    Ok(())
});

/// Adds all items of a mapping. As `PyDict_Update`: `keys()` makes something a mapping.
pub(crate) fn update_from_mapping(dict: &Dict, mapping: &Value) -> PyResult<bool> {
    if mapping.downcast::<Dict>().is_none() && attribute::lookup(mapping, name!("keys"))?.is_none() {
        return Ok(false);
    }
    dict.merge(mapping)?;
    Ok(true)
}

operation!(build_map_unpack, 1, |at| {
    let parts = at.take_many(at.a(), at.b());
    let map = Dict::new_value();
    if let Some(dict) = map.exact::<Dict>() {
        for part in &parts {
            if !update_from_mapping(dict, part)? {
                return Err(type_error(format!("'{}' object is not a mapping", part.ty().name())));
            }
        }
    }
    at.put(at.a(), map);
    Ok(())
});

/// How messages about a call name the function: `f` and `()`, or the object itself. As `PyEval_GetFuncName`.
pub(crate) fn describe(callee: &Value) -> (String, &'static str) {
    let text = |value: Value| value.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default();
    if let Some(function) = callee.exact::<Function>() {
        return (text(function.name()), "()");
    }
    if let Some(method) = callee.exact::<crate::types::method::Method>() {
        return describe(method.function());
    }
    if let Some(builtin) = callee.exact::<crate::types::builtin_function::BuiltinFunction>() {
        return (builtin.name().to_owned(), "()");
    }
    (callee.ty().name().to_owned(), " object")
}

/// Adds the keywords of `**mapping`, each once. As `_PyDict_MergeEx` with override 2, and `format_kwargs_error`.
pub(crate) fn merge_keywords(dict: &Dict, mapping: &Value, callee: &Value) -> PyResult<()> {
    let add = |key: &Value, value: Value| -> PyResult<()> {
        if dict.get(key)?.is_some() {
            let (name, suffix) = describe(callee);
            let Some(text) = key.downcast::<Str>() else {
                return Err(type_error(format!("{name}{suffix} keywords must be strings")));
            };
            return Err(type_error(format!(
                "{name}{suffix} got multiple values for keyword argument '{}'",
                text.to_string_lossy()
            )));
        }
        dict.set(key, value)
    };
    if let Some(other) = Dict::read_directly(mapping) {
        for (key, value) in other.items() {
            add(&key, value)?;
        }
        return Ok(());
    }
    let keys = Dict::keys_of(mapping).map_err(|raised| {
        if !is_instance(&raised, &ATTRIBUTE_ERROR) {
            return raised;
        }
        let (name, suffix) = describe(callee);
        type_error(format!("{name}{suffix} argument after ** must be a mapping, not {}", mapping.ty().name()))
    })?;
    for key in keys {
        let value = sequence::get_item(mapping, &key)
            .map_err(|raised| crate::vm::call::missing_keyword(raised, mapping, callee))?;
        add(&key, value)?;
    }
    Ok(())
}

operation!(
    /// a := one dict of the b mappings from a on, for a call of the function in c
    build_map_unpack_with_call,
    1,
    |at| {
        let parts = at.take_many(at.a(), at.b());
        let callee = if at.c() == u32::MAX { Value::NONE } else { at.get(at.c()) };
        let map = Dict::new_value();
        if let Some(dict) = map.exact::<Dict>() {
            for part in &parts {
                merge_keywords(dict, part, &callee)?;
            }
        }
        at.put(at.a(), map);
        Ok(())
    }
);

operation!(list_append, 1, |at| {
    let item = at.take(at.b());
    let list = at.get(at.a());
    match list.exact::<List>() {
        Some(list) => {
            list.items().push(item);
            Ok(())
        }
        None => Err(system_error("LIST_APPEND to something else")),
    }
});

operation!(set_add, 1, |at| {
    let item = at.take(at.b());
    set::add_key(&at.get(at.a()), &item)
});

operation!(
    /// dict a [b] := b+1
    map_add,
    1,
    |at| {
        let key = at.take(at.b());
        let value = at.take(at.b() + 1);
        let map = at.get(at.a());
        match map.exact::<Dict>() {
            Some(dict) => dict.set(&key, value),
            None => Err(system_error("MAP_ADD to something else")),
        }
    }
);

// ---------------------------------------------------------------------------------------------------------------------
// Unpacking

operation!(
    /// a := format(a converted as b says, the spec in a+1)
    format_value,
    1,
    |at| {
        let spec = if at.b() & 4 != 0 { Some(at.take(at.a() + 1)) } else { None };
        let mut value = at.take(at.a());
        value = match at.b() & 3 {
            1 => text::str(&value)?,
            2 => text::repr(&value)?,
            3 => text::ascii(&value)?,
            _ => value,
        };
        let result = match spec {
            None if value.is_exact::<Str>() => value,
            None => text::format(&value, &Str::new_value(""))?,
            Some(spec) => text::format(&value, &spec)?,
        };
        at.put(at.a(), result);
        Ok(())
    }
);

// ---------------------------------------------------------------------------------------------------------------------
// Imports, classes, functions

operation!(
    /// a := import of name c: the level in a, the list of names in a+1
    import_name,
    1,
    |at| {
        let level = at.take(at.a());
        let names = at.take(at.a() + 1);
        let globals = globals(at)?;
        let module = crate::vm::import::import_name(at.name(), &globals, &names, &level)?;
        at.put(at.a(), module);
        Ok(())
    }
);

operation!(
    /// a := attribute c of module b
    import_from,
    1,
    |at| {
        let module = at.get(at.b());
        let value = crate::vm::import::import_from(&module, at.name())?;
        at.put(at.a(), value);
        Ok(())
    }
);

operation!(import_star, 1, |at| {
    let module = at.take(at.a());
    let namespace = namespace(at, |_| Ok("found during 'import *'".to_owned()))?;
    crate::vm::import::import_star(&module, &namespace)
});

operation!(load_build_class, 1, |at| {
    let function = function_of(at.callee());
    let found = match function.exact::<Function>() {
        Some(function) => match function.globals().downcast::<Dict>().and_then(runtime::builtins_of) {
            Some(builtins) => match builtins.downcast::<Dict>() {
                Some(builtins) => builtins.get(name!("__build_class__"))?,
                None => from_namespace(&builtins, name!("__build_class__"))?,
            },
            None => None,
        },
        None => None,
    };
    match found {
        Some(value) => {
            at.put(at.a(), value);
            Ok(())
        }
        None => Err(name_error("__build_class__ not found")),
    }
});

operation!(setup_annotations, 1, |at| {
    let namespace = namespace(at, |_| Ok("found when setting up annotations".to_owned()))?;
    if from_namespace(&namespace, name!("__annotations__"))?.is_none() {
        return match namespace.exact::<Dict>() {
            Some(dict) => dict.set(name!("__annotations__"), Dict::new_value()),
            None => sequence::set_item(&namespace, name!("__annotations__"), Dict::new_value()),
        };
    }
    Ok(())
});

operation!(print_expr, 1, |at| {
    let value = at.take(at.a());
    runtime::display(&value)
});

operation!(
    /// a := a function: whatever b says stands below its code and qualified name
    make_function,
    1,
    |at| {
        let flags = at.b();
        let mut register = at.a() + (flags & 0xf).count_ones();
        let code = at.take(register);
        let qualname = at.take(register + 1);
        let mut pop = |flag: u32| {
            if flags & flag == 0 {
                return None;
            }
            register -= 1;
            Some(at.take(register))
        };
        let closure = pop(8);
        let annotations = pop(4);
        let keyword_defaults = pop(2);
        let defaults = pop(1);
        let Some(body) = code.exact::<Code>() else { return Err(system_error("MAKE_FUNCTION of something else")) };
        let free = body.freevars().len();
        let cells = closure.as_ref().and_then(|closure| closure.exact::<Tuple>());
        let cells_fit =
            cells.map_or(free == 0, |cells| cells.len() == free && cells.iter().all(|cell| cell.is_exact::<PyCell>()));
        let kinds_fit = defaults.as_ref().is_none_or(|d| d.is_exact::<Tuple>())
            && keyword_defaults.as_ref().is_none_or(|d| d.is_exact::<Dict>())
            && annotations.as_ref().is_none_or(|a| a.is_exact::<Dict>())
            && qualname.downcast::<Str>().is_some();
        if !cells_fit || !kinds_fit {
            return Err(system_error("bad MAKE_FUNCTION operands"));
        }
        let function = Function::new_value(&code, &globals(at)?, Some(&qualname), closure);
        if let Some(body) = function.exact::<Function>() {
            if defaults.is_some() {
                body.set_defaults(defaults);
            }
            if keyword_defaults.is_some() {
                body.set_keyword_defaults(keyword_defaults);
            }
            if annotations.is_some() {
                body.set_annotations(annotations);
            }
            // Code that has run before is ready: whoever calls the new function need not look. Other code waits for its
            // first call, which most functions of a module never see.
            let is_ready = code.exact::<Code>().is_some_and(|code| code.translations.is_there());
            if is_ready {
                let _checked_at_the_call = crate::vm::call::prepare(body);
            }
        }
        at.put(at.a(), function);
        Ok(())
    }
);

// ---------------------------------------------------------------------------------------------------------------------
// Exceptions

/// True when the exception was handled before in this frame, and goes on with its traceback as it is.
#[inline(never)]
unsafe fn raise_varargs_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) -> bool {
    // SAFETY: the handler's arguments.
    let at = unsafe { At::new(ip, fp, vm, k) };
    let args = at.take_many(at.a(), at.b());
    match do_raise(at, &args) {
        Ok(again) => again,
        Err(raised) => {
            vm.set_raised(raised);
            false
        }
    }
}

fn do_raise(at: At, args: &[Value]) -> PyResult<bool> {
    let Some(exception) = args.first() else {
        let Some(handled) = at.vm.handled_exception() else {
            return Err(runtime_error("No active exception to reraise"));
        };
        at.vm.raised.set(Some(handled));
        return Ok(true);
    };
    let exception = exceptions::normalize(exception)?;
    if let Some(cause) = args.get(1) {
        let cause = if cause.is_none() {
            None
        } else if as_exception_class(cause).is_some() || exceptions::is_exception(cause) {
            Some(exceptions::normalize(cause)?)
        } else {
            return Err(type_error("exception causes must derive from BaseException"));
        };
        if let Some(body) = exception.downcast::<BaseException>() {
            body.set_cause(cause);
        }
    }
    if let (Some(body), Some(handled)) = (exception.downcast::<BaseException>(), at.vm.handled_exception())
        && !handled.is(&exception)
    {
        body.set_context(None);
        unwind::chain_context(at.vm, &exception);
    }
    at.vm.raised.set(Some(exception));
    Ok(false)
}

/// raises the b operands from a on: nothing, an exception, or an exception and its cause
#[inline(never)]
pub(crate) unsafe fn raise_varargs(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) {
    // SAFETY: the handler's arguments.
    unsafe {
        if raise_varargs_work(ip, fp, vm, k) {
            become_handler!(reraise, ip, fp, vm, k)
        }
        become_handler!(raise, ip, fp, vm, k)
    }
}

operation!(
    /// a, a+1 := `__exit__` of a, and what its `__enter__` gives
    setup_with,
    1,
    |at| {
        let manager = at.take(at.a());
        let enter = unbound_manager_method(&manager, name!("__enter__"))?;
        // A function is not bound to be called once.
        let is_function = enter.is_exact::<Function>();
        let enter = if is_function { enter } else { manager_method(&manager, name!("__enter__"))? };
        let exit = manager_method(&manager, name!("__exit__"))?;
        at.put(at.a(), exit);
        let result = if is_function {
            call::call(&enter, std::slice::from_ref(&manager))?
        } else {
            drop(manager);
            call::call(&enter, &[])?
        };
        at.put(at.a() + 1, result);
        Ok(())
    }
);

operation!(
    /// a...a+5 := the six slots of a `finally` body entered without an exception
    begin_finally,
    1,
    |at| {
        for index in 0..6 {
            at.set(at.a() + index, Value::UNBOUND);
        }
        Ok(())
    }
);

#[inline(never)]
unsafe fn call_finally_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) {
    // SAFETY: the handler's arguments.
    let at = unsafe { At::new(ip, fp, vm, k) };
    at.set(at.a() + 5, Value::return_address(at.b()));
}

/// a+5 := the return address b; jumps by c
#[inline(never)]
pub(crate) unsafe fn call_finally(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) {
    // SAFETY: the handler's arguments.
    unsafe {
        call_finally_work(ip, fp, vm, k);
        next!(ip.offset((*ip).c as i32 as isize), fp, vm, k)
    }
}

operation!(
    /// a...a+2 := the exception handled now, as a handler saves it
    save_handled,
    1,
    |at| {
        put_exception(at, at.a(), at.vm.own_handled());
        Ok(())
    }
);

/// Empties the six slots from a on, ending the handling of an exception if that is what they hold.
fn leave_finally(at: At, slots: u32) {
    let top = at.take(slots + 5);
    if top.is_unbound() || top.as_return_address().is_some() {
        return;
    }
    drop(top);
    for register in slots + 3..slots + 5 {
        drop(at.take(register));
    }
    restore_handled(at, slots);
}

operation!(
    /// leaves a `finally` body by break, continue or return
    pop_finally,
    1,
    |at| {
        leave_finally(at, at.a());
        Ok(())
    }
);

/// The cell to go on at; null when the exception goes on.
#[inline(never)]
unsafe fn end_finally_work(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) -> *const Cell {
    // SAFETY: the handler's arguments.
    let at = unsafe { At::new(ip, fp, vm, k) };
    let top = at.get(at.a() + 5);
    if top.is_unbound() {
        return ip.wrapping_add(1);
    }
    if let Some(cell) = top.as_return_address() {
        drop(at.take(at.a() + 5));
        return at.meta().cell(cell);
    }
    vm.raised.set(Some(at.get(at.a() + 4)));
    std::ptr::null()
}

/// ends a `finally` body: falls through, returns to its caller, or raises again
#[inline(never)]
pub(crate) unsafe fn end_finally(ip: *const Cell, fp: *mut u64, vm: &'static Thread, k: *const u64) {
    // SAFETY: the handler's arguments.
    unsafe {
        let target = end_finally_work(ip, fp, vm, k);
        if target.is_null() {
            become_handler!(reraise, ip, fp, vm, k)
        }
        next!(target, fp, vm, k)
    }
}

operation!(
    /// ends an except clause: the three slots from a on hold what was handled before
    pop_except,
    1,
    |at| {
        restore_handled(at, at.a());
        Ok(())
    }
);

operation!(
    /// calls `__exit__` in a with the exception of the six slots behind it; a+7, a+8 := the exception and the result
    with_cleanup_start,
    1,
    |at| {
        let exit = at.take(at.a());
        let slots = at.a() + 1;
        let top = at.get(slots + 5);
        let (ty, value, traceback) = if top.is_unbound() || top.as_return_address().is_some() {
            (Value::NONE, Value::NONE, Value::NONE)
        } else {
            let value = at.get(slots + 4);
            let traceback = value.downcast::<BaseException>().and_then(BaseException::traceback);
            (top, value, traceback.unwrap_or(Value::NONE))
        };
        let result = match exit.exact::<Method>() {
            Some(method) => call::call(method.function(), &[method.this().clone(), ty.clone(), value, traceback])?,
            None => call::call(&exit, &[ty.clone(), value, traceback])?,
        };
        drop(exit);
        at.put(at.a() + 7, ty);
        at.put(at.a() + 8, result);
        Ok(())
    }
);

operation!(
    /// ends the work of `with_cleanup_start`: a true result silences the exception; the six slots move down to a
    with_cleanup_finish,
    1,
    |at| {
        let result = at.take(at.a() + 8);
        let exception = at.take(at.a() + 7);
        let slots = at.a() + 1;
        let silenced = !exception.is_none() && number::truth(&result)?;
        drop((result, exception));
        if silenced {
            leave_finally(at, slots);
            for index in 0..6 {
                at.set(at.a() + index, Value::UNBOUND);
            }
            return Ok(());
        }
        for index in 0..6 {
            let value = at.take(slots + index);
            at.set(at.a() + index, value);
        }
        Ok(())
    }
);
