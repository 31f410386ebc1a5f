//! The type `re.Pattern`.

use super::code::Program;
use super::engine::State;
use super::match_object::Match;
use super::scanner;
use super::subject::Subject;
use crate::method;
use crate::name;
use crate::object::error::PyResult;
use crate::object::hash;
use crate::object::header::{Header, new_object};
use crate::object::native::GetSet;
use crate::object::slots::{Compare, Slots};
use crate::object::value::{Value, payload};
use crate::object::{TypeObject, attribute, call, compare, text};
use crate::types::bytes::Bytes;
use crate::types::callable_iterator;
use crate::types::exceptions::type_error;
use crate::types::list::List;
use crate::types::mapping_proxy;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::import;

/// A compiled pattern.
#[repr(C)]
pub struct Pattern {
    header: Header,
    pub(super) program: Program,
    pub(super) groups: usize,
    pub(super) groupindex: Value,
    pub(super) indexgroup: Value,
    pattern: Value,
    flags: i32,
    /// Whether it matches bytes; `None` where either will do.
    is_bytes: Option<bool>,
}

payload!(Pattern, PATTERN);

/// The type object of patterns.
pub static PATTERN: TypeObject = TypeObject::define::<Pattern>("re.Pattern")
    .with_weakrefs()
    .doc("Compiled regular expression object.")
    .slots(Slots {
        repr: Some(repr),
        hash: Some(hash_of),
        compare: Some(rich_compare),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(match_, "match($self, /, string, pos=0, endpos=sys.maxsize)", "Matches zero or more characters at the beginning of the string."),
        method!(fullmatch, "fullmatch($self, /, string, pos=0, endpos=sys.maxsize)", "Matches against all of the string."),
        method!(search, "search($self, /, string, pos=0, endpos=sys.maxsize)", "Scan through string looking for a match, and return a corresponding match object instance.\n\nReturn None if no position in the string matches."),
        method!(sub, "sub($self, /, repl, string, count=0)", "Return the string obtained by replacing the leftmost non-overlapping occurrences of pattern in string by the replacement repl."),
        method!(subn, "subn($self, /, repl, string, count=0)", "Return the tuple (new_string, number_of_subs_made) found by replacing the leftmost non-overlapping occurrences of pattern with the replacement repl."),
        method!(findall, "findall($self, /, string, pos=0, endpos=sys.maxsize)", "Return a list of all non-overlapping matches of pattern in string."),
        method!(split, "split($self, /, string, maxsplit=0)", "Split string by the occurrences of pattern."),
        method!(finditer, "finditer($self, /, string, pos=0, endpos=sys.maxsize)", "Return an iterator over all non-overlapping matches for the RE pattern in string.\n\nFor each match, the iterator returns a match object."),
        method!(scanner_, "scanner($self, /, string, pos=0, endpos=sys.maxsize)", ""),
        method!(copy, "__copy__($self, /)", ""),
        method!(deepcopy, "__deepcopy__($self, memo, /)", ""),
    ])
    .getset(&[
        GetSet::member("pattern", |this| Ok(body(this)?.pattern.clone())).with_doc("The pattern string from which the RE object was compiled."),
        GetSet::member("flags", |this| Ok(Value::int(body(this)?.flags.into()))).with_doc("The regex matching flags."),
        GetSet::member("groups", |this| Ok(Value::int(body(this)?.groups as i64))).with_doc("The number of capturing groups in the pattern."),
        GetSet::read_only("groupindex", |this| Ok(mapping_proxy::new(body(this)?.groupindex.clone())))
            .with_doc("A dictionary mapping group names to group numbers."),
    ]);

pub(super) fn body(value: &Value) -> PyResult<&Pattern> {
    value.downcast::<Pattern>().ok_or_else(|| type_error("expected a pattern"))
}

/// Where in a text to match. As `state_init`.
pub(super) struct Bounds {
    pub subject: Subject,
    pub pos: usize,
    pub end: usize,
}

impl Pattern {
    /// A pattern of checked code.
    ///
    /// # Errors
    /// `TypeError` for a pattern that is neither None nor text.
    pub fn new_value(
        pattern: &Value,
        flags: i32,
        program: Program,
        groups: usize,
        groupindex: &Value,
        indexgroup: &Value,
    ) -> PyResult<Value> {
        let is_bytes = if pattern.is_none() { None } else { Some(Subject::new(pattern)?.is_bytes()) };
        Ok(new_object(Pattern {
            header: Header::new(&PATTERN),
            program,
            groups,
            groupindex: groupindex.clone(),
            indexgroup: indexgroup.clone(),
            pattern: pattern.clone(),
            flags,
            is_bytes,
        }))
    }

    /// The text to match in, and from where to where.
    pub(super) fn bounds(&self, string: &Value, pos: isize, endpos: isize) -> PyResult<Bounds> {
        let subject = Subject::new(string)?;
        match (self.is_bytes, subject.is_bytes()) {
            (Some(false), true) => return Err(type_error("cannot use a string pattern on a bytes-like object")),
            (Some(true), false) => return Err(type_error("cannot use a bytes pattern on a string-like object")),
            _ => {}
        }
        let len = subject.len;
        let clamp = |index: isize| usize::try_from(index).unwrap_or(0).min(len);
        let (pos, end) = (clamp(pos), clamp(endpos));
        Ok(Bounds { subject, pos, end })
    }

    pub(super) fn state(&self, start: usize) -> State<'_> {
        State::new(&self.program, self.groups, start)
    }

    /// What `findall` and `split` give of a group.
    fn group_of(&self, state: &State<'_>, subject: &Subject, group: usize) -> Option<Value> {
        state.group(group).map(|(start, end)| subject.slice(start, end))
    }
}

fn once(
    this: &Value,
    string: &Value,
    pos: Option<isize>,
    endpos: Option<isize>,
    search: bool,
    all: bool,
) -> PyResult<Value> {
    let pattern = body(this)?;
    let bounds = pattern.bounds(string, pos.unwrap_or(0), endpos.unwrap_or(isize::MAX))?;
    let mut state = pattern.state(bounds.pos);
    state.match_all = all;
    if bounds.subject.run(&mut state, bounds.end, search)? {
        Ok(Match::new_value(this, &state, string, bounds.pos, bounds.end))
    } else {
        Ok(Value::NONE)
    }
}

fn match_(this: &Value, string: &Value, pos: Option<isize>, endpos: Option<isize>) -> PyResult<Value> {
    once(this, string, pos, endpos, false, false)
}

fn fullmatch(this: &Value, string: &Value, pos: Option<isize>, endpos: Option<isize>) -> PyResult<Value> {
    once(this, string, pos, endpos, false, true)
}

fn search(this: &Value, string: &Value, pos: Option<isize>, endpos: Option<isize>) -> PyResult<Value> {
    once(this, string, pos, endpos, true, false)
}

/// The next match goes on where this one ended; an empty one is not found twice.
fn advance(state: &mut State<'_>) {
    state.must_advance = state.ptr == state.start;
    state.start = state.ptr;
}

fn findall(this: &Value, string: &Value, pos: Option<isize>, endpos: Option<isize>) -> PyResult<Value> {
    let pattern = body(this)?;
    let bounds = pattern.bounds(string, pos.unwrap_or(0), endpos.unwrap_or(isize::MAX))?;
    let mut state = pattern.state(bounds.pos);
    let subject = &bounds.subject;
    let empty = || subject.slice(0, 0);
    let mut found = Vec::new();
    while state.start <= bounds.end {
        state.reset();
        if !subject.run(&mut state, bounds.end, true)? {
            break;
        }
        found.push(match pattern.groups {
            0 => subject.slice(state.start, state.ptr),
            1 => pattern.group_of(&state, subject, 1).unwrap_or_else(empty),
            groups => {
                let group = |group| pattern.group_of(&state, subject, group).unwrap_or_else(empty);
                Tuple::from_vec((1..=groups).map(group).collect())
            }
        });
        advance(&mut state);
    }
    Ok(List::from_vec(found))
}

fn split(this: &Value, string: &Value, maxsplit: Option<isize>) -> PyResult<Value> {
    let pattern = body(this)?;
    let bounds = pattern.bounds(string, 0, isize::MAX)?;
    let mut state = pattern.state(0);
    let subject = &bounds.subject;
    let maxsplit = maxsplit.unwrap_or(0);
    let mut parts = Vec::new();
    let (mut last, mut count) = (0, 0);
    while maxsplit == 0 || count < maxsplit {
        state.reset();
        if !subject.run(&mut state, bounds.end, true)? {
            break;
        }
        parts.push(subject.slice(last, state.start));
        for group in 1..=pattern.groups {
            parts.push(pattern.group_of(&state, subject, group).unwrap_or(Value::NONE));
        }
        count += 1;
        last = state.ptr;
        advance(&mut state);
    }
    parts.push(subject.slice(last, bounds.end));
    Ok(List::from_vec(parts))
}

fn sub(this: &Value, repl: &Value, string: &Value, count: Option<isize>) -> PyResult<Value> {
    substitute(this, repl, string, count.unwrap_or(0)).map(|(result, _)| result)
}

fn subn(this: &Value, repl: &Value, string: &Value, count: Option<isize>) -> PyResult<Value> {
    let (result, count) = substitute(this, repl, string, count.unwrap_or(0))?;
    Ok(Tuple::from_vec(vec![result, Value::int(count as i64)]))
}

/// What a replacement without escapes is, or what makes one of a match.
enum Replacement {
    Literal(Value),
    Function(Value),
}

fn replacement(this: &Value, repl: &Value) -> PyResult<Replacement> {
    if call::is_callable(repl) {
        return Ok(Replacement::Function(repl.clone()));
    }
    let has_escape = match repl.downcast::<Str>() {
        Some(text) => text.chars().iter().any(|code| code == u32::from(b'\\')),
        None => match Subject::new(repl) {
            Ok(subject) => {
                subject.slice(0, subject.len).downcast::<Bytes>().is_none_or(|bytes| bytes.as_slice().contains(&b'\\'))
            }
            Err(_) => true,
        },
    };
    if !has_escape {
        return Ok(Replacement::Literal(repl.clone()));
    }
    let re = import::import_text("re")?;
    let made = call::call_method(&re, name!("_subx"), &[this.clone(), repl.clone()])?;
    Ok(if call::is_callable(&made) { Replacement::Function(made) } else { Replacement::Literal(made) })
}

/// As `pattern_subx`.
fn substitute(this: &Value, repl: &Value, string: &Value, limit: isize) -> PyResult<(Value, isize)> {
    let pattern = body(this)?;
    let replacement = replacement(this, repl)?;
    let bounds = pattern.bounds(string, 0, isize::MAX)?;
    let mut state = pattern.state(0);
    let subject = &bounds.subject;
    let mut parts = Vec::new();
    let (mut last, mut count) = (0, 0);
    while limit == 0 || count < limit {
        state.reset();
        if !subject.run(&mut state, bounds.end, true)? {
            break;
        }
        if last < state.start {
            parts.push(subject.slice(last, state.start));
        }
        let item = match &replacement {
            Replacement::Literal(item) => item.clone(),
            Replacement::Function(function) => {
                let found = Match::new_value(this, &state, string, bounds.pos, bounds.end);
                call::call(function, &[found])?
            }
        };
        if !item.is_none() {
            parts.push(item);
        }
        last = state.ptr;
        count += 1;
        advance(&mut state);
    }
    if last < bounds.end {
        parts.push(subject.slice(last, bounds.end));
    }
    let joiner = subject.slice(0, 0);
    if parts.is_empty() {
        return Ok((joiner, count));
    }
    let result = call::call_method(&joiner, name!("join"), &[List::from_vec(parts)])?;
    Ok((result, count))
}

fn scanner_(this: &Value, string: &Value, pos: Option<isize>, endpos: Option<isize>) -> PyResult<Value> {
    scanner::new(this, string, pos.unwrap_or(0), endpos.unwrap_or(isize::MAX))
}

fn finditer(this: &Value, string: &Value, pos: Option<isize>, endpos: Option<isize>) -> PyResult<Value> {
    let scanner = scanner_(this, string, pos, endpos)?;
    let search = attribute::get_str(&scanner, "search")?;
    callable_iterator::new(&search, &Value::NONE)
}

fn copy(this: &Value) -> Value {
    this.clone()
}

fn deepcopy(this: &Value, _memo: &Value) -> Value {
    this.clone()
}

/// As `pattern_repr`.
fn repr(this: &Value) -> PyResult<Value> {
    const NAMES: [(i32, &str); 9] = [
        (1, "re.TEMPLATE"),
        (2, "re.IGNORECASE"),
        (4, "re.LOCALE"),
        (8, "re.MULTILINE"),
        (16, "re.DOTALL"),
        (32, "re.UNICODE"),
        (64, "re.VERBOSE"),
        (128, "re.DEBUG"),
        (256, "re.ASCII"),
    ];
    let pattern = body(this)?;
    let mut flags = pattern.flags;
    // What a str pattern has by itself is not said.
    if pattern.is_bytes == Some(false) && flags & (4 | 32 | 256) == 32 {
        flags &= !32;
    }
    let mut shown: Vec<String> = Vec::new();
    for (flag, name) in NAMES {
        if flags & flag != 0 {
            shown.push(name.to_owned());
            flags &= !flag;
        }
    }
    if flags != 0 {
        shown.push(format!("{flags:#x}"));
    }
    let source: String = text::repr_string(&pattern.pattern)?.chars().take(200).collect();
    Ok(Str::new_value(&if shown.is_empty() {
        format!("re.compile({source})")
    } else {
        format!("re.compile({source}, {})", shown.join("|"))
    }))
}

fn hash_of(this: &Value) -> PyResult<i64> {
    let pattern = body(this)?;
    let code: Vec<u8> = pattern.program.words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let hash = hash::hash_bytes(&code) ^ hash::hash(&pattern.pattern)?;
    let rest = i64::from(pattern.flags) ^ i64::from(pattern.is_bytes == Some(true)) ^ pattern.groups as i64;
    Ok(match hash ^ rest {
        -1 => -2,
        hash => hash,
    })
}

fn rich_compare(this: &Value, other: &Value, op: Compare) -> PyResult<Value> {
    let (Some(left), Some(right)) = (this.downcast::<Pattern>(), other.downcast::<Pattern>()) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    let wanted = match op {
        Compare::Eq => true,
        Compare::Ne => false,
        _ => return Ok(Value::NOT_IMPLEMENTED),
    };
    let same = this.is(other)
        || left.flags == right.flags
            && left.is_bytes == right.is_bytes
            && left.groups == right.groups
            && left.program.words == right.program.words
            && compare::equal(&left.pattern, &right.pattern)?;
    Ok(Value::bool(same == wanted))
}
