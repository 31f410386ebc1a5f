//! The number protocol: operators with their reflected and in-place forms, truth, index and float conversion.

use super::error::PyResult;
use super::slots::{BinaryFn, BinaryOp, UnaryFn};
use super::value::Value;
use crate::modules::warnings;
use crate::types::exceptions::DEPRECATION_WARNING;
use crate::types::exceptions::{index_error, overflow_error, type_error};
use crate::types::float::Float;
use crate::types::int::{self, Int};
use crate::types::str::Str;
use num_traits::ToPrimitive;

/// Tries the two operands' slots in CPython's order (`binary_op1`): the right one first when its type derives from the
/// left one's.
#[inline]
fn dispatch(left: &Value, right: &Value, slot: impl Fn(&Value) -> Option<BinaryFn>) -> PyResult<Value> {
    let left_slot = slot(left);
    let mut right_slot = None;
    if !std::ptr::eq(left.ty(), right.ty()) {
        right_slot = slot(right);
        if let (Some(l), Some(r)) = (left_slot, right_slot)
            && l as usize == r as usize
        {
            right_slot = None;
        }
    }
    if let Some(left_slot) = left_slot {
        if let Some(slot) = right_slot
            && right.ty().is_subtype(left.ty())
        {
            let result = slot(left, right)?;
            if !result.is_not_implemented() {
                return Ok(result);
            }
            right_slot = None;
        }
        let result = left_slot(left, right)?;
        if !result.is_not_implemented() {
            return Ok(result);
        }
    }
    match right_slot {
        Some(slot) => slot(left, right),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}

fn binary_slot(value: &Value, op: BinaryOp) -> Option<BinaryFn> {
    value.ty().slot(|slots| slots.binary[op as usize])
}

#[cold]
fn unsupported(symbol: &str, left: &Value, right: &Value) -> super::Raised {
    type_error(format!("unsupported operand type(s) for {symbol}: '{}' and '{}'", left.ty().name(), right.ty().name()))
}

/// `left OP right`.
///
/// # Errors
/// `TypeError` when no operand supports the operator, or what the operands raise.
pub fn binary(op: BinaryOp, left: &Value, right: &Value) -> PyResult<Value> {
    let result = dispatch(left, right, |value| binary_slot(value, op))?;
    if !result.is_not_implemented() {
        return Ok(result);
    }
    match op {
        BinaryOp::Add => {
            if let Some(concat) = left.ty().slot(|slots| slots.concat) {
                return concat(left, right);
            }
        }
        BinaryOp::Multiply => return sequence_multiply(left, right, op.symbol(), false),
        BinaryOp::RightShift if crate::types::builtin_function::is_named(left, "print") => {
            return Err(type_error(format!(
                "unsupported operand type(s) for >>: '{}' and '{}'. Did you mean \"print(<message>, file=<output_stream>)\"?",
                left.ty().name(),
                right.ty().name()
            )));
        }
        _ => {}
    }
    Err(unsupported(op.symbol(), left, right))
}

fn sequence_multiply(left: &Value, right: &Value, symbol: &str, inplace: bool) -> PyResult<Value> {
    let (sequence, count, repeat) = if let Some(repeat) =
        left.ty().slot(|slots| if inplace { slots.inplace_repeat.or(slots.repeat) } else { slots.repeat })
    {
        (left, right, repeat)
    } else if let Some(repeat) = right.ty().slot(|slots| slots.repeat) {
        (right, left, repeat)
    } else {
        return Err(unsupported(symbol, left, right));
    };
    if !is_index(count) {
        return Err(type_error(format!("can't multiply sequence by non-int of type '{}'", count.ty().name())));
    }
    repeat(sequence, count)
}

/// `left OP= right`.
///
/// # Errors
/// As for [`binary`].
pub fn inplace(op: BinaryOp, left: &Value, right: &Value) -> PyResult<Value> {
    if let Some(slot) = left.ty().slot(|slots| slots.inplace[op as usize]) {
        let result = slot(left, right)?;
        if !result.is_not_implemented() {
            return Ok(result);
        }
    }
    let result = dispatch(left, right, |value| binary_slot(value, op))?;
    if !result.is_not_implemented() {
        return Ok(result);
    }
    match op {
        BinaryOp::Add => {
            if let Some(concat) = left.ty().slot(|slots| slots.inplace_concat.or(slots.concat)) {
                return concat(left, right);
            }
        }
        BinaryOp::Multiply => return sequence_multiply(left, right, op.inplace_symbol(), true),
        _ => {}
    }
    // As ternary_iop: `**=` has no symbol of its own.
    let symbol = if op == BinaryOp::Power { op.symbol() } else { op.inplace_symbol() };
    Err(unsupported(symbol, left, right))
}

/// `pow(base, exponent, modulus)`.
///
/// # Errors
/// As for [`binary`].
pub fn power(base: &Value, exponent: &Value, modulus: &Value) -> PyResult<Value> {
    if modulus.is_none() {
        return binary(BinaryOp::Power, base, exponent);
    }
    for operand in [base, exponent, modulus] {
        if let Some(slot) = operand.ty().slot(|slots| slots.power3) {
            let result = slot(base, exponent, modulus)?;
            if !result.is_not_implemented() {
                return Ok(result);
            }
        }
    }
    Err(type_error(format!(
        "unsupported operand type(s) for pow(): '{}', '{}', '{}'",
        base.ty().name(),
        exponent.ty().name(),
        modulus.ty().name()
    )))
}

fn unary(value: &Value, slot: Option<UnaryFn>, what: &str) -> PyResult<Value> {
    match slot {
        Some(slot) => slot(value),
        None => Err(type_error(format!("bad operand type for {what}: '{}'", value.ty().name()))),
    }
}

/// `-value`.
///
/// # Errors
/// `TypeError`, or what the operand raises.
pub fn negative(value: &Value) -> PyResult<Value> {
    unary(value, value.ty().slot(|slots| slots.negative), "unary -")
}

/// `+value`.
///
/// # Errors
/// As for [`negative`].
pub fn positive(value: &Value) -> PyResult<Value> {
    unary(value, value.ty().slot(|slots| slots.positive), "unary +")
}

/// `~value`.
///
/// # Errors
/// As for [`negative`].
pub fn invert(value: &Value) -> PyResult<Value> {
    unary(value, value.ty().slot(|slots| slots.invert), "unary ~")
}

/// `abs(value)`.
///
/// # Errors
/// As for [`negative`].
pub fn absolute(value: &Value) -> PyResult<Value> {
    unary(value, value.ty().slot(|slots| slots.absolute), "abs()")
}

/// The truth of a value.
///
/// # Errors
/// What `__bool__` or `__len__` raises.
#[inline]
pub fn truth(value: &Value) -> PyResult<bool> {
    if value.is_true() {
        return Ok(true);
    }
    if value.is_false() || value.is_none() {
        return Ok(false);
    }
    if let Some(int) = value.as_small_int() {
        return Ok(int != 0);
    }
    truth_slow(value)
}

fn truth_slow(value: &Value) -> PyResult<bool> {
    if let Some(float) = value.as_small_float() {
        return Ok(float != 0.0);
    }
    let ty = value.ty();
    if let Some(slot) = ty.slot(|slots| slots.bool) {
        return slot(value);
    }
    if let Some(slot) = ty.slot(|slots| slots.length) {
        return Ok(slot(value)? != 0);
    }
    Ok(true)
}

/// Whether the value has `__index__`.
pub fn is_index(value: &Value) -> bool {
    value.ty().slot(|slots| slots.index).is_some()
}

/// `operator.index(value)`: an int (perhaps of a subclass).
///
/// # Errors
/// `TypeError` when the value has no `__index__` or it gives no int.
pub fn index(value: &Value) -> PyResult<Value> {
    if int::is_int(value) {
        return Ok(value.clone());
    }
    let Some(slot) = value.ty().slot(|slots| slots.index) else {
        return Err(type_error(format!("'{}' object cannot be interpreted as an integer", value.ty().name())));
    };
    let result = slot(value)?;
    check_int("__index__", &result)?;
    Ok(result)
}

/// That what `__int__` or `__index__` returned is an int; one of a subclass is deprecated.
///
/// # Errors
/// `TypeError`; the `DeprecationWarning` when a filter makes an error of it.
#[inline]
pub(crate) fn check_int(method: &str, result: &Value) -> PyResult<()> {
    if int::is_exact_int(result) { Ok(()) } else { check_odd_int(method, result) }
}

#[cold]
fn check_odd_int(method: &str, result: &Value) -> PyResult<()> {
    let returned = format!("{method} returned non-int (type {})", result.ty().name());
    if int::is_int(result) { deprecated_subclass(&returned, "int") } else { Err(type_error(returned)) }
}

/// Warns that a conversion method `returned` an instance of a strict subclass.
///
/// # Errors
/// The `DeprecationWarning` when a filter makes an error of it.
#[cold]
pub(crate) fn deprecated_subclass(returned: &str, base: &str) -> PyResult<()> {
    let text = format!(
        "{returned}.  The ability to return an instance of a strict subclass of {base} is deprecated, and may be removed \
         in a future version of Python."
    );
    warnings::warn(&DEPRECATION_WARNING, &text, 1)
}

/// An int from a value with `__index__` or, which is deprecated, `__int__`. As `_PyLong_FromNbIndexOrNbInt`.
///
/// # Errors
/// `TypeError`, and what the methods raise.
pub(crate) fn integer(value: &Value) -> PyResult<Value> {
    if int::is_int(value) {
        return Ok(value.clone());
    }
    if is_index(value) {
        return index(value);
    }
    let required = format!("an integer is required (got type {})", value.ty().name());
    let Some(slot) = value.ty().slot(|slots| slots.int) else { return Err(type_error(required)) };
    let result = slot(value)?;
    check_int("__int__", &result)?;
    let text = format!(
        "{required}.  Implicit conversion to integers using __int__ is deprecated, and may be removed in a future version \
         of Python."
    );
    warnings::warn(&DEPRECATION_WARNING, &text, 1)?;
    Ok(result)
}

/// `value` as a machine int through `__index__`; `None` when it does not fit.
///
/// # Errors
/// As for [`index`].
pub fn index_to_i64(value: &Value) -> PyResult<Option<i64>> {
    if let Some(int) = value.as_small_int() {
        return Ok(Some(int));
    }
    let int = index(value)?;
    Ok(int::to_i64(&int))
}

/// As [`index_to_i64`], but `OverflowError` with `message` when it does not fit.
///
/// # Errors
/// See above.
pub fn index_to_i64_or_overflow(value: &Value, message: &str) -> PyResult<i64> {
    index_to_i64(value)?.ok_or_else(|| overflow_error(message))
}

/// `PyNumber_AsSsize_t(value, PyExc_OverflowError)`.
///
/// # Errors
/// `TypeError`; `OverflowError` when it does not fit.
pub fn index_to_isize(value: &Value) -> PyResult<isize> {
    match index_to_i64(value)? {
        Some(int) => Ok(int as isize),
        None => Err(overflow_error("Python int too large to convert to C ssize_t")),
    }
}

/// `PyNumber_AsSsize_t(value, PyExc_IndexError)`, for subscripts.
///
/// # Errors
/// `TypeError`; `IndexError` when it does not fit.
pub fn index_for_item(value: &Value) -> PyResult<isize> {
    match index_to_i64(value)? {
        Some(int) => Ok(int as isize),
        None => Err(index_error(format!("cannot fit '{}' into an index-sized integer", value.ty().name()))),
    }
}

/// `value` as a machine index, clamped to the machine's range as slices do it.
///
/// # Errors
/// As for [`index`].
pub fn index_clamped(value: &Value) -> PyResult<isize> {
    if let Some(int) = value.as_small_int() {
        return Ok(int as isize);
    }
    let int = index(value)?;
    Ok(match int::to_i64(&int) {
        Some(int) => int as isize,
        None if int::is_negative(&int) => isize::MIN,
        None => isize::MAX,
    })
}

/// `PyFloat_AsDouble`: a float, or what `__float__` or `__index__` gives.
///
/// # Errors
/// `TypeError`; `OverflowError` for ints too large.
pub fn to_f64(value: &Value) -> PyResult<f64> {
    if let Some(float) = value.as_small_float() {
        return Ok(float);
    }
    if let Some(int) = value.as_small_int() {
        return Ok(int as f64);
    }
    if let Some(float) = value.downcast::<Float>() {
        return Ok(float.value());
    }
    if let Some(slot) = value.ty().slot(|slots| slots.float) {
        let result = slot(value)?;
        if let Some(float) = result.as_small_float() {
            return Ok(float);
        }
        check_float(value, &result)?;
        return result.downcast::<Float>().map(Float::value).ok_or_else(|| type_error("a float is required"));
    }
    if is_index(value) {
        let int = index(value)?;
        return int_to_f64(&int);
    }
    Err(type_error(format!("must be real number, not {}", value.ty().name())))
}

/// That what `value.__float__()` returned is a float; one of a subclass is deprecated.
///
/// # Errors
/// `TypeError`; the `DeprecationWarning` when a filter makes an error of it.
pub(crate) fn check_float(value: &Value, result: &Value) -> PyResult<()> {
    if result.is_small_float() || result.is_exact::<Float>() {
        return Ok(());
    }
    let returned = format!("{}.__float__ returned non-float (type {})", value.ty().name(), result.ty().name());
    if result.downcast::<Float>().is_some() {
        deprecated_subclass(&returned, "float")
    } else {
        Err(type_error(returned))
    }
}

/// An int as a float, rounded to nearest even.
///
/// # Errors
/// `OverflowError` when it is too large.
pub fn int_to_f64(value: &Value) -> PyResult<f64> {
    if let Some(int) = int::to_i64(value) {
        return Ok(int as f64);
    }
    let float = value.downcast::<Int>().and_then(|int| int.to_big().to_f64()).unwrap_or(f64::INFINITY);
    if float.is_finite() { Ok(float) } else { Err(overflow_error("int too large to convert to float")) }
}

/// Whether a value is exactly a str; such values compare and hash without running Python code.
#[inline(always)]
pub fn is_exact_str(value: &Value) -> bool {
    value.is_exact::<Str>()
}
