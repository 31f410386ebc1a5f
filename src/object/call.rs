//! The call protocol: positional arguments in a slice, then keyword values, whose names are a tuple (PEP 590).

use super::attribute::{self, MethodLookup};
use super::error::PyResult;
use super::ty::TypeFlags;
use super::value::Value;
use crate::types::dict::Dict;
use crate::types::exceptions::type_error;
use crate::types::function::Function;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::thread::check_native_stack;

/// Calls `callable` with positional arguments.
///
/// # Errors
/// `TypeError` when it is not callable, or what it raises.
#[inline]
pub fn call(callable: &Value, args: &[Value]) -> PyResult<Value> {
    call_keywords(callable, args, None)
}

/// Calls `callable`: positional arguments, then the values of the keywords named by the tuple `kwnames`.
///
/// # Errors
/// As for [`call`].
#[inline]
pub fn call_keywords(callable: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    // Objects that wrap objects reach this, and the other protocols, again from their slots.
    check_native_stack()?;
    match callable.ty().slot(|slots| slots.call) {
        Some(slot) => slot(callable, args, kwnames),
        None => Err(type_error(format!("'{}' object is not callable", callable.ty().name()))),
    }
}

/// Calls `callable(*args, **kwargs)`.
///
/// # Errors
/// As for [`call`]; `TypeError` when a keyword is not a str.
pub fn call_dict(callable: &Value, args: &[Value], kwargs: Option<&Dict>) -> PyResult<Value> {
    match kwargs {
        Some(kwargs) if !kwargs.is_empty() => {
            let mut all = args.to_vec();
            let mut names = Vec::with_capacity(kwargs.len());
            for (name, value) in kwargs.items() {
                // A Python function says so itself, with its name.
                if name.downcast::<Str>().is_none() && !callable.is_exact::<Function>() {
                    return Err(type_error("keywords must be strings"));
                }
                names.push(name);
                all.push(value);
            }
            call_keywords(callable, &all, Some(&Tuple::from_vec(names)))
        }
        _ => call(callable, args),
    }
}

/// Calls the method `name` of `object`.
///
/// # Errors
/// `AttributeError`, or what the method raises.
pub fn call_method(object: &Value, name: &Value, args: &[Value]) -> PyResult<Value> {
    match attribute::get_method(object, name)? {
        MethodLookup::Unbound(function) => call_with_self(&function, object, args),
        MethodLookup::Bound(callable) => call(&callable, args),
    }
}

/// Calls `function(this, *args)`.
///
/// # Errors
/// What it raises.
pub fn call_with_self(function: &Value, this: &Value, args: &[Value]) -> PyResult<Value> {
    match args {
        [] => call(function, std::slice::from_ref(this)),
        [a] => call(function, &[this.clone(), a.clone()]),
        [a, b] => call(function, &[this.clone(), a.clone(), b.clone()]),
        _ => {
            let mut all = Vec::with_capacity(args.len() + 1);
            all.push(this.clone());
            all.extend_from_slice(args);
            call(function, &all)
        }
    }
}

/// Calls the special method `name` of the type of `object`; `None` when it has none. As `lookup_maybe_method` and
/// `call_unbound`: the instance's own attributes do not count.
///
/// # Errors
/// What the method raises.
pub fn call_special(object: &Value, name: &Value, args: &[Value]) -> PyResult<Option<Value>> {
    let Some(found) = object.ty().lookup(name) else { return Ok(None) };
    if found.ty().has_flag(TypeFlags::METHOD_DESCRIPTOR) {
        return call_with_self(&found, object, args).map(Some);
    }
    let callable = match found.ty().slot(|slots| slots.descr_get) {
        Some(get) => get(&found, Some(object), &object.ty().value())?,
        None => found,
    };
    call(&callable, args).map(Some)
}

/// Whether the value can be called.
pub fn is_callable(value: &Value) -> bool {
    value.ty().slot(|slots| slots.call).is_some()
}

/// Splits a vectorcall's arguments into positional ones and (name, value) pairs.
pub fn split_keywords<'a>(args: &'a [Value], kwnames: Option<&'a Value>) -> (&'a [Value], Vec<(&'a Value, &'a Value)>) {
    match kwnames.and_then(|names| names.exact::<Tuple>()) {
        Some(names) => {
            let (positional, values) = args.split_at(args.len() - names.len().min(args.len()));
            (positional, names.iter().zip(values).collect())
        }
        None => (args, Vec::new()),
    }
}

/// Splits a vectorcall's arguments into a positional slice and a dict of keywords, if there are any.
///
/// # Errors
/// None in practice: the names are strs.
pub fn keywords_to_dict<'a>(args: &'a [Value], kwnames: Option<&Value>) -> PyResult<(&'a [Value], Option<Value>)> {
    match kwnames.and_then(|names| names.exact::<Tuple>()) {
        Some(names) if !names.is_empty() => {
            let (positional, values) = args.split_at(args.len() - names.len().min(args.len()));
            let dict = Dict::new_value();
            if let Some(body) = dict.exact::<Dict>() {
                for (name, value) in names.iter().zip(values) {
                    body.set(name, value.clone())?;
                }
            }
            Ok((positional, Some(dict)))
        }
        _ => Ok((args, None)),
    }
}
