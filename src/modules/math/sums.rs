//! Sums over many floats without loss: `fsum`, and the norm behind `hypot` and `dist`.

use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::object::{iter, number};
use crate::types::exceptions::{overflow_error, value_error};

/// `math.fsum(seq)`: Shewchuk's expansion. The partial sums do not overlap and grow in size; together they are exact.
///
/// # Errors
/// What iterating raises; `OverflowError` when a partial sum overflows; `ValueError` for infinities of both signs.
pub fn fsum(seq: &Value) -> PyResult<f64> {
    let mut partials: Vec<f64> = Vec::with_capacity(32);
    let mut special = 0.0;
    let mut infinities = 0.0;
    iter::for_each(seq, |item| {
        let given = number::to_f64(&item)?;
        let mut x = given;
        let mut kept = 0;
        for index in 0..partials.len() {
            let mut y = partials[index];
            if x.abs() < y.abs() {
                std::mem::swap(&mut x, &mut y);
            }
            let high = x + y;
            let low = y - (high - x);
            if low != 0.0 {
                partials[kept] = low;
                kept += 1;
            }
            x = high;
        }
        partials.truncate(kept);
        if x == 0.0 {
            return Ok(true);
        }
        if x.is_finite() {
            partials.push(x);
            return Ok(true);
        }
        // A sum that is not finite comes from overflow or from what was given.
        if given.is_finite() {
            return Err(overflow_error("intermediate overflow in fsum"));
        }
        if given.is_infinite() {
            infinities += given;
        }
        special += given;
        partials.clear();
        Ok(true)
    })?;
    if special != 0.0 {
        return if infinities.is_nan() { Err(value_error("-inf + inf in fsum")) } else { Ok(special) };
    }
    let Some(mut high) = partials.pop() else { return Ok(0.0) };
    let mut low = 0.0;
    while let Some(y) = partials.pop() {
        let x = high;
        high = x + y;
        low = y - (high - x);
        if low != 0.0 {
            break;
        }
    }
    // Half to even over all partials, not only the first two.
    if let Some(&next) = partials.last()
        && ((low < 0.0 && next < 0.0) || (low > 0.0 && next > 0.0))
    {
        let y = low * 2.0;
        let x = high + y;
        if y == x - high {
            high = x;
        }
    }
    Ok(high)
}

/// The Euclidean norm of coordinates that are not negative, the largest of which is `max`: their squares are added by
/// Neumaier's summation. As `vector_norm` of 3.8.
pub fn norm(coordinates: &[f64], max: f64, found_nan: bool) -> f64 {
    if max.is_infinite() {
        return max;
    }
    if found_nan {
        return f64::NAN;
    }
    if max == 0.0 || coordinates.len() <= 1 {
        return max;
    }
    let mut sum = 1.0;
    let mut lost = 0.0;
    for coordinate in coordinates {
        let scaled = coordinate / max;
        let square = scaled * scaled;
        let before = sum;
        sum += square;
        lost += (before - sum) + square;
    }
    max * (sum - 1.0 + lost).sqrt()
}
