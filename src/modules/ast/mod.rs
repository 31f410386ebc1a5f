//! The module `_ast`: a class for each kind of node, trees of the compiler as objects and back.
//!
//! The classes are ordinary heap classes over `_ast.AST`, made when they are first needed. What they are is in one table,
//! [`CLASSES`]; [`to_object`] and [`from_object`] read and write the fields it names.

mod from_object;
mod to_object;
mod validate;

pub use from_object::from_object;
pub use to_object::to_object;

use crate::gc::Visit;
use crate::method;
use crate::modules::ModuleDef;
use crate::name;
use crate::object::error::PyResult;
use crate::object::gil::GilCell;
use crate::object::header::{Header, new_instance};
use crate::object::instance::Attrs;
use crate::object::native::{GetSet, Method};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, attribute, call, sequence};
use crate::types::dict::Dict;
use crate::types::exceptions::{runtime_error, type_error};
use crate::types::str::{Str, intern, intern_value};
use crate::types::tuple::Tuple;
use crate::types::type_::{self, TYPE};
use std::cell::OnceCell;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef { name: "_ast", doc: "", functions: &[], fill };

/// `PyCF_ONLY_AST`: `compile()` gives the tree.
pub const ONLY_AST: i64 = 0x0400;
/// `PyCF_TYPE_COMMENTS`: the tree has the type comments.
pub const TYPE_COMMENTS: i64 = 0x1000;
/// `PyCF_ALLOW_TOP_LEVEL_AWAIT`.
pub const ALLOW_TOP_LEVEL_AWAIT: i64 = 0x2000;

macro_rules! classes {
    ($($name:ident: $base:ident ($($field:literal)*) $([$($attribute:literal)*])?;)*) => {
        /// The classes of nodes, in the order in which CPython makes them.
        #[allow(non_camel_case_types, dead_code, clippy::enum_variant_names)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        enum Class {
            $($name,)*
        }

        /// What the classes are: name, base (`AST` or a class before it), fields, attributes where it declares some.
        static CLASSES: &[(&str, &str, &[&str], Option<&[&str]>)] = &[
            $((stringify!($name), stringify!($base), &[$($field),*], classes!(@attributes $([$($attribute)*])?)),)*
        ];

        /// The class of a row.
        fn class_at(index: usize) -> Option<Class> {
            [$(Class::$name),*].get(index).copied()
        }
    };
    (@attributes [$($attribute:literal)*]) => { Some(&[$($attribute),*]) };
    (@attributes) => { None };
}

classes! {
    r#mod: AST () [];
    Module: mod ("body" "type_ignores");
    Interactive: mod ("body");
    Expression: mod ("body");
    FunctionType: mod ("argtypes" "returns");
    Suite: mod ("body");
    stmt: AST () ["lineno" "col_offset" "end_lineno" "end_col_offset"];
    FunctionDef: stmt ("name" "args" "body" "decorator_list" "returns" "type_comment");
    AsyncFunctionDef: stmt ("name" "args" "body" "decorator_list" "returns" "type_comment");
    ClassDef: stmt ("name" "bases" "keywords" "body" "decorator_list");
    Return: stmt ("value");
    Delete: stmt ("targets");
    Assign: stmt ("targets" "value" "type_comment");
    AugAssign: stmt ("target" "op" "value");
    AnnAssign: stmt ("target" "annotation" "value" "simple");
    For: stmt ("target" "iter" "body" "orelse" "type_comment");
    AsyncFor: stmt ("target" "iter" "body" "orelse" "type_comment");
    While: stmt ("test" "body" "orelse");
    If: stmt ("test" "body" "orelse");
    With: stmt ("items" "body" "type_comment");
    AsyncWith: stmt ("items" "body" "type_comment");
    Raise: stmt ("exc" "cause");
    Try: stmt ("body" "handlers" "orelse" "finalbody");
    Assert: stmt ("test" "msg");
    Import: stmt ("names");
    ImportFrom: stmt ("module" "names" "level");
    Global: stmt ("names");
    Nonlocal: stmt ("names");
    Expr: stmt ("value");
    Pass: stmt ();
    Break: stmt ();
    Continue: stmt ();
    expr: AST () ["lineno" "col_offset" "end_lineno" "end_col_offset"];
    BoolOp: expr ("op" "values");
    NamedExpr: expr ("target" "value");
    BinOp: expr ("left" "op" "right");
    UnaryOp: expr ("op" "operand");
    Lambda: expr ("args" "body");
    IfExp: expr ("test" "body" "orelse");
    Dict: expr ("keys" "values");
    Set: expr ("elts");
    ListComp: expr ("elt" "generators");
    SetComp: expr ("elt" "generators");
    DictComp: expr ("key" "value" "generators");
    GeneratorExp: expr ("elt" "generators");
    Await: expr ("value");
    Yield: expr ("value");
    YieldFrom: expr ("value");
    Compare: expr ("left" "ops" "comparators");
    Call: expr ("func" "args" "keywords");
    FormattedValue: expr ("value" "conversion" "format_spec");
    JoinedStr: expr ("values");
    Constant: expr ("value" "kind");
    Attribute: expr ("value" "attr" "ctx");
    Subscript: expr ("value" "slice" "ctx");
    Starred: expr ("value" "ctx");
    Name: expr ("id" "ctx");
    List: expr ("elts" "ctx");
    Tuple: expr ("elts" "ctx");
    expr_context: AST () [];
    Load: expr_context ();
    Store: expr_context ();
    Del: expr_context ();
    AugLoad: expr_context ();
    AugStore: expr_context ();
    Param: expr_context ();
    slice: AST () [];
    Slice: slice ("lower" "upper" "step");
    ExtSlice: slice ("dims");
    Index: slice ("value");
    boolop: AST () [];
    And: boolop ();
    Or: boolop ();
    operator: AST () [];
    Add: operator ();
    Sub: operator ();
    Mult: operator ();
    MatMult: operator ();
    Div: operator ();
    Mod: operator ();
    Pow: operator ();
    LShift: operator ();
    RShift: operator ();
    BitOr: operator ();
    BitXor: operator ();
    BitAnd: operator ();
    FloorDiv: operator ();
    unaryop: AST () [];
    Invert: unaryop ();
    Not: unaryop ();
    UAdd: unaryop ();
    USub: unaryop ();
    cmpop: AST () [];
    Eq: cmpop ();
    NotEq: cmpop ();
    Lt: cmpop ();
    LtE: cmpop ();
    Gt: cmpop ();
    GtE: cmpop ();
    Is: cmpop ();
    IsNot: cmpop ();
    In: cmpop ();
    NotIn: cmpop ();
    comprehension: AST ("target" "iter" "ifs" "is_async") [];
    excepthandler: AST () ["lineno" "col_offset" "end_lineno" "end_col_offset"];
    ExceptHandler: excepthandler ("type" "name" "body");
    arguments: AST ("posonlyargs" "args" "vararg" "kwonlyargs" "kw_defaults" "kwarg" "defaults") [];
    arg: AST ("arg" "annotation" "type_comment") ["lineno" "col_offset" "end_lineno" "end_col_offset"];
    keyword: AST ("arg" "value") [];
    alias: AST ("name" "asname") [];
    withitem: AST ("context_expr" "optional_vars") [];
    type_ignore: AST () [];
    TypeIgnore: type_ignore ("lineno" "tag");
}

/// A name of the table as Python has it.
fn plain(name: &'static str) -> &'static str {
    name.strip_prefix("r#").unwrap_or(name)
}

impl Class {
    /// Its row of the table.
    fn row(self) -> &'static (&'static str, &'static str, &'static [&'static str], Option<&'static [&'static str]>) {
        &CLASSES[self as usize]
    }

    fn name(self) -> &'static str {
        plain(self.row().0)
    }
}

/// The body of a node: all it has is in the tail.
#[repr(C)]
pub struct Node {
    header: Header,
}

payload!(Node, AST, {
    const GC: bool = true;
    fn traverse(&self, _visit: Visit<'_>) {}
});

/// The type object of `_ast.AST`.
pub static AST: TypeObject = TypeObject::define::<Node>("_ast.AST")
    .flags(TypeFlags::BASE)
    .with_attributes()
    .slots(Slots {
        new: Some(new),
        init: Some(init),
        getattr: Some(attribute::generic_get),
        setattr: Some(attribute::generic_set),
        ..Slots::EMPTY
    })
    .methods(&[method!(reduce, "!__reduce__($self, /)", "")] as &[Method])
    .getset(&[GetSet::new("__dict__", type_::object_dict, type_::set_builtin_dict)]);

fn new_node(ty: &TypeObject) -> Value {
    new_instance(ty, Node { header: Header::new(ty) })
}

fn new(class: &Value, _args: &[Value], _kwnames: Option<&Value>) -> PyResult<Value> {
    Ok(new_node(class.downcast::<TypeObject>().unwrap_or(&AST)))
}

/// As `ast_type_init`: positional arguments are the fields, keywords any attributes.
fn init(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    let (args, keywords) = call::split_keywords(args, kwnames);
    let fields = match attribute::lookup(&this.ty().value(), name!("_fields"))? {
        Some(fields) => {
            let length = sequence::len(&fields)?;
            (0..length as i64)
                .map(|index| sequence::get_item(&fields, &Value::int(index)))
                .collect::<PyResult<Vec<Value>>>()?
        }
        None => Vec::new(),
    };
    if args.len() > fields.len() {
        let plural = if fields.len() == 1 { "" } else { "s" };
        return Err(type_error(format!(
            "{} constructor takes at most {} positional argument{plural}",
            this.ty().name(),
            fields.len()
        )));
    }
    for (field, value) in fields.iter().zip(args) {
        attribute::set(this, field, Some(value))?;
    }
    for (name, value) in keywords {
        let given = fields.get(..args.len()).unwrap_or_default();
        for field in given {
            if crate::object::compare::equal(field, name)? {
                let name = name.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default();
                return Err(type_error(format!("{} got multiple values for argument '{name}'", this.ty().name())));
            }
        }
        attribute::set(this, name, Some(value))?;
    }
    Ok(())
}

fn reduce(this: &Value) -> PyResult<Value> {
    let ty = this.ty().value();
    match attribute::lookup(this, name!("__dict__"))? {
        Some(dict) => Ok(Tuple::from_vec(vec![ty, Tuple::empty(), dict])),
        None => Ok(Tuple::from_vec(vec![ty, Tuple::empty()])),
    }
}

/// The classes and what belongs to them.
struct Registry {
    classes: Vec<Value>,
    /// The names of the fields of each class.
    fields: Vec<Vec<Value>>,
    /// Of the classes without fields: their only node in trees.
    singletons: Vec<Option<Value>>,
    /// `lineno`, `col_offset`, `end_lineno`, `end_col_offset`.
    positions: [Value; 4],
}

static REGISTRY: GilCell<OnceCell<Registry>> = GilCell::new(OnceCell::new());

/// The classes, made when first asked for.
fn registry() -> PyResult<&'static Registry> {
    if let Some(registry) = REGISTRY.get().get() {
        return Ok(registry);
    }
    let registry = make_registry()?;
    Ok(REGISTRY.get().get_or_init(|| registry))
}

fn names(names: &[&str]) -> Value {
    Tuple::from_vec(names.iter().map(|name| intern(name)).collect())
}

fn make_registry() -> PyResult<Registry> {
    if let Some(dict) = AST.dict()
        && let Some(dict) = dict.exact::<Dict>()
    {
        dict.set_text("_fields", Tuple::empty());
        dict.set_text("_attributes", Tuple::empty());
        AST.modified();
    }
    let mut classes: Vec<Value> = Vec::with_capacity(CLASSES.len());
    let mut singletons = Vec::with_capacity(CLASSES.len());
    for &(name, base, fields, attributes) in CLASSES {
        let base_class = match CLASSES.iter().take(classes.len()).position(|row| plain(row.0) == base) {
            Some(index) => classes.get(index).cloned(),
            None => None,
        };
        let base_class = base_class.unwrap_or_else(|| AST.value());
        let namespace = Dict::new_value();
        if let Some(dict) = namespace.exact::<Dict>() {
            dict.set_text("_fields", names(fields));
            dict.set_text("__module__", intern("_ast"));
        }
        let arguments = [intern(plain(name)), Tuple::from_vec(vec![base_class]), namespace];
        let class = call::call(&TYPE.value(), &arguments)?;
        if let Some(attributes) = attributes {
            attribute::set(&class, name!("_attributes"), Some(&names(attributes)))?;
        }
        let single = matches!(base, "expr_context" | "boolop" | "operator" | "unaryop" | "cmpop");
        singletons.push(if single { Some(call::call(&class, &[])?) } else { None });
        classes.push(class);
    }
    let fields = CLASSES.iter().map(|row| row.2.iter().map(|name| intern(name)).collect()).collect();
    let positions = ["lineno", "col_offset", "end_lineno", "end_col_offset"].map(intern);
    Ok(Registry { classes, fields, singletons, positions })
}

impl Registry {
    fn class(&self, class: Class) -> PyResult<&TypeObject> {
        let value = self.classes.get(class as usize);
        value.and_then(|value| value.downcast::<TypeObject>()).ok_or_else(|| runtime_error("lost class of _ast"))
    }

    /// The node of a class without fields.
    fn singleton(&self, class: Class) -> PyResult<Value> {
        let value = self.singletons.get(class as usize).cloned().flatten();
        value.ok_or_else(|| runtime_error("lost class of _ast"))
    }

    fn field_name(&self, class: Class, index: usize) -> PyResult<&Value> {
        let name = self.fields.get(class as usize).and_then(|fields| fields.get(index));
        name.ok_or_else(|| runtime_error("lost field of _ast"))
    }
}

/// Sets an attribute of a new node.
fn set_field(node: &Value, name: &Value, value: Value) -> PyResult<()> {
    match Attrs::of(node) {
        Some(attrs) => attrs.set(node.ty(), name, value),
        None => attribute::set(node, name, Some(&value)),
    }
}

/// Whether a value is a tree of the compiler: an instance of `_ast.AST`.
pub fn is_node(value: &Value) -> bool {
    value.ty().is_subtype(&AST)
}

fn fill(dict: &Dict) -> PyResult<()> {
    let registry = registry()?;
    dict.set_text("AST", AST.value());
    dict.set_text("PyCF_ALLOW_TOP_LEVEL_AWAIT", Value::int(ALLOW_TOP_LEVEL_AWAIT));
    dict.set_text("PyCF_ONLY_AST", Value::int(ONLY_AST));
    dict.set_text("PyCF_TYPE_COMMENTS", Value::int(TYPE_COMMENTS));
    for (row, class) in CLASSES.iter().zip(&registry.classes) {
        dict.set_text(plain(row.0), class.clone());
    }
    dict.set_text("__doc__", Value::NONE);
    Ok(())
}

/// A str of text in which surrogates are encoded as any other code point.
pub(crate) fn text_value(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Str::new_value(text),
        Err(_) => Str::from_codes(&code_points(bytes)),
    }
}

/// As [`text_value`], interned.
fn name_value(bytes: &[u8]) -> Value {
    let value = text_value(bytes);
    match value.exact::<Str>() {
        Some(text) => intern_value(&value, text),
        None => value,
    }
}

/// The code points of UTF-8 that may have surrogates.
fn code_points(bytes: &[u8]) -> Vec<u32> {
    let mut codes = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(&first) = rest.next() {
        let (mut code, more) = match first {
            0..0x80 => (u32::from(first), 0),
            0x80..0xe0 => (u32::from(first & 0x1f), 1),
            0xe0..0xf0 => (u32::from(first & 0x0f), 2),
            _ => (u32::from(first & 0x07), 3),
        };
        for _ in 0..more {
            code = code << 6 | u32::from(rest.next().copied().unwrap_or(0) & 0x3f);
        }
        codes.push(code);
    }
    codes
}

/// The text of a str, surrogates encoded as any other code point.
pub(crate) fn text_bytes(text: &Str) -> Vec<u8> {
    if let Some(ascii) = text.as_ascii() {
        return ascii.as_bytes().to_vec();
    }
    let mut out = Vec::with_capacity(text.len() * 3);
    for code in text.chars().iter() {
        match char::from_u32(code) {
            Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => out.extend_from_slice(&[
                0xe0 | (code >> 12) as u8,
                0x80 | (code >> 6 & 0x3f) as u8,
                0x80 | (code & 0x3f) as u8,
            ]),
        }
    }
    out
}

/// The native stack is extended when less than this is left.
const RED_ZONE: usize = 256 << 10;
/// By as much.
const STACK: usize = 4 << 20;
/// How deep a tree may be; one that holds itself is deeper than any.
const MAX_DEPTH: u32 = 200_000;
