//! `_json.make_scanner`: reads a JSON value out of a document.

use super::key_memo::KeyMemo;
use super::string::{self, Index, Scanned, Unit};
use super::{decode_error, text_of};
use crate::gc::Visit;
use crate::modules::arguments::{bind, body, class_or};
use crate::object::error::{PyResult, Raised};
use crate::object::header::{Header, new_instance};
use crate::object::native::{Function, GetSet, thunk};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeObject, attribute, call, number};
use crate::types::dict::Dict;
use crate::types::exceptions::{stop_iteration, value_error};
use crate::types::float::FLOAT;
use crate::types::int::{self, INT};
use crate::types::list::List;
use crate::types::str::Chars;
use crate::types::tuple::Tuple;
use crate::vm::thread;

/// The body of a scanner.
#[repr(C)]
pub struct Scanner {
    header: Header,
    strict: bool,
    object_hook: Value,
    object_pairs_hook: Value,
    parse_float: Value,
    parse_int: Value,
    parse_constant: Value,
}

payload!(Scanner, SCANNER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        for value in
            [&self.object_hook, &self.object_pairs_hook, &self.parse_float, &self.parse_int, &self.parse_constant]
        {
            visit(value);
        }
    }
});

/// The type object of scanners.
pub static SCANNER: TypeObject = TypeObject::define::<Scanner>("_json.Scanner")
    .slots(Slots {
        new: Some(|class, args, kwnames| bind(&NEW, class, args, kwnames)),
        call: Some(call_),
        ..Slots::EMPTY
    })
    .getset(&[
        GetSet::member("strict", |this| Ok(Value::bool(body::<Scanner>(this)?.strict))).with_doc("strict"),
        GetSet::member("object_hook", |this| Ok(body::<Scanner>(this)?.object_hook.clone())).with_doc("object_hook"),
        GetSet::member("object_pairs_hook", |this| Ok(body::<Scanner>(this)?.object_pairs_hook.clone())),
        GetSet::member("parse_float", |this| Ok(body::<Scanner>(this)?.parse_float.clone())).with_doc("parse_float"),
        GetSet::member("parse_int", |this| Ok(body::<Scanner>(this)?.parse_int.clone())).with_doc("parse_int"),
        GetSet::member("parse_constant", |this| Ok(body::<Scanner>(this)?.parse_constant.clone()))
            .with_doc("parse_constant"),
    ])
    .doc("JSON scanner object");

static NEW: Function = Function::new("%make_scanner($type, context)", "", thunk(new));
static SCAN_ONCE: Function = Function::new("%scan_once($self, string, idx)", "", thunk(scan_once));

fn new(class: &Value, context: &Value) -> PyResult<Value> {
    let ty = class_or(class, &SCANNER);
    let strict = number::truth(&attribute::get_str(context, "strict")?)?;
    Ok(new_instance(
        ty,
        Scanner {
            header: Header::new(ty),
            strict,
            object_hook: attribute::get_str(context, "object_hook")?,
            object_pairs_hook: attribute::get_str(context, "object_pairs_hook")?,
            parse_float: attribute::get_str(context, "parse_float")?,
            parse_int: attribute::get_str(context, "parse_int")?,
            parse_constant: attribute::get_str(context, "parse_constant")?,
        },
    ))
}

fn call_(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    bind(&SCAN_ONCE, this, args, kwnames)
}

fn scan_once(this: &Scanner, string: &Value, idx: Index) -> PyResult<Value> {
    let text = text_of(string)?;
    let start = usize::try_from(idx.0).map_err(|_| value_error("idx cannot be negative"))?;
    fn run<U: Unit>(units: &[U], scanner: &Scanner, document: &Value, start: usize) -> PyResult<Value> {
        let mut scan = Scan {
            units,
            document,
            scanner,
            keys: KeyMemo::default(),
            plain_floats: scanner.parse_float.is(&FLOAT.value()),
            plain_ints: scanner.parse_int.is(&INT.value()),
            has_pairs_hook: !scanner.object_pairs_hook.is_none(),
            has_hook: !scanner.object_hook.is_none(),
        };
        let (value, end) = scan.value(start)?;
        Ok(Tuple::from_array([value, Value::int(end as i64)]))
    }
    match text.chars() {
        Chars::One(units) => run(units, this, string, start),
        Chars::Two(units) => run(units, this, string, start),
        Chars::Four(units) => run(units, this, string, start),
    }
}

/// A document that is being read.
struct Scan<'a, U> {
    units: &'a [U],
    document: &'a Value,
    scanner: &'a Scanner,
    keys: KeyMemo,
    plain_floats: bool,
    plain_ints: bool,
    has_pairs_hook: bool,
    has_hook: bool,
}

/// No value begins there.
#[cold]
fn no_value(at: usize) -> Raised {
    stop_iteration(Some(Value::int(at as i64)))
}

/// What is at an index behind the end.
const END: u32 = u32::MAX;
const QUOTE: u32 = b'"' as u32;
const COMMA: u32 = b',' as u32;
const CLOSE_BRACE: u32 = b'}' as u32;
const CLOSE_BRACKET: u32 = b']' as u32;
const COLON: u32 = b':' as u32;

/// Ints of so many digits fit a machine word.
const WORD_DIGITS: usize = 18;

impl<'a, U: Unit> Scan<'a, U> {
    /// The character at an index.
    #[inline(always)]
    fn at(&self, index: usize) -> u32 {
        match self.units.get(index) {
            Some(&unit) => unit.into(),
            None => END,
        }
    }

    /// The index of the first character that is no white space, and that character.
    #[inline(always)]
    fn skip(&self, mut index: usize) -> (usize, u32) {
        loop {
            let code = self.at(index);
            if !matches!(code, 0x20 | 0x09 | 0x0a | 0x0d) {
                return (index, code);
            }
            index += 1;
        }
    }

    fn is_digit(&self, index: usize) -> bool {
        self.at(index).wrapping_sub(u32::from(b'0')) < 10
    }

    #[inline]
    fn string(&self, start: usize) -> PyResult<(Scanned<'a, U>, usize)> {
        string::scan(self.units, start, self.scanner.strict, self.document)
    }

    #[cold]
    fn error(&self, message: &str, at: usize) -> Raised {
        decode_error(message, self.document, at)
    }

    /// Reads the value at an index; also the index behind it.
    fn value(&mut self, start: usize) -> PyResult<(Value, usize)> {
        match char::from_u32(self.at(start)) {
            Some('"') => {
                let (scanned, end) = self.string(start + 1)?;
                match scanned {
                    Scanned::Part(units) => Ok((U::text(units), end)),
                    Scanned::Built(text) => Ok((text, end)),
                }
            }
            Some('0'..='9') => self.number(start),
            Some('{') => {
                let _depth = thread::enter_recursion(" while decoding a JSON object from a unicode string")?;
                if self.has_pairs_hook { self.pairs(start + 1) } else { self.object(start + 1) }
            }
            Some('[') => {
                let _depth = thread::enter_recursion(" while decoding a JSON array from a unicode string")?;
                self.array(start + 1)
            }
            Some('n') if self.is_word(start, b"null") => Ok((Value::NONE, start + 4)),
            Some('t') if self.is_word(start, b"true") => Ok((Value::TRUE, start + 4)),
            Some('f') if self.is_word(start, b"false") => Ok((Value::FALSE, start + 5)),
            Some('N') if self.is_word(start, b"NaN") => self.constant("NaN", start),
            Some('I') if self.is_word(start, b"Infinity") => self.constant("Infinity", start),
            Some('-') if self.is_word(start, b"-Infinity") => self.constant("-Infinity", start),
            Some('-') => self.number(start),
            _ => Err(no_value(start)),
        }
    }

    fn is_word(&self, start: usize, word: &[u8]) -> bool {
        self.units.get(start..start + word.len()).is_some_and(|units| U::equals(units, word))
    }

    fn constant(&self, name: &'static str, start: usize) -> PyResult<(Value, usize)> {
        let value = call::call(&self.scanner.parse_constant, &[crate::types::str::intern(name)])?;
        Ok((value, start + name.len()))
    }

    fn array(&mut self, start: usize) -> PyResult<(Value, usize)> {
        let mut items = Vec::new();
        let (mut index, code) = self.skip(start);
        if code != CLOSE_BRACKET {
            loop {
                let (value, end) = self.value(index)?;
                items.push(value);
                let (end, code) = self.skip(end);
                match code {
                    COMMA => index = self.skip(end + 1).0,
                    CLOSE_BRACKET => {
                        index = end;
                        break;
                    }
                    _ => return Err(self.error("Expecting ',' delimiter", end)),
                }
            }
        }
        Ok((List::from_vec(items), index + 1))
    }

    /// Reads a key and its colon; also the index of the value.
    #[inline]
    fn key(&mut self, index: usize, code: u32) -> PyResult<(Value, usize)> {
        if code != QUOTE {
            return Err(self.error("Expecting property name enclosed in double quotes", index));
        }
        let (scanned, end) = self.string(index + 1)?;
        let key = match scanned {
            Scanned::Part(units) => self.keys.get(units),
            Scanned::Built(text) => match text.exact::<crate::types::str::Str>().map(|text| text.chars()) {
                Some(Chars::One(chars)) => self.keys.get(chars),
                Some(Chars::Two(chars)) => self.keys.get(chars),
                Some(Chars::Four(chars)) => self.keys.get(chars),
                None => text,
            },
        };
        let (index, code) = self.skip(end);
        if code != COLON {
            return Err(self.error("Expecting ':' delimiter", index));
        }
        Ok((key, self.skip(index + 1).0))
    }

    /// What is behind a value of an object: the next key, or none at the object's end; and its index.
    #[inline]
    fn after_value(&self, end: usize) -> PyResult<(usize, Option<u32>)> {
        let (end, code) = self.skip(end);
        match code {
            COMMA => {
                let (index, code) = self.skip(end + 1);
                Ok((index, Some(code)))
            }
            CLOSE_BRACE => Ok((end, None)),
            _ => Err(self.error("Expecting ',' delimiter", end)),
        }
    }

    fn object(&mut self, start: usize) -> PyResult<(Value, usize)> {
        let object = Dict::new_value();
        let (mut index, first) = self.skip(start);
        if let Some(dict) = object.exact::<Dict>()
            && first != CLOSE_BRACE
        {
            let mut code = first;
            loop {
                let (key, at) = self.key(index, code)?;
                let (value, end) = self.value(at)?;
                dict.set(&key, value)?;
                let (at, next) = self.after_value(end)?;
                index = at;
                match next {
                    Some(next) => code = next,
                    None => break,
                }
            }
        }
        let object = if self.has_hook { call::call(&self.scanner.object_hook, &[object])? } else { object };
        Ok((object, index + 1))
    }

    fn pairs(&mut self, start: usize) -> PyResult<(Value, usize)> {
        let mut pairs = Vec::new();
        let (mut index, first) = self.skip(start);
        if first != CLOSE_BRACE {
            let mut code = first;
            loop {
                let (key, at) = self.key(index, code)?;
                let (value, end) = self.value(at)?;
                pairs.push(Tuple::from_array([key, value]));
                let (at, next) = self.after_value(end)?;
                index = at;
                match next {
                    Some(next) => code = next,
                    None => break,
                }
            }
        }
        let object = call::call(&self.scanner.object_pairs_hook, &[List::from_vec(pairs)])?;
        Ok((object, index + 1))
    }

    fn number(&mut self, start: usize) -> PyResult<(Value, usize)> {
        let negative = self.at(start) == u32::from(b'-');
        let digits = start + usize::from(negative);
        let mut word = 0i64;
        let mut index = digits;
        if self.at(digits) == u32::from(b'0') {
            index += 1;
        } else {
            loop {
                let digit = self.at(index).wrapping_sub(u32::from(b'0'));
                if digit >= 10 {
                    break;
                }
                word = word.wrapping_mul(10).wrapping_add(digit.into());
                index += 1;
            }
            if index == digits {
                return Err(no_value(start));
            }
        }
        let whole = index;
        if self.at(index) == u32::from(b'.') && self.is_digit(index + 1) {
            index += 2;
            while self.is_digit(index) {
                index += 1;
            }
        }
        if matches!(self.at(index), 0x65 | 0x45) {
            let sign = usize::from(matches!(self.at(index + 1), 0x2b | 0x2d));
            let mut end = index + 1 + sign;
            if self.is_digit(end) {
                while self.is_digit(end) {
                    end += 1;
                }
                index = end;
            }
        }
        let is_float = index != whole;
        if !is_float && self.plain_ints && whole - digits <= WORD_DIGITS {
            return Ok((Value::int(if negative { -word } else { word }), index));
        }
        let units = self.units.get(start..index).unwrap_or_default();
        let value = match is_float {
            true if self.plain_floats => Value::float(parse_float(&U::ascii(units))),
            true => call::call(&self.scanner.parse_float, &[U::text(units)])?,
            false if self.plain_ints => int::text::parse_value(&U::ascii(units), 10, &Value::NONE)?,
            false => call::call(&self.scanner.parse_int, &[U::text(units)])?,
        };
        Ok((value, index))
    }
}

fn parse_float(text: &[u8]) -> f64 {
    // The text is a float, as was just seen.
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
}
