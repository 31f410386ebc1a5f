//! `functools.cmp_to_key` and the keys that it makes.

use crate::gc::Visit;
use crate::modules::arguments::body;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::{Function, GetSet, thunk};
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute, call, compare};
use crate::types::exceptions::{attribute_error, type_error};

/// The body of a key: a comparison function, and the object whose key it is.
#[repr(C)]
pub struct KeyWrapper {
    header: Header,
    comparison: Value,
    /// Empty in what `cmp_to_key` gives: that makes the keys.
    object: ValueCell,
}

payload!(KeyWrapper, KEY_WRAPPER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.comparison);
        self.object.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.object.take());
    }
});

/// The type object of `KeyWrapper`.
pub static KEY_WRAPPER: TypeObject = TypeObject::define::<KeyWrapper>("functools.KeyWrapper")
    .slots(Slots {
        call: Some(call_),
        getattr: Some(attribute::generic_get),
        compare: Some(rich_compare),
        ..Slots::EMPTY
    })
    .getset(&[GetSet {
        name: "obj",
        get: |this| Ok(body::<KeyWrapper>(this)?.object.get().unwrap_or(Value::NONE)),
        set: Some(|this, value| {
            body::<KeyWrapper>(this)?.object.set(value.cloned());
            Ok(())
        }),
        doc: Some("Value wrapped by a key function."),
        member: true,
    }]);

fn new(comparison: Value, object: Option<Value>) -> Value {
    new_object(KeyWrapper { header: Header::new(&KEY_WRAPPER), comparison, object: ValueCell::new(object) })
}

/// `cmp_to_key(mycmp)`.
pub(super) fn cmp_to_key(comparison: &Value) -> Value {
    new(comparison.clone(), None)
}

static CALL: Function = Function::new("%K($self, obj)", "", thunk(key_of));

fn key_of(this: &Value, object: &Value) -> PyResult<Value> {
    Ok(new(body::<KeyWrapper>(this)?.comparison.clone(), Some(object.clone())))
}

fn call_(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    if let ([object], None) = (args, kwnames) {
        return key_of(this, object);
    }
    let mut all = vec![this.clone()];
    all.extend_from_slice(args);
    CALL.call(&all, kwnames)
}

fn rich_compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    let key = body::<KeyWrapper>(left)?;
    let Some(other) = right.exact::<KeyWrapper>() else { return Err(type_error("other argument must be K instance")) };
    let (Some(x), Some(y)) = (key.object.get(), other.object.get()) else { return Err(attribute_error("object")) };
    let result = call::call(&key.comparison, &[x, y])?;
    compare::rich(&result, &Value::int(0), op)
}
