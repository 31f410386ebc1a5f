//! What the interpreter prints about exceptions that nobody handled.

use crate::modules::sys;
use crate::object::attribute;
use crate::object::error::Raised;
use crate::object::text;
use crate::object::value::Value;
use crate::types::exceptions::{BaseException, SYNTAX_ERROR};
use crate::types::frame::Frame;
use crate::types::str::Str;
use crate::types::traceback::Traceback;
use crate::types::type_;
use std::fmt::Write;

/// `Exception ignored in: ...` and the traceback, on `sys.stderr`. As `_PyErr_WriteUnraisableMsg`.
pub fn unraisable(raised: Raised, source: &Value) {
    let exception = raised.into_value();
    let source = text::repr_string(source).unwrap_or_else(|_| "<object repr() failed>".to_owned());
    let mut out = format!("Exception ignored in: {source}\n");
    append_traceback(&mut out, &exception);
    append_line(&mut out, &exception);
    sys::write_stderr(&out);
}

/// The traceback of an exception with those of its causes and contexts, as `PyErr_Display` prints it.
pub fn describe(exception: &Value) -> String {
    let mut out = String::new();
    let mut seen = Vec::new();
    append_chain(&mut out, exception, &mut seen);
    out
}

const CAUSE: &str = "\nThe above exception was the direct cause of the following exception:\n\n";
const CONTEXT: &str = "\nDuring handling of the above exception, another exception occurred:\n\n";

fn append_chain(out: &mut String, exception: &Value, seen: &mut Vec<u64>) {
    // The chain is followed to its beginning first; a list, for chains may be long.
    let mut chain: Vec<(Value, &'static str)> = vec![(exception.clone(), "")];
    seen.push(exception.bits());
    while let Some((last, _)) = chain.last() {
        let Some(body) = last.downcast::<BaseException>() else { break };
        let next = match body.cause() {
            Some(cause) => Some((cause, CAUSE)),
            None if !body.suppress_context() => body.context().map(|context| (context, CONTEXT)),
            None => None,
        };
        match next {
            Some((next, link)) if !seen.contains(&next.bits()) => {
                seen.push(next.bits());
                chain.push((next, link));
            }
            _ => break,
        }
    }
    for index in (0..chain.len()).rev() {
        append_traceback(out, &chain[index].0);
        append_line(out, &chain[index].0);
        out.push_str(chain[index].1);
    }
}

/// Entries beyond this many equal ones are counted instead of shown.
const REPEATS: usize = 3;

fn append_traceback(out: &mut String, exception: &Value) {
    let Some(mut at) = exception.downcast::<BaseException>().and_then(BaseException::traceback) else { return };
    out.push_str("Traceback (most recent call last):\n");
    let mut entries = Vec::new();
    while let Some(level) = at.exact::<Traceback>() {
        let (file, name) = level
            .frame()
            .exact::<Frame>()
            .and_then(|frame| frame.code().map(|code| (code.filename(), code.name())))
            .unwrap_or_default();
        entries.push((file, level.line(), name));
        let Some(next) = level.next() else { break };
        at = next;
    }
    // As tb_printinternal: sys.tracebacklimit keeps the last entries.
    let limit = sys::traceback_limit();
    let start = entries.len().saturating_sub(limit);
    let mut sources = SourceLines::default();
    let mut repeated = 0;
    let mut previous: Option<&(String, i32, String)> = None;
    for entry in &entries[start..] {
        if previous == Some(entry) {
            repeated += 1;
        } else {
            append_repeats(out, repeated);
            repeated = 0;
        }
        previous = Some(entry);
        if repeated < REPEATS {
            let (file, line, name) = entry;
            let _infallible = writeln!(out, "  File \"{file}\", line {line}, in {name}");
            if let Some(source) = sources.line(file, *line) {
                let _infallible = writeln!(out, "    {source}");
            }
        }
    }
    append_repeats(out, repeated);
}

fn append_repeats(out: &mut String, repeated: usize) {
    if repeated >= REPEATS {
        let more = repeated + 1 - REPEATS;
        let _infallible =
            writeln!(out, "  [Previous line repeated {more} more time{}]", if more == 1 { "" } else { "s" });
    }
}

/// Source files read once.
#[derive(Default)]
struct SourceLines {
    files: std::collections::HashMap<String, Option<Vec<String>>>,
}

impl SourceLines {
    /// A line without its indentation, when the file can be read and has it.
    fn line(&mut self, file: &str, line: i32) -> Option<String> {
        let lines = self.files.entry(file.to_owned()).or_insert_with(|| {
            let bytes = std::fs::read(file).ok()?;
            Some(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
        });
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        let text = lines.as_ref()?.get(index)?.trim_start_matches([' ', '\t', '\x0c']).trim_end();
        Some(text.to_owned())
    }
}

/// The last line: class, and what `str()` of the exception gives.
fn append_line(out: &mut String, exception: &Value) {
    let ty = exception.ty();
    if ty.is_subtype(&SYNTAX_ERROR) {
        append_syntax_error(out, exception);
    }
    let name = ty.short_name();
    let module = match type_::module_name(ty) {
        Ok(Some(module)) if module != "builtins" => format!("{module}."),
        Ok(Some(_)) => String::new(),
        _ => "<unknown>.".to_owned(),
    };
    let message = match text::str_string(exception) {
        Ok(message) => message,
        Err(_) => "<exception str() failed>".to_owned(),
    };
    if message.is_empty() {
        let _infallible = writeln!(out, "{module}{name}");
    } else {
        let _infallible = writeln!(out, "{module}{name}: {message}");
    }
}

/// Where a SyntaxError is: file, line, source line and a caret. As `parse_syntax_error`.
fn append_syntax_error(out: &mut String, exception: &Value) {
    let field = |name: &str| attribute::lookup_str(exception, name).ok().flatten();
    let text_of = |value: Value| value.downcast::<Str>().map(Str::to_string_lossy);
    let (Some(file), Some(line)) = (field("filename"), field("lineno").and_then(|line| line.as_small_int())) else {
        return;
    };
    let file = text_of(file).unwrap_or_else(|| "<string>".to_owned());
    let _infallible = writeln!(out, "  File \"{file}\", line {line}");
    let Some(source) = field("text").and_then(text_of) else { return };
    let offset = field("offset").and_then(|offset| offset.as_small_int()).unwrap_or(-1);
    let trimmed = source.trim_start_matches([' ', '\t', '\x0c']);
    let removed = source.chars().count() as i64 - trimmed.chars().count() as i64;
    let _infallible = writeln!(out, "    {}", trimmed.trim_end_matches('\n'));
    if offset >= 0 {
        let column = (offset - removed - 1).max(0) as usize;
        let _infallible = writeln!(out, "    {}^", " ".repeat(column));
    }
}
