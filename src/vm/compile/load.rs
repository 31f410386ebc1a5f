//! From the compiler's code objects to those that run.

use crate::compile::code::CodeObject;
use crate::compile::constant::Constant;
use crate::compile::marshal::looks_like_name;
use crate::modules::ast::text_value as text;
use crate::object::value::Value;
use crate::types::bytes::Bytes;
use crate::types::code::{Code, Fields};
use crate::types::complex;
use crate::types::int;
use crate::types::set;
use crate::types::str::{Str, intern_value};
use crate::types::tuple::Tuple;
use hashbrown::HashMap;
use std::rc::Rc;

/// The code object as a value. What is one object in it stays one.
pub fn code(code: &CodeObject) -> Value {
    Loader { known: HashMap::new() }.code(code)
}

fn name(bytes: &[u8]) -> Value {
    let value = text(bytes);
    match value.exact::<Str>() {
        Some(body) => intern_value(&value, body),
        None => value,
    }
}

fn names(names: &[Rc<[u8]>]) -> Value {
    Tuple::from_vec(names.iter().map(|bytes| name(bytes)).collect())
}

struct Loader {
    /// The values of shared constants, by address.
    known: HashMap<usize, Value>,
}

impl Loader {
    fn code(&mut self, code: &CodeObject) -> Value {
        Code::new_value(Fields {
            argcount: code.argcount,
            posonlyargcount: code.posonlyargcount,
            kwonlyargcount: code.kwonlyargcount,
            nlocals: code.nlocals,
            stacksize: code.stacksize,
            flags: code.flags,
            firstlineno: code.firstlineno,
            code: Bytes::new_value(&code.code),
            consts: Tuple::from_vec(self.constants(&code.consts)),
            names: names(&code.names),
            varnames: names(&code.varnames),
            freevars: names(&code.freevars),
            cellvars: names(&code.cellvars),
            filename: self.shared(&code.filename, |_, bytes| text(bytes)),
            name: name(&code.name),
            lnotab: Bytes::new_value(&code.lnotab),
        })
    }

    fn constants(&mut self, constants: &[Constant]) -> Vec<Value> {
        constants.iter().map(|constant| self.constant(constant)).collect()
    }

    fn shared<T: ?Sized>(&mut self, object: &Rc<T>, make: impl FnOnce(&mut Self, &T) -> Value) -> Value {
        let address = Rc::as_ptr(object).cast::<u8>() as usize;
        if let Some(known) = self.known.get(&address) {
            return known.clone();
        }
        let value = make(self, object);
        self.known.insert(address, value.clone());
        value
    }

    fn constant(&mut self, constant: &Constant) -> Value {
        match constant {
            Constant::None => Value::NONE,
            Constant::Bool(value) => Value::bool(*value),
            Constant::Ellipsis => Value::ELLIPSIS,
            Constant::Int(value) => Value::int(*value),
            Constant::BigInt(value) => self.shared(value, |_, value| int::big(value.clone())),
            Constant::Float(value) => Value::float(*value),
            Constant::Complex(re, im) => complex::new_value(*re, *im),
            Constant::Str(bytes) if looks_like_name(bytes) => name(bytes),
            Constant::Str(bytes) => self.shared(bytes, |_, bytes| text(bytes)),
            Constant::Bytes(bytes) => self.shared(bytes, |_, bytes| Bytes::new_value(bytes)),
            Constant::Tuple(items) => {
                self.shared(items, |this, items| Tuple::from_vec(crate::compile::deeper(|| this.constants(items))))
            }
            Constant::FrozenSet(items) => self.shared(items, |this, items| {
                let items = crate::compile::deeper(|| this.constants(items));
                // Made twice, as CPython does when it merges constants: that settles the order. Constants are hashable.
                let made = set::frozenset_of(&items).and_then(|made| {
                    let items = crate::object::iter::collect(&made)?;
                    if items.is_empty() { Ok(made) } else { set::frozenset_of(&items) }
                });
                made.unwrap_or(Value::NONE)
            }),
            Constant::Code(code) => self.shared(code, |this, code| this.code(code)),
        }
    }
}
