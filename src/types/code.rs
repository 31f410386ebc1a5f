//! The type `code`.

use crate::method;
use crate::object::call;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::{At, FromArg, Function, GetSet, Method, MethodKind, c_int};
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Payload, Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute, compare, hash};
use crate::pyc::lnotab;
use crate::types::bytes::Bytes;
use crate::types::exceptions::{system_error, type_error, value_error};
use crate::types::str::{Str, intern_value};
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
    /// `co_filename`, where the import system has found the code under another name than it was compiled with.
    moved: ValueCell,
}

payload!(Code, CODE);

/// The type object of code objects.
pub static CODE: TypeObject = TypeObject::define::<Code>("code")
    .with_weakrefs()
    .doc("code(argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize,\n      flags, codestring, constants, names, varnames, filename, name,\n      firstlineno, lnotab[, freevars[, cellvars]])\n\nCreate a code object.  Not for the faint of heart.")
    .slots(Slots {
        new: Some(new),
        repr: Some(repr),
        compare: Some(compare_),
        hash: Some(hash_),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(METHODS)
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
        GetSet::member("co_filename", |this| Ok(body(this)?.file())),
        GetSet::member("co_name", |this| Ok(body(this)?.fields.name.clone())),
        GetSet::member("co_firstlineno", |this| Ok(Value::int(body(this)?.fields.firstlineno.into()))),
        GetSet::member("co_lnotab", |this| Ok(body(this)?.fields.lnotab.clone())),
    ]);

const METHODS: &[Method] = &[
    Method {
        function: Function::new(
            "replace($self, /, *, co_argcount=-1, co_posonlyargcount=-1,\n        co_kwonlyargcount=-1, co_nlocals=-1, co_stacksize=-1,\n        co_flags=-1, co_firstlineno=-1, co_code=None, co_consts=None,\n        co_names=None, co_varnames=None, co_freevars=None,\n        co_cellvars=None, co_filename=None, co_name=None,\n        co_lnotab=None)",
            "Return a copy of the code object with new values for the specified fields.",
            replace,
        ),
        kind: MethodKind::Instance,
    },
    method!(sizeof, "!__sizeof__($self, /)", ""),
];

fn body(value: &Value) -> PyResult<&Code> {
    value.exact::<Code>().ok_or_else(|| type_error("expected a code object"))
}

fn items(tuple: &Value) -> &[Value] {
    tuple.downcast::<Tuple>().map_or(&[], Tuple::as_slice)
}

impl Code {
    /// A code object.
    pub fn new_value(fields: Fields) -> Value {
        new_object(Code {
            header: Header::new(&CODE),
            fields,
            translations: Translations::default(),
            moved: ValueCell::EMPTY,
        })
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

    /// The line of an offset, with the first offset of the instructions of that line around it and the one behind them. As
    /// `_PyCode_CheckLineNumber`.
    pub(crate) fn line_bounds(&self, offset: i32) -> (i32, i32, i32) {
        let table = self.fields.lnotab.downcast::<Bytes>().map_or(&[][..], Bytes::as_slice);
        let mut pairs = table.as_chunks::<2>().0.iter().map(|&[step, delta]| (i32::from(step), i32::from(delta as i8)));
        let (mut address, mut first, mut line) = (0i32, 0, self.fields.firstlineno);
        for (step, delta) in pairs.by_ref() {
            let next = address.saturating_add(step);
            if next > offset {
                let mut end = next;
                if delta == 0 {
                    for (step, delta) in pairs {
                        end = end.saturating_add(step);
                        if delta != 0 {
                            break;
                        }
                    }
                }
                return (line, first, end);
            }
            address = next;
            if delta != 0 {
                first = address;
            }
            line = line.saturating_add(delta);
        }
        (line, first, i32::MAX)
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

    /// `co_filename`.
    pub fn file(&self) -> Value {
        self.moved.get().unwrap_or_else(|| self.fields.filename.clone())
    }

    /// Gives this code and the code among its constants another `co_filename` where it is `old` now. As
    /// `update_code_filenames`.
    pub(crate) fn move_file(&self, old: &Str, new: &Value) {
        if !self.file().downcast::<Str>().is_some_and(|file| file.equals(old)) {
            return;
        }
        self.moved.set(Some(new.clone()));
        for constant in self.consts() {
            if let Some(code) = constant.exact::<Code>() {
                code.move_file(old, new);
            }
        }
    }

    /// `co_filename` as text.
    pub fn filename(&self) -> String {
        text_of(&self.file())
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

/// Whether a value is a tuple of interned strs, all of the exact types.
fn is_name_tuple(names: &Value) -> bool {
    let is_name = |name: &Value| name.exact::<Str>().is_some_and(Str::is_interned);
    names.exact::<Tuple>().is_some_and(|names| names.iter().all(is_name))
}

/// A tuple of names: exact strs, interned. As `validate_and_copy_tuple`.
fn name_tuple(names: &Value) -> PyResult<Value> {
    let mut checked = Vec::new();
    for name in items(names) {
        let Some(text) = name.downcast::<Str>() else {
            return Err(type_error(format!("name tuples must contain only strings, not '{}'", name.ty().name())));
        };
        if !name.is_exact::<Str>() {
            return Err(type_error(format!("name tuples must contain only strings, not '{}'", name.ty().name())));
        }
        checked.push(intern_value(name, text));
    }
    Ok(Tuple::from_vec(checked))
}

/// The numbers of a code object, as they were given: argument counts, locals, stack size, flags, first line.
pub(crate) struct Numbers {
    pub argcount: i32,
    pub posonlyargcount: i32,
    pub kwonlyargcount: i32,
    pub nlocals: i32,
    pub stacksize: i32,
    pub flags: i32,
    pub firstlineno: i32,
}

/// `CO_NOFREE`: neither free nor cell variables.
const NO_FREE: u32 = 0x40;

/// Makes a code object of parts that have the right types. As `PyCode_NewWithPosOnlyArgs`. What the bytecode itself may do
/// is verified before its first execution.
///
/// # Errors
/// `SystemError` for a negative number, `ValueError` for too few local variables, `TypeError` for names that are no strs.
pub(crate) fn make(numbers: &Numbers, parts: Parts) -> PyResult<Value> {
    let Numbers { argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize, flags, firstlineno } = *numbers;
    let unsigned = |number: i32| u32::try_from(number).ok();
    let bad = || system_error("Objects/codeobject.c:130: bad argument to internal function");
    if argcount < posonlyargcount {
        return Err(bad());
    }
    let (Some(argcount), Some(posonlyargcount), Some(kwonlyargcount), Some(nlocals), Some(stacksize), Some(mut flags)) = (
        unsigned(argcount),
        unsigned(posonlyargcount),
        unsigned(kwonlyargcount),
        unsigned(nlocals),
        unsigned(stacksize),
        unsigned(flags),
    ) else {
        return Err(bad());
    };
    let checked = |names: Value| if is_name_tuple(&names) { Ok(names) } else { name_tuple(&names) };
    let names = checked(parts.names)?;
    let varnames = checked(parts.varnames)?;
    let freevars = checked(parts.freevars)?;
    let cellvars = checked(parts.cellvars)?;
    if items(&freevars).is_empty() && items(&cellvars).is_empty() {
        flags |= NO_FREE;
    } else {
        flags &= !NO_FREE;
    }
    let total = u64::from(argcount)
        + u64::from(kwonlyargcount)
        + u64::from(flags & self::flags::VARARGS != 0)
        + u64::from(flags & self::flags::VARKEYWORDS != 0);
    if total > items(&varnames).len() as u64 {
        return Err(value_error("code: varnames is too small"));
    }
    Ok(Code::new_value(Fields {
        argcount,
        posonlyargcount,
        kwonlyargcount,
        nlocals,
        stacksize,
        flags,
        firstlineno,
        code: parts.code,
        consts: parts.consts,
        names,
        varnames,
        freevars,
        cellvars,
        filename: parts.filename,
        name: parts.name,
        lnotab: parts.lnotab,
    }))
}

/// The objects of a code object, each of the type it has to have.
pub(crate) struct Parts {
    pub code: Value,
    pub consts: Value,
    pub names: Value,
    pub varnames: Value,
    pub freevars: Value,
    pub cellvars: Value,
    pub filename: Value,
    pub name: Value,
    pub lnotab: Value,
}

/// Whether a parameter takes a number (`None`), or the name of the type it takes.
const PARAMETERS: [Option<&str>; 16] = [
    None,
    None,
    None,
    None,
    None,
    None,
    Some("bytes"),
    Some("tuple"),
    Some("tuple"),
    Some("tuple"),
    Some("str"),
    Some("str"),
    None,
    Some("bytes"),
    Some("tuple"),
    Some("tuple"),
];

/// Whether a value is of one of the three types by name, or a subclass.
fn has_type(value: &Value, ty: &str) -> bool {
    match ty {
        "bytes" => value.downcast::<Bytes>().is_some(),
        "tuple" => value.downcast::<Tuple>().is_some(),
        _ => value.downcast::<Str>().is_some(),
    }
}

/// `code(argcount, posonlyargcount, ...)`. As `code_new`.
fn new(_class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let positional = call::split_keywords(args, kwnames).0;
    let given = positional.len();
    if !(14..=16).contains(&given) {
        let (bound, count) = if given < 14 { ("at least", 14) } else { ("at most", 16) };
        return Err(type_error(format!("code() takes {bound} {count} arguments ({given} given)")));
    }
    let mut numbers = [0; 16];
    for (index, (value, expected)) in positional.iter().zip(PARAMETERS).enumerate() {
        match expected {
            None => numbers[index] = c_int(value, true)?,
            Some(expected) if !has_type(value, expected) => {
                let found = if value.is_none() { "None" } else { value.ty().name() };
                return Err(type_error(format!("code() argument {} must be {expected}, not {found}", index + 1)));
            }
            Some(_) => {}
        }
    }
    for (index, name) in [(0, "argcount"), (1, "posonlyargcount"), (2, "kwonlyargcount"), (3, "nlocals")] {
        if numbers[index] < 0 {
            return Err(value_error(format!("code: {name} must not be negative")));
        }
    }
    let at = |index: usize| positional.get(index).cloned().unwrap_or_else(Tuple::empty);
    make(
        &Numbers {
            argcount: numbers[0],
            posonlyargcount: numbers[1],
            kwonlyargcount: numbers[2],
            nlocals: numbers[3],
            stacksize: numbers[4],
            flags: numbers[5],
            firstlineno: numbers[12],
        },
        Parts {
            code: at(6),
            consts: at(7),
            names: name_tuple(&at(8))?,
            varnames: name_tuple(&at(9))?,
            filename: at(10),
            name: at(11),
            lnotab: at(13),
            freevars: name_tuple(&at(14))?,
            cellvars: name_tuple(&at(15))?,
        },
    )
}

/// `code.replace(...)`: `args` holds the code object and a value, perhaps unbound, for every parameter.
fn replace(function: &'static Function, args: &[Value]) -> PyResult<Value> {
    let this = args.first().ok_or_else(|| type_error("expected a code object"))?;
    let f = &body(this)?.fields;
    let given = |index: usize| args.get(index).filter(|value| !value.is_unbound());
    let mut numbers = [f.argcount, f.posonlyargcount, f.kwonlyargcount, f.nlocals, f.stacksize, f.flags, 0]
        .map(|number| i32::try_from(number).unwrap_or(i32::MAX));
    numbers[6] = f.firstlineno;
    for (index, number) in numbers.iter_mut().enumerate() {
        if let Some(value) = given(index + 1) {
            *number = c_int(value, false)?;
        }
    }
    fn part<T: Payload>(
        function: &'static Function,
        given: Option<&Value>,
        index: usize,
        own: &Value,
    ) -> PyResult<Value> {
        match given {
            None => Ok(own.clone()),
            Some(value) => {
                <&T as FromArg>::from_arg(value, At::new(function, index))?;
                Ok(value.clone())
            }
        }
    }
    let parts = Parts {
        code: part::<Bytes>(function, given(8), 8, &f.code)?,
        consts: part::<Tuple>(function, given(9), 9, &f.consts)?,
        names: part::<Tuple>(function, given(10), 10, &f.names)?,
        varnames: part::<Tuple>(function, given(11), 11, &f.varnames)?,
        freevars: part::<Tuple>(function, given(12), 12, &f.freevars)?,
        cellvars: part::<Tuple>(function, given(13), 13, &f.cellvars)?,
        filename: part::<Str>(function, given(14), 14, &f.filename)?,
        name: part::<Str>(function, given(15), 15, &f.name)?,
        lnotab: part::<Bytes>(function, given(16), 16, &f.lnotab)?,
    };
    let [argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize, flags, firstlineno] = numbers;
    for (number, name) in numbers.into_iter().zip([
        "co_argcount",
        "co_posonlyargcount",
        "co_kwonlyargcount",
        "co_nlocals",
        "co_stacksize",
        "co_flags",
        "co_firstlineno",
    ]) {
        if number < 0 {
            return Err(value_error(format!("{name} must be a positive integer")));
        }
    }
    make(&Numbers { argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize, flags, firstlineno }, parts)
}

/// CPython's `PyCodeObject` is 144 bytes; it counts the table of cells that are parameters, too.
fn sizeof(this: &Code) -> i64 {
    let parameters = this.parameter_count();
    let names: Vec<&Value> = this.varnames().iter().take(parameters).collect();
    let cells = this.cellvars();
    let has_table = cells.iter().any(|cell| names.iter().any(|name| name.is(cell)));
    144 + if has_table { 8 * cells.len() as i64 } else { 0 }
}
