//! `functools.partial`.

use crate::gc::Visit;
use crate::method;
use crate::modules::arguments::{body, class_or};
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::instance::Attrs;
use crate::object::native::{GetSet, Method};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, attribute, call, repr_guard, text};
use crate::types::dict::Dict;
use crate::types::exceptions::{system_error, type_error};
use crate::types::str::{Str, StrBuilder};
use crate::types::tuple::Tuple;
use crate::types::type_;
use crate::vm::thread;

/// The body of a partial object.
#[repr(C)]
pub struct Partial {
    header: Header,
    function: ValueCell,
    /// A tuple.
    args: ValueCell,
    /// A dict.
    keywords: ValueCell,
}

payload!(Partial, PARTIAL, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.function.visit(visit);
        self.args.visit(visit);
        self.keywords.visit(visit);
    }
    fn clear_references(&self) {
        // A partial that can be reached while the garbage goes can be called still.
        let replaced = [
            self.function.replace(Some(Value::NONE)),
            self.args.replace(Some(Tuple::empty())),
            self.keywords.replace(Some(Dict::new_value())),
        ];
        drop(replaced);
    }
});

/// The type object of `partial`.
pub static PARTIAL: TypeObject = TypeObject::define::<Partial>("functools.partial")
    .flags(TypeFlags::BASE)
    .with_attributes()
    .with_weakrefs()
    .doc("partial(func, *args, **keywords) - new function with partial application\n    of the given arguments and keywords.\n")
    .slots(Slots {
        new: Some(new),
        call: Some(call_),
        repr: Some(repr),
        getattr: Some(attribute::generic_get),
        setattr: Some(attribute::generic_set),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(reduce, "!__reduce__($self, /)", ""),
        method!(set_state, "!__setstate__($self, state, /)", ""),
    ] as &[Method])
    .getset(&[
        field("func", |this| Ok(parts(this)?.0), "function object to use in future partial calls"),
        field("args", |this| Ok(parts(this)?.1), "tuple of arguments to future partial calls"),
        field("keywords", |this| Ok(parts(this)?.2), "dictionary of keyword arguments to future partial calls"),
        GetSet::new("__dict__", type_::object_dict, type_::set_builtin_dict),
    ]);

const fn field(name: &'static str, get: fn(&Value) -> PyResult<Value>, doc: &'static str) -> GetSet {
    GetSet { name, get, set: None, doc: Some(doc), member: true }
}

/// The function, the arguments and the keywords.
fn parts(this: &Value) -> PyResult<(Value, Value, Value)> {
    let body = body::<Partial>(this)?;
    match (body.function.get(), body.args.get(), body.keywords.get()) {
        (Some(function), Some(args), Some(keywords)) => Ok((function, args, keywords)),
        _ => Err(system_error("a partial without its parts")),
    }
}

fn arguments(args: &Value) -> &[Value] {
    args.downcast::<Tuple>().map_or(&[], Tuple::as_slice)
}

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let ty = class_or(class, &PARTIAL);
    let (positional, keywords) = call::split_keywords(args, kwnames);
    let Some((first, rest)) = positional.split_first() else {
        return Err(type_error("type 'partial' takes at least one argument"));
    };
    let (mut function, mut all) = (first.clone(), rest.to_vec());
    let named = Dict::new_value();
    let Some(dict) = named.exact::<Dict>() else { return Ok(Value::NONE) };
    // A partial of a plain partial is one partial.
    if first.is_exact::<Partial>()
        && std::ptr::eq(ty, &PARTIAL)
        && Attrs::of(first).is_none_or(|attributes| attributes.dict().is_none())
    {
        let (inner, inner_args, inner_keywords) = parts(first)?;
        function = inner;
        all = [arguments(&inner_args), rest].concat();
        dict.merge(&inner_keywords)?;
    }
    if !call::is_callable(&function) {
        return Err(type_error("the first argument must be callable"));
    }
    for (name, value) in keywords {
        dict.set(name, value.clone())?;
    }
    Ok(new_instance(
        ty,
        Partial {
            header: Header::new(ty),
            function: ValueCell::new(Some(function)),
            args: ValueCell::new(Some(Tuple::from_vec(all))),
            keywords: ValueCell::new(Some(named)),
        },
    ))
}

fn call_(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let _depth = thread::enter_recursion(" while calling a Python object")?;
    let (function, own_args, own_keywords) = parts(this)?;
    let own_args = arguments(&own_args);
    let own_keywords = own_keywords.downcast::<Dict>().ok_or_else(|| system_error("keywords without a dict"))?;
    if own_keywords.is_empty() {
        if args.is_empty() {
            return call::call(&function, own_args);
        }
        return call::call_keywords(&function, &[own_args, args].concat(), kwnames);
    }
    let (positional, keywords) = call::split_keywords(args, kwnames);
    let first = own_args.len() + positional.len();
    let mut all = Vec::with_capacity(first + own_keywords.len() + keywords.len());
    all.extend_from_slice(own_args);
    all.extend_from_slice(positional);
    let mut names = Vec::with_capacity(own_keywords.len() + keywords.len());
    let mut position = 0;
    while let Some((at, name, value)) = own_keywords.table().next_item(position) {
        position = at + 1;
        if name.downcast::<Str>().is_none() {
            return Err(type_error("keywords must be strings"));
        }
        names.push(name);
        all.push(value);
    }
    for (name, value) in keywords {
        let text = name.downcast::<Str>();
        let known = names.iter().position(|known| {
            known.is(name) || known.downcast::<Str>().zip(text).is_some_and(|(known, text)| known.equals(text))
        });
        match known.and_then(|known| all.get_mut(first + known)) {
            Some(place) => *place = value.clone(),
            None => {
                names.push(name.clone());
                all.push(value.clone());
            }
        }
    }
    call::call_keywords(&function, &all, Some(&Tuple::from_vec(names)))
}

fn repr(this: &Value) -> PyResult<Value> {
    let Some(_guard) = repr_guard::enter(this) else { return Ok(Str::new_value("...")) };
    let (function, args, keywords) = parts(this)?;
    let mut builder = StrBuilder::new();
    let push = |builder: &mut StrBuilder, text: Value| {
        if let Some(text) = text.downcast::<Str>() {
            builder.push_value(text);
        }
    };
    // The arguments come first: their reprs may change the partial.
    let mut rest = StrBuilder::new();
    for item in arguments(&args) {
        rest.push_str(", ");
        push(&mut rest, text::repr(item)?);
    }
    for (name, value) in keywords.downcast::<Dict>().map(Dict::items).unwrap_or_default() {
        rest.push_str(", ");
        push(&mut rest, text::str(&name)?);
        rest.push_str("=");
        push(&mut rest, text::repr(&value)?);
    }
    builder.push_str(this.ty().name());
    builder.push_str("(");
    push(&mut builder, text::repr(&function)?);
    push(&mut builder, rest.finish());
    builder.push_str(")");
    Ok(builder.finish())
}

fn reduce(this: &Value) -> PyResult<Value> {
    let (function, args, keywords) = parts(this)?;
    let dict = Attrs::of(this).filter(|attributes| {
        let mut any = attributes.has_dict();
        attributes.for_each_inline(&mut |_| any = true);
        any
    });
    let dict = dict.map_or(Value::NONE, |attributes| attributes.make_dict(this.ty()));
    let state = Tuple::from_vec(vec![function.clone(), args, keywords, dict]);
    Ok(Tuple::from_vec(vec![this.ty().value(), Tuple::from_vec(vec![function]), state]))
}

fn set_state(this: &Value, state: &Value) -> PyResult<()> {
    let invalid = || type_error("invalid partial state");
    let Some([function, args, keywords, dict]) = state.downcast::<Tuple>().map(Tuple::as_slice) else {
        return Err(invalid());
    };
    let Some(items) = args.downcast::<Tuple>() else { return Err(invalid()) };
    let given = keywords.downcast::<Dict>();
    if !call::is_callable(function) || (given.is_none() && !keywords.is_none()) {
        return Err(invalid());
    }
    let args = if args.is_exact::<Tuple>() { args.clone() } else { Tuple::from_slice(items.as_slice()) };
    let keywords = match given {
        Some(_) if keywords.is_exact::<Dict>() => keywords.clone(),
        Some(given) => Dict::from_table(given.table().copy()?),
        None => Dict::new_value(),
    };
    let body = body::<Partial>(this)?;
    let replaced = [
        body.function.replace(Some(function.clone())),
        body.args.replace(Some(args)),
        body.keywords.replace(Some(keywords)),
    ];
    if let Some(attributes) = Attrs::of(this) {
        let new = Some(dict).filter(|dict| !dict.is_none()).cloned();
        if new.is_some() || attributes.dict().is_some() {
            attributes.set_dict(this.ty(), new);
        }
    }
    drop(replaced);
    Ok(())
}
