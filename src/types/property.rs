//! The type `property`.

use crate::gc::Visit;
use crate::method;
use crate::name;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, attribute, call};
use crate::types::class_method::is_abstract;
use crate::types::exceptions::{attribute_error, type_error};
use crate::types::str::Str;
use std::cell::Cell;

/// The body of a property.
#[repr(C)]
pub struct Property {
    header: Header,
    get: ValueCell,
    set: ValueCell,
    delete: ValueCell,
    doc: ValueCell,
    doc_from_getter: Cell<bool>,
}

payload!(Property, PROPERTY, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.get.visit(visit);
        self.set.visit(visit);
        self.delete.visit(visit);
        self.doc.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.get.take());
        drop(self.set.take());
        drop(self.delete.take());
        drop(self.doc.take());
    }
});

/// The type object of `property`.
pub static PROPERTY: TypeObject = TypeObject::define::<Property>("property")
    .flags(TypeFlags::BASE)
    .doc("Property attribute.\n\n  fget\n    function to be used for getting an attribute value\n  fset\n    function to be used for setting an attribute value\n  fdel\n    function to be used for del'ing an attribute\n  doc\n    docstring\n\nTypical use is to define a managed attribute x:\n\nclass C(object):\n    def getx(self): return self._x\n    def setx(self, value): self._x = value\n    def delx(self): del self._x\n    x = property(getx, setx, delx, \"I'm the 'x' property.\")\n\nDecorators make defining new properties or modifying existing ones easy:\n\nclass C(object):\n    @property\n    def x(self):\n        \"I am the 'x' property.\"\n        return self._x\n    @x.setter\n    def x(self, value):\n        self._x = value\n    @x.deleter\n    def x(self):\n        del self._x")
    .slots(Slots {
        new: Some(new),
        init: Some(init),
        descr_get: Some(get),
        descr_set: Some(set),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(getter, "!getter($self, function, /)", "Descriptor to change the getter on a property."),
        method!(setter, "!setter($self, function, /)", "Descriptor to change the setter on a property."),
        method!(deleter, "!deleter($self, function, /)", "Descriptor to change the deleter on a property."),
    ])
    .getset(&[
        GetSet::member("fget", |this| part(this, |p| &p.get)),
        GetSet::member("fset", |this| part(this, |p| &p.set)),
        GetSet::member("fdel", |this| part(this, |p| &p.delete)),
        GetSet::new("__doc__", |this| part(this, |p| &p.doc), |this, value| {
            body(this)?.doc.set(value.cloned());
            Ok(())
        })
        .as_member(),
        GetSet::read_only("__isabstractmethod__", |this| {
            let body = body(this)?;
            for part in [&body.get, &body.set, &body.delete] {
                if is_abstract(part.get().as_ref())? {
                    return Ok(Value::TRUE);
                }
            }
            Ok(Value::FALSE)
        }),
    ]);

fn body(value: &Value) -> PyResult<&Property> {
    value.downcast::<Property>().ok_or_else(|| type_error("expected a property"))
}

fn part(this: &Value, pick: fn(&Property) -> &ValueCell) -> PyResult<Value> {
    Ok(pick(body(this)?).get().unwrap_or(Value::NONE))
}

fn new(class: &Value, _args: &[Value], _kwnames: Option<&Value>) -> PyResult<Value> {
    match class.downcast::<TypeObject>() {
        Some(ty) => Ok(new_instance(
            ty,
            Property {
                header: Header::new(ty),
                get: ValueCell::EMPTY,
                set: ValueCell::EMPTY,
                delete: ValueCell::EMPTY,
                doc: ValueCell::EMPTY,
                doc_from_getter: Cell::new(false),
            },
        )),
        None => Err(type_error("expected a type")),
    }
}

fn init(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    let (positional, keywords) = call::split_keywords(args, kwnames);
    if args.len() > 4 {
        return Err(type_error(format!("property() takes at most 4 arguments ({} given)", args.len())));
    }
    let mut given: [Option<Value>; 4] = Default::default();
    for (slot, value) in given.iter_mut().zip(positional) {
        *slot = Some(value.clone());
    }
    for (key, value) in keywords {
        let text = key.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default();
        match ["fget", "fset", "fdel", "doc"].iter().position(|name| *name == text) {
            Some(index) if given[index].is_some() => {
                return Err(type_error(format!(
                    "argument for property() given by name ('{text}') and position ({})",
                    index + 1
                )));
            }
            Some(index) => given[index] = Some(value.clone()),
            None => return Err(type_error(format!("'{text}' is an invalid keyword argument for property()"))),
        }
    }
    let [get, set, delete, doc] = given.map(|value| value.filter(|value| !value.is_none()));
    let body = body(this)?;
    body.doc_from_getter.set(false);
    let mut doc = doc;
    if doc.is_none()
        && let Some(getter) = &get
        && let Some(text) = attribute::lookup(getter, name!("__doc__"))?
    {
        body.doc_from_getter.set(true);
        if std::ptr::eq(this.ty(), &PROPERTY) {
            doc = Some(text);
        } else {
            // A subclass keeps the text in its instance, where its own __doc__ would hide it.
            attribute::set(this, name!("__doc__"), Some(&text))?;
        }
    }
    body.get.set(get);
    body.set.set(set);
    body.delete.set(delete);
    body.doc.set(doc);
    Ok(())
}

fn get(this: &Value, object: Option<&Value>, _owner: &Value) -> PyResult<Value> {
    let Some(object) = object else { return Ok(this.clone()) };
    match body(this)?.get.get() {
        Some(getter) => call::call(&getter, std::slice::from_ref(object)),
        None => Err(attribute_error("unreadable attribute")),
    }
}

fn set(this: &Value, object: &Value, value: Option<&Value>) -> PyResult<()> {
    let body = body(this)?;
    match value {
        Some(value) => match body.set.get() {
            Some(setter) => call::call(&setter, &[object.clone(), value.clone()]).map(drop),
            None => Err(attribute_error("can't set attribute")),
        },
        None => match body.delete.get() {
            Some(deleter) => call::call(&deleter, std::slice::from_ref(object)).map(drop),
            None => Err(attribute_error("can't delete attribute")),
        },
    }
}

/// A property of the same class with one part changed. As `property_copy`.
fn copy(this: &Value, get: Option<&Value>, set: Option<&Value>, delete: Option<&Value>) -> PyResult<Value> {
    let body = body(this)?;
    let pick = |new: Option<&Value>, old: &ValueCell| {
        new.filter(|value| !value.is_none()).cloned().or_else(|| old.get()).unwrap_or(Value::NONE)
    };
    let getter = pick(get, &body.get);
    let doc = if body.doc_from_getter.get() && !getter.is_none() {
        Value::NONE
    } else {
        body.doc.get().unwrap_or(Value::NONE)
    };
    call::call(&this.ty().value(), &[getter, pick(set, &body.set), pick(delete, &body.delete), doc])
}

fn getter(this: &Value, function: &Value) -> PyResult<Value> {
    copy(this, Some(function), None, None)
}

fn setter(this: &Value, function: &Value) -> PyResult<Value> {
    copy(this, None, Some(function), None)
}

fn deleter(this: &Value, function: &Value) -> PyResult<Value> {
    copy(this, None, None, Some(function))
}
