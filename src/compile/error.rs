//! What goes wrong when source text is compiled.

/// The exception class of a [`CompileError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// `SyntaxError`.
    Syntax,
    /// `IndentationError`.
    Indentation,
    /// `TabError`.
    Tab,
    /// `ValueError` (null bytes; ASTs that a program made wrong).
    Value,
    /// `TypeError` (ASTs that a program made wrong).
    Type,
    /// `OverflowError`.
    Overflow,
    /// `MemoryError`: CPython's parser ran out of its stack.
    Memory,
    /// `RecursionError`: nested too deeply for the symbol table or the compiler.
    Recursion,
    /// `SystemError`.
    System,
}

/// An exception that compiling raises, with the fields of a `SyntaxError` when it is one.
#[derive(Clone, Debug)]
pub struct CompileError {
    /// Its class.
    pub kind: ErrorKind,
    /// `msg`, in CPython's words.
    pub message: String,
    /// `lineno`, from 1; `None` where CPython sets none.
    pub lineno: Option<u32>,
    /// `offset`, from 1, in characters; `None` where CPython sets none.
    pub offset: Option<u32>,
    /// `text`: the line of the source, WTF-8, with its newline where CPython keeps it.
    ///
    /// `None` with a `lineno`: CPython takes the line from the file, if there is one (`PyErr_ProgramText`).
    pub text: Option<Vec<u8>>,
    /// `filename`, where it is not the caller's: `<fstring>`.
    pub filename: Option<&'static str>,
    /// How it carries its place.
    pub place: Place,
}

/// How a `SyntaxError` carries its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Place {
    /// `args` are `(msg, (filename, lineno, offset, text))`.
    #[default]
    Arguments,
    /// `args` are `(msg,)`; the attributes are set afterwards (`PyErr_SyntaxLocationObject`).
    Attributes,
    /// `args` are `(msg,)`, and no place is known.
    Unknown,
}

impl CompileError {
    /// An error that is at no place.
    pub fn plain(kind: ErrorKind, message: impl Into<String>) -> Self {
        let (lineno, offset, text, filename) = (None, None, None, None);
        CompileError { kind, message: message.into(), lineno, offset, text, filename, place: Place::Unknown }
    }

    /// A `SyntaxError` whose line CPython takes from the file. `col` counts from 0.
    pub fn at(message: impl Into<String>, line: i32, col: i32) -> Self {
        CompileError {
            kind: ErrorKind::Syntax,
            message: message.into(),
            lineno: u32::try_from(line).ok(),
            offset: u32::try_from(col.saturating_add(1)).ok(),
            text: None,
            filename: None,
            place: Place::Arguments,
        }
    }

    /// A `SyntaxError` whose place is set afterwards. `offset` is given as it is.
    pub fn placed(message: impl Into<String>, line: i32, offset: i32) -> Self {
        CompileError {
            lineno: Some(u32::try_from(line).unwrap_or(0)),
            offset: u32::try_from(offset).ok(),
            place: Place::Attributes,
            ..CompileError::plain(ErrorKind::Syntax, message)
        }
    }

    /// What the symbol table and the compiler raise when the tree is nested too deeply.
    pub fn recursion() -> Self {
        CompileError::plain(ErrorKind::Recursion, "maximum recursion depth exceeded during compilation")
    }
}

/// A `SyntaxWarning` or `DeprecationWarning` that compiling issues, in the order in which CPython does.
#[derive(Clone, Debug)]
pub struct CompileWarning {
    /// Whether it is a `DeprecationWarning` (invalid escapes) rather than a `SyntaxWarning`.
    pub deprecation: bool,
    /// Its text.
    pub message: String,
    /// The line it points at, from 1.
    pub lineno: u32,
    /// Its column, from 0, for the `SyntaxError` it becomes when the filter says `error`.
    pub col: u32,
}
