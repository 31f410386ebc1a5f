//! The module `_string`: how format strings and field names are taken apart.

use crate::method;
use crate::modules::ModuleDef;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeObject, attribute};
use crate::types::exceptions::type_error;
use crate::types::str::Str;
use crate::types::str::format::{FieldPath, Key, Markup, Step, split_field_name};
use crate::types::tuple::Tuple;
use std::cell::Cell;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_string",
    doc: "string helper module",
    functions: &[
        method!(
            formatter_field_name_split,
            "!formatter_field_name_split(name, /)",
            "split the argument as a field name"
        ),
        method!(formatter_parser, "!formatter_parser(format, /)", "parse the argument as a format string"),
    ],
    fill: |_| Ok(()),
};

/// The body of an iterator over the pieces of a format string: the text and how far it has been read.
#[repr(C)]
pub struct Parser {
    header: Header,
    text: Value,
    at: Cell<usize>,
}

payload!(Parser, FORMATTER_ITERATOR);

/// The type object of what `formatter_parser` returns.
pub static FORMATTER_ITERATOR: TypeObject = TypeObject::define::<Parser>("formatteriterator").slots(Slots {
    getattr: Some(attribute::generic_get),
    iter: Some(|this| Ok(this.clone())),
    next: Some(next_piece),
    ..Slots::EMPTY
});

/// The body of an iterator over the rest of a field name.
#[repr(C)]
pub struct FieldNameIterator {
    header: Header,
    text: Value,
    at: Cell<usize>,
}

payload!(FieldNameIterator, FIELD_NAME_ITERATOR);

/// The type object of the rest that `formatter_field_name_split` returns.
pub static FIELD_NAME_ITERATOR: TypeObject =
    TypeObject::define::<FieldNameIterator>("fieldnameiterator").slots(Slots {
        getattr: Some(attribute::generic_get),
        iter: Some(|this| Ok(this.clone())),
        next: Some(next_step),
        ..Slots::EMPTY
    });

fn text(value: &Value) -> PyResult<&Str> {
    value.downcast::<Str>().ok_or_else(|| type_error(format!("expected str, got {}", value.ty().name())))
}

fn formatter_parser(format: &Value) -> PyResult<Value> {
    text(format)?;
    let header = Header::new(&FORMATTER_ITERATOR);
    Ok(new_object(Parser { header, text: format.clone(), at: Cell::new(0) }))
}

/// `(literal, name, spec, conversion)`, all but the literal None without a field.
fn next_piece(this: &Value) -> PyResult<Option<Value>> {
    let Some(parser) = this.downcast::<Parser>() else { return Err(type_error("expected a formatteriterator")) };
    let chars = text(&parser.text)?.chars();
    let mut markup = Markup::resume(chars, parser.at.get());
    let piece = markup.next_piece();
    parser.at.set(markup.position());
    let Some(piece) = piece? else { return Ok(None) };
    let part = |range: std::ops::Range<usize>| Str::from_chars(chars.slice(range.start, range.end));
    let literal = part(piece.literal);
    Ok(Some(Tuple::from_vec(match piece.field {
        None => vec![literal, Value::NONE, Value::NONE, Value::NONE],
        Some(field) => {
            let conversion = field.conversion.map_or(Value::NONE, Str::from_code);
            vec![literal, part(field.name), part(field.spec), conversion]
        }
    })))
}

fn key_value(key: Key) -> Value {
    match key {
        Key::Index(index) => Value::int(index as i64),
        Key::Name(name) => name,
    }
}

fn formatter_field_name_split(name: &Value) -> PyResult<Value> {
    let chars = text(name)?.chars();
    let (first, path) = split_field_name(chars, 0..chars.len())?;
    let header = Header::new(&FIELD_NAME_ITERATOR);
    let rest = new_object(FieldNameIterator { header, text: name.clone(), at: Cell::new(path.position()) });
    Ok(Tuple::from_vec(vec![key_value(first), rest]))
}

/// `(is_attribute, key)`.
fn next_step(this: &Value) -> PyResult<Option<Value>> {
    let Some(rest) = this.downcast::<FieldNameIterator>() else {
        return Err(type_error("expected a fieldnameiterator"));
    };
    let mut path = FieldPath::resume(text(&rest.text)?.chars(), rest.at.get());
    let step = path.next_step();
    rest.at.set(path.position());
    Ok(step?.map(|step| match step {
        Step::Attribute(name) => Tuple::from_vec(vec![Value::TRUE, name]),
        Step::Item(key) => Tuple::from_vec(vec![Value::FALSE, key_value(key)]),
    }))
}
