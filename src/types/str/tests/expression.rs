//! Evaluates Python expressions for tests: literals, calls, attributes, subscripts, operators. It trusts its input.

use crate::object::error::PyResult;
use crate::object::slots::{BinaryOp, Compare};
use crate::object::value::Value;
use crate::object::{attribute, call, compare, iter, number, sequence, text};
use crate::types::bytearray::BYTEARRAY;
use crate::types::bytes::{BYTES, Bytes};
use crate::types::dict::Dict;
use crate::types::exceptions::{self, name_error};
use crate::types::float::FLOAT;
use crate::types::int;
use crate::types::list::List;
use crate::types::object::OBJECT;
use crate::types::slice::{SLICE, Slice};
use crate::types::str::{STR, Str, intern};
use crate::types::tuple::Tuple;

/// The value of an expression.
pub(super) fn evaluate(source: &str) -> PyResult<Value> {
    let mut parser = Parser { source: source.chars().collect(), at: 0 };
    let value = parser.expression()?;
    parser.space();
    assert_eq!(parser.at, parser.source.len(), "rest of {source}");
    Ok(value)
}

struct Parser {
    source: Vec<char>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> char {
        self.source.get(self.at).copied().unwrap_or('\0')
    }

    fn space(&mut self) {
        while self.peek() == ' ' {
            self.at += 1;
        }
    }

    /// Takes `text` if it comes next.
    fn eat(&mut self, text: &str) -> bool {
        self.space();
        let len = text.chars().count();
        if self.source.get(self.at..self.at + len).is_some_and(|found| found.iter().copied().eq(text.chars())) {
            self.at += len;
            return true;
        }
        false
    }

    fn expect(&mut self, text: &str) {
        assert!(self.eat(text), "expected {text} at {} of {:?}", self.at, self.source);
    }

    fn expression(&mut self) -> PyResult<Value> {
        let left = self.sum()?;
        for (symbol, op) in [
            ("<=", Compare::Le),
            (">=", Compare::Ge),
            ("==", Compare::Eq),
            ("!=", Compare::Ne),
            ("<", Compare::Lt),
            (">", Compare::Gt),
        ] {
            if self.eat(symbol) {
                let right = self.sum()?;
                return compare::rich(&left, &right, op);
            }
        }
        if self.eat("in ") {
            let right = self.sum()?;
            return sequence::contains(&right, &left).map(Value::bool);
        }
        if self.eat("is ") {
            let right = self.sum()?;
            return Ok(Value::bool(left.is(&right)));
        }
        Ok(left)
    }

    fn sum(&mut self) -> PyResult<Value> {
        let mut left = self.product()?;
        loop {
            let op = if self.eat("+") {
                BinaryOp::Add
            } else if self.eat("-") {
                BinaryOp::Subtract
            } else {
                return Ok(left);
            };
            let right = self.product()?;
            left = number::binary(op, &left, &right)?;
        }
    }

    fn product(&mut self) -> PyResult<Value> {
        let mut left = self.unary()?;
        loop {
            let op = if self.eat("*") {
                BinaryOp::Multiply
            } else if self.eat("%") {
                BinaryOp::Remainder
            } else {
                return Ok(left);
            };
            let right = self.unary()?;
            left = number::binary(op, &left, &right)?;
        }
    }

    /// Signs and powers of number literals are computed here, without the int type.
    fn unary(&mut self) -> PyResult<Value> {
        if self.eat("-") {
            let value = self.unary()?;
            if let Some(float) = value.as_small_float() {
                return Ok(Value::float(-float));
            }
            if let Some(float) = value.downcast::<crate::types::float::Float>() {
                return Ok(Value::float(-float.value()));
            }
            return Ok(int::big(-int::to_big(&value).expect("an int")));
        }
        let base = self.postfix()?;
        if self.source.get(self.at..self.at + 2) == Some(&['*', '*']) {
            self.at += 2;
            let exponent = self.unary()?;
            let exponent = u32::try_from(exponent.as_small_int().expect("small")).expect("positive");
            return Ok(int::big(int::to_big(&base).expect("an int").pow(exponent)));
        }
        Ok(base)
    }

    fn postfix(&mut self) -> PyResult<Value> {
        let mut value = self.atom()?;
        loop {
            match self.peek() {
                '.' => {
                    self.at += 1;
                    let name = self.name();
                    value = attribute::get(&value, &intern(&name))?;
                }
                '(' => {
                    self.at += 1;
                    let (mut args, mut names, mut values) = (Vec::new(), Vec::new(), Vec::new());
                    while !self.eat(")") {
                        self.space();
                        let start = self.at;
                        let name = if self.peek().is_alphabetic() { self.name() } else { String::new() };
                        if !name.is_empty() && self.peek() == '=' && self.source.get(self.at + 1) != Some(&'=') {
                            self.at += 1;
                            names.push(intern(&name));
                            values.push(self.expression()?);
                        } else {
                            self.at = start;
                            args.push(self.expression()?);
                        }
                        self.eat(",");
                    }
                    args.append(&mut values);
                    let names = if names.is_empty() { None } else { Some(Tuple::from_vec(names)) };
                    value = call_value(&value, &args, names.as_ref())?;
                }
                '[' => {
                    self.at += 1;
                    let mut parts = [Value::NONE, Value::NONE, Value::NONE];
                    let mut colons = 0;
                    while !self.eat("]") {
                        if self.eat(":") {
                            colons += 1;
                        } else {
                            parts[colons] = self.expression()?;
                        }
                    }
                    let [start, stop, step] = parts;
                    let key = if colons == 0 { start } else { Slice::new_value(start, stop, step) };
                    value = sequence::get_item(&value, &key)?;
                }
                _ => return Ok(value),
            }
        }
    }

    fn name(&mut self) -> String {
        let start = self.at;
        while self.peek().is_ascii_alphanumeric() || self.peek() == '_' {
            self.at += 1;
        }
        self.source[start..self.at].iter().collect()
    }

    /// Items up to `end`; whether a comma stood behind the last.
    fn items(&mut self, end: &str) -> PyResult<(Vec<Value>, bool)> {
        let mut items = Vec::new();
        let mut comma = false;
        while !self.eat(end) {
            items.push(self.expression()?);
            comma = self.eat(",");
        }
        Ok((items, comma))
    }

    fn atom(&mut self) -> PyResult<Value> {
        self.space();
        match self.peek() {
            '(' => {
                self.at += 1;
                let (mut items, comma) = self.items(")")?;
                if items.len() == 1 && !comma {
                    return Ok(items.remove(0));
                }
                Ok(Tuple::from_vec(items))
            }
            '[' => {
                self.at += 1;
                Ok(List::from_vec(self.items("]")?.0))
            }
            '{' => {
                self.at += 1;
                let dict = Dict::new_value();
                while !self.eat("}") {
                    let key = self.expression()?;
                    self.expect(":");
                    let value = self.expression()?;
                    dict.exact::<Dict>().expect("a dict").set(&key, value)?;
                    self.eat(",");
                }
                Ok(dict)
            }
            '\'' | '"' => Ok(self.string(false)),
            'b' if matches!(self.source.get(self.at + 1), Some('\'' | '"')) => {
                self.at += 1;
                Ok(self.string(true))
            }
            c if c.is_ascii_digit() => Ok(self.number()),
            _ => {
                let name = self.name();
                if name == "sys" {
                    self.expect(".");
                    assert_eq!(self.name(), "maxsize");
                    return Ok(Value::int(i64::MAX));
                }
                global(&name)
            }
        }
    }

    fn number(&mut self) -> Value {
        let start = self.at;
        let hexadecimal = self.source.get(self.at..self.at + 2) == Some(&['0', 'x']);
        if hexadecimal {
            self.at += 2;
        }
        let mut float = false;
        loop {
            match self.peek() {
                c if c.is_ascii_digit() || (hexadecimal && c.is_ascii_hexdigit()) => {}
                '.' if self.source.get(self.at + 1).is_some_and(char::is_ascii_digit) => float = true,
                'e' if !hexadecimal => float = true,
                '-' if float && self.source[self.at - 1] == 'e' => {}
                _ => break,
            }
            self.at += 1;
        }
        let text: String = self.source[start..self.at].iter().collect();
        if float {
            return Value::float(text.parse().expect("a float"));
        }
        let (digits, radix) = if hexadecimal { (&text[2..], 16) } else { (&text[..], 10) };
        int::big(num_bigint::BigInt::parse_bytes(digits.as_bytes(), radix).expect("an int"))
    }

    fn string(&mut self, bytes: bool) -> Value {
        let quote = self.peek();
        self.at += 1;
        let mut codes: Vec<u32> = Vec::new();
        while self.peek() != quote {
            let c = self.peek();
            self.at += 1;
            if c != '\\' {
                codes.push(c.into());
                continue;
            }
            let c = self.peek();
            self.at += 1;
            let mut hexadecimal = |len: usize| {
                let digits: String = self.source[self.at..self.at + len].iter().collect();
                self.at += len;
                u32::from_str_radix(&digits, 16).expect("digits")
            };
            codes.push(match c {
                'n' => 10,
                't' => 9,
                'r' => 13,
                '0' => 0,
                'x' => hexadecimal(2),
                'u' if !bytes => hexadecimal(4),
                'U' if !bytes => hexadecimal(8),
                '\\' | '\'' | '"' => c.into(),
                other => panic!("escape {other}"),
            });
        }
        self.at += 1;
        if bytes {
            return Bytes::new_value(&codes.iter().map(|&code| code as u8).collect::<Vec<u8>>());
        }
        Str::from_codes(&codes)
    }
}

/// Functions that are not there as objects yet are named by these strs.
const FUNCTIONS: [&str; 8] = ["repr", "ascii", "len", "hash", "iter", "list", "next", "type"];

fn global(name: &str) -> PyResult<Value> {
    for ty in [&STR, &BYTES, &BYTEARRAY, &FLOAT, &OBJECT, &SLICE].into_iter().chain(exceptions::ALL.iter().copied()) {
        if ty.name() == name {
            return Ok(ty.value());
        }
    }
    match name {
        "None" => Ok(Value::NONE),
        "True" => Ok(Value::TRUE),
        "False" => Ok(Value::FALSE),
        _ if FUNCTIONS.contains(&name) => Ok(intern(&format!("<{name}>"))),
        _ => Err(name_error(format!("name '{name}' is not defined"))),
    }
}

fn call_value(callable: &Value, args: &[Value], names: Option<&Value>) -> PyResult<Value> {
    let name = callable.exact::<Str>().and_then(Str::as_ascii).unwrap_or_default();
    match (name, args) {
        ("<repr>", [value]) => text::repr(value),
        ("<ascii>", [value]) => text::ascii(value),
        ("<len>", [value]) => sequence::len(value).map(|len| Value::int(len as i64)),
        ("<hash>", [value]) => crate::object::hash::hash(value).map(Value::int),
        ("<iter>", [value]) => iter::iter(value),
        ("<list>", [value]) => iter::collect(value).map(List::from_vec),
        ("<type>", [value]) => Ok(value.ty().value()),
        ("<next>", [value]) => Ok(iter::next(value)?.unwrap_or(Value::NONE)),
        // `float('nan')`, before the type float has a constructor.
        _ if callable.bits() == FLOAT.value().bits() => {
            let text = text::str_string(&args[0])?;
            Ok(Value::float(text.parse().expect("a float")))
        }
        _ => call::call_keywords(callable, args, names),
    }
}
