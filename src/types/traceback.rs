//! The type `traceback`.

use crate::gc::Visit;
use crate::method;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::{Function, GetSet, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute};
use crate::types::exceptions::{type_error, value_error};
use crate::types::frame::Frame;
use crate::types::list::List;
use crate::types::str::Str;

/// The body of a traceback.
#[repr(C)]
pub struct Traceback {
    header: Header,
    next: ValueCell,
    frame: Value,
    last_instruction: i32,
    line: i32,
}

payload!(Traceback, TRACEBACK, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.next.visit(visit);
        visit(&self.frame);
    }
    fn clear_references(&self) {
        drop(self.next.take());
    }
});

/// The type object of tracebacks.
pub static TRACEBACK: TypeObject = TypeObject::define::<Traceback>("traceback")
    .doc("TracebackType(tb_next, tb_frame, tb_lasti, tb_lineno)\n--\n\nCreate a new traceback object.")
    .slots(Slots { new: Some(new), getattr: Some(attribute::generic_get), ..Slots::EMPTY })
    .methods(&[method!(dir, "!__dir__($self, /)", "")])
    .getset(&[
        GetSet::new("tb_next", |this| Ok(body(this)?.next.get().unwrap_or(Value::NONE)), set_next),
        GetSet::member("tb_frame", |this| Ok(body(this)?.frame.clone())),
        GetSet::member("tb_lasti", |this| Ok(Value::int(body(this)?.last_instruction.into()))),
        GetSet::member("tb_lineno", |this| Ok(Value::int(body(this)?.line.into()))),
    ]);

fn body(value: &Value) -> PyResult<&Traceback> {
    value.exact::<Traceback>().ok_or_else(|| type_error("expected a traceback"))
}

impl Traceback {
    /// One level: the frame, the offset of its last instruction, its line, and the levels below.
    pub fn new_value(next: Option<Value>, frame: Value, last_instruction: i32, line: i32) -> Value {
        new_object(Traceback {
            header: Header::new(&TRACEBACK),
            next: ValueCell::new(next),
            frame,
            last_instruction,
            line,
        })
    }

    /// The level below.
    pub fn next(&self) -> Option<Value> {
        self.next.get()
    }

    /// Sets `tb_next`, which must make no loop.
    pub(crate) fn set_next(&self, next: Option<Value>) {
        self.next.set(next);
    }

    /// The frame.
    pub fn frame(&self) -> &Value {
        &self.frame
    }

    /// The line.
    pub fn line(&self) -> i32 {
        self.line
    }

    /// Offset of the last instruction.
    pub fn last_instruction(&self) -> i32 {
        self.last_instruction
    }
}

static NEW: Function =
    Function::new("TracebackType($type, tb_next, tb_frame, tb_lasti, tb_lineno)", "", thunk(construct));

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let mut all = Vec::with_capacity(args.len() + 1);
    all.push(class.clone());
    all.extend_from_slice(args);
    NEW.call(&all, kwnames)
}

fn construct(_class: &Value, next: &Value, frame: &Value, last_instruction: i32, line: i32) -> PyResult<Value> {
    if !frame.is_exact::<Frame>() {
        return Err(type_error(format!(
            "TracebackType() argument 'tb_frame' must be frame, not {}",
            frame.ty().name()
        )));
    }
    if !next.is_none() && !next.is_exact::<Traceback>() {
        return Err(type_error(format!("expected traceback object or None, got '{}'", next.ty().name())));
    }
    let next = Some(next.clone()).filter(|next| !next.is_none());
    Ok(Traceback::new_value(next, frame.clone(), last_instruction, line))
}

fn dir(_this: &Traceback) -> Value {
    List::from_vec(["tb_frame", "tb_next", "tb_lasti", "tb_lineno"].into_iter().map(Str::new_value).collect())
}

fn set_next(this: &Value, value: Option<&Value>) -> PyResult<()> {
    let Some(value) = value else { return Err(type_error("can't delete tb_next attribute")) };
    if value.is_none() {
        body(this)?.next.set(None);
        return Ok(());
    }
    if !value.is_exact::<Traceback>() {
        return Err(type_error(format!("expected traceback object, got '{}'", value.ty().name())));
    }
    let mut at = Some(value.clone());
    while let Some(level) = at {
        if level.is(this) {
            return Err(value_error("traceback loop detected"));
        }
        at = body(&level)?.next();
    }
    body(this)?.next.set(Some(value.clone()));
    Ok(())
}
