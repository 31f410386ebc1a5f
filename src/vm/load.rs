//! From the code tree of a `.pyc` file to the code objects and constants that run.

use crate::object::value::Value;
use crate::pyc::code::{Constant, Names, Str as FileStr};
use crate::pyc::marshal::{NodeId, Object};
use crate::types::bytes::Bytes;
use crate::types::code::{Code, Fields};
use crate::types::int;
use crate::types::str::{Str, StrBuilder, intern_value};
use crate::types::tuple::Tuple;
use crate::vm::runtime;
use hashbrown::HashMap;

/// What cannot be loaded, in words.
pub type LoadError = String;

/// Makes the value of a constant: shared references in the file share one object.
///
/// # Errors
/// A container that holds itself, or a kind of constant that code cannot have.
pub fn value(object: Object<'_, '_>) -> Result<Value, LoadError> {
    Loader { known: HashMap::new(), open: Vec::new(), filename: None }.object(object)
}

/// As [`value`], with another file name in every code object.
///
/// # Errors
/// As for [`value`].
pub(crate) fn value_named(object: Object<'_, '_>, filename: &str) -> Result<Value, LoadError> {
    Loader { known: HashMap::new(), open: Vec::new(), filename: Some(Str::new_value(filename)) }.object(object)
}

struct Loader {
    known: HashMap<NodeId, Value>,
    /// Containers under construction.
    open: Vec<NodeId>,
    /// The file name of every code object, where it is not the one in the file.
    filename: Option<Value>,
}

fn text(text: FileStr<'_>) -> Value {
    let value = match text.as_str() {
        Some(text) => Str::new_value(text),
        None => text.code_points().collect::<StrBuilder>().finish(),
    };
    // As all_name_chars: what looks like a name is interned, so that it is one object everywhere.
    if text.is_interned()
        && let Some(body) = value.exact::<Str>()
    {
        return intern_value(&value, body);
    }
    value
}

fn name_text(name: FileStr<'_>) -> Value {
    let value = text(name);
    match value.exact::<Str>() {
        Some(body) => intern_value(&value, body),
        None => value,
    }
}

fn names(names: Names<'_, '_>) -> Value {
    Tuple::from_vec(names.iter().map(name_text).collect())
}

impl Loader {
    fn object(&mut self, object: Object<'_, '_>) -> Result<Value, LoadError> {
        let object = object.resolve();
        let id = object.id();
        if let Some(known) = self.known.get(&id) {
            return Ok(known.clone());
        }
        if self.open.contains(&id) {
            return Err("a constant that holds itself".to_owned());
        }
        let value = match object.constant() {
            Constant::None => Value::NONE,
            Constant::True => Value::TRUE,
            Constant::False => Value::FALSE,
            Constant::Ellipsis => Value::ELLIPSIS,
            Constant::StopIteration => crate::types::exceptions::STOP_ITERATION.value(),
            Constant::Null => return Err("no object where one is expected".to_owned()),
            Constant::Int(int) => Value::int(int),
            Constant::BigInt(long) => int::big(long.to_bigint()),
            Constant::Float(float) => Value::float(float),
            Constant::Complex(real, imag) => runtime::complex(real, imag)?,
            Constant::Str(string) => text(string),
            Constant::Bytes(bytes) => Bytes::new_value(bytes),
            Constant::Tuple(items) => {
                self.open.push(id);
                let items = items.objects().map(|item| self.object(item)).collect::<Result<Vec<_>, _>>()?;
                self.open.pop();
                Tuple::from_vec(items)
            }
            Constant::FrozenSet(items) => {
                self.open.push(id);
                let items = items.objects().map(|item| self.object(item)).collect::<Result<Vec<_>, _>>()?;
                self.open.pop();
                runtime::frozen_set(items)?
            }
            Constant::Code(code) => {
                self.open.push(id);
                let consts = code.consts().objects().map(|item| self.object(item)).collect::<Result<Vec<_>, _>>()?;
                self.open.pop();
                Code::new_value(Fields {
                    argcount: code.argcount(),
                    posonlyargcount: code.posonlyargcount(),
                    kwonlyargcount: code.kwonlyargcount(),
                    nlocals: code.nlocals(),
                    stacksize: code.stacksize(),
                    flags: code.flags().0,
                    firstlineno: code.firstlineno(),
                    code: Bytes::new_value(code.code()),
                    consts: Tuple::from_vec(consts),
                    names: names(code.names()),
                    varnames: names(code.varnames()),
                    freevars: names(code.freevars()),
                    cellvars: names(code.cellvars()),
                    filename: self.filename.clone().unwrap_or_else(|| text(code.filename())),
                    name: name_text(code.name()),
                    lnotab: Bytes::new_value(code.lnotab()),
                })
            }
            other @ (Constant::List(_) | Constant::Set(_) | Constant::Dict(_)) => {
                return Err(format!("a constant of type {}", other.type_name()));
            }
        };
        self.known.insert(id, value.clone());
        Ok(value)
    }
}
