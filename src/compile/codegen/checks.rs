//! Warnings for code that cannot be meant.

use super::Compiler;
use crate::compile::ast::{CmpOp, Expr, ExprKind, Slice};
use crate::compile::constant::Constant;

/// The name of the type that an expression surely has.
fn inferred_type(expr: &Expr) -> Option<&'static str> {
    Some(match &expr.kind {
        ExprKind::Tuple { .. } => "tuple",
        ExprKind::List { .. } | ExprKind::ListComp { .. } => "list",
        ExprKind::Dict { .. } | ExprKind::DictComp { .. } => "dict",
        ExprKind::Set { .. } | ExprKind::SetComp { .. } => "set",
        ExprKind::GeneratorExp { .. } => "generator",
        ExprKind::Lambda { .. } => "function",
        ExprKind::JoinedStr { .. } | ExprKind::FormattedValue { .. } => "str",
        ExprKind::Constant { value, .. } => value.type_name(),
        _ => return None,
    })
}

/// Whether an expression may well be compared by identity.
fn has_identity(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Constant { value, .. } => {
            matches!(value, Constant::None | Constant::Bool(_) | Constant::Ellipsis)
        }
        _ => true,
    }
}

impl Compiler<'_> {
    pub(super) fn check_compare(&mut self, left: &Expr, ops: &[CmpOp], comparators: &[Expr]) {
        let mut left = has_identity(left);
        for (op, right) in ops.iter().zip(comparators) {
            let right = has_identity(right);
            let text = match op {
                CmpOp::Is => Some("\"is\" with a literal. Did you mean \"==\"?"),
                CmpOp::IsNot => Some("\"is not\" with a literal. Did you mean \"!=\"?"),
                _ => None,
            };
            if let Some(text) = text
                && !(left && right)
            {
                self.warn(text.to_string());
                return;
            }
            left = right;
        }
    }

    pub(super) fn check_caller(&mut self, func: &Expr) {
        if matches!(func.kind, ExprKind::Lambda { .. }) {
            return;
        }
        if let Some(name) = inferred_type(func) {
            self.warn(format!("'{name}' object is not callable; perhaps you missed a comma?"));
        }
    }

    pub(super) fn check_subscripter(&mut self, value: &Expr) {
        let wrong = match &value.kind {
            ExprKind::Constant { value, .. } => matches!(
                value,
                Constant::None
                    | Constant::Ellipsis
                    | Constant::Bool(_)
                    | Constant::Int(_)
                    | Constant::BigInt(_)
                    | Constant::Float(_)
                    | Constant::Complex(..)
                    | Constant::FrozenSet(_)
            ),
            ExprKind::Set { .. }
            | ExprKind::SetComp { .. }
            | ExprKind::GeneratorExp { .. }
            | ExprKind::Lambda { .. } => true,
            _ => false,
        };
        if wrong && let Some(name) = inferred_type(value) {
            self.warn(format!("'{name}' object is not subscriptable; perhaps you missed a comma?"));
        }
    }

    pub(super) fn check_index(&mut self, value: &Expr, slice: &Slice) {
        let Slice::Index { value: index } = slice else { return };
        let Some(index) = inferred_type(index).filter(|name| !matches!(*name, "int" | "bool")) else { return };
        let sequence = match &value.kind {
            ExprKind::Constant { value, .. } => {
                matches!(value, Constant::Str(_) | Constant::Bytes(_) | Constant::Tuple(_))
            }
            ExprKind::Tuple { .. }
            | ExprKind::List { .. }
            | ExprKind::ListComp { .. }
            | ExprKind::JoinedStr { .. }
            | ExprKind::FormattedValue { .. } => true,
            _ => false,
        };
        if sequence && let Some(name) = inferred_type(value) {
            self.warn(format!("{name} indices must be integers or slices, not {index}; perhaps you missed a comma?"));
        }
    }
}
