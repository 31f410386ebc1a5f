//! When two constants are the same one.

use crate::compile::code::CodeObject;
use crate::compile::constant::Constant;
use crate::compile::stack::deeper;
use hashbrown::HashSet;
use num_bigint::BigInt;
use num_traits::FromPrimitive;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

/// A constant that equals another one of the same type and value all the way down: `_PyCode_ConstantKey`.
///
/// NaNs are never the same; code objects are when all that running them shows is the same.
#[derive(Clone, Debug)]
pub struct ConstantKey(pub Constant);

impl PartialEq for ConstantKey {
    fn eq(&self, other: &Self) -> bool {
        same(&self.0, &other.0)
    }
}

impl Eq for ConstantKey {}

impl Hash for ConstantKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(&self.0, state);
    }
}

fn same(a: &Constant, b: &Constant) -> bool {
    match (a, b) {
        (Constant::None, Constant::None) | (Constant::Ellipsis, Constant::Ellipsis) => true,
        (Constant::Bool(a), Constant::Bool(b)) => a == b,
        (Constant::Int(a), Constant::Int(b)) => a == b,
        (Constant::BigInt(a), Constant::BigInt(b)) => a == b,
        (Constant::Float(a), Constant::Float(b)) => same_float(*a, *b),
        (Constant::Complex(a, b), Constant::Complex(c, d)) => same_float(*a, *c) && same_float(*b, *d),
        (Constant::Str(a), Constant::Str(b)) | (Constant::Bytes(a), Constant::Bytes(b)) => a == b,
        (Constant::Tuple(a), Constant::Tuple(b)) => {
            Rc::ptr_eq(a, b) || deeper(|| a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b)))
        }
        (Constant::FrozenSet(a), Constant::FrozenSet(b)) => {
            if a.len() != b.len() {
                return false;
            }
            let a: HashSet<ConstantKey> = a.iter().cloned().map(ConstantKey).collect();
            deeper(|| b.iter().all(|item| a.contains(&ConstantKey(item.clone()))))
        }
        (Constant::Code(a), Constant::Code(b)) => Rc::ptr_eq(a, b) || deeper(|| same_code(a, b)),
        _ => false,
    }
}

fn same_float(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() && !a.is_nan()
}

fn same_code(a: &CodeObject, b: &CodeObject) -> bool {
    a.name == b.name
        && a.argcount == b.argcount
        && a.posonlyargcount == b.posonlyargcount
        && a.kwonlyargcount == b.kwonlyargcount
        && a.nlocals == b.nlocals
        && a.flags == b.flags
        && a.firstlineno == b.firstlineno
        && a.code == b.code
        && a.consts.len() == b.consts.len()
        && a.consts.iter().zip(&b.consts).all(|(a, b)| same(a, b))
        && a.names == b.names
        && a.varnames == b.varnames
        && a.freevars == b.freevars
        && a.cellvars == b.cellvars
}

fn hash<H: Hasher>(constant: &Constant, state: &mut H) {
    std::mem::discriminant(constant).hash(state);
    match constant {
        Constant::None | Constant::Ellipsis => {}
        Constant::Bool(value) => value.hash(state),
        Constant::Int(value) => value.hash(state),
        Constant::BigInt(value) => value.hash(state),
        Constant::Float(value) => value.to_bits().hash(state),
        Constant::Complex(re, im) => (re.to_bits(), im.to_bits()).hash(state),
        Constant::Str(bytes) | Constant::Bytes(bytes) => bytes.hash(state),
        Constant::Tuple(items) => deeper(|| items.iter().for_each(|item| hash(item, state))),
        Constant::FrozenSet(items) => {
            // In whatever order.
            let sum = items.iter().fold(0u64, |sum, item| {
                let mut state = DefaultHasher::new();
                deeper(|| hash(item, &mut state));
                sum.wrapping_add(state.finish())
            });
            (items.len(), sum).hash(state);
        }
        Constant::Code(code) => {
            shallow(code, state);
            // Code within counts without what is within that.
            for constant in &code.consts {
                match constant {
                    Constant::Code(code) => shallow(code, state),
                    constant => hash(constant, state),
                }
            }
        }
    }
}

fn shallow<H: Hasher>(code: &CodeObject, state: &mut H) {
    code.name.hash(state);
    code.firstlineno.hash(state);
    code.code.hash(state);
    code.names.hash(state);
}

/// A constant that is the [`ConstantKey`] of all constants that equal it in Python: numbers of any type.
pub fn equality_key(constant: &Constant) -> ConstantKey {
    ConstantKey(match constant {
        Constant::Bool(value) => Constant::Int(i64::from(*value)),
        Constant::Float(value) => whole(*value),
        Constant::Complex(re, 0.0) => whole(*re),
        Constant::Tuple(items) => deeper(|| Constant::Tuple(items.iter().map(|item| equality_key(item).0).collect())),
        other => other.clone(),
    })
}

fn whole(value: f64) -> Constant {
    if value.fract() == 0.0
        && let Some(int) = BigInt::from_f64(value)
    {
        return Constant::from(int);
    }
    Constant::Float(value)
}
