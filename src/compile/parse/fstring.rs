//! f-strings: literal text, replacement fields, conversions and format specifications.
//!
//! An expression is the source text between braces put into parentheses and parsed by itself, as CPython does; positions in
//! it are moved to where that text is first found in the literal.

use super::literal::Pieces;
use super::parser::{Parser, Shift};
use super::tokenizer::{Place, Token};
use crate::compile::ast::{Expr, ExprKind};
use crate::compile::error::CompileError;

/// CPython's limit of nested parentheses in an expression.
const MAX_DEPTH: usize = 200;

/// A literal that is being read.
struct Field<'a> {
    text: &'a [u8],
    at: usize,
    raw: bool,
    start: Place,
    is_u: bool,
    /// The first literal of the strings side by side: where CPython looks for the text of an expression.
    whole: &'a [u8],
}

impl Field<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

/// An expression in braces: its text when `=` asks for it, and the node.
type Replacement = (Option<Vec<u8>>, Expr);

impl<'s> Parser<'s> {
    /// Adds an f-string to pieces. `None` when an error was noted.
    pub(super) fn format_string(
        &mut self,
        pieces: &mut Pieces,
        body: &'s [u8],
        raw: bool,
        start: Place,
        is_u: bool,
        first: Token,
    ) -> Option<()> {
        let whole = self.text(first);
        let mut field = Field { text: body, at: 0, raw, start, is_u, whole };
        self.format_pieces(pieces, &mut field, 0)?;
        Some(())
    }

    fn refuse<T>(&mut self, field: &Field<'_>, message: &str) -> Option<T> {
        self.defer(field.start, format!("f-string{message}"));
        None
    }

    /// Literals and replacement fields up to the end, or to the brace that ends a format specification.
    fn format_pieces(&mut self, pieces: &mut Pieces, field: &mut Field<'_>, level: u32) -> Option<()> {
        pieces.is_format = true;
        loop {
            let again = self.format_literal(pieces, field, level)?;
            if again {
                continue;
            }
            if field.peek().is_none_or(|c| c == b'}') {
                break;
            }
            let (text, value) = self.replacement(field, level)?;
            if let Some(text) = text {
                pieces.text.extend_from_slice(&text);
            }
            self.flush(pieces, field.start, field.is_u);
            pieces.values.push(value);
        }
        if level == 0 && field.at + 1 < field.text.len() {
            return self.refuse(field, ": unexpected end of string");
        }
        if level != 0 && field.peek() != Some(b'}') {
            return self.refuse(field, ": expecting '}'");
        }
        Some(())
    }

    /// Literal text; whether more of it follows a doubled brace.
    fn format_literal(&mut self, pieces: &mut Pieces, field: &mut Field<'_>, level: u32) -> Option<bool> {
        let from = field.at;
        let mut end = field.text.len();
        let mut next = end;
        let mut again = false;
        let mut at = from;
        while let Some(&c) = field.text.get(at) {
            at += 1;
            let mut c = c;
            if !field.raw && c == b'\\' && at < field.text.len() {
                c = field.text.get(at).copied().unwrap_or(0);
                at += 1;
                if c == b'N' {
                    if at < field.text.len() {
                        at += 1;
                        if field.text.get(at - 1) == Some(&b'{') {
                            let rest = field.text.get(at..).unwrap_or_default();
                            at += memchr::memchr(b'}', rest).map_or(rest.len(), |end| end + 1);
                            continue;
                        }
                    }
                    (end, next) = (at, at);
                    break;
                }
                if c == b'{' {
                    self.warn_escape(Some(c), field.start);
                }
            }
            if c == b'{' || c == b'}' {
                if level == 0 {
                    if field.text.get(at) == Some(&c) {
                        (end, next) = (at, at + 1);
                        again = true;
                        break;
                    }
                    if c == b'}' {
                        field.at = at - 1;
                        return self.refuse(field, ": single '}' is not allowed");
                    }
                }
                (end, next) = (at - 1, at - 1);
                break;
            }
        }
        field.at = next;
        let literal = field.text.get(from..end).unwrap_or_default();
        if !literal.is_empty() {
            match self.unescape(literal, field.raw, field.start) {
                Ok(text) => pieces.text.extend_from_slice(&text),
                Err(error) => {
                    self.defer(field.start, error.message());
                    return None;
                }
            }
        }
        Some(again)
    }

    /// A replacement field, from its brace on.
    fn replacement(&mut self, field: &mut Field<'_>, level: u32) -> Option<Replacement> {
        if level >= 2 {
            return self.refuse(field, ": expressions nested too deeply");
        }
        field.at += 1;
        let from = field.at;
        self.skip_expression(field)?;
        let text = field.text.get(from..field.at).unwrap_or_default();
        if field.peek().is_none() {
            return self.refuse(field, ": expecting '}'");
        }
        let value = self.nested_expression(field, text)?;
        let mut shown = None;
        if field.peek() == Some(b'=') {
            field.at += 1;
            while field.peek().is_some_and(|c| matches!(c, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)) {
                field.at += 1;
            }
            shown = Some(field.text.get(from..field.at).unwrap_or_default().to_vec());
        }
        let mut conversion = -1;
        if field.peek() == Some(b'!') {
            field.at += 1;
            let Some(c) = field.peek() else { return self.refuse(field, ": expecting '}'") };
            field.at += 1;
            if !matches!(c, b's' | b'r' | b'a') {
                return self.refuse(field, ": invalid conversion character: expected 's', 'r', or 'a'");
            }
            conversion = i32::from(c);
        }
        let mut format_spec = None;
        if field.peek() == Some(b':') {
            field.at += 1;
            if field.peek().is_none() {
                return self.refuse(field, ": expecting '}'");
            }
            let mut pieces = Pieces::default();
            self.format_pieces(&mut pieces, field, level + 1)?;
            let kind = self.finish(pieces, field.start, field.is_u);
            format_spec = Some(Box::new(Expr { kind, at: self.from(field.start) }));
        }
        if field.peek() != Some(b'}') {
            return self.refuse(field, ": expecting '}'");
        }
        field.at += 1;
        if shown.is_some() && format_spec.is_none() && conversion == -1 {
            conversion = i32::from(b'r');
        }
        let kind = ExprKind::FormattedValue { value: Box::new(value), conversion, format_spec };
        Some((shown, Expr { kind, at: self.from(field.start) }))
    }

    /// Goes to what ends the expression: `!`, `:`, `}` or `=`.
    fn skip_expression(&mut self, field: &mut Field<'_>) -> Option<()> {
        let mut quote: Option<(u8, bool)> = None;
        let mut parens: Vec<u8> = Vec::new();
        while let Some(c) = field.peek() {
            let next = |ahead: usize| field.text.get(field.at + ahead).copied();
            let tripled = next(1) == Some(c) && next(2) == Some(c);
            if c == b'\\' {
                return self.refuse(field, " expression part cannot include a backslash");
            }
            if let Some((open, triple)) = quote {
                if c == open {
                    if !triple {
                        quote = None;
                    } else if tripled {
                        field.at += 2;
                        quote = None;
                    }
                }
                field.at += 1;
                continue;
            }
            match c {
                b'\'' | b'"' => {
                    quote = Some((c, tripled));
                    if tripled {
                        field.at += 2;
                    }
                }
                b'[' | b'{' | b'(' => {
                    if parens.len() >= MAX_DEPTH {
                        return self.refuse(field, ": too many nested parenthesis");
                    }
                    parens.push(c);
                }
                b'#' => return self.refuse(field, " expression part cannot include '#'"),
                b'!' | b':' | b'}' | b'=' | b'>' | b'<' if parens.is_empty() => match next(1) {
                    Some(b'=') if matches!(c, b'!' | b'=' | b'<' | b'>') => field.at += 1,
                    Some(_) if matches!(c, b'<' | b'>') => {}
                    _ => break,
                },
                b']' | b'}' | b')' => {
                    let closing = char::from(c);
                    match parens.pop() {
                        None => return self.refuse(field, &format!(": unmatched '{closing}'")),
                        Some(open) if !matches!((open, c), (b'(', b')') | (b'[', b']') | (b'{', b'}')) => {
                            let open = char::from(open);
                            let message = format!(
                                ": closing parenthesis '{closing}' does not match opening parenthesis '{open}'"
                            );
                            return self.refuse(field, &message);
                        }
                        Some(_) => {}
                    }
                }
                _ => {}
            }
            field.at += 1;
        }
        if quote.is_some() {
            return self.refuse(field, ": unterminated string");
        }
        if let Some(&open) = parens.last() {
            return self.refuse(field, &format!(": unmatched '{}'", char::from(open)));
        }
        Some(())
    }

    /// Parses the text of an expression.
    fn nested_expression(&mut self, field: &Field<'_>, text: &[u8]) -> Option<Expr> {
        if text.iter().all(|c| matches!(c, b' ' | b'\t' | b'\n' | 0x0c)) {
            return self.refuse(field, ": empty expression not allowed");
        }
        let mut source = Vec::with_capacity(text.len() + 2);
        source.push(b'{');
        source.extend_from_slice(text);
        source.push(b'}');
        let shift = self.find(field, &source);
        if let [first, .., last] = source.as_mut_slice() {
            (*first, *last) = (b'(', b')');
        }
        let symbols = std::mem::take(&mut self.symbols);
        let mut nested = Parser::nested(&source, shift, symbols, 0);
        let parsed = nested.bump().and_then(|()| nested.eval_input());
        let error: Option<CompileError> = nested.failure.take().or(nested.deferred.take());
        self.symbols = std::mem::take(&mut nested.symbols);
        if let Some(error) = error {
            if self.deferred.is_none() {
                self.deferred = Some(error);
            }
            return None;
        }
        parsed.ok()
    }

    /// How far positions in an expression are moved: to where its text is first found in the literal.
    fn find(&self, field: &Field<'_>, braced: &[u8]) -> Shift {
        let at = self.at(field.start, field.start);
        let mut shift = Shift { lines: at.line - 1, cols: at.col };
        let Some(found) = memchr::memmem::find(field.whole, braced) else { return shift };
        let before = field.whole.get(..found).unwrap_or_default();
        let newline = memchr::memrchr(b'\n', before);
        shift.cols += (found - newline.unwrap_or(0)) as i32;
        shift.lines += memchr::memchr_iter(b'\n', before).count() as i32;
        shift
    }
}
