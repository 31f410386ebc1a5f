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
    pub text: Option<Vec<u8>>,
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
