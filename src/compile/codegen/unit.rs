//! A code object in the making.

use crate::compile::constant::Constant;
use crate::compile::constant_key::ConstantKey;
use crate::compile::symbol::Symbol;
use crate::compile::symtable::BlockId;
use crate::pyc::opcode::Opcode;
use hashbrown::HashMap;
use std::rc::Rc;

/// The number of a basic block in its [`Unit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(pub u32);

/// An instruction; jumps have a target instead of an argument until the code is assembled.
#[derive(Clone, Copy, Debug)]
pub struct Instr {
    /// What it does.
    pub op: Opcode,
    /// Its argument.
    pub arg: u32,
    /// Where it jumps.
    pub target: Option<Label>,
    /// The line that begins with it; 0 if none does.
    pub line: i32,
}

/// A basic block: instructions that are entered at the first one.
#[derive(Debug, Default)]
pub struct BasicBlock {
    /// Its instructions.
    pub instrs: Vec<Instr>,
    /// The block that control falls into at its end.
    pub next: Option<Label>,
    /// Whether it has a `RETURN_VALUE`.
    pub returns: bool,
}

/// What a frame block is for: what `return`, `break` and `continue` have to undo when they leave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameBlockKind {
    /// `while`.
    WhileLoop,
    /// `for`: the iterator is on the stack.
    ForLoop,
    /// `try` with `except`.
    Except,
    /// `try` with `finally`.
    FinallyTry,
    /// The same, when its `finally` leaves by `return`, `break` or `continue`: there is a placeholder on the stack.
    FinallyTryPlaceholder,
    /// The body of `finally`.
    FinallyEnd,
    /// `with`.
    With,
    /// `async with`.
    AsyncWith,
    /// The body of `except`.
    HandlerCleanup,
}

/// A frame block that is open.
#[derive(Clone, Copy, Debug)]
pub struct FrameBlock {
    /// What it is for.
    pub kind: FrameBlockKind,
    /// Where it begins.
    pub block: Option<Label>,
    /// Where it is left to.
    pub exit: Option<Label>,
}

/// What kind of scope a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ScopeKind {
    Module,
    Class,
    Function,
    AsyncFunction,
    Lambda,
    Comprehension,
}

/// Names with their index in `co_names` and the like.
#[derive(Debug, Default)]
pub struct NameTable {
    /// The names by index.
    pub names: Vec<Symbol>,
    index: HashMap<Symbol, u32>,
    /// What the indexes begin with.
    offset: u32,
}

/// Up to this many names are looked for one by one.
const FEW: usize = 8;

impl NameTable {
    /// A table of these names, their indexes counted from `offset`.
    pub fn new(names: Vec<Symbol>, offset: usize) -> Self {
        let offset = offset as u32;
        let index =
            if names.len() > FEW { (0..).zip(&names).map(|(at, &name)| (name, at)).collect() } else { HashMap::new() };
        NameTable { names, index, offset }
    }

    /// The index of a name.
    pub fn get(&self, name: Symbol) -> Option<u32> {
        let at = if self.names.len() <= FEW {
            self.names.iter().position(|&known| known == name).map(|at| at as u32)
        } else {
            self.index.get(&name).copied()
        };
        at.map(|at| at + self.offset)
    }

    /// The index of a name, which is added if it is new.
    pub fn add(&mut self, name: Symbol) -> u32 {
        if let Some(at) = self.get(name) {
            return at;
        }
        self.names.push(name);
        let len = self.names.len();
        if len == FEW + 1 {
            self.index = (0..).zip(&self.names).map(|(at, &name)| (name, at)).collect();
        } else if len > FEW {
            self.index.insert(name, (len - 1) as u32);
        }
        (len - 1) as u32 + self.offset
    }
}

/// A constant of a whole compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConstantId(u32);

/// All constants of a compilation: equal ones become one object (`merge_consts_recursive`).
#[derive(Debug, Default)]
pub struct ConstantCache {
    known: HashMap<ConstantKey, ConstantId>,
    ints: HashMap<i64, ConstantId>,
    none: Option<ConstantId>,
    all: Vec<Constant>,
}

impl ConstantCache {
    /// The one constant that stands for all that are the same as this one.
    pub fn merge(&mut self, constant: &Constant) -> ConstantId {
        match constant {
            Constant::None => {
                if let Some(id) = self.none {
                    return id;
                }
                let id = self.push(Constant::None);
                self.none = Some(id);
                return id;
            }
            Constant::Int(value) => {
                if let Some(&id) = self.ints.get(value) {
                    return id;
                }
                let id = self.push(Constant::Int(*value));
                self.ints.insert(*value, id);
                return id;
            }
            _ => {}
        }
        let key = ConstantKey(constant.clone());
        if let Some(&id) = self.known.get(&key) {
            return id;
        }
        let id = self.push(constant.clone());
        self.known.insert(key, id);
        let merged = crate::compile::stack::deeper(|| match constant {
            Constant::Tuple(items) if !items.is_empty() => Some(Constant::Tuple(self.items(items))),
            Constant::FrozenSet(items) if !items.is_empty() => Some(Constant::FrozenSet(self.items(items))),
            _ => None,
        });
        if let (Some(merged), Some(place)) = (merged, self.all.get_mut(id.0 as usize)) {
            *place = merged;
        }
        id
    }

    fn items(&mut self, items: &[Constant]) -> Rc<[Constant]> {
        items
            .iter()
            .map(|item| {
                let id = self.merge(item);
                self.get(id)
            })
            .collect()
    }

    fn push(&mut self, constant: Constant) -> ConstantId {
        let id = ConstantId(self.all.len() as u32);
        self.all.push(constant);
        id
    }

    /// The constant of an id.
    pub fn get(&self, id: ConstantId) -> Constant {
        self.all.get(id.0 as usize).cloned().unwrap_or(Constant::None)
    }
}

/// A code object in the making.
#[derive(Debug)]
pub struct Unit {
    /// Its block of the symbol table.
    pub block: BlockId,
    /// `co_name`.
    pub name: Symbol,
    /// The qualified name, in WTF-8.
    pub qualname: Rc<[u8]>,
    /// What kind of scope it is.
    pub scope: ScopeKind,
    /// `co_consts`.
    pub consts: Vec<ConstantId>,
    const_index: HashMap<ConstantId, u32>,
    /// `co_names`.
    pub names: NameTable,
    /// `co_varnames`.
    pub varnames: NameTable,
    /// `co_cellvars`.
    pub cellvars: NameTable,
    /// `co_freevars`, counted after the cells.
    pub freevars: NameTable,
    /// The name of the innermost class.
    pub private: Option<Symbol>,
    /// How many arguments it has, those that are positional only or keyword only left out.
    pub argcount: usize,
    /// How many of them are positional only.
    pub posonlyargcount: usize,
    /// How many are keyword only.
    pub kwonlyargcount: usize,
    /// The basic blocks, the first one being the entry.
    pub blocks: Vec<BasicBlock>,
    /// The block that instructions are added to.
    pub current: Label,
    /// The frame blocks that are open.
    pub frame_blocks: Vec<FrameBlock>,
    /// `co_firstlineno`; 0 to take that of the first instruction.
    pub first_line: i32,
    /// The line of what is being compiled.
    pub line: i32,
    /// Its column.
    pub col: i32,
    /// Whether an instruction has been given that line.
    pub line_set: bool,
    /// Room for instructions that other units have done with.
    spare: Vec<Vec<Instr>>,
}

/// No more room than for so many blocks is kept.
const MAX_SPARE: usize = 1024;

impl Unit {
    /// An empty unit.
    pub fn new(block: BlockId, name: Symbol, scope: ScopeKind, first_line: i32) -> Self {
        Unit {
            block,
            name,
            qualname: Rc::from([].as_slice()),
            scope,
            consts: Vec::new(),
            const_index: HashMap::new(),
            names: NameTable::default(),
            varnames: NameTable::default(),
            cellvars: NameTable::default(),
            freevars: NameTable::default(),
            private: None,
            argcount: 0,
            posonlyargcount: 0,
            kwonlyargcount: 0,
            blocks: vec![BasicBlock::default()],
            current: Label(0),
            frame_blocks: Vec::new(),
            first_line,
            line: 0,
            col: 0,
            line_set: false,
            spare: Vec::new(),
        }
    }

    /// Takes the room over that a unit which has ended, or one that waits, had for instructions.
    pub fn take_spare(&mut self, other: &mut Unit) {
        self.spare = std::mem::take(&mut other.spare);
    }

    /// Keeps the room that the blocks of an ended unit had.
    pub fn recycle(&mut self) {
        for mut block in self.blocks.drain(..) {
            if self.spare.len() < MAX_SPARE && block.instrs.capacity() > 0 {
                block.instrs.clear();
                self.spare.push(block.instrs);
            }
        }
    }

    /// The index of a constant in `co_consts`.
    pub fn constant(&mut self, id: ConstantId) -> u32 {
        if self.consts.len() <= FEW {
            if let Some(at) = self.consts.iter().position(|&known| known == id) {
                return at as u32;
            }
        } else if let Some(&at) = self.const_index.get(&id) {
            return at;
        }
        self.consts.push(id);
        let len = self.consts.len();
        if len == FEW + 1 {
            self.const_index = (0..).zip(&self.consts).map(|(at, &id)| (id, at)).collect();
        } else if len > FEW {
            self.const_index.insert(id, (len - 1) as u32);
        }
        (len - 1) as u32
    }

    /// A new block, which nothing leads to yet.
    pub fn new_block(&mut self) -> Label {
        let instrs = self.spare.pop().unwrap_or_default();
        self.blocks.push(BasicBlock { instrs, next: None, returns: false });
        Label((self.blocks.len() - 1) as u32)
    }

    /// A block.
    pub fn block_mut(&mut self, label: Label) -> &mut BasicBlock {
        &mut self.blocks[label.0 as usize]
    }

    /// Goes on in a block, which follows the current one.
    pub fn use_next_block(&mut self, label: Label) {
        let current = self.current;
        self.block_mut(current).next = Some(label);
        self.current = label;
    }

    /// Goes on in a new block.
    pub fn next_block(&mut self) {
        let label = self.new_block();
        self.use_next_block(label);
    }

    /// Adds an instruction.
    pub fn emit(&mut self, op: Opcode, arg: u32, target: Option<Label>) {
        let line = if self.line_set { 0 } else { self.line };
        self.line_set = true;
        let current = self.current;
        let block = self.block_mut(current);
        block.instrs.push(Instr { op, arg, target, line });
        block.returns |= op == Opcode::ReturnValue;
    }
}
