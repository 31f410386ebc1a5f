//! The type `frame`: a frame that somebody looks at.
//!
//! While the frame runs, the object reads its registers; when it ends, the object takes the variables over.

use crate::gc::Visit;
use crate::method;
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
use crate::types::exceptions::{runtime_error, type_error};
use crate::types::function::Function;
use crate::types::generator::{self, Generator};
use crate::types::str::Str;
use crate::vm::frame::Place;
use crate::vm::translate::Meta;
use crate::vm::{runtime, thread, trace_jump};
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
    /// The generator that keeps the registers while it is suspended; it outlives its hold on them.
    generator: Cell<*const Generator>,
    traces_lines: Cell<bool>,
    traces_opcodes: Cell<bool>,
    /// `f_lineno` as a traced frame has it: the line last told.
    line: Cell<i32>,
    /// The instructions of that line, and the one told before: as the variables of `_PyEval_EvalFrameDefault`.
    first: Cell<i32>,
    end: Cell<i32>,
    previous: Cell<i32>,
    /// `f_lineno` may be set now.
    jumpable: Cell<bool>,
    /// Where `f_lineno` was set to; negative if it was not.
    jump: Cell<i64>,
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
    .slots(Slots {
        repr: Some(repr),
        getattr: Some(attribute::generic_get),
        setattr: Some(attribute::generic_set),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(clear, "!clear($self, /)", "F.clear(): clear most references held by the frame"),
        method!(size_of, "!__sizeof__($self, /)", "F.__sizeof__() -> size of F in memory, in bytes"),
    ])
    .getset(&[
        GetSet::member("f_back", |this| Ok(back(this)?.unwrap_or(Value::NONE))),
        GetSet::member("f_code", |this| Ok(body(this)?.code.clone())),
        GetSet::member("f_globals", globals),
        GetSet::member("f_builtins", |this| {
            let globals = globals(this)?;
            Ok(globals.downcast::<Dict>().and_then(runtime::builtins_of).unwrap_or(Value::NONE))
        }),
        GetSet::read_only("f_locals", locals_of),
        GetSet::member("f_lasti", |this| Ok(Value::int(body(this)?.last_instruction().into()))),
        GetSet::new(
            "f_lineno",
            |this| Ok(Value::int(body(this)?.line().into())),
            |this, value| trace_jump::set_line(body(this)?, value),
        ),
        GetSet {
            name: "f_trace_lines",
            get: |this| Ok(Value::bool(body(this)?.traces_lines.get())),
            set: Some(|this, value| {
                body(this)?.traces_lines.set(to_flag(value)?);
                Ok(())
            }),
            doc: None,
            member: true,
        },
        GetSet {
            name: "f_trace_opcodes",
            get: |this| Ok(Value::bool(body(this)?.traces_opcodes.get())),
            set: Some(|this, value| {
                body(this)?.traces_opcodes.set(to_flag(value)?);
                Ok(())
            }),
            doc: None,
            member: true,
        },
        GetSet::new(
            "f_trace",
            |this| Ok(body(this)?.trace.get().unwrap_or(Value::NONE)),
            |this, value| {
                let body = body(this)?;
                body.line.set(body.line());
                body.trace.set(value.filter(|value| !value.is_none()).cloned());
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
        // Not the function's, which may have got another since.
        // SAFETY: the constants of code that runs.
        let code = Value::of(unsafe { Meta::of(k) }.code());
        let line = code.exact::<Code>().map_or(0, |code| code.fields.firstlineno);
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
            generator: Cell::new(std::ptr::null()),
            traces_lines: Cell::new(true),
            traces_opcodes: Cell::new(false),
            line: Cell::new(line),
            first: Cell::new(0),
            end: Cell::new(-1),
            previous: Cell::new(-1),
            jumpable: Cell::new(false),
            jump: Cell::new(-1),
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
        self.generator.set(std::ptr::null());
        self.jumpable.set(false);
        self.last.set(last);
        drop(self.variables.replace(variables));
        self.back.set(back);
    }

    fn place(&self) -> Option<Place> {
        let registers = self.registers.get();
        if registers.is_null() {
            return None;
        }
        let within = |thread| {
            let mut place = Place::current(thread);
            while let Some(found) = place {
                if std::ptr::eq(found.fp, registers) {
                    return Some(found);
                }
                place = found.caller();
            }
            None
        };
        // Few look at the frames of another thread.
        within(thread::current()).or_else(|| thread::all().into_iter().find_map(within))
    }

    /// The offset of the instruction that the frame stands at; -1 before the first.
    pub(crate) fn last_instruction(&self) -> i32 {
        if let Ok(offset) = i32::try_from(self.jump.get())
            && offset >= 0
        {
            return offset;
        }
        self.place().map_or(self.last.get(), Place::last_instruction)
    }

    /// `f_lineno`.
    pub(crate) fn line(&self) -> i32 {
        match self.traced_line() {
            Some(line) => line,
            None => self.code().map_or(0, |code| code.line_of(self.last_instruction())),
        }
    }

    /// The line last told, while there is a trace function.
    pub(crate) fn traced_line(&self) -> Option<i32> {
        self.trace.is_some().then(|| self.line.get())
    }

    /// The local trace function.
    pub(crate) fn trace(&self) -> Option<Value> {
        self.trace.get()
    }

    /// Sets or unsets the local trace function.
    pub(crate) fn keep_trace(&self, function: Option<Value>) {
        self.trace.set(function);
    }

    pub(crate) fn traces_lines(&self) -> bool {
        self.traces_lines.get()
    }

    pub(crate) fn traces_opcodes(&self) -> bool {
        self.traces_opcodes.get()
    }

    /// Whether `f_lineno` may be set now.
    pub(crate) fn is_jumpable(&self) -> bool {
        self.jumpable.get()
    }

    pub(crate) fn set_jumpable(&self, jumpable: bool) {
        self.jumpable.set(jumpable);
    }

    /// Makes the frame go on at another offset.
    pub(crate) fn jump(&self, offset: u32, line: i32) {
        self.line.set(line);
        self.jump.set(offset.into());
    }

    /// Makes `f_lasti` another one than that of the instruction at hand, or ends that.
    pub(crate) fn stand_at(&self, offset: Option<u32>) {
        self.jump.set(offset.map_or(-1, i64::from));
    }

    /// Where the frame has been told to go on, once.
    pub(crate) fn take_jump(&self) -> Option<u32> {
        u32::try_from(self.jump.replace(-1)).ok()
    }

    /// An instruction is about to be executed: whether a line begins there, or a jump back led there.
    pub(crate) fn advance(&self, code: &Code, here: i32) -> bool {
        let mut line = self.line.get();
        if here < self.first.get() || here >= self.end.get() {
            let bounds = code.line_bounds(here);
            line = bounds.0;
            self.first.set(bounds.1);
            self.end.set(bounds.2);
        }
        let begins = here == self.first.get() || here < self.previous.get();
        if begins {
            self.line.set(line);
        }
        begins
    }

    /// Notes which instruction is being executed.
    pub(crate) fn set_previous(&self, offset: i32) {
        self.previous.set(offset);
    }

    /// The frame goes on: nothing has been told yet.
    fn forget_lines(&self) {
        self.first.set(0);
        self.end.set(-1);
        self.previous.set(-1);
    }

    /// Writes a variable by register, or unbinds it.
    fn set_variable(&self, index: usize, value: Option<Value>) {
        let registers = self.registers.get();
        let value = value.unwrap_or(Value::UNBOUND);
        let old = if registers.is_null() {
            self.variables.set(index, value).unwrap_or(Value::NONE)
        } else {
            // SAFETY: as for `variable`; the old value is dropped when the register holds the new one.
            unsafe {
                if index >= Meta::of(self.k.get()).named as usize {
                    return;
                }
                Value::from_bits(std::mem::replace(&mut *registers.add(index), value.into_bits()))
            }
        };
        drop(old);
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
        frame.generator.set(std::ptr::null());
        frame.forget_lines();
    }
}

/// The frame runs another translation of its code.
pub(crate) fn set_code(object: &Value, k: *const u64) {
    if let Some(frame) = object.exact::<Frame>() {
        frame.k.set(k);
    }
}

/// A suspended generator's frame has moved.
pub(crate) fn set_registers(object: &Value, registers: *mut u64) {
    if let Some(frame) = object.exact::<Frame>() {
        frame.registers.set(registers);
    }
}

/// A generator's frame is off the stack: its registers stand where the generator keeps them, at an instruction.
pub(crate) fn set_suspended(object: &Value, generator: &Generator, last: i32) {
    if let Some(frame) = object.exact::<Frame>() {
        frame.last.set(last);
        frame.registers.set(generator.fp());
        frame.generator.set(generator);
        // As CPython has it: the frame is not executing, but what it stands at is a yield.
        frame.jumpable.set(true);
    }
}

/// Gives a frame a namespace: module and class bodies.
pub(crate) fn set_locals(object: &Value, namespace: Value) {
    if let Some(frame) = object.exact::<Frame>() {
        frame.locals.set(Some(namespace));
    }
}

/// The namespace of a frame, but of one whose variables are in registers only.
pub(crate) fn locals(object: &Value) -> Option<Value> {
    let frame = object.exact::<Frame>()?;
    let code = frame.code()?;
    if code.has_flag(flags::OPTIMIZED) && code.has_flag(flags::NEWLOCALS) {
        return None;
    }
    Some(frame.namespace(code))
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

fn to_flag(value: Option<&Value>) -> PyResult<bool> {
    match value {
        None => Err(type_error("can't delete numeric/char attribute")),
        Some(value) if value.is(&Value::TRUE) => Ok(true),
        Some(value) if value.is(&Value::FALSE) => Ok(false),
        Some(_) => Err(type_error("attribute value type must be bool")),
    }
}

/// `frame.clear()`: a suspended generator is closed first.
fn clear(this: &Value) -> PyResult<()> {
    let frame = body(this)?;
    if frame.place().is_some() {
        return Err(runtime_error("cannot clear an executing frame"));
    }
    let generator = frame.generator.get();
    if !frame.registers.get().is_null() && !generator.is_null() {
        // SAFETY: a generator that keeps registers lives; its end takes them from the frame.
        let generator = Value::of(unsafe { &*generator });
        generator::finalize(&generator);
        generator::give_up(&generator);
    }
    drop(frame.trace.take());
    drop(frame.variables.take());
    Ok(())
}

/// The size of CPython's structure.
impl Frame {
    /// The namespace, made if there is none: code that does not want a new one uses the globals. As `_PyFrame_New_NoTrack`.
    fn namespace(&self, code: &Code) -> Value {
        if let Some(locals) = self.locals.get() {
            return locals;
        }
        let function = self.function.exact::<Function>().filter(|_| !code.has_flag(flags::NEWLOCALS));
        let locals = function.map_or_else(Dict::new_value, |function| function.globals().clone());
        self.locals.set(Some(locals.clone()));
        locals
    }
}

fn size_of(this: &Value) -> PyResult<usize> {
    let frame = body(this)?;
    let Some(code) = frame.code() else { return Ok(368) };
    let variables = code.fields.nlocals as usize + code.cellvars().len() + code.freevars().len();
    Ok(368 + 8 * (code.fields.stacksize as usize + variables) - 8)
}

/// Takes the variables from the namespace that the frame shows: what is not there becomes unbound. As
/// `PyFrame_LocalsToFast` with its flag set.
pub(crate) fn locals_to_variables(this: &Value) {
    let Some(frame) = this.exact::<Frame>() else { return };
    let (Some(code), Some(locals)) = (frame.code(), frame.locals.get()) else { return };
    let read = |name: &Value| match locals.exact::<Dict>() {
        Some(dict) => dict.get(name).ok().flatten(),
        None => crate::object::sequence::get_item(&locals, name).ok(),
    };
    let count = code.fields.nlocals as usize;
    for (index, name) in code.varnames().iter().enumerate().take(count) {
        let value = read(name);
        let same = match (&value, frame.variable(index)) {
            (Some(value), Some(old)) => value.is(&old),
            (None, None) => true,
            _ => false,
        };
        if !same {
            frame.set_variable(index, value);
        }
    }
    let free = if code.has_flag(flags::OPTIMIZED) { code.freevars() } else { &[] };
    for (index, name) in code.cellvars().iter().chain(free).enumerate() {
        if let Some(cell) = frame.variable(count + index)
            && let Some(cell) = cell.exact::<PyCell>()
        {
            cell.set(read(name));
        }
    }
}

/// `f_locals`: the namespace; for a function, a dict brought up to date each time. As `PyFrame_FastToLocals`.
///
/// # Errors
/// None in practice: the names are strs.
pub fn locals_of(this: &Value) -> PyResult<Value> {
    let frame = body(this)?;
    let Some(code) = frame.code() else { return Ok(Dict::new_value()) };
    let dict_value = frame.namespace(code);
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
    Ok(Str::new_value(&format!("<frame at {:#x}, file {file}, line {}, code {name}>", this.bits(), frame.line())))
}
