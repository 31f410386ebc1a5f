//! The type `_collections._tuplegetter`: the descriptors of a namedtuple's fields.

use crate::gc::Visit;
use crate::method;
use crate::modules::arguments::{body, by_position};
use crate::object::TypeObject;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::{At, FromArg, Function, GetSet, Method, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::types::exceptions::{attribute_error, index_error, type_error};
use crate::types::tuple::Tuple;

/// The body of a descriptor.
#[repr(C)]
pub struct TupleGetter {
    header: Header,
    index: isize,
    doc: ValueCell,
}

payload!(TupleGetter, TUPLEGETTER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.doc.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.doc.take());
    }
});

/// The type object of `_tuplegetter`.
pub static TUPLEGETTER: TypeObject = TypeObject::define::<TupleGetter>("_collections._tuplegetter")
    .slots(Slots { new: Some(new), descr_get: Some(get), descr_set: Some(set), ..Slots::EMPTY })
    .methods(&[method!(reduce, "!__reduce__($self, /)", "")] as &[Method])
    .getset(&[GetSet {
        name: "__doc__",
        get: |this| Ok(body::<TupleGetter>(this)?.doc.get().unwrap_or(Value::NONE)),
        set: Some(|this, value| {
            body::<TupleGetter>(this)?.doc.set(value.cloned());
            Ok(())
        }),
        doc: None,
        member: true,
    }]);

/// For the conversion of the index.
static INDEX: Function = Function::new("_tuplegetter(index, doc, /)", "", thunk(parameters));

fn parameters(index: isize, _doc: &Value) -> isize {
    index
}

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let [index, doc] = by_position(&TUPLEGETTER, class, args, kwnames, 2)? else { return Ok(Value::NONE) };
    let index = isize::from_arg(index, At::new(&INDEX, 0))?;
    Ok(new_object(TupleGetter { header: Header::new(&TUPLEGETTER), index, doc: ValueCell::new(Some(doc.clone())) }))
}

fn get(this: &Value, object: Option<&Value>, _owner: &Value) -> PyResult<Value> {
    let index = body::<TupleGetter>(this)?.index;
    let Some(object) = object.filter(|object| !object.is_none()) else { return Ok(this.clone()) };
    let Some(tuple) = object.downcast::<Tuple>() else {
        return Err(type_error(format!(
            "descriptor for index '{index}' for tuple subclasses doesn't apply to '{}' object",
            object.ty().name()
        )));
    };
    let item = usize::try_from(index).ok().and_then(|index| tuple.get(index));
    item.cloned().ok_or_else(|| index_error("tuple index out of range"))
}

fn set(_this: &Value, _object: &Value, value: Option<&Value>) -> PyResult<()> {
    Err(attribute_error(if value.is_some() { "can't set attribute" } else { "can't delete attribute" }))
}

fn reduce(this: &Value) -> PyResult<Value> {
    let body = body::<TupleGetter>(this)?;
    let arguments = vec![Value::int(body.index as i64), body.doc.get().unwrap_or(Value::NONE)];
    Ok(Tuple::from_vec(vec![this.ty().value(), Tuple::from_vec(arguments)]))
}
