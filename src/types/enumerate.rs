//! The type `enumerate`.

use crate::gc::Visit;
use crate::method;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, Method, thunk};
use crate::object::slots::{BinaryOp, Slots};
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeFlags, TypeObject, attribute, iter, number};
use crate::types::exceptions::type_error;
use crate::types::int;
use crate::types::tuple::{LastPair, Tuple};
use crate::vm::thread;
use std::cell::Cell;

/// The body of an enumerate object.
#[repr(C)]
pub struct Enumerate {
    header: Header,
    iterator: Value,
    /// The next count, as long as it is less than the largest machine int.
    index: Cell<i64>,
    /// The next count from there on.
    big: ValueCell,
    last: LastPair,
}

payload!(Enumerate, ENUMERATE, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.iterator);
        self.big.visit(visit);
        self.last.visit(visit);
    }
});

/// The type object of `enumerate`.
pub static ENUMERATE: TypeObject = TypeObject::define::<Enumerate>("enumerate")
    .flags(TypeFlags::BASE)
    .doc("Return an enumerate object.\n\n  iterable\n    an object supporting iteration\n\nThe enumerate object yields pairs containing a count (from start, which\ndefaults to zero) and a value yielded by the iterable argument.\n\nenumerate is useful for obtaining an indexed list:\n    (0, seq[0]), (1, seq[1]), (2, seq[2]), ...")
    .quick_next(|this| {
        // Iterators over iterators may be nested as deep as memory allows.
        thread::check_native_stack().ok()?;
        let body = this.downcast::<Enumerate>()?;
        let index = body.index.get();
        if index == i64::MAX {
            return None;
        }
        let item = iter::quick_next(&body.iterator)?;
        body.index.set(index + 1);
        Some(body.last.fill(Value::int(index), item))
    })
    .slots(Slots {
        new: Some(new),
        getattr: Some(attribute::generic_get),
        iter: Some(|this| Ok(this.clone())),
        next: Some(next),
        ..Slots::EMPTY
    })
    .methods(&[method!(reduce, "!__reduce__($self, /)", "Return state information for pickling.")] as &[Method]);

static NEW: Function = Function::new("enumerate($type, iterable, start=0)", "", thunk(make));

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    if let ([iterable], None) = (args, kwnames) {
        return make(class, iterable, None);
    }
    let mut all = Vec::with_capacity(args.len() + 1);
    all.push(class.clone());
    all.extend_from_slice(args);
    NEW.call(&all, kwnames)
}

fn make(class: &Value, iterable: &Value, start: Option<&Value>) -> PyResult<Value> {
    let ty = class.downcast::<TypeObject>().unwrap_or(&ENUMERATE);
    let (mut index, mut big) = (0, None);
    if let Some(start) = start {
        let start = number::index(start)?;
        match int::to_i64(&start) {
            Some(small) => index = small,
            None => {
                index = i64::MAX;
                big = Some(start);
            }
        }
    }
    let iterator = iter::iter(iterable)?;
    Ok(new_instance(
        ty,
        Enumerate {
            header: Header::new(ty),
            iterator,
            index: Cell::new(index),
            big: ValueCell::new(big),
            last: LastPair::new(),
        },
    ))
}

fn body(value: &Value) -> PyResult<&Enumerate> {
    value.downcast::<Enumerate>().ok_or_else(|| type_error("expected an enumerate object"))
}

fn next(this: &Value) -> PyResult<Option<Value>> {
    // Iterators over iterators may be nested as deep as memory allows.
    thread::check_native_stack()?;
    let body = body(this)?;
    let Some(item) = iter::next(&body.iterator)? else { return Ok(None) };
    let index = body.index.get();
    let count = if index == i64::MAX {
        let count = body.big.get().unwrap_or_else(|| Value::int(i64::MAX));
        body.big.set(Some(number::binary(BinaryOp::Add, &count, &Value::int(1))?));
        count
    } else {
        body.index.set(index + 1);
        Value::int(index)
    };
    Ok(Some(body.last.fill(count, item)))
}

fn reduce(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let count = body.big.get().unwrap_or_else(|| Value::int(body.index.get()));
    let arguments = Tuple::from_vec(vec![body.iterator.clone(), count]);
    Ok(Tuple::from_vec(vec![this.ty().value(), arguments]))
}
