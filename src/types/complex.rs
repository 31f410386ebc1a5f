//! The type `complex`.

use crate::method;
use crate::name;
use crate::object::error::PyResult;
use crate::object::hash::hash_f64;
use crate::object::header::{Header, new_instance, new_object};
use crate::object::native::{Function, GetSet, Method, thunk};
use crate::object::slots::{BINARY_OPS, BinaryFn, BinaryOp, Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, attribute, call, number as protocol, text};
use crate::types::exceptions::{overflow_error, type_error, value_error, zero_division_error};
use crate::types::float::parse::{parse_prefix, without_underscores};
use crate::types::float::text::{Style, format_double};
use crate::types::int::text::{is_c_space, to_ascii};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::types::{float, format_spec, int};

/// The body of a complex.
#[repr(C)]
pub struct Complex {
    header: Header,
    re: f64,
    im: f64,
}

payload!(Complex, COMPLEX);

/// The type object of `complex`.
pub static COMPLEX: TypeObject = TypeObject::define::<Complex>("complex")
    .flags(TypeFlags::BASE.and(TypeFlags::SIMPLE_DROP))
    .slots(Slots {
        new: Some(new),
        getattr: Some(attribute::generic_get),
        repr: Some(repr),
        hash: Some(hash),
        compare: Some(compare),
        negative: Some(|this| number(this).map(|(re, im)| Complex::new_value(-re, -im))),
        positive: Some(|this| number(this).map(|(re, im)| Complex::new_value(re, im))),
        absolute: Some(absolute),
        int: Some(|_| Err(type_error("can't convert complex to int"))),
        float: Some(|_| Err(type_error("can't convert complex to float"))),
        bool: Some(|this| number(this).map(|(re, im)| re != 0.0 || im != 0.0)),
        power3: Some(pow_mod),
        binary: {
            let mut table = [None; BINARY_OPS];
            table[BinaryOp::Add as usize] = Some(add as BinaryFn);
            table[BinaryOp::Subtract as usize] = Some(subtract as BinaryFn);
            table[BinaryOp::Multiply as usize] = Some(multiply as BinaryFn);
            table[BinaryOp::TrueDivide as usize] = Some(true_divide as BinaryFn);
            table[BinaryOp::FloorDivide as usize] = Some(floor_divide as BinaryFn);
            table[BinaryOp::Remainder as usize] = Some(remainder as BinaryFn);
            table[BinaryOp::Divmod as usize] = Some(divmod as BinaryFn);
            table[BinaryOp::Power as usize] = Some(power as BinaryFn);
            table
        },
        ..Slots::EMPTY
    })
    .methods(METHODS)
    .getset(GETSET)
    .doc(
        "Create a complex number from a real part and an optional imaginary part.\n\n\
         This is equivalent to (real + imag*1j) where imag defaults to 0.",
    );

const METHODS: &[Method] = &[
    method!(
        conjugate,
        "!conjugate($self, /)",
        "complex.conjugate() -> complex\n\nReturn the complex conjugate of its argument. (3-4j).conjugate() == 3+4j."
    ),
    method!(getnewargs, "!__getnewargs__($self, /)", ""),
    method!(
        format_spec::format_complex,
        "%__format__($self, format_spec, /)",
        "complex.__format__() -> str\n\nConvert to a string according to format_spec."
    ),
];

const GETSET: &[GetSet] = &[
    GetSet {
        name: "real",
        get: |this| Ok(Value::float(number(this)?.0)),
        set: None,
        doc: Some("the real part of a complex number"),
        member: true,
    },
    GetSet {
        name: "imag",
        get: |this| Ok(Value::float(number(this)?.1)),
        set: None,
        doc: Some("the imaginary part of a complex number"),
        member: true,
    },
];

impl Complex {
    /// A complex number.
    pub fn new_value(re: f64, im: f64) -> Value {
        new_object(Complex { header: Header::new(&COMPLEX), re, im })
    }

    /// An instance of complex or a subclass.
    pub fn instance_of(ty: &TypeObject, re: f64, im: f64) -> Value {
        new_instance(ty, Complex { header: Header::new(ty), re, im })
    }

    /// Real and imaginary part.
    pub fn parts(&self) -> (f64, f64) {
        (self.re, self.im)
    }
}

/// A complex number.
pub fn new_value(re: f64, im: f64) -> Value {
    Complex::new_value(re, im)
}

fn number(value: &Value) -> PyResult<(f64, f64)> {
    match value.downcast::<Complex>() {
        Some(complex) => Ok(complex.parts()),
        None => Err(type_error(format!("expected complex, not {}", value.ty().name()))),
    }
}

/// An operand as a complex number; `None` when it is no number.
fn operand(value: &Value) -> PyResult<Option<(f64, f64)>> {
    match value.downcast::<Complex>() {
        Some(complex) => Ok(Some(complex.parts())),
        None => Ok(float::operand(value)?.map(|re| (re, 0.0))),
    }
}

fn value((re, im): (f64, f64)) -> PyResult<Value> {
    Ok(Complex::new_value(re, im))
}

macro_rules! operator {
    ($name:ident, |$a:ident, $b:ident| $result:expr) => {
        fn $name(left: &Value, right: &Value) -> PyResult<Value> {
            let (Some($a), Some($b)) = (operand(left)?, operand(right)?) else { return Ok(Value::NOT_IMPLEMENTED) };
            $result
        }
    };
}

operator!(add, |a, b| value((a.0 + b.0, a.1 + b.1)));
operator!(subtract, |a, b| value((a.0 - b.0, a.1 - b.1)));
operator!(multiply, |a, b| value(product(a, b)));
operator!(true_divide, |a, b| match quotient(a, b) {
    Some(result) => value(result),
    None => Err(zero_division_error("complex division by zero")),
});
operator!(power, |a, b| pow(a, b));

fn floor_divide(_left: &Value, _right: &Value) -> PyResult<Value> {
    Err(type_error("can't take floor of complex number."))
}

fn remainder(_left: &Value, _right: &Value) -> PyResult<Value> {
    Err(type_error("can't mod complex numbers."))
}

fn divmod(_left: &Value, _right: &Value) -> PyResult<Value> {
    Err(type_error("can't take floor or mod of complex number."))
}

fn pow_mod(base: &Value, exponent: &Value, _modulus: &Value) -> PyResult<Value> {
    match (operand(base)?, operand(exponent)?) {
        (Some(_), Some(_)) => Err(value_error("complex modulo")),
        _ => Ok(Value::NOT_IMPLEMENTED),
    }
}

fn product(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

/// The quotient; `None` for a divisor of zero. Divides by the larger part of the divisor first, against overflow, as
/// `_Py_c_quot`.
pub fn quotient(a: (f64, f64), b: (f64, f64)) -> Option<(f64, f64)> {
    let (re, im) = (b.0.abs(), b.1.abs());
    if re >= im {
        if re == 0.0 {
            return None;
        }
        let ratio = b.1 / b.0;
        let denominator = b.0 + b.1 * ratio;
        Some(((a.0 + a.1 * ratio) / denominator, (a.1 - a.0 * ratio) / denominator))
    } else if im >= re {
        let ratio = b.0 / b.1;
        let denominator = b.0 * ratio + b.1;
        Some(((a.0 * ratio + a.1) / denominator, (a.1 * ratio - a.0) / denominator))
    } else {
        Some((f64::NAN, f64::NAN))
    }
}

/// By polar form; `None` for a power of zero that is not defined. As `_Py_c_pow`.
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
    if phase.is_infinite() {
        // Here C's sine reports a domain error.
        return None;
    }
    Some((length * phase.cos(), length * phase.sin()))
}

/// By repeated squaring; the exponent is positive.
fn whole_power(base: (f64, f64), exponent: u32) -> (f64, f64) {
    let mut result = (1.0, 0.0);
    let mut square = base;
    let mut mask = 1;
    while mask <= exponent {
        if exponent & mask != 0 {
            result = product(result, square);
        }
        mask <<= 1;
        square = product(square, square);
    }
    result
}

/// `base ** exponent`.
///
/// # Errors
/// `ZeroDivisionError` for an undefined power of zero, `OverflowError` when the result is too large.
pub fn pow(base: (f64, f64), exponent: (f64, f64)) -> PyResult<Value> {
    let whole = exponent.0 as i64;
    let result = if exponent.1 == 0.0 && exponent.0 == whole as f64 && whole.unsigned_abs() <= 100 {
        if whole > 0 {
            Some(whole_power(base, whole.unsigned_abs() as u32))
        } else {
            quotient((1.0, 0.0), whole_power(base, whole.unsigned_abs() as u32))
        }
    } else {
        polar_power(base, exponent)
    };
    match result {
        None => Err(zero_division_error("0.0 to a negative or complex power")),
        Some((re, im)) if re.is_infinite() || im.is_infinite() => Err(overflow_error("complex exponentiation")),
        Some(result) => value(result),
    }
}

fn absolute(this: &Value) -> PyResult<Value> {
    let (re, im) = number(this)?;
    let result = re.hypot(im);
    if result.is_infinite() && re.is_finite() && im.is_finite() {
        return Err(overflow_error("absolute value too large"));
    }
    Ok(Value::float(result))
}

fn hash(this: &Value) -> PyResult<i64> {
    let (re, im) = number(this)?;
    let hash = hash_f64(re).wrapping_add(hash_f64(im).wrapping_mul(1_000_003));
    Ok(if hash == -1 { -2 } else { hash })
}

fn compare(left: &Value, right: &Value, op: Compare) -> PyResult<Value> {
    if !matches!(op, Compare::Eq | Compare::Ne) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let (re, im) = number(left)?;
    let equal = if let Some(int) = int::num(right) {
        im == 0.0 && float::order_with_int(re, int).is_some_and(|order| order.is_eq())
    } else if let Some(float) = float::to_f64(right) {
        re == float && im == 0.0
    } else if let Some(other) = right.downcast::<Complex>() {
        (re, im) == other.parts()
    } else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    Ok(Value::bool(equal == (op == Compare::Eq)))
}

fn repr(this: &Value) -> PyResult<Value> {
    let (re, im) = number(this)?;
    if re == 0.0 && re.is_sign_positive() {
        return Ok(Str::new_value(&format!("{}j", format_double(im, b'r', 0, Style::default()))));
    }
    let re = format_double(re, b'r', 0, Style::default());
    let im = format_double(im, b'r', 0, Style { plus: true, ..Style::default() });
    Ok(Str::new_value(&format!("({re}{im}j)")))
}

fn conjugate(this: &Complex) -> Value {
    Complex::new_value(this.re, -this.im)
}

fn getnewargs(this: &Complex) -> Value {
    Tuple::from_vec(vec![Value::float(this.re), Value::float(this.im)])
}

static NEW: Function = Function::new("complex($type, /, real=0, imag=0)", "", thunk(construct));

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let mut all = Vec::with_capacity(args.len() + 1);
    all.push(class.clone());
    all.extend_from_slice(args);
    NEW.call(&all, kwnames)
}

/// What `__complex__` gives, if the object has it.
fn special(x: &Value) -> PyResult<Option<(f64, f64)>> {
    let Some(result) = call::call_special(x, name!("__complex__"), &[])? else { return Ok(None) };
    returned_parts(&result).map(Some)
}

/// The parts of what `__complex__` returned; an instance of a subclass is deprecated.
///
/// # Errors
/// `TypeError`; the `DeprecationWarning` when a filter makes an error of it.
pub(crate) fn returned_parts(result: &Value) -> PyResult<(f64, f64)> {
    let returned = || format!("__complex__ returned non-complex (type {})", result.ty().name());
    let Some(complex) = result.downcast::<Complex>() else { return Err(type_error(returned())) };
    if !result.is_exact::<Complex>() {
        protocol::deprecated_subclass(&returned(), "complex")?;
    }
    Ok(complex.parts())
}

fn is_real(x: &Value) -> bool {
    x.ty().slot(|slots| slots.float).is_some() || protocol::is_index(x)
}

fn construct(class: &TypeObject, real: Option<&Value>, imag: Option<&Value>) -> PyResult<Value> {
    let is_complex = std::ptr::eq(class, &raw const COMPLEX);
    let make = |re: f64, im: f64| {
        if is_complex { Complex::new_value(re, im) } else { Complex::instance_of(class, re, im) }
    };
    if let (Some(real), None) = (real, imag)
        && is_complex
        && real.is_exact::<Complex>()
    {
        return Ok(real.clone());
    }
    if let Some(string) = real.and_then(|real| real.downcast::<Str>()) {
        if imag.is_some() {
            return Err(type_error("complex() can't take second arg if first is a string"));
        }
        let (re, im) = from_text(string)?;
        return Ok(make(re, im));
    }
    if imag.is_some_and(|imag| imag.downcast::<Str>().is_some()) {
        return Err(type_error("complex() second arg can't be a string"));
    }
    let special = match real {
        Some(real) => special(real)?,
        None => None,
    };
    let complex_real = special.or_else(|| real.and_then(|real| real.downcast::<Complex>()).map(Complex::parts));
    if complex_real.is_none()
        && let Some(real) = real.filter(|real| !is_real(real))
    {
        return Err(type_error(format!(
            "complex() first argument must be a string or a number, not '{}'",
            real.ty().name()
        )));
    }
    let complex_imag = imag.and_then(|imag| imag.downcast::<Complex>()).map(Complex::parts);
    if complex_imag.is_none()
        && let Some(imag) = imag.filter(|imag| !is_real(imag))
    {
        return Err(type_error(format!("complex() second argument must be a number, not '{}'", imag.ty().name())));
    }
    let as_float = |x: &Value| -> PyResult<f64> { float::number(&float::from_number(x)?) };
    let (mut re, real_im) = match (complex_real, real) {
        (Some((re, im)), _) => (re, Some(im)),
        (None, Some(real)) => (as_float(real)?, None),
        (None, None) => (0.0, None),
    };
    let im = match (complex_imag, imag) {
        (_, None) => real_im.unwrap_or(0.0),
        (Some((imag_re, imag_im)), _) => {
            re -= imag_im;
            imag_re + real_im.unwrap_or(0.0)
        }
        (None, Some(imag)) => {
            let im = as_float(imag)?;
            real_im.map_or(im, |real_im| im + real_im)
        }
    };
    Ok(make(re, im))
}

fn from_text(string: &Str) -> PyResult<(f64, f64)> {
    let mut bytes = match string.as_ascii() {
        Some(ascii) => ascii.as_bytes().to_vec(),
        None => to_ascii(string),
    };
    if bytes.contains(&b'_') {
        bytes = match without_underscores(&bytes) {
            Some(bytes) => bytes,
            None => {
                let repr = text::repr_string(&Value::of(string))?;
                return Err(value_error(format!("could not convert string to complex: {repr}")));
            }
        };
    }
    parse(&bytes).ok_or_else(|| value_error("complex() arg is a malformed string"))
}

fn skip_space(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_c_space(*first)
    {
        text = rest;
    }
    text
}

/// A unit imaginary part: an optional sign before `j`.
fn unit(text: &[u8]) -> (f64, &[u8]) {
    match text {
        [b'+', rest @ ..] => (1.0, rest),
        [b'-', rest @ ..] => (-1.0, rest),
        _ => (1.0, text),
    }
}

/// Reads `re`, `imj`, `re±imj`, each perhaps in parentheses and with white space around; numbers before `j` may be left
/// out.
fn parse(text: &[u8]) -> Option<(f64, f64)> {
    let text = skip_space(text);
    let (bracket, mut rest) = match text {
        [b'(', rest @ ..] => (true, skip_space(rest)),
        _ => (false, text),
    };
    let result = match parse_prefix(rest) {
        Some((first, end)) => {
            rest = rest.get(end..)?;
            match rest {
                [b'+' | b'-', ..] => {
                    let (im, after) = match parse_prefix(rest) {
                        Some((im, end)) => (im, rest.get(end..)?),
                        None => unit(rest),
                    };
                    rest = after.strip_prefix(b"j").or_else(|| after.strip_prefix(b"J"))?;
                    (first, im)
                }
                [b'j' | b'J', after @ ..] => {
                    rest = after;
                    (0.0, first)
                }
                _ => (first, 0.0),
            }
        }
        None => {
            let (im, after) = unit(rest);
            rest = after.strip_prefix(b"j").or_else(|| after.strip_prefix(b"J"))?;
            (0.0, im)
        }
    };
    rest = skip_space(rest);
    if bracket {
        rest = skip_space(rest.strip_prefix(b")")?);
    }
    if rest.is_empty() { Some(result) } else { None }
}
