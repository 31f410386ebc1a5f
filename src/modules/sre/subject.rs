//! The text that is matched: a str, or the bytes of an object that shows its memory.

use super::engine::{State, Unit};
use crate::object::buffer::{Buffer, Request};
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::bytes::Bytes;
use crate::types::exceptions::type_error;
use crate::types::str::{Chars, Str};

/// A text. An object that shows its memory cannot change its size while this lives.
pub struct Subject {
    /// The object.
    pub value: Value,
    buffer: Option<Buffer>,
    /// Its characters or bytes.
    pub len: usize,
}

impl Subject {
    /// The text of an object. As `getstring`.
    ///
    /// # Errors
    /// `TypeError` for what is no text.
    pub fn new(value: &Value) -> PyResult<Subject> {
        if let Some(text) = value.downcast::<Str>() {
            return Ok(Subject { value: value.clone(), buffer: None, len: text.len() });
        }
        match Buffer::get(value, Request::Simple) {
            Ok(Some(buffer)) => {
                let len = buffer.len();
                Ok(Subject { value: value.clone(), buffer: Some(buffer), len })
            }
            Ok(None) | Err(_) => Err(type_error("expected string or bytes-like object")),
        }
    }

    /// Whether it is bytes.
    pub fn is_bytes(&self) -> bool {
        self.buffer.is_some()
    }

    /// Searches (or matches, at the state's start) in the text up to `end`.
    ///
    /// # Errors
    /// What the engine raises.
    pub fn run(&self, state: &mut State<'_>, end: usize, search: bool) -> PyResult<bool> {
        macro_rules! go {
            ($text:expr) => {{
                let text = $text;
                if state.start > end {
                    let code = |index: usize| text.get(index).map_or(0, |unit| unit.code());
                    state.beyond = [code(state.start.saturating_sub(1)), code(state.start)];
                }
                let text = &text[..end.min(text.len())];
                // A start behind the end matches what needs no text, but is not searched from.
                if search { state.search(text) } else { state.match_at(text) }
            }};
        }
        match (&self.buffer, self.value.downcast::<Str>()) {
            (Some(buffer), _) => buffer.with_items(|bytes| go!(bytes)),
            (None, Some(text)) => match text.chars() {
                Chars::One(text) => go!(text),
                Chars::Two(text) => go!(text),
                Chars::Four(text) => go!(text),
            },
            (None, None) => Ok(false),
        }
    }

    /// A part of the text; all of a bytes object is that object. As `getslice`.
    pub fn slice(&self, start: usize, end: usize) -> Value {
        match (&self.buffer, self.value.downcast::<Str>()) {
            (Some(_), _) if self.value.is_exact::<Bytes>() && start == 0 && end == self.len => self.value.clone(),
            (Some(buffer), _) => buffer.with_items(|bytes| Bytes::new_value(bytes.get(start..end).unwrap_or_default())),
            (None, Some(_)) if start == 0 && end == self.len && self.value.is_exact::<Str>() => self.value.clone(),
            (None, Some(text)) => Str::from_chars(text.chars().slice(start, end)),
            (None, None) => Value::NONE,
        }
    }
}
