//! From what blocks do with names to the scopes of the names.
//!
//! CPython hands each block copies of the sets of names that are bound or declared global around it. Here one state per
//! name is kept while going down, and what a block changed is put back when it is left, which is the same in linear time.

use super::{
    Block, BlockId, BlockKind, DEF_BOUND, DEF_FREE_CLASS, DEF_GLOBAL, DEF_NONLOCAL, SCOPE_OFFSET, Scope, SymbolTable,
};
use crate::compile::error::CompileError;
use crate::compile::stack::deeper;
use crate::compile::symbol::{Symbol, Symbols};
use hashbrown::HashSet;

/// What a name is to the blocks within.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    /// Nothing that is known.
    Unknown,
    /// Bound by an enclosing function.
    Bound,
    /// Declared global by an enclosing block.
    Global,
}

struct Analysis<'a> {
    blocks: &'a mut [Block],
    symbols: &'a Symbols,
    class: Symbol,
    around: Vec<Around>,
    /// What the blocks that are open have changed, to be put back.
    changed: Vec<(Symbol, Around)>,
}

pub(super) fn analyze(table: &mut SymbolTable, symbols: &mut Symbols) -> Result<(), CompileError> {
    let class = symbols.intern("__class__");
    let around = vec![Around::Unknown; symbols.len()];
    let mut analysis = Analysis { blocks: &mut table.blocks, symbols, class, around, changed: Vec::new() };
    analysis.block(BlockId(0)).map(|_| ())
}

impl Analysis<'_> {
    fn set(&mut self, name: Symbol, state: Around) {
        if let Some(place) = self.around.get_mut(name.index())
            && *place != state
        {
            self.changed.push((name, *place));
            *place = state;
        }
    }

    fn get(&self, name: Symbol) -> Around {
        self.around.get(name.index()).copied().unwrap_or(Around::Unknown)
    }

    /// Analyzes a block and those in it; returns the names that are free in it.
    fn block(&mut self, id: BlockId) -> Result<HashSet<Symbol>, CompileError> {
        let at = id.0 as usize;
        let mark = self.changed.len();
        let kind = self.blocks[at].kind;
        let mut free = HashSet::new();
        for position in 0..self.blocks[at].symbols.entries.len() {
            let (name, flags) = self.blocks[at].symbols.entries[position];
            let scope = self.scope(at, name, flags, &mut free)?;
            self.blocks[at].symbols.entries[position].1 = flags | ((scope as u32) << SCOPE_OFFSET);
        }
        if kind == BlockKind::Class {
            self.set(self.class, Around::Bound);
        }
        let mut below = HashSet::new();
        for child in 0..self.blocks[at].children.len() {
            let child = self.blocks[at].children[child];
            let names = deeper(|| self.block(child))?;
            if below.is_empty() {
                below = names;
            } else {
                below.extend(names);
            }
        }
        match kind {
            BlockKind::Function if !below.is_empty() => {
                for entry in &mut self.blocks[at].symbols.entries {
                    if entry.1 >> SCOPE_OFFSET == Scope::Local as u32 && below.remove(&entry.0) {
                        entry.1 = (entry.1 & ((1 << SCOPE_OFFSET) - 1)) | ((Scope::Cell as u32) << SCOPE_OFFSET);
                    }
                }
            }
            BlockKind::Class if below.remove(&self.class) => self.blocks[at].needs_class_closure = true,
            _ => {}
        }
        if kind == BlockKind::Class {
            self.put_back(mark);
        }
        let mut names: Vec<Symbol> = below.iter().copied().collect();
        names.sort_unstable();
        for name in names {
            let symbols = &mut self.blocks[at].symbols;
            let flags = symbols.get(name);
            if flags == 0 {
                if self.get(name) == Around::Bound || kind == BlockKind::Module {
                    self.blocks[at].symbols.set(name, (Scope::Free as u32) << SCOPE_OFFSET);
                }
            } else if kind == BlockKind::Class && flags & (DEF_BOUND | DEF_GLOBAL) != 0 {
                // A name that methods use and the class itself binds.
                symbols.set(name, flags | DEF_FREE_CLASS);
            }
        }
        self.put_back(mark);
        free.extend(below);
        Ok(free)
    }

    fn put_back(&mut self, mark: usize) {
        for (name, state) in self.changed.drain(mark.min(self.changed.len())..).rev() {
            if let Some(place) = self.around.get_mut(name.index()) {
                *place = state;
            }
        }
    }

    fn scope(
        &mut self,
        at: usize,
        name: Symbol,
        flags: u32,
        free: &mut HashSet<Symbol>,
    ) -> Result<Scope, CompileError> {
        let kind = self.blocks[at].kind;
        // What a class does with names is not seen in its methods.
        let seen = kind != BlockKind::Class;
        if flags & DEF_GLOBAL != 0 {
            if flags & DEF_NONLOCAL != 0 {
                return Err(self.error(at, name, format!("name '{}' is nonlocal and global", self.symbols.text(name))));
            }
            if seen {
                self.set(name, Around::Global);
            }
            return Ok(Scope::GlobalExplicit);
        }
        if flags & DEF_NONLOCAL != 0 {
            if kind == BlockKind::Module {
                return Err(self.error(at, name, "nonlocal declaration not allowed at module level".to_string()));
            }
            if self.get(name) != Around::Bound {
                let text = format!("no binding for nonlocal '{}' found", self.symbols.text(name));
                return Err(self.error(at, name, text));
            }
            free.insert(name);
            return Ok(Scope::Free);
        }
        if flags & DEF_BOUND != 0 {
            match kind {
                BlockKind::Function => self.set(name, Around::Bound),
                BlockKind::Module => self.set(name, Around::Unknown),
                BlockKind::Class => {}
            }
            return Ok(Scope::Local);
        }
        match self.get(name) {
            Around::Bound if kind != BlockKind::Module => {
                free.insert(name);
                Ok(Scope::Free)
            }
            _ => Ok(Scope::GlobalImplicit),
        }
    }

    /// A `SyntaxError` where the block declares the name.
    fn error(&self, at: usize, name: Symbol, message: String) -> CompileError {
        match self.blocks[at].directives.iter().find(|directive| directive.0 == name) {
            Some(&(_, line, col)) => CompileError::placed(message, line, col.saturating_add(1)),
            None => CompileError::plain(
                crate::compile::error::ErrorKind::System,
                "BUG: internal directive bookkeeping broken",
            ),
        }
    }
}
