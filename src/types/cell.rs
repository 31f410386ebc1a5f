//! The type `cell`: a variable shared between scopes.

use crate::gc::Visit;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::GetSet;
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute, compare};
use crate::types::exceptions::{type_error, value_error};
use crate::types::str::Str;

/// The body of a cell.
#[repr(C)]
pub struct Cell {
    header: Header,
    contents: ValueCell,
}

payload!(Cell, CELL, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.contents.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.contents.take());
    }
});

/// The type object of cells.
pub static CELL: TypeObject = TypeObject::define::<Cell>("cell")
    .doc("Create a new cell object.\n\n  contents\n    the contents of the cell. If not specified, the cell will be empty,\n    and \n further attempts to access its cell_contents attribute will\n    raise a ValueError.")
    .slots(Slots {
        new: Some(new),
        repr: Some(repr),
        compare: Some(compare_),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .getset(&[GetSet::new("cell_contents", contents, set_contents)]);

impl Cell {
    /// A cell, empty when there are no contents.
    pub fn new_value(contents: Option<Value>) -> Value {
        new_object(Cell { header: Header::new(&CELL), contents: ValueCell::new(contents) })
    }

    /// What is in it.
    #[inline(always)]
    pub fn get(&self) -> Option<Value> {
        self.contents.get()
    }

    /// The word of what is in it, 0 when empty.
    #[inline(always)]
    pub(crate) fn peek(&self) -> u64 {
        self.contents.peek_bits()
    }

    /// Fills or empties it.
    #[inline(always)]
    pub fn set(&self, contents: Option<Value>) {
        self.contents.set(contents);
    }

    /// Fills or empties it, returning what was there.
    #[inline]
    pub fn replace(&self, contents: Option<Value>) -> Option<Value> {
        self.contents.replace(contents)
    }
}

fn body(value: &Value) -> PyResult<&Cell> {
    value.exact::<Cell>().ok_or_else(|| type_error("expected a cell"))
}

fn new(_class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    match (args, kwnames) {
        ([], None) => Ok(Cell::new_value(None)),
        ([contents], None) => Ok(Cell::new_value(Some(contents.clone()))),
        (_, Some(_)) => Err(type_error("cell() takes no keyword arguments")),
        _ => Err(type_error(format!("cell expected at most 1 argument, got {}", args.len()))),
    }
}

fn repr(this: &Value) -> PyResult<Value> {
    Ok(Str::new_value(&match body(this)?.get() {
        None => format!("<cell at {:#x}: empty>", this.bits()),
        Some(contents) => {
            format!("<cell at {:#x}: {} object at {:#x}>", this.bits(), contents.ty().name(), contents.bits())
        }
    }))
}

fn compare_(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    let (Some(a), Some(b)) = (left.exact::<Cell>(), right.exact::<Cell>()) else { return Ok(Value::NOT_IMPLEMENTED) };
    match (a.get(), b.get()) {
        (Some(a), Some(b)) => compare::rich(&a, &b, op),
        (a, b) => Ok(Value::bool(op.holds(a.is_some().cmp(&b.is_some())))),
    }
}

fn contents(this: &Value) -> PyResult<Value> {
    body(this)?.get().ok_or_else(|| value_error("Cell is empty"))
}

fn set_contents(this: &Value, value: Option<&Value>) -> PyResult<()> {
    body(this)?.set(value.cloned());
    Ok(())
}
