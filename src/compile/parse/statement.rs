//! Statements.

use super::parser::{Parsed, Parser, Stop};
use super::target::describe;
use super::tokenizer::{Kind, Place};
use crate::compile::ast::{
    Alias, ClassDef, ExceptHandler, Expr, ExprContext, ExprKind, For, FunctionDef, Operator, Stmt, StmtKind, Try, With,
    WithItem,
};
use crate::compile::error::CompileError;
use crate::compile::symbol::Symbol;

/// The operator of an augmented assignment.
fn augmented(kind: Kind) -> Option<Operator> {
    Some(match kind {
        Kind::PlusEqual => Operator::Add,
        Kind::MinusEqual => Operator::Sub,
        Kind::StarEqual => Operator::Mult,
        Kind::AtEqual => Operator::MatMult,
        Kind::SlashEqual => Operator::Div,
        Kind::PercentEqual => Operator::Mod,
        Kind::AmpersandEqual => Operator::BitAnd,
        Kind::BarEqual => Operator::BitOr,
        Kind::CircumflexEqual => Operator::BitXor,
        Kind::LeftShiftEqual => Operator::LShift,
        Kind::RightShiftEqual => Operator::RShift,
        Kind::DoubleStarEqual => Operator::Pow,
        Kind::DoubleSlashEqual => Operator::FloorDiv,
        _ => return None,
    })
}

/// Where the last of some statements ends.
fn end_of(body: &[Stmt]) -> Place {
    body.last().map_or(Place::default(), |last| Place { line: last.at.end_line, col: last.at.end_col })
}

/// An arm of an `if` statement.
struct Arm {
    start: Place,
    test: Expr,
    body: Vec<Stmt>,
    error: Option<CompileError>,
}

impl<'s> Parser<'s> {
    /// The errors of the tree in a part of a statement: CPython does not visit the parts of some statements in the order of
    /// the source, and the first error that it meets is the one raised.
    fn apart<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<(T, Option<CompileError>)> {
        let before = self.deferred.take();
        let result = rule(self);
        let error = std::mem::replace(&mut self.deferred, before);
        result.map(|result| (result, error))
    }

    fn defer_all(&mut self, errors: impl IntoIterator<Item = Option<CompileError>>) {
        if self.deferred.is_none() {
            self.deferred = errors.into_iter().flatten().next();
        }
    }

    /// The position of a statement with a body: from its first token to the end of the last statement in it.
    fn spanning(&self, start: Place, body: &[Stmt]) -> crate::compile::ast::Position {
        let mut at = self.from(start);
        let end = end_of(body);
        (at.end_line, at.end_col) = (end.line, end.col);
        at
    }

    /// Whether a compound statement starts here.
    pub(super) fn is_compound(&self) -> bool {
        matches!(
            self.token.kind,
            Kind::If
                | Kind::While
                | Kind::For
                | Kind::Try
                | Kind::With
                | Kind::Def
                | Kind::Class
                | Kind::At
                | Kind::Async
        )
    }

    /// `stmt: simple_stmt | compound_stmt`
    pub(super) fn stmt(&mut self, body: &mut Vec<Stmt>) -> Parsed<()> {
        let start = self.token.at;
        self.depth += 3;
        let statement = match self.token.kind {
            Kind::If => self.if_stmt(start)?,
            Kind::While => self.while_stmt(start)?,
            Kind::For => self.for_stmt(start, false)?,
            Kind::Try => self.try_stmt(start)?,
            Kind::With => self.with_stmt(start, false)?,
            Kind::Def => self.funcdef(start, Vec::new(), false)?,
            Kind::Class => self.classdef(start, Vec::new())?,
            Kind::At => self.decorated()?,
            Kind::Async => {
                self.bump()?;
                self.depth += 1;
                let statement = match self.token.kind {
                    Kind::Def => self.funcdef(start, Vec::new(), true)?,
                    Kind::With => self.with_stmt(start, true)?,
                    Kind::For => self.for_stmt(start, true)?,
                    _ => return self.unexpected(),
                };
                self.depth -= 1;
                statement
            }
            _ => {
                self.depth -= 2;
                self.simple_stmt(body)?;
                self.depth -= 1;
                return Ok(());
            }
        };
        self.depth -= 3;
        body.push(statement);
        Ok(())
    }

    /// `simple_stmt: small_stmt (';' small_stmt)* [';'] NEWLINE`
    pub(super) fn simple_stmt(&mut self, body: &mut Vec<Stmt>) -> Parsed<()> {
        loop {
            // simple_stmt, small_stmt, the statement
            self.depth += 3;
            let statement = self.small_stmt()?;
            self.depth -= 3;
            body.push(statement);
            match self.token.kind {
                Kind::Semicolon => self.bump()?,
                // A single statement is complete here: nothing more is read.
                Kind::Newline if self.is_last() => return Ok(()),
                Kind::Newline => return self.bump(),
                _ => return self.unexpected(),
            }
            if self.token.kind == Kind::Newline {
                return if self.is_last() { Ok(()) } else { self.bump() };
            }
        }
    }

    fn is_last(&self) -> bool {
        self.mode == super::Mode::Single && self.blocks == 0
    }

    fn small_stmt(&mut self) -> Parsed<Stmt> {
        let start = self.token.at;
        let kind = match self.token.kind {
            Kind::Pass => {
                self.bump()?;
                StmtKind::Pass
            }
            Kind::Break => {
                self.bump()?;
                StmtKind::Break
            }
            Kind::Continue => {
                self.bump()?;
                StmtKind::Continue
            }
            Kind::Return => {
                self.bump()?;
                self.depth += 1;
                let value = if self.starts_test() || self.token.kind == Kind::Star {
                    Some(Box::new(self.testlist_star_expr()?))
                } else {
                    None
                };
                self.depth -= 1;
                StmtKind::Return { value }
            }
            Kind::Raise => {
                self.bump()?;
                self.depth += 1;
                let exc = if self.starts_test() { Some(Box::new(self.test()?)) } else { None };
                let cause = if exc.is_some() && self.accept(Kind::From)? { Some(Box::new(self.test()?)) } else { None };
                self.depth -= 1;
                StmtKind::Raise { exc, cause }
            }
            Kind::Yield => {
                self.depth += 1;
                let value = Box::new(self.yield_expr()?);
                self.depth -= 1;
                StmtKind::Expr { value }
            }
            Kind::Del => {
                self.bump()?;
                self.depth += 1;
                let (targets, _) = self.exprlist(ExprContext::Del)?;
                self.depth -= 1;
                StmtKind::Delete { targets }
            }
            Kind::Import => self.import_name()?,
            Kind::From => self.import_from()?,
            Kind::Global => {
                self.bump()?;
                StmtKind::Global { names: self.names()? }
            }
            Kind::Nonlocal => {
                self.bump()?;
                StmtKind::Nonlocal { names: self.names()? }
            }
            Kind::Assert => {
                self.bump()?;
                let test = Box::new(self.test()?);
                let msg = if self.accept(Kind::Comma)? { Some(Box::new(self.test()?)) } else { None };
                StmtKind::Assert { test, msg }
            }
            _ if self.starts_test() || self.token.kind == Kind::Star => return self.expr_stmt(),
            _ => return self.unexpected(),
        };
        Ok(Stmt { kind, at: self.from(start) })
    }

    fn names(&mut self) -> Parsed<Vec<Symbol>> {
        let mut names = vec![self.expect_name()?];
        while self.accept(Kind::Comma)? {
            names.push(self.expect_name()?);
        }
        Ok(names)
    }

    fn expr_stmt(&mut self) -> Parsed<Stmt> {
        let start = self.token.at;
        let parenthesised = self.token.kind == Kind::LeftParen;
        let mut target = self.testlist_star_expr()?;
        let kind = match self.token.kind {
            Kind::Equal => self.assign(start, target)?,
            Kind::Colon => self.ann_assign(start, target, parenthesised)?,
            kind => match augmented(kind) {
                None => StmtKind::Expr { value: Box::new(target) },
                Some(op) => {
                    let fits = self.set_context(&mut target, ExprContext::Store, start);
                    let simple = matches!(
                        target.kind,
                        ExprKind::Name { .. } | ExprKind::Attribute { .. } | ExprKind::Subscript { .. }
                    );
                    if fits && !simple {
                        self.defer(start, "illegal expression for augmented assignment".to_owned());
                    }
                    self.bump()?;
                    let value = if self.token.kind == Kind::Yield { self.yield_expr()? } else { self.testlist()? };
                    StmtKind::AugAssign { target: Box::new(target), op, value: Box::new(value) }
                }
            },
        };
        Ok(Stmt { kind, at: self.from(start) })
    }

    fn assign(&mut self, start: Place, first: Expr) -> Parsed<StmtKind> {
        let mut targets = Vec::new();
        let mut value = first;
        let mut at = start;
        let mut is_yield = false;
        let mut fresh = false;
        while self.token.kind == Kind::Equal {
            if is_yield {
                self.defer_before(fresh, at, "assignment to yield expression not possible");
            } else {
                self.set_context(&mut value, ExprContext::Store, at);
            }
            self.bump()?;
            at = self.token.at;
            fresh = self.deferred.is_none();
            is_yield = self.token.kind == Kind::Yield;
            let next = if is_yield { self.yield_expr()? } else { self.testlist_star_expr()? };
            targets.push(std::mem::replace(&mut value, next));
        }
        let type_comment = self.type_comment()?;
        Ok(StmtKind::Assign { targets, value: Box::new(value), type_comment })
    }

    fn ann_assign(&mut self, start: Place, mut target: Expr, parenthesised: bool) -> Parsed<StmtKind> {
        self.require(6, start, "Variable annotation syntax is");
        let mut simple = 0;
        match &mut target.kind {
            ExprKind::Name { id, ctx } => {
                *ctx = ExprContext::Store;
                simple = i32::from(!parenthesised);
                let id = *id;
                self.check_name(id, start, false);
            }
            ExprKind::Attribute { attr, ctx, .. } => {
                *ctx = ExprContext::Store;
                let attr = *attr;
                self.check_name(attr, start, true);
            }
            ExprKind::Subscript { ctx, .. } => *ctx = ExprContext::Store,
            ExprKind::List { .. } | ExprKind::Tuple { .. } => {
                let message = format!("only single target (not {}) can be annotated", describe(&target));
                self.defer(start, message);
            }
            _ => self.defer(start, "illegal target for annotation".to_owned()),
        }
        self.bump()?;
        self.depth += 1;
        let annotation = Box::new(self.test()?);
        let value = if self.accept(Kind::Equal)? {
            Some(Box::new(match self.token.kind {
                Kind::Yield => self.yield_expr()?,
                _ => self.testlist_star_expr()?,
            }))
        } else {
            None
        };
        self.depth -= 1;
        Ok(StmtKind::AnnAssign { target: Box::new(target), annotation, value, simple })
    }

    /// `dotted_name: NAME ('.' NAME)*`, as one name. Gives where its only part stands, too.
    fn dotted_name(&mut self) -> Parsed<(Symbol, Option<Place>)> {
        let start = self.token.at;
        let first = self.expect_name()?;
        if self.token.kind != Kind::Dot {
            return Ok((first, Some(start)));
        }
        let mut name = self.symbols.bytes(first).to_vec();
        while self.accept(Kind::Dot)? {
            let part = self.expect_name()?;
            name.push(b'.');
            name.extend_from_slice(self.symbols.bytes(part));
        }
        Ok((self.symbols.intern_bytes(&name), None))
    }

    fn import_name(&mut self) -> Parsed<StmtKind> {
        self.bump()?;
        let mut names = Vec::new();
        loop {
            let (name, only) = self.dotted_name()?;
            let asname = self.as_name(name, only)?;
            names.push(Alias { name, asname });
            if !self.accept(Kind::Comma)? {
                return Ok(StmtKind::Import { names });
            }
        }
    }

    fn import_from(&mut self) -> Parsed<StmtKind> {
        self.bump()?;
        let mut level = 0;
        loop {
            match self.token.kind {
                Kind::Dot => level += 1,
                Kind::Ellipsis => level += 3,
                _ => break,
            }
            self.bump()?;
        }
        let module = match self.token.kind {
            Kind::Name => Some(self.dotted_name()?.0),
            Kind::Import if level > 0 => None,
            _ => return self.unexpected(),
        };
        self.expect(Kind::Import)?;
        let mut names = Vec::new();
        match self.token.kind {
            Kind::Star => {
                self.bump()?;
                names.push(Alias { name: self.symbols.intern("*"), asname: None });
            }
            Kind::LeftParen => {
                self.bump()?;
                self.import_as_names(&mut names)?;
                self.expect(Kind::RightParen)?;
            }
            _ => {
                let start = self.token.at;
                let fresh = self.deferred.is_none();
                if self.import_as_names(&mut names)? {
                    let message = "trailing comma not allowed without surrounding parentheses";
                    self.defer_before(fresh, start, message);
                }
            }
        }
        Ok(StmtKind::ImportFrom { module, names, level: Some(level) })
    }

    /// The name after `as`. Without one `name` is bound, and checked if it has a place.
    fn as_name(&mut self, name: Symbol, at: Option<Place>) -> Parsed<Option<Symbol>> {
        if self.accept(Kind::As)? {
            let at = self.token.at;
            let asname = self.expect_name()?;
            self.check_name(asname, at, false);
            return Ok(Some(asname));
        }
        if let Some(at) = at {
            self.check_name(name, at, false);
        }
        Ok(None)
    }

    /// Whether a comma ends the names.
    fn import_as_names(&mut self, names: &mut Vec<Alias>) -> Parsed<bool> {
        loop {
            let at = self.token.at;
            let name = self.expect_name()?;
            let asname = self.as_name(name, Some(at))?;
            names.push(Alias { name, asname });
            if !self.accept(Kind::Comma)? {
                return Ok(false);
            }
            if self.token.kind != Kind::Name {
                return Ok(true);
            }
        }
    }

    /// `suite: simple_stmt | NEWLINE INDENT stmt+ DEDENT`
    fn suite(&mut self) -> Parsed<Vec<Stmt>> {
        Ok(self.function_suite(false)?.0)
    }

    /// A suite, with the type comment that a function's may start with.
    fn function_suite(&mut self, function: bool) -> Parsed<(Vec<Stmt>, Option<Symbol>)> {
        let mut body = Vec::new();
        self.blocks += 1;
        self.depth += 1;
        let mut comment = None;
        if self.token.kind != Kind::Newline {
            self.simple_stmt(&mut body)?;
        } else {
            self.bump()?;
            if function && self.token.kind == Kind::TypeComment {
                comment = self.type_comment()?;
                self.expect(Kind::Newline)?;
            }
            if self.token.kind != Kind::Indent {
                return self.expected_indent();
            }
            self.bump()?;
            while self.token.kind != Kind::Dedent {
                stacker::maybe_grow(super::RED_ZONE, super::STACK, || self.stmt(&mut body))?;
            }
            self.bump()?;
        }
        self.depth -= 1;
        self.blocks -= 1;
        Ok((body, comment))
    }

    fn if_stmt(&mut self, start: Place) -> Parsed<Stmt> {
        let mut arms: Vec<Arm> = Vec::new();
        let mut orelse = None;
        loop {
            let at = if arms.is_empty() { start } else { self.token.at };
            self.bump()?;
            let ((test, body), error) = self.apart(|this| {
                this.depth += 1;
                let test = this.namedexpr_test()?;
                this.depth -= 1;
                this.expect(Kind::Colon)?;
                Ok((test, this.suite()?))
            })?;
            arms.push(Arm { start: at, test, body, error });
            match self.token.kind {
                Kind::Elif => {}
                Kind::Else => {
                    self.bump()?;
                    self.expect(Kind::Colon)?;
                    orelse = Some(self.apart(Self::suite)?);
                    break;
                }
                _ => break,
            }
        }
        self.defer_arms(&mut arms, &mut orelse);
        let mut tail = orelse.map(|(body, _)| body).unwrap_or_default();
        while let Some(Arm { start, test, body, .. }) = arms.pop() {
            let at = self.spanning(start, if tail.is_empty() { &body } else { &tail });
            tail = vec![Stmt { kind: StmtKind::If { test: Box::new(test), body, orelse: tail }, at }];
        }
        tail.pop().ok_or(Stop)
    }

    /// CPython looks at the last arm and the `else` first, then backwards at the other arms, the first one last.
    fn defer_arms(&mut self, arms: &mut [Arm], orelse: &mut Option<(Vec<Stmt>, Option<CompileError>)>) {
        let orelse = orelse.as_mut().and_then(|(_, error)| error.take());
        if arms.len() == 1 {
            let first = arms.first_mut().and_then(|arm| arm.error.take());
            self.defer_all([first, orelse]);
            return;
        }
        let last = arms.last_mut().and_then(|arm| arm.error.take());
        self.defer_all([last, orelse]);
        for arm in arms.iter_mut().rev() {
            let error = arm.error.take();
            self.defer_all([error]);
        }
    }

    fn else_suite(&mut self) -> Parsed<Vec<Stmt>> {
        if !self.accept(Kind::Else)? {
            return Ok(Vec::new());
        }
        self.expect(Kind::Colon)?;
        self.suite()
    }

    fn while_stmt(&mut self, start: Place) -> Parsed<Stmt> {
        self.bump()?;
        self.depth += 1;
        let test = Box::new(self.namedexpr_test()?);
        self.depth -= 1;
        self.expect(Kind::Colon)?;
        let body = self.suite()?;
        let orelse = self.else_suite()?;
        let at = self.spanning(start, if orelse.is_empty() { &body } else { &orelse });
        Ok(Stmt { kind: StmtKind::While { test, body, orelse }, at })
    }

    fn for_stmt(&mut self, start: Place, is_async: bool) -> Parsed<Stmt> {
        if is_async {
            self.require(5, self.token.at, "Async for loops are");
        }
        self.bump()?;
        let ((target, iter, type_comment, body), error) = self.apart(|this| {
            let target = this.target_list()?;
            this.expect(Kind::In)?;
            let iter = this.testlist()?;
            this.expect(Kind::Colon)?;
            let type_comment = this.type_comment()?;
            Ok((target, iter, type_comment, this.suite()?))
        })?;
        // CPython looks at the `else` first.
        let orelse = self.else_suite()?;
        self.defer_all([error]);
        let at = self.spanning(start, if orelse.is_empty() { &body } else { &orelse });
        let parts = Box::new(For { target, iter, body, orelse, type_comment });
        let kind = if is_async { StmtKind::AsyncFor(parts) } else { StmtKind::For(parts) };
        Ok(Stmt { kind, at })
    }

    fn try_stmt(&mut self, start: Place) -> Parsed<Stmt> {
        self.bump()?;
        self.expect(Kind::Colon)?;
        let body = self.suite()?;
        let mut handlers = Vec::new();
        let mut handler_errors = Vec::new();
        while self.token.kind == Kind::Except {
            let (handler, error) = self.apart(Self::except_clause)?;
            handlers.push(handler);
            handler_errors.push(error);
        }
        let orelse = if handlers.is_empty() { Vec::new() } else { self.else_suite()? };
        let finalbody = if self.token.kind == Kind::Finally {
            self.bump()?;
            self.expect(Kind::Colon)?;
            self.suite()?
        } else if handlers.is_empty() {
            return self.unexpected();
        } else {
            Vec::new()
        };
        self.defer_all(handler_errors);
        let mut at = self.from(start);
        if let Some(last) = finalbody.last().or(orelse.last()) {
            (at.end_line, at.end_col) = (last.at.end_line, last.at.end_col);
        } else if let Some(last) = handlers.last() {
            (at.end_line, at.end_col) = (last.at.end_line, last.at.end_col);
        }
        Ok(Stmt { kind: StmtKind::Try(Box::new(Try { body, handlers, orelse, finalbody })), at })
    }

    fn except_clause(&mut self) -> Parsed<ExceptHandler> {
        let start = self.token.at;
        self.bump()?;
        let mut ty = None;
        let mut name = None;
        if self.starts_test() {
            self.depth += 1;
            let (test, error) = self.apart(Self::test)?;
            self.depth -= 1;
            ty = Some(Box::new(test));
            if self.accept(Kind::As)? {
                let at = self.token.at;
                let bound = self.expect_name()?;
                self.check_name(bound, at, false);
                name = Some(bound);
            }
            self.defer_all([error]);
        }
        self.expect(Kind::Colon)?;
        let body = self.suite()?;
        let at = self.spanning(start, &body);
        Ok(ExceptHandler { ty, name, body, at })
    }

    fn with_stmt(&mut self, start: Place, is_async: bool) -> Parsed<Stmt> {
        if is_async {
            self.require(5, self.token.at, "Async with statements are");
        }
        self.bump()?;
        let mut items = Vec::new();
        self.depth += 1;
        loop {
            let at = self.token.at;
            let context_expr = self.test()?;
            let optional_vars = if self.accept(Kind::As)? {
                let mut target = self.expr()?;
                self.set_context(&mut target, ExprContext::Store, at);
                Some(Box::new(target))
            } else {
                None
            };
            items.push(WithItem { context_expr, optional_vars });
            if !self.accept(Kind::Comma)? {
                break;
            }
        }
        self.depth -= 1;
        self.expect(Kind::Colon)?;
        let type_comment = self.type_comment()?;
        let body = self.suite()?;
        let at = self.spanning(start, &body);
        let parts = Box::new(With { items, body, type_comment });
        let kind = if is_async { StmtKind::AsyncWith(parts) } else { StmtKind::With(parts) };
        Ok(Stmt { kind, at })
    }

    fn decorated(&mut self) -> Parsed<Stmt> {
        let mut decorators = Vec::new();
        while self.token.kind == Kind::At {
            self.bump()?;
            let start = self.token.at;
            let id = self.expect_name()?;
            let mut expr = Expr { kind: ExprKind::Name { id, ctx: ExprContext::Load }, at: self.from(start) };
            while self.accept(Kind::Dot)? {
                let attr = self.expect_name()?;
                let kind = ExprKind::Attribute { value: Box::new(expr), attr, ctx: ExprContext::Load };
                expr = Expr { kind, at: self.from(start) };
            }
            if self.token.kind == Kind::LeftParen {
                // decorators, decorator, arglist, argument
                expr = self.call(expr, start, 4)?;
            }
            self.expect(Kind::Newline)?;
            decorators.push(expr);
        }
        let start = self.token.at;
        self.depth += 1;
        let definition = match self.token.kind {
            Kind::Def => self.funcdef(start, decorators, false)?,
            Kind::Class => self.classdef(start, decorators)?,
            Kind::Async => {
                self.bump()?;
                if self.token.kind != Kind::Def {
                    return self.unexpected();
                }
                self.depth += 1;
                let definition = self.funcdef(start, decorators, true)?;
                self.depth -= 1;
                definition
            }
            _ => return self.unexpected(),
        };
        self.depth -= 1;
        Ok(definition)
    }

    fn funcdef(&mut self, start: Place, decorator_list: Vec<Expr>, is_async: bool) -> Parsed<Stmt> {
        let def = self.token.at;
        if is_async {
            self.require(5, def, "Async functions are");
        }
        self.bump()?;
        let at = self.token.at;
        let name = self.expect_name()?;
        self.check_name(name, at, false);
        self.expect(Kind::LeftParen)?;
        // parameters, typedargslist
        self.depth += 2;
        let args = self.parameters(true)?;
        self.depth -= 2;
        self.expect(Kind::RightParen)?;
        let returns = if self.accept(Kind::Arrow)? { Some(Box::new(self.test()?)) } else { None };
        self.expect(Kind::Colon)?;
        let mut type_comment = self.type_comment()?;
        let (body, comment) = self.function_suite(true)?;
        if type_comment.is_some() && comment.is_some() {
            self.defer(def, "Cannot have two type comments on def".to_owned());
        }
        type_comment = type_comment.or(comment);
        let at = self.spanning(start, &body);
        let parts = Box::new(FunctionDef { name, args, body, decorator_list, returns, type_comment });
        let kind = if is_async { StmtKind::AsyncFunctionDef(parts) } else { StmtKind::FunctionDef(parts) };
        Ok(Stmt { kind, at })
    }

    fn classdef(&mut self, start: Place, decorator_list: Vec<Expr>) -> Parsed<Stmt> {
        self.bump()?;
        let mut at = self.token.at;
        let name = self.expect_name()?;
        let (mut bases, mut keywords) = (Vec::new(), Vec::new());
        // Where an error about the name points: CPython takes it from the token that comes fourth.
        if self.accept(Kind::LeftParen)? {
            if self.token.kind == Kind::RightParen {
                at = self.token.at;
            } else {
                // arglist, argument
                self.depth += 2;
                (bases, keywords) = self.arglist(None)?;
                self.depth -= 2;
            }
            self.expect(Kind::RightParen)?;
            self.expect(Kind::Colon)?;
        } else {
            self.expect(Kind::Colon)?;
            at = self.token.at;
        }
        let body = self.suite()?;
        self.check_name(name, at, false);
        let position = self.spanning(start, &body);
        let parts = Box::new(ClassDef { name, bases, keywords, body, decorator_list });
        Ok(Stmt { kind: StmtKind::ClassDef(parts), at: position })
    }
}
