//! The type of `Pattern.scanner()`: match after match.

use super::match_object::Match;
use super::pattern::body as pattern_of;
use super::subject::Subject;
use crate::method;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::{TypeObject, attribute};
use std::cell::Cell;

/// A scanner.
#[repr(C)]
pub struct Scanner {
    header: Header,
    pattern: Value,
    string: Value,
    pos: usize,
    end: usize,
    /// Where to go on; `None` once nothing was found.
    start: Cell<Option<usize>>,
    must_advance: Cell<bool>,
    /// Keeps the text as long as it is.
    _held: Subject,
}

payload!(Scanner, SCANNER);

/// The type object of scanners.
pub static SCANNER: TypeObject = TypeObject::define::<Scanner>("_sre.SRE_Scanner")
    .slots(Slots { getattr: Some(attribute::generic_get), ..Slots::EMPTY })
    .methods(&[method!(match_, "match($self, /)", ""), method!(search, "search($self, /)", "")])
    .getset(&[GetSet::member("pattern", |this| {
        Ok(this.exact::<Scanner>().map_or(Value::NONE, |scanner| scanner.pattern.clone()))
    })]);

/// A scanner of a text.
///
/// # Errors
/// `TypeError` for what the pattern cannot match.
pub(super) fn new(pattern: &Value, string: &Value, pos: isize, endpos: isize) -> PyResult<Value> {
    let bounds = pattern_of(pattern)?.bounds(string, pos, endpos)?;
    Ok(new_object(Scanner {
        header: Header::new(&SCANNER),
        pattern: pattern.clone(),
        string: string.clone(),
        pos: bounds.pos,
        end: bounds.end,
        start: Cell::new(Some(bounds.pos)),
        must_advance: Cell::new(false),
        _held: bounds.subject,
    }))
}

fn step(this: &Scanner, search: bool) -> PyResult<Value> {
    let Some(start) = this.start.get() else { return Ok(Value::NONE) };
    let pattern = pattern_of(&this.pattern)?;
    let bounds = pattern.bounds(&this.string, this.pos as isize, this.end as isize)?;
    let mut state = pattern.state(start);
    state.must_advance = this.must_advance.get();
    if !bounds.subject.run(&mut state, bounds.end, search)? {
        this.start.set(None);
        return Ok(Value::NONE);
    }
    this.must_advance.set(state.ptr == state.start);
    this.start.set(Some(state.ptr));
    Ok(Match::new_value(&this.pattern, &state, &this.string, bounds.pos, bounds.end))
}

fn match_(this: &Scanner) -> PyResult<Value> {
    step(this, false)
}

fn search(this: &Scanner) -> PyResult<Value> {
    step(this, true)
}
