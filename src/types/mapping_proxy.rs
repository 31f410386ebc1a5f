//! The type `mappingproxy`: a read-only view of a mapping.

use crate::gc::Visit;
use crate::name;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::{Function, Method, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeObject, attribute, call, compare, iter, sequence, text};
use crate::types::exceptions::type_error;
use crate::types::str::Str;

/// The body of a mapping proxy.
#[repr(C)]
pub struct MappingProxy {
    header: Header,
    mapping: Value,
}

payload!(MappingProxy, MAPPING_PROXY, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.mapping);
    }
});

/// The type object of mapping proxies.
pub static MAPPING_PROXY: TypeObject = TypeObject::define::<MappingProxy>("mappingproxy")
    .slots(Slots {
        new: Some(new_),
        repr: Some(|this| Ok(Str::new_value(&format!("mappingproxy({})", text::repr_string(mapping(this)?)?)))),
        str: Some(|this| text::str(mapping(this)?)),
        length: Some(|this| sequence::len(mapping(this)?)),
        getitem: Some(|this, key| sequence::get_item(mapping(this)?, key)),
        contains: Some(|this, key| sequence::contains(mapping(this)?, key)),
        iter: Some(|this| iter::iter(mapping(this)?)),
        compare: Some(|this, other, op| compare::rich(mapping(this)?, other, op)),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        crate::method!(
            get,
            "!get($self, key, default=None, /)",
            "D.get(k[,d]) -> D[k] if k in D, else d.  d defaults to None."
        ),
        crate::method!(keys, "!keys($self, /)", "D.keys() -> list of D's keys"),
        crate::method!(values, "!values($self, /)", "D.values() -> list of D's values"),
        crate::method!(items, "!items($self, /)", "D.items() -> list of D's (key, value) pairs, as 2-tuples"),
        crate::method!(copy, "!copy($self, /)", "D.copy() -> a shallow copy of D"),
    ] as &[Method]);

/// A view of a mapping.
pub fn new(mapping: Value) -> Value {
    new_object(MappingProxy { header: Header::new(&MAPPING_PROXY), mapping })
}

fn mapping(this: &Value) -> PyResult<&Value> {
    match this.exact::<MappingProxy>() {
        Some(body) => Ok(&body.mapping),
        None => Err(type_error("expected a mappingproxy")),
    }
}

static NEW: Function = Function::new("mappingproxy($type, mapping)", "", thunk(make));

fn new_(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let mut all = Vec::with_capacity(args.len() + 1);
    all.push(class.clone());
    all.extend_from_slice(args);
    NEW.call(&all, kwnames)
}

fn make(_class: &Value, mapping: &Value) -> PyResult<Value> {
    if mapping.ty().slot(|slots| slots.getitem).is_none()
        || mapping.downcast::<crate::types::list::List>().is_some()
        || mapping.downcast::<crate::types::tuple::Tuple>().is_some()
    {
        let name = mapping.ty().name();
        return Err(type_error(format!("mappingproxy() argument must be a mapping, not {name}")));
    }
    Ok(new(mapping.clone()))
}

fn get(this: &Value, key: &Value, default: Option<&Value>) -> PyResult<Value> {
    call::call_method(mapping(this)?, name!("get"), &[key.clone(), default.cloned().unwrap_or(Value::NONE)])
}

fn keys(this: &Value) -> PyResult<Value> {
    call::call_method(mapping(this)?, name!("keys"), &[])
}

fn values(this: &Value) -> PyResult<Value> {
    call::call_method(mapping(this)?, name!("values"), &[])
}

fn items(this: &Value) -> PyResult<Value> {
    call::call_method(mapping(this)?, name!("items"), &[])
}

fn copy(this: &Value) -> PyResult<Value> {
    call::call_method(mapping(this)?, name!("copy"), &[])
}
