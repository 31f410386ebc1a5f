//! `repr()` of constants, character for character as CPython 3.8 under PYTHONHASHSEED=0.

mod hash;
mod printable;
mod set;

use super::code::{Code, Constant, Items, Long, Str};
use super::marshal::NodeId;
use std::collections::HashMap;
use std::fmt::{self, Write};

/// What stands for the rest of a text that was cut off.
pub const CUT: &str = "<...cut>";

/// The address that is shown of code objects: every one has the same.
pub const ADDRESS: &str = "0x0";

/// How deep containers are shown; CPython raises RecursionError when it has gone somewhat deeper.
const MAX_DEPTH: usize = 500;

/// The `repr()` of a constant. A text of more than `limit` bytes is cut somewhere after that and ends with [`CUT`].
pub fn repr(constant: Constant, limit: usize) -> String {
    let mut out = String::new();
    Repr::default().write(constant, limit, &mut out);
    out
}

/// Whether `str.isprintable` of 3.8 (Unicode 12.1) says so of a character.
pub fn is_printable(point: u32) -> bool {
    match point {
        0..0x20 | 0x7f => false,
        0x20..0x7f => true,
        _ => {
            let after = printable::UNPRINTABLE.partition_point(|&(first, _)| first <= point);
            let run = after.checked_sub(1).and_then(|index| printable::UNPRINTABLE.get(index));
            run.is_none_or(|&(_, last)| last < point)
        }
    }
}

/// Writes representations; remembers the orders of sets between them.
#[derive(Default)]
pub struct Repr {
    hashes: hash::Known,
    orders: HashMap<NodeId, Vec<usize>>,
    /// The containers being written, outermost first.
    path: Vec<NodeId>,
    /// Work done, in about the time that writing a byte takes.
    work: usize,
}

/// The limit was reached.
struct Full;

fn push(out: &mut String, text: fmt::Arguments) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
}

impl Repr {
    /// Appends the `repr()` of `constant` to `out`; if that is more than `limit` bytes, a part of it and [`CUT`].
    ///
    /// All constants given to one `Repr` must be of the same tree. The result is what the work was worth in bytes
    /// written, which the size of what was written may not show.
    pub fn write(&mut self, constant: Constant, limit: usize, out: &mut String) -> usize {
        let start = out.len();
        self.work = 0;
        let end = start.saturating_add(limit);
        if self.constant(constant, end, out).is_err() {
            out.push_str(CUT);
        }
        self.path.clear();
        self.work + out.len() - start
    }

    fn constant(&mut self, constant: Constant, end: usize, out: &mut String) -> Result<(), Full> {
        match constant {
            Constant::None => out.push_str("None"),
            Constant::True => out.push_str("True"),
            Constant::False => out.push_str("False"),
            Constant::Ellipsis => out.push_str("Ellipsis"),
            Constant::StopIteration => out.push_str("<class 'StopIteration'>"),
            Constant::Null => out.push_str("<NULL>"),
            Constant::Int(value) => push(out, format_args!("{value}")),
            Constant::BigInt(value) => self.long(value, end, out)?,
            Constant::Float(value) => out.push_str(&float(value, true)),
            Constant::Complex(real, imag) => complex(real, imag, out),
            Constant::Str(string) => str(string, end, out)?,
            Constant::Bytes(value) => bytes(value, end, out)?,
            Constant::Tuple(items) => {
                let close = if items.len() == 1 { ",)" } else { ")" };
                self.items(items, ["(", close, "(...)"], end, out)?;
            }
            Constant::List(items) => self.items(items, ["[", "]", "[...]"], end, out)?,
            Constant::Set(items) if items.is_empty() => out.push_str("set()"),
            Constant::FrozenSet(items) if items.is_empty() => out.push_str("frozenset()"),
            Constant::Set(items) => self.items(items, ["{", "}", "set(...)"], end, out)?,
            Constant::FrozenSet(items) => self.items(items, ["frozenset({", "})", "frozenset(...)"], end, out)?,
            Constant::Dict(dict) => {
                if !self.enter(dict.node(), "{...}", out)? {
                    return Ok(());
                }
                let mut lead = "{";
                for (key, value) in dict.iter() {
                    out.push_str(std::mem::replace(&mut lead, ", "));
                    self.constant(key, end, out)?;
                    out.push_str(": ");
                    self.constant(value, end, out)?;
                }
                out.push_str(if dict.is_empty() { "{}" } else { "}" });
                self.path.pop();
            }
            Constant::Code(code) => write_code(code, end, out)?,
        }
        if out.len() > end { Err(Full) } else { Ok(()) }
    }

    /// Goes down into a container, unless it is being written already.
    fn enter(&mut self, node: NodeId, again: &str, out: &mut String) -> Result<bool, Full> {
        self.work += self.path.len() / 8;
        if self.path.contains(&node) {
            out.push_str(again);
            return Ok(false);
        }
        if self.path.len() >= MAX_DEPTH {
            return Err(Full);
        }
        self.path.push(node);
        Ok(true)
    }

    fn items(
        &mut self,
        items: Items,
        [open, close, again]: [&str; 3],
        end: usize,
        out: &mut String,
    ) -> Result<(), Full> {
        let node = items.node();
        if !self.enter(node, again, out)? {
            return Ok(());
        }
        out.push_str(open);
        let is_set = !matches!(open, "(" | "[");
        if is_set && !self.orders.contains_key(&node) {
            self.orders.insert(node, set::order(items, &mut self.hashes));
        }
        // Taken out and put back, since the elements may be sets as well; a set within itself does not get here.
        let order = if is_set { self.orders.remove(&node) } else { None };
        let len = order.as_ref().map_or(items.len(), Vec::len);
        let mut result = Ok(());
        for at in 0..len {
            let index = order.as_ref().map_or(Some(at), |order| order.get(at).copied());
            let Some(item) = index.and_then(|index| items.get(index)) else { continue };
            if at > 0 {
                out.push_str(", ");
            }
            result = self.constant(item, end, out);
            if result.is_err() {
                break;
            }
        }
        if let Some(order) = order {
            self.orders.insert(node, order);
        }
        result?;
        out.push_str(close);
        self.path.pop();
        Ok(())
    }

    fn long(&mut self, value: Long, end: usize, out: &mut String) -> Result<(), Full> {
        // 15 bits are a bit more than 4.5 decimal digits.
        let digits = value.digits().len();
        if out.len().saturating_add(digits.saturating_mul(9) / 2) > end {
            return Err(Full);
        }
        // The conversion takes time that grows with the square of the length.
        self.work = self.work.saturating_add(digits.saturating_mul(digits) / 256);
        push(out, format_args!("{}", value.to_bigint()));
        Ok(())
    }
}

/// `<code object NAME at ADDRESS, file "FILE", line N>`
fn write_code(code: Code, end: usize, out: &mut String) -> Result<(), Full> {
    out.push_str("<code object ");
    plain(code.name(), end, out)?;
    push(out, format_args!(" at {ADDRESS}, file \""));
    plain(code.filename(), end, out)?;
    let line = match code.firstlineno() {
        0 => -1,
        line => line,
    };
    push(out, format_args!("\", line {line}>"));
    Ok(())
}

/// The characters as they are, lone surrogates as escapes; as far as `limit` bytes reach.
pub fn text(string: Str, limit: usize, out: &mut String) {
    let end = out.len().saturating_add(limit);
    if plain(string, end, out).is_err() {
        out.push_str(CUT);
    }
}

fn plain(string: Str, end: usize, out: &mut String) -> Result<(), Full> {
    if let Some(text) = string.as_str()
        && out.len().saturating_add(text.len()) <= end
    {
        out.push_str(text);
        return Ok(());
    }
    for point in string.code_points() {
        match char::from_u32(point) {
            Some(char) => out.push(char),
            // What the standard error stream of CPython makes of them; its standard output refuses them.
            None => push(out, format_args!("\\u{point:04x}")),
        }
        if out.len() > end {
            return Err(Full);
        }
    }
    Ok(())
}

/// The quote that `repr` takes: a double one if that saves an escape.
fn quote(single: bool, double: bool) -> char {
    if single && !double { '"' } else { '\'' }
}

fn str(string: Str, end: usize, out: &mut String) -> Result<(), Full> {
    let quote = quote(string.bytes().contains(&b'\''), string.bytes().contains(&b'"'));
    out.push(quote);
    for point in string.code_points() {
        match char::from_u32(point) {
            Some('\t') => out.push_str("\\t"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some(char) if char == quote || char == '\\' => out.extend(['\\', char]),
            Some(char) if is_printable(point) => out.push(char),
            _ if point < 0x100 => push(out, format_args!("\\x{point:02x}")),
            _ if point < 0x10000 => push(out, format_args!("\\u{point:04x}")),
            _ => push(out, format_args!("\\U{point:08x}")),
        }
        if out.len() > end {
            return Err(Full);
        }
    }
    out.push(quote);
    Ok(())
}

fn bytes(bytes: &[u8], end: usize, out: &mut String) -> Result<(), Full> {
    let quote = quote(bytes.contains(&b'\''), bytes.contains(&b'"'));
    out.push('b');
    out.push(quote);
    for &byte in bytes {
        match byte {
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\\' => out.push_str("\\\\"),
            _ if char::from(byte) == quote => out.extend(['\\', quote]),
            0x20..0x7f => out.push(char::from(byte)),
            _ => push(out, format_args!("\\x{byte:02x}")),
        }
        if out.len() > end {
            return Err(Full);
        }
    }
    out.push(quote);
    Ok(())
}

/// A float's `repr`: the shortest decimal that reads back as the same float. Without `point`, whole numbers have no
/// `.0`, as in a complex number.
fn float(value: f64, point: bool) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let mut text = format!("{value}");
        if point && !text.contains('.') {
            text.push_str(".0");
        }
        return text;
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// As `complex_repr`.
fn complex(real: f64, imag: f64, out: &mut String) {
    let imaginary = float(imag, false);
    if real == 0.0 && real.is_sign_positive() {
        push(out, format_args!("{imaginary}j"));
        return;
    }
    let sign = if imaginary.starts_with('-') { "" } else { "+" };
    push(out, format_args!("({}{sign}{imaginary}j)", float(real, false)));
}
