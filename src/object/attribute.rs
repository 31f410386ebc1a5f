//! Attribute lookup: the descriptor protocol over type, instance and metatype.

use super::error::PyResult;
use super::instance::Attrs;
use super::ty::{TypeFlags, TypeObject};
use super::value::Value;
use crate::types::dict::Dict;
use crate::types::exceptions::{attribute_error, is_attribute_error, type_error};
use crate::types::str::{self, Str};
use crate::vm::thread::check_native_stack;

fn checked_name(name: &Value) -> PyResult<Value> {
    match name.downcast::<Str>() {
        Some(text) => Ok(str::intern_value(name, text)),
        None => Err(type_error(format!("attribute name must be string, not '{}'", name.ty().name()))),
    }
}

/// `getattr(object, name)`. As `PyObject_GetAttr`.
///
/// # Errors
/// `AttributeError`, or what descriptors raise.
#[inline]
pub fn get(object: &Value, name: &Value) -> PyResult<Value> {
    let name = checked_name(name)?;
    get_interned(object, &name)
}

/// As [`get`] for a name known to be interned.
///
/// # Errors
/// As for [`get`].
#[inline]
pub fn get_interned(object: &Value, name: &Value) -> PyResult<Value> {
    check_native_stack()?;
    match object.ty().slot(|slots| slots.getattr) {
        Some(slot) => slot(object, name),
        None => generic_get(object, name),
    }
}

/// As [`get`] by text.
///
/// # Errors
/// As for [`get`].
pub fn get_str(object: &Value, name: &str) -> PyResult<Value> {
    get_interned(object, &str::intern(name))
}

/// As [`get`], `None` when there is no such attribute. As `_PyObject_LookupAttr`.
///
/// # Errors
/// What descriptors raise, `AttributeError` excepted.
pub fn lookup(object: &Value, name: &Value) -> PyResult<Option<Value>> {
    check_native_stack()?;
    let name = checked_name(name)?;
    let slot = object.ty().slot(|slots| slots.getattr);
    if slot.is_none_or(|slot| slot as usize == generic_get as *const () as usize) {
        return generic_lookup(object, &name);
    }
    match get_interned(object, &name) {
        Ok(value) => Ok(Some(value)),
        Err(raised) if is_attribute_error(&raised) => Ok(None),
        Err(raised) => Err(raised),
    }
}

/// As [`lookup`] by text.
///
/// # Errors
/// As for [`lookup`].
pub fn lookup_str(object: &Value, name: &str) -> PyResult<Option<Value>> {
    lookup(object, &str::intern(name))
}

/// `setattr(object, name, value)`, or `delattr` when the value is `None`.
///
/// # Errors
/// `AttributeError`, `TypeError`, or what descriptors raise.
pub fn set(object: &Value, name: &Value, value: Option<&Value>) -> PyResult<()> {
    if let Some(value) = value
        && !name.is_exact::<Str>()
        && set_by_other_str(object, name, value)?
    {
        return Ok(());
    }
    let name = checked_name(name)?;
    match object.ty().slot(|slots| slots.setattr) {
        Some(slot) => slot(object, &name, value),
        None => Err(type_error(format!(
            "'{}' object has {} attributes ({} .{})",
            object.ty().name(),
            if object.ty().slot(|slots| slots.getattr).is_none() { "no" } else { "only read-only" },
            if value.is_none() { "del" } else { "assign to" },
            text_of(&name)
        ))),
    }
}

/// Sets an attribute by a name of a class derived from str, which is not interned and stays the key in `__dict__`: whether
/// that is where it belongs.
#[cold]
fn set_by_other_str(object: &Value, name: &Value, value: &Value) -> PyResult<bool> {
    let ty = object.ty();
    let interned = checked_name(name)?;
    let is_generic =
        ty.slot(|slots| slots.setattr).is_some_and(|slot| slot as usize == generic_set as *const () as usize);
    let is_descriptor = |found: Value| found.ty().slot(|slots| slots.descr_set).is_some();
    if !is_generic || ty.lookup(&interned).is_some_and(is_descriptor) {
        return Ok(false);
    }
    let Some(dict) = Attrs::of(object).map(|attrs| attrs.make_dict(ty)) else { return Ok(false) };
    match dict.downcast::<Dict>() {
        Some(dict) => dict.set(name, value.clone()).map(|()| true),
        None => Ok(false),
    }
}

fn text_of(name: &Value) -> String {
    name.downcast::<Str>().map(|text| text.to_string_lossy()).unwrap_or_default()
}

/// The lookup of plain objects, `None` when nothing is found.
///
/// # Errors
/// What descriptors raise; an `AttributeError` of theirs counts as not found.
pub fn generic_lookup(object: &Value, name: &Value) -> PyResult<Option<Value>> {
    let ty = object.ty();
    let descriptor = ty.lookup(name);
    let mut getter = None;
    if let Some(descriptor) = &descriptor {
        getter = descriptor.ty().slot(|slots| slots.descr_get);
        if let Some(get) = getter
            && descriptor.ty().slot(|slots| slots.descr_set).is_some()
        {
            return absent_on_attribute_error(get(descriptor, Some(object), &ty.value()));
        }
    }
    if let Some(attrs) = Attrs::of(object)
        && let Some(value) = attrs.get(ty, name)?
    {
        return Ok(Some(value));
    }
    match (descriptor, getter) {
        (Some(descriptor), Some(get)) => {
            absent_on_attribute_error(get(&descriptor, Some(object), &object.ty().value()))
        }
        (found, _) => Ok(found),
    }
}

fn absent_on_attribute_error(result: PyResult<Value>) -> PyResult<Option<Value>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(raised) if is_attribute_error(&raised) => Ok(None),
        Err(raised) => Err(raised),
    }
}

/// `object.__getattribute__`. As `_PyObject_GenericGetAttrWithDict`: a data descriptor on the type wins, then the
/// instance's attributes, then what the type has.
///
/// # Errors
/// `AttributeError`, or what descriptors raise.
pub fn generic_get(object: &Value, name: &Value) -> PyResult<Value> {
    let name = &checked_name(name)?;
    let ty = object.ty();
    let descriptor = ty.lookup(name);
    let mut getter = None;
    if let Some(descriptor) = &descriptor {
        getter = descriptor.ty().slot(|slots| slots.descr_get);
        if let Some(get) = getter
            && descriptor.ty().slot(|slots| slots.descr_set).is_some()
        {
            return get(descriptor, Some(object), &ty.value());
        }
    }
    if let Some(attrs) = Attrs::of(object)
        && let Some(value) = attrs.get(ty, name)?
    {
        return Ok(value);
    }
    match (descriptor, getter) {
        (Some(descriptor), Some(get)) => get(&descriptor, Some(object), &object.ty().value()),
        (Some(found), None) => Ok(found),
        (None, _) => Err(no_attribute(object, name)),
    }
}

/// The `AttributeError` for a missing attribute.
#[cold]
pub fn no_attribute(object: &Value, name: &Value) -> super::Raised {
    attribute_error(format!("'{}' object has no attribute '{}'", object.ty().name(), text_of(name)))
}

/// `object.__setattr__` and `object.__delattr__`. As `_PyObject_GenericSetAttrWithDict`.
///
/// # Errors
/// `AttributeError`, or what descriptors raise.
pub fn generic_set(object: &Value, name: &Value, value: Option<&Value>) -> PyResult<()> {
    let name = &checked_name(name)?;
    let ty = object.ty();
    let descriptor = ty.lookup(name);
    if let Some(descriptor) = &descriptor
        && let Some(set) = descriptor.ty().slot(|slots| slots.descr_set)
    {
        return set(descriptor, object, value);
    }
    if let Some(attrs) = Attrs::of(object) {
        return match value {
            Some(value) => attrs.set(ty, name, value.clone()),
            None if attrs.delete(ty, name)? => Ok(()),
            None => Err(attribute_error(text_of(name))),
        };
    }
    Err(if descriptor.is_some() {
        attribute_error(format!("'{}' object attribute '{}' is read-only", ty.name(), text_of(name)))
    } else {
        no_attribute(object, name)
    })
}

/// `type.__getattribute__`. As `type_getattro`: a data descriptor on the metatype wins, then the MRO of the type (its
/// descriptors bound to the type), then the metatype.
///
/// # Errors
/// `AttributeError`, or what descriptors raise.
pub fn type_get(object: &Value, name: &Value) -> PyResult<Value> {
    let name = &checked_name(name)?;
    let Some(ty) = object.downcast::<TypeObject>() else { return generic_get(object, name) };
    let metatype = object.ty();
    let meta_attribute = metatype.lookup(name);
    let mut meta_get = None;
    if let Some(attribute) = &meta_attribute {
        meta_get = attribute.ty().slot(|slots| slots.descr_get);
        if let Some(get) = meta_get
            && attribute.ty().slot(|slots| slots.descr_set).is_some()
        {
            return get(attribute, Some(object), &metatype.value());
        }
    }
    if let Some(attribute) = ty.lookup(name) {
        return match attribute.ty().slot(|slots| slots.descr_get) {
            Some(get) => get(&attribute, None, object),
            None => Ok(attribute),
        };
    }
    match (meta_attribute, meta_get) {
        (Some(attribute), Some(get)) => get(&attribute, Some(object), &metatype.value()),
        (Some(attribute), None) => Ok(attribute),
        (None, _) => Err(attribute_error(format!("type object '{}' has no attribute '{}'", ty.name(), text_of(name)))),
    }
}

/// What `LOAD_METHOD` finds: a function that takes the object as first argument, or a bound callable.
pub enum MethodLookup {
    /// Call it with the object first.
    Unbound(Value),
    /// Call it as it is.
    Bound(Value),
}

/// The method `name` (interned) of `object`, without binding where that can be avoided. As `_PyObject_GetMethod`.
///
/// # Errors
/// As for [`get`].
pub fn get_method(object: &Value, name: &Value) -> PyResult<MethodLookup> {
    let ty = object.ty();
    if ty.slot(|slots| slots.getattr).is_none_or(|slot| slot as usize != generic_get as *const () as usize) {
        return get_interned(object, name).map(MethodLookup::Bound);
    }
    let descriptor = ty.lookup(name);
    let mut getter = None;
    let mut is_method = false;
    if let Some(descriptor) = &descriptor {
        if descriptor.ty().has_flag(TypeFlags::METHOD_DESCRIPTOR) {
            is_method = true;
        } else {
            getter = descriptor.ty().slot(|slots| slots.descr_get);
            if let Some(get) = getter
                && descriptor.ty().slot(|slots| slots.descr_set).is_some()
            {
                return get(descriptor, Some(object), &ty.value()).map(MethodLookup::Bound);
            }
        }
    }
    if let Some(attrs) = Attrs::of(object)
        && let Some(value) = attrs.get(ty, name)?
    {
        return Ok(MethodLookup::Bound(value));
    }
    match (descriptor, getter) {
        (Some(descriptor), _) if is_method => Ok(MethodLookup::Unbound(descriptor)),
        (Some(descriptor), Some(get)) => get(&descriptor, Some(object), &object.ty().value()).map(MethodLookup::Bound),
        (Some(descriptor), None) => Ok(MethodLookup::Bound(descriptor)),
        (None, _) => Err(no_attribute(object, name)),
    }
}
