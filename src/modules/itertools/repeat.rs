//! `itertools.repeat`.

use super::{bind, body, class_or, iterator_slots, reduced};
use crate::gc::Visit;
use crate::method;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, Method, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, text};
use crate::types::exceptions::type_error;
use crate::types::str::{Str, StrBuilder};
use crate::types::tuple::Tuple;
use std::cell::Cell;

/// The body of a repeat object.
#[repr(C)]
pub struct Repeat {
    header: Header,
    object: Value,
    /// How often it is still to come; None: for ever.
    left: Cell<Option<usize>>,
}

payload!(Repeat, REPEAT, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.object);
    }
});

/// The type object of `repeat`.
pub static REPEAT: TypeObject = TypeObject::define::<Repeat>("itertools.repeat")
    .flags(TypeFlags::BASE)
    .doc("repeat(object [,times]) -> create an iterator which returns the object\nfor the specified number of times.  If not specified, returns the object\nendlessly.")
    .slots(Slots { repr: Some(repr), ..iterator_slots(new, next) })
    .methods(&[
        method!(
            length_hint,
            "!__length_hint__($self, /)",
            "Private method returning an estimate of len(list(it))."
        ),
        method!(reduce, "!__reduce__($self, /)", "Return state information for pickling."),
    ] as &[Method]);

static NEW: Function = Function::new("%repeat($type, object, times=-1)", "", thunk(make));

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    if let ([object], None) = (args, kwnames) {
        return make(class, object, None);
    }
    bind(&NEW, class, args, kwnames)
}

fn make(class: &Value, object: &Value, times: Option<isize>) -> PyResult<Value> {
    let ty = class_or(class, &REPEAT);
    let left = Cell::new(times.map(|times| usize::try_from(times).unwrap_or(0)));
    Ok(new_instance(ty, Repeat { header: Header::new(ty), object: object.clone(), left }))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let body = body::<Repeat>(this)?;
    if let Some(left) = body.left.get() {
        let Some(left) = left.checked_sub(1) else { return Ok(None) };
        body.left.set(Some(left));
    }
    Ok(Some(body.object.clone()))
}

fn repr(this: &Value) -> PyResult<Value> {
    let body = body::<Repeat>(this)?;
    let mut builder = StrBuilder::new();
    builder.push_str(this.ty().short_name());
    builder.push_str("(");
    if let Some(text) = text::repr(&body.object)?.downcast::<Str>() {
        builder.push_value(text);
    }
    if let Some(left) = body.left.get() {
        builder.push_str(&format!(", {left}"));
    }
    builder.push_str(")");
    Ok(builder.finish())
}

fn length_hint(this: &Repeat) -> PyResult<usize> {
    this.left.get().ok_or_else(|| type_error("len() of unsized object"))
}

fn reduce(this: &Value) -> PyResult<Value> {
    let body = body::<Repeat>(this)?;
    let mut arguments = vec![body.object.clone()];
    arguments.extend(body.left.get().map(|left| Value::int(left as i64)));
    Ok(reduced(this, vec![Tuple::from_vec(arguments)]))
}
