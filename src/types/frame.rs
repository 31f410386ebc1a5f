//! The type `frame`: a frame that somebody looks at.
//!
//! While the frame runs, the object reads its registers; when it ends, the object takes the variables over.

use crate::gc::Visit;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::{ValueCell, ValueVec};
use crate::object::{TypeObject, attribute};
use crate::types::cell::Cell as PyCell;
use crate::types::code::{Code, flags};
use crate::types::dict::Dict;
use crate::types::exceptions::type_error;
use crate::types::function::Function;
use crate::types::str::Str;
use crate::vm::frame::Place;
use crate::vm::translate::Meta;
use crate::vm::{runtime, thread};
use std::cell::Cell;

/// The body of a frame object.
#[repr(C)]
pub struct Frame {
    header: Header,
    function: Value,
    code: Value,
    /// The registers while the frame is on the stack; null else.
    registers: Cell<*mut u64>,
    k: Cell<*const u64>,
    /// The variables once the frame has ended.
    variables: ValueVec,
    back: ValueCell,
    last: Cell<i32>,
    /// The namespace of module and class bodies, or the dict made of a function's variables.
    locals: ValueCell,
    trace: ValueCell,
}

payload!(Frame, FRAME, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.function);
        visit(&self.code);
        self.variables.for_each(visit);
        self.back.visit(visit);
        self.locals.visit(visit);
        self.trace.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.variables.take());
        drop(self.locals.take());
        drop(self.trace.take());
    }
});

/// The type object of frames.
pub static FRAME: TypeObject = TypeObject::define::<Frame>("frame")
    .slots(Slots { repr: Some(repr), getattr: Some(attribute::generic_get), ..Slots::EMPTY })
    .getset(&[
        GetSet::read_only("f_back", |this| Ok(back(this)?.unwrap_or(Value::NONE))),
        GetSet::read_only("f_code", |this| Ok(body(this)?.code.clone())),
        GetSet::read_only("f_globals", globals),
        GetSet::read_only("f_builtins", |this| {
            let globals = globals(this)?;
            Ok(globals.downcast::<Dict>().and_then(runtime::builtins_of).unwrap_or(Value::NONE))
        }),
        GetSet::read_only("f_locals", locals_of),
        GetSet::read_only("f_lasti", |this| Ok(Value::int(last_instruction(this)?.into()))),
        GetSet::read_only("f_lineno", |this| Ok(Value::int(line(this)?.into()))),
        GetSet::new(
            "f_trace",
            |this| Ok(body(this)?.trace.get().unwrap_or(Value::NONE)),
            |this, value| {
                body(this)?.trace.set(value.filter(|value| !value.is_none()).cloned());
                Ok(())
            },
        ),
    ]);

fn body(value: &Value) -> PyResult<&Frame> {
    value.exact::<Frame>().ok_or_else(|| type_error("expected a frame"))
}

impl Frame {
    /// A frame object for a frame on the stack.
    pub(crate) fn new_value(function: Value, registers: *mut u64, k: *const u64) -> Value {
        let code = function.exact::<Function>().and_then(Function::code).unwrap_or(Value::NONE);
        new_object(Frame {
            header: Header::new(&FRAME),
            function,
            code,
            registers: Cell::new(registers),
            k: Cell::new(k),
            variables: ValueVec::default(),
            back: ValueCell::EMPTY,
            last: Cell::new(-1),
            locals: ValueCell::EMPTY,
            trace: ValueCell::EMPTY,
        })
    }

    /// The code.
    pub fn code(&self) -> Option<&Code> {
        self.code.exact::<Code>()
    }

    /// Notes that the frame has ended, with its variables and the frame that called it.
    pub(crate) fn finish(&self, variables: Vec<Value>, back: Option<Value>, last: i32) {
        self.registers.set(std::ptr::null_mut());
        self.k.set(std::ptr::null());
        self.last.set(last);
        drop(self.variables.replace(variables));
        self.back.set(back);
    }

    fn place(&self) -> Option<Place> {
        let registers = self.registers.get();
        if registers.is_null() {
            return None;
        }
        let mut place = Place::current(thread::current());
        while let Some(found) = place {
            if std::ptr::eq(found.fp, registers) {
                return Some(found);
            }
            place = found.caller();
        }
        None
    }

    /// The value of a variable by register: local, cell or free.
    fn variable(&self, index: usize) -> Option<Value> {
        let registers = self.registers.get();
        let value = if registers.is_null() {
            self.variables.get(index)?
        } else {
            // SAFETY: the frame is on the stack, or its generator keeps the registers: index is below `named`.
            unsafe {
                let meta = Meta::of(self.k.get());
                if index >= meta.named as usize {
                    return None;
                }
                let value = std::mem::ManuallyDrop::new(Value::from_bits(*registers.add(index)));
                (*value).clone()
            }
        };
        if value.is_unbound() { None } else { Some(value) }
    }
}

/// A generator's frame goes on at other registers.
pub(crate) fn set_running(object: &Value, registers: *mut u64) {
    if let Some(frame) = object.exact::<Frame>() {
        frame.registers.set(registers);
    }
}

/// A generator's frame is off the stack: its registers stand where the generator keeps them, at an instruction.
pub(crate) fn set_suspended(object: &Value, registers: *mut u64, last: i32) {
    if let Some(frame) = object.exact::<Frame>() {
        frame.last.set(last);
        frame.registers.set(registers);
    }
}

/// Gives a frame a namespace: module and class bodies.
pub(crate) fn set_locals(object: &Value, namespace: Value) {
    if let Some(frame) = object.exact::<Frame>() {
        frame.locals.set(Some(namespace));
    }
}

/// The namespace of a frame that has one.
pub(crate) fn locals(object: &Value) -> Option<Value> {
    let frame = object.exact::<Frame>()?;
    if frame.code().is_some_and(|code| code.has_flag(flags::OPTIMIZED)) {
        return None;
    }
    frame.locals.get()
}

fn globals(this: &Value) -> PyResult<Value> {
    Ok(body(this)?.function.exact::<Function>().map_or(Value::NONE, |function| function.globals().clone()))
}

fn back(this: &Value) -> PyResult<Option<Value>> {
    let frame = body(this)?;
    Ok(match frame.place() {
        Some(place) => place.caller().map(Place::object),
        None => frame.back.get(),
    })
}

fn last_instruction(this: &Value) -> PyResult<i32> {
    let frame = body(this)?;
    Ok(frame.place().map_or(frame.last.get(), Place::last_instruction))
}

fn line(this: &Value) -> PyResult<i32> {
    let last = last_instruction(this)?;
    Ok(body(this)?.code().map_or(0, |code| code.line_of(last)))
}

/// `f_locals`: the namespace; for a function, a dict brought up to date each time. As `PyFrame_FastToLocals`.
///
/// # Errors
/// None in practice: the names are strs.
pub fn locals_of(this: &Value) -> PyResult<Value> {
    let frame = body(this)?;
    let Some(code) = frame.code() else { return Ok(Dict::new_value()) };
    let dict_value = match frame.locals.get() {
        Some(locals) => locals,
        None => {
            let dict = Dict::new_value();
            frame.locals.set(Some(dict.clone()));
            dict
        }
    };
    let update = |name: &Value, value: Option<Value>| -> PyResult<()> {
        match dict_value.exact::<Dict>() {
            Some(dict) => match value {
                Some(value) => dict.set(name, value),
                None => dict.remove(name).map(drop),
            },
            None => match value {
                Some(value) => crate::object::sequence::set_item(&dict_value, name, value),
                None => {
                    let _absent_is_fine = crate::object::sequence::delete_item(&dict_value, name);
                    Ok(())
                }
            },
        }
    };
    let locals = code.fields.nlocals as usize;
    for (index, name) in code.varnames().iter().enumerate().take(locals) {
        if code.has_flag(flags::OPTIMIZED) || frame.variable(index).is_some() {
            update(name, frame.variable(index))?;
        }
    }
    let cells = code.cellvars().len();
    let contents = |index: usize| frame.variable(index).and_then(|cell| cell.exact::<PyCell>().and_then(PyCell::get));
    for (index, name) in code.cellvars().iter().enumerate() {
        update(name, contents(locals + index))?;
    }
    if code.has_flag(flags::OPTIMIZED) {
        for (index, name) in code.freevars().iter().enumerate() {
            update(name, contents(locals + cells + index))?;
        }
    }
    Ok(dict_value)
}

fn repr(this: &Value) -> PyResult<Value> {
    let frame = body(this)?;
    let (file, name) = frame.code().map(|code| (code.filename(), code.name())).unwrap_or_default();
    let file = crate::object::text::repr_string(&Str::new_value(&file))?;
    Ok(Str::new_value(&format!("<frame at {:#x}, file {file}, line {}, code {name}>", this.bits(), line(this)?)))
}
