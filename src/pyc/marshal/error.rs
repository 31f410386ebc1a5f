//! What can be wrong with marshal data: one variant for each thing CPython's reader refuses, with CPython's own text.

use std::fmt::{self, Write};

/// An error of the marshal reader: what is wrong, and at which byte.
///
/// One boxed word, so that results travel in registers.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    offset: usize,
}

/// The Python exception that CPython raises for an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExceptionClass {
    /// `EOFError`: the data ends too early.
    EofError,
    /// `ValueError`: a size, digit, type code or reference is wrong.
    ValueError,
    /// `TypeError`: an object is missing or may not stand where it stands.
    TypeError,
    /// `SystemError`: a field of a code object has the wrong type.
    SystemError,
    /// `UnicodeDecodeError`: a string is not UTF-8 (lone surrogates allowed).
    UnicodeDecodeError,
}

impl ExceptionClass {
    /// The class's Python name.
    pub fn name(self) -> &'static str {
        match self {
            ExceptionClass::EofError => "EOFError",
            ExceptionClass::ValueError => "ValueError",
            ExceptionClass::TypeError => "TypeError",
            ExceptionClass::SystemError => "SystemError",
            ExceptionClass::UnicodeDecodeError => "UnicodeDecodeError",
        }
    }
}

/// What is wrong with the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The data ends where a type code or a one-byte length must stand.
    EofWhereObjectExpected,
    /// The data ends inside an object.
    TooShort,
    /// A type code that no object has.
    UnknownTypeCode,
    /// A reference to an object that does not exist, or to a code object or frozenset that is still being built.
    InvalidReference,
    /// Objects nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
    RecursionLimit,
    /// A negative size; the word names what has it (`tuple`, `list`, `set`, `string`, `bytes object`, `long`).
    SizeOutOfRange(&'static str),
    /// A 15-bit digit of an int with its 16th bit set.
    DigitOutOfRange,
    /// The highest digit of an int is zero.
    UnnormalizedLong,
    /// A NULL where a container (`tuple`, `list`, `set`) or the caller (`object`) needs an object.
    NullObject(&'static str),
    /// The text form of a float is not a number. Holds the text.
    BadFloat(String),
    /// An element of a set or a key of a dict has an unhashable type. Holds the type's name.
    Unhashable(&'static str),
    /// The hash of a tuple that contains itself would be needed. CPython crashes here.
    RecursiveHash,
    /// A string is not valid UTF-8. Holds the text of CPython's `UnicodeDecodeError`.
    InvalidUtf8(String),
    /// A field of a code object has the wrong type or a negative count.
    BadCodeField,
    /// One of `co_names`, `co_varnames`, `co_freevars`, `co_cellvars` holds something that is not a string. 3.8 ends the
    /// process with this text; later versions raise `SystemError`.
    NonStringInCode,
    /// `co_consts` is a tuple that is still being built. CPython crashes here.
    UnfinishedConsts,
    /// Fewer local variables than arguments.
    VarnamesTooSmall,
    /// The data is longer than 4 GiB, which this reader does not index. CPython has no such limit.
    TooLong,
}

impl Error {
    /// An error at a byte offset.
    #[cold]
    #[inline(never)]
    pub(super) fn new(kind: ErrorKind, offset: usize) -> Error {
        Error(Box::new(Inner { kind, offset }))
    }

    /// What is wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The byte at which it is wrong, counted from the start of the slice given to the reader.
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// The exception class that CPython raises.
    pub fn exception(&self) -> ExceptionClass {
        match self.kind() {
            ErrorKind::EofWhereObjectExpected | ErrorKind::TooShort => ExceptionClass::EofError,
            ErrorKind::UnknownTypeCode
            | ErrorKind::InvalidReference
            | ErrorKind::RecursionLimit
            | ErrorKind::SizeOutOfRange(_)
            | ErrorKind::DigitOutOfRange
            | ErrorKind::UnnormalizedLong
            | ErrorKind::BadFloat(_)
            | ErrorKind::VarnamesTooSmall
            | ErrorKind::RecursiveHash
            | ErrorKind::UnfinishedConsts
            | ErrorKind::TooLong => ExceptionClass::ValueError,
            ErrorKind::NullObject(_) | ErrorKind::Unhashable(_) => ExceptionClass::TypeError,
            ErrorKind::BadCodeField | ErrorKind::NonStringInCode => ExceptionClass::SystemError,
            ErrorKind::InvalidUtf8(_) => ExceptionClass::UnicodeDecodeError,
        }
    }

    /// CPython's text for the error, without the offset.
    pub fn message(&self) -> String {
        match self.kind() {
            ErrorKind::EofWhereObjectExpected => "EOF read where object expected".into(),
            ErrorKind::TooShort => "marshal data too short".into(),
            ErrorKind::UnknownTypeCode => "bad marshal data (unknown type code)".into(),
            ErrorKind::InvalidReference => "bad marshal data (invalid reference)".into(),
            ErrorKind::RecursionLimit => "recursion limit exceeded".into(),
            ErrorKind::SizeOutOfRange(what) => format!("bad marshal data ({what} size out of range)"),
            ErrorKind::DigitOutOfRange => "bad marshal data (digit out of range in long)".into(),
            ErrorKind::UnnormalizedLong => "bad marshal data (unnormalized long data)".into(),
            ErrorKind::NullObject(what) => format!("NULL object in marshal data for {what}"),
            ErrorKind::BadFloat(text) => format!("could not convert string to float: '{text}'"),
            ErrorKind::Unhashable(name) => format!("unhashable type: '{name}'"),
            ErrorKind::RecursiveHash => "bad marshal data (hash of a tuple that contains itself)".into(),
            ErrorKind::InvalidUtf8(text) => text.clone(),
            ErrorKind::BadCodeField => BAD_INTERNAL_CALL.into(),
            ErrorKind::NonStringInCode => "non-string found in code slot".into(),
            ErrorKind::UnfinishedConsts => "bad marshal data (co_consts refers to a tuple that contains it)".into(),
            ErrorKind::VarnamesTooSmall => "code: varnames is too small".into(),
            ErrorKind::TooLong => "marshal data of more than 4 GiB".into(),
        }
    }
}

/// What 3.8.18's `PyErr_BadInternalCall` says in `PyCode_NewWithPosOnlyArgs`.
const BAD_INTERNAL_CALL: &str = "Objects/codeobject.c:130: bad argument to internal function";

impl fmt::Display for Error {
    /// The message and the offset, in one line: what the message quotes of the data may hold control characters, which
    /// are escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.message().chars() {
            match c.is_control() {
                true => write!(f, "{}", c.escape_default())?,
                false => f.write_char(c)?,
            }
        }
        write!(f, " at offset {}", self.offset())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}, offset {})", self.kind(), self.offset())
    }
}

impl std::error::Error for Error {}
