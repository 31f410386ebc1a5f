//! Operations on constants while compiling, with the limits of CPython's `ast_opt.c`. What would raise is left as it is.

use crate::compile::ast::{Operator, UnaryOp};
use crate::compile::constant::Constant;
use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};
use std::rc::Rc;

/// Ints of more bits are not made.
const MAX_INT_SIZE: u64 = 128;
/// Tuples of more items are not made by repetition.
const MAX_COLLECTION_SIZE: usize = 256;
/// Nor text of more characters.
const MAX_STR_SIZE: usize = 4096;
/// Nor tuples that hold more items all in all.
const MAX_TOTAL_ITEMS: usize = 1024;

/// A number on its way through an operation.
enum Number {
    Int(BigInt),
    Float(f64),
    Complex(f64, f64),
}

fn number(constant: &Constant) -> Option<Number> {
    Some(match constant {
        Constant::Bool(_) | Constant::Int(_) | Constant::BigInt(_) => Number::Int(int(constant)?),
        Constant::Float(value) => Number::Float(*value),
        Constant::Complex(re, im) => Number::Complex(*re, *im),
        _ => return None,
    })
}

fn int(constant: &Constant) -> Option<BigInt> {
    match constant {
        Constant::Bool(value) => Some(BigInt::from(i32::from(*value))),
        Constant::Int(value) => Some(BigInt::from(*value)),
        Constant::BigInt(value) => Some(BigInt::clone(value)),
        _ => None,
    }
}

/// An int as `PyLong_AsLong` gives it.
fn small(constant: &Constant) -> Option<i64> {
    match constant {
        Constant::Bool(value) => Some(i64::from(*value)),
        Constant::Int(value) => Some(*value),
        _ => None,
    }
}

/// How many characters a text has.
fn characters(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte & 0xc0 != 0x80).count()
}

/// The nearest float; `None` when it is too large.
fn to_float(value: &BigInt) -> Option<f64> {
    ratio(value, &BigInt::from(1))
}

/// `a / b`, correctly rounded; `None` when that overflows or `b` is zero.
fn ratio(a: &BigInt, b: &BigInt) -> Option<f64> {
    if b.is_zero() {
        return None;
    }
    if let (Some(a), Some(b)) = (a.to_i64(), b.to_i64())
        && a.unsigned_abs() <= 1 << 53
        && b.unsigned_abs() <= 1 << 53
    {
        return Some(a as f64 / b as f64);
    }
    if a.is_zero() {
        return Some(if b.is_negative() { -0.0 } else { 0.0 });
    }
    let negative = a.is_negative() != b.is_negative();
    let (a, b) = (a.abs(), b.abs());
    let exponent = i64::try_from(a.bits()).ok()? - i64::try_from(b.bits()).ok()?;
    // A quotient of 66 bits or so, its last one sticky; fewer when the result is subnormal.
    let shift = 65 - exponent;
    let (a, b) = if shift >= 0 { (a << shift.unsigned_abs(), b) } else { (a, b << shift.unsigned_abs()) };
    let (quotient, rest) = a.div_rem(&b);
    let mut quotient = quotient.to_u128()?;
    if !rest.is_zero() {
        quotient |= 1;
    }
    let bits = i64::from(128 - quotient.leading_zeros());
    // The value is quotient * 2^-shift; its highest bit stands for 2^(bits - 1 - shift).
    let top = bits - 1 - shift;
    let kept = if top < -1022 { 53 - (-1022 - top) } else { 53 };
    let drop = bits - kept;
    let mantissa = if drop > 120 {
        0
    } else {
        let drop = u32::try_from(drop).ok()?;
        let low = quotient & ((1u128 << drop) - 1);
        let half = 1u128 << (drop - 1);
        let mut mantissa = quotient >> drop;
        if low > half || (low == half && mantissa & 1 == 1) {
            mantissa += 1;
        }
        mantissa
    };
    let mut result = mantissa as f64;
    // In two steps, of which only the exact one can be subnormal.
    let power = drop - shift;
    let first = power.clamp(-1000, 1000);
    result = result * 2f64.powi(first as i32) * 2f64.powi((power - first).clamp(-1000, 1000) as i32);
    if result.is_infinite() {
        return None;
    }
    Some(if negative { -result } else { result })
}

/// The result of a unary operator; `None` if it would raise.
pub fn unary(op: UnaryOp, operand: &Constant) -> Option<Constant> {
    match (op, operand) {
        (UnaryOp::Not, _) => Some(Constant::Bool(!operand.is_true())),
        (UnaryOp::Invert, _) => Some(Constant::from(!int(operand)?)),
        (UnaryOp::UAdd | UnaryOp::USub, _) => {
            let minus = op == UnaryOp::USub;
            Some(match number(operand)? {
                Number::Int(value) => Constant::from(if minus { -value } else { value }),
                Number::Float(value) => Constant::Float(if minus { -value } else { value }),
                Number::Complex(re, im) if minus => Constant::Complex(-re, -im),
                Number::Complex(re, im) => Constant::Complex(re, im),
            })
        }
    }
}

/// The result of a binary operator; `None` if it would raise or be too large.
pub fn binary(op: Operator, left: &Constant, right: &Constant) -> Option<Constant> {
    match op {
        Operator::Add => match (left, right) {
            (Constant::Str(a), Constant::Str(b)) => Some(Constant::Str(joined(a, b))),
            (Constant::Bytes(a), Constant::Bytes(b)) => Some(Constant::Bytes(joined(a, b))),
            (Constant::Tuple(a), Constant::Tuple(b)) => {
                Some(Constant::Tuple(a.iter().chain(b.iter()).cloned().collect()))
            }
            (Constant::Int(a), Constant::Int(b)) if a.checked_add(*b).is_some() => a.checked_add(*b).map(Constant::Int),
            _ => arithmetic(op, left, right),
        },
        Operator::Mult => multiply(left, right),
        Operator::Sub | Operator::Div | Operator::FloorDiv => arithmetic(op, left, right),
        Operator::Mod => match left {
            Constant::Str(_) | Constant::Bytes(_) => None,
            _ => arithmetic(op, left, right),
        },
        Operator::Pow => power(left, right),
        Operator::LShift => {
            let (a, b) = (int(left)?, int(right)?);
            if b.is_negative() {
                return None;
            }
            if a.is_zero() {
                return Some(Constant::Int(0));
            }
            let count = b.to_u64()?;
            (count <= MAX_INT_SIZE && a.bits() <= MAX_INT_SIZE - count).then(|| Constant::from(a << count))
        }
        Operator::RShift => {
            let (a, b) = (int(left)?, int(right)?);
            if b.is_negative() {
                return None;
            }
            Some(match b.to_u64() {
                Some(count) => Constant::from(a >> count),
                None => Constant::Int(if a.is_negative() { -1 } else { 0 }),
            })
        }
        Operator::BitOr | Operator::BitXor | Operator::BitAnd => {
            if let (Constant::Bool(a), Constant::Bool(b)) = (left, right) {
                return Some(Constant::Bool(match op {
                    Operator::BitOr => a | b,
                    Operator::BitXor => a ^ b,
                    _ => a & b,
                }));
            }
            let (a, b) = (int(left)?, int(right)?);
            Some(Constant::from(match op {
                Operator::BitOr => a | b,
                Operator::BitXor => a ^ b,
                _ => a & b,
            }))
        }
        Operator::MatMult => None,
    }
}

fn joined(a: &[u8], b: &[u8]) -> Rc<[u8]> {
    [a, b].concat().into()
}

fn arithmetic(op: Operator, left: &Constant, right: &Constant) -> Option<Constant> {
    let (a, b) = (number(left)?, number(right)?);
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => ints(op, &a, &b),
        (Number::Complex(..), _) | (_, Number::Complex(..)) => {
            complexes(op, complex(&number(left)?)?, complex(&number(right)?)?)
        }
        (a, b) => floats(op, float(&a)?, float(&b)?),
    }
}

fn float(number: &Number) -> Option<f64> {
    match number {
        Number::Int(value) => to_float(value),
        Number::Float(value) => Some(*value),
        Number::Complex(..) => None,
    }
}

fn complex(number: &Number) -> Option<(f64, f64)> {
    match number {
        Number::Complex(re, im) => Some((*re, *im)),
        real => Some((float(real)?, 0.0)),
    }
}

fn ints(op: Operator, a: &BigInt, b: &BigInt) -> Option<Constant> {
    Some(match op {
        Operator::Add => Constant::from(a + b),
        Operator::Sub => Constant::from(a - b),
        Operator::Mult => Constant::from(a * b),
        Operator::Div => Constant::Float(ratio(a, b)?),
        Operator::FloorDiv if !b.is_zero() => Constant::from(a.div_floor(b)),
        Operator::Mod if !b.is_zero() => Constant::from(a.mod_floor(b)),
        _ => return None,
    })
}

fn floats(op: Operator, a: f64, b: f64) -> Option<Constant> {
    Some(Constant::Float(match op {
        Operator::Add => a + b,
        Operator::Sub => a - b,
        Operator::Mult => a * b,
        Operator::Div if b != 0.0 => a / b,
        Operator::FloorDiv if b != 0.0 => {
            let rest = a % b;
            let mut quotient = (a - rest) / b;
            if rest != 0.0 && (b < 0.0) != (rest < 0.0) {
                quotient -= 1.0;
            }
            if quotient != 0.0 {
                let floor = quotient.floor();
                if quotient - floor > 0.5 { floor + 1.0 } else { floor }
            } else {
                0f64.copysign(a / b)
            }
        }
        Operator::Mod if b != 0.0 => {
            let rest = a % b;
            if rest == 0.0 {
                0f64.copysign(b)
            } else if (b < 0.0) != (rest < 0.0) {
                rest + b
            } else {
                rest
            }
        }
        _ => return None,
    }))
}

fn complexes(op: Operator, a: (f64, f64), b: (f64, f64)) -> Option<Constant> {
    let (re, im) = match op {
        Operator::Add => (a.0 + b.0, a.1 + b.1),
        Operator::Sub => (a.0 - b.0, a.1 - b.1),
        Operator::Mult => product(a, b),
        Operator::Div => quotient(a, b)?,
        _ => return None,
    };
    Some(Constant::Complex(re, im))
}

fn product(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

/// Divides by the larger part of the divisor first, against overflow.
fn quotient(a: (f64, f64), b: (f64, f64)) -> Option<(f64, f64)> {
    let (re, im) = (b.0.abs(), b.1.abs());
    if re >= im {
        if re == 0.0 {
            return None;
        }
        let part = b.1 / b.0;
        let divisor = b.0 + b.1 * part;
        Some(((a.0 + a.1 * part) / divisor, (a.1 - a.0 * part) / divisor))
    } else if im >= re {
        let part = b.0 / b.1;
        let divisor = b.0 * part + b.1;
        Some(((a.0 * part + a.1) / divisor, (a.1 * part - a.0) / divisor))
    } else {
        Some((f64::NAN, f64::NAN))
    }
}

fn multiply(left: &Constant, right: &Constant) -> Option<Constant> {
    match (left, right) {
        (Constant::Bool(_) | Constant::Int(_) | Constant::BigInt(_), _) => {}
        (_, Constant::Bool(_) | Constant::Int(_) | Constant::BigInt(_))
            if matches!(left, Constant::Tuple(_) | Constant::Str(_) | Constant::Bytes(_)) =>
        {
            return multiply(right, left);
        }
        _ => return arithmetic(Operator::Mult, left, right),
    }
    let times = |size: usize, most: usize| -> Option<usize> {
        if size == 0 {
            return Some(0);
        }
        let count = usize::try_from(small(left)?).ok()?;
        (count <= most / size).then_some(count)
    };
    match right {
        Constant::Tuple(items) => {
            let count = times(items.len(), MAX_COLLECTION_SIZE)?;
            if let Some(limit) = MAX_TOTAL_ITEMS.checked_div(count) {
                complexity(right, limit)?;
            }
            let items = std::iter::repeat_n(items, count).flat_map(|items| items.iter().cloned());
            Some(Constant::Tuple(items.collect()))
        }
        Constant::Str(text) => Some(Constant::Str(text.repeat(times(characters(text), MAX_STR_SIZE)?).into())),
        Constant::Bytes(bytes) => Some(Constant::Bytes(bytes.repeat(times(bytes.len(), MAX_STR_SIZE)?).into())),
        Constant::Bool(_) | Constant::Int(_) | Constant::BigInt(_) => {
            let (a, b) = (int(left)?, int(right)?);
            (a.is_zero() || b.is_zero() || a.bits() + b.bits() <= MAX_INT_SIZE).then(|| Constant::from(a * b))
        }
        _ => arithmetic(Operator::Mult, left, right),
    }
}

/// What is left of a limit when the items of a tuple, and of those in it, are taken from it.
fn complexity(constant: &Constant, limit: usize) -> Option<usize> {
    match constant {
        Constant::Tuple(items) => {
            items.iter().try_fold(limit.checked_sub(items.len())?, |limit, item| complexity(item, limit))
        }
        Constant::FrozenSet(items) => {
            items.iter().try_fold(limit.checked_sub(items.len())?, |limit, item| complexity(item, limit))
        }
        _ => Some(limit),
    }
}

fn power(left: &Constant, right: &Constant) -> Option<Constant> {
    match (number(left)?, number(right)?) {
        (Number::Int(a), Number::Int(b)) => {
            if b.sign() == Sign::Minus {
                return real_power(to_float(&a)?, to_float(&b)?);
            }
            if b.is_zero() {
                return Some(Constant::Int(1));
            }
            if a.is_zero() {
                return Some(Constant::Int(0));
            }
            let exponent = b.to_u64()?;
            if a.bits() > MAX_INT_SIZE / exponent {
                return None;
            }
            Some(Constant::from(a.pow(u32::try_from(exponent).ok()?)))
        }
        (a, b) if matches!(a, Number::Complex(..)) || matches!(b, Number::Complex(..)) => {
            complex_power(complex(&a)?, complex(&b)?)
        }
        (a, b) => real_power(float(&a)?, float(&b)?),
    }
}

/// As `float_pow`.
fn real_power(base: f64, exponent: f64) -> Option<Constant> {
    if exponent == 0.0 {
        return Some(Constant::Float(1.0));
    }
    if base.is_nan() {
        return Some(Constant::Float(base));
    }
    if exponent.is_nan() {
        return Some(Constant::Float(if base == 1.0 { 1.0 } else { exponent }));
    }
    let finite = base.is_finite() && exponent.is_finite();
    if base == 0.0 && exponent < 0.0 && finite {
        return None;
    }
    if base < 0.0 && finite && exponent != exponent.floor() {
        return complex_power((base, 0.0), (exponent, 0.0));
    }
    let result = base.powf(exponent);
    if finite && result.is_infinite() { None } else { Some(Constant::Float(result)) }
}

/// As `complex_pow`.
fn complex_power(base: (f64, f64), exponent: (f64, f64)) -> Option<Constant> {
    let whole = exponent.0 as i64;
    let (re, im) = if exponent.1 == 0.0 && exponent.0 == whole as f64 && whole.unsigned_abs() <= 100 {
        let positive = whole_power(base, whole.unsigned_abs());
        if whole > 0 { positive } else { quotient((1.0, 0.0), positive)? }
    } else {
        polar_power(base, exponent)?
    };
    (re.is_finite() || re.is_nan()).then_some(())?;
    (im.is_finite() || im.is_nan()).then_some(())?;
    Some(Constant::Complex(re, im))
}

fn whole_power(base: (f64, f64), exponent: u64) -> (f64, f64) {
    let (mut result, mut square, mut mask) = ((1.0, 0.0), base, 1);
    while mask <= exponent {
        if exponent & mask != 0 {
            result = product(result, square);
        }
        mask <<= 1;
        square = product(square, square);
    }
    result
}

fn polar_power(a: (f64, f64), b: (f64, f64)) -> Option<(f64, f64)> {
    if b == (0.0, 0.0) {
        return Some((1.0, 0.0));
    }
    if a == (0.0, 0.0) {
        return if b.1 != 0.0 || b.0 < 0.0 { None } else { Some((0.0, 0.0)) };
    }
    let magnitude = a.0.hypot(a.1);
    let mut length = magnitude.powf(b.0);
    let angle = a.1.atan2(a.0);
    let mut phase = angle * b.0;
    if b.1 != 0.0 {
        length /= (angle * b.1).exp();
        phase += b.1 * magnitude.ln();
    }
    phase.is_finite().then(|| (length * phase.cos(), length * phase.sin()))
}

/// `value[index]`; `None` if it would raise.
pub fn subscript(value: &Constant, index: &Constant) -> Option<Constant> {
    let index = small(index)?;
    let position = |len: usize| -> Option<usize> {
        let len = i64::try_from(len).ok()?;
        let index = if index < 0 { index.checked_add(len)? } else { index };
        (0..len).contains(&index).then(|| usize::try_from(index).ok())?
    };
    match value {
        Constant::Str(text) => {
            let at = position(characters(text))?;
            let start = text.iter().enumerate().filter(|(_, byte)| **byte & 0xc0 != 0x80).nth(at)?.0;
            let rest = text.get(start..)?;
            let len = 1 + rest.iter().skip(1).take_while(|&&byte| byte & 0xc0 == 0x80).count();
            Some(Constant::Str(rest.get(..len)?.into()))
        }
        Constant::Bytes(bytes) => bytes.get(position(bytes.len())?).map(|&byte| Constant::Int(i64::from(byte))),
        Constant::Tuple(items) => items.get(position(items.len())?).cloned(),
        _ => None,
    }
}
