//! The code objects that the compiler makes.

use crate::compile::constant::Constant;
use std::rc::Rc;

/// A code object, with CPython's fields. Names are WTF-8.
#[derive(Clone, Debug)]
pub struct CodeObject {
    /// `co_argcount`.
    pub argcount: u32,
    /// `co_posonlyargcount`.
    pub posonlyargcount: u32,
    /// `co_kwonlyargcount`.
    pub kwonlyargcount: u32,
    /// `co_nlocals`.
    pub nlocals: u32,
    /// `co_stacksize`.
    pub stacksize: u32,
    /// `co_flags`.
    pub flags: u32,
    /// `co_firstlineno`.
    pub firstlineno: i32,
    /// `co_code`.
    pub code: Vec<u8>,
    /// `co_consts`.
    pub consts: Vec<Constant>,
    /// `co_names`.
    pub names: Vec<Rc<[u8]>>,
    /// `co_varnames`.
    pub varnames: Vec<Rc<[u8]>>,
    /// `co_freevars`.
    pub freevars: Vec<Rc<[u8]>>,
    /// `co_cellvars`.
    pub cellvars: Vec<Rc<[u8]>>,
    /// `co_filename`.
    pub filename: Rc<[u8]>,
    /// `co_name`.
    pub name: Rc<[u8]>,
    /// `co_lnotab`.
    pub lnotab: Vec<u8>,
}
