//! The modules `_operator` and, until the library's own takes its place, `operator`.

mod getters;

use crate::method;
use crate::modules::ModuleDef;
use crate::object::error::PyResult;
use crate::object::length_hint as hint;
use crate::object::native::Method;
use crate::object::slots::{BinaryFn, BinaryOp, Compare};
use crate::object::value::Value;
use crate::object::{TypeObject, attribute, compare, iter, number, sequence};
use crate::types::bytes;
use crate::types::dict::Dict;
use crate::types::exceptions::{type_error, value_error};
use crate::types::list::List;
use crate::types::str::{Str, intern};
use crate::vm::import;

const DOC: &str = "Operator interface.\n\nThis module exports a set of functions implemented in C corresponding\nto the intrinsic operators of Python.  For example, operator.add(x, y)\nis equivalent to the expression x+y.  The function names are those\nused for special methods; variants without leading and trailing\n'__' are also provided for convenience.";

/// The definition of `_operator`.
pub static MODULE: ModuleDef = ModuleDef { name: "_operator", doc: DOC, functions: FUNCTIONS, fill };

/// The definition of `operator`.
pub static LIBRARY: ModuleDef = ModuleDef { name: "operator", doc: DOC, functions: &[], fill: fill_library };

const FUNCTIONS: &[Method] = &[
    method!(truth, "truth($module, a, /)", "Return True if a is true, False otherwise."),
    method!(contains, "contains($module, a, b, /)", "Same as b in a (note reversed operands)."),
    method!(index_of, "indexOf($module, a, b, /)", "Return the first index of b in a."),
    method!(count_of, "countOf($module, a, b, /)", "Return the number of times b occurs in a."),
    method!(is_, "is_($module, a, b, /)", "Same as a is b."),
    method!(is_not, "is_not($module, a, b, /)", "Same as a is not b."),
    method!(number::index, "index($module, a, /)", "Same as a.__index__()"),
    method!(binary::<{ BinaryOp::Add as usize }>, "add($module, a, b, /)", "Same as a + b."),
    method!(binary::<{ BinaryOp::Subtract as usize }>, "sub($module, a, b, /)", "Same as a - b."),
    method!(binary::<{ BinaryOp::Multiply as usize }>, "mul($module, a, b, /)", "Same as a * b."),
    method!(binary::<{ BinaryOp::MatrixMultiply as usize }>, "matmul($module, a, b, /)", "Same as a @ b."),
    method!(binary::<{ BinaryOp::FloorDivide as usize }>, "floordiv($module, a, b, /)", "Same as a // b."),
    method!(binary::<{ BinaryOp::TrueDivide as usize }>, "truediv($module, a, b, /)", "Same as a / b."),
    method!(binary::<{ BinaryOp::Remainder as usize }>, "mod($module, a, b, /)", "Same as a % b."),
    method!(number::negative, "neg($module, a, /)", "Same as -a."),
    method!(number::positive, "pos($module, a, /)", "Same as +a."),
    method!(number::absolute, "abs($module, a, /)", "Same as abs(a)."),
    method!(number::invert, "inv($module, a, /)", "Same as ~a."),
    method!(number::invert, "invert($module, a, /)", "Same as ~a."),
    method!(binary::<{ BinaryOp::LeftShift as usize }>, "lshift($module, a, b, /)", "Same as a << b."),
    method!(binary::<{ BinaryOp::RightShift as usize }>, "rshift($module, a, b, /)", "Same as a >> b."),
    method!(not_, "not_($module, a, /)", "Same as not a."),
    method!(binary::<{ BinaryOp::And as usize }>, "and_($module, a, b, /)", "Same as a & b."),
    method!(binary::<{ BinaryOp::Xor as usize }>, "xor($module, a, b, /)", "Same as a ^ b."),
    method!(binary::<{ BinaryOp::Or as usize }>, "or_($module, a, b, /)", "Same as a | b."),
    method!(inplace::<{ BinaryOp::Add as usize }>, "iadd($module, a, b, /)", "Same as a += b."),
    method!(inplace::<{ BinaryOp::Subtract as usize }>, "isub($module, a, b, /)", "Same as a -= b."),
    method!(inplace::<{ BinaryOp::Multiply as usize }>, "imul($module, a, b, /)", "Same as a *= b."),
    method!(inplace::<{ BinaryOp::MatrixMultiply as usize }>, "imatmul($module, a, b, /)", "Same as a @= b."),
    method!(inplace::<{ BinaryOp::FloorDivide as usize }>, "ifloordiv($module, a, b, /)", "Same as a //= b."),
    method!(inplace::<{ BinaryOp::TrueDivide as usize }>, "itruediv($module, a, b, /)", "Same as a /= b."),
    method!(inplace::<{ BinaryOp::Remainder as usize }>, "imod($module, a, b, /)", "Same as a %= b."),
    method!(inplace::<{ BinaryOp::LeftShift as usize }>, "ilshift($module, a, b, /)", "Same as a <<= b."),
    method!(inplace::<{ BinaryOp::RightShift as usize }>, "irshift($module, a, b, /)", "Same as a >>= b."),
    method!(inplace::<{ BinaryOp::And as usize }>, "iand($module, a, b, /)", "Same as a &= b."),
    method!(inplace::<{ BinaryOp::Xor as usize }>, "ixor($module, a, b, /)", "Same as a ^= b."),
    method!(inplace::<{ BinaryOp::Or as usize }>, "ior($module, a, b, /)", "Same as a |= b."),
    method!(concat, "concat($module, a, b, /)", "Same as a + b, for a and b sequences."),
    method!(iconcat, "iconcat($module, a, b, /)", "Same as a += b, for a and b sequences."),
    method!(getitem, "getitem($module, a, b, /)", "Same as a[b]."),
    method!(setitem, "setitem($module, a, b, c, /)", "Same as a[b] = c."),
    method!(delitem, "delitem($module, a, b, /)", "Same as del a[b]."),
    method!(binary::<{ BinaryOp::Power as usize }>, "pow($module, a, b, /)", "Same as a ** b."),
    method!(inplace::<{ BinaryOp::Power as usize }>, "ipow($module, a, b, /)", "Same as a **= b."),
    method!(rich::<{ Compare::Eq as usize }>, "eq($module, a, b, /)", "Same as a == b."),
    method!(rich::<{ Compare::Ne as usize }>, "ne($module, a, b, /)", "Same as a != b."),
    method!(rich::<{ Compare::Lt as usize }>, "lt($module, a, b, /)", "Same as a < b."),
    method!(rich::<{ Compare::Le as usize }>, "le($module, a, b, /)", "Same as a <= b."),
    method!(rich::<{ Compare::Gt as usize }>, "gt($module, a, b, /)", "Same as a > b."),
    method!(rich::<{ Compare::Ge as usize }>, "ge($module, a, b, /)", "Same as a >= b."),
    method!(
        compare_digest,
        "_compare_digest($module, a, b, /)",
        "Return 'a == b'.\n\nThis function uses an approach designed to prevent\ntiming analysis, making it appropriate for cryptography.\n\na and b must both be of the same type: either str (ASCII only),\nor any bytes-like object.\n\nNote: If a and b are of different lengths, or if an error occurs,\na timing attack could theoretically reveal information about the\ntypes and lengths of a and b--but not their values."
    ),
    method!(
        length_hint,
        "length_hint($module, obj, default=0, /)",
        "Return an estimate of the number of items in obj.\n\nThis is useful for presizing containers when building from an iterable.\n\nIf the object supports len(), the result will be exact.\nOtherwise, it may over- or under-estimate by an arbitrary amount.\nThe result will be an integer >= 0."
    ),
];

static TYPES: &[&TypeObject] = &[&getters::ITEMGETTER, &getters::ATTRGETTER, &getters::METHODCALLER];

fn fill(dict: &Dict) -> PyResult<()> {
    for ty in TYPES {
        ty.ready()?;
        dict.set_text(ty.short_name(), ty.value());
    }
    Ok(())
}

/// What `operator` exports, in its order.
static ALL: &[&str] = &[
    "abs",
    "add",
    "and_",
    "attrgetter",
    "concat",
    "contains",
    "countOf",
    "delitem",
    "eq",
    "floordiv",
    "ge",
    "getitem",
    "gt",
    "iadd",
    "iand",
    "iconcat",
    "ifloordiv",
    "ilshift",
    "imatmul",
    "imod",
    "imul",
    "index",
    "indexOf",
    "inv",
    "invert",
    "ior",
    "ipow",
    "irshift",
    "is_",
    "is_not",
    "isub",
    "itemgetter",
    "itruediv",
    "ixor",
    "le",
    "length_hint",
    "lshift",
    "lt",
    "matmul",
    "methodcaller",
    "mod",
    "mul",
    "ne",
    "neg",
    "not_",
    "or_",
    "pos",
    "pow",
    "rshift",
    "setitem",
    "sub",
    "truediv",
    "truth",
    "xor",
];

/// The functions of `operator` that have a second name, that of a special method.
static SPECIAL: &[&str] = &[
    "lt",
    "le",
    "eq",
    "ne",
    "ge",
    "gt",
    "not_",
    "abs",
    "add",
    "and_",
    "floordiv",
    "index",
    "inv",
    "invert",
    "lshift",
    "mod",
    "mul",
    "matmul",
    "neg",
    "or_",
    "pos",
    "pow",
    "rshift",
    "sub",
    "truediv",
    "xor",
    "concat",
    "contains",
    "delitem",
    "getitem",
    "setitem",
    "iadd",
    "iand",
    "iconcat",
    "ifloordiv",
    "ilshift",
    "imod",
    "imul",
    "imatmul",
    "ior",
    "ipow",
    "irshift",
    "isub",
    "itruediv",
    "ixor",
];

fn fill_library(dict: &Dict) -> PyResult<()> {
    let own = import::import_text(MODULE.name)?;
    dict.set_text("__all__", List::from_vec(ALL.iter().map(|name| intern(name)).collect()));
    for name in ALL {
        dict.set_text(name, attribute::get_str(&own, name)?);
    }
    for name in SPECIAL {
        dict.set_text(&format!("__{}__", name.trim_end_matches('_')), attribute::get_str(&own, name)?);
    }
    dict.set_text("_abs", crate::object::builtins::get("abs")?);
    Ok(())
}

fn binary<const OP: usize>(a: &Value, b: &Value) -> PyResult<Value> {
    number::binary(BinaryOp::ALL[OP], a, b)
}

fn inplace<const OP: usize>(a: &Value, b: &Value) -> PyResult<Value> {
    number::inplace(BinaryOp::ALL[OP], a, b)
}

fn rich<const OP: usize>(a: &Value, b: &Value) -> PyResult<Value> {
    compare::rich(a, b, Compare::ALL[OP])
}

fn truth(a: bool) -> bool {
    a
}

fn not_(a: bool) -> bool {
    !a
}

fn is_(a: &Value, b: &Value) -> bool {
    a.is(b)
}

fn is_not(a: &Value, b: &Value) -> bool {
    !a.is(b)
}

fn contains(a: &Value, b: &Value) -> PyResult<bool> {
    sequence::contains(a, b)
}

fn index_of(a: &Value, b: &Value) -> PyResult<usize> {
    let iterator = sequence::searched(a)?;
    let mut index = 0;
    while let Some(item) = iter::next(&iterator)? {
        if compare::equal(b, &item)? {
            return Ok(index);
        }
        index += 1;
    }
    Err(value_error("sequence.index(x): x not in sequence"))
}

fn count_of(a: &Value, b: &Value) -> PyResult<usize> {
    let iterator = sequence::searched(a)?;
    let mut count = 0;
    while let Some(item) = iter::next(&iterator)? {
        count += usize::from(compare::equal(b, &item)?);
    }
    Ok(count)
}

/// As `PySequence_Check`.
fn is_sequence(value: &Value) -> bool {
    value.downcast::<Dict>().is_none() && value.ty().slot(|slots| slots.item).is_some()
}

/// `a + b` of sequences: by the slots of sequences, else by `add` when both are sequences.
fn concatenated(
    a: &Value,
    b: &Value,
    slot: Option<BinaryFn>,
    add: fn(BinaryOp, &Value, &Value) -> PyResult<Value>,
) -> PyResult<Value> {
    match slot {
        Some(concat) => concat(a, b),
        None if is_sequence(a) && is_sequence(b) => add(BinaryOp::Add, a, b),
        None => Err(type_error(format!("'{}' object can't be concatenated", a.ty().name()))),
    }
}

fn concat(a: &Value, b: &Value) -> PyResult<Value> {
    concatenated(a, b, a.ty().slot(|slots| slots.concat), number::binary)
}

fn iconcat(a: &Value, b: &Value) -> PyResult<Value> {
    concatenated(a, b, a.ty().slot(|slots| slots.inplace_concat.or(slots.concat)), number::inplace)
}

fn getitem(a: &Value, b: &Value) -> PyResult<Value> {
    sequence::get_item(a, b)
}

fn setitem(a: &Value, b: &Value, c: &Value) -> PyResult<()> {
    sequence::set_item(a, b, c.clone())
}

fn delitem(a: &Value, b: &Value) -> PyResult<()> {
    sequence::delete_item(a, b)
}

fn length_hint(obj: &Value, default: Option<isize>) -> PyResult<isize> {
    // No object has that length: it stands for the default, which may be negative.
    match hint::length_hint(obj, usize::MAX)? {
        usize::MAX => Ok(default.unwrap_or(0)),
        length => Ok(length as isize),
    }
}

/// Whether two byte strings are equal, in a time that depends on the second's length only.
fn equal_in_constant_time(a: &[u8], b: &[u8]) -> bool {
    let same_length = a.len() == b.len();
    let left = if same_length { a } else { b };
    let difference = left.iter().zip(b).fold(u8::from(!same_length), |all, (x, y)| all | (x ^ y));
    std::hint::black_box(difference) == 0
}

fn compare_digest(a: &Value, b: &Value) -> PyResult<bool> {
    if let (Some(a), Some(b)) = (a.downcast::<Str>(), b.downcast::<Str>()) {
        let (Some(a), Some(b)) = (a.as_ascii(), b.as_ascii()) else {
            return Err(type_error("comparing strings with non-ASCII characters is not supported"));
        };
        return Ok(equal_in_constant_time(a.as_bytes(), b.as_bytes()));
    }
    if !bytes::is_buffer(a) && !bytes::is_buffer(b) {
        return Err(type_error(format!(
            "unsupported operand types(s) or combination of types: '{}' and '{}'",
            a.ty().name(),
            b.ty().name()
        )));
    }
    let (a, b) = (bytes::buffer_of(a)?, bytes::buffer_of(b)?);
    Ok(equal_in_constant_time(&a, &b))
}
