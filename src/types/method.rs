//! The type `method`: a function bound to an object.

use crate::gc::Visit;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::GetSet;
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, attribute, call, hash, text};
use crate::types::exceptions::type_error;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::{method, name};

/// The body of a bound method.
#[repr(C)]
pub struct Method {
    header: Header,
    function: Value,
    this: Value,
}

payload!(Method, METHOD, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.function);
        visit(&self.this);
    }
});

/// The type object of bound methods.
pub static METHOD: TypeObject = TypeObject::define::<Method>("method")
    .flags(TypeFlags::VECTORCALL)
    .with_weakrefs()
    .doc("method(function, instance)\n\nCreate a bound instance method object.")
    .slots(Slots {
        new: Some(new),
        call: Some(call_),
        repr: Some(repr),
        hash: Some(hash_),
        compare: Some(compare),
        getattr: Some(getattr),
        setattr: Some(attribute::generic_set),
        descr_get: Some(|this, _, _| Ok(this.clone())),
        ..Slots::EMPTY
    })
    .methods(&[method!(reduce, "!__reduce__($self, /)", "")])
    .getset(&[
        GetSet::member("__func__", |this| Ok(body(this)?.function.clone()))
            .with_doc("the function (or other callable) implementing a method"),
        GetSet::member("__self__", |this| Ok(body(this)?.this.clone()))
            .with_doc("the instance to which a method is bound"),
        GetSet::read_only("__doc__", |this| {
            Ok(attribute::lookup_str(&body(this)?.function, "__doc__")?.unwrap_or(Value::NONE))
        }),
    ]);

fn body(value: &Value) -> PyResult<&Method> {
    value.exact::<Method>().ok_or_else(|| type_error("expected a method"))
}

impl Method {
    /// Binds a callable to an object.
    pub fn new_value(function: Value, this: Value) -> Value {
        new_object(Method { header: Header::new(&METHOD), function, this })
    }

    /// The callable.
    #[inline(always)]
    pub fn function(&self) -> &Value {
        &self.function
    }

    /// The object.
    #[inline(always)]
    pub fn this(&self) -> &Value {
        &self.this
    }
}

fn new(_class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    if kwnames.is_some() {
        return Err(type_error("method() takes no keyword arguments"));
    }
    let [function, this] = args else {
        return Err(type_error(format!("method expected 2 arguments, got {}", args.len())));
    };
    if !call::is_callable(function) {
        return Err(type_error("first argument must be callable"));
    }
    if this.is_none() {
        return Err(type_error("self must not be None"));
    }
    Ok(Method::new_value(function.clone(), this.clone()))
}

/// Pickled as an attribute of its object.
fn reduce(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let name = attribute::get_interned(&body.function, name!("__name__"))?;
    let getattr = crate::object::builtins::get("getattr")?;
    Ok(Tuple::from_vec(vec![getattr, Tuple::from_vec(vec![body.this.clone(), name])]))
}

fn call_(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let body = body(this)?;
    let mut all = Vec::with_capacity(args.len() + 1);
    all.push(body.this.clone());
    all.extend_from_slice(args);
    call::call_keywords(&body.function, &all, kwnames)
}

/// Attributes of the method type first, then those of the function. As `method_getattro`.
fn getattr(this: &Value, name: &Value) -> PyResult<Value> {
    if let Some(found) = METHOD.lookup(name) {
        return match found.ty().slot(|slots| slots.descr_get) {
            Some(get) => get(&found, Some(this), &METHOD.value()),
            None => Ok(found),
        };
    }
    attribute::get(&body(this)?.function, name)
}

fn repr(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let mut name = attribute::lookup_str(&body.function, "__qualname__")?;
    if name.is_none() {
        name = attribute::lookup_str(&body.function, "__name__")?;
    }
    let name = name.and_then(|name| name.downcast::<Str>().map(Str::to_string_lossy)).unwrap_or_else(|| "?".into());
    Ok(Str::new_value(&format!("<bound method {name} of {}>", text::repr_string(&body.this)?)))
}

fn hash_(this: &Value) -> PyResult<i64> {
    let body = body(this)?;
    let hash = hash::hash_identity(&body.this) ^ hash::hash(&body.function)?;
    Ok(if hash == -1 { -2 } else { hash })
}

fn compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    let (Some(a), Some(b), Compare::Eq | Compare::Ne) = (left.exact::<Method>(), right.exact::<Method>(), op) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    let same = a.this.is(&b.this) && crate::object::compare::equal(&a.function, &b.function)?;
    Ok(Value::bool(same == (op == Compare::Eq)))
}
