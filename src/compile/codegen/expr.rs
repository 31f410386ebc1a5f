//! Expressions.

use super::unit::ScopeKind;
use super::{Compiler, Done, Label, NameUse};
use crate::compile::ast::{BoolOp, CmpOp, Expr, ExprContext, ExprKind, Keyword, Operator, Slice, UnaryOp};
use crate::compile::constant::Constant;
use crate::compile::stack::deeper;
use crate::compile::symtable::BlockKind;
use crate::pyc::opcode::Opcode;

/// The number of a kind of expression in CPython.
pub(super) fn kind_number(kind: &ExprKind) -> u32 {
    match kind {
        ExprKind::BoolOp { .. } => 1,
        ExprKind::NamedExpr { .. } => 2,
        ExprKind::BinOp { .. } => 3,
        ExprKind::UnaryOp { .. } => 4,
        ExprKind::Lambda { .. } => 5,
        ExprKind::IfExp { .. } => 6,
        ExprKind::Dict { .. } => 7,
        ExprKind::Set { .. } => 8,
        ExprKind::ListComp { .. } => 9,
        ExprKind::SetComp { .. } => 10,
        ExprKind::DictComp { .. } => 11,
        ExprKind::GeneratorExp { .. } => 12,
        ExprKind::Await { .. } => 13,
        ExprKind::Yield { .. } => 14,
        ExprKind::YieldFrom { .. } => 15,
        ExprKind::Compare { .. } => 16,
        ExprKind::Call { .. } => 17,
        ExprKind::FormattedValue { .. } => 18,
        ExprKind::JoinedStr { .. } => 19,
        ExprKind::Constant { .. } => 20,
        ExprKind::Attribute { .. } => 21,
        ExprKind::Subscript { .. } => 22,
        ExprKind::Starred { .. } => 23,
        ExprKind::Name { .. } => 24,
        ExprKind::List { .. } => 25,
        ExprKind::Tuple { .. } => 26,
    }
}

fn binary(op: Operator) -> Opcode {
    match op {
        Operator::Add => Opcode::BinaryAdd,
        Operator::Sub => Opcode::BinarySubtract,
        Operator::Mult => Opcode::BinaryMultiply,
        Operator::MatMult => Opcode::BinaryMatrixMultiply,
        Operator::Div => Opcode::BinaryTrueDivide,
        Operator::Mod => Opcode::BinaryModulo,
        Operator::Pow => Opcode::BinaryPower,
        Operator::LShift => Opcode::BinaryLshift,
        Operator::RShift => Opcode::BinaryRshift,
        Operator::BitOr => Opcode::BinaryOr,
        Operator::BitXor => Opcode::BinaryXor,
        Operator::BitAnd => Opcode::BinaryAnd,
        Operator::FloorDiv => Opcode::BinaryFloorDivide,
    }
}

fn unary(op: UnaryOp) -> Opcode {
    match op {
        UnaryOp::Invert => Opcode::UnaryInvert,
        UnaryOp::Not => Opcode::UnaryNot,
        UnaryOp::UAdd => Opcode::UnaryPositive,
        UnaryOp::USub => Opcode::UnaryNegative,
    }
}

/// The argument of `COMPARE_OP`.
fn comparison(op: CmpOp) -> usize {
    match op {
        CmpOp::Lt => 0,
        CmpOp::LtE => 1,
        CmpOp::Eq => 2,
        CmpOp::NotEq => 3,
        CmpOp::Gt => 4,
        CmpOp::GtE => 5,
        CmpOp::In => 6,
        CmpOp::NotIn => 7,
        CmpOp::Is => 8,
        CmpOp::IsNot => 9,
    }
}

fn is_starred(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Starred { .. })
}

/// Dicts are built in pieces of this many entries at most.
const DICT_PIECE: usize = 0xffff;

impl Compiler<'_> {
    pub(super) fn expr(&mut self, expr: &Expr) -> Done {
        self.expr_as(expr, None)
    }

    /// Compiles an expression, in another context than its own if one is given.
    pub(super) fn expr_as(&mut self, expr: &Expr, ctx: Option<ExprContext>) -> Done {
        let (line, col) = (self.unit.line, self.unit.col);
        if expr.at.line != line {
            self.unit.line = expr.at.line;
            self.unit.line_set = false;
        }
        self.unit.col = expr.at.col;
        let done = match &expr.kind {
            ExprKind::Constant { value, .. } => {
                self.load_const(value);
                Ok(())
            }
            ExprKind::Name { id, ctx } => {
                let usage = match ctx {
                    ExprContext::Load => NameUse::Load,
                    ExprContext::Store => NameUse::Store,
                    ExprContext::Del => NameUse::Delete,
                    _ => return Err(self.system("param invalid for name variable")),
                };
                self.name_op(*id, usage);
                Ok(())
            }
            _ => deeper(|| self.expr_kind(expr, ctx)),
        };
        done?;
        if self.unit.line != line {
            self.unit.line = line;
            self.unit.line_set = false;
        }
        self.unit.col = col;
        Ok(())
    }

    fn expr_kind(&mut self, expr: &Expr, outer_ctx: Option<ExprContext>) -> Done {
        match &expr.kind {
            ExprKind::NamedExpr { target, value } => {
                self.expr(value)?;
                self.op(Opcode::DupTop);
                self.expr(target)
            }
            ExprKind::BoolOp { op, values } => self.bool_op(*op, values),
            ExprKind::BinOp { left, op, right } => {
                self.expr(left)?;
                self.expr(right)?;
                self.op(binary(*op));
                Ok(())
            }
            ExprKind::UnaryOp { op, operand } => {
                self.expr(operand)?;
                self.op(unary(*op));
                Ok(())
            }
            ExprKind::Lambda { args, body } => self.lambda(expr, args, body),
            ExprKind::IfExp { test, body, orelse } => {
                let end = self.unit.new_block();
                let next = self.unit.new_block();
                self.jump_if(test, next, false)?;
                self.expr(body)?;
                self.jump(Opcode::JumpForward, end);
                self.unit.use_next_block(next);
                self.expr(orelse)?;
                self.unit.use_next_block(end);
                Ok(())
            }
            ExprKind::Dict { keys, values } => self.dict(keys, values),
            ExprKind::Set { elts } => self.display(elts, Opcode::BuildSet, Opcode::BuildSet, Opcode::BuildSetUnpack),
            ExprKind::GeneratorExp { .. }
            | ExprKind::ListComp { .. }
            | ExprKind::SetComp { .. }
            | ExprKind::DictComp { .. } => self.comprehension(expr),
            ExprKind::Yield { value } => {
                if self.table.block(self.unit.block).kind != BlockKind::Function {
                    return Err(self.error("'yield' outside function"));
                }
                match value {
                    Some(value) => self.expr(value)?,
                    None => self.load_none(),
                }
                self.op(Opcode::YieldValue);
                Ok(())
            }
            ExprKind::YieldFrom { value } => {
                if self.table.block(self.unit.block).kind != BlockKind::Function {
                    return Err(self.error("'yield' outside function"));
                }
                if self.unit.scope == ScopeKind::AsyncFunction {
                    return Err(self.error("'yield from' inside async function"));
                }
                self.expr(value)?;
                self.op(Opcode::GetYieldFromIter);
                self.load_none();
                self.op(Opcode::YieldFrom);
                Ok(())
            }
            ExprKind::Await { value } => {
                if !self.awaits_at_top() {
                    if self.table.block(self.unit.block).kind != BlockKind::Function {
                        return Err(self.error("'await' outside function"));
                    }
                    if !matches!(self.unit.scope, ScopeKind::AsyncFunction | ScopeKind::Comprehension) {
                        return Err(self.error("'await' outside async function"));
                    }
                }
                self.expr(value)?;
                self.await_top();
                Ok(())
            }
            ExprKind::Compare { left, ops, comparators } => self.compare(left, ops, comparators),
            ExprKind::Call { func, args, keywords } => self.call(func, args, keywords),
            ExprKind::JoinedStr { values } => {
                self.exprs(values)?;
                if values.len() != 1 {
                    self.op_arg(Opcode::BuildString, values.len());
                }
                Ok(())
            }
            ExprKind::FormattedValue { value, conversion, format_spec } => {
                self.expr(value)?;
                let mut flags = match conversion {
                    -1 => 0,
                    115 => 1,
                    114 => 2,
                    97 => 3,
                    other => return Err(self.system(format!("Unrecognized conversion character {other}"))),
                };
                if let Some(spec) = format_spec {
                    self.expr(spec)?;
                    flags |= 4;
                }
                self.op_arg(Opcode::FormatValue, flags);
                Ok(())
            }
            ExprKind::Attribute { value, attr, ctx } => {
                let ctx = outer_ctx.unwrap_or(*ctx);
                if ctx != ExprContext::AugStore {
                    self.expr(value)?;
                }
                match ctx {
                    ExprContext::AugLoad => {
                        self.op(Opcode::DupTop);
                        self.op_name(Opcode::LoadAttr, *attr);
                    }
                    ExprContext::Load => self.op_name(Opcode::LoadAttr, *attr),
                    ExprContext::AugStore => {
                        self.op(Opcode::RotTwo);
                        self.op_name(Opcode::StoreAttr, *attr);
                    }
                    ExprContext::Store => self.op_name(Opcode::StoreAttr, *attr),
                    ExprContext::Del => self.op_name(Opcode::DeleteAttr, *attr),
                    ExprContext::Param => return Err(self.system("param invalid in attribute expression")),
                }
                Ok(())
            }
            ExprKind::Subscript { value, slice, ctx } => {
                let ctx = outer_ctx.unwrap_or(*ctx);
                match ctx {
                    ExprContext::Param => return Err(self.system("param invalid in subscript expression")),
                    ExprContext::AugStore => {}
                    _ => {
                        if ctx == ExprContext::Load {
                            self.check_subscripter(value);
                            self.check_index(value, slice);
                        }
                        self.expr(value)?;
                    }
                }
                self.subscript(slice, ctx)
            }
            ExprKind::Starred { ctx, .. } => Err(self.error(if *ctx == ExprContext::Store {
                "starred assignment target must be in a list or tuple"
            } else {
                "can't use starred expression here"
            })),
            ExprKind::List { elts, ctx } => match ctx {
                ExprContext::Store => self.unpack(elts),
                ExprContext::Load => self.display(elts, Opcode::BuildList, Opcode::BuildTuple, Opcode::BuildListUnpack),
                _ => self.exprs(elts),
            },
            ExprKind::Tuple { elts, ctx } => match ctx {
                ExprContext::Store => self.unpack(elts),
                ExprContext::Load => {
                    self.display(elts, Opcode::BuildTuple, Opcode::BuildTuple, Opcode::BuildTupleUnpack)
                }
                _ => self.exprs(elts),
            },
            ExprKind::Constant { .. } | ExprKind::Name { .. } => Ok(()),
        }
    }

    fn bool_op(&mut self, op: BoolOp, values: &[Expr]) -> Done {
        let jump = match op {
            BoolOp::And => Opcode::JumpIfFalseOrPop,
            BoolOp::Or => Opcode::JumpIfTrueOrPop,
        };
        let end = self.unit.new_block();
        let Some((last, rest)) = values.split_last() else { return Err(self.system("BoolOp without values")) };
        for value in rest {
            self.expr(value)?;
            self.jump(jump, end);
        }
        self.expr(last)?;
        self.unit.use_next_block(end);
        Ok(())
    }

    /// Jumps to `next` if the truth of the test is `when`.
    pub(super) fn jump_if(&mut self, test: &Expr, next: Label, when: bool) -> Done {
        match &test.kind {
            ExprKind::UnaryOp { op: UnaryOp::Not, operand } => {
                return deeper(|| self.jump_if(operand, next, !when));
            }
            ExprKind::BoolOp { op, values } => {
                return deeper(|| {
                    let Some((last, rest)) = values.split_last() else {
                        return Err(self.system("BoolOp without values"));
                    };
                    let short = *op == BoolOp::Or;
                    let other = if short == when { next } else { self.unit.new_block() };
                    for value in rest {
                        self.jump_if(value, other, short)?;
                    }
                    self.jump_if(last, next, when)?;
                    if other != next {
                        self.unit.use_next_block(other);
                    }
                    Ok(())
                });
            }
            ExprKind::IfExp { test, body, orelse } => {
                return deeper(|| {
                    let end = self.unit.new_block();
                    let otherwise = self.unit.new_block();
                    self.jump_if(test, otherwise, false)?;
                    self.jump_if(body, next, when)?;
                    self.jump(Opcode::JumpForward, end);
                    self.unit.use_next_block(otherwise);
                    self.jump_if(orelse, next, when)?;
                    self.unit.use_next_block(end);
                    Ok(())
                });
            }
            ExprKind::Compare { left, ops, comparators } if ops.len() > 1 => {
                self.check_compare(left, ops, comparators);
                let cleanup = self.unit.new_block();
                self.chain(left, ops, comparators, cleanup, Opcode::PopJumpIfFalse)?;
                self.jump(if when { Opcode::PopJumpIfTrue } else { Opcode::PopJumpIfFalse }, next);
                let end = self.unit.new_block();
                self.jump(Opcode::JumpForward, end);
                self.unit.use_next_block(cleanup);
                self.op(Opcode::PopTop);
                if !when {
                    self.jump(Opcode::JumpForward, next);
                }
                self.unit.use_next_block(end);
                return Ok(());
            }
            _ => {}
        }
        self.expr(test)?;
        self.jump(if when { Opcode::PopJumpIfTrue } else { Opcode::PopJumpIfFalse }, next);
        Ok(())
    }

    /// A chain of comparisons, each of which but the last jumps to `cleanup` when it is false.
    fn chain(&mut self, left: &Expr, ops: &[CmpOp], comparators: &[Expr], cleanup: Label, jump: Opcode) -> Done {
        self.expr(left)?;
        for (position, (op, right)) in ops.iter().zip(comparators).enumerate() {
            self.expr(right)?;
            let last = position + 1 >= ops.len().min(comparators.len());
            if !last {
                self.op(Opcode::DupTop);
                self.op(Opcode::RotThree);
            }
            self.op_arg(Opcode::CompareOp, comparison(*op));
            if !last {
                self.jump(jump, cleanup);
                self.unit.next_block();
            }
        }
        Ok(())
    }

    fn compare(&mut self, left: &Expr, ops: &[CmpOp], comparators: &[Expr]) -> Done {
        self.check_compare(left, ops, comparators);
        if let ([op], [right]) = (ops, comparators) {
            self.expr(left)?;
            self.expr(right)?;
            self.op_arg(Opcode::CompareOp, comparison(*op));
            return Ok(());
        }
        if ops.is_empty() || ops.len() != comparators.len() {
            return Err(self.system("Compare has no comparators"));
        }
        let cleanup = self.unit.new_block();
        self.chain(left, ops, comparators, cleanup, Opcode::JumpIfFalseOrPop)?;
        let end = self.unit.new_block();
        self.jump(Opcode::JumpForward, end);
        self.unit.use_next_block(cleanup);
        self.op(Opcode::RotTwo);
        self.op(Opcode::PopTop);
        self.unit.use_next_block(end);
        Ok(())
    }

    /// A list, tuple or set. With starred items, the others are built in groups of `inner`, and all joined by `outer`.
    fn display(&mut self, elts: &[Expr], single: Opcode, inner: Opcode, outer: Opcode) -> Done {
        let (mut parts, mut seen) = (0, 0);
        for elt in elts {
            if let ExprKind::Starred { value, .. } = &elt.kind {
                if seen != 0 {
                    self.op_arg(inner, seen);
                    seen = 0;
                    parts += 1;
                }
                self.expr(value)?;
                parts += 1;
            } else {
                self.expr(elt)?;
                seen += 1;
            }
        }
        if parts == 0 {
            self.op_arg(single, seen);
            return Ok(());
        }
        if seen != 0 {
            self.op_arg(inner, seen);
            parts += 1;
        }
        self.op_arg(outer, parts);
        Ok(())
    }

    /// An assignment to several targets.
    fn unpack(&mut self, elts: &[Expr]) -> Done {
        let starred = elts.iter().position(is_starred);
        if let Some(at) = starred {
            let after = elts.len() - at - 1;
            if at >= 1 << 8 || after >= (i32::MAX >> 8) as usize {
                return Err(self.error("too many expressions in star-unpacking assignment"));
            }
            self.op_arg(Opcode::UnpackEx, at + (after << 8));
            if elts.iter().skip(at + 1).any(is_starred) {
                return Err(self.error("two starred expressions in assignment"));
            }
        } else {
            self.op_arg(Opcode::UnpackSequence, elts.len());
        }
        for (position, elt) in elts.iter().enumerate() {
            match &elt.kind {
                ExprKind::Starred { value, .. } if starred == Some(position) => self.expr(value)?,
                _ => self.expr(elt)?,
            }
        }
        Ok(())
    }

    fn dict(&mut self, keys: &[Option<Expr>], values: &[Expr]) -> Done {
        if keys.len() != values.len() {
            return Err(self.system("Dict doesn't have the same number of keys as values"));
        }
        let (mut containers, mut elements, mut unpacking) = (0, 0, false);
        for (position, (key, value)) in keys.iter().zip(values).enumerate() {
            unpacking = key.is_none();
            if elements == DICT_PIECE || (elements != 0 && unpacking) {
                self.dict_piece(keys, values, position - elements, position)?;
                containers += 1;
                elements = 0;
            }
            if unpacking {
                self.expr(value)?;
                containers += 1;
            } else {
                elements += 1;
            }
        }
        if elements != 0 || containers == 0 {
            self.dict_piece(keys, values, values.len() - elements, values.len())?;
            containers += 1;
        }
        if containers > 1 || unpacking {
            self.op_arg(Opcode::BuildMapUnpack, containers);
        }
        Ok(())
    }

    fn dict_piece(&mut self, keys: &[Option<Expr>], values: &[Expr], start: usize, end: usize) -> Done {
        let keys = keys.get(start..end).unwrap_or_default();
        let values = values.get(start..end).unwrap_or_default();
        let constants = || -> Option<Vec<Constant>> {
            keys.iter()
                .map(|key| match key.as_ref().map(|key| &key.kind) {
                    Some(ExprKind::Constant { value, .. }) => Some(value.clone()),
                    _ => None,
                })
                .collect()
        };
        if keys.len() > 1
            && let Some(constants) = constants()
        {
            self.exprs(values)?;
            self.load_const(&Constant::Tuple(constants.into()));
            self.op_arg(Opcode::BuildConstKeyMap, keys.len());
            return Ok(());
        }
        for (key, value) in keys.iter().zip(values) {
            if let Some(key) = key {
                self.expr(key)?;
            }
            self.expr(value)?;
        }
        self.op_arg(Opcode::BuildMap, keys.len());
        Ok(())
    }

    fn call(&mut self, func: &Expr, args: &[Expr], keywords: &[Keyword]) -> Done {
        if let ExprKind::Attribute { value, attr, ctx: ExprContext::Load } = &func.kind
            && keywords.is_empty()
            && !args.iter().any(is_starred)
        {
            self.expr(value)?;
            self.op_name(Opcode::LoadMethod, *attr);
            self.exprs(args)?;
            self.op_arg(Opcode::CallMethod, args.len());
            return Ok(());
        }
        self.check_caller(func);
        self.expr(func)?;
        self.call_with(0, args, keywords)
    }

    /// A call of what is on the stack, with `pushed` arguments that are there already.
    pub(super) fn call_with(&mut self, pushed: usize, args: &[Expr], keywords: &[Keyword]) -> Done {
        let unpacks = keywords.iter().any(|keyword| keyword.arg.is_none());
        let (mut seen, mut parts) = (pushed, 0);
        for arg in args {
            if let ExprKind::Starred { value, .. } = &arg.kind {
                if seen != 0 {
                    self.op_arg(Opcode::BuildTuple, seen);
                    seen = 0;
                    parts += 1;
                }
                self.expr(value)?;
                parts += 1;
            } else {
                self.expr(arg)?;
                seen += 1;
            }
        }
        if parts == 0 && !unpacks {
            if keywords.is_empty() {
                self.op_arg(Opcode::CallFunction, pushed + args.len());
            } else {
                for keyword in keywords {
                    self.expr(&keyword.value)?;
                }
                let names = self.keyword_names(keywords);
                self.load_const(&names);
                self.op_arg(Opcode::CallFunctionKw, pushed + args.len() + keywords.len());
            }
            return Ok(());
        }
        if seen != 0 {
            self.op_arg(Opcode::BuildTuple, seen);
            parts += 1;
        }
        match parts {
            0 => self.op_arg(Opcode::BuildTuple, 0),
            1 => {}
            _ => self.op_arg(Opcode::BuildTupleUnpackWithCall, parts),
        }
        let (mut seen, mut parts) = (0, 0);
        for (position, keyword) in keywords.iter().enumerate() {
            if keyword.arg.is_some() {
                seen += 1;
                continue;
            }
            if seen != 0 {
                self.keyword_dict(keywords.get(position - seen..position).unwrap_or_default())?;
                parts += 1;
                seen = 0;
            }
            self.expr(&keyword.value)?;
            parts += 1;
        }
        if seen != 0 {
            self.keyword_dict(keywords.get(keywords.len() - seen..).unwrap_or_default())?;
            parts += 1;
        }
        if parts > 1 {
            self.op_arg(Opcode::BuildMapUnpackWithCall, parts);
        }
        self.op_arg(Opcode::CallFunctionEx, usize::from(parts > 0));
        Ok(())
    }

    fn keyword_names(&self, keywords: &[Keyword]) -> Constant {
        Constant::Tuple(keywords.iter().filter_map(|keyword| keyword.arg).map(|name| self.text(name)).collect())
    }

    /// A dict of keyword arguments, none of which is unpacked.
    fn keyword_dict(&mut self, keywords: &[Keyword]) -> Done {
        if let [Keyword { arg: Some(name), value }] = keywords {
            let name = self.text(*name);
            self.load_const(&name);
            self.expr(value)?;
            self.op_arg(Opcode::BuildMap, 1);
            return Ok(());
        }
        for keyword in keywords {
            self.expr(&keyword.value)?;
        }
        let names = self.keyword_names(keywords);
        self.load_const(&names);
        self.op_arg(Opcode::BuildConstKeyMap, keywords.len());
        Ok(())
    }

    fn subscript(&mut self, slice: &Slice, ctx: ExprContext) -> Done {
        if ctx != ExprContext::AugStore {
            match slice {
                Slice::Index { value } => self.expr(value)?,
                Slice::Slice { .. } => self.slice(slice)?,
                Slice::ExtSlice { dims } => {
                    for dim in dims {
                        self.slice(dim)?;
                    }
                    self.op_arg(Opcode::BuildTuple, dims.len());
                }
            }
        }
        match ctx {
            ExprContext::AugLoad => self.op(Opcode::DupTopTwo),
            ExprContext::AugStore => self.op(Opcode::RotThree),
            _ => {}
        }
        self.op(match ctx {
            ExprContext::Store | ExprContext::AugStore => Opcode::StoreSubscr,
            ExprContext::Del => Opcode::DeleteSubscr,
            _ => Opcode::BinarySubscr,
        });
        Ok(())
    }

    fn slice(&mut self, slice: &Slice) -> Done {
        match slice {
            Slice::Index { value } => self.expr(value),
            Slice::Slice { lower, upper, step } => {
                for bound in [lower, upper] {
                    match bound {
                        Some(bound) => self.expr(bound)?,
                        None => self.load_none(),
                    }
                }
                if let Some(step) = step {
                    self.expr(step)?;
                }
                self.op_arg(Opcode::BuildSlice, 2 + usize::from(step.is_some()));
                Ok(())
            }
            Slice::ExtSlice { .. } => Err(self.system("extended slice invalid in nested slice")),
        }
    }
}
