//! `SyntaxError`: where the error is, and what `__str__` says about it.

use super::{SYNTAX_ERROR, body};
use crate::object::call;
use crate::object::error::PyResult;
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::Value;
use crate::object::{iter, text};
use crate::types::exceptions::index_error;
use crate::types::int;
use crate::types::str::Str;
use crate::types::tuple::Tuple;

const MSG: usize = 0;
const FILENAME: usize = 1;
const LINENO: usize = 2;
const OFFSET: usize = 3;
const TEXT: usize = 4;
const PRINT_FILE_AND_LINE: usize = 5;

/// Of subclasses, which have an `__init__` entry of their own.
pub(super) const INIT: Slots = Slots { init: Some(init), ..Slots::EMPTY };

pub(super) const SLOTS: Slots = Slots { init: Some(init), str: Some(str_), ..Slots::EMPTY };

pub(super) const FIELDS: &[GetSet] = &[
    super::object_field::<MSG>("msg", "exception msg"),
    super::object_field::<FILENAME>("filename", "exception filename"),
    super::object_field::<LINENO>("lineno", "exception lineno"),
    super::object_field::<OFFSET>("offset", "exception offset"),
    super::object_field::<TEXT>("text", "exception text"),
    super::object_field::<PRINT_FILE_AND_LINE>("print_file_and_line", "exception print_file_and_line"),
];

fn init(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    super::init(this, args, kwnames)?;
    let args = call::split_keywords(args, kwnames).0;
    let body = body(this)?;
    if let Some(message) = args.first() {
        body.set_field(MSG, message.clone());
    }
    if let [_, details] = args {
        let details = match details.exact::<Tuple>() {
            Some(tuple) => tuple.to_vec(),
            None => iter::collect(details)?,
        };
        if details.len() != 4 {
            return Err(index_error("tuple index out of range"));
        }
        for (index, value) in details.into_iter().enumerate() {
            body.set_field(FILENAME + index, value);
        }
        // Subclasses say something else already.
        if std::ptr::eq(this.ty(), &SYNTAX_ERROR)
            && let Some(source) = body.field(TEXT)
            && let Some(source) = source.downcast::<Str>()
            && let Some(message) = legacy_statement(&source.to_string_lossy())
        {
            body.set_field(MSG, Str::new_value(&message));
        }
    }
    Ok(())
}

/// What is said about a `print` or `exec` statement of Python 2. As `_report_missing_parentheses`.
fn legacy_statement(source: &str) -> Option<String> {
    if source.contains('(') {
        return None;
    }
    legacy_message(source).or_else(|| legacy_message(source.split_once(':')?.1))
}

fn legacy_message(source: &str) -> Option<String> {
    let source = source.trim_start_matches([' ', '\t', '\r', '\n']);
    if let Some(data) = source.strip_prefix("print ") {
        let data = data.split(';').next().unwrap_or_default();
        let data = data.trim_matches([' ', '\t', '\r', '\n']);
        let end = if data.ends_with(',') { " end=\" \"" } else { "" };
        return Some(format!("Missing parentheses in call to 'print'. Did you mean print({data}{end})?"));
    }
    source.starts_with("exec ").then(|| "Missing parentheses in call to 'exec'".to_owned())
}

fn str_(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let filename = body
        .field(FILENAME)
        .and_then(|name| name.downcast::<Str>().map(Str::to_string_lossy))
        .map(|name| name.rsplit('/').next().unwrap_or_default().to_owned());
    let line = body.field(LINENO).filter(|line| line.ty().name() == "int");
    let message = body.field(MSG).unwrap_or(Value::NONE);
    if filename.is_none() && line.is_none() {
        return text::str(&message);
    }
    let message = text::str_string(&message)?;
    let line = line.map(|line| int::to_i64(&line).unwrap_or(-1));
    Ok(Str::new_value(&match (filename, line) {
        (Some(filename), Some(line)) => format!("{message} ({filename}, line {line})"),
        (Some(filename), None) => format!("{message} ({filename})"),
        (None, Some(line)) => format!("{message} (line {line})"),
        (None, None) => message,
    }))
}
