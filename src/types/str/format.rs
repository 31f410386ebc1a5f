//! `str.format()`: its replacement fields. Also what `_string.formatter_parser` and `formatter_field_name_split` do.

use super::properties::decimal_value;
use super::{Chars, Str, StrBuilder};
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::object::{attribute, sequence, text};
use crate::types::dict::Dict;
use crate::types::exceptions::{index_error, key_error, value_error};
use std::ops::Range;

/// What replacement fields refer to.
#[derive(Clone, Copy)]
pub enum Arguments<'a> {
    /// `format(*args, **kwargs)`.
    Call(&'a [Value], &'a Dict),
    /// `format_map(mapping)`.
    Mapping(&'a Value),
}

/// How fields are numbered so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbering {
    Undecided,
    Automatic,
    Manual,
}

struct AutoNumber {
    state: Numbering,
    next: usize,
}

/// A literal text and the field behind it, as [`Markup`] finds them.
pub struct Piece {
    /// The text before the field.
    pub literal: Range<usize>,
    /// The field, if one follows.
    pub field: Option<Field>,
}

/// A replacement field: `{name!conversion:spec}`.
pub struct Field {
    /// The name.
    pub name: Range<usize>,
    /// The conversion character.
    pub conversion: Option<u32>,
    /// The format specification.
    pub spec: Range<usize>,
    /// Whether the specification holds fields itself.
    pub nested: bool,
}

/// Splits a format string into pieces. As `MarkupIterator`.
pub struct Markup<'a> {
    chars: Chars<'a>,
    at: usize,
    end: usize,
}

const OPEN: u32 = b'{' as u32;
const CLOSE: u32 = b'}' as u32;

impl<'a> Markup<'a> {
    /// Over all of a format string.
    pub fn new(chars: Chars<'a>) -> Markup<'a> {
        Markup { chars, at: 0, end: chars.len() }
    }

    /// Over what follows a position.
    pub fn resume(chars: Chars<'a>, at: usize) -> Markup<'a> {
        Markup { chars, at, end: chars.len() }
    }

    /// How far the format string has been read.
    pub fn position(&self) -> usize {
        self.at
    }

    fn within(chars: Chars<'a>, range: Range<usize>) -> Markup<'a> {
        Markup { chars, at: range.start, end: range.end }
    }

    fn take(&mut self) -> Option<u32> {
        if self.at >= self.end {
            return None;
        }
        let code = self.chars.get(self.at)?;
        self.at += 1;
        Some(code)
    }

    fn peek(&self) -> Option<u32> {
        if self.at < self.end { self.chars.get(self.at) } else { None }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// `ValueError` for braces that do not match.
    pub fn next_piece(&mut self) -> PyResult<Option<Piece>> {
        if self.at >= self.end {
            return Ok(None);
        }
        let start = self.at;
        let mut brace = None;
        while brace.is_none()
            && let Some(code) = self.take()
        {
            brace = Some(code).filter(|&code| code == OPEN || code == CLOSE);
        }
        let Some(brace) = brace else { return Ok(Some(Piece { literal: start..self.at, field: None })) };
        let next = self.peek();
        if next == Some(brace) {
            // An escaped brace: it ends the literal, once.
            let literal = start..self.at;
            self.at += 1;
            return Ok(Some(Piece { literal, field: None }));
        }
        if brace == CLOSE {
            return Err(value_error("Single '}' encountered in format string"));
        }
        if next.is_none() {
            return Err(value_error("Single '{' encountered in format string"));
        }
        let literal = start..self.at - 1;
        let field = self.field()?;
        Ok(Some(Piece { literal, field: Some(field) }))
    }

    /// As `parse_field`.
    fn field(&mut self) -> PyResult<Field> {
        const BRACKET: u32 = b'[' as u32;
        const COLON: u32 = b':' as u32;
        const EXCLAMATION: u32 = b'!' as u32;
        let start = self.at;
        let mut last = None;
        while let Some(code) = self.take() {
            match code {
                OPEN => return Err(value_error("unexpected '{' in field name")),
                BRACKET => {
                    while self.peek().is_some_and(|code| code != u32::from(b']')) {
                        self.at += 1;
                    }
                }
                CLOSE | COLON | EXCLAMATION => {
                    last = Some(code);
                    break;
                }
                _ => {}
            }
        }
        let Some(last) = last else { return Err(value_error("expected '}' before end of string")) };
        let name = start..self.at - 1;
        let mut field = Field { name, conversion: None, spec: 0..0, nested: false };
        if last == CLOSE {
            return Ok(field);
        }
        if last == EXCLAMATION {
            field.conversion = self.take();
            if field.conversion.is_none() {
                return Err(value_error("end of string while looking for conversion specifier"));
            }
            match self.take() {
                Some(CLOSE) => return Ok(field),
                Some(COLON) | None => {}
                Some(_) => return Err(value_error("expected ':' after conversion specifier")),
            }
        }
        let start = self.at;
        let mut depth = 1;
        while let Some(code) = self.take() {
            match code {
                OPEN => {
                    field.nested = true;
                    depth += 1;
                }
                CLOSE => {
                    depth -= 1;
                    if depth == 0 {
                        field.spec = start..self.at - 1;
                        return Ok(field);
                    }
                }
                _ => {}
            }
        }
        Err(value_error("unmatched '{' in format spec"))
    }
}

/// The first part of a field name, or one key of the rest.
pub enum Key {
    /// A number.
    Index(usize),
    /// A text.
    Name(Value),
}

/// The rest of a field name: attributes and items.
pub struct FieldPath<'a> {
    chars: Chars<'a>,
    at: usize,
    end: usize,
}

/// A step of a field name's rest.
pub enum Step {
    /// `.name`
    Attribute(Value),
    /// `[key]`
    Item(Key),
}

/// The number that digits stand for; `None` when they are no number. As `get_integer`.
fn integer(chars: Chars, range: Range<usize>) -> PyResult<Option<usize>> {
    let mut number: Option<usize> = None;
    for code in chars.slice(range.start, range.end).iter() {
        let Some(digit) = decimal_value(code) else { return Ok(None) };
        let grown = number.unwrap_or(0).checked_mul(10).and_then(|number| number.checked_add(digit as usize));
        match grown.filter(|&grown| isize::try_from(grown).is_ok()) {
            Some(grown) => number = Some(grown),
            None => return Err(value_error("Too many decimal digits in format string")),
        }
    }
    Ok(number)
}

/// Splits a field name into its first part and the rest. As `field_name_split` without numbering; an empty first part is
/// an empty name.
///
/// # Errors
/// `ValueError` for numbers too large.
pub fn split_field_name(chars: Chars<'_>, range: Range<usize>) -> PyResult<(Key, FieldPath<'_>)> {
    let name = chars.slice(range.start, range.end);
    let len = name.iter().position(|code| code == u32::from(b'.') || code == u32::from(b'['));
    let split = range.start + len.unwrap_or(name.len());
    let key = match integer(chars, range.start..split)? {
        Some(index) => Key::Index(index),
        None => Key::Name(Str::from_chars(chars.slice(range.start, split))),
    };
    Ok((key, FieldPath { chars, at: split, end: range.end }))
}

impl<'a> FieldPath<'a> {
    /// The steps behind a position.
    pub fn resume(chars: Chars<'a>, at: usize) -> FieldPath<'a> {
        FieldPath { chars, at, end: chars.len() }
    }

    /// How far the field name has been read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next step; `None` at the end. As `FieldNameIterator_next`.
    ///
    /// # Errors
    /// `ValueError` for a malformed name.
    pub fn next_step(&mut self) -> PyResult<Option<Step>> {
        if self.at >= self.end {
            return Ok(None);
        }
        let rest = self.chars.slice(self.at + 1, self.end);
        let start = self.at + 1;
        let (range, step) = match self.chars.get(self.at).and_then(char::from_u32) {
            Some('.') => {
                let len = rest.iter().position(|code| code == u32::from(b'.') || code == u32::from(b'['));
                let end = start + len.unwrap_or(rest.len());
                self.at = end;
                (start..end, Step::Attribute(Str::from_chars(self.chars.slice(start, end))))
            }
            Some('[') => {
                let Some(len) = rest.iter().position(|code| code == u32::from(b']')) else {
                    self.at = self.end;
                    return Err(value_error("Missing ']' in format string"));
                };
                let end = start + len;
                self.at = end + 1;
                let key = match integer(self.chars, start..end)? {
                    Some(index) => Key::Index(index),
                    None => Key::Name(Str::from_chars(self.chars.slice(start, end))),
                };
                (start..end, Step::Item(key))
            }
            _ => {
                self.at = start;
                return Err(value_error("Only '.' or '[' may follow ']' in format field specifier"));
            }
        };
        if range.is_empty() {
            return Err(value_error("Empty attribute in format string"));
        }
        Ok(Some(step))
    }
}

/// `format.format(...)`.
///
/// # Errors
/// `ValueError` for a malformed string, `IndexError` and `KeyError` for missing arguments, what looking up and formatting
/// raises.
pub fn format(format: &Str, arguments: Arguments) -> PyResult<Value> {
    let mut numbering = AutoNumber { state: Numbering::Undecided, next: 0 };
    let chars = format.chars();
    build(chars, 0..chars.len(), arguments, 2, &mut numbering)
}

/// As `build_string`.
fn build(
    chars: Chars,
    range: Range<usize>,
    arguments: Arguments,
    depth: u32,
    numbering: &mut AutoNumber,
) -> PyResult<Value> {
    if depth == 0 {
        return Err(value_error("Max string recursion exceeded"));
    }
    let mut builder = StrBuilder::with_capacity(range.len() + 16);
    let mut markup = Markup::within(chars, range);
    // The text that is all there is, which is not copied.
    let mut sole: Option<Value> = None;
    while let Some(piece) = markup.next_piece()? {
        if !piece.literal.is_empty() {
            sole = None;
        }
        builder.push_chars(chars.slice(piece.literal.start, piece.literal.end));
        let Some(field) = piece.field else { continue };
        let mut value = look_up(chars, field.name, arguments, numbering)?;
        if let Some(conversion) = field.conversion {
            value = convert(&value, conversion)?;
        }
        if field.spec.is_empty() {
            // What needs no call: exact strs and small ints as they are.
            if let Some(text) = value.exact::<Str>() {
                sole = if builder.is_empty() { Some(value.clone()) } else { sole.filter(|_| text.is_empty()) };
                builder.push_value(text);
                continue;
            }
            if let Some(int) = value.as_small_int() {
                sole = None;
                super::percent::push_small_int(&mut builder, int);
                continue;
            }
        }
        let spec = if field.nested {
            build(chars, field.spec, arguments, depth - 1, numbering)?
        } else {
            Str::from_chars(chars.slice(field.spec.start, field.spec.end))
        };
        let formatted = text::format(&value, &spec)?;
        if let Some(text) = formatted.downcast::<Str>() {
            let is_first = builder.is_empty() && formatted.is_exact::<Str>();
            builder.push_value(text);
            sole = if is_first { Some(formatted) } else { sole.filter(|_| text.is_empty()) };
        }
    }
    Ok(sole.unwrap_or_else(|| builder.finish()))
}

/// As `do_conversion`.
fn convert(value: &Value, conversion: u32) -> PyResult<Value> {
    match char::from_u32(conversion) {
        Some('r') => text::repr(value),
        Some('s') => text::str(value),
        Some('a') => text::ascii(value),
        Some(other @ '!'..='~') => Err(value_error(format!("Unknown conversion specifier {other}"))),
        _ => Err(value_error(format!("Unknown conversion specifier \\x{conversion:x}"))),
    }
}

/// As `get_field_object`.
fn look_up(chars: Chars, name: Range<usize>, arguments: Arguments, numbering: &mut AutoNumber) -> PyResult<Value> {
    let (mut first, mut path) = split_field_name(chars, name)?;
    let empty = matches!(&first, Key::Name(name) if name.downcast::<Str>().is_some_and(Str::is_empty));
    if empty || matches!(first, Key::Index(_)) {
        let wanted = if empty { Numbering::Automatic } else { Numbering::Manual };
        if numbering.state == Numbering::Undecided {
            numbering.state = wanted;
        }
        if numbering.state != wanted {
            return Err(value_error(if empty {
                "cannot switch from manual field specification to automatic field numbering"
            } else {
                "cannot switch from automatic field numbering to manual field specification"
            }));
        }
        if empty {
            first = Key::Index(numbering.next);
            numbering.next += 1;
        }
    }
    let mut value = match (first, arguments) {
        (Key::Index(index), Arguments::Call(args, _)) => match args.get(index) {
            Some(value) => value.clone(),
            None => {
                return Err(index_error(format!("Replacement index {index} out of range for positional args tuple")));
            }
        },
        (Key::Index(_), Arguments::Mapping(_)) => {
            return Err(value_error("Format string contains positional fields"));
        }
        (Key::Name(name), Arguments::Call(_, kwargs)) => kwargs.get(&name)?.ok_or_else(|| key_error(&name))?,
        (Key::Name(name), Arguments::Mapping(mapping)) => sequence::get_item(mapping, &name)?,
    };
    while let Some(step) = path.next_step()? {
        value = match step {
            Step::Attribute(name) => attribute::get(&value, &name)?,
            Step::Item(Key::Index(index)) => sequence::get_item(&value, &Value::int(index as i64))?,
            Step::Item(Key::Name(name)) => sequence::get_item(&value, &name)?,
        };
    }
    Ok(value)
}
