//! Source text to the tree of 3.8.
//!
//! The parser is a recursive descent over the LL(1) grammar of 3.8 that makes CPython's tree as it goes. Because it decides
//! by one token of lookahead as CPython's parser does, it accepts what CPython accepts and stops at the token where CPython
//! stops. What CPython's tree builder refuses after parsing ("cannot assign to literal") is kept until the end of the source
//! has been reached without an error of the grammar.
//!
//! (The plan had `ruff_python_parser` make the tree. Its grammar is a later one: f-strings are tokens of their own, the
//! source does not say what 3.8 would refuse, and type comments and CPython's errors are not there. A tokenizer and an
//! acceptor of 3.8's grammar were needed beside it, and these make the tree as they go.)

mod arguments;
mod expression;
mod fstring;
mod literal;
mod parser;
mod source;
mod statement;
mod target;
mod tokenizer;

use crate::compile::ast;
use crate::compile::error::{CompileError, CompileWarning, ErrorKind};
use source::Undecodable;
use tokenizer::FileEnd;

/// The descent goes on in another piece of stack when less than this is left.
const RED_ZONE: usize = 256 << 10;
/// The size of such a piece.
const STACK: usize = 4 << 20;

/// What a source is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// A module: `exec`.
    #[default]
    Exec,
    /// An expression: `eval`.
    Eval,
    /// One statement of a dialogue: `single`.
    Single,
    /// The type comment of a function: `func_type`.
    FuncType,
}

/// How the bytes of a source are to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceKind {
    /// They are text in UTF-8, and a coding cookie means nothing (`PyCF_IGNORE_COOKIE`).
    #[default]
    Text,
    /// They may start with a byte order mark and have a coding cookie.
    Bytes,
    /// As `Bytes`, and what is not UTF-8 without a cookie is an error that names the file.
    File,
}

/// Decodes bytes by a codec that is not built in: the codec's name and the bytes to UTF-8, or the error's text. `None` when
/// there is no such codec.
pub type Decode<'a> = &'a dyn Fn(&str, &[u8]) -> Option<Result<Vec<u8>, String>>;

/// How to parse.
#[derive(Clone, Copy, Default)]
pub struct ParseOptions<'a> {
    /// What the source is.
    pub mode: Mode,
    /// How its bytes are to be read.
    pub source: SourceKind,
    /// The name of the file, for the error that has it in its text.
    pub filename: &'a str,
    /// `PyCF_DONT_IMPLY_DEDENT`: an unfinished block at the end is an error, for interactive use.
    pub dont_imply_dedent: bool,
    /// `PyCF_TYPE_COMMENTS`.
    pub type_comments: bool,
    /// `CO_FUTURE_BARRY_AS_BDFL`: `<>` instead of `!=`.
    pub barry_as_bdfl: bool,
    /// `feature_version`: the minor version whose syntax is allowed; 0 for 3.8's own.
    pub feature_version: u8,
    /// Whether the names of characters can be had, asked when `\N{...}` wants one; it is an error else. None: they can.
    pub names: Option<fn() -> bool>,
    /// Other codecs.
    pub decode: Option<Decode<'a>>,
}

/// Parses a source.
///
/// # Errors
/// The exception that CPython raises, and where. `text` is `None` where CPython takes the line from the file named by the
/// caller instead (`PyErr_ProgramText`).
pub fn parse(source: &[u8], options: &ParseOptions<'_>) -> Result<(ast::Tree, Vec<CompileWarning>), CompileError> {
    if source.len() >= i32::MAX as usize {
        return Err(CompileError::plain(ErrorKind::Overflow, "source is too long".to_owned()));
    }
    let file = (options.source == SourceKind::File).then(|| FileEnd { complete: source.ends_with(b"\n") });
    match source::decode(source, options) {
        Ok(text) => parser::Parser::new(&text, file, options).tree(),
        Err(Undecodable { error, before }) => {
            // A file is decoded line by line: what is wrong in the lines before comes first.
            if let Some(before) = before.and_then(|before| source.get(..before))
                && let Ok(text) = source::decode(before, options)
                && let Err(first) = parser::Parser::new(&text, file, options).within()
            {
                return Err(first);
            }
            Err(error)
        }
    }
}

/// Parses what a dialogue has given so far of a statement: text in UTF-8, whole lines but perhaps for the last, and nothing will
/// follow when it has `ended`. `None` when the statement is not complete.
///
/// # Errors
/// As for [`parse`].
pub fn parse_dialogue(
    text: &[u8],
    ended: bool,
    options: &ParseOptions<'_>,
) -> Option<Result<(ast::Tree, Vec<CompileWarning>), CompileError>> {
    match source::decode(text, options) {
        Ok(text) => parser::Parser::new(&text, None, options).dialogue(ended),
        Err(undecodable) => Some(Err(undecodable.error)),
    }
}
