//! Statements.

use super::unit::{FrameBlockKind, ScopeKind};
use super::{Compiler, Done, Label, NameUse};
use crate::compile::ast::{Alias, Expr, ExprContext, ExprKind, For, Operator, Slice, Stmt, StmtKind, Try, With};
use crate::compile::constant::Constant;
use crate::compile::error::CompileError;
use crate::compile::flags;
use crate::compile::future::LATE;
use crate::compile::stack::deeper;
use crate::compile::symbol::Symbol;
use crate::compile::symtable::BlockKind;
use crate::pyc::opcode::Opcode;

/// `exception match`, of the operators of `COMPARE_OP`.
const EXC_MATCH: usize = 10;

/// Whether a test is known beforehand.
fn known_truth(test: &Expr) -> Option<bool> {
    match &test.kind {
        ExprKind::Constant { value, .. } => Some(value.is_true()),
        _ => None,
    }
}

fn inplace(op: Operator) -> Opcode {
    match op {
        Operator::Add => Opcode::InplaceAdd,
        Operator::Sub => Opcode::InplaceSubtract,
        Operator::Mult => Opcode::InplaceMultiply,
        Operator::MatMult => Opcode::InplaceMatrixMultiply,
        Operator::Div => Opcode::InplaceTrueDivide,
        Operator::Mod => Opcode::InplaceModulo,
        Operator::Pow => Opcode::InplacePower,
        Operator::LShift => Opcode::InplaceLshift,
        Operator::RShift => Opcode::InplaceRshift,
        Operator::BitOr => Opcode::InplaceOr,
        Operator::BitXor => Opcode::InplaceXor,
        Operator::BitAnd => Opcode::InplaceAnd,
        Operator::FloorDiv => Opcode::InplaceFloorDivide,
    }
}

impl Compiler<'_> {
    pub(super) fn stmt(&mut self, stmt: &Stmt) -> Done {
        self.unit.line = stmt.at.line;
        self.unit.col = stmt.at.col;
        self.unit.line_set = false;
        deeper(|| self.stmt_kind(stmt))
    }

    fn stmt_kind(&mut self, stmt: &Stmt) -> Done {
        match &stmt.kind {
            StmtKind::FunctionDef(def) => self.function(stmt, def, ScopeKind::Function),
            StmtKind::AsyncFunctionDef(def) => self.function(stmt, def, ScopeKind::AsyncFunction),
            StmtKind::ClassDef(def) => self.class(stmt, def),
            StmtKind::Return { value } => self.return_(value.as_deref()),
            StmtKind::Delete { targets } => self.exprs(targets),
            StmtKind::Assign { targets, value, .. } => {
                self.expr(value)?;
                for (position, target) in targets.iter().enumerate() {
                    if position + 1 < targets.len() {
                        self.op(Opcode::DupTop);
                    }
                    self.expr(target)?;
                }
                Ok(())
            }
            StmtKind::AugAssign { target, op, value } => self.augmented(target, *op, value),
            StmtKind::AnnAssign { target, annotation, value, simple } => {
                self.annotated(target, annotation, value.as_deref(), *simple != 0)
            }
            StmtKind::For(node) => self.for_(node),
            StmtKind::AsyncFor(node) => self.async_for(node),
            StmtKind::While { test, body, orelse } => self.while_(test, body, orelse),
            StmtKind::If { test, body, orelse } => self.if_(test, body, orelse),
            StmtKind::Raise { exc, cause } => {
                let mut count = 0;
                if let Some(exc) = exc {
                    self.expr(exc)?;
                    count = 1;
                    if let Some(cause) = cause {
                        self.expr(cause)?;
                        count = 2;
                    }
                }
                self.op_arg(Opcode::RaiseVarargs, count);
                Ok(())
            }
            StmtKind::Try(node) => {
                if node.finalbody.is_empty() {
                    self.try_except(node)
                } else {
                    self.try_finally(stmt, node)
                }
            }
            StmtKind::Assert { test, msg } => self.assert(test, msg.as_deref()),
            StmtKind::Import { names } => self.import(names),
            StmtKind::ImportFrom { module, names, level } => self.import_from(stmt, *module, names, level.unwrap_or(0)),
            StmtKind::Expr { value } => {
                if self.interactive && self.outer.is_empty() {
                    self.expr(value)?;
                    self.op(Opcode::PrintExpr);
                } else if !matches!(value.kind, ExprKind::Constant { .. }) {
                    self.expr(value)?;
                    self.op(Opcode::PopTop);
                }
                Ok(())
            }
            StmtKind::Global { .. } | StmtKind::Nonlocal { .. } | StmtKind::Pass => Ok(()),
            StmtKind::Break => self.break_(),
            StmtKind::Continue => self.continue_(),
            StmtKind::With(node) => self.with(node, 0),
            StmtKind::AsyncWith(node) => self.async_with(node, 0),
        }
    }

    fn if_(&mut self, test: &Expr, body: &[Stmt], orelse: &[Stmt]) -> Done {
        let end = self.unit.new_block();
        match known_truth(test) {
            Some(false) => {
                self.silently(|this| this.stmts(body))?;
                self.stmts(orelse)?;
            }
            Some(true) => {
                self.stmts(body)?;
                self.silently(|this| this.stmts(orelse))?;
            }
            None => {
                let next = if orelse.is_empty() { end } else { self.unit.new_block() };
                self.jump_if(test, next, false)?;
                self.stmts(body)?;
                if !orelse.is_empty() {
                    self.jump(Opcode::JumpForward, end);
                    self.unit.use_next_block(next);
                    self.stmts(orelse)?;
                }
            }
        }
        self.unit.use_next_block(end);
        Ok(())
    }

    fn for_(&mut self, node: &For) -> Done {
        let start = self.unit.new_block();
        let cleanup = self.unit.new_block();
        let end = self.unit.new_block();
        self.push_frame_block(FrameBlockKind::ForLoop, Some(start), Some(end))?;
        self.expr(&node.iter)?;
        self.op(Opcode::GetIter);
        self.unit.use_next_block(start);
        self.jump(Opcode::ForIter, cleanup);
        self.expr(&node.target)?;
        self.stmts(&node.body)?;
        self.jump(Opcode::JumpAbsolute, start);
        self.unit.use_next_block(cleanup);
        self.pop_frame_block();
        self.stmts(&node.orelse)?;
        self.unit.use_next_block(end);
        Ok(())
    }

    fn async_for(&mut self, node: &For) -> Done {
        self.need_async("'async for' outside async function")?;
        let start = self.unit.new_block();
        let except = self.unit.new_block();
        let end = self.unit.new_block();
        self.expr(&node.iter)?;
        self.op(Opcode::GetAiter);
        self.unit.use_next_block(start);
        self.push_frame_block(FrameBlockKind::ForLoop, Some(start), Some(end))?;
        self.jump(Opcode::SetupFinally, except);
        self.op(Opcode::GetAnext);
        self.load_none();
        self.op(Opcode::YieldFrom);
        self.op(Opcode::PopBlock);
        self.expr(&node.target)?;
        self.stmts(&node.body)?;
        self.jump(Opcode::JumpAbsolute, start);
        self.pop_frame_block();
        self.unit.use_next_block(except);
        self.op(Opcode::EndAsyncFor);
        self.stmts(&node.orelse)?;
        self.unit.use_next_block(end);
        Ok(())
    }

    /// Checks that an `async` statement may stand here.
    fn need_async(&mut self, message: &str) -> Done {
        if self.awaits_at_top() {
            let block = self.unit.block;
            self.table.block_mut(block).coroutine = true;
        } else if self.unit.scope != ScopeKind::AsyncFunction {
            return Err(self.error(message));
        }
        Ok(())
    }

    fn while_(&mut self, test: &Expr, body: &[Stmt], orelse: &[Stmt]) -> Done {
        let truth = known_truth(test);
        if truth == Some(false) {
            self.silently(|this| {
                this.push_frame_block(FrameBlockKind::WhileLoop, None, None)?;
                this.stmts(body)?;
                this.pop_frame_block();
                Ok(())
            })?;
            return self.stmts(orelse);
        }
        let start = self.unit.new_block();
        let end = self.unit.new_block();
        let anchor = if truth.is_none() { Some(self.unit.new_block()) } else { None };
        self.unit.use_next_block(start);
        self.push_frame_block(FrameBlockKind::WhileLoop, Some(start), Some(end))?;
        if let Some(anchor) = anchor {
            self.jump_if(test, anchor, false)?;
        }
        self.stmts(body)?;
        self.jump(Opcode::JumpAbsolute, start);
        if let Some(anchor) = anchor {
            self.unit.use_next_block(anchor);
        }
        self.pop_frame_block();
        self.stmts(orelse)?;
        self.unit.use_next_block(end);
        Ok(())
    }

    fn return_(&mut self, value: Option<&Expr>) -> Done {
        let block = self.table.block(self.unit.block);
        if block.kind != BlockKind::Function {
            return Err(self.error("'return' outside function"));
        }
        if value.is_some() && block.coroutine && block.generator {
            return Err(self.error("'return' with value in async generator"));
        }
        let computed = value.filter(|value| !matches!(value.kind, ExprKind::Constant { .. }));
        if let Some(value) = computed {
            self.expr(value)?;
        }
        for index in (0..self.unit.frame_blocks.len()).rev() {
            self.unwind(index, computed.is_some());
        }
        match value {
            None => self.load_none(),
            Some(value) if computed.is_none() => self.expr(value)?,
            Some(_) => {}
        }
        self.op(Opcode::ReturnValue);
        Ok(())
    }

    fn break_(&mut self) -> Done {
        for index in (0..self.unit.frame_blocks.len()).rev() {
            self.unwind(index, false);
            let Some(block) = self.unit.frame_blocks.get(index) else { break };
            if matches!(block.kind, FrameBlockKind::WhileLoop | FrameBlockKind::ForLoop) {
                if let Some(exit) = block.exit {
                    self.jump(Opcode::JumpAbsolute, exit);
                }
                return Ok(());
            }
        }
        Err(self.error("'break' outside loop"))
    }

    fn continue_(&mut self) -> Done {
        for index in (0..self.unit.frame_blocks.len()).rev() {
            let Some(&block) = self.unit.frame_blocks.get(index) else { break };
            if matches!(block.kind, FrameBlockKind::WhileLoop | FrameBlockKind::ForLoop) {
                if let Some(start) = block.block {
                    self.jump(Opcode::JumpAbsolute, start);
                }
                return Ok(());
            }
            self.unwind(index, false);
        }
        Err(self.error("'continue' not properly in loop"))
    }

    /// `try` with `finally`. The body of `finally` is compiled first, to see whether it leaves by `return`, `break` or
    /// `continue`; then the `try` body needs a placeholder on the stack.
    fn try_finally(&mut self, stmt: &Stmt, node: &Try) -> Done {
        let body = self.unit.new_block();
        let end = self.unit.new_block();
        let start = self.unit.current;
        self.unit.use_next_block(end);
        self.push_frame_block(FrameBlockKind::FinallyEnd, Some(end), Some(end))?;
        self.stmts(&node.finalbody)?;
        self.op(Opcode::EndFinally);
        let leaves = self.pop_frame_block().is_some_and(|block| block.exit.is_none());
        if leaves {
            self.op(Opcode::PopTop);
        }
        let after = self.unit.current;
        self.unit.current = start;
        self.unit.block_mut(start).next = None;

        self.unit.line_set = false;
        self.unit.line = stmt.at.line;
        self.unit.col = stmt.at.col;
        if leaves {
            self.load_none();
        }
        self.jump(Opcode::SetupFinally, end);
        self.unit.use_next_block(body);
        let kind = if leaves { FrameBlockKind::FinallyTryPlaceholder } else { FrameBlockKind::FinallyTry };
        self.push_frame_block(kind, Some(body), Some(end))?;
        if node.handlers.is_empty() {
            self.stmts(&node.body)?;
        } else {
            self.try_except(node)?;
        }
        self.op(Opcode::PopBlock);
        self.op(Opcode::BeginFinally);
        self.pop_frame_block();
        let current = self.unit.current;
        self.unit.block_mut(current).next = Some(end);
        self.unit.current = after;
        Ok(())
    }

    fn try_except(&mut self, node: &Try) -> Done {
        let body = self.unit.new_block();
        let mut except = self.unit.new_block();
        let orelse = self.unit.new_block();
        let end = self.unit.new_block();
        self.jump(Opcode::SetupFinally, except);
        self.unit.use_next_block(body);
        self.push_frame_block(FrameBlockKind::Except, Some(body), None)?;
        self.stmts(&node.body)?;
        self.op(Opcode::PopBlock);
        self.pop_frame_block();
        self.jump(Opcode::JumpForward, orelse);
        self.unit.use_next_block(except);
        for (position, handler) in node.handlers.iter().enumerate() {
            if handler.ty.is_none() && position + 1 < node.handlers.len() {
                return Err(self.error("default 'except:' must be last"));
            }
            self.unit.line_set = false;
            self.unit.line = handler.at.line;
            self.unit.col = handler.at.col;
            except = self.unit.new_block();
            if let Some(ty) = &handler.ty {
                self.op(Opcode::DupTop);
                self.expr(ty)?;
                self.op_arg(Opcode::CompareOp, EXC_MATCH);
                self.jump(Opcode::PopJumpIfFalse, except);
            }
            self.op(Opcode::PopTop);
            if let Some(name) = handler.name {
                let cleanup_end = self.unit.new_block();
                let cleanup_body = self.unit.new_block();
                self.name_op(name, NameUse::Store);
                self.op(Opcode::PopTop);
                self.jump(Opcode::SetupFinally, cleanup_end);
                self.unit.use_next_block(cleanup_body);
                self.push_frame_block(FrameBlockKind::HandlerCleanup, Some(cleanup_body), Some(cleanup_end))?;
                self.stmts(&handler.body)?;
                self.op(Opcode::PopBlock);
                self.op(Opcode::BeginFinally);
                self.pop_frame_block();
                self.unit.use_next_block(cleanup_end);
                self.push_frame_block(FrameBlockKind::FinallyEnd, Some(cleanup_end), None)?;
                self.load_none();
                self.name_op(name, NameUse::Store);
                self.name_op(name, NameUse::Delete);
                self.op(Opcode::EndFinally);
                self.op(Opcode::PopExcept);
                self.pop_frame_block();
            } else {
                let cleanup_body = self.unit.new_block();
                self.op(Opcode::PopTop);
                self.op(Opcode::PopTop);
                self.unit.use_next_block(cleanup_body);
                self.push_frame_block(FrameBlockKind::HandlerCleanup, Some(cleanup_body), None)?;
                self.stmts(&handler.body)?;
                self.op(Opcode::PopExcept);
                self.pop_frame_block();
            }
            self.jump(Opcode::JumpForward, end);
            self.unit.use_next_block(except);
        }
        self.op(Opcode::EndFinally);
        self.unit.use_next_block(orelse);
        self.stmts(&node.orelse)?;
        self.unit.use_next_block(end);
        Ok(())
    }

    fn with(&mut self, node: &With, position: usize) -> Done {
        let Some(item) = node.items.get(position) else { return Err(self.system("with has no items")) };
        let block = self.unit.new_block();
        let finally = self.unit.new_block();
        self.expr(&item.context_expr)?;
        self.jump(Opcode::SetupWith, finally);
        self.with_block(node, position, block, finally, FrameBlockKind::With)?;
        self.op(Opcode::WithCleanupStart);
        self.op(Opcode::WithCleanupFinish);
        self.op(Opcode::EndFinally);
        self.pop_frame_block();
        Ok(())
    }

    fn async_with(&mut self, node: &With, position: usize) -> Done {
        self.need_async("'async with' outside async function")?;
        let Some(item) = node.items.get(position) else { return Err(self.system("with has no items")) };
        let block = self.unit.new_block();
        let finally = self.unit.new_block();
        self.expr(&item.context_expr)?;
        self.op(Opcode::BeforeAsyncWith);
        self.await_top();
        self.jump(Opcode::SetupAsyncWith, finally);
        self.with_block(node, position, block, finally, FrameBlockKind::AsyncWith)?;
        self.op(Opcode::WithCleanupStart);
        self.await_top();
        self.op(Opcode::WithCleanupFinish);
        self.op(Opcode::EndFinally);
        self.pop_frame_block();
        Ok(())
    }

    /// What the context manager at `position` is around, up to the beginning of its cleanup.
    fn with_block(&mut self, node: &With, position: usize, block: Label, finally: Label, kind: FrameBlockKind) -> Done {
        self.unit.use_next_block(block);
        self.push_frame_block(kind, Some(block), Some(finally))?;
        match node.items.get(position).and_then(|item| item.optional_vars.as_deref()) {
            Some(target) => self.expr(target)?,
            None => self.op(Opcode::PopTop),
        }
        if position + 1 == node.items.len() {
            self.stmts(&node.body)?;
        } else if kind == FrameBlockKind::With {
            self.with(node, position + 1)?;
        } else {
            self.async_with(node, position + 1)?;
        }
        self.op(Opcode::PopBlock);
        self.op(Opcode::BeginFinally);
        self.pop_frame_block();
        self.unit.use_next_block(finally);
        self.push_frame_block(FrameBlockKind::FinallyEnd, Some(finally), None)
    }

    fn assert(&mut self, test: &Expr, msg: Option<&Expr>) -> Done {
        if self.optimize != 0 {
            return Ok(());
        }
        if matches!(&test.kind, ExprKind::Tuple { elts, .. } if !elts.is_empty()) {
            self.warn("assertion is always true, perhaps remove parentheses?".to_string());
        }
        let end = self.unit.new_block();
        self.jump_if(test, end, true)?;
        self.op_plain_name(Opcode::LoadGlobal, self.known.assertion_error);
        if let Some(msg) = msg {
            self.expr(msg)?;
            self.op_arg(Opcode::CallFunction, 1);
        }
        self.op_arg(Opcode::RaiseVarargs, 1);
        self.unit.use_next_block(end);
        Ok(())
    }

    fn import(&mut self, names: &[Alias]) -> Done {
        for alias in names {
            self.load_const(&Constant::Int(0));
            self.load_none();
            self.op_name(Opcode::ImportName, alias.name);
            let text = self.symbols.shared(alias.name);
            let mut parts = text.split(|&byte| byte == b'.');
            let first = parts.next().unwrap_or_default();
            let Some(asname) = alias.asname else {
                let first = self.symbols.intern_bytes(first);
                self.name_op(first, NameUse::Store);
                continue;
            };
            // The import gives the topmost package; the module is got from it part by part.
            let mut dotted = false;
            for part in parts {
                if dotted {
                    self.op(Opcode::RotTwo);
                    self.op(Opcode::PopTop);
                }
                dotted = true;
                let part = self.symbols.intern_bytes(part);
                self.op_plain_name(Opcode::ImportFrom, part);
            }
            self.name_op(asname, NameUse::Store);
            if dotted {
                self.op(Opcode::PopTop);
            }
        }
        Ok(())
    }

    fn import_from(&mut self, stmt: &Stmt, module: Option<Symbol>, names: &[Alias], level: i32) -> Done {
        self.load_const(&Constant::Int(i64::from(level)));
        if stmt.at.line > self.future.line && module.is_some_and(|module| self.symbols.bytes(module) == b"__future__") {
            return Err(self.error(LATE));
        }
        let list = names.iter().map(|alias| self.text(alias.name)).collect();
        self.load_const(&Constant::Tuple(list));
        self.op_name(Opcode::ImportName, module.unwrap_or(self.known.empty));
        for (position, alias) in names.iter().enumerate() {
            if position == 0 && self.symbols.bytes(alias.name).first() == Some(&b'*') {
                self.op(Opcode::ImportStar);
                return Ok(());
            }
            self.op_name(Opcode::ImportFrom, alias.name);
            self.name_op(alias.asname.unwrap_or(alias.name), NameUse::Store);
        }
        self.op(Opcode::PopTop);
        Ok(())
    }

    fn augmented(&mut self, target: &Expr, op: Operator, value: &Expr) -> Done {
        match &target.kind {
            ExprKind::Attribute { .. } | ExprKind::Subscript { .. } => {
                self.expr_as(target, Some(ExprContext::AugLoad))?;
                self.expr(value)?;
                self.op(inplace(op));
                self.expr_as(target, Some(ExprContext::AugStore))
            }
            ExprKind::Name { id, .. } => {
                self.name_op(*id, NameUse::Load);
                self.expr(value)?;
                self.op(inplace(op));
                self.name_op(*id, NameUse::Store);
                Ok(())
            }
            other => Err(self.invalid_target(other, "augmented")),
        }
    }

    fn invalid_target(&self, kind: &ExprKind, what: &str) -> CompileError {
        self.system(format!("invalid node type ({}) for {what} assignment", super::expr::kind_number(kind)))
    }

    fn annotated(&mut self, target: &Expr, annotation: &Expr, value: Option<&Expr>, simple: bool) -> Done {
        if let Some(value) = value {
            self.expr(value)?;
            self.expr(target)?;
        }
        let evaluated = matches!(self.unit.scope, ScopeKind::Module | ScopeKind::Class);
        match &target.kind {
            ExprKind::Name { id, .. } => {
                if simple && evaluated {
                    if self.future.features & flags::ANNOTATIONS != 0 {
                        self.annotation_text(annotation);
                    } else {
                        self.expr(annotation)?;
                    }
                    self.op_name(Opcode::LoadName, self.known.annotations);
                    let name = self.mangle(*id);
                    let name = self.text(name);
                    self.load_const(&name);
                    self.op(Opcode::StoreSubscr);
                }
            }
            ExprKind::Attribute { value: object, .. } => {
                if value.is_none() {
                    self.evaluate(object)?;
                }
            }
            ExprKind::Subscript { value: object, slice, .. } => {
                if value.is_none() {
                    self.evaluate(object)?;
                    match slice.as_ref() {
                        Slice::ExtSlice { dims } => dims.iter().try_for_each(|dim| self.evaluate_slice(dim))?,
                        slice => self.evaluate_slice(slice)?,
                    }
                }
            }
            other => return Err(self.invalid_target(other, "annotated")),
        }
        if !simple && evaluated {
            self.evaluate(annotation)?;
        }
        Ok(())
    }

    /// Evaluates an expression, for its exceptions only.
    fn evaluate(&mut self, expr: &Expr) -> Done {
        self.expr(expr)?;
        self.op(Opcode::PopTop);
        Ok(())
    }

    fn evaluate_slice(&mut self, slice: &Slice) -> Done {
        match slice {
            Slice::Index { value } => self.evaluate(value),
            Slice::Slice { lower, upper, step } => {
                [lower, upper, step].into_iter().flatten().try_for_each(|part| self.evaluate(part))
            }
            Slice::ExtSlice { .. } => Err(self.system("extended slice invalid in nested slice")),
        }
    }
}
