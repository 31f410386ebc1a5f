//! The code generator: from a tree and its symbol table to code objects. As CPython 3.8's `compile.c`, whose order of
//! blocks, names and constants it keeps.

mod checks;
mod expr;
mod function;
mod stmt;
pub mod unit;

use crate::compile::ast::{Expr, Mod, Stmt};
use crate::compile::code::CodeObject;
use crate::compile::constant::Constant;
use crate::compile::error::{CompileError, CompileWarning, ErrorKind};
use crate::compile::flags;
use crate::compile::future::Future;
use crate::compile::mangle::mangle;
use crate::compile::optimize::docstring;
use crate::compile::symbol::{Symbol, Symbols};
use crate::compile::symtable::{BlockId, BlockKind, DEF_FREE_CLASS, Scope, SymbolTable};
use crate::pyc::opcode::Opcode;
use std::rc::Rc;
use unit::{ConstantCache, FrameBlock, FrameBlockKind, Label, NameTable, ScopeKind, Unit};

/// The outcome of compiling a node.
type Done = Result<(), CompileError>;

/// How deep loops, `try` and `with` may be nested.
const MAX_BLOCKS: usize = 20;

/// The state of a compilation.
pub struct Compiler<'a> {
    symbols: &'a mut Symbols,
    table: &'a mut SymbolTable,
    future: Future,
    flags: u32,
    optimize: u8,
    filename: Rc<[u8]>,
    warnings: &'a mut Vec<CompileWarning>,
    interactive: bool,
    /// Code that can never run is compiled for its errors only while this is not zero.
    silent: u32,
    constants: ConstantCache,
    unit: Unit,
    /// The units around, outermost first.
    outer: Vec<Unit>,
    known: Known,
}

/// Names that the compiler itself uses.
struct Known {
    doc: Symbol,
    annotations: Symbol,
    name: Symbol,
    module: Symbol,
    qualname: Symbol,
    class: Symbol,
    classcell: Symbol,
    return_: Symbol,
    assertion_error: Symbol,
    empty: Symbol,
    lambda: Symbol,
    genexpr: Symbol,
    listcomp: Symbol,
    setcomp: Symbol,
    dictcomp: Symbol,
}

/// What a compilation is given besides the tree.
pub struct Settings {
    /// `PyCF_*` and future flags.
    pub flags: u32,
    /// 0, 1 or 2.
    pub optimize: u8,
    /// `co_filename`.
    pub filename: Rc<[u8]>,
}

/// The code object of a tree.
///
/// # Errors
/// `SyntaxError` for what the compiler finds wrong; `SystemError` for trees that no source text has.
pub fn generate(
    root: &Mod,
    symbols: &mut Symbols,
    table: &mut SymbolTable,
    future: Future,
    settings: Settings,
    warnings: &mut Vec<CompileWarning>,
) -> Result<CodeObject, CompileError> {
    let known = Known {
        doc: symbols.intern("__doc__"),
        annotations: symbols.intern("__annotations__"),
        name: symbols.intern("__name__"),
        module: symbols.intern("__module__"),
        qualname: symbols.intern("__qualname__"),
        class: symbols.intern("__class__"),
        classcell: symbols.intern("__classcell__"),
        return_: symbols.intern("return"),
        assertion_error: symbols.intern("AssertionError"),
        empty: symbols.intern(""),
        lambda: symbols.intern("<lambda>"),
        genexpr: symbols.intern("<genexpr>"),
        listcomp: symbols.intern("<listcomp>"),
        setcomp: symbols.intern("<setcomp>"),
        dictcomp: symbols.intern("<dictcomp>"),
    };
    let module = symbols.intern("<module>");
    let top = table.top();
    let unit = Unit::new(top, module, ScopeKind::Module, 0);
    let mut compiler = Compiler {
        symbols,
        table,
        future,
        flags: settings.flags,
        optimize: settings.optimize,
        filename: settings.filename,
        warnings,
        interactive: false,
        silent: 0,
        constants: ConstantCache::default(),
        unit,
        outer: Vec::new(),
        known,
    };
    compiler.open_unit();
    compiler.root(root)
}

impl Compiler<'_> {
    fn root(&mut self, root: &Mod) -> Result<CodeObject, CompileError> {
        let mut add_none = true;
        match root {
            Mod::Module { body, .. } => self.body(body)?,
            Mod::Interactive { body } => {
                if has_annotations(body) {
                    self.op(Opcode::SetupAnnotations);
                }
                self.interactive = true;
                self.stmts(body)?;
            }
            Mod::Expression { body } => {
                self.expr(body)?;
                add_none = false;
            }
            Mod::FunctionType { .. } => return Err(self.system("module kind 4 should not be possible")),
        }
        self.assemble(add_none)
    }

    /// The statements of a module or class, which may begin with a docstring.
    fn body(&mut self, stmts: &[Stmt]) -> Done {
        if self.unit.scope == ScopeKind::Module
            && self.unit.line == 0
            && let Some(first) = stmts.first()
        {
            self.unit.line = first.at.line;
        }
        if has_annotations(stmts) {
            self.op(Opcode::SetupAnnotations);
        }
        let mut rest = stmts;
        if self.optimize < 2
            && docstring(stmts).is_some()
            && let Some((Stmt { kind: crate::compile::ast::StmtKind::Expr { value }, .. }, after)) = stmts.split_first()
        {
            rest = after;
            self.expr(value)?;
            self.name_op(self.known.doc, NameUse::Store);
        }
        self.stmts(rest)
    }

    /// Begins a unit within the current one; [`Self::leave`] ends it.
    fn enter(&mut self, name: Symbol, scope: ScopeKind, block: Option<BlockId>, line: i32) -> Done {
        let Some(block) = block else { return Err(self.system("unknown symbol table entry")) };
        let mut unit = Unit::new(block, name, scope, line);
        unit.private = self.unit.private;
        unit.take_spare(&mut self.unit);
        let outer = std::mem::replace(&mut self.unit, unit);
        self.outer.push(outer);
        self.open_unit();
        self.unit.qualname = self.qualname();
        Ok(())
    }

    /// Ends a unit: the unit around it is the current one again.
    fn leave(&mut self) -> Unit {
        match self.outer.pop() {
            Some(outer) => {
                let mut ended = std::mem::replace(&mut self.unit, outer);
                ended.recycle();
                self.unit.take_spare(&mut ended);
                ended
            }
            None => Unit::new(self.table.top(), self.known.empty, ScopeKind::Module, 0),
        }
    }

    /// Lays the variables of the current unit out.
    fn open_unit(&mut self) {
        let block = self.table.block(self.unit.block);
        self.unit.varnames = NameTable::new(block.varnames.clone(), 0);
        let mut cells = self.variables(Scope::Cell, 0);
        if block.needs_class_closure {
            cells.push(self.known.class);
        }
        let frees = self.variables(Scope::Free, DEF_FREE_CLASS);
        self.unit.freevars = NameTable::new(frees, cells.len());
        self.unit.cellvars = NameTable::new(cells, 0);
    }

    /// The names of the current block that have the scope or flag, in the order of their texts.
    fn variables(&self, scope: Scope, flag: u32) -> Vec<Symbol> {
        let block = self.table.block(self.unit.block);
        let mut names: Vec<Symbol> = block
            .symbols
            .iter()
            .filter(|(_, flags)| flags >> crate::compile::symtable::SCOPE_OFFSET == scope as u32 || flags & flag != 0)
            .map(|(name, _)| name)
            .collect();
        names.sort_unstable_by(|&a, &b| self.symbols.bytes(a).cmp(self.symbols.bytes(b)));
        names
    }

    fn qualname(&mut self) -> Rc<[u8]> {
        let name = self.unit.name;
        let parent_is_nested = self.outer.len() > 1;
        let Some(parent) = self.outer.last() else { return self.symbols.shared(name) };
        if !parent_is_nested {
            return self.symbols.shared(name);
        }
        if matches!(self.unit.scope, ScopeKind::Function | ScopeKind::AsyncFunction | ScopeKind::Class) {
            let mangled = mangle(self.symbols, parent.private, name);
            if self.table.block(parent.block).scope(mangled) == Some(Scope::GlobalExplicit) {
                return self.symbols.shared(name);
            }
        }
        let mut text = parent.qualname.to_vec();
        if matches!(parent.scope, ScopeKind::Function | ScopeKind::AsyncFunction | ScopeKind::Lambda) {
            text.extend_from_slice(b".<locals>");
        }
        text.push(b'.');
        text.extend_from_slice(self.symbols.bytes(name));
        text.into()
    }

    /// Ends the code of the current unit.
    fn assemble(&mut self, add_none: bool) -> Result<CodeObject, CompileError> {
        let current = self.unit.current;
        if !self.unit.block_mut(current).returns {
            self.unit.next_block();
            if add_none {
                self.load_const(&Constant::None);
            }
            self.op(Opcode::ReturnValue);
        }
        let flags = self.code_flags();
        crate::compile::assemble::assemble(&mut self.unit, &self.constants, self.symbols, flags, &self.filename)
    }

    fn code_flags(&self) -> u32 {
        let block = self.table.block(self.unit.block);
        let mut code_flags = 0;
        if block.kind == BlockKind::Function {
            code_flags |= 0x2 | 0x1;
            for (set, flag) in [
                (block.nested, 0x10),
                (block.generator && !block.coroutine, 0x20),
                (!block.generator && block.coroutine, 0x80),
                (block.generator && block.coroutine, 0x200),
                (block.varargs, 0x4),
                (block.varkeywords, 0x8),
            ] {
                if set {
                    code_flags |= flag;
                }
            }
        }
        code_flags |= (self.flags | self.future.features) & flags::FUTURE;
        if self.awaits_at_top() && block.coroutine && !block.generator {
            code_flags |= 0x80;
        }
        code_flags
    }

    /// Whether `await` may stand here, outside functions.
    fn awaits_at_top(&self) -> bool {
        self.flags & flags::ALLOW_TOP_LEVEL_AWAIT != 0 && self.table.block(self.unit.block).kind == BlockKind::Module
    }

    // Instructions.

    fn op(&mut self, op: Opcode) {
        if self.silent == 0 {
            self.unit.emit(op, 0, None);
        }
    }

    fn op_arg(&mut self, op: Opcode, arg: usize) {
        if self.silent == 0 {
            self.unit.emit(op, u32::try_from(arg).unwrap_or(u32::MAX), None);
        }
    }

    fn jump(&mut self, op: Opcode, target: Label) {
        if self.silent == 0 {
            self.unit.emit(op, 0, Some(target));
        }
    }

    /// The index of a constant.
    fn add_const(&mut self, constant: &Constant) -> u32 {
        if self.silent != 0 {
            return 0;
        }
        let id = self.constants.merge(constant);
        self.unit.constant(id)
    }

    fn load_const(&mut self, constant: &Constant) {
        if self.silent == 0 {
            let index = self.add_const(constant);
            self.unit.emit(Opcode::LoadConst, index, None);
        }
    }

    fn load_none(&mut self) {
        self.load_const(&Constant::None);
    }

    fn text(&self, name: Symbol) -> Constant {
        Constant::Str(self.symbols.shared(name))
    }

    fn mangle(&mut self, name: Symbol) -> Symbol {
        mangle(self.symbols, self.unit.private, name)
    }

    /// An instruction whose argument is a name of `co_names`, which may be private.
    fn op_name(&mut self, op: Opcode, name: Symbol) {
        if self.silent == 0 {
            let name = self.mangle(name);
            let index = self.unit.names.add(name);
            self.unit.emit(op, index, None);
        }
    }

    /// An instruction whose argument is a name of `co_names`, as it is.
    fn op_plain_name(&mut self, op: Opcode, name: Symbol) {
        if self.silent == 0 {
            let index = self.unit.names.add(name);
            self.unit.emit(op, index, None);
        }
    }

    /// Loads, stores or deletes a variable.
    fn name_op(&mut self, name: Symbol, usage: NameUse) {
        let name = self.mangle(name);
        let block = self.table.block(self.unit.block);
        let kind = block.kind;
        let scope = block.scope(name);
        let [load, store, delete] = match scope {
            Some(Scope::Free | Scope::Cell) => {
                let load = if kind == BlockKind::Class { Opcode::LoadClassderef } else { Opcode::LoadDeref };
                [load, Opcode::StoreDeref, Opcode::DeleteDeref]
            }
            Some(Scope::Local) if kind == BlockKind::Function => {
                [Opcode::LoadFast, Opcode::StoreFast, Opcode::DeleteFast]
            }
            Some(Scope::GlobalImplicit) if kind == BlockKind::Function => {
                [Opcode::LoadGlobal, Opcode::StoreGlobal, Opcode::DeleteGlobal]
            }
            Some(Scope::GlobalExplicit) => [Opcode::LoadGlobal, Opcode::StoreGlobal, Opcode::DeleteGlobal],
            _ => [Opcode::LoadName, Opcode::StoreName, Opcode::DeleteName],
        };
        let index = match scope {
            Some(Scope::Free) => self.unit.freevars.add(name),
            Some(Scope::Cell) => self.unit.cellvars.add(name),
            Some(Scope::Local) if kind == BlockKind::Function => {
                if self.silent != 0 {
                    return;
                }
                self.unit.varnames.add(name)
            }
            _ => self.unit.names.add(name),
        };
        let op = match usage {
            NameUse::Load => load,
            NameUse::Store => store,
            NameUse::Delete => delete,
        };
        self.op_arg(op, index as usize);
    }

    // Frame blocks.

    fn push_frame_block(&mut self, kind: FrameBlockKind, block: Option<Label>, exit: Option<Label>) -> Done {
        if self.unit.frame_blocks.len() >= MAX_BLOCKS {
            return Err(CompileError::plain(ErrorKind::Syntax, "too many statically nested blocks"));
        }
        self.unit.frame_blocks.push(FrameBlock { kind, block, exit });
        Ok(())
    }

    fn pop_frame_block(&mut self) -> Option<FrameBlock> {
        self.unit.frame_blocks.pop()
    }

    /// Undoes a frame block that is left. With `preserve`, the top of the stack is kept.
    fn unwind(&mut self, index: usize, preserve: bool) {
        let Some(&FrameBlock { kind, exit, .. }) = self.unit.frame_blocks.get(index) else { return };
        let call_finally = |this: &mut Self| {
            if let Some(exit) = exit {
                this.jump(Opcode::CallFinally, exit);
            }
        };
        match kind {
            FrameBlockKind::WhileLoop => {}
            FrameBlockKind::FinallyEnd => {
                if let Some(block) = self.unit.frame_blocks.get_mut(index) {
                    block.exit = None;
                }
                self.op_arg(Opcode::PopFinally, usize::from(preserve));
                if preserve {
                    self.op(Opcode::RotTwo);
                }
                self.op(Opcode::PopTop);
            }
            FrameBlockKind::ForLoop => {
                if preserve {
                    self.op(Opcode::RotTwo);
                }
                self.op(Opcode::PopTop);
            }
            FrameBlockKind::Except => self.op(Opcode::PopBlock),
            FrameBlockKind::FinallyTry => {
                self.op(Opcode::PopBlock);
                call_finally(self);
            }
            FrameBlockKind::FinallyTryPlaceholder => {
                self.op(Opcode::PopBlock);
                if preserve {
                    self.op(Opcode::RotTwo);
                    self.op(Opcode::PopTop);
                    call_finally(self);
                } else {
                    call_finally(self);
                    self.op(Opcode::PopTop);
                }
            }
            FrameBlockKind::With | FrameBlockKind::AsyncWith => {
                self.op(Opcode::PopBlock);
                if preserve {
                    self.op(Opcode::RotTwo);
                }
                self.op(Opcode::BeginFinally);
                self.op(Opcode::WithCleanupStart);
                if kind == FrameBlockKind::AsyncWith {
                    self.await_top();
                }
                self.op(Opcode::WithCleanupFinish);
                self.op_arg(Opcode::PopFinally, 0);
            }
            FrameBlockKind::HandlerCleanup => {
                if preserve {
                    self.op(Opcode::RotFour);
                }
                if exit.is_some() {
                    self.op(Opcode::PopBlock);
                    self.op(Opcode::PopExcept);
                    call_finally(self);
                } else {
                    self.op(Opcode::PopExcept);
                }
            }
        }
    }

    /// Awaits what is on top of the stack.
    fn await_top(&mut self) {
        self.op(Opcode::GetAwaitable);
        self.load_none();
        self.op(Opcode::YieldFrom);
    }

    // Errors.

    fn error(&self, message: impl Into<String>) -> CompileError {
        CompileError::at(message, self.unit.line, self.unit.col)
    }

    fn system(&self, message: impl Into<String>) -> CompileError {
        CompileError::plain(ErrorKind::System, message)
    }

    fn warn(&mut self, message: String) {
        self.warnings.push(CompileWarning {
            deprecation: false,
            message,
            lineno: u32::try_from(self.unit.line).unwrap_or(0),
            col: u32::try_from(self.unit.col).unwrap_or(0),
        });
    }

    fn stmts(&mut self, stmts: &[Stmt]) -> Done {
        stmts.iter().try_for_each(|stmt| self.stmt(stmt))
    }

    fn exprs(&mut self, exprs: &[Expr]) -> Done {
        exprs.iter().try_for_each(|expr| self.expr(expr))
    }

    /// Compiles what can never run, for its errors.
    fn silently(&mut self, compile: impl FnOnce(&mut Self) -> Done) -> Done {
        self.silent += 1;
        let done = compile(self);
        self.silent -= 1;
        done
    }
}

/// What is done with a variable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NameUse {
    Load,
    Store,
    Delete,
}

/// Whether there is an annotated assignment among the statements, or in blocks within.
fn has_annotations(stmts: &[Stmt]) -> bool {
    use crate::compile::ast::StmtKind;
    let deep = |stmts: &[Stmt]| crate::compile::stack::deeper(|| has_annotations(stmts));
    stmts.iter().any(|stmt| match &stmt.kind {
        StmtKind::AnnAssign { .. } => true,
        StmtKind::For(node) | StmtKind::AsyncFor(node) => deep(&node.body) || deep(&node.orelse),
        StmtKind::While { body, orelse, .. } | StmtKind::If { body, orelse, .. } => deep(body) || deep(orelse),
        StmtKind::With(node) | StmtKind::AsyncWith(node) => deep(&node.body),
        StmtKind::Try(node) => {
            node.handlers.iter().any(|handler| deep(&handler.body))
                || deep(&node.body)
                || deep(&node.finalbody)
                || deep(&node.orelse)
        }
        _ => false,
    })
}
