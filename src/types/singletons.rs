//! The types of `None`, `Ellipsis` and `NotImplemented`.

use crate::object::TypeObject;
use crate::object::header::Header;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::types::str::Str;

/// The singletons are immediate: there is no body.
#[repr(C)]
pub struct Singleton {
    header: Header,
}

payload!(Singleton, NONE);

/// `type(None)`.
pub static NONE: TypeObject = TypeObject::define::<Singleton>("NoneType").slots(Slots {
    repr: Some(|_| Ok(Str::new_value("None"))),
    bool: Some(|_| Ok(false)),
    new: Some(|class, args, kwnames| singleton_new(class, args, kwnames, Value::NONE)),
    ..Slots::EMPTY
});

/// `type(Ellipsis)`.
pub static ELLIPSIS: TypeObject = TypeObject::define::<Singleton>("ellipsis")
    .slots(Slots {
        repr: Some(|_| Ok(Str::new_value("Ellipsis"))),
        getattr: Some(crate::object::attribute::generic_get),
        new: Some(|class, args, kwnames| singleton_new(class, args, kwnames, Value::ELLIPSIS)),
        ..Slots::EMPTY
    })
    .methods(&[crate::method!(ellipsis_reduce, "!__reduce__($self, /)", "")]);

/// `type(NotImplemented)`.
pub static NOT_IMPLEMENTED: TypeObject = TypeObject::define::<Singleton>("NotImplementedType")
    .slots(Slots {
        repr: Some(|_| Ok(Str::new_value("NotImplemented"))),
        new: Some(|class, args, kwnames| singleton_new(class, args, kwnames, Value::NOT_IMPLEMENTED)),
        ..Slots::EMPTY
    })
    .methods(&[crate::method!(not_implemented_reduce, "!__reduce__($self, /)", "")]);

/// Pickled by name.
fn ellipsis_reduce(_this: &Value) -> &'static str {
    "Ellipsis"
}

fn not_implemented_reduce(_this: &Value) -> &'static str {
    "NotImplemented"
}

fn singleton_new(
    class: &Value,
    args: &[Value],
    _kwnames: Option<&Value>,
    value: Value,
) -> crate::object::PyResult<Value> {
    if args.is_empty() {
        return Ok(value);
    }
    let name = match class.downcast::<TypeObject>().map_or("", TypeObject::name) {
        "ellipsis" => "EllipsisType",
        name => name,
    };
    Err(crate::types::exceptions::type_error(format!("{name} takes no arguments")))
}
