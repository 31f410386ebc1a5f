//! The declaration layer of native functions.
//!
//! A native function is a plain Rust function with typed parameters. A table entry gives it its Python signature; from
//! that follow the checks of the arguments, CPython's error messages, defaults, `__text_signature__` and `__doc__`:
//!
//! ```ignore
//! fn append(this: &List, object: &Value) {
//!     this.push(object.clone());
//! }
//!
//! const METHODS: &[Method] = &[
//!     method!(append, "append($self, object, /)", "Append object to the end of the list."),
//! ];
//! ```
//!
//! Parameter types are those that implement [`FromArg`]; an argument with a default is an `Option`. `*args` arrives as
//! `&Tuple`, `**kwargs` as `&Dict`. What the function returns is anything that implements [`IntoResult`].

use super::error::PyResult;
use super::number;
use super::value::{Payload, Value};
use crate::types::dict::Dict;
use crate::types::exceptions::{overflow_error, type_error};
use crate::types::float::Float;
use crate::types::int;
use crate::types::str::Str;
use crate::types::tuple::Tuple;

/// How a parameter may be given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParamKind {
    /// By position only.
    Positional,
    /// By position or keyword.
    Either,
    /// `*args`.
    VarArgs,
    /// By keyword only.
    Keyword,
    /// `**kwargs`.
    VarKeywords,
}

/// A parameter of a native function.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    start: u16,
    end: u16,
    /// How it may be given.
    pub kind: ParamKind,
    /// Whether it has a default.
    pub optional: bool,
}

const MAX_PARAMS: usize = 17;
/// Functions with at most so many parameters are called in a shorter way.
const FEW: usize = 4;

/// A parsed Python signature such as `"pop($self, index=-1, /)"`.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    text: &'static str,
    name_end: u16,
    params: [Param; MAX_PARAMS],
    count: u8,
    /// Parameters that can be given by position, `$self` included.
    positional: u8,
    /// Those among them without a default.
    required: u8,
    /// 1 when the first parameter is `$self` or `$type`.
    bound: u8,
    /// Whether every parameter is positional-only.
    plain: bool,
    keyword_capable: bool,
    /// At most [`FEW`] parameters, none of them `*args`, `**kwargs` or a required keyword.
    few: bool,
    /// Offset of the name: after the mark of a function that shows no signature.
    name_start: u16,
    style: Style,
}

/// How CPython's function takes its arguments, which decides the texts of errors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Style {
    /// Declared by Argument Clinic; `__text_signature__` is the signature.
    Clinic,
    /// By `PyArg_UnpackTuple` or without parsing; no `__text_signature__`.
    Unpack,
    /// By `PyArg_ParseTuple` or `PyArg_ParseTupleAndKeywords`; no `__text_signature__`.
    Parse,
}

impl Signature {
    /// Whether so many positional arguments fit, the parameters are few, and those without an argument are optional.
    #[inline]
    fn takes_few(&self, given: usize) -> bool {
        self.few && (self.required as usize..=self.positional as usize).contains(&given)
    }

    /// Parses a signature; evaluated at compile time by [`method!`](crate::method). Functions of CPython's that
    /// are not declared by Argument Clinic, whose `__text_signature__` is None, are marked before their name: `!` when they
    /// unpack their arguments by count alone, `%` when they parse them by a format (`PyArg_ParseTuple`).
    pub const fn parse(text: &'static str) -> Signature {
        let bytes = text.as_bytes();
        let style = match bytes[0] {
            b'!' => Style::Unpack,
            b'%' => Style::Parse,
            _ => Style::Clinic,
        };
        let name_start = matches!(bytes[0], b'!' | b'%') as u16;
        let mut at = 0;
        while bytes[at] != b'(' {
            at += 1;
        }
        let name_end = at as u16;
        at += 1;
        let none = Param { start: 0, end: 0, kind: ParamKind::Either, optional: false };
        let mut params = [none; MAX_PARAMS];
        let mut count = 0;
        let mut keyword_only = false;
        let mut bound = 0;
        loop {
            while bytes[at] == b' ' || bytes[at] == b'\n' || bytes[at] == b',' {
                at += 1;
            }
            if bytes[at] == b')' {
                break;
            }
            if bytes[at] == b'/' {
                let mut i = 0;
                while i < count {
                    params[i].kind = ParamKind::Positional;
                    i += 1;
                }
                at += 1;
                continue;
            }
            let mut kind = if keyword_only { ParamKind::Keyword } else { ParamKind::Either };
            if bytes[at] == b'*' {
                keyword_only = true;
                at += 1;
                if bytes[at] == b'*' {
                    kind = ParamKind::VarKeywords;
                    at += 1;
                } else if bytes[at] == b',' {
                    continue;
                } else {
                    kind = ParamKind::VarArgs;
                }
            }
            let implicit = bytes[at] == b'$';
            if implicit {
                at += 1;
            }
            let start = at;
            while bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_' {
                at += 1;
            }
            let end = at;
            let mut optional = matches!(kind, ParamKind::VarArgs | ParamKind::VarKeywords);
            if bytes[at] == b'=' {
                optional = true;
                // The default's text: up to the next comma or parenthesis outside quotes and brackets.
                let mut quote = 0;
                let mut depth = 0;
                at += 1;
                while quote != 0 || depth > 0 || (bytes[at] != b',' && bytes[at] != b')') {
                    if quote != 0 {
                        if bytes[at] == quote {
                            quote = 0;
                        } else if bytes[at] == b'\\' {
                            at += 1;
                        }
                    } else if bytes[at] == b'\'' || bytes[at] == b'"' {
                        quote = bytes[at];
                    } else if bytes[at] == b'(' || bytes[at] == b'[' {
                        depth += 1;
                    } else if bytes[at] == b')' || bytes[at] == b']' {
                        depth -= 1;
                    }
                    at += 1;
                }
            }
            if implicit {
                // `$module` is not passed; `$self` and `$type` are.
                if bytes[start] == b'm' {
                    continue;
                }
                kind = ParamKind::Positional;
                bound = 1;
            }
            params[count] = Param { start: start as u16, end: end as u16, kind, optional };
            count += 1;
        }
        let mut positional = 0;
        let mut required = 0;
        let mut plain = true;
        let mut keyword_capable = false;
        let mut few = count <= FEW;
        let mut i = 0;
        while i < count {
            match params[i].kind {
                ParamKind::Positional => positional += 1,
                ParamKind::Either => {
                    positional += 1;
                    keyword_capable = true;
                    plain = false;
                }
                ParamKind::VarArgs => {
                    plain = false;
                    few = false;
                }
                ParamKind::Keyword | ParamKind::VarKeywords => {
                    few = few && matches!(params[i].kind, ParamKind::Keyword);
                    keyword_capable = true;
                    plain = false;
                }
            }
            if !params[i].optional && matches!(params[i].kind, ParamKind::Positional | ParamKind::Either) {
                required += 1;
            } else if !params[i].optional {
                few = false;
            }
            i += 1;
        }
        Signature {
            text,
            name_end,
            params,
            count: count as u8,
            positional,
            required,
            bound,
            plain,
            keyword_capable,
            few,
            name_start,
            style,
        }
    }

    /// The function's name.
    pub fn name(&self) -> &'static str {
        &self.text[self.name_start as usize..self.name_end as usize]
    }

    /// `__text_signature__`; empty for a function that shows none.
    pub fn text_signature(&self) -> &'static str {
        if self.name_start == 1 { "" } else { &self.text[self.name_end as usize..] }
    }

    /// The parameters.
    pub fn params(&self) -> &[Param] {
        &self.params[..self.count as usize]
    }

    fn param_name(&self, param: &Param) -> &'static str {
        &self.text[param.start as usize..param.end as usize]
    }
}

/// The uniform entry of a native function: one value for every parameter, unbound where none was given.
pub type Thunk = fn(&'static Function, &[Value]) -> PyResult<Value>;

/// A native function with its signature.
#[derive(Debug)]
pub struct Function {
    /// Its Python signature.
    pub signature: Signature,
    /// Its docstring.
    pub doc: &'static str,
    /// Its uniform entry.
    pub thunk: Thunk,
    /// Number of arguments with which `thunk` may be called as it is; `u32::MAX` when there is no such number.
    pub exact: u32,
    /// An entry that checks the arguments itself.
    raw: Option<RawEntry>,
}

/// The entry of a native function that checks its arguments itself: positional arguments, then keyword values.
pub type RawEntry = fn(&[Value], Option<&Value>) -> PyResult<Value>;

impl Function {
    /// See [`method!`](crate::method).
    pub const fn new(signature: &'static str, doc: &'static str, thunk: Thunk) -> Function {
        let signature = Signature::parse(signature);
        let plain_positional = signature.positional == signature.count;
        let exact = if plain_positional { signature.positional as u32 } else { u32::MAX };
        Function { signature, doc, thunk, exact, raw: None }
    }

    /// A function that checks its arguments itself; the signature is only shown.
    pub const fn new_raw(signature: &'static str, doc: &'static str, raw: RawEntry) -> Function {
        let thunk: Thunk = |function, args| match function.raw {
            Some(raw) => raw(args, None),
            None => Ok(Value::NONE),
        };
        Function { signature: Signature::parse(signature), doc, thunk, exact: u32::MAX, raw: Some(raw) }
    }

    /// The function's name.
    pub fn name(&self) -> &'static str {
        self.signature.name()
    }

    /// Calls the function: positional arguments (`self` first, if it takes one), then keyword values.
    ///
    /// # Errors
    /// `TypeError` with CPython's text when the arguments do not fit, or what the function raises.
    #[inline]
    pub fn call(&'static self, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
        if kwnames.is_none() && args.len() as u32 == self.exact {
            return (self.thunk)(self, args);
        }
        if kwnames.is_none() && self.raw.is_none() && self.signature.takes_few(args.len()) {
            return self.call_few(args);
        }
        self.call_bound(args, kwnames)
    }

    /// As [`Function::call_bound`] where only optional parameters at the end are missing.
    fn call_few(&'static self, args: &[Value]) -> PyResult<Value> {
        let mut slots = [const { Value::UNBOUND }; FEW];
        for (slot, value) in slots.iter_mut().zip(args) {
            *slot = value.clone();
        }
        (self.thunk)(self, &slots[..self.signature.count as usize])
    }

    #[inline(never)]
    fn call_bound(&'static self, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
        if let Some(raw) = self.raw {
            return raw(args, kwnames);
        }
        let signature = &self.signature;
        let names = kwnames.and_then(|names| names.exact::<Tuple>());
        let named = names.map_or(0, |names| names.len());
        let given = args.len() - named;
        let (positional, values) = args.split_at(given);
        let bound = signature.bound as usize;
        let max = signature.positional as usize;
        let required = signature.required as usize;
        let has_varargs = signature.params().iter().any(|param| param.kind == ParamKind::VarArgs);
        if named > 0 && !signature.keyword_capable {
            return Err(type_error(format!("{}() takes no keyword arguments", self.name())));
        }
        if signature.plain || (has_varargs && !signature.keyword_capable) {
            self.check_plain(given - bound.min(given), required - bound, max - bound, has_varargs)?;
        } else if !has_varargs {
            self.check_keyword_counts(given - bound.min(given), named)?;
        }
        let mut slots: [Value; MAX_PARAMS] = [const { Value::UNBOUND }; MAX_PARAMS];
        let mut extra_names: Option<Value> = None;
        // As _PyArg_UnpackKeywords: what is missing is reported before what is too much.
        let mut surplus = None;
        for (index, param) in signature.params().iter().enumerate() {
            match param.kind {
                ParamKind::Positional | ParamKind::Either => {
                    if let Some(value) = positional.get(index) {
                        slots[index] = value.clone();
                    }
                }
                ParamKind::VarArgs => slots[index] = Tuple::from_slice(positional.get(max..).unwrap_or_default()),
                ParamKind::VarKeywords => {
                    let dict = Dict::new_value();
                    slots[index] = dict.clone();
                    extra_names = Some(dict);
                }
                ParamKind::Keyword => {}
            }
        }
        if let Some(names) = names {
            for (name, value) in names.iter().zip(values) {
                let text = name.exact::<Str>();
                let found = signature.params().iter().position(|param| {
                    matches!(param.kind, ParamKind::Either | ParamKind::Keyword)
                        && text.is_some_and(|text| text.equals_str(signature.param_name(param)))
                });
                match (found, &extra_names) {
                    (Some(index), _) if slots[index].is_unbound() => slots[index] = value.clone(),
                    (Some(index), _) => {
                        surplus = Some(format!(
                            "argument for {}() given by name ('{}') and position ({})",
                            self.name(),
                            signature.param_name(&signature.params()[index]),
                            index + 1 - bound
                        ));
                        break;
                    }
                    (None, Some(dict)) => {
                        if let Some(dict) = dict.exact::<Dict>() {
                            dict.set(name, value.clone())?;
                        }
                    }
                    (None, None) => {
                        let variadic = signature.params().iter().any(|param| param.kind == ParamKind::VarArgs);
                        // As PyArg_ParseTupleAndKeywords counts what `*args` leaves.
                        let keywords =
                            signature.params().iter().filter(|param| param.kind == ParamKind::Keyword).count();
                        if signature.style == Style::Parse && variadic && values.len() > keywords {
                            surplus.get_or_insert_with(|| {
                                format!(
                                    "{}() takes at most {keywords} keyword argument{} ({} given)",
                                    self.name(),
                                    if keywords == 1 { "" } else { "s" },
                                    values.len()
                                )
                            });
                        }
                        let text = text.map(|text| text.to_string_lossy()).unwrap_or_default();
                        surplus.get_or_insert_with(|| {
                            format!("'{text}' is an invalid keyword argument for {}()", self.name())
                        });
                    }
                }
            }
        }
        for (index, param) in signature.params().iter().enumerate() {
            if !param.optional && slots[index].is_unbound() {
                return Err(type_error(format!(
                    "{}() missing required argument '{}' (pos {})",
                    self.name(),
                    signature.param_name(param),
                    index + 1 - bound
                )));
            }
        }
        if let Some(surplus) = surplus {
            return Err(type_error(surplus));
        }
        (self.thunk)(self, &slots[..signature.count as usize])
    }

    /// Counts for functions whose parameters are all positional-only, `self` not counted.
    fn check_plain(&self, given: usize, min: usize, max: usize, unlimited: bool) -> PyResult<()> {
        let name = self.name();
        if given >= min && (given <= max || unlimited) {
            return Ok(());
        }
        if self.signature.style == Style::Parse {
            let (bound, count) = match (given < min, min == max && !unlimited) {
                (_, true) => ("exactly", min),
                (true, _) => ("at least", min),
                (false, _) => ("at most", max),
            };
            return Err(type_error(format!(
                "{name}() takes {bound} {count} argument{} ({given} given)",
                if count == 1 { "" } else { "s" }
            )));
        }
        Err(type_error(if max == 0 {
            format!("{name}() takes no arguments ({given} given)")
        } else if max == 1 && min == 1 && !unlimited {
            format!("{name}() takes exactly one argument ({given} given)")
        } else {
            let (bound, count) = match (given < min, min == max && !unlimited) {
                (_, true) => ("", min),
                (true, _) => ("at least ", min),
                (false, _) => ("at most ", max),
            };
            format!("{name} expected {bound}{count} argument{}, got {given}", if count == 1 { "" } else { "s" })
        }))
    }

    /// Counts for functions that take keywords, as `_PyArg_UnpackKeywords` checks them.
    fn check_keyword_counts(&self, given: usize, named: usize) -> PyResult<()> {
        let signature = &self.signature;
        let name = self.name();
        let bound = signature.bound as usize;
        let variable = signature.params().iter().any(|param| param.kind == ParamKind::VarKeywords);
        let total = signature.count as usize - bound - usize::from(variable);
        let max = signature.positional as usize - bound;
        let required = signature.required as usize - bound;
        let required_by_position = signature
            .params()
            .iter()
            .skip(bound)
            .filter(|param| !param.optional && param.kind == ParamKind::Positional)
            .count();
        if given + named > total && !variable {
            return Err(type_error(format!(
                "{name}() takes at most {total} {}argument{} ({} given)",
                if given == 0 { "keyword " } else { "" },
                if total == 1 { "" } else { "s" },
                given + named
            )));
        }
        if given > max {
            return Err(type_error(if max == 0 {
                format!("{name}() takes no positional arguments")
            } else {
                format!(
                    "{name}() takes {} {max} positional argument{} ({given} given)",
                    if required < max { "at most" } else { "exactly" },
                    if max == 1 { "" } else { "s" }
                )
            }));
        }
        if given < required_by_position {
            return Err(type_error(format!(
                "{name}() takes {} {required_by_position} positional argument{} ({given} given)",
                if required_by_position < max { "at least" } else { "exactly" },
                if required_by_position == 1 { "" } else { "s" }
            )));
        }
        Ok(())
    }
}

/// What a table entry makes of its function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MethodKind {
    /// A method of instances, or a function of a module.
    Instance,
    /// A class method: the first parameter is `$type`.
    Class,
    /// A static method.
    Static,
}

/// An entry of a type's or module's table of functions.
#[derive(Debug)]
pub struct Method {
    /// The function.
    pub function: Function,
    /// How it is bound.
    pub kind: MethodKind,
}

/// Sets an attribute, or deletes it when the value is `None`.
pub type Setter = fn(&Value, Option<&Value>) -> PyResult<()>;

/// A computed attribute of a type.
#[derive(Debug)]
pub struct GetSet {
    /// The attribute's name.
    pub name: &'static str,
    /// Reads it.
    pub get: fn(&Value) -> PyResult<Value>,
    /// Sets it, or deletes it when the value is `None`.
    pub set: Option<Setter>,
    /// Its docstring.
    pub doc: Option<&'static str>,
    /// A field of the body, as CPython's `PyMemberDef`: setting a read-only one has an error text of its own.
    pub member: bool,
}

impl GetSet {
    /// A read-only field of the body.
    pub const fn member(name: &'static str, get: fn(&Value) -> PyResult<Value>) -> GetSet {
        GetSet { name, get, set: None, doc: None, member: true }
    }

    /// A read-only attribute.
    pub const fn read_only(name: &'static str, get: fn(&Value) -> PyResult<Value>) -> GetSet {
        GetSet { name, get, set: None, doc: None, member: false }
    }

    /// An attribute that can be set.
    pub const fn new(
        name: &'static str,
        get: fn(&Value) -> PyResult<Value>,
        set: fn(&Value, Option<&Value>) -> PyResult<()>,
    ) -> GetSet {
        GetSet { name, get, set: Some(set), doc: None, member: false }
    }

    /// The same with a docstring.
    pub const fn with_doc(self, doc: &'static str) -> GetSet {
        GetSet { doc: Some(doc), ..self }
    }

    /// The same as a field of the body.
    pub const fn as_member(self) -> GetSet {
        GetSet { member: true, ..self }
    }
}

/// Declares a table entry: `method!(function, "name($self, x, /)", "doc")`, with `class` or `static` before it for the
/// other kinds of binding, `raw` for a function that checks its arguments itself.
#[macro_export]
macro_rules! method {
    (class $function:expr, $signature:literal, $doc:expr) => {
        $crate::object::native::Method {
            function: $crate::object::native::Function::new($signature, $doc, $crate::object::native::thunk($function)),
            kind: $crate::object::native::MethodKind::Class,
        }
    };
    (static $function:expr, $signature:literal, $doc:expr) => {
        $crate::object::native::Method {
            function: $crate::object::native::Function::new($signature, $doc, $crate::object::native::thunk($function)),
            kind: $crate::object::native::MethodKind::Static,
        }
    };
    (raw $function:expr, $signature:literal, $doc:expr) => {
        $crate::object::native::Method {
            function: $crate::object::native::Function::new_raw($signature, $doc, $function),
            kind: $crate::object::native::MethodKind::Instance,
        }
    };
    ($function:expr, $signature:literal, $doc:expr) => {
        $crate::object::native::Method {
            function: $crate::object::native::Function::new($signature, $doc, $crate::object::native::thunk($function)),
            kind: $crate::object::native::MethodKind::Instance,
        }
    };
}

/// Which argument is being converted, for error messages.
#[derive(Clone, Copy)]
pub struct At {
    function: &'static Function,
    index: usize,
}

impl At {
    /// The argument for the parameter at `index` of a function's signature.
    pub fn new(function: &'static Function, index: usize) -> At {
        At { function, index }
    }

    /// `TypeError: append() argument must be str, not int`, numbered when there are several.
    #[cold]
    pub fn wrong_type(self, expected: &str, value: &Value) -> super::Raised {
        let signature = &self.function.signature;
        let bound = signature.bound as usize;
        let param = signature.params().get(self.index);
        let by_name = param.filter(|param| matches!(param.kind, ParamKind::Either | ParamKind::Keyword));
        let several = signature.count as usize - bound > 1;
        let number = match (signature.style, by_name) {
            (Style::Parse, _) => format!(" {}", self.index + 1 - bound),
            (_, Some(param)) => format!(" '{}'", signature.param_name(param)),
            (_, None) if several => format!(" {}", self.index + 1 - bound),
            _ => String::new(),
        };
        let found = if value.is_none() { "None" } else { value.ty().name() };
        type_error(format!("{}() argument{number} must be {expected}, not {found}", self.function.name()))
    }
}

/// A Rust type that an argument can be converted to.
pub trait FromArg {
    /// The converted argument.
    type Out<'a>;
    /// Converts; `value` is unbound when the argument was not given.
    ///
    /// # Errors
    /// `TypeError`, or what the conversion raises.
    fn from_arg<'a>(value: &'a Value, at: At) -> PyResult<Self::Out<'a>>;
}

impl FromArg for &Value {
    type Out<'a> = &'a Value;
    #[inline(always)]
    fn from_arg(value: &Value, _at: At) -> PyResult<&Value> {
        Ok(value)
    }
}

impl<T: Payload> FromArg for &T {
    type Out<'a> = &'a T;
    #[inline(always)]
    fn from_arg(value: &Value, at: At) -> PyResult<&T> {
        match value.downcast::<T>() {
            Some(body) => Ok(body),
            None => Err(at.wrong_type(T::type_object().name(), value)),
        }
    }
}

impl<A: FromArg> FromArg for Option<A> {
    type Out<'a> = Option<A::Out<'a>>;
    #[inline(always)]
    fn from_arg<'a>(value: &'a Value, at: At) -> PyResult<Self::Out<'a>> {
        if value.is_unbound() { Ok(None) } else { A::from_arg(value, at).map(Some) }
    }
}

impl FromArg for isize {
    type Out<'a> = isize;
    #[inline(always)]
    fn from_arg(value: &Value, _at: At) -> PyResult<isize> {
        ssize(value)
    }
}

/// An argument that is a `Py_ssize_t` of C.
///
/// # Errors
/// `TypeError` when it is no integer, `OverflowError` when it is too large.
#[inline(always)]
pub fn ssize(value: &Value) -> PyResult<isize> {
    match value.as_small_int() {
        Some(int) => Ok(int as isize),
        None if is_float(value) => Err(type_error("integer argument expected, got float")),
        None => number::index_to_isize(value),
    }
}

impl FromArg for i32 {
    type Out<'a> = i32;
    fn from_arg(value: &Value, at: At) -> PyResult<i32> {
        c_int(value, at.function.signature.style == Style::Parse)
    }
}

fn is_float(value: &Value) -> bool {
    value.is_small_float() || value.downcast::<Float>().is_some()
}

/// An argument that is an `int` of C: by way of `long`, as the format unit `i`, or at once, as `_PyLong_AsInt`.
///
/// # Errors
/// `TypeError` when it is no integer, `OverflowError` when it is too large.
pub fn c_int(value: &Value, long: bool) -> PyResult<i32> {
    if is_float(value) {
        return Err(type_error("integer argument expected, got float"));
    }
    let index = number::integer(value)?;
    match (int::to_i64(&index), long) {
        (Some(wide), _) if i32::try_from(wide).is_ok() => Ok(wide as i32),
        (_, false) => Err(overflow_error("Python int too large to convert to C int")),
        (None, true) => Err(overflow_error("Python int too large to convert to C long")),
        (Some(wide), true) if wide > 0 => Err(overflow_error("signed integer is greater than maximum")),
        (Some(_), true) => Err(overflow_error("signed integer is less than minimum")),
    }
}

impl FromArg for f64 {
    type Out<'a> = f64;
    fn from_arg(value: &Value, _at: At) -> PyResult<f64> {
        number::to_f64(value)
    }
}

/// A truth value: any object is accepted.
impl FromArg for bool {
    type Out<'a> = bool;
    fn from_arg(value: &Value, _at: At) -> PyResult<bool> {
        number::truth(value)
    }
}

/// What a native function may return.
pub trait IntoResult {
    /// Converts to the uniform result.
    ///
    /// # Errors
    /// The error that the function returned.
    fn into_result(self) -> PyResult<Value>;
}

/// A Rust type that converts to a value.
pub trait IntoValue {
    /// Converts.
    fn into_value(self) -> Value;
}

impl IntoValue for Value {
    #[inline(always)]
    fn into_value(self) -> Value {
        self
    }
}

impl IntoValue for () {
    #[inline(always)]
    fn into_value(self) -> Value {
        Value::NONE
    }
}

impl IntoValue for bool {
    #[inline(always)]
    fn into_value(self) -> Value {
        Value::bool(self)
    }
}

impl IntoValue for i64 {
    #[inline(always)]
    fn into_value(self) -> Value {
        Value::int(self)
    }
}

impl IntoValue for isize {
    #[inline(always)]
    fn into_value(self) -> Value {
        Value::int(self as i64)
    }
}

impl IntoValue for usize {
    #[inline(always)]
    fn into_value(self) -> Value {
        match i64::try_from(self) {
            Ok(int) => Value::int(int),
            Err(_) => crate::types::int::big(self.into()),
        }
    }
}

impl IntoValue for f64 {
    #[inline(always)]
    fn into_value(self) -> Value {
        Value::float(self)
    }
}

impl IntoValue for String {
    fn into_value(self) -> Value {
        Str::new_value(&self)
    }
}

impl IntoValue for &str {
    fn into_value(self) -> Value {
        Str::new_value(self)
    }
}

impl<T: IntoValue> IntoResult for T {
    #[inline(always)]
    fn into_result(self) -> PyResult<Value> {
        Ok(self.into_value())
    }
}

impl<T: IntoValue> IntoResult for PyResult<T> {
    #[inline(always)]
    fn into_result(self) -> PyResult<Value> {
        self.map(IntoValue::into_value)
    }
}

/// A Rust function that can be a native function; `Marker` tells its signature apart.
pub trait Native<Marker>: Copy + 'static {
    /// Converts the arguments and calls.
    ///
    /// # Errors
    /// What conversion or the function raises.
    fn invoke(self, function: &'static Function, args: &[Value]) -> PyResult<Value>;
}

macro_rules! impl_native {
    ($($arg:ident $index:tt),*) => {
        impl<Func, Output, $($arg),*> Native<fn($($arg),*) -> Output> for Func
        where
            Func: Copy + 'static + Fn($($arg),*) -> Output + for<'a> Fn($($arg::Out<'a>),*) -> Output,
            Output: IntoResult,
            $($arg: FromArg,)*
        {
            #[inline(always)]
            #[allow(unused_variables)]
            fn invoke(self, function: &'static Function, args: &[Value]) -> PyResult<Value> {
                self($($arg::from_arg(&args[$index], At { function, index: $index })?),*).into_result()
            }
        }
    };
}

impl_native!();
impl_native!(A 0);
impl_native!(A 0, B 1);
impl_native!(A 0, B 1, C 2);
impl_native!(A 0, B 1, C 2, D 3);
impl_native!(A 0, B 1, C 2, D 3, E 4);
impl_native!(A 0, B 1, C 2, D 3, E 4, F 5);
impl_native!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
impl_native!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
impl_native!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);

/// The uniform entry of a Rust function.
pub const fn thunk<Marker, F: Native<Marker>>(_function: F) -> Thunk {
    const { assert!(std::mem::size_of::<F>() == 0, "a native function is a plain fn item") };
    |function, args| {
        // SAFETY: F has no size, so there is nothing to read; a value of it exists (it was passed to `thunk`).
        let native: F = unsafe { std::mem::transmute_copy(&()) };
        native.invoke(function, args)
    }
}
