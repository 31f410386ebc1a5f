//! The tree optimiser: operations on constants are done beforehand, `__debug__` becomes a constant, displays that are
//! only searched or iterated over become tuples and frozensets. As CPython's `ast_opt.c`.

use crate::compile::ast::{
    Arg, Arguments, CmpOp, Comprehension, ExceptHandler, Expr, ExprContext, ExprKind, Keyword, Mod, Slice, Stmt,
    StmtKind, UnaryOp, WithItem,
};
use crate::compile::constant::Constant;
use crate::compile::constant_key::equality_key;
use crate::compile::fold;
use crate::compile::stack::deeper;
use crate::compile::symbol::{Symbol, Symbols};
use hashbrown::HashSet;

struct Folder {
    /// The symbol of `__debug__`, and its value.
    debug: Symbol,
    debug_value: bool,
}

/// Optimises a tree in place.
pub fn optimize(root: &mut Mod, symbols: &mut Symbols, optimize: u8) {
    let debug = symbols.intern("__debug__");
    let mut folder = Folder { debug, debug_value: optimize == 0 };
    match root {
        Mod::Module { body, .. } => folder.body(body),
        Mod::Interactive { body } => folder.stmts(body),
        Mod::Expression { body } => folder.expr(body),
        Mod::FunctionType { .. } => {}
    }
}

/// The docstring of a body.
pub fn docstring(body: &[Stmt]) -> Option<&Constant> {
    match &body.first()?.kind {
        StmtKind::Expr { value } => match &value.kind {
            ExprKind::Constant { value: text @ Constant::Str(_), .. } => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn constant(expr: &Expr) -> Option<&Constant> {
    match &expr.kind {
        ExprKind::Constant { value, .. } => Some(value),
        _ => None,
    }
}

fn constants(exprs: &[Expr]) -> Option<Vec<Constant>> {
    exprs.iter().map(|expr| constant(expr).cloned()).collect()
}

fn make_constant(expr: &mut Expr, value: Option<Constant>) {
    if let Some(value) = value {
        expr.kind = ExprKind::Constant { value, kind: None };
    }
}

/// A list or set that is only iterated over or searched becomes a tuple or frozenset.
fn fold_iterable(expr: &mut Expr) {
    match &mut expr.kind {
        ExprKind::List { elts, ctx } => {
            if elts.iter().any(|elt| matches!(elt.kind, ExprKind::Starred { .. })) {
                return;
            }
            let (elts, ctx) = (std::mem::take(elts), *ctx);
            expr.kind = match constants(&elts) {
                Some(items) => ExprKind::Constant { value: Constant::Tuple(items.into()), kind: None },
                None => ExprKind::Tuple { elts, ctx },
            };
        }
        ExprKind::Set { elts } => {
            let items = constants(elts).map(|mut items| {
                let mut seen = HashSet::new();
                items.retain(|item| seen.insert(equality_key(item)));
                Constant::FrozenSet(items.into())
            });
            make_constant(expr, items);
        }
        _ => {}
    }
}

impl Folder {
    fn body(&mut self, body: &mut [Stmt]) {
        let documented = docstring(body).is_some();
        self.stmts(body);
        if documented || docstring(body).is_none() {
            return;
        }
        // Text that was put together must not be taken for a docstring.
        if let Some(Stmt { kind: StmtKind::Expr { value }, at }) = body.first_mut() {
            let text = std::mem::replace(&mut value.kind, ExprKind::JoinedStr { values: Vec::new() });
            let text = Expr { kind: text, at: value.at };
            value.kind = ExprKind::JoinedStr { values: vec![text] };
            value.at = *at;
        }
    }

    fn stmts(&mut self, stmts: &mut [Stmt]) {
        for stmt in stmts {
            self.stmt(stmt);
        }
    }

    fn exprs(&mut self, exprs: &mut [Expr]) {
        for expr in exprs {
            self.expr(expr);
        }
    }

    fn optional(&mut self, expr: Option<&mut Expr>) {
        if let Some(expr) = expr {
            self.expr(expr);
        }
    }

    fn down<R>(&mut self, walk: impl FnOnce(&mut Self) -> R) -> R {
        deeper(|| walk(self))
    }

    fn stmt(&mut self, stmt: &mut Stmt) {
        self.down(|this| this.stmt_kind(&mut stmt.kind));
    }

    fn stmt_kind(&mut self, stmt: &mut StmtKind) {
        match stmt {
            StmtKind::FunctionDef(def) | StmtKind::AsyncFunctionDef(def) => {
                self.arguments(&mut def.args);
                self.body(&mut def.body);
                self.exprs(&mut def.decorator_list);
                self.optional(def.returns.as_deref_mut());
            }
            StmtKind::ClassDef(def) => {
                self.exprs(&mut def.bases);
                self.keywords(&mut def.keywords);
                self.body(&mut def.body);
                self.exprs(&mut def.decorator_list);
            }
            StmtKind::Return { value } => self.optional(value.as_deref_mut()),
            StmtKind::Delete { targets } => self.exprs(targets),
            StmtKind::Assign { targets, value, .. } => {
                self.exprs(targets);
                self.expr(value);
            }
            StmtKind::AugAssign { target, value, .. } => {
                self.expr(target);
                self.expr(value);
            }
            StmtKind::AnnAssign { target, annotation, value, .. } => {
                self.expr(target);
                self.expr(annotation);
                self.optional(value.as_deref_mut());
            }
            StmtKind::For(node) => {
                self.expr(&mut node.target);
                self.expr(&mut node.iter);
                self.stmts(&mut node.body);
                self.stmts(&mut node.orelse);
                fold_iterable(&mut node.iter);
            }
            StmtKind::AsyncFor(node) => {
                self.expr(&mut node.target);
                self.expr(&mut node.iter);
                self.stmts(&mut node.body);
                self.stmts(&mut node.orelse);
            }
            StmtKind::While { test, body, orelse } | StmtKind::If { test, body, orelse } => {
                self.expr(test);
                self.stmts(body);
                self.stmts(orelse);
            }
            StmtKind::With(node) | StmtKind::AsyncWith(node) => {
                for WithItem { context_expr, optional_vars } in &mut node.items {
                    self.expr(context_expr);
                    self.optional(optional_vars.as_deref_mut());
                }
                self.stmts(&mut node.body);
            }
            StmtKind::Raise { exc, cause } => {
                self.optional(exc.as_deref_mut());
                self.optional(cause.as_deref_mut());
            }
            StmtKind::Try(node) => {
                self.stmts(&mut node.body);
                for ExceptHandler { ty, body, .. } in &mut node.handlers {
                    self.optional(ty.as_deref_mut());
                    self.stmts(body);
                }
                self.stmts(&mut node.orelse);
                self.stmts(&mut node.finalbody);
            }
            StmtKind::Assert { test, msg } => {
                self.expr(test);
                self.optional(msg.as_deref_mut());
            }
            StmtKind::Expr { value } => self.expr(value),
            StmtKind::Import { .. }
            | StmtKind::ImportFrom { .. }
            | StmtKind::Global { .. }
            | StmtKind::Nonlocal { .. }
            | StmtKind::Pass
            | StmtKind::Break
            | StmtKind::Continue => {}
        }
    }

    fn arguments(&mut self, args: &mut Arguments) {
        let annotation = |this: &mut Self, arg: &mut Arg| this.optional(arg.annotation.as_deref_mut());
        args.posonlyargs.iter_mut().for_each(|arg| annotation(self, arg));
        args.args.iter_mut().for_each(|arg| annotation(self, arg));
        args.vararg.iter_mut().for_each(|arg| annotation(self, arg));
        args.kwonlyargs.iter_mut().for_each(|arg| annotation(self, arg));
        args.kw_defaults.iter_mut().flatten().for_each(|default| self.expr(default));
        args.kwarg.iter_mut().for_each(|arg| annotation(self, arg));
        self.exprs(&mut args.defaults);
    }

    fn keywords(&mut self, keywords: &mut [Keyword]) {
        for keyword in keywords {
            self.expr(&mut keyword.value);
        }
    }

    fn comprehensions(&mut self, generators: &mut [Comprehension]) {
        for generator in generators {
            self.expr(&mut generator.target);
            self.expr(&mut generator.iter);
            self.exprs(&mut generator.ifs);
            fold_iterable(&mut generator.iter);
        }
    }

    fn slice(&mut self, slice: &mut Slice) {
        match slice {
            Slice::Slice { lower, upper, step } => {
                self.optional(lower.as_deref_mut());
                self.optional(upper.as_deref_mut());
                self.optional(step.as_deref_mut());
            }
            Slice::ExtSlice { dims } => {
                for dim in dims {
                    self.down(|this| this.slice(dim));
                }
            }
            Slice::Index { value } => self.expr(value),
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        match &expr.kind {
            ExprKind::Constant { .. } => {}
            ExprKind::Name { id, .. } => {
                if *id == self.debug {
                    make_constant(expr, Some(Constant::Bool(self.debug_value)));
                }
            }
            _ => self.down(|this| this.expr_kind(expr)),
        }
    }

    fn expr_kind(&mut self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::BoolOp { values, .. } | ExprKind::JoinedStr { values } => self.exprs(values),
            ExprKind::BinOp { left, op, right } => {
                self.expr(left);
                self.expr(right);
                if let (Some(left), Some(right)) = (constant(left), constant(right)) {
                    let value = fold::binary(*op, left, right);
                    make_constant(expr, value);
                }
            }
            ExprKind::UnaryOp { op, operand } => {
                self.expr(operand);
                if let Some(operand) = constant(operand) {
                    let value = fold::unary(*op, operand);
                    make_constant(expr, value);
                } else if *op == UnaryOp::Not
                    && let ExprKind::Compare { ops, .. } = &mut operand.kind
                    && let [op] = ops.as_mut_slice()
                {
                    *op = match op {
                        CmpOp::Is => CmpOp::IsNot,
                        CmpOp::IsNot => CmpOp::Is,
                        CmpOp::In => CmpOp::NotIn,
                        CmpOp::NotIn => CmpOp::In,
                        _ => return,
                    };
                    let at = operand.at;
                    expr.kind = std::mem::replace(&mut operand.kind, ExprKind::Set { elts: Vec::new() });
                    expr.at = at;
                }
            }
            ExprKind::Lambda { args, body } => {
                self.arguments(args);
                self.expr(body);
            }
            ExprKind::IfExp { test, body, orelse } => {
                self.expr(test);
                self.expr(body);
                self.expr(orelse);
            }
            ExprKind::Dict { keys, values } => {
                keys.iter_mut().flatten().for_each(|key| self.expr(key));
                self.exprs(values);
            }
            ExprKind::Set { elts } | ExprKind::List { elts, .. } => self.exprs(elts),
            ExprKind::ListComp { elt, generators }
            | ExprKind::SetComp { elt, generators }
            | ExprKind::GeneratorExp { elt, generators } => {
                self.expr(elt);
                self.comprehensions(generators);
            }
            ExprKind::DictComp { key, value, generators } => {
                self.expr(key);
                self.expr(value);
                self.comprehensions(generators);
            }
            ExprKind::Yield { value } => self.optional(value.as_deref_mut()),
            ExprKind::Await { value }
            | ExprKind::YieldFrom { value }
            | ExprKind::Attribute { value, .. }
            | ExprKind::Starred { value, .. } => self.expr(value),
            ExprKind::Compare { left, ops, comparators } => {
                self.expr(left);
                self.exprs(comparators);
                if let (Some(CmpOp::In | CmpOp::NotIn), Some(last)) = (ops.last(), comparators.last_mut()) {
                    fold_iterable(last);
                }
            }
            ExprKind::Call { func, args, keywords } => {
                self.expr(func);
                self.exprs(args);
                self.keywords(keywords);
            }
            ExprKind::FormattedValue { value, format_spec, .. } => {
                self.expr(value);
                self.optional(format_spec.as_deref_mut());
            }
            ExprKind::Subscript { value, slice, ctx } => {
                self.expr(value);
                self.slice(slice);
                if *ctx == ExprContext::Load
                    && let Slice::Index { value: index } = slice.as_ref()
                    && let (Some(value), Some(index)) = (constant(value), constant(index))
                {
                    let item = fold::subscript(value, index);
                    make_constant(expr, item);
                }
            }
            ExprKind::Tuple { elts, ctx } => {
                self.exprs(elts);
                if *ctx == ExprContext::Load {
                    let items = constants(elts).map(|items| Constant::Tuple(items.into()));
                    make_constant(expr, items);
                }
            }
            // 3.8 forgets these.
            ExprKind::NamedExpr { .. } => {}
            ExprKind::Constant { .. } | ExprKind::Name { .. } => {}
        }
    }
}
