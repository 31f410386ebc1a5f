//! The type `re.Match`.

use super::engine::State;
use super::pattern::{Pattern, body as pattern_of};
use super::subject::Subject;
use crate::method;
use crate::name;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute, call, number, text};
use crate::types::dict::Dict;
use crate::types::exceptions::{index_error, type_error};
use crate::types::int;
use crate::types::str::Str;
use crate::types::tuple::Tuple;
use crate::vm::import;

/// A match.
#[repr(C)]
pub struct Match {
    header: Header,
    string: Value,
    pattern: Value,
    pos: usize,
    end: usize,
    last_index: isize,
    /// Start and end of the match and of each group; `None` for a group that took no part.
    spans: Box<[Option<(usize, usize)>]>,
    regs: ValueCell,
}

payload!(Match, MATCH);

/// The type object of matches.
pub static MATCH: TypeObject = TypeObject::define::<Match>("re.Match")
    .doc("The result of re.match() and re.search().\nMatch objects always have a boolean value of True.")
    .slots(Slots {
        repr: Some(repr),
        getattr: Some(attribute::generic_get),
        getitem: Some(|this, key| group_value(body(this)?, key, &Value::NONE)),
        ..Slots::EMPTY
    })
    .methods(&[
        method!(group, "!group($self, *args)", "group([group1, ...]) -> str or tuple.\n    Return subgroup(s) of the match by indices or names.\n    For 0 returns the entire match."),
        method!(start, "start($self, group=0, /)", "Return index of the start of the substring matched by group."),
        method!(end, "end($self, group=0, /)", "Return index of the end of the substring matched by group."),
        method!(span, "span($self, group=0, /)", "For match object m, return the 2-tuple (m.start(group), m.end(group))."),
        method!(groups, "groups($self, /, default=None)", "Return a tuple containing all the subgroups of the match, from 1.\n\n  default\n    Is used for groups that did not participate in the match."),
        method!(groupdict, "groupdict($self, /, default=None)", "Return a dictionary containing all the named subgroups of the match, keyed by the subgroup name.\n\n  default\n    Is used for groups that did not participate in the match."),
        method!(expand, "expand($self, /, template)", "Return the string obtained by doing backslash substitution on the string template, as done by the sub() method."),
        method!(copy, "__copy__($self, /)", ""),
        method!(deepcopy, "__deepcopy__($self, memo, /)", ""),
    ])
    .getset(&[
        GetSet::member("string", |this| Ok(body(this)?.string.clone())).with_doc("The string passed to match() or search()."),
        GetSet::member("re", |this| Ok(body(this)?.pattern.clone())).with_doc("The regular expression object."),
        GetSet::member("pos", |this| Ok(Value::int(body(this)?.pos as i64)))
            .with_doc("The index into the string at which the RE engine started looking for a match."),
        GetSet::member("endpos", |this| Ok(Value::int(body(this)?.end as i64)))
            .with_doc("The index into the string beyond which the RE engine will not go."),
        GetSet::read_only("lastindex", |this| {
            let last = body(this)?.last_index;
            Ok(if last >= 0 { Value::int(last as i64) } else { Value::NONE })
        })
        .with_doc("The integer index of the last matched capturing group."),
        GetSet::read_only("lastgroup", lastgroup).with_doc("The name of the last matched capturing group."),
        GetSet::read_only("regs", regs),
    ]);

fn body(value: &Value) -> PyResult<&Match> {
    value.downcast::<Match>().ok_or_else(|| type_error("expected a match"))
}

impl Match {
    /// The match that a state has found.
    pub fn new_value(pattern: &Value, state: &State<'_>, string: &Value, pos: usize, end: usize) -> Value {
        let groups = pattern.downcast::<Pattern>().map_or(0, |pattern| pattern.groups);
        let mut spans = Vec::with_capacity(groups + 1);
        spans.push(Some((state.start, state.ptr)));
        spans.extend((1..=groups).map(|group| state.group(group)));
        new_object(Match {
            header: Header::new(&MATCH),
            string: string.clone(),
            pattern: pattern.clone(),
            pos,
            end,
            last_index: state.last_index,
            spans: spans.into(),
            regs: ValueCell::EMPTY,
        })
    }

    fn pattern(&self) -> PyResult<&Pattern> {
        pattern_of(&self.pattern)
    }

    fn text(&self, group: usize, default: &Value) -> PyResult<Value> {
        match self.spans.get(group) {
            Some(&Some((start, end))) => {
                let subject = Subject::new(&self.string)?;
                let end = end.min(subject.len);
                Ok(subject.slice(start.min(end), end))
            }
            _ => Ok(default.clone()),
        }
    }

    /// The number of a group, given by number or name. As `match_getindex`.
    fn index(&self, group: &Value) -> PyResult<usize> {
        let found = if number::is_index(group) {
            // What does not fit is no group.
            number::index_clamped(group)?
        } else {
            let groups = self.pattern()?.groupindex.clone();
            match groups.downcast::<Dict>().map(|groups| groups.get(group)) {
                Some(Ok(Some(index))) => int::to_i64(&index).map_or(-1, |index| index as isize),
                _ => -1,
            }
        };
        usize::try_from(found)
            .ok()
            .filter(|&index| index < self.spans.len())
            .ok_or_else(|| index_error("no such group"))
    }

    fn span(&self, group: Option<&Value>) -> PyResult<(i64, i64)> {
        let index = match group {
            Some(group) => self.index(group)?,
            None => 0,
        };
        Ok(pair(self.spans.get(index).copied().flatten()))
    }
}

fn pair(span: Option<(usize, usize)>) -> (i64, i64) {
    span.map_or((-1, -1), |(start, end)| (start as i64, end as i64))
}

fn pair_value((start, end): (i64, i64)) -> Value {
    Tuple::from_array([Value::int(start), Value::int(end)])
}

fn group_value(this: &Match, group: &Value, default: &Value) -> PyResult<Value> {
    this.text(this.index(group)?, default)
}

fn group(this: &Match, args: &Tuple) -> PyResult<Value> {
    match args.as_slice() {
        [] => this.text(0, &Value::NONE),
        [only] => group_value(this, only, &Value::NONE),
        several => {
            let found: PyResult<Vec<Value>> =
                several.iter().map(|group| group_value(this, group, &Value::NONE)).collect();
            Ok(Tuple::from_vec(found?))
        }
    }
}

fn start(this: &Match, group: Option<&Value>) -> PyResult<Value> {
    this.span(group).map(|(start, _)| Value::int(start))
}

fn end(this: &Match, group: Option<&Value>) -> PyResult<Value> {
    this.span(group).map(|(_, end)| Value::int(end))
}

fn span(this: &Match, group: Option<&Value>) -> PyResult<Value> {
    this.span(group).map(pair_value)
}

fn groups(this: &Match, default: Option<&Value>) -> PyResult<Value> {
    let default = &default.cloned().unwrap_or(Value::NONE);
    let found: PyResult<Vec<Value>> = (1..this.spans.len()).map(|group| this.text(group, default)).collect();
    Ok(Tuple::from_vec(found?))
}

fn groupdict(this: &Match, default: Option<&Value>) -> PyResult<Value> {
    let default = &default.cloned().unwrap_or(Value::NONE);
    let result = Dict::new_value();
    let groups = this.pattern()?.groupindex.clone();
    if let (Some(groups), Some(result)) = (groups.downcast::<Dict>(), result.exact::<Dict>()) {
        for (name, _) in groups.items() {
            let value = group_value(this, &name, default)?;
            result.set(&name, value)?;
        }
    }
    Ok(result)
}

/// The library's `re._expand` does it.
fn expand(this: &Value, template: &Value) -> PyResult<Value> {
    let re = import::import_text("re")?;
    let pattern = body(this)?.pattern.clone();
    call::call_method(&re, name!("_expand"), &[pattern, this.clone(), template.clone()])
}

fn lastgroup(this: &Value) -> PyResult<Value> {
    let this = body(this)?;
    if this.last_index < 0 {
        return Ok(Value::NONE);
    }
    let names = this.pattern()?.indexgroup.clone();
    match names.downcast::<Tuple>().and_then(|names| names.get(this.last_index as usize).cloned()) {
        Some(name) => Ok(name),
        None => Ok(Value::NONE),
    }
}

fn regs(this: &Value) -> PyResult<Value> {
    let this = body(this)?;
    if let Some(regs) = this.regs.get() {
        return Ok(regs);
    }
    let regs = Tuple::from_vec(this.spans.iter().map(|span| pair_value(pair(*span))).collect());
    this.regs.set(Some(regs.clone()));
    Ok(regs)
}

fn copy(this: &Value) -> Value {
    this.clone()
}

fn deepcopy(this: &Value, _memo: &Value) -> Value {
    this.clone()
}

fn repr(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let (start, end) = body.span(None)?;
    let shown = text::repr_string(&body.text(0, &Value::NONE)?)?;
    let shown: String = shown.chars().take(50).collect();
    Ok(Str::new_value(&format!("<{} object; span=({start}, {end}), match={shown}>", this.ty().name())))
}
