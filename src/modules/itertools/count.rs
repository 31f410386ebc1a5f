//! `itertools.count`.

use super::{bind, body, class_or, iterator_slots, reduced};
use crate::gc::Visit;
use crate::method;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, Method, thunk};
use crate::object::slots::{BinaryOp, Slots};
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, number, text};
use crate::types::exceptions::{system_error, type_error};
use crate::types::int;
use crate::types::str::{Str, StrBuilder};
use crate::types::tuple::Tuple;
use std::cell::Cell;

/// The body of a count object.
#[repr(C)]
pub struct Count {
    header: Header,
    /// The next number, as long as it is less than the largest machine int and the step is the int 1.
    fast: Cell<i64>,
    /// The next number else; empty when the machine ints have just run out.
    slow: ValueCell,
    step: Value,
}

payload!(Count, COUNT, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.slow.visit(visit);
        visit(&self.step);
    }
    fn clear_references(&self) {
        drop(self.slow.take());
    }
});

/// The type object of `count`.
pub static COUNT: TypeObject = TypeObject::define::<Count>("itertools.count")
    .flags(TypeFlags::BASE)
    .doc("Return a count object whose .__next__() method returns consecutive values.\n\nEquivalent to:\n    def count(firstval=0, step=1):\n        x = firstval\n        while 1:\n            yield x\n            x += step")
    .slots(Slots { repr: Some(repr), ..iterator_slots(new, next) })
    .methods(&[method!(reduce, "!__reduce__($self, /)", "Return state information for pickling.")] as &[Method]);

static NEW: Function = Function::new("count($type, start=0, step=1)", "", thunk(make));

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    bind(&NEW, class, args, kwnames)
}

/// As `PyNumber_Check`.
fn is_number(value: &Value) -> bool {
    value.ty().slot(|slots| slots.index.or(slots.int).or(slots.float)).is_some()
}

fn make(class: &Value, start: Option<&Value>, step: Option<&Value>) -> PyResult<Value> {
    let ty = class_or(class, &COUNT);
    if !start.is_none_or(is_number) || !step.is_none_or(is_number) {
        return Err(type_error("a number is required"));
    }
    let by_one = step.is_none_or(|step| int::is_int(step) && int::to_i64(step) == Some(1));
    let first = start.map_or(Some(0), |start| if int::is_int(start) { int::to_i64(start) } else { None });
    let (fast, slow) = match first {
        Some(first) if by_one => (first, None),
        _ => (i64::MAX, Some(start.cloned().unwrap_or_else(|| Value::int(0)))),
    };
    let (fast, slow) = (Cell::new(fast), ValueCell::new(slow));
    let step = step.cloned().unwrap_or_else(|| Value::int(1));
    Ok(new_instance(ty, Count { header: Header::new(ty), fast, slow, step }))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    let body = body::<Count>(this)?;
    let fast = body.fast.get();
    if fast != i64::MAX {
        body.fast.set(fast + 1);
        return Ok(Some(Value::int(fast)));
    }
    let present = body.slow.get().unwrap_or_else(|| Value::int(i64::MAX));
    let following = number::binary(BinaryOp::Add, &present, &body.step)?;
    body.slow.set(Some(following));
    Ok(Some(present))
}

fn repr(this: &Value) -> PyResult<Value> {
    let body = body::<Count>(this)?;
    let name = this.ty().short_name();
    if body.fast.get() != i64::MAX {
        return Ok(Str::new_value(&format!("{name}({})", body.fast.get())));
    }
    let mut builder = StrBuilder::new();
    builder.push_str(name);
    builder.push_str("(");
    match body.slow.get() {
        Some(present) => push_repr(&mut builder, &present)?,
        None => builder.push_str("<NULL>"),
    }
    if !(int::is_int(&body.step) && int::to_i64(&body.step) == Some(1)) {
        builder.push_str(", ");
        push_repr(&mut builder, &body.step)?;
    }
    builder.push_str(")");
    Ok(builder.finish())
}

fn push_repr(builder: &mut StrBuilder, value: &Value) -> PyResult<()> {
    if let Some(text) = text::repr(value)?.downcast::<Str>() {
        builder.push_value(text);
    }
    Ok(())
}

fn reduce(this: &Value) -> PyResult<Value> {
    let body = body::<Count>(this)?;
    let arguments = match (body.fast.get(), body.slow.get()) {
        (i64::MAX, None) => return Err(system_error("NULL object passed to Py_BuildValue")),
        (i64::MAX, Some(present)) => vec![present, body.step.clone()],
        (fast, _) => vec![Value::int(fast)],
    };
    Ok(reduced(this, vec![Tuple::from_vec(arguments)]))
}
