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
    /// Who knows the place: see [`Place`].
    pub place: Place,
}

/// How a `SyntaxError` carries its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Place {
    /// `args` are `(msg, (filename, lineno, offset, text))`, the text being the source's.
    #[default]
    Arguments,
    /// The same, but the text is that of the file called `filename`, if there is one (`compiler_error`).
    ArgumentsOfFile,
    /// `args` are `(msg,)`; the attributes are set afterwards, the text that of the file called `filename`
    /// (`PyErr_SyntaxLocationObject`).
    AttributesOfFile,
    /// `args` are `(msg,)`, and no place is known.
    Unknown,
}

impl CompileError {
    /// An exception without a place.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        CompileError { kind, message, lineno: None, offset: None, text: None, place: Place::Unknown }
    }

    /// A `SyntaxError` at a line (from 1) and offset, of which negative ones are none.
    pub fn at(message: impl Into<String>, line: i32, offset: i32, place: Place) -> Self {
        let lineno = Some(u32::try_from(line).unwrap_or(0));
        let offset = u32::try_from(offset).ok();
        CompileError { kind: ErrorKind::Syntax, message: message.into(), lineno, offset, text: None, place }
    }

    /// What the symbol table and the compiler raise when the tree is nested too deeply.
    pub fn recursion() -> Self {
        CompileError::new(ErrorKind::Recursion, "maximum recursion depth exceeded during compilation")
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
