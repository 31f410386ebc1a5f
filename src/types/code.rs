//! The type `code`.

use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::GetSet;
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Payload, Value};
use crate::object::{TypeObject, attribute, compare, hash};
use crate::pyc::lnotab;
use crate::types::bytes::Bytes;
use crate::types::exceptions::type_error;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::translate::Translations;

/// `co_flags` bits.
pub mod flags {
    /// Locals are in registers.
    pub const OPTIMIZED: u32 = 0x1;
    /// Every call has locals of its own.
    pub const NEWLOCALS: u32 = 0x2;
    /// `*args`.
    pub const VARARGS: u32 = 0x4;
    /// `**kwargs`.
    pub const VARKEYWORDS: u32 = 0x8;
    /// A generator.
    pub const GENERATOR: u32 = 0x20;
    /// A coroutine.
    pub const COROUTINE: u32 = 0x80;
    /// A generator that may be awaited.
    pub const ITERABLE_COROUTINE: u32 = 0x100;
    /// An async generator.
    pub const ASYNC_GENERATOR: u32 = 0x200;
}

/// The fields of a code object.
pub struct Fields {
    /// `co_argcount`
    pub argcount: u32,
    /// `co_posonlyargcount`
    pub posonlyargcount: u32,
    /// `co_kwonlyargcount`
    pub kwonlyargcount: u32,
    /// `co_nlocals`
    pub nlocals: u32,
    /// `co_stacksize`
    pub stacksize: u32,
    /// `co_flags`
    pub flags: u32,
    /// `co_firstlineno`
    pub firstlineno: i32,
    /// `co_code`, bytes
    pub code: Value,
    /// `co_consts`, a tuple
    pub consts: Value,
    /// `co_names`, a tuple of interned strs
    pub names: Value,
    /// `co_varnames`, a tuple of interned strs
    pub varnames: Value,
    /// `co_freevars`, a tuple of interned strs
    pub freevars: Value,
    /// `co_cellvars`, a tuple of interned strs
    pub cellvars: Value,
    /// `co_filename`, a str
    pub filename: Value,
    /// `co_name`, a str
    pub name: Value,
    /// `co_lnotab`, bytes
    pub lnotab: Value,
}

/// The body of a code object.
#[repr(C)]
pub struct Code {
    header: Header,
    /// What CPython shows.
    pub fields: Fields,
    /// What the virtual machine made of it.
    pub(crate) translations: Translations,
}

// SAFETY: repr(C), header first.
unsafe impl Payload for Code {
    fn type_object() -> &'static TypeObject {
        &CODE
    }
}

/// The type object of code objects.
pub static CODE: TypeObject = TypeObject::define::<Code>("code")
    .slots(Slots {
        repr: Some(repr),
        compare: Some(compare_),
        hash: Some(hash_),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .getset(&[
        GetSet::member("co_argcount", |this| Ok(Value::int(body(this)?.fields.argcount.into()))),
        GetSet::member("co_posonlyargcount", |this| Ok(Value::int(body(this)?.fields.posonlyargcount.into()))),
        GetSet::member("co_kwonlyargcount", |this| Ok(Value::int(body(this)?.fields.kwonlyargcount.into()))),
        GetSet::member("co_nlocals", |this| Ok(Value::int(body(this)?.fields.nlocals.into()))),
        GetSet::member("co_stacksize", |this| Ok(Value::int(body(this)?.fields.stacksize.into()))),
        GetSet::member("co_flags", |this| Ok(Value::int(body(this)?.fields.flags.into()))),
        GetSet::member("co_code", |this| Ok(body(this)?.fields.code.clone())),
        GetSet::member("co_consts", |this| Ok(body(this)?.fields.consts.clone())),
        GetSet::member("co_names", |this| Ok(body(this)?.fields.names.clone())),
        GetSet::member("co_varnames", |this| Ok(body(this)?.fields.varnames.clone())),
        GetSet::member("co_freevars", |this| Ok(body(this)?.fields.freevars.clone())),
        GetSet::member("co_cellvars", |this| Ok(body(this)?.fields.cellvars.clone())),
        GetSet::member("co_filename", |this| Ok(body(this)?.fields.filename.clone())),
        GetSet::member("co_name", |this| Ok(body(this)?.fields.name.clone())),
        GetSet::member("co_firstlineno", |this| Ok(Value::int(body(this)?.fields.firstlineno.into()))),
        GetSet::member("co_lnotab", |this| Ok(body(this)?.fields.lnotab.clone())),
    ]);

fn body(value: &Value) -> PyResult<&Code> {
    value.exact::<Code>().ok_or_else(|| type_error("expected a code object"))
}

fn items(tuple: &Value) -> &[Value] {
    tuple.downcast::<Tuple>().map_or(&[], Tuple::as_slice)
}

impl Code {
    /// A code object.
    pub fn new_value(fields: Fields) -> Value {
        new_object(Code { header: Header::new(&CODE), fields, translations: Translations::default() })
    }

    /// The bytecode.
    pub fn bytecode(&self) -> &[u8] {
        self.fields.code.downcast::<Bytes>().map_or(&[], Bytes::as_slice)
    }

    /// The constants.
    pub fn consts(&self) -> &[Value] {
        items(&self.fields.consts)
    }

    /// The names.
    pub fn names(&self) -> &[Value] {
        items(&self.fields.names)
    }

    /// The local variables' names.
    pub fn varnames(&self) -> &[Value] {
        items(&self.fields.varnames)
    }

    /// The cell variables' names.
    pub fn cellvars(&self) -> &[Value] {
        items(&self.fields.cellvars)
    }

    /// The free variables' names.
    pub fn freevars(&self) -> &[Value] {
        items(&self.fields.freevars)
    }

    /// The line of the instruction at an offset.
    pub fn line_of(&self, offset: i32) -> i32 {
        let table = self.fields.lnotab.downcast::<Bytes>().map_or(&[][..], Bytes::as_slice);
        match u32::try_from(offset) {
            Ok(offset) => lnotab::line_of(table, self.fields.firstlineno, offset) as i32,
            Err(_) => self.fields.firstlineno,
        }
    }

    /// Whether a flag is set.
    pub fn has_flag(&self, flag: u32) -> bool {
        self.fields.flags & flag != 0
    }

    /// Number of parameters that take registers: positional, keyword-only, `*args`, `**kwargs`.
    pub fn parameter_count(&self) -> usize {
        (self.fields.argcount + self.fields.kwonlyargcount) as usize
            + usize::from(self.has_flag(flags::VARARGS))
            + usize::from(self.has_flag(flags::VARKEYWORDS))
    }

    /// `co_name` as text.
    pub fn name(&self) -> String {
        text_of(&self.fields.name)
    }

    /// `co_filename` as text.
    pub fn filename(&self) -> String {
        text_of(&self.fields.filename)
    }
}

fn text_of(value: &Value) -> String {
    value.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default()
}

fn repr(this: &Value) -> PyResult<Value> {
    let code = body(this)?;
    Ok(Str::new_value(&format!(
        "<code object {} at {:#x}, file \"{}\", line {}>",
        code.name(),
        this.bits(),
        code.filename(),
        code.fields.firstlineno
    )))
}

fn key(code: &Code) -> [&Value; 7] {
    let f = &code.fields;
    [&f.name, &f.code, &f.consts, &f.names, &f.varnames, &f.freevars, &f.cellvars]
}

fn compare_(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    let (Some(a), Some(b), Compare::Eq | Compare::Ne) = (left.exact::<Code>(), right.exact::<Code>(), op) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    let numbers = |f: &Fields| (f.argcount, f.posonlyargcount, f.kwonlyargcount, f.nlocals, f.flags, f.firstlineno);
    let mut same = numbers(&a.fields) == numbers(&b.fields);
    if same {
        for (x, y) in key(a).into_iter().zip(key(b)) {
            if !compare::equal(x, y)? {
                same = false;
                break;
            }
        }
    }
    Ok(Value::bool(same == (op == Compare::Eq)))
}

fn hash_(this: &Value) -> PyResult<i64> {
    let code = body(this)?;
    let f = &code.fields;
    let mut result = 0;
    for part in key(code) {
        result ^= hash::hash(part)?;
    }
    result ^= i64::from(f.argcount) ^ i64::from(f.posonlyargcount) ^ i64::from(f.kwonlyargcount);
    result ^= i64::from(f.nlocals) ^ i64::from(f.flags);
    Ok(if result == -1 { -2 } else { result })
}
