//! What a tree made by a program must keep to, as `PyAST_Validate` has it.

use super::{RED_ZONE, STACK};
use crate::compile::ast::{
    Arg, Arguments, Comprehension, Expr, ExprContext, ExprKind, For, FunctionDef, Keyword, Mod, Slice, Stmt, StmtKind,
    Tree, With,
};
use crate::compile::constant::Constant;
use crate::compile::symbol::Symbols;
use crate::object::error::PyResult;
use crate::types::exceptions::{type_error, value_error};

/// Validates a tree.
///
/// # Errors
/// `ValueError`, or `TypeError` for a constant of a type that none has.
pub(super) fn tree(tree: &Tree) -> PyResult<()> {
    let check = Check { symbols: &tree.symbols };
    match &tree.root {
        Mod::Module { body, .. } | Mod::Interactive { body } => check.stmts(body),
        Mod::Expression { body } => check.load(body),
        Mod::FunctionType { argtypes, returns } => {
            check.exprs(argtypes, ExprContext::Load)?;
            check.load(returns)
        }
    }
}

struct Check<'t> {
    symbols: &'t Symbols,
}

fn context_name(context: ExprContext) -> &'static str {
    match context {
        ExprContext::Load => "Load",
        ExprContext::Store => "Store",
        ExprContext::Del => "Del",
        ExprContext::AugLoad => "AugLoad",
        ExprContext::AugStore => "AugStore",
        ExprContext::Param => "Param",
    }
}

fn not_empty<T>(items: &[T], what: &str, owner: &str) -> PyResult<()> {
    if items.is_empty() { Err(value_error(format!("empty {what} on {owner}"))) } else { Ok(()) }
}

impl Check<'_> {
    fn stmts(&self, body: &[Stmt]) -> PyResult<()> {
        body.iter().try_for_each(|stmt| stacker::maybe_grow(RED_ZONE, STACK, || self.stmt(stmt)))
    }

    fn body(&self, body: &[Stmt], owner: &str) -> PyResult<()> {
        not_empty(body, "body", owner)?;
        self.stmts(body)
    }

    fn load(&self, expr: &Expr) -> PyResult<()> {
        self.expr(expr, ExprContext::Load)
    }

    fn load_some(&self, expr: Option<&Expr>) -> PyResult<()> {
        expr.map_or(Ok(()), |expr| self.load(expr))
    }

    fn exprs(&self, exprs: &[Expr], context: ExprContext) -> PyResult<()> {
        exprs.iter().try_for_each(|expr| self.expr(expr, context))
    }

    fn function(&self, owner: &str, parts: &FunctionDef) -> PyResult<()> {
        self.body(&parts.body, owner)?;
        self.arguments(&parts.args)?;
        self.exprs(&parts.decorator_list, ExprContext::Load)?;
        self.load_some(parts.returns.as_deref())
    }

    fn for_(&self, owner: &str, parts: &For) -> PyResult<()> {
        self.expr(&parts.target, ExprContext::Store)?;
        self.load(&parts.iter)?;
        self.body(&parts.body, owner)?;
        self.stmts(&parts.orelse)
    }

    fn with(&self, owner: &str, parts: &With) -> PyResult<()> {
        not_empty(&parts.items, "items", owner)?;
        for item in &parts.items {
            self.load(&item.context_expr)?;
            if let Some(target) = &item.optional_vars {
                self.expr(target, ExprContext::Store)?;
            }
        }
        self.body(&parts.body, owner)
    }

    fn keywords(&self, keywords: &[Keyword]) -> PyResult<()> {
        keywords.iter().try_for_each(|keyword| self.load(&keyword.value))
    }

    fn stmt(&self, stmt: &Stmt) -> PyResult<()> {
        match &stmt.kind {
            StmtKind::FunctionDef(parts) => self.function("FunctionDef", parts),
            StmtKind::AsyncFunctionDef(parts) => self.function("AsyncFunctionDef", parts),
            StmtKind::ClassDef(parts) => {
                self.body(&parts.body, "ClassDef")?;
                self.exprs(&parts.bases, ExprContext::Load)?;
                self.keywords(&parts.keywords)?;
                self.exprs(&parts.decorator_list, ExprContext::Load)
            }
            StmtKind::Return { value } => self.load_some(value.as_deref()),
            StmtKind::Delete { targets } => {
                not_empty(targets, "targets", "Delete")?;
                self.exprs(targets, ExprContext::Del)
            }
            StmtKind::Assign { targets, value, .. } => {
                not_empty(targets, "targets", "Assign")?;
                self.exprs(targets, ExprContext::Store)?;
                self.load(value)
            }
            StmtKind::AugAssign { target, value, .. } => {
                self.expr(target, ExprContext::Store)?;
                self.load(value)
            }
            StmtKind::AnnAssign { target, annotation, value, simple } => {
                if *simple != 0 && !matches!(target.kind, ExprKind::Name { .. }) {
                    return Err(type_error("AnnAssign with simple non-Name target"));
                }
                self.expr(target, ExprContext::Store)?;
                self.load_some(value.as_deref())?;
                self.load(annotation)
            }
            StmtKind::For(parts) => self.for_("For", parts),
            StmtKind::AsyncFor(parts) => self.for_("AsyncFor", parts),
            StmtKind::While { test, body, orelse } => {
                self.load(test)?;
                self.body(body, "While")?;
                self.stmts(orelse)
            }
            StmtKind::If { test, body, orelse } => {
                self.load(test)?;
                self.body(body, "If")?;
                self.stmts(orelse)
            }
            StmtKind::With(parts) => self.with("With", parts),
            StmtKind::AsyncWith(parts) => self.with("AsyncWith", parts),
            StmtKind::Raise { exc, cause } => match (exc, cause) {
                (None, Some(_)) => Err(value_error("Raise with cause but no exception")),
                _ => {
                    self.load_some(exc.as_deref())?;
                    self.load_some(cause.as_deref())
                }
            },
            StmtKind::Try(parts) => {
                self.body(&parts.body, "Try")?;
                if parts.handlers.is_empty() && parts.finalbody.is_empty() {
                    return Err(value_error("Try has neither except handlers nor finalbody"));
                }
                if parts.handlers.is_empty() && !parts.orelse.is_empty() {
                    return Err(value_error("Try has orelse but no except handlers"));
                }
                for handler in &parts.handlers {
                    self.load_some(handler.ty.as_deref())?;
                    self.body(&handler.body, "ExceptHandler")?;
                }
                self.stmts(&parts.finalbody)?;
                self.stmts(&parts.orelse)
            }
            StmtKind::Assert { test, msg } => {
                self.load(test)?;
                self.load_some(msg.as_deref())
            }
            StmtKind::Import { names } => not_empty(names, "names", "Import"),
            StmtKind::ImportFrom { names, level, .. } => {
                if level.is_some_and(|level| level < 0) {
                    return Err(value_error("Negative ImportFrom level"));
                }
                not_empty(names, "names", "ImportFrom")
            }
            StmtKind::Global { names } => not_empty(names, "names", "Global"),
            StmtKind::Nonlocal { names } => not_empty(names, "names", "Nonlocal"),
            StmtKind::Expr { value } => self.load(value),
            StmtKind::Pass | StmtKind::Break | StmtKind::Continue => Ok(()),
        }
    }

    fn args(&self, args: &[Arg]) -> PyResult<()> {
        args.iter().try_for_each(|arg| self.load_some(arg.annotation.as_deref()))
    }

    fn arguments(&self, arguments: &Arguments) -> PyResult<()> {
        self.args(&arguments.posonlyargs)?;
        self.args(&arguments.args)?;
        self.load_some(arguments.vararg.as_ref().and_then(|arg| arg.annotation.as_deref()))?;
        self.args(&arguments.kwonlyargs)?;
        self.load_some(arguments.kwarg.as_ref().and_then(|arg| arg.annotation.as_deref()))?;
        if arguments.defaults.len() > arguments.posonlyargs.len() + arguments.args.len() {
            return Err(value_error("more positional defaults than args on arguments"));
        }
        if arguments.kw_defaults.len() != arguments.kwonlyargs.len() {
            return Err(value_error("length of kwonlyargs is not the same as kw_defaults on arguments"));
        }
        self.exprs(&arguments.defaults, ExprContext::Load)?;
        arguments.kw_defaults.iter().try_for_each(|default| self.load_some(default.as_ref()))
    }

    fn generators(&self, generators: &[Comprehension]) -> PyResult<()> {
        if generators.is_empty() {
            return Err(value_error("comprehension with no generators"));
        }
        for generator in generators {
            self.expr(&generator.target, ExprContext::Store)?;
            self.load(&generator.iter)?;
            self.exprs(&generator.ifs, ExprContext::Load)?;
        }
        Ok(())
    }

    fn slice(&self, slice: &Slice) -> PyResult<()> {
        match slice {
            Slice::Slice { lower, upper, step } => {
                self.load_some(lower.as_deref())?;
                self.load_some(upper.as_deref())?;
                self.load_some(step.as_deref())
            }
            Slice::ExtSlice { dims } => {
                not_empty(dims, "dims", "ExtSlice")?;
                dims.iter().try_for_each(|dim| stacker::maybe_grow(RED_ZONE, STACK, || self.slice(dim)))
            }
            Slice::Index { value } => self.load(value),
        }
    }

    fn expr(&self, expr: &Expr, context: ExprContext) -> PyResult<()> {
        stacker::maybe_grow(RED_ZONE, STACK, || self.expr_parts(expr, context))
    }

    fn expr_parts(&self, expr: &Expr, context: ExprContext) -> PyResult<()> {
        match &expr.kind {
            ExprKind::Attribute { ctx, .. }
            | ExprKind::Subscript { ctx, .. }
            | ExprKind::Starred { ctx, .. }
            | ExprKind::Name { ctx, .. }
            | ExprKind::List { ctx, .. }
            | ExprKind::Tuple { ctx, .. }
                if *ctx == context => {}
            ExprKind::Attribute { ctx, .. }
            | ExprKind::Subscript { ctx, .. }
            | ExprKind::Starred { ctx, .. }
            | ExprKind::Name { ctx, .. }
            | ExprKind::List { ctx, .. }
            | ExprKind::Tuple { ctx, .. } => {
                return Err(value_error(format!(
                    "expression must have {} context but has {} instead",
                    context_name(context),
                    context_name(*ctx)
                )));
            }
            _ if context != ExprContext::Load => {
                return Err(value_error(format!(
                    "expression which can't be assigned to in {} context",
                    context_name(context)
                )));
            }
            _ => {}
        }
        match &expr.kind {
            ExprKind::BoolOp { values, .. } => {
                if values.len() < 2 {
                    return Err(value_error("BoolOp with less than 2 values"));
                }
                self.exprs(values, ExprContext::Load)
            }
            ExprKind::NamedExpr { value, .. } => self.load(value),
            ExprKind::BinOp { left, right, .. } => {
                self.load(left)?;
                self.load(right)
            }
            ExprKind::UnaryOp { operand, .. } => self.load(operand),
            ExprKind::Lambda { args, body } => {
                self.arguments(args)?;
                self.load(body)
            }
            ExprKind::IfExp { test, body, orelse } => {
                self.load(test)?;
                self.load(body)?;
                self.load(orelse)
            }
            ExprKind::Dict { keys, values } => {
                if keys.len() != values.len() {
                    return Err(value_error("Dict doesn't have the same number of keys as values"));
                }
                keys.iter().try_for_each(|key| self.load_some(key.as_ref()))?;
                self.exprs(values, ExprContext::Load)
            }
            ExprKind::Set { elts } => self.exprs(elts, ExprContext::Load),
            ExprKind::ListComp { elt, generators }
            | ExprKind::SetComp { elt, generators }
            | ExprKind::GeneratorExp { elt, generators } => {
                self.generators(generators)?;
                self.load(elt)
            }
            ExprKind::DictComp { key, value, generators } => {
                self.generators(generators)?;
                self.load(key)?;
                self.load(value)
            }
            ExprKind::Await { value } | ExprKind::YieldFrom { value } => self.load(value),
            ExprKind::Yield { value } => self.load_some(value.as_deref()),
            ExprKind::Compare { left, ops, comparators } => {
                if comparators.is_empty() {
                    return Err(value_error("Compare with no comparators"));
                }
                if comparators.len() != ops.len() {
                    return Err(value_error("Compare has a different number of comparators and operands"));
                }
                self.exprs(comparators, ExprContext::Load)?;
                self.load(left)
            }
            ExprKind::Call { func, args, keywords } => {
                self.load(func)?;
                self.exprs(args, ExprContext::Load)?;
                self.keywords(keywords)
            }
            ExprKind::FormattedValue { value, format_spec, .. } => {
                self.load(value)?;
                self.load_some(format_spec.as_deref())
            }
            ExprKind::JoinedStr { values } => self.exprs(values, ExprContext::Load),
            ExprKind::Constant { value: Constant::Code(mark), .. } => {
                let name = String::from_utf8_lossy(&mark.name);
                Err(type_error(format!("got an invalid type in Constant: {name}")))
            }
            ExprKind::Constant { .. } => Ok(()),
            ExprKind::Attribute { value, .. } => self.load(value),
            ExprKind::Subscript { value, slice, .. } => {
                self.slice(slice)?;
                self.load(value)
            }
            ExprKind::Starred { value, .. } => self.expr(value, context),
            ExprKind::Name { id, .. } => {
                let text = self.symbols.bytes(*id);
                if matches!(text, b"None" | b"True" | b"False") {
                    let text = String::from_utf8_lossy(text);
                    return Err(value_error(format!("Name node can't be used with '{text}' constant")));
                }
                Ok(())
            }
            ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } => self.exprs(elts, context),
        }
    }
}
