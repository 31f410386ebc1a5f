//! The gamma function and the logarithm of its absolute value, by Lanczos' approximation (N = 13) with Boost's
//! coefficients. Each operation rounds where CPython's does: the results are equal to the last bit.

#![allow(clippy::excessive_precision, reason = "the digits as published")]

use super::libm;
use std::f64::consts::PI;

/// What a function makes of an argument that it has no number for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// Not defined there.
    Domain,
    /// Too large.
    Range,
}

const G: f64 = 6.024680040776729583740234375;
const G_MINUS_HALF: f64 = 5.524680040776729583740234375;
const LOG_PI: f64 = 1.144729885849400174143427351353058711647;

/// Numerator and denominator of the rational form of Lanczos' sum, lowest power first.
const LANCZOS: [(f64, f64); 13] = [
    (23531376880.410759688572007674451636754734846804940, 0.0),
    (42919803642.649098768957899047001988850926355848959, 39916800.0),
    (35711959237.355668049440185451547166705960488635843, 120543840.0),
    (17921034426.037209699919755754458931112671403265390, 150917976.0),
    (6039542586.3520280050642916443072979210699388420708, 105258076.0),
    (1439720407.3117216736632230727949123939715485786772, 45995730.0),
    (248874557.86205415651146038641322942321632125127801, 13339535.0),
    (31426415.585400194380614231628318205362874684987640, 2637558.0),
    (2876370.6289353724412254090516208496135991145378768, 357423.0),
    (186056.26539522349504029498971604569928220784236328, 32670.0),
    (8071.6720023658162106380029022722506138218516325024, 1925.0),
    (210.82427775157934587250973392071336271166969580291, 66.0),
    (2.5066282746310002701649081771338373386264310793408, 1.0),
];

/// Lanczos' sum at a positive `x`; beyond 5 in powers of 1/x, which do not overflow.
fn lanczos_sum(x: f64) -> f64 {
    let (mut above, mut below) = (0.0, 0.0);
    if x < 5.0 {
        for (numerator, denominator) in LANCZOS.iter().rev() {
            above = above * x + numerator;
            below = below * x + denominator;
        }
    } else {
        for (numerator, denominator) in &LANCZOS {
            above = above / x + numerator;
            below = below / x + denominator;
        }
    }
    above / below
}

/// sin(pi * x) of a finite `x`, exact at whole and half numbers.
fn sin_pi(x: f64) -> f64 {
    let y = libm::fmod(x.abs(), 2.0);
    let value = match (2.0 * y).round() as i32 {
        0 => libm::sin(PI * y),
        1 => libm::cos(PI * (y - 0.5)),
        // Not -sin(pi * (y - 1)), which has the wrong zero at 1.
        2 => libm::sin(PI * (1.0 - y)),
        3 => -libm::cos(PI * (y - 1.5)),
        _ => libm::sin(PI * (y - 2.0)),
    };
    1f64.copysign(x) * value
}

/// `math.gamma(x)`.
///
/// # Errors
/// At the poles and minus infinity, and where the value is too large.
pub fn gamma(x: f64) -> Result<f64, Failure> {
    if x.is_nan() || x == f64::INFINITY {
        return Ok(x);
    }
    if x == f64::NEG_INFINITY || x == 0.0 {
        return Err(Failure::Domain);
    }
    if x == x.floor() {
        if x < 0.0 {
            return Err(Failure::Domain);
        }
        // (x - 1)! is exact up to 22!.
        if x <= 23.0 {
            return Ok((2..x as i32).fold(1.0, |product, factor| product * f64::from(factor)));
        }
    }
    let finite = |value: f64| if value.is_infinite() { Err(Failure::Range) } else { Ok(value) };
    let size = x.abs();
    if size < 1e-20 {
        return finite(1.0 / x);
    }
    if size > 200.0 {
        return if x < 0.0 { Ok(0.0 / sin_pi(x)) } else { Err(Failure::Range) };
    }
    let y = size + G_MINUS_HALF;
    // The error of that sum, which the power below would enlarge.
    let error = if size > G_MINUS_HALF { (y - size) - G_MINUS_HALF } else { (y - G_MINUS_HALF) - size };
    let correction = error * G / y;
    // From 140 on, the power itself would overflow: its root is taken twice.
    let power = |of: fn(f64, f64) -> f64, value: f64| {
        if size < 140.0 {
            of(value, libm::pow(y, size - 0.5))
        } else {
            let root = libm::pow(y, size / 2.0 - 0.25);
            of(of(value, root), root)
        }
    };
    finite(if x < 0.0 {
        let mut value = -PI / sin_pi(size) / size * libm::exp(y) / lanczos_sum(size);
        value -= correction * value;
        power(|value, by| value / by, value)
    } else {
        let mut value = lanczos_sum(size) / libm::exp(y);
        value += correction * value;
        power(|value, by| value * by, value)
    })
}

/// `math.lgamma(x)`.
///
/// # Errors
/// As for [`gamma`], minus infinity excepted.
pub fn lgamma(x: f64) -> Result<f64, Failure> {
    if !x.is_finite() {
        return Ok(if x.is_nan() { x } else { f64::INFINITY });
    }
    if x == x.floor() && x <= 2.0 {
        return if x <= 0.0 { Err(Failure::Domain) } else { Ok(0.0) };
    }
    let size = x.abs();
    if size < 1e-20 {
        return Ok(-libm::log(size));
    }
    let mut value = libm::log(lanczos_sum(size)) - G;
    value += (size - 0.5) * (libm::log(size + G - 0.5) - 1.0);
    if x < 0.0 {
        value = LOG_PI - libm::log(sin_pi(size).abs()) - libm::log(size) - value;
    }
    if value.is_infinite() { Err(Failure::Range) } else { Ok(value) }
}
