//! The bytes of a source to text: byte order mark, coding cookie, newlines.

use super::literal::check_utf8;
use super::{Mode, ParseOptions, SourceKind};
use crate::compile::error::{CompileError, ErrorKind};
use std::borrow::Cow;

/// A source that cannot be decoded.
pub(super) struct Undecodable {
    pub error: CompileError,
    /// How much of the source stands in lines that CPython would have read and parsed before.
    pub before: Option<usize>,
}

impl From<CompileError> for Undecodable {
    fn from(error: CompileError) -> Self {
        Undecodable { error, before: None }
    }
}

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The text in UTF-8, with `\n` for every newline. It may hold bytes that are not UTF-8 where CPython notices them only
/// when it meets them in a name or a string.
pub(super) fn decode<'s>(source: &'s [u8], options: &ParseOptions<'_>) -> Result<Cow<'s, [u8]>, Undecodable> {
    if memchr::memchr(0, source).is_some() {
        let message = "source code string cannot contain null bytes".to_owned();
        return Err(CompileError::plain(ErrorKind::Value, message).into());
    }
    let mut text = newlines(source, options.mode == Mode::Exec, options.source);
    if options.source == SourceKind::Text {
        return Ok(text);
    }
    let bom = text.starts_with(BOM);
    if bom {
        text = match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.get(BOM.len()..).unwrap_or_default()),
            Cow::Owned(mut text) => {
                text.drain(..BOM.len());
                Cow::Owned(text)
            }
        };
    }
    let codec = cookie(&text);
    match codec {
        Some(codec) if bom && codec != "utf-8" => return Err(problem(&format!("{codec} with BOM"), options).into()),
        Some(codec) if codec != "utf-8" => {
            let translated = translate(&text, &codec, options);
            return match options.source {
                // A file is read through its codec: whatever fails there is one error.
                SourceKind::File => translated.map_err(|_| problem(&codec, options)),
                _ => translated,
            }
            .map(Cow::Owned)
            .map_err(Undecodable::from);
        }
        Some(_) => return Ok(text),
        None if bom => return Ok(text),
        None => {}
    }
    if options.source == SourceKind::File
        && let Err(error) = std::str::from_utf8(&text)
    {
        let before = text.get(..error.valid_up_to()).unwrap_or_default();
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let byte = text.get(error.valid_up_to()).copied().unwrap_or(0);
        let message = format!(
            "Non-UTF-8 code starting with '\\x{byte:02x}' in file {} on line {line}, but no encoding declared; \
             see http://python.org/dev/peps/pep-0263/ for details",
            options.filename
        );
        let lineno = u32::try_from(line).ok();
        return Err(Undecodable {
            error: CompileError { lineno, ..undecodable(message) },
            before: line_start(source, line),
        });
    }
    Ok(text)
}

/// Where a line starts, counted from 1.
fn line_start(source: &[u8], line: usize) -> Option<usize> {
    if line <= 1 {
        return Some(0);
    }
    let is_end = |at: &usize| source.get(*at) == Some(&b'\n') || source.get(at + 1) != Some(&b'\n');
    memchr::memchr2_iter(b'\r', b'\n', source).filter(is_end).nth(line - 2).map(|at| at + 1)
}

/// One character for every newline, and one at the end where `end` wants it.
fn newlines(source: &[u8], end: bool, kind: SourceKind) -> Cow<'_, [u8]> {
    let complete = !end || source.last() == Some(&b'\n');
    if memchr::memchr(b'\r', source).is_none() {
        if complete {
            return Cow::Borrowed(source);
        }
        let mut text = Vec::with_capacity(source.len() + 1);
        text.extend_from_slice(source);
        text.push(b'\n');
        return Cow::Owned(text);
    }
    let mut text = Vec::with_capacity(source.len() + 1);
    let mut rest = source;
    while let Some(at) = memchr::memchr(b'\r', rest) {
        text.extend_from_slice(rest.get(..at).unwrap_or_default());
        text.push(b'\n');
        let skip = if rest.get(at + 1) == Some(&b'\n') { 2 } else { 1 };
        rest = rest.get(at + skip..).unwrap_or_default();
    }
    text.extend_from_slice(rest);
    // (In text, CPython adds one behind a last `\r\n`, too.)
    if end && (text.last() != Some(&b'\n') || (source.ends_with(b"\r\n") && kind != SourceKind::File)) {
        text.push(b'\n');
    }
    Cow::Owned(text)
}

/// The codec that a comment in the first or second line names.
fn cookie(text: &[u8]) -> Option<String> {
    let first_end = memchr::memchr(b'\n', text)?;
    let first = text.get(..first_end)?;
    if let Some(codec) = cookie_in(first) {
        return Some(codec);
    }
    // The second line counts when the first one holds nothing but a comment.
    let blank = first.iter().take_while(|c| matches!(c, b' ' | b'\t' | 0x0c)).count();
    if first.get(blank).is_some_and(|&c| c != b'#') {
        return None;
    }
    let rest = text.get(first_end + 1..)?;
    let second_end = memchr::memchr(b'\n', rest)?;
    cookie_in(rest.get(..second_end)?)
}

fn cookie_in(line: &[u8]) -> Option<String> {
    let start = line.iter().take_while(|c| matches!(c, b' ' | b'\t' | 0x0c)).count();
    if line.get(start) != Some(&b'#') {
        return None;
    }
    let mut rest = line.get(start..)?;
    while let Some(at) = memchr::memmem::find(rest, b"coding") {
        rest = rest.get(at + 6..)?;
        if !matches!(rest.first(), Some(b':' | b'=')) {
            continue;
        }
        let after = rest.get(1..)?;
        let spaces = after.iter().take_while(|&&c| c == b' ' || c == b'\t').count();
        let after = after.get(spaces..)?;
        let length = after.iter().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.')).count();
        if length > 0 {
            return Some(normal_name(&String::from_utf8_lossy(after.get(..length)?)));
        }
    }
    None
}

/// The names of UTF-8 and Latin-1 that CPython's tokenizer knows by itself.
fn normal_name(name: &str) -> String {
    let start: String = name.chars().take(12).map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect();
    let is = |known: &str| start == known || start.starts_with(&format!("{known}-"));
    if is("utf-8") {
        "utf-8".to_owned()
    } else if is("latin-1") || is("iso-8859-1") || is("iso-latin-1") {
        "iso-8859-1".to_owned()
    } else {
        name.to_owned()
    }
}

fn translate(text: &[u8], codec: &str, options: &ParseOptions<'_>) -> Result<Vec<u8>, CompileError> {
    let name: String = codec.to_ascii_lowercase().replace(['_', '.'], "-");
    match name.as_str() {
        "iso-8859-1" | "latin-1" | "latin1" | "l1" | "latin" | "8859" | "cp819" | "iso8859" | "iso8859-1"
        | "iso-ir-100" => return Ok(text.iter().map(|&c| char::from(c)).collect::<String>().into_bytes()),
        "ascii" | "us-ascii" | "646" | "us" | "ansi-x3-4-1968" | "iso646-us" => {
            return match text.iter().position(|c| !c.is_ascii()) {
                None => Ok(text.to_vec()),
                Some(at) => Err(undecodable(format!(
                    "'ascii' codec can't decode byte 0x{:02x} in position {at}: ordinal not in range(128)",
                    text.get(at).copied().unwrap_or(0)
                ))),
            };
        }
        "utf8" | "u8" | "utf" | "cp65001" => {
            return match check_utf8(text) {
                Ok(()) => Ok(text.to_vec()),
                Err(message) => Err(undecodable(message)),
            };
        }
        _ => {}
    }
    match options.decode.and_then(|decode| decode(codec, text)) {
        Some(Ok(text)) => Ok(text),
        Some(Err(message)) => Err(undecodable(message)),
        None => Err(undecodable(format!("unknown encoding: {codec}"))),
    }
}

fn problem(what: &str, options: &ParseOptions<'_>) -> CompileError {
    let line = u32::from(options.source == SourceKind::File);
    CompileError { lineno: Some(line), ..undecodable(format!("encoding problem: {what}")) }
}

/// A source that cannot be decoded: the error is at no line.
fn undecodable(message: String) -> CompileError {
    CompileError { lineno: Some(0), offset: Some(0), ..CompileError::plain(ErrorKind::Syntax, message) }
}
