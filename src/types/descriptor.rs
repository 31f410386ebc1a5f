//! The descriptors of native types: `method_descriptor`, `classmethod_descriptor`, `wrapper_descriptor` and its bound
//! form `method-wrapper`, `getset_descriptor`, and `member_descriptor` for `__slots__`.

use crate::gc::Visit;
use crate::method;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::{Function, GetSet, Method};
use crate::object::slot_functions::{Wrap, call_slot};
use crate::object::slots::{SlotFn, SlotId, Slots};
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, attribute, instance};
use crate::types::builtin_function::BuiltinFunction;
use crate::types::exceptions::{attribute_error, type_error};
use crate::types::str::{Str, intern};
use crate::types::tuple::Tuple;
use crate::types::type_;

/// `payload!` for a body whose references are the named fields.
macro_rules! body {
    ($body:ident $static:ident: $($field:ident)+) => {
        payload!($body, $static, {
            const GC: bool = true;
            fn traverse(&self, visit: Visit<'_>) {
                $(visit(&self.$field);)+
            }
        });
    };
}

/// The body of a `method_descriptor` or `classmethod_descriptor`.
#[repr(C)]
pub struct MethodDescriptor {
    header: Header,
    function: &'static Function,
    owner: Value,
}
body!(MethodDescriptor METHOD_DESCRIPTOR: owner);

/// A `classmethod_descriptor`: same body, another type.
#[repr(C)]
pub struct ClassMethodDescriptor {
    header: Header,
    function: &'static Function,
    owner: Value,
}
body!(ClassMethodDescriptor CLASS_METHOD_DESCRIPTOR: owner);

/// A slot as a method.
#[repr(C)]
pub struct WrapperDescriptor {
    header: Header,
    name: Value,
    owner: Value,
    id: SlotId,
    wrap: Wrap,
    function: SlotFn,
    doc: &'static str,
    signature: &'static str,
}
body!(WrapperDescriptor WRAPPER_DESCRIPTOR: name owner);

/// A slot as a method, bound.
#[repr(C)]
pub struct MethodWrapper {
    header: Header,
    descriptor: Value,
    this: Value,
}
body!(MethodWrapper METHOD_WRAPPER: descriptor this);

/// A computed attribute.
#[repr(C)]
pub struct GetSetDescriptor {
    header: Header,
    definition: &'static GetSet,
    name: Value,
    owner: Value,
}
body!(GetSetDescriptor GETSET_DESCRIPTOR: name owner);

/// A field of the body, or an attribute that `__slots__` made.
#[repr(C)]
pub struct MemberDescriptor {
    header: Header,
    name: Value,
    owner: Value,
    place: Place,
}

/// Where a member is.
#[derive(Clone, Copy)]
enum Place {
    /// The `__slots__` value at that index.
    Slot(usize),
    /// A field of the body of a native type.
    Field(&'static GetSet),
}
body!(MemberDescriptor MEMBER_DESCRIPTOR: name owner);

/// Which `__slots__` value of the instances of `ty` a descriptor gives access to, if it is such a descriptor.
pub(crate) fn slot_index(descriptor: &Value, ty: &TypeObject) -> Option<usize> {
    let member = descriptor.exact::<MemberDescriptor>()?;
    let Place::Slot(index) = member.place else { return None };
    member.owner.downcast::<TypeObject>().filter(|owner| ty.is_subtype(owner)).map(|_| index)
}

/// `type(list.append)`.
pub static METHOD_DESCRIPTOR: TypeObject = TypeObject::define::<MethodDescriptor>("method_descriptor")
    .flags(TypeFlags::METHOD_DESCRIPTOR.and(TypeFlags::VECTORCALL))
    .slots(Slots {
        call: Some(method_call),
        repr: Some(|this| repr_of(this, "method")),
        descr_get: Some(method_get),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(REDUCE)
    .getset(DESCRIPTOR_GETSET);

/// `type(dict.__dict__['fromkeys'])`.
pub static CLASS_METHOD_DESCRIPTOR: TypeObject = TypeObject::define::<ClassMethodDescriptor>("classmethod_descriptor")
    .slots(Slots {
        call: Some(class_method_call),
        repr: Some(|this| repr_of(this, "method")),
        descr_get: Some(class_method_get),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(REDUCE)
    .getset(DESCRIPTOR_GETSET);

/// `type(int.__add__)`.
pub static WRAPPER_DESCRIPTOR: TypeObject = TypeObject::define::<WrapperDescriptor>("wrapper_descriptor")
    .flags(TypeFlags::METHOD_DESCRIPTOR)
    .slots(Slots {
        call: Some(wrapper_call),
        repr: Some(|this| repr_of(this, "slot wrapper")),
        descr_get: Some(wrapper_get),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(REDUCE)
    .getset(DESCRIPTOR_GETSET);

/// `type((1).__add__)`.
pub static METHOD_WRAPPER: TypeObject = TypeObject::define::<MethodWrapper>("method-wrapper")
    .slots(Slots {
        call: Some(method_wrapper_call),
        repr: Some(method_wrapper_repr),
        getattr: Some(attribute::generic_get),
        compare: Some(method_wrapper_compare),
        hash: Some(method_wrapper_hash),
        ..Slots::EMPTY
    })
    .methods(REDUCE)
    .getset(METHOD_WRAPPER_GETSET);

/// `type(type.__dict__['__mro__'])`.
pub static GETSET_DESCRIPTOR: TypeObject = TypeObject::define::<GetSetDescriptor>("getset_descriptor")
    .slots(Slots {
        repr: Some(|this| repr_of(this, "attribute")),
        descr_get: Some(getset_get),
        descr_set: Some(getset_set),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .getset(ATTRIBUTE_GETSET);

/// The type of the descriptors that `__slots__` makes.
pub static MEMBER_DESCRIPTOR: TypeObject = TypeObject::define::<MemberDescriptor>("member_descriptor")
    .slots(Slots {
        repr: Some(|this| repr_of(this, "member")),
        descr_get: Some(member_get),
        descr_set: Some(member_set),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(REDUCE)
    .getset(ATTRIBUTE_GETSET);

const DESCRIPTOR_GETSET: &[GetSet] = &[
    GetSet::member("__name__", |this| Ok(parts(this)?.0)),
    GetSet::member("__objclass__", |this| Ok(parts(this)?.1)),
    GetSet::read_only("__qualname__", |this| Ok(Str::new_value(&qualname(this)?))),
    GetSet::read_only("__doc__", |this| Ok(documentation(this).0)),
    GetSet::read_only("__text_signature__", |this| Ok(documentation(this).1)),
];

/// Of attributes, which have no signature.
const ATTRIBUTE_GETSET: &[GetSet] = &[
    GetSet::member("__name__", |this| Ok(parts(this)?.0)),
    GetSet::member("__objclass__", |this| Ok(parts(this)?.1)),
    GetSet::read_only("__qualname__", |this| Ok(Str::new_value(&qualname(this)?))),
    GetSet::read_only("__doc__", |this| Ok(documentation(this).0)),
];

const REDUCE: &[Method] = &[method!(reduce, "!__reduce__($self, /)", "")];

/// `getattr(owner, name)`.
fn reduce(this: &Value) -> PyResult<Value> {
    let (object, name) = match this.exact::<MethodWrapper>() {
        Some(wrapper) => (wrapper.this.clone(), parts(&wrapper.descriptor)?.0),
        None => {
            let (name, owner) = parts(this)?;
            (owner, name)
        }
    };
    let getattr = crate::object::builtins::get("getattr")?;
    Ok(Tuple::from_vec(vec![getattr, Tuple::from_vec(vec![object, name])]))
}

const METHOD_WRAPPER_GETSET: &[GetSet] = &[
    GetSet::member("__self__", |this| Ok(wrapper_parts(this)?.1.clone())),
    GetSet::read_only("__objclass__", |this| Ok(parts(wrapper_parts(this)?.0)?.1)),
    GetSet::read_only("__name__", |this| Ok(parts(wrapper_parts(this)?.0)?.0)),
    GetSet::read_only("__qualname__", |this| Ok(Str::new_value(&qualname(wrapper_parts(this)?.0)?))),
    GetSet::read_only("__doc__", |this| Ok(documentation(wrapper_parts(this)?.0).0)),
    GetSet::read_only("__text_signature__", |this| Ok(documentation(wrapper_parts(this)?.0).1)),
];

/// A method of a native type.
pub fn new_method(owner: &TypeObject, function: &'static Function) -> Value {
    new_object(MethodDescriptor { header: Header::new(&METHOD_DESCRIPTOR), function, owner: owner.value() })
}

/// A class method of a native type.
pub fn new_class_method(owner: &TypeObject, function: &'static Function) -> Value {
    new_object(ClassMethodDescriptor { header: Header::new(&CLASS_METHOD_DESCRIPTOR), function, owner: owner.value() })
}

/// A slot as a method.
pub fn new_wrapper(
    owner: &TypeObject,
    name: &str,
    id: SlotId,
    wrap: Wrap,
    function: SlotFn,
    doc: &'static str,
    signature: &'static str,
) -> Value {
    new_object(WrapperDescriptor {
        header: Header::new(&WRAPPER_DESCRIPTOR),
        name: intern(name),
        owner: owner.value(),
        id,
        wrap,
        function,
        doc,
        signature,
    })
}

/// A computed attribute.
pub fn new_getset(owner: &TypeObject, definition: &'static GetSet) -> Value {
    if definition.member {
        return new_object(MemberDescriptor {
            header: Header::new(&MEMBER_DESCRIPTOR),
            name: intern(definition.name),
            owner: owner.value(),
            place: Place::Field(definition),
        });
    }
    new_object(GetSetDescriptor {
        header: Header::new(&GETSET_DESCRIPTOR),
        definition,
        name: intern(definition.name),
        owner: owner.value(),
    })
}

/// The attribute of the `__slots__` value at `index`.
pub fn new_member(owner: &TypeObject, name: Value, index: usize) -> Value {
    new_object(MemberDescriptor {
        header: Header::new(&MEMBER_DESCRIPTOR),
        name,
        owner: owner.value(),
        place: Place::Slot(index),
    })
}

impl WrapperDescriptor {
    /// The slot, how it is called, and its function.
    pub fn slot(&self) -> (SlotId, Wrap, SlotFn) {
        (self.id, self.wrap, self.function)
    }

    /// The type it belongs to.
    pub fn owner(&self) -> Option<&TypeObject> {
        self.owner.downcast::<TypeObject>()
    }

    /// The method's name.
    pub fn name(&self) -> &Value {
        &self.name
    }
}

impl MethodDescriptor {
    /// The function.
    #[inline(always)]
    pub fn function(&self) -> &'static Function {
        self.function
    }

    /// The type it belongs to.
    #[inline(always)]
    pub fn owner(&self) -> Option<&TypeObject> {
        self.owner.downcast::<TypeObject>()
    }
}

/// Name and owner of a descriptor.
fn parts(this: &Value) -> PyResult<(Value, Value)> {
    if let Some(d) = this.exact::<MethodDescriptor>() {
        Ok((intern(d.function.name()), d.owner.clone()))
    } else if let Some(d) = this.exact::<ClassMethodDescriptor>() {
        Ok((intern(d.function.name()), d.owner.clone()))
    } else if let Some(d) = this.exact::<WrapperDescriptor>() {
        Ok((d.name.clone(), d.owner.clone()))
    } else if let Some(d) = this.exact::<GetSetDescriptor>() {
        Ok((d.name.clone(), d.owner.clone()))
    } else if let Some(d) = this.exact::<MemberDescriptor>() {
        Ok((d.name.clone(), d.owner.clone()))
    } else {
        Err(type_error("expected a descriptor"))
    }
}

/// Docstring and text signature.
fn documentation(this: &Value) -> (Value, Value) {
    let text = |text: &str| if text.is_empty() { Value::NONE } else { Str::new_value(text) };
    if let Some(d) = this.exact::<MethodDescriptor>() {
        (text(d.function.doc), text(d.function.signature.text_signature()))
    } else if let Some(d) = this.exact::<ClassMethodDescriptor>() {
        (text(d.function.doc), text(d.function.signature.text_signature()))
    } else if let Some(d) = this.exact::<WrapperDescriptor>() {
        (text(d.doc), text(d.signature))
    } else if let Some(d) = this.exact::<GetSetDescriptor>() {
        (d.definition.doc.map_or(Value::NONE, Str::new_value), Value::NONE)
    } else if let Some(Place::Field(definition)) = this.exact::<MemberDescriptor>().map(|d| d.place) {
        (definition.doc.map_or(Value::NONE, Str::new_value), Value::NONE)
    } else {
        (Value::NONE, Value::NONE)
    }
}

fn text_of(name: &Value) -> String {
    name.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default()
}

fn owner_of(owner: &Value) -> &TypeObject {
    owner.downcast::<TypeObject>().unwrap_or(owner.ty())
}

fn qualname(this: &Value) -> PyResult<String> {
    let (name, owner) = parts(this)?;
    Ok(format!("{}.{}", type_::qualname(owner_of(&owner)), text_of(&name)))
}

fn repr_of(this: &Value, what: &str) -> PyResult<Value> {
    let (name, owner) = parts(this)?;
    Ok(Str::new_value(&format!("<{what} '{}' of '{}' objects>", text_of(&name), owner_of(&owner).name())))
}

/// As `descr_check`: the object must be an instance of the descriptor's type.
fn check(this: &Value, object: &Value) -> PyResult<()> {
    let (name, owner) = parts(this)?;
    if object.ty().is_subtype(owner_of(&owner)) {
        return Ok(());
    }
    Err(type_error(format!(
        "descriptor '{}' for '{}' objects doesn't apply to a '{}' object",
        text_of(&name),
        owner_of(&owner).name(),
        object.ty().name()
    )))
}

/// The first argument of an unbound call, checked as `method_check_args` checks it.
fn check_self(this: &Value, args: &[Value]) -> PyResult<()> {
    let (name, owner) = parts(this)?;
    let Some(object) = args.first() else {
        return Err(type_error(format!(
            "descriptor '{}' of '{}' object needs an argument",
            text_of(&name),
            owner_of(&owner).name()
        )));
    };
    if object.ty().is_subtype(owner_of(&owner)) {
        return Ok(());
    }
    Err(type_error(if this.is_exact::<MethodDescriptor>() {
        format!(
            "descriptor '{}' for '{}' objects doesn't apply to a '{}' object",
            text_of(&name),
            owner_of(&owner).name(),
            object.ty().name()
        )
    } else {
        format!(
            "descriptor '{}' requires a '{}' object but received a '{}'",
            text_of(&name),
            owner_of(&owner).name(),
            object.ty().name()
        )
    }))
}

fn method_call(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let Some(body) = this.exact::<MethodDescriptor>() else { return Err(type_error("expected a method descriptor")) };
    if !args.first().is_some_and(|object| std::ptr::eq(object.ty(), owner_of(&body.owner))) {
        let positional = crate::object::call::split_keywords(args, kwnames).0;
        check_self(this, positional)?;
    }
    body.function.call(args, kwnames)
}

fn method_get(this: &Value, object: Option<&Value>, _owner: &Value) -> PyResult<Value> {
    let (Some(body), Some(object)) = (this.exact::<MethodDescriptor>(), object) else { return Ok(this.clone()) };
    if !object.ty().is_subtype(owner_of(&body.owner)) {
        check(this, object)?;
    }
    Ok(BuiltinFunction::new_value(body.function, Some(object.clone()), None))
}

fn class_method_get(this: &Value, object: Option<&Value>, owner: &Value) -> PyResult<Value> {
    let Some(body) = this.exact::<ClassMethodDescriptor>() else { return Ok(this.clone()) };
    // A class given is taken as it is; without one, the object's.
    let class = match object {
        Some(object) if owner.is_none() => object.ty().value(),
        _ => owner.clone(),
    };
    match class.downcast::<TypeObject>() {
        Some(ty) if ty.is_subtype(owner_of(&body.owner)) => {
            Ok(BuiltinFunction::new_value(body.function, Some(class.clone()), None))
        }
        Some(ty) => Err(type_error(format!(
            "descriptor '{}' requires a subtype of '{}' but received '{}'",
            body.function.name(),
            owner_of(&body.owner).name(),
            ty.name()
        ))),
        None => Err(type_error(format!(
            "descriptor '{}' for type '{}' needs a type, not a '{}' as arg 2",
            body.function.name(),
            owner_of(&body.owner).name(),
            class.ty().name()
        ))),
    }
}

fn class_method_call(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let (positional, _) = crate::object::call::split_keywords(args, kwnames);
    let (Some(body), Some(class)) = (this.exact::<ClassMethodDescriptor>(), positional.first()) else {
        let (name, owner) = parts(this)?;
        return Err(type_error(format!(
            "descriptor '{}' of '{}' object needs an argument",
            text_of(&name),
            owner_of(&owner).name()
        )));
    };
    if class.downcast::<TypeObject>().is_none() {
        return Err(type_error(format!(
            "descriptor '{}' requires a type but received a '{}' instance",
            body.function.name(),
            class.ty().name()
        )));
    }
    class_method_get(this, None, class)?;
    body.function.call(args, kwnames)
}

fn wrapper_call(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let Some(body) = this.exact::<WrapperDescriptor>() else { return Err(type_error("expected a slot wrapper")) };
    let positional = crate::object::call::split_keywords(args, kwnames).0;
    check_self(this, positional)?;
    call_slot(body.function, body.wrap, owner_of(&body.owner), &body.name, &args[0], &args[1..], kwnames)
}

fn wrapper_get(this: &Value, object: Option<&Value>, _owner: &Value) -> PyResult<Value> {
    let Some(object) = object else { return Ok(this.clone()) };
    check(this, object)?;
    Ok(new_object(MethodWrapper {
        header: Header::new(&METHOD_WRAPPER),
        descriptor: this.clone(),
        this: object.clone(),
    }))
}

fn wrapper_parts(this: &Value) -> PyResult<(&Value, &Value)> {
    match this.exact::<MethodWrapper>() {
        Some(body) => Ok((&body.descriptor, &body.this)),
        None => Err(type_error("expected a method wrapper")),
    }
}

fn method_wrapper_call(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let (descriptor, object) = wrapper_parts(this)?;
    let Some(body) = descriptor.exact::<WrapperDescriptor>() else { return Err(type_error("expected a slot wrapper")) };
    call_slot(body.function, body.wrap, owner_of(&body.owner), &body.name, object, args, kwnames)
}

fn method_wrapper_repr(this: &Value) -> PyResult<Value> {
    let (descriptor, object) = wrapper_parts(this)?;
    Ok(Str::new_value(&format!(
        "<method-wrapper '{}' of {} object at {:#x}>",
        text_of(&parts(descriptor)?.0),
        object.ty().name(),
        object.bits()
    )))
}

fn method_wrapper_compare(left: &Value, right: &Value, op: crate::object::Compare) -> PyResult<Value> {
    use crate::object::Compare;
    let (Some(a), Some(b), Compare::Eq | Compare::Ne) =
        (left.exact::<MethodWrapper>(), right.exact::<MethodWrapper>(), op)
    else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    let same = a.descriptor.is(&b.descriptor) && a.this.is(&b.this);
    Ok(Value::bool(same == (op == Compare::Eq)))
}

fn method_wrapper_hash(this: &Value) -> PyResult<i64> {
    let (descriptor, object) = wrapper_parts(this)?;
    let hash = crate::object::hash::hash_identity(object) ^ crate::object::hash::hash_identity(descriptor);
    Ok(if hash == -1 { -2 } else { hash })
}

fn getset_get(this: &Value, object: Option<&Value>, _owner: &Value) -> PyResult<Value> {
    let (Some(body), Some(object)) = (this.exact::<GetSetDescriptor>(), object) else { return Ok(this.clone()) };
    if !std::ptr::eq(object.ty(), owner_of(&body.owner)) {
        check(this, object)?;
    }
    (body.definition.get)(object)
}

fn getset_set(this: &Value, object: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(body) = this.exact::<GetSetDescriptor>() else { return Err(type_error("expected a getset descriptor")) };
    check(this, object)?;
    match body.definition.set {
        Some(set) => set(object, value),
        None => Err(attribute_error(format!(
            "attribute '{}' of '{}' objects is not writable",
            body.definition.name,
            owner_of(&body.owner).name()
        ))),
    }
}

fn member_get(this: &Value, object: Option<&Value>, _owner: &Value) -> PyResult<Value> {
    let (Some(body), Some(object)) = (this.exact::<MemberDescriptor>(), object) else { return Ok(this.clone()) };
    if !std::ptr::eq(object.ty(), owner_of(&body.owner)) {
        check(this, object)?;
    }
    let index = match body.place {
        Place::Field(definition) => return (definition.get)(object),
        Place::Slot(index) => index,
    };
    match instance::slot_cell(object, index).and_then(|cell| cell.get()) {
        Some(value) => Ok(value),
        None => Err(attribute_error(text_of(&body.name))),
    }
}

fn member_set(this: &Value, object: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(body) = this.exact::<MemberDescriptor>() else { return Err(type_error("expected a member descriptor")) };
    check(this, object)?;
    let index = match body.place {
        Place::Field(definition) => {
            return match definition.set {
                Some(set) => set(object, value),
                None => Err(attribute_error("readonly attribute")),
            };
        }
        Place::Slot(index) => index,
    };
    let Some(cell) = instance::slot_cell(object, index) else { return Err(attribute_error(text_of(&body.name))) };
    let old = cell.replace(value.cloned());
    if old.is_none() && value.is_none() {
        return Err(attribute_error(text_of(&body.name)));
    }
    Ok(())
}
