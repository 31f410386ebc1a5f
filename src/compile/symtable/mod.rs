//! The symbol table: which scope every name of every block belongs to.
//!
//! A first pass over the tree ([`visit`]) collects what each block does with each name; a second one over the blocks
//! ([`analyze`]) decides from that what is local, cell, free or global. Blocks, flags and their numbers are those of
//! CPython's `symtable.c`, as the module `_symtable` shows them.

mod analyze;
mod visit;

use crate::compile::ast::Mod;
use crate::compile::error::CompileError;
use crate::compile::symbol::{Symbol, Symbols};
use hashbrown::HashMap;

/// The name is declared `global` in the block.
pub const DEF_GLOBAL: u32 = 1;
/// It is bound in the block.
pub const DEF_LOCAL: u32 = 2;
/// It is a parameter.
pub const DEF_PARAM: u32 = 4;
/// It is declared `nonlocal`.
pub const DEF_NONLOCAL: u32 = 8;
/// It is used.
pub const USE: u32 = 16;
/// In a class: it is bound here, and free in a method.
pub const DEF_FREE_CLASS: u32 = 64;
/// It is bound by an import.
pub const DEF_IMPORT: u32 = 128;
/// It is annotated.
pub const DEF_ANNOT: u32 = 256;
/// It is the iteration variable of a comprehension.
pub const DEF_COMP_ITER: u32 = 512;
/// It is bound in one way or another.
pub const DEF_BOUND: u32 = DEF_LOCAL | DEF_PARAM | DEF_IMPORT;
/// Where the scope begins in a name's flags.
pub const SCOPE_OFFSET: u32 = 11;
const SCOPE_MASK: u32 = 15;

/// Where a name of a block lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Scope {
    /// In the block.
    Local = 1,
    /// Among the globals, since it is declared so.
    GlobalExplicit = 2,
    /// Among the globals, since no enclosing function has it.
    GlobalImplicit = 3,
    /// In an enclosing function.
    Free = 4,
    /// In the block, for enclosed functions to see.
    Cell = 5,
}

/// The kind of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// A function, lambda or comprehension.
    Function,
    /// The body of a class.
    Class,
    /// The outermost block.
    Module,
}

/// The number of a block in its [`SymbolTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockId(u32);

/// The names of a block with their flags, in the order in which they were met.
#[derive(Debug, Default)]
pub struct NameFlags {
    entries: Vec<(Symbol, u32)>,
    /// Where a name is in `entries`, once there are many.
    index: HashMap<Symbol, u32>,
}

/// Up to this many names are looked for one by one.
const FEW: usize = 12;

impl NameFlags {
    fn position(&self, name: Symbol) -> Option<usize> {
        if self.entries.len() <= FEW {
            self.entries.iter().position(|entry| entry.0 == name)
        } else {
            self.index.get(&name).map(|&at| at as usize)
        }
    }

    /// The flags of a name; 0 if the block does not know it.
    pub fn get(&self, name: Symbol) -> u32 {
        self.position(name).and_then(|at| self.entries.get(at)).map_or(0, |entry| entry.1)
    }

    fn set(&mut self, name: Symbol, flags: u32) {
        match self.position(name).and_then(|at| self.entries.get_mut(at)) {
            Some(entry) => entry.1 = flags,
            None => {
                self.entries.push((name, flags));
                let len = self.entries.len();
                if len == FEW + 1 {
                    self.index = (0..).zip(&self.entries).map(|(at, entry)| (entry.0, at)).collect();
                } else if len > FEW {
                    self.index.insert(name, (len - 1) as u32);
                }
            }
        }
    }

    /// The names and their flags.
    pub fn iter(&self) -> impl Iterator<Item = (Symbol, u32)> + '_ {
        self.entries.iter().copied()
    }
}

/// A block: a module, class body, function, lambda or comprehension.
#[derive(Debug)]
pub struct Block {
    /// The name of the function or class, `top`, `lambda`, `listcomp`, `setcomp`, `dictcomp` or `genexpr`.
    pub name: Symbol,
    /// Its kind.
    pub kind: BlockKind,
    /// What it does with names, and their scopes from [`SCOPE_OFFSET`] on.
    pub symbols: NameFlags,
    /// The parameters.
    pub varnames: Vec<Symbol>,
    /// The blocks in it.
    pub children: Vec<BlockId>,
    /// Where names are declared `global` or `nonlocal`.
    directives: Vec<(Symbol, i32, i32)>,
    /// Whether it is in a function.
    pub nested: bool,
    /// Whether it is a generator.
    pub generator: bool,
    /// Whether it is a coroutine.
    pub coroutine: bool,
    /// Whether it is a comprehension.
    pub comprehension: bool,
    /// Whether it has `*args`.
    pub varargs: bool,
    /// Whether it has `**kwargs`.
    pub varkeywords: bool,
    /// Whether it returns a value.
    pub returns_value: bool,
    /// A class: whether a method uses `__class__` or `super`.
    pub needs_class_closure: bool,
    comp_iter_target: bool,
    comp_iter_expr: u32,
    /// The line at which it begins.
    pub line: i32,
    col: i32,
}

impl Block {
    /// The scope of a name; `None` if the block does not know it.
    pub fn scope(&self, name: Symbol) -> Option<Scope> {
        match (self.symbols.get(name) >> SCOPE_OFFSET) & SCOPE_MASK {
            1 => Some(Scope::Local),
            2 => Some(Scope::GlobalExplicit),
            3 => Some(Scope::GlobalImplicit),
            4 => Some(Scope::Free),
            5 => Some(Scope::Cell),
            _ => None,
        }
    }
}

/// The symbol table of a tree.
#[derive(Debug)]
pub struct SymbolTable {
    blocks: Vec<Block>,
    /// The blocks of functions and classes, lambdas and comprehensions, by the address of their node.
    by_node: HashMap<usize, BlockId>,
}

/// How deep a tree may be nested.
#[derive(Clone, Copy, Debug)]
pub struct RecursionLimit {
    /// How deep the interpreter's recursion is when compiling begins.
    pub depth: usize,
    /// The interpreter's recursion limit.
    pub limit: usize,
}

impl Default for RecursionLimit {
    fn default() -> Self {
        RecursionLimit { depth: 1, limit: 1000 }
    }
}

/// The key of a node.
fn key<T>(node: &T) -> usize {
    std::ptr::from_ref(node) as usize
}

impl SymbolTable {
    /// The symbol table of a tree, whose nodes must stay where they are as long as it is used.
    ///
    /// # Errors
    /// `SyntaxError` for what the rules of scopes forbid, `RecursionError` for a tree nested too deeply.
    pub fn build(root: &Mod, symbols: &mut Symbols, recursion: RecursionLimit) -> Result<SymbolTable, CompileError> {
        let mut table = visit::collect(root, symbols, recursion)?;
        analyze::analyze(&mut table, symbols)?;
        Ok(table)
    }

    /// A block.
    pub fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id.0 as usize]
    }

    /// A block, to be changed.
    pub fn block_mut(&mut self, id: BlockId) -> &mut Block {
        &mut self.blocks[id.0 as usize]
    }

    /// The outermost block.
    pub fn top(&self) -> BlockId {
        BlockId(0)
    }

    /// The block of a node: a [`FunctionDef`](crate::compile::ast::FunctionDef), [`ClassDef`](crate::compile::ast::ClassDef), or the expression that is a
    /// lambda or comprehension.
    pub fn block_of<T>(&self, node: &T) -> Option<BlockId> {
        self.by_node.get(&key(node)).copied()
    }
}
