//! Functions, classes, lambdas and comprehensions: all that has a code object of its own.

use super::unit::ScopeKind;
use super::{Compiler, Done, NameUse};
use crate::compile::ast::{Arg, Arguments, ClassDef, Comprehension, Expr, ExprKind, FunctionDef, Stmt};
use crate::compile::code::CodeObject;
use crate::compile::constant::Constant;
use crate::compile::flags;
use crate::compile::optimize::docstring;
use crate::compile::symbol::Symbol;
use crate::compile::symtable::Scope;
use crate::compile::unparse::unparse;
use crate::pyc::opcode::Opcode;
use std::rc::Rc;

/// The line of a definition: that of its first decorator.
fn first_line(stmt: &Stmt, decorators: &[Expr]) -> i32 {
    decorators.first().map_or(stmt.at.line, |decorator| decorator.at.line)
}

/// A comprehension's parts.
struct Parts<'t> {
    generators: &'t [Comprehension],
    elt: &'t Expr,
    /// The value, of a dict.
    value: Option<&'t Expr>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Generator,
    List,
    Set,
    Dict,
}

impl Compiler<'_> {
    pub(super) fn function(&mut self, stmt: &Stmt, def: &FunctionDef, scope: ScopeKind) -> Done {
        self.exprs(&def.decorator_list)?;
        let mut flags = self.defaults(&def.args)?;
        if self.annotations(&def.args, def.returns.as_deref())? {
            flags |= 4;
        }
        let block = self.table.block_of(def);
        self.enter(def.name, scope, block, first_line(stmt, &def.decorator_list))?;
        let doc = if self.optimize < 2 { docstring(&def.body) } else { None };
        self.add_const(doc.unwrap_or(&Constant::None));
        self.count_arguments(&def.args);
        self.stmts(&def.body)?;
        let code = self.assemble(true)?;
        let qualname = self.leave().qualname;
        self.closure(code, flags, qualname)?;
        for _ in &def.decorator_list {
            self.op_arg(Opcode::CallFunction, 1);
        }
        self.name_op(def.name, NameUse::Store);
        Ok(())
    }

    fn count_arguments(&mut self, args: &Arguments) {
        self.unit.argcount = args.args.len();
        self.unit.posonlyargcount = args.posonlyargs.len();
        self.unit.kwonlyargcount = args.kwonlyargs.len();
    }

    pub(super) fn class(&mut self, stmt: &Stmt, def: &ClassDef) -> Done {
        self.exprs(&def.decorator_list)?;
        let block = self.table.block_of(def);
        self.enter(def.name, ScopeKind::Class, block, first_line(stmt, &def.decorator_list))?;
        self.unit.private = Some(def.name);
        self.name_op(self.known.name, NameUse::Load);
        self.name_op(self.known.module, NameUse::Store);
        let qualname = Constant::Str(Rc::clone(&self.unit.qualname));
        self.load_const(&qualname);
        self.name_op(self.known.qualname, NameUse::Store);
        self.body(&def.body)?;
        if self.table.block(self.unit.block).needs_class_closure {
            self.op_arg(Opcode::LoadClosure, 0);
            self.op(Opcode::DupTop);
            self.name_op(self.known.classcell, NameUse::Store);
        } else {
            self.load_none();
        }
        self.op(Opcode::ReturnValue);
        let code = self.assemble(true)?;
        self.leave();

        self.op(Opcode::LoadBuildClass);
        let name = self.symbols.shared(def.name);
        self.closure(code, 0, Rc::clone(&name))?;
        self.load_const(&Constant::Str(name));
        self.call_with(2, &def.bases, &def.keywords)?;
        for _ in &def.decorator_list {
            self.op_arg(Opcode::CallFunction, 1);
        }
        self.name_op(def.name, NameUse::Store);
        Ok(())
    }

    pub(super) fn lambda(&mut self, expr: &Expr, args: &Arguments, body: &Expr) -> Done {
        let flags = self.defaults(args)?;
        let block = self.table.block_of(expr);
        self.enter(self.known.lambda, ScopeKind::Lambda, block, expr.at.line)?;
        // The first constant is the docstring: a lambda has none.
        self.add_const(&Constant::None);
        self.count_arguments(args);
        self.expr(body)?;
        let generator = self.table.block(self.unit.block).generator;
        if !generator {
            self.op(Opcode::ReturnValue);
        }
        let code = self.assemble(!generator)?;
        let qualname = self.leave().qualname;
        self.closure(code, flags, qualname)
    }

    /// Makes a function of a code object.
    fn closure(&mut self, code: CodeObject, mut flags: usize, qualname: Rc<[u8]>) -> Done {
        if !code.freevars.is_empty() {
            for name in &code.freevars {
                let name = self.symbols.intern_bytes(name);
                let block = self.table.block(self.unit.block);
                let cell = (self.unit.scope == ScopeKind::Class && name == self.known.class)
                    || block.scope(name) == Some(Scope::Cell);
                let index = if cell { self.unit.cellvars.get(name) } else { self.unit.freevars.get(name) };
                let Some(index) = index else {
                    return Err(self.system(format!("unknown scope for {}", self.symbols.text(name))));
                };
                self.op_arg(Opcode::LoadClosure, index as usize);
            }
            flags |= 8;
            self.op_arg(Opcode::BuildTuple, code.freevars.len());
        }
        self.load_const(&Constant::Code(Rc::new(code)));
        self.load_const(&Constant::Str(qualname));
        self.op_arg(Opcode::MakeFunction, flags);
        Ok(())
    }

    /// Pushes the defaults of arguments; returns the flags of `MAKE_FUNCTION` for them.
    fn defaults(&mut self, args: &Arguments) -> Result<usize, crate::compile::error::CompileError> {
        let mut flags = 0;
        if !args.defaults.is_empty() {
            self.exprs(&args.defaults)?;
            self.op_arg(Opcode::BuildTuple, args.defaults.len());
            flags |= 1;
        }
        let mut names = Vec::new();
        for (arg, default) in args.kwonlyargs.iter().zip(&args.kw_defaults) {
            if let Some(default) = default {
                let name = self.mangle(arg.arg);
                names.push(self.text(name));
                self.expr(default)?;
            }
        }
        if !names.is_empty() {
            let count = names.len();
            self.load_const(&Constant::Tuple(names.into()));
            self.op_arg(Opcode::BuildConstKeyMap, count);
            flags |= 2;
        }
        Ok(flags)
    }

    /// Pushes the dict of annotations, if there are any.
    fn annotations(
        &mut self,
        args: &Arguments,
        returns: Option<&Expr>,
    ) -> Result<bool, crate::compile::error::CompileError> {
        let mut names = Vec::new();
        let argument = |arg: &Arg, this: &mut Self, names: &mut Vec<Constant>| {
            this.annotation(arg.arg, arg.annotation.as_deref(), names)
        };
        // Not in the order of the source.
        args.args.iter().try_for_each(|arg| argument(arg, self, &mut names))?;
        args.posonlyargs.iter().try_for_each(|arg| argument(arg, self, &mut names))?;
        args.vararg.iter().try_for_each(|arg| argument(arg, self, &mut names))?;
        args.kwonlyargs.iter().try_for_each(|arg| argument(arg, self, &mut names))?;
        args.kwarg.iter().try_for_each(|arg| argument(arg, self, &mut names))?;
        self.annotation(self.known.return_, returns, &mut names)?;
        let count = names.len();
        if count == 0 {
            return Ok(false);
        }
        self.load_const(&Constant::Tuple(names.into()));
        self.op_arg(Opcode::BuildConstKeyMap, count);
        Ok(true)
    }

    fn annotation(&mut self, name: Symbol, annotation: Option<&Expr>, names: &mut Vec<Constant>) -> Done {
        let Some(annotation) = annotation else { return Ok(()) };
        if self.future.features & flags::ANNOTATIONS != 0 {
            self.annotation_text(annotation);
        } else {
            self.expr(annotation)?;
        }
        let name = self.mangle(name);
        names.push(self.text(name));
        Ok(())
    }

    /// Pushes an annotation as text.
    pub(super) fn annotation_text(&mut self, annotation: &Expr) {
        if self.silent == 0 {
            let text = unparse(annotation, self.symbols);
            self.load_const(&Constant::Str(text.into()));
        }
    }

    pub(super) fn comprehension(&mut self, expr: &Expr) -> Done {
        let (name, parts) = match &expr.kind {
            ExprKind::GeneratorExp { elt, generators } => {
                (self.known.genexpr, Parts { generators, elt, value: None, kind: Kind::Generator })
            }
            ExprKind::ListComp { elt, generators } => {
                (self.known.listcomp, Parts { generators, elt, value: None, kind: Kind::List })
            }
            ExprKind::SetComp { elt, generators } => {
                (self.known.setcomp, Parts { generators, elt, value: None, kind: Kind::Set })
            }
            ExprKind::DictComp { key, value, generators } => {
                (self.known.dictcomp, Parts { generators, elt: key, value: Some(value), kind: Kind::Dict })
            }
            _ => return Ok(()),
        };
        let Some(outermost) = parts.generators.first() else {
            return Err(self.system("comprehension with no generators"));
        };
        let awaits_at_top = self.awaits_at_top();
        let in_coroutine = self.table.block(self.unit.block).coroutine;
        let block = self.table.block_of(expr);
        self.enter(name, ScopeKind::Comprehension, block, expr.at.line)?;
        let asynchronous = self.table.block(self.unit.block).coroutine;
        if asynchronous && !in_coroutine && parts.kind != Kind::Generator && !awaits_at_top {
            return Err(self.error("asynchronous comprehension outside of an asynchronous function"));
        }
        match parts.kind {
            Kind::Generator => {}
            Kind::List => self.op_arg(Opcode::BuildList, 0),
            Kind::Set => self.op_arg(Opcode::BuildSet, 0),
            Kind::Dict => self.op_arg(Opcode::BuildMap, 0),
        }
        self.generator(&parts, 0)?;
        if parts.kind != Kind::Generator {
            self.op(Opcode::ReturnValue);
        }
        let code = self.assemble(true)?;
        let qualname = self.leave().qualname;
        if awaits_at_top && asynchronous {
            let block = self.unit.block;
            self.table.block_mut(block).coroutine = true;
        }
        self.closure(code, 0, qualname)?;
        self.expr(&outermost.iter)?;
        self.op(if outermost.is_async != 0 { Opcode::GetAiter } else { Opcode::GetIter });
        self.op_arg(Opcode::CallFunction, 1);
        if asynchronous && parts.kind != Kind::Generator {
            self.await_top();
        }
        Ok(())
    }

    /// One `for` of a comprehension and all within it.
    fn generator(&mut self, parts: &Parts<'_>, index: usize) -> Done {
        let Some(generator) = parts.generators.get(index) else { return Ok(()) };
        let asynchronous = generator.is_async != 0;
        let start = self.unit.new_block();
        // Where the loop ends, and where it goes on when a condition fails.
        let (skip, if_cleanup, anchor);
        if asynchronous {
            anchor = self.unit.new_block();
            if_cleanup = self.unit.new_block();
            skip = None;
        } else {
            skip = Some(self.unit.new_block());
            if_cleanup = self.unit.new_block();
            anchor = self.unit.new_block();
        }
        if index == 0 {
            self.unit.argcount = 1;
            self.op_arg(Opcode::LoadFast, 0);
        } else {
            self.expr(&generator.iter)?;
            self.op(if asynchronous { Opcode::GetAiter } else { Opcode::GetIter });
        }
        self.unit.use_next_block(start);
        if asynchronous {
            self.jump(Opcode::SetupFinally, anchor);
            self.op(Opcode::GetAnext);
            self.load_none();
            self.op(Opcode::YieldFrom);
            self.op(Opcode::PopBlock);
        } else {
            self.jump(Opcode::ForIter, anchor);
            self.unit.next_block();
        }
        self.expr(&generator.target)?;
        for test in &generator.ifs {
            self.jump_if(test, if_cleanup, false)?;
            self.unit.next_block();
        }
        let next = index + 1;
        if next < parts.generators.len() {
            crate::compile::stack::deeper(|| self.generator(parts, next))?;
        } else {
            self.expr(parts.elt)?;
            if let Some(value) = parts.value {
                self.expr(value)?;
            }
            match parts.kind {
                Kind::Generator => {
                    self.op(Opcode::YieldValue);
                    self.op(Opcode::PopTop);
                }
                Kind::List => self.op_arg(Opcode::ListAppend, next + 1),
                Kind::Set => self.op_arg(Opcode::SetAdd, next + 1),
                Kind::Dict => self.op_arg(Opcode::MapAdd, next + 1),
            }
            if let Some(skip) = skip {
                self.unit.use_next_block(skip);
            }
        }
        self.unit.use_next_block(if_cleanup);
        self.jump(Opcode::JumpAbsolute, start);
        self.unit.use_next_block(anchor);
        if asynchronous {
            self.op(Opcode::EndAsyncFor);
        }
        Ok(())
    }
}
