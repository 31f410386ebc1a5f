//! `_csv.Dialect`: how fields are separated and quoted.

use super::get_dialect;
use crate::modules::arguments::{body, class_or, nameless};
use crate::object::error::PyResult;
use crate::object::header::{Header, new_instance};
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeFlags, TypeObject, attribute, number};
use crate::types::exceptions::{overflow_error, type_error};
use crate::types::int;
use crate::types::str::Str;

/// When fields are quoted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
    Minimal,
    All,
    NonNumeric,
    None,
}

/// The body of a dialect.
#[repr(C)]
pub struct Dialect {
    header: Header,
    /// A character; 0 for none, as in the next two.
    pub(super) delimiter: u32,
    pub(super) quotechar: u32,
    pub(super) escapechar: u32,
    pub(super) lineterminator: Value,
    pub(super) quoting: Quoting,
    pub(super) doublequote: bool,
    pub(super) skipinitialspace: bool,
    pub(super) strict: bool,
}

payload!(Dialect, DIALECT);

fn character(code: u32) -> Value {
    if code == 0 { Value::NONE } else { Str::from_code(code) }
}

/// The type object of dialects.
pub static DIALECT: TypeObject = TypeObject::define::<Dialect>("_csv.Dialect")
    .flags(TypeFlags::BASE)
    .slots(Slots { new: Some(new), ..Slots::EMPTY })
    .getset(&[
        GetSet::member("skipinitialspace", |this| Ok(Value::bool(body::<Dialect>(this)?.skipinitialspace))),
        GetSet::member("doublequote", |this| Ok(Value::bool(body::<Dialect>(this)?.doublequote))),
        GetSet::member("strict", |this| Ok(Value::bool(body::<Dialect>(this)?.strict))),
        GetSet::read_only("delimiter", |this| Ok(character(body::<Dialect>(this)?.delimiter))),
        GetSet::read_only("escapechar", |this| Ok(character(body::<Dialect>(this)?.escapechar))),
        GetSet::read_only("lineterminator", |this| Ok(body::<Dialect>(this)?.lineterminator.clone())),
        GetSet::read_only("quotechar", |this| Ok(character(body::<Dialect>(this)?.quotechar))),
        GetSet::read_only("quoting", |this| Ok(Value::int(body::<Dialect>(this)?.quoting as i64))),
    ])
    .doc("CSV dialect\n\nThe Dialect type records CSV parsing and generation options.\n");

const PARAMETERS: [&str; 9] = [
    "dialect",
    "delimiter",
    "doublequote",
    "escapechar",
    "lineterminator",
    "quotechar",
    "quoting",
    "skipinitialspace",
    "strict",
];

fn char_setting(name: &str, value: Option<&Value>, default: u8) -> PyResult<u32> {
    let Some(value) = value else { return Ok(default.into()) };
    if value.is_none() {
        return Ok(0);
    }
    let Some(text) = value.downcast::<Str>() else {
        return Err(type_error(format!("\"{name}\" must be string, not {}", value.ty().name())));
    };
    if text.len() > 1 {
        return Err(type_error(format!("\"{name}\" must be a 1-character string")));
    }
    Ok(text.chars().get(0).unwrap_or(0))
}

fn bool_setting(value: Option<&Value>, default: bool) -> PyResult<bool> {
    value.map_or(Ok(default), number::truth)
}

fn quoting_setting(value: Option<&Value>) -> PyResult<Option<Quoting>> {
    let Some(value) = value else { return Ok(Some(Quoting::Minimal)) };
    if !int::is_exact_int(value) {
        return Err(type_error("\"quoting\" must be an integer"));
    }
    let number = int::to_i64(value).and_then(|number| i32::try_from(number).ok());
    let number = number.ok_or_else(|| overflow_error("Python int too large to convert to C int"))?;
    Ok(match number {
        0 => Some(Quoting::Minimal),
        1 => Some(Quoting::All),
        2 => Some(Quoting::NonNumeric),
        3 => Some(Quoting::None),
        _ => None,
    })
}

fn new(class: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<Value> {
    let [dialect, mut settings @ ..] = nameless(PARAMETERS, 0, args, kwnames)?;
    let dialect = match dialect {
        Some(dialect) if dialect.downcast::<Str>().is_some() => Some(get_dialect(&dialect)?),
        dialect => dialect,
    };
    if let Some(dialect) = dialect {
        if dialect.downcast::<Dialect>().is_some() && settings.iter().all(Option::is_none) {
            return Ok(dialect);
        }
        // What the dialect does not have, or fails to give, has its default.
        for (place, name) in settings.iter_mut().zip(PARAMETERS.iter().skip(1)) {
            if place.is_none() {
                *place = attribute::get_str(&dialect, name).ok();
            }
        }
    }
    let [delimiter, doublequote, escapechar, lineterminator, quotechar, quoting, skipinitialspace, strict] =
        settings.each_ref().map(Option::as_ref);
    let delimiter = char_setting("delimiter", delimiter, b',')?;
    let doublequote = bool_setting(doublequote, true)?;
    let escapechar = char_setting("escapechar", escapechar, 0)?;
    let lineterminator = match lineterminator {
        None => Some(Str::new_value("\r\n")),
        Some(value) if value.is_none() => None,
        Some(value) if value.downcast::<Str>().is_some() => Some(value.clone()),
        Some(_) => return Err(type_error("\"lineterminator\" must be a string")),
    };
    let no_quotechar = quotechar.is_some_and(Value::is_none);
    let quotechar = char_setting("quotechar", quotechar, b'"')?;
    let known_quoting = quoting_setting(quoting)?;
    let skipinitialspace = bool_setting(skipinitialspace, false)?;
    let strict = bool_setting(strict, false)?;
    let mut known_quoting = known_quoting.ok_or_else(|| type_error("bad \"quoting\" value"))?;
    if delimiter == 0 {
        return Err(type_error("\"delimiter\" must be a 1-character string"));
    }
    if no_quotechar && quoting.is_none() {
        known_quoting = Quoting::None;
    }
    if known_quoting != Quoting::None && quotechar == 0 {
        return Err(type_error("quotechar must be set if quoting enabled"));
    }
    let lineterminator = lineterminator.ok_or_else(|| type_error("lineterminator must be set"))?;
    let ty = class_or(class, &DIALECT);
    Ok(new_instance(
        ty,
        Dialect {
            header: Header::new(ty),
            delimiter,
            quotechar,
            escapechar,
            lineterminator,
            quoting: known_quoting,
            doublequote,
            skipinitialspace,
            strict,
        },
    ))
}
