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
