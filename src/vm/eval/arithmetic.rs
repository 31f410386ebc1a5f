//! Arithmetic and comparison of immediate ints and floats, on words.

use crate::object::slots::{BinaryOp, Compare};
use crate::object::value::Value;

#[inline(always)]
fn both_ints(a: u64, b: u64) -> bool {
    a & b & 1 != 0
}

#[inline(always)]
fn both_floats(a: u64, b: u64) -> bool {
    (a & 3 == 2) & (b & 3 == 2)
}

#[inline(always)]
fn float_of(bits: u64) -> f64 {
    if bits == 2 { 0.0 } else { f64::from_bits(bits.rotate_right(3).wrapping_sub(1 << 60)) }
}

/// The word of a float; 0 when it has no immediate form.
#[inline(always)]
fn float_bits(value: f64) -> u64 {
    let bits = value.to_bits().wrapping_add(1 << 60).rotate_left(3);
    if bits & 3 == 2 && bits != 2 { bits } else { 0 }
}

#[inline(always)]
fn int_of(bits: u64) -> i64 {
    bits as i64 >> 1
}

#[inline(always)]
fn int_bits(value: i64) -> u64 {
    Value::small_int(value).map_or(0, |value| value.bits())
}

/// Ints below this in size are exact as floats.
const EXACT: i64 = 1 << 53;

/// The result of an operation on immediate operands; 0 when the slow path has to do it.
#[inline(always)]
pub(crate) fn binary<const OP: u8>(a: u64, b: u64) -> u64 {
    if both_ints(a, b) {
        if OP == BinaryOp::Add as u8 {
            let (sum, overflow) = (a as i64 - 1).overflowing_add(b as i64);
            return if overflow { 0 } else { sum as u64 };
        }
        if OP == BinaryOp::Subtract as u8 {
            let (difference, overflow) = (a as i64).overflowing_sub(b as i64 - 1);
            return if overflow { 0 } else { difference as u64 };
        }
        if OP == BinaryOp::Multiply as u8 {
            let (product, overflow) = (a as i64 - 1).overflowing_mul(b as i64 >> 1);
            return if overflow { 0 } else { product as u64 | 1 };
        }
        if OP == BinaryOp::And as u8 {
            return a & b;
        }
        if OP == BinaryOp::Or as u8 {
            return a | b;
        }
        if OP == BinaryOp::Xor as u8 {
            return (a ^ b) | 1;
        }
        let (x, y) = (int_of(a), int_of(b));
        if OP == BinaryOp::FloorDivide as u8 {
            if y == 0 {
                return 0;
            }
            let quotient = x.wrapping_div(y);
            let adjust = (x % y != 0 && (x < 0) != (y < 0)) as i64;
            return int_bits(quotient - adjust);
        }
        if OP == BinaryOp::Remainder as u8 {
            if y == 0 {
                return 0;
            }
            let remainder = x.wrapping_rem(y);
            let adjust = if remainder != 0 && (remainder < 0) != (y < 0) { y } else { 0 };
            return int_bits(remainder + adjust);
        }
        if OP == BinaryOp::TrueDivide as u8 {
            if y == 0 || x.abs() >= EXACT || y.abs() >= EXACT {
                return 0;
            }
            return float_bits(x as f64 / y as f64);
        }
        if OP == BinaryOp::LeftShift as u8 {
            if !(0..62).contains(&y) || (x << y) >> y != x {
                return 0;
            }
            return int_bits(x << y);
        }
        if OP == BinaryOp::RightShift as u8 {
            if y < 0 {
                return 0;
            }
            return int_bits(x >> y.min(63));
        }
        return 0;
    }
    if both_floats(a, b) {
        let (x, y) = (float_of(a), float_of(b));
        if OP == BinaryOp::Add as u8 {
            return float_bits(x + y);
        }
        if OP == BinaryOp::Subtract as u8 {
            return float_bits(x - y);
        }
        if OP == BinaryOp::Multiply as u8 {
            return float_bits(x * y);
        }
        if OP == BinaryOp::TrueDivide as u8 {
            return if y == 0.0 { 0 } else { float_bits(x / y) };
        }
    }
    0
}

/// Whether [`binary_mixed`] knows the operation.
pub(crate) const fn has_mixed(op: u8) -> bool {
    op == BinaryOp::Add as u8
        || op == BinaryOp::Subtract as u8
        || op == BinaryOp::Multiply as u8
        || op == BinaryOp::TrueDivide as u8
}

/// An immediate number as float, if that is exact.
#[inline(always)]
fn number(bits: u64) -> Option<f64> {
    if bits & 1 != 0 {
        let int = int_of(bits);
        if int.abs() < EXACT { Some(int as f64) } else { None }
    } else if bits & 3 == 2 {
        Some(float_of(bits))
    } else {
        None
    }
}

/// As [`binary`] for an int and a float mixed; 0 when that is not the case.
#[inline(always)]
pub(crate) fn binary_mixed<const OP: u8>(a: u64, b: u64) -> u64 {
    if both_ints(a, b) {
        return 0;
    }
    let (Some(x), Some(y)) = (number(a), number(b)) else { return 0 };
    if OP == BinaryOp::Add as u8 {
        float_bits(x + y)
    } else if OP == BinaryOp::Subtract as u8 {
        float_bits(x - y)
    } else if OP == BinaryOp::Multiply as u8 {
        float_bits(x * y)
    } else if OP == BinaryOp::TrueDivide as u8 && y != 0.0 {
        float_bits(x / y)
    } else {
        0
    }
}

/// An operation on immediate numbers, at least one of them a float, whose result may have no immediate form; 0 when that is
/// not the case.
pub(crate) fn binary_extreme(op: BinaryOp, a: u64, b: u64) -> u64 {
    if both_ints(a, b) {
        return 0;
    }
    let (Some(x), Some(y)) = (number(a), number(b)) else { return 0 };
    let result = match op {
        BinaryOp::Add => x + y,
        BinaryOp::Subtract => x - y,
        BinaryOp::Multiply => x * y,
        BinaryOp::TrueDivide if y != 0.0 => x / y,
        _ => return 0,
    };
    Value::float(result).into_bits()
}

/// Whether a comparison of immediate operands holds; 2 when the slow path has to do it.
#[inline(always)]
pub(crate) fn compare<const OP: u8>(a: u64, b: u64) -> u8 {
    if both_ints(a, b) {
        let (x, y) = (a as i64, b as i64);
        return holds::<OP, i64>(x, y);
    }
    if both_floats(a, b) {
        return holds::<OP, f64>(float_of(a), float_of(b));
    }
    2
}

#[inline(always)]
fn holds<const OP: u8, T: PartialOrd>(x: T, y: T) -> u8 {
    (if OP == Compare::Lt as u8 {
        x < y
    } else if OP == Compare::Le as u8 {
        x <= y
    } else if OP == Compare::Eq as u8 {
        x == y
    } else if OP == Compare::Ne as u8 {
        x != y
    } else if OP == Compare::Gt as u8 {
        x > y
    } else {
        x >= y
    }) as u8
}
