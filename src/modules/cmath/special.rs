//! What the functions of `cmath` give where a part of the argument is infinite or no number, as Annex G of C99 has it. A row
//! for each kind of real part, a column for each kind of imaginary part: minus infinity, negative, -0, 0, positive,
//! infinity, not a number. Kinds that no table is asked for, and those that are errors, hold `X`.

use super::Z;
use std::f64::consts::PI as P;

/// A table for every kind of argument.
pub type Table = [[Z; 7]; 7];

const I: f64 = f64::INFINITY;
const N: f64 = f64::NAN;
const P14: f64 = 0.25 * P;
const P12: f64 = 0.5 * P;
const P34: f64 = 0.75 * P;
const X: Z = (N, N);

fn kind(x: f64) -> usize {
    if x.is_nan() {
        6
    } else if x.is_infinite() {
        if x < 0.0 { 0 } else { 5 }
    } else if x == 0.0 {
        if x.is_sign_negative() { 2 } else { 3 }
    } else if x < 0.0 {
        1
    } else {
        4
    }
}

/// The entry for an argument, when one of its parts is not finite.
#[inline]
pub fn special((re, im): Z, table: &Table) -> Option<Z> {
    if re.is_finite() && im.is_finite() { None } else { table.get(kind(re))?.get(kind(im)).copied() }
}

pub static ACOS: Table = [
    [(P34, I), (P, I), (P, I), (P, -I), (P, -I), (P34, -I), (N, I)],
    [(P12, I), X, X, X, X, (P12, -I), (N, N)],
    [(P12, I), X, X, X, X, (P12, -I), (P12, N)],
    [(P12, I), X, X, X, X, (P12, -I), (P12, N)],
    [(P12, I), X, X, X, X, (P12, -I), (N, N)],
    [(P14, I), (0.0, I), (0.0, I), (0.0, -I), (0.0, -I), (P14, -I), (N, I)],
    [(N, I), (N, N), (N, N), (N, N), (N, N), (N, -I), (N, N)],
];

pub static ACOSH: Table = [
    [(I, -P34), (I, -P), (I, -P), (I, P), (I, P), (I, P34), (I, N)],
    [(I, -P12), X, X, X, X, (I, P12), (N, N)],
    [(I, -P12), X, X, X, X, (I, P12), (N, N)],
    [(I, -P12), X, X, X, X, (I, P12), (N, N)],
    [(I, -P12), X, X, X, X, (I, P12), (N, N)],
    [(I, -P14), (I, -0.0), (I, -0.0), (I, 0.0), (I, 0.0), (I, P14), (I, N)],
    [(I, N), (N, N), (N, N), (N, N), (N, N), (I, N), (N, N)],
];

pub static ASINH: Table = [
    [(-I, -P14), (-I, -0.0), (-I, -0.0), (-I, 0.0), (-I, 0.0), (-I, P14), (-I, N)],
    [(-I, -P12), X, X, X, X, (-I, P12), (N, N)],
    [(-I, -P12), X, X, X, X, (-I, P12), (N, N)],
    [(I, -P12), X, X, X, X, (I, P12), (N, N)],
    [(I, -P12), X, X, X, X, (I, P12), (N, N)],
    [(I, -P14), (I, -0.0), (I, -0.0), (I, 0.0), (I, 0.0), (I, P14), (I, N)],
    [(I, N), (N, N), (N, -0.0), (N, 0.0), (N, N), (I, N), (N, N)],
];

pub static ATANH: Table = [
    [(-0.0, -P12), (-0.0, -P12), (-0.0, -P12), (-0.0, P12), (-0.0, P12), (-0.0, P12), (-0.0, N)],
    [(-0.0, -P12), X, X, X, X, (-0.0, P12), (N, N)],
    [(-0.0, -P12), X, X, X, X, (-0.0, P12), (-0.0, N)],
    [(0.0, -P12), X, X, X, X, (0.0, P12), (0.0, N)],
    [(0.0, -P12), X, X, X, X, (0.0, P12), (N, N)],
    [(0.0, -P12), (0.0, -P12), (0.0, -P12), (0.0, P12), (0.0, P12), (0.0, P12), (0.0, N)],
    [(0.0, -P12), (N, N), (N, N), (N, N), (N, N), (0.0, P12), (N, N)],
];

pub static COSH: Table = [
    [X, X, (I, 0.0), (I, -0.0), X, X, (I, N)],
    [X, X, X, X, X, X, (N, N)],
    [X, X, X, X, X, X, (N, 0.0)],
    [X, X, X, X, X, X, (N, 0.0)],
    [X, X, X, X, X, X, (N, N)],
    [X, X, (I, -0.0), (I, 0.0), X, X, (I, N)],
    [(N, N), (N, N), (N, 0.0), (N, 0.0), (N, N), (N, N), (N, N)],
];

pub static EXP: Table = [
    [(0.0, 0.0), X, (0.0, -0.0), (0.0, 0.0), X, (0.0, 0.0), (0.0, 0.0)],
    [X, X, X, X, X, X, (N, N)],
    [X, X, X, X, X, X, (N, N)],
    [X, X, X, X, X, X, (N, N)],
    [X, X, X, X, X, X, (N, N)],
    [X, X, (I, -0.0), (I, 0.0), X, X, (I, N)],
    [(N, N), (N, N), (N, -0.0), (N, 0.0), (N, N), (N, N), (N, N)],
];

pub static LOG: Table = [
    [(I, -P34), (I, -P), (I, -P), (I, P), (I, P), (I, P34), (I, N)],
    [(I, -P12), X, X, X, X, (I, P12), (N, N)],
    [(I, -P12), X, X, X, X, (I, P12), (N, N)],
    [(I, -P12), X, X, X, X, (I, P12), (N, N)],
    [(I, -P12), X, X, X, X, (I, P12), (N, N)],
    [(I, -P14), (I, -0.0), (I, -0.0), (I, 0.0), (I, 0.0), (I, P14), (I, N)],
    [(I, N), (N, N), (N, N), (N, N), (N, N), (I, N), (N, N)],
];

pub static SINH: Table = [
    [X, X, (-I, -0.0), (-I, 0.0), X, X, (I, N)],
    [X, X, X, X, X, X, (N, N)],
    [X, X, X, X, X, X, (0.0, N)],
    [X, X, X, X, X, X, (0.0, N)],
    [X, X, X, X, X, X, (N, N)],
    [X, X, (I, -0.0), (I, 0.0), X, X, (I, N)],
    [(N, N), (N, N), (N, -0.0), (N, 0.0), (N, N), (N, N), (N, N)],
];

pub static SQRT: Table = [
    [(I, -I), (0.0, -I), (0.0, -I), (0.0, I), (0.0, I), (I, I), (N, I)],
    [(I, -I), X, X, X, X, (I, I), (N, N)],
    [(I, -I), X, X, X, X, (I, I), (N, N)],
    [(I, -I), X, X, X, X, (I, I), (N, N)],
    [(I, -I), X, X, X, X, (I, I), (N, N)],
    [(I, -I), (I, -0.0), (I, -0.0), (I, 0.0), (I, 0.0), (I, I), (I, N)],
    [(I, -I), (N, N), (N, N), (N, N), (N, N), (I, I), (N, N)],
];

pub static TANH: Table = [
    [(-1.0, 0.0), X, (-1.0, -0.0), (-1.0, 0.0), X, (-1.0, 0.0), (-1.0, 0.0)],
    [X, X, X, X, X, X, (N, N)],
    [X, X, X, X, X, X, (N, N)],
    [X, X, X, X, X, X, (N, N)],
    [X, X, X, X, X, X, (N, N)],
    [(1.0, 0.0), X, (1.0, -0.0), (1.0, 0.0), X, (1.0, 0.0), (1.0, 0.0)],
    [(N, N), (N, N), (N, -0.0), (N, 0.0), (N, N), (N, N), (N, N)],
];

pub static RECT: Table = [
    [X, X, (-I, 0.0), (-I, -0.0), X, X, (I, N)],
    [X, X, X, X, X, X, (N, N)],
    [(0.0, 0.0), X, X, X, X, (0.0, 0.0), (0.0, 0.0)],
    [(0.0, 0.0), X, X, X, X, (0.0, 0.0), (0.0, 0.0)],
    [X, X, X, X, X, X, (N, N)],
    [X, X, (I, -0.0), (I, 0.0), X, X, (I, N)],
    [(N, N), (N, N), (N, 0.0), (N, 0.0), (N, N), (N, N), (N, N)],
];
