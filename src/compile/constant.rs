//! Constants of source text and of code objects.

use crate::compile::code::CodeObject;
use num_bigint::BigInt;
use std::rc::Rc;

/// A constant.
///
/// Two constants are one entry of `co_consts` when they have the same type and value all the way down, with -0.0 and 0.0
/// told apart (`_PyCode_ConstantKey`); that is not what `PartialEq` would say, so there is none.
#[derive(Clone, Debug)]
pub enum Constant {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// `...`.
    Ellipsis,
    /// An int that fits.
    Int(i64),
    /// Any other int.
    BigInt(Rc<BigInt>),
    /// A float.
    Float(f64),
    /// A complex number: real part, imaginary part.
    Complex(f64, f64),
    /// Text, in WTF-8: UTF-8 that may hold lone surrogates.
    Str(Rc<[u8]>),
    /// Bytes.
    Bytes(Rc<[u8]>),
    /// A tuple of constants.
    Tuple(Rc<[Constant]>),
    /// A frozenset of constants, in the order of the source.
    FrozenSet(Rc<[Constant]>),
    /// A code object; in `co_consts` only.
    Code(Rc<CodeObject>),
}

impl From<BigInt> for Constant {
    fn from(value: BigInt) -> Self {
        match i64::try_from(&value) {
            Ok(value) => Constant::Int(value),
            Err(_) => Constant::BigInt(Rc::new(value)),
        }
    }
}

impl Constant {
    /// Text.
    pub fn text(text: &str) -> Self {
        Constant::Str(text.as_bytes().into())
    }

    /// Whether it counts as true.
    pub fn is_true(&self) -> bool {
        match self {
            Constant::None => false,
            Constant::Bool(value) => *value,
            Constant::Int(value) => *value != 0,
            Constant::Float(value) => *value != 0.0,
            Constant::Complex(re, im) => *re != 0.0 || *im != 0.0,
            Constant::Str(bytes) | Constant::Bytes(bytes) => !bytes.is_empty(),
            Constant::Tuple(items) | Constant::FrozenSet(items) => !items.is_empty(),
            Constant::Ellipsis | Constant::BigInt(_) | Constant::Code(_) => true,
        }
    }

    /// The name of its type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Constant::None => "NoneType",
            Constant::Bool(_) => "bool",
            Constant::Ellipsis => "ellipsis",
            Constant::Int(_) | Constant::BigInt(_) => "int",
            Constant::Float(_) => "float",
            Constant::Complex(..) => "complex",
            Constant::Str(_) => "str",
            Constant::Bytes(_) => "bytes",
            Constant::Tuple(_) => "tuple",
            Constant::FrozenSet(_) => "frozenset",
            Constant::Code(_) => "code",
        }
    }
}
