//! Source text in the virtual machine: what `compile()`, `exec()`, `eval()` and the command line need of the compiler.

mod error;
mod load;

pub use error::{program_text, raised};
pub use load::code as code_value;

pub(crate) use crate::modules::ast::text_bytes as wtf8;

use crate::compile::code::CodeObject;
use crate::compile::error::{CompileError, CompileWarning};
use crate::compile::parse::{Mode, ParseOptions, SourceKind, parse, parse_dialogue};
use crate::compile::symtable::RecursionLimit;
use crate::compile::{Options, compile_tree, flags};
use crate::modules::warnings as warnings_module;
use crate::object::error::PyResult;
use crate::object::value::Value;
use crate::types::bytes::{self, Bytes};
use crate::types::code::Code;
use crate::types::codecs;
use crate::types::exceptions::{self, DEPRECATION_WARNING, SYNTAX_WARNING, type_error, value_error};
use crate::types::function::Function;
use crate::types::str::Str;
use crate::vm::frame::Place;
use crate::vm::thread;

/// A source as `compile()` and the like take it.
pub struct Source {
    /// Its text.
    pub bytes: Vec<u8>,
    /// How that is to be read.
    pub kind: SourceKind,
}

/// The text of a str, bytes or buffer object. As `source_as_string`.
///
/// # Errors
/// `TypeError` for anything else, `ValueError` for null bytes, `UnicodeEncodeError` for surrogates.
pub fn source(value: &Value, function: &str, what: &str) -> PyResult<Source> {
    let (bytes, kind) = if value.downcast::<Str>().is_some() {
        let encoded = codecs::encode(value, Some("utf-8"), None)?;
        let bytes = encoded.downcast::<Bytes>().map(|bytes| bytes.as_slice().to_vec()).unwrap_or_default();
        (bytes, SourceKind::Text)
    } else if bytes::is_buffer(value) {
        (bytes::buffer_of(value)?.into_owned(), SourceKind::Bytes)
    } else {
        return Err(type_error(format!("{function}() arg 1 must be a {what} object")));
    };
    if bytes.contains(&0) {
        return Err(value_error("source code string cannot contain null bytes"));
    }
    Ok(Source { bytes, kind })
}

/// The future features of the running code, which what it compiles inherits.
pub fn inherited_flags() -> u32 {
    let Some(place) = Place::current(thread::current()) else { return 0 };
    let function = place.function();
    let Some(code) = function.exact::<Function>().and_then(Function::code) else { return 0 };
    code.exact::<Code>().map_or(0, |code| code.fields.flags & flags::FUTURE)
}

/// How deep the tree of a source may be nested, as things stand.
pub(crate) fn recursion() -> RecursionLimit {
    let thread = thread::current();
    let size = |value: i32| usize::try_from(value).unwrap_or(0);
    RecursionLimit { depth: size(thread.depth()), limit: size(thread.recursion_limit()) }
}

/// Hands warnings to the module `warnings`: the one place through which they go.
///
/// # Errors
/// The `SyntaxError` that a warning becomes when the filters say so.
pub fn issue_warnings(warnings: &[CompileWarning], filename: &Value) -> PyResult<()> {
    for warning in warnings {
        let category = if warning.deprecation { &DEPRECATION_WARNING } else { &SYNTAX_WARNING };
        match warnings_module::warn_at(category, &warning.message, filename, warning.lineno.into()) {
            // As ast_warn: what the filters make an error is a SyntaxError at the place.
            Err(error) if exceptions::is_instance(&error, category) => {
                let line = i32::try_from(warning.lineno).unwrap_or(i32::MAX);
                let col = i32::try_from(warning.col).unwrap_or(i32::MAX);
                return Err(raised(CompileError::at(warning.message.as_str(), line, col), filename));
            }
            result => result?,
        }
    }
    Ok(())
}

/// How to compile.
pub struct Settings<'a> {
    /// The file's name, a str.
    pub filename: &'a Value,
    /// What the source is.
    pub mode: Mode,
    /// `PyCF_*` and future flags.
    pub flags: u32,
    /// 0, 1 or 2.
    pub optimize: u8,
    /// The minor version whose grammar is to be taken; 0 for 3.8.
    pub feature_version: u8,
}

/// Compiles a source to a code object.
///
/// # Errors
/// `SyntaxError` and what else CPython raises for sources.
pub fn compile(source: &Source, settings: &Settings<'_>) -> PyResult<Value> {
    let tree = tree(source, settings)?;
    compile_parsed(tree, settings)
}

/// Parses a source. Its warnings are issued.
///
/// # Errors
/// `SyntaxError` and what else CPython raises for sources.
pub fn tree(source: &Source, settings: &Settings<'_>) -> PyResult<crate::compile::ast::Tree> {
    let filename = settings.filename.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default();
    let decode = |encoding: &str, bytes: &[u8]| -> Option<Result<Vec<u8>, String>> {
        let decoded = codecs::decode(bytes, Some(encoding), None).ok()?;
        decoded.downcast::<Str>().map(|text| Ok(wtf8(text)))
    };
    let options = ParseOptions {
        mode: settings.mode,
        source: source.kind,
        filename: &filename,
        dont_imply_dedent: settings.flags & flags::DONT_IMPLY_DEDENT != 0,
        type_comments: settings.flags & flags::TYPE_COMMENTS != 0,
        barry_as_bdfl: settings.flags & flags::BARRY_AS_BDFL != 0,
        feature_version: settings.feature_version,
        names: Some(codecs::has_character_names),
        decode: Some(&decode),
    };
    let (tree, warnings) = parse(&source.bytes, &options).map_err(|error| raised(error, settings.filename))?;
    issue_warnings(&warnings, settings.filename)?;
    Ok(tree)
}

/// Compiles a statement of a dialogue, of which these lines have been given so far; nothing will follow when it has `ended`. `None`
/// when it is not complete.
///
/// # Errors
/// `SyntaxError` and what else CPython raises for sources.
pub fn statement(text: &[u8], ended: bool, settings: &Settings<'_>) -> PyResult<Option<Value>> {
    let filename = settings.filename.downcast::<Str>().map(Str::to_string_lossy).unwrap_or_default();
    let options = ParseOptions {
        mode: Mode::Single,
        source: SourceKind::Text,
        filename: &filename,
        dont_imply_dedent: false,
        type_comments: false,
        barry_as_bdfl: settings.flags & flags::BARRY_AS_BDFL != 0,
        feature_version: 0,
        names: Some(codecs::has_character_names),
        decode: None,
    };
    let Some(parsed) = parse_dialogue(text, ended, &options) else { return Ok(None) };
    let (tree, warnings) = parsed.map_err(|error| raised(error, settings.filename))?;
    issue_warnings(&warnings, settings.filename)?;
    compile_parsed(tree, settings).map(Some)
}

/// Compiles a tree to a code object.
///
/// # Errors
/// `SyntaxError` and what else CPython's compiler raises.
pub fn compile_parsed(tree: crate::compile::ast::Tree, settings: &Settings<'_>) -> PyResult<Value> {
    compile_to_file(tree, settings).map(|code| code_value(&code))
}

/// Compiles a tree to a code object that is not to be run but written.
///
/// # Errors
/// `SyntaxError` and what else CPython's compiler raises.
pub fn compile_to_file(tree: crate::compile::ast::Tree, settings: &Settings<'_>) -> PyResult<CodeObject> {
    let filename = settings.filename.downcast::<Str>().map(wtf8).unwrap_or_default();
    let options =
        Options { filename: &filename, flags: settings.flags, optimize: settings.optimize, recursion: recursion() };
    let mut warnings = Vec::new();
    let code = compile_tree(tree, options, &mut warnings);
    issue_warnings(&warnings, settings.filename)?;
    code.map_err(|error| raised(error, settings.filename))
}
