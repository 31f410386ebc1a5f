//! The type `super`.

use crate::gc::Visit;
use crate::name;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, attribute};
use crate::types::cell::Cell;
use crate::types::dict::Dict;
use crate::types::exceptions::{runtime_error, type_error};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::frame::Place;
use crate::vm::thread;

/// The body of a super object.
#[repr(C)]
pub struct Super {
    header: Header,
    class: ValueCell,
    object: ValueCell,
    object_type: ValueCell,
}

payload!(Super, SUPER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.class.visit(visit);
        self.object.visit(visit);
        self.object_type.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.class.take());
        drop(self.object.take());
        drop(self.object_type.take());
    }
});

/// The type object of `super`.
pub static SUPER: TypeObject = TypeObject::define::<Super>("super")
    .flags(TypeFlags::BASE)
    .doc("super() -> same as super(__class__, <first argument>)\nsuper(type) -> unbound super object\nsuper(type, obj) -> bound super object; requires isinstance(obj, type)\nsuper(type, type2) -> bound super object; requires issubclass(type2, type)\nTypical use to call a cooperative superclass method:\nclass C(B):\n    def meth(self, arg):\n        super().meth(arg)\nThis works for class methods too:\nclass C(B):\n    @classmethod\n    def cmeth(cls, arg):\n        super().cmeth(arg)\n")
    .slots(Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        getattr: Some(getattr),
        descr_get: Some(get),
        ..Slots::EMPTY
    })
    .getset(&[
        GetSet { name: "__thisclass__", get: |this| part(this, |s| &s.class), set: None, doc: Some("the class invoking super()"), member: true },
        GetSet { name: "__self__", get: |this| part(this, |s| &s.object), set: None, doc: Some("the instance invoking super(); may be None"), member: true },
        GetSet { name: "__self_class__", get: |this| part(this, |s| &s.object_type), set: None, doc: Some("the type of the instance invoking super(); may be None"), member: true },
    ]);

fn body(value: &Value) -> PyResult<&Super> {
    value.downcast::<Super>().ok_or_else(|| type_error("expected a super object"))
}

fn part(this: &Value, pick: fn(&Super) -> &ValueCell) -> PyResult<Value> {
    Ok(pick(body(this)?).get().unwrap_or(Value::NONE))
}

fn new(class: &Value, _args: &[Value], _kwnames: Option<&Value>) -> PyResult<Value> {
    match class.downcast::<TypeObject>() {
        Some(ty) => Ok(new_instance(
            ty,
            Super {
                header: Header::new(ty),
                class: ValueCell::EMPTY,
                object: ValueCell::EMPTY,
                object_type: ValueCell::EMPTY,
            },
        )),
        None => Err(type_error("expected a type")),
    }
}

fn init(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    if kwnames.is_some() {
        return Err(type_error("super() takes no keyword arguments"));
    }
    if args.len() > 2 {
        return Err(type_error(format!("super() takes at most 2 arguments ({} given)", args.len())));
    }
    let (class, object) = match args {
        [] => implicit()?,
        [class, rest @ ..] => (class.clone(), rest.first().cloned()),
    };
    if class.downcast::<TypeObject>().is_none() {
        let found = if class.is_none() { "None" } else { class.ty().name() };
        return Err(type_error(format!("super() argument 1 must be type, not {found}")));
    }
    let object = object.filter(|object| !object.is_none());
    let object_type = match &object {
        Some(object) => Some(check(&class, object)?),
        None => None,
    };
    let body = body(this)?;
    body.class.set(Some(class));
    body.object.set(object);
    body.object_type.set(object_type);
    Ok(())
}

/// `super()`: the class from the cell `__class__`, the object from the first argument of the running function.
fn implicit() -> PyResult<(Value, Option<Value>)> {
    let Some(place) = Place::current(thread::current()) else { return Err(runtime_error("super(): no current frame")) };
    let code = place.meta().code();
    if code.fields.argcount == 0 {
        return Err(runtime_error("super(): no arguments"));
    }
    let locals = code.fields.nlocals as usize;
    let register = |index: usize| {
        // SAFETY: a variable's register of the running frame.
        let value = std::mem::ManuallyDrop::new(unsafe { Value::from_bits(*place.fp.add(index)) });
        (*value).clone()
    };
    let mut first = register(0);
    if first.is_unbound() {
        // The argument has moved into a cell.
        let cell = code.varnames().first().and_then(|name| code.cellvars().iter().position(|cell| cell.is(name)));
        first = cell
            .and_then(|index| register(locals + index).exact::<Cell>().and_then(Cell::get))
            .unwrap_or(Value::UNBOUND);
    }
    if first.is_unbound() {
        return Err(runtime_error("super(): arg[0] deleted"));
    }
    let cells = code.cellvars().len();
    let Some(index) = code.freevars().iter().position(|name| name.is(name!("__class__"))) else {
        return Err(runtime_error("super(): __class__ cell not found"));
    };
    let Some(class) = register(locals + cells + index).exact::<Cell>().and_then(Cell::get) else {
        return Err(runtime_error("super(): empty __class__ cell"));
    };
    if class.downcast::<TypeObject>().is_none() {
        return Err(runtime_error(format!("super(): __class__ is not a type ({})", class.ty().name())));
    }
    Ok((class, Some(first)))
}

/// The type whose MRO is searched. As `supercheck`.
fn check(class: &Value, object: &Value) -> PyResult<Value> {
    let Some(ty) = class.downcast::<TypeObject>() else { return Err(type_error("expected a type")) };
    if object.downcast::<TypeObject>().is_some_and(|object| object.is_subtype(ty)) {
        return Ok(object.clone());
    }
    if object.ty().is_subtype(ty) {
        return Ok(object.ty().value());
    }
    if let Some(claimed) = attribute::lookup(object, name!("__class__"))?
        && claimed.downcast::<TypeObject>().is_some_and(|claimed| claimed.is_subtype(ty))
    {
        return Ok(claimed);
    }
    Err(type_error("super(type, obj): obj must be an instance or subtype of type"))
}

/// The attribute behind the class in the MRO of the object's type, bound to the object. As `super_getattro`.
fn getattr(this: &Value, name: &Value) -> PyResult<Value> {
    let body = body(this)?;
    // `__class__` is that of the super object itself.
    if !name.is(name!("__class__"))
        && let (Some(class), Some(start)) = (body.class.get(), body.object_type.get())
        && let Some(mro) = start.downcast::<TypeObject>().and_then(TypeObject::mro)
        && let Some(mro) = mro.exact::<Tuple>()
    {
        for ty in mro.iter().skip_while(|ty| !ty.is(&class)).skip(1) {
            let found = ty.downcast::<TypeObject>().and_then(TypeObject::dict);
            let found = match found.as_ref().and_then(|dict| dict.downcast::<Dict>()) {
                Some(dict) => dict.get(name)?,
                None => None,
            };
            let Some(found) = found else { continue };
            let object = body.object.get();
            return match found.ty().slot(|slots| slots.descr_get) {
                Some(get) => {
                    // Bound to the type itself, as a class method sees it.
                    let bound = object.filter(|object| !object.is(&start));
                    get(&found, bound.as_ref(), &start)
                }
                None => Ok(found),
            };
        }
    }
    attribute::generic_get(this, name)
}

fn get(this: &Value, object: Option<&Value>, _owner: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let (Some(object), None) = (object.filter(|object| !object.is_none()), body.object.get()) else {
        return Ok(this.clone());
    };
    let Some(class) = body.class.get() else { return Ok(this.clone()) };
    if !std::ptr::eq(this.ty(), &SUPER) {
        return crate::object::call::call(&this.ty().value(), &[class, object.clone()]);
    }
    let object_type = check(&class, object)?;
    let bound = new(&SUPER.value(), &[], None)?;
    let parts = self::body(&bound)?;
    parts.class.set(Some(class));
    parts.object.set(Some(object.clone()));
    parts.object_type.set(Some(object_type));
    Ok(bound)
}

fn repr(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let name = |value: Option<Value>| {
        value.as_ref().and_then(|value| value.downcast::<TypeObject>()).map_or("NULL", TypeObject::name)
    };
    Ok(Str::new_value(&match body.object_type.get() {
        Some(object_type) => {
            format!("<super: <class '{}'>, <{} object>>", name(body.class.get()), name(Some(object_type)))
        }
        None => format!("<super: <class '{}'>, NULL>", name(body.class.get())),
    }))
}
