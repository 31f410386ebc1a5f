//! The type `function`.

use crate::gc::Visit;
use crate::name;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::{ValueCell, ValueVec};
use crate::object::{TypeFlags, TypeObject};
use crate::types::cell::Cell as CellBody;
use crate::types::code::Code;
use crate::types::dict::Dict;
use crate::types::exceptions::{type_error, value_error};
use crate::types::method::Method;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm;
use crate::vm::translate::Constants;
use std::cell::Cell;

/// The body of a function. What a call needs comes first.
#[repr(C)]
pub struct Function {
    header: Header,
    /// The translated code, addressed by its constants; null until the first call.
    pub(crate) constants: Cell<Constants>,
    /// The number of arguments with which a frame can be entered at once; `u32::MAX` when there is no such number.
    pub(crate) direct: Cell<u32>,
    pub(crate) code: ValueCell,
    pub(crate) globals: Value,
    pub(crate) defaults: ValueCell,
    pub(crate) keyword_defaults: ValueCell,
    pub(crate) closure: Option<Value>,
    name: ValueCell,
    qualname: ValueCell,
    doc: ValueCell,
    module: ValueCell,
    annotations: ValueCell,
    /// Code that was replaced: frames and generators of this function may run it still.
    retired: ValueVec,
}

payload!(Function, FUNCTION, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        visit(&self.globals);
        self.closure.iter().for_each(&mut *visit);
        self.code.visit(visit);
        self.defaults.visit(visit);
        self.keyword_defaults.visit(visit);
        self.name.visit(visit);
        self.qualname.visit(visit);
        self.doc.visit(visit);
        self.module.visit(visit);
        self.annotations.visit(visit);
        self.retired.for_each(visit);
    }
    fn clear_references(&self) {
        drop(self.defaults.take());
        drop(self.keyword_defaults.take());
        drop(self.doc.take());
        drop(self.module.take());
        drop(self.annotations.take());
    }
});

/// The type object of functions.
pub static FUNCTION: TypeObject = TypeObject::define::<Function>("function")
    .flags(TypeFlags::METHOD_DESCRIPTOR.and(TypeFlags::VECTORCALL))
    .with_attributes()
    .with_weakrefs()
    .doc("Create a function object.\n\n  code\n    a code object\n  globals\n    the globals dictionary\n  name\n    a string that overrides the name from the code object\n  argdefs\n    a tuple that specifies the default argument values\n  closure\n    a tuple that supplies the bindings for free variables")
    .slots(Slots {
        new: Some(new),
        call: Some(vm::call::call_function),
        repr: Some(repr),
        descr_get: Some(get),
        ..Slots::EMPTY
    })
    .getset(GETSET);

const GETSET: &[GetSet] = &[
    GetSet::new("__code__", |this| Ok(body(this)?.code.get().unwrap_or(Value::NONE)), set_code),
    GetSet::member("__globals__", |this| Ok(body(this)?.globals.clone())),
    GetSet::member("__closure__", |this| Ok(body(this)?.closure.clone().unwrap_or(Value::NONE))),
    GetSet::new("__defaults__", |this| Ok(body(this)?.defaults.get().unwrap_or(Value::NONE)), set_defaults),
    GetSet::new(
        "__kwdefaults__",
        |this| Ok(body(this)?.keyword_defaults.get().unwrap_or(Value::NONE)),
        set_keyword_defaults,
    ),
    GetSet::new("__annotations__", annotations, set_annotations),
    GetSet::new("__name__", |this| Ok(body(this)?.name()), set_name),
    GetSet::new("__qualname__", |this| Ok(body(this)?.qualname()), set_qualname),
    GetSet::new(
        "__doc__",
        |this| Ok(body(this)?.doc.get().unwrap_or(Value::NONE)),
        |this, value| {
            body(this)?.doc.set(value.cloned());
            Ok(())
        },
    )
    .as_member(),
    GetSet::new(
        "__module__",
        |this| Ok(body(this)?.module.get().unwrap_or(Value::NONE)),
        |this, value| {
            body(this)?.module.set(value.cloned());
            Ok(())
        },
    )
    .as_member(),
    GetSet::new("__dict__", crate::types::type_::object_dict, crate::types::type_::set_builtin_dict),
];

fn body(value: &Value) -> PyResult<&Function> {
    value.exact::<Function>().ok_or_else(|| type_error("expected a function"))
}

impl Function {
    /// A function over a code object. As `PyFunction_NewWithQualName`.
    pub fn new_value(code: &Value, globals: &Value, qualname: Option<&Value>, closure: Option<Value>) -> Value {
        let fields = code.exact::<Code>().map(|code| &code.fields);
        let name = fields.map(|fields| fields.name.clone());
        // The first constant is the docstring when it is a str.
        let doc = fields
            .and_then(|fields| fields.consts.downcast::<Tuple>()?.get(0).cloned())
            .filter(|first| first.downcast::<Str>().is_some());
        let module = globals.downcast::<Dict>().and_then(|globals| globals.get_str(name!("__name__")));
        new_instance(
            &FUNCTION,
            Function {
                header: Header::new(&FUNCTION),
                constants: Cell::new(Constants::NULL),
                direct: Cell::new(u32::MAX),
                code: ValueCell::new(Some(code.clone())),
                globals: globals.clone(),
                defaults: ValueCell::EMPTY,
                keyword_defaults: ValueCell::EMPTY,
                closure,
                qualname: ValueCell::new(qualname.cloned().or_else(|| name.clone())),
                name: ValueCell::new(name),
                doc: ValueCell::new(doc),
                module: ValueCell::new(module),
                annotations: ValueCell::EMPTY,
                retired: ValueVec::default(),
            },
        )
    }

    /// `__name__`.
    pub fn name(&self) -> Value {
        self.name.get().unwrap_or(Value::NONE)
    }

    /// `__qualname__`.
    pub fn qualname(&self) -> Value {
        self.qualname.get().unwrap_or(Value::NONE)
    }

    /// `__code__`.
    pub fn code(&self) -> Option<Value> {
        self.code.get()
    }

    /// `__globals__`.
    pub fn globals(&self) -> &Value {
        &self.globals
    }

    /// Sets `__defaults__`.
    pub fn set_defaults(&self, defaults: Option<Value>) {
        self.defaults.set(defaults);
    }

    /// Sets `__kwdefaults__`.
    pub fn set_keyword_defaults(&self, defaults: Option<Value>) {
        self.keyword_defaults.set(defaults);
    }

    /// Sets `__annotations__`.
    pub fn set_annotations(&self, annotations: Option<Value>) {
        self.annotations.set(annotations);
    }
}

fn new(_class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let (positional, keywords) = crate::object::call::split_keywords(args, kwnames);
    let names = ["code", "globals", "name", "argdefs", "closure"];
    let mut given: [Option<Value>; 5] = Default::default();
    if positional.len() > 5 {
        return Err(type_error(format!("function() takes at most 5 arguments ({} given)", positional.len())));
    }
    for (slot, value) in given.iter_mut().zip(positional) {
        *slot = Some(value.clone());
    }
    for (name, value) in keywords {
        let text = name.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default();
        match names.iter().position(|known| *known == text) {
            Some(index) => given[index] = Some(value.clone()),
            None => return Err(type_error(format!("'{text}' is an invalid keyword argument for function()"))),
        }
    }
    let [code, globals, name, defaults, closure] = given;
    let Some(code) = code else {
        return Err(type_error("function() missing required argument 'code' (pos 1)"));
    };
    let Some(globals) = globals else {
        return Err(type_error("function() missing required argument 'globals' (pos 2)"));
    };
    let Some(code_body) = code.exact::<Code>() else {
        return Err(type_error(format!("function() argument 'code' must be code, not {}", code.ty().name())));
    };
    if globals.downcast::<Dict>().is_none() {
        return Err(type_error(format!("function() argument 'globals' must be dict, not {}", globals.ty().name())));
    }
    let name = name.filter(|name| !name.is_none());
    if name.as_ref().is_some_and(|name| name.downcast::<Str>().is_none()) {
        return Err(type_error("arg 3 (name) must be None or string"));
    }
    let defaults = defaults.filter(|defaults| !defaults.is_none());
    if defaults.as_ref().is_some_and(|defaults| defaults.downcast::<Tuple>().is_none()) {
        return Err(type_error("arg 4 (defaults) must be None or tuple"));
    }
    let free = code_body.freevars().len();
    let closure = closure.filter(|closure| !closure.is_none());
    match &closure {
        Some(closure) => {
            let Some(cells) = closure.downcast::<Tuple>() else {
                return Err(type_error("arg 5 (closure) must be None or tuple"));
            };
            if cells.len() != free {
                return Err(value_error(format!(
                    "{} requires closure of length {free}, not {}",
                    code_body.name(),
                    cells.len()
                )));
            }
            for cell in cells.iter() {
                if !cell.is_exact::<CellBody>() {
                    return Err(type_error(format!("arg 5 (closure) expected cell, found {}", cell.ty().name())));
                }
            }
        }
        None if free > 0 => return Err(type_error("arg 5 (closure) must be tuple")),
        None => {}
    }
    let function = Function::new_value(&code, &globals, None, closure);
    let this = body(&function)?;
    if name.is_some() {
        this.name.set(name);
    }
    this.defaults.set(defaults);
    Ok(function)
}

fn get(this: &Value, object: Option<&Value>, _owner: &Value) -> PyResult<Value> {
    match object {
        Some(object) => Ok(Method::new_value(this.clone(), object.clone())),
        None => Ok(this.clone()),
    }
}

fn repr(this: &Value) -> PyResult<Value> {
    let name = body(this)?.qualname().downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default();
    Ok(Str::new_value(&format!("<function {name} at {:#x}>", this.bits())))
}

fn set_code(this: &Value, value: Option<&Value>) -> PyResult<()> {
    let function = body(this)?;
    let Some((value, code)) = value.and_then(|value| Some((value, value.exact::<Code>()?))) else {
        return Err(type_error("__code__ must be set to a code object"));
    };
    let free = code.freevars().len();
    let closed = function.closure.as_ref().and_then(|closure| closure.downcast::<Tuple>()).map_or(0, Tuple::len);
    if free != closed {
        return Err(value_error(format!(
            "{}() requires a code object with {closed} free vars, not {free}",
            function.name().downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default()
        )));
    }
    function.direct.set(u32::MAX);
    function.constants.set(Constants::NULL);
    if let Some(old) = function.code.replace(Some(value.clone()))
        && !(0..function.retired.len()).any(|index| function.retired.peek_bits(index) == Some(old.bits()))
    {
        function.retired.push(old);
    }
    Ok(())
}

fn set_defaults(this: &Value, value: Option<&Value>) -> PyResult<()> {
    let value = value.filter(|value| !value.is_none());
    if value.is_some_and(|value| value.downcast::<Tuple>().is_none()) {
        return Err(type_error("__defaults__ must be set to a tuple object"));
    }
    body(this)?.defaults.set(value.cloned());
    Ok(())
}

fn set_keyword_defaults(this: &Value, value: Option<&Value>) -> PyResult<()> {
    let value = value.filter(|value| !value.is_none());
    if value.is_some_and(|value| value.downcast::<Dict>().is_none()) {
        return Err(type_error("__kwdefaults__ must be set to a dict object"));
    }
    body(this)?.keyword_defaults.set(value.cloned());
    Ok(())
}

fn annotations(this: &Value) -> PyResult<Value> {
    let cell = &body(this)?.annotations;
    Ok(match cell.get() {
        Some(annotations) => annotations,
        None => {
            let dict = Dict::new_value();
            cell.set(Some(dict.clone()));
            dict
        }
    })
}

fn set_annotations(this: &Value, value: Option<&Value>) -> PyResult<()> {
    let value = value.filter(|value| !value.is_none());
    if value.is_some_and(|value| value.downcast::<Dict>().is_none()) {
        return Err(type_error("__annotations__ must be set to a dict object"));
    }
    body(this)?.annotations.set(value.cloned());
    Ok(())
}

fn set_name(this: &Value, value: Option<&Value>) -> PyResult<()> {
    match value.filter(|value| value.downcast::<Str>().is_some()) {
        Some(value) => {
            body(this)?.name.set(Some(value.clone()));
            Ok(())
        }
        None => Err(type_error("__name__ must be set to a string object")),
    }
}

fn set_qualname(this: &Value, value: Option<&Value>) -> PyResult<()> {
    match value.filter(|value| value.downcast::<Str>().is_some()) {
        Some(value) => {
            body(this)?.qualname.set(Some(value.clone()));
            Ok(())
        }
        None => Err(type_error("__qualname__ must be set to a string object")),
    }
}
