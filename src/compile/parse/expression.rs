//! Expressions.

use super::parser::{Parsed, Parser};
use super::target::describe;
use super::tokenizer::{Kind, Place};
use super::{RED_ZONE, STACK};
use crate::compile::ast::{
    Arguments, BoolOp, CmpOp, Comprehension, Expr, ExprContext, ExprKind, Operator, Slice, UnaryOp,
};
use crate::compile::constant::Constant;

/// Entries on the stack of CPython's parser from `expr` to `factor`, and to `atom`.
const EXPR_TO_FACTOR: u32 = 7;
const EXPR_TO_ATOM: u32 = 10;

/// A binary operator and how strongly it binds.
fn binary(kind: Kind) -> Option<(Operator, u8)> {
    Some(match kind {
        Kind::Bar => (Operator::BitOr, 1),
        Kind::Circumflex => (Operator::BitXor, 2),
        Kind::Ampersand => (Operator::BitAnd, 3),
        Kind::LeftShift => (Operator::LShift, 4),
        Kind::RightShift => (Operator::RShift, 4),
        Kind::Plus => (Operator::Add, 5),
        Kind::Minus => (Operator::Sub, 5),
        Kind::Star => (Operator::Mult, 6),
        Kind::At => (Operator::MatMult, 6),
        Kind::Slash => (Operator::Div, 6),
        Kind::Percent => (Operator::Mod, 6),
        Kind::DoubleSlash => (Operator::FloorDiv, 6),
        _ => return None,
    })
}

impl<'s> Parser<'s> {
    /// Whether an `expr` starts here.
    pub(super) fn starts_expr(&self) -> bool {
        matches!(
            self.token.kind,
            Kind::Name
                | Kind::Number
                | Kind::String
                | Kind::LeftParen
                | Kind::LeftBracket
                | Kind::LeftBrace
                | Kind::Plus
                | Kind::Minus
                | Kind::Tilde
                | Kind::Ellipsis
                | Kind::None
                | Kind::True
                | Kind::False
                | Kind::Await
        )
    }

    /// Whether a `test` starts here.
    pub(super) fn starts_test(&self) -> bool {
        self.starts_expr() || matches!(self.token.kind, Kind::Not | Kind::Lambda)
    }

    fn starts_test_or_star(&self) -> bool {
        self.starts_test() || self.token.kind == Kind::Star
    }

    /// `namedexpr_test: test [':=' test]`
    pub(super) fn namedexpr_test(&mut self) -> Parsed<Expr> {
        let start = self.token.at;
        let test = self.test()?;
        if self.token.kind == Kind::ColonEqual { self.named(test, start) } else { Ok(test) }
    }

    /// What follows the target of a named expression.
    pub(super) fn named(&mut self, mut target: Expr, start: Place) -> Parsed<Expr> {
        self.bump()?;
        let value = Box::new(self.test()?);
        if matches!(target.kind, ExprKind::Name { .. }) {
            self.set_context(&mut target, ExprContext::Store, start);
        } else {
            let message = format!("cannot use assignment expressions with {}", describe(&target));
            self.defer(start, message);
        }
        let kind = ExprKind::NamedExpr { target: Box::new(target), value };
        Ok(Expr { kind, at: self.from(start) })
    }

    /// `test: or_test ['if' or_test 'else' test] | lambdef`
    pub(super) fn test(&mut self) -> Parsed<Expr> {
        self.depth += 1;
        let test = stacker::maybe_grow(RED_ZONE, STACK, || {
            if self.token.kind == Kind::Lambda {
                return self.lambdef(false);
            }
            let start = self.token.at;
            let body = self.or_test()?;
            if self.token.kind != Kind::If {
                return Ok(body);
            }
            self.bump()?;
            let test = Box::new(self.or_test()?);
            self.expect(Kind::Else)?;
            let orelse = Box::new(self.test()?);
            Ok(Expr { kind: ExprKind::IfExp { test, body: Box::new(body), orelse }, at: self.from(start) })
        })?;
        self.depth -= 1;
        Ok(test)
    }

    /// `test_nocond: or_test | lambdef_nocond`
    fn test_nocond(&mut self) -> Parsed<Expr> {
        self.depth += 1;
        let test = stacker::maybe_grow(RED_ZONE, STACK, || {
            if self.token.kind == Kind::Lambda { self.lambdef(true) } else { self.or_test() }
        })?;
        self.depth -= 1;
        Ok(test)
    }

    fn lambdef(&mut self, nocond: bool) -> Parsed<Expr> {
        let start = self.token.at;
        self.depth += 1;
        self.check_depth(0)?;
        self.bump()?;
        // varargslist
        self.depth += 1;
        let args = if self.token.kind == Kind::Colon { Arguments::default() } else { self.parameters(false)? };
        self.depth -= 1;
        self.expect(Kind::Colon)?;
        let body = Box::new(if nocond { self.test_nocond()? } else { self.test()? });
        self.depth -= 1;
        Ok(Expr { kind: ExprKind::Lambda { args: Box::new(args), body }, at: self.from(start) })
    }

    /// `or_test: and_test ('or' and_test)*`
    fn or_test(&mut self) -> Parsed<Expr> {
        // or_test, and_test, not_test, comparison
        self.depth += 4;
        let start = self.token.at;
        let first = self.and_test()?;
        if self.token.kind != Kind::Or {
            self.depth -= 4;
            return Ok(first);
        }
        let mut values = vec![first];
        while self.accept(Kind::Or)? {
            values.push(self.and_test()?);
        }
        self.depth -= 4;
        Ok(Expr { kind: ExprKind::BoolOp { op: BoolOp::Or, values }, at: self.from(start) })
    }

    /// `and_test: not_test ('and' not_test)*`
    #[inline(always)]
    fn and_test(&mut self) -> Parsed<Expr> {
        let start = self.token.at;
        let first = self.not_test()?;
        if self.token.kind != Kind::And {
            return Ok(first);
        }
        let mut values = vec![first];
        while self.accept(Kind::And)? {
            values.push(self.not_test()?);
        }
        Ok(Expr { kind: ExprKind::BoolOp { op: BoolOp::And, values }, at: self.from(start) })
    }

    /// `not_test: 'not' not_test | comparison`
    #[inline(always)]
    fn not_test(&mut self) -> Parsed<Expr> {
        if self.token.kind != Kind::Not {
            return self.comparison();
        }
        let mut starts = Vec::new();
        while self.token.kind == Kind::Not {
            starts.push(self.token.at);
            // (There is no comparison yet.)
            self.depth -= 1;
            self.check_depth(0)?;
            self.depth += 2;
            self.bump()?;
        }
        let mut test = self.comparison()?;
        while let Some(start) = starts.pop() {
            self.depth -= 1;
            let kind = ExprKind::UnaryOp { op: UnaryOp::Not, operand: Box::new(test) };
            test = Expr { kind, at: self.from(start) };
        }
        Ok(test)
    }

    /// A comparison operator, read whole.
    fn comp_op(&mut self) -> Parsed<Option<CmpOp>> {
        let op = match self.token.kind {
            Kind::Less => CmpOp::Lt,
            Kind::Greater => CmpOp::Gt,
            Kind::EqEqual => CmpOp::Eq,
            Kind::GreaterEqual => CmpOp::GtE,
            Kind::LessEqual => CmpOp::LtE,
            Kind::NotEqual => CmpOp::NotEq,
            Kind::In => CmpOp::In,
            Kind::Not => {
                self.bump()?;
                self.expect(Kind::In)?;
                return Ok(Some(CmpOp::NotIn));
            }
            Kind::Is => {
                self.bump()?;
                return Ok(Some(if self.accept(Kind::Not)? { CmpOp::IsNot } else { CmpOp::Is }));
            }
            _ => return Ok(None),
        };
        self.bump()?;
        Ok(Some(op))
    }

    /// `comparison: expr (comp_op expr)*`
    #[inline(always)]
    fn comparison(&mut self) -> Parsed<Expr> {
        let start = self.token.at;
        let fresh = self.deferred.is_none();
        let left = self.expr()?;
        let Some(op) = self.comp_op()? else { return Ok(left) };
        // CPython looks at what is compared with first.
        let error = if fresh { self.deferred.take() } else { None };
        let mut ops = vec![op];
        let mut comparators = vec![self.expr()?];
        while let Some(op) = self.comp_op()? {
            ops.push(op);
            comparators.push(self.expr()?);
        }
        self.deferred = self.deferred.take().or(error);
        Ok(Expr { kind: ExprKind::Compare { left: Box::new(left), ops, comparators }, at: self.from(start) })
    }

    /// `expr`, the rule: from `|` down.
    #[inline]
    pub(super) fn expr(&mut self) -> Parsed<Expr> {
        self.binary(1)
    }

    /// Operators that bind at least as strongly as `least`.
    fn binary(&mut self, least: u8) -> Parsed<Expr> {
        let start = self.token.at;
        let mut left = self.factor()?;
        while let Some((op, strength)) = binary(self.token.kind) {
            if strength < least {
                break;
            }
            if op == Operator::MatMult {
                self.require(5, self.token.at, "The '@' operator is");
            }
            self.bump()?;
            let part = self.token.at;
            let right = self.binary(strength + 1)?;
            let kind = ExprKind::BinOp { left: Box::new(left), op, right: Box::new(right) };
            left = Expr { kind, at: self.ending(start, part) };
        }
        Ok(left)
    }

    /// `factor: ('+'|'-'|'~') factor | power`
    #[inline(always)]
    fn factor(&mut self) -> Parsed<Expr> {
        if !matches!(self.token.kind, Kind::Plus | Kind::Minus | Kind::Tilde) {
            return self.power();
        }
        let mut signs = Vec::new();
        loop {
            let op = match self.token.kind {
                Kind::Plus => UnaryOp::UAdd,
                Kind::Minus => UnaryOp::USub,
                Kind::Tilde => UnaryOp::Invert,
                _ => break,
            };
            signs.push((op, self.token.at));
            self.check_depth(EXPR_TO_FACTOR)?;
            self.depth += 1;
            self.bump()?;
        }
        let mut operand = self.power()?;
        while let Some((op, start)) = signs.pop() {
            self.depth -= 1;
            let kind = ExprKind::UnaryOp { op, operand: Box::new(operand) };
            operand = Expr { kind, at: self.from(start) };
        }
        Ok(operand)
    }

    /// `power: atom_expr ['**' factor]`
    #[inline(always)]
    fn power(&mut self) -> Parsed<Expr> {
        let start = self.token.at;
        let left = self.atom_expr()?;
        if self.token.kind != Kind::DoubleStar {
            return Ok(left);
        }
        self.bump()?;
        // factor, power
        self.depth += 2;
        let right = stacker::maybe_grow(RED_ZONE, STACK, || self.factor())?;
        self.depth -= 2;
        let kind = ExprKind::BinOp { left: Box::new(left), op: Operator::Pow, right: Box::new(right) };
        Ok(Expr { kind, at: self.from(start) })
    }

    /// `atom_expr: [AWAIT] atom trailer*`
    #[inline(always)]
    fn atom_expr(&mut self) -> Parsed<Expr> {
        self.check_depth(EXPR_TO_ATOM)?;
        let start = self.token.at;
        let awaits = self.token.kind == Kind::Await;
        if awaits {
            self.require(5, start, "Await expressions are");
            self.bump()?;
        }
        let first = self.token.at;
        let mut value = self.atom()?;
        loop {
            value = match self.token.kind {
                // trailer, arglist, argument
                Kind::LeftParen => self.call(value, first, EXPR_TO_ATOM + 2),
                Kind::LeftBracket => self.subscription(value, first),
                Kind::Dot => self.attribute(value, first),
                _ => break,
            }?;
        }
        if !awaits {
            return Ok(value);
        }
        Ok(Expr { kind: ExprKind::Await { value: Box::new(value) }, at: self.from(start) })
    }

    #[inline(always)]
    fn attribute(&mut self, value: Expr, start: Place) -> Parsed<Expr> {
        let part = self.token.at;
        self.bump()?;
        let attr = self.expect_name()?;
        let kind = ExprKind::Attribute { value: Box::new(value), attr, ctx: ExprContext::Load };
        Ok(Expr { kind, at: self.ending(start, part) })
    }

    /// `'[' subscriptlist ']'`
    fn subscription(&mut self, value: Expr, start: Place) -> Parsed<Expr> {
        let part = self.token.at;
        let slice = self.subscriptlist()?;
        let kind = ExprKind::Subscript { value: Box::new(value), slice: Box::new(slice), ctx: ExprContext::Load };
        Ok(Expr { kind, at: self.ending(start, part) })
    }

    fn subscriptlist(&mut self) -> Parsed<Slice> {
        self.bump()?;
        // trailer, subscriptlist, subscript
        self.depth += EXPR_TO_ATOM + 2;
        let start = self.token.at;
        let first = self.subscript()?;
        let slice = if self.token.kind != Kind::Comma {
            first
        } else {
            let mut dims = vec![first];
            while self.accept(Kind::Comma)? {
                if !self.starts_test() && self.token.kind != Kind::Colon {
                    break;
                }
                dims.push(self.subscript()?);
            }
            if dims.iter().all(|dim| matches!(dim, Slice::Index { .. })) {
                // Without colons it is a tuple.
                let elts = dims
                    .into_iter()
                    .filter_map(|dim| if let Slice::Index { value } = dim { Some(*value) } else { None })
                    .collect();
                let kind = ExprKind::Tuple { elts, ctx: ExprContext::Load };
                Slice::Index { value: Box::new(Expr { kind, at: self.from(start) }) }
            } else {
                Slice::ExtSlice { dims }
            }
        };
        self.depth -= EXPR_TO_ATOM + 2;
        self.expect(Kind::RightBracket)?;
        Ok(slice)
    }

    /// `subscript: test | [test] ':' [test] [sliceop]`
    fn subscript(&mut self) -> Parsed<Slice> {
        let lower = if self.token.kind == Kind::Colon { None } else { Some(Box::new(self.test()?)) };
        if self.token.kind != Kind::Colon {
            return match lower {
                Some(value) => Ok(Slice::Index { value }),
                None => self.unexpected(),
            };
        }
        self.bump()?;
        let upper = if self.starts_test() { Some(Box::new(self.test()?)) } else { None };
        self.depth += 1;
        let step = if self.accept(Kind::Colon)? && self.starts_test() { Some(Box::new(self.test()?)) } else { None };
        self.depth -= 1;
        Ok(Slice::Slice { lower, upper, step })
    }

    fn constant(&mut self, value: Constant) -> Parsed<Expr> {
        let start = self.token.at;
        self.bump()?;
        Ok(Expr { kind: ExprKind::Constant { value, kind: None }, at: self.from(start) })
    }

    fn atom(&mut self) -> Parsed<Expr> {
        let start = self.token.at;
        match self.token.kind {
            Kind::Name => {
                let id = self.symbol();
                self.bump()?;
                Ok(Expr { kind: ExprKind::Name { id, ctx: ExprContext::Load }, at: self.from(start) })
            }
            Kind::Number => {
                let token = self.token;
                if self.feature_version < 6 && self.text(token).contains(&b'_') {
                    self.require(6, start, "Underscores in numeric literals are");
                }
                let value = super::literal::number(self.text(token));
                self.constant(value)
            }
            Kind::String => self.strings(),
            Kind::None => self.constant(Constant::None),
            Kind::True => self.constant(Constant::Bool(true)),
            Kind::False => self.constant(Constant::Bool(false)),
            Kind::Ellipsis => self.constant(Constant::Ellipsis),
            Kind::LeftParen | Kind::LeftBracket | Kind::LeftBrace => {
                // To the atom, and testlist_comp or dictorsetmaker
                self.depth += EXPR_TO_ATOM + 1;
                let expr = match self.token.kind {
                    Kind::LeftParen => self.parenthesised(start),
                    Kind::LeftBracket => self.list(start),
                    _ => self.braces(start),
                }?;
                self.depth -= EXPR_TO_ATOM + 1;
                Ok(expr)
            }
            _ => self.unexpected(),
        }
    }

    /// `'(' [yield_expr|testlist_comp] ')'`
    fn parenthesised(&mut self, start: Place) -> Parsed<Expr> {
        self.bump()?;
        match self.token.kind {
            Kind::RightParen => {
                self.bump()?;
                let kind = ExprKind::Tuple { elts: Vec::new(), ctx: ExprContext::Load };
                return Ok(Expr { kind, at: self.from(start) });
            }
            Kind::Yield => {
                self.depth -= 1;
                let value = self.yield_expr()?;
                self.depth += 1;
                self.expect(Kind::RightParen)?;
                return Ok(value);
            }
            _ => {}
        }
        let first_at = self.token.at;
        let first = self.namedexpr_or_star()?;
        let kind = match self.token.kind {
            Kind::For | Kind::Async => {
                self.refuse_starred(&first, first_at);
                let generators = self.comp_for()?;
                ExprKind::GeneratorExp { elt: Box::new(first), generators }
            }
            Kind::Comma => {
                let elts = self.items(first, Self::namedexpr_or_star)?;
                ExprKind::Tuple { elts, ctx: ExprContext::Load }
            }
            _ => {
                self.expect(Kind::RightParen)?;
                return Ok(first);
            }
        };
        self.expect(Kind::RightParen)?;
        Ok(Expr { kind, at: self.from(start) })
    }

    /// `'[' [testlist_comp] ']'`
    fn list(&mut self, start: Place) -> Parsed<Expr> {
        self.bump()?;
        let kind = if self.token.kind == Kind::RightBracket {
            ExprKind::List { elts: Vec::new(), ctx: ExprContext::Load }
        } else {
            let first_at = self.token.at;
            let first = self.namedexpr_or_star()?;
            if matches!(self.token.kind, Kind::For | Kind::Async) {
                self.refuse_starred(&first, first_at);
                let generators = self.comp_for()?;
                ExprKind::ListComp { elt: Box::new(first), generators }
            } else {
                let elts = self.items(first, Self::namedexpr_or_star)?;
                ExprKind::List { elts, ctx: ExprContext::Load }
            }
        };
        self.expect(Kind::RightBracket)?;
        Ok(Expr { kind, at: self.from(start) })
    }

    /// `'{' [dictorsetmaker] '}'`
    fn braces(&mut self, start: Place) -> Parsed<Expr> {
        self.bump()?;
        let fresh = self.deferred.is_none();
        let kind = match self.token.kind {
            Kind::RightBrace => ExprKind::Dict { keys: Vec::new(), values: Vec::new() },
            Kind::DoubleStar => {
                self.bump()?;
                let value = self.expr()?;
                if matches!(self.token.kind, Kind::For | Kind::Async) {
                    self.defer_before(fresh, start, "dict unpacking cannot be used in dict comprehension");
                    self.comp_for()?;
                    ExprKind::Dict { keys: vec![None], values: vec![value] }
                } else {
                    self.dict(None, value)?
                }
            }
            _ => {
                let first_at = self.token.at;
                let first = self.test_or_star()?;
                match self.token.kind {
                    Kind::Colon if !matches!(first.kind, ExprKind::Starred { .. }) => {
                        self.bump()?;
                        let value = self.test()?;
                        if matches!(self.token.kind, Kind::For | Kind::Async) {
                            let generators = self.comp_for()?;
                            ExprKind::DictComp { key: Box::new(first), value: Box::new(value), generators }
                        } else {
                            self.dict(Some(first), value)?
                        }
                    }
                    Kind::For | Kind::Async => {
                        self.refuse_starred(&first, first_at);
                        let generators = self.comp_for()?;
                        ExprKind::SetComp { elt: Box::new(first), generators }
                    }
                    _ => ExprKind::Set { elts: self.items(first, Self::test_or_star)? },
                }
            }
        };
        self.expect(Kind::RightBrace)?;
        Ok(Expr { kind, at: self.from(start) })
    }

    fn dict(&mut self, key: Option<Expr>, value: Expr) -> Parsed<ExprKind> {
        let mut keys = vec![key];
        let mut values = vec![value];
        while self.accept(Kind::Comma)? {
            if self.token.kind == Kind::DoubleStar {
                self.bump()?;
                keys.push(None);
                values.push(self.expr()?);
            } else if self.starts_test() {
                keys.push(Some(self.test()?));
                self.expect(Kind::Colon)?;
                values.push(self.test()?);
            } else {
                break;
            }
        }
        Ok(ExprKind::Dict { keys, values })
    }

    fn refuse_starred(&mut self, element: &Expr, at: Place) {
        if matches!(element.kind, ExprKind::Starred { .. }) {
            self.defer(at, "iterable unpacking cannot be used in comprehension".to_owned());
        }
    }

    /// The rest of a list with commas, of which the last may end it.
    fn items(&mut self, first: Expr, rule: fn(&mut Self) -> Parsed<Expr>) -> Parsed<Vec<Expr>> {
        let mut items = vec![first];
        while self.accept(Kind::Comma)? {
            if !self.starts_test_or_star() {
                break;
            }
            items.push(rule(self)?);
        }
        Ok(items)
    }

    /// `star_expr: '*' expr`
    fn star_expr(&mut self) -> Parsed<Expr> {
        let start = self.token.at;
        self.expect(Kind::Star)?;
        self.depth += 1;
        let value = Box::new(self.expr()?);
        self.depth -= 1;
        Ok(Expr { kind: ExprKind::Starred { value, ctx: ExprContext::Load }, at: self.from(start) })
    }

    fn namedexpr_or_star(&mut self) -> Parsed<Expr> {
        if self.token.kind == Kind::Star {
            return self.star_expr();
        }
        self.depth += 1;
        let test = self.namedexpr_test()?;
        self.depth -= 1;
        Ok(test)
    }

    fn test_or_star(&mut self) -> Parsed<Expr> {
        if self.token.kind == Kind::Star { self.star_expr() } else { self.test() }
    }

    /// `testlist_star_expr: (test|star_expr) (',' (test|star_expr))* [',']`
    pub(super) fn testlist_star_expr(&mut self) -> Parsed<Expr> {
        let start = self.token.at;
        self.depth += 1;
        let first = self.test_or_star()?;
        if self.token.kind != Kind::Comma {
            self.depth -= 1;
            return Ok(first);
        }
        let elts = self.items(first, Self::test_or_star)?;
        self.depth -= 1;
        Ok(Expr { kind: ExprKind::Tuple { elts, ctx: ExprContext::Load }, at: self.from(start) })
    }

    /// `testlist: test (',' test)* [',']`
    pub(super) fn testlist(&mut self) -> Parsed<Expr> {
        let start = self.token.at;
        self.depth += 1;
        let first = self.test()?;
        if self.token.kind != Kind::Comma {
            self.depth -= 1;
            return Ok(first);
        }
        let mut elts = vec![first];
        while self.accept(Kind::Comma)? {
            if !self.starts_test() {
                break;
            }
            elts.push(self.test()?);
        }
        self.depth -= 1;
        Ok(Expr { kind: ExprKind::Tuple { elts, ctx: ExprContext::Load }, at: self.from(start) })
    }

    /// `exprlist: (expr|star_expr) (',' (expr|star_expr))* [',']`, as targets; whether there is a comma.
    pub(super) fn exprlist(&mut self, context: ExprContext) -> Parsed<(Vec<Expr>, bool)> {
        let mut targets = Vec::new();
        loop {
            let at = self.token.at;
            let mut target = if self.token.kind == Kind::Star { self.star_expr()? } else { self.expr()? };
            self.set_context(&mut target, context, at);
            targets.push(target);
            if !self.accept(Kind::Comma)? {
                let comma = targets.len() > 1;
                return Ok((targets, comma));
            }
            if !self.starts_expr() && self.token.kind != Kind::Star {
                return Ok((targets, true));
            }
        }
    }

    /// The target of a `for`.
    pub(super) fn target_list(&mut self) -> Parsed<Expr> {
        let start = self.token.at;
        self.depth += 1;
        let (mut elts, comma) = self.exprlist(ExprContext::Store)?;
        self.depth -= 1;
        if !comma && let Some(target) = elts.pop() {
            return Ok(target);
        }
        let kind = ExprKind::Tuple { elts, ctx: ExprContext::Store };
        Ok(Expr { kind, at: self.from(start) })
    }

    /// `comp_for: [ASYNC] 'for' exprlist 'in' or_test [comp_iter]`, with all that follow it.
    pub(super) fn comp_for(&mut self) -> Parsed<Vec<Comprehension>> {
        let mut generators: Vec<Comprehension> = Vec::new();
        let depth = self.depth;
        loop {
            match self.token.kind {
                Kind::For | Kind::Async => {
                    let is_async = self.token.kind == Kind::Async;
                    if is_async {
                        self.require(6, self.token.at, "Async comprehensions are");
                        self.bump()?;
                    }
                    self.expect(Kind::For)?;
                    // (comp_iter,) comp_for, sync_comp_for
                    self.depth += if generators.is_empty() { 2 } else { 3 };
                    let target = self.target_list()?;
                    self.expect(Kind::In)?;
                    let iter = self.or_test()?;
                    generators.push(Comprehension { target, iter, ifs: Vec::new(), is_async: i32::from(is_async) });
                }
                Kind::If => {
                    self.bump()?;
                    // comp_iter, comp_if
                    self.depth += 2;
                    let test = self.test_nocond()?;
                    if let Some(generator) = generators.last_mut() {
                        generator.ifs.push(test);
                    }
                }
                _ => break,
            }
        }
        self.depth = depth;
        Ok(generators)
    }

    /// `yield_expr: 'yield' ['from' test | testlist_star_expr]`
    pub(super) fn yield_expr(&mut self) -> Parsed<Expr> {
        let start = self.token.at;
        self.bump()?;
        // yield_expr, yield_arg
        self.depth += 2;
        let kind = if self.accept(Kind::From)? {
            ExprKind::YieldFrom { value: Box::new(self.test()?) }
        } else if self.starts_test_or_star() {
            ExprKind::Yield { value: Some(Box::new(self.testlist_star_expr()?)) }
        } else {
            ExprKind::Yield { value: None }
        };
        self.depth -= 2;
        Ok(Expr { kind, at: self.from(start) })
    }
}
