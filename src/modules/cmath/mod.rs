//! The module `cmath`.

mod functions;
mod special;

use crate::method;
use crate::modules::ModuleDef;
use crate::modules::math::{domain_error, libm, range_error};
use crate::name;
use crate::object::error::PyResult;
use crate::object::native::{At, FromArg};
use crate::object::value::Value;
use crate::object::{call, number};
use crate::types::complex::returned_parts;
use crate::types::complex::{Complex, quotient};
use crate::types::dict::Dict;
use crate::types::exceptions::value_error;
use crate::types::tuple::Tuple;
use functions::Failure;

/// A complex number: its real and its imaginary part.
type Z = (f64, f64);

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "cmath",
    doc: "This module provides access to mathematical functions for complex\nnumbers.",
    functions: &[
        method!(|z: Argument| function(z, functions::acos), "acos($module, z, /)", "Return the arc cosine of z."),
        method!(
            |z: Argument| function(z, functions::acosh),
            "acosh($module, z, /)",
            "Return the inverse hyperbolic cosine of z."
        ),
        method!(|z: Argument| function(z, functions::asin), "asin($module, z, /)", "Return the arc sine of z."),
        method!(
            |z: Argument| function(z, functions::asinh),
            "asinh($module, z, /)",
            "Return the inverse hyperbolic sine of z."
        ),
        method!(|z: Argument| function(z, functions::atan), "atan($module, z, /)", "Return the arc tangent of z."),
        method!(
            |z: Argument| function(z, functions::atanh),
            "atanh($module, z, /)",
            "Return the inverse hyperbolic tangent of z."
        ),
        method!(|z: Argument| function(z, functions::cos), "cos($module, z, /)", "Return the cosine of z."),
        method!(
            |z: Argument| function(z, functions::cosh),
            "cosh($module, z, /)",
            "Return the hyperbolic cosine of z."
        ),
        method!(|z: Argument| function(z, functions::exp), "exp($module, z, /)", "Return the exponential value e**z."),
        method!(
            isclose,
            "isclose($module, /, a, b, *, rel_tol=1e-09, abs_tol=0.0)",
            "Determine whether two complex numbers are close in value.\n\n  rel_tol\n    maximum difference for being considered \"close\", relative to the\n    magnitude of the input values\n  abs_tol\n    maximum difference for being considered \"close\", regardless of the\n    magnitude of the input values\n\nReturn True if a is close in value to b, and False otherwise.\n\nFor the values to be considered close, the difference between them must be\nsmaller than at least one of the tolerances.\n\n-inf, inf and NaN behave similarly to the IEEE 754 Standard. That is, NaN is\nnot close to anything, even itself. inf and -inf are only close to themselves."
        ),
        method!(
            isfinite,
            "isfinite($module, z, /)",
            "Return True if both the real and imaginary parts of z are finite, else False."
        ),
        method!(isinf, "isinf($module, z, /)", "Checks if the real or imaginary part of z is infinite."),
        method!(isnan, "isnan($module, z, /)", "Checks if the real or imaginary part of z not a number (NaN)."),
        method!(
            log_,
            "log($module, z, base=<unrepresentable>, /)",
            "log(z[, base]) -> the logarithm of z to the given base.\n\nIf the base not specified, returns the natural logarithm (base e) of z."
        ),
        method!(
            |z: Argument| function(z, functions::log10),
            "log10($module, z, /)",
            "Return the base-10 logarithm of z."
        ),
        method!(phase, "phase($module, z, /)", "Return argument, also known as the phase angle, of a complex."),
        method!(
            polar,
            "polar($module, z, /)",
            "Convert a complex from rectangular coordinates to polar coordinates.\n\nr is the distance from 0 and phi the phase angle."
        ),
        method!(rect, "rect($module, r, phi, /)", "Convert from polar coordinates to rectangular coordinates."),
        method!(|z: Argument| function(z, functions::sin), "sin($module, z, /)", "Return the sine of z."),
        method!(|z: Argument| function(z, functions::sinh), "sinh($module, z, /)", "Return the hyperbolic sine of z."),
        method!(|z: Argument| function(z, functions::sqrt), "sqrt($module, z, /)", "Return the square root of z."),
        method!(|z: Argument| function(z, functions::tan), "tan($module, z, /)", "Return the tangent of z."),
        method!(
            |z: Argument| function(z, functions::tanh),
            "tanh($module, z, /)",
            "Return the hyperbolic tangent of z."
        ),
    ],
    fill,
};

fn fill(dict: &Dict) -> PyResult<()> {
    use std::f64::consts::{E, PI, TAU};
    for (name, value) in [("pi", PI), ("e", E), ("tau", TAU), ("inf", f64::INFINITY)] {
        dict.set_text(name, Value::float(value));
    }
    dict.set_text("infj", Complex::new_value(0.0, f64::INFINITY));
    dict.set_text("nan", Value::float(f64::NAN));
    dict.set_text("nanj", Complex::new_value(0.0, f64::NAN));
    Ok(())
}

/// An argument that converts to a complex number. As `PyComplex_AsCComplex`.
#[derive(Clone, Copy)]
struct Argument(Z);

impl FromArg for Argument {
    type Out<'a> = Argument;
    fn from_arg(value: &Value, _at: At) -> PyResult<Argument> {
        if let Some(complex) = value.downcast::<Complex>() {
            return Ok(Argument(complex.parts()));
        }
        if value.header().is_some()
            && let Some(converted) = call::call_special(value, name!("__complex__"), &[])?
        {
            return returned_parts(&converted).map(Argument);
        }
        Ok(Argument((number::to_f64(value)?, 0.0)))
    }
}

fn result(result: Result<Z, Failure>) -> PyResult<Value> {
    match result {
        Ok((re, im)) => Ok(Complex::new_value(re, im)),
        Err(Failure::Domain) => Err(domain_error()),
        Err(Failure::Range) => Err(range_error()),
    }
}

#[inline]
fn function(Argument(z): Argument, function: fn(Z) -> Result<Z, Failure>) -> PyResult<Value> {
    result(function(z))
}

fn log_(Argument(z): Argument, base: Option<Argument>) -> PyResult<Value> {
    let Some(Argument(base)) = base else { return result(functions::log(z)) };
    // As in CPython the base's logarithm takes the error of the first one back, the infinity stays.
    let above = functions::log(z).unwrap_or((f64::NEG_INFINITY, libm::atan2(z.1, z.0)));
    result(functions::log(base).and_then(|below| quotient(above, below).ok_or(Failure::Domain)))
}

/// `abs(z)`; infinite where it is too large.
fn size((re, im): Z) -> f64 {
    if re.is_infinite() || im.is_infinite() { f64::INFINITY } else { libm::hypot(re, im) }
}

fn phase(Argument((re, im)): Argument) -> PyResult<f64> {
    let angle = libm::atan2(im, re);
    // The library reports underflow, which CPython takes for overflow.
    if angle == 0.0 && im != 0.0 && re.is_finite() { Err(range_error()) } else { Ok(angle) }
}

fn polar(Argument(z): Argument) -> PyResult<Value> {
    let length = size(z);
    if length.is_infinite() && z.0.is_finite() && z.1.is_finite() {
        return Err(range_error());
    }
    Ok(Tuple::from_vec(vec![Value::float(length), Value::float(libm::atan2(z.1, z.0))]))
}

fn rect(r: f64, phi: f64) -> PyResult<Value> {
    result(functions::rect(r, phi))
}

fn isfinite(Argument((re, im)): Argument) -> bool {
    re.is_finite() && im.is_finite()
}

fn isinf(Argument((re, im)): Argument) -> bool {
    re.is_infinite() || im.is_infinite()
}

fn isnan(Argument((re, im)): Argument) -> bool {
    re.is_nan() || im.is_nan()
}

fn isclose(a: Argument, b: Argument, rel_tol: Option<f64>, abs_tol: Option<f64>) -> PyResult<bool> {
    let (Argument(a), Argument(b)) = (a, b);
    let (relative, absolute) = (rel_tol.unwrap_or(1e-9), abs_tol.unwrap_or(0.0));
    if relative < 0.0 || absolute < 0.0 {
        return Err(value_error("tolerances must be non-negative"));
    }
    if a == b {
        return Ok(true);
    }
    if isinf(Argument(a)) || isinf(Argument(b)) {
        return Ok(false);
    }
    let difference = size((a.0 - b.0, a.1 - b.1));
    Ok(difference <= relative * size(b) || difference <= relative * size(a) || difference <= absolute)
}
