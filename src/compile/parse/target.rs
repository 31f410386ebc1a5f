//! What may be assigned to, deleted or named.

use super::parser::Parser;
use super::tokenizer::Place;
use crate::compile::ast::{Expr, ExprContext, ExprKind};
use crate::compile::constant::Constant;
use crate::compile::symbol::Symbol;

/// What CPython's messages call an expression.
pub(super) fn describe(expr: &Expr) -> &'static str {
    match &expr.kind {
        ExprKind::Attribute { .. } => "attribute",
        ExprKind::Subscript { .. } => "subscript",
        ExprKind::Starred { .. } => "starred",
        ExprKind::Name { .. } => "name",
        ExprKind::List { .. } => "list",
        ExprKind::Tuple { .. } => "tuple",
        ExprKind::Lambda { .. } => "lambda",
        ExprKind::Call { .. } => "function call",
        ExprKind::BoolOp { .. } | ExprKind::BinOp { .. } | ExprKind::UnaryOp { .. } => "operator",
        ExprKind::GeneratorExp { .. } => "generator expression",
        ExprKind::Yield { .. } | ExprKind::YieldFrom { .. } => "yield expression",
        ExprKind::Await { .. } => "await expression",
        ExprKind::ListComp { .. } => "list comprehension",
        ExprKind::SetComp { .. } => "set comprehension",
        ExprKind::DictComp { .. } => "dict comprehension",
        ExprKind::Dict { .. } => "dict display",
        ExprKind::Set { .. } => "set display",
        ExprKind::JoinedStr { .. } | ExprKind::FormattedValue { .. } => "f-string expression",
        ExprKind::Constant { value, .. } => match value {
            Constant::None => "None",
            Constant::Bool(false) => "False",
            Constant::Bool(true) => "True",
            Constant::Ellipsis => "Ellipsis",
            _ => "literal",
        },
        ExprKind::Compare { .. } => "comparison",
        ExprKind::IfExp { .. } => "conditional expression",
        ExprKind::NamedExpr { .. } => "named expression",
    }
}

impl Parser<'_> {
    /// Refuses names that nothing may be bound to; `keyword` when constants have come as far as this, too.
    pub(super) fn check_name(&mut self, name: Symbol, at: Place, keyword: bool) -> bool {
        let text = self.symbols.bytes(name);
        let forbidden = text == b"__debug__" || (keyword && matches!(text, b"None" | b"True" | b"False"));
        if forbidden {
            let message = format!("cannot assign to {}", String::from_utf8_lossy(text));
            self.defer(at, message);
        }
        !forbidden
    }

    /// Makes an expression a target. `at` is where an error points.
    pub(super) fn set_context(&mut self, expr: &mut Expr, context: ExprContext, at: Place) -> bool {
        match &mut expr.kind {
            ExprKind::Attribute { attr, ctx, .. } => {
                *ctx = context;
                let attr = *attr;
                context != ExprContext::Store || self.check_name(attr, at, true)
            }
            ExprKind::Subscript { ctx, .. } => {
                *ctx = context;
                true
            }
            ExprKind::Starred { value, ctx } => {
                *ctx = context;
                self.set_context(value, context, at)
            }
            ExprKind::Name { id, ctx } => {
                let id = *id;
                *ctx = context;
                context != ExprContext::Store || self.check_name(id, at, false)
            }
            ExprKind::List { elts, ctx } | ExprKind::Tuple { elts, ctx } => {
                *ctx = context;
                elts.iter_mut().all(|item| self.set_context(item, context, at))
            }
            _ => {
                let verb = if context == ExprContext::Store { "assign to" } else { "delete" };
                self.defer(at, format!("cannot {verb} {}", describe(expr)));
                false
            }
        }
    }
}
