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
    let (digits, exponent) = shortest(value);
    let negative = if value.is_sign_negative() { "-" } else { "" };
    if !(-4..16).contains(&exponent) {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{negative}{first}{dot}{rest}e{sign}{:02}", exponent.unsigned_abs());
    }
    let Ok(whole) = usize::try_from(exponent + 1) else {
        return format!("{negative}0.{}{digits}", "0".repeat((-exponent - 1).unsigned_abs() as usize));
    };
    match digits.split_at_checked(whole) {
        Some((whole, "")) if !point => format!("{negative}{whole}"),
        Some((whole, "")) => format!("{negative}{whole}.0"),
        Some(("", fraction)) => format!("{negative}0.{fraction}"),
        Some((whole, fraction)) => format!("{negative}{whole}.{fraction}"),
        None => format!("{negative}{digits:0<whole$}{}", if point { ".0" } else { "" }),
    }
}

/// The shortest decimal digits that read back as the same float, without trailing zeros, and the first one's exponent.
fn shortest(value: f64) -> (String, i32) {
    let split = |text: &str| -> (String, i32) {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        (mantissa.chars().filter(char::is_ascii_digit).collect(), exponent.parse().unwrap_or(0))
    };
    let text = format!("{value:e}");
    let (digits, exponent) = split(&text);
    // Of two candidates that lie equally near, CPython takes the even one, as rounding to that many digits does.
    let rounded = format!("{value:.*e}", digits.len() - 1);
    if rounded != text && rounded.parse() == Ok(value) { split(&rounded) } else { (digits, exponent) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pyc::marshal;

    #[test]
    fn floats() {
        // What repr() of CPython 3.8 says, and repr() of a complex number with that imaginary part.
        let cases: &[(f64, &str, &str)] = &[
            (0.0, "0.0", "0j"),
            (-0.0, "-0.0", "-0j"),
            (1.0, "1.0", "1j"),
            (-1.5, "-1.5", "-1.5j"),
            (0.1, "0.1", "0.1j"),
            (1000000000000000.0, "1000000000000000.0", "1000000000000000j"),
            (1e+16, "1e+16", "1e+16j"),
            (1.2345678901234568e+17, "1.2345678901234568e+17", "1.2345678901234568e+17j"),
            (1e+22, "1e+22", "1e+22j"),
            (1e+23, "1e+23", "1e+23j"),
            (5e-324, "5e-324", "5e-324j"),
            (1.7976931348623157e+308, "1.7976931348623157e+308", "1.7976931348623157e+308j"),
            (0.0001, "0.0001", "0.0001j"),
            (1e-05, "1e-05", "1e-05j"),
            (0.000123, "0.000123", "0.000123j"),
            (2.9802322387695312e-08, "2.9802322387695312e-08", "2.9802322387695312e-08j"),
            (5.960464477539063e-08, "5.960464477539063e-08", "5.960464477539063e-08j"),
            (9007199254740992.0, "9007199254740992.0", "9007199254740992j"),
            (f64::INFINITY, "inf", "infj"),
            (f64::NEG_INFINITY, "-inf", "-infj"),
            (f64::NAN, "nan", "nanj"),
            (0.3333333333333333, "0.3333333333333333", "0.3333333333333333j"),
            (100.0, "100.0", "100j"),
            (12345.678, "12345.678", "12345.678j"),
            (1.1805916207174113e+21, "1.1805916207174113e+21", "1.1805916207174113e+21j"),
            (-1e-07, "-1e-07", "-1e-07j"),
            (9.5367431640625e-07, "9.5367431640625e-07", "9.5367431640625e-07j"),
        ];
        for &(value, expected, imaginary) in cases {
            assert_eq!(float(value, true), expected);
            let mut found = String::new();
            complex(0.0, value, &mut found);
            assert_eq!(found, imaginary);
        }
    }

    #[test]
    fn constants() {
        // Marshal data and repr(marshal.loads(data)) of CPython 3.8.
        let cases: &[(&[u8], &str)] = &[
            (b"N", "None"),
            (b"T", "True"),
            (b"F", "False"),
            (b".", "Ellipsis"),
            (b"S", "<class 'StopIteration'>"),
            (b"\xe9\x00\x00\x00\x00", "0"),
            (b"\xe9\xf9\xff\xff\xff", "-7"),
            (b"\xec\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00", "4611686018427387904"),
            (b"\xec\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x08\x00", "9223372036854775808"),
            (b"\xec\xf5\xff\xff\xff\xd1\x13p\x1eWu\xa34]w>h\x96\x15\xb4\x1bgJ\xa7\x0ci\x01", "-515377520732011331036461129765621272702107522001"),
            (b"\xe7\x00\x00\x00\x00\x00\x00\xf8?", "1.5"),
            (b"\xf9\x00\x00\x00\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\xf0?", "(-0+1j)"),
            (b"\xf9\x00\x00\x00\x00\x00\x00\xf0?\x00\x00\x00\x00\x00\x00\x00\x80", "(1-0j)"),
            (b"\xf9\x00\x00\x00\x00\x00\x00\xf8\x7f\x00\x00\x00\x00\x00\x00\xf0\x7f", "(nan+infj)"),
            (b"\xf9\x00\x00\x00\x00\x00\x00\xe0?\x00\x00\x00\x00\x00\x00\x00\xc0", "(0.5-2j)"),
            (b"\xda\x00", "''"),
            (b"\xda\x01a", "'a'"),
            (b"\xfa\x04it's", "\"it's\""),
            (b"\xfa\x01\x22", "'\"'"),
            (b"\xfa\x02'\x22", "'\\'\"'"),
            (b"\xfa\x07\x5c\x09\x0a\x0d\x00\x1f\x7f", "'\\\\\\t\\n\\r\\x00\\x1f\\x7f'"),
            (b"\xf5\x06\x00\x00\x00\xc2\xa0\xc3\xa9\xc2\xad", "'\\xa0\u{e9}\\xad'"),
            (b"\xf5\x08\x00\x00\x00\xcd\xb8\xe2\x82\xac\xe2\x80\xa8", "'\\u0378\u{20ac}\\u2028'"),
            (b"\xf5\x06\x00\x00\x00\xed\xa0\x80\xed\xbf\xbf", "'\\ud800\\udfff'"),
            (b"\xf5\x10\x00\x00\x00\xf0\x9f\x98\x80\xf0\x9f\xaa\x95\xf3\xa0\x80\x81\xf4\x8f\xbf\xbf", "'\u{1f600}\u{1fa95}\\U000e0001\\U0010ffff'"),
            (b"\xf5\x08\x00\x00\x00\xf0\x9f\x9b\xba\xf0\x9f\xab\x90", "'\u{1f6fa}\\U0001fad0'"),
            (b"\xf3\x00\x00\x00\x00", "b''"),
            (b"\xf3\x03\x00\x00\x00a'b", "b\"a'b\""),
            (b"\xf3\x02\x00\x00\x00\x22'", "b'\"\\''"),
            (b"\xf3\x06\x00\x00\x00\x5c\x09\x0a\x0d\x00\xff", "b'\\\\\\t\\n\\r\\x00\\xff'"),
            (b"\xa9\x00", "()"),
            (b"\xa9\x01\xe9\x01\x00\x00\x00", "(1,)"),
            (b"\xa9\x02\xe9\x01\x00\x00\x00\xa9\x01\xe9\x02\x00\x00\x00", "(1, (2,))"),
            (b"\xdb\x00\x00\x00\x00", "[]"),
            (b"\xdb\x02\x00\x00\x00\xe9\x01\x00\x00\x00[\x01\x00\x00\x00\xe9\x02\x00\x00\x00", "[1, [2]]"),
            (b"\xfb0", "{}"),
            (b"\xfb\xe9\x01\x00\x00\x00\xe9\x02\x00\x00\x00\xda\x01a\xa9\x000", "{1: 2, 'a': ()}"),
            (b"\xbc\x00\x00\x00\x00", "set()"),
            (b"\xbe\x00\x00\x00\x00", "frozenset()"),
            (b"\xbc\x01\x00\x00\x00\xe9\x01\x00\x00\x00", "{1}"),
            (b"\xbe\x01\x00\x00\x00\xe9\x01\x00\x00\x00", "frozenset({1})"),
            (b"\xbe\x07\x00\x00\x00\xda\x01b\xda\x01a\xda\x01d\xda\x01g\xda\x01c\xda\x01f\xda\x01e", "frozenset({'b', 'a', 'd', 'g', 'c', 'f', 'e'})"),
            (b"\xbe\x17\x00\x00\x00\xe9\x00\x00\x00\x00\xe9\x01\x00\x00\x00\xe9\x02\x00\x00\x00\xe9\x03\x00\x00\x00\xe9\x04\x00\x00\x00\xe9\x05\x00\x00\x00\xe9\x06\x00\x00\x00\xe9\x07\x00\x00\x00\xe9\x08\x00\x00\x00\xe9\x09\x00\x00\x00\xe9\x0a\x00\x00\x00\xe9\x0b\x00\x00\x00\xe9\x0c\x00\x00\x00\xe9\x0d\x00\x00\x00\xe9\x0e\x00\x00\x00\xe9\x0f\x00\x00\x00\xe9\x10\x00\x00\x00\xe9\x11\x00\x00\x00\xe9\x12\x00\x00\x00\xe9\x13\x00\x00\x00\xe9\xfe\xff\xff\xff\xe9\xfd\xff\xff\xff\xe9\xff\xff\xff\xff", "frozenset({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, -1, -3, -2})"),
            (b"\xbe\x05\x00\x00\x00\xe7\x00\x00\x00\x00\x00\x00\xf8?T\xa9\x02\xe9\x01\x00\x00\x00\xe9\x02\x00\x00\x00\xda\x01x\xf3\x01\x00\x00\x00y", "frozenset({1.5, True, (1, 2), 'x', b'y'})"),
            (b"\xbe\x08\x00\x00\x00\xfa\x05jumps\xfa\x04lazy\xfa\x05brown\xfa\x05quick\xfa\x03the\xfa\x04over\xfa\x04dogs\xfa\x03fox", "frozenset({'jumps', 'lazy', 'brown', 'quick', 'the', 'over', 'dogs', 'fox'})"),
            (b"\xbe(\x00\x00\x00\xfa\x0224\xfa\x0218\xfa\x0214\xfa\x0217\xfa\x0234\xfa\x0230\xfa\x012\xfa\x0225\xfa\x018\xfa\x0222\xfa\x0237\xfa\x0216\xfa\x0238\xfa\x0221\xfa\x013\xfa\x0227\xfa\x016\xfa\x0210\xfa\x015\xfa\x0232\xfa\x0213\xfa\x017\xfa\x010\xfa\x0236\xfa\x0229\xfa\x011\xfa\x0235\xfa\x0226\xfa\x0211\xfa\x0228\xfa\x0219\xfa\x0239\xfa\x014\xfa\x0212\xfa\x019\xfa\x0223\xfa\x0231\xfa\x0220\xfa\x0215\xfa\x0233", "frozenset({'24', '18', '14', '17', '34', '30', '2', '25', '8', '22', '37', '16', '38', '21', '3', '27', '6', '10', '5', '32', '13', '7', '0', '36', '29', '1', '35', '26', '11', '28', '19', '39', '4', '12', '9', '23', '31', '20', '15', '33'})"),
        ];
        for &(data, expected) in cases {
            let tree = marshal::read(data).unwrap();
            assert_eq!(repr(tree.root().constant(), 1 << 20), expected);
        }
    }

    #[test]
    fn what_is_too_long_is_cut() {
        // (x, x), where x is the pair before: 2**60 items.
        let mut data = b"\xa9\x02NN".to_vec();
        for index in 0..60u32 {
            data = [b"\xa9\x02".as_slice(), &data, b"r", &(60 - index).to_le_bytes()].concat();
        }
        let tree = marshal::read(&data).unwrap();
        let text = repr(tree.root().constant(), 1000);
        assert!(text.len() < 1100 && text.ends_with(CUT), "{text}");
        let long = [b"s\x00\x10\x00\x00".as_slice(), &[b'x'; 4096]].concat();
        let tree = marshal::read(&long).unwrap();
        let text = repr(tree.root().constant(), 100);
        assert!(text.len() < 120 && text.starts_with("b'xxx") && text.ends_with(CUT), "{text}");
        // A list that holds itself.
        let tree = marshal::read(b"\xdb\x01\x00\x00\x00r\x00\x00\x00\x00").unwrap();
        assert_eq!(repr(tree.root().constant(), 100), "[[...]]");
    }
}
