//! Python 3.8 source text to 3.8 code objects, equal to CPython's in every field.
//!
//! Source bytes go through the parser to the tree of [`ast`]; the symbol table, the optimiser, the code generator and the
//! peephole pass make a [`code::CodeObject`] of it. Everything up to there is plain Rust data: no value of the virtual
//! machine is touched, and nothing but the builtins, `_ast`, `_symtable` and the command line depends on this module.

mod assemble;
pub mod ast;
pub mod code;
mod codegen;
pub mod constant;
mod constant_key;
pub mod error;
pub mod flags;
mod fold;
pub mod future;
mod mangle;
pub mod marshal;
mod optimize;
pub mod parse;
mod peephole;
mod stack;
pub mod symbol;
pub mod symtable;
mod unparse;

use ast::Tree;
use code::CodeObject;
use error::{CompileError, CompileWarning};
use future::Future;
pub(crate) use stack::deeper;
use symtable::{RecursionLimit, SymbolTable};

/// How to compile a tree.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// `co_filename`, in WTF-8.
    pub filename: &'a [u8],
    /// The flags of [`flags`]: future features that hold already, and `ALLOW_TOP_LEVEL_AWAIT`.
    pub flags: u32,
    /// 0, 1 (no assertions) or 2 (no docstrings either).
    pub optimize: u8,
    /// How deep the tree may be nested.
    pub recursion: RecursionLimit,
}

/// Compiles a tree. Warnings are added to `warnings` in the order in which CPython issues them, also when it fails.
///
/// # Errors
/// The exception that CPython's compiler raises.
pub fn compile_tree(
    tree: Tree,
    options: Options<'_>,
    warnings: &mut Vec<CompileWarning>,
) -> Result<CodeObject, CompileError> {
    let mut tree = tree;
    let Tree { root, symbols } = &mut tree;
    let mut future = Future::of(root, symbols)?;
    future.features |= options.flags & flags::FUTURE;
    optimize::optimize(root, symbols, options.optimize);
    let mut table = SymbolTable::build(root, symbols, options.recursion)?;
    let settings =
        codegen::Settings { flags: options.flags, optimize: options.optimize, filename: options.filename.into() };
    codegen::generate(root, symbols, &mut table, future, settings, warnings)
}
