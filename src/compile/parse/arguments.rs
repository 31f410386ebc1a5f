//! Arguments of calls and parameters of functions.

use super::parser::{Parsed, Parser};
use super::tokenizer::{Kind, Place};
use crate::compile::ast::{Arg, Arguments, Expr, ExprContext, ExprKind, Keyword};
use crate::compile::symbol::Symbol;

/// Positional and keyword arguments.
type CallArguments = (Vec<Expr>, Vec<Keyword>);

impl Parser<'_> {
    /// `'(' [arglist] ')'` after what is called. `entries` lie on the stack of CPython's parser above an argument.
    pub(super) fn call(&mut self, func: Expr, start: Place, entries: u32) -> Parsed<Expr> {
        let (args, keywords) = self.call_arguments(entries)?;
        let kind = ExprKind::Call { func: Box::new(func), args, keywords };
        Ok(Expr { kind, at: self.ending(start, self.last) })
    }

    fn call_arguments(&mut self, entries: u32) -> Parsed<CallArguments> {
        let paren = self.token.at;
        self.bump()?;
        if self.accept(Kind::RightParen)? {
            return Ok((Vec::new(), Vec::new()));
        }
        self.depth += entries;
        let mut arguments = self.arglist(Some(paren))?;
        self.depth -= entries;
        self.expect(Kind::RightParen)?;
        // A generator expression alone has the call's parentheses.
        if let ([only], true) = (arguments.0.as_mut_slice(), self.lone_generator) {
            only.at = self.ending(paren, self.last);
        }
        self.lone_generator = false;
        Ok(arguments)
    }

    /// `arglist: argument (',' argument)* [',']`. `paren` is where a call's parenthesis stands; a class has none to give to
    /// a generator expression.
    pub(super) fn arglist(&mut self, paren: Option<Place>) -> Parsed<CallArguments> {
        let fresh = self.deferred.is_none();
        let (mut args, mut keywords): CallArguments = (Vec::new(), Vec::new());
        let mut double_stars = 0;
        // The first generator expression without parentheses, and how many items there are.
        let mut generator = None;
        let mut count = 0;
        let mut comma = false;
        loop {
            let start = self.token.at;
            count += 1;
            match self.token.kind {
                Kind::Star => {
                    if double_stars > 0 {
                        let message = "iterable argument unpacking follows keyword argument unpacking";
                        self.defer(start, message.to_owned());
                    }
                    self.bump()?;
                    let value = Box::new(self.test()?);
                    // It ends with what is in parentheses, not with the parenthesis.
                    let mut at = self.from(start);
                    (at.end_line, at.end_col) = (value.at.end_line, value.at.end_col);
                    args.push(Expr { kind: ExprKind::Starred { value, ctx: ExprContext::Load }, at });
                }
                Kind::DoubleStar => {
                    self.bump()?;
                    keywords.push(Keyword { arg: None, value: self.test()? });
                    double_stars += 1;
                }
                _ => {
                    let token = self.token;
                    let clean = self.deferred.is_none();
                    let value = self.test()?;
                    match self.token.kind {
                        Kind::Equal => {
                            let plain = self.end == token.until
                                && matches!(token.kind, Kind::Name | Kind::None | Kind::True | Kind::False);
                            let arg = self.symbol_of(token);
                            self.check_keyword(arg, plain, clean, start, &keywords);
                            self.bump()?;
                            keywords.push(Keyword { arg: Some(arg), value: self.test()? });
                        }
                        Kind::ColonEqual => {
                            self.check_positional(clean, start, keywords.len(), double_stars);
                            args.push(self.named(value, start)?);
                        }
                        Kind::For | Kind::Async => {
                            generator.get_or_insert(start);
                            let generators = self.comp_for()?;
                            let kind = ExprKind::GeneratorExp { elt: Box::new(value), generators };
                            args.push(Expr { kind, at: self.from(start) });
                        }
                        _ => {
                            self.check_positional(clean, start, keywords.len(), double_stars);
                            args.push(value);
                        }
                    }
                }
            }
            if !self.accept(Kind::Comma)? {
                break;
            }
            comma = true;
            if !self.starts_test() && !matches!(self.token.kind, Kind::Star | Kind::DoubleStar) {
                break;
            }
        }
        self.lone_generator = false;
        if let Some(at) = generator {
            if paren.is_none() {
                self.defer_before(fresh, at, "invalid syntax");
            } else if comma {
                self.defer_before(fresh, at, "Generator expression must be parenthesized");
            }
            self.lone_generator = count == 1;
        }
        Ok((args, keywords))
    }

    fn check_positional(&mut self, clean: bool, at: Place, keywords: usize, double_stars: u32) {
        if keywords > 0 {
            let unpacking = if double_stars > 0 { " unpacking" } else { "" };
            let message = format!("positional argument follows keyword argument{unpacking}");
            self.defer_before(clean, at, &message);
        }
    }

    fn check_keyword(&mut self, name: Symbol, plain: bool, clean: bool, at: Place, known: &[Keyword]) {
        if !plain {
            let message = "expression cannot contain assignment, perhaps you meant \"==\"?";
            self.defer_before(clean, at, message);
        } else if self.check_name(name, at, true) && known.iter().any(|keyword| keyword.arg == Some(name)) {
            self.defer(at, "keyword argument repeated".to_owned());
        }
    }

    /// `typedargslist` (of a `def`: `typed`) or `varargslist` (of a `lambda`), or nothing.
    pub(super) fn parameters(&mut self, typed: bool) -> Parsed<Arguments> {
        let mut all = Arguments::default();
        let list = self.token.at;
        let mut slash = false;
        // Parameters with names so far, and whether a star was seen.
        let mut star = false;
        loop {
            match self.token.kind {
                Kind::Name => {
                    let (arg, default) = self.parameter(typed, star)?;
                    if star {
                        all.kwonlyargs.push(arg);
                        all.kw_defaults.push(default);
                    } else {
                        match default {
                            Some(default) => all.defaults.push(default),
                            None if !all.defaults.is_empty() => {
                                let message = "non-default argument follows default argument";
                                self.defer(list, message.to_owned());
                            }
                            None => {}
                        }
                        all.args.push(arg);
                    }
                }
                Kind::Slash if !star && !slash && !all.args.is_empty() => {
                    self.bump()?;
                    slash = true;
                    all.posonlyargs = std::mem::take(&mut all.args);
                }
                Kind::Star if !star => {
                    let at = self.token.at;
                    self.bump()?;
                    star = true;
                    if self.token.kind == Kind::Name {
                        all.vararg = Some(Box::new(self.parameter_name(typed, false)?));
                    } else {
                        self.bare_star(at)?;
                        if self.token.kind == Kind::Comma {
                            continue_after_comma(self, typed)?;
                            if !matches!(self.token.kind, Kind::Name | Kind::DoubleStar) {
                                return Ok(all);
                            }
                            if self.token.kind == Kind::DoubleStar {
                                self.defer(self.token.at, "named arguments must follow bare *".to_owned());
                            }
                            continue;
                        }
                        self.type_comment_of(&mut all, typed)?;
                        return Ok(all);
                    }
                }
                Kind::DoubleStar => {
                    self.bump()?;
                    all.kwarg = Some(Box::new(self.parameter_name(typed, false)?));
                    self.accept(Kind::Comma)?;
                    self.type_comment_of(&mut all, typed)?;
                    return Ok(all);
                }
                _ => return Ok(all),
            }
            if self.token.kind != Kind::Comma {
                self.type_comment_of(&mut all, typed)?;
                return Ok(all);
            }
            self.bump()?;
            self.type_comment_of(&mut all, typed)?;
        }
    }

    /// Refuses a star that no named parameter follows.
    fn bare_star(&mut self, at: Place) -> Parsed<()> {
        if self.token.kind != Kind::Comma {
            self.defer(at, "named arguments must follow bare *".to_owned());
        }
        self.bare_star = at;
        Ok(())
    }

    /// Gives a type comment to the parameter before it.
    fn type_comment_of(&mut self, all: &mut Arguments, typed: bool) -> Parsed<()> {
        if !typed {
            return Ok(());
        }
        let Some(comment) = self.type_comment()? else { return Ok(()) };
        let last = match (&mut all.kwarg, all.kwonlyargs.last_mut(), &mut all.vararg) {
            (Some(kwarg), _, _) => Some(&mut **kwarg),
            (_, Some(last), _) => Some(last),
            (_, _, Some(vararg)) => Some(&mut **vararg),
            _ => all.args.last_mut().or(all.posonlyargs.last_mut()),
        };
        if let Some(last) = last {
            last.type_comment = Some(comment);
        }
        Ok(())
    }

    /// `tfpdef ['=' test]` or `vfpdef ['=' test]`
    fn parameter(&mut self, typed: bool, keyword_only: bool) -> Parsed<(Arg, Option<Expr>)> {
        let arg = self.parameter_name(typed, keyword_only)?;
        let default = if self.accept(Kind::Equal)? { Some(self.test()?) } else { None };
        Ok((arg, default))
    }

    /// `tfpdef: NAME [':' test]` or `vfpdef: NAME`
    fn parameter_name(&mut self, typed: bool, keyword_only: bool) -> Parsed<Arg> {
        let start = self.token.at;
        let arg = self.expect_name()?;
        self.check_name(arg, start, false);
        let name = self.from(start);
        self.depth += 1;
        let annotation = if typed && self.accept(Kind::Colon)? { Some(Box::new(self.test()?)) } else { None };
        self.depth -= 1;
        // The annotation of a keyword-only parameter is not part of it.
        let at = if keyword_only { name } else { self.from(start) };
        Ok(Arg { arg, annotation, type_comment: None, at })
    }

    /// `func_type: '(' [typelist] ')' '->' test`
    pub(super) fn func_type(&mut self) -> Parsed<(Vec<Expr>, Expr)> {
        self.expect(Kind::LeftParen)?;
        let mut types = Vec::new();
        let mut star = false;
        loop {
            match self.token.kind {
                Kind::Star if !star => {
                    self.bump()?;
                    star = true;
                    if self.starts_test() {
                        types.push(self.test()?);
                    }
                }
                Kind::DoubleStar => {
                    self.bump()?;
                    types.push(self.test()?);
                    break;
                }
                _ if self.starts_test() => types.push(self.test()?),
                _ if !star => break,
                _ => return self.unexpected(),
            }
            if !self.accept(Kind::Comma)? {
                break;
            }
        }
        self.expect(Kind::RightParen)?;
        self.expect(Kind::Arrow)?;
        Ok((types, self.test()?))
    }
}

/// Behind the comma of a bare star: a type comment may not stand here, though the grammar has it.
fn continue_after_comma(parser: &mut Parser<'_>, typed: bool) -> Parsed<()> {
    parser.bump()?;
    if typed && parser.token.kind == Kind::TypeComment {
        let at = parser.token.at;
        parser.defer(at, "bare * has associated type comment".to_owned());
        parser.bump()?;
    }
    if !matches!(parser.token.kind, Kind::Name | Kind::DoubleStar) {
        let at = parser.bare_star;
        parser.defer(at, "named arguments must follow bare *".to_owned());
    }
    Ok(())
}
