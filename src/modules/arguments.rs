//! What the constructors and the `__setstate__` of native modules' types share.

use crate::object::TypeObject;
use crate::object::arguments::{check_count, no_keywords, positional};
use crate::object::buffer::{Buffer, Order, Request};
use crate::object::call;
use crate::object::error::{PyResult, Raised};
use crate::object::native::{At, FromArg, Function};
use crate::object::value::{Payload, Value};
use crate::types::bytes::Bytes;
use crate::types::exceptions::type_error;
use crate::types::str::Str;
use crate::types::tuple::Tuple;

/// The body of an object of the type of `T`.
#[inline]
pub(super) fn body<T: Payload>(value: &Value) -> PyResult<&T> {
    value.downcast::<T>().ok_or_else(|| type_error(format!("expected {}", T::type_object().name())))
}

/// The class that a `__new__` was called with.
pub(super) fn class_or<'a>(class: &'a Value, own: &'static TypeObject) -> &'a TypeObject {
    class.downcast::<TypeObject>().unwrap_or(own)
}

/// Calls a `__new__` declared by its signature.
pub(super) fn bind(
    function: &'static Function,
    class: &Value,
    args: &[Value],
    kwnames: Option<&Value>,
) -> PyResult<Value> {
    let mut all = Vec::with_capacity(args.len() + 1);
    all.push(class.clone());
    all.extend_from_slice(args);
    function.call(&all, kwnames)
}

/// The arguments of a `__new__` that takes `count` of them by position. Only the type itself refuses keywords: a subclass
/// may give them to its `__init__`.
pub(super) fn by_position<'a>(
    own: &'static TypeObject,
    class: &Value,
    args: &'a [Value],
    kwnames: Option<&Value>,
    count: usize,
) -> PyResult<&'a [Value]> {
    if std::ptr::eq(class_or(class, own), own) {
        no_keywords(own.short_name(), kwnames)?;
    }
    let args = positional(args, kwnames);
    check_count(own.short_name(), args.len(), count, count)?;
    Ok(args)
}

/// The tuple that a `__setstate__` wants.
pub(super) fn state_tuple(state: &Value) -> PyResult<&Tuple> {
    state.downcast::<Tuple>().ok_or_else(|| type_error("state is not a tuple"))
}

/// Checks the number of items of a state, or of arguments, as `PyArg_ParseTuple` does without a function name.
pub(super) fn check_parsed_count(given: usize, min: usize, max: usize) -> PyResult<()> {
    let (word, bound) = match (given < min, given > max) {
        (false, false) => return Ok(()),
        _ if min == max => ("exactly", min),
        (true, _) => ("at least", min),
        (false, _) => ("at most", max),
    };
    let plural = if bound == 1 { "" } else { "s" };
    Err(type_error(format!("function takes {word} {bound} argument{plural} ({given} given)")))
}

/// The error for an item that is not of the type wanted, as `PyArg_ParseTuple` without a function name.
pub(super) fn wrong_parsed(number: usize, expected: &str, value: &Value) -> Raised {
    let found = if value.is_none() { "None" } else { value.ty().name() };
    type_error(format!("argument {number} must be {expected}, not {found}"))
}

/// The values of parameters given by position or name, the first `required` of them needed. As
/// `PyArg_ParseTupleAndKeywords` without a function name.
///
/// # Errors
/// `TypeError` for arguments that do not fit.
pub(super) fn nameless<const N: usize>(
    names: [&str; N],
    required: usize,
    args: &[Value],
    kwnames: Option<&Value>,
) -> PyResult<[Option<Value>; N]> {
    let (positional, keywords) = call::split_keywords(args, kwnames);
    if args.len() > N {
        let what = if positional.is_empty() { "keyword " } else { "" };
        let given = args.len();
        return Err(type_error(format!("function takes at most {N} {what}arguments ({given} given)")));
    }
    let mut values = [const { None }; N];
    for (place, value) in values.iter_mut().zip(positional) {
        *place = Some(value.clone());
    }
    let mut surplus = None;
    for (name, value) in keywords {
        let name = name.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default();
        let index = names.iter().position(|&known| known == name);
        match index.and_then(|index| Some((index, values.get_mut(index)?))) {
            Some((_, place @ None)) => *place = Some(value.clone()),
            Some((index, Some(_))) => {
                return Err(type_error(format!(
                    "argument for function given by name ('{name}') and position ({})",
                    index + 1
                )));
            }
            None => {
                surplus.get_or_insert_with(|| format!("'{name}' is an invalid keyword argument for this function"));
            }
        }
    }
    for (index, (value, name)) in values.iter().zip(names).take(required).enumerate() {
        if value.is_none() {
            return Err(type_error(format!("function missing required argument '{name}' (pos {})", index + 1)));
        }
    }
    match surplus {
        Some(surplus) => Err(type_error(surplus)),
        None => Ok(values),
    }
}

/// The bytes of an argument with contiguous memory: the format unit `y*`.
pub(super) struct Data(pub Vec<u8>);

impl FromArg for Data {
    type Out<'a> = Data;
    fn from_arg(value: &Value, at: At) -> PyResult<Data> {
        if let Some(bytes) = value.downcast::<Bytes>() {
            return Ok(Data(bytes.as_slice().to_vec()));
        }
        let buffer = Buffer::require(value, Request::Simple)?;
        if !buffer.layout().is_contiguous(Order::C) {
            return Err(at.wrong_type("contiguous buffer", value));
        }
        Ok(Data(buffer.to_vec()))
    }
}
