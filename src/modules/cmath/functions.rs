//! The functions of a complex variable. Each operation rounds where CPython's does: the results are equal to the last bit.

use super::Z;
use super::special::{self, special};
use crate::modules::math::libm;
use crate::types::float::ldexp;
use std::f64::consts::{E, LN_2, LN_10, PI};

pub(super) use crate::modules::math::Failure;

/// Beyond this, sums of two such parts overflow.
const LARGE: f64 = f64::MAX / 4.0;
/// Bits of a mantissa.
const MANTISSA: i64 = f64::MANTISSA_DIGITS as i64;

fn is_large((re, im): Z) -> bool {
    re.abs() > LARGE || im.abs() > LARGE
}

/// The logarithm of the absolute value of a large number, times two.
fn log_of_double((re, im): Z) -> f64 {
    libm::log(libm::hypot(re / 2.0, im / 2.0)) + LN_2 * 2.0
}

/// `cosh` and the like overflow beyond this.
fn log_large() -> f64 {
    libm::log(LARGE)
}

/// i * z, of which the circular functions are the hyperbolic ones.
fn times_i((re, im): Z) -> Z {
    (-im, re)
}

fn over_i((re, im): Z) -> Z {
    (im, -re)
}

fn finite(z: Z) -> Result<Z, Failure> {
    if z.0.is_infinite() || z.1.is_infinite() { Err(Failure::Range) } else { Ok(z) }
}

/// An infinite real part with an angle: the signs come from the angle.
fn is_infinite_at_angle((re, im): Z) -> bool {
    re.is_infinite() && im.is_finite() && im != 0.0
}

/// `length` in the direction of an angle, as signs only.
fn signs(length: f64, angle: f64) -> Z {
    (length.copysign(libm::cos(angle)), length.copysign(libm::sin(angle)))
}

fn root(z: Z) -> Z {
    if let Some(value) = special(z, &special::SQRT) {
        return value;
    }
    let (re, im) = z;
    if re == 0.0 && im == 0.0 {
        return (0.0, im);
    }
    let (mut x, y) = (re.abs(), im.abs());
    let s = if x < f64::MIN_POSITIVE && y < f64::MIN_POSITIVE {
        // Subnormal: scaled up by an odd power, down by half of the next.
        x = ldexp(x, MANTISSA);
        ldexp((x + libm::hypot(x, ldexp(y, MANTISSA))).sqrt(), -(MANTISSA + 1) / 2)
    } else {
        x /= 8.0;
        2.0 * (x + libm::hypot(x, y / 8.0)).sqrt()
    };
    let d = y / (2.0 * s);
    if re >= 0.0 { (s, d.copysign(im)) } else { (d, s.copysign(im)) }
}

pub fn sqrt(z: Z) -> Result<Z, Failure> {
    Ok(root(z))
}

pub fn acos(z: Z) -> Result<Z, Failure> {
    if let Some(value) = special(z, &special::ACOS) {
        return Ok(value);
    }
    let (re, im) = z;
    if is_large(z) {
        let size = log_of_double(z);
        let imag = if re < 0.0 { -size.copysign(im) } else { size.copysign(-im) };
        return Ok((libm::atan2(im.abs(), re), imag));
    }
    let a = root((1.0 - re, -im));
    let b = root((1.0 + re, im));
    Ok((2.0 * libm::atan2(a.0, b.0), libm::asinh(b.0 * a.1 - b.1 * a.0)))
}

pub fn acosh(z: Z) -> Result<Z, Failure> {
    if let Some(value) = special(z, &special::ACOSH) {
        return Ok(value);
    }
    let (re, im) = z;
    if is_large(z) {
        return Ok((log_of_double(z), libm::atan2(im, re)));
    }
    let a = root((re - 1.0, im));
    let b = root((re + 1.0, im));
    Ok((libm::asinh(a.0 * b.0 + a.1 * b.1), 2.0 * libm::atan2(a.1, b.0)))
}

pub fn asin(z: Z) -> Result<Z, Failure> {
    asinh(times_i(z)).map(over_i)
}

pub fn asinh(z: Z) -> Result<Z, Failure> {
    if let Some(value) = special(z, &special::ASINH) {
        return Ok(value);
    }
    let (re, im) = z;
    if is_large(z) {
        let size = log_of_double(z);
        let real = if im >= 0.0 { size.copysign(re) } else { -size.copysign(-re) };
        return Ok((real, libm::atan2(im, re.abs())));
    }
    let a = root((1.0 + im, -re));
    let b = root((1.0 - im, re));
    Ok((libm::asinh(a.0 * b.1 - b.0 * a.1), libm::atan2(im, a.0 * b.0 - a.1 * b.1)))
}

pub fn atan(z: Z) -> Result<Z, Failure> {
    atanh(times_i(z)).map(over_i)
}

pub fn atanh(z: Z) -> Result<Z, Failure> {
    if let Some(value) = special(z, &special::ATANH) {
        return Ok(value);
    }
    let (re, im) = z;
    if re.is_sign_negative() {
        return atanh((-re, -im)).map(|(re, im)| (-re, -im));
    }
    let y = im.abs();
    let sqrt_large = LARGE.sqrt();
    Ok(if re > sqrt_large || y > sqrt_large {
        // About 1/z, a quarter turn off the axis.
        let h = libm::hypot(re / 2.0, im / 2.0);
        (re / 4.0 / h / h, -(PI / 2.0).copysign(-im))
    } else if re == 1.0 && y < f64::MIN_POSITIVE.sqrt() {
        if y == 0.0 {
            return Err(Failure::Domain);
        }
        (-libm::log(y.sqrt() / libm::hypot(y, 2.0).sqrt()), (libm::atan2(2.0, -y) / 2.0).copysign(im))
    } else {
        (
            log1p(4.0 * re / ((1.0 - re) * (1.0 - re) + y * y)) / 4.0,
            -libm::atan2(-2.0 * im, (1.0 - re) * (1.0 + re) - y * y) / 2.0,
        )
    })
}

fn log1p(x: f64) -> f64 {
    if x == 0.0 { x } else { libm::log1p(x) }
}

pub fn cos(z: Z) -> Result<Z, Failure> {
    cosh(times_i(z))
}

pub fn cosh(z: Z) -> Result<Z, Failure> {
    let (re, im) = z;
    if let Some(entry) = special(z, &special::COSH) {
        if im.is_infinite() && !re.is_nan() {
            return Err(Failure::Domain);
        }
        if !is_infinite_at_angle(z) {
            return Ok(entry);
        }
        let (x, y) = signs(f64::INFINITY, im);
        return Ok(if re > 0.0 { (x, y) } else { (x, -y) });
    }
    finite(if re.abs() > log_large() {
        let less = re - 1f64.copysign(re);
        (libm::cos(im) * libm::cosh(less) * E, libm::sin(im) * libm::sinh(less) * E)
    } else {
        (libm::cos(im) * libm::cosh(re), libm::sin(im) * libm::sinh(re))
    })
}

pub fn exp(z: Z) -> Result<Z, Failure> {
    let (re, im) = z;
    if let Some(entry) = special(z, &special::EXP) {
        if im.is_infinite() && !re.is_nan() && re != f64::NEG_INFINITY {
            return Err(Failure::Domain);
        }
        if !is_infinite_at_angle(z) {
            return Ok(entry);
        }
        return Ok(signs(if re > 0.0 { f64::INFINITY } else { 0.0 }, im));
    }
    finite(if re > log_large() {
        let length = libm::exp(re - 1.0);
        (length * libm::cos(im) * E, length * libm::sin(im) * E)
    } else {
        let length = libm::exp(re);
        (length * libm::cos(im), length * libm::sin(im))
    })
}

pub fn log(z: Z) -> Result<Z, Failure> {
    if let Some(value) = special(z, &special::LOG) {
        return Ok(value);
    }
    let (re, im) = z;
    let (x, y) = (re.abs(), im.abs());
    let real = if is_large(z) {
        libm::log(libm::hypot(x / 2.0, y / 2.0)) + LN_2
    } else if x < f64::MIN_POSITIVE && y < f64::MIN_POSITIVE {
        if x == 0.0 && y == 0.0 {
            return Err(Failure::Domain);
        }
        // The absolute value may be subnormal.
        libm::log(libm::hypot(ldexp(x, MANTISSA), ldexp(y, MANTISSA))) - MANTISSA as f64 * LN_2
    } else {
        let h = libm::hypot(x, y);
        if (0.71..=1.73).contains(&h) {
            // Near one.
            let (more, less) = if x > y { (x, y) } else { (y, x) };
            log1p((more - 1.0) * (more + 1.0) + less * less) / 2.0
        } else {
            libm::log(h)
        }
    };
    Ok((real, libm::atan2(im, re)))
}

pub fn log10(z: Z) -> Result<Z, Failure> {
    log(z).map(|(re, im)| (re / LN_10, im / LN_10))
}

pub fn sin(z: Z) -> Result<Z, Failure> {
    sinh(times_i(z)).map(over_i)
}

pub fn sinh(z: Z) -> Result<Z, Failure> {
    let (re, im) = z;
    if let Some(entry) = special(z, &special::SINH) {
        if im.is_infinite() && !re.is_nan() {
            return Err(Failure::Domain);
        }
        if !is_infinite_at_angle(z) {
            return Ok(entry);
        }
        let (x, y) = signs(f64::INFINITY, im);
        return Ok(if re > 0.0 { (x, y) } else { (-x, y) });
    }
    finite(if re.abs() > log_large() {
        let less = re - 1f64.copysign(re);
        (libm::cos(im) * libm::sinh(less) * E, libm::sin(im) * libm::cosh(less) * E)
    } else {
        (libm::cos(im) * libm::sinh(re), libm::sin(im) * libm::cosh(re))
    })
}

pub fn tan(z: Z) -> Result<Z, Failure> {
    tanh(times_i(z)).map(over_i)
}

pub fn tanh(z: Z) -> Result<Z, Failure> {
    let (re, im) = z;
    if let Some(entry) = special(z, &special::TANH) {
        if im.is_infinite() && re.is_finite() {
            return Err(Failure::Domain);
        }
        if !is_infinite_at_angle(z) {
            return Ok(entry);
        }
        return Ok((1f64.copysign(re), 0f64.copysign(2.0 * libm::sin(im) * libm::cos(im))));
    }
    if re.abs() > log_large() {
        return Ok((1f64.copysign(re), 4.0 * libm::sin(im) * libm::cos(im) * libm::exp(-2.0 * re.abs())));
    }
    let (tx, ty) = (libm::tanh(re), libm::tan(im));
    let cx = 1.0 / libm::cosh(re);
    let both = tx * ty;
    let below = 1.0 + both * both;
    Ok((tx * (1.0 + ty * ty) / below, ((ty / below) * cx) * cx))
}

/// The number with this absolute value and phase.
pub fn rect(r: f64, phi: f64) -> Result<Z, Failure> {
    if let Some(entry) = special((r, phi), &special::RECT) {
        if r != 0.0 && !r.is_nan() && phi.is_infinite() {
            return Err(Failure::Domain);
        }
        if !is_infinite_at_angle((r, phi)) {
            return Ok(entry);
        }
        let (x, y) = signs(f64::INFINITY, phi);
        return Ok(if r > 0.0 { (x, y) } else { (-x, -y) });
    }
    Ok(if phi == 0.0 { (r, r * phi) } else { (r * libm::cos(phi), r * libm::sin(phi)) })
}
