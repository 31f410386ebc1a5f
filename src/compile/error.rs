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
}

impl CompileError {
    /// An error that is at no place.
    pub fn plain(kind: ErrorKind, message: String) -> Self {
        CompileError { kind, message, lineno: None, offset: None, text: None, filename: None }
    }

    /// A `SyntaxError` whose line CPython takes from the file. `col` counts from 0.
    pub fn at(message: String, line: i32, col: i32) -> Self {
        CompileError {
            kind: ErrorKind::Syntax,
            message,
            lineno: u32::try_from(line).ok(),
            offset: u32::try_from(col.saturating_add(1)).ok(),
            text: None,
            filename: None,
        }
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
