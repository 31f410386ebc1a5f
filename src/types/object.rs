//! The type `object`.

use crate::method;
use crate::modules::copyreg;
use crate::name;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::instance::Attrs;
use crate::object::native::{GetSet, Method};
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, attribute, call, hash, iter, text};
use crate::types::dict::Dict;
use crate::types::exceptions::{runtime_error, type_error, value_error};
use crate::types::list::List;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::{int, layout};

/// A plain object: all it has is in the tail.
#[repr(C)]
pub struct Object {
    header: Header,
}

payload!(Object, OBJECT);

/// The type object of `object`.
pub static OBJECT: TypeObject = TypeObject::define::<Object>("object")
    .root()
    .flags(TypeFlags::BASE)
    .doc("The base class of the class hierarchy.\n\nWhen called, it accepts no arguments and returns a new featureless\ninstance that has no instance attributes and cannot be given any.\n")
    .slots(Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(default_repr),
        str: Some(str_),
        hash: Some(|this| Ok(hash::hash_identity(this))),
        getattr: Some(attribute::generic_get),
        setattr: Some(attribute::generic_set),
        compare: Some(compare),
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(GETSET);

const METHODS: &[Method] = &[
    method!(format_, "__format__($self, format_spec, /)", "Default object formatter."),
    method!(dir, "__dir__($self, /)", "Default dir() implementation."),
    method!(sizeof, "__sizeof__($self, /)", "Size of object in memory, in bytes."),
    method!(reduce, "__reduce__($self, /)", "Helper for pickle."),
    method!(reduce_ex, "__reduce_ex__($self, protocol, /)", "Helper for pickle."),
    method!(class init_subclass, "!__init_subclass__($type, /)", "This method is called when a class is subclassed.\n\nThe default implementation does nothing. It may be\noverridden to extend subclasses.\n"),
    method!(class subclasshook, "!__subclasshook__($type, object, /)", "Abstract classes can override this to customize issubclass().\n\nThis is invoked early on by abc.ABCMeta.__subclasscheck__().\nIt should return True, False or NotImplemented.  If it returns\nNotImplemented, the normal algorithm is used.  Otherwise, it\noverrides the normal algorithm (and the outcome is cached).\n"),
];

const GETSET: &[GetSet] = &[GetSet {
    name: "__class__",
    get: |this| Ok(this.ty().value()),
    set: Some(set_class),
    doc: Some("the object's class"),
    member: false,
}];

/// `<module.Name object at 0x...>`.
///
/// # Errors
/// What looking up the type's module raises.
pub fn default_repr(this: &Value) -> PyResult<Value> {
    let ty = this.ty();
    let module = crate::types::type_::module_name(ty)?;
    let qualname = crate::types::type_::qualname(ty);
    let name = match module {
        Some(module) if module != "builtins" => format!("{module}.{qualname}"),
        _ => ty.name().to_owned(),
    };
    Ok(Str::new_value(&format!("<{name} object at {:#x}>", this.bits())))
}

fn is_overridden(ty: &TypeObject, slot: fn(&Slots) -> usize, own: usize) -> bool {
    let slots = ty.all_slots();
    slot(&slots) != own
}

fn overrides_new(ty: &TypeObject) -> bool {
    is_overridden(ty, |slots| slots.new.map_or(0, |f| f as usize), new as *const () as usize)
}

fn overrides_init(ty: &TypeObject) -> bool {
    is_overridden(ty, |slots| slots.init.map_or(0, |f| f as usize), init as *const () as usize)
}

/// `object.__new__`; surplus arguments are an error unless `__init__` alone is overridden.
fn new(class: &Value, args: &[Value], _kwnames: Option<&Value>) -> PyResult<Value> {
    let Some(ty) = class.downcast::<TypeObject>() else {
        return Err(type_error("object.__new__(X): X is not a type object"));
    };
    if !args.is_empty() {
        if overrides_new(ty) {
            return Err(type_error("object.__new__() takes exactly one argument (the type to instantiate)"));
        }
        if !overrides_init(ty) {
            return Err(type_error(format!("{}() takes no arguments", ty.name())));
        }
    }
    if ty.has_flag(TypeFlags::ABSTRACT) {
        return Err(abstract_error(ty)?);
    }
    Ok(new_instance(ty, Object { header: Header::new(ty) }))
}

fn abstract_error(ty: &TypeObject) -> PyResult<crate::object::Raised> {
    let methods = attribute::get_interned(&ty.value(), name!("__abstractmethods__"))?;
    let mut names = Vec::new();
    for name in crate::object::iter::collect(&methods)? {
        names.push(text::str_string(&name)?);
    }
    names.sort();
    Ok(type_error(format!("Can't instantiate abstract class {} with abstract methods {}", ty.name(), names.join(", "))))
}

/// An instance of a class whose `__new__` is `object.__new__`, for the loop's fast path.
pub(crate) fn new_plain(ty: &TypeObject) -> Value {
    new_instance(ty, Object { header: Header::new(ty) })
}

/// Whether instances of the class are made by `object.__new__` without further checks.
pub(crate) fn is_plainly_made(ty: &TypeObject) -> bool {
    !overrides_new(ty) && !ty.has_flag(TypeFlags::ABSTRACT)
}

fn init(this: &Value, args: &[Value], _kwnames: Option<&Value>) -> PyResult<()> {
    if !args.is_empty() {
        let ty = this.ty();
        if overrides_init(ty) {
            return Err(type_error("object.__init__() takes exactly one argument (the instance to initialize)"));
        }
        if !overrides_new(ty) {
            return Err(type_error(format!(
                "{}.__init__() takes exactly one argument (the instance to initialize)",
                ty.name()
            )));
        }
    }
    Ok(())
}

fn compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    match op {
        Compare::Eq => Ok(if left.is(right) { Value::TRUE } else { Value::NOT_IMPLEMENTED }),
        Compare::Ne => {
            // By default the opposite of `==`.
            let Some(equal) = left.ty().slot(|slots| slots.compare) else { return Ok(Value::NOT_IMPLEMENTED) };
            let result = equal(left, right, Compare::Eq)?;
            if result.is_not_implemented() {
                return Ok(result);
            }
            Ok(Value::bool(!crate::object::number::truth(&result)?))
        }
        _ => Ok(Value::NOT_IMPLEMENTED),
    }
}

fn format_(this: &Value, spec: &Str) -> PyResult<Value> {
    if !spec.is_empty() {
        return Err(type_error(format!("unsupported format string passed to {}.__format__", this.ty().name())));
    }
    text::str(this)
}

/// What `__repr__` gives, whatever it is: who asked for the text checks it.
fn str_(this: &Value) -> PyResult<Value> {
    match this.ty().slot(|slots| slots.repr) {
        Some(repr) => repr(this),
        None => default_repr(this),
    }
}

fn init_subclass(_class: &Value) {}

fn subclasshook(_class: &Value, _subclass: &Value) -> Value {
    Value::NOT_IMPLEMENTED
}

/// `object.__dir__`: the instance's attributes and all of its class's.
fn dir(this: &Value) -> PyResult<Value> {
    let dict = crate::types::dict::Dict::new_value();
    if let Some(names) = dict.exact::<crate::types::dict::Dict>() {
        if let Some(own) = attribute::lookup(this, name!("__dict__"))?
            && let Some(own) = own.downcast::<crate::types::dict::Dict>()
        {
            for (name, value) in own.items() {
                names.set(&name, value)?;
            }
        }
        if let Some(class) = attribute::lookup(this, name!("__class__"))? {
            crate::types::type_::merge_class_dict(names, &class)?;
        }
        return Ok(List::from_vec(names.items().into_iter().map(|(name, _)| name).collect()));
    }
    Ok(Tuple::empty())
}

/// `__class__` assignment. As `object_set_class`: both classes are heap types of the same layout.
fn set_class(this: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(value) = value else { return Err(type_error("can't delete __class__ attribute")) };
    let Some(new) = value.downcast::<TypeObject>() else {
        return Err(type_error(format!("__class__ must be set to a class, not '{}' object", value.ty().name())));
    };
    let old = this.ty();
    let module = &crate::types::module::MODULE;
    let are_modules = new.is_subtype(module) && old.is_subtype(module);
    if !(are_modules || new.is_heap_type() && old.is_heap_type()) {
        return Err(type_error("__class__ assignment only supported for heap types or ModuleType subclasses"));
    }
    if !crate::types::type_::same_layout(old, new) {
        return Err(type_error(format!(
            "__class__ assignment: '{}' object layout differs from '{}'",
            new.name(),
            old.name()
        )));
    }
    let Some(header) = this.header() else { return Ok(()) };
    if let Some(attrs) = Attrs::of(this) {
        // The array is described by the old class's names.
        attrs.make_dict(old);
    }
    let counted = old.is_heap_type();
    let old = old.value();
    if new.is_heap_type() {
        std::mem::forget(new.value());
    }
    header.set_ty(new);
    // The object's own reference to its old class, and the one made above.
    // SAFETY: a heap object holds one reference to its heap class, given up here.
    if counted {
        drop(unsafe { Value::from_bits(old.bits()) });
    }
    drop(old);
    Ok(())
}

/// The size that CPython's object of the type would have.
fn sizeof(this: &Value) -> i64 {
    let layout = layout::of(this.ty());
    if layout.item_size == 0 {
        return layout.basic_size;
    }
    let items = match (this.downcast::<Tuple>(), int::to_big(this)) {
        (Some(tuple), _) => tuple.len() as i64,
        // Digits of 30 bits.
        (None, Some(int)) => int.bits().div_ceil(30) as i64,
        (None, None) => match this.ty().slot(|slots| slots.length) {
            Some(length) => length(this).map_or(0, |length| length as i64),
            None => 0,
        },
    };
    layout.basic_size + layout.item_size * items
}

fn reduce(this: &Value) -> PyResult<Value> {
    copyreg_reduce(this, 0)
}

/// As `object___reduce_ex___impl`: an overridden `__reduce__` wins.
fn reduce_ex(this: &Value, protocol: i32) -> PyResult<Value> {
    if let Some(reduce) = attribute::lookup(this, name!("__reduce__"))? {
        let found = attribute::get_interned(&this.ty().value(), name!("__reduce__"))?;
        if !OBJECT.lookup(name!("__reduce__")).is_some_and(|own| own.is(&found)) {
            return call::call(&reduce, &[]);
        }
    }
    if protocol >= 2 { reduce_newobj(this) } else { copyreg_reduce(this, protocol) }
}

fn copyreg_reduce(this: &Value, protocol: i32) -> PyResult<Value> {
    let reduce = attribute::get_str(&copyreg::module()?, "_reduce_ex")?;
    call::call(&reduce, &[this.clone(), Value::int(protocol.into())])
}

/// As `reduce_newobj`, protocol 2 and above.
fn reduce_newobj(this: &Value) -> PyResult<Value> {
    let class = this.ty().value();
    if this.ty().slot(|slots| slots.new).is_none() {
        return Err(type_error(format!("cannot pickle '{}' object", this.ty().name())));
    }
    let mut args = None;
    let mut keywords = None;
    if let Some(result) = call::call_special(this, name!("__getnewargs_ex__"), &[])? {
        let Some(pair) = result.downcast::<Tuple>() else {
            return Err(type_error(format!("__getnewargs_ex__ should return a tuple, not '{}'", result.ty().name())));
        };
        let [first, second] = pair.as_slice() else {
            return Err(value_error(format!(
                "__getnewargs_ex__ should return a tuple of length 2, not {}",
                pair.len()
            )));
        };
        if first.downcast::<Tuple>().is_none() {
            return Err(type_error(format!(
                "first item of the tuple returned by __getnewargs_ex__ must be a tuple, not '{}'",
                first.ty().name()
            )));
        }
        let Some(dict) = second.downcast::<Dict>() else {
            return Err(type_error(format!(
                "second item of the tuple returned by __getnewargs_ex__ must be a dict, not '{}'",
                second.ty().name()
            )));
        };
        args = Some(first.clone());
        keywords = Some(second.clone()).filter(|_| !dict.is_empty());
    } else if let Some(result) = call::call_special(this, name!("__getnewargs__"), &[])? {
        if result.downcast::<Tuple>().is_none() {
            return Err(type_error(format!("__getnewargs__ should return a tuple, not '{}'", result.ty().name())));
        }
        args = Some(result);
    }
    let copyreg = copyreg::module()?;
    let (function, arguments) = match keywords {
        None => {
            let mut all = vec![class];
            if let Some(args) = args.as_ref().and_then(|args| args.downcast::<Tuple>()) {
                all.extend_from_slice(args.as_slice());
            }
            (attribute::get_str(&copyreg, "__newobj__")?, Tuple::from_vec(all))
        }
        Some(keywords) => {
            let args = args.clone().unwrap_or_else(Tuple::empty);
            (attribute::get_str(&copyreg, "__newobj_ex__")?, Tuple::from_vec(vec![class, args, keywords]))
        }
    };
    let has_items = this.downcast::<List>().is_some() || this.downcast::<Dict>().is_some();
    let state = state_of(this, args.is_none() && !has_items, &copyreg)?;
    let list_items = match this.downcast::<List>() {
        Some(_) => iter::iter(this)?,
        None => Value::NONE,
    };
    let dict_items = match this.downcast::<Dict>() {
        Some(_) => {
            let items = call::call_method(this, name!("items"), &[])?;
            iter::iter(&items)?
        }
        None => Value::NONE,
    };
    Ok(Tuple::from_vec(vec![function, arguments, state, list_items, dict_items]))
}

/// The names of a class's slots, a list or None: those that the class keeps, else what `copyreg` finds. As
/// `_PyType_GetSlotNames`.
fn slot_names(ty: &TypeObject, copyreg: &Value) -> PyResult<Value> {
    let is_valid = |names: &Value| names.is_none() || names.downcast::<List>().is_some();
    let dict = ty.dict();
    if let Some(kept) = dict.as_ref().and_then(|dict| dict.downcast::<Dict>()?.get_str(name!("__slotnames__"))) {
        if is_valid(&kept) {
            return Ok(kept);
        }
        return Err(type_error(format!(
            "{}.__slotnames__ should be a list or None, not {}",
            ty.name(),
            kept.ty().name()
        )));
    }
    let found = call::call(&attribute::get_str(copyreg, "_slotnames")?, &[ty.value()])?;
    if is_valid(&found) { Ok(found) } else { Err(type_error("copyreg._slotnames didn't return a list or None")) }
}

/// As `_PyObject_GetState`: `__getstate__`, or the attributes and those of `__slots__`.
fn state_of(this: &Value, required: bool, copyreg: &Value) -> PyResult<Value> {
    if let Some(method) = attribute::lookup(this, name!("__getstate__"))? {
        return call::call(&method, &[]);
    }
    let ty = this.ty();
    if required && layout::of(ty).item_size != 0 {
        return Err(type_error(format!("cannot pickle '{}' object", ty.name())));
    }
    // An empty dict is as good as none.
    let attributes = Attrs::of(this).map(|attrs| attrs.make_dict(ty));
    let filled = attributes.filter(|dict| dict.downcast::<Dict>().is_some_and(|dict| !dict.is_empty()));
    let state = filled.unwrap_or(Value::NONE);
    let slot_names = slot_names(ty, copyreg)?;
    let names = slot_names.downcast::<List>().map(|names| names.items().snapshot()).unwrap_or_default();
    if required {
        // The object must be what its attributes and slots make it.
        let base = layout::of(&OBJECT).basic_size
            + if ty.has_attributes() { 8 } else { 0 }
            + if ty.has_weakrefs() { 8 } else { 0 }
            + 8 * names.len() as i64;
        if layout::of(ty).basic_size > base {
            return Err(type_error(format!("cannot pickle '{}' object", ty.name())));
        }
    }
    let slots_value = Dict::new_value();
    let mut any = false;
    if let Some(slots) = slots_value.exact::<Dict>() {
        for name in &names {
            if let Some(value) = attribute::lookup(this, name)? {
                slots.set(name, value)?;
                any = true;
                if slot_names.downcast::<List>().is_some_and(|now| now.items().len() != names.len()) {
                    return Err(runtime_error("__slotsname__ changed size during iteration"));
                }
            }
        }
    }
    Ok(if any { Tuple::from_vec(vec![state, slots_value]) } else { state })
}
