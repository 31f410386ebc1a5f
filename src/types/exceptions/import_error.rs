//! `ImportError`: its fields, `__init__`, `__str__` and `__reduce__`.

use super::{body, type_error};
use crate::method;
use crate::object::call;
use crate::object::error::PyResult;
use crate::object::native::{GetSet, Method};
use crate::object::slots::Slots;
use crate::object::value::Value;
use crate::types::dict::Dict;
use crate::types::str::Str;
use crate::types::tuple::Tuple;

const MSG: usize = 0;
const NAME: usize = 1;
const PATH: usize = 2;

/// Of subclasses, which have an `__init__` entry of their own.
pub(super) const INIT: Slots = Slots { init: Some(init), ..Slots::EMPTY };

pub(super) const SLOTS: Slots = Slots { init: Some(init), str: Some(str_), ..Slots::EMPTY };

pub(super) const METHODS: &[Method] = &[method!(reduce, "!__reduce__($self, /)", "")];

pub(super) const FIELDS: &[GetSet] = &[
    super::object_field::<MSG>("msg", "exception message"),
    super::object_field::<NAME>("name", "module name"),
    super::object_field::<PATH>("path", "module path"),
];

fn init(this: &Value, args: &[Value], kwnames: Option<&Value>) -> PyResult<()> {
    let (args, keywords) = call::split_keywords(args, kwnames);
    super::init(this, args, None)?;
    let mut name = Value::UNBOUND;
    let mut path = Value::UNBOUND;
    if keywords.len() > 2 {
        return Err(type_error(format!("ImportError() takes at most 2 keyword arguments ({} given)", keywords.len())));
    }
    for (keyword, value) in keywords {
        match keyword.downcast::<Str>().map(Str::to_string_lossy).as_deref() {
            Some("name") => name = value.clone(),
            Some("path") => path = value.clone(),
            other => {
                return Err(type_error(format!(
                    "'{}' is an invalid keyword argument for ImportError()",
                    other.unwrap_or_default()
                )));
            }
        }
    }
    let body = body(this)?;
    body.set_field(MSG, if let [message] = args { message.clone() } else { Value::UNBOUND });
    body.set_field(NAME, name);
    body.set_field(PATH, path);
    Ok(())
}

fn str_(this: &Value) -> PyResult<Value> {
    match body(this)?.field(MSG).filter(|message| message.is_exact::<Str>()) {
        Some(message) => Ok(message),
        None => super::str_(this),
    }
}

fn reduce(this: &Value) -> PyResult<Value> {
    let body = body(this)?;
    let mut parts = vec![this.ty().value(), body.args()];
    let own = super::own_dict(this);
    let (name, path) = (body.field(NAME), body.field(PATH));
    if name.is_none() && path.is_none() {
        parts.extend(own);
        return Ok(Tuple::from_vec(parts));
    }
    let state = match own.as_ref().and_then(|own| own.downcast::<Dict>()) {
        Some(own) => Dict::from_table(own.table().copy()?),
        None => Dict::new_value(),
    };
    if let Some(dict) = state.downcast::<Dict>() {
        for (key, value) in [("name", name), ("path", path)] {
            if let Some(value) = value {
                dict.set_text(key, value);
            }
        }
    }
    parts.push(state);
    Ok(Tuple::from_vec(parts))
}
