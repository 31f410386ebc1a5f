//! What the compiler finds wrong, as Python exceptions.

use crate::compile::error::{CompileError, ErrorKind, Place};
use crate::modules::ast::text_value as text;
use crate::object::error::Raised;
use crate::object::value::Value;
use crate::object::{TypeObject, call};
use crate::types::exceptions::{
    BaseException, INDENTATION_ERROR, MEMORY_ERROR, OVERFLOW_ERROR, RECURSION_ERROR, SYNTAX_ERROR, SYSTEM_ERROR,
    TAB_ERROR, TYPE_ERROR, VALUE_ERROR,
};
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use std::io::{BufRead, BufReader};

/// The exception that an error of the compiler is. `filename` is that of the source, a str.
pub fn raised(error: CompileError, filename: &Value) -> Raised {
    let class = match error.kind {
        ErrorKind::Syntax => &SYNTAX_ERROR,
        ErrorKind::Indentation => &INDENTATION_ERROR,
        ErrorKind::Tab => &TAB_ERROR,
        ErrorKind::Value => &VALUE_ERROR,
        ErrorKind::Type => &TYPE_ERROR,
        ErrorKind::Overflow => &OVERFLOW_ERROR,
        ErrorKind::Recursion => &RECURSION_ERROR,
        ErrorKind::System => &SYSTEM_ERROR,
        ErrorKind::Memory => {
            // CPython's parser says so itself, whoever catches the exception.
            eprintln!("s_push: parser stack overflow");
            return construct(&MEMORY_ERROR, vec![]);
        }
    };
    let (Some(line), true) =
        (error.lineno, matches!(error.kind, ErrorKind::Syntax | ErrorKind::Indentation | ErrorKind::Tab))
    else {
        return construct(class, vec![Str::new_value(&error.message)]);
    };
    let message = Str::new_value(&error.message);
    let (filename, named) = match error.filename {
        Some(name) => (Str::new_value(name), name.to_owned()),
        None => (filename.clone(), filename.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default()),
    };
    let source = match &error.text {
        Some(source) => text(source),
        // At no place in the line: the file could not be decoded.
        None if error.offset == Some(0) => Value::NONE,
        None => program_text(&named, line).map_or(Value::NONE, |line| text(&line)),
    };
    let offset = error.offset.map_or(Value::NONE, |offset| Value::int(offset.into()));
    let line = Value::int(line.into());
    if error.place != Place::Attributes {
        let details = Tuple::from_vec(vec![filename, line, offset, source]);
        return construct(class, vec![message, details]);
    }
    let raised = construct(class, vec![message]);
    if let Some(exception) = raised.value().downcast::<BaseException>() {
        for (field, value) in [filename, line, offset, source].into_iter().enumerate() {
            // After `msg`.
            exception.set_field(field + 1, value);
        }
    }
    raised
}

/// An exception made by calling its class.
fn construct(class: &TypeObject, args: Vec<Value>) -> Raised {
    match call::call(&class.value(), &args) {
        Ok(exception) => Raised::new(exception),
        Err(raised) => raised,
    }
}

/// A line of a file; `None` if it cannot be read. As `PyErr_ProgramText`.
pub fn program_text(filename: &str, line: u32) -> Option<Vec<u8>> {
    /// Longer lines are read in pieces, of which the last one counts.
    const PIECE: usize = 999;
    let skipped = usize::try_from(line.checked_sub(1)?).ok()?;
    let mut file = BufReader::new(std::fs::File::open(filename).ok()?);
    let mut text = Vec::new();
    for _ in 0..=skipped {
        text.clear();
        if file.read_until(b'\n', &mut text).ok()? == 0 {
            return None;
        }
    }
    if text.ends_with(b"\r\n") {
        text.truncate(text.len() - 2);
        text.push(b'\n');
    }
    if text.len() > PIECE {
        let start = (text.len() - 1) / PIECE * PIECE;
        text.drain(..start);
    }
    std::str::from_utf8(&text).is_ok().then_some(text)
}
