//! Runs the operations recorded in `tests/numbers/cases.txt` and compares with CPython's answers.

use crate::object::slots::{BinaryOp, Compare};
use crate::object::value::Value;
use crate::object::{PyResult, attribute, call, compare, hash, iter, number, sequence, text};
use crate::types::bytearray::{BYTEARRAY, Bytearray};
use crate::types::bytes::Bytes;
use crate::types::complex::Complex;
use crate::types::exceptions::BaseException;
use crate::types::list::List;
use crate::types::range::Range;
use crate::types::slice::Slice;
use crate::types::str::{Str, intern};
use crate::types::tuple::Tuple;
use crate::types::{bool, complex, float, int, list, range, slice};
use crate::vm::runtime;
use num_bigint::BigInt;
use num_traits::Signed;

const CASES: &str = include_str!("../../../tests/numbers/cases.txt");

/// Reads the notation of `record.py`.
struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn eat(&mut self, prefix: &str) -> bool {
        match self.0.strip_prefix(prefix) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn until(&mut self, end: &[char]) -> String {
        let at = self.0.find(end).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(at);
        self.0 = rest;
        token.to_owned()
    }

    fn items(&mut self, end: &str) -> Vec<Value> {
        let mut items = Vec::new();
        while !self.eat(end) {
            items.push(self.value());
            self.eat(",");
        }
        items
    }

    fn hex(&mut self) -> Vec<u8> {
        let text = self.until(&['\'']);
        assert!(self.eat("'"));
        (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hex")).collect()
    }

    fn value(&mut self) -> Value {
        let three = |items: Vec<Value>| -> [Value; 3] { items.try_into().expect("three parts") };
        if self.eat("s'") {
            let mut codes = Vec::new();
            loop {
                let rest = self.0;
                let c = rest.chars().next().expect("a character");
                self.0 = &rest[1..];
                match c {
                    '\'' => return Str::from_codes(&codes),
                    '\\' => {
                        codes.push(u32::from_str_radix(&self.0[..6], 16).expect("a code"));
                        self.0 = &self.0[6..];
                    }
                    c => codes.push(c.into()),
                }
            }
        } else if self.eat("b'") {
            Bytes::new_value(&self.hex())
        } else if self.eat("B'") {
            Bytearray::instance_of(&BYTEARRAY, self.hex())
        } else if self.eat("(") {
            Tuple::from_vec(self.items(")"))
        } else if self.eat("[") {
            List::from_vec(self.items("]"))
        } else if self.eat("c(") {
            let items = self.items(")");
            Complex::new_value(float::number(&items[0]).expect("re"), float::number(&items[1]).expect("im"))
        } else if self.eat("r(") {
            let [start, stop, step] = three(self.items(")"));
            Range::new_value(start, stop, step).expect("range")
        } else if self.eat("z(") {
            let [start, stop, step] = three(self.items(")"));
            Slice::new_value(start, stop, step)
        } else if self.eat("t:") {
            match self.until(&[',', ')', ']']).as_str() {
                "int" => int::INT.value(),
                "float" => float::FLOAT.value(),
                "bool" => bool::BOOL.value(),
                "complex" => complex::COMPLEX.value(),
                "range" => range::RANGE.value(),
                "slice" => slice::SLICE.value(),
                "list" => list::LIST.value(),
                other => panic!("type {other}"),
            }
        } else {
            match self.until(&[',', ')', ']']).as_str() {
                "None" => Value::NONE,
                "True" => Value::TRUE,
                "False" => Value::FALSE,
                token => match int::text::parse(token.as_bytes(), 0) {
                    Ok(value) => int::big(value),
                    Err(_) => Value::float(token.parse().expect("a float")),
                },
            }
        }
    }
}

/// Writes the notation of `record.py`.
fn show(value: &Value) -> String {
    let join = |items: &[Value]| items.iter().map(show).collect::<Vec<_>>().join(",");
    if let Some(string) = value.downcast::<Str>() {
        let mut text = "s'".to_owned();
        for code in string.chars().iter() {
            match char::from_u32(code) {
                Some(c @ ' '..='~') if c != '\'' && c != '\\' => text.push(c),
                _ => text.push_str(&format!("\\{code:06x}")),
            }
        }
        text + "'"
    } else if let Some(bytes) = value.downcast::<Bytes>() {
        let hex: String = bytes.as_slice().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("b'{hex}'")
    } else if let Some(tuple) = value.downcast::<Tuple>() {
        format!("({})", join(tuple.as_slice()))
    } else if let Some(list) = value.downcast::<List>() {
        format!("[{}]", join(&list.items().snapshot()))
    } else if let Some(complex) = value.downcast::<Complex>() {
        let (re, im) = complex.parts();
        format!("c({},{})", float::repr(re), float::repr(im))
    } else if value.downcast::<Range>().is_some() {
        let part = |name| show(&attribute::get_str(value, name).expect("a part"));
        format!("r({},{},{})", part("start"), part("stop"), part("step"))
    } else if let Some(slice) = value.downcast::<Slice>() {
        format!("z({},{},{})", show(slice.start()), show(slice.stop()), show(slice.step()))
    } else if let Some(ty) = value.downcast::<crate::object::TypeObject>() {
        format!("t:{}", ty.name())
    } else if let Some(big) = int::to_big(value)
        && big.abs() > BigInt::from(10).pow(60)
    {
        let hex = int::text::to_radix(int::Num::Big(&big), 16);
        match hex.strip_prefix('-') {
            Some(digits) => format!("-0x{digits}"),
            None => format!("0x{hex}"),
        }
    } else {
        text::repr_string(value).expect("repr")
    }
}

fn binary(name: &str) -> Option<BinaryOp> {
    Some(match name {
        "add" => BinaryOp::Add,
        "sub" => BinaryOp::Subtract,
        "mul" => BinaryOp::Multiply,
        "truediv" => BinaryOp::TrueDivide,
        "floordiv" => BinaryOp::FloorDivide,
        "mod" => BinaryOp::Remainder,
        "divmod" => BinaryOp::Divmod,
        "pow" => BinaryOp::Power,
        "lshift" => BinaryOp::LeftShift,
        "rshift" => BinaryOp::RightShift,
        "and" => BinaryOp::And,
        "or" => BinaryOp::Or,
        "xor" => BinaryOp::Xor,
        _ => return None,
    })
}

fn run(operation: &str, args: &[Value]) -> PyResult<Value> {
    let this = &args[0];
    if let (Some(op), [left, right]) = (binary(operation), args) {
        return number::binary(op, left, right);
    }
    let symbol = ["lt", "le", "eq", "ne", "gt", "ge"].iter().position(|name| *name == operation);
    if let Some(index) = symbol {
        return compare::rich(this, &args[1], Compare::ALL[index]);
    }
    if let Some((kind, name)) = operation.split_once(':') {
        let name = intern(name);
        return if kind == "m" {
            call::call_method(this, &name, &args[1..])
        } else {
            attribute::get_interned(this, &name)
        };
    }
    match operation {
        "pow" => number::power(this, &args[1], &args[2]),
        "neg" => number::negative(this),
        "pos" => number::positive(this),
        "abs" => number::absolute(this),
        "invert" => number::invert(this),
        "hash" => hash::hash(this).map(Value::int),
        "repr" => text::repr(this),
        "str" => text::str(this),
        "bool" => number::truth(this).map(Value::bool),
        "format" => text::format(this, &args[1]),
        "item" => sequence::get_item(this, &args[1]),
        "contains" => sequence::contains(this, &args[1]).map(Value::bool),
        "len" => sequence::len(this).map(|len| Value::int(len as i64)),
        "iter" => iter::collect(this).map(List::from_vec),
        "call" => call::call(this, &args[1..]),
        other => panic!("operation {other}"),
    }
}

#[test]
fn numbers_answer_as_in_cpython() {
    let (total, failures) = runtime::with(|| {
        let mut failures = Vec::new();
        let mut total = 0;
        // Messages that show bytes are compared where bytes know how to show themselves.
        let bytes_show = text::repr_string(&Bytes::new_value(b"x")).is_ok_and(|text| text == "b'x'");
        for line in CASES.lines() {
            let parts: Vec<&str> = line.split('\t').collect();
            let [operation, operands @ .., expected] = parts.as_slice() else { panic!("{line}") };
            let args: Vec<Value> = operands.iter().map(|operand| Reader(operand).value()).collect();
            let answer = match run(operation, &args) {
                Ok(value) => show(&value),
                Err(raised) => {
                    let error = raised.value();
                    let args = error.downcast::<BaseException>().map(BaseException::args).expect("an exception");
                    format!("!{}{}", error.ty().name(), show(&args))
                }
            };
            total += 1;
            if !bytes_show && expected.contains("b\\000027") {
                continue;
            }
            if answer != *expected {
                failures.push(format!("{line}\n    got {answer}"));
            }
        }
        (total, failures)
    });
    assert!(total > 10_000, "{total} cases");
    let shown = failures.iter().take(60).cloned().collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {total} differ:\n{shown}", failures.len());
}
