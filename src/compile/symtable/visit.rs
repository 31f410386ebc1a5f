//! The first pass: what each block does with each name.

use super::{
    Block, BlockId, BlockKind, DEF_ANNOT, DEF_COMP_ITER, DEF_GLOBAL, DEF_IMPORT, DEF_LOCAL, DEF_NONLOCAL, DEF_PARAM,
    NameFlags, RecursionLimit, SymbolTable, USE, key,
};
use crate::compile::ast::{
    Alias, Arg, Arguments, ClassDef, Comprehension, ExceptHandler, Expr, ExprContext, ExprKind, FunctionDef, Keyword,
    Mod, Slice, Stmt, StmtKind, WithItem,
};
use crate::compile::error::{CompileError, ErrorKind};
use crate::compile::mangle::mangle;
use crate::compile::stack::deeper;
use crate::compile::symbol::{Symbol, Symbols};
use hashbrown::HashMap;

type Done = Result<(), CompileError>;

struct Visitor<'a> {
    symbols: &'a mut Symbols,
    table: SymbolTable,
    /// The open blocks, outermost first.
    open: Vec<BlockId>,
    current: BlockId,
    /// The innermost class's name.
    private: Option<Symbol>,
    depth: usize,
    limit: usize,
    known: Known,
}

/// Names that mean something here.
struct Known {
    super_: Symbol,
    class: Symbol,
    implicit: Symbol,
    lambda: Symbol,
    listcomp: Symbol,
    setcomp: Symbol,
    dictcomp: Symbol,
    genexpr: Symbol,
}

/// CPython allows this many times the interpreter's recursion limit.
const SCALE: usize = 3;

pub(super) fn collect(
    root: &Mod,
    symbols: &mut Symbols,
    recursion: RecursionLimit,
) -> Result<SymbolTable, CompileError> {
    let known = Known {
        super_: symbols.intern("super"),
        class: symbols.intern("__class__"),
        implicit: symbols.intern(".0"),
        lambda: symbols.intern("lambda"),
        listcomp: symbols.intern("listcomp"),
        setcomp: symbols.intern("setcomp"),
        dictcomp: symbols.intern("dictcomp"),
        genexpr: symbols.intern("genexpr"),
    };
    let top = symbols.intern("top");
    let mut visitor = Visitor {
        symbols,
        table: SymbolTable { blocks: Vec::new(), by_node: HashMap::new() },
        open: Vec::new(),
        current: BlockId(0),
        private: None,
        depth: recursion.depth.saturating_mul(SCALE),
        limit: recursion.limit.saturating_mul(SCALE),
        known,
    };
    visitor.enter(top, BlockKind::Module, key(root), 0, 0);
    match root {
        Mod::Module { body, .. } | Mod::Interactive { body } => visitor.stmts(body)?,
        Mod::Expression { body } => visitor.expr(body)?,
        Mod::FunctionType { .. } => {
            return Err(CompileError::plain(ErrorKind::System, "this compiler does not handle FunctionTypes"));
        }
    }
    Ok(visitor.table)
}

impl Visitor<'_> {
    fn enter(&mut self, name: Symbol, kind: BlockKind, node: usize, line: i32, col: i32) {
        let id = BlockId(u32::try_from(self.table.blocks.len()).unwrap_or(u32::MAX));
        let parent = self.open.last().copied();
        let (nested, comp_iter_expr) = parent.map_or((false, 0), |parent| {
            let parent = self.table.block(parent);
            (parent.nested || parent.kind == BlockKind::Function, parent.comp_iter_expr)
        });
        self.table.blocks.push(Block {
            name,
            kind,
            symbols: NameFlags::default(),
            varnames: Vec::new(),
            children: Vec::new(),
            directives: Vec::new(),
            nested,
            generator: false,
            coroutine: false,
            comprehension: false,
            varargs: false,
            varkeywords: false,
            returns_value: false,
            needs_class_closure: false,
            comp_iter_target: false,
            comp_iter_expr,
            line,
            col,
        });
        self.table.by_node.insert(node, id);
        if let Some(parent) = parent {
            self.table.block_mut(parent).children.push(id);
        }
        self.open.push(id);
        self.current = id;
    }

    fn exit(&mut self) {
        self.open.pop();
        if let Some(&id) = self.open.last() {
            self.current = id;
        }
    }

    fn block(&mut self) -> &mut Block {
        let id = self.current;
        self.table.block_mut(id)
    }

    fn mangle(&mut self, name: Symbol) -> Symbol {
        mangle(self.symbols, self.private, name)
    }

    /// What the current block knows of a name.
    fn lookup(&mut self, name: Symbol) -> u32 {
        let name = self.mangle(name);
        self.block().symbols.get(name)
    }

    fn define(&mut self, name: Symbol, flag: u32) -> Done {
        self.define_in(name, flag, self.current)
    }

    fn define_in(&mut self, name: Symbol, flag: u32, id: BlockId) -> Done {
        let mangled = self.mangle(name);
        let block = &mut self.table.blocks[id.0 as usize];
        let known = block.symbols.get(mangled);
        if flag & DEF_PARAM != 0 && known & DEF_PARAM != 0 {
            let text = format!("duplicate argument '{}' in function definition", self.symbols.text(name));
            return Err(CompileError::placed(text, block.line, block.col.saturating_add(1)));
        }
        let mut flags = known | flag;
        if block.comp_iter_target {
            if flags & (DEF_GLOBAL | DEF_NONLOCAL) != 0 {
                let text = format!(
                    "comprehension inner loop cannot rebind assignment expression target '{}'",
                    self.symbols.text(name)
                );
                return Err(CompileError::placed(text, block.line, block.col.saturating_add(1)));
            }
            flags |= DEF_COMP_ITER;
        }
        if flags != known {
            block.symbols.set(mangled, flags);
        }
        if flag & DEF_PARAM != 0 {
            block.varnames.push(mangled);
        } else if flag & DEF_GLOBAL != 0 {
            let top = &mut self.table.blocks[0].symbols;
            let flags = top.get(mangled) | flag;
            top.set(mangled, flags);
        }
        Ok(())
    }

    fn directive(&mut self, name: Symbol, line: i32, col: i32) {
        let name = self.mangle(name);
        self.block().directives.push((name, line, col));
    }

    fn descend(&mut self) -> Done {
        self.depth += 1;
        if self.depth > self.limit { Err(CompileError::recursion()) } else { Ok(()) }
    }

    fn stmts(&mut self, stmts: &[Stmt]) -> Done {
        stmts.iter().try_for_each(|stmt| self.stmt(stmt))
    }

    fn exprs(&mut self, exprs: &[Expr]) -> Done {
        exprs.iter().try_for_each(|expr| self.expr(expr))
    }

    fn optional(&mut self, expr: Option<&Expr>) -> Done {
        expr.map_or(Ok(()), |expr| self.expr(expr))
    }

    fn stmt(&mut self, stmt: &Stmt) -> Done {
        self.descend()?;
        deeper(|| self.stmt_kind(stmt))?;
        self.depth -= 1;
        Ok(())
    }

    fn stmt_kind(&mut self, stmt: &Stmt) -> Done {
        match &stmt.kind {
            StmtKind::FunctionDef(def) => self.function(stmt, def, false)?,
            StmtKind::AsyncFunctionDef(def) => self.function(stmt, def, true)?,
            StmtKind::ClassDef(def) => self.class(stmt, def)?,
            StmtKind::Return { value } => {
                if let Some(value) = value {
                    self.expr(value)?;
                    self.block().returns_value = true;
                }
            }
            StmtKind::Delete { targets } => self.exprs(targets)?,
            StmtKind::Assign { targets, value, .. } => {
                self.exprs(targets)?;
                self.expr(value)?;
            }
            StmtKind::AnnAssign { target, annotation, value, simple } => {
                match target.kind {
                    ExprKind::Name { id, .. } => {
                        let known = self.lookup(id);
                        if known & (DEF_GLOBAL | DEF_NONLOCAL) != 0 && self.current != BlockId(0) && *simple != 0 {
                            let declared = if known & DEF_GLOBAL != 0 { "global" } else { "nonlocal" };
                            let text = format!("annotated name '{}' can't be {declared}", self.symbols.text(id));
                            return Err(self.declaration_error(stmt, text));
                        }
                        if *simple != 0 {
                            self.define(id, DEF_ANNOT | DEF_LOCAL)?;
                        } else if value.is_some() {
                            self.define(id, DEF_LOCAL)?;
                        }
                    }
                    _ => self.expr(target)?,
                }
                self.expr(annotation)?;
                self.optional(value.as_deref())?;
            }
            StmtKind::AugAssign { target, value, .. } => {
                self.expr(target)?;
                self.expr(value)?;
            }
            StmtKind::For(node) | StmtKind::AsyncFor(node) => {
                self.expr(&node.target)?;
                self.expr(&node.iter)?;
                self.stmts(&node.body)?;
                self.stmts(&node.orelse)?;
            }
            StmtKind::While { test, body, orelse } | StmtKind::If { test, body, orelse } => {
                self.expr(test)?;
                self.stmts(body)?;
                self.stmts(orelse)?;
            }
            StmtKind::Raise { exc, cause } => {
                if let Some(exc) = exc {
                    self.expr(exc)?;
                    self.optional(cause.as_deref())?;
                }
            }
            StmtKind::Try(node) => {
                self.stmts(&node.body)?;
                self.stmts(&node.orelse)?;
                node.handlers.iter().try_for_each(|handler| self.handler(handler))?;
                self.stmts(&node.finalbody)?;
            }
            StmtKind::Assert { test, msg } => {
                self.expr(test)?;
                self.optional(msg.as_deref())?;
            }
            StmtKind::Import { names } => names.iter().try_for_each(|alias| self.alias(alias))?,
            StmtKind::ImportFrom { names, .. } => names.iter().try_for_each(|alias| self.alias(alias))?,
            StmtKind::Global { names } => self.declare(stmt, names, DEF_GLOBAL, "global")?,
            StmtKind::Nonlocal { names } => self.declare(stmt, names, DEF_NONLOCAL, "nonlocal")?,
            StmtKind::Expr { value } => self.expr(value)?,
            StmtKind::Pass | StmtKind::Break | StmtKind::Continue => {}
            StmtKind::With(node) | StmtKind::AsyncWith(node) => {
                node.items.iter().try_for_each(|item| self.with_item(item))?;
                self.stmts(&node.body)?;
            }
        }
        Ok(())
    }

    fn declaration_error(&self, stmt: &Stmt, text: String) -> CompileError {
        CompileError::placed(text, stmt.at.line, stmt.at.col.saturating_add(1))
    }

    fn declare(&mut self, stmt: &Stmt, names: &[Symbol], flag: u32, word: &str) -> Done {
        for &name in names {
            let known = self.lookup(name);
            if known & (DEF_PARAM | DEF_LOCAL | USE | DEF_ANNOT) != 0 {
                let text = self.symbols.text(name);
                let text = if known & DEF_PARAM != 0 {
                    format!("name '{text}' is parameter and {word}")
                } else if known & USE != 0 {
                    format!("name '{text}' is used prior to {word} declaration")
                } else if known & DEF_ANNOT != 0 {
                    format!("annotated name '{text}' can't be {word}")
                } else {
                    format!("name '{text}' is assigned to before {word} declaration")
                };
                return Err(self.declaration_error(stmt, text));
            }
            self.define(name, flag)?;
            self.directive(name, stmt.at.line, stmt.at.col);
        }
        Ok(())
    }

    fn function(&mut self, stmt: &Stmt, def: &FunctionDef, is_async: bool) -> Done {
        self.define(def.name, DEF_LOCAL)?;
        self.defaults(&def.args)?;
        self.annotations(&def.args)?;
        self.optional(def.returns.as_deref())?;
        self.exprs(&def.decorator_list)?;
        self.enter(def.name, BlockKind::Function, key(def), stmt.at.line, stmt.at.col);
        if is_async {
            self.block().coroutine = true;
        }
        self.arguments(&def.args)?;
        self.stmts(&def.body)?;
        self.exit();
        Ok(())
    }

    fn class(&mut self, stmt: &Stmt, def: &ClassDef) -> Done {
        self.define(def.name, DEF_LOCAL)?;
        self.exprs(&def.bases)?;
        self.keywords(&def.keywords)?;
        self.exprs(&def.decorator_list)?;
        self.enter(def.name, BlockKind::Class, key(def), stmt.at.line, stmt.at.col);
        let outer = self.private.replace(def.name);
        self.stmts(&def.body)?;
        self.private = outer;
        self.exit();
        Ok(())
    }

    fn defaults(&mut self, args: &Arguments) -> Done {
        self.exprs(&args.defaults)?;
        args.kw_defaults.iter().flatten().try_for_each(|default| self.expr(default))
    }

    fn annotations(&mut self, args: &Arguments) -> Done {
        let annotation = |arg: &Arg, this: &mut Self| this.optional(arg.annotation.as_deref());
        args.posonlyargs.iter().try_for_each(|arg| annotation(arg, self))?;
        args.args.iter().try_for_each(|arg| annotation(arg, self))?;
        args.vararg.iter().try_for_each(|arg| annotation(arg, self))?;
        args.kwarg.iter().try_for_each(|arg| annotation(arg, self))?;
        args.kwonlyargs.iter().try_for_each(|arg| annotation(arg, self))
    }

    fn arguments(&mut self, args: &Arguments) -> Done {
        for arg in args.posonlyargs.iter().chain(&args.args).chain(&args.kwonlyargs) {
            self.define(arg.arg, DEF_PARAM)?;
        }
        if let Some(arg) = &args.vararg {
            self.define(arg.arg, DEF_PARAM)?;
            self.block().varargs = true;
        }
        if let Some(arg) = &args.kwarg {
            self.define(arg.arg, DEF_PARAM)?;
            self.block().varkeywords = true;
        }
        Ok(())
    }

    fn handler(&mut self, handler: &ExceptHandler) -> Done {
        self.optional(handler.ty.as_deref())?;
        if let Some(name) = handler.name {
            self.define(name, DEF_LOCAL)?;
        }
        self.stmts(&handler.body)
    }

    fn with_item(&mut self, item: &WithItem) -> Done {
        self.expr(&item.context_expr)?;
        self.optional(item.optional_vars.as_deref())
    }

    fn alias(&mut self, alias: &Alias) -> Done {
        let name = alias.asname.unwrap_or(alias.name);
        let text = self.symbols.bytes(name);
        if text == b"*" {
            let block = self.block();
            if block.kind != BlockKind::Module {
                let (line, col) = (block.line, block.col);
                let text = "import * only allowed at module level";
                return Err(CompileError::placed(text, line, col.saturating_add(1)));
            }
            return Ok(());
        }
        let stored = match text.iter().position(|&byte| byte == b'.') {
            Some(dot) => {
                let first = text.get(..dot).unwrap_or_default().to_vec();
                self.symbols.intern_bytes(&first)
            }
            None => name,
        };
        self.define(stored, DEF_IMPORT)
    }

    fn keywords(&mut self, keywords: &[Keyword]) -> Done {
        keywords.iter().try_for_each(|keyword| self.expr(&keyword.value))
    }

    fn slice(&mut self, slice: &Slice) -> Done {
        match slice {
            Slice::Slice { lower, upper, step } => {
                self.optional(lower.as_deref())?;
                self.optional(upper.as_deref())?;
                self.optional(step.as_deref())
            }
            Slice::ExtSlice { dims } => dims.iter().try_for_each(|dim| deeper(|| self.slice(dim))),
            Slice::Index { value } => self.expr(value),
        }
    }

    fn expr(&mut self, expr: &Expr) -> Done {
        self.descend()?;
        match &expr.kind {
            // The most frequent ones need no look at the stack.
            ExprKind::Constant { .. } => {}
            ExprKind::Name { id, ctx } => self.name(*id, *ctx)?,
            _ => deeper(|| self.expr_kind(expr))?,
        }
        self.depth -= 1;
        Ok(())
    }

    fn name(&mut self, id: Symbol, ctx: ExprContext) -> Done {
        let load = ctx == ExprContext::Load;
        self.define(id, if load { USE } else { DEF_LOCAL })?;
        if load && id == self.known.super_ && self.block().kind == BlockKind::Function {
            // It counts as a use of `__class__`.
            self.define(self.known.class, USE)?;
        }
        Ok(())
    }

    fn expr_kind(&mut self, expr: &Expr) -> Done {
        match &expr.kind {
            ExprKind::NamedExpr { target, value } => {
                if self.block().comp_iter_expr > 0 {
                    let text = "assignment expression cannot be used in a comprehension iterable expression";
                    return Err(CompileError::placed(text, expr.at.line, expr.at.col));
                }
                if self.block().comprehension {
                    self.bind_around_comprehension(target)?;
                }
                self.expr(value)?;
                self.expr(target)
            }
            ExprKind::BoolOp { values, .. } | ExprKind::JoinedStr { values } => self.exprs(values),
            ExprKind::BinOp { left, right, .. } => {
                self.expr(left)?;
                self.expr(right)
            }
            ExprKind::UnaryOp { operand, .. } => self.expr(operand),
            ExprKind::Lambda { args, body } => {
                self.defaults(args)?;
                self.enter(self.known.lambda, BlockKind::Function, key(expr), expr.at.line, expr.at.col);
                self.arguments(args)?;
                self.expr(body)?;
                self.exit();
                Ok(())
            }
            ExprKind::IfExp { test, body, orelse } => {
                self.expr(test)?;
                self.expr(body)?;
                self.expr(orelse)
            }
            ExprKind::Dict { keys, values } => {
                keys.iter().flatten().try_for_each(|key| self.expr(key))?;
                self.exprs(values)
            }
            ExprKind::Set { elts } | ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } => self.exprs(elts),
            ExprKind::GeneratorExp { elt, generators } => {
                self.comprehension(expr, self.known.genexpr, generators, elt, None)
            }
            ExprKind::ListComp { elt, generators } => {
                self.comprehension(expr, self.known.listcomp, generators, elt, None)
            }
            ExprKind::SetComp { elt, generators } => {
                self.comprehension(expr, self.known.setcomp, generators, elt, None)
            }
            ExprKind::DictComp { key, value, generators } => {
                self.comprehension(expr, self.known.dictcomp, generators, key, Some(value))
            }
            ExprKind::Yield { value } => {
                self.optional(value.as_deref())?;
                self.block().generator = true;
                Ok(())
            }
            ExprKind::YieldFrom { value } => {
                self.expr(value)?;
                self.block().generator = true;
                Ok(())
            }
            ExprKind::Await { value } => {
                self.expr(value)?;
                self.block().coroutine = true;
                Ok(())
            }
            ExprKind::Compare { left, comparators, .. } => {
                self.expr(left)?;
                self.exprs(comparators)
            }
            ExprKind::Call { func, args, keywords } => {
                self.expr(func)?;
                self.exprs(args)?;
                self.keywords(keywords)
            }
            ExprKind::FormattedValue { value, format_spec, .. } => {
                self.expr(value)?;
                self.optional(format_spec.as_deref())
            }
            ExprKind::Attribute { value, .. } | ExprKind::Starred { value, .. } => self.expr(value),
            ExprKind::Subscript { value, slice, .. } => {
                self.expr(value)?;
                self.slice(slice)
            }
            ExprKind::Constant { .. } => Ok(()),
            ExprKind::Name { id, ctx } => self.name(*id, *ctx),
        }
    }

    /// The target of `:=` in a comprehension belongs to the block around it.
    fn bind_around_comprehension(&mut self, target: &Expr) -> Done {
        let ExprKind::Name { id, .. } = target.kind else { return Ok(()) };
        let (line, col) = (target.at.line, target.at.col);
        for index in (0..self.open.len()).rev() {
            let outer = self.open[index];
            let block = self.table.block(outer);
            let known = block.symbols.get(id);
            if block.comprehension {
                if known & DEF_COMP_ITER != 0 {
                    let text = format!(
                        "assignment expression cannot rebind comprehension iteration variable '{}'",
                        self.symbols.text(id)
                    );
                    return Err(CompileError::placed(text, line, col));
                }
                continue;
            }
            let (here, there) = match block.kind {
                BlockKind::Function if known & DEF_GLOBAL != 0 => (DEF_GLOBAL, DEF_LOCAL),
                BlockKind::Function => (DEF_NONLOCAL, DEF_LOCAL),
                BlockKind::Module => (DEF_GLOBAL, DEF_GLOBAL),
                BlockKind::Class => {
                    let text = "assignment expression within a comprehension cannot be used in a class body";
                    return Err(CompileError::placed(text, line, col));
                }
            };
            self.define(id, here)?;
            self.directive(id, line, col);
            return self.define_in(id, there, outer);
        }
        Ok(())
    }

    fn comprehension(
        &mut self,
        expr: &Expr,
        name: Symbol,
        generators: &[Comprehension],
        elt: &Expr,
        value: Option<&Expr>,
    ) -> Done {
        let Some((outermost, rest)) = generators.split_first() else {
            return Err(CompileError::plain(ErrorKind::Value, "comprehension with no generators"));
        };
        // The outermost iterable is evaluated in the block around.
        self.block().comp_iter_expr += 1;
        self.expr(&outermost.iter)?;
        self.block().comp_iter_expr -= 1;
        self.enter(name, BlockKind::Function, key(expr), expr.at.line, expr.at.col);
        if outermost.is_async != 0 {
            self.block().coroutine = true;
        }
        self.block().comprehension = true;
        self.define(self.known.implicit, DEF_PARAM)?;
        self.block().comp_iter_target = true;
        self.expr(&outermost.target)?;
        self.block().comp_iter_target = false;
        self.exprs(&outermost.ifs)?;
        for generator in rest {
            self.block().comp_iter_target = true;
            self.expr(&generator.target)?;
            self.block().comp_iter_target = false;
            self.block().comp_iter_expr += 1;
            self.expr(&generator.iter)?;
            self.block().comp_iter_expr -= 1;
            self.exprs(&generator.ifs)?;
            if generator.is_async != 0 {
                self.block().coroutine = true;
            }
        }
        self.optional(value)?;
        self.expr(elt)?;
        let block = self.block();
        if block.generator {
            let place = match expr.kind {
                ExprKind::ListComp { .. } => "list comprehension",
                ExprKind::SetComp { .. } => "set comprehension",
                ExprKind::DictComp { .. } => "dict comprehension",
                _ => "generator expression",
            };
            let (line, col) = (block.line, block.col.saturating_add(1));
            return Err(CompileError::placed(format!("'yield' inside {place}"), line, col));
        }
        block.generator = matches!(expr.kind, ExprKind::GeneratorExp { .. });
        self.exit();
        Ok(())
    }
}
