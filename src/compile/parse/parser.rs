//! The parser's state: the current token, errors of the grammar and of the tree, positions.

use super::tokenizer::{FileEnd, Kind, Place, Token, TokenError, Tokenizer};
use super::{Mode, ParseOptions};
use crate::compile::ast::{Expr, Mod, Position, Stmt, StmtKind, Tree, TypeIgnore};
use crate::compile::error::{CompileError, CompileWarning, ErrorKind};
use crate::compile::symbol::{Symbol, Symbols};

/// The parser has stopped; the error is in [`Parser::failure`].
#[derive(Debug)]
pub(super) struct Stop;

/// What a rule of the grammar gives.
pub(super) type Parsed<T> = Result<T, Stop>;

/// CPython's limit of entries on the stack of its parser.
const MAX_STACK: u32 = 1700;

/// How the expression in an f-string lies in the source around it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shift {
    pub lines: i32,
    /// For what starts (and for what ends) in its first line.
    pub cols: i32,
}

pub(super) struct Parser<'s> {
    pub source: &'s [u8],
    pub tokens: Tokenizer<'s>,
    /// The token that decides.
    pub token: Token,
    /// Where the token before it ended.
    pub end: Place,
    /// Where it started.
    pub last: Place,
    pub symbols: Symbols,
    pub mode: Mode,
    pub feature_version: u8,
    barry: bool,
    pub type_ignores: Vec<TypeIgnore>,
    pub warnings: Vec<CompileWarning>,
    /// The first error of the tree, raised when the grammar has found none.
    pub deferred: Option<CompileError>,
    /// The error that stopped the parser.
    pub failure: Option<CompileError>,
    pub shift: Option<Shift>,
    /// Whether the names of characters can be had.
    pub names: Option<fn() -> bool>,
    /// Entries on the stack of CPython's parser before the rule that is being read. Counted where rules nest only: every
    /// rule knows how many others lie between it and those.
    pub depth: u32,
    /// Suites around the current token.
    pub blocks: u32,
    /// Where the last star without a name stands.
    pub bare_star: Place,
    /// The arguments just read are one generator expression without parentheses of its own.
    pub lone_generator: bool,
    u: Option<Symbol>,
}

/// What is said where the source ends too soon.
const UNEXPECTED_EOF: &str = "unexpected EOF while parsing";

impl<'s> Parser<'s> {
    pub fn new(source: &'s [u8], file: Option<FileEnd>, options: &ParseOptions<'_>) -> Self {
        let token = Token { kind: Kind::EndMarker, start: 0, end: 0, at: Place::default(), until: Place::default() };
        Parser {
            source,
            tokens: Tokenizer::new(
                source,
                file,
                !options.dont_imply_dedent,
                options.type_comments,
                (1..7).contains(&options.feature_version),
            ),
            token,
            end: Place::default(),
            last: Place::default(),
            symbols: Symbols::default(),
            mode: options.mode,
            feature_version: if options.feature_version == 0 { 8 } else { options.feature_version },
            barry: options.barry_as_bdfl,
            type_ignores: Vec::new(),
            warnings: Vec::new(),
            deferred: None,
            failure: None,
            shift: None,
            names: options.names,
            depth: 1,
            blocks: 0,
            bare_star: Place::default(),
            lone_generator: false,
            u: None,
        }
    }

    /// Of the expression of an f-string, with the names so far.
    pub fn nested(source: &'s [u8], shift: Shift, symbols: Symbols, feature_version: u8) -> Self {
        let options = ParseOptions { mode: Mode::Eval, feature_version, ..ParseOptions::default() };
        let mut parser = Parser::new(source, None, &options);
        parser.shift = Some(shift);
        parser.symbols = symbols;
        parser
    }

    /// Parses the whole source.
    pub fn tree(mut self) -> Result<(Tree, Vec<CompileWarning>), CompileError> {
        let parsed = self.root();
        if let Some(error) = self.failure.take().or(self.deferred.take()) {
            return Err(error);
        }
        match parsed {
            Ok(root) => Ok((Tree { root, symbols: self.symbols }, self.warnings)),
            Err(Stop) => Err(CompileError::plain(ErrorKind::System, "error return without exception set".to_owned())),
        }
    }

    /// Parses what a dialogue has given so far, which is all there is when it has `ended`. `None` when the statement is not
    /// complete; at the end nothing comes of it then.
    pub fn dialogue(mut self, ended: bool) -> Option<Result<(Tree, Vec<CompileWarning>), CompileError>> {
        self.tokens.set_interactive();
        let parsed = self.root();
        if self.tokens.at_eof() && !ended {
            return None;
        }
        match (self.failure.take().or(self.deferred.take()), parsed) {
            (Some(error), _) if error.message == UNEXPECTED_EOF && error.filename.is_none() => None,
            (None, Ok(root)) => Some(Ok((Tree { root, symbols: self.symbols }, self.warnings))),
            (error, _) => error.map(Err),
        }
    }

    /// Parses the first lines of a source.
    ///
    /// # Errors
    /// What is wrong in them, if it is not that there are no more.
    pub fn within(mut self) -> Result<(), CompileError> {
        // What could be parsed is not wanted.
        let _parsed = self.root();
        match self.failure.take().or(self.deferred.take()) {
            Some(error) if !self.tokens.at_eof() => Err(error),
            _ => Ok(()),
        }
    }

    fn root(&mut self) -> Parsed<Mod> {
        self.bump()?;
        match self.mode {
            Mode::Exec => {
                let mut body = Vec::new();
                loop {
                    match self.token.kind {
                        Kind::EndMarker => break,
                        Kind::Newline => self.bump()?,
                        _ => self.stmt(&mut body)?,
                    }
                }
                Ok(Mod::Module { body, type_ignores: std::mem::take(&mut self.type_ignores) })
            }
            Mode::Eval => Ok(Mod::Expression { body: Box::new(self.eval_input()?) }),
            Mode::Single => {
                let mut body: Vec<Stmt> = Vec::new();
                if self.token.kind == Kind::Newline {
                    let at = self.at(self.token.at, self.token.until);
                    body.push(Stmt { kind: StmtKind::Pass, at });
                } else if self.is_compound() {
                    // Without `stmt`.
                    self.depth = 0;
                    self.stmt(&mut body)?;
                    if self.token.kind != Kind::Newline {
                        return self.unexpected();
                    }
                } else {
                    self.simple_stmt(&mut body)?;
                }
                self.check_single()?;
                Ok(Mod::Interactive { body })
            }
            Mode::FuncType => {
                let (argtypes, returns) = self.func_type()?;
                self.end_of_input()?;
                Ok(Mod::FunctionType { argtypes, returns: Box::new(returns) })
            }
        }
    }

    /// `eval_input: testlist NEWLINE* ENDMARKER`
    pub fn eval_input(&mut self) -> Parsed<Expr> {
        let body = self.testlist()?;
        self.end_of_input()?;
        Ok(body)
    }

    fn end_of_input(&mut self) -> Parsed<()> {
        while self.token.kind == Kind::Newline {
            self.bump()?;
        }
        if self.token.kind == Kind::EndMarker { Ok(()) } else { self.unexpected() }
    }

    /// Only spaces and comments may follow a single statement.
    fn check_single(&mut self) -> Parsed<()> {
        let mut rest = self.tokens.rest();
        loop {
            let blank = rest.iter().take_while(|&&c| matches!(c, b' ' | b'\t' | b'\n' | 0x0c)).count();
            rest = rest.get(blank..).unwrap_or_default();
            match rest.first() {
                None => return Ok(()),
                Some(b'#') => {
                    let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                    rest = rest.get(end..).unwrap_or_default();
                }
                Some(_) => {
                    let message = "multiple statements found while compiling a single statement";
                    return self.fail(ErrorKind::Syntax, message);
                }
            }
        }
    }

    /// Goes to the next token.
    #[inline]
    pub fn bump(&mut self) -> Parsed<()> {
        self.end = self.token.until;
        self.last = self.token.at;
        loop {
            match self.tokens.next() {
                Ok(token) => {
                    self.token = token;
                    match token.kind {
                        Kind::NotEqual => return self.check_not_equal(),
                        Kind::TypeIgnore => self.type_ignore(),
                        _ => return Ok(()),
                    }
                }
                Err(error) => return self.token_error(error),
            }
        }
    }

    #[cold]
    fn type_ignore(&mut self) {
        let tag = self.symbols.intern_bytes(self.text(self.token));
        self.type_ignores.push(TypeIgnore { line: self.tokens.line(), tag });
    }

    #[inline]
    fn check_not_equal(&mut self) -> Parsed<()> {
        let text = self.text(self.token);
        if self.barry && text != b"<>" {
            let read = self.tokens.read();
            return self.report(ErrorKind::Syntax, "with Barry as BDFL, use '<>' instead of '!='", read);
        }
        if !self.barry && text != b"!=" {
            // Found before the token has a column.
            let read = self.tokens.read();
            return self.report(ErrorKind::Syntax, "invalid syntax", read);
        }
        Ok(())
    }

    /// Goes on when the token is of a kind, else it is an error.
    #[inline]
    pub fn expect(&mut self, kind: Kind) -> Parsed<()> {
        if self.token.kind == kind { self.bump() } else { self.unexpected() }
    }

    /// Goes on when the token is of a kind; whether it was.
    #[inline]
    pub fn accept(&mut self, kind: Kind) -> Parsed<bool> {
        if self.token.kind == kind { self.bump().map(|()| true) } else { Ok(false) }
    }

    /// The text of a token.
    #[inline]
    pub fn text(&self, token: Token) -> &'s [u8] {
        self.source.get(token.start as usize..token.end as usize).unwrap_or_default()
    }

    /// The position of a node.
    #[inline]
    pub fn at(&self, start: Place, end: Place) -> Position {
        self.placed(start, start, end)
    }

    /// The position of a node that ends with the token before the current one.
    #[inline]
    pub fn from(&self, start: Place) -> Position {
        self.placed(start, start, self.end)
    }

    /// As [`Self::from`], of a node that takes its end from a part of it. In an f-string CPython moves ends (of a part, as
    /// of a node) by where the part starts, which shows when it goes over several lines.
    #[inline]
    pub fn ending(&self, start: Place, part: Place) -> Position {
        self.placed(start, part, self.end)
    }

    #[inline]
    fn placed(&self, start: Place, part: Place, end: Place) -> Position {
        match self.shift {
            None => Position { line: start.line, col: start.col, end_line: end.line, end_col: end.col },
            Some(shift) => {
                let start = self.shifted(start);
                let cols = if part.line == 1 { shift.cols } else { 0 };
                Position {
                    line: start.line,
                    col: start.col,
                    end_line: end.line.saturating_add(shift.lines),
                    end_col: end.col.saturating_add(cols),
                }
            }
        }
    }

    fn shifted(&self, place: Place) -> Place {
        let Some(shift) = self.shift else { return place };
        let cols = if place.line == 1 { shift.cols } else { 0 };
        Place { line: place.line.saturating_add(shift.lines), col: place.col.saturating_add(cols) }
    }

    /// The name that the current token spells.
    pub fn symbol(&mut self) -> Symbol {
        self.symbol_of(self.token)
    }

    /// The name that a token spells, in normal form NFKC.
    pub fn symbol_of(&mut self, token: Token) -> Symbol {
        let text = self.text(token);
        if text.is_ascii() {
            return self.symbols.intern_bytes(text);
        }
        use unicode_normalization::UnicodeNormalization;
        let normal: String = String::from_utf8_lossy(text).nfkc().collect();
        self.symbols.intern(&normal)
    }

    /// Expects a `NAME` and gives it.
    pub fn expect_name(&mut self) -> Parsed<Symbol> {
        if self.token.kind != Kind::Name {
            return self.unexpected();
        }
        let symbol = self.symbol();
        self.bump()?;
        Ok(symbol)
    }

    /// The symbol `u`.
    pub fn kind_u(&mut self) -> Symbol {
        *self.u.get_or_insert_with(|| self.symbols.intern("u"))
    }

    /// A type comment, where one may stand.
    pub fn type_comment(&mut self) -> Parsed<Option<Symbol>> {
        if self.token.kind != Kind::TypeComment {
            return Ok(None);
        }
        let text = self.text(self.token);
        let symbol = self.symbols.intern_bytes(text);
        self.bump()?;
        Ok(Some(symbol))
    }

    /// Notes an error of the tree: it is raised when the grammar finds none.
    pub fn defer(&mut self, at: Place, message: String) {
        if self.deferred.is_none() {
            let at = self.shifted(at);
            self.deferred = Some(CompileError {
                kind: ErrorKind::Syntax,
                message,
                lineno: u32::try_from(at.line).ok(),
                offset: u32::try_from(at.col + 1).ok(),
                text: None,
                filename: self.shift.map(|_| "<fstring>"),
                place: crate::compile::error::Place::Arguments,
            });
        }
    }

    /// As [`Self::defer`], for what CPython checks before it looks into the parts. `fresh`: no error was known before them.
    pub fn defer_before(&mut self, fresh: bool, at: Place, message: &str) {
        if fresh {
            self.deferred = None;
        }
        self.defer(at, message.to_owned());
    }

    /// Refuses syntax that the wanted version does not have.
    pub fn require(&mut self, version: u8, at: Place, what: &str) {
        if self.feature_version < version {
            self.defer(at, format!("{what} only supported in Python 3.{version} and greater"));
        }
    }

    /// Refuses the current token when CPython's parser has no room left for the rules around it: `entries` more than
    /// [`Self::depth`].
    #[inline]
    pub fn check_depth(&mut self, entries: u32) -> Parsed<()> {
        if self.depth + entries > MAX_STACK { self.too_deep() } else { Ok(()) }
    }

    #[cold]
    fn too_deep(&mut self) -> Parsed<()> {
        // What starts no expression makes the parser go no deeper.
        let deeper = self.starts_expr() || matches!(self.token.kind, Kind::Not | Kind::Lambda);
        if !deeper || self.tokens.at_eof() {
            return self.unexpected();
        }
        if self.failure.is_none() {
            self.failure = Some(CompileError::plain(ErrorKind::Memory, String::new()));
        }
        Err(Stop)
    }

    /// The current token may not stand here.
    #[cold]
    pub fn unexpected<T>(&mut self) -> Parsed<T> {
        match self.token.kind {
            Kind::Indent => self.fail(ErrorKind::Indentation, "unexpected indent"),
            Kind::Dedent => self.fail(ErrorKind::Indentation, "unexpected unindent"),
            _ => self.fail(ErrorKind::Syntax, "invalid syntax"),
        }
    }

    /// The current token may not stand here; only an indentation may.
    #[cold]
    pub fn expected_indent<T>(&mut self) -> Parsed<T> {
        if self.token.kind == Kind::Other {
            // No token at all: it is refused before anything is expected.
            return self.unexpected();
        }
        self.fail(ErrorKind::Indentation, "expected an indented block")
    }

    /// An error at the current token.
    #[cold]
    fn fail<T>(&mut self, kind: ErrorKind, message: &str) -> Parsed<T> {
        let col = self.token.at.col;
        let read = if col >= 0 { usize::try_from(col).unwrap_or(0) + 1 } else { self.tokens.read() };
        self.report(kind, message, read)
    }

    /// An error of the tokenizer.
    #[cold]
    fn token_error<T>(&mut self, error: TokenError) -> Parsed<T> {
        let (kind, message) = match error {
            TokenError::Eof => (ErrorKind::Syntax, ""),
            TokenError::Dedent => (ErrorKind::Indentation, "unindent does not match any outer indentation level"),
            TokenError::TabSpace => (ErrorKind::Tab, "inconsistent use of tabs and spaces in indentation"),
            TokenError::TooDeep => (ErrorKind::Indentation, "too many levels of indentation"),
            TokenError::EofInString => (ErrorKind::Syntax, "EOF while scanning triple-quoted string literal"),
            TokenError::EolInString => (ErrorKind::Syntax, "EOL while scanning string literal"),
            TokenError::LineContinuation => {
                (ErrorKind::Syntax, "unexpected character after line continuation character")
            }
            TokenError::Identifier => (ErrorKind::Syntax, "invalid character in identifier"),
            TokenError::Message(message) => {
                let (text, read) = self.tokens.line_text();
                return self.stop(ErrorKind::Syntax, message, text, read);
            }
        };
        let read = self.tokens.read();
        let text = self.tokens.text();
        let message = if message.is_empty() { UNEXPECTED_EOF } else { message };
        self.stop(kind, message.to_owned(), text, read)
    }

    fn report<T>(&mut self, kind: ErrorKind, message: &str, read: usize) -> Parsed<T> {
        let text = self.tokens.text();
        if self.tokens.at_eof() {
            return self.stop(ErrorKind::Syntax, UNEXPECTED_EOF.to_owned(), text, read);
        }
        self.stop(kind, message.to_owned(), text, read)
    }

    fn stop<T>(&mut self, kind: ErrorKind, message: String, text: &[u8], read: usize) -> Parsed<T> {
        let before = text.get(..read.min(text.len())).unwrap_or_default();
        let offset = if self.tokens.is_cleared() { read } else { String::from_utf8_lossy(before).chars().count() };
        if self.failure.is_none() {
            self.failure = Some(CompileError {
                kind,
                message,
                lineno: u32::try_from(self.tokens.line()).ok(),
                offset: u32::try_from(offset).ok(),
                text: Some(String::from_utf8_lossy(text).into_owned().into_bytes()),
                filename: self.shift.map(|_| "<fstring>"),
                place: crate::compile::error::Place::Arguments,
            });
        }
        Err(Stop)
    }
}
