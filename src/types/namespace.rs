//! The type `types.SimpleNamespace`.

use crate::gc::Visit;
use crate::method;
use crate::object::arguments::positional;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::instance::Attrs;
use crate::object::native::{GetSet, Method};
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, attribute, call, compare, repr_guard, text};
use crate::types::dict::Dict;
use crate::types::exceptions::{attribute_error, type_error};
use crate::types::list::List;
use crate::types::str::{Str, StrBuilder, intern_value};
use crate::types::tuple::Tuple;
use crate::types::type_;

/// A namespace: all it has is in the tail.
#[repr(C)]
pub struct Namespace {
    header: Header,
}

payload!(Namespace, NAMESPACE, {
    const GC: bool = true;
    fn traverse(&self, _visit: Visit<'_>) {}
});

/// The type object of `types.SimpleNamespace`.
pub static NAMESPACE: TypeObject = TypeObject::define::<Namespace>("types.SimpleNamespace")
    .flags(TypeFlags::BASE)
    .with_attributes()
    .doc("A simple attribute-based namespace.\n\nSimpleNamespace(**kwargs)")
    .slots(Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        getattr: Some(attribute::generic_get),
        setattr: Some(attribute::generic_set),
        compare: Some(rich_compare),
        ..Slots::EMPTY
    })
    .methods(&[method!(reduce, "!__reduce__($self, /)", "Return state information for pickling")] as &[Method])
    .getset(&[
        GetSet::new("__dict__", type_::object_dict, |_, _| Err(attribute_error("readonly attribute"))).as_member()
    ]);

/// An empty namespace.
pub fn new_namespace() -> Value {
    new_instance(&NAMESPACE, Namespace { header: Header::new(&NAMESPACE) })
}

fn new(class: &Value, _args: &[Value], _kwnames: Option<&Value>) -> PyResult<Value> {
    let ty = class.downcast::<TypeObject>().unwrap_or(&NAMESPACE);
    Ok(new_instance(ty, Namespace { header: Header::new(ty) }))
}

fn init(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    if !positional(args, kwnames).is_empty() {
        return Err(type_error("no positional arguments expected"));
    }
    let Some(attrs) = Attrs::of(this) else { return Ok(()) };
    for (name, value) in call::split_keywords(args, kwnames).1 {
        let Some(text) = name.downcast::<Str>() else { return Err(type_error("keywords must be strings")) };
        attrs.set(this.ty(), &intern_value(name, text), value.clone())?;
    }
    Ok(())
}

fn repr(this: &Value) -> PyResult<Value> {
    let exact = std::ptr::eq(this.ty(), &NAMESPACE);
    let name = if exact { "namespace" } else { this.ty().name() };
    let Some(_guard) = repr_guard::enter(this) else { return Ok(Str::new_value(&format!("{name}(...)"))) };
    let attributes = type_::object_dict(this)?;
    let Some(dict) = attributes.downcast::<Dict>() else { return Err(type_error("expected a dict")) };
    let names = List::from_vec(dict.items().into_iter().map(|(name, _)| name).collect());
    let mut builder = StrBuilder::new();
    builder.push_str(name);
    builder.push_str("(");
    if let Some(names) = names.exact::<List>() {
        names.sort(None, false)?;
        let mut first = true;
        for name in names.items().snapshot() {
            let Some(text) = name.downcast::<Str>().filter(|text| !text.is_empty()) else { continue };
            let Some(value) = dict.get(&name)? else { continue };
            if !first {
                builder.push_str(", ");
            }
            first = false;
            builder.push_value(text);
            builder.push_str("=");
            if let Some(text) = text::repr(&value)?.downcast::<Str>() {
                builder.push_value(text);
            }
        }
    }
    builder.push_str(")");
    Ok(builder.finish())
}

fn rich_compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    if left.downcast::<Namespace>().is_none() || right.downcast::<Namespace>().is_none() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    compare::rich(&type_::object_dict(left)?, &type_::object_dict(right)?, op)
}

fn reduce(this: &Value) -> PyResult<Value> {
    Ok(Tuple::from_vec(vec![this.ty().value(), Tuple::empty(), type_::object_dict(this)?]))
}
