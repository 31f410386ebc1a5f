//! `operator.itemgetter`, `operator.attrgetter` and `operator.methodcaller`.

use crate::gc::Visit;
use crate::method;
use crate::modules::arguments::body;
use crate::object::arguments::{check_count, no_keywords, positional};
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::Method;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeObject, attribute, call, repr_guard, sequence, text};
use crate::types::exceptions::type_error;
use crate::types::str::{Str, StrBuilder, intern_value};
use crate::types::tuple::Tuple;
use crate::vm::import;

const REDUCE: &str = "Return state information for pickling";

/// The one object that a getter is called with.
fn subject<'a>(name: &str, args: &'a [Value], kwnames: Option<&Value>) -> PyResult<&'a [Value]> {
    if kwnames.is_some() {
        no_keywords(name, kwnames)?;
    }
    check_count(name, args.len(), 1, 1)?;
    Ok(args)
}

/// What the constructors of the getters take: at least one argument, no keywords.
fn wanted<'a>(name: &str, args: &'a [Value], kwnames: Option<&Value>) -> PyResult<&'a [Value]> {
    no_keywords(name, kwnames)?;
    let args = positional(args, kwnames);
    if args.is_empty() {
        check_count(name, 0, 1, 1)?;
    }
    Ok(args)
}

/// `name(part, part, ..)`.
fn call_text(this: &Value, parts: &[String]) -> Value {
    Str::new_value(&format!("{}({})", this.ty().name(), parts.join(", ")))
}

fn recursive(this: &Value) -> Value {
    call_text(this, &["...".to_owned()])
}

/// The body of an itemgetter.
#[repr(C)]
pub struct ItemGetter {
    header: Header,
    /// A tuple of the keys.
    keys: Value,
}

payload!(ItemGetter, ITEMGETTER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.keys);
    }
});

/// The type object of `itemgetter`.
pub static ITEMGETTER: TypeObject = TypeObject::define::<ItemGetter>("operator.itemgetter")
    .doc("itemgetter(item, ...) --> itemgetter object\n\nReturn a callable object that fetches the given item(s) from its operand.\nAfter f = itemgetter(2), the call f(r) returns r[2].\nAfter g = itemgetter(2, 5, 3), the call g(r) returns (r[2], r[5], r[3])")
    .slots(Slots {
        new: Some(|_, args, kwnames| {
            let keys = Tuple::from_slice(wanted("itemgetter", args, kwnames)?);
            Ok(new_object(ItemGetter { header: Header::new(&ITEMGETTER), keys }))
        }),
        call: Some(get_items),
        repr: Some(repr_items),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[method!(reduce_items, "!__reduce__($self, /)", REDUCE)] as &[Method]);

fn keys(this: &Value) -> PyResult<&[Value]> {
    Ok(body::<ItemGetter>(this)?.keys.exact::<Tuple>().map_or(&[], Tuple::as_slice))
}

fn get_items(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let [object] = subject("itemgetter", args, kwnames)? else { return Ok(Value::NONE) };
    match keys(this)? {
        [key] => {
            if let Some(tuple) = object.exact::<Tuple>()
                && let Some(item) = key.as_small_int().and_then(|key| tuple.get(usize::try_from(key).ok()?))
            {
                return Ok(item.clone());
            }
            sequence::get_item(object, key)
        }
        keys => {
            let items = keys.iter().map(|key| sequence::get_item(object, key)).collect::<PyResult<Vec<Value>>>()?;
            Ok(Tuple::from_vec(items))
        }
    }
}

fn repr_items(this: &Value) -> PyResult<Value> {
    let Some(_guard) = repr_guard::enter(this) else { return Ok(recursive(this)) };
    write_call(this, keys(this)?, &[])
}

/// `name(args, name=value)`, of the reprs of the values.
fn write_call(this: &Value, args: &[Value], keywords: &[(Value, Value)]) -> PyResult<Value> {
    let mut builder = StrBuilder::new();
    builder.push_str(this.ty().name());
    builder.push_str("(");
    let mut separator = "";
    let named = keywords.iter().map(|(name, value)| (Some(name), value));
    for (name, value) in args.iter().map(|value| (None, value)).chain(named) {
        builder.push_str(separator);
        separator = ", ";
        if let Some(name) = name.and_then(|name| name.downcast::<Str>()) {
            builder.push_value(name);
            builder.push_str("=");
        }
        if let Some(text) = text::repr(value)?.downcast::<Str>() {
            builder.push_value(text);
        }
    }
    builder.push_str(")");
    Ok(builder.finish())
}

fn reduce_items(this: &Value) -> PyResult<Value> {
    Ok(Tuple::from_vec(vec![this.ty().value(), body::<ItemGetter>(this)?.keys.clone()]))
}

/// The body of an attrgetter.
#[repr(C)]
pub struct AttrGetter {
    header: Header,
    /// A tuple of what was given.
    names: Value,
    /// For each of these a name, or a tuple of the names between the dots.
    paths: Value,
}

payload!(AttrGetter, ATTRGETTER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.names);
        visit(&self.paths);
    }
});

/// The type object of `attrgetter`.
pub static ATTRGETTER: TypeObject = TypeObject::define::<AttrGetter>("operator.attrgetter")
    .doc("attrgetter(attr, ...) --> attrgetter object\n\nReturn a callable object that fetches the given attribute(s) from its operand.\nAfter f = attrgetter('name'), the call f(r) returns r.name.\nAfter g = attrgetter('name', 'date'), the call g(r) returns (r.name, r.date).\nAfter h = attrgetter('name.first', 'name.last'), the call h(r) returns\n(r.name.first, r.name.last).")
    .slots(Slots {
        new: Some(new_attributes),
        call: Some(get_attributes),
        repr: Some(repr_attributes),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[method!(reduce_attributes, "!__reduce__($self, /)", REDUCE)] as &[Method]);

fn new_attributes(_class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let args = wanted("attrgetter", args, kwnames)?;
    let mut names = Vec::with_capacity(args.len());
    let mut paths = Vec::with_capacity(args.len());
    for name in args {
        let Some(text) = name.downcast::<Str>() else { return Err(type_error("attribute name must be a string")) };
        let chars = text.chars();
        let codes: Vec<u32> = chars.iter().collect();
        if codes.contains(&u32::from(b'.')) {
            let parts = codes.split(|&code| code == u32::from(b'.')).map(|part| {
                let part = Str::from_codes(part);
                part.exact::<Str>().map_or_else(|| part.clone(), |text| intern_value(&part, text))
            });
            paths.push(Tuple::from_vec(parts.collect()));
            names.push(Str::from_codes(&codes));
        } else {
            paths.push(intern_value(name, text));
            names.push(name.clone());
        }
    }
    let (names, paths) = (Tuple::from_vec(names), Tuple::from_vec(paths));
    Ok(new_object(AttrGetter { header: Header::new(&ATTRGETTER), names, paths }))
}

fn get_path(object: &Value, path: &Value) -> PyResult<Value> {
    let Some(names) = path.exact::<Tuple>() else { return attribute::get(object, path) };
    let mut found = object.clone();
    for name in names.iter() {
        found = attribute::get(&found, name)?;
    }
    Ok(found)
}

fn get_attributes(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let [object] = subject("attrgetter", args, kwnames)? else { return Ok(Value::NONE) };
    match body::<AttrGetter>(this)?.paths.exact::<Tuple>().map_or(&[] as &[Value], Tuple::as_slice) {
        [path] => get_path(object, path),
        paths => {
            let found = paths.iter().map(|path| get_path(object, path)).collect::<PyResult<Vec<Value>>>()?;
            Ok(Tuple::from_vec(found))
        }
    }
}

fn repr_attributes(this: &Value) -> PyResult<Value> {
    let Some(_guard) = repr_guard::enter(this) else { return Ok(recursive(this)) };
    write_call(this, body::<AttrGetter>(this)?.names.exact::<Tuple>().map_or(&[], Tuple::as_slice), &[])
}

fn reduce_attributes(this: &Value) -> PyResult<Value> {
    Ok(Tuple::from_vec(vec![this.ty().value(), body::<AttrGetter>(this)?.names.clone()]))
}

/// The body of a methodcaller.
#[repr(C)]
pub struct MethodCaller {
    header: Header,
    /// An interned str.
    name: Value,
    /// A tuple.
    args: Value,
    /// A tuple of the names and one of the values.
    keywords: (Value, Value),
}

payload!(MethodCaller, METHODCALLER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.name);
        visit(&self.args);
        visit(&self.keywords.0);
        visit(&self.keywords.1);
    }
});

/// The type object of `methodcaller`.
pub static METHODCALLER: TypeObject = TypeObject::define::<MethodCaller>("operator.methodcaller")
    .doc("methodcaller(name, ...) --> methodcaller object\n\nReturn a callable object that calls the given method on its operand.\nAfter f = methodcaller('name'), the call f(r) returns r.name().\nAfter g = methodcaller('name', 'date', foo=1), the call g(r) returns\nr.name('date', foo=1).")
    .slots(Slots {
        new: Some(new_caller),
        call: Some(call_method),
        repr: Some(repr_caller),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[method!(reduce_caller, "!__reduce__($self, /)", REDUCE)] as &[Method]);

fn new_caller(_class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let (args, keywords) = call::split_keywords(args, kwnames);
    let Some((name, args)) = args.split_first() else {
        return Err(type_error("methodcaller needs at least one argument, the method name"));
    };
    let Some(text) = name.downcast::<Str>() else { return Err(type_error("method name must be a string")) };
    let (names, values): (Vec<Value>, Vec<Value>) =
        keywords.into_iter().map(|(name, value)| (name.clone(), value.clone())).unzip();
    Ok(new_object(MethodCaller {
        header: Header::new(&METHODCALLER),
        name: intern_value(name, text),
        args: Tuple::from_slice(args),
        keywords: (Tuple::from_vec(names), Tuple::from_vec(values)),
    }))
}

fn items(tuple: &Value) -> &[Value] {
    tuple.exact::<Tuple>().map_or(&[], Tuple::as_slice)
}

fn call_method(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let [object] = subject("methodcaller", args, kwnames)? else { return Ok(Value::NONE) };
    let caller = body::<MethodCaller>(this)?;
    let own = items(&caller.args);
    let named = items(&caller.keywords.1);
    if named.is_empty() && caller.name.is_exact::<Str>() {
        return call::call_method(object, &caller.name, own);
    }
    let method = attribute::get(object, &caller.name)?;
    call::call_keywords(&method, &[own, named].concat(), Some(&caller.keywords.0).filter(|_| !named.is_empty()))
}

fn keywords(caller: &MethodCaller) -> Vec<(Value, Value)> {
    items(&caller.keywords.0).iter().cloned().zip(items(&caller.keywords.1).iter().cloned()).collect()
}

fn repr_caller(this: &Value) -> PyResult<Value> {
    let Some(_guard) = repr_guard::enter(this) else { return Ok(recursive(this)) };
    let caller = body::<MethodCaller>(this)?;
    let mut args = vec![caller.name.clone()];
    args.extend_from_slice(items(&caller.args));
    write_call(this, &args, &keywords(caller))
}

fn reduce_caller(this: &Value) -> PyResult<Value> {
    let caller = body::<MethodCaller>(this)?;
    let named = items(&caller.keywords.1);
    if named.is_empty() {
        let mut args = vec![caller.name.clone()];
        args.extend_from_slice(items(&caller.args));
        return Ok(Tuple::from_vec(vec![this.ty().value(), Tuple::from_vec(args)]));
    }
    // Keywords are given by way of a partial.
    let partial = attribute::get_str(&import::import_text("_functools")?, "partial")?;
    let mut args = vec![this.ty().value(), caller.name.clone()];
    args.extend_from_slice(named);
    let constructor = call::call_keywords(&partial, &args, Some(&caller.keywords.0))?;
    Ok(Tuple::from_vec(vec![constructor, caller.args.clone()]))
}
