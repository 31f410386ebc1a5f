//! The module `math`.

pub(super) mod gamma;
mod integers;
pub(super) mod libm;
mod sums;

use crate::modules::ModuleDef;
use crate::object::arguments::no_keywords;
use crate::object::error::{PyResult, Raised};
use crate::object::slots::BinaryOp;
use crate::object::value::Value;
use crate::object::{call, iter, number};
use crate::types::dict::Dict;
use crate::types::exceptions::{OVERFLOW_ERROR, is_instance, overflow_error, type_error, value_error};
use crate::types::float;
use crate::types::int::{self, Num};
use crate::types::tuple::Tuple;
use crate::{method, name};
pub(super) use gamma::Failure;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "math",
    doc: "This module provides access to the mathematical functions\ndefined by the C standard.",
    functions: &[
        method!(acos, "acos($module, x, /)", "Return the arc cosine (measured in radians) of x."),
        method!(acosh, "acosh($module, x, /)", "Return the inverse hyperbolic cosine of x."),
        method!(asin, "asin($module, x, /)", "Return the arc sine (measured in radians) of x."),
        method!(asinh, "asinh($module, x, /)", "Return the inverse hyperbolic sine of x."),
        method!(atan, "atan($module, x, /)", "Return the arc tangent (measured in radians) of x."),
        method!(
            atan2,
            "atan2($module, y, x, /)",
            "Return the arc tangent (measured in radians) of y/x.\n\nUnlike atan(y/x), the signs of both x and y are considered."
        ),
        method!(atanh, "atanh($module, x, /)", "Return the inverse hyperbolic tangent of x."),
        method!(
            ceil,
            "ceil($module, x, /)",
            "Return the ceiling of x as an Integral.\n\nThis is the smallest integer >= x."
        ),
        method!(
            copysign,
            "copysign($module, x, y, /)",
            "Return a float with the magnitude (absolute value) of x but the sign of y.\n\nOn platforms that support signed zeros, copysign(1.0, -0.0)\nreturns -1.0.\n"
        ),
        method!(cos, "cos($module, x, /)", "Return the cosine of x (measured in radians)."),
        method!(cosh, "cosh($module, x, /)", "Return the hyperbolic cosine of x."),
        method!(degrees, "degrees($module, x, /)", "Convert angle x from radians to degrees."),
        method!(
            dist,
            "dist($module, p, q, /)",
            "Return the Euclidean distance between two points p and q.\n\nThe points should be specified as sequences (or iterables) of\ncoordinates.  Both inputs must have the same dimension.\n\nRoughly equivalent to:\n    sqrt(sum((px - qx) ** 2.0 for px, qx in zip(p, q)))"
        ),
        method!(erf, "erf($module, x, /)", "Error function at x."),
        method!(erfc, "erfc($module, x, /)", "Complementary error function at x."),
        method!(exp, "exp($module, x, /)", "Return e raised to the power of x."),
        method!(
            expm1,
            "expm1($module, x, /)",
            "Return exp(x)-1.\n\nThis function avoids the loss of precision involved in the direct evaluation of exp(x)-1 for small x."
        ),
        method!(fabs, "fabs($module, x, /)", "Return the absolute value of the float x."),
        method!(
            integers::factorial,
            "factorial($module, x, /)",
            "Find x!.\n\nRaise a ValueError if x is negative or non-integral."
        ),
        method!(
            floor,
            "floor($module, x, /)",
            "Return the floor of x as an Integral.\n\nThis is the largest integer <= x."
        ),
        method!(fmod, "fmod($module, x, y, /)", "Return fmod(x, y), according to platform C.\n\nx % y may differ."),
        method!(
            frexp,
            "frexp($module, x, /)",
            "Return the mantissa and exponent of x, as pair (m, e).\n\nm is a float and e is an int, such that x = m * 2.**e.\nIf x is 0, m and e are both 0.  Else 0.5 <= abs(m) < 1.0."
        ),
        method!(
            sums::fsum,
            "fsum($module, seq, /)",
            "Return an accurate floating point sum of values in the iterable seq.\n\nAssumes IEEE-754 floating point arithmetic."
        ),
        method!(gamma, "gamma($module, x, /)", "Gamma function at x."),
        method!(integers::gcd, "gcd($module, x, y, /)", "greatest common divisor of x and y"),
        method!(
            raw hypot,
            "!hypot(*coordinates)",
            "hypot(*coordinates) -> value\n\nMultidimensional Euclidean distance from the origin to a point.\n\nRoughly equivalent to:\n    sqrt(sum(x**2 for x in coordinates))\n\nFor a two dimensional point (x, y), gives the hypotenuse\nusing the Pythagorean theorem:  sqrt(x*x + y*y).\n\nFor example, the hypotenuse of a 3/4/5 right triangle is:\n\n    >>> hypot(3.0, 4.0)\n    5.0\n"
        ),
        method!(
            isclose,
            "isclose($module, /, a, b, *, rel_tol=1e-09, abs_tol=0.0)",
            "Determine whether two floating point numbers are close in value.\n\n  rel_tol\n    maximum difference for being considered \"close\", relative to the\n    magnitude of the input values\n  abs_tol\n    maximum difference for being considered \"close\", regardless of the\n    magnitude of the input values\n\nReturn True if a is close in value to b, and False otherwise.\n\nFor the values to be considered close, the difference between them\nmust be smaller than at least one of the tolerances.\n\n-inf, inf and NaN behave similarly to the IEEE 754 Standard.  That\nis, NaN is not close to anything, even itself.  inf and -inf are\nonly close to themselves."
        ),
        method!(
            isfinite,
            "isfinite($module, x, /)",
            "Return True if x is neither an infinity nor a NaN, and False otherwise."
        ),
        method!(
            isinf,
            "isinf($module, x, /)",
            "Return True if x is a positive or negative infinity, and False otherwise."
        ),
        method!(isnan, "isnan($module, x, /)", "Return True if x is a NaN (not a number), and False otherwise."),
        method!(integers::isqrt, "isqrt($module, n, /)", "Return the integer part of the square root of the input."),
        method!(ldexp, "ldexp($module, x, i, /)", "Return x * (2**i).\n\nThis is essentially the inverse of frexp()."),
        method!(lgamma, "lgamma($module, x, /)", "Natural logarithm of absolute value of Gamma function at x."),
        method!(
            log_,
            "!log(*args)",
            "log(x, [base=math.e])\nReturn the logarithm of x to the given base.\n\nIf the base not specified, returns the natural logarithm (base e) of x."
        ),
        method!(
            log1p,
            "log1p($module, x, /)",
            "Return the natural logarithm of 1+x (base e).\n\nThe result is computed in a way which is accurate for x near zero."
        ),
        method!(log10_, "log10($module, x, /)", "Return the base 10 logarithm of x."),
        method!(log2_, "log2($module, x, /)", "Return the base 2 logarithm of x."),
        method!(
            modf,
            "modf($module, x, /)",
            "Return the fractional and integer parts of x.\n\nBoth results carry the sign of x and are floats."
        ),
        method!(pow, "pow($module, x, y, /)", "Return x**y (x to the power of y)."),
        method!(radians, "radians($module, x, /)", "Convert angle x from degrees to radians."),
        method!(
            remainder,
            "remainder($module, x, y, /)",
            "Difference between x and the closest integer multiple of y.\n\nReturn x - n*y where n*y is the closest integer multiple of y.\nIn the case where x is exactly halfway between two multiples of\ny, the nearest even value of n is used. The result is always exact."
        ),
        method!(sin, "sin($module, x, /)", "Return the sine of x (measured in radians)."),
        method!(sinh, "sinh($module, x, /)", "Return the hyperbolic sine of x."),
        method!(sqrt, "sqrt($module, x, /)", "Return the square root of x."),
        method!(tan, "tan($module, x, /)", "Return the tangent of x (measured in radians)."),
        method!(tanh, "tanh($module, x, /)", "Return the hyperbolic tangent of x."),
        method!(
            trunc,
            "trunc($module, x, /)",
            "Truncates the Real x to the nearest Integral toward 0.\n\nUses the __trunc__ magic method."
        ),
        method!(
            prod,
            "prod($module, iterable, /, *, start=1)",
            "Calculate the product of all the elements in the input iterable.\n\nThe default start value for the product is 1.\n\nWhen the iterable is empty, return the start value.  This function is\nintended specifically for use with numeric values and may reject\nnon-numeric types."
        ),
        method!(
            integers::perm,
            "perm($module, n, k=None, /)",
            "Number of ways to choose k items from n items without repetition and with order.\n\nEvaluates to n! / (n - k)! when k <= n and evaluates\nto zero when k > n.\n\nIf k is not specified or is None, then k defaults to n\nand the function returns n!.\n\nRaises TypeError if either of the arguments are not integers.\nRaises ValueError if either of the arguments are negative."
        ),
        method!(
            integers::comb,
            "comb($module, n, k, /)",
            "Number of ways to choose k items from n items without repetition and without order.\n\nEvaluates to n! / (k! * (n - k)!) when k <= n and evaluates\nto zero when k > n.\n\nAlso called the binomial coefficient because it is equivalent\nto the coefficient of k-th term in polynomial expansion of the\nexpression (1 + x)**n.\n\nRaises TypeError if either of the arguments are not integers.\nRaises ValueError if either of the arguments are negative."
        ),
    ],
    fill,
};

fn fill(dict: &Dict) -> PyResult<()> {
    use std::f64::consts::{E, PI, TAU};
    for (name, value) in [("pi", PI), ("e", E), ("tau", TAU), ("inf", f64::INFINITY), ("nan", f64::NAN)] {
        dict.set_text(name, Value::float(value));
    }
    Ok(())
}

#[cold]
pub(super) fn domain_error() -> Raised {
    value_error("math domain error")
}

#[cold]
pub(super) fn range_error() -> Raised {
    overflow_error("math range error")
}

impl From<Failure> for Raised {
    fn from(failure: Failure) -> Raised {
        match failure {
            Failure::Domain => domain_error(),
            Failure::Range => range_error(),
        }
    }
}

/// As `math_1`: what the library's result says about errors.
#[inline]
fn checked(x: f64, result: f64, can_overflow: bool) -> PyResult<f64> {
    if result.is_nan() && !x.is_nan() {
        return Err(domain_error());
    }
    if result.is_infinite() && x.is_finite() {
        return Err(if can_overflow { range_error() } else { domain_error() });
    }
    Ok(result)
}

macro_rules! functions {
    ($($name:ident $can_overflow:literal,)*) => {
        $(fn $name(x: f64) -> PyResult<f64> {
            checked(x, libm::$name(x), $can_overflow)
        })*
    };
}

functions! {
    acos false,
    acosh false,
    asin false,
    asinh false,
    atan false,
    atanh false,
    cos false,
    cosh true,
    exp true,
    expm1 true,
    sin false,
    sinh true,
    tan false,
    tanh false,
}

fn erf(x: f64) -> f64 {
    libm::erf(x)
}

fn erfc(x: f64) -> f64 {
    libm::erfc(x)
}

fn sqrt(x: f64) -> PyResult<f64> {
    checked(x, x.sqrt(), false)
}

fn fabs(x: f64) -> f64 {
    x.abs()
}

fn log1p(x: f64) -> PyResult<f64> {
    // The sign of zero is kept whatever the library does.
    if x == 0.0 { Ok(x) } else { checked(x, libm::log1p(x), false) }
}

fn gamma(x: f64) -> PyResult<f64> {
    Ok(gamma::gamma(x)?)
}

fn lgamma(x: f64) -> PyResult<f64> {
    Ok(gamma::lgamma(x)?)
}

/// As `math_2`.
fn checked_two(x: f64, y: f64, result: f64) -> PyResult<f64> {
    if result.is_nan() && !x.is_nan() && !y.is_nan() {
        return Err(domain_error());
    }
    if result.is_infinite() && x.is_finite() && y.is_finite() {
        return Err(range_error());
    }
    Ok(result)
}

fn atan2(y: f64, x: f64) -> PyResult<f64> {
    checked_two(y, x, libm::atan2(y, x))
}

fn copysign(x: f64, y: f64) -> f64 {
    x.copysign(y)
}

fn remainder(x: f64, y: f64) -> PyResult<f64> {
    if x.is_nan() {
        return Ok(x);
    }
    if y.is_nan() {
        return Ok(y);
    }
    checked_two(x, y, libm::remainder(x, y))
}

fn fmod(x: f64, y: f64) -> PyResult<f64> {
    if y.is_infinite() && x.is_finite() {
        return Ok(x);
    }
    let result = libm::fmod(x, y);
    if result.is_nan() && !x.is_nan() && !y.is_nan() { Err(domain_error()) } else { Ok(result) }
}

fn pow(x: f64, y: f64) -> PyResult<f64> {
    let result = libm::pow(x, y);
    if result.is_nan() && !x.is_nan() && !y.is_nan() {
        return Err(domain_error());
    }
    if result.is_infinite() && x.is_finite() && (y.is_finite() || x == 0.0) {
        return Err(if x == 0.0 { domain_error() } else { range_error() });
    }
    Ok(result)
}

fn hypot(args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    no_keywords("hypot", kwnames)?;
    if let [x, y] = args {
        return Ok(Value::float(norm(&[number::to_f64(x)?.abs(), number::to_f64(y)?.abs()])));
    }
    let sizes = args.iter().map(|value| Ok(number::to_f64(value)?.abs())).collect::<PyResult<Vec<f64>>>()?;
    Ok(Value::float(norm(&sizes)))
}

fn norm(sizes: &[f64]) -> f64 {
    let found_nan = sizes.iter().any(|size| size.is_nan());
    sums::norm(sizes, sizes.iter().fold(0.0, |max, &size| if size > max { size } else { max }), found_nan)
}

fn dist(p: &Value, q: &Value) -> PyResult<f64> {
    let p = iter_tuple(p)?;
    let q = iter_tuple(q)?;
    if p.len() != q.len() {
        return Err(value_error("both points must have the same number of dimensions"));
    }
    let sizes = p
        .iter()
        .zip(&q)
        .map(|(p, q)| Ok((number::to_f64(p)? - number::to_f64(q)?).abs()))
        .collect::<PyResult<Vec<f64>>>()?;
    Ok(norm(&sizes))
}

fn iter_tuple(point: &Value) -> PyResult<Vec<Value>> {
    match point.downcast::<Tuple>() {
        Some(tuple) => Ok(tuple.to_vec()),
        None => iter::collect(point),
    }
}

fn degrees(x: f64) -> f64 {
    x * (180.0 / std::f64::consts::PI)
}

fn radians(x: f64) -> f64 {
    x * (std::f64::consts::PI / 180.0)
}

fn isfinite(x: f64) -> bool {
    x.is_finite()
}

fn isinf(x: f64) -> bool {
    x.is_infinite()
}

fn isnan(x: f64) -> bool {
    x.is_nan()
}

fn isclose(a: f64, b: f64, rel_tol: Option<f64>, abs_tol: Option<f64>) -> PyResult<bool> {
    let (relative, absolute) = (rel_tol.unwrap_or(1e-9), abs_tol.unwrap_or(0.0));
    if relative < 0.0 || absolute < 0.0 {
        return Err(value_error("tolerances must be non-negative"));
    }
    if a == b {
        return Ok(true);
    }
    if a.is_infinite() || b.is_infinite() {
        return Ok(false);
    }
    let difference = (b - a).abs();
    Ok(difference <= (relative * b).abs() || difference <= (relative * a).abs() || difference <= absolute)
}

fn frexp(x: f64) -> Value {
    let (mantissa, exponent) = float::frexp(x);
    Tuple::from_vec(vec![Value::float(mantissa), Value::int(exponent.into())])
}

fn modf(x: f64) -> Value {
    let (fraction, whole) = if x.is_infinite() {
        (0f64.copysign(x), x)
    } else if x.is_nan() {
        (x, x)
    } else {
        ((x - x.trunc()).copysign(x), x.trunc())
    };
    Tuple::from_vec(vec![Value::float(fraction), Value::float(whole)])
}

fn ldexp(x: f64, i: &Value) -> PyResult<f64> {
    let exponent = match int::num(i) {
        Some(Num::Small(exponent)) => exponent,
        Some(big) if big.is_negative() => i64::MIN,
        Some(_) => i64::MAX,
        None => return Err(type_error("Expected an int as second argument to ldexp.")),
    };
    let result = float::ldexp(x, exponent);
    if result.is_infinite() && x.is_finite() { Err(range_error()) } else { Ok(result) }
}

fn ceil(x: &Value) -> PyResult<Value> {
    if x.is_small_int() {
        return Ok(x.clone());
    }
    if !x.is_small_float()
        && let Some(result) = call::call_special(x, name!("__ceil__"), &[])?
    {
        return Ok(result);
    }
    int::from_f64(number::to_f64(x)?.ceil())
}

fn floor(x: &Value) -> PyResult<Value> {
    if x.is_small_int() {
        return Ok(x.clone());
    }
    if !x.is_small_float()
        && let Some(result) = call::call_special(x, name!("__floor__"), &[])?
    {
        return Ok(result);
    }
    int::from_f64(number::to_f64(x)?.floor())
}

fn trunc(x: &Value) -> PyResult<Value> {
    if x.is_small_int() {
        return Ok(x.clone());
    }
    if let Some(float) = x.as_small_float() {
        return int::from_f64(float);
    }
    match call::call_special(x, name!("__trunc__"), &[])? {
        Some(result) => Ok(result),
        None => Err(type_error(format!("type {} doesn't define __trunc__ method", x.ty().name()))),
    }
}

/// As `loghelper`: the logarithm of an int of any size, or of what converts to a float.
fn logarithm(x: &Value, log: extern "C" fn(f64) -> f64) -> PyResult<f64> {
    let checked_log = |x: f64| {
        if x > 0.0 || x.is_nan() { Ok(log(x)) } else { Err(domain_error()) }
    };
    let Some(number) = int::num(x) else { return checked_log(number::to_f64(x)?) };
    match number {
        Num::Small(small) => checked_log(small as f64),
        Num::Big(_) if number.is_negative() => Err(domain_error()),
        Num::Big(big) => match number::int_to_f64(x) {
            Ok(float) => Ok(log(float)),
            Err(raised) if is_instance(&raised, &OVERFLOW_ERROR) => {
                let (mantissa, exponent) = integers::frexp(big);
                Ok(log(mantissa) + log(2.0) * exponent as f64)
            }
            Err(raised) => Err(raised),
        },
    }
}

fn log_(args: &Tuple) -> PyResult<Value> {
    match args.as_slice() {
        [x] => Ok(Value::float(logarithm(x, libm::log)?)),
        [x, base] => {
            let above = Value::float(logarithm(x, libm::log)?);
            number::binary(BinaryOp::TrueDivide, &above, &Value::float(logarithm(base, libm::log)?))
        }
        _ => Err(type_error("math.log requires 1 to 2 arguments")),
    }
}

fn log2_(x: &Value) -> PyResult<f64> {
    logarithm(x, libm::log2)
}

fn log10_(x: &Value) -> PyResult<f64> {
    logarithm(x, libm::log10)
}

fn prod(iterable: &Value, start: Option<&Value>) -> PyResult<Value> {
    let mut product = start.cloned().unwrap_or(Value::int(1));
    iter::for_each(iterable, |item| {
        product = match (product.as_small_float(), item.as_small_float()) {
            (Some(a), Some(b)) => Value::float(a * b),
            _ => number::binary(BinaryOp::Multiply, &product, &item)?,
        };
        Ok(true)
    })?;
    Ok(product)
}
