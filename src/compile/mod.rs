//! Python 3.8 source text to 3.8 code objects, equal to CPython's in every field.
//!
//! Source bytes go through the parser to the tree of [`ast`]; the symbol table, the optimiser, the code generator and the
//! peephole pass make a [`code::CodeObject`] of it. Everything up to there is plain Rust data: no value of the virtual
//! machine is touched, and nothing but the builtins, `_ast`, `_symtable` and the command line depends on this module.

pub mod ast;
pub mod code;
pub mod constant;
pub mod error;
pub mod parse;
pub mod symbol;
